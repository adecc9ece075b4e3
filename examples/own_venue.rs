//! A venue of your own, written from the traits of `equipoise-core` and `equipoise-port` alone: a paper exchange that
//! fills every order at once at a fixed price. `cargo run --example own_venue`
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub,
    reason = "an example: it prints, and stops where a host would handle the error"
)]

use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use equipoise::journal::{self, JournalKind, JournalOptions};
use equipoise::port::{
    Account, Balance, CancelAnswer, Clock, OrderRef, PlaceError, Position, Purpose, QueryError,
    Quote, Venue,
};
use equipoise::{
    Amount, Asset, BookTop, DeadlineCheck, Engine, Fill, IdAlphabet, Instrument, InstrumentKind,
    Leg, LegName, Occasion, OnResidual, OrderEnd, OrderRequest, OrderSnapshot, OrderState, Plan,
    Policy, PositionMode, Positions, Price, Qty, Quantity, ResendClass, Side, StrategyName, Symbol,
    SystemClock, TradeId, VenueMillis, VenueName, VenueOrderId, VenueSetup, VenueTraits,
};

struct Paper {
    traits: VenueTraits,
    clock: Arc<dyn Clock>,
    price: Price,
    orders: Mutex<Vec<(Side, OrderSnapshot)>>,
}

impl Paper {
    fn new(price: &str, clock: Arc<dyn Clock>) -> Result<Self, Box<dyn Error>> {
        let traits = VenueTraits {
            // It never forgets an id, so an order whose answer got lost may be sent again under the same id.
            class: ResendClass::A,
            deadline_check: DeadlineCheck::None,
            window_ms: 2_000,
            margin_ms: 1_000,
            id_horizon_ms: 600_000,
            lookup_window_ms: u64::MAX,
            id_alphabet: IdAlphabet::Alphanumeric,
            id_len_max: 36,
            native_dead_man_switch: false,
            native_spreads: false,
        };
        Ok(Self { traits, clock, price: price.parse()?, orders: Mutex::new(Vec::new()) })
    }

    fn orders(&self) -> Vec<(Side, OrderSnapshot)> {
        self.orders.lock().unwrap().clone()
    }
}

#[async_trait]
impl Venue for Paper {
    fn traits(&self) -> &VenueTraits {
        &self.traits
    }
    async fn server_time(&self) -> Result<VenueMillis, QueryError> {
        Ok(VenueMillis(self.clock.now().0))
    }
    async fn account(&self, _: &[Symbol]) -> Result<Account, QueryError> {
        Ok(Account { position_mode: PositionMode::OneWay, can_trade: true, margin_mode: None })
    }
    async fn instrument(&self, symbol: &Symbol) -> Result<Instrument, QueryError> {
        let lot: Qty = "0.001".parse().unwrap();
        let one: Qty = "1".parse().unwrap();
        Ok(Instrument {
            symbol: symbol.clone(),
            kind: InstrumentKind::Linear,
            base: Asset::new("BTC").unwrap(),
            quote: Asset::new("USD").unwrap(),
            settle: Asset::new("USD").unwrap(),
            tick: "0.1".parse().unwrap(),
            lot,
            quantity_min: lot,
            quantity_max: Qty::ZERO,
            market_quantity_max: Qty::ZERO,
            notional_min: Qty::ZERO,
            contract_size: one,
            taker_fee: Amount::ZERO,
        })
    }
    async fn quote(&self, _: &Symbol) -> Result<Quote, QueryError> {
        let size: Qty = "100".parse().unwrap();
        let ask = Price::new(self.price.get() + rust_decimal::Decimal::ONE).unwrap();
        let book = BookTop { bid: Some((self.price, size)), ask: Some((ask, size)) };
        Ok(Quote { book, mark: self.price, funding: None })
    }
    async fn position(&self, _: &Symbol) -> Result<Position, QueryError> {
        let net = self
            .orders()
            .iter()
            .fold(Amount::ZERO, |net, (side, order)| net + side.signed(order.executed));
        let (long, short) = (net.get().max(0.into()), (-net.get()).max(0.into()));
        Ok(Position { long: Qty::new(long).unwrap(), short: Qty::new(short).unwrap() })
    }
    async fn balances(&self) -> Result<Vec<Balance>, QueryError> {
        Ok(Vec::new())
    }
    async fn reserve(&self, _: Purpose) -> Result<(), QueryError> {
        Ok(())
    }
    async fn place(&self, order: &OrderRequest) -> Result<OrderSnapshot, PlaceError> {
        let mut orders = self.orders.lock().unwrap();
        if let Some((_, first)) =
            orders.iter().find(|(_, known)| known.client_id == order.client_id)
        {
            return Ok(first.clone());
        }
        let number = orders.len().to_string();
        let fill = Fill {
            trade: TradeId::new(&number).unwrap(),
            price: self.price,
            quantity: order.quantity,
            fee: Amount::ZERO,
            fee_asset: Asset::new("USD").unwrap(),
            at: VenueMillis(self.clock.now().0),
        };
        let snapshot = OrderSnapshot {
            venue_order: VenueOrderId::new(&number).unwrap(),
            client_id: order.client_id.clone(),
            state: OrderState::Ended(OrderEnd::Filled),
            executed: order.quantity,
            fills: vec![fill],
            busted: Vec::new(),
        };
        orders.push((order.side, snapshot.clone()));
        Ok(snapshot)
    }
    async fn find(&self, order: &OrderRef) -> Result<Vec<OrderSnapshot>, QueryError> {
        let known = self.orders().into_iter().map(|(_, known)| known);
        Ok(known.filter(|known| known.client_id == order.client_id).collect())
    }
    async fn orders_since(
        &self,
        _: &Symbol,
        _: VenueMillis,
    ) -> Result<Vec<OrderSnapshot>, QueryError> {
        Ok(self.orders().into_iter().map(|(_, known)| known).collect())
    }
    async fn cancel(&self, _: &OrderRef) -> Result<CancelAnswer, QueryError> {
        Ok(CancelAnswer::NotOpen)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let journal = journal::open(JournalKind::Memory, Path::new(""), &JournalOptions::default())?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let mut builder = Engine::builder(journal);
    for (name, price) in [("here", "65000"), ("there", "65020")] {
        let venue = Arc::new(Paper::new(price, clock.clone())?);
        let setup = VenueSetup { venue, positions: Positions::Exclusive };
        builder = builder.venue(VenueName::new(name)?, setup);
    }
    let engine = builder.start().await?;
    let leg = |name: &str, venue: &str, side| -> Result<Leg, Box<dyn Error>> {
        let quantity = Quantity::Base("0.25".parse()?);
        Ok(Leg::market(
            LegName::new(name)?,
            VenueName::new(venue)?,
            Symbol::new("BTC-USD")?,
            side,
            quantity,
        ))
    };
    let plan = Plan {
        strategy: StrategyName::new("paper")?,
        occasion: Occasion::new("first-try")?,
        legs: vec![leg("buy", "here", Side::Buy)?, leg("sell", "there", Side::Sell)?],
        policy: Policy::new(OnResidual::Unwind, 10_000),
    };
    let report = engine.submit(&plan).await?.wait().await?;
    println!("{} is {}", report.key, report.status.as_str());
    for (asset, delta) in &report.net_delta {
        println!("net delta {delta} {asset}");
    }
    Ok(())
}
