//! What Binance spot answers, case by case.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{Binance, NOW_MS, SPOT, body_of, responded};
use equipoise_sim::{Answer, Depth, Effect, Fault, Occurrence, Operation, Settings, Stage};
use rust_decimal::Decimal;
use serde_json::{Value, json};

fn start() -> Binance {
    Binance::at(SPOT, Settings::default())
}

const BUY: &str = "side=BUY&type=MARKET";
const LIMIT: &str = "side=BUY&type=LIMIT";

/// Free and locked of an asset.
fn balance(binance: &mut Binance, asset: &str) -> (String, String) {
    let account = binance.page("GET", "account", "");
    let rows = account["balances"].as_array().unwrap();
    let row = rows.iter().find(|row| row["asset"] == asset).unwrap();
    let text = |name: &str| row[name].as_str().unwrap().to_owned();
    (text("free"), text("locked"))
}

fn amounts(free: &str, locked: &str) -> (String, String) {
    (free.to_owned(), locked.to_owned())
}

#[test]
fn each_malformed_order_gets_its_documented_code_and_text() {
    let mut binance = start();
    let cases = [
        ("side=UP&type=MARKET&quantity=0.1", -1117, "Invalid side."),
        ("side=BUY&type=WISH&quantity=0.1", -1116, "Invalid orderType."),
        ("side=BUY&type=STOP_LOSS&quantity=0.1", -1014, "Unsupported order combination."),
        (
            "side=BUY&type=MARKET",
            -1102,
            "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!",
        ),
        (
            "side=BUY&type=MARKET&quantity=0.1&price=1",
            -1106,
            "Parameter 'price' sent when not required.",
        ),
        ("side=BUY&type=MARKET&quantity=0", -1013, "Invalid quantity."),
        ("side=BUY&type=MARKET&quantity=0.000001", -1013, "Filter failure: LOT_SIZE"),
        (
            "side=BUY&type=MARKET&quantity=0.000000001",
            -1111,
            "Parameter 'quantity' has too much precision.",
        ),
        ("side=BUY&type=MARKET&quantity=0.00001", -1013, "Filter failure: NOTIONAL"),
        ("side=BUY&type=MARKET&quoteOrderQty=4", -1013, "Filter failure: NOTIONAL"),
        (
            "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.1&price=60000.001",
            -1013,
            "Filter failure: PRICE_FILTER",
        ),
        (
            "side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=12000",
            -1013,
            "Filter failure: PERCENT_PRICE_BY_SIDE",
        ),
        (
            "side=BUY&type=LIMIT&timeInForce=DAY&quantity=0.1&price=60000",
            -1115,
            "Invalid timeInForce.",
        ),
        (
            "side=BUY&type=MARKET&quantity=5",
            -2010,
            "Account has insufficient balance for requested action.",
        ),
        (
            "side=SELL&type=MARKET&quantity=2.00001",
            -2010,
            "Account has insufficient balance for requested action.",
        ),
        (
            "side=BUY&type=LIMIT_MAKER&quantity=0.1&price=64990",
            -2010,
            "Order would immediately match and take.",
        ),
        (
            "side=BUY&type=MARKET&quantity=0.1&newClientOrderId=a.b",
            -1100,
            "Illegal characters found in parameter 'newClientOrderId'; legal range is '^[a-zA-Z0-9-_]{1,36}$'.",
        ),
    ];
    for (params, code, message) in cases {
        let (status, body) = binance.place(params);
        assert_eq!((status, body), (400, json!({ "code": code, "msg": message })), "{params}");
    }
    assert_eq!(binance.exchange.ledger().orders, vec![]);
}

#[test]
fn key_signature_window_and_symbol_are_refused_with_the_venues_codes() {
    let mut binance = start();
    let at = |binance: &mut Binance, params: &str| {
        let request = binance.request_signed("GET", "/api/v3/account", params);
        let response = responded(binance.exchange.handle(NOW_MS, &request));
        (response.status().as_u16(), body_of(&response)["code"].as_i64())
    };
    assert_eq!(at(&mut binance, &format!("timestamp={}", NOW_MS - 5000)), (200, None));
    assert_eq!(at(&mut binance, &format!("timestamp={}", NOW_MS - 5001)), (400, Some(-1021)));
    assert_eq!(at(&mut binance, &format!("timestamp={}", NOW_MS + 1000)), (400, Some(-1021)));
    let micros = (NOW_MS - 1) * 1000;
    assert_eq!(at(&mut binance, &format!("timestamp={micros}&recvWindow=1.5")), (200, None));
    assert_eq!(
        at(&mut binance, &format!("timestamp={NOW_MS}&recvWindow=60001")),
        (400, Some(-1131))
    );
    binance.secret = "other".to_owned();
    assert_eq!(at(&mut binance, &format!("timestamp={NOW_MS}")), (400, Some(-1022)));
    binance.key = "unknown".to_owned();
    assert_eq!(at(&mut binance, &format!("timestamp={NOW_MS}")), (401, Some(-2015)));
    let mut binance = start();
    assert_eq!(binance.page("GET", "order", "symbol=NOPE&orderId=1")["code"], -1121);
}

