//! Drives one batch: makes records durable, applies them, then carries out commands. Never in another order.

use std::sync::Arc;

use equipoise_core::{BatchStatus, Command, Event, IllegalRecord, Record, Stage, UnixMillis};
use equipoise_port::{Append, JournalError};
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::{mpsc, watch};

use crate::activity::{Activities, Outcome};
use crate::batch::{BatchCell, Phase, event};
use crate::engine::Inner;
use crate::error::{BatchError, CheckError, SubmitError};

/// Outcomes of activities that may wait for the driver.
const OUTCOMES_MAX: usize = 1_024;
/// How long facts may wait for company before they are appended on their own, milliseconds.
/// A later start asks the venues for them anyway, so nothing depends on their being durable at once.
const FACTS_WAIT_MS: u64 = 5;

/// The task of one batch.
pub(crate) struct Driver {
    engine: Arc<Inner>,
    cell: Arc<BatchCell>,
    activities: Activities,
    outcomes: mpsc::Receiver<Outcome>,
    stop: watch::Receiver<bool>,
    /// Records that took effect and were not yet handed to the journal.
    unsaved: Vec<Record>,
    /// Records handed to the journal so far.
    appended: u32,
    appending: FuturesUnordered<BoxFuture<'static, Result<(), JournalError>>>,
    wake_at: Option<UnixMillis>,
    flush_at: Option<UnixMillis>,
    /// Resumed, with orders in doubt from before this start.
    unsettled: bool,
    first: Option<Event>,
}

impl Driver {
    /// For a batch whose admission is not durable yet: it becomes so together with its first wave.
    pub(crate) fn admitted(engine: Arc<Inner>, cell: Arc<BatchCell>) -> Self {
        let mut driver = Self::new(engine, cell, 0, Event::Wake);
        let admission = driver
            .cell
            .with_saga(|saga| Record::Admitted(Box::new(saga.spec().clone())));
        driver.unsaved.extend(admission);
        driver
    }

    /// For a batch that a start found unfinished.
    pub(crate) fn resumed(engine: Arc<Inner>, cell: Arc<BatchCell>) -> Self {
        let appended = cell.with_saga(|saga| saga.records()).unwrap_or(0);
        let mut driver = Self::new(engine, cell, appended, Event::Resumed);
        driver.unsettled = true;
        driver
    }

    fn new(engine: Arc<Inner>, cell: Arc<BatchCell>, appended: u32, first: Event) -> Self {
        let (sender, outcomes) = mpsc::channel(OUTCOMES_MAX);
        let stop = cell.stop.subscribe();
        Self {
            activities: Activities::new(engine.clone(), cell.clone(), sender),
            engine,
            cell,
            outcomes,
            stop,
            unsaved: Vec::new(),
            appended,
            appending: FuturesUnordered::new(),
            wake_at: None,
            flush_at: None,
            unsettled: false,
            first: Some(first),
        }
    }

    /// Runs it on the current runtime until the batch is over.
    pub(crate) fn spawn(self) {
        let (engine, cell) = (self.engine.clone(), self.cell.clone());
        tokio::spawn(async move {
            let left = Left { engine, cell };
            left.over(self.run().await);
        });
    }

    async fn run(mut self) -> Phase {
        let end = self.drive().await;
        if self.unsettled {
            self.settle();
        }
        match end {
            Ok(()) => Phase::Ended,
            Err(Stopped::Failed(error)) => {
                tracing::error!(batch = %self.cell.key, %error, "batch cannot go on in this process");
                Phase::Failed(error)
            }
            Err(Stopped::Refused(error)) => Phase::Refused(error),
        }
    }

    async fn drive(&mut self) -> Result<(), Stopped> {
        let mut next = self.first.take();
        loop {
            if let Some(event) = next.take() {
                self.react(event).await?;
            }
            if self.is_over() {
                return self.flush_all().await;
            }
            next = self.wait().await?;
        }
    }

    fn is_over(&self) -> bool {
        self.cell
            .with_saga(|saga| saga.status() != BatchStatus::Running)
            .unwrap_or(true)
    }

