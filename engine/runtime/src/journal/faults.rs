//! Tests of the committer over a store that fails on request.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use equipoise_core::Record;
use equipoise_port::{Epoch, Journal, JournalError};
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use tempfile::TempDir;

use super::anchor::{self, Anchor, Reading};
use super::committer::GROUP_MAX;
use super::continuity::{self, Findings};
use super::folder::Folder;
use super::head::Head;
use super::index::{Entry, put_pages, read_page};
use super::layout;
use super::samples::{admission, append, ended, key, step};
use super::shared::{Opened, WAITING_MAX};
use super::store::{Reads, Store, StoreError, Visit, Write, WriteBatch};
use super::stored::StoredJournal;
use super::writer::stage_index;
use super::{JournalKind, JournalOptions};

type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// A store in memory that counts its commits and fails when told to.
#[derive(Clone, Default)]
struct Faulty {
    entries: Arc<Mutex<Entries>>,
    fails: Arc<Mutex<Option<StoreError>>>,
    reads_fail: Arc<AtomicBool>,
    commits: Arc<AtomicU32>,
    /// Held by a test to keep a commit from ending.
    gate: Arc<Mutex<()>>,
    panics: Arc<AtomicBool>,
    /// What the next scan meets.
    slow_scan: Arc<Mutex<Option<SlowScan>>>,
}

/// A scan that says when it begins, and goes on when it is told to, or after a while.
struct SlowScan {
    begun: Sender<()>,
    go_on: Receiver<()>,
    ended: Arc<AtomicBool>,
}

impl Reads for Faulty {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if self.reads_fail.load(Ordering::Relaxed) {
            return Err(StoreError::Io("read fault".into()));
        }
        Ok(self.entries.lock().unwrap().get(key).cloned())
    }

    fn scan(&self, prefix: &[u8], visit: Visit<'_>) -> Result<(), JournalError> {
        let entries = self.entries.lock().unwrap().clone();
        let slow = self.slow_scan.lock().unwrap().take();
        if let Some(SlowScan { begun, go_on, ended }) = slow {
            begun.send(()).unwrap();
            let _ = go_on.recv_timeout(Duration::from_millis(200));
            ended.store(true, Ordering::SeqCst);
        }
        entries
            .range(prefix.to_vec()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .try_for_each(|(key, value)| visit(key, value))
    }
}

impl Store for Faulty {
    fn commit(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        drop(self.gate.lock().unwrap());
        self.commits.fetch_add(1, Ordering::Relaxed);
        assert!(!self.panics.load(Ordering::Relaxed), "test panic");
        if let Some(error) = &*self.fails.lock().unwrap() {
            return Err(error.clone());
        }
        let mut entries = self.entries.lock().unwrap();
        for write in batch.iter() {
            match write {
                Write::Put(key, value) => entries.insert(key.to_vec(), value.to_vec()),
                Write::Delete(key) => entries.remove(key),
            };
        }
        Ok(())
    }
}

fn journal(store: &Faulty, path: &Path) -> StoredJournal {
    journal_with(store, path, &JournalOptions::default())
}

fn journal_with(store: &Faulty, path: &Path, options: &JournalOptions) -> StoredJournal {
    let folder = Folder::new(path, JournalKind::Sled);
    let lock = Arc::new(folder.lock().unwrap());
    folder.begin_creation().unwrap();
    let opened = Opened { store: Box::new(store.clone()), _making: None, _lock: lock };
    let anchor = Anchor::unwritten(folder.anchor());
    let findings = continuity::check(store, None).unwrap();
    let options = JournalOptions { free_floor_bytes: 0, ..options.clone() };
    StoredJournal::start(opened, folder, anchor, findings, path, &options).unwrap()
}

