//! Processes that kill themselves at a system call: between a write and its sync, between a sync and the order it is for.
//!
//! The process is the unmodified binary. A library is loaded before it (`LD_PRELOAD`) that counts its calls; which one is
//! the last stands in its environment. Where such a library is not loaded, nothing is run and nothing counts as passed.

use std::fmt;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fastrand::Rng;

const LIBRARY: &str = "libequipoise_power_loss.so";
const VARIABLE: &str = "EQUIPOISE_KILL_AT";

/// Signal that cannot be caught.
pub(crate) const SIGKILL: i32 = 9;

/// Where a process kills itself: at a kind of call, at which of them, before or right after it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failpoint {
    call: &'static str,
    nth: u64,
    after: bool,
}

/// Kinds of call, and up to how many of them a first run and a recovery of one batch surely make.
const CALLS: [(&str, u64, u64); 8] = [
    ("log-write", 4, 2),
    ("log-sync", 4, 3),
    ("anchor-sync", 3, 1),
    ("store-write", 5, 1),
    ("rename", 2, 1),
    ("connect", 8, 2),
    ("send", 35, 3),
    ("send-after-sync", 3, 1),
];

impl Failpoint {
    /// Every kind of call before and after, in turn.
    pub(crate) fn in_turn(turn: u64, rng: &mut Rng) -> Self {
        let places = 2 * CALLS.len() as u64;
        let place = usize::try_from(turn % places).unwrap_or_default();
        let (call, most, _) = CALLS[place / 2];
        Self { call, nth: rng.u64(1..=most), after: place % 2 == 1 }
    }

    /// Any of them, early enough for a recovery.
    pub(crate) fn of_recovery(rng: &mut Rng) -> Self {
        let (call, _, most) = CALLS[rng.usize(..CALLS.len())];
        Self { call, nth: rng.u64(1..=most), after: rng.bool() }
    }

    /// Kind of call and side of it, whichever of the calls it is.
    pub(crate) fn kind(&self) -> String {
        kind(self.call, self.after)
    }

    /// Every kind there is.
    pub(crate) fn kinds() -> impl Iterator<Item = String> {
        CALLS.iter().flat_map(|(call, ..)| [kind(call, false), kind(call, true)])
    }
}

fn kind(call: &str, after: bool) -> String {
    format!("{} {call}", if after { "after" } else { "before" })
}

impl fmt::Display for Failpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, nth, after } = self;
        write!(f, "{call}:{nth}:{}", if *after { "after" } else { "before" })
    }
}

/// The library, where it is loaded.
#[derive(Debug)]
pub(crate) struct Preload(PathBuf);

impl Preload {
    /// Looks for the library beside this program and sees whether `program` kills itself with it.
    pub(crate) fn find(this: &Path, program: &Path) -> Option<Self> {
        let folder = this.canonicalize().ok()?.parent()?.to_owned();
        let places = [folder.join(LIBRARY), folder.join("deps").join(LIBRARY)];
        let preload = Self(places.into_iter().find(|place| place.exists())?);
        let mut command = Command::new(program);
        command.arg("--version").env_clear();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        preload.arm(&mut command, "output:1:before");
        let status = command.status().ok()?;
        (status.signal() == Some(SIGKILL)).then_some(preload)
    }

    /// Makes a command kill itself.
    pub(crate) fn arm(&self, command: &mut Command, at: &str) {
        command.env("LD_PRELOAD", &self.0).env(VARIABLE, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_hold_every_kind_before_any_kind_comes_again() {
        let mut rng = Rng::with_seed(1);
        let count = Failpoint::kinds().count();
        let turns = (0..count as u64).map(|turn| Failpoint::in_turn(turn, &mut rng).kind());
        assert_eq!(turns.collect::<Vec<_>>(), Failpoint::kinds().collect::<Vec<_>>());
    }
}
