//! One seed from start to end: lives of the engine, deaths in between, and the checks at the end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use equipoise_core::{BatchKey, BatchReport, Record, UnixMillis, VenueName};
use equipoise_port::{Clock, JournalError};
use equipoise_runtime::journal::MemoryDisk;
use equipoise_runtime::{
    BatchError, CheckError, Engine, Settings, StartError, SubmitError, SystemClock, VenueSetup,
};
use equipoise_venues::open;
use tokio::task::JoinSet;

use crate::journal::MortalJournal;
use crate::mark::Marks;
use crate::net::Net;
use crate::scenario::{Planned, START_MS, Scenario};
use crate::wire::Wire;
use crate::{Violation, check, logs, plant, secrets};

/// Longest virtual time from healing until every batch must have ended, milliseconds.
/// An announced ban of ten minutes may have to be waited out first.
const END_MS_MAX: u64 = 1_800_000;
/// How long everything under way may still arrive after the last batch has ended.
const SETTLE_MS: u64 = 30_000;
/// Pause before a refused submission is repeated; doubled each time. Checks cost requests, so a strategy that came again
/// at once could use up all that a venue allows with nothing but checks.
const AGAIN_MS: u64 = 400;
/// Longest such pause.
const AGAIN_MS_MAX: u64 = 1_600;
/// More lives than any seed has deaths.
const LIVES_MAX: usize = 40;

/// What a seed came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Claims that did not hold; none is how it should be.
    pub violations: Vec<Violation>,
    /// Situations met.
    pub marks: Marks,
    /// What happened on the wire, line by line; the same seed gives the same lines.
    pub trace: Vec<String>,
    /// What was logged, if it was kept.
    pub logs: String,
    /// Batches run to their end.
    pub batches: usize,
    /// Virtual milliseconds that passed.
    pub virtual_ms: u64,
}

/// How a plan ended.
#[derive(Debug, Clone)]
pub(crate) enum PlanEnd {
    /// Its batch ended.
    Ended(Box<BatchReport>),
    /// It was refused for good before anything was sent.
    Refused(String),
}

/// Why a life ended.
enum LifeEnd {
    /// The process died, or must be started again.
    Died,
    /// Every batch ended and everything settled.
    Over(BTreeMap<usize, PlanEnd>),
}

/// Why a plan's task stopped.
enum Stop {
    /// The journal failed: start again (P4).
    Restart,
    Violated(Violation),
}

/// Runs one seed. Logs are searched for secrets, not kept.
#[must_use]
pub fn run(seed: u64) -> Outcome {
    Scenario::draw(seed).play(false)
}

impl Scenario {
    /// Plays the scenario to its end and checks it; `keep_logs` keeps what was logged.
    #[must_use]
    pub fn play(&self, keep_logs: bool) -> Outcome {
        let (logs, guard) = logs::capture(keep_logs);
        let disk = MemoryDisk::new();
        let keys = self.plans.iter().filter_map(|planned| Some(planned.plan.check().ok()?.key));
        let keys: Vec<BatchKey> = keys.collect();
        let net = Net::new(self, disk.clone(), keys.clone());
        let ends = self.live(&net, &disk);
        drop(guard);
        let records: Vec<Option<Vec<Record>>> =
            keys.iter().map(|key| disk.synced_records(*key).ok().flatten()).collect();
        check::all(self, &net, &ends, &records);
        if logs.leaked() {
            net.violated("A5 secrets stay inside", "key or secret was logged");
        }
        let found = net.found();
        Outcome {
            violations: found.violations,
            marks: found.marks,
            trace: found.trace,
            logs: logs.text(),
            batches: ends.len(),
            virtual_ms: net.now_ms() - START_MS,
        }
    }

    /// Lives and deaths until every plan has ended.
    fn live(&self, net: &Arc<Net>, disk: &MemoryDisk) -> BTreeMap<usize, PlanEnd> {
        let mut skew_ms = self.skew_ms;
        for _ in 0..LIVES_MAX {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .expect("a runtime without a driver needs nothing of the system");
            let ended = runtime.block_on(async {
                if let Some(death) = net.begin_life() {
                    skew_ms = death.skew_ms;
                    if death.power {
                        net.met("power cut");
                        if disk.unsynced() > 0 {
                            net.met("journal lost unsynced records");
                        }
                        disk.lose_unsynced();
                    } else {
                        // The page cache outlives a process, and the next one reads from it.
                        disk.hold_syncs(false);
                    }
                }
                tokio::spawn(carry(net.clone()));
                tokio::select! {
                    biased;
                    () = death(net) => LifeEnd::Died,
                    ended = self.one_life(net, disk, skew_ms) => ended,
                }
            });
            // Everything the process was doing ends here, in the middle of whatever it was.
            drop(runtime);
            match ended {
                LifeEnd::Over(ends) => return ends,
                LifeEnd::Died => {}
            }
        }
        net.violated("batches end", format!("not over after {LIVES_MAX} lives"));
        BTreeMap::new()
    }

