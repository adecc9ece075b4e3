//! Many seeds of a rough world: losses, delays, duplicates, refusals, partial fills, stops and kills.
//! Whatever happens, the exchanges' own books and the batch's account agree at the end.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests; the harness shows the seed only when one fails"
)]

use std::collections::BTreeMap;

use crate::common::exchange::Dice;
use crate::common::world::{Faults, World};
use crate::common::*;
use equipoise_core::*;

/// Plans of every shape, small lots and large ones.
fn plan(seed: u64) -> BatchSpec {
    let dice = &mut Dice(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) | 1);
    let lots = ["0.001", "0.001", "0.002", "0.005", "0.007", "0.01"];
    let mut any = |name: &str, side: Side, quantity: &str| {
        let classes = [ResendClass::A, ResendClass::B];
        let mut leg = class(leg(name, side, quantity), classes[dice.below(2) as usize]);
        leg.instrument = linear("BTC", lots[dice.below(6) as usize]);
        let rules = &mut leg.instrument;
        rules.notional_min = qty(["5", "100", "700"][dice.below(3) as usize]);
        rules.quantity_max = qty(["1000", "0.045"][dice.below(2) as usize]);
        leg
    };
    let mut legs = vec![any("long", Side::Buy, "0.1"), any("short", Side::Sell, "0.1")];
    let third = any("third", Side::Sell, "0.05");
    match dice.below(6) {
        0 => legs[1].after = vec![0],
        1 => legs[1] = of(legs[1].clone(), 0, "1"),
        2 => legs[0] = limit(legs[0].clone(), "64000", TimeInForce::Gtc),
        3 => {
            legs[1].quantity = LegQuantity::Fixed(qty("0.05"));
            legs.push(third);
        }
        4 => {
            legs[0] = limit(legs[0].clone(), "64000", TimeInForce::Gtc);
            legs[1] = of(legs[1].clone(), 0, "1");
        }
        _ => {}
    }
    let spec = batch(legs);
    if dice.percent(15) { park(spec) } else { spec }
}

fn run_all(seeds: std::ops::Range<u64>, faults: Faults) -> BTreeMap<&'static str, u32> {
    let mut endings = BTreeMap::new();
    for seed in seeds {
        eprintln!("seed {seed}");
        let mut world = World::new(plan(seed), faults, seed);
        world.run();
        *endings.entry(world.saga.status().as_str()).or_default() += 1;
        let why = &world.saga.ended().unwrap().why;
        if why == "the outcome of an order could not be learned" {
            *endings.entry("unlearned").or_default() += 1;
        }
    }
    endings
}

#[test]
fn in_a_calm_world_every_batch_ends_done_or_flat_or_is_parked_by_its_policy() {
    let endings = run_all(0..400, Faults::default());
    assert!(endings["done"] > 40 && endings["flat"] > 100, "{endings:?}");
    assert_eq!(endings.get("unlearned"), None, "every venue answers");
}

#[test]
fn losses_and_delays_change_no_account() {
    let faults = Faults {
        request_lost: 15,
        reply_lost: 15,
        request_late: 15,
        query_lost: 20,
        not_sent: 10,
        stale_position: 5,
        ..Faults::default()
    };
    let endings = run_all(1_000..1_600, faults);
    assert!(endings["done"] > 40 && endings["flat"] > 100, "{endings:?}");
}

#[test]
fn kills_at_any_moment_change_no_account() {
    let faults = Faults {
        request_lost: 8,
        reply_lost: 8,
        request_late: 8,
        query_lost: 10,
        not_sent: 5,
        kills: 4,
        ..Faults::default()
    };
    let endings = run_all(2_000..2_600, faults);
    assert!(endings["done"] > 20 && endings["flat"] > 100, "{endings:?}");
}

#[test]
fn a_stop_at_any_moment_runs_to_an_end() {
    let faults = Faults {
        request_lost: 8,
        reply_lost: 8,
        query_lost: 10,
        kills: 1,
        stop: true,
        ..Faults::default()
    };
    run_all(3_000..3_400, faults);
}

#[test]
fn requests_executed_twice_are_found_and_accounted_for() {
    let faults = Faults { request_doubled: 40, reply_lost: 10, ..Faults::default() };
    run_all(4_000..4_400, faults);
}

#[test]
fn a_journal_cut_after_any_record_is_carried_on_to_a_true_end() {
    let faults = Faults { request_lost: 10, reply_lost: 10, query_lost: 10, ..Faults::default() };
    for seed in 5_000..5_040 {
        let mut whole = World::new(plan(seed), faults, seed);
        whole.run();
        for cut in 1..whole.records.len() {
            eprintln!("seed {seed} cut {cut}");
            let mut world = World::new(plan(seed), faults, seed);
            world.dies_at = Some(cut);
            world.run_to_death();
            let kept = world.records.clone();
            world.resume(&kept);
            world.run();
        }
    }
}
