//! Orders and trades, and where they are kept.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::account::PositionSide;
use crate::decimal_text;

/// Direction of an order or trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Takes base in.
    Buy,
    /// Gives base out.
    Sell,
}

impl Side {
    /// The other one.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// `quantity` as a change of position.
    #[must_use]
    pub fn signed(self, quantity: Decimal) -> Decimal {
        match self {
            Self::Buy => quantity,
            Self::Sell => -quantity,
        }
    }
}

/// Market or limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderKind {
    /// Takes what the book offers, never rests.
    Market,
    /// Trades at its price or better.
    Limit,
}

/// What happens to the part of an order that cannot trade at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeInForce {
    /// It rests.
    Gtc,
    /// It is cancelled.
    Ioc,
    /// The order trades in full or not at all.
    Fok,
    /// The order only ever rests.
    PostOnly,
}

/// What happens when an order would meet another one of the same account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SelfTrade {
    /// They trade with each other.
    Allowed,
    /// The incoming order is cancelled.
    CancelTaker,
    /// The resting order is cancelled.
    CancelMaker,
    /// Both are cancelled.
    CancelBoth,
}

/// Where an order was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderOrigin {
    /// Through the interface.
    #[default]
    Interface,
    /// By hand, on the venue's own screen.
    Screen,
}

/// How far an order has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Accepted, nothing executed.
    New,
    /// Resting with a part executed.
    PartiallyFilled,
    /// Executed in full.
    Filled,
    /// Ended before it was filled; a part may be executed.
    Cancelled,
}

/// Why an order ended before it was filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Cancelled on request.
    User,
    /// A market, IOC or FOK order found too little.
    NoLiquidity,
    /// A post-only order would have taken.
    PostOnly,
    /// It would have traded with the account itself.
    SelfTrade,
    /// Nothing was left for it to reduce.
    ReduceOnly,
    /// An order before it has its client id, which was noticed after it was acknowledged.
    Repetition,
}

/// One execution of an order. Fills of an order never exceed its quantity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trade {
    /// Unique at its exchange.
    pub id: u64,
    /// Quote units.
    #[serde(with = "decimal_text")]
    pub price: Decimal,
    /// In the instrument's unit.
    #[serde(with = "decimal_text")]
    pub quantity: Decimal,
    /// Charged fee in `fee_asset`, negative when paid out.
    #[serde(with = "decimal_text")]
    pub fee: Decimal,
    /// Asset of the fee.
    pub fee_asset: String,
    /// Whether the order rested.
    pub maker: bool,
    /// Profit realised by it, before the fee, in the settlement asset; zero on spot.
    #[serde(with = "decimal_text")]
    pub realised: Decimal,
    /// Milliseconds UTC.
    pub time_ms: u64,
}

/// What becomes of a trade after it happened, where a venue shows such a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adjustment {
    /// It is taken back.
    Reversal,
    /// It stands with another quantity, this part of what it was.
    Correction(Decimal),
}

/// One trade as it was adjusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdjustedTrade {
    /// Unique at its exchange, among trades too.
    pub id: u64,
    /// The trade it is about.
    pub trade: u64,
    /// Whether it was taken back altogether.
    pub is_reversed: bool,
    /// What stands of the trade since, in the instrument's unit.
    #[serde(with = "decimal_text")]
    pub quantity: Decimal,
    /// The fee of that, in the trade's own asset.
    #[serde(with = "decimal_text")]
    pub fee: Decimal,
    /// Whether the executed quantity that the venue states of the order follows.
    pub is_counted: bool,
    /// Milliseconds UTC.
    pub time_ms: u64,
}

/// One accepted order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Counts accepted orders.
    pub number: u64,
    /// The id the venue names it by.
    pub order_id: String,
    /// The client's own id, or the one the venue made up.
    pub client_order_id: String,
    /// Instrument.
    pub symbol: String,
    /// Direction.
    pub side: Side,
    /// Market or limit.
    #[serde(rename = "type")]
    pub kind: OrderKind,
    /// What becomes of the rest.
    pub time_in_force: TimeInForce,
    /// Ordered quantity in the instrument's unit.
    #[serde(with = "decimal_text")]
    pub quantity: Decimal,
    /// The amount of quote that was ordered instead; `quantity` is then what it stood for on acceptance.
    #[serde(default, with = "decimal_text::optional")]
    pub quote_quantity: Option<Decimal>,
    /// Limit price, none for market orders.
    #[serde(with = "decimal_text::optional")]
    pub price: Option<Decimal>,
    /// Whether it may only make the position smaller.
    pub reduce_only: bool,
    /// The position it changes.
    pub position_side: PositionSide,
    /// What happens when it meets the account itself.
    pub self_trade: SelfTrade,
    /// Where it was given.
    #[serde(default)]
    pub origin: OrderOrigin,
    /// Milliseconds UTC of acceptance.
    pub received_ms: u64,
    /// Milliseconds UTC of the last change.
    pub updated_ms: u64,
    /// How far it has come.
    pub status: OrderStatus,
    /// Why it ended early, if it did.
    pub ended_by: Option<EndReason>,
    /// Executed quantity, the sum over `trades`.
    #[serde(with = "decimal_text")]
    pub executed: Decimal,
    /// Its executions, oldest first.
    pub trades: Vec<Trade>,
    /// What became of them afterwards, each at most once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adjusted: Vec<AdjustedTrade>,
    /// Queries do not see the order before this time.
    #[serde(default)]
    pub(crate) hidden_until_ms: u64,
    /// Queries see it as just accepted before this time.
    #[serde(default)]
    pub(crate) stale_until_ms: u64,
}

