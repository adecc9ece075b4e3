//! Finding orders again, and listing them completely.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use equipoise_core::{ClientOrderId, Fill, OrderSnapshot, Symbol, VenueMillis};
use equipoise_port::{OrderRef, QueryError};
use futures::try_join;

use super::Binance;
use super::decode::{Order, Trade};
use super::product::Kind;
use super::spot::CANCEL_MARK;
use crate::answer::{BadAnswer, read};
use crate::query::QueryString;
use crate::windows::{PAGES_MAX, Span, WEEK_MS, first_since, list, spans};

/// Trades of a full page.
/// Source: Binance USDⓈ-M and COIN-M Account Trade List; Spot REST API, Account trade list, limit, read 2026-11-22.
const TRADE_ROWS: usize = 1_000;
/// Most orders looked up one by one because only their trades are listed.
const LOOKUPS_MAX: usize = 50;
/// Younger orders' trades are listed without a time: the exchange then shows the last seven days.
/// The missing day is for clocks and for orders that cross the line while being asked for.
const RECENT_MS: u64 = WEEK_MS - 86_400_000;

/// How a cancel names an order, and on spot itself.
pub(super) fn cancel_name(kind: Kind, order: &OrderRef) -> QueryString {
    let own = (kind == Kind::Spot).then(|| format!("{}{CANCEL_MARK}", order.client_id));
    name(order).with_some("newClientOrderId", own)
}

/// How a request names one order: by the exchange's id where it is known, which stays unique when a client id does not.
pub(super) fn name(order: &OrderRef) -> QueryString {
    let query = QueryString::new().with("symbol", &order.symbol);
    match &order.venue_order {
        Some(id) => query.with("orderId", id),
        None => query.with("origClientOrderId", &order.client_id),
    }
}

/// The same order under the id that its cancel may have given it.
fn cancelled_name(order: &OrderRef) -> QueryString {
    let id = format!("{}{CANCEL_MARK}", order.client_id);
    QueryString::new().with("symbol", &order.symbol).with("origClientOrderId", id)
}

impl Binance {
    /// One order with its trades. Both are asked for at once when the exchange's id is known, since trades cannot be
    /// looked up by client id.
    pub(super) async fn find_order(
        &self,
        order: &OrderRef,
    ) -> Result<Vec<OrderSnapshot>, QueryError> {
        let (found, trades) = match &order.venue_order {
            Some(id) => try_join!(
                self.order(name(order)),
                self.trades_of(&order.symbol, id.as_str(), order.since),
            )?,
            None => {
                let mut found = self.order(name(order)).await?;
                if found.is_none() && self.product.kind == Kind::Spot {
                    found = self.order(cancelled_name(order)).await?;
                }
                let trades = match &found {
                    Some(found) if !found.age_key().1.is_zero() => {
                        let id = found.order_id.to_string();
                        self.trades_of(&order.symbol, &id, order.since).await?
                    }
                    _ => Vec::new(),
                };
                (found, trades)
            }
        };
        let Some(found) = found else {
            if trades.is_empty() {
                return Ok(Vec::new());
            }
            return Err(unavailable("trades are listed for an order that is not"));
        };
        let Some(found) = self.as_asked(found, order) else {
            return Err(unavailable("answer names another order"));
        };
        let own = trades.iter().filter(|trade| trade.order_id == found.order_id);
        Ok(vec![found.snapshot(fills(own)?)?])
    }

    /// The order that was asked for, `None` if it is another one.
    ///
    /// A spot order that somebody else cancelled may go by the client id of that cancel. When it was asked for by the
    /// exchange's own id, which was learned together with ours, it is still the same order.
    fn as_asked(&self, mut found: Order, order: &OrderRef) -> Option<Order> {
        let by_own_id = order.venue_order.as_ref().is_some_and(|id| found.has_id(id));
        if self.product.kind == Kind::Spot && by_own_id && found.is_cancelled() {
            found.client_order_id = order.client_id.as_str().to_owned();
        }
        (found.client_order_id == order.client_id.as_str()).then_some(found)
    }

