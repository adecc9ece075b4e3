//! From an exchange to its ledger and back.

use super::Exchange;
use super::account::Position;
use super::orders::Orders;
use crate::ledger::{Ledger, LedgerPosition};

impl Exchange {
    /// What this exchange has accepted and holds now.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        let account = &self.engine.account;
        let positions =
            account.positions().map(|(symbol, position_side, position)| LedgerPosition {
                symbol: symbol.to_owned(),
                position_side,
                quantity: position.quantity,
                cost: position.cost,
                realised: position.realised,
                updated_ms: position.updated_ms,
            });
        Ledger {
            balances: account.balances().clone(),
            hedge_mode: account.hedge_mode,
            leverage: account.leverage.clone(),
            margin_mode: account.margin_mode,
            margin_modes: account.margin_modes.clone(),
            positions: positions.collect(),
            orders: self.engine.orders.iter().cloned().collect(),
        }
    }

    /// Carries on from a ledger: orders, positions, wallet and account settings are replaced by what it holds,
    /// ids continue after its last ones.
    pub fn carry_on(&mut self, ledger: Ledger) {
        let account = &mut self.engine.account;
        *account = super::account::Account::opened(
            ledger.balances,
            ledger.hedge_mode,
            account.leverage_default,
        );
        account.leverage = ledger.leverage;
        account.margin_mode = ledger.margin_mode;
        account.margin_modes = ledger.margin_modes;
        for held in ledger.positions {
            let position = Position {
                quantity: held.quantity,
                cost: held.cost,
                realised: held.realised,
                updated_ms: held.updated_ms,
            };
            account.restore_position(held.symbol, held.position_side, position);
        }
        self.engine.orders = Orders::restore(ledger.orders);
    }
}
