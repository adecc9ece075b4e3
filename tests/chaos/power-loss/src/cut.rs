//! What a device may hold after a power cut, and what only a lying one could.

use std::fmt;
use std::path::{Path, PathBuf};

use fastrand::Rng;

use crate::disk::{Change, Disk, Files};
use crate::log::Op;

/// Unit in which a write reaches the device whole or not at all.
const SECTOR: usize = 512;

/// What becomes of everything that was not synced.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unsynced {
    /// All of it stays, as after a kill.
    Kept,
    /// All of it is lost.
    Lost,
    /// A beginning stays, the write after it torn.
    Beginning,
    /// Any part stays, in any order, some of it torn.
    Parts,
}

impl Unsynced {
    pub(crate) const ALL: [Self; 4] = [Self::Kept, Self::Lost, Self::Beginning, Self::Parts];

    /// One state an honest device may be in.
    pub(crate) fn files(self, disk: &Disk, rng: &mut Rng) -> Files {
        match self {
            Self::Kept => disk.live(),
            Self::Lost => disk.after_cut(0, |_, _| Vec::new()),
            Self::Beginning => beginning(disk, rng),
            Self::Parts => parts(disk, rng),
        }
    }
}

fn beginning(disk: &Disk, rng: &mut Rng) -> Files {
    let pending = disk.pending();
    let cut = match pending.len() {
        0 => 0,
        count => pending[rng.usize(..count)],
    };
    let mut rng = rng.fork();
    disk.after_cut(cut, |at, change| match change {
        change if at < cut => vec![change.clone()],
        Change::Write { offset, bytes } if at == cut => {
            let sectors = rng.usize(..=bytes.len() / SECTOR);
            let end = to_boundary(*offset, sectors).min(bytes.len());
            vec![Change::Write { offset: *offset, bytes: bytes[..end].to_vec() }]
        }
        _ => Vec::new(),
    })
}

/// Bytes of a write at `offset` up to the given number of sector boundaries.
fn to_boundary(offset: usize, sectors: usize) -> usize {
    (sectors * SECTOR).saturating_sub(offset % SECTOR)
}

fn parts(disk: &Disk, rng: &mut Rng) -> Files {
    let pending = disk.pending();
    // Journalling file systems keep the order of names; content keeps none.
    let names_before = match pending.len() {
        0 => 0,
        count if rng.bool() => pending[rng.usize(..count)],
        _ => usize::MAX,
    };
    let kept_of_ten = *rng.choice(&[2, 5, 8]).unwrap_or(&5);
    let mut rng = rng.fork();
    disk.after_cut(names_before, |_, change| match change {
        Change::Write { offset, bytes } if rng.u8(..10) < 3 => torn(*offset, bytes, &mut rng),
        change if rng.u8(..10) < kept_of_ten => vec![change.clone()],
        _ => Vec::new(),
    })
}

/// Any sectors of a write.
fn torn(offset: usize, bytes: &[u8], rng: &mut Rng) -> Vec<Change> {
    let mut kept = Vec::new();
    let mut from = 0;
    while from < bytes.len() {
        let to = (from + SECTOR - (offset + from) % SECTOR).min(bytes.len());
        if rng.bool() {
            kept.push(Change::Write { offset: offset + from, bytes: bytes[from..to].to_vec() });
        }
        from = to;
    }
    kept
}

/// What a device claims to have done and has not.
#[derive(Clone, Debug)]
pub(crate) enum Lie {
    /// One write of a synced file is not there.
    LostWrite(usize),
    /// The store is as it was at an earlier place in the log; the anchor is not.
    OldStore(usize),
}

impl fmt::Display for Lie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LostWrite(at) => write!(f, "write {at} never made"),
            Self::OldStore(at) => write!(f, "store as of {at}"),
        }
    }
}

impl Lie {
    /// Something a device might be lying about at a cut, if there is anything.
    pub(crate) fn any(ops: &[Op], cut: usize, rng: &mut Rng) -> Option<Self> {
        if rng.bool() {
            return Some(Self::OldStore(rng.usize(..=cut)));
        }
        let synced = |at: &usize| matches!(&ops[*at], Op::Write { .. });
        let writes: Vec<_> = (0..cut).filter(synced).collect();
        rng.choice(&writes).map(|at| Self::LostWrite(*at))
    }

    /// Everything up to the cut but for the lie.
    pub(crate) fn files(&self, base: &Disk, ops: &[Op], cut: usize) -> Files {
        match self {
            Self::LostWrite(lost) => {
                let mut disk = base.clone();
                let told = ops.iter().enumerate().take(cut).filter(|(at, _)| at != lost);
                told.for_each(|(at, op)| disk.apply(at, op));
                disk.live()
            }
            Self::OldStore(since) => {
                let at = |end: usize| {
                    let mut disk = base.clone();
                    ops.iter().enumerate().take(end).for_each(|(at, op)| disk.apply(at, op));
                    disk.live()
                };
                let (old, new) = (at(*since), at(cut));
                let kept = new.into_iter().filter(|(path, _)| !is_of_store(path));
                kept.chain(old.into_iter().filter(|(path, _)| is_of_store(path))).collect()
            }
        }
    }
}

/// Whether a file belongs to a store and not to what lies beside it.
pub(crate) fn is_of_store(path: &Path) -> bool {
    let parts: PathBuf = path.iter().skip(1).collect();
    parts.starts_with("sled") || parts.starts_with("journal.redb")
}

/// Whether a file belongs to the log before a store.
pub(crate) fn is_of_log(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "log-0" || name == "log-1")
}

/// Whether a file is a segment of the archive.
pub(crate) fn is_of_archive(path: &Path) -> bool {
    path.parent().is_some_and(|folder| folder.ends_with("archive"))
}

/// Whether a write is one of the anchor's.
pub(crate) fn is_of_anchor(op: &Op) -> bool {
    matches!(op, Op::Write { path, .. } if path.ends_with("anchor"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_torn_at_the_sectors_of_the_device_not_at_its_own() {
        let mut rng = Rng::with_seed(1);
        for _ in 0..100 {
            for change in torn(500, &[1; 1200], &mut rng) {
                let Change::Write { offset, bytes } = change else { unreachable!("only writes") };
                let end = offset + bytes.len();
                assert!(offset == 500 || offset % SECTOR == 0, "{offset}");
                assert!(end == 1700 || end % SECTOR == 0, "{end}");
            }
        }
        assert_eq!(to_boundary(500, 0), 0);
        assert_eq!(to_boundary(500, 1), 12);
    }
}