    /// Every order created since, from all three listings.
    pub(super) async fn list_orders(
        &self,
        symbol: &Symbol,
        since: VenueMillis,
    ) -> Result<Vec<OrderSnapshot>, QueryError> {
        let now = self.venue_clock.now(|| self.read_time()).await?;
        let since_then = || spans(first_since(since), now, self.product.span_ms_max);
        let (history, open, trades) = try_join!(
            list(since_then(), now, self.product.order_rows, |span| self.order_page(symbol, span)),
            self.open_orders(symbol),
            list(since_then(), now, TRADE_ROWS, |span| self.trade_page(symbol, None, span)),
        )?;
        let mut orders: BTreeMap<u64, Order> = BTreeMap::new();
        for order in history.into_iter().chain(open) {
            let later =
                orders.get(&order.order_id).is_none_or(|known| known.age_key() < order.age_key());
            if later {
                orders.insert(order.order_id, order);
            }
        }
        self.add_traded(symbol, &trades, &mut orders).await?;
        let mut snapshots = Vec::with_capacity(orders.len());
        for order in orders.values() {
            // None of ours has an id that cannot be written.
            if ClientOrderId::new(&order.client_order_id).is_ok() {
                let own = trades.iter().filter(|trade| trade.order_id == order.order_id);
                snapshots.push(order.snapshot(fills(own)?)?);
            }
        }
        Ok(snapshots)
    }

    /// Looks up orders of which only a trade is listed: the order listings may lag behind the trades.
    async fn add_traded(
        &self,
        symbol: &Symbol,
        trades: &[Trade],
        orders: &mut BTreeMap<u64, Order>,
    ) -> Result<(), QueryError> {
        let missing: BTreeSet<u64> = trades
            .iter()
            .map(|trade| trade.order_id)
            .filter(|id| !orders.contains_key(id))
            .collect();
        if missing.len() > LOOKUPS_MAX {
            return Err(unavailable("too many trades belong to orders that are not listed"));
        }
        for id in missing {
            let query = QueryString::new().with("symbol", symbol).with("orderId", id);
            let Some(order) = self.order(query).await? else {
                return Err(unavailable("a trade is listed whose order is not"));
            };
            orders.insert(id, order);
        }
        Ok(())
    }

