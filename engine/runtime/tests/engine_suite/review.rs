//! R11: a parked batch is asked about again. What is learned corrects its report, and nothing is ever sent.

use std::sync::Arc;

use equipoise_core::{BatchKey, BatchReport, BatchStatus, Record, Side, UnixMillis};
use equipoise_port::QueryError;
use equipoise_runtime::{Engine, SystemClock};

use super::exchange::{Call, OnPlace};
use super::setup::{Desk, START, leg, names, pass_ms, plan, resting};

/// An engine with a batch of one order that was parked while its venue answered no query, and how many records it has.
async fn parked(desk: &mut Desk, on_place: OnPlace) -> (Engine, BatchKey, usize) {
    let one = |occasion| plan(occasion, vec![leg("long", "binance", Side::Buy, "0.1")]);
    // A journal that holds a batch is no fresh one, so that nothing is asked before admission (D5).
    desk.engine().await.submit(&one("before")).await.unwrap().wait().await.unwrap();
    desk.crash();
    let engine = desk.engine().await;
    mute(desk);
    desk.binance.play([on_place]);
    let report = engine.submit(&one("now")).await.unwrap().wait().await.unwrap();
    assert_eq!(report.status, BatchStatus::Parked, "{}", report.why);
    assert!(report.net_delta_range.is_some());
    let records = desk.durable(report.key).len();
    (engine, report.key, records)
}

fn mute(desk: &Desk) {
    for kind in ["find", "list"] {
        desk.binance.fail(kind, QueryError::Unavailable("maintenance".into()));
    }
}

fn answer_again(desk: &Desk) {
    desk.binance.heal("find");
    desk.binance.heal("list");
    desk.binance.forget_calls();
}

async fn report(engine: &Engine, key: BatchKey) -> BatchReport {
    engine.batch(key).await.unwrap().unwrap().report().unwrap()
}

/// The exact account a review comes to, which the journal keeps, and that nothing was sent for it.
async fn exact(desk: &Desk, engine: &Engine, key: BatchKey, net: &str) {
    let reports = engine.review_parked().await.unwrap();
    let [reviewed] = &reports[..] else { panic!("{reports:?}") };
    let stored = report(engine, key).await;
    for account in [reviewed, &stored] {
        assert_eq!((account.key, account.status), (key, BatchStatus::Parked));
        assert_eq!(account.net_delta.values().next().unwrap().to_string(), net);
        assert_eq!((account.net_delta_range.clone(), account.in_doubt.len()), (None, 0));
    }
    let sends = |call: &Call| matches!(call, Call::Place(_) | Call::Cancel | Call::Reserve(_));
    assert_eq!(desk.binance.count(sends), 0);
    // What is known needs no further question.
    desk.binance.forget_calls();
    assert_eq!(engine.review_parked().await.unwrap(), []);
    assert_eq!(desk.binance.calls(), []);
}

