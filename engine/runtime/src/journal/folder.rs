//! The folder a journal lives in: who holds it, and whether there is a journal in it.
//!
//! It holds `lock`, `anchor`, `ballast`, the log, the store, its `checkpoint` and the `archive`; while a journal is
//! being created `creating`, and from before its store is opened until after it was closed `running`.
//! `creating` is durable before the store exists and goes when the first anchor is durable, so a creation that was cut
//! off can be told from a journal that lost its files: the first starts again, the second is refused.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use equipoise_port::JournalError;

use super::JournalKind;
use super::anchor::{self, Anchor, Reading};
use super::codec::damaged;
use super::head::Head;
use super::log;
use super::store::StoreError;

/// How long a lock may still be held by someone who is going: a child process being started holds copies of its
/// parent's files until it has become another program.
const LOCK_WAIT: Duration = Duration::from_millis(300);
const LOCK_POLL: Duration = Duration::from_millis(10);

/// Names of the stores; which of them exists says which back end made the journal.
const STORES: [(JournalKind, &str); 2] =
    [(JournalKind::Sled, "sled"), (JournalKind::Redb, "journal.redb")];

/// Folder of the archive: it exists only where a journal has been durable for long.
const ARCHIVE: &str = "archive";

/// The lock, held from before the store is opened until after it is closed.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Unlocked by name: merely closing would leave it to copies in processes being started.
        let _ = self.0.unlock();
    }
}

/// A journal's folder.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    path: PathBuf,
    kind: JournalKind,
}

/// What was found in a folder.
#[derive(Debug)]
pub(super) enum Found {
    /// No journal, or one whose creation was cut off before anything was durable.
    Nothing,
    /// A journal that was durable at least up to this head.
    Journal(Anchor, Head),
}

impl Folder {
    pub(super) fn new(path: &Path, kind: JournalKind) -> Self {
        Self { path: path.to_owned(), kind }
    }

    fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Where the store is.
    pub(super) fn store(&self) -> PathBuf {
        let name = STORES.iter().find(|(kind, _)| *kind == self.kind);
        self.join(name.map_or("store", |(_, name)| name))
    }

    /// The folder itself.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the anchor is.
    pub(super) fn anchor(&self) -> PathBuf {
        self.join("anchor")
    }

    /// Where the ballast is.
    pub(super) fn ballast(&self) -> PathBuf {
        self.join("ballast")
    }

    /// Where the segments of the archive are.
    pub(super) fn archive(&self) -> PathBuf {
        self.join(ARCHIVE)
    }

    /// Where the checkpoint is.
    pub(super) fn checkpoint(&self) -> PathBuf {
        self.join("checkpoint")
    }

    /// The store's path with something behind its name.
    fn beside_store(&self, suffix: &str) -> PathBuf {
        let mut name = self.store().into_os_string();
        name.push(suffix);
        name.into()
    }

    /// Clears the place where the store is made again.
    pub(super) fn begin_repair(&self) -> Result<PathBuf, StoreError> {
        let path = self.beside_store(".repairing");
        remove(&path).map_err(|error| StoreError::from_io("journal folder", &error))?;
        Ok(path)
    }

    /// Puts a store that was made again, and is durable but for its names, into the place of the other.
    pub(super) fn end_repair(&self) -> Result<(), StoreError> {
        let made = self.beside_store(".repairing");
        let named = if made.is_dir() { sync_folder(&made) } else { Ok(()) };
        named
            .and_then(|()| fs::rename(&made, self.beside_store(".repaired")))
            .and_then(|()| sync_folder(&self.path))
            .and_then(|()| self.take_repaired())
            .map_err(|error| StoreError::from_io("journal folder", &error))
    }

    /// Ends a repair that was cut off after everything was made, and clears away one that was cut off before. The store
    /// that was replaced stays beside it. No store is opened before this.
    pub(super) fn finish_repair(&self) -> Result<(), JournalError> {
        remove(&self.beside_store(".repairing"))
            .and_then(|()| self.take_repaired())
            .map_err(|error| self.unopened(&error))
    }

    fn take_repaired(&self) -> std::io::Result<()> {
        let repaired = self.beside_store(".repaired");
        if !repaired.try_exists()? {
            return Ok(());
        }
        if self.store().try_exists()? {
            let replaced = self.beside_store(".damaged");
            remove(&replaced)?;
            fs::rename(self.store(), replaced)?;
            sync_folder(&self.path)?;
        }
        fs::rename(repaired, self.store())?;
        sync_folder(&self.path)
    }

    /// Where the mark is that the store is in use, or was when its process ended.
    pub(super) fn running(&self) -> PathBuf {
        self.join("running")
    }

    /// Marks the store as in use; whether it was marked already, so its last end was not clean.
    pub(super) fn begin_running(&self) -> Result<bool, StoreError> {
        self.try_begin_running().map_err(|error| StoreError::from_io("journal folder", &error))
    }

    fn try_begin_running(&self) -> std::io::Result<bool> {
        let running = self.running();
        if running.try_exists()? {
            return Ok(true);
        }
        File::create(running)?;
        sync_folder(&self.path)?;
        Ok(false)
    }

    fn creating(&self) -> PathBuf {
        self.join("creating")
    }

