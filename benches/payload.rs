//! Whole payloads through the real adapters. Aims: below 5 µs from an order to its signed request, at Coinbase without
//! the signature, and below 10 µs from an answer to its snapshot.
#![allow(clippy::unwrap_used, clippy::float_arithmetic, missing_docs, reason = "a bench")]

mod bench;

use std::time::Duration;

use criterion::{Bencher, Criterion, criterion_group, criterion_main};
use tokio::runtime::{Builder, Runtime};

use bench::exchange::Signing;
use bench::median;
use bench::payload::{Desk, Placed};

/// Adds up one part of every call; the rest of a call is not measured.
async fn sum(calls: u64, mut part: impl AsyncFnMut() -> Duration) -> Duration {
    let mut spent = Duration::ZERO;
    for _ in 0..calls {
        spent += part().await;
    }
    spent
}

/// One part of placing orders.
fn orders(
    bencher: &mut Bencher<'_>,
    runtime: &Runtime,
    desk: &Desk,
    part: fn(&Placed) -> Duration,
) {
    desk.shows_one();
    bencher.iter_custom(|calls| runtime.block_on(sum(calls, async || part(&desk.place().await))));
}

/// Placing orders without their signatures. Of differences the middle one counts: an interruption in either of the two
/// that are compared would otherwise decide.
fn unsigned(bencher: &mut Bencher<'_>, runtime: &Runtime, desk: &Desk) {
    desk.shows_one();
    bencher.iter_custom(|calls| {
        let mut spent = Vec::new();
        runtime.block_on(async {
            for _ in 0..calls {
                spent.push(desk.place().await.unsigned());
            }
        });
        median(spent) * u32::try_from(calls).unwrap()
    });
}

fn payloads(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().build().unwrap();
    for desk in Desk::all() {
        let name = desk.name;
        let mut measure = |what: &str, part| {
            criterion.bench_function(&format!("payload/{what}: {name}"), |bencher| {
                orders(bencher, &runtime, &desk, part);
            });
        };
        measure("encode and sign an order", |placed| placed.encoded);
        let is_asymmetric = matches!(desk.signing, Signing::P256 | Signing::Ed25519);
        if is_asymmetric {
            measure("sign an order", |placed| placed.signed);
        }
        measure("decode the answer to an order", |placed| placed.decoded);
        if is_asymmetric {
            criterion.bench_function(&format!("payload/encode an order: {name}"), |bencher| {
                unsigned(bencher, &runtime, &desk);
            });
        }
        criterion.bench_function(&format!("payload/decode a look-up: {name}"), |bencher| {
            desk.shows_one();
            bencher.iter_custom(|calls| runtime.block_on(sum(calls, async || desk.find().await)));
        });
        criterion.bench_function(&format!("payload/decode 20 orders: {name}"), |bencher| {
            desk.shows_page();
            bencher.iter_custom(|calls| runtime.block_on(sum(calls, async || desk.list().await)));
        });
    }
}

criterion_group!(benches, payloads);
criterion_main!(benches);
