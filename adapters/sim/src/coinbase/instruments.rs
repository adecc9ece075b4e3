//! What trades on spot and by which rules.
//!
//! Field names: Coinbase Advanced Trade API, List Products. The values are true to life but were not checked against
//! the live listing; whoever trades loads the rules from the host it trades on.

use rust_decimal::Decimal;

use crate::exchange::book::Shape;
use crate::exchange::instrument::{Instrument, InstrumentKind, Listing};

/// The product whose book this one shares, empty for the one that has it.
pub(super) fn alias(symbol: &str) -> &'static str {
    match symbol {
        "BTC-USDC" => "BTC-USD",
        "ETH-USDC" => "ETH-USD",
        _ => "",
    }
}

pub(super) fn listings() -> Vec<Listing> {
    // Both products of a book have its price; what one takes from it is not missing from the other here.
    vec![
        product("BTC-USD", "BTC", "USD", Decimal::new(6_498_000, 2), 3400, 3),
        product("BTC-USDC", "BTC", "USDC", Decimal::new(6_498_000, 2), 3400, 3),
        product("ETH-USD", "ETH", "USD", Decimal::new(319_900, 2), 42_000, 60),
        product("ETH-USDC", "ETH", "USDC", Decimal::new(319_900, 2), 42_000, 60),
    ]
}

fn product(
    symbol: &'static str,
    base: &'static str,
    quote: &'static str,
    mark: Decimal,
    quantity_max: i64,
    touch: i64,
) -> Listing {
    let satoshi = Decimal::new(1, 8);
    let cent = Decimal::new(1, 2);
    Listing {
        instrument: Instrument {
            symbol,
            kind: InstrumentKind::Spot,
            base,
            quote,
            settle: quote,
            contract_size: Decimal::ONE,
            tick: cent,
            tick_steps: Vec::new(),
            step: satoshi,
            quantity_min: satoshi,
            quantity_max: Decimal::from(quantity_max),
            market_quantity_max: Decimal::from(quantity_max),
            notional_min: Decimal::ONE,
            price_min: cent,
            price_max: Decimal::from(150_000_000),
            price_band: Decimal::new(5, 2),
            price_band_below: Decimal::new(5, 2),
            price_decimals: 2,
            quantity_decimals: 8,
            leverage_max: 1,
            listed_ms: 1_422_979_200_000,
        },
        mark,
        funding_rate: Decimal::ZERO,
        shape: Shape::growing(Decimal::from(touch)),
    }
}
