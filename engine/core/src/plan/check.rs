//! From a plan document to a plan that makes sense: bounded, acyclic, in canonical order, with its key.

use crate::decimal::{Price, Qty};
use crate::key::{BatchKey, PayloadDigest};
use crate::name::{LegName, Occasion, StrategyName, Symbol, VenueName};
use crate::order::{OrderKind, Side};
use crate::spec::{PolicySpec, Residual};

use super::document::{Leg, OnResidual, Plan, Policy, Quantity};
use super::fingerprint::digest;
use super::graph;

/// Legs a plan may have.
pub const LEGS_MAX: usize = 64;
/// Longest leg timeout, a day.
pub(super) const LEG_TIMEOUT_MS_MAX: u64 = 86_400_000;
/// Widest unwind band, half the price.
pub(super) const SLIPPAGE_BPS_MAX: u32 = 5_000;
/// Unwind orders per leg.
pub(crate) const UNWIND_ATTEMPTS_MAX: u16 = 100;
/// Longest compensation, an hour.
pub(super) const UNWIND_MS_MAX: u64 = 3_600_000;

/// Why a plan is refused before anything else happens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// No legs or too many.
    #[error("plan has {0} legs, allowed are 1 to 64")]
    LegCount(usize),
    /// Two legs share a name.
    #[error("leg name '{0}' is used twice")]
    DuplicateName(LegName),
    /// A reference to a leg that is not there.
    #[error("leg '{leg}': {field} names '{missing}', which is no leg of this plan")]
    Dangling {
        /// The leg with the reference.
        leg: LegName,
        /// Which field.
        field: &'static str,
        /// The name that is missing.
        missing: LegName,
    },
    /// A dependency listed twice.
    #[error("leg '{leg}': after names '{repeated}' twice")]
    RepeatedDependency {
        /// The leg with the reference.
        leg: LegName,
        /// The name listed twice.
        repeated: LegName,
    },
    /// Legs that wait for each other.
    #[error("legs wait for each other: {0}")]
    Cycle(String),
    /// `of` without waiting for that leg.
    #[error("leg '{leg}': a quantity of '{of}' needs '{of}' in after")]
    OfWithoutAfter {
        /// The leg with the quantity.
        leg: LegName,
        /// The leg it is a quantity of.
        of: LegName,
    },
    /// A policy field outside its range.
    #[error("policy: {field} is {value}, allowed are {allowed}")]
    OutOfRange {
        /// Which field.
        field: &'static str,
        /// Its value.
        value: u64,
        /// What is allowed.
        allowed: String,
    },
    /// A residual policy that is parsed but not supported.
    #[error(
        "policy: on_residual = \"{0}\" is not yet supported, allowed are \"unwind\" and \"park\""
    )]
    Unsupported(&'static str),
    /// Two legs of the plan could trade with each other (V11).
    #[error(
        "legs '{one}' and '{other}' trade {symbol} at {venue} in opposite directions at once and could trade with each other: order them with after"
    )]
    Crossing {
        /// One leg.
        one: LegName,
        /// The other.
        other: LegName,
        /// Their instrument.
        symbol: Symbol,
        /// Their venue.
        venue: VenueName,
    },
}

/// A plan that passed every check that needs no venue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedPlan {
    /// Who wants it.
    pub strategy: StrategyName,
    /// What it is for.
    pub occasion: Occasion,
    /// Legs in canonical order: by fingerprint, then by name.
    pub legs: Vec<CheckedLeg>,
    /// For each place in the plan's listing, the canonical index.
    pub listing: Vec<u8>,
    /// The policy.
    pub policy: PolicySpec,
    /// Names the batch.
    pub key: BatchKey,
    /// Covers what the key leaves out.
    pub digest: PayloadDigest,
}

