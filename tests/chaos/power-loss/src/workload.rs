//! Uses a journal the way an engine does, while its files are captured.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use equipoise_core::{BatchSpec, Record};
use equipoise_port::{Epoch, Journal, JournalError};
use equipoise_runtime::journal::{self, JournalKind, JournalOptions};
use tokio::runtime::Builder;

use crate::capture::{Capture, Unavailable};
use crate::disk::{Disk, read_folder};
use crate::log::Op;
use crate::samples::{append, ended, key, largest_spec, spec, step};

/// Name of the journal's folder in the captured one.
pub(crate) const JOURNAL: &str = "journal";

/// Batches written at once, so that groups are committed together.
const LANES: u64 = 4;

/// sled cleans up only in its own periodic flush; a pause longer than that brings its writes into the log.
const PAUSE: Duration = Duration::from_millis(650);

/// What was promised to whoever used the journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Promised {
    /// Records by index of the batch.
    pub(crate) records: BTreeMap<u64, usize>,
    /// Highest epoch given out.
    pub(crate) epoch: u64,
}

impl Promised {
    pub(crate) fn add(&mut self, op: &Op) {
        match op {
            Op::Acknowledged { batch, records } => {
                self.records.insert(*batch, *records);
            }
            Op::Owned(epoch) => self.epoch = self.epoch.max(*epoch),
            _ => {}
        }
    }
}

/// A log of everything between two quiet moments.
pub(crate) struct Session {
    /// The files before, all durable.
    pub(crate) base: Disk,
    /// What had been promised before.
    pub(crate) promised: Promised,
    /// What happened.
    pub(crate) ops: Vec<Op>,
    /// Where in the log cuts begin to be of interest.
    pub(crate) cut_from: usize,
}

/// How much is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Volume {
    /// Times the journal is opened, used and closed.
    pub(crate) starts: u64,
    /// Batches of one start.
    pub(crate) batches: u64,
    /// Appends of one batch after its admission.
    pub(crate) appends: u64,
    /// Whether the last start waits for the store's own housekeeping.
    pub(crate) pause: bool,
}

/// Why there is no log.
#[derive(Debug)]
pub enum NotCaptured {
    /// It cannot be had here: nothing was run, and nothing is known.
    Unavailable(Unavailable),
    /// The journal did not do what it was asked, although its device did: a broken promise.
    Journal(JournalError),
}

impl From<Unavailable> for NotCaptured {
    fn from(why: Unavailable) -> Self {
        Self::Unavailable(why)
    }
}

impl fmt::Display for NotCaptured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(why) => why.fmt(f),
            Self::Journal(error) => write!(f, "the journal does not work: {error}"),
        }
    }
}

