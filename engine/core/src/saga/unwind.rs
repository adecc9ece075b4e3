//! Compensation: takes back what was received, never more, and never raises the net delta on the way (K1-K6).

use rust_decimal::Decimal;

use crate::decimal::{Amount, Price, Qty};
use crate::instrument::InstrumentKind;
use crate::name::Asset;
use crate::order::{OrderKind, OrderRequest, Side, TimeInForce};
use crate::record::{Alarm, Ending, OrderTag, Record, Role};
use crate::refusal::RefusalKind;
use crate::spec::LegSpec;
use crate::time::{ClockOffset, UnixMillis};
use crate::venue::{PositionMode, Positions};

use super::Saga;
use super::decide::intents;
use super::event::{Command, Prepared, Step};
use super::order::{Closing, Order, Stage};

/// First pause before a further unwind order of a leg; doubles with each fruitless one.
const PAUSE_MS: u64 = 250;
/// Longest such pause.
const PAUSE_MS_MAX: u64 = 5_000;
/// Readings of a position that contradicts the fills before it counts as drift: one may be stale.
const CONTRADICTIONS_MAX: u8 = 3;
/// Least time between two such readings.
const CONTRADICTION_GAP_MS: u64 = 500;
/// Attempts of one leg's unwinding, those that cost nothing included; the id layout ends at 1023.
const UNWIND_ORDERS_MAX: usize = 500;

/// What to do next about the residual.
enum Next {
    /// Nothing tradable is left and what is left is dust.
    Flat,
    /// Something is left that cannot be traded.
    Stuck,
    /// These quantities of these legs, venue units, as one wave.
    Wave(Vec<(u8, Qty)>),
}

/// A price, a side and a flag for one unwind order.
struct Priced {
    limit: Price,
    reduce_only: bool,
}

impl Saga {
    /// Engine time after which no unwind order starts.
    pub(super) fn unwind_deadline(&self) -> Option<UnixMillis> {
        Some(
            self.unwind_started_at?
                .plus_ms(self.spec.policy.unwind_ms_max),
        )
    }

    /// Called when every order is closed and compensation has begun.
    pub(super) fn compensate(&self, now: UnixMillis, step: &mut Step) {
        let mut end = |ending, why: String| {
            step.records.push(Record::Ended {
                ending,
                why,
                at: now,
            });
            step.wake_by(now);
        };
        let wave = match self.next_unwinds() {
            Next::Flat => return end(Ending::Flat, self.flat_reason()),
            Next::Stuck => {
                return end(
                    Ending::Parked,
                    "what is left is too small for its venue".to_owned(),
                );
            }
            Next::Wave(wave) => wave,
        };
        if let Some(limit) = self.limit_hit(&wave, now) {
            return end(Ending::Parked, limit);
        }
        let not_before = wave
            .iter()
            .map(|(leg, _)| self.unwind_not_before(*leg))
            .max();
        match not_before.filter(|not_before| *not_before > now) {
            // Waiting counts against the time, so the deadline is looked at even while a ban lasts.
            Some(at) => step.wake_by(self.unwind_deadline().map_or(at, |until| until.min(at))),
            None => {
                let tags = wave
                    .iter()
                    .map(|(leg, _)| self.next_tag(*leg, Role::Unwind));
                step.commands.push(Command::Prepare(tags.collect()));
                if let Some(until) = self.unwind_deadline() {
                    step.wake_by(until);
                }
            }
        }
    }

    fn flat_reason(&self) -> String {
        let dust: Vec<_> = (0_u8..)
            .zip(&self.spec.legs)
            .filter(|(index, _)| !self.holding(*index).is_zero())
            .map(|(index, leg)| {
                let holding = self.holding(index);
                let value = leg
                    .instrument
                    .notional(holding.magnitude(), self.reference(leg));
                format!(
                    "{holding} {} of leg {} (about {} {})",
                    leg.instrument.unit(),
                    leg.name,
                    value.round_dp(4).normalize(),
                    leg.instrument.quote
                )
            })
            .collect();
        if dust.is_empty() {
            "everything was taken back".to_owned()
        } else {
            format!("everything was taken back but dust: {}", dust.join(", "))
        }
    }

