//! The event loop of one simulation: a single thread, simulated time, and nothing that is not decided by the seed.

mod trouble;

use crate::check::{Claim, Violation};
use crate::disk::Synced;
use crate::env::{Env, Happening};
use crate::fault::{Fault, Faults};
use crate::mark::{Mark, Tally};
use crate::network::Outside;
use crate::plant;
use crate::process::Process;
use crate::queue::Queue;
use crate::scenario::Scenario;
use crate::trace::Trace;
use crate::workload::{Workload, draw_venues};

/// Engine time at which every simulation begins.
pub(crate) const START: u64 = 1_700_000_000_000;
/// When everything that goes wrong stops, counted from the start.
const HEALED_AFTER_MS: u64 = 60_000;
/// How long late effects may still come after every batch has ended.
const AFTERMATH_MS: u64 = 20_000;
/// How often hosts and venues may get into trouble.
const MISCHIEF_EVERY_MS: u64 = 400;
/// How long after a start without room another is tried.
const START_AGAIN_MS: std::ops::RangeInclusive<u64> = 300..=4_000;
/// Things that may happen in one simulation before it is said not to end.
const HAPPENINGS_MAX: u64 = 2_000_000;

/// What one simulation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The first claim that did not hold.
    pub violation: Option<Violation>,
    /// Digest of everything that happened, in order.
    pub hash: u64,
    /// Situations reached.
    pub tally: Tally,
    /// Batches that were admitted.
    pub batches: u64,
    /// What happened, in readable lines, if asked for.
    pub trace: Vec<String>,
}

/// Runs one simulation to its end, or to the first claim that does not hold.
#[must_use]
pub fn simulate(scenario: &Scenario, readable: bool) -> Outcome {
    let _bent = plant::begin(scenario);
    World::new(scenario, readable).run()
}

struct World {
    out: Outside,
    processes: Vec<Process>,
    jitter: fastrand::Rng,
    hosts: fastrand::Rng,
    /// When the current process started.
    started_at: u64,
    ending: bool,
}

impl World {
    fn new(scenario: &Scenario, readable: bool) -> Self {
        let mut faults = Faults::new(scenario.seed, &scenario.faults);
        let venues = draw_venues(scenario, &mut faults);
        let workload = Workload::new(scenario, &venues);
        let mut env = Env {
            now: START,
            queue: Queue::new(scenario.stream(3)),
            faults,
            rng: scenario.stream(4),
            tally: Tally::default(),
            trace: Trace::new(readable),
            #[cfg(planted)]
            plant: scenario.plant,
        };
        workload.schedule(&mut env);
        env.queue.push(START, Happening::Start);
        env.queue.push(START + MISCHIEF_EVERY_MS, Happening::Mischief);
        env.queue.push(START + HEALED_AFTER_MS, Happening::Heal);
        let mut out = Outside::new(env, venues, workload);
        out.check.strict = scenario.strict;
        Self {
            out,
            processes: Vec::new(),
            jitter: scenario.stream(5),
            hosts: scenario.stream(6),
            started_at: 0,
            ending: false,
        }
    }

