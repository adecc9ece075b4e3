//! One batch as a state machine: events in, records and commands out.
//!
//! [`Saga::step`] decides and changes nothing; [`Saga::apply`] changes state and decides nothing, live and in replay.
//! The caller makes the records durable, applies them, then carries out the commands, in that order and no other.
//! The saga reads no clock, opens no connection and knows no venue by name.

mod apply;
mod decide;
mod doubt;
mod event;
mod facts;
mod leg;
mod observe;
mod order;
mod pricing;
mod reason;
mod release;
mod residual;
mod unwind;

use std::sync::Arc;

use crate::BatchStatus;
use crate::key::BatchKey;
use crate::record::{Alarm, Ending, OrderTag, Record, Role};
use crate::spec::BatchSpec;
use crate::time::UnixMillis;

pub use apply::IllegalRecord;
pub use event::{Command, Event, Prepared, Query, Send, Step};
pub use leg::LegProgress;
pub(crate) use leg::topology;
pub(crate) use order::average_price;
pub use order::{AtVenue, Closing, Order, Stage};

/// The state of one batch: small, comparable, and a function of its records alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Saga {
    spec: Arc<BatchSpec>,
    topology: Arc<[u8]>,
    /// Shared by copies until one of them changes: records are tried on a copy before they are made durable.
    legs: Vec<Arc<LegOrders>>,
    records: u32,
    stopped_at: Option<UnixMillis>,
    unwind_started_at: Option<UnixMillis>,
    alarms: Vec<(Alarm, OrderTag)>,
    ended: Option<Ended>,
}

/// The orders of one leg, by attempt.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct LegOrders {
    entries: Vec<Order>,
    unwinds: Vec<Order>,
    contradictions: u8,
    contradicted_at: Option<UnixMillis>,
}

/// How, why and when a batch ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ended {
    /// How.
    pub ending: Ending,
    /// Why, for people.
    pub why: String,
    /// When, engine time.
    pub at: UnixMillis,
}

impl Saga {
    /// A batch that holds nothing but its admission.
    #[must_use]
    pub fn new(spec: BatchSpec) -> Self {
        let legs = vec![Arc::default(); spec.legs.len()];
        Self {
            topology: leg::topology(&spec),
            spec: Arc::new(spec),
            legs,
            records: 1,
            stopped_at: None,
            unwind_started_at: None,
            alarms: Vec::new(),
            ended: None,
        }
    }

    /// Builds the state that a batch's records lead to.
    ///
    /// # Errors
    /// When the first record is no admission or a later one does not fit: the journal is not what was written.
    pub fn replay(records: &[Record]) -> Result<Self, IllegalRecord> {
        let Some((Record::Admitted(spec), rest)) = records.split_first() else {
            return Err(IllegalRecord::NotAdmitted);
        };
        if !spec.is_sound() {
            return Err(IllegalRecord::UnsoundAdmission(spec.key));
        }
        let mut saga = Self::new((**spec).clone());
        for record in rest {
            saga.apply(record)?;
        }
        Ok(saga)
    }

    /// Decides what an event leads to at an engine time.
    ///
    /// Events that carry facts lead to records only and ask to be called again at once with [`Event::Wake`].
    /// A command stands for something that should be under way: repeating one that is under way must do nothing.
    pub fn step(&self, now: UnixMillis, event: &Event) -> Step {
        match event {
            Event::Wake => self.decide(now),
            Event::Prepared(prepared) => self.stamp(now, prepared),
            fact => self.facts(now, fact),
        }
    }

    /// The batch key.
    #[must_use]
    pub fn key(&self) -> BatchKey {
        self.spec.key
    }

    /// What was admitted.
    #[must_use]
    pub fn spec(&self) -> &BatchSpec {
        &self.spec
    }

    /// How many records led here.
    #[must_use]
    pub const fn records(&self) -> u32 {
        self.records
    }

    /// Running, or how it ended.
    #[must_use]
    pub fn status(&self) -> BatchStatus {
        match self.ended.as_ref().map(|ended| ended.ending) {
            None => BatchStatus::Running,
            Some(Ending::Done) => BatchStatus::Done,
            Some(Ending::Flat) => BatchStatus::Flat,
            Some(Ending::Parked) => BatchStatus::Parked,
        }
    }

    /// How, why and when it ended, if it has.
    #[must_use]
    pub const fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    /// True once compensation has begun.
    #[must_use]
    pub const fn is_unwinding(&self) -> bool {
        self.unwind_started_at.is_some()
    }

    /// What a person must know, with the attempt it is about.
    #[must_use]
    pub fn alarms(&self) -> &[(Alarm, OrderTag)] {
        &self.alarms
    }

    /// One attempt.
    #[must_use]
    pub fn order(&self, tag: OrderTag) -> Option<&Order> {
        self.attempts(tag.leg, tag.role).get(usize::from(tag.attempt))
    }

    /// All attempts of a leg in a role, in order.
    #[must_use]
    pub fn attempts(&self, leg: u8, role: Role) -> &[Order] {
        match (self.legs.get(usize::from(leg)), role) {
            (None, _) => &[],
            (Some(orders), Role::Entry) => &orders.entries,
            (Some(orders), Role::Unwind) => &orders.unwinds,
        }
    }

    /// All attempts with their tags, leg by leg, entries first.
    pub fn orders(&self) -> impl Iterator<Item = (OrderTag, &Order)> {
        (0_u8..).zip(&self.legs).flat_map(|(leg, orders)| {
            let tag = move |role| move |attempt| OrderTag { leg, role, attempt };
            let entries = (0_u16..).map(tag(Role::Entry)).zip(&orders.entries);
            entries.chain((0_u16..).map(tag(Role::Unwind)).zip(&orders.unwinds))
        })
    }

    /// Attempts that may still have an effect nobody has seen yet.
    pub fn open_orders(&self) -> impl Iterator<Item = (OrderTag, &Order)> {
        self.orders().filter(|(_, order)| order.is_unresolved())
    }
}
