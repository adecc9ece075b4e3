//! Instruments, quotes, positions, balances and accounts of both venues.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{NOW, Stage, binance, bybit, read_fixture};
use equipoise_core::{PositionMode, Symbol, VenueMillis};
use equipoise_port::{Account, MarginMode, QueryError};

fn btc() -> Symbol {
    "BTCUSDT".parse().unwrap()
}

#[tokio::test]
async fn binance_rules_come_from_filters_and_the_accounts_own_fee() {
    let stage = binance();
    stage.script.fixture("GET /fapi/v1/exchangeInfo", 200, "binance/exchange_info_three");
    stage.script.fixture("GET /fapi/v1/commissionRate", 200, "binance/commission_rate_btcusdt");
    let rules = stage.venue.instrument(&btc()).await.unwrap();
    assert_eq!(
        (rules.tick.to_string(), rules.lot.to_string(), rules.quantity_min.to_string()),
        ("0.1".to_owned(), "0.001".to_owned(), "0.001".to_owned())
    );
    assert_eq!(
        (rules.quantity_max.to_string(), rules.market_quantity_max.to_string()),
        ("1000".to_owned(), "120".to_owned())
    );
    assert_eq!(rules.notional_min.to_string(), "100");
    assert_eq!(rules.taker_fee.to_string(), "0.00045");
    assert_eq!((rules.base.as_str(), rules.settle.as_str()), ("BTC", "USDT"));
    stage.clock.advance(599_999);
    stage.venue.instrument(&btc()).await.unwrap();
    assert_eq!(stage.script.count("/fapi/v1/exchangeInfo"), 1);
    stage.clock.advance(1);
    stage.venue.instrument(&btc()).await.unwrap();
    assert_eq!(stage.script.count("/fapi/v1/exchangeInfo"), 2);
}

#[tokio::test]
async fn an_instrument_that_is_not_traded_now_is_refused() {
    let stage = binance();
    stage.script.fixture("GET /fapi/v1/exchangeInfo", 200, "binance/exchange_info_three");
    for symbol in ["OLDUSDT", "NOPEUSDT"] {
        let answer = stage.venue.instrument(&symbol.parse().unwrap()).await;
        assert!(matches!(answer, Err(QueryError::Refused { .. })), "{answer:?}");
    }
    let stage = bybit();
    let route = "GET /v5/market/instruments-info";
    stage.script.fixture(route, 200, "bybit/instruments_closed");
    stage.script.fixture(route, 200, "bybit/instruments_empty");
    for _ in 0..2 {
        let answer = stage.venue.instrument(&btc()).await;
        assert!(matches!(answer, Err(QueryError::Refused { .. })), "{answer:?}");
    }
}

#[tokio::test]
async fn a_fee_that_cannot_be_read_is_the_standard_one_and_is_asked_for_again() {
    let stage = binance();
    stage.script.fixture("GET /fapi/v1/exchangeInfo", 200, "binance/exchange_info_three");
    stage.script.body("GET /fapi/v1/commissionRate", 500, "");
    stage.script.fixture("GET /fapi/v1/commissionRate", 200, "binance/commission_rate_btcusdt");
    let fee = |rules: equipoise_core::Instrument| rules.taker_fee.to_string();
    assert_eq!(fee(stage.venue.instrument(&btc()).await.unwrap()), "0.0005");
    assert_eq!(fee(stage.venue.instrument(&btc()).await.unwrap()), "0.00045");
    let stage = bybit();
    stage.script.fixture("GET /v5/market/instruments-info", 200, "bybit/instruments_btcusdt");
    stage.script.body("GET /v5/account/fee-rate", 500, "");
    assert_eq!(fee(stage.venue.instrument(&btc()).await.unwrap()), "0.00055");
}

#[tokio::test]
async fn bybit_rules_come_from_one_answer_and_the_accounts_own_fee() {
    let stage = bybit();
    stage.script.fixture("GET /v5/market/instruments-info", 200, "bybit/instruments_btcusdt");
    stage.script.fixture("GET /v5/account/fee-rate", 200, "bybit/fee_rate_btcusdt");
    let rules = stage.venue.instrument(&btc()).await.unwrap();
    assert_eq!(
        (rules.tick.to_string(), rules.lot.to_string(), rules.quantity_min.to_string()),
        ("0.1".to_owned(), "0.001".to_owned(), "0.001".to_owned())
    );
    assert_eq!(
        (rules.quantity_max.to_string(), rules.market_quantity_max.to_string()),
        ("1190".to_owned(), "119".to_owned())
    );
    assert_eq!(rules.notional_min.to_string(), "5");
    assert_eq!(rules.taker_fee.to_string(), "0.0005");
}

