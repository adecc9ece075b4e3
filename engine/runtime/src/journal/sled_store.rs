//! sled, wrapped so that its known faults cannot hurt.
//!
//! | fault of 0.34.7 | what is done here |
//! |---|---|
//! | `flush` on Linux ends in a call that is no barrier against power loss | a second handle on the database file is synced after each flush |
//! | a value too long for its log goes to a file of its own, which is never synced | those files are synced with the database file |
//! | it writes while it closes, without that barrier | synced once more when it is closed |
//! | concurrent flushes dead-lock | one thread writes; no asynchronous flush, no transactions |
//! | a kill while opening leaves an unfinished snapshot that fails every later open | such files are deleted before opening |
//! | damage in its log can open quietly with records missing | continuity check and anchor, outside this file |
//! | it cannot reopen on a full device | ballast, outside this file |
//! | a torn segment counts as whole once a later one says it was stable, which it says without a barrier | synced again before a segment can be filled |
//! | space is cleaned only by its own periodic flush | that flush stays on |
//! | its default cache is 1 GiB | 64 MiB |

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use equipoise_port::JournalError;

use super::sled_files::Files;
use super::store::{Reads, Store, StoreError, Visit, Write, WriteBatch};

const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// Staged bytes after which the device is synced: with what sled adds to them, less than one of its segments. Each
/// begins with how far the log was stable, and a recovery reads on behind a tear below that, so nothing that is not on
/// the device may be called stable.
const STAGED_BYTES_MAX: usize = 64 * 1024;
/// What a write counts beside its bytes: sled writes the page it is on, or a link to it.
const WRITE_BYTES: usize = 512;
const CLEANING_INTERVAL_MS: u64 = 500;

/// An open sled database and its files.
#[derive(Debug)]
pub(super) struct SledStore {
    /// Goes before its files do.
    db: sled::Db,
    files: Files,
    /// Bytes staged since the last sync.
    staged: AtomicUsize,
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
        // Whatever sled repaired while opening is made durable before anything is built on it.
        let files = Files::of(path)
            .and_then(|files| files.sync().map(|()| files))
            .map_err(|error| StoreError::from_io("sled", &error))?;
        // sled writes this file once and never syncs it; torn by a power cut it would make the whole store unreadable.
        File::open(path.join("conf"))
            .and_then(|conf| conf.sync_all())
            .map_err(|error| StoreError::from_io("sled", &error))?;
        Ok(Self { db, files, staged: AtomicUsize::new(0) })
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
        self.apply(batch.iter())?;
        self.sync()
    }

    fn stage(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        self.apply(batch.iter())?;
        let bytes = batch.len() + batch.writes() * WRITE_BYTES;
        let staged = self.staged.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if staged >= STAGED_BYTES_MAX { self.sync() } else { Ok(()) }
    }

    fn lost_at_close(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.files.lost)
    }
}

impl SledStore {
    fn apply<'a>(&self, writes: impl Iterator<Item = Write<'a>>) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for write in writes {
            match write {
                Write::Put(key, value) => batch.insert(key, value),
                Write::Delete(key) => batch.remove(key),
            }
        }
        self.db.apply_batch(batch).map_err(|error| explain(&error))
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.db.flush().map_err(|error| explain(&error))?;
        self.staged.store(0, Ordering::Relaxed);
        self.files.sync().map_err(|error| StoreError::from_io("sled sync", &error))
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
