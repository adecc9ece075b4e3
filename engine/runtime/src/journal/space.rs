//! Room on the device: a ballast that can be given up, and a floor below which no batch begins (P4).
//!
//! sled cannot reopen on a full device, and an open batch can only be closed in an open journal. So a file of real
//! blocks waits beside the store; it is deleted when the store finds no room, and made again at a later open.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use equipoise_port::JournalError;

use super::files;
use super::store::StoreError;

const DOING: &str = "journal ballast";

const CHUNK_LEN: usize = 1024 * 1024;

/// Less than this is as good as nothing: sled reserves half a megabyte at a time.
const NO_ROOM_BYTES: u64 = 8 * 1024 * 1024;

/// How long room that was seen counts. Far more than a device can take in that time lies between floor and ballast.
const FLOOR_AGE_MAX: Duration = Duration::from_millis(10);

/// Free bytes of the file system a path is on, for ordinary users.
pub(super) fn free_bytes(path: &Path) -> std::io::Result<u64> {
    #[cfg(unix)]
    {
        let space = rustix::fs::statvfs(path)?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }
    // Elsewhere the floor is not watched; a full device still fails the journal.
    #[cfg(not(unix))]
    {
        let _ = path;
        Ok(u64::MAX)
    }
}

/// Refuses further batches below the floor.
pub(super) fn check_floor(path: &Path, floor_bytes: u64) -> Result<(), JournalError> {
    let free_bytes = free_bytes(path)
        .map_err(|error| StoreError::from_io("free space", &error).while_running())?;
    if free_bytes < floor_bytes {
        return Err(JournalError::Full { free_bytes, floor_bytes });
    }
    Ok(())
}

/// Room for batches that are about to begin, asked of the file system at most once in [`FLOOR_AGE_MAX`].
pub(super) struct FreeSpace {
    floor_bytes: u64,
    /// When there was room last.
    seen: Mutex<Option<Instant>>,
}

impl FreeSpace {
    pub(super) const fn new(floor_bytes: u64) -> Self {
        Self { floor_bytes, seen: Mutex::new(None) }
    }

    /// Refuses further batches below the floor. That there is no room is never remembered.
    pub(super) fn check(&self, path: &Path) -> Result<(), JournalError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_some_and(|at| at.elapsed() < FLOOR_AGE_MAX) {
            return Ok(());
        }
        *seen = None;
        check_floor(path, self.floor_bytes)?;
        *seen = Some(Instant::now());
        Ok(())
    }
}

/// The ballast file.
#[derive(Debug, Clone)]
pub(super) struct Ballast {
    path: PathBuf,
    len: u64,
}

/// Ballast being made; dropping it stops and waits.
#[derive(Debug)]
pub(super) struct Making {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ballast {
    pub(super) const fn new(path: PathBuf, len: u64) -> Self {
        Self { path, len }
    }

    /// Opens the store, or takes a step towards it; if there is no room for that, gives up the ballast and tries once
    /// more.
    pub(super) fn open_with_room<T>(
        &self,
        open: impl Fn() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        // Some stores open on a full device and fail at the first write, so the place is made beforehand.
        if self.len > 0
            && free_bytes(self.folder()).is_ok_and(|free| free < NO_ROOM_BYTES)
            && fs::remove_file(&self.path).is_ok()
        {
            tracing::warn!(bytes = self.len, "device is full: the journal's ballast was given up");
        }
        let error = match open() {
            Ok(store) => return Ok(store),
            Err(error) => error,
        };
        // A store that meets a full device may also panic or see damage, so the device is asked too.
        let no_room = matches!(error, StoreError::Full(_))
            || free_bytes(self.folder()).is_ok_and(|free| free < NO_ROOM_BYTES);
        if !no_room || fs::remove_file(&self.path).is_err() {
            return Err(error);
        }
        tracing::warn!(bytes = self.len, "device is full: the journal's ballast was given up");
        open()
    }

