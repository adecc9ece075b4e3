//! The last look before an end is written: nothing of the batch's requests can show later (V15).
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::common::*;
use equipoise_core::*;

#[test]
fn done_is_said_only_after_one_more_look_beyond_deadline_and_margin() {
    let mut run = Harness::new(pair(ResendClass::B));
    run.send(&["long.e0", "short.e0"]);
    let first = run.traded("long.e0", ended(), "0.1");
    run.expect(
        run.looked("long.e0", vec![first.clone()]),
        &["fill long.e0 t1 0.1", "observed long.e0 filled 0.1"],
        &[],
    );
    run.fill("short.e0");
    assert_eq!(run.ending(), None);
    assert_eq!(run.wake_at, Some(UnixMillis(START + 3_001)), "not before it can prove anything");
    run.at(3_001);
    run.expect(
        Event::Wake,
        &[],
        &["query long.e0 thorough urgent", "query short.e0 thorough urgent"],
    );
    // The request was executed twice; the second effect showed late (V15).
    let mut second = run.traded("long.e0", ended(), "0.1");
    second.venue_order = VenueOrderId::new("another").unwrap();
    run.expect(
        run.looked("long.e0", vec![first, second]),
        &[
            "alarm LateFill long.e0",
            "alarm Overfill long.e0",
            "fill long.e0 t3 0.1",
            "observed long.e0 filled 0.1",
            "audited long.e0",
            "unwind started",
        ],
        &["query short.e0 thorough urgent", "prepare long.u0"],
    );
}

/// Where ids are unique, a copy that the venue rejected need not have taken the id: another one may have executed.
#[test]
fn an_execution_beside_a_rejected_copy_is_found_before_the_end_on_class_a_too() {
    let mut run = Harness::new(pair(ResendClass::A));
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    let rejected = OrderState::Ended(OrderEnd::Rejected { reason: "EC_Others".to_owned() });
    let copy = run.snapshot("long.e0", rejected, "0");
    run.placed("long.e0", copy.clone());
    run.send(&["short.u0"]);
    run.fill("short.u0");
    assert_eq!(run.ending(), None, "flat as far as is known, and not looked for what is not");
    run.at(3_001);
    run.expect(Event::Wake, &[], ASK);
    let mut first = run.traded("long.e0", ended(), "0.1");
    first.venue_order = VenueOrderId::new("another").unwrap();
    run.expect(
        run.looked("long.e0", vec![copy, first]),
        &["alarm LateFill long.e0", "fill long.e0 t3 0.1", "observed long.e0 filled 0.1"],
        &["prepare long.u0"],
    );
}

/// A copy that was accepted has taken the id; one of several transmissions that executed nothing says nothing of the others.
#[test]
fn what_ended_with_nothing_executed_is_audited_on_class_a_where_it_was_sent_twice_only() {
    let cancelled = || OrderState::Ended(OrderEnd::Cancelled { reason: "no liquidity".to_owned() });
    let mut once = Harness::new(pair(ResendClass::A));
    once.send(&["long.e0", "short.e0"]);
    let ended = once.snapshot("long.e0", cancelled(), "0");
    once.placed("long.e0", ended);
    assert!(!needs_audit(&once));
    let mut twice = in_doubt(ResendClass::A);
    twice.run(twice.looked("long.e0", vec![]));
    twice.run(twice.prepared(&["long.e0"]));
    let ended = twice.snapshot("long.e0", cancelled(), "0");
    twice.placed("long.e0", ended);
    assert!(needs_audit(&twice));
    let filled = twice.traded("long.e0", super::common::ended(), "0.1");
    twice.run(twice.looked("long.e0", vec![filled]));
    assert!(!needs_audit(&twice), "a second execution would be refused");
}

fn needs_audit(run: &Harness) -> bool {
    let order = run.saga.order(run.tag("long.e0")).unwrap();
    order.needs_audit(&run.saga.spec().legs[0].traits)
}

#[test]
fn the_audit_of_an_order_that_rested_long_is_asked_for_before_it_is_given_up() {
    let mut spec = pair(ResendClass::B);
    spec.legs[0] = limit(spec.legs[0].clone(), "64000", TimeInForce::Gtc);
    spec.policy.leg_timeout_ms = 86_400_000;
    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    let open = run.snapshot("long.e0", OrderState::Open, "0");
    run.placed("long.e0", open);
    run.at(3_600_000);
    let known = run.snapshot("short.e0", ended(), "0.1");
    run.run(run.looked("short.e0", vec![known]));
    let whole = run.traded("long.e0", ended(), "0.1");
    let turn = run.placed("long.e0", whole.clone());
    assert_eq!(turn.commands, ["query long.e0 thorough urgent"]);
    run.expect(run.looked("long.e0", vec![whole]), &["audited long.e0", "ended done"], &[]);
}

