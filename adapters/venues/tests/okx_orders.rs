//! OKX swaps and spot: what answers to orders, queries, listings and cancels turn into.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::Duration;

use common::{NOW, Stage, okx, okx_spot, okx_swap, read_fixture, shown, stage_at};
use equipoise_core::{
    OrderEnd, OrderKind, OrderRequest, OrderSnapshot, OrderState, PositionSide, RefusalKind, Side,
    Symbol, TimeInForce, VenueMillis,
};
use equipoise_port::{CancelAnswer, OrderRef, PlaceError, Purpose, QueryError};
use equipoise_venues::Endpoint;
use http::Response;

const PLACE: &str = "POST /api/v5/trade/order";
const ORDER: &str = "GET /api/v5/trade/order";
const PENDING: &str = "GET /api/v5/trade/orders-pending";
const HISTORY: &str = "GET /api/v5/trade/orders-history";
const ARCHIVE: &str = "GET /api/v5/trade/orders-history-archive";
const FILLS: &str = "GET /api/v5/trade/fills";
const FILLS_ARCHIVE: &str = "GET /api/v5/trade/fills-history";
const CANCEL: &str = "POST /api/v5/trade/cancel-order";
const ID: &str = "1969847235168714752";
const DAY_MS: u64 = 86_400_000;

fn order(symbol: &str) -> OrderRequest {
    OrderRequest {
        symbol: symbol.parse().unwrap(),
        quantity: "10".parse().unwrap(),
        ..common::order("leg2a1", Side::Sell)
    }
}

fn reference(symbol: &str, venue_order: Option<&str>) -> OrderRef {
    OrderRef { symbol: symbol.parse().unwrap(), ..common::order_ref("leg2a1", venue_order) }
}

fn swap_ref(venue_order: Option<&str>) -> OrderRef {
    reference("BTC-USDT-SWAP", venue_order)
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
async fn an_order_is_found_by_client_id_with_its_fills_and_fees() {
    let stage = okx_swap();
    stage.script.fixture(ORDER, 200, "okx/order_filled");
    stage.script.fixture(FILLS, 200, "okx/fills_one_partly");
    stage.script.fixture(FILLS, 200, "okx/fills_two");
    let found = stage.venue.find(&swap_ref(None)).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].venue_order.as_str(), ID);
    assert_eq!(found[0].state, OrderState::Ended(OrderEnd::Filled));
    assert_eq!(found[0].executed.to_string(), "10");
    assert_eq!(
        shown(&found[0].fills),
        ["902711455 4@65000.1 1.300002 USDT", "902711456 6@65000.1 1.950003 USDT"]
    );
    let sent = stage.script.sent().join("\n");
    assert!(sent.contains("/trade/order?instId=BTC-USDT-SWAP&clOrdId=leg2a1\n"), "{sent}");
    let others = "fills?instId=BTC-USDT-SWAP&begin=1795334370000&end=1795334460000&limit=100";
    assert!(sent.contains(others), "{sent}");
    assert!(sent.contains(&format!("fills?instId=BTC-USDT-SWAP&ordId={ID}&limit=100")), "{sent}");
}

#[tokio::test]
async fn by_the_exchanges_own_id_only_that_order_is_asked_for() {
    let stage = okx_swap();
    stage.script.fixture(ORDER, 200, "okx/order_partly_open");
    stage.script.fixture(FILLS, 200, "okx/fills_one_partly");
    let found = stage.venue.find(&swap_ref(Some(ID))).await.unwrap();
    assert_eq!(
        (found[0].state.clone(), found[0].executed.to_string()),
        (OrderState::Open, "4".to_owned())
    );
    assert_eq!(stage.script.count("/api/v5/trade/fills"), 1);
    let sent = stage.script.sent().join("\n");
    assert!(sent.contains(&format!("order?instId=BTC-USDT-SWAP&ordId={ID}")), "{sent}");
}

