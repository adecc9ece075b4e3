//! Whether the journal foresaw an order that is about to leave (S3, R1, R2).

use equipoise_core::{OrderKind, OrderRequest, OrderTag, PositionSide, Record, Side, TimeInForce};

use crate::order_on_wire::{Lifetime, Placement};

/// An intent as the journal holds it, with every deadline it was given.
#[derive(Debug, Clone)]
struct Intended {
    request: OrderRequest,
    deadlines_ms: Vec<u64>,
}

/// Compares what is about to leave with what is durable.
///
/// # Errors
/// Says what differs.
pub(crate) fn check(placement: &Placement, durable: &[Vec<Record>]) -> Result<(), String> {
    let intended = durable.iter().find_map(|records| intended(records, &placement.client_id));
    let Some(intended) = intended else {
        return Err(format!("order {} has no durable intent", placement.client_id));
    };
    let expected = Placement {
        deadline_ms: placement.deadline_ms,
        deadline_step_ms: placement.deadline_step_ms,
        reduce_only: placement.reduce_only,
        ..expected(&intended.request)
    };
    if expected != *placement {
        return Err(format!("sent {placement:?} where the intent holds {expected:?}"));
    }
    let flag = intended.request.reduce_only && intended.request.position_side == PositionSide::Net;
    if flag != placement.reduce_only {
        return Err(format!("reduce-only is {} in {placement:?}", placement.reduce_only));
    }
    let step = placement.deadline_step_ms;
    let durable = &intended.deadlines_ms;
    if !durable.iter().any(|deadline| deadline - deadline % step == placement.deadline_ms) {
        return Err(format!("deadline {} is not durable: {durable:?}", placement.deadline_ms));
    }
    Ok(())
}

fn intended(records: &[Record], client_id: &str) -> Option<Intended> {
    let mut found: Option<(OrderTag, Intended)> = None;
    for record in records {
        match (record, &mut found) {
            (Record::Intent { tag, request, .. }, _) if request.client_id.as_str() == client_id => {
                let deadlines_ms = vec![request.deadline.0];
                found = Some((*tag, Intended { request: request.clone(), deadlines_ms }));
            }
            (Record::Transmission { tag, deadline, .. }, Some((of, intended))) if tag == of => {
                intended.deadlines_ms.push(deadline.0);
            }
            _ => {}
        }
    }
    found.map(|(_, intended)| intended)
}

fn expected(request: &OrderRequest) -> Placement {
    let limit = match request.kind {
        OrderKind::Market => None,
        OrderKind::Limit { price, time_in_force } => {
            let lifetime = match time_in_force {
                TimeInForce::Gtc => Lifetime::Gtc,
                TimeInForce::Ioc => Lifetime::Ioc,
                TimeInForce::Fok => Lifetime::Fok,
                TimeInForce::PostOnly => Lifetime::PostOnly,
            };
            Some((price.get(), lifetime))
        }
    };
    Placement {
        client_id: request.client_id.to_string(),
        symbol: request.symbol.to_string(),
        buys: request.side == Side::Buy,
        limit,
        quantity: request.quantity.get(),
        reduce_only: request.reduce_only,
        deadline_ms: request.deadline.0,
        deadline_step_ms: 1,
    }
}
