//! Hands what a log made durable over to the store behind it, in as few keys as may be.
//!
//! What was handed over again and again in between, such as the head, or came and went, such as an open marker, reaches
//! the store once or not at all; the records of a batch reach it as bundles. The head goes last: until it is there, the
//! log still counts, and after a kill the same keys are handed over again from the same place.

use super::bundle;
use super::layout;
use super::overlay::Overlay;
use super::store::{Store, StoreError, WriteBatch};

/// Writes handed to the store in one piece: readers of some stores wait meanwhile.
const PIECE_MAX: usize = 64;

/// Bytes after which a piece is handed over whatever the number of its writes.
const PIECE_BYTES_MAX: usize = 32 * 1024;

type Written<'a> = (&'a Vec<u8>, &'a Option<Vec<u8>>);

/// Hands everything over and returns when it is durable.
pub(super) fn hand_over(store: &dyn Store, leaving: &Overlay) -> Result<(), StoreError> {
    let mut pieces = Pieces { store, batch: WriteBatch::default() };
    let mut writes = leaving.iter().filter(|(key, _)| *key != layout::HEAD).peekable();
    let mut records = Vec::new();
    while let Some(first) = writes.next() {
        let Some(shared) = layout::records_of(first.0) else {
            pieces.one(first)?;
            continue;
        };
        records.clear();
        records.push(first);
        while let Some(next) = writes.next_if(|(key, _)| key.starts_with(shared)) {
            records.push(next);
        }
        pieces.records(shared, &records)?;
    }
    pieces.end(leaving.get(layout::HEAD))
}

/// What is being put together.
struct Pieces<'a> {
    store: &'a dyn Store,
    batch: WriteBatch,
}

