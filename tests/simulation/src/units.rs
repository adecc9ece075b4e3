//! Whole numbers for everything that is counted: the exchanges and the checkers share no arithmetic with the engine.

use equipoise_core::{Amount, Price, Qty};
use rust_decimal::Decimal;

/// Venue units and money are counted in hundred-millionths.
pub(crate) const ONE: i64 = 100_000_000;
/// Base values are counted in trillionths, the precision of the one conversion that rounds (K7).
pub(crate) const BASE_ONE: i128 = 1_000_000_000_000;

fn scaled(value: Decimal, places: u32) -> Option<i128> {
    let value = value.normalize();
    let missing = places.checked_sub(value.scale())?;
    Some(value.mantissa() * 10_i128.pow(missing))
}

/// Hundred-millionths of a decimal.
pub(crate) fn whole(value: Decimal) -> i64 {
    let scaled = scaled(value, 8).expect("simulated numbers have few places");
    i64::try_from(scaled).expect("simulated numbers are small")
}

/// Trillionths of a decimal.
pub(crate) fn base(value: Decimal) -> i128 {
    told(value).expect("simulated numbers have few places")
}

/// Trillionths of a decimal someone tells us, unless it has more places than that.
pub(crate) fn told(value: Decimal) -> Option<i128> {
    scaled(value, 12)
}

pub(crate) fn qty(units: i64) -> Qty {
    Qty::new(Decimal::new(units, 8)).expect("a quantity is not negative")
}

pub(crate) fn amount(units: i64) -> Amount {
    Amount::from(Decimal::new(units, 8))
}

pub(crate) fn price(units: i64) -> Price {
    Price::new(Decimal::new(units, 8)).expect("a price is greater than zero")
}

/// Quotient rounded half to even.
pub(crate) fn divide_half_even(numerator: i128, denominator: i128) -> i128 {
    let (quotient, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    match (rest * 2).cmp(&denominator) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + quotient.rem_euclid(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_to_the_even_neighbour_on_both_sides_of_zero() {
        assert_eq!(divide_half_even(5, 2), 2);
        assert_eq!(divide_half_even(7, 2), 4);
        assert_eq!(divide_half_even(-5, 2), -2);
        assert_eq!(divide_half_even(-7, 2), -4);
        assert_eq!(divide_half_even(-8, 3), -3);
    }

    #[test]
    fn a_decimal_keeps_every_digit() {
        assert_eq!(whole(Decimal::new(-12_345, 3)), -1_234_500_000);
        assert_eq!(base(Decimal::new(1, 12)), 1);
    }
}
