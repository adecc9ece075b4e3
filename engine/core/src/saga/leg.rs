//! How far each leg's entry has come, derived from its orders.

use std::sync::Arc;

use crate::decimal::{Amount, Price, Qty};
use crate::record::{OrderTag, Role};
use crate::refusal::RefusalKind;
use crate::sizing::size_following;
use crate::spec::{BatchSpec, LegQuantity, LegSpec};
use crate::time::UnixMillis;

use super::Saga;
use super::order::{Closing, Order, Stage};

/// Entry attempts of one leg.
pub(super) const ENTRY_ATTEMPTS_MAX: usize = 10;
const _: () = assert!(
    ENTRY_ATTEMPTS_MAX <= crate::key::ATTEMPTS_MAX as usize,
    "every attempt has an id of its own"
);
/// Attempts of one leg that may be replaced at once because they were never handed to the transport (R2).
pub(super) const UNSENT_MAX: usize = 3;
/// First pause before an attempt after a passing refusal; doubles with each further one.
const RETRY_PAUSE_MS: u64 = 200;
/// Longest such pause.
const RETRY_PAUSE_MS_MAX: u64 = 2_000;

/// How far the entry of one leg has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegProgress {
    /// Waits for other legs.
    Waiting,
    /// May be released now.
    Ready,
    /// An attempt is not closed.
    Active,
    /// May try again from then on.
    Retry(UnixMillis),
    /// Filled as planned, or beyond.
    Complete,
    /// Follows a leg that filled nothing, or too little for a lot: not sent.
    Skipped,
    /// Final with less than planned.
    Short,
    /// Cannot be resolved within bounds.
    Unresolved,
}

impl LegProgress {
    /// True when the entry will not change by the engine's own doing.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Complete | Self::Skipped | Self::Short | Self::Unresolved)
    }
}

/// Canonical indices in an order in which every leg follows its dependencies.
pub(crate) fn topology(spec: &BatchSpec) -> Arc<[u8]> {
    let mut order: Vec<u8> = Vec::with_capacity(spec.legs.len());
    let mut placed = 0_u64;
    // A checked plan has no cycle, so each pass places at least one leg.
    for _ in 0..spec.legs.len() {
        for (index, leg) in (0_u8..).zip(&spec.legs) {
            let ready = leg.after.iter().all(|dependency| placed & (1 << dependency) != 0);
            if placed & (1 << index) == 0 && ready {
                placed |= 1 << index;
                order.push(index);
            }
        }
    }
    order.into()
}

impl Saga {
    /// Progress of every leg, and whether the batch can no longer end as planned.
    pub(super) fn progress(&self, now: UnixMillis) -> (Vec<LegProgress>, bool) {
        let mut progress = vec![LegProgress::Waiting; self.spec.legs.len()];
        for index in self.topology.iter() {
            progress[usize::from(*index)] = self.leg_progress(*index, &progress, now);
        }
        let hopeless = (0_u8..).zip(&progress).any(|(index, progress)| match progress {
            LegProgress::Unresolved => true,
            LegProgress::Short => !self.is_followed(index) || self.filled(index).is_zero(),
            LegProgress::Complete => self.target(index) != Some(self.filled(index)),
            _ => false,
        });
        let stopping = hopeless || self.stopped_at.is_some() || self.is_unwinding();
        if stopping {
            // No new risk: whatever has no order under way now is final with what it has.
            for progress in &mut progress {
                use LegProgress::{Ready, Retry, Short, Waiting};
                if matches!(progress, Waiting | Ready | Retry(_)) {
                    *progress = Short;
                }
            }
        }
        (progress, stopping)
    }

    fn leg_progress(&self, index: u8, known: &[LegProgress], now: UnixMillis) -> LegProgress {
        let leg = &self.spec.legs[usize::from(index)];
        let entries = self.attempts(index, Role::Entry);
        let Some(last) = entries.last() else {
            return self.unreleased_progress(index, leg, known, now);
        };
        if entries.iter().any(|order| matches!(order.stage, Stage::Closed(Closing::Unresolved(_))))
        {
            return LegProgress::Unresolved;
        }
        if entries.iter().any(|order| !order.is_closed()) {
            return LegProgress::Active;
        }
        let filled = self.filled(index);
        match self.target(index) {
            Some(target) if filled >= target => LegProgress::Complete,
            // A further attempt is released like the first: what it waits for may have been reopened by a late effect.
            _ if filled.is_zero() => match self.unreleased_progress(index, leg, known, now) {
                LegProgress::Ready => self.retry(entries, last, now),
                other => other,
            },
            _ => LegProgress::Short,
        }
    }

    fn unreleased_progress(
        &self,
        index: u8,
        leg: &LegSpec,
        known: &[LegProgress],
        now: UnixMillis,
    ) -> LegProgress {
        let mut before = leg.after.iter().map(|dependency| known[usize::from(*dependency)]);
        if !before.clone().all(LegProgress::is_final) {
            return LegProgress::Waiting;
        }
        match leg.quantity {
            LegQuantity::Fixed(_) if !before.all(|progress| progress == LegProgress::Complete) => {
                return LegProgress::Short;
            }
            LegQuantity::Of { .. } if self.target(index).is_none_or(Qty::is_zero) => {
                return LegProgress::Skipped;
            }
            _ => {}
        }
        if now >= self.entries_end_at(index) {
            return LegProgress::Short;
        }
        LegProgress::Ready
    }

