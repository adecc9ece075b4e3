//! Hedges that are prepared beside each other go as one append where that costs little; nothing waits for a wave of several.
//!
//! While an order is in doubt nothing else may go (K1), so the first of two hedges could keep the second one waiting for
//! as long as its own outcome is unknown. What is ready therefore waits a moment for what is prepared beside it.

use std::collections::BTreeSet;

use equipoise_core::{OrderTag, Prepared, UnixMillis};

/// Longest time the first order that is ready waits for those prepared beside it.
const HEDGES_TOGETHER_MS: u64 = 500;

/// Preparations of entries that are under way, and those that came back and wait for them.
#[derive(Debug, Default)]
pub(crate) struct Together {
    /// Under way and waited for.
    awaited: BTreeSet<Vec<OrderTag>>,
    /// Waves that are kept, whose preparation still counts as under way, and what is at hand for them.
    waves: Vec<Vec<OrderTag>>,
    ready: Vec<Prepared>,
    kept_until: Option<UnixMillis>,
}

/// What waits no longer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Gathered {
    /// The waves it was prepared as.
    pub(crate) waves: Vec<Vec<OrderTag>>,
    /// What is at hand, each order once; nothing if nothing was kept.
    pub(crate) ready: Vec<Prepared>,
}

impl Together {
    /// A preparation begins.
    pub(crate) fn begin(&mut self, wave: Vec<OrderTag>) {
        self.awaited.insert(wave);
    }

    /// One came back with this, or with nothing.
    pub(crate) fn back(
        &mut self,
        wave: &[OrderTag],
        ready: Vec<Prepared>,
        now: UnixMillis,
    ) -> Gathered {
        self.awaited.remove(wave);
        if !ready.is_empty() {
            self.waves.push(wave.to_vec());
            // What was read later counts.
            self.ready.retain(|kept| ready.iter().all(|later| later.tag != kept.tag));
            self.ready.extend(ready);
            self.kept_until.get_or_insert(now.plus_ms(HEDGES_TOGETHER_MS));
        }
        self.gather(now)
    }

    /// Nobody waits for this one any more.
    pub(crate) fn forget(&mut self, wave: &[OrderTag]) {
        self.awaited.remove(wave);
    }

    /// What is kept, once nothing is waited for or the time for that is over; nothing before.
    pub(crate) fn gather(&mut self, now: UnixMillis) -> Gathered {
        let over = self.kept_until.is_some_and(|until| until <= now);
        if over {
            // What did not come back in time keeps nothing else waiting either.
            self.awaited.clear();
        }
        if !self.awaited.is_empty() {
            return Gathered::default();
        }
        self.kept_until = None;
        Gathered { waves: std::mem::take(&mut self.waves), ready: std::mem::take(&mut self.ready) }
    }

    /// When what is kept goes at the latest.
    pub(crate) const fn due_at(&self) -> Option<UnixMillis> {
        self.kept_until
    }
}

#[cfg(test)]
mod tests {
    use equipoise_core::{ClockOffset, Role};

    use super::*;

    const fn tag(leg: u8) -> OrderTag {
        OrderTag { leg, role: Role::Entry, attempt: 0 }
    }

    fn prepared(legs: &[u8], offset_ms: i64) -> Vec<Prepared> {
        let clock = ClockOffset { offset_ms };
        let ready = |leg: &u8| Prepared {
            tag: tag(*leg),
            clock,
            book: None,
            position: None,
            others_hold: false,
        };
        legs.iter().map(ready).collect()
    }

    fn begun(waves: &[&[u8]]) -> Together {
        let mut together = Together::default();
        for wave in waves {
            together.begin(of(wave));
        }
        together
    }

    fn of(legs: &[u8]) -> Vec<OrderTag> {
        legs.iter().copied().map(tag).collect()
    }

    #[test]
    fn what_is_prepared_alone_goes_at_once() {
        let gathered = begun(&[&[0]]).back(&of(&[0]), prepared(&[0], 0), UnixMillis(7));
        assert_eq!(gathered, Gathered { waves: vec![of(&[0])], ready: prepared(&[0], 0) });
    }

    #[test]
    fn what_is_ready_waits_for_what_is_prepared_beside_it_and_goes_with_it() {
        let mut together = begun(&[&[0], &[1]]);
        let first = together.back(&of(&[0]), prepared(&[0], 0), UnixMillis(7));
        assert_eq!((first, together.due_at()), (Gathered::default(), Some(UnixMillis(507))));
        let both = together.back(&of(&[1]), prepared(&[1], 0), UnixMillis(100));
        assert_eq!(both.ready, prepared(&[0, 1], 0));
        assert_eq!(together.due_at(), None);
    }

    #[test]
    fn what_fails_ends_the_waiting_for_it() {
        let mut together = begun(&[&[0], &[1]]);
        assert_eq!(together.back(&of(&[0]), prepared(&[0], 0), UnixMillis(7)), Gathered::default());
        assert_eq!(together.back(&of(&[1]), vec![], UnixMillis(8)).ready, prepared(&[0], 0));
    }

    #[test]
    fn the_bound_counts_from_the_first_that_is_ready_and_what_hangs_is_waited_for_once() {
        let mut together = begun(&[&[0], &[1], &[2]]);
        for leg in [0, 1] {
            let now = UnixMillis(u64::from(leg) * 400);
            let kept = together.back(&of(&[leg]), prepared(&[leg], 0), now);
            assert_eq!(kept, Gathered::default());
        }
        assert_eq!(together.gather(UnixMillis(499)), Gathered::default());
        assert_eq!(together.gather(UnixMillis(500)).ready, prepared(&[0, 1], 0));
        together.begin(of(&[3]));
        let next = together.back(&of(&[3]), prepared(&[3], 0), UnixMillis(600));
        assert_eq!(next.ready, prepared(&[3], 0));
    }

    #[test]
    fn an_order_that_is_ready_twice_is_handed_on_once_with_the_later_reading() {
        let mut together = begun(&[&[1], &[0, 1]]);
        assert_eq!(together.back(&of(&[1]), prepared(&[1], 5), UnixMillis(0)), Gathered::default());
        let both = together.back(&of(&[0, 1]), prepared(&[0, 1], 9), UnixMillis(1));
        assert_eq!(both.ready, prepared(&[0, 1], 9));
    }
}
