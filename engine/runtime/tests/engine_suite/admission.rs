//! D1 to D5: what repeats, conflicts and failed checks lead to.

use equipoise_core::{BatchStatus, OnResidual, Plan, Policy, Side};
use equipoise_port::QueryError;
use equipoise_runtime::{CheckError, SubmitError};

use super::exchange::{Call, OnPlace};
use super::setup::{Desk, key, leg, let_run, pair, pass_ms, plan};

fn unavailable() -> QueryError {
    QueryError::Unavailable("status 502".into())
}

fn other_policy(plan: &Plan) -> Plan {
    Plan { policy: Policy::new(OnResidual::Park, 10_000), ..plan.clone() }
}

#[tokio::test(start_paused = true)]
async fn a_repeat_is_the_same_batch_and_sends_nothing() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    let first = engine.submit(&pair("now", "0.1")).await.unwrap();
    let report = first.wait().await.unwrap();
    assert!(!first.is_duplicate() && !report.duplicate);
    desk.binance.forget_calls();
    let repeat = engine.submit(&pair("now", "0.10")).await.unwrap();
    assert!(repeat.is_duplicate());
    let again = repeat.wait().await.unwrap();
    assert_eq!((again.key, again.status, again.duplicate), (report.key, BatchStatus::Done, true));
    assert_eq!(desk.binance.calls(), []);
    assert_eq!(desk.binance.orders().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_repeat_is_answered_with_flat_too_and_never_trades_again() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.bybit.play([OnPlace::Refuse(equipoise_core::RefusalKind::Final)]);
    engine.submit(&pair("now", "0.1")).await.unwrap().wait().await.unwrap();
    let orders = desk.binance.orders().len();
    let again = engine.submit(&pair("now", "0.1")).await.unwrap().wait().await.unwrap();
    assert_eq!((again.status, again.duplicate), (BatchStatus::Flat, true));
    assert_eq!(desk.binance.orders().len(), orders);
}

