//! Which keys the journal uses. Numbers are big-endian, so that byte order is numeric order.
//!
//! | key | value |
//! |---|---|
//! | `A` segment number | what a segment of the archive holds, and its checksum |
//! | `E` batch number, sequence u32 \[, part u8\] | the records of one append from that sequence on, or a part of a long one; in the store perhaps a bundle of several of these |
//! | `H` | head: highest journal number and running hash |
//! | `I` segment number, part u8 | page: what the entries `K` and `S` of its batches say |
//! | `K` batch key | batch number, until the batch moves to the archive |
//! | `O` epoch | build that took this epoch (P11) |
//! | `S` hash of strategy and occasion, batch number | batch key (D3), until the batch moves to the archive |
//! | `U` batch number | batch key of an open batch |
//!
//! Batches are numbered in order of admission: ordered keys cost a third less disk than hashes, and listing needs no sort key.

use equipoise_core::{BatchKey, Occasion, StrategyName};
use sha2::{Digest, Sha256};

/// Key of the head.
pub(super) const HEAD: &[u8] = b"H";
/// First byte of archive keys.
pub(super) const ARCHIVE: u8 = b'A';
/// First byte of record keys.
pub(super) const RECORD: u8 = b'E';
/// First byte of page keys.
pub(super) const PAGE: u8 = b'I';
/// First byte of batch index keys.
pub(super) const BATCH: u8 = b'K';
/// First byte of epoch keys.
pub(super) const OWNER: u8 = b'O';
/// First byte of occasion index keys.
pub(super) const OCCASION: u8 = b'S';
/// First byte of open markers.
pub(super) const OPEN: u8 = b'U';

/// Bytes that the keys of all records of a batch have in common.
pub(super) const RECORDS_LEN: usize = 9;

/// Bytes of a hash of strategy and occasion.
pub(super) const OCCASION_LEN: usize = 16;

/// Bytes that the keys of all batches of one strategy and occasion have in common.
pub(super) const OCCASION_PREFIX_LEN: usize = 1 + OCCASION_LEN;

/// Where a record, or a part of it, belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Batch number.
    pub(super) batch: u64,
    /// Index of the record in its batch.
    pub(super) sequence: u32,
    /// 0 for the record itself, 1 and up for its further parts.
    pub(super) part: u8,
}

/// `letter` and a number: epochs, open markers, segments, pages, and the common start of all records of a batch.
pub(super) fn numbered(letter: u8, number: u64) -> [u8; 9] {
    let mut key = [letter; 9];
    key[1..].copy_from_slice(&number.to_be_bytes());
    key
}

/// Key of a record.
pub(super) fn record_key(batch: u64, sequence: u32) -> [u8; 13] {
    let mut key = [RECORD; 13];
    key[1..9].copy_from_slice(&batch.to_be_bytes());
    key[9..].copy_from_slice(&sequence.to_be_bytes());
    key
}

/// Key of a further part of a record; sorts right behind the record and before the next one.
pub(super) fn part_key(batch: u64, sequence: u32, part: u8) -> [u8; 14] {
    let mut key = [part; 14];
    key[..13].copy_from_slice(&record_key(batch, sequence));
    key
}

/// Key of a page of a segment.
pub(super) fn page_key(segment: u64, part: u8) -> [u8; 10] {
    let mut key = [part; 10];
    key[..9].copy_from_slice(&numbered(PAGE, segment));
    key
}

/// The segment a page is of.
pub(super) fn segment_of_page(key: &[u8]) -> Option<u64> {
    let (segment, [_]) = key.strip_prefix(&[PAGE])?.split_first_chunk::<8>()? else { return None };
    Some(u64::from_be_bytes(*segment))
}

/// What the keys of all records of a batch have in common, for the key of one of them.
pub(super) fn records_of(key: &[u8]) -> Option<&[u8]> {
    if key.first() == Some(&RECORD) { key.get(..RECORDS_LEN) } else { None }
}

/// Key that finds a batch's number.
pub(super) fn batch_key(batch: BatchKey) -> [u8; 17] {
    let mut key = [BATCH; 17];
    key[1..].copy_from_slice(&batch.0);
    key
}

/// What all batches of one strategy and occasion have in front.
pub(super) fn occasion_prefix(
    strategy: &StrategyName,
    occasion: &Occasion,
) -> [u8; OCCASION_PREFIX_LEN] {
    let mut hash = Sha256::new();
    for text in [strategy.as_str(), occasion.as_str()] {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    let mut key = [OCCASION; OCCASION_PREFIX_LEN];
    key[1..].copy_from_slice(&hash.finalize()[..OCCASION_LEN]);
    key
}

/// Key of one batch of a strategy and occasion.
pub(super) fn occasion_key(occasion: &[u8; OCCASION_PREFIX_LEN], batch: u64) -> [u8; 25] {
    let mut key = [0; 25];
    key[..OCCASION_PREFIX_LEN].copy_from_slice(occasion);
    key[OCCASION_PREFIX_LEN..].copy_from_slice(&batch.to_be_bytes());
    key
}

/// Whether a key is written once and at most deleted then: no later value ever stands at it again.
pub(super) fn is_written_once(key: &[u8]) -> bool {
    matches!(key.first(), Some(&(RECORD | OPEN | BATCH | OCCASION)))
}

/// The place a record key names.
pub(super) fn place_of(key: &[u8]) -> Option<Place> {
    let rest = key.strip_prefix(&[RECORD])?;
    let (batch, rest) = rest.split_first_chunk::<8>()?;
    let (sequence, rest) = rest.split_first_chunk::<4>()?;
    let part = match rest {
        [] => 0,
        [part] if *part > 0 => *part,
        _ => return None,
    };
    Some(Place { batch: u64::from_be_bytes(*batch), sequence: u32::from_be_bytes(*sequence), part })
}

/// The number at the end of an epoch, open, segment or occasion key.
pub(super) fn number_of(key: &[u8]) -> Option<u64> {
    let expected_len = match key.first()? {
        &OWNER | &OPEN | &ARCHIVE => 9,
        &OCCASION => 25,
        _ => return None,
    };
    let number = key.last_chunk::<8>()?;
    (key.len() == expected_len).then(|| u64::from_be_bytes(*number))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_their_numbers_do() {
        let keys = [
            record_key(1, 0).to_vec(),
            part_key(1, 0, 1).to_vec(),
            part_key(1, 0, 255).to_vec(),
            record_key(1, 1).to_vec(),
            record_key(1, 256).to_vec(),
            record_key(2, 0).to_vec(),
            record_key(256, 0).to_vec(),
        ];
        assert!(keys.is_sorted());
        assert!(keys.iter().all(|key| place_of(key).is_some()));
    }

    #[test]
    fn strategy_and_occasion_cannot_be_split_differently() {
        let key = |strategy: &str, occasion: &str| {
            occasion_prefix(
                &StrategyName::new(strategy).unwrap(),
                &Occasion::new(occasion).unwrap(),
            )
        };
        assert_ne!(key("ab", "c"), key("a", "bc"));
        assert_eq!(key("ab", "c"), key("ab", "c"));
    }

    #[test]
    fn keys_of_another_length_name_nothing() {
        assert_eq!(place_of(&part_key(1, 2, 0)), None);
        assert_eq!(place_of(b"E"), None);
        assert_eq!(number_of(b"U1234567"), None);
        assert_eq!(number_of(&numbered(OPEN, 9)), Some(9));
    }
}
