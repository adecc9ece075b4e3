//! From submit to both legs filled over loopback beside two bare concurrent requests; and the engine's own overhead over
//! instant venues: from submit to both orders handed over, and to the end of 64 batches at once.
#![allow(clippy::unwrap_used, clippy::float_arithmetic, missing_docs, reason = "a bench")]

mod bench;
mod loopback;

use std::time::Duration;

use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};
use equipoise::journal::JournalKind;
use tokio::runtime::Runtime;

use bench::engine::{Instantly, LANES};
use loopback::Loopback;

/// What is measured of each pair of a batch and two bare requests.
type Part = fn(&Loopback) -> Duration;

fn overhead(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    for kind in [JournalKind::Memory, JournalKind::Sled, JournalKind::Redb] {
        let instantly = runtime.block_on(Instantly::start(kind, folder.path()));
        let name = format!("round_trip/{kind}: submit to both orders handed over");
        criterion.bench_function(&name, |bencher| {
            bencher.iter_custom(|iterations| {
                (0..iterations).map(|_| runtime.block_on(instantly.handed_over())).sum()
            });
        });
        let name =
            format!("round_trip/{kind}: 64 batches at once, two legs in sequence, per batch");
        criterion.bench_function(&name, |bencher| {
            bencher.iter_custom(|iterations| {
                let each = iterations.div_ceil(LANES);
                let spent = runtime.block_on(instantly.at_once(each));
                // Whole rounds were run; charge only what was asked for.
                spent.mul_f64(iterations as f64 / (each * LANES) as f64)
            });
        });
    }
}

/// Batches and bare requests take turns in either, so both are of one run.
fn over_loopback(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut group = criterion.benchmark_group("round_trip/loopback");
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    let parts: [(&str, Part); 2] = [
        ("submit to both legs filled", |measured| measured.filled),
        ("two bare concurrent requests", |measured| measured.bare),
    ];
    for (name, part) in parts {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|iterations| {
                let pairs = usize::try_from(iterations).unwrap();
                let measured = runtime.block_on(loopback::measure(pairs));
                part(&measured).mul_f64(iterations as f64)
            });
        });
    }
}

criterion_group!(benches, overhead, over_loopback);
criterion_main!(benches);
