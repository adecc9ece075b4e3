//! Plays the engine's driver for one batch: records durable, then applied, then commands, in no other order.

use std::collections::{BTreeMap, VecDeque};

use equipoise_core::{Event, OrderTag, Prepared, Record, Saga, Stage, UnixMillis};
use equipoise_port::QueryError;
use fastrand::Rng;

use super::Process;
use super::pace::{Key, Paces};
use super::records::Gate;
use super::together::Together;
use crate::check::Claim;
use crate::disk;
use crate::env::Env;
use crate::network::Outside;
use crate::plant;

/// How long facts wait for company before they are appended on their own, milliseconds.
const FACTS_WAIT_MS: u64 = 5;
/// Rounds of waking after which a saga is said not to come to rest.
const WAKES_MAX: u32 = 1_000;

/// What reaches a driver.
#[derive(Debug)]
pub(crate) enum Input {
    /// An append is durable.
    Appended(u64),
    /// An append found no room.
    AppendFailed,
    /// A fact about an order being sent, or a waking.
    Event(Event),
    Prepared(Key, Vec<Prepared>),
    Unprepared(Key, QueryError),
    /// A look, and what of it had no answer.
    Answered(OrderTag, Event, Option<QueryError>),
    Cancelled(OrderTag),
    /// The user wants no new risk.
    Stop,
    Fruitless(Key, Option<QueryError>),
}

/// One batch under way.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(super) saga: Saga,
    /// Changed by decoded records alone; must never differ from the saga.
    pub(super) shadow: Saga,
    pub(super) unsaved: Vec<Vec<u8>>,
    pub(super) appended: u32,
    pub(super) gate: Option<Gate>,
    pub(super) inbox: VecDeque<Input>,
    pub(super) paces: Paces,
    pub(super) together: Together,
    pub(super) wake_at: Option<UnixMillis>,
    pub(super) flush_at: Option<UnixMillis>,
    timer_at: Option<u64>,
    pub(super) timer: u32,
    pub(super) unsettled: bool,
    pub(super) stop_wanted: bool,
    /// Legs whose instrument other batches trade at the same time.
    pub(super) contended: Vec<bool>,
    /// When a wave was last prepared, and how often at that moment.
    pub(super) prepared: (u64, u32),
    /// How often each order was asked about, and since when.
    pub(super) looks: BTreeMap<OrderTag, (u64, u64)>,
    /// Since when looks at an order have been refused, without an answer in between.
    pub(super) refused_since: BTreeMap<OrderTag, UnixMillis>,
}

impl Driver {
    pub(super) fn new(saga: Saga, appended: u32) -> Self {
        Self {
            contended: vec![false; saga.spec().legs.len()],
            shadow: saga.clone(),
            saga,
            unsaved: Vec::new(),
            appended,
            gate: None,
            inbox: VecDeque::new(),
            paces: Paces::default(),
            together: Together::default(),
            wake_at: None,
            flush_at: None,
            timer_at: None,
            timer: 0,
            unsettled: false,
            stop_wanted: false,
            prepared: (0, 0),
            looks: BTreeMap::new(),
            refused_since: BTreeMap::new(),
        }
    }

    pub(super) fn admitted(saga: Saga) -> Self {
        let admission = Record::Admitted(Box::new(saga.spec().clone()));
        let mut driver = Self::new(saga, 0);
        driver.unsaved.push(disk::encode(&admission));
        driver
    }

    fn due(&self) -> Option<UnixMillis> {
        let due = [self.wake_at, self.flush_at, self.paces.next_due(), self.together.due_at()];
        due.into_iter().flatten().min()
    }

    fn pause(&mut self, env: &Env, key: &Key, error: Option<&QueryError>, jitter: &mut Rng) {
        self.paces.pause(key, error, UnixMillis(env.now), jitter);
        if plant::never_pauses(env) {
            self.paces.forget(key);
        }
    }

    pub(super) fn is_doubtful(&self) -> bool {
        let mut open = self.saga.open_orders();
        open.any(|(_, order)| matches!(order.stage, Stage::InDoubt | Stage::Intended))
    }
}

impl Process {
    /// Something reaches a driver; it waits its turn while an append is on its way.
    pub(crate) fn tell(&mut self, out: &mut Outside, batch: u8, input: Input) {
        if matches!(input, Input::AppendFailed) {
            return self.journal_failed(out, batch);
        }
        let Some(driver) = self.drivers.get_mut(&batch) else {
            return;
        };
        let mut undecided = false;
        if let Input::Appended(append) = input {
            if driver.gate.as_ref().is_none_or(|gate| gate.append != append) {
                return;
            }
            self.pass_gate(out, batch);
            undecided = true;
        } else {
            driver.inbox.push_back(input);
            // A person's stops are no doing of the engine's.
            let events = driver.inbox.iter().filter(|input| !matches!(input, Input::Stop)).count();
            out.check.wait(batch, events, &driver.saga);
        }
        self.go_on(out, batch, undecided);
    }

