//! How soon something is done again: capped, growing pauses with jitter, as the engine's driver keeps them.

use std::collections::BTreeMap;

use equipoise_core::{OrderTag, Record, UnixMillis};
use equipoise_port::QueryError;
use fastrand::Rng;

/// One kind of thing under way; there is never more than one of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Prepare,
    Query(OrderTag),
    Cancel(OrderTag),
}

#[derive(Debug, Default)]
struct Pace {
    under_way: bool,
    fruitless: u32,
    not_before: UnixMillis,
    urgent: bool,
    paused: bool,
}

#[derive(Debug, Default)]
pub(super) struct Paces(BTreeMap<Key, Pace>);

impl Paces {
    pub(super) fn may_start(&mut self, key: Key, urgent: bool, now: UnixMillis) -> bool {
        let pace = self.0.entry(key).or_default();
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

    pub(super) fn forget(&mut self, key: Key) {
        self.0.remove(&key);
    }

    /// News about an order: the next look at it need not wait.
    pub(super) fn note(&mut self, record: &Record) {
        let news = matches!(
            record,
            Record::Observed { .. }
                | Record::Filled { .. }
                | Record::Doubted { .. }
                | Record::Transmission { .. }
        );
        if let (true, Some(tag)) = (news, record.tag())
            && let Some(pace) = self.0.get_mut(&Key::Query(tag))
        {
            pace.fruitless = 0;
            pace.not_before = UnixMillis::default();
        }
    }

    pub(super) fn pause(
        &mut self,
        key: Key,
        error: Option<&QueryError>,
        now: UnixMillis,
        jitter: &mut Rng,
    ) {
        let announced = match error {
            Some(QueryError::Busy { retry_after_ms, .. }) => *retry_after_ms,
            _ => 0,
        };
        let pace = self.0.entry(key).or_default();
        let (first, most): (u64, u64) = if pace.urgent { (50, 1_000) } else { (250, 2_000) };
        let full = (first << pace.fruitless.min(10)).min(most);
        let jittered = full / 2 + jitter.u64(0..=full / 2);
        pace.under_way = false;
        pace.paused = true;
        pace.fruitless = pace.fruitless.saturating_add(1);
        pace.not_before = now.plus_ms(jittered.max(announced));
    }
}
