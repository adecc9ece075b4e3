//! What the exchanges' ledgers say a batch holds, in whole numbers.

use std::collections::BTreeMap;

use equipoise_core::{
    Asset, BatchSpec, Instrument, InstrumentKind, LegQuantity, LegSpec, OrderTag, PositionMode,
    Record, Role, Side,
};

use super::{Checker, Claim};
use crate::env::Env;
use crate::exchange::{Exchange, FeeIn};
use crate::mark::Mark;
use crate::units::{self, BASE_ONE, ONE, divide_half_even};

/// Venue units per venue and market.
pub(super) type Positions = BTreeMap<(usize, usize), i64>;

fn signed(side: Side, quantity: i64) -> i64 {
    if side == Side::Buy { quantity } else { -quantity }
}

/// Trillionths of a base unit that venue units are worth at a reference price.
pub(super) fn base_of(instrument: &Instrument, units: i64, reference: i64) -> i128 {
    let size = i128::from(units::whole(instrument.contract_size.get()));
    let value = i128::from(units) * size;
    match instrument.kind {
        InstrumentKind::Inverse => divide_half_even(value * 10_000, i128::from(reference)),
        InstrumentKind::Linear | InstrumentKind::Spot => value / 10_000,
    }
}

/// The smallest order at a reference price, worth in trillionths of a base unit.
fn smallest(instrument: &Instrument, reference: i64) -> i128 {
    let lot = units::whole(instrument.lot.get());
    let least = units::whole(instrument.quantity_min.get()).max(lot);
    let size = i128::from(units::whole(instrument.contract_size.get()));
    let one = match instrument.kind {
        InstrumentKind::Inverse => size,
        _ => size * i128::from(reference) / i128::from(ONE),
    };
    let value = i128::from(units::whole(instrument.notional_min.get())) * i128::from(ONE);
    let by_value = i64::try_from((value + one - 1) / one).unwrap_or(i64::MAX);
    let units = least.max(by_value);
    base_of(instrument, (units + lot - 1) / lot * lot, reference)
}

/// What one batch is judged by.
pub(super) struct Account<'a> {
    pub(super) spec: &'a BatchSpec,
}

impl Account<'_> {
    pub(super) fn reference(&self, instrument: &Instrument) -> i64 {
        self.spec.references.of(instrument).map_or(1, |price| units::whole(price.get()))
    }

    fn of<'s>(&'s self, base: &'s Asset) -> impl Iterator<Item = &'s LegSpec> {
        self.spec.legs.iter().filter(move |leg| leg.instrument.base == *base)
    }

    /// One lot of the coarsest instrument of an underlying.
    pub(super) fn lot(&self, base: &Asset) -> i128 {
        let lot = |leg: &LegSpec| {
            let instrument = &leg.instrument;
            base_of(instrument, units::whole(instrument.lot.get()), self.reference(instrument))
        };
        self.of(base).map(lot).max().unwrap_or(0)
    }

    /// The smallest order of the coarsest instrument of an underlying.
    pub(super) fn dust(&self, base: &Asset) -> i128 {
        let smallest = |leg: &LegSpec| smallest(&leg.instrument, self.reference(&leg.instrument));
        self.of(base).map(smallest).max().unwrap_or(0)
    }

    /// Net delta the plan asks for.
    pub(super) fn planned(&self, base: &Asset) -> i128 {
        let legs = (0_u8..).zip(&self.spec.legs).filter(|(_, leg)| leg.instrument.base == *base);
        legs.map(|(index, leg)| {
            let size = self.planned_size(index);
            if leg.side == Side::Buy { size } else { -size }
        })
        .sum()
    }

    /// What an order of a leg brings if it fills, fees in the base asset of spot buys taken off.
    fn brought(&self, leg: &LegSpec, quantity: i64) -> i128 {
        if leg.instrument.kind == InstrumentKind::Spot && leg.side == Side::Buy {
            let kept = i128::from(ONE - units::whole(leg.instrument.taker_fee.get()));
            return i128::from(quantity) * kept / 10_000;
        }
        base_of(&leg.instrument, quantity, self.reference(&leg.instrument))
    }

    /// The most whole lots that bring no more than so much.
    fn rounded(&self, leg: &LegSpec, base: i128) -> i64 {
        let lot = units::whole(leg.instrument.lot.get());
        let (mut low, mut high) = (0, i64::MAX / lot / 1_000_000);
        while low < high {
            let middle = low + (high - low + 1) / 2;
            if self.brought(leg, middle * lot) <= base { low = middle } else { high = middle - 1 }
        }
        low * lot
    }

    fn planned_size(&self, index: u8) -> i128 {
        let Some(leg) = self.spec.leg(index) else { return 0 };
        match &leg.quantity {
            LegQuantity::Fixed(quantity) => self.brought(leg, units::whole(quantity.get())),
            LegQuantity::Of { leg: source, ratio } => {
                let asked = self.planned_size(*source) * units::base(ratio.get()) / BASE_ONE;
                self.brought(leg, self.rounded(leg, asked))
            }
        }
    }

    /// Net delta per underlying: units are netted per market first, then converted once.
    pub(super) fn deltas(
        &self,
        venues: &[Exchange],
        positions: &Positions,
    ) -> BTreeMap<Asset, i128> {
        let mut deltas: BTreeMap<Asset, i128> =
            self.spec.legs.iter().map(|leg| (leg.instrument.base.clone(), 0)).collect();
        for ((venue, market), units) in positions {
            let instrument = &venues[*venue].markets[*market].instrument;
            let base = base_of(instrument, *units, self.reference(instrument));
            *deltas.entry(instrument.base.clone()).or_insert(0) += base;
        }
        deltas
    }
}

