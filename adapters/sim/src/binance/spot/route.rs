//! Which endpoints exist, what they cost and whether they are signed.

use http::Method;

use crate::fault::Operation;
use crate::params::Params;

/// One endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Ping,
    Time,
    ExchangeInfo,
    Depth,
    BookTicker,
    DayTicker,
    PriceTicker,
    AveragePrice,
    Place,
    TestPlace,
    Order,
    Cancel,
    OpenOrders,
    CancelAll,
    AllOrders,
    MyTrades,
    Account,
    Commission,
    OrderRateLimit,
    Permissions,
}

impl Route {
    pub(super) fn find(method: &Method, path: &str) -> Option<Self> {
        if (method, path) == (&Method::GET, "/sapi/v1/account/apiRestrictions") {
            return Some(Self::Permissions);
        }
        Some(match (method.as_str(), path.strip_prefix("/api/v3/")?) {
            ("GET", "ping") => Self::Ping,
            ("GET", "time") => Self::Time,
            ("GET", "exchangeInfo") => Self::ExchangeInfo,
            ("GET", "depth") => Self::Depth,
            ("GET", "ticker/bookTicker") => Self::BookTicker,
            ("GET", "ticker/24hr") => Self::DayTicker,
            ("GET", "ticker/price") => Self::PriceTicker,
            ("GET", "avgPrice") => Self::AveragePrice,
            ("POST", "order") => Self::Place,
            ("POST", "order/test") => Self::TestPlace,
            ("GET", "order") => Self::Order,
            ("DELETE", "order") => Self::Cancel,
            ("GET", "openOrders") => Self::OpenOrders,
            ("DELETE", "openOrders") => Self::CancelAll,
            ("GET", "allOrders") => Self::AllOrders,
            ("GET", "myTrades") => Self::MyTrades,
            ("GET", "account") => Self::Account,
            ("GET", "account/commission") => Self::Commission,
            ("GET", "rateLimit/order") => Self::OrderRateLimit,
            _ => return None,
        })
    }

    pub(super) fn is_signed(self) -> bool {
        !matches!(
            self,
            Self::Ping
                | Self::Time
                | Self::ExchangeInfo
                | Self::Depth
                | Self::BookTicker
                | Self::DayTicker
                | Self::PriceTicker
                | Self::AveragePrice
        )
    }

    /// How many orders it counts as.
    pub(super) fn orders(self) -> u32 {
        u32::from(self == Self::Place)
    }

    /// Source: binance-spot-api-docs CHANGELOG.md, 2026-03-27, read 2026-11-22.
    pub(super) fn is_free_when_successful(self) -> bool {
        matches!(self, Self::Place | Self::Cancel | Self::CancelAll)
    }

    pub(super) fn weight(self, params: &Params) -> u32 {
        let for_all = |one: u32, all: u32| {
            if params.get("symbol").is_some() { one } else { all }
        };
        match self {
            Self::ExchangeInfo | Self::Account | Self::Commission | Self::AllOrders => 20,
            Self::Depth => match params.u64("limit").unwrap_or(100) {
                0..=100 => 5,
                101..=500 => 25,
                501..=1000 => 50,
                _ => 250,
            },
            Self::BookTicker | Self::PriceTicker => for_all(2, 4),
            Self::DayTicker => for_all(2, 80),
            Self::AveragePrice => 2,
            Self::Order => 4,
            Self::OpenOrders => for_all(6, 80),
            Self::MyTrades if params.get("orderId").is_some() => 5,
            Self::MyTrades => 20,
            Self::OrderRateLimit => 40,
            _ => 1,
        }
    }

    pub(super) fn operation(self) -> Operation {
        match self {
            Self::Place => Operation::PlaceEntry,
            Self::Order | Self::OpenOrders | Self::AllOrders => Operation::QueryOrders,
            Self::Cancel | Self::CancelAll => Operation::Cancel,
            Self::MyTrades => Operation::Trades,
            Self::Account => Operation::Account,
            Self::Time => Operation::Time,
            route if !route.is_signed() => Operation::Market,
            _ => Operation::Any,
        }
    }
}
