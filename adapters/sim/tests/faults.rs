//! What each fault does, and that it does it once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{Binance, Bybit, NOW_MS, body_of, responded};
use equipoise_sim::{
    Answer, Broken, Effect, Fault, Loss, Occurrence, Operation, Settings, Side, Stage,
};
use rust_decimal::Decimal;
use serde_json::json;

const BUY: &str = "side=BUY&type=MARKET&quantity=0.1&newClientOrderId=leg";

fn binance_with(effect: Effect) -> Binance {
    let mut binance = Binance::start(Settings::default());
    binance.exchange.inject(Fault::on(Operation::Place, Occurrence::Nth(1), effect));
    binance
}

fn place(binance: &mut Binance) -> Answer {
    binance.ask("POST", "/fapi/v1/order", &format!("symbol=BTCUSDT&{BUY}"))
}

fn executed(binance: &Binance) -> Decimal {
    binance.exchange.ledger().orders.iter().map(|order| order.executed).sum()
}

#[test]
fn a_lost_request_leaves_no_trace_and_a_lost_answer_leaves_an_order() {
    for (effect, orders) in [
        (Effect::LoseRequest(Loss::Silence), 0),
        (Effect::LoseRequest(Loss::Close), 0),
        (Effect::LoseAnswer(Loss::Silence), 1),
        (Effect::LoseAnswer(Loss::Close), 1),
    ] {
        let silent = matches!(
            effect,
            Effect::LoseRequest(Loss::Silence) | Effect::LoseAnswer(Loss::Silence)
        );
        let mut binance = binance_with(effect);
        match place(&mut binance) {
            Answer::Silence => assert!(silent),
            Answer::Close => assert!(!silent),
            other => panic!("{other:?}"),
        }
        assert_eq!(binance.exchange.ledger().orders.len(), orders);
        assert_eq!(responded(place(&mut binance)).status(), 200, "only the first call is met");
    }
}

#[test]
fn broken_answers_hide_whether_the_order_was_executed() {
    let cases = [
        (Broken::Unknown503, 503, true),
        (Broken::UncodedUnknown503, 503, true),
        (Broken::Html502, 502, false),
        (Broken::Truncated, 200, false),
        (Broken::Huge, 200, false),
        (Broken::NotJson, 200, false),
    ];
    for (broken, status, readable) in cases {
        for (effect, executed_quantity) in [
            (Effect::BreakAnswer(broken), Decimal::new(1, 1)),
            (Effect::BreakInstead(broken), Decimal::ZERO),
        ] {
            let mut binance = binance_with(effect);
            let response = responded(place(&mut binance));
            assert_eq!(
                (response.status().as_u16(), body_of(&response).is_object()),
                (status, readable),
                "{broken:?}"
            );
            assert_eq!(executed(&binance), executed_quantity, "{broken:?}");
        }
    }
}

#[test]
fn the_unknown_503_has_the_documented_text_with_or_without_a_code() {
    let text = "Unknown error, please check your request or try again later.";
    let mut binance = binance_with(Effect::BreakAnswer(Broken::Unknown503));
    assert_eq!(body_of(&responded(place(&mut binance))), json!({ "code": -1000, "msg": text }));
    let mut binance = binance_with(Effect::BreakAnswer(Broken::UncodedUnknown503));
    let body = body_of(&responded(place(&mut binance)));
    assert_eq!(body, json!({ "timestamp": NOW_MS, "path": "/fapi/v1/order", "msg": text }));
}

#[test]
fn a_duplicated_execution_is_two_orders_under_one_client_id() {
    let mut binance = binance_with(Effect::ExecuteTwice);
    assert_eq!(responded(place(&mut binance)).status(), 200);
    let orders = binance.exchange.ledger().orders;
    assert_eq!(
        orders.iter().map(|order| order.client_order_id.as_str()).collect::<Vec<_>>(),
        ["leg", "leg"]
    );
    assert_ne!(orders[0].order_id, orders[1].order_id);
    assert_eq!(executed(&binance), Decimal::new(2, 1));
}

