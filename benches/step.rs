//! One step of a saga. Aim: below 1 µs.
#![allow(clippy::unwrap_used, clippy::float_arithmetic, missing_docs, reason = "a bench")]

mod bench;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use equipoise::{Event, Record, Saga};

use bench::{NOW, prepared, tag};

fn apply(saga: &mut Saga, records: &[Record]) {
    for record in records {
        saga.apply(record).unwrap();
    }
}

fn steps(criterion: &mut Criterion) {
    let fresh = Saga::new(bench::spec("2026-11-22T08:00:00Z"));
    criterion.bench_function("step/wake: release the first wave", |bencher| {
        bencher.iter(|| black_box(&fresh).step(NOW, &Event::Wake));
    });
    let ready = prepared();
    criterion.bench_function("step/prepared: stamp two intents", |bencher| {
        bencher.iter(|| black_box(&fresh).step(NOW, black_box(&ready)));
    });
    let mut sent = fresh.clone();
    apply(&mut sent, &fresh.step(NOW, &ready).records);
    criterion.bench_function("step/wake: two orders under way", |bencher| {
        bencher.iter(|| black_box(&sent).step(NOW, &Event::Wake));
    });
    let placed = |leg| {
        let order = sent.order(tag(leg)).unwrap();
        let snapshot = bench::filled(&order.request, u64::from(leg));
        Event::Placed { tag: tag(leg), snapshot }
    };
    let first = placed(0);
    criterion.bench_function("step/placed: an order filled", |bencher| {
        bencher.iter(|| black_box(&sent).step(NOW, black_box(&first)));
    });
    let facts = sent.step(NOW, &first).records;
    criterion.bench_function("apply/fill and end of an order", |bencher| {
        bencher.iter_batched_ref(
            || sent.clone(),
            |saga| apply(saga, black_box(&facts)),
            BatchSize::SmallInput,
        );
    });
    let mut both = sent.clone();
    apply(&mut both, &facts);
    apply(&mut both, &sent.step(NOW, &placed(1)).records);
    criterion.bench_function("step/wake: judge a complete batch", |bencher| {
        bencher.iter(|| black_box(&both).step(NOW, &Event::Wake));
    });
}

criterion_group!(benches, steps);
criterion_main!(benches);
