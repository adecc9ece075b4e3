//! What of one batch is on its way to the journal, in the order in which it took effect or is to take effect.
//!
//! At most two appends are under way: the one of [`Appends::commit`], which somebody waits for, and one of facts, which
//! nobody does. Facts that come meanwhile are kept for the next.

use std::sync::Arc;

use equipoise_core::{BatchKey, Record, UnixMillis};
use equipoise_port::{Append, Epoch, Journal, JournalError};
use futures::FutureExt as _;
use futures::future::BoxFuture;

/// How long facts may wait for company before they are appended on their own, milliseconds.
/// A later start asks the venues for them anyway, so nothing depends on their being durable at once.
const FACTS_WAIT_MS: u64 = 5;

pub(crate) struct Appends {
    journal: Arc<dyn Journal>,
    epoch: Epoch,
    batch: BatchKey,
    /// Records that took effect and were not yet handed to the journal.
    unsaved: Vec<Record>,
    /// Records handed to the journal so far.
    handed: u32,
    /// The append nobody waits for.
    of_facts: Option<BoxFuture<'static, Result<(), JournalError>>>,
    flush_at: Option<UnixMillis>,
}

impl Appends {
    /// `handed` is how many records of the batch the journal holds.
    pub(crate) const fn new(
        journal: Arc<dyn Journal>,
        epoch: Epoch,
        batch: BatchKey,
        handed: u32,
    ) -> Self {
        let unsaved = Vec::new();
        Self { journal, epoch, batch, unsaved, handed, of_facts: None, flush_at: None }
    }

    /// Whether nothing of the batch was ever handed to the journal: then it is not admitted, and facts of it have nowhere
    /// to go yet.
    pub(crate) const fn are_none(&self) -> bool {
        self.handed == 0
    }

    /// Keeps records that took effect; they become durable soon, or with the next that have to be.
    pub(crate) fn keep(&mut self, records: &[Record]) {
        self.unsaved.extend_from_slice(records);
    }

    /// Returns once these records, and everything kept before them, are durable.
    ///
    /// # Errors
    /// The journal's.
    pub(crate) async fn commit(&mut self, records: &[Record]) -> Result<(), JournalError> {
        self.flush_at = None;
        let mut all = std::mem::take(&mut self.unsaved);
        all.extend_from_slice(records);
        let append = self.next(all);
        self.journal.append(append).await
    }

    /// Lets what is kept wait for company a little while.
    pub(crate) fn flush_soon(&mut self, now: UnixMillis) {
        if !self.unsaved.is_empty() && !self.are_none() && self.flush_at.is_none() {
            self.flush_at = Some(now.plus_ms(FACTS_WAIT_MS));
        }
    }

    /// When what is kept is to be handed over; once the facts before it are answered.
    pub(crate) fn due_at(&self) -> Option<UnixMillis> {
        self.flush_at.filter(|_| self.of_facts.is_none())
    }

    /// Hands over what is kept if it is time, without waiting.
    pub(crate) fn flush_if_due(&mut self, now: UnixMillis) {
        if self.due_at().is_some_and(|at| at <= now) {
            self.flush();
        }
    }

    /// The answer to facts that were handed over, `None` if none are under way. Cancel safe.
    pub(crate) async fn answered(&mut self) -> Option<Result<(), JournalError>> {
        let answer = self.of_facts.as_mut()?.await;
        self.of_facts = None;
        Some(answer)
    }

    /// Returns once everything is durable.
    ///
    /// # Errors
    /// The journal's.
    pub(crate) async fn flush_all(&mut self) -> Result<(), JournalError> {
        loop {
            if let Some(answer) = self.answered().await {
                answer?;
            }
            self.flush();
            if self.of_facts.is_none() {
                return Ok(());
            }
        }
    }

    /// Hands over what is kept; the order is kept by polling once right away.
    fn flush(&mut self) {
        debug_assert!(self.of_facts.is_none(), "one append at a time that nobody waits for");
        self.flush_at = None;
        if self.unsaved.is_empty() || self.are_none() {
            return;
        }
        let kept = std::mem::take(&mut self.unsaved);
        let append = self.next(kept);
        let journal = self.journal.clone();
        let mut appending = async move { journal.append(append).await }.boxed();
        self.of_facts = Some(match (&mut appending).now_or_never() {
            Some(done) => std::future::ready(done).boxed(),
            None => appending,
        });
    }

    fn next(&mut self, records: Vec<Record>) -> Append {
        let expected = self.handed;
        self.handed += u32::try_from(records.len()).unwrap_or(u32::MAX);
        Append { batch: self.batch, expected, epoch: self.epoch, records }
    }
}
