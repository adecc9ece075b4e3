//! What was committed and is not yet in the store, and reading both as one.

use std::collections::BTreeMap;
use std::sync::Arc;

use equipoise_port::JournalError;

use super::bundle;
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