/// One leg with its references resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedLeg {
    /// Name in the plan.
    pub name: LegName,
    /// Venue as configured.
    pub venue: VenueName,
    /// The venue's own symbol.
    pub symbol: Symbol,
    /// Buy or sell.
    pub side: Side,
    /// Market or limit.
    pub kind: OrderKind,
    /// How much.
    pub quantity: CheckedQuantity,
    /// May only reduce a position.
    pub reduce_only: bool,
    /// Canonical indices of its dependencies, ascending.
    pub after: Vec<u8>,
}

/// How much, with the reference resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckedQuantity {
    /// Base units.
    Base(Qty),
    /// Quote value.
    Quote(Qty),
    /// Venue units.
    Contracts(Qty),
    /// What another leg fills.
    Of {
        /// Canonical index of that leg.
        leg: u8,
        /// Factor on its base quantity.
        ratio: Qty,
    },
}

impl Plan {
    /// Checks everything that can be checked without a venue, and derives key and digest.
    ///
    /// # Errors
    /// Says what is wrong, where, and what is allowed.
    pub fn check(&self) -> Result<CheckedPlan, PlanError> {
        if self.legs.is_empty() || self.legs.len() > LEGS_MAX {
            return Err(PlanError::LegCount(self.legs.len()));
        }
        for (index, leg) in self.legs.iter().enumerate() {
            if self.legs[..index].iter().any(|earlier| earlier.name == leg.name) {
                return Err(PlanError::DuplicateName(leg.name.clone()));
            }
        }
        let policy = check_policy(&self.policy)?;
        let (after, order) = graph::resolve(&self.legs)?;
        let sources = self.sources(&after)?;
        self.refuse_crossing_legs(&after, &order)?;

        let fingerprints = self.fingerprints(&order, &sources);
        let mut canonical: Vec<usize> = (0..self.legs.len()).collect();
        canonical.sort_by_key(|index| (fingerprints[*index], &self.legs[*index].name));
        let mut place = vec![0_u8; self.legs.len()];
        for (position, index) in canonical.iter().enumerate() {
            place[*index] = u8::try_from(position).unwrap_or(u8::MAX);
        }
        let legs: Vec<_> = canonical
            .iter()
            .map(|index| checked_leg(&self.legs[*index], &after[*index], sources[*index], &place))
            .collect();
        let key = self.key(canonical.iter().map(|index| &fingerprints[*index]));
        let digest = digest(key, &legs, &policy);
        Ok(CheckedPlan {
            strategy: self.strategy.clone(),
            occasion: self.occasion.clone(),
            legs,
            listing: place,
            policy,
            key,
            digest,
        })
    }

    /// For each leg with an `of` quantity, the index of the leg it follows.
    fn sources(&self, after: &[Vec<usize>]) -> Result<Vec<Option<usize>>, PlanError> {
        let source = |(index, leg): (usize, &Leg)| match &leg.quantity {
            Quantity::Of { leg: of, .. } => {
                let target =
                    graph::position(&self.legs, of).ok_or_else(|| PlanError::Dangling {
                        leg: leg.name.clone(),
                        field: "quantity",
                        missing: of.clone(),
                    })?;
                if after[index].contains(&target) {
                    Ok(Some(target))
                } else {
                    Err(PlanError::OfWithoutAfter { leg: leg.name.clone(), of: of.clone() })
                }
            }
            _ => Ok(None),
        };
        self.legs.iter().enumerate().map(source).collect()
    }

    /// Legs that may be in the market together must not be able to match each other (V11).
    fn refuse_crossing_legs(&self, after: &[Vec<usize>], order: &[usize]) -> Result<(), PlanError> {
        let ancestors = ancestors(after, order);
        for (one_index, one) in self.legs.iter().enumerate() {
            for (other_index, other) in self.legs.iter().enumerate().skip(one_index + 1) {
                let same = one.venue == other.venue && one.instrument == other.instrument;
                let ordered = ancestors[one_index] & (1 << other_index) != 0
                    || ancestors[other_index] & (1 << one_index) != 0;
                if same && one.side != other.side && !ordered && could_match(one, other) {
                    return Err(PlanError::Crossing {
                        one: one.name.clone(),
                        other: other.name.clone(),
                        symbol: one.instrument.clone(),
                        venue: one.venue.clone(),
                    });
                }
            }
        }
        Ok(())
    }
}

