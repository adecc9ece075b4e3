//! What a batch came to, in the words a user reads.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;

use crate::BatchStatus;
use crate::decimal::{Amount, Price, Qty};
use crate::key::BatchKey;
use crate::name::{
    Asset, ClientOrderId, LegName, Occasion, StrategyName, Symbol, VenueName, VenueOrderId,
};
use crate::order::Side;
use crate::record::{Alarm, Role};
use crate::saga::{Closing, Order, Saga, Stage};
use crate::spec::LegSpec;
use crate::time::UnixMillis;

/// The account of one batch; a function of its records alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchReport {
    /// The batch key.
    pub key: BatchKey,
    /// Who wanted it.
    pub strategy: StrategyName,
    /// What it was for.
    pub occasion: Occasion,
    /// Where it stands.
    pub status: BatchStatus,
    /// True when this is the answer to a repeated submission.
    pub duplicate: bool,
    /// Why it ended, with the timeout or the request to stop that made it end so; empty while it runs.
    pub why: String,
    /// Legs in the plan's own order.
    pub legs: Vec<LegReport>,
    /// Net delta per underlying, base units: this batch's proven fills only (K7).
    pub net_delta: BTreeMap<Asset, Amount>,
    /// Orders whose outcome is not known, and those found open after the end.
    pub in_doubt: Vec<DoubtReport>,
    /// Least and greatest net delta, only while an order is unresolved.
    pub net_delta_range: Option<BTreeMap<Asset, (Amount, Amount)>>,
    /// Milliseconds during which the net delta was away from both zero and the plan by more than a lot.
    pub exposure_ms: u64,
    /// What a person must know.
    pub alarms: Vec<AlarmReport>,
    /// When it was admitted, engine time.
    pub admitted_at: UnixMillis,
    /// When it ended, engine time.
    pub ended_at: Option<UnixMillis>,
}

/// One leg of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegReport {
    /// Name in the plan.
    pub name: LegName,
    /// Venue as configured.
    pub venue: VenueName,
    /// The venue's symbol.
    pub instrument: Symbol,
    /// Buy or sell.
    pub side: Side,
    /// Ids of every order sent for it, entries first.
    pub client_order_ids: Vec<ClientOrderId>,
    /// Where it stands.
    pub status: LegStatus,
    /// What it was to fill, venue units; zero if that never became known.
    pub planned: Qty,
    /// What its entries filled, venue units.
    pub filled: Qty,
    /// What it holds now, venue units, after anything taken back.
    pub holding: Amount,
    /// Average price of its entry fills.
    pub average_price: Option<Price>,
    /// Fees by asset over all its orders; negative is a rebate.
    pub fees: BTreeMap<Asset, Amount>,
    /// What a venue unit is called.
    pub unit: String,
    /// Why it did not fill as planned, or was never sent, where venue, policy or plan tell.
    pub reason: Option<String>,
}

/// An order whose outcome is not known, or that can still execute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoubtReport {
    /// The leg.
    pub leg: LegName,
    /// Where it is.
    pub venue: VenueName,
    /// The order's id.
    pub client_order_id: ClientOrderId,
    /// Buy or sell.
    pub side: Side,
    /// What it may hold beyond its proven fills, venue units.
    pub quantity: Qty,
    /// What a venue unit is called.
    pub unit: String,
    /// The venue's ids of it that were open when they were last seen.
    pub open_orders: Vec<VenueOrderId>,
    /// When the venue last showed something new of it, engine time; `None` if it never did.
    pub last_seen: Option<UnixMillis>,
    /// Whether it was open then and the batch had ended: nothing cancels it any more, so that a person has to. It may
    /// have ended since, by that person's doing or the venue's.
    pub found_open: bool,
}

/// Something a person must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmReport {
    /// What.
    pub alarm: Alarm,
    /// At which leg.
    pub leg: LegName,
}

/// Where a leg stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LegStatus {
    /// Not released.
    Waiting,
    /// Being handed to the venue.
    Sent,
    /// Outcome unknown.
    InDoubt,
    /// The venue has it.
    Working,
    /// Filled as planned.
    Filled,
    /// Refused.
    Rejected,
    /// Ended with less than planned, or never sent.
    Cancelled,
    /// Filled and taken back.
    Unwound,
    /// Holds something that is left to a person.
    Parked,
}

impl LegStatus {
    /// The word of reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::InDoubt => "in_doubt",
            Self::Working => "working",
            Self::Filled => "filled",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::Unwound => "unwound",
            Self::Parked => "parked",
        }
    }
}

impl Saga {
    /// The account of the batch as it stands at an engine time.
    #[must_use]
    pub fn report(&self, now: UnixMillis) -> BatchReport {
        let spec = self.spec();
        let range = self.net_delta_range().map(|range| {
            let pair =
                |(asset, range): (Asset, crate::DeltaRange)| (asset, (range.least, range.greatest));
            range.into_iter().map(pair).collect()
        });
        BatchReport {
            key: self.key(),
            strategy: spec.strategy.clone(),
            occasion: spec.occasion.clone(),
            status: self.status(),
            duplicate: false,
            why: self.ending_reason(),
            legs: spec.listing.iter().map(|index| self.leg_report(*index)).collect(),
            net_delta: self.net_deltas(),
            in_doubt: self.doubts(),
            net_delta_range: range,
            exposure_ms: self.exposure_ms(now),
            alarms: self.alarm_reports(),
            admitted_at: spec.admitted_at,
            ended_at: self.ended().map(|ended| ended.at),
        }
    }

