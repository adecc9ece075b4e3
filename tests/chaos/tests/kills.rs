//! A short run of everything that is done to real processes; the long runs are the program's.
#![allow(clippy::unwrap_used, reason = "tests")]
#![cfg(unix)]

use std::process::{Command, Output};

use serde_json::Value;

fn chaos(arguments: &[&str]) -> (Output, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_equipoise-chaos"));
    let output = command.args(arguments).arg("--json").output().unwrap();
    let document = serde_json::from_slice(&output.stdout).unwrap();
    (output, document)
}

#[test]
fn batches_under_trouble_end_neutral_and_as_the_exchanges_say() {
    let (output, document) = chaos(&["--runs", "20", "--jobs", "20"]);
    assert!(output.status.success(), "{document:#}");
    let found = &document["found"];
    let not_run = found["not_run"].as_object().unwrap().values();
    let not_run: u64 = not_run.map(|runs| runs.as_u64().unwrap()).sum();
    assert_eq!(found["runs"].as_u64().unwrap() + not_run, 20);
    assert!(found["counts"]["kills"].as_u64().unwrap() > 0, "{document:#}");
    assert_eq!(found["violations"], serde_json::json!({}));
}

/// Sixteen runs hold each kind of failpoint at least once.
#[test]
fn a_process_killed_between_a_write_its_sync_and_its_order_loses_nothing() {
    let (output, document) = chaos(&["--story", "failpoints", "--runs", "16", "--jobs", "16"]);
    assert!(output.status.success(), "{document:#}");
    let found = &document["found"];
    if found["not_run"].as_object().unwrap().is_empty() {
        let hit = found["failpoints"].as_object().unwrap().len();
        assert!(hit > 8, "{document:#}");
    }
}

#[test]
fn a_run_is_repeated_by_its_number() {
    let (output, document) = chaos(&["--seed", "1", "--run", "1"]);
    assert!(output.status.success(), "{document:#}");
    assert_eq!(document["seed"], 1);
    assert_eq!(document["found"]["runs"], 1);
}

#[test]
fn a_process_that_ends_otherwise_than_it_must_fails_the_run() {
    let (output, document) = chaos(&["--run", "1", "--seed", "1", "--binary", "/bin/false"]);
    assert_eq!(output.status.code(), Some(1));
    let failure = &document["found"]["failures"][0];
    assert_eq!(failure["repeat"], "equipoise-chaos --seed 1 --run 1");
}
