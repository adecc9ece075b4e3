//! Bybit inverse: what differs from linear contracts, and what answers turn into.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{
    NOW, bybit_inverse, order, order_ref, shown, shown_balances, shown_orders, shown_position,
};
use equipoise_core::{
    Amount, InstrumentKind, OrderEnd, OrderKind, OrderRequest, OrderSnapshot, OrderState,
    PositionMode, RefusalKind, Side, Symbol, VenueMillis,
};
use equipoise_port::{Account, MarginMode, OrderRef, PlaceError, QueryError};

const CREATE: &str = "POST /v5/order/create";
const LIVE: &str = "GET /v5/order/realtime";
const HISTORY: &str = "GET /v5/order/history";
const EXECUTIONS: &str = "GET /v5/execution/list";
const INSTRUMENTS: &str = "GET /v5/market/instruments-info";

fn btc() -> Symbol {
    "BTCUSD".parse().unwrap()
}

fn dollars() -> OrderRequest {
    OrderRequest {
        symbol: btc(),
        quantity: "6500".parse().unwrap(),
        kind: OrderKind::Market,
        ..order("leg1a1", Side::Sell)
    }
}

fn reference() -> OrderRef {
    OrderRef { symbol: btc(), ..order_ref("leg1a1", None) }
}

async fn placed(fixture: &str) -> Result<OrderSnapshot, PlaceError> {
    let stage = bybit_inverse();
    stage.script.fixture(CREATE, 200, &format!("bybit_inverse/{fixture}"));
    stage.venue.place(&dollars()).await
}

#[tokio::test]
async fn an_order_is_in_dollars() {
    let stage = bybit_inverse();
    stage.script.fixture(CREATE, 200, "bybit_inverse/create_acknowledged");
    assert_eq!(stage.venue.place(&dollars()).await.unwrap().state, OrderState::Open);
    let requests = stage.script.requests.lock().unwrap();
    assert_eq!(
        requests[0].0.body().as_ref(),
        br#"{"category":"inverse","symbol":"BTCUSD","side":"Sell","orderType":"Market","qty":"6500","positionIdx":0,"orderLinkId":"leg1a1","smpType":"CancelTaker"}"#
    );
}

#[tokio::test]
async fn documented_refusals_say_what_may_follow_and_a_duplicate_is_none() {
    for (fixture, kind, code) in [
        ("create_below_one", RefusalKind::Final, "10001"),
        ("create_not_collateral", RefusalKind::Final, "110101"),
        ("create_reduce_only_refused", RefusalKind::ReduceOnly, "110017"),
    ] {
        match placed(fixture).await {
            Err(PlaceError::Refused(refusal)) => {
                assert_eq!((refusal.kind, refusal.code.as_str()), (kind, code), "{fixture}");
            }
            other => panic!("{fixture}: {other:?}"),
        }
    }
    assert!(matches!(placed("create_duplicate_id").await, Err(PlaceError::Unknown(_))));
}

#[tokio::test]
async fn fills_are_in_dollars_and_their_fees_in_the_coin() {
    let stage = bybit_inverse();
    stage.script.fixture(LIVE, 200, "bybit_inverse/order_listing_filled");
    stage.script.fixture(EXECUTIONS, 200, "bybit_inverse/executions_two");
    stage.script.fixture(INSTRUMENTS, 200, "bybit_inverse/instruments_btcusd");
    let found = stage.venue.find(&reference()).await.unwrap();
    assert_eq!(
        shown(&found[0].fills),
        ["a1f0 4000@65000.1 0.00003077 BTC", "a1f1 2500@65000.1 0.00001923 BTC"]
    );
    assert!(stage.script.sent().iter().any(|line| {
        line.starts_with(
            "GET /v5/order/realtime?category=inverse&symbol=BTCUSD&orderLinkId=leg1a1&",
        )
    }));
}

#[tokio::test]
async fn a_cancelled_order_keeps_its_fills() {
    let stage = bybit_inverse();
    stage.script.fixture(LIVE, 200, "bybit_inverse/order_listing_cancelled_partly");
    stage.script.fixture(HISTORY, 200, "bybit_inverse/order_listing_empty");
    stage.script.fixture(EXECUTIONS, 200, "bybit_inverse/executions_part");
    let found = stage.venue.find(&reference()).await.unwrap();
    let reason = "EC_CancelForNoFullFill".to_owned();
    assert_eq!(found[0].state, OrderState::Ended(OrderEnd::Cancelled { reason }));
    assert_eq!(found[0].executed.to_string(), "2000");
    assert_eq!(shown(&found[0].fills), ["a1f2 2000@65000.1 0.00001538 BTC"]);
    let listed = stage.venue.orders_since(&btc(), VenueMillis(NOW)).await.unwrap();
    assert_eq!(shown_orders(&listed), ["leg1a1 2000"]);
}

