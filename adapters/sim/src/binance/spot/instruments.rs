//! What trades on spot and by which rules.
//!
//! Field names: binance-spot-api-docs filters.md. The values are true to life but were not checked against the live
//! listing; whoever trades loads the rules from the host it trades on.

use rust_decimal::Decimal;

use crate::exchange::book::Shape;
use crate::exchange::instrument::{Instrument, InstrumentKind, Listing};

/// Amounts are written and printed with eight decimals whatever their increment is.
const DECIMALS: u32 = 8;

pub(super) fn listings() -> Vec<Listing> {
    vec![btcusdt(), ethusdt(), ethbtc()]
}

fn btcusdt() -> Listing {
    let tick = Decimal::new(1, 2);
    Listing {
        instrument: Instrument {
            step: Decimal::new(1, 5),
            quantity_min: Decimal::new(1, 5),
            market_quantity_max: Decimal::from(100),
            notional_min: Decimal::from(5),
            price_min: tick,
            price_max: Decimal::from(1_000_000),
            ..pair("BTCUSDT", "BTC", "USDT", tick)
        },
        mark: Decimal::from(64_990),
        funding_rate: Decimal::ZERO,
        shape: Shape::growing(Decimal::ONE),
    }
}

fn ethusdt() -> Listing {
    let tick = Decimal::new(1, 2);
    Listing {
        instrument: Instrument {
            step: Decimal::new(1, 4),
            quantity_min: Decimal::new(1, 4),
            market_quantity_max: Decimal::from(2000),
            notional_min: Decimal::from(5),
            price_min: tick,
            price_max: Decimal::from(1_000_000),
            ..pair("ETHUSDT", "ETH", "USDT", tick)
        },
        mark: Decimal::new(31_992, 1),
        funding_rate: Decimal::ZERO,
        shape: Shape::growing(Decimal::from(20)),
    }
}

fn ethbtc() -> Listing {
    let tick = Decimal::new(1, 5);
    Listing {
        instrument: Instrument {
            step: Decimal::new(1, 4),
            quantity_min: Decimal::new(1, 4),
            market_quantity_max: Decimal::from(1000),
            notional_min: Decimal::new(1, 4),
            price_min: tick,
            price_max: Decimal::from(922_327),
            ..pair("ETHBTC", "ETH", "BTC", tick)
        },
        mark: Decimal::new(4923, 5),
        funding_rate: Decimal::ZERO,
        shape: Shape::growing(Decimal::from(20)),
    }
}

/// What the pairs have in common.
fn pair(
    symbol: &'static str,
    base: &'static str,
    quote: &'static str,
    tick: Decimal,
) -> Instrument {
    Instrument {
        symbol,
        kind: InstrumentKind::Spot,
        base,
        quote,
        settle: quote,
        contract_size: Decimal::ONE,
        tick,
        tick_steps: Vec::new(),
        step: Decimal::ONE,
        quantity_min: Decimal::ONE,
        quantity_max: Decimal::from(9000),
        market_quantity_max: Decimal::from(9000),
        notional_min: Decimal::ONE,
        price_min: tick,
        price_max: Decimal::from(1_000_000),
        price_band: Decimal::from(4),
        price_band_below: Decimal::new(8, 1),
        price_decimals: DECIMALS,
        quantity_decimals: DECIMALS,
        leverage_max: 1,
        listed_ms: 1_502_942_400_000,
    }
}
