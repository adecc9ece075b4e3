//! What is remembered of an account between plans, and when it is asked about again.

use equipoise_core::{BatchStatus, PositionMode, RefusalKind};
use equipoise_port::QueryError;
use equipoise_runtime::{CheckError, Engine, SubmitError};

use super::exchange::{Call, OnPlace};
use super::setup::{Desk, pair, pass_ms};

/// For how long the account's standing is trusted.
const TRUSTED_MS: u64 = 60_000;

async fn run(engine: &Engine, occasion: &str) -> BatchStatus {
    engine.submit(&pair(occasion, "0.1")).await.unwrap().wait().await.unwrap().status
}

fn asked(desk: &Desk) -> usize {
    desk.binance.count(|call| *call == Call::Account)
}

#[tokio::test(start_paused = true)]
async fn the_account_is_asked_about_once_a_minute_and_the_position_for_every_plan() {
    let desk = Desk::quick();
    let engine = desk.engine().await;
    run(&engine, "one").await;
    run(&engine, "two").await;
    assert_eq!(asked(&desk), 1);
    assert_eq!(desk.binance.count(|call| *call == Call::Position), 2);
    pass_ms(TRUSTED_MS).await;
    run(&engine, "three").await;
    assert_eq!(asked(&desk), 2);
}

#[tokio::test(start_paused = true)]
async fn revoked_credentials_refuse_the_next_plan_before_any_order() {
    let desk = Desk::quick();
    let engine = desk.engine().await;
    run(&engine, "one").await;
    let orders = desk.binance.orders().len();
    let revoked =
        QueryError::Credentials { code: "-2015".into(), message: "Invalid API-key".into() };
    // Only the signed reading of the position still asks.
    desk.binance.fail("position", revoked);
    let refused = engine.submit(&pair("two", "0.1")).await.err().unwrap();
    assert!(matches!(&refused, SubmitError::Check(CheckError::Credentials { .. })), "{refused:?}");
    assert_eq!(desk.binance.orders().len(), orders);
    desk.binance.heal("position");
    let before = asked(&desk);
    assert_eq!(run(&engine, "two").await, BatchStatus::Done);
    assert_eq!(asked(&desk), before + 1, "nothing from before the revocation is trusted");
}

#[tokio::test(start_paused = true)]
async fn a_permission_taken_away_is_noticed_within_the_minute() {
    let desk = Desk::quick();
    let engine = desk.engine().await;
    run(&engine, "one").await;
    desk.binance.disallow_trading(true);
    pass_ms(TRUSTED_MS).await;
    let refused = engine.submit(&pair("two", "0.1")).await.err().unwrap();
    assert!(matches!(&refused, SubmitError::Check(CheckError::Credentials { .. })), "{refused:?}");
    desk.binance.disallow_trading(false);
    assert_eq!(run(&engine, "two").await, BatchStatus::Done, "and its return at once");
}

#[tokio::test(start_paused = true)]
async fn a_changed_position_mode_is_noticed_within_the_minute() {
    let desk = Desk::quick();
    let engine = desk.engine().await;
    run(&engine, "one").await;
    desk.binance.set_position_mode(PositionMode::Hedge);
    pass_ms(TRUSTED_MS).await;
    let check = engine.check(&pair("two", "0.1")).await.unwrap();
    let modes: Vec<_> = check.legs.iter().map(|leg| leg.position_mode).collect();
    assert_eq!(modes, [PositionMode::Hedge, PositionMode::OneWay]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_order_ends_the_trust_at_once() {
    let desk = Desk::quick();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::Fill, OnPlace::Refuse(RefusalKind::Final)]);
    run(&engine, "one").await;
    run(&engine, "two").await;
    assert_eq!(asked(&desk), 1);
    run(&engine, "three").await;
    assert_eq!(asked(&desk), 2);
}
