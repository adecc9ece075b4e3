//! What is taken back, in which order and in which sizes, and what is left as dust (K2, K3, K6, K7).
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::common::*;
use equipoise_core::*;

#[test]
fn the_excess_goes_first_and_the_matched_rest_follows_as_one_wave_in_equal_sizes() {
    let mut run = after_entries(pair(ResendClass::A), &[("long.e0", "0.1"), ("short.e0", "0.03")]);
    assert_eq!(intents(&mut run, &["long.u0"]), ["intent long.u0 sell 0.07 64350 ioc reduce-only"]);
    let turn = run.fill("long.u0");
    assert_eq!(turn.commands, ["prepare short.u0 long.u1"]);
    assert_eq!(
        intents(&mut run, &["short.u0", "long.u1"]),
        [
            "intent short.u0 buy 0.03 65650.1 ioc reduce-only",
            "intent long.u1 sell 0.03 64350 ioc reduce-only",
        ]
    );
    run.fill("short.u0");
    assert_eq!(run.fill("long.u1").records.last().unwrap(), "ended flat");
    assert_eq!(run.ending().unwrap().1, "everything was taken back".to_owned());
}

#[test]
fn a_partly_filled_wave_is_levelled_before_it_goes_on() {
    let mut run = after_entries(pair(ResendClass::A), &[("long.e0", "0.1"), ("short.e0", "0.05")]);
    run.send(&["long.u0"]);
    run.fill_partly("long.u0", "0.05");
    run.send(&["short.u0", "long.u1"]);
    run.fill_partly("short.u0", "0.05");
    let turn = run.fill_partly("long.u1", "0.02");
    assert_eq!(turn.commands, ["prepare long.u2"]);
    assert_eq!(intents(&mut run, &["long.u2"]), ["intent long.u2 sell 0.03 64350 ioc reduce-only"]);
}

#[test]
fn a_venues_largest_order_on_one_side_does_not_let_the_other_run_ahead() {
    let mut spec = pair(ResendClass::A);
    spec.legs[0].instrument.quantity_max = qty("0.04");
    spec.legs.push(leg("third", Side::Buy, "0.01"));
    spec.listing.push(2);
    let mut run =
        after_entries(spec, &[("long.e0", "0.1"), ("short.e0", "0.1"), ("third.e0", "0")]);
    let mut waves = Vec::new();
    while run.ending().is_none() {
        let names: Vec<String> = run
            .commands
            .iter()
            .flat_map(|command| {
                let text = show_command(run.saga.spec(), command);
                let names = text.strip_prefix("prepare ").map(str::to_owned);
                names.unwrap_or_default().split(' ').map(str::to_owned).collect::<Vec<_>>()
            })
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        run.send(&names);
        waves.push(
            names.iter().map(|name| run.request(name).quantity.to_string()).collect::<Vec<_>>(),
        );
        for name in &names {
            run.fill(name);
        }
        assert_eq!(run.net(), "0", "no wave leaves the batch less neutral (K3)");
    }
    assert_eq!(waves, [["0.04", "0.04"], ["0.04", "0.04"], ["0.02", "0.02"]]);
    assert_eq!(run.ending().unwrap().0, Ending::Flat);
}

#[test]
fn legs_that_offset_each_other_in_one_position_need_no_order() {
    // In and out again at one venue, and a third leg that did not fill completely.
    let mut spec = batch(vec![
        leg("in", Side::Buy, "0.1"),
        after(leg("out", Side::Sell, "0.1"), &[0]),
        leg("third", Side::Buy, "0.1"),
    ]);
    spec.legs[1].venue = spec.legs[0].venue.clone();
    let mut run = Harness::new(spec.clone());
    run.send(&["in.e0", "third.e0"]);
    run.fill("in.e0");
    run.send(&["out.e0"]);
    run.fill("out.e0");
    let turn = run.fill_partly("third.e0", "0.04");
    assert_eq!(turn.commands, ["prepare third.u0"]);
    assert_eq!(
        intents(&mut run, &["third.u0"]),
        ["intent third.u0 sell 0.04 64350 ioc reduce-only"]
    );
    run.run(Event::Handed(run.tag("third.u0")));
    assert_eq!(run.fill("third.u0").records.last().unwrap(), "ended flat");

    // On a hedge mode account they are two positions.
    for leg in &mut spec.legs {
        leg.position_mode = PositionMode::Hedge;
    }
    let mut run = Harness::new(spec);
    run.send(&["in.e0", "third.e0"]);
    run.fill("in.e0");
    run.send(&["out.e0"]);
    run.fill("out.e0");
    run.fill_partly("third.e0", "0.04");
    run.send(&["third.u0"]);
    let turn = run.fill("third.u0");
    assert_eq!(turn.commands, ["prepare out.u0 in.u0"]);
}

