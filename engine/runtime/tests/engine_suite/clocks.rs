//! V7 and R2: stamps come from a venue clock that is fresh and certain, or there are none.

use equipoise_core::BatchStatus;
use equipoise_port::QueryError;
use equipoise_runtime::{CheckError, SubmitError};

use super::exchange::{Call, OnPlace};
use super::setup::{Desk, START, pair, pass_ms};

fn times(desk: &Desk) -> usize {
    desk.bybit.count(|call| *call == Call::ServerTime)
}

fn down() -> QueryError {
    QueryError::Unavailable("connection refused".into())
}

#[tokio::test(start_paused = true)]
async fn a_stamp_is_in_the_venues_time() {
    let desk = Desk::new();
    desk.binance.set_offset_ms(-7_000);
    let engine = desk.engine().await;
    engine.submit(&pair("now", "0.1")).await.unwrap().wait().await.unwrap();
    let sent = desk.binance.asked().remove(0);
    assert_eq!(sent.stamp().0, START.0 - 7_000);
    assert_eq!(sent.deadline.0, START.0 - 5_000);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_not_certain_to_a_quarter_of_the_window_stamps_nothing() {
    for (round_trip_ms, sends) in [(998, true), (1_000, false)] {
        let desk = Desk::new();
        let engine = desk.engine().await;
        desk.binance.take_ms_for_time(round_trip_ms);
        let submitted = engine.submit(&pair("now", "0.1")).await;
        assert_eq!(submitted.is_ok(), sends, "{round_trip_ms} ms");
        if let Err(error) = submitted {
            assert!(matches!(error, SubmitError::Check(CheckError::Unready { .. })));
            assert_eq!(desk.binance.asked(), []);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn concurrent_batches_share_one_measurement_and_it_is_used_again() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.bybit.take_ms(10);
    let plans: Vec<_> = (0..8).map(|index| pair(&format!("o-{index}"), "0.1")).collect();
    let all = futures::future::join_all(plans.iter().map(|plan| engine.submit(plan))).await;
    for handle in all {
        handle.unwrap().wait().await.unwrap();
    }
    // Class A: nothing but stamps needs the venue's time.
    assert_eq!(times(&desk), 1);
    pass_ms(29_000 - desk.now_ms()).await;
    engine.submit(&pair("later", "0.1")).await.unwrap();
    assert_eq!(times(&desk), 1);
    pass_ms(31_000 - desk.now_ms()).await;
    engine.submit(&pair("latest", "0.1")).await.unwrap();
    assert_eq!(times(&desk), 2);
}

#[tokio::test(start_paused = true)]
async fn an_older_measurement_serves_for_a_minute_and_no_longer() {
    for (age_ms, sends) in [(59_000, true), (60_001, false)] {
        let desk = Desk::new();
        let engine = desk.engine().await;
        engine.submit(&pair("first", "0.1")).await.unwrap().wait().await.unwrap();
        let sent = desk.binance.asked().len();
        desk.binance.fail("server_time", down());
        pass_ms(age_ms - desk.now_ms()).await;
        let submitted = engine.submit(&pair("second", "0.1")).await;
        assert_eq!(submitted.is_ok(), sends, "{age_ms} ms");
        assert_eq!(desk.binance.asked().len() > sent, sends);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stamp_the_venue_found_off_makes_it_measure_again() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.bybit.play([OnPlace::Refuse(equipoise_core::RefusalKind::Transient)]);
    let report = engine.submit(&pair("now", "0.1")).await.unwrap().wait().await.unwrap();
    assert_eq!(report.status, BatchStatus::Done);
    assert_eq!(
        times(&desk),
        4,
        "to stamp, once more after the refusal, and before and after the audit of what was refused"
    );
}