#[tokio::test(start_paused = true)]
async fn concurrent_submissions_of_one_plan_are_one_batch() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.take_ms(20);
    let plan = pair("now", "0.1");
    let all = futures::future::join_all((0..16).map(|_| engine.submit(&plan))).await;
    let handles: Vec<_> = all.into_iter().map(Result::unwrap).collect();
    assert_eq!(handles.iter().filter(|handle| !handle.is_duplicate()).count(), 1);
    for handle in handles {
        assert_eq!(handle.wait().await.unwrap().status, BatchStatus::Done);
    }
    assert_eq!((desk.binance.orders().len(), desk.bybit.orders().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_submissions_on_many_threads_are_one_batch() {
    for round in 0..50 {
        let desk = Desk::quick();
        let engine = desk.engine().await;
        let plan = pair(&format!("round-{round}"), "0.1");
        let tasks = (0..8).map(|_| {
            let (engine, plan) = (engine.clone(), plan.clone());
            tokio::spawn(async move { engine.submit(&plan).await.unwrap().wait().await.unwrap() })
        });
        for report in futures::future::join_all(tasks).await {
            assert_eq!(report.unwrap().status, BatchStatus::Done);
        }
        assert_eq!((desk.binance.orders().len(), desk.bybit.orders().len()), (1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_submission_goes_on_and_those_who_joined_it_hear_of_it() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.take_ms(50);
    let plan = pair("now", "0.1");
    let dropped = tokio::time::timeout(std::time::Duration::from_millis(10), engine.submit(&plan));
    assert!(dropped.await.is_err());
    let joined = engine.submit(&plan).await.unwrap();
    assert!(joined.is_duplicate());
    assert_eq!(joined.wait().await.unwrap().status, BatchStatus::Done);
    assert_eq!(desk.binance.orders().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_submission_that_is_refused_leaves_its_key_free() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.take_ms(50);
    desk.binance.fail("account", unavailable());
    let plan = pair("now", "0.1");
    let dropped = tokio::time::timeout(std::time::Duration::from_millis(10), engine.submit(&plan));
    assert!(dropped.await.is_err());
    pass_ms(1_000).await;
    desk.binance.heal("account");
    let report = engine.submit(&plan).await.unwrap().wait().await.unwrap();
    assert_eq!((report.status, report.duplicate), (BatchStatus::Done, false));
}

#[tokio::test(start_paused = true)]
async fn the_same_key_with_another_payload_is_refused_running_or_ended() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    let first = pair("now", "0.1");
    let used = SubmitError::KeyUsed { key: key(&first) };
    desk.binance.play([OnPlace::Rest]);
    let handle = engine.submit(&first).await.unwrap();
    assert_eq!(engine.submit(&other_policy(&first)).await.err(), Some(used.clone()));
    handle.cancel();
    handle.wait().await.unwrap();
    assert_eq!(engine.submit(&other_policy(&first)).await.err(), Some(used));
}

#[tokio::test(start_paused = true)]
async fn another_payload_waits_for_the_first_and_takes_the_key_if_that_is_refused() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.take_ms(50);
    desk.binance.fail("quote", unavailable());
    let (first, other) = (pair("now", "0.1"), other_policy(&pair("now", "0.1")));
    let first = tokio::spawn({
        let engine = engine.clone();
        async move { engine.submit(&first).await }
    });
    let_run().await;
    let other = tokio::spawn(async move { engine.submit(&other).await });
    pass_ms(40).await;
    assert!(!other.is_finished());
    pass_ms(15).await;
    assert!(first.await.unwrap().is_err());
    desk.binance.heal("quote");
    let report = other.await.unwrap();
    // It met the same outage unless that healed in time; either way the key was not said to be used.
    match report {
        Ok(handle) => assert!(!handle.is_duplicate()),
        Err(error) => assert!(matches!(error, SubmitError::Check(CheckError::Unready { .. }))),
    }
}

#[tokio::test(start_paused = true)]
async fn an_occasion_is_used_once_for_an_instrument_whatever_the_size() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    let first = engine.submit(&pair("eight", "0.1")).await.unwrap();
    first.wait().await.unwrap();
    let used = SubmitError::OccasionUsed {
        strategy: "funding-arb".into(),
        occasion: "eight".into(),
        key: first.key(),
    };
    assert_eq!(engine.submit(&pair("eight", "0.2")).await.err(), Some(used));
    // Another occasion, or an instrument not touched, is free.
    engine.submit(&pair("sixteen", "0.2")).await.unwrap().wait().await.unwrap();
    let mut elsewhere = leg("other", "binance", Side::Buy, "0.1");
    elsewhere.instrument = super::setup::of("ETHUSDT");
    engine.submit(&plan("eight", vec![elsewhere])).await.unwrap().wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_concurrent_plan_for_the_occasion_is_refused_once_the_first_is_admitted() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.take_ms(10);
    let (one, other) = (pair("eight", "0.1"), pair("eight", "0.2"));
    let (one, other) = tokio::join!(engine.submit(&one), engine.submit(&other));
    one.unwrap().wait().await.unwrap();
    assert!(matches!(other.err(), Some(SubmitError::OccasionUsed { .. })));
    assert_eq!(desk.binance.orders().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_only_reduces_may_share_an_occasion() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    engine.submit(&pair("eight", "0.1")).await.unwrap().wait().await.unwrap();
    let mut reduce = pair("eight", "0.05");
    for leg in &mut reduce.legs {
        leg.reduce_only = true;
        leg.side = leg.side.opposite();
    }
    let report = engine.submit(&reduce).await.unwrap().wait().await.unwrap();
    assert_eq!(report.status, BatchStatus::Done);
}

#[tokio::test(start_paused = true)]
async fn a_failed_check_is_told_and_does_not_use_up_the_key() {
    for kind in ["account", "instrument", "quote", "position", "server_time", "reserve", "find"] {
        let desk = Desk::new();
        let engine = desk.engine().await;
        desk.bybit.fail(kind, unavailable());
        let refused = engine.submit(&pair("now", "0.1")).await.err();
        assert!(
            matches!(refused, Some(SubmitError::Check(CheckError::Unready { .. }))),
            "{kind}: {refused:?}"
        );
        assert_eq!(desk.durable(key(&pair("now", "0.1"))), []);
        assert!(engine.live().is_empty());
        desk.bybit.heal(kind);
        let report = engine.submit(&pair("now", "0.1")).await.unwrap().wait().await.unwrap();
        assert_eq!((report.status, report.duplicate), (BatchStatus::Done, false), "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_venue_says_in_the_refusal_when_to_come_again() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.bybit.fail("account", QueryError::Busy { retry_after_ms: 1_700, why: "10006".into() });
    let Err(SubmitError::Check(CheckError::Unready { venue, retry_after_ms, .. })) =
        engine.submit(&pair("now", "0.1")).await
    else {
        panic!("not refused as unready");
    };
    assert_eq!((venue.as_str(), retry_after_ms), ("bybit", Some(1_700)));
}

#[tokio::test(start_paused = true)]
async fn a_short_wait_that_a_venue_announces_before_admission_is_waited_out() {
    for kind in ["account", "quote", "find"] {
        let desk = Desk::new();
        let engine = desk.engine().await;
        let busy = QueryError::Busy { retry_after_ms: 41, why: "rate limit".into() };
        desk.bybit.fail(kind, busy);
        let plan = pair("now", "0.1");
        let submit = engine.submit(&plan);
        let heal = async {
            pass_ms(300).await;
            desk.bybit.heal(kind);
        };
        let (handle, ()) = futures::join!(submit, heal);
        let report = handle.unwrap().wait().await.unwrap();
        assert_eq!(report.status, BatchStatus::Done, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_may_not_trade_is_found_before_anything_is_sent() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.bybit.disallow_trading(true);
    let refused = engine.submit(&pair("now", "0.1")).await.err();
    assert!(matches!(refused, Some(SubmitError::Check(CheckError::Credentials { .. }))));
}

#[tokio::test(start_paused = true)]
async fn a_quantity_too_small_is_refused_before_admission() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    let refused = engine.submit(&pair("now", "0.0004")).await.err();
    assert!(matches!(refused, Some(SubmitError::Check(CheckError::Size(_)))), "{refused:?}");
    assert_eq!(desk.durable(key(&pair("now", "0.0004"))), []);
}

#[tokio::test(start_paused = true)]
async fn an_adapter_that_panics_or_hangs_while_a_plan_is_checked_refuses_it_and_nothing_else() {
    for kind in ["account", "instrument", "server_time", "find", "reserve"] {
        let desk = Desk::new();
        let engine = desk.engine().await;
        desk.bybit.panic_in(kind);
        let refused = engine.submit(&pair("now", "0.1")).await.err();
        assert!(
            matches!(refused, Some(SubmitError::Check(CheckError::Unready { .. }))),
            "{kind}: {refused:?}"
        );
        assert!(engine.submit(&pair("now", "0.1")).await.is_ok(), "{kind}");
    }
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.bybit.take_ms(3_600_000);
    let refused = engine.submit(&pair("now", "0.1")).await.err();
    assert!(matches!(refused, Some(SubmitError::Check(CheckError::Unready { .. }))));
    assert_eq!(desk.now_ms(), 30_000);
}

#[tokio::test(start_paused = true)]
async fn a_new_journal_beside_an_old_order_is_the_wrong_journal() {
    let old = Desk::new();
    old.engine().await.submit(&pair("now", "0.1")).await.unwrap().wait().await.unwrap();
    let desk = Desk::new();
    desk.bybit.add_foreign(old.bybit.orders()[0].request.clone());
    let engine = desk.engine().await;
    let refused = engine.submit(&pair("now", "0.1")).await.err();
    let missing = SubmitError::JournalMissing {
        key: key(&pair("now", "0.1")),
        venue: super::setup::of("bybit"),
        client_order_id: old.bybit.orders()[0].request.client_id.to_string(),
    };
    assert_eq!(refused, Some(missing));
    assert_eq!(desk.binance.orders().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_was_there_before_is_not_doubted() {
    let mut desk = Desk::new();
    desk.engine().await.submit(&pair("one", "0.1")).await.unwrap().wait().await.unwrap();
    desk.crash();
    let engine = desk.engine().await;
    desk.binance.forget_calls();
    let handle = engine.submit(&pair("two", "0.1")).await.unwrap();
    let (looked, sent) = (Call::Find, |call: &Call| matches!(call, Call::Place(_)));
    let calls = desk.binance.calls();
    let place = calls.iter().position(|(_, call)| sent(call)).unwrap_or(calls.len());
    assert!(!calls[..place].iter().any(|(_, call)| *call == looked));
    handle.wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn two_batches_in_one_instrument_know_of_each_other_and_do_without_positions() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::Rest]);
    let resting =
        plan("rest", vec![super::setup::resting(leg("long", "binance", Side::Buy, "0.1"))]);
    let resting = engine.submit(&resting).await.unwrap();
    desk.bybit.play([OnPlace::Refuse(equipoise_core::RefusalKind::Final)]);
    let report = engine.submit(&pair("now", "0.1")).await.unwrap().wait().await.unwrap();
    assert_eq!(report.status, BatchStatus::Flat);
    let unwind = desk.binance.orders().pop().unwrap();
    assert_eq!((unwind.request.side, unwind.request.reduce_only), (Side::Sell, false));
    resting.cancel();
    resting.wait().await.unwrap();
}
