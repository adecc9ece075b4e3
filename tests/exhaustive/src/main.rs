//! Explores every configuration, or those whose name holds a given text.

#![allow(clippy::print_stdout, reason = "the account of a run is its output")]

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use equipoise_exhaustive::{Limits, Outcome, configurations, explore, small_configurations};

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
    #[arg(long, default_value_t = 20_000_000)]
    states_max: usize,
}

fn main() -> ExitCode {
    let args = Args::parse();
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
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
