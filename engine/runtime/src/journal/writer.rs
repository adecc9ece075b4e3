//! Decides what an append writes: the one place that checks epoch and sequence (R3) and gives out numbers.
//!
//! It keeps the state of open batches in memory and writes nothing itself, so a thread with a device and the
//! memory journal share it. What it staged must be committed in one piece; if that fails, it must not be used again.

use std::collections::HashMap;

use equipoise_core::{BatchKey, BatchSpec, Record};
use equipoise_port::{Append, Epoch, JournalError};

use super::archive::Archive;
use super::archiver::Closed;
use super::codec::{
    ADMITTED, ENDED, PART_LEN_MAX, RECORD_LEN_MAX, SEVERAL, kind_of, seal, write_body,
    write_several,
};
use super::continuity::Findings;
use super::head::Head;
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
    bodies: Vec<u8>,
    ends: Vec<usize>,
    several: Vec<u8>,
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
            bodies: Vec::new(),
            ends: Vec::new(),
            several: Vec::new(),
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

    /// Stages the next segment: its entry, and the end of what is in it.
    pub(super) fn stage_segment(
        &mut self,
        closed: &Closed,
        out: &mut WriteBatch,
    ) -> Result<(), JournalError> {
        let body = postcard::to_allocvec(&closed.segment)
            .map_err(|error| JournalError::Failed(format!("segment not encoded: {error}")))?;
        let key = layout::numbered(layout::ARCHIVE, self.archive.highest() + 1);
        self.put_counted(out, &key, layout::ARCHIVE, false, &body);
        closed.keys.iter().for_each(|key| out.delete(key));
        Ok(())
    }

    /// Enters a segment whose stage was committed.
    pub(super) fn enter(&mut self, segment: Segment) -> Result<(), JournalError> {
        self.archive.add(segment)
    }

    /// Checks an append and stages its records.
    pub(super) fn stage_append(
        &mut self,
        store: &(impl Reads + ?Sized),
        append: &Append,
        out: &mut WriteBatch,
    ) -> Result<Staged, NotStaged> {
        if append.epoch.0 != self.epoch {
            return Err(NotStaged::Refused(JournalError::Fenced {
                own: append.epoch.0,
                current: self.epoch,
            }));
        }
        let known = self.head_of(store, append.batch)?;
        let actual = known.map_or(0, |head| head.sequence);
        if actual != append.expected {
            return Err(NotStaged::Refused(JournalError::OutOfSequence {
                batch: append.batch,
                expected: append.expected,
                actual,
            }));
        }
        let first = check_shape(append).map_err(NotStaged::Refused)?;
        self.encode(&append.records).map_err(NotStaged::Refused)?;
        let Some(next) =
            u32::try_from(append.records.len()).ok().and_then(|count| actual.checked_add(count))
        else {
            return Err(NotStaged::Refused(JournalError::Failed(format!(
                "batch {} has no room for further records",
                append.batch
            ))));
        };
        let number = match (known, first) {
            (Some(head), _) => head.number,
            (None, Some(spec)) => self.stage_admission(spec, out),
            // Nothing to write for a batch that is not there.
            (None, None) => return Ok(Staged { ends: None }),
        };
        self.stage_records(number, append, out);
        self.heads.insert(append.batch, BatchHead { number, sequence: next });
        let ends_batch = append.records.iter().any(|record| matches!(record, Record::Ended { .. }));
        if ends_batch {
            out.delete(&layout::numbered(layout::OPEN, number));
            self.ended.push(append.batch);
        }
        Ok(Staged { ends: ends_batch.then_some(number) })
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
        batch: BatchKey,
    ) -> Result<Option<BatchHead>, NotStaged> {
        if let Some(head) = self.heads.get(&batch) {
            return Ok(Some(*head));
        }
        // Every open batch is in memory; what is left is a batch that ended, or none.
        let Some(number) = reading::batch_number(store, batch).map_err(NotStaged::Broken)? else {
            return Ok(None);
        };
        let sequence =
            reading::record_count(store, &self.archive, number).map_err(NotStaged::Broken)?;
        let head = BatchHead { number, sequence };
        self.heads.insert(batch, head);
        self.ended.push(batch);
        Ok(Some(head))
    }

    /// Encodes all records before anything is staged, so that a refused append leaves no trace.
    fn encode(&mut self, records: &[Record]) -> Result<(), JournalError> {
        self.bodies.clear();
        self.ends.clear();
        for record in records {
            let start = self.bodies.len();
            write_body(&mut self.bodies, record)?;
            let len = self.bodies.len() - start;
            if len > RECORD_LEN_MAX {
                return Err(JournalError::Failed(format!(
                    "a record of {len} bytes is longer than {RECORD_LEN_MAX}"
                )));
            }
            self.ends.push(self.bodies.len());
        }
        Ok(())
    }

    fn stage_admission(&mut self, spec: &BatchSpec, out: &mut WriteBatch) -> u64 {
        self.batches += 1;
        let number = self.batches;
        stage_index(spec, number, self.head.number + 1, out);
        number
    }

    fn stage_records(&mut self, number: u64, append: &Append, out: &mut WriteBatch) {
        let bodies = std::mem::take(&mut self.bodies);
        let ends = std::mem::take(&mut self.ends);
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let parts = starts.zip(&ends).map(|(start, end)| &bodies[start..*end]);
        let records = append.records.iter().map(kind_of).zip(parts);
        let mut several = std::mem::take(&mut self.several);
        if ends.len() > 1 && write_several(&mut several, records.clone()) {
            let key = layout::record_key(number, append.expected);
            self.put_counted(out, &key, SEVERAL, false, &several);
        } else {
            for ((kind, body), sequence) in records.zip(append.expected..) {
                self.stage_record(number, sequence, kind, body, out);
            }
        }
        (self.bodies, self.ends, self.several) = (bodies, ends, several);
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
pub(super) fn stage_index(spec: &BatchSpec, batch: u64, journal_number: u64, out: &mut WriteBatch) {
    let mut put = |key: &[u8], letter: u8, body: &[u8]| {
        out.put(key, |value| seal(value, key, letter, false, journal_number, body));
    };
    put(&layout::batch_key(spec.key), layout::BATCH, &batch.to_be_bytes());
    put(&layout::numbered(layout::OPEN, batch), layout::OPEN, &spec.key.0);
    let occasion = layout::occasion_key(&spec.strategy, &spec.occasion, batch);
    put(&occasion, layout::OCCASION, &spec.key.0);
}

/// A batch begins with its own admission and has no other. Returns it if the append is a batch's first.
fn check_shape(append: &Append) -> Result<Option<&BatchSpec>, JournalError> {
    let (first, rest) = match append.records.split_first() {
        Some((Record::Admitted(spec), rest))
            if append.expected == 0 && spec.key == append.batch =>
        {
            (Some(&**spec), rest)
        }
        None => (None, append.records.as_slice()),
        Some(_) if append.expected == 0 => {
            return Err(JournalError::Failed(format!(
                "batch {} must begin with its admission",
                append.batch
            )));
        }
        Some(_) => (None, append.records.as_slice()),
    };
    if rest.iter().any(|record| kind_of(record) == ADMITTED) {
        return Err(JournalError::Failed(format!("batch {} is admitted already", append.batch)));
    }
    Ok(first)
}

const _: () = assert!(
    RECORD_LEN_MAX <= PART_LEN_MAX * u8::MAX as usize && ENDED != ADMITTED,
    "the longest record must fit into its parts"
);
