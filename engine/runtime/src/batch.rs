//! One live batch, seen from outside: status, events, stop, result.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use equipoise_core::{
    BatchKey, BatchReport, BatchSpec, BatchStatus, CheckedPlan, Record, Saga, Symbol, VenueName,
};
use equipoise_port::{BatchEvent, Clock};
use tokio::sync::{mpsc, watch};

use crate::error::{BatchError, SubmitError};

/// Events one subscriber may leave unread before it is dropped.
const EVENTS_MAX: usize = 1_024;

/// What is known about a batch on its way.
#[derive(Debug, Clone)]
pub(crate) enum Phase {
    /// Being checked; nothing is durable.
    Admitting,
    /// Durable and under way.
    Running,
    /// Came to its end.
    Ended,
    /// Never admitted.
    Refused(SubmitError),
    /// Cannot go on in this process.
    Failed(BatchError),
}

/// Shared between the driver of a batch and whoever looks at it.
pub(crate) struct BatchCell {
    pub(crate) key: BatchKey,
    pub(crate) plan: Option<CheckedPlan>,
    pub(crate) phase: watch::Sender<Phase>,
    pub(crate) stop: watch::Sender<bool>,
    saga: Mutex<Option<Saga>>,
    contended: Mutex<BTreeSet<(VenueName, Symbol)>>,
    subscribers: Mutex<Vec<mpsc::Sender<BatchEvent>>>,
}

/// No code that holds one of these locks can panic half way through a change, so a poisoned one is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl BatchCell {
    pub(crate) fn new(key: BatchKey, plan: Option<CheckedPlan>, saga: Option<Saga>) -> Arc<Self> {
        let phase = if saga.is_some() {
            Phase::Running
        } else {
            Phase::Admitting
        };
        Arc::new(Self {
            key,
            plan,
            phase: watch::Sender::new(phase),
            stop: watch::Sender::new(false),
            saga: Mutex::new(saga),
            contended: Mutex::new(BTreeSet::new()),
            subscribers: Mutex::new(Vec::new()),
        })
    }

    /// Reads or changes the saga; `None` before admission.
    pub(crate) fn with_saga<T>(&self, look: impl FnOnce(&mut Saga) -> T) -> Option<T> {
        lock(&self.saga).as_mut().map(look)
    }

    pub(crate) fn set_saga(&self, saga: Saga) {
        *lock(&self.saga) = Some(saga);
    }

    /// Venue and symbol of every leg, whether admitted or still being checked.
    pub(crate) fn instruments(&self) -> BTreeSet<(VenueName, Symbol)> {
        let of_spec = |spec: &BatchSpec| {
            let pair =
                |leg: &equipoise_core::LegSpec| (leg.venue.clone(), leg.instrument.symbol.clone());
            spec.legs.iter().map(pair).collect()
        };
        if let Some(instruments) = self.with_saga(|saga| of_spec(saga.spec())) {
            return instruments;
        }
        let legs = self.plan.iter().flat_map(|plan| &plan.legs);
        legs.map(|leg| (leg.venue.clone(), leg.symbol.clone()))
            .collect()
    }

    /// Notes that another batch trades these instruments too.
    pub(crate) fn contend(&self, instruments: &BTreeSet<(VenueName, Symbol)>) {
        let own = self.instruments();
        lock(&self.contended).extend(own.intersection(instruments).cloned());
    }

    pub(crate) fn is_contended(&self, venue: &VenueName, symbol: &Symbol) -> bool {
        lock(&self.contended).contains(&(venue.clone(), symbol.clone()))
    }

    pub(crate) fn publish(&self, event: &BatchEvent) {
        // A reader that fell behind, or is gone, must not hold the batch back.
        lock(&self.subscribers).retain(|reader| reader.try_send(event.clone()).is_ok());
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(
            &*self.phase.borrow(),
            Phase::Ended | Phase::Refused(_) | Phase::Failed(_)
        )
    }
}

/// A batch that was submitted, now or before.
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
        Self {
            key: cell.key,
            duplicate,
            source: Source::Live(cell),
            clock,
        }
    }

    pub(crate) fn stored(saga: Saga, clock: Arc<dyn Clock>) -> Self {
        Self {
            key: saga.key(),
            duplicate: true,
            source: Source::Stored(Arc::new(saga)),
            clock,
        }
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
        match &self.source {
            Source::Live(cell) => cell
                .with_saga(|saga| saga.status())
                .unwrap_or(BatchStatus::Running),
            Source::Stored(saga) => saga.status(),
        }
    }

    /// The account of the batch as it stands; `None` before it is admitted.
    #[must_use]
    pub fn report(&self) -> Option<BatchReport> {
        let now = self.clock.now();
        let report = match &self.source {
            Source::Live(cell) => cell.with_saga(|saga| saga.report(now))?,
            Source::Stored(saga) => saga.report(now),
        };
        Some(BatchReport {
            duplicate: self.duplicate,
            ..report
        })
    }

    /// Every record from here on, as it takes effect. Empty for a batch that ended before.
    #[must_use]
    pub fn events(&self) -> BatchEvents {
        let (sender, receiver) = mpsc::channel(EVENTS_MAX);
        if let Source::Live(cell) = &self.source {
            lock(&cell.subscribers).push(sender);
        }
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
            let mut phase = cell.phase.subscribe();
            let over = phase
                .wait_for(|phase| !matches!(phase, Phase::Admitting | Phase::Running))
                .await
                .map_err(|_| BatchError::Abandoned)?
                .clone();
            match over {
                Phase::Failed(error) => return Err(error),
                Phase::Refused(error) => return Err(BatchError::Submit(Box::new(error))),
                Phase::Ended | Phase::Admitting | Phase::Running => {}
            }
        }
        self.report().ok_or(BatchError::Abandoned)
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

/// An event of one record.
pub(crate) fn event(saga: &Saga, record: &Record) -> BatchEvent {
    BatchEvent {
        batch: saga.key(),
        at: record.at(),
        record: record.clone(),
        status: saga.status(),
    }
}
