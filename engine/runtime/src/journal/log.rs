//! The log in front of a store: a group is durable once its frame is, at the price of one sequential write and one
//! data sync; the store takes it in later.
//!
//! Two files are written in turn, and one is only written again from its start once a checkpoint holds, durably,
//! everything in it. What an older turn left behind is told by its numbers, so nothing is ever truncated or renamed.
//!
//! A frame begins at a multiple of a sector, so writing one never touches a sector that holds another:
//!
//! | bytes | content |
//! |---|---|
//! | 0..4 | CRC-32 of everything behind it |
//! | 4..8 | length of the writes, u32 |
//! | 8..16 | head before this group, u64 |
//! | 16..24 | head after it, u64 |
//! | 24..32 | head the store was known to hold durably, u64 |
//! | 32.. | writes: kind u8, key length u16, value length u32, key, value |
//!
//! A file grows by zeros written behind a frame, a megabyte at a time: a sync of bytes that are there already costs less
//! than one that has to tell of a longer file as well.
//!
//! At an open the frames beyond the store's own head must follow on it and on each other without a gap. One frame is
//! under way at a time, so a cut can only tear the very last; an unreadable one before others leaves a gap and is damage.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use equipoise_port::JournalError;

use super::codec::damaged;
use super::store::{StoreError, Write, WriteBatch, is_full};

/// Unit in which frames are placed: what a device writes whole or not at all.
const SECTOR: usize = 512;
/// A file that is too short grows to a multiple of this, where there is room.
const GROWTH: u64 = 1024 * 1024;
const HEADER_LEN: usize = 32;
const WRITE_HEADER_LEN: usize = 7;
const PUT: u8 = 1;
const DELETE: u8 = 2;

/// The two files and where the next frame goes.
#[derive(Debug)]
pub(super) struct Log {
    files: [File; 2],
    /// Which file is written.
    turn: usize,
    /// Where in it the next frame begins.
    offset: u64,
    /// Bytes that each file has at least.
    lens: [u64; 2],
    buffer: Vec<u8>,
}

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

/// Names of the files.
pub(super) const NAMES: [&str; 2] = ["log-0", "log-1"];

/// Paths of the files in a journal's folder.
pub(super) fn paths(folder: &Path) -> [PathBuf; 2] {
    NAMES.map(|name| folder.join(name))
}

