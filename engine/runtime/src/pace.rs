//! When a look, a cancel or a preparation may be repeated: capped pauses with jitter, and announced waits (R9).
//!
//! One kind of thing is under way once at most. News about an order shorten the pause before the next look at it, but
//! never below the first pause and never into a wait its venue has announced: an order that fills in a thousand pieces
//! is not asked about a thousand times a second.

use std::collections::BTreeMap;
use std::sync::Arc;

use equipoise_core::{OrderTag, UnixMillis};
use equipoise_port::QueryError;

/// Pause after the first fruitless look at an order in doubt or just executed; doubles with each further one.
const URGENT_PAUSE_MS: u64 = 50;
/// Longest such pause.
const URGENT_PAUSE_MS_MAX: u64 = 1_000;
/// The same for resting orders and cancels.
const PATIENT_PAUSE_MS: u64 = 250;
/// Longest pause between looks at a resting order.
const PATIENT_PAUSE_MS_MAX: u64 = 2_000;
/// Pause after an answer that a repetition will hardly change, such as refused credentials.
const HOPELESS_PAUSE_MS: u64 = 5_000;
/// Longest announced wait that is believed; whatever a batch must do earlier, its own bounds decide.
const ANNOUNCED_MS_MAX: u64 = 3_600_000;

/// One kind of thing under way; there is never more than one of each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// Preparing a wave, named by all of its orders, or a further transmission of one order.
    Prepare(Arc<[OrderTag]>),
    /// Looking at an order.
    Query(OrderTag),
    /// Cancelling an order.
    Cancel(OrderTag),
}

#[derive(Debug, Default)]
struct Pace {
    under_way: bool,
    fruitless: u32,
    not_before: UnixMillis,
    announced_until: UnixMillis,
    urgent: bool,
    /// A pause runs, and its end has not been looked at yet.
    paused: bool,
}

/// The paces of one batch.
pub(crate) struct Paces {
    paces: BTreeMap<Key, Pace>,
    jitter: fastrand::Rng,
}

impl Paces {
    /// The same seed gives the same pauses.
    pub(crate) fn new(seed: u64) -> Self {
        Self { paces: BTreeMap::new(), jitter: fastrand::Rng::with_seed(seed) }
    }

    /// True when it may start now; it then counts as under way.
    pub(crate) fn may_start(&mut self, key: &Key, urgent: bool, now: UnixMillis) -> bool {
        let pace = self.paces.entry(key.clone()).or_default();
        pace.urgent = urgent;
        if pace.under_way || pace.not_before > now {
            return false;
        }
        pace.under_way = true;
        pace.paused = false;
        true
    }

    /// It ended and may be wanted again: after a pause, or after the announced wait if that is longer.
    pub(crate) fn pause(&mut self, key: &Key, error: Option<&QueryError>, now: UnixMillis) {
        let least_ms = match error {
            Some(QueryError::Credentials { .. } | QueryError::Refused { .. }) => HOPELESS_PAUSE_MS,
            _ => 0,
        };
        let pace = self.paces.entry(key.clone()).or_default();
        if let Some(QueryError::Busy { retry_after_ms, .. }) = error {
            let announced = now.plus_ms((*retry_after_ms).min(ANNOUNCED_MS_MAX));
            pace.announced_until = pace.announced_until.max(announced);
        }
        let pause_ms = pace.pause_ms(&mut self.jitter).max(least_ms);
        pace.under_way = false;
        pace.paused = true;
        pace.fruitless = pace.fruitless.saturating_add(1);
        pace.not_before = now.plus_ms(pause_ms).max(pace.announced_until);
    }

    /// Whether a cancel is under way.
    pub(crate) fn is_cancelling(&self) -> bool {
        self.paces.iter().any(|(key, pace)| matches!(key, Key::Cancel(_)) && pace.under_way)
    }

    /// It ended and brought what it was for.
    pub(crate) fn forget(&mut self, key: &Key) {
        self.paces.remove(key);
    }

    /// Its outcome just became unknown: the next look need not wait for anything but an announced wait.
    pub(crate) fn at_once(&mut self, key: &Key) {
        if let Some(pace) = self.paces.get_mut(key) {
            pace.fruitless = 0;
            pace.not_before = pace.announced_until;
        }
    }

    /// Something changed: pauses begin again with the first one.
    pub(crate) fn soon(&mut self, key: &Key, now: UnixMillis) {
        let Some(pace) = self.paces.get_mut(key) else {
            return;
        };
        pace.fruitless = 0;
        if !pace.under_way {
            let first = now.plus_ms(pace.pause_ms(&mut self.jitter));
            pace.not_before = pace.not_before.min(first).max(pace.announced_until);
            pace.paused = true;
        }
    }

    /// When the next paused activity may start again.
    pub(crate) fn next_due(&self) -> Option<UnixMillis> {
        let paused = self.paces.values().filter(|pace| pace.paused);
        paused.map(|pace| pace.not_before).min()
    }

    /// Pauses that are over need not wake the driver again: whatever is still wanted is asked for anew.
    pub(crate) fn end_pauses(&mut self, now: UnixMillis) {
        for pace in self.paces.values_mut() {
            pace.paused &= pace.not_before > now;
        }
    }
}

