//! What OKX's v5 interface answers for swaps and spot, case by case.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "common/okx.rs"]
mod client;

use bytes::Bytes;
use client::{NOW_MS, Okx, body_of, fields, responded};
use equipoise_sim::{
    Answer, Broken, Depth, Effect, Fault, Occurrence, Operation, Settings, Side, Stage,
};
use http::Request;
use rust_decimal::Decimal;
use serde_json::json;

fn swap() -> Okx {
    Okx::swap(Settings::default())
}

fn spot() -> Okx {
    Okx::spot(Settings::default())
}

#[test]
fn each_malformed_swap_order_gets_its_documented_code() {
    let mut okx = swap();
    let cases = [
        (json!({ "side": "BUY" }), "51000"),
        (json!({ "ordType": "trigger" }), "51000"),
        (json!({ "sz": 1 }), "51000"),
        (json!({ "sz": "0" }), "51000"),
        (json!({ "sz": "0.001" }), "51020"),
        (json!({ "sz": "1.005" }), "51121"),
        (json!({ "sz": "1e3" }), "51000"),
        (json!({ "sz": "12001" }), "51005"),
        (json!({ "instId": "NOPE-USDT-SWAP" }), "51001"),
        (json!({ "instId": "BTC-USDT" }), "51001"),
        (json!({ "tdMode": "cash" }), "51000"),
        (json!({ "clOrdId": "a-b" }), "51000"),
        (json!({ "clOrdId": "x".repeat(33) }), "51000"),
        (json!({ "posSide": "long" }), "51000"),
        (json!({ "reduceOnly": true }), "51169"),
        (json!({ "ordType": "limit" }), "51000"),
        (json!({ "ordType": "limit", "px": "65000.05" }), "51000"),
        (json!({ "ordType": "limit", "px": "70000" }), "51006"),
        (json!({ "side": "sell", "ordType": "limit", "px": "60000" }), "51006"),
        (json!({ "sz": "6000" }), "51008"),
    ];
    for (index, (changes, code)) in cases.into_iter().enumerate() {
        assert_eq!(okx.code(&format!("case{index}"), changes.clone()), code, "{changes}");
    }
    assert_eq!(okx.exchange.ledger().orders, vec![]);
}

#[test]
fn a_refusal_of_an_order_stands_in_its_entry_under_a_general_code() {
    let mut okx = swap();
    let body = okx.place("leg", json!({ "sz": "0.001" }));
    assert_eq!((&body["code"], &body["msg"]), (&json!("1"), &json!("All operations failed")));
    assert_eq!(
        body["data"],
        json!([{
            "ordId": "", "clOrdId": "leg", "tag": "", "ts": NOW_MS.to_string(), "sCode": "51020",
            "sMsg": "Your order should meet or exceed the minimum order amount.",
        }])
    );
}

