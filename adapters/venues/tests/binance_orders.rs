//! Binance USDⓈ-M: what answers to orders, queries, listings and cancels turn into.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::Duration;

use common::{NOW, Stage, binance, order, order_ref, shown};
use equipoise_core::{OrderEnd, OrderState, RefusalKind, Side, Symbol, VenueMillis};
use equipoise_port::{CancelAnswer, PlaceError, Purpose, QueryError, TransportError};

const PLACE: &str = "POST /fapi/v1/order";
const QUERY: &str = "GET /fapi/v1/order";
const TRADES: &str = "GET /fapi/v1/userTrades";
const ID: &str = "8886774001";

async fn placed(status: u16, fixture: &str) -> Result<equipoise_core::OrderSnapshot, PlaceError> {
    let stage = binance();
    stage.script.fixture(PLACE, status, &format!("binance/{fixture}"));
    stage.venue.place(&order("leg0a1", Side::Buy)).await
}

async fn refusal(status: u16, fixture: &str) -> (RefusalKind, String) {
    match placed(status, fixture).await {
        Err(PlaceError::Refused(refusal)) => (refusal.kind, refusal.code),
        other => panic!("{fixture}: {other:?}"),
    }
}

fn cancelled(reason: &str) -> OrderState {
    OrderState::Ended(OrderEnd::Cancelled { reason: reason.to_owned() })
}

#[tokio::test]
async fn an_order_is_stamped_with_its_own_time_and_window_and_nothing_else_is_asked() {
    let stage = binance();
    stage.script.fixture(PLACE, 200, "binance/order_place_resting");
    stage.clock.advance(777);
    stage.venue.place(&order("leg0a1", Side::Buy)).await.unwrap();
    let sent = stage.script.sent();
    let [request] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    let (unsigned, signature) = request.rsplit_once("&signature=").unwrap();
    assert_eq!(
        unsigned,
        "POST /fapi/v1/order?symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.1&price=65000\
         &newClientOrderId=leg0a1&newOrderRespType=RESULT&selfTradePreventionMode=EXPIRE_TAKER\
         &recvWindow=2000&timestamp=1795334400000"
    );
    assert_eq!(signature.len(), 64);
    let requests = stage.script.requests.lock().unwrap();
    let (request, timeout) = &requests[0];
    assert_eq!(request.headers()["x-mbx-apikey"], "the-key");
    assert!(request.body().is_empty());
    assert_eq!(*timeout, Duration::from_millis(2_500));
}

#[tokio::test]
async fn acknowledgements_show_what_they_prove() {
    let resting = placed(200, "order_place_resting").await.unwrap();
    assert_eq!(resting.venue_order.as_str(), ID);
    assert_eq!((resting.state, resting.executed.to_string()), (OrderState::Open, "0".to_owned()));
    let filled = placed(200, "order_place_market_filled").await.unwrap();
    assert_eq!(filled.state, OrderState::Ended(OrderEnd::Filled));
    assert_eq!(filled.executed.to_string(), "0.1");
    let partly = placed(200, "order_place_ioc_expired_partly").await.unwrap();
    assert_eq!(
        (partly.state, partly.executed.to_string()),
        (cancelled("EXPIRED"), "0.04".to_owned())
    );
}

#[tokio::test]
async fn documented_refusals_say_what_may_follow() {
    let expected = [
        (400, "order_place_margin_insufficient", RefusalKind::Final, "-2019"),
        (400, "order_place_reduce_only_rejected", RefusalKind::ReduceOnly, "-2022"),
        (400, "order_place_late_at_engine", RefusalKind::Transient, "-5028"),
        (503, "order_place_throttled", RefusalKind::Transient, "-1008"),
        (401, "account_config_bad_key", RefusalKind::Credentials, "-2015"),
    ];
    for (status, fixture, kind, code) in expected {
        assert_eq!(refusal(status, fixture).await, (kind, code.to_owned()));
    }
}

