//! The engine: what a host application holds.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use equipoise_core::{BatchKey, BatchStatus, Plan, Record, Saga, UnixMillis, VenueName};
use equipoise_port::{BatchEvent, Clock, Epoch, Journal, JournalError, Observer};
use tokio::sync::watch;

use crate::accounts::build;
use crate::batch::{BatchCell, Phase};
use crate::clock::{SystemClock, not_before};
use crate::error::{BatchError, CheckError, StartError, SubmitError};
use crate::handle::BatchHandle;
use crate::live::Live;
use crate::preflight::PlanCheck;
use crate::recovery::Unfinished;
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
        Self { doubt_grace_ms: 120_000, jitter_seed: 0 }
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
    /// Whether venues that lead elsewhere lead to the same accounts all the same.
    pub(crate) same_accounts: bool,
    /// When this engine started: what an earlier one read of venues' clocks is older.
    pub(crate) started_at: UnixMillis,
    live: Mutex<Live>,
    /// Batches that were unfinished when the engine started, in order of admission.
    pub(crate) resumed: OnceLock<Vec<Arc<BatchCell>>>,
    /// How many resumed batches still have orders in doubt from before this start (R11).
    pub(crate) unsettled: watch::Sender<usize>,
    /// How many batches are not over.
    running: watch::Sender<usize>,
    /// Whether no further batch is taken. Set while `live` is locked, so that no admission slips past it.
    pub(crate) stopping: watch::Sender<bool>,
    /// Held while parked batches are asked about.
    pub(crate) reviewing: tokio::sync::Mutex<()>,
    /// Why the journal takes nothing more from this engine.
    failure: OnceLock<JournalError>,
}

/// Where a batch was found.
pub(crate) enum Known {
    Live(Arc<BatchCell>),
    Stored(Saga),
}

/// Puts an engine together.
#[must_use = "an engine runs once it is started"]
pub struct EngineBuilder {
    journal: Arc<dyn Journal>,
    venues: BTreeMap<VenueName, VenueSetup>,
    clock: Option<Arc<dyn Clock>>,
    observers: Vec<Arc<dyn Observer>>,
    settings: Settings,
    same_accounts: bool,
}

impl EngineBuilder {
    /// Adds a venue under the name plans use for it.
    pub fn venue(mut self, name: VenueName, setup: VenueSetup) -> Self {
        self.venues.insert(name, setup);
        self
    }

    /// Uses this clock instead of the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Adds an observer of every batch.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observers.push(observer);
        self
    }

    /// Uses these settings.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Says that venues whose addresses or keys changed lead to the same accounts as before. Without it unfinished
    /// batches are not resumed at a venue that leads elsewhere.
    pub fn same_accounts(mut self, same: bool) -> Self {
        self.same_accounts = same;
        self
    }

    /// Takes the journal over, replays every unfinished batch and lets each go on by itself, as tasks of the runtime
    /// this is called on.
    ///
    /// Not cancel safe: dropped half way, the journal may have a new owner that does nothing. Start again.
    ///
    /// # Errors
    /// When the journal cannot be used, or an unfinished batch needs a venue that was not added, leads to
    /// another account than before, or refuses the key.
    pub async fn start(self) -> Result<Engine, StartError> {
        let venues = entries(self.venues);
        let epoch = self.journal.begin_epoch(&build(&venues)).await?;
        let unfinished = Unfinished::read(&*self.journal).await?;
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock::start()));
        let clock = not_before(clock, unfinished.newest);
        let engine = Engine {
            inner: Arc::new(Inner {
                journal: self.journal,
                epoch,
                venues,
                started_at: clock.now(),
                clock,
                observers: self.observers,
                settings: self.settings,
                same_accounts: self.same_accounts,
                live: Mutex::default(),
                resumed: OnceLock::new(),
                unsettled: watch::Sender::new(0),
                running: watch::Sender::new(0),
                stopping: watch::Sender::new(false),
                reviewing: tokio::sync::Mutex::default(),
                failure: OnceLock::new(),
            }),
        };
        engine.resume(unfinished.cells).await?;
        Ok(engine)
    }
}

impl Engine {
    /// Starts from a journal.
    pub fn builder(journal: Arc<dyn Journal>) -> EngineBuilder {
        EngineBuilder {
            journal,
            venues: BTreeMap::new(),
            clock: None,
            observers: Vec::new(),
            settings: Settings::default(),
            same_accounts: false,
        }
    }

    /// Submits a plan. Returns once it is durable, or at once with the earlier batch if it had been submitted before.
    ///
    /// Cancel safe in this sense: if the future is dropped, the submission goes on or is refused by itself, and
    /// submitting the same plan again leads to the same batch.
    ///
    /// # Errors
    /// When it is refused; nothing was sent.
    pub async fn submit(&self, plan: &Plan) -> Result<BatchHandle, SubmitError> {
        let checked = plan.check().map_err(CheckError::from)?;
        self.admit(Arc::new(checked)).await
    }

