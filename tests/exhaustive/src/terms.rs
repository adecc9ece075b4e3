//! What a venue trades, and the judges' own arithmetic over it.
//!
//! Sizes are counted in lots, holdings in parts of a venue unit, deltas in parts of a base unit, all of them whole
//! numbers. Nothing of the engine's decimal code is used, so neither can hide a mistake of the other.

use std::hash::{Hash, Hasher};

use equipoise_core::{
    Amount, Asset, BookTop, Instrument, InstrumentKind, PositionMode, Price, Qty, Side, Symbol,
};
use rust_decimal::Decimal;

/// Parts of a venue unit, of a base unit and of a unit of quote: deltas have twelve places (K7).
pub(crate) const PARTS: i128 = 1_000_000_000_000;
/// Decimal places of a part.
const PLACES: u32 = 12;
/// Longest search for a size, lots.
const LOTS_MAX: u32 = 1 << 24;

/// What an account pays the fee of a spot buy in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pays {
    /// Out of what it buys, as the engine expects.
    Bought,
    /// Out of a token of the exchange that the account holds for this: nothing is missing of what it buys.
    Token,
}

/// What such a token is called.
const TOKEN: &str = "BNB";

/// Rules and prices of one instrument.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) symbol: &'static str,
    pub(crate) kind: InstrumentKind,
    pub(crate) base: &'static str,
    pub(crate) quote: &'static str,
    /// One lot, parts of a venue unit.
    pub(crate) lot: i128,
    /// Base units (linear, spot) or quote units (inverse) of one venue unit, in parts.
    pub(crate) contract: i128,
    /// Smallest order by quantity, lots.
    pub(crate) least: u32,
    /// Smallest order by value, whole quote.
    pub(crate) value_min: u32,
    /// Fee of a buy, parts of a million of what it buys, out of that itself.
    pub(crate) fee_ppm: i128,
    /// What the account pays that fee in.
    pub(crate) pays: Pays,
    /// What a batch converts and judges by, whole quote.
    pub(crate) reference: u32,
    /// At what entries fill.
    pub(crate) entry: u32,
    /// Best prices once something is to be taken back.
    pub(crate) bid: u32,
    pub(crate) ask: u32,
    pub(crate) mode: PositionMode,
    /// What the account held before, lots, buys positive; in hedge mode in the position of that side.
    pub(crate) before: i64,
}

impl Hash for Terms {
    /// The same in every state of a world, so it tells none apart.
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl Terms {
    /// The rules as an adapter would tell the engine.
    pub(crate) fn instrument(&self) -> Instrument {
        let inverse = self.kind == InstrumentKind::Inverse;
        Instrument {
            symbol: Symbol::new(self.symbol).expect("a plain symbol"),
            kind: self.kind,
            base: asset(self.base),
            quote: asset(self.quote),
            settle: asset(if inverse { self.base } else { self.quote }),
            tick: price(1),
            lot: self.quantity(1),
            quantity_min: self.quantity(self.least),
            quantity_max: Qty::ZERO,
            market_quantity_max: Qty::ZERO,
            notional_min: whole(self.value_min),
            contract_size: Qty::new(decimal(self.contract)).expect("contracts are in range"),
            taker_fee: Amount::from(Decimal::from_i128_with_scale(self.fee_ppm, 6)),
        }
    }

    /// The market once something is to be taken back.
    pub(crate) fn book(&self) -> BookTop {
        let size = self.quantity(100);
        BookTop { bid: Some((price(self.bid), size)), ask: Some((price(self.ask), size)) }
    }

    /// A number of lots in venue units.
    pub(crate) fn quantity(&self, lots: u32) -> Qty {
        Qty::new(decimal(self.parts(lots))).expect("small sizes are in range")
    }

    /// A quantity as a number of lots; `None` if it is not whole.
    pub(crate) fn lots(&self, quantity: Qty) -> Option<u32> {
        let parts = parts_of(quantity.get())?;
        if parts % self.lot != 0 {
            return None;
        }
        u32::try_from(parts / self.lot).ok()
    }

    /// A number of lots as parts of a venue unit.
    pub(crate) fn parts(&self, lots: u32) -> i128 {
        i128::from(lots) * self.lot
    }

    /// What the venue charges for an execution, parts of a venue unit, or as many of the token that pays it; the rules
    /// here leave no rest.
    pub(crate) fn fee(&self, side: Side, lots: u32) -> i128 {
        match (self.kind, side) {
            (InstrumentKind::Spot, Side::Buy) => self.parts(lots) * self.fee_ppm / 1_000_000,
            _ => 0,
        }
    }

    /// In what it is charged.
    pub(crate) fn fee_asset(&self, side: Side) -> &'static str {
        match (self.kind, side, self.pays) {
            (InstrumentKind::Spot, Side::Buy, Pays::Bought) => self.base,
            (InstrumentKind::Spot, Side::Buy, Pays::Token) => TOKEN,
            _ => self.quote,
        }
    }

    /// What an execution brings, parts of a venue unit, buys positive (K2).
    pub(crate) fn received(&self, side: Side, lots: u32) -> i128 {
        match self.pays {
            Pays::Bought => self.expected(side, lots),
            Pays::Token => self.traded(side, lots),
        }
    }

    /// What the engine may expect it to bring: the fee out of what it buys.
    pub(crate) fn expected(&self, side: Side, lots: u32) -> i128 {
        self.traded(side, lots) - self.fee(side, lots)
    }

    fn traded(&self, side: Side, lots: u32) -> i128 {
        match side {
            Side::Buy => self.parts(lots),
            Side::Sell => -self.parts(lots),
        }
    }

