//! kill -9 at any moment, start again: the same ending and no second effect (P1, S1, S2).
//!
//! Each run has its own journal, its own simulated exchanges in another process, and production margins. The exchanges'
//! ledgers are the witness. `EQUIPOISE_KILLS` sets how many processes are killed, `EQUIPOISE_KILLS_SEED` repeats a
//! choice of moments (what the processes do in between is theirs).
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(clippy::print_stdout, reason = "the seed repeats a failure")]

mod support;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fastrand::Rng;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use support::{Desk, Started};

/// Runs under way at once; most of their time they wait for a proof of absence.
const WORKERS: usize = 10;
/// Starts after which a run must not be killed again, so that it comes to its end.
const KILLS_PER_RUN_MAX: usize = 3;
const FAULTS: [Option<&str>; 6] = [
    None,
    None,
    Some("bybit-reject"),
    Some("bybit-timeout-after-accept"),
    Some("partial-fill"),
    Some("binance-503-unknown"),
];

/// What was met, so that a person sees whether the moments were worth it.
#[derive(Debug, Default)]
struct Tally {
    runs: AtomicU64,
    kills: AtomicU64,
    /// Runs with an order whose outcome was unknown at some time.
    in_doubt: AtomicU64,
    /// Runs with an order that was proven never to have had an effect.
    absent: AtomicU64,
}

/// When a process is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// So long after its start.
    After(Duration),
    /// When it has told so many events.
    Told(usize),
}

#[test]
fn a_killed_run_ends_as_if_it_had_not_been_killed() {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let kills_wanted = number("EQUIPOISE_KILLS").unwrap_or(20);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = number("EQUIPOISE_KILLS_SEED").unwrap_or(u64::from(now.subsec_nanos()));
    println!("EQUIPOISE_KILLS_SEED={seed}");
    let tally = Tally::default();
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while tally.kills.load(Ordering::SeqCst) < kills_wanted {
                    let run = tally.runs.fetch_add(1, Ordering::SeqCst);
                    let mut rng = Rng::with_seed(seed.wrapping_add(run.wrapping_mul(0x9e37_79b9)));
                    one_run(&mut rng, &tally, &format!("seed {seed}, run {run}"));
                }
            });
        }
    });
    println!("{tally:?}");
}

/// Kills a run once or several times, lets it end, and compares its report with the ledgers.
fn one_run(rng: &mut Rng, tally: &Tally, name: &str) {
    let fault = FAULTS[rng.usize(..FAULTS.len())];
    let kind = if rng.bool() { "sled" } else { "redb" };
    let desk = Desk::with_journal(kind, fault);
    let mut told = format!("{name}, {kind}, fault {fault:?}");
    for start in 0..KILLS_PER_RUN_MAX {
        let moment = moment(rng);
        let command = if start > 0 && rng.bool() { "recover" } else { "run" };
        let arguments =
            [&[command][..], if command == "run" { &["plan.toml"] } else { &[] }].concat();
        let killed = kill_at(desk.start(&arguments), moment);
        told.push_str(&format!("; {command} killed at {moment:?}: {killed}"));
        tally.kills.fetch_add(u64::from(killed), Ordering::SeqCst);
        if !killed || rng.bool() {
            break;
        }
    }
    if rng.bool() {
        let code = desk.call(&["recover", "--json"]).code();
        assert!([0, 3].contains(&code), "{told}: recover ended with {code}");
    }
    let answer = desk.call(&["run", "plan.toml", "--json"]);
    assert!([0, 3].contains(&answer.code()), "{told}: {answer:?}");
    let report = answer.json();
    assert_neutral(&report, answer.code(), &told);
    assert_ledgers_agree(&desk, &report, &told);
    assert_repeats(&desk, &report, answer.code(), &told);
    count_doubts(&desk, &report, tally);
}

fn count_doubts(desk: &Desk, report: &Value, tally: &Tally) {
    let shown = desk.call(&["show", report["key"].as_str().unwrap(), "--json"]);
    let shown = shown.json();
    let met = |event: &str| {
        let mut entries = shown["timeline"].as_array().unwrap().iter();
        u64::from(entries.any(|entry| entry["event"] == event))
    };
    tally.in_doubt.fetch_add(met("in_doubt"), Ordering::SeqCst);
    tally.absent.fetch_add(met("absent"), Ordering::SeqCst);
}

/// Around the first sends, at any later step, or anywhere from before the journal exists to after the end.
fn moment(rng: &mut Rng) -> Moment {
    match rng.u8(..3) {
        0 => Moment::Told(rng.usize(1..4)),
        1 => Moment::Told(rng.usize(4..16)),
        _ => Moment::After(Duration::from_millis(rng.u64(..600))),
    }
}

/// False when the process had come to its end before.
fn kill_at(mut run: Started, moment: Moment) -> bool {
    match moment {
        Moment::After(delay) => std::thread::sleep(delay),
        Moment::Told(lines) => {
            run.lines(lines);
        }
    }
    let alive = run.child.try_wait().unwrap().is_none();
    run.child.kill().unwrap();
    run.child.wait().unwrap();
    alive
}

fn assert_neutral(report: &Value, code: i32, told: &str) {
    let status = if code == 0 { "done" } else { "flat" };
    assert_eq!(report["status"], status, "{told}: {report}");
    assert_eq!(report["net_delta"], json!({ "BTC": "0" }), "{told}: {report}");
    assert_eq!(report.get("in_doubt"), None, "{told}: {report}");
    assert_eq!(report["alarms"], json!([]), "{told}: {report}");
}

/// No id has two orders, and every leg holds at its exchange what the report says.
fn assert_ledgers_agree(desk: &Desk, report: &Value, told: &str) {
    let orders = desk.orders();
    for (index, adapter) in ["binance-usdm", "bybit-linear"].iter().enumerate() {
        let leg = &report["legs"][index];
        let accepted = orders.get(*adapter).map_or(&[][..], Vec::as_slice);
        let ids = leg["client_order_ids"].as_array().unwrap();
        let mut by_id: BTreeMap<&str, usize> = BTreeMap::new();
        for order in accepted {
            assert!(ids.contains(&json!(order.client_order_id)), "{told}: {order:?}");
            assert!(!order.is_open(), "{told}: {order:?}");
            *by_id.entry(&order.client_order_id).or_default() += 1;
        }
        assert!(by_id.values().all(|count| *count == 1), "{told}: {by_id:?}");
        let number = |field: &str| leg[field].as_str().unwrap().parse::<Decimal>().unwrap();
        let sum = |reduce_only: Option<bool>| -> Decimal {
            let counted = accepted
                .iter()
                .filter(|order| reduce_only.is_none_or(|wanted| order.reduce_only == wanted));
            counted.map(|order| order.side.signed(order.executed)).sum()
        };
        assert_eq!(sum(None), number("holding"), "{told}: {leg}");
        assert_eq!(sum(Some(false)).abs(), number("filled"), "{told}: {leg}");
    }
}

fn assert_repeats(desk: &Desk, report: &Value, code: i32, told: &str) {
    let count = desk.order_count();
    let again = desk.call(&["run", "plan.toml", "--json"]);
    assert_eq!(again.code(), code, "{told}: {again:?}");
    let again = again.json();
    assert_eq!(again["duplicate"], true, "{told}");
    assert_eq!(again["legs"], report["legs"], "{told}");
    assert_eq!(desk.order_count(), count, "{told}");
}
