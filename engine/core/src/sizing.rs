//! From base units to lots: all legs of a plan are rounded together, always down, as neutral as the lots allow.

use std::collections::BTreeSet;

use rust_decimal::{Decimal, RoundingStrategy};

use crate::decimal::{Amount, Price, Qty};
use crate::instrument::{Instrument, InstrumentKind, SizeError};
use crate::name::{Asset, LegName};
use crate::order::{OrderKind, Side};
use crate::plan::{CheckedLeg, CheckedPlan, CheckedQuantity};
use crate::references::References;
use crate::spec::LegQuantity;

/// A leg's size after rounding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizedLeg {
    /// What will be ordered, venue units.
    pub quantity: LegQuantity,
    /// What it will order if the legs it follows fill as planned, venue units; of a fixed quantity, that quantity.
    pub planned: Qty,
    /// What that brings, base units, a fee in the base asset taken off.
    pub planned_base: Qty,
    /// What the plan asked for in base units; of a leg that follows another, its share of what was asked for there.
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
    /// No reference price for a pair of assets.
    #[error("no reference price for {base} in {quote}")]
    NoReference {
        /// What is priced.
        base: Asset,
        /// In what.
        quote: Asset,
    },
    /// A limit of loss over quotes that cannot be added up.
    #[error(
        "policy: unwind_loss_max has no meaning over quotes in {quotes}: leave it out, or plan legs that come down to one"
    )]
    LossInSeveral {
        /// What the legs' quotes come down to.
        quotes: String,
    },
}

/// Sizes every leg of a plan against its instrument.
///
/// Each leg is rounded down to its lot, a leg that follows another to what it will be if that one fills completely.
/// Then, underlying by underlying, the legs on the heavier side give up lots, finest lot first, while that brings the
/// rounded plan's net delta closer to the one asked for.
///
/// # Errors
/// A leg too small, too large or off its tick after rounding; a limit of loss over quotes that do not add up.
pub fn size_plan(
    plan: &CheckedPlan,
    instruments: &[Instrument],
    references: &References,
) -> Result<Vec<SizedLeg>, SizingError> {
    let mut sizes = Vec::with_capacity(plan.legs.len());
    for (leg, instrument) in plan.legs.iter().zip(instruments) {
        instrument.check().map_err(|error| leg_error(&leg.name, error))?;
        sizes.push(Size {
            instrument,
            side: leg.side,
            kind: leg.kind,
            reference: references.of(instrument).ok_or_else(|| no_reference(instrument))?,
            asked: Qty::ZERO,
            asked_base: Qty::ZERO,
            rounded: Qty::ZERO,
            follows: matches!(leg.quantity, CheckedQuantity::Of { .. }),
        });
    }
    check_loss_limit(plan, instruments, references)?;
    let order = sources_first(plan);
    size_fixed(plan, &mut sizes)?;
    size_followers(plan, &order, &mut sizes)?;
    trim_heavier_sides(&mut sizes);
    size_followers(plan, &order, &mut sizes)?;
    let sized =
        plan.legs.iter().zip(&sizes).map(|(leg, size)| {
            size.finish(&leg.quantity).map_err(|error| leg_error(&leg.name, error))
        });
    sized.collect()
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
    let overflow = || SizeError::Overflow { symbol: instrument.symbol.clone() };
    let base = source_base.get().checked_mul(ratio.get()).ok_or_else(overflow)?;
    let base = Qty::truncated(base).map_err(|_| overflow())?;
    if is_spot_buy(instrument, side) {
        let units = gross_up(instrument, side, instrument.units_of(base, reference)?);
        return Ok(units.round_down(instrument.lot));
    }
    instrument.lots_within(base, reference)
}

/// One leg on its way to its size; quantities in venue units.
struct Size<'a> {
    instrument: &'a Instrument,
    side: Side,
    kind: OrderKind,
    reference: Price,
    asked: Qty,
    /// The same in base units, to the last digit of what the plan says, which the way through venue units would lose.
    asked_base: Qty,
    rounded: Qty,
    follows: bool,
}

