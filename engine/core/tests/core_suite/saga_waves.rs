//! What goes together and what goes by itself: nothing begins or is added by halves, and a hedge waits for nobody.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::common::*;
use equipoise_core::*;

const TRANSIENT: RefusalKind = RefusalKind::Transient;

const fn limited(retry_after_ms: u64) -> RefusalKind {
    RefusalKind::RateLimited { retry_after_ms }
}

fn eth(mut leg: LegSpec) -> LegSpec {
    leg.instrument = linear("ETH", "0.001");
    leg
}

/// What is asked to be prepared now; looks for refused orders that took effect all the same are left out.
fn waves(run: &mut Harness) -> Vec<String> {
    let commands = run.wake().commands.into_iter();
    commands.filter(|command| command.starts_with("prepare")).collect()
}

/// A minute for each leg, so that waits of half a minute end inside it.
fn patient(legs: Vec<LegSpec>) -> Harness {
    let mut spec = batch(legs);
    spec.policy.leg_timeout_ms = 60_000;
    Harness::new(spec)
}

#[test]
fn what_adds_to_nothing_executed_goes_whole_though_something_was_executed_elsewhere() {
    let mut run = Harness::new(batch(vec![
        leg("a", Side::Buy, "0.1"),
        leg("b", Side::Sell, "0.1"),
        after(eth(leg("c", Side::Buy, "1")), &[0, 1]),
        after(eth(leg("d", Side::Sell, "1")), &[0, 1]),
    ]));
    run.send(&["a.e0", "b.e0"]);
    run.fill("a.e0");
    assert_eq!(run.fill("b.e0").commands, ["prepare c.e0 d.e0"]);
    run.expect(run.prepared(&["c.e0"]), &[], &["prepare c.e0 d.e0"]);
    run.send(&["c.e0", "d.e0"]);
}

#[test]
fn a_wave_of_which_one_order_must_wait_begins_again_only_with_that_one() {
    let mut run = patient(vec![leg("a", Side::Buy, "0.1"), leg("b", Side::Sell, "0.1")]);
    run.send(&["a.e0", "b.e0"]);
    run.refuse("a.e0", TRANSIENT);
    run.refuse("b.e0", limited(30_000));
    run.later(200);
    run.expect(Event::Wake, &[], &[]);
    run.at(29_999);
    assert_eq!(waves(&mut run), [""; 0]);
    assert_eq!(run.wake_at, Some(UnixMillis(START + 30_000)), "when the other one may go");
    run.at(30_000);
    assert_eq!(waves(&mut run), ["prepare a.e1 b.e1"]);
    run.send(&["a.e1", "b.e1"]);
}

/// One bought, one more to buy, and two to sell against both; the two were last refused.
fn half_bought(second: RefusalKind, both: RefusalKind) -> Harness {
    let mut run = patient(vec![
        leg("a", Side::Buy, "1"),
        leg("b", Side::Buy, "1"),
        leg("c", Side::Sell, "2"),
    ]);
    run.send(&["a.e0", "b.e0", "c.e0"]);
    run.fill("a.e0");
    run.refuse("b.e0", second);
    run.refuse("c.e0", both);
    run
}

#[test]
fn nothing_is_added_while_a_leg_is_held_back_that_would_hedge_it() {
    let mut run = half_bought(TRANSIENT, limited(30_000));
    run.later(200);
    run.expect(Event::Wake, &[], &[]);
    run.expect(run.prepared(&["b.e1"]), &[], &[]);
    run.at(30_000);
    assert_eq!(waves(&mut run), ["prepare c.e1", "prepare b.e1 c.e1"]);
}

#[test]
fn a_hedge_goes_by_itself_while_what_adds_is_held_back_and_that_follows_it() {
    let mut run = half_bought(limited(30_000), TRANSIENT);
    run.later(200);
    run.expect(Event::Wake, &[], &["prepare c.e1"]);
    run.send(&["c.e1"]);
    run.at(30_000);
    assert_eq!(waves(&mut run), ["prepare b.e1"]);
}

#[test]
fn a_hedge_that_is_at_hand_twice_is_recorded_once() {
    let mut run = half_bought(TRANSIENT, TRANSIENT);
    run.later(200);
    let turn = run.run(run.prepared(&["c.e1", "b.e1", "c.e1"]));
    assert_eq!(turn.records, ["intent b.e1 buy 1 market", "intent c.e1 sell 2 market"]);
    assert_eq!(turn.commands, ["send b.e1 c.e1"]);
}

#[test]
fn hedges_that_are_at_hand_together_are_one_append_and_one_sending() {
    let follower = |name| of(leg(name, Side::Sell, "0"), 0, "0.5");
    let mut run = Harness::new(batch(vec![
        leg("source", Side::Buy, "0.1"),
        follower("one"),
        follower("two"),
    ]));
    run.send(&["source.e0"]);
    assert_eq!(run.fill("source.e0").commands, ["prepare one.e0", "prepare two.e0"]);
    let turn = run.run(run.prepared(&["two.e0", "one.e0"]));
    assert_eq!(turn.records.len(), 2);
    assert_eq!(turn.commands, ["send one.e0 two.e0"]);
}

