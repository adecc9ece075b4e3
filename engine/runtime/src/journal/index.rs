//! Finds batches by key and by occasion, and knows without asking the store that there is none.
//!
//! A batch in the store has an entry for each. Those of batches that moved to the archive are one value for each segment,
//! its page: a store pays for every key. In memory are four bytes of every key and every occasion, with the pages that
//! may have them, about 30 bytes a batch: what is not here is nowhere, and anything else is settled by what the store
//! holds.

use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use equipoise_core::BatchKey;
use equipoise_port::JournalError;

use super::codec::{PART_LEN_MAX, damaged, seal, shown, unseal};
use super::encoded::Admission;
use super::layout::{self, OCCASION_LEN, OCCASION_PREFIX_LEN};
use super::store::{Reads, StoreError, WriteBatch};

/// Bytes of one batch in a page: number, key, hash of its occasion.
pub(super) const ENTRY_LEN: usize = 8 + 16 + OCCASION_LEN;

/// Batches that fit into one page.
pub(super) const PAGE_BATCHES_MAX: usize = PART_LEN_MAX / ENTRY_LEN;

/// What finds one batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its number.
    pub(super) number: u64,
    /// Its key and occasion.
    pub(super) admission: Admission,
}

/// Where to look for a batch.
#[derive(Debug, Default)]
pub(super) struct Index {
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    keys: Pages,
    occasions: Pages,
    /// The highest segment whose page is in the store.
    entered: u64,
}

/// By the first bytes of a hash: the segment whose page may have it, 0 while none has.
#[derive(Debug, Default)]
struct Pages {
    first: HashMap<[u8; 4], u32>,
    further: HashMap<[u8; 4], Vec<u32>>,
}

/// Pages to be looked at, and whether they must be there.
type Candidates = Vec<(u64, bool)>;

impl Index {
    /// A batch is about to begin, or was found in the store.
    pub(super) fn note(&self, admission: &Admission) {
        self.note_key(admission.batch);
        self.note_occasion(&admission.occasion);
    }

    /// There is an entry of this key.
    pub(super) fn note_key(&self, batch: BatchKey) {
        self.change().keys.first.entry(start(&batch.0)).or_default();
    }

    /// There is an entry that begins so.
    pub(super) fn note_occasion(&self, occasion: &[u8; OCCASION_PREFIX_LEN]) {
        self.change().occasions.first.entry(start(&occasion[1..])).or_default();
    }

    /// The entries of batches are about to move to the page of a segment. From here on both are looked at.
    ///
    /// # Errors
    /// No journal has so many segments.
    pub(super) fn begin_page(&self, segment: u64, entries: &[Entry]) -> Result<(), JournalError> {
        let segment = u32::try_from(segment)
            .map_err(|_| damaged(format_args!("segment {segment} is beyond any number")))?;
        let mut known = self.change();
        for Entry { admission, .. } in entries {
            known.keys.add(start(&admission.batch.0), segment);
            known.occasions.add(start(&admission.occasion[1..]), segment);
        }
        Ok(())
    }

    /// The pages up to this segment's are in the store.
    pub(super) fn end_page(&self, segment: u64) {
        self.change().entered = segment;
    }

    /// The number of a batch, if there is such a batch.
    pub(super) fn number(
        &self,
        store: &(impl Reads + ?Sized),
        batch: BatchKey,
    ) -> Result<Option<u64>, JournalError> {
        let Some(pages) = self.candidates(|known| &known.keys, &batch.0) else { return Ok(None) };
        // In this order: what leaves its own entry is in a page by then.
        if let Some(number) = stored_number(store, batch)? {
            return Ok(Some(number));
        }
        for page in pages {
            let found = entries_of(store, page)?;
            if let Some(entry) = found.iter().find(|entry| entry.admission.batch == batch) {
                return Ok(Some(entry.number));
            }
        }
        Ok(None)
    }

