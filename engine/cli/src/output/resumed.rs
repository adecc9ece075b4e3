//! Batches a command found unfinished and carried to their end on the way.

use equipoise::{BatchKey, BatchStatus};
use serde::Serialize;

/// One of them, and where it stands now.
#[derive(Serialize)]
pub(crate) struct ResumedDocument {
    key: String,
    status: &'static str,
}

impl ResumedDocument {
    pub(crate) fn new(key: BatchKey, status: BatchStatus) -> Self {
        Self { key: key.to_string(), status: status.as_str() }
    }
}

/// One line for each.
pub(crate) fn resumed_text(resumed: &[ResumedDocument]) -> String {
    let line = |one: &ResumedDocument| format!("resumed   {}: {}\n", one.key, one.status);
    resumed.iter().map(line).collect()
}
