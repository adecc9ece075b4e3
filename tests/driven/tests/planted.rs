//! The checks can fail: every bug of the bank is noticed, by the claim it breaks, within its number of seeds.

#![cfg(planted)]
#![allow(clippy::print_stdout, reason = "the table is what a reader of the run wants")]

use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use equipoise_driven::{Plant, Planted, Scenario};

/// The first seed in which a bug is noticed by a claim it breaks, and that claim; what else was noticed does not count,
/// and is told where nothing better was.
fn noticed(planted: &Planted) -> Option<(u64, &'static str, bool)> {
    let mut beside = None;
    for seed in 0..planted.within {
        let outcome = Scenario::planted(seed, planted).play(false);
        let mut claims = outcome.violations.iter().map(|violation| violation.claim);
        let first = claims.clone().next();
        if let Some(claim) = claims.find(|claim| planted.by.iter().any(|by| claim.starts_with(by)))
        {
            return Some((seed, claim, true));
        }
        beside = beside.or(first.map(|claim| (seed, claim, false)));
    }
    beside
}

#[test]
fn every_planted_bug_is_noticed() {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(planted) = Plant::BANK.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let noticed = noticed(planted);
                    found.lock().unwrap_or_else(PoisonError::into_inner).push((planted, noticed));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|(planted, _)| planted.plant as usize);
    let (mut table, mut missed) = (String::new(), Vec::new());
    for (planted, noticed) in found {
        let Planted { plant, breaks, rule, within, .. } = planted;
        let seen = noticed.map_or_else(
            || "NOT NOTICED".to_owned(),
            |(seed, claim, _)| format!("{claim}, seed {seed} of {within}"),
        );
        let _ = writeln!(table, "| {plant:?} | {breaks} | {rule} | {seen} |");
        if !noticed.is_some_and(|(_, _, expected)| expected) {
            missed.push(plant);
        }
    }
    println!("| bug | what it breaks | rule | noticed by |\n|---|---|---|---|\n{table}");
    assert!(missed.is_empty(), "not noticed, or not by the claim it breaks: {missed:?}");
}
