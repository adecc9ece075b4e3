//! A scripted exchange and a clock that only moves when told to.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use equipoise_core::{
    OrderKind, OrderRequest, PositionSide, Side, TimeInForce, UnixMillis, VenueMillis, VenueName,
};
use equipoise_port::{Clock, OrderRef, Transport, TransportError, Venue};
use equipoise_venues::{Credentials, Endpoint, Settings, open};
use http::{Request, Response};

/// The moment all fixtures are about, engine time.
pub(crate) const NOW: u64 = 1_795_334_400_000;

/// Stands still unless somebody waits or a test moves it.
pub(crate) struct Standing(AtomicU64);

impl Standing {
    pub(crate) fn now() -> Self {
        Self(AtomicU64::new(NOW))
    }

    /// Milliseconds since the moment of the fixtures.
    pub(crate) fn passed(&self) -> u64 {
        self.0.load(Ordering::SeqCst) - NOW
    }

    pub(crate) fn advance(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for Standing {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }

    async fn sleep_until(&self, at: UnixMillis) {
        self.0.fetch_max(at.0, Ordering::SeqCst);
    }
}

type Scripted = Result<Response<Bytes>, TransportError>;

/// Answers per method and path, in order; the last one stays.
#[derive(Default)]
pub(crate) struct Script {
    answers: Mutex<BTreeMap<String, VecDeque<Scripted>>>,
    pub(crate) requests: Mutex<Vec<(Request<Bytes>, Duration)>>,
}

impl Script {
    pub(crate) fn on(&self, route: &str, answer: Scripted) -> &Self {
        let mut answers = self.answers.lock().unwrap();
        answers.entry(route.to_owned()).or_default().push_back(answer);
        self
    }

    pub(crate) fn fixture(&self, route: &str, status: u16, name: &str) -> &Self {
        self.body(route, status, &read_fixture(name))
    }

    pub(crate) fn body(&self, route: &str, status: u16, body: &str) -> &Self {
        let body = Bytes::copy_from_slice(body.as_bytes());
        self.on(route, Ok(Response::builder().status(status).body(body).unwrap()))
    }

    /// Method, path and query of every request so far, in order.
    pub(crate) fn sent(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        let shown = requests.iter().map(|(request, _)| {
            let path = request.uri().path_and_query().unwrap();
            format!("{} {path}", request.method())
        });
        shown.collect()
    }

