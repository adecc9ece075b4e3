//! Runs many simulations, or one with its trace.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use clap::Parser;
use equipoise_simulation::{Claim, Fault, Outcome, Scenario, Tally, shrink, simulate};
use indicatif::{ProgressBar, ProgressStyle};

/// Seeds between two looks at the progress.
const TOLD_EVERY: u64 = 500;

/// Simulates batches under faults and judges them by the exchanges' ledgers.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds to run.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// First seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Run this one seed only.
    #[arg(long)]
    seed: Option<u64>,
    /// Replay a kept simulation.
    #[arg(long)]
    file: Option<PathBuf>,
    /// Print what happens.
    #[arg(long)]
    trace: bool,
    /// Threads; each runs its own seeds.
    #[arg(long, default_value_t = 1)]
    jobs: u64,
    /// Switch a fault on in every seed, by the name it has in kept files.
    #[arg(long)]
    with: Vec<String>,
    /// Count known gaps of the engine as failures too.
    #[arg(long)]
    strict: bool,
    /// Folder in which failing simulations are kept.
    #[arg(long, default_value = "tests/simulation/regressions")]
    keep: PathBuf,
    /// Go on after a failure and count.
    #[arg(long)]
    go_on: bool,
}

#[derive(Debug, Default)]
struct Totals {
    tally: Tally,
    failures: BTreeMap<Claim, Vec<(u64, String)>>,
}

#[allow(clippy::print_stdout, reason = "this is a program for people")]
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match (&arguments.file, arguments.seed) {
        (Some(file), _) => read(file).map(|scenario| one(&scenario, &arguments)),
        (None, Some(seed)) => scenario(seed, &arguments).map(|scenario| one(&scenario, &arguments)),
        (None, None) => many(&arguments),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("{error}");
            ExitCode::from(2)
        }
    }
}

fn read(file: &PathBuf) -> Result<Scenario, String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

fn scenario(seed: u64, arguments: &Arguments) -> Result<Scenario, String> {
    let mut scenario = Scenario { strict: arguments.strict, ..Scenario::from_seed(seed) };
    for name in &arguments.with {
        let fault: Fault = serde_json::from_value(name.clone().into())
            .map_err(|_| format!("there is no fault named '{name}'"))?;
        scenario.faults.insert(fault);
    }
    Ok(scenario)
}

#[allow(clippy::print_stdout, reason = "this is a program for people")]
fn one(scenario: &Scenario, arguments: &Arguments) -> bool {
    let outcome = simulate(scenario, arguments.trace);
    for line in &outcome.trace {
        println!("{line}");
    }
    println!("{} batches, trace {:016x}", outcome.batches, outcome.hash);
    if let Some(violation) = &outcome.violation {
        println!("{:?}: {}", violation.claim, violation.text);
    }
    outcome.violation.is_none()
}

