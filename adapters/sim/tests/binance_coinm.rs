//! What Binance COIN-M answers: whole contracts, settled and margined in the base coin.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{Binance, COINM, NOW_MS, body_of, responded};
use equipoise_sim::{Answer, Effect, Fault, Occurrence, Operation, Settings, Stage};
use rust_decimal::Decimal;
use serde_json::json;

fn start() -> Binance {
    Binance::at(COINM, Settings::default())
}

const BUY: &str = "side=BUY&type=MARKET";
const LIMIT: &str = "side=BUY&type=LIMIT";

fn wallet(binance: &mut Binance, asset: &str) -> String {
    let balances = binance.page("GET", "balance", "");
    let rows = balances.as_array().unwrap();
    let row = rows.iter().find(|row| row["asset"] == asset).unwrap();
    row["balance"].as_str().unwrap().to_owned()
}

#[test]
fn each_malformed_order_gets_its_documented_code() {
    let mut binance = start();
    let cases = [
        ("side=BUY&type=MARKET&quantity=0.1", -1111),
        ("side=BUY&type=MARKET&quantity=0", -4003),
        ("side=BUY&type=MARKET&quantity=60001", -4005),
        ("side=BUY&type=STOP_MARKET&quantity=1", -4120),
        ("side=BUY&type=LIMIT&quantity=1&timeInForce=GTC&price=65000.05", -1111),
        ("side=BUY&type=LIMIT&quantity=1&timeInForce=GTC&price=70000", -4016),
        ("side=BUY&type=LIMIT&quantity=1&timeInForce=GTX&price=65004", -5022),
        ("side=BUY&type=LIMIT&quantity=900000&timeInForce=FOK&price=65004", -2019),
        ("side=BUY&type=LIMIT&quantity=2000&timeInForce=FOK&price=65004", -5021),
        ("side=BUY&type=MARKET&quantity=1&reduceOnly=true", -2022),
        ("side=BUY&type=MARKET&quantity=1&positionSide=LONG", -4061),
    ];
    for (params, code) in cases {
        assert_eq!(binance.code(params), code, "{params}");
    }
    assert_eq!(binance.exchange.ledger().orders, vec![]);
    assert_eq!(binance.page("GET", "order", "symbol=BTCUSDT&orderId=1")["code"], -1121);
    binance.secret = "other".to_owned();
    assert_eq!(binance.page("GET", "balance", "")["code"], -1022);
}

#[test]
fn orders_and_trades_have_the_documented_fields() {
    let mut binance = start();
    let (status, placed) =
        binance.place(&format!("{BUY}&quantity=10&newOrderRespType=RESULT&newClientOrderId=leg"));
    let expected = json!({
        "orderId": 8_389_765_000_000_000_001_u64,
        "symbol": "BTCUSD_PERP",
        "pair": "BTCUSD",
        "status": "FILLED",
        "clientOrderId": "leg",
        "price": "0.0",
        "origQty": "10",
        "executedQty": "10",
        "cumQty": "10",
        "timeInForce": "GTC",
        "type": "MARKET",
        "origType": "MARKET",
        "reduceOnly": false,
        "closePosition": false,
        "side": "BUY",
        "positionSide": "BOTH",
        "stopPrice": "0.00",
        "workingType": "CONTRACT_PRICE",
        "priceProtect": false,
        "priceMatch": "NONE",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "updateTime": NOW_MS,
    });
    assert_eq!((status, placed), (200, expected));
    let found = binance.query("leg");
    // 1000 USD at 65004.
    assert_eq!(
        [&found["avgPrice"], &found["cumBase"], &found["executedQty"], &found["pair"]],
        [&json!("65004.00000000"), &json!("0.01538367"), &json!("10"), &json!("BTCUSD")]
    );
    assert_eq!((found.get("cumQuote"), found.get("cumQty")), (None, None));
    let trades = binance.page("GET", "userTrades", "symbol=BTCUSD_PERP");
    let expected = json!([{
        "symbol": "BTCUSD_PERP",
        "pair": "BTCUSD",
        "id": 5_600_000_001_u64,
        "orderId": 8_389_765_000_000_000_001_u64,
        "side": "BUY",
        "positionSide": "BOTH",
        "price": "65004.0",
        "qty": "10",
        "baseQty": "0.01538367",
        "realizedPnl": "0.00000000",
        "marginAsset": "BTC",
        "commission": "0.00000769",
        "commissionAsset": "BTC",
        "time": NOW_MS,
        "buyer": true,
        "maker": false,
    }]);
    assert_eq!(trades, expected);
    assert_eq!(binance.page("GET", "userTrades", "pair=BTCUSD"), expected);
}

