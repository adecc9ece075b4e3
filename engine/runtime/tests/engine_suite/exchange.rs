//! An exchange in memory: it does what a script says, and remembers every call and every order.
//!
//! It outlives engines; one reaches it over a [`Wire`](super::wire::Wire).

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use equipoise_core::{
    Amount, DeadlineCheck, Fill, IdAlphabet, OrderEnd, OrderKind, OrderRequest, OrderSnapshot,
    OrderState, PositionMode, Qty, RefusalKind, ResendClass, Side, TimeInForce, UnixMillis,
    VenueMillis, VenueTraits,
};
use equipoise_port::{Clock, Purpose, QueryError};
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
    /// Never arrives, and meanwhile the exchange takes back every trade of its first order (V12).
    LoseAndBust,
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
    pub(super) at: VenueMillis,
}

pub(super) type BeforePlace = Box<dyn Fn(&OrderRequest) + Send + Sync>;

#[derive(Default)]
pub(super) struct State {
    pub(super) orders: Vec<Placed>,
    pub(super) script: VecDeque<OnPlace>,
    pub(super) calls: Vec<(UnixMillis, Call)>,
    /// Answers instead of the real ones, by kind of call, used until taken away.
    pub(super) failures: BTreeMap<&'static str, QueryError>,
    pub(super) panics: Option<&'static str>,
    pub(super) before_place: Option<BeforePlace>,
    pub(super) offset_ms: i64,
    pub(super) latency_ms: u64,
    pub(super) refused_side: Option<Side>,
    pub(super) server_time_latency_ms: u64,
    pub(super) trading_disallowed: bool,
    pub(super) position_mode: Option<PositionMode>,
    pub(super) account: Option<&'static str>,
}

/// One exchange with one account.
pub(crate) struct Exchange {
    pub(crate) name: &'static str,
    pub(super) clock: Arc<SystemClock>,
    pub(super) traits: VenueTraits,
    state: Mutex<State>,
}

impl Exchange {
    pub(crate) fn new(
        name: &'static str,
        class: ResendClass,
        clock: Arc<SystemClock>,
    ) -> Arc<Self> {
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

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// What happens to the next orders, one each; after these everything fills.
    pub(crate) fn play(&self, script: impl IntoIterator<Item = OnPlace>) {
        self.state().script.extend(script);
    }

    /// Every order on this side is refused.
    pub(crate) fn refuse_side(&self, side: Side) {
        self.state().refused_side = Some(side);
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

    pub(crate) fn set_position_mode(&self, mode: PositionMode) {
        self.state().position_mode = Some(mode);
    }

    /// Says where it leads.
    pub(crate) fn lead_to(&self, account: &'static str) {
        self.state().account = Some(account);
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
        let signed = orders.iter().map(|Placed { request, snapshot, .. }| {
            let busted = snapshot.busted.iter().map(|fill| request.side.signed(fill.quantity));
            busted.fold(request.side.signed(snapshot.executed), |sum, units| sum - units)
        });
        signed.fold(Amount::ZERO, |sum, units| sum + units)
    }

    /// Takes back every trade of an order; what ever executed stays what it was.
    pub(crate) fn bust(&self, index: usize) {
        let snapshot = &mut self.state().orders[index].snapshot;
        snapshot.busted.append(&mut snapshot.fills);
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

    /// Shows none of its orders any more.
    pub(crate) fn drop_orders(&self) {
        self.state().orders.clear();
    }

    /// An order this engine never placed shows under an id.
    pub(crate) fn add_foreign(&self, request: OrderRequest) {
        self.accept(&request, "0.1");
    }

    pub(super) fn time(&self) -> VenueMillis {
        let offset_ms = self.state().offset_ms;
        VenueMillis(self.clock.now().0.saturating_add_signed(offset_ms))
    }

    pub(super) fn accept(&self, request: &OrderRequest, executed: &str) -> OrderSnapshot {
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
                busted: Vec::new(),
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

/// Ids at an exchange that carry an effect, with their net effect.
pub(crate) fn effects(exchange: &Exchange) -> BTreeMap<String, (usize, Amount)> {
    let mut effects = BTreeMap::new();
    for order in exchange.orders() {
        let effect =
            effects.entry(order.request.client_id.to_string()).or_insert((0, Amount::ZERO));
        effect.0 += 1;
        effect.1 = effect.1 + order.request.side.signed(order.snapshot.executed);
    }
    effects
}
