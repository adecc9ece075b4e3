//! Orders and executions in the exchange's answers: the fields that are used, and what they mean.
//!
//! Numbers and times come as texts, empty where there is none.
//! Source: Bybit v5 Get Open & Closed Orders, Get Order History, Get Trade History, read 2026-11-22.

use equipoise_core::{
    Asset, ClientOrderId, Fill, OrderEnd, OrderSnapshot, OrderState, Qty, TradeId, VenueMillis,
    VenueOrderId,
};
use serde::Deserialize;

use super::instruments::Coins;
use super::product::Kind;
use crate::answer::{BadAnswer, reason};
use crate::number;

/// What surrounds every result; the codes in it are read before.
#[derive(Deserialize)]
pub(crate) struct Envelope<T> {
    pub(crate) result: T,
}

/// A page of a listing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page<T> {
    pub(crate) list: Vec<T>,
    #[serde(default)]
    pub(crate) next_page_cursor: String,
}

/// The venue's clock.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServerTime {
    time_nano: String,
}

impl ServerTime {
    pub(crate) fn time(&self) -> Result<VenueMillis, BadAnswer> {
        let digits = self.time_nano.bytes().all(|byte| byte.is_ascii_digit());
        match self.time_nano.parse::<u64>() {
            Ok(nanos) if digits => number::time(nanos / 1_000_000, "timeNano"),
            _ => Err(BadAnswer::number("timeNano")),
        }
    }
}

/// The acknowledgement of an order: it exists, nothing more.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Acknowledged {
    #[serde(default)]
    order_id: String,
    #[serde(default)]
    order_link_id: String,
}

impl Acknowledged {
    /// The order as far as an acknowledgement proves it.
    pub(crate) fn snapshot(&self, client_id: &ClientOrderId) -> Result<OrderSnapshot, BadAnswer> {
        if self.order_link_id != client_id.as_str() {
            return Err(BadAnswer::new("answer names another order"));
        }
        Ok(OrderSnapshot {
            venue_order: VenueOrderId::new(&self.order_id)
                .map_err(|_| BadAnswer::text("orderId"))?,
            client_id: client_id.clone(),
            state: OrderState::Open,
            executed: Qty::ZERO,
            fills: Vec::new(),
            busted: Vec::new(),
        })
    }
}

/// An order, as both listings show it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Order {
    pub(crate) order_id: String,
    pub(crate) order_link_id: String,
    pub(crate) symbol: String,
    order_status: String,
    #[serde(default)]
    cancel_type: String,
    #[serde(default)]
    reject_reason: String,
    cum_exec_qty: String,
    created_time: String,
    updated_time: String,
}

impl Order {
    /// When it was created by the venue's clock.
    pub(crate) fn created(&self) -> Result<VenueMillis, BadAnswer> {
        number::time_text(&self.created_time, "createdTime")
    }

    /// Which of two answers about one order is the later one.
    pub(crate) fn age_key(&self) -> (u64, Qty) {
        let updated = number::time_text(&self.updated_time, "updatedTime");
        let executed = number::quantity(&self.cum_exec_qty, "cumExecQty");
        (updated.map_or(0, |at| at.0), executed.unwrap_or(Qty::ZERO))
    }

    /// The order in the engine's words.
    pub(crate) fn snapshot(&self, fills: Vec<Fill>) -> Result<OrderSnapshot, BadAnswer> {
        let executed = number::quantity(&self.cum_exec_qty, "cumExecQty")?;
        Ok(OrderSnapshot {
            venue_order: VenueOrderId::new(&self.order_id)
                .map_err(|_| BadAnswer::text("orderId"))?,
            client_id: ClientOrderId::new(&self.order_link_id)
                .map_err(|_| BadAnswer::text("orderLinkId"))?,
            state: self.state(executed),
            executed,
            fills,
            busted: Vec::new(),
        })
    }

    /// Rejected because an order before it has its client id, which the exchange may notice after it acknowledged both.
    /// So it proves that there is another, and nothing about what became of that one.
    /// Source: Bybit v5 Enum Definitions, rejectReason, read 2026-11-22.
    pub(crate) fn repeats_another(&self) -> bool {
        self.order_status == "Rejected" && self.reject_reason == "EC_DuplicatedClOrdID"
    }

