//! The claims can fail: with the core bent, the same searches find a path that breaks one of them.

#![cfg(planted)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests; the table is what a reader wants"
)]

use equipoise_core::planted::{Bent, bend};
use equipoise_exhaustive::{Breadth, Limits, Outcome, explore, run_matrix, small_configurations};

/// Bugs that small worlds of whole lots on linear instruments can show.
fn bank() -> [(&'static str, Bent); 1] {
    [("an order in doubt holds back no wave (K1)", Bent { doubt_ignored: true, ..Bent::default() })]
}

#[test]
fn a_bent_core_is_noticed_by_the_exhaustive_search() {
    for (bug, bent) in bank() {
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
    }
}

#[test]
fn a_bent_core_is_noticed_by_the_matrix() {
    for (bug, bent) in bank() {
        let _bent = bend(bent);
        let error = run_matrix(Breadth::Quick).err();
        let error = error.unwrap_or_else(|| panic!("{bug}: not noticed"));
        println!("| {bug} | {} | {} |", error.at, error.violation.claim);
    }
}