    /// The batches of a strategy and occasion in order of admission.
    pub(super) fn of_occasion(
        &self,
        store: &(impl Reads + ?Sized),
        occasion: &[u8; OCCASION_PREFIX_LEN],
    ) -> Result<Vec<BatchKey>, JournalError> {
        let pages = self.candidates(|known| &known.occasions, &occasion[1..]);
        let Some(pages) = pages else { return Ok(Vec::new()) };
        // What moves meanwhile is met twice.
        let mut found = BTreeMap::new();
        store.scan(occasion, &mut |key, value| {
            found.insert(layout::number_of(key), key_body(key, value)?);
            Ok(())
        })?;
        for page in pages {
            let entries = entries_of(store, page)?.into_iter();
            let of_it = entries.filter(|entry| entry.admission.occasion == *occasion);
            found.extend(of_it.map(|entry| (Some(entry.number), entry.admission.batch)));
        }
        Ok(found.into_values().collect())
    }

    fn candidates(&self, of: impl Fn(&Known) -> &Pages, hash: &[u8]) -> Option<Candidates> {
        let known = self.look();
        let pages = of(&known);
        let hash = start(hash);
        let first = pages.first.get(&hash)?;
        let further = pages.further.get(&hash).into_iter().flatten();
        let segments = std::iter::once(first).chain(further).filter(|segment| **segment > 0);
        let segments = segments.map(|segment| u64::from(*segment));
        Some(segments.map(|segment| (segment, segment <= known.entered)).collect())
    }

