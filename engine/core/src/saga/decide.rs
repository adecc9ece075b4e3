//! What is next: pursue what is open, release what may go, judge what is left.

use rust_decimal::Decimal;

use crate::decimal::{Amount, Qty};
use crate::instrument::InstrumentKind;
use crate::key::client_order_id;
use crate::name::Asset;
use crate::order::{OrderRequest, Side};
use crate::record::{Ending, OrderTag, Record, Role};
use crate::sizing::{net_of_fee, size_following};
use crate::spec::{LegQuantity, LegSpec, Residual};
use crate::time::{ClockOffset, UnixMillis};

use super::Saga;
use super::event::{Command, Prepared, Send, Step};
use super::leg::LegProgress;
use super::order::{Closing, Stage};

/// Pause before a transmission is prepared again that the venue's newest clock forbids.
const FORGOTTEN_PAUSE_MS: u64 = 1_000;

/// No spot fee in the base asset is more than this part of what filled.
const SPOT_FEE_MAX: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

impl Saga {
    pub(super) fn decide(&self, now: UnixMillis) -> Step {
        let mut step = Step::default();
        if self.ended.is_some() {
            return step;
        }
        let (progress, stopping) = self.progress(now);
        for (tag, order) in self.orders() {
            let Some(leg) = self.spec.leg(tag.leg) else { continue };
            self.pursue(tag, order, leg, now, stopping, &mut step);
        }
        if !step.records.is_empty() {
            return Step::facts(now, step.records);
        }
        // K1: while any leg is in doubt, no new wave and no compensation.
        let doubt = self.is_in_doubt();
        if !doubt {
            self.release(&progress, now, &mut step);
        }
        let verdict = self.verdict(&progress, doubt, now);
        let ends = verdict.records.iter().any(|record| matches!(record, Record::Ended { .. }));
        if ends && self.orders().any(|(tag, order)| self.awaits_audit(tag, order)) {
            // An end is written only when no order can turn out to have been executed once more (V15): done and flat
            // must be true, and what is parked exact. Waves and compensation do not wait for that, nor does what takes an
            // order that is given up out of the book.
            step.commands.extend(verdict.commands);
            self.give_up_audits(now, &mut step);
        } else {
            step.add(verdict);
        }
        step
    }

    /// Whether all that keeps the batch from its end are audits.
    pub(super) fn rests_on_audits(&self, now: UnixMillis) -> bool {
        let (progress, _) = self.progress(now);
        let verdict = self.verdict(&progress, self.is_in_doubt(), now);
        verdict.records.iter().any(|record| matches!(record, Record::Ended { .. }))
    }

    fn is_in_doubt(&self) -> bool {
        #[cfg(planted)]
        if crate::planted::bent().doubt_ignored {
            return false;
        }
        self.orders().any(|(_, order)| {
            matches!(order.stage, Stage::InDoubt | Stage::Closed(Closing::Unresolved(_)))
        })
    }

    /// Once every leg is final: done, flat, parked, or compensation.
    fn verdict(&self, progress: &[LegProgress], doubt: bool, now: UnixMillis) -> Step {
        let mut step = Step::default();
        let busy = self.orders().any(|(_, order)| !order.is_closed());
        // Compensation goes on underlying by underlying, beside its own orders in another one.
        if progress.iter().any(|leg| !leg.is_final()) {
            return step;
        }
        if busy {
            if self.is_unwinding() && !doubt {
                self.compensate(now, &mut step);
            }
            return step;
        }
        let end = |ending, why: &str| Record::Ended { ending, why: why.to_owned(), at: now };
        let untouched = self.orders().all(|(_, order)| order.fills.is_empty());
        let record = if doubt {
            step.commands.extend(self.left_open().map(Command::Cancel));
            end(Ending::Parked, &self.doubt_reason())
        } else if untouched {
            end(Ending::Flat, "nothing was executed")
        } else if self.is_unwinding() {
            self.compensate(now, &mut step);
            return step;
        } else if self.is_as_planned(progress) {
            end(Ending::Done, done_reason(progress))
        } else {
            match self.spec.policy.on_residual {
                Residual::Park => end(Ending::Parked, "the fills do not match the plan"),
                Residual::Unwind => Record::UnwindStarted { at: now },
            }
        };
        step.records.push(record);
        step.wake_by(now);
        step
    }

    /// Orders that can no longer be followed and were open when last seen: a person should not find them filled later.
    fn left_open(&self) -> impl Iterator<Item = OrderTag> {
        let given_up = self.orders().filter(|(_, order)| {
            matches!(order.stage, Stage::Closed(Closing::Unresolved(_))) && order.is_open_at_venue()
        });
        given_up.map(|(tag, _)| tag)
    }

