//! A store behind a log: commits are durable by the log, and a thread of its own hands them to the store in bulk.
//!
//! A store on a device pays for every key it takes, and for its own syncs; a group waits for neither.
//! Reads see everything committed, wherever it is and however the store keeps it.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use equipoise_port::JournalError;

use super::checkpoint;
use super::codec::damaged;
use super::folder::Folder;
use super::frame::Span;
use super::handing_over::hand_over;
use super::head::Head;
use super::layout;
use super::log::Log;
use super::overlay::{Overlay, Overlays, add, add_waiting, scan_below, under};
use super::store::{Reads, Store, StoreError, Visit, Write, WriteBatch, panic_text};

/// What was committed is handed to the store after this, or as soon as the hand-over before it is through.
const AGE_MAX: Duration = Duration::from_millis(500);

/// The store is handed what waits as soon as that many bytes of the log do. At thousands of batches a second nine in ten
/// have moved to the archive by then, and nothing of them reaches the store.
const HANDOVER_BYTES: u64 = 16 * 1024 * 1024;

/// Commits wait for the store beyond this many bytes, which bounds the memory that waits.
const WAITING_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// A checkpoint is written when a file of the log has this many bytes; with what may wait, that bounds the file.
const TURN_BYTES: u64 = 16 * 1024 * 1024;

/// A store behind a log.
pub(super) struct LoggedStore {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Its fields go in this order: the store may write while it closes, and only when that is durable was it a clean end.
struct Shared {
    store: Box<dyn Store>,
    age_max: Duration,
    /// Where the checkpoint is.
    checkpoint: PathBuf,
    /// The store went on after an end that was not clean.
    survived: bool,
    log: Mutex<Written>,
    /// Tells the thread that there is something to do, and commits that something was done.
    changed: Condvar,
    overlays: RwLock<Overlays>,
}

struct Written {
    log: Log,
    /// The mark that the store is in use.
    running: PathBuf,
    /// What the store wrote while it closed did not become durable.
    lost_at_close: Arc<AtomicBool>,
    /// Head as of the last frame.
    head: u64,
    /// Head that the store holds durably.
    stored: u64,
    /// When the first of what waits was committed.
    waiting_since: Option<Instant>,
    /// Bytes of the log that wait.
    waiting_bytes: u64,
    /// The store is being handed what the other file holds.
    handing_over: bool,
    ending: bool,
    failure: Option<StoreError>,
}

/// A store and the log in front of it as a start found them: read together, and nothing changed yet.
pub(super) struct Found {
    store: Box<dyn Store>,
    log: Log,
    /// What the log holds beyond the store.
    overlay: Overlay,
    folder: Folder,
    /// It went on after an end that was not clean.
    survived: bool,
}

/// What is to be handed over.
struct Order {
    /// The head it leads to.
    head: u64,
    /// The log goes on in its other file: the one before is given up for a checkpoint.
    turned: bool,
}

impl Found {
    /// Reads what the log holds beyond the store.
    pub(super) fn look(
        store: Box<dyn Store>,
        folder: &Folder,
        unclean: bool,
    ) -> Result<Self, StoreError> {
        let log = Log::open(folder.path())?;
        let frames = log.frames()?;
        let before = checkpoint::read(&folder.checkpoint())?;
        // The checkpoint counts too: frames that only told of what it holds may have been written over.
        let (head, known) = (head_of(&*store)?, frames.stored().max(before.head()?));
        if head < known {
            let lost = format_args!("it ends at value {head} although value {known} was durable");
            return Err(damaged(lost).into());
        }
        let (mut batch, mut overlay) = (WriteBatch::default(), Overlay::new());
        for frame in frames.beyond(head)? {
            frame.add_to(&mut batch)?;
        }
        add(&mut overlay, &batch);
        let survived = unclean || before.survived;
        Ok(Self { store, log, overlay, folder: folder.clone(), survived })
    }

