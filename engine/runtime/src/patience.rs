//! Waits that a venue announces before a plan is admitted: short ones are waited out, since giving up over them helps
//! nobody and nothing was sent yet.

use std::future::Future;

use equipoise_port::Clock;

use crate::error::CheckError;

/// Announced waits that one question to a venue may take in all, milliseconds.
pub(crate) const WAIT_MS_MAX: u64 = 2_000;
/// The least that a wait counts as, so that one of nothing is not repeated without end.
const WAIT_MS_MIN: u64 = 20;

/// Asks, and asks again after each wait the venue announces, as long as these come to [`WAIT_MS_MAX`] at most.
///
/// # Errors
/// What the last question met; a longer wait is told and not begun.
pub(crate) async fn patiently<T, F>(
    clock: &dyn Clock,
    mut ask: impl FnMut() -> F,
) -> Result<T, CheckError>
where
    F: Future<Output = Result<T, CheckError>>,
{
    let mut waited_ms: u64 = 0;
    loop {
        let refused = match ask().await {
            Err(error) => error,
            answered => return answered,
        };
        let CheckError::Unready { retry_after_ms: Some(announced_ms), .. } = &refused else {
            return Err(refused);
        };
        let wait_ms = (*announced_ms).max(WAIT_MS_MIN);
        waited_ms = waited_ms.saturating_add(wait_ms);
        if waited_ms > WAIT_MS_MAX {
            return Err(refused);
        }
        clock.sleep_until(clock.now().plus_ms(wait_ms)).await;
    }
}
