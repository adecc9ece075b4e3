//! At what price and with which flag an unwind order goes, and what it could cost (K4, K5, R10).

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::decimal::{Amount, Price, Qty};
use crate::instrument::InstrumentKind;
use crate::name::{Symbol, VenueName};
use crate::order::{OrderKind, Side};
use crate::record::{OrderTag, Role};
use crate::spec::LegSpec;
use crate::venue::{PositionMode, Positions};

use super::Saga;
use super::event::Prepared;
use super::residual::Takeback;

/// A price and a flag for one unwind order.
pub(super) struct Priced {
    /// The limit.
    pub(super) limit: Price,
    /// Whether it carries the reduce-only flag.
    pub(super) reduce_only: bool,
}

/// What the reduce-only orders of one wave take out of each position, venue units.
#[derive(Default)]
struct Reducing<'a>(BTreeMap<(&'a VenueName, &'a Symbol), Qty>);

impl Saga {
    /// K4 and K5: far touch and band of each order, and whether it may carry the reduce-only flag.
    /// `Ok(None)` without a sound book for each; `Err` is a position that contradicts the batch's own fills on an
    /// exclusive account.
    pub(super) fn price_wave(
        &self,
        wave: &[Takeback],
        prepared: &[Prepared],
        band_bps: u32,
    ) -> Result<Option<Vec<Priced>>, (OrderTag, Amount)> {
        let mut reducing = Reducing::default();
        let mut priced = Vec::with_capacity(wave.len());
        for takeback in wave {
            let tag = self.next_tag(takeback.leg, Role::Unwind);
            let ready = prepared.iter().find(|prepared| prepared.tag == tag);
            let Some((leg, ready)) = self.spec.leg(tag.leg).zip(ready) else {
                return Ok(None);
            };
            let one = self.price_unwind(takeback, leg, ready, band_bps, &mut reducing);
            match one.map_err(|position| (tag, position))? {
                Some(one) => priced.push(one),
                None => return Ok(None),
            }
        }
        Ok(Some(priced))
    }

