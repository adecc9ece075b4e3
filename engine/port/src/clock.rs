//! Engine time.

use async_trait::async_trait;
use equipoise_core::UnixMillis;

/// The engine's clock: wall time at start plus monotonic time since, so it never jumps (P7).
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Clock: Send + Sync {
    /// Engine time now.
    fn now(&self) -> UnixMillis;

    /// Returns once engine time has reached `at`. Dropping the future cancels the wait.
    async fn sleep_until(&self, at: UnixMillis);
}
