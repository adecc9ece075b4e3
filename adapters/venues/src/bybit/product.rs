//! What tells one Bybit product from another, and what they share.
//!
//! One interface serves them all; the figures of each product stand with their sources in `linear`, `inverse` and
//! `spot`.

use equipoise_core::{DeadlineCheck, IdAlphabet, ResendClass, VenueTraits};

use crate::budget::{Limit, Scope};
use crate::settings::REQUEST_WINDOW_MS_DEFAULT;

/// Source: Bybit v5 Guide, Authentication, read 2026-11-22.
pub(crate) const PRODUCTION: &str = "https://api.bybit.com";
/// Source: Bybit v5 Guide, Authentication, read 2026-11-22.
pub(crate) const TEST: &str = "https://api-testnet.bybit.com";

/// Kind of product, where payloads differ in more than their category.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Contracts of base units, settled in a stable coin.
    Linear,
    /// Contracts of one USD, settled in the base coin.
    Inverse,
    /// Assets themselves.
    Spot,
}

/// One product.
#[derive(Debug)]
pub(crate) struct Product {
    pub(crate) kind: Kind,
    /// Its name in requests.
    pub(crate) category: &'static str,
    /// Limits by index, see [`ADDRESS`] and [`Endpoint`].
    pub(crate) limits: &'static [Limit; LIMIT_COUNT],
    /// Taker rate that stands in where the account's own cannot be read; `None` where the rate sizes orders.
    pub(crate) taker_fee_standard: Option<&'static str>,
    /// Lowest `unifiedMarginStatus` whose account trades the product as the adapter expects, and how to call it.
    pub(crate) account: (i64, &'static str),
}

/// Class and margins, the same for every product.
///
/// Class A: an `orderLinkId` is refused when it was used before, after a fill too.
/// Source: Bybit v5 Place Order, orderLinkId, read 2026-11-22.
///
/// The request window is checked where a request arrives; an admitted order may reach the engine later, which is what
/// the margin of ten seconds is for. It is an assumption, as are the ten minutes for which an id is surely remembered:
/// neither is documented.
/// Source: Bybit v5 Guide, Authentication, recv_window, read 2026-11-22.
///
/// Orders that ended without a fill are listed for a day.
/// Source: Bybit v5 Get Order History, read 2026-11-22.
///
/// Cancelling on disconnect exists for institutional clients only and needs a stream, so no switch is declared.
/// Source: Bybit v5 Set Disconnect Cancel All, read 2026-11-22.
pub(crate) const fn traits(native_spreads: bool) -> VenueTraits {
    VenueTraits {
        class: ResendClass::A,
        deadline_check: DeadlineCheck::Gateway,
        window_ms: REQUEST_WINDOW_MS_DEFAULT,
        margin_ms: 10_000,
        id_horizon_ms: 600_000,
        lookup_window_ms: 86_400_000,
        id_alphabet: IdAlphabet::Alphanumeric,
        id_len_max: 36,
        native_dead_man_switch: false,
        native_spreads,
    }
}

/// How many limits there are.
pub(crate) const LIMIT_COUNT: usize = 10;

/// One-second windows are counted a little longer, because requests do not keep their distance on the way.
const SECOND: u64 = 1_100;

/// Every request of an address counts, whatever it is about, and a ban is about the address.
/// Source: Bybit v5 Rate Limit Rules, IP Limit, read 2026-11-22.
pub(crate) const OF_ADDRESS: Scope = Scope::Address("");

/// Queries of an account are counted over all categories.
/// Source: Bybit v5 Rate Limit Rules, API Rate Limit Table, read 2026-11-22.
const fn per_second(name: &'static str, tokens: u32) -> Limit {
    Limit { name, length_ms: SECOND, tokens, scope: Scope::Account("") }
}

/// Orders and cancels of an account are counted by category.
const fn of_category(category: &'static str, name: &'static str, tokens: u32) -> Limit {
    Limit { scope: Scope::Account(category), ..per_second(name, tokens) }
}

/// The limits of a product that allows so many new orders and as many cancels a second.
/// Source: Bybit v5 Rate Limit Rules, read 2026-11-22. Answers carry the account's own figures, which take their place.
pub(crate) const fn limits(category: &'static str, orders: u32) -> [Limit; LIMIT_COUNT] {
    [
        Limit {
            name: "requests of five seconds",
            length_ms: 5_100,
            tokens: 600,
            scope: OF_ADDRESS,
        },
        of_category(category, "new orders of a second", orders),
        of_category(category, "cancels of a second", orders),
        per_second("live order queries of a second", 50),
        per_second("order history queries of a second", 50),
        per_second("execution queries of a second", 50),
        per_second("position queries of a second", 50),
        per_second("balance queries of a second", 50),
        per_second("account queries of a second", 50),
        per_second("fee queries of a second", 5),
    ]
}

/// Index into [`Product::limits`]: every request of the address.
pub(crate) const ADDRESS: usize = 0;

/// An endpoint and the limit of its own, if one is documented.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Endpoint {
    pub(crate) path: &'static str,
    /// Index into [`Product::limits`].
    pub(crate) limit: Option<usize>,
}

const fn endpoint(path: &'static str, limit: usize) -> Endpoint {
    Endpoint { path, limit: Some(limit) }
}

const fn unlimited(path: &'static str) -> Endpoint {
    Endpoint { path, limit: None }
}

pub(crate) const CREATE: Endpoint = endpoint("/v5/order/create", 1);
pub(crate) const CANCEL: Endpoint = endpoint("/v5/order/cancel", 2);
pub(crate) const REALTIME: Endpoint = endpoint("/v5/order/realtime", 3);
pub(crate) const HISTORY: Endpoint = endpoint("/v5/order/history", 4);
pub(crate) const EXECUTIONS: Endpoint = endpoint("/v5/execution/list", 5);
pub(crate) const POSITIONS: Endpoint = endpoint("/v5/position/list", 6);
pub(crate) const WALLET: Endpoint = endpoint("/v5/account/wallet-balance", 7);
pub(crate) const ACCOUNT: Endpoint = endpoint("/v5/account/info", 8);
pub(crate) const FEE_RATE: Endpoint = endpoint("/v5/account/fee-rate", 9);
pub(crate) const API_KEY: Endpoint = unlimited("/v5/user/query-api");
pub(crate) const TIME: Endpoint = unlimited("/v5/market/time");
pub(crate) const INSTRUMENTS: Endpoint = unlimited("/v5/market/instruments-info");
pub(crate) const TICKERS: Endpoint = unlimited("/v5/market/tickers");

/// An address that asked too often is shut out for ten minutes at least.
/// Source: Bybit v5 Rate Limit Rules, IP Rate Limit, read 2026-11-22.
pub(crate) const BAN_MS: u64 = 600_000;
/// How long to stay away after a limit without an announced end: its window.
pub(crate) const LIMITED_MS_DEFAULT: u64 = 1_000;
/// How long to stay away after a 429 that does not say; an assumption.
pub(crate) const PROTECTED_MS_DEFAULT: u64 = 5_000;