    /// Makes the ballast unless it is there, off the caller's thread: the first order does not wait for it.
    /// It is left out while that would bring free space below the floor.
    pub(super) fn make(&self, floor_bytes: u64) -> Option<Making> {
        let _ = fs::remove_file(files::unfinished(&self.path));
        let there = fs::metadata(&self.path).is_ok_and(|file| file.len() == self.len);
        let needed = floor_bytes.saturating_add(self.len);
        if self.len == 0 || there {
            return None;
        }
        if free_bytes(self.folder()).is_ok_and(|free| free < needed) {
            tracing::warn!(needed, "no room for the journal's ballast");
            return None;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let (ballast, stopped) = (self.clone(), Arc::clone(&stop));
        let thread = thread::Builder::new()
            .name("journal-ballast".into())
            .spawn(move || {
                if let Err(error) = ballast.allocate(&stopped) {
                    tracing::warn!(%error, "the journal's ballast could not be made");
                }
            })
            .ok();
        Some(Making { stop, thread })
    }

    fn allocate(&self, stop: &AtomicBool) -> Result<(), StoreError> {
        files::replace(&self.path, DOING, |file| {
            let reserved = reserve(file, self.len);
            let filled = reserved.and_then(|reserved| match reserved {
                true => Ok(()),
                false => write_zeros(file, self.len, stop),
            });
            filled.map_err(|error| StoreError::from_io(DOING, &error))
        })
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or_else(|| Path::new("."))
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Asks the file system for real blocks without writing them; false if it has no such call.
fn reserve(file: &File, len: u64) -> std::io::Result<bool> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::Errno;
        match fallocate(file, FallocateFlags::empty(), 0, len) {
            Ok(()) => Ok(true),
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = (file, len);
        Ok(false)
    }
}

fn write_zeros(mut file: &File, len: u64, stop: &AtomicBool) -> std::io::Result<()> {
    let zeros = vec![0; CHUNK_LEN];
    let mut left = len;
    while left > 0 {
        if stop.load(Ordering::Relaxed) {
            return Err(ErrorKind::Interrupted.into());
        }
        let chunk = left.min(CHUNK_LEN as u64);
        file.write_all(&zeros[..chunk as usize])?;
        left -= chunk;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::cell::Cell;

    use super::*;

    const LEN: u64 = 3 * 1024 * 1024 + 5;

    fn ballast(folder: &tempfile::TempDir) -> Ballast {
        Ballast::new(folder.path().join("ballast"), LEN)
    }

    /// Makes the ballast and waits for it without stopping it.
    fn made(ballast: &Ballast) {
        let mut making = ballast.make(0).unwrap();
        making.thread.take().unwrap().join().unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn the_ballast_takes_real_blocks() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().unwrap();
        made(&ballast(&folder));
        let file = fs::metadata(folder.path().join("ballast")).unwrap();
        assert_eq!(file.len(), LEN);
        assert!(file.blocks() * 512 >= LEN);
        assert!(ballast(&folder).make(0).is_none(), "it is made once");
    }

    #[test]
    fn zeros_are_written_where_nothing_can_be_reserved() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("zeros");
        let stop = AtomicBool::new(false);
        write_zeros(&File::create(&path).unwrap(), LEN, &stop).unwrap();
        assert_eq!(fs::read(&path).unwrap(), vec![0; LEN as usize]);
        stop.store(true, Ordering::Relaxed);
        assert!(write_zeros(&File::create(&path).unwrap(), LEN, &stop).is_err());
    }

    #[test]
    fn a_store_without_room_is_opened_again_on_the_place_of_the_ballast() {
        let folder = tempfile::tempdir().unwrap();
        let ballast = ballast(&folder);
        made(&ballast);
        let opens = Cell::new(0);
        let full_once = || {
            opens.set(opens.get() + 1);
            if opens.get() == 1 {
                return Err(StoreError::Full("test".into()));
            }
            Ok(opens.get())
        };
        assert_eq!(ballast.open_with_room(full_once), Ok(2));
        assert!(!folder.path().join("ballast").exists());
    }

    #[test]
    fn another_failure_keeps_the_ballast() {
        let folder = tempfile::tempdir().unwrap();
        let ballast = ballast(&folder);
        made(&ballast);
        let error = StoreError::Damaged("test".into());
        let opened = ballast.open_with_room::<()>(|| Err(error.clone()));
        assert_eq!(opened, Err(error));
        assert!(folder.path().join("ballast").exists());
    }

    #[test]
    fn no_ballast_is_made_below_the_floor_and_no_batch_begins_there() {
        let folder = tempfile::tempdir().unwrap();
        assert!(ballast(&folder).make(u64::MAX).is_none());
        assert!(check_floor(folder.path(), 0).is_ok());
        assert!(matches!(
            check_floor(folder.path(), u64::MAX),
            Err(JournalError::Full { floor_bytes: u64::MAX, .. })
        ));
    }
}
