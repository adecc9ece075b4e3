//! Explores every configuration, or those whose name holds a given text.

#![allow(clippy::print_stdout, reason = "the account of a run is its output")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use equipoise_exhaustive::{
    Breadth, Limits, Outcome, configurations, explore, run_matrix, small_configurations,
};

/// Visits every reachable state of small batches and judges each.
#[derive(Debug, Parser)]
struct Args {
    /// Only configurations whose name holds this text.
    #[arg(default_value = "")]
    name: String,
    /// The small configurations of the plain test command instead.
    #[arg(long)]
    small: bool,
    /// States of one configuration after which it is left incomplete.
    #[arg(long, default_value_t = 6_000_000)]
    states_max: usize,
    /// Only the matrix of crash points and faults.
    #[arg(long)]
    matrix: bool,
    /// Where the matrix is written.
    #[arg(long, default_value = "target/exhaustive-matrix.csv")]
    csv: PathBuf,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let explored = args.matrix || explore_all(&args);
    let crossed = !(args.matrix || args.name.is_empty()) || cross(&args);
    if explored && crossed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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
    println!(
        "\nmatrix: {} runs in {} cells, 100 % of scenarios, faults and crash points crossed, {} pairs without occasion",
        matrix.runs,
        matrix.cells.len(),
        matrix.without_occasion.len()
    );
    for (status, count) in matrix.ends() {
        println!("  {status}: {count}");
    }
    match std::fs::write(&args.csv, matrix.csv()) {
        Ok(()) => println!("written to {}", args.csv.display()),
        Err(error) => println!("not written to {}: {error}", args.csv.display()),
    }
    true
}

/// Explores the chosen configurations; false if a claim broke.
fn explore_all(args: &Args) -> bool {
    let all = if args.small { small_configurations() } else { configurations() };
    let mut failed = false;
    println!(
        "| configuration | states | transitions | depth | fair path | ends | complete | seconds |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for config in all.iter().filter(|config| config.name.contains(&args.name)) {
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
        if let Outcome::Violated { claim, story } = &found.outcome {
            failed = true;
            println!("\n{}: {claim}\n{story}", config.name);
        }
    }
    !failed
}