impl From<JournalError> for NotCaptured {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl From<io::Error> for NotCaptured {
    fn from(error: io::Error) -> Self {
        Self::Unavailable(Unavailable(error.to_string()))
    }
}

/// Everything a batch holds when it is complete.
pub(crate) fn complete(batch: u64, appends: u64) -> Vec<Record> {
    let mut records = first_records(batch);
    records.extend((0..appends).map(|number| nth(number, appends)));
    records
}

/// Every sixth batch is as large as a batch can be, so that values are split and segments of a store fill up.
fn spec_of(batch: u64) -> BatchSpec {
    if batch % 6 == 5 { largest_spec(batch) } else { spec(batch) }
}

fn first_records(batch: u64) -> Vec<Record> {
    vec![Record::Admitted(Box::new(spec_of(batch))), step(batch)]
}

/// Two of three batches end, the third stays open.
fn nth(number: u64, appends: u64) -> Record {
    if number + 1 == appends { ended() } else { step(number) }
}

/// Small and without ballast, which is no part of what is promised. Batches that ended soon move to the archive.
pub(crate) fn options() -> JournalOptions {
    JournalOptions {
        ballast_bytes: 0,
        free_floor_bytes: 0,
        ended_kept: 3,
        segment_batches: 4,
        ..JournalOptions::default()
    }
}

/// Opens, uses and closes a journal below a folder and returns the log of it.
pub(crate) fn capture(
    folder: &Path,
    kind: JournalKind,
    volume: Volume,
    promised: Promised,
    first: u64,
) -> Result<Session, NotCaptured> {
    let base = Disk::of_folder(folder)?;
    let capture = Capture::start(folder).map_err(NotCaptured::Unavailable)?;
    for start in 0..volume.starts {
        let first = first + start * volume.batches;
        use_once(folder, kind, &capture, volume, first, start + 1 == volume.starts)?;
    }
    let ops = capture.finish();
    let session = Session { base, promised, ops, cut_from: 0 };
    session.compare(folder)?;
    Ok(session)
}

impl Session {
    /// This one as what followed on another that was killed at a place in its log: what had not been synced is still
    /// not durable, although this one saw it.
    pub(crate) fn after(self, killed: &Self, at: usize) -> Self {
        let mut ops = killed.ops[..at].to_vec();
        ops.extend(self.ops);
        let (base, promised) = (killed.base.clone(), killed.promised.clone());
        Self { base, promised, ops, cut_from: at }
    }

    /// The log must explain the files there are, or something was not captured.
    fn compare(&self, folder: &Path) -> Result<(), NotCaptured> {
        let mut disk = self.base.clone();
        for (at, op) in self.ops.iter().enumerate() {
            disk.apply(at, op);
        }
        let (told, real) = (disk.live(), read_folder(folder)?);
        let differing = |path: &&std::path::PathBuf| told.get(*path) != real.get(*path);
        match told.keys().chain(real.keys()).find(differing) {
            None => Ok(()),
            Some(path) => Err(NotCaptured::Unavailable(Unavailable(format!(
                "the capture does not explain {}: some call went past it",
                path.display()
            )))),
        }
    }
}

fn use_once(
    folder: &Path,
    kind: JournalKind,
    capture: &Capture,
    volume: Volume,
    first: u64,
    last: bool,
) -> Result<(), NotCaptured> {
    let runtime = Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        let journal = journal::open(kind, &folder.join(JOURNAL), &options())?;
        let epoch = journal.begin_epoch("power loss").await?;
        capture.mark(Op::Owned(epoch.0));
        let lanes = (0..LANES).map(|lane| {
            write_lane(&*journal, capture, epoch, volume, (first + lane, first + volume.batches))
        });
        futures::future::try_join_all(lanes).await?;
        if last && volume.pause {
            tokio::time::sleep(PAUSE).await;
        }
        journal.close().await?;
        Ok(())
    })
}

async fn write_lane(
    journal: &dyn Journal,
    capture: &Capture,
    epoch: Epoch,
    volume: Volume,
    (from, to): (u64, u64),
) -> Result<(), JournalError> {
    let lanes = usize::try_from(LANES).unwrap_or(1);
    for batch in (from..to).step_by(lanes) {
        journal.append(append(epoch, batch, 0, first_records(batch))).await?;
        capture.mark(Op::Acknowledged { batch, records: 2 });
        let appends = if batch % 3 == 2 { volume.appends - 1 } else { volume.appends };
        for number in 0..appends {
            let held = 2 + u32::try_from(number).unwrap_or(u32::MAX);
            let record = nth(number, volume.appends);
            journal.append(append(epoch, batch, held, vec![record])).await?;
            capture.mark(Op::Acknowledged { batch, records: held as usize + 1 });
        }
    }
    Ok(())
}

/// Whether a key belongs to a batch that may be in the journal without having been promised.
pub(crate) fn is_expected(found: &[equipoise_core::BatchKey], first_unused: u64) -> bool {
    let keys: std::collections::BTreeSet<_> = (0..first_unused).map(key).collect();
    found.iter().all(|batch| keys.contains(batch))
}
