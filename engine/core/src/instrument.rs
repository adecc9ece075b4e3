//! Instruments: from base units to what a venue counts in, and back.
//!
//! Linear and spot instruments count base units (times a contract size), inverse ones whole contracts of a quote value.
//! Sizes only ever round down; the one conversion that loses digits is inverse to base (see [`round_conversion`]).

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::decimal::{Amount, Price, Qty, round_conversion};
use crate::name::{Asset, Symbol};
use crate::order::OrderKind;

/// What one venue unit is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum InstrumentKind {
    /// A derivative whose unit is `contract_size` base units, settled in quote.
    Linear,
    /// A derivative whose unit is `contract_size` quote units, settled in base.
    Inverse,
    /// Immediate exchange of base and quote.
    Spot,
}

/// Rules of one instrument at one venue.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Instrument {
    /// The venue's own symbol.
    pub symbol: Symbol,
    /// What a unit is worth.
    pub kind: InstrumentKind,
    /// Base asset: the underlying whose delta counts.
    pub base: Asset,
    /// Quote asset.
    pub quote: Asset,
    /// Asset of profit, loss and margin.
    pub settle: Asset,
    /// Prices are multiples of this.
    pub tick: Price,
    /// Quantities are multiples of this, venue units.
    pub lot: Qty,
    /// Smallest order, venue units.
    pub quantity_min: Qty,
    /// Largest limit order, venue units; zero for no limit.
    pub quantity_max: Qty,
    /// Largest market order, venue units; zero for no limit.
    pub market_quantity_max: Qty,
    /// Smallest order value in quote; zero for none.
    pub notional_min: Qty,
    /// Base units (linear, spot) or quote units (inverse) of one venue unit.
    pub contract_size: Qty,
    /// Taker fee rate, for grossing up spot buys and for pricing plans.
    pub taker_fee: Amount,
}

/// Why an instrument's rules or a size under them cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// The venue's rules make no sense; nothing is traded under them.
    #[error("instrument {symbol} has unusable rules: {what}")]
    UnusableRules {
        /// Which instrument.
        symbol: Symbol,
        /// What is wrong.
        what: &'static str,
    },
    /// Too little for one order.
    #[error("{quantity} {unit} of {symbol} is below the smallest order of {smallest} {unit}")]
    TooSmall {
        /// Which instrument.
        symbol: Symbol,
        /// The quantity asked for or, where that would have been enough, what rounding left of it, venue units.
        quantity: Qty,
        /// The smallest order, venue units.
        smallest: Qty,
        /// What a venue unit is called.
        unit: String,
    },
    /// Too much for one order.
    #[error("{quantity} {unit} of {symbol} is above the largest order of {largest} {unit}")]
    TooLarge {
        /// Which instrument.
        symbol: Symbol,
        /// The quantity asked for or, where that would have been enough, what rounding left of it, venue units.
        quantity: Qty,
        /// The largest order, venue units.
        largest: Qty,
        /// What a venue unit is called.
        unit: String,
    },
    /// A limit price between two ticks.
    #[error("price {price} of {symbol} is not a multiple of its tick {tick}")]
    OffTick {
        /// Which instrument.
        symbol: Symbol,
        /// The price.
        price: Price,
        /// The tick.
        tick: Price,
    },
    /// Numbers beyond exact arithmetic.
    #[error("the size of {symbol} cannot be computed exactly")]
    Overflow {
        /// Which instrument.
        symbol: Symbol,
    },
}

/// Finest step of quantities, prices and contract sizes that is counted with.
const STEP_MIN: Decimal = Decimal::from_parts(1, 0, 0, false, 12);
/// Largest contract size.
const CONTRACT_SIZE_MAX: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);
/// Where base units stop being told apart: sums of all legs stay within exact decimals.
const BASE_MAX: Decimal = Decimal::from_parts(0, 0, 1_000_000, false, 0);

impl Instrument {
    /// Checks that lots, sizes and prices can be counted with.
    ///
    /// # Errors
    /// When lot, tick, contract size or fee are beyond what every later computation stays exact for.
    pub fn check(&self) -> Result<(), SizeError> {
        let step = |value: Decimal| value >= STEP_MIN;
        let what = if self.lot.is_zero() {
            "its lot is zero"
        } else if self.contract_size.is_zero() {
            "its contract size is zero"
        } else if !step(self.lot.get()) || !step(self.tick.get()) {
            "its lot or tick is too fine"
        } else if !step(self.contract_size.get()) || self.contract_size.get() > CONTRACT_SIZE_MAX {
            "its contract size is out of range"
        } else if self.taker_fee.get().abs() > Decimal::ONE {
            "its taker fee is out of range"
        } else {
            return Ok(());
        };
        Err(SizeError::UnusableRules { symbol: self.symbol.clone(), what })
    }

