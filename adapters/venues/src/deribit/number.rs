//! Numbers that an exchange writes as JSON numbers, read without passing through floating point.
//!
//! The exchange computes with floating point itself, so a sum may come with a tail such as 0.30000000000000004, and a
//! small value with an exponent. Values are therefore taken at twelve places, the finest step the engine counts with.
//! Source: Deribit private/get_user_trades_by_currency_and_time, example with a fee of -2.1e-7, read 2026-11-22.

use std::str::FromStr;

use equipoise_core::{Amount, Price, Qty};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::answer::BadAnswer;
use crate::number;

/// Places behind the point that are kept.
const PLACES: u32 = 12;
/// Longest text of a number.
const CHARS_MAX: usize = 48;
/// Largest exponent in either direction.
const EXPONENT_MAX: i32 = 30;

/// A JSON value that should be a number, as it stands in the answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Number(Box<RawValue>);

impl Number {
    /// A quantity, zero or more.
    pub(crate) fn quantity(&self, field: &'static str) -> Result<Qty, BadAnswer> {
        number::quantity(&self.text(field)?, field)
    }

    /// A price above zero.
    pub(crate) fn price(&self, field: &'static str) -> Result<Price, BadAnswer> {
        number::price(&self.text(field)?, field)
    }

    /// A signed amount.
    pub(crate) fn amount(&self, field: &'static str) -> Result<Amount, BadAnswer> {
        number::amount(&self.text(field)?, field)
    }

    /// Plain digits without an exponent and without the tail of a floating-point sum.
    fn text(&self, field: &'static str) -> Result<String, BadAnswer> {
        let bad = || BadAnswer::number(field);
        let plain = plain(self.0.get()).ok_or_else(bad)?;
        // Cuts what lies beyond 28 digits, which is beyond the places kept here for every believable value.
        let value = Decimal::from_str(&plain).map_err(|_| bad())?;
        let kept = value.round_dp_with_strategy(PLACES, RoundingStrategy::MidpointNearestEven);
        Ok(kept.normalize().to_string())
    }
}

/// A number without its exponent; `None` if it is none.
fn plain(text: &str) -> Option<String> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent_of(exponent)?),
        None => (text, 0),
    };
    let (sign, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if text.len() > CHARS_MAX || whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let point = i32::try_from(whole.len()).ok()? + exponent;
    Some(match usize::try_from(point) {
        Ok(point) if point >= digits.len() => {
            format!("{sign}{digits}{}", "0".repeat(point - digits.len()))
        }
        Ok(point) if point > 0 => format!("{sign}{}.{}", &digits[..point], &digits[point..]),
        _ => {
            let zeros = usize::try_from(-point).ok()?;
            format!("{sign}0.{}{digits}", "0".repeat(zeros))
        }
    })
}

fn exponent_of(text: &str) -> Option<i32> {
    let exponent: i32 = text.strip_prefix('+').unwrap_or(text).parse().ok()?;
    (exponent.abs() <= EXPONENT_MAX).then_some(exponent)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Amount, BadAnswer> {
        serde_json::from_str::<Number>(json).unwrap().amount("x")
    }

    #[test]
    fn numbers_are_read_with_every_digit_that_counts() {
        for (json, value) in [
            ("0", "0"),
            ("100", "100"),
            ("65000.5", "65000.5"),
            ("-2.1e-7", "-0.00000021"),
            ("1.0E+3", "1000"),
            ("1.5e1", "15"),
            ("12.34e1", "123.4"),
            ("0.30000000000000004", "0.3"),
            ("0.0009999999999999999", "0.001"),
            ("-0.0", "0"),
        ] {
            assert_eq!(read(json).unwrap().to_string(), value, "{json}");
        }
    }

    #[test]
    fn what_is_no_believable_number_is_a_bad_answer() {
        for json in [
            "\"1\"",
            "null",
            "true",
            "{}",
            "[1]",
            "1e31",
            "1e999999999999",
            "99999999999999",
            "1e14",
            "1000000000000000000000000000000000000000000000000001",
        ] {
            assert!(read(json).is_err(), "{json}");
        }
        assert!(serde_json::from_str::<Number>("-1").unwrap().quantity("x").is_err());
        assert!(serde_json::from_str::<Number>("0").unwrap().price("x").is_err());
    }
}