    /// K3: first the excess over the matched part, then the matched rest as one wave.
    fn next_unwinds(&self) -> Next {
        let mut wave = Vec::new();
        let mut stuck = false;
        let mut underlyings: Vec<&Asset> = self
            .spec
            .legs
            .iter()
            .map(|leg| &leg.instrument.base)
            .collect();
        underlyings.sort_unstable();
        underlyings.dedup();
        for underlying in underlyings {
            let before = wave.len();
            let net = self.net_delta(underlying);
            let dust = self.dust(underlying);
            let off = net.magnitude() > Qty::ZERO && net.magnitude() >= dust;
            if off {
                self.take_excess(underlying, net, &mut wave);
            } else {
                self.take_everything(underlying, &mut wave);
            }
            stuck |= off && wave.len() == before;
        }
        match (wave.is_empty(), stuck) {
            (false, _) => Next::Wave(wave),
            (true, true) => Next::Stuck,
            (true, false) => Next::Flat,
        }
    }

    /// Dust of an underlying in base units: the smallest order of the coarsest instrument the batch holds (K6).
    fn dust(&self, underlying: &Asset) -> Qty {
        (0_u8..)
            .zip(&self.spec.legs)
            .filter(|(index, leg)| {
                leg.instrument.base == *underlying && !self.holding(*index).is_zero()
            })
            .map(|(_, leg)| leg.instrument.dust_base(self.reference(leg)))
            .max()
            .unwrap_or(Qty::ZERO)
    }

    /// Legs on the heavier side give back lots until the net delta is used up; later legs first.
    fn take_excess(&self, underlying: &Asset, net: Amount, wave: &mut Vec<(u8, Qty)>) {
        let mut rest = net.magnitude();
        for index in self.topology.iter().rev() {
            let leg = &self.spec.legs[usize::from(*index)];
            let holding = self.holding(*index);
            let same_side = holding.get() * net.get() > Decimal::ZERO;
            if leg.instrument.base != *underlying || !same_side {
                continue;
            }
            let reference = self.reference(leg);
            let wanted = leg
                .instrument
                .units_of(rest, reference)
                .unwrap_or(Qty::ZERO);
            let units = self.tradable(leg, holding.magnitude().min(wanted));
            if !units.is_zero() {
                let base = leg.instrument.base_of(Amount::from(units), reference);
                rest = rest.minus(base.magnitude());
                wave.push((*index, units));
            }
        }
    }

    fn take_everything(&self, underlying: &Asset, wave: &mut Vec<(u8, Qty)>) {
        for index in self.topology.iter().rev() {
            let leg = &self.spec.legs[usize::from(*index)];
            if leg.instrument.base == *underlying {
                let units = self.tradable(leg, self.holding(*index).magnitude());
                if !units.is_zero() {
                    wave.push((*index, units));
                }
            }
        }
    }

    /// The part of a quantity that one order can take: whole lots, within the venue's limits, else nothing.
    fn tradable(&self, leg: &LegSpec, units: Qty) -> Qty {
        let reference = self.reference(leg);
        let kind = OrderKind::Limit {
            price: reference,
            time_in_force: TimeInForce::Ioc,
        };
        let most = leg
            .instrument
            .largest(kind)
            .map_or(units, |largest| units.min(largest));
        let units = most.round_down(leg.instrument.lot);
        if units < leg.instrument.smallest(reference) {
            Qty::ZERO
        } else {
            units
        }
    }

    /// The policy's limit that forbids a further unwind order, if one does (R10).
    fn limit_hit(&self, wave: &[(u8, Qty)], now: UnixMillis) -> Option<String> {
        let policy = &self.spec.policy;
        if self.unwind_deadline().is_some_and(|until| now >= until) {
            return Some(format!(
                "not flat after {} ms of unwinding",
                policy.unwind_ms_max
            ));
        }
        for (index, _) in wave {
            let leg = self.spec.leg(*index)?;
            let orders = self.attempts(*index, Role::Unwind);
            let costing = orders.iter().filter(|order| costs_attempt(order)).count();
            if costing >= usize::from(policy.unwind_attempts) || orders.len() >= UNWIND_ORDERS_MAX {
                return Some(format!(
                    "leg {} is not flat after {costing} unwind orders",
                    leg.name
                ));
            }
            let credentials = orders.last().is_some_and(|order| {
                matches!(&order.stage, Stage::Closed(Closing::Refused(refusal))
                    if refusal.kind == RefusalKind::Credentials)
            });
            if credentials {
                return Some(format!("venue {} refuses the credentials", leg.venue));
            }
        }
        None
    }

