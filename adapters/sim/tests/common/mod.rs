//! Clients of a simulated exchange without a network, with their own signing.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests; not every file uses everything"
)]

use bytes::Bytes;
use equipoise_sim::{
    Answer, BINANCE_COINM, BINANCE_SPOT, BINANCE_USDM, BYBIT_INVERSE, BYBIT_LINEAR, BYBIT_SPOT,
    Credentials, Exchange, Settings,
};
use hmac::{Hmac, KeyInit, Mac};
use http::{Request, Response};
use serde_json::{Value, json};

/// 2026-11-22T07:00:00Z.
pub(crate) const NOW_MS: u64 = 1_795_330_800_000;

pub(crate) fn sign(secret: &str, text: &str) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

pub(crate) fn body_of(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap_or(Value::Null)
}

pub(crate) fn responded(answer: Answer) -> Response<Bytes> {
    match answer {
        Answer::Respond(response) => response,
        other => panic!("no response at once: {other:?}"),
    }
}

/// One of Binance's products.
#[derive(Clone, Copy)]
pub(crate) struct Product {
    pub(crate) adapter: &'static str,
    /// Of the paths of its interface.
    pub(crate) prefix: &'static str,
    /// The instrument that orders without a symbol are for.
    pub(crate) symbol: &'static str,
}

pub(crate) const USDM: Product =
    Product { adapter: BINANCE_USDM, prefix: "/fapi/v1", symbol: "BTCUSDT" };
pub(crate) const COINM: Product =
    Product { adapter: BINANCE_COINM, prefix: "/dapi/v1", symbol: "BTCUSD_PERP" };
pub(crate) const SPOT: Product =
    Product { adapter: BINANCE_SPOT, prefix: "/api/v3", symbol: "BTCUSDT" };

/// Binance's side of the tests: everything in the query string.
pub(crate) struct Binance {
    pub(crate) exchange: Exchange,
    pub(crate) product: Product,
    pub(crate) now_ms: u64,
    pub(crate) key: String,
    pub(crate) secret: String,
}

impl Binance {
    pub(crate) fn start(settings: Settings) -> Self {
        Self::at(USDM, settings)
    }

    pub(crate) fn at(product: Product, settings: Settings) -> Self {
        let credentials = Credentials::demo(product.adapter);
        let exchange = Exchange::start(product.adapter, credentials.clone(), settings).unwrap();
        let Credentials { key, secret, .. } = credentials;
        Self { exchange, product, now_ms: NOW_MS, key, secret }
    }

    pub(crate) fn request(&self, method: &str, path: &str, params: &str) -> Request<Bytes> {
        let joint = if params.is_empty() { "" } else { "&" };
        self.request_signed(method, path, &format!("{params}{joint}timestamp={}", self.now_ms))
    }

    pub(crate) fn request_signed(&self, method: &str, path: &str, params: &str) -> Request<Bytes> {
        let uri = format!("{path}?{params}&signature={}", sign(&self.secret, params));
        Request::builder()
            .method(method)
            .uri(uri)
            .header("X-MBX-APIKEY", &self.key)
            .body(Bytes::new())
            .unwrap()
    }

    pub(crate) fn ask(&mut self, method: &str, path: &str, params: &str) -> Answer {
        let request = self.request(method, path, params);
        self.exchange.handle(self.now_ms, &request)
    }

    /// HTTP status and body.
    pub(crate) fn call(&mut self, method: &str, path: &str, params: &str) -> (u16, Value) {
        let response = responded(self.ask(method, path, params));
        (response.status().as_u16(), body_of(&response))
    }

    /// The same for a page of the product's usual version.
    pub(crate) fn page(&mut self, method: &str, page: &str, params: &str) -> Value {
        self.call(method, &format!("{}/{page}", self.product.prefix), params).1
    }

    pub(crate) fn place(&mut self, params: &str) -> (u16, Value) {
        let Product { prefix, symbol, .. } = self.product;
        self.call("POST", &format!("{prefix}/order"), &format!("symbol={symbol}&{params}"))
    }

    /// The venue's code, 0 for success.
    pub(crate) fn code(&mut self, params: &str) -> i64 {
        let (status, body) = self.place(params);
        if status == 200 { 0 } else { body["code"].as_i64().unwrap() }
    }

    pub(crate) fn query(&mut self, client_id: &str) -> Value {
        let params = format!("symbol={}&origClientOrderId={client_id}", self.product.symbol);
        self.page("GET", "order", &params)
    }
}

