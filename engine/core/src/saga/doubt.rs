//! What to do about orders that are not closed: ask, send again where that is safe, cancel, or give up within bounds.

use crate::order::{OrderKind, TimeInForce};
use crate::record::{OrderTag, Record, Role};
use crate::spec::LegSpec;
use crate::time::UnixMillis;
use crate::venue::ResendClass;

use super::Saga;
use super::event::{Command, Query, Step};
use super::order::{Order, Stage};

/// Transmissions of one attempt on a class A venue, the first included.
const TRANSMISSIONS_MAX: u8 = 5;
/// How long an answer may take before the venue is asked about the order as well. *Found* counts at any moment, and
/// every moment less in doubt is a moment less exposed.
const SLOW_ANSWER_MS: u64 = 500;
/// Longest announced wait of a refusal that is added to the time its audit may take.
const ANNOUNCED_WAIT_MS_MAX: u64 = 600_000;
/// How long an immediate order may still show as open before it is cancelled to be sure.
const IMMEDIATE_OPEN_MS: u64 = 5_000;

impl Saga {
    /// Takes care of one order that is not closed, or still needs its audit. `stopping` says that entries are no longer
    /// wanted.
    pub(super) fn pursue(
        &self,
        tag: OrderTag,
        order: &Order,
        leg: &LegSpec,
        now: UnixMillis,
        stopping: bool,
        step: &mut Step,
    ) {
        match order.stage {
            Stage::InDoubt => self.resolve(tag, order, leg, now, stopping, step),
            Stage::Known => self.follow(tag, order, leg, now, stopping, step),
            Stage::Closed(_) if order.needs_audit(&leg.traits) => {
                ask_for_audit(tag, order, leg, now, step);
            }
            Stage::Intended => ask_about_slow_answer(tag, order, now, step),
            Stage::Closed(_) => {}
        }
    }

    /// An order in doubt: ask at once and keep asking; believe *found* at any moment, *absent* only by R4.
    fn resolve(
        &self,
        tag: OrderTag,
        order: &Order,
        leg: &LegSpec,
        now: UnixMillis,
        stopping: bool,
        step: &mut Step,
    ) {
        let give_up_at = order
            .provable_at(&leg.traits)
            .max(order.pursued_from)
            .plus_ms(self.spec.doubt_grace_ms);
        if now >= give_up_at {
            let why = "the venue gave no proof of its outcome in time".to_owned();
            step.records.push(Record::Unresolved { tag, why, at: now });
            return;
        }
        step.wake_by(give_up_at);
        step.commands.push(Command::Query(Query { tag, thorough: true, urgent: true }));
        if self.may_send_again(tag, order, leg, now, stopping) {
            step.commands.push(Command::Prepare(vec![tag]));
        }
    }

    /// The batch would have ended but for its audits: those that could not be read in time are given up.
    /// Until then one that cannot be read keeps nothing else from being done.
    pub(super) fn give_up_audits(&self, now: UnixMillis, step: &mut Step) {
        let mut overdue = Vec::new();
        for (tag, order) in self.orders().filter(|(tag, order)| self.awaits_audit(*tag, order)) {
            let Some(leg) = self.spec.leg(tag.leg) else { continue };
            let from = order.provable_at(&leg.traits);
            // A ban that was announced is waited out: until it ends nobody can look.
            let wait_ms = order.announced_wait_ms().min(ANNOUNCED_WAIT_MS_MAX);
            let closed_at = order.closed_at.unwrap_or(from).plus_ms(wait_ms);
            let asked_from = from.max(order.pursued_from).max(closed_at);
            let give_up_at = asked_from.plus_ms(self.spec.doubt_grace_ms);
            if now < give_up_at {
                step.wake_by(give_up_at);
            } else {
                let why = "the venue's listings could not be read to the end in time".to_owned();
                overdue.push(Record::Unresolved { tag, why, at: now });
            }
        }
        if !overdue.is_empty() {
            *step = Step::facts(now, overdue);
        }
    }

    /// Class A only: the same id again, after a look that found nothing, while it is still wanted and remembered.
    pub(super) fn may_send_again(
        &self,
        tag: OrderTag,
        order: &Order,
        leg: &LegSpec,
        now: UnixMillis,
        stopping: bool,
    ) -> bool {
        let wanted_until = match tag.role {
            Role::Entry if stopping => return false,
            Role::Entry => self.leg_deadline(self.attempts(tag.leg, Role::Entry)),
            Role::Unwind => self.unwind_deadline(),
        };
        let wanted = wanted_until.is_some_and(|until| now < until);
        leg.traits.class == ResendClass::A
            && order.stage == Stage::InDoubt
            && order.missed
            && order.transmissions < TRANSMISSIONS_MAX
            && wanted
            && order.is_remembered(&leg.traits, order.clock.venue_time(now))
    }

    /// An order the venue knows: follow it to its end, cancel it when it is no longer wanted.
    fn follow(
        &self,
        tag: OrderTag,
        order: &Order,
        leg: &LegSpec,
        now: UnixMillis,
        stopping: bool,
        step: &mut Step,
    ) {
        let rests = rests(order.request.kind);
        let ended = order.all_ended();
        let open_until = match tag.role {
            _ if ended => order.intended_at,
            Role::Unwind => order.intended_at.plus_ms(IMMEDIATE_OPEN_MS),
            Role::Entry => {
                let deadline = self.leg_deadline(self.attempts(tag.leg, Role::Entry));
                deadline.unwrap_or(now)
            }
        };
        let give_up_at = open_until
            .max(order.provable_at(&leg.traits))
            .max(order.pursued_from)
            .max(order.news_at.unwrap_or(now))
            .plus_ms(self.spec.doubt_grace_ms);
        if now >= give_up_at {
            let why = "the venue did not confirm its final quantity in time".to_owned();
            step.records.push(Record::Unresolved { tag, why, at: now });
            return;
        }
        step.wake_by(give_up_at);
        let thorough = leg.traits.class != ResendClass::A && (ended || !rests);
        step.commands.push(Command::Query(Query { tag, thorough, urgent: ended || !rests }));
        if ended {
            return;
        }
        let unwanted = tag.role == Role::Entry && stopping && rests;
        if unwanted || now >= open_until {
            step.commands.push(Command::Cancel(tag));
        } else {
            step.wake_by(open_until);
        }
    }
}

/// An ended or refused order whose request might have been delivered twice: one complete look once that would show.
fn ask_for_audit(tag: OrderTag, order: &Order, leg: &LegSpec, now: UnixMillis, step: &mut Step) {
    let from = order.provable_at(&leg.traits);
    if now < from {
        step.wake_by(from);
    } else {
        step.commands.push(Command::Query(Query { tag, thorough: true, urgent: true }));
    }
}

pub(super) const fn rests(kind: OrderKind) -> bool {
    matches!(kind, OrderKind::Limit { time_in_force: TimeInForce::Gtc | TimeInForce::PostOnly, .. })
}

/// An order whose answer is slow may already show at the venue. Not finding it means nothing yet.
fn ask_about_slow_answer(tag: OrderTag, order: &Order, now: UnixMillis, step: &mut Step) {
    let Some(sent_at) = order.sent_at else { return };
    let slow_from = sent_at.plus_ms(SLOW_ANSWER_MS);
    if now < slow_from {
        step.wake_by(slow_from);
    } else {
        step.commands.push(Command::Query(Query { tag, thorough: false, urgent: true }));
    }
}
