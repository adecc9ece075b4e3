//! What Deribit's v2 interface answers over HTTP, case by case.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "common/deribit.rs"]
mod client;

use bytes::Bytes;
use client::{Deribit, NOW_MS, body_of, fields, responded, sign};
use equipoise_sim::{
    Answer, Depth, Effect, Fault, Occurrence, Operation, RateLimits, Settings, Stage,
};
use http::Request;
use rust_decimal::Decimal;
use serde_json::{Value, json};

fn start() -> Deribit {
    Deribit::start(Settings::default())
}

/// Without limits, for tests that ask a lot at once.
fn unlimited() -> Deribit {
    Deribit::start(Settings { rate_limits: RateLimits::Counted, ..Settings::default() })
}

#[test]
fn each_unsuitable_order_gets_its_documented_code() {
    let mut deribit = unlimited();
    let limit = |price: f64| json!({ "type": "limit", "price": price });
    let cases = [
        (json!({ "instrument_name": "NOPE-PERPETUAL" }), 13020),
        (json!({ "instrument_name": null }), -32602),
        (json!({ "amount": null }), -32602),
        (json!({ "amount": "ten" }), -32602),
        (json!({ "amount": 0 }), 10021),
        (json!({ "amount": 5 }), 10002),
        (json!({ "amount": 15 }), -32602),
        (json!({ "amount": 1000, "contracts": 99 }), -32602),
        (json!({ "amount": 20_000_010 }), 10021),
        (json!({ "amount": 10_000_000 }), 10009),
        (json!({ "type": "stop_market" }), -32602),
        (json!({ "type": "limit" }), -32602),
        (json!({ "time_in_force": "immediate_or_cancel" }), -32602),
        (json!({ "label": "x".repeat(65) }), -32602),
        (json!({ "reduce_only": true }), 11030),
        (limit(64_000.25), 10043),
        (limit(70_000.0), 10007),
        (
            json!({ "type": "limit", "price": 64000, "post_only": true, "time_in_force": "fill_or_kill" }),
            11055,
        ),
        (
            json!({ "type": "limit", "price": 65003, "post_only": true, "reject_post_only": true }),
            11054,
        ),
    ];
    for (changes, code) in cases {
        assert_eq!(deribit.buy_code("case", changes.clone()), code, "{changes}");
    }
    let below = Deribit::order("low", json!({ "type": "limit", "price": 60000 }));
    assert_eq!(deribit.code("private/sell", below), 10005);
    assert_eq!(deribit.code("private/close_position", json!({})), -32601);
    assert_eq!(deribit.exchange.ledger().orders, vec![]);
}

#[test]
fn errors_are_answered_in_the_envelope_with_the_id_sent() {
    let mut deribit = start();
    let request = deribit.request("private/buy", &Deribit::order("a", json!({ "amount": 5 })));
    let response = responded(deribit.exchange.handle(NOW_MS, &request));
    assert_eq!(response.status(), 400);
    assert_eq!(
        body_of(&response),
        json!({
            "jsonrpc": "2.0", "id": 7, "testnet": false,
            "usIn": 1_795_330_800_000_000_u64, "usOut": 1_795_330_800_000_100_u64, "usDiff": 100,
            "error": { "message": "qty_too_low", "code": 10002 },
        })
    );
}

#[test]
fn an_order_is_answered_with_its_executions_in_dollars() {
    let mut deribit = start();
    let result = deribit.buy("leg", json!({}))["result"].clone();
    let names =
        ["order_id", "order_state", "amount", "contracts", "filled_amount", "average_price"];
    assert_eq!(
        fields(&result["order"], &names),
        ["BTC-58486480701", "filled", "1000", "100", "1000", "65003"]
    );
    let trade = &result["trades"][0];
    // 1000 / 65003 BTC at 5 basis points.
    let names = ["price", "amount", "fee", "fee_currency", "liquidity", "label", "direction"];
    assert_eq!(fields(trade, &names), ["65003", "1000", "7.69e-6", "BTC", "T", "leg", "buy"]);
    let position =
        deribit.result("private/get_position", json!({ "instrument_name": "BTC-PERPETUAL" }));
    let names = ["size", "direction", "average_price", "size_currency"];
    assert_eq!(fields(&position, &names), ["1000", "buy", "65003", "0.015383905"]);
    let summary = deribit.result("private/get_account_summary", json!({ "currency": "BTC" }));
    assert_eq!(fields(&summary, &["balance"]), ["4.99999231"]);
}