#[tokio::test]
async fn quotes_carry_book_mark_and_signed_funding() {
    let stage = binance();
    stage.script.fixture("GET /fapi/v1/ticker/bookTicker", 200, "binance/book_ticker_btcusdt");
    stage.script.fixture("GET /fapi/v1/premiumIndex", 200, "binance/premium_index_btcusdt");
    let quote = stage.venue.quote(&btc()).await.unwrap();
    let (bid, ask) = quote.book.sound().unwrap();
    assert_eq!((bid.to_string(), ask.to_string()), ("65000".to_owned(), "65000.1".to_owned()));
    assert_eq!(quote.mark.to_string(), "65001.5");
    let funding = quote.funding.unwrap();
    assert_eq!(funding.rate.to_string(), "-0.00005");
    assert_eq!(funding.next_at, VenueMillis(NOW + 28_800_000));

    let stage = bybit();
    stage.script.fixture("GET /v5/market/tickers", 200, "bybit/tickers_btcusdt");
    let quote = stage.venue.quote(&btc()).await.unwrap();
    assert_eq!(quote.book.bid.unwrap().1.to_string(), "2.5");
    let funding = quote.funding.unwrap();
    assert_eq!(funding.rate.to_string(), "0.0003");
    assert_eq!(funding.next_at, VenueMillis(NOW + 28_800_000));
}

#[tokio::test]
async fn an_empty_side_and_a_delivery_contract_are_shown_as_they_are() {
    let stage = binance();
    stage.script.fixture("GET /fapi/v1/ticker/bookTicker", 200, "binance/book_ticker_one_sided");
    stage.script.fixture("GET /fapi/v1/premiumIndex", 200, "binance/premium_index_delivery");
    let quote = stage.venue.quote(&"BTCUSDT_270326".parse().unwrap()).await.unwrap();
    assert!(quote.book.ask.is_none() && quote.book.sound().is_none());
    assert!(quote.funding.is_none());
}

#[tokio::test]
async fn positions_have_a_side_in_either_mode() {
    let net = |position: equipoise_port::Position| {
        (position.long.to_string(), position.short.to_string(), position.net().to_string())
    };
    let expect =
        |long: &str, short: &str, sum: &str| (long.to_owned(), short.to_owned(), sum.to_owned());
    let stage = binance();
    let route = "GET /fapi/v3/positionRisk";
    stage.script.fixture(route, 200, "binance/position_risk_one_way_short");
    stage.script.fixture(route, 200, "binance/position_risk_hedge");
    stage.script.fixture(route, 200, "binance/position_risk_none");
    assert_eq!(net(stage.venue.position(&btc()).await.unwrap()), expect("0", "0.1", "-0.1"));
    assert_eq!(net(stage.venue.position(&btc()).await.unwrap()), expect("0.3", "0.1", "0.2"));
    assert_eq!(net(stage.venue.position(&btc()).await.unwrap()), expect("0", "0", "0"));
    let stage = bybit();
    let route = "GET /v5/position/list";
    stage.script.fixture(route, 200, "bybit/position_one_way_short");
    stage.script.fixture(route, 200, "bybit/position_hedge");
    stage.script.fixture(route, 200, "bybit/position_one_way_empty");
    assert_eq!(net(stage.venue.position(&btc()).await.unwrap()), expect("0", "0.1", "-0.1"));
    assert_eq!(net(stage.venue.position(&btc()).await.unwrap()), expect("0.3", "0.1", "0.2"));
    assert_eq!(net(stage.venue.position(&btc()).await.unwrap()), expect("0", "0", "0"));
}

#[tokio::test]
async fn balances_leave_out_zeros() {
    let shown = |balances: Vec<equipoise_port::Balance>| -> Vec<String> {
        let line = |balance: &equipoise_port::Balance| {
            format!("{} {} {}", balance.asset, balance.total, balance.available)
        };
        balances.iter().map(line).collect()
    };
    let stage = binance();
    stage.script.fixture("GET /fapi/v3/balance", 200, "binance/balance_three");
    assert_eq!(
        shown(stage.venue.balances().await.unwrap()),
        ["USDT 122607.35137903 120000.1", "USDC 15 0"]
    );
    let stage = bybit();
    stage.script.fixture("GET /v5/account/wallet-balance", 200, "bybit/wallet_two_coins");
    assert_eq!(shown(stage.venue.balances().await.unwrap()), ["USDT 50000.5 49337.25"]);
}

