//! Runs the real sagas against a simulated disk, network and exchanges, and judges them by the exchanges' ledgers.
//!
//! Everything in one simulation follows from its seed: which faults may strike, what is traded, and when what happens.
//! The exchanges, the event loop and the checkers are written here and share no logic with the engine.

mod check;
mod disk;
mod env;
mod exchange;
mod fault;
mod mark;
mod network;
#[cfg(planted)]
mod plant;
#[cfg(not(planted))]
#[path = "straight.rs"]
mod plant;
mod process;
mod queue;
mod room;
mod scenario;
mod shrink;
mod trace;
mod units;
mod workload;
mod world;

pub use check::{Claim, Violation};
pub use fault::Fault;
pub use mark::{Mark, Tally};
#[cfg(planted)]
pub use plant::{Plant, Planted};
pub use scenario::Scenario;
pub use shrink::shrink;
pub use world::{Outcome, simulate};
