//! An exchange: a matching engine behind the face of one venue, with faults in between.

pub(crate) mod account;
pub(crate) mod adjusting;
pub(crate) mod book;
pub(crate) mod checks;
pub(crate) mod funds;
pub(crate) mod instrument;
pub(crate) mod matching;
pub(crate) mod orders;

mod carry_on;
mod effects;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Request, Response};
use rust_decimal::Decimal;

use self::account::{Account, MarginMode, PositionSide};
use self::book::Depth;
use self::funds::FeeToken;
use self::instrument::{Instrument, Listing};
use self::matching::{Alteration, MatchingEngine, NewOrder, Policy};
use self::orders::{Order, OrderKind, OrderOrigin, Orders, SelfTrade, Side, TimeInForce};
use crate::answer::Answer;
use crate::credentials::Credentials;
use crate::faces::{self, adapters};
use crate::fault::{Fault, FaultPlan, Operation};

/// An adapter name that does not exist; the message lists those that do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown adapter {name:?}; known are {}", adapters().join(", "))]
pub struct UnknownAdapter {
    /// As it was given.
    pub name: String,
}

/// A symbol the exchange does not list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("symbol {symbol:?} is not listed here")]
pub struct UnknownSymbol {
    /// As it was given.
    pub symbol: String,
}

/// Whether exceeding a rate limit has the venue's consequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RateLimits {
    /// Requests above the limit are refused.
    #[default]
    Enforced,
    /// Requests are counted and reported but never refused.
    Counted,
}

/// How an exchange starts out.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Funds that replace the built-in ones, by asset.
    pub funds: BTreeMap<String, Decimal>,
    /// Whether spot fees are paid in the venue's own token while there is enough of it, where it has one.
    pub fees_in_token: bool,
    /// Long and short positions apart (hedge mode) instead of one net position, where the venue offers that.
    pub hedge_mode: bool,
    /// What the margin of contracts is drawn from; spot has none.
    pub margin_mode: MarginMode,
    /// Liquidity of every book.
    pub depth: Depth,
    /// Mark prices that replace the built-in ones, by symbol.
    pub marks: BTreeMap<String, Decimal>,
    /// Funding rates per eight hours that replace the built-in ones, by symbol.
    pub funding_rates: BTreeMap<String, Decimal>,
    /// Rate limiting.
    pub rate_limits: RateLimits,
}

impl Default for Settings {
    /// The venue's built-in funds, fees in the traded assets, one-way mode, cross margin, deep books, limits enforced.
    fn default() -> Self {
        Self {
            funds: BTreeMap::new(),
            fees_in_token: false,
            hedge_mode: false,
            margin_mode: MarginMode::Cross,
            depth: Depth::Deep,
            marks: BTreeMap::new(),
            funding_rates: BTreeMap::new(),
            rate_limits: RateLimits::Enforced,
        }
    }
}

/// What a venue brings to the shared interior.
pub(crate) struct Venue {
    pub(crate) policy: Policy,
    pub(crate) listings: Vec<Listing>,
    pub(crate) leverage_default: u32,
    /// What the account holds unless told otherwise.
    pub(crate) funds: Vec<(&'static str, Decimal)>,
    /// The venue's own token, where spot fees can be paid in one.
    pub(crate) fee_token: Option<FeeToken>,
    pub(crate) face: Box<dyn Face>,
}

/// What a request asks for.
pub(crate) struct Call {
    pub(crate) operation: Operation,
    pub(crate) symbol: Option<String>,
}

/// A refusal that a fault asks for.
pub(crate) struct Refused<'a> {
    /// HTTP status, where the venue's form leaves a choice.
    pub(crate) status: u16,
    pub(crate) code: i64,
    pub(crate) message: &'a str,
}

/// How a venue speaks HTTP. The interior knows nothing of it.
pub(crate) trait Face: std::fmt::Debug + Send {
    /// Tells what a request asks for; it need not be valid.
    fn classify(&self, request: &Request<Bytes>) -> Call;

    /// The gateway: rate limits, key, signature and time window. `None` lets the request through.
    fn turn_away(&mut self, now_ms: u64, request: &Request<Bytes>) -> Option<Response<Bytes>>;

    /// What happens behind the gateway.
    fn carry_out(
        &mut self,
        engine: &mut MatchingEngine,
        now_ms: u64,
        request: &Request<Bytes>,
        alteration: Alteration,
    ) -> Response<Bytes>;

    /// A refusal in the venue's form.
    fn refusal(
        &self,
        now_ms: u64,
        request: &Request<Bytes>,
        refused: Refused<'_>,
    ) -> Response<Bytes>;

    /// The rate limiter's refusal.
    fn rate_limited(
        &self,
        now_ms: u64,
        request: &Request<Bytes>,
        retry_after_s: u64,
    ) -> Response<Bytes>;

    fn boxed_clone(&self) -> Box<dyn Face>;
}

impl Clone for Box<dyn Face> {
    fn clone(&self) -> Self {
        self.boxed_clone()
    }
}

/// A simulated exchange: requests and the time go in, answers come out, nothing else happens.
#[derive(Clone, Debug)]
pub struct Exchange {
    adapter: &'static str,
    engine: MatchingEngine,
    face: Box<dyn Face>,
    faults: FaultPlan,
}

