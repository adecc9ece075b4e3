//! What trades in category `inverse` and by which rules: one contract is one US dollar.
//!
//! Field names: Bybit v5 Get Instruments Info. The values are true to life but were not checked against the live
//! listing; whoever trades loads the rules from the host it trades on.

use rust_decimal::Decimal;

use crate::exchange::book::Shape;
use crate::exchange::instrument::{Instrument, InstrumentKind, Listing};

pub(super) fn listings() -> Vec<Listing> {
    vec![btcusd(), ethusd()]
}

fn btcusd() -> Listing {
    Listing {
        instrument: Instrument {
            symbol: "BTCUSD",
            kind: InstrumentKind::Inverse,
            base: "BTC",
            quote: "USD",
            settle: "BTC",
            contract_size: Decimal::ONE,
            tick: Decimal::new(1, 1),
            tick_steps: Vec::new(),
            step: Decimal::ONE,
            quantity_min: Decimal::ONE,
            quantity_max: Decimal::from(25_000_000),
            market_quantity_max: Decimal::from(5_000_000),
            notional_min: Decimal::ZERO,
            price_min: Decimal::new(1, 1),
            price_max: Decimal::new(19_999_998, 1),
            price_band: Decimal::new(5, 2),
            price_band_below: Decimal::new(5, 2),
            price_decimals: 1,
            quantity_decimals: 0,
            leverage_max: 100,
            listed_ms: 1_542_211_200_000,
        },
        mark: Decimal::new(650_025, 1),
        funding_rate: Decimal::new(38, 5),
        shape: Shape::growing(Decimal::from(195_000)),
    }
}

fn ethusd() -> Listing {
    Listing {
        instrument: Instrument {
            symbol: "ETHUSD",
            kind: InstrumentKind::Inverse,
            base: "ETH",
            quote: "USD",
            settle: "ETH",
            contract_size: Decimal::ONE,
            tick: Decimal::new(1, 2),
            tick_steps: Vec::new(),
            step: Decimal::ONE,
            quantity_min: Decimal::ONE,
            quantity_max: Decimal::from(12_500_000),
            market_quantity_max: Decimal::from(2_500_000),
            notional_min: Decimal::ZERO,
            price_min: Decimal::new(1, 2),
            price_max: Decimal::new(19_999_998, 2),
            price_band: Decimal::new(5, 2),
            price_band_below: Decimal::new(5, 2),
            price_decimals: 2,
            quantity_decimals: 0,
            leverage_max: 100,
            listed_ms: 1_548_374_400_000,
        },
        mark: Decimal::new(320_010, 2),
        funding_rate: Decimal::new(3, 4),
        shape: Shape::growing(Decimal::from(192_000)),
    }
}