    /// Takes the lock, making the folder if need be.
    pub(super) fn lock(&self) -> Result<Lock, JournalError> {
        make_folder(&self.path).map_err(|error| self.unopened(&error))?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.join("lock"))
            .map_err(|error| self.unopened(&error))?;
        let since = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock(file)),
                Err(TryLockError::WouldBlock) if since.elapsed() < LOCK_WAIT => {
                    thread::sleep(LOCK_POLL);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(JournalError::Locked(self.path.display().to_string()));
                }
                Err(TryLockError::Error(error)) => return Err(self.unopened(&error)),
            }
        }
    }

    /// Says what is there and changes nothing.
    pub(super) fn look(&self) -> Result<Found, JournalError> {
        let creating = self.there(&self.creating())?;
        match anchor::read(&self.anchor())? {
            Reading::Head(_) => {}
            Reading::Missing | Reading::Unreadable
                if creating && !self.there(&self.archive())? =>
            {
                return Ok(Found::Nothing);
            }
            Reading::Unreadable => return Err(damaged("its anchor is unreadable")),
            Reading::Missing => return self.without_anchor(),
        }
        if !self.store_is_whole()? {
            return Err(match self.other_kind()? {
                Some(kind) => JournalError::Unopened(format!(
                    "{} holds a {kind} journal, not a {} one",
                    self.path.display(),
                    self.kind
                )),
                None => damaged("its store is missing"),
            });
        }
        let (anchor, head) = Anchor::open(self.anchor())?;
        Ok(Found::Journal(anchor, head))
    }

    fn without_anchor(&self) -> Result<Found, JournalError> {
        for name in STORES.map(|(_, name)| name).into_iter().chain([ARCHIVE]) {
            if self.there(&self.join(name))? {
                return Err(damaged("its anchor is missing"));
            }
        }
        Ok(Found::Nothing)
    }

    fn other_kind(&self) -> Result<Option<JournalKind>, JournalError> {
        for (kind, name) in STORES {
            if kind != self.kind && self.there(&self.join(name))? {
                return Ok(Some(kind));
            }
        }
        Ok(None)
    }

    /// Both stores would quietly be created again if files of theirs were gone.
    fn store_is_whole(&self) -> Result<bool, JournalError> {
        let store = self.store();
        match self.kind {
            JournalKind::Sled => {
                Ok(self.there(&store.join("db"))? && self.there(&store.join("conf"))?)
            }
            JournalKind::Redb | JournalKind::Memory => self.there(&store),
        }
    }

    /// Marks that a journal is being created, after clearing away what a creation that was cut off left behind.
    pub(super) fn begin_creation(&self) -> Result<(), JournalError> {
        self.try_begin_creation().map_err(|error| self.unopened(&error))
    }

    fn try_begin_creation(&self) -> std::io::Result<()> {
        sync_folders_above(&self.path)?;
        File::create(self.creating())?.sync_all()?;
        sync_folder(&self.path)?;
        remove(&self.anchor())?;
        for (_, name) in STORES {
            remove(&self.join(name))?;
        }
        for path in log::paths(&self.path) {
            remove(&path)?;
        }
        remove(&self.checkpoint())?;
        sync_folder(&self.path)
    }

    /// Takes the mark away, if it is there, once the first anchor is durable.
    pub(super) fn end_creation(&self) -> Result<(), StoreError> {
        self.try_end_creation().map_err(|error| StoreError::from_io("journal folder", &error))
    }

    fn try_end_creation(&self) -> std::io::Result<()> {
        if !self.creating().try_exists()? {
            return Ok(());
        }
        sync_folder(&self.path)?;
        remove(&self.creating())?;
        sync_folder(&self.path)
    }

    /// Makes the names of the store's files durable.
    pub(super) fn sync(&self) -> Result<(), JournalError> {
        let store = self.store();
        let synced = if store.is_dir() {
            sync_folder(&store).and_then(|()| sync_folder(&self.path))
        } else {
            sync_folder(&self.path)
        };
        synced.map_err(|error| self.unopened(&error))
    }

    fn there(&self, path: &Path) -> Result<bool, JournalError> {
        path.try_exists().map_err(|error| self.unopened(&error))
    }

    fn unopened(&self, error: &std::io::Error) -> JournalError {
        JournalError::Unopened(format!("{}: {error}", self.path.display()))
    }
}

/// Whether there is a journal at a path, whole or not; costs a few look-ups and creates nothing.
/// What cannot be looked at counts as there, so that opening it says why.
pub(super) fn exists(path: &Path) -> bool {
    let there = |name: &str| path.join(name).try_exists().unwrap_or(true);
    match anchor::read(&path.join("anchor")) {
        Ok(Reading::Missing | Reading::Unreadable) if there("creating") && !there(ARCHIVE) => false,
        Ok(Reading::Missing) => STORES.iter().any(|(_, name)| there(name)) || there(ARCHIVE),
        Ok(Reading::Unreadable | Reading::Head(_)) | Err(_) => true,
    }
}

/// Makes a folder and every missing one above it, each durable in its parent.
fn make_folder(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return Ok(()),
    };
    make_folder(parent)?;
    match fs::create_dir(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    sync_folder(parent)
}

/// Makes the names in a folder durable. Where folders cannot be opened, names are durable with their files.
pub(super) fn sync_folder(path: &Path) -> std::io::Result<()> {
    if cfg!(unix) {
        File::open(path)?.sync_all()?;
    }
    Ok(())
}

/// Makes the names of the folders above durable: an attempt killed before this one may have made them. Some may belong
/// to others; those are not ours to have made.
fn sync_folders_above(path: &Path) -> std::io::Result<()> {
    let absolute = std::path::absolute(path)?;
    for folder in absolute.ancestors().skip(1) {
        match sync_folder(folder) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => break,
            other => other?,
        }
    }
    Ok(())
}

/// Removes a file or folder that may not be there.
fn remove(path: &Path) -> std::io::Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
