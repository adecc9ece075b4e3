//! Compensation under way: when an unwind wave may go, what bounds it, and its intents (K1, R10).

use crate::decimal::Amount;
use crate::name::Asset;
use crate::order::{OrderKind, OrderRequest, TimeInForce};
use crate::record::{Alarm, Ending, OrderTag, Record, Role};
use crate::refusal::RefusalKind;
use crate::spec::LegSpec;
use crate::time::{ClockOffset, UnixMillis};

use super::Saga;
use super::decide::intents;
use super::event::{Command, Prepared, Query, Step};
use super::order::{Closing, Order, Stage};
use super::pricing::Priced;
use super::residual::{Next, Takeback};

/// First pause before a further unwind order of a leg; doubles with each fruitless one.
const PAUSE_MS: u64 = 250;
/// Longest such pause.
const PAUSE_MS_MAX: u64 = 5_000;
/// Readings of a position that contradicts the fills before it counts as drift: one may be stale.
const CONTRADICTIONS_MAX: u8 = 3;
/// Least time between two such readings.
const CONTRADICTION_GAP_MS: u64 = 500;
/// Attempts of one leg's unwinding, those that cost nothing included.
const UNWIND_ORDERS_MAX: usize = 500;
const _: () = assert!(
    UNWIND_ORDERS_MAX <= crate::key::ATTEMPTS_MAX as usize
        && crate::plan::UNWIND_ATTEMPTS_MAX as usize <= UNWIND_ORDERS_MAX,
    "every attempt has an id of its own"
);

impl Saga {
    /// Engine time after which no unwind order starts.
    pub(super) fn unwind_deadline(&self) -> Option<UnixMillis> {
        Some(self.unwind_started_at?.plus_ms(self.spec.policy.unwind_ms_max))
    }

    /// Whether an order in an underlying is under way: its next wave is decided by what that one comes to.
    fn is_busy_in(&self, underlying: &Asset) -> bool {
        let open = self.orders().filter(|(_, order)| !order.is_closed());
        let mut legs = open.filter_map(|(tag, _)| self.spec.leg(tag.leg));
        legs.any(|leg| leg.instrument.base == *underlying)
    }

    /// Whether something of the batch besides one underlying is still being taken back.
    fn goes_on_beside(&self, underlying: &Asset, now: UnixMillis) -> bool {
        let open = self.orders().any(|(_, order)| !order.is_closed());
        open || self.next_unwinds().iter().any(|(other, next)| {
            other != underlying
                && matches!(next, Next::Wave(wave) if self.limit_hit(wave, now).is_none())
        })
    }

    /// Called when every entry is closed and compensation has begun. Each underlying goes on by itself.
    pub(super) fn compensate(&self, now: UnixMillis, step: &mut Step) {
        let mut end = |ending, why: String| {
            step.records.push(Record::Ended { ending, why, at: now });
            step.wake_by(now);
        };
        let (mut goes_on, mut hindrance) = (Vec::new(), None);
        for (underlying, next) in self.next_unwinds() {
            match next {
                _ if self.is_busy_in(&underlying) => {}
                Next::Flat => {}
                Next::Stuck => {
                    let why = || "what is left is too small for its venue".to_owned();
                    hindrance.get_or_insert_with(why);
                }
                Next::Wave(wave) => match self.limit_hit(&wave, now) {
                    Some(limit) => drop(hindrance.get_or_insert(limit)),
                    None => goes_on.push(wave),
                },
            }
        }
        if goes_on.is_empty() && self.orders().all(|(_, order)| order.is_closed()) {
            return match hindrance {
                Some(why) => end(Ending::Parked, why),
                None => end(Ending::Flat, self.flat_reason()),
            };
        }
        self.look_for_second_executions(now, step);
        for wave in &goes_on {
            self.ask_to_prepare(wave, now, step);
        }
    }

    fn ask_to_prepare(&self, wave: &[Takeback], now: UnixMillis, step: &mut Step) {
        let not_before = wave.iter().map(|takeback| self.unwind_not_before(takeback.leg)).max();
        match not_before.filter(|not_before| *not_before > now) {
            // Waiting counts against the time, so the deadline is looked at even while a ban lasts.
            Some(at) => step.wake_by(self.unwind_deadline().map_or(at, |until| until.min(at))),
            None => {
                let tags = wave.iter().map(|takeback| self.next_tag(takeback.leg, Role::Unwind));
                step.commands.push(Command::Prepare(tags.collect()));
                if let Some(until) = self.unwind_deadline() {
                    step.wake_by(until);
                }
            }
        }
    }

