//! Multi-exchange batch orchestration with bounded exposure and a proven end.
//!
//! A [`Plan`] of several legs goes into an [`Engine`] with a journal and venues; out comes a [`BatchHandle`] whose batch
//! ends *done*, *flat* or *parked*, through time-outs, lost answers and `kill -9`, and never does an order twice.
//!
//! ```
//! use std::path::Path;
//!
//! use equipoise::journal::{self, JournalKind, JournalOptions};
//! use equipoise::{Engine, Leg, LegName, Occasion, OnResidual, Plan, Policy, Quantity, Side};
//! use equipoise::{StrategyName, SubmitError, Symbol, VenueName};
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let journal = journal::open(JournalKind::Memory, Path::new(""), &JournalOptions::default())?;
//!     let engine = Engine::builder(journal).start().await?;
//!     let plan = Plan {
//!         strategy: StrategyName::new("hedge")?,
//!         occasion: Occasion::new("2026-11-22T08:00:00Z")?,
//!         legs: vec![Leg::market(
//!             LegName::new("short")?,
//!             VenueName::new("bybit")?,
//!             Symbol::new("BTCUSDT")?,
//!             Side::Sell,
//!             Quantity::Base("0.1".parse()?),
//!         )],
//!         policy: Policy::new(OnResidual::Unwind, 10_000),
//!     };
//!     println!("batch key {}", plan.check()?.key);
//!     // No venue was added, so nothing is sent and the refusal says why.
//!     let refusal = engine.submit(&plan).await.err();
//!     assert!(matches!(refusal, Some(SubmitError::Check(_))));
//!     Ok(())
//! }
//! ```
//!
//! Venues of your own implement [`port::Venue`]; strategies implement [`Strategy`] and run on a [`StrategyRunner`].
//! `engine/ARCHITECTURE.md` is the map, with the rules that comments and tests cite by number.

pub use equipoise_core::*;
pub use equipoise_port as port;
pub use equipoise_runtime::{
    BatchError, BatchEvents, BatchHandle, CheckError, Engine, EngineBuilder, LegCheck, PlanCheck,
    Settings, StartError, StrategyRunner, SubmitError, SystemClock, VenueSetup, journal,
};

#[cfg(feature = "venues")]
pub use equipoise_venues as venues;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeCompiles;
