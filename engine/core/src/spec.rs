//! A batch as it was admitted: the plan in canonical order with everything it was sized and judged by.
//!
//! It is the first record of the batch, so a later start needs no configuration, no price and no venue to replay it.

use serde::{Deserialize, Serialize};

use crate::decimal::{Amount, Qty};
use crate::instrument::Instrument;
use crate::key::{BatchKey, PayloadDigest};
use crate::name::{AccountId, LegName, Occasion, StrategyName, VenueName};
use crate::order::{OrderKind, PositionSide, Side};
use crate::plan::LEGS_MAX;
use crate::references::References;
use crate::time::UnixMillis;
use crate::venue::{PositionMode, Positions, VenueTraits};

/// Everything a saga decides by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BatchSpec {
    /// The batch key.
    pub key: BatchKey,
    /// Digest of everything the key leaves out.
    pub digest: PayloadDigest,
    /// Who wants it.
    pub strategy: StrategyName,
    /// What it is for.
    pub occasion: Occasion,
    /// Legs in canonical order.
    pub legs: Vec<LegSpec>,
    /// For each place in the plan's own listing, the canonical index of the leg there.
    pub listing: Vec<u8>,
    /// What to do with a residual.
    pub policy: PolicySpec,
    /// One reference price per pair of assets, for inverse conversion and for judging dust (K7).
    pub references: References,
    /// How long after its absence could be proven an unanswering venue is still asked before the leg is parked, ms.
    pub doubt_grace_ms: u64,
    /// Engine time of admission.
    pub admitted_at: UnixMillis,
}

/// One leg, sized in venue units.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LegSpec {
    /// Name in the plan.
    pub name: LegName,
    /// Venue as configured.
    pub venue: VenueName,
    /// Rules it was sized by.
    pub instrument: Instrument,
    /// Buy or sell.
    pub side: Side,
    /// Market or limit.
    pub kind: OrderKind,
    /// How much.
    pub quantity: LegQuantity,
    /// May only reduce a position.
    pub reduce_only: bool,
    /// Canonical indices of the legs that must be final first.
    pub after: Vec<u8>,
    /// What its venue promises.
    pub traits: VenueTraits,
    /// Whether anything else trades on the account.
    pub positions: Positions,
    /// How the account books positions.
    pub position_mode: PositionMode,
    /// Account position in the instrument at admission, venue units; only read on exclusive accounts.
    pub baseline: Option<Amount>,
    /// Where its orders go, if the venue tells: a later start must not go on at another host or account (P11).
    pub account: Option<AccountId>,
}

/// How much a leg is to fill, venue units.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LegQuantity {
    /// A fixed size, rounded to lots.
    Fixed(Qty),
    /// What another leg filled, in base units, times a ratio.
    Of {
        /// Canonical index of that leg.
        leg: u8,
        /// Factor on its base quantity.
        ratio: Qty,
    },
}

/// What to do when the fills do not match the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Residual {
    /// Take everything back.
    Unwind,
    /// Leave it to a person.
    Park,
}

/// The policy as data.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PolicySpec {
    /// What to do with a residual.
    pub on_residual: Residual,
    /// From a leg's first intent: no entry attempt starts after it, working orders are cancelled. Milliseconds.
    pub leg_timeout_ms: u64,
    /// Band beyond the far touch for unwind orders, basis points.
    pub unwind_slippage_bps: u32,
    /// Unwind orders per leg.
    pub unwind_attempts: u16,
    /// From the start of compensation: no unwind order starts after it. Milliseconds.
    pub unwind_ms_max: u64,
    /// Largest loss compensation may realise, in what the legs' quotes come down to ([`References::money`]).
    pub unwind_loss_max: Option<Qty>,
}

impl BatchSpec {
    /// The leg at a canonical index.
    #[must_use]
    pub fn leg(&self, index: u8) -> Option<&LegSpec> {
        self.legs.get(usize::from(index))
    }

    /// Whether two batches trade the same instrument at the same venue.
    #[must_use]
    pub fn shares_instrument_with(&self, other: &Self) -> bool {
        self.legs.iter().any(|leg| {
            other.legs.iter().any(|theirs| {
                leg.venue == theirs.venue && leg.instrument.symbol == theirs.instrument.symbol
            })
        })
    }

    /// Whether every index names a leg, each leg is listed once, no leg waits for itself or a later one in a circle,
    /// and every instrument has a reference price and can be counted with. Admission only makes sound ones.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let count = self.legs.len();
        let is_leg = |index: &u8| usize::from(*index) < count;
        let mut listed = self.listing.clone();
        listed.sort_unstable();
        let listed_once = (0..count).eq(listed.iter().map(|index| usize::from(*index)));
        let refers = |leg: &LegSpec| {
            let source = match &leg.quantity {
                LegQuantity::Of { leg: source, .. } => leg.after.contains(source),
                LegQuantity::Fixed(_) => true,
            };
            source
                && leg.after.iter().all(is_leg)
                && leg.instrument.check().is_ok()
                && self.references.of(&leg.instrument).is_some()
        };
        (1..=LEGS_MAX).contains(&count)
            && listed_once
            && self.legs.iter().all(refers)
            && crate::saga::topology(self).len() == count
    }

    /// True when every leg may only reduce a position.
    #[must_use]
    pub fn only_reduces(&self) -> bool {
        self.legs.iter().all(|leg| leg.reduce_only)
    }
}

impl LegSpec {
    /// The position an order of this leg belongs to.
    #[must_use]
    pub fn position_side(&self) -> PositionSide {
        match (self.position_mode, self.side, self.reduce_only) {
            (PositionMode::OneWay, _, _) => PositionSide::Net,
            (PositionMode::Hedge, Side::Buy, false) | (PositionMode::Hedge, Side::Sell, true) => {
                PositionSide::Long
            }
            (PositionMode::Hedge, Side::Sell, false) | (PositionMode::Hedge, Side::Buy, true) => {
                PositionSide::Short
            }
        }
    }
}
