//! OKX swaps and spot: finding orders again, and listing them completely.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{NOW, Stage, okx, okx_spot, okx_swap, read_fixture, shown};
use equipoise_core::{OrderEnd, OrderSnapshot, OrderState, Symbol, VenueMillis};
use equipoise_port::{OrderRef, QueryError};

const ORDER: &str = "GET /api/v5/trade/order";
const PENDING: &str = "GET /api/v5/trade/orders-pending";
const HISTORY: &str = "GET /api/v5/trade/orders-history";
const ARCHIVE: &str = "GET /api/v5/trade/orders-history-archive";
const FILLS: &str = "GET /api/v5/trade/fills";
const FILLS_ARCHIVE: &str = "GET /api/v5/trade/fills-history";
const ID: &str = "1969847235168714752";
const DAY_MS: u64 = 86_400_000;

fn reference(symbol: &str, venue_order: Option<&str>) -> OrderRef {
    OrderRef { symbol: symbol.parse().unwrap(), ..common::order_ref("leg2a1", venue_order) }
}

fn swap_ref(venue_order: Option<&str>) -> OrderRef {
    reference("BTC-USDT-SWAP", venue_order)
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