impl Size<'_> {
    /// Signed base units that a quantity brings, fees in the base asset taken off.
    fn base(&self, units: Qty) -> Decimal {
        let received = net_of_fee(self.instrument, self.side, units);
        self.instrument.base_of(self.side.signed(received), self.reference).get()
    }

    /// Says what was asked for where rounding left less than one order, not what it left.
    fn as_asked(&self, error: SizeError) -> SizeError {
        match error {
            SizeError::TooSmall { symbol, smallest, unit, .. } if self.asked < smallest => {
                SizeError::TooSmall { symbol, quantity: self.asked, smallest, unit }
            }
            error => error,
        }
    }

    fn finish(&self, asked: &CheckedQuantity) -> Result<SizedLeg, SizeError> {
        let price = self.kind.judged_at(self.reference);
        let fits = self.instrument.check_order(self.rounded, self.kind, price);
        fits.map_err(|error| self.as_asked(error))?;
        let quantity = match asked {
            CheckedQuantity::Of { leg, ratio } => LegQuantity::Of { leg: *leg, ratio: *ratio },
            _ => LegQuantity::Fixed(self.rounded),
        };
        let planned_base = Amount::from(self.base(self.rounded)).magnitude();
        let (asked_base, dust_base) = (self.asked_base, self.asked_base.minus(planned_base));
        Ok(SizedLeg { quantity, planned: self.rounded, planned_base, asked_base, dust_base })
    }
}

/// Quote assets that count one for one in a limit of loss.
const DOLLARS: [&str; 9] =
    ["USD", "USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USDE", "USDG", "PYUSD"];

/// A limit of loss is one number, so what the legs could lose has to be one kind of money.
fn check_loss_limit(
    plan: &CheckedPlan,
    instruments: &[Instrument],
    references: &References,
) -> Result<(), SizingError> {
    if plan.policy.unwind_loss_max.is_none() {
        return Ok(());
    }
    let money = |instrument: &Instrument| {
        let (money, _) = references.money(&instrument.quote)?;
        Some(if DOLLARS.contains(&money.as_str()) { "USD" } else { money.as_str() }.to_owned())
    };
    let quotes: BTreeSet<String> = instruments.iter().filter_map(money).collect();
    if quotes.len() > 1 {
        let quotes = quotes.into_iter().collect::<Vec<_>>().join(" and ");
        return Err(SizingError::LossInSeveral { quotes });
    }
    Ok(())
}

fn leg_error(leg: &LegName, error: SizeError) -> SizingError {
    SizingError::Leg { leg: leg.clone(), error }
}

/// Canonical indices of the legs that follow others, each after the one it follows.
fn sources_first(plan: &CheckedPlan) -> Vec<usize> {
    let source = |index: usize| match plan.legs[index].quantity {
        CheckedQuantity::Of { leg, .. } => Some(usize::from(leg)),
        _ => None,
    };
    let mut order: Vec<usize> = Vec::new();
    // A checked plan has no cycle, so each pass places at least one leg.
    for _ in 0..plan.legs.len() {
        for index in 0..plan.legs.len() {
            let ready =
                source(index).is_some_and(|leg| source(leg).is_none() || order.contains(&leg));
            if ready && !order.contains(&index) {
                order.push(index);
            }
        }
    }
    order
}

