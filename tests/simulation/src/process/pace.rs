//! How soon something is done again: capped, growing pauses with jitter, as the engine's driver keeps them.

use std::collections::BTreeMap;

use equipoise_core::{OrderTag, Record, UnixMillis};
use equipoise_port::QueryError;
use fastrand::Rng;

/// Pause after an answer that a repetition will hardly change.
const HOPELESS_PAUSE_MS: u64 = 5_000;

/// One kind of thing under way; there is never more than one of each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// Preparing a wave, named by all of its orders, or a further transmission of one order.
    Prepare(Vec<OrderTag>),
    Query(OrderTag),
    Cancel(OrderTag),
}

#[derive(Debug, Default)]
struct Pace {
    under_way: bool,
    fruitless: u32,
    not_before: UnixMillis,
    announced_until: UnixMillis,
    urgent: bool,
    paused: bool,
}

impl Pace {
    fn pause_ms(&self, jitter: &mut Rng) -> u64 {
        let (first, most): (u64, u64) = if self.urgent { (50, 1_000) } else { (250, 2_000) };
        let full = (first << self.fruitless.min(10)).min(most);
        full / 2 + jitter.u64(0..=full / 2)
    }
}

/// The paces of one batch.
#[derive(Debug, Default)]
pub(super) struct Paces(BTreeMap<Key, Pace>);

impl Paces {
    pub(super) fn may_start(&mut self, key: &Key, urgent: bool, now: UnixMillis) -> bool {
        let pace = self.0.entry(key.clone()).or_default();
        pace.urgent = urgent;
        if pace.under_way || pace.not_before > now {
            return false;
        }
        pace.under_way = true;
        pace.paused = false;
        true
    }

    pub(super) fn next_due(&self) -> Option<UnixMillis> {
        self.0.values().filter(|pace| pace.paused).map(|pace| pace.not_before).min()
    }

    pub(super) fn end_pauses(&mut self, now: UnixMillis) {
        for pace in self.0.values_mut() {
            pace.paused &= pace.not_before > now;
        }
    }

    pub(super) fn forget(&mut self, key: &Key) {
        self.0.remove(key);
    }

    /// News about an order: the next look at it comes sooner.
    pub(super) fn note(&mut self, record: &Record, jitter: &mut Rng) {
        let Some(tag) = record.tag() else { return };
        match record {
            Record::Doubted { .. } | Record::Transmission { .. } => {
                if let Some(pace) = self.0.get_mut(&Key::Query(tag)) {
                    pace.fruitless = 0;
                    pace.not_before = pace.announced_until;
                }
            }
            Record::Observed { at, .. } | Record::Filled { at, .. } => {
                self.soon(&Key::Query(tag), *at, jitter);
            }
            _ => {}
        }
    }

    /// Something changed: pauses begin again with the first one.
    pub(super) fn soon(&mut self, key: &Key, now: UnixMillis, jitter: &mut Rng) {
        let Some(pace) = self.0.get_mut(key) else { return };
        pace.fruitless = 0;
        if !pace.under_way {
            let first = now.plus_ms(pace.pause_ms(jitter));
            pace.not_before = pace.not_before.min(first).max(pace.announced_until);
            pace.paused = true;
        }
    }

    pub(super) fn pause(
        &mut self,
        key: &Key,
        error: Option<&QueryError>,
        now: UnixMillis,
        jitter: &mut Rng,
    ) {
        let least_ms = match error {
            Some(QueryError::Credentials { .. } | QueryError::Refused { .. }) => HOPELESS_PAUSE_MS,
            _ => 0,
        };
        let pace = self.0.entry(key.clone()).or_default();
        if let Some(QueryError::Busy { retry_after_ms, .. }) = error {
            pace.announced_until = pace.announced_until.max(now.plus_ms(*retry_after_ms));
        }
        let pause_ms = pace.pause_ms(jitter).max(least_ms);
        pace.under_way = false;
        pace.paused = true;
        pace.fruitless = pace.fruitless.saturating_add(1);
        pace.not_before = now.plus_ms(pause_ms).max(pace.announced_until);
    }
}
