//! Exchanges, requests and answers under way, and the world's time: what goes on whether or not an engine runs.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use equipoise_core::BatchKey;
use equipoise_runtime::journal::MemoryDisk;
use equipoise_sim::{Answer, DERIBIT, Effect, Exchange, Held, Side};
use fastrand::Rng;
use http::{Request, Response};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::Violation;
use crate::accounts::{Book, Books};
use crate::exchanges;
use crate::fault::Weather;
use crate::kill::{Kill, When};
use crate::limits::Meter;
use crate::mark::Marks;
use crate::net::Departed;
use crate::order_on_wire::{self, Placement};
use crate::placement;
use crate::places::Place;
use crate::scenario::{Foreign, Move, START_MS, Scenario};
use crate::secrets;

/// What a client gets: an answer, or a connection that is closed without one.
pub(crate) type Reply = Option<Response<Bytes>>;

/// Something under way.
pub(crate) enum Parcel {
    Request { exchange: usize, request: Request<Bytes>, reply: Option<oneshot::Sender<Reply>> },
    Held { exchange: usize, held: Held, reply: Option<oneshot::Sender<Reply>> },
    Answer { reply: oneshot::Sender<Reply>, answer: Reply },
    Move(Move),
    Foreign(Foreign),
}

/// Everything outside the process, as data.
pub(crate) struct State {
    pub(crate) rng: Rng,
    pub(crate) disk: MemoryDisk,
    pub(crate) keys: Vec<BatchKey>,
    pub(crate) places: Vec<&'static Place>,
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) offsets_ms: Vec<i64>,
    pub(crate) weather: Weather,
    pub(crate) kills: Vec<Kill>,
    pub(crate) heal_ms: u64,
    pub(crate) healed: bool,
    pub(crate) sync_ms: u64,
    /// World time when the running life began, and its instant.
    pub(crate) origin_ms: u64,
    pub(crate) base: Option<Instant>,
    pub(crate) dead: Option<Kill>,
    pub(crate) queue: BTreeMap<(u64, u64), Parcel>,
    pub(crate) sequence: u64,
    pub(crate) orders_handed: u32,
    pub(crate) appends: u32,
    /// What has left for each exchange in this life.
    pub(crate) meters: Vec<Meter>,
    /// Connections that stay open without an answer.
    pub(crate) silent: Vec<oneshot::Sender<Reply>>,
    pub(crate) found: Found,
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
    /// Starts of the engine.
    pub(crate) lives: usize,
}

impl State {
    pub(crate) fn new(scenario: &Scenario, disk: MemoryDisk, keys: Vec<BatchKey>) -> Self {
        let twice = |fault: &equipoise_sim::Fault| fault.effect == Effect::ExecuteTwice;
        let found = Found { twice_armed: scenario.faults.iter().any(twice), ..Found::default() };
        let mut state = State {
            rng: Rng::with_seed(scenario.seed.wrapping_mul(0x2545_f491_4f6c_dd1d) | 1),
            disk,
            keys,
            places: scenario.desks.iter().map(|desk| desk.place).collect(),
            exchanges: exchanges::start(scenario),
            offsets_ms: scenario.desks.iter().map(|desk| desk.offset_ms).collect(),
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
            meters: scenario.desks.iter().map(|_| Meter::default()).collect(),
            silent: Vec::new(),
            found,
        };
        if state.offsets_ms.iter().any(|offset| offset.unsigned_abs() > 1_000) {
            state.met("offset of a venue clock");
        }
        if state.places.len() > 2 {
            state.met("three venues");
        }
        for planned in &scenario.moves {
            state.enqueue(planned.at_ms, Parcel::Move(planned.clone()));
        }
        for trade in &scenario.foreign {
            state.enqueue(trade.at_ms, Parcel::Foreign(trade.clone()));
        }
        state
    }

    pub(crate) fn now_ms(&self) -> u64 {
        let since = self.base.map_or(0, |base| base.elapsed().as_millis());
        self.origin_ms + u64::try_from(since).unwrap_or(u64::MAX)
    }

