//! One simulated exchange on loopback with its adapter in front of it.

use std::sync::Arc;

use equipoise::port::{OrderRef, PlaceError, Purpose, Venue};
use equipoise::venues::{Credentials, Endpoint, HttpTransport, Settings as VenueSettings, open};
use equipoise::{
    BatchKey, Fill, OrderEnd, OrderKind, OrderRequest, OrderSnapshot, OrderState, OrderTag,
    PositionSide, Role, Side, Symbol, SystemClock, TimeInForce, VenueMillis, VenueName,
    VenueOrderId, client_order_id,
};
use equipoise_sim::{
    Depth, Effect, Exchange, Fault, Occurrence, Operation, Order, Running, ServeOptions, Settings,
    serve,
};
use rust_decimal::Decimal;

use crate::harness::demo_credentials;
use crate::table::Place;

/// A request lives this long here, so that a busy machine makes none late.
const WINDOW_MS: u32 = 10_000;

pub(crate) struct Desk {
    pub(crate) place: &'static Place,
    pub(crate) exchange: Running,
    pub(crate) venue: Arc<dyn Venue>,
}

impl Desk {
    pub(crate) async fn open(place: &'static Place) -> Self {
        Self::open_with(place, Settings::default()).await
    }

    pub(crate) async fn open_with(place: &'static Place, settings: Settings) -> Self {
        Self::start(place, settings, ServeOptions::default(), demo_credentials(place.adapter)).await
    }

    /// With books that hold half the ordinary quantity, in whole lots.
    pub(crate) async fn thin(place: &'static Place) -> Self {
        let number = |text: &str| text.parse::<Decimal>().unwrap();
        let half = number(place.quantity) / Decimal::TWO;
        let depth = Depth::Thin { levels: 1, quantity: half - half % number(place.lot) };
        Self::open_with(place, Settings { depth, ..Settings::default() }).await
    }

    pub(crate) async fn start(
        place: &'static Place,
        settings: Settings,
        options: ServeOptions,
        credentials: Credentials,
    ) -> Self {
        let demo = equipoise_sim::Credentials::demo(place.adapter);
        let exchange = Exchange::start(place.adapter, demo, settings).unwrap();
        Self::before(place, exchange, options, credentials).await
    }

    /// At an exchange whose key may withdraw or not.
    pub(crate) async fn with_right(place: &'static Place, may_withdraw: bool) -> Self {
        let demo = equipoise_sim::Credentials::demo(place.adapter);
        let key = equipoise_sim::Credentials { may_withdraw, ..demo };
        let exchange = Exchange::start(place.adapter, key, Settings::default()).unwrap();
        let credentials = demo_credentials(place.adapter);
        Self::before(place, exchange, ServeOptions::default(), credentials).await
    }

    async fn before(
        place: &'static Place,
        exchange: Exchange,
        options: ServeOptions,
        credentials: Credentials,
    ) -> Self {
        let exchange = serve(exchange, ([127, 0, 0, 1], 0).into(), options).await.unwrap();
        let name = VenueName::new("desk").unwrap();
        let settings = VenueSettings::builder(name, place.adapter, credentials)
            .endpoint(Endpoint::Url(exchange.base_url()))
            .request_window_ms(WINDOW_MS)
            .build();
        let transport = Arc::new(HttpTransport::new().unwrap());
        let venue = open(settings, transport, Arc::new(SystemClock::start())).unwrap();
        Self { place, exchange, venue }
    }

    pub(crate) fn symbol(&self) -> Symbol {
        Symbol::new(self.place.symbol).unwrap()
    }

    pub(crate) fn now(&self) -> VenueMillis {
        VenueMillis(self.exchange.now_ms())
    }

    /// Sets up a failure of the first such call.
    pub(crate) fn fault(&self, operation: Operation, effect: Effect) {
        self.exchange.with(|exchange| {
            exchange.inject(Fault::on(operation, Occurrence::Nth(1), effect));
        });
    }

