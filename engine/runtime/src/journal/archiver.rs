//! Moves batches that ended out of the store: its own thread collects and writes, the committer only gives up.
//!
//! 1. the oldest ended batches beyond those that stay are read, if the anchor vouches for everything of theirs
//! 2. they are written to a segment, which is closed and durable
//! 3. one commit enters the segment and the pages that find its batches, and deletes what is in it
//!
//! A kill before the third leaves a file nobody knows of, which the next attempt replaces. Parked batches stay in the
//! store, and so do records added to a batch after it moved. Only one segment is under way.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use equipoise_core::{Ending, Record};
use equipoise_port::JournalError;

use super::JournalOptions;
use super::archive::Archive;
use super::codec::{PART_LEN_MAX, damaged, unseal};
use super::continuity::Findings;
use super::encoded::Admission;
use super::head::RunningHash;
use super::index::{Entry, SEGMENT_BATCHES_MAX};
use super::reading;
use super::runs::Runs;
use super::segment::{Draft, Segment};
use super::shared::Opened;
use super::space;
use super::store::{Reads, StoreError};

/// A segment is closed at this length, whatever number of batches it was to hold.
const SEGMENT_BYTES_MAX: usize = 2 * 1024 * 1024;

/// A segment is closed at this many values: the commit that deletes them holds up others.
const SEGMENT_VALUES_MAX: usize = 8_192;

/// A segment is closed at this many runs of numbers: its entry must fit into one value of the store.
const RUNS_MAX: usize = 1_200;

/// A batch of more values stays in the store, or it might be too many runs by itself.
const BATCH_VALUES_MAX: usize = 1_200;

/// Bytes of a run in an entry at most: a number of 10, and a count below 16,384 of 2 or, once, 3.
const RUN_LEN_MAX: usize = 12;

const _: () = assert!(
    (RUNS_MAX + BATCH_VALUES_MAX) * RUN_LEN_MAX + 256 <= PART_LEN_MAX,
    "the entry of a segment must fit into one value"
);

/// How long nothing is tried after an attempt that moved nothing.
const PAUSE: Duration = Duration::from_secs(1);

/// Decides when and what to archive.
pub(super) struct Archiver {
    folder: PathBuf,
    /// Numbers of batches in the store that ended.
    ended: BTreeSet<u64>,
    kept: usize,
    segment_batches: usize,
    free_floor_bytes: u64,
    writing: Option<Writing>,
    not_before: Option<Instant>,
    /// The archive could not be written: not tried again in this start.
    given_up: bool,
}

/// A segment under way. Dropping it stops and waits.
struct Writing {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<Written, StoreError>>>,
}

/// What the thread came to.
struct Written {
    /// Batches not looked at, or not yet to be moved.
    left: BTreeSet<u64>,
    closed: Option<Closed>,
}

/// A segment whose file is durable.
#[derive(Debug)]
pub(super) struct Closed {
    /// Its entry.
    pub(super) segment: Segment,
    /// Keys of everything in it.
    pub(super) keys: Vec<Vec<u8>>,
    /// What finds its batches.
    pub(super) entries: Vec<Entry>,
}

impl Archiver {
    pub(super) fn new(folder: PathBuf, findings: &Findings, options: &JournalOptions) -> Self {
        Self {
            folder,
            ended: findings.ended.clone(),
            kept: options.ended_kept,
            segment_batches: options.segment_batches.max(1),
            free_floor_bytes: options.free_floor_bytes,
            writing: None,
            not_before: None,
            given_up: false,
        }
    }

    /// A batch has ended.
    pub(super) fn ended(&mut self, batch: u64) {
        self.ended.insert(batch);
    }

    /// Whether a segment is under way.
    pub(super) const fn is_busy(&self) -> bool {
        self.writing.is_some()
    }

    /// Takes a segment that is durable and not entered yet.
    ///
    /// # Errors
    /// The store holds what cannot be read: the journal fails.
    pub(super) fn closed(&mut self) -> Result<Option<Closed>, JournalError> {
        let done =
            |writing: &mut Writing| writing.thread.as_ref().is_some_and(JoinHandle::is_finished);
        let Some(mut writing) = self.writing.take_if(done) else { return Ok(None) };
        let joined = writing.thread.take().map(JoinHandle::join);
        match joined {
            Some(Ok(Ok(mut written))) => {
                self.ended.append(&mut written.left);
                if written.closed.is_none() {
                    self.not_before = Some(Instant::now() + PAUSE);
                }
                Ok(written.closed)
            }
            Some(Ok(Err(error @ (StoreError::Damaged(_) | StoreError::Refused(_))))) => {
                Err(error.while_running())
            }
            Some(Ok(Err(error))) => {
                tracing::warn!(%error, "the journal's archive could not be written");
                self.given_up = true;
                Ok(None)
            }
            Some(Err(_)) | None => {
                Err(JournalError::Failed("the journal's archiving thread panicked".into()))
            }
        }
    }

