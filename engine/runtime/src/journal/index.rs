//! Finds batches by key and by occasion, and knows without asking the store that there is none.
//!
//! A batch in the store has an entry for each. Those of batches that moved to the archive are together in a few values
//! for each segment, its pages: a store pays for every key. In memory are four bytes of every key and every occasion,
//! with the segments whose pages may have them, about 30 bytes a batch: what is not here is nowhere, and anything else is
//! settled by what the store holds.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use equipoise_core::BatchKey;
use equipoise_port::JournalError;

use super::bundle::BUNDLE_LEN_MAX;
use super::codec::{damaged, seal, shown, unseal};
use super::encoded::Admission;
use super::layout::{self, OCCASION_LEN, OCCASION_PREFIX_LEN};
use super::store::{Reads, StoreError, WriteBatch};

/// Bytes of one batch in a page: number, key, hash of its occasion.
pub(super) const ENTRY_LEN: usize = 8 + 16 + OCCASION_LEN;

/// Batches of one page: as long as a bundle, for the same reason.
const PAGE_BATCHES: usize = BUNDLE_LEN_MAX / ENTRY_LEN;

/// Batches that fit into all pages of one segment.
pub(super) const SEGMENT_BATCHES_MAX: usize = PAGE_BATCHES * (u8::MAX as usize + 1);

/// Maps that each side is spread over, by the first byte of a hash: each grows by itself, so that nobody waits for more
/// than a small part to be moved.
const SHARDS: usize = u8::MAX as usize + 1;

/// What finds one batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its number.
    pub(super) number: u64,
    /// Its key and occasion.
    pub(super) admission: Admission,
}

/// Where to look for a batch.
#[derive(Default)]
pub(super) struct Index {
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    keys: Segments,
    occasions: Segments,
    /// The highest segment whose pages are in the store.
    entered: u64,
}

struct Segments(Vec<Shard>);

/// By the first bytes of a hash: the segment whose pages may have it, 0 while none has.
#[derive(Default)]
struct Shard {
    first: HashMap<[u8; 4], u32>,
    further: HashMap<[u8; 4], Vec<u32>>,
}

/// Segments whose pages are to be looked at, and whether they must be there.
type Candidates = Vec<(u64, bool)>;

impl Index {
    /// A batch is about to begin, or was found in the store.
    pub(super) fn note(&self, admission: &Admission) {
        let mut known = self.change();
        known.keys.note(&admission.batch.0);
        known.occasions.note(&admission.occasion[1..]);
    }

    /// There is an entry of this key.
    pub(super) fn note_key(&self, batch: BatchKey) {
        self.change().keys.note(&batch.0);
    }

    /// There is an entry that begins so.
    pub(super) fn note_occasion(&self, occasion: &[u8; OCCASION_PREFIX_LEN]) {
        self.change().occasions.note(&occasion[1..]);
    }

    /// The entries of batches are about to move to the pages of a segment. From here on both are looked at.
    ///
    /// # Errors
    /// No journal has so many segments.
    pub(super) fn begin_pages(&self, segment: u64, entries: &[Entry]) -> Result<(), JournalError> {
        let segment = u32::try_from(segment)
            .map_err(|_| damaged(format_args!("segment {segment} is beyond any number")))?;
        let mut known = self.change();
        for Entry { admission, .. } in entries {
            known.keys.add(&admission.batch.0, segment);
            known.occasions.add(&admission.occasion[1..], segment);
        }
        Ok(())
    }

    /// The pages up to this segment's are in the store.
    pub(super) fn end_pages(&self, segment: u64) {
        self.change().entered = segment;
    }