    /// Requests to one path so far.
    pub(crate) fn count(&self, path: &str) -> usize {
        let requests = self.requests.lock().unwrap();
        let hits = requests.iter().filter(|(request, _)| request.uri().path() == path);
        hits.count()
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(
        &self,
        request: Request<Bytes>,
        timeout: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        let route = format!("{} {}", request.method(), request.uri().path());
        self.requests.lock().unwrap().push((request, timeout));
        let mut answers = self.answers.lock().unwrap();
        let queue =
            answers.get_mut(&route).unwrap_or_else(|| panic!("nothing scripted for {route}"));
        if queue.len() > 1 { queue.pop_front().unwrap() } else { queue.front().unwrap().clone() }
    }
}

/// An adapter over a script.
pub(crate) struct Stage {
    pub(crate) venue: Arc<dyn Venue>,
    pub(crate) script: Arc<Script>,
    pub(crate) clock: Arc<Standing>,
}

pub(crate) fn binance() -> Stage {
    let stage = stage("binance-usdm");
    stage.script.fixture("GET /fapi/v1/time", 200, "binance/time_now");
    stage
}

pub(crate) fn binance_spot() -> Stage {
    let stage = stage("binance-spot");
    stage.script.fixture("GET /api/v3/time", 200, "binance_spot/time_now");
    stage
}

pub(crate) fn binance_coinm() -> Stage {
    let stage = stage("binance-coinm");
    stage.script.fixture("GET /dapi/v1/time", 200, "binance_coinm/time_now");
    stage
}

pub(crate) fn bybit() -> Stage {
    let stage = stage("bybit-linear");
    stage.script.fixture("GET /v5/market/time", 200, "bybit/time_now");
    stage
}

pub(crate) fn okx_swap() -> Stage {
    okx("okx-swap", "okx/config_futures_net")
}

pub(crate) fn okx_spot() -> Stage {
    okx("okx-spot", "okx/config_spot")
}

/// Adapters that word their orders by the account's level; it is read when an order is reserved.
pub(crate) fn okx(adapter: &str, config: &str) -> Stage {
    let stage = stage(adapter);
    stage.script.fixture("GET /api/v5/public/time", 200, "okx/time_now");
    stage.script.fixture("GET /api/v5/account/config", 200, config);
    stage
}

pub(crate) fn bybit_inverse() -> Stage {
    let stage = stage("bybit-inverse");
    stage.script.fixture("GET /v5/market/time", 200, "bybit_inverse/time_now");
    stage
}

pub(crate) fn bybit_spot() -> Stage {
    let stage = stage("bybit-spot");
    stage.script.fixture("GET /v5/market/time", 200, "bybit_spot/time_now");
    stage
}

/// With a token to be had and the one instrument the fixtures are about.
pub(crate) fn deribit() -> Stage {
    let stage = stage("deribit");
    stage.script.fixture("POST /api/v2/public/get_time", 200, "deribit/time_now");
    stage.script.fixture("POST /api/v2/public/auth", 200, "deribit/auth_granted");
    let instrument = "POST /api/v2/public/get_instrument";
    stage.script.fixture(instrument, 200, "deribit/instrument_btc_perpetual");
    stage
}

/// Keyed with the Ed25519 seed of the bytes 0 to 31.
pub(crate) fn coinbase() -> Stage {
    let credentials = Credentials::new(
        "organizations/o/apiKeys/k",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    );
    let stage = stage_keyed("coinbase", credentials.unwrap());
    stage.script.fixture("GET /api/v3/brokerage/time", 200, "coinbase/time_now");
    let product = "GET /api/v3/brokerage/products/BTC-USD";
    stage.script.fixture(product, 200, "coinbase/product_btc_usd");
    stage
}

pub(crate) fn stage(adapter: &str) -> Stage {
    stage_at(adapter, Endpoint::Url("http://venue.test/".to_owned()))
}

pub(crate) fn stage_at(adapter: &str, endpoint: Endpoint) -> Stage {
    let credentials = Credentials::new("the-key", "the-secret")
        .and_then(|credentials| credentials.with_passphrase("the-passphrase"));
    stage_of(adapter, credentials.unwrap(), endpoint)
}

fn stage_keyed(adapter: &str, credentials: Credentials) -> Stage {
    stage_of(adapter, credentials, Endpoint::Url("http://venue.test/".to_owned()))
}

fn stage_of(adapter: &str, credentials: Credentials, endpoint: Endpoint) -> Stage {
    let script = Arc::new(Script::default());
    let clock = Arc::new(Standing(AtomicU64::new(NOW)));
    let settings = Settings::builder(VenueName::new("desk").unwrap(), adapter, credentials)
        .endpoint(endpoint)
        .build();
    Stage { venue: open(settings, script.clone(), clock.clone()).unwrap(), script, clock }
}

pub(crate) fn read_fixture(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/{name}.json"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub(crate) fn order(client_id: &str, side: Side) -> OrderRequest {
    OrderRequest {
        client_id: client_id.parse().unwrap(),
        symbol: "BTCUSDT".parse().unwrap(),
        side,
        kind: OrderKind::Limit { price: "65000".parse().unwrap(), time_in_force: TimeInForce::Gtc },
        quantity: "0.1".parse().unwrap(),
        reduce_only: false,
        position_side: PositionSide::Net,
        deadline: VenueMillis(NOW + 2_000),
        window_ms: 2_000,
    }
}

pub(crate) fn order_ref(client_id: &str, venue_order: Option<&str>) -> OrderRef {
    OrderRef {
        client_id: client_id.parse().unwrap(),
        symbol: "BTCUSDT".parse().unwrap(),
        venue_order: venue_order.map(|id| id.parse().unwrap()),
        since: VenueMillis(NOW),
        terms: None,
    }
}

/// Balances as `asset total available`.
pub(crate) fn shown_balances(balances: &[equipoise_port::Balance]) -> Vec<String> {
    let line = |balance: &equipoise_port::Balance| {
        format!("{} {} {}", balance.asset, balance.total, balance.available)
    };
    balances.iter().map(line).collect()
}

/// A position as long, short and net.
pub(crate) fn shown_position(position: &equipoise_port::Position) -> [String; 3] {
    [position.long.to_string(), position.short.to_string(), position.net().to_string()]
}

/// Orders as `client id executed`.
pub(crate) fn shown_orders(orders: &[equipoise_core::OrderSnapshot]) -> Vec<String> {
    orders.iter().map(|order| format!("{} {}", order.client_id, order.executed)).collect()
}

/// Fills as `id quantity@price fee asset`, to compare at a glance.
pub(crate) fn shown(fills: &[equipoise_core::Fill]) -> Vec<String> {
    let line = |fill: &equipoise_core::Fill| {
        format!("{} {}@{} {} {}", fill.trade, fill.quantity, fill.price, fill.fee, fill.fee_asset)
    };
    fills.iter().map(line).collect()
}
