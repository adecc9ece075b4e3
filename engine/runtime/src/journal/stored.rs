//! A journal on a device: sled or redb, with everything around it that makes it safe.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use equipoise_core::{BatchKey, Occasion, Record, StrategyName};
use equipoise_port::{Append, Epoch, Journal, JournalError};
use tokio::sync::oneshot;

use super::anchor::Anchor;
use super::archiver::Archiver;
use super::checkpoint;
use super::committer::Committer;
use super::continuity::{self, Findings};
use super::encoded::Encoded;
use super::folder::{Folder, Found, Lock};
use super::head::Head;
use super::index;
use super::layout;
use super::logged::{self, LoggedStore};
use super::reading;
use super::redb_store::RedbStore;
use super::repair::repair;
use super::shared::{Answer, Asked, Opened, Request, Shared};
use super::sled_store::SledStore;
use super::space::{Ballast, FreeSpace};
use super::store::{Store, StoreError, panic_text};
use super::writer::Writer;
use super::{JournalKind, JournalOptions};

/// How long a store's own lock may outlast ours: threads of a closed store end a little later.
const STORE_LOCK_WAIT: Duration = Duration::from_secs(2);
const STORE_LOCK_POLL: Duration = Duration::from_millis(10);

/// A journal in a folder on a device.
///
/// Dropping it does what [`Journal::close`] does and waits for it. An append whose future is dropped after its first
/// poll still takes effect.
pub struct StoredJournal {
    path: PathBuf,
    fresh: bool,
    free_space: FreeSpace,
    shared: Arc<Shared>,
    /// `None` only while it is being dropped.
    requests: Option<Sender<Asked>>,
    thread: Option<JoinHandle<()>>,
}

impl StoredJournal {
    /// Opens or creates the journal in a folder, after checking everything in it.
    ///
    /// Blocks while it does; a journal of a million records takes seconds.
    ///
    /// # Errors
    /// `Locked`, `Damaged`, `TooNew` or `Unopened`; nothing is changed then, except that a missing folder may have
    /// been made. A journal in memory is kept in no folder: `Unopened`.
    pub fn open(
        kind: JournalKind,
        path: &Path,
        options: &JournalOptions,
    ) -> Result<Self, JournalError> {
        if kind == JournalKind::Memory {
            return Err(JournalError::Unopened("a journal in memory is kept in no folder".into()));
        }
        if options.must_exist && !super::exists(path) {
            return Err(super::no_journal(path));
        }
        let folder = Folder::new(path, kind);
        let lock = Arc::new(folder.lock()?);
        folder.finish_repair()?;
        let (anchor, head) = match folder.look()? {
            Found::Journal(anchor, head) => (anchor, Some(head)),
            Found::Nothing => {
                folder.begin_creation()?;
                (Anchor::unwritten(folder.anchor()), None)
            }
        };
        let ballast = Ballast::new(folder.ballast(), options.ballast_bytes);
        let unclean =
            ballast.open_with_room(|| folder.begin_running()).map_err(StoreError::while_opening)?;
        let open = || {
            // A repair that failed after it had made everything must not be overtaken by the store it replaces.
            folder.finish_repair()?;
            let store = open_store(kind, &folder, head.is_none(), &lock, options)?;
            guarded(|| join(store, &folder, unclean, head))
        };
        let open_or_repair = || match (open(), head) {
            (Err(error), Some(anchor)) if error.may_be_repaired() => {
                repaired(kind, &folder, unclean, anchor, error).and_then(|()| open())
            }
            (opened, _) => opened,
        };
        let (store, findings) = ballast.open_with_room(open_or_repair).map_err(|error| {
            if !unclean && !matches!(error, StoreError::TimedOut(_)) {
                // Nothing was changed: damage is told again by the next start.
                let _ = std::fs::remove_file(folder.running());
            }
            error.while_opening()
        })?;
        let store: Box<dyn Store> = Box::new(store);
        folder.sync()?;
        if head.is_some() {
            folder.end_creation().map_err(StoreError::while_opening)?;
        }
        let opened = Opened { store, _making: ballast.make(options.free_floor_bytes), _lock: lock };
        Self::start(opened, folder, anchor, findings, path, options)
    }

