//! Explores every configuration, or those whose name holds a given text.
//!
//! Ends with 0 when every claim held in every reachable state, with 1 when one broke, with 2 when nothing has that name,
//! and with 4 when every claim held in the states visited and a search stopped at its bound.

#![allow(clippy::print_stdout, reason = "the account of a run is its output")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use equipoise_exhaustive::{
    Breadth, Limits, Outcome, configurations, explore, quick_configurations, run_matrix,
    small_configurations,
};

/// Visits every reachable state of small batches and judges each.
#[derive(Debug, Parser)]
struct Args {
    /// Only configurations whose name holds this text.
    #[arg(default_value = "")]
    name: String,
    /// Only the configuration of exactly this name.
    #[arg(long)]
    exact: bool,
    /// The small configurations of the plain test command instead.
    #[arg(long)]
    small: bool,
    /// The configurations that take seconds, with two owners, and with a kill and a fault; without the matrix.
    #[arg(long, conflicts_with = "small")]
    quick: bool,
    /// States of one configuration after which it is left incomplete.
    #[arg(long, default_value_t = 20_000_000)]
    states_max: usize,
    /// A search that stops at its bound is no failure.
    #[arg(long)]
    bounded: bool,
    /// Only the matrix of crash points and faults.
    #[arg(long)]
    matrix: bool,
    /// Where the matrix is written.
    #[arg(long, default_value = "target/exhaustive-matrix.csv")]
    csv: PathBuf,
}

/// What the searches came to.
#[derive(Debug, Default)]
struct Searched {
    explored: usize,
    bounded: Vec<String>,
    violated: usize,
}

/// Exit code of a run in which nothing broke and something was left unvisited.
const BOUNDED: u8 = 4;

fn main() -> ExitCode {
    let args = Args::parse();
    let searched = if args.matrix { None } else { Some(explore_all(&args)) };
    let all = args.name.is_empty() && !args.quick;
    let crossed = !(args.matrix || all) || cross(&args);
    let Some(searched) = searched else {
        return if crossed { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    };
    if searched.explored == 0 {
        println!("no configuration has '{}' in its name", args.name);
        return ExitCode::from(2);
    }
    for name in &searched.bounded {
        println!(
            "NOT COMPLETE: {name} stopped at {} states, the rest was not visited",
            args.states_max
        );
    }
    if searched.violated > 0 || !crossed {
        ExitCode::FAILURE
    } else if searched.bounded.is_empty() || args.bounded {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(BOUNDED)
    }
}

/// Runs the matrix and writes it down; false if a claim broke.
fn cross(args: &Args) -> bool {
    let matrix = match run_matrix(Breadth::Full) {
        Ok(matrix) => matrix,
        Err(error) => {
            println!("matrix: {}: {}: {}", error.at, error.violation.claim, error.violation.what);
            return false;
        }
    };
    let recoveries: Vec<_> = matrix.cells.iter().filter(|cell| cell.in_recovery).collect();
    println!(
        "\nmatrix: {} runs; of {} cells of scenario, fault and crash point {} were crossed by a run in which the fault \
         struck, {} cannot be; {} kills of recoveries in {} cells beside them; in {} runs a fault found no occasion",
        matrix.runs,
        matrix.crossed() + matrix.impossible.len(),
        matrix.crossed(),
        matrix.impossible.len(),
        recoveries.iter().map(|cell| u64::from(cell.before)).sum::<u64>(),
        recoveries.len(),
        matrix.unstruck
    );
    for (why, count) in matrix.reasons() {
        println!("  cannot be: {count}: {why}");
    }
    for (status, count) in matrix.ends() {
        println!("  {status}: {count}");
    }
    match std::fs::write(&args.csv, matrix.csv()) {
        Ok(()) => println!("written to {}", args.csv.display()),
        Err(error) => println!("not written to {}: {error}", args.csv.display()),
    }
    true
}

/// Explores the chosen configurations.
fn explore_all(args: &Args) -> Searched {
    let all = match (args.small, args.quick) {
        (true, _) => small_configurations(),
        (_, true) => quick_configurations(),
        _ => configurations(),
    };
    let mut searched = Searched::default();
    println!(
        "| configuration | states | transitions | depth | fair path | ends | complete | seconds |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let chosen = |name: &str| name.contains(&args.name) && (!args.exact || name == args.name);
    for config in all.iter().filter(|config| chosen(&config.name)) {
        let begun = Instant::now();
        let found = explore(config, Limits { states_max: args.states_max });
        let ends: Vec<String> =
            found.ends.iter().map(|(status, count)| format!("{status} {count}")).collect();
        let how = match &found.outcome {
            Outcome::Complete => "yes",
            Outcome::Bounded => "no",
            Outcome::Violated { .. } => "VIOLATED",
        };
        println!(
            "| {} | {} | {} | {} | {} | {} | {how} | {} |",
            config.name,
            found.states,
            found.transitions,
            found.depth,
            found.fair_max,
            ends.join(", "),
            begun.elapsed().as_secs()
        );
        searched.explored += 1;
        match &found.outcome {
            Outcome::Complete => {}
            Outcome::Bounded => searched.bounded.push(config.name.clone()),
            Outcome::Violated { claim, story } => {
                searched.violated += 1;
                println!("\n{}: {claim}\n{story}", config.name);
            }
        }
    }
    searched
}
