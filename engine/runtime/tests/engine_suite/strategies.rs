//! The strategy runner: recovery first, what is held, and follow-ups within bounds.

use equipoise_core::{
    BatchReport, BatchStatus, MarketView, OnResidual, Plan, Policy, RefusalKind, Side, Strategy,
    StrategyName,
};
use equipoise_port::QueryError;
use equipoise_runtime::{BatchError, CheckError, StrategyRunner, SubmitError};

use super::exchange::OnPlace;
use super::setup::{Desk, leg, let_run, of, pair, pass_ms, plan, resting};

/// Returns what it is told to and remembers what it is told.
struct Scripted {
    name: StrategyName,
    wanted: Vec<Plan>,
    follow_ups: Vec<Vec<Plan>>,
    outcomes: Vec<BatchReport>,
}

impl Scripted {
    fn new(wanted: Vec<Plan>, follow_ups: Vec<Vec<Plan>>) -> Self {
        Self { name: of("funding-arb"), wanted, follow_ups, outcomes: Vec::new() }
    }
}

impl Strategy for Scripted {
    fn name(&self) -> &StrategyName {
        &self.name
    }
    fn on_market(&mut self, _: &MarketView) -> Vec<Plan> {
        std::mem::take(&mut self.wanted)
    }
    fn on_outcome(&mut self, outcome: &BatchReport) -> Vec<Plan> {
        self.outcomes.push(outcome.clone());
        if self.follow_ups.is_empty() { Vec::new() } else { self.follow_ups.remove(0) }
    }
}

fn watched() -> Vec<(equipoise_core::VenueName, equipoise_core::Symbol)> {
    vec![(of("binance"), of("BTCUSDT")), (of("bybit"), of("BTCUSDT"))]
}

fn occasions(strategy: &Scripted) -> Vec<String> {
    strategy.outcomes.iter().map(|outcome| outcome.occasion.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_batch_counts_as_held_from_its_submission_on() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::Rest]);
    let rest = plan("rest", vec![resting(leg("long", "binance", Side::Buy, "0.1"))]);
    let strategy = Scripted::new(vec![rest], vec![]);
    let mut runner = StrategyRunner::start(engine, strategy, watched()).await.unwrap();
    assert_eq!(runner.view().await.unwrap().holdings, []);
    let handle = runner.poll().await.unwrap().remove(0);
    let holdings = runner.view().await.unwrap().holdings;
    assert_eq!((holdings.len(), holdings[0].status), (1, BatchStatus::Running));
    desk.binance.trade(0, "0.1");
    runner.finish(&handle).await.unwrap();
    let holdings = runner.view().await.unwrap().holdings;
    assert_eq!(holdings[0].status, BatchStatus::Done);
    assert_eq!(holdings[0].legs, [(of("binance"), of("BTCUSDT"), of("0.1"))]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_ended_flat_is_held_no_more_without_being_finished_by_anyone() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.bybit.play([OnPlace::Refuse(RefusalKind::Final)]);
    let strategy = Scripted::new(vec![pair("now", "0.1")], vec![]);
    let mut runner = StrategyRunner::start(engine, strategy, watched()).await.unwrap();
    runner.poll().await.unwrap();
    pass_ms(5_000).await;
    assert_eq!(runner.view().await.unwrap().holdings, []);
}

#[tokio::test(start_paused = true)]
async fn a_parked_batch_with_an_unresolved_order_is_held_even_without_a_proven_fill() {
    let mut desk = Desk::new();
    // A journal that holds a batch is no fresh one, so that nothing is asked before admission (D5).
    let before = Plan { strategy: of("other"), ..pair("before", "0.1") };
    desk.engine().await.submit(&before).await.unwrap().wait().await.unwrap();
    desk.crash();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::FillUnheard]);
    let one = plan("now", vec![leg("long", "binance", Side::Buy, "0.1")]);
    let strategy = Scripted::new(vec![one], vec![]);
    let mut runner = StrategyRunner::start(engine, strategy, watched()).await.unwrap();
    for kind in ["find", "list"] {
        desk.binance.fail(kind, QueryError::Unavailable("maintenance".into()));
    }
    let handle = runner.poll().await.unwrap().remove(0);
    assert_eq!(runner.finish(&handle).await.unwrap().status, BatchStatus::Parked);
    let holdings = runner.view().await.unwrap().holdings;
    assert_eq!((holdings.len(), holdings[0].status), (1, BatchStatus::Parked));
    assert_eq!(holdings[0].legs, []);
    // What a review finds is held from then on.
    desk.binance.heal("find");
    desk.binance.heal("list");
    assert_eq!(runner.review_parked().await.unwrap().len(), 1);
    let holdings = runner.view().await.unwrap().holdings;
    assert_eq!(holdings[0].legs, [(of("binance"), of("BTCUSDT"), of("0.1"))]);
}