#[tokio::test]
async fn after_a_failed_sync_every_waiter_and_every_later_caller_gets_the_failure_and_nothing_is_tried_again()
 {
    let folder = tempfile::tempdir().unwrap();
    let store = Faulty::default();
    let journal = journal(&store, folder.path());
    let epoch = journal.begin_epoch("test").await.unwrap();
    journal.append(admission(epoch, 0)).await.unwrap();
    *store.fails.lock().unwrap() = Some(StoreError::Io("sync fault".into()));

    let failed = JournalError::Failed("sync fault".into());
    let waiters = (1..9).map(|index| journal.append(admission(epoch, index)));
    for answer in join_all(waiters).await {
        assert_eq!(answer, Err(failed.clone()));
    }
    let commits = store.commits.load(Ordering::Relaxed);
    *store.fails.lock().unwrap() = None;
    assert_eq!(journal.append(append(epoch, 0, 2, vec![step(2)])).await, Err(failed.clone()));
    assert_eq!(journal.begin_epoch("test").await, Err(failed.clone()));
    assert_eq!(journal.read(key(0)).await, Err(failed.clone()));
    assert_eq!(journal.open_batches().await, Err(failed.clone()));
    assert_eq!(journal.ready_for_batch().await, Err(failed.clone()));
    assert_eq!(store.commits.load(Ordering::Relaxed), commits);
    assert_eq!(journal.close().await, Err(failed));
}

#[tokio::test]
async fn a_full_device_fails_the_journal_and_a_later_start_goes_on_from_what_was_durable() {
    let folder = tempfile::tempdir().unwrap();
    let store = Faulty::default();
    let first = journal(&store, folder.path());
    let epoch = first.begin_epoch("test").await.unwrap();
    first.append(admission(epoch, 0)).await.unwrap();
    *store.fails.lock().unwrap() = Some(StoreError::Full("test device".into()));
    let refused = first.append(append(epoch, 0, 2, vec![ended()])).await;
    assert_eq!(refused, Err(JournalError::Failed("no space left: test device".into())));
    drop(first);

    *store.fails.lock().unwrap() = None;
    let second = journal(&store, folder.path());
    assert_eq!(second.open_batches().await, Ok(vec![key(0)]));
    let epoch = second.begin_epoch("test").await.unwrap();
    assert_eq!(epoch.0, 2);
    assert_eq!(second.append(append(epoch, 0, 2, vec![ended()])).await, Ok(()));
}

#[tokio::test]
async fn a_store_that_cannot_be_read_fails_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let store = Faulty::default();
    let journal = journal(&store, folder.path());
    let epoch = journal.begin_epoch("test").await.unwrap();
    journal.append(admission(epoch, 1)).await.unwrap();
    journal.append(append(epoch, 1, 2, vec![ended()])).await.unwrap();
    let commits = store.commits.load(Ordering::Relaxed);
    store.reads_fail.store(true, Ordering::Relaxed);
    let failed = Err(JournalError::Failed("read fault".into()));
    // That it ended is known to the store alone.
    assert_eq!(journal.append(admission(epoch, 1)).await, failed);
    store.reads_fail.store(false, Ordering::Relaxed);
    assert_eq!(journal.append(admission(epoch, 2)).await, failed);
    assert_eq!(store.commits.load(Ordering::Relaxed), commits);
}

#[tokio::test]
async fn that_a_batch_is_new_is_known_without_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = Faulty::default();
    let journal = journal(&store, folder.path());
    let epoch = journal.begin_epoch("test").await.unwrap();
    store.reads_fail.store(true, Ordering::Relaxed);
    assert_eq!(journal.read(key(1)).await, Ok(None));
    assert_eq!(journal.append(admission(epoch, 1)).await, Ok(()));
    assert!(journal.read(key(1)).await.is_err());
}

