//! Binance COIN-M: what differs from the other futures, and what answers turn into.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{
    NOW, Stage, binance_coinm, order, order_ref, shown, shown_balances, shown_orders,
    shown_position,
};
use equipoise_core::{
    Amount, InstrumentKind, OrderEnd, OrderKind, OrderRequest, OrderSnapshot, OrderState,
    PositionMode, RefusalKind, Side, Symbol, VenueMillis,
};
use equipoise_port::{Account, CancelAnswer, MarginMode, OrderRef, PlaceError, QueryError};

const PLACE: &str = "POST /dapi/v1/order";
const QUERY: &str = "GET /dapi/v1/order";
const TRADES: &str = "GET /dapi/v1/userTrades";
const ID: &str = "7788001";

fn perp() -> Symbol {
    "BTCUSD_PERP".parse().unwrap()
}

fn contracts() -> OrderRequest {
    OrderRequest {
        symbol: perp(),
        quantity: "65".parse().unwrap(),
        kind: OrderKind::Market,
        ..order("leg1a1", Side::Sell)
    }
}

fn reference(venue_order: Option<&str>) -> OrderRef {
    OrderRef { symbol: perp(), ..order_ref("leg1a1", venue_order) }
}

async fn placed(status: u16, fixture: &str) -> Result<OrderSnapshot, PlaceError> {
    let stage = binance_coinm();
    stage.script.fixture(PLACE, status, &format!("binance_coinm/{fixture}"));
    stage.venue.place(&contracts()).await
}

#[tokio::test]
async fn an_order_is_in_whole_contracts() {
    let stage = binance_coinm();
    stage.script.fixture(PLACE, 200, "binance_coinm/order_place_market_filled");
    let filled = stage.venue.place(&contracts()).await.unwrap();
    assert_eq!(filled.state, OrderState::Ended(OrderEnd::Filled));
    assert_eq!(filled.executed.to_string(), "65");
    let sent = stage.script.sent();
    let (unsigned, _) = sent[0].rsplit_once("&signature=").unwrap();
    assert_eq!(
        unsigned,
        "POST /dapi/v1/order?symbol=BTCUSD_PERP&side=SELL&type=MARKET&quantity=65\
         &newClientOrderId=leg1a1&newOrderRespType=RESULT&selfTradePreventionMode=EXPIRE_TAKER\
         &recvWindow=2000&timestamp=1795334400000"
    );
}

#[tokio::test]
async fn documented_refusals_say_what_may_follow() {
    for (status, fixture, kind, code) in [
        (400, "order_place_late_at_engine", RefusalKind::Transient, "-4188"),
        (400, "order_place_reduce_only_failed", RefusalKind::ReduceOnly, "-4112"),
        (400, "order_place_reduce_only_rejected", RefusalKind::ReduceOnly, "-2022"),
        (400, "order_place_margin_insufficient", RefusalKind::Final, "-2019"),
        (400, "order_place_below_one", RefusalKind::Final, "-4178"),
        (400, "order_place_fraction", RefusalKind::Final, "-1111"),
        (400, "order_place_no_permission", RefusalKind::Credentials, "-4090"),
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
        (503, "order_place_status_unknown"),
        (400, "order_query_absent"),
        (500, "order_place_margin_insufficient"),
        (200, "order_place_other_symbol"),
    ] {
        let answer = placed(status, fixture).await;
        assert!(matches!(answer, Err(PlaceError::Unknown(_))), "{status} {fixture}: {answer:?}");
    }
}

#[tokio::test]
async fn fills_are_in_contracts_and_their_fees_in_the_coin() {
    let stage = binance_coinm();
    stage.script.fixture(QUERY, 200, "binance_coinm/order_query_filled");
    stage.script.fixture(TRADES, 200, "binance_coinm/user_trades_two");
    for reference in [reference(None), reference(Some(ID))] {
        let found = stage.venue.find(&reference).await.unwrap();
        assert_eq!(
            shown(&found[0].fills),
            ["9001 40@65001.2 0.00002461 BTC", "9002 25@65001.2 0.00001538 BTC"]
        );
    }
}

