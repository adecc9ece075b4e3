//! What a host sees of a batch while it runs: status, report, events, observers.

use std::sync::{Arc, Mutex};

use equipoise_core::{BatchStatus, LegStatus, Record, Side};
use equipoise_port::{BatchEvent, Observer};

use super::exchange::OnPlace;
use super::setup::{Desk, leg, let_run, names, pair, pass_ms, plan, resting};

#[derive(Default)]
struct Seen(Mutex<Vec<Record>>);

impl Observer for Seen {
    fn on_event(&self, event: &BatchEvent) {
        self.0.lock().unwrap().push(event.record.clone());
    }
}

struct Failing;

impl Observer for Failing {
    fn on_event(&self, _: &BatchEvent) {
        panic!("scripted panic in an observer");
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_sees_every_record_once_and_in_the_journals_order() {
    let desk = Desk::new();
    let seen = Arc::new(Seen::default());
    let engine = desk.builder().observer(seen.clone()).start().await.unwrap();
    desk.bybit.play([OnPlace::Partial("0.04")]);
    let report = engine.submit(&pair("now", "0.1")).await.unwrap().wait().await.unwrap();
    let recorded = engine.records(report.key).await.unwrap().unwrap();
    assert_eq!(*seen.0.lock().unwrap(), recorded);
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_panics_does_not_take_the_batch_with_it() {
    let desk = Desk::new();
    let seen = Arc::new(Seen::default());
    let builder = desk.builder().observer(Arc::new(Failing)).observer(seen.clone());
    let engine = builder.start().await.unwrap();
    let report = engine.submit(&pair("now", "0.1")).await.unwrap().wait().await.unwrap();
    assert_eq!(report.status, BatchStatus::Done);
    assert!(!seen.0.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_stream_of_events_ends_with_the_batch_while_the_handle_is_still_held() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.take_ms(5);
    let handle = engine.submit(&pair("now", "0.1")).await.unwrap();
    let mut events = handle.events();
    let mut records = Vec::new();
    while let Some(event) = events.next().await {
        records.push(event.record);
    }
    assert_eq!(names(&records).last().map(String::as_str), Some("Ended"));
    assert_eq!(handle.wait().await.unwrap().status, BatchStatus::Done);
    // Nothing more to come, for a late subscriber too.
    assert!(handle.events().next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_never_reads_holds_nothing_back() {
    let desk = Desk::quick();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::Rest]);
    let mut plan = plan("now", vec![resting(leg("long", "binance", Side::Buy, "3"))]);
    plan.policy.leg_timeout_ms = 86_400_000;
    let handle = engine.submit(&plan).await.unwrap();
    let mut unread = handle.events();
    for _ in 0..520 {
        desk.binance.trade(0, "0.001");
        pass_ms(500).await;
    }
    desk.binance.trade(0, "2.48");
    let report = handle.wait().await.unwrap();
    assert_eq!(report.status, BatchStatus::Done, "{}", report.why);
    // What fitted is kept, then its stream ends.
    let mut read = 0;
    while unread.next().await.is_some() {
        read += 1;
    }
    assert_eq!(read, 1_024);
}

#[tokio::test(start_paused = true)]
async fn a_report_can_be_read_while_the_batch_runs() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::Rest]);
    let plan = plan("now", vec![resting(leg("long", "binance", Side::Buy, "0.1"))]);
    let handle = engine.submit(&plan).await.unwrap();
    pass_ms(100).await;
    desk.binance.trade(0, "0.04");
    pass_ms(3_000).await;
    let report = handle.report().unwrap();
    assert_eq!((handle.status(), report.status), (BatchStatus::Running, BatchStatus::Running));
    assert_eq!(report.legs[0].status, LegStatus::Working);
    assert_eq!(report.legs[0].filled.to_string(), "0.04");
    let again = engine.batch(handle.key()).await.unwrap().unwrap();
    assert_eq!(again.report(), Some(report));
    desk.binance.trade(0, "0.06");
    assert_eq!(handle.wait().await.unwrap().status, BatchStatus::Done);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_handle_leaves_the_batch_alone() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    let key = engine.submit(&pair("now", "0.1")).await.unwrap().key();
    engine.drain().await;
    let stored = engine.batch(key).await.unwrap().unwrap();
    assert_eq!(stored.status(), BatchStatus::Done);
    assert_eq!(engine.batches().await.unwrap(), [key]);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_dropped_while_a_batch_runs_still_drives_it_to_its_end() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::Lose]);
    let handle = engine.submit(&pair("now", "0.1")).await.unwrap();
    drop(engine);
    let_run().await;
    assert_eq!(handle.wait().await.unwrap().status, BatchStatus::Done);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_rests_far_beyond_its_deadline_still_ends_done_where_listings_are_audited() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::Rest]);
    let mut plan = plan("now", vec![resting(leg("long", "binance", Side::Buy, "0.1"))]);
    plan.policy.leg_timeout_ms = 3_600_000;
    let handle = engine.submit(&plan).await.unwrap();
    pass_ms(600_000).await;
    desk.binance.trade(0, "0.1");
    let report = handle.wait().await.unwrap();
    assert_eq!(report.status, BatchStatus::Done, "{}", report.why);
}
