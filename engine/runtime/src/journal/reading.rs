//! Questions a store can answer without knowing who writes to it.

use std::collections::BTreeSet;

use equipoise_core::{BatchKey, Ending, Record};
use equipoise_port::JournalError;

use super::archive::{Archive, Located};
use super::codec::{ENDED, SEVERAL, damaged, read_body, read_several, shown, unseal};
use super::index::{self, Index, key_body};
use super::layout::{self, Place};
use super::store::Reads;

/// A batch as it was found, not decoded yet.
#[derive(Debug)]
pub(super) struct Found {
    batch: BatchKey,
    number: u64,
    archived: Option<Located>,
    /// What the store holds of it.
    values: Values,
}

/// Looks a batch up.
pub(super) fn find(
    store: &(impl Reads + ?Sized),
    index: &Index,
    archive: &Archive,
    batch: BatchKey,
) -> Result<Option<Found>, JournalError> {
    let Some(number) = index.number(store, batch)? else {
        return Ok(None);
    };
    let (archived, values) = (archive.locate(number), values(store, number)?);
    Ok(Some(Found { batch, number, archived, values }))
}

/// Keys and values as they lie in a store.
pub(super) type Values = Vec<(Vec<u8>, Vec<u8>)>;

/// What the store holds of a batch.
pub(super) fn values(store: &(impl Reads + ?Sized), number: u64) -> Result<Values, JournalError> {
    let mut values = Vec::new();
    store.scan(&layout::numbered(layout::RECORD, number), &mut |key, value| {
        values.push((key.to_vec(), value.to_vec()));
        Ok(())
    })?;
    Ok(values)
}

impl Found {
    /// Its records, from the archive first.
    pub(super) fn records(self) -> Result<Vec<Record>, JournalError> {
        let mut assembly = Assembly::default();
        if let Some(archived) = &self.archived {
            archived.visit(&mut |key, value| assembly.take(key, value))?;
        }
        self.values.iter().try_for_each(|(key, value)| assembly.take(key, value))?;
        let (records, batch) = (assembly.finish(self.number)?, self.batch);
        match records.first() {
            Some(Record::Admitted(spec)) if spec.key == batch => Ok(records),
            _ => Err(damaged(format_args!("batch {batch} does not begin with its admission"))),
        }
    }
}

/// How many records a batch holds.
pub(super) fn record_count(
    store: &(impl Reads + ?Sized),
    archive: &Archive,
    number: u64,
) -> Result<u32, JournalError> {
    let mut count = 0_u32;
    let mut add = |key: &[u8], value: &[u8]| {
        let value = unseal(key, value)?;
        if value.kind == SEVERAL {
            count += u32::try_from(read_several(key, value.body)?.len()).unwrap_or(u32::MAX);
        } else if layout::place_of(key).is_some_and(|place| place.part == 0) {
            count += 1;
        }
        Ok(())
    };
    if let Some(archived) = archive.locate(number) {
        archived.visit(&mut add)?;
    }
    store.scan(&layout::numbered(layout::RECORD, number), &mut add)?;
    Ok(count)
}

/// The parked batches in order of admission. They never move to the archive, so what the store holds is looked at only.
pub(super) fn parked_batches(store: &(impl Reads + ?Sized)) -> Result<Vec<BatchKey>, JournalError> {
    let mut ended = BTreeSet::new();
    store.scan(&[layout::RECORD], &mut |key, value| {
        let unsealed = unseal(key, value)?;
        let ends = match unsealed.kind {
            ENDED => true,
            SEVERAL => read_several(key, unsealed.body)?.iter().any(|(kind, _)| *kind == ENDED),
            _ => false,
        };
        ended.extend(layout::place_of(key).filter(|_| ends).map(|place| place.batch));
        Ok(())
    })?;
    let mut parked = Vec::new();
    for (number, batch) in index::stored_batches(store)? {
        if ended.contains(&number) && is_parked(store, number)? {
            parked.push(batch);
        }
    }
    Ok(parked)
}

fn is_parked(store: &(impl Reads + ?Sized), number: u64) -> Result<bool, JournalError> {
    let (mut assembly, values) = (Assembly::default(), values(store, number)?);
    let first = values.first().and_then(|(key, _)| layout::place_of(key));
    if first.is_none_or(|place| place.sequence > 0) {
        // It moved to the archive, perhaps just now and but for what was added since: it was not parked.
        return Ok(false);
    }
    values.iter().try_for_each(|(key, value)| assembly.take(key, value))?;
    let parks = |record: &Record| matches!(record, Record::Ended { ending: Ending::Parked, .. });
    Ok(assembly.finish(number)?.iter().any(parks))
}

/// The open batches in order of admission.
pub(super) fn open_batches(store: &(impl Reads + ?Sized)) -> Result<Vec<BatchKey>, JournalError> {
    let mut found = Vec::new();
    store.scan(&[layout::OPEN], &mut |key, value| {
        found.push(key_body(key, value)?);
        Ok(())
    })?;
    Ok(found)
}

/// Puts the records of one batch together, in order and without gaps.
#[derive(Default)]
pub(super) struct Assembly {
    records: Vec<Record>,
    body: Vec<u8>,
    /// Part expected next, 0 for a record.
    part: u8,
}

impl Assembly {
    /// Takes the next value.
    pub(super) fn take(&mut self, key: &[u8], value: &[u8]) -> Result<(), JournalError> {
        let gap = || damaged(format_args!("record before {} is missing", shown(key)));
        let Place { sequence, part, .. } = layout::place_of(key).ok_or_else(gap)?;
        if usize::try_from(sequence) != Ok(self.records.len()) || part != self.part {
            return Err(gap());
        }
        let value = unseal(key, value)?;
        if value.more {
            self.body.extend_from_slice(value.body);
            self.part = self.part.checked_add(1).ok_or_else(gap)?;
            return Ok(());
        }
        if value.kind == SEVERAL {
            for (kind, body) in read_several(key, value.body)? {
                self.records.push(read_body(key, kind, body)?);
            }
            return Ok(());
        }
        let record = if self.part == 0 {
            read_body(key, value.kind, value.body)?
        } else {
            self.body.extend_from_slice(value.body);
            read_body(key, value.kind, &self.body)?
        };
        self.records.push(record);
        self.body.clear();
        self.part = 0;
        Ok(())
    }

    /// The records, if none is incomplete.
    pub(super) fn finish(self, number: u64) -> Result<Vec<Record>, JournalError> {
        if self.part != 0 || self.records.is_empty() {
            return Err(damaged(format_args!(
                "the last record of batch number {number} is incomplete"
            )));
        }
        Ok(self.records)
    }
}
