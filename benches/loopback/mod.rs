//! Submit to both legs filled over real HTTP on loopback, each beside two bare concurrent requests.

#[path = "../../tests/harness/mod.rs"]
mod harness;

use std::sync::Arc;
use std::time::{Duration, Instant};

use equipoise::port::{BatchEvent, Observer};
use equipoise::{Engine, Plan, Record};
use equipoise_sim::{RateLimits, Settings};
use tokio::sync::mpsc;

/// Batches over one pair of exchanges. Fresh ones follow, because the adapters heed the weight that the exchanges
/// count, and each batch goes on being audited for seconds: more would measure waiting for tokens.
const ROUNDS: usize = 12;

/// Median times of one run.
pub(crate) struct Loopback {
    /// From submit until both legs were filled.
    pub(crate) filled: Duration,
    /// Two bare requests at once, in the same run.
    pub(crate) bare: Duration,
}

/// Tells of every fill.
struct Fills(mpsc::UnboundedSender<()>);

impl Observer for Fills {
    fn on_event(&self, event: &BatchEvent) {
        if matches!(event.record, Record::Filled { .. }) {
            let _ = self.0.send(());
        }
    }
}

/// One batch and one pair of bare requests in turn, until there are enough.
pub(crate) async fn measure(pairs: usize) -> Loopback {
    // Its TLS is never used on loopback, but it wants a provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let (mut filled, mut bare) = (Vec::new(), Vec::new());
    while filled.len() < pairs {
        let round = Round::start(&client).await;
        round.bare().await;
        // It loads the exchanges' rules and clocks, and is not counted.
        round.filled(super::bench::occasion()).await;
        for _ in 0..ROUNDS {
            bare.push(round.bare().await);
            filled.push(round.filled(super::bench::occasion()).await);
        }
    }
    Loopback { filled: super::bench::median(filled), bare: super::bench::median(bare) }
}

struct Round {
    engine: Engine,
    fills: tokio::sync::Mutex<mpsc::UnboundedReceiver<()>>,
    client: reqwest::Client,
    urls: [String; 2],
    _exchanges: [harness::Exchanges; 2],
}

impl Round {
    async fn start(client: &reqwest::Client) -> Self {
        let settings = Settings { rate_limits: RateLimits::Counted, ..Settings::default() };
        let exchanges = harness::Exchanges::start_with(settings.clone()).await;
        // Exchanges of their own: bare requests use up weight that the adapters would read from the answers.
        let others = harness::Exchanges::start_with(settings).await;
        let (sender, fills) = mpsc::unbounded_channel();
        let observer: Arc<dyn Observer> = Arc::new(Fills(sender));
        let engine = exchanges.engine_with(harness::memory(), Some(observer)).await;
        let urls = [
            format!("{}/fapi/v1/time", others.binance.base_url()),
            format!("{}/v5/market/time", others.bybit.base_url()),
        ];
        Self {
            engine,
            fills: tokio::sync::Mutex::new(fills),
            client: client.clone(),
            urls,
            _exchanges: [exchanges, others],
        }
    }

    async fn bare(&self) -> Duration {
        let get = |url: &str| {
            let sending = self.client.get(url).send();
            async { sending.await.unwrap().bytes().await.unwrap() }
        };
        let start = Instant::now();
        futures::future::join(get(&self.urls[0]), get(&self.urls[1])).await;
        start.elapsed()
    }

    async fn filled(&self, occasion: String) -> Duration {
        let mut fills = self.fills.lock().await;
        let plan = both_ways(&occasion);
        let start = Instant::now();
        self.engine.submit(&plan).await.unwrap();
        fills.recv().await;
        fills.recv().await;
        start.elapsed()
    }
}

/// Long here and short there, and the other way round, so that no position and no margin builds up.
fn both_ways(occasion: &str) -> Plan {
    let mut plan = harness::pair(occasion, "0.01");
    if occasion.ends_with(['1', '3', '5', '7', '9']) {
        plan.legs.iter_mut().for_each(|leg| leg.side = leg.side.opposite());
    }
    plan
}
