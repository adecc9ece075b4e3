//! Finding orders again, and listing them completely.
//!
//! There is no look-up by client id: the product's orders are listed from the intent on and compared.
//! Source: Coinbase Advanced Trade API, List Orders; List Fills; Get Order, read 2026-11-22.

use std::collections::{BTreeMap, BTreeSet};

use equipoise_core::{
    OrderRequest, OrderSnapshot, OrderState, Qty, Symbol, VenueMillis, VenueOrderId,
};
use equipoise_port::{OrderRef, PlaceError, QueryError};
use futures::future::try_join_all;
use futures::try_join;
use jiff::Timestamp;

use super::decode::{OneOrder, Order, OrderPage};
use super::market::{Names, segment};
use super::trades::{FillPage, FillRow, Trades};
use super::{Coinbase, spot, unavailable};
use crate::answer::BadAnswer;
use crate::query::QueryString;
use crate::windows::PAGES_MAX;

/// Rows asked for in one page.
const ROWS: usize = 100;
/// Most orders looked up one by one because only their fills are listed.
const LOOKUPS_MAX: usize = 50;
/// Asked for one by one besides the listing of everything: a filter for open orders leaves out those that are not open
/// yet, and whether no filter at all shows them is not documented.
const LIVE: [&str; 3] = ["PENDING", "QUEUED", "OPEN"];

type Orders = BTreeMap<String, Order>;

impl Coinbase {
    /// Looks at an order just acknowledged, and compares. An id that was used before is acknowledged with its first
    /// order, and the acknowledgement echoes what was asked for this time.
    pub(super) async fn confirm(
        &self,
        sent: &OrderRequest,
        id: VenueOrderId,
    ) -> Result<OrderSnapshot, PlaceError> {
        let looked = async {
            let names = self.names(&sent.symbol).await?;
            Ok::<_, QueryError>((self.by_id(id.as_str()).await?, names))
        };
        // It may not be shown yet. That it exists was acknowledged; every look compares, so the first one that shows it
        // does.
        if let Ok((Some(order), names)) = looked.await
            // One that is older than this request may be of an earlier transmission of it, or not be it at all. Only a
            // look-up knows when it was stamped first.
            && !is_same(&order, &OrderRef::of(sent), &names)?
        {
            let why = "the id acknowledged belongs to an older order or one of other content";
            return Err(PlaceError::Unknown(why.to_owned()));
        }
        // How it ended is told by a look-up with its fills: right after an order ended the two need not agree yet.
        Ok(OrderSnapshot {
            venue_order: id,
            client_id: sent.client_id.clone(),
            state: OrderState::Open,
            executed: Qty::ZERO,
            fills: Vec::new(),
            busted: Vec::new(),
        })
    }

    /// One order with its fills, by its id where that is known, else out of the listing.
    pub(super) async fn find_order(
        &self,
        order: &OrderRef,
    ) -> Result<Vec<OrderSnapshot>, QueryError> {
        let names = self.names(&order.symbol).await?;
        let orders = match &order.venue_order {
            Some(id) => self.by_id(id.as_str()).await?.into_iter().collect(),
            None => {
                let mut listed = self.listing(&names, first(order.since), None).await?;
                listed.retain(|row| row.client_order_id == order.client_id.as_str());
                listed
            }
        };
        let mut snapshots = Vec::with_capacity(orders.len());
        for row in merge(orders).values() {
            check_same(row, order, &names)?;
            let fills = self.fills_of(row, &names).await?;
            snapshots.push(row.snapshot(fills)?);
        }
        Ok(snapshots)
    }