    /// A market order of the ordinary quantity; each number has an id of its own.
    pub(crate) fn market(&self, number: u16, side: Side) -> OrderRequest {
        OrderRequest {
            client_id: client_order_id(
                BatchKey([7; 16]),
                OrderTag { leg: 0, role: Role::Entry, attempt: number },
                self.venue.traits(),
            ),
            symbol: self.symbol(),
            side,
            kind: OrderKind::Market,
            quantity: self.place.quantity.parse().unwrap(),
            reduce_only: false,
            position_side: PositionSide::Net,
            deadline: self.now().plus_ms(WINDOW_MS.into()),
            window_ms: WINDOW_MS,
        }
    }

    pub(crate) fn limit(
        &self,
        number: u16,
        side: Side,
        price: &str,
        time_in_force: TimeInForce,
    ) -> OrderRequest {
        let kind = OrderKind::Limit { price: price.parse().unwrap(), time_in_force };
        OrderRequest { kind, ..self.market(number, side) }
    }

    /// A bid a fifth below the market: it rests.
    pub(crate) fn resting(&self, number: u16) -> OrderRequest {
        self.limit(number, Side::Buy, "52000", TimeInForce::Gtc)
    }

    /// Reserves and sends, as the engine does.
    pub(crate) async fn send(&self, order: &OrderRequest) -> Result<OrderSnapshot, PlaceError> {
        self.venue.reserve(Purpose::Entry).await.unwrap();
        self.venue.place(order).await
    }

    /// Sends an order that must be acknowledged, as itself.
    pub(crate) async fn placed(&self, order: &OrderRequest) -> VenueOrderId {
        let snapshot = self.send(order).await.unwrap();
        assert_eq!(snapshot.client_id, order.client_id);
        snapshot.venue_order
    }

    /// The one order under this id, looked up by the client id alone.
    pub(crate) async fn found(&self, order: &OrderRequest) -> OrderSnapshot {
        let found = self.venue.find(&reference(order)).await.unwrap();
        let [one] = &found[..] else { panic!("not one order: {found:#?}") };
        assert_eq!(one.client_id, order.client_id);
        one.clone()
    }

    /// What the exchange says it accepted.
    pub(crate) fn ledger(&self) -> Vec<Order> {
        self.exchange.with(|exchange| exchange.ledger()).orders
    }

    /// The account's position by the exchange's own books, signed.
    pub(crate) fn held(&self) -> Decimal {
        let ledger = self.exchange.with(|exchange| exchange.ledger());
        let own = ledger.positions.iter().filter(|held| held.symbol == self.place.symbol);
        own.map(|held| held.quantity).sum()
    }
}

pub(crate) fn reference(order: &OrderRequest) -> OrderRef {
    OrderRef::of(order)
}

pub(crate) fn is_filled(snapshot: &OrderSnapshot) -> bool {
    snapshot.state == OrderState::Ended(OrderEnd::Filled)
}

/// Ended without executing everything.
pub(crate) fn is_cut_short(snapshot: &OrderSnapshot) -> bool {
    matches!(
        snapshot.state,
        OrderState::Ended(OrderEnd::Cancelled { .. } | OrderEnd::Rejected { .. })
    )
}

/// The adapter's fills, compared number by number with the exchange's trades.
pub(crate) fn assert_same_fills(fills: &[Fill], order: &Order) {
    let line = |price: String, quantity: String, fee: String, asset: &str, at: u64| {
        format!("{quantity} at {price}, fee {fee} {asset}, {at}")
    };
    let plain = |number: Decimal| number.normalize().to_string();
    let mut shown: Vec<_> = fills
        .iter()
        .map(|fill| {
            let (price, quantity) = (plain(fill.price.get()), plain(fill.quantity.get()));
            line(price, quantity, plain(fill.fee.get()), fill.fee_asset.as_str(), fill.at.0)
        })
        .collect();
    let mut traded: Vec<_> = order
        .trades
        .iter()
        .map(|trade| {
            let (price, quantity) = (plain(trade.price), plain(trade.quantity));
            line(price, quantity, plain(trade.fee), &trade.fee_asset, trade.time_ms)
        })
        .collect();
    shown.sort_unstable();
    traded.sort_unstable();
    assert_eq!(shown, traded);
    let mut ids: Vec<_> = fills.iter().map(|fill| fill.trade.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), fills.len(), "every trade has an id of its own");
}
