//! What is to be taken back next: what was received and never more, without ever raising the net delta (K2, K3, K6, K7).

use rust_decimal::Decimal;

use crate::decimal::{Amount, Price, Qty};
use crate::instrument::InstrumentKind;
use crate::name::Asset;
use crate::order::{OrderKind, Side, TimeInForce};
use crate::sizing::{gross_up, net_of_fee};
use crate::spec::LegSpec;

use super::Saga;

/// Sizes that are tried for a matched wave before a difference below dust is accepted.
const MATCHES_MAX: usize = 64;

/// Least size of a matched wave that was cut to leave less, as a part of the largest possible one.
const AMPLE: Decimal = Decimal::from_parts(875, 0, 0, false, 3);

/// What to do next about the residual in one underlying.
pub(super) enum Next {
    /// Nothing tradable is left and what is left is dust.
    Flat,
    /// Something is left that cannot be traded.
    Stuck,
    /// These orders, as one wave.
    Wave(Vec<Takeback>),
}

/// One order that takes something back.
pub(super) struct Takeback {
    /// Canonical index of the leg.
    pub(super) leg: u8,
    /// Side of the order.
    pub(super) side: Side,
    /// Venue units.
    pub(super) units: Qty,
}

/// What one leg holds beyond what its position's other legs offset.
struct Exposed<'a> {
    index: u8,
    leg: &'a LegSpec,
    reference: Price,
    /// Venue units, buys positive; never zero.
    amount: Amount,
}

impl Exposed<'_> {
    fn base_of(&self, units: Qty) -> Qty {
        let base = self.leg.instrument.base_of(Amount::from(units), self.reference);
        base.magnitude()
    }

    fn is_long(&self) -> bool {
        self.amount.get() > Decimal::ZERO
    }

    /// What the order that takes it back is for.
    fn side(&self) -> Side {
        if self.is_long() { Side::Sell } else { Side::Buy }
    }

    /// Size of the one order that takes a quantity back: whole lots, within the venue's limits, else nothing.
    /// A spot buy whose fee comes out of what it buys orders that much more (K2).
    fn tradable(&self, units: Qty) -> Qty {
        let kind = OrderKind::Limit { price: self.reference, time_in_force: TimeInForce::Ioc };
        let instrument = &self.leg.instrument;
        let units = gross_up(instrument, self.side(), units.min(self.amount.magnitude()));
        let most = instrument.largest(kind).map_or(units, |largest| units.min(largest));
        let units = most.round_down(instrument.lot);
        if units < instrument.smallest(self.reference) { Qty::ZERO } else { units }
    }

    /// The tradable part that is worth no more than `base`.
    fn tradable_within(&self, base: Qty) -> Qty {
        if self.base_of(self.amount.magnitude()) <= base {
            return self.tradable(self.amount.magnitude());
        }
        let instrument = &self.leg.instrument;
        let units = match instrument.kind {
            InstrumentKind::Spot => instrument.units_of(base, self.reference),
            _ => instrument.lots_within(base, self.reference),
        };
        self.tradable(units.unwrap_or(Qty::ZERO))
    }

    /// What an order of that size takes back, base units.
    fn takes_back(&self, units: Qty) -> Qty {
        self.base_of(net_of_fee(&self.leg.instrument, self.side(), units))
    }

    fn takeback(&self, units: Qty) -> Takeback {
        Takeback { leg: self.index, side: self.side(), units }
    }
}

/// Orders of one direction and what they are worth together, base units.
struct Allotted {
    orders: Vec<Takeback>,
    base: Qty,
}

impl Saga {
    /// K3, underlying by underlying: first the excess over the matched part, then the matched rest as one wave. What
    /// holds one underlying back does not keep another one exposed (V6).
    pub(super) fn next_unwinds(&self) -> Vec<(Asset, Next)> {
        let exposed = self.exposed();
        let next = |underlying: &Asset| {
            let members: Vec<&Exposed<'_>> =
                exposed.iter().filter(|member| member.leg.instrument.base == *underlying).collect();
            let net = self.net_delta(underlying);
            let dust = dust(&members);
            let off = !net.is_zero() && net.magnitude() >= dust;
            let orders = if off { excess(&members, net) } else { matched(&members, net, dust) };
            match orders.is_empty() {
                false => Next::Wave(orders),
                // Nothing tradable is fine for dust alone.
                true if off || !is_all_dust(&members, dust) => Next::Stuck,
                true => Next::Flat,
            }
        };
        underlyings(&exposed)
            .into_iter()
            .map(|underlying| (underlying.clone(), next(underlying)))
            .collect()
    }

