//! Tests of a store behind a log: what is read meanwhile, and what is made of a log that is not whole.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use equipoise_port::JournalError;

use super::JournalKind;
use super::checkpoint;
use super::folder::Folder;
use super::frame::Span;
use super::handing_over::hand_over;
use super::head::{Head, RunningHash};
use super::layout;
use super::log::{Log, paths};
use super::logged::{Found, LoggedStore};
use super::space::Ballast;
use super::store::{Reads, Store, StoreError, Visit, Write, WriteBatch};

/// Longer than any test.
const HOUR: Duration = Duration::from_secs(3_600);

type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// A store that takes nothing in while its gate is held.
#[derive(Clone, Default)]
pub(super) struct Slow {
    pub(super) entries: Arc<Mutex<Entries>>,
    gate: Arc<Mutex<()>>,
    panics: Arc<AtomicBool>,
    /// Room for nothing once.
    full: Arc<AtomicBool>,
    /// What it writes while it closes does not become durable.
    lost_at_close: Arc<AtomicBool>,
}

impl Reads for Slow {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.entries.lock().unwrap().get(key).cloned())
    }

    fn scan(&self, prefix: &[u8], visit: Visit<'_>) -> Result<(), JournalError> {
        let entries = self.entries.lock().unwrap().clone();
        let under = entries.iter().filter(|(key, _)| key.starts_with(prefix));
        under.into_iter().try_for_each(|(key, value)| visit(key, value))
    }
}

impl Store for Slow {
    fn commit(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        let _gate = self.gate.lock().unwrap();
        if self.full.swap(false, Ordering::Relaxed) {
            return Err(StoreError::Full("test device".into()));
        }
        assert!(!self.panics.load(Ordering::Relaxed), "test panic");
        let mut entries = self.entries.lock().unwrap();
        for write in batch.iter() {
            match write {
                Write::Put(key, value) => entries.insert(key.to_vec(), value.to_vec()),
                Write::Delete(key) => entries.remove(key),
            };
        }
        Ok(())
    }

    fn lost_at_close(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.lost_at_close)
    }
}

/// A group that leads to a head and puts one key beside it.
fn group(number: u64, key: &str, value: Option<&str>) -> WriteBatch {
    let mut batch = WriteBatch::default();
    match value {
        Some(value) => {
            batch.put(key.as_bytes(), |out| out.extend_from_slice(value.as_bytes()));
        }
        None => batch.delete(key.as_bytes()),
    }
    let head = Head { number, hash: RunningHash::default() };
    batch.put(layout::HEAD, |out| head.write(layout::HEAD, out));
    batch
}

fn at(path: &Path) -> Folder {
    Folder::new(path, JournalKind::Sled)
}

fn read(store: &impl Reads, key: &str) -> Option<String> {
    store.get(key.as_bytes()).unwrap().map(|value| String::from_utf8(value).unwrap())
}

fn listed(store: &impl Reads, prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    store
        .scan(prefix.as_bytes(), &mut |key, _| {
            found.push(String::from_utf8(key.to_vec()).unwrap());
            Ok(())
        })
        .unwrap();
    found
}

/// Three groups that were only logged, as a kill leaves them: the store was busy all the time.
fn killed(folder: &Path) -> Slow {
    let slow = Slow::default();
    let gate = slow.gate.lock().unwrap();
    let logged = LoggedStore::create_with(Box::new(slow.clone()), &at(folder), HOUR).unwrap();
    for (number, key) in [(1, "a"), (2, "b"), (3, "c")] {
        logged.commit(&group(number, key, Some("logged"))).unwrap();
    }
    let left = paths(folder).map(|path| fs::read(path).unwrap());
    drop(gate);
    drop(logged);
    for (path, bytes) in paths(folder).iter().zip(left) {
        fs::write(path, bytes).unwrap();
    }
    slow.entries.lock().unwrap().clear();
    slow
}

fn opened(slow: &Slow, folder: &Path) -> Result<LoggedStore, JournalError> {
    let found = Found::look(Box::new(slow.clone()), &at(folder), true);
    found.and_then(Found::join).map_err(StoreError::while_opening)
}

fn refusal(slow: &Slow, folder: &Path) -> String {
    match opened(slow, folder).err() {
        Some(JournalError::Damaged(text)) => text,
        other => panic!("not refused as damaged: {other:?}"),
    }
}

/// Where each frame of the killed log begins; all are in one file and a sector long, and zeros follow.
const FRAME_LEN: usize = 512;
/// What a file grows by.
const GROWTH: usize = 1024 * 1024;

fn change(folder: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let [first, _] = paths(folder);
    let mut bytes = fs::read(&first).unwrap();
    assert_eq!(bytes.len(), GROWTH);
    assert!(bytes[2 * FRAME_LEN..3 * FRAME_LEN].iter().any(|byte| *byte != 0));
    assert!(bytes[3 * FRAME_LEN..].iter().all(|byte| *byte == 0));
    change(&mut bytes);
    fs::write(&first, bytes).unwrap();
}

