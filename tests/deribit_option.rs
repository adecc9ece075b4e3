//! A batch with an option at Deribit, over HTTP: an option is an underlying of its own, so its contracts are never taken
//! for coins, whatever the future beside it does.
#![allow(clippy::unwrap_used, reason = "tests")]

mod harness;

use std::collections::BTreeMap;
use std::sync::Arc;

use equipoise::{
    Asset, BatchReport, BatchStatus, Engine, Leg, LegName, LegStatus, Occasion, OnResidual,
    OrderKind, Plan, Policy, Positions, Quantity, Side, StrategyName, Symbol, SystemClock,
    TimeInForce, VenueName, VenueSetup,
};
use equipoise_sim::{DERIBIT, Effect, Fault, Occurrence, Operation, Running, Settings};
use harness::{adapter_for, memory, start};
use rust_decimal::Decimal;

const OPTION: &str = "BTC-25DEC26-65000-C";
const FUTURE: &str = "BTC-PERPETUAL";

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn leg(name: &str, symbol: &str, side: Side, quantity: Quantity) -> Leg {
    let venue = VenueName::new("deribit").unwrap();
    Leg::market(LegName::new(name).unwrap(), venue, Symbol::new(symbol).unwrap(), side, quantity)
}

/// Buys two contracts of the option, up to a limit, and sells the future against half of them, as a person chose.
fn plan() -> Plan {
    let contracts = Quantity::Contracts("2".parse().unwrap());
    let mut option = leg("option", OPTION, Side::Buy, contracts);
    option.kind =
        OrderKind::Limit { price: "0.04".parse().unwrap(), time_in_force: TimeInForce::Ioc };
    let future = leg("future", FUTURE, Side::Sell, Quantity::Base("1".parse().unwrap()));
    Plan {
        strategy: StrategyName::new("covered").unwrap(),
        occasion: Occasion::new("1").unwrap(),
        legs: vec![option, future],
        policy: Policy::new(OnResidual::Unwind, 10_000),
    }
}

/// Runs the plan while orders for one instrument are refused, if any.
async fn run(refused: Option<&str>) -> (BatchReport, Running) {
    let deribit = start(DERIBIT, Settings::default()).await;
    if let Some(symbol) = refused {
        let effect = Effect::WithoutMargin;
        let mut fault = Fault::on(Operation::PlaceEntry, Occurrence::Nth(1), effect);
        fault.matcher.symbol = Some(symbol.to_owned());
        deribit.with(|exchange| exchange.inject(fault));
    }
    let clock = Arc::new(SystemClock::start());
    let venue = adapter_for("deribit", DERIBIT, &deribit.base_url(), clock.clone());
    let setup = VenueSetup { venue, positions: Positions::Exclusive };
    let engine = Engine::builder(memory())
        .clock(clock)
        .venue(VenueName::new("deribit").unwrap(), setup)
        .start()
        .await
        .unwrap();
    let report = engine.submit(&plan()).await.unwrap().wait().await.unwrap();
    (report, deribit)
}

/// What the account holds by the exchange's own books, in its units.
fn held(deribit: &Running, symbol: &str) -> Decimal {
    let ledger = deribit.with(|exchange| exchange.ledger());
    let own = ledger.positions.iter().filter(|held| held.symbol == symbol);
    own.map(|held| held.quantity).sum()
}

fn deltas(report: &BatchReport) -> BTreeMap<String, Decimal> {
    let told = report.net_delta.iter();
    told.map(|(asset, delta): (&Asset, _)| (asset.to_string(), delta.get().normalize())).collect()
}

#[tokio::test]
async fn an_option_beside_a_future_is_reported_in_contracts_of_its_own() {
    let (report, deribit) = run(None).await;
    assert_eq!(report.status, BatchStatus::Done, "{report:#?}");
    assert_eq!((held(&deribit, OPTION), held(&deribit, FUTURE)), (decimal("2"), decimal("-65000")));
    let [option, future] = &report.legs[..] else { panic!("{report:#?}") };
    assert_eq!((option.status, future.status), (LegStatus::Filled, LegStatus::Filled));
    assert_eq!((option.holding.get(), future.holding.get()), (decimal("2"), decimal("-65000")));
    // Sixty-five thousand dollars at the future's own price: never at the option's, which is a part of a coin.
    let deltas = deltas(&report);
    assert_eq!(deltas.keys().collect::<Vec<_>>(), ["BTC", OPTION]);
    assert_eq!(deltas[OPTION], decimal("2"));
    assert_eq!(deltas["BTC"].round_dp(3), decimal("-1"));
    let paid: Decimal = deribit
        .with(|exchange| exchange.ledger())
        .orders
        .iter()
        .filter(|order| order.symbol == OPTION)
        .map(equipoise_sim::Order::fee)
        .sum();
    let fees: Vec<_> = option.fees.iter().map(|(asset, fee)| (asset.as_str(), fee.get())).collect();
    assert!(!paid.is_zero());
    assert_eq!(fees, [("BTC", paid)]);
}

#[tokio::test]
async fn without_the_future_the_option_is_sold_again_and_without_the_option_the_future_is_bought_back()
 {
    for refused in [FUTURE, OPTION] {
        let (report, deribit) = run(Some(refused)).await;
        assert_eq!(report.status, BatchStatus::Flat, "{refused}: {report:#?}");
        for symbol in [OPTION, FUTURE] {
            assert_eq!(held(&deribit, symbol), Decimal::ZERO, "{symbol} without {refused}");
        }
        assert!(deltas(&report).values().all(Decimal::is_zero), "{report:#?}");
        let traded = deribit.with(|exchange| exchange.ledger()).orders;
        assert!(!traded.is_empty() && traded.iter().all(|order| order.symbol != refused));
    }
}
