//! From admission to the end of every entry: releases, refusals, retries and timeouts.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::common::*;
use equipoise_core::*;

#[test]
fn two_legs_are_released_as_one_wave_and_end_done() {
    let mut run = Harness::new(pair(ResendClass::A));
    run.expect(Event::Wake, &[], &["prepare long.e0 short.e0"]);
    assert_eq!(run.wake_at, Some(UnixMillis(START + 10_000)));
    run.later(3);
    run.expect(
        run.prepared(&["long.e0", "short.e0"]),
        &["intent long.e0 buy 0.1 market", "intent short.e0 sell 0.1 market"],
        &["send long.e0 short.e0"],
    );
    let request = run.request("long.e0");
    assert_eq!(
        request.deadline,
        VenueMillis(START + 3 + 250 + 2_000),
        "venue time now plus window"
    );
    assert_eq!(request.stamp(), VenueMillis(START + 3 + 250));
    run.expect(Event::Handed(run.tag("long.e0")), &["sent long.e0"], &[]);
    run.expect(Event::Handed(run.tag("short.e0")), &["sent short.e0"], &[]);

    // Acknowledged with nothing more than that, as Bybit does.
    let event = Event::Placed {
        tag: run.tag("long.e0"),
        snapshot: run.snapshot("long.e0", OrderState::Open, "0"),
    };
    run.expect(event, &["observed long.e0 open 0"], &["query long.e0 urgent"]);
    let found = run.traded("long.e0", ended(), "0.1");
    run.expect(
        run.looked("long.e0", vec![found]),
        &["fill long.e0 t1 0.1", "observed long.e0 filled 0.1"],
        &[],
    );
    let event = Event::Placed {
        tag: run.tag("short.e0"),
        snapshot: run.traded("short.e0", ended(), "0.1"),
    };
    run.expect(event, &["fill short.e0 t2 0.1", "observed short.e0 filled 0.1", "ended done"], &[]);
    assert_eq!(run.net(), "0");
    run.expect(Event::Wake, &[], &[]);
    assert_eq!(run.wake_at, None, "an ended batch wants nothing");
}

#[test]
fn on_class_b_a_final_reply_still_needs_its_trades_and_a_late_complete_look() {
    let mut run = Harness::new(pair(ResendClass::B));
    run.send(&["long.e0", "short.e0"]);
    let event = Event::Placed {
        tag: run.tag("long.e0"),
        snapshot: run.snapshot("long.e0", ended(), "0.1"),
    };
    run.expect(event, &["observed long.e0 filled 0.1"], &["query long.e0 thorough urgent"]);
    let found = run.traded("long.e0", ended(), "0.1");
    let shallow = Event::Answered {
        tag: run.tag("long.e0"),
        thorough: false,
        venue_time: VenueMillis(0),
        read_until: VenueMillis(0),
        orders: vec![found.clone()],
        position: None,
    };
    run.expect(shallow, &["fill long.e0 t1 0.1"], &[]);
    let turn = run.fill("short.e0");
    assert_eq!(turn.commands, [""; 0]);
    run.at(3_001);
    run.expect(
        Event::Wake,
        &[],
        &["query long.e0 thorough urgent", "query short.e0 thorough urgent"],
    );
    run.expect(
        run.looked("long.e0", vec![found]),
        &["audited long.e0"],
        &["query short.e0 thorough urgent"],
    );
    assert_eq!(run.audit(), ["audited short.e0", "ended done"]);
}

#[test]
fn a_final_refusal_of_one_leg_unwinds_the_other() {
    let mut run = Harness::new(pair(ResendClass::A));
    run.send(&["long.e0", "short.e0"]);
    run.fill("long.e0");
    let turn = run.refuse("short.e0", RefusalKind::Final);
    assert_eq!(turn.records, ["refused short.e0", "unwind started"]);
    assert_eq!(turn.commands, ["prepare long.u0"]);
    run.expect(
        run.prepared(&["long.u0"]),
        &["intent long.u0 sell 0.1 64350 ioc reduce-only"],
        &["send long.u0"],
    );
    run.fill("long.u0");
    assert_eq!(run.audit(), ["audited short.e0", "ended flat"]);
    assert_eq!(run.net(), "0");
}

