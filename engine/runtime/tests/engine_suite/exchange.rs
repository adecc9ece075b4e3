//! An exchange in memory: it does what a script says, and remembers every call and every order.
//!
//! The exchange outlives engines. An engine reaches it over a [`Wire`]; cutting that is what a kill looks like from
//! here: nothing further arrives, and nobody hears an answer.

use std::collections::{BTreeMap, VecDeque};
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use equipoise_core::{
    Amount, BookTop, DeadlineCheck, Fill, IdAlphabet, Instrument, InstrumentKind, OrderEnd,
    OrderKind, OrderRequest, OrderSnapshot, OrderState, PositionMode, Qty, Refusal, RefusalKind,
    ResendClass, Symbol, TimeInForce, UnixMillis, VenueMillis, VenueTraits,
};
use equipoise_port::{
    Account, Balance, CancelAnswer, Clock, OrderRef, PlaceError, Position, Purpose, QueryError,
    Quote, Venue,
};
use equipoise_runtime::SystemClock;

use super::setup::of;

/// What happens to one order.
#[derive(Debug, Clone)]
pub(crate) enum OnPlace {
    /// Executed whole and acknowledged; the fill shows in queries only.
    Fill,
    /// Executed so far, the rest cancelled.
    Partial(&'static str),
    /// Rests in the book.
    Rest,
    /// Executed whole, but the answer is lost.
    FillUnheard,
    /// Never arrives.
    Lose,
    /// Nothing leaves.
    NotSent,
    /// Refused.
    Refuse(RefusalKind),
    /// The adapter panics, in the future or already in the call.
    Panic,
    /// The adapter never returns; nothing arrives.
    Hang,
}

/// One call of the adapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Call {
    ServerTime,
    Account,
    Instrument,
    Quote,
    Position,
    Reserve(Purpose),
    Place(OrderRequest),
    Find,
    List,
    Cancel,
}

#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) request: OrderRequest,
    pub(crate) snapshot: OrderSnapshot,
    at: VenueMillis,
}

type BeforePlace = Box<dyn Fn(&OrderRequest) + Send + Sync>;

#[derive(Default)]
struct State {
    orders: Vec<Placed>,
    script: VecDeque<OnPlace>,
    calls: Vec<(UnixMillis, Call)>,
    /// Answers instead of the real ones, by kind of call, used until taken away.
    failures: BTreeMap<&'static str, QueryError>,
    panics: Option<&'static str>,
    before_place: Option<BeforePlace>,
    offset_ms: i64,
    latency_ms: u64,
    server_time_latency_ms: u64,
    trading_disallowed: bool,
}

/// One exchange with one account.
pub(crate) struct Exchange {
    pub(crate) name: &'static str,
    clock: Arc<SystemClock>,
    traits: VenueTraits,
    state: Mutex<State>,
}

