//! The engine: what a host application holds.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use equipoise_core::{BatchKey, BatchReport, Plan, Record, Saga, VenueName};
use equipoise_port::{Clock, Epoch, Journal, JournalError, Observer};
use tokio::sync::watch;

use crate::batch::{BatchCell, BatchHandle};
use crate::clock::SystemClock;
use crate::error::{BatchError, CheckError, StartError, SubmitError};
use crate::preflight::PlanCheck;
use crate::venues::{VenueSetup, Venues, entries};

/// What a host may set; the defaults are those of the command line.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long after its absence could be proven an unanswering venue is still asked before the leg is parked, ms.
    pub doubt_grace_ms: u64,
    /// Seed of the jitter of repeated queries; the same seed gives the same pauses.
    pub jitter_seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            doubt_grace_ms: 120_000,
            jitter_seed: 0,
        }
    }
}

/// Runs batches. Cheap to clone; all clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) epoch: Epoch,
    pub(crate) venues: Venues,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observers: Vec<Arc<dyn Observer>>,
    pub(crate) settings: Settings,
    /// Batches that are not over, by key.
    live: Mutex<BTreeMap<BatchKey, Arc<BatchCell>>>,
    /// How many resumed batches still have orders in doubt from before this start (R11).
    pub(crate) unsettled: watch::Sender<usize>,
    /// How many batches are not over.
    pub(crate) running: watch::Sender<usize>,
    stopping: AtomicBool,
}

/// Puts an engine together.
pub struct EngineBuilder {
    journal: Arc<dyn Journal>,
    venues: BTreeMap<VenueName, VenueSetup>,
    clock: Option<Arc<dyn Clock>>,
    observers: Vec<Arc<dyn Observer>>,
    settings: Settings,
}

impl EngineBuilder {
    /// Adds a venue under the name plans use for it.
    #[must_use]
    pub fn venue(mut self, name: VenueName, setup: VenueSetup) -> Self {
        self.venues.insert(name, setup);
        self
    }

    /// Uses this clock instead of the system's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Adds an observer of every batch.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observers.push(observer);
        self
    }

    /// Uses these settings.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Takes the journal over, replays every unfinished batch and lets each go on by itself.
    ///
    /// # Errors
    /// When the journal cannot be used, or an unfinished batch needs a venue that was not added.
    pub async fn start(self) -> Result<Engine, StartError> {
        let epoch = self
            .journal
            .begin_epoch(concat!("equipoise ", env!("CARGO_PKG_VERSION")))
            .await?;
        let engine = Engine {
            inner: Arc::new(Inner {
                journal: self.journal,
                epoch,
                venues: entries(self.venues),
                clock: self.clock.unwrap_or_else(|| Arc::new(SystemClock::start())),
                observers: self.observers,
                settings: self.settings,
                live: Mutex::new(BTreeMap::new()),
                unsettled: watch::Sender::new(0),
                running: watch::Sender::new(0),
                stopping: AtomicBool::new(false),
            }),
        };
        engine.resume_open_batches().await?;
        Ok(engine)
    }
}

impl Engine {
    /// Starts from a journal.
    #[must_use]
    pub fn builder(journal: Arc<dyn Journal>) -> EngineBuilder {
        EngineBuilder {
            journal,
            venues: BTreeMap::new(),
            clock: None,
            observers: Vec::new(),
            settings: Settings::default(),
        }
    }

    /// Submits a plan. Returns once it is durable, or at once with the earlier batch if it had been submitted before.
    ///
    /// Not cancel safe in one respect only: if this future is dropped the batch may still be admitted, and goes on.
    ///
    /// # Errors
    /// When it is refused; nothing was sent.
    pub async fn submit(&self, plan: &Plan) -> Result<BatchHandle, SubmitError> {
        let checked = plan.check().map_err(CheckError::from)?;
        self.admit(checked).await
    }

    /// Checks and prices a plan against its venues without admitting it.
    ///
    /// # Errors
    /// What `submit` would say of it.
    pub async fn check(&self, plan: &Plan) -> Result<PlanCheck, CheckError> {
        let checked = plan.check()?;
        self.inner.price(&checked).await
    }

