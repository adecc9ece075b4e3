//! Arbitrary bytes for everything that reads a journal's bytes; only with the feature `fuzzing`, for its fuzz target.
//!
//! What stands behind a checksum is never reached by bytes that are made up, so content is sealed here the way the
//! journal seals it ([`sealed`]) and then read the way the journal reads it ([`read`]).

use std::fs;
use std::path::Path;

use equipoise_core::Record;
use equipoise_port::JournalError;
use sha2::{Digest, Sha256};

use super::codec::{self, BUNDLE};
use super::frame;
use super::index::{ENTRY_LEN as PAGE_ENTRY_LEN, key_body, number_body, read_page};
use super::log::Log;
use super::reading::Assembly;
use super::segment::{Segment, add_entry, split_entry};
use super::store::WriteBatch;
use super::{anchor, bundle, checkpoint, layout, segment};

/// What reads bytes of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoder {
    /// A sealed value, and the entries that hold a number or a key.
    Value,
    /// Several records in one body.
    Several,
    /// The body of one record, behind its kind.
    Record,
    /// Several values in one.
    Bundle,
    /// Everything of one batch, value by value.
    Batch,
    /// What the store knows of a segment.
    Entry,
    /// What finds the batches of a segment.
    Page,
    /// The frames of a log.
    Log,
    /// A segment of the archive.
    Segment,
    /// A checkpoint.
    Checkpoint,
    /// An anchor.
    Anchor,
}

/// What was taken from some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// Values, records or entries.
    pub items: usize,
    /// Bytes of their keys and contents; records as they would be written again.
    pub bytes: usize,
}

impl Decoder {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Value,
        Self::Several,
        Self::Record,
        Self::Bundle,
        Self::Batch,
        Self::Entry,
        Self::Page,
        Self::Log,
        Self::Segment,
        Self::Checkpoint,
        Self::Anchor,
    ];

    /// Whether a change of any byte of what [`sealed`] returns must be noticed.
    #[must_use]
    pub const fn is_sealed_whole(self) -> bool {
        matches!(self, Self::Value | Self::Bundle | Self::Entry | Self::Page | Self::Checkpoint)
    }
}

impl Taken {
    fn add(&mut self, bytes: usize) {
        self.items += 1;
        self.bytes += bytes;
    }
}

/// Batch whose records are written.
const BATCH: u64 = 1;
/// Bytes before the mark, the version and the writes of a frame: checksum, length, and three numbers.
const FRAME_LEN: usize = 32;
const SECTOR: usize = 512;
/// Distance of an anchor's slots.
const SLOT_LEN: usize = 4096;

/// Content as the journal would write it of these records.
#[must_use]
pub fn written(decoder: Decoder, records: &[Record]) -> Vec<u8> {
    let mut out = Vec::new();
    let body = |record: &Record| {
        let mut body = Vec::new();
        let _ = codec::write_body(&mut body, record);
        body
    };
    let value = |record: &Record, sequence: u32| {
        let (key, kind) = (layout::record_key(BATCH, sequence), codec::kind_of(record));
        let mut value = Vec::new();
        codec::seal(&mut value, &key, kind, false, u64::from(sequence) + 1, &body(record));
        (key, value)
    };
    match decoder {
        Decoder::Value | Decoder::Record => {
            if let Some(record) = records.first() {
                out.push(codec::kind_of(record));
                out.extend(body(record));
            }
        }
        Decoder::Several => {
            for record in records {
                let start = codec::begin_several(&mut out, codec::kind_of(record));
                out.extend(body(record));
                codec::end_several(&mut out, start);
            }
        }
        Decoder::Bundle => {
            for (record, sequence) in records.iter().zip(0..) {
                let (key, value) = value(record, sequence);
                out.push((key.len() - layout::RECORDS_LEN) as u8);
                out.extend((value.len() as u32).to_be_bytes());
                out.extend(&key[layout::RECORDS_LEN..]);
                out.extend(value);
            }
        }
        Decoder::Batch | Decoder::Segment | Decoder::Checkpoint => {
            for (record, sequence) in records.iter().zip(0..) {
                let (key, value) = value(record, sequence);
                add_entry(&mut out, &key, &value);
            }
        }
        Decoder::Log => {
            out.extend([0; 24]);
            out[15] = 1;
            out.extend(frame::MARK);
            out.push(frame::VERSION);
            for (record, sequence) in records.iter().zip(0..) {
                let (key, value) = value(record, sequence);
                out.push(1);
                out.extend((key.len() as u16).to_be_bytes());
                out.extend((value.len() as u32).to_be_bytes());
                out.extend(key);
                out.extend(value);
            }
        }
        Decoder::Entry => {
            let mut segment = described(&out);
            segment.batches.insert(BATCH);
            for (record, number) in records.iter().zip(1..) {
                // Runs with gaps where something gated.
                segment.numbers.insert(2 * number - u64::from(record.gates()));
            }
            out = postcard::to_stdvec(&segment).unwrap_or_default();
        }
        Decoder::Page => {
            for sequence in (0_u8..).take(records.len()) {
                out.extend([0, 0, 0, 0, 0, 0, 0, sequence]);
                out.extend([sequence; PAGE_ENTRY_LEN - 8]);
            }
        }
        Decoder::Anchor => out.extend([7; 16]),
    }
    out
}

