//! Batches that ended move to closed segments, and nobody who asks for them notices.

use std::fs;
use std::path::PathBuf;

use equipoise_core::{Ending, Record, UnixMillis};
use equipoise_port::{Epoch, Journal, JournalError};
use equipoise_runtime::journal::{JournalKind, JournalOptions};

use crate::samples::{admission, append, ended, key, of, spec, step};
use crate::setup::{Place, options};

const STORED: [JournalKind; 2] = [JournalKind::Sled, JournalKind::Redb];
const KEPT: usize = 3;
const SEGMENT: usize = 4;

fn archiving() -> JournalOptions {
    JournalOptions { ended_kept: KEPT, segment_batches: SEGMENT, ..options() }
}

async fn start(place: &Place) -> (std::sync::Arc<dyn Journal>, Epoch) {
    let journal = place.try_open_with(&archiving()).unwrap();
    let epoch = journal.begin_epoch("test build").await.unwrap();
    (journal, epoch)
}

fn segment(place: &Place, number: u64) -> PathBuf {
    place.path().join("archive").join(format!("segment-{number:016}"))
}

fn whole(index: u64) -> Vec<Record> {
    vec![Record::Admitted(Box::new(spec(index))), step(index), ended()]
}

async fn run(journal: &dyn Journal, epoch: Epoch, index: u64) {
    journal.append(admission(epoch, index)).await.unwrap();
    journal.append(append(epoch, index, 2, vec![ended()])).await.unwrap();
}

/// Asks, as any user would, until a segment is there. The one before it is entered by then.
async fn until_there(journal: &dyn Journal, place: &Place, number: u64) {
    while !segment(place, number).exists() {
        // Wherever it is meanwhile.
        assert!(journal.read(key(0)).await.unwrap().is_some());
    }
}

/// A journal with two segments entered and a third at least begun; there is nothing for a fourth.
async fn archived(kind: JournalKind) -> Place {
    let place = Place::new(kind);
    let (journal, epoch) = start(&place).await;
    for index in 0..(KEPT + 3 * SEGMENT) as u64 {
        run(&*journal, epoch, index).await;
    }
    until_there(&*journal, &place, 3).await;
    journal.close().await.unwrap();
    place
}

#[tokio::test]
async fn archived_batches_are_listed_read_and_refused_again_like_any_other() {
    for kind in STORED {
        let place = archived(kind).await;
        for _ in 0..2 {
            let (journal, epoch) = start(&place).await;
            let all = 0..(KEPT + 3 * SEGMENT) as u64;
            assert!(!journal.is_fresh());
            assert_eq!(journal.batches().await, Ok(all.clone().map(key).collect()));
            assert_eq!(journal.open_batches().await, Ok(Vec::new()));
            for index in all {
                assert_eq!(journal.read(key(index)).await, Ok(Some(whole(index))), "{index}");
                let occasion = of(&format!("occasion-{index}"));
                let used = journal.occasion(&of("funding-arb"), &occasion).await;
                assert_eq!(used, Ok(vec![key(index)]));
                assert_eq!(
                    journal.append(admission(epoch, index)).await,
                    Err(JournalError::OutOfSequence { batch: key(index), expected: 0, actual: 3 })
                );
            }
        }
    }
}

#[tokio::test]
async fn records_added_to_an_archived_batch_follow_on_those_in_the_archive() {
    for kind in STORED {
        let place = archived(kind).await;
        let (journal, epoch) = start(&place).await;
        let late = [step(7), ended()];
        journal.append(append(epoch, 1, 3, late.to_vec())).await.unwrap();
        let expected: Vec<_> = whole(1).into_iter().chain(late).collect();
        assert_eq!(journal.read(key(1)).await, Ok(Some(expected.clone())));
        // Its second end does not move it again.
        for index in 100..100 + 2 * SEGMENT as u64 {
            run(&*journal, epoch, index).await;
        }
        until_there(&*journal, &place, 4).await;
        drop(journal);
        let (journal, epoch) = start(&place).await;
        assert_eq!(journal.read(key(1)).await, Ok(Some(expected)));
        assert!(matches!(
            journal.append(append(epoch, 1, 3, vec![step(8)])).await,
            Err(JournalError::OutOfSequence { actual: 5, .. })
        ));
        assert_eq!(journal.append(append(epoch, 1, 5, vec![step(8)])).await, Ok(()));
    }
}