#[test]
fn a_market_buy_pays_quote_and_receives_base_less_the_fee() {
    let mut binance = start();
    let (status, placed) = binance.place(&format!("{BUY}&quantity=1.5&newClientOrderId=walk"));
    let expected = json!({
        "symbol": "BTCUSDT",
        "orderId": 41_000_000_001_u64,
        "orderListId": -1,
        "clientOrderId": "walk",
        "transactTime": NOW_MS,
        "price": "0.00000000",
        "origQty": "1.50000000",
        "executedQty": "1.50000000",
        "origQuoteOrderQty": "0.00000000",
        "cummulativeQuoteQty": "97485.02500000",
        "status": "FILLED",
        "timeInForce": "GTC",
        "type": "MARKET",
        "side": "BUY",
        "workingTime": NOW_MS,
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "fills": [
            { "price": "64990.00000000", "qty": "1.00000000", "commission": "0.00100000", "commissionAsset": "BTC", "tradeId": 4_200_000_001_u64 },
            { "price": "64990.05000000", "qty": "0.50000000", "commission": "0.00050000", "commissionAsset": "BTC", "tradeId": 4_200_000_002_u64 },
        ],
    });
    assert_eq!((status, placed), (200, expected));
    assert_eq!(balance(&mut binance, "BTC"), amounts("3.49850000", "0.00000000"));
    assert_eq!(balance(&mut binance, "USDT"), amounts("152514.97500000", "0.00000000"));
}

#[test]
fn a_query_and_a_trade_have_the_documented_fields() {
    let mut binance = start();
    let _ = binance.place("side=SELL&type=MARKET&quantity=0.5&newClientOrderId=sold");
    let expected = json!({
        "symbol": "BTCUSDT",
        "orderId": 41_000_000_001_u64,
        "orderListId": -1,
        "clientOrderId": "sold",
        "price": "0.00000000",
        "origQty": "0.50000000",
        "executedQty": "0.50000000",
        "cummulativeQuoteQty": "32494.99500000",
        "status": "FILLED",
        "timeInForce": "GTC",
        "type": "MARKET",
        "side": "SELL",
        "stopPrice": "0.00000000",
        "icebergQty": "0.00000000",
        "time": NOW_MS,
        "updateTime": NOW_MS,
        "isWorking": true,
        "workingTime": NOW_MS,
        "origQuoteOrderQty": "0.00000000",
        "selfTradePreventionMode": "EXPIRE_MAKER",
    });
    assert_eq!(binance.query("sold"), expected);
    let trades = binance.page("GET", "myTrades", "symbol=BTCUSDT&orderId=41000000001");
    let expected = json!([{
        "symbol": "BTCUSDT",
        "id": 4_200_000_001_u64,
        "orderId": 41_000_000_001_u64,
        "orderListId": -1,
        "price": "64989.99000000",
        "qty": "0.50000000",
        "quoteQty": "32494.99500000",
        "commission": "32.49499500",
        "commissionAsset": "USDT",
        "time": NOW_MS,
        "isBuyer": false,
        "isMaker": false,
        "isBestMatch": true,
    }]);
    assert_eq!(trades, expected);
}

#[test]
fn fees_are_paid_in_bnb_with_a_discount_while_there_is_enough_of_it() {
    let funds = [("BNB".to_owned(), Decimal::new(5, 2))].into();
    let settings = Settings { fees_in_token: true, funds, ..Settings::default() };
    let mut binance = Binance::at(SPOT, settings);
    let fees = |binance: &mut Binance| {
        let (_, placed) = binance.place(&format!("{BUY}&quantity=0.5"));
        (placed["fills"][0]["commission"].clone(), placed["fills"][0]["commissionAsset"].clone())
    };
    // 32495 × 0.1 % × 75 % at 600 is 0.04061875; the next one finds too little left.
    assert_eq!(fees(&mut binance), (json!("0.04061875"), json!("BNB")));
    assert_eq!(balance(&mut binance, "BNB"), amounts("0.00938125", "0.00000000"));
    assert_eq!(fees(&mut binance), (json!("0.00050000"), json!("BTC")));
}

