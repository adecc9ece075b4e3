//! What is under way outside for one batch: preparing, sending, asking, cancelling. Repeats happen here and nowhere else (R9).

use std::collections::{BTreeMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use equipoise_core::{
    ClockOffset, Command, Event, LegSpec, OrderTag, Prepared, Query, Record, Role, Send,
    UnixMillis, VenueName,
};
use equipoise_port::QueryError;
use futures::FutureExt as _;
use tokio::sync::mpsc;

use crate::asking::{ask, cancel};
use crate::batch::BatchCell;
use crate::engine::Inner;
use crate::pace::{Key, Paces};
use crate::sending::{hand_over, prepare};
use crate::together::{Gathered, Together};
use crate::venues::VenueEntry;

/// How long looks at an order must have been refused before it is given up: one passing fault of a gateway must not
/// park a batch.
const REFUSED_MS_MAX: u64 = 10_000;

/// What an activity brought.
pub(crate) enum Outcome {
    /// A fact about an order being sent.
    Sent(Event),
    /// Everything for a wave or a further transmission is at hand.
    Prepared(Key, Vec<Prepared>),
    /// Something for it is missing.
    Unprepared { key: Key, venue: VenueName, error: QueryError },
    /// A query was answered, perhaps not by everything that was asked.
    Answered(OrderTag, Event, Option<QueryError>),
    /// A cancel was answered.
    Cancelled(OrderTag),
    /// An activity came to nothing.
    Fruitless(Key, Option<QueryError>),
}

/// The activities of one batch.
pub(crate) struct Activities {
    engine: Arc<Inner>,
    cell: Arc<BatchCell>,
    outcomes: mpsc::Sender<Outcome>,
    /// Of activities that did not have to wait for anything.
    ready: VecDeque<Outcome>,
    paces: Paces,
    /// Entries that are prepared beside each other.
    together: Together,
    /// The clock each order was last prepared with, and so stamped by.
    clocks: BTreeMap<OrderTag, ClockOffset>,
    /// Since when looks at an order have been refused, without an answer in between.
    refused_since: BTreeMap<OrderTag, UnixMillis>,
    /// What is known without asking anyone.
    at_hand: VecDeque<Event>,
}

impl Activities {
    pub(crate) fn new(
        engine: Arc<Inner>,
        cell: Arc<BatchCell>,
        outcomes: mpsc::Sender<Outcome>,
    ) -> Self {
        let (head, _) = cell.key.0.split_at(8);
        let seed = head
            .iter()
            .fold(engine.settings.jitter_seed, |seed, byte| seed.rotate_left(8) ^ u64::from(*byte));
        Self {
            engine,
            cell,
            outcomes,
            ready: VecDeque::new(),
            paces: Paces::new(seed),
            together: Together::default(),
            clocks: BTreeMap::new(),
            refused_since: BTreeMap::new(),
            at_hand: VecDeque::new(),
        }
    }

    /// Starts what a command asks for, unless it is under way or its pause lasts.
    pub(crate) fn start(&mut self, command: Command, now: UnixMillis) {
        match command {
            Command::Send(wave) => self.send(wave, now),
            Command::Prepare(tags) => self.prepare(tags, now),
            Command::Query(query) => self.query(query, now),
            Command::Cancel(tag) => {
                let key = Key::Cancel(tag);
                if self.paces.may_start(&key, false, now) {
                    self.spawn(key, cancel(self.engine.clone(), self.cell.clone(), tag));
                }
            }
        }
    }

    /// Waves and further transmissions are prepared beside each other: none waits for the venues of another one, nor for
    /// a pause of another one that has some of its orders.
    fn prepare(&mut self, tags: Vec<OrderTag>, now: UnixMillis) {
        let key = Key::Prepare(tags.as_slice().into());
        if !self.paces.may_start(&key, true, now) {
            return;
        }
        if self.may_be_a_hedge(&tags) {
            self.together.begin(tags.clone());
        }
        let preparing = prepare(self.engine.clone(), self.cell.clone(), key.clone(), tags);
        self.spawn(key, preparing);
    }

    /// Whether it is one entry that is not recorded yet: what adds beside a hedge goes with it, as a wave of several, and
    /// no hedge waits for that. Unwinds wait for nobody, and a further transmission opens nothing.
    fn may_be_a_hedge(&self, wave: &[OrderTag]) -> bool {
        let [tag] = wave else { return false };
        let known = self.cell.with_saga(|saga| saga.order(*tag).is_some());
        tag.role == Role::Entry && known == Some(false)
    }

    fn query(&mut self, query: Query, now: UnixMillis) {
        let key = Key::Query(query.tag);
        if self.paces.may_start(&key, query.urgent, now) {
            self.spawn(key, ask(self.engine.clone(), self.cell.clone(), query));
        }
    }

    fn spawn(
        &mut self,
        key: Key,
        activity: impl Future<Output = Outcome> + std::marker::Send + 'static,
    ) {
        self.begin(async move {
            // Whatever goes wrong in it, the driver must learn that it is over.
            let outcome = AssertUnwindSafe(activity).catch_unwind().await;
            outcome.unwrap_or(Outcome::Fruitless(key, None))
        });
    }

    /// Goes as far as it can at once; what has to wait does so in a task of its own, whatever becomes of the driver.
    fn begin(&mut self, activity: impl Future<Output = Outcome> + std::marker::Send + 'static) {
        let mut activity = Box::pin(activity);
        if let Some(outcome) = activity.as_mut().now_or_never() {
            return self.ready.push_back(outcome);
        }
        let outcomes = self.outcomes.clone();
        tokio::spawn(async move {
            let outcome = activity.await;
            // A driver that is gone needs no outcome.
            let _ = outcomes.send(outcome).await;
        });
    }

    /// The next outcome that needed no waiting.
    pub(crate) fn ready(&mut self) -> Option<Outcome> {
        self.ready.pop_front()
    }

    /// The next event that needs no waiting, or has waited long enough.
    pub(crate) fn at_hand(&mut self, now: UnixMillis) -> Option<Event> {
        self.at_hand.pop_front().or_else(|| {
            let gathered = self.together.gather(now);
            self.prepared(gathered)
        })
    }

    /// When the next paused activity may start again, or what is ready waits no longer.
    pub(crate) fn next_due(&self) -> Option<UnixMillis> {
        self.paces.next_due().into_iter().chain(self.together.due_at()).min()
    }

    /// Whether a cancel is under way.
    pub(crate) fn is_cancelling(&self) -> bool {
        self.paces.is_cancelling()
    }

    /// See [`Paces::end_pauses`].
    pub(crate) fn end_pauses(&mut self, now: UnixMillis) {
        self.paces.end_pauses(now);
    }

    /// Takes an outcome in: paces its repetition and hands the saga's event on.
    pub(crate) fn finish(&mut self, outcome: Outcome, now: UnixMillis) -> Event {
        match outcome {
            Outcome::Sent(event) => event,
            Outcome::Prepared(key, prepared) => self.came_back(&key, prepared, now),
            Outcome::Unprepared { key, venue, error } => {
                tracing::debug!(%venue, %error, "not ready to send");
                self.paces.pause(&key, Some(&error), now);
                self.came_back(&key, Vec::new(), now)
            }
            Outcome::Answered(tag, event, missing) => {
                self.refused_since.remove(&tag);
                self.paces.pause(&Key::Query(tag), missing.as_ref(), now);
                event
            }
            Outcome::Cancelled(tag) => {
                self.paces.pause(&Key::Cancel(tag), None, now);
                // Its final quantity is to be had now.
                self.paces.soon(&Key::Query(tag), now);
                Event::Wake
            }
            Outcome::Fruitless(key, error) => self.fruitless(key, error, now),
        }
    }

    /// A preparation is over. What it brought is handed on now, or waits for those beside it.
    fn came_back(&mut self, key: &Key, ready: Vec<Prepared>, now: UnixMillis) -> Event {
        let Key::Prepare(wave) = key else { return Event::Wake };
        let gathered = if self.may_be_a_hedge(wave) {
            self.together.back(wave, ready, now)
        } else {
            self.together.forget(wave);
            Gathered { waves: vec![wave.to_vec()], ready }
        };
        self.prepared(gathered).unwrap_or(Event::Wake)
    }

    /// What waits no longer may be prepared again, and the saga is told of it.
    fn prepared(&mut self, gathered: Gathered) -> Option<Event> {
        let Gathered { waves, ready } = gathered;
        if ready.is_empty() {
            return None;
        }
        for wave in waves {
            self.paces.forget(&Key::Prepare(wave.into()));
        }
        self.clocks.extend(ready.iter().map(|ready| (ready.tag, ready.clock)));
        Some(Event::Prepared(ready))
    }

    fn fruitless(&mut self, key: Key, error: Option<QueryError>, now: UnixMillis) -> Event {
        self.paces.pause(&key, error.as_ref(), now);
        match (key, error) {
            (key @ Key::Prepare(_), _) => self.came_back(&key, Vec::new(), now),
            (
                Key::Query(tag),
                Some(error @ (QueryError::Credentials { .. } | QueryError::Refused { .. })),
            ) => {
                let since = *self.refused_since.entry(tag).or_insert(now);
                if now.since(since) < REFUSED_MS_MAX {
                    return Event::Wake;
                }
                Event::Unanswerable { tag, why: error.to_string() }
            }
            _ => Event::Wake,
        }
    }

    /// Takes in what took effect: after news about an order the next look at it comes sooner.
    pub(crate) fn note(&mut self, record: &Record) {
        let Some(tag) = record.tag() else { return };
        match record {
            Record::Doubted { .. } | Record::Transmission { .. } => {
                self.paces.at_once(&Key::Query(tag));
            }
            Record::Observed { at, .. } | Record::Filled { at, .. } => {
                self.paces.soon(&Key::Query(tag), *at);
            }
            _ => {}
        }
    }

    /// R2: all of a wave if every order keeps at least half its window and it is still wanted, else none of it.
    fn send(&mut self, wave: Vec<Send>, now: UnixMillis) {
        let entry = |send: &Send| Some(entry_of(&self.engine, &self.cell, send.tag)?.0);
        let entries: Option<Vec<_>> = wave.iter().map(entry).collect();
        let hindrance = self.hindrance(&wave, now);
        let (Some(entries), None) = (entries, hindrance) else {
            let why = hindrance.unwrap_or("its venue is not configured");
            tracing::debug!(orders = wave.len(), why, "wave not sent");
            let not_sent =
                wave.into_iter().map(|send| Event::NotSent { tag: send.tag, why: why.to_owned() });
            return self.at_hand.extend(not_sent);
        };
        for (send, entry) in wave.into_iter().zip(entries) {
            let tag = send.tag;
            self.ready.push_back(Outcome::Sent(Event::Handed(tag)));
            let engine = self.engine.clone();
            self.begin(hand_over(engine, entry, send));
        }
    }

    /// Why a wave that is durable must not be handed over after all.
    fn hindrance(&self, wave: &[Send], now: UnixMillis) -> Option<&'static str> {
        if self.engine.failure().is_some() {
            return Some("the journal failed");
        }
        if *self.cell.stop.borrow() && wave.iter().any(|send| send.tag.role == Role::Entry) {
            return Some("no new risk is wanted any more");
        }
        let late = wave.iter().any(|send| {
            // Stamped by a clock that was read here, or not sent: nothing an earlier start stamped leaves this one.
            self.clocks.get(&send.tag).is_none_or(|clock| {
                let left = send.request.deadline.since(clock.venue_time(now));
                left < u64::from(send.request.window_ms) / 2
            })
        });
        late.then_some("too little of its window was left after it became durable")
    }
}

/// Venue and leg of an order.
pub(crate) fn entry_of(
    engine: &Inner,
    cell: &BatchCell,
    tag: OrderTag,
) -> Option<(Arc<VenueEntry>, LegSpec)> {
    let leg = cell.with_saga(|saga| saga.spec().leg(tag.leg).cloned()).flatten()?;
    Some((engine.venues.get(&leg.venue)?.clone(), leg))
}
