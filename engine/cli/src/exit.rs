//! Exit codes, all of them.

use std::process::ExitCode;

use equipoise::BatchStatus;

/// How a command ended, by what the caller may do next. Ordered from best to worst for a set of batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// 0: done, or there was nothing to do.
    Done,
    /// 3: flat, either compensated or never executed.
    Flat,
    /// 4: parked; an exposure is left for a person.
    Parked,
    /// 2: the input is wrong; nothing was sent.
    Refused,
    /// 1: anything else.
    Failed,
}

impl Exit {
    /// The process's exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Refused => 2,
            Self::Flat => 3,
            Self::Parked => 4,
        }
    }

    /// How a batch that was run to its end is answered for; one that still runs was not.
    #[must_use]
    pub const fn of(status: BatchStatus) -> Self {
        match status {
            BatchStatus::Done => Self::Done,
            BatchStatus::Flat => Self::Flat,
            BatchStatus::Parked => Self::Parked,
            BatchStatus::Running => Self::Failed,
        }
    }

    /// Leaves the process now, without running anything further.
    pub(crate) fn leave(self) -> ! {
        std::process::exit(self.code().into())
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}
