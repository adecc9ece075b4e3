//! Which endpoints exist, and how often they may be called.

use http::Method;

use super::category::Category;
use crate::fault::Operation;

/// One endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Route {
    Time,
    Instruments,
    Tickers,
    Orderbook,
    FundingHistory,
    PriceLimit,
    RiskLimit,
    Create,
    Amend,
    Cancel,
    CancelAll,
    PreCheck,
    Realtime,
    History,
    Executions,
    Positions,
    SwitchMode,
    SetLeverage,
    Wallet,
    AccountInfo,
    SetMarginMode,
    FeeRate,
    ApiKey,
    Coins,
}

impl Route {
    pub(super) fn find(method: &Method, path: &str) -> Option<Self> {
        let route = match (method.as_str(), path.strip_prefix("/v5/")?) {
            ("GET", "market/time") => Self::Time,
            ("GET", "market/instruments-info") => Self::Instruments,
            ("GET", "market/tickers") => Self::Tickers,
            ("GET", "market/orderbook") => Self::Orderbook,
            ("GET", "market/funding/history") => Self::FundingHistory,
            ("GET", "market/price-limit") => Self::PriceLimit,
            ("GET", "market/risk-limit") => Self::RiskLimit,
            ("POST", "order/create") => Self::Create,
            ("POST", "order/amend") => Self::Amend,
            ("POST", "order/cancel") => Self::Cancel,
            ("POST", "order/cancel-all") => Self::CancelAll,
            ("POST", "order/pre-check") => Self::PreCheck,
            ("GET", "order/realtime") => Self::Realtime,
            ("GET", "order/history") => Self::History,
            ("GET", "execution/list") => Self::Executions,
            ("GET", "position/list") => Self::Positions,
            ("POST", "position/switch-mode") => Self::SwitchMode,
            ("POST", "position/set-leverage") => Self::SetLeverage,
            ("GET", "account/wallet-balance") => Self::Wallet,
            ("GET", "account/info") => Self::AccountInfo,
            ("POST", "account/set-margin-mode") => Self::SetMarginMode,
            ("GET", "account/fee-rate") => Self::FeeRate,
            ("GET", "user/query-api") => Self::ApiKey,
            ("GET", "asset/coin/query-info") => Self::Coins,
            _ => return None,
        };
        Some(route)
    }

    pub(super) fn is_signed(self) -> bool {
        !matches!(
            self,
            Self::Time
                | Self::Instruments
                | Self::Tickers
                | Self::Orderbook
                | Self::FundingHistory
                | Self::PriceLimit
                | Self::RiskLimit
        )
    }

    /// Calls in one second. Source: Bybit v5 Rate Limit, API Rate Limit Table, read 2026-11-22.
    pub(super) fn per_second(self, category: Category) -> usize {
        match self {
            Self::Create | Self::Cancel | Self::CancelAll if category == Category::Spot => 20,
            Self::Create | Self::Amend | Self::Cancel | Self::CancelAll | Self::PreCheck => 10,
            Self::SwitchMode | Self::SetLeverage | Self::ApiKey => 10,
            Self::FeeRate | Self::Coins | Self::SetMarginMode => 5,
            _ => 50,
        }
    }

    pub(super) fn operation(self) -> Operation {
        match self {
            Self::Create => Operation::PlaceEntry,
            Self::Realtime | Self::History => Operation::QueryOrders,
            Self::Cancel | Self::CancelAll => Operation::Cancel,
            Self::Executions => Operation::Trades,
            Self::Positions => Operation::Positions,
            Self::Wallet => Operation::Account,
            Self::Time => Operation::Time,
            route if !route.is_signed() => Operation::Market,
            _ => Operation::Any,
        }
    }
}