#[tokio::test]
async fn what_waits_while_the_device_is_busy_becomes_one_group_and_one_bad_append_harms_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = Faulty::default();
    let journal = journal(&store, folder.path());
    let epoch = journal.begin_epoch("test").await.unwrap();
    let gate = Arc::clone(&store.gate);

    let mut appends = (0..64).map(|index| admission(epoch, index)).collect::<Vec<_>>();
    appends[20] = append(epoch, 7, 9, vec![step(1)]);
    let mut waiting = Box::pin(join_all(appends.into_iter().map(|append| journal.append(append))));
    {
        let _busy = gate.lock().unwrap();
        // One poll hands everything over; the thread is at most one group into it.
        assert!((&mut waiting).now_or_never().is_none());
    }
    let answers = waiting.await;
    for (answer, index) in answers.iter().zip(0..) {
        let expected = if index == 20 {
            Err(JournalError::OutOfSequence { batch: key(7), expected: 9, actual: 2 })
        } else {
            Ok(())
        };
        assert_eq!(*answer, expected, "{index}");
    }
    assert!(store.commits.load(Ordering::Relaxed) <= 3, "the epoch and at most two groups");
    let order = (0..64).filter(|index| *index != 20).map(key);
    assert_eq!(journal.batches().await, Ok(order.collect()));
}

#[tokio::test]
async fn a_batch_is_not_reported_ended_before_the_anchor_knows() {
    let folder = tempfile::tempdir().unwrap();
    let store = Faulty::default();
    let journal = journal(&store, folder.path());
    let epoch = journal.begin_epoch("test").await.unwrap();
    assert!(!folder.path().join("creating").exists());
    let anchored = || match anchor::read(&folder.path().join("anchor")) {
        Ok(Reading::Head(head)) => head.number,
        other => panic!("{other:?}"),
    };
    assert_eq!(anchored(), 1, "the epoch");
    journal.append(admission(epoch, 0)).await.unwrap();
    journal.append(append(epoch, 0, 2, vec![ended()])).await.unwrap();
    assert_eq!(anchored(), 3);
    journal.append(append(epoch, 0, 3, vec![step(1)])).await.unwrap();
    journal.close().await.unwrap();
    assert_eq!(anchored(), 4, "a clean end writes it too");
}

#[tokio::test]
async fn nothing_is_answered_before_the_journal_is_known_to_exist() {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(&Faulty::default(), folder.path());
    let early = admission(equipoise_port::Epoch(0), 0);
    assert_eq!(journal.append(early).await, Ok(()));
    assert!(!folder.path().join("creating").exists(), "or the next start would begin anew");
    let anchored = anchor::read(&folder.path().join("anchor"));
    assert!(matches!(anchored, Ok(Reading::Head(head)) if head.number == 1), "{anchored:?}");
}

#[tokio::test]
async fn an_anchor_that_cannot_be_written_fails_the_journal_and_leaves_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(&Faulty::default(), folder.path());
    std::fs::create_dir(folder.path().join("anchor")).unwrap();
    let early = journal.append(admission(equipoise_port::Epoch(0), 0));
    let (early, epoch) = futures::join!(early, journal.begin_epoch("test"));
    let failed = early.unwrap_err();
    assert!(
        matches!(&failed, JournalError::Failed(text) if text.starts_with("anchor: ")),
        "{failed}"
    );
    assert_eq!(epoch, Err(failed.clone()));
    assert_eq!(journal.close().await, Err(failed));
    assert!(folder.path().join("creating").exists(), "nothing was answered: it begins anew");
}

/// An append that keeps the thread busy while the gate is held, and reads of batch 0 behind it, handed over until none
/// has room any more.
struct Queue<'a> {
    busy: BoxFuture<'a, Result<(), JournalError>>,
    reads: Vec<BoxFuture<'a, Result<Option<Vec<Record>>, JournalError>>>,
}

fn fill(journal: &StoredJournal, epoch: Epoch) -> Queue<'_> {
    let mut busy = journal.append(admission(epoch, 1));
    assert!((&mut busy).now_or_never().is_none());
    let mut reads = (0..GROUP_MAX + WAITING_MAX).map(|_| journal.read(key(0))).collect::<Vec<_>>();
    for read in &mut reads {
        assert!(read.now_or_never().is_none());
    }
    Queue { busy, reads }
}

