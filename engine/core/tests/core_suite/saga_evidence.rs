//! What a venue shows, late, twice, stale or in pieces, and what is made of it (R8, R11, V4, V8, V15).
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::common::*;
use equipoise_core::*;
use proptest::prelude::{Just, Strategy as _, prop_assert_eq, proptest};

#[test]
fn a_fill_after_absence_was_concluded_is_kept_and_neutralised() {
    let mut run = in_doubt(ResendClass::B);
    for at in [3_001, 4_001] {
        run.at(at);
        run.run(run.looked("long.e0", vec![]));
    }
    run.send(&["long.e1"]);
    // The listing read for the second attempt shows the first one too (R5).
    let late = run.traded("long.e0", ended(), "0.1");
    let second = run.traded("long.e1", ended(), "0.1");
    let turn = run.run(run.looked("long.e1", vec![late.clone(), second]));
    assert_eq!(
        turn.records,
        [
            "alarm LateFill long.e0",
            "fill long.e0 t2 0.1",
            "observed long.e0 filled 0.1",
            "fill long.e1 t3 0.1",
            "observed long.e1 filled 0.1",
            "unwind started",
        ]
    );
    assert_eq!(
        turn.commands,
        ["query long.e0 thorough urgent", "prepare long.u0"],
        "taking back waits for no audit"
    );
    run.send(&["long.u0"]);
    assert_eq!(run.request("long.u0").quantity, qty("0.1"), "the excess first");
    let turn = run.fill("long.u0");
    assert_eq!(turn.commands.last().unwrap(), "prepare short.u0 long.u1");
}

#[test]
fn a_fill_after_a_documented_refusal_is_an_alarm() {
    let mut run = Harness::new(pair(ResendClass::A));
    run.send(&["long.e0", "short.e0"]);
    run.refuse("long.e0", RefusalKind::Final);
    let late = run.traded("long.e0", ended(), "0.1");
    let turn = run.run(run.looked("long.e0", vec![late]));
    assert_eq!(turn.records[0], "alarm LateFill long.e0");
    assert_eq!(run.fill("short.e0").records.last().unwrap(), "ended done");
    let report = run.saga.report(run.now);
    assert_eq!(report.alarms.len(), 1);
    assert_eq!(report.alarms[0].alarm, Alarm::LateFill);
}

#[test]
fn a_duplicate_execution_is_recorded_raised_and_taken_back() {
    let mut run = Harness::new(pair(ResendClass::B));
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    let first = run.traded("long.e0", ended(), "0.1");
    let mut second = run.traded("long.e0", ended(), "0.1");
    second.venue_order = VenueOrderId::new("another").unwrap();
    let turn = run.run(run.looked("long.e0", vec![first, second]));
    assert_eq!(
        turn.records,
        [
            "alarm Overfill long.e0",
            "fill long.e0 t2 0.1",
            "observed long.e0 filled 0.1",
            "fill long.e0 t3 0.1",
            "observed long.e0 filled 0.1",
            "unwind started",
        ]
    );
    assert_eq!(run.net(), "0.1");
    assert_eq!(turn.commands, ["prepare long.u0"]);
    assert_eq!(run.saga.report(run.now).legs[0].filled, qty("0.2"), "nothing is hidden");
}

#[test]
fn one_order_shown_by_two_listings_is_one_order() {
    let mut run = Harness::new(pair(ResendClass::B));
    run.send(&["long.e0", "short.e0"]);
    let new = run.traded("long.e0", ended(), "0.1");
    let mut old = new.clone();
    old.state = OrderState::Open;
    old.executed = qty("0.04");
    let turn = run.run(run.looked("long.e0", vec![old, new]));
    assert_eq!(turn.records, ["fill long.e0 t1 0.1", "observed long.e0 filled 0.1"]);
}

#[test]
fn a_trade_that_is_taken_back_is_no_fill_and_what_it_hedged_is_taken_back_too() {
    let mut run = Harness::new(pair(ResendClass::B));
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    let whole = run.traded("long.e0", ended(), "0.1");
    run.placed("long.e0", whole.clone());
    run.at(3_001);
    let busted = OrderSnapshot { fills: vec![], busted: whole.fills.clone(), ..whole.clone() };
    let turn = run.run(run.looked("long.e0", vec![busted]));
    assert_eq!(
        turn.records,
        ["alarm Busted long.e0", "busted long.e0 t2 0.1", "audited long.e0", "unwind started"]
    );
    assert_eq!(run.net(), "-0.1");
    assert_eq!(run.placed("long.e0", whole).records, [""; 0], "an older answer changes nothing");
    run.send(&["short.u0"]);
    run.fill("short.u0");
    run.audit();
    assert_eq!((run.ending().unwrap().0, run.net().as_str()), (Ending::Flat, "0"));
}

