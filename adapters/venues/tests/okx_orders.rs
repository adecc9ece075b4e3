//! OKX swaps and spot: what answers to orders and cancels turn into.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::Duration;

use common::{Stage, okx, okx_spot, okx_swap, stage_at};
use equipoise_core::{
    OrderKind, OrderRequest, OrderSnapshot, OrderState, PositionSide, RefusalKind, Side,
    TimeInForce,
};
use equipoise_port::{CancelAnswer, OrderRef, PlaceError, Purpose, QueryError, TransportError};
use equipoise_venues::Endpoint;
use http::Response;

const PLACE: &str = "POST /api/v5/trade/order";
const CANCEL: &str = "POST /api/v5/trade/cancel-order";
const ID: &str = "1969847235168714752";

fn order(symbol: &str) -> OrderRequest {
    OrderRequest {
        symbol: symbol.parse().unwrap(),
        quantity: "10".parse().unwrap(),
        ..common::order("leg2a1", Side::Sell)
    }
}

fn swap_ref(venue_order: Option<&str>) -> OrderRef {
    let symbol = "BTC-USDT-SWAP".parse().unwrap();
    OrderRef { symbol, ..common::order_ref("leg2a1", venue_order) }
}

async fn place(stage: &Stage, order: &OrderRequest) -> Result<OrderSnapshot, PlaceError> {
    stage.venue.reserve(Purpose::Entry).await.unwrap();
    stage.venue.place(order).await
}

async fn placed(status: u16, fixture: &str) -> Result<OrderSnapshot, PlaceError> {
    let stage = okx_swap();
    stage.script.fixture(PLACE, status, &format!("okx/{fixture}"));
    place(&stage, &order("BTC-USDT-SWAP")).await
}

#[tokio::test]
async fn an_order_carries_its_own_stamp_and_deadline_and_is_signed_as_it_is_sent() {
    let stage = okx_swap();
    stage.script.fixture(PLACE, 200, "okx/place_acknowledged");
    stage.venue.reserve(Purpose::Entry).await.unwrap();
    stage.clock.advance(777);
    stage.venue.place(&order("BTC-USDT-SWAP")).await.unwrap();
    let requests = stage.script.requests.lock().unwrap();
    let (request, timeout) = requests.last().unwrap();
    assert_eq!(
        request.body().as_ref(),
        br#"{"instId":"BTC-USDT-SWAP","tdMode":"cross","clOrdId":"leg2a1","side":"sell","posSide":"net","ordType":"limit","sz":"10","px":"65000","stpMode":"cancel_taker"}"#
    );
    let header = |name: &str| request.headers()[name].to_str().unwrap();
    assert_eq!(header("ok-access-key"), "the-key");
    assert_eq!(header("ok-access-passphrase"), "the-passphrase");
    assert_eq!(header("ok-access-timestamp"), "2026-11-22T08:00:00.000Z");
    assert_eq!(header("exptime"), "1795334402000");
    assert_eq!(header("ok-access-sign").len(), 44);
    assert_eq!(header("content-type"), "application/json");
    assert!(!request.headers().contains_key("x-simulated-trading"));
    assert_eq!(*timeout, Duration::from_millis(2_500));
}

#[tokio::test]
async fn on_the_test_network_every_request_says_that_it_is_simulated() {
    let stage = stage_at("okx-swap", Endpoint::Test);
    stage.script.fixture("GET /api/v5/public/time", 200, "okx/time_now");
    stage.script.fixture("GET /api/v5/account/config", 200, "okx/config_futures_net");
    stage.script.fixture(PLACE, 200, "okx/place_acknowledged");
    stage.script.fixture(CANCEL, 200, "okx/cancel_acknowledged");
    place(&stage, &order("BTC-USDT-SWAP")).await.unwrap();
    stage.venue.cancel(&swap_ref(None)).await.unwrap();
    let requests = stage.script.requests.lock().unwrap();
    assert_eq!(requests.len(), 4);
    for (request, _) in requests.iter() {
        assert_eq!(request.headers()["x-simulated-trading"], "1");
        assert_eq!(request.uri().host(), Some("www.okx.com"));
    }
}

