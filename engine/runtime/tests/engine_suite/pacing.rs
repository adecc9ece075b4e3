//! R9: repeats are paced, announced waits are kept, and an engine with nothing to do does nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use equipoise_core::{
    Amount, BatchStatus, LegStatus, OrderEnd, OrderState, RefusalKind, Side, UnixMillis,
};
use equipoise_port::{Clock, QueryError};
use equipoise_runtime::SystemClock;

use super::exchange::{Call, OnPlace};
use super::setup::{Desk, chain, leg, let_run, of, pair, pass_ms, plan, resting};

/// Counts how often anything waits for a time.
struct Counting {
    inner: Arc<SystemClock>,
    waits: AtomicUsize,
}

#[async_trait]
impl Clock for Counting {
    fn now(&self) -> UnixMillis {
        self.inner.now()
    }
    async fn sleep_until(&self, at: UnixMillis) {
        self.waits.fetch_add(1, Ordering::SeqCst);
        self.inner.sleep_until(at).await;
    }
}

fn finds(desk: &Desk) -> usize {
    desk.binance.count(|call| *call == Call::Find)
}

#[tokio::test(start_paused = true)]
async fn a_resting_order_is_looked_at_about_every_two_seconds_and_the_engine_sleeps_between() {
    let desk = Desk::new();
    let clock = Arc::new(Counting { inner: desk.clock.clone(), waits: AtomicUsize::new(0) });
    let engine = desk.builder().clock(clock.clone()).start().await.unwrap();
    desk.binance.play([OnPlace::Rest]);
    let mut plan = plan("now", vec![resting(leg("long", "binance", Side::Buy, "0.1"))]);
    plan.policy.leg_timeout_ms = 3_600_000;
    let handle = engine.submit(&plan).await.unwrap();
    pass_ms(10_000).await;
    let (looks, waits) = (finds(&desk), clock.waits.load(Ordering::SeqCst));
    pass_ms(60_000).await;
    let (looks, waits) = (finds(&desk) - looks, clock.waits.load(Ordering::SeqCst) - waits);
    assert!((30..=60).contains(&looks), "{looks} looks a minute");
    assert!(waits <= 6 * looks, "{waits} waits for {looks} looks");
    handle.cancel();
    handle.wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_order_that_fills_in_many_pieces_is_not_asked_about_for_each() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::Rest]);
    let plan = plan("now", vec![resting(leg("long", "binance", Side::Buy, "1"))]);
    let handle = engine.submit(&plan).await.unwrap();
    let before = finds(&desk);
    for _ in 0..500 {
        desk.binance.trade(0, "0.001");
        pass_ms(2).await;
    }
    assert!(finds(&desk) - before <= 10, "{} looks in a second", finds(&desk) - before);
    desk.binance.trade(0, "0.5");
    assert_eq!(handle.wait().await.unwrap().status, BatchStatus::Done);
}

#[tokio::test(start_paused = true)]
async fn queries_about_an_unanswering_venue_back_off_to_one_a_second() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::Lose]);
    let handle = engine.submit(&pair("now", "0.1")).await.unwrap();
    desk.binance.fail("find", QueryError::Unavailable("status 502".into()));
    pass_ms(5_000).await;
    let before = finds(&desk);
    pass_ms(10_000).await;
    let looks = finds(&desk) - before;
    assert!((9..=21).contains(&looks), "{looks} looks in ten seconds");
    assert_eq!(handle.wait().await.unwrap().status, BatchStatus::Parked);
}

#[tokio::test(start_paused = true)]
async fn an_announced_wait_is_kept() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::FillUnheard]);
    desk.binance.take_ms(10);
    let handle = engine.submit(&pair("now", "0.1")).await.unwrap();
    let busy = QueryError::Busy { retry_after_ms: 9_000, why: "-1003".into() };
    desk.binance.fail("find", busy);
    pass_ms(1_000).await;
    let looks = finds(&desk);
    desk.binance.heal("find");
    let end = handle.wait().await.unwrap();
    assert_eq!(end.status, BatchStatus::Done);
    assert!((9_000..10_500).contains(&desk.now_ms()), "at {} ms", desk.now_ms());
    // The check before admission, the first look, and none until the wait is over.
    assert_eq!(looks, 2);
}

#[tokio::test(start_paused = true)]
async fn an_absurd_announcement_neither_panics_nor_outlives_the_batch() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::FillUnheard]);
    desk.binance.take_ms(10);
    let handle = engine.submit(&pair("now", "0.1")).await.unwrap();
    let busy = QueryError::Busy { retry_after_ms: u64::MAX, why: "-1003".into() };
    desk.binance.fail("find", busy);
    assert_eq!(handle.wait().await.unwrap().status, BatchStatus::Parked);
}

#[tokio::test(start_paused = true)]
async fn a_doubt_is_asked_about_at_once() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::FillUnheard]);
    let handle = engine.submit(&pair("now", "0.1")).await.unwrap();
    let_run().await;
    assert_eq!(desk.now_ms(), 0, "an instant venue leaves nothing to wait for");
    assert_eq!(handle.report().unwrap().legs[0].status, LegStatus::Filled);
}

