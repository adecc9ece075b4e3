//! Who wants to see what happens.

use equipoise_core::{BatchKey, BatchStatus, Record, UnixMillis};

/// Something that happened to a batch.
#[derive(Debug, Clone)]
pub struct BatchEvent {
    /// The batch.
    pub batch: BatchKey,
    /// Engine time.
    pub at: UnixMillis,
    /// The record that took effect.
    pub record: Record,
    /// Status after it.
    pub status: BatchStatus,
}

/// Sees every record as it takes effect. Called on the driver's task: it must return quickly and cannot fail.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Observer: Send + Sync {
    /// One record took effect.
    fn on_event(&self, event: &BatchEvent);
}
