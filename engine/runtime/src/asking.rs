//! Looking at one order and cancelling it. What was found counts even when another answer is missing (R4).

use std::collections::BTreeSet;
use std::sync::Arc;

use equipoise_core::{
    BatchStatus, ClientOrderId, Event, LegSpec, Order, OrderSnapshot, OrderState, OrderTag, Query,
    Stage, VenueMillis, VenueOrderId,
};
use equipoise_port::{OrderRef, OrderTerms, QueryError, Venue};
use futures::future::try_join_all;

use crate::activity::{Outcome, entry_of};
use crate::batch::BatchCell;
use crate::engine::Inner;
use crate::guard::guarded_query;
use crate::pace::Key;
use crate::venues::VenueEntry;

/// What a look brought, and what of it had no answer.
type Looked = (Event, Option<QueryError>);

/// One look at an order, as deep as the query asks.
pub(crate) async fn ask(engine: Arc<Inner>, cell: Arc<BatchCell>, query: Query) -> Outcome {
    let key = Key::Query(query.tag);
    let order = cell.with_saga(|saga| saga.order(query.tag).cloned()).flatten();
    let (Some((entry, leg)), Some(order)) = (entry_of(&engine, &cell, query.tag), order) else {
        return Outcome::Fruitless(key, None);
    };
    let look = async {
        if query.thorough {
            look_thoroughly(&engine, &cell, &entry, &leg, query.tag, &order).await
        } else {
            look(&engine, &entry, query.tag, &order).await
        }
    };
    match guarded_query(&*engine.clock, look).await {
        Ok((event, missing)) => Outcome::Answered(query.tag, event, missing),
        Err(error) => {
            tracing::debug!(leg = %leg.name, %error, "query without answer");
            Outcome::Fruitless(key, Some(error))
        }
    }
}

async fn look(
    engine: &Inner,
    entry: &VenueEntry,
    tag: OrderTag,
    order: &Order,
) -> Result<Looked, QueryError> {
    // Such a look proves nothing but what it finds, so an estimate of the venue's time will do.
    let deadline = order.request.deadline;
    let venue_time = order.clock.venue_time(engine.clock.now()).min(deadline);
    let orders = find_known(&*entry.venue, order).await?;
    Ok((answered(tag, false, [venue_time; 2], orders, None), None))
}

async fn look_thoroughly(
    engine: &Inner,
    cell: &BatchCell,
    entry: &VenueEntry,
    leg: &LegSpec,
    tag: OrderTag,
    order: &Order,
) -> Result<Looked, QueryError> {
    let venue = &*entry.venue;
    // Of a parked batch nobody knows which start read its clock, nor by which clock of the host.
    let running = cell.with_saga(|saga| saga.status() == BatchStatus::Running) == Some(true);
    let read_here = running && order.intended_at > engine.started_at;
    let (venue_time, past_deadline, untimed) = venue_time(engine, venue, order, read_here).await;
    let contended = cell.is_contended(&leg.venue, &leg.instrument.symbol);
    let attributable = past_deadline && leg.baseline.is_some() && !contended;
    let position = async {
        if attributable {
            let position = venue.position(&order.request.symbol).await?;
            // Another batch may have begun while it was on its way here.
            let contended = cell.is_contended(&leg.venue, &leg.instrument.symbol);
            Ok((!contended).then(|| position.net()))
        } else {
            Ok(None)
        }
    };
    let listed = venue.orders_since(&order.request.symbol, order.first_stamp);
    let (found, listed, position) = futures::join!(find_known(venue, order), listed, position);
    let missing = found.as_ref().err().or(listed.as_ref().err());
    let mut missing = missing.or(position.as_ref().err()).cloned();
    let complete = missing.is_none();
    let may_ask = matches!(found, Ok(_) | Err(QueryError::OtherOrder(_)));
    let mut orders = found.unwrap_or_default();
    let lacking =
        add_listed(venue, cell, order, listed.unwrap_or_default(), may_ask, &mut orders).await;
    missing = missing.or(untimed).or(lacking.error);
    // Nothing is proven by half a look, unless it found something.
    let own = &order.request.client_id;
    match missing {
        Some(error) if !complete && !orders.iter().any(|found| found.client_id == *own) => {
            Err(error)
        }
        mut missing => {
            let position = position.unwrap_or_default();
            let mut thorough = complete && !lacking.own;
            let mut read_until = venue_time;
            if thorough && past_deadline {
                // A listing that was long on its way says nothing of orders the venue has stopped listing meanwhile.
                match venue.server_time().await {
                    Ok(read) => read_until = read,
                    Err(error) => {
                        thorough = false;
                        missing = missing.or(Some(error));
                    }
                }
            }
            let read = [venue_time, read_until];
            Ok((answered(tag, thorough, read, orders, position), missing))
        }
    }
}

