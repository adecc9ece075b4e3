//! S3 and R2: nothing is sent before its exact intent is durable, nor late after it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use equipoise_core::{BatchKey, BatchStatus, Occasion, Record, Side, StrategyName};
use equipoise_port::{Append, Epoch, Journal, JournalError};
use equipoise_runtime::SubmitError;
use equipoise_runtime::journal::MemoryJournal;

use super::exchange::{Call, OnPlace};
use super::setup::{Desk, chain, key, leg, let_run, names, pair, pass_ms, plan, resting};

fn is_place(call: &Call) -> bool {
    matches!(call, Call::Place(_))
}

/// Notes every order that is sent without an intent of exactly its content on the device.
fn watch(desk: &Desk, key: BatchKey) -> Arc<Mutex<Vec<String>>> {
    let unbacked = Arc::new(Mutex::new(Vec::new()));
    for exchange in [&desk.binance, &desk.bybit] {
        let (disk, unbacked) = (desk.disk.clone(), unbacked.clone());
        exchange.before_place(move |order| {
            let records = disk.synced_records(key).unwrap().unwrap_or_default();
            let backed = records.iter().any(|record| match record {
                Record::Intent { request, .. } => request == order,
                Record::Transmission { deadline, .. } => *deadline == order.deadline,
                _ => false,
            });
            if !backed {
                unbacked.lock().unwrap().push(order.client_id.to_string());
            }
        });
    }
    unbacked
}

#[tokio::test(start_paused = true)]
async fn every_order_sent_has_its_exact_intent_on_the_device() {
    for script in [
        vec![],
        vec![OnPlace::Refuse(equipoise_core::RefusalKind::Final)],
        vec![OnPlace::Lose, OnPlace::Lose],
        vec![OnPlace::Partial("0.04")],
        vec![OnPlace::NotSent, OnPlace::NotSent],
    ] {
        let desk = Desk::new();
        let engine = desk.engine().await;
        let unbacked = watch(&desk, key(&pair("now", "0.1")));
        desk.bybit.play(script);
        engine.submit(&pair("now", "0.1")).await.unwrap().wait().await.unwrap();
        assert!(desk.bybit.count(is_place) > 0);
        assert_eq!(*unbacked.lock().unwrap(), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn no_order_leaves_while_its_sync_is_held() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.disk.hold_syncs(true);
    let submitted = tokio::spawn({
        let engine = engine.clone();
        async move { engine.submit(&pair("now", "0.1")).await }
    });
    let_run().await;
    assert_eq!(desk.disk.unsynced(), 1);
    assert_eq!(desk.binance.count(is_place) + desk.bybit.count(is_place), 0);
    assert!(!submitted.is_finished());
    desk.disk.hold_syncs(false);
    let report = submitted.await.unwrap().unwrap().wait().await.unwrap();
    assert_eq!(report.status, BatchStatus::Done);
}

#[tokio::test(start_paused = true)]
async fn admission_and_all_intents_of_a_wave_are_one_append() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.disk.hold_syncs(true);
    let submitted = tokio::spawn(async move { engine.submit(&pair("now", "0.1")).await });
    let_run().await;
    desk.disk.sync_oldest();
    assert_eq!(names(&desk.durable(key(&pair("now", "0.1")))), ["Admitted", "Intent", "Intent"]);
    desk.disk.hold_syncs(false);
    submitted.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_wave_that_kept_less_than_half_its_window_is_not_sent_at_all_and_replaced_at_once() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.disk.hold_syncs(true);
    let handle = tokio::spawn(async move { engine.submit(&pair("now", "0.1")).await });
    let_run().await;
    pass_ms(1_001).await;
    assert!(desk.disk.sync_oldest());
    let_run().await;
    assert_eq!(desk.binance.count(is_place) + desk.bybit.count(is_place), 0);
    // Both were recorded unsent, and both went into the next wave together.
    desk.disk.hold_syncs(false);
    let report = handle.await.unwrap().unwrap().wait().await.unwrap();
    assert_eq!(report.status, BatchStatus::Done);
    let records = desk.durable(report.key);
    assert_eq!(
        names(&records)[..7],
        ["Admitted", "Intent", "Intent", "Unsent", "Unsent", "Intent", "Intent"]
    );
    assert_eq!((desk.binance.count(is_place), desk.bybit.count(is_place)), (1, 1));
    // One more preparation, not several: tokens are taken once for each wave.
    let reserved = |call: &Call| matches!(call, Call::Reserve(_));
    assert_eq!((desk.binance.count(reserved), desk.bybit.count(reserved)), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn exactly_half_the_window_is_enough() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.disk.hold_syncs(true);
    let handle = tokio::spawn(async move { engine.submit(&pair("now", "0.1")).await });
    let_run().await;
    pass_ms(1_000).await;
    desk.disk.hold_syncs(false);
    handle.await.unwrap().unwrap().wait().await.unwrap();
    assert_eq!((desk.binance.asked().len(), desk.bybit.asked().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn slow_syncs_are_replaced_three_times_and_then_the_batch_ends_flat() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.disk.hold_syncs(true);
    let handle = tokio::spawn(async move {
        engine.submit(&pair("now", "0.1")).await.unwrap().wait().await.unwrap()
    });
    while !handle.is_finished() {
        pass_ms(1_200).await;
        desk.disk.sync_oldest();
        let_run().await;
    }
    let report = handle.await.unwrap();
    assert_eq!(report.status, BatchStatus::Flat);
    assert_eq!(desk.binance.count(is_place) + desk.bybit.count(is_place), 0);
    let intents = names(&desk.durable(report.key)).iter().filter(|name| *name == "Intent").count();
    assert_eq!(intents, 8, "the first wave and three more");
}

#[tokio::test(start_paused = true)]
async fn a_fill_is_durable_before_the_intent_it_causes() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    let report = engine.submit(&chain("now")).await.unwrap().wait().await.unwrap();
    let records = desk.durable(report.key);
    let names = names(&records);
    let fill = names.iter().position(|name| name == "Filled").unwrap();
    let follower = names.iter().rposition(|name| name == "Intent").unwrap();
    assert!(fill < follower, "{names:?}");
}

#[tokio::test(start_paused = true)]
async fn facts_wait_for_the_append_of_those_before_them() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::Rest]);
    let resting = plan("now", vec![resting(leg("long", "binance", Side::Buy, "0.05"))]);
    let handle = engine.submit(&resting).await.unwrap();
    let fills = || {
        let names = names(&desk.durable(key(&resting)));
        names.iter().filter(|name| *name == "Filled").count()
    };
    pass_ms(100).await;
    desk.disk.hold_syncs(true);
    for _ in 0..4 {
        desk.binance.trade(0, "0.01");
        pass_ms(2_000).await;
    }
    assert_eq!((desk.disk.unsynced(), fills()), (1, 0));
    desk.disk.sync_oldest();
    pass_ms(10).await;
    assert_eq!((desk.disk.unsynced(), fills()), (1, 1), "all others travel together");
    desk.disk.hold_syncs(false);
    assert_eq!(fills(), 4);
    desk.binance.trade(0, "0.01");
    assert_eq!(handle.wait().await.unwrap().status, BatchStatus::Done);
    assert_eq!(fills(), 5);
}

