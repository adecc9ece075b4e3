//! Asking for orders and executions: a recent view that forgets, and a historical one that lags.
//!
//! Source: Deribit docs, Accessing historical trades and orders; private/get_order_state_by_label,
//! private/get_order_history_by_currency, private/get_user_trades_by_currency, read 2026-11-22.

use super::Inside;
use super::failure::Failure;
use super::render;
use super::wire::{Object, array, quoted};
use crate::exchange::orders::Order;

const MINUTE_MS: u64 = 60_000;

/// How long the recent view knows an order after its end.
const RECENT_ORDERS_MS: u64 = 30 * MINUTE_MS;

/// How long the recent view knows an execution.
const RECENT_TRADES_MS: u64 = 24 * 60 * MINUTE_MS;

/// How long the historical view takes to know something. A short delay is documented, no figure.
const INDEXING_MS: u64 = MINUTE_MS;

/// Orders older than this are shown only with `include_old`.
const OLD_MS: u64 = 2 * 24 * 60 * MINUTE_MS;

impl Inside<'_> {
    pub(super) fn order_state(&self) -> Result<String, Failure> {
        let order = self.named()?;
        if !self.is_recent(&order) {
            return Err(Failure::order_not_found());
        }
        self.row(&order).ok_or_else(Failure::order_not_found)
    }

    /// All recent orders under a label, which need not be one.
    pub(super) fn order_state_by_label(&self) -> Result<String, Failure> {
        let (currency, label) = (self.currency(false)?, self.params.get("label"));
        Ok(self.rows(|order| {
            self.is_recent(order)
                && self.is_of(order, currency)
                && label.is_some_and(|label| order.client_order_id == label)
        }))
    }

    pub(super) fn open_orders(&self) -> String {
        self.rows(|order| order.is_open() && self.is_of(order, "any"))
    }

    pub(super) fn open_orders_by_currency(&self) -> Result<String, Failure> {
        let currency = self.currency(false)?;
        Ok(self.rows(|order| order.is_open() && self.is_of(order, currency)))
    }

    pub(super) fn open_orders_by_instrument(&self) -> Result<String, Failure> {
        let symbol = self.instrument()?.instrument.symbol;
        Ok(self.rows(|order| order.is_open() && order.symbol == symbol))
    }

    pub(super) fn open_orders_by_label(&self) -> Result<String, Failure> {
        let (currency, label) = (self.currency(false)?, self.params.get("label"));
        Ok(self.rows(|order| {
            order.is_open()
                && self.is_of(order, currency)
                && label.is_none_or(|label| order.client_order_id == label)
        }))
    }

    pub(super) fn order_history_by_currency(&self) -> Result<String, Failure> {
        let currency = self.currency(false)?;
        self.history(|order| self.is_of(order, currency))
    }

    pub(super) fn order_history_by_instrument(&self) -> Result<String, Failure> {
        let symbol = self.instrument()?.instrument.symbol;
        self.history(|order| order.symbol == symbol)
    }

    /// Ended orders, latest first; those without an execution only when asked for.
    fn history(&self, wanted: impl Fn(&Order) -> bool) -> Result<String, Failure> {
        let is = |name| self.params.get(name) == Some("true");
        let (historical, unfilled, old) =
            (is("historical"), is("include_unfilled"), is("include_old"));
        let shown = |order: &Order| {
            let age_ms = self.now_ms.saturating_sub(order.updated_ms);
            let in_view =
                if historical { age_ms >= INDEXING_MS } else { age_ms < RECENT_ORDERS_MS };
            !order.is_open()
                && in_view
                && (old || age_ms < OLD_MS)
                && (unfilled || !order.executed.is_zero())
                && wanted(order)
        };
        let rows: Vec<(u64, String)> = self
            .seen()
            .filter(|order| shown(order))
            .filter_map(|order| Some((order.number, self.row(&order)?)))
            .collect();
        self.page(rows, "orders", is("with_continuation"))
    }

    pub(super) fn trades_by_order(&self) -> Result<String, Failure> {
        let order = self.named()?;
        Ok(array(self.trades_of(&order).into_iter().map(|(_, row)| row)))
    }

    pub(super) fn trades_by_currency(&self) -> Result<String, Failure> {
        let currency = self.currency(false)?;
        self.trades(|order| self.is_of(order, currency))
    }

    pub(super) fn trades_by_instrument(&self) -> Result<String, Failure> {
        let symbol = self.instrument()?.instrument.symbol;
        self.trades(|order| order.symbol == symbol)
    }

    fn trades(&self, wanted: impl Fn(&Order) -> bool) -> Result<String, Failure> {
        let mut rows: Vec<(u64, String)> = Vec::new();
        for order in self.seen().filter(|order| wanted(order)) {
            rows.extend(self.trades_of(&order));
        }
        let ascending = self.params.get("sorting") == Some("asc");
        rows.sort_by_key(|(id, _)| if ascending { *id } else { u64::MAX - *id });
        let count = self.number("count", 10)?.clamp(1, 1000);
        let more = rows.len() > count;
        let rows = array(rows.into_iter().take(count).map(|(_, row)| row));
        Ok(Object::default().raw("trades", &rows).flag("has_more", more).build())
    }

    /// Executions of an order that the view asked for shows, with their numbers.
    fn trades_of(&self, order: &Order) -> Vec<(u64, String)> {
        let historical = self.params.get("historical") == Some("true");
        let Some(listing) = self.engine.listings.get(&order.symbol) else {
            return Vec::new();
        };
        let time = |name| self.params.u64(name);
        let shown = order.trades.iter().filter(|trade| {
            let age_ms = self.now_ms.saturating_sub(trade.time_ms);
            let in_view =
                if historical { age_ms >= INDEXING_MS } else { age_ms < RECENT_TRADES_MS };
            in_view
                && time("start_timestamp").is_none_or(|start| trade.time_ms >= start)
                && time("end_timestamp").is_none_or(|end| trade.time_ms <= end)
        });
        shown.map(|trade| (trade.id, render::trade(listing, order, trade))).collect()
    }

    /// As a query sees them, latest first.
    fn seen(&self) -> impl Iterator<Item = Order> + '_ {
        self.engine.orders.iter().rev().filter_map(|order| order.seen_at(self.now_ms))
    }

    fn rows(&self, wanted: impl Fn(&Order) -> bool) -> String {
        array(self.seen().filter(|order| wanted(order)).filter_map(|order| self.row(&order)))
    }

    fn row(&self, order: &Order) -> Option<String> {
        Some(render::order(self.engine.listings.get(&order.symbol)?, order))
    }

    fn is_recent(&self, order: &Order) -> bool {
        order.is_open() || self.now_ms.saturating_sub(order.updated_ms) < RECENT_ORDERS_MS
    }

    fn number(&self, name: &str, default: usize) -> Result<usize, Failure> {
        match self.params.get(name) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| Failure::invalid(name)),
        }
    }

    /// One page by offset or by continuation, which is the number of the last row shown.
    fn page(
        &self,
        rows: Vec<(u64, String)>,
        name: &str,
        continued: bool,
    ) -> Result<String, Failure> {
        let (count, offset) = (self.number("count", 20)?.clamp(1, 1000), self.number("offset", 0)?);
        let from = self.params.u64("continuation");
        let mut rest = rows
            .into_iter()
            .filter(|(number, _)| from.is_none_or(|from| *number < from))
            .skip(offset);
        let shown: Vec<(u64, String)> = rest.by_ref().take(count).collect();
        let more = rest.next().is_some();
        let last = shown.last().map(|(number, _)| quoted(&number.to_string()));
        let list = array(shown.into_iter().map(|(_, row)| row));
        if !continued {
            return Ok(list);
        }
        let next = last.filter(|_| more).unwrap_or_else(|| "null".to_owned());
        Ok(Object::default().raw(name, &list).raw("continuation", &next).build())
    }
}
