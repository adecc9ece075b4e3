//! Seeds of the driven simulation that run with every test run; many more are played by the binary.
#![allow(clippy::unwrap_used, reason = "tests")]

use equipoise_driven::{Marks, Scenario, run};

/// Plays so many seeds; the failing ones are named with what they showed.
fn play(seeds: std::ops::Range<u64>) -> Marks {
    let mut marks = Marks::default();
    let mut failed = Vec::new();
    for seed in seeds {
        let outcome = run(seed);
        marks.add(&outcome.marks);
        for violation in outcome.violations {
            failed.push(format!("seed {seed}: {}: {}", violation.claim, violation.seen));
        }
    }
    let again = "EQUIPOISE_DRIVEN_SEED=<seed> cargo run -p equipoise-driven";
    assert!(failed.is_empty(), "{}\nplay one again with {again}", failed.join("\n"));
    marks
}

#[test]
fn whatever_goes_wrong_every_batch_ends_truly() {
    let halves: Vec<Marks> = std::thread::scope(|scope| {
        let halves = [scope.spawn(|| play(0..120)), scope.spawn(|| play(120..240))];
        halves.into_iter().map(|half| half.join().unwrap()).collect()
    });
    let mut marks = Marks::default();
    halves.iter().for_each(|half| marks.add(half));
    assert!(marks.missing().is_empty(), "never met: {:?}", marks.missing());
    for ending in ["batch done", "batch flat"] {
        assert!(marks.count(ending) >= 50, "{ending}: {}", marks.count(ending));
    }
}

#[test]
fn seeds_that_once_failed_pass() {
    for line in include_str!("../regressions/seeds.txt").lines() {
        let seed = line.split('#').next().unwrap().trim();
        if !seed.is_empty() {
            let seed = seed.parse().unwrap();
            play(seed..seed + 1);
        }
    }
}

#[test]
fn a_seed_repeats_line_by_line() {
    for seed in [3, 7, 8, 341] {
        let (first, second) = (run(seed), run(seed));
        assert_eq!(first.trace, second.trace, "seed {seed}");
        assert_eq!(first.marks, second.marks, "seed {seed}");
    }
}

#[test]
fn the_second_copy_of_a_refused_request_is_found_out() {
    let mut late = 0;
    for seed in 0..10 {
        let outcome = Scenario::refused_then_doubled(seed).play(false);
        assert_eq!(outcome.violations, [], "seed {seed}");
        late += outcome.marks.count("copy of a refused order executed");
    }
    assert!(late > 0, "no second copy was executed");
}
