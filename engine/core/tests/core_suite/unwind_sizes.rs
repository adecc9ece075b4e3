//! Sizes of what is taken back where positions are shared by legs, lots differ, or venues limit an order (K2, K3, K7).
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::common::*;
use equipoise_core::*;
use rust_decimal::Decimal;

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

/// Side, lot, largest order and held quantity of a leg, in thousandths.
type Held = (Side, i64, i64, i64);

/// Which leg an order takes back from, and how many thousandths.
type Taken = (usize, i64);

/// What the first wave takes back of these legs, in thousandths, the legs in the order in which they are asked.
fn first_wave(legs: &[Held]) -> Vec<(usize, String)> {
    let thousandths = |number: i64| Qty::new(Decimal::new(number, 3)).unwrap();
    let name = |index: usize| ["a", "b", "c"][index];
    // Later legs are asked first.
    let listed = legs.iter().enumerate().rev().map(|(index, (side, lot, largest, _))| {
        let mut leg = leg(name(index), *side, "1");
        leg.instrument = linear("BTC", &thousandths(*lot).to_string());
        leg.instrument.quantity_max = thousandths(*largest);
        leg
    });
    let mut run = Harness::new(batch(listed.collect()));
    let entries: Vec<_> =
        (0..legs.len()).rev().map(|index| format!("{}.e0", name(index))).collect();
    run.send(&entries.iter().map(String::as_str).collect::<Vec<_>>());
    for (index, (_, _, _, held)) in legs.iter().enumerate() {
        run.fill_partly(&format!("{}.e0", name(index)), &thousandths(*held).to_string());
    }
    let Some(Command::Prepare(wave)) = run.commands.first().cloned() else { panic!("no wave") };
    let wave: Vec<_> = wave.iter().map(|tag| show_tag(run.saga.spec(), *tag)).collect();
    run.send(&wave.iter().map(String::as_str).collect::<Vec<_>>());
    let place = |order: &str| (0..3).find(|index| order.starts_with(name(*index))).unwrap();
    wave.iter()
        .map(|order| {
            (
                place(order),
                (run.request(order).quantity.get() * Decimal::from(1_000)).normalize().to_string(),
            )
        })
        .collect()
}

#[test]
fn a_matched_wave_is_as_large_as_it_can_be_without_leaving_what_could_be_traded() {
    use Side::{Buy, Sell};
    const ANY: i64 = 1_000_000;
    // Small numbers at each of which one condition decides: no wave may leave more net delta than there was, but for
    // less than the finest lot or, where lots and largest orders allow no better, than the coarsest.
    let cases: &[(&[Held], &[Taken])] = &[
        // One more is held than sold: taking back two more than is bought back leaves one.
        (&[(Buy, 2, ANY, 10), (Sell, 1, 8, 9)], &[(0, 10), (1, 8)]),
        // All but one goes at once; level would be six each, too much smaller a wave.
        (&[(Buy, 2, ANY, 8), (Sell, 1, 7, 8)], &[(0, 8), (1, 7)]),
        // A cut that is hardly smaller and leaves less is taken.
        (&[(Buy, 3, ANY, 18), (Sell, 1, ANY, 10), (Sell, 2, 6, 8)], &[(0, 15), (1, 10), (2, 4)]),
        (&[(Buy, 4, ANY, 36), (Sell, 7, ANY, 14), (Sell, 2, 18, 24)], &[(0, 32), (1, 14), (2, 18)]),
        // One that leaves as much is not.
        (&[(Buy, 4, ANY, 40), (Sell, 1, 3, 5), (Sell, 4, ANY, 36)], &[(0, 40), (1, 3), (2, 36)]),
        // The smaller side's largest order sets the size.
        (&[(Buy, 4, 4, 8), (Sell, 2, ANY, 2), (Sell, 3, ANY, 6)], &[(0, 4), (1, 2)]),
        (&[(Buy, 3, ANY, 6), (Sell, 4, 4, 8)], &[(0, 3), (1, 4)]),
    ];
    for (legs, wave) in cases {
        let wave: Vec<_> = wave.iter().map(|(leg, size)| (*leg, size.to_string())).collect();
        assert_eq!(first_wave(legs), wave, "{legs:?}");
    }
}
