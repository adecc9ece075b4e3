//! Compensation under way: when an unwind wave may go, what bounds it, and its intents (K1, R10).

use crate::decimal::Amount;
use crate::order::{OrderKind, OrderRequest, TimeInForce};
use crate::record::{Alarm, Ending, OrderTag, Record, Role};
use crate::refusal::RefusalKind;
use crate::spec::LegSpec;
use crate::time::{ClockOffset, UnixMillis};

use super::Saga;
use super::decide::intents;
use super::event::{Command, Prepared, Query, Step};
use super::order::{Closing, Order, Stage};
use super::pricing::{Priced, Reducing};
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

    /// Called when every order is closed and compensation has begun.
    pub(super) fn compensate(&self, now: UnixMillis, step: &mut Step) {
        let mut end = |ending, why: String| {
            step.records.push(Record::Ended { ending, why, at: now });
            step.wake_by(now);
        };
        let wave = match self.next_unwinds() {
            Next::Flat => return end(Ending::Flat, self.flat_reason()),
            Next::Stuck => {
                return end(Ending::Parked, "what is left is too small for its venue".to_owned());
            }
            Next::Wave(wave) => wave,
        };
        if let Some(limit) = self.limit_hit(&wave, now) {
            return end(Ending::Parked, limit);
        }
        self.look_for_second_executions(now, step);
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
        let void = Step::facts(now, Vec::new());
        let busy = self.orders().any(|(_, order)| !order.is_closed());
        let Next::Wave(wave) = self.next_unwinds() else {
            return void;
        };
        let too_early = |takeback: &Takeback| self.unwind_not_before(takeback.leg) > now;
        if busy
            || !self.is_unwinding()
            || wave.iter().any(too_early)
            || self.limit_hit(&wave, now).is_some()
        {
            return void;
        }
        let (mut orders, mut limits) = (Vec::new(), Vec::new());
        let mut reducing = Reducing::default();
        for takeback in wave {
            let tag = self.next_tag(takeback.leg, Role::Unwind);
            let (Some(leg), Some(ready)) =
                (self.spec.leg(tag.leg), prepared.iter().find(|prepared| prepared.tag == tag))
            else {
                return void;
            };
            match self.price_unwind(&takeback, leg, ready, &mut reducing) {
                Ok(Some(priced)) => {
                    limits.push((tag.leg, priced.limit));
                    let request =
                        self.unwind_request(tag, leg, &takeback, &priced, ready.clock, now);
                    orders.push((tag, request, ready.clock));
                }
                // No sound book to price by: the whole wave waits for the next reading.
                Ok(None) => {
                    return Step { wake_at: Some(now.plus_ms(PAUSE_MS)), ..Step::default() };
                }
                Err(position) => return self.contradicted(tag, position, now),
            }
        }
        if let Some(why) = self.loss_hit(&limits) {
            if self.orders().any(|(tag, order)| self.awaits_audit(tag, order)) {
                // What is parked must be exact; until it is, the book may come back.
                return Step { wake_at: Some(now.plus_ms(PAUSE_MS)), ..Step::default() };
            }
            return Step::facts(now, vec![Record::Ended { ending: Ending::Parked, why, at: now }]);
        }
        intents(now, orders)
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

    fn contradicted(&self, tag: OrderTag, position: Amount, now: UnixMillis) -> Step {
        let readings = self.legs[usize::from(tag.leg)].contradictions.saturating_add(1);
        // An order of this batch that was executed twice is no foreign trade: look for that first (V15).
        // What is parked must be exact, so the other orders are audited first as well.
        let audited = !self.orders().any(|(other, order)| self.awaits_audit(other, order));
        if readings > CONTRADICTIONS_MAX && !audited {
            // Nothing new to keep: it has been said often enough until the audits are read.
            return Step { wake_at: Some(now.plus_ms(CONTRADICTION_GAP_MS)), ..Step::default() };
        }
        let mut records = vec![Record::Contradicted { leg: tag.leg, position, at: now }];
        if readings >= CONTRADICTIONS_MAX && audited {
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
