//! Durable appends: alone and grouped, beside a raw append and data sync on the same device in the same run.
#![allow(clippy::unwrap_used, clippy::float_arithmetic, missing_docs, reason = "a bench")]

mod bench;

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use equipoise::journal::{self, JournalKind, JournalOptions};
use equipoise::port::Journal;
use equipoise::{BatchKey, Engine, Positions, Record, UnixMillis, VenueName, VenueSetup};
use equipoise_port::{Append, Epoch};
use tokio::runtime::Runtime;

const WRITERS: usize = 64;

fn raw(criterion: &mut Criterion, folder: &Path) {
    let mut file = File::create(folder.join("raw")).unwrap();
    criterion.bench_function("journal/raw append of 200 bytes and data sync", |bencher| {
        bencher.iter(|| {
            file.write_all(&[7; 200]).unwrap();
            file.sync_data().unwrap();
        });
    });
}

/// A batch that exists in the journal, and how many records it has.
struct Lane {
    batch: BatchKey,
    records: u32,
}

/// Admits one batch per lane through an engine that is stopped at once, so that lanes can be appended to by hand.
async fn lanes(journal: &Arc<dyn Journal>, count: usize) -> (Vec<Lane>, Epoch) {
    let venue = || VenueSetup { venue: bench::Instant::new(), positions: Positions::Shared };
    let engine = Engine::builder(journal.clone())
        .venue(VenueName::new("binance").unwrap(), venue())
        .venue(VenueName::new("bybit").unwrap(), venue())
        .start()
        .await
        .unwrap();
    let mut lanes = Vec::new();
    for number in 0..count {
        let handle = engine.submit(&bench::plan(&format!("lane-{number}"), false)).await.unwrap();
        handle.wait().await.unwrap();
        let records = engine.records(handle.key()).await.unwrap().unwrap().len();
        lanes.push(Lane { batch: handle.key(), records: u32::try_from(records).unwrap() });
    }
    let epoch = journal.begin_epoch("bench").await.unwrap();
    (lanes, epoch)
}

async fn append(journal: &dyn Journal, epoch: Epoch, lane: &mut Lane) {
    let records = vec![Record::UnwindStarted { at: UnixMillis(1) }];
    let append = Append { batch: lane.batch, expected: lane.records, epoch, records };
    lane.records += 1;
    journal.append(append).await.unwrap();
}

fn journals(criterion: &mut Criterion) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    raw(criterion, folder.path());
    let runtime = Runtime::new().unwrap();
    for kind in [JournalKind::Memory, JournalKind::Sled, JournalKind::Redb] {
        let path = folder.path().join(kind.to_string());
        let options = JournalOptions { ballast_bytes: 0, ..JournalOptions::default() };
        let journal = journal::open(kind, &path, &options).unwrap();
        let (mut lanes, epoch) = runtime.block_on(lanes(&journal, WRITERS));
        criterion.bench_function(&format!("journal/{kind}, one writer"), |bencher| {
            bencher.iter(|| runtime.block_on(append(&*journal, epoch, &mut lanes[0])));
        });
        let mut group = criterion.benchmark_group("journal");
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("{kind}, {WRITERS} writers, per append"), |bencher| {
            bencher.iter_custom(|iterations| {
                runtime.block_on(grouped(&journal, epoch, &mut lanes, iterations))
            });
        });
        group.finish();
    }
}

async fn grouped(
    journal: &Arc<dyn Journal>,
    epoch: Epoch,
    lanes: &mut [Lane],
    iterations: u64,
) -> Duration {
    let each = iterations.div_ceil(WRITERS as u64);
    let start = Instant::now();
    let writers = lanes.iter_mut().map(|lane| async {
        for _ in 0..each {
            append(&**journal, epoch, lane).await;
        }
    });
    futures::future::join_all(writers).await;
    let spent = start.elapsed();
    // Whole rounds were run; charge only what was asked for.
    spent.mul_f64(iterations as f64 / (each * WRITERS as u64) as f64)
}

criterion_group!(benches, journals);
criterion_main!(benches);
