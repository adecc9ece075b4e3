//! Situations that a run must have met, counted, so that a simulation that has become tame is noticed.

use std::collections::BTreeMap;

use crate::places::PLACES;

/// How often each situation was met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks(BTreeMap<&'static str, u64>);

impl Marks {
    /// The situations that a few hundred seeds must meet, every one of them, beside those of each adapter.
    const REQUIRED: &'static [&'static str] = &[
        "answer broken",
        "answer delayed",
        "answer late at its client",
        "answer lost by the exchange",
        "answer lost on the way",
        "batch done",
        "batch flat",
        "batch parked",
        "cancel asked for",
        "changed plan refused",
        "connection closed without an answer",
        "disk refused a write",
        "duplicate submission answered",
        "fee taken in a third asset",
        "fee taken out of what was bought",
        "foreign trade",
        "inverse contract traded",
        "journal lost unsynced records",
        "killed after an append was written",
        "killed after an order left",
        "killed at a moment",
        "killed before an append",
        "killed before an order left",
        "linear contract traded",
        "lost journal noticed",
        "offset of a venue clock",
        "order executed twice",
        "order resting",
        "overfill noticed",
        "position of hedge mode",
        "power cut",
        "rate limit announced",
        "recorded Absent",
        "recorded Audited",
        "recorded Doubted",
        "recorded NotFound",
        "recorded Refused",
        "recorded Stopped",
        "recorded Transmission",
        "recorded UnwindStarted",
        "request delayed inside the exchange",
        "request delivered twice",
        "request lost on the way",
        "request not sent",
        "request refused as too late",
        "several batches on one instrument",
        "spot traded",
        "sync slower than the request window",
        "three venues",
        "used occasion refused",
    ];

    /// Counts one more.
    pub(crate) fn met(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    /// How often it was met.
    #[must_use]
    pub fn count(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }

    /// Adds what another seed met.
    pub fn add(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }

    /// Required situations that were never met.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let of_places = PLACES
            .iter()
            .flat_map(|place| [place.met.played, place.met.unwound, place.met.doubted]);
        let required = Self::REQUIRED.iter().copied().chain(of_places);
        required.filter(|what| self.count(what) == 0).collect()
    }

    /// All of them with their counts, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|(what, count)| (*what, *count))
    }
}
