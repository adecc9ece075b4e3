//! What a process has under way outside: preparing, handing over, looking, cancelling, each made of single requests.

use std::collections::BTreeMap;

use equipoise_core::{
    Amount, BookTop, ClockOffset, Event, OrderRequest, OrderState, OrderTag, Positions, Prepared,
    Role,
};
use equipoise_port::{PlaceError, QueryError};

use super::Process;
use super::driver::Input;
use super::look::Look;
use super::pace::Key;
use crate::check::Claim;
use crate::exchange::{Call, Reply};
use crate::network::Outside;
use crate::plant;

/// Age beyond which a clock is measured again before it is used.
const REFRESH_MS: u64 = 30_000;
/// Measurements tried for one that is certain enough.
const TRIES_MAX: u8 = 3;

/// Waves that one batch may have prepared at one moment: one for each leg and role is more than enough.
const PREPARED_MAX: u32 = 32;

/// A venue's clock as one process measured it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    offset: ClockOffset,
    uncertainty_ms: u64,
    at: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Activities {
    next: u64,
    pub(super) under_way: BTreeMap<u64, Activity>,
    calls: BTreeMap<u64, Asked>,
}

/// One request under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) activity: u64,
    pub(super) what: What,
    /// Which part of a preparation.
    part: usize,
    at: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Only,
    Clock,
    ClockAfter,
    Book,
    Position,
    Find,
    List,
    Extra,
}

#[derive(Debug)]
pub(super) enum Activity {
    Place { batch: u8, tag: OrderTag, venue: usize },
    Cancel { batch: u8, tag: OrderTag },
    Prepare { batch: u8, key: Key, parts: Vec<Part>, open: usize, tries: u8 },
    Look(Box<Look>),
}

/// What one order of a wave needs.
#[derive(Debug)]
pub(super) struct Part {
    tag: OrderTag,
    venue: usize,
    others_hold: bool,
    book: Option<BookTop>,
    position: Option<Amount>,
}

impl Activity {
    /// Whether it is about an order of this batch that exists; preparations are counted on their own.
    fn is_about_order_of(&self, of: u8) -> bool {
        match self {
            Self::Place { batch, .. } | Self::Cancel { batch, .. } => *batch == of,
            Self::Look(look) => look.batch() == of,
            Self::Prepare { .. } => false,
        }
    }
}

impl Process {
    /// Prepares a wave: books and positions for unwinds, and a fresh clock, before anything is stamped (R2).
    pub(super) fn prepare(&mut self, out: &mut Outside, batch: u8, key: Key) {
        let Key::Prepare(tags) = &key else { return };
        if !self.may_prepare_again(out, batch) {
            return;
        }
        let activity = self.next_activity();
        let mut parts = Vec::new();
        let mut asks = Vec::new();
        for tag in tags.iter().copied() {
            let Some(driver) = self.drivers.get(&batch) else { return };
            let Some(leg) = driver.saga.spec().leg(tag.leg) else { return };
            let venue = out.workload.venue(&leg.venue);
            let others_hold = driver.contended[usize::from(tag.leg)];
            if tag.role == Role::Unwind {
                let symbol = leg.instrument.symbol.clone();
                asks.push((parts.len(), venue, What::Book, Call::Book(symbol.clone())));
                let exclusive = leg.positions == Positions::Exclusive;
                if exclusive && leg.baseline.is_some() && !others_hold {
                    asks.push((parts.len(), venue, What::Position, Call::Position(symbol)));
                }
            }
            parts.push(Part { tag, venue, others_hold, book: None, position: None });
        }
        let open = asks.len();
        let preparing = Activity::Prepare { batch, key, parts, open, tries: 0 };
        self.activities.under_way.insert(activity, preparing);
        for (part, venue, what, call) in asks {
            self.ask(out, activity, venue, what, part, call);
        }
        if open == 0 {
            self.prepare_clocks(out, activity);
        }
    }

