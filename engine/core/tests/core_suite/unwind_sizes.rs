//! Sizes of what is taken back where positions are shared by legs, lots differ, or venues limit an order (K2, K3, K7).
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::common::*;
use equipoise_core::*;

#[test]
fn a_position_is_taken_back_once_whatever_its_legs_bought_and_sold() {
    let mut spec = batch(vec![
        leg("apart", Side::Buy, "0.1"),
        leg("one", Side::Buy, "0.1"),
        after(leg("out", Side::Sell, "0.04"), &[1]),
        leg("two", Side::Buy, "0.1"),
        leg("hedge", Side::Sell, "0.26"),
    ]);
    for index in 2..4 {
        spec.legs[index].venue = spec.legs[1].venue.clone();
    }
    let mut run = Harness::new(spec);
    run.send(&["apart.e0", "one.e0", "two.e0", "hedge.e0"]);
    for name in ["apart.e0", "one.e0", "two.e0"] {
        run.fill(name);
    }
    run.send(&["out.e0"]);
    run.fill("out.e0");
    run.fill_partly("hedge.e0", "0");
    assert_eq!(
        intents(&mut run, &["two.u0", "one.u0", "apart.u0"]),
        [
            "intent two.u0 sell 0.1 64350 ioc reduce-only",
            "intent one.u0 sell 0.06 64350 ioc reduce-only",
            "intent apart.u0 sell 0.1 64350 ioc reduce-only",
        ],
        "of the three legs in one position 0.16 are held"
    );
}

#[test]
fn largest_orders_that_differ_by_the_finest_lot_are_cut_to_the_same_size() {
    let mut spec = pair(ResendClass::A);
    spec.legs[0].instrument.quantity_max = qty("0.04");
    spec.legs[1].instrument.quantity_max = qty("0.041");
    spec.legs.push(leg("third", Side::Buy, "0.01"));
    spec.listing.push(2);
    let entries = [("long.e0", "0.1"), ("short.e0", "0.1"), ("third.e0", "0")];
    let mut run = after_entries(spec, &entries);
    run.send(&["short.u0", "long.u0"]);
    assert_eq!(run.request("short.u0").quantity, qty("0.04"));
    assert_eq!(run.request("long.u0").quantity, qty("0.04"), "neutral stays neutral (K3)");
}

#[test]
fn what_is_bought_back_for_spot_is_grossed_up_before_it_is_cut_to_lots() {
    let mut sold = leg("spot", Side::Sell, "0.1");
    sold.instrument = spot("BTC", "0.001");
    let mut long = leg("long", Side::Buy, "0.1");
    long.instrument = linear("BTC", "0.00001");
    let entries = [("spot.e0", "0.1"), ("long.e0", "0.06101")];
    let mut run = after_entries(batch(vec![sold, long]), &entries);
    assert_eq!(run.net(), "-0.03899");
    let mut ready = run.ready("spot.u0");
    ready.position = None;
    // 0.03899 divided by 0.999 is a little more than 0.039.
    assert_eq!(
        run.run(Event::Prepared(vec![ready])).records,
        ["intent spot.u0 buy 0.039 65650.1 ioc"]
    );
}
