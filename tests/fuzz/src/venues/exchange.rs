//! An exchange that answers whatever the fuzzer's bytes say, and remembers what it answered.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use equipoise_core::UnixMillis;
use equipoise_port::{Clock, Transport, TransportError};
use http::{Method, Request, Response};
use serde_json::Value;

use super::desks::{Desk, Family};
use super::verdicts::{doubtful, read};
use crate::reshape::{graft, reshape};
use crate::source::Source;
use crate::spoil::spoil;

pub(super) type Answered = Result<Response<Bytes>, TransportError>;

/// One request of the present call and what came of it.
#[derive(Debug, Clone)]
pub(super) struct Exchanged {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) answer: Answered,
}

pub(super) struct Exchange {
    pub(super) desk: &'static Desk,
    /// Values that are put in place of others: codes that prove nothing, and the secrets themselves.
    words: Vec<String>,
    state: Mutex<State>,
}

struct State {
    bytes: Vec<u8>,
    at: usize,
    exchanged: Vec<Exchanged>,
    believed: bool,
    /// An answer held the secret: what is asked with that answer's words then holds it too.
    echoed: bool,
}

impl Exchange {
    pub(super) fn new(desk: &'static Desk, bytes: &[u8]) -> Self {
        let codes = doubtful(desk.family).iter().map(|code| match desk.family {
            Family::Okx | Family::Coinbase => format!("\"{code}\""),
            _ => (*code).to_owned(),
        });
        let secrets = desk.canaries().map(|canary| format!("\"{canary}\""));
        let all = format!("\"{}\"", desk.canaries().join(" "));
        let words = codes.chain(secrets).chain([all]).collect();
        let state = State {
            bytes: bytes.to_vec(),
            at: 0,
            exchanged: Vec::new(),
            believed: false,
            echoed: false,
        };
        Self { desk, words, state: Mutex::new(state) }
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads choices from the fuzzer's bytes.
    pub(super) fn draw<T>(&self, draw: impl FnOnce(&mut Source<'_>) -> T) -> T {
        self.with(|state| {
            let left = state.bytes.len();
            let mut source = Source::new(state.bytes.get(state.at..).unwrap_or_default());
            let drawn = draw(&mut source);
            state.at = left - source.rest().len();
            drawn
        })
    }

    /// Another call begins.
    pub(super) fn forget(&self) {
        self.with(|state| state.exchanged.clear());
    }

    /// Something was taken for true.
    pub(super) fn believe(&self) {
        self.with(|state| state.believed = true);
    }

    pub(super) fn was_believed(&self) -> bool {
        self.with(|state| state.believed)
    }

    /// Requests and answers of this call, in order.
    pub(super) fn exchanged(&self) -> Vec<Exchanged> {
        self.with(|state| state.exchanged.clone())
    }

    /// Every text and number in the answers of this call, as text.
    pub(super) fn scalars(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for exchanged in self.exchanged() {
            let Ok(answer) = exchanged.answer else { continue };
            if let Some(body) = read(&answer) {
                collect(&body, &mut found);
            }
            // Word by word as well: this reader refuses numbers out of range and drops repeated fields, an adapter
            // need not.
            let text = String::from_utf8_lossy(answer.body());
            let part_of_id = |letter: char| letter.is_alphanumeric() || "-_.".contains(letter);
            let words = text.split(|letter| !part_of_id(letter)).map(str::to_owned);
            found.extend(words.filter(|word| !word.is_empty()));
        }
        found
    }

    /// The secret leaves for a token only, and a token only as a header that logs do not show.
    fn check_request(&self, request: &Request<Bytes>) {
        let path = request.uri().path();
        let shown = format!("{request:?}");
        let is_grant = self.desk.family == Family::Deribit && path.ends_with("/public/auth");
        let echoed = self.with(|state| state.echoed);
        let hidden = is_grant || echoed || !shown.contains(self.desk.secret());
        assert!(hidden, "the secret left: {shown}");
        assert!(!shown.contains("Bearer"), "a token is shown: {shown}");
    }
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => drop(found.insert(text.clone())),
        Value::Number(number) => drop(found.insert(number.to_string())),
        Value::Array(rows) => rows.iter().for_each(|row| collect(row, found)),
        Value::Object(fields) => fields.values().for_each(|value| collect(value, found)),
        Value::Null | Value::Bool(_) => {}
    }
}

#[async_trait]
impl Transport for Exchange {
    async fn send(&self, request: Request<Bytes>, _: Duration) -> Answered {
        self.check_request(&request);
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let answer = self.draw(|source| self.answer(&method, &path, source));
        let body = answer.as_ref().map(|answer| answer.body().clone()).unwrap_or_default();
        let echo = String::from_utf8_lossy(&body).contains(self.desk.secret());
        let exchanged = Exchanged { method, path, answer: answer.clone() };
        self.with(|state| {
            state.exchanged.push(exchanged);
            state.echoed |= echo;
        });
        answer
    }
}

impl Exchange {
    fn answer(&self, method: &Method, path: &str, source: &mut Source<'_>) -> Answered {
        if source.odds(8) {
            let why = "fuzz".to_owned();
            return Err(if source.odds(128) {
                TransportError::NotSent(why)
            } else {
                TransportError::NoAnswer(why)
            });
        }
        let (usual, documented) = self.desk.answers(method, path);
        if let Some(usual) = usual.filter(|_| source.odds(150)) {
            return Ok(responded(200, usual.as_bytes().to_vec(), source));
        }
        let failures = self.desk.failures();
        let good = match documented.as_slice() {
            _ if !failures.is_empty() && source.odds(24) => source.pick(&failures),
            [] => "{}",
            documented => source.pick(documented),
        };
        let body = match source.byte() % 16 {
            0..7 => good.as_bytes().to_vec(),
            7..10 => spoil(good, source),
            10..14 => reshape(good, &self.words, source),
            14 if !documented.is_empty() => graft(good, source.pick(&documented)),
            _ => source.pick(BARE).as_bytes().to_vec(),
        };
        let status = if source.odds(60) {
            source.pick(&UNUSUAL)
        } else if is_failure(good) {
            source.pick(&[400, 400, 401, 403, 404, 429])
        } else {
            200
        };
        Ok(responded(status, body, source))
    }
}

const UNUSUAL: [u16; 16] =
    [100, 201, 204, 302, 400, 401, 403, 404, 408, 418, 429, 451, 500, 502, 503, 599];

/// Bodies of gateways and of nobody; two of them are documented refusals under the right status.
const BARE: &[&str] = &[
    "",
    "null",
    "[]",
    "{}",
    "42",
    "\u{0}",
    "<html>503</html>",
    "Unauthorized",
    "access too frequent",
    "[[[[[[[[",
    "{\"code\":",
    "{\"result\":null}",
    "{\"jsonrpc\":\"2.0\",\"result\":null,\"error\":null}",
    "{\"code\":\"0\",\"data\":[{}]}",
    "{\"retCode\":0,\"retMsg\":\"OK\",\"result\":{}}",
    "{\"success\":true,\"success_response\":null}",
];

/// Whether an answer is documented with a status of its own.
fn is_failure(good: &str) -> bool {
    let body: Value = serde_json::from_str(good).unwrap_or_default();
    let is_code = body.get("code").is_some_and(|code| code.as_i64().is_some_and(|code| code < 0));
    is_code || body.get("error").is_some() || body.get("errors").is_some()
}

fn responded(status: u16, body: Vec<u8>, source: &mut Source<'_>) -> Response<Bytes> {
    let mut response = Response::builder().status(status);
    if source.odds(40) {
        let values = ["1", "-1", "99999999999999999999", "soon", "0", "18446744073709551615"];
        for name in [
            "retry-after",
            "x-bapi-limit",
            "x-bapi-limit-status",
            "x-bapi-limit-reset-timestamp",
            "x-mbx-used-weight-1m",
            "x-mbx-order-count-10s",
            "x-ratelimit-remaining",
            "x-ratelimit-reset",
        ] {
            response = response.header(name, source.pick(&values));
        }
    }
    response.body(Bytes::from(body)).expect("every status is a valid one")
}

/// Time stands unless somebody waits.
pub(super) struct Standing(pub(super) AtomicU64);

#[async_trait]
impl Clock for Standing {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }

    async fn sleep_until(&self, at: UnixMillis) {
        self.0.fetch_max(at.0, Ordering::SeqCst);
    }
}