    /// The exchanges' own accounts as they stand.
    pub(crate) fn books(&self) -> Books {
        let book = |(place, exchange): (&&'static Place, &Exchange)| Book {
            place,
            ledger: exchange.ledger(),
            instruments: exchange
                .instruments()
                .map(|rules| (rules.symbol, rules.clone()))
                .collect(),
        };
        Books(self.places.iter().zip(&self.exchanges).map(book).collect())
    }

    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        self.found.trace.push(line());
    }

    pub(crate) fn met(&mut self, what: &'static str) {
        self.found.marks.met(what);
    }

    pub(crate) fn enqueue(&mut self, at_ms: u64, parcel: Parcel) {
        self.sequence += 1;
        self.queue.insert((at_ms, self.sequence), parcel);
    }

    pub(crate) fn chance(&mut self, per_mille: u32) -> bool {
        per_mille > 0 && self.rng.u32(0..1_000) < per_mille
    }

    pub(crate) fn delay_ms(&mut self) -> u64 {
        let slow = self.weather.slow;
        if self.chance(slow) {
            let most = self.weather.slow_ms;
            return self.rng.u64(100..=most);
        }
        self.rng.u64(1..=20)
    }

    /// From the healing time on nothing goes wrong any more; what went wrong before keeps its consequences.
    pub(crate) fn heal_if_due(&mut self) {
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
    pub(crate) fn strike(&mut self, due: impl Fn(When) -> bool) -> bool {
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

    pub(crate) fn depart(&mut self, exchange: usize, request: &Request<Bytes>) -> Departed {
        let now_ms = self.now_ms();
        self.refuse_secrets(request);
        let placement = order_on_wire::read(request);
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
        self.count(now_ms, exchange, request);
        let path = request.uri().path().to_owned();
        let mut client_id = None;
        match placement {
            Some(Ok(placement)) => {
                self.check_durable(&placement);
                let place = self.places[exchange].adapter;
                self.note(|| format!("{now_ms} to {place} {placement:?}"));
                client_id = Some(placement.client_id);
            }
            Some(Err(why)) => {
                self.found.violations.push(Violation::new("orders are readable", why))
            }
            None => {
                let place = self.places[exchange].adapter;
                self.note(|| format!("{now_ms} to {place} {} {path}", request.method()));
            }
        }
        let (reply, replied) = oneshot::channel();
        let arrives_ms = now_ms + self.delay_ms();
        if self.chance(self.weather.lose_request) {
            self.met("request lost on the way");
            self.lose(reply);
        } else {
            let (request, reply) = (request.clone(), Some(reply));
            self.enqueue(arrives_ms, Parcel::Request { exchange, request, reply });
        }
        if self.chance(self.weather.double) {
            self.met("request delivered twice");
            self.found.doubled.extend(client_id.clone());
            let later_ms = self.rng.u64(0..=3_000);
            let (request, reply) = (request.clone(), None);
            let parcel = Parcel::Request { exchange, request, reply };
            self.enqueue(arrives_ms + later_ms, parcel);
        }
        if client_id.is_some() && self.strike(is_order(self.orders_handed, true)) {
            self.met("killed after an order left");
        }
        Departed::UnderWay(replied)
    }

    /// A lost connection stays open in silence or is closed.
    pub(crate) fn lose(&mut self, reply: oneshot::Sender<Reply>) {
        if self.rng.bool() {
            self.silent.push(reply);
        }
    }

    /// V5: what leaves stays within what the venue documents.
    fn count(&mut self, now_ms: u64, exchange: usize, request: &Request<Bytes>) {
        let adapter = self.places[exchange].adapter;
        if let Err(seen) = self.meters[exchange].count(now_ms, adapter, request) {
            self.found.violations.push(Violation::new("V5 no more than a venue allows", seen));
        }
    }

    pub(crate) fn refuse_secrets(&mut self, request: &Request<Bytes>) {
        if secrets::is_sent(request) {
            let seen = format!("the secret is in a request to {}", request.uri().path());
            self.found.violations.push(Violation::new("A5 secrets stay inside", seen));
        }
    }

    /// S3: at the moment bytes leave, the synced journal holds that exact order and deadline.
    pub(crate) fn check_durable(&mut self, placement: &Placement) {
        let synced =
            self.keys.iter().filter_map(|key| self.disk.synced_records(*key).ok().flatten());
        let synced: Vec<_> = synced.collect();
        if let Err(why) = placement::check(placement, &synced) {
            self.found.violations.push(Violation::new("S3 nothing leaves before its intent", why));
        }
    }

    pub(crate) fn arrive(&mut self, at_ms: u64, parcel: Parcel) {
        match parcel {
            Parcel::Request { exchange, request, reply } => {
                let venue_ms = self.venue_ms(at_ms, exchange);
                let answer = self.exchanges[exchange].handle(venue_ms, &request);
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

    pub(crate) fn venue_ms(&self, at_ms: u64, exchange: usize) -> u64 {
        at_ms.saturating_add_signed(self.offsets_ms[exchange])
    }

    pub(crate) fn trade_by_hand(&mut self, at_ms: u64, trade: &Foreign) {
        let venue_ms = self.venue_ms(at_ms, trade.exchange);
        let side = if trade.buys { Side::Buy } else { Side::Sell };
        let exchange = &mut self.exchanges[trade.exchange];
        if let Some(order) = exchange.trade_by_hand(venue_ms, trade.symbol, side, trade.quantity) {
            self.found.by_hand.insert((trade.exchange, order.order_id));
            self.met("foreign trade");
        }
    }

    pub(crate) fn answer(
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

    pub(crate) fn look(&mut self, at_ms: u64, exchange: usize, response: &Response<Bytes>) {
        let (status, body) = (response.status().as_u16(), response.body());
        let head = String::from_utf8_lossy(&body[..body.len().min(160)]).into_owned();
        if matches!(status, 502 | 503) {
            self.met("answer broken");
        }
        let place = self.places[exchange].adapter;
        let says = |codes: &[&str]| codes.iter().any(|code| head.contains(code));
        if status == 429 || says(RATE_LIMITED) {
            self.met("rate limit announced");
        }
        if says(TOO_LATE) {
            self.met("request refused as too late");
        }
        if place == DERIBIT {
            secrets::learn_tokens(body);
        }
        self.note(|| format!("{at_ms} from {place} {status} {head}"));
    }
}

fn is_order(nth: u32, left: bool) -> impl Fn(When) -> bool {
    move |when| when == When::Order { nth, left }
}

/// How the answers of rate limiters begin that come with another status than 429.
const RATE_LIMITED: &[&str] =
    &["\"retCode\":10018", "\"retCode\":10006", "\"code\":10028", "\"code\":10047"];

/// How answers begin to what came after its deadline.
const TOO_LATE: &[&str] = &[
    "\"code\":-1021",
    "\"code\":-5028",
    "\"code\":-4188",
    "\"retCode\":10002",
    "\"50036\"",
    "\"50037\"",
    "\"50102\"",
    "\"code\":13888",
    "Unauthorized",
];
