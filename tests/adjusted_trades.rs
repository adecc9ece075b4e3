//! Trades that Coinbase takes back or corrects (V12), over HTTP, beside a leg at another exchange: a person is told, and
//! the batch ends flat by the exchange's own ledger, or parked with a range that holds the truth.
#![allow(clippy::unwrap_used, reason = "tests")]

mod harness;

use std::sync::Arc;

use equipoise::{
    Alarm, BatchReport, BatchStatus, Engine, Leg, LegName, Occasion, OnResidual, Plan, Policy,
    Positions, Quantity, Settings, Side, StrategyName, Symbol, SystemClock, VenueName, VenueSetup,
};
use equipoise_sim::{
    Adjustment, BYBIT_LINEAR, COINBASE, Effect, Fault, Occurrence, Operation, Running,
};
use harness::{adapter_for, memory, start};
use rust_decimal::Decimal;

/// What stands of an exchange's trades, signed, in base units.
fn held(exchange: &Running) -> Decimal {
    let ledger = exchange.with(|exchange| exchange.ledger());
    ledger.orders.iter().map(|order| order.side.signed(order.standing())).sum()
}

/// Buys at Coinbase, where every trade of the first order is adjusted at once, and sells at Bybit.
async fn play(adjustment: Adjustment, is_counted: bool) -> (BatchReport, [Decimal; 2]) {
    let coinbase = start(COINBASE, equipoise_sim::Settings::default()).await;
    let bybit = start(BYBIT_LINEAR, equipoise_sim::Settings::default()).await;
    let effect = Effect::AdjustTrades { adjustment, is_counted };
    coinbase.with(|exchange| {
        exchange.inject(Fault::on(Operation::Place, Occurrence::Nth(1), effect));
    });
    let clock = Arc::new(SystemClock::start());
    // How long a venue is asked for a better answer before the batch is parked.
    let settings = Settings { doubt_grace_ms: 2_000, ..Settings::default() };
    let mut engine = Engine::builder(memory()).clock(clock.clone()).settings(settings);
    let mut legs = Vec::new();
    for (adapter, exchange, symbol, side) in
        [(COINBASE, &coinbase, "BTC-USD", Side::Buy), (BYBIT_LINEAR, &bybit, "BTCUSDT", Side::Sell)]
    {
        let name = VenueName::new(adapter).unwrap();
        let venue = adapter_for(adapter, adapter, &exchange.base_url(), clock.clone());
        engine = engine.venue(name.clone(), VenueSetup { venue, positions: Positions::Exclusive });
        let quantity = Quantity::Base("0.1".parse().unwrap());
        let leg = LegName::new(adapter).unwrap();
        legs.push(Leg::market(leg, name, Symbol::new(symbol).unwrap(), side, quantity));
    }
    let plan = Plan {
        strategy: StrategyName::new("adjusted").unwrap(),
        occasion: Occasion::new("1").unwrap(),
        legs,
        policy: Policy::new(OnResidual::Unwind, 5_000),
    };
    let engine = engine.start().await.unwrap();
    let report = engine.submit(&plan).await.unwrap().wait().await.unwrap();
    assert!(
        report.alarms.iter().any(|alarm| alarm.alarm == Alarm::Busted),
        "nobody was told: {report:#?}"
    );
    (report, [held(&coinbase), held(&bybit)])
}

fn half() -> Adjustment {
    Adjustment::Correction(Decimal::new(5, 1))
}

#[tokio::test]
async fn what_a_reversed_or_corrected_trade_leaves_unmatched_is_taken_back() {
    for (adjustment, is_counted) in
        [(Adjustment::Reversal, true), (Adjustment::Reversal, false), (half(), true)]
    {
        let (report, held) = play(adjustment, is_counted).await;
        let told = format!("{adjustment:?} {is_counted}: {report:#?}");
        assert_eq!(report.status, BatchStatus::Flat, "{told}");
        assert_eq!(held, [Decimal::ZERO; 2], "{told}");
        let overfill = |alarm: &equipoise::AlarmReport| alarm.alarm == Alarm::Overfill;
        assert!(!report.alarms.iter().any(overfill), "nothing was executed twice: {told}");
    }
}

#[tokio::test]
async fn a_correction_that_nothing_bears_out_parks_the_batch_with_a_range_that_holds_the_truth() {
    let (report, held) = play(half(), false).await;
    assert_eq!(report.status, BatchStatus::Parked, "{report:#?}");
    let range = report.net_delta_range.as_ref().unwrap();
    let (least, greatest) = *range.values().next().unwrap();
    let net = held[0] + held[1];
    assert!((least.get()..=greatest.get()).contains(&net), "{net} of {report:#?}");
    assert_eq!((least.to_string(), greatest.to_string()), ("-0.1".into(), "0.05".into()));
}
