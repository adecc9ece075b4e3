//! What an exchange adapter offers the engine.

use async_trait::async_trait;
use equipoise_core::{
    AccountId, Amount, Asset, BookTop, ClientOrderId, Funding, Instrument, OrderKind, OrderRequest,
    OrderSnapshot, PositionMode, Price, Qty, Refusal, Side, Symbol, VenueMillis, VenueOrderId,
    VenueTraits,
};

/// One account at one exchange.
///
/// An adapter translates and nothing else: it keeps no order state, never repeats a request, and adds nothing to an
/// order's deadline. Every wait inside it is bounded.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Venue: Send + Sync {
    /// What this venue promises, and the margins to it.
    fn traits(&self) -> &VenueTraits;

    /// Where its orders go: host and account, never a secret; the same text after each start while it is the same
    /// account. Batches are only resumed where they began; `None` gives that protection up.
    fn account_id(&self) -> Option<AccountId> {
        None
    }

    /// The venue's clock.
    ///
    /// # Errors
    /// See [`QueryError`].
    async fn server_time(&self) -> Result<VenueMillis, QueryError>;

    /// Position mode, margin mode and the right to trade, by a signed read: it proves the credentials.
    ///
    /// Some venues keep the modes per instrument, so the answer holds for `symbols`; with none given it is the
    /// account's own mode, or one-way and no margin mode where the account has none.
    /// Nothing sent later changes a mode: orders follow the one that was found.
    ///
    /// # Errors
    /// [`QueryError::Credentials`] when key, signature or permissions are wrong,
    /// [`QueryError::Refused`] when the symbols do not share one position mode, or when the kind of account or its
    /// margin mode is not supported.
    async fn account(&self, symbols: &[Symbol]) -> Result<Account, QueryError>;

    /// Whether the key may move funds away, which trading never needs; `None` where the venue does not tell the rights of
    /// its keys, so that [`Account::can_trade`] says nothing of the key either.
    ///
    /// # Errors
    /// See [`QueryError`].
    async fn may_withdraw(&self) -> Result<Option<bool>, QueryError> {
        Ok(None)
    }

    /// Rules of one instrument.
    ///
    /// # Errors
    /// [`QueryError::Refused`] when the venue does not trade it now.
    async fn instrument(&self, symbol: &Symbol) -> Result<Instrument, QueryError>;

    /// Book top, mark price and funding from public endpoints.
    ///
    /// # Errors
    /// See [`QueryError`].
    async fn quote(&self, symbol: &Symbol) -> Result<Quote, QueryError>;

    /// The account's position in one instrument, venue units.
    ///
    /// # Errors
    /// See [`QueryError`]; [`QueryError::Refused`] on spot, where balances are held and no positions.
    async fn position(&self, symbol: &Symbol) -> Result<Position, QueryError>;

    /// Balances other than zero.
    ///
    /// # Errors
    /// See [`QueryError`].
    async fn balances(&self) -> Result<Vec<Balance>, QueryError>;

    /// Takes the rate tokens of one later request, waiting a bounded time for them.
    /// Part of every budget is kept for everything but entries (V5).
    ///
    /// # Errors
    /// [`QueryError::Busy`] with the wait when they are not to be had soon.
    async fn reserve(&self, purpose: Purpose) -> Result<(), QueryError>;

    /// Sends one order, exactly as it stands, once.
    ///
    /// The snapshot returned is what the acknowledgement proves: perhaps open with nothing executed,
    /// and perhaps without fills.
    ///
    /// # Errors
    /// See [`PlaceError`]; whatever is not documented to refuse is unknown (R6).
    async fn place(&self, order: &OrderRequest) -> Result<OrderSnapshot, PlaceError>;

    /// Looks an order up by its client id, or by its venue id where known, with its fills.
    /// Every match is returned; an empty answer is no proof of absence. A match that was rejected because its id is
    /// taken proves that another order has it: until that one is found and returned beside it, it counts as open.
    ///
    /// # Errors
    /// See [`QueryError`]; [`QueryError::OtherOrder`] when what the venue shows differs from [`OrderRef::terms`].
    async fn find(&self, order: &OrderRef) -> Result<Vec<OrderSnapshot>, QueryError>;

    /// Lists all orders in the instrument created at or after `since`, open and ended, from every listing
    /// the venue has (orders, history, trades). Complete or an error. Fills may be left out, and open orders may be
    /// listed whenever they were created. What is listed is looked up by [`Venue::find`] before it counts.
    ///
    /// # Errors
    /// See [`QueryError`].
    async fn orders_since(
        &self,
        symbol: &Symbol,
        since: VenueMillis,
    ) -> Result<Vec<OrderSnapshot>, QueryError>;

    /// Asks to cancel an order. An acknowledgement proves nothing about its final quantity (V8).
    ///
    /// # Errors
    /// See [`QueryError`].
    async fn cancel(&self, order: &OrderRef) -> Result<CancelAnswer, QueryError>;
}

