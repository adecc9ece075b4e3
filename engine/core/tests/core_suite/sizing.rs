//! From plans to lots: joint rounding, dust, and every way to say how much.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::common::*;
use equipoise_core::*;
use proptest::prelude::{prop, prop_assert, prop_assert_eq, prop_assume, proptest};

/// Legs `a`, `b`, … each at a venue of its own; sizes come back in that order.
fn size(
    legs: &[(Side, Quantity, Instrument)],
    reference: &str,
) -> Result<Vec<SizedLeg>, SizingError> {
    let name = |index: usize| ["a", "b", "c", "d"][index];
    let listed = legs.iter().enumerate().map(|(index, (side, quantity, instrument))| {
        let after = match quantity {
            Quantity::Of { leg, .. } => vec![leg.clone()],
            _ => Vec::new(),
        };
        Leg::market(
            LegName::new(name(index)).unwrap(),
            VenueName::new(name(index)).unwrap(),
            instrument.symbol.clone(),
            *side,
            quantity.clone(),
        )
        .after(after)
    });
    let plan = Plan {
        strategy: StrategyName::new("s").unwrap(),
        occasion: Occasion::new("o").unwrap(),
        legs: listed.collect(),
        policy: Policy::new(OnResidual::Unwind, 1),
    };
    let checked = plan.check().unwrap();
    let place = |name: &LegName| plan.legs.iter().position(|leg| leg.name == *name).unwrap();
    let instruments: Vec<_> =
        checked.legs.iter().map(|leg| legs[place(&leg.name)].2.clone()).collect();
    let mut references = References::default();
    for (_, _, instrument, ..) in legs {
        references.note(&instrument.base, &instrument.quote, price(reference));
    }
    let sized = size_plan(&checked, &instruments, &references)?;
    Ok(checked.listing.iter().map(|index| sized[usize::from(*index)].clone()).collect())
}

fn base(text: &str) -> Quantity {
    Quantity::Base(qty(text))
}

fn fixed(leg: &SizedLeg) -> Qty {
    let LegQuantity::Fixed(quantity) = leg.quantity else { panic!("a fixed size") };
    quantity
}

/// Side, base quantity and lot of one leg.
type Asked = (Side, &'static str, &'static str);

/// Rounded quantities of legs given by side, base quantity and lot.
fn rounded(legs: &[Asked]) -> Vec<String> {
    let legs: Vec<_> = legs
        .iter()
        .map(|(side, quantity, lot)| (*side, base(quantity), linear("BTC", lot)))
        .collect();
    size(&legs, "65000").unwrap().iter().map(|leg| fixed(leg).to_string()).collect()
}

#[test]
fn legs_are_rounded_down_together() {
    use Side::{Buy, Sell};
    let cases: &[(&[Asked], &[&str])] = &[
        (&[(Buy, "0.1", "0.001"), (Sell, "0.1", "0.001")], &["0.1", "0.1"]),
        (&[(Buy, "0.1239", "0.001"), (Sell, "0.1239", "0.001")], &["0.123", "0.123"]),
        // The finer leg gives up what the coarser one cannot match.
        (&[(Buy, "0.1239", "0.001"), (Sell, "0.1239", "0.01")], &["0.12", "0.12"]),
        (&[(Sell, "0.1239", "0.001"), (Buy, "0.1239", "0.01")], &["0.12", "0.12"]),
        // Lots that do not divide each other: as close as they get.
        (&[(Buy, "0.1", "0.003"), (Sell, "0.1", "0.002")], &["0.099", "0.1"]),
        (&[(Buy, "0.1", "0.007"), (Sell, "0.1", "0.002")], &["0.098", "0.098"]),
        // One long against two shorts.
        (
            &[(Buy, "0.155", "0.001"), (Sell, "0.1", "0.01"), (Sell, "0.055", "0.01")],
            &["0.15", "0.1", "0.05"],
        ),
        // A plan that is not neutral stays what it is.
        (&[(Buy, "0.1239", "0.001")], &["0.123"]),
        (&[(Buy, "0.2", "0.001"), (Sell, "0.1", "0.001")], &["0.2", "0.1"]),
    ];
    for (legs, expected) in cases {
        assert_eq!(rounded(legs), *expected, "{legs:?}");
    }
}

