//! Drives one batch: makes records durable, applies them, then carries out commands. Never in another order.

use std::sync::Arc;

use equipoise_core::{
    BatchStatus, Command, Event, IllegalRecord, Prepared, Record, Saga, Stage, UnixMillis,
};
use equipoise_port::{BatchEvent, JournalError};
use tokio::sync::{mpsc, watch};
use tracing::Instrument as _;

use crate::activity::{Activities, Outcome};
use crate::appends::Appends;
use crate::batch::{BatchCell, Phase, status_after};
use crate::engine::{Inner, Left};
use crate::error::{BatchError, CheckError, SubmitError};
use crate::recovery::Unsettled;
use crate::telling::{tell, tell_admission};

/// Outcomes of activities that may wait for the driver.
const OUTCOMES_MAX: usize = 1_024;
/// The task of one batch.
pub(crate) struct Driver {
    engine: Arc<Inner>,
    cell: Arc<BatchCell>,
    activities: Activities,
    outcomes: mpsc::Receiver<Outcome>,
    stop: watch::Receiver<bool>,
    appends: Appends,
    wake_at: Option<UnixMillis>,
    /// Resumed, with orders in doubt from before this start.
    unsettled: Option<Unsettled>,
    first: Option<Event>,
}

/// Why a driver stopped before the end.
enum Stopped {
    /// It cannot go on in this process.
    Failed(BatchError),
    /// It was refused before it was durable.
    Refused(SubmitError),
}

impl Driver {
    /// For a batch whose admission is not durable yet: it becomes so together with its first wave.
    pub(crate) fn admitted(engine: Arc<Inner>, cell: Arc<BatchCell>) -> Self {
        let mut driver = Self::new(engine, cell, 0, Event::Wake);
        let admission =
            driver.cell.with_saga(|saga| Record::Admitted(Box::new(saga.spec().clone())));
        driver.appends.keep(admission.as_slice());
        driver
    }

    /// For a batch that a start found unfinished.
    pub(crate) fn resumed(engine: Arc<Inner>, cell: Arc<BatchCell>, unsettled: Unsettled) -> Self {
        let appended = cell.with_saga(|saga| saga.records()).unwrap_or(0);
        let mut driver = Self::new(engine, cell, appended, Event::Resumed);
        driver.unsettled = Some(unsettled);
        driver
    }

    fn new(engine: Arc<Inner>, cell: Arc<BatchCell>, appended: u32, first: Event) -> Self {
        let (sender, outcomes) = mpsc::channel(OUTCOMES_MAX);
        let mut stop = cell.stop.subscribe();
        // A stop asked for while the plan was being checked counts too.
        stop.mark_changed();
        Self {
            activities: Activities::new(engine.clone(), cell.clone(), sender),
            appends: Appends::new(engine.journal.clone(), engine.epoch, cell.key, appended),
            engine,
            cell,
            outcomes,
            stop,
            wake_at: None,
            unsettled: None,
            first: Some(first),
        }
    }

    /// Runs it on the current runtime until the batch is over.
    pub(crate) fn spawn(self) {
        let left = Left::new(self.engine.clone(), self.cell.clone());
        let span = tracing::info_span!("batch", key = %self.cell.key);
        let task = async move { left.over(self.run().await) };
        tokio::spawn(task.instrument(span));
    }

    /// Runs it until the batch is over.
    pub(crate) async fn run(mut self) -> Phase {
        match self.drive().await {
            Ok(()) => Phase::Ended,
            Err(Stopped::Failed(error)) => {
                tracing::error!(%error, "batch cannot go on in this process");
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
                let flushed = self.appends.flush_all().await;
                flushed.map_err(|error| self.journal_failed(error))?;
                return self.end_cancels().await;
            }
            next = self.wait().await?;
        }
    }

    fn is_over(&self) -> bool {
        self.cell.with_saga(|saga| saga.status() != BatchStatus::Running).unwrap_or(true)
    }

    fn status(&self) -> BatchStatus {
        self.cell.with_saga(|saga| saga.status()).unwrap_or(BatchStatus::Running)
    }

    /// Lets a state that is durable take effect; where the batch stood before.
    fn replace(&self, saga: Saga) -> BatchStatus {
        let before = self.status();
        self.cell.set_saga(saga);
        before
    }