#[tokio::test]
async fn an_account_shows_its_modes_and_the_right_to_trade() {
    let stage = binance();
    let (route, margin) = ("GET /fapi/v1/accountConfig", "GET /fapi/v1/symbolConfig");
    stage.script.fixture(route, 200, "binance/account_config_one_way");
    stage.script.fixture(route, 200, "binance/account_config_hedge_read_only");
    stage.script.fixture(route, 401, "binance/account_config_bad_key");
    stage.script.fixture(margin, 200, "binance/symbol_config_crossed");
    stage.script.fixture(margin, 200, "binance/symbol_config_isolated");
    let account = |position_mode, can_trade, margin_mode| {
        Ok(Account { position_mode, can_trade, margin_mode: Some(margin_mode) })
    };
    let symbols = [btc()];
    let told = || stage.venue.account(&symbols);
    assert_eq!(told().await, account(PositionMode::OneWay, true, MarginMode::Cross));
    assert_eq!(told().await, account(PositionMode::Hedge, false, MarginMode::Isolated));
    assert!(matches!(told().await, Err(QueryError::Credentials { .. })));
}

#[tokio::test]
async fn binance_keeps_the_margin_mode_per_symbol() {
    let eth: Symbol = "ETHUSDT".parse().unwrap();
    let stage = || {
        let stage = binance();
        let config = "binance/account_config_one_way";
        stage.script.fixture("GET /fapi/v1/accountConfig", 200, config);
        stage
    };
    let margin = "GET /fapi/v1/symbolConfig";
    let told = async |stage: &Stage, symbols: &[Symbol]| {
        stage.venue.account(symbols).await.unwrap().margin_mode
    };
    let both = stage();
    both.script.fixture(margin, 200, "binance/symbol_config_both");
    assert_eq!(told(&both, &[btc(), eth.clone()]).await, Some(MarginMode::Mixed));
    assert!(!both.script.sent().iter().any(|line| line.contains("symbol=")));
    let one = stage();
    one.script.fixture(margin, 200, "binance/symbol_config_isolated");
    assert_eq!(told(&one, &[btc()]).await, Some(MarginMode::Isolated));
    assert!(one.script.sent().iter().any(|line| line.contains("symbolConfig?symbol=BTCUSDT&")));
    assert_eq!(told(&one, &[]).await, None);
    assert_eq!(one.script.count("/fapi/v1/symbolConfig"), 1);
    let absent = stage();
    absent.script.fixture(margin, 400, "binance/symbol_config_unknown_symbol");
    assert_eq!(told(&absent, &["NOPEUSDT".parse().unwrap()]).await, None);
    let other = stage();
    let word = read_fixture("binance/symbol_config_crossed").replace("CROSSED", "SHARED");
    other.script.body(margin, 200, &word);
    let unread = other.venue.account(&[btc()]).await;
    assert!(matches!(unread, Err(QueryError::Unavailable(_))), "{unread:?}");
}

#[tokio::test]
async fn isolated_margin_in_multi_assets_mode_is_refused_and_cross_margin_is_not() {
    let stage = binance();
    let (route, margin) = ("GET /fapi/v1/accountConfig", "GET /fapi/v1/symbolConfig");
    stage.script.fixture(route, 200, "binance/account_config_multi_assets");
    stage.script.fixture(margin, 200, "binance/symbol_config_crossed");
    stage.script.fixture(margin, 200, "binance/symbol_config_isolated");
    let cross = stage.venue.account(&[btc()]).await.unwrap();
    assert_eq!(cross.margin_mode, Some(MarginMode::Cross));
    assert_eq!(
        stage.venue.account(&[btc()]).await,
        Err(QueryError::Refused {
            code: "margin-mode".to_owned(),
            message: "isolated margin was found on an account in multi-assets mode, which allows \
                      cross margin only"
                .to_owned()
        })
    );
}

