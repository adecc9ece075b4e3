//! Bugs of a journal.

use std::sync::Arc;

use async_trait::async_trait;
use equipoise_core::{BatchKey, Occasion, Record, StrategyName};
use equipoise_port::{Append, Epoch, Journal, JournalError};
use futures::FutureExt as _;

use super::Plant;

/// A journal with a bug.
pub(super) struct Bent {
    pub(super) plant: Plant,
    pub(super) inner: Arc<dyn Journal>,
}

#[async_trait]
impl Journal for Bent {
    async fn begin_epoch(&self, build: &str) -> Result<Epoch, JournalError> {
        self.inner.begin_epoch(build).await
    }

    async fn append(&self, append: Append) -> Result<(), JournalError> {
        let hasty = match self.plant {
            Plant::AnswersBeforeSync => true,
            Plant::AdmissionNotSynced => append.expected == 0,
            _ => false,
        };
        if !hasty {
            return self.inner.append(append).await;
        }
        let inner = self.inner.clone();
        let mut writing = async move { inner.append(append).await }.boxed();
        match (&mut writing).now_or_never() {
            Some(done) => done,
            None => {
                tokio::spawn(writing);
                Ok(())
            }
        }
    }

    async fn read(&self, batch: BatchKey) -> Result<Option<Vec<Record>>, JournalError> {
        let records = self.inner.read(batch).await?;
        let ended = |records: &Vec<Record>| matches!(records.last(), Some(Record::Ended { .. }));
        Ok(match self.plant {
            Plant::EndedForgotten => records.filter(|records| !ended(records)),
            Plant::LastRecordLost => records.map(|mut records| {
                if records.len() > 1 && !ended(&records) {
                    records.pop();
                }
                records
            }),
            _ => records,
        })
    }

    async fn batches(&self) -> Result<Vec<BatchKey>, JournalError> {
        self.inner.batches().await
    }

    async fn open_batches(&self) -> Result<Vec<BatchKey>, JournalError> {
        if self.plant == Plant::OpenBatchesSkipped {
            return Ok(Vec::new());
        }
        self.inner.open_batches().await
    }

    async fn occasion(
        &self,
        strategy: &StrategyName,
        occasion: &Occasion,
    ) -> Result<Vec<BatchKey>, JournalError> {
        if self.plant == Plant::OccasionNotIndexed {
            return Ok(Vec::new());
        }
        self.inner.occasion(strategy, occasion).await
    }

    fn is_fresh(&self) -> bool {
        self.plant != Plant::FreshNotNoticed && self.inner.is_fresh()
    }

    async fn ready_for_batch(&self) -> Result<(), JournalError> {
        self.inner.ready_for_batch().await
    }

    async fn close(&self) -> Result<(), JournalError> {
        self.inner.close().await
    }
}
