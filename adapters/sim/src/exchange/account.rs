//! One account: balances, positions and leverage.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::instrument::{Instrument, VALUE_DECIMALS};
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

/// What the margin of positions is drawn from, as the account's owner has set it.
///
/// What is held, and for how much, is the same in each: there is no liquidation here that could tell them apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarginMode {
    /// All funds.
    #[default]
    Cross,
    /// Funds set apart for each position, where the venue offers that.
    Isolated,
    /// All funds, by the risk of all positions together, where the venue offers that.
    Portfolio,
}

/// A held position. `quantity` is signed; `cost` is what it cost in the settlement asset, negative when it brought in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) quantity: Decimal,
    pub(crate) cost: Decimal,
    pub(crate) realised: Decimal,
    pub(crate) updated_ms: u64,
}

impl Position {
    /// Average entry price, zero without a position.
    pub(crate) fn entry_price(&self, rules: &Instrument) -> Decimal {
        rules.price_of(self.quantity.abs(), self.cost.abs())
    }

    /// Profit at the mark in the settlement asset.
    pub(crate) fn unrealised(&self, rules: &Instrument, mark: Decimal) -> Decimal {
        rules.cost(self.quantity, mark) - self.cost
    }

    /// Books an execution of `change` (signed) and returns the profit it realised.
    ///
    /// Cost is kept instead of the average, so that nothing is lost to rounding beyond the eighteenth decimal.
    fn apply(&mut self, rules: &Instrument, change: Decimal, price: Decimal) -> Decimal {
        let opens = self.quantity.is_zero()
            || self.quantity.is_sign_positive() == change.is_sign_positive();
        if opens {
            self.quantity += change;
            self.cost += rules.cost(change, price);
            return Decimal::ZERO;
        }
        let closed = if change.abs() < self.quantity.abs() { change } else { -self.quantity };
        let released = if closed == -self.quantity {
            self.cost
        } else {
            (self.cost * -closed / self.quantity).round_dp(VALUE_DECIMALS)
        };
        let profit = rules.cost(-closed, price) - released;
        self.quantity += closed;
        self.cost -= released;
        self.realised += profit;
        if closed != change {
            self.apply(rules, change - closed, price);
        }
        profit
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Account {
    balances: BTreeMap<String, Decimal>,
    /// Long and short positions apart instead of one net position.
    pub(crate) hedge_mode: bool,
    pub(crate) leverage_default: u32,
    pub(crate) leverage: BTreeMap<String, u32>,
    pub(crate) margin_mode: MarginMode,
    /// Symbols with a margin mode of their own.
    pub(crate) margin_modes: BTreeMap<String, MarginMode>,
    positions: BTreeMap<(String, PositionSide), Position>,
}

impl Account {
    pub(crate) fn opened(
        balances: BTreeMap<String, Decimal>,
        hedge_mode: bool,
        leverage_default: u32,
    ) -> Self {
        Self {
            balances,
            hedge_mode,
            leverage_default,
            leverage: BTreeMap::new(),
            margin_mode: MarginMode::default(),
            margin_modes: BTreeMap::new(),
            positions: BTreeMap::new(),
        }
    }

    /// Settled funds in `asset`, what open orders hold included.
    pub(crate) fn balance(&self, asset: &str) -> Decimal {
        self.balances.get(asset).copied().unwrap_or_default()
    }

    /// Settled funds by asset.
    pub(crate) fn balances(&self) -> &BTreeMap<String, Decimal> {
        &self.balances
    }

    /// Adds `amount`, which may be negative.
    pub(crate) fn credit(&mut self, asset: &str, amount: Decimal) {
        *self.balances.entry(asset.to_owned()).or_default() += amount;
    }

    pub(crate) fn leverage_of(&self, symbol: &str) -> Decimal {
        Decimal::from(self.leverage.get(symbol).copied().unwrap_or(self.leverage_default))
    }

    /// Whether the margin of a symbol's position is set apart.
    pub(crate) fn is_isolated(&self, symbol: &str) -> bool {
        let own = self.margin_modes.get(symbol);
        *own.unwrap_or(&self.margin_mode) == MarginMode::Isolated
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

    /// How much an order of `side` can take off the position, in the instrument's unit.
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

    /// Books an execution of a contract, credits the profit it realised and returns that.
    pub(crate) fn execute(
        &mut self,
        rules: &Instrument,
        position_side: PositionSide,
        change: Decimal,
        price: Decimal,
        now_ms: u64,
    ) -> Decimal {
        let key = (rules.symbol.to_owned(), position_side);
        let position = self.positions.entry(key).or_default();
        let profit = position.apply(rules, change, price);
        position.updated_ms = now_ms;
        self.credit(rules.settle, profit);
        profit
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::Position;
    use crate::exchange::instrument::{Instrument, InstrumentKind};

    fn units(value: i64) -> Decimal {
        Decimal::from(value)
    }

    fn contract(kind: InstrumentKind, size: i64) -> Instrument {
        Instrument {
            symbol: "X",
            kind,
            base: "B",
            quote: "Q",
            settle: if kind == InstrumentKind::Inverse { "B" } else { "Q" },
            contract_size: units(size),
            tick: units(1),
            tick_steps: vec![(units(100), units(5)), (units(1000), units(10))],
            step: units(1),
            quantity_min: units(1),
            quantity_max: units(1_000_000),
            market_quantity_max: units(1_000_000),
            notional_min: units(0),
            price_min: units(1),
            price_max: units(1_000_000),
            price_band: Decimal::new(5, 2),
            price_band_below: Decimal::new(5, 2),
            price_decimals: 0,
            quantity_decimals: 0,
            leverage_max: 10,
            listed_ms: 0,
        }
    }

    #[test]
    fn the_entry_price_is_the_average_and_closing_keeps_it() {
        let rules = contract(InstrumentKind::Linear, 1);
        let mut position = Position::default();
        assert_eq!(position.apply(&rules, units(1), units(100)), Decimal::ZERO);
        assert_eq!(position.apply(&rules, units(3), units(104)), Decimal::ZERO);
        assert_eq!(position.entry_price(&rules), units(103));
        assert_eq!(position.apply(&rules, units(-2), units(110)), units(14));
        assert_eq!(position.entry_price(&rules), units(103));
    }

    #[test]
    fn an_execution_through_zero_closes_first_and_opens_at_its_price() {
        let rules = contract(InstrumentKind::Linear, 1);
        let mut position = Position::default();
        let _ = position.apply(&rules, units(-2), units(50));
        assert_eq!(position.apply(&rules, units(5), units(40)), units(20));
        assert_eq!((position.quantity, position.entry_price(&rules)), (units(3), units(40)));
    }

    #[test]
    fn a_contract_of_several_base_units_earns_for_each_of_them() {
        let rules = contract(InstrumentKind::Linear, 10);
        let mut position = Position::default();
        let _ = position.apply(&rules, units(2), units(100));
        assert_eq!(position.unrealised(&rules, units(103)), units(60));
        assert_eq!(position.entry_price(&rules), units(100));
    }

    #[test]
    fn an_inverse_contract_earns_the_difference_of_its_worth_in_base() {
        let rules = contract(InstrumentKind::Inverse, 100);
        let mut position = Position::default();
        // 200 of quote at 50 are 4 of base, at 80 they are 2.5.
        let _ = position.apply(&rules, units(2), units(50));
        assert_eq!(position.unrealised(&rules, units(80)), Decimal::new(15, 1));
        assert_eq!(position.apply(&rules, units(-1), units(80)), Decimal::new(75, 2));
        assert_eq!((position.quantity, position.entry_price(&rules)), (units(1), units(50)));
        // A short one loses the same.
        let mut short = Position::default();
        let _ = short.apply(&rules, units(-2), units(50));
        assert_eq!(short.unrealised(&rules, units(80)), Decimal::new(-15, 1));
    }

    #[test]
    fn the_average_entry_of_an_inverse_contract_is_the_harmonic_one() {
        let rules = contract(InstrumentKind::Inverse, 100);
        let mut position = Position::default();
        let _ = position.apply(&rules, units(1), units(50));
        let _ = position.apply(&rules, units(1), units(200));
        assert_eq!(position.entry_price(&rules), units(80));
    }

    #[test]
    fn the_increment_grows_above_the_prices_named() {
        let rules = contract(InstrumentKind::Linear, 1);
        let ticks = [100, 101, 1001].map(|price| rules.tick_at(units(price)));
        assert_eq!(ticks, [units(1), units(5), units(10)]);
    }
}
