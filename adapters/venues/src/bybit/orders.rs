//! Finding orders again, and listing them completely.

use std::collections::{BTreeMap, BTreeSet};

use equipoise_core::{Fill, OrderSnapshot, Symbol, VenueMillis};
use equipoise_port::{OrderRef, QueryError};
use futures::try_join;
use serde::de::DeserializeOwned;

use super::Bybit;
use super::decode::{Execution, Order, Page};
use super::instruments::Coins;
use super::product::{EXECUTIONS, Endpoint, HISTORY, Kind, REALTIME};
use crate::answer::BadAnswer;
use crate::query::QueryString;
use crate::windows::{PAGES_MAX, Span, WEEK_MS, first_since, spans};

/// Orders of a full page.
/// Source: Bybit v5 Get Open & Closed Orders; Get Order History, limit, read 2026-11-22.
const ORDER_ROWS: usize = 50;
/// Executions of a full page.
/// Source: Bybit v5 Get Trade History, limit, read 2026-11-22.
const EXECUTION_ROWS: usize = 100;
/// Most orders looked up one by one because only their executions are listed.
const LOOKUPS_MAX: usize = 50;
/// Younger orders are listed without a time: the exchange then shows the last seven days.
/// The missing day is for clocks and for orders that cross the line while being asked for.
const RECENT_MS: u64 = WEEK_MS - 86_400_000;

type Orders = BTreeMap<String, Order>;

impl Bybit {
    /// One order with its executions. The live listing is the quick one and forgets at a restart of the exchange,
    /// the history lags and remembers; the second is asked only where the first shows nothing.
    pub(super) async fn find_order(
        &self,
        order: &OrderRef,
    ) -> Result<Vec<OrderSnapshot>, QueryError> {
        let query = self.name(order);
        let times = self.times(order.since).await?;
        let (live, executions) = try_join!(
            self.pages::<Order>(REALTIME, query.clone(), ORDER_ROWS, never),
            self.in_spans::<Execution>(EXECUTIONS, &query, EXECUTION_ROWS, &times),
        )?;
        let mut orders = merge(live);
        if orders.is_empty() {
            orders = merge(self.in_spans(HISTORY, &query, ORDER_ROWS, &times).await?);
        }
        let trades: Vec<Execution> = executions.into_iter().filter(Execution::is_trade).collect();
        // By client id another order may have executed than the one that is listed.
        self.add_executed(&trades, &mut orders).await?;
        let named = |row: &Order| row.order_link_id == order.client_id.as_str();
        if !orders.values().all(|row| named(row) && row.symbol == order.symbol.as_str()) {
            return Err(unavailable("answer names another order"));
        }
        if orders.values().any(Order::repeats_another) {
            return self.with_repeated(order, orders, trades).await;
        }
        self.snapshots(&order.symbol, &orders, &trades).await
    }

    /// Adds the order that rejected repetitions have their client id from. Only beside that one they are over: one
    /// repetition says nothing about another.
    async fn with_repeated(
        &self,
        order: &OrderRef,
        mut rows: Orders,
        mut trades: Vec<Execution>,
    ) -> Result<Vec<OrderSnapshot>, QueryError> {
        let (listed, executed) = self.rows_since(&order.symbol, order.since).await?;
        let same = |row: &Order| row.order_link_id == order.client_id.as_str();
        let first = listed.into_values().filter(|row| same(row) && !row.repeats_another());
        rows = merge(rows.into_values().chain(first));
        trades.extend(executed);
        let mut snapshots = self.snapshots(&order.symbol, &rows, &trades).await?;
        if !rows.values().all(Order::repeats_another) {
            for (snapshot, row) in snapshots.iter_mut().zip(rows.values()) {
                if row.repeats_another() {
                    snapshot.state = row.repeated();
                }
            }
        }
        Ok(snapshots)
    }

    /// Every order created since, from all listings: live, just ended, history, and executions.
    pub(super) async fn list_orders(
        &self,
        symbol: &Symbol,
        since: VenueMillis,
    ) -> Result<Vec<OrderSnapshot>, QueryError> {
        let (mut rows, trades) = self.rows_since(symbol, since).await?;
        let first_of = |row: &Order| (!row.repeats_another()).then(|| row.order_link_id.clone());
        let named: BTreeSet<String> = rows.values().filter_map(first_of).collect();
        // Beside the order it repeats, a repetition is none.
        rows.retain(|_, row| !row.repeats_another() || !named.contains(&row.order_link_id));
        self.snapshots(symbol, &rows, &trades).await
    }

    /// All orders with a client id that were created since, and all executions.
    async fn rows_since(
        &self,
        symbol: &Symbol,
        since: VenueMillis,
    ) -> Result<(Orders, Vec<Execution>), QueryError> {
        let now = self.venue_clock.now(|| self.read_time()).await?;
        let first = first_since(since);
        // Newest first, so that a page which ends before the time is the last one of interest.
        let before = |rows: &[Order]| {
            let oldest = rows.last().map(Order::created);
            matches!(oldest, Some(Ok(at)) if at < first)
        };
        let times: Vec<Option<Span>> = spans(first, now, WEEK_MS).into_iter().map(Some).collect();
        let query = self.listed(symbol);
        let (open, ended, history, executions) = try_join!(
            self.pages(REALTIME, query.clone().with("openOnly", 0), ORDER_ROWS, never),
            self.pages(REALTIME, query.clone().with("openOnly", 1), ORDER_ROWS, before),
            self.in_spans(HISTORY, &query, ORDER_ROWS, &times),
            self.in_spans::<Execution>(EXECUTIONS, &query, EXECUTION_ROWS, &times),
        )?;
        let mut orders = merge(open.into_iter().chain(ended).chain(history));
        let trades: Vec<Execution> = executions.into_iter().filter(Execution::is_trade).collect();
        self.add_executed(&trades, &mut orders).await?;
        let foreign = |row: &Order| row.symbol != symbol.as_str();
        if orders.values().any(foreign) {
            return Err(unavailable("listing holds rows of another instrument"));
        }
        let mut wanted = Orders::new();
        for (id, row) in orders {
            // Orders placed by hand have no client id; ours always have one.
            if !row.order_link_id.is_empty() && row.created()? >= first {
                wanted.insert(id, row);
            }
        }
        Ok((wanted, trades))
    }

