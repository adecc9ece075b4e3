//! Runs many batches under trouble and judges them by the exchanges' ledgers.
//!
//! Started under the names `equipoise` or `exchanges` it plays those parts instead.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;
use equipoise_chaos::{
    Kind, NAMESPACE_VARIABLE, Programs, Scenario, Tally, can_mount_in_own_namespace, carry_out,
    serve_exchanges,
};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

/// Kills, stops, doubles and starves real `equipoise` processes and compares their reports with the exchanges' ledgers.
///
/// Ends with 0 when no promise was broken, else with 1 and how to repeat it.
#[derive(Debug, Parser)]
#[command(name = "equipoise-chaos")]
struct Arguments {
    /// How many runs; each has its own batch, journal and exchanges.
    #[arg(long, default_value_t = 200)]
    runs: u64,
    /// Repeats what is done to the runs; what the processes do in between is theirs.
    #[arg(long)]
    seed: Option<u64>,
    /// Only the run of this number.
    #[arg(long)]
    run: Option<u64>,
    /// Runs under way at once; most of their time they wait.
    #[arg(long, default_value_t = 24)]
    jobs: u64,
    /// Only runs with this story: kills, pause, second instance, write limit, full disk.
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
    if tally.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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
    let scenarios = scenarios(arguments, seed);
    let bar = ProgressBar::new(scenarios.len() as u64);
    let template = "{wide_bar} {pos}/{len} {elapsed} {msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    let tally = Mutex::new(Tally::default());
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::SeqCst);
                    let index = usize::try_from(index).unwrap_or(usize::MAX);
                    let Some(scenario) = scenarios.get(index) else { return };
                    let outcome = carry_out(scenario, programs);
                    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                    tally.add(seed, scenario, outcome);
                    bar.set_message(line(&tally));
                    bar.inc(1);
                }
            });
        }
    });
    bar.finish_and_clear();
    tally.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn scenarios(arguments: &Arguments, seed: u64) -> Vec<Scenario> {
    if let Some(number) = arguments.run {
        return vec![Scenario::new(seed, number)];
    }
    let wanted = usize::try_from(arguments.runs).unwrap_or(usize::MAX);
    let all = (0..arguments.runs.saturating_mul(100)).map(|number| Scenario::new(seed, number));
    let asked = |scenario: &Scenario| {
        arguments.story.as_deref().is_none_or(|story| scenario.story.name() == story)
    };
    all.filter(asked).take(wanted).collect()
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
        let good = tally.is_good();
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
    println!("  exit codes {:?}", tally.codes);
    for (what, count) in &tally.not_run {
        println!("  NOT RUN, {count} runs: {what}");
    }
    for mark in tally.missed() {
        println!("  NEVER MET: {mark}");
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
