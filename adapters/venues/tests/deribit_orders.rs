//! Deribit: what answers to orders, queries, listings and cancels turn into.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::Duration;

use common::{NOW, Stage, deribit, shown};
use equipoise_core::{
    OrderEnd, OrderKind, OrderRequest, OrderSnapshot, OrderState, PositionSide, RefusalKind, Side,
    TimeInForce, VenueMillis,
};
use equipoise_port::{CancelAnswer, OrderRef, PlaceError, QueryError};

const BUY: &str = "POST /api/v2/private/buy";
const ORDER: &str = "POST /api/v2/private/get_order_state";
const BY_LABEL: &str = "POST /api/v2/private/get_order_state_by_label";
const OPEN: &str = "POST /api/v2/private/get_open_orders_by_instrument";
const HISTORY: &str = "POST /api/v2/private/get_order_history_by_instrument";
const OF_ORDER: &str = "POST /api/v2/private/get_user_trades_by_order";
const TRADES: &str = "POST /api/v2/private/get_user_trades_by_instrument_and_time";
const HOUR_MS: u64 = 3_600_000;

fn order() -> OrderRequest {
    OrderRequest {
        client_id: "leg0a1".parse().unwrap(),
        symbol: "BTC-PERPETUAL".parse().unwrap(),
        side: Side::Buy,
        kind: OrderKind::Limit {
            price: "65000.5".parse().unwrap(),
            time_in_force: TimeInForce::Ioc,
        },
        quantity: "100".parse().unwrap(),
        reduce_only: false,
        position_side: PositionSide::Net,
        deadline: VenueMillis(NOW + 2_000),
        window_ms: 2_000,
    }
}

fn reference(venue_order: Option<&str>) -> OrderRef {
    OrderRef {
        client_id: "leg0a1".parse().unwrap(),
        symbol: "BTC-PERPETUAL".parse().unwrap(),
        venue_order: venue_order.map(|id| id.parse().unwrap()),
        since: VenueMillis(NOW),
        terms: None,
    }
}

async fn placed(status: u16, fixture: &str) -> Result<OrderSnapshot, PlaceError> {
    let stage = deribit();
    stage.script.fixture(BUY, status, &format!("deribit/{fixture}"));
    stage.venue.place(&order()).await
}

/// Bodies sent to one path, in order.
fn bodies(stage: &Stage, path: &str) -> Vec<String> {
    let requests = stage.script.requests.lock().unwrap();
    let hits = requests.iter().filter(|(request, _)| request.uri().path() == path);
    hits.map(|(request, _)| String::from_utf8(request.body().to_vec()).unwrap()).collect()
}

#[tokio::test]
async fn an_order_carries_its_own_deadline_and_the_token_in_a_header_only() {
    let stage = deribit();
    stage.script.fixture(BUY, 200, "deribit/buy_resting");
    stage.clock.advance(777);
    stage.venue.place(&order()).await.unwrap();
    assert_eq!(stage.script.sent(), ["POST /api/v2/public/auth", BUY]);
    let requests = stage.script.requests.lock().unwrap();
    let (request, timeout) = &requests[1];
    assert_eq!(
        request.body().as_ref(),
        br#"{"jsonrpc":"2.0","id":1,"method":"private/buy","params":{"instrument_name":"BTC-PERPETUAL","amount":100,"type":"limit","label":"leg0a1","price":65000.5,"time_in_force":"immediate_or_cancel","post_only":false,"valid_until":1795334402000}}"#
    );
    let bearer = &request.headers()["authorization"];
    assert_eq!(bearer, "Bearer first-access");
    assert!(bearer.is_sensitive());
    assert_eq!(*timeout, Duration::from_millis(2_500));
}

