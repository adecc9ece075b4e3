//! `run`: a plan to its end.

use equipoise::{BatchKey, BatchReport, BatchStatus, Plan};
use serde::Serialize;

use crate::args::RunArguments;
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::journals;
use crate::output::{Output, ReportDocument, ResumedDocument, report_text, resumed_text};
use crate::plan_file;
use crate::signals::StopRequests;
use crate::venues::OpenVenues;

use super::session::{self, Session};

pub(super) async fn run(
    config: &Config,
    arguments: &RunArguments,
    output: Output,
) -> Result<Exit, Failure> {
    let plan = plan_file::read(&arguments.plan.plan)?;
    let key = plan.check()?.key;
    let mut stop = StopRequests::listen(output)?;
    let venues = OpenVenues::open(config)?.logged();
    if !journals::exists(&config.journal) {
        // What fails its checks leaves no journal behind: the next start must still count as the first one, so that
        // it looks for orders of a journal that was lost (D5).
        tokio::select! {
            biased;
            priced = session::price(&venues, &plan) => drop(priced?),
            () = stop.requested() => return Err(Failure::interrupted()),
        }
    }
    let journal = journals::open(&config.journal).await?;
    let mut session = Session::start(journal, &venues, arguments.accounts, stop, output).await?;
    let ended = carry_through(&mut session, &plan, key).await;
    // Also after a refusal: other batches of the journal may be on their way.
    let mut resumed = session.finish().await;
    resumed.retain(|(other, _)| *other != key);
    match ended {
        Ok(report) => {
            let resumed = resumed_documents(&resumed);
            let text = || report_text(&report) + &resumed_text(&resumed);
            output.result(&ReportDocument::new(&report).with_resumed(&resumed), text);
            Ok(Exit::of(report.status))
        }
        Err(failure) if resumed.is_empty() => Err(failure),
        Err(failure) => {
            let failure = failure.in_journal(&config.journal);
            let resumed = resumed_documents(&resumed);
            output.note(resumed_text(&resumed).trim_end());
            Ok(output.failure_with(&failure, Some(Beside { resumed: &resumed })))
        }
    }
}

/// Other batches that a failed command carried to their end all the same.
#[derive(Serialize)]
struct Beside<'a> {
    resumed: &'a [ResumedDocument],
}

fn resumed_documents(resumed: &[(BatchKey, BatchStatus)]) -> Vec<ResumedDocument> {
    resumed.iter().map(|(key, status)| ResumedDocument::new(*key, *status)).collect()
}

async fn carry_through(
    session: &mut Session,
    plan: &Plan,
    key: BatchKey,
) -> Result<BatchReport, Failure> {
    let handle = tokio::select! {
        biased;
        handle = session.engine.submit(plan) => handle?,
        () = session.stop.requested() => {
            // The submission was dropped. It may have been admitted at the very last moment, or have met its own
            // earlier run; then that batch runs to neutral like any other.
            session.engine.stop();
            let admitted = session.engine.batch(key).await?;
            admitted.ok_or_else(Failure::interrupted)?
        }
    };
    Ok(handle.wait().await?)
}