    fn run(mut self) -> Outcome {
        let mut happenings = 0;
        while let Some((at, happening)) = self.out.env.queue.pop() {
            self.out.env.now = at;
            self.out.env.trace.number(at);
            if matches!(happening, Happening::End) {
                self.judge();
                break;
            }
            self.happen(happening);
            happenings += 1;
            if happenings > HAPPENINGS_MAX {
                self.out.check.fail(Claim::Liveness, "no end of things happening".to_owned());
            }
            if self.out.check.violation().is_some() {
                break;
            }
        }
        let env = &mut self.out.env;
        env.tally.add_faults(env.faults.struck());
        let count = u8::try_from(self.out.workload.plans.len()).unwrap_or(u8::MAX);
        Outcome {
            violation: self.out.check.violation().cloned(),
            hash: env.trace.hash(),
            tally: env.tally.clone(),
            batches: (0..count).filter(|batch| self.out.check.is_admitted(*batch)).count() as u64,
            trace: env.trace.take_text(),
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Arrive { venue, ticket, departure, call, copy } => {
                self.out.arrive(venue, ticket, departure, *call, copy);
            }
            Happening::Venue { venue, event } => {
                let answer = self.out.venues[venue].happen(&mut self.out.env, event);
                if let Some((ticket, reply)) = answer {
                    self.out.reply(ticket, reply);
                }
            }
            Happening::Synced { sync } => self.synced(sync),
            Happening::Mischief => self.mischief(),
            Happening::Start => self.start(),
            Happening::GivesUp { process } => self.gives_up(process),
            Happening::Heal => self.heal(),
            Happening::Submit(batch) => {
                let owner = self.processes.len().saturating_sub(1);
                self.in_process(owner, Happening::Submit(batch));
            }
            Happening::Unpause { process } => {
                let deferred = self.processes.get_mut(process).map(Process::take_deferred);
                for happening in deferred.unwrap_or_default() {
                    match happening {
                        Happening::GivesUp { process } => self.gives_up(process),
                        other => self.in_process(process, other),
                    }
                }
            }
            Happening::Timer { process, .. }
            | Happening::Depart { process, .. }
            | Happening::Tell { process, .. } => self.in_process(process, happening),
            Happening::Answer { ticket, .. } => self.in_process(ticket.process, happening),
            Happening::End => {}
        }
    }

    /// Something for one process, unless it is dead or stands still.
    fn in_process(&mut self, process: usize, happening: Happening) {
        let out = &mut self.out;
        let Some(process) = self.processes.get_mut(process).filter(|process| process.alive) else {
            return;
        };
        let Some(happening) = process.defers(out.env.now, happening) else { return };
        match happening {
            Happening::Timer { batch, generation, .. } => process.timer(out, batch, generation),
            Happening::Depart { batch, tag, request, .. } => {
                process.hand_over(out, batch, tag, *request);
            }
            Happening::Tell { batch, input, .. } => process.tell(out, batch, *input),
            Happening::Answer { ticket, reply } => process.answer(out, ticket.call, *reply),
            Happening::Submit(batch) => process.submit(out, batch),
            _ => {}
        }
        self.end_if_idle();
    }

    fn end_if_idle(&mut self) {
        if self.ending || !self.out.env.faults.is_healed() {
            return;
        }
        let wanted = self.out.workload.submitted_by(u64::MAX);
        let over = wanted.iter().all(|batch| self.out.check.ended_at(*batch).is_some());
        let idle = self.processes.iter().all(|process| !process.alive || process.is_idle());
        if over && idle && self.out.disk.is_idle() {
            self.ending = true;
            self.out.env.queue.push(self.out.env.now + AFTERMATH_MS, Happening::End);
        }
    }

    fn synced(&mut self, sync: u64) {
        match self.out.disk.sync_ends(&mut self.out.env, sync) {
            Synced::Void => {}
            Synced::Failed => {
                self.out.env.trace.line(self.out.env.now, || "the device fails".to_owned());
                self.kill(true);
            }
            Synced::Durable { from, to } => self.durable(from, to),
        }
    }

    fn durable(&mut self, from: usize, to: usize) {
        let appends: Vec<_> = self.out.disk.read(from, to).collect();
        for (batch, records) in appends {
            let out = &mut self.out;
            out.check.durable(&mut out.env, &out.venues, batch, records);
        }
    }

    fn start(&mut self) {
        let index = self.processes.len();
        let Some(epoch) = self.out.disk.open(&mut self.out.env) else {
            return self.start_without_room();
        };
        let mut process = Process::new(index, epoch, self.out.venues.len(), self.jitter.fork());
        self.started_at = self.out.env.now;
        self.out.owner = index;
        self.out.env.trace.line(self.out.env.now, || format!("process {index} starts"));
        self.out.check.forgets_what_was_shown();
        process.start(&mut self.out);
        self.processes.push(process);
    }

