//! What must hold. Judged by the exchanges' own books and the raw records. Of the engine is asked what is claimed: the
//! final report, and of a batch its status, whether it is being taken back and whether it reports a range. `of_memory` compares a live saga with a replay, and
//! sizes are `size_plan`'s, judged against what was asked for.

use std::collections::BTreeMap;

use equipoise_core::{ClientOrderId, OrderRequest, OrderTag, Record, ResendClass, Role, Saga};

use crate::exchange::Held;
use crate::journal::Journal;
use crate::owner::Owner;
use crate::spec::leg_name;
use crate::world::World;

mod ending;
mod holdings;
mod range;
mod wave;

use ending::ends_as_reported;
#[cfg(test)]
pub(crate) use ending::is_reported;
pub(crate) use ending::{is_excused, is_used_up, of_trouble};
use holdings::venue_base;
pub(crate) use wave::{of_admission, of_append};

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

/// Lots that a leg's entries executed.
fn entered(world: &World, leg: usize, counts: impl Fn(&&Held) -> bool) -> u32 {
    let orders = world.venues[leg].orders.iter().filter(|order| order.role == Role::Entry);
    orders.filter(counts).map(Held::executed).sum()
}

/// What a leg is to fill at most: a follower what its source filled, a repetition by the network included.
fn planned(world: &World, leg: usize) -> u32 {
    holdings::planned(world, leg, |source| {
        venue_base(world, source, entered(world, source, |_| true))
    })
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

/// Whether records end the batch.
pub(crate) fn ends(records: &[Record]) -> bool {
    records.iter().any(|record| matches!(record, Record::Ended { .. }))
}

pub(crate) fn show_tag(tag: OrderTag) -> String {
    let leg = leg_name(tag.leg);
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