    /// Waits for the next thing that concerns this batch.
    async fn wait(&mut self) -> Result<Option<Event>, Stopped> {
        let clock = self.engine.clock.clone();
        let wake_at = [self.wake_at, self.flush_at, self.activities.next_due()];
        let wake_at = wake_at.into_iter().flatten().min();
        let sleep = async {
            match wake_at {
                Some(at) => clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(appended) = self.appending.next() => {
                appended.map_err(BatchError::from)?;
                Ok(None)
            }
            Some(outcome) = self.outcomes.recv() => self.take(outcome),
            Ok(()) = self.stop.changed() => {
                Ok(self.stop.borrow_and_update().then_some(Event::Stop))
            }
            () = sleep => {
                let now = clock.now();
                if self.flush_at.is_some_and(|at| at <= now) {
                    self.flush_in_background();
                }
                self.activities.end_pauses(now);
                Ok(Some(Event::Wake))
            }
        }
    }

    /// What an activity brought. A failed preparation before admission refuses the batch: nothing was sent (D4).
    fn take(&mut self, outcome: Outcome) -> Result<Option<Event>, Stopped> {
        let now = self.engine.clock.now();
        if let Outcome::Unprepared { venue, error, .. } = &outcome
            && self.appended == 0
        {
            let error = CheckError::from_query(venue, None, error);
            return Err(Stopped::Refused(SubmitError::Check(error)));
        }
        Ok(self.activities.finish(outcome, now))
    }

    /// Steps the saga until it has nothing more to record, and carries out what it asks for.
    async fn react(&mut self, event: Event) -> Result<(), Stopped> {
        let mut event = event;
        loop {
            let now = self.engine.clock.now();
            let step = self.cell.with_saga(|saga| saga.step(now, &event));
            let Some(step) = step else { return Ok(()) };
            let recorded = !step.records.is_empty();
            let gated = step.records.iter().any(Record::gates);
            if gated {
                self.make_durable(&step.records).await?;
            }
            self.apply(&step.records, gated)?;
            self.carry_out(step.commands);
            self.wake_at = step.wake_at;
            if !recorded || self.is_over() {
                break;
            }
            event = Event::Wake;
        }
        self.note_settled();
        if !self.unsaved.is_empty() && self.flush_at.is_none() {
            self.flush_at = Some(self.engine.clock.now().plus_ms(FACTS_WAIT_MS));
        }
        Ok(())
    }

    /// Appends everything unsaved and these records, and returns when all of it is durable.
    async fn make_durable(&mut self, records: &[Record]) -> Result<(), Stopped> {
        let first = self.appended == 0;
        let mut batch = std::mem::take(&mut self.unsaved);
        batch.extend_from_slice(records);
        self.flush_at = None;
        let append = self.append(batch);
        let journal = self.engine.journal.clone();
        journal.append(append).await.map_err(BatchError::from)?;
        if first {
            self.cell.phase.send_replace(Phase::Running);
        }
        Ok(())
    }

    fn append(&mut self, records: Vec<Record>) -> Append {
        let expected = self.appended;
        self.appended += u32::try_from(records.len()).unwrap_or(u32::MAX);
        Append {
            batch: self.cell.key,
            expected,
            epoch: self.engine.epoch,
            records,
        }
    }

    /// Hands unsaved facts to the journal without waiting; their order is kept by polling once right away.
    fn flush_in_background(&mut self) {
        self.flush_at = None;
        // Facts of a batch that is not admitted have nowhere to go yet.
        if self.unsaved.is_empty() || self.appended == 0 {
            return;
        }
        let records = std::mem::take(&mut self.unsaved);
        let append = self.append(records);
        let journal = self.engine.journal.clone();
        let mut appending = async move { journal.append(append).await }.boxed();
        match (&mut appending).now_or_never() {
            Some(done) => self.appending.push(std::future::ready(done).boxed()),
            None => self.appending.push(appending),
        }
    }

    async fn flush_all(&mut self) -> Result<(), Stopped> {
        self.flush_in_background();
        while let Some(appended) = self.appending.next().await {
            appended.map_err(BatchError::from)?;
        }
        Ok(())
    }

    fn apply(&mut self, records: &[Record], saved: bool) -> Result<(), Stopped> {
        for record in records {
            let event = self.cell.with_saga(|saga| {
                saga.apply(record)?;
                Ok::<_, IllegalRecord>(event(saga, record))
            });
            let Some(event) = event else { continue };
            let event = event.map_err(BatchError::from)?;
            self.activities.note(record);
            self.cell.publish(&event);
            for observer in &self.engine.observers {
                observer.on_event(&event);
            }
        }
        if !saved {
            self.unsaved.extend_from_slice(records);
        }
        Ok(())
    }

    fn carry_out(&mut self, commands: Vec<Command>) {
        let now = self.engine.clock.now();
        for command in commands {
            self.activities.start(command, now);
        }
    }

    /// A resumed batch is settled once nothing of it is in doubt any more.
    fn note_settled(&mut self) {
        if !self.unsettled {
            return;
        }
        let doubtful = self.cell.with_saga(|saga| {
            let mut open = saga.open_orders();
            open.any(|(_, order)| matches!(order.stage, Stage::InDoubt | Stage::Intended))
        });
        if doubtful != Some(true) {
            self.settle();
        }
    }

    fn settle(&mut self) {
        self.unsettled = false;
        self.engine
            .unsettled
            .send_modify(|unsettled| *unsettled = unsettled.saturating_sub(1));
    }
}

/// Why a driver stopped before the end.
enum Stopped {
    /// It cannot go on in this process.
    Failed(BatchError),
    /// It was refused before it was durable.
    Refused(SubmitError),
}

impl From<BatchError> for Stopped {
    fn from(error: BatchError) -> Self {
        Self::Failed(error)
    }
}

/// Tells everyone who waits that the batch is over, also when its task panicked.
struct Left {
    engine: Arc<Inner>,
    cell: Arc<BatchCell>,
}

impl Left {
    fn over(self, phase: Phase) {
        self.cell.phase.send_replace(phase);
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        if !self.cell.is_over() {
            self.cell
                .phase
                .send_replace(Phase::Failed(BatchError::Abandoned));
        }
        self.engine.leave(self.cell.key);
    }
}
