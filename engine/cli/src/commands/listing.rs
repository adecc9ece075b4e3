//! `batches` and `show`: what the journal holds. They need no venue and no secret.

use std::sync::Arc;

use equipoise::port::{Clock as _, Journal};
use equipoise::{BatchKey, BatchReport, Record, Saga, SystemClock};

use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::journals;
use crate::output::{BatchLine, Output, ReportDocument, batch_line_text, report_text, timeline};

pub(super) async fn batches(config: &Config, output: Output) -> Result<Exit, Failure> {
    let mut reports = Vec::new();
    if let Some(journal) = journals::open_to_read(&config.journal).await? {
        for key in journal.batches().await? {
            if let Some((_, report)) = stored(&journal, key).await? {
                reports.push(report);
            }
        }
        journal.close().await?;
    }
    let document: Vec<_> = reports.iter().map(BatchLine::new).collect();
    output.result(&document, || match reports.as_slice() {
        [] => "no batches".to_owned(),
        reports => {
            let lines: Vec<_> = reports.iter().map(batch_line_text).collect();
            lines.join("\n")
        }
    });
    Ok(Exit::Done)
}

pub(super) async fn show(config: &Config, key: &str, output: Output) -> Result<Exit, Failure> {
    let key: BatchKey =
        key.parse().map_err(|error| Failure::refused("usage", format!("{error}")))?;
    let unknown = || Failure::broken("not_found", format!("the journal has no batch {key}"));
    let journal = journals::open_to_read(&config.journal).await?;
    let journal = journal.ok_or_else(unknown)?;
    let found = stored(&journal, key).await?;
    journal.close().await?;
    let (records, report) = found.ok_or_else(unknown)?;
    let entries = timeline(&records);
    let text = || {
        let legs = entries.iter().filter_map(|entry| entry.leg.as_ref());
        let width = legs.map(String::len).max().unwrap_or(1);
        let lines = entries.iter().map(|entry| entry.text(width));
        let lines: Vec<_> = lines.collect();
        format!("{}\n{}", report_text(&report), lines.join("\n"))
    };
    let text = text();
    let document = ReportDocument::new(&report).with_timeline(entries);
    output.result(&document, || text);
    Ok(Exit::Done)
}

/// A batch's records and its account as of now.
async fn stored(
    journal: &Arc<dyn Journal>,
    key: BatchKey,
) -> Result<Option<(Vec<Record>, BatchReport)>, Failure> {
    let Some(records) = journal.read(key).await? else {
        return Ok(None);
    };
    let saga = Saga::replay(&records).map_err(|error| {
        let message = format!("batch {key} does not replay: {error}");
        Failure::broken("journal_damaged", message)
    })?;
    let report = saga.report(SystemClock::start().now());
    Ok(Some((records, report)))
}
