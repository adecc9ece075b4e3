//! The fields of orders and accounts that are used, and what they mean.
//!
//! Numbers come as texts, empty where there is none; times as RFC 3339.
//! Source: Coinbase Advanced Trade API, Create Order, Get Order, List Orders, Cancel Orders, List Accounts,
//! Get API Key Permissions, Get Server Time, read 2026-11-22.

use std::collections::BTreeMap;

use equipoise_core::{
    Amount, Asset, ClientOrderId, OrderEnd, OrderKind, OrderRequest, OrderSnapshot, OrderState,
    Qty, VenueMillis, VenueOrderId,
};
use equipoise_port::{Balance, OrderTerms};
use serde::Deserialize;

use super::encode::side;
use super::errors::NotCreated;
use super::trades::{Outcome, Trades};
use crate::answer::{BadAnswer, reason};
use crate::credentials::Credentials;
use crate::number;
use crate::outcome::Failure;

/// Longest text of a time.
const TIME_CHARS_MAX: usize = 40;

/// A moment of venue time.
pub(crate) fn time(text: &str, field: &'static str) -> Result<VenueMillis, BadAnswer> {
    let bad = || BadAnswer::number(field);
    if text.len() > TIME_CHARS_MAX {
        return Err(bad());
    }
    let at: jiff::Timestamp = text.parse().map_err(|_| bad())?;
    number::time(u64::try_from(at.as_millisecond()).map_err(|_| bad())?, field)
}

/// The venue's clock.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServerTime {
    epoch_millis: String,
}

impl ServerTime {
    pub(crate) fn time(&self) -> Result<VenueMillis, BadAnswer> {
        number::time_text(&self.epoch_millis, "epochMillis")
    }
}

/// The answer to a new order: created, or not and why.
#[derive(Deserialize)]
pub(crate) struct Created {
    success: bool,
    #[serde(default)]
    success_response: Option<CreatedOrder>,
    #[serde(default)]
    error_response: Option<NotCreated>,
}

#[derive(Deserialize)]
struct CreatedOrder {
    order_id: String,
    #[serde(default)]
    side: String,
    #[serde(default)]
    client_order_id: String,
}

impl Created {
    /// The id of the order that was created, now or by an earlier request with the same client id.
    pub(crate) fn order_id(
        &self,
        sent: &OrderRequest,
        credentials: &Credentials,
    ) -> Result<VenueOrderId, Failure> {
        if !self.success {
            if self.success_response.as_ref().is_some_and(|created| !created.order_id.is_empty()) {
                return Err(BadAnswer::new("order was not created, yet has an id").into());
            }
            let why = self.error_response.as_ref();
            return Err(why.unwrap_or(&NotCreated::default()).failure(credentials));
        }
        let Some(created) = &self.success_response else {
            return Err(BadAnswer::new("order was created, but which is not said").into());
        };
        let same_side = created.side.is_empty() || created.side == side(sent.side);
        if created.client_order_id != sent.client_id.as_str() || !same_side {
            return Err(BadAnswer::new("answer names another order").into());
        }
        Ok(VenueOrderId::new(&created.order_id).map_err(|_| BadAnswer::text("order_id"))?)
    }
}

/// One order by its id; just after its creation it may not be there yet.
#[derive(Deserialize)]
pub(crate) struct OneOrder {
    pub(crate) order: Option<Order>,
}

/// A page of orders. Whether there is another one is always said.
#[derive(Deserialize)]
pub(crate) struct OrderPage {
    pub(crate) orders: Vec<Order>,
    pub(crate) has_next: bool,
    #[serde(default)]
    pub(crate) cursor: String,
    /// Held back until the account's holder gives a second factor, which the European Union asks for: empty or not
    /// everything, in an answer that is well formed otherwise.
    /// Source: Coinbase Advanced Trade API, List Orders; List Fills, proof_token_required, read 2026-11-22.
    #[serde(default)]
    pub(crate) proof_token_required: bool,
}

/// An order as all listings show it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Order {
    pub(crate) order_id: String,
    #[serde(default)]
    pub(crate) client_order_id: String,
    pub(crate) product_id: String,
    side: String,
    status: String,
    created_time: String,
    filled_size: String,
    #[serde(default)]
    number_of_fills: String,
    #[serde(default)]
    reject_reason: String,
    #[serde(default)]
    cancel_message: String,
    #[serde(default)]
    order_configuration: Option<BTreeMap<String, Option<Sizes>>>,
}

/// What all configurations used here have in common.
#[derive(Debug, Clone, Deserialize)]
struct Sizes {
    #[serde(default)]
    base_size: Option<String>,
    #[serde(default)]
    limit_price: Option<String>,
}

impl Order {
    /// Whether it may be one of ours: other programs' ids may be empty or of any form, ours never are.
    pub(crate) fn may_be_ours(&self) -> bool {
        ClientOrderId::new(&self.client_order_id).is_ok()
    }

    /// When it was created by the venue's clock.
    pub(crate) fn created(&self) -> Result<VenueMillis, BadAnswer> {
        time(&self.created_time, "created_time")
    }

    /// Executed so far.
    pub(crate) fn executed(&self) -> Result<Qty, BadAnswer> {
        let executed = number::amount_or_zero(&self.filled_size, "filled_size")?;
        Qty::new(executed.get()).map_err(|_| BadAnswer::number("filled_size"))
    }

