//! A venue's time without asking each time: engine time plus a measured offset.
//!
//! For queries and cancels only. An order's stamp comes with the order and is never recomputed (R2).

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use equipoise_core::{ClockOffset, UnixMillis, VenueMillis};
use equipoise_port::{Clock, QueryError};
use tokio::sync::Mutex;

/// How long a measurement is used.
const OFFSET_MS_MAX: u64 = 30_000;

/// Measured offset to one venue's clock.
pub(crate) struct VenueClock {
    clock: Arc<dyn Clock>,
    measured: Mutex<Option<(UnixMillis, ClockOffset)>>,
    doubted: AtomicBool,
}

impl VenueClock {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, measured: Mutex::const_new(None), doubted: AtomicBool::new(false) }
    }

    /// Venue time now; `read` asks the venue where the last measurement is too old or was doubted.
    ///
    /// # Errors
    /// Only when the venue cannot be asked and there is no earlier measurement.
    pub(crate) async fn now<R>(&self, read: impl FnOnce() -> R) -> Result<VenueMillis, QueryError>
    where
        R: Future<Output = Result<VenueMillis, QueryError>>,
    {
        // Held while asking, so that concurrent queries share one measurement.
        let mut measured = self.measured.lock().await;
        let doubted = self.doubted.load(Ordering::Relaxed);
        match *measured {
            Some((at, offset)) if !doubted && self.clock.now().since(at) < OFFSET_MS_MAX => {
                return Ok(offset.venue_time(self.clock.now()));
            }
            _ => {}
        }
        let before = self.clock.now();
        match read().await {
            Ok(venue) => {
                let after = self.clock.now();
                let offset = midpoint_offset(before, after, venue);
                self.doubted.store(false, Ordering::Relaxed);
                *measured = Some((after, offset));
                Ok(offset.venue_time(after))
            }
            // An older offset still drifts little; a request stamped with it is refused at worst.
            Err(error) => match *measured {
                Some((_, offset)) => {
                    tracing::debug!(%error, "venue time not read, the last offset is used");
                    Ok(offset.venue_time(self.clock.now()))
                }
                None => Err(error),
            },
        }
    }

    /// The venue's time once `tokens` are taken. A clock that has to be read is read before: tokens count from when they
    /// are taken, and what leaves much later meets others that took theirs since.
    ///
    /// # Errors
    /// As [`Self::now`], and when there are no tokens.
    pub(crate) async fn now_after<R, F>(
        &self,
        tokens: impl Future<Output = Result<(), QueryError>>,
        read: R,
    ) -> Result<VenueMillis, QueryError>
    where
        R: FnOnce() -> F,
        F: Future<Output = Result<VenueMillis, QueryError>>,
    {
        let stamp = self.now(read).await?;
        let before = self.clock.now();
        tokens.await?;
        Ok(stamp.plus_ms(self.clock.now().since(before)))
    }

    /// The venue refused a time: measure again before the next use.
    pub(crate) fn doubt(&self) {
        self.doubted.store(true, Ordering::Relaxed);
    }
}

/// The venue read its clock somewhere between the two moments; the middle is at most half the round trip off.
fn midpoint_offset(before: UnixMillis, after: UnixMillis, venue: VenueMillis) -> ClockOffset {
    let middle = before.plus_ms(after.since(before) / 2);
    let signed = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    ClockOffset { offset_ms: signed(venue.0).saturating_sub(signed(middle.0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_is_taken_at_the_middle_of_the_round_trip() {
        let offset = midpoint_offset(UnixMillis(1_000), UnixMillis(1_100), VenueMillis(1_750));
        assert_eq!(offset.offset_ms, 700);
        let behind = midpoint_offset(UnixMillis(5_000), UnixMillis(5_000), VenueMillis(4_000));
        assert_eq!(behind.offset_ms, -1_000);
    }
}