#[tokio::test]
async fn parked_and_open_batches_stay_in_the_store() {
    for kind in STORED {
        let place = Place::new(kind);
        let (journal, epoch) = start(&place).await;
        let parked = Record::Ended {
            ending: Ending::Parked,
            why: "a position nobody may touch".into(),
            at: UnixMillis(5),
        };
        for index in 0..3 {
            journal.append(admission(epoch, index)).await.unwrap();
            if index != 1 {
                journal.append(append(epoch, index, 2, vec![parked.clone()])).await.unwrap();
            }
        }
        for index in 10..(10 + KEPT + 3 * SEGMENT) as u64 {
            run(&*journal, epoch, index).await;
        }
        until_there(&*journal, &place, 2).await;
        drop(journal);
        for path in [segment(&place, 1), segment(&place, 2)] {
            let bytes = fs::read(path).unwrap();
            for text in ["occasion-0", "occasion-1", "occasion-2", "nobody may touch"] {
                let text = text.as_bytes();
                let found = bytes
                    .windows(text.len() + 1)
                    .any(|window| window.starts_with(text) && !window[text.len()].is_ascii_digit());
                assert!(!found, "{}", String::from_utf8_lossy(text));
            }
        }
        let (journal, epoch) = start(&place).await;
        assert_eq!(journal.open_batches().await, Ok(vec![key(1)]));
        assert_eq!(journal.read(key(0)).await.unwrap().unwrap()[2], parked);
        // A recovery may still end it otherwise.
        journal.append(append(epoch, 0, 3, vec![step(1), ended()])).await.unwrap();
        assert_eq!(journal.read(key(0)).await.unwrap().unwrap().len(), 5);
    }
}

#[tokio::test]
async fn a_segment_that_is_missing_or_of_another_length_is_refused_at_open_and_not_made_again() {
    for kind in STORED {
        let place = archived(kind).await;
        let (path, aside) = (segment(&place, 1), place.path().join("aside"));
        fs::rename(&path, &aside).unwrap();
        assert!(refusal(&place).starts_with("segment 1 of its archive is missing; "));
        assert!(!path.exists());
        let bytes = fs::read(&aside).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        let len = bytes.len();
        let short = format!("segment 1 of its archive has {} bytes instead of {len}; ", len - 1);
        assert!(refusal(&place).starts_with(&short));
        fs::write(&path, &bytes).unwrap();
        drop(start(&place).await);
    }
}

fn refusal(place: &Place) -> String {
    match place.try_open_with(&archiving()).err() {
        Some(JournalError::Damaged(text)) => text,
        other => panic!("not refused as damaged: {other:?}"),
    }
}

#[tokio::test]
async fn a_changed_byte_in_a_segment_is_refused_when_it_is_read_and_harms_no_other() {
    for kind in STORED {
        let place = archived(kind).await;
        let path = segment(&place, 2);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let (journal, epoch) = start(&place).await;
        let in_second = key(SEGMENT as u64);
        let Err(JournalError::Damaged(text)) = journal.read(in_second).await else {
            panic!("read as if whole");
        };
        assert!(text.starts_with("segment 2 of its archive does not match its checksum; "));
        assert_eq!(journal.read(key(0)).await, Ok(Some(whole(0))));
        assert_eq!(journal.append(admission(epoch, 77)).await, Ok(()));
    }
}

#[tokio::test]
async fn what_a_kill_left_before_a_segment_was_entered_is_replaced() {
    for kind in STORED {
        let place = archived(kind).await;
        // The next number may be taken already by a file that was never entered.
        for number in 4..7 {
            let path = segment(&place, number);
            fs::write(path.with_extension("unfinished"), b"half").unwrap();
            fs::write(path, b"whole, and known to nobody").unwrap();
        }
        let (journal, epoch) = start(&place).await;
        for index in 100..100 + 4 * SEGMENT as u64 {
            run(&*journal, epoch, index).await;
        }
        until_there(&*journal, &place, 7).await;
        drop(journal);
        let (journal, _) = start(&place).await;
        for index in (0..(KEPT + 3 * SEGMENT) as u64).chain(100..100 + 4 * SEGMENT as u64) {
            assert_eq!(journal.read(key(index)).await, Ok(Some(whole(index))), "{index}");
        }
    }
}

#[tokio::test]
async fn an_archive_without_its_anchor_is_no_creation_that_was_cut_off() {
    let place = archived(JournalKind::Redb).await;
    fs::remove_file(place.path().join("anchor")).unwrap();
    fs::write(place.path().join("creating"), b"").unwrap();
    assert!(refusal(&place).starts_with("its anchor is missing beside "));
    assert!(segment(&place, 1).exists());
    fs::remove_file(place.path().join("journal.redb")).unwrap();
    fs::remove_file(place.path().join("creating")).unwrap();
    assert!(refusal(&place).starts_with("its anchor is missing beside "));
}