fn size_fixed(plan: &CheckedPlan, sizes: &mut [Size<'_>]) -> Result<(), SizingError> {
    for (leg, size) in plan.legs.iter().zip(sizes) {
        if !size.follows {
            size.asked = asked_units(leg, size.instrument, size.reference)
                .map_err(|error| leg_error(&leg.name, error))?;
            size.rounded = size.asked.round_down(size.instrument.lot);
            size.asked_base = match &leg.quantity {
                CheckedQuantity::Base(base) => *base,
                _ => Amount::from(size.base(size.asked)).magnitude(),
            };
        }
    }
    Ok(())
}

/// What the followers will order if the legs they follow fill completely.
fn size_followers(
    plan: &CheckedPlan,
    order: &[usize],
    sizes: &mut [Size<'_>],
) -> Result<(), SizingError> {
    for index in order {
        let CheckedQuantity::Of { leg, ratio } = plan.legs[*index].quantity else {
            continue;
        };
        let source = &sizes[usize::from(leg)];
        let base = |units| Amount::from(source.base(units)).magnitude();
        let (asked, filled) = (base(source.asked), base(source.rounded));
        let size = &sizes[*index];
        let (instrument, side, reference) = (size.instrument, size.side, size.reference);
        let overflow = || SizeError::Overflow { symbol: instrument.symbol.clone() };
        let sized = || {
            let base = asked.get().checked_mul(ratio.get()).ok_or_else(overflow)?;
            let base = Qty::truncated(base).map_err(|_| overflow())?;
            let units = instrument.units_of(base, reference)?;
            let rounded = size_following(instrument, side, filled, ratio, reference)?;
            Ok((gross_up(instrument, side, units), rounded))
        };
        let (asked, rounded) =
            sized().map_err(|error| leg_error(&plan.legs[*index].name, error))?;
        let share = sizes[usize::from(leg)].asked_base.get().checked_mul(ratio.get());
        sizes[*index].asked_base =
            share.and_then(|base| Qty::truncated(base).ok()).unwrap_or(Qty::ZERO);
        sizes[*index].asked = asked;
        sizes[*index].rounded = rounded;
    }
    Ok(())
}

fn no_reference(instrument: &Instrument) -> SizingError {
    let (base, quote) = (instrument.base.clone(), instrument.quote.clone());
    SizingError::NoReference { base, quote }
}

/// Venue units asked for, before rounding; nothing for a leg that follows another.
fn asked_units(
    leg: &CheckedLeg,
    instrument: &Instrument,
    reference: Price,
) -> Result<Qty, SizeError> {
    let units = match &leg.quantity {
        CheckedQuantity::Of { .. } => return Ok(Qty::ZERO),
        CheckedQuantity::Contracts(units) => return Ok(*units),
        CheckedQuantity::Base(base) => instrument.units_of(*base, reference)?,
        CheckedQuantity::Quote(quote) => instrument.units_worth(*quote, reference)?,
    };
    Ok(gross_up(instrument, leg.side, units))
}

const fn is_spot_buy(instrument: &Instrument, side: Side) -> bool {
    matches!((instrument.kind, side), (InstrumentKind::Spot, Side::Buy))
}

/// Part of a spot buy that is kept when the fee is taken from the base asset.
fn kept_part(instrument: &Instrument) -> Decimal {
    Decimal::ONE - instrument.taker_fee.get().max(Decimal::ZERO)
}

/// A spot buy receives less than it orders when the fee is taken from the base asset, so it orders more (K2).
pub(crate) fn gross_up(instrument: &Instrument, side: Side, units: Qty) -> Qty {
    if !is_spot_buy(instrument, side) {
        return units;
    }
    let grossed = units.get().checked_div(kept_part(instrument));
    grossed.and_then(|units| Qty::truncated(units).ok()).unwrap_or(units)
}

/// What an order of that many units brings, fees in the base asset taken off (K2).
pub(crate) fn net_of_fee(instrument: &Instrument, side: Side, units: Qty) -> Qty {
    if !is_spot_buy(instrument, side) {
        return units;
    }
    let kept = units.get().checked_mul(kept_part(instrument));
    kept.and_then(|units| Qty::truncated(units).ok()).unwrap_or(units)
}

fn trim_heavier_sides(sizes: &mut [Size<'_>]) {
    let mut underlyings: Vec<Asset> =
        sizes.iter().map(|size| size.instrument.base.clone()).collect();
    underlyings.sort_unstable();
    underlyings.dedup();
    for underlying in underlyings {
        let mut members: Vec<usize> =
            (0..sizes.len()).filter(|index| sizes[*index].instrument.base == underlying).collect();
        members.sort_by_key(|index| {
            let size = &sizes[*index];
            (size.instrument.lot_base(size.reference), *index)
        });
        let mut excess: Decimal = members
            .iter()
            .map(|index| &sizes[*index])
            .map(|size| size.base(size.rounded) - size.base(size.asked))
            .sum();
        for index in members {
            excess -= sizes[index].give_up(excess);
        }
    }
}

impl Size<'_> {
    /// Gives up as many lots as bring the excess on this leg's side closest to nothing; returns the signed base given up.
    fn give_up(&mut self, excess: Decimal) -> Decimal {
        let heavier = match self.side {
            Side::Buy => excess,
            Side::Sell => -excess,
        };
        let lot_base = self.instrument.lot_base(self.reference).get();
        if self.follows || heavier <= Decimal::ZERO || lot_base.is_zero() {
            return Decimal::ZERO;
        }
        let price = self.kind.judged_at(self.reference);
        let spare = self.rounded.minus(self.instrument.smallest(price));
        let lots = heavier.checked_div(lot_base).unwrap_or_default();
        let lots = lots.round_dp_with_strategy(0, RoundingStrategy::MidpointTowardZero);
        let units = lots.checked_mul(self.instrument.lot.get());
        let units = units.unwrap_or_default().min(spare.get());
        let units = Qty::new(units).unwrap_or(Qty::ZERO).round_down(self.instrument.lot);
        let before = self.base(self.rounded);
        self.rounded = self.rounded.minus(units);
        before - self.base(self.rounded)
    }
}
