//! Answers of exchanges: any status, headers and body, most of them good ones spoiled.
//!
//! The adapters are driven through their port. Never a panic, never more certainty than the bytes hold: an order counts
//! as refused, placed or found only if a well-formed answer of this very call says so.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use equipoise_core::{
    OrderKind, OrderRequest, PositionSide, RefusalKind, Side, TimeInForce, UnixMillis, VenueMillis,
    VenueName,
};
use equipoise_port::{
    CancelAnswer, Clock, OrderRef, PlaceError, Purpose, Transport, TransportError, Venue,
};
use equipoise_venues::{Credentials, Endpoint, Settings, open};
use http::{Method, Request, Response};
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::source::Source;
use crate::specs::{price, qty};
use crate::spoil::spoil;

const NOW: u64 = 1_795_334_400_000;
const KEY: &str = "canary-key-77c0";
const SECRET: &str = "canary-secret-5b1e";
/// Requests one call may make; more is a loop without end.
const REQUESTS_MAX: usize = 600;

/// One adapter and a number of calls. True if an answer was believed.
pub fn venue(bytes: &[u8]) -> bool {
    let mut source = Source::new(bytes);
    let adapter = source.pick(&["binance-usdm", "bybit-linear"]);
    let exchange = Arc::new(Oracle::new(adapter, source.rest()));
    let settings = Settings::builder(
        VenueName::new("desk").expect("a name"),
        adapter,
        Credentials::new(KEY, SECRET).expect("printable"),
    )
    .endpoint(Endpoint::Url("http://venue.test".to_owned()))
    .build();
    let clock = Arc::new(Standing(AtomicU64::new(NOW)));
    let venue = open(settings, exchange.clone(), clock).expect("the adapter is one of the two");
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime without drivers").block_on(call(&*venue, &exchange));
    exchange.with(|state| state.believed)
}

async fn call(venue: &dyn Venue, exchange: &Oracle) {
    let fixture = fixtures(exchange.adapter);
    let asked = OrderRef {
        client_id: fixture.client_id.parse().expect("an id"),
        symbol: "BTCUSDT".parse().expect("a symbol"),
        venue_order: None,
        since: VenueMillis(NOW - 60_000),
    };
    let symbol = asked.symbol.clone();
    for _ in 0..4 {
        exchange.forget();
        match exchange.choose() % 12 {
            0..4 => place(venue, exchange, fixture).await,
            4 | 5 => {
                let found = venue.find(&asked).await;
                exchange.check_query(&found);
                for order in found.iter().flatten() {
                    assert_eq!(order.client_id, asked.client_id, "found is what was asked for");
                }
            }
            6 => exchange.check_query(&venue.orders_since(&symbol, asked.since).await),
            7 => {
                let answer = venue.cancel(&asked).await;
                exchange.check_cancel(answer.as_ref().ok());
                exchange.check_secrets(&answer.err());
            }
            8 => exchange.check_query(&venue.position(&symbol).await),
            9 => {
                exchange.check_secrets(&venue.instrument(&symbol).await.err());
                exchange.check_secrets(&venue.quote(&symbol).await.err());
            }
            10 => {
                exchange.check_secrets(&venue.account(std::slice::from_ref(&symbol)).await.err());
                exchange.check_secrets(&venue.balances().await.err());
            }
            _ => {
                exchange.check_secrets(&venue.server_time().await.err());
                exchange.check_secrets(&venue.reserve(Purpose::Entry).await.err());
            }
        }
        assert!(exchange.requests() <= REQUESTS_MAX, "one call makes a bounded number of requests");
    }
}

async fn place(venue: &dyn Venue, exchange: &Oracle, fixture: &Fixtures) {
    let order = OrderRequest {
        client_id: fixture.client_id.parse().expect("an id"),
        symbol: "BTCUSDT".parse().expect("a symbol"),
        side: Side::Buy,
        kind: OrderKind::Limit { price: price("65000"), time_in_force: TimeInForce::Gtc },
        quantity: qty("0.1"),
        reduce_only: false,
        position_side: PositionSide::Net,
        deadline: VenueMillis(NOW + 2_000),
        window_ms: 2_000,
    };
    let placed = venue.place(&order).await;
    let last = exchange.last();
    match (&placed, &last) {
        (Err(PlaceError::NotSent(_)), Some(Err(TransportError::NotSent(_))) | None) => {}
        (Err(PlaceError::NotSent(_)), answer) => panic!("not sent, yet {answer:?}"),
        (Err(PlaceError::Unknown(_)), _) => {}
        // An announced ban is kept without asking: nothing was sent.
        (Err(PlaceError::Refused(refusal)), None) => {
            assert!(matches!(refusal.kind, RefusalKind::RateLimited { .. }), "{refusal:?}");
        }
        (Err(PlaceError::Refused(refusal)), Some(Ok(answer))) => {
            let code = code(exchange.adapter, answer);
            assert_eq!(code.as_ref(), Some(&refusal.code), "refused by its own code: {answer:?}");
            assert!(code.as_deref() != Some("0") && answer.status() != 500, "{answer:?}");
        }
        (Ok(snapshot), Some(Ok(answer))) => {
            assert!(answer.status().is_success(), "placed by status {}", answer.status());
            assert!(is_well_formed(answer), "placed by {answer:?}");
            assert_eq!(snapshot.client_id, order.client_id, "placed is what was sent");
        }
        (placed, answer) => panic!("{placed:?} from {answer:?}"),
    }
    let believed = matches!(placed, Ok(_) | Err(PlaceError::Refused(_)));
    exchange.with(|state| state.believed |= believed);
    exchange.check_secrets(&placed.err());
}