#[test]
fn what_is_committed_is_read_whether_or_not_the_store_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let slow = Slow::default();
    let old: Entries = [("a1", "old"), ("a2", "old"), ("b", "old")]
        .map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec()))
        .into();
    *slow.entries.lock().unwrap() = old;
    let gate = slow.gate.lock().unwrap();
    // The hand-over begins at once and gets stuck, so what is read is partly leaving and partly waiting.
    let store = Box::new(slow.clone());
    let logged = LoggedStore::create_with(store, &at(folder.path()), Duration::ZERO).unwrap();
    for batch in [
        group(1, "a0", Some("new")),
        group(2, "a1", Some("new")),
        group(3, "a2", None),
        group(4, "a3", Some("new")),
    ] {
        logged.commit(&batch).unwrap();
    }
    let expect = |store: &dyn Fn(&str) -> Option<String>| {
        assert_eq!(store("a1").as_deref(), Some("new"));
        assert_eq!(store("a2"), None);
        assert_eq!(store("b").as_deref(), Some("old"));
    };
    expect(&|key| read(&logged, key));
    assert_eq!(listed(&logged, "a"), ["a0", "a1", "a3"]);
    assert_eq!(read(&slow, "a1").as_deref(), Some("old"), "the store is not there yet");
    drop(gate);
    drop(logged);
    expect(&|key| read(&slow, key));
}

#[test]
fn a_start_after_a_kill_hands_the_store_what_was_only_logged() {
    let folder = tempfile::tempdir().unwrap();
    let slow = killed(folder.path());
    assert_eq!(listed(&slow, ""), [""; 0]);
    drop(opened(&slow, folder.path()).unwrap());
    assert_eq!(listed(&slow, ""), ["H", "a", "b", "c"]);
}

#[test]
fn a_last_frame_torn_by_a_power_cut_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let slow = killed(folder.path());
    change(folder.path(), |bytes| bytes[2 * FRAME_LEN + 60] ^= 1);
    drop(opened(&slow, folder.path()).unwrap());
    assert_eq!(listed(&slow, ""), ["H", "a", "b"]);
}

#[test]
fn a_frame_unreadable_before_others_is_damage_and_the_store_is_left_alone() {
    for frame in [0, 1] {
        let folder = tempfile::tempdir().unwrap();
        let slow = killed(folder.path());
        change(folder.path(), |bytes| bytes[frame * FRAME_LEN + 60] ^= 1);
        let text = refusal(&slow, folder.path());
        assert!(
            text.starts_with(&format!("values after {frame} are missing in its log")),
            "{text}"
        );
        assert_eq!(listed(&slow, ""), [""; 0]);
    }
}

#[test]
fn a_store_that_lost_what_it_once_held_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let slow = killed(folder.path());
    drop(opened(&slow, folder.path()).unwrap());
    slow.entries.lock().unwrap().clear();
    let text = refusal(&slow, folder.path());
    assert!(text.starts_with("it ends at value 0 although value 3 was durable"), "{text}");
}

#[test]
fn a_missing_log_is_refused_and_not_created_again() {
    for index in [0, 1] {
        let folder = tempfile::tempdir().unwrap();
        let slow = killed(folder.path());
        let path = &paths(folder.path())[index];
        fs::remove_file(path).unwrap();
        assert!(refusal(&slow, folder.path()).starts_with("its log is missing"));
        assert!(!path.exists());
    }
}

#[test]
fn a_store_that_panics_fails_the_commits_after_it_instead_of_keeping_them_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let slow = Slow::default();
    slow.panics.store(true, Ordering::Relaxed);
    let store = Box::new(slow.clone());
    let logged = LoggedStore::create_with(store, &at(folder.path()), Duration::ZERO).unwrap();
    let long = "x".repeat(1024 * 1024);
    // More than the log takes while the store is behind: sooner or later the panic must be told.
    let failed = (1..20).find_map(|number| logged.commit(&group(number, "a", Some(&long))).err());
    assert_eq!(failed, Some(StoreError::Io("store panicked: test panic".into())));
}

#[cfg(target_os = "linux")]
#[test]
fn a_group_the_log_had_no_room_for_is_neither_read_nor_given_to_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let slow = killed(folder.path());
    // The log goes on in its first file, which is a device without space.
    let logged = {
        let [first, _] = paths(folder.path());
        drop(opened(&slow, folder.path()).unwrap());
        fs::remove_file(&first).unwrap();
        std::os::unix::fs::symlink("/dev/full", &first).unwrap();
        let store = Box::new(slow.clone());
        LoggedStore::create_with(store, &at(folder.path()), HOUR).unwrap()
    };
    let full = logged.commit(&group(4, "d", Some("lost"))).unwrap_err();
    assert!(matches!(full, StoreError::Full(_)), "{full}");
    assert_eq!(logged.commit(&group(4, "d", Some("again"))), Err(full));
    assert_eq!(read(&logged, "d"), None);
    assert_eq!(read(&logged, "c").as_deref(), Some("logged"));
    drop(logged);
    assert_eq!(listed(&slow, ""), ["H", "a", "b", "c"]);
}

