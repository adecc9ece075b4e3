//! A frame of the log: one group, and the head before and after it.
//!
//! It begins at a multiple of a sector, so writing one never touches a sector that holds another:
//!
//! | bytes | content |
//! |---|---|
//! | 0..4 | CRC-32 of everything behind it |
//! | 4..8 | bytes from 32 on, u32 |
//! | 8..16 | head before this group, u64 |
//! | 16..24 | head after it, u64 |
//! | 24..32 | head the store was known to hold durably, u64 |
//! | 32..40 | mark: eight bytes 0xFF |
//! | 40 | version, u8 |
//! | 41.. | writes: kind u8, key length u16, value length u32, key, value |
//!
//! All of it but the writes keeps its place and meaning in every version, so that a build can tell an intact frame of a
//! later one from a torn frame.
//!
//! Behind what cannot be read a frame is looked for at every sector, also inside the values of an older, longer frame
//! that was written over in part. Those hold texts of venues and of callers, so a frame must not look like a text.

use equipoise_port::JournalError;

use super::codec::damaged;
use super::store::{StoreError, Write, WriteBatch};

/// Unit in which frames are placed: what a device writes whole or not at all.
pub(super) const SECTOR: usize = 512;

/// Newest version this build writes and reads (P11).
pub(super) const VERSION: u8 = 4;
/// Oldest version it reads. Frames before this one have no mark.
const OLDEST: u8 = 4;

/// What no text holds: UTF-8 has no such byte, and no number beside the texts of a value has eight in a row.
pub(super) const MARK: [u8; 8] = [0xff; 8];

/// Bytes that neither length nor version change.
const HEADER_LEN: usize = 32;
const VERSION_LEN: usize = 1;
const WRITE_HEADER_LEN: usize = 7;
const PUT: u8 = 1;
const DELETE: u8 = 2;

/// What a frame says of the journal's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// Before its group.
    pub(super) before: u64,
    /// After it.
    pub(super) after: u64,
    /// What the store held durably when it was written.
    pub(super) stored: u64,
}

/// A frame read back.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) span: Span,
    writes: Vec<u8>,
}

/// Puts a frame into a buffer, in whole sectors.
pub(super) fn encode(out: &mut Vec<u8>, span: Span, batch: &WriteBatch) -> Result<(), StoreError> {
    out.clear();
    out.extend_from_slice(&[0; 8]);
    for number in [span.before, span.after, span.stored] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    out.extend_from_slice(&MARK);
    out.push(VERSION);
    for write in batch.iter() {
        let (kind, key, value) = match write {
            Write::Put(key, value) => (PUT, key, value),
            Write::Delete(key) => (DELETE, key, &[][..]),
        };
        out.push(kind);
        // Keys have 25 bytes at most, values 33 KiB.
        out.extend_from_slice(&(key.len() as u16).to_be_bytes());
        out.extend_from_slice(&(value.len() as u32).to_be_bytes());
        out.extend_from_slice(key);
        out.extend_from_slice(value);
    }
    let len = u32::try_from(out.len() - HEADER_LEN)
        .map_err(|_| StoreError::Io("a group is too long for the journal log".into()))?;
    out[4..8].copy_from_slice(&len.to_be_bytes());
    let crc = crc32fast::hash(&out[4..]).to_be_bytes();
    out[..4].copy_from_slice(&crc);
    out.resize(out.len().next_multiple_of(SECTOR), 0);
    Ok(())
}

/// The frame that bytes begin with, `None` if they begin with none that is intact.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Frame>, JournalError> {
    let Some((span, content)) = intact(bytes) else { return Ok(None) };
    let Some(content) = content.strip_prefix(&MARK) else { return Ok(None) };
    match content.split_first() {
        Some((OLDEST..=VERSION, writes)) => Ok(Some(Frame { span, writes: writes.to_vec() })),
        Some((&found, _)) if found > VERSION => Err(JournalError::TooNew { found, known: VERSION }),
        _ => Err(damaged("a frame of its log has no version")),
    }
}

/// Refuses a file that begins with a frame of the builds before frames had their mark. Only there: what looks like one
/// anywhere else may be a text.
pub(super) fn check_first(bytes: &[u8]) -> Result<(), JournalError> {
    match intact(bytes) {
        Some((_, content)) if !content.starts_with(&MARK) => {
            Err(damaged("a frame of its log has no version"))
        }
        _ => Ok(()),
    }
}

/// What a frame of any version says, if its checksum holds.
fn intact(bytes: &[u8]) -> Option<(Span, &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<HEADER_LEN>()?;
    let number = |at: usize| {
        let mut number = [0; 8];
        number.copy_from_slice(&header[at..at + 8]);
        u64::from_be_bytes(number)
    };
    let [c3, c2, c1, c0, l3, l2, l1, l0, ..] = *header;
    let len = usize::try_from(u32::from_be_bytes([l3, l2, l1, l0])).ok()?;
    let content = rest.get(..len)?;
    let crc = crc32fast::hash(&bytes[4..HEADER_LEN + len]);
    let span = Span { before: number(8), after: number(16), stored: number(24) };
    let holds = crc == u32::from_be_bytes([c3, c2, c1, c0]) && span.before <= span.after;
    holds.then_some((span, content))
}

impl Frame {
    /// Bytes it takes in its file.
    pub(super) fn len(&self) -> usize {
        (HEADER_LEN + MARK.len() + VERSION_LEN + self.writes.len()).next_multiple_of(SECTOR)
    }

