//! Binance USDⓈ-M: positions, position mode, self-trade prevention and rate limits.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{Binance, NOW_MS, body_of, responded};
use equipoise_sim::Settings;
use serde_json::json;

fn start() -> Binance {
    Binance::start(Settings::default())
}

const LIMIT: &str = "side=BUY&type=LIMIT";
const MARKET: &str = "side=BUY&type=MARKET";

#[test]
fn reduce_only_executes_at_most_the_position() {
    let mut binance = start();
    let _ = binance.place(&format!("{MARKET}&quantity=0.1"));
    assert_eq!(binance.code(&format!("{MARKET}&quantity=0.1&reduceOnly=true")), -2022);
    let (_, placed) =
        binance.place("side=SELL&type=MARKET&quantity=0.3&reduceOnly=true&newOrderRespType=RESULT");
    assert_eq!(
        (placed["status"].as_str(), placed["executedQty"].as_str()),
        (Some("EXPIRED"), Some("0.100"))
    );
    assert_eq!(binance.call("GET", "/fapi/v3/positionRisk", "").1, json!([]));
}

#[test]
fn hedge_mode_wants_a_position_side_and_no_reduce_only() {
    let mut binance = start();
    assert_eq!(binance.call("POST", "/fapi/v1/positionSide/dual", "dualSidePosition=true").0, 200);
    assert_eq!(
        binance.call("POST", "/fapi/v1/positionSide/dual", "dualSidePosition=true").1["code"],
        -4059
    );
    assert_eq!(binance.code(&format!("{MARKET}&quantity=0.1")), -4061);
    assert_eq!(
        binance.code(&format!("{MARKET}&quantity=0.1&positionSide=LONG&reduceOnly=false")),
        -1106
    );
    assert_eq!(binance.code("side=SELL&type=MARKET&quantity=0.1&positionSide=LONG"), -2022);
    assert_eq!(binance.code(&format!("{MARKET}&quantity=0.1&positionSide=LONG")), 0);
    assert_eq!(binance.code("side=SELL&type=MARKET&quantity=0.2&positionSide=SHORT"), 0);
    let (_, positions) = binance.call("GET", "/fapi/v3/positionRisk", "symbol=BTCUSDT");
    let seen: Vec<_> = positions
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (&p["positionSide"], &p["positionAmt"]))
        .collect();
    assert_eq!(json!(seen), json!([["LONG", "0.100"], ["SHORT", "-0.200"]]));
    assert_eq!(binance.code("side=SELL&type=MARKET&quantity=0.2&positionSide=LONG"), -2022);
    assert_eq!(binance.code("side=SELL&type=MARKET&quantity=0.1&positionSide=LONG"), 0);
    assert_eq!(
        binance.call("POST", "/fapi/v1/positionSide/dual", "dualSidePosition=false").1["code"],
        -4068
    );
}

#[test]
fn an_order_that_would_meet_the_accounts_own_ends_as_its_mode_says() {
    let cases = [
        ("EXPIRE_TAKER", "EXPIRED_IN_MATCH", "NEW"),
        ("EXPIRE_MAKER", "EXPIRED", "EXPIRED_IN_MATCH"),
        ("EXPIRE_BOTH", "EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH"),
    ];
    for (mode, taker, maker) in cases {
        let mut binance = start();
        // Rests behind the 2 that others bid at the same price.
        let bid = "timeInForce=GTX&quantity=0.1&price=64999.9&newClientOrderId=maker";
        assert_eq!(binance.code(&format!("{LIMIT}&{bid}")), 0);
        let sell = "side=SELL&type=LIMIT&timeInForce=IOC&quantity=2.05&price=64999.9&newOrderRespType=RESULT";
        let (_, placed) = binance.place(&format!("{sell}&selfTradePreventionMode={mode}"));
        assert_eq!(
            (&placed["status"], &placed["executedQty"]),
            (&json!(taker), &json!("2.000")),
            "{mode}"
        );
        assert_eq!(binance.query("maker")["status"], maker, "{mode}");
    }
}

#[test]
fn an_order_without_prevention_trades_with_the_accounts_own() {
    let mut binance = start();
    assert_eq!(
        binance.code(&format!(
            "{LIMIT}&timeInForce=GTX&quantity=0.1&price=64999.9&newClientOrderId=maker"
        )),
        0
    );
    let sell =
        "side=SELL&type=LIMIT&timeInForce=IOC&quantity=2.1&price=64999.9&newOrderRespType=RESULT";
    let (_, placed) = binance.place(&format!("{sell}&selfTradePreventionMode=NONE"));
    assert_eq!((&placed["status"], &placed["executedQty"]), (&json!("FILLED"), &json!("2.100")));
    assert_eq!(binance.query("maker")["status"], "FILLED");
}

#[test]
fn numbers_at_the_edge_of_what_fits_are_refused_and_break_nothing() {
    let mut binance = start();
    let most = u64::MAX;
    for params in [
        format!("timestamp={most}&recvWindow=5000"),
        format!(
            "timestamp={NOW_MS}&recvWindow={most}&symbol=BTCUSDT&side=BUY&type=MARKET&quantity=99999999999999999999"
        ),
        format!(
            "timestamp={NOW_MS}&symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=99999999999999999999.99999999999999999999"
        ),
    ] {
        let request = binance.request_signed("POST", "/fapi/v1/order", &params);
        let response = responded(binance.exchange.handle(NOW_MS, &request));
        assert_eq!(response.status(), 400, "{params}");
    }
    let (status, history) =
        binance.call("GET", "/fapi/v1/fundingRate", &format!("startTime={most}"));
    assert_eq!((status, history), (200, json!([])));
}

#[test]
fn usage_is_reported_and_too_much_of_it_refused_with_a_wait() {
    let mut binance = start();
    let answer =
        binance.ask("POST", "/fapi/v1/order", &format!("symbol=BTCUSDT&{MARKET}&quantity=0.1"));
    let response = responded(answer);
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("x-mbx-order-count-10s"), "1");
    assert_eq!(header("x-mbx-order-count-1m"), "1");
    for _ in 0..60 {
        assert_eq!(binance.call("GET", "/fapi/v1/openOrders", "").0, 200);
    }
    let response = responded(binance.ask("GET", "/fapi/v1/ping", ""));
    assert_eq!(
        (response.status().as_u16(), body_of(&response)["code"].as_i64()),
        (429, Some(-1003))
    );
    assert_eq!(response.headers()["retry-after"], "60");
    binance.now_ms += 60_000;
    assert_eq!(binance.call("GET", "/fapi/v1/ping", "").0, 200);
}

#[test]
fn more_than_three_hundred_orders_in_ten_seconds_are_refused() {
    let mut binance = start();
    for _ in 0..300 {
        assert_eq!(binance.code(&format!("{MARKET}&quantity=0")), -4003);
    }
    assert_eq!(binance.code(&format!("{MARKET}&quantity=0.1")), -1015);
    binance.now_ms += 10_000;
    assert_eq!(binance.code(&format!("{MARKET}&quantity=0.1")), 0);
}
