//! Finding orders again, and listing them completely.

use std::collections::{BTreeMap, BTreeSet};

use equipoise_core::{OrderSnapshot, Symbol, VenueMillis};
use equipoise_port::{OrderRef, QueryError};
use futures::try_join;
use serde::de::DeserializeOwned;

use super::Okx;
use super::decode::{FillRow, Listed, Order, fills, merge};
use super::endpoints::{ARCHIVE, Endpoint, FILLS, FILLS_ARCHIVE, HISTORY, ORDER, PENDING};
use crate::query::QueryString;
use crate::windows::PAGES_MAX;

/// Rows of a full page of any listing.
/// Source: OKX v5 Order List; Order History; Transaction Details, limit, read 2026-11-22.
const PAGE_ROWS: usize = 100;
/// Most orders looked up one by one because only their fills are listed.
const LOOKUPS_MAX: usize = 50;
/// How much earlier than its stamp an order may have been created by the venue's clock. How far ahead a stamp may be is
/// not documented for this interface; the half minute of the exchange's other one is taken.
/// Source: OKX v5 WebSocket, Login, read 2026-11-22.
const STAMP_AHEAD_MS: u64 = 30_000;
/// How long after its stamp a second order of the same request could have begun to trade. Ten seconds is the longest
/// window and ten the declared margin; the rest is for what is not known.
const NAMESAKE_MS: u64 = 60_000;
/// The order history covers seven days and the fill listing three; a day and an hour before that the archives are asked.
/// Source: OKX v5 Order History (last 7 days); Transaction Details (last 3 days), read 2026-11-22.
const HISTORY_MS: u64 = 6 * 86_400_000;
const FILLS_MS: u64 = 3 * 86_400_000 - 3_600_000;

type Orders = BTreeMap<String, Order>;

impl Okx {
    /// One order with its fills; several where the exchange took one client id twice.
    pub(super) async fn find_order(
        &self,
        order: &OrderRef,
    ) -> Result<Vec<OrderSnapshot>, QueryError> {
        let mut orders: Orders = merge(self.order(&order.symbol, name(order)).await?);
        let recent = self.are_fills_recent(order.since).await?;
        if order.venue_order.is_none() {
            self.add_namesakes(order, recent, &mut orders).await?;
        }
        let is_own = |row: &Order| {
            row.cl_ord_id == order.client_id.as_str() && row.inst_id == order.symbol.as_str()
        };
        if !orders.values().all(is_own) {
            return Err(unavailable("answer names another order"));
        }
        let mut snapshots = Vec::with_capacity(orders.len());
        for (id, row) in &orders {
            let mut own = Vec::new();
            if !row.executed()?.is_zero() {
                let query = QueryString::new().with("instId", &order.symbol).with("ordId", id);
                own = self.fill_rows(query, recent).await?;
            }
            if own.iter().any(|fill| fill.ord_id != *id || fill.inst_id != row.inst_id) {
                return Err(unavailable("listing holds fills of another order"));
            }
            snapshots.push(row.snapshot(fills(&own)?)?);
        }
        Ok(snapshots)
    }

    /// By client id only the latest order is shown, and a client id is free again once its order has ended. An earlier
    /// order that took effect has fills, which carry the id (V15).
    async fn add_namesakes(
        &self,
        order: &OrderRef,
        recent: bool,
        orders: &mut Orders,
    ) -> Result<(), QueryError> {
        let query = QueryString::new()
            .with("instId", &order.symbol)
            .with("begin", order.since.0.saturating_sub(STAMP_AHEAD_MS))
            .with("end", order.since.plus_ms(NAMESAKE_MS).0);
        let mut rows = self.fill_rows(query, recent).await?;
        rows.retain(|fill| fill.cl_ord_id == order.client_id.as_str());
        self.add_filled(&order.symbol, &rows, orders).await
    }

    /// Every order created since, from all listings. The open ones are read first: an order that ends meanwhile is then
    /// in the history.
    pub(super) async fn list_orders(
        &self,
        symbol: &Symbol,
        since: VenueMillis,
    ) -> Result<Vec<OrderSnapshot>, QueryError> {
        let first = VenueMillis(since.0.saturating_sub(STAMP_AHEAD_MS));
        let recent = self.are_fills_recent(since).await?;
        let open: Vec<Order> =
            self.pages(PENDING, QueryString::new().with("instId", symbol)).await?;
        let query = QueryString::new().with("instId", symbol).with("begin", first.0);
        let (ended, trades) =
            try_join!(self.ended(query.clone(), first), self.fill_rows(query, recent))?;
        let mut orders = merge(open.into_iter().chain(ended));
        // Orders placed by hand have no client id; ours always have one.
        let named: Vec<FillRow> =
            trades.into_iter().filter(|fill| !fill.cl_ord_id.is_empty()).collect();
        self.add_filled(symbol, &named, &mut orders).await?;
        let foreign_fill = named.iter().any(|fill| fill.inst_id != symbol.as_str());
        if foreign_fill || orders.values().any(|row| row.inst_id != symbol.as_str()) {
            return Err(unavailable("listing holds rows of another instrument"));
        }
        let mut snapshots = Vec::new();
        for row in orders.values().filter(|row| !row.cl_ord_id.is_empty()) {
            if row.created()? >= first {
                let own = named.iter().filter(|fill| fill.ord_id == row.ord_id);
                snapshots.push(row.snapshot(fills(own)?)?);
            }
        }
        Ok(snapshots)
    }