async fn since(stage: &Stage) -> Result<Vec<OrderSnapshot>, QueryError> {
    stage.venue.orders_since(&perp(), VenueMillis(NOW)).await
}

#[tokio::test]
async fn a_listing_takes_a_hundred_orders_a_page_and_the_latest_of_each() {
    let stage = binance_coinm();
    stage.script.fixture("GET /dapi/v1/allOrders", 200, "binance_coinm/all_orders_two");
    stage.script.fixture("GET /dapi/v1/openOrders", 200, "binance_coinm/open_orders_one");
    stage.script.body(TRADES, 200, "[]");
    assert_eq!(shown_orders(&since(&stage).await.unwrap()), ["leg1a1 20", "leg1a2 5"]);
    let sent = stage.script.sent().join("\n");
    assert!(
        sent.contains("allOrders?symbol=BTCUSD_PERP&startTime=1795334399000&limit=100&"),
        "{sent}"
    );
}

#[tokio::test]
async fn a_full_page_of_a_hundred_is_split_in_time() {
    let stage = binance_coinm();
    let row = common::read_fixture("binance_coinm/order_query_canceled_partly");
    let route = "GET /dapi/v1/allOrders";
    stage.script.body(route, 200, &format!("[{}]", vec![row.as_str(); 100].join(",")));
    stage.script.body(route, 200, &format!("[{row}]"));
    stage.script.body("GET /dapi/v1/openOrders", 200, "[]");
    stage.script.body(TRADES, 200, "[]");
    assert_eq!(since(&stage).await.unwrap().len(), 1);
    assert_eq!(stage.script.count("/dapi/v1/allOrders"), 3);
}

#[tokio::test]
async fn a_cancel_keeps_the_orders_own_id() {
    let stage = binance_coinm();
    let route = "DELETE /dapi/v1/order";
    stage.script.fixture(route, 200, "binance_coinm/order_cancel_taken");
    stage.script.fixture(route, 400, "binance_coinm/order_cancel_unknown");
    assert_eq!(stage.venue.cancel(&reference(None)).await, Ok(CancelAnswer::Acknowledged));
    assert_eq!(stage.venue.cancel(&reference(None)).await, Ok(CancelAnswer::NotOpen));
    assert!(!stage.script.sent().join("\n").contains("newClientOrderId"));
}

#[tokio::test]
async fn a_contract_is_worth_its_size_in_quote_whatever_the_price() {
    let stage = binance_coinm();
    stage.script.fixture("GET /dapi/v1/exchangeInfo", 200, "binance_coinm/exchange_info_three");
    let fee = "binance_coinm/commission_rate_btcusd_perp";
    stage.script.fixture("GET /dapi/v1/commissionRate", 200, fee);
    let rules = stage.venue.instrument(&perp()).await.unwrap();
    assert_eq!(rules.kind, InstrumentKind::Inverse);
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
    assert_eq!(numbers, ["0.1", "1", "1", "1000000", "60000", "0", "100", "0.0004"]);
    let assets = [rules.base.as_str(), rules.quote.as_str(), rules.settle.as_str()];
    assert_eq!(assets, ["BTC", "USD", "BTC"]);
    let units = Amount::from("65".parse::<equipoise_core::Qty>().unwrap());
    assert_eq!(rules.base_of(units, "65000".parse().unwrap()).to_string(), "0.1");
    let ether = stage.venue.instrument(&"ETHUSD_PERP".parse().unwrap()).await.unwrap();
    assert_eq!(ether.contract_size.to_string(), "10");
    let delivered = stage.venue.instrument(&"BTCUSD_260925".parse().unwrap()).await;
    assert!(matches!(delivered, Err(QueryError::Refused { .. })), "{delivered:?}");
}

