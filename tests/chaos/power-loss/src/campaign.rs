//! Captures journals, cuts their power many times, and counts what was found.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use equipoise_runtime::journal::JournalKind;
use fastrand::Rng;
use serde::Serialize;
use tempfile::TempDir;

use crate::capture::Unavailable;
use crate::cut::{Lie, Unsynced, is_of_anchor, is_of_archive, is_of_log, is_of_store};
use crate::disk::{Disk, Files, write_folder};
use crate::judge::{Finding, judge};
use crate::log::Op;
use crate::workload::{NotCaptured, Promised, Session, Volume, capture};

/// What is run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The back end.
    pub kind: JournalKind,
    /// Whether the power is cut after every single entry of the log, with what was not synced kept, lost, and kept in
    /// part.
    pub prefixes: bool,
    /// Further states of an honest device that are opened, at moments drawn by chance.
    pub states: usize,
    /// States of a lying device that are opened.
    pub lies: usize,
    /// Power cuts after which the journal is used, captured and cut once more.
    pub second_cuts: usize,
    /// Chooses the moments.
    pub seed: u64,
    /// What has no sync counted, as if it relied on a call that is no barrier: to see that this is caught.
    pub without_syncs: Option<Part>,
    /// Where states that break a promise are kept.
    pub keep: Option<PathBuf>,
}

/// A part of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The store and the log before it.
    Store,
    /// The segments of the archive.
    Archive,
}

/// One broken promise.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    /// How to find the state again.
    pub state: String,
    /// What was wrong with it.
    pub what: String,
}

/// What was found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tally {
    /// Calls and acknowledgements captured.
    pub captured: usize,
    /// Of them syncs that ended.
    pub syncs: usize,
    /// Of them acknowledgements.
    pub acknowledgements: usize,
    /// Segments of the archive closed meanwhile.
    pub segments: usize,
    /// Beginnings of the log after which the power was cut: all of them, or none.
    pub prefixes: usize,
    /// States of an honest device opened.
    pub states: usize,
    /// Of them how many of each kind, and of a second cut.
    pub by_kind: BTreeMap<String, usize>,
    /// Acknowledged records looked for, over all states.
    pub records: usize,
    /// States of a lying device opened.
    pub lies: usize,
    /// Of them refused.
    pub lies_refused: usize,
    /// Of them opened with everything the anchor vouches for, but less than was acknowledged.
    pub lies_beyond_anchor: usize,
    /// Broken promises.
    pub failures: Vec<Failure>,
}

/// A state to be opened.
struct State {
    label: String,
    files: Files,
    promised: Promised,
    /// For a lying device: what the anchor in it vouches for.
    vouched: Option<Promised>,
    /// Where it has been opened already and did not work.
    broken: Option<String>,
}

/// What does not change while a campaign runs.
struct Frame {
    kind: JournalKind,
    appends: u64,
    first_unused: u64,
    keep: Option<PathBuf>,
}

const VOLUME: Volume = Volume { starts: 3, batches: 24, appends: 4, pause: true };
const SECOND: Volume = Volume { starts: 1, batches: 4, appends: 4, pause: false };
const WORKERS: usize = 3;

/// Runs a plan.
///
/// # Errors
/// Nothing can be captured here, so nothing was run; or the journal itself failed while it was used, with the power on.
pub fn run(plan: &Plan, progress: impl Fn(u64) + Sync) -> Result<Tally, NotCaptured> {
    let mut rng = Rng::with_seed(plan.seed);
    let folder = scratch()?;
    let mut session = capture(folder.path(), plan.kind, VOLUME, Promised::default(), 0)?;
    if let Some(part) = plan.without_syncs {
        forget_syncs(&mut session.ops, part);
    }
    let first_unused = VOLUME.starts * VOLUME.batches + SECOND.batches;
    let frame =
        Frame { kind: plan.kind, appends: VOLUME.appends, first_unused, keep: plan.keep.clone() };
    let mut tally = Tally { captured: session.ops.len(), ..Tally::default() };
    for op in &session.ops {
        tally.syncs += usize::from(matches!(op, Op::SyncEnded { .. }));
        tally.segments += usize::from(matches!(op, Op::Rename { to, .. } if is_of_archive(to)));
        tally.acknowledgements += usize::from(matches!(op, Op::Acknowledged { .. }));
    }
    tally.prefixes = if plan.prefixes { session.ops.len() + 1 } else { 0 };
    let tally = Arc::new(Mutex::new(tally));
    let (states, waiting) = sync_channel::<State>(WORKERS);
    let waiting = Arc::new(Mutex::new(waiting));
    let (frame, progress) = (&frame, &progress);
    let again = thread::scope(|scope| {
        for _ in 0..WORKERS {
            let (waiting, tally) = (Arc::clone(&waiting), Arc::clone(&tally));
            scope.spawn(move || work(frame, waiting, &tally, progress));
        }
        let send = |state: State| drop(states.send(state));
        if plan.prefixes {
            every_prefix(&session, &mut rng, &send);
        }
        honest(&session, plan.states, "", &mut rng, &send);
        lying(&session, plan.lies, &mut rng, &send);
        let again = second_cuts(&session, plan, &mut rng, &send);
        drop(states);
        again
    });
    let tally = tally.lock().unwrap_or_else(PoisonError::into_inner).clone();
    // A promise that was broken before the rest could not be run is broken all the same.
    if tally.failures.is_empty() {
        again?;
    }
    Ok(tally)
}

