//! Margin modes as each venue tells them, and keys that only read.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "common/coinbase.rs"]
mod coinbase;
mod common;
#[path = "common/deribit.rs"]
mod deribit;
#[path = "common/okx.rs"]
mod okx;

use coinbase::{Coinbase, market};
use common::{BYBIT_SPOT_PAIR, Binance, Bybit, COINM, INVERSE, LINEAR, SPOT, USDM};
use deribit::Deribit;
use equipoise_sim::{Credentials, Exchange, MarginMode, Settings, Side};
use okx::Okx;
use serde_json::{Value, json};

const MODES: [MarginMode; 3] = [MarginMode::Cross, MarginMode::Isolated, MarginMode::Portfolio];

fn settings(margin_mode: MarginMode) -> Settings {
    Settings { margin_mode, ..Settings::default() }
}

#[test]
fn binance_tells_the_margin_type_of_each_symbol_on_every_page_that_has_it() {
    let words = MODES.map(|mode| {
        let mut binance = Binance::at(USDM, settings(mode));
        let config = binance.call("GET", "/fapi/v1/symbolConfig", "symbol=BTCUSDT").1;
        let risk = binance.call("GET", "/fapi/v2/positionRisk", "symbol=BTCUSDT").1;
        [config[0]["marginType"].clone(), risk[0]["marginType"].clone()]
    });
    let (cross, isolated) =
        ([json!("CROSSED"), json!("cross")], [json!("ISOLATED"), json!("isolated")]);
    assert_eq!(words, [cross.clone(), isolated, cross]);
    let flags = MODES.map(|mode| {
        let account = Binance::at(COINM, settings(mode)).page("GET", "account", "");
        account["positions"][0]["isolated"].clone()
    });
    assert_eq!(flags, [json!(false), json!(true), json!(false)]);
}

#[test]
fn binances_margin_type_changes_per_symbol_without_orders_and_position_only() {
    for product in [USDM, COINM] {
        let mut binance = Binance::at(product, Settings::default());
        let symbol = product.symbol;
        let set = |binance: &mut Binance, word: &str| {
            let params = format!("symbol={symbol}&marginType={word}");
            binance.page("POST", "marginType", &params)["code"].clone()
        };
        assert_eq!(set(&mut binance, "CROSSED"), -4046);
        assert_eq!(set(&mut binance, "ISOLATED"), 200);
        assert_eq!(set(&mut binance, "ISOLATED"), -4046);
        let ledger = binance.exchange.ledger();
        assert_eq!(ledger.margin_modes[symbol], MarginMode::Isolated);
        binance.exchange.trade_by_hand(binance.now_ms, symbol, Side::Buy, 1.into()).unwrap();
        assert_eq!(set(&mut binance, "CROSSED"), -4048);
        let resting = "side=BUY&type=LIMIT&timeInForce=GTX&quantity=1&price=60000";
        binance.exchange.trade_by_hand(binance.now_ms, symbol, Side::Sell, 1.into()).unwrap();
        assert_eq!(binance.code(resting), 0);
        assert_eq!(set(&mut binance, "CROSSED"), -4047);
    }
}

#[test]
fn bybit_tells_and_switches_the_mode_of_the_whole_account() {
    let words = ["REGULAR_MARGIN", "ISOLATED_MARGIN", "PORTFOLIO_MARGIN"];
    for category in [LINEAR, INVERSE, BYBIT_SPOT_PAIR] {
        let told = MODES.map(|mode| {
            let mut bybit = Bybit::at(category, settings(mode));
            bybit.get("/v5/account/info", "")["result"]["marginMode"].clone()
        });
        assert_eq!(told, words.map(Value::from));
    }
    let mut bybit = Bybit::at(LINEAR, Settings::default());
    for word in words {
        let set = bybit.post("/v5/account/set-margin-mode", &json!({ "setMarginMode": word }));
        assert_eq!((&set["retCode"], &set["result"]), (&json!(0), &json!({ "reasons": [] })));
        assert_eq!(bybit.get("/v5/account/info", "")["result"]["marginMode"], word);
    }
    let wrong = bybit.post("/v5/account/set-margin-mode", &json!({ "setMarginMode": "X" }));
    assert_eq!(wrong["retCode"], 10001);
}

