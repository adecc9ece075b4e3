//! Compensation: at what price, with which flag and under which limits (K4, K5, R10).
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::common::*;
use equipoise_core::*;

#[test]
fn the_limit_is_the_far_touch_and_the_band_priced_anew_for_each_attempt() {
    let mut run = one_sided();
    run.send(&["long.u0"]);
    run.fill_partly("long.u0", "0");
    run.later(250);
    let mut ready = run.ready("long.u1");
    ready.book = Some(book("60000.3", "60000.4"));
    let turn = run.run(Event::Prepared(vec![ready]));
    // 60000.3 less one per cent is 59400.297: rounded towards the touch.
    assert_eq!(turn.records, ["intent long.u1 sell 0.1 59400.3 ioc reduce-only"]);
}

#[test]
fn without_a_sound_book_nothing_is_priced() {
    let mut run = one_sided();
    for unsound in
        [book("65000", "65000"), book("65001", "65000"), BookTop { bid: None, ..book("1", "2") }]
    {
        let mut ready = run.ready("long.u0");
        ready.book = Some(unsound);
        run.expect(Event::Prepared(vec![ready]), &[], &["prepare long.u0"]);
    }
    let mut ready = run.ready("long.u0");
    ready.book = None;
    let step = run.saga.step(run.now, &Event::Prepared(vec![ready]));
    assert_eq!(step.wake_at, Some(run.now.plus_ms(250)));
    run.later(60_000);
    run.expect(Event::Wake, &["ended parked"], &[]);
}

#[test]
fn reduce_only_is_set_only_where_a_position_just_read_covers_the_residual() {
    let flag = |change: fn(&mut LegSpec), ready: fn(&mut Prepared)| {
        let mut spec = pair(ResendClass::A);
        change(&mut spec.legs[0]);
        let mut run = after_entries(spec, &[("long.e0", "0.1"), ("short.e0", "0")]);
        let mut prepared = run.ready("long.u0");
        ready(&mut prepared);
        run.run(Event::Prepared(vec![prepared]));
        run.request("long.u0").reduce_only
    };
    assert!(flag(|_| {}, |_| {}));
    assert!(!flag(|_| {}, |ready| ready.others_hold = true));
    assert!(!flag(|_| {}, |ready| ready.position = None));
    assert!(!flag(|leg| leg.positions = Positions::Shared, |_| {}));
    assert!(!flag(|leg| leg.reduce_only = true, |_| {}), "it closed a position");
    assert!(!flag(|leg| leg.position_mode = PositionMode::Hedge, |_| {}));
    assert!(!flag(|leg| leg.baseline = Some(amount("-0.05")), |_| {}), "part of it closed a short");
    assert!(flag(|leg| leg.baseline = Some(amount("0.5")), |_| {}));
}

#[test]
fn two_reduce_only_orders_of_one_wave_never_exceed_the_position_together() {
    let mut spec = batch(vec![
        leg("one", Side::Buy, "0.1"),
        leg("two", Side::Buy, "0.1"),
        leg("short", Side::Sell, "0.3"),
    ]);
    spec.legs[1].venue = spec.legs[0].venue.clone();
    for index in 0..2 {
        spec.legs[index].baseline = Some(amount("-0.05"));
    }
    let mut run = after_entries(spec, &[("one.e0", "0.1"), ("two.e0", "0.1"), ("short.e0", "0")]);
    let turn = run.run(run.prepared(&["two.u0", "one.u0"]));
    assert_eq!(
        turn.records,
        ["intent two.u0 sell 0.1 64350 ioc reduce-only", "intent one.u0 sell 0.1 64350 ioc",],
        "the position is 0.15"
    );
}

#[test]
fn hedge_mode_takes_back_from_the_position_the_fill_went_to() {
    let mut spec = pair(ResendClass::A);
    spec.legs[0].position_mode = PositionMode::Hedge;
    let mut run = after_entries(spec, &[("long.e0", "0.1"), ("short.e0", "0")]);
    assert_eq!(run.request("long.e0").position_side, PositionSide::Long);
    run.send(&["long.u0"]);
    let request = run.request("long.u0");
    assert_eq!(request.position_side, PositionSide::Long);
    assert_eq!(request.side, Side::Sell);
    assert!(!request.reduce_only);
}

