//! Durable appends: alone and grouped, beside a raw append and data sync on the same device in the same run.
#![allow(clippy::unwrap_used, clippy::float_arithmetic, missing_docs, reason = "a bench")]

mod bench;

use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use equipoise::journal::{self, JournalKind, JournalOptions};
use equipoise::port::Journal;
use equipoise::{BatchKey, Record, Saga};
use equipoise_port::{Append, Epoch};
use tokio::runtime::Runtime;

const WRITERS: usize = 64;

fn raw(criterion: &mut Criterion, folder: &Path) {
    let raw = bench::engine::Raw::create(folder);
    criterion.bench_function("journal/raw append of 200 bytes and data sync", |bencher| {
        bencher.iter(|| raw.append());
    });
}

/// A batch that exists in the journal, and how many records it has.
struct Lane {
    batch: BatchKey,
    records: u32,
}

/// Admits one batch per lane and leaves it open, as it is while it runs.
async fn lanes(journal: &dyn Journal, count: usize) -> (Vec<Lane>, Epoch) {
    let epoch = journal.begin_epoch("bench").await.unwrap();
    let mut lanes = Vec::new();
    for number in 0..count {
        let spec = bench::spec(&format!("lane-{number}"));
        let batch = spec.key;
        let records = vec![Record::Admitted(Box::new(spec))];
        journal.append(Append { batch, expected: 0, epoch, records }).await.unwrap();
        lanes.push(Lane { batch, records: 1 });
    }
    (lanes, epoch)
}

/// One intent: what an order waits for.
async fn append(journal: &dyn Journal, epoch: Epoch, lane: &mut Lane, intent: &Record) {
    let records = vec![intent.clone()];
    let append = Append { batch: lane.batch, expected: lane.records, epoch, records };
    lane.records += 1;
    journal.append(append).await.unwrap();
}

fn journals(criterion: &mut Criterion) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    raw(criterion, folder.path());
    let runtime = Runtime::new().unwrap();
    let saga = Saga::new(bench::spec("intent"));
    let intent = &saga.step(bench::NOW, &bench::prepared()).records[0];
    for kind in [JournalKind::Memory, JournalKind::Sled, JournalKind::Redb] {
        let path = folder.path().join(kind.to_string());
        let options = JournalOptions { ballast_bytes: 0, ..JournalOptions::default() };
        let journal = journal::open(kind, &path, &options).unwrap();
        let (mut lanes, epoch) = runtime.block_on(lanes(&*journal, WRITERS));
        criterion.bench_function(&format!("journal/{kind}, one writer"), |bencher| {
            bencher.iter(|| runtime.block_on(append(&*journal, epoch, &mut lanes[0], intent)));
        });
        let mut group = criterion.benchmark_group("journal");
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("{kind}, {WRITERS} writers, per append"), |bencher| {
            bencher.iter_custom(|iterations| {
                runtime.block_on(grouped(&*journal, epoch, &mut lanes, intent, iterations))
            });
        });
        group.finish();
    }
}

async fn grouped(
    journal: &dyn Journal,
    epoch: Epoch,
    lanes: &mut [Lane],
    intent: &Record,
    iterations: u64,
) -> Duration {
    let each = iterations.div_ceil(WRITERS as u64);
    let start = Instant::now();
    let writers = lanes.iter_mut().map(|lane| async {
        for _ in 0..each {
            append(journal, epoch, lane, intent).await;
        }
    });
    futures::future::join_all(writers).await;
    let spent = start.elapsed();
    // Whole rounds were run; charge only what was asked for.
    spent.mul_f64(iterations as f64 / (each * WRITERS as u64) as f64)
}

criterion_group!(benches, journals);
criterion_main!(benches);
