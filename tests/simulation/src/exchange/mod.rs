//! Simulated exchanges: one account each, with a ledger of their own that the checkers judge by.
//!
//! Nothing of the engine's logic is used here beyond the plain data types of its ports.
//! Quantities are whole hundred-millionths of a venue unit, prices hundred-millionths of quote.

mod book;
mod fee;
mod look;
mod matching;
mod place;

use std::collections::{HashMap, HashSet};

use equipoise_core::{
    Amount, BookTop, ClientOrderId, Instrument, OrderEnd, OrderRequest, OrderSnapshot,
    PositionMode, PositionSide, Positions, RefusalKind, ResendClass, Side, Symbol, TimeInForce,
    VenueMillis, VenueName, VenueOrderId, VenueTraits,
};
use equipoise_port::{CancelAnswer, PlaceError, QueryError};

pub(crate) use fee::{FeeIn, SpotFee};

use crate::env::Env;
use crate::fault::Fault;

/// One request to an exchange.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    Time,
    Place(OrderRequest),
    Find { client: ClientOrderId, venue_order: Option<VenueOrderId> },
    List { symbol: Symbol, since: VenueMillis },
    Position(Symbol),
    Book(Symbol),
    Cancel { client: ClientOrderId, venue_order: Option<VenueOrderId> },
}

/// What comes back.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Time(u64),
    Placed(Result<OrderSnapshot, PlaceError>),
    Orders(Vec<OrderSnapshot>),
    Position(Amount),
    Book(BookTop),
    Cancelled(
        #[allow(dead_code, reason = "the saga must not believe it, so nothing reads it")]
        CancelAnswer,
    ),
    Failed(QueryError),
}

/// Which answer goes to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) process: usize,
    pub(crate) call: u64,
}

/// What an exchange does later by itself.
#[derive(Debug, Clone)]
pub(crate) enum VenueEvent {
    /// The matching engine takes an admitted order up.
    Match { order: usize, reply_to: Option<Ticket> },
    /// The market may come to a resting order.
    Rest { order: usize },
    /// An acknowledged cancel takes effect.
    CancelTakes { order: usize },
    /// Someone else trades on the account.
    Foreign,
    /// A trade is taken back.
    Bust { trade: usize },
}

/// One instrument as the exchange keeps it.
#[derive(Debug)]
pub(crate) struct Market {
    pub(crate) instrument: Instrument,
    /// Venue units.
    pub(crate) lot: i64,
    /// Middle of the book.
    pub(crate) mid: i64,
    tick: i64,
    moved_at: u64,
    /// Long and short side after each change, with its engine time; one-way accounts net them.
    positions: Vec<(u64, i64, i64)>,
}

/// Where an order stands, in truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// Admitted, not yet at the matching engine.
    Pending,
    Open,
    Ended(OrderEnd),
    /// Turned away by the matching engine; it never was an order.
    Void,
}

/// One order, in truth.
#[derive(Debug)]
pub(crate) struct VenueOrder {
    pub(crate) id: VenueOrderId,
    pub(crate) client: ClientOrderId,
    pub(crate) market: usize,
    pub(crate) side: Side,
    limit: Option<(i64, TimeInForce)>,
    pub(crate) quantity: i64,
    pub(crate) executed: i64,
    reduce_only: bool,
    position_side: PositionSide,
    deadline: u64,
    /// Venue time.
    created_at: u64,
    /// Engine time from which a query by id finds it, and from which listings show it.
    found_from: u64,
    listed_from: u64,
    pub(crate) state: State,
    /// Engine time, executed and end after each change.
    history: Vec<(u64, i64, Option<OrderEnd>)>,
    trades: Vec<usize>,
    pub(crate) cancel_acknowledged: bool,
    pub(crate) filled_after_cancel: bool,
    /// Which handing over of bytes it came from.
    pub(crate) departure: u64,
    /// The venue breaks its promise with it.
    breaks_margin: bool,
    /// Engine time at which it was taken up, later than the venue promises.
    pub(crate) beyond_margin: Option<u64>,
}

impl VenueOrder {
    /// How many trades it ever had, those taken back included.
    pub(crate) fn trades_ever(&self) -> u64 {
        self.trades.len() as u64
    }
}