/// Fee in the base asset that a spot buy pays out of what it buys, rounded up, venue units (K2).
fn base_fee(instrument: &Instrument, side: Side, quantity: i64) -> i64 {
    if instrument.kind != InstrumentKind::Spot || side != Side::Buy {
        return 0;
    }
    let rate = i128::from(units::whole(instrument.taker_fee.get()));
    let fee = (i128::from(quantity) * rate + i128::from(ONE) - 1) / i128::from(ONE);
    i64::try_from(fee).unwrap_or(0)
}

impl Checker {
    /// Where a leg trades: indices of venue and market.
    pub(super) fn place(venues: &[Exchange], leg: &LegSpec) -> Option<(usize, usize)> {
        let venue = venues.iter().find(|venue| venue.name == leg.venue)?;
        Some((venue.index, venue.market(&leg.instrument.symbol)))
    }

    /// What a batch holds by the ledgers, fees in the base asset of spot trades taken off.
    pub(super) fn holdings(&self, batch: u8, venues: &[Exchange]) -> Positions {
        let mut positions = Positions::new();
        let Some(spec) = &self.specs[usize::from(batch)] else { return positions };
        for tag in self.streams[usize::from(batch)].attempts.keys() {
            let Some(leg) = spec.leg(tag.leg) else { continue };
            let Some(place) = Self::place(venues, leg) else { continue };
            *positions.entry(place).or_insert(0) += self.received(batch, *tag, venues);
        }
        positions
    }

    /// Whether the journal knows every trade the ledgers show for a batch.
    fn knows_all(&self, batch: u8, venues: &[Exchange]) -> bool {
        let stream = &self.streams[usize::from(batch)];
        stream.attempts.iter().all(|(tag, attempt)| {
            let orders = self.orders_of(batch, *tag, venues);
            let lasting = orders.flat_map(|(venue, order)| venue.trades_of(order));
            let executed: i64 = lasting.map(|trade| trade.quantity).sum();
            executed == attempt.trades.values().sum::<i64>()
        })
    }