impl Log {
    /// Makes the files of a new journal. Their names become durable with the folder.
    pub(super) fn create(folder: &Path) -> Result<Self, StoreError> {
        let create = |path: &PathBuf| {
            OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)
        };
        Self::of(paths(folder).each_ref().map(create))
    }

    /// Opens them to read what the store lacks.
    pub(super) fn open(folder: &Path) -> Result<Self, JournalError> {
        let open = |path: &PathBuf| OpenOptions::new().read(true).write(true).open(path);
        let files = paths(folder).each_ref().map(open);
        let missing = |file: &std::io::Result<File>| {
            file.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound)
        };
        if files.iter().any(missing) {
            return Err(damaged("its log is missing"));
        }
        let log = Self::of(files).map_err(StoreError::while_opening)?;
        // Whoever wrote it may have been killed before it was durable, and from here on it is relied on.
        let synced = log.files.iter().try_for_each(File::sync_data);
        synced.map_err(|error| failed(&error).while_opening())?;
        Ok(log)
    }

    fn of(files: [std::io::Result<File>; 2]) -> Result<Self, StoreError> {
        let [first, second] = files.map(|file| file.map_err(|error| failed(&error)));
        let files = [first?, second?];
        let [first, second] = files.each_ref().map(|file| file.metadata().map(|file| file.len()));
        let lens =
            [first.map_err(|error| failed(&error))?, second.map_err(|error| failed(&error))?];
        Ok(Self { files, turn: 0, offset: 0, lens, buffer: Vec::new() })
    }

    /// Writes a group and returns when it is durable.
    /// Returns the bytes it took.
    pub(super) fn append(&mut self, span: Span, batch: &WriteBatch) -> Result<u64, StoreError> {
        self.encode(span, batch)?;
        let len = self.buffer.len() as u64;
        self.write()
            .and_then(|()| self.files[self.turn].sync_data())
            .map_err(|error| failed(&error))?;
        self.offset += len;
        Ok(len)
    }

    /// Writes the frame, with zeros behind it if the file is too short for it.
    fn write(&mut self) -> std::io::Result<()> {
        let (file, len) = (&self.files[self.turn], self.buffer.len());
        let needed = self.offset + len as u64;
        if needed <= self.lens[self.turn] {
            return write_at(file, &self.buffer, self.offset);
        }
        let grown = needed.next_multiple_of(GROWTH);
        self.buffer.resize((grown - self.offset) as usize, 0);
        match write_at(file, &self.buffer, self.offset) {
            Ok(()) => self.lens[self.turn] = grown,
            // There may be room for the frame all the same.
            Err(error) if is_full(error.kind()) => {
                write_at(file, &self.buffer[..len], self.offset)?
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn encode(&mut self, span: Span, batch: &WriteBatch) -> Result<(), StoreError> {
        let out = &mut self.buffer;
        out.clear();
        out.extend_from_slice(&[0; 8]);
        for number in [span.before, span.after, span.stored] {
            out.extend_from_slice(&number.to_be_bytes());
        }
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

    /// Bytes in the file that is written.
    pub(super) const fn len(&self) -> u64 {
        self.offset
    }

    /// Goes on in the other file, from its start: a checkpoint must hold everything in it.
    pub(super) fn take_turns(&mut self) {
        self.turn = 1 - self.turn;
        self.offset = 0;
    }

    /// Everything in it that can be read.
    pub(super) fn frames(&self) -> Result<Frames, JournalError> {
        let mut frames = Vec::new();
        for file in &self.files {
            frames.extend(frames_of(file)?);
        }
        // A frame that only says the end was clean leads nowhere: it comes behind the one that led there.
        frames.sort_unstable_by_key(|frame| (frame.span.after, frame.span.before));
        Ok(Frames(frames))
    }
}

/// The frames of both files in order, those of an earlier turn included.
#[derive(Debug)]
pub(super) struct Frames(Vec<Frame>);

impl Frames {
    /// What the store was known to hold durably.
    pub(super) fn stored(&self) -> u64 {
        self.0.iter().map(|frame| frame.span.stored).max().unwrap_or_default()
    }

    /// Those beyond a head, each following on the one before.
    pub(super) fn beyond(&self, head: u64) -> Result<&[Frame], JournalError> {
        let frames = &self.0[self.0.partition_point(|frame| frame.span.after <= head)..];
        let mut at = head;
        for frame in frames {
            if frame.span.before != at {
                return Err(damaged(format_args!("values after {at} are missing in its log")));
            }
            at = frame.span.after;
        }
        Ok(frames)
    }
}

impl Frame {
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

/// The frames of the latest turn of a file, and those an earlier turn left behind them, which a store holds already.
fn frames_of(mut file: &File) -> Result<Vec<Frame>, JournalError> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))
        .and_then(|_| file.read_to_end(&mut bytes))
        .map_err(|error| failed(&error).while_opening())?;
    let mut frames = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        // Behind an unreadable frame the next one is looked for: whether it may follow is told by the numbers.
        let Some(frame) = read(&bytes[at..]) else {
            at += SECTOR;
            continue;
        };
        at += (HEADER_LEN + frame.writes.len()).next_multiple_of(SECTOR);
        frames.push(frame);
    }
    Ok(frames)
}

fn read(bytes: &[u8]) -> Option<Frame> {
    let (header, rest) = bytes.split_first_chunk::<HEADER_LEN>()?;
    let number = |at: usize| {
        let mut number = [0; 8];
        number.copy_from_slice(&header[at..at + 8]);
        u64::from_be_bytes(number)
    };
    let [c3, c2, c1, c0, l3, l2, l1, l0, ..] = *header;
    let len = usize::try_from(u32::from_be_bytes([l3, l2, l1, l0])).ok()?;
    let writes = rest.get(..len)?;
    let crc = crc32fast::hash(&bytes[4..HEADER_LEN + len]);
    let span = Span { before: number(8), after: number(16), stored: number(24) };
    let holds = crc == u32::from_be_bytes([c3, c2, c1, c0]) && span.before <= span.after;
    holds.then(|| Frame { span, writes: writes.to_vec() })
}

fn unreadable() -> JournalError {
    damaged("a frame of its log is unreadable")
}

fn failed(error: &std::io::Error) -> StoreError {
    StoreError::from_io("journal log", error)
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(not(unix))]
fn write_at(mut file: &File, bytes: &[u8], offset: u64) -> std::io::Result<()> {
    use std::io::{Seek as _, SeekFrom, Write as _};
    file.seek(SeekFrom::Start(offset))?;
    file.write_all(bytes)
}