#[tokio::test]
async fn everything_else_leaves_an_order_in_doubt() {
    for (status, fixture) in [
        (503, "order_place_status_unknown"),
        (503, "order_place_status_unknown_codeless"),
        (400, "order_place_duplicate_id"),
        (400, "order_query_absent"),
        (500, "order_place_margin_insufficient"),
        (408, "order_place_margin_insufficient"),
        (200, "order_place_margin_insufficient"),
        (200, "order_place_other_client_id"),
        (201, "order_place_resting"),
        (302, "order_place_resting"),
    ] {
        let answer = placed(status, fixture).await;
        assert!(matches!(answer, Err(PlaceError::Unknown(_))), "{status} {fixture}: {answer:?}");
    }
}

#[tokio::test]
async fn only_a_request_that_never_left_is_not_sent() {
    let stage = binance();
    stage.script.on(PLACE, Err(TransportError::NotSent("refused".to_owned())));
    stage.script.on(PLACE, Err(TransportError::NoAnswer("reset".to_owned())));
    let order = order("leg0a1", Side::Buy);
    assert!(matches!(stage.venue.place(&order).await, Err(PlaceError::NotSent(_))));
    assert!(matches!(stage.venue.place(&order).await, Err(PlaceError::Unknown(_))));
    assert_eq!(stage.script.count("/fapi/v1/order"), 2);
}

#[tokio::test]
async fn an_order_is_found_with_all_its_trades() {
    let stage = binance();
    stage.script.fixture(QUERY, 200, "binance/order_query_filled");
    stage.script.fixture(TRADES, 200, "binance/user_trades_two");
    for reference in [order_ref("leg0a1", None), order_ref("leg0a1", Some(ID))] {
        let found = stage.venue.find(&reference).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].state, OrderState::Ended(OrderEnd::Filled));
        assert_eq!(
            shown(&found[0].fills),
            ["698759001 0.06@65001.2 0.01950036 USDT", "698759002 0.04@65001.2 0.01300024 USDT"]
        );
    }
    let sent = stage.script.sent();
    assert!(sent.iter().any(|line| line.contains("origClientOrderId=leg0a1&")));
    assert!(
        sent.iter()
            .any(|line| line.starts_with("GET /fapi/v1/order?symbol=BTCUSDT&orderId=8886774001&"))
    );
    // One measurement of the venue's clock serves all of it, and the stamps carry its offset.
    assert_eq!(stage.script.count("/fapi/v1/time"), 1);
    assert!(
        sent.iter()
            .filter(|line| line.contains("timestamp="))
            .all(|line| line.contains("timestamp=1795334400250"))
    );
}

#[tokio::test]
async fn every_ending_has_its_reason() {
    for (fixture, state, executed) in [
        ("order_query_resting", OrderState::Open, "0"),
        ("order_query_self_trade", cancelled("EXPIRED_IN_MATCH"), "0.01"),
        ("order_query_canceled_partly", cancelled("CANCELED"), "0.03"),
        ("order_query_expired_with_reason", cancelled("UNFILLED_FOK_ORDER_EXPIRED"), "0"),
        (
            "order_query_rejected",
            OrderState::Ended(OrderEnd::Rejected { reason: "REJECTED".to_owned() }),
            "0",
        ),
    ] {
        let stage = binance();
        stage.script.fixture(QUERY, 200, &format!("binance/{fixture}"));
        stage.script.body(TRADES, 200, "[]");
        let found = stage.venue.find(&order_ref("leg0a1", None)).await.unwrap();
        assert_eq!(
            (&found[0].state, found[0].executed.to_string().as_str()),
            (&state, executed),
            "{fixture}"
        );
    }
}

