//! The world outside the process: exchanges, requests and answers under way, and the world's time.
//!
//! Everything under way is data, ordered by when it arrives, so that it outlives the runtime of a killed engine.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use equipoise_core::BatchKey;
use equipoise_runtime::journal::MemoryDisk;
use equipoise_sim::{Answer, Effect, Exchange, Held, Ledger, RateLimits, Side};
use fastrand::Rng;
use http::{Request, Response};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::Violation;
use crate::fault::Weather;
use crate::kill::{Kill, When};
use crate::mark::Marks;
use crate::placement;
use crate::scenario::{ADAPTERS, Foreign, MARKS, Move, START_MS, Scenario};

/// Never to be seen anywhere: the API secret of both exchanges.
pub(crate) const CANARY: &str = "canary-e51c97-never-to-be-seen";
/// The API key of both exchanges; it may be sent, but not be shown.
pub(crate) const KEY: &str = "canary-key-4f02-not-to-be-shown";

/// What a client gets: an answer, or a connection that is closed without one.
type Reply = Option<Response<Bytes>>;

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

enum Parcel {
    Request {
        exchange: usize,
        request: Request<Bytes>,
        reply: Option<oneshot::Sender<Reply>>,
        /// Original and copy of one order share a number.
        order: Option<u32>,
    },
    Held { exchange: usize, held: Held, reply: Option<oneshot::Sender<Reply>> },
    Answer { reply: oneshot::Sender<Reply>, answer: Reply },
    Move(Move),
    Foreign(Foreign),
}

/// The world outside. Shared by every life of the engine.
pub(crate) struct Net {
    state: Mutex<State>,
    /// Something new is under way.
    pub(crate) news: Notify,
    /// The process died.
    pub(crate) death: Notify,
}

struct State {
    rng: Rng,
    disk: MemoryDisk,
    keys: Vec<BatchKey>,
    exchanges: [Exchange; 2],
    offsets_ms: [i64; 2],
    weather: Weather,
    kills: Vec<Kill>,
    heal_ms: u64,
    healed: bool,
    sync_ms: u64,
    /// World time when the running life began, and its instant.
    origin_ms: u64,
    base: Option<Instant>,
    dead: Option<Kill>,
    queue: BTreeMap<(u64, u64), Parcel>,
    sequence: u64,
    orders_handed: u32,
    appends: u32,
    /// Connections that stay open without an answer.
    silent: Vec<oneshot::Sender<Reply>>,
    /// Orders whose copy is dropped, see [`Scenario::refused_doubles`].
    refused: BTreeSet<u32>,
    refused_doubles: bool,
    found: Found,
}

/// What happened, for the checks at the end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    pub(crate) violations: Vec<Violation>,
    pub(crate) marks: Marks,
    pub(crate) trace: Vec<String>,
    /// Client ids whose request reached an exchange more than once from one transmission.
    pub(crate) doubled: BTreeSet<String>,
    /// The venue's ids of orders placed by hand.
    pub(crate) by_hand: BTreeSet<(usize, String)>,
    /// Whether an exchange may execute one request twice on its own.
    pub(crate) twice_armed: bool,
}