    /// Where a position contradicts the fills, an order executed twice would explain it: its audit is not waited for
    /// (V15).
    fn look_for_second_executions(&self, now: UnixMillis, step: &mut Step) {
        for (tag, order) in self.orders() {
            let contradicted = || {
                (0_u8..).zip(&self.legs).any(|(index, leg)| {
                    leg.contradictions > 0 && self.same_instrument(index, tag.leg)
                })
            };
            let Some(leg) = self.spec.leg(tag.leg) else { continue };
            let early = order.needs_audit(&leg.traits) && now < order.provable_at(&leg.traits);
            if early && contradicted() {
                step.commands.push(Command::Query(Query { tag, thorough: true, urgent: true }));
            }
        }
    }

    /// The policy's limit that forbids a further unwind order, if one does (R10).
    fn limit_hit(&self, wave: &[Takeback], now: UnixMillis) -> Option<String> {
        let policy = &self.spec.policy;
        if self.unwind_deadline().is_some_and(|until| now >= until) {
            return Some(format!("not flat after {} ms of unwinding", policy.unwind_ms_max));
        }
        for takeback in wave {
            let leg = self.spec.leg(takeback.leg)?;
            let orders = self.attempts(takeback.leg, Role::Unwind);
            let costing = orders.iter().filter(|order| costs_attempt(order)).count();
            if costing >= usize::from(policy.unwind_attempts) || orders.len() >= UNWIND_ORDERS_MAX {
                return Some(format!("leg {} is not flat after {costing} unwind orders", leg.name));
            }
            let credentials = orders.last().is_some_and(|order| {
                matches!(&order.stage, Stage::Closed(Closing::Refused(refusal))
                    if refusal.kind == RefusalKind::Credentials)
            });
            if credentials {
                return Some(format!("venue {} refuses the credentials", leg.venue));
            }
        }
        None
    }

    fn unwind_not_before(&self, leg: u8) -> UnixMillis {
        #[cfg(planted)]
        if crate::planted::bent().unwind_pauses_ignored {
            return UnixMillis::default();
        }
        let orders = self.attempts(leg, Role::Unwind);
        let contradicted = self.legs[usize::from(leg)].contradicted_at;
        let read_again =
            contradicted.map_or(UnixMillis::default(), |at| at.plus_ms(CONTRADICTION_GAP_MS));
        let Some(last) = orders.last() else {
            return read_again;
        };
        let fruitless = orders.iter().rev().take_while(|order| order.fills.is_empty()).count();
        let doublings = u32::try_from(fruitless.saturating_sub(1)).unwrap_or(u32::MAX).min(10);
        let pause = if fruitless == 0 { 0 } else { (PAUSE_MS << doublings).min(PAUSE_MS_MAX) };
        let wait = pause.max(last.announced_wait_ms());
        let after_pause = last.closed_at.unwrap_or_default().plus_ms(wait);
        after_pause.max(read_again)
    }

    /// Writes the intents of an unwind wave from books and positions just read.
    pub(super) fn stamp_unwinds(&self, now: UnixMillis, prepared: &[Prepared]) -> Step {
        let entering =
            self.orders().any(|(tag, order)| tag.role == Role::Entry && !order.is_closed());
        let wave = self.next_unwinds().into_iter().find_map(|(underlying, next)| match next {
            Next::Wave(wave) if self.is_for(prepared, &wave) => Some((underlying, wave)),
            _ => None,
        });
        let too_early = |takeback: &Takeback| self.unwind_not_before(takeback.leg) > now;
        let wave = wave.filter(|(underlying, wave)| {
            let allowed = !wave.iter().any(too_early) && self.limit_hit(wave, now).is_none();
            allowed && !entering && self.is_unwinding() && !self.is_busy_in(underlying)
        });
        match wave {
            Some((underlying, wave)) => self.stamp_wave(&underlying, &wave, prepared, now),
            None => Step::facts(now, Vec::new()),
        }
    }

    /// Whether everything for each order of a wave is at hand.
    fn is_for(&self, prepared: &[Prepared], wave: &[Takeback]) -> bool {
        let tags = wave.iter().map(|takeback| self.next_tag(takeback.leg, Role::Unwind));
        tags.into_iter().all(|tag| prepared.iter().any(|prepared| prepared.tag == tag))
    }

