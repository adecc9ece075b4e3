//! A client of a simulated Deribit without a network, with its own signing.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests; not every file uses everything"
)]

use bytes::Bytes;
use equipoise_sim::{Answer, Credentials, DERIBIT, Exchange, Settings};
use hmac::{Hmac, KeyInit, Mac};
use http::{Request, Response};
use serde_json::{Value, json};

/// 2026-11-22T07:00:00Z.
pub(crate) const NOW_MS: u64 = 1_795_330_800_000;

pub(crate) fn responded(answer: Answer) -> Response<Bytes> {
    match answer {
        Answer::Respond(response) => response,
        other => panic!("no response at once: {other:?}"),
    }
}

pub(crate) fn body_of(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap_or(Value::Null)
}

pub(crate) fn sign(secret: &str, text: &str) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

pub(crate) struct Deribit {
    pub(crate) exchange: Exchange,
    pub(crate) now_ms: u64,
    pub(crate) credentials: Credentials,
    pub(crate) token: String,
    nonce: u64,
}

impl Deribit {
    /// With a token.
    pub(crate) fn start(settings: Settings) -> Self {
        let credentials = Credentials::demo(DERIBIT);
        let exchange = Exchange::start(DERIBIT, credentials.clone(), settings).unwrap();
        let token = String::new();
        let mut deribit = Self { exchange, now_ms: NOW_MS, credentials, token, nonce: 0 };
        deribit.login();
        deribit
    }

    /// Takes a token for the key and returns the whole result.
    pub(crate) fn login(&mut self) -> Value {
        let (id, secret) = (self.credentials.key.clone(), self.credentials.secret.clone());
        let params =
            json!({ "grant_type": "client_credentials", "client_id": id, "client_secret": secret });
        let result = self.call("public/auth", params)["result"].clone();
        result["access_token"].as_str().unwrap().clone_into(&mut self.token);
        result
    }

    pub(crate) fn request(&self, method: &str, params: &Value) -> Request<Bytes> {
        let body = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
        Request::post(format!("/api/v2/{method}"))
            .header("Authorization", format!("Bearer {}", self.token))
            .body(Bytes::from(body.to_string()))
            .unwrap()
    }

    /// A GET signed instead of carrying a token.
    pub(crate) fn signed_request(&mut self, path: &str, secret: &str) -> Request<Bytes> {
        self.nonce += 1;
        let (ts, nonce, id) = (self.now_ms, self.nonce, self.credentials.key.clone());
        let signature = sign(secret, &format!("{ts}\n{nonce}\nGET\n{path}\n\n"));
        let value = format!("deri-hmac-sha256 id={id},ts={ts},sig={signature},nonce={nonce}");
        Request::get(path).header("Authorization", value).body(Bytes::new()).unwrap()
    }

    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        let request = self.request(method, &params);
        body_of(&responded(self.exchange.handle(self.now_ms, &request)))
    }

    pub(crate) fn result(&mut self, method: &str, params: Value) -> Value {
        let body = self.call(method, params);
        assert_eq!(body["error"], Value::Null, "{method}");
        body["result"].clone()
    }

    /// The code of a refusal, 0 for success.
    pub(crate) fn code(&mut self, method: &str, params: Value) -> i64 {
        self.call(method, params)["error"]["code"].as_i64().unwrap_or(0)
    }

    /// A market buy of 1000 dollars under `label`, changed by the fields given; null takes one away.
    pub(crate) fn order(label: &str, changes: Value) -> Value {
        let mut order = json!({
            "instrument_name": "BTC-PERPETUAL", "amount": 1000, "type": "market", "label": label,
        });
        for (name, value) in changes.as_object().unwrap() {
            order[name] = value.clone();
        }
        order
    }

    pub(crate) fn buy(&mut self, label: &str, changes: Value) -> Value {
        self.call("private/buy", Self::order(label, changes))
    }

    pub(crate) fn buy_code(&mut self, label: &str, changes: Value) -> i64 {
        self.buy(label, changes)["error"]["code"].as_i64().unwrap_or(0)
    }

    /// All recent orders under a label.
    pub(crate) fn by_label(&mut self, label: &str) -> Vec<Value> {
        let found = self.result(
            "private/get_order_state_by_label",
            json!({ "currency": "BTC", "label": label }),
        );
        found.as_array().unwrap().clone()
    }
}

/// Values as the venue wrote them.
pub(crate) fn fields(order: &Value, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| order[name].to_string().replace('"', "")).collect()
}
