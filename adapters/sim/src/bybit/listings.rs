//! Listing orders and executions, latest first, in pages.

use serde_json::{Value, json};

use super::Inside;
use super::failure::Failure;
use super::render;
use crate::exchange::orders::Order;

const DAY_MS: u64 = 24 * 3_600_000;

/// Longest time between start and end of a listing.
const LISTING_WINDOW_MAX_MS: u64 = 7 * DAY_MS;

/// Closed orders that the live listing still knows.
const RECENT_CLOSED_MAX: usize = 500;

impl Inside<'_> {
    /// Open orders; with an id also a recently closed one; with `openOnly=1` recently closed ones.
    pub(super) fn realtime(&self) -> Result<Value, Failure> {
        let filter = self.filter()?;
        if filter.is_broad() {
            return Err(Failure::refused(
                10001,
                "Missing some parameters that must be filled in, symbol or settleCoin or baseCoin",
            ));
        }
        let closed_wanted = self.params.get("openOnly") == Some(self.own.closed_orders_value());
        let named = filter.id.is_some() || filter.link.is_some();
        let mut closed = 0;
        let orders = self.seen(&filter).filter(|order| {
            closed += usize::from(!order.is_open());
            let recent = order.is_open() || closed <= RECENT_CLOSED_MAX;
            recent && (named || order.is_open() != closed_wanted)
        });
        let rows: Vec<(u64, Value)> = orders.filter_map(|order| self.row(&order)).collect();
        self.page(rows)
    }

    /// Closed orders: unfilled ones for a day, others for seven days, filled ones for good.
    pub(super) fn history(&self) -> Result<Value, Failure> {
        let (filter, (start, end)) = (self.filter()?, self.window()?);
        let kept = |order: &Order| {
            let age_ms = self.now_ms.saturating_sub(order.received_ms);
            !order.executed.is_zero() || age_ms < DAY_MS
        };
        let named = filter.id.is_some() || filter.link.is_some();
        let orders = self.seen(&filter).filter(|order| {
            !order.is_open() && kept(order) && (named || (start..=end).contains(&order.received_ms))
        });
        let rows: Vec<(u64, Value)> = orders.filter_map(|order| self.row(&order)).collect();
        self.page(rows)
    }

    pub(super) fn executions(&self) -> Result<Value, Failure> {
        let (filter, (start, end)) = (self.filter()?, self.window()?);
        let named = filter.id.is_some() || filter.link.is_some();
        let of_trades = self.params.get("execType").is_none_or(|kind| kind == "Trade");
        let mut rows: Vec<(u64, Value)> = Vec::new();
        for order in self.seen(&filter).filter(|_| of_trades) {
            let Some(listing) = self.engine.listings.get(&order.symbol) else {
                continue;
            };
            let wanted =
                order.trades.iter().filter(|trade| named || (start..=end).contains(&trade.time_ms));
            let policy = &self.engine.policy;
            rows.extend(wanted.map(|trade| {
                (trade.id, render::execution(self.own, listing, policy, (&order, trade)))
            }));
        }
        rows.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
        self.page(rows)
    }

    /// Matching orders as a query sees them, latest first.
    fn seen<'a>(&'a self, filter: &'a Filter<'a>) -> impl Iterator<Item = Order> + 'a {
        let matching = self.engine.orders.iter().rev().filter(move |order| {
            let rules = self.engine.listings.get(&order.symbol).map(|listing| &listing.instrument);
            match (filter.id, filter.link) {
                (Some(id), _) => order.order_id == id,
                (None, Some(link)) => order.client_order_id == link,
                (None, None) => {
                    filter.own
                        && filter.symbol.is_none_or(|symbol| order.symbol == symbol)
                        && filter
                            .base
                            .is_none_or(|base| rules.is_some_and(|rules| rules.base == base))
                        && filter
                            .settle
                            .is_none_or(|settle| rules.is_some_and(|rules| rules.settle == settle))
                }
            }
        });
        matching.filter_map(|order| order.seen_at(self.now_ms))
    }

    fn row(&self, order: &Order) -> Option<(u64, Value)> {
        Some((
            order.number,
            render::order(self.own, self.engine.listings.get(&order.symbol)?, order),
        ))
    }

    fn filter(&self) -> Result<Filter<'_>, Failure> {
        Ok(Filter {
            own: self.is_own()?,
            broad_refused: self.category()? == "linear",
            symbol: self.optional_symbol()?,
            base: self.params.get("baseCoin"),
            settle: self.params.get("settleCoin"),
            id: self.params.get("orderId"),
            link: self.params.get("orderLinkId"),
        })
    }

    /// Start and end of a listing: the last seven days unless named.
    fn window(&self) -> Result<(u64, u64), Failure> {
        let (start, end) = (self.params.u64("startTime"), self.params.u64("endTime"));
        match (start, end) {
            (None, None) => Ok((self.now_ms.saturating_sub(LISTING_WINDOW_MAX_MS), u64::MAX)),
            (Some(start), None) => Ok((start, start.saturating_add(LISTING_WINDOW_MAX_MS))),
            (None, Some(end)) => Ok((end.saturating_sub(LISTING_WINDOW_MAX_MS), end)),
            (Some(start), Some(end)) if end.saturating_sub(start) > LISTING_WINDOW_MAX_MS => {
                Err(Failure::refused(
                    10001,
                    "The time range between startTime and endTime cannot exceed 7 days",
                ))
            }
            (Some(start), Some(end)) => Ok((start, end)),
        }
    }

    /// One page of rows that are sorted latest first; the cursor is the number of the last row shown.
    fn page(&self, rows: Vec<(u64, Value)>) -> Result<Value, Failure> {
        let limit = match self.params.get("limit") {
            None => 50,
            Some(text) => text.parse::<usize>().map_err(|_| Failure::parameter())?.clamp(1, 100),
        };
        let cursor = self.params.u64("cursor");
        let mut rest =
            rows.into_iter().filter(|(number, _)| cursor.is_none_or(|cursor| *number < cursor));
        let shown: Vec<(u64, Value)> = rest.by_ref().take(limit).collect();
        let more = rest.next().is_some();
        let last = shown.last().map(|(number, _)| number.to_string());
        let cursor = last.filter(|_| more).unwrap_or_default();
        let list: Vec<Value> = shown.into_iter().map(|(_, row)| row).collect();
        Ok(json!({ "category": self.category()?, "list": list, "nextPageCursor": cursor }))
    }
}

/// What a listing asks for.
struct Filter<'a> {
    own: bool,
    broad_refused: bool,
    symbol: Option<&'static str>,
    base: Option<&'a str>,
    settle: Option<&'a str>,
    id: Option<&'a str>,
    link: Option<&'a str>,
}

impl Filter<'_> {
    fn is_broad(&self) -> bool {
        self.broad_refused
            && [self.symbol, self.base, self.settle, self.id, self.link].iter().all(Option::is_none)
    }
}
