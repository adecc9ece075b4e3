//! The instruments of these worlds: one of each kind the adapters trade, with the quirk that makes it different.
//!
//! Sizes follow what the exchanges list; prices are made up, and those at which something is taken back are far from
//! those at which it was bought, so that nothing that converts at the wrong price comes out even.
//! Source of contract sizes: Binance COIN-M Exchange Information (contractSize), OKX Get instruments (ctVal),
//! read 2026-11-22.

use equipoise_core::InstrumentKind::{Inverse, Linear, Spot};
use equipoise_core::PositionMode;

use crate::terms::{PARTS, Pays, Terms};

/// What a leg trades.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Product {
    /// A linear contract of which a lot is one unit is one bitcoin: everything comes out even.
    Whole,
    /// The same of ether.
    WholeEther,
    /// The same of bitcoin on an account in hedge mode that already holds a short position.
    Hedged,
    /// An inverse contract of 100 dollars of bitcoin.
    CoinM,
    /// An inverse contract of 10 dollars of ether.
    CoinMEther,
    /// A linear contract in thousandths of a bitcoin.
    Fine,
    /// A linear contract in hundredths of an ether.
    FineEther,
    /// Spot bitcoin, the fee of a buy out of the bitcoin bought.
    Spot,
    /// The same, the fee out of a token of the exchange.
    SpotToken,
    /// A linear contract in hundred thousandths of a bitcoin, as fine as spot.
    Finest,
    /// A linear contract of 0.01 bitcoin in hundredths of a contract.
    Swap,
    /// A linear contract of 0.003 bitcoin in whole contracts, about as much as one of 100 dollars.
    Thirds,
}

impl Product {
    pub(crate) const fn terms(self) -> &'static Terms {
        match self {
            Self::Whole => &WHOLE,
            Self::WholeEther => &WHOLE_ETHER,
            Self::Hedged => &HEDGED,
            Self::CoinM => &COIN_M,
            Self::CoinMEther => &COIN_M_ETHER,
            Self::Fine => &FINE,
            Self::FineEther => &FINE_ETHER,
            Self::Spot => &SPOT,
            Self::SpotToken => &SPOT_TOKEN,
            Self::Finest => &FINEST,
            Self::Swap => &SWAP,
            Self::Thirds => &THIRDS,
        }
    }
}

const WHOLE: Terms = Terms {
    symbol: "BTCUSDT",
    kind: Linear,
    base: "BTC",
    quote: "USDT",
    lot: PARTS,
    contract: PARTS,
    least: 1,
    value_min: 0,
    fee_ppm: 0,
    pays: Pays::Bought,
    reference: 100,
    entry: 100,
    bid: 100,
    ask: 101,
    mode: PositionMode::OneWay,
    before: 0,
};

const WHOLE_ETHER: Terms = Terms { symbol: "ETHUSDT", base: "ETH", ..WHOLE };

const HEDGED: Terms =
    Terms { symbol: "BTCUSDT-hedge", mode: PositionMode::Hedge, before: -3, ..WHOLE };

const FINE: Terms = Terms {
    lot: PARTS / 1_000,
    reference: 30_000,
    entry: 30_010,
    bid: 24_005,
    ask: 24_015,
    ..WHOLE
};

const FINE_ETHER: Terms = Terms {
    symbol: "ETHUSDT",
    base: "ETH",
    lot: PARTS / 100,
    reference: 2_000,
    entry: 2_001,
    bid: 2_400,
    ask: 2_401,
    ..WHOLE
};

const COIN_M: Terms = Terms {
    symbol: "BTCUSD_PERP",
    kind: Inverse,
    quote: "USD",
    contract: 100 * PARTS,
    reference: 30_100,
    entry: 29_000,
    bid: 24_000,
    ask: 24_010,
    ..WHOLE
};

const COIN_M_ETHER: Terms = Terms {
    symbol: "ETHUSD_PERP",
    base: "ETH",
    contract: 10 * PARTS,
    reference: 2_010,
    entry: 1_990,
    bid: 2_390,
    ask: 2_391,
    ..COIN_M
};

const SPOT: Terms = Terms {
    symbol: "BTCUSDT-spot",
    kind: Spot,
    lot: PARTS / 100_000,
    value_min: 5,
    fee_ppm: 1_000,
    ..FINE
};

const SPOT_TOKEN: Terms = Terms { pays: Pays::Token, ..SPOT };

const FINEST: Terms = Terms { lot: PARTS / 100_000, ..FINE };

const SWAP: Terms =
    Terms { symbol: "BTC-USDT-SWAP", lot: PARTS / 100, contract: PARTS / 100, ..FINE };

const THIRDS: Terms =
    Terms { symbol: "BTC-USDT-0.003", lot: PARTS, contract: PARTS / 1_000 * 3, ..FINE };
