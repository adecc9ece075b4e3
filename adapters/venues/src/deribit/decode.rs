//! The fields of orders, trades, positions and accounts that are used, and what they mean.
//!
//! Amounts are US dollars on inverse contracts and base units elsewhere, which is also how the engine counts here.
//! Source: Deribit private/buy, private/get_order_state, private/get_user_trades_by_order, private/get_position,
//! private/get_account_summaries, responses, read 2026-11-22.

use equipoise_core::{
    Amount, Asset, ClientOrderId, Fill, OrderEnd, OrderRequest, OrderSnapshot, OrderState, Qty,
    Symbol, TradeId, VenueMillis, VenueOrderId,
};
use equipoise_port::{Balance, MarginMode, Position};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::encode::direction;
use super::number::Number;
use crate::answer::{BadAnswer, reason};
use crate::number;

/// What surrounds every result; errors in it are read before.
#[derive(Deserialize)]
pub(crate) struct Envelope<T> {
    pub(crate) result: T,
}

/// An order that was just placed, with the trades it made at once.
#[derive(Deserialize)]
pub(crate) struct Placed {
    order: Order,
    trades: Vec<Trade>,
}

impl Placed {
    /// What the answer proves, if it is about the order that was sent.
    pub(crate) fn snapshot(&self, sent: &OrderRequest) -> Result<OrderSnapshot, BadAnswer> {
        let order = &self.order;
        let amount = order.amount.as_ref().ok_or_else(|| BadAnswer::number("amount"))?;
        let same = order.label == sent.client_id.as_str()
            && order.instrument_name == sent.symbol.as_str()
            && order.direction == direction(sent.side)
            && amount.quantity("amount")? == sent.quantity;
        if !same || self.trades.iter().any(|trade| trade.order_id != order.order_id) {
            return Err(BadAnswer::new("answer names another order"));
        }
        let fills: Result<Vec<Fill>, BadAnswer> = self.trades.iter().map(Trade::fill).collect();
        order.snapshot(fills?)
    }
}

/// An order as all listings show it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Order {
    pub(crate) order_id: String,
    #[serde(default)]
    pub(crate) label: String,
    pub(crate) instrument_name: String,
    direction: String,
    order_state: String,
    #[serde(default)]
    amount: Option<Number>,
    #[serde(default)]
    filled_amount: Option<Number>,
    #[serde(default)]
    cancel_reason: String,
    creation_timestamp: u64,
    last_update_timestamp: u64,
}

impl Order {
    /// Whether it may be one of ours: other programs' labels may be empty or of any form, ours never are.
    pub(crate) fn may_be_ours(&self) -> bool {
        ClientOrderId::new(&self.label).is_ok()
    }

    /// When it was created by the venue's clock.
    pub(crate) fn created(&self) -> Result<VenueMillis, BadAnswer> {
        number::time(self.creation_timestamp, "creation_timestamp")
    }

    /// Whether it was neither created nor changed since.
    pub(crate) fn is_older_than(&self, since: VenueMillis) -> bool {
        self.creation_timestamp < since.0 && self.last_update_timestamp < since.0
    }

    /// Whether rows come from the newest to the oldest, by creation or by change. Rows of one moment do not tell.
    pub(crate) fn are_newest_first(rows: &[Self]) -> bool {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return false;
        };
        let falls = |time: fn(&Self) -> u64| {
            time(first) > time(last) && rows.is_sorted_by(|a, b| time(a) >= time(b))
        };
        falls(|row| row.creation_timestamp) || falls(|row| row.last_update_timestamp)
    }

    /// Which of two answers about one order is the later one. An ended order never opens again.
    pub(crate) fn age_key(&self) -> (bool, u64, Qty) {
        let ended = !matches!(self.order_state.as_str(), "open" | "untriggered" | "triggered");
        (ended, self.last_update_timestamp, self.executed().unwrap_or(Qty::ZERO))
    }

    /// Executed so far. Orders that never traded may lack the field; a filled one must have it.
    pub(crate) fn executed(&self) -> Result<Qty, BadAnswer> {
        match &self.filled_amount {
            Some(filled) => filled.quantity("filled_amount"),
            None if self.order_state == "filled" => Err(BadAnswer::number("filled_amount")),
            None => Ok(Qty::ZERO),
        }
    }

    /// The order in the engine's words.
    pub(crate) fn snapshot(&self, fills: Vec<Fill>) -> Result<OrderSnapshot, BadAnswer> {
        let executed = self.executed()?;
        Ok(OrderSnapshot {
            venue_order: VenueOrderId::new(&self.order_id)
                .map_err(|_| BadAnswer::text("order_id"))?,
            client_id: ClientOrderId::new(&self.label).map_err(|_| BadAnswer::text("label"))?,
            state: self.state(executed),
            executed,
            fills,
            busted: Vec::new(),
        })
    }

    /// A state not documented today leaves the order open: that assumes the most about what it may still do (R7).
    fn state(&self, executed: Qty) -> OrderState {
        OrderState::Ended(match self.order_state.as_str() {
            "filled" => OrderEnd::Filled,
            "cancelled" => OrderEnd::Cancelled { reason: reason(&self.cancel_reason) },
            // A rejected order holds nothing; one that executed was not rejected.
            "rejected" if executed.is_zero() => {
                OrderEnd::Rejected { reason: reason(&self.cancel_reason) }
            }
            "rejected" => OrderEnd::Cancelled { reason: reason(&self.cancel_reason) },
            _ => return OrderState::Open,
        })
    }
}

