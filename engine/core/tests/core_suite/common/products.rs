//! Instruments of every product: those the venues list, and any others that could be.

use equipoise_core::*;
use proptest::strategy::Strategy;
use rust_decimal::Decimal;

use super::batch::*;

/// Bitcoin and ether at every adapter, as its exchange publishes their rules: adapter, kind, lot, smallest quantity,
/// smallest value, contract size, and the taker fee that comes out of what a buy receives.
/// Source: the exchanges' instrument listings by the fields named in the adapters; contract sizes by Binance COIN-M
/// Exchange Information, OKX Get instruments, Deribit Contract Specifications, read 2026-11-22.
pub(crate) type Rules = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

pub(crate) const BTC: &[Rules] = &[
    ("binance-usdm", "linear", "0.001", "0.001", "100", "1", "0"),
    ("binance-coinm", "inverse", "1", "1", "0", "100", "0"),
    ("binance-spot", "spot", "0.00001", "0.00001", "5", "1", "0.001"),
    ("bybit-linear", "linear", "0.001", "0.001", "5", "1", "0"),
    ("bybit-inverse", "inverse", "1", "1", "0", "1", "0"),
    ("bybit-spot", "spot", "0.000001", "0.000001", "5", "1", "0.001"),
    ("okx-swap", "linear", "0.01", "0.01", "0", "0.01", "0"),
    ("okx-swap-inverse", "inverse", "1", "1", "0", "100", "0"),
    ("okx-spot", "spot", "0.00000001", "0.00001", "0", "1", "0.001"),
    ("deribit", "inverse", "10", "10", "0", "1", "0"),
    ("deribit-linear", "linear", "0.001", "0.001", "0", "1", "0"),
    ("coinbase", "spot", "0.00000001", "0.00000001", "1", "1", "0"),
];

pub(crate) const ETH: &[Rules] = &[
    ("binance-usdm", "linear", "0.001", "0.001", "20", "1", "0"),
    ("binance-coinm", "inverse", "1", "1", "0", "10", "0"),
    ("binance-spot", "spot", "0.0001", "0.0001", "5", "1", "0.001"),
    ("bybit-linear", "linear", "0.01", "0.01", "5", "1", "0"),
    ("bybit-inverse", "inverse", "1", "1", "0", "1", "0"),
    ("bybit-spot", "spot", "0.00001", "0.00001", "5", "1", "0.001"),
    ("okx-swap", "linear", "0.01", "0.01", "0", "0.1", "0"),
    ("okx-swap-inverse", "inverse", "1", "1", "0", "10", "0"),
    ("okx-spot", "spot", "0.000001", "0.0001", "0", "1", "0.001"),
    ("deribit", "inverse", "1", "1", "0", "1", "0"),
    ("deribit-linear", "linear", "0.01", "0.01", "0", "1", "0"),
    ("coinbase", "spot", "0.00000001", "0.00000001", "1", "1", "0"),
];

pub(crate) fn instrument(
    base: &str,
    (name, kind, lot, least, value, contract, fee): Rules,
) -> Instrument {
    Instrument {
        symbol: Symbol::new(&format!("{name}-{base}")).unwrap(),
        kind: match kind {
            "linear" => InstrumentKind::Linear,
            "inverse" => InstrumentKind::Inverse,
            _ => InstrumentKind::Spot,
        },
        lot: qty(lot),
        quantity_min: qty(least),
        quantity_max: Qty::ZERO,
        market_quantity_max: Qty::ZERO,
        notional_min: qty(value),
        contract_size: qty(contract),
        taker_fee: amount(fee),
        ..linear(base, "1")
    }
}

/// Any kind, lots of one to nine parts of a power of ten, contracts from a thousandth to a hundred, fees up to two per
/// cent, and smallest orders of up to five lots.
pub(crate) fn drawn() -> impl Strategy<Value = Instrument> {
    let shape = (0_u8..3, 1_i64..10, 0_u32..6, 0_u32..6);
    (shape, 1_i64..6, 0_i64..40, 0_i64..20).prop_map(
        |((kind, lot, lot_at, size), least, value, fee)| {
            let kind = [InstrumentKind::Linear, InstrumentKind::Inverse, InstrumentKind::Spot]
                [usize::from(kind)];
            let (lot, size) = match kind {
                InstrumentKind::Linear => (Decimal::new(lot, lot_at), Decimal::new(100, 5 - size)),
                InstrumentKind::Inverse => {
                    (Decimal::from(lot), Decimal::new(10_i64.pow(size.min(2)), 0))
                }
                InstrumentKind::Spot => (Decimal::new(lot, lot_at + 2), Decimal::ONE),
            };
            let spot = kind == InstrumentKind::Spot;
            Instrument {
                symbol: Symbol::new(&format!("{kind:?}-{lot}-{size}")).unwrap(),
                kind,
                lot: Qty::new(lot).unwrap(),
                quantity_min: Qty::new(lot * Decimal::from(least)).unwrap(),
                quantity_max: Qty::ZERO,
                market_quantity_max: Qty::ZERO,
                notional_min: Qty::new(Decimal::from(value)).unwrap(),
                contract_size: Qty::new(size).unwrap(),
                taker_fee: Amount::from(Decimal::new(if spot { fee } else { 0 }, 3)),
                ..linear("BTC", "1")
            }
        },
    )
}
