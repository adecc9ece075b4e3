//! Decides what an append writes: the one place that checks epoch and sequence (R3) and gives out numbers.
//!
//! It keeps the state of open batches in memory and writes nothing itself, so a thread with a device and the
//! memory journal share it. What it staged must be committed in one piece; if that fails, it must not be used again.

use std::collections::HashMap;

use equipoise_core::BatchKey;
use equipoise_port::{Epoch, JournalError};

use super::archive::Archive;
use super::archiver::Closed;
use super::codec::{PART_LEN_MAX, RECORD_LEN_MAX, SEVERAL, seal};
use super::continuity::Findings;
use super::encoded::{Admission, Encoded, Records};
use super::head::Head;
use super::index::{self, Entry, Index};
use super::layout;
use super::reading;
use super::segment::Segment;
use super::store::{Reads, WriteBatch};

/// Longest build text an epoch keeps, in bytes; the rest is cut.
const BUILD_LEN_MAX: usize = 1024;

/// Where a batch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BatchHead {
    /// Its number.
    pub(super) number: u64,
    /// Records it holds.
    pub(super) sequence: u32,
}

/// Why an append is not staged.
#[derive(Debug)]
pub(super) enum NotStaged {
    /// Only this append is refused.
    Refused(JournalError),
    /// The store does not answer as it must: the journal fails.
    Broken(JournalError),
}

/// What a staged append means for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Staged {
    /// Number of its batch if it ends that: the anchor is then written before the answer.
    pub(super) ends: Option<u64>,
}

/// State of the journal as of the last staged value.
#[derive(Debug)]
pub(super) struct Writer {
    head: Head,
    epoch: u64,
    batches: u64,
    heads: HashMap<BatchKey, BatchHead>,
    archive: Archive,
    /// Batches without an open marker: their state is only kept until the group is written.
    ended: Vec<BatchKey>,
}

impl Writer {
    /// Goes on from what was found in the store.
    pub(super) fn new(findings: Findings) -> Self {
        Self {
            head: findings.head,
            epoch: findings.epoch,
            batches: findings.batches,
            heads: findings.open,
            archive: findings.archive,
            ended: Vec::new(),
        }
    }

    /// The head as of the last staged value.
    pub(super) const fn head(&self) -> Head {
        self.head
    }

    /// Takes the next epoch.
    pub(super) fn stage_epoch(&mut self, build: &str, out: &mut WriteBatch) -> Epoch {
        self.epoch += 1;
        let build = &build.as_bytes()[..build.len().min(BUILD_LEN_MAX)];
        let key = layout::numbered(layout::OWNER, self.epoch);
        self.put_counted(out, &key, layout::OWNER, false, build);
        Epoch(self.epoch)
    }

    /// The segments entered so far.
    pub(super) const fn archive(&self) -> &Archive {
        &self.archive
    }

    /// Stages the next segment: its entry, its pages, and the end of what is in it. Returns its number.
    pub(super) fn stage_segment(
        &mut self,
        closed: &Closed,
        out: &mut WriteBatch,
    ) -> Result<u64, JournalError> {
        let body = postcard::to_allocvec(&closed.segment)
            .map_err(|error| JournalError::Failed(format!("segment not encoded: {error}")))?;
        let number = self.archive.highest() + 1;
        let key = layout::numbered(layout::ARCHIVE, number);
        self.put_counted(out, &key, layout::ARCHIVE, false, &body);
        index::put_pages(out, number, self.head.number, &closed.entries);
        closed.keys.iter().for_each(|key| out.delete(key));
        for Entry { number, admission } in &closed.entries {
            out.delete(&layout::batch_key(admission.batch));
            out.delete(&layout::occasion_key(&admission.occasion, *number));
        }
        Ok(number)
    }

    /// Enters a segment whose stage was committed.
    pub(super) fn enter(&mut self, segment: Segment) -> Result<(), JournalError> {
        self.archive.add(segment)
    }