fn is_well_formed(answer: &Response<Bytes>) -> bool {
    serde_json::from_slice::<IgnoredAny>(answer.body()).is_ok()
}

/// The venue's code, read by other means than the adapter's.
fn code(adapter: &str, answer: &Response<Bytes>) -> Option<String> {
    let field = if adapter == "binance-usdm" { "code" } else { "retCode" };
    let body: Value = serde_json::from_slice(answer.body()).ok()?;
    body.get(field)?.as_i64().map(|code| code.to_string())
}

type Answered = Result<Response<Bytes>, TransportError>;

/// Answers whatever the fuzzer's bytes say.
struct Oracle {
    adapter: &'static str,
    state: Mutex<State>,
}

struct State {
    bytes: Vec<u8>,
    at: usize,
    answers: Vec<(String, Answered)>,
    believed: bool,
}

impl Oracle {
    fn new(adapter: &'static str, bytes: &[u8]) -> Self {
        let state = State { bytes: bytes.to_vec(), at: 0, answers: Vec::new(), believed: false };
        Self { adapter, state: Mutex::new(state) }
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn choose(&self) -> u8 {
        self.with(|state| state.draw(|source| source.byte()))
    }

    fn forget(&self) {
        self.with(|state| state.answers.clear());
    }

    fn last(&self) -> Option<Answered> {
        self.with(|state| state.answers.last().map(|(_, answer)| answer.clone()))
    }

    fn requests(&self) -> usize {
        self.with(|state| state.answers.len())
    }

    /// A question is answered only by answers that can be read, every one of them.
    fn check_query<T: std::fmt::Debug>(&self, answer: &Result<T, equipoise_port::QueryError>) {
        let Err(error) = answer else {
            return self.with(|state| {
                state.believed = true;
                for (path, given) in &state.answers {
                    // The clock may be read badly as long as an older reading serves.
                    let read = matches!(given, Ok(given) if is_well_formed(given));
                    assert!(read || path.ends_with("/time"), "{answer:?} from {path}: {given:?}");
                }
            });
        };
        self.check_secrets(error);
    }

    fn check_cancel(&self, answer: Option<&CancelAnswer>) {
        let given = self.last();
        match (answer, given) {
            (None, _) => {}
            (Some(CancelAnswer::Acknowledged), Some(Ok(given))) => {
                assert!(given.status().is_success() && is_well_formed(&given), "{given:?}");
            }
            (Some(CancelAnswer::NotOpen), Some(Ok(given))) => {
                let code = code(self.adapter, &given);
                assert!(code.is_some_and(|code| code != "0"), "not open by {given:?}");
            }
            (answer, given) => panic!("{answer:?} from {given:?}"),
        }
    }

    fn check_secrets(&self, error: &impl std::fmt::Debug) {
        let shown = format!("{error:?}");
        assert!(!shown.contains(SECRET) && !shown.contains(KEY), "{shown}");
    }
}

impl State {
    fn draw<T>(&mut self, draw: impl FnOnce(&mut Source<'_>) -> T) -> T {
        let left = self.bytes.len();
        let mut source = Source::new(self.bytes.get(self.at..).unwrap_or_default());
        let drawn = draw(&mut source);
        self.at = left - source.rest().len();
        drawn
    }
}

#[async_trait]
impl Transport for Oracle {
    async fn send(&self, request: Request<Bytes>, _: Duration) -> Answered {
        let shown = format!("{request:?}");
        assert!(!shown.contains(SECRET), "the secret left: {shown}");
        let path = request.uri().path().to_owned();
        let good = fixtures(self.adapter).of(request.method(), &path);
        self.with(|state| {
            let answer = state.draw(|source| answer(source, &good));
            state.answers.push((path, answer.clone()));
            answer
        })
    }
}

fn answer(source: &mut Source<'_>, good: &[&str]) -> Answered {
    if source.odds(10) {
        let why = "fuzz".to_owned();
        return Err(if source.odds(128) {
            TransportError::NotSent(why)
        } else {
            TransportError::NoAnswer(why)
        });
    }
    let body = if good.is_empty() { "{}" } else { source.pick(good) };
    let body = if source.odds(140) { spoil(body, source) } else { body.as_bytes().to_vec() };
    let status = if source.odds(90) {
        let unusual = [100, 204, 302, 400, 401, 403, 404, 418, 429, 451, 500, 502, 503, 504, 599];
        source.pick(&unusual)
    } else if body.starts_with(b"{\"code\":-") {
        400
    } else {
        200
    };
    let mut response = Response::builder().status(status);
    if source.odds(60) {
        let values = ["1", "-1", "99999999999999999999", "soon", "0"];
        response = response.header("retry-after", source.pick(&values));
        response = response.header("x-bapi-limit-reset-timestamp", source.pick(&values));
        response = response.header("x-mbx-used-weight-1m", source.pick(&values));
    }
    Ok(response.body(Bytes::from(body)).expect("every status is a valid one"))
}

/// Time stands unless somebody waits.
struct Standing(AtomicU64);

#[async_trait]
impl Clock for Standing {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }

