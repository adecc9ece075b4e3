//! A client of a simulated Coinbase without a network, with its own tokens.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests; not every file uses everything"
)]

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use equipoise_sim::{Answer, COINBASE, Credentials, Exchange, Settings};
use http::{Request, Response};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use serde_json::{Value, json};

/// 2026-11-22T07:00:00Z.
pub(crate) const NOW_MS: u64 = 1_795_330_800_000;

pub(crate) const API: &str = "/api/v3/brokerage";

pub(crate) fn responded(answer: Answer) -> Response<Bytes> {
    match answer {
        Answer::Respond(response) => response,
        other => panic!("no response at once: {other:?}"),
    }
}

pub(crate) fn body_of(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap_or(Value::Null)
}

/// Which of the two keys signs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alg {
    Es256,
    EdDsa,
}

/// The claims of an ordinary token for this request.
pub(crate) fn claims(kid: &str, now_ms: u64, method: &str, path: &str) -> Value {
    let now_s = now_ms / 1000;
    json!({
        "sub": kid, "iss": "cdp", "nbf": now_s, "exp": now_s + 120,
        "uri": format!("{method} api.coinbase.com{path}"),
    })
}

pub(crate) fn token(alg: Alg, header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = match alg {
        Alg::EdDsa => {
            let seed: Vec<u8> = (0..32).collect();
            let key = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
            key.sign(signed.as_bytes()).as_ref().to_vec()
        }
        Alg::Es256 => {
            let pem = Credentials::demo(COINBASE).secret;
            let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
            let der = STANDARD.decode(body).unwrap();
            // SEC1: the scalar after seven bytes, the uncompressed point at the end.
            let (scalar, point) = (&der[7..39], &der[der.len() - 65..]);
            let random = SystemRandom::new();
            let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
            let key =
                EcdsaKeyPair::from_private_key_and_public_key(algorithm, scalar, point, &random);
            key.unwrap().sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec()
        }
    };
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

pub(crate) struct Coinbase {
    pub(crate) exchange: Exchange,
    pub(crate) now_ms: u64,
    pub(crate) alg: Alg,
}

impl Coinbase {
    pub(crate) fn start(settings: Settings) -> Self {
        let exchange = Exchange::start(COINBASE, Credentials::demo(COINBASE), settings).unwrap();
        Self { exchange, now_ms: NOW_MS, alg: Alg::Es256 }
    }

    pub(crate) fn request(&self, method: &str, uri: &str, body: &str) -> Request<Bytes> {
        let path = uri.split('?').next().unwrap();
        let (alg, kid) = match self.alg {
            Alg::Es256 => ("ES256", "demo-key-coinbase"),
            Alg::EdDsa => ("EdDSA", "demo-ed-key-coinbase"),
        };
        let header = json!({ "alg": alg, "typ": "JWT", "kid": kid, "nonce": "00" });
        let token = token(self.alg, &header, &claims(kid, self.now_ms, method, path));
        Self::request_with(method, uri, body, &token)
    }

    pub(crate) fn request_with(method: &str, uri: &str, body: &str, token: &str) -> Request<Bytes> {
        Request::builder()
            .method(method)
            .uri(uri)
            .header("Authorization", format!("Bearer {token}"))
            .body(Bytes::copy_from_slice(body.as_bytes()))
            .unwrap()
    }

    /// HTTP status and body.
    pub(crate) fn call(&mut self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let request = self.request(method, &format!("{API}{path}"), body);
        let response = responded(self.exchange.handle(self.now_ms, &request));
        (response.status().as_u16(), body_of(&response))
    }

    pub(crate) fn get(&mut self, path: &str) -> Value {
        self.call("GET", path, "").1
    }

    pub(crate) fn order(client_id: &str, side: &str, configuration: &Value) -> Value {
        json!({
            "client_order_id": client_id, "product_id": "BTC-USD", "side": side,
            "order_configuration": configuration,
        })
    }

    pub(crate) fn create(&mut self, client_id: &str, side: &str, configuration: Value) -> Value {
        let order = Self::order(client_id, side, &configuration);
        self.call("POST", "/orders", &order.to_string()).1
    }

    /// Creates it and returns the reason it failed for, `ok` when it did not.
    pub(crate) fn reason(&mut self, client_id: &str, side: &str, configuration: Value) -> String {
        let body = self.create(client_id, side, configuration);
        if body["success"] == true {
            return "ok".to_owned();
        }
        let reason = body["error_response"]["error"].as_str().or_else(|| body["error"].as_str());
        reason.unwrap().to_owned()
    }

    /// The only order under a client id, found by listing.
    pub(crate) fn listed(&mut self, client_id: &str) -> Value {
        let body = self.get("/orders/historical/batch?product_ids=BTC-USD");
        let orders = body["orders"].as_array().unwrap();
        let mut found = orders.iter().filter(|order| order["client_order_id"] == client_id);
        let order = found.next().cloned().unwrap_or_default();
        assert!(found.next().is_none(), "one order per client id");
        order
    }

    /// Total of an asset.
    pub(crate) fn balance(&self, asset: &str) -> String {
        self.exchange.ledger().balances[asset].normalize().to_string()
    }
}

pub(crate) fn fields<'a>(order: &'a Value, names: &[&str]) -> Vec<&'a str> {
    names.iter().map(|name| order[name].as_str().unwrap_or("?")).collect()
}

pub(crate) fn market(base_size: &str) -> Value {
    json!({ "market_market_ioc": { "base_size": base_size } })
}

pub(crate) fn limit(kind: &str, size: &str, price: &str) -> Value {
    json!({ kind: { "base_size": size, "limit_price": price } })
}