#[tokio::test]
async fn fees_keep_their_asset_and_rebates_their_sign() {
    let stage = okx_spot();
    stage.script.fixture(ORDER, 200, "okx/order_spot_filled");
    stage.script.fixture(FILLS, 200, "okx/fills_spot_buy");
    let found = stage.venue.find(&reference("BTC-USDT", Some(ID))).await.unwrap();
    assert_eq!(shown(&found[0].fills), ["744876980 0.1@65000.1 0.0001 BTC"]);
    let stage = okx_swap();
    stage.script.fixture(ORDER, 200, "okx/order_ioc_partly");
    stage.script.fixture(FILLS, 200, "okx/fills_maker_rebate");
    let found = stage.venue.find(&swap_ref(Some(ID))).await.unwrap();
    assert_eq!(shown(&found[0].fills), ["902711455 4@65000.1 -0.2600004 USDT"]);
    let stage = okx_swap();
    let inverse = read_fixture("okx/order_ioc_partly").replace("BTC-USDT-SWAP", "BTC-USD-SWAP");
    stage.script.body(ORDER, 200, &inverse);
    stage.script.fixture(FILLS, 200, "okx/fills_inverse");
    let found = stage.venue.find(&reference("BTC-USD-SWAP", Some(ID))).await.unwrap();
    assert_eq!(shown(&found[0].fills), ["902711455 4@65000.1 0.00000308 BTC"]);
}

#[tokio::test]
async fn every_ending_has_its_reason_and_an_unknown_state_stays_open() {
    let cancelled =
        |reason: &str| OrderState::Ended(OrderEnd::Cancelled { reason: reason.to_owned() });
    for (fixture, state) in [
        ("resting", OrderState::Open),
        ("unknown_state", OrderState::Open),
        ("ioc_partly", cancelled("14: The rest of the IOC order was cancelled")),
        ("post_only_cancelled", cancelled("31: The post-only order would have taken liquidity")),
        ("fok_cancelled", cancelled("13: FOK order was not fully filled")),
        ("self_trade_cancelled", cancelled("32: Self trade prevention")),
        ("price_band_cancelled", cancelled("27")),
    ] {
        let stage = okx_swap();
        stage.script.fixture(ORDER, 200, &format!("okx/order_{fixture}"));
        stage.script.fixture(FILLS, 200, "okx/fills_one_partly");
        let found = stage.venue.find(&swap_ref(Some(ID))).await.unwrap();
        assert_eq!(found[0].state, state, "{fixture}");
    }
}

#[tokio::test]
async fn a_client_id_taken_twice_shows_both_orders() {
    let stage = okx_swap();
    stage.script.fixture(ORDER, 200, "okx/order_namesake");
    stage.script.fixture(ORDER, 200, "okx/order_filled");
    stage.script.fixture(FILLS, 200, "okx/fills_of_namesakes");
    stage.script.fixture(FILLS, 200, "okx/fills_namesake_first");
    stage.script.fixture(FILLS, 200, "okx/fills_namesake_second");
    let found = stage.venue.find(&swap_ref(None)).await.unwrap();
    let seen: Vec<String> =
        found.iter().map(|order| format!("{} {}", order.venue_order, order.executed)).collect();
    assert_eq!(seen, ["1969847235168714752 10", "1969847301552316416 10"]);
    assert_eq!(found[0].fills[0].trade.as_str(), "902711456");
    assert_eq!(found[1].fills[0].trade.as_str(), "902711460");
}

#[tokio::test]
async fn absence_is_an_empty_answer_unless_a_fill_contradicts_it() {
    let stage = okx_swap();
    stage.script.fixture(ORDER, 200, "okx/order_absent");
    stage.script.fixture(FILLS, 200, "okx/fills_none");
    stage.script.fixture(FILLS, 200, "okx/fills_two");
    assert_eq!(stage.venue.find(&swap_ref(None)).await, Ok(Vec::new()));
    assert_eq!(
        stage.venue.find(&swap_ref(None)).await,
        Err(QueryError::Unavailable("a fill is listed whose order is not".to_owned()))
    );
}

#[tokio::test]
async fn an_answer_about_another_order_or_about_none_is_no_answer() {
    for (fixture, symbol) in [
        ("order_other_client_id", "BTC-USDT-SWAP"),
        ("order_resting", "ETH-USDT-SWAP"),
        ("orders_none", "BTC-USDT-SWAP"),
        ("orders_pending_two", "BTC-USDT-SWAP"),
    ] {
        let stage = okx_swap();
        stage.script.fixture(ORDER, 200, &format!("okx/{fixture}"));
        stage.script.fixture(FILLS, 200, "okx/fills_none");
        let answer = stage.venue.find(&reference(symbol, Some(ID))).await;
        assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{fixture}: {answer:?}");
    }
}