    /// Even without the ballast nothing can be written: whoever starts it tries again, and nothing has changed.
    fn start_without_room(&mut self) {
        let env = &mut self.out.env;
        env.tally.hit(Mark::StartWithoutRoom);
        env.trace.line(env.now, || "no room for a start".to_owned());
        // Where another still runs nothing was taken over.
        if self.processes.iter().all(|process| !process.alive) {
            let at = env.now + env.faults.size(Fault::DiskFull, START_AGAIN_MS);
            env.queue.push(at, Happening::Start);
        }
    }

    /// A process whose journal failed comes to its end; another starts soon, unless one has taken over already.
    fn gives_up(&mut self, process: usize) {
        let now = self.out.env.now;
        let last = process + 1 == self.processes.len();
        let Some(owner) = self.processes.get_mut(process).filter(|owner| owner.alive) else {
            return;
        };
        if owner.defers(now, Happening::GivesUp { process }).is_none() {
            return;
        }
        if last {
            self.kill(false);
        } else {
            owner.die();
        }
    }

    /// Ends every process there is; a new one starts soon.
    fn kill(&mut self, power_lost: bool) {
        for process in &mut self.processes {
            if process.alive {
                process.note_death(&mut self.out);
                process.die();
            }
        }
        let out = &mut self.out;
        out.env.trace.line(out.env.now, || {
            format!("killed, power {}", if power_lost { "lost" } else { "kept" })
        });
        let (from, to) = out.disk.crash(&mut out.env, power_lost);
        self.durable(from, to);
        let pause = match self.hosts.u8(0..4) {
            0 => 0,
            1 => self.hosts.u64(0..=15_000),
            _ => self.hosts.u64(0..=1_500),
        };
        self.out.env.queue.push(self.out.env.now + pause, Happening::Start);
    }

    /// Nothing goes wrong any more; whoever is dead starts again, and everything must end in time.
    fn heal(&mut self) {
        let env = &mut self.out.env;
        env.trace.line(env.now, || "healed".to_owned());
        env.faults.heal();
        for (venue, held_until) in self.out.venues.iter_mut().zip(&mut self.out.held_until) {
            venue.heal();
            *held_until = 0;
        }
        self.out.disk.room.heal();
        let within = self.bound_ms();
        self.out.env.queue.push(self.out.env.now + within, Happening::End);
        self.end_if_idle();
    }

    /// Within how long every batch must end once nothing goes wrong any more, by its own limits.
    fn bound_ms(&self) -> u64 {
        // The window, the margin, and two rounds a second apart (R4).
        let proof_ms = |traits: &equipoise_core::VenueTraits| {
            u64::from(traits.window_ms + traits.margin_ms) + 1_000
        };
        let slowest = self.out.venues.iter().map(|venue| proof_ms(&venue.traits)).max();
        let slowest = slowest.unwrap_or(0);
        let doubt = slowest + self.out.workload.doubt_grace_ms() + 10_000;
        let plans = self.out.workload.plans.iter().filter(|submission| !submission.refused);
        let bounds = plans.map(|submission| {
            let policy = &submission.plan.policy;
            let entries = submission.plan.legs.len() as u64 * (policy.leg_timeout_ms + doubt);
            entries + policy.unwind_ms_max + doubt
        });
        bounds.max().unwrap_or(0) + 60_000
    }

    fn judge(&mut self) {
        for batch in self.out.workload.submitted_by(u64::MAX) {
            if self.out.check.ended_at(batch).is_none() {
                let text = format!("batch {batch} has not ended in time");
                self.out.check.fail(Claim::Liveness, text);
            }
        }
        self.out.check.replay_all(self.out.disk.read_all());
        let out = &mut self.out;
        out.check.judge_endings(&mut out.env, &out.venues);
    }
}
