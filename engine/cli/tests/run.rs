//! `run` over HTTP against simulated exchanges in another process: endings, exit codes, repeats.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::process::Stdio;

use rust_decimal::Decimal;
use serde_json::{Value, json};
use support::{Desk, PLAN, QUICK_PLAN};

/// Every order of the report is in the ledgers and the other way round, with the same quantities.
fn assert_ledgers_agree(desk: &Desk, report: &Value) {
    let orders = desk.orders();
    for (index, adapter) in ["binance-usdm", "bybit-linear"].iter().enumerate() {
        let leg = &report["legs"][index];
        let accepted = orders.get(*adapter).cloned().unwrap_or_default();
        let ids = leg["client_order_ids"].as_array().unwrap();
        for order in &accepted {
            assert!(ids.contains(&json!(order.client_order_id)), "{order:?}");
        }
        let held: Decimal = accepted.iter().map(|order| order.side.signed(order.executed)).sum();
        let holding: Decimal = leg["holding"].as_str().unwrap().parse().unwrap();
        assert_eq!(held, holding, "{leg}");
        let opened: Decimal =
            accepted.iter().filter(|order| !order.reduce_only).map(|order| order.executed).sum();
        let filled: Decimal = leg["filled"].as_str().unwrap().parse().unwrap();
        assert_eq!(opened, filled, "{leg}");
    }
}

fn assert_ends(fault: &str, code: i32, status: &str) {
    let desk = Desk::with_venues(Some(fault));
    let report = desk.call(&["run", "plan.toml", "--json"]).ended(code);
    assert_eq!(report["status"], status, "{report}");
    assert_eq!(report["duplicate"], false);
    assert_eq!(report["net_delta"], json!({ "BTC": "0" }));
    assert_ledgers_agree(&desk, &report);

    let count = desk.order_count();
    let again = desk.call(&["run", "plan.toml", "--json"]).ended(code);
    assert_eq!(again["duplicate"], true);
    assert_eq!(again["legs"], report["legs"]);
    assert_eq!(desk.order_count(), count);
}

#[test]
fn a_plan_that_fills_is_done_and_its_report_has_every_field() {
    let desk = Desk::with_venues(None);
    let key = desk.call(&["key", "plan.toml", "--json"]).ended(0)["key"].clone();
    let report = desk.call(&["run", "plan.toml", "--json"]).ended(0);
    let id = |leg: usize| report["legs"][leg]["client_order_ids"].clone();
    let wanted = json!({
        "key": key, "strategy": "funding-arb", "occasion": "2026-11-22T08:00:00Z",
        "status": "done", "duplicate": false, "why": "every leg filled as planned",
        "legs": [
            {
                "name": "long", "venue": "binance", "instrument": "BTCUSDT", "side": "buy",
                "client_order_ids": id(0), "status": "filled", "planned": "0.1", "filled": "0.1",
                "holding": "0.1", "unit": "BTC", "average_price": "65000", "fees": { "USDT": "3.25" },
                "reason": null,
            },
            {
                "name": "short", "venue": "bybit", "instrument": "BTCUSDT", "side": "sell",
                "client_order_ids": id(1), "status": "filled", "planned": "0.1", "filled": "0.1",
                "holding": "-0.1", "unit": "BTC", "average_price": "65006.4",
                "fees": { "USDT": "3.575352" }, "reason": null,
            },
        ],
        "net_delta": { "BTC": "0" }, "alarms": [], "exposure_ms": report["exposure_ms"],
        "admitted_at": report["admitted_at"], "ended_at": report["ended_at"],
    });
    assert_eq!(report, wanted);
    assert_eq!(id(0).as_array().unwrap().len(), 1);
    assert_ledgers_agree(&desk, &report);
}

#[test]
fn a_repeated_run_gives_the_stored_result_and_sends_nothing() {
    let desk = Desk::with_venues(None);
    let first = desk.call(&["run", "quick.toml", "--json"]).ended(0);
    assert_eq!(desk.order_count(), 1);
    let mut second = desk.call(&["--json", "run", "quick.toml"]).ended(0);
    assert_eq!(second["duplicate"], true);
    second["duplicate"] = json!(false);
    assert_eq!(second, first);
    assert_eq!(desk.order_count(), 1);
}

