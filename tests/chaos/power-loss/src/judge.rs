//! Opens what a power cut left and says whether every promise was kept.

use std::io;
use std::path::Path;

use equipoise_port::{Journal, JournalError};
use equipoise_runtime::journal::{self, JournalKind};
use tokio::runtime::Builder;

use crate::disk::{Files, write_folder};
use crate::samples::{append, key};
use crate::workload::{JOURNAL, Promised, complete, is_expected, options};

/// A batch that no workload writes, to see that the journal still takes one.
const PROBE: u64 = 1_000_000;

/// What became of the promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// All kept, and the journal goes on working.
    Kept,
    /// The journal refuses the state.
    Refused(String),
    /// Records that had been acknowledged are not there: batch, promised, found.
    Lost(Vec<(u64, usize, usize)>),
    /// Something is there that was not written, or an epoch was given out again, or it no longer works.
    Wrong(String),
}

/// Writes the files into an empty folder and opens them.
pub(crate) fn judge(
    folder: &Path,
    files: &Files,
    kind: JournalKind,
    promised: &Promised,
    appends: u64,
    first_unused: u64,
) -> io::Result<Finding> {
    write_folder(folder, files)?;
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let found = runtime.block_on(async {
        let path = folder.join(JOURNAL);
        let journal = match journal::open(kind, &path, &options()) {
            Ok(journal) => journal,
            Err(error) => return Ok(Finding::Refused(error.to_string())),
        };
        // A segment of the archive is looked through when it is read, and refused then.
        let compared = match compare(&*journal, promised, appends, first_unused).await {
            Err(JournalError::Damaged(text)) => return Ok(Finding::Refused(text)),
            other => other?,
        };
        if compared != Finding::Kept {
            return Ok(compared);
        }
        go_on(&*journal, promised).await?;
        drop(journal);
        // What it wrote since must not have spoilt anything.
        let journal = journal::open(kind, &path, &options())?;
        compare(&*journal, promised, appends, first_unused).await
    });
    Ok(found.unwrap_or_else(|error: JournalError| Finding::Wrong(error.to_string())))
}

async fn compare(
    journal: &dyn Journal,
    promised: &Promised,
    appends: u64,
    first_unused: u64,
) -> Result<Finding, JournalError> {
    let mut batches = journal.batches().await?;
    let mut lost = Vec::new();
    for (batch, records) in &promised.records {
        let found = journal.read(key(*batch)).await?.unwrap_or_default();
        if found.len() < *records {
            lost.push((*batch, *records, found.len()));
        } else if !complete(*batch, appends).starts_with(&found) {
            return Ok(Finding::Wrong(format!("batch {batch} holds what nobody wrote")));
        }
    }
    if !lost.is_empty() {
        return Ok(Finding::Lost(lost));
    }
    batches.retain(|batch| *batch != key(PROBE));
    Ok(if is_expected(&batches, first_unused) {
        Finding::Kept
    } else {
        Finding::Wrong("it holds a batch nobody wrote".to_owned())
    })
}

async fn go_on(journal: &dyn Journal, promised: &Promised) -> Result<(), JournalError> {
    let epoch = journal.begin_epoch("after the cut").await?;
    if epoch.0 <= promised.epoch {
        let text = format!("epoch {} was given out twice", epoch.0);
        return Err(JournalError::Failed(text));
    }
    let probe = complete(PROBE, 2);
    journal.append(append(epoch, PROBE, 0, probe)).await
}
