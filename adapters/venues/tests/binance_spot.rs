//! Binance spot: what differs from the futures, and what answers turn into.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{NOW, Stage, binance_spot, order, order_ref, shown, shown_balances, shown_orders};
use equipoise_core::{
    InstrumentKind, OrderEnd, OrderKind, OrderRequest, OrderSnapshot, OrderState, PositionMode,
    RefusalKind, Side, Symbol, TimeInForce, VenueMillis,
};
use equipoise_port::{Account, CancelAnswer, PlaceError, Purpose, QueryError};

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

fn rules_stage(info: &str, commission: &str) -> Stage {
    let stage = binance_spot();
    stage.script.fixture("GET /api/v3/exchangeInfo", 200, &format!("binance_spot/{info}"));
    let fee = format!("binance_spot/{commission}");
    stage.script.fixture("GET /api/v3/account/commission", 200, &fee);
    stage
}

#[tokio::test]
async fn rules_come_from_the_filters_and_every_part_of_the_fee_counts() {
    let stage = rules_stage("exchange_info_btcusdt", "commission_btcusdt");
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
    assert_eq!(numbers, ["0.01", "0.00001", "0.00001", "9000", "107.14526537", "5", "1", "0.0013"]);
    let assets = [rules.base.as_str(), rules.quote.as_str(), rules.settle.as_str()];
    assert_eq!(assets, ["BTC", "USDT", "USDT"]);
    assert!(rules.check().is_ok());
    assert!(stage.script.sent().iter().any(|line| line.ends_with("exchangeInfo?symbol=BTCUSDT")));
    let older = rules_stage("exchange_info_min_notional", "commission_btcusdt");
    assert_eq!(older.venue.instrument(&btc()).await.unwrap().notional_min.to_string(), "10");
}

#[tokio::test]
async fn a_fee_paid_in_another_asset_takes_nothing_from_what_is_bought() {
    for (commission, fee) in
        [("commission_paid_in_bnb", "0"), ("commission_paid_in_base", "0.0013")]
    {
        let stage = rules_stage("exchange_info_btcusdt", commission);
        let rules = stage.venue.instrument(&btc()).await.unwrap();
        assert_eq!(rules.taker_fee.to_string(), fee, "{commission}");
    }
}

#[tokio::test]
async fn a_fee_that_cannot_be_read_is_an_error_because_it_sizes_orders() {
    let stage = binance_spot();
    let fee = "GET /api/v3/account/commission";
    stage.script.fixture("GET /api/v3/exchangeInfo", 200, "binance_spot/exchange_info_btcusdt");
    stage.script.body(fee, 500, "");
    stage.script.body(fee, 404, "<html>not found</html>");
    stage.script.fixture("GET /api/v3/account", 200, "binance_spot/account_spot");
    let missing = stage.venue.instrument(&btc()).await;
    assert!(matches!(missing, Err(QueryError::Unavailable(_))), "{missing:?}");
    // A host without the page shows the standard rate in the account.
    assert_eq!(stage.venue.instrument(&btc()).await.unwrap().taker_fee.to_string(), "0.001");
}

#[tokio::test]
async fn an_instrument_that_cannot_be_traded_is_refused_with_the_reason() {
    for (info, reason) in [
        ("exchange_info_halted", "BTCUSDT is HALT, not TRADING"),
        ("exchange_info_not_spot", "BTCUSDT is not open for spot trading"),
        (
            "exchange_info_without_expire_taker",
            "BTCUSDT does not offer to cancel the taker against self-trades",
        ),
    ] {
        let stage = rules_stage(info, "commission_btcusdt");
        match stage.venue.instrument(&btc()).await {
            Err(QueryError::Refused { message, .. }) => assert_eq!(message, reason),
            other => panic!("{info}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_symbol_that_does_not_exist_is_refused() {
    let stage = binance_spot();
    stage.script.fixture("GET /api/v3/exchangeInfo", 400, "binance_spot/exchange_info_unknown");
    let answer = stage.venue.instrument(&"NOPEUSDT".parse().unwrap()).await;
    let refused =
        QueryError::Refused { code: "-1121".to_owned(), message: "Invalid symbol.".to_owned() };
    assert_eq!(answer, Err(refused));
}

#[tokio::test]
async fn the_middle_of_the_book_stands_in_for_a_mark_price() {
    let stage = binance_spot();
    let route = "GET /api/v3/ticker/bookTicker";
    for name in ["btcusdt", "one_sided", "empty"] {
        stage.script.fixture(route, 200, &format!("binance_spot/book_ticker_{name}"));
    }
    let quote = stage.venue.quote(&btc()).await.unwrap();
    assert_eq!((quote.mark.to_string().as_str(), quote.funding), ("65000.005", None));
    let quote = stage.venue.quote(&btc()).await.unwrap();
    assert_eq!((quote.mark.to_string().as_str(), quote.book.ask), ("65000", None));
    assert!(matches!(stage.venue.quote(&btc()).await, Err(QueryError::Unavailable(_))));
    let other = stage.venue.quote(&"ETHUSDT".parse().unwrap()).await;
    assert!(matches!(other, Err(QueryError::Unavailable(_))), "{other:?}");
}

#[tokio::test]
async fn a_spot_account_has_balances_and_no_positions() {
    let stage = binance_spot();
    let route = "GET /api/v3/account";
    for name in ["account_spot", "account_spot", "account_read_only", "account_margin"] {
        stage.script.fixture(route, 200, &format!("binance_spot/{name}"));
    }
    stage.script.fixture(route, 401, "binance_spot/account_bad_key");
    let balances = stage.venue.balances().await.unwrap();
    assert_eq!(shown_balances(&balances), ["BTC 0.6 0.5", "USDT 1000.25 1000.25"]);
    let one_way = |can_trade| Ok(Account { position_mode: PositionMode::OneWay, can_trade });
    assert_eq!(stage.venue.account(&[btc()]).await, one_way(true));
    assert_eq!(stage.venue.account(&[btc()]).await, one_way(false));
    assert_eq!(
        stage.venue.account(&[btc()]).await,
        Err(QueryError::Refused {
            code: "account".to_owned(),
            message: "only spot accounts are supported, this is MARGIN".to_owned()
        })
    );
    assert!(matches!(stage.venue.account(&[]).await, Err(QueryError::Credentials { .. })));
    let position = stage.venue.position(&btc()).await;
    assert!(matches!(position, Err(QueryError::Refused { .. })), "{position:?}");
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