#[test]
fn refusals_of_every_leg_end_flat_with_nothing_executed() {
    let mut run = Harness::new(pair(ResendClass::A));
    run.send(&["long.e0", "short.e0"]);
    run.refuse("long.e0", RefusalKind::Credentials);
    run.refuse("short.e0", RefusalKind::Final);
    run.audit();
    assert_eq!(run.ending(), Some((Ending::Flat, "nothing was executed".to_owned())));
}

#[test]
fn a_passing_refusal_becomes_another_attempt_after_a_growing_pause_inside_the_timeout() {
    let mut run = Harness::new(pair(ResendClass::A));
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    let turn = run.refuse("long.e0", RefusalKind::Transient);
    assert_eq!((turn.records.len(), turn.commands.len()), (1, 0));
    assert_eq!(run.wake_at, Some(run.now.plus_ms(200)));
    run.later(200);
    run.expect(Event::Wake, &[], &["prepare long.e1"]);
    run.send(&["long.e1"]);
    run.refuse("long.e1", RefusalKind::Transient);
    assert_eq!(run.wake_at, Some(run.now.plus_ms(400)));
    run.at(9_900);
    run.send(&["long.e2"]);
    let turn = run.refuse("long.e2", RefusalKind::Transient);
    assert_eq!(
        turn.records,
        ["refused long.e2", "unwind started"],
        "the next pause would end after the timeout"
    );
}

#[test]
fn an_announced_wait_is_waited_out_when_it_ends_inside_the_timeout() {
    let mut run = Harness::new(pair(ResendClass::A));
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    let wait = RefusalKind::RateLimited { retry_after_ms: 3_000 };
    run.refuse("long.e0", wait);
    assert_eq!(run.wake_at, Some(run.now.plus_ms(3_000)));
    run.later(2_999);
    run.expect(Event::Wake, &[], &[]);
    run.later(1);
    run.expect(Event::Wake, &[], &["prepare long.e1"]);

    let ban = RefusalKind::RateLimited { retry_after_ms: 120_000 };
    run.send(&["long.e1"]);
    let turn = run.refuse("long.e1", ban);
    assert_eq!(turn.records, ["refused long.e1", "unwind started"]);
}

#[test]
fn an_order_that_never_left_is_replaced_at_once_three_times_at_most() {
    let mut run = Harness::new(pair(ResendClass::B));
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    for attempt in 0..3 {
        let name = format!("long.e{attempt}");
        let event = Event::NotSent { tag: run.tag(&name), why: "connection refused".to_owned() };
        let turn = run.run(event);
        assert_eq!(turn.records, [format!("unsent {name}")]);
        let next = format!("long.e{}", attempt + 1);
        assert_eq!(turn.commands, [format!("prepare {next}")]);
        run.send(&[&next]);
    }
    let event = Event::NotSent { tag: run.tag("long.e3"), why: "connection refused".to_owned() };
    let turn = run.run(event);
    assert_eq!(turn.records, ["unsent long.e3", "unwind started"]);
}

#[test]
fn a_wave_none_of_which_was_sent_is_replaced_as_a_whole() {
    let mut run = Harness::new(pair(ResendClass::B));
    run.send(&["long.e0", "short.e0"]);
    for (name, commands) in
        [("long.e0", &["prepare long.e1"][..]), ("short.e0", &["prepare long.e1 short.e1"][..])]
    {
        let event = Event::NotSent { tag: run.tag(name), why: "too late".to_owned() };
        run.expect(event, &[&format!("unsent {name}")], commands);
    }
    // An answer for half of the wave is void.
    run.expect(run.prepared(&["long.e1"]), &[], &["prepare long.e1 short.e1"]);
    run.send(&["long.e1", "short.e1"]);
}

#[test]
fn a_resting_order_is_cancelled_at_its_timeout_and_its_rest_is_residual() {
    let mut spec = pair(ResendClass::A);
    spec.legs[0] = limit(spec.legs[0].clone(), "64000", TimeInForce::Gtc);
    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    let open = run.traded("long.e0", OrderState::Open, "0.03");
    let turn = run.placed("long.e0", open.clone());
    assert_eq!(turn.commands, ["query long.e0"], "patiently");
    assert_eq!(run.wake_at, Some(UnixMillis(START + 10_000)));
    run.at(10_000);
    run.expect(Event::Wake, &[], &["query long.e0", "cancel long.e0"]);
    // A fill after the cancel was acknowledged counts like any other (V8).
    let mut last = run.snapshot("long.e0", cancelled(), "0.05");
    last.fills = open.fills;
    last.fills.push(run.trade("0.02", "64000"));
    let turn = run.run(run.looked("long.e0", vec![last]));
    assert_eq!(
        turn.records,
        ["fill long.e0 t3 0.02", "observed long.e0 cancelled 0.05", "unwind started",]
    );
    assert_eq!(turn.commands, ["prepare short.u0"], "the excess first (K3)");
    run.expect(
        run.prepared(&["short.u0"]),
        &["intent short.u0 buy 0.05 65650.1 ioc reduce-only"],
        &["send short.u0"],
    );
}

