//! A journal in memory with the meaning of the stored ones, for tests, simulations and trying things out.
//!
//! Its device is a value of its own, so that a test can hold syncs back, cut the power, and open again what was
//! durable. It has no thread and never waits unless syncs are held: a paused clock stays where it is.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use async_trait::async_trait;
use equipoise_core::{BatchKey, Occasion, Record, StrategyName};
use equipoise_port::{Append, Epoch, Journal, JournalError};
use tokio::sync::oneshot;

use super::archive::Archive;
use super::continuity;
use super::encoded::Encoded;
use super::index::{self, Index};
use super::layout;
use super::reading;
use super::shared::closed;
use super::store::{Reads, StoreError, Visit, Write, WriteBatch};
use super::writer::{NotStaged, Writer};

/// A device in memory. Clones are the same device.
#[derive(Debug, Clone, Default)]
pub struct MemoryDisk {
    disk: Arc<Mutex<Disk>>,
}

/// A journal on a [`MemoryDisk`].
///
/// Dropping it is like a kill: what it wrote stays on the device, synced or not.
#[derive(Debug)]
pub struct MemoryJournal {
    disk: MemoryDisk,
    start: u64,
    fresh: bool,
    writer: Mutex<Writer>,
    failure: OnceLock<JournalError>,
}

#[derive(Debug, Default)]
struct Disk {
    /// Everything written, synced or not.
    content: Content,
    /// Where to look for batches.
    index: Index,
    /// Groups not synced yet, oldest first.
    unsynced: VecDeque<Group>,
    holds_syncs: bool,
    /// Which start has it open.
    owner: Option<u64>,
    starts: u64,
    next_write_fails: Option<String>,
}

#[derive(Debug, Clone, Default)]
struct Content(BTreeMap<Vec<u8>, Vec<u8>>);

/// Tells when a held group is durable, or lost.
type Synced = oneshot::Receiver<Result<(), JournalError>>;

#[derive(Debug)]
struct Group {
    /// What each key held before, in order of writing.
    before: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    answer: oneshot::Sender<Result<(), JournalError>>,
}

impl MemoryDisk {
    /// An empty device.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the journal on it, creating it on an empty device.
    ///
    /// # Errors
    /// `Locked` while another journal has it open, `Damaged` if its content does not add up.
    pub fn open(&self) -> Result<MemoryJournal, JournalError> {
        let mut disk = self.lock();
        if disk.owner.is_some() {
            return Err(JournalError::Locked("in memory".into()));
        }
        let mut findings = continuity::check(&disk.content, None)?;
        disk.index = std::mem::take(&mut findings.index);
        disk.starts += 1;
        disk.owner = Some(disk.starts);
        Ok(MemoryJournal {
            disk: self.clone(),
            start: disk.starts,
            fresh: findings.batches == 0,
            writer: Mutex::new(Writer::new(findings)),
            failure: OnceLock::new(),
        })
    }

    /// While held, appends wait; letting go syncs everything that waits, in order.
    pub fn hold_syncs(&self, hold: bool) {
        self.lock().holds_syncs = hold;
        while !hold && self.sync_oldest() {}
    }

    /// Syncs the oldest held append alone; false if none waits.
    pub fn sync_oldest(&self) -> bool {
        let group = self.lock().unsynced.pop_front();
        group.is_some_and(|group| {
            let _ = group.answer.send(Ok(()));
            true
        })
    }

    /// How many appends wait for their sync.
    #[must_use]
    pub fn unsynced(&self) -> usize {
        self.lock().unsynced.len()
    }

    /// Cuts the power: everything not synced is gone, the journal that was open fails, and the device can be opened again.
    pub fn lose_unsynced(&self) {
        let mut disk = self.lock();
        disk.owner = None;
        disk.holds_syncs = false;
        while let Some(group) = disk.unsynced.pop_back() {
            disk.content.undo(&group);
            let _ = group.answer.send(Err(power_cut()));
        }
    }

    /// The next write fails with this text, and with it the journal that is open.
    pub fn fail_next_write(&self, why: &str) {
        self.lock().next_write_fails = Some(why.to_owned());
    }

    /// The records of a batch that would survive a power cut now.
    ///
    /// # Errors
    /// `Damaged` if they are not what was written.
    pub fn synced_records(&self, batch: BatchKey) -> Result<Option<Vec<Record>>, JournalError> {
        self.lock().records(batch)
    }

    fn lock(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk {
    /// The content as a power cut would leave it.
    fn synced(&self) -> Cow<'_, Content> {
        let mut content = Cow::Borrowed(&self.content);
        for group in self.unsynced.iter().rev() {
            content.to_mut().undo(group);
        }
        content
    }

    /// The records of a batch as a power cut would leave them. There is no archive in memory.
    fn records(&self, batch: BatchKey) -> Result<Option<Vec<Record>>, JournalError> {
        let found = reading::find(&*self.synced(), &self.index, &Archive::default(), batch)?;
        found.map(reading::Found::records).transpose()
    }

    /// Writes a group; with syncs held, returns what to wait for.
    fn write(&mut self, batch: &WriteBatch) -> Result<Option<Synced>, JournalError> {
        if let Some(why) = self.next_write_fails.take() {
            return Err(JournalError::Failed(why));
        }
        if !self.holds_syncs {
            self.content.apply(batch, |_, _| {});
            return Ok(None);
        }
        let mut before = Vec::new();
        self.content.apply(batch, |key, value| before.push((key.to_vec(), value)));
        let (answer, answered) = oneshot::channel();
        self.unsynced.push_back(Group { before, answer });
        Ok(Some(answered))
    }
}

impl Content {
    fn apply(&mut self, batch: &WriteBatch, mut replaced: impl FnMut(&[u8], Option<Vec<u8>>)) {
        for write in batch.iter() {
            match write {
                Write::Put(key, value) => {
                    replaced(key, self.0.insert(key.to_vec(), value.to_vec()));
                }
                Write::Delete(key) => replaced(key, self.0.remove(key)),
            }
        }
    }

