//! What tells one Binance product from another, as data: addresses, weights, limits and codes.
//!
//! The figures themselves stand with their sources in `usdm`, `coinm` and `spot`.

use super::codes::Codes;
use crate::budget::{Cost, Limit, Scope};

/// Kind of product, where payloads differ in more than their addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Contracts of base units, settled in a stable coin.
    Usdm,
    /// Whole contracts of a USD value, settled in the base coin.
    Coinm,
    /// Assets themselves.
    Spot,
}

/// One product.
#[derive(Debug)]
pub(crate) struct Product {
    pub(crate) kind: Kind,
    pub(crate) pages: Pages,
    /// All limits; the first is the request weight.
    pub(crate) limits: &'static [Limit],
    /// What a ban is about.
    pub(crate) banned: Scope,
    /// Which header counts against which limit.
    pub(crate) counters: &'static [(&'static str, usize)],
    /// Which row of the exchange's own list states which limit.
    pub(crate) stated: &'static [Stated],
    /// What one order takes.
    pub(crate) order_cost: &'static [Cost],
    /// Limits on the number of orders.
    pub(crate) order_limits: &'static [usize],
    pub(crate) codes: Codes,
    /// Orders of a full page.
    pub(crate) order_rows: usize,
    /// Longest span of a listing.
    pub(crate) span_ms_max: u64,
    /// Taker rate that stands in where the account's own cannot be read; `None` where the rate sizes orders.
    pub(crate) taker_fee_standard: Option<&'static str>,
}

/// One address and its weight.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    pub(crate) path: &'static str,
    pub(crate) weight: u32,
}

/// The addresses of one product.
#[derive(Debug)]
pub(crate) struct Pages {
    pub(crate) time: Page,
    pub(crate) instruments: Page,
    pub(crate) book: Page,
    /// Fee rates of the account.
    pub(crate) fee: Page,
    /// Balances; on spot the whole account.
    pub(crate) balances: Page,
    /// Placing, asking for one, and cancelling; the weight is that of asking.
    pub(crate) order: Page,
    pub(crate) open_orders: Page,
    pub(crate) all_orders: Page,
    /// Trades of an instrument in a span of time.
    pub(crate) trades: Page,
    /// Trades of one order.
    pub(crate) order_trades: Page,
}

/// A row of the exchange's list of limits.
#[derive(Debug)]
pub(crate) struct Stated {
    pub(crate) kind: &'static str,
    pub(crate) interval: &'static str,
    pub(crate) count: u32,
    /// Index into the product's limits.
    pub(crate) limit: usize,
}

pub(crate) const fn page(path: &'static str, weight: u32) -> Page {
    Page { path, weight }
}

pub(crate) const fn stated(
    kind: &'static str,
    interval: &'static str,
    count: u32,
    limit: usize,
) -> Stated {
    Stated { kind, interval, count, limit }
}

/// Both futures count into the same pools: the weight by address, orders by account.
/// Source: Binance USDⓈ-M General Info, IP Limits and Order Rate Limits; Derivatives Change Log 2026-06-30, read
/// 2026-11-22.
pub(crate) const FUTURES_ADDRESS: Scope = Scope::Address("futures");
/// As [`FUTURES_ADDRESS`].
pub(crate) const FUTURES_ACCOUNT: Scope = Scope::Account("futures");

/// Index into every product's limits.
pub(crate) const WEIGHT: usize = 0;
/// A cancel weighs one on every product.
/// Source: Binance Cancel Order of USDⓈ-M, COIN-M and Spot, Request Weight, read 2026-11-22.
pub(crate) const CANCEL_WEIGHT: u32 = 1;

/// The cost of a request with that weight.
pub(crate) const fn weight(tokens: u32) -> [Cost; 1] {
    [Cost { limit: WEIGHT, tokens }]
}

/// A ban without an announced end lasts two minutes at least.
/// Source: Binance Spot and USDⓈ-M General Info, IP Limits, read 2026-11-22.
pub(crate) const BAN_MS_DEFAULT: u64 = 120_000;
/// How long to stay away after a limit without an announced wait; an assumption.
pub(crate) const LIMITED_MS_DEFAULT: u64 = 10_000;
