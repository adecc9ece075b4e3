//! What was committed and is not yet in the store, and reading both as one.

use std::collections::BTreeMap;
use std::sync::Arc;

use equipoise_port::JournalError;

use super::bundle;
use super::layout;
use super::store::{Reads, Store, StoreError, Visit, Write, WriteBatch};

/// The latest write to each key; `None` for a delete.
pub(super) type Overlay = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Puts the writes of a batch over what was written before.
pub(super) fn add(overlay: &mut Overlay, batch: &WriteBatch) {
    for write in batch.iter() {
        let (key, value) = match write {
            Write::Put(key, value) => (key, Some(value.to_vec())),
            Write::Delete(key) => (key, None),
        };
        overlay.insert(key.to_vec(), value);
    }
}

/// The same over what the store is not being handed yet. A record, and what finds a batch or says that it is open, is
/// written once: what came and went here never reaches the store.
pub(super) fn add_waiting(waiting: &mut Overlay, batch: &WriteBatch) {
    for write in batch.iter() {
        match write {
            Write::Put(key, value) => {
                waiting.insert(key.to_vec(), Some(value.to_vec()));
            }
            Write::Delete(key) => {
                let before = waiting.insert(key.to_vec(), None).flatten();
                if before.is_some() && layout::is_written_once(key) {
                    waiting.remove(key);
                }
            }
        }
    }
}

/// What is committed and not yet known to be in the store.
#[derive(Default)]
pub(super) struct Overlays {
    /// Not being handed over yet.
    pub(super) waiting: Overlay,
    /// Being handed to the store.
    pub(super) leaving: Arc<Overlay>,
}

impl Overlays {
    /// The latest write to a key, if one is here.
    pub(super) fn get(&self, key: &[u8]) -> Option<&Option<Vec<u8>>> {
        self.waiting.get(key).or_else(|| self.leaving.get(key))
    }

    /// Everything under a prefix.
    pub(super) fn under(&self, prefix: &[u8]) -> Overlay {
        let mut found = Overlay::new();
        for overlay in [&*self.leaving, &self.waiting] {
            found.extend(under(overlay, prefix));
        }
        found
    }
}

/// A store without a log, its bundles opened.
pub(super) struct Plain<'a>(pub(super) &'a dyn Store);

impl Reads for Plain<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.get(key)
    }

    fn scan(&self, prefix: &[u8], visit: Visit<'_>) -> Result<(), JournalError> {
        scan_below(self.0, Overlay::new(), prefix, visit)
    }
}

/// Everything in a store under a prefix with later writes over it.
pub(super) fn scan_below(
    store: &dyn Store,
    ahead: Overlay,
    prefix: &[u8],
    visit: Visit<'_>,
) -> Result<(), JournalError> {
    let mut ahead = ahead.into_iter().peekable();
    let mut visit_next = |key: &[u8], value: &[u8]| {
        while let Some((other, write)) = ahead.next_if(|(other, _)| other.as_slice() < key) {
            shown(&other, write.as_deref(), visit)?;
        }
        match ahead.next_if(|(other, _)| other == key) {
            Some((_, write)) => shown(key, write.as_deref(), visit),
            None => visit(key, value),
        }
    };
    store.scan(prefix, &mut |key, value| bundle::each(key, value, &mut visit_next))?;
    ahead.try_for_each(|(key, write)| shown(&key, write.as_deref(), visit))
}

/// Everything in an overlay under a prefix.
pub(super) fn under(
    overlay: &Overlay,
    prefix: &[u8],
) -> impl Iterator<Item = (Vec<u8>, Option<Vec<u8>>)> {
    let writes = overlay.range(prefix.to_vec()..);
    let writes = writes.take_while(move |(key, _)| key.starts_with(prefix));
    writes.map(|(key, write)| (key.clone(), write.clone()))
}

fn shown(key: &[u8], write: Option<&[u8]>, visit: Visit<'_>) -> Result<(), JournalError> {
    write.map_or(Ok(()), |value| visit(key, value))
}

#[cfg(test)]
mod tests {
    use equipoise_core::BatchKey;

    use super::*;

    fn batch(puts: &[&[u8]], deletes: &[&[u8]]) -> WriteBatch {
        let mut batch = WriteBatch::default();
        for key in puts {
            batch.put(key, |value| value.push(7));
        }
        deletes.iter().for_each(|key| batch.delete(key));
        batch
    }

    #[test]
    fn what_is_written_once_and_came_and_went_before_it_was_handed_over_leaves_nothing() {
        let (record, open) = (layout::record_key(1, 0), layout::numbered(layout::OPEN, 1));
        let (key, occasion) = (layout::batch_key(BatchKey([1; 16])), [layout::OCCASION; 25]);
        let all: [&[u8]; 4] = [&record, &open, &key, &occasion];
        let mut waiting = Overlay::new();
        add_waiting(&mut waiting, &batch(&all, &[]));
        assert_eq!(waiting.len(), 4);
        add_waiting(&mut waiting, &batch(&[], &all));
        assert_eq!(waiting, Overlay::new());
    }

    #[test]
    fn what_the_store_may_hold_is_deleted_there_however_often() {
        let open = layout::numbered(layout::OPEN, 1);
        let mut waiting = Overlay::new();
        for _ in 0..2 {
            add_waiting(&mut waiting, &batch(&[], &[&open]));
            assert_eq!(waiting, Overlay::from([(open.to_vec(), None)]));
        }
    }

    #[test]
    fn a_key_that_is_written_again_and_again_is_deleted_in_the_store_too() {
        let mut waiting = Overlay::new();
        add_waiting(&mut waiting, &batch(&[layout::HEAD], &[layout::HEAD]));
        assert_eq!(waiting, Overlay::from([(layout::HEAD.to_vec(), None)]));
    }
}
