//! Why a command did not do what it was asked, with a stable word for programs and the exit code that follows.

use equipoise::port::JournalError;
use equipoise::venues::OpenError;
use equipoise::{BatchError, CheckError, PlanError, StartError, SubmitError};

use crate::config::JournalConfig;
use crate::exit::Exit;

/// A command that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What the process ends with.
    pub exit: Exit,
    /// A stable snake_case word.
    pub code: &'static str,
    /// For people; holds no secret.
    pub message: String,
}

impl Failure {
    /// The input is wrong; nothing was sent.
    pub(crate) const fn refused(code: &'static str, message: String) -> Self {
        Self { exit: Exit::Refused, code, message }
    }

    /// Anything the input cannot be blamed for.
    pub(crate) const fn broken(code: &'static str, message: String) -> Self {
        Self { exit: Exit::Failed, code, message }
    }

    /// The same with the folder of the journal, where it is about one and does not name it.
    pub(crate) fn in_journal(mut self, journal: &JournalConfig) -> Self {
        // What cannot be made absolute, such as the empty path of a journal in memory, is told as it is.
        let path = std::path::absolute(&journal.path).unwrap_or_else(|_| journal.path.clone());
        let folder = path.display().to_string();
        let about_it = self.code.starts_with("journal_") && !folder.is_empty();
        if about_it && !self.message.contains(&folder) {
            self.message = format!("{} (journal in {folder})", self.message);
        }
        self
    }

    /// Asked to stop before there was a batch.
    pub(crate) fn interrupted() -> Self {
        Self::broken(
            "interrupted",
            "interrupted before the plan was admitted, nothing was sent".to_owned(),
        )
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        Self::refused("plan_invalid", error.to_string())
    }
}

impl From<CheckError> for Failure {
    fn from(error: CheckError) -> Self {
        let message = error.to_string();
        match error {
            CheckError::Plan(_) => Self::refused("plan_invalid", message),
            CheckError::UnknownVenue { .. } => Self::refused("unknown_venue", message),
            CheckError::Credentials { .. } => Self::refused("credentials", message),
            CheckError::Instrument { .. } => Self::refused("unknown_instrument", message),
            CheckError::Size(_) => Self::refused("size", message),
            CheckError::Account { .. } => Self::refused("account", message),
            CheckError::Unready { .. } => Self::broken("venue_unready", message),
        }
    }
}

impl From<SubmitError> for Failure {
    fn from(error: SubmitError) -> Self {
        let message = error.to_string();
        match error {
            SubmitError::Check(error) => error.into(),
            SubmitError::KeyUsed { .. } => Self::refused("key_used", message),
            SubmitError::OccasionUsed { .. } => Self::refused("occasion_used", message),
            SubmitError::JournalMissing { .. } => Self::refused("journal_missing", message),
            SubmitError::Journal(error) => error.into(),
            SubmitError::Stopping => Self::interrupted(),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let message = error.to_string();
        match error {
            StartError::Journal(error) => error.into(),
            StartError::MissingVenue { .. } => Self::refused("unknown_venue", message),
            StartError::OtherAccount { .. } => {
                Self::refused("other_account", format!("{message}; --same-accounts says so"))
            }
            StartError::Credentials { .. } => Self::refused("credentials", message),
            StartError::Replay { .. } => Self::broken("journal_damaged", message),
        }
    }
}

impl From<BatchError> for Failure {
    fn from(error: BatchError) -> Self {
        let message = error.to_string();
        match error {
            BatchError::Journal(error) => error.into(),
            BatchError::Submit(error) => (*error).into(),
            BatchError::Defect(_) | BatchError::Abandoned => Self::broken("defect", message),
        }
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        let code = match error {
            JournalError::Fenced { .. } | JournalError::OutOfSequence { .. } => "journal_taken",
            JournalError::Full { .. } => "journal_full",
            JournalError::Failed(_) => "journal_failed",
            JournalError::Locked(_) => "journal_locked",
            JournalError::Damaged(_) => "journal_damaged",
            JournalError::TooNew { .. } => "journal_too_new",
            JournalError::Unopened(_) => "journal_unopened",
        };
        Self::broken(code, error.to_string())
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let code = match error {
            OpenError::UnknownAdapter { .. } | OpenError::Gone { .. } => "unknown_adapter",
            _ => "config_invalid",
        };
        Self::refused(code, error.to_string())
    }
}