#[tokio::test]
async fn fills_of_another_order_are_not_booked() {
    let stage = okx_swap();
    stage.script.fixture(ORDER, 200, "okx/order_ioc_partly");
    stage.script.fixture(FILLS, 200, "okx/fills_unlisted_order");
    let answer = stage.venue.find(&swap_ref(Some(ID))).await;
    assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{answer:?}");
}

async fn since(stage: &Stage, symbol: &str) -> Result<Vec<OrderSnapshot>, QueryError> {
    let symbol: Symbol = symbol.parse().unwrap();
    stage.venue.orders_since(&symbol, VenueMillis(NOW)).await
}

#[tokio::test]
async fn a_listing_joins_open_orders_history_and_fills_without_what_is_not_ours_or_older() {
    let stage = okx_swap();
    stage.script.fixture(PENDING, 200, "okx/orders_none");
    stage.script.fixture(HISTORY, 200, "okx/orders_history_mixed");
    stage.script.fixture(FILLS, 200, "okx/fills_unlisted_order");
    stage.script.fixture(ORDER, 200, "okx/order_unlisted");
    let listed = since(&stage, "BTC-USDT-SWAP").await.unwrap();
    let seen: Vec<String> = listed
        .iter()
        .map(|order| format!("{} {} {}", order.client_id, order.executed, order.fills.len()))
        .collect();
    assert_eq!(seen, ["leg2a1 4 1", "leg2a2 1 1"]);
    let sent = stage.script.sent();
    let position = |part: &str| sent.iter().position(|line| line.contains(part)).unwrap();
    let history = "orders-history?instId=BTC-USDT-SWAP&begin=1795334370000&instType=SWAP&limit=100";
    assert!(position("orders-pending?instId=BTC-USDT-SWAP&limit=100") < position(history));
    assert!(
        position("orders-pending") < position("fills?instId=BTC-USDT-SWAP&begin=1795334370000")
    );
    assert_eq!(stage.script.count("/api/v5/trade/orders-history-archive"), 0);
}

#[tokio::test]
async fn open_orders_are_listed_and_those_placed_by_hand_left_out() {
    let stage = okx_swap();
    stage.script.fixture(PENDING, 200, "okx/orders_pending_two");
    stage.script.fixture(HISTORY, 200, "okx/orders_none");
    stage.script.fixture(FILLS, 200, "okx/fills_none");
    let listed = since(&stage, "BTC-USDT-SWAP").await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].client_id.as_str(), &listed[0].state), ("leg2a2", &OrderState::Open));
}

#[tokio::test]
async fn an_order_in_two_listings_is_shown_as_the_later_one() {
    let stage = okx_swap();
    stage.script.fixture(PENDING, 200, "okx/order_resting");
    let ended = read_fixture("okx/order_ioc_partly").replace("1795334400043", "1795334400999");
    stage.script.body(HISTORY, 200, &ended);
    stage.script.fixture(FILLS, 200, "okx/fills_one_partly");
    let listed = since(&stage, "BTC-USDT-SWAP").await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].executed.to_string(), "4");
}

#[tokio::test]
async fn old_orders_and_fills_are_looked_for_in_the_archives() {
    let stage = okx_swap();
    for route in [PENDING, HISTORY, ARCHIVE] {
        stage.script.fixture(route, 200, "okx/orders_none");
    }
    stage.script.fixture(FILLS_ARCHIVE, 200, "okx/fills_none");
    let symbol: Symbol = "BTC-USDT-SWAP".parse().unwrap();
    let long_ago = VenueMillis(NOW - 10 * DAY_MS);
    assert_eq!(stage.venue.orders_since(&symbol, long_ago).await, Ok(Vec::new()));
    let sent = stage.script.sent().join("\n");
    assert!(sent.contains("orders-history-archive?") && sent.contains("orders-history?"), "{sent}");
    assert!(sent.contains("fills-history?instId=BTC-USDT-SWAP&begin=1794470370000&instType=SWAP"));
}

