//! Unknown outcomes: what is asked, what proves what, and what is never concluded (K1, R4, R6).
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::common::*;
use equipoise_core::*;

#[test]
fn found_is_believed_at_any_moment() {
    let mut run = in_doubt(ResendClass::A);
    assert_eq!(run.fill("long.e0").records.last().unwrap(), "ended done");
}

#[test]
fn a_slow_answer_is_no_reason_to_wait_for_it_before_asking() {
    let mut run = Harness::new(pair(ResendClass::B));
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    run.later(499);
    assert_eq!(run.wake().commands, [""; 0]);
    run.later(1);
    assert_eq!(run.wake().commands, ["query long.e0 urgent"]);
    // Not found means nothing yet, found settles it, and the answer that comes after all changes nothing.
    run.expect(run.looked("long.e0", vec![]), &[], &["query long.e0 urgent"]);
    assert_eq!(run.fill("long.e0").records, ["fill long.e0 t2 0.1", "observed long.e0 filled 0.1"]);
    assert_eq!(run.doubt("long.e0").records, [""; 0]);
}

#[test]
fn class_a_may_send_the_same_id_again_after_one_look_that_found_nothing() {
    let mut run = in_doubt(ResendClass::A);
    let first = run.request("long.e0");
    run.later(100);
    run.expect(
        run.looked("long.e0", vec![]),
        &["not found long.e0"],
        &["query long.e0 thorough urgent", "prepare long.e0"],
    );
    run.later(10);
    run.expect(run.prepared(&["long.e0"]), &["transmission long.e0"], &["send long.e0"]);
    let again = run.request("long.e0");
    assert_eq!(again.deadline, first.deadline.plus_ms(110));
    assert_eq!(
        OrderRequest { deadline: first.deadline, ..again },
        first,
        "the same content but for stamp and deadline"
    );
    // Refused or not sent: the first transmission may still have had its effect (R6).
    let turn = run.refuse("long.e0", RefusalKind::Final);
    assert_eq!(turn.records, ["doubted long.e0"]);
    assert_eq!(turn.commands, ASK, "a new look before the next transmission");
}

#[test]
fn transmissions_are_bounded_and_absence_is_proven_after_the_last_one() {
    let mut run = in_doubt(ResendClass::A);
    for _ in 0..4 {
        run.later(100);
        let turn = run.run(run.looked("long.e0", vec![]));
        assert_eq!(turn.records, ["not found long.e0"]);
        run.run(run.prepared(&["long.e0"]));
        run.doubt("long.e0");
    }
    run.later(100);
    run.expect(run.looked("long.e0", vec![]), &["not found long.e0"], ASK);
    run.expect(run.looked("long.e0", vec![]), &[], ASK);
    // The last deadline counts: 400 + 2000 + margin 1000, venue time is engine time plus the offset on both sides.
    run.at(3_401);
    run.expect(run.looked("long.e0", vec![]), &["not found long.e0"], ASK);
    run.at(4_401);
    run.expect(
        run.looked("long.e0", vec![]),
        &["not found long.e0", "absent long.e0"],
        &["prepare long.e1"],
    );
}

#[test]
fn class_a_sends_nothing_again_once_stopped_or_out_of_time() {
    let mut run = in_doubt(ResendClass::A);
    run.later(100);
    run.run(run.looked("long.e0", vec![]));
    run.expect(Event::Stop, &["stopped"], ASK);
    run.expect(run.prepared(&["long.e0"]), &[], ASK);

    let mut spec = pair(ResendClass::A);
    spec.policy.leg_timeout_ms = 500;
    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    run.doubt("long.e0");
    run.fill("short.e0");
    run.later(600);
    run.expect(run.looked("long.e0", vec![]), &["not found long.e0"], ASK);
}

#[test]
fn class_a_is_class_c_once_the_venue_may_have_forgotten_the_id() {
    let mut spec = pair(ResendClass::A);
    spec.legs[0].traits.id_horizon_ms = 3_000;
    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    run.doubt("long.e0");
    run.at(3_001);
    run.expect(run.looked("long.e0", vec![]), &[], ASK);
    run.at(4_500);
    run.expect(run.looked("long.e0", vec![]), &[], ASK);
    run.at(8_001);
    run.expect(Event::Wake, &["unresolved long.e0", "ended parked"], &[]);
}

