//! Coinbase: what answers to orders, queries, listings and cancels turn into.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::{NOW, Stage, coinbase, shown};
use equipoise_core::{
    OrderEnd, OrderKind, OrderRequest, OrderSnapshot, OrderState, PositionSide, RefusalKind, Side,
    TimeInForce, VenueMillis,
};
use equipoise_port::{CancelAnswer, OrderRef, PlaceError, QueryError, TransportError};

const CREATE: &str = "POST /api/v3/brokerage/orders";
const LISTING: &str = "GET /api/v3/brokerage/orders/historical/batch";
const FILLS: &str = "GET /api/v3/brokerage/orders/historical/fills";
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
    OrderRef {
        client_id: CLIENT_ID.parse().unwrap(),
        symbol: "BTC-USD".parse().unwrap(),
        venue_order: venue_order.map(|id| id.parse().unwrap()),
        since: VenueMillis(NOW),
    }
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
    stage.venue.place(&later).await.unwrap();
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
async fn an_acknowledged_order_is_looked_at_at_once() {
    let filled = placed(200, "create_taken", (200, "order_filled")).await.unwrap();
    assert_eq!(filled.venue_order.as_str(), ID);
    assert_eq!(filled.state, OrderState::Ended(OrderEnd::Filled));
    assert_eq!((filled.executed.to_string(), filled.fills.len()), ("0.1".to_owned(), 0));
    let open = placed(200, "create_taken_with_old_fields", OPEN).await.unwrap();
    assert_eq!((open.state, open.executed.to_string()), (OrderState::Open, "0".to_owned()));
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
    ] {
        let answer = placed(200, "create_taken", (200, looked)).await;
        assert!(matches!(answer, Err(PlaceError::Unknown(_))), "{looked}: {answer:?}");
    }
    // The other name of the same book, and the order an earlier transmission of this intent made.
    for looked in ["order_aliased_product", "order_of_first_transmission"] {
        assert!(placed(200, "create_taken", (200, looked)).await.is_ok(), "{looked}");
    }
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
async fn an_order_is_found_by_listing_and_comparing() {
    let stage = coinbase();
    stage.script.fixture(LISTING, 200, "coinbase/listing_filled");
    stage.script.fixture(FILLS, 200, "coinbase/fills_two");
    let found = stage.venue.find(&reference(None)).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].venue_order.as_str(), ID);
    assert_eq!(
        shown(&found[0].fills),
        [
            "9a3e2f6a-0000-4000-8000-000000000000 0.06@64999.5 15.59988 USD",
            "9a3e2f6a-0000-4000-8000-000000000001 0.04@64999.5 10.39992 USD"
        ]
    );
    let sent = stage.script.sent().join("\n");
    assert!(
        sent.contains("batch?product_ids=BTC-USD&product_ids=BTC-USDC&start_date=2026-11-22T07%3A59%3A59Z&limit=100"),
        "{sent}"
    );
    assert!(sent.contains(&format!("fills?order_ids={ID}&limit=100")), "{sent}");
}

#[tokio::test]
async fn every_order_that_carries_the_id_is_found() {
    let stage = coinbase();
    stage.script.fixture(LISTING, 200, "coinbase/listing_two");
    stage.script.fixture(FILLS, 200, "coinbase/fills_two");
    assert_eq!(stage.venue.find(&reference(None)).await.unwrap().len(), 2);
}

#[tokio::test]
async fn absence_is_an_empty_answer() {
    let stage = coinbase();
    stage.script.fixture(LISTING, 200, "coinbase/listing_none");
    assert_eq!(stage.venue.find(&reference(None)).await, Ok(Vec::new()));
    let stage = coinbase();
    stage.script.fixture(ONE, 404, "coinbase/not_found");
    assert_eq!(stage.venue.find(&reference(Some(ID))).await, Ok(Vec::new()));
}

