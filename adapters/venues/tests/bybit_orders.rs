//! Bybit linear: what answers to orders, queries, listings and cancels turn into.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::Duration;

use common::{NOW, Stage, bybit, order, order_ref, read_fixture, shown};
use equipoise_core::{
    OrderEnd, OrderSnapshot, OrderState, RefusalKind, Side, Symbol, UnixMillis, VenueMillis,
};
use equipoise_port::{CancelAnswer, Clock, PlaceError, Purpose, QueryError};

const CREATE: &str = "POST /v5/order/create";
const LIVE: &str = "GET /v5/order/realtime";
const HISTORY: &str = "GET /v5/order/history";
const EXECUTIONS: &str = "GET /v5/execution/list";
const ID: &str = "fd4300ae-7847-404e-b947-b46980a4d140";

async fn placed(status: u16, fixture: &str) -> Result<OrderSnapshot, PlaceError> {
    let stage = bybit();
    stage.script.fixture(CREATE, status, &format!("bybit/{fixture}"));
    stage.venue.place(&order("leg1a1", Side::Sell)).await
}

async fn refusal(fixture: &str) -> (RefusalKind, String) {
    match placed(200, fixture).await {
        Err(PlaceError::Refused(refusal)) => (refusal.kind, refusal.code),
        other => panic!("{fixture}: {other:?}"),
    }
}

#[tokio::test]
async fn an_order_is_stamped_with_its_own_time_and_window_and_signed_as_it_is_sent() {
    let stage = bybit();
    stage.script.fixture(CREATE, 200, "bybit/create_acknowledged");
    stage.clock.advance(777);
    stage.venue.place(&order("leg1a1", Side::Sell)).await.unwrap();
    assert_eq!(stage.script.sent(), ["POST /v5/order/create"]);
    let requests = stage.script.requests.lock().unwrap();
    let (request, timeout) = &requests[0];
    assert_eq!(
        request.body().as_ref(),
        br#"{"category":"linear","symbol":"BTCUSDT","side":"Sell","orderType":"Limit","qty":"0.1","price":"65000","timeInForce":"GTC","positionIdx":0,"orderLinkId":"leg1a1","smpType":"CancelTaker"}"#
    );
    let header = |name: &str| request.headers()[name].to_str().unwrap();
    assert_eq!(header("x-bapi-api-key"), "the-key");
    assert_eq!(header("x-bapi-timestamp"), "1795334400000");
    assert_eq!(header("x-bapi-recv-window"), "2000");
    assert_eq!(header("x-bapi-sign").len(), 64);
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(*timeout, Duration::from_millis(2_500));
}

#[tokio::test]
async fn an_acknowledgement_proves_an_order_and_no_fill() {
    let snapshot = placed(200, "create_acknowledged").await.unwrap();
    assert_eq!(snapshot.venue_order.as_str(), ID);
    assert_eq!(snapshot.state, OrderState::Open);
    assert!(snapshot.executed.is_zero() && snapshot.fills.is_empty());
}

#[tokio::test]
async fn documented_refusals_say_what_may_follow() {
    for (fixture, kind, code) in [
        ("create_balance_insufficient", RefusalKind::Final, "110007"),
        ("create_reduce_only_refused", RefusalKind::ReduceOnly, "110017"),
        ("create_late", RefusalKind::Transient, "10002"),
        ("query_api_bad_key", RefusalKind::Credentials, "10003"),
        ("create_too_many_visits", RefusalKind::RateLimited { retry_after_ms: 1_000 }, "10006"),
    ] {
        assert_eq!(refusal(fixture).await, (kind, code.to_owned()));
    }
}

#[tokio::test]
async fn everything_else_leaves_an_order_in_doubt() {
    for (status, fixture) in [
        (200, "create_without_order_id"),
        (200, "create_other_link_id"),
        (200, "create_duplicate_id"),
        (200, "create_server_timeout"),
        (200, "cancel_not_open"),
        (500, "create_balance_insufficient"),
        (503, "create_balance_insufficient"),
        (404, "create_acknowledged"),
    ] {
        let answer = placed(status, fixture).await;
        assert!(matches!(answer, Err(PlaceError::Unknown(_))), "{status} {fixture}: {answer:?}");
    }
}

