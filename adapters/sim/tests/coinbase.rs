//! What Coinbase Advanced Trade answers for spot, case by case.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "common/coinbase.rs"]
mod client;

use bytes::Bytes;
use client::{
    API, Alg, Coinbase, NOW_MS, body_of, claims, fields, limit, market, responded, token,
};
use equipoise_sim::{Answer, Depth, Effect, Fault, Occurrence, Operation, Settings, Stage};
use http::Request;
use rust_decimal::Decimal;
use serde_json::{Value, json};

fn start() -> Coinbase {
    Coinbase::start(Settings::default())
}

#[test]
fn each_unsuitable_order_gets_its_documented_reason() {
    let mut coinbase = start();
    let cases = [
        (market("0"), "INVALID_BASE_SIZE_TOO_SMALL"),
        (market("0.00001"), "INVALID_QUOTE_SIZE_TOO_SMALL"),
        (market("0.000000015"), "INVALID_SIZE_PRECISION"),
        (market("3401"), "INVALID_BASE_SIZE_TOO_LARGE"),
        (market("100"), "INSUFFICIENT_FUND"),
        (limit("limit_limit_gtc", "1", "64000.001"), "INVALID_PRICE_PRECISION"),
        (limit("limit_limit_gtc", "1", "0"), "INVALID_LIMIT_PRICE"),
        (limit("limit_limit_gtc", "1", "70000"), "LIMIT_PRICE_TOO_FAR_FROM_MARKET"),
        (limit("limit_limit_gtd", "1", "64000"), "UNSUPPORTED_ORDER_CONFIGURATION"),
        (json!({ "market_market_fok": { "base_size": "1" } }), "UNSUPPORTED_ORDER_CONFIGURATION"),
        (json!({ "market_market_ioc": { "base_size": 1 } }), "INVALID_ARGUMENT"),
        (json!({ "market_market_ioc": { "base_size": "1e3" } }), "INVALID_ARGUMENT"),
        (json!({}), "INVALID_ARGUMENT"),
    ];
    for (index, (configuration, reason)) in cases.into_iter().enumerate() {
        let text = configuration.to_string();
        assert_eq!(
            coinbase.reason(&format!("case-{index}"), "BUY", configuration),
            reason,
            "{text}"
        );
    }
    let mut unknown = Coinbase::order("x", "BUY", &market("1"));
    unknown["product_id"] = json!("NOPE-USD");
    let (status, body) = coinbase.call("POST", "/orders", &unknown.to_string());
    assert_eq!((status, &body["error_response"]["error"]), (200, &json!("INVALID_PRODUCT_ID")));
    assert_eq!(coinbase.call("GET", "/products/NOPE-USD", "").0, 404);
    assert_eq!(coinbase.exchange.ledger().orders, vec![]);
}

#[test]
fn a_refusal_is_a_success_of_the_request_with_both_forms_of_the_reason() {
    let body = start().create("leg", "SELL", market("3"));
    assert_eq!(
        body,
        json!({
            "success": false, "failure_reason": "UNKNOWN_FAILURE_REASON", "order_id": "",
            "error_response": {
                "error": "INSUFFICIENT_FUND",
                "message": "Insufficient balance in source account",
                "error_details": "",
                "preview_failure_reason": "PREVIEW_INSUFFICIENT_FUND",
                "new_order_failure_reason": "UNKNOWN_FAILURE_REASON",
            },
            "order_configuration": { "market_market_ioc": { "base_size": "3" } },
        })
    );
}

#[test]
fn tokens_of_both_algorithms_are_admitted_within_their_time() {
    for alg in [Alg::Es256, Alg::EdDsa] {
        let mut coinbase = Coinbase { alg, ..start() };
        let request = coinbase.request("GET", &format!("{API}/accounts?limit=2"), "");
        let mut at = |now_ms| responded(coinbase.exchange.handle(now_ms, &request)).status();
        assert_eq!(at(NOW_MS), 200);
        assert_eq!(at(NOW_MS + 119_999), 200);
        assert_eq!(at(NOW_MS + 120_000), 401);
        assert_eq!(at(NOW_MS - 6000), 401);
    }
}

