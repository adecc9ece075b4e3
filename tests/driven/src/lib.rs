//! Driven simulation: the real engine and the real adapters over an in-memory wire, on a paused clock.
//!
//! One seed draws plans, network weather, faults of the exchanges, kills and power cuts. The engine runs on a
//! current-thread runtime whose clock is paused, so hours of virtual time pass in milliseconds; a kill drops that
//! runtime with everything on it, while exchanges, requests under way and the journal's device live on. After a
//! healing time every batch must end, and what the exchanges' own ledgers show is compared with what the engine says.
//!
//! ```
//! let outcome = equipoise_driven::run(1);
//! assert!(outcome.violations.is_empty(), "{:?}", outcome.violations);
//! ```
//!
//! The checks share no code with the engine beyond the types they read: sizes, deltas and dust are computed anew from
//! plans, ledgers and the exchanges' instrument rules.

mod accounts;
mod check;
mod exchanges;
mod fault;
mod host;
mod journal;
mod kill;
mod limits;
mod logs;
mod lost_journal;
mod mark;
mod met;
mod net;
mod order_on_wire;
mod placement;
mod places;
mod plans;
#[cfg(planted)]
mod plant;
#[cfg(not(planted))]
#[path = "straight.rs"]
mod plant;
mod scenario;
mod secrets;
mod wire;
mod world;

pub use host::{Outcome, run};
pub use mark::Marks;
#[cfg(planted)]
pub use plant::{Plant, Planted};
pub use scenario::Scenario;

/// Names a claim that did not hold, with what was seen instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The claim, by its number in the failure model where it has one.
    pub claim: &'static str,
    /// What was seen.
    pub seen: String,
}

impl Violation {
    pub(crate) fn new(claim: &'static str, seen: impl Into<String>) -> Self {
        Self { claim, seen: seen.into() }
    }
}