    /// Looks up orders of which only an execution is listed: the order listings may lag behind.
    async fn add_executed(
        &self,
        trades: &[Execution],
        orders: &mut Orders,
    ) -> Result<(), QueryError> {
        let missing: BTreeSet<&String> = trades
            .iter()
            .map(|trade| &trade.order_id)
            .filter(|id| !orders.contains_key(*id))
            .collect();
        if missing.len() > LOOKUPS_MAX {
            return Err(unavailable("too many executions belong to orders that are not listed"));
        }
        for id in missing {
            let query = self.category().with("orderId", id);
            let mut rows: Vec<Order> =
                self.pages(REALTIME, query.clone(), ORDER_ROWS, never).await?;
            if rows.is_empty() {
                rows = self.pages(HISTORY, query, ORDER_ROWS, never).await?;
            }
            let Some(row) = rows.into_iter().find(|row| row.order_id == *id) else {
                return Err(unavailable("an execution is listed whose order is not"));
            };
            orders.insert(id.clone(), row);
        }
        Ok(())
    }

    /// How a query names one order. When both ids are sent the exchange's own wins, so one is enough.
    fn name(&self, order: &OrderRef) -> QueryString {
        let query = self.listed(&order.symbol);
        match &order.venue_order {
            Some(id) => query.with("orderId", id),
            None => query.with("orderLinkId", &order.client_id),
        }
    }

    async fn snapshots(
        &self,
        symbol: &Symbol,
        orders: &Orders,
        trades: &[Execution],
    ) -> Result<Vec<OrderSnapshot>, QueryError> {
        if trades.iter().any(|trade| trade.symbol != symbol.as_str()) {
            return Err(unavailable("listing holds rows of another instrument"));
        }
        let unnamed = trades.iter().any(|trade| trade.fee_currency.is_empty());
        let coins = match unnamed && !orders.is_empty() {
            true => Some(self.coins_of(symbol).await?),
            false => None,
        };
        let mut snapshots = Vec::with_capacity(orders.len());
        for row in orders.values() {
            let own = trades.iter().filter(|trade| trade.order_id == row.order_id);
            snapshots.push(row.snapshot(fills(own, self.product.kind, coins.as_ref())?)?);
        }
        Ok(snapshots)
    }

    /// No time for recent orders, else spans from the order on.
    async fn times(&self, since: VenueMillis) -> Result<Vec<Option<Span>>, QueryError> {
        let now = self.venue_clock.now(|| self.read_time()).await?;
        if now.since(since) < RECENT_MS {
            return Ok(vec![None]);
        }
        Ok(spans(first_since(since), now, WEEK_MS).into_iter().map(Some).collect())
    }

    /// Everything in the spans; one without bounds is the exchange's own last seven days.
    async fn in_spans<T: DeserializeOwned>(
        &self,
        endpoint: Endpoint,
        query: &QueryString,
        page_rows: usize,
        times: &[Option<Span>],
    ) -> Result<Vec<T>, QueryError> {
        let mut rows = Vec::new();
        for span in times {
            let mut query = query.clone();
            if let Some(span) = span {
                // Both bounds must be given; an open end becomes the longest span there is.
                query = query
                    .with("startTime", span.start)
                    .with("endTime", span.end.unwrap_or(span.start + WEEK_MS));
            }
            rows.extend(self.pages(endpoint, query, page_rows, never).await?);
        }
        Ok(rows)
    }

    /// All pages of one listing, complete or an error.
    async fn pages<T: DeserializeOwned>(
        &self,
        endpoint: Endpoint,
        query: QueryString,
        page_rows: usize,
        is_enough: impl Fn(&[T]) -> bool,
    ) -> Result<Vec<T>, QueryError> {
        let query = query.with("limit", page_rows);
        let mut cursors = BTreeSet::new();
        let mut next = query.clone();
        let mut rows = Vec::new();
        for _ in 0..PAGES_MAX {
            let page: Page<T> = self.get(endpoint, &next).await?;
            let done = page.list.is_empty() || page.next_page_cursor.is_empty();
            let enough = is_enough(&page.list);
            rows.extend(page.list);
            if done || enough {
                return Ok(rows);
            }
            next = query.clone().with_encoded("cursor", &page.next_page_cursor);
            if !cursors.insert(page.next_page_cursor) {
                return Err(unavailable("listing goes in a circle"));
            }
        }
        Err(unavailable("listing is longer than its page limit"))
    }
}

fn never<T>(_: &[T]) -> bool {
    false
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

/// Executions as fills, each once.
fn fills<'a>(
    trades: impl Iterator<Item = &'a Execution>,
    kind: Kind,
    coins: Option<&Coins>,
) -> Result<Vec<Fill>, BadAnswer> {
    let once: BTreeMap<&str, &Execution> =
        trades.map(|trade| (trade.exec_id.as_str(), trade)).collect();
    once.values().map(|trade| trade.fill(kind, coins)).collect()
}

fn unavailable(what: &str) -> QueryError {
    QueryError::Unavailable(what.to_owned())
}
