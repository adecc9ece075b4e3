//! Coinbase: what answers to orders and cancels turn into.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::{NOW, coinbase};
use equipoise_core::{
    OrderKind, OrderRequest, OrderSnapshot, OrderState, PositionSide, RefusalKind, Side,
    TimeInForce, VenueMillis,
};
use equipoise_port::{CancelAnswer, OrderRef, PlaceError, QueryError, TransportError};

const CREATE: &str = "POST /api/v3/brokerage/orders";
const LISTING: &str = "GET /api/v3/brokerage/orders/historical/batch";
const CANCEL: &str = "POST /api/v3/brokerage/orders/batch_cancel";
const TIME: &str = "GET /api/v3/brokerage/time";
const CLIENT_ID: &str = "7d1c6f8e-0b1a-4c55-9a3e-2f6a8d4b9c10";
const ID: &str = "0f5a7c1e-3d94-4b61-8f0e-6f6d1c2b7a01";
const ONE: &str = "GET /api/v3/brokerage/orders/historical/0f5a7c1e-3d94-4b61-8f0e-6f6d1c2b7a01";

fn order() -> OrderRequest {
    OrderRequest {
        client_id: CLIENT_ID.parse().unwrap(),
        symbol: "BTC-USD".parse().unwrap(),
        side: Side::Buy,
        kind: OrderKind::Limit { price: "65000".parse().unwrap(), time_in_force: TimeInForce::Ioc },
        quantity: "0.1".parse().unwrap(),
        reduce_only: false,
        position_side: PositionSide::Net,
        deadline: VenueMillis(NOW + 2_000),
        window_ms: 2_000,
    }
}

fn reference(venue_order: Option<&str>) -> OrderRef {
    OrderRef { venue_order: venue_order.map(|id| id.parse().unwrap()), ..OrderRef::of(&order()) }
}

/// One order placed, answered with one fixture, and then looked at with another.
async fn placed(
    status: u16,
    created: &str,
    looked: (u16, &str),
) -> Result<OrderSnapshot, PlaceError> {
    let stage = coinbase();
    stage.script.fixture(CREATE, status, &format!("coinbase/{created}"));
    stage.script.fixture(ONE, looked.0, &format!("coinbase/{}", looked.1));
    stage.venue.place(&order()).await
}

const OPEN: (u16, &str) = (200, "order_open");

