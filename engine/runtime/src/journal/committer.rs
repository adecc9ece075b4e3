//! Group commit: one thread takes what waits, writes it as one batch, syncs once, and answers everyone.
//!
//! There is no artificial delay; under load groups grow by themselves while the device is busy.
//! The first error ends it: every waiter and every later caller gets that error, and nothing is tried again,
//! because after a failed sync nobody knows what the device holds.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use equipoise_core::BatchKey;
use equipoise_port::{Epoch, JournalError};

use super::anchor::Anchor;
use super::anchoring::{Anchoring, Held};
use super::archiver::{Archiver, Closed};
use super::encoded::Encoded;
use super::folder::Folder;
use super::reading::{self, Found};
use super::shared::{Answer, Asked, Opened, Request, Shared};
use super::store::{WriteBatch, panic_text};
use super::writer::{NotStaged, Writer};

/// Requests one group takes at most.
pub(super) const GROUP_MAX: usize = 1024;

/// The anchor is never older than this while values were written after it.
const ANCHOR_AGE_MAX: Duration = Duration::from_secs(1);

/// The anchor is never more groups behind than this.
const ANCHOR_GROUPS_MAX: u32 = 4096;

/// How soon a segment that is closed is entered while nobody asks for anything.
const ARCHIVE_POLL: Duration = Duration::from_millis(20);

/// An answer that waits for the group to be durable.
enum Waiting {
    Append { answer: Answer<()>, ends: Option<u64> },
    Epoch(Answer<Epoch>, Epoch),
    Read(BatchKey, Answer<Option<Found>>),
}

/// The thread's state.
pub(super) struct Committer {
    shared: Arc<Shared>,
    /// Goes before `shared` lets go of it.
    opened: Arc<Opened>,
    folder: Folder,
    anchoring: Anchoring,
    /// There is no anchor yet: a journal without one counts as one that was never finished.
    unanchored: bool,
    writer: Writer,
    archiver: Archiver,
    batch: WriteBatch,
    /// Requests of this group that took up room.
    with_room: usize,
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
            with_room: 0,
            waiting: Vec::with_capacity(GROUP_MAX),
            closing: None,
            anchored_at: Instant::now(),
            groups: 0,
        })
    }

    /// Runs until a close or until every caller is gone. A panic is the journal's failure like any other.
    pub(super) fn run(mut self, requests: &Receiver<Asked>) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.serve(requests))) {
            self.shared.fail(JournalError::Failed(panic_text("journal thread", &*panic)));
            self.batch.clear();
            self.answer();
            // Everything is refused from here on.
            self.serve(requests);
        }
        self.shut_down();
    }

    fn serve(&mut self, requests: &Receiver<Asked>) {
        while self.closing.is_none() {
            self.archive();
            match self.next(requests) {
                Ok(first) => self.group(first, requests),
                Err(RecvTimeoutError::Timeout) => self.anchor_if_due(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
    }

    /// Waits for a request, but no longer than the anchor and the archive may.
    fn next(&self, requests: &Receiver<Asked>) -> Result<Asked, RecvTimeoutError> {
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
        let number = self.writer.stage_segment(&closed, &mut self.batch)?;
        // Before anything leaves: whoever looks meanwhile finds the batches in one place or the other.
        self.shared.index().begin_pages(number, &closed.entries)?;
        self.commit();
        self.shared.check()?;
        self.shared.index().end_pages(number);
        self.writer.enter(closed.segment)
    }

    fn group(&mut self, first: Asked, requests: &Receiver<Asked>) {
        self.take(first);
        let taken = 1 + self.take_waiting(requests, GROUP_MAX - 1);
        if taken < GROUP_MAX && self.closing.is_none() {
            // Whoever is about to ask comes first where processors are short; elsewhere that takes no time.
            thread::yield_now();
            self.take_waiting(requests, GROUP_MAX - taken);
        }
        self.shared.give_back_room(std::mem::take(&mut self.with_room));
        self.commit();
        self.answer();
        self.anchor_if_due();
    }

    /// Takes what waits, up to a number; how much it was.
    fn take_waiting(&mut self, requests: &Receiver<Asked>, most: usize) -> usize {
        let mut taken = 0;
        while taken < most && self.closing.is_none() {
            let Ok(asked) = requests.try_recv() else {
                break;
            };
            self.take(asked);
            taken += 1;
        }
        taken
    }

    fn take(&mut self, Asked { request, has_room }: Asked) {
        self.with_room += usize::from(has_room);
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
        match self.writer.stage_append(store, self.shared.index(), append, &mut self.batch) {
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
        if self.shared.check().is_ok() {
            self.writer.finish(&mut self.batch);
            if !self.batch.is_empty() {
                match self.opened.store.commit(&self.batch) {
                    Ok(()) => self.groups += 1,
                    Err(error) => self.shared.fail(error.while_running()),
                }
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
                    let (index, archive) = (self.shared.index(), self.writer.archive());
                    let find = || reading::find(&*self.opened.store, index, archive, batch);
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
        shared.close_room();
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