#[allow(clippy::print_stdout, reason = "this is a program for people")]
fn many(arguments: &Arguments) -> Result<bool, String> {
    scenario(arguments.from, arguments)?;
    let started = Instant::now();
    let (done, batches) = (AtomicU64::new(0), AtomicU64::new(0));
    let totals = Mutex::new(Totals::default());
    // One violation ends every job.
    let stopped = AtomicBool::new(false);
    let progress = Progress::new(arguments.seeds);
    std::thread::scope(|scope| {
        for job in 0..arguments.jobs.max(1) {
            let (done, batches, totals, progress) = (&done, &batches, &totals, &progress);
            let stopped = &stopped;
            scope.spawn(move || {
                let seeds = (arguments.from..arguments.from + arguments.seeds)
                    .skip(usize::try_from(job).unwrap_or(0));
                for seed in seeds.step_by(usize::try_from(arguments.jobs.max(1)).unwrap_or(1)) {
                    if stopped.load(Ordering::Relaxed) {
                        return;
                    }
                    let (failed, played) = run_one(seed, arguments, totals);
                    let count = done.fetch_add(1, Ordering::Relaxed) + 1;
                    batches.fetch_add(played, Ordering::Relaxed);
                    if count.is_multiple_of(TOLD_EVERY) {
                        progress.tell(count, batches.load(Ordering::Relaxed), started);
                    }
                    if failed && !arguments.go_on {
                        stopped.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    progress.end();
    let totals = totals.into_inner().unwrap_or_else(PoisonError::into_inner);
    let elapsed = started.elapsed();
    let batches = batches.load(Ordering::Relaxed);
    let per_second = u128::from(batches) * 1_000 / elapsed.as_millis().max(1);
    println!(
        "{} seeds, {batches} batches in {} ms: {per_second} batches/s on {} threads",
        done.load(Ordering::Relaxed),
        elapsed.as_millis(),
        arguments.jobs.max(1)
    );
    for (name, count) in totals.tally.counts() {
        println!("  {count:>10}  {name}");
    }
    let missed = totals.tally.missed();
    if !missed.is_empty() {
        println!("never reached: {}", missed.join(", "));
    }
    for (claim, failures) in &totals.failures {
        println!("{claim:?} failed {} times", failures.len());
        for (seed, text) in failures.iter().take(6) {
            println!("  seed {seed}: {text}");
        }
    }
    Ok(missed.is_empty() && totals.failures.is_empty())
}

/// Runs one seed; true if it failed, and how many batches it had.
fn run_one(seed: u64, arguments: &Arguments, totals: &Mutex<Totals>) -> (bool, u64) {
    let Ok(scenario) = scenario(seed, arguments) else { return (true, 0) };
    let outcome = simulate(&scenario, false);
    let failed = outcome.violation.is_some();
    if let Some(violation) = &outcome.violation {
        let text = format!("{:?}: {}", violation.claim, violation.text);
        let mut totals = totals.lock().unwrap_or_else(PoisonError::into_inner);
        totals.failures.entry(violation.claim).or_default().push((seed, text));
        drop(totals);
        if !arguments.go_on {
            explain(&scenario, &outcome, arguments);
        }
    }
    totals.lock().unwrap_or_else(PoisonError::into_inner).tally.merge(&outcome.tally);
    (failed, outcome.batches)
}

#[allow(clippy::print_stdout, reason = "this is a program for people")]
fn explain(scenario: &Scenario, outcome: &Outcome, arguments: &Arguments) {
    let Some(violation) = &outcome.violation else { return };
    println!("\nseed {} breaks {:?}: {}", scenario.seed, violation.claim, violation.text);
    let smallest = shrink(scenario, violation.claim);
    let outcome = simulate(&smallest, true);
    for line in &outcome.trace {
        println!("{line}");
    }
    let text = outcome.violation.map(|violation| violation.text).unwrap_or_default();
    println!("shrunk to faults {:?}: {text}", smallest.faults);
    let file =
        arguments.keep.join(format!("{:?}-{}.json", violation.claim, scenario.seed).to_lowercase());
    let kept = serde_json::to_string_pretty(&smallest)
        .map_err(|error| error.to_string())
        .and_then(|text| std::fs::write(&file, text + "\n").map_err(|error| error.to_string()));
    match kept {
        Ok(()) => println!("kept as {}", file.display()),
        Err(error) => println!("not kept: {error}"),
    }
}

/// Tells how far a run is: a bar on a terminal, lines elsewhere.
struct Progress {
    seeds: u64,
    bar: Option<ProgressBar>,
    /// Seeds between two lines.
    line_every: u64,
}

impl Progress {
    fn new(seeds: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| ProgressBar::new(seeds));
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} seeds {elapsed} {msg}");
        if let (Some(bar), Ok(style)) = (&bar, style) {
            bar.set_style(style);
        }
        let line_every = (seeds / 10).next_multiple_of(TOLD_EVERY).max(TOLD_EVERY);
        Self { seeds, bar, line_every }
    }

    #[allow(clippy::print_stdout, reason = "this is a program for people")]
    fn tell(&self, done: u64, batches: u64, started: Instant) {
        let per_second = u128::from(batches) * 1_000 / started.elapsed().as_millis().max(1);
        let told = format!("{batches} batches, {per_second} batches/s");
        match &self.bar {
            Some(bar) => {
                bar.set_position(done);
                bar.set_message(told);
            }
            None if done.is_multiple_of(self.line_every) => {
                println!("{done}/{} seeds, {told}", self.seeds);
            }
            None => {}
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