#[tokio::test]
async fn spot_orders_are_worded_by_the_accounts_level() {
    for (config, mode) in [
        ("config_spot", "cash"),
        ("config_futures_net", "cash"),
        ("config_multi_currency", "cross"),
        ("config_portfolio", "cross"),
    ] {
        let stage = okx("okx-spot", &format!("okx/{config}"));
        stage.script.fixture(PLACE, 200, "okx/place_acknowledged");
        place(&stage, &order("BTC-USDT")).await.unwrap();
        let requests = stage.script.requests.lock().unwrap();
        let body = requests.last().unwrap().0.body().clone();
        let text = std::str::from_utf8(&body).unwrap();
        assert!(text.contains(&format!(r#""tdMode":"{mode}""#)), "{config}: {text}");
        assert!(!text.contains("posSide"), "{text}");
    }
}

#[tokio::test]
async fn an_order_that_the_account_or_the_product_does_not_have_is_not_sent() {
    let unsent = |answer| matches!(answer, Err(PlaceError::NotSent(_)));
    let stage = okx("okx-swap", "okx/config_portfolio");
    assert!(unsent(place(&stage, &order("BTC-USDT-SWAP")).await));
    let stage = okx_spot();
    let reducing = OrderRequest { reduce_only: true, ..order("BTC-USDT") };
    assert!(unsent(place(&stage, &reducing).await));
    let stage = okx_swap();
    let opening = OrderRequest {
        reduce_only: true,
        position_side: PositionSide::Short,
        ..order("BTC-USDT-SWAP")
    };
    assert!(unsent(place(&stage, &opening).await));
    // Without a reservation the level was never read.
    assert!(unsent(okx_swap().venue.place(&order("BTC-USDT-SWAP")).await));
    assert_eq!(stage.script.count("/api/v5/trade/order"), 0);
}

#[tokio::test]
async fn an_acknowledgement_proves_an_order_and_no_fill() {
    let snapshot = placed(200, "place_acknowledged").await.unwrap();
    assert_eq!(snapshot.venue_order.as_str(), ID);
    assert_eq!(snapshot.state, OrderState::Open);
    assert!(snapshot.executed.is_zero() && snapshot.fills.is_empty());
}

#[tokio::test]
async fn documented_refusals_say_what_may_follow() {
    let limited = RefusalKind::RateLimited { retry_after_ms: 2_000 };
    for (status, fixture, kind, code) in [
        (200, "place_balance_insufficient", RefusalKind::Final, "51008"),
        (200, "place_price_outside_limit", RefusalKind::Final, "51006"),
        (200, "place_unknown_instrument", RefusalKind::Final, "51001"),
        (200, "place_too_small", RefusalKind::Final, "51020"),
        (200, "place_wrong_level", RefusalKind::Final, "51010"),
        (400, "place_bad_position_side", RefusalKind::Final, "51000"),
        (200, "place_reduce_only_refused", RefusalKind::ReduceOnly, "51169"),
        (200, "place_late", RefusalKind::Transient, "50036"),
        (200, "place_expired", RefusalKind::Transient, "50037"),
        (401, "place_stale_stamp", RefusalKind::Transient, "50102"),
        (401, "place_bad_signature", RefusalKind::Credentials, "50113"),
        (200, "place_rate_limited", limited, "50011"),
        (429, "place_rate_limited", limited, "50011"),
        (200, "place_order_rate", limited, "50061"),
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
        (200, "place_without_order_id"),
        (200, "place_other_client_id"),
        (200, "place_duplicate_id"),
        (200, "place_contradictory"),
        (200, "place_unlisted_code"),
        (200, "place_order_timed_out"),
        (400, "place_endpoint_timeout"),
        (429, "place_system_busy"),
        (500, "place_system_error"),
        (200, "order_absent"),
        (200, "cancel_not_open"),
        (200, "orders_none"),
        (200, "fills_two"),
        (500, "place_balance_insufficient"),
        (503, "place_balance_insufficient"),
        (404, "place_acknowledged"),
    ] {
        let answer = placed(status, fixture).await;
        assert!(matches!(answer, Err(PlaceError::Unknown(_))), "{status} {fixture}: {answer:?}");
    }
}

#[tokio::test]
async fn a_limit_on_orders_holds_orders_back_and_nothing_else() {
    let stage = okx_swap();
    stage.script.fixture(PLACE, 200, "okx/place_order_rate");
    stage.script.fixture(CANCEL, 200, "okx/cancel_acknowledged");
    place(&stage, &order("BTC-USDT-SWAP")).await.unwrap_err();
    let busy = stage.venue.reserve(Purpose::Unwind).await;
    assert!(matches!(busy, Err(QueryError::Busy { retry_after_ms: 2_000, .. })), "{busy:?}");
    assert_eq!(stage.venue.cancel(&swap_ref(None)).await, Ok(CancelAnswer::Acknowledged));
    stage.clock.advance(2_000);
    assert_eq!(stage.venue.reserve(Purpose::Unwind).await, Ok(()));
}

#[tokio::test]
async fn a_429_without_a_code_leaves_the_order_in_doubt_and_stops_everything_for_a_while() {
    let stage = okx_swap();
    stage.script.body(PLACE, 429, "<html>too many requests</html>");
    let answer = place(&stage, &order("BTC-USDT-SWAP")).await;
    assert!(matches!(answer, Err(PlaceError::Unknown(_))), "{answer:?}");
    assert!(matches!(stage.venue.server_time().await, Err(QueryError::Busy { .. })));
    let answer = stage.venue.place(&order("BTC-USDT-SWAP")).await;
    assert!(matches!(answer, Err(PlaceError::Refused(_))), "{answer:?}");
    stage.clock.advance(5_000);
    assert!(stage.venue.server_time().await.is_ok());
}

#[tokio::test]
async fn an_account_set_up_anew_is_asked_about_before_the_next_order() {
    let stage = okx("okx-spot", "okx/config_multi_currency");
    stage.script.fixture("GET /api/v5/account/config", 200, "okx/config_spot");
    stage.script.fixture(PLACE, 200, "okx/place_wrong_level");
    for _ in 0..3 {
        place(&stage, &order("BTC-USDT")).await.unwrap_err();
    }
    let requests = stage.script.requests.lock().unwrap();
    let bodies: Vec<bool> = requests
        .iter()
        .filter(|(request, _)| request.uri().path() == "/api/v5/trade/order")
        .map(|(request, _)| std::str::from_utf8(request.body()).unwrap().contains("cross"))
        .collect();
    assert_eq!(bodies, [true, false, false]);
}

#[tokio::test]
async fn a_cancel_proves_nothing_about_the_order() {
    let stage = okx_swap();
    for fixture in [
        "cancel_acknowledged",
        "cancel_not_open",
        "order_absent",
        "cancel_in_progress",
        "cancel_timed_out",
    ] {
        stage.script.fixture(CANCEL, 200, &format!("okx/{fixture}"));
    }
    assert_eq!(stage.venue.cancel(&swap_ref(None)).await, Ok(CancelAnswer::Acknowledged));
    for _ in 0..2 {
        assert_eq!(stage.venue.cancel(&swap_ref(Some(ID))).await, Ok(CancelAnswer::NotOpen));
    }
    for _ in 0..2 {
        let answer = stage.venue.cancel(&swap_ref(Some(ID))).await;
        assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{answer:?}");
    }
    let requests = stage.script.requests.lock().unwrap();
    let cancels: Vec<_> = requests
        .iter()
        .filter(|(request, _)| request.uri().path().ends_with("cancel-order"))
        .collect();
    assert!(cancels.iter().all(|(request, _)| !request.headers().contains_key("exptime")));
}

#[tokio::test]
async fn a_lifetime_is_the_kind_of_the_order() {
    let stage = okx_swap();
    stage.script.fixture(PLACE, 200, "okx/place_acknowledged");
    let price = "65000".parse().unwrap();
    let limit = |time_in_force| OrderKind::Limit { price, time_in_force };
    for (kind, word) in [
        (OrderKind::Market, "optimal_limit_ioc"),
        (limit(TimeInForce::Gtc), "limit"),
        (limit(TimeInForce::Ioc), "ioc"),
        (limit(TimeInForce::Fok), "fok"),
        (limit(TimeInForce::PostOnly), "post_only"),
    ] {
        place(&stage, &OrderRequest { kind, ..order("BTC-USDT-SWAP") }).await.unwrap();
        let requests = stage.script.requests.lock().unwrap();
        let (request, _): &(http::Request<bytes::Bytes>, Duration) = requests.last().unwrap();
        let text = std::str::from_utf8(request.body()).unwrap();
        assert!(text.contains(&format!(r#""ordType":"{word}""#)), "{text}");
    }
}

#[tokio::test]
async fn an_order_whose_answer_is_lost_is_in_doubt_and_one_that_never_left_is_not() {
    let stage = okx_swap();
    stage.script.on(PLACE, Err(TransportError::NoAnswer("reset".to_owned())));
    stage.script.on(PLACE, Err(TransportError::NotSent("refused".to_owned())));
    let first = place(&stage, &order("BTC-USDT-SWAP")).await;
    assert_eq!(first, Err(PlaceError::Unknown("reset".to_owned())));
    let second = place(&stage, &order("BTC-USDT-SWAP")).await;
    assert_eq!(second, Err(PlaceError::NotSent("refused".to_owned())));
}

#[tokio::test]
async fn no_message_of_the_exchange_shows_a_secret() {
    let stage = okx_swap();
    let body = r#"{"code":"50113","msg":"key the-key secret the-secret phrase the-passphrase"}"#;
    let response = Response::builder().status(401).body(body.into()).unwrap();
    stage.script.on(PLACE, Ok(response));
    let Err(PlaceError::Refused(refusal)) = place(&stage, &order("BTC-USDT-SWAP")).await else {
        panic!("not refused");
    };
    assert_eq!(refusal.message, "key [redacted] secret [redacted] phrase [redacted]");
}
