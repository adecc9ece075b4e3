//! Journals: sled, redb and memory behind one port, with one layout, one writer and one check.
//!
//! A stored journal is a folder. What it promises, and where that is done:
//!
//! - an answered append survives kill, kernel crash and power loss: `shared`, `committer`, `log`, `frame`, `sled_store`, `redb_store`
//! - it costs one sequential write and one data sync, whatever the store would cost: `encoded`, `logged`, `overlay`, `handing_over`, `bundle`
//! - a stale owner or a wrong sequence is refused in the same transaction (R3): `writer`
//! - loss and damage are noticed at the next open, also where the store itself does not (P5): `continuity`, `anchor`, `anchoring`
//! - one process at a time (P8), and no journal is ever created in place of one that lost its files: `folder`, `files`
//! - a store that a power cut made unreadable is made again from what is beside it (P6): `checkpoint`, `repair`
//! - open batches can still be closed on a full device (P4): `space`
//! - batches that ended move to closed files, so that an open need not read them again: `archiver`, `segment`, `archive`
//! - no key and no occasion is ever forgotten (D1-D3), and that there is none costs no look at the store: `index`

mod anchor;
mod anchoring;
mod archive;
mod archiver;
mod bundle;
mod checkpoint;
mod codec;
mod committer;
mod continuity;
mod encoded;
mod files;
mod folder;
mod frame;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod handing_over;
mod head;
mod index;
mod layout;
mod log;
mod logged;
mod memory;
mod overlay;
mod reading;
mod redb_store;
mod repair;
mod runs;
mod segment;
mod shared;
mod sled_files;
mod sled_store;
mod space;
mod store;
mod stored;
mod writer;

#[cfg(test)]
mod faults;
#[cfg(test)]
mod log_faults;
#[cfg(test)]
#[path = "../../tests/journal_suite/samples.rs"]
mod samples;

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use equipoise_port::{Journal, JournalError};

pub use memory::{MemoryDisk, MemoryJournal};
pub use stored::StoredJournal;

/// Which back end keeps a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JournalKind {
    /// sled, the default.
    Sled,
    /// redb.
    Redb,
    /// Memory: gone with the process.
    Memory,
}

/// How a journal is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalOptions {
    /// Refuse with `Unopened` instead of creating a journal where there is none.
    pub must_exist: bool,
    /// Bytes kept back beside the store, to be given up when the device is full; zero for none.
    pub ballast_bytes: u64,
    /// Free bytes below which no further batch is admitted. More than the ballast, so that giving that up does not
    /// open the door again.
    pub free_floor_bytes: u64,
    /// How long the back end may take to open.
    pub open_budget: Duration,
    /// Batches that ended and stay in the store all the same: the newest, which a start looks at.
    pub ended_kept: usize,
    /// Further ended batches that together become a segment of the archive.
    pub segment_batches: usize,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            must_exist: false,
            ballast_bytes: 64 * 1024 * 1024,
            free_floor_bytes: 128 * 1024 * 1024,
            open_budget: Duration::from_secs(60),
            ended_kept: 256,
            segment_batches: 512,
        }
    }
}

/// Opens the journal in a folder, or a journal in memory.
///
/// Blocks while a stored journal is being checked.
///
/// # Errors
/// See [`StoredJournal::open`]. A journal in memory never exists beforehand.
pub fn open(
    kind: JournalKind,
    path: &Path,
    options: &JournalOptions,
) -> Result<Arc<dyn Journal>, JournalError> {
    match kind {
        JournalKind::Memory if options.must_exist => Err(no_journal(path)),
        JournalKind::Memory => Ok(Arc::new(MemoryJournal::new())),
        JournalKind::Sled | JournalKind::Redb => {
            Ok(Arc::new(StoredJournal::open(kind, path, options)?))
        }
    }
}

/// Whether a folder holds a stored journal, whole or damaged. Creates nothing, takes no lock, costs a few look-ups.
/// A creation that was cut off before anything was durable does not count.
#[must_use]
pub fn exists(path: &Path) -> bool {
    folder::exists(path)
}

fn no_journal(path: &Path) -> JournalError {
    JournalError::Unopened(format!("there is no journal at {}", path.display()))
}

impl fmt::Display for JournalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sled => "sled",
            Self::Redb => "redb",
            Self::Memory => "memory",
        })
    }
}

/// A text that names no back end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a journal is sled, redb or memory")]
pub struct JournalKindError;

impl FromStr for JournalKind {
    type Err = JournalKindError;
    fn from_str(text: &str) -> Result<Self, JournalKindError> {
        match text {
            "sled" => Ok(Self::Sled),
            "redb" => Ok(Self::Redb),
            "memory" => Ok(Self::Memory),
            _ => Err(JournalKindError),
        }
    }
}
