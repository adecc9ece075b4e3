//! Judges how batches ended: S1, S2, S4 and V15, by the ledgers.

use std::collections::BTreeSet;

use equipoise_core::{
    Alarm, Asset, ClientOrderId, Ending, InstrumentKind, LegQuantity, OrderTag, PositionMode, Role,
    UnixMillis,
};

use super::attempt::Attempt;
use super::ledger::{Account, Positions};
use super::{Checker, Claim};
use crate::env::Env;
use crate::exchange::{Exchange, VenueOrder};
use crate::mark::Mark;
use crate::plant;
use crate::units;

impl Checker {
    /// Everything has come to rest: every batch is judged.
    pub(crate) fn judge_endings(&mut self, env: &mut Env, venues: &[Exchange]) {
        debug_assert_eq!(venues.len(), self.venues);
        for batch in 0..self.specs.len() {
            let batch = u8::try_from(batch).unwrap_or(u8::MAX);
            if self.specs[usize::from(batch)].is_some() {
                self.note_places(env, batch, venues);
                self.judge_margin(env, batch, venues);
                self.judge_effects(env, batch, venues);
                self.judge_trades(batch, venues);
                self.judge_plan(batch, venues);
                self.judge_ending(env, batch, venues);
                self.judge_drift(batch, venues);
                self.judge_waves(batch);
            }
        }
    }

    /// S1: at most one effect for an attempt, unless the way to the venue duplicated one handing over (V15).
    fn judge_effects(&mut self, env: &mut Env, batch: u8, venues: &[Exchange]) {
        for tag in self.tags(batch) {
            let orders = self.orders_of(batch, tag, venues).map(|(_, order)| order);
            let counted = orders.filter(|order| self.counts(batch, tag, order));
            let effects: Vec<&VenueOrder> = counted.filter(|order| order.executed > 0).collect();
            if effects.len() < 2 {
                continue;
            }
            env.tally.hit(Mark::ExecutedTwice);
            let departures: BTreeSet<u64> = effects.iter().map(|order| order.departure).collect();
            if departures.len() > 1 {
                self.fail(Claim::S1, format!("batch {batch}: {tag:?} took effect twice"));
            }
            let executed: i64 = effects.iter().map(|order| order.executed).sum();
            if self.is_parked_unaudited(batch, tag) {
                env.tally.hit(Mark::ParkedWithSecondEffect);
            }
            if self.may_hide_second_effect(batch, tag) {
                continue;
            }
            let stream = &self.streams[usize::from(batch)];
            let asked = stream.attempts.get(&tag).map_or(0, |attempt| attempt.quantity);
            let resolved =
                stream.attempts.get(&tag).is_some_and(|attempt| !attempt.is_unresolved());
            if executed > asked && resolved && !stream.alarms.contains(&(Alarm::Overfill, tag)) {
                let text = format!("batch {batch}: {tag:?} was executed twice and nobody was told");
                self.fail(Claim::V15, text);
            }
        }
    }

    /// S4: the ledgers' trades and the journal's are the same; those of unresolved attempts may be missing.
    fn judge_trades(&mut self, batch: u8, venues: &[Exchange]) {
        for tag in self.tags(batch) {
            let stream = &self.streams[usize::from(batch)];
            let Some(attempt) = stream.attempts.get(&tag) else { continue };
            if self.may_hide_second_effect(batch, tag) && self.has_second_effect(batch, tag, venues)
            {
                continue;
            }
            let journal: BTreeSet<String> = attempt
                .trades
                .iter()
                .map(|((order, trade), quantity)| format!("{order} {trade} {quantity}"))
                .collect();
            let mut ledger = BTreeSet::new();
            let orders = self.orders_of(batch, tag, venues);
            for (venue, order) in orders.filter(|(_, order)| self.counts(batch, tag, order)) {
                for trade in venue.trades_of(order) {
                    ledger.insert(format!("{} {} {}", order.id, trade.id, trade.quantity));
                }
            }
            let missing = ledger.difference(&journal).next();
            let invented = journal.difference(&ledger).next();
            let problem = match (missing, invented) {
                // An order nobody could be asked about any more may have lost a trade since.
                (_, Some(_)) if attempt.is_unresolved() => None,
                (_, Some(trade)) => Some(format!("journal holds {trade}, the ledger does not")),
                (Some(trade), _) if !attempt.is_unresolved() => {
                    Some(format!("the ledger holds {trade}, the journal does not"))
                }
                _ => None,
            };
            if let Some(problem) = problem {
                self.fail(Claim::S4, format!("batch {batch}: {tag:?}: {problem}"));
            }
        }
    }

