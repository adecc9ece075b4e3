//! One margin account: wallet, positions, leverage and fees.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::orders::Side;

/// Which position of an instrument an order changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PositionSide {
    /// The single one of one-way mode.
    Net,
    /// The long one of hedge mode.
    Long,
    /// The short one of hedge mode.
    Short,
}

/// A held position. `quantity` is signed, `cost` is quantity × average entry and has its sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) quantity: Decimal,
    pub(crate) cost: Decimal,
    pub(crate) realised: Decimal,
    pub(crate) updated_ms: u64,
}

impl Position {
    pub(crate) fn entry_price(&self) -> Decimal {
        if self.quantity.is_zero() { Decimal::ZERO } else { self.cost / self.quantity }
    }

    pub(crate) fn unrealised(&self, mark: Decimal) -> Decimal {
        self.quantity * mark - self.cost
    }

    /// Books an execution of `change` (signed) and returns the profit it realised.
    ///
    /// Cost is kept instead of the average, so that nothing is lost to rounding beyond the eighth decimal.
    fn apply(&mut self, change: Decimal, price: Decimal) -> Decimal {
        let opens = self.quantity.is_zero()
            || self.quantity.is_sign_positive() == change.is_sign_positive();
        if opens {
            self.quantity += change;
            self.cost += change * price;
            return Decimal::ZERO;
        }
        let closed = if change.abs() < self.quantity.abs() { change } else { -self.quantity };
        let released = if closed == -self.quantity {
            self.cost
        } else {
            (self.cost * -closed / self.quantity).round_dp(FEE_DECIMALS)
        };
        let profit = -closed * price - released;
        self.quantity += closed;
        self.cost -= released;
        self.realised += profit;
        if closed != change {
            self.apply(change - closed, price);
        }
        profit
    }
}

/// Decimals of fees and realised profit.
pub(crate) const FEE_DECIMALS: u32 = 8;

#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// Settled funds in the settlement asset.
    pub(crate) wallet: Decimal,
    /// Long and short positions apart instead of one net position.
    pub(crate) hedge_mode: bool,
    pub(crate) leverage_default: u32,
    pub(crate) leverage: BTreeMap<String, u32>,
    positions: BTreeMap<(String, PositionSide), Position>,
}

impl Account {
    pub(crate) fn opened(wallet: Decimal, hedge_mode: bool, leverage_default: u32) -> Self {
        Self {
            wallet,
            hedge_mode,
            leverage_default,
            leverage: BTreeMap::new(),
            positions: BTreeMap::new(),
        }
    }

    pub(crate) fn leverage_of(&self, symbol: &str) -> Decimal {
        Decimal::from(self.leverage.get(symbol).copied().unwrap_or(self.leverage_default))
    }

    pub(crate) fn position(&self, symbol: &str, side: PositionSide) -> Position {
        self.positions.get(&(symbol.to_owned(), side)).copied().unwrap_or_default()
    }

    pub(crate) fn positions(&self) -> impl Iterator<Item = (&str, PositionSide, &Position)> {
        self.positions.iter().map(|((symbol, side), position)| (symbol.as_str(), *side, position))
    }

    pub(crate) fn restore_position(
        &mut self,
        symbol: String,
        side: PositionSide,
        position: Position,
    ) {
        self.positions.insert((symbol, side), position);
    }

    pub(crate) fn has_position(&self) -> bool {
        self.positions.values().any(|position| !position.quantity.is_zero())
    }

    /// The position sides of the mode in force.
    pub(crate) fn sides(&self) -> &'static [PositionSide] {
        if self.hedge_mode {
            &[PositionSide::Long, PositionSide::Short]
        } else {
            &[PositionSide::Net]
        }
    }

    /// How much an order of `side` can take off the position, base units.
    pub(crate) fn reducible(
        &self,
        symbol: &str,
        position_side: PositionSide,
        side: Side,
    ) -> Decimal {
        let quantity = self.position(symbol, position_side).quantity;
        match side {
            Side::Sell if quantity > Decimal::ZERO => quantity,
            Side::Buy if quantity < Decimal::ZERO => -quantity,
            _ => Decimal::ZERO,
        }
    }

    /// Books an execution and returns the profit it realised; the fee is charged at once.
    pub(crate) fn execute(
        &mut self,
        key: (&str, PositionSide),
        change: Decimal,
        price: Decimal,
        fee: Decimal,
        now_ms: u64,
    ) -> Decimal {
        let position = self.positions.entry((key.0.to_owned(), key.1)).or_default();
        let profit = position.apply(change, price);
        position.updated_ms = now_ms;
        self.wallet += profit - fee;
        profit
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::Position;

    fn units(value: i64) -> Decimal {
        Decimal::from(value)
    }

    #[test]
    fn the_entry_price_is_the_average_and_closing_keeps_it() {
        let mut position = Position::default();
        assert_eq!(position.apply(units(1), units(100)), Decimal::ZERO);
        assert_eq!(position.apply(units(3), units(104)), Decimal::ZERO);
        assert_eq!(position.entry_price(), units(103));
        assert_eq!(position.apply(units(-2), units(110)), units(14));
        assert_eq!(position.entry_price(), units(103));
    }

    #[test]
    fn an_execution_through_zero_closes_first_and_opens_at_its_price() {
        let mut position = Position::default();
        let _ = position.apply(units(-2), units(50));
        assert_eq!(position.apply(units(5), units(40)), units(20));
        assert_eq!((position.quantity, position.entry_price()), (units(3), units(40)));
    }
}
