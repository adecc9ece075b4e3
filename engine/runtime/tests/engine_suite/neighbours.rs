//! K5: what an account's position says of a batch, and which other batches end that.

use equipoise_core::{BatchStatus, Side};
use equipoise_runtime::{CheckError, SubmitError};

use super::exchange::OnPlace;
use super::setup::{Desk, leg, let_run, pass_ms, plan, resting};

/// Long at binance, with a hedge at bybit that rests until it is cancelled: then the long is taken back.
/// True if that order was marked as reduce-only.
async fn unwinds_reduce_only(other_quantity: &str) -> bool {
    let desk = Desk::quick();
    let engine = desk.engine().await;
    desk.bybit.play([OnPlace::Rest]);
    let short = resting(leg("short", "bybit", Side::Sell, "0.1"));
    let waiting = plan("waiting", vec![leg("long", "binance", Side::Buy, "0.1"), short]);
    let handle = engine.submit(&waiting).await.unwrap();
    pass_ms(1_000).await;
    let other = plan("other", vec![leg("more", "binance", Side::Buy, other_quantity)]);
    match engine.submit(&other).await {
        Ok(other) => assert_eq!(other.wait().await.unwrap().status, BatchStatus::Done),
        Err(error) => assert!(matches!(error, SubmitError::Check(CheckError::Size(_))), "{error}"),
    }
    let_run().await;
    handle.cancel();
    let report = handle.wait().await.unwrap();
    assert_eq!(report.status, BatchStatus::Flat, "{}", report.why);
    let unwind = desk.binance.asked().pop().unwrap();
    assert_eq!(unwind.side, Side::Sell);
    unwind.reduce_only
}

#[tokio::test(start_paused = true)]
async fn a_submission_that_was_refused_takes_no_evidence_from_those_that_trade() {
    assert!(unwinds_reduce_only("0.00001").await, "refused: too small to trade");
    assert!(!unwinds_reduce_only("0.05").await, "admitted: the position is of both");
}