    /// A batch by its key, live or stored.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn batch(&self, key: BatchKey) -> Result<Option<BatchHandle>, JournalError> {
        if let Some(cell) = self.inner.live_cell(key) {
            return Ok(Some(BatchHandle::live(
                cell,
                false,
                self.inner.clock.clone(),
            )));
        }
        let saga = self.inner.stored(key).await?;
        Ok(saga.map(|saga| BatchHandle::stored(saga, self.inner.clock.clone())))
    }

    /// Keys of all batches in order of admission.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn batches(&self) -> Result<Vec<BatchKey>, JournalError> {
        self.inner.journal.batches().await
    }

    /// All records of a batch, for its time line.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn records(&self, key: BatchKey) -> Result<Option<Vec<Record>>, JournalError> {
        self.inner.journal.read(key).await
    }

    /// The batches that are not over.
    #[must_use]
    pub fn live(&self) -> Vec<BatchHandle> {
        let live = self.inner.live();
        let handle = |cell: &Arc<BatchCell>| {
            BatchHandle::live(cell.clone(), false, self.inner.clock.clone())
        };
        live.values().map(handle).collect()
    }

    /// Waits until every batch that was unfinished when the engine started has ended, and returns their accounts.
    ///
    /// # Errors
    /// The first batch that cannot go on in this process.
    pub async fn recover(&self) -> Result<Vec<BatchReport>, BatchError> {
        let mut reports = Vec::new();
        for handle in self.live() {
            reports.push(handle.wait().await?);
        }
        Ok(reports)
    }

    /// Takes no further batches and waits until the running ones have ended.
    pub async fn drain(&self) {
        self.inner.stopping.store(true, Ordering::SeqCst);
        let mut running = self.inner.running.subscribe();
        // The sender lives as long as the engine, so waiting cannot fail.
        let _ = running.wait_for(|running| *running == 0).await;
    }

    /// Takes no further batches and asks every running one for no new risk; each runs to its end.
    pub fn stop(&self) {
        self.inner.stopping.store(true, Ordering::SeqCst);
        for handle in self.live() {
            handle.cancel();
        }
    }

    /// Closes the journal; call it after [`drain`](Self::drain).
    ///
    /// # Errors
    /// When the journal cannot be closed cleanly.
    pub async fn close(&self) -> Result<(), JournalError> {
        self.inner.journal.close().await
    }
}

impl Inner {
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    pub(crate) fn live(&self) -> MutexGuard<'_, BTreeMap<BatchKey, Arc<BatchCell>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn live_cell(&self, key: BatchKey) -> Option<Arc<BatchCell>> {
        self.live().get(&key).cloned()
    }

    /// Counts a batch as running and makes it and its neighbours know of each other.
    pub(crate) fn enter(
        &self,
        live: &mut BTreeMap<BatchKey, Arc<BatchCell>>,
        cell: &Arc<BatchCell>,
    ) {
        let own = cell.instruments();
        for other in live.values() {
            let theirs = other.instruments();
            if !own.is_disjoint(&theirs) {
                other.contend(&own);
                cell.contend(&theirs);
            }
        }
        live.insert(cell.key, cell.clone());
        self.running.send_modify(|running| *running += 1);
    }

    pub(crate) fn leave(&self, key: BatchKey) {
        if self.live().remove(&key).is_some() {
            self.running
                .send_modify(|running| *running = running.saturating_sub(1));
        }
    }

    /// Replays a batch of the journal.
    ///
    /// # Errors
    /// When it cannot be read or does not replay.
    pub(crate) async fn stored(&self, key: BatchKey) -> Result<Option<Saga>, JournalError> {
        let Some(records) = self.journal.read(key).await? else {
            return Ok(None);
        };
        let saga = Saga::replay(&records).map_err(|error| {
            JournalError::Damaged(format!("batch {key} does not replay: {error}"))
        })?;
        Ok(Some(saga))
    }
}
