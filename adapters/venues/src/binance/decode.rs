//! Orders and trades in the exchange's answers: the fields that are used, and what they mean.
//!
//! Quantities and prices come as decimal strings, ids and times as integers. The fields used are the same on all
//! products; quantities are base units, on COIN-M contracts.
//! Source: Binance USDⓈ-M and COIN-M Query Order, All Orders, Account Trade List; Spot REST API, Query order,
//! All orders, Account trade list, read 2026-11-22.

use equipoise_core::{
    Asset, ClientOrderId, Fill, OrderEnd, OrderSnapshot, OrderState, Qty, TradeId, VenueOrderId,
};
use serde::Deserialize;

use crate::answer::{BadAnswer, reason};
use crate::number;

/// The venue's clock.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServerTime {
    pub(crate) server_time: u64,
}

/// An order, as every endpoint shows it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Order {
    pub(crate) order_id: u64,
    pub(crate) client_order_id: String,
    pub(crate) symbol: String,
    status: String,
    executed_qty: String,
    #[serde(default)]
    update_time: u64,
    /// A text on orders the exchange ended itself; its form is not documented everywhere.
    #[serde(default)]
    expiry_reason: serde_json::Value,
}

impl Order {
    /// Which of two answers about one order is the later one.
    pub(crate) fn age_key(&self) -> (u64, Qty) {
        let executed = number::quantity(&self.executed_qty, "executedQty");
        (self.update_time, executed.unwrap_or(Qty::ZERO))
    }

    /// Whether this is the exchange's id for it.
    pub(crate) fn has_id(&self, id: &VenueOrderId) -> bool {
        id.as_str() == self.order_id.to_string()
    }

    /// Whether a cancel ended it.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.status == "CANCELED"
    }

    /// Takes the mark of a cancel off the client id, where there is one.
    pub(crate) fn unmarked(mut self, mark: &str) -> Self {
        if let Some(own) = self.client_order_id.strip_suffix(mark) {
            self.client_order_id = own.to_owned();
        }
        self
    }

    /// The order in the engine's words.
    pub(crate) fn snapshot(&self, fills: Vec<Fill>) -> Result<OrderSnapshot, BadAnswer> {
        let executed = number::quantity(&self.executed_qty, "executedQty")?;
        Ok(OrderSnapshot {
            venue_order: VenueOrderId::new(&self.order_id.to_string())
                .map_err(|_| BadAnswer::number("orderId"))?,
            client_id: ClientOrderId::new(&self.client_order_id)
                .map_err(|_| BadAnswer::text("clientOrderId"))?,
            state: self.state(executed),
            executed,
            fills,
            busted: Vec::new(),
        })
    }

    /// A status not documented today leaves the order open: that assumes the most about what it may still do (R7).
    fn state(&self, executed: Qty) -> OrderState {
        let told = || {
            let text = self.expiry_reason.as_str().filter(|text| !text.is_empty());
            reason(text.unwrap_or(&self.status))
        };
        OrderState::Ended(match self.status.as_str() {
            "FILLED" => OrderEnd::Filled,
            "CANCELED" | "EXPIRED" | "EXPIRED_IN_MATCH" => OrderEnd::Cancelled { reason: told() },
            // A rejected order holds nothing; one that executed was not rejected.
            "REJECTED" if executed.is_zero() => OrderEnd::Rejected { reason: told() },
            "REJECTED" => OrderEnd::Cancelled { reason: told() },
            _ => return OrderState::Open,
        })
    }
}

/// A trade of the account.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Trade {
    pub(crate) id: u64,
    pub(crate) order_id: u64,
    pub(crate) symbol: String,
    price: String,
    qty: String,
    commission: String,
    commission_asset: String,
    time: u64,
}

impl Trade {
    /// The trade in the engine's words. A commission is positive when it was paid.
    pub(crate) fn fill(&self) -> Result<Fill, BadAnswer> {
        Ok(Fill {
            trade: TradeId::new(&self.id.to_string()).map_err(|_| BadAnswer::number("id"))?,
            price: number::price(&self.price, "price")?,
            quantity: number::quantity(&self.qty, "qty")?,
            fee: number::amount(&self.commission, "commission")?,
            fee_asset: Asset::new(&self.commission_asset)
                .map_err(|_| BadAnswer::text("commissionAsset"))?,
            at: number::time(self.time, "time")?,
        })
    }
}