    /// Takes in everything that is there before the saga decides, and wakes it until it has nothing more to record.
    pub(super) fn go_on(&mut self, out: &mut Outside, batch: u8, mut undecided: bool) {
        for _ in 0..WAKES_MAX {
            let Some(driver) = self.drivers.get_mut(&batch) else { return };
            if driver.gate.is_some() {
                return;
            }
            let event = match driver.inbox.pop_front() {
                Some(input) => self.take(out, batch, input),
                None if undecided => Some(Event::Wake),
                None => {
                    self.rest(out, batch);
                    return;
                }
            };
            let Some(event) = event else { continue };
            let Some((recorded, due)) = self.step(out, batch, &event) else { return };
            undecided = match event {
                Event::Wake => recorded,
                _ => undecided || recorded || due,
            };
        }
        out.check.fail(Claim::Rest, format!("batch {batch} finds no end of waking"));
    }

    fn set_timer(&mut self, out: &mut Outside, batch: u8) {
        let Some(driver) = self.drivers.get_mut(&batch).filter(|driver| driver.gate.is_none())
        else {
            return;
        };
        let Some(due) = driver.due() else { return };
        let at = due.0.max(out.env.now + 1);
        if driver.timer_at.is_some_and(|set| set <= at) {
            return;
        }
        driver.timer_at = Some(at);
        driver.timer += 1;
        let (process, generation) = (self.index, driver.timer);
        out.env.queue.push(at, crate::env::Happening::Timer { process, batch, generation });
    }

    pub(crate) fn timer(&mut self, out: &mut Outside, batch: u8, generation: u32) {
        let now = UnixMillis(out.env.now);
        let Some(driver) = self.drivers.get_mut(&batch).filter(|driver| driver.timer == generation)
        else {
            return;
        };
        driver.timer_at = None;
        if driver.gate.is_some() {
            if plant::queues_wakings(&out.env) {
                let process = self.index;
                let again = crate::env::Happening::Timer { process, batch, generation };
                out.env.queue.push(out.env.now + 1, again);
                self.tell(out, batch, Input::Event(Event::Wake));
            }
            return;
        }
        if driver.due().is_some_and(|due| due <= now) {
            if driver.flush_at.is_some_and(|at| at <= now) {
                self.flush(out, batch);
            }
            if let Some(driver) = self.drivers.get_mut(&batch) {
                driver.paces.end_pauses(now);
                let kept = driver.kept_long_enough(now);
                driver.inbox.push_back(Input::Event(kept.unwrap_or(Event::Wake)));
            }
        }
        self.go_on(out, batch, false);
    }

    /// Paces repetitions and hands the saga's event on.
    fn take(&mut self, out: &mut Outside, batch: u8, input: Input) -> Option<Event> {
        let now = UnixMillis(out.env.now);
        let driver = self.drivers.get_mut(&batch)?;
        match input {
            Input::Appended(_) | Input::AppendFailed => None,
            Input::Event(event) => Some(event),
            Input::Prepared(key, prepared) => Some(driver.came_back(&key, prepared, now)),
            Input::Unprepared(..) if driver.appended == 0 => {
                // Nothing was sent and nothing is durable: the submission is refused, its key not used up (D4).
                self.leave(out, batch);
                out.workload.submit_again(&mut out.env, batch);
                None
            }
            Input::Unprepared(key, error) => {
                driver.pause(&out.env, &key, Some(&error), &mut self.jitter);
                Some(driver.came_back(&key, Vec::new(), now))
            }
            Input::Answered(tag, event, missing) => {
                driver.pause(&out.env, &Key::Query(tag), missing.as_ref(), &mut self.jitter);
                driver.answered(&mut out.env, tag);
                Some(event)
            }
            Input::Cancelled(tag) => {
                driver.pause(&out.env, &Key::Cancel(tag), None, &mut self.jitter);
                driver.paces.soon(&Key::Query(tag), now, &mut self.jitter);
                if let Some(snapshot) = plant::cancelled(&out.env, driver.saga.order(tag)) {
                    return Some(Event::Placed { tag, snapshot });
                }
                Some(Event::Wake)
            }
            Input::Stop if driver.appended == 0 => {
                self.leave(out, batch);
                out.workload.submit_again(&mut out.env, batch);
                None
            }
            Input::Stop => {
                driver.stop_wanted = true;
                Some(Event::Stop)
            }
            Input::Fruitless(key, error) => {
                driver.pause(&out.env, &key, error.as_ref(), &mut self.jitter);
                match (key, error) {
                    (
                        Key::Query(tag),
                        Some(error @ (QueryError::Credentials { .. } | QueryError::Refused { .. })),
                    ) => Some(driver.refused(&mut out.env, tag, &error)),
                    _ => Some(Event::Wake),
                }
            }
        }
    }

    fn rest(&mut self, out: &mut Outside, batch: u8) {
        let Some(driver) = self.drivers.get_mut(&batch) else { return };
        let settled = driver.unsettled && !driver.is_doubtful();
        driver.unsettled &= !settled;
        if !driver.unsaved.is_empty() && driver.appended > 0 && driver.flush_at.is_none() {
            driver.flush_at = Some(UnixMillis(out.env.now + FACTS_WAIT_MS));
        }
        if settled {
            self.admit_waiting(out);
        }
        self.set_timer(out, batch);
    }

    /// A batch is over in this process.
    pub(super) fn leave(&mut self, out: &mut Outside, batch: u8) {
        self.drivers.remove(&batch);
        self.admit_waiting(out);
    }
}