    fn leg_report(&self, index: u8) -> LegReport {
        let leg = &self.spec().legs[usize::from(index)];
        let entries = self.attempts(index, Role::Entry);
        let orders = || entries.iter().chain(self.attempts(index, Role::Unwind));
        let mut fees = BTreeMap::new();
        for (fill, _) in orders().flat_map(|order| order.fills.values()) {
            let paid = fees.entry(fill.fee_asset.clone()).or_insert(Amount::ZERO);
            *paid = *paid + fill.fee;
        }
        let fills = entries.iter().flat_map(|order| order.fills.values().map(|(fill, _)| fill));
        LegReport {
            name: leg.name.clone(),
            venue: leg.venue.clone(),
            instrument: leg.instrument.symbol.clone(),
            side: leg.side,
            client_order_ids: orders().map(|order| order.request.client_id.clone()).collect(),
            status: self.leg_status(index),
            planned: self.target(index).unwrap_or(Qty::ZERO),
            filled: self.filled(index),
            holding: self.holding(index),
            average_price: crate::saga::average_price(fills),
            fees,
            unit: leg.instrument.unit(),
            reason: self.leg_reason(index),
        }
    }

    fn leg_status(&self, index: u8) -> LegStatus {
        let doubtful = |order: &Order| in_doubt(order) || self.is_left_open(order);
        if self.orders().any(|(tag, order)| tag.leg == index && doubtful(order)) {
            return LegStatus::InDoubt;
        }
        let entries = self.attempts(index, Role::Entry);
        let (filled, holding) = (self.filled(index), self.holding(index));
        let unwound = !self.attempts(index, Role::Unwind).is_empty();
        match self.status() {
            BatchStatus::Parked if !holding.is_zero() => return LegStatus::Parked,
            BatchStatus::Flat | BatchStatus::Parked if unwound => return LegStatus::Unwound,
            _ => {}
        }
        let Some(last) = entries.last() else {
            let running = self.status() == BatchStatus::Running;
            return if running { LegStatus::Waiting } else { LegStatus::Cancelled };
        };
        match &last.stage {
            Stage::Intended => LegStatus::Sent,
            Stage::InDoubt => LegStatus::InDoubt,
            Stage::Known => LegStatus::Working,
            Stage::Closed(_) if self.target(index).is_some_and(|target| filled >= target) => {
                LegStatus::Filled
            }
            Stage::Closed(Closing::Refused(_)) => LegStatus::Rejected,
            Stage::Closed(Closing::Ended) if is_rejected(last) => LegStatus::Rejected,
            Stage::Closed(_) => LegStatus::Cancelled,
        }
    }

    fn doubts(&self) -> Vec<DoubtReport> {
        let doubtful = self.open_orders().filter_map(|(tag, order)| {
            let leg = self.spec().leg(tag.leg)?;
            let quantity = order.possible_rest(&leg.traits);
            (!quantity.is_zero()).then(|| DoubtReport {
                leg: leg.name.clone(),
                venue: leg.venue.clone(),
                client_order_id: order.request.client_id.clone(),
                side: order.request.side,
                quantity,
                unit: leg.instrument.unit(),
                open_orders: order.open_at_venue().cloned().collect(),
                last_seen: order.news_at,
                found_open: self.is_left_open(order),
            })
        });
        doubtful.collect()
    }

    fn alarm_reports(&self) -> Vec<AlarmReport> {
        let named = self.alarms().iter().filter_map(|(alarm, tag)| {
            Some(AlarmReport { alarm: *alarm, leg: self.spec().leg(tag.leg)?.name.clone() })
        });
        named.collect()
    }

    /// How long the net delta was away from zero and from the plan, from when each fill was learned.
    fn exposure_ms(&self, now: UnixMillis) -> u64 {
        let mut moves: Vec<(UnixMillis, &LegSpec, Decimal)> = Vec::new();
        for (tag, order) in self.orders() {
            let Some(leg) = self.spec().leg(tag.leg) else {
                continue;
            };
            for (fill, at) in order.fills.values() {
                let units = Amount::from(order.received_by(fill, &leg.instrument));
                let base = leg.instrument.base_of(units, self.reference(leg));
                moves.push((*at, leg, base.get()));
            }
        }
        moves.sort_by_key(|(at, _, _)| *at);
        let end = self.ended().filter(|ended| ended.ending != crate::Ending::Parked);
        let end = end.map_or(now, |ended| ended.at);
        let mut deltas: BTreeMap<&Asset, Decimal> = BTreeMap::new();
        let mut exposed_ms = 0;
        let mut steps = moves.iter().peekable();
        while let Some((at, leg, base)) = steps.next() {
            *deltas.entry(&leg.instrument.base).or_default() += base;
            let until = steps.peek().map_or(end, |(next, _, _)| *next);
            let exposed = deltas.iter().any(|(asset, delta)| self.is_exposed(asset, *delta));
            if exposed {
                exposed_ms += until.since(*at);
            }
        }
        exposed_ms
    }

    fn is_exposed(&self, underlying: &Asset, delta: Decimal) -> bool {
        let lot = self.coarsest_lot(underlying).get();
        let planned = self.planned_delta(underlying);
        let away = |from: Amount| (delta - from.get()).abs() >= lot;
        away(Amount::ZERO) && away(planned) && away(planned + self.fees_beside(underlying))
    }
}

fn in_doubt(order: &Order) -> bool {
    matches!(order.stage, Stage::InDoubt | Stage::Closed(Closing::Unresolved(_)))
}

fn is_rejected(order: &Order) -> bool {
    use crate::order::{OrderEnd, OrderState};
    order
        .at_venue
        .values()
        .any(|at_venue| matches!(at_venue.state, OrderState::Ended(OrderEnd::Rejected { .. })))
}
