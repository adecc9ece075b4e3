//! Every aim beside its figure, measured in one run: medians, and what they are to be read beside.
#![allow(clippy::unwrap_used, clippy::float_arithmetic, missing_docs, reason = "a bench")]
#![allow(clippy::print_stdout, reason = "its result")]

/// That of the command line.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod bench;
mod loopback;

use std::hint::black_box;
use std::time::{Duration, Instant};

use equipoise::journal::JournalKind;
use equipoise::{Event, Saga};
use tokio::runtime::{Builder, Runtime};

use bench::engine::{Instantly, LANES, Raw};
use bench::exchange::Signing;
use bench::median;
use bench::payload::{self, Figure};

/// Repetitions of what takes microseconds or more.
const SAMPLES: usize = 1_000;
/// Calls timed together where one is shorter than reading the clock.
const CALLS: u32 = 1_000;
/// Samples of 64 batches at once.
const SAMPLES_AT_ONCE: u32 = 9;
/// Batches of each lane in one sample of 64 at once.
const BATCHES: u64 = 100;

fn main() {
    // Run by the test command too, with another argument, where there is nothing to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    pure();
    payloads();
    let raw = Raw::create(folder.path());
    let only = std::env::args().nth(1).filter(|only| !only.starts_with('-'));
    for kind in [JournalKind::Memory, JournalKind::Sled, JournalKind::Redb] {
        if only.as_ref().is_some_and(|only| *only != kind.to_string()) {
            continue;
        }
        let instantly = runtime.block_on(Instantly::start(kind, folder.path()));
        handed_over(&runtime, &instantly, &raw, kind);
        at_once(&runtime, &instantly, kind);
    }
    if only.is_some() {
        return;
    }
    let loopback = runtime.block_on(loopback::measure(240));
    say("loopback: submit -> both legs filled", &micros(loopback.filled), "");
    say("loopback: two bare concurrent requests", &micros(loopback.bare), "");
    let ratio = loopback.filled.as_secs_f64() / loopback.bare.as_secs_f64();
    say("loopback: ratio of the two", &format!("{ratio:.1}"), "");
}

fn say(what: &str, measured: &str, aim: &str) {
    println!("{what:<64} {measured:>14}   {aim}");
}

fn micros(time: Duration) -> String {
    format!("{:.2} us", time.as_secs_f64() * 1e6)
}

fn each(mut call: impl FnMut()) -> Duration {
    let sample = |_| {
        let start = Instant::now();
        (0..CALLS).for_each(|_| call());
        start.elapsed() / CALLS
    };
    median((0..100).map(sample).collect())
}

fn pure() {
    let plan = bench::plan("2026-11-22T08:00:00Z", false);
    let key = each(|| drop(black_box(black_box(&plan).check())));
    say("key: check a two-leg plan and derive it", &micros(key), "aim: 5 us");
    let fresh = Saga::new(bench::spec("2026-11-22T08:00:00Z"));
    let ready = bench::prepared();
    let mut sent = fresh.clone();
    for record in fresh.step(bench::NOW, &ready).records {
        sent.apply(&record).unwrap();
    }
    let steps = [
        each(|| drop(black_box(black_box(&fresh).step(bench::NOW, &Event::Wake)))),
        each(|| drop(black_box(black_box(&fresh).step(bench::NOW, &ready)))),
        each(|| drop(black_box(black_box(&sent).step(bench::NOW, &Event::Wake)))),
    ];
    let slowest = steps.into_iter().max().unwrap();
    say(
        "step: the slowest of waking, stamping two intents, watching",
        &micros(slowest),
        "aim: 1 us",
    );
}

/// Whole payloads, the slowest adapter of each kind.
fn payloads() {
    // A thread of its own would only add to the noise: nothing in an adapter waits here.
    let runtime = Builder::new_current_thread().build().unwrap();
    let figures = runtime.block_on(payload::figures());
    let slowest = |what: &str, of: fn(&Figure) -> bool, part: fn(&Figure) -> Duration, aim| {
        let figure = figures.iter().filter(|figure| of(figure)).max_by_key(|figure| part(figure));
        let figure = figure.unwrap();
        say(&format!("{what} ({})", figure.name), &micros(part(figure)), aim);
    };
    let is_asymmetric =
        |figure: &Figure| matches!(figure.signing, Signing::P256 | Signing::Ed25519);
    let is_hmac = |figure: &Figure| figure.signing == Signing::Hmac;
    let is_bearer = |figure: &Figure| figure.signing == Signing::Bearer;
    slowest("encode and sign, slowest HMAC venue", is_hmac, |figure| figure.encoded, "aim: 5 us");
    slowest("encode, with a token", is_bearer, |figure| figure.encoded, "aim: 5 us");
    slowest("encode, less the signature", is_asymmetric, |figure| figure.unsigned, "aim: 5 us");
    for figure in figures.iter().filter(|figure| is_asymmetric(figure)) {
        say(&format!("  beside: the signature ({})", figure.name), &micros(figure.signed), "");
    }
    slowest("decode a reply, slowest venue", |_| true, |figure| figure.reply, "aim: 10 us");
    slowest("decode 20 orders, slowest venue", |_| true, |figure| figure.page, "");
}

fn handed_over(runtime: &Runtime, instantly: &Instantly, raw: &Raw, kind: JournalKind) {
    let (instantly, raw) = (instantly.clone(), raw.clone());
    // In a task, as a host would submit; the plain thread is not one of the runtime's.
    let sampled = runtime.spawn(async move {
        let (mut alone, mut synced) = (Vec::new(), Vec::new());
        for _ in 0..SAMPLES {
            alone.push(instantly.handed_over().await);
            let start = Instant::now();
            raw.append();
            synced.push(start.elapsed());
        }
        alone.sort_unstable();
        (alone[SAMPLES / 10], median(alone), median(synced))
    });
    let (quiet, alone, synced) = runtime.block_on(sampled).unwrap();
    let what = format!("{kind}: submit -> both requests handed over");
    if kind == JournalKind::Memory {
        say(&what, &micros(alone), "aim: 50 us");
        return say("  in the tenth least disturbed by others", &micros(quiet), "");
    }
    say(&what, &micros(alone), "");
    say("  beside: raw append and data sync", &micros(synced), "");
    say("  more than that one sync", &micros(alone.saturating_sub(synced)), "aim: 100 us");
}

fn at_once(runtime: &Runtime, instantly: &Instantly, kind: JournalKind) {
    let before = processor_time();
    let sample = |_| runtime.block_on(instantly.at_once(BATCHES));
    let spent = median((0..SAMPLES_AT_ONCE).map(sample).collect());
    let used = processor_time().zip(before).map(|(after, before)| after - before);
    let rate = (LANES * BATCHES) as f64 / spent.as_secs_f64();
    let aim = if kind == JournalKind::Sled { "aim: 20000/s" } else { "" };
    say(&format!("{kind}: two legs in sequence, 64 batches at once"), &format!("{rate:.0}/s"), aim);
    if let Some(used) = used {
        let each = used / (u32::try_from(LANES * BATCHES).unwrap() * SAMPLES_AT_ONCE);
        say("  processor time of one batch, all threads", &micros(each), "");
    }
}

/// What this process has used of all processors; does not depend on what else runs on them.
fn processor_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // After the name in brackets: user and system time are the 12th and 13th fields, in hundredths of a second.
    let mut fields = stat.rsplit(')').next()?.split_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}
