//! What Binance documents about spot trading and this adapter relies on, in one place.

use equipoise_core::{DeadlineCheck, IdAlphabet, ResendClass, VenueTraits};

use super::codes;
use super::product::{Kind, Pages, Product, Stated, WEIGHT, page, stated};
use crate::budget::{Cost, Limit, Scope};
use crate::settings::REQUEST_WINDOW_MS_DEFAULT;

/// The adapter's name in configuration.
pub(crate) const NAME: &str = "binance-spot";
/// Source: Binance Spot REST API, General API Information, read 2026-11-22.
pub(crate) const PRODUCTION: &str = "https://api.binance.com";
/// Keys of the test network and of production are not interchangeable, and its orders are wiped about monthly.
/// Source: Binance Spot Testnet, General Information, read 2026-11-22.
pub(crate) const TEST: &str = "https://testnet.binance.vision";

/// Class and margins.
///
/// Class B: a client id is accepted again once its order has filled, so a market order sent twice could execute twice.
/// Source: Binance Spot REST API, New order, newClientOrderId, read 2026-11-22.
///
/// The request window is checked on receipt and again just before the matching engine; what happens inside the engine
/// is explicitly not covered. The exchange itself waits ten seconds for its engine before it answers that it does not
/// know, so the margin is twelve. It stays an assumption.
/// Source: Binance Spot CHANGELOG 2025-06-06 and 2025-08-12; REST API, Timing security, read 2026-11-22.
///
/// Orders that ended without a fill can be looked up for ninety days.
/// Source: Binance Spot Error Codes, -2026, read 2026-11-22.
///
/// Neither a countdown nor cancel-on-disconnect is documented for REST; order lists are on one symbol, no spreads.
pub(crate) fn traits() -> VenueTraits {
    VenueTraits {
        class: ResendClass::B,
        deadline_check: DeadlineCheck::Gateway,
        window_ms: REQUEST_WINDOW_MS_DEFAULT,
        margin_ms: 12_000,
        id_horizon_ms: 0,
        lookup_window_ms: 90 * 86_400_000,
        id_alphabet: IdAlphabet::Alphanumeric,
        // 36 less what a cancel adds, see `CANCEL_MARK`.
        id_len_max: 34,
        native_dead_man_switch: false,
        native_spreads: false,
    }
}

/// What a cancel's own id ends in.
///
/// A cancel has a client id of its own, which takes the place of the order's in answers, and whether later queries show
/// the one or the other is not documented. So the cancel's id is the order's with a mark that no id of ours ends in,
/// and either finds the order again.
/// Source: Binance Spot REST API, Cancel order, newClientOrderId, read 2026-11-22.
pub(crate) const CANCEL_MARK: &str = "-c";

/// Addresses and weights.
/// Source: Binance Spot REST API, Weight of each endpoint, read 2026-11-22.
pub(crate) const PRODUCT: Product = Product {
    kind: Kind::Spot,
    pages: Pages {
        time: page("/api/v3/time", 1),
        instruments: page("/api/v3/exchangeInfo", 20),
        book: page("/api/v3/ticker/bookTicker", 2),
        fee: page("/api/v3/account/commission", 20),
        balances: page("/api/v3/account", 20),
        order: page("/api/v3/order", 4),
        open_orders: page("/api/v3/openOrders", 6),
        all_orders: page("/api/v3/allOrders", 20),
        trades: page("/api/v3/myTrades", 20),
        order_trades: page("/api/v3/myTrades", 5),
    },
    limits: &LIMITS,
    banned: ADDRESS,
    counters: &COUNTERS,
    stated: &STATED,
    order_cost: &ORDER_COST,
    order_limits: &[ORDERS_10S, ORDERS_1D],
    codes: codes::SPOT,
    // Source: Binance Spot REST API, All orders, limit, read 2026-11-22.
    order_rows: 1_000,
    // Listings take a day at most; both bounds are included.
    // Source: Binance Spot REST API, All orders; Account trade list, read 2026-11-22.
    span_ms_max: 86_400_000 - 1,
    taker_fee_standard: None,
};

/// The weight is counted by address, orders by account.
/// Weight: Source: Binance Spot REST API, IP Limits, read 2026-11-22.
/// The order counts are assumptions on the low side: the documentation refers to the exchange's own list, which is read
/// with the instruments and takes their place.
const ADDRESS: Scope = Scope::Address("spot");
const ACCOUNT: Scope = Scope::Account("spot");
const LIMITS: [Limit; 3] = [
    Limit { name: "request weight of a minute", length_ms: 60_000, tokens: 6_000, scope: ADDRESS },
    Limit { name: "orders of ten seconds", length_ms: 10_000, tokens: 50, scope: ACCOUNT },
    Limit { name: "orders of a day", length_ms: 86_400_000, tokens: 160_000, scope: ACCOUNT },
];
const ORDERS_10S: usize = 1;
const ORDERS_1D: usize = 2;
/// Source: Binance Spot REST API, IP Limits and Unfilled Order Count, read 2026-11-22.
const COUNTERS: [(&str, usize); 3] = [
    ("x-mbx-used-weight-1m", WEIGHT),
    ("x-mbx-order-count-10s", ORDERS_10S),
    ("x-mbx-order-count-1d", ORDERS_1D),
];
const STATED: [Stated; 3] = [
    stated("REQUEST_WEIGHT", "MINUTE", 1, WEIGHT),
    stated("ORDERS", "SECOND", 10, ORDERS_10S),
    stated("ORDERS", "DAY", 1, ORDERS_1D),
];

/// An order counts as one order and weighs one unless it succeeds.
/// Source: Binance Spot REST API, New order, Weight; CHANGELOG 2026-03-27, read 2026-11-22.
const ORDER_COST: [Cost; 3] = [
    Cost { limit: WEIGHT, tokens: 1 },
    Cost { limit: ORDERS_10S, tokens: 1 },
    Cost { limit: ORDERS_1D, tokens: 1 },
];
