//! Finding orders again, and listing them completely.
//!
//! The exchange shows what is recent in one view and what is older in another, with a delay between the two; whatever
//! may lie near the border is looked for in both.
//! Source: Deribit Accessing historical trades and orders, read 2026-11-22.

use std::collections::{BTreeMap, BTreeSet};

use equipoise_core::{Fill, OrderSnapshot, Symbol, VenueMillis};
use equipoise_port::{OrderRef, QueryError};
use futures::try_join;
use serde_json::value::RawValue;

use super::decode::{Order, OrderPage, Trade, TradePage};
use super::encode::{History, OfInstrument, OfLabel, OfOrder, Trades, TradesOfOrder};
use super::product::{
    BY_LABEL, HISTORY, OPEN_ORDERS, ORDER, RECENT_ORDERS_MS, RECENT_TRADES_MS, TRADES,
    TRADES_OF_ORDER,
};
use super::{Deribit, unavailable};
use crate::answer::{BadAnswer, read};
use crate::windows::{PAGES_MAX, Span, WEEK_MS, list, spans};

/// Rows of a full page of orders or trades.
/// Source: Deribit private/get_order_history_by_instrument; private/get_user_trades_by_instrument_and_time, count,
/// read 2026-11-22.
const ROWS: usize = 1_000;
/// How far behind now an open span is asked for: nothing is stamped later than that.
const AHEAD_MS: u64 = 3_600_000;
/// Most orders looked up one by one because only their trades are listed.
const LOOKUPS_MAX: usize = 50;

type Orders = BTreeMap<String, Order>;

/// The two views the exchange has of what is over.
const RECENT: &[bool] = &[false];
const BOTH: &[bool] = &[false, true];

impl Deribit {
    /// One order with its trades, or every order that carries its label: the exchange lets several.
    pub(super) async fn find_order(
        &self,
        order: &OrderRef,
    ) -> Result<Vec<OrderSnapshot>, QueryError> {
        let now = self.venue_now().await?;
        let named = |row: &Order| match &order.venue_order {
            Some(id) => row.order_id == id.as_str(),
            None => row.label == order.client_id.as_str(),
        };
        let mut orders = match &order.venue_order {
            Some(id) => self.by_id(id.as_str()).await?,
            None => self.by_label(order).await?,
        };
        let incomplete = match (orders.is_empty(), &order.venue_order) {
            (true, _) => self.may_be_elsewhere(order, now).await?,
            // Namesakes leave the recent view one by one: that it shows one does not mean that it shows all.
            (false, None) => is_old(order.since, now),
            (false, Some(_)) => false,
        };
        if incomplete {
            let first = first(order.since);
            let open = self.open_orders(&order.symbol).await?;
            let views = order_views(order.since, now);
            let ended = self.ended_orders(&order.symbol, first, views).await?;
            let listed = open.into_iter().chain(ended).filter(named);
            orders = merge(orders.into_values().chain(listed));
        }
        let own = |row: &Order| {
            row.label == order.client_id.as_str() && row.instrument_name == order.symbol.as_str()
        };
        if !orders.values().all(own) {
            return Err(unavailable("answer names another order"));
        }
        let mut snapshots = Vec::with_capacity(orders.len());
        for row in orders.values() {
            let trades = self.trades_of(row, trade_views(order.since, now)).await?;
            snapshots.push(row.snapshot(fills(trades.iter())?)?);
        }
        Ok(snapshots)
    }

    /// Every order created since, from all listings: open, just ended, older, and trades.
    pub(super) async fn list_orders(
        &self,
        symbol: &Symbol,
        since: VenueMillis,
    ) -> Result<Vec<OrderSnapshot>, QueryError> {
        let now = self.venue_now().await?;
        let first = first(since);
        // The open ones first: whatever ends meanwhile is then among those that ended.
        let open = self.open_orders(symbol).await?;
        let (ended, trades) = try_join!(
            self.ended_orders(symbol, first, order_views(since, now)),
            self.trades_since(symbol, since, now),
        )?;
        let mut orders = merge(open.into_iter().chain(ended));
        self.add_traded(&trades, &mut orders).await?;
        let foreign = orders.values().any(|row| row.instrument_name != symbol.as_str())
            || trades.iter().any(|trade| trade.instrument_name != symbol.as_str());
        if foreign {
            return Err(unavailable("listing holds rows of another instrument"));
        }
        let mut snapshots = Vec::new();
        for row in orders.values() {
            if row.may_be_ours() && row.created()? >= first {
                let own = trades.iter().filter(|trade| trade.order_id == row.order_id);
                snapshots.push(row.snapshot(fills(own)?)?);
            }
        }
        Ok(snapshots)
    }

