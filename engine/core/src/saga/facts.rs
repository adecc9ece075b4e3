//! Turns what the outside reports into facts worth keeping. Nothing is concluded here that evidence does not show.

use crate::decimal::{Amount, Qty};
use crate::order::{OrderSnapshot, OrderState};
use crate::record::{Alarm, OrderTag, Record};
use crate::time::{UnixMillis, VenueMillis};
use crate::venue::ResendClass;

use super::Saga;
use super::event::{Event, Step};
use super::order::{Closing, Order, Stage};

/// Two complete searches must lie at least this far apart to prove absence (R4).
const SEARCH_GAP_MS: u64 = 1_000;

impl Saga {
    pub(super) fn facts(&self, now: UnixMillis, event: &Event) -> Step {
        let mut records = Vec::new();
        match event {
            Event::Stop => {
                if self.ended.is_none() && self.stopped_at.is_none() {
                    records.push(Record::Stopped { at: now });
                }
            }
            Event::Resumed => self.doubt_everything_intended(now, &mut records),
            Event::Handed(tag) => records.push(Record::Sent { tag: *tag, at: now }),
            Event::NotSent { tag, why } => self.not_sent(*tag, why, now, &mut records),
            Event::Placed { tag, snapshot } => {
                self.observe(*tag, std::slice::from_ref(snapshot), now, &mut records);
            }
            Event::Refused { tag, refusal } => {
                if let Some(order) = self.intended(*tag) {
                    records.push(if order.transmissions == 1 {
                        Record::Refused {
                            tag: *tag,
                            refusal: refusal.clone(),
                            at: now,
                        }
                    } else {
                        // The transmission before it may still have taken effect.
                        let why = format!(
                            "a further transmission was refused with code {}",
                            refusal.code
                        );
                        Record::Doubted {
                            tag: *tag,
                            why,
                            at: now,
                        }
                    });
                }
            }
            Event::Doubtful { tag, why } => {
                if self.intended(*tag).is_some() {
                    records.push(Record::Doubted {
                        tag: *tag,
                        why: why.clone(),
                        at: now,
                    });
                }
            }
            Event::Answered {
                tag,
                thorough,
                venue_time,
                orders,
                position,
            } => {
                let found: Vec<_> = self.own(*tag, orders).cloned().collect();
                if found.is_empty() {
                    if *thorough {
                        self.not_found(*tag, *venue_time, *position, now, &mut records);
                    }
                } else {
                    self.observe(*tag, &found, now, &mut records);
                    self.audit(*tag, *thorough, &found, now, &mut records);
                }
            }
            Event::Unanswerable { tag, why } => {
                if self
                    .order(*tag)
                    .is_some_and(|order| matches!(order.stage, Stage::InDoubt | Stage::Known))
                {
                    records.push(Record::Unresolved {
                        tag: *tag,
                        why: why.clone(),
                        at: now,
                    });
                }
            }
            Event::Wake | Event::Prepared(_) => {}
        }
        Step::facts(now, records)
    }

    fn intended(&self, tag: OrderTag) -> Option<&Order> {
        self.order(tag)
            .filter(|order| order.stage == Stage::Intended)
    }