#[test]
fn the_timeout_does_not_decide_a_leg_in_doubt() {
    let mut spec = pair(ResendClass::B);
    spec.policy.leg_timeout_ms = 1_000;
    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    run.doubt("long.e0");
    run.at(2_500);
    run.expect(Event::Wake, &[], &["query long.e0 thorough urgent"]);
    run.fill("long.e0");
    assert_eq!(run.audit().last().unwrap(), "ended done");
}

#[test]
fn a_leg_that_cannot_even_be_prepared_is_given_up_after_its_timeout() {
    let mut run = Harness::new(pair(ResendClass::A));
    run.expect(Event::Wake, &[], &["prepare long.e0 short.e0"]);
    assert_eq!(run.wake_at, Some(UnixMillis(START + 10_000)));
    run.at(10_000);
    run.expect(Event::Wake, &["ended flat"], &[]);
    run.expect(run.prepared(&["long.e0", "short.e0"]), &[], &[]);
}

#[test]
fn an_order_the_venue_rejected_after_acknowledging_is_not_repeated() {
    let mut run = Harness::new(pair(ResendClass::A));
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    let rejected = OrderState::Ended(OrderEnd::Rejected { reason: "EC_SelfMatch".to_owned() });
    let snapshot = run.snapshot("long.e0", rejected, "0");
    let turn = run.placed("long.e0", snapshot);
    assert_eq!(turn.records, ["observed long.e0 rejected 0", "unwind started"]);
}

#[test]
fn the_first_verdict_of_an_attempt_stands() {
    let mut run = Harness::new(pair(ResendClass::A));
    run.send(&["long.e0", "short.e0"]);
    run.fill("long.e0");
    let tag = run.tag("long.e0");
    run.expect(Event::Doubtful { tag, why: "reset".to_owned() }, &[], &[]);
    let turn = run.refuse("long.e0", RefusalKind::Final);
    assert!(turn.records.is_empty(), "a filled order was not refused");
    run.expect(Event::NotSent { tag, why: "reset".to_owned() }, &[], &[]);
}

#[test]
fn a_leg_that_executed_twice_leaves_no_hope_for_the_plan() {
    let short = limit(leg("short", Side::Sell, "0.1"), "66000", TimeInForce::Gtc);
    let mut spec = batch(vec![leg("long", Side::Buy, "0.1"), short]);
    spec.policy.leg_timeout_ms = 3_600_000;
    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    let open = run.snapshot("short.e0", OrderState::Open, "0");
    run.placed("short.e0", open);
    run.fill("long.e0");
    let mut second = run.snapshot("long.e0", ended(), "0.1");
    second.venue_order = VenueOrderId::new("second").unwrap();
    second.fills.push(run.trade("0.1", "65000"));
    let turn = run.run(run.looked("long.e0", vec![second]));
    assert!(turn.commands.contains(&"cancel short.e0".to_owned()), "{turn:?}");
}

#[test]
fn events_about_orders_that_do_not_exist_are_ignored() {
    let mut run = Harness::new(pair(ResendClass::A));
    let tag = OrderTag { leg: 9, role: Role::Unwind, attempt: 3 };
    run.run(Event::Handed(tag));
    run.run(Event::Unanswerable { tag, why: String::new() });
    run.run(Event::Answered {
        tag,
        thorough: true,
        venue_time: VenueMillis(0),
        read_until: VenueMillis(0),
        orders: vec![],
        position: None,
    });
    assert_eq!(run.records.len(), 1);
}

#[test]
fn a_leg_that_may_only_reduce_is_ordered_so() {
    let mut spec = pair(ResendClass::A);
    spec.legs[0].reduce_only = true;
    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    assert_eq!(["long.e0", "short.e0"].map(|name| run.request(name).reduce_only), [true, false]);
}