/// What stands on the device if this is the content: with the lengths, checksums and marks that belong around it.
#[must_use]
pub fn sealed(decoder: Decoder, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match decoder {
        Decoder::Several | Decoder::Record | Decoder::Batch => out.extend(content),
        Decoder::Value => {
            let (kind, body) = content.split_first().unwrap_or((&0, &[]));
            codec::seal(&mut out, &layout::record_key(BATCH, 0), *kind, false, 1, body);
        }
        Decoder::Bundle => {
            codec::seal(&mut out, &layout::record_key(BATCH, 0), BUNDLE, false, 0, content);
        }
        Decoder::Page => {
            let key = layout::page_key(1, 0);
            codec::seal(&mut out, &key, layout::PAGE, false, 1, content);
        }
        Decoder::Entry => {
            let key = layout::numbered(layout::ARCHIVE, 1);
            codec::seal(&mut out, &key, layout::ARCHIVE, false, 1, content);
        }
        Decoder::Log => {
            let (span, writes) = content.split_at(content.len().min(24));
            out.extend([0; 4]);
            out.extend((writes.len() as u32).to_be_bytes());
            out.extend(span);
            out.resize(FRAME_LEN, 0);
            out.extend(writes);
            let crc = crc32fast::hash(&out[4..]).to_be_bytes();
            out[..4].copy_from_slice(&crc);
            out.resize(out.len().next_multiple_of(SECTOR), 0);
        }
        Decoder::Segment => {
            out.extend(b"eqpsegm1");
            out.extend(content);
        }
        Decoder::Checkpoint => {
            out.extend(b"eqpchck1");
            out.push(0);
            out.extend(content);
            let sum = Sha256::digest(&out);
            out.extend(sum);
        }
        Decoder::Anchor => {
            codec::seal(&mut out, b"A0", b'A', false, 1, content);
            out.resize(SLOT_LEN, 0);
            codec::seal(&mut out, b"A1", b'A', false, 2, content);
        }
    }
    out
}

