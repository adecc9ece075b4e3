//! A store that a cut made unreadable is made again from what is beside it, whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use equipoise_core::Record;
use equipoise_port::JournalError;
use equipoise_runtime::journal::{JournalKind, JournalOptions};

use crate::samples::{admission, append, ended, key, of, spec, step};
use crate::setup::{Place, options};

const STORED: [(JournalKind, &str); 2] =
    [(JournalKind::Sled, "sled"), (JournalKind::Redb, "journal.redb")];
const ENDED: u64 = 12;

fn archiving() -> JournalOptions {
    JournalOptions { ended_kept: 3, segment_batches: 4, ..options() }
}

/// What a kill leaves of a journal with ended batches, some of them archived, and an open one.
async fn killed(kind: JournalKind) -> Place {
    let place = Place::new(kind);
    let journal = place.try_open_with(&archiving()).unwrap();
    let epoch = journal.begin_epoch("test build").await.unwrap();
    for index in 0..ENDED {
        journal.append(admission(epoch, index)).await.unwrap();
        journal.append(append(epoch, index, 2, vec![ended()])).await.unwrap();
    }
    journal.append(admission(epoch, ENDED)).await.unwrap();
    while !place.path().join("archive/segment-0000000000000002").exists() {
        journal.read(key(0)).await.unwrap();
    }
    journal.close().await.unwrap();
    // By now the store holds all of it; the next start is the one that is killed.
    let journal = place.try_open_with(&archiving()).unwrap();
    journal.begin_epoch("test build").await.unwrap();
    let left = Place::new(kind);
    copy(&place.path(), &left.path());
    left
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, to) = entry.map(|entry| (entry.path(), to.join(entry.file_name()))).unwrap();
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

/// The file a store is in.
fn file(store: PathBuf) -> PathBuf {
    if store.is_dir() { store.join("db") } else { store }
}

fn spoil(path: &Path) {
    let len = usize::try_from(fs::metadata(path).unwrap().len()).unwrap();
    fs::write(path, vec![0x5a; len]).unwrap();
}

async fn holds_everything(place: &Place) {
    let journal = place.try_open_with(&archiving()).unwrap();
    assert_eq!(journal.batches().await, Ok((0..=ENDED).map(key).collect()));
    assert_eq!(journal.open_batches().await, Ok(vec![key(ENDED)]));
    for index in 0..ENDED {
        let whole = vec![Record::Admitted(Box::new(spec(index))), step(index), ended()];
        assert_eq!(journal.read(key(index)).await, Ok(Some(whole)), "{index}");
        let occasion = of(&format!("occasion-{index}"));
        assert_eq!(journal.occasion(&of("funding-arb"), &occasion).await, Ok(vec![key(index)]));
    }
    let epoch = journal.begin_epoch("test build").await.unwrap();
    assert_eq!(epoch.0, 3);
    let again = journal.append(admission(epoch, 0)).await;
    let used = JournalError::OutOfSequence { batch: key(0), expected: 0, actual: 3 };
    assert_eq!(again, Err(used));
    assert_eq!(journal.append(append(epoch, ENDED, 2, vec![ended()])).await, Ok(()));
}

#[tokio::test]
async fn a_store_spoiled_after_a_kill_is_made_again_and_kept_beside_the_other() {
    for (kind, name) in STORED {
        let place = killed(kind).await;
        let store = place.path().join(name);
        spoil(&file(store));
        holds_everything(&place).await;
        let replaced = fs::read(file(place.path().join(format!("{name}.damaged")))).unwrap();
        assert!(replaced.iter().all(|byte| *byte == 0x5a));
    }
}

#[tokio::test]
async fn a_store_that_came_back_shorter_after_a_kill_is_made_again() {
    for (kind, name) in STORED {
        let (place, empty) = (killed(kind).await, Place::new(kind));
        drop(empty.open());
        let store = place.path().join(name);
        fs::remove_dir_all(&store).or_else(|_| fs::remove_file(&store)).unwrap();
        let other = empty.path().join(name);
        if other.is_dir() {
            copy(&other, &store);
        } else {
            fs::copy(other, store).unwrap();
        }
        holds_everything(&place).await;
    }
}

