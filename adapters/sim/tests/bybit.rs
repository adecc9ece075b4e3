//! What Bybit's v5 interface answers for linear contracts, case by case.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use bytes::Bytes;
use common::{Bybit, NOW_MS, body_of, responded};
use equipoise_sim::{Depth, Settings};
use http::Request;
use rust_decimal::Decimal;
use serde_json::{Value, json};

fn start() -> Bybit {
    Bybit::start(Settings::default())
}

fn fields<'a>(order: &'a Value, names: &[&str]) -> Vec<&'a str> {
    names.iter().map(|name| order[name].as_str().unwrap_or("?")).collect()
}

#[test]
fn each_malformed_order_gets_its_documented_code() {
    let mut bybit = start();
    let cases = [
        (json!({ "side": "BUY" }), 10001),
        (json!({ "orderType": "Stop" }), 10001),
        (json!({ "qty": 0.1 }), 10001),
        (json!({ "qty": "0.0001" }), 10001),
        (json!({ "qty": "0.1005" }), 10001),
        (json!({ "qty": "1e3" }), 10001),
        (json!({ "qty": "501" }), 10001),
        (json!({ "symbol": "NOPEUSDT" }), 10001),
        (json!({ "category": "inverse" }), 10001),
        (json!({ "orderLinkId": "a.b" }), 10001),
        (json!({ "timeInForce": "DAY" }), 10001),
        (json!({ "positionIdx": 1 }), 10001),
        (json!({ "reduceOnly": true }), 110_017),
        (json!({ "orderType": "Limit", "price": "100", "qty": "0.01" }), 110_094),
        (json!({ "orderType": "Limit", "price": "70000" }), 110_120),
        (json!({ "side": "Sell", "orderType": "Limit", "price": "60000" }), 110_121),
        (json!({ "qty": "200" }), 110_007),
    ];
    for (index, (changes, code)) in cases.into_iter().enumerate() {
        // Ten creations a second.
        bybit.now_ms += 200;
        assert_eq!(bybit.code(&format!("case-{index}"), changes.clone()), code, "{changes}");
    }
    assert_eq!(bybit.exchange.ledger().orders, vec![]);
}

#[test]
fn key_signature_and_window_are_checked_at_the_gateway() {
    let mut bybit = start();
    let request = bybit.get_request("/v5/account/info", "");
    let mut at = |now_ms| {
        let body = body_of(&responded(bybit.exchange.handle(now_ms, &request)));
        body["retCode"].as_i64().unwrap()
    };
    assert_eq!(at(NOW_MS + 5000), 0);
    assert_eq!(at(NOW_MS + 5001), 10002);
    assert_eq!(at(NOW_MS - 999), 0);
    assert_eq!(at(NOW_MS - 1000), 10002);
    bybit.secret = "other".to_owned();
    assert_eq!(bybit.get("/v5/account/info", "")["retCode"], 10004);
    let keyless = Request::get("/v5/account/info").body(Bytes::new()).unwrap();
    assert_eq!(responded(bybit.exchange.handle(NOW_MS, &keyless)).status(), 401);
    let nowhere = Request::get("/v5/nowhere").body(Bytes::new()).unwrap();
    assert_eq!(responded(bybit.exchange.handle(NOW_MS, &nowhere)).status(), 404);
}

#[test]
fn an_acknowledgement_holds_ids_only_and_the_outcome_is_found_by_asking() {
    let mut bybit = start();
    let acknowledged = bybit.post("/v5/order/create", &Bybit::order("leg-1", json!({})));
    let result = &acknowledged["result"];
    assert_eq!(result.as_object().unwrap().len(), 2);
    assert_eq!((&acknowledged["retCode"], &result["orderLinkId"]), (&json!(0), &json!("leg-1")));
    let found = bybit.query("leg-1");
    assert_eq!(found["orderId"], result["orderId"]);
    let seen =
        fields(&found, &["orderStatus", "cumExecQty", "leavesQty", "avgPrice", "timeInForce"]);
    assert_eq!(seen, ["Filled", "0.100", "0.000", "65006.5", "IOC"]);
    assert_eq!(found["cumFeeDetail"], json!({ "USDT": "3.57535750" }));
    let executions = bybit.get("/v5/execution/list", "category=linear&orderLinkId=leg-1");
    let row = &executions["result"]["list"][0];
    assert_eq!(
        fields(row, &["execQty", "execPrice", "execFee", "execType"]),
        ["0.100", "65006.5", "3.57535750", "Trade"]
    );
    assert_eq!(bybit.position(), ("Buy".to_owned(), "0.100".to_owned()));
}

