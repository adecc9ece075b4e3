//! One look at an order. What was found counts even when another answer is missing; nothing else is proven by half of it.

use std::collections::BTreeSet;

use equipoise_core::{
    Amount, ClientOrderId, Event, OrderSnapshot, OrderState, OrderTag, Query, Saga, Stage, Symbol,
    UnixMillis, VenueMillis, VenueOrderId,
};
use equipoise_port::QueryError;

use super::Process;
use super::activity::{Activity, Asked, What};
use super::driver::{Driver, Input};
use super::pace::Key;
use crate::env::Env;
use crate::exchange::{Call, Reply};
use crate::fault::Fault;
use crate::mark::Mark;
use crate::network::Outside;

/// How long looks at an order must have been refused before it is given up.
const REFUSED_MS_MAX: u64 = 10_000;

/// A look under way.
#[derive(Debug)]
pub(super) struct Look {
    batch: u8,
    tag: OrderTag,
    venue: usize,
    thorough: bool,
    /// A position can be told apart from those of other batches.
    attributable: bool,
    client: ClientOrderId,
    symbol: Symbol,
    known: Vec<VenueOrderId>,
    since: VenueMillis,
    deadline: VenueMillis,
    venue_time: VenueMillis,
    /// The venue's clock once everything else was read.
    read_until: VenueMillis,
    past_deadline: bool,
    open: usize,
    orders: Vec<OrderSnapshot>,
    listed: Vec<OrderSnapshot>,
    /// What any answer showed as executed.
    executed: BTreeSet<VenueOrderId>,
    position: Option<Amount>,
    /// What of the look itself had no answer.
    missing: Option<QueryError>,
    find_failed: bool,
    /// What beside it had no answer.
    beside: Option<QueryError>,
}

impl Driver {
    /// A look at an order was refused: one passing fault of a gateway must not park a batch.
    pub(super) fn refused(&mut self, env: &mut Env, tag: OrderTag, error: &QueryError) -> Event {
        let now = UnixMillis(env.now);
        let since = *self.refused_since.entry(tag).or_insert(now);
        if now.since(since) < REFUSED_MS_MAX {
            return Event::Wake;
        }
        env.tally.hit(Mark::RefusalBelieved);
        Event::Unanswerable { tag, why: error.to_string() }
    }

    /// A look at an order was answered: refusals before it no longer count.
    pub(super) fn answered(&mut self, env: &mut Env, tag: OrderTag) {
        if self.refused_since.remove(&tag).is_some() {
            env.tally.hit(Mark::RefusalPassed);
        }
    }
}

impl Process {
    /// Only the venue's own clock proves that deadline and margin have passed (R4); before that an estimate will do,
    /// cut off at the deadline.
    pub(super) fn look(&mut self, out: &mut Outside, batch: u8, query: Query) {
        let Some(driver) = self.drivers.get_mut(&batch) else { return };
        let tag = query.tag;
        let (looks, since) = driver.looks.entry(tag).or_insert((0, out.env.now));
        *looks += 1;
        out.check.asks(batch, tag, *looks, out.env.now - *since);
        let (Some(leg), Some(order)) = (driver.saga.spec().leg(tag.leg), driver.saga.order(tag))
        else {
            return;
        };
        let venue = out.workload.venue(&leg.venue);
        let deadline = order.request.deadline;
        let in_doubt = matches!(order.stage, Stage::InDoubt | Stage::Closed(_));
        let estimate = order.clock.venue_time(UnixMillis(out.env.now));
        let contended = driver.contended[usize::from(tag.leg)];
        let look = Look {
            batch,
            tag,
            venue,
            thorough: query.thorough,
            attributable: leg.baseline.is_some() && !contended,
            client: order.request.client_id.clone(),
            symbol: order.request.symbol.clone(),
            known: order.at_venue.keys().cloned().collect(),
            since: order.first_stamp,
            deadline,
            venue_time: estimate.min(deadline),
            read_until: estimate.min(deadline),
            past_deadline: false,
            open: 0,
            orders: Vec::new(),
            listed: Vec::new(),
            executed: BTreeSet::new(),
            position: None,
            missing: None,
            find_failed: false,
            beside: None,
        };
        let activity = self.next_activity();
        self.begin(out, batch, activity, Activity::Look(Box::new(look)));
        if query.thorough && in_doubt && estimate > deadline {
            self.ask(out, activity, venue, What::Clock, 0, Call::Time);
        } else {
            self.look_closely(out, activity);
        }
    }

    fn look_closely(&mut self, out: &mut Outside, activity: u64) {
        let Some(Activity::Look(look)) = self.activities.under_way.get_mut(&activity) else {
            return;
        };
        let venue = look.venue;
        let find =
            |venue_order| (What::Find, Call::Find { client: look.client.clone(), venue_order });
        let mut asks: Vec<_> = look.known.iter().cloned().map(|id| find(Some(id))).collect();
        if asks.is_empty() {
            asks.push(find(None));
        }
        if look.thorough {
            let list = Call::List { symbol: look.symbol.clone(), since: look.since };
            asks.push((What::List, list));
            if look.attributable && look.past_deadline {
                asks.push((What::Position, Call::Position(look.symbol.clone())));
            }
        }
        look.open = asks.len();
        for (what, call) in asks {
            self.ask(out, activity, venue, what, 0, call);
        }
    }