    fn doubt_reason(&self) -> String {
        let why = self.orders().find_map(|(_, order)| match &order.stage {
            Stage::Closed(Closing::Unresolved(why)) => Some(why.as_str()),
            _ => None,
        });
        let why = why.unwrap_or("it is still asked about");
        format!("the outcome of an order could not be learned: {why}")
    }

    /// Every leg filled its target, or is followed by one that did, and the net delta is the plan's within one lot (S2),
    /// but for fees that were paid otherwise than expected: they are the account's own choice (a fee may come out of
    /// another asset, or be lower for makers), and no reason to take everything back.
    fn is_as_planned(&self, progress: &[LegProgress]) -> bool {
        let legs_match = (0_u8..).zip(progress).all(|(index, leg)| match leg {
            LegProgress::Complete => self.target(index) == Some(self.filled(index)),
            LegProgress::Skipped => true,
            LegProgress::Short => self.is_followed(index) && !self.filled(index).is_zero(),
            _ => false,
        });
        legs_match
            && self.net_deltas().iter().all(|(underlying, delta)| {
                let off = *delta - self.planned_delta(underlying);
                let lot = self.coarsest_lot(underlying);
                #[cfg(planted)]
                let lot = lot.plus(self.excused_by_any_fee(underlying));
                let near = |off: Amount| off.is_zero() || off.magnitude() < lot;
                near(off) || near(off - self.fees_beside(underlying))
            })
    }

    /// What spot fees other than those expected for what filled changed of an underlying, base units: in the legs that
    /// paid them, and in those that follow and were sized by what was left.
    pub(crate) fn fees_beside(&self, underlying: &Asset) -> Amount {
        let legs = (0_u8..).zip(&self.spec.legs);
        let spot = legs.filter(|(_, leg)| leg.instrument.kind == InstrumentKind::Spot);
        spot.fold(Amount::ZERO, |sum, (index, leg)| {
            let filled = self.filled(index);
            let expected = net_of_fee(&leg.instrument, leg.side, filled);
            let received = self.entry_received(index);
            let beside = (received - leg.side.signed(expected)).magnitude();
            // More than any fee is something else, and excuses nothing.
            let most = filled.get().checked_mul(SPOT_FEE_MAX).unwrap_or_default();
            if beside.get() > most {
                return sum;
            }
            sum + self.moved_by(index, [expected, received.magnitude()], underlying, 0)
        })
    }

    /// What it moves an underlying that a leg received the second quantity, base units, and not the first: by itself and
    /// by the legs that follow it.
    fn moved_by(&self, index: u8, received: [Qty; 2], underlying: &Asset, depth: usize) -> Amount {
        let Some(leg) = self.spec.leg(index).filter(|_| depth <= self.spec.legs.len()) else {
            return Amount::ZERO;
        };
        let [expected, actual] = received.map(|base| leg.side.signed(base));
        let own = if leg.instrument.base == *underlying { actual - expected } else { Amount::ZERO };
        (0_u8..).zip(&self.spec.legs).fold(own, |moved, (follower, its)| match &its.quantity {
            LegQuantity::Of { leg: source, ratio } if *source == index => {
                let received = received.map(|base| self.following_base(its, base, *ratio));
                moved + self.moved_by(follower, received, underlying, depth + 1)
            }
            _ => moved,
        })
    }

    /// Writes intents for a wave, or records a further transmission, now that everything is at hand.
    /// Whatever changed since it was asked for makes the answer void.
    pub(super) fn stamp(&self, now: UnixMillis, prepared: &[Prepared]) -> Step {
        let (progress, stopping) = self.progress(now);
        if let [one] = prepared
            && let Some(step) = self.send_again(one, now, stopping)
        {
            return step;
        }
        if self.ended.is_some() || self.is_in_doubt() {
            return Step::facts(now, Vec::new());
        }
        if prepared.iter().any(|prepared| prepared.tag.role == Role::Unwind) {
            return self.stamp_unwinds(now, prepared);
        }
        let ready = |tag: OrderTag| prepared.iter().find(|prepared| prepared.tag == tag);
        let mut wave = Vec::new();
        for tag in self.released(&progress, now, |tag| ready(tag).is_some()) {
            let quantity = self.target(tag.leg).filter(|target| !target.is_zero());
            let (Some(leg), Some(ready), Some(quantity)) =
                (self.spec.leg(tag.leg), ready(tag), quantity)
            else {
                return Step::facts(now, Vec::new());
            };
            let request = OrderRequest {
                reduce_only: leg.reduce_only,
                ..self.request(tag, leg, leg.side, quantity, ready.clock, now)
            };
            wave.push((tag, request, ready.clock));
        }
        intents(now, wave)
    }