#[tokio::test]
async fn an_address_ban_refuses_the_order_and_stops_everything_for_ten_minutes() {
    let stage = bybit();
    stage.script.body(CREATE, 403, "403, access too frequent");
    let refused = stage.venue.place(&order("leg1a1", Side::Sell)).await;
    let Err(PlaceError::Refused(refusal)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(refusal.kind, RefusalKind::RateLimited { retry_after_ms: 600_000 });
    assert!(matches!(stage.venue.server_time().await, Err(QueryError::Busy { .. })));
    stage.clock.advance(599_999);
    // The rest of the wait is short enough to be waited out.
    assert!(stage.venue.server_time().await.is_ok());
    assert_eq!(stage.script.sent().len(), 2);
}

#[tokio::test]
async fn an_order_is_found_live_with_its_trades_only() {
    let stage = bybit();
    stage.script.fixture(LIVE, 200, "bybit/order_listing_filled");
    stage.script.fixture(LIVE, 200, "bybit/order_listing_empty");
    stage.script.fixture(EXECUTIONS, 200, "bybit/executions_two_trades_and_funding");
    stage.script.fixture("GET /v5/market/instruments-info", 200, "bybit/instruments_btcusdt");
    let found = stage.venue.find(&order_ref("leg1a1", None)).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].state, OrderState::Ended(OrderEnd::Filled));
    assert_eq!(
        shown(&found[0].fills),
        [
            "e0cbe81d-0f18-5866-9415-cf319b5dab3b 0.06@65000.1 2.1450033 USDT",
            "e0cbe81d-0f18-5866-9415-cf319b5dab3c 0.04@65000.1 1.4300022 USDT"
        ]
    );
    let sent = stage.script.sent().join("\n");
    assert!(sent.contains("realtime?category=linear&symbol=BTCUSDT&orderLinkId=leg1a1&limit=50&cursor=page_args%3Dfd4300ae%26"), "{sent}");
    assert_eq!(stage.script.count("/v5/order/history"), 0);
}

#[tokio::test]
async fn what_the_live_listing_forgot_is_found_in_the_history() {
    let stage = bybit();
    stage.script.fixture(LIVE, 200, "bybit/order_listing_empty");
    stage.script.fixture(HISTORY, 200, "bybit/order_listing_ioc_partly");
    stage.script.fixture(EXECUTIONS, 200, "bybit/executions_empty");
    let found = stage.venue.find(&order_ref("leg1a1", Some(ID))).await.unwrap();
    assert_eq!(found[0].executed.to_string(), "0.04");
    let sent = stage.script.sent().join("\n");
    assert!(
        sent.contains(&format!("history?category=linear&symbol=BTCUSDT&orderId={ID}&")),
        "{sent}"
    );
}

#[tokio::test]
async fn every_ending_has_its_reason() {
    let cancelled =
        |reason: &str| OrderState::Ended(OrderEnd::Cancelled { reason: reason.to_owned() });
    for (fixture, state) in [
        ("resting", OrderState::Open),
        ("ioc_partly", cancelled("EC_CancelForNoFullFill")),
        ("post_only_cancelled", cancelled("EC_PostOnlyWillTakeLiquidity")),
        ("cancelled_by_reduce_only", cancelled("CancelByReduceOnly")),
        (
            "rejected",
            OrderState::Ended(OrderEnd::Rejected { reason: "EC_NoEnoughQtyToFill".to_owned() }),
        ),
    ] {
        let stage = bybit();
        stage.script.fixture(LIVE, 200, &format!("bybit/order_listing_{fixture}"));
        stage.script.fixture(EXECUTIONS, 200, "bybit/executions_empty");
        let found = stage.venue.find(&order_ref("leg1a1", None)).await.unwrap();
        assert_eq!(found[0].state, state, "{fixture}");
    }
}

#[tokio::test]
async fn absence_is_an_empty_answer_unless_an_execution_contradicts_it() {
    let stage = bybit();
    stage.script.fixture(LIVE, 200, "bybit/order_listing_empty");
    stage.script.fixture(HISTORY, 200, "bybit/order_listing_empty");
    stage.script.fixture(EXECUTIONS, 200, "bybit/executions_empty");
    assert_eq!(stage.venue.find(&order_ref("leg1a1", None)).await, Ok(Vec::new()));
    let stage = bybit();
    stage.script.fixture(LIVE, 200, "bybit/order_listing_empty");
    stage.script.fixture(HISTORY, 200, "bybit/order_listing_empty");
    stage.script.fixture(EXECUTIONS, 200, "bybit/executions_two_trades_and_funding");
    let contradicted = stage.venue.find(&order_ref("leg1a1", None)).await;
    assert!(matches!(contradicted, Err(QueryError::Unavailable(_))), "{contradicted:?}");
}

