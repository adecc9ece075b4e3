//! Which batches are in which segment of the archive, and reading them there.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use equipoise_port::JournalError;

use super::codec::damaged;
use super::segment::{Content, Segment};
use super::store::Visit;

/// Segments kept in memory for the next read: whoever lists batches reads neighbours.
const CACHED_MAX: usize = 4;

/// The segments the store knows of.
#[derive(Debug, Default)]
pub(super) struct Archive {
    folder: PathBuf,
    /// Segments by number less one.
    segments: Vec<Arc<Segment>>,
    /// Last batch number and segment by first batch number.
    places: BTreeMap<u64, (u64, u64)>,
    cache: Arc<Cache>,
}

/// Segments read last, oldest first.
type Cache = Mutex<VecDeque<(u64, Arc<Content>)>>;

/// A batch in the archive, to be read without the journal.
#[derive(Debug)]
pub(super) struct Located {
    folder: PathBuf,
    batch: u64,
    number: u64,
    segment: Arc<Segment>,
    cache: Arc<Cache>,
}

impl Archive {
    /// The same, with its files in a folder.
    pub(super) fn in_folder(self, folder: PathBuf) -> Self {
        Self { folder, ..self }
    }

    /// The highest segment number.
    pub(super) fn highest(&self) -> u64 {
        self.segments.len() as u64
    }

    /// Adds the next segment.
    pub(super) fn add(&mut self, segment: Segment) -> Result<(), JournalError> {
        let number = self.highest() + 1;
        for (first, last) in segment.batches.iter() {
            let before = self.places.range(..=last).next_back();
            if before.is_some_and(|(_, (end, _))| *end >= first) {
                return Err(damaged(format_args!(
                    "segment {number} of its archive holds a batch that another one holds"
                )));
            }
            self.places.insert(first, (last, number));
        }
        self.segments.push(Arc::new(segment));
        Ok(())
    }

    /// Whether a batch is in it.
    pub(super) fn holds(&self, batch: u64) -> bool {
        self.segment_of(batch).is_some()
    }

    /// The segment a batch is in.
    pub(super) fn segment_of(&self, batch: u64) -> Option<u64> {
        let (_, (last, number)) = self.places.range(..=batch).next_back()?;
        (*last >= batch).then_some(*number)
    }

    /// Where a batch is, if it is in it.
    pub(super) fn locate(&self, batch: u64) -> Option<Located> {
        let number = self.segment_of(batch)?;
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        let segment = Arc::clone(self.segments.get(index)?);
        let (folder, cache) = (self.folder.clone(), Arc::clone(&self.cache));
        Some(Located { folder, batch, number, segment, cache })
    }

    /// Whether every file is there in its length.
    pub(super) fn check_files(&self, folder: &Path) -> Result<(), JournalError> {
        self.segments
            .iter()
            .zip(1..)
            .try_for_each(|(segment, number)| segment.check_file(folder, number))
    }
}

impl Located {
    /// The values of the batch, in order.
    pub(super) fn visit(&self, visit: Visit<'_>) -> Result<(), JournalError> {
        self.content()?.visit(self.batch, visit)
    }

    fn content(&self) -> Result<Arc<Content>, JournalError> {
        let cached = || self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, content)) = cached().iter().find(|(number, _)| *number == self.number) {
            return Ok(Arc::clone(content));
        }
        let content = Arc::new(self.segment.read(&self.folder, self.number)?);
        let mut cache = cached();
        cache.push_back((self.number, Arc::clone(&content)));
        if cache.len() > CACHED_MAX {
            cache.pop_front();
        }
        Ok(content)
    }
}
