//! Adds up what many runs came to.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::failpoint::Failpoint;
use crate::run::Outcome;
use crate::scenario::Scenario;
use crate::venues::VENUES;
use crate::verdict::{Kind, Violation};

/// Runs from which on a kind of situation that was never met means that nothing was tested.
const RUNS_FOR_MARKS: u64 = 100;
/// Kills from which on every failpoint must have been hit.
const KILLS_FOR_FAILPOINTS: u64 = 200;
const MARKS: [&str; 12] = [
    "kills",
    "kills during recovery",
    "killed at an order",
    "pauses",
    "second instances refused",
    "clock offsets",
    "write limits: failed write",
    "in doubt",
    "absence proven",
    "transmitted again",
    "unwound",
    "recovered",
];

/// What all runs came to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tally {
    /// Runs carried out.
    pub runs: u64,
    /// Runs that were not, by reason. Never counted as passed.
    pub not_run: BTreeMap<String, u64>,
    /// Violations by kind.
    pub violations: BTreeMap<Kind, u64>,
    /// What was done and met.
    pub counts: BTreeMap<String, u64>,
    /// How often a process killed itself at each kind of failpoint.
    pub failpoints: BTreeMap<String, u64>,
    /// Stories by name.
    pub stories: BTreeMap<&'static str, u64>,
    /// Exit codes.
    pub codes: BTreeMap<i32, u64>,
    /// Broken promises with the run that broke them.
    pub failures: Vec<Failure>,
}

/// A run that broke a promise.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    /// Repeats what was done to it.
    pub repeat: String,
    /// What was done.
    pub told: String,
    /// What was broken.
    pub violations: Vec<Violation>,
    /// Its folder, kept.
    pub folder: Option<String>,
}

impl Tally {
    /// Adds a run.
    pub fn add(&mut self, seed: u64, scenario: &Scenario, outcome: Outcome) {
        if let Some(reason) = outcome.not_run {
            let what = format!("{}: {reason}", scenario.story.name());
            *self.not_run.entry(what).or_default() += 1;
            return;
        }
        self.runs += 1;
        *self.stories.entry(scenario.story.name()).or_default() += 1;
        for (what, count) in outcome.counts {
            *self.counts.entry(what.to_owned()).or_default() += count;
        }
        for (point, count) in outcome.failpoints {
            *self.failpoints.entry(point).or_default() += count;
        }
        for (code, count) in outcome.codes {
            *self.codes.entry(code).or_default() += count;
        }
        for violation in &outcome.violations {
            *self.violations.entry(violation.kind).or_default() += 1;
        }
        if !outcome.violations.is_empty() {
            self.failures.push(Failure {
                repeat: format!("equipoise-chaos --seed {seed} --run {}", scenario.number),
                told: outcome.told,
                violations: outcome.violations,
                folder: outcome.kept.map(|path| path.display().to_string()),
            });
        }
    }

    /// How often something was done or met.
    #[must_use]
    pub fn count(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or_default()
    }

    /// How often a kind of promise was broken.
    #[must_use]
    pub fn broken(&self, kind: Kind) -> u64 {
        self.violations.get(&kind).copied().unwrap_or_default()
    }

    /// Situations that enough runs must have met and have not.
    #[must_use]
    pub fn missed(&self) -> Vec<String> {
        if self.runs < RUNS_FOR_MARKS {
            return Vec::new();
        }
        let venues = VENUES.iter().map(|venue| venue.adapter);
        let marks = MARKS.into_iter().chain(venues).filter(|mark| self.count(mark) == 0);
        let mut missed: Vec<String> = marks.map(str::to_owned).collect();
        // Where nothing can be loaded before a program that is said instead: those runs are among the ones not run.
        if self.count("kills") >= KILLS_FOR_FAILPOINTS && self.stories.contains_key("failpoints") {
            let kinds = Failpoint::kinds().filter(|kind| !self.failpoints.contains_key(kind));
            missed.extend(kinds.map(|kind| format!("killed {kind}")));
        }
        missed
    }

    /// No promise was broken and nothing that had to be met was missed.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.runs > 0 && self.failures.is_empty() && self.missed().is_empty()
    }
}
