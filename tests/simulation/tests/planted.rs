//! The checks can fail: every bug of the bank is noticed, by the claim it breaks, within its number of seeds.

#![cfg(planted)]
#![allow(clippy::print_stdout, reason = "the table is what a reader of the run wants")]

use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use equipoise_simulation::{Claim, Plant, Planted, Scenario, simulate};

/// The first seed that notices a bug, and the claim it breaks.
fn noticed(planted: &Planted) -> Option<(u64, Claim)> {
    (1..=planted.within).find_map(|seed| {
        let outcome = simulate(&Scenario::planted(seed, planted), false);
        Some((seed, outcome.violation?.claim))
    })
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
        let Planted { plant, breaks, rule, by, within, .. } = planted;
        let seen = noticed.map_or_else(
            || "NOT NOTICED".to_owned(),
            |(seed, claim)| format!("{claim:?} at seed {seed} of {within}"),
        );
        let _ = writeln!(table, "| {plant:?} | {breaks} | {rule} | {seen} |");
        if !noticed.is_some_and(|(_, claim)| by.contains(&claim)) {
            missed.push(plant);
        }
    }
    println!("| bug | what it breaks | rule | noticed by |\n|---|---|---|---|\n{table}");
    assert!(missed.is_empty(), "not noticed, or not by the claim it breaks: {missed:?}");
}

#[test]
fn the_bank_is_large_and_every_row_is_whole() {
    assert!(Plant::BANK.len() >= 30);
    for planted in Plant::BANK {
        assert!(!planted.by.is_empty() && planted.within > 0, "{:?}", planted.plant);
    }
}