    fn unwind_not_before(&self, leg: u8) -> UnixMillis {
        let orders = self.attempts(leg, Role::Unwind);
        let Some(last) = orders.last() else {
            return self.unwind_started_at.unwrap_or_default();
        };
        let fruitless = orders
            .iter()
            .rev()
            .take_while(|order| order.fills.is_empty())
            .count();
        let doublings = u32::try_from(fruitless.saturating_sub(1))
            .unwrap_or(u32::MAX)
            .min(10);
        let pause = if fruitless == 0 {
            0
        } else {
            (PAUSE_MS << doublings).min(PAUSE_MS_MAX)
        };
        let announced = match &last.stage {
            Stage::Closed(Closing::Refused(refusal)) => match refusal.kind {
                RefusalKind::RateLimited { retry_after_ms } => retry_after_ms,
                _ => 0,
            },
            _ => 0,
        };
        let after_pause = last
            .closed_at
            .unwrap_or_default()
            .plus_ms(pause.max(announced));
        let contradicted = self.legs[usize::from(leg)].contradicted_at;
        contradicted.map_or(after_pause, |at| {
            after_pause.max(at.plus_ms(CONTRADICTION_GAP_MS))
        })
    }

    /// Writes the intents of an unwind wave from books and positions just read.
    pub(super) fn stamp_unwinds(&self, now: UnixMillis, prepared: &[Prepared]) -> Step {
        let void = Step::facts(now, Vec::new());
        let busy = self.orders().any(|(_, order)| !order.is_closed());
        let Next::Wave(wave) = self.next_unwinds() else {
            return void;
        };
        if busy || !self.is_unwinding() || self.limit_hit(&wave, now).is_some() {
            return void;
        }
        let (mut orders, mut limits) = (Vec::new(), Vec::new());
        for (index, units) in wave {
            let tag = self.next_tag(index, Role::Unwind);
            let (Some(leg), Some(ready)) = (
                self.spec.leg(index),
                prepared.iter().find(|prepared| prepared.tag == tag),
            ) else {
                return void;
            };
            match self.price_unwind(index, leg, units, ready) {
                Ok(Some(priced)) => {
                    limits.push((index, priced.limit));
                    let request = self.unwind_request(tag, leg, units, &priced, ready.clock, now);
                    orders.push((tag, request, ready.clock));
                }
                // No sound book to price by: the whole wave waits for the next reading.
                Ok(None) => {
                    return Step {
                        wake_at: Some(now.plus_ms(PAUSE_MS)),
                        ..Step::default()
                    };
                }
                Err(position) => return self.contradicted(tag, position, now),
            }
        }
        if let Some(why) = self.loss_hit(&limits) {
            return Step::facts(
                now,
                vec![Record::Ended {
                    ending: Ending::Parked,
                    why,
                    at: now,
                }],
            );
        }
        intents(now, orders)
    }

    fn unwind_request(
        &self,
        tag: OrderTag,
        leg: &LegSpec,
        units: Qty,
        priced: &Priced,
        clock: ClockOffset,
        now: UnixMillis,
    ) -> OrderRequest {
        let side = unwind_side(self.holding(tag.leg));
        OrderRequest {
            kind: OrderKind::Limit {
                price: priced.limit,
                time_in_force: TimeInForce::Ioc,
            },
            reduce_only: priced.reduce_only,
            ..self.request(tag, leg, side, units, clock, now)
        }
    }

    /// K4 and K5: far touch and band, and whether the order may carry the reduce-only flag.
    /// `Err` is a position that contradicts the batch's own fills on an exclusive account.
    fn price_unwind(
        &self,
        index: u8,
        leg: &LegSpec,
        units: Qty,
        ready: &Prepared,
    ) -> Result<Option<Priced>, Amount> {
        let holding = self.holding(index);
        let derivative = leg.instrument.kind != InstrumentKind::Spot;
        let alone = leg.positions == Positions::Exclusive && !ready.others_hold && derivative;
        let mut reduce_only = false;
        if alone && let Some(position) = ready.position {
            if let Some(baseline) = leg.baseline
                && position - baseline != self.instrument_holding(index)
            {
                return Err(position);
            }
            let covers =
                position.get() * holding.get() > Decimal::ZERO && position.magnitude() >= units;
            reduce_only = covers && !leg.reduce_only && leg.position_mode == PositionMode::OneWay;
        }
        let book = ready.book.and_then(|book| book.sound());
        Ok(book.map(|(bid, ask)| {
            let limit = band_limit(
                unwind_side(holding),
                bid,
                ask,
                self.spec.policy.unwind_slippage_bps,
                leg,
            );
            Priced { limit, reduce_only }
        }))
    }