    /// Hands the store what it lacks and begins.
    pub(super) fn join(self) -> Result<LoggedStore, StoreError> {
        hand_over(&*self.store, &self.overlay)?;
        LoggedStore::start(self.store, self.log, AGE_MAX, &self.folder, self.survived)
    }
}

impl Reads for Found {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.overlay.get(key).map_or_else(|| self.store.get(key), |write| Ok(write.clone()))
    }

    fn scan(&self, prefix: &[u8], visit: Visit<'_>) -> Result<(), JournalError> {
        scan_below(&*self.store, under(&self.overlay, prefix).collect(), prefix, visit)
    }
}

impl LoggedStore {
    /// Puts an empty log in front of a store that was just made.
    pub(super) fn create(store: Box<dyn Store>, folder: &Folder) -> Result<Self, StoreError> {
        Self::create_with(store, folder, AGE_MAX)
    }

    /// The same with another age.
    pub(super) fn create_with(
        store: Box<dyn Store>,
        folder: &Folder,
        age_max: Duration,
    ) -> Result<Self, StoreError> {
        Self::start(store, Log::create(folder.path())?, age_max, folder, false)
    }

    fn start(
        store: Box<dyn Store>,
        log: Log,
        age_max: Duration,
        folder: &Folder,
        survived: bool,
    ) -> Result<Self, StoreError> {
        let head = head_of(&*store)?;
        // The log is about to be written from its start.
        let checkpoint = folder.checkpoint();
        checkpoint::write(&*store, &checkpoint, survived)?;
        let written = Written {
            log,
            running: folder.running(),
            lost_at_close: store.lost_at_close(),
            head,
            stored: head,
            waiting_since: None,
            waiting_bytes: 0,
            handing_over: false,
            ending: false,
            failure: None,
        };
        let shared = Arc::new(Shared {
            store,
            age_max,
            checkpoint,
            survived,
            log: Mutex::new(written),
            changed: Condvar::new(),
            overlays: RwLock::default(),
        });
        let thread = thread::Builder::new()
            .name("journal-store".into())
            .spawn({
                let shared = Arc::clone(&shared);
                move || shared.hand_over_until_the_end()
            })
            .map_err(|error| StoreError::from_io("journal thread", &error))?;
        Ok(Self { shared, thread: Some(thread) })
    }
}

impl Drop for LoggedStore {
    fn drop(&mut self) {
        self.shared.written().ending = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Store for LoggedStore {
    fn commit(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        let mut written = self.shared.with_room()?;
        let after = head_in(batch).unwrap_or(written.head);
        let span = Span { before: written.head, after, stored: written.stored };
        match written.log.append(span, batch) {
            Ok(len) => written.waiting_bytes += len,
            Err(error) => {
                // Nobody knows what the device holds: neither a commit nor the end writes to the log again.
                written.failure = Some(error.clone());
                return Err(error);
            }
        }
        written.head = after;
        // Still under the lock: a hand-over never sees a file and an overlay that do not belong together.
        self.shared.overlay(batch);
        let first = written.waiting_since.is_none();
        written.waiting_since.get_or_insert_with(Instant::now);
        let much = written.waiting_bytes >= HANDOVER_BYTES && !written.handing_over;
        drop(written);
        if first || much {
            self.shared.changed.notify_all();
        }
        Ok(())
    }
}

impl Reads for LoggedStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        // In this order: what leaves an overlay is in the store by then.
        if let Some(write) = self.shared.overlays().get(key) {
            return Ok(write.clone());
        }
        self.shared.store.get(key)
    }

    fn scan(&self, prefix: &[u8], visit: Visit<'_>) -> Result<(), JournalError> {
        let ahead = self.shared.overlays().under(prefix);
        let mut last = Vec::new();
        scan_below(&*self.shared.store, ahead, prefix, &mut |key, value| {
            // What is left of a bundle that is rewritten meanwhile is met again, under a later key.
            if key <= &last[..] {
                return Ok(());
            }
            key.clone_into(&mut last);
            visit(key, value)
        })
    }
}

