//! Answers no exchange should give: never a panic, never a refusal, never a made-up number (N9, A8).

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{
    NOW, Stage, binance, binance_coinm, binance_spot, bybit, bybit_inverse, bybit_spot, order,
    order_ref, read_fixture,
};
use equipoise_core::{Side, Symbol, VenueMillis};
use equipoise_port::{PlaceError, QueryError};

/// A good body made bad in every way there is.
fn spoiled(good: &str) -> Vec<String> {
    // The line end after the last brace carries nothing, so cutting it off would spoil nothing.
    let good = good.trim_end();
    let mut bodies: Vec<String> = (0..good.len())
        .step_by(7)
        .filter(|cut| good.is_char_boundary(*cut))
        .map(|cut| good[..cut].to_owned())
        .collect();
    bodies.extend(
        ["null", "true", "42", "\"\"", "[]", "{}", "[{}]", "<html>", "\u{0}", "NaN"]
            .map(str::to_owned),
    );
    bodies.push("[".repeat(500_000));
    bodies.push("{\"a\":".repeat(500_000));
    bodies.push(format!("{good}{good}"));
    bodies
}

fn with_number(good: &str, from: &str) -> Vec<String> {
    assert!(good.contains(from), "{from}");
    [
        "\"NaN\"",
        "NaN",
        "\"-1\"",
        "\"1e5\"",
        "\"inf\"",
        "null",
        "{}",
        "\"\"",
        "\"99999999999999999999\"",
        "0.1",
    ]
    .map(|number| good.replace(from, number))
    .to_vec()
}

/// The same for whatever one field holds.
fn spoiled_field(good: &str, field: &str) -> Vec<String> {
    let start = good.find(&format!("\"{field}\": ")).unwrap() + field.len() + 4;
    let end = start + good[start..].find(['\n', ',']).unwrap();
    let bad = ["\"NaN\"", "\"-1\"", "\"1e5\"", "null", "{}", "\"\"", "0.1"];
    bad.map(|number| format!("{}{number}{}", &good[..start], &good[end..])).to_vec()
}

async fn must_stay_unknown(stage: &Stage, route: &str, body: &str, client_id: &str) {
    stage.script.body(route, 200, body);
    let answer = stage.venue.place(&order(client_id, Side::Buy)).await;
    let shown: String = body.chars().take(80).collect();
    assert!(matches!(answer, Err(PlaceError::Unknown(_))), "{shown}: {answer:?}");
}

#[tokio::test]
async fn a_spoiled_acknowledgement_is_neither_an_order_nor_a_refusal() {
    let good = read_fixture("binance/order_place_market_filled");
    for body in spoiled(&good).into_iter().chain(with_number(&good, "\"0.100\"")) {
        must_stay_unknown(&binance(), "POST /fapi/v1/order", &body, "leg0a1").await;
    }
    let good = read_fixture("binance_spot/order_place_market_filled");
    for body in spoiled(&good).into_iter().chain(spoiled_field(&good, "executedQty")) {
        must_stay_unknown(&binance_spot(), "POST /api/v3/order", &body, "leg0a1").await;
    }
    // About another instrument than the one ordered, so that even the whole body must not be believed.
    let good = read_fixture("binance_coinm/order_place_market_filled");
    for body in spoiled(&good).into_iter().chain([good]) {
        must_stay_unknown(&binance_coinm(), "POST /dapi/v1/order", &body, "leg1a1").await;
    }
    let good = read_fixture("bybit/create_acknowledged");
    for body in spoiled(&good) {
        for stage in [bybit(), bybit_inverse(), bybit_spot()] {
            must_stay_unknown(&stage, "POST /v5/order/create", &body, "leg1a1").await;
        }
    }
}

#[tokio::test]
async fn a_spoiled_listing_is_unavailable_rather_than_empty() {
    for body in spoiled(&read_fixture("binance/user_trades_two")) {
        if body == "[]" {
            continue;
        }
        let stage = binance();
        stage.script.fixture("GET /fapi/v1/order", 200, "binance/order_query_filled");
        stage.script.body("GET /fapi/v1/userTrades", 200, &body);
        let answer = stage.venue.find(&order_ref("leg0a1", None)).await;
        assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{answer:?}");
    }
    for body in spoiled(&read_fixture("bybit/order_listing_ioc_partly")) {
        let stage = bybit();
        stage.script.body("GET /v5/order/realtime", 200, &body);
        stage.script.fixture("GET /v5/execution/list", 200, "bybit/executions_empty");
        let answer = stage.venue.find(&order_ref("leg1a1", None)).await;
        assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{answer:?}");
    }
}

