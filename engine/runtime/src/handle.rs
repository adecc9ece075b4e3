//! What a host holds of one batch.

use std::sync::Arc;

use equipoise_core::{BatchKey, BatchReport, BatchStatus, Saga};
use equipoise_port::{BatchEvent, Clock};
use tokio::sync::mpsc;

use crate::batch::{BatchCell, Phase};
use crate::error::BatchError;

/// A batch that was submitted, now or before. Dropping it changes nothing for the batch.
#[derive(Clone)]
pub struct BatchHandle {
    key: BatchKey,
    duplicate: bool,
    source: Source,
    clock: Arc<dyn Clock>,
}

#[derive(Clone)]
enum Source {
    Live(Arc<BatchCell>),
    Stored(Arc<Saga>),
}

impl BatchHandle {
    pub(crate) fn live(cell: Arc<BatchCell>, duplicate: bool, clock: Arc<dyn Clock>) -> Self {
        Self { key: cell.key, duplicate, source: Source::Live(cell), clock }
    }

    pub(crate) fn stored(saga: Saga, clock: Arc<dyn Clock>) -> Self {
        Self { key: saga.key(), duplicate: true, source: Source::Stored(Arc::new(saga)), clock }
    }

    /// The batch key.
    #[must_use]
    pub const fn key(&self) -> BatchKey {
        self.key
    }

    /// True when the plan had been submitted before.
    #[must_use]
    pub const fn is_duplicate(&self) -> bool {
        self.duplicate
    }

    /// Where the batch stands.
    #[must_use]
    pub fn status(&self) -> BatchStatus {
        self.look(Saga::status).unwrap_or(BatchStatus::Running)
    }

    /// The account of the batch as it stands; `None` before it is admitted.
    #[must_use]
    pub fn report(&self) -> Option<BatchReport> {
        let now = self.clock.now();
        let report = self.look(|saga| saga.report(now))?;
        Some(BatchReport { duplicate: self.duplicate, ..report })
    }

    pub(crate) fn look<T>(&self, look: impl FnOnce(&Saga) -> T) -> Option<T> {
        match &self.source {
            Source::Live(cell) => cell.with_saga(|saga| look(saga)),
            Source::Stored(saga) => Some(look(saga)),
        }
    }

    /// Every record from here on, as it takes effect. Empty for a batch that ended before.
    ///
    /// A reader that leaves more than 1,024 events unread loses its place: its stream ends after those. The batch
    /// never waits for a reader.
    #[must_use = "events that nobody reads are lost"]
    pub fn events(&self) -> BatchEvents {
        let receiver = match &self.source {
            Source::Live(cell) => cell.subscribe(),
            Source::Stored(_) => mpsc::channel(1).1,
        };
        BatchEvents { receiver }
    }

    /// Asks for no new risk: working orders are cancelled, then the policy decides. Does nothing once it ended.
    pub fn cancel(&self) {
        if let Source::Live(cell) = &self.source {
            cell.stop.send_replace(true);
        }
    }

    /// Waits for the end and returns the account. Cancel safe: the batch goes on if this future is dropped.
    ///
    /// # Errors
    /// When the batch cannot go on in this process; the journal resumes it at the next start.
    pub async fn wait(&self) -> Result<BatchReport, BatchError> {
        if let Source::Live(cell) = &self.source {
            match cell.over().await {
                Phase::Failed(error) => return Err(error),
                Phase::Refused(error) => return Err(BatchError::Submit(Box::new(error))),
                _ => {}
            }
        }
        // A stored batch that is still open is one that nothing drives in this process.
        let report = self.report();
        let report = report.filter(|report| report.status != BatchStatus::Running);
        report.ok_or(BatchError::Abandoned)
    }
}

/// The records of one batch as they take effect.
pub struct BatchEvents {
    receiver: mpsc::Receiver<BatchEvent>,
}

impl BatchEvents {
    /// The next event; `None` when the batch is over, or when this reader fell too far behind. Cancel safe.
    pub async fn next(&mut self) -> Option<BatchEvent> {
        self.receiver.recv().await
    }
}