/// Reads bytes as the journal would read them there. Files go into `folder`, in place of those of the call before.
///
/// # Errors
/// What the journal would say; also where the folder cannot be written.
pub fn read(decoder: Decoder, bytes: &[u8], folder: &Path) -> Result<Taken, JournalError> {
    let key = layout::record_key(BATCH, 0);
    let mut taken = Taken::default();
    match decoder {
        Decoder::Value => {
            let read = (number_body(&key, bytes).is_ok(), key_body(&key, bytes).is_ok());
            let body = codec::unseal(&key, bytes)?.body;
            // A body is as long as a number, as long as a key, or neither.
            debug_assert!(read != (true, true), "one body is read as two things");
            taken.add(body.len());
        }
        Decoder::Several => {
            for (kind, body) in codec::read_several(&key, bytes)? {
                let record = codec::read_body(&key, kind, body);
                taken.add(record.as_ref().map_or(Ok(body.len()), written_len)?);
            }
        }
        Decoder::Record => {
            let (kind, body) = bytes.split_first().unwrap_or((&0, &[]));
            taken.add(written_len(&codec::read_body(&key, *kind, body)?)?);
        }
        // A value that does not say it is a bundle is handed on as it is; whoever is handed one looks at its seal.
        Decoder::Bundle => bundle::each(&key, bytes, &mut |key, value| {
            taken.add(key.len() + value.len());
            codec::unseal(key, value).map(drop)
        })?,
        Decoder::Batch => {
            let (mut assembly, mut rest) = (Assembly::default(), bytes);
            while let Some((key, value, after)) = split_entry(rest) {
                assembly.take(key, value)?;
                rest = after;
            }
            for record in assembly.finish(BATCH)? {
                taken.add(written_len(&record)?);
            }
        }
        Decoder::Page => {
            let page = read_page(&layout::page_key(1, 0), bytes)?;
            page.iter().for_each(|_| taken.add(PAGE_ENTRY_LEN));
        }
        Decoder::Entry => {
            let value = codec::unseal(&layout::numbered(layout::ARCHIVE, 1), bytes)?;
            let segment: Segment =
                postcard::from_bytes(value.body).map_err(|_| codec::damaged("no segment"))?;
            taken.items = segment.batches.len() + segment.numbers.len();
            taken.bytes = postcard::to_stdvec(&segment).map_err(failed)?.len();
        }
        Decoder::Log => read_log(bytes, folder, &mut taken)?,
        Decoder::Segment => {
            fs::write(segment::path(folder, 1), bytes).map_err(failed)?;
            let content = described(bytes).read(folder, 1)?;
            content.visit(BATCH, &mut |_, _| Ok(()))?;
            content.visit_all(&mut |key, value| {
                taken.add(key.len() + value.len());
                Ok(())
            })?;
        }
        Decoder::Checkpoint => {
            let path = folder.join("checkpoint");
            fs::write(&path, bytes).map_err(failed)?;
            let read = checkpoint::read(&path).map_err(super::store::StoreError::while_opening)?;
            for (key, value) in &read.entries {
                taken.add(key.len() + value.as_ref().map_or(0, Vec::len));
            }
            // Its head is read when the store is made again of it.
            let _ = read.head();
        }
        Decoder::Anchor => {
            let path = folder.join("anchor");
            fs::write(&path, bytes).map_err(failed)?;
            if let anchor::Reading::Head(_) = anchor::read(&path)? {
                taken.items = 1;
            }
        }
    }
    Ok(taken)
}

/// Both files are there, the second one with an older turn of the same.
fn read_log(bytes: &[u8], folder: &Path, taken: &mut Taken) -> Result<(), JournalError> {
    let [first, second] = super::log::paths(folder);
    fs::write(first, bytes).and_then(|()| fs::write(second, [0; SECTOR])).map_err(failed)?;
    let frames = Log::open(folder)?.frames()?;
    let _ = frames.stored();
    for frame in frames.beyond(0)? {
        let mut batch = WriteBatch::default();
        frame.add_to(&mut batch)?;
        taken.items += batch.writes();
        taken.bytes += batch.len();
    }
    Ok(())
}

fn written_len(record: &Record) -> Result<usize, JournalError> {
    let mut body = Vec::new();
    codec::write_body(&mut body, record)?;
    let again = codec::read_body(b"again", codec::kind_of(record), &body)?;
    debug_assert!(again == *record, "a record keeps its content");
    Ok(body.len())
}

/// What a store would know of a segment with these bytes, but for what is in it.
fn described(bytes: &[u8]) -> Segment {
    Segment {
        len: bytes.len() as u64,
        sha256: Sha256::digest(bytes).into(),
        batches: super::runs::Runs::default(),
        numbers: super::runs::Runs::default(),
        hash: super::head::RunningHash::default(),
    }
}

fn failed(error: impl std::fmt::Display) -> JournalError {
    JournalError::Failed(error.to_string())
}
