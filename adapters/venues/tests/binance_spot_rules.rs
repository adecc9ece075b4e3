//! Binance spot: instruments, fees, quotes and the account.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{Stage, binance_spot, shown_balances};
use equipoise_core::{InstrumentKind, PositionMode, Symbol};
use equipoise_port::{Account, QueryError};

fn btc() -> Symbol {
    "BTCUSDT".parse().unwrap()
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
    let one_way = |can_trade| {
        let position_mode = PositionMode::OneWay;
        Ok(Account { position_mode, can_trade, margin_mode: None })
    };
    let rights = "GET /sapi/v1/account/apiRestrictions";
    stage.script.fixture(rights, 200, "binance_spot/api_restrictions_trading");
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