    /// Names the dust that is left, with its value (K6).
    pub(super) fn flat_reason(&self) -> String {
        let left = self.exposed();
        let dust: Vec<_> = left
            .iter()
            .map(|member| {
                let instrument = &member.leg.instrument;
                let value = instrument.notional(member.amount.magnitude(), member.reference);
                format!(
                    "{} {} of leg {} (about {} {})",
                    member.amount,
                    instrument.unit(),
                    member.leg.name,
                    value.round_dp(4).normalize(),
                    instrument.quote
                )
            })
            .collect();
        if dust.is_empty() {
            "everything was taken back".to_owned()
        } else {
            format!("everything was taken back but dust: {}", dust.join(", "))
        }
    }

    /// What is held, netted per position first: legs that offset each other in one position need no order (K7).
    /// Later legs come first, so that reverse dependency order breaks ties.
    fn exposed(&self) -> Vec<Exposed<'_>> {
        let holdings: Vec<Amount> =
            (0_u8..).zip(&self.spec.legs).map(|(index, _)| self.holding(index)).collect();
        let mut exposed: Vec<Exposed<'_>> = Vec::new();
        for index in self.topology.iter().rev() {
            let leg = &self.spec.legs[usize::from(*index)];
            let members = || self.spec.legs.iter().zip(&holdings);
            let net = members()
                .filter(|(other, _)| same_position(leg, other))
                .fold(Amount::ZERO, |sum, (_, holding)| sum + *holding);
            let earlier = exposed
                .iter()
                .filter(|member| same_position(leg, member.leg))
                .fold(Amount::ZERO, |sum, member| sum + member.amount);
            let (rest, holding) = (net - earlier, holdings[usize::from(*index)]);
            if rest.get() * holding.get() <= Decimal::ZERO {
                continue;
            }
            let amount = if rest.magnitude() < holding.magnitude() { rest } else { holding };
            exposed.push(Exposed { index: *index, leg, reference: self.reference(leg), amount });
        }
        gathered(exposed)
    }
}

