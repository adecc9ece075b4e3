//! A device with one journal: appends are buffered, syncs take time, a group that finds no room fails the journal for
//! good, and a crash keeps what it likes of the rest.
//!
//! Records really go through bytes: framed, checksummed, cut at a torn tail, and decoded again at every start.

use std::collections::VecDeque;

use equipoise_core::Record;

use crate::env::{Env, Happening};
use crate::fault::Fault;
use crate::mark::Mark;
use crate::plant;
use crate::process::Input;
use crate::room::Room;

/// Length, checksum, batch and sequence before each append's records.
const HEADER_LEN: usize = 13;

/// Who waits for an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Waiting {
    process: usize,
    batch: u8,
    append: u64,
    /// Where its bytes end.
    end: usize,
}

/// Why an append was refused; either ends its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AppendRefused {
    /// The journal failed and takes nothing further from this owner.
    Failed,
    /// Another process owns the journal.
    Fenced,
    /// The batch holds another number of records.
    OutOfSequence { expected: u32, actual: u32 },
}

/// The device.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    bytes: Vec<u8>,
    synced: usize,
    /// A sync under way and what it covers.
    syncing: Option<(u64, usize)>,
    syncs: u64,
    appends: u64,
    waiting: VecDeque<Waiting>,
    counts: Vec<u32>,
    pub(crate) epoch: u64,
    /// A group found no room: nothing more is written before a start opens the journal again.
    failed: bool,
    pub(crate) room: Room,
}

/// What a finished sync leads to.
#[derive(Debug)]
pub(crate) enum Synced {
    /// Nothing became durable by it: it was under way before a crash, or found no room, of which whoever waited is told.
    Void,
    /// The device failed: the process must end.
    Failed,
    /// These bytes are durable now.
    Durable { from: usize, to: usize },
}

impl Disk {
    pub(crate) fn new(batches: usize) -> Self {
        Self { counts: vec![0; batches], ..Self::default() }
    }

