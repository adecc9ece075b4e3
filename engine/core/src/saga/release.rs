//! Which entries go now, and which of them together.
//!
//! A leg *hedges* if its order leaves no more net delta than there is with or without it: it waits for no venue but its
//! own. Whatever else may go adds to what is exposed, so it goes with everything that may go, and not at all while a leg
//! is held back: neither begins nor grows by halves what the held-back leg was to balance.

use std::collections::BTreeMap;

use crate::decimal::{Amount, Qty};
use crate::name::Asset;
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
        let (present, mut going) = (self.present(), Vec::<OrderTag>::new());
        for tag in hedges.into_iter().filter(|tag| is_ready(*tag)) {
            // Hedges that are ready at one moment may be more than is to be hedged.
            if self.hedges(&present, tag.leg, &going) {
                going.push(tag);
            }
        }
        going
    }

    fn releasable(&self, progress: &[LegProgress], now: UnixMillis) -> Releasable {
        let legs = (0_u8..).zip(progress).filter(|(_, leg)| leg.may_go(now));
        let mut together: Vec<_> =
            legs.map(|(index, _)| self.next_tag(index, Role::Entry)).collect();
        let present = self.present();
        let hedges = together.iter().copied().filter(|tag| self.hedges(&present, tag.leg, &[]));
        let hedges: Vec<_> = hedges.collect();
        let held_back =
            |leg: &LegProgress| matches!(leg, LegProgress::Retry(not_before) if *not_before > now);
        if hedges.len() == together.len() || progress.iter().any(held_back) {
            together.clear();
        }
        Releasable { hedges, together }
    }

    /// What there is to hedge.
    fn present(&self) -> BTreeMap<Asset, Amount> {
        // Mostly nothing, which is quickly told.
        let nothing = self.orders().all(|(_, order)| order.fills.is_empty());
        if nothing { BTreeMap::new() } else { self.net_deltas() }
    }

    /// Whether the leg's order leaves no more net delta than there is now, nor more than there would be without it, if
    /// everything under way on its side, and what goes beside it, fills.
    fn hedges(&self, present: &BTreeMap<Asset, Amount>, index: u8, beside: &[OrderTag]) -> bool {
        let Some(leg) = self.spec.leg(index) else { return false };
        let underlying = &leg.instrument.base;
        let Some(present) = present.get(underlying).filter(|delta| !delta.is_zero()) else {
            return false;
        };
        let without = self
            .delta_with(underlying, leg.side, |other| beside.iter().any(|tag| tag.leg == other));
        let after = self.delta_with(underlying, leg.side, |other| {
            other == index || beside.iter().any(|tag| tag.leg == other)
        });
        after.magnitude() <= present.magnitude().min(without.magnitude())
    }

    /// Net delta of an underlying if everything under way on a side fills, and orders of these legs on it.
    fn delta_with(&self, underlying: &Asset, side: Side, goes: impl Fn(u8) -> bool) -> Amount {
        let bought = side == Side::Buy;
        let of_leg = |index: u8| {
            let target = self.spec.leg(index).filter(|leg| leg.side == side && goes(index));
            let target = target.and_then(|_| self.target(index)).unwrap_or(Qty::ZERO);
            let rest = Amount::from(target) + self.possible(index, bought);
            self.holding(index) + if bought { rest } else { Amount::ZERO - rest }
        };
        self.deltas_of(of_leg).get(underlying).copied().unwrap_or(Amount::ZERO)
    }
}