    fn send_again(&self, prepared: &Prepared, now: UnixMillis, stopping: bool) -> Option<Step> {
        let tag = prepared.tag;
        let (order, leg) = (self.order(tag)?, self.spec.leg(tag.leg)?);
        // The memory of its id runs on the venue's clock, of which this reading is the latest.
        let remembered = order.is_remembered(&leg.traits, prepared.clock.venue_time(now));
        let wanted = self.may_send_again(tag, order, leg, now, stopping);
        if self.ended.is_some() || !wanted {
            return Some(Step::facts(now, Vec::new()));
        }
        if !remembered {
            // It is still wanted by the clock of its intent: not at once again, or preparing it would never end.
            return Some(Step {
                wake_at: Some(now.plus_ms(FORGOTTEN_PAUSE_MS)),
                ..Step::default()
            });
        }
        let deadline = prepared.clock.venue_time(now).plus_ms(leg.traits.window_ms.into());
        let request = OrderRequest { deadline, ..order.request.clone() };
        Some(Step {
            records: vec![Record::Transmission { tag, deadline, at: now }],
            commands: vec![Command::Send(vec![Send { tag, request }])],
            wake_at: None,
        })
    }

    /// The common part of every order: derived id, and a deadline in venue time counted from this very moment (R2).
    pub(super) fn request(
        &self,
        tag: OrderTag,
        leg: &LegSpec,
        side: Side,
        quantity: Qty,
        clock: ClockOffset,
        now: UnixMillis,
    ) -> OrderRequest {
        OrderRequest {
            client_id: client_order_id(self.spec.key, tag, &leg.traits),
            symbol: leg.instrument.symbol.clone(),
            side,
            kind: leg.kind,
            quantity,
            reduce_only: false,
            position_side: leg.position_side(),
            deadline: clock.venue_time(now).plus_ms(leg.traits.window_ms.into()),
            window_ms: leg.traits.window_ms,
        }
    }

    /// Net delta the plan asks for in one underlying, base units; followers count what their source was to fill.
    pub(crate) fn planned_delta(&self, underlying: &Asset) -> Amount {
        (0_u8..)
            .zip(&self.spec.legs)
            .filter(|(_, leg)| leg.instrument.base == *underlying)
            .fold(Amount::ZERO, |sum, (index, leg)| {
                sum + leg.side.signed(self.planned_base(index, 0))
            })
    }

    /// Base units a leg was planned to fill; a follower's are its source's times the ratio.
    fn planned_base(&self, index: u8, depth: usize) -> Qty {
        let Some(leg) = self.spec.leg(index).filter(|_| depth <= self.spec.legs.len()) else {
            return Qty::ZERO;
        };
        match &leg.quantity {
            LegQuantity::Fixed(units) => {
                let units = net_of_fee(&leg.instrument, leg.side, *units);
                let base = leg.instrument.base_of(Amount::from(units), self.reference(leg));
                base.magnitude()
            }
            LegQuantity::Of { leg: source, ratio } => {
                self.following_base(leg, self.planned_base(*source, depth + 1), *ratio)
            }
        }
    }

    /// Base units a leg receives that follows so many of its source.
    fn following_base(&self, leg: &LegSpec, source: Qty, ratio: Qty) -> Qty {
        let reference = self.reference(leg);
        let size = size_following(&leg.instrument, leg.side, source, ratio, reference);
        let units = net_of_fee(&leg.instrument, leg.side, size.unwrap_or(Qty::ZERO));
        leg.instrument.base_of(Amount::from(units), reference).magnitude()
    }

    /// Lot of the coarsest instrument of an underlying, base units.
    pub(crate) fn coarsest_lot(&self, underlying: &Asset) -> Qty {
        let legs = self.spec.legs.iter().filter(|leg| leg.instrument.base == *underlying);
        let lots = legs.map(|leg| leg.instrument.lot_base(self.reference(leg)));
        lots.max().unwrap_or(Qty::ZERO)
    }
}

/// A leg that others follow may end short: they matched it, so the net delta is the planned one all the same.
fn done_reason(progress: &[LegProgress]) -> &'static str {
    if progress.iter().all(|leg| *leg == LegProgress::Complete) {
        "every leg filled as planned"
    } else {
        "what was filled is matched as planned, but a leg filled less than it was to"
    }
}

/// All intents of one wave, to be made durable together, and the wave to send once they are.
pub(super) fn intents(now: UnixMillis, wave: Vec<(OrderTag, OrderRequest, ClockOffset)>) -> Step {
    let sends = wave.iter().map(|(tag, request, _)| Send { tag: *tag, request: request.clone() });
    let commands = vec![Command::Send(sends.collect())];
    let records = wave.into_iter().map(|(tag, request, clock)| Record::Intent {
        tag,
        request,
        clock,
        at: now,
    });
    let records: Vec<_> = records.collect();
    if records.is_empty() {
        return Step::facts(now, records);
    }
    Step { records, commands, wake_at: None }
}