#[tokio::test]
async fn an_append_is_handed_over_in_its_first_poll_whatever_waits() {
    let folder = tempfile::tempdir().unwrap();
    let store = Faulty::default();
    let journal = journal(&store, folder.path());
    let epoch = journal.begin_epoch("test").await.unwrap();
    journal.append(admission(epoch, 0)).await.unwrap();
    let gate = Arc::clone(&store.gate);
    let gate = gate.lock().unwrap();
    let queue = fill(&journal, epoch);
    let mut first = journal.append(append(epoch, 0, 2, vec![step(2)]));
    let mut second = journal.append(append(epoch, 0, 3, vec![step(3)]));
    assert!((&mut first).now_or_never().is_none());
    assert!((&mut second).now_or_never().is_none());
    drop(gate);
    // Nobody polls the first one meanwhile.
    assert_eq!(second.await, Ok(()));
    assert_eq!(first.await, Ok(()));
    drop(queue);
}

#[tokio::test]
async fn a_further_batch_waits_while_the_queue_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let store = Faulty::default();
    let journal = journal(&store, folder.path());
    let epoch = journal.begin_epoch("test").await.unwrap();
    journal.append(admission(epoch, 0)).await.unwrap();
    let gate = Arc::clone(&store.gate);
    let gate = gate.lock().unwrap();
    let queue = fill(&journal, epoch);
    let mut ready = journal.ready_for_batch();
    assert!((&mut ready).now_or_never().is_none());
    drop(gate);
    for answer in join_all(queue.reads).await {
        assert_eq!(answer.unwrap().unwrap().len(), 2);
    }
    assert_eq!(ready.await, Ok(()));
    assert_eq!(journal.ready_for_batch().now_or_never(), Some(Ok(())));
}

#[tokio::test]
async fn a_thread_that_panics_fails_the_journal_and_leaves_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let store = Faulty::default();
    let journal = journal(&store, folder.path());
    let epoch = journal.begin_epoch("test").await.unwrap();
    journal.append(admission(epoch, 0)).await.unwrap();
    store.panics.store(true, Ordering::Relaxed);
    let gate = Arc::clone(&store.gate);
    let gate = gate.lock().unwrap();
    let queue = fill(&journal, epoch);
    let mut ready = journal.ready_for_batch();
    assert!((&mut ready).now_or_never().is_none());
    drop(gate);
    let failed = JournalError::Failed("journal thread panicked: test panic".into());
    assert_eq!(queue.busy.await, Err(failed.clone()));
    for answer in join_all(queue.reads).await {
        assert_eq!(answer, Err(failed.clone()));
    }
    assert_eq!(ready.await, Err(failed.clone()));
    assert_eq!(journal.append(admission(epoch, 2)).await, Err(failed.clone()));
    assert_eq!(journal.close().await, Err(failed));
    assert!(Folder::new(folder.path(), JournalKind::Sled).lock().is_ok());
}

#[tokio::test]
async fn a_close_is_answered_once_nobody_reads_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let store = Faulty::default();
    let journal = Arc::new(journal(&store, folder.path()));
    let ((begun, has_begun), (goes_on, go_on)) = (mpsc::channel(), mpsc::channel());
    let ended = Arc::new(AtomicBool::new(false));
    *store.slow_scan.lock().unwrap() = Some(SlowScan { begun, go_on, ended: Arc::clone(&ended) });
    let reading = Arc::clone(&journal);
    let reader = thread::spawn(move || reading.open_batches().now_or_never());
    has_begun.recv().unwrap();
    assert_eq!(journal.close().await, Ok(()));
    assert!(ended.load(Ordering::SeqCst), "the scan went on after the close");
    drop(goes_on);
    assert_eq!(reader.join().unwrap(), Some(Ok(Vec::new())));
}