    /// Base units of a signed quantity of venue units, at a reference price.
    /// Exact for linear and spot; inverse is rounded half to even at 12 places.
    #[must_use]
    pub fn base_of(&self, units: Amount, reference: Price) -> Amount {
        let value = units.get().checked_mul(self.contract_size.get());
        let base = match self.kind {
            InstrumentKind::Linear | InstrumentKind::Spot => value,
            InstrumentKind::Inverse => {
                value.and_then(|quote| quote.checked_div(reference.get())).map(round_conversion)
            }
        };
        // Only values no venue can mean get here; they stay far beyond every limit without ending the process.
        let beyond = if units.get().is_sign_negative() { -BASE_MAX } else { BASE_MAX };
        Amount::from(base.unwrap_or(beyond).clamp(-BASE_MAX, BASE_MAX))
    }

    /// Venue units of base units, not rounded to lots.
    ///
    /// # Errors
    /// When the numbers leave the exact range.
    pub fn units_of(&self, base: Qty, reference: Price) -> Result<Qty, SizeError> {
        let overflow = || SizeError::Overflow { symbol: self.symbol.clone() };
        let size = self.contract_size.get();
        let units = match self.kind {
            InstrumentKind::Linear | InstrumentKind::Spot => base.get().checked_div(size),
            InstrumentKind::Inverse => {
                base.get().checked_mul(reference.get()).and_then(|quote| quote.checked_div(size))
            }
        };
        Qty::truncated(units.ok_or_else(overflow)?).map_err(|_| overflow())
    }

    /// The most whole lots whose base value is not above `base`, venue units.
    /// Counts in the direction of [`Instrument::base_of`] too, so that converting a number of contracts to base and
    /// back gives the same number (K7).
    ///
    /// # Errors
    /// When the numbers leave the exact range.
    pub fn lots_within(&self, base: Qty, reference: Price) -> Result<Qty, SizeError> {
        let units = self.units_of(base, reference)?.round_down(self.lot);
        let one_more = units.plus(self.lot);
        let value = self.base_of(Amount::from(one_more), reference).magnitude();
        Ok(if value <= base { one_more } else { units })
    }

    /// Venue units worth a quote value, not rounded to lots.
    ///
    /// # Errors
    /// When the numbers leave the exact range.
    pub fn units_worth(&self, quote: Qty, reference: Price) -> Result<Qty, SizeError> {
        let overflow = || SizeError::Overflow { symbol: self.symbol.clone() };
        let size = self.contract_size.get();
        // Inverse contracts count quote already: going through base would lose the last contract.
        let units = match self.kind {
            InstrumentKind::Inverse => quote.get().checked_div(size),
            InstrumentKind::Linear | InstrumentKind::Spot => {
                size.checked_mul(reference.get()).and_then(|unit| quote.get().checked_div(unit))
            }
        };
        Qty::truncated(units.ok_or_else(overflow)?).map_err(|_| overflow())
    }

    /// Quote value of venue units at a price.
    #[must_use]
    pub fn notional(&self, units: Qty, price: Price) -> Decimal {
        let size = self.contract_size.get();
        let value = units.get().checked_mul(size);
        let value = match self.kind {
            InstrumentKind::Linear | InstrumentKind::Spot => {
                value.and_then(|base| base.checked_mul(price.get()))
            }
            InstrumentKind::Inverse => value,
        };
        value.unwrap_or(Decimal::MAX)
    }

    /// One lot in base units.
    #[must_use]
    pub fn lot_base(&self, reference: Price) -> Qty {
        self.base_of(Amount::from(self.lot), reference).magnitude()
    }

    /// The smallest order the venue takes at a price, venue units, a multiple of the lot.
    #[must_use]
    pub fn smallest(&self, price: Price) -> Qty {
        let least = self.quantity_min.get().max(self.lot.get());
        let one = self.notional(Qty::new(Decimal::ONE).unwrap_or(self.lot), price);
        let by_value = if self.notional_min.is_zero() {
            Some(Decimal::ZERO)
        } else {
            self.notional_min.get().checked_div(one)
        };
        let lot = self.lot.get();
        by_value
            .and_then(|by_value| least.max(by_value).checked_div(lot))
            .and_then(|lots| lots.ceil().checked_mul(lot))
            .and_then(|units| Qty::new(units).ok())
            // Where it cannot be computed nothing is tradable.
            .unwrap_or(Qty::MAX)
    }

    /// Largest order of a kind, venue units; `None` without a limit.
    #[must_use]
    pub fn largest(&self, kind: OrderKind) -> Option<Qty> {
        let largest = match kind {
            OrderKind::Market => self.market_quantity_max,
            OrderKind::Limit { .. } => self.quantity_max,
        };
        (!largest.is_zero()).then_some(largest)
    }

