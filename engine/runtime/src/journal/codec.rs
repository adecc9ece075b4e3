//! How one value of the journal is laid out, checked and read back.
//!
//! Every stored value is sealed: version u8, kind u8, journal number u64 big-endian, CRC-32 u32 big-endian, body.
//! The checksum covers the key, the header and the body, so a value that moved to another key is noticed too.
//! These fourteen bytes keep their meaning in every version; only what a body holds may change with the version.

use equipoise_core::Record;
use equipoise_port::JournalError;

/// Newest version this build writes and reads (P11).
pub(super) const VERSION: u8 = 1;

/// Longest body of one stored value; a longer record is kept in several parts, because sled moves values from
/// 64 KiB on out of its log.
pub(super) const PART_LEN_MAX: usize = 32 * 1024;

/// Longest record the journal takes. The largest possible plan, 64 legs with every name at its limit, needs a tenth of it.
pub(super) const RECORD_LEN_MAX: usize = 1024 * 1024;

const HEADER_LEN: usize = 14;

/// Kind bit of a part that another part follows.
const MORE: u8 = 0x80;

/// Kind of a value that holds several records, those of one append: a store pays for every key.
///
/// Its body is for each record: kind u8, length u32 big-endian, body.
pub(super) const SEVERAL: u8 = 64;

/// Kind of a value that holds other values, see `bundle`.
pub(super) const BUNDLE: u8 = 65;

/// Bytes in front of each body of several records.
pub(super) const SEVERAL_HEADER_LEN: usize = 5;

/// Kind of the record that begins a batch.
pub(super) const ADMITTED: u8 = 1;

/// Kind of the record that takes a batch off the open list.
pub(super) const ENDED: u8 = 18;

/// A value whose checksum holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unsealed<'a> {
    /// Kind of record, or the first byte of the key for everything else.
    pub(super) kind: u8,
    /// Whether the body goes on in the next part.
    pub(super) more: bool,
    /// Journal number.
    pub(super) number: u64,
    /// The content.
    pub(super) body: &'a [u8],
}

/// The damage, and what a person can do about it.
pub(super) fn damaged(what: impl std::fmt::Display) -> JournalError {
    JournalError::Damaged(format!(
        "{what}; nothing is traded: restore the folder from a backup, or move it away and settle its open batches \
         with the venues before starting another"
    ))
}

/// Puts header and body together at the end of `out`.
pub(super) fn seal(out: &mut Vec<u8>, key: &[u8], kind: u8, more: bool, number: u64, body: &[u8]) {
    let number = number.to_be_bytes();
    let kind = if more { kind | MORE } else { kind };
    let crc = checksum(key, &[VERSION, kind], &number, body);
    out.reserve(HEADER_LEN + body.len());
    out.extend_from_slice(&[VERSION, kind]);
    out.extend_from_slice(&number);
    out.extend_from_slice(&crc.to_be_bytes());
    out.extend_from_slice(body);
}

/// Checks a stored value and takes it apart.
pub(super) fn unseal<'a>(key: &[u8], value: &'a [u8]) -> Result<Unsealed<'a>, JournalError> {
    let cut_short = || damaged(format_args!("value {} is cut short", shown(key)));
    let (header, body) = value.split_first_chunk::<HEADER_LEN>().ok_or_else(cut_short)?;
    let [version, kind, rest @ ..] = header;
    let (number, crc) = rest.split_first_chunk::<8>().ok_or_else(cut_short)?;
    if checksum(key, &[*version, *kind], number, body).to_be_bytes() != *crc {
        return Err(damaged(format_args!("value {} does not match its checksum", shown(key))));
    }
    match *version {
        1..=VERSION => Ok(Unsealed {
            kind: kind & !MORE,
            more: kind & MORE != 0,
            number: u64::from_be_bytes(*number),
            body,
        }),
        0 => Err(damaged(format_args!("value {} has no version", shown(key)))),
        found => Err(JournalError::TooNew { found, known: VERSION }),
    }
}

/// Whether a stored value says it is of a kind. Nothing is checked.
pub(super) fn is_kind(value: &[u8], kind: u8) -> bool {
    value.get(1).is_some_and(|found| *found == kind)
}

