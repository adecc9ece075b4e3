//! Runs many batches under trouble and judges them by the exchanges' ledgers.
//!
//! Started under the names `equipoise` or `exchanges` it plays those parts instead.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;
use equipoise_chaos::{
    Kind, NAMESPACE_VARIABLE, Programs, Scenario, Tally, can_mount_in_own_namespace, carry_out,
    serve_exchanges,
};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

/// Runs for each kill that was asked for, after which the rest is given up.
const RUNS_FOR_A_KILL_MAX: u64 = 5;

/// Runs in a row with another story than the one asked for, after which there is none of that name.
const SKIPPED_MAX: u64 = 10_000;

/// Kills, stops, doubles and starves real `equipoise` processes and compares their reports with the exchanges' ledgers.
///
/// Ends with 0 when no promise was broken, else with 1 and how to repeat it.
#[derive(Debug, Parser)]
#[command(name = "equipoise-chaos")]
struct Arguments {
    /// How many kills; runs are drawn until there have been that many, a moment is met or not.
    #[arg(long, default_value_t = 200)]
    kills: u64,
    /// So many runs instead, however many kills that makes; each has its own batch, journal and exchanges.
    #[arg(long, conflicts_with = "kills")]
    runs: Option<u64>,
    /// Repeats what is done to the runs; what the processes do in between is theirs.
    #[arg(long)]
    seed: Option<u64>,
    /// Only the run of this number.
    #[arg(long)]
    run: Option<u64>,
    /// Runs under way at once; most of their time they wait.
    #[arg(long, default_value_t = 24)]
    jobs: u64,
    /// Only runs with this story: kills, failpoints, pause, second instance, write limit, full disk.
    #[arg(long)]
    story: Option<String>,
    /// The `equipoise` binary to run instead of the same code in this program.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Prints one JSON document.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    match Path::new(&name).file_name().and_then(|name| name.to_str()) {
        Some("equipoise") => equipoise_cli::execute(std::env::args_os()).into(),
        Some("exchanges") => serve_exchanges(std::env::args_os()),
        _ => orchestrate(&Arguments::parse()),
    }
}

#[allow(clippy::print_stderr, reason = "this is a program for people")]
fn orchestrate(arguments: &Arguments) -> ExitCode {
    let programs = std::env::current_exe().and_then(|this| {
        enter_namespace(&this);
        Programs::new(&this, arguments.binary.clone())
    });
    let programs = match programs {
        Ok(programs) => programs,
        Err(error) => {
            eprintln!("nothing can be started: {error}");
            return ExitCode::from(2);
        }
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seed = arguments.seed.unwrap_or(u64::from(now.subsec_nanos()));
    let started = Instant::now();
    let tally = run_all(arguments, seed, &programs);
    print(arguments, seed, started.elapsed(), &tally);
    let short = Goal::of(arguments).is_missed(&tally);
    if tally.is_good() && !short { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Starts this program again in a mount namespace of its own, if that is permitted: mounts then go with it.
fn enter_namespace(this: &Path) {
    if std::env::var_os(NAMESPACE_VARIABLE).is_some() {
        return;
    }
    let permitted =
        tempfile::TempDir::new().is_ok_and(|dir| can_mount_in_own_namespace(dir.path()));
    if permitted {
        // Returns only when it could not be started; then those runs are not run.
        let _ = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "--"])
            .arg(this)
            .args(std::env::args_os().skip(1))
            .env(NAMESPACE_VARIABLE, "own")
            .exec();
    }
}

fn run_all(arguments: &Arguments, seed: u64, programs: &Programs) -> Tally {
    let goal = Goal::of(arguments);
    let bar = ProgressBar::new(goal.length());
    let template = "{wide_bar} {pos}/{len} {elapsed} {msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    let tally = Mutex::new(Tally::default());
    let draw = Mutex::new(Draw { number: arguments.run.unwrap_or(0), drawn: 0 });
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs.max(1) {
            scope.spawn(|| {
                while let Some(scenario) = next(arguments, seed, goal, &draw, &tally) {
                    let outcome = carry_out(&scenario, programs);
                    let mut tally = lock(&tally);
                    tally.add(seed, &scenario, outcome);
                    bar.set_message(line(&tally));
                    bar.set_position(goal.position(&tally).min(goal.length()));
                }
            });
        }
    });
    bar.finish_and_clear();
    tally.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What ends a campaign.