#[tokio::test]
async fn every_ending_has_its_reason() {
    let cancelled =
        |reason: &str| OrderState::Ended(OrderEnd::Cancelled { reason: reason.to_owned() });
    for (fixture, state) in [
        ("open", OrderState::Open),
        ("pending", OrderState::Open),
        ("status_unknown", OrderState::Open),
        ("cancelled_partly", cancelled("User requested cancel")),
        ("expired", cancelled("EXPIRED")),
        (
            "failed",
            OrderState::Ended(OrderEnd::Rejected { reason: "INSUFFICIENT_FUNDS".to_owned() }),
        ),
    ] {
        let stage = coinbase();
        stage.script.fixture(ONE, 200, &format!("coinbase/order_{fixture}"));
        stage.script.fixture(FILLS, 200, "coinbase/fills_none");
        let found = stage.venue.find(&reference(Some(ID))).await.unwrap();
        assert_eq!(found[0].state, state, "{fixture}");
    }
}

#[tokio::test]
async fn an_answer_about_something_else_is_no_answer() {
    for fixture in ["other_client_id", "other_product", "ancient"] {
        let stage = coinbase();
        stage.script.fixture(ONE, 200, &format!("coinbase/order_{fixture}"));
        let error = "answer names another order".to_owned();
        let answer = stage.venue.find(&reference(Some(ID))).await;
        assert_eq!(answer, Err(QueryError::Unavailable(error)), "{fixture}");
    }
    for fills in ["of_another_order", "in_quote"] {
        let stage = coinbase();
        stage.script.fixture(ONE, 200, "coinbase/order_filled");
        stage.script.fixture(FILLS, 200, &format!("coinbase/fills_{fills}"));
        let answer = stage.venue.find(&reference(Some(ID))).await;
        assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{fills}: {answer:?}");
    }
}

#[tokio::test]
async fn fills_are_paged_and_counted_once() {
    let stage = coinbase();
    stage.script.fixture(ONE, 200, "coinbase/order_filled");
    stage.script.fixture(FILLS, 200, "coinbase/fills_two_with_cursor");
    stage.script.fixture(FILLS, 200, "coinbase/fills_two");
    let found = stage.venue.find(&reference(Some(ID))).await.unwrap();
    assert_eq!(found[0].fills.len(), 2);
    let sent = stage.script.sent().join("\n");
    assert!(sent.contains("limit=100&cursor=789200"), "{sent}");
}

/// What stands, what was taken back, and what the order executed or may have, of one order and its rows.
async fn came_to(order: &str, fills: &str) -> (Vec<String>, Vec<String>, String) {
    let stage = coinbase();
    stage.script.fixture(ONE, 200, &format!("coinbase/{order}"));
    stage.script.fixture(FILLS, 200, &format!("coinbase/{fills}"));
    let found = stage.venue.find(&reference(Some(ID))).await.unwrap();
    let sizes = |fills: &[equipoise_core::Fill]| {
        fills.iter().map(|fill| fill.quantity.to_string()).collect::<Vec<_>>()
    };
    (sizes(&found[0].fills), sizes(&found[0].busted), found[0].executed.to_string())
}

fn comes_to(fills: &[&str], busted: &[&str], executed: &str) -> (Vec<String>, Vec<String>, String) {
    let owned = |sizes: &[&str]| sizes.iter().map(|size| (*size).to_owned()).collect();
    (owned(fills), owned(busted), executed.to_owned())
}

#[tokio::test]
async fn a_reversal_takes_back_the_fill_whose_trade_it_names() {
    // What ever executed includes it.
    let came = came_to("order_filled", "fills_reversed").await;
    assert_eq!(came, comes_to(&["0.06"], &["0.04"], "0.1"));
}

#[tokio::test]
async fn an_ended_order_all_of_which_was_reversed_still_shows_what_was_taken_back() {
    let came = came_to("order_reversed_whole", "fills_reversed_whole").await;
    assert_eq!(came, comes_to(&[], &["0.06", "0.04"], "0.1"));
}

#[tokio::test]
async fn a_correction_replaces_the_fill_it_names_where_the_filled_size_bears_that_out() {
    let came = came_to("order_corrected", "fills_corrected").await;
    assert_eq!(came, comes_to(&["0.06", "0.03"], &["0.04"], "0.1"));
}