    /// An answer to one of a look's questions.
    pub(super) fn looked(&mut self, out: &mut Outside, asked: Asked, reply: Reply) {
        let Some(Activity::Look(look)) = self.activities.under_way.get_mut(&asked.activity) else {
            return;
        };
        if let Reply::Orders(orders) = &reply {
            let executed = orders.iter().filter(|order| !order.executed.is_zero());
            look.executed.extend(executed.map(|order| order.venue_order.clone()));
        }
        match (asked.what, reply) {
            (What::Clock, reply) => {
                look.note_time(reply);
                return self.look_closely(out, asked.activity);
            }
            (What::ClockAfter, reply) => {
                look.note_time_after(reply);
                return self.end_look(out, asked.activity);
            }
            (What::Extra, reply) => {
                look.note_extra(reply);
                return self.look_further(out, asked.activity);
            }
            (What::Find, Reply::Orders(orders)) => look.orders.extend(orders),
            (What::List, Reply::Orders(orders)) => look.listed = orders,
            (What::Position, Reply::Position(position)) => look.position = Some(position),
            (what, reply) => {
                look.find_failed |= what == What::Find;
                look.missing.get_or_insert(error_of(reply));
            }
        }
        look.open -= 1;
        if look.open == 0 {
            if look.find_failed {
                look.orders.clear();
            }
            self.look_further(out, asked.activity);
        }
    }

    /// Orders that only the listing shows are looked up with their fills: a second one under the same id is a duplicate
    /// (V15), and news about another attempt of the batch are taken too (R5).
    fn look_further(&mut self, out: &mut Outside, activity: u64) {
        let Some(Activity::Look(look)) = self.activities.under_way.get_mut(&activity) else {
            return;
        };
        let Some(driver) = self.drivers.get(&look.batch) else { return };
        let mut seen: BTreeSet<&VenueOrderId> =
            look.orders.iter().map(|order| &order.venue_order).collect();
        look.listed.retain(|listed| {
            let own = listed.client_id == look.client;
            !seen.contains(&listed.venue_order) && (own || is_news(&driver.saga, listed))
        });
        seen.clear();
        if let Some(snapshot) = look.listed.last() {
            let (venue, client) = (look.venue, snapshot.client_id.clone());
            let call = Call::Find { client, venue_order: Some(snapshot.venue_order.clone()) };
            self.ask(out, activity, venue, What::Extra, 0, call);
            return;
        }
        if look.past_deadline && look.thorough && look.missing.is_none() {
            let venue = look.venue;
            return self.ask(out, activity, venue, What::ClockAfter, 0, Call::Time);
        }
        self.end_look(out, activity);
    }

    fn end_look(&mut self, out: &mut Outside, activity: u64) {
        let Some(Activity::Look(look)) = self.activities.under_way.remove(&activity) else {
            return;
        };
        let own = look.orders.iter().filter(|order| order.client_id == look.client).count();
        if own > 1 {
            out.env.tally.hit(Mark::SecondEffectFound);
        }
        let (batch, tag) = (look.batch, look.tag);
        match look.missing {
            Some(error) if own == 0 => {
                self.tell(out, batch, Input::Fruitless(Key::Query(tag), Some(error)));
            }
            missing => {
                let event = Event::Answered {
                    tag,
                    thorough: look.thorough && missing.is_none(),
                    venue_time: look.venue_time,
                    read_until: look.read_until,
                    orders: look.orders,
                    position: look.position,
                };
                if out.owner == self.index && out.env.faults.is_on(Fault::ExecutedBeyondMargin) {
                    let executed = look.executed.into_iter().collect();
                    out.check.shows(out.env.now, batch, executed);
                }
                self.tell(out, batch, Input::Answered(tag, event, missing.or(look.beside)));
            }
        }
    }
}

impl Look {
    pub(super) const fn batch(&self) -> u8 {
        self.batch
    }

    fn note_time(&mut self, reply: Reply) {
        match reply {
            Reply::Time(time) => {
                self.venue_time = VenueMillis(time);
                self.past_deadline = self.venue_time > self.deadline;
            }
            reply => self.beside = Some(error_of(reply)),
        }
    }

    /// Without it nobody knows whether the venue still listed everything.
    fn note_time_after(&mut self, reply: Reply) {
        match reply {
            Reply::Time(time) => self.read_until = VenueMillis(time),
            reply => {
                self.thorough = false;
                self.beside = Some(error_of(reply));
            }
        }
    }

    fn note_extra(&mut self, reply: Reply) {
        let Some(listed) = self.listed.pop() else { return };
        match reply {
            Reply::Orders(orders) => {
                let same = orders.into_iter().find(|order| order.venue_order == listed.venue_order);
                // Listed and not found: its trades are not known, so the look is not complete.
                self.thorough &= same.is_some() || listed.client_id != self.client;
                self.orders.push(same.unwrap_or(listed));
            }
            reply => {
                // Without its fills it still counts; they are asked for again.
                self.thorough &= listed.client_id != self.client;
                self.beside = Some(error_of(reply));
                self.orders.push(listed);
            }
        }
    }
}

fn error_of(reply: Reply) -> QueryError {
    match reply {
        Reply::Failed(error) => error,
        _ => QueryError::Unavailable("another answer".to_owned()),
    }
}

/// Whether a listed order is one of the batch's and shows more than is known.
fn is_news(saga: &Saga, listed: &OrderSnapshot) -> bool {
    let mut orders = saga.orders();
    let order = orders.find(|(_, order)| order.request.client_id == listed.client_id);
    order.is_some_and(|(_, order)| {
        order.at_venue.get(&listed.venue_order).is_none_or(|known| {
            let ended = known.state == OrderState::Open && listed.state != OrderState::Open;
            ended || listed.executed > known.executed
        })
    })
}
