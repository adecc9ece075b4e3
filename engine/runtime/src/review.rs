//! Parked batches are asked about again: what became of their orders corrects the report, and nothing is sent (R11).

use std::sync::Arc;

use equipoise_core::{BatchReport, BatchStatus, Event, OrderTag, Query, Record, Saga, UnixMillis};
use equipoise_port::{Append, BatchEvent, JournalError};
use futures::future::join_all;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::activity::Outcome;
use crate::asking::ask;
use crate::batch::BatchCell;
use crate::engine::{Engine, Inner};
use crate::error::BatchError;
use crate::telling::tell;

/// Rounds of looks at a parked batch. Absence takes two (R4); a refused order that is gone takes no more, and an order
/// found takes one further look for its audit.
const ROUNDS_MAX: u32 = 5;
/// Pause between them: a little more than two searches must lie apart.
const PAUSE_MS: u64 = 1_100;
/// Batches looked at side by side.
const BATCHES_AT_ONCE: usize = 8;

/// One parked batch that has orders nobody knows the outcome of.
struct Review {
    engine: Arc<Inner>,
    cell: Arc<BatchCell>,
    /// How far the batch's records are ahead of the clock: its time must not go back.
    ahead_ms: u64,
}

impl Engine {
    /// Asks about every parked batch that has orders of unknown outcome, and returns the accounts of those batches in
    /// order of admission. They stay parked (D1); what is learned makes their reports exact. Nothing is sent, whatever is
    /// learned.
    ///
    /// A venue that does not answer, or leads to another account than the batch traded on, leaves the report as it is.
    /// Cancel safe: what was learned so far stays learned.
    ///
    /// # Errors
    /// When the journal cannot be read or takes nothing more.
    pub async fn review_parked(&self) -> Result<Vec<BatchReport>, BatchError> {
        // Two reviews of one batch would append beside each other.
        let _alone = self.inner.reviewing.lock().await;
        let mut reviews = Vec::new();
        for key in self.inner.journal.parked_batches().await? {
            let under_way = self.inner.live().get(key).is_some();
            let records = self.inner.journal.read(key).await?.unwrap_or_default();
            let saga = Saga::replay(&records).map_err(|error| {
                JournalError::Damaged(format!("batch {key} does not replay: {error}"))
            })?;
            if under_way || saga.status() != BatchStatus::Parked || questions(&saga).is_empty() {
                continue;
            }
            let newest = records.iter().map(Record::at).max().unwrap_or_default();
            let ahead_ms = newest.since(self.inner.clock.now());
            let (engine, cell) = (self.inner.clone(), BatchCell::resumed(saga));
            reviews.push(Review { engine, cell, ahead_ms });
        }
        let cells: Vec<_> = reviews.iter().map(|review| review.cell.clone()).collect();
        self.contend_with_ended(&cells).await?;
        let reports = stream::iter(reviews).map(Review::run).buffered(BATCHES_AT_ONCE);
        reports.try_collect().await
    }
}

/// Orders whose effect is not known to the last unit.
fn questions(saga: &Saga) -> Vec<OrderTag> {
    let open = saga.orders().filter(|(tag, order)| {
        let leg = saga.spec().leg(tag.leg);
        leg.is_some_and(|leg| {
            !order.possible_rest(&leg.traits).is_zero() || order.needs_audit(&leg.traits)
        })
    });
    open.map(|(tag, _)| tag).collect()
}

impl Review {
    async fn run(self) -> Result<BatchReport, BatchError> {
        let clock = &self.engine.clock;
        let elsewhere = self.look(|saga| self.engine.check_accounts(saga.spec()).err()).flatten();
        if let Some(error) = &elsewhere {
            tracing::warn!(key = %self.cell.key, %error, "a parked batch cannot be asked about");
        }
        let rounds = if elsewhere.is_some() { 0 } else { ROUNDS_MAX };
        for round in 0..rounds {
            let questions = self.look(questions).unwrap_or_default();
            if questions.is_empty() {
                break;
            }
            if round > 0 {
                clock.sleep_until(clock.now().plus_ms(PAUSE_MS)).await;
            }
            let answered = self.ask_all(questions).await?;
            if round > 0 && !answered {
                break;
            }
        }
        let now = self.now();
        self.look(|saga| saga.report(now)).ok_or(BatchError::Abandoned)
    }

    fn look<T>(&self, look: impl FnOnce(&Saga) -> T) -> Option<T> {
        self.cell.with_saga(|saga| look(saga))
    }

    fn now(&self) -> UnixMillis {
        self.engine.clock.now().plus_ms(self.ahead_ms)
    }

    /// One thorough look at each; true if any was answered.
    async fn ask_all(&self, tags: Vec<OrderTag>) -> Result<bool, BatchError> {
        // A batch that began since moves the account's position too.
        for other in self.engine.live().cells() {
            self.cell.contend(&other.traded);
        }
        let looks = tags.into_iter().map(|tag| {
            let query = Query { tag, thorough: true, urgent: true };
            ask(self.engine.clone(), self.cell.clone(), query)
        });
        let mut answered = false;
        for outcome in join_all(looks).await {
            if let Outcome::Answered(_, event, _) = outcome {
                answered = true;
                self.take(&event).await?;
            }
        }
        Ok(answered)
    }

    /// Keeps the facts an answer brings. Nothing is decided on a batch that ended, so nothing else comes of it.
    async fn take(&self, event: &Event) -> Result<(), BatchError> {
        let now = self.now();
        let Some(mut saga) = self.look(Clone::clone) else { return Ok(()) };
        let mut records = saga.step(now, event).records;
        records.retain(|record| !record.gates());
        if records.is_empty() {
            return Ok(());
        }
        let (batch, expected, epoch) = (self.cell.key, saga.records(), self.engine.epoch);
        records.iter().try_for_each(|record| saga.apply(record))?;
        let append = Append { batch, expected, epoch, records: records.clone() };
        self.engine.journal.append(append).await.inspect_err(|error| self.engine.fail(error))?;
        for record in records {
            tell(saga.spec(), &record);
            let status = BatchStatus::Parked;
            self.engine.show(&BatchEvent { batch, at: record.at(), record, status });
        }
        self.cell.set_saga(saga);
        Ok(())
    }
}
