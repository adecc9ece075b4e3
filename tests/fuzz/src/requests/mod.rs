//! Requests to the simulated exchanges, properly signed or not: an answer to each, and books that stay sound.

mod faces;
mod values;

use std::fmt::Write as _;

use bytes::Bytes;
use equipoise_sim::{Answer, Credentials, Exchange, RateLimits, Settings};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Method, Request, Uri};
use rust_decimal::Decimal;
use sha2::Sha256;

use crate::source::Source;
use faces::{FACES, Face, Form};
use values::VALUES;

const NOW: u64 = 1_795_334_400_000;
const SECRET: &str = "the-secret";
/// Largest answer; only a fault that is not set up here would send more.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// One exchange and a few requests to it. True if it accepted an order.
pub fn request(bytes: &[u8]) -> bool {
    let source = &mut Source::new(bytes);
    let face = &FACES[source.below(FACES.len())];
    let adapter = face.adapter;
    let credentials = Credentials {
        key: "the-key".to_owned(),
        secret: SECRET.to_owned(),
        ..Credentials::demo(adapter)
    };
    let settings = Settings {
        hedge_mode: source.odds(64),
        rate_limits: source.pick(&[RateLimits::Counted, RateLimits::Enforced]),
        ..Settings::default()
    };
    let exchange = Exchange::start(adapter, credentials, settings);
    let mut exchange = exchange.expect("a known adapter");
    let mut now_ms = NOW;
    for _ in 0..40 {
        if source.is_empty() {
            break;
        }
        now_ms += u64::from(source.byte());
        if let Some(request) = make(face, now_ms, source) {
            check_answer(exchange.handle(now_ms, &request));
        }
    }
    check_books(&exchange)
}

fn check_answer(answer: Answer) {
    match answer {
        Answer::Respond(response) | Answer::RespondAfter { response, .. } => {
            assert!(response.body().len() <= ANSWER_BYTES_MAX, "{} bytes", response.body().len());
        }
        Answer::Silence | Answer::Close | Answer::Late { .. } => panic!("no fault is set up"),
    }
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
    let methods = [Method::POST, Method::GET, Method::DELETE, Method::PUT];
    let places = path.ends_with("/create") || path.ends_with("/cancel") || path.ends_with("/order");
    let method = match source.byte() {
        0..200 if places => Method::POST,
        0..200 if face.form == Form::Bybit => Method::GET,
        _ => source.pick(&methods),
    };
    let fields = fields(face, source);
    let stamp =
        now_ms.saturating_add_signed(source.pick(&[0, 0, 0, 0, 0, 0, -500, -900, -9_000, 9_000]));
    let request = match face.form {
        Form::Binance => binance(&method, &path, &fields, stamp, source),
        Form::Bybit => bybit(&method, &path, &fields, stamp, source),
    };
    request.ok()
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

fn binance(
    method: &Method,
    path: &str,
    fields: &[(String, String)],
    stamp: u64,
    source: &mut Source<'_>,
) -> Result<Request<Bytes>, http::Error> {
    let mut query: String = joined(fields);
    let _ = write!(query, "&recvWindow=5000&timestamp={stamp}");
    let signature = sign(&[&query], source);
    let _ = write!(query, "&signature={signature}");
    let in_body = *method == Method::POST && source.odds(64);
    let (query, body) = if in_body { (String::new(), query) } else { (query, String::new()) };
    Request::builder()
        .method(method)
        .uri(uri(path, &query)?)
        .header("x-mbx-apikey", "the-key")
        .body(Bytes::from(body))
}

fn bybit(
    method: &Method,
    path: &str,
    fields: &[(String, String)],
    stamp: u64,
    source: &mut Source<'_>,
) -> Result<Request<Bytes>, http::Error> {
    let (query, body) = if *method == Method::GET {
        (joined(fields), String::new())
    } else if source.odds(16) {
        (String::new(), plain(source.take(24)))
    } else {
        (String::new(), object(fields, source))
    };
    let stamp = stamp.to_string();
    let signature = sign(&[&stamp, "the-key", "5000", &query, &body], source);
    Request::builder()
        .method(method)
        .uri(uri(path, &query)?)
        .header("x-bapi-api-key", "the-key")
        .header("x-bapi-timestamp", stamp)
        .header("x-bapi-recv-window", "5000")
        .header("x-bapi-sign", signature)
        .body(Bytes::from(body))
}

fn uri(path: &str, query: &str) -> Result<Uri, http::Error> {
    Ok(format!("http://exchange.test{path}?{query}").parse::<Uri>()?)
}

fn joined(fields: &[(String, String)]) -> String {
    let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// A JSON object, its values as text or as they are.
fn object(fields: &[(String, String)], source: &mut Source<'_>) -> String {
    let one = |(name, value): &(String, String)| {
        if source.odds(16) {
            format!("\"{name}\":{value}")
        } else {
            format!("\"{name}\":\"{value}\"")
        }
    };
    let fields: Vec<String> = fields.iter().map(one).collect();
    format!("{{{}}}", fields.join(","))
}

/// The right signature, now and then another.
fn sign(parts: &[&str], source: &mut Source<'_>) -> String {
    if source.odds(10) {
        return plain(source.take(16));
    }
    let mut signer =
        Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key of any length will do");
    parts.iter().for_each(|part| signer.update(part.as_bytes()));
    hex::encode(signer.finalize().into_bytes())
}

/// Bytes as characters that a request line may hold.
fn plain(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(b'!' + byte % 94)).collect()
}
