//! Requests to the simulated exchanges, properly signed or not: an answer to each, and books that stay sound.

mod faces;
mod forms;
mod json_faces;
mod tokens;
mod values;

use std::collections::BTreeMap;

use bytes::Bytes;
use equipoise_sim::{
    Answer, Credentials, Exchange, InstrumentKind, Ledger, RateLimits, Settings, Side,
};
use http::{Method, Request, Response};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::source::Source;
use faces::{FACES, Face, Form};
use forms::{Draft, plain};
use values::VALUES;

/// 2026-11-22T08:00:00Z.
const NOW: u64 = 1_795_334_400_000;
/// Largest answer; only a fault that is not set up here would send more.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The exchanges that the first choice picks from.
pub fn simulated_adapters() -> impl Iterator<Item = &'static str> {
    FACES.iter().map(|face| face.adapter)
}

/// One exchange and a few requests to it. True if it accepted an order.
pub fn request(bytes: &[u8]) -> bool {
    let source = &mut Source::new(bytes);
    let face = &FACES[source.below(FACES.len())];
    let adapter = face.adapter;
    let settings = Settings {
        hedge_mode: source.odds(64),
        rate_limits: source.pick(&[RateLimits::Counted, RateLimits::Enforced]),
        ..Settings::default()
    };
    let exchange = Exchange::start(adapter, Credentials::demo(adapter), settings);
    let mut exchange = exchange.expect("a known adapter");
    let before = exchange.ledger();
    let mut now_ms = NOW;
    for _ in 0..40 {
        if source.is_empty() {
            break;
        }
        now_ms += u64::from(source.byte());
        if let Some(request) = make(face, now_ms, source) {
            check_answer(face.form, &request, exchange.handle(now_ms, &request));
        }
    }
    check_balances(&exchange, &before);
    check_books(&exchange)
}

fn check_answer(form: Form, request: &Request<Bytes>, answer: Answer) {
    match answer {
        Answer::Respond(response) | Answer::RespondAfter { response, .. } => {
            assert!(response.body().len() <= ANSWER_BYTES_MAX, "{} bytes", response.body().len());
            assert!(is_in_form(form, request, &response), "{request:?} {response:?}");
        }
        Answer::Silence | Answer::Close | Answer::Late { .. } => panic!("no fault is set up"),
    }
}

/// Whether an answer to an instruction is in the venue's own form, where that tells it from every other.
fn is_in_form(form: Form, request: &Request<Bytes>, response: &Response<Bytes>) -> bool {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    match form {
        Form::Okx if response.status() == 200 => body["code"].is_string(),
        Form::Deribit if response.status() == 200 => body.get("result").is_some(),
        Form::Deribit if response.status() == 400 => body["error"]["code"].is_i64(),
        Form::Coinbase if request.uri().path().ends_with("/orders") => {
            body["success"].is_boolean() || body["error"].is_string() || response.status() != 200
        }
        _ => true,
    }
}

/// Balances of spot products are what they were and what trades moved, and none is below zero.
fn check_balances(exchange: &Exchange, before: &Ledger) {
    let rules: BTreeMap<_, _> =
        exchange.instruments().map(|instrument| (instrument.symbol, instrument)).collect();
    if rules.values().any(|instrument| instrument.kind != InstrumentKind::Spot) {
        return;
    }
    let after = exchange.ledger();
    let mut balances = before.balances.clone();
    for order in &after.orders {
        let rules = rules[order.symbol.as_str()];
        for trade in &order.trades {
            let sign = if order.side == Side::Buy { Decimal::ONE } else { -Decimal::ONE };
            *balances.entry(rules.base.to_owned()).or_default() += sign * trade.quantity;
            *balances.entry(rules.quote.to_owned()).or_default() -=
                sign * trade.quantity * trade.price;
            *balances.entry(trade.fee_asset.clone()).or_default() -= trade.fee;
        }
    }
    assert_eq!(after.balances, balances, "balances are what trades made of them");
    assert!(balances.values().all(|balance| *balance >= Decimal::ZERO), "{balances:?}");
}

fn check_books(exchange: &Exchange) -> bool {
    let orders = exchange.ledger().orders;
    for order in &orders {
        let traded: Decimal = order.trades.iter().map(|trade| trade.quantity).sum();
        assert_eq!(traded, order.executed, "an order executes what it trades: {order:?}");
        assert!(order.executed <= order.quantity, "and no more than it holds: {order:?}");
        assert!(order.quantity > Decimal::ZERO, "an order is for something: {order:?}");
    }
    !orders.is_empty()
}

fn make(face: &Face, now_ms: u64, source: &mut Source<'_>) -> Option<Request<Bytes>> {
    let path = if source.odds(16) {
        format!("/{}", plain(source.take(12)))
    } else {
        source.pick(face.paths).to_owned()
    };
    let method = method(face, &path, source);
    let fields = fields(face, source);
    let stamp =
        now_ms.saturating_add_signed(source.pick(&[0, 0, 0, 0, 0, 0, -500, -900, -9_000, 9_000]));
    let credentials = Credentials::demo(face.adapter);
    let draft = Draft { credentials, method, path, fields, stamp };
    draft.request(face.form, source).ok()
}

fn method(face: &Face, path: &str, source: &mut Source<'_>) -> Method {
    let methods = [Method::POST, Method::GET, Method::DELETE, Method::PUT];
    let instructs = face.form == Form::Deribit
        || ["/create", "/cancel", "/order", "/orders", "/preview", "/batch_cancel", "-order"]
            .iter()
            .any(|end| path.ends_with(end))
        || ["/batch-orders", "/cancel-all-after", "/set-leverage", "/set-position-mode"]
            .iter()
            .any(|end| path.ends_with(end));
    match source.byte() {
        0..200 if instructs => Method::POST,
        0..200 if face.form != Form::Binance => Method::GET,
        _ => source.pick(&methods),
    }
}

/// A sound order half of the time, with a few of its fields changed.
fn fields(face: &Face, source: &mut Source<'_>) -> Vec<(String, String)> {
    let sound = source.pick(face.sound);
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let mut fields: Vec<(String, String)> = sound.iter().map(owned).collect();
    for _ in 0..source.below(8).saturating_sub(3) {
        let value =
            if source.odds(40) { plain(source.take(10)) } else { source.pick(VALUES).into() };
        let name: String = source.pick(face.names).into();
        match fields.iter_mut().find(|(held, _)| *held == name) {
            Some(held) if source.odds(200) => held.1 = value,
            _ => fields.push((name, value)),
        }
    }
    fields
}