/// Refuses the append with this number, counted from zero, and leaves everything else to a memory journal.
pub(crate) struct Refusing {
    inner: MemoryJournal,
    refused: usize,
    with: JournalError,
    appends: Mutex<usize>,
}

impl Refusing {
    pub(crate) fn new(inner: MemoryJournal, refused: usize, with: JournalError) -> Arc<Self> {
        Arc::new(Self { inner, refused, with, appends: Mutex::new(0) })
    }
}

#[async_trait]
impl Journal for Refusing {
    async fn begin_epoch(&self, build: &str) -> Result<Epoch, JournalError> {
        self.inner.begin_epoch(build).await
    }
    async fn append(&self, append: Append) -> Result<(), JournalError> {
        let number = {
            let mut appends = self.appends.lock().unwrap();
            *appends += 1;
            *appends - 1
        };
        if number == self.refused {
            return Err(self.with.clone());
        }
        self.inner.append(append).await
    }
    async fn read(&self, batch: BatchKey) -> Result<Option<Vec<Record>>, JournalError> {
        self.inner.read(batch).await
    }
    async fn batches(&self) -> Result<Vec<BatchKey>, JournalError> {
        self.inner.batches().await
    }
    async fn open_batches(&self) -> Result<Vec<BatchKey>, JournalError> {
        self.inner.open_batches().await
    }
    async fn occasion(
        &self,
        strategy: &StrategyName,
        occasion: &Occasion,
    ) -> Result<Vec<BatchKey>, JournalError> {
        self.inner.occasion(strategy, occasion).await
    }
    fn is_fresh(&self) -> bool {
        self.inner.is_fresh()
    }
    async fn ready_for_batch(&self) -> Result<(), JournalError> {
        self.inner.ready_for_batch().await
    }
    async fn close(&self) -> Result<(), JournalError> {
        self.inner.close().await
    }
}

fn errors() -> [JournalError; 4] {
    [
        JournalError::Failed("input/output error".into()),
        JournalError::Fenced { own: 1, current: 2 },
        JournalError::OutOfSequence { batch: key(&pair("now", "0.1")), expected: 0, actual: 3 },
        JournalError::Full { free_bytes: 1, floor_bytes: 2 },
    ]
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_when_the_admission_is_not_taken() {
    for error in errors() {
        let desk = Desk::new();
        let journal = Refusing::new(desk.disk.open().unwrap(), 0, error.clone());
        let engine = desk.builder_on(journal).start().await.unwrap();
        let refused = engine.submit(&pair("now", "0.1")).await.err().unwrap();
        assert_eq!(refused, SubmitError::Journal(error.clone()));
        pass_ms(60_000).await;
        assert_eq!(desk.binance.count(is_place) + desk.bybit.count(is_place), 0);
        assert!(engine.live().is_empty());
        // Whatever it was, this owner is done (R3, P4).
        let again = engine.submit(&pair("now", "0.1")).await;
        assert_eq!(again.err(), Some(SubmitError::Journal(error)));
    }
}
