//! What is under way outside for one batch: preparing, sending, asking, cancelling. Repeats happen here and nowhere else (R9).

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use equipoise_core::{
    Command, Event, LegSpec, OrderSnapshot, OrderTag, Positions, Prepared, Query, Record,
    RefusalKind, Role, Send, Stage, UnixMillis, VenueMillis, VenueName,
};
use equipoise_port::{OrderRef, PlaceError, Purpose, QueryError};
use futures::FutureExt as _;
use tokio::sync::mpsc;

use crate::batch::BatchCell;
use crate::engine::Inner;
use crate::venues::VenueEntry;

/// Pause after the first fruitless look at an order in doubt or just executed; doubles with each further one.
const URGENT_PAUSE_MS: u64 = 50;
/// Longest such pause.
const URGENT_PAUSE_MS_MAX: u64 = 1_000;
/// The same for resting orders and cancels.
const PATIENT_PAUSE_MS: u64 = 250;
/// Longest pause between looks at a resting order.
const PATIENT_PAUSE_MS_MAX: u64 = 2_000;

/// One kind of thing under way; there is never more than one of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Prepare,
    Query(OrderTag),
    Cancel(OrderTag),
}

/// What an activity brought.
pub(crate) enum Outcome {
    /// A fact about an order being sent.
    Sent(Event),
    /// Everything for a wave is at hand.
    Prepared(Vec<Prepared>),
    /// Something for a wave is missing.
    Unprepared { venue: VenueName, error: QueryError },
    /// A query was answered.
    Answered(OrderTag, Event),
    /// A query or cancel came to nothing.
    Fruitless(Key, Option<QueryError>),
}

#[derive(Debug, Default)]
struct Pace {
    under_way: bool,
    fruitless: u32,
    not_before: UnixMillis,
    urgent: bool,
    /// A pause runs, and its end has not been looked at yet.
    paused: bool,
}

/// The activities of one batch.
pub(crate) struct Activities {
    engine: Arc<Inner>,
    cell: Arc<BatchCell>,
    outcomes: mpsc::Sender<Outcome>,
    paces: BTreeMap<Key, Pace>,
    jitter: fastrand::Rng,
}

impl Activities {
    pub(crate) fn new(
        engine: Arc<Inner>,
        cell: Arc<BatchCell>,
        outcomes: mpsc::Sender<Outcome>,
    ) -> Self {
        let (head, _) = cell.key.0.split_at(8);
        let seed = head.iter().fold(engine.settings.jitter_seed, |seed, byte| {
            seed.rotate_left(8) ^ u64::from(*byte)
        });
        let jitter = fastrand::Rng::with_seed(seed);
        Self {
            engine,
            cell,
            outcomes,
            paces: BTreeMap::new(),
            jitter,
        }
    }

    /// Starts what a command asks for, unless it is under way or its pause lasts.
    pub(crate) fn start(&mut self, command: Command, now: UnixMillis) {
        match command {
            Command::Send(wave) => self.send(wave, now),
            Command::Prepare(tags) => {
                if self.may_start(Key::Prepare, true, now) {
                    let preparing = prepare(self.engine.clone(), self.cell.clone(), tags);
                    self.spawn(Key::Prepare, preparing);
                }
            }
            Command::Query(query) => {
                let key = Key::Query(query.tag);
                if self.may_start(key, query.urgent, now) {
                    let asking = ask(self.engine.clone(), self.cell.clone(), query);
                    self.spawn(key, asking);
                }
            }
            Command::Cancel(tag) => {
                let key = Key::Cancel(tag);
                if self.may_start(key, false, now) {
                    let cancelling = cancel(self.engine.clone(), self.cell.clone(), tag);
                    self.spawn(key, cancelling);
                }
            }
        }
    }

    fn may_start(&mut self, key: Key, urgent: bool, now: UnixMillis) -> bool {
        let pace = self.paces.entry(key).or_default();
        pace.urgent = urgent;
        if pace.under_way || pace.not_before > now {
            return false;
        }
        pace.under_way = true;
        pace.paused = false;
        true
    }

