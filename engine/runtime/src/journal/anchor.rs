//! The anchor: a small file beside the store that remembers how far the journal was durable.
//!
//! A store that comes back shorter than its anchor has lost something, however clean it looks.
//! The file has two slots a page apart that are written in turn, so a torn write harms only the older knowledge;
//! replacing a slot costs one data sync, where a renamed file would cost two syncs and a directory update.
//! The anchor is written after the values it speaks of are durable, never before.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use equipoise_port::JournalError;

use super::codec::damaged;
use super::head::Head;
use super::store::StoreError;

/// Distance of the slots: more than any device tears in one write.
const SLOT_LEN: usize = 4096;
/// Bytes of a sealed head.
const HEAD_LEN: usize = 30;
/// What the sealed heads are sealed for.
const KEYS: [&[u8]; 2] = [b"A0", b"A1"];

/// What the file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// There is no file.
    Missing,
    /// There is one, and no slot of it can be read.
    Unreadable,
    /// The newer of its slots.
    Head(Head),
}

/// The open anchor file.
#[derive(Debug)]
pub(super) struct Anchor {
    path: PathBuf,
    /// `None` until the first write of a new journal.
    file: Option<File>,
    slot: usize,
    /// Number it vouches for.
    number: u64,
    buffer: Vec<u8>,
}

/// Reads an anchor file.
pub(super) fn read(path: &Path) -> Result<Reading, JournalError> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file
            .take(2 * SLOT_LEN as u64)
            .read_to_end(&mut bytes)
            .map_err(|error| StoreError::from_io("anchor", &error).while_opening())?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Reading::Missing),
        Err(error) => return Err(StoreError::from_io("anchor", &error).while_opening()),
    };
    let mut newest: Option<Head> = None;
    for (key, slot) in KEYS.iter().zip(bytes.chunks(SLOT_LEN)) {
        match Head::read(key, slot.get(..HEAD_LEN).unwrap_or_default()) {
            Ok(head) if newest.is_none_or(|other| other.number < head.number) => {
                newest = Some(head)
            }
            Ok(_) | Err(JournalError::Damaged(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(newest.map_or(Reading::Unreadable, Reading::Head))
}

impl Anchor {
    /// For a journal that has one: what it says, and the file to go on writing.
    pub(super) fn open(path: PathBuf) -> Result<(Self, Head), JournalError> {
        let Reading::Head(head) = read(&path)? else {
            return Err(damaged("its anchor is missing or unreadable"));
        };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .map_err(|error| StoreError::from_io("anchor", &error).while_opening())?;
        // Whoever wrote it may have been killed before it was durable, and from here on it is relied on.
        file.sync_all().map_err(|error| StoreError::from_io("anchor", &error).while_opening())?;
        let mut anchor = Self::unwritten(path);
        // The slot to write next is the one that does not hold the newest head.
        anchor.slot = usize::from(!anchor.slot_holds(&file, 1, head)?);
        anchor.file = Some(file);
        anchor.number = head.number;
        Ok((anchor, head))
    }

    /// For a new journal: the file is created by the first write.
    pub(super) const fn unwritten(path: PathBuf) -> Self {
        Self { path, file: None, slot: 0, number: 0, buffer: Vec::new() }
    }

    /// Everything up to this number was durable when it was written.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// Whether the next write creates the file.
    pub(super) const fn is_unwritten(&self) -> bool {
        self.file.is_none()
    }

    /// Replaces the anchor and returns when that is durable.
    pub(super) fn write(&mut self, head: Head) -> Result<(), StoreError> {
        self.try_write(head).map_err(|error| StoreError::from_io("anchor", &error))
    }

    fn try_write(&mut self, head: Head) -> std::io::Result<()> {
        self.buffer.clear();
        head.write(KEYS[self.slot], &mut self.buffer);
        debug_assert_eq!(self.buffer.len(), HEAD_LEN, "a sealed head has one length");
        let created = self.file.is_none();
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let file = OpenOptions::new()
                    .read(true)
                    .write(true)
                    .create(true)
                    .truncate(true)
                    .open(&self.path)?;
                file.set_len(2 * SLOT_LEN as u64)?;
                none.insert(file)
            }
        };
        file.seek(SeekFrom::Start((self.slot * SLOT_LEN) as u64))?;
        file.write_all(&self.buffer)?;
        if created {
            file.sync_all()?;
        } else {
            file.sync_data()?;
        }
        self.slot = 1 - self.slot;
        self.number = head.number;
        Ok(())
    }

    fn slot_holds(&self, file: &File, slot: usize, head: Head) -> Result<bool, JournalError> {
        let mut wanted = Vec::new();
        head.write(KEYS[slot], &mut wanted);
        let mut found = vec![0; wanted.len()];
        let mut file = file;
        let read = file
            .seek(SeekFrom::Start((slot * SLOT_LEN) as u64))
            .and_then(|_| file.read_exact(&mut found));
        match read {
            Ok(()) => Ok(found == wanted),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(StoreError::from_io("anchor", &error).while_opening()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::head::RunningHash;
    use super::*;

    fn head(number: u64) -> Head {
        let mut hash = RunningHash::default();
        hash.add(b"key", &number.to_be_bytes());
        Head { number, hash }
    }

    fn written(path: &Path, numbers: &[u64]) -> Anchor {
        let mut anchor = Anchor::unwritten(path.to_owned());
        for number in numbers {
            anchor.write(head(*number)).unwrap();
        }
        anchor
    }

    #[test]
    fn the_newest_write_counts_also_after_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("anchor");
        assert_eq!(read(&path), Ok(Reading::Missing));
        drop(written(&path, &[1]));
        for number in 2..6 {
            let (mut anchor, before) = Anchor::open(path.clone()).unwrap();
            assert_eq!((before, anchor.number()), (head(number - 1), number - 1));
            anchor.write(head(number)).unwrap();
            assert_eq!(read(&path), Ok(Reading::Head(head(number))));
        }
    }

    #[test]
    fn a_torn_write_leaves_the_anchor_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("anchor");
        drop(written(&path, &[7, 8]));
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[SLOT_LEN + 20] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let (mut anchor, found) = Anchor::open(path.clone()).unwrap();
        assert_eq!(found, head(7));
        anchor.write(head(9)).unwrap();
        assert_eq!(read(&path), Ok(Reading::Head(head(9))));
        std::fs::write(&path, b"short").unwrap();
        assert_eq!(read(&path), Ok(Reading::Unreadable));
    }
}