#[tokio::test]
async fn bybit_tells_one_margin_mode_for_the_account() {
    for (fixture, mode) in [
        ("account_info_unified", MarginMode::Cross),
        ("account_info_isolated", MarginMode::Isolated),
        ("account_info_portfolio", MarginMode::Portfolio),
    ] {
        let stage = bybit();
        stage.script.fixture("GET /v5/user/query-api", 200, "bybit/query_api_trading");
        stage.script.fixture("GET /v5/account/info", 200, &format!("bybit/{fixture}"));
        stage.script.fixture("GET /v5/position/list", 200, "bybit/position_one_way_empty");
        assert_eq!(stage.venue.account(&[btc()]).await.unwrap().margin_mode, Some(mode));
    }
    let stage = bybit();
    stage.script.fixture("GET /v5/user/query-api", 200, "bybit/query_api_trading");
    let word = read_fixture("bybit/account_info_unified").replace("REGULAR", "OTHER");
    stage.script.body("GET /v5/account/info", 200, &word);
    let unread = stage.venue.account(&[]).await;
    assert!(matches!(unread, Err(QueryError::Unavailable(_))), "{unread:?}");
}

#[tokio::test]
async fn a_bybit_account_is_unified_and_its_symbols_share_one_mode() {
    let stage = bybit();
    let (key, info, positions) =
        ("GET /v5/user/query-api", "GET /v5/account/info", "GET /v5/position/list");
    stage.script.fixture(key, 200, "bybit/query_api_trading");
    stage.script.fixture(key, 200, "bybit/query_api_read_only");
    stage.script.fixture(info, 200, "bybit/account_info_unified");
    stage.script.fixture(info, 200, "bybit/account_info_unified");
    stage.script.fixture(info, 200, "bybit/account_info_classic");
    stage.script.fixture(positions, 200, "bybit/position_one_way_empty");
    stage.script.fixture(positions, 200, "bybit/position_hedge");
    let one_way = stage.venue.account(&[btc()]).await.unwrap();
    assert_eq!((one_way.position_mode, one_way.can_trade), (PositionMode::OneWay, true));
    let hedge = stage.venue.account(&[btc()]).await.unwrap();
    assert_eq!((hedge.position_mode, hedge.can_trade), (PositionMode::Hedge, false));
    let classic = stage.venue.account(&[]).await;
    assert_eq!(
        classic,
        Err(QueryError::Refused {
            code: "account".to_owned(),
            message: "only unified trading accounts are supported, this is a classic account"
                .to_owned()
        })
    );

    let stage = bybit();
    stage.script.fixture(key, 200, "bybit/query_api_bad_key");
    stage.script.fixture(info, 200, "bybit/query_api_bad_key");
    assert!(matches!(stage.venue.account(&[]).await, Err(QueryError::Credentials { .. })));
}

#[tokio::test]
async fn a_host_without_account_pages_is_taken_as_it_answers_elsewhere() {
    let stage = binance();
    stage.script.body("GET /fapi/v1/accountConfig", 404, "<html>not found</html>");
    stage.script.body("GET /fapi/v1/positionSide/dual", 200, r#"{"dualSidePosition":true}"#);
    stage.script.body("GET /fapi/v1/symbolConfig", 404, "<html>not found</html>");
    let (position_mode, can_trade, margin_mode) = (PositionMode::Hedge, true, None);
    let account = Account { position_mode, can_trade, margin_mode };
    assert_eq!(stage.venue.account(&[btc()]).await, Ok(account));

    let stage = bybit();
    stage.script.body("GET /v5/user/query-api", 404, "");
    stage.script.body("GET /v5/account/info", 404, "");
    let nothing = r#"{"retCode":0,"retMsg":"OK","result":{"list":[]},"time":1}"#;
    stage.script.body("GET /v5/position/list", 200, nothing);
    let account = Account { position_mode: PositionMode::OneWay, can_trade, margin_mode };
    assert_eq!(stage.venue.account(&[btc()]).await, Ok(account));
}

#[tokio::test]
async fn server_time_is_always_asked_for() {
    let (first, second) = (binance(), bybit());
    for _ in 0..2 {
        assert_eq!(first.venue.server_time().await, Ok(VenueMillis(NOW + 250)));
        assert_eq!(second.venue.server_time().await, Ok(VenueMillis(NOW + 250)));
    }
    assert_eq!(first.script.count("/fapi/v1/time"), 2);
    assert_eq!(second.script.count("/v5/market/time"), 2);
}
