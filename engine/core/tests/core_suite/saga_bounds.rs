//! The exact moment, number or size at which something changes, and what must not blur it.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::common::*;
use equipoise_core::*;

#[test]
fn class_a_may_send_again_until_the_moment_its_leg_is_out_of_time() {
    let mut spec = pair(ResendClass::A);
    spec.policy.leg_timeout_ms = 500;
    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    run.doubt("long.e0");
    run.at(499);
    let again = [ASK[0], "prepare long.e0"];
    run.expect(run.looked("long.e0", vec![]), &["not found long.e0"], &again);
    run.at(500);
    run.expect(Event::Wake, &[], ASK);
}

#[test]
fn a_search_at_the_very_end_of_the_margin_is_not_the_first_of_the_two_that_prove_absence() {
    let mut run = in_doubt(ResendClass::A);
    let again = [ASK[0], "prepare long.e0"];
    for at in [3_000, 4_001] {
        run.at(at);
        run.expect(run.looked("long.e0", vec![]), &["not found long.e0"], &again);
    }
    run.at(5_001);
    let proven = ["not found long.e0", "absent long.e0"];
    run.expect(run.looked("long.e0", vec![]), &proven, &["prepare long.e1"]);
}

#[test]
fn the_lookup_window_includes_its_last_millisecond() {
    let mut spec = pair(ResendClass::B);
    for leg in &mut spec.legs {
        leg.traits.lookup_window_ms = 4_000;
    }
    let mut run = Harness::new(spec.clone());
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    run.doubt("long.e0");
    run.at(4_000);
    let asked = ["query long.e0 thorough urgent", "query short.e0 thorough urgent"];
    run.expect(run.looked("long.e0", vec![]), &["not found long.e0"], &asked);

    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    run.fill("long.e0");
    run.fill("short.e0");
    run.at(4_000);
    let shown = run.snapshot("long.e0", ended(), "0.1");
    run.expect(run.looked("long.e0", vec![shown]), &["audited long.e0"], &asked[1..]);
}

/// A listing that was long on its way may have been made when the venue no longer listed orders that old.
#[test]
fn a_look_that_was_over_only_after_the_lookup_window_proves_nothing() {
    let mut spec = pair(ResendClass::B);
    for leg in &mut spec.legs {
        leg.traits.lookup_window_ms = 6_000;
    }
    let mut run = Harness::new(spec.clone());
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    run.doubt("long.e0");
    run.at(3_001);
    let asked = ["query long.e0 thorough urgent", "query short.e0 thorough urgent"];
    run.expect(run.looked("long.e0", vec![]), &["not found long.e0"], &asked);
    run.at(5_000);
    let turn = run.run(run.looked_for(1_001, "long.e0", vec![]));
    assert_eq!(turn.records[0], "unresolved long.e0");

    let audited = |ms| {
        let mut run = Harness::new(spec.clone());
        run.send(&["long.e0", "short.e0"]);
        run.fill("long.e0");
        run.fill("short.e0");
        run.at(5_000);
        let shown = run.snapshot("long.e0", ended(), "0.1");
        run.run(run.looked_for(ms, "long.e0", vec![shown])).records[0].clone()
    };
    assert_eq!(audited(1_000), "audited long.e0");
    assert_eq!(audited(1_001), "unresolved long.e0");
}

#[test]
fn an_id_that_may_be_forgotten_before_a_look_is_over_is_not_proven_absent() {
    let mut spec = pair(ResendClass::A);
    for leg in &mut spec.legs {
        leg.traits.id_horizon_ms = 6_000;
    }
    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    run.doubt("long.e0");
    run.at(4_000);
    assert_eq!(run.run(run.looked_for(1_999, "long.e0", vec![])).records, ["not found long.e0"]);
    run.at(5_001);
    assert_eq!(run.run(run.looked_for(999, "long.e0", vec![])).records, [""; 0]);
    let proven = ["not found long.e0", "absent long.e0"];
    assert_eq!(run.run(run.looked_for(998, "long.e0", vec![])).records, proven);
}

