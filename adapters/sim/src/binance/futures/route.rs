//! Which endpoints exist, what they cost and whether they are signed.

use http::Method;

use super::product::Product;
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
    PremiumIndex,
    FundingRate,
    FundingInfo,
    Place,
    TestPlace,
    Order,
    Cancel,
    OpenOrder,
    OpenOrders,
    CancelAll,
    AllOrders,
    UserTrades,
    PlaceBatch,
    PositionRisk,
    PositionRiskAll,
    Balance,
    Account,
    AccountConfig,
    SymbolConfig,
    PositionMode,
    SetPositionMode,
    MultiAssetsMode,
    CommissionRate,
    LeverageBracket,
    OrderRateLimit,
    Leverage,
    MarginType,
}

impl Route {
    pub(super) fn find(product: Product, method: &Method, path: &str) -> Option<Self> {
        let (version, name) = path.strip_prefix(product.prefix())?.split_once('/')?;
        let route = match (method.as_str(), version, name) {
            ("GET", "v1", name) => {
                Self::get_v1(name).or_else(|| Self::get_of(product, version, name))?
            }
            ("GET", version, name) => Self::get_of(product, version, name)?,
            ("POST", "v1", "order") => Self::Place,
            ("POST", "v1", "order/test") if product == Product::Usdm => Self::TestPlace,
            ("POST", "v1", "batchOrders") => Self::PlaceBatch,
            ("DELETE", "v1", "order") => Self::Cancel,
            ("DELETE", "v1", "allOpenOrders") => Self::CancelAll,
            ("POST", "v1", "positionSide/dual") => Self::SetPositionMode,
            ("POST", "v1", "leverage") => Self::Leverage,
            ("POST", "v1", "marginType") => Self::MarginType,
            _ => return None,
        };
        Some(route)
    }

    /// Pages that only one of the products has, or has under another version.
    fn get_of(product: Product, version: &str, name: &str) -> Option<Self> {
        Some(match (product, version, name) {
            (Product::Usdm, "v1", "accountConfig") => Self::AccountConfig,
            (Product::Usdm, "v1", "symbolConfig") => Self::SymbolConfig,
            (Product::Usdm, "v1", "multiAssetsMargin") => Self::MultiAssetsMode,
            (Product::Usdm, "v1", "rateLimit/order") => Self::OrderRateLimit,
            (Product::Usdm, "v2", "ticker/price") => Self::PriceTicker,
            (Product::Usdm, "v3", "positionRisk") => Self::PositionRisk,
            (Product::Usdm, "v2", "positionRisk") | (Product::Coinm, "v1", "positionRisk") => {
                Self::PositionRiskAll
            }
            (Product::Usdm, "v2" | "v3", "balance") | (Product::Coinm, "v1", "balance") => {
                Self::Balance
            }
            (Product::Usdm, "v2" | "v3", "account") | (Product::Coinm, "v1", "account") => {
                Self::Account
            }
            (Product::Coinm, "v2", "leverageBracket") => Self::LeverageBracket,
            _ => return None,
        })
    }

    fn get_v1(name: &str) -> Option<Self> {
        Some(match name {
            "ping" => Self::Ping,
            "time" => Self::Time,
            "exchangeInfo" => Self::ExchangeInfo,
            "depth" => Self::Depth,
            "ticker/bookTicker" => Self::BookTicker,
            "ticker/24hr" => Self::DayTicker,
            "ticker/price" => Self::PriceTicker,
            "premiumIndex" => Self::PremiumIndex,
            "fundingRate" => Self::FundingRate,
            "fundingInfo" => Self::FundingInfo,
            "order" => Self::Order,
            "openOrder" => Self::OpenOrder,
            "openOrders" => Self::OpenOrders,
            "allOrders" => Self::AllOrders,
            "userTrades" => Self::UserTrades,
            "positionSide/dual" => Self::PositionMode,
            "commissionRate" => Self::CommissionRate,
            "leverageBracket" => Self::LeverageBracket,
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
                | Self::PremiumIndex
                | Self::FundingRate
                | Self::FundingInfo
        )
    }

    /// How many orders it counts as.
    pub(super) fn orders(self) -> u32 {
        match self {
            Self::Place => 1,
            Self::PlaceBatch => 5,
            _ => 0,
        }
    }

    pub(super) fn weight(self, params: &Params) -> u32 {
        let for_all = |one: u32, all: u32| {
            if params.get("symbol").is_some() { one } else { all }
        };
        match self {
            Self::Place | Self::TestPlace | Self::FundingRate | Self::FundingInfo => 0,
            Self::Depth => match params.u64("limit").unwrap_or(500) {
                0..=50 => 2,
                51..=100 => 5,
                101..=500 => 10,
                _ => 20,
            },
            Self::BookTicker => for_all(2, 5),
            Self::DayTicker | Self::OpenOrders => for_all(1, 40),
            Self::PriceTicker => for_all(1, 2),
            Self::PremiumIndex => for_all(1, 10),
            Self::AllOrders
            | Self::UserTrades
            | Self::PlaceBatch
            | Self::PositionRisk
            | Self::PositionRiskAll
            | Self::Balance
            | Self::Account
            | Self::AccountConfig
            | Self::SymbolConfig => 5,
            Self::PositionMode | Self::MultiAssetsMode => 30,
            Self::CommissionRate => 20,
            _ => 1,
        }
    }

    pub(super) fn operation(self) -> Operation {
        match self {
            Self::Place | Self::PlaceBatch => Operation::PlaceEntry,
            Self::Order | Self::OpenOrder | Self::OpenOrders | Self::AllOrders => {
                Operation::QueryOrders
            }
            Self::Cancel | Self::CancelAll => Operation::Cancel,
            Self::UserTrades => Operation::Trades,
            Self::PositionRisk | Self::PositionRiskAll => Operation::Positions,
            Self::Balance | Self::Account => Operation::Account,
            Self::Time => Operation::Time,
            route if !route.is_signed() => Operation::Market,
            _ => Operation::Any,
        }
    }
}
