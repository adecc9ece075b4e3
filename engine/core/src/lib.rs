//! The pure core of Equipoise: plans, keys, instruments and the batch saga.
//!
//! ```
//! use equipoise_core::{Leg, LegName, OnResidual, Plan, Policy, Quantity, Side};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let leg = |name: &str, venue: &str, side| {
//!     let quantity = Quantity::Base("0.1".parse()?);
//!     let (name, venue) = (LegName::new(name)?, venue.parse()?);
//!     Ok::<_, Box<dyn std::error::Error>>(Leg::market(name, venue, "BTCUSDT".parse()?, side, quantity))
//! };
//! let plan = Plan {
//!     strategy: "funding-arb".parse()?,
//!     occasion: "2026-11-22T08:00:00Z".parse()?,
//!     legs: vec![leg("long", "binance", Side::Buy)?, leg("short", "bybit", Side::Sell)?],
//!     policy: Policy::new(OnResidual::Unwind, 10_000),
//! };
//! // The same plan for the same occasion is the same batch, whenever and wherever it is built.
//! assert_eq!(plan.check()?.key.to_string(), "aaee68f3a03036e716bcd6a4d4bb2f72");
//! # Ok(())
//! # }
//! ```
//!
//! It decides and never acts: a [`Saga`] takes events in and gives records and commands out, [`Saga::apply`] is the
//! only place where its state changes, and [`Saga::replay`] comes to the same state from the records alone.
//! It reads no clock, draws no number, opens nothing and starts nothing; its manifest, its lints and a test prove it.

#![forbid(unsafe_code)]
#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::float_arithmetic,
    clippy::float_cmp
)]

#[cfg(all(planted, not(debug_assertions)))]
compile_error!("planted bugs are for debug builds of tests; nothing that ships may hold them");

mod decimal;
mod delta;
mod instrument;
mod key;
mod name;
mod order;
mod plain;
mod plan;
#[cfg(planted)]
pub mod planted;
mod record;
mod references;
mod refusal;
mod report;
mod saga;
mod sizing;
mod spec;
mod strategy;
mod time;
mod timeline;
mod venue;

pub use decimal::{Amount, NumberError, Price, Qty, round_conversion};
pub use delta::DeltaRange;
pub use instrument::{Instrument, InstrumentKind, SizeError};
pub use key::{BatchKey, BatchKeyError, PayloadDigest, client_order_id};
pub use name::{
    AccountId, Asset, ClientOrderId, LegName, NameError, Occasion, StrategyName, Symbol, TradeId,
    VenueName, VenueOrderId,
};
pub use order::{
    BookTop, Fill, Funding, OrderEnd, OrderKind, OrderRequest, OrderSnapshot, OrderState,
    PositionSide, Side, TimeInForce,
};
pub use plain::parse_plain;
pub use plan::{
    CheckedLeg, CheckedPlan, CheckedQuantity, LEGS_MAX, Leg, OnResidual, Plan, PlanError, Policy,
    Quantity,
};
pub use record::{Alarm, Ending, OrderTag, Record, Role};
pub use references::References;
pub use refusal::{Refusal, RefusalKind};
pub use report::{AlarmReport, BatchReport, DoubtReport, LegReport, LegStatus};
pub use saga::{
    AtVenue, Closing, Command, Ended, Event, IllegalRecord, LegProgress, Order, Prepared, Query,
    Saga, Send, Stage, Step,
};
pub use sizing::{SizedLeg, SizingError, size_following, size_plan};
pub use spec::{BatchSpec, LegQuantity, LegSpec, PolicySpec, Residual};
pub use strategy::{Holding, Market, MarketView, Strategy};
pub use time::{ClockOffset, UnixMillis, VenueMillis};
pub use timeline::{Moment, timeline};
pub use venue::{DeadlineCheck, IdAlphabet, PositionMode, Positions, ResendClass, VenueTraits};

/// Where a batch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BatchStatus {
    /// Not at its end yet.
    Running,
    /// Every leg filled as planned.
    Done,
    /// Nothing is left of it.
    Flat,
    /// An exposure is left for a person.
    Parked,
}

impl BatchStatus {
    /// The lower-case word of reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Flat => "flat",
            Self::Parked => "parked",
        }
    }
}
