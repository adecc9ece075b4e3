//! What Binance documents about its USDⓈ-M futures and this adapter relies on, in one place.

use equipoise_core::{DeadlineCheck, IdAlphabet, ResendClass, VenueTraits};

use crate::budget::{Cost, Limit};
use crate::settings::REQUEST_WINDOW_MS_DEFAULT;

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

/// Taker rate of a regular account, for where the account's own cannot be read.
/// An assumption: the fee schedule is not part of the interface's documentation and changes now and then.
pub(crate) const TAKER_FEE_STANDARD: &str = "0.0005";

/// Source: Binance USDⓈ-M General Info, LIMITS; Exchange Information, rateLimits, read 2026-11-22.
/// The exchange's own list, read with the instruments, takes their place.
pub(crate) const LIMITS: [Limit; 3] = [
    Limit { name: "request weight of a minute", length_ms: 60_000, tokens: 2_400 },
    Limit { name: "orders of ten seconds", length_ms: 10_000, tokens: 300 },
    Limit { name: "orders of a minute", length_ms: 60_000, tokens: 1_200 },
];
/// Index into [`LIMITS`].
pub(crate) const WEIGHT: usize = 0;
/// Index into [`LIMITS`].
pub(crate) const ORDERS_10S: usize = 1;
/// Index into [`LIMITS`].
pub(crate) const ORDERS_1M: usize = 2;

/// An order counts as one order and weighs nothing.
/// Source: Binance USDⓈ-M New Order, Request Weight, read 2026-11-22.
pub(crate) const ORDER_COST: [Cost; 2] =
    [Cost { limit: ORDERS_10S, tokens: 1 }, Cost { limit: ORDERS_1M, tokens: 1 }];

/// The cost of a request with that weight.
pub(crate) const fn weight(tokens: u32) -> [Cost; 1] {
    [Cost { limit: WEIGHT, tokens }]
}

/// A ban without an announced end lasts two minutes at least.
/// Source: Binance USDⓈ-M General Info, IP Limits, read 2026-11-22.
pub(crate) const BAN_MS_DEFAULT: u64 = 120_000;
/// How long to stay away after a limit without an announced wait; an assumption.
pub(crate) const LIMITED_MS_DEFAULT: u64 = 10_000;
