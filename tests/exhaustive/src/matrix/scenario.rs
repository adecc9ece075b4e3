//! The canonical scenarios: what the market does to each order, and when the user stops.

use equipoise_core::{ResendClass, Residual, Role};

use super::end::End;
use super::quirks;
use crate::config::{LegShape, UNWIND_ATTEMPTS, UNWIND_MS, letter};
use crate::exchange::Verdict;
use crate::product::Product;
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
    /// How it ends if nothing goes wrong.
    pub(super) ends: End,
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
    let scenario = |what: &str, ends: End, legs: &[LegShape], fates: [Fate; 2]| {
        Scenario::of(format!("{what} {pair}"), ends, legs, &fates)
    };
    use End::{Done, Flat, Parked};
    use Fate::{Fills, Half, Refused};
    let refused = scenario("one refused", Flat, &market, [Fills, Refused]);
    let parked = Scenario {
        residual: Residual::Park,
        ..scenario("one refused, park", Parked, &market, [Fills, Refused])
    };
    let excess = scenario("partial: excess, then rest", Flat, &market, [Fills, Half]);
    vec![
        scenario("both filled", Done, &market, [Fills, Fills]),
        refused,
        parked,
        Scenario { unwind_half: true, ..excess },
        Scenario {
            stops: true,
            ..scenario("stopped by the user", Flat, &sequence, [Fills, Fills])
        },
        scenario("in sequence", Done, &sequence, [Fills, Fills]),
        scenario("follower of a partial fill", Done, &follower, [Half, Fills]),
    ]
}

impl Scenario {
    /// Unwound if need be, without a stop.
    pub(super) fn of(name: String, ends: End, legs: &[LegShape], fates: &[Fate]) -> Self {
        Self {
            name,
            legs: legs.to_vec(),
            residual: Residual::Unwind,
            unwind_ms: UNWIND_MS,
            unwind_attempts: UNWIND_ATTEMPTS,
            ends,
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

    /// The leg whose order a gateway acknowledges and may still reject, if there is one.
    pub(super) fn rejected(&self) -> Option<usize> {
        let gateway = |leg: &usize| self.legs[*leg].class == ResendClass::A && self.takes(*leg);
        (0..self.legs.len()).find(gateway)
    }

    /// How it ends if that order is rejected: flat, unless what is left is held and cannot be taken back, or is not to be.
    pub(super) fn end_without_rejected(&self) -> End {
        let Some(rejected) = self.rejected() else {
            return self.ends;
        };
        let held = |leg: usize| {
            let kept =
                self.troubled.is_empty() || self.troubled.iter().any(|it| usize::from(*it) == leg);
            leg != rejected && kept && self.takes(leg)
        };
        let parks = self.ends == End::Parked && (0..self.legs.len()).any(held);
        if parks { End::Parked } else { End::Flat }
    }

    /// Whether a leg of which nothing can be taken back ever filled. After a kill a hedge may go before the rest of its
    /// wave, and its refusal then keeps that rest from being sent.
    pub(super) fn received_what_is_kept(&self, world: &World) -> bool {
        self.troubled.is_empty()
            || self.troubled.iter().any(|leg| {
                let orders = &world.venues[usize::from(*leg)].orders;
                orders.iter().any(|order| !order.trades.is_empty())
            })
    }

    /// Whether a venue of some class trades in it.
    pub(super) fn has(&self, class: ResendClass) -> bool {
        self.legs.iter().any(|leg| leg.class == class)
    }

    /// Whether an order for such a venue is in the first wave.
    pub(super) fn sends_at_once(&self, class: ResendClass) -> bool {
        self.legs.iter().any(|leg| leg.class == class && leg.after.is_none())
    }

    /// Whether no leg waits for another one.
    pub(super) fn is_one_wave(&self) -> bool {
        self.legs.iter().all(|leg| leg.after.is_none())
    }

    /// Whether one order takes everything back, also where the network repeats it: one leg of two filled whole, at an
    /// account that knows orders which only reduce. A repeated sale of spot is bought back.
    pub(super) fn takes_back_once(&self) -> bool {
        let reduces = !matches!(self.legs[0].product, Product::Spot | Product::SpotToken);
        reduces && self.fates == [Fate::Fills, Fate::Refused]
    }

    /// Whether the orders for taking back are too few if there is twice as much, because one of them fills by half.
    pub(super) const fn is_short_of_unwinds(&self) -> bool {
        self.unwind_half && self.unwind_attempts == UNWIND_ATTEMPTS
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

    /// A fault as it strikes: what a venue hides of an entry that fills by half is that half.
    pub(super) fn halved(&self, world: &World, action: Action) -> Action {
        match action {
            Action::Arrive { nth, verdict: Verdict::TakeHidden(most) } => {
                let tag = world.wire[usize::from(nth)].tag;
                let half =
                    tag.role == Role::Entry && self.fates[usize::from(tag.leg)] == Fate::Half;
                let most = if half { most.div_ceil(2) } else { most };
                Action::Arrive { nth, verdict: Verdict::TakeHidden(most) }
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