    fn own<'a>(
        &self,
        tag: OrderTag,
        orders: &'a [OrderSnapshot],
    ) -> impl Iterator<Item = &'a OrderSnapshot> {
        let own = self.order(tag).map(|order| order.request.client_id.clone());
        orders
            .iter()
            .filter(move |snapshot| Some(&snapshot.client_id) == own.as_ref())
    }

    fn doubt_everything_intended(&self, now: UnixMillis, records: &mut Vec<Record>) {
        for (tag, order) in self.orders() {
            if order.stage == Stage::Intended {
                let why = "the process ended before the outcome was known".to_owned();
                records.push(Record::Doubted { tag, why, at: now });
            }
        }
    }

    fn not_sent(&self, tag: OrderTag, why: &str, now: UnixMillis, records: &mut Vec<Record>) {
        let Some(order) = self.intended(tag) else {
            return;
        };
        let why = why.to_owned();
        records.push(if order.transmissions == 1 {
            Record::Unsent { tag, why, at: now }
        } else {
            Record::Doubted { tag, why, at: now }
        });
    }

    /// Keeps what is new in the snapshots: states and quantities that grew, and fills not seen before.
    fn observe(
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
        for snapshot in snapshots {
            // Fills first, so that a settled order is settled by its last record and not reopened by it.
            for fill in &snapshot.fills {
                let key = (snapshot.venue_order.clone(), fill.trade.clone());
                if !order.fills.contains_key(&key) {
                    fresh = true;
                    records.push(Record::Filled {
                        tag,
                        venue_order: snapshot.venue_order.clone(),
                        fill: fill.clone(),
                        at: now,
                    });
                }
            }
            if is_news(order, snapshot) {
                fresh |= !snapshot.executed.is_zero();
                records.push(Record::Observed {
                    tag,
                    venue_order: snapshot.venue_order.clone(),
                    state: snapshot.state.clone(),
                    executed: snapshot.executed,
                    at: now,
                });
            }
        }
        self.raise_alarms(tag, order, snapshots, fresh, now, records);
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
                records.push(Record::Alarmed {
                    alarm,
                    tag,
                    at: now,
                });
            }
        };
        let concluded = matches!(
            order.stage,
            Stage::Closed(Closing::Ended | Closing::Refused(_) | Closing::Unsent | Closing::Absent)
        );
        if fresh && concluded {
            raise(Alarm::LateFill);
        }
        let known: Qty = order
            .at_venue
            .iter()
            .filter(|(id, _)| {
                !snapshots
                    .iter()
                    .any(|snapshot| snapshot.venue_order == **id)
            })
            .fold(Qty::ZERO, |sum, (_, at_venue)| sum.plus(at_venue.executed));
        let executed = snapshots.iter().fold(known, |sum, snapshot| {
            let before = order.at_venue.get(&snapshot.venue_order);
            let before = before.map_or(Qty::ZERO, |before| before.executed);
            sum.plus(snapshot.executed.max(before))
        });
        if executed > order.request.quantity {
            raise(Alarm::Overfill);
        }
    }

    /// A complete look at an ended order closes the question whether the venue executed it twice.
    fn audit(
        &self,
        tag: OrderTag,
        thorough: bool,
        found: &[OrderSnapshot],
        now: UnixMillis,
        records: &mut Vec<Record>,
    ) {
        let all_ended = found.iter().all(|order| order.state != OrderState::Open);
        let open = self.order(tag).is_some_and(|order| !order.audited);
        if thorough && all_ended && open {
            records.push(Record::Audited { tag, at: now });
        }
    }

    /// A complete search found nothing. What that proves depends on when the venue's clock was read (R4).
    fn not_found(
        &self,
        tag: OrderTag,
        venue_time: VenueMillis,
        position: Option<Amount>,
        now: UnixMillis,
        records: &mut Vec<Record>,
    ) {
        let (Some(order), Some(leg)) = (self.order(tag), self.spec.leg(tag.leg)) else {
            return;
        };
        let parked = matches!(order.stage, Stage::Closed(Closing::Unresolved(_)));
        if order.stage != Stage::InDoubt && !parked {
            return;
        }
        let traits = &leg.traits;
        let provable = order.request.deadline.plus_ms(traits.margin_ms.into());
        if venue_time <= provable {
            // Evidence of nothing yet, but on class A it allows the same id to be sent again.
            if traits.class == ResendClass::A && !order.missed && !parked {
                records.push(Record::NotFound {
                    tag,
                    venue_time,
                    at: now,
                });
            }
            return;
        }
        if venue_time > order.first_stamp.plus_ms(traits.lookup_window_ms) {
            if !parked {
                let why = "the venue no longer lists orders that old".to_owned();
                records.push(Record::Unresolved { tag, why, at: now });
            }
            return;
        }
        let explained = self.position_shows_effect(tag, order, position);
        if traits.class == ResendClass::C || explained {
            return;
        }
        match order.searched_at {
            None => records.push(Record::NotFound {
                tag,
                venue_time,
                at: now,
            }),
            Some(first) if now.since(first) >= SEARCH_GAP_MS => {
                records.push(Record::NotFound {
                    tag,
                    venue_time,
                    at: now,
                });
                records.push(Record::Absent { tag, at: now });
            }
            Some(_) => {}
        }
    }

    /// Whether the account's position changed in a way this order would explain and the batch's fills do not (R4).
    fn position_shows_effect(
        &self,
        tag: OrderTag,
        order: &Order,
        position: Option<Amount>,
    ) -> bool {
        let leg = self.spec.leg(tag.leg);
        let (Some(leg), Some(position)) = (leg, position) else {
            return false;
        };
        let Some(baseline) = leg.baseline else {
            return false;
        };
        let unexplained = position - baseline - self.instrument_holding(tag.leg);
        let sign = order.request.side.signed(order.request.quantity).get();
        (unexplained.get() * sign) > rust_decimal::Decimal::ZERO
    }

    /// What the batch holds in a leg's instrument over all its legs there, venue units.
    pub(super) fn instrument_holding(&self, index: u8) -> Amount {
        let Some(leg) = self.spec.leg(index) else {
            return Amount::ZERO;
        };
        (0_u8..)
            .zip(&self.spec.legs)
            .filter(|(_, other)| {
                other.venue == leg.venue && other.instrument.symbol == leg.instrument.symbol
            })
            .fold(Amount::ZERO, |sum, (other, _)| sum + self.holding(other))
    }
}

fn is_news(order: &Order, snapshot: &OrderSnapshot) -> bool {
    order
        .at_venue
        .get(&snapshot.venue_order)
        .is_none_or(|known| {
            snapshot.executed > known.executed
                || (known.state == OrderState::Open && snapshot.state != OrderState::Open)
        })
}
