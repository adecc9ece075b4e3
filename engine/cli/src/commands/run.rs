//! `run`: a plan to its end.

use equipoise::{BatchKey, BatchReport, Plan};

use crate::args::RunArguments;
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::journals;
use crate::output::{Output, ReportDocument, report_text};
use crate::plan_file;
use crate::venues::OpenVenues;

use super::session::{self, Session};

pub(super) async fn run(
    config: &Config,
    arguments: &RunArguments,
    output: Output,
) -> Result<Exit, Failure> {
    let plan = plan_file::read(&arguments.plan.plan)?;
    let key = plan.check()?.key;
    let venues = OpenVenues::open(config)?;
    if !journals::exists(&config.journal) {
        // What fails its checks leaves no journal behind: the next start must still count as the first one, so that
        // it looks for orders of a journal that was lost (D5).
        session::price(&venues, &plan).await?;
    }
    let journal = journals::open(&config.journal).await?;
    let mut session = Session::start(journal, &venues, arguments.accounts, output).await?;
    let ended = carry_through(&mut session, &plan, key).await;
    // Also after a refusal: other batches of the journal may be on their way.
    session.finish().await;
    let report = ended?;
    output.result(&ReportDocument::new(&report), || report_text(&report));
    Ok(Exit::of(report.status))
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
