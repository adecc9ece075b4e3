//! Delta of a batch: venue units are netted per venue and instrument first, then converted once (K7).

use std::collections::BTreeMap;

use crate::decimal::{Amount, Qty};
use crate::name::{Asset, Symbol, VenueName};
use crate::saga::Saga;
use crate::spec::LegSpec;

/// Least and greatest net delta an underlying can have while orders are unresolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeltaRange {
    /// Everything unresolved sold.
    pub least: Amount,
    /// Everything unresolved bought.
    pub greatest: Amount,
}

impl Saga {
    /// Net delta per underlying in base units, of this batch's proven fills only.
    #[must_use]
    pub fn net_deltas(&self) -> BTreeMap<Asset, Amount> {
        #[cfg(planted)]
        if crate::planted::bent().inverse_at_fill_price {
            let assets = self.spec().legs.iter().map(|leg| leg.instrument.base.clone());
            let of = |asset: Asset| (asset.clone(), self.delta_at_fill_prices(&asset));
            return assets.map(of).collect();
        }
        self.deltas_of(|index| self.holding(index))
    }

    /// Net delta of one underlying.
    #[must_use]
    pub fn net_delta(&self, underlying: &Asset) -> Amount {
        self.net_deltas().get(underlying).copied().unwrap_or(Amount::ZERO)
    }

    /// Range of the net delta per underlying, `None` when every order is resolved.
    #[must_use]
    pub fn net_delta_range(&self) -> Option<BTreeMap<Asset, DeltaRange>> {
        self.open_orders().next()?;
        let least = self.deltas_of(|index| self.holding(index) - self.possible(index, false));
        let greatest = self.deltas_of(|index| self.holding(index) + self.possible(index, true));
        let range = |(asset, least): (Asset, Amount)| {
            let greatest = greatest.get(&asset).copied().unwrap_or(least);
            (asset, DeltaRange { least, greatest })
        };
        Some(least.into_iter().map(range).collect())
    }

    /// What the leg's unresolved orders on one side may still hold, venue units.
    pub(crate) fn possible(&self, index: u8, bought: bool) -> Amount {
        let Some(leg) = self.spec().leg(index) else {
            return Amount::ZERO;
        };
        let orders = self.open_orders().filter(|(tag, _)| tag.leg == index);
        let rests = orders
            .filter(|(_, order)| (order.request.side == crate::order::Side::Buy) == bought)
            .map(|(_, order)| order.possible_rest(&leg.traits));
        Amount::from(rests.fold(Qty::ZERO, Qty::plus))
    }

    /// Delta per underlying in base units of what each leg would hold, venue units.
    pub(crate) fn deltas_of(&self, units: impl Fn(u8) -> Amount) -> BTreeMap<Asset, Amount> {
        let mut by_instrument: BTreeMap<(&VenueName, &Symbol), (&LegSpec, Amount)> =
            BTreeMap::new();
        for (index, leg) in (0_u8..).zip(&self.spec().legs) {
            let entry = by_instrument
                .entry((&leg.venue, &leg.instrument.symbol))
                .or_insert((leg, Amount::ZERO));
            entry.1 = entry.1 + units(index);
        }
        let mut deltas = BTreeMap::new();
        for (leg, units) in by_instrument.into_values() {
            let base = leg.instrument.base_of(units, self.reference(leg));
            let delta = deltas.entry(leg.instrument.base.clone()).or_insert(Amount::ZERO);
            *delta = *delta + base;
        }
        deltas
    }
}