impl Pace {
    /// Capped exponential pause with jitter over its upper half, milliseconds.
    fn pause_ms(&self, jitter: &mut fastrand::Rng) -> u64 {
        let (first, most) = if self.urgent {
            (URGENT_PAUSE_MS, URGENT_PAUSE_MS_MAX)
        } else {
            (PATIENT_PAUSE_MS, PATIENT_PAUSE_MS_MAX)
        };
        let full = (first << self.fruitless.min(10)).min(most);
        full / 2 + jitter.u64(0..=full / 2)
    }
}

#[cfg(test)]
mod tests {
    use equipoise_core::Role;

    use super::*;

    const KEY: Key = Key::Query(OrderTag { leg: 0, role: Role::Entry, attempt: 0 });

    fn started(urgent: bool) -> Paces {
        let mut paces = Paces::new(7);
        assert!(paces.may_start(&KEY, urgent, UnixMillis(0)));
        paces
    }

    fn busy(retry_after_ms: u64) -> QueryError {
        QueryError::Busy { retry_after_ms, why: "weight used up".into() }
    }

    /// Pauses in milliseconds that one fruitless look after the other leads to.
    fn pauses(urgent: bool) -> Vec<u64> {
        let mut paces = started(urgent);
        let mut now = UnixMillis(0);
        let mut pauses = Vec::new();
        for _ in 0..12 {
            paces.pause(&KEY, None, now);
            let due = paces.next_due().unwrap_or_default();
            pauses.push(due.since(now));
            assert!(!paces.may_start(&KEY, urgent, UnixMillis(due.0 - 1)));
            assert!(paces.may_start(&KEY, urgent, due));
            now = due;
        }
        pauses
    }

    #[test]
    fn what_is_under_way_is_not_started_again() {
        let mut paces = started(true);
        assert!(!paces.may_start(&KEY, true, UnixMillis(1_000_000)));
    }

    #[test]
    fn urgent_pauses_double_to_a_second_and_patient_ones_to_two() {
        for (urgent, first, most) in [(true, 50, 1_000), (false, 250, 2_000)] {
            let mut full = first;
            for pause in pauses(urgent) {
                assert!((full / 2..=full).contains(&pause), "{pause} of {full} ms");
                full = (full * 2).min(most);
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_pauses() {
        assert_eq!(pauses(true), pauses(true));
    }

    #[test]
    fn an_announced_wait_is_kept_whatever_is_learned_meanwhile() {
        let mut paces = started(true);
        paces.pause(&KEY, Some(&busy(60_000)), UnixMillis(10));
        paces.soon(&KEY, UnixMillis(20));
        assert!(!paces.may_start(&KEY, true, UnixMillis(60_009)));
        paces.at_once(&KEY);
        assert!(!paces.may_start(&KEY, true, UnixMillis(60_009)));
        assert!(paces.may_start(&KEY, true, UnixMillis(60_010)));
    }

    #[test]
    fn an_absurd_announcement_is_cut_to_an_hour() {
        let mut paces = started(true);
        paces.pause(&KEY, Some(&busy(u64::MAX)), UnixMillis(0));
        assert_eq!(paces.next_due(), Some(UnixMillis(3_600_000)));
    }

    #[test]
    fn news_begin_with_the_first_pause_again_and_not_with_none() {
        let mut paces = started(false);
        for _ in 0..8 {
            paces.pause(&KEY, None, UnixMillis(0));
        }
        paces.soon(&KEY, UnixMillis(100));
        let due = paces.next_due().unwrap_or_default();
        assert!((225..=350).contains(&due.0), "{due:?}");
    }

    #[test]
    fn refused_credentials_are_not_tried_again_soon() {
        let mut paces = started(true);
        let refused =
            QueryError::Credentials { code: "-2015".into(), message: "invalid key".into() };
        paces.pause(&KEY, Some(&refused), UnixMillis(0));
        assert_eq!(paces.next_due(), Some(UnixMillis(5_000)));
    }

    #[test]
    fn another_wave_waits_neither_for_a_pause_of_the_one_before_nor_for_what_is_under_way() {
        let wave = |legs: &[u8]| {
            let tags = legs.iter().map(|leg| OrderTag { leg: *leg, role: Role::Entry, attempt: 0 });
            Key::Prepare(tags.collect())
        };
        let mut paces = Paces::new(7);
        assert!(paces.may_start(&wave(&[0, 1]), true, UnixMillis(0)));
        assert!(paces.may_start(&wave(&[0]), true, UnixMillis(0)));
        paces.pause(&wave(&[0, 1]), Some(&busy(600_000)), UnixMillis(0));
        paces.forget(&wave(&[0]));
        assert!(paces.may_start(&wave(&[0]), true, UnixMillis(0)));
        assert!(!paces.may_start(&wave(&[0, 1]), true, UnixMillis(599_999)));
    }

    #[test]
    fn a_pause_that_is_over_wakes_once() {
        let mut paces = started(true);
        paces.pause(&KEY, None, UnixMillis(0));
        let due = paces.next_due().unwrap_or_default();
        paces.end_pauses(due);
        assert_eq!(paces.next_due(), None);
    }
}
