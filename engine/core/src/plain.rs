//! Numbers of plans: plain digits, bounded in length, read without any parser that knows floats or exponents.

use std::fmt;

use rust_decimal::Decimal;
use serde::Deserializer;
use serde::de::{Error as _, Unexpected, Visitor};

use crate::decimal::{NumberError, canonical};

/// Digits a number of a plan may have before the point.
const INTEGER_DIGITS_MAX: usize = 12;
/// Digits a number of a plan may have after the point.
const FRACTION_DIGITS_MAX: usize = 12;

/// Reads `digits[.digits]` and nothing else.
///
/// # Errors
/// Anything with a sign, an exponent, an underscore, a missing digit or too many digits.
pub fn parse_plain(text: &str) -> Result<Decimal, NumberError> {
    let shown = || text.chars().take(40).collect::<String>();
    let (integer, fraction) = match text.split_once('.') {
        Some((integer, fraction)) => (integer, Some(fraction)),
        None => (text, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(integer) || !fraction.is_none_or(digits) {
        return Err(NumberError::NotPlain(shown()));
    }
    if integer.len() > INTEGER_DIGITS_MAX || fraction.unwrap_or("").len() > FRACTION_DIGITS_MAX {
        return Err(NumberError::TooLong(shown()));
    }
    Decimal::from_str_exact(text).map_err(|_| NumberError::TooLong(shown()))
}

/// A whole number without quotes. What is beyond the largest of its field is left to the plan's check where the type
/// holds it; anything else is refused with the range.
pub(crate) fn whole<'de, D: Deserializer<'de>, T: TryFrom<u64>>(
    deserializer: D,
    largest: u64,
) -> Result<T, D::Error> {
    struct Whole(u64);
    impl Visitor<'_> for Whole {
        type Value = u64;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a whole number from 1 to {}", self.0)
        }
        fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<u64, E> {
            Ok(value)
        }
        fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<u64, E> {
            u64::try_from(value).map_err(|_| E::invalid_value(Unexpected::Signed(value), &self))
        }
    }
    let value = deserializer.deserialize_u64(Whole(largest))?;
    let beyond = |_| D::Error::invalid_value(Unexpected::Unsigned(value), &Whole(largest));
    T::try_from(value).map_err(beyond)
}

/// Reads a number of a plan: [`parse_plain`], and greater than zero.
pub(crate) fn positive_plain<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Decimal, D::Error> {
    struct Plain;
    impl Visitor<'_> for Plain {
        type Value = Decimal;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a plain decimal in quotes, such as \"0.1\"")
        }
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Decimal, E> {
            positive(text).map_err(E::custom)
        }
    }
    deserializer.deserialize_str(Plain)
}

/// Reads `digits[.digits]` greater than zero.
///
/// # Errors
/// As [`parse_plain`], and for zero.
pub(crate) fn positive(text: &str) -> Result<Decimal, NumberError> {
    let value = parse_plain(text)?;
    if value.is_zero() {
        return Err(NumberError::NotPositive(text.to_owned()));
    }
    Ok(canonical(value))
}

/// Optional form of [`positive_plain`].
pub(crate) fn optional_positive_plain<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Decimal>, D::Error> {
    positive_plain(deserializer).map(Some).map_err(D::Error::custom)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn only_plain_digits_are_numbers() {
        for bad in [
            "", ".", "1.", ".5", "-1", "+1", "1e3", "1_000", "NaN", "inf", " 1", "1 ", "0x1",
            "1,5", "１",
        ] {
            assert!(parse_plain(bad).is_err(), "{bad}");
        }
        assert_eq!(parse_plain("00.10").unwrap().normalize().to_string(), "0.1");
    }

    #[test]
    fn long_numbers_are_refused_before_they_can_lose_a_digit() {
        assert_eq!(
            parse_plain("0.1234567890123").unwrap_err().to_string(),
            "'0.1234567890123' has too many digits: at most 12 before and 12 after the point are allowed"
        );
        assert!(parse_plain("999999999999.999999999999").is_ok());
        assert!(parse_plain("1000000000000").is_err());
    }
}
