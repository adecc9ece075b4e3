//! What must hold. Judged by the exchanges' own books and the raw records; nothing of the engine is asked, except for
//! the final report, which is what is claimed.

use std::collections::{BTreeMap, BTreeSet};

use equipoise_core::{
    BatchStatus, ClientOrderId, LegQuantity, OrderRequest, OrderTag, Record, ResendClass, Role,
    Saga, Side,
};

use crate::exchange::Held;
use crate::journal::Journal;
use crate::owner::{Owner, Pending};
use crate::spec::{LOTS, amount, asset, lots};
use crate::world::{World, is_entry, signed};

/// A claim that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which claim.
    pub claim: &'static str,
    /// What was found instead.
    pub what: String,
}

fn require(
    holds: bool,
    claim: &'static str,
    what: impl FnOnce() -> String,
) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation { claim, what: what() }) }
}

/// Records of one batch in any run.
const RECORDS_MAX: usize = 300;

/// What holds in every state.
pub(crate) fn of_state(world: &World) -> Result<(), Violation> {
    let able = world.owners.iter().filter(|owner| owner.epoch == world.journal.epoch).count();
    require(able <= 1, "no two owners can append (R3)", || format!("{able} can"))?;
    require(world.journal.len() <= RECORDS_MAX, "records are bounded", || {
        format!("{} records", world.journal.len())
    })?;
    one_effect_each(world)?;
    if is_quiet(world) {
        ends_as_reported(world)?;
    }
    Ok(())
}

/// The batch is over and nothing on its way can change that.
pub(crate) fn is_quiet(world: &World) -> bool {
    let held =
        |owner: &Owner| owner.outbox.iter().any(|(tag, request)| world.could_leave(*tag, request));
    world.is_over()
        && !world.wire.iter().any(|parcel| world.may_act(parcel))
        && !world.owners.iter().any(held)
        && world.venues.iter().all(|venue| venue.orders.iter().all(|order| !order.is_open()))
}

/// S1: no attempt with two effects, no more executed than planned; a repetition by the network counts apart on venues
/// that do not notice one.
fn one_effect_each(world: &World) -> Result<(), Violation> {
    for (index, venue) in world.venues.iter().enumerate() {
        // Where one copy of a request was refused and another taken, the engine rightly believed the refusal.
        let own = |order: &&Held| {
            (venue.class == ResendClass::A || !order.copied)
                && !venue.split.contains(&order.client_id)
        };
        let mut effects: BTreeMap<&ClientOrderId, (u32, u32)> = BTreeMap::new();
        for order in venue.orders.iter() {
            let (sent, copied) = effects.entry(&order.client_id).or_default();
            *sent += u32::from(!order.copied);
            *copied += u32::from(order.copied);
        }
        for (id, (sent, copied)) in effects {
            let most = if venue.class == ResendClass::A { sent + copied } else { sent };
            require(most <= 1, "each attempt takes effect once at most (S1)", || {
                format!("{id} was taken {most} times at venue {index}")
            })?;
        }
        let plan = planned(world, index);
        let entered = entered(world, index, own);
        require(entered <= plan, "no more is executed than planned (S1)", || {
            format!("{entered} of {plan} lots at venue {index}")
        })?;
    }
    Ok(())
}

/// Lots that orders on the side of a leg's entries executed.
fn entered(world: &World, index: usize, counts: impl Fn(&&Held) -> bool) -> u32 {
    let side = if index.is_multiple_of(2) { Side::Buy } else { Side::Sell };
    let orders = world.venues[index].orders.iter().filter(counts);
    orders.filter(|order| order.side == side).map(Held::executed).sum()
}

/// What a leg is to fill at most: a follower what its source filled, a repetition by the network included.
fn planned(world: &World, index: usize) -> u32 {
    let source = world.follows.get(index).copied().flatten();
    source.map_or(LOTS, |source| entered(world, source.into(), |_| true))
}

/// What must hold when intents become durable.
pub(crate) fn of_append(world: &World, pending: &Pending) -> Result<(), Violation> {
    let intents: Vec<_> = pending
        .records
        .iter()
        .filter_map(|record| match record {
            Record::Intent { tag, request, .. } => Some((*tag, request)),
            _ => None,
        })
        .collect();
    if intents.is_empty() {
        return Ok(());
    }
    let doubts = in_doubt(world.journal.records());
    require(doubts.is_empty(), "nothing leaves while an order is in doubt (K1)", || {
        format!("{} goes while {} is in doubt", names(&intents), show_tags(&doubts))
    })?;
    for (tag, _) in &intents {
        no_earlier_one_open(world, *tag, &intents)?;
    }
    let unwinds: Vec<_> = intents.iter().filter(|(tag, _)| !is_entry(*tag)).collect();
    if !unwinds.is_empty() {
        let wave: i64 = unwinds
            .iter()
            .map(|(_, request)| signed(request.side, lots(request.quantity).unwrap_or(0)))
            .sum();
        raises_nothing(recorded_net(world.journal.records()), wave, "by the records")?;
        if !world.duplicated && !is_repeated(world) {
            raises_nothing(world.net(), wave, "at the exchanges")?;
        }
    }
    Ok(())
}

