//! Which endpoints exist, how often they may be called and what they are about.

use http::Method;

use crate::fault::Operation;

/// One endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Route {
    Time,
    Instruments,
    Ticker,
    Tickers,
    Books,
    MarkPrice,
    FundingRate,
    FundingRateHistory,
    PriceLimit,
    Place,
    PlaceBatch,
    Amend,
    Cancel,
    CancelBatch,
    CancelAllAfter,
    Order,
    Pending,
    History,
    HistoryArchive,
    Fills,
    FillsHistory,
    Balance,
    Positions,
    Config,
    SetPositionMode,
    SetLeverage,
    Leverage,
    TradeFee,
    AccountInstruments,
    Currencies,
    FundingBalances,
}

impl Route {
    pub(super) fn find(method: &Method, path: &str) -> Option<Self> {
        let route = match (method.as_str(), path.strip_prefix("/api/v5/")?) {
            ("GET", "public/time") => Self::Time,
            ("GET", "public/instruments") => Self::Instruments,
            ("GET", "market/ticker") => Self::Ticker,
            ("GET", "market/tickers") => Self::Tickers,
            ("GET", "market/books") => Self::Books,
            ("GET", "public/mark-price") => Self::MarkPrice,
            ("GET", "public/funding-rate") => Self::FundingRate,
            ("GET", "public/funding-rate-history") => Self::FundingRateHistory,
            ("GET", "public/price-limit") => Self::PriceLimit,
            ("POST", "trade/order") => Self::Place,
            ("POST", "trade/batch-orders") => Self::PlaceBatch,
            ("POST", "trade/amend-order") => Self::Amend,
            ("POST", "trade/cancel-order") => Self::Cancel,
            ("POST", "trade/cancel-batch-orders") => Self::CancelBatch,
            ("POST", "trade/cancel-all-after") => Self::CancelAllAfter,
            ("GET", "trade/order") => Self::Order,
            ("GET", "trade/orders-pending") => Self::Pending,
            ("GET", "trade/orders-history") => Self::History,
            ("GET", "trade/orders-history-archive") => Self::HistoryArchive,
            ("GET", "trade/fills") => Self::Fills,
            ("GET", "trade/fills-history") => Self::FillsHistory,
            ("GET", "account/balance") => Self::Balance,
            ("GET", "account/positions") => Self::Positions,
            ("GET", "account/config") => Self::Config,
            ("POST", "account/set-position-mode") => Self::SetPositionMode,
            ("POST", "account/set-leverage") => Self::SetLeverage,
            ("GET", "account/leverage-info") => Self::Leverage,
            ("GET", "account/trade-fee") => Self::TradeFee,
            ("GET", "account/instruments") => Self::AccountInstruments,
            ("GET", "asset/currencies") => Self::Currencies,
            ("GET", "asset/balances") => Self::FundingBalances,
            _ => return None,
        };
        Some(route)
    }

    pub(super) fn is_signed(self) -> bool {
        self >= Self::Place
    }

    /// Whether the header `expTime` has an effect. Source: OKX v5 docs, Order Book Trading, Place order, Place
    /// multiple orders, Amend order, read 2026-11-22.
    pub(super) fn can_expire(self) -> bool {
        matches!(self, Self::Place | Self::PlaceBatch | Self::Amend)
    }

    /// Whether the limit is counted for each instrument apart.
    pub(super) fn counts_by_instrument(self) -> bool {
        matches!(self, Self::Place | Self::Amend | Self::Cancel)
    }

    /// Calls in two seconds, of batches the orders in them.
    /// Source: OKX v5 docs, the rate limit of each endpoint, read 2026-11-22.
    pub(super) fn per_two_seconds(self) -> usize {
        match self {
            Self::PlaceBatch | Self::CancelBatch => 300,
            Self::Place
            | Self::Amend
            | Self::Cancel
            | Self::Order
            | Self::Pending
            | Self::Fills => 60,
            Self::History | Self::Books => 40,
            Self::Ticker
            | Self::Tickers
            | Self::Instruments
            | Self::PriceLimit
            | Self::FundingRate
            | Self::HistoryArchive
            | Self::SetLeverage
            | Self::Leverage
            | Self::AccountInstruments => 20,
            Self::Config | Self::SetPositionMode | Self::TradeFee => 5,
            Self::CancelAllAfter => 2,
            Self::Currencies | Self::FundingBalances => 12,
            _ => 10,
        }
    }

    pub(super) fn operation(self) -> Operation {
        match self {
            Self::Place | Self::PlaceBatch => Operation::PlaceEntry,
            Self::Order | Self::Pending | Self::History | Self::HistoryArchive => {
                Operation::QueryOrders
            }
            Self::Cancel | Self::CancelBatch => Operation::Cancel,
            Self::Fills | Self::FillsHistory => Operation::Trades,
            Self::Positions => Operation::Positions,
            Self::Balance => Operation::Account,
            Self::Time => Operation::Time,
            route if !route.is_signed() => Operation::Market,
            _ => Operation::Any,
        }
    }
}
