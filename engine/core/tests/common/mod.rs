//! Builds batches and steps them: what every saga test shares.
#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    reason = "tests; each file uses its own part of this"
)]

pub(crate) mod batch;
pub(crate) mod exchange;
pub(crate) mod harness;
pub(crate) mod oracle;
pub(crate) mod products;
pub(crate) mod scenes;
pub(crate) mod world;

pub(crate) use batch::*;
pub(crate) use harness::*;
pub(crate) use products::*;
pub(crate) use scenes::*;
