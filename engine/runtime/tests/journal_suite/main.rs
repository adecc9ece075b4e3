//! One contract and crash suite over all journals.
#![allow(clippy::unwrap_used, reason = "tests")]

mod archive;
mod contract;
mod crash;
mod damage;
mod repair;
mod samples;
mod setup;