    pub(super) fn start(
        opened: Opened,
        folder: Folder,
        anchor: Anchor,
        mut findings: Findings,
        path: &Path,
        options: &JournalOptions,
    ) -> Result<Self, JournalError> {
        let fresh = findings.batches == 0;
        let index = std::mem::take(&mut findings.index);
        let shared = Arc::new(Shared::new(opened, index));
        let archiver = Archiver::new(folder.archive(), &findings, options);
        let archive = std::mem::take(&mut findings.archive);
        findings.archive = archive.in_folder(folder.archive());
        let writer = Writer::new(findings);
        let committer = Committer::new(Arc::clone(&shared), folder, anchor, writer, archiver)?;
        let (requests, receiver) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("journal-commit".into())
            .spawn(move || committer.run(&receiver))
            .map_err(|error| JournalError::Unopened(format!("journal thread: {error}")))?;
        Ok(Self {
            path: path.to_owned(),
            fresh,
            free_space: FreeSpace::new(options.free_floor_bytes),
            shared,
            requests: Some(requests),
            thread: Some(thread),
        })
    }

    /// Hands a request to the thread as soon as there is room for it, and waits for the answer.
    async fn ask<T>(
        &self,
        request: impl FnOnce(Answer<T>) -> Request + Send,
    ) -> Result<T, JournalError> {
        self.shared.check()?;
        self.shared.wait_for_room().await?;
        self.answered(true, request).await
    }

    /// Hands a request to the thread in the first poll, and waits for the answer.
    async fn answered<T>(
        &self,
        has_room: bool,
        request: impl FnOnce(Answer<T>) -> Request + Send,
    ) -> Result<T, JournalError> {
        let (answer, answered) = oneshot::channel();
        self.send(Asked { request: request(answer), has_room })?;
        match answered.await {
            Ok(result) => result,
            Err(_) => Err(self.shared.ended()),
        }
    }

    fn send(&self, asked: Asked) -> Result<(), JournalError> {
        self.requests
            .as_ref()
            .and_then(|requests| requests.send(asked).ok())
            .ok_or_else(|| self.shared.ended())
    }
}

#[async_trait]
impl Journal for StoredJournal {
    async fn begin_epoch(&self, build: &str) -> Result<Epoch, JournalError> {
        let build = build.to_owned();
        self.ask(|answer| Request::BeginEpoch(build, answer)).await
    }

    async fn append(&self, append: Append) -> Result<(), JournalError> {
        // In the caller's own time: the thread everyone waits for has enough to do.
        let encoded = Encoded::of(&append);
        drop(append);
        self.shared.check()?;
        // Without waiting for room: that would let a later append overtake this one.
        let has_room = self.shared.take_room();
        self.answered(has_room, |answer| Request::Append(encoded, answer)).await
    }

    async fn read(&self, batch: BatchKey) -> Result<Option<Vec<Record>>, JournalError> {
        // A batch not even written yet is not there; that answer, the usual one at admission, costs no wait.
        match self.shared.read(|store| self.shared.index().number(store, batch))? {
            Some(_) => {
                let found = self.ask(|answer| Request::Read(batch, answer)).await?;
                // Decoding, and reading the archive, is not done by the thread that others wait for.
                found.map(reading::Found::records).transpose()
            }
            None => Ok(None),
        }
    }

    async fn batches(&self) -> Result<Vec<BatchKey>, JournalError> {
        Ok(self.shared.read(|store| index::batches(store))?.into_values().collect())
    }

    async fn open_batches(&self) -> Result<Vec<BatchKey>, JournalError> {
        self.shared.read(|store| reading::open_batches(store))
    }

    async fn parked_batches(&self) -> Result<Vec<BatchKey>, JournalError> {
        self.shared.read(|store| reading::parked_batches(store))
    }

    async fn occasion(
        &self,
        strategy: &StrategyName,
        occasion: &Occasion,
    ) -> Result<Vec<BatchKey>, JournalError> {
        let prefix = layout::occasion_prefix(strategy, occasion);
        self.shared.read(|store| self.shared.index().of_occasion(store, &prefix))
    }

    fn is_fresh(&self) -> bool {
        self.fresh
    }

    async fn ready_for_batch(&self) -> Result<(), JournalError> {
        // Here and not in an append, whose records are of orders: a queue that is full holds up what may yet wait.
        self.shared.until_room().await?;
        self.shared.read(|_| Ok(()))?;
        self.free_space.check(&self.path)
    }