    /// R2: a wave leaves whole or not at all.
    fn judge_waves(&mut self, batch: u8) {
        let stream = &self.streams[usize::from(batch)];
        if let Some(tag) = stream.split_wave(|tag| self.has_left(batch, tag)) {
            self.fail(Claim::R2, format!("batch {batch}: half of the wave of {tag:?} left"));
        }
    }

    /// S1: no leg of a fixed size fills beyond it. Second effects of one handing over are left out, effects of copies
    /// the venue also refused, and those beyond a venue's margin: all of them the venue's own doing.
    fn judge_plan(&mut self, batch: u8, venues: &[Exchange]) {
        let Some(spec) = self.specs[usize::from(batch)].clone() else { return };
        for (index, leg) in (0_u8..).zip(&spec.legs) {
            let LegQuantity::Fixed(planned) = leg.quantity else { continue };
            let mut filled = 0;
            for tag in self.tags(batch) {
                if tag.leg == index && tag.role == Role::Entry {
                    let mut departures = BTreeSet::new();
                    let once = self
                        .orders_of(batch, tag, venues)
                        .filter(|(venue, order)| !venue.is_split(order.departure))
                        .filter(|(_, order)| order.beyond_margin.is_none())
                        .map(|(_, order)| order)
                        .filter(|order| order.executed > 0 && departures.insert(order.departure));
                    filled += once.map(|order| order.executed).sum::<i64>();
                }
            }
            if filled > units::whole(planned.get()) {
                let text = format!("batch {batch}: leg {index} filled {filled}, planned {planned}");
                self.fail(Claim::S1, text);
            }
        }
    }

    /// S2: the ending is what the ledgers say.
    fn judge_ending(&mut self, env: &mut Env, batch: u8, venues: &[Exchange]) {
        let Some(spec) = self.specs[usize::from(batch)].clone() else { return };
        let account = Account { spec: &spec };
        let holdings = self.holdings(batch, venues);
        let deltas = account.deltas(venues, &holdings);
        let Some(ending) = self.streams[usize::from(batch)].ending() else { return };
        let hidden = self.tags(batch).into_iter().any(|tag| {
            (self.may_hide_second_effect(batch, tag) && self.has_second_effect(batch, tag, venues))
                || self.hides_bust(batch, tag, venues)
        });
        if hidden {
            return;
        }
        for (base, delta) in &deltas {
            let problem = match ending {
                Ending::Done => self.done_problem(env, batch, base, *delta, venues),
                Ending::Flat => {
                    let dust = account.dust(base);
                    let held = largest(venues, &account, base, &holdings);
                    let flat = delta.abs() < dust.max(1) && held < dust.max(1);
                    (!flat).then(|| format!("is not flat: net {delta}, held {held}, dust {dust}"))
                }
                Ending::Parked => self.parked_problem(env, batch, base, *delta),
            };
            if let Some(problem) = problem {
                self.fail(
                    Claim::S2,
                    format!("batch {batch} ended {ending:?}, but {base} {problem}"),
                );
            }
        }
    }

    /// A second effect of one handing over may be missing from a parked batch: parking in doubt, for drift or at the
    /// loss limit does not wait for the audit of the other orders. Judged strictly that breaks S2, see the README.
    fn may_hide_second_effect(&self, batch: u8, tag: OrderTag) -> bool {
        !self.strict && self.is_parked_unaudited(batch, tag)
    }

    fn is_parked_unaudited(&self, batch: u8, tag: OrderTag) -> bool {
        let stream = &self.streams[usize::from(batch)];
        let unaudited = stream.attempts.get(&tag).is_some_and(Attempt::is_unaudited);
        unaudited && stream.is_parked()
    }

    /// A trade was taken back of an order that nobody could be asked about any more: no report can hold that.
    fn hides_bust(&self, batch: u8, tag: OrderTag, venues: &[Exchange]) -> bool {
        let stream = &self.streams[usize::from(batch)];
        stream.attempts.get(&tag).is_some_and(Attempt::is_unresolved)
            && self.has_untold_bust(batch, tag, venues)
    }

    /// Whether a trade was taken back and the journal does not know it yet.
    pub(super) fn has_untold_bust(&self, batch: u8, tag: OrderTag, venues: &[Exchange]) -> bool {
        let stream = &self.streams[usize::from(batch)];
        let Some(attempt) = stream.attempts.get(&tag) else { return false };
        let told: i64 = attempt.busted.values().sum();
        let orders = self.orders_of(batch, tag, venues);
        let counted = orders.filter(|(_, order)| self.counts(batch, tag, order));
        let busted = counted.map(|(venue, order)| {
            let lasting: i64 = venue.trades_of(order).map(|trade| trade.quantity).sum();
            order.executed - lasting
        });
        busted.sum::<i64>() != told
    }

