//! Every named fault over real HTTP: the batch ends as it should and the exchanges' own ledgers agree.
#![allow(clippy::unwrap_used, reason = "tests")]

mod harness;

use equipoise::{BatchReport, BatchStatus, LegStatus};
use harness::{Exchanges, memory, pair};
use rust_decimal::Decimal;

async fn run_with(fault: Option<&str>) -> (BatchReport, [Decimal; 2], [usize; 2]) {
    let exchanges = Exchanges::start().await;
    if let Some(fault) = fault {
        exchanges.play(fault);
    }
    let engine = exchanges.engine(memory()).await;
    let report = engine.submit(&pair("now", "0.1")).await.unwrap().wait().await.unwrap();
    let orders = exchanges.ledgers().map(|ledger| ledger.orders.len());
    (report, exchanges.executed(), orders)
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn assert_done(report: &BatchReport, executed: [Decimal; 2], orders: [usize; 2]) {
    assert_eq!(report.status, BatchStatus::Done, "{report:#?}");
    assert!(report.net_delta.values().all(|delta| delta.is_zero()));
    assert_eq!(executed, [decimal("0.1"), decimal("-0.1")]);
    assert_eq!(orders, [1, 1]);
}

fn assert_flat(report: &BatchReport, executed: [Decimal; 2]) {
    assert_eq!(report.status, BatchStatus::Flat, "{report:#?}");
    assert!(report.net_delta.values().all(|delta| delta.is_zero()));
    assert_eq!(executed, [Decimal::ZERO, Decimal::ZERO]);
}

#[tokio::test]
async fn without_a_fault_both_legs_fill_once() {
    let (report, executed, orders) = run_with(None).await;
    assert_done(&report, executed, orders);
}

#[tokio::test]
async fn a_lost_answer_is_found_and_not_repeated() {
    let (report, executed, orders) = run_with(Some("bybit-timeout-after-accept")).await;
    assert_done(&report, executed, orders);
}

#[tokio::test]
async fn a_lost_request_is_sent_again_under_the_same_id() {
    let (report, executed, orders) = run_with(Some("bybit-timeout-lost")).await;
    assert_done(&report, executed, orders);
    assert_eq!(report.legs[1].client_order_ids.len(), 1);
}

#[tokio::test]
async fn an_unknown_503_after_acceptance_is_found_and_not_repeated() {
    let (report, executed, orders) = run_with(Some("binance-503-unknown")).await;
    assert_done(&report, executed, orders);
}

#[tokio::test]
async fn a_refused_leg_takes_the_other_one_back() {
    let (report, executed, _) = run_with(Some("bybit-reject")).await;
    assert_flat(&report, executed);
    assert_eq!(report.legs[0].status, LegStatus::Unwound);
    assert_eq!(report.legs[1].status, LegStatus::Rejected);
}

#[tokio::test]
async fn a_leg_without_margin_takes_the_other_one_back() {
    let (report, executed, _) = run_with(Some("insufficient-margin")).await;
    assert_flat(&report, executed);
}

#[tokio::test]
async fn after_a_partial_fill_exactly_what_was_received_is_taken_back() {
    let (report, executed, orders) = run_with(Some("partial-fill")).await;
    assert_flat(&report, executed);
    assert_eq!(report.legs[1].filled.to_string(), "0.04");
    // The excess first, then the matched rest of both.
    assert_eq!(orders, [3, 2]);
}