#[test]
fn what_was_rounded_away_is_reported() {
    let legs = [
        (Side::Buy, base("0.1239"), linear("BTC", "0.001")),
        (Side::Sell, base("0.1239"), linear("BTC", "0.01")),
    ];
    let sized = size(&legs, "65000").unwrap();
    assert_eq!(sized[0].asked_base, qty("0.1239"));
    assert_eq!(sized[0].dust_base, qty("0.0039"));
    assert_eq!(sized[1].dust_base, qty("0.0039"));
}

#[test]
fn quote_contracts_and_inverse_quantities_become_venue_units() {
    let one = |quantity: Quantity, instrument: Instrument, reference: &str| {
        let sized = size(&[(Side::Buy, quantity, instrument)], reference).unwrap();
        fixed(&sized[0]).to_string()
    };
    let quote = |text: &str| Quantity::Quote(qty(text));
    let contracts = |text: &str| Quantity::Contracts(qty(text));
    assert_eq!(one(quote("6500"), linear("BTC", "0.001"), "65000"), "0.1");
    assert_eq!(one(quote("6500"), linear("BTC", "0.001"), "64999"), "0.1");
    assert_eq!(one(quote("6499.99"), linear("BTC", "0.001"), "65000"), "0.099");
    assert_eq!(one(contracts("0.25"), linear("BTC", "0.001"), "65000"), "0.25");
    let mut small = linear("BTC", "1");
    small.contract_size = qty("0.01");
    small.quantity_max = qty("100000");
    small.market_quantity_max = Qty::ZERO;
    assert_eq!(one(base("0.1"), small.clone(), "65000"), "10");
    assert_eq!(one(quote("6500"), small, "65000"), "10");
    // A tenth of a bitcoin is 65 contracts of 100 dollars, whatever the price does to the way through base units.
    assert_eq!(one(base("0.1"), inverse("BTC", "100"), "65000"), "65");
    assert_eq!(one(quote("6500"), inverse("BTC", "100"), "64999.7"), "65");
    assert_eq!(one(contracts("65"), inverse("BTC", "100"), "64999.7"), "65");
}

#[test]
fn a_spot_buy_is_grossed_up_by_the_fee_it_will_pay_in_base() {
    let legs = [
        (Side::Buy, base("1"), spot("BTC", "0.0001")),
        (Side::Sell, base("1"), linear("BTC", "0.001")),
    ];
    let sized = size(&legs, "65000").unwrap();
    assert_eq!(fixed(&sized[0]), qty("1.001"), "1 divided by 0.999, rounded down");
    assert_eq!(fixed(&sized[1]), qty("1"));
    let sell = size(&[(Side::Sell, base("1"), spot("BTC", "0.0001"))], "65000").unwrap();
    assert_eq!(fixed(&sell[0]), qty("1"), "a sale pays in quote");
}

#[test]
fn a_follower_is_planned_with_the_leg_it_follows() {
    let of = |ratio: &str| Quantity::Of { leg: LegName::new("a").unwrap(), ratio: qty(ratio) };
    let legs = [
        (Side::Buy, base("0.1239"), linear("BTC", "0.001")),
        (Side::Sell, of("1"), linear("BTC", "0.01")),
    ];
    let sized = size(&legs, "65000").unwrap();
    assert_eq!(fixed(&sized[0]), qty("0.12"), "so that the coarser follower can match it");
    let LegQuantity::Of { ratio, .. } = sized[1].quantity else { panic!("still a follower") };
    assert_eq!(ratio, qty("1"));

    let refused = |ratio: &str| {
        let legs = [
            (Side::Buy, base("0.1"), linear("BTC", "0.001")),
            (Side::Sell, of(ratio), linear("BTC", "0.001")),
        ];
        size(&legs, "65000").unwrap_err().to_string()
    };
    assert_eq!(
        refused("0.001"),
        "leg 'b': 0.0001 BTC of BTCUSDT is below the smallest order of 0.001 BTC",
        "infeasible plans are refused before any send (V10)"
    );
    assert_eq!(
        refused("2000"),
        "leg 'b': 200 BTC of BTCUSDT is above the largest order of 120 BTC"
    );
}

