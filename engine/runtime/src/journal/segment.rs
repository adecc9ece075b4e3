//! A segment of the archive: one closed file with the records of batches that ended.
//!
//! | bytes | content |
//! |---|---|
//! | 0..8 | `eqpsegm1` |
//! | 8.. | key length u16, value length u32, key, value: what the store held, batch by batch |
//!
//! Written under another name, synced, renamed, and the folder synced, before the store gives anything up. The store
//! keeps length and SHA-256 of it, so a file that is not the one that was closed is told.

use std::collections::HashMap;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use equipoise_port::JournalError;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::codec::damaged;
use super::files::{self, sync_folder};
use super::head::RunningHash;
use super::layout;
use super::runs::Runs;
use super::store::{StoreError, Visit};

const MAGIC: &[u8; 8] = b"eqpsegm1";
const VALUE_HEADER_LEN: usize = 6;
const DOING: &str = "journal archive";

/// What the store knows of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Segment {
    /// Length of the file in bytes.
    pub(super) len: u64,
    /// SHA-256 of the file.
    pub(super) sha256: [u8; 32],
    /// Numbers of the batches in it.
    pub(super) batches: Runs,
    /// Journal numbers of the values in it.
    pub(super) numbers: Runs,
    /// Sum over those values.
    pub(super) hash: RunningHash,
}

/// Where a segment is.
pub(super) fn path(archive: &Path, number: u64) -> PathBuf {
    archive.join(format!("segment-{number:016}"))
}

/// The content of a segment in the making.
#[derive(Debug)]
pub(super) struct Draft {
    bytes: Vec<u8>,
}

impl Default for Draft {
    fn default() -> Self {
        Self { bytes: MAGIC.to_vec() }
    }
}

impl Draft {
    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds a value of the store.
    pub(super) fn push(&mut self, key: &[u8], value: &[u8]) {
        add_entry(&mut self.bytes, key, value);
    }

    /// Length and checksum of the file it becomes.
    pub(super) fn sum(&self) -> (u64, [u8; 32]) {
        (self.bytes.len() as u64, Sha256::digest(&self.bytes).into())
    }

    /// Makes the file. When this returns it is durable under its name; a file of that name that no store knows of, as
    /// a kill may leave it, is replaced.
    pub(super) fn close(&self, archive: &Path, number: u64) -> Result<(), StoreError> {
        let failed = |error| StoreError::from_io(DOING, &error);
        if !archive.is_dir() {
            fs::create_dir(archive)
                .and_then(|()| sync_folder(archive.parent().unwrap_or(archive)))
                .map_err(failed)?;
        }
        files::replace(&path(archive, number), DOING, |mut file| {
            file.write_all(&self.bytes).map_err(failed)
        })
    }
}

impl Segment {
    /// Whether its file is there in its length; the content is checked when it is read.
    pub(super) fn check_file(&self, archive: &Path, number: u64) -> Result<(), JournalError> {
        match fs::metadata(path(archive, number)) {
            Ok(file) if file.len() == self.len => Ok(()),
            Ok(file) => Err(damaged(format_args!(
                "segment {number} of its archive has {} bytes instead of {}",
                file.len(),
                self.len
            ))),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(missing(number)),
            Err(error) => Err(StoreError::from_io("archive", &error).while_opening()),
        }
    }

    /// Reads its file.
    pub(super) fn read(&self, archive: &Path, number: u64) -> Result<Content, JournalError> {
        let bytes = fs::read(path(archive, number)).map_err(|error| match error.kind() {
            ErrorKind::NotFound => missing(number),
            _ => StoreError::from_io("archive", &error).while_running(),
        })?;
        if bytes.len() as u64 != self.len || Sha256::digest(&bytes)[..] != self.sha256 {
            return Err(damaged(format_args!(
                "segment {number} of its archive does not match its checksum"
            )));
        }
        let unreadable = || damaged(format_args!("segment {number} of its archive is unreadable"));
        Content::new(bytes).ok_or_else(unreadable)
    }
}

fn missing(number: u64) -> JournalError {
    damaged(format_args!("segment {number} of its archive is missing"))
}

/// A segment whose checksum holds.
#[derive(Debug)]
pub(super) struct Content {
    bytes: Vec<u8>,
    /// Where the values of each batch are.
    batches: HashMap<u64, Range<usize>>,
}

