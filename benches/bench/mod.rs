//! An instant venue, plans, and adapters over a wire in memory, shared by the benches.
#![allow(dead_code, reason = "each bench uses its own part")]
#![allow(clippy::unwrap_used, reason = "benches")]

pub(crate) mod engine;
pub(crate) mod exchange;
pub(crate) mod payload;
pub(crate) mod wire;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use equipoise::port::{
    Account, Balance, CancelAnswer, Clock as _, OrderRef, PlaceError, Position, Purpose,
    QueryError, Quote, Venue,
};
use equipoise::{
    Amount, Asset, BatchSpec, BookTop, ClockOffset, DeadlineCheck, Event, Fill, IdAlphabet,
    Instrument, InstrumentKind, Leg, LegName, LegQuantity, LegSpec, Occasion, OnResidual, OrderEnd,
    OrderRequest, OrderSnapshot, OrderState, OrderTag, Plan, Policy, PositionMode, Positions,
    Prepared, Price, Qty, Quantity, References, ResendClass, Role, Side, StrategyName, Symbol,
    SystemClock, TradeId, UnixMillis, VenueMillis, VenueName, VenueOrderId, VenueTraits,
};

/// Fills every order in full the moment it is placed, and says so in the answer.
pub(crate) struct Instant {
    traits: VenueTraits,
    instrument: Instrument,
    clock: SystemClock,
    next: AtomicU64,
    /// Told when an order was handed over.
    pub(crate) placed: Mutex<Option<tokio::sync::mpsc::UnboundedSender<std::time::Instant>>>,
}

impl Instant {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            traits: traits(),
            instrument: instrument(),
            clock: SystemClock::start(),
            next: AtomicU64::new(1),
            placed: Mutex::new(None),
        })
    }
}

pub(crate) fn traits() -> VenueTraits {
    VenueTraits {
        class: ResendClass::A,
        deadline_check: DeadlineCheck::Gateway,
        window_ms: 2_000,
        margin_ms: 10_000,
        id_horizon_ms: 600_000,
        lookup_window_ms: 86_400_000,
        id_alphabet: IdAlphabet::Alphanumeric,
        id_len_max: 36,
        native_dead_man_switch: false,
        native_spreads: false,
    }
}

pub(crate) fn instrument() -> Instrument {
    Instrument {
        symbol: Symbol::new("BTCUSDT").unwrap(),
        kind: InstrumentKind::Linear,
        base: Asset::new("BTC").unwrap(),
        quote: Asset::new("USDT").unwrap(),
        settle: Asset::new("USDT").unwrap(),
        tick: "0.1".parse().unwrap(),
        lot: "0.001".parse().unwrap(),
        quantity_min: "0.001".parse().unwrap(),
        quantity_max: "1000".parse().unwrap(),
        market_quantity_max: "120".parse().unwrap(),
        notional_min: "100".parse().unwrap(),
        contract_size: "1".parse().unwrap(),
        taker_fee: "0.0005".parse().unwrap(),
    }
}

pub(crate) fn fill(trade: u64, quantity: Qty) -> Fill {
    Fill {
        trade: TradeId::new(&trade.to_string()).unwrap(),
        price: "65000".parse().unwrap(),
        quantity,
        fee: "3.25".parse().unwrap(),
        fee_asset: Asset::new("USDT").unwrap(),
        at: VenueMillis(1_795_334_400_000),
    }
}

pub(crate) fn filled(order: &OrderRequest, number: u64) -> OrderSnapshot {
    OrderSnapshot {
        venue_order: VenueOrderId::new(&number.to_string()).unwrap(),
        client_id: order.client_id.clone(),
        state: OrderState::Ended(OrderEnd::Filled),
        executed: order.quantity,
        fills: vec![fill(number, order.quantity)],
        busted: Vec::new(),
    }
}