#[test]
fn a_client_id_stays_taken_after_its_order_ended() {
    let mut bybit = start();
    assert_eq!(bybit.code("once", json!({})), 0);
    assert_eq!(bybit.code("once", json!({})), 110_072);
    assert_eq!(bybit.position().1, "0.100");
}

#[test]
fn a_crossing_post_only_order_is_accepted_and_then_cancelled() {
    let mut bybit = start();
    let changes = json!({ "orderType": "Limit", "price": "65006.5", "timeInForce": "PostOnly" });
    assert_eq!(bybit.code("maker", changes), 0);
    let seen = bybit.query("maker");
    let seen = fields(&seen, &["orderStatus", "rejectReason", "cumExecQty"]);
    assert_eq!(seen, ["Cancelled", "EC_PostOnlyWillTakeLiquidity", "0.000"]);
}

#[test]
fn a_partly_filled_ioc_order_is_cancelled_with_its_executions() {
    let thin = Depth::Thin { levels: 1, quantity: Decimal::new(4, 2) };
    let mut bybit = Bybit::start(Settings { depth: thin, ..Settings::default() });
    assert_eq!(
        bybit
            .code("ioc", json!({ "orderType": "Limit", "price": "65006.5", "timeInForce": "IOC" })),
        0
    );
    let seen = bybit.query("ioc");
    assert_eq!(
        fields(&seen, &["orderStatus", "cumExecQty", "leavesQty"]),
        ["Cancelled", "0.040", "0.000"]
    );
    assert_eq!(
        bybit
            .code("fok", json!({ "orderType": "Limit", "price": "65006.5", "timeInForce": "FOK" })),
        0
    );
    let seen = bybit.query("fok");
    assert_eq!(
        fields(&seen, &["orderStatus", "cumExecQty", "rejectReason"]),
        ["Cancelled", "0.000", "EC_CancelForNoFullFill"]
    );
    assert_eq!(
        bybit.code("none", json!({ "orderType": "Limit", "price": "64000", "timeInForce": "IOC" })),
        0
    );
    assert_eq!(bybit.query("none")["rejectReason"], "EC_NoImmediateQtyToFill");
}

#[test]
fn a_resting_order_is_listed_amended_and_cancelled() {
    let mut bybit = start();
    let changes = json!({ "orderType": "Limit", "price": "52000", "timeInForce": "PostOnly" });
    assert_eq!(bybit.code("rest", changes), 0);
    let listed = bybit.get("/v5/order/realtime", "category=linear&settleCoin=USDT");
    assert_eq!(listed["result"]["list"][0]["orderLinkId"], "rest");
    let named = json!({ "category": "linear", "symbol": "BTCUSDT", "orderLinkId": "rest" });
    let mut amended = named.clone();
    amended["price"] = json!("53000");
    assert_eq!(bybit.post("/v5/order/amend", &amended)["retCode"], 0);
    assert_eq!(bybit.query("rest")["price"], "53000.0");
    assert_eq!(bybit.post("/v5/order/cancel", &named)["retCode"], 0);
    assert_eq!(bybit.query("rest")["cancelType"], "CancelByUser");
    assert_eq!(bybit.post("/v5/order/cancel", &named)["retCode"], 110_001);
    let history = bybit.get("/v5/order/history", "category=linear");
    assert_eq!(history["result"]["list"][0]["orderLinkId"], "rest");
}

