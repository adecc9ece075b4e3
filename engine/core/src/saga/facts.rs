//! Turns what the outside reports into facts worth keeping. Nothing is concluded here that evidence does not show.

use crate::decimal::Amount;
use crate::record::{OrderTag, Record};
use crate::refusal::Refusal;
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
            Event::Resumed => self.doubt_everything_open(now, &mut records),
            Event::Handed(tag) => {
                if self.order(*tag).is_some() {
                    records.push(Record::Sent { tag: *tag, at: now });
                }
            }
            Event::NotSent { tag, why } => self.not_sent(*tag, why, now, &mut records),
            Event::Placed { tag, snapshot } => {
                self.observe(*tag, std::slice::from_ref(snapshot), now, &mut records);
            }
            Event::Refused { tag, refusal } => self.refused(*tag, refusal, now, &mut records),
            Event::Doubtful { tag, why } => {
                if self.intended(*tag).is_some() {
                    records.push(Record::Doubted { tag: *tag, why: why.clone(), at: now });
                }
            }
            Event::Answered { tag, thorough, venue_time, read_until, orders, position } => {
                self.observe_others(*tag, orders, now, &mut records);
                let found = self.own(*tag, orders);
                self.observe(*tag, &found, now, &mut records);
                if *thorough {
                    if found.is_empty() {
                        let read = [*venue_time, *read_until];
                        self.not_found(*tag, read, *position, now, &mut records);
                    }
                    self.audit(*tag, [*venue_time, *read_until], &found, now, &mut records);
                }
            }
            Event::Unanswerable { tag, why } => {
                if self.is_asked_about(*tag, now) {
                    records.push(Record::Unresolved { tag: *tag, why: why.clone(), at: now });
                }
            }
            Event::Wake | Event::Prepared(_) => {}
        }
        Step::facts(now, records)
    }

    /// Whether the batch cannot go on without an answer about an attempt. An audit keeps it from its end only.
    pub(super) fn is_asked_about(&self, tag: OrderTag, now: UnixMillis) -> bool {
        self.order(tag).is_some_and(|order| {
            matches!(order.stage, Stage::InDoubt | Stage::Known)
                || (self.awaits_audit(tag, order) && self.rests_on_audits(now))
        })
    }

    pub(super) fn awaits_audit(&self, tag: OrderTag, order: &Order) -> bool {
        let leg = self.spec.leg(tag.leg);
        leg.is_some_and(|leg| order.needs_audit(&leg.traits))
    }

    fn intended(&self, tag: OrderTag) -> Option<&Order> {
        self.order(tag).filter(|order| order.stage == Stage::Intended)
    }

    /// After a restart nothing is known of what was under way: everything open is asked about from now on, also what
    /// had been given up on (R11). Nor does compensation lose the time in which nobody could act.
    fn doubt_everything_open(&self, now: UnixMillis, records: &mut Vec<Record>) {
        if self.ended.is_some() {
            return;
        }
        let open = self
            .orders()
            .filter(|(tag, order)| order.is_unresolved() || self.awaits_audit(*tag, order));
        for (tag, _) in open {
            let why = "the engine was started again".to_owned();
            records.push(Record::Doubted { tag, why, at: now });
        }
        if self.is_unwinding() {
            records.push(Record::UnwindStarted { at: now });
        }
    }

    fn refused(
        &self,
        tag: OrderTag,
        refusal: &Refusal,
        now: UnixMillis,
        records: &mut Vec<Record>,
    ) {
        let Some(order) = self.intended(tag) else {
            return;
        };
        records.push(if order.transmissions == 1 {
            Record::Refused { tag, refusal: refusal.clone(), at: now }
        } else {
            // The transmission before it may still have taken effect.
            let why = format!("a further transmission was refused with code {}", refusal.code);
            Record::Doubted { tag, why, at: now }
        });
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

    /// A complete search found nothing. What that proves depends on the venue's clock before and after it (R4): it began
    /// beyond deadline and margin, and it was over while the venue still listed orders that old.
    fn not_found(
        &self,
        tag: OrderTag,
        [venue_time, read_until]: [VenueMillis; 2],
        position: Option<Amount>,
        now: UnixMillis,
        records: &mut Vec<Record>,
    ) {
        let (Some(order), Some(leg)) = (self.order(tag), self.spec.leg(tag.leg)) else {
            return;
        };
        let parked = matches!(order.stage, Stage::Closed(Closing::Unresolved(_)));
        // What the venue has shown once is there, whatever it shows later.
        if (order.stage != Stage::InDoubt && !parked) || !order.at_venue.is_empty() {
            return;
        }
        let traits = &leg.traits;
        if !order.is_past_margin(traits, venue_time) {
            // Evidence of nothing yet, but on class A it allows the same id to be sent again.
            if traits.class == ResendClass::A && !order.missed && !parked {
                records.push(Record::NotFound { tag, venue_time, at: now });
            }
            return;
        }
        if read_until > order.first_stamp.plus_ms(traits.lookup_window_ms) {
            if !parked {
                let why = "the venue no longer lists orders that old".to_owned();
                records.push(Record::Unresolved { tag, why, at: now });
            }
            return;
        }
        let conclusive = match traits.class {
            // Once the venue may have forgotten the id, an unknown outcome is found or it is parked.
            ResendClass::A => order.is_remembered(traits, read_until),
            ResendClass::B => true,
            ResendClass::C => false,
        };
        if !conclusive || self.position_shows_effect(tag, order, position) {
            return;
        }
        match order.searched_at.zip(order.searched_venue_time) {
            None => records.push(Record::NotFound { tag, venue_time, at: now }),
            // Counted from the end of the first round, and from the beginning of both.
            Some((ended_at, begun))
                if now.since(ended_at) >= SEARCH_GAP_MS
                    && venue_time.since(begun) >= SEARCH_GAP_MS =>
            {
                records.push(Record::NotFound { tag, venue_time, at: now });
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
