//! What is left after a kill or a power cut.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::pin::pin;
use std::process::{Child, Command, Stdio};
use std::str::FromStr;

use equipoise_core::Record;
use equipoise_port::{Epoch, Journal, JournalError};
use equipoise_runtime::journal::{self, JournalKind, JournalOptions, MemoryDisk};
use futures::poll;

use crate::samples::{admission, append, ended, key, spec, step};
use crate::setup::options;

const FOLDER_VARIABLE: &str = "EQUIPOISE_JOURNAL_TEST_FOLDER";
const KIND_VARIABLE: &str = "EQUIPOISE_JOURNAL_TEST_KIND";
/// Batches the child writes to at once.
const LANES: u64 = 8;
/// Appends of one batch after its admission; the last one ends it.
const APPENDS: u64 = 6;

/// Batches that ended soon move to the archive, so that kills meet that too.
fn archiving() -> JournalOptions {
    JournalOptions { ended_kept: 2, segment_batches: 3, ..options() }
}

/// The writing half of the kill tests: a process of its own that writes until it is killed and says what was
/// acknowledged. Without the variables it is just a test with nothing to do.
#[test]
fn child_writes_until_killed() {
    let (Ok(folder), Ok(kind)) = (env::var(FOLDER_VARIABLE), env::var(KIND_VARIABLE)) else {
        return;
    };
    let kind = JournalKind::from_str(&kind).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let journal = journal::open(kind, Path::new(&folder), &archiving()).unwrap();
        let epoch = journal.begin_epoch("child").await.unwrap();
        let first = journal.batches().await.unwrap().len() as u64;
        say("open", first, epoch.0);
        let lanes = (0..LANES).map(|lane| write_lane(&*journal, epoch, first * 1000 + lane));
        futures::future::join_all(lanes).await;
    });
}

async fn write_lane(journal: &dyn Journal, epoch: Epoch, start: u64) {
    for round in 0.. {
        let index = start + round * LANES;
        journal.append(admission(epoch, index)).await.unwrap();
        say("acked", index, 2);
        for number in 0..APPENDS {
            let expected = 2 + u32::try_from(number).unwrap();
            let record = nth(number);
            journal.append(append(epoch, index, expected, vec![record])).await.unwrap();
            say("acked", index, u64::from(expected) + 1);
        }
    }
}

fn nth(number: u64) -> Record {
    if number + 1 == APPENDS { ended() } else { step(number) }
}

/// What a batch of the child holds when it is complete.
fn complete(index: u64) -> Vec<Record> {
    let mut records = vec![Record::Admitted(Box::new(spec(index))), step(index)];
    records.extend((0..APPENDS).map(nth));
    records
}

fn say(what: &str, index: u64, count: u64) {
    let mut out = std::io::stdout().lock();
    // A parent that is gone needs no news.
    let _ = writeln!(out, "\n{what} {index} {count}");
    let _ = out.flush();
}

struct Writer {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Writer {
    fn start(kind: JournalKind, folder: &Path) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "crash::child_writes_until_killed", "--nocapture"])
            .env(FOLDER_VARIABLE, folder)
            .env(KIND_VARIABLE, kind.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next thing it says, `None` when it has ended.
    fn hear(&mut self) -> Option<(String, u64, u64)> {
        loop {
            let line = self.lines.next()?.ok()?;
            let mut words = line.split(' ');
            let (Some(what @ ("open" | "acked")), Some(index), Some(count)) =
                (words.next(), words.next(), words.next())
            else {
                continue;
            };
            // A line cut by the kill says nothing.
            if let (Ok(index), Ok(count)) = (index.parse(), count.parse()) {
                return Some((what.to_owned(), index, count));
            }
        }
    }

    /// Kills it and reads what it had still said.
    fn kill(mut self) -> Vec<(u64, u64)> {
        self.child.kill().unwrap();
        let mut rest = Vec::new();
        while let Some((_, index, count)) = self.hear() {
            rest.push((index, count));
        }
        self.child.wait().unwrap();
        rest
    }
}

fn kill_again_and_again(kind: JournalKind) {
    let folder = tempfile::tempdir().unwrap();
    let mut acked = std::collections::BTreeMap::<u64, u64>::new();
    for round in 0..6 {
        let mut writer = Writer::start(kind, folder.path());
        let (what, known, epoch) = writer.hear().expect("the child opened the journal");
        assert_eq!((what.as_str(), epoch), ("open", round + 1));
        assert!(known >= acked.len() as u64, "{known} batches in {round}");
        for _ in 0..(3 + round * 200) {
            let (_, index, count) = writer.hear().expect("the child goes on writing");
            acked.insert(index, count);
        }
        let said = writer.kill();
        acked.extend(said);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(nothing_acknowledged_is_lost(kind, folder.path(), &acked));
    }
    assert!(acked.len() > 20, "{} batches", acked.len());
    let segments = std::fs::read_dir(folder.path().join("archive")).unwrap().count();
    assert!(segments > 3, "{segments} segments");
}