    fn spawn(
        &self,
        key: Key,
        activity: impl Future<Output = Outcome> + std::marker::Send + 'static,
    ) {
        let outcomes = self.outcomes.clone();
        tokio::spawn(async move {
            // An adapter that panics has told us nothing.
            let outcome = AssertUnwindSafe(activity).catch_unwind().await;
            let outcome = outcome.unwrap_or(Outcome::Fruitless(key, None));
            // A driver that is gone needs no outcome.
            let _ = outcomes.send(outcome).await;
        });
    }

    /// When the next paused activity may start again.
    pub(crate) fn next_due(&self) -> Option<UnixMillis> {
        let paused = self.paces.values().filter(|pace| pace.paused);
        paused.map(|pace| pace.not_before).min()
    }

    /// Pauses that are over need not wake the driver again: whatever is still wanted is asked for anew.
    pub(crate) fn end_pauses(&mut self, now: UnixMillis) {
        for pace in self.paces.values_mut() {
            pace.paused &= pace.not_before > now;
        }
    }

    /// Takes an outcome in: paces its repetition and hands the saga's event on.
    pub(crate) fn finish(&mut self, outcome: Outcome, now: UnixMillis) -> Option<Event> {
        match outcome {
            Outcome::Sent(event) => Some(event),
            Outcome::Prepared(prepared) => {
                self.paces.remove(&Key::Prepare);
                Some(Event::Prepared(prepared))
            }
            Outcome::Unprepared { venue, error } => {
                tracing::debug!(batch = %self.cell.key, %venue, %error, "not ready to send");
                self.pause(Key::Prepare, Some(&error), now);
                Some(Event::Wake)
            }
            Outcome::Answered(tag, event) => {
                self.pause(Key::Query(tag), None, now);
                Some(event)
            }
            Outcome::Fruitless(key, error) => {
                self.pause(key, error.as_ref(), now);
                match (key, error) {
                    (
                        Key::Query(tag),
                        Some(error @ (QueryError::Credentials { .. } | QueryError::Refused { .. })),
                    ) => Some(Event::Unanswerable {
                        tag,
                        why: error.to_string(),
                    }),
                    _ => Some(Event::Wake),
                }
            }
        }
    }

    /// News about an order: the next look at it need not wait.
    pub(crate) fn note(&mut self, record: &Record) {
        let news = matches!(
            record,
            Record::Observed { .. }
                | Record::Filled { .. }
                | Record::Doubted { .. }
                | Record::Transmission { .. }
        );
        if let (true, Some(tag)) = (news, record.tag())
            && let Some(pace) = self.paces.get_mut(&Key::Query(tag))
        {
            pace.fruitless = 0;
            pace.not_before = UnixMillis::default();
        }
    }

    /// Capped exponential pause with jitter over its upper half, or the announced wait if that is longer.
    fn pause(&mut self, key: Key, error: Option<&QueryError>, now: UnixMillis) {
        let announced = match error {
            Some(QueryError::Busy { retry_after_ms, .. }) => *retry_after_ms,
            _ => 0,
        };
        let pace = self.paces.entry(key).or_default();
        let (first, most) = if pace.urgent {
            (URGENT_PAUSE_MS, URGENT_PAUSE_MS_MAX)
        } else {
            (PATIENT_PAUSE_MS, PATIENT_PAUSE_MS_MAX)
        };
        let full = (first << pace.fruitless.min(10)).min(most);
        let jittered = full / 2 + self.jitter.u64(0..=full / 2);
        pace.under_way = false;
        pace.paused = true;
        pace.fruitless = pace.fruitless.saturating_add(1);
        pace.not_before = now.plus_ms(jittered.max(announced));
    }

    /// R2: all of a wave if every order keeps at least half its window, else none of it.
    fn send(&self, wave: Vec<Send>, now: UnixMillis) {
        let in_time = wave.iter().all(|send| {
            let clock = self
                .cell
                .with_saga(|saga| saga.order(send.tag).map(|order| order.clock));
            let deadline = send.request.deadline;
            clock.flatten().is_some_and(|clock| {
                let left = deadline.since(clock.venue_time(now));
                left >= u64::from(send.request.window_ms) / 2
            })
        });
        for send in wave {
            let entry = self.entry(send.tag);
            let outcomes = self.outcomes.clone();
            let Some((entry, _)) = entry.filter(|_| in_time) else {
                let why = "too little of its window was left after it became durable".to_owned();
                let event = Event::NotSent { tag: send.tag, why };
                tokio::spawn(async move { outcomes.send(Outcome::Sent(event)).await });
                continue;
            };
            tokio::spawn(hand_over(entry, send, outcomes));
        }
    }