#[test]
fn a_token_for_anything_else_is_not_admitted() {
    let mut coinbase = start();
    let (kid, path) = ("demo-key-coinbase", "/api/v3/brokerage/accounts");
    let header = json!({ "alg": "ES256", "typ": "JWT", "kid": kid, "nonce": "00" });
    let good = claims(kid, NOW_MS, "GET", path);
    let mut status = |header: &Value, claims: &Value| {
        let token = token(Alg::Es256, header, claims);
        let request = Coinbase::request_with("GET", path, "", &token);
        responded(coinbase.exchange.handle(NOW_MS, &request)).status().as_u16()
    };
    let changed = |base: &Value, name: &str, value: Value| {
        let mut changed = base.clone();
        changed[name] = value;
        changed
    };
    assert_eq!(status(&header, &good), 200);
    let now_s = NOW_MS / 1000;
    for (name, value) in [
        ("uri", json!("GET api.coinbase.com/api/v3/brokerage/orders")),
        ("uri", json!("POST api.coinbase.com/api/v3/brokerage/accounts")),
        ("uri", json!("GET https://api.coinbase.com/api/v3/brokerage/accounts")),
        ("sub", json!("other")),
        ("iss", json!("other")),
        ("exp", json!(now_s)),
        ("exp", json!(now_s + 121)),
        ("nbf", json!(now_s + 6)),
    ] {
        assert_eq!(status(&header, &changed(&good, name, value.clone())), 401, "{name} {value}");
    }
    for (name, value) in [("kid", "other"), ("alg", "EdDSA"), ("alg", "none"), ("alg", "HS256")] {
        assert_eq!(status(&changed(&header, name, json!(value)), &good), 401, "{name} {value}");
    }
    let bare = Request::get(path).body(Bytes::new()).unwrap();
    assert_eq!(responded(coinbase.exchange.handle(NOW_MS, &bare)).status(), 401);
    let nowhere = Request::get("/api/v3/brokerage/no/where").body(Bytes::new()).unwrap();
    assert_eq!(responded(coinbase.exchange.handle(NOW_MS, &nowhere)).status(), 404);
}

#[test]
fn a_repeated_client_id_echoes_success_with_the_first_order_and_executes_nothing() {
    let mut coinbase = start();
    let first = coinbase.create("once", "BUY", market("0.1"));
    coinbase.now_ms += 60_000;
    let again = coinbase.create("once", "SELL", market("0.5"));
    assert_eq!((&first["success"], &again["success"]), (&json!(true), &json!(true)));
    let response = &again["success_response"];
    assert_eq!(response["order_id"], first["success_response"]["order_id"]);
    // The answer shows the second request, not the order.
    assert_eq!(fields(response, &["side", "client_order_id"]), ["SELL", "once"]);
    assert_eq!(again["order_configuration"], market("0.5"));
    let id = response["order_id"].as_str().unwrap();
    let (_, found) = coinbase.call("GET", &format!("/orders/historical/{id}"), "");
    let names = ["side", "filled_size", "created_time"];
    assert_eq!(fields(&found["order"], &names), ["BUY", "0.1", "2026-11-22T07:00:00.000Z"]);
    assert_eq!(coinbase.balance("BTC"), "2.1");
}

#[test]
fn an_acknowledgement_holds_no_fills_and_the_outcome_is_found_by_asking() {
    let mut coinbase = start();
    let created = coinbase.create("leg", "BUY", market("0.1"));
    let id = created["success_response"]["order_id"].as_str().unwrap().to_owned();
    let found = coinbase.listed("leg");
    let names =
        ["order_id", "status", "filled_size", "average_filled_price", "total_fees", "order_type"];
    // 0.1 × 64980.00, taker fee 60 basis points in dollars.
    assert_eq!(fields(&found, &names), [&id, "FILLED", "0.1", "64980", "38.988", "MARKET"]);
    let fills = coinbase.get(&format!("/orders/historical/fills?order_ids={id}"));
    let names = ["price", "size", "commission", "side", "liquidity_indicator"];
    assert_eq!(fields(&fills["fills"][0], &names), ["64980", "0.1", "38.988", "BUY", "TAKER"]);
    assert_eq!(coinbase.balance("USD"), "243463.012");
    assert_eq!(coinbase.balance("BTC"), "2.1");
}

#[test]
fn a_market_buy_for_an_amount_of_quote_spends_no_more_than_it_fees_included() {
    let mut coinbase = start();
    let all = json!({ "market_market_ioc": { "quote_size": "250000" } });
    assert_eq!(coinbase.reason("all", "BUY", all), "ok");
    let found = coinbase.listed("all");
    assert_eq!(
        found["order_configuration"],
        json!({ "market_market_ioc": { "quote_size": "250000" } })
    );
    assert_eq!(found["size_in_quote"], true);
    let left: Decimal = coinbase.balance("USD").parse().unwrap();
    assert!((Decimal::ZERO..Decimal::ONE).contains(&left), "{left}");
    let sold = json!({ "market_market_ioc": { "quote_size": "100" } });
    assert_eq!(coinbase.reason("sold", "SELL", sold), "UNSUPPORTED_ORDER_CONFIGURATION");
}