#[test]
fn a_label_is_no_key_and_finds_every_recent_order_under_it() {
    let mut deribit = start();
    for _ in 0..2 {
        assert_eq!(deribit.buy_code("same", json!({})), 0);
    }
    let found = deribit.by_label("same");
    let ids: Vec<_> = found.iter().map(|order| order["order_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["BTC-58486480702", "BTC-58486480701"]);
    assert_eq!(deribit.by_label("other"), [Value::Null; 0]);
    let elsewhere = json!({ "currency": "USDC", "label": "same" });
    assert_eq!(deribit.result("private/get_order_state_by_label", elsewhere), json!([]));
}

#[test]
fn a_request_is_begun_only_before_its_valid_until_however_late_the_engine_gets_it() {
    let mut deribit = start();
    let until = |at_ms: u64| json!({ "valid_until": at_ms });
    assert_eq!(deribit.buy_code("past", until(NOW_MS)), 13888);
    assert_eq!(deribit.buy_code("ahead", until(NOW_MS + 1)), 0);
    let late = Effect::DelayRequest { delay_ms: 5000, before: Stage::Engine };
    deribit.exchange.inject(Fault::on(Operation::Place, Occurrence::Nth(1), late));
    let request = deribit.request("private/buy", &Deribit::order("late", until(NOW_MS + 5000)));
    let Answer::Late { delay_ms, held } = deribit.exchange.handle(NOW_MS, &request) else {
        panic!("not late")
    };
    let body = body_of(&responded(deribit.exchange.resume(NOW_MS + delay_ms, held)));
    assert_eq!(body["error"]["code"], 13888);
    assert_eq!(deribit.exchange.ledger().orders.len(), 1);
}

#[test]
fn a_token_lives_fifteen_minutes_and_is_renewed_once_by_its_refresh_token() {
    let mut deribit = start();
    let first = deribit.login();
    assert_eq!((&first["expires_in"], &first["token_type"]), (&json!(900), &json!("bearer")));
    deribit.now_ms += 899_999;
    let ask = |deribit: &mut Deribit| deribit.code("private/get_open_orders", json!({}));
    assert_eq!(ask(&mut deribit), 0);
    deribit.now_ms += 1;
    assert_eq!(ask(&mut deribit), 13009);
    let renew = json!({ "grant_type": "refresh_token", "refresh_token": first["refresh_token"] });
    let second = deribit.result("public/auth", renew.clone());
    assert_ne!(second["access_token"], first["access_token"]);
    second["access_token"].as_str().unwrap().clone_into(&mut deribit.token);
    assert_eq!(ask(&mut deribit), 0);
    assert_eq!(deribit.code("public/auth", renew), 13009);
}

#[test]
fn credentials_signatures_and_scopes_are_checked() {
    let mut deribit = start();
    let wrong = json!({ "grant_type": "client_credentials", "client_id": "demo-key-deribit", "client_secret": "no" });
    assert_eq!(deribit.code("public/auth", wrong), 13004);
    let secret = deribit.credentials.secret.clone();
    let signed = |nonce: &str, at_ms: u64| {
        json!({
            "grant_type": "client_signature", "client_id": "demo-key-deribit", "timestamp": at_ms,
            "nonce": nonce, "data": "d", "signature": sign(&secret, &format!("{at_ms}\n{nonce}\nd")),
            "scope": "session:desk trade:read expires:60", "state": "s",
        })
    };
    assert_eq!(deribit.code("public/auth", signed("b", NOW_MS - 60_001)), 13009);
    let result = deribit.result("public/auth", signed("a", NOW_MS - 60_000));
    assert_eq!(
        fields(&result, &["expires_in", "scope", "state"]),
        ["60", "session:desk trade:read expires:60 account:read", "s"]
    );
    assert_eq!(
        deribit.code("public/auth", signed("a", NOW_MS - 60_000)),
        13009,
        "a nonce counts once"
    );
    result["access_token"].as_str().unwrap().clone_into(&mut deribit.token);
    assert_eq!(deribit.code("private/get_open_orders", json!({})), 0);
    assert_eq!(deribit.buy_code("no", json!({})), 13021);
    let bare = Request::get("/api/v2/private/get_open_orders").body(Bytes::new()).unwrap();
    let body = body_of(&responded(deribit.exchange.handle(NOW_MS, &bare)));
    assert_eq!(body["error"]["code"], 10000);
}

#[test]
fn a_request_can_be_signed_by_itself_once_and_within_a_minute() {
    let mut deribit = start();
    let secret = deribit.credentials.secret.clone();
    let path = "/api/v2/private/get_account_summary?currency=BTC";
    let request = deribit.signed_request(path, &secret);
    let mut at = |now_ms, request: &Request<Bytes>| {
        let body = body_of(&responded(deribit.exchange.handle(now_ms, request)));
        body["error"]["code"].as_i64().unwrap_or(0)
    };
    assert_eq!(at(NOW_MS + 60_001, &request), 13009);
    assert_eq!(at(NOW_MS + 60_000, &request), 0);
    assert_eq!(at(NOW_MS + 60_000, &request), 13009);
    let forged = deribit.signed_request(path, "other");
    let body = body_of(&responded(deribit.exchange.handle(NOW_MS, &forged)));
    assert_eq!(body["error"]["code"], 13009);
}

#[test]
fn too_many_requests_end_the_session() {
    let mut deribit = start();
    for index in 0..20 {
        assert_eq!(deribit.buy_code("burst", json!({ "amount": 10 })), 0, "{index}");
    }
    assert_eq!(deribit.buy_code("over", json!({ "amount": 10 })), 10028);
    deribit.now_ms += 1000;
    assert_eq!(deribit.code("private/get_open_orders", json!({})), 13009);
    deribit.login();
    for _ in 0..5 {
        assert_eq!(
            deribit.buy_code("again", json!({ "amount": 10 })),
            0,
            "five a second come back"
        );
    }
    assert_eq!(deribit.buy_code("over", json!({ "amount": 10 })), 10028);
    let mut deribit = start();
    let limited = Effect::RateLimited { retry_after_s: 1 };
    deribit.exchange.inject(Fault::on(Operation::Place, Occurrence::Nth(1), limited));
    assert_eq!(deribit.buy_code("fault", json!({})), 10028);
    assert_eq!(deribit.buy_code("after", json!({})), 13009);
}

#[test]
fn a_price_just_beyond_the_band_is_moved_to_it() {
    let mut deribit = start();
    let ticker = deribit.result("public/ticker", json!({ "instrument_name": "BTC-PERPETUAL" }));
    assert_eq!(fields(&ticker, &["min_price", "max_price"]), ["64027.5", "65978"]);
    let result =
        deribit.buy("clamped", json!({ "type": "limit", "price": 66500 }))["result"].clone();
    assert_eq!(fields(&result["order"], &["price", "order_state"]), ["65978", "filled"]);
}

#[test]
fn a_post_only_order_that_would_take_is_repriced_unless_it_asks_to_be_refused() {
    let mut deribit = start();
    let order = json!({ "type": "limit", "price": 65003, "post_only": true });
    let result = deribit.buy("maker", order)["result"].clone();
    let seen = fields(&result["order"], &["price", "order_state", "post_only"]);
    assert_eq!(seen, ["65002.5", "open", "true"]);
    assert_eq!(result["trades"], json!([]));
}

#[test]
fn a_time_in_force_decides_what_happens_to_the_rest() {
    let thin = Depth::Thin { levels: 1, quantity: Decimal::from(400) };
    let mut deribit = Deribit::start(Settings { depth: thin, ..Settings::default() });
    let cases = [
        ("good_til_cancelled", "open", "400"),
        ("immediate_or_cancel", "cancelled", "400"),
        ("fill_or_kill", "cancelled", "0"),
    ];
    for (time_in_force, state, filled) in cases {
        let order = json!({ "type": "limit", "price": 65003, "time_in_force": time_in_force });
        let result = deribit.buy(time_in_force, order)["result"].clone();
        let seen = fields(&result["order"], &["order_state", "filled_amount", "time_in_force"]);
        assert_eq!(seen, [state, filled, time_in_force]);
        let _ = deribit.result("private/cancel_all", json!({}));
    }
}

#[test]
fn orders_are_cancelled_once_by_id_and_counted_by_label() {
    let mut deribit = start();
    let rest = json!({ "type": "limit", "price": 52000 });
    let placed = deribit.buy("a", rest.clone())["result"]["order"].clone();
    let id = json!({ "order_id": placed["order_id"] });
    let cancelled = deribit.result("private/cancel", id.clone());
    assert_eq!(
        fields(&cancelled, &["order_state", "cancel_reason"]),
        ["cancelled", "user_request"]
    );
    assert_eq!(deribit.code("private/cancel", id), 11044);
    assert_eq!(deribit.code("private/cancel", json!({ "order_id": "BTC-1" })), 10004);
    for _ in 0..2 {
        assert_eq!(deribit.buy_code("b", rest.clone()), 0);
    }
    assert_eq!(deribit.result("private/cancel_by_label", json!({ "label": "b" })), json!(2));
    assert_eq!(deribit.result("private/get_open_orders", json!({})), json!([]));
}

#[test]
fn the_recent_view_forgets_and_the_historical_one_lags() {
    let mut deribit = start();
    assert_eq!(deribit.buy_code("old", json!({})), 0);
    let history = |deribit: &mut Deribit, historical: bool| {
        let params = json!({ "currency": "BTC", "historical": historical });
        deribit.result("private/get_order_history_by_currency", params).as_array().unwrap().len()
    };
    assert_eq!((history(&mut deribit, false), history(&mut deribit, true)), (1, 0));
    deribit.now_ms += 30 * 60_000 - 1;
    deribit.login();
    assert_eq!((history(&mut deribit, false), history(&mut deribit, true)), (1, 1));
    assert_eq!(deribit.by_label("old").len(), 1);
    deribit.now_ms += 1;
    assert_eq!((history(&mut deribit, false), history(&mut deribit, true)), (0, 1));
    assert_eq!(deribit.by_label("old"), [Value::Null; 0]);
    let params = json!({ "currency": "BTC" });
    let trades = deribit.result("private/get_user_trades_by_currency", params);
    assert_eq!(trades["trades"][0]["label"], "old");
}

#[test]
fn an_order_without_executions_is_in_the_history_only_when_asked_for() {
    let mut deribit = start();
    assert_eq!(deribit.buy_code("none", json!({ "type": "limit", "price": 52000 })), 0);
    let _ = deribit.result("private/cancel_all", json!({}));
    for (unfilled, found) in [(false, 0), (true, 1)] {
        let params = json!({ "currency": "BTC", "include_unfilled": unfilled });
        let rows = deribit.result("private/get_order_history_by_currency", params);
        assert_eq!(rows.as_array().unwrap().len(), found);
    }
}

#[test]
fn linear_contracts_count_coins_and_settle_in_usdc() {
    let mut deribit = start();
    let order = json!({ "instrument_name": "BTC_USDC-PERPETUAL", "amount": 0.1 });
    let result = deribit.buy("usdc", order)["result"].clone();
    let names = ["order_id", "amount", "contracts", "average_price"];
    assert_eq!(fields(&result["order"], &names), ["USDC-58486480701", "0.1", "100", "65006"]);
    let fee = fields(&result["trades"][0], &["fee", "fee_currency"]);
    assert_eq!(fee, ["3.2503", "USDC"]);
    let params =
        json!({ "instrument_name": "BTC_USDC-PERPETUAL", "amount": 0.0005, "type": "market" });
    assert_eq!(deribit.code("private/buy", params), 10002);
}

#[test]
fn an_option_is_listed_with_tick_steps_and_trades_in_its_coin() {
    let mut deribit = start();
    let params = json!({ "currency": "BTC", "kind": "option" });
    let listed = deribit.result("public/get_instruments", params);
    let rules = &listed[0];
    let names = ["instrument_name", "strike", "option_type", "settlement_currency", "tick_size"];
    assert_eq!(fields(rules, &names), ["BTC-25DEC26-65000-C", "65000", "call", "BTC", "0.0001"]);
    assert_eq!(rules["tick_size_steps"], json!([{ "above_price": 0.005, "tick_size": 0.0005 }]));
    let option = |price: f64| json!({ "instrument_name": "BTC-25DEC26-65000-C", "amount": 0.1, "type": "limit", "price": price });
    assert_eq!(deribit.buy_code("off", option(0.0356)), 10043);
    let result = deribit.buy("call", option(0.0355))["result"].clone();
    let names = ["order_state", "average_price", "filled_amount", "contracts"];
    assert_eq!(fields(&result["order"], &names), ["filled", "0.0355", "0.1", "0.1"]);
}

#[test]
fn instruments_of_every_settlement_are_listed_with_their_sizes() {
    let mut deribit = start();
    let listed =
        deribit.result("public/get_instruments", json!({ "currency": "any", "kind": "future" }));
    let rows: Vec<Vec<String>> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            fields(
                row,
                &[
                    "instrument_name",
                    "instrument_type",
                    "settlement_currency",
                    "contract_size",
                    "min_trade_amount",
                    "tick_size",
                ],
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            ["BTC-25DEC26", "reversed", "BTC", "10", "10", "2.5"],
            ["BTC-PERPETUAL", "reversed", "BTC", "10", "10", "0.5"],
            ["BTC_USDC-PERPETUAL", "linear", "USDC", "0.001", "0.001", "0.5"],
            ["ETH-PERPETUAL", "reversed", "ETH", "1", "1", "0.05"],
            ["ETH_USDC-PERPETUAL", "linear", "USDC", "0.01", "0.01", "0.05"],
        ]
    );
    let rate = deribit.result("public/get_funding_rate_value", json!({
        "instrument_name": "BTC-PERPETUAL", "start_timestamp": NOW_MS - 8 * 3_600_000, "end_timestamp": NOW_MS,
    }));
    assert_eq!(rate.to_string(), "0.00041");
}

#[test]
fn named_faults_play_here() {
    let mut deribit = start();
    let mut met = |kind: &str| {
        deribit.exchange.faults_mut().clear();
        deribit.exchange.inject(Fault::named(&format!("deribit-{kind}")).unwrap());
        let request = deribit.request("private/buy", &Deribit::order(kind, json!({})));
        let response = responded(deribit.exchange.handle(NOW_MS, &request));
        (response.status().as_u16(), body_of(&response)["error"]["code"].as_i64().unwrap_or(0))
    };
    assert_eq!(met("reject"), (400, 10012));
    assert_eq!(met("insufficient-funds"), (400, 10009));
    assert_eq!(met("5xx-unknown"), (502, 0));
    assert_eq!(met("partial-fill"), (200, 0));
    let names = ["filled_amount", "order_state"];
    assert_eq!(fields(&deribit.by_label("5xx-unknown")[0], &names), ["1000", "filled"]);
    assert_eq!(fields(&deribit.by_label("partial-fill")[0], &names), ["400", "cancelled"]);
}
