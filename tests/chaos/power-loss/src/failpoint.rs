//! Names of the moments at which a process can be told to kill itself.
//!
//! A failpoint is a kind of system call, how many of that kind are made until then, and whether it comes before or
//! right after the last of them: `log-sync:3:before` is after the third group was written and before it was synced.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// The environment variable that names the failpoint.
pub const VARIABLE: &str = "EQUIPOISE_KILL_AT";

/// A kind of system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// A write to the journal's log.
    LogWrite,
    /// A sync of it.
    LogSync,
    /// A sync of the anchor.
    AnchorSync,
    /// A write to a file of the store behind the log.
    StoreWrite,
    /// Any file gets another name.
    Rename,
    /// A connection over the network is asked for.
    Connect,
    /// Bytes are handed to a socket of the network.
    Send,
    /// The first of those after a sync of the journal's log: what the sync was for.
    SendAfterSync,
    /// A write to one of the two standard outputs; shows whether failpoints work at all.
    Output,
}

/// On which side of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    /// It is never made.
    Before,
    /// The system has made it, and its caller never learns of that.
    After,
}

/// Where a process kills itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failpoint {
    /// At which kind of call.
    pub call: Call,
    /// At which of them, counted from one.
    pub nth: u64,
    /// On which side of it.
    pub when: When,
}

impl Call {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::LogWrite,
        Self::LogSync,
        Self::AnchorSync,
        Self::StoreWrite,
        Self::Rename,
        Self::Connect,
        Self::Send,
        Self::SendAfterSync,
        Self::Output,
    ];

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LogWrite => "log-write",
            Self::LogSync => "log-sync",
            Self::AnchorSync => "anchor-sync",
            Self::StoreWrite => "store-write",
            Self::Rename => "rename",
            Self::Connect => "connect",
            Self::Send => "send",
            Self::SendAfterSync => "send-after-sync",
            Self::Output => "output",
        }
    }

    /// What a write to a file of this path is, if it is one of the journal's.
    #[must_use]
    pub fn of_write(path: &Path) -> Option<Self> {
        if is_of_log(path) {
            return Some(Self::LogWrite);
        }
        let of_store = |part: &std::ffi::OsStr| part == "sled" || part == "journal.redb";
        path.iter().any(of_store).then_some(Self::StoreWrite)
    }

    /// What a sync of a file of this path is, if it is one that orders depend on.
    #[must_use]
    pub fn of_sync(path: &Path) -> Option<Self> {
        if is_of_log(path) {
            return Some(Self::LogSync);
        }
        path.ends_with("anchor").then_some(Self::AnchorSync)
    }
}

fn is_of_log(path: &Path) -> bool {
    path.ends_with("log-0") || path.ends_with("log-1")
}

impl When {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

impl fmt::Display for Failpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.call.name(), self.nth, self.when.name())
    }
}

/// It is not a kind of call, a number from one up, and a side, with colons between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoFailpoint;

impl FromStr for Failpoint {
    type Err = NoFailpoint;

    fn from_str(text: &str) -> Result<Self, NoFailpoint> {
        let mut parts = text.split(':');
        let name = parts.next().ok_or(NoFailpoint)?;
        let call = Call::ALL.into_iter().find(|call| call.name() == name).ok_or(NoFailpoint)?;
        let nth = parts.next().and_then(|nth| nth.parse().ok()).ok_or(NoFailpoint)?;
        let side = parts.next().ok_or(NoFailpoint)?;
        let sides = [When::Before, When::After];
        let when = sides.into_iter().find(|when| when.name() == side).ok_or(NoFailpoint)?;
        match (nth, parts.next()) {
            (1.., None) => Ok(Self { call, nth, when }),
            _ => Err(NoFailpoint),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_out_reads_as_the_same_failpoint() {
        for call in Call::ALL {
            for when in [When::Before, When::After] {
                let point = Failpoint { call, nth: 17, when };
                assert_eq!(point.to_string().parse(), Ok(point));
            }
        }
    }

    #[test]
    fn anything_else_is_no_failpoint() {
        for text in ["", "log-sync", "log-sync:0:after", "log-sync:1:during", "log-sync:1:after:2"]
        {
            assert_eq!(text.parse::<Failpoint>(), Err(NoFailpoint), "{text}");
        }
    }

    #[test]
    fn files_are_told_by_their_names_in_the_journal() {
        let write = |path| Call::of_write(Path::new(path));
        let sync = |path| Call::of_sync(Path::new(path));
        assert_eq!(write("/j/log-1"), Some(Call::LogWrite));
        assert_eq!(write("/j/sled/db"), Some(Call::StoreWrite));
        assert_eq!(write("/j/journal.redb"), Some(Call::StoreWrite));
        assert_eq!(write("/j/ballast"), None);
        assert_eq!(sync("/j/log-0"), Some(Call::LogSync));
        assert_eq!(sync("/j/anchor"), Some(Call::AnchorSync));
        assert_eq!(sync("/j/sled/db"), None);
    }
}
