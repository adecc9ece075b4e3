//! The files sled keeps, made durable: it syncs none of them in a way that survives a power cut.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::files::sync_folder;

/// How long closing waits for sled's threads.
const CLOSING_MAX: Duration = Duration::from_secs(2);
const CLOSING_POLL: Duration = Duration::from_millis(1);

/// sled's files. To be dropped after the database.
#[derive(Debug)]
pub(super) struct Files {
    db: File,
    /// Where it puts values that are too long for its log.
    blobs: PathBuf,
    /// Of those, the names of what is durable.
    durable: Mutex<HashSet<OsString>>,
    /// What sled wrote while it closed did not become durable.
    pub(super) lost: Arc<AtomicBool>,
}

impl Files {
    /// Those of a database that is open.
    pub(super) fn of(path: &Path) -> std::io::Result<Self> {
        let db = OpenOptions::new().read(true).write(true).open(path.join("db"))?;
        Ok(Self { db, blobs: path.join("blobs"), durable: Mutex::default(), lost: Arc::default() })
    }

    /// Returns when everything written before is durable.
    pub(super) fn sync(&self) -> std::io::Result<()> {
        self.sync_blobs()?;
        self.db.sync_data()
    }

    fn sync_blobs(&self) -> std::io::Result<()> {
        let mut durable = self.durable.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut there, mut added) = (HashSet::new(), false);
        for entry in fs::read_dir(&self.blobs)? {
            let entry = entry?;
            let name = entry.file_name();
            if !durable.contains(&name) {
                match File::open(entry.path()).and_then(|blob| blob.sync_all()) {
                    // Nothing refers to it any more.
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    synced => synced?,
                }
                added = true;
            }
            there.insert(name);
        }
        if added {
            sync_folder(&self.blobs)?;
        }
        *durable = there;
        Ok(())
    }
}

impl Drop for Files {
    /// What sled writes while it closes is made durable too: its threads end a little later, and its lock with them.
    fn drop(&mut self) {
        let since = Instant::now();
        let mut closed = self.db.try_lock().is_ok();
        while !closed && since.elapsed() < CLOSING_MAX {
            thread::sleep(CLOSING_POLL);
            closed = self.db.try_lock().is_ok();
        }
        let synced = self.sync();
        if !closed || synced.is_err() {
            self.lost.store(true, Ordering::Release);
            tracing::warn!(closed, ?synced, "sled's last writes may not be durable");
        }
    }
}
