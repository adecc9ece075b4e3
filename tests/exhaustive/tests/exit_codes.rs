//! What the program says by its exit code.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::{Command, Output};

fn explore(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_exhaustive")).args(arguments).output().unwrap()
}

fn says(output: &Output, text: &str) -> bool {
    String::from_utf8_lossy(&output.stdout).contains(text)
}

const BOUNDED: [&str; 5] = ["--small", "--states-max", "50", "two legs BC small", "--csv"];

#[test]
fn a_search_that_stops_at_its_bound_is_no_success() {
    let output = explore(&[&BOUNDED[..], &["unused"]].concat());
    assert_eq!(output.status.code(), Some(4));
    assert!(says(&output, "NOT COMPLETE: two legs BC small stopped at 50 states"));
}

#[test]
fn unless_a_bound_was_asked_for() {
    let output = explore(&[&BOUNDED[..], &["unused", "--bounded"]].concat());
    assert_eq!(output.status.code(), Some(0));
    assert!(says(&output, "NOT COMPLETE"));
}

#[test]
fn a_name_that_no_configuration_has_is_no_success() {
    assert_eq!(explore(&["nine legs"]).status.code(), Some(2));
}