    async fn sleep_until(&self, at: UnixMillis) {
        self.0.fetch_max(at.0, Ordering::SeqCst);
    }
}

/// The documented answers of one venue.
struct Fixtures {
    /// The id most of them are about.
    client_id: &'static str,
    bodies: BTreeMap<String, String>,
    routes: &'static [(&'static str, &'static str, &'static str)],
}

impl Fixtures {
    fn of(&self, method: &Method, path: &str) -> Vec<&str> {
        let of_route = self.routes.iter().filter(|(of, route, _)| *of == method && *route == path);
        let prefixes: Vec<&str> = of_route.map(|(_, _, prefix)| *prefix).collect();
        let named = |name: &String| prefixes.iter().any(|prefix| name.starts_with(prefix));
        let bodies = self.bodies.iter().filter(|(name, _)| named(name));
        bodies.map(|(_, body)| body.as_str()).collect()
    }
}

const BINANCE: &[(&str, &str, &str)] = &[
    ("GET", "/fapi/v1/time", "time_"),
    ("GET", "/fapi/v1/exchangeInfo", "exchange_info"),
    ("GET", "/fapi/v1/ticker/bookTicker", "book_ticker"),
    ("GET", "/fapi/v1/premiumIndex", "premium_index"),
    ("GET", "/fapi/v1/commissionRate", "commission_rate"),
    ("GET", "/fapi/v1/accountConfig", "account_config"),
    ("GET", "/fapi/v3/balance", "balance"),
    ("GET", "/fapi/v3/positionRisk", "position_risk"),
    ("POST", "/fapi/v1/order", "order_place"),
    ("GET", "/fapi/v1/order", "order_query"),
    ("DELETE", "/fapi/v1/order", "order_cancel"),
    ("GET", "/fapi/v1/allOrders", "all_orders"),
    ("GET", "/fapi/v1/openOrders", "open_orders"),
    ("GET", "/fapi/v1/userTrades", "user_trades"),
];

const BYBIT: &[(&str, &str, &str)] = &[
    ("GET", "/v5/market/time", "time_"),
    ("GET", "/v5/market/instruments-info", "instruments"),
    ("GET", "/v5/market/tickers", "tickers"),
    ("GET", "/v5/account/fee-rate", "fee_rate"),
    ("GET", "/v5/account/info", "account_info"),
    ("GET", "/v5/account/wallet-balance", "wallet"),
    ("GET", "/v5/user/query-api", "query_api"),
    ("GET", "/v5/position/list", "position"),
    ("POST", "/v5/order/create", "create"),
    ("POST", "/v5/order/cancel", "cancel"),
    ("GET", "/v5/order/realtime", "order_listing"),
    ("GET", "/v5/order/history", "order_listing"),
    ("GET", "/v5/execution/list", "executions"),
];

fn fixtures(adapter: &str) -> &'static Fixtures {
    static FIXTURES: OnceLock<[Fixtures; 2]> = OnceLock::new();
    let both = FIXTURES.get_or_init(|| {
        [
            Fixtures { client_id: "leg0a1", bodies: read("binance"), routes: BINANCE },
            Fixtures { client_id: "leg1a1", bodies: read("bybit"), routes: BYBIT },
        ]
    });
    &both[usize::from(adapter != "binance-usdm")]
}

fn read(venue: &str) -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../adapters/venues/fixtures");
    let files = std::fs::read_dir(folder.join(venue)).expect("the adapters' fixtures");
    let read = |file: std::io::Result<std::fs::DirEntry>| {
        let path = file.ok()?.path();
        let name = path.file_stem()?.to_str()?.to_owned();
        Some((name, std::fs::read_to_string(&path).ok()?))
    };
    files.filter_map(read).collect()
}