#[test]
fn okx_tells_the_level_of_the_account_and_the_mode_of_each_position() {
    let told = MODES.map(|mode| {
        let mut okx = Okx::swap(settings(mode));
        okx.exchange.trade_by_hand(okx.now_ms, "BTC-USDT-SWAP", Side::Buy, 1.into()).unwrap();
        let level = okx.get("/api/v5/account/config")["data"][0]["acctLv"].clone();
        let position = okx.get("/api/v5/account/positions")["data"][0]["mgnMode"].clone();
        [level, position]
    });
    let expected = [["2", "cross"], ["2", "isolated"], ["4", "cross"]];
    assert_eq!(told, expected.map(|pair| pair.map(Value::from)));
}

#[test]
fn deribit_tells_its_margin_model() {
    let told = MODES.map(|mode| {
        let mut deribit = Deribit::start(settings(mode));
        deribit.login();
        let summary = json!({ "currency": "BTC" });
        deribit.result("private/get_account_summary", summary)["margin_model"].clone()
    });
    assert_eq!(told, ["segregated_sm", "segregated_sm", "segregated_pm"].map(Value::from));
}

/// The same exchange with a key that only reads.
fn reading(adapter: &str) -> Exchange {
    let credentials = Credentials { may_trade: false, ..Credentials::demo(adapter) };
    Exchange::start(adapter, credentials, Settings::default()).unwrap()
}

#[test]
fn a_key_that_only_reads_is_told_as_that_where_the_venue_tells_and_places_nothing() {
    for product in [USDM, COINM, SPOT] {
        let exchange = reading(product.adapter);
        let mut binance = Binance { exchange, ..Binance::at(product, Settings::default()) };
        assert_eq!(binance.code("side=BUY&type=MARKET&quantity=1"), -2015);
        assert_eq!(binance.exchange.ledger().orders, []);
    }
    let spot =
        Binance { exchange: reading(SPOT.adapter), ..Binance::at(SPOT, Settings::default()) };
    let rights = { spot }.call("GET", "/sapi/v1/account/apiRestrictions", "").1;
    assert_eq!(rights["enableSpotAndMarginTrading"], false);

    let mut bybit =
        Bybit { exchange: reading(LINEAR.adapter), ..Bybit::at(LINEAR, Settings::default()) };
    assert_eq!(bybit.get("/v5/user/query-api", "")["result"]["readOnly"], 1);
    let order = json!({ "category": "linear", "symbol": "BTCUSDT", "side": "Buy",
        "orderType": "Market", "qty": "0.1" });
    assert_eq!(bybit.post("/v5/order/create", &order)["retCode"], 10005);

    let mut okx = Okx::swap(Settings::default());
    okx.exchange = reading(okx.exchange.adapter());
    assert_eq!(okx.get("/api/v5/account/config")["data"][0]["perm"], "read_only");
    let order = json!({ "instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "buy",
        "ordType": "optimal_limit_ioc", "sz": "1" });
    assert_eq!(okx.post("/api/v5/trade/order", &order)["code"], "50120");

    let mut deribit = Deribit::start(Settings::default());
    deribit.exchange = reading(equipoise_sim::DERIBIT);
    let scope = deribit.login()["scope"].as_str().unwrap().to_owned();
    assert!(scope.split(' ').any(|right| right == "trade:read"), "{scope}");
    assert_eq!(deribit.buy_code("a", json!({})), 13021);

    let mut coinbase = Coinbase::start(Settings::default());
    coinbase.exchange = reading(equipoise_sim::COINBASE);
    assert_eq!(coinbase.get("/key_permissions")["can_trade"], false);
    let order = Coinbase::order("a", "BUY", &market("0.1"));
    let (status, body) = coinbase.call("POST", "/orders", &order.to_string());
    assert_eq!((status, &body["error"]), (403, &json!("PERMISSION_DENIED")));
}
