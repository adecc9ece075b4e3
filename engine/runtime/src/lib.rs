//! The tokio runtime of Equipoise: admission, driver, journals, recovery and strategies.
//!
//! ```
//! use std::error::Error;
//! use std::sync::Arc;
//!
//! use equipoise_core::{BatchReport, Plan, Positions, VenueName};
//! use equipoise_port::Venue;
//! use equipoise_runtime::journal::MemoryJournal;
//! use equipoise_runtime::{Engine, VenueSetup};
//!
//! /// Runs one plan to its end at one venue.
//! async fn trade(venue: Arc<dyn Venue>, plan: &Plan) -> Result<BatchReport, Box<dyn Error>> {
//!     let setup = VenueSetup { venue, positions: Positions::Exclusive };
//!     let engine = Engine::builder(Arc::new(MemoryJournal::new()))
//!         .venue(VenueName::new("binance")?, setup)
//!         .start()
//!         .await?;
//!     let report = engine.submit(plan).await?.wait().await?;
//!     engine.drain().await;
//!     engine.close().await?;
//!     Ok(report)
//! }
//! # let _ = trade;
//! ```
//!
//! # What runs where
//!
//! [`Engine::submit`] starts one task for each batch, which checks the plan against its venues and then drives it: it
//! makes records durable, applies them, and carries out commands, in that order and no other. Calls of a venue run as
//! tasks of their own, so a slow one holds nothing up. Everything runs on the runtime that called, also on a
//! current-thread one, and goes on when a handle or a future is dropped.

mod accounts;
mod activity;
mod admission;
mod appends;
mod asking;
mod batch;
mod clock;
mod driver;
mod engine;
mod error;
mod guard;
mod handle;
pub mod journal;
mod live;
mod pace;
mod patience;
mod preflight;
mod recovery;
mod review;
mod sending;
mod standing;
mod strategy_runner;
mod telling;
mod together;
mod venue_clock;
mod venues;

pub use clock::SystemClock;
pub use engine::{Engine, EngineBuilder, Settings};
pub use error::{BatchError, CheckError, StartError, SubmitError};
pub use handle::{BatchEvents, BatchHandle};
pub use preflight::{LegCheck, PlanCheck};
pub use strategy_runner::StrategyRunner;
pub use venues::VenueSetup;
