//! The bank of planted bugs: what each breaks, which rule that is, who must notice it and within how many seeds.
//!
//! A bug sits in a seam between saga, driver, disk and exchanges, or bends the core in one named place.
//! Only builds with `cfg(planted)` hold any of this; all others have the straight seams of `straight.rs`.

mod answers;
mod bank;
mod bends;
mod early;
mod steps;

use std::borrow::Cow;

use equipoise_core::planted::Straighten;
use equipoise_core::{
    Amount, BatchReport, BatchSpec, Event, Order, OrderRequest, OrderSnapshot, Record, Saga, Step,
    UnixMillis,
};

use crate::env::Env;
use crate::exchange::Reply;
use crate::scenario::Scenario;

pub use bank::{Plant, Planted};

/// Bends the core for as long as the simulation runs.
pub(crate) fn begin(scenario: &Scenario) -> Option<Straighten> {
    scenario.plant.and_then(bends::of).map(equipoise_core::planted::bend)
}

/// What is admitted.
pub(crate) fn spec(env: &Env, spec: BatchSpec) -> BatchSpec {
    steps::spec(env.plant, spec)
}

/// What the saga is told.
pub(crate) fn event<'a>(env: &Env, saga: &Saga, event: &'a Event) -> Cow<'a, Event> {
    env.plant.map_or(Cow::Borrowed(event), |plant| answers::event(plant, saga, event))
}

/// What the saga decided.
pub(crate) fn step(env: &Env, saga: &Saga, event: &Event, step: Step) -> Step {
    let now = UnixMillis(env.now);
    env.plant.map_or(step.clone(), |plant| steps::step(plant, saga, now, event, step))
}

/// What the saga decided when it was resumed, where that is tried once more.
pub(crate) fn resumed(env: &Env, saga: &Saga, decided: Step) -> Step {
    match env.plant {
        Some(Plant::OrderAtEachStart) => step(env, saga, &Event::Resumed, decided),
        _ => decided,
    }
}

/// An answer to an order.
pub(crate) fn reply(env: &Env, reply: Reply) -> Reply {
    env.plant.map_or(reply.clone(), |plant| answers::reply(plant, reply))
}

/// What is handed over for one order.
pub(crate) fn handed(env: &Env, request: OrderRequest) -> Vec<OrderRequest> {
    steps::handed(env.plant, request)
}

/// What an acknowledged cancel says of its order.
pub(crate) fn cancelled(env: &Env, order: Option<&Order>) -> Option<OrderSnapshot> {
    let believed = env.plant == Some(Plant::CancelAsNothingFilled);
    order.filter(|_| believed).and_then(answers::ended_with_nothing)
}

/// A position as it was read.
pub(crate) fn position(env: &Env, position: Amount) -> Amount {
    if env.plant == Some(Plant::PositionTurned) { -position } else { position }
}

/// The bytes of a record.
pub(crate) fn written(env: &Env, record: &Record) -> Option<Record> {
    steps::written(env.plant, record)
}

/// The account of a batch.
pub(crate) fn report(env: &Env, report: BatchReport) -> BatchReport {
    if env.plant == Some(Plant::ParkedWithoutRange) {
        return BatchReport { net_delta_range: None, ..report };
    }
    report
}

/// Whether orders leave before their intent is durable.
pub(crate) fn sends_early(env: &Env) -> bool {
    env.plant == Some(Plant::SendBeforeSync)
}

/// Whether each order of a wave goes by its own window.
pub(crate) fn splits_waves(env: &Env) -> bool {
    env.plant == Some(Plant::HalfWave)
}

/// Whether appends are answered before they are synced.
pub(crate) fn answers_early(env: &Env) -> bool {
    env.plant == Some(Plant::AcknowledgeBeforeSync)
}

/// Whether appends that met a full device are reported durable.
pub(crate) fn trusts_full_device(env: &Env) -> bool {
    env.plant == Some(Plant::FullDeviceIgnored)
}

/// Whether a start leaves the last append out.
pub(crate) fn leaves_last_out(env: &Env) -> bool {
    env.plant == Some(Plant::LastAppendUnread)
}

/// Whether a stale owner's appends are taken.
pub(crate) fn takes_any_epoch(env: &Env) -> bool {
    env.plant == Some(Plant::EpochNotChecked)
}

/// Whether repetitions wait for nothing.
pub(crate) fn never_pauses(env: &Env) -> bool {
    env.plant == Some(Plant::PausesIgnored)
}

/// Whether what is under way is started once more.
pub(crate) fn starts_again(env: &Env) -> bool {
    env.plant == Some(Plant::StartedAgain)
}

/// Whether wakings queue up behind an append.
pub(crate) fn queues_wakings(env: &Env) -> bool {
    env.plant == Some(Plant::WakingsQueued)
}
