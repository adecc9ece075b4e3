//! `recover`: finishes every unfinished batch, asks about parked ones again, then exits.

use std::sync::Arc;

use equipoise::port::Journal;
use equipoise::{BatchKey, BatchReport, Saga};
use serde::Serialize;
use serde_json::json;

use crate::args::AccountArguments;
use crate::config::{Config, JournalConfig};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::journals;
use crate::output::{Output, ReportDocument, report_text};
use crate::signals::StopRequests;
use crate::venues::OpenVenues;

use super::session::Session;

pub(super) async fn recover(
    config: &Config,
    accounts: AccountArguments,
    output: Output,
) -> Result<Exit, Failure> {
    if !journals::exists(&config.journal) {
        return Ok(nothing(output));
    }
    let stop = StopRequests::listen(output)?;
    let journal = journals::open(&config.journal).await?;
    let open = journal.open_batches().await?;
    if !open.is_empty() {
        let venues = OpenVenues::open(config)?.logged();
        let session = Session::start(journal, &venues, accounts, stop, output).await?;
        return Ok(finish_all(session, open, &config.journal, output).await);
    }
    if !has_questions(&*journal).await? {
        journal.close().await?;
        return Ok(nothing(output));
    }
    Ok(match review_only(journal, config, accounts, stop, output).await {
        Ok(reviewed) => print(output, &[], &reviewed, None),
        Err(failure) => {
            // Nothing was open, and what was parked stays as it was.
            let Failure { code, message, .. } = failure;
            tracing::warn!(code, "parked batches were not asked about: {message}");
            nothing(output)
        }
    })
}

/// Asks about parked batches where no other is left to finish.
async fn review_only(
    journal: Arc<dyn Journal>,
    config: &Config,
    accounts: AccountArguments,
    stop: StopRequests,
    output: Output,
) -> Result<Vec<BatchReport>, Failure> {
    let venues = match OpenVenues::open(config) {
        Ok(venues) => venues.logged(),
        Err(failure) => {
            journal.close().await?;
            return Err(failure);
        }
    };
    let mut session = Session::start(journal, &venues, accounts, stop, output).await?;
    let learned = review(&mut session).await;
    session.finish().await;
    learned
}

/// Carries every unfinished batch to its end, then asks about the parked ones.
async fn finish_all(
    mut session: Session,
    open: Vec<BatchKey>,
    journal: &JournalConfig,
    output: Output,
) -> Exit {
    let mut reports = Vec::with_capacity(open.len());
    let mut failed = None;
    for key in open {
        match conclude(&session, key).await {
            Ok(report) => reports.push(report),
            Err(failure) => failed = Some(failure),
        }
    }
    let mut reviewed = Vec::new();
    let learned = review(&mut session).await.unwrap_or_else(|failure| {
        failed = Some(failure);
        Vec::new()
    });
    for report in learned {
        match reports.iter_mut().find(|recovered| recovered.key == report.key) {
            // Parked just now, and learned more of since.
            Some(recovered) => *recovered = report,
            None => reviewed.push(report),
        }
    }
    session.finish().await;
    let failed = failed.map(|failure| failure.in_journal(journal));
    print(output, &reports, &reviewed, failed.as_ref())
}

/// Whether a parked batch has orders of unknown outcome.
async fn has_questions(journal: &dyn Journal) -> Result<bool, Failure> {
    for key in journal.parked_batches().await? {
        let records = journal.read(key).await?.unwrap_or_default();
        let saga = Saga::replay(&records).map_err(|error| {
            let message = format!("batch {key} does not replay: {error}");
            Failure::broken("journal_damaged", message)
        })?;
        let mut ranges = saga.net_delta_range().into_iter().flatten();
        if ranges.any(|(_, range)| range.least != range.greatest) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Parked batches are asked about once more, until asked to stop.
async fn review(session: &mut Session) -> Result<Vec<BatchReport>, Failure> {
    tokio::select! {
        biased;
        reports = session.engine.review_parked() => Ok(reports?),
        () = session.stop.requested() => Ok(Vec::new()),
    }
}

fn nothing(output: Output) -> Exit {
    output.result(&json!({ "recovered": [], "reviewed": [] }), || "nothing to recover".to_owned());
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
    reviewed: Vec<ReportDocument<'a>>,
}

fn print(
    output: Output,
    reports: &[BatchReport],
    reviewed: &[BatchReport],
    failed: Option<&Failure>,
) -> Exit {
    let document = Recovered {
        recovered: reports.iter().map(ReportDocument::new).collect(),
        reviewed: reviewed.iter().map(ReportDocument::new).collect(),
    };
    if let Some(failure) = failed {
        return output.failure_with(failure, Some(document));
    }
    output.result(&document, || {
        let recovered = reports.iter().map(report_text);
        let reviewed = reviewed.iter().map(report_text);
        let reviewed = reviewed.map(|text| format!("parked before, asked about again\n{text}"));
        recovered.chain(reviewed).collect::<Vec<_>>().join("\n")
    });
    let exits = reports.iter().map(|report| Exit::of(report.status));
    exits.max().unwrap_or(Exit::Done)
}
