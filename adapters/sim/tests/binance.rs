//! What Binance USDⓈ-M answers, case by case.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use bytes::Bytes;
use common::{Binance, NOW_MS, body_of, responded, sign};
use equipoise_sim::{Depth, Settings};
use http::Request;
use rust_decimal::Decimal;
use serde_json::{Value, json};

fn start() -> Binance {
    Binance::start(Settings::default())
}

const LIMIT: &str = "side=BUY&type=LIMIT";
const MARKET: &str = "side=BUY&type=MARKET";

#[test]
fn each_malformed_order_gets_its_documented_code() {
    let mut binance = start();
    let cases = [
        ("side=UP&type=MARKET&quantity=0.1", -1117),
        ("side=BUY&type=STOP_MARKET&quantity=0.1", -4120),
        ("side=BUY&type=WISH&quantity=0.1", -1116),
        ("side=BUY&type=MARKET", -1102),
        ("side=BUY&type=MARKET&quantity=-0.1", -1100),
        ("side=BUY&type=MARKET&quantity=1e3", -1100),
        ("side=BUY&type=MARKET&quantity=0", -4003),
        ("side=BUY&type=MARKET&quantity=0.0001", -1111),
        ("side=BUY&type=MARKET&quantity=0.001", -4164),
        ("side=BUY&type=MARKET&quantity=121", -4005),
        ("side=BUY&type=MARKET&quantity=0.1&price=65000", -1106),
        ("side=BUY&type=MARKET&quantity=0.1&timeInForce=IOC", -1106),
        ("side=BUY&type=LIMIT&quantity=0.1&price=65000", -1102),
        ("side=BUY&type=LIMIT&quantity=0.1&timeInForce=GTC", -1102),
        ("side=BUY&type=LIMIT&quantity=0.1&timeInForce=DAY&price=65000", -1115),
        ("side=BUY&type=LIMIT&quantity=0.1&timeInForce=GTC&price=65000.05", -4014),
        ("side=BUY&type=LIMIT&quantity=0.1&timeInForce=GTC&price=65000.005", -1111),
        ("side=BUY&type=LIMIT&quantity=0.1&timeInForce=GTC&price=0", -4001),
        ("side=BUY&type=LIMIT&quantity=0.1&timeInForce=GTC&price=500", -4013),
        ("side=BUY&type=LIMIT&quantity=0.1&timeInForce=GTC&price=5000000", -4002),
        ("side=BUY&type=LIMIT&quantity=0.1&timeInForce=GTC&price=70000", -4016),
        ("side=SELL&type=LIMIT&quantity=0.1&timeInForce=GTC&price=60000", -4024),
        ("side=BUY&type=MARKET&quantity=0.1&newClientOrderId=a%20b", -1100),
        (
            "side=BUY&type=MARKET&quantity=0.1&newClientOrderId=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            -4015,
        ),
        ("side=BUY&type=MARKET&quantity=0.1&positionSide=LONG", -4061),
        ("side=BUY&type=MARKET&quantity=0.1&reduceOnly=true", -2022),
        ("side=BUY&type=LIMIT&quantity=500&timeInForce=GTC&price=60000", -2019),
        ("side=BUY&type=LIMIT&quantity=1&timeInForce=GTX&price=65000", -5022),
        ("side=BUY&type=LIMIT&quantity=20&timeInForce=FOK&price=65000", -5021),
    ];
    for (params, code) in cases {
        assert_eq!(binance.code(params), code, "{params}");
    }
    assert_eq!(binance.exchange.ledger().orders, vec![]);
}

#[test]
fn an_unknown_symbol_and_an_unknown_path_are_named() {
    let mut binance = start();
    let (status, body) =
        binance.call("POST", "/fapi/v1/order", "symbol=NOPE&side=BUY&type=MARKET&quantity=1");
    assert_eq!((status, body), (400, json!({ "code": -1121, "msg": "Invalid symbol." })));
    let (status, body) = binance.call("GET", "/fapi/v1/nothing", "");
    assert_eq!((status, body["code"].as_i64()), (404, Some(-5000)));
}

