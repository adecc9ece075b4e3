//! What Bybit answers in category `inverse`: contracts of one US dollar, settled in the base coin.
#![recursion_limit = "256"]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{Bybit, INVERSE, NOW_MS};
use equipoise_sim::Settings;
use rust_decimal::Decimal;
use serde_json::{Value, json};

fn start() -> Bybit {
    Bybit::at(INVERSE, Settings::default())
}

fn market(qty: &str) -> Value {
    json!({ "qty": qty })
}

#[test]
fn each_unsuitable_order_gets_its_documented_code() {
    let mut bybit = start();
    let cases = [
        (market("0.1"), 10001),
        (market("0"), 10001),
        (market("5000001"), 10001),
        (json!({ "symbol": "BTCUSDT", "qty": "1" }), 10001),
        (json!({ "qty": "1", "positionIdx": 1 }), 10001),
        (json!({ "qty": "1", "side": "Sell", "reduceOnly": true }), 110_017),
        (json!({ "qty": "20000000", "orderType": "Limit", "price": "64000" }), 110_007),
        (json!({ "qty": "1", "orderType": "Limit", "price": "70000" }), 110_120),
    ];
    for (changes, code) in cases {
        assert_eq!(bybit.code("leg", changes.clone()), code, "{changes}");
    }
    assert_eq!(bybit.exchange.ledger().orders, vec![]);
}

#[test]
fn quantities_are_dollars_and_values_and_fees_are_in_the_base_coin() {
    let mut bybit = start();
    assert_eq!(bybit.code("leg", market("13000")), 0);
    let found = bybit.query("leg");
    // 13000 / 65002.5 = 0.19999231.
    assert_eq!(
        ["qty", "cumExecQty", "avgPrice", "cumExecValue", "cumExecFee", "createType"]
            .map(|name| &found[name]),
        ["13000", "13000", "65002.5", "0.19999231", "0.00011000", "CreateByUser"]
    );
    assert_eq!(found["cumFeeDetail"], json!({ "BTC": "0.00011000" }));
    let trade = bybit.list("/v5/execution/list", "orderLinkId=leg")[0].clone();
    assert_eq!(
        ["execQty", "execValue", "execFee", "feeCurrency"].map(|name| &trade[name]),
        ["13000", "0.19999231", "0.00011000", "BTC"]
    );
}

#[test]
fn a_position_has_the_documented_fields() {
    let mut bybit = start();
    assert_eq!(bybit.code("leg", json!({ "qty": "13000", "side": "Sell" })), 0);
    bybit.exchange.set_mark(NOW_MS, "BTCUSD", Decimal::from(65_100)).unwrap();
    let position = bybit.list("/v5/position/list", "symbol=BTCUSD")[0].clone();
    let entry = Decimal::new(650_024, 1);
    let loss = Decimal::from(13_000) / Decimal::from(65_100) - Decimal::from(13_000) / entry;
    let expected = json!({
        "positionIdx": 0,
        "riskId": 1,
        "riskLimitValue": "40000000",
        "symbol": "BTCUSD",
        "side": "Sell",
        "size": "13000",
        "avgPrice": "65002.4",
        "positionValue": "0.19999262",
        "tradeMode": 0,
        "positionStatus": "Normal",
        "autoAddMargin": 0,
        "adlRankIndicator": 2,
        "leverage": "10",
        "positionBalance": "0",
        "markPrice": "65100.0",
        "liqPrice": "",
        "bustPrice": "",
        "positionIM": "0.01996928",
        "positionMM": "0.00099846",
        "tpslMode": "Full",
        "takeProfit": "",
        "stopLoss": "",
        "trailingStop": "0",
        "sessionAvgPrice": "",
        "unrealisedPnl": loss.round_dp(8).to_string(),
        "curRealisedPnl": "0.00000000",
        "cumRealisedPnl": "0.00000000",
        "seq": NOW_MS,
        "isReduceOnly": false,
        "mmrSysUpdatedTime": "",
        "leverageSysUpdatedTime": "",
        "createdTime": NOW_MS.to_string(),
        "updatedTime": NOW_MS.to_string(),
    });
    assert_eq!(position, expected);
    assert_eq!(bybit.list("/v5/position/list", "settleCoin=ETH"), json!([]));
    assert_eq!(bybit.list("/v5/position/list", "settleCoin=BTC")[0]["size"], "13000");
}

#[test]
fn the_wallet_has_a_coin_for_each_base_and_totals_in_dollars() {
    let mut bybit = start();
    let wallet = bybit.get("/v5/account/wallet-balance", "accountType=UNIFIED");
    let row = &wallet["result"]["list"][0];
    let coins: Vec<_> = row["coin"]
        .as_array()
        .unwrap()
        .iter()
        .map(|coin| (&coin["coin"], &coin["walletBalance"]))
        .collect();
    assert_eq!(
        coins,
        [(&json!("BTC"), &json!("5.00000000")), (&json!("ETH"), &json!("100.00000000"))]
    );
    // 5 × 65002.5 + 100 × 3200.1
    assert_eq!(row["totalEquity"], "645022.50000000");
}

#[test]
fn there_is_no_hedge_mode() {
    let mut bybit = start();
    let switch = |bybit: &mut Bybit, mode: u8| {
        let body = json!({ "category": "inverse", "symbol": "BTCUSD", "mode": mode });
        bybit.post("/v5/position/switch-mode", &body)["retCode"].as_i64().unwrap()
    };
    assert_eq!((switch(&mut bybit, 3), switch(&mut bybit, 0)), (110_029, 110_025));
    let settings = Settings { hedge_mode: true, ..Settings::default() };
    let mut bybit = Bybit::at(INVERSE, settings);
    assert_eq!(bybit.code("leg", market("100")), 0, "whatever the settings ask for");
}

#[test]
fn recently_closed_orders_are_listed_on_request() {
    let mut bybit = start();
    assert_eq!(bybit.code("leg", market("100")), 0);
    let open = bybit.list("/v5/order/realtime", "symbol=BTCUSD");
    let closed = bybit.list("/v5/order/realtime", "symbol=BTCUSD&openOnly=2");
    assert_eq!((open, &closed[0]["orderLinkId"]), (json!([]), &json!("leg")));
    assert_eq!(bybit.code("leg", market("100")), 110_072, "an id is taken for good");
}

#[test]
fn the_instrument_is_an_inverse_perpetual_without_smallest_value() {
    let mut bybit = start();
    let listed = bybit.list("/v5/market/instruments-info", "symbol=BTCUSD")[0].clone();
    assert_eq!(
        ["contractType", "baseCoin", "quoteCoin", "settleCoin"].map(|name| &listed[name]),
        ["InversePerpetual", "BTC", "USD", "BTC"]
    );
    assert_eq!(
        listed["lotSizeFilter"],
        json!({
            "maxOrderQty": "25000000",
            "minOrderQty": "1",
            "qtyStep": "1",
            "postOnlyMaxOrderQty": "25000000",
            "maxMktOrderQty": "5000000",
        })
    );
    let ticker = bybit.list("/v5/market/tickers", "symbol=BTCUSD")[0].clone();
    assert_eq!(
        ["fundingRate", "nextFundingTime", "ask1Price", "ask1Size"].map(|name| &ticker[name]),
        ["0.00038", "1795334400000", "65002.5", "195000"]
    );
}
