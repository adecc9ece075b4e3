//! From base units to lots: all legs of a plan are rounded together, always down, as neutral as the lots allow.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::decimal::{Amount, Price, Qty};
use crate::instrument::{Instrument, InstrumentKind, SizeError};
use crate::name::{Asset, LegName};
use crate::order::{OrderKind, Side};
use crate::plan::{CheckedPlan, CheckedQuantity};
use crate::spec::LegQuantity;

/// A leg's size after rounding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizedLeg {
    /// What will be ordered, venue units.
    pub quantity: LegQuantity,
    /// What the plan asked for in base units, zero for a leg that follows another.
    pub asked_base: Qty,
    /// What was rounded away, base units.
    pub dust_base: Qty,
}

/// Why a plan cannot be sized.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SizingError {
    /// One leg breaks its instrument's rules.
    #[error("leg '{leg}': {error}")]
    Leg {
        /// Which leg.
        leg: LegName,
        /// What is wrong.
        error: SizeError,
    },
    /// No reference price for an underlying.
    #[error("no reference price for {0}")]
    NoReference(Asset),
}

/// Sizes every leg of a plan against its instrument.
///
/// Each leg is rounded down to its lot. Then, underlying by underlying, the legs on the heavier side give up lots,
/// finest lot first, while that brings the rounded plan's net delta closer to the one asked for.
///
/// # Errors
/// A leg too small, too large or off its tick after rounding.
pub fn size_plan(
    plan: &CheckedPlan,
    instruments: &[Instrument],
    references: &BTreeMap<Asset, Price>,
) -> Result<Vec<SizedLeg>, SizingError> {
    let mut sizes = Vec::with_capacity(plan.legs.len());
    for (leg, instrument) in plan.legs.iter().zip(instruments) {
        let fail = |error| SizingError::Leg {
            leg: leg.name.clone(),
            error,
        };
        instrument.check().map_err(fail)?;
        let reference = reference_of(instrument, references)?;
        let asked = asked_units(
            &leg.quantity,
            leg.side,
            leg.reduce_only,
            instrument,
            reference,
        )
        .map_err(fail)?;
        sizes.push(Size {
            instrument,
            side: leg.side,
            reference,
            asked,
            rounded: asked.map(|asked| asked.round_down(instrument.lot)),
        });
    }
    trim_heavier_sides(&mut sizes);
    let mut sized = Vec::with_capacity(sizes.len());
    for (leg, size) in plan.legs.iter().zip(&sizes) {
        sized.push(
            size.finish(leg.kind, &leg.quantity)
                .map_err(|error| SizingError::Leg {
                    leg: leg.name.clone(),
                    error,
                })?,
        );
    }
    Ok(sized)
}

/// Size of a leg that follows another: its source's received base times the ratio, rounded down to lots.
/// Zero means that it is not sent.
///
/// # Errors
/// When the numbers leave the exact range.
pub fn size_following(
    instrument: &Instrument,
    side: Side,
    source_base: Qty,
    ratio: Qty,
    reference: Price,
) -> Result<Qty, SizeError> {
    let overflow = || SizeError::Overflow {
        symbol: instrument.symbol.clone(),
    };
    let base = source_base
        .get()
        .checked_mul(ratio.get())
        .ok_or_else(overflow)?;
    let base = Qty::truncated(base).map_err(|_| overflow())?;
    let units = instrument.units_of(base, reference)?;
    Ok(gross_up(instrument, side, units).round_down(instrument.lot))
}

struct Size<'a> {
    instrument: &'a Instrument,
    side: Side,
    reference: Price,
    asked: Option<Qty>,
    rounded: Option<Qty>,
}

impl Size<'_> {
    fn base(&self, units: Option<Qty>) -> Decimal {
        let units = units.unwrap_or(Qty::ZERO);
        let received = net_of_fee(self.instrument, self.side, units);
        self.instrument
            .base_of(self.side.signed(received), self.reference)
            .get()
    }

    fn finish(&self, kind: OrderKind, asked: &CheckedQuantity) -> Result<SizedLeg, SizeError> {
        let Some(rounded) = self.rounded else {
            let CheckedQuantity::Of { leg, ratio } = asked else {
                return Err(SizeError::Overflow {
                    symbol: self.instrument.symbol.clone(),
                });
            };
            // Tick and rules are checked now, the size when it is known.
            self.instrument.check_order(
                self.instrument.smallest(self.reference),
                kind,
                self.reference,
            )?;
            return Ok(SizedLeg {
                quantity: LegQuantity::Of {
                    leg: *leg,
                    ratio: *ratio,
                },
                asked_base: Qty::ZERO,
                dust_base: Qty::ZERO,
            });
        };
        let price = match kind {
            OrderKind::Limit { price, .. } => price,
            OrderKind::Market => self.reference,
        };
        self.instrument.check_order(rounded, kind, price)?;
        let asked_base = Amount::from(self.base(self.asked)).magnitude();
        let rounded_base = Amount::from(self.base(self.rounded)).magnitude();
        Ok(SizedLeg {
            quantity: LegQuantity::Fixed(rounded),
            asked_base,
            dust_base: asked_base.minus(rounded_base),
        })
    }
}