#[test]
fn key_and_signature_are_proven_at_the_gateway() {
    let mut binance = start();
    binance.secret = "other".to_owned();
    assert_eq!(binance.call("GET", "/fapi/v3/balance", "").1["code"], -1022);
    let mut call = |key: Option<&str>| {
        let mut request = Request::get(format!("/fapi/v3/balance?timestamp={NOW_MS}&signature=00"));
        if let Some(key) = key {
            request = request.header("X-MBX-APIKEY", key);
        }
        let response =
            responded(binance.exchange.handle(NOW_MS, &request.body(Bytes::new()).unwrap()));
        (response.status().as_u16(), body_of(&response)["code"].as_i64().unwrap())
    };
    assert_eq!(call(None), (401, -2014));
    assert_eq!(call(Some("unknown")), (401, -2015));
}

#[test]
fn the_window_includes_its_last_millisecond_and_the_future_less_than_a_second() {
    let mut binance = start();
    let mut at = |timestamp: u64| {
        let request = binance.request_signed(
            "GET",
            "/fapi/v3/balance",
            &format!("recvWindow=2000&timestamp={timestamp}"),
        );
        responded(binance.exchange.handle(NOW_MS, &request)).status().as_u16()
    };
    assert_eq!(at(NOW_MS - 2000), 200);
    assert_eq!(at(NOW_MS - 2001), 400);
    assert_eq!(at(NOW_MS + 999), 200);
    assert_eq!(at(NOW_MS + 1000), 400);
}

#[test]
fn query_string_and_form_body_are_signed_one_after_the_other() {
    let mut binance = start();
    let query = "symbol=BTCUSDT&side=BUY&type=MARKET";
    let body = format!("quantity=0.1&timestamp={NOW_MS}");
    let signature = sign(&binance.secret, &format!("{query}{body}"));
    let request = Request::post(format!("/fapi/v1/order?{query}"))
        .header("X-MBX-APIKEY", "demo-key-binance-usdm")
        .body(Bytes::from(format!("{body}&signature={signature}")))
        .unwrap();
    assert_eq!(responded(binance.exchange.handle(NOW_MS, &request)).status(), 200);
}

#[test]
fn a_market_order_walks_the_book_and_pays_the_taker_fee_on_each_trade() {
    let mut binance = start();
    let (_, placed) = binance
        .place(&format!("{MARKET}&quantity=3&newOrderRespType=RESULT&newClientOrderId=walk"));
    assert_eq!(
        (placed["status"].as_str(), placed["executedQty"].as_str()),
        (Some("FILLED"), Some("3.000"))
    );
    assert_eq!((placed.get("avgPrice"), placed.get("cumQuote")), (None, None));
    // 2 at 65000.0, then 1 five ticks higher.
    let found = binance.query("walk");
    assert_eq!(found["avgPrice"], "65000.16667");
    assert_eq!(found["cumQuote"], "195000.50000");
    let (_, trades) = binance.call("GET", "/fapi/v1/userTrades", "symbol=BTCUSDT");
    let seen: Vec<_> = trades
        .as_array()
        .unwrap()
        .iter()
        .map(|t| (&t["price"], &t["qty"], &t["commission"]))
        .collect();
    assert_eq!(
        json!(seen),
        json!([["65000.00", "2.000", "65.00000000"], ["65000.50", "1.000", "32.50025000"]])
    );
}

#[test]
fn an_acknowledgement_shows_the_order_untouched_although_it_has_filled() {
    let mut binance = start();
    let (_, placed) = binance.place(&format!("{MARKET}&quantity=0.1&newClientOrderId=ack"));
    assert_eq!(
        (placed["status"].as_str(), placed["executedQty"].as_str()),
        (Some("NEW"), Some("0.000"))
    );
    assert_eq!(binance.query("ack")["status"], "FILLED");
}