#[test]
fn a_refusal_has_the_code_it_was_given() {
    let effect = Effect::Refuse { status: 400, code: -4131, message: "no".to_owned() };
    let mut binance = binance_with(effect);
    let response = responded(place(&mut binance));
    assert_eq!(
        (response.status().as_u16(), body_of(&response)),
        (400, json!({ "code": -4131, "msg": "no" }))
    );
}

#[test]
fn a_rate_limit_announces_how_long_to_wait() {
    let mut binance = binance_with(Effect::RateLimited { retry_after_s: 7 });
    let response = responded(place(&mut binance));
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (429, &"7".parse().unwrap())
    );
    let mut bybit = Bybit::start(Settings::default());
    bybit.exchange.inject(Fault::on(
        Operation::Place,
        Occurrence::Nth(1),
        Effect::RateLimited { retry_after_s: 7 },
    ));
    assert_eq!(bybit.code("leg", json!({})), 10006);
}

#[test]
fn a_request_late_at_the_gateway_or_at_the_engine_is_refused_there() {
    for (before, code) in [(Stage::Gateway, -1021), (Stage::Engine, -5028)] {
        let mut binance = binance_with(Effect::DelayRequest { delay_ms: 5001, before });
        let Answer::Late { delay_ms, held } = place(&mut binance) else { panic!("not late") };
        let response = responded(binance.exchange.resume(NOW_MS + delay_ms, held));
        assert_eq!(body_of(&response)["code"], code);
        assert_eq!(executed(&binance), Decimal::ZERO);
    }
}

#[test]
fn a_late_request_within_its_window_is_executed() {
    for before in [Stage::Gateway, Stage::Engine] {
        let mut binance = binance_with(Effect::DelayRequest { delay_ms: 5000, before });
        let Answer::Late { delay_ms, held } = place(&mut binance) else { panic!("not late") };
        assert_eq!(executed(&binance), Decimal::ZERO);
        assert_eq!(responded(binance.exchange.resume(NOW_MS + delay_ms, held)).status(), 200);
        assert_eq!(executed(&binance), Decimal::new(1, 1));
    }
}

#[test]
fn bybit_executes_what_its_gateway_admitted_however_late_it_gets_to_the_engine() {
    let mut bybit = Bybit::start(Settings::default());
    let late = Effect::DelayRequest { delay_ms: 60_000, before: Stage::Engine };
    bybit.exchange.inject(Fault::on(Operation::Place, Occurrence::Nth(1), late));
    let request = bybit.post_request("/v5/order/create", &Bybit::order("leg", json!({})));
    let Answer::Late { delay_ms, held } = bybit.exchange.handle(NOW_MS, &request) else {
        panic!("not late")
    };
    let response = responded(bybit.exchange.resume(NOW_MS + delay_ms, held));
    assert_eq!(body_of(&response)["retCode"], 0);
    assert_eq!(bybit.position().1, "0.100");
}

#[test]
fn a_delayed_answer_comes_after_the_order_was_executed() {
    let mut binance = binance_with(Effect::DelayAnswer { delay_ms: 300 });
    let Answer::RespondAfter { delay_ms: 300, response } = place(&mut binance) else {
        panic!("not delayed")
    };
    assert_eq!(response.status(), 200);
    assert_eq!(executed(&binance), Decimal::new(1, 1));
}

#[test]
fn a_hidden_order_is_missing_from_every_query_until_its_time_but_not_from_positions() {
    let mut binance = binance_with(Effect::HideOrder { for_ms: 1000 });
    assert_eq!(responded(place(&mut binance)).status(), 200);
    binance.now_ms += 999;
    assert_eq!(binance.query("leg")["code"], -2013);
    assert_eq!(binance.call("GET", "/fapi/v1/allOrders", "symbol=BTCUSDT").1, json!([]));
    assert_eq!(binance.call("GET", "/fapi/v1/userTrades", "symbol=BTCUSDT").1, json!([]));
    assert_eq!(binance.call("GET", "/fapi/v3/positionRisk", "").1[0]["positionAmt"], "0.100");
    binance.now_ms += 1;
    assert_eq!(binance.query("leg")["status"], "FILLED");
}