#[test]
fn a_contradicting_position_is_read_again_and_then_parked_as_drift() {
    let mut run = one_sided();
    let contradicting = |run: &Harness| {
        let mut ready = run.ready("long.u0");
        ready.position = Some(amount("0.04"));
        Event::Prepared(vec![ready])
    };
    let event = contradicting(&run);
    run.expect(event, &["contradicted 0.04"], &[]);
    assert_eq!(run.wake_at, Some(run.now.plus_ms(500)));
    // An answer that comes before the pause is over is not even looked at.
    let event = contradicting(&run);
    run.expect(event, &[], &[]);
    run.later(500);
    run.expect(Event::Wake, &[], &["prepare long.u0"]);
    let event = contradicting(&run);
    run.expect(event, &["contradicted 0.04"], &[]);
    run.later(500);
    let event = contradicting(&run);
    run.expect(event, &["contradicted 0.04", "alarm Drift long.u0", "ended parked"], &[]);
}

#[test]
fn a_position_that_a_second_execution_would_explain_is_looked_into_before_it_counts_as_drift() {
    let mut run = after_entries(pair(ResendClass::B), &[("long.e0", "0.1"), ("short.e0", "0")]);
    let look = "query long.e0 thorough urgent";
    for reading in 1..=4 {
        let mut ready = run.ready("long.u0");
        ready.position = Some(amount("0.2"));
        let told: &[&str] = if reading <= 3 { &["contradicted 0.2"] } else { &[] };
        assert_eq!(run.run(Event::Prepared(vec![ready])).records, told, "reading {reading}");
        run.later(500);
    }
    assert_eq!(run.wake().commands, [look, "prepare long.u0"]);
    let mut second = run.traded("long.e0", ended(), "0.1");
    second.venue_order = VenueOrderId::new("another").unwrap();
    let turn = run.run(run.looked("long.e0", vec![second]));
    assert!(turn.records.contains(&"alarm Overfill long.e0".to_owned()), "{turn:?}");
    assert_eq!(run.net(), "0.2");
    run.send(&["long.u0"]);
    assert_eq!(run.request("long.u0").quantity, qty("0.2"));
}

#[test]
fn contradictions_are_counted_anew_once_the_batch_itself_has_executed_more() {
    let mut run = after_entries(pair(ResendClass::B), &[("long.e0", "0.1"), ("short.e0", "0")]);
    let read = |run: &Harness| {
        let mut ready = run.ready("long.u0");
        ready.position = Some(amount("0.15"));
        Event::Prepared(vec![ready])
    };
    for _ in 0..3 {
        assert_eq!(run.run(read(&run)).records, ["contradicted 0.15"]);
        run.later(500);
    }
    run.at(3_001);
    run.run(run.looked("short.e0", vec![run.snapshot("short.e0", cancelled(), "0")]));
    let mut second = run.traded("long.e0", ended(), "0.1");
    second.venue_order = VenueOrderId::new("another").unwrap();
    run.run(run.looked("long.e0", vec![second]));
    assert_eq!(run.net(), "0.2");
    // The position may lag behind a trade that was just learned: that is no drift yet.
    assert_eq!(run.run(read(&run)).records, ["contradicted 0.15"]);
    run.later(500);
    run.send(&["long.u0"]);
}

#[test]
fn a_position_that_agrees_again_was_a_stale_reading() {
    let mut run = one_sided();
    for attempt in 0..3 {
        for _ in 0..2 {
            let mut ready = run.ready(&format!("long.u{attempt}"));
            ready.position = Some(amount("0.04"));
            let turn = run.run(Event::Prepared(vec![ready]));
            assert_eq!(turn.records, ["contradicted 0.04"]);
            run.later(500);
        }
        run.send(&[&format!("long.u{attempt}")]);
        run.fill_partly(&format!("long.u{attempt}"), "0.01");
    }
    assert_eq!(run.ending(), None);
}