async fn since(stage: &Stage) -> Result<Vec<OrderSnapshot>, QueryError> {
    let symbol: Symbol = "BTCUSDT".parse().unwrap();
    stage.venue.orders_since(&symbol, VenueMillis(NOW)).await
}

#[tokio::test]
async fn a_listing_joins_live_history_and_executions_without_what_is_not_ours_or_older() {
    let stage = bybit();
    stage.script.fixture(LIVE, 200, "bybit/order_listing_resting");
    stage.script.fixture(LIVE, 200, "bybit/order_listing_foreign");
    stage.script.fixture(LIVE, 200, "bybit/order_listing_unlisted");
    stage.script.fixture(HISTORY, 200, "bybit/order_listing_ioc_partly");
    stage.script.fixture(EXECUTIONS, 200, "bybit/executions_unlisted_order");
    let listed = since(&stage).await.unwrap();
    let mut seen: Vec<_> =
        listed.iter().map(|order| format!("{} {}", order.client_id, order.executed)).collect();
    seen.sort();
    assert_eq!(seen, ["leg1a1 0.04", "leg1a2 0.01"]);
    let sent = stage.script.sent().join("\n");
    assert!(sent.contains("openOnly=0") && sent.contains("openOnly=1"), "{sent}");
    assert!(sent.contains("startTime=1795334399000&endTime=1795939198999"), "{sent}");
}

#[tokio::test]
async fn an_execution_whose_order_cannot_be_shown_makes_the_listing_an_error() {
    let stage = bybit();
    stage.script.fixture(LIVE, 200, "bybit/order_listing_empty");
    stage.script.fixture(HISTORY, 200, "bybit/order_listing_empty");
    stage.script.fixture(EXECUTIONS, 200, "bybit/executions_unlisted_order");
    assert_eq!(
        since(&stage).await,
        Err(QueryError::Unavailable("an execution is listed whose order is not".to_owned()))
    );
}

#[tokio::test]
async fn a_listing_that_goes_in_a_circle_is_an_error() {
    let stage = bybit();
    stage.script.fixture(LIVE, 200, "bybit/order_listing_filled");
    stage.script.fixture(EXECUTIONS, 200, "bybit/executions_empty");
    assert_eq!(
        stage.venue.find(&order_ref("leg1a1", None)).await,
        Err(QueryError::Unavailable("listing goes in a circle".to_owned()))
    );
}

const REPEATED: &str = "fd4300ae-7847-404e-b947-b46980a4d1ff";

/// The live listings show a rejected repetition only; the order that it repeats stands in the history, or nowhere yet.
fn repeated(history: &str) -> Stage {
    let stage = bybit();
    stage.script.fixture(LIVE, 200, "bybit/order_listing_repeated");
    stage.script.fixture(HISTORY, 200, &format!("bybit/order_listing_{history}"));
    stage.script.fixture(EXECUTIONS, 200, "bybit/executions_empty");
    stage
}

fn states(orders: &[OrderSnapshot]) -> Vec<(&str, &OrderState, String)> {
    let state = |order: &'_ OrderSnapshot| order.executed.to_string();
    orders.iter().map(|order| (order.venue_order.as_str(), &order.state, state(order))).collect()
}

/// The exchange may notice only after it acknowledged an order that its client id is taken. What became of the order
/// that has the id is then not told by the rejection.
#[tokio::test]
async fn a_rejected_repetition_is_no_rejection_of_the_order_it_repeats() {
    let rejected =
        OrderState::Ended(OrderEnd::Rejected { reason: "EC_DuplicatedClOrdID".to_owned() });
    let cancelled =
        OrderState::Ended(OrderEnd::Cancelled { reason: "EC_CancelForNoFullFill".to_owned() });
    for asked in [order_ref("leg1a1", Some(REPEATED)), order_ref("leg1a1", None)] {
        let found = repeated("ioc_partly").venue.find(&asked).await.unwrap();
        let both = [(ID, &cancelled, "0.04".to_owned()), (REPEATED, &rejected, "0".to_owned())];
        assert_eq!(states(&found), both);
        let alone = repeated("empty").venue.find(&asked).await.unwrap();
        assert_eq!(states(&alone), [(REPEATED, &OrderState::Open, "0".to_owned())]);
    }
}

