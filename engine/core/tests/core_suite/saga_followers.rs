//! Legs that wait for others, and take their size from what those filled.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::common::*;
use equipoise_core::*;

#[test]
fn a_leg_waits_until_the_leg_before_it_is_final() {
    let mut run = Harness::new(chain(ResendClass::A));
    run.expect(Event::Wake, &[], &["prepare long.e0"]);
    run.send(&["long.e0"]);
    run.expect(Event::Wake, &[], &[]);
    let turn = run.fill("long.e0");
    assert_eq!(turn.commands, ["prepare short.e0"]);
    run.send(&["short.e0"]);
    assert_eq!(run.fill("short.e0").records.last().unwrap(), "ended done");
}

#[test]
fn a_fixed_follower_of_a_partial_fill_is_not_sent_and_the_policy_decides() {
    let mut run = Harness::new(chain(ResendClass::A));
    run.send(&["long.e0"]);
    let turn = run.fill_partly("long.e0", "0.04");
    assert_eq!(turn.records.last().unwrap(), "unwind started");
    assert_eq!(turn.commands, ["prepare long.u0"]);

    let mut parked = Harness::new(park(chain(ResendClass::A)));
    parked.send(&["long.e0"]);
    let turn = parked.fill_partly("long.e0", "0.04");
    assert_eq!(turn.records.last().unwrap(), "ended parked");
    assert_eq!(parked.net(), "0.04");
}

fn followed(ratio: &str) -> BatchSpec {
    batch(vec![leg("long", Side::Buy, "0.1"), of(leg("short", Side::Sell, "0"), 0, ratio)])
}

#[test]
fn a_follower_orders_what_its_source_filled_times_the_ratio() {
    for (filled, ratio, ordered) in [
        ("0.1", "1", "0.1"),
        ("0.04", "1", "0.04"),
        ("0.1", "0.5", "0.05"),
        ("0.041", "0.5", "0.02"),
    ] {
        let mut run = Harness::new(followed(ratio));
        run.send(&["long.e0"]);
        let turn = run.fill_partly("long.e0", filled);
        assert_eq!(turn.commands, ["prepare short.e0"]);
        run.send(&["short.e0"]);
        assert_eq!(run.request("short.e0").quantity, qty(ordered));
    }
}

#[test]
fn a_batch_of_a_partial_source_and_its_follower_is_done_when_it_is_neutral() {
    let mut run = Harness::new(followed("1"));
    run.send(&["long.e0"]);
    run.fill_partly("long.e0", "0.04");
    run.send(&["short.e0"]);
    assert_eq!(run.fill("short.e0").records.last().unwrap(), "ended done");
    assert_eq!(run.net(), "0");
}

#[test]
fn a_follower_of_nothing_is_not_sent_and_the_batch_ends_flat() {
    let mut run = Harness::new(followed("1"));
    run.send(&["long.e0"]);
    let turn = run.fill_partly("long.e0", "0");
    assert_eq!(turn.records, ["observed long.e0 cancelled 0", "ended flat"]);
}

#[test]
fn a_followed_leg_that_filled_nothing_leaves_no_hope_for_the_plan() {
    let spec = batch(vec![
        leg("source", Side::Buy, "0.1"),
        of(leg("follower", Side::Sell, "0.1"), 0, "1"),
        limit(leg("resting", Side::Buy, "0.1"), "64000", TimeInForce::Gtc),
        leg("first", Side::Buy, "0.1"),
        after(leg("second", Side::Sell, "0.1"), &[3]),
    ]);
    let mut run = Harness::new(spec);
    run.send(&["source.e0", "resting.e0", "first.e0"]);
    let open = run.snapshot("resting.e0", OrderState::Open, "0");
    run.placed("resting.e0", open);
    let turn = run.refuse("source.e0", RefusalKind::Final);
    assert_eq!(turn.commands, ["query resting.e0", "cancel resting.e0"]);
    assert_eq!(run.fill("first.e0").commands, ["query resting.e0", "cancel resting.e0"]);
}

/// Bitcoin bought, and twice 18.337 ether sold against it at two venues of lots of 0.01.
#[test]
fn followers_that_fill_as_they_were_sized_are_as_planned_however_they_were_rounded() {
    let ether = |name: &str| {
        let mut leg = of(leg(name, Side::Sell, "1"), 0, "18.337");
        leg.instrument = linear("ETH", "0.01");
        leg
    };
    let mut run = Harness::new(batch(vec![leg("btc", Side::Buy, "1"), ether("one"), ether("two")]));
    run.send(&["btc.e0"]);
    run.fill("btc.e0");
    run.send(&["one.e0", "two.e0"]);
    run.fill("one.e0");
    run.fill("two.e0");
    assert_eq!(run.ending().unwrap().0, Ending::Done);
}

/// A fine leg, and a coarse one that follows whatever it fills.
fn fine_and_coarse() -> Harness {
    let mut follower = of(leg("short", Side::Sell, "0"), 0, "1");
    follower.instrument.lot = qty("0.01");
    let mut long = leg("long", Side::Buy, "0.1");
    long.instrument.lot = qty("0.0001");
    let mut run = Harness::new(batch(vec![long, follower]));
    run.send(&["long.e0"]);
    run
}

