//! How far each venue's clock is away, measured by round trips and trusted for a bounded time (R2, V7).

use std::sync::atomic::{AtomicBool, Ordering};

use equipoise_core::{ClockOffset, UnixMillis};
use equipoise_port::{Clock, QueryError, Venue};
use tokio::sync::Mutex;

/// Age beyond which an offset is measured again before it is used, while the old one still serves.
const REFRESH_MS: u64 = 30_000;
/// Age beyond which nothing is stamped by it.
const AGE_MS_MAX: u64 = 60_000;
/// Round trips tried for one measurement that is certain enough.
const TRIES_MAX: usize = 3;

/// One venue's clock.
#[derive(Debug, Default)]
pub(crate) struct VenueClock {
    measured: Mutex<Option<Measured>>,
    /// The venue said that a stamp was off: what was measured counts no more.
    doubted: AtomicBool,
}

#[derive(Debug, Clone, Copy)]
struct Measured {
    offset: ClockOffset,
    uncertainty_ms: u64,
    at: UnixMillis,
}

impl VenueClock {
    /// An offset younger than a minute and more certain than a quarter of the request window.
    ///
    /// # Errors
    /// When the venue cannot be asked, or answers too slowly for that certainty.
    pub(crate) async fn fresh(
        &self,
        venue: &dyn Venue,
        clock: &dyn Clock,
    ) -> Result<ClockOffset, QueryError> {
        let certain_ms = u64::from(venue.traits().window_ms) / 4;
        // Held while measuring, so that concurrent batches share one measurement.
        let mut measured = self.measured.lock().await;
        if self.doubted.swap(false, Ordering::Relaxed) {
            *measured = None;
        }
        if let Some(last) = measured.as_ref()
            && clock.now().since(last.at) < REFRESH_MS
            && last.uncertainty_ms < certain_ms
        {
            return Ok(last.offset);
        }
        let mut failure = None;
        for _ in 0..TRIES_MAX {
            match measure(venue, clock).await {
                Ok(fresh) if fresh.uncertainty_ms < certain_ms => {
                    *measured = Some(fresh);
                    return Ok(fresh.offset);
                }
                Ok(fresh) => {
                    failure = Some(QueryError::Unavailable(format!(
                        "its clock is known to {} ms only, needed are {certain_ms} ms",
                        fresh.uncertainty_ms
                    )));
                }
                Err(error @ QueryError::Unavailable(_)) => {
                    tracing::debug!(%error, "venue clock not read");
                    failure = Some(error);
                }
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        if let Some(last) = measured.as_ref()
            && clock.now().since(last.at) < AGE_MS_MAX
            && last.uncertainty_ms < certain_ms
        {
            return Ok(last.offset);
        }
        Err(failure.unwrap_or_else(|| QueryError::Unavailable("its clock was not read".to_owned())))
    }

    /// Forgets the measurement, after the venue said that a stamp was off. Waits for nobody who measures.
    pub(crate) fn forget(&self) {
        self.doubted.store(true, Ordering::Relaxed);
    }
}

/// The venue's time lies between sending and receiving; the middle is taken, half the round trip is uncertain.
async fn measure(venue: &dyn Venue, clock: &dyn Clock) -> Result<Measured, QueryError> {
    let before = clock.now();
    let venue_time = venue.server_time().await?;
    let after = clock.now();
    let uncertainty_ms = after.since(before).div_ceil(2);
    let middle = before.plus_ms(uncertainty_ms);
    let signed = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
    let offset_ms = signed(venue_time.0).saturating_sub(signed(middle.0));
    Ok(Measured { offset: ClockOffset { offset_ms }, uncertainty_ms, at: after })
}