#[tokio::test]
async fn a_spoiled_listing_of_spot_is_unavailable_rather_than_empty() {
    for body in spoiled(&read_fixture("binance_spot/my_trades_base_and_bnb")) {
        if body == "[]" {
            continue;
        }
        let stage = binance_spot();
        stage.script.fixture("GET /api/v3/order", 200, "binance_spot/order_query_filled");
        stage.script.body("GET /api/v3/myTrades", 200, &body);
        let answer = stage.venue.find(&order_ref("leg0a1", None)).await;
        assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{answer:?}");
    }
    for body in spoiled(&read_fixture("bybit_spot/executions_sold")) {
        let stage = bybit_spot();
        stage.script.fixture("GET /v5/order/realtime", 200, "bybit_spot/order_listing_filled");
        stage.script.body("GET /v5/execution/list", 200, &body);
        stage.script.fixture(
            "GET /v5/market/instruments-info",
            200,
            "bybit_spot/instruments_btcusdt",
        );
        let answer = stage.venue.find(&order_ref("leg0a1", None)).await;
        assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{answer:?}");
    }
}

#[tokio::test]
async fn rules_with_numbers_that_are_none_are_not_traded_under() {
    let symbol: Symbol = "BTCUSD_PERP".parse().unwrap();
    let good = read_fixture("binance_coinm/exchange_info_three");
    for size in ["null", "\"100\"", "1e400", "-100", "[]"] {
        let stage = binance_coinm();
        let body = good.replace("\"contractSize\": 100", &format!("\"contractSize\": {size}"));
        stage.script.body("GET /dapi/v1/exchangeInfo", 200, &body);
        stage.script.body("GET /dapi/v1/commissionRate", 500, "");
        let answer = stage.venue.instrument(&symbol).await;
        assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{size}: {answer:?}");
    }
    let good = read_fixture("binance_spot/exchange_info_btcusdt");
    for body in spoiled_field(&good, "stepSize").into_iter().chain(spoiled_field(&good, "tickSize"))
    {
        let stage = binance_spot();
        stage.script.body("GET /api/v3/exchangeInfo", 200, &body);
        let fee = "binance_spot/commission_btcusdt";
        stage.script.fixture("GET /api/v3/account/commission", 200, fee);
        let answer = stage.venue.instrument(&"BTCUSDT".parse().unwrap()).await;
        assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{answer:?}");
    }
}

#[tokio::test]
async fn numbers_that_are_none_make_an_answer_unusable() {
    let good = read_fixture("binance/user_trades_two");
    for body in with_number(&good, "\"0.060\"") {
        let stage = binance();
        stage.script.fixture("GET /fapi/v1/order", 200, "binance/order_query_filled");
        stage.script.body("GET /fapi/v1/userTrades", 200, &body);
        let answer = stage.venue.find(&order_ref("leg0a1", None)).await;
        assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{body}: {answer:?}");
    }
    let good = read_fixture("bybit/order_listing_ioc_partly");
    for body in with_number(&good, "\"0.040\"") {
        let stage = bybit();
        stage.script.body("GET /v5/order/realtime", 200, &body);
        stage.script.fixture("GET /v5/execution/list", 200, "bybit/executions_empty");
        let answer = stage.venue.find(&order_ref("leg1a1", None)).await;
        assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{body}: {answer:?}");
    }
}

#[tokio::test]
async fn a_listing_of_another_instrument_is_not_believed() {
    let symbol: Symbol = "ETHUSDT".parse().unwrap();
    let stage = binance();
    stage.script.fixture("GET /fapi/v1/allOrders", 200, "binance/all_orders_mixed");
    stage.script.body("GET /fapi/v1/openOrders", 200, "[]");
    stage.script.body("GET /fapi/v1/userTrades", 200, "[]");
    let answer = stage.venue.orders_since(&symbol, VenueMillis(NOW)).await;
    assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{answer:?}");
    let stage = bybit();
    stage.script.fixture("GET /v5/order/realtime", 200, "bybit/order_listing_resting");
    stage.script.fixture("GET /v5/order/history", 200, "bybit/order_listing_empty");
    stage.script.fixture("GET /v5/execution/list", 200, "bybit/executions_empty");
    let answer = stage.venue.orders_since(&symbol, VenueMillis(NOW)).await;
    assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{answer:?}");
}

#[tokio::test]
async fn a_venue_time_outside_this_century_is_not_believed() {
    for time in ["0", "-1", "99999999999999999", "1.5", "\"1795334400000\""] {
        let stage = binance();
        // The first answer is the stage's own; use it up.
        let body = format!("{{\"serverTime\":{time}}}");
        stage.script.body("GET /fapi/v1/time", 200, &body);
        stage.venue.server_time().await.unwrap();
        let answer = stage.venue.server_time().await;
        assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{time}: {answer:?}");
    }
}