    /// Buffers records and has them synced; the owner is told by [`Input::Appended`].
    pub(crate) fn append(
        &mut self,
        env: &mut Env,
        process: usize,
        epoch: u64,
        batch: u8,
        expected: u32,
        records: &[Vec<u8>],
    ) -> Result<u64, AppendRefused> {
        if self.failed {
            return Err(AppendRefused::Failed);
        }
        if epoch != self.epoch && !plant::takes_any_epoch(env) {
            return Err(AppendRefused::Fenced);
        }
        let actual = self.counts[usize::from(batch)];
        if actual != expected {
            return Err(AppendRefused::OutOfSequence { expected, actual });
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 8]);
        self.bytes.push(batch);
        self.bytes.extend_from_slice(&expected.to_be_bytes());
        for record in records {
            let len = u16::try_from(record.len()).expect("simulated records are small");
            self.bytes.extend_from_slice(&len.to_be_bytes());
            self.bytes.extend_from_slice(record);
            env.trace.bytes(record);
        }
        let len = u32::try_from(self.bytes.len() - start - HEADER_LEN).expect("appends are small");
        self.bytes[start..start + 4].copy_from_slice(&len.to_be_bytes());
        let checksum = checksum(&self.bytes[start + 8..]).to_be_bytes();
        self.bytes[start + 4..start + 8].copy_from_slice(&checksum);
        self.counts[usize::from(batch)] += u32::try_from(records.len()).unwrap_or(u32::MAX);
        self.appends += 1;
        let end = self.bytes.len();
        self.waiting.push_back(Waiting { process, batch, append: self.appends, end });
        if plant::answers_early(env) {
            let input = Box::new(Input::Appended(self.appends));
            env.queue.push(env.now + 1, Happening::Tell { process, batch, input });
        }
        self.start_sync(env);
        Ok(self.appends)
    }

    fn start_sync(&mut self, env: &mut Env) {
        if self.failed || self.syncing.is_some() || self.synced == self.bytes.len() {
            return;
        }
        self.syncs += 1;
        self.syncing = Some((self.syncs, self.bytes.len()));
        let latency = env.rng.u64(0..=2) + env.lag(Fault::SlowSync, 4_500);
        env.queue.push(env.now + latency, Happening::Synced { sync: self.syncs });
    }

    /// A sync comes to its end.
    pub(crate) fn sync_ends(&mut self, env: &mut Env, sync: u64) -> Synced {
        let Some((_, to)) = self.syncing.filter(|(current, _)| *current == sync) else {
            return Synced::Void;
        };
        self.syncing = None;
        if env.faults.strikes_with(Fault::DiskFailure, 20) {
            return Synced::Failed;
        }
        let from = self.synced;
        if !self.room.take(env.now, to - from) {
            self.meets_full(env, to);
            return Synced::Void;
        }
        if self.room.is_below_floor(env.now) {
            env.tally.hit(Mark::AppendedBelowFloor);
        }
        self.synced = to;
        let mut told = 0;
        while let Some(waiting) = self.waiting.front().filter(|waiting| waiting.end <= to) {
            let Waiting { process, batch, append, .. } = *waiting;
            let input = Box::new(Input::Appended(append));
            env.queue.push(env.now, Happening::Tell { process, batch, input });
            self.waiting.pop_front();
            told += 1;
        }
        if told > 1 {
            env.tally.hit(Mark::GroupSync);
        }
        self.start_sync(env);
        Synced::Durable { from, to }
    }

    /// A group finds no room. What of it reached the device nobody knows, so nothing is tried again, and what came
    /// after it was never written.
    fn meets_full(&mut self, env: &mut Env, to: usize) {
        env.tally.hit(Mark::FullDeviceMet);
        env.trace.line(env.now, || "the device is full".to_owned());
        let group = (to - self.synced) as u64;
        let kept = env.faults.size(Fault::DiskFull, 0..=group);
        self.bytes.truncate(self.synced + usize::try_from(kept).unwrap_or_default());
        self.bytes.truncate(self.whole_end());
        if self.bytes.len() > self.synced {
            env.tally.hit(Mark::RefusedAppendSurvived);
        }
        self.recount();
        self.failed = true;
        self.syncing = None;
        for waiting in std::mem::take(&mut self.waiting) {
            let Waiting { process, batch, append, .. } = waiting;
            let trusted = plant::trusts_full_device(env);
            let input = if trusted { Input::Appended(append) } else { Input::AppendFailed };
            let input = Box::new(input);
            env.queue.push(env.now, Happening::Tell { process, batch, input });
        }
    }

    /// A process takes the journal over from one that stands still: everything written is made durable first.
    pub(crate) fn settle(&mut self, env: &mut Env) -> (usize, usize) {
        let from = self.synced;
        if !self.failed && !self.room.take(env.now, self.bytes.len() - from) {
            self.meets_full(env, self.bytes.len());
        }
        self.synced = self.bytes.len();
        self.syncing = None;
        for waiting in std::mem::take(&mut self.waiting) {
            let input = Box::new(Input::Appended(waiting.append));
            let (process, batch) = (waiting.process, waiting.batch);
            env.queue.push(env.now, Happening::Tell { process, batch, input });
        }
        (from, self.synced)
    }

    /// The owner died. After a kill the system still writes everything there is room for; otherwise, and without power,
    /// a part of the unsynced bytes is gone, perhaps in the middle of an append. Returns what became durable by
    /// surviving.
    pub(crate) fn crash(&mut self, env: &mut Env, power_lost: bool) -> (usize, usize) {
        let unsynced = self.bytes.len() - self.synced;
        // What survived of a group that failed is on the device already.
        let fits = self.failed || self.room.take(env.now, unsynced);
        if (power_lost || !fits) && unsynced > 0 {
            let kept = env.rng.usize(0..=unsynced);
            self.bytes.truncate(self.synced + kept);
            let whole = self.whole_end();
            if whole < self.bytes.len() {
                env.tally.hit(Mark::TornTailCut);
            }
            self.bytes.truncate(whole);
            if self.bytes.len() < self.synced + unsynced {
                env.tally.hit(Mark::UnsyncedLost);
            }
        }
        if self.bytes.len() > self.synced {
            env.tally.hit(Mark::UnsyncedSurvived);
        }
        self.syncing = None;
        self.waiting.clear();
        let from = self.synced;
        self.synced = self.bytes.len();
        self.recount();
        (from, self.synced)
    }

    /// Where the last complete append ends.
    fn whole_end(&self) -> usize {
        let mut at = 0;
        while let Some((_, next)) = frame(&self.bytes, at) {
            at = next;
        }
        at
    }

    fn recount(&mut self) {
        self.counts.fill(0);
        let mut at = 0;
        while let Some((body, next)) = frame(&self.bytes, at) {
            at = next;
            let Some((batch, mut rest)) = body.split_first() else { return };
            rest = rest.get(4..).unwrap_or_default();
            while let Some((len, after)) = rest.split_first_chunk::<2>() {
                self.counts[usize::from(*batch)] += 1;
                rest = after.get(usize::from(u16::from_be_bytes(*len))..).unwrap_or_default();
            }
        }
    }

    /// Opens the journal and takes the next epoch; older owners are refused from now on. `None` if there is no room.
    pub(crate) fn open(&mut self, env: &mut Env) -> Option<u64> {
        if !self.room.open(env) {
            return None;
        }
        self.failed = false;
        self.epoch += 1;
        Some(self.epoch)
    }

    /// The records in a stretch of durable bytes, append by append.
    pub(crate) fn read(&self, from: usize, to: usize) -> impl Iterator<Item = (u8, Vec<Record>)> {
        Frames { bytes: &self.bytes[..to.min(self.synced)], at: from }
    }

    /// Everything durable.
    pub(crate) fn read_all(&self) -> impl Iterator<Item = (u8, Vec<Record>)> {
        self.read(0, self.synced)
    }

    /// True once nothing waits for a sync.
    pub(crate) fn is_idle(&self) -> bool {
        self.synced == self.bytes.len()
    }
}

struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Iterator for Frames<'_> {
    type Item = (u8, Vec<Record>);

    fn next(&mut self) -> Option<Self::Item> {
        let (mut body, next) = frame(self.bytes, self.at)?;
        self.at = next;
        let (batch, rest) = body.split_first()?;
        body = rest.get(4..)?;
        let mut records = Vec::new();
        while let Some((len, rest)) = body.split_first_chunk::<2>() {
            let (record, rest) = rest.split_at(usize::from(u16::from_be_bytes(*len)));
            records.push(decode(record));
            body = rest;
        }
        Some((*batch, records))
    }
}

/// The content of the append that starts at a place, if all of it is there and unharmed.
fn frame(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let (len, rest) = bytes.get(at..)?.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let len = usize::try_from(u32::from_be_bytes(*len)).ok()? + HEADER_LEN - 8;
    let body = rest.get(..len)?;
    (checksum(body) == u32::from_be_bytes(*sum)).then_some((body, at + 8 + len))
}

fn checksum(bytes: &[u8]) -> u32 {
    let mix = |sum: u32, word: u32| (sum ^ word).wrapping_mul(0x0100_0193).rotate_left(5);
    let (words, rest) = bytes.as_chunks::<4>();
    let sum = words.iter().fold(0x811c_9dc5, |sum, word| mix(sum, u32::from_le_bytes(*word)));
    rest.iter().fold(sum, |sum, byte| mix(sum, u32::from(*byte)))
}

/// Bytes of one record.
pub(crate) fn encode(record: &Record) -> Vec<u8> {
    postcard::to_stdvec(record).expect("every record can be encoded")
}

/// The record in some bytes.
pub(crate) fn decode(bytes: &[u8]) -> Record {
    postcard::from_bytes(bytes).expect("the checksum held, so the bytes are what was written")
}
