//! The same engine on a current-thread runtime and on many threads, in real time, with many batches at once.

use std::collections::BTreeSet;

use equipoise_core::{Amount, BatchStatus, RefusalKind, Side};

use super::exchange::{OnPlace, effects};
use super::setup::{Desk, chain, pair};

/// Batches that fill, are refused, lose an answer or were never sent, all at once.
async fn many_batches_at_once() {
    let desk = Desk::quick();
    let engine = desk.engine().await;
    let script = (0..60).map(|index| match index % 4 {
        0 => OnPlace::FillUnheard,
        1 => OnPlace::Refuse(RefusalKind::Final),
        2 => OnPlace::NotSent,
        _ => OnPlace::Fill,
    });
    desk.bybit.play(script);
    let tasks = (0..60).map(|index| {
        let engine = engine.clone();
        tokio::spawn(async move {
            let occasion = format!("occasion-{index}");
            let plan = if index % 2 == 0 { pair(&occasion, "0.1") } else { chain(&occasion) };
            let handle = engine.submit(&plan).await.unwrap();
            handle.wait().await.unwrap()
        })
    });
    let reports = futures::future::join_all(tasks).await;
    let mut endings = BTreeSet::new();
    for report in reports.into_iter().map(Result::unwrap) {
        endings.insert(report.status.as_str());
        assert!(report.net_delta.values().all(|delta| delta.is_zero()), "{report:#?}");
    }
    assert_eq!(endings, BTreeSet::from(["done", "flat"]));
    assert_eq!(desk.binance.net() + desk.bybit.net(), Amount::ZERO);
    for exchange in [&desk.binance, &desk.bybit] {
        assert!(effects(exchange).values().all(|(times, _)| *times == 1));
    }
    engine.drain().await;
    engine.close().await.unwrap();
}

#[tokio::test(flavor = "current_thread")]
async fn on_a_current_thread_runtime() {
    many_batches_at_once().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_many_threads() {
    many_batches_at_once().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn stops_race_with_submissions_and_nothing_is_left_behind() {
    for round in 0..50 {
        let desk = Desk::quick();
        let engine = desk.engine().await;
        let tasks: Vec<_> = (0..4)
            .map(|index| {
                let engine = engine.clone();
                let plan = pair(&format!("{round}-{index}"), "0.1");
                tokio::spawn(async move {
                    match engine.submit(&plan).await {
                        Ok(handle) => Some(handle.wait().await.unwrap().status),
                        Err(_) => None,
                    }
                })
            })
            .collect();
        let stopping = engine.clone();
        tokio::spawn(async move { stopping.stop() }).await.unwrap();
        engine.drain().await;
        assert!(engine.live().is_empty());
        for task in tasks {
            let status = task.await.unwrap();
            assert_ne!(status, Some(BatchStatus::Parked));
            assert_ne!(status, Some(BatchStatus::Running));
        }
        assert_eq!(desk.binance.net() + desk.bybit.net(), Amount::ZERO);
        let bought = desk.binance.orders().into_iter();
        assert!(bought.clone().filter(|order| order.request.side == Side::Buy).count() <= 4);
        engine.close().await.unwrap();
    }
}
