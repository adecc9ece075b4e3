//! What reaches a saga and what it answers with.

use crate::decimal::Amount;
use crate::order::{BookTop, OrderRequest, OrderSnapshot};
use crate::record::{OrderTag, Record};
use crate::refusal::Refusal;
use crate::time::{ClockOffset, UnixMillis, VenueMillis};

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Time passed, or a fact was applied: decide what is next.
    Wake,
    /// Someone wants no new risk from here on.
    Stop,
    /// The process started again: whatever was being sent has an unknown outcome.
    Resumed,
    /// Answers [`Command::Prepare`], one or several at once: everything needed to stamp these orders is at hand now.
    Prepared(Vec<Prepared>),
    /// The order was handed to the transport.
    Handed(OrderTag),
    /// The order was provably never handed to the transport (R2).
    NotSent {
        /// Which attempt.
        tag: OrderTag,
        /// Why.
        why: String,
    },
    /// The venue acknowledged the order.
    Placed {
        /// Which attempt.
        tag: OrderTag,
        /// What the acknowledgement proves.
        snapshot: OrderSnapshot,
    },
    /// The venue refused the order by a documented code (R6).
    Refused {
        /// Which attempt.
        tag: OrderTag,
        /// The refusal.
        refusal: Refusal,
    },
    /// No verdict.
    Doubtful {
        /// Which attempt.
        tag: OrderTag,
        /// Why.
        why: String,
    },
    /// Answers [`Command::Query`].
    Answered {
        /// Which attempt.
        tag: OrderTag,
        /// True when every listing was read as well, completely.
        thorough: bool,
        /// Venue time read before the first look: nothing later than this is proven past.
        venue_time: VenueMillis,
        /// Venue time read after the last look: nothing earlier than this is proven to be inside a window.
        read_until: VenueMillis,
        /// Every order found under the attempt's id. Orders under ids of the batch's other attempts in the same
        /// instrument may be among them and are taken as facts about those.
        orders: Vec<OrderSnapshot>,
        /// The account's position, where it can be attributed to this batch.
        position: Option<Amount>,
    },
    /// The venue will not answer queries about this attempt until a person has changed something.
    Unanswerable {
        /// Which attempt.
        tag: OrderTag,
        /// Why.
        why: String,
    },
}

/// What is at hand for stamping one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Which attempt.
    pub tag: OrderTag,
    /// The venue's clock, fresh.
    pub clock: ClockOffset,
    /// A book just read; only for unwinds.
    pub book: Option<BookTop>,
    /// The account's net position in the instrument just read; only for unwinds on exclusive accounts.
    pub position: Option<Amount>,
    /// Whether other batches of this journal trade the instrument.
    pub others_hold: bool,
}

/// One order to hand to its venue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Send {
    /// Which attempt.
    pub tag: OrderTag,
    /// Exactly what to send.
    pub request: OrderRequest,
}

/// One look at an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Which attempt.
    pub tag: OrderTag,
    /// Also read every listing.
    pub thorough: bool,
    /// Its outcome is unknown: ask at once and keep asking.
    pub urgent: bool,
}

/// What should be under way outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Take rate tokens, a fresh clock and, for unwinds, book and position; then answer with [`Event::Prepared`].
    Prepare(Vec<OrderTag>),
    /// Hand this wave to the venues: all of it if every order keeps half its window, else none of it (R2).
    Send(Vec<Send>),
    /// Look at an order; answer with [`Event::Answered`].
    Query(Query),
    /// Ask the venue to cancel an order.
    Cancel(OrderTag),
}

/// What one event leads to. Make `records` durable, then apply them, then carry out `commands`.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Step {
    /// Facts and decisions to keep.
    pub records: Vec<Record>,
    /// What should be under way once they are durable.
    pub commands: Vec<Command>,
    /// Call again with [`Event::Wake`] by then, even if nothing arrives.
    pub wake_at: Option<UnixMillis>,
}

impl Step {
    /// Records only; what they lead to is asked for at once.
    pub(super) fn facts(now: UnixMillis, records: Vec<Record>) -> Self {
        Self { records, commands: Vec::new(), wake_at: Some(now) }
    }

    /// Adds what another step asks for.
    pub(super) fn add(&mut self, other: Self) {
        self.records.extend(other.records);
        self.commands.extend(other.commands);
        if let Some(at) = other.wake_at {
            self.wake_by(at);
        }
    }

    /// Moves the next call forward to `at` if it was later.
    pub(super) fn wake_by(&mut self, at: UnixMillis) {
        self.wake_at = Some(self.wake_at.map_or(at, |earlier| earlier.min(at)));
    }
}
