//! What happened to the files of one folder, in the order in which it happened.

use std::path::PathBuf;

/// One thing that happened. Paths are relative to the captured folder, which itself is the empty path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// A file was opened for creating; it may have been there.
    Create(PathBuf),
    /// Bytes were written.
    Write {
        /// Where.
        path: PathBuf,
        /// First byte.
        offset: u64,
        /// What.
        bytes: Vec<u8>,
    },
    /// A file was cut or extended.
    SetLength {
        /// Which.
        path: PathBuf,
        /// To how many bytes.
        length: u64,
    },
    /// A sync was asked for.
    SyncBegun {
        /// Of what.
        path: PathBuf,
        /// Tells concurrent syncs apart.
        ticket: u64,
    },
    /// The sync returned without an error: what had been written before it was asked for is durable.
    SyncEnded {
        /// As when it was asked for.
        ticket: u64,
    },
    /// A name was changed.
    Rename {
        /// Old name.
        from: PathBuf,
        /// Name from now on.
        to: PathBuf,
    },
    /// A file or an empty folder was removed.
    Remove(PathBuf),
    /// A folder was made.
    MakeFolder(PathBuf),
    /// The journal answered that so many records of a batch are durable.
    Acknowledged {
        /// Index of the batch.
        batch: u64,
        /// Records it holds by now.
        records: usize,
    },
    /// The journal gave out this epoch.
    Owned(u64),
}

impl Op {
    /// Whether a process that looks afterwards may find other files than before.
    pub(crate) const fn changes_files(&self) -> bool {
        match self {
            Self::Create(_)
            | Self::Write { .. }
            | Self::SetLength { .. }
            | Self::Rename { .. }
            | Self::Remove(_)
            | Self::MakeFolder(_) => true,
            Self::SyncBegun { .. }
            | Self::SyncEnded { .. }
            | Self::Acknowledged { .. }
            | Self::Owned(_) => false,
        }
    }
}