#[test]
fn the_rest_of_an_ioc_or_market_order_expires() {
    let thin = Depth::Thin { levels: 1, quantity: Decimal::new(4, 2) };
    let mut binance = Binance::start(Settings { depth: thin, ..Settings::default() });
    for params in [MARKET.to_owned(), format!("{LIMIT}&timeInForce=IOC&price=65000")] {
        let (_, placed) = binance.place(&format!("{params}&quantity=0.1&newOrderRespType=RESULT"));
        assert_eq!(
            (placed["status"].as_str(), placed["executedQty"].as_str()),
            (Some("EXPIRED"), Some("0.040"))
        );
    }
}

#[test]
fn a_limit_far_from_the_market_rests_until_the_market_comes() {
    let mut binance = start();
    let (_, placed) = binance
        .place(&format!("{LIMIT}&timeInForce=GTX&quantity=0.1&price=52000&newClientOrderId=rest"));
    assert_eq!(placed["status"], "NEW");
    let (_, open) = binance.call("GET", "/fapi/v1/openOrders", "symbol=BTCUSDT");
    assert_eq!(open[0]["clientOrderId"], "rest");
    binance.exchange.set_mark(NOW_MS, "BTCUSDT", Decimal::from(51_999)).unwrap();
    let found = binance.query("rest");
    assert_eq!(
        (found["status"].as_str(), found["avgPrice"].as_str()),
        (Some("FILLED"), Some("52000.00000"))
    );
    let (_, trades) = binance.call("GET", "/fapi/v1/userTrades", "symbol=BTCUSDT");
    assert_eq!(
        (&trades[0]["maker"], &trades[0]["commission"]),
        (&json!(true), &json!("1.04000000"))
    );
}

#[test]
fn a_client_id_is_taken_only_while_its_order_is_open() {
    let mut binance = start();
    let resting =
        format!("{LIMIT}&timeInForce=GTC&quantity=0.1&price=60000&newClientOrderId=twice");
    assert_eq!(binance.code(&resting), 0);
    assert_eq!(binance.code(&resting), -4116);
    let (status, cancelled) =
        binance.call("DELETE", "/fapi/v1/order", "symbol=BTCUSDT&origClientOrderId=twice");
    assert_eq!((status, cancelled["status"].as_str()), (200, Some("CANCELED")));
    assert_eq!(binance.code(&resting), 0);
    let filled = format!("{MARKET}&quantity=0.1&newClientOrderId=market");
    assert_eq!(binance.code(&filled), 0);
    assert_eq!(binance.code(&filled), 0, "the venue executes the same id again after the fill");
}

#[test]
fn what_is_final_or_never_was_cannot_be_cancelled() {
    let mut binance = start();
    let _ = binance.place(&format!("{MARKET}&quantity=0.1&newClientOrderId=done"));
    for id in ["done", "never"] {
        let params = format!("symbol=BTCUSDT&origClientOrderId={id}");
        assert_eq!(binance.call("DELETE", "/fapi/v1/order", &params).1["code"], -2011, "{id}");
    }
    assert_eq!(binance.query("never")["code"], -2013);
    assert_eq!(
        binance.call("GET", "/fapi/v1/openOrder", "symbol=BTCUSDT&origClientOrderId=done").1["code"],
        -2013
    );
}

#[test]
fn an_unfilled_order_leaves_the_records_after_three_days_and_a_filled_one_stays() {
    let mut binance = start();
    let _ = binance
        .place(&format!("{LIMIT}&timeInForce=IOC&quantity=0.1&price=64000&newClientOrderId=empty"));
    let _ = binance.place(&format!("{MARKET}&quantity=0.1&newClientOrderId=full"));
    assert_eq!(binance.query("empty")["status"], "EXPIRED");
    binance.now_ms += 3 * 86_400_000;
    assert_eq!(binance.query("empty")["code"], -2013);
    assert_eq!(binance.query("full")["status"], "FILLED");
}

