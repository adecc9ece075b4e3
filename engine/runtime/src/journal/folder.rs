//! The folder a journal lives in: who holds it, and whether there is a journal in it.
//!
//! It holds `lock`, `anchor`, `ballast`, the log, the store, its `checkpoint` and the `archive`; while a journal is
//! being created `creating`, and from before its store is opened until after it was closed `running`.
//! `creating` is durable before the store exists and goes when the first anchor is durable, so a creation that was cut
//! off can be told from a journal that lost its files: the first starts again, the second is refused.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use equipoise_port::JournalError;

use super::JournalKind;
use super::anchor::{self, Anchor, Reading};
use super::codec::damaged;
use super::files::{make_folder, remove, sync_folder, sync_folders_above};
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

const ANCHOR: &str = "anchor";
const CHECKPOINT: &str = "checkpoint";
const CREATING: &str = "creating";

/// Behind the name of a store: half made again, made again, and replaced by what was made again.
const REPAIRING: &str = ".repairing";
const REPAIRED: &str = ".repaired";
const REPLACED: &str = ".damaged";

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

/// What the names in a folder say.
enum Content {
    /// No journal, or one whose creation was cut off before anything was durable.
    Nothing,
    /// A journal, whole or not: it has an anchor.
    Journal,
    /// What is left of one, and what it lacks.
    Rest(String),
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
        self.join(ANCHOR)
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
        self.join(CHECKPOINT)
    }

    /// The store's path with something behind its name.
    fn beside_store(&self, suffix: &str) -> PathBuf {
        let mut name = self.store().into_os_string();
        name.push(suffix);
        name.into()
    }

    /// Clears the place where the store is made again.
    pub(super) fn begin_repair(&self) -> Result<PathBuf, StoreError> {
        let path = self.beside_store(REPAIRING);
        remove(&path).map_err(|error| StoreError::from_io("journal folder", &error))?;
        Ok(path)
    }

    /// Puts a store that was made again, and is durable but for its names, into the place of the other.
    pub(super) fn end_repair(&self) -> Result<(), StoreError> {
        let made = self.beside_store(REPAIRING);
        let named = if made.is_dir() { sync_folder(&made) } else { Ok(()) };
        named
            .and_then(|()| fs::rename(&made, self.beside_store(REPAIRED)))
            .and_then(|()| sync_folder(&self.path))
            .and_then(|()| self.take_repaired())
            .map_err(|error| StoreError::from_io("journal folder", &error))
    }

    /// Ends a repair that was cut off after everything was made, and clears away one that was cut off before. The store
    /// that was replaced stays beside it. No store is opened before this.
    pub(super) fn finish_repair(&self) -> Result<(), JournalError> {
        remove(&self.beside_store(REPAIRING))
            .and_then(|()| self.take_repaired())
            .map_err(|error| self.unopened(&error))
    }

    fn take_repaired(&self) -> std::io::Result<()> {
        let repaired = self.beside_store(REPAIRED);
        if !repaired.try_exists()? {
            return Ok(());
        }
        if self.store().try_exists()? {
            let replaced = self.beside_store(REPLACED);
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
        let marked = running.try_exists()?;
        if !marked {
            File::create(running)?;
        }
        // Also where it was there: whoever made it may have been killed before its name was durable. A power cut that
        // took it then would make an unclean end of this store pass for a clean one.
        sync_folder(&self.path)?;
        Ok(marked)
    }

    fn creating(&self) -> PathBuf {
        self.join(CREATING)
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
        match content(&self.path)? {
            Content::Nothing => return Ok(Found::Nothing),
            Content::Rest(lacks) => return Err(damaged(lacks)),
            Content::Journal => {}
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
        unopened(&self.path, error)
    }
}

/// Whether there is a journal at a path, whole or not; costs a few look-ups and creates nothing.
/// What cannot be looked at counts as there, so that opening it says why.
pub(super) fn exists(path: &Path) -> bool {
    !matches!(content(path), Ok(Content::Nothing))
}

/// Says by the names in a folder, of whichever back end, what is there. Changes nothing.
fn content(path: &Path) -> Result<Content, JournalError> {
    let there = |name: &str| path.join(name).try_exists().map_err(|error| unopened(path, &error));
    let anchor = anchor::read(&path.join(ANCHOR))?;
    if matches!(anchor, Reading::Head(_)) {
        return Ok(Content::Journal);
    }
    if there(CREATING)? && !there(ARCHIVE)? {
        return Ok(Content::Nothing);
    }
    if anchor == Reading::Unreadable {
        return Ok(Content::Rest("its anchor is unreadable".into()));
    }
    let mut found = Vec::new();
    for name in remains() {
        if there(&name)? {
            found.push(name);
        }
    }
    if found.is_empty() {
        return Ok(Content::Nothing);
    }
    Ok(Content::Rest(format!("its anchor is missing beside {}", found.join(", "))))
}

/// Names of everything that holds records or tells that there were some: beside a mark of a creation it is the
/// creation's, anywhere else a journal's.
fn remains() -> impl Iterator<Item = String> {
    let stores = STORES
        .iter()
        .flat_map(|(_, name)| ["", REPAIRED, REPLACED].map(|suffix| format!("{name}{suffix}")));
    let beside = [ARCHIVE].into_iter().chain(log::NAMES).chain([CHECKPOINT]);
    stores.chain(beside.map(str::to_owned))
}

fn unopened(path: &Path, error: &std::io::Error) -> JournalError {
    JournalError::Unopened(format!("{}: {error}", path.display()))
}
