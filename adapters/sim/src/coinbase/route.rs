//! Which endpoints exist and what they are about.

use http::Method;

use crate::fault::Operation;

/// One endpoint, with the id in its path where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    Time,
    PublicProducts,
    PublicProduct(&'a str),
    PublicTicker(&'a str),
    PublicBook,
    OldTime,
    OldCurrencies,
    OldCryptoCurrencies,
    OldExchangeRates,
    Products,
    Product(&'a str),
    Ticker(&'a str),
    Book,
    BestBidAsk,
    Create,
    Edit,
    Preview,
    CancelBatch,
    Order(&'a str),
    Orders,
    Fills,
    Accounts,
    Account(&'a str),
    Fees,
    KeyPermissions,
    Portfolios,
    FuturesPositions,
    OldAccounts,
}

impl<'a> Route<'a> {
    pub(super) fn find(method: &Method, path: &'a str) -> Option<Self> {
        if let Some(old) = path.strip_prefix("/v2/") {
            return Self::find_old(method, old);
        }
        let path = path.strip_prefix("/api/v3/brokerage/")?;
        Some(match (method.as_str(), path) {
            ("GET", "time") => Self::Time,
            ("GET", "market/products") => Self::PublicProducts,
            ("GET", "market/product_book") => Self::PublicBook,
            ("GET", "products") => Self::Products,
            ("GET", "product_book") => Self::Book,
            ("GET", "best_bid_ask") => Self::BestBidAsk,
            ("POST", "orders") => Self::Create,
            ("POST", "orders/edit") => Self::Edit,
            ("POST", "orders/preview") => Self::Preview,
            ("POST", "orders/batch_cancel") => Self::CancelBatch,
            ("GET", "orders/historical/batch") => Self::Orders,
            ("GET", "orders/historical/fills") => Self::Fills,
            ("GET", "accounts") => Self::Accounts,
            ("GET", "transaction_summary") => Self::Fees,
            ("GET", "key_permissions") => Self::KeyPermissions,
            ("GET", "portfolios") => Self::Portfolios,
            ("GET", "cfm/positions") => Self::FuturesPositions,
            ("GET", other) => return Self::with_id(other),
            _ => return None,
        })
    }

    /// The older interface, whose clock, currencies and accounts some clients still ask for.
    fn find_old(method: &Method, path: &str) -> Option<Self> {
        Some(match (method.as_str(), path) {
            ("GET", "time") => Self::OldTime,
            ("GET", "currencies") => Self::OldCurrencies,
            ("GET", "currencies/crypto") => Self::OldCryptoCurrencies,
            ("GET", "exchange-rates") => Self::OldExchangeRates,
            ("GET", "accounts") => Self::OldAccounts,
            _ => return None,
        })
    }

    fn with_id(path: &'a str) -> Option<Self> {
        if let Some(id) = path.strip_prefix("orders/historical/") {
            return is_id(id).then_some(Self::Order(id));
        }
        if let Some(id) = path.strip_prefix("accounts/") {
            return is_id(id).then_some(Self::Account(id));
        }
        let (public, path) = match path.strip_prefix("market/products/") {
            Some(rest) => (true, rest),
            None => (false, path.strip_prefix("products/")?),
        };
        let (id, ticker) = match path.strip_suffix("/ticker") {
            Some(id) => (id, true),
            None => (path, false),
        };
        is_id(id).then_some(match (public, ticker) {
            (true, true) => Self::PublicTicker(id),
            (true, false) => Self::PublicProduct(id),
            (false, true) => Self::Ticker(id),
            (false, false) => Self::Product(id),
        })
    }

    pub(super) fn is_signed(self) -> bool {
        !matches!(
            self,
            Self::Time
                | Self::PublicProducts
                | Self::PublicProduct(_)
                | Self::PublicTicker(_)
                | Self::PublicBook
                | Self::OldTime
                | Self::OldCurrencies
                | Self::OldCryptoCurrencies
                | Self::OldExchangeRates
        )
    }

    pub(super) fn operation(self) -> Operation {
        match self {
            // There is no reduce-only order on spot: every order counts as an entry.
            Self::Create => Operation::PlaceEntry,
            Self::Order(_) | Self::Orders => Operation::QueryOrders,
            Self::CancelBatch => Operation::Cancel,
            Self::Fills => Operation::Trades,
            Self::FuturesPositions => Operation::Positions,
            Self::Accounts | Self::Account(_) | Self::OldAccounts => Operation::Account,
            Self::Time | Self::OldTime => Operation::Time,
            Self::Products | Self::Product(_) | Self::Ticker(_) | Self::Book | Self::BestBidAsk => {
                Operation::Market
            }
            route if !route.is_signed() => Operation::Market,
            _ => Operation::Any,
        }
    }
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && !text.contains('/')
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::Route;

    #[test]
    fn ids_are_taken_from_paths_and_named_endpoints_come_first() {
        let find = |path| Route::find(&Method::GET, path);
        assert_eq!(find("/api/v3/brokerage/orders/historical/batch"), Some(Route::Orders));
        assert_eq!(find("/api/v3/brokerage/orders/historical/ab-1"), Some(Route::Order("ab-1")));
        let ticker = find("/api/v3/brokerage/market/products/BTC-USD/ticker");
        assert_eq!(ticker, Some(Route::PublicTicker("BTC-USD")));
        assert_eq!(find("/api/v3/brokerage/products/BTC-USD/candles"), None);
        assert_eq!(find("/api/v3/brokerage/orders/historical/"), None);
        assert_eq!(find("/v2/time"), Some(Route::OldTime));
        assert_eq!(Route::find(&Method::GET, "/api/v3/brokerage/orders"), None);
    }
}