#[test]
fn a_position_that_the_batch_and_what_was_there_before_explain_is_no_effect() {
    for (side, hedge) in [(Side::Buy, Side::Sell), (Side::Sell, Side::Buy)] {
        let two = class(leg("two", side, "0.1"), ResendClass::B);
        let mut spec = batch(vec![leg("one", side, "0.1"), two, leg("hedge", hedge, "0.2")]);
        spec.legs[1].venue = spec.legs[0].venue.clone();
        for leg in &mut spec.legs[..2] {
            leg.baseline = Some(amount("0.5"));
        }
        let mut run = Harness::new(spec);
        run.send(&["one.e0", "two.e0", "hedge.e0"]);
        run.fill("one.e0");
        run.fill("hedge.e0");
        run.doubt("two.e0");
        let look = |run: &Harness, traded: &str| Event::Answered {
            tag: run.tag("two.e0"),
            thorough: true,
            venue_time: VenueMillis(run.now.0.saturating_add_signed(OFFSET_MS)),
            read_until: VenueMillis(run.now.0.saturating_add_signed(OFFSET_MS)),
            orders: vec![],
            position: Some(amount("0.5") + side.signed(qty(traded))),
        };
        run.at(3_001);
        assert_eq!(run.run(look(&run, "0.2")).records, [""; 0], "its own effect would show so");
        assert_eq!(run.run(look(&run, "0.1")).records, ["not found two.e0"]);
        run.at(4_001);
        let proven = ["not found two.e0", "absent two.e0"];
        assert_eq!(run.run(look(&run, "0.1")).records, proven);
    }
}

#[test]
fn an_early_look_at_a_parked_order_says_nothing() {
    let mut run = in_doubt(ResendClass::A);
    run.run(Event::Unanswerable { tag: run.tag("long.e0"), why: "revoked".to_owned() });
    run.at(100);
    run.expect(run.looked("long.e0", vec![]), &[], &[]);
}

#[test]
fn a_retry_that_would_begin_when_the_time_is_out_is_not_waited_for() {
    let mut run = Harness::new(pair(ResendClass::A));
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    run.at(9_800);
    let turn = run.refuse("long.e0", RefusalKind::Transient);
    assert_eq!(turn.records, ["refused long.e0", "unwind started"]);
}

#[test]
fn a_leg_has_ten_entry_attempts() {
    let mut spec = pair(ResendClass::A);
    spec.policy.leg_timeout_ms = 60_000;
    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    for attempt in 0..9 {
        let turn = run.refuse(&format!("long.e{attempt}"), RefusalKind::Transient);
        assert_eq!(turn.records, [format!("refused long.e{attempt}")]);
        run.later(2_000);
        run.send(&[&format!("long.e{}", attempt + 1)]);
    }
    let turn = run.refuse("long.e9", RefusalKind::Transient);
    assert_eq!(turn.records, ["refused long.e9", "unwind started"]);
}

#[test]
fn a_follower_is_sent_from_the_smallest_order_on() {
    for (filled, next) in [("0.002", "prepare short.e0"), ("0.001", "prepare long.u0")] {
        let mut spec =
            batch(vec![leg("long", Side::Buy, "0.1"), of(leg("short", Side::Sell, "0"), 0, "1")]);
        spec.legs[1].instrument.notional_min = qty("100");
        let mut run = Harness::new(spec);
        run.send(&["long.e0"]);
        assert_eq!(run.fill_partly("long.e0", filled).commands, [next], "{filled}");
    }
}

#[test]
fn a_fee_that_came_out_of_another_asset_is_no_reason_to_take_everything_back() {
    let mut long = leg("long", Side::Buy, "1.001");
    long.instrument = spot("BTC", "0.00001");
    let mut run = Harness::new(batch(vec![long, leg("short", Side::Sell, "1")]));
    run.send(&["long.e0", "short.e0"]);
    let mut filled = run.traded("long.e0", ended(), "1.001");
    (filled.fills[0].fee, filled.fills[0].fee_asset) = (amount("0.075"), asset("BNB"));
    run.placed("long.e0", filled);
    run.fill("short.e0");
    // Expected were 0.999999 after a fee in bitcoin; what is too much is told.
    assert_eq!((run.ending().unwrap().0, run.net().as_str()), (Ending::Done, "0.001"));
}

#[test]
fn a_fee_that_was_never_due_excuses_nothing_that_is_left_unhedged() {
    let mut long = leg("long", Side::Buy, "20.02");
    long.instrument = spot("BTC", "0.001");
    let mut spec = batch(vec![long, of(leg("short", Side::Sell, "0"), 0, "1")]);
    spec.legs[1].instrument.notional_min = qty("2000");
    let mut run = Harness::new(spec);
    run.send(&["long.e0"]);
    // All of it would have paid 0.02 in fees. What filled is ten lots, and too little for the other leg.
    assert_eq!(run.fill_partly("long.e0", "0.01").commands, ["prepare long.u0"]);
}