#[test]
fn a_batch_whose_audit_cannot_be_read_is_parked_with_the_range_of_a_second_effect() {
    let mut run = Harness::new(pair(ResendClass::B));
    run.send(&["long.e0", "short.e0"]);
    run.fill("long.e0");
    run.fill("short.e0");
    run.at(8_001);
    run.expect(Event::Wake, &["unresolved long.e0", "unresolved short.e0", "ended parked"], &[]);
    let report = run.saga.report(run.now);
    let doubts: Vec<_> = report.in_doubt.iter().map(|doubt| doubt.quantity).collect();
    assert_eq!(doubts, [qty("0.1"), qty("0.1")]);
    assert_eq!(report.net_delta_range.unwrap()[&asset("BTC")], (amount("-0.1"), amount("0.1")));
}

#[test]
fn a_refused_request_that_was_executed_all_the_same_is_found_and_taken_back() {
    for class in [ResendClass::A, ResendClass::B, ResendClass::C] {
        let mut run = Harness::new(pair(class));
        run.send(&["long.e0", "short.e0"]);
        run.refuse("long.e0", RefusalKind::Final);
        run.fill_partly("short.e0", "0");
        assert_eq!(run.ending(), None, "its request may have been delivered twice");
        run.at(3_001);
        run.expect(Event::Wake, &[], &run_audits(class));
        let twin = run.traded("long.e0", ended(), "0.1");
        let turn = run.run(run.looked("long.e0", vec![twin]));
        assert_eq!(turn.records[0], "alarm LateFill long.e0");
        assert_eq!(turn.records.last().unwrap(), "unwind started");
        run.send(&["long.u0"]);
        run.fill("long.u0");
        run.audit();
        assert_eq!((run.ending().unwrap().0, run.net().as_str()), (Ending::Flat, "0"));
    }
}

/// Looks that are due once deadline and margin have passed: after an executed copy class A would refuse a second.
fn run_audits(class: ResendClass) -> Vec<&'static str> {
    match class {
        ResendClass::A => vec!["query long.e0 thorough urgent"],
        _ => vec!["query long.e0 thorough urgent", "query short.e0 thorough urgent"],
    }
}

#[test]
fn an_order_given_up_for_its_audit_alone_is_exact_once_that_is_made_up_for() {
    let mut run = Harness::new(pair(ResendClass::B));
    run.send(&["long.e0", "short.e0"]);
    for name in ["long.e0", "short.e0"] {
        let filled = run.traded(name, ended(), "0.1");
        run.placed(name, filled);
    }
    run.at(5_000);
    for name in ["long.e0", "short.e0"] {
        run.run(Event::Unanswerable { tag: run.tag(name), why: "maintenance".to_owned() });
    }
    assert_eq!(run.ending().unwrap().0, Ending::Parked);
    assert!(run.saga.report(run.now).net_delta_range.is_some());
    for name in ["long.e0", "short.e0"] {
        let shown = run.traded(name, ended(), "0.1");
        let shown = OrderSnapshot { fills: Vec::new(), ..shown };
        assert_eq!(run.run(run.looked(name, vec![shown])).records, [format!("audited {name}")]);
    }
    assert_eq!(run.saga.report(run.now).net_delta_range, None);
}

#[test]
fn an_audit_that_cannot_be_read_keeps_no_compensation_waiting() {
    let mut run = Harness::new(pair(ResendClass::A));
    run.send(&["long.e0", "short.e0"]);
    run.fill("long.e0");
    run.refuse("short.e0", RefusalKind::Credentials);
    run.send(&["long.u0"]);
    run.fill_partly("long.u0", "0.04");
    run.at(5_000);
    let revoked = |run: &Harness| Event::Unanswerable {
        tag: run.tag("short.e0"),
        why: "the key was revoked".to_owned(),
    };
    run.expect(revoked(&run), &[], &["query short.e0 thorough urgent", "prepare long.u1"]);
    run.send(&["long.u1"]);
    run.fill("long.u1");
    assert_eq!((run.ending(), run.net().as_str()), (None, "0"));
    run.expect(revoked(&run), &["unresolved short.e0", "ended parked"], &[]);
    assert_eq!(
        run.ending().unwrap().1,
        "the outcome of an order could not be learned: the key was revoked"
    );
    let report = run.saga.report(run.now);
    assert_eq!(report.net_delta_range.unwrap()[&asset("BTC")], (amount("-0.1"), amount("0")));
}

