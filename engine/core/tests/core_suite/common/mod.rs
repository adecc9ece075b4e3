//! Builds batches and steps them: what every saga test shares.
#![allow(clippy::unwrap_used, reason = "tests")]

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
