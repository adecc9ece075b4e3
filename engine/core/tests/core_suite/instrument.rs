//! Instruments at the edges of their rules, and the words their units have.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::common::*;
use equipoise_core::*;

fn market(units: &str, rules: &Instrument) -> Result<(), SizeError> {
    rules.check_order(qty(units), OrderKind::Market, price("65000"))
}

#[test]
fn rules_are_usable_up_to_their_bounds_and_not_beyond() {
    type Change = fn(&mut Instrument);
    let cases: [(Change, bool); 8] = [
        (|rules| rules.contract_size = qty("1000000000"), true),
        (|rules| rules.contract_size = qty("1000000000.1"), false),
        (|rules| rules.taker_fee = amount("1"), true),
        (|rules| rules.taker_fee = amount("-1"), true),
        (|rules| rules.taker_fee = amount("1.1"), false),
        (|rules| rules.taker_fee = amount("-1.1"), false),
        (|rules| rules.lot = qty("0.000000000001"), true),
        (|rules| rules.lot = qty("0.0000000000009"), false),
    ];
    for (index, (change, usable)) in cases.into_iter().enumerate() {
        let mut rules = linear("BTC", "0.001");
        change(&mut rules);
        assert_eq!(rules.check().is_ok(), usable, "case {index}");
    }
}

#[test]
fn the_smallest_and_the_largest_order_are_taken_and_one_lot_beyond_is_not() {
    let rules = linear("BTC", "0.001");
    assert_eq!(market("0.001", &rules), Ok(()));
    assert_eq!(market("120", &rules), Ok(()));
    assert!(matches!(market("0", &rules), Err(SizeError::TooSmall { .. })));
    assert!(matches!(market("120.001", &rules), Err(SizeError::TooLarge { .. })));
    let unlimited = Instrument { market_quantity_max: Qty::ZERO, ..rules };
    assert_eq!(market("120.001", &unlimited), Ok(()), "zero is no limit");
}

#[test]
fn a_limit_price_on_a_tick_is_taken() {
    let at = |text: &str| {
        let kind = OrderKind::Limit { price: price(text), time_in_force: TimeInForce::Ioc };
        linear("BTC", "0.001").check_order(qty("1"), kind, price(text))
    };
    assert_eq!(at("65000.1"), Ok(()));
    assert!(matches!(at("65000.15"), Err(SizeError::OffTick { .. })));
}

#[test]
fn base_units_beyond_all_measure_keep_their_sign() {
    let rules = Instrument { contract_size: qty("9999999999999"), ..inverse("BTC", "1") };
    let (units, finest) = (amount("9999999999999"), price("0.000000000001"));
    let long = rules.base_of(units, finest);
    assert!(long > amount("9999999999999"), "{long}");
    assert_eq!(rules.base_of(-units, finest), -long);
}

#[test]
fn only_a_unit_of_one_base_unit_is_called_by_the_base_asset() {
    let sized = |size: &str| Instrument { contract_size: qty(size), ..linear("BTC", "0.001") };
    assert_eq!(sized("1").unit(), "BTC");
    assert_eq!(sized("0.01").unit(), "contracts");
    assert_eq!(spot("ETH", "0.01").unit(), "ETH");
    assert_eq!(inverse("BTC", "1").unit(), "contracts", "of one dollar");
}