    /// Parts of a venue unit as parts of a base unit, inverse contracts at the reference price, rounded once, half to
    /// even (K7).
    pub(crate) fn base(&self, parts: i128) -> i128 {
        let value = parts * self.contract;
        match self.kind {
            InstrumentKind::Inverse => half_even(value, PARTS * i128::from(self.reference)),
            InstrumentKind::Linear | InstrumentKind::Spot => value / PARTS,
        }
    }

    /// One lot, parts of a base unit.
    pub(crate) fn lot_base(&self) -> i128 {
        self.base(self.lot)
    }

    /// The smallest order at the reference price, lots.
    pub(crate) fn smallest(&self) -> u32 {
        self.smallest_at(self.reference)
    }

    fn smallest_at(&self, price: u32) -> u32 {
        let per_lot = match self.kind {
            InstrumentKind::Inverse => self.lot * self.contract,
            _ => self.lot * self.contract * i128::from(price),
        };
        let by_value = (i128::from(self.value_min) * PARTS * PARTS + per_lot - 1) / per_lot;
        u32::try_from(by_value).unwrap_or(u32::MAX).max(self.least).max(1)
    }

    /// What is too small to trade, parts of a base unit (K6).
    pub(crate) fn dust(&self) -> i128 {
        self.base(self.parts(self.smallest()))
    }

    /// The most lots that bring no more than so many parts of a base unit.
    pub(crate) fn most_within(&self, side: Side, base: i128) -> u32 {
        let fits = |lots: u32| self.base(self.expected(side, lots)).abs() <= base;
        let (mut most, mut beyond) = (0, LOTS_MAX);
        while beyond - most > 1 {
            let middle = most + (beyond - most) / 2;
            if fits(middle) { most = middle } else { beyond = middle }
        }
        most
    }

    /// What follows a leg that received so many parts of a base unit: whole lots, nothing if no order is that small at
    /// the price it is sent with.
    pub(crate) fn following(&self, side: Side, rests: bool, base: i128) -> u32 {
        let lots = self.most_within(side, base.abs());
        let price = if rests { self.entry } else { self.reference };
        if lots < self.smallest_at(price) { 0 } else { lots }
    }
}

/// A quotient rounded to the nearest whole number, a tie to the even one.
fn half_even(numerator: i128, denominator: i128) -> i128 {
    let (quotient, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    let up = 2 * rest > denominator || (2 * rest == denominator && quotient % 2 != 0);
    quotient + i128::from(up)
}

/// Parts as a decimal.
pub(crate) fn decimal(parts: i128) -> Decimal {
    Decimal::from_i128_with_scale(parts, PLACES).normalize()
}

/// A decimal as parts; `None` if it has digits beyond them.
pub(crate) fn parts_of(value: Decimal) -> Option<i128> {
    let value = value.normalize();
    let places = PLACES.checked_sub(value.scale())?;
    value.mantissa().checked_mul(10_i128.pow(places))
}

/// Whole units.
pub(crate) fn whole(units: u32) -> Qty {
    Qty::new(Decimal::from(units)).expect("small numbers are in range")
}

pub(crate) fn price(value: u32) -> Price {
    Price::new(Decimal::from(value)).expect("prices are positive")
}

pub(crate) fn asset(name: &str) -> Asset {
    Asset::new(name).expect("a plain asset")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::Product;

    #[test]
    fn ties_go_to_the_even_neighbour_on_both_sides_of_zero() {
        let halves: Vec<i128> = (-5..=5).map(|halves| half_even(halves, 2)).collect();
        assert_eq!(halves, [-2, -2, -2, -1, 0, 0, 0, 1, 2, 2, 2]);
        assert_eq!([half_even(-8, 3), half_even(8, 3), half_even(7, 3)], [-3, 3, 2]);
    }

    #[test]
    fn three_contracts_are_converted_at_once_and_not_one_by_one() {
        let terms = Product::CoinM.terms();
        // 100 dollars at 30,100 are 0.00332225913621..., 300 are 0.00996677740863...
        assert_eq!(terms.base(terms.parts(1)), 3_322_259_136);
        assert_eq!(terms.base(terms.parts(3)), 9_966_777_409);
        assert_eq!(terms.base(-terms.parts(3)), -9_966_777_409);
    }

    #[test]
    fn a_fee_in_the_base_asset_leaves_less_than_was_filled() {
        let terms = Product::Spot.terms();
        assert_eq!(terms.received(Side::Buy, 1001), 9_999_990_000);
        assert_eq!(terms.received(Side::Sell, 1001), -10_010_000_000);
        // Five in quote at 30,000 are 0.00016667 at least.
        assert_eq!(terms.smallest(), 17);
    }

    #[test]
    fn a_follower_is_as_many_whole_lots_as_its_source_received() {
        let received = Product::Spot.terms().received(Side::Buy, 834);
        assert_eq!(Product::Fine.terms().following(Side::Sell, false, received), 8);
        assert_eq!(Product::CoinM.terms().following(Side::Sell, false, 9_966_777_409), 3);
        assert_eq!(Product::CoinM.terms().following(Side::Sell, true, 9_966_777_408), 2);
    }

    #[test]
    fn quantities_are_read_back_to_the_lot() {
        let terms = Product::Swap.terms();
        assert_eq!(terms.quantity(125).to_string(), "1.25");
        assert_eq!(terms.lots(terms.quantity(125)), Some(125));
        assert_eq!(terms.lots("1.255".parse().expect("a number")), None);
    }
}
