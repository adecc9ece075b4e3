//! One scenario with one fault: a run without a kill, one for each place of a kill, and those that kill its recovery.

use std::collections::BTreeSet;

use equipoise_core::{BatchStatus, Order, Stage};

use super::fault::Fault;
use super::scenario::Scenario;
use super::{Cells, Point};
use crate::claims::{Violation, is_quiet, of_trouble};
use crate::config::{Budget, Config};
use crate::fair::fair;
use crate::fingerprint::fingerprint;
use crate::world::{Action, Durable, World};

/// Actions of one run before it counts as endless.
const ACTIONS_MAX: usize = 800;

pub(super) struct Runner<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) fault: Fault,
    pub(super) cells: &'a mut Cells,
    pub(super) at: (usize, usize),
    pub(super) runs: u64,
    /// Every so manieth place of a run is killed, and the first of each kind of point.
    pub(super) places: usize,
    /// Every so manieth place of a recovery is killed.
    pub(super) stride: usize,
}

/// What one run did.
struct Played {
    /// The states before each action.
    states: Vec<World>,
    struck: bool,
}

impl Runner<'_> {
    /// A run without a kill, one for each place of a kill, and one for each place of a kill of its recovery.
    /// True if the fault had an occasion.
    pub(super) fn all_kills(&mut self) -> Result<bool, (String, Violation)> {
        let config = self.config();
        let mut first = World::new(&config);
        first.left = config.budget;
        let played =
            self.play(&config, first, false).map_err(|found| ("no kill".to_owned(), found))?;
        let mut crossed = BTreeSet::new();
        for (nth, state) in played.states.iter().enumerate() {
            for (point, durable) in self.kills_of(state) {
                if !crossed.insert(point) && nth % self.places != 0 {
                    continue;
                }
                let at = |found| (format!("killed before action {nth}"), found);
                let recovering = self.kill(&config, state, point, durable, false).map_err(at)?;
                if self.fault == Fault::None {
                    self.kill_recovery(&config, nth, &recovering)?;
                }
            }
        }
        Ok(played.struck)
    }

    fn kill_recovery(
        &mut self,
        config: &Config,
        nth: usize,
        recovering: &Played,
    ) -> Result<(), (String, Violation)> {
        for (again, state) in recovering.states.iter().enumerate().step_by(self.stride) {
            for (point, durable) in self.kills_of(state) {
                let at = |found| (format!("killed before actions {nth} and {again} after"), found);
                self.kill(config, state, point, durable, true).map_err(at)?;
            }
        }
        Ok(())
    }

    fn config(&self) -> Config {
        Config {
            name: self.scenario.name.clone(),
            legs: self.scenario.legs.clone(),
            residual: self.scenario.residual,
            unwind_ms: self.scenario.unwind_ms,
            unwind_attempts: self.scenario.unwind_attempts,
            budget: Budget { crashes: 2, takeovers: 1, faults: 9, refusals: 40, stops: 1, away: 1 },
            // The scenario says how much each order fills.
            partial: false,
            prefixes: false,
            orderly: false,
        }
    }

    fn kills_of(&self, state: &World) -> Vec<(Point, Durable)> {
        let Some((_, owner)) = state.current().filter(|_| !state.is_over()) else {
            return Vec::new();
        };
        let facts = u8::try_from(owner.unsaved.len()).unwrap_or(u8::MAX);
        if owner.pending.is_some() {
            return vec![
                (Point::BeforeAppend, Durable::Facts(0)),
                (Point::AfterAppend, Durable::Append),
            ];
        }
        if owner.appended == 0 {
            return vec![(Point::BeforeAdmission, Durable::Facts(0))];
        }
        let doubtful = |order: &Order| order.stage == Stage::InDoubt;
        let point = if !owner.outbox.is_empty() {
            Point::BetweenAppendAndSend
        } else if state.wire.iter().any(|parcel| parcel.awaited) {
            Point::AfterSendBeforeArrival
        } else if !state.answers.is_empty() {
            Point::AfterArrivalBeforeAnswer
        } else if owner.undecided {
            Point::BeforeDecision
        } else if owner.saga.orders().any(|(_, order)| doubtful(order)) {
            Point::WhileOutcomeUnknown
        } else {
            Point::WhileWaiting
        };
        let mut kills = vec![(point, Durable::Facts(0))];
        if facts > 0 {
            kills.push((point, Durable::Facts(facts)));
        }
        kills
    }

    fn kill(
        &mut self,
        config: &Config,
        state: &World,
        point: Point,
        durable: Durable,
        in_recovery: bool,
    ) -> Result<Played, Violation> {
        let killed = state.after(Action::Crash { durable })?;
        let played = self.play(config, killed, true)?;
        let last = played.states.last();
        let status = last.and_then(|last| last.journal.replayed());
        let status = status.map_or("never admitted", |saga| match saga.status() {
            BatchStatus::Parked if saga.net_delta_range().is_some() => "parked in doubt",
            status => status.as_str(),
        });
        let cell = self.cells.entry((self.at.0, self.at.1, point, in_recovery)).or_default();
        *cell.entry(status).or_default() += 1;
        Ok(played)
    }

    /// Goes on fairly to the end; the fault strikes at its first occasion unless it has struck before the kill.
    fn play(&mut self, config: &Config, first: World, resumed: bool) -> Result<Played, Violation> {
        self.runs += 1;
        let mut print = fingerprint(0, &first);
        let mut played = Played { states: vec![first], struck: false };
        // A fault that was to come before the kill has had its chance; after it the rest is fair.
        let mut armed = !resumed && self.fault != Fault::None;
        for _ in 0..ACTIONS_MAX {
            let Some(world) = played.states.last() else {
                break;
            };
            let possible = world.possible(config);
            if armed && let Some(action) = self.fault.strikes(world, &possible) {
                played.struck = true;
                armed = false;
                let next = world.after(action)?;
                print = fingerprint(0, &next);
                played.states.push(next);
                continue;
            }
            let Some((next, reached)) = self.fair_next(world, print, &possible)? else {
                if is_quiet(world) {
                    of_trouble(world, &self.scenario.troubled)?;
                    return Ok(played);
                }
                let claim = "from every state the batch comes to its end";
                return Err(Violation { claim, what: "nothing fair is left to do".to_owned() });
            };
            print = reached;
            played.states.push(next);
        }
        let what = format!("not at its end after {ACTIONS_MAX} actions");
        Err(Violation { claim: "from every state the batch comes to its end", what })
    }

    /// The first fair action that changes anything, with the outcome that the scenario has for it.
    fn fair_next(
        &self,
        world: &World,
        print: u128,
        possible: &[Action],
    ) -> Result<Option<(World, u128)>, Violation> {
        let scripted = self.scenario.stop_now(world, possible);
        let fair =
            fair(world, possible).into_iter().map(|action| self.scenario.outcome(world, action));
        for action in scripted.into_iter().chain(fair) {
            let next = world.after(action)?;
            let reached = fingerprint(0, &next);
            if reached != print {
                return Ok(Some((next, reached)));
            }
        }
        Ok(None)
    }
}