#[test]
fn what_is_too_small_to_trade_is_named_dust_and_the_batch_ends_flat() {
    let mut spec = pair(ResendClass::A);
    for leg in &mut spec.legs {
        leg.instrument.notional_min = qty("100");
    }
    let run = after_entries(spec, &[("long.e0", "0.001"), ("short.e0", "0")]);
    assert_eq!(
        run.ending(),
        Some((
            Ending::Flat,
            "everything was taken back but dust: 0.001 BTC of leg long (about 65 USDT)".to_owned()
        ))
    );
    assert_eq!(run.net(), "0.001");
}

#[test]
fn what_legs_of_one_position_hold_too_little_of_each_is_taken_back_by_one_order() {
    let mut spec = pair(ResendClass::A);
    for leg in &mut spec.legs {
        leg.venue = VenueName::new("at-one").unwrap();
        leg.side = Side::Sell;
        leg.instrument.quantity_min = qty("0.016");
    }
    let mut run = after_entries(spec, &[("long.e0", "0.004"), ("short.e0", "0.012")]);
    assert_eq!(
        intents(&mut run, &["long.u0"]),
        ["intent long.u0 buy 0.016 65650.1 ioc reduce-only"]
    );
    run.fill("long.u0");
    assert_eq!(run.ending().unwrap().1, "everything was taken back");
}

#[test]
fn several_untradable_rests_that_add_up_to_more_than_dust_park() {
    let mut spec = batch(vec![
        leg("one", Side::Buy, "0.1"),
        leg("two", Side::Buy, "0.1"),
        leg("short", Side::Sell, "0.2"),
    ]);
    for leg in &mut spec.legs {
        leg.instrument.notional_min = qty("100");
    }
    let run = after_entries(spec, &[("one.e0", "0.001"), ("two.e0", "0.001"), ("short.e0", "0")]);
    assert_eq!(
        run.ending(),
        Some((Ending::Parked, "what is left is too small for its venue".to_owned()))
    );
}

#[test]
fn a_difference_below_the_coarser_lot_is_no_excess() {
    let mut spec = pair(ResendClass::A);
    spec.legs[1].instrument = linear("BTC", "0.01");
    let mut run = after_entries(spec, &[("long.e0", "0.055"), ("short.e0", "0.05")]);
    assert_eq!(
        intents(&mut run, &["short.u0", "long.u0"]),
        [
            "intent short.u0 buy 0.05 65650.1 ioc reduce-only",
            "intent long.u0 sell 0.055 64350 ioc reduce-only",
        ],
        "all of both is closer to neutral than what was held"
    );
}

fn inverse_leg(name: &str, side: Side, contracts: &str) -> LegSpec {
    let mut leg = leg(name, side, contracts);
    leg.instrument = inverse("BTC", "1");
    leg
}

#[test]
fn inverse_contracts_are_taken_back_to_the_last_one() {
    // A tenth of these contracts has no exact base value at 30000: the way back must find all ten again (K7).
    let mut spec =
        batch(vec![inverse_leg("long", Side::Buy, "10"), inverse_leg("short", Side::Sell, "10")]);
    spec.references = references(&spec.legs, "30000");
    let mut run = after_entries(spec.clone(), &[("long.e0", "10"), ("short.e0", "0")]);
    assert_eq!(run.net(), "0.000333333333");
    run.send(&["long.u0"]);
    assert_eq!(run.request("long.u0").quantity, qty("10"));
    assert_eq!(run.fill("long.u0").records.last().unwrap(), "ended flat");
    assert_eq!(run.net(), "0");

    let mut run = after_entries(spec, &[("long.e0", "10"), ("short.e0", "9")]);
    run.send(&["long.u0"]);
    assert_eq!(run.request("long.u0").quantity, qty("1"));
}

