//! The checkpoint: everything of a store that its log no longer holds, in one closed file beside it.
//!
//! With the log it says what the store must hold, so a store that a power cut made unreadable can be made again
//! (`repair`). What can be told from the records themselves, the index of batches and occasions, is left out; what
//! moved to the archive is there already.
//!
//! | bytes | content |
//! |---|---|
//! | 0..8 | `eqpchck1` |
//! | 8 | 1 if the store went on after an end that was not clean, else 0 |
//! | 9.. | key length u16, value length u32, key, value, in order of keys |
//! | last 32 | SHA-256 of everything before |
//!
//! Written under another name, synced, renamed, and the folder synced, before the log gives anything up.

use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Write as _};
use std::path::Path;

use equipoise_port::JournalError;
use sha2::{Digest, Sha256};

use super::bundle;
use super::codec::damaged;
use super::files;
use super::head::Head;
use super::layout;
use super::overlay::Overlay;
use super::segment::{add_entry, split_entry};
use super::store::{Reads, StoreError};

const MAGIC: &[u8; 8] = b"eqpchck1";
const SUM_LEN: usize = 32;
const DOING: &str = "journal checkpoint";

/// First bytes of the keys it holds.
const LETTERS: [&[u8]; 5] =
    [&[layout::ARCHIVE], &[layout::RECORD], layout::HEAD, &[layout::OWNER], &[layout::OPEN]];

/// What a checkpoint says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Checkpoint {
    /// The store went on after an end that was not clean.
    pub(super) survived: bool,
    /// What it holds.
    pub(super) entries: Overlay,
}

impl Checkpoint {
    /// The head of the store it was written of.
    pub(super) fn head(&self) -> Result<u64, JournalError> {
        match self.entries.get(layout::HEAD) {
            Some(Some(value)) => Ok(Head::read(layout::HEAD, value)?.number),
            _ => Ok(0),
        }
    }
}

/// Writes the checkpoint of a store that nobody else writes to; when this returns it is durable.
pub(super) fn write(
    store: &(impl Reads + ?Sized),
    path: &Path,
    survived: bool,
) -> Result<(), StoreError> {
    files::replace(path, DOING, |file| write_to(file, store, survived))
}

fn write_to(file: &File, store: &(impl Reads + ?Sized), survived: bool) -> Result<(), StoreError> {
    let mut file = Summed { file: BufWriter::new(file), sum: Sha256::new() };
    file.write(MAGIC).and_then(|()| file.write(&[u8::from(survived)])).map_err(failed)?;
    let (mut bytes, mut io) = (Vec::new(), None);
    for letter in LETTERS {
        let scanned = store.scan(letter, &mut |key, value| {
            bundle::each(key, value, &mut |key, value| {
                bytes.clear();
                add_entry(&mut bytes, key, value);
                file.write(&bytes).map_err(|error| {
                    let text = JournalError::Failed(error.to_string());
                    io = Some(error);
                    text
                })
            })
        });
        match io.take() {
            Some(error) => return Err(failed(error)),
            None => scanned?,
        }
    }
    file.close().map_err(failed)
}

fn failed(error: std::io::Error) -> StoreError {
    StoreError::from_io(DOING, &error)
}

/// Reads a checkpoint. It is written before the first anchor of a journal, so where there is an anchor and no checkpoint
/// it was lost (P5).
pub(super) fn read(path: &Path) -> Result<Checkpoint, StoreError> {
    let bytes = fs::read(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => damaged("its checkpoint is missing").into(),
        _ => failed(error),
    })?;
    checked(&bytes).ok_or_else(|| damaged("its checkpoint is unreadable").into())
}

fn checked(bytes: &[u8]) -> Option<Checkpoint> {
    let (content, sum) = bytes.split_last_chunk::<SUM_LEN>()?;
    if Sha256::digest(content)[..] != sum[..] {
        return None;
    }
    let (&survived, mut rest) = content.strip_prefix(MAGIC)?.split_first()?;
    let mut entries = Overlay::new();
    while !rest.is_empty() {
        let (key, value, after) = split_entry(rest)?;
        entries.insert(key.to_vec(), Some(value.to_vec()));
        rest = after;
    }
    Some(Checkpoint { survived: survived != 0, entries })
}

/// A file that ends with the checksum of what was written to it.
struct Summed<'a> {
    file: BufWriter<&'a File>,
    sum: Sha256,
}

impl Summed<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.sum.update(bytes);
        self.file.write_all(bytes)
    }

    fn close(mut self) -> std::io::Result<()> {
        let sum = self.sum.finalize();
        self.file.write_all(&sum)?;
        self.file.flush()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::handing_over::hand_over;
    use super::super::log_faults::Slow;
    use super::*;

    fn store() -> Slow {
        let store = Slow::default();
        let entry = |key: &[u8]| (key.to_vec(), Some(b"value".to_vec()));
        let records = [0, 1].map(|sequence| entry(&layout::record_key(1, sequence)));
        let others = ["A1", "H", "K1", "O1", "S1", "U1"].map(|key| entry(key.as_bytes()));
        hand_over(&store, &records.into_iter().chain(others).collect()).unwrap();
        store
    }

    #[test]
    fn a_checkpoint_holds_everything_but_what_records_tell() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        assert_eq!(read(&path), Err(damaged("its checkpoint is missing").into()));
        for survived in [false, true] {
            write(&store(), &path, survived).unwrap();
            let checkpoint = read(&path).unwrap();
            assert_eq!(checkpoint.survived, survived);
            let keys = checkpoint.entries.keys().cloned().collect::<Vec<_>>();
            let [first, second] = [0, 1].map(|sequence| layout::record_key(1, sequence).to_vec());
            assert_eq!(
                keys,
                [b"A1".to_vec(), first, second, b"H".to_vec(), b"O1".to_vec(), b"U1".to_vec()]
            );
            assert!(checkpoint.entries.values().all(|value| value.as_deref() == Some(b"value")));
        }
        assert!(!path.with_extension("unfinished").exists());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_checkpoint_without_room_takes_none_and_leaves_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        write(&store(), &path, false).unwrap();
        let unfinished = path.with_extension("unfinished");
        std::os::unix::fs::symlink("/dev/full", &unfinished).unwrap();
        let full = write(&store(), &path, true).unwrap_err();
        assert!(matches!(full, StoreError::Full(_)), "{full}");
        assert!(fs::symlink_metadata(&unfinished).is_err());
        assert!(!read(&path).unwrap().survived);
    }

    #[test]
    fn a_checkpoint_of_which_any_byte_changed_is_unreadable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        write(&store(), &path, false).unwrap();
        let whole = fs::read(&path).unwrap();
        for index in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[index] ^= 0x10;
            assert_eq!(checked(&bytes), None, "{index}");
        }
        assert_eq!(checked(&whole[..whole.len() - 1]), None);
        assert!(checked(&whole).is_some());
    }
}