fn reference_of(
    instrument: &Instrument,
    references: &BTreeMap<Asset, Price>,
) -> Result<Price, SizingError> {
    let reference = references.get(&instrument.base).copied();
    reference.ok_or_else(|| SizingError::NoReference(instrument.base.clone()))
}

/// Venue units asked for, before rounding; `None` for a leg that follows another.
fn asked_units(
    quantity: &CheckedQuantity,
    side: Side,
    reduce_only: bool,
    instrument: &Instrument,
    reference: Price,
) -> Result<Option<Qty>, SizeError> {
    let overflow = || SizeError::Overflow {
        symbol: instrument.symbol.clone(),
    };
    let units = match quantity {
        CheckedQuantity::Of { .. } => return Ok(None),
        CheckedQuantity::Contracts(units) => return Ok(Some(*units)),
        CheckedQuantity::Base(base) => instrument.units_of(*base, reference)?,
        CheckedQuantity::Quote(quote) => {
            let base = quote
                .get()
                .checked_div(reference.get())
                .ok_or_else(overflow)?;
            instrument.units_of(Qty::truncated(base).map_err(|_| overflow())?, reference)?
        }
    };
    Ok(Some(if reduce_only {
        units
    } else {
        gross_up(instrument, side, units)
    }))
}

/// A spot buy receives less than it orders when the fee is taken from the base asset, so it orders more (K2).
fn gross_up(instrument: &Instrument, side: Side, units: Qty) -> Qty {
    let keeps = Decimal::ONE - instrument.taker_fee.get().max(Decimal::ZERO);
    match (instrument.kind, side) {
        (InstrumentKind::Spot, Side::Buy) if keeps > Decimal::ZERO => {
            Qty::truncated(units.get() / keeps).unwrap_or(units)
        }
        _ => units,
    }
}

fn net_of_fee(instrument: &Instrument, side: Side, units: Qty) -> Qty {
    match (instrument.kind, side) {
        (InstrumentKind::Spot, Side::Buy) => {
            let keeps = Decimal::ONE - instrument.taker_fee.get().max(Decimal::ZERO);
            Qty::new(units.get() * keeps).unwrap_or(units)
        }
        _ => units,
    }
}

fn trim_heavier_sides(sizes: &mut [Size<'_>]) {
    let mut underlyings: Vec<Asset> = sizes
        .iter()
        .map(|size| size.instrument.base.clone())
        .collect();
    underlyings.sort_unstable();
    underlyings.dedup();
    for underlying in underlyings {
        let mut members: Vec<usize> = (0..sizes.len())
            .filter(|i| sizes[*i].instrument.base == underlying)
            .collect();
        // A leg that follows another has no size yet, so its group cannot be balanced beforehand.
        if members.iter().any(|index| sizes[*index].rounded.is_none()) {
            continue;
        }
        members.sort_by_key(|i| (sizes[*i].instrument.lot_base(sizes[*i].reference), *i));
        let asked: Decimal = members
            .iter()
            .map(|i| sizes[*i].base(sizes[*i].asked))
            .sum();
        let rounded: Decimal = members
            .iter()
            .map(|i| sizes[*i].base(sizes[*i].rounded))
            .sum();
        let mut excess = rounded - asked;
        for index in members {
            excess -= sizes[index].give_up(excess);
        }
    }
}

impl Size<'_> {
    /// Gives up as many lots as fit into the excess on this leg's side; returns the signed base given up.
    fn give_up(&mut self, excess: Decimal) -> Decimal {
        let sign = self
            .side
            .signed(Qty::new(Decimal::ONE).unwrap_or(Qty::ZERO))
            .get();
        let lot_base = self.instrument.lot_base(self.reference).get();
        if excess * sign <= Decimal::ZERO || lot_base.is_zero() {
            return Decimal::ZERO;
        }
        let before = self.rounded.unwrap_or(Qty::ZERO);
        let spare = before.minus(self.instrument.smallest(self.reference)).get();
        let lots = (excess * sign / lot_base).floor();
        let units = (lots * self.instrument.lot.get()).min(spare);
        let units = Qty::new(units)
            .unwrap_or(Qty::ZERO)
            .round_down(self.instrument.lot);
        let given = self.base(Some(before));
        self.rounded = Some(before.minus(units));
        given - self.base(self.rounded)
    }
}