    /// The number of a batch, if there is such a batch.
    pub(super) fn number(
        &self,
        store: &(impl Reads + ?Sized),
        batch: BatchKey,
    ) -> Result<Option<u64>, JournalError> {
        if !self.look().keys.may_have(&batch.0) {
            return Ok(None);
        }
        // In this order, and which pages there are only then: what has left its own entry is in one of them.
        if let Some(number) = stored_number(store, batch)? {
            return Ok(Some(number));
        }
        for segment in self.candidates(|known| &known.keys, &batch.0) {
            let found = entries_of(store, segment)?;
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
        if !self.look().occasions.may_have(&occasion[1..]) {
            return Ok(Vec::new());
        }
        // In the same order: what moves meanwhile is met twice, and not missed.
        let mut found = BTreeMap::new();
        store.scan(occasion, &mut |key, value| {
            found.insert(layout::number_of(key), key_body(key, value)?);
            Ok(())
        })?;
        for segment in self.candidates(|known| &known.occasions, &occasion[1..]) {
            let entries = entries_of(store, segment)?.into_iter();
            let of_it = entries.filter(|entry| entry.admission.occasion == *occasion);
            found.extend(of_it.map(|entry| (Some(entry.number), entry.admission.batch)));
        }
        Ok(found.into_values().collect())
    }

    fn candidates(&self, of: impl Fn(&Known) -> &Segments, hash: &[u8]) -> Candidates {
        let known = self.look();
        let segments = of(&known).of(hash).map(u64::from);
        segments.map(|segment| (segment, segment <= known.entered)).collect()
    }

    /// No code that holds the lock can panic half way through a change, so a poisoned one is still whole.
    fn look(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").finish_non_exhaustive()
    }
}

impl Default for Segments {
    fn default() -> Self {
        Self((0..SHARDS).map(|_| Shard::default()).collect())
    }
}

impl Segments {
    /// The map for a hash, and the bytes of it that are kept.
    fn shard(&mut self, hash: &[u8]) -> (&mut Shard, [u8; 4]) {
        let start = start(hash);
        (&mut self.0[usize::from(start[0])], start)
    }

    fn note(&mut self, hash: &[u8]) {
        let (shard, start) = self.shard(hash);
        shard.first.entry(start).or_default();
    }

    fn may_have(&self, hash: &[u8]) -> bool {
        let start = start(hash);
        self.0[usize::from(start[0])].first.contains_key(&start)
    }

    /// The segments whose pages may have it.
    fn of(&self, hash: &[u8]) -> impl Iterator<Item = u32> {
        let start = start(hash);
        let shard = &self.0[usize::from(start[0])];
        let first = shard.first.get(&start).into_iter();
        let all = first.chain(shard.further.get(&start).into_iter().flatten());
        all.copied().filter(|segment| *segment > 0)
    }

    fn add(&mut self, hash: &[u8], segment: u32) {
        let (shard, start) = self.shard(hash);
        let first = shard.first.entry(start).or_default();
        if *first == 0 {
            *first = segment;
        }
        if *first == segment {
            return;
        }
        let further = shard.further.entry(start).or_default();
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
    let mut entries = Vec::new();
    let pages = layout::numbered(layout::PAGE, segment);
    store.scan(&pages, &mut |key, value| {
        entries.append(&mut read_page(key, value)?);
        Ok(())
    })?;
    // Before that nothing may have moved there yet.
    if entered && entries.is_empty() {
        return Err(damaged(format_args!("the pages {} are missing", shown(&pages))));
    }
    Ok(entries)
}

/// Stages the pages of a segment; they carry the journal number of the segment's entry.
pub(super) fn put_pages(
    out: &mut WriteBatch,
    segment: u64,
    journal_number: u64,
    entries: &[Entry],
) {
    let mut body = Vec::with_capacity(BUNDLE_LEN_MAX);
    for (part, entries) in (0..=u8::MAX).zip(entries.chunks(PAGE_BATCHES)) {
        body.clear();
        for Entry { number, admission } in entries {
            body.extend_from_slice(&number.to_be_bytes());
            body.extend_from_slice(&admission.batch.0);
            body.extend_from_slice(&admission.occasion[1..]);
        }
        let key = layout::page_key(segment, part);
        out.put(&key, |value| seal(value, &key, layout::PAGE, false, journal_number, &body));
    }
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
    use std::cell::Cell;

    use super::super::log_faults::Slow;
    use super::super::sled_store::SledStore;
    use super::super::store::{Store as _, Visit};
    use super::super::writer::stage_index;
    use super::*;

    const PAGE_1: &str = "01490000000000000007824c67de \
                          0000000000000003 03030303030303030303030303030303 07070707070707070707070707070707";

    /// A batch whose hashes begin with a byte and go on with another one.
    fn entry(number: u64, begins: u8, goes_on: u8) -> Entry {
        let (mut batch, mut occasion) =
            ([goes_on; 16], [goes_on.wrapping_add(4); OCCASION_PREFIX_LEN]);
        batch[..4].fill(begins);
        occasion[0] = layout::OCCASION;
        occasion[1..5].fill(begins.wrapping_add(4));
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
        index.begin_pages(segment, entries).unwrap();
        put_pages(&mut batch, segment, 7, entries);
        for Entry { number, admission } in entries {
            batch.delete(&layout::batch_key(admission.batch));
            batch.delete(&layout::occasion_key(&admission.occasion, *number));
        }
        store.commit(&batch).unwrap();
        index.end_pages(segment);
    }

    fn found(store: &Slow, index: &Index, entry: Entry) -> (Option<u64>, Vec<BatchKey>) {
        let of_occasion = index.of_occasion(store, &entry.admission.occasion).unwrap();
        (index.number(store, entry.admission.batch).unwrap(), of_occasion)
    }

    #[test]
    fn a_page_keeps_its_bytes_and_reads_back() {
        let mut batch = WriteBatch::default();
        put_pages(&mut batch, 2, 7, &[entry(3, 3, 3)]);
        let key = layout::page_key(2, 0);
        let Some(super::super::store::Write::Put(put, value)) = batch.iter().next() else {
            panic!("no put")
        };
        assert_eq!(put, key);
        assert_eq!(hex::encode(value), PAGE_1.replace(' ', ""));
        assert_eq!(read_page(&key, value), Ok(vec![entry(3, 3, 3)]));
        assert!(read_page(&layout::page_key(3, 0), value).is_err());
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

    /// A store from which the batch moves away just before the first look at it.
    struct Moving<'a>(&'a Slow, &'a Index, Cell<Option<Entry>>);

    impl Moving<'_> {
        fn go_on(&self) {
            if let Some(batch) = self.2.take() {
                moved(self.0, self.1, 1, &[batch]);
            }
        }
    }

    impl Reads for Moving<'_> {
        fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
            self.go_on();
            self.0.get(key)
        }