    /// K3: the net delta after an unwind wave is no further from zero than before, for every underlying.
    pub(super) fn judge_wave(
        &mut self,
        env: &mut Env,
        batch: u8,
        venues: &[Exchange],
        records: &[Record],
    ) {
        let unwinds = |record: &Record| matches!(record, Record::Intent { tag, .. } if tag.role == Role::Unwind);
        if !records.iter().any(unwinds) {
            return;
        }
        let Some(spec) = self.specs[usize::from(batch)].clone() else { return };
        let mut after = None;
        let mut sides = Vec::new();
        for record in records {
            let Record::Intent { tag, request, .. } = record else { continue };
            if tag.role != Role::Unwind {
                continue;
            }
            let Some(leg) = spec.leg(tag.leg) else { continue };
            let Some(place) = Self::place(venues, leg) else { continue };
            let after = after.get_or_insert_with(|| self.holdings(batch, venues));
            let ordered = units::whole(request.quantity.get());
            let quantity = ordered - base_fee(&leg.instrument, request.side, ordered);
            *after.entry(place).or_insert(0) += signed(request.side, quantity);
            sides.push(request.side);
        }
        let Some(after) = after else { return };
        let both = sides.contains(&Side::Buy) && sides.contains(&Side::Sell);
        env.tally.hit(if both { Mark::MatchedWave } else { Mark::ExcessWave });
        // What the engine cannot know yet it cannot take into account.
        if !self.knows_all(batch, venues) {
            return;
        }
        let account = Account { spec: &spec };
        let held = self.holdings(batch, venues);
        // In hedge mode one market holds two positions.
        let one_way = spec.legs.iter().all(|leg| leg.position_mode == PositionMode::OneWay);
        let turned = after.iter().find(|(place, left)| {
            let before = held.get(place).copied().unwrap_or(0);
            i128::from(before) * i128::from(**left) < 0 || (before == 0 && **left != 0)
        });
        if let Some((_, left)) = turned.filter(|_| one_way) {
            let text =
                format!("batch {batch}: an unwind wave takes back more than there is, {left}");
            self.fail(Claim::K2, text);
        }
        let before = account.deltas(venues, &held);
        let markets = i128::try_from(after.len()).unwrap_or(0);
        for (base, delta) in account.deltas(venues, &after) {
            let earlier = before.get(&base).copied().unwrap_or(0);
            // Each conversion of an inverse position may round by one trillionth.
            if delta.abs() <= earlier.abs() + markets {
                continue;
            }
            // Lots that do not divide each other may leave something too small to trade (K6).
            if delta.abs() < account.dust(&base) {
                env.tally.hit(Mark::RaisedWithinDust);
            } else {
                let text =
                    format!("batch {batch}: an unwind wave moves {base} from {earlier} to {delta}");
                self.fail(Claim::K3, text);
            }
        }
    }

    /// K2: a follower is sized by what its source received by the ledgers, fees in the base asset taken off.
    pub(super) fn judge_followers(&mut self, batch: u8, venues: &[Exchange], records: &[Record]) {
        for record in records {
            let Record::Intent { tag, request, .. } = record else { continue };
            let Some(spec) = self.specs[usize::from(batch)].clone() else { return };
            let account = Account { spec: &spec };
            let Some(leg) = spec.leg(tag.leg).filter(|_| tag.role == Role::Entry) else { continue };
            let LegQuantity::Of { leg: source, ratio } = &leg.quantity else { continue };
            let Some(from) = spec.leg(*source) else { continue };
            let mut entries = self.tags(batch).into_iter().filter(|tag| tag.leg == *source);
            if entries.any(|tag| self.has_untold_bust(batch, tag, venues)) {
                continue;
            }
            let received = self.entered(batch, *source, venues);
            let reference = account.reference(&from.instrument);
            let received = base_of(&from.instrument, received, reference).abs();
            let most = received * units::base(ratio.get()) / BASE_ONE;
            let wanted = units::whole(request.quantity.get());
            let brought = account.brought(leg, wanted);
            // Grossing a spot buy up ends at the twelfth place.
            if brought > most + 2 {
                let text = format!("batch {batch}: {tag:?} hedges {brought} of {most}");
                self.fail(Claim::K2, text);
            }
        }
    }

    /// Venue units that a leg's entries hold by the ledger, buys positive.
    fn entered(&self, batch: u8, leg: u8, venues: &[Exchange]) -> i64 {
        let tags = self.tags(batch).into_iter();
        let entries = tags.filter(|tag| tag.leg == leg && tag.role == Role::Entry);
        entries.map(|tag| self.received(batch, tag, venues)).sum()
    }

    /// What one attempt changed in its position by the ledger, fees in the base asset of spot trades taken off.
    fn received(&self, batch: u8, tag: OrderTag, venues: &[Exchange]) -> i64 {
        let spec = self.specs[usize::from(batch)].as_ref();
        let spot = spec
            .and_then(|spec| spec.leg(tag.leg))
            .is_some_and(|leg| leg.instrument.kind == InstrumentKind::Spot);
        let mut sum = 0;
        for (venue, order) in self.orders_of(batch, tag, venues) {
            for trade in venue.trades_of(order) {
                let fee = if spot && trade.fee_in == FeeIn::Base { trade.fee } else { 0 };
                sum += signed(trade.side, trade.quantity) - fee;
            }
        }
        sum
    }

    /// Attempts of a batch with their tags.
    pub(super) fn tags(&self, batch: u8) -> Vec<OrderTag> {
        self.streams[usize::from(batch)].attempts.keys().copied().collect()
    }
}