    /// A saga that has the same wave prepared again and again at one moment will never stamp it.
    fn may_prepare_again(&mut self, out: &mut Outside, batch: u8) -> bool {
        let Some(driver) = self.drivers.get_mut(&batch) else { return false };
        let (at, times) = &mut driver.prepared;
        *times = if *at == out.env.now { *times + 1 } else { 0 };
        *at = out.env.now;
        if *times > PREPARED_MAX {
            let text = format!("batch {batch} prepares without end and stamps nothing");
            out.check.fail(Claim::Rest, text);
            return false;
        }
        true
    }

    /// Measures the clocks that are missing or too old, then the wave is ready.
    fn prepare_clocks(&mut self, out: &mut Outside, activity: u64) {
        let now = out.env.now;
        let Some(Activity::Prepare { batch, key, parts, open, tries }) =
            self.activities.under_way.get_mut(&activity)
        else {
            return;
        };
        let (batch, key) = (*batch, key.clone());
        let mut missing = Vec::new();
        for part in parts.iter() {
            let certain_ms = u64::from(out.venues[part.venue].traits.window_ms) / 4;
            let fresh = self.clocks[part.venue].is_some_and(|clock| {
                now - clock.at < REFRESH_MS && clock.uncertainty_ms < certain_ms
            });
            if !fresh && !missing.contains(&part.venue) {
                missing.push(part.venue);
            }
        }
        if missing.is_empty() {
            let prepared = parts.iter().filter_map(|part| {
                Some(Prepared {
                    tag: part.tag,
                    clock: self.clocks[part.venue]?.offset,
                    book: part.book,
                    position: part.position,
                    others_hold: part.others_hold,
                })
            });
            let prepared = prepared.collect();
            self.activities.under_way.remove(&activity);
            self.tell(out, batch, Input::Prepared(key, prepared));
            return;
        }
        *tries += 1;
        *open = missing.len();
        if *tries > TRIES_MAX {
            self.activities.under_way.remove(&activity);
            let error = QueryError::Unavailable("its clock is too uncertain".to_owned());
            self.tell(out, batch, Input::Unprepared(key, error));
            return;
        }
        for venue in missing {
            self.ask(out, activity, venue, What::Clock, venue, Call::Time);
        }
    }

    /// An order's bytes leave now.
    pub(crate) fn hand_over(
        &mut self,
        out: &mut Outside,
        batch: u8,
        tag: OrderTag,
        request: OrderRequest,
    ) {
        let leg = self.drivers.get(&batch).and_then(|driver| driver.saga.spec().leg(tag.leg));
        // A driver that is gone does not hold the order back: its intent is durable.
        let venue = leg.map(|leg| out.workload.venue(&leg.venue));
        let Some(venue) = venue else { return };
        let activity = self.next_activity();
        self.begin(out, batch, activity, Activity::Place { batch, tag, venue });
        self.ask(out, activity, venue, What::Only, 0, Call::Place(request));
    }

    pub(super) fn cancel(&mut self, out: &mut Outside, batch: u8, tag: OrderTag) {
        let Some(driver) = self.drivers.get(&batch) else { return };
        let (Some(leg), Some(order)) = (driver.saga.spec().leg(tag.leg), driver.saga.order(tag))
        else {
            return;
        };
        let venue = out.workload.venue(&leg.venue);
        let open = order.at_venue.iter().find(|(_, at_venue)| at_venue.state == OrderState::Open);
        let call = Call::Cancel {
            client: order.request.client_id.clone(),
            venue_order: open.map(|(id, _)| id.clone()),
        };
        let activity = self.next_activity();
        self.begin(out, batch, activity, Activity::Cancel { batch, tag });
        self.ask(out, activity, venue, What::Only, 0, call);
    }

    /// Something about an order of a batch is under way from now on.
    pub(super) fn begin(&mut self, out: &mut Outside, batch: u8, activity: u64, doing: Activity) {
        self.activities.under_way.insert(activity, doing);
        let under_way = self.activities.under_way.values();
        let count = under_way.filter(|doing| doing.is_about_order_of(batch)).count();
        if let Some(driver) = self.drivers.get(&batch) {
            out.check.under_way(batch, count, &driver.saga);
        }
    }