impl Exchange {
    pub(crate) fn new(name: &'static str, class: ResendClass, clock: Arc<SystemClock>) -> Arc<Self> {
        let traits = VenueTraits {
            class,
            deadline_check: DeadlineCheck::MatchingEngine,
            window_ms: 2_000,
            margin_ms: 2_000,
            id_horizon_ms: 600_000,
            lookup_window_ms: 604_800_000,
            id_alphabet: IdAlphabet::Alphanumeric,
            id_len_max: 36,
            native_dead_man_switch: false,
            native_spreads: false,
        };
        Arc::new(Self { name, clock, traits, state: Mutex::new(State::default()) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// What happens to the next orders, one each; after these everything fills.
    pub(crate) fn play(&self, script: impl IntoIterator<Item = OnPlace>) {
        self.state().script.extend(script);
    }

    /// Calls of this kind are answered so until [`Self::heal`].
    pub(crate) fn fail(&self, kind: &'static str, error: QueryError) {
        self.state().failures.insert(kind, error);
    }

    pub(crate) fn heal(&self, kind: &'static str) {
        self.state().failures.remove(kind);
    }

    /// The next call of this kind panics.
    pub(crate) fn panic_in(&self, kind: &'static str) {
        self.state().panics = Some(kind);
    }

    pub(crate) fn before_place(&self, look: impl Fn(&OrderRequest) + Send + Sync + 'static) {
        self.state().before_place = Some(Box::new(look));
    }

    /// Every call takes so long.
    pub(crate) fn take_ms(&self, latency_ms: u64) {
        self.state().latency_ms = latency_ms;
    }

    /// Reading the clock takes so long.
    pub(crate) fn take_ms_for_time(&self, latency_ms: u64) {
        self.state().server_time_latency_ms = latency_ms;
    }

    pub(crate) fn set_offset_ms(&self, offset_ms: i64) {
        self.state().offset_ms = offset_ms;
    }

    pub(crate) fn disallow_trading(&self, disallowed: bool) {
        self.state().trading_disallowed = disallowed;
    }

    pub(crate) fn calls(&self) -> Vec<(UnixMillis, Call)> {
        self.state().calls.clone()
    }

    pub(crate) fn forget_calls(&self) {
        self.state().calls.clear();
    }

    pub(crate) fn count(&self, wanted: impl Fn(&Call) -> bool) -> usize {
        self.state().calls.iter().filter(|(_, call)| wanted(call)).count()
    }

    /// Every order the adapter was told to place, arrived or not.
    pub(crate) fn asked(&self) -> Vec<OrderRequest> {
        let calls = self.calls().into_iter();
        let placed = calls.filter_map(|(_, call)| match call {
            Call::Place(request) => Some(request),
            _ => None,
        });
        placed.collect()
    }

    pub(crate) fn orders(&self) -> Vec<Placed> {
        self.state().orders.clone()
    }

    /// What the account holds from orders of this test, signed.
    pub(crate) fn net(&self) -> Amount {
        let orders = self.orders();
        let signed = orders.iter().map(|order| order.request.side.signed(order.snapshot.executed));
        signed.fold(Amount::ZERO, |sum, units| sum + units)
    }

    /// A resting order trades.
    pub(crate) fn trade(&self, index: usize, quantity: &str) {
        let at = self.time();
        let mut state = self.state();
        let order = &mut state.orders[index];
        execute(order, of(quantity), at);
        if order.snapshot.executed == order.request.quantity {
            order.snapshot.state = OrderState::Ended(OrderEnd::Filled);
        }
    }

    /// An order this engine never placed shows under an id.
    pub(crate) fn add_foreign(&self, request: OrderRequest) {
        self.accept(&request, "0.1");
    }

    fn time(&self) -> VenueMillis {
        let offset_ms = self.state().offset_ms;
        VenueMillis(self.clock.now().0.saturating_add_signed(offset_ms))
    }

    fn accept(&self, request: &OrderRequest, executed: &str) -> OrderSnapshot {
        let at = self.time();
        let mut state = self.state();
        let number = state.orders.len() + 1;
        let rests = matches!(
            request.kind,
            OrderKind::Limit { time_in_force: TimeInForce::Gtc | TimeInForce::PostOnly, .. }
        );
        let mut order = Placed {
            request: request.clone(),
            snapshot: OrderSnapshot {
                venue_order: of(&format!("{}-{number}", self.name)),
                client_id: request.client_id.clone(),
                state: OrderState::Open,
                executed: Qty::ZERO,
                fills: Vec::new(),
            },
            at,
        };
        execute(&mut order, of::<Qty>(executed).min(request.quantity), at);
        let whole = order.snapshot.executed == request.quantity;
        order.snapshot.state = match (whole, rests) {
            (true, _) => OrderState::Ended(OrderEnd::Filled),
            (false, true) => OrderState::Open,
            (false, false) => OrderState::Ended(OrderEnd::Cancelled { reason: String::new() }),
        };
        let snapshot = order.snapshot.clone();
        state.orders.push(order);
        snapshot
    }
}

fn execute(order: &mut Placed, quantity: Qty, at: VenueMillis) {
    if quantity.is_zero() {
        return;
    }
    let number = order.snapshot.fills.len() + 1;
    order.snapshot.executed = order.snapshot.executed.plus(quantity);
    order.snapshot.fills.push(Fill {
        trade: of(&format!("{}-t{number}", order.snapshot.venue_order)),
        price: of("65000"),
        quantity,
        fee: Amount::ZERO,
        fee_asset: of("USDT"),
        at,
    });
}

/// How one engine reaches an exchange.
pub(crate) struct Wire {
    exchange: Arc<Exchange>,
    cut: Arc<AtomicBool>,
}

impl Wire {
    pub(crate) fn new(exchange: Arc<Exchange>, cut: Arc<AtomicBool>) -> Arc<Self> {
        Arc::new(Self { exchange, cut })
    }

    async fn heard(&self) {
        if self.cut.load(Ordering::SeqCst) {
            pending::<()>().await;
        }
    }

    async fn called(&self, kind: &'static str, call: Call) -> Result<(), QueryError> {
        self.heard().await;
        let (latency_ms, failure) = {
            let now = self.exchange.clock.now();
            let mut state = self.exchange.state();
            if state.panics.take_if(|panics| *panics == kind).is_some() {
                drop(state);
                panic!("scripted panic in {kind}");
            }
            state.calls.push((now, call.clone()));
            let extra = if call == Call::ServerTime { state.server_time_latency_ms } else { 0 };
            (state.latency_ms + extra, state.failures.get(kind).cloned())
        };
        if latency_ms > 0 {
            tokio::time::sleep(Duration::from_millis(latency_ms)).await;
        }
        self.heard().await;
        failure.map_or(Ok(()), Err)
    }

    async fn placed(&self, order: &OrderRequest) -> Result<OrderSnapshot, PlaceError> {
        let unknown = || PlaceError::Unknown("connection reset".into());
        self.called("place", Call::Place(order.clone())).await.map_err(|_| unknown())?;
        let exchange = &self.exchange;
        let what = {
            let mut state = exchange.state();
            if let Some(look) = &state.before_place {
                look(order);
            }
            state.script.pop_front().unwrap_or(OnPlace::Fill)
        };
        let acknowledged = |snapshot: OrderSnapshot| OrderSnapshot {
            fills: Vec::new(),
            executed: Qty::ZERO,
            state: OrderState::Open,
            ..snapshot
        };
        let answer = match what {
            OnPlace::Fill => Ok(acknowledged(exchange.accept(order, "1000000"))),
            OnPlace::Partial(executed) => Ok(acknowledged(exchange.accept(order, executed))),
            OnPlace::Rest => Ok(exchange.accept(order, "0")),
            OnPlace::FillUnheard => {
                exchange.accept(order, "1000000");
                Err(unknown())
            }
            OnPlace::Lose => Err(unknown()),
            OnPlace::NotSent => Err(PlaceError::NotSent("connection refused".into())),
            OnPlace::Refuse(kind) => {
                let (code, message) = ("-2019".into(), "margin is insufficient".into());
                Err(PlaceError::Refused(Refusal { kind, code, message }))
            }
            OnPlace::Panic => panic!("scripted panic in place"),
            OnPlace::Hang => pending().await,
        };
        self.heard().await;
        answer
    }
}

#[async_trait]
impl Venue for Wire {
    fn traits(&self) -> &VenueTraits {
        &self.exchange.traits
    }

    async fn server_time(&self) -> Result<VenueMillis, QueryError> {
        self.called("server_time", Call::ServerTime).await?;
        Ok(self.exchange.time())
    }

    async fn account(&self, _: &[Symbol]) -> Result<Account, QueryError> {
        self.called("account", Call::Account).await?;
        let can_trade = !self.exchange.state().trading_disallowed;
        Ok(Account { position_mode: PositionMode::OneWay, can_trade })
    }

    async fn instrument(&self, symbol: &Symbol) -> Result<Instrument, QueryError> {
        self.called("instrument", Call::Instrument).await?;
        Ok(Instrument {
            symbol: symbol.clone(),
            kind: InstrumentKind::Linear,
            base: of("BTC"),
            quote: of("USDT"),
            settle: of("USDT"),
            tick: of("0.1"),
            lot: of("0.001"),
            quantity_min: of("0.001"),
            quantity_max: of("1000"),
            market_quantity_max: of("120"),
            notional_min: of("5"),
            contract_size: of("1"),
            taker_fee: of("0.0005"),
        })
    }

    async fn quote(&self, _: &Symbol) -> Result<Quote, QueryError> {
        self.called("quote", Call::Quote).await?;
        let book =
            BookTop { bid: Some((of("65000"), of("5"))), ask: Some((of("65000.1"), of("5"))) };
        Ok(Quote { book, mark: of("65000"), funding: None })
    }

    async fn position(&self, _: &Symbol) -> Result<Position, QueryError> {
        self.called("position", Call::Position).await?;
        let net = self.exchange.net();
        let units = net.magnitude();
        let (long, short) =
            if net.get().is_sign_negative() { (Qty::ZERO, units) } else { (units, Qty::ZERO) };
        Ok(Position { long, short })
    }

    async fn balances(&self) -> Result<Vec<Balance>, QueryError> {
        Ok(Vec::new())
    }

    async fn reserve(&self, purpose: Purpose) -> Result<(), QueryError> {
        self.called("reserve", Call::Reserve(purpose)).await
    }

    async fn place(&self, order: &OrderRequest) -> Result<OrderSnapshot, PlaceError> {
        self.placed(order).await
    }

    async fn find(&self, order: &OrderRef) -> Result<Vec<OrderSnapshot>, QueryError> {
        self.called("find", Call::Find).await?;
        let matches = |placed: &Placed| match &order.venue_order {
            Some(id) => placed.snapshot.venue_order == *id,
            None => placed.snapshot.client_id == order.client_id,
        };
        let orders = self.exchange.orders().into_iter();
        Ok(orders.filter(matches).map(|placed| placed.snapshot).collect())
    }

    async fn orders_since(
        &self,
        symbol: &Symbol,
        since: VenueMillis,
    ) -> Result<Vec<OrderSnapshot>, QueryError> {
        self.called("list", Call::List).await?;
        let orders = self.exchange.orders().into_iter();
        let listed = orders.filter(|placed| placed.request.symbol == *symbol && placed.at >= since);
        let without_fills = listed.map(|placed| OrderSnapshot { fills: Vec::new(), ..placed.snapshot });
        Ok(without_fills.collect())
    }

    async fn cancel(&self, order: &OrderRef) -> Result<CancelAnswer, QueryError> {
        self.called("cancel", Call::Cancel).await?;
        let mut state = self.exchange.state();
        let open = state.orders.iter_mut().find(|placed| {
            placed.snapshot.client_id == order.client_id && placed.snapshot.state == OrderState::Open
        });
        let Some(open) = open else { return Ok(CancelAnswer::NotOpen) };
        let reason = "cancelled by request".to_owned();
        open.snapshot.state = OrderState::Ended(OrderEnd::Cancelled { reason });
        Ok(CancelAnswer::Acknowledged)
    }
}

/// Ids at an exchange that carry an effect, with their net effect.
pub(crate) fn effects(exchange: &Exchange) -> BTreeMap<String, (usize, Amount)> {
    let mut effects = BTreeMap::new();
    for order in exchange.orders() {
        let effect = effects
            .entry(order.request.client_id.to_string())
            .or_insert((0, Amount::ZERO));
        effect.0 += 1;
        effect.1 = effect.1 + order.request.side.signed(order.snapshot.executed);
    }
    effects
}
