//! A batch interrupted between two durable records, and the second engine that finishes it.
//! `cargo run --example resume_after_crash`
//!
//! The first engine runs on a runtime of its own which is torn down the moment an order has been accepted: to the
//! journal that is what `kill -9` looks like. `funding_arbitrage --fault kill-mid-batch` kills a real process.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub,
    reason = "an example: it prints, and stops where a host would handle the error"
)]

#[path = "funding_arbitrage/exchanges.rs"]
#[allow(dead_code, reason = "shared with another example")]
mod exchanges;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use equipoise::journal::{self, JournalKind, JournalOptions};
use equipoise::{
    Engine, Leg, LegName, Occasion, OnResidual, Plan, Policy, Quantity, Side, StrategyName, Symbol,
    SystemClock, VenueName, timeline,
};
use exchanges::{Addresses, Exchanges};
use tokio::runtime::{Builder, Runtime};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let world = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let exchanges = world.block_on(Exchanges::start(None))?;
    // The answer to the second order gets lost, so that the crash leaves a leg in doubt.
    exchanges.play("bybit-timeout-after-accept")?;

    let first = Builder::new_current_thread().enable_all().build()?;
    first.block_on(async {
        let engine = engine(folder.path(), &exchanges.addresses()).await?;
        let handle = engine.submit(&plan()?).await?;
        while exchanges.bybit.with(|exchange| exchange.ledger().orders.is_empty()) {
            tokio::task::yield_now().await;
        }
        println!("crash while batch {} is {}", handle.key(), handle.status().as_str());
        Ok::<_, Box<dyn Error>>(())
    })?;
    crash(first);

    let second = Builder::new_current_thread().enable_all().build()?;
    second.block_on(async {
        let engine = engine(folder.path(), &exchanges.addresses()).await?;
        for report in engine.recover().await? {
            let records = engine.records(report.key).await?.unwrap_or_default();
            for moment in timeline(&records) {
                let leg = moment.leg.map(|(leg, _)| leg.to_string()).unwrap_or_default();
                println!("  {leg:<6} {:<13} {}", moment.event, moment.details);
            }
            println!("batch {} is {}", report.key, report.status.as_str());
        }
        let repeated = engine.submit(&plan()?).await?;
        println!("submitted again: duplicate = {}", repeated.is_duplicate());
        engine.close().await?;
        Ok(())
    })
}

/// Everything the first engine had in memory is gone; nothing gets a chance to finish.
fn crash(runtime: Runtime) {
    runtime.shutdown_background();
}

async fn engine(folder: &Path, addresses: &Addresses) -> Result<Engine, Box<dyn Error>> {
    let clock = Arc::new(SystemClock::start());
    let journal = journal::open(JournalKind::Redb, folder, &JournalOptions::default())?;
    let mut builder = Engine::builder(journal).clock(clock.clone());
    for (name, setup) in exchanges::venues(addresses, clock)? {
        builder = builder.venue(name, setup);
    }
    Ok(builder.start().await?)
}

fn plan() -> Result<Plan, Box<dyn Error>> {
    let leg = |name, venue, side| -> Result<Leg, Box<dyn Error>> {
        let quantity = Quantity::Base("0.05".parse()?);
        let symbol = Symbol::new("BTCUSDT")?;
        Ok(Leg::market(LegName::new(name)?, VenueName::new(venue)?, symbol, side, quantity))
    };
    Ok(Plan {
        strategy: StrategyName::new("resume")?,
        occasion: Occasion::new("once")?,
        legs: vec![leg("long", "binance", Side::Buy)?, leg("short", "bybit", Side::Sell)?],
        policy: Policy::new(OnResidual::Unwind, 10_000),
    })
}
