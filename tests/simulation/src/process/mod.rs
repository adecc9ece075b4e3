//! One start of the engine: it takes the journal, resumes what is open, admits what is submitted, and may die at any point.

mod activity;
mod carry;
mod driver;
mod look;
mod pace;
mod records;
mod together;

use std::collections::{BTreeMap, VecDeque};

use equipoise_core::{BatchSpec, BatchStatus, Event, Record, Role, Saga, Stage, UnixMillis};
use fastrand::Rng;

use activity::{Activities, Measured};
pub(crate) use carry::WINDOW_LOST;
pub(crate) use driver::{Driver, Input};

use crate::check::Claim;
use crate::env::{Env, Happening};
use crate::fault::Fault;
use crate::mark::Mark;
use crate::network::Outside;
use crate::plant;

/// How long a process whose journal failed may take to end.
const FAILED_MS_MAX: u64 = 2_000;

/// One start of the engine.
#[derive(Debug)]
pub(crate) struct Process {
    /// Index among all starts.
    pub(crate) index: usize,
    pub(crate) epoch: u64,
    pub(crate) alive: bool,
    pub(crate) paused_until: u64,
    /// Its journal took an append no more: nothing further is sent or admitted, and it is about to end (P4).
    failed: bool,
    /// What reached it while it stood still.
    deferred: Vec<Happening>,
    drivers: BTreeMap<u8, Driver>,
    activities: Activities,
    clocks: Vec<Option<Measured>>,
    jitter: Rng,
    /// Submissions that wait until what was resumed is settled.
    waiting: VecDeque<u8>,
}

impl Process {
    pub(crate) fn new(index: usize, epoch: u64, venues: usize, jitter: Rng) -> Self {
        Self {
            index,
            epoch,
            alive: true,
            paused_until: 0,
            failed: false,
            deferred: Vec::new(),
            drivers: BTreeMap::new(),
            activities: Activities::default(),
            clocks: vec![None; venues],
            jitter,
            waiting: VecDeque::new(),
        }
    }

    /// Replays every open batch, and asks before it acts (R11).
    pub(crate) fn start(&mut self, out: &mut Outside) {
        let mut journal: BTreeMap<u8, Vec<Record>> = BTreeMap::new();
        let mut appends: Vec<(u8, Vec<Record>)> = out.disk.read_all().collect();
        if plant::leaves_last_out(&out.env) {
            appends.pop();
        }
        for (batch, records) in appends {
            journal.entry(batch).or_default().extend(records);
        }
        let mut over: Vec<Saga> = Vec::new();
        for (batch, records) in journal {
            let saga = match Saga::replay(&records) {
                Ok(saga) => saga,
                Err(error) => {
                    out.check.fail(Claim::Replay, format!("batch {batch}: {error}"));
                    return;
                }
            };
            out.check.replayed(batch, &saga);
            let appended = u32::try_from(records.len()).unwrap_or(u32::MAX);
            if saga.status() == BatchStatus::Running {
                self.enter(out, batch, Driver::new(saga, appended));
            } else {
                over.push(saga);
            }
        }
        // What ended here before the start still stands in the positions that open batches are compared with.
        for saga in &over {
            let ended_at = saga.ended().map(|ended| ended.at).unwrap_or_default();
            for driver in self.drivers.values_mut() {
                if ended_at >= driver.saga.spec().admitted_at {
                    contend(driver, saga.spec());
                }
            }
        }
        let resumed: Vec<u8> = self.drivers.keys().copied().collect();
        for batch in &resumed {
            self.resume(out, *batch);
        }
        for batch in out.workload.submitted_by(out.env.now) {
            if out.check.is_admitted(batch) {
                continue;
            }
            if out.workload.was_entered(batch) {
                out.env.tally.hit(Mark::SubmittedAgain);
            }
            self.submit(out, batch);
        }
    }

    fn resume(&mut self, out: &mut Outside, batch: u8) {
        let Some(driver) = self.drivers.get_mut(&batch) else { return };
        out.env.tally.hit(Mark::Resumed);
        if out.workload.resumed_again(batch) {
            out.env.tally.hit(Mark::ResumedAgain);
        }
        driver.unsettled = true;
        out.check.resumed(batch);
        if !resuming_twice_is_once(&out.env, &driver.saga) {
            let text = format!("batch {batch}: resuming twice leads elsewhere than resuming once");
            out.check.fail(Claim::ResumeTwice, text);
        }
        self.tell(out, batch, Input::Event(Event::Resumed));
    }

    fn enter(&mut self, out: &mut Outside, batch: u8, mut driver: Driver) {
        for other in self.drivers.values_mut() {
            let met = contend(other, driver.saga.spec());
            contend(&mut driver, &other.saga.spec().clone());
            if met {
                out.env.tally.hit(Mark::Contended);
            }
        }
        self.drivers.insert(batch, driver);
    }

