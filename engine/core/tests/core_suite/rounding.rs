//! Rounding across products: linear, inverse and spot instruments of every venue against each other.
//!
//! A plan of two legs that is neutral in base units stays neutral within one lot of the coarser leg, whatever is rounded
//! away is named, and inverse contracts are converted once (K2, K6, K7, V10). The numbers here are computed apart from
//! the code under test.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::common::*;
use equipoise_core::*;
use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};
use proptest::test_runner::TestCaseError;
use rust_decimal::{Decimal, RoundingStrategy};

/// A plan that buys a quantity of base units on one instrument and sells the same on the other.
fn size_pair(
    base: Qty,
    long: &Instrument,
    short: &Instrument,
    reference: Price,
) -> Result<[SizedLeg; 2], SizingError> {
    let leg = |name: &str, side, instrument: &Instrument| {
        Leg::market(
            LegName::new(name).unwrap(),
            VenueName::new(name).unwrap(),
            instrument.symbol.clone(),
            side,
            Quantity::Base(base),
        )
    };
    let plan = Plan {
        strategy: StrategyName::new("s").unwrap(),
        occasion: Occasion::new("o").unwrap(),
        legs: vec![leg("long", Side::Buy, long), leg("short", Side::Sell, short)],
        policy: Policy::new(OnResidual::Unwind, 1),
    };
    let checked = plan.check().unwrap();
    let instruments: Vec<_> = checked
        .legs
        .iter()
        .map(|leg| if leg.name.as_str() == "long" { long.clone() } else { short.clone() })
        .collect();
    let mut references = References::default();
    for instrument in [long, short] {
        references.note(&instrument.base, &instrument.quote, reference);
    }
    let sized = size_plan(&checked, &instruments, &references)?;
    Ok([0, 1].map(|listed: usize| sized[usize::from(checked.listing[listed])].clone()))
}

fn units(leg: &SizedLeg) -> Decimal {
    let LegQuantity::Fixed(units) = leg.quantity else { panic!("a fixed size") };
    units.get()
}

/// Base units that so many venue units come to, written down again from the rules of the products.
fn base_of(instrument: &Instrument, buy: bool, units: Decimal, reference: Price) -> Decimal {
    let size = instrument.contract_size.get();
    match instrument.kind {
        InstrumentKind::Linear => units * size,
        InstrumentKind::Spot if buy => units * (Decimal::ONE - instrument.taker_fee.get()),
        InstrumentKind::Spot => units,
        InstrumentKind::Inverse => (units * size / reference.get())
            .round_dp_with_strategy(12, RoundingStrategy::MidpointNearestEven),
    }
}

fn lot_of(instrument: &Instrument, reference: Price) -> Decimal {
    base_of(instrument, false, instrument.lot.get(), reference)
}

/// What the fee's division and the conversion of contracts may each leave beyond the twelfth decimal.
fn last_digits() -> Decimal {
    Decimal::new(2, 12)
}

/// Neutral within one lot of the coarser leg; whole lots that the venue takes; never more than asked; nothing lost
/// without a word.
fn assert_fair(
    base: Qty,
    [long, short]: [&Instrument; 2],
    reference: Price,
    sized: &[SizedLeg; 2],
) -> Result<(), TestCaseError> {
    let bases = [(long, true, &sized[0]), (short, false, &sized[1])]
        .map(|(instrument, buy, leg)| base_of(instrument, buy, units(leg), reference));
    let (one, other) = (lot_of(long, reference), lot_of(short, reference));
    let (coarser, finer) = (one.max(other), one.min(other));
    let off = (bases[0] - bases[1]).abs();
    prop_assert!(off <= coarser, "{} and {}: off by {off}", long.symbol, short.symbol);
    for ((instrument, leg), got) in [long, short].into_iter().zip(sized).zip(bases) {
        let name = &instrument.symbol;
        let units = units(leg);
        prop_assert!((units % instrument.lot.get()).is_zero(), "{name}: {units} is no whole lot");
        prop_assert!(units >= instrument.quantity_min.get(), "{name}: {units} is too small");
        let value = instrument.notional(Qty::new(units).unwrap(), reference);
        prop_assert!(value >= instrument.notional_min.get(), "{name}: {value} is too little");
        prop_assert!(got <= base.get() + last_digits(), "{name}: {got} is more than {base}");
        prop_assert!(leg.asked_base == base, "{name}: {} is not what was asked", leg.asked_base);
        let named = leg.asked_base.get() - leg.dust_base.get();
        prop_assert!((named - got).abs() <= last_digits(), "{name}: dust {}", leg.dust_base);
        prop_assert!(leg.dust_base.get() < coarser + finer, "{name}: dust {}", leg.dust_base);
    }
    Ok(())
}

