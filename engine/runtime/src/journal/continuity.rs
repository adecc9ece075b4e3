//! The check at every open: is what the store holds what was written?
//!
//! One pass over the whole store, in key order. It proves that every value matches its checksum, that journal numbers
//! have no gap and no repeat, that every batch has all its records, its key, its occasion entry and, until it ended,
//! its open marker, that the running hash adds up to the head, and that the anchor was a state of this very journal.
//! What moved to the archive is explained by the entries of its segments: which numbers, and the sum over them.
//! Bodies are not decoded; the checksum says they are what was written, and reading a batch decodes them.
//!
//! sled can open quietly with most of its records gone, so anything less than the whole store would not do.

use std::collections::{BTreeSet, HashMap};

use equipoise_core::BatchKey;
use equipoise_port::JournalError;

use super::archive::Archive;
use super::codec::{ADMITTED, ENDED, SEVERAL, Unsealed, damaged, read_several, shown, unseal};
use super::head::{Head, RunningHash};
use super::index::{Entry, Index, batch_of, key_body, number_body, read_page};
use super::layout::{self, Place};
use super::segment::Segment;
use super::store::{Reads, StoreError};
use super::writer::BatchHead;

/// What the check found, enough to go on from.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// The head.
    pub(super) head: Head,
    /// The newest epoch, 0 for none.
    pub(super) epoch: u64,
    /// The highest batch number.
    pub(super) batches: u64,
    /// Where the open batches stand.
    pub(super) open: HashMap<BatchKey, BatchHead>,
    /// Numbers of the batches in the store that ended.
    pub(super) ended: BTreeSet<u64>,
    /// What is in the archive. Its files are not looked at here.
    pub(super) archive: Archive,
    /// Where to look for batches.
    pub(super) index: Index,
}

/// Checks everything.
pub(super) fn check(
    store: &(impl Reads + ?Sized),
    anchor: Option<Head>,
) -> Result<Findings, JournalError> {
    let stored = store.get(layout::HEAD).map_err(StoreError::while_opening)?;
    let head = match &stored {
        Some(value) => Head::read(layout::HEAD, value)?,
        None => Head::default(),
    };
    let anchor = anchor.unwrap_or_default();
    if head.number < anchor.number {
        return Err(damaged(format_args!(
            "it ends at value {} although value {} was durable",
            head.number, anchor.number
        )));
    }
    let mut survey = Survey::new(head, anchor)?;
    store.scan(&[], &mut |key, value| survey.visit(key, value))?;
    survey.conclude()
}

/// What one batch was seen to hold.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    records: u32,
    /// Its records, or the first of them, are in the archive.
    archived: bool,
    ended: bool,
    keyed: bool,
    indexed: bool,
    open: bool,
}

impl Seen {
    /// One more record.
    fn take(&mut self, key: &[u8], kind: u8) -> Result<(), JournalError> {
        first_admits(key, self.records, kind)?;
        self.records += 1;
        self.ended |= kind == ENDED;
        Ok(())
    }
}

/// The first record of a batch admits it, and no other does.
fn first_admits(key: &[u8], sequence: u32, kind: u8) -> Result<(), JournalError> {
    if (sequence == 0) == (kind == ADMITTED) { Ok(()) } else { Err(foreign(key)) }
}

struct Survey {
    head: Head,
    anchor: Head,
    /// Which journal numbers were seen, one bit each.
    numbers: Vec<u64>,
    count: u64,
    hash: RunningHash,
    anchored: RunningHash,
    epoch: u64,
    batches: Vec<Seen>,
    /// Part expected next, 0 for a record.
    part: u8,
    open: HashMap<BatchKey, BatchHead>,
    archive: Archive,
    index: Index,
}

impl Survey {
    fn new(head: Head, anchor: Head) -> Result<Self, JournalError> {
        let words = usize::try_from(head.number / 64 + 1)
            .map_err(|_| damaged("its head is beyond any number"))?;
        Ok(Self {
            head,
            anchor,
            numbers: vec![0; words],
            count: 0,
            hash: RunningHash::default(),
            anchored: RunningHash::default(),
            epoch: 0,
            batches: Vec::new(),
            part: 0,
            open: HashMap::new(),
            archive: Archive::default(),
            index: Index::default(),
        })
    }

