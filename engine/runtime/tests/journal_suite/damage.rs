//! What is refused because it is not what was written.

use std::fs;
use std::path::{Path, PathBuf};

use equipoise_port::JournalError;
use equipoise_runtime::journal::{self, JournalKind};

use crate::samples::{admission, append, ended, key};
use crate::setup::Place;

const STORED: [JournalKind; 2] = [JournalKind::Sled, JournalKind::Redb];

/// A journal of some batches, closed cleanly.
async fn filled(kind: JournalKind) -> Place {
    let place = Place::new(kind);
    let (journal, epoch) = place.start().await;
    for index in 0..40 {
        journal.append(admission(epoch, index)).await.unwrap();
        let end = append(epoch, index, 2, vec![ended()]);
        journal.append(end).await.unwrap();
    }
    journal.close().await.unwrap();
    place
}

fn store_of(kind: JournalKind, path: &Path) -> PathBuf {
    path.join(match kind {
        JournalKind::Redb => "journal.redb",
        _ => "sled",
    })
}

fn refusal(place: &Place) -> String {
    assert!(journal::exists(&place.path()));
    match place.try_open().err() {
        Some(JournalError::Damaged(text)) => text,
        other => panic!("not refused as damaged: {other:?}"),
    }
}

#[tokio::test]
async fn a_missing_store_is_refused_and_not_created_again() {
    for kind in STORED {
        let place = filled(kind).await;
        let store = store_of(kind, &place.path());
        if store.is_dir() {
            fs::remove_dir_all(&store).unwrap();
        } else {
            fs::remove_file(&store).unwrap();
        }
        assert!(refusal(&place).starts_with("its store is missing; "));
        assert!(!store.exists());
    }
}

#[tokio::test]
async fn a_sled_folder_without_its_database_file_is_refused() {
    let place = filled(JournalKind::Sled).await;
    let store = store_of(JournalKind::Sled, &place.path());
    fs::remove_file(store.join("db")).unwrap();
    assert!(refusal(&place).starts_with("its store is missing; "));
}

#[tokio::test]
async fn a_missing_or_unreadable_anchor_is_refused() {
    for kind in STORED {
        let place = filled(kind).await;
        let anchor = place.path().join("anchor");
        fs::write(&anchor, [0; 8192]).unwrap();
        assert!(refusal(&place).starts_with("its anchor is unreadable; "));
        fs::remove_file(&anchor).unwrap();
        let store = store_of(kind, &place.path());
        let store = store.file_name().unwrap().to_string_lossy();
        let found = format!("its anchor is missing beside {store}, log-0, log-1, checkpoint; ");
        assert!(refusal(&place).starts_with(&found));
    }
}

#[test]
fn whatever_is_left_of_a_journal_without_anchor_and_store_is_refused_and_kept() {
    for kind in STORED {
        for left in ["log-0", "log-1", "checkpoint", "sled.damaged", "archive"] {
            let place = Place::new(kind);
            fs::create_dir_all(place.path()).unwrap();
            fs::write(place.path().join(left), b"left").unwrap();
            let found = format!("its anchor is missing beside {left}; ");
            assert!(refusal(&place).starts_with(&found));
            assert_eq!(fs::read(place.path().join(left)).unwrap(), b"left");
            assert!(!place.path().join("creating").exists());
        }
    }
}

#[tokio::test]
async fn a_store_older_than_its_anchor_is_refused() {
    for kind in STORED {
        let place = filled(kind).await;
        let (store, older) = (store_of(kind, &place.path()), place.path().join("older"));
        copy(&store, &older);
        let (journal, epoch) = place.start().await;
        journal.append(admission(epoch, 100)).await.unwrap();
        journal.close().await.unwrap();
        copy(&older, &store);
        assert!(
            refusal(&place).starts_with(
                "it ends at value 81 although value 83 was durable; nothing is traded: "
            )
        );
    }
}

