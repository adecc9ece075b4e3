//! After a start: every unfinished batch is replayed, its open questions are asked, and only then does it act (R11).

use std::sync::Arc;

use equipoise_core::{BatchReport, Record, Saga, UnixMillis};
use equipoise_port::{Journal, JournalError};

use crate::batch::{BatchCell, instruments};
use crate::driver::Driver;
use crate::engine::{Engine, Inner};
use crate::error::{BatchError, StartError};

/// Batches in a row that ended before the oldest unfinished one began, after which a start looks no further back.
const EARLIER_BATCHES_MAX: usize = 256;

/// The batches a start found unfinished.
pub(crate) struct Unfinished {
    /// In order of admission.
    pub(crate) cells: Vec<Arc<BatchCell>>,
    /// Engine time of their newest record.
    pub(crate) newest: UnixMillis,
}

impl Unfinished {
    pub(crate) async fn read(journal: &dyn Journal) -> Result<Self, StartError> {
        let (mut cells, mut newest) = (Vec::new(), UnixMillis::default());
        for key in journal.open_batches().await? {
            let records = journal.read(key).await?.unwrap_or_default();
            let saga =
                Saga::replay(&records).map_err(|error| StartError::Replay { batch: key, error })?;
            newest = records.iter().map(Record::at).fold(newest, UnixMillis::max);
            cells.push(BatchCell::resumed(saga));
        }
        Ok(Self { cells, newest })
    }
}

impl Engine {
    /// Checks everything that may refuse the start before the first batch is touched, then lets each go on by itself.
    pub(crate) async fn resume(&self, cells: Vec<Arc<BatchCell>>) -> Result<(), StartError> {
        for cell in &cells {
            let usable = cell.with_saga(|saga| {
                self.inner.check_venues(saga.spec())?;
                self.inner.check_accounts(saga.spec())
            });
            usable.transpose()?;
        }
        self.inner.check_keys(&cells).await?;
        self.contend_with_ended(&cells).await?;
        // All are entered before the first acts, so that each knows which instruments others hold.
        {
            let mut live = self.inner.live();
            for cell in &cells {
                self.inner.enter(&mut live, cell);
                live.trade(cell);
            }
        }
        if !cells.is_empty() {
            tracing::info!(batches = cells.len(), "resuming unfinished batches");
        }
        // The cells outlive their batches: who asks later what recovery came to must not miss a quick one.
        let cells = self.inner.resumed.get_or_init(|| cells);
        for cell in cells {
            let unsettled = Unsettled::new(self.inner.clone());
            Driver::resumed(self.inner.clone(), cell.clone(), unsettled).spawn();
        }
        Ok(())
    }

    /// A batch that ended while an unfinished one was open moved the account's position under it, so that position
    /// no longer says anything about the unfinished one alone (K5). Looks back over the journal until a long run of
    /// batches ended before the oldest unfinished one began, or nothing is left to be said. Parked batches count as
    /// unfinished where they are asked about again.
    pub(crate) async fn contend_with_ended(
        &self,
        unfinished: &[Arc<BatchCell>],
    ) -> Result<(), JournalError> {
        let since = |cell: &BatchCell| cell.with_saga(|saga| saga.spec().admitted_at);
        let Some(oldest) = unfinished.iter().filter_map(|cell| since(cell)).min() else {
            return Ok(());
        };
        let mut earlier = 0;
        for key in self.inner.journal.batches().await?.into_iter().rev() {
            if unfinished.iter().all(|cell| cell.is_wholly_contended()) {
                break;
            }
            let Some(saga) = self.inner.stored(key).await? else { continue };
            let Some(ended) = saga.ended() else { continue };
            if ended.at < oldest {
                earlier += 1;
                if earlier == EARLIER_BATCHES_MAX {
                    break;
                }
                continue;
            }
            earlier = 0;
            let instruments = instruments(saga.spec());
            for cell in unfinished {
                if cell.key != key && since(cell).is_some_and(|admitted_at| admitted_at <= ended.at)
                {
                    cell.contend(&instruments);
                }
            }
        }
        Ok(())
    }

    /// Waits until every batch that was unfinished when the engine started has ended, and returns their accounts in
    /// order of admission. Cancel safe.
    ///
    /// # Errors
    /// The first batch that cannot go on in this process; all others have ended by then.
    pub async fn recover(&self) -> Result<Vec<BatchReport>, BatchError> {
        let cells = self.inner.resumed.get().map_or(&[][..], Vec::as_slice);
        let mut reports = Vec::with_capacity(cells.len());
        for cell in cells {
            reports.push(self.handle(cell.clone(), false).wait().await);
        }
        reports.into_iter().collect()
    }

    /// Waits until the orders in doubt of every resumed batch are resolved, so that nothing new is risked before.
    /// Returns earlier when the engine is stopping. Cancel safe.
    pub(crate) async fn settled(&self) {
        if *self.inner.unsettled.borrow() == 0 {
            return;
        }
        let mut unsettled = self.inner.unsettled.subscribe();
        let mut stopping = self.inner.stopping.subscribe();
        // The senders live as long as the engine, so waiting cannot fail.
        tokio::select! {
            _ = unsettled.wait_for(|unsettled| *unsettled == 0) => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
    }
}

/// A resumed batch with orders in doubt from before this start. Dropping it, in a panic too, says they are resolved
/// or that nobody here will resolve them.
pub(crate) struct Unsettled {
    engine: Arc<Inner>,
}

impl Unsettled {
    fn new(engine: Arc<Inner>) -> Self {
        engine.unsettled.send_modify(|unsettled| *unsettled += 1);
        Self { engine }
    }
}

impl Drop for Unsettled {
    fn drop(&mut self) {
        self.engine.unsettled.send_modify(|unsettled| *unsettled = unsettled.saturating_sub(1));
    }
}
