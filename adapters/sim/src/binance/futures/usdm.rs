//! What trades on USDⓈ-M and by which rules.
//!
//! Field names: Binance USDⓈ-M Exchange Information. The values are true to life but were not checked against the
//! live listing; whoever trades loads the rules from the host it trades on.

use rust_decimal::Decimal;

use crate::exchange::book::Shape;
use crate::exchange::instrument::{Instrument, InstrumentKind, Listing};

pub(super) fn listings() -> Vec<Listing> {
    vec![btcusdt(), btcusdt_december(), ethusdt()]
}

fn btcusdt() -> Listing {
    Listing {
        instrument: Instrument {
            symbol: "BTCUSDT",
            kind: InstrumentKind::Linear,
            base: "BTC",
            quote: "USDT",
            settle: "USDT",
            contract_size: Decimal::ONE,
            tick: Decimal::new(1, 1),
            tick_steps: Vec::new(),
            step: Decimal::new(1, 3),
            quantity_min: Decimal::new(1, 3),
            quantity_max: Decimal::from(1000),
            market_quantity_max: Decimal::from(120),
            notional_min: Decimal::from(100),
            price_min: Decimal::new(55_680, 2),
            price_max: Decimal::from(4_529_764),
            price_band: Decimal::new(5, 2),
            price_band_below: Decimal::new(5, 2),
            price_decimals: 2,
            quantity_decimals: 3,
            leverage_max: 125,
            listed_ms: 1_569_398_400_000,
        },
        mark: Decimal::from(65_000),
        funding_rate: Decimal::new(1, 4),
        shape: Shape::growing(Decimal::from(2)),
    }
}

/// Delivered in December; until then it trades as the perpetual does, above it, and without funding.
fn btcusdt_december() -> Listing {
    let perpetual = btcusdt();
    Listing {
        instrument: Instrument {
            symbol: "BTCUSDT_261225",
            quantity_max: Decimal::from(500),
            market_quantity_max: Decimal::from(50),
            price_decimals: 1,
            leverage_max: 50,
            listed_ms: 1_782_460_800_000,
            ..perpetual.instrument
        },
        mark: Decimal::from(65_310),
        funding_rate: Decimal::ZERO,
        shape: Shape::growing(Decimal::ONE),
    }
}

fn ethusdt() -> Listing {
    Listing {
        instrument: Instrument {
            symbol: "ETHUSDT",
            kind: InstrumentKind::Linear,
            base: "ETH",
            quote: "USDT",
            settle: "USDT",
            contract_size: Decimal::ONE,
            tick: Decimal::new(1, 2),
            tick_steps: Vec::new(),
            step: Decimal::new(1, 3),
            quantity_min: Decimal::new(1, 3),
            quantity_max: Decimal::from(10_000),
            market_quantity_max: Decimal::from(2000),
            notional_min: Decimal::from(20),
            price_min: Decimal::new(3986, 2),
            price_max: Decimal::from(306_177),
            price_band: Decimal::new(5, 2),
            price_band_below: Decimal::new(5, 2),
            price_decimals: 2,
            quantity_decimals: 3,
            leverage_max: 100,
            listed_ms: 1_569_398_400_000,
        },
        mark: Decimal::from(3200),
        funding_rate: Decimal::new(8, 5),
        shape: Shape::growing(Decimal::from(40)),
    }
}
