//! How long real adapters take over whole payloads: from an order to a request that could leave, and from an answer to
//! what the engine is told.
//!
//! An adapter is driven through its port, over a wire in memory that answers at once. Only the clock readings on both
//! sides of the wire part one figure from the other, so each holds every check the adapter makes, and a few dozen
//! nanoseconds of the readings themselves. One thing is subtracted: an asymmetric signature, measured apart with the
//! same key over the same text.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use equipoise::port::{OrderRef, Purpose, Venue};
use equipoise::venues::{self, Credentials, Endpoint, Settings};
use equipoise::{
    OrderKind, OrderRequest, OrderSnapshot, PositionSide, Side, TimeInForce, VenueMillis,
    VenueName, client_order_id,
};
use http::Request;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};

use super::exchange::{Exchange, ROWS, Signing};
use super::wire::{Answers, Told, Wire};
use super::{NOW, median, plan, tag};

/// Between two measurements in engine time: longer than most windows of the rate limits.
const APART_MS: u64 = 10_000;
/// Measurements behind one median.
const SAMPLES: usize = 2_000;

/// A key's name as exchanges hand them out: 64 characters.
const KEY: &str = "qV3mXt8ZrJ1nYc5KwLd7PfHs2GbUeA9oTiNvRy4BxMk6CzWjQhDpFgSuEa0lOt3I";
const SECRET: &str = "Hn5sRk2TzVq8LwXy4BdJc7MgPf1EaUo9Ni3ChKt6WrYvSx0ZeQuDmGbAj5IlFp2O";
const KEY_NAME: &str = "organizations/8f2c5a1e-7b3d-4e60-9c1f-2a4b6d8e0f13/apiKeys/1d3f5b7a-9c0e-4a2b-8d4f-6e8a0c2e4b57";

