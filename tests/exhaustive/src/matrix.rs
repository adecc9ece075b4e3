//! Every crash point of the canonical scenarios, with every kind of fault, each run to its end along the fair schedule.
//!
//! One run is: play the scenario fairly, let one fault happen where it first can, kill the owner before its nth action,
//! start again, go on fairly, judge every state. The exploration reaches far more; this shows by name what was crossed.

use std::collections::{BTreeMap, BTreeSet};

use equipoise_core::{BatchStatus, ResendClass};

use crate::claims::{Violation, is_quiet};
use crate::config::{Budget, Config};
use crate::fair::fair;
use crate::fingerprint::fingerprint;
use crate::world::{Action, Durable, World};

mod fault;
mod scenario;

use fault::{FAULTS, Fault};
use scenario::{Scenario, scenarios};

/// Actions of one run before it counts as endless.
const ACTIONS_MAX: usize = 400;

/// Where a kill strikes, by what was true at that moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Point {
    BeforeAdmission,
    BeforeAppend,
    AfterAppend,
    BetweenAppendAndSend,
    AfterSendBeforeArrival,
    AfterArrivalBeforeAnswer,
    BeforeDecision,
    WhileOutcomeUnknown,
    WhileWaiting,
}

const POINTS: [(Point, &str); 9] = [
    (Point::BeforeAdmission, "before admission"),
    (Point::BeforeAppend, "append lost"),
    (Point::AfterAppend, "append durable, unanswered"),
    (Point::BetweenAppendAndSend, "between append and send"),
    (Point::AfterSendBeforeArrival, "sent, not arrived"),
    (Point::AfterArrivalBeforeAnswer, "arrived, not answered"),
    (Point::BeforeDecision, "facts known, not decided"),
    (Point::WhileOutcomeUnknown, "outcome unknown"),
    (Point::WhileWaiting, "anything else"),
];

/// One line of the result: a scenario with a fault, killed at one kind of point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Scenario.
    pub scenario: String,
    /// Fault.
    pub fault: &'static str,
    /// Crash point.
    pub point: &'static str,
    /// Whether the kill struck a recovery.
    pub in_recovery: bool,
    /// Runs by how they ended.
    pub ends: BTreeMap<&'static str, u32>,
}

/// What became of the matrix.
#[derive(Debug, Clone, Default)]
pub struct Matrix {
    /// Lines with at least one run, in order.
    pub cells: Vec<Cell>,
    /// Runs.
    pub runs: u64,
    /// Pairs of scenario and fault in which the fault never had an occasion, with why.
    pub without_occasion: Vec<(String, &'static str)>,
}

/// A run that broke a claim, or something that was not crossed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatrixError {
    /// Which scenario, fault and point.
    pub at: String,
    /// What broke.
    pub violation: Violation,
}

impl Matrix {
    /// The result as comma separated values, with a head line.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = "scenario,fault,crash point,in recovery,ends\n".to_owned();
        for cell in &self.cells {
            let ends: Vec<String> =
                cell.ends.iter().map(|(status, count)| format!("{status} {count}")).collect();
            let line = [
                quoted(&cell.scenario),
                quoted(cell.fault),
                quoted(cell.point),
                cell.in_recovery.to_string(),
                quoted(&ends.join("; ")),
            ];
            text.push_str(&line.join(","));
            text.push('\n');
        }
        text
    }

    /// How many runs ended in each way.
    #[must_use]
    pub fn ends(&self) -> BTreeMap<&'static str, u64> {
        let mut ends = BTreeMap::new();
        for (status, count) in self.cells.iter().flat_map(|cell| &cell.ends) {
            *ends.entry(*status).or_default() += u64::from(*count);
        }
        ends
    }
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

type Ends = BTreeMap<&'static str, u32>;
type Cells = BTreeMap<(usize, usize, Point, bool), Ends>;

/// How much of the matrix is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breadth {
    /// One pair of classes, and a kill of every seventh place of each recovery: for the plain test command.
    Quick,
    /// All pairs of classes, every place of every recovery.
    Full,
}

/// Runs it.
///
/// # Errors
/// The first run in which a claim does not hold, or a crash point or fault that no run crossed.
pub fn run_matrix(breadth: Breadth) -> Result<Matrix, MatrixError> {
    let (pairs, stride) = match breadth {
        Breadth::Quick => (&PAIRS[..1], 7),
        Breadth::Full => (&PAIRS[..], 1),
    };
    let scenarios = scenarios(pairs);
    let mut cells = Cells::new();
    let mut matrix = Matrix::default();
    for (row, scenario) in scenarios.iter().enumerate() {
        for (column, (fault, name)) in FAULTS.iter().enumerate() {
            let mut run = Runner {
                scenario,
                fault: *fault,
                cells: &mut cells,
                at: (row, column),
                runs: 0,
                stride,
            };
            let struck = run.all_kills().map_err(|(point, violation)| MatrixError {
                at: format!("{}, {name}, {point}", scenario.name),
                violation,
            })?;
            matrix.runs += run.runs;
            if !struck {
                matrix.without_occasion.push((scenario.name.clone(), name));
            }
        }
    }
    matrix.cells = cells
        .into_iter()
        .map(|((row, column, point, in_recovery), ends)| Cell {
            scenario: scenarios[row].name.clone(),
            fault: FAULTS[column].1,
            point: POINTS.iter().find(|(of, _)| *of == point).map_or("", |(_, name)| name),
            in_recovery,
            ends,
        })
        .collect();
    covered(&scenarios, &matrix)?;
    Ok(matrix)
}