/// In memory where there is such a place: what counts as durable is decided by the log.
fn scratch() -> Result<TempDir, Unavailable> {
    let memory = TempDir::new_in("/dev/shm");
    memory.or_else(|_| TempDir::new()).map_err(|error| Unavailable(error.to_string()))
}

fn forget_syncs(ops: &mut Vec<Op>, part: Part) {
    ops.retain(|op| match op {
        Op::SyncBegun { path, .. } => match part {
            Part::Store => !is_of_store(path) && !is_of_log(path),
            Part::Archive => !is_of_archive(path),
        },
        _ => true,
    });
}

const PREFIX_KINDS: [Unsynced; 3] = [Unsynced::Kept, Unsynced::Lost, Unsynced::Parts];

/// The power goes after each entry of the log, and before the first.
///
/// Where the next entry leaves the files as they are, the state is opened once, after it: by then at least as much has
/// been promised.
fn every_prefix(session: &Session, rng: &mut Rng, send: &impl Fn(State)) {
    let mut disk = session.base.clone();
    let mut promised = session.promised.clone();
    for cut in 0..=session.ops.len() {
        let next = session.ops.get(cut);
        for kind in PREFIX_KINDS {
            let unsynced = disk.pending();
            let opened_later = match (kind, next) {
                (_, None) => false,
                (Unsynced::Lost, Some(next)) => !matches!(next, Op::SyncEnded { .. }),
                (Unsynced::Kept, Some(next)) => !next.changes_files(),
                // With nothing left to chance it is what the other two are.
                (_, Some(_)) => unsynced.is_empty(),
            };
            if !opened_later {
                let files = kind.files(&disk, rng);
                let label = format!("prefix {cut} {kind:?}");
                let promised = promised.clone();
                send(State { label, files, promised, vouched: None, broken: None });
            }
        }
        if let Some(op) = next {
            disk.apply(cut, op);
            promised.add(op);
        }
    }
}

/// States after every sync and acknowledgement first, then at moments in between until there are enough.
fn honest(session: &Session, wanted: usize, label: &str, rng: &mut Rng, send: &impl Fn(State)) {
    let boundary =
        |at: &usize| matches!(session.ops[*at], Op::SyncEnded { .. } | Op::Acknowledged { .. });
    let mut boundaries: Vec<usize> =
        (session.cut_from..session.ops.len()).filter(boundary).collect();
    rng.shuffle(&mut boundaries);
    boundaries.truncate(wanted / 2);
    let mut cuts: Vec<usize> = boundaries.iter().map(|at| at + 1).collect();
    while cuts.len() < wanted {
        cuts.push(rng.usize(session.cut_from..=session.ops.len()));
    }
    cuts.sort_unstable();
    let mut disk = session.base.clone();
    let mut promised = session.promised.clone();
    let mut at = 0;
    for (number, cut) in cuts.into_iter().enumerate() {
        while at < cut {
            disk.apply(at, &session.ops[at]);
            promised.add(&session.ops[at]);
            at += 1;
        }
        // A kill is the mildest cut and has tests of its own; the others take turns three times as often.
        let kind = if number % 10 == 0 { Unsynced::Kept } else { Unsynced::ALL[1 + number % 3] };
        let files = kind.files(&disk, rng);
        let label = format!("{label}cut {cut} {kind:?}");
        send(State { label, files, promised: promised.clone(), vouched: None, broken: None });
    }
}

fn lying(session: &Session, wanted: usize, rng: &mut Rng, send: &impl Fn(State)) {
    for _ in 0..wanted {
        let cut = rng.usize(session.ops.len() / 4..=session.ops.len());
        let Some(lie) = Lie::any(&session.ops, cut, rng) else { continue };
        let mut promised = session.promised.clone();
        let mut vouched = promised.clone();
        for (at, op) in session.ops.iter().enumerate().take(cut) {
            promised.add(op);
            let told = !matches!(lie, Lie::LostWrite(lost) if lost == at);
            if is_of_anchor(op) && told {
                vouched = promised.clone();
            }
        }
        let files = lie.files(&session.base, &session.ops, cut);
        let label = format!("cut {cut}, {lie}");
        send(State { label, files, promised, vouched: Some(vouched), broken: None });
    }
}