#[test]
fn a_reordered_plan_with_other_spellings_of_its_numbers_is_the_same_batch() {
    let desk = Desk::with_venues(None);
    let plan = PLAN.replacen("\"binance\"", "\"bybit\"", 1).replacen("BTCUSDT", "ETHUSDT", 1);
    desk.write("plan.toml", &plan);
    desk.call(&["run", "plan.toml", "--json"]).ended(0);
    let (head, legs) = plan.split_at(plan.find("[[legs]]").unwrap());
    let (legs, policy) = legs.split_at(legs.find("[policy]").unwrap());
    let (long, short) = legs.split_at(legs.rfind("[[legs]]").unwrap());
    let swapped = format!("{head}{short}{long}{policy}").replace("\"0.1\"", "\"0.100\"");
    desk.write("swapped.toml", &swapped);
    let report = desk.call(&["run", "swapped.toml", "--json"]).ended(0);
    assert_eq!(report["duplicate"], true);
    assert_eq!(desk.order_count(), 2);
}

#[test]
fn every_named_fault_ends_neutral_with_its_exit_code() {
    // Side by side: they mostly wait for venues.
    std::thread::scope(|scope| {
        for (fault, code, status) in [
            ("bybit-reject", 3, "flat"),
            ("bybit-timeout-after-accept", 0, "done"),
            ("bybit-timeout-lost", 0, "done"),
            ("partial-fill", 3, "flat"),
            ("binance-503-unknown", 0, "done"),
            ("insufficient-margin", 3, "flat"),
            // Refused by the matching engine, which looks at the deadline; executed late, with a margin that covers it.
            ("binance-usdm-late-execution", 0, "done"),
            ("bybit-linear-late-execution", 0, "done"),
        ] {
            scope.spawn(move || assert_ends(fault, code, status));
        }
    });
}

#[test]
fn a_residual_under_the_park_policy_is_reported_exactly() {
    let desk = Desk::with_venues(Some("partial-fill"));
    desk.write("plan.toml", &PLAN.replace("\"unwind\"", "\"park\""));
    let report = desk.call(&["run", "plan.toml", "--json"]).ended(4);
    assert_eq!(report["status"], "parked");
    assert_eq!(report["net_delta"], json!({ "BTC": "0.06" }));
    assert_eq!(report.get("in_doubt"), None);
    assert_ledgers_agree(&desk, &report);
    assert_eq!(desk.call(&["run", "plan.toml", "--json"]).ended(4)["duplicate"], true);
    assert_eq!(desk.call(&["recover"]).code(), 0);
}

#[test]
fn every_journal_kind_runs_a_plan() {
    for kind in ["sled", "redb", "memory"] {
        let desk = Desk::with_journal(kind, None);
        let report = desk.call(&["run", "quick.toml", "--json"]).ended(0);
        assert_eq!(report["status"], "done", "{kind}");
        assert_eq!(desk.path("journal").exists(), kind != "memory", "{kind}");
    }
}

#[test]
fn a_lost_journal_is_noticed_at_the_venue_and_nothing_is_sent() {
    let desk = Desk::with_venues(None);
    desk.call(&["run", "quick.toml", "--json"]).ended(0);
    std::fs::remove_dir_all(desk.path("journal")).unwrap();
    let answer = desk.call(&["run", "quick.toml", "--json"]);
    answer.failed(2, "journal_missing");
    assert_eq!(desk.order_count(), 1);
}

#[test]
fn the_same_key_with_another_payload_is_refused() {
    let desk = Desk::with_venues(None);
    desk.call(&["run", "quick.toml", "--json"]).ended(0);
    desk.write("other.toml", &QUICK_PLAN.replace("10000", "20000"));
    desk.call(&["run", "other.toml", "--json"]).failed(2, "key_used");
    assert_eq!(desk.order_count(), 1);
}

#[test]
fn another_size_for_the_same_occasion_is_refused() {
    let desk = Desk::with_venues(None);
    desk.call(&["run", "quick.toml", "--json"]).ended(0);
    desk.write("other.toml", &QUICK_PLAN.replace("\"0.1\"", "\"0.2\""));
    desk.call(&["run", "other.toml", "--json"]).failed(2, "occasion_used");
    assert_eq!(desk.order_count(), 1);
}

#[test]
fn people_read_the_account_on_stdout_and_what_happens_on_stderr() {
    let desk = Desk::with_venues(None);
    let answer = desk.call(&["run", "quick.toml"]);
    assert_eq!(answer.code(), 0);
    assert!(answer.stdout().starts_with("batch     "), "{answer:?}");
    assert!(answer.stdout().contains("net delta -0.1 BTC\n"), "{answer:?}");
    assert!(answer.stderr().contains("  short  intent "), "{answer:?}");
    let again = desk.call(&["run", "quick.toml"]);
    assert!(again.stdout().contains("had been submitted before"));
    let quiet = desk.call(&["run", "quick.toml", "--json"]);
    assert_eq!(quiet.stderr(), "");
}

#[test]
fn a_reader_that_went_away_does_not_end_a_run() {
    let desk = Desk::with_venues(None);
    let mut command = desk.command(&["run", "quick.toml"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(desk.order_count(), 1);
}
