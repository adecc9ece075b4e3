//! What callers of a stored journal share with the thread that commits: requests and room for them, the open store, and
//! the first failure.
//!
//! An append is handed over in the first poll of its future whatever waits, because that is what orders appends. Room
//! is what everyone else waits for: reads, epochs, and batches that are about to begin. Appends beyond it are few: a
//! batch under way has two at most.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use equipoise_core::BatchKey;
use equipoise_port::{Epoch, JournalError};
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use super::encoded::Encoded;
use super::folder::Lock;
use super::index::Index;
use super::reading::Found;
use super::space::Making;
use super::store::Store;

/// Requests that may wait; beyond them only appends are taken, and everyone else waits for room.
pub(super) const WAITING_MAX: usize = 4096;

/// Where an answer goes. A caller who no longer waits does not hinder anyone.
pub(super) type Answer<T> = oneshot::Sender<Result<T, JournalError>>;

/// What callers ask of the thread.
#[derive(Debug)]
pub(super) enum Request {
    /// Add records.
    Append(Encoded, Answer<()>),
    /// Take the next epoch.
    BeginEpoch(String, Answer<Epoch>),
    /// Find a batch as of the last durable group.
    Read(BatchKey, Answer<Option<Found>>),
    /// Finish and let go.
    Close(Answer<()>),
}

/// A request on its way to the thread.
#[derive(Debug)]
pub(super) struct Asked {
    /// What is asked.
    pub(super) request: Request,
    /// It takes up room, to be given back once the thread has it.
    pub(super) has_room: bool,
}

/// The store and what must outlive it; fields go in this order.
pub(super) struct Opened {
    /// The back end.
    pub(super) store: Box<dyn Store>,
    /// Ballast in the making, stopped before the lock goes.
    pub(super) _making: Option<Making>,
    /// The lock.
    pub(super) _lock: Arc<Lock>,
}

/// What callers and thread both see.
pub(super) struct Shared {
    opened: RwLock<Option<Arc<Opened>>>,
    index: Index,
    failure: OnceLock<JournalError>,
    room: Semaphore,
}

impl Shared {
    pub(super) fn new(opened: Opened, index: Index) -> Self {
        Self {
            opened: RwLock::new(Some(Arc::new(opened))),
            index,
            failure: OnceLock::new(),
            room: Semaphore::new(WAITING_MAX),
        }
    }

    /// The open store, for the thread: it lets go of it before it says that everyone has.
    pub(super) fn opened(&self) -> Result<Arc<Opened>, JournalError> {
        self.check()?;
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        opened.as_ref().map(Arc::clone).ok_or_else(closed)
    }

    /// Reads the store in the caller's own time; letting go of it waits for that.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&dyn Store) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        self.check()?;
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        read(&*opened.as_ref().ok_or_else(closed)?.store)
    }

    /// Where to look for batches.
    pub(super) const fn index(&self) -> &Index {
        &self.index
    }

    /// The first failure, if there was one.
    pub(super) fn check(&self) -> Result<(), JournalError> {
        self.failure.get().cloned().map_or(Ok(()), Err)
    }

    /// Ends the journal with its first error, and everyone's wait for room.
    pub(super) fn fail(&self, error: JournalError) {
        tracing::error!(%error, "journal failed");
        let _ = self.failure.set(error);
        self.close_room();
    }

    /// Why nothing is answered any more.
    pub(super) fn ended(&self) -> JournalError {
        self.check().err().unwrap_or_else(closed)
    }

    /// Takes up room for one request if there is some.
    pub(super) fn take_room(&self) -> bool {
        self.room.try_acquire().map(SemaphorePermit::forget).is_ok()
    }

    /// Takes up room for one request as soon as there is some.
    pub(super) async fn wait_for_room(&self) -> Result<(), JournalError> {
        if !self.take_room() {
            self.room.acquire().await.map_err(|_| self.ended())?.forget();
        }
        Ok(())
    }

    /// Waits until there is room, and leaves it to others.
    pub(super) async fn until_room(&self) -> Result<(), JournalError> {
        if self.room.available_permits() == 0 {
            drop(self.room.acquire().await.map_err(|_| self.ended())?);
        }
        Ok(())
    }

    /// Gives back what requests took up.
    pub(super) fn give_back_room(&self, requests: usize) {
        self.room.add_permits(requests);
    }

    /// Ends everyone's wait for room.
    pub(super) fn close_room(&self) {
        self.room.close();
    }

    /// Closes the store once nobody reads it any more.
    pub(super) fn let_go(&self) {
        let opened = self.opened.write().unwrap_or_else(PoisonError::into_inner).take();
        drop(opened);
    }
}

/// What callers get after a close.
pub(super) fn closed() -> JournalError {
    JournalError::Failed("journal is closed".into())
}