#[tokio::test(start_paused = true)]
async fn it_finishes_recovery_first_and_tells_the_strategy_of_its_own_batches() {
    let mut desk = Desk::new();
    let engine = desk.engine().await;
    engine.submit(&pair("done", "0.1")).await.unwrap().wait().await.unwrap();
    let foreign = Plan { strategy: of("other"), ..pair("foreign", "0.1") };
    engine.submit(&foreign).await.unwrap().wait().await.unwrap();
    desk.bybit.play([OnPlace::Lose]);
    engine.submit(&pair("cut-off", "0.1")).await.unwrap();
    let_run().await;
    desk.crash();
    let engine = desk.engine().await;
    let strategy = Scripted::new(vec![], vec![vec![pair("next", "0.1")]]);
    let runner = StrategyRunner::start(engine, strategy, watched()).await.unwrap();
    assert_eq!(occasions(runner.strategy()), ["cut-off", "next"]);
    let view = runner.view().await.unwrap();
    assert_eq!(view.markets.len(), 2);
    let mut held: Vec<_> = view.holdings.iter().map(|held| held.occasion.to_string()).collect();
    held.sort();
    assert_eq!(held, ["cut-off", "done", "next"]);
    assert!(runner.engine().live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn follow_ups_come_in_the_order_in_which_they_are_wanted() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    let follow_ups =
        vec![vec![pair("second", "0.1"), pair("third", "0.1")], vec![pair("fourth", "0.1")]];
    let strategy = Scripted::new(vec![pair("first", "0.1")], follow_ups);
    let mut runner = StrategyRunner::start(engine, strategy, watched()).await.unwrap();
    let handle = runner.poll().await.unwrap().remove(0);
    let report = runner.finish(&handle).await.unwrap();
    assert_eq!(report.occasion.to_string(), "first");
    assert_eq!(occasions(runner.strategy()), ["first", "second", "third", "fourth"]);
}

#[tokio::test(start_paused = true)]
async fn a_strategy_that_always_wants_more_is_cut_after_sixteen() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    let follow_ups = (0..100).map(|index| vec![pair(&format!("more-{index}"), "0.1")]);
    let strategy = Scripted::new(vec![pair("first", "0.1")], follow_ups.collect());
    let mut runner = StrategyRunner::start(engine, strategy, watched()).await.unwrap();
    let handle = runner.poll().await.unwrap().remove(0);
    runner.finish(&handle).await.unwrap();
    assert_eq!(runner.strategy().outcomes.len(), 17);
}

#[tokio::test(start_paused = true)]
async fn a_refused_plan_leaves_those_before_it_running_and_held() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    let mut bad = pair("bad", "0.1");
    bad.policy = Policy::new(OnResidual::Trim, 10_000);
    let strategy = Scripted::new(vec![pair("good", "0.1"), bad], vec![]);
    let mut runner = StrategyRunner::start(engine, strategy, watched()).await.unwrap();
    let error = runner.poll().await.err();
    assert!(matches!(error, Some(SubmitError::Check(CheckError::Plan(_)))));
    assert_eq!(runner.view().await.unwrap().holdings[0].occasion.to_string(), "good");
}

#[tokio::test(start_paused = true)]
async fn a_market_that_cannot_be_read_submits_nothing() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    let strategy = Scripted::new(vec![pair("now", "0.1")], vec![]);
    let watched = vec![(of("kraken"), of("BTCUSDT"))];
    let mut runner = StrategyRunner::start(engine, strategy, watched).await.unwrap();
    let error = runner.poll().await.err();
    assert!(matches!(error, Some(SubmitError::Check(CheckError::Unready { .. }))));
    assert_eq!(desk.binance.orders().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_refused_follow_up_is_told() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    let follow_ups = vec![vec![pair("first", "0.2")]];
    let strategy = Scripted::new(vec![pair("first", "0.1")], follow_ups);
    let mut runner = StrategyRunner::start(engine, strategy, watched()).await.unwrap();
    let handle = runner.poll().await.unwrap().remove(0);
    match runner.finish(&handle).await {
        Err(BatchError::Submit(error)) => {
            assert!(matches!(*error, SubmitError::OccasionUsed { .. }));
        }
        other => panic!("{other:?}"),
    }
}
