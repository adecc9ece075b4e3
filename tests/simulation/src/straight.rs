//! The seams between saga, driver, disk and exchanges as they are without planted bugs: everything passes unchanged.

#![allow(clippy::missing_const_for_fn, reason = "the same signatures as with planted bugs")]

use std::borrow::Cow;

use equipoise_core::{
    Amount, BatchReport, BatchSpec, Event, Order, OrderRequest, OrderSnapshot, Record, Saga, Step,
};

use crate::env::Env;
use crate::exchange::Reply;
use crate::scenario::Scenario;

/// Nothing to bend.
#[must_use]
pub(crate) struct Straight;

pub(crate) fn begin(_: &Scenario) -> Straight {
    Straight
}

pub(crate) fn spec(_: &Env, spec: BatchSpec) -> BatchSpec {
    spec
}

pub(crate) fn event<'a>(_: &Env, _: &Saga, event: &'a Event) -> Cow<'a, Event> {
    Cow::Borrowed(event)
}

pub(crate) fn step(_: &Env, _: &Saga, _: &Event, step: Step) -> Step {
    step
}

pub(crate) fn resumed(_: &Env, _: &Saga, step: Step) -> Step {
    step
}

pub(crate) fn reply(_: &Env, reply: Reply) -> Reply {
    reply
}

pub(crate) fn handed(_: &Env, request: OrderRequest) -> [OrderRequest; 1] {
    [request]
}

pub(crate) fn cancelled(_: &Env, _: Option<&Order>) -> Option<OrderSnapshot> {
    None
}

pub(crate) fn position(_: &Env, position: Amount) -> Amount {
    position
}

pub(crate) fn written(_: &Env, _: &Record) -> Option<Record> {
    None
}

pub(crate) fn report(_: &Env, report: BatchReport) -> BatchReport {
    report
}

pub(crate) fn sends_early(_: &Env) -> bool {
    false
}

pub(crate) fn splits_waves(_: &Env) -> bool {
    false
}

pub(crate) fn answers_early(_: &Env) -> bool {
    false
}

pub(crate) fn trusts_full_device(_: &Env) -> bool {
    false
}

pub(crate) fn leaves_last_out(_: &Env) -> bool {
    false
}

pub(crate) fn takes_any_epoch(_: &Env) -> bool {
    false
}

pub(crate) fn never_pauses(_: &Env) -> bool {
    false
}

pub(crate) fn starts_again(_: &Env) -> bool {
    false
}

pub(crate) fn queues_wakings(_: &Env) -> bool {
    false
}