    /// Checks and prices a plan against its venues without admitting it. Cancel safe.
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
        let known = self.inner.known(key).await?;
        Ok(known.map(|known| match known {
            Known::Live(cell) => self.handle(cell, false),
            Known::Stored(saga) => BatchHandle::stored(saga, self.inner.clock.clone()),
        }))
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
        let running = live.cells().filter(|cell| !cell.is_over());
        running.map(|cell| self.handle(cell.clone(), false)).collect()
    }

    pub(crate) fn handle(&self, cell: Arc<BatchCell>, duplicate: bool) -> BatchHandle {
        BatchHandle::live(cell, duplicate, self.inner.clock.clone())
    }

    /// Takes no further batches and waits until the running ones have ended. Cancel safe, but no batch is taken
    /// afterwards either.
    pub async fn drain(&self) {
        self.inner.stop_admissions();
        let mut running = self.inner.running.subscribe();
        // The sender lives as long as the engine, so waiting cannot fail.
        let _ = running.wait_for(|running| *running == 0).await;
    }

    /// Takes no further batches and asks every running one for no new risk; each runs to its end. One that is still
    /// being admitted is refused instead, and its key stays free.
    pub fn stop(&self) {
        for cell in self.inner.stop_admissions() {
            cell.stop.send_replace(true);
        }
    }

    /// Closes the journal; call it after [`drain`](Self::drain). Nothing can be submitted or recorded afterwards.
    ///
    /// # Errors
    /// When the journal cannot be closed cleanly.
    pub async fn close(&self) -> Result<(), JournalError> {
        self.inner.stop_admissions();
        self.inner.journal.close().await
    }
}

impl Inner {
    /// Whether a further batch may be admitted.
    ///
    /// # Errors
    /// The journal's failure, or `Stopping`.
    pub(crate) fn takes_batches(&self) -> Result<(), SubmitError> {
        if let Some(error) = self.failure() {
            return Err(SubmitError::Journal(error.clone()));
        }
        if *self.stopping.borrow() {
            return Err(SubmitError::Stopping);
        }
        Ok(())
    }

    /// Takes no further batch from here on; returns those there are.
    fn stop_admissions(&self) -> Vec<Arc<BatchCell>> {
        let live = self.live();
        self.stopping.send_replace(true);
        live.cells().cloned().collect()
    }

    /// A refused or failed append: this owner sends nothing further (R3).
    pub(crate) fn fail(&self, error: &JournalError) {
        if self.failure.set(error.clone()).is_ok() {
            tracing::error!(%error, "the journal takes nothing more from this engine: end the process and start again");
        }
    }

    /// Why the journal takes nothing more from this engine, if it does not.
    pub(crate) fn failure(&self) -> Option<&JournalError> {
        self.failure.get()
    }

    /// Shows an event to every observer.
    pub(crate) fn show(&self, event: &BatchEvent) {
        for observer in &self.observers {
            // An observer that fails must not take the batch with it.
            let shown = catch_unwind(AssertUnwindSafe(|| observer.on_event(event)));
            if shown.is_err() {
                tracing::error!("an observer panicked");
            }
        }
    }

    pub(crate) fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A batch by its key. One that is admitted while the journal is read, or ends then, is seen all the same.
    ///
    /// # Errors
    /// When it cannot be read or does not replay.
    pub(crate) async fn known(&self, key: BatchKey) -> Result<Option<Known>, JournalError> {
        let mut stored = None;
        for _ in 0..2 {
            if let Some(cell) = self.live_cell(key) {
                return Ok(Some(Known::Live(cell)));
            }
            stored = self.stored(key).await?;
            let ended = |saga: &Saga| saga.status() != BatchStatus::Running;
            if stored.as_ref().is_none_or(ended) {
                break;
            }
        }
        Ok(stored.map(Known::Stored))
    }

    fn live_cell(&self, key: BatchKey) -> Option<Arc<BatchCell>> {
        self.live().get(key).cloned()
    }

    /// Counts a batch as running and lets it know of those that trade the same.
    pub(crate) fn enter(&self, live: &mut Live, cell: &Arc<BatchCell>) {
        live.enter(cell);
        self.running.send_modify(|running| *running += 1);
    }

    /// Ends a batch for everyone who looks at it.
    ///
    /// It leaves its place first, so that who learns of its end may submit again at once. One that cannot go on here
    /// keeps its place: what it holds is not known, and the next start resumes it.
    pub(crate) fn leave(&self, cell: &BatchCell, phase: Phase) {
        match &phase {
            Phase::Failed(error) => {
                if !matches!(error, BatchError::Journal(_)) {
                    // A defect: nothing new is risked in this process.
                    self.stop_admissions();
                }
            }
            _ => self.live().leave(cell),
        }
        cell.end(phase);
        self.running.send_modify(|running| *running = running.saturating_sub(1));
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

/// Tells everyone who waits that the batch is over, also when its task panicked or its runtime ended.
pub(crate) struct Left {
    engine: Arc<Inner>,
    cell: Arc<BatchCell>,
    phase: Option<Phase>,
}

impl Left {
    pub(crate) const fn new(engine: Arc<Inner>, cell: Arc<BatchCell>) -> Self {
        Self { engine, cell, phase: None }
    }

    pub(crate) fn over(mut self, phase: Phase) {
        self.phase = Some(phase);
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        let phase = self.phase.take();
        let phase = phase.unwrap_or(Phase::Failed(BatchError::Abandoned));
        self.engine.leave(&self.cell, phase);
    }
}