#[test]
fn orders_of_a_batch_have_their_own_fates() {
    let mut binance = start();
    let list = r#"[{"symbol":"BTCUSDT","side":"BUY","type":"MARKET","quantity":"0.1"},{"symbol":"NOPE","side":"BUY","type":"MARKET","quantity":"0.1"}]"#;
    let encoded: String = list.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let (status, answers) =
        binance.call("POST", "/fapi/v1/batchOrders", &format!("batchOrders={encoded}"));
    assert_eq!(
        (status, &answers[0]["status"], &answers[1]["code"]),
        (200, &json!("NEW"), &json!(-1121))
    );
}

#[test]
fn a_test_order_is_judged_and_not_placed() {
    let mut binance = start();
    let judged = |params: &str| format!("symbol=BTCUSDT&{params}");
    let good =
        binance.call("POST", "/fapi/v1/order/test", &judged(&format!("{MARKET}&quantity=0.1")));
    assert_eq!(good, (200, json!({})));
    assert_eq!(
        binance.call("POST", "/fapi/v1/order/test", &judged(&format!("{MARKET}&quantity=0.001"))).1
            ["code"],
        -4164
    );
    assert_eq!(binance.exchange.ledger().orders, vec![]);
}

#[test]
fn public_pages_agree_with_each_other() {
    let mut binance = start();
    let (_, info) = binance.call("GET", "/fapi/v1/exchangeInfo", "");
    assert_eq!(info["symbols"][0]["filters"][0]["tickSize"], "0.10");
    assert_eq!(
        info["symbols"][0]["filters"][5],
        json!({ "filterType": "MIN_NOTIONAL", "notional": "100" })
    );
    let (_, top) = binance.call("GET", "/fapi/v1/ticker/bookTicker", "symbol=BTCUSDT");
    let (_, depth) = binance.call("GET", "/fapi/v1/depth", "symbol=BTCUSDT&limit=5");
    assert_eq!(depth["bids"][0], json!([top["bidPrice"], top["bidQty"]]));
    assert_eq!(depth["asks"][0], json!([top["askPrice"], top["askQty"]]));
    let (_, premium) = binance.call("GET", "/fapi/v1/premiumIndex", "symbol=BTCUSDT");
    assert_eq!(premium["nextFundingTime"], 1_795_334_400_000_u64);
    assert_eq!(premium["lastFundingRate"], "0.00010000");
    let (_, history) = binance.call("GET", "/fapi/v1/fundingRate", "symbol=BTCUSDT&limit=2");
    let times: Vec<&Value> =
        history.as_array().unwrap().iter().map(|row| &row["fundingTime"]).collect();
    assert_eq!(times, [&json!(1_795_276_800_000_u64), &json!(1_795_305_600_000_u64)]);
}

#[test]
fn a_dated_contract_has_a_day_of_delivery_and_no_funding() {
    let mut binance = start();
    let (_, info) = binance.call("GET", "/fapi/v1/exchangeInfo", "");
    let dated = &info["symbols"][1];
    assert_eq!(
        [&dated["symbol"], &dated["pair"], &dated["contractType"], &dated["deliveryDate"]],
        [
            &json!("BTCUSDT_261225"),
            &json!("BTCUSDT"),
            &json!("CURRENT_QUARTER"),
            &json!(1_798_185_600_000_u64)
        ]
    );
    let (_, premium) = binance.call("GET", "/fapi/v1/premiumIndex", "symbol=BTCUSDT_261225");
    assert_eq!((&premium["lastFundingRate"], &premium["nextFundingTime"]), (&json!(""), &json!(0)));
    let (_, history) = binance.call("GET", "/fapi/v1/fundingRate", "limit=1");
    let rates: Vec<&Value> = history.as_array().unwrap().iter().map(|row| &row["symbol"]).collect();
    assert_eq!(rates, [&json!("BTCUSDT"), &json!("ETHUSDT")]);
}