#[test]
fn an_audit_beyond_the_lookup_window_keeps_no_compensation_waiting() {
    let mut spec = pair(ResendClass::B);
    for leg in &mut spec.legs {
        leg.traits.lookup_window_ms = 4_000;
    }
    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    run.fill("long.e0");
    run.fill_partly("short.e0", "0");
    run.at(4_001);
    let shown = run.traded("long.e0", ended(), "0");
    let turn = run.run(run.looked("long.e0", vec![shown]));
    assert_eq!(
        (turn.records.len(), turn.commands.last().unwrap().as_str()),
        (0, "prepare long.u0")
    );
    run.send(&["long.u0"]);
    run.fill("long.u0");
    assert_eq!(run.net(), "0");
}

#[test]
fn the_audit_of_an_order_refused_by_a_ban_is_given_up_only_after_the_ban() {
    let mut run = Harness::new(pair(ResendClass::A));
    run.send(&["long.e0", "short.e0"]);
    run.refuse("long.e0", RefusalKind::RateLimited { retry_after_ms: 120_000 });
    run.fill_partly("short.e0", "0");
    run.at(124_999);
    run.expect(Event::Wake, &[], &["query long.e0 thorough urgent"]);
    run.at(125_000);
    run.expect(Event::Wake, &["unresolved long.e0", "ended parked"], &[]);
}

#[test]
fn a_restart_leaves_a_refusal_standing_and_asks_from_then_on() {
    let mut run = Harness::new(pair(ResendClass::C));
    run.send(&["long.e0", "short.e0"]);
    run.refuse("long.e0", RefusalKind::Final);
    run.refuse("short.e0", RefusalKind::Final);
    let mut again = Harness::restart(&run.records, UnixMillis(START + 3_600_000));
    let audits = ["query long.e0 thorough urgent", "query short.e0 thorough urgent"];
    again.expect(Event::Resumed, &["doubted long.e0", "doubted short.e0"], &audits);
    assert_eq!(again.audit(), ["audited long.e0", "audited short.e0", "ended flat"]);
}

#[test]
fn a_refused_order_whose_audit_was_given_up_is_not_sent_again_after_a_restart() {
    let mut spec = pair(ResendClass::A);
    spec.legs[1].traits = traits(ResendClass::B);
    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    run.refuse("long.e0", RefusalKind::Transient);
    run.later(200);
    run.send(&["long.e1"]);
    run.fill("long.e1");
    run.at(3_500);
    let tag = run.tag("long.e0");
    let turn = run.run(Event::Unanswerable { tag, why: "the key was revoked".to_owned() });
    assert_eq!(turn.records, ["unresolved long.e0"], "the other audit is still to be read");

    let mut again = Harness::restart(&run.records, UnixMillis(START + 4_000));
    let audits = ["query long.e0 thorough urgent", "query short.e0 thorough urgent"];
    let turn = again.run(Event::Resumed);
    assert_eq!(turn.commands, audits);
    // Its successor was executed: the same order once more would be a second fill.
    let turn = again.run(again.looked("long.e0", vec![]));
    assert_eq!(
        (turn.records, turn.commands),
        (vec!["audited long.e0".to_owned()], vec![audits[1].to_owned()])
    );
}

#[test]
fn what_is_left_open_is_cancelled_at_once_and_not_only_when_the_last_audit_is_in() {
    let mut spec = pair(ResendClass::B);
    spec.legs[1] = limit(spec.legs[1].clone(), "66000", TimeInForce::Gtc);
    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    let whole = run.traded("long.e0", ended(), "0.1");
    run.placed("long.e0", whole.clone());
    let open = run.snapshot("short.e0", OrderState::Open, "0");
    run.placed("short.e0", open);
    let tag = run.tag("short.e0");
    let unanswerable = Event::Unanswerable { tag, why: "the key was revoked".to_owned() };
    run.expect(unanswerable, &["unresolved short.e0"], &["cancel short.e0"]);
    assert_eq!(run.wake_at, Some(UnixMillis(START + 3_001)), "the other one's audit");
    run.at(3_001);
    run.expect(Event::Wake, &[], &["query long.e0 thorough urgent", "cancel short.e0"]);
    run.expect(
        run.looked("long.e0", vec![whole]),
        &["audited long.e0", "ended parked"],
        &["cancel short.e0"],
    );
}