    /// Every order created since, in all statuses, and those of which only a fill is listed.
    pub(super) async fn list_orders(
        &self,
        symbol: &Symbol,
        since: VenueMillis,
    ) -> Result<Vec<OrderSnapshot>, QueryError> {
        let names = self.names(symbol).await?;
        let first = first(since);
        // The live ones first: whatever ends meanwhile is still in the listing of everything.
        let live = LIVE.iter().map(|status| self.listing(&names, first, Some(status)));
        let live = try_join_all(live).await?;
        let filled = QueryString::new().with("start_sequence_timestamp", text(first)?);
        let (all, fills) =
            try_join!(self.listing(&names, first, None), self.fills(filled, &names))?;
        let mut orders = merge(all.into_iter().chain(live.into_iter().flatten()));
        self.add_filled(&fills, &mut orders).await?;
        let foreign = orders.values().any(|row| !names.all.contains(&row.product_id));
        if foreign {
            return Err(unavailable("listing holds rows of another product"));
        }
        let mut snapshots = Vec::new();
        for row in orders.values() {
            if row.may_be_ours() && row.created()? >= first {
                // Those of orders sized in quote are not ours.
                let own = fills
                    .iter()
                    .filter(|fill| fill.order_id == row.order_id && !fill.size_in_quote);
                let listed = row.snapshot(Trades::of(own, &names.quote)?)?;
                // What an order was sent with is not known here: its fills count once a look-up has compared.
                snapshots.push(OrderSnapshot { fills: Vec::new(), ..listed });
            }
        }
        Ok(snapshots)
    }

    /// The exchange's id of an order that is known by its client id only; `None` if none is listed.
    pub(super) async fn look_up(&self, order: &OrderRef) -> Result<Option<String>, QueryError> {
        let names = self.names(&order.symbol).await?;
        let listed = self.listing(&names, first(order.since), None).await?;
        let own = |row: &Order| row.client_order_id == order.client_id.as_str();
        let Some(row) = listed.into_iter().find(own) else { return Ok(None) };
        check_same(&row, order, &names)?;
        Ok(Some(row.order_id))
    }

