//! Whatever is asked of OKX, Deribit and Coinbase is answered in the venue's form, and their books add up.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "common/coinbase.rs"]
mod coinbase;
#[path = "common/deribit.rs"]
mod deribit;
#[path = "common/okx.rs"]
mod okx;

use std::collections::BTreeMap;

use coinbase::{API, Alg, Coinbase};
use deribit::Deribit;
use equipoise_sim::{Ledger, RateLimits, Settings, Side};
use okx::{Okx, body_of, responded};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

fn settings() -> Settings {
    Settings { rate_limits: RateLimits::Counted, ..Settings::default() }
}

const ODD: &[&str] = &[
    "",
    "0",
    "-1",
    "1e30",
    "1e-30",
    "79228162514264337593543950335",
    "0.00000001",
    "NaN",
    "٣",
    "true",
    "99999999999999999999.99999999999999999999",
    "\u{0}",
    "a b",
];

/// A value that is right now and then, and odd otherwise.
fn value(good: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop_oneof![
        5 => prop::sample::select(good).prop_map(|text| json!(text)),
        2 => prop::sample::select(ODD).prop_map(|text| json!(text)),
        1 => any::<i64>().prop_map(|number| json!(number)),
        1 => Just(Value::Null),
        1 => Just(json!({ "a": [1] })),
    ]
}

/// One of some good requests with up to two fields changed.
fn request(
    good: &'static [&'static str],
    names: &'static [(&'static str, &'static [&'static str])],
) -> impl Strategy<Value = Value> {
    let change = prop::sample::select(names)
        .prop_flat_map(|(name, values)| value(values).prop_map(move |value| (name, value)));
    (prop::sample::select(good), prop::collection::vec(change, 0..3)).prop_map(|(good, changes)| {
        let mut request: Value = serde_json::from_str(good).unwrap();
        for (name, value) in changes {
            request[name] = value;
        }
        request
    })
}

const OKX_SPOT_GOOD: &[&str] = &[
    r#"{"instId":"BTC-USDT","tdMode":"cash","side":"buy","ordType":"market","sz":"1000"}"#,
    r#"{"instId":"BTC-USDT","tdMode":"cash","side":"sell","ordType":"market","sz":"0.5"}"#,
    r#"{"instId":"ETH-USDT","tdMode":"cash","side":"buy","ordType":"ioc","sz":"3","px":"3300"}"#,
    r#"{"instId":"BTC-USDT","tdMode":"cash","side":"buy","ordType":"limit","sz":"1","px":"64000.5"}"#,
    r#"{"instId":"BTC-USDT","tdMode":"cash","side":"sell","ordType":"limit","sz":"1","px":"64000.5"}"#,
];

const OKX_SWAP_GOOD: &[&str] = &[
    r#"{"instId":"BTC-USDT-SWAP","tdMode":"cross","side":"buy","ordType":"market","sz":"5"}"#,
    r#"{"instId":"BTC-USD-SWAP","tdMode":"cross","side":"sell","ordType":"fok","sz":"7","px":"65000"}"#,
    r#"{"instId":"BTC-USDT-SWAP","tdMode":"cross","side":"sell","ordType":"limit","sz":"3","px":"66000"}"#,
];

const DERIBIT_GOOD: &[&str] = &[
    r#"{"instrument_name":"BTC-PERPETUAL","amount":1000,"type":"market","label":"a","currency":"BTC"}"#,
    r#"{"instrument_name":"ETH_USDC-PERPETUAL","amount":1,"type":"limit","price":3200,"currency":"any"}"#,
    r#"{"instrument_name":"BTC-25DEC26-65000-C","amount":0.1,"type":"limit","price":0.0355,"label":"b"}"#,
    r#"{"instrument_name":"BTC-PERPETUAL","amount":10,"type":"limit","price":64000.5,"post_only":true}"#,
];

const COINBASE_GOOD: &[&str] = &[
    r#"{"market_market_ioc":{"base_size":"0.1"}}"#,
    r#"{"market_market_ioc":{"quote_size":"1000.55"}}"#,
    r#"{"sor_limit_ioc":{"base_size":"0.3","limit_price":"64980.01"}}"#,
    r#"{"limit_limit_gtc":{"base_size":"1","limit_price":"64000.01"}}"#,
    r#"{"limit_limit_gtc":{"base_size":"1","limit_price":"64990","post_only":false}}"#,
];

const OKX_FIELDS: &[(&str, &[&str])] = &[
    ("instId", &["BTC-USDT", "ETH-USDT", "BTC-USDT-SWAP", "BTC-USD-SWAP"]),
    ("tdMode", &["cash", "cross"]),
    ("side", &["buy", "sell"]),
    ("ordType", &["market", "limit", "ioc", "fok", "post_only"]),
    ("sz", &["1", "2", "0.5", "1000"]),
    ("px", &["65000", "64000.5", "3200"]),
    ("tgtCcy", &["base_ccy", "quote_ccy"]),
    ("clOrdId", &["a", "b", "c", "d", "e", "f", "g", "h"]),
    ("newSz", &["1", "3"]),
    ("timeOut", &["0", "30"]),
    ("lever", &["3", "20"]),
    ("mgnMode", &["cross"]),
];

const OKX_PATHS: &[&str] = &[
    "trade/order",
    "trade/order",
    "trade/order",
    "trade/batch-orders",
    "trade/amend-order",
    "trade/cancel-order",
    "trade/cancel-all-after",
    "account/set-leverage",
];