#[test]
fn a_market_order_for_an_amount_of_quote_trades_what_the_amount_buys() {
    let mut binance = start();
    let (_, placed) = binance.place(&format!("{BUY}&quoteOrderQty=10000"));
    assert_eq!(
        [
            &placed["status"],
            &placed["origQty"],
            &placed["executedQty"],
            &placed["origQuoteOrderQty"],
            &placed["cummulativeQuoteQty"],
        ],
        [
            &json!("FILLED"),
            &json!("0.15386000"),
            &json!("0.15386000"),
            &json!("10000.00000000"),
            &json!("9999.36140000"),
        ]
    );
    let (_, placed) = binance.place("side=SELL&type=MARKET&quoteOrderQty=10000");
    assert_eq!(placed["executedQty"], "0.15386000");
}

#[test]
fn a_resting_order_locks_what_it_needs_and_a_cancel_frees_it() {
    let mut binance = start();
    let rest = format!("{LIMIT}&timeInForce=GTC&quantity=1&price=52000&newClientOrderId=rest");
    assert_eq!(binance.code(&rest), 0);
    assert_eq!(balance(&mut binance, "USDT"), amounts("198000.00000000", "52000.00000000"));
    assert_eq!(binance.code(&rest), -2010, "an id is unique among open orders");
    let open = binance.page("GET", "openOrders", "symbol=BTCUSDT");
    assert_eq!(open[0]["clientOrderId"], "rest");
    let cancelled =
        binance.page("DELETE", "order", "symbol=BTCUSDT&origClientOrderId=rest&newClientOrderId=c");
    assert_eq!(
        [&cancelled["status"], &cancelled["origClientOrderId"], &cancelled["clientOrderId"]],
        [&json!("CANCELED"), &json!("rest"), &json!("c")]
    );
    assert_eq!(balance(&mut binance, "USDT"), amounts("250000.00000000", "0.00000000"));
    assert_eq!(binance.query("rest")["status"], "CANCELED", "the order keeps its own id");
    assert_eq!(binance.code(&rest), 0, "and it is free again");
}

#[test]
fn an_id_is_taken_again_after_its_order_filled_and_names_the_latest() {
    let mut binance = start();
    let filled = format!("{BUY}&quantity=0.1&newClientOrderId=again");
    assert_eq!((binance.code(&filled), binance.code(&filled)), (0, 0));
    assert_eq!(binance.query("again")["orderId"], 41_000_000_002_u64);
}

#[test]
fn what_cannot_fill_expires_with_its_reason() {
    let thin = Depth::Thin { levels: 1, quantity: Decimal::new(4, 2) };
    let mut binance = Binance::at(SPOT, Settings { depth: thin, ..Settings::default() });
    let cases = [
        (
            format!("{LIMIT}&timeInForce=FOK&price=65000"),
            "UNFILLED_FOK_ORDER_EXPIRED",
            "0.00000000",
        ),
        (
            format!("{LIMIT}&timeInForce=IOC&price=65000"),
            "UNFILLED_IOC_QUANTITY_EXPIRED",
            "0.04000000",
        ),
        (BUY.to_owned(), "INSUFFICIENT_LIQUIDITY", "0.04000000"),
    ];
    for (params, reason, executed) in cases {
        let (status, placed) = binance.place(&format!("{params}&quantity=0.1"));
        assert_eq!(status, 200, "{params}");
        assert_eq!(
            [&placed["status"], &placed["expiryReason"], &placed["executedQty"]],
            [&json!("EXPIRED"), &json!(reason), &json!(executed)],
            "{params}"
        );
    }
}