#[tokio::test(start_paused = true)]
async fn a_preparation_that_fails_is_paced_and_takes_no_tokens_in_a_loop() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.bybit.play([OnPlace::Refuse(RefusalKind::Final)]);
    desk.binance.take_ms(10);
    let handle = engine.submit(&pair("now", "0.1")).await.unwrap();
    desk.binance.fail("quote", QueryError::Unavailable("status 502".into()));
    desk.binance.forget_calls();
    let report = handle.wait().await.unwrap();
    // The bound of compensation ends it; until then about one preparation a second.
    assert_eq!(report.status, BatchStatus::Parked);
    let reserved = desk.binance.count(|call| matches!(call, Call::Reserve(_)));
    assert!((50..=140).contains(&reserved), "{reserved} reservations in a minute");
}

/// The one order cannot be asked about any more and the other one's audit cannot be read: the end has to wait.
#[tokio::test(start_paused = true)]
async fn what_is_left_open_is_cancelled_before_the_end_and_not_in_a_loop() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.bybit.play([OnPlace::Rest]);
    let short = resting(leg("short", "bybit", Side::Sell, "0.1"));
    let mut plan = plan("now", vec![leg("long", "binance", Side::Buy, "0.1"), short]);
    plan.policy.leg_timeout_ms = 60_000;
    let handle = engine.submit(&plan).await.unwrap();
    pass_ms(1_000).await;
    let (code, message) = ("10003".to_owned(), "invalid key".to_owned());
    desk.bybit.fail("find", QueryError::Credentials { code, message });
    desk.binance.fail("list", QueryError::Unavailable("status 502".into()));
    let cancels = || desk.bybit.count(|call| *call == Call::Cancel);
    pass_ms(15_000).await;
    assert_eq!(handle.report().unwrap().status, BatchStatus::Running);
    assert_eq!(desk.bybit.orders()[0].snapshot.state, cancelled());
    assert!((1..=8).contains(&cancels()), "{} cancels in five seconds", cancels());
    assert_eq!(handle.wait().await.unwrap().status, BatchStatus::Parked);
    assert!(cancels() <= 20, "{} cancels", cancels());
}

fn cancelled() -> OrderState {
    OrderState::Ended(OrderEnd::Cancelled { reason: "cancelled by request".to_owned() })
}

#[tokio::test(start_paused = true)]
async fn an_engine_without_batches_waits_for_nothing() {
    let desk = Desk::new();
    let clock = Arc::new(Counting { inner: desk.clock.clone(), waits: AtomicUsize::new(0) });
    let engine = desk.builder().clock(clock.clone()).start().await.unwrap();
    engine.submit(&pair("now", "0.1")).await.unwrap().wait().await.unwrap();
    let waits = clock.waits.load(Ordering::SeqCst);
    let calls = desk.binance.calls().len();
    pass_ms(3_600_000).await;
    assert_eq!(clock.waits.load(Ordering::SeqCst), waits);
    assert_eq!(desk.binance.calls().len(), calls);
    drop(engine);
}

#[tokio::test(start_paused = true)]
async fn a_slow_check_is_not_polled_for() {
    let desk = Desk::new();
    let clock = Arc::new(Counting { inner: desk.clock.clone(), waits: AtomicUsize::new(0) });
    let engine = desk.builder().clock(clock.clone()).start().await.unwrap();
    desk.binance.take_ms(900);
    let submitted = tokio::spawn(async move { engine.submit(&pair("now", "0.1")).await });
    pass_ms(3_500).await;
    let waits = clock.waits.load(Ordering::SeqCst);
    assert!(waits < 20, "{waits} waits in three and a half seconds");
    submitted.await.unwrap().unwrap();
}

/// Both legs belong to one batch, and neither's preparation keeps the other's waiting.
#[tokio::test(start_paused = true)]
async fn a_wait_announced_to_an_entry_does_not_hold_back_the_unwind_at_another_venue() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    let banned = QueryError::Busy { retry_after_ms: 600_000, why: "banned".into() };
    desk.bybit.fail("reserve", banned);
    let report = engine.submit(&chain("now")).await.unwrap().wait().await.unwrap();
    assert_eq!((report.status, desk.binance.net()), (BatchStatus::Flat, Amount::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_preparation_that_hangs_does_not_hold_back_the_unwind_at_another_venue() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    let mut plan = chain("now");
    plan.policy.leg_timeout_ms = 1_000;
    plan.policy.unwind_max_ms = 20_000;
    let bybit = desk.bybit.clone();
    desk.binance.before_place(move |_| bybit.take_ms(29_000));
    let report = engine.submit(&plan).await.unwrap().wait().await.unwrap();
    assert_eq!((report.status, desk.binance.net()), (BatchStatus::Flat, Amount::ZERO));
}

/// Bitcoin at one exchange and ether at another, whose book cannot be read while both are to be taken back (V6).
#[tokio::test(start_paused = true)]
async fn a_venue_that_is_down_does_not_keep_another_underlying_naked() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::Fill, OnPlace::Refuse(RefusalKind::Final)]);
    let bybit = desk.bybit.clone();
    desk.binance.before_place(move |order| {
        if order.side == Side::Sell {
            bybit.fail("quote", QueryError::Unavailable("maintenance".into()));
        }
    });
    let mut ether = leg("ether", "bybit", Side::Buy, "1");
    ether.instrument = of("ETHUSDT");
    let short = leg("short", "binance", Side::Sell, "0.05").after([of("long"), of("ether")]);
    let plan = plan("now", vec![leg("long", "binance", Side::Buy, "0.1"), ether, short]);
    let report = engine.submit(&plan).await.unwrap().wait().await.unwrap();
    assert_eq!((report.status, desk.binance.net()), (BatchStatus::Parked, Amount::ZERO));
    assert_eq!(desk.bybit.net(), of("1"));
}