#[tokio::test(start_paused = true)]
async fn a_fill_nobody_could_see_is_found_later_and_makes_the_report_exact() {
    for restarted in [false, true] {
        let mut desk = Desk::new();
        let (mut engine, key, before) = parked(&mut desk, OnPlace::FillUnheard).await;
        if restarted {
            desk.crash();
            engine = desk.engine().await;
        }
        answer_again(&desk);
        exact(&desk, &engine, key, "0.1").await;
        let learned = desk.durable(key).split_off(before);
        assert_eq!(names(&learned), ["Filled", "Observed", "Audited"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_that_never_arrived_is_proven_absent_by_two_searches_a_second_apart() {
    let mut desk = Desk::new();
    let (_, key, before) = parked(&mut desk, OnPlace::Lose).await;
    desk.crash();
    let engine = desk.engine().await;
    answer_again(&desk);
    exact(&desk, &engine, key, "0").await;
    let learned = desk.durable(key).split_off(before);
    assert_eq!(names(&learned), ["NotFound", "NotFound", "Absent"]);
    let [first, second] = [&learned[0], &learned[1]].map(Record::at);
    assert!(second.since(first) >= 1_000);
}

#[tokio::test(start_paused = true)]
async fn a_venue_that_does_not_answer_leaves_the_report_as_it_is() {
    let refused = QueryError::Credentials { code: "-2015".into(), message: "invalid key".into() };
    for error in [QueryError::Unavailable("maintenance".into()), refused] {
        let mut desk = Desk::new();
        let (_, key, before) = parked(&mut desk, OnPlace::FillUnheard).await;
        desk.crash();
        desk.binance.fail("find", error.clone());
        desk.binance.fail("list", error);
        let engine = desk.engine().await;
        let was = report(&engine, key).await;
        let reviewed = engine.review_parked().await.unwrap();
        assert_eq!(reviewed[0].net_delta_range, was.net_delta_range);
        assert_eq!(desk.durable(key).len(), before);
    }
}

#[tokio::test(start_paused = true)]
async fn another_account_is_not_asked_about_a_batch_it_never_saw() {
    let mut desk = Desk::new();
    desk.binance.lead_to("https://one#1");
    let (_, key, before) = parked(&mut desk, OnPlace::FillUnheard).await;
    desk.crash();
    answer_again(&desk);
    desk.binance.lead_to("https://other#1");
    let engine = desk.engine().await;
    assert_eq!(engine.review_parked().await.unwrap().len(), 1);
    assert_eq!((desk.binance.calls(), desk.durable(key).len()), (vec![], before));
    desk.crash();
    let engine = desk.builder().same_accounts(true).start().await.unwrap();
    exact(&desk, &engine, key, "0.1").await;
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_behind_the_parked_batch_hides_nothing() {
    let mut desk = Desk::new();
    let (_, key, _) = parked(&mut desk, OnPlace::Lose).await;
    desk.crash();
    answer_again(&desk);
    let behind = Arc::new(SystemClock::starting_at(UnixMillis(START.0 - 7_200_000)));
    let engine = desk.builder().clock(behind).start().await.unwrap();
    exact(&desk, &engine, key, "0").await;
}

#[tokio::test(start_paused = true)]
async fn two_reviews_at_once_learn_everything_once() {
    let mut desk = Desk::new();
    let (engine, key, before) = parked(&mut desk, OnPlace::FillUnheard).await;
    answer_again(&desk);
    let (one, other) = futures::join!(engine.review_parked(), engine.review_parked());
    assert_eq!((one.unwrap().len(), other.unwrap().len()), (1, 0));
    pass_ms(10).await;
    assert_eq!(names(&desk.durable(key).split_off(before)), ["Filled", "Observed", "Audited"]);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_a_review_finds_open_is_told_and_not_touched() {
    let mut desk = Desk::new();
    desk.binance.fail("cancel", QueryError::Unavailable("maintenance".into()));
    let bid = |occasion| plan(occasion, vec![resting(leg("long", "binance", Side::Buy, "0.1"))]);
    let engine = desk.engine().await;
    let admitted = plan("before", vec![leg("long", "binance", Side::Buy, "0.1")]);
    engine.submit(&admitted).await.unwrap().wait().await.unwrap();
    desk.crash();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::Rest]);
    let handle = engine.submit(&bid("now")).await.unwrap();
    pass_ms(1_000).await;
    mute(&desk);
    let parked = handle.wait().await.unwrap();
    assert_eq!(parked.status, BatchStatus::Parked, "{}", parked.why);
    assert!(!parked.in_doubt[0].found_open);
    desk.crash();
    answer_again(&desk);
    let engine = desk.engine().await;
    let reviewed = engine.review_parked().await.unwrap();
    let [open] = &reviewed[0].in_doubt[..] else { panic!("{reviewed:?}") };
    assert!(open.found_open);
    assert_eq!(open.open_orders.len(), 1);
    let sends = |call: &Call| matches!(call, Call::Place(_) | Call::Cancel | Call::Reserve(_));
    assert_eq!(desk.binance.count(sends), 0);
    // The next start tells the same, and adds no further record.
    let durable = desk.durable(parked.key).len();
    assert_eq!(engine.review_parked().await.unwrap()[0].in_doubt, reviewed[0].in_doubt);
    assert_eq!(desk.durable(parked.key).len(), durable);
    // A person cancels it, and in time the exchange shows it no more: it is known as it was last seen.
    let seen = desk.durable(parked.key).last().unwrap().at();
    assert_eq!(open.last_seen, Some(seen));
    pass_ms(60_000).await;
    desk.binance.drop_orders();
    let gone = &engine.review_parked().await.unwrap()[0];
    assert_eq!((&gone.in_doubt, &gone.why), (&reviewed[0].in_doubt, &reviewed[0].why));
    assert_eq!(gone.why, "an order was found open at its venue after the batch had ended");
    assert_eq!(gone.legs[0].reason.as_deref(), Some("open at the venue when last seen"));
}
