//! The claims can fail: with the core bent, the same searches find a path that breaks the claim that is about it.

#![cfg(planted)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests; the table is what a reader wants"
)]

use equipoise_core::planted::{Bent, bend};
use rust_decimal::Decimal;

use equipoise_exhaustive::{Breadth, Limits, Outcome, explore, run_matrix, small_configurations};

/// One planted bug.
struct Bug {
    name: &'static str,
    bent: Bent,
    /// The claims that it breaks; another one would be noticed by chance.
    breaks: &'static [&'static str],
    /// The small configurations of the search can show it too, not only the matrix.
    searched: bool,
}

fn bank() -> [Bug; 5] {
    let straight = Bent::default();
    [
        Bug {
            name: "an order in doubt holds back no wave (K1)",
            bent: Bent { doubt_ignored: true, ..straight },
            breaks: &["K1"],
            searched: true,
        },
        Bug {
            name: "inverse delta at each fill's own price (K7)",
            bent: Bent { inverse_at_fill_price: true, ..straight },
            breaks: &["K7"],
            searched: true,
        },
        Bug {
            name: "a fee in the base asset is not counted (K2)",
            bent: Bent { base_fee_ignored: true, ..straight },
            breaks: &["K2"],
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
            breaks: &["V10"],
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
    for Bug { name: bug, bent, breaks, .. } in bank().into_iter().filter(|bug| bug.searched) {
        let _bent = bend(bent);
        let broken = small_configurations().iter().find_map(|config| {
            let found = explore(config, Limits { states_max: 200_000 });
            println!(
                "{} {:?} {}",
                config.name,
                std::mem::discriminant(&found.outcome),
                found.states
            );
            match found.outcome {
                Outcome::Violated { claim, .. } => Some((config.name.clone(), claim)),
                _ => None,
            }
        });
        let (config, claim) = broken.unwrap_or_else(|| panic!("{bug}: not noticed"));
        println!("| {bug} | {config} | {claim} |");
        assert!(breaks.contains(&claim), "{bug}: noticed by another claim, {claim}");
    }
}

#[test]
fn a_bent_core_is_noticed_by_the_matrix() {
    for Bug { name: bug, bent, breaks, .. } in bank() {
        let _bent = bend(bent);
        let error = run_matrix(Breadth::Quick).err();
        let error = error.unwrap_or_else(|| panic!("{bug}: not noticed"));
        let claim = error.violation.claim;
        println!("| {bug} | {} | {claim} |", error.at);
        assert!(breaks.contains(&claim), "{bug}: noticed by another claim, {claim}");
    }
}
