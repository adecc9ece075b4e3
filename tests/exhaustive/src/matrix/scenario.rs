//! The canonical scenarios: what the market does to each order, and when the user stops.

use equipoise_core::{ResendClass, Residual, Role};

use crate::config::{LegShape, letter};
use crate::exchange::Verdict;
use crate::world::{Action, World};

/// What becomes of an order of the entry role, or of the first unwind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Fills,
    /// Half of it, the rest is cancelled.
    Half,
    Refused,
}

/// One scenario with two legs.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) legs: Vec<LegShape>,
    pub(crate) residual: Residual,
    /// By leg, for its first entry.
    fates: [Fate; 2],
    /// The first unwind order fills only half.
    unwind_half: bool,
    /// The user stops as soon as the batch is admitted.
    stops: bool,
}

/// The scenarios of each pair of classes.
pub(crate) fn scenarios(pairs: &[(ResendClass, ResendClass)]) -> Vec<Scenario> {
    let mut all = Vec::new();
    for (one, other) in pairs {
        all.extend(of_pair(*one, *other));
    }
    all
}

fn of_pair(one: ResendClass, other: ResendClass) -> Vec<Scenario> {
    let market = vec![LegShape::market(one), LegShape::market(other)];
    let sequence =
        vec![LegShape::market(one), LegShape { after: Some(0), ..LegShape::market(other) }];
    let follower = vec![
        LegShape::market(one),
        LegShape { after: Some(0), follows: true, ..LegShape::market(other) },
    ];
    let scenario = |what: &str, legs: &[LegShape], fates| Scenario {
        name: format!("{what} {}{}", letter(one), letter(other)),
        legs: legs.to_vec(),
        residual: Residual::Unwind,
        fates,
        unwind_half: false,
        stops: false,
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
    /// Whether a leg's first entry is sent and taken by its venue.
    pub(crate) fn takes(&self, leg: usize) -> bool {
        self.fates[leg] != Fate::Refused && (leg == 0 || !self.stops)
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
                let fate = match parcel.tag.role {
                    Role::Entry => self.fates[usize::from(parcel.tag.leg)],
                    Role::Unwind if self.unwind_half && first => Fate::Half,
                    Role::Unwind => Fate::Fills,
                };
                let verdict = match (fate, verdict) {
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
