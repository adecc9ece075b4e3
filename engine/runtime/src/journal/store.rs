//! What a back end must do, and nothing more: everything else about the journal exists once, above this.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use equipoise_port::JournalError;

use super::codec::damaged;

/// Why a back end did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum StoreError {
    /// The device has no space left.
    #[error("no space left: {0}")]
    Full(String),
    /// Someone still holds its own lock.
    #[error("in use: {0}")]
    Locked(String),
    /// Its content cannot be what was written.
    #[error("{0}")]
    Damaged(String),
    /// It did not open in time and may still be at it: nothing of its may be touched in this process.
    #[error("{0}")]
    TimedOut(String),
    /// Anything else.
    #[error("{0}")]
    Io(String),
    /// A check above it refuses what it holds.
    #[error(transparent)]
    Refused(#[from] JournalError),
}

impl StoreError {
    /// What an I/O error means for the journal.
    pub(super) fn from_io(doing: &str, error: &std::io::Error) -> Self {
        let text = format!("{doing}: {error}");
        if is_full(error.kind()) { Self::Full(text) } else { Self::Io(text) }
    }

    /// Whether a store made again from what is beside it would be another one.
    pub(super) const fn may_be_repaired(&self) -> bool {
        use JournalError::{Damaged, Failed};
        matches!(self, Self::Damaged(_) | Self::Io(_) | Self::Refused(Damaged(_) | Failed(_)))
    }

    /// The same, with why the store could not be made again.
    pub(super) fn not_repaired(self, reason: &Self) -> Self {
        let reason = reason.to_string();
        let reason = reason.split("; ").next().unwrap_or_default();
        let with = |text: String| match text.split_once("; ") {
            Some((what, proceed)) => format!("{what} (not made again: {reason}); {proceed}"),
            None => format!("{text} (not made again: {reason})"),
        };
        match self {
            Self::Damaged(text) => Self::Damaged(with(text)),
            Self::Io(text) => Self::Io(with(text)),
            Self::Refused(JournalError::Damaged(text)) => {
                Self::Refused(JournalError::Damaged(with(text)))
            }
            Self::Refused(JournalError::Failed(text)) => {
                Self::Refused(JournalError::Failed(with(text)))
            }
            other => other,
        }
    }

    /// While the journal was being opened.
    pub(super) fn while_opening(self) -> JournalError {
        match self {
            Self::Locked(text) => JournalError::Locked(text),
            Self::Damaged(text) => damaged(text),
            // It could not be read by the check.
            Self::Refused(JournalError::Failed(text)) => JournalError::Unopened(text),
            Self::Refused(error) => error,
            Self::Full(_) | Self::TimedOut(_) | Self::Io(_) => {
                JournalError::Unopened(self.to_string())
            }
        }
    }

    /// While it was in use: nothing is accepted from then on.
    pub(super) fn while_running(self) -> JournalError {
        match self {
            Self::Damaged(text) => damaged(text),
            Self::Refused(error) => error,
            _ => JournalError::Failed(self.to_string()),
        }
    }
}

/// Whether a write failed for want of room. What a process may write to one file is room too: nothing is damaged then.
pub(super) const fn is_full(kind: ErrorKind) -> bool {
    use ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(kind, StorageFull | QuotaExceeded | FileTooLarge)
}

/// Who panicked, and what was said.
pub(super) fn panic_text(who: &str, panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    format!("{who} panicked: {}", text.unwrap_or("no message"))
}

/// Called with key and value.
pub(super) type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<(), JournalError>;

/// Reading.
pub(super) trait Reads {
    /// The value at a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Everything whose key begins so, in order of keys. The first error of the visitor ends it.
    fn scan(&self, prefix: &[u8], visit: Visit<'_>) -> Result<(), JournalError>;
}

/// A back end on a device. One thread writes; any may read.
pub(super) trait Store: Reads + Send + Sync {
    /// Writes all or nothing, and returns when it would survive a power cut.
    /// After an error the content is unknown until the next open; nothing is tried again.
    fn commit(&self, batch: &WriteBatch) -> Result<(), StoreError>;

    /// Writes all or nothing without waiting for the device: durable with the next commit, in part or whole, or not
    /// at all if there is none.
    fn stage(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        self.commit(batch)
    }

    /// Becomes true while it is dropped if what it wrote then did not become durable.
    fn lost_at_close(&self) -> Arc<AtomicBool> {
        Arc::default()
    }
}

/// Puts and deletes to be done together, in one buffer that is used again and again.
#[derive(Debug, Default)]
pub(super) struct WriteBatch {
    bytes: Vec<u8>,
    writes: Vec<Span>,
}

/// Where one write lies in the buffer: key, then value up to `end`.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    value: usize,
    end: usize,
    delete: bool,
}

/// One write.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Write<'a> {
    /// Key gets value.
    Put(&'a [u8], &'a [u8]),
    /// Key goes.
    Delete(&'a [u8]),
}

impl WriteBatch {
    /// True when there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Bytes of all keys and values.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Number of writes.
    pub(super) fn writes(&self) -> usize {
        self.writes.len()
    }

    /// Forgets the writes and keeps the buffer.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.writes.clear();
    }

    /// Adds a put whose value `fill` appends to the buffer; returns that value.
    pub(super) fn put(&mut self, key: &[u8], fill: impl FnOnce(&mut Vec<u8>)) -> &[u8] {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        let value = self.bytes.len();
        fill(&mut self.bytes);
        let end = self.bytes.len();
        self.writes.push(Span { start, value, end, delete: false });
        &self.bytes[value..end]
    }

    /// Adds a delete.
    pub(super) fn delete(&mut self, key: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        let end = self.bytes.len();
        self.writes.push(Span { start, value: end, end, delete: true });
    }

    /// The writes in order; a later one to the same key wins.
    pub(super) fn iter(&self) -> impl Iterator<Item = Write<'_>> {
        self.writes.iter().map(|span| {
            let key = &self.bytes[span.start..span.value];
            if span.delete {
                Write::Delete(key)
            } else {
                Write::Put(key, &self.bytes[span.value..span.end])
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_the_check_cannot_read_may_be_made_again_and_one_still_opening_may_not() {
        let unread = StoreError::from(StoreError::Io("sled: gone".into()).while_running());
        assert!(unread.may_be_repaired());
        assert_eq!(unread.while_opening(), JournalError::Unopened("sled: gone".into()));
        let late = StoreError::TimedOut("late".into());
        assert!(!late.may_be_repaired());
        assert_eq!(late.while_opening(), JournalError::Unopened("late".into()));
    }
}