    /// Which of two answers about one order is the later one. An ended order never opens again.
    pub(crate) fn age_key(&self) -> (bool, Qty) {
        let executed = self.executed().unwrap_or(Qty::ZERO);
        (!matches!(self.state(executed), OrderState::Open), executed)
    }

    /// Whether it has the side, size and price an order was sent with.
    pub(crate) fn has(&self, terms: &OrderTerms) -> Result<bool, BadAnswer> {
        let sizes = self.order_configuration.as_ref().and_then(|all| all.values().flatten().next());
        let base_size = sizes.and_then(|sizes| sizes.base_size.as_deref());
        let Some(base_size) = base_size else {
            return Err(BadAnswer::text("order_configuration"));
        };
        let price =
            sizes.and_then(|sizes| sizes.limit_price.as_deref()).filter(|at| !at.is_empty());
        let same_price = match (terms.kind, price) {
            (OrderKind::Market, price) => price.is_none(),
            (OrderKind::Limit { price, .. }, Some(text)) => {
                number::price(text, "limit_price")? == price
            }
            (OrderKind::Limit { .. }, None) => false,
        };
        Ok(self.side == side(terms.side)
            && number::quantity(base_size, "base_size")? == terms.quantity
            && same_price)
    }

    /// The order in the engine's words.
    pub(crate) fn snapshot(&self, trades: Trades) -> Result<OrderSnapshot, BadAnswer> {
        let Outcome { fills, busted, executed } = trades.outcome(self.executed()?);
        Ok(OrderSnapshot {
            venue_order: VenueOrderId::new(&self.order_id)
                .map_err(|_| BadAnswer::text("order_id"))?,
            client_id: ClientOrderId::new(&self.client_order_id)
                .map_err(|_| BadAnswer::text("client_order_id"))?,
            state: self.state(executed),
            executed,
            fills,
            busted,
        })
    }

    /// Whether there may be fills to list: none yet on an open order that states none. An ended one that states none
    /// may have had some, and all of them taken back (V12).
    pub(crate) fn may_have_fills(&self) -> Result<bool, BadAnswer> {
        let executed = self.executed()?;
        let states_none = executed.is_zero() && matches!(self.number_of_fills.as_str(), "" | "0");
        let live = matches!(self.status.as_str(), "OPEN" | "PENDING" | "QUEUED");
        Ok(!live || !states_none)
    }

    /// A status not documented today leaves the order open: that assumes the most about what it may still do (R7).
    fn state(&self, executed: Qty) -> OrderState {
        OrderState::Ended(match self.status.as_str() {
            // Filled with nothing: its fills were taken back, and tell (V12).
            "FILLED" if executed.is_zero() => return OrderState::Open,
            "FILLED" => OrderEnd::Filled,
            "CANCELLED" | "EXPIRED" => OrderEnd::Cancelled { reason: self.reason() },
            // A failed order holds nothing; one that executed did not fail.
            "FAILED" if executed.is_zero() => OrderEnd::Rejected { reason: self.reason() },
            "FAILED" => OrderEnd::Cancelled { reason: self.reason() },
            _ => return OrderState::Open,
        })
    }

    /// The first word that says something, else the status itself.
    fn reason(&self) -> String {
        let untelling = |word: &&String| matches!(word.as_str(), "" | "REJECT_REASON_UNSPECIFIED");
        let words = [&self.reject_reason, &self.cancel_message, &self.status];
        let telling = words.into_iter().find(|word| !untelling(word));
        telling.map_or_else(String::new, |word| reason(word))
    }
}

/// Answers to cancels, one for each order.
#[derive(Deserialize)]
pub(crate) struct Cancelled {
    pub(crate) results: Vec<CancelResult>,
}

/// What became of one cancel.
#[derive(Deserialize)]
pub(crate) struct CancelResult {
    pub(crate) success: bool,
    #[serde(default)]
    pub(crate) failure_reason: String,
    pub(crate) order_id: String,
}

/// What the key may do.
#[derive(Deserialize)]
pub(crate) struct Permissions {
    pub(crate) can_trade: bool,
    #[serde(default)]
    pub(crate) can_transfer: bool,
    #[serde(default)]
    pub(crate) portfolio_type: String,
}

/// A page of accounts, one for each asset.
#[derive(Deserialize)]
pub(crate) struct AccountPage {
    pub(crate) accounts: Vec<AssetAccount>,
    #[serde(default)]
    pub(crate) has_next: bool,
    #[serde(default)]
    pub(crate) cursor: String,
}

/// One asset of the account.
#[derive(Deserialize)]
pub(crate) struct AssetAccount {
    currency: String,
    available_balance: Value,
    #[serde(default)]
    hold: Option<Value>,
}

#[derive(Deserialize)]
struct Value {
    value: String,
}

impl AssetAccount {
    /// `None` for nothing, and for an asset whose name the engine could not write.
    pub(crate) fn balance(&self) -> Result<Option<Balance>, BadAnswer> {
        let available = number::amount_or_zero(&self.available_balance.value, "available_balance")?;
        let held = match &self.hold {
            Some(hold) => number::amount_or_zero(&hold.value, "hold")?,
            None => Amount::ZERO,
        };
        let Ok(asset) = Asset::new(&self.currency) else {
            tracing::warn!("a balance is left out: its asset's name is not plain ASCII");
            return Ok(None);
        };
        let total = available + held;
        Ok((!total.is_zero()).then_some(Balance { asset, total, available }))
    }
}