#[tokio::test]
async fn a_contract_is_one_dollar_settled_in_the_coin() {
    let stage = bybit_inverse();
    stage.script.fixture(INSTRUMENTS, 200, "bybit_inverse/instruments_btcusd");
    stage.script.fixture("GET /v5/account/fee-rate", 200, "bybit_inverse/fee_rate_btcusd");
    let rules = stage.venue.instrument(&btc()).await.unwrap();
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
    assert_eq!(numbers, ["0.1", "1", "1", "25000000", "5000000", "0", "1", "0.0005"]);
    let assets = [rules.base.as_str(), rules.quote.as_str(), rules.settle.as_str()];
    assert_eq!(assets, ["BTC", "USD", "BTC"]);
    let units = Amount::from("6500".parse::<equipoise_core::Qty>().unwrap());
    assert_eq!(rules.base_of(units, "65000".parse().unwrap()).to_string(), "0.1");
    let stage = bybit_inverse();
    stage.script.fixture(INSTRUMENTS, 200, "bybit_inverse/instruments_delivering");
    let delivering = stage.venue.instrument(&"BTCUSDZ26".parse().unwrap()).await;
    assert!(matches!(delivering, Err(QueryError::Refused { .. })), "{delivering:?}");
}

#[tokio::test]
async fn quotes_carry_mark_and_funding_where_there_is_any() {
    let stage = bybit_inverse();
    let route = "GET /v5/market/tickers";
    stage.script.fixture(route, 200, "bybit_inverse/tickers_btcusd");
    stage.script.fixture(route, 200, "bybit_inverse/tickers_quarterly");
    let quote = stage.venue.quote(&btc()).await.unwrap();
    assert_eq!(quote.mark.to_string(), "65001.5");
    let funding = quote.funding.unwrap();
    assert_eq!(
        (funding.rate.to_string().as_str(), funding.next_at),
        ("-0.0001", VenueMillis(NOW + 28_800_000))
    );
    let quarterly = stage.venue.quote(&"BTCUSDZ26".parse().unwrap()).await.unwrap();
    assert_eq!((quarterly.funding, quarterly.book.ask), (None, None));
}

#[tokio::test]
async fn positions_are_in_dollars() {
    let stage = bybit_inverse();
    stage.script.fixture("GET /v5/position/list", 200, "bybit_inverse/position_short");
    stage.script.fixture("GET /v5/position/list", 200, "bybit_inverse/position_empty");
    for expected in [["0", "6500", "-6500"], ["0", "0", "0"]] {
        assert_eq!(shown_position(&stage.venue.position(&btc()).await.unwrap()), expected);
    }
}

#[tokio::test]
async fn only_an_account_that_keeps_inverse_contracts_in_itself_is_accepted() {
    let stage = bybit_inverse();
    stage.script.fixture("GET /v5/user/query-api", 200, "bybit_inverse/query_api_contracts");
    let info = "GET /v5/account/info";
    stage.script.fixture(info, 200, "bybit_inverse/account_info_unified_2");
    stage.script.fixture(info, 200, "bybit_inverse/account_info_unified_1");
    stage.script.fixture("GET /v5/position/list", 200, "bybit_inverse/position_empty");
    let margin_mode = Some(MarginMode::Cross);
    let account = Account { position_mode: PositionMode::OneWay, can_trade: true, margin_mode };
    assert_eq!(stage.venue.account(&[btc()]).await, Ok(account));
    assert_eq!(
        stage.venue.account(&[btc()]).await,
        Err(QueryError::Refused {
            code: "account".to_owned(),
            message: "only unified trading accounts of version 2 are supported, this is a unified \
                      trading account of version 1"
                .to_owned()
        })
    );
    stage.script.fixture("GET /v5/account/wallet-balance", 200, "bybit_inverse/wallet_btc");
    assert_eq!(shown_balances(&stage.venue.balances().await.unwrap()), ["BTC 0.5 0.49"]);
}
