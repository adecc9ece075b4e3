//! Simulated exchanges, adapters and an engine over loopback HTTP, for tests across crates.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use equipoise::journal::{self, JournalKind, JournalOptions};
use equipoise::port::{Journal, Observer, Venue};
use equipoise::venues::{Credentials, Endpoint, HttpTransport, Settings as VenueSettings, open};
use equipoise::{Engine, Leg, LegName, Occasion, OnResidual, Plan, Policy, Positions};
use equipoise::{Quantity, Side, StrategyName, Symbol, SystemClock, VenueName, VenueSetup};
use equipoise_sim::{
    BINANCE_USDM, BYBIT_LINEAR, Exchange, Fault, Ledger, Running, ServeOptions, Settings, serve,
};

/// How long after a deadline an effect may still show. Nothing is late on loopback unless a fault makes it so, so
/// absence need not be waited for as long as on the wide net.
pub(crate) const MARGIN_MS: u32 = 200;

/// Two simulated exchanges on loopback.
pub(crate) struct Exchanges {
    pub(crate) binance: Running,
    pub(crate) bybit: Running,
}

impl Exchanges {
    pub(crate) async fn start() -> Self {
        Self::start_with(Settings::default()).await
    }

    pub(crate) async fn start_with(settings: Settings) -> Self {
        Self {
            binance: start(BINANCE_USDM, settings.clone()).await,
            bybit: start(BYBIT_LINEAR, settings).await,
        }
    }

    /// Plays a named fault at whichever exchange it belongs to.
    pub(crate) fn play(&self, fault: &str) {
        let fault = Fault::named(fault).unwrap();
        self.binance.with(|exchange| exchange.inject(fault.clone()));
        self.bybit.with(|exchange| exchange.inject(fault.clone()));
    }

    pub(crate) fn ledgers(&self) -> [Ledger; 2] {
        [&self.binance, &self.bybit].map(|running| running.with(|exchange| exchange.ledger()))
    }

    /// Executed quantities by exchange, signed: what the exchanges themselves say the account holds.
    pub(crate) fn executed(&self) -> [rust_decimal::Decimal; 2] {
        self.ledgers().map(|ledger| {
            ledger
                .orders
                .iter()
                .map(|order| match order.side {
                    equipoise_sim::Side::Buy => order.executed,
                    equipoise_sim::Side::Sell => -order.executed,
                })
                .sum()
        })
    }

    pub(crate) async fn engine(&self, journal: Arc<dyn Journal>) -> Engine {
        self.engine_with(journal, None).await
    }

    pub(crate) async fn engine_with(
        &self,
        journal: Arc<dyn Journal>,
        observer: Option<Arc<dyn Observer>>,
    ) -> Engine {
        let clock = Arc::new(SystemClock::start());
        let mut builder = Engine::builder(journal).clock(clock.clone());
        for (name, adapter, running) in
            [("binance", BINANCE_USDM, &self.binance), ("bybit", BYBIT_LINEAR, &self.bybit)]
        {
            let venue = adapter_for(name, adapter, &running.base_url(), clock.clone());
            let setup = VenueSetup { venue, positions: Positions::Exclusive };
            builder = builder.venue(VenueName::new(name).unwrap(), setup);
        }
        if let Some(observer) = observer {
            builder = builder.observer(observer);
        }
        builder.start().await.unwrap()
    }
}

pub(crate) fn adapter_for(
    name: &str,
    adapter: &str,
    url: &str,
    clock: Arc<SystemClock>,
) -> Arc<dyn Venue> {
    adapter_with_margin(name, adapter, url, clock, MARGIN_MS)
}

pub(crate) fn adapter_with_margin(
    name: &str,
    adapter: &str,
    url: &str,
    clock: Arc<SystemClock>,
    margin_ms: u32,
) -> Arc<dyn Venue> {
    let credentials = demo_credentials(adapter);
    let settings = VenueSettings::builder(VenueName::new(name).unwrap(), adapter, credentials)
        .endpoint(Endpoint::Url(url.to_owned()))
        .margin_ms(margin_ms)
        .build();
    open(settings, Arc::new(HttpTransport::new().unwrap()), clock).unwrap()
}

/// The key every simulated exchange knows unless told otherwise, in the form its adapter takes.
pub(crate) fn demo_credentials(adapter: &str) -> Credentials {
    let demo = equipoise_sim::Credentials::demo(adapter);
    let credentials = match demo.secret.starts_with("-----BEGIN ") {
        true => Credentials::pem(&demo.key, &demo.secret).unwrap(),
        false => Credentials::new(&demo.key, &demo.secret).unwrap(),
    };
    match demo.passphrase {
        Some(passphrase) => credentials.with_passphrase(&passphrase).unwrap(),
        None => credentials,
    }
}

pub(crate) async fn start(adapter: &str, settings: Settings) -> Running {
    let demo = equipoise_sim::Credentials::demo(adapter);
    let exchange = Exchange::start(adapter, demo, settings).unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    serve(exchange, any, ServeOptions::default()).await.unwrap()
}

pub(crate) fn journal_in(kind: JournalKind, folder: &Path) -> Arc<dyn Journal> {
    let options = JournalOptions {
        ballast_bytes: 1 << 16,
        free_floor_bytes: 1 << 17,
        ..JournalOptions::default()
    };
    journal::open(kind, folder, &options).unwrap()
}

pub(crate) fn memory() -> Arc<dyn Journal> {
    journal_in(JournalKind::Memory, Path::new("unused"))
}

pub(crate) fn leg(name: &str, venue: &str, side: Side, quantity: &str) -> Leg {
    Leg::market(
        LegName::new(name).unwrap(),
        VenueName::new(venue).unwrap(),
        Symbol::new("BTCUSDT").unwrap(),
        side,
        Quantity::Base(quantity.parse().unwrap()),
    )
}

/// Buys on Binance and sells on Bybit, at once.
pub(crate) fn pair(occasion: &str, quantity: &str) -> Plan {
    Plan {
        strategy: StrategyName::new("funding-arb").unwrap(),
        occasion: Occasion::new(occasion).unwrap(),
        legs: vec![
            leg("long", "binance", Side::Buy, quantity),
            leg("short", "bybit", Side::Sell, quantity),
        ],
        policy: Policy::new(OnResidual::Unwind, 10_000),
    }
}