#[test]
fn key_passphrase_signature_and_time_are_checked_at_the_gateway() {
    let mut okx = swap();
    let request = okx.request("GET", "/api/v5/account/config", "");
    let mut at = |now_ms| {
        let response = responded(okx.exchange.handle(now_ms, &request));
        (response.status().as_u16(), body_of(&response)["code"].as_str().unwrap().to_owned())
    };
    assert_eq!(at(NOW_MS + 30_000), (200, "0".to_owned()));
    assert_eq!(at(NOW_MS + 30_001), (401, "50102".to_owned()));
    assert_eq!(at(NOW_MS - 30_001), (401, "50102".to_owned()));
    let mut changed = |name: &'static str, value: &'static str| {
        let mut request = request.clone();
        request.headers_mut().insert(name, value.parse().unwrap());
        let response = responded(okx.exchange.handle(NOW_MS, &request));
        assert_eq!(response.status(), 401, "{name}");
        body_of(&response)["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(changed("ok-access-key", "other"), "50111");
    assert_eq!(changed("ok-access-passphrase", "other"), "50105");
    assert_eq!(changed("ok-access-timestamp", "1795330800"), "50112");
    assert_eq!(changed("ok-access-sign", "AAAA"), "50113");
    assert_eq!(changed("ok-access-sign", ""), "50106");
    let nowhere = Request::get("/api/v5/nowhere").body(Bytes::new()).unwrap();
    assert_eq!(responded(okx.exchange.handle(NOW_MS, &nowhere)).status(), 404);
}

#[test]
fn an_acknowledgement_holds_ids_and_the_outcome_is_found_by_asking() {
    let mut okx = swap();
    let body = okx.place("leg1", json!({}));
    let entry = &body["data"][0];
    assert_eq!(fields(entry, &["sCode", "sMsg", "clOrdId"]), ["0", "Order placed", "leg1"]);
    let found = okx.query("leg1");
    assert_eq!(found["ordId"], entry["ordId"]);
    let names = ["state", "accFillSz", "avgPx", "ordType", "px", "fee", "feeCcy", "reduceOnly"];
    // A contract of 0.01 BTC, taker fee 5 basis points.
    assert_eq!(
        fields(&found, &names),
        ["filled", "1", "65005", "market", "", "-0.325025", "USDT", "false"]
    );
    let id = entry["ordId"].as_str().unwrap();
    let fill = okx.first(&format!("/api/v5/trade/fills?ordId={id}"));
    let names = ["fillPx", "fillSz", "fee", "feeCcy", "execType", "clOrdId"];
    assert_eq!(fields(&fill, &names), ["65005", "1", "-0.325025", "USDT", "T", "leg1"]);
    assert_eq!(okx.position(), "1");
}

#[test]
fn a_client_id_is_free_again_once_its_order_ended() {
    let mut okx = swap();
    let resting = json!({ "ordType": "limit", "px": "52000" });
    assert_eq!(okx.code("same", resting.clone()), "0");
    assert_eq!(okx.code("same", resting), "51016");
    let named = json!({ "instId": "BTC-USDT-SWAP", "clOrdId": "same" });
    assert_eq!(okx.post("/api/v5/trade/cancel-order", &named)["code"], "0");
    assert_eq!(okx.code("same", json!({})), "0");
    assert_eq!(okx.code("same", json!({})), "0", "a filled order does not guard its id");
    assert_eq!(okx.position(), "2");
    assert_eq!(okx.query("same")["ordId"], "2740000000000000003", "the latest one is found");
}

#[test]
fn an_order_past_its_expiry_is_not_placed_at_the_gateway_or_at_the_engine() {
    let mut okx = swap();
    let order = okx.order("late", json!({}));
    let mut request = okx.post_request("/api/v5/trade/order", &order);
    request.headers_mut().insert("expTime", NOW_MS.to_string().parse().unwrap());
    let body = body_of(&responded(okx.exchange.handle(NOW_MS + 1, &request)));
    assert_eq!(body["code"], "50036");

    let late = Effect::DelayRequest { delay_ms: 1, before: Stage::Engine };
    okx.exchange.inject(Fault::on(Operation::Place, Occurrence::Nth(1), late));
    let Answer::Late { held, .. } = okx.exchange.handle(NOW_MS, &request) else {
        panic!("not late")
    };
    let body = body_of(&responded(okx.exchange.resume(NOW_MS + 1, held)));
    assert_eq!((&body["code"], &body["data"][0]["sCode"]), (&json!("1"), &json!("50037")));
    assert_eq!(okx.exchange.ledger().orders, vec![]);

    let body = body_of(&responded(okx.exchange.handle(NOW_MS, &request)));
    assert_eq!(body["code"], "0", "at its expiry an order is still in time");
}

#[test]
fn a_time_in_force_decides_what_happens_to_the_rest() {
    let thin = Depth::Thin { levels: 1, quantity: Decimal::from(2) };
    let mut okx = Okx::swap(Settings { depth: thin, ..Settings::default() });
    let cases = [
        ("limit", "partially_filled", "2", ""),
        ("ioc", "canceled", "2", "14"),
        ("fok", "canceled", "0", "13"),
        ("post_only", "canceled", "0", "31"),
    ];
    for (kind, state, filled, source) in cases {
        let order = json!({ "ordType": kind, "px": "65005", "sz": "5", "side": "buy" });
        assert_eq!(okx.code(&format!("of{kind}").replace('_', ""), order), "0");
        let found = okx.query(&format!("of{kind}").replace('_', ""));
        assert_eq!(
            fields(&found, &["state", "accFillSz", "cancelSource"]),
            [state, filled, source]
        );
        // Takes the resting rest away again.
        let named = json!({ "instId": "BTC-USDT-SWAP", "ordId": found["ordId"] });
        let _ = okx.post("/api/v5/trade/cancel-order", &named);
    }
}

#[test]
fn the_rest_of_a_swap_market_order_stays_at_the_band_and_that_of_a_market_ioc_does_not() {
    let thin = Depth::Thin { levels: 1, quantity: Decimal::from(2) };
    let mut okx = Okx::swap(Settings { depth: thin, ..Settings::default() });
    assert_eq!(okx.code("m", json!({ "sz": "5" })), "0");
    let found = okx.query("m");
    assert_eq!(
        fields(&found, &["state", "accFillSz", "ordType", "px"]),
        ["partially_filled", "2", "market", ""]
    );
    assert_eq!(okx.code("i", json!({ "sz": "5", "ordType": "optimal_limit_ioc" })), "0");
    let found = okx.query("i");
    assert_eq!(
        fields(&found, &["state", "accFillSz", "ordType"]),
        ["canceled", "2", "optimal_limit_ioc"]
    );
}

#[test]
fn a_spot_market_buy_is_an_amount_of_quote_unless_it_says_otherwise() {
    let mut okx = spot();
    assert_eq!(okx.code("quote", json!({ "sz": "1000", "tgtCcy": null })), "0");
    let found = okx.query("quote");
    let names = ["sz", "tgtCcy", "accFillSz", "fee", "feeCcy", "tdMode", "posSide"];
    assert_eq!(
        fields(&found, &names),
        ["1000", "quote_ccy", "0.01538698", "-0.00001539", "BTC", "cash", ""]
    );
    assert_eq!(okx.code("base", json!({ "sz": "0.5" })), "0");
    assert_eq!(
        fields(&okx.query("base"), &["sz", "tgtCcy", "accFillSz"]),
        ["0.5", "base_ccy", "0.5"]
    );
    // Two bitcoin to begin with; fees are taken from what is received.
    assert_eq!(okx.cash("BTC"), "2.51487159");
    assert_eq!(okx.code("big", json!({ "sz": "1000001", "tgtCcy": "quote_ccy" })), "51201");
    assert_eq!(okx.code("poor", json!({ "side": "sell", "sz": "3" })), "51008");
    assert_eq!(okx.code("small", json!({ "sz": "0.000001" })), "51020");
    assert_eq!(okx.code("mode", json!({ "tdMode": "cross" })), "51000");
}

#[test]
fn an_inverse_swap_counts_contracts_of_a_hundred_dollars_and_settles_in_its_coin() {
    let mut okx = swap();
    okx.instrument = "BTC-USD-SWAP";
    assert_eq!(okx.code("inv", json!({ "sz": "13" })), "0");
    let found = okx.query("inv");
    // 1300 USD at 65002.0, taker fee 5 basis points.
    assert_eq!(
        fields(&found, &["accFillSz", "avgPx", "fee", "feeCcy"]),
        ["13", "65002", "-0.00001", "BTC"]
    );
    assert_eq!(okx.code("half", json!({ "sz": "1.5" })), "51121");
    assert_eq!(okx.position(), "13");
    assert_eq!(okx.cash("BTC"), "1.99999");
}

#[test]
fn instruments_carry_contract_sizes_lots_and_types() {
    let mut okx = swap();
    let rules = okx.first("/api/v5/public/instruments?instType=SWAP&instId=BTC-USDT-SWAP");
    let names = ["ctVal", "ctMult", "ctType", "settleCcy", "lotSz", "minSz", "tickSz", "state"];
    assert_eq!(
        fields(&rules, &names),
        ["0.01", "1", "linear", "USDT", "0.01", "0.01", "0.1", "live"]
    );
    let rules = okx.first("/api/v5/public/instruments?instType=SWAP&instId=ETH-USD-SWAP");
    assert_eq!(
        fields(&rules, &["ctVal", "ctType", "ctValCcy", "settleCcy", "lotSz"]),
        ["10", "inverse", "USD", "ETH", "1"]
    );
    assert_eq!(okx.get("/api/v5/public/instruments?instType=SPOT")["data"], json!([]));
    assert_eq!(okx.get("/api/v5/public/instruments")["code"], "50014");
    let rules = spot().first("/api/v5/public/instruments?instType=SPOT&instId=ETH-USDT");
    assert_eq!(
        fields(&rules, &["baseCcy", "quoteCcy", "lotSz", "minSz", "tickSz", "ctVal"]),
        ["ETH", "USDT", "0.000001", "0.0001", "0.01", ""]
    );
}

#[test]
fn a_batch_is_carried_out_order_by_order() {
    let mut okx = swap();
    let (good, bad) = (okx.order("good", json!({})), okx.order("bad", json!({ "sz": "0.001" })));
    let body = okx.post("/api/v5/trade/batch-orders", &json!([good, bad]));
    assert_eq!(body["code"], "2");
    let codes: Vec<_> =
        body["data"].as_array().unwrap().iter().map(|entry| entry["sCode"].as_str()).collect();
    assert_eq!(codes, [Some("0"), Some("51020")]);
    assert_eq!(okx.position(), "1");
}

#[test]
fn cancelling_what_is_over_or_unknown_is_answered_alike() {
    let mut okx = swap();
    assert_eq!(okx.code("done", json!({})), "0");
    for id in ["done", "never"] {
        let named = json!({ "instId": "BTC-USDT-SWAP", "clOrdId": id });
        let body = okx.post("/api/v5/trade/cancel-order", &named);
        assert_eq!((&body["code"], &body["data"][0]["sCode"]), (&json!("1"), &json!("51400")));
    }
    let path = "/api/v5/trade/order?instId=BTC-USDT-SWAP&clOrdId=never";
    assert_eq!(okx.get(path)["code"], "51603");
}

#[test]
fn an_order_cancelled_unfilled_is_forgotten_after_two_hours() {
    let mut okx = swap();
    assert_eq!(okx.code("rest", json!({ "ordType": "post_only", "px": "52000" })), "0");
    let pending = okx.get("/api/v5/trade/orders-pending?instType=SWAP");
    assert_eq!(pending["data"][0]["clOrdId"], "rest");
    let named = json!({ "instId": "BTC-USDT-SWAP", "clOrdId": "rest" });
    assert_eq!(okx.post("/api/v5/trade/cancel-order", &named)["code"], "0");
    assert_eq!(okx.get("/api/v5/trade/orders-pending")["data"], json!([]));
    okx.now_ms += 2 * 3_600_000 - 1;
    let history = "/api/v5/trade/orders-history?instType=SWAP";
    assert_eq!(okx.get(history)["data"][0]["state"], "canceled");
    okx.now_ms += 1;
    assert_eq!(okx.get(history)["data"], json!([]));
    assert!(okx.query("rest").is_null());
}

#[test]
fn in_long_short_mode_orders_name_their_position() {
    let mut okx = Okx::swap(Settings { hedge_mode: true, ..Settings::default() });
    assert_eq!(okx.first("/api/v5/account/config")["posMode"], "long_short_mode");
    assert_eq!(okx.code("net", json!({})), "51000");
    assert_eq!(okx.code("long", json!({ "posSide": "long", "sz": "2" })), "0");
    assert_eq!(okx.code("short", json!({ "posSide": "short", "side": "sell" })), "0");
    assert_eq!(okx.code("over", json!({ "posSide": "long", "side": "sell", "sz": "3" })), "51112");
    let held = okx.get("/api/v5/account/positions");
    let seen: Vec<_> = held["data"].as_array().unwrap().iter().collect();
    assert_eq!(
        seen.iter().map(|row| fields(row, &["posSide", "pos", "availPos"])).collect::<Vec<_>>(),
        [["long", "2", "2"], ["short", "1", "1"]]
    );
    let switch = json!({ "posMode": "net_mode" });
    assert_eq!(okx.post("/api/v5/account/set-position-mode", &switch)["code"], "59000");
}

#[test]
fn orders_are_limited_per_instrument_and_two_seconds() {
    let mut okx = swap();
    let resting = json!({ "ordType": "limit", "px": "52000", "sz": "0.01" });
    for index in 0..60 {
        assert_eq!(okx.code(&format!("n{index}"), resting.clone()), "0");
    }
    assert_eq!(okx.code("over", resting.clone()), "50011");
    let other = json!({ "instId": "ETH-USDT-SWAP", "sz": "0.01" });
    assert_eq!(okx.code("other", other), "0");
    okx.now_ms += 2000;
    assert_eq!(okx.code("later", resting), "0");
}

#[test]
fn named_faults_play_on_both_products() {
    for mut okx in [swap(), spot()] {
        let name = |kind| format!("{}-{kind}", okx.exchange.adapter());
        let (reject, funds, unknown) =
            (name("reject"), name("insufficient-funds"), name("5xx-unknown"));
        for (fault, code) in [(reject, "51027"), (funds, "51008"), (unknown, "51149")] {
            okx.exchange.faults_mut().clear();
            okx.exchange.inject(Fault::named(&fault).unwrap());
            assert_eq!(okx.code("f", json!({})), code, "{fault}");
        }
        assert_eq!(okx.exchange.ledger().orders.len(), 1, "the unknown one was executed");
        assert_eq!(okx.exchange.ledger().orders[0].side, Side::Buy);
    }
}

#[test]
fn a_timeout_that_says_neither_way_comes_with_http_400_and_hides_an_execution() {
    let mut okx = swap();
    let effect = Effect::BreakAnswer(Broken::Neither400);
    okx.exchange.inject(Fault::on(Operation::Place, Occurrence::Nth(1), effect));
    let request = okx.post_request("/api/v5/trade/order", &okx.order("n", json!({})));
    let response = responded(okx.exchange.handle(NOW_MS, &request));
    let seen = (response.status().as_u16(), body_of(&response)["code"].clone());
    assert_eq!(seen, (400, json!("50004")));
    assert_eq!(okx.query("n")["state"], "filled");
}
