//! A venue's documented no, split by what may follow it.

use serde::{Deserialize, Serialize};

/// What may follow a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RefusalKind {
    /// This order is impossible as it stands; it is not tried again.
    Final,
    /// Documented as not executed and passing: a new attempt may follow.
    Transient,
    /// Rate limit or ban, not executed: a new attempt may follow after the announced wait, which costs no attempt.
    RateLimited {
        /// Announced wait in milliseconds, zero if none was announced.
        retry_after_ms: u64,
    },
    /// A reduce-only order did not fit the position; says nothing about whether the position is flat (V9).
    ReduceOnly,
    /// Key, signature or permission; nothing is repeated (O5).
    Credentials,
}

/// A documented refusal in a well-formed answer: the order was not and will not be executed (R6).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Refusal {
    /// What may follow.
    pub kind: RefusalKind,
    /// The venue's own code.
    pub code: String,
    /// The venue's own text, shortened; holds no secret.
    pub message: String,
}