    fn stamp_wave(
        &self,
        underlying: &Asset,
        wave: &[Takeback],
        prepared: &[Prepared],
        now: UnixMillis,
    ) -> Step {
        let wait = || Step { wake_at: Some(now.plus_ms(PAUSE_MS)), ..Step::default() };
        // What the band could lose beyond the allowed loss is kept out of it: the limits come closer to the touch.
        let mut band_bps = self.spec.policy.unwind_slippage_bps;
        loop {
            let priced = match self.price_wave(wave, prepared, band_bps) {
                Ok(Some(priced)) => priced,
                // No sound book to price by: the whole wave waits for the next reading.
                Ok(None) => return wait(),
                Err((tag, position)) => return self.contradicted(underlying, tag, position, now),
            };
            match self.loss_hit(wave, &priced) {
                None => return self.unwind_intents(wave, &priced, prepared, now),
                Some(_) if band_bps > 0 => band_bps /= 2,
                // What is parked must be exact and nothing else may stay exposed; until then the book may come back.
                Some(_) if self.waits_before_parking(underlying, now) => return wait(),
                Some(why) => {
                    let ended = Record::Ended { ending: Ending::Parked, why, at: now };
                    return Step::facts(now, vec![ended]);
                }
            }
        }
    }

    fn waits_before_parking(&self, underlying: &Asset, now: UnixMillis) -> bool {
        self.orders().any(|(tag, order)| self.awaits_audit(tag, order))
            || self.goes_on_beside(underlying, now)
    }

    fn unwind_intents(
        &self,
        wave: &[Takeback],
        priced: &[Priced],
        prepared: &[Prepared],
        now: UnixMillis,
    ) -> Step {
        let orders = wave.iter().zip(priced).filter_map(|(takeback, priced)| {
            let tag = self.next_tag(takeback.leg, Role::Unwind);
            let leg = self.spec.leg(tag.leg)?;
            let ready = prepared.iter().find(|prepared| prepared.tag == tag)?;
            let request = self.unwind_request(tag, leg, takeback, priced, ready.clock, now);
            Some((tag, request, ready.clock))
        });
        intents(now, orders.collect())
    }

    fn unwind_request(
        &self,
        tag: OrderTag,
        leg: &LegSpec,
        takeback: &Takeback,
        priced: &Priced,
        clock: ClockOffset,
        now: UnixMillis,
    ) -> OrderRequest {
        OrderRequest {
            kind: OrderKind::Limit { price: priced.limit, time_in_force: TimeInForce::Ioc },
            reduce_only: priced.reduce_only,
            ..self.request(tag, leg, takeback.side, takeback.units, clock, now)
        }
    }

    fn contradicted(
        &self,
        underlying: &Asset,
        tag: OrderTag,
        position: Amount,
        now: UnixMillis,
    ) -> Step {
        let readings = self.legs[usize::from(tag.leg)].contradictions.saturating_add(1);
        // An order of this batch that was executed twice is no foreign trade: look for that first (V15).
        // What is parked must be exact, so the other orders are audited first as well, and nothing else stays exposed.
        let parks = !self.waits_before_parking(underlying, now);
        if readings > CONTRADICTIONS_MAX && !parks {
            // Nothing new to keep: it has been said often enough until then.
            return Step { wake_at: Some(now.plus_ms(CONTRADICTION_GAP_MS)), ..Step::default() };
        }
        let mut records = vec![Record::Contradicted { leg: tag.leg, position, at: now }];
        if readings >= CONTRADICTIONS_MAX && parks {
            let why =
                format!("the account's position of {position} contradicts the batch's own fills");
            records.push(Record::Alarmed { alarm: Alarm::Drift, tag, at: now });
            records.push(Record::Ended { ending: Ending::Parked, why, at: now });
        }
        Step::facts(now, records)
    }
}

/// An announced wait costs no attempt, nor does an order that never left (R10).
fn costs_attempt(order: &Order) -> bool {
    match &order.stage {
        Stage::Closed(Closing::Unsent) => false,
        Stage::Closed(Closing::Refused(refusal)) => {
            !matches!(refusal.kind, RefusalKind::RateLimited { .. })
        }
        _ => true,
    }
}
