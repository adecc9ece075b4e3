//! How runs end, and how they must.

use equipoise_core::{BatchStatus, ResendClass, Residual};

use super::fault::Fault;
use super::scenario::Scenario;
use crate::claims::{Violation, is_used_up};
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

/// That a run ended as its scenario, its fault and its kills allow: what could have been brought to its end and was left
/// to a person all the same breaks this claim, however exact the report.
pub(super) fn of_run(
    scenario: &Scenario,
    fault: Fault,
    kills: usize,
    world: &World,
) -> Result<(), Violation> {
    let end = End::of(world);
    let allowed = match kills {
        0 => unkilled(scenario, fault).contains(&end),
        _ => killed(scenario, fault, kills, end, world),
    };
    if allowed {
        return Ok(());
    }
    let claim = "a batch ends as its scenario says";
    Err(Violation {
        claim,
        what: format!("{} instead of {}", end.as_str(), scenario.ends.as_str()),
    })
}

/// How a run without a kill may end: in one way but for what two venues race for.
fn unkilled(scenario: &Scenario, fault: Fault) -> Vec<End> {
    let first = scenario.legs[0].class;
    match fault {
        Fault::Unanswerable => vec![End::InDoubt],
        // What an earlier owner sent to a venue that knows no ids and no deadlines is never proven absent.
        Fault::SecondOwner if scenario.sends_at_once(ResendClass::C) => vec![End::InDoubt],
        // Twice what was wanted: everything is taken back, if the orders for that are enough.
        Fault::RequestRepeated if first != ResendClass::A && scenario.is_short_of_unwinds() => {
            vec![End::Parked]
        }
        Fault::RequestRepeated if first != ResendClass::A && scenario.ends == End::Done => {
            vec![End::Flat]
        }
        Fault::RejectedLater => vec![scenario.end_without_rejected()],
        // The repetition is not refused, and takes back what the venue would otherwise have kept.
        Fault::UnwindRepeated if !scenario.banned.is_empty() => vec![End::Flat],
        // The leg that would fill is not sent again once the other one is refused.
        _ if fault.may_drop_first() && scenario.residual == Residual::Park => {
            vec![End::Flat, End::Parked]
        }
        _ => vec![scenario.ends],
    }
}

/// Whether a run with kills may end so. A kill takes time, never more: it may let a deadline pass.
fn killed(scenario: &Scenario, fault: Fault, kills: usize, end: End, world: &World) -> bool {
    let parks = scenario.residual == Residual::Park;
    // A kill may come before the stop, and a venue that takes what it was to refuse does so for a fault.
    let fills = scenario.stops || fault.may_fill();
    match end {
        End::Never => world.journal.len() == 0,
        End::InDoubt => fault == Fault::Unanswerable || scenario.has(ResendClass::C),
        End::Parked => scenario.ends == End::Parked || is_used_up(world),
        End::Done => scenario.ends == End::Done || fills,
        End::Flat => {
            let received = scenario.received_what_is_kept(world);
            scenario.ends == End::Flat || parks || kills > 1 || fault.may_end_flat() || !received
        }
    }
}
