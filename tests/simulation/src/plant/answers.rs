//! Bugs in reading what venues say.

use std::borrow::Cow;

use equipoise_core::{
    Closing, Event, Order, OrderEnd, OrderSnapshot, OrderState, Qty, Refusal, RefusalKind, Saga,
    Stage, TradeId,
};
use equipoise_port::PlaceError;

use super::Plant;
use crate::exchange::Reply;

/// What planted bugs make of an answer to an order.
pub(super) fn reply(plant: Plant, reply: Reply) -> Reply {
    let refused = |kind| {
        let refusal = Refusal { kind, code: "planted".to_owned(), message: String::new() };
        Reply::Placed(Err(PlaceError::Refused(refusal)))
    };
    match (plant, &reply) {
        (Plant::UnknownAsRefused, Reply::Placed(Err(PlaceError::Unknown(_))))
        | (Plant::LostReplyAsRefused, Reply::Failed(_)) => refused(RefusalKind::Transient),
        (Plant::LostReplyAsUnsent, Reply::Failed(_)) => {
            Reply::Placed(Err(PlaceError::NotSent("timed out".to_owned())))
        }
        (Plant::RateLimitAsFinal, Reply::Placed(Err(PlaceError::Refused(refusal)))) => {
            match refusal.kind {
                RefusalKind::RateLimited { .. } => refused(RefusalKind::Final),
                _ => reply,
            }
        }
        (Plant::BanIgnored, Reply::Placed(Err(PlaceError::Refused(refusal)))) => {
            match refusal.kind {
                RefusalKind::RateLimited { .. } => {
                    refused(RefusalKind::RateLimited { retry_after_ms: 0 })
                }
                _ => reply,
            }
        }
        _ => reply,
    }
}

/// What the saga is told instead.
pub(super) fn event<'a>(plant: Plant, saga: &Saga, event: &'a Event) -> Cow<'a, Event> {
    match (plant, event) {
        (Plant::ActBeforeAsking, Event::Resumed) => Cow::Owned(Event::Wake),
        (_, Event::Answered { tag, thorough, venue_time, read_until, orders, position }) => {
            let late = if plant == Plant::AbsenceByLocalClock { 20_000 } else { 0 };
            Cow::Owned(Event::Answered {
                tag: *tag,
                thorough: *thorough || plant == Plant::HalfListingAsWhole,
                venue_time: venue_time.plus_ms(late),
                read_until: *read_until,
                orders: snapshots(plant, saga, orders),
                position: *position,
            })
        }
        (_, Event::Placed { tag, snapshot }) => {
            let snapshots = snapshots(plant, saga, std::slice::from_ref(snapshot));
            match snapshots.into_iter().next() {
                Some(snapshot) => Cow::Owned(Event::Placed { tag: *tag, snapshot }),
                None => Cow::Owned(Event::Wake),
            }
        }
        _ => Cow::Borrowed(event),
    }
}

fn snapshots(plant: Plant, saga: &Saga, orders: &[OrderSnapshot]) -> Vec<OrderSnapshot> {
    let orders = orders.iter().cloned();
    match plant {
        Plant::SecondOrderDropped => orders.take(1).collect(),
        Plant::AbsentIsFinal => orders.filter(|order| !is_of_absent(saga, order)).collect(),
        Plant::LastTradeDropped => orders.map(without_last_trade).collect(),
        Plant::LateFillDropped => orders.filter(|order| !is_late(saga, order)).collect(),
        Plant::TradeCountedTwice => orders.map(with_last_trade_again).collect(),
        Plant::PartialAsWhole => orders.map(without_rest).collect(),
        _ => orders.collect(),
    }
}

/// A further order of an attempt that was closed before.
fn is_late(saga: &Saga, snapshot: &OrderSnapshot) -> bool {
    let mut orders = saga.orders();
    orders.any(|(_, order)| {
        order.request.client_id == snapshot.client_id
            && order.is_closed()
            && !order.at_venue.contains_key(&snapshot.venue_order)
    })
}

/// An order of an attempt whose absence was proven.
fn is_of_absent(saga: &Saga, snapshot: &OrderSnapshot) -> bool {
    let mut orders = saga.orders();
    orders.any(|(_, order)| {
        order.request.client_id == snapshot.client_id
            && order.stage == Stage::Closed(Closing::Absent)
    })
}

fn without_last_trade(mut snapshot: OrderSnapshot) -> OrderSnapshot {
    if snapshot.fills.len() > 1
        && let Some(last) = snapshot.fills.pop()
    {
        snapshot.executed = snapshot.executed.minus(last.quantity);
    }
    snapshot
}

/// The same trade as another listing names it.
fn with_last_trade_again(mut snapshot: OrderSnapshot) -> OrderSnapshot {
    if let Some(last) = snapshot.fills.last() {
        let trade =
            TradeId::new(&format!("{}x", last.trade)).unwrap_or_else(|_| last.trade.clone());
        snapshot.fills.push(equipoise_core::Fill { trade, ..last.clone() });
    }
    snapshot
}

/// A partly filled order taken for one that has ended.
fn without_rest(mut snapshot: OrderSnapshot) -> OrderSnapshot {
    if snapshot.state == OrderState::Open && !snapshot.executed.is_zero() {
        snapshot.state = OrderState::Ended(OrderEnd::Filled);
    }
    snapshot
}

/// What a cancel acknowledgement is wrongly taken for.
pub(super) fn ended_with_nothing(order: &Order) -> Option<OrderSnapshot> {
    if matches!(order.stage, Stage::Closed(_)) {
        return None;
    }
    let venue_order = order.at_venue.keys().next()?.clone();
    let state = OrderState::Ended(OrderEnd::Cancelled { reason: String::new() });
    let client_id = order.request.client_id.clone();
    Some(OrderSnapshot {
        venue_order,
        client_id,
        state,
        executed: Qty::ZERO,
        fills: Vec::new(),
        busted: Vec::new(),
    })
}
