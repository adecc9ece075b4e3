//! A short run of power cuts over both stored journals; the long runs are the program's.
#![allow(clippy::unwrap_used, reason = "tests")]
#![cfg(all(target_os = "linux", target_pointer_width = "64"))]

use std::sync::Mutex;

use equipoise_power_loss::{JournalKind, Part, Plan, Tally, run};

/// A process captures one journal at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn cut(kind: JournalKind, without_syncs: Option<Part>) -> Tally {
    let _turn = ONE_AT_A_TIME.lock().unwrap();
    let plan = Plan {
        kind,
        prefixes: false,
        states: if without_syncs.is_some() { 40 } else { 80 },
        // About one in seven is refused; the others did not matter, or the log made up for them.
        lies: if without_syncs.is_some() { 0 } else { 60 },
        second_cuts: if without_syncs.is_some() { 0 } else { 2 },
        seed: 1,
        without_syncs,
        keep: None,
    };
    run(&plan, |_| {}).unwrap()
}

fn assert_kept(kind: JournalKind) {
    let tally = cut(kind, None);
    assert!(tally.failures.is_empty(), "{:#?}", tally.failures);
    assert_eq!(tally.states, 96);
    assert!(tally.records > 10_000, "{tally:?}");
    assert!(tally.segments > 0, "{tally:?}");
    assert!(tally.lies_refused > 0, "{tally:?}");
}

#[test]
fn a_sled_journal_keeps_every_acknowledged_record_through_power_cuts() {
    assert_kept(JournalKind::Sled);
}

#[test]
fn a_redb_journal_keeps_every_acknowledged_record_through_power_cuts() {
    assert_kept(JournalKind::Redb);
}

#[test]
fn a_store_or_an_archive_that_is_not_synced_is_caught() {
    for kind in [JournalKind::Sled, JournalKind::Redb] {
        for part in [Part::Store, Part::Archive] {
            let tally = cut(kind, Some(part));
            let (failures, states) = (tally.failures.len(), tally.states);
            assert!(failures > 5, "{part:?}: {failures} of {states}");
        }
    }
}