/// How to find one order again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRef {
    /// The client id it was sent with.
    pub client_id: ClientOrderId,
    /// The venue's symbol.
    pub symbol: Symbol,
    /// The venue's id, once known.
    pub venue_order: Option<VenueOrderId>,
    /// Venue time of its first stamp.
    pub since: VenueMillis,
    /// What it was sent with; `None` where only its client id is known.
    ///
    /// Where a venue could show another order under the same id, as one that answers a used id with its first order,
    /// the adapter compares. Elsewhere there is no need to look at it.
    pub terms: Option<OrderTerms>,
}

impl OrderRef {
    /// The order of a request, known by its client id alone and sent for the first time as it stands.
    #[must_use]
    pub fn of(order: &OrderRequest) -> Self {
        Self {
            client_id: order.client_id.clone(),
            symbol: order.symbol.clone(),
            venue_order: None,
            since: order.stamp(),
            terms: Some(OrderTerms::of(order)),
        }
    }
}

/// What tells one order in an instrument from another beside its ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderTerms {
    /// Buy or sell.
    pub side: Side,
    /// Market, or limit with its price.
    pub kind: OrderKind,
    /// All of it, venue units.
    pub quantity: Qty,
}

impl OrderTerms {
    /// Those of a request.
    #[must_use]
    pub const fn of(order: &OrderRequest) -> Self {
        Self { side: order.side, kind: order.kind, quantity: order.quantity }
    }
}

/// What a rate token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// An order that adds risk.
    Entry,
    /// An order that takes risk back.
    Unwind,
    /// A cancel.
    Cancel,
    /// A query.
    Query,
}

/// The account as it is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// One net position per instrument or two sides.
    pub position_mode: PositionMode,
    /// Whether the key may trade.
    pub can_trade: bool,
    /// What positions are margined with; `None` on spot, and where the venue does not tell.
    pub margin_mode: Option<MarginMode>,
}

/// What the margin of a position is drawn from. It is the venue's setting and never changed by an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MarginMode {
    /// From all funds of the account, or of its settlement asset.
    Cross,
    /// From funds set apart for the position.
    Isolated,
    /// From all funds, by the risk of all positions together.
    Portfolio,
    /// The instruments asked about differ; each keeps its own.
    Mixed,
}

/// A position in venue units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Long side, zero or more. In one-way mode at most one side is other than zero.
    pub long: Qty,
    /// Short side, zero or more.
    pub short: Qty,
}

impl Position {
    /// Long minus short.
    #[must_use]
    pub fn net(&self) -> Amount {
        Amount::from(self.long) - Amount::from(self.short)
    }
}

/// One asset's balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    /// The asset.
    pub asset: Asset,
    /// All of it.
    pub total: Amount,
    /// What a new order could use.
    pub available: Amount,
}

/// Market data of one instrument at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// Best prices.
    pub book: BookTop,
    /// Mark price.
    pub mark: Price,
    /// Funding, where there is any.
    pub funding: Option<Funding>,
}

/// Answer to a cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelAnswer {
    /// Taken; the order may still fill before it ends.
    Acknowledged,
    /// No such open order: ended, or never there. Only a query tells.
    NotOpen,
}

/// Why an order was not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// Not one byte left. The intent may be replaced at once.
    #[error("order not sent: {0}")]
    NotSent(String),
    /// A documented refusal: this attempt holds nothing.
    #[error("order refused with code {}: {}", .0.code, .0.message)]
    Refused(Refusal),
    /// No verdict. Query; do not resend, do not compensate.
    #[error("order outcome unknown: {0}")]
    Unknown(String),
}

/// Why a query has no answer. None of these says anything about an order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Ask again after the wait.
    #[error("venue busy, again in {retry_after_ms} ms: {why}")]
    Busy {
        /// Wait in milliseconds.
        retry_after_ms: u64,
        /// The venue's code and text, or the budget's name.
        why: String,
    },
    /// Ask again soon: no answer, a 5xx, an unreadable or incomplete body.
    #[error("no usable answer: {0}")]
    Unavailable(String),
    /// Ask again soon, and take nothing of what was shown for the order: under its id the venue shows another one.
    #[error("not the order that was sent: {0}")]
    OtherOrder(String),
    /// Asking again is pointless until a person has changed the key.
    #[error("credentials refused with code {code}: {message}")]
    Credentials {
        /// The venue's code.
        code: String,
        /// The venue's text.
        message: String,
    },
    /// Asking again is pointless: the venue documents this as wrong, for example an unknown symbol.
    #[error("refused with code {code}: {message}")]
    Refused {
        /// The venue's code.
        code: String,
        /// The venue's text.
        message: String,
    },
}
