//! Exact decimals with a meaning: prices, quantities and signed amounts.
//!
//! Nothing here rounds unless its name says so, and no floating point number is ever involved.
//! In text and in the journal a decimal is its canonical string: no exponent, no trailing zeros.

use std::fmt;
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text is not a plain decimal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// The text is not `digits[.digits]`.
    #[error(
        "'{0}' is not a plain decimal: allowed is digits[.digits], without sign, exponent or underscore"
    )]
    NotPlain(String),
    /// More digits than exact arithmetic is guaranteed for.
    #[error("'{0}' has too many digits: at most 12 before and 12 after the point are allowed")]
    TooLong(String),
    /// Zero where only a positive number makes sense.
    #[error("'{0}' must be greater than zero")]
    NotPositive(String),
    /// Negative where only zero or more makes sense.
    #[error("'{0}' must not be negative")]
    Negative(String),
    /// Beyond what products can be computed exactly for.
    #[error("'{0}' is out of range: allowed is less than 10000000000000 and at most 18 places")]
    OutOfRange(String),
}

/// Magnitude and places within which products of two values stay exact and cannot overflow.
fn in_range(value: Decimal) -> Result<(), NumberError> {
    if value.abs() < MAGNITUDE_MAX && value.normalize().scale() <= 18 {
        return Ok(());
    }
    Err(NumberError::OutOfRange(value.to_string()))
}

const MAGNITUDE_MAX: Decimal = Decimal::from_parts(1_316_134_912, 2_328, 0, false, 0);

pub(crate) fn canonical(value: Decimal) -> Decimal {
    let value = value.normalize();
    // Negative zero would print as "-0" and break equality of canonical texts.
    if value.is_zero() { Decimal::ZERO } else { value }
}

macro_rules! decimal_type {
    ($(#[$doc:meta])* $name:ident, $check:expr, $expecting:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Decimal);

        impl $name {
            /// Wraps an exact decimal.
            ///
            /// # Errors
            /// When the value breaks the type's range.
            pub fn new(value: Decimal) -> Result<Self, NumberError> {
                let check: fn(Decimal) -> Result<(), NumberError> = $check;
                check(value)?;
                in_range(value)?;
                Ok(Self(canonical(value)))
            }

            /// The exact value.
            #[must_use]
            pub const fn get(self) -> Decimal {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                // Not `collect_str`: a format that writes lengths first would have it formatted twice.
                serializer.serialize_str(&self.0.to_string())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }
    };
}

decimal_type!(
    /// A price: quote units for one base unit, greater than zero.
    Price,
    |value| {
        if value > Decimal::ZERO {
            Ok(())
        } else {
            Err(NumberError::NotPositive(value.to_string()))
        }
    },
    "a price as a string of plain digits, such as \"65000.5\""
);

decimal_type!(
    /// A quantity, zero or more. Its unit is said where it is used: base asset or venue units.
    Qty,
    |value| {
        if value >= Decimal::ZERO {
            Ok(())
        } else {
            Err(NumberError::Negative(value.to_string()))
        }
    },
    "a quantity as a string of plain digits, such as \"0.1\""
);

decimal_type!(
    /// A signed amount: money, delta or a position.
    Amount,
    |_| Ok(()),
    "a decimal number as a string, such as \"-0.1\""
);

impl FromStr for Price {
    type Err = NumberError;
    fn from_str(text: &str) -> Result<Self, NumberError> {
        Decimal::from_str_exact(text)
            .map_err(|_| NumberError::NotPlain(text.chars().take(40).collect()))
            .and_then(Self::new)
    }
}

impl FromStr for Qty {
    type Err = NumberError;
    fn from_str(text: &str) -> Result<Self, NumberError> {
        Decimal::from_str_exact(text)
            .map_err(|_| NumberError::NotPlain(text.chars().take(40).collect()))
            .and_then(Self::new)
    }
}

impl FromStr for Amount {
    type Err = NumberError;
    fn from_str(text: &str) -> Result<Self, NumberError> {
        Decimal::from_str_exact(text)
            .map_err(|_| NumberError::NotPlain(text.chars().take(40).collect()))
            .map(Self::from)
    }
}

impl From<Decimal> for Amount {
    fn from(value: Decimal) -> Self {
        Self(canonical(value))
    }
}

impl From<Qty> for Amount {
    fn from(value: Qty) -> Self {
        Self(value.0)
    }
}

impl Qty {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);
    /// More than any order can be for.
    pub(crate) const MAX: Self = Self(Decimal::from_parts(1_316_134_911, 2_328, 0, false, 0));

    /// True for nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// The value cut to 12 places, towards zero: for quotients on their way to being rounded down to lots.
    ///
    /// # Errors
    /// When it is negative or out of range.
    pub fn truncated(value: Decimal) -> Result<Self, NumberError> {
        Self::new(value.trunc_with_scale(12))
    }

    /// The smaller of two.
    #[must_use]
    pub fn min(self, other: Qty) -> Self {
        Self(self.0.min(other.0))
    }

    /// The largest multiple of `step` that is not above this quantity.
    #[must_use]
    pub fn round_down(self, step: Qty) -> Self {
        if step.is_zero() {
            return self;
        }
        #[cfg(planted)]
        if let Some(round) = crate::planted::bent().round_down {
            return Self(canonical(round(self.0, step.0)));
        }
        // What cannot be divided exactly is rounded to nothing, so that nothing is sent.
        let rest = self.0.checked_rem(step.0).unwrap_or(self.0);
        Self(canonical(self.0 - rest))
    }

    /// This minus the other, never below zero.
    #[must_use]
    pub fn minus(self, other: Qty) -> Self {
        Self(canonical((self.0 - other.0).max(Decimal::ZERO)))
    }

    /// This plus the other.
    #[must_use]
    pub fn plus(self, other: Qty) -> Self {
        Self(canonical(self.0 + other.0))
    }
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// True for nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// The size without its sign.
    #[must_use]
    pub fn magnitude(self) -> Qty {
        Qty(self.0.abs())
    }
}

impl std::ops::Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(canonical(self.0 + other.0))
    }
}

