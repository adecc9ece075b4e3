//! A process that has been told at which of its system calls to die.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::failpoint::{Call, Failpoint, VARIABLE, When};

/// Where this process kills itself, if anywhere.
static FAILPOINT: OnceLock<Option<Failpoint>> = OnceLock::new();
/// How often its call was made.
static MADE: AtomicU64 = AtomicU64::new(0);
/// Whether the journal's log was synced and nothing has been sent since.
static SYNCED: AtomicBool = AtomicBool::new(false);

fn failpoint() -> Option<Failpoint> {
    *FAILPOINT.get_or_init(|| std::env::var(VARIABLE).ok()?.parse().ok())
}

/// Makes a call, or dies before or after it. What kind of call it is is only asked where that matters.
pub(crate) fn deadly<T>(
    kind: impl FnOnce() -> Option<Call>,
    call: impl FnOnce() -> T,
    die: fn(),
) -> T {
    let Some(point) = failpoint() else { return call() };
    let kind = kind();
    let meant = match (kind, point.call) {
        (Some(Call::Send), Call::SendAfterSync) => SYNCED.swap(false, Ordering::SeqCst),
        (kind, meant) => kind == Some(meant),
    };
    let reached = meant && MADE.fetch_add(1, Ordering::SeqCst) + 1 == point.nth;
    if reached && point.when == When::Before {
        die();
    }
    let result = call();
    if reached {
        die();
    }
    if kind == Some(Call::LogSync) {
        SYNCED.store(true, Ordering::SeqCst);
    }
    result
}
