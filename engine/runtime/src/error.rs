//! What the engine's callers may do about what went wrong.

use equipoise_core::{
    AccountId, BatchKey, IllegalRecord, LegName, PlanError, SizingError, Symbol, VenueName,
};
use equipoise_port::{JournalError, QueryError};

/// Why an engine did not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// An unfinished batch trades at a venue that is not configured: configure it.
    #[error("unfinished batch {batch} trades at venue '{venue}', which is not configured")]
    MissingVenue {
        /// The batch.
        batch: BatchKey,
        /// The venue.
        venue: VenueName,
    },
    /// A venue of an unfinished batch leads to another host or account than its orders went to: no batch was touched.
    #[error(
        "unfinished batch {batch} traded at venue '{venue}' on account {was}, and the venue now leads to {}: configure \
         it as it was, or say that the accounts are the same if only address or key changed",
        .is.as_ref().map_or("one it does not name", AccountId::as_str)
    )]
    OtherAccount {
        /// The batch.
        batch: BatchKey,
        /// The venue.
        venue: VenueName,
        /// Where its orders went.
        was: AccountId,
        /// Where they would go now, if the venue tells.
        is: Option<AccountId>,
    },
    /// A venue of an unfinished batch refuses the key, or the key may not trade there: no batch was touched.
    #[error(
        "unfinished batches trade at venue '{venue}', which does not accept the configured key: {error}; they wait \
         untouched for one it accepts"
    )]
    Credentials {
        /// The venue.
        venue: VenueName,
        /// What it says.
        error: String,
    },
    /// A batch of the journal does not replay.
    #[error("batch {batch} does not replay: {error}")]
    Replay {
        /// The batch.
        batch: BatchKey,
        /// Why.
        error: IllegalRecord,
    },
}

/// Why a plan fails its checks against venues; nothing was sent and the key is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// The plan itself is wrong.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A leg names a venue that is not configured.
    #[error("leg '{leg}': venue '{venue}' is not configured, configured are {configured}")]
    UnknownVenue {
        /// The leg.
        leg: LegName,
        /// The venue.
        venue: VenueName,
        /// What is configured.
        configured: String,
    },
    /// A venue refuses the key, or the key may not trade.
    #[error("venue '{venue}': {error}")]
    Credentials {
        /// The venue.
        venue: VenueName,
        /// What it says.
        error: String,
    },
    /// A venue does not trade this instrument, or not now.
    #[error("venue '{venue}', instrument {symbol}: {error}")]
    Instrument {
        /// The venue.
        venue: VenueName,
        /// The instrument.
        symbol: Symbol,
        /// What it says.
        error: String,
    },
    /// The plan cannot be sized under the venues' rules.
    #[error(transparent)]
    Size(#[from] SizingError),
    /// A venue does not answer, or its clock cannot be measured well enough: try again later.
    #[error("venue '{venue}' is not ready: {error}")]
    Unready {
        /// The venue.
        venue: VenueName,
        /// Why.
        error: String,
        /// How long it wants to be left alone, milliseconds, if it said: asking sooner uses up what it allows.
        retry_after_ms: Option<u64>,
    },
    /// Its account is set up in a way that is not supported.
    #[error("venue '{venue}': {error}")]
    Account {
        /// The venue.
        venue: VenueName,
        /// What is not supported.
        error: String,
    },
}

/// Why a plan was not admitted; nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// It fails its checks.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// The key stands for another plan (D2).
    #[error("key {key} is already used by a plan with other leg names, dependencies or policy")]
    KeyUsed {
        /// The key.
        key: BatchKey,
    },
    /// The strategy already traded one of these instruments for this occasion (D3).
    #[error(
        "occasion '{occasion}' of strategy '{strategy}' is already used by batch {key}, which trades the same instrument"
    )]
    OccasionUsed {
        /// The strategy.
        strategy: String,
        /// The occasion.
        occasion: String,
        /// The batch that used it.
        key: BatchKey,
    },
    /// The venue knows orders of this batch, the journal does not: it is not the journal the batch ran with (D5).
    #[error(
        "venue '{venue}' already has order {client_order_id} of batch {key}, which this new journal does not know: find the journal it was run with"
    )]
    JournalMissing {
        /// The batch.
        key: BatchKey,
        /// The venue.
        venue: VenueName,
        /// The order found.
        client_order_id: String,
    },
    /// The journal cannot take it. If it failed while it wrote the admission, only the next start tells whether that is
    /// durable, and goes on with the batch if it is: submit the same plan again then.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The engine takes no further batches.
    #[error("the engine is stopping and takes no further batches; nothing was sent")]
    Stopping,
}

/// Why a batch cannot go on in this process. The journal holds it; a later start resumes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The journal failed: nothing further is sent.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A record did not fit, a defect of the engine: nothing further is sent.
    #[error("defect: {0}")]
    Defect(#[from] IllegalRecord),
    /// The batch was never admitted.
    #[error(transparent)]
    Submit(Box<SubmitError>),
    /// The task driving it ended early.
    #[error("the task driving the batch ended early")]
    Abandoned,
}

impl CheckError {
    /// What a failed preflight query says about the plan or its configuration.
    pub(crate) fn from_query(
        venue: &VenueName,
        symbol: Option<&Symbol>,
        error: &QueryError,
    ) -> Self {
        let (venue, text) = (venue.clone(), error.to_string());
        match (error, symbol) {
            (QueryError::Credentials { .. }, _) => Self::Credentials { venue, error: text },
            (QueryError::Refused { .. }, Some(symbol)) => {
                Self::Instrument { venue, symbol: symbol.clone(), error: text }
            }
            (QueryError::Refused { .. }, None) => Self::Account { venue, error: text },
            (QueryError::Busy { retry_after_ms, .. }, _) => {
                Self::Unready { venue, error: text, retry_after_ms: Some(*retry_after_ms) }
            }
            (QueryError::Unavailable(_) | QueryError::OtherOrder(_), _) => {
                Self::unready(&venue, text)
            }
        }
    }

    /// A venue that is not ready for a reason of its own.
    pub(crate) fn unready(venue: &VenueName, error: impl Into<String>) -> Self {
        Self::Unready { venue: venue.clone(), error: error.into(), retry_after_ms: None }
    }

    /// True when the same plan and configuration may pass later.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Unready { .. })
    }
}
