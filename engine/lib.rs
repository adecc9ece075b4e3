//! Multi-exchange batch orchestration with bounded exposure and a proven end.

pub use equipoise_core::*;
pub use equipoise_port as port;
pub use equipoise_runtime::{
    BatchError, BatchEvents, BatchHandle, CheckError, Engine, EngineBuilder, LegCheck, PlanCheck,
    Settings, StartError, StrategyRunner, SubmitError, SystemClock, VenueSetup, journal,
};

#[cfg(feature = "venues")]
pub use equipoise_venues as venues;
