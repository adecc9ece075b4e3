//! What is traded and in which sizes and prices.

use rust_decimal::Decimal;

use super::book::Shape;
use super::orders::{Order, Side};

/// Decimals to which the value of an execution is rounded, half to even; it is exact wherever it can be.
pub(crate) const VALUE_DECIMALS: u32 = 18;

/// How a quantity turns into money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstrumentKind {
    /// Base against quote, both delivered at once; there are no positions.
    Spot,
    /// A contract worth quantity × contract size × price in its settlement asset, which prices are in.
    Linear,
    /// A contract of a fixed quote value, worth quantity × contract size ÷ price in its settlement asset, the base.
    Inverse,
}

/// Trading rules of one instrument, as the venue publishes them.
///
/// Quantities are counted in the venue's own unit: base units where `contract_size` is 1 on spot and linear
/// instruments, else contracts. Prices are quote units, notionals too.
#[derive(Clone, Debug)]
pub struct Instrument {
    /// The venue's own name, for example `BTCUSDT`.
    pub symbol: &'static str,
    /// How a quantity turns into money.
    pub kind: InstrumentKind,
    /// Asset that is exposed to the price.
    pub base: &'static str,
    /// Asset that prices are in.
    pub quote: &'static str,
    /// Asset that margin, profit and fees of contracts are in; the quote on spot.
    pub settle: &'static str,
    /// What one unit of quantity stands for: base units on spot and linear, quote units on inverse instruments.
    pub contract_size: Decimal,
    /// Price increment, where no entry of `tick_steps` says otherwise.
    pub tick: Decimal,
    /// Larger increments above certain prices, as (above this price, this increment), lowest price first.
    pub tick_steps: Vec<(Decimal, Decimal)>,
    /// Quantity increment.
    pub step: Decimal,
    /// Smallest quantity of an order.
    pub quantity_min: Decimal,
    /// Largest quantity of a limit order.
    pub quantity_max: Decimal,
    /// Largest quantity of a market order.
    pub market_quantity_max: Decimal,
    /// Smallest notional, reduce-only orders exempt.
    pub notional_min: Decimal,
    /// Lowest price of a limit order.
    pub price_min: Decimal,
    /// Highest price of a limit order.
    pub price_max: Decimal,
    /// How far above the mark a buy may be priced: 0.05 is five per cent.
    pub price_band: Decimal,
    /// How far below the mark a sell may be priced.
    pub price_band_below: Decimal,
    /// Decimals a price may be written with, and is printed with.
    pub price_decimals: u32,
    /// Decimals a quantity may be written with, and is printed with.
    pub quantity_decimals: u32,
    /// Largest leverage; 1 on spot.
    pub leverage_max: u32,
    /// When trading began, milliseconds UTC.
    pub listed_ms: u64,
}

impl Instrument {
    /// Whether trading it leaves balances instead of a position.
    #[must_use]
    pub fn is_spot(&self) -> bool {
        self.kind == InstrumentKind::Spot
    }

    /// Worth of `quantity` at `price` in the settlement asset, with the sign of the quantity.
    ///
    /// Rounded half to even to eighteen decimals.
    #[must_use]
    pub fn value(&self, quantity: Decimal, price: Decimal) -> Decimal {
        let value = match self.kind {
            InstrumentKind::Spot | InstrumentKind::Linear => quantity * self.contract_size * price,
            InstrumentKind::Inverse if price.is_zero() => Decimal::ZERO,
            InstrumentKind::Inverse => quantity * self.contract_size / price,
        };
        value.round_dp(VALUE_DECIMALS)
    }

    /// Worth of `quantity` at `price` in quote units, with the sign of the quantity.
    #[must_use]
    pub fn notional(&self, quantity: Decimal, price: Decimal) -> Decimal {
        match self.kind {
            InstrumentKind::Spot | InstrumentKind::Linear => quantity * self.contract_size * price,
            InstrumentKind::Inverse => quantity * self.contract_size,
        }
    }

    /// Base units that `quantity` stands for at `price`, with the sign of the quantity.
    #[must_use]
    pub fn base_units(&self, quantity: Decimal, price: Decimal) -> Decimal {
        match self.kind {
            InstrumentKind::Spot | InstrumentKind::Linear => quantity * self.contract_size,
            InstrumentKind::Inverse => self.value(quantity, price),
        }
    }

    /// The quantity that has this notional at `price`, not rounded.
    pub(crate) fn quantity_worth(&self, notional: Decimal, price: Decimal) -> Decimal {
        let unit = self.notional(Decimal::ONE, price);
        if unit.is_zero() { Decimal::ZERO } else { notional / unit }
    }

    /// Executed value of an order in the settlement asset.
    #[must_use]
    pub fn executed_value(&self, order: &Order) -> Decimal {
        order.trades.iter().map(|trade| self.value(trade.quantity, trade.price)).sum()
    }

    /// Average execution price of an order, zero when nothing executed.
    ///
    /// It is the price at which the whole would have had the value it had.
    #[must_use]
    pub fn average_price(&self, order: &Order) -> Decimal {
        self.price_of(order.executed, self.executed_value(order))
    }

    /// The price at which `quantity` is worth `value`, zero for nothing.
    pub(crate) fn price_of(&self, quantity: Decimal, value: Decimal) -> Decimal {
        let sized = quantity * self.contract_size;
        match self.kind {
            _ if sized.is_zero() || value.is_zero() => Decimal::ZERO,
            InstrumentKind::Spot | InstrumentKind::Linear => value / sized,
            InstrumentKind::Inverse => sized / value,
        }
    }

    /// What taking on `quantity` (signed) at `price` costs in the settlement asset, negative when it brings in.
    ///
    /// A long inverse contract is a debt of its worth: its profit is the worth at entry less the worth now.
    pub(crate) fn cost(&self, quantity: Decimal, price: Decimal) -> Decimal {
        match self.kind {
            InstrumentKind::Spot | InstrumentKind::Linear => self.value(quantity, price),
            InstrumentKind::Inverse => -self.value(quantity, price),
        }
    }

    /// The price increment in force at `price`.
    #[must_use]
    pub fn tick_at(&self, price: Decimal) -> Decimal {
        let steps = self.tick_steps.iter().rev();
        steps.clone().find(|(above, _)| price > *above).map_or(self.tick, |(_, tick)| *tick)
    }
}

/// An instrument with its state of the market.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub(crate) instrument: Instrument,
    /// The price that books are built around; on contracts also the one positions are valued at.
    pub(crate) mark: Decimal,
    /// Paid by longs to shorts per eight hours, as a fraction of the notional; zero on spot.
    pub(crate) funding_rate: Decimal,
    pub(crate) shape: Shape,
}

impl Listing {
    /// The price beyond which a market order stops: the venue's band around the mark.
    pub(crate) fn band(&self, side: Side) -> Decimal {
        let rules = &self.instrument;
        let limit = match side {
            Side::Buy => self.mark + self.mark * rules.price_band,
            Side::Sell => self.mark - self.mark * rules.price_band_below,
        };
        floor_to(limit, rules.tick_at(limit))
    }
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
