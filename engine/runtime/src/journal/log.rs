//! The log in front of a store: a group is durable once its frame is, at the price of one sequential write and one
//! data sync; the store takes it in later.
//!
//! Two files are written in turn, and one is only written again from its start once a checkpoint holds, durably,
//! everything in it. What an older turn left behind is told by its numbers, so nothing is ever truncated or renamed.
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
use super::frame::{Frame, SECTOR, Span, check_first, encode, read};
use super::store::{StoreError, WriteBatch, is_full};

/// A file that is too short grows to a multiple of this, where there is room.
const GROWTH: u64 = 1024 * 1024;

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

    /// Writes a group, and returns the bytes it took when it is durable.
    pub(super) fn append(&mut self, span: Span, batch: &WriteBatch) -> Result<u64, StoreError> {
        encode(&mut self.buffer, span, batch)?;
        let (file, len) = (&self.files[self.turn], self.buffer.len() as u64);
        write(file, &mut self.buffer, self.offset, &mut self.lens[self.turn])
            .and_then(|()| file.sync_data())
            .map_err(|error| failed(&error))?;
        self.offset += len;
        Ok(len)
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

/// The frames of the latest turn of a file, and those an earlier turn left behind them, which a store holds already.
fn frames_of(mut file: &File) -> Result<Vec<Frame>, JournalError> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))
        .and_then(|_| file.read_to_end(&mut bytes))
        .map_err(|error| failed(&error).while_opening())?;
    check_first(&bytes)?;
    let mut frames = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        // Behind an unreadable frame the next one is looked for: whether it may follow is told by the numbers.
        let Some(frame) = read(&bytes[at..])? else {
            at += SECTOR;
            continue;
        };
        at += frame.len();
        frames.push(frame);
    }
    Ok(frames)
}

fn failed(error: &std::io::Error) -> StoreError {
    StoreError::from_io("journal log", error)
}

/// Where frames are written.
trait Place {
    /// Writes everything, as far as there is room for it.
    fn write_at(&self, bytes: &[u8], offset: u64) -> std::io::Result<()>;

    /// Bytes it has.
    fn size(&self) -> std::io::Result<u64>;
}

impl Place for File {
    #[cfg(unix)]
    fn write_at(&self, bytes: &[u8], offset: u64) -> std::io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(self, bytes, offset)
    }

    #[cfg(not(unix))]
    fn write_at(mut self: &Self, bytes: &[u8], offset: u64) -> std::io::Result<()> {
        use std::io::{Seek as _, SeekFrom, Write as _};
        self.seek(SeekFrom::Start(offset))?;
        self.write_all(bytes)
    }

    fn size(&self) -> std::io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}

/// Writes a frame, with zeros behind it if the file is too short for it; `size` is what the file has.
fn write(
    file: &impl Place,
    frame: &mut Vec<u8>,
    offset: u64,
    size: &mut u64,
) -> std::io::Result<()> {
    let len = frame.len();
    let needed = offset + len as u64;
    if needed <= *size {
        return file.write_at(frame, offset);
    }
    let grown = needed.next_multiple_of(GROWTH);
    frame.resize((grown - offset) as usize, 0);
    match file.write_at(frame, offset) {
        Ok(()) => *size = grown,
        Err(error) if is_full(error.kind()) => {
            // There may be room for the frame all the same, and behind it for some of the zeros: what there was is
            // taken now, and not asked for again by every frame.
            file.write_at(&frame[..len], offset)?;
            *size = file.size()?;
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    /// A file on a device that has room for some bytes of it only.
    struct Small {
        bytes: RefCell<Vec<u8>>,
        room: usize,
        written: Cell<usize>,
    }

    impl Place for Small {
        fn write_at(&self, bytes: &[u8], offset: u64) -> std::io::Result<()> {
            let offset = usize::try_from(offset).unwrap();
            let fits = bytes.len().min(self.room.saturating_sub(offset));
            let mut file = self.bytes.borrow_mut();
            let end = file.len().max(offset + fits);
            file.resize(end, 0);
            file[offset..offset + fits].copy_from_slice(&bytes[..fits]);
            self.written.set(self.written.get() + fits);
            if fits < bytes.len() { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
        }

        fn size(&self) -> std::io::Result<u64> {
            Ok(self.bytes.borrow().len() as u64)
        }
    }

    /// A text that reads as a frame of the builds before a frame had its mark: 33 bytes, each of them ASCII.
    fn text_like_a_frame() -> [u8; 33] {
        let mut bytes = [1; 33];
        bytes[4..8].copy_from_slice(&1_u32.to_be_bytes());
        bytes[32] = 3;
        for tried in 0..100_u8 {
            bytes[22..24].copy_from_slice(&[1 + tried / 10, 1 + tried % 10]);
            let crc = crc32fast::hash(&bytes[4..]).to_be_bytes();
            if crc.is_ascii() {
                bytes[..4].copy_from_slice(&crc);
                break;
            }
        }
        assert!(bytes.is_ascii() && bytes[8..16] <= bytes[16..24]);
        bytes
    }

    fn group(value: &[u8]) -> WriteBatch {
        let mut batch = WriteBatch::default();
        batch.put(b"R", |out| out.extend_from_slice(value));
        batch
    }

    #[test]
    fn a_text_inside_a_value_is_never_taken_for_a_frame() {
        let folder = tempfile::tempdir().unwrap();
        let mut text = vec![b'x'; 600];
        let first = Span { before: 0, after: 1, stored: 0 };
        let mut frame = Vec::new();
        encode(&mut frame, first, &group(&text)).unwrap();
        let begins = frame.windows(8).position(|bytes| bytes == b"xxxxxxxx").unwrap();
        // At the beginning of the second of its sectors, the first of which is written over.
        text[SECTOR - begins..][..33].copy_from_slice(&text_like_a_frame());
        Log::create(folder.path()).unwrap().append(first, &group(&text)).unwrap();
        let mut log = Log::open(folder.path()).unwrap();
        log.append(Span { before: 1, after: 2, stored: 1 }, &group(b"short")).unwrap();
        let bytes = std::fs::read(&paths(folder.path())[0]).unwrap();
        assert_eq!(bytes[SECTOR..][..33], text_like_a_frame());
        let frames = log.frames().unwrap();
        assert_eq!((frames.0.len(), frames.stored()), (1, 1));
    }

    #[test]
    fn what_room_there_is_on_a_device_that_runs_full_is_filled_with_zeros_once() {
        let file = Small { bytes: RefCell::default(), room: 5 * SECTOR, written: Cell::new(0) };
        let (mut size, mut sectors) = (0, Vec::new());
        for number in 0..5_u8 {
            let mut frame = vec![number; SECTOR];
            let before = file.written.get();
            write(&file, &mut frame, u64::from(number) * SECTOR as u64, &mut size).unwrap();
            sectors.push((file.written.get() - before) / SECTOR);
        }
        assert_eq!(sectors, [6, 1, 1, 1, 1]);
        let frames: Vec<_> = file.bytes.borrow().chunks(SECTOR).map(|frame| frame[0]).collect();
        assert_eq!(frames, [0, 1, 2, 3, 4]);
        let full = write(&file, &mut vec![5; SECTOR], 5 * SECTOR as u64, &mut size).unwrap_err();
        assert_eq!(full.kind(), ErrorKind::StorageFull);
    }
}