#[test]
fn a_follower_says_what_it_will_order_and_bring_if_its_source_fills() {
    let of = |leg: &str, ratio: &str| Quantity::Of {
        leg: LegName::new(leg).unwrap(),
        ratio: qty(ratio),
    };
    let legs = [
        (Side::Buy, base("1.2"), linear("BTC", "0.001")),
        (Side::Sell, of("a", "0.5"), linear("BTC", "0.001")),
        (Side::Sell, of("b", "0.5"), linear("BTC", "0.01")),
    ];
    let sized = size(&legs, "65000").unwrap();
    let planned = |leg: &SizedLeg| (leg.planned, leg.planned_base, leg.asked_base, leg.dust_base);
    for (leg, size) in sized.iter().zip(["1.2", "0.6", "0.3"]) {
        assert_eq!(planned(leg), (qty(size), qty(size), qty(size), Qty::ZERO));
    }
    // A purchase pays its fee in what it buys, and gives up the lots that its follower cannot match.
    let legs = [
        (Side::Buy, base("1"), spot("BTC", "0.0001")),
        (Side::Sell, of("a", "1"), linear("BTC", "0.001")),
    ];
    let sized = size(&legs, "65000").unwrap();
    assert_eq!((sized[0].planned, sized[0].planned_base), (qty("1"), qty("0.999")));
    assert_eq!((sized[1].planned, sized[1].planned_base), (qty("0.999"), qty("0.999")));
    // A purchase that follows orders more than it is to bring.
    let legs = [
        (Side::Sell, base("0.5"), linear("BTC", "0.001")),
        (Side::Buy, of("a", "1"), spot("BTC", "0.0001")),
    ];
    let sized = size(&legs, "65000").unwrap();
    assert_eq!((sized[1].planned, sized[1].planned_base), (qty("0.5005"), qty("0.4999995")));
    assert_eq!(sized[1].asked_base, qty("0.5"));
}

#[test]
fn a_follower_gives_up_no_lots_of_its_own() {
    let of = Quantity::Of { leg: LegName::new("a").unwrap(), ratio: qty("1") };
    let legs = [
        (Side::Buy, base("0.1"), linear("BTC", "0.01")),
        (Side::Buy, of, linear("BTC", "0.001")),
        (Side::Sell, base("0.2139"), linear("BTC", "0.1")),
    ];
    let sized = size(&legs, "65000").unwrap();
    // Bought are 0.0139 more than asked for beside the 0.2 sold: the source gives up a lot, and its follower with it.
    assert_eq!((fixed(&sized[0]), fixed(&sized[2])), (qty("0.09"), qty("0.2")));
}

#[test]
fn a_follower_in_inverse_contracts_matches_contract_for_contract() {
    let contract = inverse("BTC", "1");
    let base_of_ten = contract.base_of(amount("10"), price("30000")).magnitude();
    let sized = size_following(&contract, Side::Sell, base_of_ten, qty("1"), price("30000"));
    assert_eq!(sized.unwrap(), qty("10"));
}

#[test]
fn sizes_outside_the_venues_rules_are_refused() {
    let refused = |quantity: Quantity, change: fn(&mut Instrument)| {
        let mut instrument = linear("BTC", "0.001");
        change(&mut instrument);
        size(&[(Side::Buy, quantity, instrument)], "65000").unwrap_err().to_string()
    };
    assert_eq!(
        refused(base("0.0009"), |_| {}),
        "leg 'a': 0.0009 BTC of BTCUSDT is below the smallest order of 0.001 BTC"
    );
    assert_eq!(
        refused(base("0.001"), |rules| rules.notional_min = qty("100")),
        "leg 'a': 0.001 BTC of BTCUSDT is below the smallest order of 0.002 BTC"
    );
    assert_eq!(
        refused(base("121"), |_| {}),
        "leg 'a': 121 BTC of BTCUSDT is above the largest order of 120 BTC"
    );
    assert_eq!(
        refused(base("1"), |rules| rules.lot = Qty::ZERO),
        "leg 'a': instrument BTCUSDT has unusable rules: its lot is zero"
    );
    assert_eq!(
        refused(base("1"), |rules| rules.tick = price("0.0000000000001")),
        "leg 'a': instrument BTCUSDT has unusable rules: its lot or tick is too fine"
    );
    assert_eq!(
        refused(base("1"), |rules| rules.contract_size = qty("10000000000")),
        "leg 'a': instrument BTCUSDT has unusable rules: its contract size is out of range"
    );
}

