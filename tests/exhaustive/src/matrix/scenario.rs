//! The canonical scenarios: what the market does to each order, and when the user stops.

use equipoise_core::{ResendClass, Residual, Role};

use super::quirks;
use crate::config::{LegShape, UNWIND_ATTEMPTS, UNWIND_MS, letter};
use crate::exchange::Verdict;
use crate::world::{Action, World};

/// What becomes of an order of the entry role, or of the first unwind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Fills,
    /// Half of it, the rest is cancelled.
    Half,
    Refused,
}

/// One scenario.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) legs: Vec<LegShape>,
    pub(crate) residual: Residual,
    pub(crate) unwind_ms: u64,
    pub(crate) unwind_attempts: u16,
    /// By leg, for every attempt of its entry.
    pub(super) fates: Vec<Fate>,
    /// The first unwind order fills only half.
    pub(super) unwind_half: bool,
    /// Legs whose venue refuses every unwind order by a rate limit.
    pub(super) banned: Vec<u8>,
    /// Legs of which nothing can be taken back.
    pub(super) troubled: Vec<u8>,
    /// The user stops as soon as the batch is admitted.
    pub(super) stops: bool,
    /// Kills strike every nth place of its runs, and the first of each kind of point.
    pub(super) places: usize,
    /// Kills strike every nth place of its recoveries.
    pub(super) stride: usize,
}

/// The scenarios of each pair of classes.
pub(crate) fn scenarios(pairs: &[(ResendClass, ResendClass)]) -> Vec<Scenario> {
    let mut all = Vec::new();
    for (one, other) in pairs {
        all.extend(of_pair(*one, *other));
        all.extend(quirks::of_pair(*one, *other));
    }
    all
}

fn of_pair(one: ResendClass, other: ResendClass) -> Vec<Scenario> {
    let market = [LegShape::market(one), LegShape::market(other)];
    let sequence = [LegShape::market(one), LegShape::after(other, 0)];
    let follower = [LegShape::market(one), LegShape::following(other, 0)];
    let pair = format!("{}{}", letter(one), letter(other));
    let scenario = |what: &str, legs: &[LegShape], fates: [Fate; 2]| {
        Scenario::of(format!("{what} {pair}"), legs, &fates)
    };
    use Fate::{Fills, Half, Refused};
    let refused = scenario("one refused", &market, [Fills, Refused]);
    let parked = Scenario {
        residual: Residual::Park,
        ..scenario("one refused, park", &market, [Fills, Refused])
    };
    let excess = scenario("partial: excess, then rest", &market, [Fills, Half]);
    vec![
        scenario("both filled", &market, [Fills, Fills]),
        refused,
        parked,
        Scenario { unwind_half: true, ..excess },
        Scenario { stops: true, ..scenario("stopped by the user", &sequence, [Fills, Fills]) },
        scenario("in sequence", &sequence, [Fills, Fills]),
        scenario("follower of a partial fill", &follower, [Half, Fills]),
    ]
}

impl Scenario {
    /// Unwound if need be, without a stop.
    pub(super) fn of(name: String, legs: &[LegShape], fates: &[Fate]) -> Self {
        Self {
            name,
            legs: legs.to_vec(),
            residual: Residual::Unwind,
            unwind_ms: UNWIND_MS,
            unwind_attempts: UNWIND_ATTEMPTS,
            fates: fates.to_vec(),
            unwind_half: false,
            banned: Vec::new(),
            troubled: Vec::new(),
            stops: false,
            places: 1,
            stride: 1,
        }
    }

    /// Whether a leg's first entry is sent and taken by its venue.
    pub(crate) fn takes(&self, leg: usize) -> bool {
        self.fates[leg] != Fate::Refused && (leg == 0 || !self.stops)
    }

    /// Whether something is taken back if nothing else goes wrong.
    pub(crate) fn unwinds(&self) -> bool {
        let followed = |leg: usize| {
            self.legs.iter().any(|other| other.follows && other.after.map(usize::from) == Some(leg))
        };
        let short = |(leg, fate): (usize, &Fate)| *fate != Fate::Fills && !followed(leg);
        self.residual == Residual::Unwind
            && (self.stops || self.fates.iter().enumerate().any(short))
    }

    /// The scripted outcome of an action that has several.
    pub(crate) fn outcome(&self, world: &World, action: Action) -> Action {
        match action {
            Action::Arrive { nth, verdict } => {
                let parcel = &world.wire[usize::from(nth)];
                if !world.may_act(parcel) || parcel.copied || world.is_over() {
                    return action;
                }
                let first = parcel.tag.attempt == 0;
                let leg = parcel.tag.leg;
                let fate = match parcel.tag.role {
                    Role::Entry => self.fates[usize::from(leg)],
                    Role::Unwind if self.unwind_half && first => Fate::Half,
                    Role::Unwind => Fate::Fills,
                };
                let verdict = match (fate, verdict) {
                    _ if parcel.tag.role == Role::Unwind && self.banned.contains(&leg) => {
                        Verdict::RefuseLimited
                    }
                    (Fate::Refused, _) => Verdict::RefuseFinal,
                    (Fate::Half, Verdict::Take(most)) => Verdict::Take(most.div_ceil(2)),
                    (_, verdict) => verdict,
                };
                Action::Arrive { nth, verdict }
            }
            Action::Execute { leg, number, lots } => {
                let venue = &world.venues[usize::from(leg)];
                let entries = usize::from(number) == 0;
                let half = if entries {
                    self.fates[usize::from(leg)] == Fate::Half
                } else {
                    self.unwind_half && venue.orders.len() == 2
                };
                Action::Execute { leg, number, lots: if half { lots.div_ceil(2) } else { lots } }
            }
            other => other,
        }
    }

    /// The user's stop, as soon as it can come.
    pub(crate) fn stop_now(&self, world: &World, possible: &[Action]) -> Option<Action> {
        let due = self.stops && world.left.stops > 0;
        possible.iter().copied().find(|action| due && *action == Action::Stop)
    }
}