    fn entry(&self, tag: OrderTag) -> Option<(Arc<VenueEntry>, LegSpec)> {
        entry_of(&self.engine, &self.cell, tag)
    }
}

fn entry_of(engine: &Inner, cell: &BatchCell, tag: OrderTag) -> Option<(Arc<VenueEntry>, LegSpec)> {
    let leg = cell
        .with_saga(|saga| saga.spec().leg(tag.leg).cloned())
        .flatten()?;
    Some((engine.venues.get(&leg.venue)?.clone(), leg))
}

/// Hands one order to its venue, once.
async fn hand_over(entry: Arc<VenueEntry>, send: Send, outcomes: mpsc::Sender<Outcome>) {
    let tag = send.tag;
    // A driver that is gone needs no outcome; the order goes out all the same, its intent is durable.
    let _ = outcomes.send(Outcome::Sent(Event::Handed(tag))).await;
    let placed = AssertUnwindSafe(entry.venue.place(&send.request))
        .catch_unwind()
        .await;
    let event = match placed {
        Ok(Ok(snapshot)) => Event::Placed { tag, snapshot },
        Ok(Err(PlaceError::NotSent(why))) => Event::NotSent { tag, why },
        Ok(Err(PlaceError::Refused(refusal))) => {
            if refusal.kind == RefusalKind::Transient {
                // Possibly a stamp the venue found off: measure its clock again before the next one.
                entry.clock.forget().await;
            }
            Event::Refused { tag, refusal }
        }
        Ok(Err(PlaceError::Unknown(why))) => Event::Doubtful { tag, why },
        Err(_) => Event::Doubtful {
            tag,
            why: "the adapter failed while sending".to_owned(),
        },
    };
    let _ = outcomes.send(Outcome::Sent(event)).await;
}

/// Rate tokens, a fresh clock and, for unwinds, book and position: everything that comes before the stamp (R2).
async fn prepare(engine: Arc<Inner>, cell: Arc<BatchCell>, tags: Vec<OrderTag>) -> Outcome {
    let entries = tags
        .iter()
        .map(|tag| Some((*tag, entry_of(&engine, &cell, *tag)?)));
    let Some(entries) = entries.collect::<Option<Vec<_>>>() else {
        return Outcome::Fruitless(Key::Prepare, None);
    };
    let each = entries
        .iter()
        .map(|(tag, (entry, leg))| prepare_one(&engine, &cell, *tag, entry, leg));
    match futures::future::try_join_all(each).await {
        Ok(prepared) => Outcome::Prepared(prepared),
        Err((venue, error)) => Outcome::Unprepared { venue, error },
    }
}

async fn prepare_one(
    engine: &Inner,
    cell: &BatchCell,
    tag: OrderTag,
    entry: &VenueEntry,
    leg: &LegSpec,
) -> Result<Prepared, (VenueName, QueryError)> {
    let failed = |error| (entry.name.clone(), error);
    let venue = &*entry.venue;
    let symbol = &leg.instrument.symbol;
    let others_hold = cell.is_contended(&leg.venue, symbol);
    let (mut book, mut position) = (None, None);
    if tag.role == Role::Unwind {
        let reading_book = async { venue.quote(symbol).await.map(|quote| Some(quote.book)) };
        let reading_position = async {
            if leg.positions == Positions::Exclusive && leg.baseline.is_some() && !others_hold {
                venue
                    .position(symbol)
                    .await
                    .map(|position| Some(position.net()))
            } else {
                Ok(None)
            }
        };
        (book, position) = futures::try_join!(reading_book, reading_position).map_err(failed)?;
    }
    let purpose = match tag.role {
        Role::Entry => Purpose::Entry,
        Role::Unwind => Purpose::Unwind,
    };
    venue.reserve(purpose).await.map_err(failed)?;
    let clock = entry
        .clock
        .fresh(venue, &*engine.clock)
        .await
        .map_err(failed)?;
    Ok(Prepared {
        tag,
        clock,
        book,
        position,
        others_hold,
    })
}

