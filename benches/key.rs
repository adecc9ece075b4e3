//! Deriving the batch key of a plan. Aim: below 5 µs.
#![allow(clippy::unwrap_used, clippy::float_arithmetic, missing_docs, reason = "a bench")]

mod bench;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};

fn key(criterion: &mut Criterion) {
    let plan = bench::plan("2026-11-22T08:00:00Z", false);
    criterion.bench_function("key/check a two-leg plan and derive its key", |bencher| {
        bencher.iter(|| black_box(&plan).check().unwrap().key);
    });
}

criterion_group!(benches, key);
criterion_main!(benches);
