//! Binance spot: what differs from the futures, and what answers turn into.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{NOW, Stage, binance_spot, order, order_ref, shown, shown_orders};
use equipoise_core::{
    OrderEnd, OrderKind, OrderRequest, OrderSnapshot, OrderState, RefusalKind, Side, Symbol,
    TimeInForce, VenueMillis,
};
use equipoise_port::{CancelAnswer, PlaceError, Purpose, QueryError};

const PLACE: &str = "POST /api/v3/order";
const QUERY: &str = "GET /api/v3/order";
const TRADES: &str = "GET /api/v3/myTrades";
const ID: &str = "28774001";

fn btc() -> Symbol {
    "BTCUSDT".parse().unwrap()
}

async fn placed(status: u16, fixture: &str) -> Result<OrderSnapshot, PlaceError> {
    let stage = binance_spot();
    stage.script.fixture(PLACE, status, &format!("binance_spot/{fixture}"));
    stage.venue.place(&order("leg0a1", Side::Buy)).await
}

fn cancelled(reason: &str) -> OrderState {
    OrderState::Ended(OrderEnd::Cancelled { reason: reason.to_owned() })
}

#[tokio::test]
async fn an_order_is_stamped_with_its_own_time_and_a_post_only_one_is_a_limit_maker() {
    let stage = binance_spot();
    stage.script.fixture(PLACE, 200, "binance_spot/order_place_resting");
    stage.clock.advance(777);
    let price = "65000".parse().unwrap();
    let kind = OrderKind::Limit { price, time_in_force: TimeInForce::PostOnly };
    stage.venue.place(&OrderRequest { kind, ..order("leg0a1", Side::Buy) }).await.unwrap();
    let sent = stage.script.sent();
    let (unsigned, _) = sent[0].rsplit_once("&signature=").unwrap();
    assert_eq!(
        unsigned,
        "POST /api/v3/order?symbol=BTCUSDT&side=BUY&type=LIMIT_MAKER&quantity=0.1&price=65000\
         &newClientOrderId=leg0a1&newOrderRespType=RESULT&selfTradePreventionMode=EXPIRE_TAKER\
         &recvWindow=2000&timestamp=1795334400000"
    );
    assert_eq!(sent.len(), 1);
}

#[tokio::test]
async fn acknowledgements_show_what_they_prove() {
    let resting = placed(200, "order_place_resting").await.unwrap();
    assert_eq!((resting.venue_order.as_str(), resting.state), (ID, OrderState::Open));
    let filled = placed(200, "order_place_market_filled").await.unwrap();
    assert_eq!(filled.state, OrderState::Ended(OrderEnd::Filled));
    let partly = placed(200, "order_place_ioc_expired_partly").await.unwrap();
    assert_eq!(
        (partly.state, partly.executed.to_string().as_str()),
        (cancelled("EXPIRED"), "0.04")
    );
}