    /// Orders that have ended, under every name the product's orders can be listed under.
    async fn ended(
        &self,
        query: QueryString,
        first: VenueMillis,
    ) -> Result<Vec<Order>, QueryError> {
        let now = self.venue_clock.now(|| self.read_time()).await?;
        let archived = now.since(first) >= HISTORY_MS;
        let listings: &[Endpoint] = if archived { &[HISTORY, ARCHIVE] } else { &[HISTORY] };
        let mut rows = Vec::new();
        for kind in self.product.listed_as(self.level().await?) {
            for listing in listings {
                let query = query.clone().with("instType", kind);
                rows.extend(self.pages::<Order>(*listing, query).await?);
            }
        }
        Ok(rows)
    }

    /// Fills; the short listing takes all kinds of instruments together, the archive wants them one by one.
    async fn fill_rows(
        &self,
        query: QueryString,
        recent: bool,
    ) -> Result<Vec<FillRow>, QueryError> {
        if recent {
            return self.pages(FILLS, query).await;
        }
        let mut rows = Vec::new();
        for kind in self.product.listed_as(self.level().await?) {
            let query = query.clone().with("instType", kind);
            rows.extend(self.pages::<FillRow>(FILLS_ARCHIVE, query).await?);
        }
        Ok(rows)
    }

    /// Looks up orders of which only a fill is listed: the order listings may lag behind.
    async fn add_filled(
        &self,
        symbol: &Symbol,
        rows: &[FillRow],
        orders: &mut Orders,
    ) -> Result<(), QueryError> {
        let missing: BTreeSet<&String> =
            rows.iter().map(|fill| &fill.ord_id).filter(|id| !orders.contains_key(*id)).collect();
        if missing.len() > LOOKUPS_MAX {
            return Err(unavailable("too many fills belong to orders that are not listed"));
        }
        for id in missing {
            let query = QueryString::new().with("instId", symbol).with("ordId", id);
            let row = self.order(symbol, query).await?.filter(|row| row.ord_id == *id);
            let row = row.ok_or_else(|| unavailable("a fill is listed whose order is not"))?;
            orders.insert(id.clone(), row);
        }
        Ok(())
    }

    /// One order's details, `None` where the exchange knows none.
    async fn order(
        &self,
        symbol: &Symbol,
        query: QueryString,
    ) -> Result<Option<Order>, QueryError> {
        let rows: Vec<Order> = match self.get(ORDER, &query).await {
            Ok(rows) => rows,
            Err(failure) if failure.is_no_such_order() => return Ok(None),
            Err(failure) => return Err(failure.into()),
        };
        // An empty answer is not the documented way to say that there is no such order.
        match <[Order; 1]>::try_from(rows) {
            Ok([row]) if row.inst_id == symbol.as_str() => Ok(Some(row)),
            Ok(_) => Err(unavailable("answer names another order")),
            Err(rows) => {
                Err(unavailable(&format!("{} orders where one was asked for", rows.len())))
            }
        }
    }

    /// Whether every fill since then is still in the short listing.
    async fn are_fills_recent(&self, since: VenueMillis) -> Result<bool, QueryError> {
        let now = self.venue_clock.now(|| self.read_time()).await?;
        Ok(now.since(since) < FILLS_MS)
    }

    /// All pages of one listing, newest first, complete or an error.
    async fn pages<T: DeserializeOwned + Listed>(
        &self,
        endpoint: Endpoint,
        query: QueryString,
    ) -> Result<Vec<T>, QueryError> {
        let query = query.with("limit", PAGE_ROWS);
        let mut cursors = BTreeSet::new();
        let mut next = query.clone();
        let mut rows: Vec<T> = Vec::new();
        for _ in 0..PAGES_MAX {
            let page: Vec<T> = self.get(endpoint, &next).await?;
            let is_last = page.len() < PAGE_ROWS;
            rows.extend(page);
            let cursor = match rows.last() {
                Some(row) if !is_last => row.cursor().to_owned(),
                _ => return Ok(rows),
            };
            next = query.clone().with("after", &cursor);
            if !cursors.insert(cursor) {
                return Err(unavailable("listing goes in a circle"));
            }
        }
        Err(unavailable("listing is longer than its page limit"))
    }
}

/// How a query names one order. When both ids are sent the exchange's own wins, so one is enough.
fn name(order: &OrderRef) -> QueryString {
    let query = QueryString::new().with("instId", &order.symbol);
    match &order.venue_order {
        Some(id) => query.with("ordId", id),
        None => query.with("clOrdId", &order.client_id),
    }
}

fn unavailable(what: &str) -> QueryError {
    QueryError::Unavailable(what.to_owned())
}
