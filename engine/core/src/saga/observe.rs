//! Takes in what a venue shows: keeps what is new, merges what is repeated, and raises alarms.

use std::collections::BTreeSet;

use crate::decimal::Qty;
use crate::order::{Fill, OrderSnapshot, OrderState};
use crate::record::{Alarm, OrderTag, Record};
use crate::time::{UnixMillis, VenueMillis};

use super::Saga;
use super::order::{Closing, Order, Stage};

impl Saga {
    /// What the snapshots say of the attempt's own id, one snapshot for each order at the venue.
    pub(super) fn own(&self, tag: OrderTag, orders: &[OrderSnapshot]) -> Vec<OrderSnapshot> {
        let Some(order) = self.order(tag) else {
            return Vec::new();
        };
        let mut own: Vec<OrderSnapshot> = Vec::new();
        for snapshot in orders {
            if snapshot.client_id != order.request.client_id {
                continue;
            }
            let known = own.iter_mut().find(|known| known.venue_order == snapshot.venue_order);
            match known {
                Some(known) => merge(known, snapshot),
                None => own.push(snapshot.clone()),
            }
        }
        for snapshot in &mut own {
            let mut seen = BTreeSet::new();
            // What was taken back is no fill, in whichever order two listings tell it.
            snapshot.busted.retain(|fill| seen.insert(fill.trade.clone()));
            snapshot.fills.retain(|fill| seen.insert(fill.trade.clone()));
        }
        own
    }

    /// A listing shows the instrument's other orders too: what it says of other attempts is as good as an answer
    /// about them, so a late effect of a closed one is found while looking for its successor (R5).
    pub(super) fn observe_others(
        &self,
        asked: OrderTag,
        orders: &[OrderSnapshot],
        now: UnixMillis,
        records: &mut Vec<Record>,
    ) {
        let foreign = |snapshot: &OrderSnapshot| {
            self.order(asked).is_none_or(|order| order.request.client_id != snapshot.client_id)
        };
        if !orders.iter().any(foreign) {
            return;
        }
        for (tag, _) in self.orders() {
            if tag != asked && self.same_instrument(tag.leg, asked.leg) {
                let found = self.own(tag, orders);
                self.observe(tag, &found, now, records);
            }
        }
    }

    pub(super) fn same_instrument(&self, one: u8, other: u8) -> bool {
        let at = |leg| {
            let leg = self.spec.leg(leg)?;
            Some((&leg.venue, &leg.instrument.symbol))
        };
        at(one) == at(other)
    }

    /// Keeps what is new in the snapshots: states and quantities that grew, and fills not seen before.
    pub(super) fn observe(
        &self,
        tag: OrderTag,
        snapshots: &[OrderSnapshot],
        now: UnixMillis,
        records: &mut Vec<Record>,
    ) {
        let Some(order) = self.order(tag) else {
            return;
        };
        let mut fresh = false;
        let mut news = Vec::new();
        for snapshot in snapshots {
            // Fills first, so that a settled order is settled by its last record and not reopened by it.
            for fill in &snapshot.fills {
                let key = (snapshot.venue_order.clone(), fill.trade.clone());
                if !order.fills.contains_key(&key) && !order.busted.contains_key(&key) {
                    fresh = true;
                    news.push(Record::Filled {
                        tag,
                        venue_order: snapshot.venue_order.clone(),
                        fill: fill.clone(),
                        at: now,
                    });
                }
            }
            for fill in taken_back(order, snapshot) {
                news.push(Record::Busted {
                    tag,
                    venue_order: snapshot.venue_order.clone(),
                    fill: fill.clone(),
                    at: now,
                });
            }
            let grown = is_news(order, snapshot);
            if grown || self.is_found_open(order, snapshot) {
                fresh |= grown && !snapshot.executed.is_zero();
                news.push(Record::Observed {
                    tag,
                    venue_order: snapshot.venue_order.clone(),
                    state: snapshot.state.clone(),
                    executed: snapshot.executed,
                    at: now,
                });
            }
        }
        // Alarms before the facts that cause them: once the facts stand, nothing would raise them again.
        self.raise_alarms(tag, order, snapshots, fresh, now, records);
        records.append(&mut news);
    }

