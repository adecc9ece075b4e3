//! Every kind of named fault at the faces of OKX, Deribit and Coinbase.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "common/coinbase.rs"]
mod coinbase;
#[path = "common/deribit.rs"]
mod deribit;
#[path = "common/okx.rs"]
mod okx;

use bytes::Bytes;
use coinbase::{API, Coinbase, market};
use deribit::Deribit;
use equipoise_sim::{Answer, Exchange, Fault, Settings};
use http::{Request, Response};
use okx::{NOW_MS, Okx, body_of, responded};
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// An exchange with one fault of `kind`, and a market buy of `quantity` to send to it.
struct Scene {
    exchange: Exchange,
    buy: Request<Bytes>,
    quantity: Decimal,
}

fn scenes(kind: &str) -> Vec<Scene> {
    let swap = Okx::swap(Settings::default());
    let spot = Okx::spot(Settings::default());
    let place = "/api/v5/trade/order";
    let contracts = swap.post_request(place, &swap.order("leg", json!({ "sz": "10" })));
    let coins = spot.post_request(place, &spot.order("leg", json!({ "sz": "0.1" })));
    let deribit = Deribit::start(Settings::default());
    let dollars = deribit.request("private/buy", &Deribit::order("leg", json!({})));
    let coinbase = Coinbase::start(Settings::default());
    let order = Coinbase::order("leg", "BUY", &market("0.1")).to_string();
    let created = coinbase.request("POST", &format!("{API}/orders"), &order);
    let scenes = [
        (swap.exchange, contracts, "10"),
        (spot.exchange, coins, "0.1"),
        (deribit.exchange, dollars, "1000"),
        (coinbase.exchange, created, "0.1"),
    ];
    let with_fault = scenes.into_iter().map(|(mut exchange, buy, quantity)| {
        exchange.inject(Fault::named(&format!("{}-{kind}", exchange.adapter())).unwrap());
        Scene { exchange, buy, quantity: quantity.parse().unwrap() }
    });
    with_fault.collect()
}

impl Scene {
    fn name(&self) -> &'static str {
        self.exchange.adapter()
    }

    fn send(&mut self) -> Answer {
        self.exchange.handle(NOW_MS, &self.buy)
    }

    fn executed(&self) -> Decimal {
        self.exchange.ledger().orders.iter().map(|order| order.executed).sum()
    }
}

/// Whether an answer says that the order was accepted, as each venue says it.
fn accepts(response: &Response<Bytes>) -> bool {
    let body = body_of(response);
    let okx = body["data"][0]["sCode"] == "0";
    okx || body["success"] == true || body["result"]["order"] != Value::Null
}

#[test]
fn a_rejection_and_missing_funds_leave_nothing_and_meet_the_first_order_only() {
    for kind in ["reject", "insufficient-funds"] {
        for mut scene in scenes(kind) {
            let name = scene.name();
            let refused = responded(scene.send());
            assert!(!accepts(&refused), "{name} {kind}");
            assert_eq!(scene.executed(), Decimal::ZERO, "{name} {kind}");
            assert!(accepts(&responded(scene.send())), "{name} {kind}");
        }
    }
}

#[test]
fn silence_comes_with_and_without_the_order() {
    for mut scene in scenes("timeout-after-accept") {
        assert!(matches!(scene.send(), Answer::Silence), "{}", scene.name());
        assert_eq!(scene.executed(), scene.quantity, "{}", scene.name());
    }
    for mut scene in scenes("timeout-lost") {
        assert!(matches!(scene.send(), Answer::Silence), "{}", scene.name());
        assert_eq!(scene.executed(), Decimal::ZERO, "{}", scene.name());
    }
}

#[test]
fn a_partial_fill_executes_two_fifths_in_whole_lots() {
    for mut scene in scenes("partial-fill") {
        assert!(accepts(&responded(scene.send())), "{}", scene.name());
        assert_eq!(scene.executed(), scene.quantity * Decimal::new(4, 1), "{}", scene.name());
    }
}

#[test]
fn an_unknown_server_error_hides_an_execution() {
    for mut scene in scenes("5xx-unknown") {
        let status = responded(scene.send()).status().as_u16();
        assert!((500..600).contains(&status), "{}: {status}", scene.name());
        assert_eq!(scene.executed(), scene.quantity, "{}", scene.name());
    }
}

#[test]
fn an_order_without_a_deadline_is_executed_however_late_it_is() {
    for mut scene in scenes("late-execution") {
        let Answer::Late { delay_ms, held } = scene.send() else {
            panic!("{} is not late", scene.name())
        };
        assert_eq!((delay_ms, scene.executed()), (10_000, Decimal::ZERO), "{}", scene.name());
        assert!(accepts(&responded(scene.exchange.resume(NOW_MS + delay_ms, held))));
        assert_eq!(scene.executed(), scene.quantity, "{}", scene.name());
    }
}