#[test]
fn zero_contracts_are_zero_delta_at_any_price() {
    let mut spec = batch(vec![
        inverse_leg("one", Side::Buy, "7"),
        after(inverse_leg("two", Side::Sell, "7"), &[0]),
    ]);
    spec.legs[1].venue = spec.legs[0].venue.clone();
    spec.references = references(&spec.legs, "29999.7");
    let mut run = Harness::new(spec);
    run.send(&["one.e0"]);
    run.fill("one.e0");
    run.send(&["two.e0"]);
    run.fill("two.e0");
    assert_eq!(run.net(), "0");
    assert_eq!(run.ending().unwrap().0, Ending::Done);
}

fn spot_leg() -> LegSpec {
    let mut leg = leg("spot", Side::Buy, "0.1");
    leg.instrument = spot("BTC", "0.0001");
    leg
}

fn fee_in_base(run: &mut Harness, name: &str, quantity: &str, fee: &str) -> Event {
    let mut snapshot = run.traded(name, ended(), quantity);
    snapshot.fills[0].fee = amount(fee);
    snapshot.fills[0].fee_asset = asset("BTC");
    run.looked(name, vec![snapshot])
}

#[test]
fn a_spot_buy_received_what_is_left_after_its_fee_and_only_that_is_sold() {
    let spec = batch(vec![spot_leg(), leg("short", Side::Sell, "0.1")]);
    let mut run = Harness::new(spec);
    run.send(&["spot.e0", "short.e0"]);
    run.fill_partly("short.e0", "0");
    let event = fee_in_base(&mut run, "spot.e0", "0.1", "0.0001");
    run.run(event);
    assert_eq!(run.net(), "0.0999");
    let mut ready = run.ready("spot.u0");
    ready.position = None;
    let turn = run.run(Event::Prepared(vec![ready]));
    assert_eq!(turn.records, ["intent spot.u0 sell 0.0999 64350 ioc"]);
}

#[test]
fn a_grossed_up_spot_buy_and_its_hedge_are_as_planned() {
    let mut spot = spot_leg();
    spot.quantity = LegQuantity::Fixed(qty("10.01"));
    let spec = batch(vec![spot, leg("short", Side::Sell, "10")]);
    let mut run = Harness::new(spec);
    run.send(&["spot.e0", "short.e0"]);
    run.fill("short.e0");
    let event = fee_in_base(&mut run, "spot.e0", "10.01", "0.01001");
    assert_eq!(run.run(event).records.last().unwrap(), "ended done");
    assert_eq!(run.net(), "-0.00001");
}

#[test]
fn the_last_coarse_lot_goes_though_the_finer_side_holds_a_fee_less() {
    let mut fine = spot_leg();
    fine.instrument = spot("BTC", "0.000001");
    let mut run = Harness::new(batch(vec![fine, leg("short", Side::Sell, "0.1")]));
    run.send(&["spot.e0", "short.e0"]);
    run.fill_partly("short.e0", "0.001");
    let mut snapshot = run.traded("spot.e0", cancelled(), "0.001001");
    snapshot.fills[0].fee = amount("0.00000104");
    snapshot.fills[0].fee_asset = asset("BTC");
    run.run(run.looked("spot.e0", vec![snapshot]));
    assert_eq!(run.net(), "-0.00000004");
    // 0.00000096 would be left, which nobody can trade; keeping one lot on either side would be exposure for ever.
    run.send(&["short.u0", "spot.u0"]);
    assert_eq!(run.request("spot.u0").quantity, qty("0.000999"));
    assert_eq!(run.request("short.u0").quantity, qty("0.001"));
    run.fill("spot.u0");
    run.fill("short.u0");
    assert_eq!(run.ending().unwrap().0, Ending::Flat);
}

#[test]
fn dust_that_is_hedged_is_not_taken_back_on_one_side_only() {
    // A spot lot of any size against a perpetual of a hundred dollars at least, of which half was executed.
    let mut spec = batch(vec![spot_leg(), leg("short", Side::Sell, "0.1")]);
    spec.legs[1].instrument.notional_min = qty("100");
    let run = after_entries(spec, &[("spot.e0", "0.001"), ("short.e0", "0.001")]);
    assert_eq!(run.ending().unwrap().0, Ending::Flat);
    assert_eq!(run.net(), "0", "selling the spot side would leave the other one naked (K3)");
}

