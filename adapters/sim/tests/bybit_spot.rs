//! What Bybit answers in category `spot`.
#![recursion_limit = "256"]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{BYBIT_SPOT_PAIR, Bybit, NOW_MS};
use equipoise_sim::{Depth, Settings};
use rust_decimal::Decimal;
use serde_json::{Value, json};

fn start() -> Bybit {
    Bybit::at(BYBIT_SPOT_PAIR, Settings::default())
}

/// A limit buy of one bitcoin that rests.
fn resting() -> Value {
    json!({ "orderType": "Limit", "qty": "1", "price": "62000.0" })
}

fn coin(bybit: &mut Bybit, name: &str) -> Value {
    let wallet =
        bybit.get("/v5/account/wallet-balance", &format!("accountType=UNIFIED&coin={name}"));
    wallet["result"]["list"][0]["coin"][0].clone()
}

#[test]
fn each_unsuitable_order_gets_its_documented_code() {
    let mut bybit = start();
    let limit =
        |qty: &str, price: &str| json!({ "orderType": "Limit", "qty": qty, "price": price });
    let cases = [
        (json!({ "symbol": "NOPEUSDT" }), 170_121),
        (json!({ "side": "Up" }), 10001),
        (json!({ "marketUnit": "contracts" }), 10001),
        (json!({ "qty": "4.99" }), 170_140),
        (limit("0", "62000"), 170_130),
        (limit("0.0000001", "62000"), 170_136),
        (limit("0.0000011", "62000"), 170_137),
        (limit("84", "62000"), 170_124),
        (limit("0.00001", "62000"), 170_140),
        (limit("0.1", "62000.05"), 170_134),
        (limit("0.1", "3000000"), 170_132),
        (limit("0.1", "70000"), 170_193),
        (json!({ "side": "Sell", "orderType": "Limit", "qty": "0.1", "price": "60000" }), 170_194),
        (limit("10", "62000"), 170_131),
        (json!({ "side": "Sell", "qty": "2.000001" }), 170_131),
        (json!({ "qty": "250001" }), 170_131),
        (json!({ "qty": "100", "reduceOnly": true }), 10001),
        (json!({ "qty": "100", "isLeverage": 1 }), 10001),
        (json!({ "qty": "100", "positionIdx": 1 }), 10001),
    ];
    for (changes, code) in cases {
        assert_eq!(bybit.code("leg", changes.clone()), code, "{changes}");
    }
    assert_eq!(bybit.exchange.ledger().orders, vec![]);
}

#[test]
fn a_market_buy_counts_quote_unless_asked_to_count_base() {
    let mut bybit = start();
    assert_eq!(bybit.code("quote", json!({ "qty": "10000" })), 0);
    let found = bybit.query("quote");
    assert_eq!(
        ["qty", "marketUnit", "cumExecQty", "cumExecValue", "orderStatus"].map(|name| &found[name]),
        ["10000", "quoteCoin", "0.153857", "9999.935715", "Filled"]
    );
    assert_eq!(bybit.code("base", json!({ "qty": "0.5", "marketUnit": "baseCoin" })), 0);
    let found = bybit.query("base");
    assert_eq!(
        ["qty", "marketUnit", "cumExecQty"].map(|name| &found[name]),
        ["0.500000", "baseCoin", "0.500000"]
    );
    assert_eq!(bybit.code("sell", json!({ "side": "Sell", "qty": "0.1" })), 0);
    assert_eq!(bybit.query("sell")["cumExecQty"], "0.100000", "a sell counts base");
}