impl Net {
    pub(crate) fn new(scenario: &Scenario, disk: MemoryDisk, keys: Vec<BatchKey>) -> Arc<Self> {
        let twice = |fault: &equipoise_sim::Fault| fault.effect == Effect::ExecuteTwice;
        let found = Found {
            twice_armed: scenario.faults.iter().any(twice),
            ..Found::default()
        };
        let mut state = State {
            rng: Rng::with_seed(scenario.seed.wrapping_mul(0x2545_f491_4f6c_dd1d) | 1),
            disk,
            keys,
            exchanges: [0, 1].map(|index| exchange(scenario, index)),
            offsets_ms: scenario.offsets_ms,
            weather: scenario.weather.clone(),
            kills: scenario.kills.clone(),
            heal_ms: scenario.heal_ms,
            healed: false,
            sync_ms: scenario.sync_ms,
            origin_ms: START_MS,
            base: None,
            dead: None,
            queue: BTreeMap::new(),
            sequence: 0,
            orders_handed: 0,
            appends: 0,
            silent: Vec::new(),
            refused: BTreeSet::new(),
            refused_doubles: scenario.refused_doubles,
            found,
        };
        if scenario.offsets_ms.iter().any(|offset| offset.unsigned_abs() > 1_000) {
            state.met("offset of a venue clock");
        }
        for planned in &scenario.moves {
            state.enqueue(planned.at_ms, Parcel::Move(planned.clone()));
        }
        for trade in &scenario.foreign {
            state.enqueue(trade.at_ms, Parcel::Foreign(trade.clone()));
        }
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

    pub(crate) fn ledgers(&self) -> [Ledger; 2] {
        let state = self.lock();
        [&state.exchanges[0], &state.exchanges[1]].map(Exchange::ledger)
    }

    pub(crate) fn instruments(&self, exchange: usize) -> Vec<equipoise_sim::Instrument> {
        self.lock().exchanges[exchange].instruments().cloned().collect()
    }

    /// Begins a life: time goes on, after the pause the last death left.
    pub(crate) fn begin_life(&self) -> Option<Kill> {
        let mut state = self.lock();
        let death = state.dead.take();
        state.base = Some(Instant::now());
        state.origin_ms += death.as_ref().map_or(0, |kill| kill.down_ms);
        state.silent.clear();
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

impl State {
    fn now_ms(&self) -> u64 {
        let since = self.base.map_or(0, |base| base.elapsed().as_millis());
        self.origin_ms + u64::try_from(since).unwrap_or(u64::MAX)
    }

    fn note(&mut self, line: impl FnOnce() -> String) {
        self.found.trace.push(line());
    }

    fn met(&mut self, what: &'static str) {
        self.found.marks.met(what);
    }

    fn enqueue(&mut self, at_ms: u64, parcel: Parcel) {
        self.sequence += 1;
        self.queue.insert((at_ms, self.sequence), parcel);
    }

    fn chance(&mut self, per_mille: u32) -> bool {
        per_mille > 0 && self.rng.u32(0..1_000) < per_mille
    }

    fn delay_ms(&mut self) -> u64 {
        let slow = self.weather.slow;
        if self.chance(slow) {
            let most = self.weather.slow_ms;
            return self.rng.u64(100..=most);
        }
        self.rng.u64(1..=20)
    }

    /// From the healing time on nothing goes wrong any more; what went wrong before keeps its consequences.
    fn heal_if_due(&mut self) {
        if self.healed || self.now_ms() < self.heal_ms {
            return;
        }
        self.healed = true;
        self.weather = Weather::default();
        self.kills.clear();
        self.sync_ms = 0;
        for exchange in &mut self.exchanges {
            exchange.faults_mut().clear();
        }
        self.note(|| "healed".to_owned());
    }

    /// Dies by the first kill that is due.
    fn strike(&mut self, due: impl Fn(When) -> bool) -> bool {
        let Some(index) = self.kills.iter().position(|kill| due(kill.when)) else {
            return false;
        };
        let kill = self.kills.remove(index);
        if self.dead.is_some() {
            return false;
        }
        let now_ms = self.now_ms();
        self.note(|| format!("{now_ms} killed: {kill:?}"));
        self.dead = Some(kill);
        true
    }

    fn depart(&mut self, exchange: usize, request: &Request<Bytes>) -> Departed {
        let now_ms = self.now_ms();
        self.refuse_secrets(request);
        let placement = placement::read(request);
        if placement.is_some() {
            self.orders_handed += 1;
            if self.strike(is_order(self.orders_handed, false)) {
                self.met("killed before an order left");
                return Departed::Dead;
            }
        }
        if self.chance(self.weather.not_sent) {
            self.met("request not sent");
            let after_ms = self.rng.u64(0..=1_500);
            return Departed::NotSent { after_ms };
        }
        let path = request.uri().path().to_owned();
        let mut client_id = None;
        match placement {
            Some(Ok(placement)) => {
                self.check_durable(&placement);
                self.note(|| format!("{now_ms} to {exchange} {placement:?}"));
                client_id = Some(placement.client_id);
            }
            Some(Err(why)) => self.found.violations.push(Violation::new("orders are readable", why)),
            None => self.note(|| format!("{now_ms} to {exchange} {} {path}", request.method())),
        }
        let (reply, replied) = oneshot::channel();
        let order = client_id.is_some().then_some(self.orders_handed);
        let arrives_ms = now_ms + self.delay_ms();
        if self.chance(self.weather.lose_request) {
            self.met("request lost on the way");
            self.lose(reply);
        } else {
            let (request, reply) = (request.clone(), Some(reply));
            self.enqueue(arrives_ms, Parcel::Request { exchange, request, reply, order });
        }
        if self.chance(self.weather.double) {
            self.met("request delivered twice");
            self.found.doubled.extend(client_id.clone());
            let later_ms = self.rng.u64(0..=3_000);
            let (request, reply) = (request.clone(), None);
            let parcel = Parcel::Request { exchange, request, reply, order };
            self.enqueue(arrives_ms + later_ms, parcel);
        }
        if client_id.is_some() && self.strike(is_order(self.orders_handed, true)) {
            self.met("killed after an order left");
        }
        Departed::UnderWay(replied)
    }

    /// A lost connection stays open in silence or is closed.
    fn lose(&mut self, reply: oneshot::Sender<Reply>) {
        if self.rng.bool() {
            self.silent.push(reply);
        }
    }

    fn refuse_secrets(&mut self, request: &Request<Bytes>) {
        let shown = format!("{} {:?} {:?}", request.uri(), request.headers(), request.body());
        if shown.contains(CANARY) {
            let seen = format!("the secret is in a request to {}", request.uri().path());
            self.found.violations.push(Violation::new("A5 secrets stay inside", seen));
        }
    }

    /// S3: at the moment bytes leave, the synced journal holds that exact order and deadline.
    fn check_durable(&mut self, placement: &placement::Placement) {
        let synced = self.keys.iter().filter_map(|key| self.disk.synced_records(*key).ok().flatten());
        let synced: Vec<_> = synced.collect();
        if let Err(why) = placement::check(placement, &synced) {
            self.found.violations.push(Violation::new("S3 nothing leaves before its intent", why));
        }
    }

    fn arrive(&mut self, at_ms: u64, parcel: Parcel) {
        match parcel {
            Parcel::Request { order: Some(order), reply: None, .. }
                if self.refused.contains(&order) => {}
            Parcel::Request { exchange, request, reply, order } => {
                let venue_ms = self.venue_ms(at_ms, exchange);
                let before = order.map(|_| self.accepted(exchange));
                let answer = self.exchanges[exchange].handle(venue_ms, &request);
                if before.is_some_and(|before| self.accepted(exchange) == before) {
                    self.refused.extend(order.filter(|_| !self.refused_doubles));
                }
                self.answer(at_ms, exchange, answer, reply);
            }
            Parcel::Held { exchange, held, reply } => {
                let venue_ms = self.venue_ms(at_ms, exchange);
                let answer = self.exchanges[exchange].resume(venue_ms, held);
                self.answer(at_ms, exchange, answer, reply);
            }
            Parcel::Answer { reply, answer } => {
                if reply.send(answer).is_err() {
                    self.met("answer late at its client");
                }
            }
            Parcel::Move(to) => {
                let venue_ms = self.venue_ms(at_ms, to.exchange);
                // The symbol comes from the same list the exchanges are built from.
                let _ = self.exchanges[to.exchange].set_mark(venue_ms, to.symbol, to.mark);
            }
            Parcel::Foreign(trade) => self.trade_by_hand(at_ms, &trade),
        }
    }

    /// How many orders an exchange has accepted so far.
    fn accepted(&self, exchange: usize) -> usize {
        self.exchanges[exchange].ledger().orders.len()
    }

    fn venue_ms(&self, at_ms: u64, exchange: usize) -> u64 {
        at_ms.saturating_add_signed(self.offsets_ms[exchange])
    }

    fn trade_by_hand(&mut self, at_ms: u64, trade: &Foreign) {
        let venue_ms = self.venue_ms(at_ms, trade.exchange);
        let side = if trade.buys { Side::Buy } else { Side::Sell };
        let exchange = &mut self.exchanges[trade.exchange];
        if let Some(order) = exchange.trade_by_hand(venue_ms, trade.symbol, side, trade.quantity) {
            self.found.by_hand.insert((trade.exchange, order.order_id));
            self.met("foreign trade");
        }
    }

    fn answer(
        &mut self,
        at_ms: u64,
        exchange: usize,
        answer: Answer,
        reply: Option<oneshot::Sender<Reply>>,
    ) {
        let (after_ms, response) = match answer {
            Answer::Respond(response) => (0, response),
            Answer::RespondAfter { delay_ms, response } => {
                self.met("answer delayed");
                (delay_ms, response)
            }
            Answer::Silence => {
                self.met("answer lost by the exchange");
                self.silent.extend(reply);
                return;
            }
            Answer::Close => {
                self.met("connection closed without an answer");
                return;
            }
            Answer::Late { delay_ms, held } => {
                self.met("request delayed inside the exchange");
                self.enqueue(at_ms + delay_ms, Parcel::Held { exchange, held, reply });
                return;
            }
        };
        self.look(at_ms, exchange, &response);
        let Some(reply) = reply else { return };
        if self.chance(self.weather.lose_answer) {
            self.met("answer lost on the way");
            self.lose(reply);
            return;
        }
        let arrives_ms = at_ms + after_ms + self.delay_ms();
        self.enqueue(arrives_ms, Parcel::Answer { reply, answer: Some(response) });
    }

    fn look(&mut self, at_ms: u64, exchange: usize, response: &Response<Bytes>) {
        let (status, body) = (response.status().as_u16(), response.body());
        let head = String::from_utf8_lossy(&body[..body.len().min(160)]).into_owned();
        if matches!(status, 502 | 503) {
            self.met("answer broken");
        }
        if status == 429 || head.contains("10018") || head.contains("10006") {
            self.met("rate limit announced");
        }
        if head.contains("-1021") || head.contains("-5028") || head.contains("\"retCode\":10002") {
            self.met("request refused as too late");
        }
        self.note(|| format!("{at_ms} from {exchange} {status} {head}"));
    }
}

fn is_order(nth: u32, left: bool) -> impl Fn(When) -> bool {
    move |when| when == When::Order { nth, left }
}

fn exchange(scenario: &Scenario, index: usize) -> Exchange {
    let adapter = ADAPTERS[index];
    let credentials =
        equipoise_sim::Credentials { key: KEY.to_owned(), secret: CANARY.to_owned() };
    let marks = MARKS.map(|(symbol, mark)| (symbol.to_owned(), mark.into()));
    let settings = equipoise_sim::Settings {
        wallet: 5_000_000.into(),
        hedge_mode: scenario.hedge_mode,
        depth: scenario.depth,
        marks: if index == 0 { BTreeMap::from(marks) } else { BTreeMap::new() },
        rate_limits: RateLimits::Enforced,
        ..equipoise_sim::Settings::default()
    };
    let mut exchange =
        Exchange::start(adapter, credentials, settings).expect("the adapter is one of the two");
    for fault in &scenario.faults {
        exchange.inject(fault.clone());
    }
    let offset_ms = scenario.offsets_ms[index];
    for outage in &scenario.outages[index] {
        let at = |ms: u64| ms.saturating_add_signed(offset_ms);
        exchange.faults_mut().add_outage(at(outage.from_ms), at(outage.until_ms), outage.loss);
    }
    exchange
}