#[test]
fn a_trade_in_the_place_of_a_corrected_one_is_no_second_effect() {
    let mut run = Harness::new(pair(ResendClass::B));
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    let whole = run.traded("long.e0", ended(), "0.1");
    run.placed("long.e0", whole.clone());
    let fills = run.traded("long.e0", ended(), "0.08").fills;
    let corrected = OrderSnapshot { fills, busted: whole.fills.clone(), ..whole };
    let turn = run.run(run.looked("long.e0", vec![corrected]));
    assert!(turn.records.contains(&"alarm Busted long.e0".to_owned()), "{turn:?}");
    assert!(!turn.records.contains(&"alarm Overfill long.e0".to_owned()), "{turn:?}");
    assert_eq!(run.net(), "-0.02");
}

#[test]
fn orders_of_others_in_an_answer_mean_nothing() {
    let mut run = in_doubt(ResendClass::B);
    let mut foreign = run.traded("short.e0", ended(), "0.1");
    foreign.client_id = ClientOrderId::new("somebody-else").unwrap();
    run.expect(run.looked("long.e0", vec![foreign]), &[], ASK);
}

#[test]
fn a_stale_answer_never_takes_anything_back() {
    let mut run = Harness::new(pair(ResendClass::B));
    run.send(&["long.e0", "short.e0"]);
    let part = run.traded("long.e0", OrderState::Open, "0.04");
    let mut whole = run.traded("long.e0", ended(), "0.06");
    whole.fills.extend(part.fills.clone());
    whole.executed = qty("0.1");
    run.run(run.looked("long.e0", vec![whole]));
    let before = run.saga.clone();
    run.run(run.looked("long.e0", vec![part]));
    let nothing = run.snapshot("long.e0", OrderState::Open, "0");
    run.run(run.looked("long.e0", vec![nothing]));
    assert_eq!(run.saga, before, "not one record");
}

#[test]
fn an_order_whose_trades_are_missing_is_not_closed() {
    let mut run = Harness::new(pair(ResendClass::A));
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    let mut lagging = run.traded("long.e0", ended(), "0.04");
    lagging.executed = qty("0.1");
    let turn = run.placed("long.e0", lagging.clone());
    assert_eq!(turn.commands, ["query long.e0 urgent"]);
    assert_eq!(run.saga.order(run.tag("long.e0")).unwrap().stage, Stage::Known);
    let range = run.saga.net_delta_range().unwrap()[&asset("BTC")];
    assert_eq!((range.least, range.greatest), (amount("-0.06"), amount("0")));
    let rest = run.trade("0.06", "65010");
    lagging.fills.push(rest);
    let turn = run.placed("long.e0", lagging);
    assert_eq!(turn.records, ["fill long.e0 t3 0.06", "ended done"]);
}

#[test]
fn an_open_order_the_venue_stops_talking_about_is_parked_after_the_grace() {
    let mut run = Harness::new(pair(ResendClass::A));
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    let open = run.snapshot("long.e0", OrderState::Open, "0");
    run.placed("long.e0", open);
    run.at(10_000);
    run.expect(Event::Wake, &[], &["query long.e0 urgent", "cancel long.e0"]);
    assert_eq!(run.wake_at, Some(UnixMillis(START + 15_000)));
    run.at(15_000);
    // Nobody will follow it any more, so it should not fill later either.
    run.expect(Event::Wake, &["unresolved long.e0", "ended parked"], &["cancel long.e0"]);
}

#[test]
fn an_ended_order_whose_trades_are_never_listed_is_given_up_after_the_grace() {
    let mut spec = pair(ResendClass::A);
    spec.policy.leg_timeout_ms = 86_400_000;
    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    run.refuse("short.e0", RefusalKind::Final);
    let without = run.snapshot("long.e0", ended(), "0.1");
    run.placed("long.e0", without);
    run.later(600_000);
    run.wake();
    assert_eq!(run.ending().unwrap().0, Ending::Parked);
}

#[test]
fn a_restart_asks_before_it_gives_anything_up_however_late_it_comes() {
    // In doubt, acknowledged, and only just intended.
    let cases: [fn(&mut Harness); 3] = [
        |run| {
            run.doubt("long.e0");
        },
        |run| {
            let open = run.snapshot("long.e0", OrderState::Open, "0");
            run.placed("long.e0", open);
        },
        |_| {},
    ];
    for prepare in cases {
        let mut run = Harness::new(pair(ResendClass::B));
        run.send(&["long.e0", "short.e0"]);
        run.fill("short.e0");
        prepare(&mut run);
        let mut again = Harness::restart(&run.records, run.now);
        again.at(3_600_000);
        let turn = again.run(Event::Resumed);
        assert_eq!(turn.records, ["doubted long.e0", "doubted short.e0"]);
        assert_eq!(turn.commands[0], "query long.e0 thorough urgent");
        again.fill("long.e0");
        let known = again.snapshot("short.e0", ended(), "0.1");
        let turn = again.run(again.looked("short.e0", vec![known]));
        assert_eq!(turn.records, ["audited short.e0", "ended done"]);
    }
}

