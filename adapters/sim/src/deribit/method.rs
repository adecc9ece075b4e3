//! Which methods exist, what they are about and which allowance they use.

use crate::fault::Operation;

/// One method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Method {
    Auth,
    Test,
    Status,
    Time,
    Currencies,
    Instruments,
    Instrument,
    Ticker,
    OrderBook,
    BookSummaryByCurrency,
    BookSummaryByInstrument,
    IndexPrice,
    FundingRateValue,
    FundingRateHistory,
    Buy,
    Sell,
    Edit,
    Cancel,
    CancelByLabel,
    CancelAll,
    CancelAllByCurrency,
    CancelAllByInstrument,
    OrderState,
    OrderStateByLabel,
    OpenOrders,
    OpenOrdersByCurrency,
    OpenOrdersByInstrument,
    OpenOrdersByLabel,
    OrderHistoryByCurrency,
    OrderHistoryByInstrument,
    TradesByOrder,
    TradesByCurrency,
    TradesByInstrument,
    Positions,
    Position,
    AccountSummary,
    AccountSummaries,
}

impl Method {
    pub(super) fn find(name: &str) -> Option<Self> {
        Some(match name {
            "public/auth" => Self::Auth,
            "public/test" => Self::Test,
            "public/status" => Self::Status,
            "public/get_time" => Self::Time,
            "public/get_currencies" => Self::Currencies,
            "public/get_instruments" => Self::Instruments,
            "public/get_instrument" => Self::Instrument,
            "public/ticker" => Self::Ticker,
            "public/get_order_book" => Self::OrderBook,
            "public/get_book_summary_by_currency" => Self::BookSummaryByCurrency,
            "public/get_book_summary_by_instrument" => Self::BookSummaryByInstrument,
            "public/get_index_price" => Self::IndexPrice,
            "public/get_funding_rate_value" => Self::FundingRateValue,
            "public/get_funding_rate_history" => Self::FundingRateHistory,
            "private/buy" => Self::Buy,
            "private/sell" => Self::Sell,
            "private/edit" => Self::Edit,
            "private/cancel" => Self::Cancel,
            "private/cancel_by_label" => Self::CancelByLabel,
            "private/cancel_all" => Self::CancelAll,
            "private/cancel_all_by_currency" => Self::CancelAllByCurrency,
            "private/cancel_all_by_instrument" => Self::CancelAllByInstrument,
            "private/get_order_state" => Self::OrderState,
            "private/get_order_state_by_label" => Self::OrderStateByLabel,
            "private/get_open_orders" => Self::OpenOrders,
            "private/get_open_orders_by_currency" => Self::OpenOrdersByCurrency,
            "private/get_open_orders_by_instrument" => Self::OpenOrdersByInstrument,
            "private/get_open_orders_by_label" => Self::OpenOrdersByLabel,
            "private/get_order_history_by_currency" => Self::OrderHistoryByCurrency,
            "private/get_order_history_by_instrument" => Self::OrderHistoryByInstrument,
            "private/get_user_trades_by_order" => Self::TradesByOrder,
            "private/get_user_trades_by_currency"
            | "private/get_user_trades_by_currency_and_time" => Self::TradesByCurrency,
            "private/get_user_trades_by_instrument"
            | "private/get_user_trades_by_instrument_and_time" => Self::TradesByInstrument,
            "private/get_positions" => Self::Positions,
            "private/get_position" => Self::Position,
            "private/get_account_summary" => Self::AccountSummary,
            "private/get_account_summaries" => Self::AccountSummaries,
            _ => return None,
        })
    }

    pub(super) fn is_private(self) -> bool {
        self >= Self::Buy
    }

    /// Whether it goes to the matching engine, which has an allowance of its own.
    pub(super) fn is_matching(self) -> bool {
        (Self::Buy..=Self::CancelAllByInstrument).contains(&self)
    }

    /// Whether `valid_until` has an effect. Source: Deribit docs, private/buy, private/sell, private/edit, read
    /// 2026-11-22.
    pub(super) fn can_expire(self) -> bool {
        matches!(self, Self::Buy | Self::Sell | Self::Edit)
    }

    pub(super) fn operation(self) -> Operation {
        match self {
            Self::Buy | Self::Sell => Operation::PlaceEntry,
            Self::Cancel
            | Self::CancelByLabel
            | Self::CancelAll
            | Self::CancelAllByCurrency
            | Self::CancelAllByInstrument => Operation::Cancel,
            Self::TradesByOrder | Self::TradesByCurrency | Self::TradesByInstrument => {
                Operation::Trades
            }
            Self::Positions | Self::Position => Operation::Positions,
            Self::AccountSummary | Self::AccountSummaries => Operation::Account,
            Self::Time => Operation::Time,
            Self::Auth | Self::Test | Self::Status | Self::Edit => Operation::Any,
            method if method.is_private() => Operation::QueryOrders,
            _ => Operation::Market,
        }
    }
}