#[test]
fn a_transmission_that_only_the_newest_clock_forbids_is_not_prepared_in_a_circle() {
    let mut spec = pair(ResendClass::A);
    spec.legs[0].traits.id_horizon_ms = 3_000;
    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    run.doubt("long.e0");
    let turn = run.run(run.looked("long.e0", vec![]));
    assert_eq!(turn.commands, [ASK[0], "prepare long.e0"]);
    let mut ahead = run.ready("long.e0");
    ahead.clock.offset_ms += 3_000;
    let step = run.saga.step(run.now, &Event::Prepared(vec![ahead]));
    assert_eq!((step.records.len(), step.commands.len()), (0, 0));
    assert_eq!(step.wake_at, Some(run.now.plus_ms(1_000)));
}

#[test]
fn absence_needs_two_complete_rounds_a_second_apart_beyond_deadline_and_margin() {
    let mut run = in_doubt(ResendClass::B);
    // Deadline and margin end 3000 ms after the stamp, exclusively.
    for at in [10, 1_000, 2_999, 3_000] {
        run.at(at);
        run.expect(run.looked("long.e0", vec![]), &[], ASK);
    }
    run.at(3_001);
    run.expect(run.looked("long.e0", vec![]), &["not found long.e0"], ASK);
    run.at(4_000);
    run.expect(run.looked("long.e0", vec![]), &[], ASK);
    run.at(4_001);
    run.expect(
        run.looked("long.e0", vec![]),
        &["not found long.e0", "absent long.e0"],
        &["prepare long.e1"],
    );
    run.send(&["long.e1"]);
    assert_ne!(run.request("long.e0").client_id, run.request("long.e1").client_id);
    run.fill("long.e1");
    assert_eq!(run.audit().last().unwrap(), "ended done");
}

#[test]
fn a_second_round_that_began_before_the_first_was_a_second_old_proves_nothing() {
    let mut run = in_doubt(ResendClass::B);
    run.at(3_001);
    run.run(run.looked("long.e0", vec![]));
    let begun_early = {
        run.at(3_500);
        run.looked("long.e0", vec![])
    };
    run.at(5_000);
    run.expect(begun_early, &[], ASK);
}

#[test]
fn a_shallow_look_that_finds_nothing_proves_nothing() {
    let mut run = in_doubt(ResendClass::B);
    for at in [3_500, 5_000] {
        run.at(at);
        let event = Event::Answered {
            tag: run.tag("long.e0"),
            thorough: false,
            venue_time: VenueMillis(START + at + 250),
            read_until: VenueMillis(START + at + 250),
            orders: vec![],
            position: None,
        };
        run.expect(event, &[], ASK);
    }
}

#[test]
fn what_proves_absence_is_the_venues_clock_and_not_the_engines() {
    let mut run = in_doubt(ResendClass::B);
    run.at(7_000);
    let event = Event::Answered {
        tag: run.tag("long.e0"),
        thorough: true,
        venue_time: VenueMillis(START + 250 + 3_000),
        read_until: VenueMillis(START + 250 + 3_000),
        orders: vec![],
        position: None,
    };
    run.expect(event, &[], ASK);
}

#[test]
fn a_position_that_the_order_would_explain_keeps_it_in_doubt() {
    let mut run = in_doubt(ResendClass::B);
    for at in [3_500, 5_000, 6_500] {
        run.at(at);
        let Event::Answered { tag, venue_time, .. } = run.looked("long.e0", vec![]) else {
            unreachable!()
        };
        let event = Event::Answered {
            tag,
            venue_time,
            read_until: venue_time,
            thorough: true,
            orders: vec![],
            position: Some(amount("0.1")),
        };
        run.expect(event, &[], ASK);
    }
    run.at(8_001);
    run.expect(Event::Wake, &["unresolved long.e0", "ended parked"], &[]);
}