    fn undo(&mut self, group: &Group) {
        for (key, value) in group.before.iter().rev() {
            match value {
                Some(value) => self.0.insert(key.clone(), value.clone()),
                None => self.0.remove(key),
            };
        }
    }
}

impl Reads for Content {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.get(key).cloned())
    }

    fn scan(&self, prefix: &[u8], visit: Visit<'_>) -> Result<(), JournalError> {
        self.0
            .range(prefix.to_vec()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .try_for_each(|(key, value)| visit(key, value))
    }
}

impl MemoryJournal {
    /// A journal on a device of its own.
    #[must_use]
    pub fn new() -> Self {
        MemoryDisk::new().open().expect("an empty device is neither locked nor damaged")
    }

    /// The device it is on.
    #[must_use]
    pub fn disk(&self) -> MemoryDisk {
        self.disk.clone()
    }

    /// The device, as long as this journal is the one that has it open.
    fn owned(&self) -> Result<MutexGuard<'_, Disk>, JournalError> {
        if let Some(error) = self.failure.get() {
            return Err(error.clone());
        }
        let disk = self.disk.lock();
        if disk.owner == Some(self.start) { Ok(disk) } else { Err(power_cut()) }
    }

    fn failed(&self, error: JournalError) -> JournalError {
        self.failure.get_or_init(|| error).clone()
    }

    /// Stages and writes one group, or leaves everything as it was.
    fn write<T>(
        &self,
        stage: impl FnOnce(&mut Writer, &Disk, &mut WriteBatch) -> Result<T, NotStaged>,
    ) -> Result<(T, Option<Synced>), JournalError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut disk = self.owned()?;
        let mut batch = WriteBatch::default();
        let staged = stage(&mut writer, &disk, &mut batch);
        writer.finish(&mut batch);
        let staged = match staged {
            Ok(staged) => staged,
            Err(NotStaged::Refused(error)) => return Err(error),
            Err(NotStaged::Broken(error)) => return Err(self.failed(error)),
        };
        if batch.is_empty() {
            return Ok((staged, None));
        }
        let synced = disk.write(&batch).map_err(|error| self.failed(error))?;
        Ok((staged, synced))
    }
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self::new()
    }
}

async fn durable(synced: Option<Synced>) -> Result<(), JournalError> {
    match synced {
        Some(synced) => synced.await.unwrap_or_else(|_| Err(power_cut())),
        None => Ok(()),
    }
}

fn power_cut() -> JournalError {
    JournalError::Failed("the power was cut".into())
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn begin_epoch(&self, build: &str) -> Result<Epoch, JournalError> {
        let (epoch, synced) =
            self.write(|writer, _, batch| Ok(writer.stage_epoch(build, batch)))?;
        durable(synced).await?;
        Ok(epoch)
    }

    async fn append(&self, append: Append) -> Result<(), JournalError> {
        let append = Encoded::of(&append);
        let (_, synced) = self.write(|writer, disk, batch| {
            writer.stage_append(&disk.content, &disk.index, &append, batch)
        })?;
        durable(synced).await
    }

    async fn read(&self, batch: BatchKey) -> Result<Option<Vec<Record>>, JournalError> {
        self.owned()?.records(batch)
    }

    async fn batches(&self) -> Result<Vec<BatchKey>, JournalError> {
        Ok(index::batches(&*self.owned()?.synced())?.into_values().collect())
    }

    async fn open_batches(&self) -> Result<Vec<BatchKey>, JournalError> {
        reading::open_batches(&*self.owned()?.synced())
    }

    async fn parked_batches(&self) -> Result<Vec<BatchKey>, JournalError> {
        reading::parked_batches(&*self.owned()?.synced())
    }

    async fn occasion(
        &self,
        strategy: &StrategyName,
        occasion: &Occasion,
    ) -> Result<Vec<BatchKey>, JournalError> {
        // As in a store, also what is written and not yet synced: an occasion being used counts as used.
        let prefix = layout::occasion_prefix(strategy, occasion);
        let disk = self.owned()?;
        disk.index.of_occasion(&disk.content, &prefix)
    }

    fn is_fresh(&self) -> bool {
        self.fresh
    }

    async fn ready_for_batch(&self) -> Result<(), JournalError> {
        self.owned().map(drop)
    }

    async fn close(&self) -> Result<(), JournalError> {
        let result = self.owned().map(|mut disk| disk.owner = None);
        let _ = self.failure.set(closed());
        if result.is_ok() {
            while self.disk.sync_oldest() {}
        }
        result
    }
}

impl Drop for MemoryJournal {
    fn drop(&mut self) {
        let mut disk = self.disk.lock();
        if disk.owner == Some(self.start) {
            disk.owner = None;
        }
    }
}