#[test]
fn what_the_log_adds_is_seen_before_the_store_is_given_it() {
    let folder = tempfile::tempdir().unwrap();
    let slow = killed(folder.path());
    let found = Found::look(Box::new(slow.clone()), &at(folder.path()), true).unwrap();
    assert_eq!(listed(&found, ""), ["H", "a", "b", "c"]);
    assert_eq!(read(&found, "b").as_deref(), Some("logged"));
    drop(found);
    assert_eq!(listed(&slow, ""), [""; 0], "a check that refuses leaves the store as it was");
}

#[test]
fn a_full_device_at_a_start_costs_the_ballast_and_not_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let slow = killed(folder.path());
    let path = folder.path().join("ballast");
    fs::write(&path, b"ballast").unwrap();
    slow.full.store(true, Ordering::Relaxed);
    let ballast = Ballast::new(path.clone(), 7);
    let open =
        || Found::look(Box::new(slow.clone()), &at(folder.path()), true).and_then(Found::join);
    drop(ballast.open_with_room(open).unwrap());
    assert!(!path.exists());
    assert_eq!(listed(&slow, ""), ["H", "a", "b", "c"]);
}

#[test]
fn a_store_shorter_than_its_checkpoint_is_refused_though_the_log_no_longer_tells() {
    let folder = tempfile::tempdir().unwrap();
    let slow = killed(folder.path());
    drop(opened(&slow, folder.path()).unwrap());
    // The next start wrote its first frame over what the store held by then, and a power cut tore it.
    for path in paths(folder.path()) {
        fs::write(path, [0xff; FRAME_LEN]).unwrap();
    }
    slow.entries.lock().unwrap().clear();
    let text = refusal(&slow, folder.path());
    assert!(text.starts_with("it ends at value 0 although value 3 was durable"), "{text}");
}

#[test]
fn a_frame_that_says_the_end_was_clean_follows_on_what_the_other_file_ends_with() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::create(folder.path()).unwrap();
    let append = |log: &mut Log, before, after| {
        log.append(Span { before, after, stored: 0 }, &WriteBatch::default()).unwrap();
    };
    log.take_turns();
    append(&mut log, 0, 1);
    log.take_turns();
    append(&mut log, 1, 1);
    let frames = log.frames().unwrap();
    let spans = frames.beyond(0).unwrap().iter().map(|frame| (frame.span.before, frame.span.after));
    assert_eq!(spans.collect::<Vec<_>>(), [(0, 1), (1, 1)]);
}

#[test]
fn an_end_is_only_clean_when_what_the_store_wrote_then_is_durable() {
    for lost in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let slow = Slow::default();
        slow.lost_at_close.store(lost, Ordering::Relaxed);
        at(folder.path()).begin_running().unwrap();
        let logged = LoggedStore::create(Box::new(slow), &at(folder.path())).unwrap();
        logged.commit(&group(1, "a", Some("logged"))).unwrap();
        drop(logged);
        assert_eq!(at(folder.path()).begin_running(), Ok(lost));
    }
}

#[test]
fn a_record_met_again_while_its_bundle_is_rewritten_is_visited_once() {
    let folder = tempfile::tempdir().unwrap();
    let slow = Slow::default();
    let keys = [0, 1, 2].map(|sequence| layout::record_key(1, sequence).to_vec());
    let record = |key: &Vec<u8>| (key.clone(), Some(b"record".to_vec()));
    hand_over(&slow, &keys.iter().map(record).collect()).unwrap();
    // What a scan meets that began before the rewrite and goes on after it.
    slow.entries.lock().unwrap().insert(keys[2].clone(), b"record".to_vec());
    let logged = LoggedStore::create(Box::new(slow), &at(folder.path())).unwrap();
    let mut met = Vec::new();
    logged
        .scan(&layout::numbered(layout::RECORD, 1), &mut |key, _| {
            met.push(key.to_vec());
            Ok(())
        })
        .unwrap();
    assert_eq!(met, keys);
}

#[test]
fn at_any_moment_checkpoint_and_log_hold_everything_and_no_file_of_it_grows_without_bound() {
    const MIB: usize = 1024 * 1024;
    let folder = tempfile::tempdir().unwrap();
    let store = Box::new(Slow::default());
    let logged = LoggedStore::create_with(store, &at(folder.path()), HOUR).unwrap();
    let long = "x".repeat(MIB);
    for number in 1..=56 {
        logged.commit(&group(number, "a", Some(&long))).unwrap();
        if number % 7 == 0 {
            let checkpoint = checkpoint::read(&at(folder.path()).checkpoint()).unwrap();
            let frames = Log::open(folder.path()).unwrap().frames().unwrap();
            let beyond = frames.beyond(checkpoint.head().unwrap()).unwrap();
            assert_eq!(beyond.last().map(|frame| frame.span.after), Some(number));
        }
    }
    drop(logged);
    let checkpoint = checkpoint::read(&at(folder.path()).checkpoint()).unwrap();
    assert!(checkpoint.head().unwrap() >= 28, "the log took turns");
    for path in paths(folder.path()) {
        let len = fs::metadata(path).unwrap().len();
        // What a file is turned at, what waits, a group and its growth.
        assert!(len <= 34 * MIB as u64, "{len}");
    }
}