#[tokio::test]
async fn a_correction_that_the_filled_size_does_not_bear_out_leaves_the_order_unsettled() {
    // Between the fill that is not concerned and everything listed: 0.06 to 0.17 less the 0.04 taken back.
    let came = came_to("order_filled", "fills_corrected").await;
    assert_eq!(came, comes_to(&["0.06"], &["0.04"], "0.17"));
}

#[tokio::test]
async fn an_adjustment_that_names_no_fill_of_the_order_may_concern_any_of_them() {
    let came = came_to("order_filled", "fills_adjusted").await;
    assert_eq!(came, comes_to(&[], &["0.06", "0.04"], "0.201"));
}

async fn since(stage: &Stage) -> Result<Vec<OrderSnapshot>, QueryError> {
    let symbol = "BTC-USD".parse().unwrap();
    stage.venue.orders_since(&symbol, VenueMillis(NOW)).await
}

#[tokio::test]
async fn a_listing_joins_all_statuses_without_what_is_not_ours_or_older() {
    let stage = coinbase();
    // Pending, queued, open, all.
    stage.script.fixture(LISTING, 200, "coinbase/listing_pending");
    stage.script.fixture(LISTING, 200, "coinbase/listing_none");
    stage.script.fixture(LISTING, 200, "coinbase/listing_none");
    stage.script.fixture(LISTING, 200, "coinbase/listing_filled");
    stage.script.fixture(FILLS, 200, "coinbase/fills_two");
    let listed = since(&stage).await.unwrap();
    let seen: Vec<_> = listed
        .iter()
        .map(|order| format!("{} {} {}", order.client_id, order.executed, order.fills.len()))
        .collect();
    assert_eq!(
        seen,
        ["7d1c6f8e-0b1a-4c55-9a3e-2f6a8d4b9c10 0.1 2", "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed 0 0"]
    );
    let sent = stage.script.sent().join("\n");
    for status in ["OPEN", "PENDING", "QUEUED"] {
        assert!(sent.contains(&format!("order_status={status}&start_date=")), "{sent}");
    }
    assert!(sent.contains("fills?start_sequence_timestamp=2026-11-22T07%3A59%3A59Z"), "{sent}");
}

#[tokio::test]
async fn pages_are_read_to_the_end() {
    let stage = coinbase();
    stage.script.fixture(LISTING, 200, "coinbase/listing_first_page");
    stage.script.fixture(LISTING, 200, "coinbase/listing_last_page");
    stage.script.fixture(FILLS, 200, "coinbase/fills_two");
    assert_eq!(stage.venue.find(&reference(None)).await.unwrap().len(), 1);
    let sent = stage.script.sent().join("\n");
    assert!(sent.contains("limit=100&cursor=789100%2F%2B%3D"), "{sent}");
}

#[tokio::test]
async fn a_listing_that_cannot_be_complete_is_an_error() {
    for (fixture, why) in [
        ("listing_first_page", "listing goes in a circle"),
        ("listing_without_cursor", "listing goes in a circle"),
        ("listing_foreign", "listing holds rows of another product"),
    ] {
        let stage = coinbase();
        stage.script.fixture(LISTING, 200, &format!("coinbase/{fixture}"));
        stage.script.fixture(FILLS, 200, "coinbase/fills_none");
        assert_eq!(since(&stage).await, Err(QueryError::Unavailable(why.to_owned())), "{fixture}");
    }
}

#[tokio::test]
async fn an_order_known_only_by_its_fill_is_looked_up() {
    let stage = coinbase();
    stage.script.fixture(LISTING, 200, "coinbase/listing_none");
    stage.script.fixture(FILLS, 200, "coinbase/fills_unlisted_order");
    stage.script.fixture(ONE, 200, "coinbase/order_filled");
    stage.script.fixture(ONE, 404, "coinbase/not_found");
    assert_eq!(since(&stage).await.unwrap()[0].executed.to_string(), "0.1");
    let why = "a fill is listed whose order is not".to_owned();
    assert_eq!(since(&stage).await, Err(QueryError::Unavailable(why)));
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