#[test]
fn a_reduce_only_refusal_never_proves_flat() {
    let mut run = one_sided();
    run.send(&["long.u0"]);
    let turn = run.refuse("long.u0", RefusalKind::ReduceOnly);
    assert_eq!(turn.records, ["refused long.u0"]);
    run.later(250);
    run.expect(Event::Wake, &[], &["prepare long.u1"]);
    // The position is read again; this time it does not cover the residual and others trade there.
    let mut ready = run.ready("long.u1");
    ready.others_hold = true;
    let turn = run.run(Event::Prepared(vec![ready]));
    assert_eq!(turn.records, ["intent long.u1 sell 0.1 64350 ioc"]);
}

#[test]
fn attempts_are_limited() {
    let mut run = one_sided();
    for attempt in 0..5 {
        run.later(5_000);
        run.send(&[&format!("long.u{attempt}")]);
        run.fill_partly(&format!("long.u{attempt}"), "0");
    }
    assert_eq!(
        run.ending(),
        Some((Ending::Parked, "leg long is not flat after 5 unwind orders".to_owned()))
    );
    assert_eq!(run.net(), "0.1", "parked with its exact exposure");
}

#[test]
fn an_announced_wait_costs_no_attempt_but_counts_against_the_time() {
    let mut spec = pair(ResendClass::A);
    spec.policy.unwind_attempts = 1;
    let mut run = after_entries(spec, &[("long.e0", "0.1"), ("short.e0", "0")]);
    for attempt in 0..2 {
        run.send(&[&format!("long.u{attempt}")]);
        let wait = RefusalKind::RateLimited { retry_after_ms: 20_000 };
        run.refuse(&format!("long.u{attempt}"), wait);
        assert_eq!(run.ending(), None);
        run.later(20_000);
        let audited = run.run(run.looked(&format!("long.u{attempt}"), vec![]));
        assert_eq!(audited.records, [format!("audited long.u{attempt}")]);
    }
    run.send(&["long.u2"]);
    run.refuse("long.u2", RefusalKind::RateLimited { retry_after_ms: 20_000 });
    run.at(60_000);
    run.expect(Event::Wake, &[], &["query long.u2 thorough urgent"]);
    assert_eq!(run.audit().last().unwrap(), "ended parked", "the time ends before the ban does");
    assert_eq!(run.ending().unwrap().1, "not flat after 60000 ms of unwinding");
}

#[test]
fn fruitless_orders_are_repeated_after_growing_pauses() {
    let mut run = one_sided();
    for (attempt, pause) in [250, 500, 1_000, 2_000].into_iter().enumerate() {
        let name = format!("long.u{attempt}");
        run.send(&[&name]);
        run.fill_partly(&name, "0");
        assert_eq!(run.wake_at, Some(run.now.plus_ms(pause)));
        run.later(pause);
    }
}

#[test]
fn refused_credentials_end_compensation_at_once() {
    let mut run = one_sided();
    run.send(&["long.u0"]);
    let turn = run.refuse("long.u0", RefusalKind::Credentials);
    assert_eq!((turn.records.len(), turn.commands.len()), (1, 0), "no further order");
    assert_eq!(run.audit(), ["audited long.u0", "ended parked"]);
    assert_eq!(run.ending().unwrap().1, "venue at-long refuses the credentials");
}

#[test]
fn a_loss_beyond_the_limit_is_not_realised() {
    let lossy = |limit: &str, bid: &str, ask: &str| {
        let mut spec = pair(ResendClass::A);
        spec.policy.unwind_loss_max = Some(qty(limit));
        let mut run = after_entries(spec, &[("long.e0", "0.1"), ("short.e0", "0")]);
        let mut ready = run.ready("long.u0");
        ready.book = Some(book(bid, ask));
        run.run(Event::Prepared(vec![ready]));
        run.ending()
    };
    // Bought at 65000 with a fee of 0.01, sold at 64350 at once: 65.01.
    assert_eq!(lossy("65.01", "64350", "64350.1"), None);
    assert_eq!(
        lossy("65", "64350", "64350.1"),
        Some((Ending::Parked, "unwinding could lose 65.01 USDT, allowed are 65 USDT".to_owned()))
    );
}

