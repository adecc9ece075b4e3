//! What trades on COIN-M and by which rules: whole contracts of 100 USD (BTC) and 10 USD (ETH).
//!
//! Field names: Binance COIN-M Exchange Information. The values are true to life but were not checked against the
//! live listing; whoever trades loads the rules from the host it trades on.

use rust_decimal::Decimal;

use crate::exchange::book::Shape;
use crate::exchange::instrument::{Instrument, InstrumentKind, Listing};

pub(super) fn listings() -> Vec<Listing> {
    vec![btcusd(), btcusd_december(), ethusd()]
}

fn btcusd() -> Listing {
    Listing {
        instrument: Instrument {
            symbol: "BTCUSD_PERP",
            kind: InstrumentKind::Inverse,
            base: "BTC",
            quote: "USD",
            settle: "BTC",
            contract_size: Decimal::ONE_HUNDRED,
            tick: Decimal::new(1, 1),
            tick_steps: Vec::new(),
            step: Decimal::ONE,
            quantity_min: Decimal::ONE,
            quantity_max: Decimal::from(1_000_000),
            market_quantity_max: Decimal::from(60_000),
            notional_min: Decimal::ZERO,
            price_min: Decimal::from(1000),
            price_max: Decimal::from(4_520_958),
            price_band: Decimal::new(5, 2),
            price_band_below: Decimal::new(5, 2),
            price_decimals: 1,
            quantity_decimals: 0,
            leverage_max: 125,
            listed_ms: 1_597_042_800_000,
        },
        mark: Decimal::from(65_004),
        funding_rate: Decimal::new(12, 5),
        shape: Shape::growing(Decimal::from(1300)),
    }
}

/// Delivered in December; until then it trades as the perpetual does, above it, and without funding.
fn btcusd_december() -> Listing {
    let perpetual = btcusd();
    Listing {
        instrument: Instrument {
            symbol: "BTCUSD_261225",
            leverage_max: 50,
            listed_ms: 1_782_460_800_000,
            ..perpetual.instrument
        },
        mark: Decimal::from(65_320),
        funding_rate: Decimal::ZERO,
        shape: Shape::growing(Decimal::from(650)),
    }
}

fn ethusd() -> Listing {
    Listing {
        instrument: Instrument {
            symbol: "ETHUSD_PERP",
            kind: InstrumentKind::Inverse,
            base: "ETH",
            quote: "USD",
            settle: "ETH",
            contract_size: Decimal::TEN,
            tick: Decimal::new(1, 2),
            tick_steps: Vec::new(),
            step: Decimal::ONE,
            quantity_min: Decimal::ONE,
            quantity_max: Decimal::from(1_000_000),
            market_quantity_max: Decimal::from(200_000),
            notional_min: Decimal::ZERO,
            price_min: Decimal::new(411, 1),
            price_max: Decimal::from(306_159),
            price_band: Decimal::new(5, 2),
            price_band_below: Decimal::new(5, 2),
            price_decimals: 2,
            quantity_decimals: 0,
            leverage_max: 100,
            listed_ms: 1_597_734_000_000,
        },
        mark: Decimal::new(320_020, 2),
        funding_rate: Decimal::new(9, 5),
        shape: Shape::growing(Decimal::from(12_800)),
    }
}
