//! Where USDⓈ-M and COIN-M differ.

use serde_json::Value;

use crate::exchange::instrument::Instrument;

/// One of the two futures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Product {
    /// Linear contracts settled in USDT, `/fapi`.
    Usdm,
    /// Inverse contracts settled in their base asset, `/dapi`.
    Coinm,
}

impl Product {
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Usdm => "/fapi/",
            Self::Coinm => "/dapi/",
        }
    }

    /// Whether the window is checked once more against the matching engine's clock.
    ///
    /// COIN-M documents the check without a date of release, so here it has none.
    pub(super) fn checks_window_at_engine(self) -> bool {
        self == Self::Usdm
    }

    /// The assets that accounts are margined in.
    pub(super) fn margin_assets(self) -> &'static [&'static str] {
        match self {
            Self::Usdm => &["USDT"],
            Self::Coinm => &["BTC", "ETH"],
        }
    }

    /// COIN-M names the pair of assets beside the symbol.
    pub(super) fn with_pair(self, rules: &Instrument, mut value: Value) -> Value {
        if let (Self::Coinm, Some(fields)) = (self, value.as_object_mut()) {
            fields.insert("pair".to_owned(), Value::from(pair(rules)));
        }
        value
    }
}

/// 2026-12-25T08:00:00Z.
const DECEMBER_MS: u64 = 1_798_185_600_000;

/// When the contract is delivered, milliseconds UTC; `None` for a perpetual one. Names of dated contracts end with the
/// day.
/// Source: Binance USDⓈ-M and COIN-M Exchange Information, symbol, contractType and deliveryDate, read 2026-11-22.
pub(super) fn delivery_ms(rules: &Instrument) -> Option<u64> {
    rules.symbol.ends_with("_261225").then_some(DECEMBER_MS)
}

/// The pair of assets, `BTCUSD` for `BTCUSD_PERP`.
pub(super) fn pair(rules: &Instrument) -> String {
    format!("{}{}", rules.base, rules.quote)
}