/// One of Bybit's categories.
#[derive(Clone, Copy)]
pub(crate) struct Category {
    pub(crate) adapter: &'static str,
    pub(crate) name: &'static str,
    /// The instrument that orders are for unless they say otherwise.
    pub(crate) symbol: &'static str,
}

pub(crate) const LINEAR: Category =
    Category { adapter: BYBIT_LINEAR, name: "linear", symbol: "BTCUSDT" };
pub(crate) const INVERSE: Category =
    Category { adapter: BYBIT_INVERSE, name: "inverse", symbol: "BTCUSD" };
pub(crate) const BYBIT_SPOT_PAIR: Category =
    Category { adapter: BYBIT_SPOT, name: "spot", symbol: "BTCUSDT" };

/// Bybit's side of the tests.
pub(crate) struct Bybit {
    pub(crate) exchange: Exchange,
    pub(crate) category: Category,
    pub(crate) now_ms: u64,
    pub(crate) key: String,
    pub(crate) secret: String,
}

impl Bybit {
    pub(crate) fn start(settings: Settings) -> Self {
        Self::at(LINEAR, settings)
    }

    pub(crate) fn at(category: Category, settings: Settings) -> Self {
        let credentials = Credentials::demo(category.adapter);
        let exchange = Exchange::start(category.adapter, credentials.clone(), settings).unwrap();
        let Credentials { key, secret, .. } = credentials;
        Self { exchange, category, now_ms: NOW_MS, key, secret }
    }

    fn request(&self, method: &str, uri: String, signed: &str, body: String) -> Request<Bytes> {
        let (key, now_ms) = (&self.key, self.now_ms);
        Request::builder()
            .method(method)
            .uri(uri)
            .header("X-BAPI-API-KEY", key)
            .header("X-BAPI-TIMESTAMP", now_ms)
            .header("X-BAPI-RECV-WINDOW", "5000")
            .header("X-BAPI-SIGN", sign(&self.secret, &format!("{now_ms}{key}5000{signed}")))
            .body(Bytes::from(body))
            .unwrap()
    }

    pub(crate) fn get_request(&self, path: &str, query: &str) -> Request<Bytes> {
        self.request("GET", format!("{path}?{query}"), query, String::new())
    }

    pub(crate) fn post_request(&self, path: &str, body: &Value) -> Request<Bytes> {
        let body = body.to_string();
        self.request("POST", path.to_owned(), &body, body.clone())
    }

    pub(crate) fn get(&mut self, path: &str, query: &str) -> Value {
        let request = self.get_request(path, query);
        body_of(&responded(self.exchange.handle(self.now_ms, &request)))
    }

    /// The rows of a listing in the client's own category.
    pub(crate) fn list(&mut self, path: &str, query: &str) -> Value {
        let category = self.category.name;
        self.get(path, &format!("category={category}&{query}"))["result"]["list"].clone()
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Value {
        let request = self.post_request(path, body);
        body_of(&responded(self.exchange.handle(self.now_ms, &request)))
    }

    /// A market buy of 0.1 under `client_id` on linear, changed by the fields given.
    pub(crate) fn order(client_id: &str, changes: Value) -> Value {
        Self::order_at(LINEAR, client_id, changes)
    }

    /// A market buy of 0.1 under `client_id`, changed by the fields given.
    pub(crate) fn order_at(category: Category, client_id: &str, changes: Value) -> Value {
        let mut order = json!({
            "category": category.name, "symbol": category.symbol, "side": "Buy",
            "orderType": "Market", "qty": "0.1", "orderLinkId": client_id,
        });
        for (name, value) in changes.as_object().unwrap() {
            order[name] = value.clone();
        }
        order
    }

    /// Places it and returns the venue's code.
    pub(crate) fn code(&mut self, client_id: &str, changes: Value) -> i64 {
        let order = Self::order_at(self.category, client_id, changes);
        self.post("/v5/order/create", &order)["retCode"].as_i64().unwrap()
    }

    /// The order as the live listing shows it, null when it does not.
    pub(crate) fn query(&mut self, client_id: &str) -> Value {
        self.list("/v5/order/realtime", &format!("orderLinkId={client_id}"))[0].clone()
    }

    pub(crate) fn position(&mut self) -> (String, String) {
        let symbol = self.category.symbol;
        let row = self.list("/v5/position/list", &format!("symbol={symbol}"))[0].clone();
        (row["side"].as_str().unwrap().to_owned(), row["size"].as_str().unwrap().to_owned())
    }
}
