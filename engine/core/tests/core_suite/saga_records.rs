//! Records that do not fit the state: a journal that is not what was written is refused by name, and changes nothing.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::common::*;
use equipoise_core::*;

const AT: UnixMillis = UnixMillis(START + 1);

fn sent() -> Harness {
    let mut run = Harness::new(pair(ResendClass::A));
    run.send(&["long.e0", "short.e0"]);
    run
}

fn intent(run: &Harness, tag: OrderTag) -> Record {
    let clock = ClockOffset { offset_ms: OFFSET_MS };
    Record::Intent { tag, request: run.request("long.e0"), clock, at: AT }
}

/// One record of every kind that is about an order already intended.
fn about(tag: OrderTag) -> Vec<Record> {
    let venue_order = VenueOrderId::new("v1").unwrap();
    let fill = Fill {
        trade: TradeId::new("t1").unwrap(),
        price: price("65000"),
        quantity: qty("0.1"),
        fee: Amount::ZERO,
        fee_asset: asset("USDT"),
        at: VenueMillis(START),
    };
    let why = "why".to_owned();
    vec![
        Record::Transmission { tag, deadline: VenueMillis(START), at: AT },
        Record::Sent { tag, at: AT },
        Record::Unsent { tag, why: why.clone(), at: AT },
        Record::Doubted { tag, why: why.clone(), at: AT },
        Record::Refused { tag, refusal: refusal(RefusalKind::Final), at: AT },
        Record::Observed {
            tag,
            venue_order: venue_order.clone(),
            state: OrderState::Open,
            executed: Qty::ZERO,
            at: AT,
        },
        Record::Filled { tag, venue_order: venue_order.clone(), fill: fill.clone(), at: AT },
        Record::Busted { tag, venue_order, fill, at: AT },
        Record::Audited { tag, at: AT },
        Record::NotFound { tag, venue_time: VenueMillis(START), at: AT },
        Record::Absent { tag, at: AT },
        Record::Unresolved { tag, why, at: AT },
    ]
}

/// Why the record is refused, nothing for one that fits.
fn refused(run: &Harness, record: &Record) -> Option<String> {
    let mut saga = run.saga.clone();
    let error = saga.apply(record).err()?;
    assert_eq!(saga, run.saga, "a refused record changes nothing");
    Some(error.to_string())
}

/// Kinds of records about the long leg's first entry that do not fit, all of them for the same stage.
fn misfits(run: &Harness) -> (String, Vec<String>) {
    let mut stages = Vec::new();
    let mut kinds = Vec::new();
    for record in about(run.tag("long.e0")) {
        let Some(error) = refused(run, &record) else { continue };
        let (kind, rest) =
            error.strip_prefix("record ").unwrap().split_once(" cannot follow ").unwrap();
        stages.push(rest.strip_suffix(" at leg 0 attempt 0").unwrap().to_owned());
        kinds.push(kind.to_owned());
    }
    stages.dedup();
    assert_eq!(stages.len(), 1, "{stages:?}");
    (stages.remove(0), kinds)
}

#[track_caller]
fn assert_misfits(run: &Harness, stage: &str, kinds: &[&str]) {
    assert_eq!(
        misfits(run),
        (stage.to_owned(), kinds.iter().map(|kind| (*kind).to_owned()).collect())
    );
}

#[test]
fn each_stage_takes_its_own_records_and_facts_of_the_venue_always() {
    let run = sent();
    assert_misfits(&run, "intended", &["Transmission", "NotFound", "Absent", "Unresolved"]);

    let mut run = in_doubt(ResendClass::A);
    assert_misfits(&run, "in doubt", &["Unsent", "Refused"]);

    // The transmission before it may have taken effect, so neither proves that nothing did (R6).
    run.run(run.looked("long.e0", vec![]));
    run.run(run.prepared(&["long.e0"]));
    let further = ["Transmission", "Unsent", "Refused", "NotFound", "Absent", "Unresolved"];
    assert_misfits(&run, "intended", &further);

    let mut run = sent();
    let open = run.snapshot("long.e0", OrderState::Open, "0");
    run.placed("long.e0", open);
    let seen = ["Transmission", "Unsent", "Refused", "NotFound", "Absent"];
    assert_misfits(&run, "known at the venue", &seen);
    run.fill("long.e0");
    assert_misfits(&run, "closed", &seen);

    let mut run = sent();
    run.refuse("long.e0", RefusalKind::Final);
    assert_misfits(&run, "closed", &seen);

    let mut run = sent();
    run.run(Event::NotSent { tag: run.tag("long.e0"), why: "unreachable".to_owned() });
    let final_word =
        ["Transmission", "Unsent", "Doubted", "Refused", "NotFound", "Absent", "Unresolved"];
    assert_misfits(&run, "closed", &final_word);

    let mut run = in_doubt(ResendClass::B);
    run.run(Event::Unanswerable { tag: run.tag("long.e0"), why: "revoked".to_owned() });
    assert_misfits(&run, "closed", &["Transmission", "Unsent", "Refused", "Unresolved"]);
}

#[test]
fn a_record_about_an_order_that_does_not_exist_is_refused() {
    let run = sent();
    for (leg, attempt) in [(0, 7), (9, 0)] {
        let tag = OrderTag { leg, role: Role::Entry, attempt };
        for record in about(tag).iter().chain([&intent(&run, tag)]) {
            let error = refused(&run, record).unwrap();
            let rest = format!(" names leg {leg} attempt {attempt} which does not exist");
            let kind = error.strip_prefix("record ").unwrap().strip_suffix(&rest).unwrap();
            assert!(format!("{record:?}").starts_with(kind), "{error}");
        }
    }
    let contradicted = Record::Contradicted { leg: 9, position: Amount::ZERO, at: AT };
    assert_eq!(
        refused(&run, &contradicted).unwrap(),
        "record Contradicted names leg 9 attempt 0 which does not exist"
    );
}

#[test]
fn an_attempt_begins_once_the_one_before_it_is_conclusively_closed() {
    let mut run = sent();
    let next = intent(&run, run.tag("long.e1"));
    assert_eq!(
        refused(&run, &next).unwrap(),
        "record Intent cannot follow intended at leg 0 attempt 1"
    );
    let again = intent(&run, run.tag("long.e0"));
    assert_eq!(
        refused(&run, &again).unwrap(),
        "record Intent names leg 0 attempt 0 which does not exist",
        "its place is taken"
    );
    run.refuse("long.e0", RefusalKind::Transient);
    assert_eq!(refused(&run, &next), None);

    let mut parked = in_doubt(ResendClass::B);
    parked.run(Event::Unanswerable { tag: parked.tag("long.e0"), why: "revoked".to_owned() });
    assert_eq!(
        refused(&parked, &next).unwrap(),
        "record Intent cannot follow closed at leg 0 attempt 1",
        "given up on is not closed"
    );
}

#[test]
fn a_batch_begins_with_one_sound_admission() {
    let run = sent();
    assert_eq!(refused(&run, &run.records[0]).unwrap(), "a batch was admitted twice");
    for records in [&run.records[1..], &[]] {
        assert_eq!(
            Saga::replay(records).unwrap_err().to_string(),
            "the first record of a batch is not its admission"
        );
    }
    let spoilt = BatchSpec { listing: vec![0, 0], ..pair(ResendClass::A) };
    assert_eq!(
        Saga::replay(&[Record::Admitted(Box::new(spoilt))]).unwrap_err().to_string(),
        "the admission of batch 00112233445566778899aabbccddeeff does not hold together"
    );
}