/// One trade on the account; foreign ones belong to no order of ours.
#[derive(Debug)]
pub(crate) struct Trade {
    pub(crate) order: Option<usize>,
    pub(crate) market: usize,
    pub(crate) side: Side,
    pub(crate) price: i64,
    pub(crate) quantity: i64,
    pub(crate) fee: i64,
    pub(crate) fee_in: FeeIn,
    /// Engine time.
    pub(crate) at: u64,
    visible_from: u64,
    /// Taken back by the venue (V12).
    busted: bool,
    pub(crate) id: equipoise_core::TradeId,
}

/// What a venue did with the first copy of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Taken,
    Refused,
}

/// One account at one exchange.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) name: VenueName,
    pub(crate) traits: VenueTraits,
    pub(crate) positions: Positions,
    pub(crate) mode: PositionMode,
    pub(crate) markets: Vec<Market>,
    pub(crate) orders: Vec<VenueOrder>,
    by_client: HashMap<ClientOrderId, Vec<usize>>,
    pub(crate) trades: Vec<Trade>,
    /// Venue time minus engine time.
    pub(crate) offset_ms: i64,
    pub(crate) banned_until: u64,
    pub(crate) out_until: u64,
    pub(crate) revoked_until: u64,
    /// Positions may be read as they were earlier.
    pub(crate) reads_may_be_stale: bool,
    /// What the account pays for spot trades.
    pub(crate) spot_fee: SpotFee,
    /// What became of each handing over whose bytes arrived, copies of it included.
    fates: HashMap<u64, Fate>,
    /// Copies of one request may be answered differently.
    pub(crate) splits_answers: bool,
    /// Answers a repeated id with its first order instead of an error (class A).
    pub(crate) echoes_ids: bool,
    /// Handings over of which one copy was refused and another taken.
    split: HashSet<u64>,
    /// Every documented refusal it ever answered with, by client id.
    refusals: HashMap<ClientOrderId, Vec<RefusalKind>>,
    /// Index in the simulation.
    pub(crate) index: usize,
}

impl Market {
    pub(crate) fn new(instrument: Instrument, mid: i64) -> Self {
        Self {
            lot: crate::units::whole(instrument.lot.get()),
            tick: crate::units::whole(instrument.tick.get()),
            instrument,
            mid,
            moved_at: crate::world::START,
            positions: vec![(0, 0, 0)],
        }
    }

    fn sides(&self) -> (i64, i64) {
        self.positions.last().map_or((0, 0), |(_, long, short)| (*long, *short))
    }

    pub(crate) fn net(&self) -> i64 {
        let (long, short) = self.sides();
        long - short
    }
}

impl VenueOrder {
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    fn remember(&mut self, now: u64) {
        let end = match &self.state {
            State::Ended(end) => Some(end.clone()),
            _ => None,
        };
        self.history.push((now, self.executed, end));
    }
}

impl Exchange {
    pub(crate) fn new(
        index: usize,
        name: VenueName,
        traits: VenueTraits,
        markets: Vec<Market>,
        positions: Positions,
        mode: PositionMode,
        offset_ms: i64,
    ) -> Self {
        Self {
            name,
            traits,
            positions,
            mode,
            markets,
            orders: Vec::new(),
            by_client: HashMap::new(),
            trades: Vec::new(),
            offset_ms,
            banned_until: 0,
            out_until: 0,
            revoked_until: 0,
            reads_may_be_stale: false,
            spot_fee: SpotFee::EXPECTED,
            fates: HashMap::new(),
            splits_answers: false,
            echoes_ids: false,
            split: HashSet::new(),
            refusals: HashMap::new(),
            index,
        }
    }

    pub(crate) fn venue_time(&self, now: u64) -> u64 {
        now.saturating_add_signed(self.offset_ms)
    }

    fn engine_time(&self, at: u64) -> u64 {
        at.saturating_add_signed(-self.offset_ms)
    }

    pub(crate) fn market(&self, symbol: &Symbol) -> usize {
        let found = self.markets.iter().position(|market| market.instrument.symbol == *symbol);
        found.expect("plans name instruments of their venue")
    }

