//! Two exchanges, a device for the journal, and engines that come and go.

use std::fmt::Debug;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use equipoise_core::{
    BatchKey, Leg, OnResidual, OrderKind, Plan, Policy, Positions, Quantity, Record, ResendClass,
    Side, TimeInForce, UnixMillis,
};
use equipoise_port::{Clock, Journal};
use equipoise_runtime::journal::MemoryDisk;
use equipoise_runtime::{Engine, EngineBuilder, Settings, SystemClock, VenueSetup};

use super::exchange::Exchange;
use super::wire::Wire;

pub(crate) const START: UnixMillis = UnixMillis(1_795_000_000_000);

/// Anything that is made from text.
pub(crate) fn of<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// Everything that outlives an engine.
pub(crate) struct Desk {
    pub(crate) disk: MemoryDisk,
    pub(crate) clock: Arc<SystemClock>,
    /// Class B.
    pub(crate) binance: Arc<Exchange>,
    /// Class A.
    pub(crate) bybit: Arc<Exchange>,
    cut: Arc<AtomicBool>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::of_classes([ResendClass::B, ResendClass::A])
    }

    /// Both class A: nothing is audited, so a batch ends as soon as it is filled.
    pub(crate) fn quick() -> Self {
        Self::of_classes([ResendClass::A, ResendClass::A])
    }

    fn of_classes([binance, bybit]: [ResendClass; 2]) -> Self {
        let clock = Arc::new(SystemClock::starting_at(START));
        Self {
            disk: MemoryDisk::new(),
            binance: Exchange::new("binance", binance, clock.clone()),
            bybit: Exchange::new("bybit", bybit, clock.clone()),
            clock,
            cut: Arc::default(),
        }
    }

    pub(crate) fn builder_on(&self, journal: Arc<dyn Journal>) -> EngineBuilder {
        let mut builder = Engine::builder(journal)
            .clock(self.clock.clone())
            .settings(Settings { doubt_grace_ms: 20_000, jitter_seed: 1 });
        for exchange in [&self.binance, &self.bybit] {
            let venue = Wire::new(exchange.clone(), self.cut.clone());
            builder = builder
                .venue(of(exchange.name), VenueSetup { venue, positions: Positions::Exclusive });
        }
        builder
    }

    pub(crate) fn builder(&self) -> EngineBuilder {
        self.builder_on(Arc::new(self.disk.open().unwrap()))
    }

    pub(crate) async fn engine(&self) -> Engine {
        self.builder().start().await.unwrap()
    }

    /// Both wires of the engines so far; setting it is a kill.
    pub(crate) fn cut(&self) -> Arc<AtomicBool> {
        self.cut.clone()
    }

    /// Kills every engine so far and cuts the power; the next one starts on what was durable.
    pub(crate) fn crash(&mut self) {
        self.cut.store(true, Ordering::SeqCst);
        self.cut = Arc::default();
        self.disk.lose_unsynced();
    }

    pub(crate) fn durable(&self, key: BatchKey) -> Vec<Record> {
        self.disk.synced_records(key).unwrap().unwrap_or_default()
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.now().since(START)
    }
}

pub(crate) async fn pass_ms(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

/// Lets everything happen that needs no time.
pub(crate) async fn let_run() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

pub(crate) fn leg(name: &str, venue: &str, side: Side, quantity: &str) -> Leg {
    Leg::market(of(name), of(venue), of("BTCUSDT"), side, Quantity::Base(of(quantity)))
}

pub(crate) fn resting(leg: Leg) -> Leg {
    let kind = OrderKind::Limit { price: of("64000"), time_in_force: TimeInForce::Gtc };
    Leg { kind, ..leg }
}

pub(crate) fn plan(occasion: &str, legs: Vec<Leg>) -> Plan {
    Plan {
        strategy: of("funding-arb"),
        occasion: of(occasion),
        legs,
        policy: Policy::new(OnResidual::Unwind, 10_000),
    }
}

/// Buys at one exchange and sells at the other, at once.
pub(crate) fn pair(occasion: &str, quantity: &str) -> Plan {
    plan(
        occasion,
        vec![
            leg("long", "binance", Side::Buy, quantity),
            leg("short", "bybit", Side::Sell, quantity),
        ],
    )
}

/// The second leg follows whatever the first one fills.
pub(crate) fn chain(occasion: &str) -> Plan {
    let mut short = leg("short", "bybit", Side::Sell, "0.1").after([of("long")]);
    short.quantity = Quantity::Of { leg: of("long"), ratio: of("1") };
    plan(occasion, vec![leg("long", "binance", Side::Buy, "0.1"), short])
}

pub(crate) fn key(plan: &Plan) -> BatchKey {
    plan.check().unwrap().key
}

/// Names of records, for exact sequences.
pub(crate) fn names(records: &[Record]) -> Vec<String> {
    let name = |record: &Record| {
        let text = format!("{record:?}");
        text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
    };
    records.iter().map(name).collect()
}
