//! How runs end, and how they must.

use equipoise_core::BatchStatus;

use crate::world::World;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The batch was never admitted, or refused before anything was sent.
    Never,
    Done,
    Flat,
    /// Left to a person with an exact report.
    Parked,
    /// Left to a person with an order whose outcome stays unknown.
    InDoubt,
}

impl End {
    pub(super) fn of(world: &World) -> Self {
        let Some(saga) = world.journal.replayed() else {
            return Self::Never;
        };
        match saga.status() {
            BatchStatus::Done => Self::Done,
            BatchStatus::Flat => Self::Flat,
            BatchStatus::Parked if saga.net_delta_range().is_some() => Self::InDoubt,
            BatchStatus::Parked | BatchStatus::Running => Self::Parked,
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never admitted",
            Self::Done => "done",
            Self::Flat => "flat",
            Self::Parked => "parked",
            Self::InDoubt => "parked in doubt",
        }
    }
}