    /// Someone submits a plan.
    pub(crate) fn submit(&mut self, out: &mut Outside, batch: u8) {
        // Whoever is refused by an owner that is about to end submits to the next one.
        if self.failed || out.check.is_admitted(batch) || self.drivers.contains_key(&batch) {
            return;
        }
        if self.drivers.values().any(|driver| driver.unsettled) {
            self.waiting.push_back(batch);
            return;
        }
        if !out.disk.room.takes_batches(out.env.now) {
            out.env.tally.hit(Mark::AdmissionWaited);
            out.workload.submit_again(&mut out.env, batch);
            return;
        }
        match out.workload.size(batch, out.env.now, &mut out.venues) {
            Ok(Some(spec)) => {
                if out.disk.room.is_counted(out.env.now) {
                    out.env.tally.hit(Mark::AdmittedAboveFloor);
                }
                out.workload.note_entered(batch);
                self.enter(out, batch, Driver::admitted(Saga::new(plant::spec(&out.env, spec))));
                self.tell(out, batch, Input::Event(Event::Wake));
            }
            Ok(None) => out.workload.submit_again(&mut out.env, batch),
            Err(_) => {
                out.env.tally.hit(Mark::PlanRefused);
                out.workload.refuse(batch);
            }
        }
    }

    fn admit_waiting(&mut self, out: &mut Outside) {
        if self.drivers.values().any(|driver| driver.unsettled) {
            return;
        }
        for batch in std::mem::take(&mut self.waiting) {
            out.env.queue.push(out.env.now + 1, Happening::Submit(batch));
        }
    }

    /// An append of a batch was refused for good: the batch cannot go on here, and the process ends before long. Until
    /// then other batches go on up to their own next append.
    fn journal_failed(&mut self, out: &mut Outside, batch: u8) {
        self.drivers.remove(&batch);
        self.waiting.clear();
        if self.failed {
            return;
        }
        self.failed = true;
        let process = self.index;
        out.env.trace.line(out.env.now, || format!("the journal of process {process} failed"));
        let at = out.env.now + out.env.faults.size(Fault::DiskFull, 0..=FAILED_MS_MAX);
        out.env.queue.push(at, Happening::GivesUp { process });
    }

    /// The user wants no new risk.
    pub(crate) fn stop(&mut self, out: &mut Outside) {
        let batches: Vec<u8> = self.drivers.keys().copied().collect();
        for batch in batches {
            out.env.tally.hit(Mark::Stopped);
            self.tell(out, batch, Input::Stop);
        }
    }

    /// Keeps what happens while the process stands still; true if it did.
    pub(crate) fn defers(&mut self, now: u64, happening: Happening) -> Option<Happening> {
        if self.paused_until > now {
            self.deferred.push(happening);
            return None;
        }
        Some(happening)
    }

    pub(crate) fn take_deferred(&mut self) -> Vec<Happening> {
        std::mem::take(&mut self.deferred)
    }

    /// Ends at once; nothing in memory survives.
    pub(crate) fn die(&mut self) {
        self.alive = false;
        self.drivers.clear();
        self.activities = Activities::default();
        self.deferred.clear();
        self.waiting.clear();
    }

    /// Notes what a kill caught half way.
    pub(crate) fn note_death(&self, out: &mut Outside) {
        for driver in self.drivers.values() {
            for (tag, order) in driver.saga.open_orders() {
                out.env.tally.hit(match order.stage {
                    Stage::Intended => Mark::DiedWithIntent,
                    Stage::InDoubt => Mark::DiedInDoubt,
                    _ => Mark::DiedWithOpenOrder,
                });
                if tag.role == Role::Unwind {
                    out.env.tally.hit(Mark::DiedUnwinding);
                }
            }
        }
    }

    /// True when no batch is under way here.
    pub(crate) fn is_idle(&self) -> bool {
        self.drivers.is_empty() && self.waiting.is_empty()
    }
}

/// Marks the legs whose instrument the other batch trades too; true if there are any.
fn contend(driver: &mut Driver, other: &BatchSpec) -> bool {
    let mut met = false;
    for (contended, leg) in driver.contended.iter_mut().zip(&driver.saga.spec().legs) {
        let shared = other.legs.iter().any(|theirs| {
            theirs.venue == leg.venue && theirs.instrument.symbol == leg.instrument.symbol
        });
        *contended |= shared;
        met |= shared;
    }
    met
}

/// Recovery that is interrupted and begun again must lead where one recovery leads (R11).
fn resuming_twice_is_once(env: &Env, saga: &Saga) -> bool {
    let now = UnixMillis(env.now);
    let resume = |saga: &Saga| {
        let mut after = saga.clone();
        let step = plant::resumed(env, saga, saga.step(now, &Event::Resumed));
        step.records.iter().all(|record| after.apply(record).is_ok()).then_some(after)
    };
    let once = resume(saga);
    let twice = once.as_ref().and_then(resume);
    match (once, twice) {
        (Some(once), Some(twice)) => once.step(now, &Event::Wake) == twice.step(now, &Event::Wake),
        _ => false,
    }
}