    /// When an entry that filled nothing is tried again, if it is.
    pub(super) fn retry(&self, entries: &[Order], last: &Order, now: UnixMillis) -> LegProgress {
        let closed_at = last.closed_at.unwrap_or(now);
        let unsent =
            entries.iter().filter(|order| order.stage == Stage::Closed(Closing::Unsent)).count();
        let pause = retry_pause(entries.len());
        let not_before = match &last.stage {
            Stage::Closed(Closing::Unsent) if unsent <= UNSENT_MAX => closed_at,
            Stage::Closed(Closing::Absent) => closed_at,
            Stage::Closed(Closing::Refused(refusal)) => match refusal.kind {
                RefusalKind::Transient | RefusalKind::RateLimited { .. } => {
                    closed_at.plus_ms(last.announced_wait_ms().max(pause))
                }
                _ => return LegProgress::Short,
            },
            _ => return LegProgress::Short,
        };
        let deadline = self.leg_deadline(entries);
        // It is not over yet, or the leg would be short already.
        let in_time = deadline.is_none_or(|deadline| not_before < deadline);
        if in_time && entries.len() < ENTRY_ATTEMPTS_MAX {
            LegProgress::Retry(not_before)
        } else {
            LegProgress::Short
        }
    }

    /// From the leg's first intent: no entry attempt starts after it, working orders are cancelled.
    pub(super) fn leg_deadline(&self, entries: &[Order]) -> Option<UnixMillis> {
        let first = entries.first()?;
        Some(first.intended_at.plus_ms(self.spec.policy.leg_timeout_ms))
    }

    /// From then on no entry attempt of the leg starts: its timeout counts from its first intent, and a leg that
    /// could not even be stamped is given up as long after its release.
    pub(super) fn entries_end_at(&self, index: u8) -> UnixMillis {
        let leg = &self.spec.legs[usize::from(index)];
        let deadline = self.leg_deadline(self.attempts(index, Role::Entry));
        deadline.unwrap_or_else(|| self.released_at(leg).plus_ms(self.spec.policy.leg_timeout_ms))
    }

    /// When the last of the leg's dependencies became final.
    fn released_at(&self, leg: &LegSpec) -> UnixMillis {
        let closed = leg.after.iter().filter_map(|dependency| {
            self.attempts(*dependency, Role::Entry).last().and_then(|order| order.closed_at)
        });
        closed.max().unwrap_or(self.spec.admitted_at)
    }

    /// What the leg is to fill, venue units; `None` while the leg it follows is not final.
    #[must_use]
    pub fn target(&self, index: u8) -> Option<Qty> {
        let leg = self.spec.leg(index)?;
        match &leg.quantity {
            LegQuantity::Fixed(quantity) => Some(*quantity),
            LegQuantity::Of { leg: source, ratio } => {
                let entries = self.attempts(*source, Role::Entry);
                if entries.iter().any(|order| !order.is_closed()) {
                    return None;
                }
                let units = self.entry_received(*source);
                let source = self.spec.leg(*source)?;
                let base = source.instrument.base_of(units, self.reference(source));
                let reference = self.reference(leg);
                let size =
                    size_following(&leg.instrument, leg.side, base.magnitude(), *ratio, reference);
                let size = size.ok()?;
                // Too small for the venue is dust: not sent.
                let smallest = leg.instrument.smallest(leg.kind.judged_at(reference));
                Some(if size < smallest { Qty::ZERO } else { size })
            }
        }
    }

    /// Proven entry fills of a leg, venue units.
    #[must_use]
    pub fn filled(&self, index: u8) -> Qty {
        let entries = self.attempts(index, Role::Entry).iter();
        entries.fold(Qty::ZERO, |sum, order| sum.plus(order.filled()))
    }

    /// What the leg's entries received, venue units, buys positive (K2).
    pub(super) fn entry_received(&self, index: u8) -> Amount {
        let instrument = &self.spec.legs[usize::from(index)].instrument;
        let entries = self.attempts(index, Role::Entry).iter();
        entries.fold(Amount::ZERO, |sum, order| sum + order.received(instrument))
    }

    /// What the leg holds now: received by entries, less what was taken back. Venue units, buys positive.
    #[must_use]
    pub fn holding(&self, index: u8) -> Amount {
        let Some(leg) = self.spec.leg(index) else {
            return Amount::ZERO;
        };
        let unwinds = self.attempts(index, Role::Unwind).iter();
        unwinds.fold(self.entry_received(index), |sum, order| sum + order.received(&leg.instrument))
    }

    /// The one reference price of the leg's pair of assets (K7).
    pub(crate) fn reference(&self, leg: &LegSpec) -> Price {
        // Admission refuses a batch without it; the tick keeps this total without a panic.
        self.spec.references.of(&leg.instrument).unwrap_or(leg.instrument.tick)
    }

    /// Whether another leg's quantity is what this one fills.
    pub(super) fn is_followed(&self, index: u8) -> bool {
        let follows = |quantity: &LegQuantity| matches!(quantity, LegQuantity::Of { leg, .. } if *leg == index);
        self.spec.legs.iter().any(|leg| follows(&leg.quantity))
    }

    /// The tag the next attempt of a leg in a role will have.
    pub(super) fn next_tag(&self, leg: u8, role: Role) -> OrderTag {
        let attempt = u16::try_from(self.attempts(leg, role).len()).unwrap_or(u16::MAX);
        OrderTag { leg, role, attempt }
    }
}

fn retry_pause(attempts: usize) -> u64 {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX).min(10);
    (RETRY_PAUSE_MS << doublings).min(RETRY_PAUSE_MS_MAX)
}
