//! One live batch, seen from outside: status, events, stop, result.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use equipoise_core::{
    BatchKey, BatchSpec, BatchStatus, CheckedPlan, Ending, LegSpec, PayloadDigest, Record, Saga,
    Symbol, VenueName,
};
use equipoise_port::BatchEvent;
use tokio::sync::{mpsc, watch};

use crate::error::{BatchError, SubmitError};
use crate::live::Traded;

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
    /// Never admitted; its key is free.
    Refused(SubmitError),
    /// The journal holds it already; it was admitted and ended while this submission waited.
    Stored,
    /// Admitted, and cannot go on in this process.
    Failed(BatchError),
}

/// What became of a submission.
#[derive(Debug, Clone)]
pub(crate) enum Admission {
    /// It is durable.
    Admitted,
    /// It is not, and nothing was sent.
    Refused(SubmitError),
    /// The journal holds the batch already.
    Stored,
}

/// Shared between the driver of a batch and whoever looks at it.
pub(crate) struct BatchCell {
    pub(crate) key: BatchKey,
    /// What was submitted; `None` for a batch of an earlier start.
    pub(crate) plan: Option<Arc<CheckedPlan>>,
    /// Venue and symbol of every leg.
    pub(crate) traded: BTreeSet<Traded>,
    pub(crate) phase: watch::Sender<Phase>,
    pub(crate) stop: watch::Sender<bool>,
    saga: Mutex<Option<Saga>>,
    contended: Mutex<BTreeSet<Traded>>,
    /// `None` once the batch is over.
    subscribers: Mutex<Option<Vec<mpsc::Sender<BatchEvent>>>>,
}

/// Venue and symbol of every leg of an admitted batch.
pub(crate) fn instruments(spec: &BatchSpec) -> BTreeSet<Traded> {
    let pair = |leg: &LegSpec| (leg.venue.clone(), leg.instrument.symbol.clone());
    spec.legs.iter().map(pair).collect()
}

/// No code that holds one of these locks can panic half way through a change, so a poisoned one is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl BatchCell {
    /// A batch to be admitted.
    pub(crate) fn admitting(plan: Arc<CheckedPlan>) -> Arc<Self> {
        let legs = plan.legs.iter();
        let traded = legs.map(|leg| (leg.venue.clone(), leg.symbol.clone())).collect();
        Self::new(plan.key, Some(plan), None, traded, Phase::Admitting)
    }

    /// A batch of an earlier start.
    pub(crate) fn resumed(saga: Saga) -> Arc<Self> {
        let traded = instruments(saga.spec());
        Self::new(saga.key(), None, Some(saga), traded, Phase::Running)
    }

    fn new(
        key: BatchKey,
        plan: Option<Arc<CheckedPlan>>,
        saga: Option<Saga>,
        traded: BTreeSet<Traded>,
        phase: Phase,
    ) -> Arc<Self> {
        Arc::new(Self {
            key,
            plan,
            traded,
            phase: watch::Sender::new(phase),
            stop: watch::Sender::new(false),
            saga: Mutex::new(saga),
            contended: Mutex::new(BTreeSet::new()),
            subscribers: Mutex::new(Some(Vec::new())),
        })
    }

    /// Reads or changes the saga; `None` before admission.
    pub(crate) fn with_saga<T>(&self, look: impl FnOnce(&mut Saga) -> T) -> Option<T> {
        lock(&self.saga).as_mut().map(look)
    }

    pub(crate) fn set_saga(&self, saga: Saga) {
        *lock(&self.saga) = Some(saga);
    }

    /// Digest of everything the key leaves out.
    pub(crate) fn digest(&self) -> Option<PayloadDigest> {
        let submitted = self.plan.as_ref().map(|plan| plan.digest);
        submitted.or_else(|| self.with_saga(|saga| saga.spec().digest))
    }

    /// Notes that another batch trades these instruments too.
    pub(crate) fn contend(&self, instruments: &BTreeSet<Traded>) {
        lock(&self.contended).extend(self.traded.intersection(instruments).cloned());
    }

    pub(crate) fn is_contended(&self, venue: &VenueName, symbol: &Symbol) -> bool {
        lock(&self.contended).contains(&(venue.clone(), symbol.clone()))
    }

    /// Whether others trade everything it trades.
    pub(crate) fn is_wholly_contended(&self) -> bool {
        lock(&self.contended).len() == self.traded.len()
    }

    /// Everything that takes effect from here on; nothing once the batch is over.
    pub(crate) fn subscribe(&self) -> mpsc::Receiver<BatchEvent> {
        let (sender, receiver) = mpsc::channel(EVENTS_MAX);
        if let Some(subscribers) = lock(&self.subscribers).as_mut() {
            subscribers.push(sender);
        }
        receiver
    }

    /// Whether anyone reads its events.
    pub(crate) fn is_read(&self) -> bool {
        lock(&self.subscribers).as_ref().is_some_and(|readers| !readers.is_empty())
    }

    pub(crate) fn publish(&self, event: &BatchEvent) {
        if let Some(subscribers) = lock(&self.subscribers).as_mut() {
            // A reader that fell behind, or is gone, must not hold the batch back.
            subscribers.retain(|reader| reader.try_send(event.clone()).is_ok());
        }
    }

    /// Tells everyone who waits, and ends every stream of events.
    pub(crate) fn end(&self, phase: Phase) {
        *lock(&self.subscribers) = None;
        self.phase.send_replace(phase);
    }

    pub(crate) fn is_over(&self) -> bool {
        !matches!(&*self.phase.borrow(), Phase::Admitting | Phase::Running)
    }

    /// True once it is durable, whatever became of it.
    pub(crate) fn is_admitted(&self) -> bool {
        matches!(&*self.phase.borrow(), Phase::Running | Phase::Ended | Phase::Failed(_))
    }

    /// Waits until the batch is durable, or never will be. Cancel safe.
    pub(crate) async fn admission(&self) -> Admission {
        let mut phase = self.phase.subscribe();
        let known = phase.wait_for(|phase| !matches!(phase, Phase::Admitting)).await;
        match known.as_deref() {
            Ok(Phase::Refused(error)) => Admission::Refused(error.clone()),
            Ok(Phase::Stored) => Admission::Stored,
            // The sender is this cell's own, so waiting cannot fail.
            Ok(_) | Err(_) => Admission::Admitted,
        }
    }

    /// Waits until the batch is over. Cancel safe.
    pub(crate) async fn over(&self) -> Phase {
        let mut phase = self.phase.subscribe();
        let over =
            phase.wait_for(|phase| !matches!(phase, Phase::Admitting | Phase::Running)).await;
        over.map_or(Phase::Failed(BatchError::Abandoned), |over| over.clone())
    }
}

/// Where a batch stands after one record.
pub(crate) const fn status_after(before: BatchStatus, record: &Record) -> BatchStatus {
    match record {
        Record::Ended { ending: Ending::Done, .. } => BatchStatus::Done,
        Record::Ended { ending: Ending::Flat, .. } => BatchStatus::Flat,
        Record::Ended { ending: Ending::Parked, .. } => BatchStatus::Parked,
        _ => before,
    }
}