fn okx_order(client_id: &str) -> equipoise_core::OrderRequest {
    let symbol = "BTC-USDT-SWAP".parse().unwrap();
    equipoise_core::OrderRequest { symbol, ..order(client_id, Side::Buy) }
}

fn okx_ref(venue_order: Option<&str>) -> equipoise_port::OrderRef {
    let symbol = "BTC-USDT-SWAP".parse().unwrap();
    equipoise_port::OrderRef { symbol, ..order_ref("leg2a1", venue_order) }
}

const OKX_ORDER: &str = "GET /api/v5/trade/order";
const OKX_FILLS: &str = "GET /api/v5/trade/fills";

#[tokio::test]
async fn a_spoiled_okx_acknowledgement_is_neither_an_order_nor_a_refusal() {
    let acknowledged = read_fixture("okx/place_acknowledged");
    let refused = read_fixture("okx/place_balance_insufficient");
    let codes = ["51008", "0", "1", "true", "null", "{}", "[\"51008\"]"]
        .map(|code| refused.replace("\"sCode\": \"51008\"", &format!("\"sCode\": {code}")));
    for body in spoiled(&acknowledged).into_iter().chain(spoiled(&refused)).chain(codes) {
        let stage = common::okx_swap();
        stage.venue.reserve(equipoise_port::Purpose::Entry).await.unwrap();
        stage.script.body("POST /api/v5/trade/order", 200, &body);
        let answer = stage.venue.place(&okx_order("leg2a1")).await;
        let shown: String = body.chars().take(80).collect();
        assert!(matches!(answer, Err(PlaceError::Unknown(_))), "{shown}: {answer:?}");
    }
}

#[tokio::test]
async fn a_spoiled_okx_listing_is_unavailable_rather_than_empty() {
    for body in spoiled(&read_fixture("okx/fills_two")) {
        let stage = common::okx_swap();
        stage.script.fixture(OKX_ORDER, 200, "okx/order_filled");
        stage.script.body(OKX_FILLS, 200, &body);
        let answer = stage.venue.find(&okx_ref(Some("1969847235168714752"))).await;
        assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{answer:?}");
    }
    for body in spoiled(&read_fixture("okx/order_filled")) {
        let stage = common::okx_swap();
        stage.script.body(OKX_ORDER, 200, &body);
        stage.script.fixture(OKX_FILLS, 200, "okx/fills_none");
        let answer = stage.venue.find(&okx_ref(None)).await;
        assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{answer:?}");
    }
}

#[tokio::test]
async fn okx_numbers_that_are_none_make_an_answer_unusable() {
    let fills = read_fixture("okx/fills_two");
    for body in with_number(&fills, "\"65000.1\"").into_iter().chain(with_number(&fills, "\"6\"")) {
        let stage = common::okx_swap();
        stage.script.fixture(OKX_ORDER, 200, "okx/order_filled");
        stage.script.body(OKX_FILLS, 200, &body);
        let answer = stage.venue.find(&okx_ref(Some("1969847235168714752"))).await;
        // A quantity of a tenth would be one; only its quotes are missing.
        assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{body}: {answer:?}");
    }
    let order =
        read_fixture("okx/order_filled").replace("\"accFillSz\": \"10\"", "\"accFillSz\": \"?\"");
    for body in with_number(&order, "\"?\"") {
        let stage = common::okx_swap();
        stage.script.body(OKX_ORDER, 200, &body);
        stage.script.fixture(OKX_FILLS, 200, "okx/fills_none");
        let answer = stage.venue.find(&okx_ref(None)).await;
        assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{body}: {answer:?}");
    }
}

#[tokio::test]
async fn an_okx_listing_of_another_instrument_is_not_believed() {
    let symbol: Symbol = "BTC-USDT-SWAP".parse().unwrap();
    let stage = common::okx_swap();
    stage.script.fixture("GET /api/v5/trade/orders-pending", 200, "okx/orders_none");
    stage.script.fixture("GET /api/v5/trade/orders-history", 200, "okx/orders_history_foreign");
    stage.script.fixture(OKX_FILLS, 200, "okx/fills_none");
    let answer = stage.venue.orders_since(&symbol, VenueMillis(NOW)).await;
    assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{answer:?}");
}

#[tokio::test]
async fn an_okx_time_outside_this_century_is_not_believed() {
    for time in ["\"0\"", "\"-1\"", "\"99999999999999999\"", "\"1.5\"", "1795334400000", "\"\""] {
        let stage = common::stage("okx-swap");
        let body = format!("{{\"code\":\"0\",\"msg\":\"\",\"data\":[{{\"ts\":{time}}}]}}");
        stage.script.body("GET /api/v5/public/time", 200, &body);
        let answer = stage.venue.server_time().await;
        assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{time}: {answer:?}");
    }
}