#[test]
fn a_stale_order_looks_untouched_until_its_time_and_cannot_be_cancelled() {
    let mut binance = binance_with(Effect::StaleOrder { for_ms: 1000 });
    assert_eq!(responded(place(&mut binance)).status(), 200);
    let found = binance.query("leg");
    assert_eq!(
        (found["status"].as_str(), found["executedQty"].as_str()),
        (Some("NEW"), Some("0.000"))
    );
    assert_eq!(binance.call("GET", "/fapi/v1/openOrders", "").1.as_array().unwrap().len(), 1);
    assert_eq!(
        binance.call("DELETE", "/fapi/v1/order", "symbol=BTCUSDT&origClientOrderId=leg").1["code"],
        -2011
    );
    binance.now_ms += 1000;
    assert_eq!(binance.query("leg")["status"], "FILLED");
}

#[test]
fn an_outage_answers_nothing_between_its_times() {
    let mut binance = Binance::start(Settings::default());
    binance.exchange.faults_mut().add_outage(NOW_MS, NOW_MS + 1000, Loss::Close);
    assert!(matches!(place(&mut binance), Answer::Close));
    binance.now_ms += 1000;
    assert_eq!(responded(place(&mut binance)).status(), 200);
}

#[test]
fn a_fault_of_another_adapter_does_nothing() {
    let mut binance = Binance::start(Settings::default());
    binance.exchange.inject(Fault::named("bybit-timeout-lost").unwrap());
    assert_eq!(responded(place(&mut binance)).status(), 200);
}

#[test]
fn named_faults_meet_the_first_order_that_may_open_and_nothing_after_it() {
    let mut bybit = Bybit::start(Settings::default());
    let _ =
        bybit.exchange.trade_by_hand(NOW_MS, "BTCUSDT", Side::Sell, Decimal::new(5, 1)).unwrap();
    bybit.exchange.inject(Fault::named("bybit-reject").unwrap());
    assert_eq!(bybit.code("unwind", json!({ "reduceOnly": true })), 0, "reduce-only orders pass");
    assert_eq!(bybit.code("first", json!({})), 110_007);
    assert_eq!(bybit.code("second", json!({})), 0);
}

#[test]
fn partial_fill_executes_two_fifths_rounded_down_to_the_lot() {
    let mut bybit = Bybit::start(Settings::default());
    bybit.exchange.inject(Fault::named("partial-fill").unwrap());
    assert_eq!(bybit.code("leg", json!({ "qty": "0.108" })), 0);
    let found = bybit.query("leg");
    assert_eq!(
        (found["orderStatus"].as_str(), found["cumExecQty"].as_str()),
        (Some("Cancelled"), Some("0.043"))
    );
}

#[test]
fn the_other_named_faults_do_what_they_say() {
    let mut bybit = Bybit::start(Settings::default());
    for (name, orders) in [("bybit-timeout-lost", 0), ("bybit-timeout-after-accept", 1)] {
        bybit.exchange.inject(Fault::named(name).unwrap());
        let request = bybit.post_request("/v5/order/create", &Bybit::order("leg", json!({})));
        assert!(matches!(bybit.exchange.handle(NOW_MS, &request), Answer::Silence), "{name}");
        assert_eq!(bybit.exchange.ledger().orders.len(), orders, "{name}");
        bybit.exchange.faults_mut().clear();
    }
    let mut binance = Binance::start(Settings::default());
    binance.exchange.inject(Fault::named("insufficient-margin").unwrap());
    assert_eq!(body_of(&responded(place(&mut binance)))["code"], -2019);
    binance.exchange.faults_mut().clear();
    binance.exchange.inject(Fault::named("binance-503-unknown").unwrap());
    assert_eq!(responded(place(&mut binance)).status(), 503);
    assert_eq!(binance.query("leg")["status"], "FILLED");
}