    async fn close(&self) -> Result<(), JournalError> {
        // Not through `ask`: a journal that failed must still give up its lock.
        let (answer, answered) = oneshot::channel();
        self.send(Asked { request: Request::Close(answer), has_room: false })?;
        answered.await.unwrap_or_else(|_| Err(self.shared.ended()))
    }
}

impl Drop for StoredJournal {
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for StoredJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredJournal").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Opens a back end in a thread of its own: neither a panic nor a hang of it reaches the caller.
fn open_store(
    kind: JournalKind,
    folder: &Folder,
    create: bool,
    lock: &Arc<Lock>,
    options: &JournalOptions,
) -> Result<Box<dyn Store>, StoreError> {
    let path = folder.store();
    // Moved into the thread: an open that hangs goes on holding the journal.
    let lock = Arc::clone(lock);
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new()
        .name("journal-open".into())
        .spawn(move || {
            let opened = catch_unwind(|| open_unlocked(kind, &path, create));
            // Nobody waits for it any more: the store goes before the lock does.
            drop(sender.send(opened));
            drop(lock);
        })
        .map_err(|error| StoreError::from_io("journal thread", &error))?;
    match receiver.recv_timeout(options.open_budget) {
        Ok(Ok(store)) => store,
        Ok(Err(panic)) => Err(StoreError::Damaged(panic_text("store", &*panic))),
        Err(_) => Err(StoreError::TimedOut(format!(
            "store did not open within {} s",
            options.open_budget.as_secs()
        ))),
    }
}

/// Our own lock is held, so a store that is still locked is one this process, or one just killed, is letting go of.
fn open_unlocked(
    kind: JournalKind,
    path: &Path,
    create: bool,
) -> Result<Box<dyn Store>, StoreError> {
    let since = Instant::now();
    loop {
        let opened: Result<Box<dyn Store>, StoreError> = match kind {
            JournalKind::Redb => RedbStore::open(path, create).map(|store| Box::new(store) as _),
            JournalKind::Sled | JournalKind::Memory => {
                SledStore::open(path).map(|store| Box::new(store) as _)
            }
        };
        match opened {
            Err(StoreError::Locked(_)) if since.elapsed() < STORE_LOCK_WAIT => {
                thread::sleep(STORE_LOCK_POLL);
            }
            other => return other,
        }
    }
}

/// Checks what a store and its log hold together; only what passed is handed to the store.
fn join(
    store: Box<dyn Store>,
    folder: &Folder,
    unclean: bool,
    anchor: Option<Head>,
) -> Result<(LoggedStore, Findings), StoreError> {
    if anchor.is_none() {
        let findings = continuity::check(&*store, None)?;
        return Ok((LoggedStore::create(store, folder)?, findings));
    }
    let found = logged::Found::look(store, folder, unclean)?;
    let findings = continuity::check(&found, anchor)?;
    findings.archive.check_files(&folder.archive())?;
    Ok((found.join()?, findings))
}

/// Makes a store again that cannot be used, if an end of its was not clean.
///
/// # Errors
/// What was wrong with it, unless there is just no room.
fn repaired(
    kind: JournalKind,
    folder: &Folder,
    unclean: bool,
    anchor: Head,
    error: StoreError,
) -> Result<(), StoreError> {
    let checkpoint = match checkpoint::read(&folder.checkpoint()) {
        Ok(checkpoint) => checkpoint,
        Err(reason) if reason == error => return Err(error),
        Err(reason) => return Err(error.not_repaired(&reason)),
    };
    if !unclean && !checkpoint.survived {
        return Err(error);
    }
    let create = |path: &Path| open_unlocked(kind, path, true);
    match guarded(|| repair(folder, checkpoint, anchor, &create)) {
        Ok(()) => {
            tracing::warn!(%error, "the journal's store was made again from its checkpoint and log");
            Ok(())
        }
        Err(full @ StoreError::Full(_)) => Err(full),
        Err(reason) => {
            tracing::warn!(%reason, "the journal's store was not made again");
            Err(error.not_repaired(&reason))
        }
    }
}

/// Runs what reads content that may be damaged in ways its store does not expect.
fn guarded<T>(read: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|panic| Err(StoreError::Damaged(panic_text("store", &*panic))))
}
