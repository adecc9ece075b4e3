//! Cancel, stop, drain and close, in every phase of a batch.

use equipoise_core::{BatchStatus, LegStatus, RefusalKind, Side};
use equipoise_runtime::SubmitError;

use super::exchange::{Call, OnPlace};
use super::setup::{Desk, chain, key, leg, let_run, pair, pass_ms, plan, resting};

fn is_place(call: &Call) -> bool {
    matches!(call, Call::Place(_))
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_the_plan_is_checked_refuses_it_and_keeps_its_key_free() {
    let mut desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.take_ms(50);
    let submitted = tokio::spawn({
        let engine = engine.clone();
        async move { engine.submit(&pair("now", "0.1")).await }
    });
    pass_ms(75).await;
    engine.stop();
    assert_eq!(submitted.await.unwrap().err(), Some(SubmitError::Stopping));
    assert_eq!(desk.binance.count(is_place) + desk.bybit.count(is_place), 0);
    assert_eq!(desk.durable(key(&pair("now", "0.1"))), []);
    engine.drain().await;
    desk.crash();
    let report = desk.engine().await.submit(&pair("now", "0.1")).await.unwrap().wait().await;
    assert_eq!(report.unwrap().status, BatchStatus::Done);
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_the_first_wave_is_being_synced_sends_none_of_it() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.disk.hold_syncs(true);
    let submitted = tokio::spawn({
        let engine = engine.clone();
        async move { engine.submit(&pair("now", "0.1")).await }
    });
    let_run().await;
    engine.stop();
    desk.disk.hold_syncs(false);
    let report = submitted.await.unwrap().unwrap().wait().await.unwrap();
    assert_eq!(report.status, BatchStatus::Flat);
    assert_eq!(desk.binance.count(is_place) + desk.bybit.count(is_place), 0);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_takes_a_resting_order_off_the_book_and_the_batch_ends_flat() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.bybit.play([OnPlace::Rest]);
    let plan = plan("now", vec![resting(leg("long", "bybit", Side::Buy, "0.1"))]);
    let handle = engine.submit(&plan).await.unwrap();
    pass_ms(3_000).await;
    let before = desk.now_ms();
    handle.cancel();
    let report = handle.wait().await.unwrap();
    assert_eq!(report.status, BatchStatus::Flat);
    assert_eq!(report.legs[0].status, LegStatus::Cancelled);
    assert!(desk.now_ms() - before < 1_000, "took {} ms", desk.now_ms() - before);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_after_a_partial_fill_takes_exactly_that_back() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::Rest]);
    let plan = plan("now", vec![resting(leg("long", "binance", Side::Buy, "0.1"))]);
    let handle = engine.submit(&plan).await.unwrap();
    pass_ms(500).await;
    desk.binance.trade(0, "0.04");
    handle.cancel();
    let report = handle.wait().await.unwrap();
    assert_eq!(report.status, BatchStatus::Flat);
    assert!(desk.binance.net().is_zero());
    assert_eq!(desk.binance.orders()[1].request.quantity.to_string(), "0.04");
}

#[tokio::test(start_paused = true)]
async fn a_cancel_between_two_waves_releases_no_second_one() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::Lose]);
    let handle = engine.submit(&chain("now")).await.unwrap();
    pass_ms(100).await;
    handle.cancel();
    let report = handle.wait().await.unwrap();
    assert_eq!(report.status, BatchStatus::Flat);
    assert_eq!(desk.bybit.count(is_place), 0);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_while_an_order_is_in_doubt_waits_for_its_outcome_and_takes_it_back() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::FillUnheard]);
    desk.binance.take_ms(200);
    let handle = engine.submit(&pair("now", "0.1")).await.unwrap();
    handle.cancel();
    let report = handle.wait().await.unwrap();
    // Both had been sent; both filled: that is as planned, and nothing new was risked.
    assert_eq!(report.status, BatchStatus::Done);
    assert_eq!((desk.binance.orders().len(), desk.bybit.orders().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_cancel_during_compensation_does_not_stop_it() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.bybit.play([OnPlace::Refuse(RefusalKind::Final)]);
    desk.binance.play([OnPlace::Fill, OnPlace::Partial("0.03")]);
    let handle = engine.submit(&pair("now", "0.1")).await.unwrap();
    let mut events = handle.events();
    while let Some(event) = events.next().await {
        if matches!(event.record, equipoise_core::Record::UnwindStarted { .. }) {
            handle.cancel();
        }
    }
    assert_eq!(handle.wait().await.unwrap().status, BatchStatus::Flat);
    assert!(desk.binance.net().is_zero());
}

#[tokio::test(start_paused = true)]
async fn a_cancel_after_the_end_changes_nothing() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    let handle = engine.submit(&pair("now", "0.1")).await.unwrap();
    let report = handle.wait().await.unwrap();
    handle.cancel();
    assert_eq!(handle.wait().await.unwrap(), report);
}

#[tokio::test(start_paused = true)]
async fn draining_waits_for_what_runs_and_takes_nothing_new_but_still_answers_repeats() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::Lose]);
    let handle = engine.submit(&pair("one", "0.1")).await.unwrap();
    let drained = tokio::spawn({
        let engine = engine.clone();
        async move { engine.drain().await }
    });
    let_run().await;
    assert!(!drained.is_finished());
    assert_eq!(engine.submit(&pair("two", "0.1")).await.err(), Some(SubmitError::Stopping));
    assert!(engine.submit(&pair("one", "0.1")).await.unwrap().is_duplicate());
    drained.await.unwrap();
    assert_ne!(handle.status(), BatchStatus::Running);
    engine.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn draining_counts_a_submission_that_is_still_being_checked() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.take_ms(50);
    let submitted = tokio::spawn({
        let engine = engine.clone();
        async move { engine.submit(&pair("now", "0.1")).await.unwrap().wait().await.unwrap() }
    });
    let_run().await;
    engine.drain().await;
    engine.close().await.unwrap();
    assert_eq!(submitted.await.unwrap().status, BatchStatus::Done);
}

#[tokio::test(start_paused = true)]
async fn a_submission_that_waits_for_recovery_is_refused_when_the_engine_stops() {
    let mut desk = Desk::new();
    desk.binance.play([OnPlace::Lose]);
    desk.engine().await.submit(&pair("one", "0.1")).await.unwrap();
    let_run().await;
    desk.crash();
    let engine = desk.engine().await;
    let submitted = tokio::spawn({
        let engine = engine.clone();
        async move { engine.submit(&pair("two", "0.1")).await }
    });
    let_run().await;
    assert!(!submitted.is_finished());
    engine.stop();
    assert_eq!(submitted.await.unwrap().err(), Some(SubmitError::Stopping));
    engine.drain().await;
}
