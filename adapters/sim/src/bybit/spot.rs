//! What trades in category `spot` and by which rules.
//!
//! Field names: Bybit v5 Get Instruments Info; the values of BTCUSDT are those of its example, the others are true to
//! life but were not checked against the live listing.

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
            kind: InstrumentKind::Spot,
            base: "BTC",
            quote: "USDT",
            settle: "USDT",
            contract_size: Decimal::ONE,
            tick: Decimal::new(1, 1),
            tick_steps: Vec::new(),
            step: Decimal::new(1, 6),
            // The page's smallest quantity is documented as no longer checked; the smallest amount is.
            quantity_min: Decimal::new(1, 6),
            quantity_max: Decimal::from(83),
            market_quantity_max: Decimal::new(415, 1),
            notional_min: Decimal::from(5),
            price_min: Decimal::new(1, 1),
            price_max: Decimal::new(19_999_998, 1),
            price_band: Decimal::new(5, 2),
            price_band_below: Decimal::new(5, 2),
            price_decimals: 1,
            quantity_decimals: 6,
            leverage_max: 1,
            listed_ms: 1_626_134_400_000,
        },
        mark: Decimal::from(64_995),
        funding_rate: Decimal::ZERO,
        shape: Shape::growing(Decimal::ONE),
    }
}

fn ethusdt() -> Listing {
    Listing {
        instrument: Instrument {
            symbol: "ETHUSDT",
            kind: InstrumentKind::Spot,
            base: "ETH",
            quote: "USDT",
            settle: "USDT",
            contract_size: Decimal::ONE,
            tick: Decimal::new(1, 2),
            tick_steps: Vec::new(),
            step: Decimal::new(1, 5),
            quantity_min: Decimal::new(1, 5),
            quantity_max: Decimal::from(1800),
            market_quantity_max: Decimal::from(900),
            notional_min: Decimal::from(5),
            price_min: Decimal::new(1, 2),
            price_max: Decimal::new(19_999_998, 2),
            price_band: Decimal::new(5, 2),
            price_band_below: Decimal::new(5, 2),
            price_decimals: 2,
            quantity_decimals: 5,
            leverage_max: 1,
            listed_ms: 1_626_134_400_000,
        },
        mark: Decimal::new(31_995, 1),
        funding_rate: Decimal::ZERO,
        shape: Shape::growing(Decimal::from(20)),
    }
}
