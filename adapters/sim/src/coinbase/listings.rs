//! Listing orders and executions, latest first, in pages. No filter knows client ids.
//!
//! Source: Coinbase Advanced Trade API, List Orders, List Fills, read 2026-11-22.

use serde_json::{Value, json};

use super::Inside;
use super::failure::Failure;
use super::render;
use crate::civil;
use crate::exchange::orders::Order;

const PAGE_DEFAULT: usize = 100;
const PAGE_MAX: usize = 1000;

/// Source: Coinbase Advanced Trade API, List Orders, order_status, read 2026-11-22. Only three are ever shown here.
const STATUSES: [&str; 10] = [
    "OPEN",
    "FILLED",
    "CANCELLED",
    "PENDING",
    "EXPIRED",
    "FAILED",
    "QUEUED",
    "CANCEL_QUEUED",
    "EDIT_QUEUED",
    "UNKNOWN_ORDER_STATUS",
];

impl Inside<'_> {
    pub(super) fn orders(&self) -> Result<Value, Failure> {
        let products = self.asked_all(&["product_ids", "product_id"]);
        let ids = self.asked_all(&["order_ids"]);
        let statuses = self.statuses()?;
        let kinds = self.asked_all(&["order_types"]);
        let times = self.asked_all(&["time_in_forces"]);
        let side = self.asked("order_side");
        let (start, end) = (self.instant("start_date")?, self.instant("end_date")?);
        let wanted = |order: &Order| {
            among(&products, &order.symbol)
                && among(&ids, &order.order_id)
                && among(&statuses, render::status(order))
                && among(&kinds, render::kind(order))
                && among(&times, render::time_in_force(order))
                && side.as_deref().is_none_or(|side| side == render::side(order.side))
                && start.is_none_or(|start| order.received_ms >= start)
                && end.is_none_or(|end| order.received_ms < end)
        };
        let seen = self.engine.orders.iter().rev().filter_map(|order| order.seen_at(self.now_ms));
        let rows = seen.filter(wanted).filter_map(|order| {
            let listing = self.engine.listings.get(&order.symbol)?;
            Some((order.number, render::order(&self.engine.policy, listing, &order)))
        });
        let (orders, cursor, more) = self.page(rows.collect())?;
        Ok(json!({ "orders": orders, "sequence": "0", "has_next": more, "cursor": cursor }))
    }

    pub(super) fn fills(&self) -> Result<Value, Failure> {
        let products = self.asked_all(&["product_ids", "product_id"]);
        let ids = self.asked_all(&["order_ids", "order_id"]);
        let start = self.instant("start_sequence_timestamp")?;
        let end = self.instant("end_sequence_timestamp")?;
        let mut rows: Vec<(u64, Value)> = Vec::new();
        let seen = self.engine.orders.iter().filter_map(|order| order.seen_at(self.now_ms));
        for order in seen.filter(|o| among(&products, &o.symbol) && among(&ids, &o.order_id)) {
            let Some(listing) = self.engine.listings.get(&order.symbol) else {
                continue;
            };
            let wanted = order.trades.iter().filter(|trade| {
                start.is_none_or(|start| trade.time_ms >= start)
                    && end.is_none_or(|end| trade.time_ms < end)
            });
            rows.extend(wanted.map(|trade| (trade.id, render::fill(listing, &order, trade))));
            let adjusted = order.adjusted.iter().filter(|adjusted| {
                start.is_none_or(|start| adjusted.time_ms >= start)
                    && end.is_none_or(|end| adjusted.time_ms < end)
            });
            rows.extend(adjusted.filter_map(|adjusted| {
                Some((adjusted.id, render::adjusted(listing, &order, adjusted)?))
            }));
        }
        rows.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
        let (fills, cursor, _) = self.page(rows)?;
        Ok(json!({ "fills": fills, "cursor": cursor }))
    }

    /// The statuses asked for; `OPEN` cannot be asked for together with others.
    fn statuses(&self) -> Result<Vec<String>, Failure> {
        let statuses = self.asked_all(&["order_status"]);
        if !statuses.iter().all(|status| STATUSES.contains(&status.as_str())) {
            return Err(Failure::argument("invalid order_status"));
        }
        if statuses.len() > 1 && statuses.iter().any(|status| status == "OPEN") {
            let text = "OPEN orders cannot be specified with other order types";
            return Err(Failure::argument(text));
        }
        Ok(statuses)
    }

    fn instant(&self, name: &str) -> Result<Option<u64>, Failure> {
        let Some(text) = self.asked(name) else {
            return Ok(None);
        };
        civil::from_rfc3339(&text)
            .map(Some)
            .ok_or_else(|| Failure::argument(format!("invalid {name}")))
    }

    /// One page of rows sorted latest first; the cursor is the number of the last row shown.
    fn page(&self, rows: Vec<(u64, Value)>) -> Result<(Vec<Value>, String, bool), Failure> {
        let limit = match self.asked("limit") {
            None => PAGE_DEFAULT,
            Some(text) => text.parse().map_err(|_| Failure::argument("invalid limit"))?,
        };
        let cursor = self.asked("cursor").map(|text| text.parse::<u64>());
        let cursor = cursor.transpose().map_err(|_| Failure::argument("invalid cursor"))?;
        let mut rest =
            rows.into_iter().filter(|(number, _)| cursor.is_none_or(|cursor| *number < cursor));
        let shown: Vec<(u64, Value)> = rest.by_ref().take(limit.clamp(1, PAGE_MAX)).collect();
        let more = rest.next().is_some();
        let last = shown.last().map(|(number, _)| number.to_string());
        let rows = shown.into_iter().map(|(_, row)| row).collect();
        Ok((rows, last.filter(|_| more).unwrap_or_default(), more))
    }
}

/// An empty list wants everything.
fn among(wanted: &[String], value: &str) -> bool {
    wanted.is_empty() || wanted.iter().any(|one| one == value)
}