/// One repetition is no order that another one repeats.
#[tokio::test]
async fn two_repetitions_are_both_open_until_the_order_they_repeat_is_found() {
    let both = |history: &str| {
        let stage = repeated(history);
        let second = read_fixture("bybit/order_listing_repeated").replace("4d1ff", "4d1fe");
        // The look-up shows the first; the live listings show one each.
        stage.script.body(LIVE, 200, &second);
        stage
    };
    let asked = order_ref("leg1a1", Some(REPEATED));
    let alone = both("empty").venue.find(&asked).await.unwrap();
    assert_eq!(states(&alone), [(REPEATED, &OrderState::Open, "0".to_owned())]);
    let found = both("ioc_partly").venue.find(&asked).await.unwrap();
    let executed: Vec<_> = found.iter().map(|order| order.executed.to_string()).collect();
    assert_eq!(executed, ["0.04", "0"]);
    assert!(found.iter().all(|order| order.state != OrderState::Open), "{found:?}");
}

/// Executions are evidence of an order that no listing shows.
#[tokio::test]
async fn an_execution_of_another_order_with_the_id_is_not_passed_over() {
    let stage = bybit();
    stage.script.fixture(LIVE, 200, "bybit/order_listing_rejected");
    let executed =
        read_fixture("bybit/executions_two_trades_and_funding").replace("4d140", "4d141");
    stage.script.body(EXECUTIONS, 200, &executed);
    stage.script.fixture(HISTORY, 200, "bybit/order_listing_empty");
    let found = stage.venue.find(&order_ref("leg1a1", None)).await;
    let unlisted = "an execution is listed whose order is not".to_owned();
    assert_eq!(found, Err(QueryError::Unavailable(unlisted)));
}

#[tokio::test]
async fn a_listing_shows_no_repetition_beside_the_order_it_repeats() {
    let both = since(&repeated("ioc_partly")).await.unwrap();
    assert_eq!(both.iter().map(|order| order.venue_order.as_str()).collect::<Vec<_>>(), [ID]);
    let alone = since(&repeated("empty")).await.unwrap();
    assert_eq!(states(&alone), [(REPEATED, &OrderState::Open, "0".to_owned())]);
}

#[tokio::test]
async fn a_cancel_proves_nothing_about_the_order() {
    let stage = bybit();
    let route = "POST /v5/order/cancel";
    stage.script.fixture(route, 200, "bybit/cancel_acknowledged");
    stage.script.fixture(route, 200, "bybit/cancel_not_open");
    stage.script.fixture(route, 200, "bybit/create_server_timeout");
    let reference = order_ref("leg1a1", None);
    assert_eq!(stage.venue.cancel(&reference).await, Ok(CancelAnswer::Acknowledged));
    assert_eq!(stage.venue.cancel(&reference).await, Ok(CancelAnswer::NotOpen));
    assert!(matches!(stage.venue.cancel(&reference).await, Err(QueryError::Unavailable(_))));
}

#[tokio::test]
async fn a_limit_on_orders_leaves_queries_alone_and_ends_when_the_answer_says() {
    let stage = bybit();
    let body = bytes::Bytes::from(read_fixture("bybit/create_too_many_visits"));
    let mut response = http::Response::new(body);
    for (name, value) in [
        ("x-bapi-limit", "10"),
        ("x-bapi-limit-status", "0"),
        ("x-bapi-limit-reset-timestamp", "1795334400950"),
    ] {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    stage.script.on(CREATE, Ok(response));
    stage.script.fixture(LIVE, 200, "bybit/order_listing_resting");
    stage.script.fixture(EXECUTIONS, 200, "bybit/executions_empty");
    let refused = stage.venue.place(&order("leg1a1", Side::Sell)).await;
    let Err(PlaceError::Refused(refusal)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(refusal.kind, RefusalKind::RateLimited { retry_after_ms: 650 });
    assert!(stage.venue.find(&order_ref("leg1a1", None)).await.is_ok());
    // Ten orders count as just sent, so the next one waits until their window has passed.
    assert_eq!(stage.venue.reserve(Purpose::Entry).await, Ok(()));
    assert_eq!(stage.clock.now(), UnixMillis(NOW + 1_100));
}