    /// Checks an append and stages its records.
    pub(super) fn stage_append(
        &mut self,
        store: &(impl Reads + ?Sized),
        index: &Index,
        append: &Encoded,
        out: &mut WriteBatch,
    ) -> Result<Staged, NotStaged> {
        if append.epoch != self.epoch {
            return Err(NotStaged::Refused(JournalError::Fenced {
                own: append.epoch,
                current: self.epoch,
            }));
        }
        let known = self.head_of(store, index, append.batch)?;
        let actual = known.map_or(0, |head| head.sequence);
        if actual != append.expected {
            return Err(NotStaged::Refused(JournalError::OutOfSequence {
                batch: append.batch,
                expected: append.expected,
                actual,
            }));
        }
        let records = append.records.as_ref().map_err(|error| NotStaged::Refused(error.clone()))?;
        let Some(next) =
            u32::try_from(records.len()).ok().and_then(|count| actual.checked_add(count))
        else {
            return Err(NotStaged::Refused(JournalError::Failed(format!(
                "batch {} has no room for further records",
                append.batch
            ))));
        };
        let number = match (known, &records.admission) {
            (Some(head), _) => head.number,
            (None, Some(admission)) => self.stage_admission(*admission, index, out),
            // Nothing to write for a batch that is not there.
            (None, None) => return Ok(Staged { ends: None }),
        };
        self.stage_records(number, append.expected, records, out);
        self.heads.insert(append.batch, BatchHead { number, sequence: next });
        if records.ends {
            out.delete(&layout::numbered(layout::OPEN, number));
            self.ended.push(append.batch);
        }
        Ok(Staged { ends: records.ends.then_some(number) })
    }

    /// Adds the head; call once when the group is complete. An empty group stays empty.
    pub(super) fn finish(&mut self, out: &mut WriteBatch) {
        if !out.is_empty() {
            let head = self.head;
            out.put(layout::HEAD, |value| head.write(layout::HEAD, value));
        }
        for batch in self.ended.drain(..) {
            self.heads.remove(&batch);
        }
    }

    fn head_of(
        &mut self,
        store: &(impl Reads + ?Sized),
        index: &Index,
        batch: BatchKey,
    ) -> Result<Option<BatchHead>, NotStaged> {
        if let Some(head) = self.heads.get(&batch) {
            return Ok(Some(*head));
        }
        // Every open batch is in memory; what is left is a batch that ended, or none.
        let Some(number) = index.number(store, batch).map_err(NotStaged::Broken)? else {
            return Ok(None);
        };
        let sequence =
            reading::record_count(store, &self.archive, number).map_err(NotStaged::Broken)?;
        let head = BatchHead { number, sequence };
        self.heads.insert(batch, head);
        self.ended.push(batch);
        Ok(Some(head))
    }

    fn stage_admission(
        &mut self,
        admission: Admission,
        index: &Index,
        out: &mut WriteBatch,
    ) -> u64 {
        self.batches += 1;
        let number = self.batches;
        // Before anyone can read it.
        index.note(&admission);
        stage_index(admission, number, self.head.number + 1, out);
        number
    }

    fn stage_records(&mut self, number: u64, first: u32, records: &Records, out: &mut WriteBatch) {
        if let Some(body) = records.as_one() {
            let key = layout::record_key(number, first);
            return self.put_counted(out, &key, SEVERAL, false, body);
        }
        for ((kind, body), sequence) in records.each().zip(first..) {
            self.stage_record(number, sequence, kind, body, out);
        }
    }

    fn stage_record(
        &mut self,
        number: u64,
        sequence: u32,
        kind: u8,
        body: &[u8],
        out: &mut WriteBatch,
    ) {
        let mut rest = body;
        for part in 0..=u8::MAX {
            let (now, later) = rest.split_at(rest.len().min(PART_LEN_MAX));
            let more = !later.is_empty();
            if part == 0 {
                let key = layout::record_key(number, sequence);
                self.put_counted(out, &key, kind, more, now);
            } else {
                let key = layout::part_key(number, sequence, part);
                self.put_counted(out, &key, kind, more, now);
            }
            if !more {
                return;
            }
            rest = later;
        }
    }

    /// Puts a value that takes the next journal number and enters the running hash.
    fn put_counted(&mut self, out: &mut WriteBatch, key: &[u8], kind: u8, more: bool, body: &[u8]) {
        self.head.number += 1;
        let number = self.head.number;
        let value = out.put(key, |value| seal(value, key, kind, more, number, body));
        self.head.hash.add(key, value);
    }
}

/// Stages what finds a batch: by its key, by its occasion, and as open. Index entries carry the journal number of the
/// admission.
pub(super) fn stage_index(
    admission: Admission,
    batch: u64,
    journal_number: u64,
    out: &mut WriteBatch,
) {
    let mut put = |key: &[u8], letter: u8, body: &[u8]| {
        out.put(key, |value| seal(value, key, letter, false, journal_number, body));
    };
    put(&layout::batch_key(admission.batch), layout::BATCH, &batch.to_be_bytes());
    put(&layout::numbered(layout::OPEN, batch), layout::OPEN, &admission.batch.0);
    let occasion = layout::occasion_key(&admission.occasion, batch);
    put(&occasion, layout::OCCASION, &admission.batch.0);
}

const _: () = assert!(
    RECORD_LEN_MAX <= PART_LEN_MAX * u8::MAX as usize,
    "the longest record must fit into its parts"
);