#[test]
fn a_time_in_force_decides_what_happens_to_the_rest() {
    let thin = Depth::Thin { levels: 1, quantity: Decimal::new(1, 1) };
    let mut coinbase = Coinbase::start(Settings { depth: thin, ..Settings::default() });
    let cases = [
        ("limit_limit_gtc", "OPEN", "0.1", "GOOD_UNTIL_CANCELLED"),
        ("sor_limit_ioc", "CANCELLED", "0.1", "IMMEDIATE_OR_CANCEL"),
        ("limit_limit_fok", "CANCELLED", "0", "FILL_OR_KILL"),
    ];
    for (kind, status, filled, time_in_force) in cases {
        assert_eq!(coinbase.reason(kind, "BUY", limit(kind, "0.3", "64980")), "ok");
        let found = coinbase.listed(kind);
        let seen = fields(&found, &["status", "filled_size", "time_in_force"]);
        assert_eq!(seen, [status, filled, time_in_force]);
    }
    let mut maker = limit("limit_limit_gtc", "0.3", "64980");
    maker["limit_limit_gtc"]["post_only"] = json!(true);
    assert_eq!(coinbase.reason("maker", "BUY", maker), "INVALID_LIMIT_PRICE_POST_ONLY");
}

#[test]
fn resting_orders_hold_funds_with_their_fee_until_they_are_cancelled() {
    let mut coinbase = start();
    let mut maker = limit("limit_limit_gtc", "1", "50000");
    maker["limit_limit_gtc"]["post_only"] = json!(true);
    assert_eq!(coinbase.reason("rest", "BUY", maker), "ok");
    let open = coinbase.get("/orders/historical/batch?order_status=OPEN");
    assert_eq!(open["orders"][0]["client_order_id"], "rest");
    assert_eq!(open["orders"][0]["outstanding_hold_amount"], "50300");
    let usd = |coinbase: &mut Coinbase| {
        let body = coinbase.get("/accounts");
        let accounts = body["accounts"].as_array().unwrap().clone();
        let usd = accounts.into_iter().find(|account| account["currency"] == "USD").unwrap();
        [usd["available_balance"]["value"].clone(), usd["hold"]["value"].clone()]
    };
    assert_eq!(usd(&mut coinbase), ["199700", "50300"]);
    let ids = json!({ "order_ids": [open["orders"][0]["order_id"], "unknown"] });
    let (_, body) = coinbase.call("POST", "/orders/batch_cancel", &ids.to_string());
    let results: Vec<_> = body["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| {
            (result["success"].as_bool().unwrap(), result["failure_reason"].as_str().unwrap())
        })
        .collect();
    assert_eq!(results, [(true, "UNKNOWN_CANCEL_FAILURE_REASON"), (false, "UNKNOWN_CANCEL_ORDER")]);
    assert_eq!(usd(&mut coinbase), ["250000", "0"]);
    assert_eq!(coinbase.listed("rest")["status"], "CANCELLED");
}

#[test]
fn orders_are_listed_by_time_status_and_page_but_not_by_client_id() {
    let mut coinbase = start();
    for name in ["a", "b", "c"] {
        assert_eq!(coinbase.reason(name, "BUY", market("0.01")), "ok");
        coinbase.now_ms += 1000;
    }
    let names = |body: &Value| -> Vec<String> {
        let orders = body["orders"].as_array().unwrap().iter();
        orders.map(|order| order["client_order_id"].as_str().unwrap().to_owned()).collect()
    };
    let list = "/orders/historical/batch";
    assert_eq!(names(&coinbase.get(list)), ["c", "b", "a"]);
    assert_eq!(names(&coinbase.get(&format!("{list}?client_order_id=a"))), ["c", "b", "a"]);
    let from = coinbase.get(&format!("{list}?start_date=2026-11-22T07:00:01Z"));
    assert_eq!(names(&from), ["c", "b"]);
    let until = coinbase.get(&format!("{list}?end_date=2026-11-22T07:00:01.000Z"));
    assert_eq!(names(&until), ["a"]);
    assert_eq!(names(&coinbase.get(&format!("{list}?order_status=OPEN"))), [""; 0]);
    let both = format!("{list}?order_status=OPEN&order_status=FILLED");
    assert_eq!(coinbase.call("GET", &both, "").0, 400);
    let page = coinbase.get(&format!("{list}?limit=2"));
    assert_eq!(
        (names(&page), &page["has_next"]),
        (vec!["c".to_owned(), "b".to_owned()], &json!(true))
    );
    let cursor = page["cursor"].as_str().unwrap();
    let rest = coinbase.get(&format!("{list}?limit=2&cursor={cursor}"));
    assert_eq!((names(&rest), &rest["has_next"]), (vec!["a".to_owned()], &json!(false)));
}