    /// The clock jumps ahead; what was to show by some venue time shows that much earlier.
    pub(crate) fn jump(&mut self, now: u64, ms: u64) {
        self.offset_ms += ms.cast_signed();
        for order in &mut self.orders {
            for from in [&mut order.found_from, &mut order.listed_from] {
                if *from > now && *from != u64::MAX {
                    *from = now.max(from.saturating_sub(ms));
                }
            }
        }
    }

    /// Ends every disturbance.
    pub(crate) fn heal(&mut self) {
        self.banned_until = 0;
        self.out_until = 0;
        self.revoked_until = 0;
    }

    /// A request arrives; no answer yet means that one will follow from a later event.
    pub(crate) fn arrive(
        &mut self,
        env: &mut Env,
        call: Call,
        ticket: Ticket,
        departure: u64,
    ) -> Option<Reply> {
        if let Call::Place(request) = call {
            let placed = self.admit(env, &request, ticket, departure);
            return placed.map(|placed| self.answered(&request.client_id, placed));
        }
        Some(match self.disturbance(env) {
            Some(error) => Reply::Failed(error),
            None => self.look(env, call),
        })
    }

    /// Something happens by itself.
    pub(crate) fn happen(&mut self, env: &mut Env, event: VenueEvent) -> Option<(Ticket, Reply)> {
        match event {
            VenueEvent::Match { order, reply_to } => {
                let placed = self.take_up(env, order);
                let client = self.orders[order].client.clone();
                let reply = self.answered(&client, placed);
                reply_to.map(|ticket| (ticket, reply))
            }
            VenueEvent::Rest { order } => {
                self.market_comes(env, order);
                None
            }
            VenueEvent::CancelTakes { order } => {
                self.cancel_takes(env, order);
                None
            }
            VenueEvent::Foreign => {
                self.foreign_trade(env);
                None
            }
            VenueEvent::Bust { trade } => {
                self.bust(env, trade);
                None
            }
        }
    }

    fn answered(
        &mut self,
        client: &ClientOrderId,
        placed: Result<OrderSnapshot, PlaceError>,
    ) -> Reply {
        if let Err(PlaceError::Refused(refusal)) = &placed {
            self.refusals.entry(client.clone()).or_default().push(refusal.kind);
        }
        Reply::Placed(placed)
    }

    /// What keeps the venue from answering a question.
    fn disturbance(&mut self, env: &mut Env) -> Option<QueryError> {
        if env.faults.strikes_with(Fault::Ban, 5) {
            let wait = env.faults.size(Fault::Ban, 100..=8_000);
            self.banned_until = self.banned_until.max(env.now + wait);
        }
        if self.out_until > env.now {
            return Some(QueryError::Unavailable("out of order".into()));
        }
        if self.revoked_until > env.now {
            return Some(QueryError::Credentials { code: "key".into(), message: "revoked".into() });
        }
        if self.banned_until > env.now {
            return Some(QueryError::Busy {
                retry_after_ms: self.banned_until - env.now,
                why: "banned".into(),
            });
        }
        let failed = env.faults.strikes(Fault::QueryFailure);
        failed.then(|| QueryError::Unavailable("bad gateway".into()))
    }

    const fn class(&self) -> ResendClass {
        self.traits.class
    }
}

/// The ledger, for checkers.
impl Exchange {
    /// Every order that was ever taken in under a client id.
    pub(crate) fn orders_under(
        &self,
        client: &ClientOrderId,
    ) -> impl Iterator<Item = &VenueOrder> + use<'_> {
        let orders: Vec<usize> = self.under(client).collect();
        orders.into_iter().map(|order| &self.orders[order])
    }

    /// Whether it ever refused this id in this way.
    pub(crate) fn refused(&self, client: &ClientOrderId, kind: RefusalKind) -> bool {
        self.refusals.get(client).is_some_and(|kinds| kinds.contains(&kind))
    }

    /// The trades of one order.
    pub(crate) fn trades_of(&self, order: &VenueOrder) -> impl Iterator<Item = &Trade> {
        order.trades.iter().map(|trade| &self.trades[*trade]).filter(|trade| !trade.busted)
    }
}
