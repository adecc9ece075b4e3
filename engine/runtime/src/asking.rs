//! Looking at one order and cancelling it. What was found counts even when another answer is missing (R4).

use std::collections::BTreeSet;
use std::sync::Arc;

use equipoise_core::{
    ClientOrderId, Event, LegSpec, Order, OrderSnapshot, OrderState, OrderTag, Query, Stage,
    VenueMillis, VenueOrderId,
};
use equipoise_port::{OrderRef, QueryError, Venue};
use futures::future::try_join_all;

use crate::activity::{Outcome, entry_of};
use crate::batch::BatchCell;
use crate::engine::Inner;
use crate::guard::guarded_query;
use crate::pace::Key;
use crate::venues::VenueEntry;

/// One look at an order, as deep as the query asks.
pub(crate) async fn ask(engine: Arc<Inner>, cell: Arc<BatchCell>, query: Query) -> Outcome {
    let key = Key::Query(query.tag);
    let Some((entry, leg)) = entry_of(&engine, &cell, query.tag) else {
        return Outcome::Fruitless(key, None);
    };
    let look = look(&engine, &cell, &entry, &leg, &query);
    match guarded_query(&*engine.clock, look).await {
        Ok(Some(event)) => Outcome::Answered(query.tag, event),
        Ok(None) => Outcome::Fruitless(key, None),
        Err(error) => {
            tracing::debug!(leg = %leg.name, %error, "query without answer");
            Outcome::Fruitless(key, Some(error))
        }
    }
}

async fn look(
    engine: &Inner,
    cell: &BatchCell,
    entry: &VenueEntry,
    leg: &LegSpec,
    query: &Query,
) -> Result<Option<Event>, QueryError> {
    let tag = query.tag;
    let order = cell.with_saga(|saga| saga.order(tag).cloned()).flatten();
    let Some(order) = order else { return Ok(None) };
    let venue = &*entry.venue;
    let (venue_time, past_deadline) = venue_time(engine, venue, &order).await;
    let found = find_known(venue, &order);
    if !query.thorough {
        let orders = found.await?;
        return Ok(Some(answered(tag, false, venue_time, orders, None)));
    }
    let contended = cell.is_contended(&leg.venue, &leg.instrument.symbol);
    let attributable = past_deadline && leg.baseline.is_some() && !contended;
    let position = async {
        if attributable {
            let position = venue.position(&order.request.symbol).await?;
            Ok(Some(position.net()))
        } else {
            Ok(None)
        }
    };
    let listed = venue.orders_since(&order.request.symbol, order.first_stamp);
    let (found, listed, position) = futures::join!(found, listed, position);
    let complete = found.is_ok() && listed.is_ok() && position.is_ok();
    let failure = found.as_ref().err().or(listed.as_ref().err());
    let failure = failure.or(position.as_ref().err()).cloned();
    let mut orders = found.unwrap_or_default();
    let own = &order.request.client_id;
    add_listed(venue, cell, &order, listed.unwrap_or_default(), &mut orders).await;
    match failure {
        // Nothing is proven by half a look, unless it found something.
        Some(error) if !orders.iter().any(|found| found.client_id == *own) => Err(error),
        _ => {
            let position = position.unwrap_or_default();
            Ok(Some(answered(tag, complete, venue_time, orders, position)))
        }
    }
}

fn answered(
    tag: OrderTag,
    thorough: bool,
    venue_time: VenueMillis,
    orders: Vec<OrderSnapshot>,
    position: Option<equipoise_core::Amount>,
) -> Event {
    Event::Answered { tag, thorough, venue_time, orders, position }
}

/// Venue time before the look, and whether the venue itself says that it is past the order's deadline.
///
/// Only the venue's own clock proves that (R4). Until then, and when it cannot be read, an estimate serves, cut off at
/// the deadline so that it can never prove anything.
async fn venue_time(engine: &Inner, venue: &dyn Venue, order: &Order) -> (VenueMillis, bool) {
    let deadline = order.request.deadline;
    let in_doubt = matches!(order.stage, Stage::InDoubt | Stage::Closed(_));
    let estimate = order.clock.venue_time(engine.clock.now());
    if in_doubt && estimate > deadline {
        match venue.server_time().await {
            Ok(read) => return (read, read > deadline),
            Err(error) => tracing::debug!(%error, "venue clock not read"),
        }
    }
    (VenueMillis(estimate.0.min(deadline.0)), false)
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
    }
}

/// Adds what only the listing shows, with its fills: a second order under the same id is a duplicate (V15), and news
/// about another attempt of the batch are taken too (R5).
async fn add_listed(
    venue: &dyn Venue,
    cell: &BatchCell,
    asked: &Order,
    listed: Vec<OrderSnapshot>,
    orders: &mut Vec<OrderSnapshot>,
) {
    let mut seen: BTreeSet<VenueOrderId> =
        orders.iter().map(|order| order.venue_order.clone()).collect();
    for snapshot in listed {
        if seen.contains(&snapshot.venue_order) || !is_news(cell, asked, &snapshot) {
            continue;
        }
        seen.insert(snapshot.venue_order.clone());
        let by_venue_id = OrderRef {
            client_id: snapshot.client_id.clone(),
            venue_order: Some(snapshot.venue_order.clone()),
            ..reference(asked, None)
        };
        // Without its fills it still counts; they are asked for again.
        let found = venue.find(&by_venue_id).await.unwrap_or_default();
        let same = found.into_iter().find(|found| found.venue_order == snapshot.venue_order);
        orders.push(same.unwrap_or(snapshot));
    }
}

/// Whether a listed order is one of the batch's and shows more than is known.
fn is_news(cell: &BatchCell, asked: &Order, snapshot: &OrderSnapshot) -> bool {
    if snapshot.client_id == asked.request.client_id {
        return true;
    }
    let symbol = &asked.request.symbol;
    let is_news = |saga: &mut equipoise_core::Saga| {
        let (_, order) =
            saga.orders().find(|(_, order)| is_same(order, &snapshot.client_id, symbol))?;
        let Some(known) = order.at_venue.get(&snapshot.venue_order) else {
            return Some(true);
        };
        let ended = known.state == OrderState::Open && snapshot.state != OrderState::Open;
        Some(ended || snapshot.executed > known.executed)
    };
    cell.with_saga(is_news).flatten().unwrap_or(false)
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