impl Shared {
    /// No code that holds one of these locks can panic half way through a change, so a poisoned one is still whole.
    fn written(&self) -> MutexGuard<'_, Written> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn overlays(&self) -> RwLockReadGuard<'_, Overlays> {
        self.overlays.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change_overlays(&self, change: impl FnOnce(&mut Overlays)) {
        change(&mut self.overlays.write().unwrap_or_else(PoisonError::into_inner));
    }

    fn overlay(&self, batch: &WriteBatch) {
        self.change_overlays(|overlays| add_waiting(&mut overlays.waiting, batch));
    }

    /// The log once it has room; while the store is behind, that waits for it.
    fn with_room(&self) -> Result<MutexGuard<'_, Written>, StoreError> {
        let mut written = self.written();
        while written.failure.is_none() && written.waiting_bytes >= WAITING_BYTES_MAX {
            self.changed.notify_all();
            written = self.changed.wait(written).unwrap_or_else(PoisonError::into_inner);
        }
        match &written.failure {
            Some(error) => Err(error.clone()),
            None => Ok(written),
        }
    }

    fn hand_over_until_the_end(&self) {
        while let Some(order) = self.begin() {
            // Held beyond the locks below, so that nobody waits while it is taken apart.
            let leaving = Arc::clone(&self.overlays().leaving);
            // A store that panics must not leave commits waiting for it for ever.
            let handed = catch_unwind(AssertUnwindSafe(|| {
                hand_over(&*self.store, &leaving)?;
                if order.turned {
                    checkpoint::write(&*self.store, &self.checkpoint, self.survived)?;
                }
                Ok(())
            }))
            .unwrap_or_else(|panic| Err(StoreError::Io(panic_text("store", &*panic))));
            let mut written = self.written();
            written.handing_over = false;
            match handed {
                Ok(()) => {
                    written.stored = order.head;
                    self.change_overlays(|overlays| overlays.leaving = Arc::default());
                }
                Err(error) => written.failure = Some(error),
            }
            drop(written);
            self.changed.notify_all();
        }
    }

    /// Waits until something is to be handed over; `None` at the end.
    fn begin(&self) -> Option<Order> {
        let mut written = self.written();
        loop {
            if written.failure.is_some() {
                return None;
            }
            let Some(since) = written.waiting_since else {
                if written.ending {
                    return None;
                }
                written = self.changed.wait(written).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = self.age_max.saturating_sub(since.elapsed());
            if written.ending || left.is_zero() || written.waiting_bytes >= HANDOVER_BYTES {
                break;
            }
            let waited = self.changed.wait_timeout(written, left);
            written = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        written.waiting_since = None;
        written.waiting_bytes = 0;
        written.handing_over = true;
        let turned = written.log.len() >= TURN_BYTES;
        if turned {
            // The checkpoint after the turn before this one is written, so it holds everything in the other file.
            written.log.take_turns();
        }
        self.change_overlays(|overlays| {
            overlays.leaving = Arc::new(std::mem::take(&mut overlays.waiting));
        });
        // Commits may wait for this very room.
        self.changed.notify_all();
        Some(Order { head: written.head, turned })
    }
}

impl Drop for Written {
    /// Says in the log itself that the store holds everything, so that a store which later lacks some is noticed.
    fn drop(&mut self) {
        let lost = self.lost_at_close.load(Ordering::Acquire);
        if lost || self.failure.is_some() || self.stored < self.head {
            return;
        }
        let span = Span { before: self.head, after: self.head, stored: self.stored };
        if let Err(error) = self.log.append(span, &WriteBatch::default()) {
            tracing::warn!(%error, "the journal's log was not closed");
            return;
        }
        // Should the mark come back with a power cut, that is what it says.
        let _ = fs::remove_file(&self.running);
    }
}

/// The head a group leads to.
fn head_in(batch: &WriteBatch) -> Option<u64> {
    let last = batch.iter().filter_map(|write| match write {
        Write::Put(key, value) if key == layout::HEAD => Head::read(key, value).ok(),
        _ => None,
    });
    last.last().map(|head| head.number)
}

fn head_of(store: &(impl Reads + ?Sized)) -> Result<u64, StoreError> {
    Ok(match store.get(layout::HEAD)? {
        Some(value) => Head::read(layout::HEAD, &value)?.number,
        None => 0,
    })
}