#[test]
fn profit_and_fees_are_in_the_base_coin() {
    let mut binance = start();
    assert_eq!(binance.code(&format!("{BUY}&quantity=650")), 0);
    assert_eq!(wallet(&mut binance, "BTC"), "4.99950003");
    binance.exchange.set_mark(NOW_MS, "BTCUSD_PERP", Decimal::from(66_000)).unwrap();
    let position = binance.page("GET", "positionRisk", "pair=BTCUSD")[1].clone();
    let profit = Decimal::from(65_000) / Decimal::from(65_004)
        - Decimal::from(65_000) / Decimal::from(66_000);
    assert_eq!(
        [&position["positionAmt"], &position["entryPrice"], &position["unRealizedProfit"]],
        [&json!("650"), &json!("65004"), &json!(profit.round_dp(8).to_string())]
    );
    assert_eq!(binance.code("side=SELL&type=MARKET&quantity=650&reduceOnly=true"), 0);
    // Sold one tick below the mark.
    let realised = &binance.page("GET", "userTrades", "symbol=BTCUSD_PERP")[1]["realizedPnl"];
    let expected = Decimal::from(65_000) / Decimal::from(65_004)
        - Decimal::from(65_000) / Decimal::new(659_999, 1);
    assert_eq!(realised, &json!(expected.round_dp(8).to_string()));
    assert_eq!(binance.page("GET", "positionRisk", "pair=BTCUSD")[0]["positionAmt"], "0");
    assert_eq!(wallet(&mut binance, "ETH"), "100.00000000", "the other coin is untouched");
}

#[test]
fn a_position_has_the_documented_fields_and_symbols_without_one_are_shown() {
    let mut binance = start();
    assert_eq!(binance.code(&format!("{BUY}&quantity=10")), 0);
    let rows = binance.page("GET", "positionRisk", "");
    let expected = json!({
        "symbol": "BTCUSD_PERP",
        "positionAmt": "10",
        "entryPrice": "65004",
        "breakEvenPrice": "65004",
        "markPrice": "65004.00000000",
        "unRealizedProfit": "0.00000000",
        "liquidationPrice": "0",
        "leverage": "20",
        "maxQty": "1000",
        "marginType": "cross",
        "isolatedMargin": "0",
        "isAutoAddMargin": "false",
        "positionSide": "BOTH",
        "notionalValue": "0.01538367",
        "isolatedWallet": "0",
        "updateTime": NOW_MS,
    });
    assert_eq!((&rows[1], &rows[0]["positionAmt"]), (&expected, &json!("0")));
    let account = binance.page("GET", "account", "");
    assert_eq!(account["assets"][0]["positionInitialMargin"], "0.00076918");
    assert_eq!(account["positions"][1]["notionalValue"], "0.01538367");
}

#[test]
fn hedge_mode_is_set_and_read() {
    let mut binance = start();
    let mode = |binance: &mut Binance| binance.page("GET", "positionSide/dual", "");
    assert_eq!(mode(&mut binance), json!({ "dualSidePosition": false }));
    assert_eq!(
        binance.page("POST", "positionSide/dual", "dualSidePosition=true"),
        json!({ "code": 200, "msg": "success" })
    );
    assert_eq!(mode(&mut binance), json!({ "dualSidePosition": true }));
    assert_eq!(binance.code(&format!("{BUY}&quantity=1&positionSide=LONG")), 0);
    // Behind both sides of the dated contract.
    let rows = binance.page("GET", "positionRisk", "pair=BTCUSD");
    assert_eq!(
        [&rows[2]["positionSide"], &rows[2]["positionAmt"], &rows[3]["positionSide"]],
        [&json!("LONG"), &json!("1"), &json!("SHORT")]
    );
}