impl std::ops::Sub for Amount {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(canonical(self.0 - other.0))
    }
}

impl std::ops::Neg for Amount {
    type Output = Self;
    fn neg(self) -> Self {
        Self(canonical(-self.0))
    }
}

impl Price {
    /// The nearest multiple of `tick` that is not above this price, or the tick itself.
    #[must_use]
    pub fn round_down(self, tick: Price) -> Self {
        match self.0.checked_div(tick.0) {
            Some(ticks) => Self(canonical(ticks.floor().max(Decimal::ONE) * tick.0)),
            // A tick that fine bounds nothing.
            None => self,
        }
    }

    /// The nearest multiple of `tick` that is not below this price.
    #[must_use]
    pub fn round_up(self, tick: Price) -> Self {
        match self.0.checked_div(tick.0) {
            Some(ticks) => Self(canonical(ticks.ceil() * tick.0)),
            None => self,
        }
    }
}

/// Rounds half to even at 12 places, the one place where a conversion may lose digits.
#[must_use]
pub fn round_conversion(value: Decimal) -> Decimal {
    value.round_dp_with_strategy(12, RoundingStrategy::MidpointNearestEven)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn quantities_round_down_and_never_up() {
        let qty: Qty = "0.1239".parse().unwrap();
        assert_eq!(qty.round_down("0.001".parse().unwrap()).to_string(), "0.123");
        assert_eq!(qty.round_down("1".parse().unwrap()), Qty::ZERO);
    }

    #[test]
    fn values_whose_products_could_overflow_are_refused() {
        assert_eq!(MAGNITUDE_MAX.to_string(), "10000000000000");
        assert!("9999999999999".parse::<Price>().is_ok());
        assert!("10000000000000".parse::<Price>().is_err());
        assert!("0.0000000000000000001".parse::<Qty>().is_err());
    }

    #[test]
    fn text_is_canonical() {
        assert_eq!("0.10".parse::<Qty>().unwrap().to_string(), "0.1");
        assert_eq!("-0.00".parse::<Amount>().unwrap().to_string(), "0");
    }
}
