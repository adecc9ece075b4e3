//! `doctor` says of every configured venue whether a batch could run there, and sends no order.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use serde_json::Value;
use support::Desk;

fn verdicts(document: &Value, venue: usize) -> Vec<(String, String)> {
    let checks = document["venues"][venue]["checks"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    checks.iter().map(|check| (text(&check["check"]), text(&check["verdict"]))).collect()
}

fn all(verdicts: [(&str, &str); 7]) -> Vec<(String, String)> {
    verdicts.map(|(check, verdict)| (check.to_owned(), verdict.to_owned())).into()
}

#[test]
fn venues_that_answer_are_well_in_every_check() {
    let desk = Desk::with_venues(None);
    let document = desk.call(&["doctor", "--json"]).ended(0);
    assert_eq!(document["could_run"], true);
    let well = all([
        ("reachable", "ok"),
        ("clock", "ok"),
        ("key", "ok"),
        ("withdrawal", "ok"),
        ("position mode", "ok"),
        ("instruments", "ok"),
        ("balances", "ok"),
    ]);
    assert_eq!([verdicts(&document, 0), verdicts(&document, 1)], [well.clone(), well]);
    assert_eq!(desk.order_count(), 0);
}

#[test]
fn a_venue_nobody_serves_is_said_to_be_out_of_reach() {
    let desk = Desk::without_venues();
    let document = desk.call(&["doctor", "--json"]).ended(1);
    assert_eq!(document["could_run"], false);
    assert_eq!(verdicts(&document, 0), [("reachable".to_owned(), "bad".to_owned())]);
}

#[test]
fn a_key_that_is_refused_is_named_and_no_secret_is() {
    let mut desk = Desk::with_venues(None);
    desk.set_env("BYBIT_API_SECRET", "another-secret-7391");
    let document = desk.call(&["doctor", "--json"]).ended(1);
    let bybit = document["venues"].as_array().unwrap();
    let bybit = bybit.iter().position(|venue| venue["adapter"] == "bybit-linear").unwrap();
    assert_eq!(verdicts(&document, bybit)[2], ("key".to_owned(), "bad".to_owned()));
    assert!(!document.to_string().contains("7391"));
}