fn answered(
    tag: OrderTag,
    thorough: bool,
    [venue_time, read_until]: [VenueMillis; 2],
    orders: Vec<OrderSnapshot>,
    position: Option<equipoise_core::Amount>,
) -> Event {
    Event::Answered { tag, thorough, venue_time, read_until, orders, position }
}

/// Venue time before the look, whether the venue itself says that it is past the order's deadline, and why its clock
/// was not read if it should have been.
///
/// Only the venue's own clock proves that (R4). Until then, and when it cannot be read, an estimate serves, cut off at
/// the deadline so that it can never prove anything. How far an earlier start found it away says nothing here: the host's
/// clock may have been another one.
async fn venue_time(
    engine: &Inner,
    venue: &dyn Venue,
    order: &Order,
    read_here: bool,
) -> (VenueMillis, bool, Option<QueryError>) {
    let deadline = order.request.deadline;
    let in_doubt = matches!(order.stage, Stage::InDoubt | Stage::Closed(_));
    let estimate = order.clock.venue_time(engine.clock.now());
    let mut untimed = None;
    if in_doubt && (estimate > deadline || !read_here) {
        match venue.server_time().await {
            Ok(read) => return (read, read > deadline, None),
            Err(error) => untimed = Some(error),
        }
    }
    (estimate.min(deadline), false, untimed)
}

/// Looks up the order by its client id, or each order the venue has shown under it.
async fn find_known(venue: &dyn Venue, order: &Order) -> Result<Vec<OrderSnapshot>, QueryError> {
    if order.at_venue.is_empty() {
        return venue.find(&reference(order, None)).await;
    }
    let finds = order.at_venue.keys().map(|id| async move {
        let reference = reference(order, Some(id.clone()));
        venue.find(&reference).await
    });
    Ok(try_join_all(finds).await?.concat())
}

fn reference(order: &Order, venue_order: Option<VenueOrderId>) -> OrderRef {
    OrderRef {
        client_id: order.request.client_id.clone(),
        symbol: order.request.symbol.clone(),
        venue_order,
        since: order.first_stamp,
        terms: Some(OrderTerms::of(&order.request)),
    }
}

/// What of a listing could not be looked up.
#[derive(Default)]
struct Lacking {
    /// An order of the attempt itself is listed and not found: its trades, and what was taken back of them, are not
    /// known, so the look is not complete.
    own: bool,
    /// Why a look-up had no answer.
    error: Option<QueryError>,
}

