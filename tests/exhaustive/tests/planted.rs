//! The claims can fail: with the core bent, the same searches find a path that breaks the claim that is about it.

#![cfg(planted)]
#![allow(clippy::print_stdout, reason = "tests; the table is what a reader wants")]

use equipoise_core::planted::{Bent, bend};
use rust_decimal::Decimal;

use equipoise_exhaustive::{Breadth, Limits, Outcome, explore, run_matrix, small_configurations};

/// One planted bug.
struct Bug {
    name: &'static str,
    bent: Bent,
    /// The claims that it breaks, one of which must notice it; another one would do so by chance.
    breaks: &'static [&'static str],
    /// The small configurations of the search can show it too, not only the matrix.
    searched: bool,
}

const K1: &str = "nothing leaves while an order is in doubt (K1)";

fn bank() -> [Bug; 5] {
    let straight = Bent::default();
    [
        Bug {
            name: "an order in doubt holds back no wave (K1)",
            bent: Bent { doubt_ignored: true, ..straight },
            breaks: &[K1, "flat holds dust at most (S2)"],
            searched: true,
        },
        Bug {
            name: "inverse delta at each fill's own price (K7)",
            bent: Bent { inverse_at_fill_price: true, ..straight },
            breaks: &["what is held is what is reported (S2)"],
            searched: true,
        },
        Bug {
            name: "a fee in the base asset is not counted (K2)",
            bent: Bent { base_fee_ignored: true, ..straight },
            breaks: &[
                "no more is taken back than was received (K2)",
                "what is held is what is reported (S2)",
            ],
            searched: false,
        },
        Bug {
            name: "sizes are rounded down by a lot too much (V10)",
            bent: Bent { round_down: Some(round_further), ..straight },
            breaks: &["sizes give up less than a lot (V10)"],
            searched: false,
        },
        Bug {
            name: "sizes are rounded up (V10)",
            bent: Bent { round_down: Some(round_up), ..straight },
            breaks: &["sizes are rounded down (V10)"],
            searched: false,
        },
    ]
}

fn round_up(value: Decimal, step: Decimal) -> Decimal {
    (value / step).ceil() * step
}

fn round_further(value: Decimal, step: Decimal) -> Decimal {
    let lots = (value / step).floor();
    if lots > Decimal::ONE { (lots - Decimal::ONE) * step } else { lots * step }
}

#[test]
fn a_bent_core_is_noticed_by_the_exhaustive_search() {
    let mut missed = Vec::new();
    for Bug { name: bug, bent, breaks, .. } in bank().into_iter().filter(|bug| bug.searched) {
        let _bent = bend(bent);
        let broken = small_configurations().into_iter().find_map(|config| {
            match explore(&config, Limits { states_max: 200_000 }).outcome {
                Outcome::Violated { claim, .. } => Some((config.name, claim)),
                _ => None,
            }
        });
        println!("| {bug} | {broken:?} |");
        if !broken.is_some_and(|(_, claim)| breaks.contains(&claim)) {
            missed.push(bug);
        }
    }
    assert!(missed.is_empty(), "not noticed, or not by the claim it breaks: {missed:?}");
}

#[test]
fn a_bent_core_is_noticed_by_the_matrix() {
    let mut missed = Vec::new();
    for Bug { name: bug, bent, breaks, .. } in bank() {
        let _bent = bend(bent);
        let broken = run_matrix(Breadth::Quick).err();
        let broken = broken.map(|error| (error.at, error.violation.claim));
        println!("| {bug} | {broken:?} |");
        if !broken.is_some_and(|(_, claim)| breaks.contains(&claim)) {
            missed.push(bug);
        }
    }
    assert!(missed.is_empty(), "not noticed, or not by the claim it breaks: {missed:?}");
}