impl Pieces<'_> {
    fn one(&mut self, (key, write): Written<'_>) -> Result<(), StoreError> {
        match write {
            Some(value) => return self.put((key, value)),
            // At a start: what came and went in the log without ever reaching the store.
            None if self.store.get(key)?.is_none() => return Ok(()),
            None => self.batch.delete(key),
        }
        self.stage_if_due()
    }

    /// The writes to one batch's records.
    fn records(&mut self, shared: &[u8], writes: &[Written<'_>]) -> Result<(), StoreError> {
        let puts = writes.iter().filter_map(|(key, write)| Some((&key[..], write.as_deref()?)));
        let puts = puts.collect::<Vec<_>>();
        if puts.len() < writes.len() {
            return self.rewrite(shared, writes);
        }
        bundle::put(&puts, |entry| self.put(entry))
    }

    fn put(&mut self, (key, value): bundle::Entry<'_>) -> Result<(), StoreError> {
        self.batch.put(key, |out| out.extend_from_slice(value));
        self.stage_if_due()
    }

    /// Records go, from bundles that may hold others which stay. In one piece: no kill can part what goes from where
    /// the rest is.
    fn rewrite(&mut self, shared: &[u8], writes: &[Written<'_>]) -> Result<(), StoreError> {
        let (mut left, mut stood) = (Overlay::new(), Vec::new());
        self.store.scan(shared, &mut |key, value| {
            stood.push(key.to_vec());
            bundle::each(key, value, &mut |key, value| {
                left.insert(key.to_vec(), Some(value.to_vec()));
                Ok(())
            })
        })?;
        left.extend(writes.iter().map(|(key, write)| ((*key).clone(), (*write).clone())));
        let left = left.iter().filter_map(|(key, write)| Some((&key[..], write.as_deref()?)));
        // Deletes first: of two writes to a key the later one counts.
        stood.iter().for_each(|key| self.batch.delete(key));
        bundle::put(&left.collect::<Vec<_>>(), |(key, value)| {
            self.batch.put(key, |out| out.extend_from_slice(value));
            Ok::<_, StoreError>(())
        })?;
        self.stage_if_due()
    }

    fn stage_if_due(&mut self) -> Result<(), StoreError> {
        if self.batch.writes() < PIECE_MAX && self.batch.len() < PIECE_BYTES_MAX {
            return Ok(());
        }
        self.store.stage(&self.batch)?;
        self.batch.clear();
        Ok(())
    }

    fn end(mut self, head: Option<&Option<Vec<u8>>>) -> Result<(), StoreError> {
        if let Some(Some(head)) = head {
            self.batch.put(layout::HEAD, |out| out.extend_from_slice(head));
        }
        if self.batch.is_empty() { Ok(()) } else { self.store.commit(&self.batch) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use equipoise_port::JournalError;

    use super::super::log_faults::Slow;
    use super::super::overlay::{scan_below, under};
    use super::super::store::{Reads, Visit};
    use super::*;

    /// What each sequence of batch 1 becomes.
    fn writes<'a>(of: impl IntoIterator<Item = (u32, Option<&'a str>)>) -> Overlay {
        let write = |(sequence, text): (u32, Option<&str>)| {
            (layout::record_key(1, sequence).to_vec(), text.map(|text| text.as_bytes().to_vec()))
        };
        of.into_iter().map(write).collect()
    }

    fn keys(store: &Slow) -> Vec<Vec<u8>> {
        store.entries.lock().unwrap().keys().cloned().collect()
    }

    /// Every record the store holds, one by one.
    fn records(store: &Slow) -> Overlay {
        let mut found = Overlay::new();
        let entries = store.entries.lock().unwrap().clone();
        for (key, value) in &entries {
            bundle::each(key, value, &mut |key, value| {
                let twice = found.insert(key.to_vec(), Some(value.to_vec()));
                assert_eq!(twice, None, "a record is there twice");
                Ok(())
            })
            .unwrap();
        }
        found
    }

    #[test]
    fn the_records_of_a_batch_take_one_key() {
        let store = Slow::default();
        let leaving = writes([(0, Some("a")), (1, Some("b")), (2, Some("c"))]);
        hand_over(&store, &leaving).unwrap();
        assert_eq!(keys(&store), [layout::record_key(1, 0)]);
        assert_eq!(records(&store), leaving);
    }

    #[test]
    fn a_hand_over_that_was_cut_off_and_goes_further_leaves_every_record_once() {
        let store = Slow::default();
        hand_over(&store, &writes([(3, Some("a")), (4, Some("b"))])).unwrap();
        let further = writes([(3, Some("a")), (4, Some("b")), (5, Some("c"))]);
        hand_over(&store, &further).unwrap();
        assert_eq!(records(&store), further);
    }

    #[test]
    fn what_goes_leaves_the_rest_of_its_bundle() {
        let store = Slow::default();
        hand_over(&store, &writes([(0, Some("a")), (1, Some("b")), (2, Some("c"))])).unwrap();
        hand_over(&store, &writes([(0, None), (1, None), (3, Some("d"))])).unwrap();
        assert_eq!(records(&store), writes([(2, Some("c")), (3, Some("d"))]));
        assert_eq!(keys(&store), [layout::record_key(1, 2)]);
        hand_over(&store, &writes([(2, None), (3, None), (9, None)])).unwrap();
        assert!(keys(&store).is_empty());
    }

    /// A store whose power is cut before one of the next pieces is written.
    struct Cut {
        store: Slow,
        pieces_left: AtomicU64,
    }

    impl Reads for Cut {
        fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
            self.store.get(key)
        }

        fn scan(&self, prefix: &[u8], visit: Visit<'_>) -> Result<(), JournalError> {
            self.store.scan(prefix, visit)
        }
    }

    impl Store for Cut {
        fn commit(&self, batch: &WriteBatch) -> Result<(), StoreError> {
            let left = self.pieces_left.load(Ordering::Relaxed);
            self.pieces_left.store(left.saturating_sub(1), Ordering::Relaxed);
            if left == 0 { Err(StoreError::Io("cut".into())) } else { self.store.commit(batch) }
        }
    }

    /// What is read of a store and what it was not handed yet, key by key as it comes.
    fn read(store: &dyn Store, ahead: Overlay) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut found = Vec::new();
        let mut visit = |key: &[u8], value: &[u8]| {
            found.push((key.to_vec(), value.to_vec()));
            Ok(())
        };
        scan_below(store, ahead, &[layout::RECORD], &mut visit).unwrap();
        found
    }

    #[test]
    fn wherever_hand_overs_are_cut_off_every_record_is_read_once_and_in_order() {
        // Numbers without any order, the same ones every time.
        let mut state = 7_u64;
        let mut below = |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % bound
        };
        let store = Cut { store: Slow::default(), pieces_left: AtomicU64::new(0) };
        let (mut truth, mut ahead, mut next) = (Overlay::new(), Overlay::new(), [0_u32; 5]);
        for _ in 0..600 {
            let batch = below(5);
            let mut writes = Overlay::new();
            if below(8) == 0 {
                // It moves to the archive.
                let prefix = layout::numbered(layout::RECORD, batch);
                writes.extend(under(&truth, &prefix).map(|(key, _)| (key, None)));
            }
            let sequence = &mut next[batch as usize];
            for _ in 0..below(6) {
                let value = vec![(*sequence % 32) as u8; below(3_000) as usize];
                writes.insert(layout::record_key(batch, *sequence).to_vec(), Some(value));
                *sequence += 1;
            }
            ahead.extend(writes.clone());
            truth.extend(writes);
            truth.retain(|_, write| write.is_some());
            store.pieces_left.store(below(4), Ordering::Relaxed);
            if below(3) > 0 && hand_over(&store, &ahead).is_ok() {
                ahead.clear();
            }
            let found = read(&store, ahead.clone());
            let expected = truth.iter().map(|(key, write)| (key.clone(), write.clone().unwrap()));
            assert!(found.iter().cloned().eq(expected));
        }
    }
}
