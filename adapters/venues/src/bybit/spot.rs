//! What Bybit documents about spot trading and this adapter relies on.
//!
//! Quantities are always sent in base units, with the unit named on market orders, whose default is quote for buys.
//! Nothing is ever borrowed.
//! Source: Bybit v5 Place Order, qty, marketUnit, isLeverage, read 2026-11-22.

use equipoise_core::VenueTraits;

use super::product::{self, Kind, LIMIT_COUNT, Product};
use crate::budget::Limit;

/// The adapter's name in configuration.
pub(crate) const NAME: &str = "bybit-spot";

/// Source: Bybit v5 Spread Trading, Get Instruments Info, for the native spreads, read 2026-11-22.
pub(crate) fn traits() -> VenueTraits {
    product::traits(true)
}

pub(crate) const PRODUCT: Product = Product {
    kind: Kind::Spot,
    category: "spot",
    limits: &LIMITS,
    taker_fee_standard: None,
    // Source: Bybit v5 Enum Definitions, unifiedMarginStatus, read 2026-11-22.
    account: (3, "unified trading accounts"),
};

const LIMITS: [Limit; LIMIT_COUNT] = product::limits("spot", 20);