/// Adds what only the listing shows, with its fills: a second order under the same id is a duplicate (V15), and news
/// about another attempt of the batch are taken too (R5). `may_ask` is false while the venue answers no look-ups.
async fn add_listed(
    venue: &dyn Venue,
    cell: &BatchCell,
    asked: &Order,
    listed: Vec<OrderSnapshot>,
    mut may_ask: bool,
    orders: &mut Vec<OrderSnapshot>,
) -> Lacking {
    let mut lacking = Lacking::default();
    let mut seen: BTreeSet<VenueOrderId> =
        orders.iter().map(|order| order.venue_order.clone()).collect();
    for snapshot in listed {
        let id = &snapshot.venue_order;
        let Some(sought) = (!seen.contains(id)).then(|| sought(cell, asked, &snapshot)).flatten()
        else {
            continue;
        };
        seen.insert(id.clone());
        let own = snapshot.client_id == asked.request.client_id;
        let found = if may_ask { venue.find(&sought).await } else { Ok(Vec::new()) };
        let found = match found {
            Ok(found) => found.into_iter().find(|found| found.venue_order == *id),
            // It bears the name of an order of ours and is not that order: nothing of it counts.
            Err(error @ QueryError::OtherOrder(_)) => {
                lacking.own |= own;
                lacking.error.get_or_insert(error);
                continue;
            }
            // Without its fills it still counts; they are asked for again.
            Err(error) => {
                may_ask = false;
                lacking.error = Some(error);
                None
            }
        };
        lacking.own |= own && found.is_none();
        // What it executed counts as it is listed; that it ended is for a look-up to say, which compares and has fills.
        orders.push(found.unwrap_or(OrderSnapshot { state: OrderState::Open, ..snapshot }));
    }
    lacking
}

/// How to look up a listed order that is one of the batch's and shows more than is known; `None` for any other.
fn sought(cell: &BatchCell, asked: &Order, snapshot: &OrderSnapshot) -> Option<OrderRef> {
    let id = Some(snapshot.venue_order.clone());
    if snapshot.client_id == asked.request.client_id {
        return Some(reference(asked, id));
    }
    let symbol = &asked.request.symbol;
    let news = |saga: &mut equipoise_core::Saga| {
        let (_, order) =
            saga.orders().find(|(_, order)| is_same(order, &snapshot.client_id, symbol))?;
        is_news(order, snapshot).then(|| reference(order, id))
    };
    cell.with_saga(news).flatten()
}

fn is_news(order: &Order, snapshot: &OrderSnapshot) -> bool {
    let Some(known) = order.at_venue.get(&snapshot.venue_order) else {
        return true;
    };
    let ended = known.state == OrderState::Open && snapshot.state != OrderState::Open;
    ended || snapshot.executed > known.executed || is_taken_back(order, snapshot)
}

/// Whether a listing takes a trade back that counted until now (V12): quantity and state of the order need not change.
fn is_taken_back(order: &Order, snapshot: &OrderSnapshot) -> bool {
    snapshot.busted.iter().any(|fill| {
        let trade = (snapshot.venue_order.clone(), fill.trade.clone());
        !order.busted.contains_key(&trade)
    })
}

fn is_same(order: &Order, client_id: &ClientOrderId, symbol: &equipoise_core::Symbol) -> bool {
    order.request.client_id == *client_id && order.request.symbol == *symbol
}

/// Asks the venue to cancel an order. Whatever it answers, only a query tells the final quantity (V8).
pub(crate) async fn cancel(engine: Arc<Inner>, cell: Arc<BatchCell>, tag: OrderTag) -> Outcome {
    let key = Key::Cancel(tag);
    let order = cell.with_saga(|saga| saga.order(tag).cloned()).flatten();
    let (Some((entry, leg)), Some(order)) = (entry_of(&engine, &cell, tag), order) else {
        return Outcome::Fruitless(key, None);
    };
    let open = order.at_venue.iter().find(|(_, at_venue)| at_venue.state == OrderState::Open);
    let reference = reference(&order, open.map(|(id, _)| id.clone()));
    let cancelling = async { entry.venue.cancel(&reference).await };
    match guarded_query(&*engine.clock, cancelling).await {
        Ok(_) => Outcome::Cancelled(tag),
        Err(error) => {
            tracing::debug!(leg = %leg.name, %error, "cancel without answer");
            Outcome::Fruitless(key, Some(error))
        }
    }
}