const DERIBIT_FIELDS: &[(&str, &[&str])] = &[
    ("instrument_name", &["BTC-PERPETUAL", "ETH_USDC-PERPETUAL", "BTC-25DEC26-65000-C"]),
    ("amount", &["1000", "10", "0.1"]),
    ("contracts", &["100", "1"]),
    ("type", &["market", "limit"]),
    ("price", &["65000", "64000.5", "0.0355"]),
    ("time_in_force", &["good_til_cancelled", "immediate_or_cancel", "fill_or_kill"]),
    ("post_only", &["true", "false"]),
    ("reduce_only", &["true", "false"]),
    ("valid_until", &["1895330800000", "1"]),
    ("label", &["a", "b"]),
    ("currency", &["BTC", "USDC", "any"]),
    ("order_id", &["BTC-58486480701", "USDC-58486480702"]),
    ("start_timestamp", &["0", "1795330800000"]),
    ("end_timestamp", &["1795330900000"]),
    ("count", &["1", "1000"]),
];

const DERIBIT_METHODS: &[&str] = &[
    "private/buy",
    "private/sell",
    "private/edit",
    "private/cancel",
    "private/cancel_by_label",
    "private/get_order_state_by_label",
    "private/get_order_history_by_currency",
    "private/get_user_trades_by_instrument",
    "public/get_funding_rate_history",
    "public/get_funding_rate_value",
    "public/ticker",
    "public/get_instruments",
];

const COINBASE_CHANGES: &[(&str, &[&str])] = &[("odd", &["1"])];

const AMOUNTS: &[&str] = &["0.1", "0.01", "1"];

/// What the trades of a ledger did to the balances of spot products, by asset.
fn moved(ledger: &Ledger, assets: impl Fn(&str) -> (String, String)) -> BTreeMap<String, Decimal> {
    let mut moved: BTreeMap<String, Decimal> = BTreeMap::new();
    for order in &ledger.orders {
        let (base, quote) = assets(&order.symbol);
        for trade in &order.trades {
            let sign = if order.side == Side::Buy { Decimal::ONE } else { -Decimal::ONE };
            *moved.entry(base.clone()).or_default() += sign * trade.quantity;
            *moved.entry(quote.clone()).or_default() -= sign * trade.quantity * trade.price;
            *moved.entry(trade.fee_asset.clone()).or_default() -= trade.fee;
        }
    }
    moved
}

fn pair(symbol: &str) -> (String, String) {
    let (base, quote) = symbol.split_once('-').unwrap();
    (base.to_owned(), quote.to_owned())
}

/// Balances are what they were and what trades moved, and none is below zero.
fn assert_adds_up(before: &Ledger, after: &Ledger) {
    let moved = moved(after, pair);
    for (asset, balance) in &after.balances {
        let was = before.balances.get(asset).copied().unwrap_or_default();
        assert_eq!(*balance, was + moved.get(asset).copied().unwrap_or_default(), "{asset}");
        assert!(*balance >= Decimal::ZERO, "{asset} {balance}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn okx_answers_with_a_code_and_its_spot_books_add_up(
        requests in prop::collection::vec(
            (prop::sample::select(OKX_PATHS), request(OKX_SPOT_GOOD, OKX_FIELDS), request(OKX_SWAP_GOOD, OKX_FIELDS)),
            1..25,
        ),
    ) {
        let (mut spot, mut swap) = (Okx::spot(settings()), Okx::swap(settings()));
        let before = spot.exchange.ledger();
        for (path, pair, contract) in requests {
            for (okx, body) in [(&mut spot, pair), (&mut swap, contract)] {
                let answer = okx.post(&format!("/api/v5/{path}"), &body);
                prop_assert!(answer["code"].is_string(), "{path} {body} {answer}");
            }
        }
        assert_adds_up(&before, &spot.exchange.ledger());
    }

    #[test]
    fn deribit_answers_with_a_result_or_a_code(
        requests in prop::collection::vec((prop::sample::select(DERIBIT_METHODS), request(DERIBIT_GOOD, DERIBIT_FIELDS)), 1..25),
    ) {
        let mut deribit = Deribit::start(settings());
        for (method, params) in requests {
            let answer = deribit.call(method, params.clone());
            let said = answer["error"]["code"].is_i64() || answer.get("result").is_some();
            prop_assert!(said, "{method} {params} {answer}");
        }
        for order in deribit.exchange.ledger().orders {
            let sum: Decimal = order.trades.iter().map(|trade| trade.quantity).sum();
            prop_assert_eq!(sum, order.executed);
        }
    }

    #[test]
    fn coinbase_answers_with_success_or_a_reason_and_its_books_add_up(
        orders in prop::collection::vec(
            (request(COINBASE_GOOD, COINBASE_CHANGES), prop::option::weighted(0.3, value(AMOUNTS)), any::<bool>(), 0..60_u8), 1..25,
        ),
    ) {
        // Ed25519 signs faster.
        let mut coinbase = Coinbase { alg: Alg::EdDsa, ..Coinbase::start(settings()) };
        let before = coinbase.exchange.ledger();
        for (configuration, size, buy, id) in orders {
            let side = if buy { "BUY" } else { "SELL" };
            let mut order = Coinbase::order(&id.to_string(), side, &configuration);
            if let Some(size) = size {
                for terms in order["order_configuration"].as_object_mut().unwrap().values_mut() {
                    if terms.is_object() {
                        terms["base_size"] = size.clone();
                    }
                }
            }
            let request = coinbase.request("POST", &format!("{API}/orders"), &order.to_string());
            let answer = body_of(&responded(coinbase.exchange.handle(coinbase.now_ms, &request)));
            prop_assert!(answer["success"].is_boolean() || answer["error"].is_string(), "{order} {answer}");
        }
        assert_adds_up(&before, &coinbase.exchange.ledger());
    }
}
