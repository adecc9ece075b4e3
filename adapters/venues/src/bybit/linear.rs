//! What Bybit documents about its linear contracts and this adapter relies on.

use equipoise_core::VenueTraits;

use super::product::{self, Kind, LIMIT_COUNT, Product};
use crate::budget::Limit;

/// The adapter's name in configuration.
pub(crate) const NAME: &str = "bybit-linear";

/// Source: Bybit v5 Spread Trading, Get Instruments Info, for the native spreads, read 2026-11-22.
pub(crate) fn traits() -> VenueTraits {
    product::traits(true)
}

pub(crate) const PRODUCT: Product = Product {
    kind: Kind::Linear,
    category: "linear",
    limits: &LIMITS,
    // Of a regular account. An assumption: the fee schedule is not part of the interface's documentation and differs
    // by region.
    taker_fee_standard: Some("0.00055"),
    // Below are classic accounts, whose listings and balances follow other rules.
    // Source: Bybit v5 Enum Definitions, unifiedMarginStatus, read 2026-11-22.
    account: (3, "unified trading accounts"),
};

const LIMITS: [Limit; LIMIT_COUNT] = product::limits("linear", 10);