/// One bought of six; three to sell and two more to buy were refused.
fn a_sixth(sold: RefusalKind, bought: RefusalKind) -> Harness {
    let mut run = patient(vec![
        leg("a", Side::Buy, "1"),
        leg("b", Side::Buy, "1"),
        leg("c", Side::Buy, "1"),
        leg("d", Side::Sell, "1"),
        leg("e", Side::Sell, "1"),
        leg("f", Side::Sell, "1"),
    ]);
    run.send(&["a.e0", "b.e0", "c.e0", "d.e0", "e.e0", "f.e0"]);
    run.fill("a.e0");
    for (name, kind) in [("b", bought), ("c", bought), ("d", sold), ("e", sold), ("f", sold)] {
        run.refuse(&format!("{name}.e0"), kind);
    }
    run
}

#[test]
fn hedges_never_leave_more_delta_than_they_found_whichever_of_them_is_ready_first() {
    let mut run = a_sixth(TRANSIENT, limited(30_000));
    run.later(200);
    let turn = run.run(run.prepared(&["d.e1", "e.e1", "f.e1"]));
    assert_eq!(turn.commands, ["send d.e1"], "a second one would leave one sold");
    let mut run = a_sixth(TRANSIENT, limited(30_000));
    run.later(200);
    run.send(&["f.e1"]);
    run.expect(run.prepared(&["d.e1"]), &[], &[]);
}

#[test]
fn what_is_under_way_hedges_before_anything_else_does() {
    let legs = [("a", Side::Buy), ("b", Side::Sell), ("c", Side::Sell), ("d", Side::Buy)];
    let mut run = patient(legs.map(|(name, side)| leg(name, side, "1")).to_vec());
    run.send(&["a.e0", "b.e0", "c.e0", "d.e0"]);
    run.fill("a.e0");
    run.refuse("c.e0", TRANSIENT);
    run.refuse("d.e0", limited(30_000));
    run.later(200);
    run.expect(Event::Wake, &[], &[]);
    run.fill("b.e0");
    run.at(30_000);
    assert_eq!(waves(&mut run), ["prepare c.e1 d.e1"]);
}

#[test]
fn what_would_leave_more_delta_on_the_other_side_is_no_hedge() {
    let mut run = patient(vec![
        leg("a", Side::Buy, "1"),
        leg("b", Side::Sell, "3"),
        leg("c", Side::Buy, "2"),
    ]);
    run.send(&["a.e0", "b.e0", "c.e0"]);
    run.fill("a.e0");
    run.refuse("b.e0", TRANSIENT);
    run.refuse("c.e0", limited(30_000));
    run.later(200);
    run.expect(Event::Wake, &[], &[]);
    run.at(30_000);
    assert_eq!(waves(&mut run), ["prepare b.e1 c.e1"]);
}

/// Two that are settled and two that begin after them, the first of which may go again after 200 ms.
fn second_wave_refused(wait: RefusalKind) -> (Harness, Turn) {
    let mut run = patient(vec![
        leg("a", Side::Buy, "1"),
        leg("b", Side::Sell, "1"),
        after(eth(leg("c", Side::Buy, "1")), &[0, 1]),
        after(eth(leg("d", Side::Sell, "1")), &[0, 1]),
    ]);
    run.send(&["a.e0", "b.e0"]);
    run.fill("a.e0");
    run.fill("b.e0");
    run.send(&["c.e0", "d.e0"]);
    run.refuse("c.e0", TRANSIENT);
    let turn = run.refuse("d.e0", wait);
    (run, turn)
}

#[test]
fn a_leg_that_would_be_held_back_beyond_its_deadline_is_not_waited_for() {
    let (_, turn) = second_wave_refused(limited(60_000));
    assert_eq!(turn.records, ["refused d.e0", "unwind started"]);
}

#[test]
fn what_waits_for_a_leg_that_is_held_back_is_given_up_at_the_deadline_of_both() {
    let (mut run, _) = second_wave_refused(limited(59_999));
    for name in ["c.e0", "d.e0"] {
        run.at(3_001);
        run.run(run.looked(name, vec![]));
    }
    run.expect(Event::Wake, &[], &[]);
    assert_eq!(run.wake_at, Some(UnixMillis(START + 59_999)), "the other may go then");
    run.at(59_999);
    run.expect(Event::Wake, &[], &["prepare c.e1 d.e1"]);
    assert_eq!(run.wake_at, Some(UnixMillis(START + 60_000)), "the deadline");
    run.at(60_000);
    assert_eq!(run.wake().records, ["unwind started"]);
}
