//! Plays many seeds and reports the rate: `driven --seeds 10000 --from 0 --threads 2`, `driven --seed 42` for one.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Parser;
use equipoise_driven::{Marks, Outcome, Scenario};

/// Seeds from which on every required situation must have been met.
const SEEDS_FOR_MARKS: u64 = 240;

/// Driven simulation of the real engine and adapters over an in-memory wire.
#[derive(Parser)]
struct Args {
    /// How many seeds.
    #[arg(long, default_value_t = 2_000)]
    seeds: u64,
    /// The first one.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Threads, each playing seeds of its own.
    #[arg(long, default_value_t = 2)]
    threads: u64,
    /// Plays this one alone and shows its trace and its logs.
    #[arg(long, env = "EQUIPOISE_DRIVEN_SEED")]
    seed: Option<u64>,
    /// Trades at these adapters, separated by commas, instead of those the seeds would draw.
    #[arg(long, value_delimiter = ',')]
    at: Vec<String>,
    /// Names the seeds that meet this situation.
    #[arg(long)]
    meeting: Option<String>,
}

impl Args {
    fn scenario(&self, seed: u64) -> Result<Scenario, String> {
        if self.at.is_empty() {
            return Ok(Scenario::draw(seed));
        }
        let adapters: Vec<&str> = self.at.iter().map(String::as_str).collect();
        Scenario::draw_at(seed, &adapters)
    }
}

#[derive(Default)]
struct Total {
    seeds: u64,
    batches: u64,
    virtual_ms: u64,
    marks: Marks,
    failed: Vec<(u64, Outcome)>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match args.scenario(args.seed.unwrap_or(args.from)) {
        Err(why) => {
            say(&why);
            ExitCode::FAILURE
        }
        Ok(scenario) if args.seed.is_some() => one(&scenario),
        Ok(_) => many(&args),
    }
}

fn one(scenario: &Scenario) -> ExitCode {
    let seed = scenario.seed;
    let outcome = scenario.play(true);
    say(&format!("{scenario:#?}\n{}\n{}", outcome.logs, outcome.trace.join("\n")));
    for violation in &outcome.violations {
        say(&format!("seed {seed}: {}: {}", violation.claim, violation.seen));
    }
    if outcome.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn many(args: &Args) -> ExitCode {
    let begun = Instant::now();
    let next = AtomicU64::new(args.from);
    let until = args.from + args.seeds;
    let total = Mutex::new(Total::default());
    std::thread::scope(|scope| {
        for _ in 0..args.threads.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= until {
                        return;
                    }
                    let Ok(scenario) = args.scenario(seed) else { return };
                    let outcome = scenario.play(false);
                    let met = |what: &String| outcome.marks.count(what) > 0;
                    if args.meeting.as_ref().is_some_and(met) {
                        say(&format!("met by seed {seed}"));
                    }
                    if let Ok(mut total) = total.lock() {
                        total.add(seed, outcome);
                    }
                }
            });
        }
    });
    let total = total.into_inner().unwrap_or_default();
    total.report(begun.elapsed().as_millis());
    // So few seeds may miss a situation; a run of many may miss none.
    let all = total.seeds >= SEEDS_FOR_MARKS && args.at.is_empty();
    let tame = all && !total.marks.missing().is_empty();
    if total.failed.is_empty() && !tame { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Total {
    fn add(&mut self, seed: u64, outcome: Outcome) {
        self.seeds += 1;
        self.batches += outcome.batches as u64;
        self.virtual_ms += outcome.virtual_ms;
        self.marks.add(&outcome.marks);
        if !outcome.violations.is_empty() {
            for violation in &outcome.violations {
                let seen: String = violation.seen.chars().take(600).collect();
                say(&format!("seed {seed}: {}: {seen}", violation.claim));
            }
            self.failed.push((seed, outcome));
        }
    }

    fn report(&self, took_ms: u128) {
        for (what, count) in self.marks.iter() {
            say(&format!("{count:>8}  {what}"));
        }
        let missing = self.marks.missing();
        if !missing.is_empty() {
            say(&format!("never met: {}", missing.join(", ")));
        }
        let per_second = u128::from(self.batches) * 1_000 / took_ms.max(1);
        say(&format!(
            "{} seeds, {} batches, {} failed; {} virtual hours in {took_ms} ms: {per_second} batches a second",
            self.seeds,
            self.batches,
            self.failed.len(),
            self.virtual_ms / 3_600_000,
        ));
        if !self.failed.is_empty() {
            say("play one again with EQUIPOISE_DRIVEN_SEED=<seed>");
        }
    }
}

/// Whoever reads may have gone; that is no reason to fail.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
