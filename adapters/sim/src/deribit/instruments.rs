//! What trades and by which rules.
//!
//! Field names: Deribit docs, public/get_instruments. The values are true to life but were not checked against the
//! live listing; whoever trades loads the rules from the host it trades on.

use rust_decimal::Decimal;

use crate::exchange::book::Shape;
use crate::exchange::instrument::{Instrument, InstrumentKind, Listing};

/// When what does not end ends, as the venue writes it.
const NEVER_MS: u64 = 32_503_708_800_000;

/// 2026-12-25T08:00:00Z.
const DECEMBER_MS: u64 = 1_798_185_600_000;

/// What kind of contract a name stands for, as the venue groups them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contract {
    Perpetual,
    Future,
    Option,
}

pub(super) fn contract(name: &str) -> Contract {
    match name.rsplit('-').next() {
        Some("PERPETUAL") => Contract::Perpetual,
        Some("C" | "P") => Contract::Option,
        _ => Contract::Future,
    }
}

pub(super) fn kind(name: &str) -> &'static str {
    if contract(name) == Contract::Option { "option" } else { "future" }
}

pub(super) fn expires_ms(name: &str) -> u64 {
    if contract(name) == Contract::Perpetual { NEVER_MS } else { DECEMBER_MS }
}

/// What one contract is of the unit that amounts are in.
pub(super) fn contract_size(rules: &Instrument) -> Decimal {
    if contract(rules.symbol) == Contract::Option { Decimal::ONE } else { rules.step }
}

pub(super) fn listings() -> Vec<Listing> {
    vec![
        inverse("BTC-PERPETUAL", "BTC", 10, (1, Decimal::new(5, 1)), Decimal::new(650_030, 1), 41),
        inverse("ETH-PERPETUAL", "ETH", 1, (2, Decimal::new(5, 2)), Decimal::new(320_010, 2), 35),
        inverse("BTC-25DEC26", "BTC", 10, (1, Decimal::new(25, 1)), Decimal::new(653_500, 1), 0),
        linear(
            "BTC_USDC-PERPETUAL",
            "BTC",
            3,
            (1, Decimal::new(5, 1)),
            Decimal::new(650_060, 1),
            44,
        ),
        linear(
            "ETH_USDC-PERPETUAL",
            "ETH",
            2,
            (2, Decimal::new(5, 2)),
            Decimal::new(320_030, 2),
            37,
        ),
        option("BTC-25DEC26-65000-C", "BTC", Decimal::new(355, 4)),
    ]
}

fn common(
    symbol: &'static str,
    base: &'static str,
    (price_decimals, tick): (u32, Decimal),
) -> Instrument {
    Instrument {
        symbol,
        kind: InstrumentKind::Inverse,
        base,
        quote: "USD",
        settle: base,
        contract_size: Decimal::ONE,
        tick,
        tick_steps: Vec::new(),
        step: Decimal::ONE,
        quantity_min: Decimal::ONE,
        quantity_max: Decimal::ONE,
        market_quantity_max: Decimal::ONE,
        notional_min: Decimal::ZERO,
        price_min: tick,
        price_max: Decimal::from(10_000_000),
        price_band: Decimal::new(15, 3),
        price_band_below: Decimal::new(15, 3),
        price_decimals,
        quantity_decimals: 0,
        leverage_max: 50,
        listed_ms: 1_534_167_754_000,
    }
}

/// Amounts are US dollars, in contracts of `size` of them.
fn inverse(
    symbol: &'static str,
    base: &'static str,
    size: i64,
    prices: (u32, Decimal),
    mark: Decimal,
    funding: i64,
) -> Listing {
    let max = Decimal::from(20_000_000);
    Listing {
        instrument: Instrument {
            step: Decimal::from(size),
            quantity_min: Decimal::from(size),
            quantity_max: max,
            market_quantity_max: max,
            ..common(symbol, base, prices)
        },
        mark,
        funding_rate: Decimal::new(funding, 5),
        shape: Shape::growing(Decimal::from(200_000)),
    }
}

/// Amounts are base units, in contracts of a one at this decimal.
fn linear(
    symbol: &'static str,
    base: &'static str,
    decimals: u32,
    prices: (u32, Decimal),
    mark: Decimal,
    funding: i64,
) -> Listing {
    let max = Decimal::from(if base == "BTC" { 1000 } else { 20_000 });
    Listing {
        instrument: Instrument {
            kind: InstrumentKind::Linear,
            quote: "USDC",
            settle: "USDC",
            step: Decimal::new(1, decimals),
            quantity_min: Decimal::new(1, decimals),
            quantity_max: max,
            market_quantity_max: max,
            quantity_decimals: decimals,
            ..common(symbol, base, prices)
        },
        mark,
        funding_rate: Decimal::new(funding, 5),
        shape: Shape::growing(Decimal::from(if base == "BTC" { 3 } else { 60 })),
    }
}

/// Priced and paid in its own coin, with a larger increment above 0.005. Fees are those of the futures, on the
/// premium.
fn option(symbol: &'static str, base: &'static str, mark: Decimal) -> Listing {
    let max = Decimal::from(500);
    Listing {
        instrument: Instrument {
            kind: InstrumentKind::Linear,
            quote: base,
            tick_steps: vec![(Decimal::new(5, 3), Decimal::new(5, 4))],
            step: Decimal::new(1, 1),
            quantity_min: Decimal::new(1, 1),
            quantity_max: max,
            market_quantity_max: max,
            quantity_decimals: 1,
            price_band: Decimal::ONE,
            price_band_below: Decimal::new(9, 1),
            leverage_max: 1,
            ..common(symbol, base, (4, Decimal::new(1, 4)))
        },
        mark,
        funding_rate: Decimal::ZERO,
        shape: Shape::growing(Decimal::from(10)),
    }
}