#[test]
fn outside_the_lookup_window_nothing_is_concluded() {
    let mut spec = pair(ResendClass::B);
    spec.legs[1].traits = traits(ResendClass::A);
    spec.legs[0].traits.lookup_window_ms = 3_500;
    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    run.doubt("long.e0");
    run.at(3_400);
    run.expect(run.looked("long.e0", vec![]), &["not found long.e0"], ASK);
    run.at(4_500);
    run.expect(run.looked("long.e0", vec![]), &["unresolved long.e0", "ended parked"], &[]);
}

#[test]
fn class_c_is_found_or_parked_with_its_exact_range() {
    let mut run = in_doubt(ResendClass::C);
    for at in [100, 4_000, 6_000] {
        run.at(at);
        run.expect(run.looked("long.e0", vec![]), &[], ASK);
    }
    run.at(8_001);
    run.expect(Event::Wake, &["unresolved long.e0", "ended parked"], &[]);
    let report = run.saga.report(run.now);
    assert_eq!(report.status, BatchStatus::Parked);
    assert_eq!(report.net_delta[&asset("BTC")], amount("-0.1"));
    let range = report.net_delta_range.unwrap();
    assert_eq!(range[&asset("BTC")], (amount("-0.1"), amount("0")));
    assert_eq!(report.in_doubt.len(), 1);
    assert_eq!(report.in_doubt[0].leg.as_str(), "long");
    assert_eq!(report.in_doubt[0].quantity, qty("0.1"));
    assert_eq!(report.in_doubt[0].side, Side::Buy);
    let statuses: Vec<_> = report.legs.iter().map(|leg| leg.status).collect();
    assert_eq!(statuses, [LegStatus::InDoubt, LegStatus::Parked]);
}

#[test]
fn a_venue_that_will_not_answer_parks_instead_of_deciding() {
    let mut run = in_doubt(ResendClass::B);
    let event =
        Event::Unanswerable { tag: run.tag("long.e0"), why: "credentials revoked".to_owned() };
    run.expect(event, &["unresolved long.e0", "ended parked"], &[]);
}

#[test]
fn a_parked_batch_takes_later_evidence_into_its_report_and_sends_nothing() {
    let mut run = in_doubt(ResendClass::B);
    run.run(Event::Unanswerable { tag: run.tag("long.e0"), why: "credentials revoked".to_owned() });
    let mut absent = Harness::restart(&run.records, run.now);
    absent.at(10_000);
    absent.expect(Event::Resumed, &[], &[]);
    absent.expect(absent.looked("long.e0", vec![]), &["not found long.e0"], &[]);
    absent.at(11_000);
    absent.expect(absent.looked("long.e0", vec![]), &["not found long.e0", "absent long.e0"], &[]);
    assert_eq!(absent.saga.report(absent.now).net_delta_range, None);
    assert_eq!(absent.saga.status(), BatchStatus::Parked);

    let turn = run.fill("long.e0");
    assert_eq!(turn.records, ["fill long.e0 t2 0.1", "observed long.e0 filled 0.1"]);
    assert!(turn.commands.is_empty());
    assert_eq!(run.net(), "0");
    assert_eq!(run.saga.status(), BatchStatus::Parked);
}

#[test]
fn no_wave_and_no_compensation_while_any_leg_is_in_doubt() {
    let mut spec = batch(vec![
        class(leg("one", Side::Buy, "0.1"), ResendClass::B),
        class(leg("two", Side::Sell, "0.1"), ResendClass::B),
        leg("three", Side::Buy, "0.1"),
    ]);
    spec.legs[2].after = vec![1];
    let mut run = Harness::new(spec);
    run.send(&["one.e0", "two.e0"]);
    run.doubt("one.e0");
    let turn = run.fill("two.e0");
    assert_eq!(turn.commands, ["query one.e0 thorough urgent"], "three could go but for the doubt");
    run.expect(run.prepared(&["three.e0"]), &[], &["query one.e0 thorough urgent"]);
    let turn = run.fill("one.e0");
    assert_eq!(turn.commands, ["prepare three.e0"]);

    let mut run = in_doubt(ResendClass::B);
    run.expect(Event::Stop, &["stopped"], ASK);
    run.expect(run.prepared(&["short.u0"]), &[], ASK);
}