#[tokio::test]
async fn a_swap_that_was_cut_off_is_finished() {
    for (kind, name) in STORED {
        let place = killed(kind).await;
        let [store, repaired] =
            ["", ".repaired"].map(|end| place.path().join(format!("{name}{end}")));
        fs::rename(&store, repaired).unwrap();
        holds_everything(&place).await;
    }
}

#[tokio::test]
async fn a_store_that_went_on_after_a_kill_is_made_again_even_after_a_clean_end() {
    for (kind, name) in STORED {
        let place = killed(kind).await;
        place.try_open_with(&archiving()).unwrap().close().await.unwrap();
        spoil(&file(place.path().join(name)));
        holds_everything(&place).await;
    }
}

#[tokio::test]
async fn nothing_is_made_again_from_a_part() {
    for (kind, name) in STORED {
        for gone in ["checkpoint", "log-0", "archive/segment-0000000000000001", "anchor"] {
            let place = killed(kind).await;
            let store = file(place.path().join(name));
            spoil(&store);
            spoil(&place.path().join(gone));
            let refused = place.try_open_with(&archiving()).err();
            assert!(matches!(refused, Some(JournalError::Damaged(_))), "{gone}: {refused:?}");
            assert!(fs::read(&store).unwrap().iter().all(|byte| *byte == 0x5a), "left as it was");
            assert!(!place.path().join(format!("{name}.damaged")).exists());
        }
    }
}

#[tokio::test]
async fn a_store_that_may_still_be_opening_is_not_replaced_and_keeps_its_mark() {
    for (kind, name) in STORED {
        let place = killed(kind).await;
        let clean = Place::new(kind);
        copy(&place.path(), &clean.path());
        clean.try_open_with(&archiving()).unwrap().close().await.unwrap();
        for place in [place, clean] {
            let slow = JournalOptions { open_budget: Duration::ZERO, ..archiving() };
            let refused = place.try_open_with(&slow).err();
            let late = JournalError::Unopened("store did not open within 0 s".into());
            assert_eq!(refused, Some(late));
            assert!(!place.path().join(format!("{name}.damaged")).exists());
            assert!(place.path().join("running").exists());
        }
    }
}

#[tokio::test]
async fn a_checkpoint_that_changed_is_refused_while_the_store_is_whole() {
    for (kind, _) in STORED {
        for clean in [false, true] {
            let place = killed(kind).await;
            if clean {
                place.try_open_with(&archiving()).unwrap().close().await.unwrap();
            }
            spoil(&place.path().join("checkpoint"));
            let refused = place.try_open_with(&archiving()).err();
            assert!(
                matches!(&refused, Some(JournalError::Damaged(text))
                    if text.starts_with("its checkpoint is unreadable; ")),
                "{refused:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_journal_that_lost_its_checkpoint_is_refused_while_the_store_is_whole() {
    for (kind, _) in STORED {
        for clean in [false, true] {
            let place = killed(kind).await;
            if clean {
                place.try_open_with(&archiving()).unwrap().close().await.unwrap();
            }
            fs::remove_file(place.path().join("checkpoint")).unwrap();
            let refused = place.try_open_with(&archiving()).err();
            assert!(
                matches!(&refused, Some(JournalError::Damaged(text))
                    if text.starts_with("its checkpoint is missing; ")),
                "{refused:?}"
            );
            assert!(!place.path().join("checkpoint").exists());
        }
    }
}

#[tokio::test]
async fn a_repair_that_was_cut_off_leaves_nothing_behind() {
    for (kind, name) in STORED {
        let place = killed(kind).await;
        let half = place.path().join(format!("{name}.repairing"));
        fs::write(&half, b"half").unwrap();
        holds_everything(&place).await;
        assert!(!half.exists());
    }
}