    async fn by_id(&self, id: &str) -> Result<Option<Order>, QueryError> {
        let path = format!("{}{}", spot::HISTORICAL, segment(id)?);
        match self.get::<OneOrder>(&path, &QueryString::new()).await {
            Ok(OneOrder { order: Some(order) }) if order.order_id == id => Ok(Some(order)),
            Ok(OneOrder { order: Some(_) }) => Err(unavailable("answer names another order")),
            Ok(OneOrder { order: None }) => Ok(None),
            Err(failure) if failure.is_no_such_order() => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Orders of the product since a moment, of one status or of all.
    async fn listing(
        &self,
        names: &Names,
        first: VenueMillis,
        status: Option<&str>,
    ) -> Result<Vec<Order>, QueryError> {
        let query = of_products(QueryString::new(), names)
            .with_some("order_status", status)
            .with("start_date", text(first)?)
            .with("limit", ROWS);
        let mut rows = Vec::new();
        let mut cursors = Cursors::default();
        loop {
            let page: OrderPage = self.get(spot::LISTING, &cursors.next(&query)).await?;
            check_shown(page.proof_token_required)?;
            rows.extend(page.orders);
            if !page.has_next {
                return Ok(rows);
            }
            cursors.go_on(page.cursor)?;
        }
    }

    async fn fills_of(&self, order: &Order, names: &Names) -> Result<Trades, QueryError> {
        if !order.may_have_fills()? {
            return Ok(Trades::default());
        }
        let query = QueryString::new().with("order_ids", &order.order_id);
        let rows = self.all_fills(query).await?;
        let foreign =
            |row: &FillRow| row.order_id != order.order_id || !names.all.contains(&row.product_id);
        if rows.iter().any(foreign) {
            return Err(unavailable("listing holds fills of another order"));
        }
        Ok(Trades::of(rows.iter(), &names.quote)?)
    }

    async fn fills(&self, query: QueryString, names: &Names) -> Result<Vec<FillRow>, QueryError> {
        let rows = self.all_fills(of_products(query, names)).await?;
        if rows.iter().any(|row| !names.all.contains(&row.product_id)) {
            return Err(unavailable("listing holds fills of another product"));
        }
        Ok(rows)
    }

    async fn all_fills(&self, query: QueryString) -> Result<Vec<FillRow>, QueryError> {
        let query = query.with("limit", ROWS);
        let mut rows = Vec::new();
        let mut cursors = Cursors::default();
        loop {
            let page: FillPage = self.get(spot::FILLS, &cursors.next(&query)).await?;
            check_shown(page.proof_token_required)?;
            let last = page.fills.is_empty() || page.cursor.is_empty();
            rows.extend(page.fills);
            if last {
                return Ok(rows);
            }
            cursors.go_on(page.cursor)?;
        }
    }

    /// Looks up orders of which only a fill is listed: the order listing may lag behind.
    async fn add_filled(&self, fills: &[FillRow], orders: &mut Orders) -> Result<(), QueryError> {
        let missing: BTreeSet<&String> = fills
            .iter()
            .map(|fill| &fill.order_id)
            .filter(|id| !orders.contains_key(*id))
            .collect();
        if missing.len() > LOOKUPS_MAX {
            return Err(unavailable("too many fills belong to orders that are not listed"));
        }
        for id in missing {
            let Some(order) = self.by_id(id).await? else {
                return Err(unavailable("a fill is listed whose order is not"));
            };
            orders.insert(id.clone(), order);
        }
        Ok(())
    }
}

/// Where a listing has got to, and that it gets to an end.
#[derive(Default)]
pub(super) struct Cursors {
    seen: BTreeSet<String>,
    last: Option<String>,
}

impl Cursors {
    /// The query of the next page.
    pub(super) fn next(&self, query: &QueryString) -> QueryString {
        query.clone().with_some("cursor", self.last.as_ref())
    }

    /// A page was not the last one.
    pub(super) fn go_on(&mut self, cursor: String) -> Result<(), QueryError> {
        if cursor.is_empty() || !self.seen.insert(cursor.clone()) {
            return Err(unavailable("listing goes in a circle"));
        }
        if self.seen.len() >= PAGES_MAX {
            return Err(unavailable("listing is longer than its page limit"));
        }
        self.last = Some(cursor);
        Ok(())
    }
}

/// Whether the order shown is the one asked for: its id, product, side, size and price, and no older than its first
/// stamp.
fn is_same(row: &Order, order: &OrderRef, names: &Names) -> Result<bool, BadAnswer> {
    Ok(row.client_order_id == order.client_id.as_str()
        && names.all.contains(&row.product_id)
        && row.created()? >= first(order.since)
        && order.terms.as_ref().map_or(Ok(true), |terms| row.has(terms))?)
}

fn check_same(row: &Order, order: &OrderRef, names: &Names) -> Result<(), QueryError> {
    if is_same(row, order, names)? {
        return Ok(());
    }
    let why = "its client id belongs to an older order or one of other content";
    Err(QueryError::OtherOrder(why.to_owned()))
}

/// What a page holds back may be the very order that is looked for, so such a look says nothing.
fn check_shown(proof_token_required: bool) -> Result<(), QueryError> {
    if proof_token_required {
        return Err(unavailable("listing needs a second factor"));
    }
    Ok(())
}

fn of_products(query: QueryString, names: &Names) -> QueryString {
    names.all.iter().fold(query, |query, name| query.with("product_ids", name))
}

/// How long before its first stamp an order may have been created, by clocks that do not quite agree: no rule of the
/// exchange bounds how far ahead a stamp may be, and its token is valid five seconds before that. An assumption; an
/// order with one of our ids that is this young can only be ours.
const CREATED_BEFORE_MS: u64 = 30_000;

fn first(since: VenueMillis) -> VenueMillis {
    VenueMillis(since.0.saturating_sub(CREATED_BEFORE_MS))
}

/// A moment as the exchange reads it.
fn text(at: VenueMillis) -> Result<String, BadAnswer> {
    let ms = i64::try_from(at.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    ms.map(|at| at.to_string()).ok_or_else(|| BadAnswer::number("start of a listing"))
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