        fn scan(&self, prefix: &[u8], visit: Visit<'_>) -> Result<(), JournalError> {
            self.go_on();
            self.0.scan(prefix, visit)
        }
    }

    #[test]
    fn a_batch_that_moves_while_it_is_looked_for_is_found() {
        let batch = entry(1, 9, 1);
        let moving_while = |look: &dyn Fn(&Moving<'_>, &Index)| {
            let (store, index) = (Slow::default(), Index::default());
            stored(&store, &index, batch);
            look(&Moving(&store, &index, Cell::new(Some(batch))), &index);
        };
        moving_while(&|store, index| {
            assert_eq!(index.number(store, batch.admission.batch), Ok(Some(1)));
        });
        moving_while(&|store, index| {
            let found = index.of_occasion(store, &batch.admission.occasion);
            assert_eq!(found, Ok(vec![batch.admission.batch]));
        });
        moving_while(&|store, _| {
            assert_eq!(batches(store), Ok(BTreeMap::from([(1, batch.admission.batch)])));
        });
    }

    #[test]
    fn many_batches_take_several_pages_none_of_which_is_long() {
        let (store, index) = (Slow::default(), Index::default());
        let many: Vec<_> = (0..512).map(|number| entry(number, number as u8, 1)).collect();
        moved(&store, &index, 1, &many);
        let lens: Vec<_> = store.entries.lock().unwrap().values().map(Vec::len).collect();
        assert_eq!(lens, [4094, 4094, 4094, 4094, 4094, 94]);
        assert_eq!(batches(&store).unwrap().len(), 512);
    }

    #[test]
    fn pages_of_many_segments_stay_in_the_log_of_sled() {
        let folder = tempfile::tempdir().unwrap();
        let sled = SledStore::open(folder.path()).unwrap();
        let entries: Vec<_> = (0..512).map(|number| entry(number, number as u8, 1)).collect();
        for segment in 1..40 {
            let mut pages = WriteBatch::default();
            put_pages(&mut pages, segment, 7, &entries);
            sled.commit(&pages).unwrap();
        }
        assert_eq!(std::fs::read_dir(folder.path().join("blobs")).unwrap().count(), 0);
    }

    #[test]
    fn a_page_that_was_there_and_is_gone_is_damage_and_not_an_unknown_batch() {
        let (store, index) = (Slow::default(), Index::default());
        let batch = entry(1, 9, 1);
        moved(&store, &index, 1, &[batch]);
        let mut gone = WriteBatch::default();
        gone.delete(&layout::page_key(1, 0));
        store.commit(&gone).unwrap();
        let error = index.number(&store, batch.admission.batch).unwrap_err();
        assert!(matches!(error, JournalError::Damaged(_)), "{error}");
        assert!(index.of_occasion(&store, &batch.admission.occasion).is_err());
    }
}