#[derive(Clone, Copy, Debug)]
enum Goal {
    Kills(u64),
    Runs(u64),
}

impl Goal {
    fn of(arguments: &Arguments) -> Self {
        match (arguments.run, arguments.runs) {
            (Some(_), _) => Self::Runs(1),
            (None, Some(runs)) => Self::Runs(runs),
            (None, None) => Self::Kills(arguments.kills),
        }
    }

    const fn length(self) -> u64 {
        match self {
            Self::Kills(count) | Self::Runs(count) => count,
        }
    }

    fn position(self, tally: &Tally) -> u64 {
        match self {
            Self::Kills(_) => tally.count("kills"),
            Self::Runs(_) => tally.runs + tally.not_run.values().sum::<u64>(),
        }
    }

    fn is_reached(self, drawn: u64, tally: &Tally) -> bool {
        match self {
            Self::Kills(kills) => {
                tally.count("kills") >= kills || drawn >= kills.saturating_mul(RUNS_FOR_A_KILL_MAX)
            }
            Self::Runs(runs) => drawn >= runs,
        }
    }

    /// Fewer kills than asked for prove less than was asked for.
    fn is_missed(self, tally: &Tally) -> bool {
        matches!(self, Self::Kills(kills) if tally.count("kills") < kills)
    }
}

/// Which run is next, and how many were begun.
#[derive(Debug)]
struct Draw {
    number: u64,
    drawn: u64,
}

/// The next run with the story that was asked for, if there is to be one.
fn next(
    arguments: &Arguments,
    seed: u64,
    goal: Goal,
    draw: &Mutex<Draw>,
    tally: &Mutex<Tally>,
) -> Option<Scenario> {
    let mut draw = lock(draw);
    if goal.is_reached(draw.drawn, &lock(tally)) {
        return None;
    }
    let story = arguments.story.as_deref().filter(|_| arguments.run.is_none());
    for _ in 0..SKIPPED_MAX {
        let scenario = Scenario::new(seed, draw.number);
        draw.number += 1;
        if story.is_none_or(|story| scenario.story.name() == story) {
            draw.drawn += 1;
            return Some(scenario);
        }
    }
    None
}

fn line(tally: &Tally) -> String {
    format!(
        "{} kills, {} duplicates, {} losses, {} off neutral, {} other",
        tally.count("kills"),
        tally.broken(Kind::Duplicate),
        tally.broken(Kind::Loss),
        tally.broken(Kind::Delta),
        tally.violations.values().sum::<u64>()
            - tally.broken(Kind::Duplicate)
            - tally.broken(Kind::Loss)
            - tally.broken(Kind::Delta),
    )
}

#[allow(clippy::print_stdout, reason = "this is a program for people")]
fn print(arguments: &Arguments, seed: u64, time: Duration, tally: &Tally) {
    if arguments.json {
        let good = tally.is_good() && !Goal::of(arguments).is_missed(tally);
        let missed = tally.missed();
        let seconds = time.as_secs();
        let found = json!(tally);
        let document = json!({
            "seed": seed, "seconds": seconds, "good": good, "missed": missed, "found": found,
        });
        println!("{document}");
        return;
    }
    println!("{} runs in {} s, seed {seed}: {}", tally.runs, time.as_secs(), line(tally));
    println!("  stories {:?}", tally.stories);
    println!("  met {:?}", tally.counts);
    println!("  failpoints {:?}", tally.failpoints);
    println!("  exit codes {:?}", tally.codes);
    for (what, count) in &tally.not_run {
        println!("  NOT RUN, {count} runs: {what}");
    }
    for mark in tally.missed() {
        println!("  NEVER MET: {mark}");
    }
    if Goal::of(arguments).is_missed(tally) {
        println!("  TOO FEW KILLS: {} of {}", tally.count("kills"), arguments.kills);
    }
    for failure in &tally.failures {
        println!("\nFAILED: {}", failure.told);
        for violation in &failure.violations {
            println!("  {violation}");
        }
        println!("  repeat: {}", failure.repeat);
        if let Some(folder) = &failure.folder {
            println!("  kept: {folder}");
        }
    }
}
