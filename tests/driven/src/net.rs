//! The way to the world outside: what the engine's doubles call, whichever life of the engine they belong to.
//!
//! Everything under way is data in the [`State`], ordered by when it arrives, so that it outlives the runtime of a
//! killed engine.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use equipoise_core::BatchKey;
use equipoise_runtime::journal::MemoryDisk;
use http::Request;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::Violation;
use crate::accounts::Books;
use crate::kill::{Kill, When};
use crate::limits::Meter;
use crate::scenario::Scenario;
use crate::world::{Found, Reply, State};

/// What became of a request at the moment it was handed to the wire.
pub(crate) enum Departed {
    /// The process died before its first byte left, or right after.
    Dead,
    /// No connection; known after so long.
    NotSent { after_ms: u64 },
    /// On its way. Dropped without a value when the connection is closed.
    UnderWay(oneshot::Receiver<Reply>),
}

/// What becomes of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AppendFate {
    Made,
    DiesFirst,
    DiesWritten,
    Fails,
}

/// The world outside. Shared by every life of the engine.
pub(crate) struct Net {
    state: Mutex<State>,
    /// Something new is under way.
    pub(crate) news: Notify,
    /// The process died.
    pub(crate) death: Notify,
}

impl Net {
    pub(crate) fn new(scenario: &Scenario, disk: MemoryDisk, keys: Vec<BatchKey>) -> Arc<Self> {
        let state = State::new(scenario, disk, keys);
        Arc::new(Self { state: Mutex::new(state), news: Notify::new(), death: Notify::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// World time.
    pub(crate) fn now_ms(&self) -> u64 {
        self.lock().now_ms()
    }

    /// The instant of a world time in the running life.
    pub(crate) fn instant(&self, at_ms: u64) -> Instant {
        let state = self.lock();
        let base = state.base.unwrap_or_else(Instant::now);
        base + std::time::Duration::from_millis(at_ms.saturating_sub(state.origin_ms))
    }

    pub(crate) fn heal_ms(&self) -> u64 {
        self.lock().heal_ms
    }

    /// How long the next sync takes, milliseconds.
    pub(crate) fn draw_sync_ms(&self) -> u64 {
        let mut state = self.lock();
        let most = state.sync_ms;
        if most == 0 { 0 } else { state.rng.u64(0..=most) }
    }

    pub(crate) fn syncs_slowly(&self) -> bool {
        self.lock().sync_ms > 0
    }

    pub(crate) fn met(&self, what: &'static str) {
        self.lock().met(what);
    }

    pub(crate) fn violated(&self, claim: &'static str, seen: impl Into<String>) {
        self.lock().found.violations.push(Violation::new(claim, seen));
    }

    pub(crate) fn found(&self) -> Found {
        self.lock().found.clone()
    }

    /// The exchanges' own accounts.
    pub(crate) fn books(&self) -> Books {
        self.lock().books()
    }

    /// How many orders each exchange has accepted.
    pub(crate) fn orders_accepted(&self) -> Vec<usize> {
        self.books().0.iter().map(|book| book.ledger.orders.len()).collect()
    }

    /// Begins a life: time goes on, after the pause the last death left.
    pub(crate) fn begin_life(&self) -> Option<Kill> {
        let mut state = self.lock();
        let death = state.dead.take();
        state.base = Some(Instant::now());
        state.origin_ms += death.as_ref().map_or(0, |kill| kill.down_ms);
        state.silent.clear();
        state.found.lives += 1;
        state.meters.iter_mut().for_each(|meter| *meter = Meter::default());
        let origin_ms = state.origin_ms;
        state.note(|| format!("{origin_ms} a life begins"));
        death
    }

    /// Ends a life at this world time; nothing of it goes on.
    pub(crate) fn end_life(&self) {
        let mut state = self.lock();
        state.origin_ms = state.now_ms();
        state.base = None;
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.lock().dead.is_some()
    }

    /// World time of the next death that comes with time.
    pub(crate) fn next_timed_kill(&self) -> Option<u64> {
        let state = self.lock();
        let times = state.kills.iter().filter_map(|kill| match kill.when {
            When::At(at) => Some(at),
            _ => None,
        });
        times.min().filter(|_| !state.healed)
    }

    /// The death that comes with time is due.
    pub(crate) fn die_in_time(&self) {
        let mut state = self.lock();
        let now_ms = state.now_ms();
        if state.strike(|when| matches!(when, When::At(at) if at <= now_ms)) {
            state.met("killed at a moment");
            drop(state);
            self.death.notify_one();
        }
    }

    /// The process ends by itself and is started again.
    pub(crate) fn die_by_itself(&self) {
        let mut state = self.lock();
        let kill = Kill { when: When::At(0), power: false, down_ms: 50, skew_ms: 0 };
        state.dead.get_or_insert(kill);
        drop(state);
        self.death.notify_one();
    }

    /// An append is about to be made.
    pub(crate) fn begin_append(&self) -> AppendFate {
        let mut state = self.lock();
        state.heal_if_due();
        state.appends += 1;
        let nth = state.appends;
        let is = |wanted: When| move |when: When| when == wanted;
        if state.strike(is(When::Append { nth, written: false })) {
            state.met("killed before an append");
            drop(state);
            self.death.notify_one();
            return AppendFate::DiesFirst;
        }
        let due = state.kills.iter().any(|kill| kill.when == When::Append { nth, written: true });
        if due {
            return AppendFate::DiesWritten;
        }
        let fails = |kill: &Kill| kill.when == When::DiskError { nth };
        if let Some(index) = state.kills.iter().position(fails) {
            state.kills.remove(index);
            state.met("disk refused a write");
            return AppendFate::Fails;
        }
        AppendFate::Made
    }

    /// The append that was to be the last one is written.
    pub(crate) fn die_written(&self) {
        let mut state = self.lock();
        let nth = state.appends;
        let due = |when| matches!(when, When::Append { nth: of, written: true } if of <= nth);
        if state.strike(due) {
            state.met("killed after an append was written");
            drop(state);
            self.death.notify_one();
        }
    }

    /// A request is handed to the wire.
    pub(crate) fn depart(&self, exchange: usize, request: &Request<Bytes>) -> Departed {
        let mut state = self.lock();
        state.heal_if_due();
        if state.dead.is_some() {
            return Departed::Dead;
        }
        let departed = state.depart(exchange, request);
        let dead = state.dead.is_some();
        drop(state);
        self.news.notify_one();
        if dead {
            self.death.notify_one();
            return Departed::Dead;
        }
        departed
    }

    /// World time at which the next thing under way arrives.
    pub(crate) fn next_arrival(&self) -> Option<u64> {
        let state = self.lock();
        state.queue.first_key_value().map(|((at, _), _)| *at)
    }

    /// Lets everything arrive that is due.
    pub(crate) fn arrive_due(&self) {
        let mut state = self.lock();
        let now_ms = state.now_ms();
        while let Some(entry) = state.queue.first_entry() {
            let at_ms = entry.key().0;
            if at_ms > now_ms {
                break;
            }
            let parcel = entry.remove();
            state.arrive(at_ms, parcel);
        }
        state.heal_if_due();
    }
}
