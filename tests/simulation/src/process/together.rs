//! Entries that are prepared each by itself go as one append, as the engine's driver lets them: K1 would let one that
//! is in doubt hold back the others.

use std::collections::BTreeSet;

use equipoise_core::{Event, Prepared, Role, UnixMillis};

use super::driver::Driver;
use super::pace::Key;

/// How long what is ready waits for what is prepared beside it.
const TOGETHER_MS: u64 = 500;

#[derive(Debug, Default)]
pub(super) struct Together {
    under_way: BTreeSet<Key>,
    ready: Vec<(Key, Vec<Prepared>)>,
    until: Option<UnixMillis>,
}

impl Together {
    pub(super) const fn due_at(&self) -> Option<UnixMillis> {
        self.until
    }
}

impl Driver {
    pub(super) fn begin_preparing(&mut self, key: &Key) {
        if self.is_entry_to_come(key) {
            self.together.under_way.insert(key.clone());
        }
    }

    /// A preparation is over, with what it brought.
    pub(super) fn came_back(&mut self, key: &Key, ready: Vec<Prepared>, now: UnixMillis) -> Event {
        self.together.under_way.remove(key);
        if !ready.is_empty() && !self.is_entry_to_come(key) {
            self.paces.forget(key);
            return Event::Prepared(ready);
        }
        if !ready.is_empty() {
            self.together.ready.push((key.clone(), ready));
            self.together.until.get_or_insert(now.plus_ms(TOGETHER_MS));
        }
        if self.together.under_way.is_empty() { self.release_kept() } else { None }
            .unwrap_or(Event::Wake)
    }

    /// What is kept and waits no longer.
    pub(super) fn kept_long_enough(&mut self, now: UnixMillis) -> Option<Event> {
        if self.together.until.is_some_and(|until| until <= now) {
            self.together.under_way.clear();
        }
        if self.together.under_way.is_empty() { self.release_kept() } else { None }
    }

    fn release_kept(&mut self) -> Option<Event> {
        self.together.until = None;
        let mut all: Vec<Prepared> = Vec::new();
        for (key, ready) in std::mem::take(&mut self.together.ready) {
            self.paces.forget(&key);
            all.retain(|one| ready.iter().all(|later| later.tag != one.tag));
            all.extend(ready);
        }
        (!all.is_empty()).then_some(Event::Prepared(all))
    }

    /// Whether it is one entry alone: nothing waits for a wave of several.
    fn is_entry_to_come(&self, key: &Key) -> bool {
        let Key::Prepare(tags) = key else { return false };
        let [tag] = &tags[..] else { return false };
        tag.role == Role::Entry && self.saga.order(*tag).is_none()
    }
}
