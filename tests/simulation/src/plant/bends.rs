//! Bugs that only the core itself can have: its named places are bent for the length of one simulation.

use equipoise_core::planted::Bent;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::Plant;

/// How the core is bent for a bug, if it is one of these.
pub(super) fn of(plant: Plant) -> Option<Bent> {
    let straight = Bent::default();
    Some(match plant {
        Plant::RoundingUp => Bent { round_down: Some(round_up), ..straight },
        Plant::FloatSum => Bent { add: Some(add_floats), ..straight },
        Plant::GrossSpotUnwind => Bent { base_fee_ignored: true, ..straight },
        Plant::InverseAtFillPrice => Bent { inverse_at_fill_price: true, ..straight },
        Plant::ExecutedMayFall => Bent { executed_may_fall: true, ..straight },
        Plant::DoubtIgnored => Bent { doubt_ignored: true, ..straight },
        Plant::NewIdBeforeOldIsClosed => Bent { attempts_overlap: true, ..straight },
        Plant::UnwindPausesForgotten => Bent { unwind_pauses_ignored: true, ..straight },
        Plant::AnyFeeExcuses => Bent { any_fee_excuses: true, ..straight },
        _ => return None,
    })
}

fn round_up(quantity: Decimal, step: Decimal) -> Decimal {
    (quantity / step).ceil() * step
}

#[allow(clippy::float_arithmetic, reason = "the planted bug")]
fn add_floats(one: Decimal, other: Decimal) -> Decimal {
    let sum = one.to_f64().unwrap_or_default() + other.to_f64().unwrap_or_default();
    Decimal::from_f64_retain(sum).unwrap_or_default()
}
