//! The faults of the matrix, each at its first occasion in a run.

use equipoise_core::{ResendClass, Role};

use super::Point;
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
    /// The action with which it strikes here, if it can. A second owner comes while an order is on its way; beside a
    /// kill it may come at any moment, as the first owner's orders may all have arrived before.
    pub(crate) fn strikes(
        self,
        world: &World,
        possible: &[Action],
        beside_kill: bool,
    ) -> Option<Action> {
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
                admitted && (sent || beside_kill)
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

    /// Why it strikes neither before nor after a kill at a point, where that is so. Nothing else may be left uncrossed,
    /// and nothing that is listed here may be crossed.
    pub(super) fn impossible(self, scenario: &Scenario, point: Point) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::UnwindRepeated if !scenario.unwinds() => Some("nothing is taken back"),
            // A kill that loses the append of the stop has the gateway's leg sent after all.
            Self::RejectedLater if scenario.rejected().is_none() => {
                let sent =
                    point == Point::BeforeAppend && scenario.stops && scenario.has(ResendClass::A);
                (!sent).then_some("no gateway acknowledges before its engine decides")
            }
            // Book and position are read before.
            Self::ReadingsLate => None,
            _ if point == Point::BeforeAdmission => Some(
                "nothing is on its way before the admission, and a kill leaves nothing of the batch",
            ),
            _ if point == Point::BetweenAppendAndSend => self.impossible_unsent(scenario),
            _ => None,
        }
    }

    /// The same where the kill keeps an order from leaving whose intent is durable.
    fn impossible_unsent(self, scenario: &Scenario) -> Option<&'static str> {
        // Absence must be proven before anything else is sent there, or cannot be at all.
        let proven = scenario.legs[0].class != ResendClass::A;
        let never_proven = scenario.has(ResendClass::C) && scenario.is_one_wave();
        match self {
            Self::RequestLost
            | Self::RequestLate
            | Self::UnwindRepeated
            | Self::NeverHandedOver
            | Self::RefusedForNow
            | Self::RateLimited
                if scenario.stops && proven =>
            {
                Some(
                    "no further order is sent: the user has stopped, or the time for taking back is over",
                )
            }
            Self::ReplyLost if never_proven && !scenario.unwinds() => Some(
                "no further order is sent: at a venue of class C the one kept back stays in doubt",
            ),
            // A repetition that only reduces takes nothing back beyond that, so no wave follows whose sending could be cut.
            Self::UnwindRepeated if never_proven && scenario.takes_back_once() => Some(
                "one wave takes everything back, and an entry kept back at class C stays in doubt",
            ),
            _ => None,
        }
    }
}