#[tokio::test]
async fn the_row_asked_for_is_picked_from_a_list() {
    let stage = binance_coinm();
    let (book, premium) = ("GET /dapi/v1/ticker/bookTicker", "GET /dapi/v1/premiumIndex");
    stage.script.fixture(book, 200, "binance_coinm/book_ticker_btcusd_perp");
    stage.script.fixture(book, 200, "binance_coinm/book_ticker_pair");
    stage.script.fixture(premium, 200, "binance_coinm/premium_index_btcusd_perp");
    stage.script.fixture(premium, 200, "binance_coinm/premium_index_pair");
    let quote = stage.venue.quote(&perp()).await.unwrap();
    assert_eq!(quote.book.bid.unwrap().1.to_string(), "3210");
    assert_eq!(quote.mark.to_string(), "65001.5");
    let funding = quote.funding.unwrap();
    assert_eq!(
        (funding.rate.to_string().as_str(), funding.next_at),
        ("0.0001", VenueMillis(NOW + 28_800_000))
    );
    let quarterly = stage.venue.quote(&"BTCUSD_261225".parse().unwrap()).await.unwrap();
    assert_eq!(quarterly.funding, None);
    assert!(matches!(stage.venue.quote(&perp()).await, Err(QueryError::Unavailable(_))));
}

#[tokio::test]
async fn positions_are_asked_for_by_pair_and_counted_in_contracts() {
    let stage = binance_coinm();
    let route = "GET /dapi/v1/positionRisk";
    for name in ["one_way_short", "hedge", "none"] {
        stage.script.fixture(route, 200, &format!("binance_coinm/position_risk_{name}"));
    }
    for expected in [["0", "65", "-65"], ["30", "10", "20"], ["0", "0", "0"]] {
        let position = stage.venue.position(&perp()).await.unwrap();
        assert_eq!(shown_position(&position), expected);
    }
    assert!(stage.script.sent().iter().any(|line| line.contains("positionRisk?pair=BTCUSD&")));
}

#[tokio::test]
async fn an_account_shows_mode_right_to_trade_and_balances() {
    let stage = binance_coinm();
    let (mode, account) = ("GET /dapi/v1/positionSide/dual", "GET /dapi/v1/account");
    stage.script.fixture(mode, 200, "binance_coinm/position_mode_one_way");
    stage.script.fixture(mode, 200, "binance_coinm/position_mode_hedge");
    stage.script.fixture(account, 200, "binance_coinm/account_trading");
    stage.script.fixture(account, 200, "binance_coinm/account_read_only");
    stage.script.body(account, 404, "");
    stage.script.fixture("GET /dapi/v1/balance", 200, "binance_coinm/balance_two");
    let expect =
        |position_mode, can_trade| Ok(Account { position_mode, can_trade, margin_mode: None });
    assert_eq!(stage.venue.account(&[]).await, expect(PositionMode::OneWay, true));
    assert_eq!(stage.venue.account(&[]).await, expect(PositionMode::Hedge, false));
    assert_eq!(stage.venue.account(&[]).await, expect(PositionMode::Hedge, true));
    assert_eq!(shown_balances(&stage.venue.balances().await.unwrap()), ["BTC 1.5 1.25"]);
    assert_eq!(stage.venue.server_time().await, Ok(VenueMillis(NOW + 250)));
}

#[tokio::test]
async fn the_account_page_tells_the_margin_mode_of_every_contract() {
    let stage = binance_coinm();
    let mode = "GET /dapi/v1/positionSide/dual";
    stage.script.fixture(mode, 200, "binance_coinm/position_mode_one_way");
    stage.script.fixture("GET /dapi/v1/account", 200, "binance_coinm/account_margins");
    let told = async |symbols: &[&str]| {
        let symbols: Vec<Symbol> = symbols.iter().map(|text| text.parse().unwrap()).collect();
        stage.venue.account(&symbols).await.unwrap().margin_mode
    };
    assert_eq!(told(&["BTCUSD_PERP"]).await, Some(MarginMode::Cross));
    assert_eq!(told(&["ETHUSD_PERP"]).await, Some(MarginMode::Isolated));
    assert_eq!(told(&["BTCUSD_PERP", "ETHUSD_PERP"]).await, Some(MarginMode::Mixed));
    assert_eq!(told(&["NOPEUSD_PERP"]).await, None);
}