#[tokio::test]
async fn documented_refusals_say_what_may_follow() {
    for (status, fixture, kind, code) in [
        (400, "order_place_would_take", RefusalKind::Final, "-2010"),
        (400, "order_place_balance_insufficient", RefusalKind::Final, "-2010"),
        (400, "order_place_filter_notional", RefusalKind::Final, "-1013"),
        (400, "order_place_filter_band", RefusalKind::Final, "-1013"),
        (400, "order_place_late", RefusalKind::Transient, "-1021"),
        (400, "order_place_bad_signature", RefusalKind::Credentials, "-1022"),
        (401, "account_bad_key", RefusalKind::Credentials, "-2015"),
        (
            429,
            "order_place_too_many_orders",
            RefusalKind::RateLimited { retry_after_ms: 10_000 },
            "-1015",
        ),
    ] {
        match placed(status, fixture).await {
            Err(PlaceError::Refused(refusal)) => {
                assert_eq!((refusal.kind, refusal.code.as_str()), (kind, code), "{fixture}");
            }
            other => panic!("{fixture}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn everything_else_leaves_an_order_in_doubt() {
    for (status, fixture) in [
        (400, "order_place_duplicate_id"),
        (400, "order_place_unlisted_text"),
        (400, "order_query_absent"),
        (504, "order_place_timeout"),
        (400, "order_place_timeout"),
        (503, "order_place_overloaded"),
        (400, "order_place_overloaded"),
        (503, "order_place_balance_insufficient"),
        (200, "order_place_balance_insufficient"),
        (200, "order_place_other_client_id"),
    ] {
        let answer = placed(status, fixture).await;
        assert!(matches!(answer, Err(PlaceError::Unknown(_))), "{status} {fixture}: {answer:?}");
    }
}

#[tokio::test]
async fn an_order_that_speaks_of_positions_never_leaves() {
    let stage = binance_spot();
    let reducing = OrderRequest { reduce_only: true, ..order("leg0a1", Side::Sell) };
    assert!(matches!(stage.venue.place(&reducing).await, Err(PlaceError::NotSent(_))));
    assert!(stage.script.sent().is_empty());
}

#[tokio::test]
async fn fees_keep_the_asset_they_were_paid_in() {
    let stage = binance_spot();
    stage.script.fixture(QUERY, 200, "binance_spot/order_query_filled");
    stage.script.fixture(TRADES, 200, "binance_spot/my_trades_base_and_bnb");
    stage.script.fixture(TRADES, 200, "binance_spot/my_trades_sold");
    let found = stage.venue.find(&order_ref("leg0a1", None)).await.unwrap();
    assert_eq!(
        shown(&found[0].fills),
        ["5001 0.06@65001.2 0.00006 BTC", "5002 0.04@65001.2 0.00325006 BNB"]
    );
    let found = stage.venue.find(&order_ref("leg0a1", Some(ID))).await.unwrap();
    assert_eq!(shown(&found[0].fills), ["5003 0.1@65001.2 6.50012 USDT"]);
    let sent = stage.script.sent().join("\n");
    assert!(
        sent.contains("myTrades?symbol=BTCUSDT&orderId=28774001&limit=1000&recvWindow"),
        "{sent}"
    );
}

#[tokio::test]
async fn an_order_with_more_trades_than_a_page_is_read_from_its_first_trade_on() {
    let stage = binance_spot();
    let page = |from: u64, count: u64| {
        let row = |id| {
            format!(
                r#"{{"symbol":"BTCUSDT","id":{id},"orderId":28774001,"price":"65000","qty":"0.00001","commission":"0","commissionAsset":"BTC","time":{NOW}}}"#
            )
        };
        format!("[{}]", (from..from + count).map(row).collect::<Vec<_>>().join(","))
    };
    stage.script.fixture(QUERY, 200, "binance_spot/order_query_filled");
    stage.script.body(TRADES, 200, &page(1_500, 1_000));
    stage.script.body(TRADES, 200, &page(1, 1_000));
    stage.script.body(TRADES, 200, &page(1_001, 1_000));
    stage.script.body(TRADES, 200, &page(2_001, 499));
    let found = stage.venue.find(&order_ref("leg0a1", None)).await.unwrap();
    assert_eq!(found[0].fills.len(), 2_499);
    let sent = stage.script.sent().join("\n");
    for from in ["fromId=0&", "fromId=1001&", "fromId=2001&"] {
        assert!(sent.contains(from), "{from}");
    }
}

#[tokio::test]
async fn pages_that_do_not_move_on_are_an_error() {
    let stage = binance_spot();
    let row = r#"{"symbol":"BTCUSDT","id":7,"orderId":28774001,"price":"65000","qty":"0.00001","commission":"0","commissionAsset":"BTC","time":1795334400000}"#;
    stage.script.fixture(QUERY, 200, "binance_spot/order_query_filled");
    stage.script.body(TRADES, 200, &format!("[{}]", vec![row; 1_000].join(",")));
    assert_eq!(
        stage.venue.find(&order_ref("leg0a1", None)).await,
        Err(QueryError::Unavailable("trades go in a circle".to_owned()))
    );
}

#[tokio::test]
async fn every_ending_has_its_reason() {
    for (fixture, state, executed) in [
        ("order_query_resting", OrderState::Open, "0"),
        ("order_query_canceled_partly", cancelled("CANCELED"), "0.03"),
        ("order_query_self_trade", cancelled("EXPIRED_IN_MATCH"), "0.01"),
        ("order_query_expired_with_reason", cancelled("UNFILLED_FOK_ORDER_EXPIRED"), "0"),
    ] {
        let stage = binance_spot();
        stage.script.fixture(QUERY, 200, &format!("binance_spot/{fixture}"));
        stage.script.body(TRADES, 200, "[]");
        let found = stage.venue.find(&order_ref("leg0a1", None)).await.unwrap();
        let seen = (&found[0].state, found[0].executed.to_string());
        assert_eq!(seen, (&state, executed.to_owned()), "{fixture}");
    }
}

#[tokio::test]
async fn a_cancelled_order_is_found_under_the_id_of_its_cancel_too() {
    let stage = binance_spot();
    stage.script.fixture("DELETE /api/v3/order", 200, "binance_spot/order_cancel_taken");
    let reference = order_ref("leg0a1", None);
    assert_eq!(stage.venue.cancel(&reference).await, Ok(CancelAnswer::Acknowledged));
    stage.script.fixture(QUERY, 400, "binance_spot/order_query_absent");
    stage.script.fixture(QUERY, 200, "binance_spot/order_query_canceled_under_cancels_id");
    stage.script.body(TRADES, 200, "[]");
    let found = stage.venue.find(&reference).await.unwrap();
    assert_eq!(shown_orders(&found), ["leg0a1 0.03"]);
    let sent = stage.script.sent().join("\n");
    assert!(sent.contains("origClientOrderId=leg0a1&newClientOrderId=leg0a1-c&"), "{sent}");
    assert!(
        sent.contains("GET /api/v3/order?symbol=BTCUSDT&origClientOrderId=leg0a1-c&"),
        "{sent}"
    );
    let found = stage.venue.find(&order_ref("leg0a1", Some(ID))).await.unwrap();
    assert_eq!(shown_orders(&found), ["leg0a1 0.03"]);
}

#[tokio::test]
async fn an_order_cancelled_by_somebody_else_is_known_by_the_exchanges_own_id_only() {
    let stage = binance_spot();
    stage.script.fixture(QUERY, 200, "binance_spot/order_query_canceled_by_hand");
    stage.script.body(TRADES, 200, "[]");
    let found = stage.venue.find(&order_ref("leg0a1", Some(ID))).await.unwrap();
    assert_eq!(shown_orders(&found), ["leg0a1 0.03"]);
    for reference in [order_ref("leg0a1", None), order_ref("leg0a1", Some("28774002"))] {
        let other = stage.venue.find(&reference).await;
        assert!(matches!(other, Err(QueryError::Unavailable(_))), "{other:?}");
    }
    let stage = binance_spot();
    stage.script.fixture(QUERY, 200, "binance_spot/order_query_unlisted");
    stage.script.body(TRADES, 200, "[]");
    let filled = stage.venue.find(&order_ref("leg0a1", Some("28774009"))).await;
    assert!(matches!(filled, Err(QueryError::Unavailable(_))), "{filled:?}");
}

#[tokio::test]
async fn absence_is_asked_for_under_both_ids_and_an_archived_order_is_not_absent() {
    let stage = binance_spot();
    stage.script.fixture(QUERY, 400, "binance_spot/order_query_absent");
    assert_eq!(stage.venue.find(&order_ref("leg0a1", None)).await, Ok(Vec::new()));
    assert_eq!(stage.script.count("/api/v3/order"), 2);
    let stage = binance_spot();
    stage.script.fixture(QUERY, 400, "binance_spot/order_query_archived");
    let archived = stage.venue.find(&order_ref("leg0a1", None)).await;
    assert!(matches!(archived, Err(QueryError::Unavailable(_))), "{archived:?}");
}

async fn since(stage: &Stage, ago_ms: u64) -> Result<Vec<OrderSnapshot>, QueryError> {
    stage.venue.orders_since(&btc(), VenueMillis(NOW - ago_ms)).await
}

#[tokio::test]
async fn a_listing_joins_all_sources_in_spans_of_a_day_and_knows_cancelled_orders() {
    let stage = binance_spot();
    stage.script.fixture("GET /api/v3/allOrders", 200, "binance_spot/all_orders_mixed");
    stage.script.fixture("GET /api/v3/openOrders", 200, "binance_spot/open_orders_stale");
    stage.script.fixture(TRADES, 200, "binance_spot/my_trades_unlisted_order");
    stage.script.fixture(QUERY, 200, "binance_spot/order_query_unlisted");
    let listed = since(&stage, 86_400_000).await.unwrap();
    assert_eq!(
        shown_orders(&listed),
        ["leg0a1 0.03", "web_4fXo1 0.05", "leg0a3 0.02", "leg0a2 0.01"]
    );
    let sent = stage.script.sent().join("\n");
    let day = "startTime=1795247999000&endTime=1795334398999&limit=1000";
    assert!(sent.contains(&format!("allOrders?symbol=BTCUSDT&{day}")), "{sent}");
    assert!(sent.contains(&format!("myTrades?symbol=BTCUSDT&{day}")), "{sent}");
    assert!(sent.contains("allOrders?symbol=BTCUSDT&startTime=1795334399000&limit=1000"), "{sent}");
}

#[tokio::test]
async fn a_cancel_proves_nothing_about_the_order() {
    let stage = binance_spot();
    let route = "DELETE /api/v3/order";
    stage.script.fixture(route, 400, "binance_spot/order_cancel_unknown");
    stage.script.fixture(route, 400, "binance_spot/order_cancel_unlisted_text");
    stage.script.fixture(route, 504, "binance_spot/order_place_timeout");
    let reference = order_ref("leg0a1", Some(ID));
    assert_eq!(stage.venue.cancel(&reference).await, Ok(CancelAnswer::NotOpen));
    for _ in 0..2 {
        assert!(matches!(stage.venue.cancel(&reference).await, Err(QueryError::Unavailable(_))));
    }
}

#[tokio::test]
async fn orders_weigh_and_count_and_the_headers_correct_both() {
    let stage = binance_spot();
    let body = common::read_fixture("binance_spot/order_place_resting");
    let mut response = http::Response::new(bytes::Bytes::from(body));
    response.headers_mut().insert("x-mbx-order-count-1d", "160000".parse().unwrap());
    stage.script.on(PLACE, Ok(response));
    assert_eq!(stage.venue.reserve(Purpose::Unwind).await, Ok(()));
    stage.venue.place(&order("leg0a1", Side::Buy)).await.unwrap();
    let busy = stage.venue.reserve(Purpose::Unwind).await;
    let Err(QueryError::Busy { why, .. }) = busy else {
        panic!("{busy:?}");
    };
    assert_eq!(why, "orders of a day used up");
    assert_eq!(stage.venue.reserve(Purpose::Query).await, Ok(()));
}
