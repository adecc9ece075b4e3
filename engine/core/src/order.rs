//! Orders as they are sent and as venues report them, in venue units, without any venue's spelling.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::decimal::{Amount, Price, Qty};
use crate::name::{Asset, ClientOrderId, Symbol, TradeId, VenueOrderId};
use crate::time::VenueMillis;

/// Which way an order trades.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Buys base.
    Buy,
    /// Sells base.
    Sell,
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// The quantity with this side's sign: buys are positive.
    #[must_use]
    pub fn signed(self, quantity: Qty) -> Amount {
        match self {
            Self::Buy => Amount::from(quantity),
            Self::Sell => -Amount::from(quantity),
        }
    }

    /// The lower-case word of plans and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }
}

/// How long a limit order may rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeInForce {
    /// Until cancelled.
    Gtc,
    /// Executes what it can at once, the rest is cancelled.
    Ioc,
    /// All at once or nothing.
    Fok,
    /// Rests or is refused, never takes.
    PostOnly,
}

/// Market or limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OrderKind {
    /// Takes what the book offers; a remainder never rests.
    Market,
    /// Trades at this price or better.
    Limit {
        /// The limit.
        price: Price,
        /// How long it may rest.
        time_in_force: TimeInForce,
    },
}

impl OrderKind {
    /// The price an order of this kind is judged at: what it is worth, and so whether it is large enough. Its limit,
    /// which is what a venue goes by; a market order has none and counts at the reference.
    #[must_use]
    pub const fn judged_at(self, reference: Price) -> Price {
        match self {
            Self::Limit { price, .. } => price,
            Self::Market => reference,
        }
    }
}

/// Which position an order on a hedge mode account belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PositionSide {
    /// The one net position of one-way mode; also spot.
    Net,
    /// The long position of hedge mode.
    Long,
    /// The short position of hedge mode.
    Short,
}

/// The exact content of one order, without signature: what the journal keeps and what is sent (R1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OrderRequest {
    /// Derived id, unique for batch, leg, role and attempt (R5).
    pub client_id: ClientOrderId,
    /// The venue's own symbol.
    pub symbol: Symbol,
    /// Buy or sell.
    pub side: Side,
    /// Market or limit.
    pub kind: OrderKind,
    /// Quantity in venue units (base for linear and spot, contracts for inverse).
    pub quantity: Qty,
    /// May only reduce a position.
    pub reduce_only: bool,
    /// Position it belongs to.
    pub position_side: PositionSide,
    /// Venue time after which the venue refuses it. Signed as it stands, never recomputed (R2).
    pub deadline: VenueMillis,
    /// Length of the request window that ends at the deadline, in milliseconds.
    pub window_ms: u32,
}

impl OrderRequest {
    /// The venue time it is stamped with: deadline minus window.
    #[must_use]
    pub const fn stamp(&self) -> VenueMillis {
        VenueMillis(self.deadline.0.saturating_sub(self.window_ms as u64))
    }
}

/// How an order ended at its venue.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OrderEnd {
    /// Everything executed.
    Filled,
    /// Ended with a rest, cancelled or expired; may hold fills.
    Cancelled {
        /// The venue's word for why, empty if it gives none.
        reason: String,
    },
    /// Refused after it had been acknowledged; holds nothing.
    Rejected {
        /// The venue's word for why.
        reason: String,
    },
}

/// Where an order is in its life at the venue.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OrderState {
    /// May still execute.
    Open,
    /// Can no longer execute.
    Ended(OrderEnd),
}

/// One trade of one order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fill {
    /// The venue's trade id; with the order id it is counted once (R8).
    pub trade: TradeId,
    /// Price.
    pub price: Price,
    /// Quantity in venue units.
    pub quantity: Qty,
    /// Fee paid; negative is a rebate.
    pub fee: Amount,
    /// Asset the fee was paid in.
    pub fee_asset: Asset,
    /// Venue time of the trade.
    pub at: VenueMillis,
}

/// What a venue says of one order at one moment. Snapshots may be old; cumulative quantities only ever grow.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OrderSnapshot {
    /// The venue's id.
    pub venue_order: VenueOrderId,
    /// The id it was sent with.
    pub client_id: ClientOrderId,
    /// Open or ended.
    pub state: OrderState,
    /// Executed so far, venue units; trades that were taken back since still count.
    pub executed: Qty,
    /// The trades known to this answer; may lag behind `executed`.
    pub fills: Vec<Fill>,
    /// Trades the venue has taken back (V12); empty where a venue documents no such thing.
    pub busted: Vec<Fill>,
}

/// Best prices of a book and their sizes in venue units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BookTop {
    /// Highest buyer, if any.
    pub bid: Option<(Price, Qty)>,
    /// Lowest seller, if any.
    pub ask: Option<(Price, Qty)>,
}

impl BookTop {
    /// Both sides, unless one is missing or they cross.
    #[must_use]
    pub fn sound(&self) -> Option<(Price, Price)> {
        let ((bid, _), (ask, _)) = (self.bid?, self.ask?);
        (bid < ask).then_some((bid, ask))
    }
}

/// The perpetual's funding as the venue shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Funding {
    /// Rate for the period that ends next; positive means longs pay shorts.
    pub rate: Amount,
    /// When it is paid, venue time.
    pub next_at: VenueMillis,
}

impl fmt::Display for TimeInForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gtc => "gtc",
            Self::Ioc => "ioc",
            Self::Fok => "fok",
            Self::PostOnly => "post_only",
        })
    }
}