    /// Waits for the next thing that concerns this batch.
    async fn wait(&mut self) -> Result<Option<Event>, Stopped> {
        let clock = self.engine.clock.clone();
        let wake_at = [self.wake_at, self.appends.due_at(), self.activities.next_due()];
        let wake_at = wake_at.into_iter().flatten().min();
        let sleep = async {
            match wake_at {
                Some(at) => clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(appended) = self.appends.answered() => {
                appended.map_err(|error| self.journal_failed(error))?;
                Ok(None)
            }
            Ok(()) = self.stop.changed() => self.stop_wanted(),
            Some(outcome) = self.outcomes.recv() => self.take(outcome).map(Some),
            () = sleep => {
                let now = clock.now();
                self.appends.flush_if_due(now);
                self.activities.end_pauses(now);
                Ok(Some(Event::Wake))
            }
        }
    }

    /// Someone may want no new risk. Before admission that means: not at all.
    fn stop_wanted(&mut self) -> Result<Option<Event>, Stopped> {
        let wanted = *self.stop.borrow_and_update();
        if wanted && self.appends.are_none() {
            return Err(Stopped::Refused(SubmitError::Stopping));
        }
        Ok(wanted.then_some(Event::Stop))
    }

    /// What an activity brought. A failed preparation before admission refuses the batch: nothing was sent (D4).
    fn take(&mut self, outcome: Outcome) -> Result<Event, Stopped> {
        if let Outcome::Unprepared { venue, error, .. } = &outcome
            && self.appends.are_none()
        {
            let error = CheckError::from_query(venue, None, error);
            return Err(Stopped::Refused(error.into()));
        }
        let outcome = match outcome {
            Outcome::Prepared(key, prepared) => Outcome::Prepared(key, self.seen_now(prepared)),
            other => other,
        };
        Ok(self.activities.finish(outcome, self.engine.clock.now()))
    }

    /// Another batch may have begun while the position was on its way here: then it says nothing of this one alone.
    fn seen_now(&self, mut prepared: Vec<Prepared>) -> Vec<Prepared> {
        for ready in &mut prepared {
            let contended = self.cell.with_saga(|saga| {
                let leg = saga.spec().leg(ready.tag.leg)?;
                Some(self.cell.is_contended(&leg.venue, &leg.instrument.symbol))
            });
            ready.others_hold |= contended.flatten().unwrap_or(true);
        }
        prepared
    }

    /// The next event that is there already.
    fn at_hand(&mut self) -> Result<Option<Event>, Stopped> {
        if let Some(event) = self.activities.at_hand() {
            return Ok(Some(event));
        }
        if self.stop.has_changed().unwrap_or(false)
            && let Some(event) = self.stop_wanted()?
        {
            return Ok(Some(event));
        }
        let outcome = self.activities.ready().or_else(|| self.outcomes.try_recv().ok());
        outcome.map(|outcome| self.take(outcome)).transpose()
    }

    /// Steps the saga until it has nothing more to record. Everything that is there already is taken in before the
    /// saga decides, so that a wave stays together when its orders fail together.
    async fn react(&mut self, event: Event) -> Result<(), Stopped> {
        let mut next = Some(event);
        let mut undecided = false;
        while let Some(event) = next.take() {
            let recorded = self.step(&event).await?;
            if self.is_over() {
                break;
            }
            let due = self.wake_at.is_some_and(|at| at <= self.engine.clock.now());
            undecided = match event {
                Event::Wake => recorded,
                _ => undecided || recorded || due,
            };
            next = self.at_hand()?;
            if next.is_none() && undecided {
                next = Some(Event::Wake);
            }
        }
        self.note_settled();
        self.appends.flush_soon(self.engine.clock.now());
        Ok(())
    }

    /// One step: records durable where something waits for them, then applied, then commands. True if it recorded.
    async fn step(&mut self, event: &Event) -> Result<bool, Stopped> {
        let now = self.engine.clock.now();
        let step = self.cell.with_saga(|saga| saga.step(now, event));
        let Some(step) = step else { return Ok(false) };
        if step.records.iter().any(Record::gates) {
            self.refuse_unsent_end(&step.records)?;
            self.commit(&step.records).await?;
        } else {
            self.apply(&step.records)?;
        }
        self.carry_out(step.commands);
        self.wake_at = step.wake_at;
        Ok(!step.records.is_empty())
    }

    /// A batch that would end before it was ever durable did nothing: it keeps its key for another try (D4).
    fn refuse_unsent_end(&self, records: &[Record]) -> Result<(), Stopped> {
        let ends = |record: &Record| matches!(record, Record::Ended { .. });
        if !self.appends.are_none() || !records.iter().any(ends) {
            return Ok(());
        }
        let venue =
            self.cell.with_saga(|saga| saga.spec().legs.first().map(|leg| leg.venue.clone()));
        let error = "not ready to send within the leg timeout".to_owned();
        Err(venue.flatten().map_or(Stopped::Failed(BatchError::Abandoned), |venue| {
            Stopped::Refused(CheckError::unready(&venue, error).into())
        }))
    }

    /// Makes everything unsaved and these records durable, and only then lets them take effect.
    ///
    /// They are tried on a copy first: a record that does not fit must not reach the journal.
    async fn commit(&mut self, records: &[Record]) -> Result<(), Stopped> {
        let tried = self.cell.with_saga(|saga| tried(saga.clone(), records));
        let Some(tried) = tried else { return Ok(()) };
        let saga = tried.map_err(BatchError::from)?;
        let first = self.appends.are_none();
        if first {
            // Before anything of it can reach a venue, everyone concerned distrusts the position (K5).
            self.engine.live().trade(&self.cell);
        }
        let appended = self.appends.commit(records).await;
        appended.map_err(|error| {
            let stopped = self.journal_failed(error);
            match stopped {
                Stopped::Failed(BatchError::Journal(error)) if first => {
                    Stopped::Refused(error.into())
                }
                other => other,
            }
        })?;
        let before = self.replace(saga);
        if first {
            self.announce_admission();
        }
        self.announce(records, before);
        Ok(())
    }

    /// Lets facts take effect; they become durable soon, or with the next record that has to be.
    fn apply(&mut self, records: &[Record]) -> Result<(), Stopped> {
        let before = self.status();
        let Some(applied) = self.cell.with_saga(|saga| apply(saga, records)) else {
            return Ok(());
        };
        applied.map_err(BatchError::from)?;
        self.appends.keep(records);
        self.announce(records, before);
        Ok(())
    }

    /// Any refused or failed append ends this batch here, and the engine with it (R3, P4).
    fn journal_failed(&self, error: JournalError) -> Stopped {
        self.engine.fail(&error);
        Stopped::Failed(error.into())
    }

    /// What a parked batch leaves open is cancelled before anyone hears of its end; whatever the venue answers.
    async fn end_cancels(&mut self) -> Result<(), Stopped> {
        while self.status() == BatchStatus::Parked && self.activities.is_cancelling() {
            let outcome = match self.activities.ready() {
                Some(outcome) => outcome,
                None => match self.outcomes.recv().await {
                    Some(outcome) => outcome,
                    None => break,
                },
            };
            self.take(outcome)?;
        }
        Ok(())
    }

    fn carry_out(&mut self, commands: Vec<Command>) {
        let now = self.engine.clock.now();
        for command in commands {
            self.activities.start(command, now);
        }
    }

    fn announce_admission(&self) {
        self.cell.with_saga(|saga| tell_admission(saga.spec()));
        if self.is_observed() {
            let spec = self.cell.with_saga(|saga| saga.spec().clone());
            if let Some(spec) = spec {
                self.show(Record::Admitted(Box::new(spec)), BatchStatus::Running);
            }
        }
        self.cell.phase.send_replace(Phase::Running);
    }

    fn announce(&mut self, records: &[Record], before: BatchStatus) {
        let mut status = before;
        for record in records {
            self.activities.note(record);
            self.cell.with_saga(|saga| tell(saga.spec(), record));
            status = status_after(status, record);
            if self.is_observed() {
                self.show(record.clone(), status);
            }
        }
    }

    /// Whether an event would be seen by anyone: mostly nobody looks, and making one costs more than a step.
    fn is_observed(&self) -> bool {
        !self.engine.observers.is_empty() || self.cell.is_read()
    }

    fn show(&self, record: Record, status: BatchStatus) {
        let event = &BatchEvent { batch: self.cell.key, at: record.at(), record, status };
        self.cell.publish(event);
        self.engine.show(event);
    }

    /// A resumed batch is settled once nothing of it is in doubt any more.
    fn note_settled(&mut self) {
        if self.unsettled.is_none() {
            return;
        }
        let doubtful = self.cell.with_saga(|saga| {
            let mut open = saga.open_orders();
            open.any(|(_, order)| matches!(order.stage, Stage::InDoubt | Stage::Intended))
        });
        if doubtful != Some(true) {
            self.unsettled = None;
        }
    }
}

fn apply(saga: &mut Saga, records: &[Record]) -> Result<(), IllegalRecord> {
    records.iter().try_for_each(|record| saga.apply(record))
}

fn tried(mut saga: Saga, records: &[Record]) -> Result<Saga, IllegalRecord> {
    apply(&mut saga, records)?;
    Ok(saga)
}

impl From<BatchError> for Stopped {
    fn from(error: BatchError) -> Self {
        Self::Failed(error)
    }
}