#[test]
fn a_restart_resolves_what_was_never_sent_by_the_same_rules() {
    let mut run = Harness::new(pair(ResendClass::B));
    run.run(run.prepared(&["long.e0", "short.e0"]));
    let mut again = Harness::restart(&run.records, run.now);
    again.at(50);
    again.expect(
        Event::Resumed,
        &["doubted long.e0", "doubted short.e0"],
        &["query long.e0 thorough urgent", "query short.e0 thorough urgent"],
    );
    for at in [3_001, 4_001] {
        again.at(at);
        for name in ["long.e0", "short.e0"] {
            again.run(again.looked(name, vec![]));
        }
    }
    again.expect(Event::Wake, &[], &["prepare long.e1 short.e1"]);
    again.send(&["long.e1", "short.e1"]);
    again.fill("long.e1");
    again.fill("short.e1");
    assert_eq!(again.audit().last().unwrap(), "ended done");
}

/// What an order came to, without the times at which it was learned.
fn essence(saga: &Saga) -> impl PartialEq + std::fmt::Debug + use<> {
    let orders = saga.orders().map(|(tag, order)| {
        let fills: Vec<_> = order.fills.keys().cloned().collect();
        (tag, order.filled(), order.executed(), fills, order.all_ended())
    });
    (orders.collect::<Vec<_>>(), saga.net_deltas(), saga.status())
}

proptest! {
    /// N6: answers in any order, any of them twice.
    #[test]
    fn the_order_of_answers_does_not_matter(order in Just((0..8_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let run = |order: &[usize]| {
            let mut run = Harness::new(pair(ResendClass::B));
            run.send(&["long.e0", "short.e0"]);
            let one = run.trade("0.03", "65000");
            let two = run.trade("0.05", "65001");
            let open = run.snapshot("long.e0", OrderState::Open, "0");
            let part = OrderSnapshot { executed: qty("0.03"), fills: vec![one.clone()], ..open.clone() };
            let lagging = OrderSnapshot { executed: qty("0.08"), state: cancelled(), ..part.clone() };
            let whole = OrderSnapshot { fills: vec![two, one], ..lagging.clone() };
            let answers = [open.clone(), part.clone(), lagging.clone(), whole.clone(), open, part, lagging, whole];
            for index in order {
                run.run(run.looked("long.e0", vec![answers[*index].clone()]));
            }
            run.fill("short.e0");
            essence(&run.saga)
        };
        prop_assert_eq!(run(&order), run(&[0, 1, 2, 3, 4, 5, 6, 7]));
    }
}

/// The long order is under way at a venue of class B; of the short one nothing is left to be known.
fn long_on_class_b() -> Harness {
    let mut spec = pair(ResendClass::A);
    spec.legs[0].traits = traits(ResendClass::B);
    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    run
}

/// A look that lags, or a listing that lost the order, must not take back what the venue has shown.
#[test]
fn what_was_shown_once_is_never_proven_absent() {
    let mut run = long_on_class_b();
    let mut shown = run.traded("long.e0", ended(), "0.1");
    shown.fills.clear();
    run.placed("long.e0", shown);
    run.at(8_001);
    run.wake();
    assert_eq!(run.ending().map(|(ending, _)| ending), Some(Ending::Parked));
    for at in [9_000, 11_000] {
        run.at(at);
        run.expect(run.looked("long.e0", vec![]), &[], &[]);
    }
    let known = run.saga.net_delta_range().unwrap()[&asset("BTC")];
    assert_eq!((known.least, known.greatest), (amount("-0.1"), amount("0.1")));
}

/// It ended, and what it executed is known by amount only: that is no closed account, however well it was looked.
#[test]
fn an_audit_closes_no_order_whose_trades_are_missing_and_the_trades_do() {
    let mut run = long_on_class_b();
    let whole = run.traded("long.e0", ended(), "0.1");
    let without = OrderSnapshot { fills: Vec::new(), ..whole.clone() };
    run.placed("long.e0", without.clone());
    run.at(600_000);
    run.wake();
    assert_eq!(run.ending().map(|(ending, _)| ending), Some(Ending::Parked));
    run.expect(run.looked("long.e0", vec![without]), &["audited long.e0"], &[]);
    let range = run.saga.net_delta_range().unwrap()[&asset("BTC")];
    assert_eq!((range.least, range.greatest), (amount("-0.1"), amount("0")));
    run.expect(run.looked("long.e0", vec![whole]), &["fill long.e0 t2 0.1"], &[]);
    assert_eq!((run.saga.net_delta_range(), run.net()), (None, "0".to_owned()));
}

/// Of two orders under one id, the one still open may fill beside what the other one filled (V15).
#[test]
fn a_second_order_that_was_open_when_last_seen_counts_in_the_range() {
    let mut run = long_on_class_b();
    let first = run.traded("long.e0", ended(), "0.1");
    let mut second = run.snapshot("long.e0", OrderState::Open, "0");
    second.venue_order = VenueOrderId::new("another").unwrap();
    run.run(run.looked("long.e0", vec![first, second]));
    run.at(600_000);
    run.wake();
    assert_eq!(run.ending().map(|(ending, _)| ending), Some(Ending::Parked));
    let known = run.saga.net_delta_range().unwrap()[&asset("BTC")];
    assert_eq!((known.least, known.greatest), (amount("0"), amount("0.1")));
}