fn checksum(key: &[u8], head: &[u8], number: &[u8], body: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    for bytes in [key, head, number, body] {
        crc.update(bytes);
    }
    crc.finalize()
}

/// A key for messages: its letter and the rest in hex.
pub(super) fn shown(key: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    if let [letter, rest @ ..] = key {
        text.extend(char::from(*letter).escape_default());
        for byte in rest {
            let _ = write!(text, "{byte:02x}");
        }
    }
    text
}

/// Appends the body of a record to `out`.
pub(super) fn write_body(out: &mut Vec<u8>, record: &Record) -> Result<(), JournalError> {
    let bytes = postcard::to_extend(record, std::mem::take(out))
        .map_err(|error| JournalError::Failed(format!("record cannot be encoded: {error}")))?;
    *out = bytes;
    Ok(())
}

/// Begins one of several records in a body; its own body is appended next. Returns where its header ends.
pub(super) fn begin_several(out: &mut Vec<u8>, kind: u8) -> usize {
    out.push(kind);
    out.extend_from_slice(&[0; SEVERAL_HEADER_LEN - 1]);
    out.len()
}

/// Ends the record that begins at `start`: its length is known now.
pub(super) fn end_several(out: &mut [u8], start: usize) {
    // Records of one append have a megabyte each at most.
    let len = (out.len() - start) as u32;
    out[start - 4..start].copy_from_slice(&len.to_be_bytes());
}

/// Takes the body of several records apart: kind and body of each.
pub(super) fn read_several<'a>(
    key: &[u8],
    body: &'a [u8],
) -> Result<Vec<(u8, &'a [u8])>, JournalError> {
    let unreadable = || damaged(format_args!("records {} are unreadable", shown(key)));
    let (mut records, mut rest) = (Vec::new(), body);
    while let Some((&[kind, l3, l2, l1, l0], after)) =
        rest.split_first_chunk::<SEVERAL_HEADER_LEN>()
    {
        let len = usize::try_from(u32::from_be_bytes([l3, l2, l1, l0]));
        let split = after.split_at_checked(len.map_err(|_| unreadable())?);
        let (body, after) = split.ok_or_else(unreadable)?;
        records.push((kind, body));
        rest = after;
    }
    if rest.is_empty() && !records.is_empty() { Ok(records) } else { Err(unreadable()) }
}

/// Reads a whole body; every byte must belong to it.
pub(super) fn read_body(key: &[u8], kind: u8, body: &[u8]) -> Result<Record, JournalError> {
    let unreadable = || damaged(format_args!("record {} is unreadable", shown(key)));
    let (record, rest) = postcard::take_from_bytes::<Record>(body).map_err(|_| unreadable())?;
    if !rest.is_empty() || kind_of(&record) != kind {
        return Err(unreadable());
    }
    Ok(record)
}

