//! What a start checks before it touches an unfinished batch: key, account, and the host's clock (O5, P11, P7).

use std::sync::Arc;

use equipoise_core::{AccountId, Amount, BatchKey, BatchStatus, Side, UnixMillis};
use equipoise_port::QueryError;
use equipoise_runtime::{StartError, SystemClock};

use super::exchange::{Exchange, OnPlace};
use super::recovery::only_one_effect_each;
use super::setup::{Desk, START, key, leg, let_run, of, pair, pass_ms, plan};

fn refused_key() -> QueryError {
    QueryError::Credentials { code: "-2015".into(), message: "invalid key".into() }
}

/// A batch whose order at binance filled unheard, left by a kill.
async fn left_in_doubt(desk: &mut Desk) -> BatchKey {
    desk.binance.play([OnPlace::FillUnheard]);
    let plan = pair("now", "0.1");
    desk.engine().await.submit(&plan).await.unwrap();
    let_run().await;
    desk.crash();
    key(&plan)
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_refused_or_may_not_trade_stops_the_start_before_any_batch_is_touched() {
    for may_trade in [true, false] {
        let mut desk = Desk::new();
        let batch = left_in_doubt(&mut desk).await;
        let before = desk.durable(batch);
        if may_trade {
            desk.binance.fail("account", refused_key());
        } else {
            desk.binance.disallow_trading(true);
        }
        let error = desk.builder().start().await.err();
        assert!(matches!(error, Some(StartError::Credentials { .. })), "{error:?}");
        assert!(error.is_some_and(|error| error.to_string().contains("'binance'")));
        pass_ms(60_000).await;
        assert_eq!(desk.durable(batch), before);
        desk.binance.heal("account");
        desk.binance.disallow_trading(false);
        let reports = desk.engine().await.recover().await.unwrap();
        assert_ne!(reports[0].status, BatchStatus::Parked, "{}", reports[0].why);
        assert_eq!(desk.binance.net() + desk.bybit.net(), Amount::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unfinished_batch_does_not_go_on_at_another_account_unless_it_is_said_to_be_the_same() {
    let mut desk = Desk::new();
    desk.binance.lead_to("https://one#1");
    let batch = left_in_doubt(&mut desk).await;
    let before = desk.durable(batch);
    let binance = |account: &str| of::<AccountId>(account);
    desk.binance.lead_to("https://other#1");
    desk.binance.forget_calls();
    let error = desk.builder().start().await.err();
    let other = StartError::OtherAccount {
        batch,
        venue: of("binance"),
        was: binance("https://one#1"),
        is: Some(binance("https://other#1")),
    };
    assert_eq!(error, Some(other));
    pass_ms(60_000).await;
    assert_eq!((desk.binance.calls(), desk.durable(batch)), (vec![], before));
    let engine = desk.builder().same_accounts(true).start().await.unwrap();
    engine.recover().await.unwrap();
    assert_eq!(desk.binance.net() + desk.bybit.net(), Amount::ZERO);
    assert_eq!(desk.binance.orders().len(), 1, "it filled before the kill and is found");
}

#[tokio::test(start_paused = true)]
async fn a_start_whose_wall_clock_is_behind_still_resolves_its_doubts() {
    for (behind_ms, on_place) in [(7_200_000, OnPlace::Lose), (7_200_000, OnPlace::FillUnheard)] {
        let mut desk = Desk::new();
        desk.binance.play([on_place]);
        let one = plan("now", vec![leg("long", "binance", Side::Buy, "0.1")]);
        let _handle = desk.engine().await.submit(&one).await.unwrap();
        desk.crash();
        let behind = Arc::new(SystemClock::starting_at(UnixMillis(START.0 - behind_ms)));
        let engine = desk.builder().clock(behind).start().await.unwrap();
        let before = desk.now_ms();
        let reports = engine.recover().await.unwrap();
        assert_eq!(reports[0].status, BatchStatus::Done, "{}", reports[0].why);
        assert!(desk.now_ms() - before < 30_000, "took {} ms", desk.now_ms() - before);
        only_one_effect_each(&desk.binance, "clock behind");
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_clock_set_between_two_starts_delays_nothing() {
    for off_ms in [-7_200_000, 7_200_000] {
        let mut desk = Desk::new();
        desk.binance.play([OnPlace::Lose]);
        let one = plan("now", vec![leg("long", "binance", Side::Buy, "0.1")]);
        let off =
            Arc::new(SystemClock::starting_at(UnixMillis(START.0.saturating_add_signed(off_ms))));
        let engine = desk.builder().clock(off).start().await.unwrap();
        let _handle = engine.submit(&one).await.unwrap();
        desk.crash();
        let engine = desk.engine().await;
        let before = desk.now_ms();
        let reports = engine.recover().await.unwrap();
        assert_ne!(reports[0].status, BatchStatus::Parked, "{}", reports[0].why);
        assert!(desk.now_ms() - before < 30_000, "took {} ms", desk.now_ms() - before);
        only_one_effect_each(&desk.binance, "clock set");
    }
}

#[tokio::test(start_paused = true)]
async fn a_venue_that_says_nothing_about_its_key_does_not_hold_a_start_up_for_long() {
    let silent = QueryError::Unavailable("connection refused".into());
    let busy = QueryError::Busy { retry_after_ms: 60_000, why: "limit".into() };
    for error in [Some(silent), Some(busy), None] {
        let mut desk = Desk::new();
        left_in_doubt(&mut desk).await;
        match error {
            Some(error) => desk.binance.fail("account", error),
            None => desk.binance.take_ms(25_000),
        }
        let before = desk.now_ms();
        let engine = desk.engine().await;
        assert!(desk.now_ms() - before <= 10_000);
        desk.binance.take_ms(0);
        engine.recover().await.unwrap();
        assert_eq!(desk.binance.net() + desk.bybit.net(), Amount::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn looks_that_are_refused_for_a_moment_park_nothing() {
    for (passes_ms, status) in [(9_000, BatchStatus::Done), (60_000, BatchStatus::Parked)] {
        let desk = Desk::new();
        let engine = desk.engine().await;
        desk.binance.play([OnPlace::FillUnheard]);
        let binance = desk.binance.clone();
        desk.bybit.before_place(move |_| refuse_looks(&binance));
        let handle = engine.submit(&pair("now", "0.1")).await.unwrap();
        pass_ms(passes_ms).await;
        desk.binance.heal("find");
        desk.binance.heal("list");
        let report = handle.wait().await.unwrap();
        assert_eq!(report.status, status, "refused for {passes_ms} ms: {}", report.why);
        assert_eq!(desk.binance.asked().len(), 1, "no order is repeated");
    }
}

fn refuse_looks(exchange: &Exchange) {
    for kind in ["find", "list"] {
        exchange.fail(kind, refused_key());
    }
}
