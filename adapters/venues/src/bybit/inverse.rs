//! What Bybit documents about its inverse contracts and this adapter relies on.
//!
//! A contract is one USD, margin, profit and fees are in the base coin, and every instrument is in one-way mode.
//! Source: Bybit v5 Place Order; Get Position Info; Switch Position Mode, read 2026-11-22.

use equipoise_core::VenueTraits;

use super::product::{self, Kind, LIMIT_COUNT, Product};
use crate::budget::Limit;

/// The adapter's name in configuration.
pub(crate) const NAME: &str = "bybit-inverse";

/// The exchange's spreads are of linear contracts and spot.
/// Source: Bybit v5 Spread Trading, Get Instruments Info, read 2026-11-22.
pub(crate) fn traits() -> VenueTraits {
    product::traits(false)
}

pub(crate) const PRODUCT: Product = Product {
    kind: Kind::Inverse,
    category: "inverse",
    limits: &LIMITS,
    // Of a regular account; an assumption as for linear contracts.
    taker_fee_standard: Some("0.00055"),
    // In the first kind of unified account inverse contracts were still kept in an account of their own.
    // Source: Bybit v5 Account Modes; Enum Definitions, unifiedMarginStatus, read 2026-11-22.
    account: (5, "unified trading accounts of version 2"),
};

const LIMITS: [Limit; LIMIT_COUNT] = product::limits("inverse", 10);
