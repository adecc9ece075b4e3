//! One owner of the batch: what the driver does between the saga, the journal and the venues.
//!
//! Records before commands; only some records are waited for; commands say what should be under way.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use equipoise_core::{
    Amount, BookTop, ClockOffset, Command, Event, OrderRequest, OrderSnapshot, OrderTag, Prepared,
    Record, Role, Saga, UnixMillis, VenueMillis,
};

use crate::claims::Violation;
use crate::fingerprint::fingerprint;
use crate::spec::WINDOW_MS;

/// A saga that is shared until it changes, and fingerprinted once.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    saga: Arc<Saga>,
    digest: u128,
}

impl Kept {
    pub(crate) fn new(saga: Saga) -> Self {
        Self { digest: fingerprint(0, &saga), saga: Arc::new(saga) }
    }
}

impl std::ops::Deref for Kept {
    type Target = Saga;
    fn deref(&self) -> &Saga {
        &self.saga
    }
}

impl Hash for Kept {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

/// An append under way and the wave that goes out once it is durable.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Pending {
    pub(crate) records: Vec<Record>,
    pub(crate) wave: Vec<(OrderTag, OrderRequest)>,
}

/// What should be under way according to the last decision.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Wanted {
    pub(crate) prepare: Vec<Vec<OrderTag>>,
    /// Whether the look is to be thorough.
    pub(crate) query: Vec<(OrderTag, bool)>,
    pub(crate) cancel: Vec<OrderTag>,
}

/// Readings on their way back.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Reading {
    Looked {
        tag: OrderTag,
        thorough: bool,
        venue_time: VenueMillis,
        orders: Vec<OrderSnapshot>,
        position: Option<Amount>,
    },
    /// Positions and books for unwinds, nothing for entries.
    Ready(Vec<(OrderTag, Option<Amount>, Option<BookTop>)>),
}

/// What an owner has made others do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Made {
    Look,
    Cancel,
}

/// One owner.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    pub(crate) epoch: u8,
    pub(crate) saga: Kept,
    /// Records this owner knows to be in the journal.
    pub(crate) appended: usize,
    /// Records that took effect and are not durable yet.
    pub(crate) unsaved: Vec<Record>,
    pub(crate) pending: Option<Arc<Pending>>,
    /// Durable, checked, not yet handed to the transport.
    pub(crate) outbox: Vec<(OrderTag, OrderRequest)>,
    /// Calls without an answer.
    pub(crate) calls: Vec<OrderTag>,
    pub(crate) readings: Vec<Reading>,
    /// Something took effect since the last decision.
    pub(crate) undecided: bool,
    pub(crate) wanted: Wanted,
    /// Wanted looks and cancels that were made since time last passed.
    pub(crate) made: Vec<(Made, OrderTag)>,
    pub(crate) wake_at: Option<UnixMillis>,
    pub(crate) stopping: bool,
    /// The order of the unsaved facts matters, because a kill may keep any prefix of them.
    pub(crate) ordered: bool,
}

impl Owner {
    /// The owner that admits the batch.
    pub(crate) fn first(saga: Saga) -> Self {
        let admitted = Record::Admitted(Box::new(saga.spec().clone()));
        Self { unsaved: vec![admitted], ..Self::with(1, saga, 0) }
    }

    /// An owner that finds the batch unfinished.
    pub(crate) fn resumed(epoch: u8, records: &[Record]) -> Result<Self, Violation> {
        let saga = Saga::replay(records)
            .map_err(|error| Violation { claim: "the journal replays", what: error.to_string() })?;
        Ok(Self::with(epoch, saga, records.len()))
    }

    fn with(epoch: u8, saga: Saga, appended: usize) -> Self {
        Self {
            epoch,
            saga: Kept::new(saga),
            appended,
            unsaved: Vec::new(),
            pending: None,
            outbox: Vec::new(),
            calls: Vec::new(),
            readings: Vec::new(),
            undecided: true,
            wanted: Wanted::default(),
            made: Vec::new(),
            wake_at: None,
            stopping: false,
            ordered: false,
        }
    }