    fn visit(&mut self, key: &[u8], value: &[u8]) -> Result<(), JournalError> {
        match key.first() {
            Some(&layout::ARCHIVE) => self.segment(key, value),
            Some(&layout::RECORD) => self.record(key, value),
            Some(&layout::OWNER) => self.owner(key, value),
            Some(&layout::BATCH) => {
                let number = number_body(key, value)?;
                self.index.note_key(batch_of(key)?);
                let twice = std::mem::replace(&mut self.seen(key, number)?.keyed, true);
                unless(twice, key)
            }
            Some(&layout::OCCASION) => {
                key_body(key, value)?;
                let number = layout::number_of(key).ok_or_else(|| foreign(key))?;
                self.index.note_occasion(key.first_chunk().ok_or_else(|| foreign(key))?);
                let twice = std::mem::replace(&mut self.seen(key, number)?.indexed, true);
                unless(twice, key)
            }
            Some(&layout::OPEN) => self.open_marker(key, value),
            Some(&layout::PAGE) => self.page(key, value),
            _ if key == layout::HEAD => Ok(()),
            _ => Err(foreign(key)),
        }
    }

    fn record(&mut self, key: &[u8], value: &[u8]) -> Result<(), JournalError> {
        let Place { batch, sequence, part } = layout::place_of(key).ok_or_else(|| foreign(key))?;
        let gap = || damaged(format_args!("record before {} is missing", shown(key)));
        if batch > self.batches.len() as u64 {
            if self.part != 0 {
                return Err(gap());
            }
            self.skip_archived(batch - 1);
            if self.batches.len() as u64 == batch - 1 {
                self.batches.push(self.unseen(batch));
            }
            // What was added after the batch moved goes on from what moved; reading it shows that nothing is between.
            if let Some(seen) = self.batches.last_mut().filter(|seen| seen.archived) {
                seen.records = sequence.max(1);
            }
        }
        if batch != self.batches.len() as u64 {
            return Err(gap());
        }
        let unsealed = self.counted(key, value)?;
        let expected_part = self.part;
        let seen = self.batches.last_mut().ok_or_else(gap)?;
        if sequence != seen.records || part != expected_part {
            return Err(gap());
        }
        if unsealed.more {
            self.part = self.part.checked_add(1).ok_or_else(gap)?;
            return first_admits(key, sequence, unsealed.kind);
        }
        self.part = 0;
        if unsealed.kind == SEVERAL {
            for (kind, _) in read_several(key, unsealed.body)? {
                seen.take(key, kind)?;
            }
            return Ok(());
        }
        seen.take(key, unsealed.kind)
    }

    /// Batches up to a number that have nothing in the store.
    fn skip_archived(&mut self, up_to: u64) {
        while (self.batches.len() as u64) < up_to {
            let seen = self.unseen(self.batches.len() as u64 + 1);
            if !seen.archived {
                return;
            }
            self.batches.push(seen);
        }
    }

    fn unseen(&self, batch: u64) -> Seen {
        let archived = self.archive.holds(batch);
        Seen { archived, ended: archived, ..Seen::default() }
    }

    fn segment(&mut self, key: &[u8], value: &[u8]) -> Result<(), JournalError> {
        self.counted(key, value)?;
        if layout::number_of(key) != Some(self.archive.highest() + 1) {
            return Err(damaged(format_args!("segment before {} is missing", shown(key))));
        }
        let segment = segment_of(key, value)?;
        // It was only moved once the anchor vouched for it.
        if segment.numbers.highest() > Some(self.anchor.number) {
            return Err(damaged("its anchor is older than its archive"));
        }
        for (first, last) in segment.numbers.iter() {
            for number in first..=last {
                self.number(number)?;
            }
        }
        self.hash.add_all(segment.hash);
        self.anchored.add_all(segment.hash);
        self.archive.add(segment)
    }

    fn page(&mut self, key: &[u8], value: &[u8]) -> Result<(), JournalError> {
        let segment = layout::segment_of_page(key).ok_or_else(|| foreign(key))?;
        if !(1..=self.archive.highest()).contains(&segment) {
            return Err(foreign(key));
        }
        let entries = read_page(key, value)?;
        for Entry { number, .. } in &entries {
            if self.archive.segment_of(*number) != Some(segment) {
                return Err(foreign(key));
            }
            let seen = self.seen(key, *number)?;
            let keyed = std::mem::replace(&mut seen.keyed, true);
            let indexed = std::mem::replace(&mut seen.indexed, true);
            unless(keyed || indexed, key)?;
        }
        self.index.begin_pages(segment, &entries)
    }