/// R5 and K1 by what is true, not by what is known: an attempt starts only when no earlier one of its leg, and an
/// unwind only when no other order of the batch, can still take effect.
fn no_earlier_one_open(
    world: &World,
    tag: OrderTag,
    intents: &[(OrderTag, &OrderRequest)],
) -> Result<(), Violation> {
    let concerns = |other: OrderTag| other.leg == tag.leg || tag.role == Role::Unwind;
    let on_the_way = world
        .wire
        .iter()
        .filter(|parcel| !world.is_repeated(&parcel.request.0.client_id))
        .find(|parcel| concerns(parcel.tag) && world.may_act(parcel));
    require(on_the_way.is_none(), "no attempt starts while another can act (R5, K1)", || {
        format!("{} goes while a request of another attempt is on its way", names(intents))
    })?;
    let held = world
        .owners
        .iter()
        .flat_map(|owner| &owner.outbox)
        .find(|(other, request)| concerns(*other) && world.could_leave(*other, request));
    require(held.is_none(), "no attempt starts while another can act (R5, K1)", || {
        format!("{} goes while an earlier owner still holds a request", names(intents))
    })?;
    let open = world
        .venues
        .iter()
        .enumerate()
        .filter(|(leg, _)| tag.role == Role::Unwind || *leg == usize::from(tag.leg))
        .flat_map(|(_, venue)| &venue.orders)
        .find(|order| order.is_open() && !world.is_repeated(&order.client_id));
    require(open.is_none(), "no attempt starts while another can act (R5, K1)", || {
        format!("{} goes while an order is open at its venue", names(intents))
    })
}

/// K3.
fn raises_nothing(net: i64, wave: i64, judged: &str) -> Result<(), Violation> {
    let holds = (net + wave).abs() <= net.abs();
    require(holds, "no compensating step raises the net delta (K3)", || {
        format!("from {net} lots to {} {judged}", net + wave)
    })
}

/// A repetition of a request is on its way or has been: what follows is V15, where records and books may differ.
fn is_repeated(world: &World) -> bool {
    world.wire.iter().any(|parcel| parcel.copied)
        || world.venues.iter().flat_map(|venue| &venue.orders).any(|order| order.copied)
}

/// S3: at the moment it leaves, the journal holds exactly this request.
pub(crate) fn of_sending(
    journal: &Journal,
    tag: OrderTag,
    request: &OrderRequest,
) -> Result<(), Violation> {
    let allowed = journal.allowed(tag);
    let later = |durable: &OrderRequest| {
        // A later owner may have recorded a further transmission of the same content since.
        OrderRequest { deadline: request.deadline, ..durable.clone() } == *request
            && durable.deadline >= request.deadline
    };
    require(
        allowed.as_ref().is_some_and(later),
        "no order leaves before its intent is durable (S3)",
        || format!("{} leaves as {request:?}, the journal has {allowed:?}", show_tag(tag)),
    )
}

/// The current owner's state is a function of what the journal and its unsaved facts hold.
pub(crate) fn of_memory(journal: &Journal, owner: &Owner) -> Result<(), Violation> {
    let records: Vec<_> = journal.records().iter().chain(&owner.unsaved).cloned().collect();
    if records.is_empty() {
        return Ok(());
    }
    let replayed = Saga::replay(&records).ok();
    require(
        replayed.as_ref() == Some(&*owner.saga),
        "the state is a function of the records",
        || "replay leads to another state".to_owned(),
    )
}

/// The end that was decided is the end that the journal leads to.
pub(crate) fn of_end(world: &World, who: usize) -> Result<(), Violation> {
    of_memory(&world.journal, &world.owners[who])
}

/// S2 and S4.
fn ends_as_reported(world: &World) -> Result<(), Violation> {
    let net = world.net();
    let Some(saga) = world.journal.replayed() else {
        return require(
            net == 0 && no_orders(world),
            "what was never admitted was never sent",
            || format!("{net} lots are held"),
        );
    };
    let report = saga.report(world.now);
    let held = amount(net);
    let claimed = report.net_delta.get(&asset("BTC")).copied().unwrap_or(amount(0));
    let range = report.net_delta_range.as_ref().and_then(|range| range.get(&asset("BTC")));
    match report.status {
        BatchStatus::Done => {
            require(is_as_planned(saga, world), "done is as planned (S2)", || {
                format!("positions are {:?}", positions(world))
            })?
        }
        BatchStatus::Flat => {
            let flat = positions(world).iter().all(|position| *position == 0);
            require(flat, "flat holds nothing (S2)", || {
                format!("positions are {:?}", positions(world))
            })?;
        }
        BatchStatus::Parked => {
            let holds = match range {
                None => held == claimed,
                Some((least, greatest)) => {
                    is_excused(world) || (*least <= held && held <= *greatest)
                }
            };
            require(holds, "parked reports what is held (S2)", || {
                format!("held {held}, reported {claimed} within {range:?}")
            })?;
        }
        BatchStatus::Running => {}
    }
    if range.is_none() {
        every_trade_once(world)?;
    }
    Ok(())
}

