//! Whether the journal takes a batch. Nothing is created, and what was opened is given up again.

use std::path::Path;

use equipoise::journal::JournalKind;
use equipoise::port::Journal;

use crate::config::JournalConfig;
use crate::failure::Failure;
use crate::journals;
use crate::output::{Finding, Verdict};

const CHECK: &str = "journal";

/// Opens it as the next batch would, asks whether it takes one, and closes it.
pub(super) async fn examine(config: &JournalConfig) -> Finding {
    if config.kind == JournalKind::Memory {
        return found(Verdict::Ok, "in memory: gone with the process");
    }
    let opened = match journals::open_to_read(config).await {
        Ok(Some(journal)) => ask(&*journal).await,
        Ok(None) => room_for_one(&config.path, config.options.free_floor_bytes),
        Err(failure) => Err(failure),
    };
    match opened {
        Ok(text) => found(Verdict::Ok, text),
        Err(failure) => found(Verdict::Bad, failure.in_journal(config).message),
    }
}

async fn ask(journal: &dyn Journal) -> Result<String, Failure> {
    let (ready, open) = (journal.ready_for_batch().await, journal.open_batches().await);
    // Closed in any case: the next command needs it.
    journal.close().await?;
    ready?;
    Ok(match open?.len() {
        0 => "opens, no batch is unfinished".to_owned(),
        1 => "opens, one batch is unfinished and goes on first".to_owned(),
        count => format!("opens, {count} batches are unfinished and go on first"),
    })
}

/// Whether one could be made where there is none: by the nearest folder there is.
fn room_for_one(path: &Path, floor_bytes: u64) -> Result<String, Failure> {
    let refuse = |why: String| Failure::broken("journal_unopened", why);
    let absolute = std::path::absolute(path).map_err(|error| refuse(error.to_string()))?;
    let there = absolute.ancestors().find(|folder| folder.exists());
    let there = there.ok_or_else(|| refuse(format!("{} is nowhere", path.display())))?;
    if !there.is_dir() {
        return Err(refuse(format!("{} is not a folder", there.display())));
    }
    #[cfg(unix)]
    {
        let at = |error: rustix::io::Errno| refuse(format!("{}: {error}", there.display()));
        let rights = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
        rustix::fs::access(there, rights).map_err(at)?;
        let space = rustix::fs::statvfs(there).map_err(at)?;
        let free_bytes = space.f_bavail.saturating_mul(space.f_frsize);
        if free_bytes < floor_bytes {
            return Err(equipoise::port::JournalError::Full { free_bytes, floor_bytes }.into());
        }
    }
    #[cfg(not(unix))]
    let _ = floor_bytes;
    Ok("there is none yet, the first batch makes it".to_owned())
}

fn found(verdict: Verdict, found: impl Into<String>) -> Finding {
    Finding { check: CHECK, verdict, found: found.into() }
}
