//! Every crash point of the canonical scenarios, with every kind of fault, each run to its end along the fair schedule.
//!
//! One run is: play the scenario fairly, let one fault happen where it first can, kill the owner before its nth action,
//! start again, go on fairly, judge every state. The exploration reaches far more; this shows by name what was crossed.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use equipoise_core::ResendClass;

use crate::claims::Violation;

mod end;
mod fault;
mod quirks;
mod run;
mod scenario;

use fault::FAULTS;
use run::Runner;
use scenario::{Scenario, scenarios};

/// Where a kill strikes, by what was true at that moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Point {
    Nowhere,
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

/// What a run without a kill is listed as.
const NOWHERE: &str = "no kill";

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
    /// Crash point, or that there was no kill.
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
    /// One pair of classes, the first place of each crash point and every fourth, and every seventh place of each
    /// recovery at most: for the plain test command.
    Quick,
    /// All pairs of classes, and as many places of each recovery as a scenario names.
    Full,
}

/// What the faults of one scenario came to.
#[derive(Debug, Default)]
struct Row {
    cells: Cells,
    runs: u64,
    without_occasion: Vec<&'static str>,
}

/// Runs it; [`Breadth::Full`] on as many threads as there are processors, [`Breadth::Quick`] on this one.
///
/// # Errors
/// The first scenario in which a claim does not hold, or a crash point or fault that no run crossed.
pub fn run_matrix(breadth: Breadth) -> Result<Matrix, MatrixError> {
    let scenarios = match breadth {
        Breadth::Quick => scenarios(&PAIRS[..1]),
        Breadth::Full => scenarios(&PAIRS),
    };
    let rows = match breadth {
        // A core that was bent is bent on its own thread only.
        Breadth::Quick => {
            let rows = (0..scenarios.len()).map(|row| run_row(&scenarios, row, 4, 7));
            rows.collect::<Result<Vec<_>, _>>()?
        }
        Breadth::Full => run_rows(&scenarios)?,
    };
    let mut cells = Cells::new();
    let mut matrix = Matrix::default();
    for (scenario, row) in scenarios.iter().zip(rows) {
        let Row { cells: of_row, runs, without_occasion } = row;
        cells.extend(of_row);
        matrix.runs += runs;
        let without = without_occasion.into_iter().map(|fault| (scenario.name.clone(), fault));
        matrix.without_occasion.extend(without);
    }
    matrix.cells = cells
        .into_iter()
        .map(|((row, column, point, in_recovery), ends)| Cell {
            scenario: scenarios[row].name.clone(),
            fault: FAULTS[column].1,
            point: POINTS.iter().find(|(of, _)| *of == point).map_or(NOWHERE, |(_, name)| name),
            in_recovery,
            ends,
        })
        .collect();
    covered(&scenarios, &matrix)?;
    Ok(matrix)
}

/// One scenario with each fault, killed at every nth place, its recoveries at every `sparse`-th at most.
fn run_row(
    scenarios: &[Scenario],
    row: usize,
    places: usize,
    sparse: usize,
) -> Result<Row, MatrixError> {
    let scenario = &scenarios[row];
    let mut done = Row::default();
    for (column, (fault, name)) in FAULTS.iter().enumerate() {
        let mut run = Runner {
            scenario,
            fault: *fault,
            cells: &mut done.cells,
            at: (row, column),
            runs: 0,
            places: scenario.places.max(places),
            stride: scenario.stride.max(sparse),
        };
        let struck = run.all_kills().map_err(|(point, violation)| MatrixError {
            at: format!("{}, {name}, {point}", scenario.name),
            violation,
        })?;
        done.runs += run.runs;
        if !struck {
            done.without_occasion.push(name);
        }
    }
    Ok(done)
}

/// All of them, each thread taking the next one that nobody has begun.
fn run_rows(scenarios: &[Scenario]) -> Result<Vec<Row>, MatrixError> {
    let next = AtomicUsize::new(0);
    let take = || {
        let mut rows = Vec::new();
        loop {
            let row = next.fetch_add(1, Ordering::Relaxed);
            if row >= scenarios.len() {
                return rows;
            }
            rows.push((row, run_row(scenarios, row, 1, 1)));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let mut rows: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(take)).collect();
        let joined = workers.into_iter().map(|worker| worker.join());
        joined
            .flat_map(|rows| rows.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    rows.sort_by_key(|(row, _)| *row);
    rows.into_iter().map(|(_, row)| row).collect()
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

#[cfg(test)]
mod tests;

/// The letter pairs that scenarios are run with.
const PAIRS: [(ResendClass, ResendClass); 3] = [
    (ResendClass::A, ResendClass::B),
    (ResendClass::B, ResendClass::A),
    (ResendClass::B, ResendClass::C),
];