    /// Adds its writes to a batch.
    pub(super) fn add_to(&self, batch: &mut WriteBatch) -> Result<(), JournalError> {
        let mut rest = &self.writes[..];
        while !rest.is_empty() {
            let (kind, key, value, after) = split(rest).ok_or_else(unreadable)?;
            match kind {
                PUT => drop(batch.put(key, |out| out.extend_from_slice(value))),
                DELETE => batch.delete(key),
                _ => return Err(unreadable()),
            }
            rest = after;
        }
        Ok(())
    }
}

type SplitWrite<'a> = (u8, &'a [u8], &'a [u8], &'a [u8]);

/// Kind, key and value of the first write, and what is behind it.
fn split(bytes: &[u8]) -> Option<SplitWrite<'_>> {
    let (&[kind, k1, k0, v3, v2, v1, v0], rest) = bytes.split_first_chunk::<WRITE_HEADER_LEN>()?;
    let key_len = usize::from(u16::from_be_bytes([k1, k0]));
    let value_len = usize::try_from(u32::from_be_bytes([v3, v2, v1, v0])).ok()?;
    let (key, rest) = rest.split_at_checked(key_len)?;
    let (value, rest) = rest.split_at_checked(value_len)?;
    Some((kind, key, value, rest))
}

fn unreadable() -> JournalError {
    damaged("a frame of its log is unreadable")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// A group of a put and a delete, as version 4 wrote it; zeros follow to the end of the sector.
    const FRAME: &str = "eed218ee 0000001d 0000000000000007 0000000000000009 0000000000000005 \
                         ffffffffffffffff 04 \
                         01 0002 00000003 4531 616263 02 0001 00000000 55";

    const SPAN: Span = Span { before: 7, after: 9, stored: 5 };

    fn group() -> WriteBatch {
        let mut batch = WriteBatch::default();
        batch.put(b"E1", |out| out.extend_from_slice(b"abc"));
        batch.delete(b"U");
        batch
    }

    fn frame() -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(&mut bytes, SPAN, &group()).unwrap();
        bytes
    }

    const VERSION_AT: usize = HEADER_LEN + MARK.len();

    /// The same with another byte somewhere, sealed again.
    fn resealed(at: usize, byte: u8) -> Vec<u8> {
        let mut bytes = frame();
        bytes[at] = byte;
        sealed(bytes)
    }

    /// The same with so many bytes behind its header only.
    fn empty(len: u8) -> Vec<u8> {
        resealed(7, len)
    }

    fn no_version(error: JournalError) -> Result<(), JournalError> {
        match error {
            JournalError::Damaged(text)
                if text.starts_with("a frame of its log has no version; ") =>
            {
                Ok(())
            }
            other => Err(other),
        }
    }

    fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
        let len = usize::try_from(u32::from_be_bytes(bytes[4..8].try_into().unwrap())).unwrap();
        let crc = crc32fast::hash(&bytes[4..HEADER_LEN + len]);
        bytes[..4].copy_from_slice(&crc.to_be_bytes());
        bytes
    }

    #[test]
    fn a_frame_keeps_the_bytes_of_version_4_and_reads_back() {
        let bytes = frame();
        assert_eq!(bytes.len(), SECTOR);
        let golden = FRAME.replace(' ', "");
        assert_eq!(hex::encode(&bytes), format!("{golden:0<1024}"));
        let read = read(&bytes).unwrap().unwrap();
        assert_eq!((read.span, read.len()), (SPAN, SECTOR));
        let mut writes = WriteBatch::default();
        read.add_to(&mut writes).unwrap();
        assert!(writes.iter().eq(group().iter()));
    }

    #[test]
    fn an_intact_frame_of_a_later_version_is_too_new_and_one_without_a_version_is_damage() {
        let too_new = JournalError::TooNew { found: 5, known: 4 };
        assert_eq!(read(&resealed(VERSION_AT, 5)).unwrap_err(), too_new);
        for bytes in [resealed(VERSION_AT, 0), resealed(VERSION_AT, 3), empty(8)] {
            assert_eq!(no_version(read(&bytes).unwrap_err()), Ok(()));
        }
    }

    #[test]
    fn a_frame_without_its_mark_is_none_and_refused_where_a_file_begins() {
        // What stood in the place of the mark: the version alone, before that the kind of the first write, or nothing in
        // a frame that said that an end was clean.
        let first = [3, PUT, DELETE].map(|byte| resealed(HEADER_LEN, byte));
        let last = resealed(VERSION_AT - 1, 0xfe);
        for bytes in first.into_iter().chain([last, empty(0)]) {
            assert!(read(&bytes).unwrap().is_none());
            assert_eq!(no_version(check_first(&bytes).unwrap_err()), Ok(()));
        }
        for bytes in [frame(), resealed(VERSION_AT, 5), vec![0; SECTOR], b"torn".to_vec()] {
            assert_eq!(check_first(&bytes), Ok(()));
        }
    }

    #[test]
    fn a_torn_frame_is_none_whatever_version_it_says() {
        let whole = resealed(VERSION_AT, 5);
        let len = FRAME.replace(' ', "").len() / 2;
        for at in 0..len {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            assert!(read(&bytes).unwrap().is_none(), "{at}");
        }
        assert!(read(&whole[..len - 1]).unwrap().is_none());
        assert!(read(&[0; SECTOR]).unwrap().is_none());
    }
}
