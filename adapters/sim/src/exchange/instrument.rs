//! What is traded and in which sizes and prices.

use rust_decimal::Decimal;

use super::book::Shape;

/// Trading rules of one perpetual contract, as the venue publishes them.
///
/// Quantities are base units, prices and notionals quote units.
#[derive(Clone, Debug)]
pub struct Instrument {
    /// The venue's own name, for example `BTCUSDT`.
    pub symbol: &'static str,
    /// Asset that a quantity counts.
    pub base: &'static str,
    /// Asset that prices, margin, profit and fees are in.
    pub quote: &'static str,
    /// Price increment.
    pub tick: Decimal,
    /// Quantity increment.
    pub step: Decimal,
    /// Smallest quantity of an order.
    pub quantity_min: Decimal,
    /// Largest quantity of a limit order.
    pub quantity_max: Decimal,
    /// Largest quantity of a market order.
    pub market_quantity_max: Decimal,
    /// Smallest price × quantity, reduce-only orders exempt.
    pub notional_min: Decimal,
    /// Lowest price of a limit order.
    pub price_min: Decimal,
    /// Highest price of a limit order.
    pub price_max: Decimal,
    /// How far above the mark a buy, or below it a sell, may be priced: 0.05 is five per cent.
    pub price_band: Decimal,
    /// Decimals a price may be written with, and is printed with.
    pub price_decimals: u32,
    /// Decimals a quantity may be written with, and is printed with.
    pub quantity_decimals: u32,
    /// Largest leverage.
    pub leverage_max: u32,
    /// When trading began, milliseconds UTC.
    pub listed_ms: u64,
}

/// An instrument with its state of the market.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub(crate) instrument: Instrument,
    pub(crate) mark: Decimal,
    /// Paid by longs to shorts per eight hours, as a fraction of the notional.
    pub(crate) funding_rate: Decimal,
    pub(crate) shape: Shape,
}

/// Milliseconds between two funding times.
pub(crate) const FUNDING_INTERVAL_MS: u64 = 8 * 3_600_000;

/// The first funding time after `now_ms`: 00:00, 08:00 or 16:00 UTC.
pub(crate) fn next_funding_ms(now_ms: u64) -> u64 {
    (now_ms / FUNDING_INTERVAL_MS + 1) * FUNDING_INTERVAL_MS
}

/// Whether `value` is a whole multiple of `increment`.
pub(crate) fn is_multiple(value: Decimal, increment: Decimal) -> bool {
    (value % increment).is_zero()
}

/// `value` rounded down to a multiple of `increment`.
pub(crate) fn floor_to(value: Decimal, increment: Decimal) -> Decimal {
    value - value % increment
}

/// `value` with exactly `decimals` digits after the point.
pub(crate) fn fixed(value: Decimal, decimals: u32) -> String {
    let mut value = value.round_dp(decimals);
    value.rescale(decimals);
    if value.is_zero() {
        value.set_sign_positive(true);
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::{fixed, floor_to, next_funding_ms};

    #[test]
    fn funding_is_due_at_the_next_eight_hour_boundary_and_never_now() {
        let eight = 1_795_334_400_000; // 2026-11-22T08:00:00Z
        assert_eq!(next_funding_ms(eight - 1), eight);
        assert_eq!(next_funding_ms(eight), eight + 28_800_000);
    }

    #[test]
    fn rounding_down_and_printing_keep_the_scale() {
        assert_eq!(floor_to(Decimal::new(12_345, 4), Decimal::new(1, 3)), Decimal::new(1234, 3));
        assert_eq!(fixed(Decimal::new(5, 1), 3), "0.500");
        assert_eq!(fixed(Decimal::new(-1, 9), 3), "0.000");
    }
}
