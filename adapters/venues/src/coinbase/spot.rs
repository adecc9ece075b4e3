//! What Coinbase documents about Advanced Trade and this adapter relies on, in one place.

use equipoise_core::{DeadlineCheck, IdAlphabet, ResendClass, VenueTraits};

use crate::budget::{Cost, Limit, Scope};
use crate::settings::REQUEST_WINDOW_MS_DEFAULT;

/// The adapter's name in configuration.
pub(crate) const NAME: &str = "coinbase";
/// Source: Coinbase Advanced Trade API, REST API Overview, read 2026-11-22.
pub(crate) const PRODUCTION: &str = "https://api.coinbase.com";
/// Answers with fixed examples, matches nothing and checks no token, so nothing can be tried there: opening it is
/// refused.
/// Source: Coinbase Advanced Trade API, Sandbox, read 2026-11-22.
pub(crate) const TEST: &str = "https://api-sandbox.coinbase.com";

/// Class and margins.
///
/// Class A: an order whose `client_order_id` was used before is not created, and the first order is returned.
/// Source: Coinbase Advanced Trade API, Create Order, client_order_id, read 2026-11-22.
///
/// An order has no deadline. What bounds it is the token it came with: after its expiry the gateway takes it no longer.
/// How long an order taken before may wait inside is not documented, which is what the margin of half a minute is for;
/// it is an assumption, as are the ten minutes for which an id is surely remembered and the day for which every order
/// is surely listed.
/// Source: Coinbase Developer Platform, JWT Authentication, read 2026-11-22.
pub(crate) fn traits() -> VenueTraits {
    VenueTraits {
        class: ResendClass::A,
        deadline_check: DeadlineCheck::Gateway,
        window_ms: REQUEST_WINDOW_MS_DEFAULT,
        margin_ms: 30_000,
        id_horizon_ms: 600_000,
        lookup_window_ms: 86_400_000,
        id_alphabet: IdAlphabet::Uuid,
        id_len_max: 36,
        native_dead_man_switch: false,
        native_spreads: false,
    }
}

/// Longest life of a token, in seconds.
/// Source: Coinbase Developer Platform, JWT Authentication, read 2026-11-22.
pub(crate) const TOKEN_S_MAX: u64 = 120;

/// One-second windows are counted a little longer, because requests do not keep their distance on the way.
const SECOND: u64 = 1_100;

/// Pages of the account count by account, public ones by address.
/// Source: Coinbase Advanced Trade API, REST API Rate Limits, read 2026-11-22.
pub(crate) const OF_ACCOUNT: Scope = Scope::Account("");
/// As [`OF_ACCOUNT`] says.
pub(crate) const LIMITS: [Limit; 2] = [
    Limit { name: "requests of a second", length_ms: SECOND, tokens: 30, scope: OF_ACCOUNT },
    Limit {
        name: "public requests of a second",
        length_ms: SECOND,
        tokens: 10,
        scope: Scope::Address(""),
    },
];
/// Index into [`LIMITS`].
pub(crate) const PRIVATE: usize = 0;
/// Index into [`LIMITS`].
pub(crate) const PUBLIC: usize = 1;
/// What one request of the account takes.
pub(crate) const PRIVATE_COST: [Cost; 1] = [Cost { limit: PRIVATE, tokens: 1 }];
/// What one public request takes.
pub(crate) const PUBLIC_COST: [Cost; 1] = [Cost { limit: PUBLIC, tokens: 1 }];
/// How long to stay away after a limit without an announced end: its window.
pub(crate) const LIMITED_MS_DEFAULT: u64 = 1_000;
/// Longest believable time until a pool is filled again, in seconds; an assumption. After it the page is asked once more.
pub(crate) const RESET_S_MAX: u64 = 3_600;

pub(crate) const ORDERS: &str = "/api/v3/brokerage/orders";
pub(crate) const HISTORICAL: &str = "/api/v3/brokerage/orders/historical/";
pub(crate) const LISTING: &str = "/api/v3/brokerage/orders/historical/batch";
pub(crate) const FILLS: &str = "/api/v3/brokerage/orders/historical/fills";
pub(crate) const CANCEL: &str = "/api/v3/brokerage/orders/batch_cancel";
pub(crate) const ACCOUNTS: &str = "/api/v3/brokerage/accounts";
pub(crate) const PRODUCTS: &str = "/api/v3/brokerage/products/";
pub(crate) const BEST: &str = "/api/v3/brokerage/best_bid_ask";
pub(crate) const PERMISSIONS: &str = "/api/v3/brokerage/key_permissions";
pub(crate) const TIME: &str = "/api/v3/brokerage/time";