/// Opens what a cut or a kill left, uses it, and cuts again: also while it is being opened.
fn second_cuts(
    session: &Session,
    plan: &Plan,
    rng: &mut Rng,
    send: &impl Fn(State),
) -> Result<(), Unavailable> {
    for number in 0..plan.second_cuts {
        let cut = rng.usize(..=session.ops.len());
        let mut disk: Disk = session.base.clone();
        let mut promised = session.promised.clone();
        for (at, op) in session.ops.iter().enumerate().take(cut) {
            disk.apply(at, op);
            promised.add(op);
        }
        // After a kill the next start sees what no sync has made durable, and may build on it.
        let killed = number % 2 == 1;
        let left = if killed { Unsynced::Kept } else { Unsynced::Parts };
        let files = left.files(&disk, rng);
        let folder = scratch()?;
        write_folder(folder.path(), &files).map_err(|error| Unavailable(error.to_string()))?;
        let first = VOLUME.starts * VOLUME.batches;
        let what = if killed { "killed" } else { "cut" };
        let label = format!("{what} {cut} {left:?}, used, ");
        match capture(folder.path(), plan.kind, SECOND, promised.clone(), first) {
            Ok(second) if killed => honest(&second.after(session, cut), 8, &label, rng, send),
            Ok(second) => honest(&second, 8, &label, rng, send),
            Err(NotCaptured::Unavailable(why)) => return Err(why),
            Err(NotCaptured::Journal(error)) => {
                let broken = Some(error.to_string());
                send(State { label, files, promised, vouched: None, broken });
            }
        }
    }
    Ok(())
}

fn work(
    frame: &Frame,
    waiting: Arc<Mutex<Receiver<State>>>,
    tally: &Mutex<Tally>,
    progress: &impl Fn(u64),
) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(state) = next else { return };
        let finding = opened(frame, &state);
        let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.count(&state, finding, frame);
        progress(1);
    }
}

fn opened(frame: &Frame, state: &State) -> Finding {
    if let Some(why) = &state.broken {
        return Finding::Wrong(why.clone());
    }
    let judged = scratch().map_err(|error| error.to_string()).and_then(|folder| {
        let (path, promised) = (folder.path(), &state.promised);
        judge(path, &state.files, frame.kind, promised, frame.appends, frame.first_unused)
            .map_err(|error| error.to_string())
    });
    judged.unwrap_or_else(Finding::Wrong)
}

impl Tally {
    fn count(&mut self, state: &State, finding: Finding, frame: &Frame) {
        match &state.vouched {
            None => self.count_honest(state, finding, frame),
            Some(vouched) => self.count_lie(state, vouched, finding, frame),
        }
    }

    fn count_honest(&mut self, state: &State, finding: Finding, frame: &Frame) {
        self.states += 1;
        self.records += state.promised.records.values().sum::<usize>();
        let second = state.label.contains("used");
        let kind = state.label.rsplit(' ').next().unwrap_or_default();
        let kind = match (second, state.label.starts_with("prefix")) {
            (true, _) => format!("{kind} after a second cut"),
            (_, true) => format!("{kind} after a prefix"),
            _ => kind.to_owned(),
        };
        *self.by_kind.entry(kind).or_default() += 1;
        match finding {
            Finding::Kept => {}
            Finding::Refused(why) => self.fail(state, frame, format!("refused: {why}")),
            Finding::Lost(lost) => self.fail(state, frame, format!("lost: {lost:?}")),
            Finding::Wrong(what) => self.fail(state, frame, what),
        }
    }

    fn count_lie(&mut self, state: &State, vouched: &Promised, finding: Finding, frame: &Frame) {
        self.lies += 1;
        match finding {
            Finding::Kept => {}
            Finding::Refused(_) => self.lies_refused += 1,
            Finding::Lost(lost) => {
                let held = |batch: &u64| vouched.records.get(batch).copied().unwrap_or_default();
                if lost.iter().all(|(batch, _, found)| *found >= held(batch)) {
                    self.lies_beyond_anchor += 1;
                } else {
                    self.fail(state, frame, format!("opened quietly without {lost:?}"));
                }
            }
            Finding::Wrong(what) => self.fail(state, frame, what),
        }
    }

    fn fail(&mut self, state: &State, frame: &Frame, what: String) {
        let mut label = format!("{} {}", frame.kind, state.label);
        if let Some(keep) = &frame.keep {
            let folder = keep.join(format!("{}-{}", frame.kind, self.failures.len()));
            if write_folder(&folder, &state.files).is_ok() {
                label = format!("{label}, files in {}", folder.display());
            }
        }
        self.failures.push(Failure { state: label, what });
    }
}

#[cfg(test)]
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_only_left_out_where_the_next_leaves_the_same_files() {
        let folder = scratch().unwrap();
        let session =
            capture(folder.path(), JournalKind::Redb, SECOND, Promised::default(), 0).unwrap();
        let mut disk = session.base.clone();
        let mut rng = Rng::with_seed(1);
        let mut left_out = 0;
        for (at, op) in session.ops.iter().enumerate() {
            let before =
                [Unsynced::Kept, Unsynced::Lost].map(|unsynced| unsynced.files(&disk, &mut rng));
            disk.apply(at, op);
            let after =
                [Unsynced::Kept, Unsynced::Lost].map(|unsynced| unsynced.files(&disk, &mut rng));
            if !op.changes_files() {
                assert!(before[0] == after[0], "{at}: {op:?}");
                left_out += 1;
            }
            if !matches!(op, Op::SyncEnded { .. }) {
                assert!(before[1] == after[1], "{at}: {op:?}");
            }
        }
        assert!(left_out > 10 && left_out < session.ops.len(), "{left_out}");
    }
}
