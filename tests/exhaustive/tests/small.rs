//! The small configurations, exhausted, and the matrix.

#![allow(clippy::unwrap_used, reason = "tests")]

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

/// What is wrong today: of a request that the network repeats, one copy is refused by a documented code, which the
/// engine believes at once, and the other is executed.
#[test]
fn a_repeated_request_half_refused_is_reported_flat_and_is_not() {
    for class in [equipoise_core::ResendClass::A, equipoise_core::ResendClass::B] {
        let config = Config {
            name: "half refused".to_owned(),
            legs: vec![LegShape::market(class)],
            residual: equipoise_core::Residual::Unwind,
            budget: Budget { faults: 1, refusals: 1, ..Budget::default() },
            partial: false,
            prefixes: false,
            half_refused: true,
            orderly: false,
        };
        let found = explore(&config, Limits { states_max: 200_000 });
        let Outcome::Violated { claim, .. } = found.outcome else {
            panic!("it is right now: allow it in every configuration");
        };
        assert_eq!(claim, "flat holds nothing (S2)");
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
