//! What Binance documents about its USDⓈ-M futures and this adapter relies on, in one place.

use equipoise_core::{DeadlineCheck, IdAlphabet, ResendClass, VenueTraits};

use super::codes;
use super::product::{
    FUTURES_ACCOUNT, FUTURES_ADDRESS, Kind, Page, Pages, Product, Stated, WEIGHT, page, stated,
};
use crate::budget::{Cost, Limit};
use crate::settings::REQUEST_WINDOW_MS_DEFAULT;
use crate::windows::WEEK_MS;

/// The adapter's name in configuration.
pub(crate) const NAME: &str = "binance-usdm";
/// Source: Binance USDⓈ-M General Info, General API Information, read 2026-11-22.
pub(crate) const PRODUCTION: &str = "https://fapi.binance.com";
/// Keys of the test network and of production are not interchangeable.
/// Source: Binance USDⓈ-M General Info, Testnet, read 2026-11-22.
pub(crate) const TEST: &str = "https://demo-fapi.binance.com";

/// Class and margins.
///
/// Class B: a client id is unique among open orders only, so a market order sent twice could execute twice, but the
/// matching engine itself refuses an order once `timestamp + recvWindow` has passed on its own clock.
/// Source: Binance USDⓈ-M New Order, newClientOrderId; Derivatives Change Log 2023-04-17, read 2026-11-22.
///
/// Orders that ended without a fill can be looked up for three days.
/// Source: Binance USDⓈ-M Query Order, read 2026-11-22.
///
/// The margin of two seconds is an assumption about the distance between the engine's decision and the listings.
///
/// The switch is the countdown of Auto-Cancel All Open Orders, per symbol.
/// Source: Binance USDⓈ-M Auto-Cancel All Open Orders, read 2026-11-22.
pub(crate) fn traits() -> VenueTraits {
    VenueTraits {
        class: ResendClass::B,
        deadline_check: DeadlineCheck::MatchingEngine,
        window_ms: REQUEST_WINDOW_MS_DEFAULT,
        margin_ms: 2_000,
        id_horizon_ms: 0,
        lookup_window_ms: 3 * 86_400_000,
        id_alphabet: IdAlphabet::Alphanumeric,
        id_len_max: 36,
        native_dead_man_switch: true,
        native_spreads: false,
    }
}

/// Addresses and weights.
/// Source: Binance USDⓈ-M, Request Weight of each page, read 2026-11-22.
pub(crate) const PRODUCT: Product = Product {
    kind: Kind::Usdm,
    pages: Pages {
        time: page("/fapi/v1/time", 1),
        instruments: page("/fapi/v1/exchangeInfo", 1),
        book: page("/fapi/v1/ticker/bookTicker", 2),
        fee: page("/fapi/v1/commissionRate", 20),
        balances: page("/fapi/v3/balance", 5),
        order: page("/fapi/v1/order", 1),
        open_orders: page("/fapi/v1/openOrders", 1),
        all_orders: page("/fapi/v1/allOrders", 5),
        trades: page("/fapi/v1/userTrades", 5),
        order_trades: page("/fapi/v1/userTrades", 5),
    },
    limits: &LIMITS,
    banned: FUTURES_ADDRESS,
    counters: &COUNTERS,
    stated: &STATED,
    order_cost: &ORDER_COST,
    order_limits: &[ORDERS_10S, ORDERS_1M],
    codes: codes::USDM,
    // Source: Binance USDⓈ-M All Orders, limit, read 2026-11-22.
    order_rows: 1_000,
    span_ms_max: WEEK_MS,
    // Of a regular account. An assumption: the fee schedule is not part of the interface's documentation and changes
    // now and then.
    taker_fee_standard: Some("0.0005"),
};
/// Account configuration.
pub(crate) const CONFIG: Page = page("/fapi/v1/accountConfig", 5);
/// Margin type of a symbol, or of all.
/// Source: Binance USDⓈ-M Symbol Configuration, read 2026-11-22.
pub(crate) const SYMBOL_CONFIG: Page = page("/fapi/v1/symbolConfig", 5);
/// Position mode alone, for hosts without the former.
pub(crate) const MODE: Page = page("/fapi/v1/positionSide/dual", 30);
/// Positions.
pub(crate) const POSITIONS: Page = page("/fapi/v3/positionRisk", 5);
/// Mark price and funding.
pub(crate) const PREMIUM: Page = page("/fapi/v1/premiumIndex", 1);

/// Source: Binance USDⓈ-M General Info, LIMITS; Exchange Information, rateLimits, read 2026-11-22.
/// The exchange's own list, read with the instruments, takes their place.
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
/// Source: Binance USDⓈ-M General Info, IP Limits and Order Rate Limits, read 2026-11-22.
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
/// Source: Binance USDⓈ-M New Order, Request Weight, read 2026-11-22.
const ORDER_COST: [Cost; 2] =
    [Cost { limit: ORDERS_10S, tokens: 1 }, Cost { limit: ORDERS_1M, tokens: 1 }];
