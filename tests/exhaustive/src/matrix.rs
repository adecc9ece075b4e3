//! Every crash point of the canonical scenarios, with every kind of fault, each run to its end along the fair schedule.
//!
//! One run is: play the scenario fairly, let one fault happen where it first can, kill the owner before its nth action,
//! start again, go on fairly, judge every state. The exploration reaches far more; this shows by name what was crossed.
//!
//! A cell of the table is a scenario, a fault and a crash point, and counts as crossed only by a run in which the fault
//! struck, before the kill or after it. Cells that cannot be are named with the reason (`Fault::impossible`), and that
//! list is held to account as well: a cell on it that is crossed fails the matrix like one that is missing.

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

use fault::{FAULTS, Fault};
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

impl Point {
    fn name(self) -> &'static str {
        POINTS.iter().find(|(of, _)| *of == self).map_or(NOWHERE, |(_, name)| name)
    }
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
    /// Runs in which the fault struck before the kill, or without any; all runs where there is no fault.
    pub before: u32,
    /// Runs in which it struck after the kill.
    pub after: u32,
    /// Those runs by how they ended.
    pub ends: BTreeMap<&'static str, u32>,
}

/// A cell of the table that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impossible {
    /// Scenario.
    pub scenario: String,
    /// Fault.
    pub fault: &'static str,
    /// Crash point, or that there was no kill.
    pub point: &'static str,
    /// Why the fault strikes neither before a kill there nor after it.
    pub why: &'static str,
}

/// What became of the matrix.
#[derive(Debug, Clone, Default)]
pub struct Matrix {
    /// Lines with at least one run, in order.
    pub cells: Vec<Cell>,
    /// Runs.
    pub runs: u64,
    /// Of them those in which a fault found no occasion: they cross nothing.
    pub unstruck: u64,
    /// Cells that cannot be.
    pub impossible: Vec<Impossible>,
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
        let head = "scenario,fault,crash point,in recovery,struck before,struck after,ends";
        let mut text = format!("{head}\n");
        for cell in &self.cells {
            let ends: Vec<String> =
                cell.ends.iter().map(|(status, count)| format!("{status} {count}")).collect();
            let line = [
                quoted(&cell.scenario),
                quoted(cell.fault),
                quoted(cell.point),
                cell.in_recovery.to_string(),
                cell.before.to_string(),
                cell.after.to_string(),
                quoted(&ends.join("; ")),
            ];
            text.push_str(&line.join(","));
            text.push('\n');
        }
        for Impossible { scenario, fault, point, why } in &self.impossible {
            let [scenario, fault, point] = [scenario, *fault, *point].map(quoted);
            let why = quoted(&format!("impossible: {why}"));
            text.push_str(&format!("{scenario},{fault},{point},false,0,0,{why}\n"));
        }
        text
    }

    /// Cells of the product of scenario, fault and crash point that were crossed; kills of a recovery are beside it.
    #[must_use]
    pub fn crossed(&self) -> usize {
        self.cells.iter().filter(|cell| !cell.in_recovery).count()
    }

    /// How many cells cannot be, by why.
    #[must_use]
    pub fn reasons(&self) -> BTreeMap<&'static str, usize> {
        let mut reasons = BTreeMap::new();
        for cell in &self.impossible {
            *reasons.entry(cell.why).or_default() += 1;
        }
        reasons
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

/// The runs of one cell in which the fault struck.
#[derive(Debug, Default)]
struct Runs {
    before: u32,
    after: u32,
    ends: BTreeMap<&'static str, u32>,
}

/// By scenario, fault, crash point, and whether a recovery was killed.
type Cells = BTreeMap<(usize, usize, Point, bool), Runs>;

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
    unstruck: u64,
    /// Crash points that the run without a kill came by, with each fault.
    reached: BTreeSet<(usize, Point)>,
}

impl Row {
    /// The points at which a fault must be crossed: those of the run without any fault, those that the fault itself
    /// opens, and the run without a kill.
    fn due(&self, column: usize) -> BTreeSet<Point> {
        let of = |fault: usize| self.reached.iter().filter(move |(by, _)| *by == fault);
        let points = of(0).chain(of(column)).map(|(_, point)| *point);
        points.chain([Point::Nowhere]).collect()
    }
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
    let mut matrix = Matrix::default();
    for (index, (scenario, row)) in scenarios.iter().zip(rows).enumerate() {
        is_covered(index, scenario, &row, &mut matrix.impossible)?;
        matrix.runs += row.runs;
        matrix.unstruck += row.unstruck;
        let cells = row.cells.into_iter().map(|((_, column, point, in_recovery), runs)| Cell {
            scenario: scenario.name.clone(),
            fault: FAULTS[column].1,
            point: point.name(),
            in_recovery,
            before: runs.before,
            after: runs.after,
            ends: runs.ends,
        });
        matrix.cells.extend(cells);
    }
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
    let mut straight = Vec::new();
    for (column, (fault, name)) in FAULTS.iter().enumerate() {
        let mut run = Runner {
            scenario,
            fault: *fault,
            row: &mut done,
            at: (row, column),
            places: scenario.places.max(places),
            stride: scenario.stride.max(sparse),
        };
        let states = run.all_kills(&straight).map_err(|(point, violation)| MatrixError {
            at: format!("{}, {name}, {point}", scenario.name),
            violation,
        })?;
        if *fault == Fault::None {
            straight = states;
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

/// Every fault was crossed at each of its points, but for what cannot be, which is added to `impossible`; and every kind
/// of point, and a recovery, was killed in every scenario.
fn is_covered(
    index: usize,
    scenario: &Scenario,
    row: &Row,
    impossible: &mut Vec<Impossible>,
) -> Result<(), MatrixError> {
    let missing = |at: &str, what: &str| MatrixError {
        at: format!("{}, {at}", scenario.name),
        violation: Violation { claim: "the matrix is complete", what: what.to_owned() },
    };
    for (point, name) in POINTS {
        if !row.cells.keys().any(|(_, _, crossed, _)| *crossed == point) {
            return Err(missing(name, "never crossed"));
        }
    }
    if !row.cells.keys().any(|(.., in_recovery)| *in_recovery) {
        return Err(missing("recovery", "none was killed"));
    }
    for (column, (fault, name)) in FAULTS.iter().enumerate() {
        for point in row.due(column) {
            let at = format!("{name}, {}", point.name());
            let crossed = row.cells.contains_key(&(index, column, point, false));
            match (crossed, fault.impossible(scenario, point)) {
                (true, None) => {}
                (false, Some(why)) => impossible.push(Impossible {
                    scenario: scenario.name.clone(),
                    fault: name,
                    point: point.name(),
                    why,
                }),
                (false, None) => return Err(missing(&at, "the fault struck in no run")),
                (true, Some(why)) => return Err(missing(&at, &format!("crossed although {why}"))),
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
