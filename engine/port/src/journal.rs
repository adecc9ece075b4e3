//! The journal: what is in it is durable, and nobody else writes to it.

use async_trait::async_trait;
use equipoise_core::{BatchKey, Ending, Occasion, Record, StrategyName};

/// Which start of the engine owns the journal; each start takes the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// Records to add to one batch.
#[derive(Debug, Clone)]
pub struct Append {
    /// The batch.
    pub batch: BatchKey,
    /// How many records the batch holds already; anything else in the journal refuses the append.
    pub expected: u32,
    /// Owner who appends.
    pub epoch: Epoch,
    /// What to add, in order. The first record of a batch is `Admitted`; `Ended` takes it off the open list.
    pub records: Vec<Record>,
}

/// Durable, ordered, exclusive storage of batch records.
///
/// Durable survives process kill, kernel crash and power loss. Appends take effect in the order in which
/// their futures were first polled.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Journal: Send + Sync {
    /// Takes the next epoch; from then on appends with an older one are refused (R3).
    ///
    /// # Errors
    /// See [`JournalError`].
    async fn begin_epoch(&self, build: &str) -> Result<Epoch, JournalError>;

    /// Adds records to a batch in one transaction and returns when they are durable.
    ///
    /// # Errors
    /// Any error means: send nothing further, this owner is done (R3). A device that ran full is
    /// [`JournalError::Failed`]; [`JournalError::Full`] answers only [`Journal::ready_for_batch`].
    async fn append(&self, append: Append) -> Result<(), JournalError>;

    /// All records of a batch, `None` if there is no such batch.
    ///
    /// # Errors
    /// See [`JournalError`].
    async fn read(&self, batch: BatchKey) -> Result<Option<Vec<Record>>, JournalError>;

    /// Keys of all batches in order of admission.
    ///
    /// # Errors
    /// See [`JournalError`].
    async fn batches(&self) -> Result<Vec<BatchKey>, JournalError>;

    /// Keys of the batches without an `Ended` record, in order of admission; cheap however many are finished.
    ///
    /// # Errors
    /// See [`JournalError`].
    async fn open_batches(&self) -> Result<Vec<BatchKey>, JournalError>;

    /// Keys of the batches that ended parked, in order of admission. A journal that can tell without reading every batch
    /// does so.
    ///
    /// # Errors
    /// See [`JournalError`].
    async fn parked_batches(&self) -> Result<Vec<BatchKey>, JournalError> {
        let parks =
            |record: &Record| matches!(record, Record::Ended { ending: Ending::Parked, .. });
        let mut parked = Vec::new();
        for batch in self.batches().await? {
            if self.read(batch).await?.unwrap_or_default().iter().any(parks) {
                parked.push(batch);
            }
        }
        Ok(parked)
    }

    /// Keys of the batches of one strategy and occasion (D3).
    ///
    /// # Errors
    /// See [`JournalError`].
    async fn occasion(
        &self,
        strategy: &StrategyName,
        occasion: &Occasion,
    ) -> Result<Vec<BatchKey>, JournalError>;

    /// True when the journal held no batch when it was opened, so that it may be a new one in place of another and
    /// batches it does not know may exist (D5). A journal created in this start is fresh, and so is one whose first
    /// start ended before its first batch.
    fn is_fresh(&self) -> bool;

    /// Whether a further batch may be admitted: enough space and no failure so far (P4).
    ///
    /// # Errors
    /// [`JournalError::Full`] or the failure.
    async fn ready_for_batch(&self) -> Result<(), JournalError>;

    /// Makes everything durable, writes the anchor and gives up the lock. Appends afterwards fail.
    ///
    /// # Errors
    /// See [`JournalError`].
    async fn close(&self) -> Result<(), JournalError>;
}

/// Why the journal did not do it, split by what remains possible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// Another start owns the journal now: this owner stops at once.
    #[error("journal has a newer owner: epoch {current} instead of {own}")]
    Fenced {
        /// The caller's epoch.
        own: u64,
        /// The journal's epoch.
        current: u64,
    },
    /// The batch holds another number of records than expected: this owner stops at once.
    #[error("batch {batch} holds {actual} records where {expected} were expected")]
    OutOfSequence {
        /// The batch.
        batch: BatchKey,
        /// What the caller expected.
        expected: u32,
        /// What is there.
        actual: u32,
    },
    /// No space for further batches; open ones can still be closed.
    #[error("journal has {free_bytes} bytes free and keeps {floor_bytes}: no further batch")]
    Full {
        /// Free space.
        free_bytes: u64,
        /// The floor.
        floor_bytes: u64,
    },
    /// A write or sync failed, now or before; the process must end and start again (P4).
    #[error("journal failed and accepts nothing further: {0}")]
    Failed(String),
    /// Another process holds it (P8).
    #[error("journal {0} is in use by another process")]
    Locked(String),
    /// Its content is not what was written (P5); files are left as they are.
    #[error("journal is damaged: {0}")]
    Damaged(String),
    /// Written by a newer build (P11).
    #[error("journal has version {found}, this build reads up to {known}: use the newer build")]
    TooNew {
        /// Version found.
        found: u8,
        /// Newest version known here.
        known: u8,
    },
    /// It cannot be opened for another reason, such as permissions.
    #[error("journal cannot be opened: {0}")]
    Unopened(String),
}
