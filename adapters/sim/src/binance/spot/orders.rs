//! Placing, asking for, listing and cancelling orders; trades.

use serde_json::{Value, json};

use super::Inside;
use super::failure::refused;
use super::new_order::{Detail, detail};
use super::render;
use crate::binance::failure::Failure;
use crate::exchange::orders::Order;

const DAY_MS: u64 = 24 * 3_600_000;

/// Longest time between start and end of a listing.
const LISTING_WINDOW_MAX_MS: u64 = DAY_MS;

/// How long an unfilled ended order can be asked for.
const UNFILLED_KEPT_MS: u64 = 90 * DAY_MS;

impl Inside<'_> {
    pub(super) fn place(&mut self) -> Result<Value, Failure> {
        let new = self.new_order(&self.params)?;
        let detail = detail(&self.params)?;
        let placed = self.engine.place(self.now_ms, &new, self.alteration).map_err(refused)?;
        let order = self.engine.orders.get(placed).ok_or_else(not_found)?;
        let rules = &self.listing(&order.symbol)?.instrument;
        Ok(match detail {
            Detail::Ack => render::acknowledged(order),
            Detail::Result => render::result(rules, order),
            Detail::Full => render::full(rules, order),
        })
    }

    /// Validates as placing does and stops before the engine.
    pub(super) fn test_place(&self) -> Result<Value, Failure> {
        let new = self.new_order(&self.params)?;
        self.engine.check_only(&new).map_err(refused)?;
        Ok(json!({}))
    }

    pub(super) fn order(&self) -> Result<Value, Failure> {
        let order = self.named_order()?.ok_or_else(not_found)?;
        let age_ms = self.now_ms.saturating_sub(order.received_ms);
        if !order.is_open() && order.executed.is_zero() && age_ms >= UNFILLED_KEPT_MS {
            return Err(Failure::refused(
                -2026,
                "Order was canceled or expired with no executed qty over 90 days ago and has been archived.",
            ));
        }
        Ok(render::queried(&self.listing(&order.symbol)?.instrument, &order))
    }

    pub(super) fn cancel(&mut self) -> Result<Value, Failure> {
        let unknown = || Failure::refused(-2011, "Unknown order sent.");
        let number = self.named_order()?.ok_or_else(unknown)?.number;
        if !self.engine.cancel(self.now_ms, number) {
            return Err(unknown());
        }
        let order = self.engine.orders.get(number).ok_or_else(unknown)?;
        let cancel_id = self
            .params
            .get("newClientOrderId")
            .map_or_else(|| format!("cancel_{number:018}"), str::to_owned);
        Ok(render::cancelled(&self.listing(&order.symbol)?.instrument, order, &cancel_id))
    }

    /// All open orders of a symbol; refused when there is none.
    pub(super) fn cancel_all(&mut self) -> Result<Value, Failure> {
        let symbol = self.symbol()?.instrument.symbol;
        let open = self.engine.orders.open().filter(|order| order.symbol == symbol);
        let numbers: Vec<u64> = open.map(|order| order.number).collect();
        if numbers.is_empty() {
            return Err(Failure::refused(-2011, "Unknown order sent."));
        }
        for number in &numbers {
            let _ = self.engine.cancel(self.now_ms, *number);
        }
        let rules = &self.symbol()?.instrument;
        let ended = numbers.iter().filter_map(|number| self.engine.orders.get(*number));
        Ok(ended
            .map(|order| render::cancelled(rules, order, &format!("cancel_{:018}", order.number)))
            .collect())
    }

    pub(super) fn open_orders(&self) -> Result<Value, Failure> {
        let wanted = self.wanted()?;
        let seen = self.engine.orders.iter().filter_map(|order| order.seen_at(self.now_ms));
        let open = seen.filter(|order| order.is_open());
        let rows = open.filter_map(|order| {
            let listing =
                wanted.iter().find(|listing| listing.instrument.symbol == order.symbol)?;
            Some(render::queried(&listing.instrument, &order))
        });
        Ok(rows.collect())
    }

    pub(super) fn all_orders(&self) -> Result<Value, Failure> {
        let rules = &self.symbol()?.instrument;
        let (start, end) = self.window()?;
        let from = self.params.u64("orderId");
        let seen = self.engine.orders.iter().filter_map(|order| order.seen_at(self.now_ms));
        let wanted = seen.filter(|order| {
            let id = order.order_id.parse::<u64>().unwrap_or_default();
            order.symbol == rules.symbol
                && from.is_none_or(|from| id >= from)
                && (start..=end).contains(&order.received_ms)
        });
        let rows: Vec<Value> = wanted.map(|order| render::queried(rules, &order)).collect();
        Ok(self.page(rows, from.is_some()))
    }

    pub(super) fn my_trades(&self) -> Result<Value, Failure> {
        let rules = &self.symbol()?.instrument;
        let (start, end) = self.window()?;
        let (order_id, from) = (self.params.get("orderId"), self.params.u64("fromId"));
        let seen = self.engine.orders.iter().filter_map(|order| order.seen_at(self.now_ms));
        let of = seen.filter(|order| order.symbol == rules.symbol);
        let mut trades: Vec<(u64, Value)> = Vec::new();
        for order in of.filter(|order| order_id.is_none_or(|id| order.order_id == id)) {
            let wanted = order.trades.iter().filter(|trade| {
                (start..=end).contains(&trade.time_ms) && from.is_none_or(|from| trade.id >= from)
            });
            trades.extend(wanted.map(|trade| (trade.id, render::trade(rules, &order, trade))));
        }
        trades.sort_by_key(|(id, _)| *id);
        Ok(self.page(trades.into_iter().map(|(_, row)| row).collect(), from.is_some()))
    }

    /// Start and end of a listing; at most a day.
    fn window(&self) -> Result<(u64, u64), Failure> {
        match (self.params.u64("startTime"), self.params.u64("endTime")) {
            (None, None) => Ok((0, u64::MAX)),
            (Some(start), None) => Ok((start, start.saturating_add(LISTING_WINDOW_MAX_MS))),
            (None, Some(end)) => Ok((end.saturating_sub(LISTING_WINDOW_MAX_MS), end)),
            (Some(start), Some(end)) if end.saturating_sub(start) > LISTING_WINDOW_MAX_MS => {
                Err(Failure::refused(-1127, "More than 24 hours between startTime and endTime."))
            }
            (Some(start), Some(end)) => Ok((start, end)),
        }
    }

    /// From its start when one was named, else the latest; 500 rows unless told otherwise, 1000 at most.
    fn page(&self, rows: Vec<Value>, from_id: bool) -> Value {
        let limit = self.params.u64("limit").unwrap_or(500).clamp(1, 1000);
        let limit = usize::try_from(limit).unwrap_or(1000).min(rows.len());
        let from_start = from_id || self.params.get("startTime").is_some();
        let skipped = if from_start { 0 } else { rows.len() - limit };
        rows.into_iter().skip(skipped).take(limit).collect()
    }

    /// The order named by either id. A client id that was used again means the open order, else the latest.
    fn named_order(&self) -> Result<Option<Order>, Failure> {
        let symbol = self.symbol()?.instrument.symbol;
        let seen = |order: &Order| {
            if order.symbol == symbol { order.seen_at(self.now_ms) } else { None }
        };
        if let Some(id) = self.params.get("orderId") {
            return Ok(self.engine.orders.iter().find(|order| order.order_id == id).and_then(seen));
        }
        let Some(client_id) = self.params.get("origClientOrderId") else {
            return Err(Failure::refused(
                -1102,
                "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
            ));
        };
        let namesakes: Vec<Order> =
            self.engine.orders.with_client_id(client_id).filter_map(seen).collect();
        Ok(namesakes.iter().find(|order| order.is_open()).or(namesakes.last()).cloned())
    }
}

fn not_found() -> Failure {
    Failure::refused(-2013, "Order does not exist.")
}
