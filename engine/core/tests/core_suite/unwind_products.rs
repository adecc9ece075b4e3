//! Taking back across products: whatever two instruments filled, everything goes but dust (K2, K3, K6).
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::common::*;
use equipoise_core::*;
use proptest::prelude::{ProptestConfig, prop_assert, proptest};
use rust_decimal::Decimal;

const PRICE: &str = "65000";

/// The order executes this many units at the reference price; a spot buy pays its fee out of what it received.
fn execute(run: &mut Harness, tag: OrderTag, units: Decimal) {
    let name = show_tag(run.saga.spec(), tag);
    let request = run.request(&name);
    let whole = request.quantity.get() == units;
    let mut snapshot =
        run.traded(&name, if whole { ended() } else { cancelled() }, &units.to_string());
    let rules = run.saga.spec().leg(tag.leg).unwrap().instrument.clone();
    if rules.kind == InstrumentKind::Spot && request.side == Side::Buy {
        for fill in &mut snapshot.fills {
            fill.fee = Amount::from((fill.quantity.get() * rules.taker_fee.get()).round_dp(8));
            fill.fee_asset = rules.base.clone();
        }
    }
    run.run(run.looked(&name, vec![snapshot]));
}

/// A long and a short leg of these instruments, each filled to some thousandths of what fits a tenth of a bitcoin.
fn filled(instruments: [Instrument; 2], thousandths: [i64; 2]) -> Option<Harness> {
    let reference = price(PRICE);
    let mut legs = Vec::new();
    for ((name, side), rules) in
        [("long", Side::Buy), ("short", Side::Sell)].into_iter().zip(instruments)
    {
        let planned = rules.units_of(qty("0.1"), reference).unwrap().round_down(rules.lot);
        if planned < rules.smallest(reference) {
            return None;
        }
        let baseline = (rules.kind != InstrumentKind::Spot).then_some(Amount::ZERO);
        legs.push(LegSpec { instrument: rules, baseline, ..leg(name, side, &planned.to_string()) });
    }
    let mut run = Harness::new(batch(legs));
    let entries = ["long.e0", "short.e0"];
    run.send(&entries);
    for (name, part) in entries.into_iter().zip(thousandths) {
        let tag = run.tag(name);
        let rules = &run.saga.spec().leg(tag.leg).unwrap().instrument;
        let part = run.request(name).quantity.get() * Decimal::new(part, 3);
        let units = Qty::new(part).unwrap().round_down(rules.lot);
        execute(&mut run, tag, units.get());
    }
    Some(run)
}

/// Fills every order of compensation until the batch has ended.
fn take_back(run: &mut Harness) {
    for _ in 0..200 {
        if run.ending().is_some() {
            return;
        }
        let wanted = run.commands.iter().find_map(|command| match command {
            Command::Prepare(tags) => Some(tags.clone()),
            _ => None,
        });
        let Some(tags) = wanted else {
            run.audit();
            continue;
        };
        let ready = tags.iter().map(|tag| {
            let mut ready = run.ready(&show_tag(run.saga.spec(), *tag));
            let spec = run.saga.spec().leg(tag.leg).unwrap();
            ready.position =
                ready.position.filter(|_| spec.instrument.kind != InstrumentKind::Spot);
            ready
        });
        run.run(Event::Prepared(ready.collect()));
        for tag in tags {
            run.run(Event::Handed(tag));
            let name = show_tag(run.saga.spec(), tag);
            let units = run.request(&name).quantity.get();
            execute(run, tag, units);
        }
    }
    panic!("no end of taking back: {:?}", run.commands);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_two_products_filled_is_taken_back_but_dust(
        long in drawn(), short in drawn(), one in 0_i64..=1_000, other in 0_i64..=1_000,
    ) {
        let reference = price(PRICE);
        let dust = long.dust_base(reference).max(short.dust_base(reference)).get();
        // Where a tenth is too little for one order, there is no such batch.
        let Some(mut run) = filled([long.clone(), short.clone()], [one, other]) else { return Ok(()) };
        take_back(&mut run);
        let (ending, why) = run.ending().unwrap();
        prop_assert!(ending != Ending::Parked, "{why}");
        if ending == Ending::Flat {
            for (leg, rules) in (0..).zip([&long, &short]) {
                let left = rules.base_of(run.saga.holding(leg), reference);
                prop_assert!(left.magnitude().get() < dust, "{left} of {} is left", rules.symbol);
            }
        }
    }
}
