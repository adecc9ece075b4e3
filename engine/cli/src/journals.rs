//! The configured journal, opened off the runtime's own threads because opening reads all of it.

use std::sync::Arc;

use equipoise::journal::{self, JournalKind, JournalOptions};
use equipoise::port::Journal;

use crate::config::JournalConfig;
use crate::failure::Failure;
use crate::panics;

/// Whether there is a journal already. Creates nothing.
pub(crate) fn exists(config: &JournalConfig) -> bool {
    config.kind != JournalKind::Memory && journal::exists(&config.path)
}

/// Opens the journal, or creates it.
///
/// # Errors
/// `journal_locked`, `journal_damaged` and the other journal codes.
pub(crate) async fn open(config: &JournalConfig) -> Result<Arc<dyn Journal>, Failure> {
    open_with(config, config.options.clone()).await
}

/// Opens a journal only to read it; `None` when there is none.
///
/// # Errors
/// As [`open`].
pub(crate) async fn open_to_read(
    config: &JournalConfig,
) -> Result<Option<Arc<dyn Journal>>, Failure> {
    if !exists(config) {
        return Ok(None);
    }
    let options = JournalOptions { must_exist: true, ballast_bytes: 0, ..config.options.clone() };
    open_with(config, options).await.map(Some)
}

async fn open_with(
    config: &JournalConfig,
    options: JournalOptions,
) -> Result<Arc<dyn Journal>, Failure> {
    let (kind, path) = (config.kind, config.path.clone());
    // A back end that panics over a damaged file is reported as a damaged journal, not as a panic.
    let _tolerated = panics::Tolerated::begin();
    let opening = tokio::task::spawn_blocking(move || journal::open(kind, &path, &options));
    match opening.await {
        Ok(opened) => Ok(opened?),
        Err(error) => Err(Failure::broken("journal_unopened", error.to_string())),
    }
}