#[test]
fn an_order_has_the_documented_fields() {
    let mut bybit = start();
    assert_eq!(bybit.code("leg", json!({ "qty": "0.5", "marketUnit": "baseCoin" })), 0);
    let expected = json!({
        "orderId": "2090000000000000001",
        "orderLinkId": "leg",
        "blockTradeId": "",
        "symbol": "BTCUSDT",
        "price": "68244.7",
        "qty": "0.500000",
        "side": "Buy",
        "isLeverage": "0",
        "positionIdx": 0,
        "orderStatus": "Filled",
        "cancelType": "UNKNOWN",
        "rejectReason": "EC_NoError",
        "avgPrice": "64995",
        "leavesQty": "0.000000",
        "leavesValue": "0.0000",
        "cumExecQty": "0.500000",
        "cumExecValue": "32497.5",
        "cumExecFee": "0.00050000",
        "cumFeeDetail": { "BTC": "0.00050000" },
        "timeInForce": "IOC",
        "orderType": "Market",
        "stopOrderType": "",
        "orderIv": "",
        "marketUnit": "baseCoin",
        "triggerPrice": "",
        "takeProfit": "",
        "stopLoss": "",
        "tpslMode": "",
        "ocoTriggerBy": "",
        "tpLimitPrice": "",
        "slLimitPrice": "",
        "tpTriggerBy": "",
        "slTriggerBy": "",
        "triggerDirection": 0,
        "triggerBy": "",
        "lastPriceOnCreated": "64995.0",
        "reduceOnly": false,
        "closeOnTrigger": false,
        "placeType": "",
        "smpType": "None",
        "smpGroup": 0,
        "smpOrderId": "",
        "createdTime": NOW_MS.to_string(),
        "updatedTime": NOW_MS.to_string(),
    });
    assert_eq!(bybit.query("leg"), expected);
}

#[test]
fn the_fee_is_taken_from_what_an_order_receives() {
    let mut bybit = start();
    assert_eq!(bybit.code("buy", json!({ "qty": "0.5", "marketUnit": "baseCoin" })), 0);
    assert_eq!(bybit.code("sell", json!({ "side": "Sell", "qty": "0.5" })), 0);
    let trades = bybit.list("/v5/execution/list", "symbol=BTCUSDT");
    let fees: Vec<_> = trades
        .as_array()
        .unwrap()
        .iter()
        .map(|trade| (&trade["execFee"], &trade["feeCurrency"], &trade["markPrice"]))
        .collect();
    assert_eq!(
        fees,
        [
            (&json!("32.49745000"), &json!("USDT"), &json!("")),
            (&json!("0.00050000"), &json!("BTC"), &json!("")),
        ]
    );
    assert_eq!(coin(&mut bybit, "BTC")["walletBalance"], "1.99950000");
    // Paid 32497.5, received 32497.45 less the fee.
    assert_eq!(coin(&mut bybit, "USDT")["walletBalance"], "249967.45255000");
}

#[test]
fn a_resting_order_locks_quote_and_a_cancel_tells_how_an_order_ended() {
    let mut bybit = start();
    assert_eq!(bybit.code("rest", resting()), 0);
    assert_eq!(coin(&mut bybit, "USDT")["locked"], "62000");
    let cancel = |bybit: &mut Bybit, id: &str| {
        let body = json!({ "category": "spot", "symbol": "BTCUSDT", "orderLinkId": id });
        bybit.post("/v5/order/cancel", &body)["retCode"].as_i64().unwrap()
    };
    assert_eq!(cancel(&mut bybit, "rest"), 0);
    assert_eq!(coin(&mut bybit, "USDT")["locked"], "0");
    assert_eq!(bybit.code("done", json!({ "qty": "100" })), 0);
    assert_eq!(
        ["rest", "done", "never"].map(|id| cancel(&mut bybit, id)),
        [170_142, 170_139, 170_213]
    );
}