    fn owner(&mut self, key: &[u8], value: &[u8]) -> Result<(), JournalError> {
        self.counted(key, value)?;
        self.epoch += 1;
        if layout::number_of(key) != Some(self.epoch) {
            return Err(damaged(format_args!("epoch {} is missing", self.epoch)));
        }
        Ok(())
    }

    fn open_marker(&mut self, key: &[u8], value: &[u8]) -> Result<(), JournalError> {
        let batch = key_body(key, value)?;
        let number = layout::number_of(key).ok_or_else(|| foreign(key))?;
        let seen = self.seen(key, number)?;
        seen.open = true;
        let sequence = seen.records;
        self.open.insert(batch, BatchHead { number, sequence });
        Ok(())
    }

    /// Checks a value that has a journal number of its own.
    fn counted<'a>(&mut self, key: &[u8], value: &'a [u8]) -> Result<Unsealed<'a>, JournalError> {
        let unsealed = unseal(key, value)?;
        let number = unsealed.number;
        if number == 0 || number > self.head.number {
            return Err(damaged(format_args!(
                "value {} has number {number} beyond the head {}",
                shown(key),
                self.head.number
            )));
        }
        self.number(number)?;
        self.hash.add(key, value);
        if number <= self.anchor.number {
            self.anchored.add(key, value);
        }
        Ok(unsealed)
    }

    /// Counts a number that must not have been there before; it is not beyond the head.
    fn number(&mut self, number: u64) -> Result<(), JournalError> {
        let beyond = || damaged(format_args!("number {number} is beyond the head"));
        let index = usize::try_from(number / 64).map_err(|_| beyond())?;
        let word = self.numbers.get_mut(index).ok_or_else(beyond)?;
        let bit = 1 << (number % 64);
        if *word & bit != 0 {
            return Err(damaged(format_args!("number {number} exists twice")));
        }
        *word |= bit;
        self.count += 1;
        Ok(())
    }

    fn seen(&mut self, key: &[u8], number: u64) -> Result<&mut Seen, JournalError> {
        // All records are behind us: keys sort after them.
        self.skip_archived(number);
        usize::try_from(number)
            .ok()
            .and_then(|number| number.checked_sub(1))
            .and_then(|index| self.batches.get_mut(index))
            .ok_or_else(|| {
                damaged(format_args!("entry {} has no batch number {number}", shown(key)))
            })
    }

    fn conclude(mut self) -> Result<Findings, JournalError> {
        // Also where nothing was met of the last ones.
        self.skip_archived(u64::MAX);
        if self.part != 0 {
            return Err(damaged("its last record is incomplete"));
        }
        if self.count != self.head.number {
            return Err(damaged(format_args!(
                "{} of {} values are there",
                self.count, self.head.number
            )));
        }
        if self.hash != self.head.hash {
            return Err(damaged("its content does not add up to its head"));
        }
        if self.anchored != self.anchor.hash {
            return Err(damaged(
                "its anchor does not belong to it, so one of them is from another time or place",
            ));
        }
        for (seen, number) in self.batches.iter().zip(1_u64..) {
            if !seen.keyed || !seen.indexed || seen.open == seen.ended {
                return Err(damaged(format_args!(
                    "the entries of batch number {number} are incomplete"
                )));
            }
        }
        let ended = self.batches.iter().zip(1_u64..);
        let ended = ended.filter(|(seen, _)| seen.ended && !seen.archived);
        let ended = ended.map(|(_, number)| number).collect();
        self.index.end_pages(self.archive.highest());
        Ok(Findings {
            head: self.head,
            epoch: self.epoch,
            batches: self.batches.len() as u64,
            open: self.open,
            ended,
            archive: self.archive,
            index: self.index,
        })
    }
}

/// The segment an entry speaks of.
pub(super) fn segment_of(key: &[u8], value: &[u8]) -> Result<Segment, JournalError> {
    match postcard::take_from_bytes::<Segment>(unseal(key, value)?.body) {
        Ok((segment, [])) => Ok(segment),
        _ => Err(damaged(format_args!("entry {} is unreadable", shown(key)))),
    }
}

fn foreign(key: &[u8]) -> JournalError {
    damaged(format_args!("value {} does not belong here", shown(key)))
}

fn unless(twice: bool, key: &[u8]) -> Result<(), JournalError> {
    if twice {
        return Err(damaged(format_args!(
            "entry {} names a batch that has one already",
            shown(key)
        )));
    }
    Ok(())
}