#[test]
fn products_carry_increments_minimums_and_aliases() {
    let mut coinbase = start();
    let product = coinbase.get("/products/BTC-USD");
    let names = ["base_increment", "price_increment", "base_min_size", "quote_min_size", "status"];
    assert_eq!(fields(&product, &names), ["0.00000001", "0.01", "0.00000001", "1", "online"]);
    assert_eq!(product["alias_to"], json!(["BTC-USDC"]));
    assert_eq!(coinbase.get("/products/BTC-USDC")["alias"], "BTC-USD");
    let public = Request::get("/api/v3/brokerage/market/products").body(Bytes::new()).unwrap();
    let body = body_of(&responded(coinbase.exchange.handle(NOW_MS, &public)));
    assert_eq!(body["num_products"], 4);
    let best = coinbase.get("/best_bid_ask?product_ids=BTC-USD&product_ids=ETH-USD");
    let book = &best["pricebooks"][0];
    assert_eq!(
        (&book["bids"][0]["price"], &book["asks"][0]["price"]),
        (&json!("64979.99"), &json!("64980"))
    );
}

#[test]
fn an_admitted_order_is_executed_however_long_its_token_has_expired() {
    let mut coinbase = start();
    let late = Effect::DelayRequest { delay_ms: 300_000, before: Stage::Engine };
    coinbase.exchange.inject(Fault::on(Operation::Place, Occurrence::Nth(1), late));
    let order = Coinbase::order("late", "BUY", &market("0.1")).to_string();
    let request = coinbase.request("POST", &format!("{API}/orders"), &order);
    let Answer::Late { delay_ms, held } = coinbase.exchange.handle(NOW_MS, &request) else {
        panic!("not late")
    };
    let body = body_of(&responded(coinbase.exchange.resume(NOW_MS + delay_ms, held)));
    assert_eq!(body["success"], true);
    assert_eq!(coinbase.balance("BTC"), "2.1");
}

#[test]
fn calls_of_a_second_are_limited_and_counted_in_headers() {
    let mut coinbase = start();
    let mut last = None;
    for _ in 0..30 {
        let request = coinbase.request("GET", &format!("{API}/accounts"), "");
        last = Some(responded(coinbase.exchange.handle(NOW_MS, &request)));
    }
    let last = last.unwrap();
    let headers =
        ["limit", "remaining"].map(|name| last.headers()[&format!("x-ratelimit-{name}")].clone());
    assert_eq!(headers, ["30", "0"]);
    assert_eq!(
        coinbase.call("GET", "/accounts", ""),
        (
            429,
            json!({
                "error": "rate_limit_exceeded", "error_details": "Too many requests", "message": "Too many requests",
            })
        )
    );
    coinbase.now_ms += 1000;
    assert_eq!(coinbase.call("GET", "/accounts", "").0, 200);
}

#[test]
fn named_faults_play_here() {
    let mut coinbase = start();
    let mut met = |kind: &str, id: &str| {
        coinbase.exchange.faults_mut().clear();
        coinbase.exchange.inject(Fault::named(&format!("coinbase-{kind}")).unwrap());
        let order = Coinbase::order(id, "BUY", &market("0.1")).to_string();
        let request = coinbase.request("POST", &format!("{API}/orders"), &order);
        let response = responded(coinbase.exchange.handle(NOW_MS, &request));
        (response.status().as_u16(), body_of(&response)["error_response"]["error"].clone())
    };
    assert_eq!(met("reject", "1"), (200, json!("ORDER_ENTRY_DISABLED")));
    assert_eq!(met("insufficient-funds", "2"), (200, json!("INSUFFICIENT_FUND")));
    assert_eq!(met("5xx-unknown", "3"), (502, Value::Null));
    assert_eq!(met("partial-fill", "4"), (200, Value::Null));
    let filled = [("3", "0.1", "FILLED"), ("4", "0.04", "CANCELLED")];
    for (id, size, status) in filled {
        assert_eq!(fields(&coinbase.listed(id), &["filled_size", "status"]), [size, status]);
    }
}