#[async_trait]
impl Venue for Instant {
    fn traits(&self) -> &VenueTraits {
        &self.traits
    }
    async fn server_time(&self) -> Result<VenueMillis, QueryError> {
        Ok(VenueMillis(self.clock.now().0))
    }
    async fn account(&self, _: &[Symbol]) -> Result<Account, QueryError> {
        Ok(Account { position_mode: PositionMode::OneWay, can_trade: true, margin_mode: None })
    }
    async fn instrument(&self, _: &Symbol) -> Result<Instrument, QueryError> {
        Ok(self.instrument.clone())
    }
    async fn quote(&self, _: &Symbol) -> Result<Quote, QueryError> {
        let price: Price = "65000".parse().unwrap();
        let size: Qty = "100".parse().unwrap();
        let ask: Price = "65000.1".parse().unwrap();
        let book = BookTop { bid: Some((price, size)), ask: Some((ask, size)) };
        Ok(Quote { book, mark: price, funding: None })
    }
    async fn position(&self, _: &Symbol) -> Result<Position, QueryError> {
        Ok(Position { long: Qty::ZERO, short: Qty::ZERO })
    }
    async fn balances(&self) -> Result<Vec<Balance>, QueryError> {
        Ok(Vec::new())
    }
    async fn reserve(&self, _: Purpose) -> Result<(), QueryError> {
        Ok(())
    }
    async fn place(&self, order: &OrderRequest) -> Result<OrderSnapshot, PlaceError> {
        if let Some(placed) = self.placed.lock().unwrap().as_ref() {
            let _ = placed.send(std::time::Instant::now());
        }
        Ok(filled(order, self.next.fetch_add(1, Ordering::Relaxed)))
    }
    async fn find(&self, _: &OrderRef) -> Result<Vec<OrderSnapshot>, QueryError> {
        Ok(Vec::new())
    }
    async fn orders_since(
        &self,
        _: &Symbol,
        _: VenueMillis,
    ) -> Result<Vec<OrderSnapshot>, QueryError> {
        Ok(Vec::new())
    }
    async fn cancel(&self, _: &OrderRef) -> Result<CancelAnswer, QueryError> {
        Ok(CancelAnswer::NotOpen)
    }
}

/// Two legs, at once or one after the other.
pub(crate) fn plan(occasion: &str, sequential: bool) -> Plan {
    let leg = |name: &str, venue: &str, side| {
        Leg::market(
            LegName::new(name).unwrap(),
            VenueName::new(venue).unwrap(),
            Symbol::new("BTCUSDT").unwrap(),
            side,
            Quantity::Base("0.1".parse().unwrap()),
        )
    };
    let mut short = leg("short", "bybit", Side::Sell);
    if sequential {
        short = short.after([LegName::new("long").unwrap()]);
    }
    Plan {
        strategy: StrategyName::new("bench").unwrap(),
        occasion: Occasion::new(occasion).unwrap(),
        legs: vec![leg("long", "binance", Side::Buy), short],
        policy: Policy::new(OnResidual::Unwind, 10_000),
    }
}

/// Engine time of the benches.
pub(crate) const NOW: UnixMillis = UnixMillis(1_795_334_400_000);

/// A batch as it would be admitted.
pub(crate) fn spec(occasion: &str) -> BatchSpec {
    let plan = plan(occasion, false).check().unwrap();
    let legs = plan.legs.iter().map(|leg| LegSpec {
        name: leg.name.clone(),
        venue: leg.venue.clone(),
        instrument: instrument(),
        side: leg.side,
        kind: leg.kind,
        quantity: LegQuantity::Fixed("0.1".parse().unwrap()),
        reduce_only: false,
        after: leg.after.clone(),
        traits: traits(),
        positions: Positions::Exclusive,
        position_mode: PositionMode::OneWay,
        baseline: Some(Amount::ZERO),
        account: None,
    });
    BatchSpec {
        key: plan.key,
        digest: plan.digest,
        strategy: plan.strategy.clone(),
        occasion: plan.occasion.clone(),
        legs: legs.collect(),
        listing: plan.listing.clone(),
        policy: plan.policy.clone(),
        references: References::from_iter([(
            instrument().base,
            instrument().quote,
            "65000".parse().unwrap(),
        )]),
        doubt_grace_ms: 120_000,
        admitted_at: NOW,
    }
}

/// The first entry of a leg.
pub(crate) fn tag(leg: u8) -> OrderTag {
    OrderTag { leg, role: Role::Entry, attempt: 0 }
}

/// Everything for the first wave is at hand.
pub(crate) fn prepared() -> Event {
    let prepared = |leg| Prepared {
        tag: tag(leg),
        clock: ClockOffset { offset_ms: 3 },
        book: None,
        position: None,
        others_hold: false,
    };
    Event::Prepared(vec![prepared(0), prepared(1)])
}

static NEXT: AtomicU64 = AtomicU64::new(0);

/// One that was not used before.
pub(crate) fn occasion() -> String {
    NEXT.fetch_add(1, Ordering::Relaxed).to_string()
}

/// The middle one.
pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