    /// An order that was given up on and is open after the batch has ended: nobody will cancel it, and the report has to
    /// say so (R11).
    fn is_found_open(&self, order: &Order, snapshot: &OrderSnapshot) -> bool {
        let given_up = matches!(order.stage, Stage::Closed(Closing::Unresolved(_)));
        self.ended.is_some() && given_up && snapshot.state == OrderState::Open
    }

    fn raise_alarms(
        &self,
        tag: OrderTag,
        order: &Order,
        snapshots: &[OrderSnapshot],
        fresh: bool,
        now: UnixMillis,
        records: &mut Vec<Record>,
    ) {
        let mut raise = |alarm| {
            if !self.alarms.contains(&(alarm, tag)) {
                records.push(Record::Alarmed { alarm, tag, at: now });
            }
        };
        let concluded = matches!(
            order.stage,
            Stage::Closed(Closing::Ended | Closing::Refused(_) | Closing::Unsent | Closing::Absent)
        );
        if fresh && concluded {
            raise(Alarm::LateFill);
        }
        if executed_with(order, snapshots) > order.request.quantity {
            raise(Alarm::Overfill);
        }
        if snapshots.iter().any(|snapshot| taken_back(order, snapshot).next().is_some()) {
            raise(Alarm::Busted);
        }
    }

    /// A complete look at an ended or refused order closes the question whether its request took effect once more than
    /// was seen, once that would show: it began beyond deadline and margin, and was over inside the lookup window (V15).
    pub(super) fn audit(
        &self,
        tag: OrderTag,
        [venue_time, read_until]: [VenueMillis; 2],
        found: &[OrderSnapshot],
        now: UnixMillis,
        records: &mut Vec<Record>,
    ) {
        let (Some(order), Some(leg)) = (self.order(tag), self.spec.leg(tag.leg)) else {
            return;
        };
        let wanted = match &order.stage {
            // Its ending may be part of this very answer.
            _ if !found.is_empty() => {
                let mut after = order.clone();
                found.iter().for_each(|snapshot| after.take_in(snapshot));
                after.may_be_repeated(&leg.traits) && !order.audited
            }
            Stage::Closed(Closing::Refused(_)) => !order.audited,
            _ => false,
        };
        let all_ended = found.iter().all(|found| found.state != OrderState::Open);
        if !wanted || !all_ended || !order.is_past_margin(&leg.traits, venue_time) {
            return;
        }
        if read_until > order.first_stamp.plus_ms(leg.traits.lookup_window_ms) {
            // What was given up on already is not given up on again, and an audit keeps nothing but the end waiting.
            if self.is_asked_about(tag, now) {
                let why = "the venue no longer lists orders that old".to_owned();
                records.push(Record::Unresolved { tag, why, at: now });
            }
        } else {
            records.push(Record::Audited { tag, at: now });
        }
    }
}

fn is_news(order: &Order, snapshot: &OrderSnapshot) -> bool {
    order.at_venue.get(&snapshot.venue_order).is_none_or(|known| {
        snapshot.executed > known.executed
            || (known.state == OrderState::Open && snapshot.state != OrderState::Open)
    })
}

/// Trades of a snapshot that were taken back and not known to be.
fn taken_back<'a>(order: &'a Order, snapshot: &'a OrderSnapshot) -> impl Iterator<Item = &'a Fill> {
    snapshot.busted.iter().filter(|fill| {
        let key = (snapshot.venue_order.clone(), fill.trade.clone());
        !order.busted.contains_key(&key)
    })
}

/// What an order would have executed with the snapshots taken in, venue units; what was taken back again counts, as
/// part of what the venue says it ever executed. Beside it a trade that replaces a corrected one is no further effect.
fn executed_with(order: &Order, snapshots: &[OrderSnapshot]) -> Qty {
    let mut after = order.clone();
    for snapshot in snapshots {
        after.take_in(snapshot);
    }
    after
        .at_venue
        .iter()
        .fold(Qty::ZERO, |sum, (id, at_venue)| sum.plus(at_venue.executed.max(after.filled_of(id))))
}

/// Two listings may show the same order, one of them from an earlier moment.
fn merge(known: &mut OrderSnapshot, other: &OrderSnapshot) {
    known.executed = known.executed.max(other.executed);
    if known.state == OrderState::Open {
        known.state = other.state.clone();
    }
    known.fills.extend(other.fills.iter().cloned());
    known.busted.extend(other.busted.iter().cloned());
}
