//! Which exchanges can be simulated, by adapter name.

use crate::credentials::Credentials;
use crate::exchange::{RateLimits, Venue};
use crate::fault::Broken;
use crate::{binance, bybit, coinbase, deribit, okx};

/// Binance USDⓈ-M futures.
pub const BINANCE_USDM: &str = "binance-usdm";
/// Binance spot.
pub const BINANCE_SPOT: &str = "binance-spot";
/// Binance COIN-M futures.
pub const BINANCE_COINM: &str = "binance-coinm";
/// Bybit v5, category `linear`.
pub const BYBIT_LINEAR: &str = "bybit-linear";
/// Bybit v5, category `inverse`.
pub const BYBIT_INVERSE: &str = "bybit-inverse";
/// Bybit v5, category `spot`.
pub const BYBIT_SPOT: &str = "bybit-spot";
/// OKX v5 perpetual swaps.
pub const OKX_SWAP: &str = "okx-swap";
/// OKX v5 spot.
pub const OKX_SPOT: &str = "okx-spot";
/// Deribit v2.
pub const DERIBIT: &str = "deribit";
/// Coinbase Advanced Trade spot.
pub const COINBASE: &str = "coinbase";

/// One simulated exchange.
pub(crate) struct FaceEntry {
    /// Adapter name.
    pub(crate) name: &'static str,
    /// Opens the venue; it knows one API key.
    pub(crate) open: fn(Credentials, RateLimits) -> Venue,
    /// What the fault kind `reject` answers to an order.
    pub(crate) rejection: Rejection,
    /// What the fault kind `5xx-unknown` answers after the order was carried out.
    pub(crate) unknown: Broken,
}

/// A refusal that the venue documents as "not executed".
pub(crate) struct Rejection {
    pub(crate) status: u16,
    pub(crate) code: i64,
    pub(crate) message: &'static str,
}

/// Every face there is. Whatever is listed here can be started by name and plays every kind of named fault.
pub(crate) const FACES: &[FaceEntry] = &[
    FaceEntry {
        name: BINANCE_USDM,
        open: binance::usdm,
        // Source: Binance USDⓈ-M Error Codes, -2027, read 2026-11-22.
        rejection: Rejection {
            status: 400,
            code: -2027,
            message: "Exceeded the maximum allowable position at current leverage.",
        },
        unknown: Broken::Unknown503,
    },
    FaceEntry {
        name: BINANCE_SPOT,
        open: binance::spot,
        // Source: Binance spot errors.md, -2010, read 2026-11-22.
        rejection: Rejection { status: 400, code: -2010, message: "Market is closed." },
        unknown: Broken::Unknown503,
    },
    FaceEntry {
        name: BINANCE_COINM,
        open: binance::coinm,
        // Source: Binance COIN-M Error Codes, -2027, read 2026-11-22.
        rejection: Rejection {
            status: 400,
            code: -2027,
            message: "Exceeded the maximum allowable position at current leverage.",
        },
        unknown: Broken::Unknown503,
    },
    FaceEntry {
        name: BYBIT_LINEAR,
        open: bybit::linear,
        // Source: Bybit v5 Error Codes, UTA, 110007, read 2026-11-22.
        rejection: Rejection { status: 200, code: 110_007, message: "ab not enough for new order" },
        // Nothing is documented for 5xx here; this is a proxy's page.
        unknown: Broken::Html502,
    },
    FaceEntry {
        name: BYBIT_INVERSE,
        open: bybit::inverse,
        // Source: Bybit v5 Error Codes, UTA, 110007, read 2026-11-22.
        rejection: Rejection { status: 200, code: 110_007, message: "ab not enough for new order" },
        unknown: Broken::Html502,
    },
    FaceEntry {
        name: BYBIT_SPOT,
        open: bybit::spot,
        // Source: Bybit v5 Error Codes, Spot Trade, 170131, read 2026-11-22.
        rejection: Rejection { status: 200, code: 170_131, message: "Insufficient balance." },
        unknown: Broken::Html502,
    },
    FaceEntry {
        name: OKX_SWAP,
        open: okx::swap,
        rejection: OKX_REJECTION,
        unknown: Broken::Neither500,
    },
    FaceEntry {
        name: OKX_SPOT,
        open: okx::spot,
        rejection: OKX_REJECTION,
        unknown: Broken::Neither500,
    },
    FaceEntry {
        name: DERIBIT,
        open: deribit::venue,
        // Source: Deribit docs, RPC Error Codes, 10012, read 2026-11-22.
        rejection: Rejection { status: 400, code: 10012, message: "book_closed" },
        // Nothing is documented for 5xx here; this is a proxy's page.
        unknown: Broken::Html502,
    },
    FaceEntry {
        name: COINBASE,
        open: coinbase::venue,
        // The reason stands for the code. Source: Coinbase Advanced Trade API, Create Order, new_order_failure_reason,
        // read 2026-11-22.
        rejection: Rejection { status: 200, code: 0, message: "ORDER_ENTRY_DISABLED" },
        // Nothing is documented for 5xx here; this is a proxy's page.
        unknown: Broken::Html502,
    },
];

// Source: OKX v5 docs, Error Code, 51027, read 2026-11-22.
const OKX_REJECTION: Rejection =
    Rejection { status: 200, code: 51_027, message: "Contract expired." };

/// The face behind a name.
pub(crate) fn find(name: &str) -> Option<&'static FaceEntry> {
    FACES.iter().find(|face| face.name == name)
}

/// Names of all exchanges that can be simulated.
#[must_use]
pub fn adapters() -> &'static [&'static str] {
    const NAMES: [&str; FACES.len()] = {
        let mut names = [""; FACES.len()];
        let mut at = 0;
        while at < names.len() {
            names[at] = FACES[at].name;
            at += 1;
        }
        names
    };
    &NAMES
}