#[tokio::test]
async fn an_absent_order_is_an_empty_answer_and_anything_less_clear_is_none() {
    let stage = binance();
    stage.script.fixture(QUERY, 400, "binance/order_query_absent");
    stage.script.fixture(TRADES, 200, "binance/user_trades_two");
    assert_eq!(stage.venue.find(&order_ref("leg0a1", None)).await, Ok(Vec::new()));
    let contradicted = stage.venue.find(&order_ref("leg0a1", Some(ID))).await;
    assert_eq!(
        contradicted,
        Err(QueryError::Unavailable("trades are listed for an order that is not".to_owned()))
    );
    let stage = binance();
    stage.script.fixture(QUERY, 500, "binance/order_query_absent");
    let unclear = stage.venue.find(&order_ref("leg0a1", None)).await;
    assert!(matches!(unclear, Err(QueryError::Unavailable(_))));
}

async fn since(stage: &Stage) -> Result<Vec<equipoise_core::OrderSnapshot>, QueryError> {
    let symbol: Symbol = "BTCUSDT".parse().unwrap();
    stage.venue.orders_since(&symbol, VenueMillis(NOW)).await
}

#[tokio::test]
async fn a_listing_joins_history_open_orders_and_trades_and_keeps_the_latest_of_each() {
    let stage = binance();
    stage.script.fixture("GET /fapi/v1/allOrders", 200, "binance/all_orders_mixed");
    stage.script.fixture("GET /fapi/v1/openOrders", 200, "binance/open_orders_stale");
    stage.script.fixture(TRADES, 200, "binance/user_trades_unlisted_order");
    stage.script.fixture(QUERY, 200, "binance/order_query_unlisted");
    let listed = since(&stage).await.unwrap();
    let seen: Vec<_> =
        listed.iter().map(|order| format!("{} {}", order.client_id, order.executed)).collect();
    assert_eq!(seen, ["web_4fXo1 0", "leg0a1 0.06", "leg0a2 0.01"]);
    let sent = stage.script.sent().join("\n");
    // Stamps may be a second ahead of the venue's clock, so the listing begins a second earlier.
    assert!(
        sent.contains("allOrders?symbol=BTCUSDT&startTime=1795334399000&limit=1000&"),
        "{sent}"
    );
}

#[tokio::test]
async fn a_trade_whose_order_cannot_be_shown_makes_the_listing_an_error() {
    let stage = binance();
    stage.script.body("GET /fapi/v1/allOrders", 200, "[]");
    stage.script.body("GET /fapi/v1/openOrders", 200, "[]");
    stage.script.fixture(TRADES, 200, "binance/user_trades_unlisted_order");
    stage.script.fixture(QUERY, 400, "binance/order_query_absent");
    assert_eq!(
        since(&stage).await,
        Err(QueryError::Unavailable("a trade is listed whose order is not".to_owned()))
    );
}

#[tokio::test]
async fn a_full_page_is_split_in_time_until_nothing_can_hide_behind_it() {
    let stage = binance();
    let row = common::read_fixture("binance/order_query_resting");
    let full = format!("[{}]", vec![row.as_str(); 1_000].join(","));
    let rest = format!("[{row}]");
    stage.script.body("GET /fapi/v1/allOrders", 200, &full);
    stage.script.body("GET /fapi/v1/allOrders", 200, &rest);
    stage.script.body("GET /fapi/v1/openOrders", 200, "[]");
    stage.script.body(TRADES, 200, "[]");
    assert_eq!(since(&stage).await.unwrap().len(), 1);
    let pages: Vec<_> =
        stage.script.sent().into_iter().filter(|line| line.contains("allOrders")).collect();
    assert_eq!(pages.len(), 3);
    assert!(pages[1].contains("startTime=1795334399626&limit"), "{pages:?}");
    assert!(pages[2].contains("startTime=1795334399000&endTime=1795334399625&limit"), "{pages:?}");
}

