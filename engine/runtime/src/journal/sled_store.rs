//! sled, wrapped so that its known faults cannot hurt.
//!
//! | fault of 0.34.7 | what is done here |
//! |---|---|
//! | `flush` on Linux ends in a call that is no barrier against power loss | a second handle on the database file is synced after each flush |
//! | concurrent flushes dead-lock | one thread writes; no asynchronous flush, no transactions |
//! | a kill while opening leaves an unfinished snapshot that fails every later open | such files are deleted before opening |
//! | damage in its log can open quietly with records missing | continuity check and anchor, outside this file |
//! | it cannot reopen on a full device | ballast, outside this file |
//! | space is cleaned only by its own periodic flush | that flush stays on |
//! | its default cache is 1 GiB | 64 MiB |

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::path::Path;

use equipoise_port::JournalError;

use super::store::{Reads, Store, StoreError, Visit, Write, WriteBatch};

const CACHE_BYTES: u64 = 64 * 1024 * 1024;
const CLEANING_INTERVAL_MS: u64 = 500;

/// An open sled database and its file.
#[derive(Debug)]
pub(super) struct SledStore {
    db: sled::Db,
    file: File,
}

impl SledStore {
    /// Opens the database, creating it if it is not there.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        remove_unfinished_snapshots(path).map_err(|error| StoreError::from_io("sled", &error))?;
        let db = sled::Config::default()
            .path(path)
            .mode(sled::Mode::HighThroughput)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(Some(CLEANING_INTERVAL_MS))
            .open()
            .map_err(|error| explain(&error))?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path.join("db"))
            .map_err(|error| StoreError::from_io("sled", &error))?;
        // Whatever sled repaired while opening is made durable before anything is built on it.
        file.sync_all().map_err(|error| StoreError::from_io("sled", &error))?;
        // sled writes this file once and never syncs it; torn by a power cut it would make the whole store unreadable.
        File::open(path.join("conf"))
            .and_then(|conf| conf.sync_all())
            .map_err(|error| StoreError::from_io("sled", &error))?;
        Ok(Self { db, file })
    }
}

impl Reads for SledStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.db.get(key).map_err(|error| explain(&error))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn scan(&self, prefix: &[u8], visit: Visit<'_>) -> Result<(), JournalError> {
        for entry in self.db.scan_prefix(prefix) {
            let (key, value) = entry.map_err(|error| explain(&error).while_running())?;
            visit(&key, &value)?;
        }
        Ok(())
    }
}

impl Store for SledStore {
    fn commit(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        self.stage(batch)?;
        self.db.flush().map_err(|error| explain(&error))?;
        self.file.sync_data().map_err(|error| StoreError::from_io("sled sync", &error))
    }

    fn stage(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        let mut writes = sled::Batch::default();
        for write in batch.iter() {
            match write {
                Write::Put(key, value) => writes.insert(key, value),
                Write::Delete(key) => writes.remove(key),
            }
        }
        self.db.apply_batch(writes).map_err(|error| explain(&error))
    }
}

fn remove_unfinished_snapshots(path: &Path) -> std::io::Result<()> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn explain(error: &sled::Error) -> StoreError {
    match error {
        sled::Error::Io(io) if io.to_string().contains("could not acquire lock") => {
            StoreError::Locked(format!("sled: {io}"))
        }
        sled::Error::Io(io) => match io.kind() {
            ErrorKind::UnexpectedEof | ErrorKind::InvalidData => {
                StoreError::Damaged(format!("sled: {io}"))
            }
            _ => StoreError::from_io("sled", io),
        },
        sled::Error::Corruption { .. } | sled::Error::ReportableBug(_) => {
            StoreError::Damaged(format!("sled: {error}"))
        }
        _ => StoreError::Io(format!("sled: {error}")),
    }
}