/// For each leg the set of legs it waits for, directly or through others, as a bit mask (64 legs at most).
fn ancestors(after: &[Vec<usize>], order: &[usize]) -> Vec<u64> {
    let mut ancestors = vec![0_u64; after.len()];
    for index in order {
        ancestors[*index] = after[*index]
            .iter()
            .fold(0, |set, dependency| set | (1 << dependency) | ancestors[*dependency]);
    }
    ancestors
}

fn could_match(one: &Leg, other: &Leg) -> bool {
    let limit = |leg: &Leg| match leg.kind {
        OrderKind::Market => None,
        OrderKind::Limit { price, .. } => Some(price),
    };
    match (limit(one), limit(other)) {
        (Some(one_price), Some(other_price)) => {
            let (buy, sell): (Price, Price) = match one.side {
                Side::Buy => (one_price, other_price),
                Side::Sell => (other_price, one_price),
            };
            buy >= sell
        }
        _ => true,
    }
}

fn checked_leg(leg: &Leg, after: &[usize], source: Option<usize>, place: &[u8]) -> CheckedLeg {
    let mut after: Vec<u8> = after.iter().map(|index| place[*index]).collect();
    after.sort_unstable();
    let quantity = match (&leg.quantity, source) {
        (Quantity::Of { ratio, .. }, Some(source)) => {
            CheckedQuantity::Of { leg: place[source], ratio: *ratio }
        }
        (Quantity::Quote(quantity), _) => CheckedQuantity::Quote(*quantity),
        (Quantity::Contracts(quantity), _) => CheckedQuantity::Contracts(*quantity),
        (Quantity::Base(quantity) | Quantity::Of { ratio: quantity, .. }, _) => {
            CheckedQuantity::Base(*quantity)
        }
    };
    CheckedLeg {
        name: leg.name.clone(),
        venue: leg.venue.clone(),
        symbol: leg.instrument.clone(),
        side: leg.side,
        kind: leg.kind,
        quantity,
        reduce_only: leg.reduce_only,
        after,
    }
}

fn check_policy(policy: &Policy) -> Result<PolicySpec, PlanError> {
    let on_residual = match policy.on_residual {
        OnResidual::Unwind => Residual::Unwind,
        OnResidual::Park => Residual::Park,
        OnResidual::Trim => return Err(PlanError::Unsupported("trim")),
        OnResidual::Complete => return Err(PlanError::Unsupported("complete")),
    };
    within("leg_timeout_ms", policy.leg_timeout_ms, LEG_TIMEOUT_MS_MAX)?;
    within("unwind_slippage_bps", policy.unwind_slippage_bps.into(), SLIPPAGE_BPS_MAX.into())?;
    within("unwind_attempts", policy.unwind_attempts.into(), UNWIND_ATTEMPTS_MAX.into())?;
    within("unwind_max_ms", policy.unwind_max_ms, UNWIND_MS_MAX)?;
    Ok(PolicySpec {
        on_residual,
        leg_timeout_ms: policy.leg_timeout_ms,
        unwind_slippage_bps: policy.unwind_slippage_bps,
        unwind_attempts: policy.unwind_attempts,
        unwind_ms_max: policy.unwind_max_ms,
        unwind_loss_max: policy.unwind_loss_max,
    })
}

fn within(field: &'static str, value: u64, largest: u64) -> Result<(), PlanError> {
    if (1..=largest).contains(&value) {
        return Ok(());
    }
    Err(PlanError::OutOfRange { field, value, allowed: format!("1 to {largest}") })
}