impl Content {
    fn new(bytes: Vec<u8>) -> Option<Self> {
        let mut batches = HashMap::<u64, Range<usize>>::new();
        let mut at = MAGIC.len();
        if bytes.get(..at)? != MAGIC {
            return None;
        }
        while at < bytes.len() {
            let (key, _, after) = split_entry(&bytes[at..])?;
            let batch = layout::place_of(key)?.batch;
            let end = bytes.len() - after.len();
            batches.entry(batch).or_insert(at..at).end = end;
            at = end;
        }
        Some(Self { bytes, batches })
    }

    /// The values of a batch, in order.
    pub(super) fn visit(&self, batch: u64, visit: Visit<'_>) -> Result<(), JournalError> {
        match self.batches.get(&batch) {
            Some(range) => self.visit_range(range.clone(), visit),
            None => Ok(()),
        }
    }

    /// All values, batch by batch.
    pub(super) fn visit_all(&self, visit: Visit<'_>) -> Result<(), JournalError> {
        self.visit_range(MAGIC.len()..self.bytes.len(), visit)
    }

    fn visit_range(&self, range: Range<usize>, visit: Visit<'_>) -> Result<(), JournalError> {
        let mut rest = self.bytes.get(range).unwrap_or_default();
        while let Some((key, value, after)) = split_entry(rest) {
            visit(key, value)?;
            rest = after;
        }
        Ok(())
    }
}

/// Adds a key and its value to a file's bytes.
pub(super) fn add_entry(bytes: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    // Keys have 25 bytes at most, values 33 KiB.
    bytes.extend_from_slice(&(key.len() as u16).to_be_bytes());
    bytes.extend_from_slice(&(value.len() as u32).to_be_bytes());
    bytes.extend_from_slice(key);
    bytes.extend_from_slice(value);
}

/// The first key and value of a file's bytes, and what is behind them.
pub(super) fn split_entry(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (&[k1, k0, v3, v2, v1, v0], rest) = bytes.split_first_chunk::<VALUE_HEADER_LEN>()?;
    let key_len = usize::from(u16::from_be_bytes([k1, k0]));
    let value_len = usize::try_from(u32::from_be_bytes([v3, v2, v1, v0])).ok()?;
    let (key, rest) = rest.split_at_checked(key_len)?;
    let (value, rest) = rest.split_at_checked(value_len)?;
    Some((key, value, rest))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// Two values of one batch and one of another, as version 1 wrote them.
    const FILE: &str = "657170736567 6d31 000d 00000002 45000000000000000100000000 6161 \
                        000d 00000001 45000000000000000100000001 62 000d 00000000 45000000000000000300000000";
    const ENTRY: &str = "44 SHA 02 01 01 03 01 01 04 02 \
                         efecf6cfb8959dafa49adfa5fbe3f0f3bfe902";

    fn draft() -> Draft {
        let mut draft = Draft::default();
        draft.push(&layout::record_key(1, 0), b"aa");
        draft.push(&layout::record_key(1, 1), b"b");
        draft.push(&layout::record_key(3, 0), b"");
        draft
    }

    fn entry() -> Segment {
        let (len, sha256) = draft().sum();
        let (mut batches, mut numbers) = (Runs::default(), Runs::default());
        assert!(batches.insert(1) && batches.insert(3));
        assert!(numbers.insert(4) && numbers.insert(5));
        let mut hash = RunningHash::default();
        hash.add(b"key", b"value");
        Segment { len, sha256, batches, numbers, hash }
    }

    #[test]
    fn a_file_keeps_the_bytes_of_version_1_and_reads_back_batch_by_batch() {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("archive");
        draft().close(&archive, 7).unwrap();
        let bytes = fs::read(archive.join("segment-0000000000000007")).unwrap();
        assert_eq!(hex::encode(bytes), FILE.replace(' ', ""));
        assert!(!archive.join("segment-0000000000000007.unfinished").exists());
        let content = entry().read(&archive, 7).unwrap();
        let seen = |batch| {
            let mut seen = Vec::new();
            content
                .visit(batch, &mut |key, value| {
                    seen.push((layout::place_of(key).unwrap().sequence, value.to_vec()));
                    Ok(())
                })
                .unwrap();
            seen
        };
        assert_eq!(seen(1), [(0, b"aa".to_vec()), (1, b"b".to_vec())]);
        assert_eq!(seen(2), []);
        assert_eq!(seen(3), [(0, Vec::new())]);
    }

    #[test]
    fn an_entry_keeps_the_bytes_of_version_1() {
        let sum = hex::encode(draft().sum().1);
        let expected = ENTRY.replace("SHA", &sum).replace(' ', "");
        let bytes = postcard::to_allocvec(&entry()).unwrap();
        assert_eq!(hex::encode(&bytes), expected);
        assert_eq!(postcard::from_bytes::<Segment>(&bytes).unwrap(), entry());
    }
}