async fn nothing_acknowledged_is_lost(
    kind: JournalKind,
    folder: &Path,
    acked: &std::collections::BTreeMap<u64, u64>,
) {
    let journal = journal::open(kind, folder, &archiving()).unwrap();
    assert!(!journal.is_fresh());
    let open = journal.open_batches().await.unwrap();
    for (index, count) in acked {
        let found = journal.read(key(*index)).await.unwrap().unwrap();
        assert!(found.len() as u64 >= *count, "batch {index}");
        assert_eq!(found, complete(*index)[..found.len()]);
        let ended = found.len() == complete(*index).len();
        assert_eq!(open.contains(&key(*index)), !ended);
    }
}

#[test]
fn a_sled_journal_loses_nothing_acknowledged_by_kills() {
    kill_again_and_again(JournalKind::Sled);
}

#[test]
fn a_redb_journal_loses_nothing_acknowledged_by_kills() {
    kill_again_and_again(JournalKind::Redb);
}

#[test]
fn a_kill_while_it_is_being_created_or_opened_leaves_a_journal_that_opens() {
    for kind in [JournalKind::Sled, JournalKind::Redb] {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..5 {
            // Killed at once: wherever it happens to be in starting.
            let writer = Writer::start(kind, folder.path());
            writer.kill();
        }
        let mut writer = Writer::start(kind, folder.path());
        assert_eq!(writer.hear().unwrap().0, "open");
        writer.kill();
        drop(journal::open(kind, folder.path(), &options()).unwrap());
    }
}

#[test]
fn a_second_process_is_refused_until_the_first_is_killed() {
    for kind in [JournalKind::Sled, JournalKind::Redb] {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::start(kind, folder.path());
        writer.hear().unwrap();
        let refused = journal::open(kind, folder.path(), &options()).err();
        let path = folder.path().display().to_string();
        assert_eq!(refused, Some(JournalError::Locked(path)));
        writer.kill();
        drop(journal::open(kind, folder.path(), &options()).unwrap());
    }
}

#[tokio::test]
async fn memory_loses_exactly_what_was_not_synced() {
    let disk = MemoryDisk::new();
    let journal = disk.open().unwrap();
    let epoch = journal.begin_epoch("test").await.unwrap();
    journal.append(admission(epoch, 1)).await.unwrap();
    disk.hold_syncs(true);
    let mut second = pin!(journal.append(append(epoch, 1, 2, vec![step(2)])));
    let mut third = pin!(journal.append(append(epoch, 1, 3, vec![step(3)])));
    let mut other = pin!(journal.append(admission(epoch, 2)));
    assert!(poll!(&mut second).is_pending());
    assert!(poll!(&mut third).is_pending());
    assert!(poll!(&mut other).is_pending());
    assert_eq!(disk.unsynced(), 3);
    assert!(disk.sync_oldest());
    assert_eq!(second.await, Ok(()));
    assert_eq!(journal.read(key(1)).await.unwrap().unwrap().len(), 3);
    assert_eq!(disk.synced_records(key(1)).unwrap().unwrap().len(), 3);

    disk.lose_unsynced();
    let lost = JournalError::Failed("the power was cut".into());
    assert_eq!(third.await, Err(lost.clone()));
    assert_eq!(other.await, Err(lost.clone()));
    let late = append(epoch, 1, 3, vec![step(9)]);
    assert_eq!(journal.append(late).await, Err(lost));

    let journal = disk.open().unwrap();
    assert!(!journal.is_fresh());
    assert_eq!(journal.batches().await, Ok(vec![key(1)]));
    assert_eq!(journal.read(key(1)).await.unwrap().unwrap()[2], step(2));
    assert_eq!(journal.begin_epoch("test").await, Ok(Epoch(2)));
}

#[tokio::test]
async fn memory_answers_held_appends_in_order_when_syncs_go_on() {
    let disk = MemoryDisk::new();
    let journal = disk.open().unwrap();
    let epoch = journal.begin_epoch("test").await.unwrap();
    disk.hold_syncs(true);
    let mut first = pin!(journal.append(admission(epoch, 1)));
    assert!(poll!(&mut first).is_pending());
    assert_eq!(journal.read(key(1)).await, Ok(None), "not durable, not there");
    assert_eq!(disk.synced_records(key(1)), Ok(None));
    disk.hold_syncs(false);
    assert_eq!(first.await, Ok(()));
    assert_eq!(disk.unsynced(), 0);
}

#[tokio::test]
async fn memory_fails_for_good_when_a_write_fails() {
    let disk = MemoryDisk::new();
    let journal = disk.open().unwrap();
    let epoch = journal.begin_epoch("test").await.unwrap();
    disk.fail_next_write("device gone");
    let failed = Err(JournalError::Failed("device gone".into()));
    assert_eq!(journal.append(admission(epoch, 1)).await, failed);
    assert_eq!(journal.append(admission(epoch, 1)).await, failed);
    assert_eq!(journal.ready_for_batch().await, failed);
    drop(journal);
    assert_eq!(disk.open().unwrap().batches().await, Ok(Vec::new()));
}

#[tokio::test(flavor = "current_thread")]
async fn a_memory_append_completes_in_its_first_poll() {
    let journal = journal::MemoryJournal::new();
    let mut epoch = pin!(journal.begin_epoch("test"));
    assert!(poll!(&mut epoch).is_ready());
    let mut append = pin!(journal.append(admission(Epoch(1), 1)));
    assert!(poll!(&mut append).is_ready());
}
