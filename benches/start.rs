//! Start-up over a hundred thousand batches that ended: with the archive, and with all of them in the store.
#![allow(clippy::unwrap_used, clippy::float_arithmetic, missing_docs, reason = "a bench")]
#![allow(clippy::print_stdout, reason = "its result")]

mod bench;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use equipoise::journal::{self, JournalKind, JournalOptions};
use equipoise::port::Journal;
use equipoise::{Record, Saga};
use equipoise_core::{Ending, UnixMillis};
use equipoise_port::{Append, Epoch};
use tokio::runtime::Runtime;

const BATCHES: usize = 100_000;
const WRITERS: usize = 64;
const STARTS: usize = 5;

fn main() {
    // Run by the test command too, with another argument, where there is nothing to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    for kind in [JournalKind::Sled, JournalKind::Redb] {
        let archived = JournalOptions { ballast_bytes: 0, ..JournalOptions::default() };
        let whole = JournalOptions { ended_kept: usize::MAX, ..archived.clone() };
        let [with, without] = [(archived, "archive"), (whole, "whole")].map(|(options, name)| {
            let path = folder.path().join(format!("{kind}-{name}"));
            fill(kind, &path, &options);
            let median = starts(kind, &path, &options);
            let (store, archive) =
                (size(&path) - size(&path.join("archive")), size(&path.join("archive")));
            println!(
                "{kind}, {name}: start {:.1} ms; store {:.1} MiB, archive {:.1} MiB",
                median.as_secs_f64() * 1e3,
                mebibytes(store),
                mebibytes(archive)
            );
            median
        });
        println!(
            "{kind}: a start over {BATCHES} ended batches takes 1/{:.1} of the time with the archive",
            without.as_secs_f64() / with.as_secs_f64()
        );
    }
}

fn fill(kind: JournalKind, path: &Path, options: &JournalOptions) {
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let journal = journal::open(kind, path, options).unwrap();
        let epoch = journal.begin_epoch("bench").await.unwrap();
        let intent = Saga::new(bench::spec("intent")).step(bench::NOW, &bench::prepared()).records
            [0]
        .clone();
        let lanes = (0..WRITERS).map(|lane| {
            let (journal, intent) = (&*journal, &intent);
            async move {
                for number in (lane..BATCHES).step_by(WRITERS) {
                    run(journal, epoch, number, intent).await;
                }
            }
        });
        futures::future::join_all(lanes).await;
        let segments = BATCHES.saturating_sub(options.ended_kept) / options.segment_batches;
        let there = || fs::read_dir(path.join("archive")).map_or(0, Iterator::count);
        while there() < segments {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        journal.close().await.unwrap();
    });
}

/// One batch of two legs: what it is, two intents, four answers, its end.
async fn run(journal: &dyn Journal, epoch: Epoch, number: usize, intent: &Record) {
    let spec = bench::spec(&format!("batch-{number}"));
    let batch = spec.key;
    let ended =
        Record::Ended { ending: Ending::Done, why: "every leg filled".into(), at: UnixMillis(0) };
    let parts = [
        vec![Record::Admitted(Box::new(spec))],
        vec![intent.clone(); 2],
        vec![intent.clone(); 4],
        vec![ended],
    ];
    let mut expected = 0;
    for records in parts {
        let next = expected + u32::try_from(records.len()).unwrap();
        journal.append(Append { batch, expected, epoch, records }).await.unwrap();
        expected = next;
    }
}

/// The median of several starts.
fn starts(kind: JournalKind, path: &Path, options: &JournalOptions) -> Duration {
    let mut spent: Vec<_> = (0..STARTS)
        .map(|_| {
            let start = Instant::now();
            let journal = journal::open(kind, path, options).unwrap();
            let spent = start.elapsed();
            drop(journal);
            spent
        })
        .collect();
    spent.sort_unstable();
    spent[STARTS / 2]
}

/// Bytes of everything below a folder.
fn size(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    let sizes = entries.map(|entry| {
        let entry = entry.unwrap();
        let file = entry.metadata().unwrap();
        if file.is_dir() { size(&entry.path()) } else { file.len() }
    });
    sizes.sum()
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
