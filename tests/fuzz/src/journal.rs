//! What a journal keeps on its device: any bytes are read or refused by the journal's own decoders, without a panic and
//! without keeping more than there was to read, and what changed behind a checksum is refused.

use std::path::Path;

use equipoise_core::Record;
use equipoise_runtime::journal::fuzzing::{Decoder, read, sealed, written};
use tempfile::TempDir;

use crate::saga_events;
use crate::source::Source;

/// Bytes that one item may take beside those it was read from: the key of a batch's records, written out for each.
const BESIDE_EACH: usize = 16;

thread_local! {
    /// Where the files of this thread are; in memory where there is such a place.
    static FOLDER: TempDir =
        TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).expect("there is room for a folder");
}

/// One of the journal's decoders with bytes that it may find on a device: sound ones, sound ones spoiled before or after
/// they were sealed, or any at all. True if it took anything from them.
pub fn journal(bytes: &[u8]) -> bool {
    FOLDER.with(|folder| decode(bytes, folder.path()))
}

/// Names of the decoders, in the order in which the second byte of an input chooses among them.
pub fn journal_decoders() -> impl Iterator<Item = String> {
    Decoder::ALL.iter().map(|decoder| format!("{decoder:?}"))
}

fn decode(bytes: &[u8], folder: &Path) -> bool {
    let source = &mut Source::new(bytes);
    let decoder = source.pick(&Decoder::ALL);
    if source.odds(40) {
        return taken(decoder, source.rest(), folder);
    }
    let content = if source.odds(40) {
        source.take(200).to_vec()
    } else {
        let changes = source.below(4);
        let records = records(source);
        let mut content = written(decoder, &records);
        spoil(&mut content, changes, source);
        content
    };
    let sound = sealed(decoder, &content);
    let mut found = sound.clone();
    let changes = source.below(3);
    spoil(&mut found, changes, source);
    let took = taken(decoder, &found, folder);
    let unnoticed = took && found != sound && decoder.is_sealed_whole();
    assert!(!unnoticed, "{decoder:?} took what changed behind its checksum");
    took
}

/// A few records of one batch, the admission first; the bytes that chose them choose again what is spoiled.
fn records(source: &mut Source<'_>) -> Vec<Record> {
    let rest = source.rest();
    let mut records = saga_events::records(&mut Source::new(rest));
    records.truncate(12);
    *source = Source::new(rest);
    records
}

fn taken(decoder: Decoder, bytes: &[u8], folder: &Path) -> bool {
    let Ok(taken) = read(decoder, bytes, folder) else {
        return false;
    };
    let most = bytes.len() + taken.items * BESIDE_EACH;
    assert!(
        taken.items <= bytes.len() && taken.bytes <= most,
        "{decoder:?} made {taken:?} of {} bytes",
        bytes.len()
    );
    taken.items > 0
}

/// So many changes: a byte, a bit, a byte more or less, a length, the end.
fn spoil(bytes: &mut Vec<u8>, changes: usize, source: &mut Source<'_>) {
    for _ in 0..changes {
        if bytes.is_empty() {
            return;
        }
        let at = source.below(bytes.len());
        match source.byte() % 6 {
            0 => bytes[at] = source.byte(),
            1 => bytes[at] ^= 1 << (source.byte() % 8),
            2 => bytes.insert(at, source.byte()),
            3 => drop(bytes.remove(at)),
            4 => {
                let end = bytes.len().min(at + 4);
                bytes[at..end].fill(0xff);
            }
            _ => bytes.truncate(at),
        }
    }
}
