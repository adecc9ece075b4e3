//! Trades that are taken back or corrected after they happened.

use rust_decimal::Decimal;

use super::Exchange;
use super::funds::FEE_DECIMALS;
use super::instrument::floor_to;
use super::matching::MatchingEngine;
use super::orders::{AdjustedTrade, Adjustment, Order, Trade};

/// Why a trade was not adjusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAdjusted {
    /// The venue documents no form in which it would show that.
    #[error("this venue shows no adjusted trades")]
    NotShown,
    /// No such order, or none of its trades is left as it was.
    #[error("the order has no trade that was not adjusted yet")]
    NoTrade,
}

impl Exchange {
    /// Adjusts the first trade of an order that was not adjusted yet, and the account with it.
    ///
    /// `is_counted` says whether the executed quantity that the venue states of the order follows.
    ///
    /// # Errors
    /// The venue shows no such thing, or there is no such trade.
    pub fn adjust_trade(
        &mut self,
        now_ms: u64,
        order_id: &str,
        adjustment: Adjustment,
        is_counted: bool,
    ) -> Result<(), NotAdjusted> {
        if !self.engine.policy.shows_adjustments {
            return Err(NotAdjusted::NotShown);
        }
        let order = self.engine.orders.iter().find(|order| order.order_id == order_id);
        let number = order.map(|order| order.number).ok_or(NotAdjusted::NoTrade)?;
        let adjusted = self.engine.adjust(now_ms, number, adjustment, is_counted);
        if adjusted { Ok(()) } else { Err(NotAdjusted::NoTrade) }
    }
}

impl MatchingEngine {
    /// Adjusts every trade of an order.
    pub(crate) fn adjust_all(
        &mut self,
        now_ms: u64,
        number: u64,
        adjustment: Adjustment,
        is_counted: bool,
    ) {
        while self.policy.shows_adjustments && self.adjust(now_ms, number, adjustment, is_counted) {
        }
    }

    /// Adjusts the first trade of a spot order that was not adjusted yet.
    fn adjust(
        &mut self,
        now_ms: u64,
        number: u64,
        adjustment: Adjustment,
        is_counted: bool,
    ) -> bool {
        let Some(order) = self.orders.get(number).cloned() else {
            return false;
        };
        let untouched = |trade: &&Trade| order.adjusted.iter().all(|one| one.trade != trade.id);
        let Some(trade) = order.trades.iter().find(untouched) else {
            return false;
        };
        let Some(listing) = self.listings.get(&order.symbol) else {
            return false;
        };
        let rules = listing.instrument.clone();
        let part = match adjustment {
            Adjustment::Reversal => Decimal::ZERO,
            Adjustment::Correction(part) => part,
        };
        let quantity = floor_to(trade.quantity * part, rules.step);
        let fee = (trade.fee * part).round_dp(FEE_DECIMALS);
        let taken = trade.quantity - quantity;
        self.account.credit(rules.base, -order.side.signed(taken));
        self.account.credit(rules.quote, order.side.signed(rules.value(taken, trade.price)));
        self.account.credit(&trade.fee_asset, trade.fee - fee);
        let id = self.orders.next_trade_id(self.policy.first_trade_id);
        let adjusted = AdjustedTrade {
            id,
            trade: trade.id,
            is_reversed: adjustment == Adjustment::Reversal,
            quantity,
            fee,
            is_counted,
            time_ms: now_ms,
        };
        self.orders.change(number, |order: &mut Order| order.adjusted.push(adjusted));
        true
    }
}
