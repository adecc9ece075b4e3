//! `recover`: finishes every unfinished batch, then exits.

use equipoise::{BatchKey, BatchReport};
use serde::Serialize;
use serde_json::json;

use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::journals;
use crate::output::{Output, ReportDocument, report_text};
use crate::venues::OpenVenues;

use super::session::Session;

pub(super) async fn recover(config: &Config, output: Output) -> Result<Exit, Failure> {
    if !journals::exists(&config.journal) {
        return Ok(nothing(output));
    }
    let journal = journals::open(&config.journal).await?;
    let open = journal.open_batches().await?;
    if open.is_empty() {
        journal.close().await?;
        return Ok(nothing(output));
    }
    let venues = OpenVenues::open(config)?;
    let session = Session::start(journal, &venues, output).await?;
    let mut reports = Vec::with_capacity(open.len());
    let mut failed = None;
    for key in open {
        match conclude(&session, key).await {
            Ok(report) => reports.push(report),
            Err(failure) => failed = Some(failure),
        }
    }
    session.finish().await;
    Ok(print(output, &reports, failed.as_ref()))
}

fn nothing(output: Output) -> Exit {
    output.result(&json!({ "recovered": [] }), || "nothing to recover".to_owned());
    Exit::Done
}

/// Looked up by key, because a batch may have ended before anyone could hold it.
async fn conclude(session: &Session, key: BatchKey) -> Result<BatchReport, Failure> {
    let lost = || Failure::broken("defect", format!("batch {key} is not in its journal"));
    let handle = session.engine.batch(key).await?.ok_or_else(lost)?;
    let report = handle.wait().await?;
    Ok(BatchReport { duplicate: false, ..report })
}

#[derive(Serialize)]
struct Recovered<'a> {
    recovered: Vec<ReportDocument<'a>>,
}

fn print(output: Output, reports: &[BatchReport], failed: Option<&Failure>) -> Exit {
    let document = Recovered { recovered: reports.iter().map(ReportDocument::new).collect() };
    if let Some(failure) = failed {
        return output.failure_with(failure, Some(document));
    }
    output.result(&document, || {
        let texts: Vec<_> = reports.iter().map(report_text).collect();
        texts.join("\n")
    });
    let exits = reports.iter().map(|report| Exit::of(report.status));
    exits.max().unwrap_or(Exit::Done)
}