#[test]
fn an_order_the_gateway_admitted_executes_however_late_it_gets_to_the_engine() {
    let mut binance = start();
    let late = Effect::DelayRequest { delay_ms: 14_000, before: Stage::Engine };
    binance.exchange.inject(Fault::on(Operation::Place, Occurrence::Nth(1), late));
    let params = format!("symbol=BTCUSDT&{BUY}&quantity=0.1&newClientOrderId=late");
    let Answer::Late { delay_ms, held } = binance.ask("POST", "/api/v3/order", &params) else {
        panic!("not late")
    };
    assert_eq!(binance.query("late")["code"], -2013);
    let response = responded(binance.exchange.resume(NOW_MS + delay_ms, held));
    assert_eq!(body_of(&response)["status"], "FILLED");
}

#[test]
fn an_unfilled_order_is_archived_after_ninety_days() {
    let mut binance = start();
    let _ = binance
        .place(&format!("{LIMIT}&timeInForce=IOC&quantity=0.1&price=60000&newClientOrderId=empty"));
    assert_eq!(binance.query("empty")["status"], "EXPIRED");
    binance.now_ms += 90 * 86_400_000;
    assert_eq!(binance.query("empty")["code"], -2026);
}

#[test]
fn orders_that_fill_cost_no_weight_and_do_not_count_and_refusals_do() {
    let mut binance = start();
    let mut headers = |params: &str| {
        let answer = binance.ask("POST", "/api/v3/order", &format!("symbol=BTCUSDT&{params}"));
        let response = responded(answer);
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        [
            header("x-mbx-used-weight-1m"),
            header("x-mbx-order-count-10s"),
            header("x-mbx-order-count-1d"),
        ]
    };
    assert_eq!(headers(&format!("{BUY}&quantity=0.1")), ["0", "0", "0"]);
    assert_eq!(
        headers(&format!("{LIMIT}&timeInForce=GTC&quantity=0.1&price=52000")),
        ["0", "1", "1"]
    );
    assert_eq!(headers(&format!("{BUY}&quantity=0")), ["1", "2", "2"]);
}

#[test]
fn amounts_at_the_edge_of_what_fits_are_refused_and_break_nothing() {
    let mut binance = start();
    let most = "99999999999999999999.99999999999999999999";
    for params in [
        format!("{BUY}&quoteOrderQty={most}"),
        format!("{BUY}&quantity={most}"),
        format!("side=SELL&type=MARKET&quoteOrderQty={most}"),
        format!("{LIMIT}&timeInForce=GTC&quantity=1&price={most}"),
    ] {
        assert!([-1013, -1111].contains(&binance.code(&params)), "{params}");
    }
    assert_eq!(binance.code(&format!("{BUY}&quantity=0.1")), 0);
}

#[test]
fn balances_and_open_orders_carry_on_from_a_ledger() {
    let mut first = start();
    assert_eq!(first.code(&format!("{BUY}&quantity=0.5")), 0);
    assert_eq!(first.code(&format!("{LIMIT}&timeInForce=GTC&quantity=1&price=52000")), 0);
    let text = serde_json::to_string(&first.exchange.ledger()).unwrap();
    let mut second = start();
    second.exchange.carry_on(serde_json::from_str(&text).unwrap());
    assert_eq!(second.exchange.ledger(), first.exchange.ledger());
    assert_eq!(balance(&mut second, "BTC"), amounts("2.49950000", "0.00000000"));
    assert_eq!(balance(&mut second, "USDT"), amounts("165505.00000000", "52000.00000000"));
}

#[test]
fn public_pages_agree_with_each_other() {
    let mut binance = start();
    let info = binance.page("GET", "exchangeInfo", "symbol=BTCUSDT");
    let filters = &info["symbols"][0]["filters"];
    assert_eq!(filters[0]["tickSize"], "0.01000000");
    assert_eq!(filters[1]["stepSize"], "0.00001000");
    assert_eq!(filters[5]["minNotional"], "5.00000000");
    let symbols = binance.page("GET", "exchangeInfo", "");
    let names: Vec<&Value> =
        symbols["symbols"].as_array().unwrap().iter().map(|row| &row["symbol"]).collect();
    assert_eq!(names, [&json!("BTCUSDT"), &json!("ETHBTC"), &json!("ETHUSDT")]);
    let top = binance.page("GET", "ticker/bookTicker", "symbol=BTCUSDT");
    let depth = binance.page("GET", "depth", "symbol=BTCUSDT&limit=5");
    assert_eq!(depth["bids"][0], json!([top["bidPrice"], top["bidQty"]]));
    assert_eq!(depth["asks"][0], json!([top["askPrice"], top["askQty"]]));
    assert_eq!(depth["asks"][0], json!(["64990.00000000", "1.00000000"]));
}