    async fn one_life(&self, net: &Arc<Net>, disk: &MemoryDisk, skew_ms: i64) -> LifeEnd {
        let engine = match self.engine(net, disk, skew_ms).await {
            Ok(engine) => engine,
            Err(StartError::Journal(JournalError::Failed(_))) => {
                net.die_by_itself();
                std::future::pending().await
            }
            Err(why) => {
                net.violated("an engine starts on what was left", why.to_string());
                net.end_life();
                return LifeEnd::Over(BTreeMap::new());
            }
        };
        let deadline = net.instant(net.heal_ms().max(net.now_ms()) + END_MS_MAX);
        let ended = tokio::time::timeout_at(deadline, self.run_plans(net, &engine)).await;
        let ended = match ended {
            Ok(Ok(ends)) => ends,
            Ok(Err(Stop::Restart)) => {
                net.die_by_itself();
                std::future::pending().await
            }
            Ok(Err(Stop::Violated(violation))) => {
                net.violated(violation.claim, violation.seen);
                net.end_life();
                return LifeEnd::Over(BTreeMap::new());
            }
            Err(_) => {
                let open: Vec<String> = engine
                    .live()
                    .iter()
                    .map(|batch| format!("{} {:?}", batch.key(), batch.report()))
                    .collect();
                net.violated("batches end", format!("still open after healing: {open:?}"));
                net.end_life();
                return LifeEnd::Over(BTreeMap::new());
            }
        };
        let settled = net.heal_ms().max(net.now_ms()) + SETTLE_MS;
        tokio::time::sleep_until(net.instant(settled)).await;
        self.submit_again(net, &engine, &ended).await;
        engine.drain().await;
        if let Err(error) = engine.close().await {
            net.violated("a journal closes", error.to_string());
        }
        self.lose_journal(net, disk, &ended).await;
        net.end_life();
        LifeEnd::Over(ended)
    }

    pub(crate) async fn engine(
        &self,
        net: &Arc<Net>,
        disk: &MemoryDisk,
        skew_ms: i64,
    ) -> Result<Engine, StartError> {
        let started_at = UnixMillis(net.now_ms().saturating_add_signed(skew_ms));
        let clock = Arc::new(SystemClock::starting_at(started_at));
        let journal = Arc::new(MortalJournal::open(net.clone(), disk)?);
        let settings = Settings { doubt_grace_ms: self.doubt_grace_ms, jitter_seed: self.seed };
        let mut builder =
            Engine::builder(plant::journal(self, journal)).clock(clock.clone()).settings(settings);
        for (exchange, desk) in self.desks.iter().enumerate() {
            let adapter = desk.place.adapter;
            let name = VenueName::new(adapter).expect("a valid name");
            // Its real address: the wire takes requests to any.
            let settings =
                equipoise_venues::Settings::builder(name.clone(), adapter, desk.key.held()).build();
            let wire = Arc::new(Wire { net: net.clone(), exchange });
            let clock: Arc<dyn Clock> = clock.clone();
            let wire = plant::transport(self, wire);
            let venue = open(settings, wire, clock).expect("every place has an adapter");
            let venue = plant::venue(self, venue);
            builder = builder.venue(name, VenueSetup { venue, positions: desk.positions });
        }
        builder.start().await
    }

    /// Submits every plan, as a restarted strategy does too, and waits for the ends.
    async fn run_plans(
        &self,
        net: &Arc<Net>,
        engine: &Engine,
    ) -> Result<BTreeMap<usize, PlanEnd>, Stop> {
        let mut running = JoinSet::new();
        for (index, planned) in self.plans.iter().cloned().enumerate() {
            let (net, engine) = (net.clone(), engine.clone());
            running.spawn(async move { Ok((index, run_plan(&net, &engine, &planned).await?)) });
        }
        let mut ends = BTreeMap::new();
        while let Some(joined) = running.join_next().await {
            let panicked = |error: tokio::task::JoinError| {
                Stop::Violated(Violation::new("no task panics", error.to_string()))
            };
            let (index, end) = joined.map_err(panicked)??;
            ends.insert(index, end);
        }
        engine.recover().await.map_err(stopped)?;
        Ok(ends)
    }

