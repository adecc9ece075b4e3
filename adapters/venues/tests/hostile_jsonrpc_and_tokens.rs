//! Answers Deribit and Coinbase should not give: never a panic, never a refusal, never a made-up number (N9, A8).

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{NOW, Stage, coinbase, deribit, read_fixture, stage};
use equipoise_core::{OrderKind, OrderRequest, PositionSide, Side, TimeInForce, VenueMillis};
use equipoise_port::{OrderRef, PlaceError, QueryError};

const BUY: &str = "POST /api/v2/private/buy";
const BY_LABEL: &str = "POST /api/v2/private/get_order_state_by_label";
const OF_ORDER: &str = "POST /api/v2/private/get_user_trades_by_order";
const CREATE: &str = "POST /api/v3/brokerage/orders";
const LISTING: &str = "GET /api/v3/brokerage/orders/historical/batch";
const FILLS: &str = "GET /api/v3/brokerage/orders/historical/fills";
const ONE: &str = "GET /api/v3/brokerage/orders/historical/0f5a7c1e-3d94-4b61-8f0e-6f6d1c2b7a01";

/// A good body made bad in every way there is.
fn spoiled(good: &str) -> Vec<String> {
    // The line end after the last brace carries nothing, so cutting it off would spoil nothing.
    let good = good.trim_end();
    let cuts = (0..good.len()).step_by(11).filter(|cut| good.is_char_boundary(*cut));
    let mut bodies: Vec<String> = cuts.map(|cut| good[..cut].to_owned()).collect();
    let others = ["null", "true", "42", "\"\"", "[]", "{}", "[{}]", "<html>", "\u{0}", "NaN"];
    bodies.extend(others.map(str::to_owned));
    bodies.push("[".repeat(500_000));
    bodies.push("{\"result\":".repeat(500_000));
    bodies.push(format!("{good}{good}"));
    bodies
}

fn with_values(good: &str, field: &str, value: &str, bad: &[&str]) -> Vec<String> {
    let from = format!("\"{field}\": {value}");
    assert!(good.contains(&from), "{from}");
    bad.iter().map(|bad| good.replace(&from, &format!("\"{field}\": {bad}"))).collect()
}

fn order(symbol: &str, quantity: &str, client_id: &str) -> OrderRequest {
    OrderRequest {
        client_id: client_id.parse().unwrap(),
        symbol: symbol.parse().unwrap(),
        side: Side::Buy,
        kind: OrderKind::Limit { price: "65000".parse().unwrap(), time_in_force: TimeInForce::Ioc },
        quantity: quantity.parse().unwrap(),
        reduce_only: false,
        position_side: PositionSide::Net,
        deadline: VenueMillis(NOW + 2_000),
        window_ms: 2_000,
    }
}

fn reference(order: &OrderRequest) -> OrderRef {
    OrderRef::of(order)
}

fn on_deribit() -> OrderRequest {
    order("BTC-PERPETUAL", "100", "leg0a1")
}

fn on_coinbase() -> OrderRequest {
    order("BTC-USD", "0.1", "7d1c6f8e-0b1a-4c55-9a3e-2f6a8d4b9c10")
}

async fn must_stay_unknown(stage: &Stage, order: &OrderRequest, body: &str) {
    let answer = stage.venue.place(order).await;
    let shown: String = body.chars().take(80).collect();
    assert!(matches!(answer, Err(PlaceError::Unknown(_))), "{shown}: {answer:?}");
}

async fn must_be_unavailable(stage: &Stage, order: &OrderRequest, body: &str) {
    let answer = stage.venue.find(&reference(order)).await;
    let shown: String = body.chars().take(80).collect();
    assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{shown}: {answer:?}");
}

#[tokio::test]
async fn a_spoiled_acknowledgement_is_neither_an_order_nor_a_refusal() {
    let good = read_fixture("deribit/buy_filled");
    let numbers = ["\"60\"", "null", "-60", "{}", "1e99", "true"];
    for body in spoiled(&good).into_iter().chain(with_values(&good, "amount", "60", &numbers)) {
        let stage = deribit();
        stage.script.body(BUY, 200, &body);
        must_stay_unknown(&stage, &on_deribit(), &body).await;
    }
    for body in spoiled(&read_fixture("coinbase/create_taken")) {
        let stage = coinbase();
        stage.script.body(CREATE, 200, &body);
        must_stay_unknown(&stage, &on_coinbase(), &body).await;
    }
}

#[tokio::test]
async fn a_spoiled_refusal_refuses_nothing() {
    for body in spoiled(&read_fixture("deribit/buy_not_enough_funds")) {
        for status in [200, 400] {
            let stage = deribit();
            stage.script.body(BUY, status, &body);
            must_stay_unknown(&stage, &on_deribit(), &body).await;
        }
    }
    for body in spoiled(&read_fixture("coinbase/create_insufficient_fund")) {
        let stage = coinbase();
        stage.script.body(CREATE, 200, &body);
        must_stay_unknown(&stage, &on_coinbase(), &body).await;
    }
    for body in spoiled(&read_fixture("coinbase/invalid_argument")) {
        let stage = coinbase();
        stage.script.body(CREATE, 400, &body);
        must_stay_unknown(&stage, &on_coinbase(), &body).await;
    }
}

#[tokio::test]
async fn a_spoiled_look_at_an_acknowledged_order_takes_nothing_back() {
    for body in spoiled(&read_fixture("coinbase/order_filled")) {
        let stage = coinbase();
        stage.script.fixture(CREATE, 200, "coinbase/create_taken");
        stage.script.body(ONE, 200, &body);
        let taken = stage.venue.place(&on_coinbase()).await;
        assert!(taken.is_ok(), "{taken:?}");
    }
}