#[tokio::test]
async fn an_anchor_of_another_journal_is_refused() {
    let (place, other) = (filled(JournalKind::Redb).await, Place::new(JournalKind::Redb));
    let (journal, epoch) = other.start().await;
    journal.append(admission(epoch, 7)).await.unwrap();
    journal.close().await.unwrap();
    let anchor = |place: &Place| place.path().join("anchor");
    fs::copy(anchor(&other), anchor(&place)).unwrap();
    assert!(refusal(&place).starts_with("its anchor does not belong to it"));
}

#[tokio::test]
async fn a_flipped_byte_in_a_stored_record_is_refused() {
    for kind in STORED {
        let place = filled(kind).await;
        let file = match kind {
            JournalKind::Sled => store_of(kind, &place.path()).join("db"),
            _ => store_of(kind, &place.path()),
        };
        let mut bytes = fs::read(&file).unwrap();
        let text = b"every leg filled";
        let found = bytes
            .windows(text.len())
            .enumerate()
            .filter(|(_, window)| window == text)
            .map(|(at, _)| at)
            .collect::<Vec<_>>();
        assert!(!found.is_empty());
        for at in found {
            bytes[at] ^= 0x20;
        }
        fs::write(&file, &bytes).unwrap();
        refusal(&place);
    }
}

#[tokio::test]
async fn a_store_cut_short_is_refused() {
    for kind in STORED {
        let place = filled(kind).await;
        let file = match kind {
            JournalKind::Sled => store_of(kind, &place.path()).join("db"),
            _ => store_of(kind, &place.path()),
        };
        let file = fs::OpenOptions::new().write(true).open(file).unwrap();
        file.set_len(4096).unwrap();
        refusal(&place);
    }
}

#[tokio::test]
async fn another_kind_than_the_one_that_made_it_is_refused_by_name() {
    let place = filled(JournalKind::Redb).await;
    let refused = journal::open(JournalKind::Sled, &place.path(), &crate::setup::options());
    let path = place.path().display().to_string();
    assert_eq!(
        refused.err(),
        Some(JournalError::Unopened(format!("{path} holds a redb journal, not a sled one")))
    );
    assert!(!place.path().join("sled").exists());
}

#[tokio::test]
async fn a_creation_cut_off_before_anything_was_durable_opens_as_new() {
    for kind in STORED {
        let place = Place::new(kind);
        drop(place.open());
        assert!(place.path().join("creating").exists());
        assert!(!journal::exists(&place.path()));
        // Whatever half of a store was left behind.
        let store = store_of(kind, &place.path());
        if store.is_dir() {
            fs::write(store.join("conf"), b"half").unwrap();
        } else {
            fs::write(&store, b"half").unwrap();
        }
        let (journal, epoch) = place.start().await;
        assert!(journal.is_fresh());
        assert_eq!(epoch.0, 1);
        assert!(journal::exists(&place.path()));
    }
}

#[tokio::test]
async fn a_creation_cut_off_after_its_first_anchor_is_a_journal_like_any_other() {
    for kind in STORED {
        let place = filled(kind).await;
        let mark = place.path().join("creating");
        fs::write(&mark, b"").unwrap();
        assert!(journal::exists(&place.path()));
        let journal = place.open();
        assert!(!journal.is_fresh());
        assert!(!mark.exists(), "or a later loss would pass for a creation");
    }
}

#[tokio::test]
async fn snapshots_that_a_kill_left_unfinished_do_not_hinder_the_next_open() {
    let place = filled(JournalKind::Sled).await;
    let store = store_of(JournalKind::Sled, &place.path());
    let left = store.join("snap.0000000000000001.generating");
    fs::write(&left, b"half a snapshot").unwrap();
    let journal = place.open();
    assert!(!left.exists());
    assert_eq!(journal.batches().await.unwrap().len(), 40);
    assert_eq!(journal.batches().await.unwrap()[5], key(5));
}

fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::copy(from, to).unwrap();
        return;
    }
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}
