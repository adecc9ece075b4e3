//! Simulations that every test run repeats; the `simulate` program runs many more.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use equipoise_simulation::{Scenario, Tally, simulate};

/// Seeds of a plain test run.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=400;
/// Situations and faults that so few seeds may miss; the program's run of many may miss none.
const MISSED_MAX: usize = 6;

/// Kept simulations by the name of their file.
fn kept() -> Vec<(String, Scenario)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    let mut kept = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let scenario = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            kept.push((path.file_stem().unwrap().to_string_lossy().into_owned(), scenario));
        }
    }
    kept.sort_by(|(one, _), (other, _)| one.cmp(other));
    kept
}

#[test]
fn every_claim_holds_for_the_seeds_of_a_plain_run() {
    let mut tally = Tally::default();
    for seed in SEEDS {
        let outcome = simulate(&Scenario::from_seed(seed), false);
        assert_eq!(outcome.violation, None, "seed {seed}");
        tally.merge(&outcome.tally);
    }
    let missed = tally.missed();
    assert!(missed.len() <= MISSED_MAX, "never reached: {missed:?}");
}

#[test]
fn the_same_seed_leaves_the_same_trace() {
    for seed in SEEDS.take(40) {
        let scenario = Scenario::from_seed(seed);
        let (quiet, told) = (simulate(&scenario, false), simulate(&scenario, true));
        assert_eq!(quiet.hash, told.hash, "seed {seed}");
        assert_eq!(quiet.tally, told.tally, "seed {seed}");
        assert_eq!(told.trace, simulate(&scenario, true).trace, "seed {seed}");
    }
}

#[test]
fn kept_simulations_hold_every_claim() {
    let kept = kept();
    assert!(!kept.is_empty());
    for (name, scenario) in kept {
        assert_eq!(simulate(&scenario, false).violation, None, "{name}");
    }
}