/// What a leg holds too little of for an order goes along with the next leg in the same position: dust is what the
/// position is left with, not each leg (K6).
fn gathered(exposed: Vec<Exposed<'_>>) -> Vec<Exposed<'_>> {
    let mut gathered: Vec<Exposed<'_>> = Vec::with_capacity(exposed.len());
    for mut member in exposed {
        let rest = gathered.iter().position(|earlier| {
            same_position(earlier.leg, member.leg)
                && earlier.tradable(earlier.amount.magnitude()).is_zero()
        });
        if let Some(rest) = rest {
            member.amount = member.amount + gathered.remove(rest).amount;
        }
        gathered.push(member);
    }
    gathered
}

fn same_position(one: &LegSpec, other: &LegSpec) -> bool {
    one.venue == other.venue
        && one.instrument.symbol == other.instrument.symbol
        && one.position_side() == other.position_side()
}

fn underlyings<'a>(exposed: &'a [Exposed<'_>]) -> Vec<&'a Asset> {
    let mut underlyings: Vec<&Asset> =
        exposed.iter().map(|member| &member.leg.instrument.base).collect();
    underlyings.sort_unstable();
    underlyings.dedup();
    underlyings
}

/// Dust of an underlying in base units: the smallest order of the coarsest instrument held (K6).
fn dust(members: &[&Exposed<'_>]) -> Qty {
    let dust = |member: &&Exposed<'_>| member.leg.instrument.dust_base(member.reference);
    members.iter().map(dust).max().unwrap_or(Qty::ZERO)
}

fn is_all_dust(members: &[&Exposed<'_>], dust: Qty) -> bool {
    members.iter().all(|member| member.base_of(member.amount.magnitude()) < dust)
}

/// The heavier side gives back lots until the net delta is used up.
fn excess(members: &[&Exposed<'_>], net: Amount) -> Vec<Takeback> {
    let long = net.get() > Decimal::ZERO;
    allot(members, long, net.magnitude()).orders
}

/// Both sides give back as much as they can, in equal sizes.
fn matched(members: &[&Exposed<'_>], net: Amount, dust: Qty) -> Vec<Takeback> {
    let all = Matched::of(members, Qty::MAX);
    if all.smaller().is_zero() {
        // One side holds too little for any order. The other keeps as much, so that both rests offset each other.
        let orders = excess(members, net);
        if !orders.is_empty() {
            return orders;
        }
    }
    if is_all_dust(members, dust) {
        // It may stay, so it goes only where that leaves no more net delta than there was (K3).
        let goes = all.leaves(net) <= net.magnitude();
        return if goes { all.in_order(members) } else { Vec::new() };
    }
    let lot = |member: &&Exposed<'_>| member.leg.instrument.lot_base(member.reference);
    let finest = members.iter().map(lot).min().unwrap_or(Qty::ZERO);
    // Less than the finest lot cannot be told from nothing by any order. Without that, lots that do not divide each
    // other, such as contracts of dollars and bitcoin, would be matched by chance and in ever smaller waves.
    let level = |left: Qty| left <= net.magnitude() || left < finest;
    if level(all.leaves(net)) {
        return all.in_order(members);
    }
    // A venue's largest order, or dust on one side, must not let the other side run ahead. Cut both to what the smaller
    // can do, and further while lots that do not divide each other leave more than there was.
    let mut most = all.smaller();
    // Leaving less is worth a little of the size, not more: every wave costs an attempt.
    let ample = Qty::truncated(most.get() * AMPLE).unwrap_or(most);
    // A fee in the base asset leaves the finer side a little short of the last coarse lot: that goes all the same.
    let mut near = Some((all.leaves(net), all)).filter(|(left, _)| *left < dust);
    for _ in 0..MATCHES_MAX {
        let cut = Matched::cut(members, net, most);
        if cut.smaller().is_zero() {
            break;
        }
        let left = cut.leaves(net);
        most = cut.smaller().min(most.minus(finest));
        if level(left) && (near.is_none() || cut.smaller() >= ample) {
            return cut.in_order(members);
        }
        let better = |(least, _): &(Qty, Matched)| left < *least && cut.smaller() >= ample;
        if left < dust && near.as_ref().is_none_or(better) {
            near = Some((left, cut));
        }
    }
    // What such lots cannot avoid stays below dust.
    near.map_or_else(Vec::new, |(_, cut)| cut.in_order(members))
}

/// Orders of both directions.
struct Matched {
    long: Allotted,
    short: Allotted,
}

impl Matched {
    fn of(members: &[&Exposed<'_>], most: Qty) -> Self {
        Self { long: allot(members, true, most), short: allot(members, false, most) }
    }

    /// Sizes of `most` base units on either side, and on the heavier one what it has more. One side sets the size and
    /// the other follows it as closely as its lots allow, whichever way round leaves less.
    fn cut(members: &[&Exposed<'_>], net: Amount, most: Qty) -> Self {
        let heavier = net.get() > Decimal::ZERO;
        let of = |light: Allotted, heavy: Allotted| {
            let (long, short) = if heavier { (heavy, light) } else { (light, heavy) };
            Self { long, short }
        };
        let light = allot(members, !heavier, most);
        let heavy = allot(members, heavier, light.base.plus(net.magnitude()));
        let light_first = of(light, heavy);
        let heavy = allot(members, heavier, most.plus(net.magnitude()));
        let light = allot(members, !heavier, heavy.base.minus(net.magnitude()));
        let heavy_first = of(light, heavy);
        if light_first.leaves(net) <= heavy_first.leaves(net) { light_first } else { heavy_first }
    }

    /// Size of the net delta once these have filled.
    fn leaves(&self, net: Amount) -> Qty {
        (net - (Amount::from(self.long.base) - Amount::from(self.short.base))).magnitude()
    }

    fn smaller(&self) -> Qty {
        self.long.base.min(self.short.base)
    }

    fn in_order(self, members: &[&Exposed<'_>]) -> Vec<Takeback> {
        let mut orders = self.long.orders;
        orders.extend(self.short.orders);
        orders.sort_by_key(|order| members.iter().position(|member| member.index == order.leg));
        orders
    }
}

/// Orders of one direction worth `most` base units at most, later legs first.
fn allot(members: &[&Exposed<'_>], long: bool, most: Qty) -> Allotted {
    let mut allotted = Allotted { orders: Vec::new(), base: Qty::ZERO };
    for member in members.iter().filter(|member| member.is_long() == long) {
        let units = member.tradable_within(most.minus(allotted.base));
        if !units.is_zero() {
            allotted.base = allotted.base.plus(member.takes_back(units));
            allotted.orders.push(member.takeback(units));
        }
    }
    allotted
}