    /// How it ended where the order that it repeats is known as well.
    pub(crate) fn repeated(&self) -> OrderState {
        OrderState::Ended(OrderEnd::Rejected { reason: self.reason() })
    }

    /// A status not documented today leaves the order open: that assumes the most about what it may still do (R7).
    /// So does a repetition, until the order it repeats is found.
    fn state(&self, executed: Qty) -> OrderState {
        OrderState::Ended(match self.order_status.as_str() {
            "Filled" => OrderEnd::Filled,
            "Cancelled" | "PartiallyFilledCanceled" | "Deactivated" => {
                OrderEnd::Cancelled { reason: self.reason() }
            }
            _ if self.repeats_another() => return OrderState::Open,
            // A rejected order holds nothing; one that executed was not rejected.
            "Rejected" if executed.is_zero() => OrderEnd::Rejected { reason: self.reason() },
            "Rejected" => OrderEnd::Cancelled { reason: self.reason() },
            _ => return OrderState::Open,
        })
    }

    /// The first of both words that says something.
    fn reason(&self) -> String {
        let words = [&self.reject_reason, &self.cancel_type];
        let telling =
            words.into_iter().find(|word| !matches!(word.as_str(), "" | "EC_NoError" | "UNKNOWN"));
        telling.map_or_else(String::new, |word| reason(word))
    }
}

/// One execution of the account.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Execution {
    pub(crate) order_id: String,
    pub(crate) symbol: String,
    pub(crate) exec_id: String,
    pub(crate) exec_type: String,
    #[serde(default)]
    pub(crate) fee_currency: String,
    #[serde(default)]
    side: String,
    #[serde(default)]
    is_maker: bool,
    exec_price: String,
    exec_qty: String,
    exec_fee: String,
    exec_time: String,
    /// Taxes of a few sites, empty everywhere else.
    #[serde(default)]
    extra_fees: serde_json::Value,
}

impl Execution {
    /// Only trades count for a leg; funding, settlement and moves between accounts do not.
    pub(crate) fn is_trade(&self) -> bool {
        self.exec_type == "Trade"
    }

    /// The execution in the engine's words. The coins of the instrument tell what an unnamed fee was paid in.
    pub(crate) fn fill(&self, kind: Kind, coins: Option<&Coins>) -> Result<Fill, BadAnswer> {
        if !matches!(&self.extra_fees, serde_json::Value::Null) && self.extra_fees != "" {
            tracing::warn!(exec_id = %self.exec_id, "an execution carries taxes, which are not counted");
        }
        let fee = number::amount(&self.exec_fee, "execFee")?;
        let fee_asset = match (self.fee_currency.as_str(), coins) {
            ("", Some(coins)) if kind == Kind::Spot => {
                self.spot_fee_asset(coins, fee.get().is_sign_negative() && !fee.is_zero())?
            }
            ("", Some(coins)) => coins.settle.clone(),
            (text, _) => Asset::new(text).map_err(|_| BadAnswer::text("feeCurrency"))?,
        };
        Ok(Fill {
            trade: TradeId::new(&self.exec_id).map_err(|_| BadAnswer::text("execId"))?,
            price: number::price(&self.exec_price, "execPrice")?,
            quantity: number::quantity(&self.exec_qty, "execQty")?,
            fee,
            fee_asset,
            at: number::time_text(&self.exec_time, "execTime")?,
        })
    }

    /// A spot fee is paid in what is received, a maker's rebate in what is given.
    /// Source: Bybit v5 Enum Definitions, Spot Fee Currency Instruction, read 2026-11-22.
    fn spot_fee_asset(&self, coins: &Coins, rebate: bool) -> Result<Asset, BadAnswer> {
        let received = match self.side.as_str() {
            "Buy" => true,
            "Sell" => false,
            _ => return Err(BadAnswer::text("side")),
        };
        let in_base = received != (self.is_maker && rebate);
        Ok(if in_base { coins.base.clone() } else { coins.quote.clone() })
    }
}