/// An adapter with an order to place.
pub(crate) struct Desk {
    pub(crate) name: &'static str,
    pub(crate) signing: Signing,
    venue: Arc<dyn Venue>,
    wire: Arc<Wire>,
    clock: Arc<Told>,
    order: OrderRequest,
    known: OrderRef,
    key: Option<Key>,
    finding: (&'static str, Answers),
    listing: (&'static str, Answers),
}

/// One order placed.
pub(crate) struct Placed {
    /// From the order until its request was handed over, signature and all.
    pub(crate) encoded: Duration,
    /// Signing the same again apart, where the signature is asymmetric; zero elsewhere.
    pub(crate) signed: Duration,
    /// From the last answer to what it proves. Coinbase acknowledges an order and shows it when asked, the others
    /// acknowledge or show it at once.
    pub(crate) decoded: Duration,
}

impl Placed {
    /// Without the asymmetric signature.
    pub(crate) fn unsigned(&self) -> Duration {
        self.encoded.saturating_sub(self.signed)
    }
}

impl Desk {
    pub(crate) fn all() -> Vec<Self> {
        Exchange::all().iter().map(Self::open).collect()
    }

    fn open(exchange: &Exchange) -> Self {
        let (key, credentials) = Key::of(exchange.signing);
        let name = VenueName::new("desk").unwrap();
        // A base URL as long as a real one.
        let settings = Settings::builder(name, exchange.adapter, credentials)
            .endpoint(Endpoint::Url("https://api.exchange.test".to_owned()))
            .build();
        let wire = Arc::new(Wire::new(exchange.headers));
        let clock = Arc::new(Told::new(NOW));
        let venue = venues::open(settings, wire.clone(), clock.clone()).unwrap();
        let order = order(exchange, venue.as_ref());
        let venue_order = Some(exchange.venue_order.parse().unwrap());
        let known = OrderRef { venue_order, ..OrderRef::of(&order) };
        let id = order.client_id.as_str();
        let (finding, listing) = (exchange.finding(id), exchange.listing(id));
        let (name, signing) = (exchange.name, exchange.signing);
        Self { name, signing, venue, wire, clock, order, known, key, finding, listing }
    }

    /// Answers as for one order, from now on.
    pub(crate) fn shows_one(&self) {
        self.wire.script(&self.finding.1, self.finding.0);
    }

    /// Answers with a page of orders, from now on.
    pub(crate) fn shows_page(&self) {
        self.wire.script(&self.listing.1, self.listing.0);
    }

    /// Places the order once.
    pub(crate) async fn place(&self) -> Placed {
        // As the engine does before it stamps an order: tokens are taken and renewed here.
        self.clock.advance(APART_MS);
        self.venue.reserve(Purpose::Entry).await.unwrap();
        self.wire.clear();
        let start = Instant::now();
        let answer = self.venue.place(&self.order).await;
        let end = Instant::now();
        self.check(&answer.unwrap());
        let passed = self.wire.passed();
        Placed {
            encoded: passed.asked - start,
            signed: self.key.as_ref().map_or(Duration::ZERO, |key| key.sign(&passed.request)),
            decoded: end - passed.answered,
        }
    }

    /// Looks the order up once; from the answer that shows it to its snapshot.
    pub(crate) async fn find(&self) -> Duration {
        self.clock.advance(APART_MS);
        self.wire.clear();
        let answer = self.venue.find(&self.known).await;
        let end = Instant::now();
        let [found] = &answer.unwrap()[..] else { panic!("{}: not one order", self.name) };
        self.check(found);
        self.since_awaited(end)
    }

    /// Lists orders once; from the page of twenty to their snapshots.
    pub(crate) async fn list(&self) -> Duration {
        self.clock.advance(APART_MS);
        self.wire.clear();
        let answer = self.venue.orders_since(&self.order.symbol, self.order.stamp()).await;
        let end = Instant::now();
        assert_eq!(answer.unwrap().len(), ROWS, "{}", self.name);
        self.since_awaited(end)
    }

    /// From the answer that is measured, after which no other may have come.
    fn since_awaited(&self, end: Instant) -> Duration {
        let passed = self.wire.passed();
        assert!(passed.was_last, "{}: another answer came later", self.name);
        end - passed.answered
    }

    fn check(&self, answer: &OrderSnapshot) {
        assert_eq!(answer.client_id, self.order.client_id, "{}", self.name);
        assert_eq!(Some(&answer.venue_order), self.known.venue_order.as_ref(), "{}", self.name);
    }
}

/// A limit order, which has the most fields, under the id the engine would derive.
fn order(exchange: &Exchange, venue: &dyn Venue) -> OrderRequest {
    let key = plan("2026-11-22T08:00:00Z", false).check().unwrap().key;
    OrderRequest {
        client_id: client_order_id(key, tag(0), venue.traits()),
        symbol: exchange.symbol.parse().unwrap(),
        side: Side::Buy,
        kind: OrderKind::Limit { price: "65000".parse().unwrap(), time_in_force: TimeInForce::Ioc },
        quantity: exchange.quantity.parse().unwrap(),
        reduce_only: false,
        position_side: PositionSide::Net,
        deadline: VenueMillis(NOW.0 + 2_000),
        window_ms: 2_000,
    }
}

/// An asymmetric key, to sign with apart from an adapter what the adapter signed.
enum Key {
    P256(EcdsaKeyPair, SystemRandom),
    Ed25519(Ed25519KeyPair),
}

impl Key {
    fn of(signing: Signing) -> (Option<Self>, Credentials) {
        match signing {
            Signing::Hmac | Signing::Bearer => {
                let credentials = Credentials::new(KEY, SECRET).unwrap();
                (None, credentials.with_passphrase("correct-horse-battery").unwrap())
            }
            Signing::P256 => {
                let random = SystemRandom::new();
                let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
                let der = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
                let text = STANDARD.encode(der.as_ref());
                let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----");
                let pair = EcdsaKeyPair::from_pkcs8(algorithm, der.as_ref(), &random).unwrap();
                (Some(Self::P256(pair, random)), Credentials::pem(KEY_NAME, &pem).unwrap())
            }
            Signing::Ed25519 => {
                let seed: Vec<u8> = (0..32).collect();
                let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
                let credentials = Credentials::new(KEY_NAME, &STANDARD.encode(&seed)).unwrap();
                (Some(Self::Ed25519(pair)), credentials)
            }
        }
    }

    /// Signs what a request's token is the signature of, and says how long that took.
    fn sign(&self, request: &Request<Bytes>) -> Duration {
        let bearer = request.headers()["authorization"].to_str().unwrap();
        let (input, _) = bearer.trim_start_matches("Bearer ").rsplit_once('.').unwrap();
        let start = Instant::now();
        let signature = match self {
            Self::P256(pair, random) => pair.sign(random, input.as_bytes()).unwrap(),
            Self::Ed25519(pair) => pair.sign(input.as_bytes()),
        };
        let spent = start.elapsed();
        assert_eq!(signature.as_ref().len(), 64);
        spent
    }
}

/// Medians of one adapter.
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) signing: Signing,
    /// With the signature, whatever it is.
    pub(crate) encoded: Duration,
    /// Without an asymmetric one.
    pub(crate) unsigned: Duration,
    /// An asymmetric one alone.
    pub(crate) signed: Duration,
    /// The slower of the answer to an order and the answer to a look-up.
    pub(crate) reply: Duration,
    /// A page of twenty orders.
    pub(crate) page: Duration,
}

/// Measures every adapter.
pub(crate) async fn figures() -> Vec<Figure> {
    let mut figures = Vec::new();
    for desk in Desk::all() {
        let (mut placed, mut found, mut listed) = (Vec::new(), Vec::new(), Vec::new());
        desk.shows_one();
        for _ in 0..SAMPLES {
            placed.push(desk.place().await);
        }
        for _ in 0..SAMPLES {
            found.push(desk.find().await);
        }
        desk.shows_page();
        for _ in 0..SAMPLES {
            listed.push(desk.list().await);
        }
        let of = |part: fn(&Placed) -> Duration| median(placed.iter().map(part).collect());
        figures.push(Figure {
            name: desk.name,
            signing: desk.signing,
            encoded: of(|placed| placed.encoded),
            unsigned: of(Placed::unsigned),
            signed: of(|placed| placed.signed),
            reply: of(|placed| placed.decoded).max(median(found)),
            page: median(listed),
        });
    }
    figures
}