/// One page of ended orders.
#[derive(Deserialize)]
pub(crate) struct OrderPage {
    pub(crate) orders: Vec<Order>,
    #[serde(default)]
    pub(crate) continuation: Option<String>,
}

/// One trade of the account.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Trade {
    pub(crate) trade_id: String,
    pub(crate) order_id: String,
    pub(crate) instrument_name: String,
    price: Number,
    amount: Number,
    fee: Number,
    fee_currency: String,
    timestamp: u64,
}

impl Trade {
    /// The trade in the engine's words. A positive fee was paid.
    pub(crate) fn fill(&self) -> Result<Fill, BadAnswer> {
        Ok(Fill {
            trade: TradeId::new(&self.trade_id).map_err(|_| BadAnswer::text("trade_id"))?,
            price: self.price.price("price")?,
            quantity: self.amount.quantity("amount")?,
            fee: self.fee.amount("fee")?,
            fee_asset: Asset::new(&self.fee_currency)
                .map_err(|_| BadAnswer::text("fee_currency"))?,
            at: number::time(self.timestamp, "timestamp")?,
        })
    }
}

/// Trades of a span of time.
#[derive(Deserialize)]
pub(crate) struct TradePage {
    pub(crate) trades: Vec<Trade>,
    pub(crate) has_more: bool,
}

/// The position in one instrument.
#[derive(Deserialize)]
pub(crate) struct PositionRow {
    instrument_name: String,
    direction: String,
    size: Number,
}

impl PositionRow {
    /// The position; the size carries a sign, the direction says the same in words, and both must agree.
    pub(crate) fn position(&self, symbol: &Symbol) -> Result<Position, BadAnswer> {
        if self.instrument_name != symbol.as_str() {
            return Err(BadAnswer::new("answer names another instrument"));
        }
        let size = self.size.amount("size")?;
        let (zero, negative) = (size.is_zero(), size.get().is_sign_negative());
        let size = size.magnitude();
        match self.direction.as_str() {
            _ if zero => Ok(flat()),
            "buy" if !negative => Ok(Position { long: size, short: Qty::ZERO }),
            "sell" => Ok(Position { long: Qty::ZERO, short: size }),
            _ => Err(BadAnswer::text("direction")),
        }
    }
}

/// No position.
pub(crate) const fn flat() -> Position {
    Position { long: Qty::ZERO, short: Qty::ZERO }
}

/// The account in all currencies.
#[derive(Deserialize)]
pub(crate) struct Summaries {
    pub(crate) summaries: Vec<CurrencySummary>,
}

/// The account in one currency.
#[derive(Deserialize)]
pub(crate) struct CurrencySummary {
    currency: String,
    balance: Number,
    available_funds: Number,
}

impl CurrencySummary {
    /// `None` for nothing, and for an asset whose name the engine could not write.
    pub(crate) fn balance(&self) -> Result<Option<Balance>, BadAnswer> {
        let total = self.balance.amount("balance")?;
        let Ok(asset) = Asset::new(&self.currency) else {
            tracing::warn!("a balance is left out: its asset's name is not plain ASCII");
            return Ok(None);
        };
        let free = self.available_funds.amount("available_funds")?.get().max(Decimal::ZERO);
        Ok((!total.is_zero()).then_some(Balance { asset, total, available: Amount::from(free) }))
    }
}

/// How the account is set up.
#[derive(Deserialize)]
pub(crate) struct Setup {
    #[serde(default)]
    pub(crate) self_trading_reject_mode: Option<String>,
    #[serde(default)]
    limits: Option<serde_json::Value>,
    #[serde(default)]
    margin_model: Option<String>,
}

impl Setup {
    /// The account's margin model; orders name none and follow it. Segregated ones keep currencies apart, not
    /// positions.
    /// Source: Deribit private/get_account_summary, margin_model, read 2026-11-22.
    pub(crate) fn margin_mode(&self) -> Result<Option<MarginMode>, BadAnswer> {
        match self.margin_model.as_deref() {
            None => Ok(None),
            Some("cross_sm" | "segregated_sm") => Ok(Some(MarginMode::Cross)),
            Some("cross_pm" | "segregated_pm") => Ok(Some(MarginMode::Portfolio)),
            Some(_) => Err(BadAnswer::new("margin model is not a documented one")),
        }
    }

    /// Sustained rate and burst of the account's matching engine requests, where they are shown.
    /// Source: Deribit private/get_account_summary, limits, matching_engine.trading.total, read 2026-11-22.
    pub(crate) fn matching_limit(&self) -> Option<(u32, u32)> {
        let total = self.limits.as_ref()?.get("matching_engine")?.get("trading")?.get("total")?;
        let field = |name| total.get(name)?.as_u64().and_then(|value| u32::try_from(value).ok());
        Some((field("rate")?, field("burst")?))
    }
}