/// A store with so many batches, of which so many stay when the others have moved to segments.
async fn archived(batches: u64, kept: usize, segment_batches: usize) -> (TempDir, Faulty) {
    let folder = tempfile::tempdir().unwrap();
    let store = Faulty::default();
    let options = JournalOptions { ended_kept: kept, segment_batches, ..JournalOptions::default() };
    let journal = journal_with(&store, folder.path(), &options);
    let epoch = journal.begin_epoch("test").await.unwrap();
    for index in 0..batches {
        journal.append(admission(epoch, index)).await.unwrap();
        journal.append(append(epoch, index, 2, vec![ended()])).await.unwrap();
    }
    while beginning_with(&store, &[layout::BATCH]) > kept {
        // At every moment of its move.
        assert!(journal.read(key(0)).await.unwrap().is_some());
    }
    drop(journal);
    (folder, store)
}

/// What a start says of it, with an anchor that vouches for everything.
fn checked(store: &Faulty) -> Result<Findings, JournalError> {
    let head = store.get(layout::HEAD).unwrap().unwrap();
    continuity::check(store, Some(Head::read(layout::HEAD, &head)?))
}

fn beginning_with(store: &Faulty, letters: &[u8]) -> usize {
    let entries = store.entries.lock().unwrap();
    entries.keys().filter(|key| key.first().is_some_and(|first| letters.contains(first))).count()
}

#[tokio::test]
async fn what_finds_archived_batches_is_one_value_for_each_segment() {
    let (_folder, store) = archived(5, 1, 2).await;
    assert_eq!(beginning_with(&store, &[layout::PAGE]), 2);
    assert_eq!(beginning_with(&store, &[layout::BATCH, layout::OCCASION]), 2);
    let findings = checked(&store).unwrap();
    for index in 0..5 {
        let number = findings.index.number(&store, key(index));
        assert_eq!(number, Ok(Some(index + 1)), "{index}");
    }
    assert_eq!(findings.index.number(&store, key(5)), Ok(None));
}

#[tokio::test]
async fn a_page_that_is_missing_or_says_something_else_is_damage() {
    let (_folder, store) = archived(5, 1, 2).await;
    let whole = store.entries.lock().unwrap().clone();
    let pages = [1, 2].map(|segment| layout::page_key(segment, 0));
    let entries = pages.map(|page| read_page(&page, &whole[&page[..]]).unwrap());
    let [[first, second], [third, _]] = entries.map(|page| <[Entry; 2]>::try_from(page).unwrap());
    let refused = |change: &dyn Fn(&mut WriteBatch)| {
        *store.entries.lock().unwrap() = whole.clone();
        let mut batch = WriteBatch::default();
        change(&mut batch);
        store.commit(&batch).unwrap();
        checked(&store).unwrap_err().to_string()
    };
    type Change<'a> = &'a dyn Fn(&mut WriteBatch);
    let changes: [(&str, Change<'_>); 7] = [
        ("entries of batch number 1 are incomplete", &|batch| batch.delete(&pages[0])),
        ("entries of batch number 2 are incomplete", &|batch| put_pages(batch, 1, 1, &[first])),
        ("a batch that has one already", &|batch| put_pages(batch, 1, 1, &[first, second, first])),
        ("a batch that has one already", &|batch| stage_index(first.admission, 1, 1, batch)),
        ("does not belong here", &|batch| put_pages(batch, 1, 1, &[first, second, third])),
        ("does not belong here", &|batch| put_pages(batch, 3, 1, &[third])),
        ("does not belong here", &|batch| put_pages(batch, 0, 1, &[third])),
    ];
    for (text, change) in changes {
        let error = refused(change);
        assert!(error.contains(text), "{error}");
    }
}

#[tokio::test]
async fn the_last_page_is_missed_though_no_later_batch_is_there() {
    let (_folder, store) = archived(3, 0, 1).await;
    assert_eq!(checked(&store).unwrap().batches, 3);
    store.entries.lock().unwrap().remove(&layout::page_key(3, 0)[..]).unwrap();
    let error = checked(&store).unwrap_err().to_string();
    assert!(error.contains("entries of batch number 3 are incomplete"), "{error}");
}