#[test]
fn every_pair_of_instruments_stays_neutral_within_the_coarser_lot() {
    let quantities = ["0.05", "0.1", "0.12345678", "0.333333333333", "1", "2.718281828", "7.00009"];
    let mut pairs = 0;
    for (base, listed, references) in [
        ("BTC", BTC, ["65000", "64999.7", "30123.45"]),
        ("ETH", ETH, ["3200", "3199.97", "2801.03"]),
    ] {
        let instruments: Vec<_> = listed.iter().map(|rules| instrument(base, *rules)).collect();
        for long in &instruments {
            for short in instruments.iter().filter(|other| other.symbol != long.symbol) {
                for (at, reference) in quantities.iter().flat_map(|at| references.map(|r| (at, r)))
                {
                    let (asked, reference) = (qty(at), price(reference));
                    let sized = size_pair(asked, long, short, reference).unwrap_or_else(|error| {
                        panic!("{} {}: {error}", long.symbol, short.symbol)
                    });
                    assert_fair(asked, [long, short], reference, &sized).unwrap();
                }
                pairs += 1;
            }
        }
    }
    assert_eq!(pairs, 2 * 12 * 11);
}

/// Sizes worked out by hand: long, short, then their venue units and dust.
#[test]
fn known_pairs_come_out_as_worked_out_by_hand() {
    let named = |name: &str| instrument("BTC", *BTC.iter().find(|rules| rules.0 == name).unwrap());
    for (long, short, asked, expected) in [
        // 0.1234 are 80.21 contracts of 100 dollars, so 80, which are 0.123076923077; of 0.1232 bought a thousandth is
        // the fee.
        (
            "binance-spot",
            "binance-coinm",
            "0.1234",
            ["0.1232", "80", "0.0003232", "0.000323076923"],
        ),
        ("bybit-linear", "okx-swap", "0.1239", ["0.123", "12.3", "0.0009", "0.0009"]),
        ("deribit", "binance-usdm", "0.1", ["6500", "0.1", "0", "0"]),
        ("coinbase", "bybit-inverse", "0.1", ["0.1", "6500", "0", "0"]),
        ("okx-swap-inverse", "deribit", "0.1001", ["65", "6500", "0.0001", "0.0001"]),
    ] {
        let (long, short) = (named(long), named(short));
        let sized = size_pair(qty(asked), &long, &short, price("65000")).unwrap();
        let shown = [
            units(&sized[0]).normalize().to_string(),
            units(&sized[1]).normalize().to_string(),
            sized[0].dust_base.get().normalize().to_string(),
            sized[1].dust_base.get().normalize().to_string(),
        ];
        assert_eq!(shown, expected, "{} {}", long.symbol, short.symbol);
    }
}

/// Contracts of one instrument are netted first and converted once; what is converted adds up without another rounding.
#[test]
fn contracts_are_netted_before_they_are_converted() {
    let contracts = |name: &str, side, quantity: &str| LegSpec {
        instrument: inverse("BTC", "1"),
        venue: VenueName::new("one").unwrap(),
        ..leg(name, side, quantity)
    };
    let mut spec = batch(vec![
        contracts("a", Side::Buy, "10000"),
        contracts("b", Side::Sell, "9999"),
        leg("c", Side::Buy, "0.1"),
    ]);
    spec.references = references(&spec.legs, "30000");
    let run = after_entries(spec, &[("a.e0", "10000"), ("b.e0", "9999"), ("c.e0", "0.1")]);
    // One dollar is 0.0000333… of a bitcoin; 10000 less 9999 converted apart would end in …34.
    assert_eq!(run.net(), "0.100033333333");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_two_instruments_stay_neutral_within_the_coarser_lot(
        long in drawn(), short in drawn(), micro in 1_u64..5_000_000, cents in 100_u64..10_000_000,
    ) {
        let asked = qty(&format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000));
        let reference = price(&format!("{}.{:02}", cents / 100, cents % 100));
        // What is too small for either is refused before any send, which is another claim (V10).
        if let Ok(sized) = size_pair(asked, &long, &short, reference) {
            assert_fair(asked, [&long, &short], reference, &sized)?;
        }
    }

    /// Whole numbers only: dollars over price at twelve decimals, half to even.
    #[test]
    fn contracts_convert_half_to_even_at_twelve_places(
        contracts in 1_u64..10_000_000, size in proptest::sample::select(vec![1_u64, 10, 100]),
        cents in 1_u64..20_000_000, short in any::<bool>(),
    ) {
        let over = u128::from(contracts * size) * 100 * 10_u128.pow(12);
        let (whole, rest) = (over / u128::from(cents), over % u128::from(cents));
        let up = match (2 * rest).cmp(&u128::from(cents)) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => whole % 2,
            std::cmp::Ordering::Greater => 1,
        };
        let expected = Decimal::from_i128_with_scale((whole + up) as i128, 12);
        let at = price(&format!("{}.{:02}", cents / 100, cents % 100));
        let sign = if short { -Decimal::ONE } else { Decimal::ONE };
        let units = Amount::from(sign * Decimal::from(contracts));
        let got = inverse("BTC", &size.to_string()).base_of(units, at);
        prop_assert!(got.get() == sign * expected, "{got} instead of {expected}");
    }
}
