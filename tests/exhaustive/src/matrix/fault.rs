//! The faults of the matrix, each at its first occasion in a run.

use equipoise_core::Role;

use super::scenario::Scenario;
use crate::exchange::Verdict;
use crate::world::{Action, Durable, World};

/// One kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    RequestLost,
    ReplyLost,
    RequestLate,
    RequestRepeated,
    UnwindRepeated,
    NeverHandedOver,
    RefusedForNow,
    RateLimited,
    RejectedLater,
    NotShownAtFirst,
    TradesShownLater,
    AnswerLate,
    Unanswerable,
    ReadingsLate,
    SyncSlow,
    SecondOwner,
}

pub(crate) const FAULTS: [(Fault, &str); 17] = [
    (Fault::None, "none"),
    (Fault::RequestLost, "request lost"),
    (Fault::ReplyLost, "reply lost"),
    (Fault::RequestLate, "request delayed past its deadline"),
    (Fault::RequestRepeated, "request repeated"),
    (Fault::UnwindRepeated, "unwind request repeated"),
    (Fault::NeverHandedOver, "never handed over"),
    (Fault::RefusedForNow, "refused for now"),
    (Fault::RateLimited, "rate limited"),
    (Fault::RejectedLater, "rejected after acknowledgement"),
    (Fault::NotShownAtFirst, "not shown at first"),
    (Fault::TradesShownLater, "trades shown later"),
    (Fault::AnswerLate, "late answer to a look"),
    (Fault::Unanswerable, "looks not answered"),
    (Fault::ReadingsLate, "late readings"),
    (Fault::SyncSlow, "slow sync"),
    (Fault::SecondOwner, "second owner"),
];

impl Fault {
    /// The action with which it strikes here, if it can.
    pub(crate) fn strikes(self, world: &World, possible: &[Action]) -> Option<Action> {
        let sent = world.wire.iter().any(|parcel| parcel.awaited);
        let admitted = world.current().is_some_and(|(_, owner)| owner.appended > 0);
        possible.iter().copied().find(|action| match (self, action) {
            (Self::RequestLost, Action::Lose { .. })
            | (Self::RequestRepeated, Action::Copy { .. })
            | (Self::NeverHandedOver, Action::Unsent { .. })
            | (Self::RejectedLater, Action::Reject { .. })
            | (Self::TradesShownLater, Action::Ask { bare: true, .. })
            | (Self::AnswerLate, Action::AskLate { .. })
            | (Self::Unanswerable, Action::Unanswerable { .. })
            | (Self::ReadingsLate, Action::PrepareLate { .. }) => true,
            (Self::UnwindRepeated, Action::Copy { nth }) => {
                world.wire[usize::from(*nth)].tag.role == Role::Unwind
            }
            (Self::ReplyLost, Action::Timeout { .. }) => !world.answers.is_empty(),
            (Self::RequestLate, Action::Tick) => sent,
            (Self::SyncSlow, Action::Tick) => {
                world.current().is_some_and(|(_, owner)| owner.pending.is_some())
            }
            (Self::RefusedForNow, Action::Arrive { verdict, .. }) => {
                *verdict == Verdict::RefuseTransient
            }
            (Self::RateLimited, Action::Arrive { verdict, .. }) => {
                *verdict == Verdict::RefuseLimited
            }
            (Self::NotShownAtFirst, Action::Arrive { verdict: Verdict::TakeHidden(_), .. }) => true,
            (Self::SecondOwner, Action::TakeOver { durable: Durable::Facts(_) }) => {
                admitted && sent
            }
            _ => false,
        })
    }

    /// Whether it may keep the first leg's order from its venue until another leg is refused.
    pub(super) const fn may_drop_first(self) -> bool {
        matches!(
            self,
            Self::RequestLost
                | Self::RequestLate
                | Self::NeverHandedOver
                | Self::RefusedForNow
                | Self::RateLimited
        )
    }

    /// Whether it makes a venue take an order that it was to refuse.
    pub(super) const fn may_fill(self) -> bool {
        matches!(self, Self::RequestRepeated | Self::NotShownAtFirst)
    }

    /// Whether beside a kill it may cost a leg its time, or fill one twice: all is taken back then.
    pub(super) const fn may_end_flat(self) -> bool {
        !matches!(
            self,
            Self::None
                | Self::ReplyLost
                | Self::NeverHandedOver
                | Self::NotShownAtFirst
                | Self::TradesShownLater
                | Self::AnswerLate
                | Self::ReadingsLate
        )
    }

    /// Whether a scenario gives it an occasion.
    pub(crate) fn has_occasion(self, scenario: &Scenario) -> bool {
        match self {
            Self::None => false,
            Self::UnwindRepeated => scenario.unwinds(),
            // Only a gateway acknowledges what the engine behind it may still reject.
            Self::RejectedLater => scenario.rejected().is_some(),
            _ => true,
        }
    }
}