#[test]
fn hostile_numbers_end_no_process() {
    let largest = "9999999999999";
    let finest = "0.000000000001";
    for kind in [InstrumentKind::Linear, InstrumentKind::Inverse, InstrumentKind::Spot] {
        for (size, at) in
            [(largest, largest), (largest, finest), (finest, largest), (finest, finest)]
        {
            let instrument = Instrument {
                kind,
                contract_size: qty(size),
                notional_min: qty(largest),
                tick: price(finest),
                lot: qty(finest),
                ..linear("BTC", "0.001")
            };
            for units in [largest, finest, "0"] {
                let _ = instrument.base_of(amount(units), price(at));
                let _ = instrument.base_of(-amount(units), price(at));
                let _ = instrument.units_of(qty(units), price(at));
                let _ = instrument.units_worth(qty(units), price(at));
                let _ = instrument.lots_within(qty(units), price(at));
                let _ = instrument.notional(qty(units), price(at));
                let _ = instrument.check_order(qty(units), OrderKind::Market, price(at));
            }
            let _ = instrument.dust_base(price(at));
            let _ = price(at).round_up(price(finest));
            let _ = price(at).round_down(price(finest));
        }
    }
}

fn lot() -> impl proptest::strategy::Strategy<Value = &'static str> {
    prop::sample::select(vec!["0.001", "0.002", "0.003", "0.005", "0.007", "0.01", "0.05", "0.1"])
}

proptest! {
    /// Two legs that are neutral as asked stay neutral within the coarser lot, and never exceed what was asked.
    #[test]
    fn a_neutral_pair_stays_neutral_within_the_coarser_lot(
        milli in 1_000_u32..2_000_000, one in lot(), other in lot(), inverted: bool,
    ) {
        let asked = qty(&format!("{}.{:05}", milli / 100_000, milli % 100_000));
        let (long, short) = if inverted { (Side::Sell, Side::Buy) } else { (Side::Buy, Side::Sell) };
        let legs = [
            (long, Quantity::Base(asked), linear("BTC", one)),
            (short, Quantity::Base(asked), linear("BTC", other)),
        ];
        let sized = size(&legs, "65000");
        prop_assume!(sized.is_ok());
        let sized = sized.unwrap();
        let quantities: Vec<_> = sized.iter().map(fixed).collect();
        let coarser = qty(one).get().max(qty(other).get());
        let off = (quantities[0].get() - quantities[1].get()).abs();
        prop_assert!(off < coarser, "{off} with lots {one} and {other}");
        for (leg, (quantity, lot)) in sized.iter().zip(quantities.iter().zip([one, other])) {
            prop_assert!(*quantity <= asked);
            prop_assert_eq!(quantity.round_down(qty(lot)), *quantity, "whole lots");
            prop_assert_eq!(quantity.plus(leg.dust_base), asked, "nothing is lost without a word");
        }
    }

    /// However many legs there are, joint rounding is never less neutral than rounding each leg by itself.
    #[test]
    fn joint_rounding_never_makes_it_worse(
        legs in prop::collection::vec((20_000_u32..500_000, lot(), prop::bool::ANY), 1..5),
    ) {
        let legs: Vec<_> = legs.into_iter().map(|(milli, lot, buy)| {
            let side = if buy { Side::Buy } else { Side::Sell };
            let asked = qty(&format!("{}.{:05}", milli / 100_000, milli % 100_000));
            (side, Quantity::Base(asked), linear("BTC", lot))
        }).collect();
        let sized = size(&legs, "65000").unwrap();
        let net = |quantities: &dyn Fn(usize) -> Qty| {
            (0..legs.len()).fold(Amount::ZERO, |sum, index| {
                sum + legs[index].0.signed(quantities(index))
            })
        };
        let asked = |index: usize| match legs[index].1 { Quantity::Base(asked) => asked, _ => Qty::ZERO };
        let alone = net(&|index| asked(index).round_down(legs[index].2.lot)) - net(&asked);
        let joint = net(&|index| fixed(&sized[index])) - net(&asked);
        prop_assert!(joint.magnitude() <= alone.magnitude(), "{joint} instead of {alone}");
    }

    /// Converting contracts to base units and back gives the same number of contracts at any price.
    #[test]
    fn contracts_survive_the_way_through_base_units(
        contracts in 1_u32..1_000_000, cents in 1_u64..20_000_000, size in prop::sample::select(vec!["1", "10", "100"]),
    ) {
        let instrument = inverse("BTC", size);
        let at = price(&format!("{}.{:02}", cents / 100, cents % 100));
        let units = qty(&contracts.to_string());
        let there = instrument.base_of(Amount::from(units), at).magnitude();
        prop_assume!(instrument.lot_base(at) > qty("0.000000001"));
        prop_assert_eq!(instrument.lots_within(there, at).unwrap(), units);
    }
}
