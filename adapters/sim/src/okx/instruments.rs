//! What trades on either product and by which rules.
//!
//! Field names: OKX v5 docs, Public Data, Get instruments. The values are true to life but were not checked against
//! the live listing; whoever trades loads the rules from the host it trades on.

use rust_decimal::Decimal;

use crate::exchange::book::Shape;
use crate::exchange::instrument::{Instrument, InstrumentKind, Listing};

const MILLION: i64 = 1_000_000;

pub(super) fn swaps() -> Vec<Listing> {
    vec![
        linear("BTC-USDT-SWAP", "BTC", Decimal::new(1, 2), (1, Decimal::new(650_050, 1), 43)),
        linear("ETH-USDT-SWAP", "ETH", Decimal::new(1, 1), (2, Decimal::new(320_020, 2), 36)),
        inverse("BTC-USD-SWAP", "BTC", 100, (1, Decimal::new(650_020, 1), 40)),
        inverse("ETH-USD-SWAP", "ETH", 10, (2, Decimal::new(320_000, 2), 33)),
    ]
}

pub(super) fn pairs() -> Vec<Listing> {
    vec![
        pair("BTC-USDT", "BTC", (8, Decimal::new(1, 5)), (1, Decimal::new(649_900, 1))),
        pair("ETH-USDT", "ETH", (6, Decimal::new(1, 4)), (2, Decimal::new(319_950, 2))),
    ]
}

/// `size` is ctVal × ctMult in base units; mark and hundred-thousandths of funding follow the price decimals.
fn linear(
    symbol: &'static str,
    base: &'static str,
    size: Decimal,
    (decimals, mark, funding): (u32, Decimal, i64),
) -> Listing {
    let hundredth = Decimal::new(1, 2);
    Listing {
        instrument: Instrument {
            contract_size: size,
            step: hundredth,
            quantity_min: hundredth,
            quantity_decimals: 2,
            ..contract(symbol, InstrumentKind::Linear, (base, "USDT", "USDT"), decimals)
        },
        mark,
        funding_rate: Decimal::new(funding, 5),
        // Three bitcoin, or sixty ether, at the touch.
        shape: Shape::growing(Decimal::from(if base == "BTC" { 300 } else { 600 })),
    }
}

/// `size` is ctVal × ctMult in US dollars.
fn inverse(
    symbol: &'static str,
    base: &'static str,
    size: i64,
    (decimals, mark, funding): (u32, Decimal, i64),
) -> Listing {
    Listing {
        instrument: Instrument {
            contract_size: Decimal::from(size),
            step: Decimal::ONE,
            quantity_min: Decimal::ONE,
            quantity_decimals: 0,
            ..contract(symbol, InstrumentKind::Inverse, (base, "USD", base), decimals)
        },
        mark,
        funding_rate: Decimal::new(funding, 5),
        shape: Shape::growing(Decimal::from(if base == "BTC" { 2000 } else { 20_000 })),
    }
}

fn contract(
    symbol: &'static str,
    kind: InstrumentKind,
    (base, quote, settle): (&'static str, &'static str, &'static str),
    price_decimals: u32,
) -> Instrument {
    Instrument {
        symbol,
        kind,
        base,
        quote,
        settle,
        contract_size: Decimal::ONE,
        tick: Decimal::new(1, price_decimals),
        tick_steps: Vec::new(),
        step: Decimal::ONE,
        quantity_min: Decimal::ONE,
        quantity_max: Decimal::from(100 * MILLION),
        market_quantity_max: Decimal::from(12_000),
        notional_min: Decimal::ZERO,
        price_min: Decimal::new(1, price_decimals),
        price_max: Decimal::from(10 * MILLION),
        price_band: Decimal::new(5, 2),
        price_band_below: Decimal::new(5, 2),
        price_decimals,
        quantity_decimals: 0,
        leverage_max: 100,
        listed_ms: 1_611_916_828_000,
    }
}

fn pair(
    symbol: &'static str,
    base: &'static str,
    (lot_decimals, quantity_min): (u32, Decimal),
    (price_decimals, mark): (u32, Decimal),
) -> Listing {
    let quantity_max = Decimal::from(9_999 * MILLION);
    Listing {
        instrument: Instrument {
            step: Decimal::new(1, lot_decimals),
            quantity_min,
            quantity_max,
            // The largest market order is an amount of quote, which the face checks.
            market_quantity_max: quantity_max,
            quantity_decimals: lot_decimals,
            leverage_max: 1,
            listed_ms: 1_548_133_413_000,
            ..contract(symbol, InstrumentKind::Spot, (base, "USDT", "USDT"), price_decimals)
        },
        mark,
        funding_rate: Decimal::ZERO,
        shape: Shape::growing(Decimal::from(if base == "BTC" { 3 } else { 60 })),
    }
}
