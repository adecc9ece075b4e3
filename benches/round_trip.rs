//! From submit to both orders handed over, and to the end of 64 batches at once: the engine's own overhead.
//!
//! Over loopback, beside two bare concurrent requests, it is measured by the bench `aims`.
#![allow(clippy::unwrap_used, clippy::float_arithmetic, missing_docs, reason = "a bench")]

mod bench;

use criterion::{Criterion, criterion_group, criterion_main};
use equipoise::journal::JournalKind;
use tokio::runtime::Runtime;

use bench::engine::{Instantly, LANES};

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

criterion_group!(benches, overhead);
criterion_main!(benches);
