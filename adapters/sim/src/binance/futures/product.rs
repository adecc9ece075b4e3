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

/// The pair of assets, `BTCUSD` for `BTCUSD_PERP`.
pub(super) fn pair(rules: &Instrument) -> String {
    format!("{}{}", rules.base, rules.quote)
}