/// The claims of the token a request carried.
fn claims(request: &http::Request<bytes::Bytes>) -> String {
    let bearer = &request.headers()["authorization"];
    assert!(bearer.is_sensitive());
    let token = bearer.to_str().unwrap().strip_prefix("Bearer ").unwrap();
    let claims = token.split('.').nth(1).unwrap();
    String::from_utf8(URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

#[tokio::test]
async fn an_orders_token_expires_with_its_deadline_and_its_body_never_changes() {
    let stage = coinbase();
    stage.script.fixture(CREATE, 200, "coinbase/create_taken");
    stage.script.fixture(ONE, 200, "coinbase/order_open");
    stage.clock.advance(777);
    stage.venue.place(&order()).await.unwrap();
    let later = OrderRequest { deadline: VenueMillis(NOW + 60_999), ..order() };
    // Acknowledged with the order of the first request: whether it is the intent's own is for a look to say.
    let again = stage.venue.place(&later).await;
    assert!(matches!(again, Err(PlaceError::Unknown(_))), "{again:?}");
    let requests = stage.script.requests.lock().unwrap();
    let posts: Vec<_> =
        requests.iter().filter(|(request, _)| request.method() == http::Method::POST).collect();
    let [(first, timeout), (second, _)] = posts[..] else {
        panic!("{}", posts.len());
    };
    assert_eq!(
        first.body().as_ref(),
        br#"{"client_order_id":"7d1c6f8e-0b1a-4c55-9a3e-2f6a8d4b9c10","product_id":"BTC-USD","side":"BUY","order_configuration":{"sor_limit_ioc":{"base_size":"0.1","limit_price":"65000"}}}"#
    );
    assert_eq!(first.body(), second.body());
    assert_eq!(
        claims(first),
        r#"{"sub":"organizations/o/apiKeys/k","iss":"cdp","nbf":1795334395,"exp":1795334402,"uri":"POST venue.test/api/v3/brokerage/orders"}"#
    );
    assert!(claims(second).contains(r#""exp":1795334460,"#), "{}", claims(second));
    assert_eq!(*timeout, Duration::from_millis(2_500));
}

#[tokio::test]
async fn an_acknowledged_order_is_compared_at_once_and_its_end_left_to_a_look_up_with_its_fills() {
    for (answer, shown) in
        [("create_taken", (200, "order_filled")), ("create_taken_with_old_fields", OPEN)]
    {
        let open = placed(200, answer, shown).await.unwrap();
        assert_eq!((open.venue_order.as_str(), open.state), (ID, OrderState::Open));
        assert!(open.executed.is_zero() && open.fills.is_empty());
    }
}

#[tokio::test]
async fn an_order_that_is_not_shown_yet_is_open_because_it_was_acknowledged() {
    for looked in [(404, "not_found"), (200, "order_null"), (500, "internal")] {
        let taken = placed(200, "create_taken", looked).await.unwrap();
        assert_eq!((taken.venue_order.as_str(), taken.state), (ID, OrderState::Open));
    }
}

#[tokio::test]
async fn an_id_that_belongs_to_an_order_of_other_content_proves_nothing_about_this_one() {
    for looked in [
        "order_other_client_id",
        "order_other_side",
        "order_other_size",
        "order_other_price",
        "order_other_product",
        "order_without_configuration",
        "order_ancient",
        // Of an earlier transmission perhaps, but this request cannot tell.
        "order_of_first_transmission",
    ] {
        let answer = placed(200, "create_taken", (200, looked)).await;
        assert!(matches!(answer, Err(PlaceError::Unknown(_))), "{looked}: {answer:?}");
    }
    // The other name of the same book.
    assert!(placed(200, "create_taken", (200, "order_aliased_product")).await.is_ok());
}

#[tokio::test]
async fn documented_refusals_say_what_may_follow() {
    for (status, fixture, kind, code) in [
        (200, "create_insufficient_fund", RefusalKind::Final, "INSUFFICIENT_FUND"),
        (200, "create_too_small", RefusalKind::Final, "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL"),
        (200, "create_post_only", RefusalKind::Final, "INVALID_LIMIT_PRICE_POST_ONLY"),
        (200, "create_no_liquidity", RefusalKind::Transient, "INVALID_NO_LIQUIDITY"),
        (200, "create_commander_rejected", RefusalKind::Final, "COMMANDER_REJECTED_NEW_ORDER"),
        (200, "create_geofenced", RefusalKind::Credentials, "GEOFENCING_RESTRICTION"),
        (400, "invalid_argument", RefusalKind::Final, "INVALID_ARGUMENT"),
        (403, "permission_denied", RefusalKind::Credentials, "PERMISSION_DENIED"),
        (
            429,
            "rate_limit_exceeded",
            RefusalKind::RateLimited { retry_after_ms: 1_000 },
            "rate_limit_exceeded",
        ),
    ] {
        match placed(status, fixture, OPEN).await {
            Err(PlaceError::Refused(refusal)) => {
                assert_eq!((refusal.kind, refusal.code.as_str()), (kind, code));
            }
            other => panic!("{fixture}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn everything_else_leaves_an_order_in_doubt() {
    for (status, fixture) in [
        (200, "create_duplicate_id"),
        (200, "create_unknown_failure"),
        (200, "create_failed_without_reason"),
        (200, "create_without_order"),
        (200, "create_without_order_id"),
        (200, "create_other_client_id"),
        (200, "create_other_side"),
        (200, "create_refused_with_order"),
        (404, "not_found"),
        (400, "internal"),
        (500, "internal"),
        (502, "create_insufficient_fund"),
        (503, "invalid_argument"),
        (408, "invalid_argument"),
        (202, "create_taken"),
    ] {
        let answer = placed(status, fixture, OPEN).await;
        assert!(matches!(answer, Err(PlaceError::Unknown(_))), "{status} {fixture}: {answer:?}");
    }
}

#[tokio::test]
async fn a_token_that_came_too_late_is_told_from_a_key_that_is_not_taken() {
    for (time, kind) in
        [("time_now", RefusalKind::Credentials), ("time_late", RefusalKind::Transient)]
    {
        for body in ["Unauthorized\n", &common::read_fixture("coinbase/unauthenticated")] {
            let stage = coinbase();
            // The first answer is the stage's own; use it up.
            stage.script.fixture(TIME, 200, &format!("coinbase/{time}"));
            stage.venue.server_time().await.unwrap();
            stage.script.body(CREATE, 401, body);
            let Err(PlaceError::Refused(refusal)) = stage.venue.place(&order()).await else {
                panic!("{time}");
            };
            assert_eq!(refusal.kind, kind, "{time}");
        }
    }
}

#[tokio::test]
async fn an_order_that_cannot_be_expressed_is_not_sent() {
    for order in [
        OrderRequest { reduce_only: true, ..order() },
        OrderRequest { position_side: PositionSide::Long, ..order() },
        OrderRequest { deadline: VenueMillis(NOW + 900), window_ms: 800, ..order() },
    ] {
        let stage = coinbase();
        let answer = stage.venue.place(&order).await;
        assert!(matches!(answer, Err(PlaceError::NotSent(_))), "{answer:?}");
        assert!(stage.script.sent().is_empty());
    }
}

#[tokio::test]
async fn a_lost_answer_leaves_an_order_in_doubt() {
    let stage = coinbase();
    stage.script.on(CREATE, Err(TransportError::NoAnswer("reset".to_owned())));
    let answer = stage.venue.place(&order()).await;
    assert!(matches!(answer, Err(PlaceError::Unknown(_))), "{answer:?}");
}

#[tokio::test]
async fn a_cancel_proves_nothing_about_the_order() {
    for (fixture, answer) in [
        ("cancel_taken", Ok(CancelAnswer::Acknowledged)),
        ("cancel_duplicate", Ok(CancelAnswer::Acknowledged)),
        ("cancel_unknown_order", Ok(CancelAnswer::NotOpen)),
        ("cancel_filled", Ok(CancelAnswer::NotOpen)),
    ] {
        let stage = coinbase();
        stage.script.fixture(CANCEL, 200, &format!("coinbase/{fixture}"));
        assert_eq!(stage.venue.cancel(&reference(Some(ID))).await, answer, "{fixture}");
    }
    for fixture in ["cancel_rejected", "cancel_other_order"] {
        let stage = coinbase();
        stage.script.fixture(CANCEL, 200, &format!("coinbase/{fixture}"));
        let answer = stage.venue.cancel(&reference(Some(ID))).await;
        assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{fixture}: {answer:?}");
    }
    let stage = coinbase();
    stage.script.fixture(CANCEL, 200, "coinbase/cancel_not_allowed");
    let answer = stage.venue.cancel(&reference(Some(ID))).await;
    assert!(matches!(answer, Err(QueryError::Refused { .. })), "{answer:?}");
}

#[tokio::test]
async fn an_order_without_the_exchanges_id_is_looked_up_before_it_is_cancelled() {
    let stage = coinbase();
    stage.script.fixture(LISTING, 200, "coinbase/listing_filled");
    stage.script.fixture(LISTING, 200, "coinbase/listing_none");
    stage.script.fixture(CANCEL, 200, "coinbase/cancel_filled");
    assert_eq!(stage.venue.cancel(&reference(None)).await, Ok(CancelAnswer::NotOpen));
    let last = stage.script.requests.lock().unwrap().last().unwrap().0.clone();
    assert_eq!(last.body().as_ref(), format!(r#"{{"order_ids":["{ID}"]}}"#).as_bytes());
    assert_eq!(stage.venue.cancel(&reference(None)).await, Ok(CancelAnswer::NotOpen));
    assert_eq!(stage.script.count("/api/v3/brokerage/orders/batch_cancel"), 1);
}