    /// Dust: what is too small to trade at a price, in base units (K6).
    #[must_use]
    pub fn dust_base(&self, price: Price) -> Qty {
        self.base_of(Amount::from(self.smallest(price)), price).magnitude()
    }

    /// What one venue unit is called in messages.
    #[must_use]
    pub fn unit(&self) -> String {
        match self.kind {
            InstrumentKind::Inverse => "contracts".to_owned(),
            _ if self.contract_size.get() == Decimal::ONE => self.base.to_string(),
            _ => "contracts".to_owned(),
        }
    }

    /// Checks a rounded quantity and a limit price against the venue's rules.
    ///
    /// # Errors
    /// Too small, too large, or a price between two ticks.
    pub fn check_order(&self, units: Qty, kind: OrderKind, price: Price) -> Result<(), SizeError> {
        let smallest = self.smallest(price);
        if units < smallest {
            return Err(SizeError::TooSmall {
                symbol: self.symbol.clone(),
                quantity: units,
                smallest,
                unit: self.unit(),
            });
        }
        if let Some(largest) = self.largest(kind).filter(|largest| units > *largest) {
            return Err(SizeError::TooLarge {
                symbol: self.symbol.clone(),
                quantity: units,
                largest,
                unit: self.unit(),
            });
        }
        match kind {
            OrderKind::Limit { price, .. } if price.round_down(self.tick) != price => {
                Err(SizeError::OffTick { symbol: self.symbol.clone(), price, tick: self.tick })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn linear(symbol: &str, lot: &str) -> Instrument {
        Instrument {
            symbol: Symbol::new(symbol).unwrap(),
            kind: InstrumentKind::Linear,
            base: Asset::new("BTC").unwrap(),
            quote: Asset::new("USDT").unwrap(),
            settle: Asset::new("USDT").unwrap(),
            tick: "0.1".parse().unwrap(),
            lot: lot.parse().unwrap(),
            quantity_min: lot.parse().unwrap(),
            quantity_max: "1000".parse().unwrap(),
            market_quantity_max: "120".parse().unwrap(),
            notional_min: "5".parse().unwrap(),
            contract_size: "1".parse().unwrap(),
            taker_fee: "0.0005".parse().unwrap(),
        }
    }

    pub(crate) fn inverse(symbol: &str, contract: &str) -> Instrument {
        Instrument {
            kind: InstrumentKind::Inverse,
            settle: Asset::new("BTC").unwrap(),
            quote: Asset::new("USD").unwrap(),
            contract_size: contract.parse().unwrap(),
            notional_min: Qty::ZERO,
            ..linear(symbol, "1")
        }
    }

    #[test]
    fn a_tenth_of_a_bitcoin_on_an_inverse_contract_is_not_ten_cents() {
        let instrument = inverse("BTCUSD_PERP", "100");
        let price = "65000".parse().unwrap();
        let units = instrument.units_of("0.1".parse().unwrap(), price).unwrap();
        assert_eq!(units.to_string(), "65");
        assert_eq!(instrument.base_of(Amount::from(units), price).to_string(), "0.1");
    }

    #[test]
    fn inverse_conversion_is_rounded_once_half_to_even_at_twelve_places() {
        let instrument = inverse("BTCUSD", "1");
        let delta = instrument.base_of("1".parse().unwrap(), "30000".parse().unwrap());
        assert_eq!(delta.to_string(), "0.000033333333");
    }

    #[test]
    fn the_smallest_order_covers_lot_quantity_and_value() {
        let mut instrument = linear("BTCUSDT", "0.001");
        instrument.notional_min = "100".parse().unwrap();
        assert_eq!(instrument.smallest("65000".parse().unwrap()).to_string(), "0.002");
        assert_eq!(instrument.smallest("650000".parse().unwrap()).to_string(), "0.001");
    }

    #[test]
    fn a_size_outside_the_rules_is_refused_with_the_rule() {
        let instrument = linear("BTCUSDT", "0.001");
        let price = "65000".parse().unwrap();
        let check = |qty: &str, kind| {
            instrument.check_order(qty.parse().unwrap(), kind, price).unwrap_err().to_string()
        };
        assert_eq!(
            check("0", OrderKind::Market),
            "0 BTC of BTCUSDT is below the smallest order of 0.001 BTC"
        );
        assert_eq!(
            check("121", OrderKind::Market),
            "121 BTC of BTCUSDT is above the largest order of 120 BTC"
        );
        let off = OrderKind::Limit {
            price: "65000.05".parse().unwrap(),
            time_in_force: crate::order::TimeInForce::Ioc,
        };
        assert_eq!(check("1", off), "price 65000.05 of BTCUSDT is not a multiple of its tick 0.1");
    }
}