    pub(super) fn next_activity(&mut self) -> u64 {
        self.activities.next += 1;
        self.activities.next
    }

    pub(super) fn ask(
        &mut self,
        out: &mut Outside,
        activity: u64,
        venue: usize,
        what: What,
        part: usize,
        call: Call,
    ) {
        let number = out.call(self.index, venue, call);
        let at = out.env.now;
        self.activities.calls.insert(number, Asked { activity, what, part, at });
    }

    /// An answer, or the end of waiting for one.
    pub(crate) fn answer(&mut self, out: &mut Outside, call: u64, reply: Option<Reply>) {
        let Some(asked) = self.activities.calls.remove(&call) else {
            return;
        };
        let reply =
            reply.unwrap_or_else(|| Reply::Failed(QueryError::Unavailable("no answer".to_owned())));
        match self.activities.under_way.get(&asked.activity) {
            None => {}
            Some(Activity::Place { batch, tag, venue }) => {
                let (batch, tag, venue) = (*batch, *tag, *venue);
                self.activities.under_way.remove(&asked.activity);
                let reply = plant::reply(&out.env, reply);
                let event = self.placed(venue, tag, reply);
                self.tell(out, batch, Input::Event(event));
            }
            Some(Activity::Cancel { batch, tag }) => {
                let (batch, tag) = (*batch, *tag);
                self.activities.under_way.remove(&asked.activity);
                let input = match reply {
                    Reply::Failed(error) => Input::Fruitless(Key::Cancel(tag), Some(error)),
                    _ => Input::Cancelled(tag),
                };
                self.tell(out, batch, input);
            }
            Some(Activity::Prepare { .. }) => self.prepared(out, asked, reply),
            Some(Activity::Look(_)) => self.looked(out, asked, reply),
        }
    }

    fn placed(&mut self, venue: usize, tag: OrderTag, reply: Reply) -> Event {
        use equipoise_core::RefusalKind;
        match reply {
            Reply::Placed(Ok(snapshot)) => Event::Placed { tag, snapshot },
            Reply::Placed(Err(PlaceError::NotSent(why))) => Event::NotSent { tag, why },
            Reply::Placed(Err(PlaceError::Refused(refusal))) => {
                if refusal.kind == RefusalKind::Transient {
                    self.clocks[venue] = None;
                }
                Event::Refused { tag, refusal }
            }
            Reply::Placed(Err(PlaceError::Unknown(why))) => Event::Doubtful { tag, why },
            _ => Event::Doubtful { tag, why: "no answer".to_owned() },
        }
    }

    fn prepared(&mut self, out: &mut Outside, asked: Asked, reply: Reply) {
        let now = out.env.now;
        let Some(Activity::Prepare { batch, key, parts, open, .. }) =
            self.activities.under_way.get_mut(&asked.activity)
        else {
            return;
        };
        match (asked.what, reply) {
            (What::Book, Reply::Book(book)) => parts[asked.part].book = Some(book),
            (What::Position, Reply::Position(position)) => {
                parts[asked.part].position = Some(plant::position(&out.env, position));
            }
            (What::Clock, Reply::Time(time)) => {
                let uncertainty_ms = (now - asked.at).div_ceil(2);
                let offset_ms = time.cast_signed() - (asked.at + uncertainty_ms).cast_signed();
                let offset = ClockOffset { offset_ms };
                self.clocks[asked.part] = Some(Measured { offset, uncertainty_ms, at: now });
            }
            (_, reply) => {
                let error = if let Reply::Failed(error) = reply {
                    error
                } else {
                    QueryError::Unavailable("another answer".to_owned())
                };
                let (batch, key) = (*batch, key.clone());
                self.activities.under_way.remove(&asked.activity);
                self.tell(out, batch, Input::Unprepared(key, error));
                return;
            }
        }
        *open -= 1;
        if *open == 0 {
            self.prepare_clocks(out, asked.activity);
        }
    }
}
