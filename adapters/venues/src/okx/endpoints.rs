//! Endpoints and their documented rates.
//!
//! Nothing in an answer says how much of a limit is used, so the count here is all there is.
//! Orders, cancels and order details are limited per instrument; here all instruments share one limit, which is never
//! more than the exchange allows. The sub-account's limit of 1000 orders in two seconds lies beyond that.
//! Source: OKX v5 Rate Limits and the rate stated with each endpoint, read 2026-11-22.

use super::product::Product;
use crate::budget::{Cost, Limit, Scope};

/// Windows of two seconds are counted a little longer, because requests do not keep their distance on the way.
const TWO_SECONDS: u64 = 2_100;
/// How long to stay away after a limit: its window, since no answer announces an end.
pub(crate) const LIMITED_MS: u64 = 2_000;
/// How long to stay away after a 429 without a documented body; an assumption.
pub(crate) const PROTECTED_MS: u64 = 5_000;

/// Counted by account over all products.
const fn of_account(name: &'static str, tokens: u32) -> Limit {
    Limit { name, length_ms: TWO_SECONDS, tokens, scope: Scope::Account("") }
}

/// Counted by account and instrument, and so apart for products that share no instrument.
const fn of_product(product: Product, name: &'static str, tokens: u32) -> Limit {
    Limit { scope: Scope::Account(product.kind()), ..of_account(name, tokens) }
}

/// Counted by address.
const fn of_address(name: &'static str, tokens: u32) -> Limit {
    Limit { scope: OF_ADDRESS, ..of_account(name, tokens) }
}

/// What an answer with status 429 and no more is taken to be about.
pub(crate) const OF_ADDRESS: Scope = Scope::Address("");

/// How many limits there are.
const LIMIT_COUNT: usize = 17;

/// Tokens of two seconds each.
pub(crate) const fn limits(product: Product) -> [Limit; LIMIT_COUNT] {
    [
        of_product(product, "new orders of two seconds", 60),
        of_product(product, "cancels of two seconds", 60),
        of_product(product, "order queries of two seconds", 60),
        of_account("open order listings of two seconds", 60),
        of_account("order history listings of two seconds", 40),
        of_account("order archive listings of two seconds", 20),
        of_account("fill listings of two seconds", 60),
        of_account("fill archive listings of two seconds", 10),
        of_account("position queries of two seconds", 10),
        of_account("balance queries of two seconds", 10),
        of_account("account queries of two seconds", 5),
        of_account("fee queries of two seconds", 5),
        of_address("time queries of two seconds", 10),
        of_address("instrument queries of two seconds", 20),
        of_address("ticker queries of two seconds", 20),
        of_address("mark price queries of two seconds", 10),
        of_address("funding queries of two seconds", 10),
    ]
}

/// A path and its limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Endpoint {
    pub(crate) path: &'static str,
    /// Index into [`limits`].
    pub(crate) limit: usize,
}

impl Endpoint {
    /// One request.
    pub(crate) const fn cost(self) -> Cost {
        Cost { limit: self.limit, tokens: 1 }
    }
}

const fn endpoint(path: &'static str, limit: usize) -> Endpoint {
    Endpoint { path, limit }
}

pub(crate) const PLACE: Endpoint = endpoint("/api/v5/trade/order", 0);
pub(crate) const CANCEL: Endpoint = endpoint("/api/v5/trade/cancel-order", 1);
pub(crate) const ORDER: Endpoint = endpoint("/api/v5/trade/order", 2);
pub(crate) const PENDING: Endpoint = endpoint("/api/v5/trade/orders-pending", 3);
pub(crate) const HISTORY: Endpoint = endpoint("/api/v5/trade/orders-history", 4);
pub(crate) const ARCHIVE: Endpoint = endpoint("/api/v5/trade/orders-history-archive", 5);
pub(crate) const FILLS: Endpoint = endpoint("/api/v5/trade/fills", 6);
pub(crate) const FILLS_ARCHIVE: Endpoint = endpoint("/api/v5/trade/fills-history", 7);
pub(crate) const POSITIONS: Endpoint = endpoint("/api/v5/account/positions", 8);
pub(crate) const BALANCE: Endpoint = endpoint("/api/v5/account/balance", 9);
pub(crate) const CONFIG: Endpoint = endpoint("/api/v5/account/config", 10);
pub(crate) const FEE: Endpoint = endpoint("/api/v5/account/trade-fee", 11);
pub(crate) const TIME: Endpoint = endpoint("/api/v5/public/time", 12);
pub(crate) const INSTRUMENTS: Endpoint = endpoint("/api/v5/public/instruments", 13);
pub(crate) const TICKER: Endpoint = endpoint("/api/v5/market/ticker", 14);
pub(crate) const MARK: Endpoint = endpoint("/api/v5/public/mark-price", 15);
pub(crate) const FUNDING: Endpoint = endpoint("/api/v5/public/funding-rate", 16);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_belongs_to_one_endpoint() {
        let endpoints = [
            PLACE,
            CANCEL,
            ORDER,
            PENDING,
            HISTORY,
            ARCHIVE,
            FILLS,
            FILLS_ARCHIVE,
            POSITIONS,
            BALANCE,
            CONFIG,
            FEE,
            TIME,
            INSTRUMENTS,
            TICKER,
            MARK,
            FUNDING,
        ];
        let mut limits = endpoints.map(|endpoint| endpoint.limit);
        limits.sort_unstable();
        assert!(limits.iter().copied().eq(0..LIMIT_COUNT));
    }
}
