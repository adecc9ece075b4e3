//! What trades in category `linear` and by which rules.
//!
//! Field names: Bybit v5 Get Instruments Info. The values are true to life but were not checked against the live
//! listing; whoever trades loads the rules from the host it trades on.

use rust_decimal::Decimal;

use crate::exchange::book::Shape;
use crate::exchange::instrument::{Instrument, InstrumentKind, Listing};

pub(super) fn listings() -> Vec<Listing> {
    vec![btcusdt(), ethusdt()]
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
            quantity_max: Decimal::from(1190),
            market_quantity_max: Decimal::from(500),
            notional_min: Decimal::from(5),
            price_min: Decimal::new(1, 1),
            price_max: Decimal::new(19_999_998, 1),
            price_band: Decimal::new(5, 2),
            price_band_below: Decimal::new(5, 2),
            price_decimals: 1,
            quantity_decimals: 3,
            leverage_max: 100,
            listed_ms: 1_584_230_400_000,
        },
        mark: Decimal::new(650_065, 1),
        funding_rate: Decimal::new(45, 5),
        shape: Shape::growing(Decimal::from(3)),
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
            step: Decimal::new(1, 2),
            quantity_min: Decimal::new(1, 2),
            quantity_max: Decimal::from(7240),
            market_quantity_max: Decimal::from(2895),
            notional_min: Decimal::from(5),
            price_min: Decimal::new(1, 2),
            price_max: Decimal::new(19_999_998, 2),
            price_band: Decimal::new(5, 2),
            price_band_below: Decimal::new(5, 2),
            price_decimals: 2,
            quantity_decimals: 2,
            leverage_max: 100,
            listed_ms: 1_615_766_400_000,
        },
        mark: Decimal::new(320_040, 2),
        funding_rate: Decimal::new(38, 5),
        shape: Shape::growing(Decimal::from(60)),
    }
}
