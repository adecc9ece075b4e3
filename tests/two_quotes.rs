//! Ether in dollars and ether in bitcoin in one batch, over HTTP: each leg is sized, released and judged at the price of
//! its own pair, in whichever order a plan's legs are hashed (K7).
#![allow(clippy::unwrap_used, reason = "tests")]

mod harness;

use std::collections::BTreeSet;
use std::sync::Arc;

use equipoise::{
    BatchStatus, Engine, Leg, LegName, Occasion, OnResidual, Plan, Policy, Positions, Quantity,
    Side, StrategyName, Symbol, SystemClock, VenueName, VenueSetup,
};
use equipoise_sim::{BINANCE_SPOT, Effect, Fault, Occurrence, Operation, Order, Running, Settings};
use harness::{adapter_for, memory, start};
use rust_decimal::Decimal;

fn leg(name: &str, symbol: &str, side: Side, quantity: Quantity) -> Leg {
    let venue = VenueName::new("spot").unwrap();
    Leg::market(LegName::new(name).unwrap(), venue, Symbol::new(symbol).unwrap(), side, quantity)
}

fn follower(leg: Leg, of: &str, ratio: &str) -> Leg {
    let of = LegName::new(of).unwrap();
    let quantity = Quantity::Of { leg: of.clone(), ratio: ratio.parse().unwrap() };
    Leg { quantity, ..leg }.after([of])
}

/// Dollars to bitcoin to ether to dollars. The ratio is ether per bitcoin; another one is another canonical order.
fn triangle(ratio: &str) -> Plan {
    let base = || Quantity::Base("0.1".parse().unwrap());
    let first = leg("to-bitcoin", "BTCUSDT", Side::Buy, base());
    let second = leg("to-ether", "ETHBTC", Side::Buy, base());
    let third = leg("to-dollars", "ETHUSDT", Side::Sell, base());
    Plan {
        strategy: StrategyName::new("triangle").unwrap(),
        occasion: Occasion::new(ratio).unwrap(),
        legs: vec![first, follower(second, "to-bitcoin", ratio), follower(third, "to-ether", "1")],
        policy: Policy { unwind_loss_max: Some("250".parse().unwrap()), ..policy() },
    }
}

fn policy() -> Policy {
    Policy::new(OnResidual::Unwind, 10_000)
}

async fn engine() -> (Engine, Running) {
    let exchange = start(BINANCE_SPOT, Settings::default()).await;
    let clock = Arc::new(SystemClock::start());
    let venue = adapter_for("spot", BINANCE_SPOT, &exchange.base_url(), clock.clone());
    let setup = VenueSetup { venue, positions: Positions::Exclusive };
    let engine = Engine::builder(memory())
        .clock(clock)
        .venue(VenueName::new("spot").unwrap(), setup)
        .start();
    (engine.await.unwrap(), exchange)
}

/// What the orders of one pair came to, bought less sold, fees in what they bought taken off.
fn left(exchange: &Running, symbol: &str) -> Decimal {
    let orders = exchange.with(|exchange| exchange.ledger()).orders;
    let kept = |order: &Order| {
        let paid = if order.side == equipoise_sim::Side::Buy { order.fee() } else { Decimal::ZERO };
        order.side.signed(order.executed) - paid
    };
    orders.iter().filter(|order| order.symbol == symbol).map(kept).sum()
}

#[tokio::test]
async fn a_triangle_is_done_in_whichever_order_its_legs_are_hashed() {
    let (engine, _exchange) = engine().await;
    let (mut first, mut batches) = (BTreeSet::new(), Vec::new());
    for ratio in ["19.1", "19.2", "19.3", "19.4", "19.5", "19.6", "19.7", "19.8"] {
        let plan = triangle(ratio);
        let legs = plan.check().unwrap().legs;
        let ether = legs.iter().find(|leg| leg.symbol.as_str().starts_with("ETH")).unwrap();
        first.insert(ether.symbol.to_string());

        let check = engine.check(&plan).await.unwrap();
        let prices: Vec<_> = check.legs.iter().map(|leg| leg.reference.get()).collect();
        let [bitcoin, in_bitcoin, in_dollars] = prices[..] else { panic!("{check:#?}") };
        assert!(in_bitcoin < Decimal::ONE && in_dollars > Decimal::from(1_000), "{prices:?}");
        assert!((in_bitcoin * bitcoin / in_dollars).round_dp(1) == Decimal::ONE, "{prices:?}");

        batches.push(engine.submit(&plan).await.unwrap());
    }
    assert_eq!(first.len(), 2, "both orders were seen");
    for batch in batches {
        let report = batch.wait().await.unwrap();
        assert_eq!(report.status, BatchStatus::Done, "{report:#?}");
    }
}

#[tokio::test]
async fn a_triangle_without_its_last_leg_is_taken_back_within_dust() {
    for refused in ["ETHBTC", "ETHUSDT"] {
        let (engine, exchange) = engine().await;
        let mut fault = Fault::on(Operation::PlaceEntry, Occurrence::Nth(1), Effect::WithoutMargin);
        fault.matcher.symbol = Some(refused.to_owned());
        exchange.with(|exchange| exchange.inject(fault));
        let report = engine.submit(&triangle("19.5")).await.unwrap().wait().await.unwrap();
        assert_eq!(report.status, BatchStatus::Flat, "{refused}: {report:#?}");
        for (symbol, lot) in [("BTCUSDT", "0.00001"), ("ETHBTC", "0.0001"), ("ETHUSDT", "0")] {
            let (left, lot) = (left(&exchange, symbol), lot.parse().unwrap());
            assert!(left.abs() <= lot, "{refused}: {left} of {symbol}");
        }
    }
}
