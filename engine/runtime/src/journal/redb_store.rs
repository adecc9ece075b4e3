//! redb: refuses rather than shrinks when damaged, and reopens on a full device.
//!
//! Every commit is synced before it returns. At open redb verifies the checksum of every page.

use std::path::Path;

use equipoise_port::JournalError;
use redb::{Database, DatabaseError, Durability, ReadableDatabase, TableDefinition};

use super::store::{Reads, Store, StoreError, Visit, Write, WriteBatch};

const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("journal");
const CACHE_BYTES: usize = 64 * 1024 * 1024;

/// An open redb database.
#[derive(Debug)]
pub(super) struct RedbStore {
    db: Database,
}

impl RedbStore {
    /// Opens the database, creating it if that is asked for.
    pub(super) fn open(path: &Path, create: bool) -> Result<Self, StoreError> {
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
        let opened = if create { builder.create(path) } else { builder.open(path) };
        let store = Self {
            db: opened.map_err(|error| match error {
                DatabaseError::DatabaseAlreadyOpen => StoreError::Locked(error.to_string()),
                error => explain(error),
            })?,
        };
        if create {
            // An empty commit makes the table, so that it can be read from the start.
            store.commit(&WriteBatch::default())?;
        }
        Ok(store)
    }

    fn visit(
        &self,
        prefix: &[u8],
        visit: Visit<'_>,
    ) -> Result<Result<(), JournalError>, redb::Error> {
        let table = self.db.begin_read()?.open_table(TABLE)?;
        for entry in table.range::<&[u8]>(prefix..)? {
            let (key, value) = entry?;
            if !key.value().starts_with(prefix) {
                break;
            }
            if let Err(error) = visit(key.value(), value.value()) {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }

    fn lookup(&self, key: &[u8]) -> Result<Option<Vec<u8>>, redb::Error> {
        let table = self.db.begin_read()?.open_table(TABLE)?;
        Ok(table.get(key)?.map(|value| value.value().to_vec()))
    }

    fn write(&self, batch: &WriteBatch, durability: Durability) -> Result<(), redb::Error> {
        let mut transaction = self.db.begin_write()?;
        transaction.set_durability(durability)?;
        let mut table = transaction.open_table(TABLE)?;
        for write in batch.iter() {
            match write {
                Write::Put(key, value) => table.insert(key, value)?,
                Write::Delete(key) => table.remove(key)?,
            };
        }
        drop(table);
        Ok(transaction.commit()?)
    }
}

impl Reads for RedbStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.lookup(key).map_err(explain)
    }

    fn scan(&self, prefix: &[u8], visit: Visit<'_>) -> Result<(), JournalError> {
        self.visit(prefix, visit).map_err(|error| explain(error).while_running())?
    }
}

impl Store for RedbStore {
    fn commit(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        self.write(batch, Durability::Immediate).map_err(explain)
    }

    fn stage(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        self.write(batch, Durability::None).map_err(explain)
    }
}

fn explain(error: impl Into<redb::Error>) -> StoreError {
    use redb::Error as E;
    match error.into() {
        E::Io(error)
            if matches!(
                error.kind(),
                std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof
            ) =>
        {
            StoreError::Damaged(format!("redb: {error}"))
        }
        E::Io(error) => StoreError::from_io("redb", &error),
        error @ (E::Corrupted(_)
        | E::TableDoesNotExist(_)
        | E::TableTypeMismatch { .. }
        | E::RepairAborted) => StoreError::Damaged(format!("redb: {error}")),
        error => StoreError::Io(format!("redb: {error}")),
    }
}