/// Every scenario was killed at every point and in recovery, and every fault struck wherever it has an occasion.
fn covered(scenarios: &[Scenario], matrix: &Matrix) -> Result<(), MatrixError> {
    let missing = |at: String, what: &str| MatrixError {
        at,
        violation: Violation { claim: "the matrix is complete", what: what.to_owned() },
    };
    for scenario in scenarios {
        let own = || matrix.cells.iter().filter(|cell| cell.scenario == scenario.name);
        let points: BTreeSet<&str> = own().map(|cell| cell.point).collect();
        for (_, point) in POINTS {
            if !points.contains(point) {
                return Err(missing(format!("{}, {point}", scenario.name), "never crossed"));
            }
        }
        if !own().any(|cell| cell.in_recovery) {
            return Err(missing(scenario.name.clone(), "no recovery was killed"));
        }
        for (fault, name) in FAULTS {
            let struck = !matrix.without_occasion.contains(&(scenario.name.clone(), name));
            if struck != fault.has_occasion(scenario) {
                return Err(missing(
                    format!("{}, {name}", scenario.name),
                    "fault and occasion differ",
                ));
            }
        }
    }
    Ok(())
}

struct Runner<'a> {
    scenario: &'a Scenario,
    fault: Fault,
    cells: &'a mut Cells,
    at: (usize, usize),
    runs: u64,
    /// Every so manieth place of a recovery is killed.
    stride: usize,
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
    fn all_kills(&mut self) -> Result<bool, (String, Violation)> {
        let config = self.config();
        let mut first = World::new(&config);
        first.left = config.budget;
        let played =
            self.play(&config, first, false).map_err(|found| ("no kill".to_owned(), found))?;
        for (nth, state) in played.states.iter().enumerate() {
            for (point, durable) in self.kills_of(state) {
                let at = |found| (format!("killed before action {nth}"), found);
                let recovering = self.kill(&config, state, point, durable, false).map_err(at)?;
                if self.fault != Fault::None {
                    continue;
                }
                for (again, state) in recovering.states.iter().enumerate().step_by(self.stride) {
                    for (point, durable) in self.kills_of(state) {
                        let at = |found| {
                            (format!("killed before actions {nth} and {again} after"), found)
                        };
                        self.kill(&config, state, point, durable, true).map_err(at)?;
                    }
                }
            }
        }
        Ok(played.struck)
    }

    fn config(&self) -> Config {
        Config {
            name: self.scenario.name.clone(),
            legs: self.scenario.legs.clone(),
            residual: self.scenario.residual,
            budget: Budget { crashes: 2, takeovers: 1, faults: 9, refusals: 9, stops: 1, away: 1 },
            partial: true,
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
        let doubtful =
            |order: &equipoise_core::Order| order.stage == equipoise_core::Stage::InDoubt;
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
                played.states.push(next);
                continue;
            }
            let Some(next) = self.fair_next(world, &possible)? else {
                let ended = is_quiet(world);
                let claim = "from every state the batch comes to its end";
                let what = "nothing fair is left to do".to_owned();
                return if ended { Ok(played) } else { Err(Violation { claim, what }) };
            };
            played.states.push(next);
        }
        let what = format!("not at its end after {ACTIONS_MAX} actions");
        Err(Violation { claim: "from every state the batch comes to its end", what })
    }

    /// The first fair action that changes anything, with the outcome that the scenario has for it.
    fn fair_next(&self, world: &World, possible: &[Action]) -> Result<Option<World>, Violation> {
        let scripted = self.scenario.stop_now(world, possible);
        let fair =
            fair(world, possible).into_iter().map(|action| self.scenario.outcome(world, action));
        for action in scripted.into_iter().chain(fair) {
            let next = world.after(action)?;
            if fingerprint(0, &next) != fingerprint(0, world) {
                return Ok(Some(next));
            }
        }
        Ok(None)
    }
}

/// The letter pairs that scenarios are run with.
const PAIRS: [(ResendClass, ResendClass); 3] = [
    (ResendClass::A, ResendClass::B),
    (ResendClass::B, ResendClass::A),
    (ResendClass::B, ResendClass::C),
];
