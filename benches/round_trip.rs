//! From submit to both legs filled: over loopback beside two bare concurrent requests, and the engine's own overhead.
#![allow(clippy::unwrap_used, clippy::float_arithmetic, missing_docs, reason = "a bench")]

mod bench;
#[path = "../tests/harness/mod.rs"]
mod harness;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use equipoise::journal::{self, JournalKind, JournalOptions};
use equipoise::port::{BatchEvent, Observer};
use equipoise::{BatchStatus, Engine, Plan, Positions, Record, VenueName, VenueSetup};
use equipoise_sim::RateLimits;
use tokio::runtime::Runtime;

static NEXT: AtomicU64 = AtomicU64::new(0);

fn occasion() -> String {
    NEXT.fetch_add(1, Ordering::Relaxed).to_string()
}

/// Over real HTTP on loopback, in the same run as two bare requests to the same simulators.
fn loopback(criterion: &mut Criterion, runtime: &Runtime) {
    let settings = equipoise_sim::Settings {
        rate_limits: RateLimits::Counted,
        ..equipoise_sim::Settings::default()
    };
    let exchanges = runtime.block_on(harness::Exchanges::start_with(settings.clone()));
    // Its TLS is never used on loopback, but it wants a provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let urls = [
        format!("{}/fapi/v1/time", exchanges.binance.base_url()),
        format!("{}/v5/market/time", exchanges.bybit.base_url()),
    ];
    criterion.bench_function("round_trip/two bare concurrent requests", |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let [one, other] = &urls;
                let get = |url: &str| {
                    let sending = client.get(url).send();
                    async { sending.await.unwrap().bytes().await.unwrap() }
                };
                futures::future::join(get(one), get(other)).await
            })
        });
    });
    // Exchanges of their own: the bare requests used up the weight that the adapters read from the answers.
    let exchanges = runtime.block_on(harness::Exchanges::start_with(settings));
    criterion.bench_function("round_trip/submit to both legs filled, loopback", |bencher| {
        bencher.iter_custom(|iterations| runtime.block_on(both_filled(&exchanges, iterations)));
    });
}

/// Tells of every fill.
struct Fills(tokio::sync::mpsc::UnboundedSender<()>);

impl Observer for Fills {
    fn on_event(&self, event: &BatchEvent) {
        if matches!(event.record, Record::Filled { .. }) {
            let _ = self.0.send(());
        }
    }
}

/// Rounds of one sample over loopback.
const ROUNDS_MAX: u64 = 2;

/// Fresh adapters for each round, or their own rate budgets would be what is measured. The first batch of a round,
/// which loads the exchanges' rules and clocks, is not counted.
async fn both_filled(exchanges: &harness::Exchanges, iterations: u64) -> Duration {
    // Each batch goes on being audited for seconds; more rounds than these would measure that.
    let rounds = iterations.min(ROUNDS_MAX);
    let mut spent = Duration::ZERO;
    for _ in 0..rounds {
        let (sender, mut fills) = tokio::sync::mpsc::unbounded_channel();
        let engine = exchanges.engine_with(harness::memory(), Some(Arc::new(Fills(sender)))).await;
        for counted in [false, true] {
            let start = Instant::now();
            engine.submit(&both_ways()).await.unwrap();
            fills.recv().await;
            fills.recv().await;
            if counted {
                spent += start.elapsed();
            }
        }
    }
    spent.mul_f64(iterations as f64 / rounds as f64)
}

/// Long here and short there, and the other way round, so that no position and no margin builds up.
fn both_ways() -> Plan {
    let occasion = occasion();
    let mut plan = harness::pair(&occasion, "0.01");
    if occasion.ends_with(['1', '3', '5', '7', '9']) {
        plan.legs.iter_mut().for_each(|leg| leg.side = leg.side.opposite());
    }
    plan
}

async fn instant_engine(kind: JournalKind, folder: &Path) -> (Engine, [Arc<bench::Instant>; 2]) {
    let options = JournalOptions { ballast_bytes: 0, ..JournalOptions::default() };
    let journal = journal::open(kind, &folder.join(kind.to_string()), &options).unwrap();
    let venues = [bench::Instant::new(), bench::Instant::new()];
    let mut builder = Engine::builder(journal);
    for (name, venue) in ["binance", "bybit"].into_iter().zip(&venues) {
        let setup = VenueSetup { venue: venue.clone(), positions: Positions::Shared };
        builder = builder.venue(VenueName::new(name).unwrap(), setup);
    }
    (builder.start().await.unwrap(), venues)
}

/// The engine alone: an instant venue, so everything measured is ours and the journal's.
fn overhead(criterion: &mut Criterion, runtime: &Runtime, folder: &Path) {
    for kind in [JournalKind::Memory, JournalKind::Sled, JournalKind::Redb] {
        let (engine, venues) = runtime.block_on(instant_engine(kind, folder));
        let name = format!("round_trip/{kind}: submit to both orders handed over");
        criterion.bench_function(&name, |bencher| {
            bencher.iter_custom(|iterations| {
                runtime.block_on(handed_over(&engine, &venues, iterations))
            });
        });
        let name =
            format!("round_trip/{kind}: 64 batches at once, two legs in sequence, per batch");
        criterion.bench_function(&name, |bencher| {
            bencher.iter_custom(|iterations| runtime.block_on(at_once(&engine, iterations)));
        });
    }
}

async fn handed_over(
    engine: &Engine,
    venues: &[Arc<bench::Instant>; 2],
    iterations: u64,
) -> Duration {
    let mut spent = Duration::ZERO;
    for _ in 0..iterations {
        let (sender, mut placed) = tokio::sync::mpsc::unbounded_channel();
        for venue in venues {
            *venue.placed.lock().unwrap() = Some(sender.clone());
        }
        let plan = bench::plan(&occasion(), false);
        let start = Instant::now();
        let submitting = engine.submit(&plan);
        let both = async {
            placed.recv().await;
            placed.recv().await;
            start.elapsed()
        };
        let (handle, elapsed) = futures::future::join(submitting, both).await;
        spent += elapsed;
        handle.unwrap().wait().await.unwrap();
    }
    spent
}

async fn at_once(engine: &Engine, iterations: u64) -> Duration {
    const LANES: u64 = 64;
    let each = iterations.div_ceil(LANES);
    let start = Instant::now();
    let lanes = (0..LANES).map(|_| {
        let engine = engine.clone();
        tokio::spawn(async move {
            for _ in 0..each {
                let handle = engine.submit(&bench::plan(&occasion(), true)).await.unwrap();
                assert_eq!(handle.wait().await.unwrap().status, BatchStatus::Done);
            }
        })
    });
    futures::future::try_join_all(lanes).await.unwrap();
    start.elapsed().mul_f64(iterations as f64 / (each * LANES) as f64)
}

fn round_trips(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    loopback(criterion, &runtime);
    overhead(criterion, &runtime, folder.path());
}

criterion_group!(benches, round_trips);
criterion_main!(benches);