#[test]
fn a_resting_order_is_asked_about_patiently_until_it_has_ended() {
    let mut spec = pair(ResendClass::B);
    spec.legs[0] = limit(spec.legs[0].clone(), "64000", TimeInForce::Gtc);
    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    let open = run.snapshot("long.e0", OrderState::Open, "0");
    assert_eq!(run.placed("long.e0", open).commands, ["query long.e0"]);
    let untold = run.snapshot("long.e0", ended(), "0.1");
    assert_eq!(run.placed("long.e0", untold).commands, ["query long.e0 thorough urgent"]);
}

#[test]
fn after_a_late_partial_fill_nothing_is_ordered_a_second_time() {
    let mut run = in_doubt(ResendClass::B);
    for at in [3_001, 4_001] {
        run.at(at);
        run.run(run.looked("long.e0", vec![]));
    }
    run.send(&["long.e1"]);
    // The listing does not show the second attempt yet, but the first one.
    let late = run.traded("long.e0", cancelled(), "0.04");
    let turn = run.run(run.looked("long.e1", vec![late]));
    assert_eq!(
        turn.records,
        ["alarm LateFill long.e0", "fill long.e0 t2 0.04", "observed long.e0 cancelled 0.04"]
    );
    let turn = run.refuse("long.e1", RefusalKind::Transient);
    assert_eq!(turn.records, ["refused long.e1", "unwind started"], "not the whole once more");
}

#[test]
fn an_effect_after_the_conclusion_is_an_alarm_before_its_trades_are_known() {
    let refused = || {
        let mut run = Harness::new(pair(ResendClass::A));
        run.send(&["long.e0", "short.e0"]);
        run.refuse("long.e0", RefusalKind::Final);
        run
    };
    let mut run = refused();
    let untold = run.snapshot("long.e0", ended(), "0.1");
    let turn = run.run(run.looked("long.e0", vec![untold]));
    assert_eq!(turn.records, ["alarm LateFill long.e0", "observed long.e0 filled 0.1"]);

    let mut run = refused();
    let without_effect = run.snapshot("long.e0", OrderState::Open, "0");
    let turn = run.run(run.looked("long.e0", vec![without_effect]));
    assert_eq!(turn.records, ["observed long.e0 open 0"]);
}

#[test]
fn a_restart_does_not_lengthen_the_pause_after_a_refusal() {
    let mut run = Harness::new(pair(ResendClass::A));
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    run.refuse("long.e0", RefusalKind::Transient);
    let mut again = Harness::restart(&run.records, UnixMillis(START + 200));
    again.expect(Event::Resumed, &["doubted long.e0"], &["prepare long.e1"]);
}

#[test]
fn a_refused_order_proven_absent_after_all_needs_no_further_look() {
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
    run.run(Event::Unanswerable { tag: run.tag("long.e0"), why: "revoked".to_owned() });
    run.at(4_000);
    run.run(run.looked("long.e0", vec![]));
    run.at(5_000);
    let proven = ["not found long.e0", "absent long.e0"];
    let audit = ["query short.e0 thorough urgent"];
    run.expect(run.looked("long.e0", vec![]), &proven, &audit);
}

#[test]
fn a_fill_elsewhere_says_nothing_about_a_contradicting_position() {
    let mut run = one_sided();
    let read = |run: &Harness| {
        let mut ready = run.ready("long.u0");
        ready.position = Some(amount("0.04"));
        Event::Prepared(vec![ready])
    };
    for _ in 0..2 {
        assert_eq!(run.run(read(&run)).records, ["contradicted 0.04"]);
        run.later(500);
    }
    let late = run.traded("short.e0", cancelled(), "0.04");
    run.run(run.looked("short.e0", vec![late]));
    assert_eq!(
        run.run(read(&run)).records,
        ["contradicted 0.04", "alarm Drift long.u0", "ended parked"]
    );
}

#[test]
fn a_fixed_leg_is_not_sent_after_a_partial_fill_that_another_leg_could_follow() {
    let mut run = Harness::new(batch(vec![
        leg("long", Side::Buy, "0.1"),
        of(leg("short", Side::Sell, "0"), 0, "1"),
        after(leg("fixed", Side::Sell, "0.05"), &[0]),
    ]));
    run.send(&["long.e0"]);
    let turn = run.fill_partly("long.e0", "0.04");
    assert_eq!(turn.records.last().unwrap(), "unwind started");
    assert_eq!(turn.commands, ["prepare long.u0"]);
}
