//! Keeps what an adapter does wrong from reaching further: a panic and a wait without end are no answers (N8).

use std::panic::AssertUnwindSafe;

use equipoise_port::{Clock, QueryError};
use futures::FutureExt as _;

/// Longest wait for one call of an adapter. Adapters bound their own waits far below it; this is for one that does not.
const CALL_MS_MAX: u64 = 30_000;

/// Why a call came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The adapter panicked.
    Panicked,
    /// It did not return.
    Endless,
}

impl Lost {
    pub(crate) const fn why(self) -> &'static str {
        match self {
            Self::Panicked => "its adapter failed",
            Self::Endless => "its adapter did not return",
        }
    }
}

/// Runs one call, or a few that belong together. The call itself must be made inside `call`.
pub(crate) async fn guarded<T>(
    clock: &dyn Clock,
    call: impl Future<Output = T>,
) -> Result<T, Lost> {
    let call = AssertUnwindSafe(call).catch_unwind();
    tokio::select! {
        biased;
        done = call => done.map_err(|_| Lost::Panicked),
        () = clock.sleep_until(clock.now().plus_ms(CALL_MS_MAX)) => Err(Lost::Endless),
    }
}

/// The same for a query.
///
/// # Errors
/// Its own, or `Unavailable`.
pub(crate) async fn guarded_query<T>(
    clock: &dyn Clock,
    query: impl Future<Output = Result<T, QueryError>>,
) -> Result<T, QueryError> {
    let answer = guarded(clock, query).await;
    answer.unwrap_or_else(|lost| Err(QueryError::Unavailable(lost.why().to_owned())))
}