impl Order {
    /// Quantity not executed yet.
    #[must_use]
    pub fn left(&self) -> Decimal {
        self.quantity - self.executed
    }

    /// What stands of its executions: less than executed where trades were taken back.
    #[must_use]
    pub fn standing(&self) -> Decimal {
        self.executed - self.taken_back(|_| true)
    }

    /// The executed quantity that the venue states.
    pub(crate) fn stated(&self) -> Decimal {
        self.executed - self.taken_back(|adjusted| adjusted.is_counted)
    }

    fn taken_back(&self, counts: impl Fn(&AdjustedTrade) -> bool) -> Decimal {
        let taken = |adjusted: &AdjustedTrade| {
            let trade = self.trades.iter().find(|trade| trade.id == adjusted.trade)?;
            Some(trade.quantity - adjusted.quantity)
        };
        self.adjusted.iter().filter(|adjusted| counts(adjusted)).filter_map(taken).sum()
    }

    /// Whether it can still execute.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.status, OrderStatus::New | OrderStatus::PartiallyFilled)
    }

    /// Sum of the fees.
    #[must_use]
    pub fn fee(&self) -> Decimal {
        self.trades.iter().map(|trade| trade.fee).sum()
    }

    /// The order as a query at `now_ms` may see it: none while hidden, as accepted while stale.
    pub(crate) fn seen_at(&self, now_ms: u64) -> Option<Self> {
        if now_ms < self.hidden_until_ms {
            return None;
        }
        let mut seen = self.clone();
        if now_ms < self.stale_until_ms {
            seen.status = OrderStatus::New;
            seen.ended_by = None;
            seen.executed = Decimal::ZERO;
            seen.trades.clear();
            seen.adjusted.clear();
            seen.updated_ms = self.received_ms;
        }
        Some(seen)
    }
}

/// All orders of the account with the counters their ids come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Orders {
    all: BTreeMap<u64, Order>,
    by_client_id: BTreeMap<String, Vec<u64>>,
    open: BTreeSet<u64>,
    next_trade: u64,
}

impl Orders {
    pub(crate) fn restore(orders: Vec<Order>) -> Self {
        let mut restored = Self::default();
        for order in orders {
            let trades = order.trades.iter().map(|trade| trade.id);
            let last = trades.chain(order.adjusted.iter().map(|adjusted| adjusted.id)).max();
            restored.next_trade = restored.next_trade.max(last.unwrap_or_default());
            restored.insert(order);
        }
        restored
    }

    pub(crate) fn insert(&mut self, order: Order) {
        self.by_client_id.entry(order.client_order_id.clone()).or_default().push(order.number);
        if order.is_open() {
            self.open.insert(order.number);
        }
        self.all.insert(order.number, order);
    }

    pub(crate) fn next_number(&self) -> u64 {
        self.all.last_key_value().map_or(1, |(number, _)| number + 1)
    }

    pub(crate) fn next_trade_id(&mut self, first: u64) -> u64 {
        self.next_trade = self.next_trade.max(first) + 1;
        self.next_trade
    }

    pub(crate) fn get(&self, number: u64) -> Option<&Order> {
        self.all.get(&number)
    }

    /// Changes one order and keeps the set of open ones right.
    pub(crate) fn change(&mut self, number: u64, change: impl FnOnce(&mut Order)) {
        if let Some(order) = self.all.get_mut(&number) {
            change(order);
            if !order.is_open() {
                self.open.remove(&number);
            }
        }
    }

    /// Oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Order> {
        self.all.values()
    }

    pub(crate) fn open(&self) -> impl DoubleEndedIterator<Item = &Order> {
        self.open.iter().filter_map(|number| self.all.get(number))
    }

    pub(crate) fn with_client_id(&self, id: &str) -> impl DoubleEndedIterator<Item = &Order> {
        self.by_client_id.get(id).into_iter().flatten().filter_map(|number| self.all.get(number))
    }
}
