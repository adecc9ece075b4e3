//! Records, not as the journal frames them (that is `journal`) but as they follow on each other: any bytes decode to a
//! record that encodes again, or to an error; and any sequence of records replays to a batch or to an error.

use equipoise_core::{IllegalRecord, Record, Saga, UnixMillis};

use crate::saga_events;
use crate::source::Source;
use crate::specs::{self, START};

/// Records of a sound batch, some of them spoiled in their bytes, left out, repeated or out of place; now and then
/// any bytes at all. True if a batch took any of them.
pub fn record(bytes: &[u8]) -> bool {
    let source = &mut Source::new(bytes);
    if source.odds(64) {
        let mut rest = source.rest();
        while let Some((_, left)) = decode(rest) {
            rest = left;
        }
        return false;
    }
    let mut written = saga_events::records(source);
    // The events used the bytes up; the same ones decide again what is spoiled.
    let source = &mut Source::new(bytes);
    let mut taken = false;
    let mut records = Vec::new();
    while !written.is_empty() {
        // A journal begins with the admission, or with something else.
        let place = if source.odds(40) { source.below(written.len()) } else { 0 };
        let record = written.remove(place);
        match source.byte() {
            0..190 => records.push(record),
            190..200 => {}
            200..210 => records.extend([record.clone(), record]),
            _ => records.extend(spoil(&record, source)),
        }
    }
    let Ok(mut saga) = Saga::replay(&records[..records.len().min(1)]) else {
        return false;
    };
    for record in records.iter().skip(1) {
        let before = saga.clone();
        match saga.apply(record) {
            Ok(()) => {
                taken = true;
                drop(saga.report(UnixMillis(START)));
            }
            // The journal is not what was written; the batch is not used any further.
            Err(_) => saga = before,
        }
    }
    taken
}

/// An admission whose listing names a leg that is not there, replayed.
///
/// # Errors
/// Always: such an admission was never written.
pub fn listing_beyond_legs() -> Result<Saga, IllegalRecord> {
    let mut spec = specs::spec(&mut Source::new(&[]));
    spec.listing = vec![9];
    Saga::replay(&[Record::Admitted(Box::new(spec))])
}

/// The record after a change of its bytes, if they still are one.
fn spoil(record: &Record, source: &mut Source<'_>) -> Option<Record> {
    let mut bytes = postcard::to_stdvec(record).expect("a record can be written");
    for _ in 0..=source.below(3) {
        let at = source.below(bytes.len());
        match source.byte() % 4 {
            0 => bytes[at] = source.byte(),
            1 => bytes[at] ^= 1 << (source.byte() % 8),
            2 => bytes.insert(at, source.byte()),
            _ if bytes.len() > 1 => drop(bytes.remove(at)),
            _ => {}
        }
    }
    decode(&bytes).map(|(record, _)| record)
}

/// One record and the bytes after it.
fn decode(bytes: &[u8]) -> Option<(Record, &[u8])> {
    let (record, rest) = postcard::take_from_bytes::<Record>(bytes).ok()?;
    assert!(rest.len() < bytes.len(), "a record takes at least a byte");
    let encoded = postcard::to_stdvec(&record).expect("a record that was read can be written");
    let again: Record = postcard::from_bytes(&encoded).expect("what was written can be read");
    assert_eq!(again, record, "a record keeps its content");
    Some((record, rest))
}