    /// Begins a segment if there is enough for one.
    pub(super) fn begin(&mut self, opened: &Arc<Opened>, archive: &Archive, anchored: u64) {
        let enough = self.ended.len() >= self.kept.saturating_add(self.segment_batches);
        let waits = self.not_before.is_some_and(|at| Instant::now() < at);
        if !enough || waits || self.given_up || self.is_busy() {
            return;
        }
        // A segment takes space before it gives some back.
        let folder = self.folder.parent().unwrap_or(&self.folder);
        if space::check_floor(folder, self.free_floor_bytes).is_err() {
            self.not_before = Some(Instant::now() + PAUSE);
            return;
        }
        let mut candidates = BTreeSet::new();
        while candidates.len() < self.segment_batches {
            let Some(oldest) = self.ended.pop_first() else { break };
            // What was added to a batch after it moved stays where it is, another end too.
            if !archive.holds(oldest) {
                candidates.insert(oldest);
            }
        }
        let next = archive.highest() + 1;
        let stop = Arc::new(AtomicBool::new(false));
        let (folder, stopped, opened) =
            (self.folder.clone(), Arc::clone(&stop), Arc::clone(opened));
        let thread = thread::Builder::new().name("journal-archive".into()).spawn(move || {
            let written = collect(&*opened.store, candidates, anchored, &stopped);
            drop(opened);
            written.and_then(|collected| collected.close(&folder, next, &stopped))
        });
        match thread {
            Ok(thread) => self.writing = Some(Writing { stop, thread: Some(thread) }),
            Err(error) => {
                tracing::warn!(%error, "no thread for the journal's archive");
                self.given_up = true;
            }
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What becomes a segment.
#[derive(Default)]
struct Collected {
    left: BTreeSet<u64>,
    draft: Draft,
    keys: Vec<Vec<u8>>,
    entries: Vec<Entry>,
    batches: Runs,
    numbers: Runs,
    hash: RunningHash,
}

fn collect(
    store: &dyn super::store::Store,
    mut candidates: BTreeSet<u64>,
    anchored: u64,
    stop: &AtomicBool,
) -> Result<Collected, StoreError> {
    let mut collected = Collected::default();
    while let Some(batch) = candidates.pop_first() {
        if stop.load(Ordering::Relaxed) || collected.is_full() {
            candidates.insert(batch);
            break;
        }
        collected.take(store, batch, anchored)?;
    }
    collected.left.append(&mut candidates);
    Ok(collected)
}

impl Collected {
    fn is_full(&self) -> bool {
        self.draft.len() >= SEGMENT_BYTES_MAX
            || self.keys.len() >= SEGMENT_VALUES_MAX
            || self.entries.len() >= SEGMENT_BATCHES_MAX
            || self.batches.len() + self.numbers.len() >= RUNS_MAX
    }

    /// Takes a batch in unless it is parked, or not anchored yet.
    fn take(
        &mut self,
        store: &(impl Reads + ?Sized),
        batch: u64,
        anchored: u64,
    ) -> Result<(), StoreError> {
        let values = reading::values(store, batch)?;
        if values.len() > BATCH_VALUES_MAX {
            return Ok(());
        }
        // What is moved out of sight is read whole once more.
        let mut assembly = reading::Assembly::default();
        let mut newest = 0;
        for (key, value) in &values {
            newest = newest.max(unseal(key, value)?.number);
            assembly.take(key, value)?;
        }
        let records = assembly.finish(batch)?;
        let ending = records.iter().rev().find_map(|record| match record {
            Record::Ended { ending, .. } => Some(*ending),
            _ => None,
        });
        match ending {
            Some(Ending::Done | Ending::Flat) if newest <= anchored => {}
            Some(Ending::Done | Ending::Flat) => {
                self.left.insert(batch);
                return Ok(());
            }
            // It comes back here when it ends otherwise.
            Some(Ending::Parked) | None => return Ok(()),
        }
        let Some(Record::Admitted(spec)) = records.first() else {
            let text = format_args!("batch number {batch} does not begin with its admission");
            return Err(damaged(text).into());
        };
        self.entries.push(Entry { number: batch, admission: Admission::of(spec) });
        self.batches.insert(batch);
        for (key, value) in values {
            self.draft.push(&key, &value);
            self.numbers.insert(unseal(&key, &value)?.number);
            self.hash.add(&key, &value);
            self.keys.push(key);
        }
        Ok(())
    }

    fn close(
        self,
        folder: &std::path::Path,
        number: u64,
        stop: &AtomicBool,
    ) -> Result<Written, StoreError> {
        if self.keys.is_empty() || stop.load(Ordering::Relaxed) {
            return Ok(Written { left: self.left, closed: None });
        }
        self.draft.close(folder, number)?;
        let (len, sha256) = self.draft.sum();
        let Self { left, keys, entries, batches, numbers, hash, .. } = self;
        let segment = Segment { len, sha256, batches, numbers, hash };
        Ok(Written { left, closed: Some(Closed { segment, keys, entries }) })
    }
}