/// Parked with an order unresolved whose request the network repeated: its venue may have executed it twice, and no
/// range can know.
pub(crate) fn is_excused(world: &World) -> bool {
    world.duplicated
}

fn no_orders(world: &World) -> bool {
    world.venues.iter().all(|venue| venue.orders.is_empty())
}

pub(crate) fn positions(world: &World) -> Vec<i64> {
    world.venues.iter().map(|venue| venue.position()).collect()
}

/// Every fixed leg holds its lots; a follower what its source holds.
fn is_as_planned(saga: &Saga, world: &World) -> bool {
    let followed = |index: usize| {
        saga.spec().legs.iter().any(
            |leg| matches!(leg.quantity, LegQuantity::Of { leg, .. } if usize::from(leg) == index),
        )
    };
    let positions = positions(world);
    let follows = saga.spec().legs.iter().any(|leg| matches!(leg.quantity, LegQuantity::Of { .. }));
    if follows {
        return world.net() == 0 && positions.iter().any(|position| *position != 0);
    }
    positions
        .iter()
        .enumerate()
        .all(|(index, position)| followed(index) || position.unsigned_abs() == u64::from(LOTS))
}

/// S4: the trades of the exchanges are the trades of the journal.
fn every_trade_once(world: &World) -> Result<(), Violation> {
    let mut recorded: BTreeSet<(String, String)> = BTreeSet::new();
    let mut total = 0;
    for record in world.journal.records() {
        if let Record::Filled { venue_order, fill, .. } = record
            && recorded.insert((venue_order.to_string(), fill.trade.to_string()))
        {
            total += lots(fill.quantity).unwrap_or(0);
        }
    }
    let orders = || world.venues.iter().flat_map(|venue| &venue.orders);
    let trades: usize = orders().map(|order| order.trades.len()).sum();
    let traded: u32 = orders().map(Held::executed).sum();
    require(
        (trades, traded) == (recorded.len(), total),
        "every trade is in the journal, once (S4)",
        || format!("{trades} trades of {traded} lots, recorded {} of {total}", recorded.len()),
    )
}

/// Net of the fills on record, lots.
fn recorded_net(records: &[Record]) -> i64 {
    let mut sides: BTreeMap<OrderTag, Side> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut net = 0;
    for record in records {
        match record {
            Record::Intent { tag, request, .. } => {
                sides.insert(*tag, request.side);
            }
            Record::Filled { tag, venue_order, fill, .. } => {
                if seen.insert((venue_order.clone(), fill.trade.clone()))
                    && let Some(side) = sides.get(tag)
                {
                    net += signed(*side, lots(fill.quantity).unwrap_or(0));
                }
            }
            _ => {}
        }
    }
    net
}

/// Attempts whose outcome is unknown by the records alone.
fn in_doubt(records: &[Record]) -> Vec<OrderTag> {
    let mut doubts = BTreeSet::new();
    let mut settled = BTreeSet::new();
    for record in records {
        let Some(tag) = record.tag() else {
            continue;
        };
        match record {
            Record::Doubted { .. } => {
                // What was shown stays shown, and a refusal stands: both are only looked at once more.
                if settled.contains(&tag) {
                    doubts.remove(&tag);
                } else {
                    doubts.insert(tag);
                }
            }
            Record::Unresolved { .. } => {
                doubts.insert(tag);
            }
            Record::Observed { .. } | Record::Filled { .. } => {
                settled.insert(tag);
                doubts.remove(&tag);
            }
            Record::Refused { .. } => {
                settled.insert(tag);
                doubts.remove(&tag);
            }
            Record::Transmission { .. } | Record::Unsent { .. } | Record::Absent { .. } => {
                doubts.remove(&tag);
            }
            _ => {}
        }
    }
    doubts.into_iter().collect()
}

/// Whether records end the batch.
pub(crate) fn ends(records: &[Record]) -> bool {
    records.iter().any(|record| matches!(record, Record::Ended { .. }))
}

pub(crate) fn show_tag(tag: OrderTag) -> String {
    let leg = ["long", "short", "third", "fourth"].get(usize::from(tag.leg)).unwrap_or(&"leg");
    let role = match tag.role {
        Role::Entry => "entry",
        Role::Unwind => "unwind",
    };
    format!("{leg} {role} {}", tag.attempt)
}

fn show_tags(tags: &[OrderTag]) -> String {
    tags.iter().map(|tag| show_tag(*tag)).collect::<Vec<_>>().join(", ")
}

fn names(intents: &[(OrderTag, &OrderRequest)]) -> String {
    show_tags(&intents.iter().map(|(tag, _)| *tag).collect::<Vec<_>>())
}