#[tokio::test]
async fn a_spoiled_listing_is_unavailable_rather_than_empty() {
    for body in spoiled(&read_fixture("deribit/by_label_filled")) {
        let stage = deribit();
        stage.script.body(BY_LABEL, 200, &body);
        stage.script.fixture(OF_ORDER, 200, "deribit/trades_of_order_two");
        must_be_unavailable(&stage, &on_deribit(), &body).await;
    }
    for body in spoiled(&read_fixture("deribit/trades_of_order_two")) {
        let stage = deribit();
        stage.script.fixture(BY_LABEL, 200, "deribit/by_label_filled");
        stage.script.body(OF_ORDER, 200, &body);
        must_be_unavailable(&stage, &on_deribit(), &body).await;
    }
    for body in spoiled(&read_fixture("coinbase/listing_filled")) {
        let stage = coinbase();
        stage.script.body(LISTING, 200, &body);
        stage.script.fixture(FILLS, 200, "coinbase/fills_two");
        must_be_unavailable(&stage, &on_coinbase(), &body).await;
    }
    for body in spoiled(&read_fixture("coinbase/fills_two")) {
        let stage = coinbase();
        stage.script.fixture(LISTING, 200, "coinbase/listing_filled");
        stage.script.body(FILLS, 200, &body);
        must_be_unavailable(&stage, &on_coinbase(), &body).await;
    }
}

#[tokio::test]
async fn numbers_and_times_that_are_none_make_an_answer_unusable() {
    let good = read_fixture("deribit/by_label_filled");
    let numbers = ["\"100\"", "-100", "{}", "[]", "true", "1e99", "99999999999999999999"];
    for body in with_values(&good, "filled_amount", "100", &numbers) {
        let stage = deribit();
        stage.script.body(BY_LABEL, 200, &body);
        stage.script.fixture(OF_ORDER, 200, "deribit/trades_of_order_two");
        must_be_unavailable(&stage, &on_deribit(), &body).await;
    }
    let texts = ["\"NaN\"", "\"-1\"", "\"1e5\"", "null", "{}", "\"99999999999999999999\"", "0.1"];
    let good = read_fixture("coinbase/listing_filled");
    for (field, value) in
        [("filled_size", "\"0.1\""), ("created_time", "\"2026-11-22T08:00:00.120000Z\"")]
    {
        for body in with_values(&good, field, value, &texts) {
            let stage = coinbase();
            stage.script.body(LISTING, 200, &body);
            stage.script.fixture(FILLS, 200, "coinbase/fills_two");
            must_be_unavailable(&stage, &on_coinbase(), &body).await;
        }
    }
}

#[tokio::test]
async fn a_venue_time_outside_this_century_is_not_believed() {
    for time in ["0", "-1", "99999999999999999", "1.5", "\"1795334400000\"", "null"] {
        let stage = stage("deribit");
        let body = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{time}}}");
        stage.script.body("POST /api/v2/public/get_time", 200, &body);
        let answer = stage.venue.server_time().await;
        assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{time}: {answer:?}");
    }
    for time in ["\"0\"", "\"-1\"", "1795334400000", "\"x\"", "null"] {
        let stage = coinbase();
        let body = format!("{{\"epochMillis\":{time}}}");
        stage.script.body("GET /api/v3/brokerage/time", 200, &body);
        // The first answer is the stage's own; use it up.
        stage.venue.server_time().await.unwrap();
        let answer = stage.venue.server_time().await;
        assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{time}: {answer:?}");
    }
}

#[tokio::test]
async fn a_spoiled_token_is_no_token() {
    for body in spoiled(&read_fixture("deribit/auth_granted")) {
        let stage = stage("deribit");
        stage.script.body("POST /api/v2/public/auth", 200, &body);
        let answer = stage.venue.place(&on_deribit()).await;
        assert!(matches!(answer, Err(PlaceError::NotSent(_))), "{answer:?}");
    }
    let good = read_fixture("deribit/auth_granted");
    for token in ["\"\"", "\"two\\nlines\"", "\"with space\"", "7", "null"] {
        let stage = stage("deribit");
        let body = good.replace("\"first-access\"", token);
        stage.script.body("POST /api/v2/public/auth", 200, &body);
        let answer = stage.venue.place(&on_deribit()).await;
        assert!(matches!(answer, Err(PlaceError::NotSent(_))), "{token}: {answer:?}");
    }
}

#[tokio::test]
async fn no_secret_and_no_token_gets_into_an_error() {
    let stage = deribit();
    let echo = r#"{"jsonrpc":"2.0","error":{"code":13020,"message":"first-access first-refresh the-key the-secret"}}"#;
    stage.script.body(BY_LABEL, 400, echo);
    let answer = stage.venue.find(&reference(&on_deribit())).await;
    let message = "[redacted] [redacted] [redacted] [redacted]".to_owned();
    assert_eq!(answer, Err(QueryError::Refused { code: "13020".to_owned(), message }));
    let stage = coinbase();
    let seed = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let echo =
        format!(r#"{{"error":"INVALID_ARGUMENT","message":"{seed} organizations/o/apiKeys/k"}}"#);
    stage.script.body(LISTING, 400, &echo);
    let answer = stage.venue.find(&reference(&on_coinbase())).await;
    let message = "[redacted] [redacted]".to_owned();
    assert_eq!(answer, Err(QueryError::Refused { code: "INVALID_ARGUMENT".to_owned(), message }));
}
