//! Which entries go now, and which of them together.
//!
//! A leg *hedges* if its order leaves no more net delta than there is: it waits for no venue but its own. Whatever else may
//! go adds to what is exposed, so it goes with everything that may go, and not at all while a leg is held back: neither
//! begins nor grows by halves what the held-back leg was to balance.

use crate::decimal::{Amount, Qty};
use crate::order::Side;
use crate::record::{OrderTag, Role};
use crate::time::UnixMillis;

use super::Saga;
use super::event::{Command, Step};
use super::leg::LegProgress;

/// Entries that may be stamped now.
struct Releasable {
    /// Each of these by itself.
    hedges: Vec<OrderTag>,
    /// These as one wave, the hedges among them; nothing while that must not begin.
    together: Vec<OrderTag>,
}

impl LegProgress {
    fn may_go(self, now: UnixMillis) -> bool {
        match self {
            Self::Ready => true,
            Self::Retry(not_before) => not_before <= now,
            _ => false,
        }
    }
}

impl Saga {
    /// Asks for what is needed to stamp the legs that may go now.
    pub(super) fn release(&self, progress: &[LegProgress], now: UnixMillis, step: &mut Step) {
        for (index, leg) in (0_u8..).zip(progress) {
            match leg {
                LegProgress::Retry(not_before) if *not_before > now => step.wake_by(*not_before),
                // Preparing, or waiting for a leg that is held back, may take longer than the leg has.
                LegProgress::Ready | LegProgress::Retry(_) => {
                    step.wake_by(self.entries_end_at(index));
                }
                _ => {}
            }
        }
        let Releasable { hedges, together } = self.releasable(progress, now);
        step.commands.extend(hedges.into_iter().map(|tag| Command::Prepare(vec![tag])));
        if !together.is_empty() {
            step.commands.push(Command::Prepare(together));
        }
    }

    /// What is stamped now that some orders are ready: all that may go together if all of it is, else the hedges that are.
    pub(super) fn released(
        &self,
        progress: &[LegProgress],
        now: UnixMillis,
        is_ready: impl Fn(OrderTag) -> bool,
    ) -> Vec<OrderTag> {
        let Releasable { hedges, together } = self.releasable(progress, now);
        if !together.is_empty() && together.iter().all(|tag| is_ready(*tag)) {
            return together;
        }
        let mut going: Vec<OrderTag> = Vec::new();
        for tag in hedges.into_iter().filter(|tag| is_ready(*tag)) {
            // Hedges that are ready at one moment may be more than is to be hedged.
            if self.hedges(tag.leg, &going) {
                going.push(tag);
            }
        }
        going
    }

    fn releasable(&self, progress: &[LegProgress], now: UnixMillis) -> Releasable {
        let legs = (0_u8..).zip(progress).filter(|(_, leg)| leg.may_go(now));
        let mut together: Vec<_> =
            legs.map(|(index, _)| self.next_tag(index, Role::Entry)).collect();
        let hedges: Vec<_> =
            together.iter().copied().filter(|tag| self.hedges(tag.leg, &[])).collect();
        let held_back =
            |leg: &LegProgress| matches!(leg, LegProgress::Retry(not_before) if *not_before > now);
        if hedges.len() == together.len() || progress.iter().any(held_back) {
            together.clear();
        }
        Releasable { hedges, together }
    }

    /// Whether the leg's order leaves no more net delta than there is, even if everything under way on its side, and
    /// what goes beside it, fills as well.
    fn hedges(&self, index: u8, beside: &[OrderTag]) -> bool {
        let Some(leg) = self.spec.leg(index) else { return false };
        let (underlying, bought) = (&leg.instrument.base, leg.side == Side::Buy);
        let present = self.net_delta(underlying);
        if present.is_zero() {
            return false;
        }
        let ordered = |other: u8| {
            let goes = other == index || beside.iter().any(|tag| tag.leg == other);
            let goes = goes && self.spec.leg(other).is_some_and(|other| other.side == leg.side);
            let target = self.target(other).filter(|_| goes);
            Amount::from(target.unwrap_or(Qty::ZERO)) + self.possible(other, bought)
        };
        let filled = |other: u8| {
            let rest = ordered(other);
            self.holding(other) + if bought { rest } else { Amount::ZERO - rest }
        };
        let after = self.deltas_of(filled);
        after.get(underlying).is_some_and(|after| after.magnitude() <= present.magnitude())
    }
}
