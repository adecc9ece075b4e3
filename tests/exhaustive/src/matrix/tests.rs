//! The judges can fail.

use equipoise_core::{Amount, BatchReport, Record};

use super::end::End;
use super::fault::Fault;
use super::run::Runner;
use super::scenario::{Scenario, scenarios};
use super::{PAIRS, Row};
use crate::claims::{Violation, is_reported};
use crate::world::World;

/// The first scenario: two legs, both filled.
fn scenario() -> Scenario {
    scenarios(&PAIRS[..1]).remove(0)
}

/// The end of a run without a kill.
fn played(scenario: &Scenario, fault: Fault) -> Result<World, Violation> {
    let mut row = Row::default();
    let mut run = Runner { scenario, fault, row: &mut row, at: (0, 0), places: 1, stride: 1 };
    run.unkilled()
}

/// A run in which an order stays in doubt, with its report.
fn in_doubt() -> (World, BatchReport) {
    let world = played(&scenario(), Fault::Unanswerable).expect("every claim holds");
    let report = world.journal.replayed().expect("it was admitted").report(world.now);
    assert!(report.net_delta_range.is_some());
    (world, report)
}

#[test]
fn a_batch_that_ends_otherwise_than_its_scenario_says_is_noticed() {
    for ends in [End::Flat, End::Parked, End::InDoubt] {
        let found = played(&Scenario { ends, ..scenario() }, Fault::None).err();
        assert_eq!(found.map(|found| found.claim), Some("a batch ends as its scenario says"));
    }
}

#[test]
fn a_range_that_is_too_wide_is_noticed() {
    let (world, exact) = in_doubt();
    assert_eq!(is_reported(&world, &exact), Ok(()));
    for widened in [Amount::ZERO - one(), one()] {
        let mut report = exact.clone();
        for (least, greatest) in report.net_delta_range.iter_mut().flat_map(|all| all.values_mut())
        {
            let end = if widened < Amount::ZERO { least } else { greatest };
            *end = *end + widened;
        }
        let claim = is_reported(&world, &report).err().map(|found| found.claim);
        assert_eq!(claim, Some("a range is exactly what unresolved orders can still be (S2)"));
    }
}

#[test]
fn a_range_for_what_is_known_and_none_for_what_is_not_are_noticed() {
    let (world, exact) = in_doubt();
    let report = BatchReport { net_delta_range: None, ..exact };
    let claim = is_reported(&world, &report).err().map(|found| found.claim);
    assert_eq!(claim, Some("a range is exactly what unresolved orders can still be (S2)"));
}

#[test]
fn a_resolved_leg_reported_wrongly_beside_one_in_doubt_is_noticed() {
    let (world, exact) = in_doubt();
    for leg in 0..exact.legs.len() {
        let mut report = exact.clone();
        report.legs[leg].holding = report.legs[leg].holding + one();
        let claim = is_reported(&world, &report).err().map(|found| found.claim);
        assert_eq!(claim, Some("what is held is what is reported (S2)"));
    }
}

#[test]
fn a_trade_recorded_twice_is_noticed() {
    let mut world = played(&scenario(), Fault::None).expect("every claim holds");
    let records = world.journal.records();
    let filled = records.iter().find(|record| matches!(record, Record::Filled { .. })).cloned();
    let (epoch, expected) = (world.journal.epoch, records.len());
    let appended = world.journal.append(epoch, expected, filled.into_iter().collect());
    assert!(appended.is_ok());
    let report = world.journal.replayed().expect("it was admitted").report(world.now);
    let claim = is_reported(&world, &report).err().map(|found| found.claim);
    assert_eq!(claim, Some("every trade is in the journal, once (S4)"));
}

fn one() -> Amount {
    Amount::from(rust_decimal::Decimal::ONE)
}