#[test]
fn the_band_is_narrowed_to_what_may_be_lost() {
    let limit = |allowed: &str| {
        let mut spec = pair(ResendClass::A);
        spec.policy.unwind_loss_max = Some(qty(allowed));
        let mut run = after_entries(spec, &[("long.e0", "0.1"), ("short.e0", "0")]);
        intents(&mut run, &["long.u0"])
    };
    // A tenth, bought at 65000 with a fee of 0.01: each hundred of the limit is ten of loss.
    assert_eq!(limit("65.01"), ["intent long.u0 sell 0.1 64350 ioc reduce-only"]);
    assert_eq!(limit("65"), ["intent long.u0 sell 0.1 64675 ioc reduce-only"]);
    assert_eq!(limit("1"), ["intent long.u0 sell 0.1 64993.5 ioc reduce-only"]);
    assert_eq!(limit("0.5"), ["intent long.u0 sell 0.1 64999.9 ioc reduce-only"]);
}

#[test]
fn compensation_that_a_start_finds_begun_has_its_whole_time_again() {
    let run = after_entries(pair(ResendClass::A), &[("long.e0", "0.1"), ("short.e0", "0")]);
    let mut run = Harness::restart(&run.records, run.now.plus_ms(90_000));
    let turn = run.run(Event::Resumed);
    assert_eq!(
        (turn.records, turn.commands),
        (vec!["unwind started".to_owned()], vec!["prepare long.u0".to_owned()])
    );
    run.later(59_999);
    assert_eq!((run.wake().records.len(), run.ending()), (0, None));
    run.later(1);
    run.wake();
    assert_eq!(run.ending().unwrap().0, Ending::Parked);
}

#[test]
fn a_doubtful_unwind_order_holds_everything_back_and_is_resolved_like_any_other() {
    let mut run = after_entries(pair(ResendClass::B), &[("long.e0", "0.1"), ("short.e0", "0")]);
    run.send(&["long.u0"]);
    let turn = run.doubt("long.u0");
    assert_eq!(turn.commands, ["query long.u0 thorough urgent"]);
    run.at(3_001);
    run.run(run.looked("long.u0", vec![]));
    run.at(4_001);
    let audits = ["query long.e0 thorough urgent", "query short.e0 thorough urgent"];
    run.expect(run.looked("long.u0", vec![]), &["not found long.u0", "absent long.u0"], &audits);
    run.later(250);
    run.expect(Event::Wake, &[], &[audits[0], audits[1], "prepare long.u1"]);
    run.send(&["long.u1"]);
    run.fill("long.u1");
    assert_eq!(run.audit().last().unwrap(), "ended flat");
}

#[test]
fn an_unwind_order_that_stays_open_is_cancelled() {
    let mut run = one_sided();
    run.send(&["long.u0"]);
    let open = run.snapshot("long.u0", OrderState::Open, "0");
    run.placed("long.u0", open);
    assert_eq!(run.wake_at, Some(run.now.plus_ms(5_000)));
    run.later(5_000);
    run.expect(Event::Wake, &[], &["query long.u0 urgent", "cancel long.u0"]);
}

#[test]
fn an_entry_that_fills_late_during_compensation_is_taken_in() {
    let mut run = one_sided();
    run.send(&["long.u0"]);
    let late = run.traded("short.e0", cancelled(), "0.04");
    let turn = run.run(run.looked("short.e0", vec![late]));
    assert_eq!(turn.records[0], "alarm LateFill short.e0");
    let turn = run.fill_partly("long.u0", "0.06");
    assert_eq!(turn.commands, ["prepare short.u0 long.u1"]);
}