#[tokio::test]
async fn a_cancel_proves_nothing_about_the_order() {
    let stage = binance();
    let route = "DELETE /fapi/v1/order";
    stage.script.fixture(route, 200, "binance/order_cancel_taken");
    stage.script.fixture(route, 400, "binance/order_cancel_not_open");
    stage.script.fixture(route, 503, "binance/order_place_status_unknown");
    let reference = order_ref("leg0a1", None);
    assert_eq!(stage.venue.cancel(&reference).await, Ok(CancelAnswer::Acknowledged));
    assert_eq!(stage.venue.cancel(&reference).await, Ok(CancelAnswer::NotOpen));
    assert!(matches!(stage.venue.cancel(&reference).await, Err(QueryError::Unavailable(_))));
}

#[tokio::test]
async fn too_many_orders_stop_orders_but_not_queries() {
    let stage = binance();
    stage.script.fixture(PLACE, 429, "binance/order_place_too_many_orders");
    stage.script.fixture(QUERY, 200, "binance/order_query_resting");
    let refused = stage.venue.place(&order("leg0a1", Side::Buy)).await;
    let Err(PlaceError::Refused(refusal)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(refusal.kind, RefusalKind::RateLimited { retry_after_ms: 10_000 });
    let busy = stage.venue.reserve(Purpose::Unwind).await;
    assert!(matches!(busy, Err(QueryError::Busy { retry_after_ms: 10_000, .. })), "{busy:?}");
    assert!(stage.venue.find(&order_ref("leg0a1", None)).await.is_ok());
    stage.clock.advance(10_000);
    assert_eq!(stage.venue.reserve(Purpose::Entry).await, Ok(()));
}

#[tokio::test]
async fn during_a_ban_nothing_leaves_at_all() {
    let stage = binance();
    let body = r#"{"code":-1003,"msg":"Way too many requests; IP banned until 1795334520000."}"#;
    stage.script.body(PLACE, 418, body);
    let order = order("leg0a1", Side::Buy);
    let first = stage.venue.place(&order).await;
    let Err(PlaceError::Refused(refusal)) = first else {
        panic!("{first:?}");
    };
    assert_eq!(refusal.kind, RefusalKind::RateLimited { retry_after_ms: 120_000 });
    let again = stage.venue.place(&order).await;
    assert!(matches!(again, Err(PlaceError::Refused(_))));
    assert!(matches!(stage.venue.server_time().await, Err(QueryError::Busy { .. })));
    assert!(matches!(
        stage.venue.cancel(&order_ref("leg0a1", None)).await,
        Err(QueryError::Busy { .. })
    ));
    assert_eq!(stage.script.sent().len(), 1);
    stage.clock.advance(120_000);
    assert!(stage.venue.server_time().await.is_ok());
}

#[tokio::test]
async fn the_counts_in_answers_hold_entries_back_before_the_limit() {
    let stage = binance();
    let mut response = http::Response::new(bytes::Bytes::from(common::read_fixture(
        "binance/order_place_resting",
    )));
    response.headers_mut().insert("x-mbx-order-count-10s", "225".parse().unwrap());
    stage.script.on(PLACE, Ok(response));
    stage.venue.place(&order("leg0a1", Side::Buy)).await.unwrap();
    assert!(matches!(stage.venue.reserve(Purpose::Entry).await, Err(QueryError::Busy { .. })));
    assert_eq!(stage.venue.reserve(Purpose::Unwind).await, Ok(()));
}

#[tokio::test]
async fn a_refused_clock_is_measured_again_before_the_next_query() {
    let stage = binance();
    stage.script.body(
        QUERY,
        400,
        r#"{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}"#,
    );
    stage.script.fixture(QUERY, 200, "binance/order_query_resting");
    let reference = order_ref("leg0a1", None);
    assert!(matches!(stage.venue.find(&reference).await, Err(QueryError::Unavailable(_))));
    assert!(stage.venue.find(&reference).await.is_ok());
    assert_eq!(stage.script.count("/fapi/v1/time"), 2);
    stage.venue.find(&reference).await.unwrap();
    assert_eq!(stage.script.count("/fapi/v1/time"), 2);
    stage.clock.advance(30_000);
    stage.venue.find(&reference).await.unwrap();
    assert_eq!(stage.script.count("/fapi/v1/time"), 3);
}
