//! Every kind of named fault at every face of Binance and Bybit.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use bytes::Bytes;
use common::{
    BYBIT_SPOT_PAIR, Binance, Bybit, COINM, Category, INVERSE, LINEAR, NOW_MS, Product, SPOT, USDM,
    body_of, responded,
};
use equipoise_sim::{Answer, Exchange, Fault, Settings};
use http::Request;
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// An exchange with one fault of `kind`, and a market buy of `quantity` to send to it.
struct Scene {
    exchange: Exchange,
    buy: Request<Bytes>,
    quantity: Decimal,
}

fn binance(product: Product, kind: &str, quantity: &str) -> Scene {
    let client = Binance::at(product, Settings::default());
    let Product { adapter, prefix, symbol } = product;
    let params =
        format!("symbol={symbol}&side=BUY&type=MARKET&quantity={quantity}&newClientOrderId=leg");
    let buy = client.request("POST", &format!("{prefix}/order"), &params);
    scene(client.exchange, adapter, kind, buy, quantity)
}

fn bybit(category: Category, kind: &str, quantity: &str) -> Scene {
    let client = Bybit::at(category, Settings::default());
    let mut changes = json!({ "qty": quantity });
    if category.name == "spot" {
        changes["marketUnit"] = "baseCoin".into();
    }
    let buy = client.post_request("/v5/order/create", &Bybit::order_at(category, "leg", changes));
    scene(client.exchange, category.adapter, kind, buy, quantity)
}

fn scene(
    mut exchange: Exchange,
    adapter: &str,
    kind: &str,
    buy: Request<Bytes>,
    quantity: &str,
) -> Scene {
    exchange.inject(Fault::named(&format!("{adapter}-{kind}")).unwrap());
    Scene { exchange, buy, quantity: quantity.parse().unwrap() }
}

fn scenes(kind: &str) -> [(&'static str, Scene); 6] {
    [
        ("binance-usdm", binance(USDM, kind, "0.1")),
        ("binance-spot", binance(SPOT, kind, "0.1")),
        ("binance-coinm", binance(COINM, kind, "100")),
        ("bybit-linear", bybit(LINEAR, kind, "0.1")),
        ("bybit-inverse", bybit(INVERSE, kind, "100")),
        ("bybit-spot", bybit(BYBIT_SPOT_PAIR, kind, "0.1")),
    ]
}

impl Scene {
    fn send(&mut self) -> Answer {
        self.exchange.handle(NOW_MS, &self.buy)
    }

    fn executed(&self) -> Decimal {
        self.exchange.ledger().orders.iter().map(|order| order.executed).sum()
    }

    /// Status and the venue's code, 0 when the answer has none.
    fn code(&mut self) -> (u16, i64) {
        let response = responded(self.send());
        let body = body_of(&response);
        let code = body.get("code").or(body.get("retCode")).and_then(Value::as_i64);
        (response.status().as_u16(), code.unwrap_or_default())
    }
}

#[test]
fn a_rejection_and_missing_funds_have_codes_of_the_venue_and_leave_nothing() {
    let expected = [
        ("binance-usdm", (400, -2027), (400, -2019)),
        ("binance-spot", (400, -2010), (400, -2010)),
        ("binance-coinm", (400, -2027), (400, -2019)),
        ("bybit-linear", (200, 110_007), (200, 110_007)),
        ("bybit-inverse", (200, 110_007), (200, 110_007)),
        ("bybit-spot", (200, 170_131), (200, 170_131)),
    ];
    let rejected = scenes("reject").into_iter().zip(scenes("insufficient-funds"));
    for (((name, mut refused), (_, mut poor)), (adapter, rejection, funds)) in
        rejected.zip(expected)
    {
        assert_eq!(name, adapter);
        assert_eq!((refused.code(), poor.code()), (rejection, funds), "{name}");
        assert_eq!((refused.executed(), poor.executed()), Default::default(), "{name}");
        assert_eq!(refused.code(), (200, 0), "{name}: only the first order is met");
    }
}

#[test]
fn silence_comes_with_and_without_the_order() {
    for (name, mut scene) in scenes("timeout-after-accept") {
        assert!(matches!(scene.send(), Answer::Silence), "{name}");
        assert_eq!(scene.executed(), scene.quantity, "{name}");
    }
    for (name, mut scene) in scenes("timeout-lost") {
        assert!(matches!(scene.send(), Answer::Silence), "{name}");
        assert_eq!(scene.executed(), Decimal::ZERO, "{name}");
    }
}

#[test]
fn a_partial_fill_executes_two_fifths_in_whole_lots() {
    for (name, mut scene) in scenes("partial-fill") {
        assert_eq!(scene.code(), (200, 0), "{name}");
        assert_eq!(scene.executed(), scene.quantity * Decimal::new(4, 1), "{name}");
    }
}

#[test]
fn an_unknown_server_error_hides_an_execution() {
    for (name, mut scene) in scenes("5xx-unknown") {
        let (status, _) = scene.code();
        assert!((500..600).contains(&status), "{name}: {status}");
        assert_eq!(scene.executed(), scene.quantity, "{name}");
    }
}

#[test]
fn late_execution_is_stopped_only_where_the_matching_engine_checks_the_window() {
    for (name, mut scene) in scenes("late-execution") {
        let Answer::Late { delay_ms, held } = scene.send() else { panic!("{name} is not late") };
        assert_eq!((delay_ms, scene.executed()), (10_000, Decimal::ZERO), "{name}");
        let body = body_of(&responded(scene.exchange.resume(NOW_MS + delay_ms, held)));
        let executed = if name == "binance-usdm" { Decimal::ZERO } else { scene.quantity };
        assert_eq!(scene.executed(), executed, "{name}: {body}");
    }
}
