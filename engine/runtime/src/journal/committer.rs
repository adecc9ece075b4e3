//! Group commit: one thread takes what waits, writes it as one batch, syncs once, and answers everyone.
//!
//! There is no artificial delay; under load groups grow by themselves while the device is busy.
//! The first error ends it: every waiter and every later caller gets that error, and nothing is tried again,
//! because after a failed sync nobody knows what the device holds.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use equipoise_core::BatchKey;
use equipoise_port::{Epoch, JournalError};
use tokio::sync::{Semaphore, oneshot};

use super::anchor::Anchor;
use super::anchoring::{Anchoring, Held};
use super::archiver::{Archiver, Closed};
use super::encoded::Encoded;
use super::folder::{Folder, Lock};
use super::reading::{self, Found};
use super::space::Making;
use super::store::{Store, WriteBatch};
use super::writer::{NotStaged, Writer};

/// Requests one group takes at most.
const GROUP_MAX: usize = 1024;

/// Requests that may wait; a caller beyond them waits for room.
pub(super) const WAITING_MAX: usize = 4096;

/// The anchor is never older than this while values were written after it.
const ANCHOR_AGE_MAX: Duration = Duration::from_secs(1);

/// The anchor is never more groups behind than this.
const ANCHOR_GROUPS_MAX: u32 = 4096;

/// How soon a segment that is closed is entered while nobody asks for anything.
const ARCHIVE_POLL: Duration = Duration::from_millis(20);

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
    failure: OnceLock<JournalError>,
    /// Room for waiting requests.
    pub(super) room: Semaphore,
}

impl Shared {
    pub(super) fn new(opened: Opened) -> Self {
        Self {
            opened: RwLock::new(Some(Arc::new(opened))),
            failure: OnceLock::new(),
            room: Semaphore::new(WAITING_MAX),
        }
    }

    /// The open store.
    pub(super) fn opened(&self) -> Result<Arc<Opened>, JournalError> {
        self.check()?;
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        opened.as_ref().map(Arc::clone).ok_or_else(closed)
    }

    /// The first failure, if there was one.
    pub(super) fn check(&self) -> Result<(), JournalError> {
        self.failure.get().cloned().map_or(Ok(()), Err)
    }

    /// Ends the journal with its first error.
    pub(super) fn fail(&self, error: JournalError) {
        tracing::error!(%error, "journal failed");
        let _ = self.failure.set(error);
    }

    fn let_go(&self) {
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        *opened = None;
    }
}

/// What callers get after a close.
pub(super) fn closed() -> JournalError {
    JournalError::Failed("journal is closed".into())
}

/// An answer that waits for the group to be durable.
enum Waiting {
    Append { answer: Answer<()>, ends: Option<u64> },
    Epoch(Answer<Epoch>, Epoch),
    Read(BatchKey, Answer<Option<Found>>),
}

/// The thread's state.
pub(super) struct Committer {
    shared: Arc<Shared>,
    /// Not counted in `shared` as a reader: goes when the thread lets go.
    opened: Arc<Opened>,
    folder: Folder,
    anchoring: Anchoring,
    /// There is no anchor yet: a journal without one counts as one that was never finished.
    unanchored: bool,
    writer: Writer,
    archiver: Archiver,
    batch: WriteBatch,
    waiting: Vec<Waiting>,
    closing: Option<Answer<()>>,
    /// When the anchor was last ordered.
    anchored_at: Instant,
    /// Groups since then.
    groups: u32,
}

impl Committer {
    pub(super) fn new(
        shared: Arc<Shared>,
        folder: Folder,
        anchor: Anchor,
        writer: Writer,
        archiver: Archiver,
    ) -> Result<Self, JournalError> {
        Ok(Self {
            opened: shared.opened()?,
            folder,
            unanchored: anchor.is_unwritten(),
            anchoring: Anchoring::start(anchor, Arc::clone(&shared))?,
            shared,
            writer,
            archiver,
            batch: WriteBatch::default(),
            waiting: Vec::with_capacity(GROUP_MAX),
            closing: None,
            anchored_at: Instant::now(),
            groups: 0,
        })
    }

