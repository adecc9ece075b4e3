//! Journal records: any bytes decode to a record that encodes again, or to an error; and any sequence of records
//! replays to a batch or to an error.

use equipoise_core::{Record, Saga, UnixMillis};

use crate::source::Source;
use crate::specs::{START, spec};

/// Records from bytes, the first one admitted properly half of the time so that the others get somewhere.
pub fn record(bytes: &[u8]) {
    let source = &mut Source::new(bytes);
    let mut records = Vec::new();
    if source.odds(200) {
        records.push(Record::Admitted(Box::new(spec(source))));
    }
    let mut rest = source.rest();
    while let Ok((record, left)) = postcard::take_from_bytes::<Record>(rest) {
        assert!(left.len() < rest.len(), "a record takes at least a byte");
        rest = left;
        check_round_trip(&record);
        records.push(record);
    }
    let Ok(mut saga) = Saga::replay(&records[..records.len().min(1)]) else {
        return;
    };
    for record in records.iter().skip(1) {
        let before = saga.clone();
        match saga.apply(record) {
            Ok(()) => drop(saga.report(UnixMillis(START))),
            // A record that does not fit leaves the batch as it was, or the batch is not used any further.
            Err(_) => saga = before,
        }
    }
}

fn check_round_trip(record: &Record) {
    let encoded = postcard::to_stdvec(record).expect("a record that was read can be written");
    let again: Record = postcard::from_bytes(&encoded).expect("what was written can be read");
    assert_eq!(again, *record, "a record keeps its content");
}