    /// D1: the same plan once more gets the first result and sends nothing.
    async fn submit_again(&self, net: &Arc<Net>, engine: &Engine, ends: &BTreeMap<usize, PlanEnd>) {
        let orders = || net.orders_accepted();
        let before = orders();
        for (index, end) in ends {
            let PlanEnd::Ended(report) = end else { continue };
            match engine.submit(&self.plans[*index].plan).await {
                Ok(handle) => {
                    let again = handle.report();
                    let same = again.as_ref().is_some_and(|again| {
                        again.duplicate
                            && again.status == report.status
                            && again.net_delta == report.net_delta
                            && again.legs == report.legs
                    });
                    if !same {
                        net.violated("D1 a repeat gets the first result", format!("{again:?}"));
                    }
                    net.met("duplicate submission answered");
                }
                Err(error) => net.violated("D1 a repeat gets the first result", error.to_string()),
            }
            self.submit_changed(net, engine, &self.plans[*index].plan).await;
        }
        if orders() != before {
            net.violated("D1 a repeat sends nothing", format!("{before:?} became {:?}", orders()));
        }
    }
}

/// Brings what is under way to where it goes.
async fn carry(net: Arc<Net>) {
    loop {
        net.arrive_due();
        match net.next_arrival() {
            Some(at_ms) => {
                let at = net.instant(at_ms);
                tokio::select! {
                    biased;
                    () = net.news.notified() => {}
                    () = tokio::time::sleep_until(at) => {}
                }
            }
            None => net.news.notified().await,
        }
    }
}

/// Returns when the process dies.
async fn death(net: &Arc<Net>) {
    loop {
        if net.is_dead() {
            net.end_life();
            return;
        }
        match net.next_timed_kill() {
            Some(at_ms) => {
                let at = net.instant(at_ms);
                tokio::select! {
                    biased;
                    () = net.death.notified() => {}
                    () = tokio::time::sleep_until(at) => net.die_in_time(),
                }
            }
            None => net.death.notified().await,
        }
    }
}

async fn run_plan(net: &Arc<Net>, engine: &Engine, planned: &Planned) -> Result<PlanEnd, Stop> {
    tokio::time::sleep_until(net.instant(planned.submit_ms)).await;
    let mut again_ms = AGAIN_MS;
    let handle = loop {
        match engine.submit(&planned.plan).await {
            Ok(handle) => break handle,
            Err(SubmitError::Journal(_)) => return Err(Stop::Restart),
            Err(SubmitError::Check(error)) if error.is_passing() => {
                refuse_secrets(net, &error);
                tokio::time::sleep(Duration::from_millis(again_ms)).await;
                again_ms = (again_ms * 2).min(AGAIN_MS_MAX);
            }
            Err(SubmitError::Check(error @ CheckError::Size(_))) => {
                return Ok(PlanEnd::Refused(error.to_string()));
            }
            Err(error) => {
                let seen = format!("a sound plan is refused: {error}");
                return Err(Stop::Violated(Violation::new("a plan is admitted", seen)));
            }
        }
    };
    if let Some(at_ms) = planned.cancel_ms {
        let (net, handle) = (net.clone(), handle.clone());
        tokio::spawn(async move {
            tokio::time::sleep_until(net.instant(at_ms)).await;
            net.met("cancel asked for");
            handle.cancel();
        });
    }
    let report = handle.wait().await.map_err(stopped)?;
    refuse_secrets(net, &report);
    Ok(PlanEnd::Ended(Box::new(report)))
}

fn refuse_secrets(net: &Net, shown: &impl std::fmt::Debug) {
    let shown = format!("{shown:?}");
    if secrets::shows(&shown) {
        net.violated("A5 secrets stay inside", shown);
    }
}

/// A failed journal ends the process; anything else is a defect.
fn stopped(error: BatchError) -> Stop {
    match error {
        BatchError::Journal(_) => Stop::Restart,
        BatchError::Submit(refused) if matches!(*refused, SubmitError::Journal(_)) => Stop::Restart,
        error => Stop::Violated(Violation::new("a batch goes on", error.to_string())),
    }
}
