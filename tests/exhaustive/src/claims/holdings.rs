//! What the batch holds, counted from the exchanges' books or from the raw records.

use std::collections::{BTreeMap, BTreeSet};

use equipoise_core::{InstrumentKind, OrderRequest, OrderTag, Record, Side};

use crate::exchange::Exchange;
use crate::spec::side;
use crate::terms::{Terms, decimal, parts_of};
use crate::world::World;

/// By leg, parts of a venue unit, bought less sold, fees taken off what they came out of.
///
/// Every leg trades an instrument of its own, so each converts once and by itself (K7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holdings {
    legs: Vec<(&'static Terms, i128)>,
}

impl Holdings {
    /// By the books: what is true.
    pub(crate) fn of_books(world: &World) -> Self {
        Self { legs: world.venues.iter().map(|venue| (venue.terms, venue.holding())).collect() }
    }

    /// By the trades on record: what is known.
    pub(crate) fn of_records(world: &World) -> Self {
        let mut held = Self { legs: world.venues.iter().map(|venue| (venue.terms, 0)).collect() };
        let mut sides: BTreeMap<OrderTag, Side> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for record in world.journal.records() {
            match record {
                Record::Intent { tag, request, .. } => {
                    sides.insert(*tag, request.side);
                }
                Record::Filled { tag, venue_order, fill, .. } => {
                    let (terms, held) = &mut held.legs[usize::from(tag.leg)];
                    if !seen.insert((venue_order, &fill.trade)) {
                        continue;
                    }
                    let traded = parts_of(fill.quantity.get()).unwrap_or(0);
                    *held += match sides.get(tag) {
                        Some(Side::Buy) => traded,
                        Some(Side::Sell) => -traded,
                        None => 0,
                    };
                    if terms.kind == InstrumentKind::Spot && fill.fee_asset.as_str() == terms.base {
                        *held -= parts_of(fill.fee.get()).unwrap_or(0);
                    }
                }
                _ => {}
            }
        }
        held
    }

    /// What entries are to come to at best: the sizes of admission, followers as large as their sources make them.
    pub(crate) fn as_planned(world: &World) -> Self {
        let received = |leg: usize, venue: &Exchange| {
            (venue.terms, venue.terms.expected(side(leg), sized_lots(world, leg)))
        };
        let legs = world.venues.iter().enumerate();
        Self { legs: legs.map(|(leg, venue)| received(leg, venue)).collect() }
    }

    /// With so much more or less in each leg, parts of a venue unit.
    pub(crate) fn moved(&self, by: impl Fn(usize) -> i128) -> Self {
        let legs = self.legs.iter().enumerate();
        Self { legs: legs.map(|(leg, (terms, held))| (*terms, held + by(leg))).collect() }
    }

    /// Once a wave has filled completely, with the fees that can be expected.
    pub(crate) fn after(&self, wave: &[(OrderTag, &OrderRequest)]) -> Self {
        let mut held = self.clone();
        for (tag, request) in wave {
            let (terms, held) = &mut held.legs[usize::from(tag.leg)];
            *held += terms.expected(request.side, terms.lots(request.quantity).unwrap_or(0));
        }
        held
    }

    pub(crate) fn of(&self, leg: usize) -> i128 {
        self.legs[leg].1
    }

    /// Each underlying once.
    pub(crate) fn underlyings(&self) -> BTreeSet<&'static str> {
        self.legs.iter().map(|(terms, _)| terms.base).collect()
    }

    fn members(&self, underlying: &str) -> impl Iterator<Item = &(&'static Terms, i128)> {
        self.legs.iter().filter(move |(terms, _)| terms.base == underlying)
    }

    /// Net delta of an underlying, parts of a base unit.
    pub(crate) fn net(&self, underlying: &str) -> i128 {
        self.members(underlying).map(|(terms, held)| terms.base(*held)).sum()
    }

    /// Dust of the coarsest instrument that holds something (K6).
    pub(crate) fn dust(&self, underlying: &str) -> i128 {
        let concerned = self.members(underlying).filter(|(_, held)| *held != 0);
        concerned.map(|(terms, _)| terms.dust()).max().unwrap_or(0)
    }

    /// Lot of the coarsest instrument of the batch.
    pub(crate) fn coarsest_lot(&self, underlying: &str) -> i128 {
        self.members(underlying).map(|(terms, _)| terms.lot_base()).max().unwrap_or(0)
    }

    /// Whether what is left in an underlying is too little to trade, leg by leg and together.
    pub(crate) fn is_flat(&self, underlying: &str) -> bool {
        let (dust, net) = (self.dust(underlying), self.net(underlying));
        let small = |held: i128| held == 0 || held.abs() < dust;
        small(net) && self.members(underlying).all(|(terms, held)| small(terms.base(*held)))
    }

    /// By leg, for people.
    pub(crate) fn shown(&self) -> String {
        let parts: Vec<String> = self
            .legs
            .iter()
            .map(|(terms, held)| format!("{} {}", decimal(*held), terms.symbol))
            .collect();
        parts.join(", ")
    }
}

/// What a leg is to fill by the sizes of admission, lots: a follower as much as its source is sized to bring.
pub(crate) fn sized_lots(world: &World, leg: usize) -> u32 {
    planned(world, leg, |source| {
        sized_base(world, source, world.setting.planned[source].unwrap_or(0))
    })
}

/// Base units that so many lots of a leg's entries bring if its venue takes the fee that is expected.
pub(crate) fn sized_base(world: &World, leg: usize, lots: u32) -> i128 {
    let terms = world.venues[leg].terms;
    terms.base(terms.expected(side(leg), lots))
}

/// Base units that so many lots of a leg's entries bring.
pub(crate) fn venue_base(world: &World, leg: usize, lots: u32) -> i128 {
    let terms = world.venues[leg].terms;
    terms.base(terms.received(side(leg), lots))
}

/// What a leg is to fill at most, lots: its own size, or what its source's base units make it.
pub(crate) fn planned(world: &World, leg: usize, received: impl Fn(usize) -> i128) -> u32 {
    match (world.setting.source(leg), world.setting.planned[leg]) {
        (Some(source), _) => {
            let rests = world.setting.legs[leg].rests;
            world.venues[leg].terms.following(side(leg), rests, received(source))
        }
        (None, planned) => planned.unwrap_or(0),
    }
}