#[test]
fn a_follower_that_rounding_left_behind_by_less_than_its_lot_is_as_planned() {
    for filled in ["0.0199", "0.0299"] {
        let mut run = fine_and_coarse();
        run.fill_partly("long.e0", filled);
        run.send(&["short.e0"]);
        assert_eq!(run.fill("short.e0").records.last().unwrap(), "ended done", "{filled}");
    }
}

#[test]
fn what_is_below_one_lot_of_the_leg_that_follows_is_as_planned_without_it() {
    let turn = fine_and_coarse().fill_partly("long.e0", "0.0099");
    assert_eq!(turn.records.last().unwrap(), "ended done");
}

/// What follows an execution hedges it: a venue that cannot be reached holds back no other one's.
#[test]
fn followers_of_what_filled_wait_for_no_venue_but_their_own() {
    let mut eth = leg("short-eth", Side::Sell, "0.1");
    eth.instrument = linear("ETH", "0.001");
    let mut source = leg("long-eth", Side::Buy, "0.1");
    source.instrument = linear("ETH", "0.001");
    let mut run = Harness::new(batch(vec![
        leg("long", Side::Buy, "0.1"),
        source,
        of(after(leg("short", Side::Sell, "0.1"), &[0]), 0, "1"),
        of(after(eth, &[1]), 1, "1"),
    ]));
    let begun = run.wake();
    assert_eq!(begun.commands, ["prepare long.e0 long-eth.e0"], "what begins goes together");
    run.send(&["long.e0", "long-eth.e0"]);
    run.fill("long.e0");
    let turn = run.fill("long-eth.e0");
    assert_eq!(turn.commands, ["prepare short.e0", "prepare short-eth.e0"]);
    let sent = run.run(run.prepared(&["short-eth.e0"]));
    assert_eq!(sent.records, ["intent short-eth.e0 sell 0.1 market"]);
    assert_eq!(sent.commands, ["send short-eth.e0", "prepare short.e0"]);
}

/// What an order is worth at its limit is what a venue goes by, when the plan is sized as when the order is sent.
#[test]
fn a_follower_that_is_large_enough_at_its_own_price_only_is_sent_as_planned() {
    let mut short = limit(of(leg("short", Side::Sell, "0"), 0, "1"), "130000", TimeInForce::Gtc);
    short.instrument.notional_min = qty("100");
    let mut spec = batch(vec![leg("long", Side::Buy, "0.001"), short]);
    let planned = planned(&spec, 1);
    assert_eq!(planned.planned, qty("0.001"), "130 USDT at its limit, 65 at the reference");
    let mut run = Harness::new(spec.clone());
    run.send(&["long.e0"]);
    assert_eq!(run.fill("long.e0").commands, ["prepare short.e0"]);
    assert_eq!(run.saga.target(1), Some(planned.planned));

    // And the other way round: too little at its limit is not planned, and not sent after a partial fill.
    spec.legs[0].quantity = LegQuantity::Fixed(qty("0.002"));
    spec.legs[1].kind = OrderKind::Limit { price: price("50000"), time_in_force: TimeInForce::Gtc };
    spec.legs[1].instrument.notional_min = qty("60");
    let mut run = Harness::new(spec);
    run.send(&["long.e0"]);
    run.fill_partly("long.e0", "0.001");
    assert_eq!(run.saga.target(1), Some(Qty::ZERO), "50 USDT at its limit, 65 at the reference");
}

/// What admission makes of a leg of the plan that a batch came from.
fn planned(spec: &BatchSpec, index: usize) -> SizedLeg {
    let leg = |leg: &LegSpec| Leg {
        kind: leg.kind,
        after: leg.after.iter().map(|index| spec.legs[usize::from(*index)].name.clone()).collect(),
        ..Leg::market(
            leg.name.clone(),
            leg.venue.clone(),
            leg.instrument.symbol.clone(),
            leg.side,
            match &leg.quantity {
                LegQuantity::Fixed(units) => Quantity::Base(*units),
                LegQuantity::Of { leg, ratio } => {
                    let leg = spec.legs[usize::from(*leg)].name.clone();
                    Quantity::Of { leg, ratio: *ratio }
                }
            },
        )
    };
    let legs = spec.legs.iter().map(leg).collect();
    let (strategy, occasion) = (spec.strategy.clone(), spec.occasion.clone());
    let policy = Policy::new(OnResidual::Unwind, 1);
    let checked = Plan { strategy, occasion, legs, policy }.check().unwrap();
    let named = |name: &LegName| spec.legs.iter().find(|leg| leg.name == *name).unwrap();
    let legs = checked.legs.iter().map(|leg| named(&leg.name).instrument.clone());
    let sized = size_plan(&checked, &legs.collect::<Vec<_>>(), &spec.references).unwrap();
    sized[usize::from(checked.listing[index])].clone()
}
