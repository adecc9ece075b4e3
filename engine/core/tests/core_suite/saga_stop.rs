//! Stopping at every moment, and what one hopeless leg means for the others.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::common::*;
use equipoise_core::*;

#[test]
fn a_stop_before_anything_was_sent_ends_flat() {
    let mut run = Harness::new(pair(ResendClass::A));
    run.wake();
    run.expect(Event::Stop, &["stopped", "ended flat"], &[]);
    run.expect(Event::Stop, &[], &[]);
}

#[test]
fn a_stop_between_legs_takes_back_the_first() {
    let mut run = Harness::new(chain(ResendClass::A));
    run.send(&["long.e0"]);
    run.fill("long.e0");
    run.expect(Event::Stop, &["stopped", "unwind started"], &["prepare long.u0"]);
    run.expect(run.prepared(&["short.e0"]), &[], &["prepare long.u0"]);
    run.send(&["long.u0"]);
    assert_eq!(run.fill("long.u0").records.last().unwrap(), "ended flat");
}

#[test]
fn a_stop_cancels_what_rests_and_lets_immediate_orders_finish() {
    let mut spec = pair(ResendClass::A);
    spec.legs[0] = limit(spec.legs[0].clone(), "64000", TimeInForce::PostOnly);
    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    let open = run.snapshot("long.e0", OrderState::Open, "0");
    run.placed("long.e0", open);
    let open = run.snapshot("short.e0", OrderState::Open, "0");
    run.placed("short.e0", open);
    run.expect(
        Event::Stop,
        &["stopped"],
        &["query long.e0", "cancel long.e0", "query short.e0 urgent"],
    );
    // Filled before the cancel arrived: neutral, so done.
    run.fill("short.e0");
    assert_eq!(run.fill("long.e0").records.last().unwrap(), "ended done");
}

#[test]
fn a_stop_in_doubt_and_during_unwinding_runs_to_neutral() {
    let mut run = Harness::new(pair(ResendClass::A));
    run.send(&["long.e0", "short.e0"]);
    run.fill("long.e0");
    run.doubt("short.e0");
    run.expect(Event::Stop, &["stopped"], &["query short.e0 thorough urgent"]);
    run.expect(
        run.looked("short.e0", vec![]),
        &["not found short.e0"],
        &["query short.e0 thorough urgent"],
    );
    let turn = run.fill_partly("short.e0", "0");
    assert_eq!(turn.records.last().unwrap(), "unwind started");
    run.expect(Event::Stop, &[], &["prepare long.u0"]);
    run.send(&["long.u0"]);
    assert_eq!(run.fill("long.u0").records.last().unwrap(), "ended flat");
}

#[test]
fn one_hopeless_leg_withdraws_the_others() {
    let mut spec = batch(vec![
        leg("one", Side::Buy, "0.1"),
        limit(leg("two", Side::Sell, "0.1"), "70000", TimeInForce::Gtc),
        after(leg("three", Side::Buy, "0.1"), &[1]),
    ]);
    spec.policy.leg_timeout_ms = 60_000;
    let mut run = Harness::new(spec);
    run.send(&["one.e0", "two.e0"]);
    let open = run.snapshot("two.e0", OrderState::Open, "0");
    run.placed("two.e0", open);
    let turn = run.refuse("one.e0", RefusalKind::Final);
    assert_eq!(turn.commands, ["query two.e0", "cancel two.e0"]);
    run.fill_partly("two.e0", "0");
    assert_eq!(run.audit().last().unwrap(), "ended flat", "three never went");
}

#[test]
fn what_rests_beside_an_order_that_was_given_up_is_withdrawn() {
    let mut spec = batch(vec![
        leg("one", Side::Buy, "0.1"),
        limit(leg("two", Side::Sell, "0.1"), "70000", TimeInForce::Gtc),
    ]);
    spec.policy.leg_timeout_ms = 60_000;
    let mut run = Harness::new(spec);
    run.send(&["one.e0", "two.e0"]);
    let open = run.snapshot("two.e0", OrderState::Open, "0");
    run.placed("two.e0", open);
    run.doubt("one.e0");
    let given_up = Event::Unanswerable { tag: run.tag("one.e0"), why: "revoked".to_owned() };
    run.expect(given_up, &["unresolved one.e0"], &["query two.e0", "cancel two.e0"]);
}