/// The kind byte of a record. A number once given is never given to another kind.
pub(super) const fn kind_of(record: &Record) -> u8 {
    match record {
        Record::Admitted(_) => ADMITTED,
        Record::Intent { .. } => 2,
        Record::Transmission { .. } => 3,
        Record::Sent { .. } => 4,
        Record::Unsent { .. } => 5,
        Record::Doubted { .. } => 6,
        Record::Refused { .. } => 7,
        Record::Observed { .. } => 8,
        Record::Filled { .. } => 9,
        Record::Audited { .. } => 10,
        Record::NotFound { .. } => 11,
        Record::Absent { .. } => 12,
        Record::Unresolved { .. } => 13,
        Record::Stopped { .. } => 14,
        Record::UnwindStarted { .. } => 15,
        Record::Contradicted { .. } => 16,
        Record::Alarmed { .. } => 17,
        Record::Ended { .. } => ENDED,
        Record::Busted { .. } => 19,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::layout;
    use super::super::samples::one_of_each;
    use super::*;

    const GOLDEN_SEVERAL: &str = include_str!("golden_several_version_1.txt");
    const GOLDEN_1: &str = include_str!("golden_version_1.txt");

    fn sealed(number: u64, record: &Record) -> (Vec<u8>, Vec<u8>) {
        let key = layout::record_key(7, u32::try_from(number).unwrap());
        let (mut body, mut value) = (Vec::new(), Vec::new());
        write_body(&mut body, record).unwrap();
        seal(&mut value, &key, kind_of(record), false, number, &body);
        (key.to_vec(), value)
    }

    #[test]
    fn every_kind_of_record_keeps_the_bytes_of_version_1() {
        let written = one_of_each()
            .iter()
            .zip(1..)
            .map(|(record, number)| {
                let (key, value) = sealed(number, record);
                format!("{} {}\n", hex::encode(key), hex::encode(value))
            })
            .collect::<String>();
        assert!(written == GOLDEN_1, "written now:\n{written}");
    }

    #[test]
    fn the_bytes_of_version_1_read_as_the_records_they_were() {
        let read = GOLDEN_1
            .lines()
            .map(|line| {
                let (key, value) = line.split_once(' ').unwrap();
                let (key, value) = (hex::decode(key).unwrap(), hex::decode(value).unwrap());
                let value = unseal(&key, &value).unwrap();
                read_body(&key, value.kind, value.body).unwrap()
            })
            .collect::<Vec<_>>();
        assert_eq!(read, one_of_each());
    }

    /// A value of several records is golden too: key, then value.
    #[test]
    fn several_records_in_one_value_keep_their_bytes() {
        let records = &one_of_each()[8..12];
        let key = layout::record_key(7, 8);
        let (mut several, mut value) = (Vec::new(), Vec::new());
        for record in records {
            let start = begin_several(&mut several, kind_of(record));
            write_body(&mut several, record).unwrap();
            end_several(&mut several, start);
        }
        seal(&mut value, &key, SEVERAL, false, 9, &several);
        let written = format!("{} {}\n", hex::encode(key), hex::encode(&value));
        assert!(written == GOLDEN_SEVERAL, "written now:\n{written}");
        let value = unseal(&key, &value).unwrap();
        assert_eq!((value.kind, value.more, value.number), (SEVERAL, false, 9));
        let read = read_several(&key, value.body).unwrap().into_iter();
        let read = read.map(|(kind, body)| read_body(&key, kind, body).unwrap());
        assert_eq!(read.collect::<Vec<_>>(), records);
        assert!(read_several(&key, &value.body[1..]).is_err());
        assert!(read_several(&key, &[]).is_err());
    }

    #[test]
    fn the_samples_hold_every_kind() {
        let mut kinds = one_of_each().iter().map(kind_of).collect::<Vec<_>>();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds, (ADMITTED..=19).collect::<Vec<_>>());
    }

    #[test]
    fn any_changed_byte_of_key_or_value_is_noticed() {
        let (key, value) = sealed(4, &one_of_each()[3]);
        for index in 0..value.len() {
            let mut changed = value.clone();
            changed[index] ^= 0x10;
            let error = unseal(&key, &changed).unwrap_err();
            assert!(matches!(error, JournalError::Damaged(_)), "{index}: {error}");
        }
        let mut moved = key.clone();
        *moved.last_mut().unwrap() ^= 1;
        assert!(matches!(unseal(&moved, &value), Err(JournalError::Damaged(_))));
        assert!(matches!(unseal(&key, &value[..9]), Err(JournalError::Damaged(_))));
    }

    #[test]
    fn a_newer_version_is_refused_by_name_and_not_as_damage() {
        let (key, mut value) = sealed(4, &one_of_each()[3]);
        value[0] = VERSION + 1;
        let number: [u8; 8] = value[2..10].try_into().unwrap();
        let crc = checksum(&key, &value[..2], &number, &value[HEADER_LEN..]);
        value[10..14].copy_from_slice(&crc.to_be_bytes());
        assert_eq!(unseal(&key, &value), Err(JournalError::TooNew { found: 2, known: 1 }));
    }

    #[test]
    fn a_body_with_bytes_left_over_is_unreadable() {
        let record = &one_of_each()[3];
        let mut body = Vec::new();
        write_body(&mut body, record).unwrap();
        assert_eq!(read_body(b"E", kind_of(record), &body).as_ref(), Ok(record));
        body.push(0);
        assert!(read_body(b"E", kind_of(record), &body).is_err());
    }
}