    fn contradicted(&self, tag: OrderTag, position: Amount, now: UnixMillis) -> Step {
        let mut records = vec![Record::Contradicted {
            leg: tag.leg,
            position,
            at: now,
        }];
        if self.legs[usize::from(tag.leg)].contradictions + 1 >= CONTRADICTIONS_MAX {
            let why =
                format!("the account's position of {position} contradicts the batch's own fills");
            records.push(Record::Alarmed {
                alarm: Alarm::Drift,
                tag,
                at: now,
            });
            records.push(Record::Ended {
                ending: Ending::Parked,
                why,
                at: now,
            });
        }
        Step::facts(now, records)
    }

    /// Whether the batch could lose more than allowed if this wave filled at its limits (R10).
    fn loss_hit(&self, limits: &[(u8, Price)]) -> Option<String> {
        let allowed = self.spec.policy.unwind_loss_max?;
        let mut value = Decimal::ZERO;
        for (index, leg) in (0_u8..).zip(&self.spec.legs) {
            let exit = limits.iter().find(|(limited, _)| *limited == index);
            let exit = exit.map_or_else(|| self.reference(leg), |(_, limit)| *limit);
            value += self.worth(index, leg, exit);
        }
        (value < -allowed.get()).then(|| {
            let loss = (-value).round_dp(8).normalize();
            format!("unwinding could lose {loss}, allowed are {allowed}")
        })
    }

    /// What a leg has gained so far in quote, its holding valued at an exit price, quote fees taken off.
    fn worth(&self, index: u8, leg: &LegSpec, exit: Price) -> Decimal {
        let reference = self.reference(leg).get();
        let size = leg.instrument.contract_size.get();
        let orders = [Role::Entry, Role::Unwind].map(|role| self.attempts(index, role));
        let fills = orders.into_iter().flatten().flat_map(|order| {
            order
                .fills
                .values()
                .map(move |(fill, _)| (order.request.side, fill))
        });
        fills.fold(Decimal::ZERO, |sum, (side, fill)| {
            let units = side.signed(fill.quantity).get() * size;
            let gain = match leg.instrument.kind {
                InstrumentKind::Inverse => {
                    units
                        * (Decimal::ONE / fill.price.get() - Decimal::ONE / exit.get())
                        * reference
                }
                _ => units * (exit.get() - fill.price.get()),
            };
            let fee = if fill.fee_asset == leg.instrument.quote {
                fill.fee.get()
            } else if fill.fee_asset == leg.instrument.base {
                fill.fee.get() * reference
            } else {
                // A third asset has no price here; it is reported apart (K2).
                Decimal::ZERO
            };
            sum + gain - fee
        })
    }
}

fn unwind_side(holding: Amount) -> Side {
    if holding.get() > Decimal::ZERO {
        Side::Sell
    } else {
        Side::Buy
    }
}

/// Far touch and band, rounded towards the touch so that the band is never exceeded.
fn band_limit(side: Side, bid: Price, ask: Price, bps: u32, leg: &LegSpec) -> Price {
    let band = Decimal::new(i64::from(bps), 4);
    let tick = leg.instrument.tick;
    let scaled = |price: Price, factor: Decimal| Price::new(price.get() * factor).unwrap_or(price);
    match side {
        Side::Sell => scaled(bid, Decimal::ONE - band).round_up(tick),
        Side::Buy => scaled(ask, Decimal::ONE + band).round_down(tick),
    }
}

/// An announced wait costs no attempt, nor does an order that never left (R10).
fn costs_attempt(order: &Order) -> bool {
    match &order.stage {
        Stage::Closed(Closing::Unsent) => false,
        Stage::Closed(Closing::Refused(refusal)) => {
            !matches!(refusal.kind, RefusalKind::RateLimited { .. })
        }
        _ => true,
    }
}