    /// No code that holds the lock can panic half way through a change, so a poisoned one is still whole.
    fn look(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    fn add(&mut self, hash: [u8; 4], segment: u32) {
        let first = self.first.entry(hash).or_default();
        if *first == 0 {
            *first = segment;
        }
        if *first == segment {
            return;
        }
        let further = self.further.entry(hash).or_default();
        if further.last() != Some(&segment) {
            further.push(segment);
        }
    }
}

/// All batches in order of admission.
pub(super) fn batches(
    store: &(impl Reads + ?Sized),
) -> Result<BTreeMap<u64, BatchKey>, JournalError> {
    // In this order: what moves meanwhile is met twice, and not missed.
    let mut found = stored_batches(store)?;
    store.scan(&[layout::PAGE], &mut |key, value| {
        let entries = read_page(key, value)?.into_iter();
        found.extend(entries.map(|entry| (entry.number, entry.admission.batch)));
        Ok(())
    })?;
    Ok(found)
}

/// The batches that have entries of their own, in order of admission: those that are not in the archive.
pub(super) fn stored_batches(
    store: &(impl Reads + ?Sized),
) -> Result<BTreeMap<u64, BatchKey>, JournalError> {
    let mut found = BTreeMap::new();
    store.scan(&[layout::BATCH], &mut |key, value| {
        found.insert(number_body(key, value)?, batch_of(key)?);
        Ok(())
    })?;
    Ok(found)
}

/// The batch number that a batch's entry holds.
pub(super) fn number_body(key: &[u8], value: &[u8]) -> Result<u64, JournalError> {
    let value = unseal(key, value)?;
    let number = <[u8; 8]>::try_from(value.body).map_err(|_| unreadable(key))?;
    Ok(u64::from_be_bytes(number))
}

/// The batch key that an open marker or an occasion's entry holds.
pub(super) fn key_body(key: &[u8], value: &[u8]) -> Result<BatchKey, JournalError> {
    let value = unseal(key, value)?;
    <[u8; 16]>::try_from(value.body).map(BatchKey).map_err(|_| unreadable(key))
}

/// The batch whose entry stands at a key.
pub(super) fn batch_of(key: &[u8]) -> Result<BatchKey, JournalError> {
    let batch = key.get(1..).and_then(|batch| <[u8; 16]>::try_from(batch).ok());
    batch.map(BatchKey).ok_or_else(|| unreadable(key))
}

fn unreadable(key: &[u8]) -> JournalError {
    damaged(format_args!("entry {} is unreadable", shown(key)))
}

/// The number of a batch by an entry of its own.
pub(super) fn stored_number(
    store: &(impl Reads + ?Sized),
    batch: BatchKey,
) -> Result<Option<u64>, JournalError> {
    let key = layout::batch_key(batch);
    match store.get(&key).map_err(StoreError::while_running)? {
        Some(value) => number_body(&key, &value).map(Some),
        None => Ok(None),
    }
}

fn entries_of(
    store: &(impl Reads + ?Sized),
    (segment, entered): (u64, bool),
) -> Result<Vec<Entry>, JournalError> {
    let key = layout::numbered(layout::PAGE, segment);
    match store.get(&key).map_err(StoreError::while_running)? {
        Some(value) => read_page(&key, &value),
        None if entered => Err(damaged(format_args!("page {} is missing", shown(&key)))),
        // Nothing has moved there yet.
        None => Ok(Vec::new()),
    }
}

/// Stages the page of a segment; it carries the journal number of the segment's entry.
pub(super) fn put_page(out: &mut WriteBatch, segment: u64, journal_number: u64, entries: &[Entry]) {
    let mut body = Vec::with_capacity(entries.len() * ENTRY_LEN);
    for Entry { number, admission } in entries {
        body.extend_from_slice(&number.to_be_bytes());
        body.extend_from_slice(&admission.batch.0);
        body.extend_from_slice(&admission.occasion[1..]);
    }
    let key = layout::numbered(layout::PAGE, segment);
    out.put(&key, |value| seal(value, &key, layout::PAGE, false, journal_number, &body));
}

/// What a page says.
pub(super) fn read_page(key: &[u8], value: &[u8]) -> Result<Vec<Entry>, JournalError> {
    let (entries, rest) = unseal(key, value)?.body.as_chunks::<ENTRY_LEN>();
    if !rest.is_empty() {
        return Err(unreadable(key));
    }
    let read = |entry: &[u8; ENTRY_LEN]| {
        let (number, rest) = entry.split_first_chunk::<8>()?;
        let (batch, hash) = rest.split_first_chunk::<16>()?;
        let mut occasion = [layout::OCCASION; OCCASION_PREFIX_LEN];
        occasion[1..].copy_from_slice(hash);
        let admission = Admission { batch: BatchKey(*batch), occasion };
        Some(Entry { number: u64::from_be_bytes(*number), admission })
    };
    Ok(entries.iter().filter_map(read).collect())
}

fn start(hash: &[u8]) -> [u8; 4] {
    hash.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::log_faults::Slow;
    use super::super::store::Store as _;
    use super::super::writer::stage_index;
    use super::*;

    const PAGE_1: &str = "01490000000000000007866018fa \
                          0000000000000003 03030303030303030303030303030303 07070707070707070707070707070707";

    /// A batch whose hashes begin with a byte and go on with another one.
    fn entry(number: u64, begins: u8, goes_on: u8) -> Entry {
        let (mut batch, mut occasion) = ([goes_on; 16], [goes_on + 4; OCCASION_PREFIX_LEN]);
        batch[..4].fill(begins);
        occasion[0] = layout::OCCASION;
        occasion[1..5].fill(begins + 4);
        Entry { number, admission: Admission { batch: BatchKey(batch), occasion } }
    }

    fn stored(store: &Slow, index: &Index, entry: Entry) {
        let mut batch = WriteBatch::default();
        index.note(&entry.admission);
        stage_index(entry.admission, entry.number, 1, &mut batch);
        store.commit(&batch).unwrap();
    }

    fn moved(store: &Slow, index: &Index, segment: u64, entries: &[Entry]) {
        let mut batch = WriteBatch::default();
        index.begin_page(segment, entries).unwrap();
        put_page(&mut batch, segment, 7, entries);
        for Entry { number, admission } in entries {
            batch.delete(&layout::batch_key(admission.batch));
            batch.delete(&layout::occasion_key(&admission.occasion, *number));
        }
        store.commit(&batch).unwrap();
        index.end_page(segment);
    }

    fn found(store: &Slow, index: &Index, entry: Entry) -> (Option<u64>, Vec<BatchKey>) {
        let of_occasion = index.of_occasion(store, &entry.admission.occasion).unwrap();
        (index.number(store, entry.admission.batch).unwrap(), of_occasion)
    }

    #[test]
    fn a_page_keeps_its_bytes_and_reads_back() {
        let mut batch = WriteBatch::default();
        put_page(&mut batch, 2, 7, &[entry(3, 3, 3)]);
        let key = layout::numbered(layout::PAGE, 2);
        let Some(super::super::store::Write::Put(put, value)) = batch.iter().next() else {
            panic!("no put")
        };
        assert_eq!(put, key);
        assert_eq!(hex::encode(value), PAGE_1.replace(' ', ""));
        assert_eq!(read_page(&key, value), Ok(vec![entry(3, 3, 3)]));
        assert!(read_page(&layout::numbered(layout::PAGE, 3), value).is_err());
    }

    #[test]
    fn batches_whose_hashes_begin_alike_are_told_apart_wherever_they_are() {
        let (store, index) = (Slow::default(), Index::default());
        let alike = [1, 2, 3, 4].map(|number| entry(number, 9, number as u8));
        for entry in &alike[..3] {
            stored(&store, &index, *entry);
        }
        let expected = |entry: Entry| (Some(entry.number), vec![entry.admission.batch]);
        let each = |store: &Slow, index: &Index| {
            for entry in &alike[..3] {
                assert_eq!(found(store, index, *entry), expected(*entry));
            }
            assert_eq!(found(store, index, alike[3]), (None, Vec::new()));
            assert_eq!(batches(store).unwrap().into_keys().collect::<Vec<_>>(), [1, 2, 3]);
        };
        each(&store, &index);
        moved(&store, &index, 1, &alike[..1]);
        each(&store, &index);
        moved(&store, &index, 2, &alike[1..3]);
        each(&store, &index);
        assert_eq!(stored_batches(&store).unwrap(), BTreeMap::new());
    }

    #[test]
    fn batches_of_one_occasion_come_in_order_of_admission_from_the_store_and_from_pages() {
        let (store, index) = (Slow::default(), Index::default());
        let of_one = [1, 2, 3].map(|number: u64| {
            let mut entry = entry(number, number as u8, number as u8);
            entry.admission.occasion[1..].fill(5);
            entry
        });
        of_one.iter().for_each(|entry| stored(&store, &index, *entry));
        moved(&store, &index, 1, &of_one[1..]);
        let keys = of_one.map(|entry| entry.admission.batch);
        assert_eq!(found(&store, &index, of_one[0]), (Some(1), keys.to_vec()));
    }

    #[test]
    fn a_batch_is_found_at_every_moment_of_its_move() {
        let (store, index) = (Slow::default(), Index::default());
        let batch = entry(1, 9, 1);
        stored(&store, &index, batch);
        index.begin_page(1, &[batch]).unwrap();
        assert_eq!(found(&store, &index, batch).0, Some(1));
        moved(&store, &index, 1, &[batch]);
        assert_eq!(found(&store, &index, batch).0, Some(1));
    }

    #[test]
    fn a_page_that_was_there_and_is_gone_is_damage_and_not_an_unknown_batch() {
        let (store, index) = (Slow::default(), Index::default());
        let batch = entry(1, 9, 1);
        moved(&store, &index, 1, &[batch]);
        let mut gone = WriteBatch::default();
        gone.delete(&layout::numbered(layout::PAGE, 1));
        store.commit(&gone).unwrap();
        let error = index.number(&store, batch.admission.batch).unwrap_err();
        assert!(matches!(error, JournalError::Damaged(_)), "{error}");
        assert!(index.of_occasion(&store, &batch.admission.occasion).is_err());
    }
}
