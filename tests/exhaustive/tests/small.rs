//! The small configurations, exhausted, and the matrix.

#![allow(clippy::unwrap_used, reason = "tests")]

use equipoise_core::ResendClass;
use equipoise_exhaustive::{
    Breadth, Budget, Config, LegShape, Limits, Outcome, explore, run_matrix, small_configurations,
};

#[test]
fn every_state_of_the_small_configurations_keeps_every_claim() {
    for config in small_configurations() {
        let found = explore(&config, Limits { states_max: 1_000_000 });
        assert_eq!(found.outcome, Outcome::Complete, "{}", config.name);
        assert!(found.ends.contains_key("done"), "{} never ends well", config.name);
    }
}

/// Of a request that the network repeats, one copy is refused by a documented code, and the other is executed.
#[test]
fn a_repeated_request_half_refused_is_found_out_at_every_class() {
    for class in [ResendClass::A, ResendClass::B, ResendClass::C] {
        let config = Config {
            name: "half refused".to_owned(),
            legs: vec![LegShape::market(class)],
            residual: equipoise_core::Residual::Unwind,
            unwind_ms: 7_000,
            unwind_attempts: 2,
            budget: Budget { faults: 1, refusals: 1, ..Budget::default() },
            partial: false,
            prefixes: false,
            orderly: false,
        };
        assert_eq!(explore(&config, Limits { states_max: 2_000_000 }).outcome, Outcome::Complete);
    }
}

#[test]
fn an_exploration_that_stops_early_says_so() {
    let config = small_configurations().remove(0);
    let found = explore(&config, Limits { states_max: 100 });
    assert_eq!(found.outcome, Outcome::Bounded);
}

#[test]
fn every_crash_point_of_the_scenarios_with_every_fault_keeps_every_claim() {
    // The command `exhaustive --matrix` runs all of it.
    let matrix = run_matrix(Breadth::Quick).unwrap_or_else(|error| panic!("{error:?}"));
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/exhaustive-matrix.csv"), matrix.csv())
        .unwrap();
    assert!(matrix.runs > 5_000, "{} runs", matrix.runs);
}
