//! The system's clock: the only place that reads time.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use equipoise_core::UnixMillis;
use equipoise_port::Clock;
use tokio::time::Instant;

/// Wall time at start plus tokio's monotonic time since. Follows tokio's paused time in simulations.
#[derive(Debug, Clone)]
pub struct SystemClock {
    started_at: UnixMillis,
    started: Instant,
}

impl SystemClock {
    /// Reads the wall clock once.
    #[must_use]
    pub fn start() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::starting_at(UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX)))
    }

    /// Starts at a given time; for simulations that must repeat.
    #[must_use]
    pub fn starting_at(started_at: UnixMillis) -> Self {
        Self { started_at, started: Instant::now() }
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        let elapsed = self.started.elapsed().as_millis();
        self.started_at.plus_ms(u64::try_from(elapsed).unwrap_or(u64::MAX))
    }

    async fn sleep_until(&self, at: UnixMillis) {
        let since_start = Duration::from_millis(at.since(self.started_at));
        match self.started.checked_add(since_start) {
            Some(instant) => tokio::time::sleep_until(instant).await,
            // Beyond what the system can name.
            None => std::future::pending().await,
        }
    }
}

/// A clock a constant ahead of another.
struct Ahead {
    clock: Arc<dyn Clock>,
    by_ms: u64,
}

/// A clock that begins no earlier than `newest`, so that engine time never goes back from one start to the next: where
/// the host's was ahead before, what unfinished batches wait for would otherwise come hours late.
pub(crate) fn not_before(clock: Arc<dyn Clock>, newest: UnixMillis) -> Arc<dyn Clock> {
    let by_ms = newest.since(clock.now());
    if by_ms == 0 {
        return clock;
    }
    tracing::warn!(
        by_ms,
        "the host's clock is behind the journal's unfinished batches: engine time goes on from theirs"
    );
    Arc::new(Ahead { clock, by_ms })
}

#[async_trait]
impl Clock for Ahead {
    fn now(&self) -> UnixMillis {
        self.clock.now().plus_ms(self.by_ms)
    }

    async fn sleep_until(&self, at: UnixMillis) {
        self.clock.sleep_until(UnixMillis(at.0.saturating_sub(self.by_ms))).await;
    }
}
