//! P1, P2 and R11: an engine killed anywhere ends where it would have ended, with no second effect.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use equipoise_core::{Amount, BatchKey, BatchStatus, Occasion, Plan, Record, Side, StrategyName};
use equipoise_port::{Append, Epoch, Journal, JournalError, QueryError};
use equipoise_runtime::journal::MemoryJournal;
use equipoise_runtime::{Engine, StartError};

use super::exchange::{Call, Exchange, OnPlace, effects};
use super::setup::{Desk, chain, key, leg, let_run, pair, pass_ms, plan, resting};

/// Kills the engine it belongs to once it made that many appends durable: the wires are cut and it never answers.
struct Killing {
    inner: MemoryJournal,
    left: AtomicUsize,
    cut: Arc<AtomicBool>,
}

impl Killing {
    fn new(inner: MemoryJournal, left: usize, cut: Arc<AtomicBool>) -> Arc<Self> {
        Arc::new(Self { inner, left: AtomicUsize::new(left), cut })
    }
}

#[async_trait]
impl Journal for Killing {
    async fn begin_epoch(&self, build: &str) -> Result<Epoch, JournalError> {
        self.inner.begin_epoch(build).await
    }
    async fn append(&self, append: Append) -> Result<(), JournalError> {
        self.inner.append(append).await?;
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.cut.store(true, Ordering::SeqCst);
            std::future::pending::<()>().await;
        }
        Ok(())
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

type Script = fn(&Desk);

fn scripts() -> [(&'static str, Script, BatchStatus); 6] {
    [
        ("no fault", |_| {}, BatchStatus::Done),
        ("lost answer", |desk| desk.bybit.play([OnPlace::FillUnheard]), BatchStatus::Done),
        ("lost request", |desk| desk.binance.play([OnPlace::Lose]), BatchStatus::Done),
        ("lost request, class A", |desk| desk.bybit.play([OnPlace::Lose]), BatchStatus::Done),
        ("refused leg", |desk| desk.bybit.refuse_side(Side::Sell), BatchStatus::Flat),
        ("partial fill", |desk| desk.bybit.play([OnPlace::Partial("0.04")]), BatchStatus::Flat),
    ]
}

pub(crate) fn only_one_effect_each(exchange: &Exchange, context: &str) {
    for (id, (times, _)) in effects(exchange) {
        assert_eq!(times, 1, "{context}: {id} took effect {times} times at {}", exchange.name);
    }
}

/// Runs a plan with kills, each `between` durable appends after the start, until an engine is not killed any more.
async fn run_with_kills(desk: &mut Desk, plan: &Plan, kills: &[usize]) -> BatchStatus {
    for appends in kills {
        let journal = Killing::new(desk.disk.open().unwrap(), *appends, desk.cut());
        let engine = desk.builder_on(journal).start().await.unwrap();
        let run = tokio::spawn({
            let plan = plan.clone();
            async move { engine.submit(&plan).await.unwrap().wait().await }
        });
        while !run.is_finished() && !desk.cut().load(Ordering::SeqCst) {
            pass_ms(10).await;
        }
        run.abort();
        desk.crash();
    }
    let engine = desk.engine().await;
    engine.recover().await.unwrap();
    engine.submit(plan).await.unwrap().wait().await.unwrap().status
}

#[tokio::test(start_paused = true)]
async fn a_kill_after_any_durable_append_leads_to_the_same_ending_without_a_second_effect() {
    for (name, script, ending) in scripts() {
        for plan in [pair("now", "0.1"), chain("now")] {
            for appends in 1..=12 {
                let mut desk = Desk::new();
                script(&desk);
                let context = format!("{name}, killed after append {appends}");
                let status = run_with_kills(&mut desk, &plan, &[appends]).await;
                // Absence takes longer to prove than a kill may leave of the leg's time; then nothing is left instead.
                let in_time = name != "lost request" || status != BatchStatus::Flat;
                assert!(status == ending || !in_time, "{context}: {status:?}");
                let expected = if status == BatchStatus::Done { "0.1" } else { "0" };
                assert_eq!(desk.binance.net().to_string(), expected, "{context}");
                assert_eq!(desk.binance.net() + desk.bybit.net(), Amount::ZERO, "{context}");
                only_one_effect_each(&desk.binance, &context);
                only_one_effect_each(&desk.bybit, &context);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn kills_during_recovery_change_nothing_either() {
    for (name, script, _) in scripts() {
        for first in 1..=4 {
            for second in 1..=4 {
                let mut desk = Desk::new();
                script(&desk);
                let context = format!("{name}, killed after {first}, {second} and 1 more");
                run_with_kills(&mut desk, &pair("now", "0.1"), &[first, second, 1]).await;
                assert_eq!(desk.binance.net() + desk.bybit.net(), Amount::ZERO, "{context}");
                only_one_effect_each(&desk.binance, &context);
                only_one_effect_each(&desk.bybit, &context);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_whose_answer_died_with_the_engine_is_found_and_not_repeated() {
    let mut desk = Desk::new();
    let cut = desk.cut();
    desk.binance.before_place(move |_| cut.store(true, Ordering::SeqCst));
    let engine = desk.engine().await;
    let submitted = tokio::spawn(async move { engine.submit(&pair("now", "0.1")).await });
    let_run().await;
    submitted.abort();
    desk.binance.before_place(|_| {});
    desk.crash();
    let reports = desk.engine().await.recover().await.unwrap();
    assert_eq!(reports.len(), 1);
    assert_eq!(desk.binance.orders().len(), 1);
    assert_eq!(desk.binance.net() + desk.bybit.net(), Amount::ZERO);
}

#[tokio::test(start_paused = true)]
async fn records_that_were_never_synced_were_never_acted_on() {
    let mut desk = Desk::new();
    let engine = desk.engine().await;
    desk.disk.hold_syncs(true);
    let submitted = tokio::spawn(async move { engine.submit(&pair("now", "0.1")).await });
    let_run().await;
    submitted.abort();
    desk.crash();
    let engine = desk.engine().await;
    assert_eq!(engine.recover().await.unwrap(), []);
    assert_eq!(engine.batches().await.unwrap(), []);
    assert_eq!(desk.binance.orders().len() + desk.bybit.orders().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn recovery_tells_of_every_resumed_batch_in_order_also_of_those_that_ended_before_it_was_asked()
 {
    let mut desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::Rest, OnPlace::Rest, OnPlace::Rest]);
    let mut keys = Vec::new();
    for occasion in ["a", "b", "c"] {
        let one = plan(occasion, vec![resting(leg("long", "binance", Side::Buy, "0.1"))]);
        keys.push(engine.submit(&one).await.unwrap().key());
    }
    pass_ms(100).await;
    desk.crash();
    desk.binance.trade(1, "0.1");
    let engine = desk.engine().await;
    pass_ms(60_000).await;
    let reports = engine.recover().await.unwrap();
    assert_eq!(reports.iter().map(|report| report.key).collect::<Vec<_>>(), keys);
    let statuses: Vec<_> = reports.iter().map(|report| report.status).collect();
    assert_eq!(statuses, [BatchStatus::Flat, BatchStatus::Done, BatchStatus::Flat]);
    assert_eq!(engine.recover().await.unwrap(), reports);
}

#[tokio::test(start_paused = true)]
async fn an_unfinished_batch_at_a_venue_that_is_not_configured_stops_the_start() {
    let mut desk = Desk::new();
    desk.bybit.play([OnPlace::Lose]);
    desk.engine().await.submit(&pair("now", "0.1")).await.unwrap();
    let_run().await;
    desk.crash();
    let journal = Arc::new(desk.disk.open().unwrap());
    let error = Engine::builder(journal).start().await.err();
    let missing = StartError::MissingVenue {
        batch: key(&pair("now", "0.1")),
        venue: super::setup::of("binance"),
    };
    assert_eq!(error, Some(missing));
}

#[tokio::test(start_paused = true)]
async fn a_new_plan_waits_until_the_doubts_of_the_last_start_are_resolved() {
    let mut desk = Desk::new();
    desk.binance.play([OnPlace::Lose]);
    desk.engine().await.submit(&pair("one", "0.1")).await.unwrap();
    let_run().await;
    desk.crash();
    let engine = desk.engine().await;
    let orders = desk.binance.orders().len() + desk.bybit.orders().len();
    let second = tokio::spawn({
        let engine = engine.clone();
        async move { engine.submit(&pair("two", "0.1")).await.unwrap().wait().await.unwrap() }
    });
    // Absence cannot be proven before deadline and margin, four seconds after the stamp.
    pass_ms(3_900).await;
    assert_eq!(desk.binance.orders().len() + desk.bybit.orders().len(), orders);
    assert_eq!(second.await.unwrap().status, BatchStatus::Done);
    engine.recover().await.unwrap();
    assert_eq!(desk.binance.net() + desk.bybit.net(), Amount::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_resumed_batch_that_only_rests_does_not_hold_new_ones_back() {
    let mut desk = Desk::new();
    desk.binance.play([OnPlace::Rest]);
    let mut rest = plan("rest", vec![resting(leg("long", "binance", Side::Buy, "0.1"))]);
    rest.policy.leg_timeout_ms = 3_600_000;
    desk.engine().await.submit(&rest).await.unwrap();
    pass_ms(100).await;
    desk.crash();
    let engine = desk.engine().await;
    let handle = engine.submit(&pair("now", "0.1")).await.unwrap();
    assert_eq!(handle.wait().await.unwrap().status, BatchStatus::Done);
    assert_eq!(engine.live().len(), 1);
    engine.stop();
    engine.drain().await;
}

#[tokio::test(start_paused = true)]
async fn finished_and_parked_batches_are_not_asked_about_at_a_start() {
    let mut desk = Desk::new();
    let engine = desk.engine().await;
    engine.submit(&pair("done", "0.1")).await.unwrap().wait().await.unwrap();
    desk.binance.play([OnPlace::FillUnheard]);
    let parked = engine.submit(&pair("parked", "0.1")).await.unwrap();
    let refused = QueryError::Refused { code: "-1".into(), message: "not allowed".into() };
    desk.binance.fail("find", refused);
    assert_eq!(parked.wait().await.unwrap().status, BatchStatus::Parked);
    desk.binance.heal("find");
    desk.crash();
    for exchange in [&desk.binance, &desk.bybit] {
        exchange.forget_calls();
    }
    let engine = desk.engine().await;
    assert_eq!(engine.recover().await.unwrap(), []);
    pass_ms(60_000).await;
    assert_eq!((desk.binance.calls(), desk.bybit.calls()), (vec![], vec![]));
    // And they hold nothing back.
    engine.submit(&pair("next", "0.1")).await.unwrap().wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_repeat_after_a_restart_is_the_stored_result_or_the_resumed_batch() {
    let mut desk = Desk::new();
    desk.engine().await.submit(&pair("now", "0.1")).await.unwrap().wait().await.unwrap();
    desk.crash();
    let engine = desk.engine().await;
    let again = engine.submit(&pair("now", "0.1")).await.unwrap();
    assert!(again.is_duplicate());
    assert_eq!(again.wait().await.unwrap().status, BatchStatus::Done);
    desk.binance.play([OnPlace::Lose]);
    engine.submit(&pair("later", "0.1")).await.unwrap();
    let_run().await;
    desk.crash();
    let engine = desk.engine().await;
    let resumed = engine.submit(&pair("later", "0.1")).await.unwrap();
    assert!(resumed.is_duplicate());
    resumed.wait().await.unwrap();
    assert_eq!(desk.binance.net() + desk.bybit.net(), Amount::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_was_replaced_sends_nothing_more() {
    let desk = Desk::new();
    let shared: Arc<dyn Journal> = Arc::new(desk.disk.open().unwrap());
    let old = desk.builder_on(shared.clone()).start().await.unwrap();
    let handle = old.submit(&chain("now")).await.unwrap();
    let sent = |call: &Call| matches!(call, Call::Place(_));
    let _new = desk.builder_on(shared).start().await.unwrap();
    let refused = old.submit(&pair("later", "0.1")).await.err();
    let fenced = JournalError::Fenced { own: 1, current: 2 };
    assert_eq!(refused, Some(equipoise_runtime::SubmitError::Journal(fenced.clone())));
    assert!(handle.wait().await.is_err());
    // The new owner finishes the batch; each order took effect once.
    pass_ms(30_000).await;
    assert_eq!((desk.binance.count(sent), desk.bybit.count(sent)), (1, 1));
    only_one_effect_each(&desk.binance, "replaced owner");
}

/// A batch's first records as the very first start left them, to be sure that tests above kill where they say.
#[tokio::test(start_paused = true)]
async fn a_kill_after_the_first_append_leaves_admission_and_intents() {
    let mut desk = Desk::new();
    let journal = Killing::new(desk.disk.open().unwrap(), 1, desk.cut());
    let engine = desk.builder_on(journal).start().await.unwrap();
    let submitted = tokio::spawn(async move { engine.submit(&pair("now", "0.1")).await });
    let_run().await;
    submitted.abort();
    desk.crash();
    let names = super::setup::names(&desk.durable(key(&pair("now", "0.1"))));
    assert_eq!(names, ["Admitted", "Intent", "Intent"]);
    assert_eq!(desk.binance.orders().len() + desk.bybit.orders().len(), 0);
    let seen = Mutex::new(Vec::new());
    for report in desk.engine().await.recover().await.unwrap() {
        seen.lock().unwrap().push(report.status);
    }
    assert_eq!(seen.into_inner().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_ended_meanwhile_is_no_drift_for_one_that_is_resumed() {
    let mut desk = Desk::quick();
    let engine = desk.engine().await;
    let legs = vec![
        resting(leg("long", "binance", Side::Buy, "0.1")),
        leg("short", "bybit", Side::Sell, "0.1"),
    ];
    desk.binance.play([OnPlace::Rest]);
    let waiting = plan("waiting", legs);
    engine.submit(&waiting).await.unwrap();
    let other = plan("other", vec![leg("more", "bybit", Side::Sell, "0.05")]);
    let other = engine.submit(&other).await.unwrap().wait().await.unwrap();
    assert_eq!(other.status, BatchStatus::Done);
    desk.crash();

    let engine = desk.engine().await;
    let resumed = engine.batch(key(&waiting)).await.unwrap().unwrap();
    resumed.cancel();
    let report = resumed.wait().await.unwrap();
    assert_eq!(report.status, BatchStatus::Flat, "{}", report.why);
    assert_eq!(desk.bybit.net().to_string(), "-0.05", "what the other batch holds is left alone");
}
