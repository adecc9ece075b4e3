//! The tokio runtime of Equipoise: admission, driver, journals, recovery and strategies.

mod activity;
mod admission;
mod batch;
mod clock;
mod driver;
mod engine;
mod error;
pub mod journal;
mod preflight;
mod recovery;
mod strategy_runner;
mod venue_clock;
mod venues;

pub use batch::{BatchEvents, BatchHandle};
pub use clock::SystemClock;
pub use engine::{Engine, EngineBuilder, Settings};
pub use error::{BatchError, CheckError, StartError, SubmitError};
pub use preflight::{LegCheck, PlanCheck};
pub use strategy_runner::StrategyRunner;
pub use venues::VenueSetup;