#[test]
fn an_id_is_unique_among_open_orders() {
    let mut binance = start();
    let rest = format!("{LIMIT}&timeInForce=GTX&quantity=1&price=52000&newClientOrderId=rest");
    assert_eq!((binance.code(&rest), binance.code(&rest)), (0, -4116));
    assert_eq!(binance.page("GET", "openOrders", "pair=BTCUSD")[0]["clientOrderId"], "rest");
    let cancel = "symbol=BTCUSD_PERP&origClientOrderId=rest";
    assert_eq!(binance.page("DELETE", "order", cancel)["status"], "CANCELED");
    assert_eq!(binance.page("DELETE", "order", cancel)["code"], -2011);
    assert_eq!(binance.code(&rest), 0);
}

#[test]
fn the_window_is_checked_at_the_gateway_only() {
    let mut binance = start();
    let late = Effect::DelayRequest { delay_ms: 14_000, before: Stage::Engine };
    binance.exchange.inject(Fault::on(Operation::Place, Occurrence::Nth(1), late));
    let params = format!("symbol=BTCUSD_PERP&{BUY}&quantity=1");
    let Answer::Late { delay_ms, held } = binance.ask("POST", "/dapi/v1/order", &params) else {
        panic!("not late")
    };
    let response = responded(binance.exchange.resume(NOW_MS + delay_ms, held));
    assert_eq!(
        (response.status(), &body_of(&response)["status"]),
        (http::StatusCode::OK, &json!("NEW"))
    );
    let stale = format!("{params}&timestamp={}", NOW_MS - 5001);
    let request = binance.request_signed("POST", "/dapi/v1/order", &stale);
    let response = responded(binance.exchange.handle(NOW_MS, &request));
    assert_eq!(body_of(&response)["code"], -1021);
}

#[test]
fn public_pages_are_lists_and_agree_with_each_other() {
    let mut binance = start();
    let info = binance.page("GET", "exchangeInfo", "");
    let (btc, eth) = (&info["symbols"][1], &info["symbols"][2]);
    assert_eq!(
        [&btc["contractSize"], &eth["contractSize"], &btc["contractStatus"], &btc["marginAsset"]],
        [&json!(100), &json!(10), &json!("TRADING"), &json!("BTC")]
    );
    assert_eq!(btc["filters"][1]["stepSize"], "1");
    let top = binance.page("GET", "ticker/bookTicker", "symbol=BTCUSD_PERP")[0].clone();
    let depth = binance.page("GET", "depth", "symbol=BTCUSD_PERP&limit=5");
    assert_eq!(depth["bids"][0], json!([top["bidPrice"], top["bidQty"]]));
    let premium = binance.page("GET", "premiumIndex", "pair=BTCUSD")[1].clone();
    assert_eq!(
        [&premium["pair"], &premium["lastFundingRate"], &premium["nextFundingTime"]],
        [&json!("BTCUSD"), &json!("0.00012000"), &json!(1_795_334_400_000_u64)]
    );
    assert_eq!(binance.page("GET", "fundingRate", "")["code"], -1102, "it wants a symbol");
}

#[test]
fn a_dated_contract_has_a_day_of_delivery_and_no_funding() {
    let mut binance = start();
    let info = binance.page("GET", "exchangeInfo", "")["symbols"][0].clone();
    assert_eq!(
        [&info["symbol"], &info["pair"], &info["contractType"], &info["deliveryDate"]],
        [
            &json!("BTCUSD_261225"),
            &json!("BTCUSD"),
            &json!("CURRENT_QUARTER"),
            &json!(1_798_185_600_000_u64)
        ]
    );
    let premium = binance.page("GET", "premiumIndex", "symbol=BTCUSD_261225")[0].clone();
    assert_eq!(
        [&premium["lastFundingRate"], &premium["interestRate"], &premium["nextFundingTime"]],
        [&json!(""), &json!(""), &json!(0)]
    );
    assert_eq!(binance.page("GET", "fundingRate", "symbol=BTCUSD_261225"), json!([]));
}
