//! An engine at work for one command: signals, progress, and an orderly end.

use std::sync::Arc;

use equipoise::journal::MemoryJournal;
use equipoise::port::Journal;
use equipoise::{BatchKey, BatchStatus, Engine, Plan, PlanCheck};

use crate::args::AccountArguments;
use crate::failure::Failure;
use crate::output::Output;
use crate::signals::StopRequests;
use crate::venues::OpenVenues;

use super::progress::Progress;

/// A started engine. Unfinished batches of its journal are on their way by themselves.
pub(super) struct Session {
    pub(super) engine: Engine,
    pub(super) stop: StopRequests,
    /// Batches that were unfinished before, in order of admission.
    resumed: Vec<BatchKey>,
    progress: Progress,
    output: Output,
}

impl Session {
    /// Starts an engine on a journal. From here on a stop request means no new risk for any batch, and so does one that
    /// came before.
    pub(super) async fn start(
        journal: Arc<dyn Journal>,
        venues: &OpenVenues,
        accounts: AccountArguments,
        stop: StopRequests,
        output: Output,
    ) -> Result<Self, Failure> {
        let resumed = journal.open_batches().await?;
        announce(&resumed, output);
        let progress = Progress::start(output, journal.clone());
        let mut builder =
            venues.add_to(Engine::builder(journal.clone())).same_accounts(accounts.same_accounts);
        if let Some(observer) = progress.observer() {
            builder = builder.observer(observer);
        }
        let engine = match builder.start().await {
            Ok(engine) => engine,
            Err(error) => {
                // The progress still holds the journal: given up here, it counts as closed cleanly.
                let _ = journal.close().await;
                return Err(error.into());
            }
        };
        let (stopped, mut requests) = (engine.clone(), stop.clone());
        tokio::spawn(async move {
            requests.requested().await;
            stopped.stop();
        });
        Ok(Self { engine, stop, resumed, progress, output })
    }

    /// Waits until every batch has ended, then closes the journal. Returns the unfinished batches it found and where
    /// they stand now.
    pub(super) async fn finish(self) -> Vec<(BatchKey, BatchStatus)> {
        self.engine.drain().await;
        self.progress.finish();
        let mut resumed = Vec::with_capacity(self.resumed.len());
        for key in self.resumed {
            let batch = self.engine.batch(key).await.ok().flatten();
            resumed.push((key, batch.map_or(BatchStatus::Running, |batch| batch.status())));
        }
        // What was reported is durable already; only the next start may take a little longer.
        if let Err(error) = self.engine.close().await {
            self.output.note(&format!("the journal was not closed cleanly: {error}"));
        }
        resumed
    }
}

fn announce(open: &[BatchKey], output: Output) {
    if open.is_empty() {
        return;
    }
    let keys: Vec<_> = open.iter().map(ToString::to_string).collect();
    output.note(&format!(
        "unfinished batches of the journal go on first, and this command ends when they have ended: {}",
        keys.join(", ")
    ));
}

/// Checks and prices a plan against its venues without any journal.
pub(super) async fn price(venues: &OpenVenues, plan: &Plan) -> Result<PlanCheck, Failure> {
    let builder = Engine::builder(Arc::new(MemoryJournal::new()));
    let engine = venues.add_to(builder).start().await?;
    Ok(engine.check(plan).await?)
}