/// One look at an order, as deep as the query asks.
async fn ask(engine: Arc<Inner>, cell: Arc<BatchCell>, query: Query) -> Outcome {
    let key = Key::Query(query.tag);
    let Some((entry, leg)) = entry_of(&engine, &cell, query.tag) else {
        return Outcome::Fruitless(key, None);
    };
    match look(&engine, &cell, &entry, &leg, &query).await {
        Ok(Some(event)) => Outcome::Answered(query.tag, event),
        Ok(None) => Outcome::Fruitless(key, None),
        Err(error) => {
            tracing::debug!(batch = %cell.key, leg = %leg.name, %error, "query without answer");
            Outcome::Fruitless(key, Some(error))
        }
    }
}

async fn look(
    engine: &Inner,
    cell: &BatchCell,
    entry: &VenueEntry,
    leg: &LegSpec,
    query: &Query,
) -> Result<Option<Event>, QueryError> {
    let tag = query.tag;
    let order = cell.with_saga(|saga| saga.order(tag).cloned()).flatten();
    let Some(order) = order else { return Ok(None) };
    let venue = &*entry.venue;
    let in_doubt = matches!(order.stage, Stage::InDoubt | Stage::Closed(_));
    let estimate = order.clock.venue_time(engine.clock.now());
    // Only the venue's own clock proves that deadline and margin have passed (R4); before that an estimate will do,
    // cut off at the deadline so that it can never prove anything.
    let past_deadline = in_doubt && estimate > order.request.deadline;
    let venue_time = if past_deadline {
        venue.server_time().await?
    } else {
        VenueMillis(estimate.0.min(order.request.deadline.0))
    };
    let reference = OrderRef {
        client_id: order.request.client_id.clone(),
        symbol: order.request.symbol.clone(),
        venue_order: order.at_venue.keys().next().cloned(),
        since: order.first_stamp,
    };
    if !query.thorough {
        let orders = venue.find(&reference).await?;
        return Ok(Some(Event::Answered {
            tag,
            thorough: false,
            venue_time,
            orders,
            position: None,
        }));
    }
    let contended = cell.is_contended(&leg.venue, &leg.instrument.symbol);
    let attributable = past_deadline && leg.baseline.is_some() && !contended;
    let reading_position = async {
        if attributable {
            venue
                .position(&reference.symbol)
                .await
                .map(|position| Some(position.net()))
        } else {
            Ok(None)
        }
    };
    let (mut orders, listed, position) = futures::try_join!(
        venue.find(&reference),
        venue.orders_since(&reference.symbol, reference.since),
        reading_position
    )?;
    add_listed(venue, &reference, listed, &mut orders).await?;
    Ok(Some(Event::Answered {
        tag,
        thorough: true,
        venue_time,
        orders,
        position,
    }))
}

/// Adds orders that only the listing shows, with their fills: a second order under the same id is a duplicate (V15).
async fn add_listed(
    venue: &dyn equipoise_port::Venue,
    reference: &OrderRef,
    listed: Vec<OrderSnapshot>,
    orders: &mut Vec<OrderSnapshot>,
) -> Result<(), QueryError> {
    for snapshot in listed {
        let own = snapshot.client_id == reference.client_id;
        if !own
            || orders
                .iter()
                .any(|known| known.venue_order == snapshot.venue_order)
        {
            continue;
        }
        let by_venue_id = OrderRef {
            venue_order: Some(snapshot.venue_order.clone()),
            ..reference.clone()
        };
        let found = venue.find(&by_venue_id).await?;
        let same = found
            .into_iter()
            .find(|found| found.venue_order == snapshot.venue_order);
        orders.push(same.unwrap_or(snapshot));
    }
    Ok(())
}

/// Asks the venue to cancel an order. Whatever it answers, only a query tells the final quantity (V8).
async fn cancel(engine: Arc<Inner>, cell: Arc<BatchCell>, tag: OrderTag) -> Outcome {
    let key = Key::Cancel(tag);
    let order = cell.with_saga(|saga| saga.order(tag).cloned()).flatten();
    let (Some((entry, _)), Some(order)) = (entry_of(&engine, &cell, tag), order) else {
        return Outcome::Fruitless(key, None);
    };
    let reference = OrderRef {
        client_id: order.request.client_id.clone(),
        symbol: order.request.symbol.clone(),
        venue_order: order.at_venue.keys().next().cloned(),
        since: order.first_stamp,
    };
    let answer = entry.venue.cancel(&reference).await;
    Outcome::Fruitless(key, answer.err())
}
