//! A client of a simulated OKX without a network, with its own signing.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests; not every file uses everything"
)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use equipoise_sim::{Answer, Credentials, Exchange, OKX_SPOT, OKX_SWAP, Settings};
use hmac::{Hmac, KeyInit, Mac};
use http::{Request, Response};
use serde_json::{Value, json};

/// 2026-11-22T07:00:00Z.
pub(crate) const NOW_MS: u64 = 1_795_330_800_000;

/// `at_ms` of the day of [`NOW_MS`] as the venue wants it.
pub(crate) fn timestamp(at_ms: u64) -> String {
    let ms = at_ms - (NOW_MS - 7 * 3_600_000);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!("2026-11-22T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1000)
}

pub(crate) fn responded(answer: Answer) -> Response<Bytes> {
    match answer {
        Answer::Respond(response) => response,
        other => panic!("no response at once: {other:?}"),
    }
}

pub(crate) fn body_of(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap_or(Value::Null)
}

pub(crate) struct Okx {
    pub(crate) exchange: Exchange,
    pub(crate) now_ms: u64,
    pub(crate) credentials: Credentials,
    /// What a market buy of these tests trades.
    pub(crate) instrument: &'static str,
}

impl Okx {
    pub(crate) fn swap(settings: Settings) -> Self {
        Self::start(OKX_SWAP, "BTC-USDT-SWAP", settings)
    }

    pub(crate) fn spot(settings: Settings) -> Self {
        Self::start(OKX_SPOT, "BTC-USDT", settings)
    }

    fn start(adapter: &str, instrument: &'static str, settings: Settings) -> Self {
        let credentials = Credentials::demo(adapter);
        let exchange = Exchange::start(adapter, credentials.clone(), settings).unwrap();
        Self { exchange, now_ms: NOW_MS, credentials, instrument }
    }

    pub(crate) fn request(&self, method: &str, path: &str, body: &str) -> Request<Bytes> {
        let at = timestamp(self.now_ms);
        let mut mac =
            Hmac::<sha2::Sha256>::new_from_slice(self.credentials.secret.as_bytes()).unwrap();
        mac.update(format!("{at}{method}{path}{body}").as_bytes());
        Request::builder()
            .method(method)
            .uri(path)
            .header("OK-ACCESS-KEY", &self.credentials.key)
            .header("OK-ACCESS-PASSPHRASE", self.credentials.passphrase.as_ref().unwrap())
            .header("OK-ACCESS-TIMESTAMP", at)
            .header("OK-ACCESS-SIGN", STANDARD.encode(mac.finalize().into_bytes()))
            .body(Bytes::copy_from_slice(body.as_bytes()))
            .unwrap()
    }

    pub(crate) fn get(&mut self, path: &str) -> Value {
        let request = self.request("GET", path, "");
        body_of(&responded(self.exchange.handle(self.now_ms, &request)))
    }

    /// The first entry of `data`.
    pub(crate) fn first(&mut self, path: &str) -> Value {
        self.get(path)["data"][0].clone()
    }

    pub(crate) fn post_request(&self, path: &str, body: &Value) -> Request<Bytes> {
        self.request("POST", path, &body.to_string())
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Value {
        let request = self.post_request(path, body);
        body_of(&responded(self.exchange.handle(self.now_ms, &request)))
    }

    /// A market buy of one unit under `client_id`, changed by the fields given; null takes one away.
    pub(crate) fn order(&self, client_id: &str, changes: Value) -> Value {
        let spot = self.instrument == "BTC-USDT";
        let mut order = json!({
            "instId": self.instrument, "tdMode": if spot { "cash" } else { "cross" },
            "side": "buy", "ordType": "market", "sz": "1", "clOrdId": client_id,
        });
        if spot {
            order["tgtCcy"] = json!("base_ccy");
        }
        for (name, value) in changes.as_object().unwrap() {
            order[name] = value.clone();
        }
        order
    }

    pub(crate) fn place(&mut self, client_id: &str, changes: Value) -> Value {
        let order = self.order(client_id, changes);
        self.post("/api/v5/trade/order", &order)
    }

    /// Places it and returns the code that counts: of the order, else of the request.
    pub(crate) fn code(&mut self, client_id: &str, changes: Value) -> String {
        let body = self.place(client_id, changes);
        let code = body["data"][0]["sCode"].as_str().or_else(|| body["code"].as_str());
        code.unwrap().to_owned()
    }

    pub(crate) fn query(&mut self, client_id: &str) -> Value {
        let path = format!("/api/v5/trade/order?instId={}&clOrdId={client_id}", self.instrument);
        self.first(&path)
    }

    /// Cash of a coin.
    pub(crate) fn cash(&mut self, coin: &str) -> String {
        let row = self.first(&format!("/api/v5/account/balance?ccy={coin}"));
        row["details"][0]["cashBal"].as_str().unwrap().to_owned()
    }

    /// Signed contracts, `0` without a position.
    pub(crate) fn position(&mut self) -> String {
        let row = self.first(&format!("/api/v5/account/positions?instId={}", self.instrument));
        row["pos"].as_str().unwrap_or("0").to_owned()
    }
}

pub(crate) fn fields<'a>(order: &'a Value, names: &[&str]) -> Vec<&'a str> {
    names.iter().map(|name| order[name].as_str().unwrap_or("?")).collect()
}