impl Exchange {
    /// Starts the exchange behind an adapter name; it knows one API key.
    ///
    /// # Errors
    /// The name is not one of [`adapters`].
    pub fn start(
        adapter: &str,
        credentials: Credentials,
        settings: Settings,
    ) -> Result<Self, UnknownAdapter> {
        let entry = faces::find(adapter);
        let entry = entry.ok_or_else(|| UnknownAdapter { name: adapter.to_owned() })?;
        let venue = (entry.open)(credentials, settings.rate_limits);
        let mut funds: BTreeMap<String, Decimal> =
            venue.funds.into_iter().map(|(asset, amount)| (asset.to_owned(), amount)).collect();
        funds.extend(settings.funds.clone());
        let hedge_mode = settings.hedge_mode && venue.policy.offers_hedge_mode;
        let mut account = Account::opened(funds, hedge_mode, venue.leverage_default);
        account.margin_mode = settings.margin_mode;
        let listings = venue.listings.into_iter().map(|listing| configured(listing, &settings));
        let engine = MatchingEngine {
            policy: venue.policy,
            listings: listings
                .map(|listing| (listing.instrument.symbol.to_owned(), listing))
                .collect(),
            account,
            orders: Orders::default(),
            fee_token: venue.fee_token.filter(|_| settings.fees_in_token),
        };
        Ok(Self { adapter: entry.name, engine, face: venue.face, faults: FaultPlan::default() })
    }

    /// The name it was started under.
    #[must_use]
    pub fn adapter(&self) -> &'static str {
        self.adapter
    }

    /// Takes one request at `now_ms`, the exchange's own clock in milliseconds UTC.
    ///
    /// The clock should not run backwards between calls.
    pub fn handle(&mut self, now_ms: u64, request: &Request<Bytes>) -> Answer {
        if let Some(loss) = self.faults.outage(now_ms) {
            return effects::lost(loss);
        }
        let call = self.face.classify(request);
        match self.faults.take(call.operation, call.symbol.as_deref()) {
            Some(effect) => self.suffer(now_ms, request, effect),
            None => Answer::Respond(self.process(now_ms, request, Alteration::default())),
        }
    }

    /// Sets up a failure. One that belongs to another adapter does nothing.
    pub fn inject(&mut self, fault: Fault) {
        if fault.adapter.is_none_or(|adapter| adapter == self.adapter) {
            self.faults.add(fault);
        }
    }

    /// The failures set up so far, to change them.
    pub fn faults_mut(&mut self) -> &mut FaultPlan {
        &mut self.faults
    }

    /// The rules of everything that trades here, by symbol.
    pub fn instruments(&self) -> impl Iterator<Item = &Instrument> {
        self.engine.listings.values().map(|listing| &listing.instrument)
    }

    /// Moves the mark price and the book with it; resting orders that are crossed execute at their own price.
    ///
    /// # Errors
    /// The symbol is not listed.
    pub fn set_mark(
        &mut self,
        now_ms: u64,
        symbol: &str,
        mark: Decimal,
    ) -> Result<(), UnknownSymbol> {
        let moved = self.engine.set_mark(now_ms, symbol, mark);
        if moved { Ok(()) } else { Err(UnknownSymbol { symbol: symbol.to_owned() }) }
    }

    /// Trades at the market without the interface, as the account's owner would on the venue's own screen.
    ///
    /// In hedge mode it opens: long for a buy, short for a sell. `None` when the engine refuses.
    pub fn trade_by_hand(
        &mut self,
        now_ms: u64,
        symbol: &str,
        side: Side,
        quantity: Decimal,
    ) -> Option<Order> {
        let position_side = match (self.engine.account.hedge_mode, side) {
            (false, _) => PositionSide::Net,
            (true, Side::Buy) => PositionSide::Long,
            (true, Side::Sell) => PositionSide::Short,
        };
        let new = NewOrder {
            client_order_id: None,
            symbol: symbol.to_owned(),
            side,
            kind: OrderKind::Market,
            time_in_force: TimeInForce::Ioc,
            quantity,
            quote_quantity: None,
            price: None,
            reduce_only: false,
            position_side,
            self_trade: SelfTrade::CancelTaker,
            origin: OrderOrigin::Screen,
        };
        let number = self.engine.place(now_ms, &new, Alteration::default()).ok()?;
        self.engine.orders.get(number).cloned()
    }

    fn process(
        &mut self,
        now_ms: u64,
        request: &Request<Bytes>,
        alteration: Alteration,
    ) -> Response<Bytes> {
        match self.face.turn_away(now_ms, request) {
            None => self.face.carry_out(&mut self.engine, now_ms, request, alteration),
            Some(refusal) => refusal,
        }
    }
}

fn configured(mut listing: Listing, settings: &Settings) -> Listing {
    let symbol = listing.instrument.symbol;
    listing.mark = settings.marks.get(symbol).copied().unwrap_or(listing.mark);
    listing.funding_rate =
        settings.funding_rates.get(symbol).copied().unwrap_or(listing.funding_rate);
    listing.shape = listing.shape.at_depth(settings.depth);
    listing
}
