//! What the journal keeps: facts and decisions of one batch, in order.
//!
//! A released shape never changes; the journal's codec gives each version its own number.

use serde::{Deserialize, Serialize};

use crate::decimal::{Amount, Qty};
use crate::name::VenueOrderId;
use crate::order::{Fill, OrderRequest, OrderState};
use crate::refusal::Refusal;
use crate::spec::BatchSpec;
use crate::time::{ClockOffset, UnixMillis, VenueMillis};

/// What an order of a leg is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// The plan's own order.
    Entry,
    /// Takes back what the leg received.
    Unwind,
}

/// Names one attempt: leg, role and number (R5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrderTag {
    /// Canonical index of the leg.
    pub leg: u8,
    /// What it is for.
    pub role: Role,
    /// 0 for the first attempt.
    pub attempt: u16,
}

/// How a batch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Ending {
    /// Every leg filled as planned.
    Done,
    /// Nothing is left of it, compensated or never executed.
    Flat,
    /// An exposure is left for a person.
    Parked,
}

/// What went wrong outside the engine's control and must be seen by a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Alarm {
    /// One intent had more effect than it asked for (V15).
    Overfill,
    /// A fill arrived after its attempt had been closed (V8).
    LateFill,
    /// The account's position contradicts the batch's own fills (V13).
    Drift,
    /// The venue took a trade back (V12).
    Busted,
}

/// One fact or decision. Times named `at` are engine time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Record {
    /// The batch exists.
    Admitted(Box<BatchSpec>),
    /// One exact order may be sent (R1).
    Intent {
        /// Which attempt.
        tag: OrderTag,
        /// Its exact content.
        request: OrderRequest,
        /// Venue clock it was stamped by.
        clock: ClockOffset,
        /// When.
        at: UnixMillis,
    },
    /// The same order may be sent once more, byte for byte but for stamp and deadline (class A).
    Transmission {
        /// Which attempt.
        tag: OrderTag,
        /// The further deadline.
        deadline: VenueMillis,
        /// When.
        at: UnixMillis,
    },
    /// It was handed to the transport.
    Sent {
        /// Which attempt.
        tag: OrderTag,
        /// When.
        at: UnixMillis,
    },
    /// It was provably never handed to the transport (R2).
    Unsent {
        /// Which attempt.
        tag: OrderTag,
        /// Why.
        why: String,
        /// When.
        at: UnixMillis,
    },
    /// Its outcome is unknown.
    Doubted {
        /// Which attempt.
        tag: OrderTag,
        /// Why.
        why: String,
        /// When.
        at: UnixMillis,
    },
    /// The venue refused it by a documented code (R6).
    Refused {
        /// Which attempt.
        tag: OrderTag,
        /// The refusal.
        refusal: Refusal,
        /// When.
        at: UnixMillis,
    },
    /// The venue shows an order of this attempt.
    Observed {
        /// Which attempt.
        tag: OrderTag,
        /// The venue's id of it.
        venue_order: VenueOrderId,
        /// Open or ended.
        state: OrderState,
        /// Executed so far, venue units.
        executed: Qty,
        /// When.
        at: UnixMillis,
    },
    /// A trade of an order of this attempt (R8).
    Filled {
        /// Which attempt.
        tag: OrderTag,
        /// The order it belongs to.
        venue_order: VenueOrderId,
        /// The trade.
        fill: Fill,
        /// When it was learned.
        at: UnixMillis,
    },
    /// Every listing was read and shows no further order of this attempt.
    Audited {
        /// Which attempt.
        tag: OrderTag,
        /// When.
        at: UnixMillis,
    },
    /// A complete search beyond deadline and margin found nothing (R4).
    NotFound {
        /// Which attempt.
        tag: OrderTag,
        /// Venue time read before the search.
        venue_time: VenueMillis,
        /// When.
        at: UnixMillis,
    },
    /// Two such searches: it has no effect (R4).
    Absent {
        /// Which attempt.
        tag: OrderTag,
        /// When.
        at: UnixMillis,
    },
    /// Its outcome cannot be learned within bounds; the batch will be parked.
    Unresolved {
        /// Which attempt.
        tag: OrderTag,
        /// Why.
        why: String,
        /// When.
        at: UnixMillis,
    },
    /// No new risk from here on.
    Stopped {
        /// When.
        at: UnixMillis,
    },
    /// Compensation began.
    UnwindStarted {
        /// When.
        at: UnixMillis,
    },
    /// An exclusive account showed a position that contradicts the residual (K5).
    Contradicted {
        /// Canonical index of the leg.
        leg: u8,
        /// Position read, venue units.
        position: Amount,
        /// When.
        at: UnixMillis,
    },
    /// A person must know.
    Alarmed {
        /// What happened.
        alarm: Alarm,
        /// Which attempt.
        tag: OrderTag,
        /// When.
        at: UnixMillis,
    },
    /// The batch came to its end.
    Ended {
        /// How.
        ending: Ending,
        /// Why, for people.
        why: String,
        /// When.
        at: UnixMillis,
    },
    /// The venue took a trade back (V12).
    Busted {
        /// Which attempt.
        tag: OrderTag,
        /// The order it belonged to.
        venue_order: VenueOrderId,
        /// The trade, as it was.
        fill: Fill,
        /// When that was learned.
        at: UnixMillis,
    },
}

impl Record {
    /// The attempt it is about, if it is about one.
    #[must_use]
    pub const fn tag(&self) -> Option<OrderTag> {
        match self {
            Self::Intent { tag, .. }
            | Self::Transmission { tag, .. }
            | Self::Sent { tag, .. }
            | Self::Unsent { tag, .. }
            | Self::Doubted { tag, .. }
            | Self::Refused { tag, .. }
            | Self::Observed { tag, .. }
            | Self::Filled { tag, .. }
            | Self::Busted { tag, .. }
            | Self::Audited { tag, .. }
            | Self::NotFound { tag, .. }
            | Self::Absent { tag, .. }
            | Self::Unresolved { tag, .. }
            | Self::Alarmed { tag, .. } => Some(*tag),
            Self::Admitted(_)
            | Self::Stopped { .. }
            | Self::UnwindStarted { .. }
            | Self::Contradicted { .. }
            | Self::Ended { .. } => None,
        }
    }

    /// When it took effect.
    #[must_use]
    pub fn at(&self) -> UnixMillis {
        match self {
            Self::Admitted(spec) => spec.admitted_at,
            Self::Intent { at, .. }
            | Self::Transmission { at, .. }
            | Self::Sent { at, .. }
            | Self::Unsent { at, .. }
            | Self::Doubted { at, .. }
            | Self::Refused { at, .. }
            | Self::Observed { at, .. }
            | Self::Filled { at, .. }
            | Self::Busted { at, .. }
            | Self::Audited { at, .. }
            | Self::NotFound { at, .. }
            | Self::Absent { at, .. }
            | Self::Unresolved { at, .. }
            | Self::Stopped { at }
            | Self::UnwindStarted { at }
            | Self::Contradicted { at, .. }
            | Self::Alarmed { at, .. }
            | Self::Ended { at, .. } => *at,
        }
    }

    /// Whether commands or reports must wait until this record is durable.
    #[must_use]
    pub const fn gates(&self) -> bool {
        matches!(
            self,
            Self::Admitted(_)
                | Self::Intent { .. }
                | Self::Transmission { .. }
                | Self::UnwindStarted { .. }
                | Self::Stopped { .. }
                | Self::Ended { .. }
        )
    }
}