    /// Runs until a close or until every caller is gone.
    pub(super) fn run(mut self, requests: &Receiver<Request>) {
        while self.closing.is_none() {
            self.archive();
            match self.next(requests) {
                Ok(first) => self.group(first, requests),
                Err(RecvTimeoutError::Timeout) => self.anchor_if_due(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.shut_down();
    }

    /// Waits for a request, but no longer than the anchor and the archive may.
    fn next(&self, requests: &Receiver<Request>) -> Result<Request, RecvTimeoutError> {
        let failed = self.shared.check().is_err();
        let anchor = ANCHOR_AGE_MAX.saturating_sub(self.anchored_at.elapsed());
        let anchor = (self.groups > 0).then_some(anchor);
        let archive = self.archiver.is_busy().then_some(ARCHIVE_POLL);
        match anchor.into_iter().chain(archive).min() {
            Some(longest) if !failed => requests.recv_timeout(longest),
            _ => requests.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// Enters a segment that is closed, in a commit of its own, and begins the next one.
    fn archive(&mut self) {
        if self.shared.check().is_err() {
            return;
        }
        let entered = self.archiver.closed().and_then(|closed| match closed {
            Some(closed) => self.enter(closed),
            None => Ok(()),
        });
        match entered {
            Ok(()) => {
                let anchored = self.anchoring.number();
                self.archiver.begin(&self.opened, self.writer.archive(), anchored);
            }
            Err(error) => self.shared.fail(error),
        }
    }

    fn enter(&mut self, closed: Closed) -> Result<(), JournalError> {
        self.writer.stage_segment(&closed, &mut self.batch)?;
        self.commit();
        self.shared.check()?;
        self.writer.enter(closed.segment)
    }

    fn group(&mut self, first: Request, requests: &Receiver<Request>) {
        self.take(first);
        let mut taken = 1 + self.take_waiting(requests, GROUP_MAX - 1);
        if taken < GROUP_MAX && self.closing.is_none() {
            // Whoever is about to ask comes first where processors are short; elsewhere that takes no time.
            thread::yield_now();
            taken += self.take_waiting(requests, GROUP_MAX - taken);
        }
        self.shared.room.add_permits(taken);
        self.commit();
        self.answer();
        self.anchor_if_due();
    }

    /// Takes what waits, up to a number; how much it was.
    fn take_waiting(&mut self, requests: &Receiver<Request>, most: usize) -> usize {
        let mut taken = 0;
        while taken < most && self.closing.is_none() {
            let Ok(request) = requests.try_recv() else {
                break;
            };
            self.take(request);
            taken += 1;
        }
        taken
    }

    fn take(&mut self, request: Request) {
        if let Err(error) = self.shared.check() {
            return refuse(request, error, &mut self.closing);
        }
        match request {
            Request::Append(append, answer) => self.take_append(&append, answer),
            Request::BeginEpoch(build, answer) => {
                let epoch = self.writer.stage_epoch(&build, &mut self.batch);
                self.waiting.push(Waiting::Epoch(answer, epoch));
            }
            Request::Read(batch, answer) => self.waiting.push(Waiting::Read(batch, answer)),
            Request::Close(answer) => self.closing = Some(answer),
        }
    }

    fn take_append(&mut self, append: &Encoded, answer: Answer<()>) {
        let store = &*self.opened.store;
        match self.writer.stage_append(store, append, &mut self.batch) {
            Ok(staged) => {
                self.waiting.push(Waiting::Append { answer, ends: staged.ends });
            }
            Err(NotStaged::Refused(error)) => {
                let _ = answer.send(Err(error));
            }
            Err(NotStaged::Broken(error)) => {
                self.shared.fail(error.clone());
                let _ = answer.send(Err(error));
            }
        }
    }

    /// One write and one sync for the whole group, or failure for good.
    fn commit(&mut self) {
        self.writer.finish(&mut self.batch);
        if !self.batch.is_empty() && self.shared.check().is_ok() {
            match self.opened.store.commit(&self.batch) {
                Ok(()) => self.groups += 1,
                Err(error) => self.shared.fail(error.while_running()),
            }
        }
        self.batch.clear();
    }

    /// Answers everyone. Ended batches and new epochs wait for the anchor too, so that what was reported final or
    /// became an owner cannot vanish unnoticed; the others need not. Only without any anchor everyone waits.
    fn answer(&mut self) {
        if self.unanchored && self.groups > 0 {
            self.anchor_for_the_first_time();
        }
        let state = self.shared.check();
        let mut held = Vec::new();
        for waiting in self.waiting.drain(..) {
            match waiting {
                Waiting::Append { answer, ends: Some(batch) } => {
                    if state.is_ok() {
                        self.archiver.ended(batch);
                    }
                    held.push(Held::Ended(answer));
                }
                Waiting::Append { answer, ends: None } => drop(answer.send(state.clone())),
                Waiting::Epoch(answer, epoch) => held.push(Held::Epoch(answer, epoch)),
                Waiting::Read(batch, answer) => {
                    let find = || reading::find(&*self.opened.store, self.writer.archive(), batch);
                    drop(answer.send(state.clone().and_then(|()| find())));
                }
            }
        }
        if !held.is_empty() {
            self.anchor(held);
        }
    }

    fn anchor_for_the_first_time(&mut self) {
        if self.shared.check().is_err() {
            return;
        }
        self.anchoring.write(self.writer.head());
        let ended = self.shared.check().is_ok().then(|| self.folder.end_creation());
        match ended {
            Some(Ok(())) => self.unanchored = false,
            Some(Err(error)) => self.shared.fail(error.while_running()),
            None => {}
        }
    }

    /// Has the anchor written for everything committed, and answers given then.
    fn anchor(&mut self, held: Vec<Held>) {
        self.anchoring.order(self.writer.head(), held);
        self.groups = 0;
        self.anchored_at = Instant::now();
    }

    fn anchor_if_due(&mut self) {
        let due = self.groups >= ANCHOR_GROUPS_MAX || self.anchored_at.elapsed() >= ANCHOR_AGE_MAX;
        if self.groups > 0 && due && self.shared.check().is_ok() {
            self.anchor(Vec::new());
        }
    }

    fn shut_down(mut self) {
        if self.anchoring.number() < self.writer.head().number && self.shared.check().is_ok() {
            self.anchoring.write(self.writer.head());
        }
        let closing = self.closing.take();
        let result = self.shared.check();
        let shared = Arc::clone(&self.shared);
        shared.room.close();
        drop(self);
        shared.let_go();
        if let Some(answer) = closing {
            let _ = answer.send(result);
        }
    }
}

/// Answers a request to a journal that has failed; it can still be closed.
fn refuse(request: Request, error: JournalError, closing: &mut Option<Answer<()>>) {
    match request {
        Request::Append(_, answer) => drop(answer.send(Err(error))),
        Request::BeginEpoch(_, answer) => drop(answer.send(Err(error))),
        Request::Read(_, answer) => drop(answer.send(Err(error))),
        Request::Close(answer) => *closing = Some(answer),
    }
}