    /// Hands one event to the saga. Records that gate wait as `pending`, others take effect at once.
    pub(crate) fn deliver(&mut self, now: UnixMillis, event: &Event) -> Result<(), Violation> {
        let step = self.saga.step(now, event);
        let recorded = !step.records.is_empty();
        let mut wave = Vec::new();
        let mut wanted = Wanted::default();
        for command in step.commands {
            match command {
                Command::Send(sends) => {
                    wave.extend(sends.into_iter().map(|send| (send.tag, send.request)));
                }
                Command::Prepare(tags) => wanted.prepare.push(tags),
                Command::Query(query) => wanted.query.push((query.tag, query.thorough)),
                Command::Cancel(tag) => wanted.cancel.push(tag),
            }
        }
        let idle = !recorded && wanted == Wanted::default();
        if *event == Event::Wake {
            if idle && step.wake_at.is_some_and(|at| at <= now) {
                return Err(Violation {
                    claim: "no decision spins",
                    what: "nothing to record, nothing to do, and to be called again at once".into(),
                });
            }
            self.undecided = recorded;
            self.wanted = wanted;
        } else {
            self.undecided |= recorded || step.wake_at.is_some_and(|at| at <= now);
        }
        self.wake_at = step.wake_at;
        if step.records.iter().any(Record::gates) {
            self.pending = Some(Arc::new(Pending { records: step.records, wave }));
        } else if recorded {
            self.apply(&step.records)?;
            self.unsaved.extend(step.records);
        }
        Ok(())
    }

    /// Lets records take effect.
    pub(crate) fn apply(&mut self, records: &[Record]) -> Result<(), Violation> {
        let mut saga = (*self.saga).clone();
        for record in records {
            saga.apply(record).map_err(|error| Violation {
                claim: "every record fits the state it was decided in",
                what: error.to_string(),
            })?;
        }
        self.saga = Kept::new(saga);
        Ok(())
    }

    /// R2: after the sync a wave goes out only if every order keeps half its window and is still wanted.
    pub(crate) fn may_hand_over(&self, now: UnixMillis, wave: &[(OrderTag, OrderRequest)]) -> bool {
        let late = |request: &OrderRequest| {
            request.deadline.0.saturating_sub(now.0) < u64::from(WINDOW_MS) / 2
        };
        let unwanted = self.stopping && wave.iter().any(|(tag, _)| tag.role == Role::Entry);
        !unwanted && !wave.iter().any(|(_, request)| late(request))
    }

    pub(crate) fn make(&mut self, made: Made, tag: OrderTag) {
        if let Err(place) = self.made.binary_search(&(made, tag)) {
            self.made.insert(place, (made, tag));
        }
    }

    pub(crate) fn has_made(&self, made: Made, tag: OrderTag) -> bool {
        self.made.binary_search(&(made, tag)).is_ok()
    }

    /// Everything wanted has been seen to at this time, but for what cannot be read.
    pub(crate) fn is_up_to_date(&self, unread: impl Fn(&[OrderTag]) -> bool) -> bool {
        let made = |made, tag: &OrderTag| self.has_made(made, *tag);
        self.wanted.prepare.iter().all(|tags| unread(tags))
            && self.readings.is_empty()
            && self.wanted.query.iter().all(|(tag, _)| made(Made::Look, tag))
            && self.wanted.cancel.iter().all(|tag| made(Made::Cancel, tag))
    }

    pub(crate) fn is_looking(&self, tag: OrderTag) -> bool {
        self.readings
            .iter()
            .any(|reading| matches!(reading, Reading::Looked { tag: of, .. } if *of == tag))
    }

    /// Whether the same wave is being prepared. Another one may begin beside it.
    pub(crate) fn is_preparing(&self, tags: &[OrderTag]) -> bool {
        let same = |ready: &[(OrderTag, _, _)]| ready.iter().map(|(tag, ..)| tag).eq(tags);
        self.readings.iter().any(|reading| matches!(reading, Reading::Ready(ready) if same(ready)))
    }
}

impl Hash for Owner {
    /// What makes two owners differ in what can still happen. The unsaved facts are the difference between this saga
    /// and the journal's; how many of them there are is part of the saga.
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.epoch, &self.saga, self.appended == 0, &self.pending, &self.outbox).hash(state);
        (&self.calls, &self.readings, self.undecided, &self.wanted, &self.made).hash(state);
        (self.wake_at, self.stopping).hash(state);
        if self.ordered {
            self.unsaved.hash(state);
        }
    }
}

impl Reading {
    /// What the saga is told.
    pub(crate) fn event(self) -> Event {
        match self {
            Self::Looked { tag, thorough, venue_time, orders, position } => {
                let read_until = venue_time;
                Event::Answered { tag, thorough, venue_time, read_until, orders, position }
            }
            Self::Ready(tags) => {
                let ready = |(tag, position, book): (OrderTag, _, _)| Prepared {
                    tag,
                    clock: ClockOffset { offset_ms: 0 },
                    book,
                    position,
                    others_hold: false,
                };
                Event::Prepared(tags.into_iter().map(ready).collect())
            }
        }
    }
}