    async fn order(&self, query: QueryString) -> Result<Option<Order>, QueryError> {
        match self.get(self.product.pages.order, query).await {
            Ok(body) => Ok(Some(self.unmarked(read(&body)?))),
            Err(failure) if failure.is_no_such_order() => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    fn unmarked(&self, order: Order) -> Order {
        match self.product.kind {
            Kind::Spot => order.unmarked(CANCEL_MARK),
            Kind::Usdm | Kind::Coinm => order,
        }
    }

    fn own_orders(&self, body: &Bytes, symbol: &Symbol) -> Result<Vec<Order>, QueryError> {
        let rows = own_rows(read(body)?, symbol, |order: &Order| &order.symbol)?;
        Ok(rows.into_iter().map(|order| self.unmarked(order)).collect())
    }

    async fn open_orders(&self, symbol: &Symbol) -> Result<Vec<Order>, QueryError> {
        let query = QueryString::new().with("symbol", symbol);
        let body = self.get(self.product.pages.open_orders, query).await?;
        self.own_orders(&body, symbol)
    }

    async fn order_page(&self, symbol: &Symbol, span: Span) -> Result<Vec<Order>, QueryError> {
        let query = QueryString::new()
            .with("symbol", symbol)
            .with("startTime", span.start)
            .with_some("endTime", span.end)
            .with("limit", self.product.order_rows);
        let body = self.get(self.product.pages.all_orders, query).await?;
        self.own_orders(&body, symbol)
    }

    /// All trades of one order.
    async fn trades_of(
        &self,
        symbol: &Symbol,
        order_id: &str,
        since: VenueMillis,
    ) -> Result<Vec<Trade>, QueryError> {
        if self.product.kind == Kind::Spot {
            return self.trades_by_id(symbol, order_id).await;
        }
        let now = self.venue_clock.now(|| self.read_time()).await?;
        if now.since(since) < RECENT_MS {
            let query = of_order(symbol, order_id).with("limit", TRADE_ROWS);
            let page = self.trade_rows(symbol, query).await?;
            if page.len() < TRADE_ROWS {
                return Ok(page);
            }
        }
        let since_then = spans(first_since(since), now, self.product.span_ms_max);
        list(since_then, now, TRADE_ROWS, |span| self.trade_page(symbol, Some(order_id), span))
            .await
    }

    /// On spot an order's trades cannot be asked for by time, but from a trade id on, oldest first.
    /// Source: Binance Spot REST API, Account trade list, supported combinations, read 2026-11-22.
    async fn trades_by_id(
        &self,
        symbol: &Symbol,
        order_id: &str,
    ) -> Result<Vec<Trade>, QueryError> {
        let first = of_order(symbol, order_id).with("limit", TRADE_ROWS);
        let mut page = self.trade_rows(symbol, first).await?;
        if page.len() < TRADE_ROWS {
            return Ok(page);
        }
        // It does not say which thousand these are, so it is asked again from the beginning.
        let (mut trades, mut from) = (Vec::new(), 0);
        for _ in 0..PAGES_MAX {
            let query = of_order(symbol, order_id).with("fromId", from).with("limit", TRADE_ROWS);
            page = self.trade_rows(symbol, query).await?;
            let (rows, last) = (page.len(), page.iter().map(|trade| trade.id).max());
            trades.append(&mut page);
            match last {
                Some(last) if rows >= TRADE_ROWS && last >= from => from = last.saturating_add(1),
                Some(_) if rows >= TRADE_ROWS => return Err(unavailable("trades go in a circle")),
                _ => return Ok(trades),
            }
        }
        Err(unavailable("an order has more trades than pages"))
    }

    async fn trade_rows(
        &self,
        symbol: &Symbol,
        query: QueryString,
    ) -> Result<Vec<Trade>, QueryError> {
        let body = self.get(self.product.pages.order_trades, query).await?;
        own_rows(read(&body)?, symbol, |trade: &Trade| &trade.symbol)
    }

    async fn trade_page(
        &self,
        symbol: &Symbol,
        order_id: Option<&str>,
        span: Span,
    ) -> Result<Vec<Trade>, QueryError> {
        let query = QueryString::new()
            .with("symbol", symbol)
            .with_some("orderId", order_id)
            .with("startTime", span.start)
            .with_some("endTime", span.end)
            .with("limit", TRADE_ROWS);
        let body = self.get(self.product.pages.trades, query).await?;
        own_rows(read(&body)?, symbol, |trade: &Trade| &trade.symbol)
    }
}

fn of_order(symbol: &Symbol, order_id: &str) -> QueryString {
    QueryString::new().with("symbol", symbol).with("orderId", order_id)
}

/// Refuses a listing that mixes instruments: then the question was not understood.
fn own_rows<T>(
    rows: Vec<T>,
    symbol: &Symbol,
    symbol_of: fn(&T) -> &String,
) -> Result<Vec<T>, QueryError> {
    if rows.iter().all(|row| symbol_of(row) == symbol.as_str()) {
        return Ok(rows);
    }
    Err(unavailable("listing holds rows of another instrument"))
}

/// Trades as fills, each once.
fn fills<'a>(trades: impl Iterator<Item = &'a Trade>) -> Result<Vec<Fill>, BadAnswer> {
    let once: BTreeMap<u64, &Trade> = trades.map(|trade| (trade.id, trade)).collect();
    once.values().map(|trade| trade.fill()).collect()
}

fn unavailable(what: &str) -> QueryError {
    QueryError::Unavailable(what.to_owned())
}
