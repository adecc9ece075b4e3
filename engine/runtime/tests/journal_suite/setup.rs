//! A place to open the same journal again and again, for each back end.

use std::path::PathBuf;
use std::sync::Arc;

use equipoise_port::{Epoch, Journal, JournalError};
use equipoise_runtime::journal::{self, JournalKind, JournalOptions, MemoryDisk};
use tempfile::TempDir;

/// Small and quick: tests share one device.
pub(crate) fn options() -> JournalOptions {
    JournalOptions { ballast_bytes: 64 * 1024, free_floor_bytes: 0, ..JournalOptions::default() }
}

/// Where one journal lives.
pub(crate) struct Place {
    kind: JournalKind,
    folder: TempDir,
    disk: MemoryDisk,
}

impl Place {
    pub(crate) fn new(kind: JournalKind) -> Self {
        Self { kind, folder: tempfile::tempdir().unwrap(), disk: MemoryDisk::new() }
    }

    /// The journal's folder; two levels that do not exist beforehand.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("desk").join("journal")
    }

    pub(crate) fn try_open(&self) -> Result<Arc<dyn Journal>, JournalError> {
        self.try_open_with(&options())
    }

    pub(crate) fn try_open_with(
        &self,
        options: &JournalOptions,
    ) -> Result<Arc<dyn Journal>, JournalError> {
        match self.kind {
            JournalKind::Memory => Ok(Arc::new(self.disk.open()?)),
            kind => journal::open(kind, &self.path(), options),
        }
    }

    pub(crate) fn open(&self) -> Arc<dyn Journal> {
        self.try_open().unwrap()
    }

    /// Opens it and takes an epoch.
    pub(crate) async fn start(&self) -> (Arc<dyn Journal>, Epoch) {
        let journal = self.open();
        let epoch = journal.begin_epoch("test build").await.unwrap();
        (journal, epoch)
    }
}