#[test]
fn listings_come_in_pages_latest_first() {
    let mut bybit = start();
    for index in 0..3 {
        assert_eq!(bybit.code(&format!("leg-{index}"), json!({})), 0);
    }
    let first = bybit.get("/v5/order/history", "category=linear&limit=2");
    assert_eq!(first["result"]["list"][0]["orderLinkId"], "leg-2");
    let cursor = first["result"]["nextPageCursor"].as_str().unwrap().to_owned();
    let second =
        bybit.get("/v5/order/history", &format!("category=linear&limit=2&cursor={cursor}"));
    assert_eq!(second["result"]["list"].as_array().unwrap().len(), 1);
    assert_eq!(second["result"]["list"][0]["orderLinkId"], "leg-0");
    assert_eq!(second["result"]["nextPageCursor"], "");
}

#[test]
fn an_unfilled_order_leaves_the_history_after_a_day() {
    let mut bybit = start();
    assert_eq!(
        bybit.code("none", json!({ "orderType": "Limit", "price": "64000", "timeInForce": "IOC" })),
        0
    );
    let found = |bybit: &mut Bybit| {
        let history = bybit.get("/v5/order/history", "category=linear&orderLinkId=none");
        history["result"]["list"].as_array().unwrap().len()
    };
    assert_eq!(found(&mut bybit), 1);
    bybit.now_ms += 86_400_000;
    assert_eq!(found(&mut bybit), 0);
}

#[test]
fn hedge_mode_wants_a_position_index() {
    let mut bybit = start();
    let switch = json!({ "category": "linear", "coin": "USDT", "mode": 3 });
    assert_eq!(bybit.post("/v5/position/switch-mode", &switch)["retCode"], 0);
    assert_eq!(bybit.post("/v5/position/switch-mode", &switch)["retCode"], 110_025);
    assert_eq!(bybit.code("none", json!({})), 10001);
    assert_eq!(bybit.code("long", json!({ "positionIdx": 1 })), 0);
    assert_eq!(bybit.code("short", json!({ "positionIdx": 2, "side": "Sell" })), 0);
    let rows = bybit.get("/v5/position/list", "category=linear&symbol=BTCUSDT");
    let seen: Vec<_> = rows["result"]["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (&p["positionIdx"], &p["side"]))
        .collect();
    assert_eq!(json!(seen), json!([[1, "Buy"], [2, "Sell"]]));
    assert_eq!(
        bybit.code(
            "much",
            json!({ "positionIdx": 1, "side": "Sell", "qty": "0.2", "reduceOnly": true })
        ),
        110_017
    );
    assert_eq!(
        bybit.code("close", json!({ "positionIdx": 1, "side": "Sell", "reduceOnly": true })),
        0
    );
    let back = json!({ "category": "linear", "coin": "USDT", "mode": 0 });
    assert_eq!(bybit.post("/v5/position/switch-mode", &back)["retCode"], 110_024);
}

#[test]
fn the_eleventh_order_in_a_second_is_refused_and_the_headers_say_when() {
    let mut bybit = start();
    for index in 0..10 {
        assert_eq!(bybit.code(&format!("leg-{index}"), json!({ "qty": "0.001" })), 0);
    }
    let request = bybit.post_request("/v5/order/create", &Bybit::order("late", json!({})));
    let response = responded(bybit.exchange.handle(NOW_MS, &request));
    assert_eq!(
        (response.status().as_u16(), body_of(&response)["retCode"].as_i64()),
        (200, Some(10006))
    );
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(
        (header("x-bapi-limit"), header("x-bapi-limit-status")),
        ("10".to_owned(), "0".to_owned())
    );
    assert_eq!(header("x-bapi-limit-reset-timestamp"), (NOW_MS + 1000).to_string());
    bybit.now_ms += 1000;
    assert_eq!(bybit.code("late", json!({})), 0);
}

#[test]
fn funding_is_dearer_here_than_at_the_other_exchange() {
    let mut bybit = start();
    let tickers = bybit.get("/v5/market/tickers", "category=linear&symbol=BTCUSDT");
    let row = &tickers["result"]["list"][0];
    assert_eq!(
        fields(row, &["fundingRate", "nextFundingTime", "bid1Price", "ask1Price"]),
        ["0.00045", "1795334400000", "65006.4", "65006.5"]
    );
    let other = bybit.get("/v5/market/tickers", "category=spot");
    assert_eq!(other["result"]["list"], json!([]));
}