    fn price_unwind<'a>(
        &self,
        takeback: &Takeback,
        leg: &'a LegSpec,
        ready: &Prepared,
        band_bps: u32,
        reducing: &mut Reducing<'a>,
    ) -> Result<Option<Priced>, Amount> {
        let derivative = leg.instrument.kind != InstrumentKind::Spot;
        let alone = leg.positions == Positions::Exclusive && !ready.others_hold && derivative;
        let mut reduce_only = false;
        if alone && let Some(position) = ready.position {
            if let Some(baseline) = leg.baseline
                && position - baseline != self.instrument_holding(takeback.leg)
            {
                return Err(position);
            }
            reduce_only = !leg.reduce_only
                && leg.position_mode == PositionMode::OneWay
                && reducing.covers(takeback, leg, position);
        }
        let book = ready.book.and_then(|book| book.sound());
        Ok(book.map(|(bid, ask)| Priced {
            limit: band_limit(takeback.side, bid, ask, band_bps, leg.instrument.tick),
            reduce_only,
        }))
    }

    /// Whether the batch could lose more than allowed if this wave, and what is under way beside it, filled at its
    /// limits (R10). Everything else it holds counts at the reference price.
    pub(super) fn loss_hit(&self, wave: &[Takeback], priced: &[Priced]) -> Option<String> {
        let allowed = self.spec.policy.unwind_loss_max?;
        let Some(value) = self.value_after(wave, priced) else {
            return Some("what unwinding could lose cannot be computed".to_owned());
        };
        (value < -allowed.get()).then(|| {
            let (loss, money) = ((-value).round_dp(8).normalize(), self.money());
            format!("unwinding could lose {loss} {money}, allowed are {allowed} {money}")
        })
    }

    /// What the quotes of the batch come down to: dollars of several kinds count one for one.
    fn money(&self) -> &str {
        let legs = self.spec.legs.iter();
        let mut money = legs
            .filter_map(|leg| self.spec.references.money(&leg.instrument.quote))
            .map(|(it, _)| it);
        let first = money.next().map_or("USD", |asset| asset.as_str());
        if money.all(|asset| asset.as_str() == first) { first } else { "USD" }
    }

    /// What the batch comes to in what its quotes come down to; `None` beyond exact numbers.
    fn value_after(&self, wave: &[Takeback], priced: &[Priced]) -> Option<Decimal> {
        let wave = wave.iter().zip(priced);
        let wave = wave.map(|(takeback, priced)| {
            (takeback.leg, takeback.side.signed(takeback.units), priced.limit)
        });
        let mut value = Decimal::ZERO;
        for (index, units, limit) in wave.chain(self.under_way()) {
            let leg = self.spec.leg(index)?;
            value = value.checked_add(self.in_money(leg, self.gain(leg, units, limit)?)?)?;
        }
        for (index, leg) in (0_u8..).zip(&self.spec.legs) {
            value = value.checked_add(self.in_money(leg, self.worth(index, leg)?)?)?;
        }
        Some(value)
    }

    /// What unwind orders that are not closed may still execute, at their limits.
    fn under_way(&self) -> impl Iterator<Item = (u8, Amount, Price)> {
        self.orders()
            .filter(|(tag, order)| tag.role == Role::Unwind && !order.is_closed())
            .filter_map(|(tag, order)| {
                let leg = self.spec.leg(tag.leg)?;
                let OrderKind::Limit { price, .. } = order.request.kind else { return None };
                Some((tag.leg, order.request.side.signed(order.possible_rest(&leg.traits)), price))
            })
    }

    /// A value in the leg's quote, in what all quotes of the batch come down to; `None` beyond exact numbers.
    fn in_money(&self, leg: &LegSpec, value: Decimal) -> Option<Decimal> {
        let (_, rate) = self.spec.references.money(&leg.instrument.quote)?;
        value.checked_mul(rate)
    }

    /// What so many venue units, buys positive, gain in quote from a price to the reference. `None` beyond exact numbers.
    fn gain(&self, leg: &LegSpec, units: Amount, price: Price) -> Option<Decimal> {
        let reference = self.reference(leg).get();
        let units = units.get().checked_mul(leg.instrument.contract_size.get())?;
        match leg.instrument.kind {
            // Settled in base: the difference of reciprocals, valued at the reference price.
            InstrumentKind::Inverse => {
                let paid = Decimal::ONE.checked_div(price.get())?;
                let paid = paid.checked_sub(Decimal::ONE.checked_div(reference)?)?;
                units.checked_mul(paid)?.checked_mul(reference)
            }
            _ => units.checked_mul(reference.checked_sub(price.get())?),
        }
    }

    /// What a leg has gained so far in quote, its holding valued at the reference price, fees in quote and base taken
    /// off. `None` beyond exact numbers.
    fn worth(&self, index: u8, leg: &LegSpec) -> Option<Decimal> {
        let reference = self.reference(leg).get();
        let mut sum = Decimal::ZERO;
        let orders = [Role::Entry, Role::Unwind].map(|role| self.attempts(index, role));
        for order in orders.into_iter().flatten() {
            for (fill, _) in order.fills.values() {
                let gain = self.gain(leg, order.request.side.signed(fill.quantity), fill.price)?;
                let fee = if fill.fee_asset == leg.instrument.quote {
                    fill.fee.get()
                } else if fill.fee_asset == leg.instrument.base {
                    fill.fee.get().checked_mul(reference)?
                } else {
                    // A third asset has no price here; it is reported apart (K2).
                    Decimal::ZERO
                };
                sum = sum.checked_add(gain)?.checked_sub(fee)?;
            }
        }
        Some(sum)
    }
}

impl<'a> Reducing<'a> {
    /// Whether a position just read has the residual's direction and covers it, beside what the wave already takes.
    fn covers(&mut self, takeback: &Takeback, leg: &'a LegSpec, position: Amount) -> bool {
        let reduces = match takeback.side {
            Side::Sell => position.get() > Decimal::ZERO,
            Side::Buy => position.get() < Decimal::ZERO,
        };
        let place = (&leg.venue, &leg.instrument.symbol);
        let taken = self.0.get(&place).copied().unwrap_or(Qty::ZERO);
        let taken = taken.plus(takeback.units);
        if !reduces || position.magnitude() < taken {
            return false;
        }
        self.0.insert(place, taken);
        true
    }
}

/// Far touch and band, rounded towards the touch so that the band is never exceeded.
fn band_limit(side: Side, bid: Price, ask: Price, band_bps: u32, tick: Price) -> Price {
    let band = Decimal::new(i64::from(band_bps), 4);
    let scaled = |price: Price, factor: Decimal| {
        let scaled = price.get().checked_mul(factor);
        scaled.and_then(|scaled| Price::new(scaled).ok()).unwrap_or(price)
    };
    // Where ticks are finer at the book's own prices than the one that is right everywhere, the touch itself is a price.
    match side {
        Side::Sell => scaled(bid, Decimal::ONE - band).round_up(tick).min(bid),
        Side::Buy => scaled(ask, Decimal::ONE + band).round_down(tick).max(ask),
    }
}
