//! Cuts the power of both stored journals many times.

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;
use equipoise_power_loss::{JournalKind, NotCaptured, Plan, Tally, run};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

/// Captures what a journal writes and syncs, cuts the power everywhere, and opens what is left.
///
/// Ends with 0 when every promise was kept, with 1 when one was broken, with 3 when nothing could be run here.
#[derive(Debug, Parser)]
struct Arguments {
    /// Leaves out the cuts after every single entry of the log.
    #[arg(long)]
    without_prefixes: bool,
    /// States of an honest device opened for each journal at moments drawn by chance.
    #[arg(long, default_value_t = 300)]
    states: usize,
    /// States of a lying device opened for each journal.
    #[arg(long, default_value_t = 40)]
    lies: usize,
    /// Cuts after which the journal is used and cut again, eight times each.
    #[arg(long, default_value_t = 8)]
    second_cuts: usize,
    /// sled or redb; both without it.
    #[arg(long)]
    journal: Option<String>,
    /// Repeats a choice of moments; what threads do in between is theirs.
    #[arg(long)]
    seed: Option<u64>,
    /// Where states that break a promise are kept.
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Prints one JSON document.
    #[arg(long)]
    json: bool,
}

/// Exit code for a promise that was broken.
const BROKEN: u8 = 1;

#[allow(clippy::print_stdout, reason = "this is a program for people")]
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let kinds = match arguments.journal.as_deref().map(JournalKind::from_str) {
        None => vec![JournalKind::Sled, JournalKind::Redb],
        Some(Ok(kind @ (JournalKind::Sled | JournalKind::Redb))) => vec![kind],
        Some(_) => {
            println!("a journal on a device is sled or redb");
            return ExitCode::from(2);
        }
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seed = arguments.seed.unwrap_or(u64::from(now.subsec_nanos()));
    // A store that panics over a damaged file is answered for by the journal; its words are not ours.
    std::panic::set_hook(Box::new(|_| {}));
    let mut worst = 0;
    let mut documents = Vec::new();
    for kind in kinds {
        let started = Instant::now();
        let result = one(kind, seed, &arguments);
        worst = worse(worst, code(&result));
        let seconds = started.elapsed().as_secs();
        documents.push(document(kind, seed, seconds, &result));
        if !arguments.json {
            print(kind, seed, seconds, &result);
        }
    }
    if arguments.json {
        println!("{}", json!(documents));
    }
    ExitCode::from(worst)
}

fn one(kind: JournalKind, seed: u64, arguments: &Arguments) -> Result<Tally, NotCaptured> {
    let total = arguments.states + arguments.lies + 8 * arguments.second_cuts;
    // How long the log is only the capture tells.
    let bar = if arguments.without_prefixes {
        ProgressBar::new(total as u64)
    } else {
        ProgressBar::no_length()
    };
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {elapsed}") {
        bar.set_style(style);
    }
    bar.set_message(kind.to_string());
    let plan = Plan {
        kind,
        prefixes: !arguments.without_prefixes,
        states: arguments.states,
        lies: arguments.lies,
        second_cuts: arguments.second_cuts,
        seed,
        without_syncs: None,
        keep: arguments.keep.clone(),
    };
    let result = run(&plan, |opened| bar.inc(opened));
    bar.finish_and_clear();
    result
}

/// A broken promise weighs more than a run that could not be.
fn worse(one: u8, other: u8) -> u8 {
    if one == BROKEN || other == BROKEN { BROKEN } else { one.max(other) }
}

fn code(result: &Result<Tally, NotCaptured>) -> u8 {
    match result {
        Ok(tally) if tally.failures.is_empty() => 0,
        Ok(_) | Err(NotCaptured::Journal(_)) => BROKEN,
        Err(NotCaptured::Unavailable(_)) => 3,
    }
}

fn document(
    kind: JournalKind,
    seed: u64,
    seconds: u64,
    result: &Result<Tally, NotCaptured>,
) -> serde_json::Value {
    let kind = kind.to_string();
    match result {
        Ok(tally) => json!({ "journal": kind, "seed": seed, "seconds": seconds, "found": tally }),
        Err(NotCaptured::Unavailable(why)) => {
            json!({ "journal": kind, "seed": seed, "not_run": why.to_string() })
        }
        Err(error) => json!({ "journal": kind, "seed": seed, "broken": error.to_string() }),
    }
}

#[allow(clippy::print_stdout, reason = "this is a program for people")]
fn print(kind: JournalKind, seed: u64, seconds: u64, result: &Result<Tally, NotCaptured>) {
    let tally = match result {
        Ok(tally) => tally,
        Err(why) => return println!("{kind}: {why}"),
    };
    println!(
        "{kind}: {} captured ({} syncs, {} acknowledgements, {} segments archived); cut after {} of its beginnings; {} states of an honest device, {} records looked for; \
         {} of a lying one, {} refused, {} short of what no anchor vouched for; {} failures; {seconds} s, seed {seed}",
        tally.captured,
        tally.syncs,
        tally.acknowledgements,
        tally.segments,
        tally.prefixes,
        tally.states,
        tally.records,
        tally.lies,
        tally.lies_refused,
        tally.lies_beyond_anchor,
        tally.failures.len(),
    );
    println!("  {:?}", tally.by_kind);
    for failure in &tally.failures {
        println!("  {}: {}", failure.state, failure.what);
    }
    if !tally.failures.is_empty() {
        println!("  repeat: equipoise-power-loss --journal {kind} --seed {seed} --keep FOLDER");
    }
}
