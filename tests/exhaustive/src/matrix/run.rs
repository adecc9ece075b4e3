//! One scenario with one fault: a run without a kill, one for each place of a kill, and those that kill its recovery.

use std::collections::BTreeSet;

use equipoise_core::{Order, Stage};

use super::end::{End, of_run};
use super::fault::Fault;
use super::scenario::Scenario;
use super::{NOWHERE, Point, Row};
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
    pub(super) row: &'a mut Row,
    pub(super) at: (usize, usize),
    /// Kills strike every nth place of a run, and the first of each kind of point.
    pub(super) places: usize,
    /// Kills strike every nth place of a recovery.
    pub(super) stride: usize,
}

/// Where a kill strikes.
struct Place<'a> {
    state: &'a World,
    durable: Durable,
}

/// What one run did.
struct Played {
    /// The states before each action.
    states: Vec<World>,
    /// The first state in which the fault has struck.
    struck: Option<usize>,
}

impl Played {
    /// Whether the fault had struck by a state.
    fn had_struck(&self, state: usize) -> bool {
        self.struck.is_some_and(|struck| struck <= state)
    }
}

/// When a fault struck, seen from the kill.
#[derive(Clone, Copy)]
enum Struck {
    Before,
    After,
    Never,
}

impl Runner<'_> {
    /// A run without a kill, one for each place of a kill, and one for each place of a kill of its recovery.
    /// Returns the states of the run without a kill; `straight` are those without the fault.
    pub(super) fn all_kills(
        &mut self,
        straight: &[World],
    ) -> Result<Vec<World>, (String, Violation)> {
        let config = self.config();
        let mut first = World::new(&config);
        first.left = config.budget;
        let unkilled = |found| (NOWHERE.to_owned(), found);
        let faulty = self.fault != Fault::None;
        let played = self.play(&config, first, 0, faulty).map_err(unkilled)?;
        let struck = if played.struck.is_some() { Struck::Before } else { Struck::Never };
        self.note(&played, Point::Nowhere, false, struck);
        let mut crossed = BTreeSet::new();
        for (nth, state) in played.states.iter().enumerate() {
            let struck = played.had_struck(nth);
            for (point, durable) in self.kills_of(state) {
                self.row.reached.insert((self.at.1, point));
                if !crossed.insert((point, struck)) && nth % self.places != 0 {
                    continue;
                }
                let at = |found| (format!("killed before action {nth}"), found);
                let place = Place { state, durable };
                let recovering = self.kill_at(&config, &place, point, struck).map_err(at)?;
                if !faulty {
                    self.kill_recovery(&config, nth, &recovering)?;
                }
            }
        }
        if faulty {
            self.cross_the_rest(&config, &played.states, straight)?;
        }
        Ok(played.states)
    }

    /// Points at which the fault has struck in no run so far: every place of them, and those of the run without the
    /// fault, is killed until it strikes afterwards.
    fn cross_the_rest(
        &mut self,
        config: &Config,
        own: &[World],
        straight: &[World],
    ) -> Result<(), (String, Violation)> {
        for point in self.row.due(self.at.1) {
            for (nth, state) in own.iter().chain(straight).enumerate() {
                for (at_point, durable) in self.kills_of(state) {
                    if at_point != point || self.is_crossed(point) {
                        continue;
                    }
                    let at = |found| (format!("killed at place {nth} of both runs"), found);
                    let place = Place { state, durable };
                    self.kill_at(config, &place, point, false).map_err(at)?;
                }
            }
        }
        Ok(())
    }

    fn is_crossed(&self, point: Point) -> bool {
        self.row.cells.contains_key(&(self.at.0, self.at.1, point, false))
    }

    /// One kill, with the fault before it or else armed after it.
    fn kill_at(
        &mut self,
        config: &Config,
        place: &Place<'_>,
        point: Point,
        struck: bool,
    ) -> Result<Played, Violation> {
        let armed = self.fault != Fault::None && !struck;
        let recovering = self.kill(config, place, 1, armed)?;
        let when = match (struck, recovering.struck) {
            (true, _) => Struck::Before,
            (false, Some(_)) => Struck::After,
            (false, None) => Struck::Never,
        };
        self.note(&recovering, point, false, when);
        Ok(recovering)
    }

    /// The end of the run without a kill.
    #[cfg(test)]
    pub(super) fn unkilled(&mut self) -> Result<World, Violation> {
        let config = self.config();
        let mut first = World::new(&config);
        first.left = config.budget;
        let mut played = self.play(&config, first, 0, self.fault != Fault::None)?;
        Ok(played.states.pop().expect("it begins with a state"))
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
                let place = Place { state, durable };
                let played = self.kill(config, &place, 2, false).map_err(at)?;
                self.note(&played, point, true, Struck::Never);
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

    /// Kills and goes on; the fault that has not struck before strikes after the start.
    fn kill(
        &mut self,
        config: &Config,
        place: &Place<'_>,
        kills: usize,
        armed: bool,
    ) -> Result<Played, Violation> {
        let killed = place.state.after(Action::Crash { durable: place.durable })?;
        self.play(config, killed, kills, armed)
    }

    /// Counts a run for its cell; one in which a fault that there is never struck counts for none.
    fn note(&mut self, played: &Played, point: Point, in_recovery: bool, struck: Struck) {
        let Some(last) = played.states.last() else {
            return;
        };
        let faulty = self.fault != Fault::None;
        if faulty && matches!(struck, Struck::Never) {
            self.row.unstruck += 1;
            return;
        }
        let cell = self.row.cells.entry((self.at.0, self.at.1, point, in_recovery)).or_default();
        match struck {
            Struck::After => cell.after += 1,
            Struck::Before | Struck::Never => cell.before += 1,
        }
        *cell.ends.entry(End::of(last).as_str()).or_default() += 1;
    }

    /// Goes on fairly to the end; a fault that is armed strikes at its first occasion.
    fn play(
        &mut self,
        config: &Config,
        first: World,
        kills: usize,
        mut armed: bool,
    ) -> Result<Played, Violation> {
        self.row.runs += 1;
        let mut print = fingerprint(0, &first);
        let mut played = Played { states: vec![first], struck: None };
        for _ in 0..ACTIONS_MAX {
            let Some(world) = played.states.last() else {
                break;
            };
            let possible = world.possible(config);
            let strikes = |action| self.scenario.halved(world, action);
            if armed
                && let Some(action) = self.fault.strikes(world, &possible, kills > 0).map(strikes)
            {
                played.struck = Some(played.states.len());
                armed = false;
                let next = world.after(action)?;
                print = fingerprint(0, &next);
                played.states.push(next);
                continue;
            }
            let Some((next, reached)) = self.fair_next(world, print, &possible)? else {
                if is_quiet(world) {
                    of_trouble(world, &self.scenario.troubled)?;
                    of_run(self.scenario, self.fault, kills, world)?;
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
