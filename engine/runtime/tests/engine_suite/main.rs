//! The engine over two exchanges in memory, a device that can lose power, and a clock that only moves when all wait.
#![allow(clippy::unwrap_used, reason = "tests")]

mod admission;
mod clocks;
mod durable_first;
mod exchange;
mod failures;
mod handles;
mod hedges;
mod neighbours;
mod pacing;
mod recovery;
mod review;
mod runtimes;
mod setup;
mod standing;
mod starts;
mod stopping;
mod strategies;
mod wire;