#[test]
fn an_amended_order_locks_what_it_needs_now_and_no_more_than_there_is() {
    let mut bybit = start();
    assert_eq!(bybit.code("rest", resting()), 0);
    let amend = |bybit: &mut Bybit, qty: &str| {
        let body =
            json!({ "category": "spot", "symbol": "BTCUSDT", "orderLinkId": "rest", "qty": qty });
        bybit.post("/v5/order/amend", &body)["retCode"].as_i64().unwrap()
    };
    // 4 × 62000 is less than the 250000 there are, counting what the order already holds; 5 × 62000 is more.
    assert_eq!((amend(&mut bybit, "5"), amend(&mut bybit, "4")), (170_131, 0));
    assert_eq!(coin(&mut bybit, "USDT")["locked"], "248000");
}

#[test]
fn an_id_is_taken_for_good() {
    let mut bybit = start();
    assert_eq!(bybit.code("once", json!({ "qty": "100" })), 0);
    assert_eq!(bybit.code("once", json!({ "qty": "100" })), 170_141);
}

#[test]
fn what_an_ioc_order_could_not_fill_is_named_by_its_own_status() {
    let thin = Depth::Thin { levels: 1, quantity: Decimal::new(4, 2) };
    let mut bybit = Bybit::at(BYBIT_SPOT_PAIR, Settings { depth: thin, ..Settings::default() });
    let ioc = json!({ "orderType": "Limit", "timeInForce": "IOC", "qty": "0.1", "price": "65000" });
    assert_eq!(bybit.code("part", ioc), 0);
    let found = bybit.query("part");
    assert_eq!(
        ["orderStatus", "cumExecQty", "leavesQty"].map(|name| &found[name]),
        ["PartiallyFilledCanceled", "0.040000", "0.000000"]
    );
    let fok = json!({ "orderType": "Limit", "timeInForce": "FOK", "qty": "0.1", "price": "65000" });
    assert_eq!(bybit.code("none", fok), 0);
    assert_eq!(bybit.query("none")["orderStatus"], "Cancelled");
}

#[test]
fn spot_has_no_positions_no_funding_and_no_leverage() {
    let mut bybit = start();
    for path in ["position/list", "market/funding/history", "market/risk-limit"] {
        let answer = bybit.get(&format!("/v5/{path}"), "category=spot&symbol=BTCUSDT");
        assert_eq!(answer["retCode"], 10001, "{path}");
    }
    let ticker = bybit.list("/v5/market/tickers", "symbol=BTCUSDT")[0].clone();
    assert_eq!((ticker.get("fundingRate"), ticker.get("markPrice")), (None, None));
    assert_eq!(ticker["ask1Price"], "64995.0");
}

#[test]
fn the_instrument_has_the_documented_fields() {
    let mut bybit = start();
    let listed = bybit.list("/v5/market/instruments-info", "symbol=BTCUSDT");
    let expected = json!([{
        "symbol": "BTCUSDT",
        "baseCoin": "BTC",
        "quoteCoin": "USDT",
        "innovation": "0",
        "symbolType": "",
        "status": "Trading",
        "marginTrading": "utaOnly",
        "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": "0.000001",
            "quotePrecision": "0.0000001",
            "minOrderQty": "0.000001",
            "maxOrderQty": "83",
            "minOrderAmt": "5",
            "maxOrderAmt": "8000000",
            "maxLimitOrderQty": "83",
            "maxMarketOrderQty": "41.5",
            "postOnlyMaxLimitOrderSize": "83",
        },
        "priceFilter": { "tickSize": "0.1" },
        "riskParameters": { "priceLimitRatioX": "0.05", "priceLimitRatioY": "0.05" },
    }]);
    assert_eq!(listed, expected);
}

#[test]
fn other_categories_may_be_asked_for_and_list_nothing() {
    let mut bybit = start();
    for category in ["linear", "inverse", "option"] {
        let answer = bybit.get("/v5/market/instruments-info", &format!("category={category}"));
        assert_eq!((&answer["retCode"], &answer["result"]["list"]), (&json!(0), &json!([])));
    }
    let order = json!({ "category": "linear", "qty": "100" });
    assert_eq!(bybit.code("leg", order), 10001, "and trade nothing");
}
