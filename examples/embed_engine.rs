//! The engine inside a host application that has its own runtime, its own event loop and its own shutdown.
//! `cargo run --example embed_engine`
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
use equipoise::port::{BatchEvent, Observer};
use equipoise::{
    BatchStatus, Engine, Leg, LegName, Occasion, OnResidual, Plan, Policy, Quantity, Record, Side,
    StrategyName, Symbol, SystemClock, VenueName,
};
use exchanges::Exchanges;
use tokio::sync::mpsc;

/// What the host's event loop reacts to, engine events among others.
enum HostEvent {
    Batch(BatchEvent),
    UserWants(&'static str),
}

/// Forwards what the engine does into the host's own queue; a full queue drops news but never holds a batch back.
struct Forward(mpsc::Sender<HostEvent>);

impl Observer for Forward {
    fn on_event(&self, event: &BatchEvent) {
        let _ = self.0.try_send(HostEvent::Batch(event.clone()));
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // The host decides on the runtime; the engine needs one thread of it and spawns its tasks there.
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(host())
}

async fn host() -> Result<(), Box<dyn Error>> {
    let (queue, mut events) = mpsc::channel(256);
    let exchanges = Exchanges::start(None).await?;
    let clock = Arc::new(SystemClock::start());
    let journal = journal::open(JournalKind::Memory, Path::new(""), &JournalOptions::default())?;
    let mut builder =
        Engine::builder(journal).clock(clock.clone()).observer(Arc::new(Forward(queue.clone())));
    for (name, setup) in exchanges::venues(&exchanges.addresses(), clock)? {
        builder = builder.venue(name, setup);
    }
    let engine = builder.start().await?;

    queue.send(HostEvent::UserWants("BTCUSDT")).await?;
    queue.send(HostEvent::UserWants("ETHUSDT")).await?;
    let mut ended = 0;
    while ended < 2 {
        match events.recv().await.ok_or("the queue was closed")? {
            HostEvent::UserWants(symbol) => {
                let handle = engine.submit(&plan(symbol)?).await?;
                println!("{symbol} is batch {}", handle.key());
            }
            HostEvent::Batch(event) => {
                if let Record::Filled { fill, .. } = &event.record {
                    println!("  {} filled {} at {}", event.batch, fill.quantity, fill.price);
                }
                ended += usize::from(event.status != BatchStatus::Running);
            }
        }
    }
    // Shutdown in the host's hands: no new batches, running ones to their end, then the journal.
    engine.drain().await;
    engine.close().await?;
    Ok(())
}

fn plan(symbol: &str) -> Result<Plan, Box<dyn Error>> {
    let leg = |name, venue, side| -> Result<Leg, Box<dyn Error>> {
        let quantity = Quantity::Quote("6500".parse()?);
        Ok(Leg::market(
            LegName::new(name)?,
            VenueName::new(venue)?,
            Symbol::new(symbol)?,
            side,
            quantity,
        ))
    };
    Ok(Plan {
        strategy: StrategyName::new("host")?,
        occasion: Occasion::new(symbol)?,
        legs: vec![leg("long", "binance", Side::Buy)?, leg("short", "bybit", Side::Sell)?],
        policy: Policy::new(OnResidual::Unwind, 10_000),
    })
}
