//! What Deribit documents about its interface and this adapter relies on, in one place.

use equipoise_core::{DeadlineCheck, IdAlphabet, ResendClass, VenueTraits};

use crate::budget::{Limit, Scope};
use crate::settings::REQUEST_WINDOW_MS_DEFAULT;

/// The adapter's name in configuration.
pub(crate) const NAME: &str = "deribit";
/// Source: Deribit API Overview, read 2026-11-22.
pub(crate) const PRODUCTION: &str = "https://www.deribit.com";
/// Source: Deribit API Overview, read 2026-11-22.
pub(crate) const TEST: &str = "https://test.deribit.com";

/// Class and margins.
///
/// Class B: `label` is free text and two orders may carry the same one, so nothing is ever sent twice. But a request
/// is only begun by the matching engine before its `valid_until`, and refused with 13888 afterwards.
/// Source: Deribit private/buy, label and valid_until; RPC Error Codes, read 2026-11-22.
///
/// How far the order listings lag behind the engine is not documented; the margin of two seconds is an assumption.
///
/// Orders and trades are kept without end, the older ones in a second view. The week is how far this adapter reads
/// listings back, not a limit of the exchange.
/// Source: Deribit Accessing historical trades and orders, Retention Periods, read 2026-11-22.
///
/// The switch is cancel-on-disconnect, which is bound to a WebSocket connection; spreads are traded as combos.
/// Source: Deribit private/enable_cancel_on_disconnect; private/create_combo, read 2026-11-22.
pub(crate) fn traits() -> VenueTraits {
    VenueTraits {
        class: ResendClass::B,
        deadline_check: DeadlineCheck::MatchingEngine,
        window_ms: REQUEST_WINDOW_MS_DEFAULT,
        margin_ms: 2_000,
        id_horizon_ms: 0,
        lookup_window_ms: 7 * 86_400_000,
        id_alphabet: IdAlphabet::Alphanumeric,
        id_len_max: 64,
        native_dead_man_switch: true,
        native_spreads: true,
    }
}

/// Credits belong to the account, and a ban is about its session.
/// Source: Deribit Rate Limits, Credit-Based System, read 2026-11-22.
pub(crate) const OF_ACCOUNT: Scope = Scope::Account("");

/// Credits as requests: a pool of a hundred, refilled with twenty a second, for everything but the matching engine;
/// one of twenty, refilled with five a second, for the matching engine in the lowest tier.
///
/// A pool of `n` requests refilled with `r` a second never runs dry while no `n / r` seconds hold more than `n`.
/// The account's own figures take the place of the tier's when the account is read.
/// Source: Deribit Rate Limits, read 2026-11-22.
pub(crate) const LIMITS: [Limit; 2] = [
    Limit { name: "requests of five seconds", length_ms: 5_100, tokens: 100, scope: OF_ACCOUNT },
    Limit {
        name: "matching engine requests of four seconds",
        length_ms: 4_100,
        tokens: 20,
        scope: OF_ACCOUNT,
    },
];
/// Index into [`LIMITS`].
pub(crate) const OTHER: usize = 0;
/// Index into [`LIMITS`]: orders and cancels.
pub(crate) const MATCHING: usize = 1;
/// Seconds of refill that make up a full pool of [`MATCHING`].
pub(crate) const MATCHING_SECONDS: u32 = 4;

/// One method of the interface and the pool it draws from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Method {
    pub(crate) path: &'static str,
    /// Index into [`LIMITS`].
    pub(crate) limit: usize,
}

impl Method {
    /// The name inside a request: the path without what it is under.
    pub(crate) fn name(self) -> &'static str {
        self.path.strip_prefix("/api/v2/").unwrap_or(self.path)
    }
}

const fn other(path: &'static str) -> Method {
    Method { path, limit: OTHER }
}

const fn matching(path: &'static str) -> Method {
    Method { path, limit: MATCHING }
}

pub(crate) const AUTH: Method = other("/api/v2/public/auth");
pub(crate) const TIME: Method = other("/api/v2/public/get_time");
pub(crate) const INSTRUMENT: Method = other("/api/v2/public/get_instrument");
pub(crate) const TICKER: Method = other("/api/v2/public/ticker");
pub(crate) const BUY: Method = matching("/api/v2/private/buy");
pub(crate) const SELL: Method = matching("/api/v2/private/sell");
pub(crate) const CANCEL: Method = matching("/api/v2/private/cancel");
pub(crate) const CANCEL_BY_LABEL: Method = matching("/api/v2/private/cancel_by_label");
pub(crate) const ORDER: Method = other("/api/v2/private/get_order_state");
pub(crate) const BY_LABEL: Method = other("/api/v2/private/get_order_state_by_label");
pub(crate) const OPEN_ORDERS: Method = other("/api/v2/private/get_open_orders_by_instrument");
pub(crate) const HISTORY: Method = other("/api/v2/private/get_order_history_by_instrument");
pub(crate) const TRADES_OF_ORDER: Method = other("/api/v2/private/get_user_trades_by_order");
pub(crate) const TRADES: Method = other("/api/v2/private/get_user_trades_by_instrument_and_time");
pub(crate) const POSITION: Method = other("/api/v2/private/get_position");
pub(crate) const SUMMARY: Method = other("/api/v2/private/get_account_summary");
pub(crate) const SUMMARIES: Method = other("/api/v2/private/get_account_summaries");

/// Recent orders are shown for thirty minutes after they ended. Younger orders are surely among them; the missing five
/// minutes are for clocks and for orders that cross the line while being asked for.
/// Source: Deribit Accessing historical trades and orders, Retention Periods, read 2026-11-22.
pub(crate) const RECENT_ORDERS_MS: u64 = 25 * 60_000;
/// The same for trades, which stay recent for a day; the missing hour is for the same reasons.
pub(crate) const RECENT_TRADES_MS: u64 = 23 * 3_600_000;

/// How long to stay away after the pool ran dry: what refills a fifth of the slower one. An assumption; the exchange
/// only says that credits must have come back before a session is opened again.
/// Source: Deribit Rate Limits, Credit-Based System, read 2026-11-22.
pub(crate) const LIMITED_MS: u64 = 1_000;
/// How long to stay away after status 429, which is for too many connections of one address; an assumption.
pub(crate) const CONNECTIONS_MS: u64 = 5_000;
/// Funding is stated for eight hours.
/// Source: Deribit public/ticker, current_funding and funding_8h, read 2026-11-22.
pub(crate) const FUNDING_PERIOD_MS: u64 = 8 * 3_600_000;
