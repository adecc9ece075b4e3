//! Bybit spot: what differs from the contracts, and what answers turn into.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{NOW, Stage, bybit_spot, order, order_ref, shown, shown_balances, shown_orders};
use equipoise_core::{
    InstrumentKind, OrderEnd, OrderKind, OrderRequest, OrderSnapshot, OrderState, PositionMode,
    RefusalKind, Side, Symbol, VenueMillis,
};
use equipoise_port::{Account, CancelAnswer, PlaceError, Purpose, QueryError};

const CREATE: &str = "POST /v5/order/create";
const LIVE: &str = "GET /v5/order/realtime";
const HISTORY: &str = "GET /v5/order/history";
const EXECUTIONS: &str = "GET /v5/execution/list";
const INSTRUMENTS: &str = "GET /v5/market/instruments-info";

fn btc() -> Symbol {
    "BTCUSDT".parse().unwrap()
}

fn market() -> OrderRequest {
    OrderRequest { kind: OrderKind::Market, ..order("leg0a1", Side::Buy) }
}

async fn placed(status: u16, fixture: &str) -> Result<OrderSnapshot, PlaceError> {
    let stage = bybit_spot();
    stage.script.fixture(CREATE, status, &format!("bybit_spot/{fixture}"));
    stage.venue.place(&market()).await
}

#[tokio::test]
async fn a_market_buy_is_sent_in_base_units_and_its_acknowledgement_proves_no_fill() {
    let stage = bybit_spot();
    stage.script.fixture(CREATE, 200, "bybit_spot/create_acknowledged");
    let snapshot = stage.venue.place(&market()).await.unwrap();
    assert_eq!(snapshot.state, OrderState::Open);
    assert!(snapshot.executed.is_zero() && snapshot.fills.is_empty());
    let requests = stage.script.requests.lock().unwrap();
    assert_eq!(
        requests[0].0.body().as_ref(),
        br#"{"category":"spot","symbol":"BTCUSDT","isLeverage":0,"side":"Buy","orderType":"Market","qty":"0.1","marketUnit":"baseCoin","orderLinkId":"leg0a1","smpType":"CancelTaker"}"#
    );
}

#[tokio::test]
async fn an_order_that_speaks_of_positions_never_leaves() {
    let stage = bybit_spot();
    let reducing = OrderRequest { reduce_only: true, ..order("leg0a1", Side::Sell) };
    assert!(matches!(stage.venue.place(&reducing).await, Err(PlaceError::NotSent(_))));
    assert!(stage.script.sent().is_empty());
}

