//! What Binance documents about its COIN-M futures and this adapter relies on, in one place.

use equipoise_core::{DeadlineCheck, IdAlphabet, ResendClass, VenueTraits};

use super::codes;
use super::product::{
    FUTURES_ACCOUNT, FUTURES_ADDRESS, Kind, Page, Pages, Product, Stated, WEIGHT, page, stated,
};
use crate::budget::{Cost, Limit};
use crate::settings::REQUEST_WINDOW_MS_DEFAULT;
use crate::windows::WEEK_MS;

/// The adapter's name in configuration.
pub(crate) const NAME: &str = "binance-coinm";
/// Source: Binance COIN-M General Info, General API Information, read 2026-11-22.
pub(crate) const PRODUCTION: &str = "https://dapi.binance.com";
/// Keys of the test network and of production are not interchangeable.
/// Source: Binance COIN-M General Info, Testnet, read 2026-11-22.
pub(crate) const TEST: &str = "https://testnet.binancefuture.com";

/// Class and margins.
///
/// Class B: a client id is unique among open orders only.
/// Source: Binance COIN-M New Order, newClientOrderId, read 2026-11-22.
///
/// The code for a request that is late at the matching engine is listed, but no release date of that check was ever
/// given, so only the check on receipt is relied on and the margin is the one of spot.
/// Source: Binance COIN-M Error Codes, -4188; Derivatives Change Log 2023-04-17, read 2026-11-22.
///
/// Orders that ended without a fill can be looked up for three days.
/// Source: Binance COIN-M All Orders, read 2026-11-22.
///
/// The switch is the countdown of Auto-Cancel All Open Orders, per symbol.
/// Source: Binance COIN-M Auto-Cancel All Open Orders, read 2026-11-22.
pub(crate) fn traits() -> VenueTraits {
    VenueTraits {
        class: ResendClass::B,
        deadline_check: DeadlineCheck::Gateway,
        window_ms: REQUEST_WINDOW_MS_DEFAULT,
        margin_ms: 12_000,
        id_horizon_ms: 0,
        lookup_window_ms: 3 * 86_400_000,
        id_alphabet: IdAlphabet::Alphanumeric,
        id_len_max: 36,
        native_dead_man_switch: true,
        native_spreads: false,
    }
}

/// Addresses and weights.
/// Source: Binance COIN-M, Request Weight of each page, read 2026-11-22.
pub(crate) const PRODUCT: Product = Product {
    kind: Kind::Coinm,
    pages: Pages {
        time: page("/dapi/v1/time", 1),
        instruments: page("/dapi/v1/exchangeInfo", 1),
        book: page("/dapi/v1/ticker/bookTicker", 2),
        fee: page("/dapi/v1/commissionRate", 20),
        balances: page("/dapi/v1/balance", 1),
        order: page("/dapi/v1/order", 1),
        open_orders: page("/dapi/v1/openOrders", 1),
        all_orders: page("/dapi/v1/allOrders", 20),
        trades: page("/dapi/v1/userTrades", 20),
        order_trades: page("/dapi/v1/userTrades", 20),
    },
    limits: &LIMITS,
    banned: FUTURES_ADDRESS,
    counters: &COUNTERS,
    stated: &STATED,
    order_cost: &ORDER_COST,
    order_limits: &[ORDERS_10S, ORDERS_1M],
    codes: codes::COINM,
    // The page says at most 100, the official client at most 1000: with 100 both readings list everything.
    // Source: Binance COIN-M All Orders, limit, read 2026-11-22.
    order_rows: 100,
    // Source: Binance COIN-M All Orders; Account Trade List, read 2026-11-22.
    span_ms_max: WEEK_MS,
    // Of a regular account; an assumption as for the other futures.
    taker_fee_standard: Some("0.0005"),
};
/// Position mode.
pub(crate) const MODE: Page = page("/dapi/v1/positionSide/dual", 30);
/// Account information, for the right to trade.
pub(crate) const ACCOUNT: Page = page("/dapi/v1/account", 5);
/// Positions, by pair.
pub(crate) const POSITIONS: Page = page("/dapi/v1/positionRisk", 1);
/// Mark price and funding.
pub(crate) const PREMIUM: Page = page("/dapi/v1/premiumIndex", 10);

/// Both futures share their limits since 2026-06-30. The exchange's own list, read with the instruments, takes the place of these figures.
/// Source: Binance COIN-M General Info, LIMITS; Derivatives Change Log 2026-06-30, read 2026-11-22.
const LIMITS: [Limit; 3] = [
    Limit {
        name: "request weight of a minute",
        length_ms: 60_000,
        tokens: 2_400,
        scope: FUTURES_ADDRESS,
    },
    Limit { name: "orders of ten seconds", length_ms: 10_000, tokens: 300, scope: FUTURES_ACCOUNT },
    Limit { name: "orders of a minute", length_ms: 60_000, tokens: 1_200, scope: FUTURES_ACCOUNT },
];
const ORDERS_10S: usize = 1;
const ORDERS_1M: usize = 2;
/// Source: Binance COIN-M General Info, IP Limits and Order Rate Limits, read 2026-11-22.
const COUNTERS: [(&str, usize); 3] = [
    ("x-mbx-used-weight-1m", WEIGHT),
    ("x-mbx-order-count-10s", ORDERS_10S),
    ("x-mbx-order-count-1m", ORDERS_1M),
];
const STATED: [Stated; 3] = [
    stated("REQUEST_WEIGHT", "MINUTE", 1, WEIGHT),
    stated("ORDERS", "SECOND", 10, ORDERS_10S),
    stated("ORDERS", "MINUTE", 1, ORDERS_1M),
];

/// An order counts as one order and weighs nothing.
/// Source: Binance COIN-M New Order, Request Weight, read 2026-11-22.
const ORDER_COST: [Cost; 2] =
    [Cost { limit: ORDERS_10S, tokens: 1 }, Cost { limit: ORDERS_1M, tokens: 1 }];