#[tokio::test]
async fn spot_orders_in_cross_margin_are_asked_for_under_both_names() {
    for (config, kinds) in [("config_spot", 1), ("config_multi_currency", 2)] {
        let stage = okx("okx-spot", &format!("okx/{config}"));
        stage.script.fixture(PENDING, 200, "okx/orders_none");
        stage.script.fixture(HISTORY, 200, "okx/orders_none");
        stage.script.fixture(FILLS, 200, "okx/fills_none");
        assert_eq!(since(&stage, "BTC-USDT").await, Ok(Vec::new()));
        assert_eq!(stage.script.count("/api/v5/trade/orders-history"), kinds, "{config}");
    }
}

#[tokio::test]
async fn a_fill_whose_order_cannot_be_shown_makes_the_listing_an_error() {
    let stage = okx_swap();
    stage.script.fixture(PENDING, 200, "okx/orders_none");
    stage.script.fixture(HISTORY, 200, "okx/orders_none");
    stage.script.fixture(FILLS, 200, "okx/fills_unlisted_order");
    stage.script.fixture(ORDER, 200, "okx/order_absent");
    assert_eq!(
        since(&stage, "BTC-USDT-SWAP").await,
        Err(QueryError::Unavailable("a fill is listed whose order is not".to_owned()))
    );
}

/// A page of open orders with descending ids from `newest` on.
fn page(newest: u64, rows: u64) -> String {
    let row = read_fixture("okx/order_resting");
    let (head, rest) = row.split_once("    {").unwrap();
    let (row, tail) = rest.rsplit_once("    }").unwrap();
    let all = (0..rows).map(|index| {
        let own = (newest - index).to_string();
        format!("    {{{}    }}", row.replace(ID, &own).replace("leg2a1", &format!("id{own}")))
    });
    format!("{head}{}{tail}", all.collect::<Vec<_>>().join(",\n"))
}

#[tokio::test]
async fn full_pages_are_continued_until_one_has_room() {
    let stage = okx_swap();
    stage.script.body(PENDING, 200, &page(1_000, 100));
    stage.script.body(PENDING, 200, &page(900, 100));
    stage.script.body(PENDING, 200, &page(800, 7));
    stage.script.fixture(HISTORY, 200, "okx/orders_none");
    stage.script.fixture(FILLS, 200, "okx/fills_none");
    assert_eq!(since(&stage, "BTC-USDT-SWAP").await.unwrap().len(), 207);
    let sent = stage.script.sent().join("\n");
    assert!(sent.contains("limit=100&after=901") && sent.contains("limit=100&after=801"), "{sent}");
}

#[tokio::test]
async fn a_listing_that_goes_in_a_circle_is_an_error() {
    let stage = okx_swap();
    stage.script.body(PENDING, 200, &page(1_000, 100));
    assert_eq!(
        since(&stage, "BTC-USDT-SWAP").await,
        Err(QueryError::Unavailable("listing goes in a circle".to_owned()))
    );
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
async fn a_venue_that_refuses_a_stamp_is_asked_for_its_time_again() {
    let stage = okx_swap();
    stage.script.fixture(ORDER, 401, "okx/place_stale_stamp");
    stage.script.fixture(ORDER, 200, "okx/order_absent");
    let first = stage.venue.find(&swap_ref(Some(ID))).await;
    assert!(matches!(first, Err(QueryError::Unavailable(_))), "{first:?}");
    assert_eq!(stage.script.count("/api/v5/public/time"), 1);
    assert_eq!(stage.venue.find(&swap_ref(Some(ID))).await, Ok(Vec::new()));
    assert_eq!(stage.script.count("/api/v5/public/time"), 2);
}

#[tokio::test]
async fn queries_tell_a_bad_key_from_a_busy_venue() {
    let stage = okx_swap();
    stage.script.fixture(ORDER, 401, "okx/place_bad_signature");
    stage.script.fixture(ORDER, 429, "okx/place_rate_limited");
    let answer = stage.venue.find(&swap_ref(Some(ID))).await;
    assert!(matches!(answer, Err(QueryError::Credentials { .. })), "{answer:?}");
    let answer = stage.venue.find(&swap_ref(Some(ID))).await;
    assert!(matches!(answer, Err(QueryError::Busy { retry_after_ms: 2_000, .. })), "{answer:?}");
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
    use equipoise_port::TransportError;
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
