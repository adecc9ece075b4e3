//! Placing, asking for, listing and cancelling orders; trades.

use serde_json::{Value, json};

use super::Inside;
use super::failure::refused;
use super::new_order::response_type;
use super::render;
use crate::binance::failure::Failure;
use crate::exchange::instrument::Listing;
use crate::exchange::orders::{Order, OrderStatus};
use crate::params::Params;

const DAY_MS: u64 = 24 * 3_600_000;

/// Longest time between start and end of a listing.
const LISTING_WINDOW_MAX_MS: u64 = 7 * DAY_MS;

impl Inside<'_> {
    pub(super) fn place(mut self) -> Result<Value, Failure> {
        let params = std::mem::take(&mut self.params);
        self.place_one(&params)
    }

    fn place_one(&mut self, params: &Params) -> Result<Value, Failure> {
        let new = self.new_order(params)?;
        let in_full = response_type(params)?;
        let number = self.engine.place(self.now_ms, &new, self.alteration).map_err(refused)?;
        let order = self.engine.orders.get(number).cloned().ok_or_else(not_found)?;
        let listing = self.listing(&order.symbol)?;
        Ok(if in_full {
            render::placed(self.product, &listing.instrument, &order)
        } else {
            self.acknowledged(listing, order)
        })
    }

    /// Validates as placing does and stops before the engine.
    pub(super) fn test_place(&self) -> Result<Value, Failure> {
        let new = self.new_order(&self.params)?;
        self.engine.check_only(&new).map_err(refused)?;
        Ok(json!({}))
    }

    /// Up to five orders, each with its own fate; answers in the order of the request.
    pub(super) fn place_batch(&mut self) -> Result<Value, Failure> {
        let list = self.params.get("batchOrders").ok_or_else(|| Failure::missing("batchOrders"))?;
        let orders: Vec<serde_json::Map<String, Value>> =
            serde_json::from_str(list).map_err(|_| Failure::invalid("batchOrders"))?;
        if orders.is_empty() || orders.len() > 5 {
            return Err(Failure::refused(-4082, "Invalid number of batch place orders."));
        }
        let answers = orders.into_iter().map(|fields| {
            let mut params = Params::default();
            for (name, value) in fields {
                params
                    .insert(&name, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            }
            self.place_one(&params).unwrap_or_else(|failure| failure.value())
        });
        Ok(Value::Array(answers.collect()))
    }

    pub(super) fn order(&self) -> Result<Value, Failure> {
        let order = self.named_order()?.ok_or_else(not_found)?;
        Ok(render::queried(self.product, &self.listing(&order.symbol)?.instrument, &order))
    }

    pub(super) fn open_order(&self) -> Result<Value, Failure> {
        let order = self.named_order()?.filter(Order::is_open).ok_or_else(not_found)?;
        Ok(render::queried(self.product, &self.listing(&order.symbol)?.instrument, &order))
    }

    pub(super) fn cancel(&mut self) -> Result<Value, Failure> {
        let unknown = || Failure::refused(-2011, "Unknown order sent.");
        let number = self.named_order()?.ok_or_else(unknown)?.number;
        if !self.engine.cancel(self.now_ms, number) {
            return Err(unknown());
        }
        let order = self.engine.orders.get(number).ok_or_else(unknown)?;
        Ok(render::placed(self.product, &self.listing(&order.symbol)?.instrument, order))
    }

    pub(super) fn cancel_all(&mut self) -> Result<Value, Failure> {
        let symbol = self.symbol()?.instrument.symbol;
        let open = self.engine.orders.open().filter(|order| order.symbol == symbol);
        let numbers: Vec<u64> = open.map(|order| order.number).collect();
        for number in numbers {
            let _ = self.engine.cancel(self.now_ms, number);
        }
        Ok(json!({ "code": 200, "msg": "The operation of cancel all open order is done." }))
    }

    /// What an ACK shows: the order as it was on acceptance.
    fn acknowledged(&self, listing: &Listing, mut order: Order) -> Value {
        order.status = OrderStatus::New;
        order.ended_by = None;
        order.executed = rust_decimal::Decimal::ZERO;
        order.updated_ms = order.received_ms;
        render::placed(self.product, &listing.instrument, &order)
    }

    pub(super) fn open_orders(&self) -> Result<Value, Failure> {
        let symbols = symbols(&self.wanted()?);
        let seen = self.engine.orders.iter().filter_map(|order| order.seen_at(self.now_ms));
        let open = seen.filter(|order| order.is_open() && symbols.contains(&order.symbol.as_str()));
        self.rendered(open)
    }

    pub(super) fn all_orders(&self) -> Result<Value, Failure> {
        let symbols = symbols(&self.named()?);
        let (start, end) = self.window()?;
        let from = self.params.u64("orderId");
        let seen = self.engine.orders.iter().filter_map(|order| order.seen_at(self.now_ms));
        let wanted = seen.filter(|order| {
            let since =
                from.is_none_or(|from| order.order_id.parse::<u64>().is_ok_and(|id| id >= from));
            symbols.contains(&order.symbol.as_str())
                && since
                && (start..=end).contains(&order.received_ms)
                && is_queryable(order, self.now_ms)
        });
        let wanted: Vec<Order> = wanted.collect();
        let range =
            self.page(wanted.len(), 500, from.is_some() || self.params.get("startTime").is_some());
        self.rendered(wanted.into_iter().skip(range.start).take(range.len()))
    }

    pub(super) fn user_trades(&self) -> Result<Value, Failure> {
        let symbols = symbols(&self.named()?);
        let (start, end) = self.window()?;
        let (order_id, from) = (self.params.get("orderId"), self.params.u64("fromId"));
        let seen = self.engine.orders.iter().filter_map(|order| order.seen_at(self.now_ms));
        let of = seen.filter(|order| symbols.contains(&order.symbol.as_str()));
        let of = of.filter(|order| order_id.is_none_or(|id| order.order_id == id));
        let mut trades: Vec<(u64, Value)> = Vec::new();
        for order in of {
            let listing = self.listing(&order.symbol)?;
            let wanted = order.trades.iter().filter(|trade| {
                (start..=end).contains(&trade.time_ms) && from.is_none_or(|from| trade.id >= from)
            });
            trades.extend(wanted.map(|trade| {
                (trade.id, render::trade(self.product, &listing.instrument, &order, trade))
            }));
        }
        trades.sort_by_key(|(id, _)| *id);
        let range =
            self.page(trades.len(), 500, from.is_some() || self.params.get("startTime").is_some());
        Ok(trades.into_iter().skip(range.start).take(range.len()).map(|(_, trade)| trade).collect())
    }

    fn rendered(&self, orders: impl Iterator<Item = Order>) -> Result<Value, Failure> {
        orders
            .map(|order| {
                Ok(render::queried(self.product, &self.listing(&order.symbol)?.instrument, &order))
            })
            .collect()
    }

    /// Start and end of a listing; at most seven days.
    fn window(&self) -> Result<(u64, u64), Failure> {
        let (start, end) = (self.params.u64("startTime"), self.params.u64("endTime"));
        let (start, end) = match (start, end) {
            (None, None) => (0, u64::MAX),
            (Some(start), None) => (start, start.saturating_add(LISTING_WINDOW_MAX_MS)),
            (None, Some(end)) => (end.saturating_sub(LISTING_WINDOW_MAX_MS), end),
            (Some(start), Some(end)) if end.saturating_sub(start) > LISTING_WINDOW_MAX_MS => {
                return Err(Failure::refused(-4165, "Maximum time interval is 7 days"));
            }
            (Some(start), Some(end)) => (start, end),
        };
        Ok((start, end))
    }

    /// The part of a listing that a page shows: from its start when one was named, else the latest.
    fn page(&self, found: usize, default: usize, from_start: bool) -> std::ops::Range<usize> {
        let limit = self
            .params
            .u64("limit")
            .and_then(|limit| usize::try_from(limit).ok())
            .unwrap_or(default);
        let limit = limit.clamp(1, 1000).min(found);
        if from_start { 0..limit } else { found - limit..found }
    }

    /// The order named by either id. A client id that was used again means the open order, else the latest.
    fn named_order(&self) -> Result<Option<Order>, Failure> {
        let symbol = self.symbol()?.instrument.symbol;
        let seen = |order: &Order| {
            let visible = order.symbol == symbol && is_queryable(order, self.now_ms);
            if visible { order.seen_at(self.now_ms) } else { None }
        };
        if let Some(id) = self.params.get("orderId") {
            return Ok(self.engine.orders.iter().find(|order| order.order_id == id).and_then(seen));
        }
        let Some(client_id) = self.params.get("origClientOrderId") else {
            return Err(Failure::refused(
                -1102,
                "Either 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
            ));
        };
        let namesakes: Vec<Order> =
            self.engine.orders.with_client_id(client_id).filter_map(seen).collect();
        Ok(namesakes.iter().find(|order| order.is_open()).or(namesakes.last()).cloned())
    }
}

fn symbols(listings: &[&Listing]) -> Vec<&'static str> {
    listings.iter().map(|listing| listing.instrument.symbol).collect()
}

/// Unfilled ended orders leave the records after three days, all others after ninety.
fn is_queryable(order: &Order, now_ms: u64) -> bool {
    let kept_ms =
        if !order.is_open() && order.executed.is_zero() { 3 * DAY_MS } else { 90 * DAY_MS };
    order.is_open() || now_ms.saturating_sub(order.received_ms) < kept_ms
}

fn not_found() -> Failure {
    Failure::refused(-2013, "Order does not exist.")
}
