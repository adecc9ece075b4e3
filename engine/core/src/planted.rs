//! Places where the core can be bent on purpose, to see that the checks around it notice.
//!
//! Only in builds with `cfg(planted)`, which never ship. A bend holds on the thread that asked for it, so one build
//! serves the whole bank and tests that run beside each other do not disturb each other.

use std::cell::Cell;

use rust_decimal::Decimal;

use crate::decimal::{Amount, Qty};
use crate::instrument::InstrumentKind;
use crate::name::Asset;
use crate::record::Role;
use crate::saga::Saga;

/// What is bent; the default is nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bent {
    /// Replaces rounding a quantity down to a step.
    pub round_down: Option<fn(Decimal, Decimal) -> Decimal>,
    /// Replaces the sum of received quantities.
    pub add: Option<fn(Decimal, Decimal) -> Decimal>,
    /// Fees taken from the base asset of spot trades are not counted (K2).
    pub base_fee_ignored: bool,
    /// Inverse positions are converted fill by fill, each at its own price (K7).
    pub inverse_at_fill_price: bool,
    /// The executed quantity is whatever the venue showed last (V4).
    pub executed_may_fall: bool,
    /// An order in doubt holds back no wave (K1).
    pub doubt_ignored: bool,
    /// A further attempt need not wait for the one before (R5).
    pub attempts_overlap: bool,
    /// A further unwind order of a leg waits for nothing (R10).
    pub unwind_pauses_ignored: bool,
    /// What is done may be off its plan by as much as its spot fees in whatever asset (S2).
    pub any_fee_excuses: bool,
}

thread_local! {
    static BENT: Cell<Bent> = const { Cell::new(NOTHING) };
}

const NOTHING: Bent = Bent {
    round_down: None,
    add: None,
    base_fee_ignored: false,
    inverse_at_fill_price: false,
    executed_may_fall: false,
    doubt_ignored: false,
    attempts_overlap: false,
    unwind_pauses_ignored: false,
    any_fee_excuses: false,
};

/// Bends the core on this thread until the guard is dropped.
#[must_use]
pub fn bend(bent: Bent) -> Straighten {
    BENT.set(bent);
    Straighten
}

/// Straightens the core when dropped.
#[derive(Debug)]
pub struct Straighten;

impl Drop for Straighten {
    fn drop(&mut self) {
        BENT.set(NOTHING);
    }
}

pub(crate) fn bent() -> Bent {
    BENT.get()
}

impl Saga {
    /// Net delta of one underlying as it must not be computed: what was bought at one price and sold at another does
    /// not cancel out.
    pub(crate) fn delta_at_fill_prices(&self, underlying: &Asset) -> Amount {
        let mut sum = Amount::ZERO;
        for (index, leg) in (0_u8..).zip(&self.spec().legs) {
            if leg.instrument.base != *underlying {
                continue;
            }
            for role in [Role::Entry, Role::Unwind] {
                for order in self.attempts(index, role) {
                    for (fill, _) in order.fills.values() {
                        let units = order.request.side.signed(fill.quantity);
                        sum = sum + leg.instrument.base_of(units, fill.price);
                    }
                }
            }
        }
        sum
    }

    /// The fees of an underlying's spot entries, added up whatever they were paid in, as an excess must not be judged by
    /// them.
    pub(crate) fn excused_by_any_fee(&self, underlying: &Asset) -> Qty {
        let mut sum = Qty::ZERO;
        for (index, leg) in (0_u8..).zip(&self.spec().legs) {
            let spot = leg.instrument.kind == InstrumentKind::Spot;
            if bent().any_fee_excuses && spot && leg.instrument.base == *underlying {
                let fills =
                    self.attempts(index, Role::Entry).iter().flat_map(|one| one.fills.values());
                sum = fills.fold(sum, |sum, (fill, _)| sum.plus(fill.fee.magnitude()));
            }
        }
        sum
    }
}