    fn has_second_effect(&self, batch: u8, tag: OrderTag, venues: &[Exchange]) -> bool {
        self.orders_of(batch, tag, venues).filter(|(_, order)| order.executed > 0).count() > 1
            || self.orders_of(batch, tag, venues).count() > 1
    }

    /// A parked batch reports its exposure exactly, or a range that holds it.
    fn parked_problem(&self, env: &Env, batch: u8, base: &Asset, delta: i128) -> Option<String> {
        let saga = self.durable[usize::from(batch)].as_ref()?;
        let report = plant::report(env, saga.report(UnixMillis(0)));
        let told = report.net_delta.get(base).map_or(Some(0), |amount| units::told(amount.get()));
        let Some(told) = told else { return Some("is reported with too many digits".to_owned()) };
        let range = report.net_delta_range.as_ref().and_then(|range| range.get(base));
        match range {
            None if told != delta => Some(format!("is {delta}, reported as {told}")),
            None => None,
            Some((least, greatest)) => {
                let told = units::told(least.get()).zip(units::told(greatest.get()));
                let Some((least, greatest)) = told else {
                    return Some("is reported with too many digits".to_owned());
                };
                (delta < least - 1 || delta > greatest + 1)
                    .then(|| format!("is {delta}, reported between {least} and {greatest}"))
            }
        }
    }

    /// A drift alarm needs someone else's trade, or a stale reading of a position.
    fn judge_drift(&mut self, batch: u8, venues: &[Exchange]) {
        let Some(spec) = self.specs[usize::from(batch)].clone() else { return };
        let drifted: Vec<OrderTag> = self.streams[usize::from(batch)]
            .alarms
            .iter()
            .filter(|(alarm, _)| *alarm == Alarm::Drift)
            .map(|(_, tag)| *tag)
            .collect();
        for tag in drifted {
            let Some((venue, market)) = spec.leg(tag.leg).and_then(|leg| Self::place(venues, leg))
            else {
                continue;
            };
            let own: BTreeSet<ClientOrderId> = self.streams[usize::from(batch)]
                .attempts
                .values()
                .map(|attempt| attempt.client_id.clone())
                .collect();
            let exchange = &venues[venue];
            let since = spec.admitted_at.0.saturating_sub(2_000);
            let foreign = exchange.trades.iter().any(|trade| {
                let ours = trade.order.map(|order| &exchange.orders[order]).is_some_and(|order| {
                    own.contains(&order.client) && order.beyond_margin.is_none()
                });
                trade.market == market && trade.at >= since && !ours
            });
            let doubled = self.tags(batch).into_iter().any(|tag| {
                self.orders_of(batch, tag, venues).filter(|(_, order)| order.executed > 0).count()
                    > 1
            });
            if !foreign && !doubled && !exchange.reads_may_be_stale {
                self.fail(
                    Claim::FalseDrift,
                    format!("batch {batch}: drift at {tag:?} though nobody else traded"),
                );
            }
        }
    }

    fn note_places(&self, env: &mut Env, batch: u8, venues: &[Exchange]) {
        let Some(spec) = &self.specs[usize::from(batch)] else { return };
        for (tag, attempt) in &self.streams[usize::from(batch)].attempts {
            let Some(leg) = spec.leg(tag.leg) else { continue };
            let filled: i64 = attempt.trades.values().sum();
            if filled == 0 {
                continue;
            }
            if tag.role == Role::Entry && filled < attempt.quantity {
                env.tally.hit(Mark::PartlyFilled);
            }
            match leg.instrument.kind {
                InstrumentKind::Inverse => env.tally.hit(Mark::InverseFilled),
                InstrumentKind::Spot => env.tally.hit(Mark::SpotFilled),
                InstrumentKind::Linear => {}
            }
            if leg.position_mode == PositionMode::Hedge {
                env.tally.hit(Mark::HedgeModeFilled);
            }
            if leg.positions == equipoise_core::Positions::Shared {
                env.tally.hit(Mark::SharedAccountFilled);
            }
        }
        let skipped = (0_u8..).zip(&spec.legs).any(|(index, leg)| {
            let never = !self.tags(batch).iter().any(|tag| tag.leg == index);
            never && matches!(leg.quantity, LegQuantity::Of { .. })
        });
        if skipped && !venues.is_empty() {
            env.tally.hit(Mark::FollowerSkipped);
        }
    }
}

/// The largest position of an underlying, in base.
fn largest(venues: &[Exchange], account: &Account<'_>, base: &Asset, holdings: &Positions) -> i128 {
    let values = holdings.iter().filter_map(|((venue, market), units)| {
        let instrument = &venues[*venue].markets[*market].instrument;
        let value = super::ledger::base_of(instrument, *units, account.reference(instrument));
        (instrument.base == *base).then_some(value.abs())
    });
    values.max().unwrap_or(0)
}
