//! The engine's journal on a device whose syncs take time and whose appends may be the last thing a process does.

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use equipoise_core::{BatchKey, Occasion, Record, StrategyName};
use equipoise_port::{Append, Epoch, Journal, JournalError};
use equipoise_runtime::journal::{MemoryDisk, MemoryJournal};
use tokio::sync::Notify;

use crate::net::{AppendFate, Net};

/// The journal in memory, as one life of the engine has it.
pub(crate) struct MortalJournal {
    net: Arc<Net>,
    disk: MemoryDisk,
    inner: MemoryJournal,
    written: Arc<Notify>,
}

impl MortalJournal {
    /// Opens the journal and lets the device sync, as tasks of the runtime this is called on.
    pub(crate) fn open(net: Arc<Net>, disk: &MemoryDisk) -> Result<Self, JournalError> {
        let inner = disk.open()?;
        disk.hold_syncs(net.syncs_slowly());
        let written = Arc::new(Notify::new());
        tokio::spawn(sync(net.clone(), disk.clone(), written.clone()));
        Ok(Self { net, disk: disk.clone(), inner, written })
    }

    /// Writes at once, then waits for the device. `wrote` is called in between.
    async fn durable<T>(
        &self,
        mut writing: impl Future<Output = T> + Unpin,
        wrote: impl FnOnce() -> bool,
    ) -> T {
        let first = poll_fn(|cx| match std::pin::Pin::new(&mut writing).poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => Poll::Ready(None),
        });
        let first = first.await;
        self.written.notify_one();
        if !wrote() {
            return pending().await;
        }
        let done = match first {
            Some(done) => done,
            None => writing.await,
        };
        self.alive(done).await
    }

    /// A dead process learns nothing.
    async fn alive<T>(&self, value: T) -> T {
        if self.net.is_dead() { pending().await } else { value }
    }
}

/// The device: one sync after the other, each covering everything written until it ends.
async fn sync(net: Arc<Net>, disk: MemoryDisk, written: Arc<Notify>) {
    loop {
        written.notified().await;
        while disk.unsynced() > 0 {
            let sync_ms = net.draw_sync_ms();
            if sync_ms >= 2_000 {
                net.met("sync slower than the request window");
            }
            tokio::time::sleep(Duration::from_millis(sync_ms)).await;
            if net.is_dead() {
                return;
            }
            for _ in 0..disk.unsynced() {
                disk.sync_oldest();
            }
        }
    }
}

#[async_trait]
impl Journal for MortalJournal {
    async fn begin_epoch(&self, build: &str) -> Result<Epoch, JournalError> {
        self.durable(self.inner.begin_epoch(build), || true).await
    }

    async fn append(&self, append: Append) -> Result<(), JournalError> {
        if self.net.is_dead() {
            return pending().await;
        }
        if append.records.is_empty() {
            self.net.violated("P9 a journal grows by what happens", "an append of nothing");
        }
        let fate = self.net.begin_append();
        match fate {
            AppendFate::DiesFirst => return pending().await,
            AppendFate::Fails => self.disk.fail_next_write("input/output error"),
            AppendFate::Made | AppendFate::DiesWritten => {}
        }
        let wrote = || {
            if fate == AppendFate::DiesWritten {
                self.net.die_written();
            }
            fate != AppendFate::DiesWritten
        };
        self.durable(self.inner.append(append), wrote).await
    }

    async fn read(&self, batch: BatchKey) -> Result<Option<Vec<Record>>, JournalError> {
        self.inner.read(batch).await
    }

    async fn batches(&self) -> Result<Vec<BatchKey>, JournalError> {
        self.inner.batches().await
    }

    async fn open_batches(&self) -> Result<Vec<BatchKey>, JournalError> {
        self.inner.open_batches().await
    }

    async fn occasion(
        &self,
        strategy: &StrategyName,
        occasion: &Occasion,
    ) -> Result<Vec<BatchKey>, JournalError> {
        self.inner.occasion(strategy, occasion).await
    }

    fn is_fresh(&self) -> bool {
        self.inner.is_fresh()
    }

    async fn ready_for_batch(&self) -> Result<(), JournalError> {
        self.inner.ready_for_batch().await
    }

    async fn close(&self) -> Result<(), JournalError> {
        self.inner.close().await
    }
}