#[test]
fn beside_a_rest_too_small_for_its_venue_the_other_side_keeps_as_much() {
    for (held, excess) in [("0.0025", "0.0015"), ("0.002", "0.001"), ("0.0011", "0.0001")] {
        let mut spec = batch(vec![spot_leg(), leg("short", Side::Sell, "0.1")]);
        spec.legs[1].instrument.notional_min = qty("100");
        let mut run = after_entries(spec, &[("spot.e0", held), ("short.e0", "0.001")]);
        run.send(&["spot.u0"]);
        assert_eq!(run.request("spot.u0").quantity, qty(excess));
        run.fill("spot.u0");
        assert_eq!((run.ending().unwrap().0, run.net().as_str()), (Ending::Flat, "0"));
    }
}

#[test]
fn lots_that_do_not_divide_each_other_go_as_one_wave_and_not_as_ever_smaller_ones() {
    let mut fine = leg("short", Side::Sell, "0.09");
    fine.instrument = linear("BTC", "0.00009");
    let mut coarse = spot_leg();
    coarse.instrument = spot("BTC", "0.001");
    let mut run = Harness::new(batch(vec![coarse, fine]));
    run.send(&["spot.e0", "short.e0"]);
    run.fill_partly("short.e0", "0.01683");
    let mut snapshot = run.traded("spot.e0", cancelled(), "0.017");
    snapshot.fills[0].fee = amount("0.000221");
    snapshot.fills[0].fee_asset = asset("BTC");
    run.run(run.looked("spot.e0", vec![snapshot]));
    assert_eq!(run.net(), "-0.000051");
    run.send(&["short.u0", "spot.u0"]);
    assert_eq!(run.request("spot.u0").quantity, qty("0.016"));
    assert_eq!(run.request("short.u0").quantity, qty("0.01602"));
    run.fill("spot.u0");
    run.fill("short.u0");
    assert_eq!((run.ending().unwrap().0, run.net().as_str()), (Ending::Flat, "-0.000031"));
}

#[test]
fn two_underlyings_are_levelled_each_on_its_own() {
    let mut eth = leg("eth", Side::Sell, "2");
    eth.instrument = linear("ETH", "0.01");
    let mut spec = batch(vec![leg("btc", Side::Buy, "0.1"), eth]);
    spec.legs.push(leg("other", Side::Sell, "0.1"));
    spec.listing.push(2);
    let mut run = after_entries(spec, &[("btc.e0", "0.1"), ("eth.e0", "2"), ("other.e0", "0.04")]);
    let waves: Vec<_> =
        run.commands.iter().map(|command| show_command(run.saga.spec(), command)).collect();
    assert_eq!(waves, ["prepare btc.u0", "prepare eth.u0"]);
    assert_eq!(intents(&mut run, &["btc.u0"]), ["intent btc.u0 sell 0.06 64350 ioc reduce-only"]);
    // Neither waits for the other's orders.
    assert_eq!(intents(&mut run, &["eth.u0"]), ["intent eth.u0 buy 2 65650.1 ioc reduce-only"]);
}

/// Bitcoin and ether are held, and their hedge was refused.
fn two_exposed() -> Harness {
    let mut ether = leg("ether", Side::Buy, "1");
    ether.instrument = linear("ETH", "0.01");
    let legs = vec![leg("long", Side::Buy, "0.1"), ether, leg("short", Side::Sell, "0.1")];
    let mut run = Harness::new(batch(legs));
    run.send(&["long.e0", "ether.e0", "short.e0"]);
    run.fill("long.e0");
    run.fill("ether.e0");
    run.refuse("short.e0", RefusalKind::Final);
    run
}

#[test]
fn what_holds_one_underlying_back_leaves_another_to_go_on() {
    let mut run = two_exposed();
    run.send(&["long.u0"]);
    run.send(&["ether.u0"]);
    run.refuse("ether.u0", RefusalKind::RateLimited { retry_after_ms: 600_000 });
    assert_eq!(run.fill_partly("long.u0", "0.05").commands, ["prepare long.u1"]);
    run.send(&["long.u1"]);
    run.fill("long.u1");
    assert_eq!((run.ending(), run.net().as_str()), (None, "0"));
    run.later(60_000);
    run.audit();
    assert_eq!(
        run.ending(),
        Some((Ending::Parked, "not flat after 60000 ms of unwinding".to_owned()))
    );
}

#[test]
fn nothing_goes_on_beside_an_unwind_order_in_doubt() {
    let mut run = two_exposed();
    run.send(&["long.u0"]);
    assert_eq!(run.doubt("long.u0").commands, ["query long.u0 thorough urgent"]);
    assert_eq!(intents(&mut run, &["ether.u0"]), [""; 0], "K1");
}