#[tokio::test]
async fn documented_refusals_say_what_may_follow() {
    for (fixture, kind, code) in [
        ("create_balance_insufficient", RefusalKind::Final, "170131"),
        ("create_amount_too_small", RefusalKind::Final, "170140"),
        ("create_quantity_too_small", RefusalKind::Final, "170136"),
        ("create_post_only_refused", RefusalKind::Final, "170218"),
        ("create_no_permission", RefusalKind::Credentials, "10005"),
        ("create_too_many_orders", RefusalKind::RateLimited { retry_after_ms: 1_000 }, "170005"),
    ] {
        match placed(200, fixture).await {
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
        (200, "create_duplicate_id"),
        (200, "create_timeout"),
        (200, "create_submitted"),
        (200, "create_failed"),
        (200, "cancel_not_open"),
        (500, "create_balance_insufficient"),
    ] {
        let answer = placed(status, fixture).await;
        assert!(matches!(answer, Err(PlaceError::Unknown(_))), "{status} {fixture}: {answer:?}");
    }
}

async fn found(orders: &str, executions: &str) -> Result<Vec<OrderSnapshot>, QueryError> {
    let stage = bybit_spot();
    stage.script.fixture(LIVE, 200, &format!("bybit_spot/{orders}"));
    stage.script.fixture(HISTORY, 200, "bybit_spot/order_listing_empty");
    stage.script.fixture(EXECUTIONS, 200, &format!("bybit_spot/{executions}"));
    stage.script.fixture(INSTRUMENTS, 200, "bybit_spot/instruments_btcusdt");
    stage.venue.find(&order_ref("leg0a1", None)).await
}

#[tokio::test]
async fn a_fee_is_paid_in_what_is_received_and_a_makers_rebate_in_what_is_given() {
    for (executions, expected) in [
        (
            "executions_bought",
            vec![
                "2290000000001 0.05@65000.1 0.00009 BTC",
                "2290000000002 0.05@65000.1 0.00009 BTC",
            ],
        ),
        ("executions_sold", vec!["2290000000003 0.05@65000.1 5.850009 USDT"]),
        (
            "executions_rebates",
            vec![
                "2290000000004 0.05@65000.1 -0.325 USDT",
                "2290000000005 0.05@65000.1 -0.000005 BTC",
            ],
        ),
    ] {
        let orders = found("order_listing_filled", executions).await.unwrap();
        assert_eq!(shown(&orders[0].fills), expected, "{executions}");
    }
    let sideless = found("order_listing_filled", "executions_sideless").await;
    assert!(matches!(sideless, Err(QueryError::Unavailable(_))), "{sideless:?}");
}

#[tokio::test]
async fn a_cancelled_order_keeps_its_fills() {
    let cancelled =
        |reason: &str| OrderState::Ended(OrderEnd::Cancelled { reason: reason.to_owned() });
    let part = found("order_listing_partly_filled_canceled", "executions_part").await.unwrap();
    assert_eq!(part[0].state, cancelled("EC_CancelForNoFullFill"));
    assert_eq!(part[0].executed.to_string(), "0.04");
    assert_eq!(shown(&part[0].fills), ["2290000000007 0.04@65000.1 0.000072 BTC"]);
    for (orders, state) in [
        ("order_listing_cancelled", cancelled("EC_PostOnlyWillTakeLiquidity")),
        (
            "order_listing_rejected",
            OrderState::Ended(OrderEnd::Rejected { reason: "EC_NoEnoughQtyToFill".to_owned() }),
        ),
        ("order_listing_resting", OrderState::Open),
    ] {
        let whole = found(orders, "executions_empty").await.unwrap();
        assert_eq!(whole[0].state, state, "{orders}");
        assert!(whole[0].executed.is_zero(), "{orders}");
    }
}

#[tokio::test]
async fn queries_name_the_category_and_one_order() {
    let stage = bybit_spot();
    stage.script.fixture(LIVE, 200, "bybit_spot/order_listing_empty");
    stage.script.fixture(HISTORY, 200, "bybit_spot/order_listing_empty");
    stage.script.fixture(EXECUTIONS, 200, "bybit_spot/executions_empty");
    assert_eq!(stage.venue.find(&order_ref("leg0a1", None)).await, Ok(Vec::new()));
    for path in ["order/realtime", "order/history", "execution/list"] {
        let start = format!("GET /v5/{path}?category=spot&symbol=BTCUSDT&orderLinkId=leg0a1&");
        assert!(stage.script.sent().iter().any(|line| line.starts_with(&start)), "{path}");
    }
}

#[tokio::test]
async fn a_listing_joins_live_history_and_executions() {
    let stage = bybit_spot();
    stage.script.fixture(LIVE, 200, "bybit_spot/order_listing_resting");
    stage.script.fixture(LIVE, 200, "bybit_spot/order_listing_empty");
    stage.script.fixture(HISTORY, 200, "bybit_spot/order_listing_partly_filled_canceled");
    stage.script.fixture(EXECUTIONS, 200, "bybit_spot/executions_bought");
    stage.script.fixture(INSTRUMENTS, 200, "bybit_spot/instruments_btcusdt");
    let listed = stage.venue.orders_since(&btc(), VenueMillis(NOW)).await.unwrap();
    assert_eq!(shown_orders(&listed), ["leg0a1 0.04"]);
}

#[tokio::test]
async fn a_cancel_proves_nothing_about_the_order() {
    let stage = bybit_spot();
    let route = "POST /v5/order/cancel";
    for name in ["create_acknowledged", "cancel_not_open", "cancel_filled", "cancel_busy"] {
        stage.script.fixture(route, 200, &format!("bybit_spot/{name}"));
    }
    let reference = order_ref("leg0a1", None);
    assert_eq!(stage.venue.cancel(&reference).await, Ok(CancelAnswer::Acknowledged));
    assert_eq!(stage.venue.cancel(&reference).await, Ok(CancelAnswer::NotOpen));
    assert_eq!(stage.venue.cancel(&reference).await, Ok(CancelAnswer::NotOpen));
    assert!(matches!(stage.venue.cancel(&reference).await, Err(QueryError::Unavailable(_))));
    let requests = stage.script.requests.lock().unwrap();
    let bodies: Vec<_> = requests.iter().map(|(request, _)| request.body().clone()).collect();
    assert!(
        bodies.iter().any(|body| body.as_ref()
            == br#"{"category":"spot","symbol":"BTCUSDT","orderLinkId":"leg0a1"}"#)
    );
}

fn rules_stage() -> Stage {
    let stage = bybit_spot();
    stage.script.fixture(INSTRUMENTS, 200, "bybit_spot/instruments_btcusdt");
    stage
}

#[tokio::test]
async fn rules_come_from_the_fields_that_are_in_use() {
    let stage = rules_stage();
    stage.script.fixture("GET /v5/account/fee-rate", 200, "bybit_spot/fee_rate_btcusdt");
    let rules = stage.venue.instrument(&btc()).await.unwrap();
    assert_eq!(rules.kind, InstrumentKind::Spot);
    let numbers = [
        rules.tick.to_string(),
        rules.lot.to_string(),
        rules.quantity_min.to_string(),
        rules.quantity_max.to_string(),
        rules.market_quantity_max.to_string(),
        rules.notional_min.to_string(),
        rules.contract_size.to_string(),
        rules.taker_fee.to_string(),
    ];
    assert_eq!(numbers, ["0.1", "0.000001", "0.000011", "83", "41.5", "5", "1", "0.0018"]);
    let assets = [rules.base.as_str(), rules.quote.as_str(), rules.settle.as_str()];
    assert_eq!(assets, ["BTC", "USDT", "USDT"]);
    assert!(rules.check().is_ok());
}

#[tokio::test]
async fn a_fee_that_cannot_be_read_is_an_error_because_it_sizes_orders() {
    for status in [404, 500] {
        let stage = rules_stage();
        stage.script.body("GET /v5/account/fee-rate", status, "");
        let missing = stage.venue.instrument(&btc()).await;
        assert!(matches!(missing, Err(QueryError::Unavailable(_))), "{missing:?}");
    }
}

#[tokio::test]
async fn the_middle_of_the_book_stands_in_for_a_mark_price() {
    let stage = bybit_spot();
    stage.script.fixture("GET /v5/market/tickers", 200, "bybit_spot/tickers_btcusdt");
    stage.script.fixture("GET /v5/market/tickers", 200, "bybit_spot/tickers_empty_book");
    let quote = stage.venue.quote(&btc()).await.unwrap();
    assert_eq!((quote.mark.to_string().as_str(), quote.funding), ("65000.05", None));
    assert!(matches!(stage.venue.quote(&btc()).await, Err(QueryError::Unavailable(_))));
}

#[tokio::test]
async fn a_spot_account_has_balances_and_no_positions() {
    let stage = bybit_spot();
    let (key, info) = ("GET /v5/user/query-api", "GET /v5/account/info");
    for name in ["query_api_spot", "query_api_contracts_only", "query_api_read_only"] {
        stage.script.fixture(key, 200, &format!("bybit_spot/{name}"));
    }
    stage.script.fixture(info, 200, "bybit_inverse/account_info_unified_1");
    let one_way = |can_trade| {
        let position_mode = PositionMode::OneWay;
        Ok(Account { position_mode, can_trade, margin_mode: None })
    };
    for can_trade in [true, false, false] {
        assert_eq!(stage.venue.account(&[btc()]).await, one_way(can_trade));
    }
    assert_eq!(stage.script.count("/v5/position/list"), 0);
    let position = stage.venue.position(&btc()).await;
    assert!(matches!(position, Err(QueryError::Refused { .. })), "{position:?}");
    stage.script.fixture("GET /v5/account/wallet-balance", 200, "bybit_spot/wallet_btc_usdt");
    let balances = stage.venue.balances().await.unwrap();
    assert_eq!(shown_balances(&balances), ["BTC 0.09982 0.09982", "USDT 1000.5 750.25"]);
}

#[tokio::test]
async fn twenty_orders_fit_into_a_second_and_a_quarter_of_them_stays_back_for_unwinds() {
    let stage = bybit_spot();
    for _ in 0..15 {
        assert_eq!(stage.venue.reserve(Purpose::Entry).await, Ok(()));
    }
    for _ in 0..5 {
        assert_eq!(stage.venue.reserve(Purpose::Unwind).await, Ok(()));
    }
    assert_eq!(equipoise_port::Clock::now(&*stage.clock).0, NOW);
    assert_eq!(stage.venue.reserve(Purpose::Unwind).await, Ok(()));
    assert_eq!(equipoise_port::Clock::now(&*stage.clock).0, NOW + 1_100);
}
