//! Spot fees that were paid otherwise than expected are no residual; nothing else hides behind them (S2).

#![allow(clippy::unwrap_used, reason = "tests")]

use crate::common::*;
use equipoise_core::*;

fn spot_leg(name: &str, quantity: &str) -> LegSpec {
    let mut leg = leg(name, Side::Buy, quantity);
    leg.instrument = spot("BTC", "0.001");
    leg
}

/// The order executes whole and pays this fee.
fn fill_for(run: &mut Harness, name: &str, quantity: &str, fee: (&str, &str)) {
    let mut filled = run.traded(name, ended(), quantity);
    (filled.fills[0].fee, filled.fills[0].fee_asset) = (amount(fee.0), asset(fee.1));
    run.placed(name, filled);
}

fn ending(run: &Harness) -> (Ending, String) {
    (run.ending().unwrap().0, run.net())
}

#[test]
fn a_follower_that_paid_its_fee_in_another_asset_is_done() {
    let mut long = of(spot_leg("long", "0"), 0, "1");
    long.instrument = spot("BTC", "0.001");
    let mut run = Harness::new(batch(vec![leg("short", Side::Sell, "20"), long]));
    run.send(&["short.e0"]);
    run.fill("short.e0");
    run.send(&["long.e0"]);
    fill_for(&mut run, "long.e0", "20.02", ("1", "BNB"));
    assert_eq!(ending(&run), (Ending::Done, "0.02".to_owned()));
}

#[test]
fn a_lower_fee_or_one_that_was_not_expected_is_no_residual() {
    for (expected, short, fee, net) in
        [("0.001", "20", "0.016016", "0.003984"), ("0", "20.02", "0.02002", "-0.02002")]
    {
        let mut long = spot_leg("long", "20.02");
        long.instrument.taker_fee = amount(expected);
        let mut run = Harness::new(batch(vec![long, leg("short", Side::Sell, short)]));
        run.send(&["long.e0", "short.e0"]);
        run.fill("short.e0");
        fill_for(&mut run, "long.e0", "20.02", (fee, "BTC"));
        assert_eq!(ending(&run), (Ending::Done, net.to_owned()), "{expected}");
    }
}

#[test]
fn a_fee_paid_as_expected_excuses_nothing_elsewhere() {
    let mut small = of(leg("small", Side::Sell, "0"), 2, "1");
    small.instrument.notional_min = qty("2000");
    let legs = vec![
        spot_leg("long", "20.02"),
        leg("short", Side::Sell, "20"),
        leg("other", Side::Buy, "1"),
        small,
    ];
    let mut run = Harness::new(batch(legs));
    run.send(&["long.e0", "short.e0", "other.e0"]);
    run.fill("short.e0");
    fill_for(&mut run, "long.e0", "20.02", ("0.02002", "BTC"));
    // Fifteen lots, too little for the leg that follows: less than the fee, and nothing to do with it.
    let turn = run.fill_partly("other.e0", "0.015");
    assert_eq!(turn.records.last().unwrap(), "unwind started");
}

#[test]
fn of_a_fee_that_a_follower_matched_in_part_the_rest_is_excused() {
    let mut half = of(leg("short", Side::Sell, "0"), 0, "0.5");
    half.instrument.lot = qty("0.0001");
    let mut run = Harness::new(batch(vec![spot_leg("long", "20.02"), half]));
    run.send(&["long.e0"]);
    fill_for(&mut run, "long.e0", "20.02", ("1", "BNB"));
    run.send(&["short.e0"]);
    run.fill("short.e0");
    // Ten lots more than with a fee in bitcoin: half of what that would have been.
    assert_eq!(ending(&run), (Ending::Done, "10.01".to_owned()));
}

#[test]
fn what_several_followers_were_rounded_by_is_no_residual_of_a_fee() {
    let followers = ["one", "two"].map(|name| of(leg(name, Side::Sell, "0"), 0, "0.5"));
    let mut run =
        Harness::new(batch([vec![spot_leg("long", "20.02")], followers.to_vec()].concat()));
    run.send(&["long.e0"]);
    fill_for(&mut run, "long.e0", "20.02", ("1", "BNB"));
    run.send(&["one.e0", "two.e0"]);
    run.fill("one.e0");
    run.fill("two.e0");
    // Each sold half of what was received: two lots less would be left had the fee been paid in bitcoin.
    assert_eq!(ending(&run), (Ending::Done, "0".to_owned()));
}

#[test]
fn more_than_any_fee_is_taken_back() {
    for (fee, last) in [("0.22022", "ended done"), ("0.22023", "unwind started")] {
        let legs = vec![spot_leg("long", "20.02"), leg("short", Side::Sell, "20")];
        let mut run = Harness::new(batch(legs));
        run.send(&["long.e0", "short.e0"]);
        run.fill("short.e0");
        let mut filled = run.traded("long.e0", ended(), "20.02");
        (filled.fills[0].fee, filled.fills[0].fee_asset) = (amount(fee), asset("BTC"));
        assert_eq!(run.placed("long.e0", filled).records.last().unwrap(), last, "{fee}");
    }
}

#[test]
fn what_a_follower_matched_is_not_excused_a_second_time() {
    let mut small = of(leg("small", Side::Sell, "0"), 0, "0.001");
    small.instrument.notional_min = qty("2000");
    let legs = vec![spot_leg("long", "40"), of(leg("short", Side::Sell, "0"), 0, "0.999"), small];
    let mut run = Harness::new(batch(legs));
    run.send(&["long.e0"]);
    // Half of it, and the fee in another asset: the follower sells what was received.
    fill_for(&mut run, "long.e0", "20.02", ("1", "BNB"));
    run.send(&["short.e0"]);
    let turn = run.fill("short.e0");
    // 0.021 are left: the smaller follower's share, and a lot.
    assert_eq!(run.net(), "0.021");
    assert_eq!(turn.records.last().unwrap(), "unwind started");
}

#[test]
fn a_fee_in_the_base_asset_is_no_exposure() {
    let mut spec = pair(ResendClass::B);
    spec.legs[0].instrument = spot("BTC", "0.001");
    for (leg, quantity) in spec.legs.iter_mut().zip(["20.02", "20"]) {
        leg.quantity = LegQuantity::Fixed(qty(quantity));
    }
    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    fill_for(&mut run, "long.e0", "20.02", ("0.02002", "BTC"));
    run.later(70);
    run.fill("short.e0");
    // Its audit is still under way.
    let report = run.saga.report(run.now.plus_ms(9_000));
    assert_eq!((report.status, report.exposure_ms), (BatchStatus::Running, 70));
}