    /// Whether an order that its own query does not show may still be in a listing: it may have left the recent view,
    /// or be kept under another currency than the one asked for, as spot orders are.
    async fn may_be_elsewhere(
        &self,
        order: &OrderRef,
        now: VenueMillis,
    ) -> Result<bool, QueryError> {
        if is_old(order.since, now) {
            return Ok(true);
        }
        Ok(order.venue_order.is_none() && self.book(&order.symbol).await?.is_spot)
    }

    async fn by_id(&self, id: &str) -> Result<Orders, QueryError> {
        match self.private::<_, Order>(ORDER, &OfOrder { order_id: id }).await {
            Ok(order) if order.order_id == id => Ok(merge([order])),
            Ok(_) => Err(unavailable("answer names another order")),
            Err(failure) if failure.is_no_such_order() => Ok(Orders::new()),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn by_label(&self, order: &OrderRef) -> Result<Orders, QueryError> {
        let book = self.book(&order.symbol).await?;
        let asked = OfLabel { currency: &book.currency, label: order.client_id.as_str() };
        match self.private::<_, Vec<Order>>(BY_LABEL, &asked).await {
            Ok(rows) => Ok(merge(rows)),
            Err(failure) if failure.is_no_such_order() => Ok(Orders::new()),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn open_orders(&self, symbol: &Symbol) -> Result<Vec<Order>, QueryError> {
        let asked = OfInstrument { instrument_name: symbol.as_str() };
        Ok(self.private(OPEN_ORDERS, &asked).await?)
    }

    /// Orders that ended. In which order they come is not documented: only where a page shows itself that newer ones come
    /// first is it the last one of interest once nothing in it was created or changed since.
    async fn ended_orders(
        &self,
        symbol: &Symbol,
        first: VenueMillis,
        views: &[bool],
    ) -> Result<Vec<Order>, QueryError> {
        let mut rows = Vec::new();
        for historical in views {
            let mut continuation: Option<String> = None;
            let mut seen = BTreeSet::new();
            loop {
                let page = self.history_page(symbol, *historical, continuation.as_deref()).await?;
                let old = page.orders.iter().all(|order| order.is_older_than(first))
                    && Order::are_newest_first(&page.orders);
                rows.extend(page.orders);
                match page.continuation {
                    Some(next) if !old && !is_last(&next) => {
                        if !seen.insert(next.clone()) {
                            return Err(unavailable("listing goes in a circle"));
                        }
                        if seen.len() >= PAGES_MAX {
                            return Err(unavailable("listing is longer than its page limit"));
                        }
                        continuation = Some(next);
                    }
                    _ => break,
                }
            }
        }
        Ok(rows)
    }

    async fn history_page(
        &self,
        symbol: &Symbol,
        historical: bool,
        continuation: Option<&str>,
    ) -> Result<OrderPage, QueryError> {
        let asked = History {
            instrument_name: symbol.as_str(),
            count: ROWS,
            include_old: true,
            include_unfilled: true,
            historical,
            with_continuation: true,
            continuation,
        };
        let page: Box<RawValue> = self.private(HISTORY, &asked).await?;
        order_page(page.get())
    }

    async fn trades_of(&self, order: &Order, views: &[bool]) -> Result<Vec<Trade>, QueryError> {
        if order.executed()?.is_zero() {
            return Ok(Vec::new());
        }
        let mut trades = Vec::new();
        for historical in views {
            let asked = TradesOfOrder {
                order_id: &order.order_id,
                sorting: "asc",
                historical: *historical,
            };
            let rows: Vec<Trade> = self.private(TRADES_OF_ORDER, &asked).await?;
            trades.extend(rows);
        }
        let foreign = |trade: &Trade| {
            trade.order_id != order.order_id || trade.instrument_name != order.instrument_name
        };
        if trades.iter().any(foreign) {
            return Err(unavailable("listing holds trades of another order"));
        }
        Ok(trades)
    }

    async fn trades_since(
        &self,
        symbol: &Symbol,
        since: VenueMillis,
        now: VenueMillis,
    ) -> Result<Vec<Trade>, QueryError> {
        let mut trades = Vec::new();
        for historical in trade_views(since, now) {
            let fetch = |span: Span| self.trade_page(symbol, span, now, *historical);
            trades.extend(list(spans(first(since), now, WEEK_MS), now, ROWS, fetch).await?);
        }
        Ok(trades)
    }

    async fn trade_page(
        &self,
        symbol: &Symbol,
        span: Span,
        now: VenueMillis,
        historical: bool,
    ) -> Result<Vec<Trade>, QueryError> {
        let asked = Trades {
            instrument_name: symbol.as_str(),
            start_timestamp: span.start,
            end_timestamp: span.end.unwrap_or(now.0.max(span.start) + AHEAD_MS),
            count: ROWS,
            sorting: "asc",
            historical,
        };
        let page: TradePage = self.private(TRADES, &asked).await?;
        if page.has_more && page.trades.len() < ROWS {
            return Err(unavailable("a page of trades is neither full nor the last"));
        }
        Ok(page.trades)
    }

    /// Looks up orders of which only a trade is listed: the order listings may lag behind.
    async fn add_traded(&self, trades: &[Trade], orders: &mut Orders) -> Result<(), QueryError> {
        let missing: BTreeSet<&String> = trades
            .iter()
            .map(|trade| &trade.order_id)
            .filter(|id| !orders.contains_key(*id))
            .collect();
        if missing.len() > LOOKUPS_MAX {
            return Err(unavailable("too many trades belong to orders that are not listed"));
        }
        for id in missing {
            let found = self.by_id(id).await?;
            if found.is_empty() {
                return Err(unavailable("a trade is listed whose order is not"));
            }
            orders.extend(found);
        }
        Ok(())
    }
}

/// A page with its continuation, or a bare list, which must then be everything.
fn order_page(text: &str) -> Result<OrderPage, QueryError> {
    if text.starts_with('{') {
        return Ok(read(text.as_bytes())?);
    }
    let orders: Vec<Order> = read(text.as_bytes())?;
    if orders.len() >= ROWS {
        return Err(unavailable("a full page of orders cannot be continued"));
    }
    Ok(OrderPage { orders, continuation: None })
}

fn is_last(continuation: &str) -> bool {
    matches!(continuation, "" | "none")
}

/// How long before its stamp an order may have been created, by clocks that do not quite agree: orders carry no stamp
/// here but a deadline, and the clock may be known to a quarter of the longest window only. An assumption; nothing of
/// ours is older that bears one of our labels.
const CREATED_BEFORE_MS: u64 = 30_000;

fn first(since: VenueMillis) -> VenueMillis {
    VenueMillis(since.0.saturating_sub(CREATED_BEFORE_MS))
}

/// How old the oldest order stamped since then may be.
fn age_ms(since: VenueMillis, now: VenueMillis) -> u64 {
    now.since(first(since))
}

/// Whether an order stamped since then may have left the recent view: none ended before it was created, so a young one
/// cannot.
fn is_old(since: VenueMillis, now: VenueMillis) -> bool {
    age_ms(since, now) >= RECENT_ORDERS_MS
}

fn order_views(since: VenueMillis, now: VenueMillis) -> &'static [bool] {
    if is_old(since, now) { BOTH } else { RECENT }
}

/// Where the trades of orders stamped since then may be: none is older than its order.
fn trade_views(since: VenueMillis, now: VenueMillis) -> &'static [bool] {
    if age_ms(since, now) < RECENT_TRADES_MS { RECENT } else { BOTH }
}

/// Each order once, as the latest answer shows it.
fn merge(rows: impl IntoIterator<Item = Order>) -> Orders {
    let mut orders = Orders::new();
    for row in rows {
        let later = orders.get(&row.order_id).is_none_or(|known| known.age_key() < row.age_key());
        if later {
            orders.insert(row.order_id.clone(), row);
        }
    }
    orders
}

/// Trades as fills, each once.
fn fills<'a>(trades: impl Iterator<Item = &'a Trade>) -> Result<Vec<Fill>, BadAnswer> {
    let once: BTreeMap<&str, &Trade> =
        trades.map(|trade| (trade.trade_id.as_str(), trade)).collect();
    once.values().map(|trade| trade.fill()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_counts_as_old_from_when_it_may_have_been_created_and_not_from_its_stamp() {
        let now = VenueMillis(100 * 3_600_000);
        let views = |ago_ms: u64| {
            let since = VenueMillis(now.0 - ago_ms);
            (is_old(since, now), order_views(since, now), trade_views(since, now))
        };
        let (orders_ms, trades_ms) = (RECENT_ORDERS_MS - 30_000, RECENT_TRADES_MS - 30_000);
        assert_eq!(views(orders_ms - 1), (false, RECENT, RECENT));
        assert_eq!(views(orders_ms), (true, BOTH, RECENT));
        assert_eq!(views(trades_ms - 1), (true, BOTH, RECENT));
        assert_eq!(views(trades_ms), (true, BOTH, BOTH));
    }
}
