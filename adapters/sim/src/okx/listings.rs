//! Asking for one order, and listing orders and executions, latest first, in pages.
//!
//! Source: OKX v5 docs, Order Book Trading, Get order, Get order list, Get order history, Get transaction details,
//! read 2026-11-22.

use serde_json::{Value, json};

use super::Inside;
use super::failure::Failure;
use super::render;
use crate::exchange::orders::Order;

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// How far back the histories go.
pub(super) const HISTORY_MS: u64 = 7 * DAY_MS;
pub(super) const ARCHIVE_MS: u64 = 90 * DAY_MS;
pub(super) const FILLS_MS: u64 = 3 * DAY_MS;

/// How long an order that was cancelled without an execution can be found.
const UNFILLED_MS: u64 = 2 * HOUR_MS;

const PAGE_MAX: usize = 100;

impl Inside<'_> {
    pub(super) fn order(&self) -> Result<Value, Failure> {
        let order = self.named_order()?.filter(|order| self.is_kept(order));
        let row = order.and_then(|order| self.row(&order));
        let (_, row) = row.ok_or_else(Failure::no_such_order)?;
        Ok(json!([row]))
    }

    pub(super) fn pending(&self) -> Result<Value, Failure> {
        let orders = self.seen().filter(|order| order.is_open() && self.has_wanted_state(order));
        self.page(orders.filter_map(|order| self.row(&order)).collect())
    }

    /// Ended orders of the last `span_ms`; `instType` is mandatory.
    pub(super) fn history(&self, span_ms: u64) -> Result<Value, Failure> {
        if self.params.get("instType").is_none() {
            return Err(Failure::missing("instType"));
        }
        let orders = self.seen().filter(|order| {
            let recent = self.now_ms.saturating_sub(order.updated_ms) < span_ms;
            !order.is_open()
                && recent
                && self.is_kept(order)
                && self.is_in_window(order.received_ms)
                && self.has_wanted_state(order)
        });
        self.page(orders.filter_map(|order| self.row(&order)).collect())
    }

    pub(super) fn fills(&self, span_ms: u64) -> Result<Value, Failure> {
        let of_order = self.params.get("ordId");
        let mut rows: Vec<(u64, Value)> = Vec::new();
        for order in self.seen() {
            let Some(listing) = self.engine.listings.get(&order.symbol) else {
                continue;
            };
            let wanted = order.trades.iter().filter(|trade| {
                of_order.is_none_or(|id| order.order_id == id)
                    && self.now_ms.saturating_sub(trade.time_ms) < span_ms
                    && self.is_in_window(trade.time_ms)
            });
            let policy = &self.engine.policy;
            rows.extend(
                wanted.map(|trade| (trade.id, render::fill(listing, policy, &order, trade))),
            );
        }
        rows.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
        self.page_of(rows, "billId")
    }

    /// Matching orders as a query sees them, latest first.
    fn seen(&self) -> impl Iterator<Item = Order> + '_ {
        let matching = self.engine.orders.iter().rev().filter(|order| {
            let matches =
                |name, value: &str| self.params.get(name).is_none_or(|wanted| wanted == value);
            self.engine.listings.get(&order.symbol).is_some_and(|listing| {
                matches("instId", &order.symbol)
                    && matches("instType", render::instrument_type(listing))
                    && matches("instFamily", &render::family(listing))
                    && matches("uly", &render::family(listing))
                    && matches("ordType", render::order_type(listing, order))
            })
        });
        matching.filter_map(|order| order.seen_at(self.now_ms))
    }

    fn has_wanted_state(&self, order: &Order) -> bool {
        self.params.get("state").is_none_or(|wanted| wanted == render::state(order))
    }

    /// Whether the venue still knows the order. How long it finds one cancelled without an execution by its id is
    /// not documented; here no longer than in the history.
    fn is_kept(&self, order: &Order) -> bool {
        let age_ms = self.now_ms.saturating_sub(order.updated_ms);
        order.is_open() || !order.executed.is_zero() || age_ms < UNFILLED_MS
    }

    fn is_in_window(&self, at_ms: u64) -> bool {
        self.params.u64("begin").is_none_or(|begin| at_ms >= begin)
            && self.params.u64("end").is_none_or(|end| at_ms <= end)
    }

    fn row(&self, order: &Order) -> Option<(u64, Value)> {
        let listing = self.engine.listings.get(&order.symbol)?;
        let leverage = self.engine.account.leverage_of(&order.symbol);
        Some((order.number, render::order(listing, leverage, order)))
    }

    fn page(&self, rows: Vec<(u64, Value)>) -> Result<Value, Failure> {
        self.page_of(rows, "ordId")
    }

    /// One page of rows sorted latest first: `after` an id come older rows, `before` it newer ones.
    fn page_of(&self, rows: Vec<(u64, Value)>, id: &str) -> Result<Value, Failure> {
        let limit = match self.params.get("limit") {
            None => PAGE_MAX,
            Some(text) => text.parse().map_err(|_| Failure::parameter("limit"))?,
        };
        let (after, before) = (self.params.u64("after"), self.params.u64("before"));
        let number = |row: &Value| row[id].as_str().and_then(|text| text.parse::<u64>().ok());
        let rows = rows.into_iter().map(|(_, row)| row).filter(|row| {
            number(row).is_some_and(|id| {
                after.is_none_or(|after| id < after) && before.is_none_or(|before| id > before)
            })
        });
        Ok(rows.take(limit.min(PAGE_MAX)).collect())
    }
}