#[tokio::test]
async fn an_answer_brings_the_order_with_its_first_fills_and_signed_fees() {
    let filled = placed(200, "buy_filled").await.unwrap();
    assert_eq!(filled.venue_order.as_str(), "BTC-60131");
    assert_eq!(filled.state, OrderState::Ended(OrderEnd::Filled));
    assert_eq!(
        shown(&filled.fills),
        ["48079250 60@65000.5 0.00000046 BTC", "48079251 40@65000.5 -0.00000003 BTC"]
    );
    let resting = placed(200, "buy_resting").await.unwrap();
    assert_eq!((resting.state, resting.executed.to_string()), (OrderState::Open, "0".to_owned()));
    let partly = placed(200, "buy_ioc_partly").await.unwrap();
    assert_eq!(partly.executed.to_string(), "60");
    assert!(matches!(partly.state, OrderState::Ended(OrderEnd::Cancelled { .. })));
    let rejected = placed(200, "buy_rejected").await.unwrap();
    let reason = "risk_mitigation".to_owned();
    assert_eq!(rejected.state, OrderState::Ended(OrderEnd::Rejected { reason }));
}

#[tokio::test]
async fn documented_refusals_say_what_may_follow() {
    let limited = RefusalKind::RateLimited { retry_after_ms: 1_000 };
    for (fixture, kind, code) in [
        ("buy_not_enough_funds", RefusalKind::Final, "10009"),
        ("buy_timed_out", RefusalKind::Transient, "13888"),
        ("buy_post_only_reject", RefusalKind::Final, "11054"),
        ("buy_wrong_tick", RefusalKind::Final, "10043"),
        ("buy_too_small", RefusalKind::Final, "-32602"),
        ("buy_order_overlap", RefusalKind::Final, "10003"),
        ("buy_settlement", RefusalKind::Transient, "10041"),
        ("buy_queue_full", limited, "10047"),
        ("too_many_requests", limited, "10028"),
        ("forbidden", RefusalKind::Credentials, "13021"),
        ("instrument_not_found", RefusalKind::Final, "13020"),
    ] {
        match placed(400, fixture).await {
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
        (400, "temporarily_unavailable"),
        (400, "internal_server_error"),
        (400, "order_not_found"),
        (200, "buy_other_label"),
        (200, "buy_other_amount"),
        (200, "buy_other_side"),
        (200, "buy_foreign_trade"),
        (200, "by_label_none"),
        (400, "buy_resting"),
        (500, "buy_not_enough_funds"),
        (503, "buy_not_enough_funds"),
        (408, "buy_not_enough_funds"),
    ] {
        let answer = placed(status, fixture).await;
        assert!(matches!(answer, Err(PlaceError::Unknown(_))), "{status} {fixture}: {answer:?}");
    }
}

#[tokio::test]
async fn an_order_of_hedge_mode_is_not_sent() {
    let stage = deribit();
    let hedged = OrderRequest { position_side: PositionSide::Long, ..order() };
    assert!(matches!(stage.venue.place(&hedged).await, Err(PlaceError::NotSent(_))));
    assert!(stage.script.sent().is_empty());
}

#[tokio::test]
async fn a_label_finds_every_order_that_carries_it() {
    let stage = deribit();
    stage.script.fixture(BY_LABEL, 200, "deribit/by_label_two");
    stage.script.fixture(OF_ORDER, 200, "deribit/trades_of_order_two");
    let found = stage.venue.find(&reference(None)).await.unwrap();
    let seen: Vec<_> =
        found.iter().map(|order| format!("{} {}", order.venue_order, order.executed)).collect();
    assert_eq!(seen, ["BTC-60131 100", "BTC-60140 0"]);
    assert_eq!(found[0].fills.len(), 2);
    assert_eq!(
        bodies(&stage, "/api/v2/private/get_order_state_by_label"),
        [
            r#"{"jsonrpc":"2.0","id":1,"method":"private/get_order_state_by_label","params":{"currency":"BTC","label":"leg0a1"}}"#
        ]
    );
    // Trades are asked for only where there are any.
    assert_eq!(stage.script.count("/api/v2/private/get_user_trades_by_order"), 1);
}

#[tokio::test]
async fn every_ending_has_its_reason() {
    let ended = |end| OrderState::Ended(end);
    for (fixture, state) in [
        ("resting", OrderState::Open),
        ("unknown_state", OrderState::Open),
        ("cancelled_by_hand", ended(OrderEnd::Cancelled { reason: "user_request".to_owned() })),
        ("rejected", ended(OrderEnd::Rejected { reason: "risk_mitigation".to_owned() })),
    ] {
        let stage = deribit();
        stage.script.fixture(ORDER, 200, &format!("deribit/order_{fixture}"));
        let found = stage.venue.find(&reference(Some("BTC-60131"))).await.unwrap();
        assert_eq!(found[0].state, state, "{fixture}");
    }
}

#[tokio::test]
async fn a_young_order_that_is_not_shown_is_not_there() {
    let stage = deribit();
    stage.script.fixture(BY_LABEL, 200, "deribit/by_label_none");
    assert_eq!(stage.venue.find(&reference(None)).await, Ok(Vec::new()));
    let stage = deribit();
    stage.script.fixture(ORDER, 400, "deribit/order_not_found");
    assert_eq!(stage.venue.find(&reference(Some("BTC-60131"))).await, Ok(Vec::new()));
    assert_eq!(stage.script.count("/api/v2/private/get_order_history_by_instrument"), 0);
}

#[tokio::test]
async fn an_older_order_is_looked_for_in_both_views() {
    let stage = deribit();
    // The venue's clock is read before, so that only the order grows old.
    stage.script.fixture(BY_LABEL, 200, "deribit/by_label_none");
    stage.script.fixture(OPEN, 200, "deribit/open_orders_none");
    stage.script.fixture(HISTORY, 200, "deribit/history_none");
    stage.script.fixture(HISTORY, 200, "deribit/history_bare_list");
    stage.script.fixture(OF_ORDER, 200, "deribit/trades_of_order_two");
    let old = OrderRef { since: VenueMillis(NOW - HOUR_MS), ..reference(None) };
    let found = stage.venue.find(&old).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].fills.len(), 2);
    let asked = bodies(&stage, "/api/v2/private/get_order_history_by_instrument");
    assert!(asked[0].contains(r#""include_old":true,"include_unfilled":true,"historical":false"#));
    assert!(asked[1].contains(r#""historical":true"#), "{asked:?}");
}

#[tokio::test]
async fn a_namesake_that_left_the_recent_view_is_found_beside_one_that_has_not() {
    let stage = deribit();
    stage.script.fixture(BY_LABEL, 200, "deribit/by_label_filled");
    stage.script.fixture(OPEN, 200, "deribit/open_orders_none");
    stage.script.fixture(HISTORY, 200, "deribit/history_none");
    stage.script.fixture(HISTORY, 200, "deribit/history_older_namesake");
    stage.script.fixture(OF_ORDER, 200, "deribit/trades_of_order_two");
    stage.script.fixture(OF_ORDER, 200, "deribit/trades_of_order_none");
    let old = OrderRef { since: VenueMillis(NOW - HOUR_MS), ..reference(None) };
    let found = stage.venue.find(&old).await.unwrap();
    let ids: Vec<_> = found.iter().map(|order| order.venue_order.as_str()).collect();
    assert_eq!(ids, ["BTC-60131", "BTC-60132"]);
    // By the exchange's id there is only one.
    let stage = deribit();
    stage.script.fixture(ORDER, 200, "deribit/order_filled");
    stage.script.fixture(OF_ORDER, 200, "deribit/trades_of_order_two");
    let known = OrderRef { venue_order: Some("BTC-60131".parse().unwrap()), ..old };
    assert_eq!(stage.venue.find(&known).await.unwrap().len(), 1);
    assert_eq!(stage.script.count("/api/v2/private/get_order_history_by_instrument"), 0);
}

#[tokio::test]
async fn an_answer_about_something_else_is_no_answer() {
    for (route, venue_order, fixture) in [
        (BY_LABEL, None, "by_label_other_instrument"),
        (ORDER, Some("BTC-60131"), "order_other_label"),
        (ORDER, Some("BTC-1"), "order_filled"),
    ] {
        let stage = deribit();
        stage.script.fixture(route, 200, &format!("deribit/{fixture}"));
        stage.script.fixture(OF_ORDER, 200, "deribit/trades_of_order_two");
        let answer = stage.venue.find(&reference(venue_order)).await;
        let error = "answer names another order".to_owned();
        assert_eq!(answer, Err(QueryError::Unavailable(error)), "{fixture}");
    }
    let stage = deribit();
    stage.script.fixture(ORDER, 200, "deribit/order_filled");
    stage.script.fixture(OF_ORDER, 200, "deribit/trades_of_another_order");
    let answer = stage.venue.find(&reference(Some("BTC-60131"))).await;
    assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{answer:?}");
}

async fn since(stage: &Stage, since: u64) -> Result<Vec<OrderSnapshot>, QueryError> {
    let symbol = "BTC-PERPETUAL".parse().unwrap();
    stage.venue.orders_since(&symbol, VenueMillis(since)).await
}

fn seen(listed: &[OrderSnapshot]) -> Vec<String> {
    let line = |order: &OrderSnapshot| {
        format!("{} {} {}", order.client_id, order.executed, order.fills.len())
    };
    let mut seen: Vec<_> = listed.iter().map(line).collect();
    seen.sort();
    seen
}

#[tokio::test]
async fn a_listing_joins_open_ended_and_traded_orders_without_what_is_not_ours_or_older() {
    let stage = deribit();
    stage.script.fixture(OPEN, 200, "deribit/open_orders_one");
    stage.script.fixture(HISTORY, 200, "deribit/history_first_page");
    stage.script.fixture(HISTORY, 200, "deribit/history_last_page");
    stage.script.fixture(TRADES, 200, "deribit/trades_page_two");
    let listed = since(&stage, NOW).await.unwrap();
    assert_eq!(seen(&listed), ["leg0a1 100 2", "leg0a2 0 0", "leg1a1 0 0"]);
    let asked = bodies(&stage, "/api/v2/private/get_order_history_by_instrument");
    assert_eq!(asked.len(), 2);
    assert!(asked[1].contains(r#""continuation":"xY7T6cut""#), "{asked:?}");
    let asked = bodies(&stage, "/api/v2/private/get_user_trades_by_instrument_and_time");
    assert!(
        asked[0].contains(r#""start_timestamp":1795334370000,"end_timestamp":1795338000250"#),
        "{asked:?}"
    );
}

#[tokio::test]
async fn an_order_created_before_its_stamp_by_clocks_that_disagree_is_listed() {
    // The order that traded was created 20 ms after the moment of the fixtures.
    for early_ms in [1_500, 30_000] {
        let stage = deribit();
        stage.script.fixture(OPEN, 200, "deribit/open_orders_none");
        stage.script.fixture(HISTORY, 200, "deribit/history_first_page");
        stage.script.fixture(HISTORY, 200, "deribit/history_last_page");
        stage.script.fixture(TRADES, 200, "deribit/trades_page_two");
        let since = NOW + 20 + early_ms;
        let listed = seen(&self::since(&stage, since).await.unwrap());
        assert!(listed.contains(&"leg0a1 100 2".to_owned()), "{early_ms}: {listed:?}");
        let asked = bodies(&stage, "/api/v2/private/get_user_trades_by_instrument_and_time");
        let start = format!(r#""start_timestamp":{},"#, since - 30_000);
        assert!(asked[0].contains(&start), "{asked:?}");
    }
}

#[tokio::test]
async fn paging_ends_where_nothing_is_young_enough() {
    let stage = deribit();
    stage.script.fixture(OPEN, 200, "deribit/open_orders_none");
    stage.script.fixture(HISTORY, 200, "deribit/history_old_page");
    stage.script.fixture(TRADES, 200, "deribit/trades_page_none");
    assert_eq!(since(&stage, NOW).await, Ok(Vec::new()));
    assert_eq!(stage.script.count("/api/v2/private/get_order_history_by_instrument"), 1);
}

#[tokio::test]
async fn a_listing_that_begins_with_the_oldest_is_read_to_its_end() {
    let stage = deribit();
    stage.script.fixture(OPEN, 200, "deribit/open_orders_none");
    stage.script.fixture(HISTORY, 200, "deribit/history_old_page_oldest_first");
    stage.script.fixture(HISTORY, 200, "deribit/history_last_page");
    stage.script.fixture(TRADES, 200, "deribit/trades_page_none");
    assert_eq!(seen(&since(&stage, NOW).await.unwrap()), ["leg0a2 0 0"]);
}

#[tokio::test]
async fn an_old_listing_is_read_from_both_views() {
    let stage = deribit();
    stage.script.fixture(OPEN, 200, "deribit/open_orders_none");
    stage.script.fixture(HISTORY, 200, "deribit/history_none");
    stage.script.fixture(TRADES, 200, "deribit/trades_page_none");
    assert_eq!(since(&stage, NOW - 24 * HOUR_MS).await, Ok(Vec::new()));
    for path in ["get_order_history_by_instrument", "get_user_trades_by_instrument_and_time"] {
        let asked = bodies(&stage, &format!("/api/v2/private/{path}"));
        assert_eq!(asked.len(), 2);
        assert!(asked[1].contains(r#""historical":true"#), "{asked:?}");
    }
}

#[tokio::test]
async fn an_order_known_only_by_its_trade_is_looked_up() {
    let stage = deribit();
    stage.script.fixture(OPEN, 200, "deribit/open_orders_none");
    stage.script.fixture(HISTORY, 200, "deribit/history_none");
    stage.script.fixture(TRADES, 200, "deribit/trades_page_unlisted_order");
    stage.script.fixture(ORDER, 200, "deribit/order_unlisted");
    stage.script.fixture(ORDER, 400, "deribit/order_not_found");
    assert_eq!(seen(&since(&stage, NOW).await.unwrap()), ["leg2a1 10 1"]);
    assert_eq!(
        since(&stage, NOW).await,
        Err(QueryError::Unavailable("a trade is listed whose order is not".to_owned()))
    );
}

#[tokio::test]
async fn a_listing_that_cannot_be_complete_is_an_error() {
    let stage = deribit();
    stage.script.fixture(OPEN, 200, "deribit/open_orders_none");
    stage.script.fixture(HISTORY, 200, "deribit/history_first_page");
    stage.script.fixture(TRADES, 200, "deribit/trades_page_none");
    let circle = "listing goes in a circle".to_owned();
    assert_eq!(since(&stage, NOW).await, Err(QueryError::Unavailable(circle)));
    let stage = deribit();
    stage.script.fixture(OPEN, 200, "deribit/open_orders_none");
    stage.script.fixture(HISTORY, 200, "deribit/history_none");
    stage.script.fixture(TRADES, 200, "deribit/trades_page_short_of_more");
    let answer = since(&stage, NOW).await;
    assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{answer:?}");
}

#[tokio::test]
async fn a_cancel_names_the_order_or_its_label_and_proves_nothing() {
    let stage = deribit();
    let route = "POST /api/v2/private/cancel";
    stage.script.fixture(route, 200, "deribit/cancel_taken");
    stage.script.fixture(route, 400, "deribit/cancel_not_open");
    stage.script.fixture(route, 400, "deribit/temporarily_unavailable");
    let known = reference(Some("BTC-60131"));
    assert_eq!(stage.venue.cancel(&known).await, Ok(CancelAnswer::Acknowledged));
    assert_eq!(stage.venue.cancel(&known).await, Ok(CancelAnswer::NotOpen));
    assert!(matches!(stage.venue.cancel(&known).await, Err(QueryError::Unavailable(_))));
    let route = "POST /api/v2/private/cancel_by_label";
    stage.script.fixture(route, 200, "deribit/cancel_by_label_one");
    stage.script.fixture(route, 200, "deribit/cancel_by_label_none");
    assert_eq!(stage.venue.cancel(&reference(None)).await, Ok(CancelAnswer::Acknowledged));
    assert_eq!(stage.venue.cancel(&reference(None)).await, Ok(CancelAnswer::NotOpen));
}
