//! Exact numbers out of an exchange's texts.
//!
//! A text is digits with at most one point and a sign, nothing else, and its value is small enough that later products of
//! two such numbers stay exact or are rounded, never out of range. Anything else is a bad answer, never a panic (A8).

use equipoise_core::{Amount, BookTop, Price, Qty, VenueMillis};
use rust_decimal::Decimal;

use crate::answer::BadAnswer;

/// Longest text of a number.
const CHARS_MAX: usize = 40;
/// Largest magnitude an exchange may report; no real quantity, price or balance comes near it.
const MAGNITUDE_MAX: i64 = 10_000_000_000_000;
/// Most digits behind the point.
const SCALE_MAX: u32 = 18;
/// First believable venue time: 2017-01-01 UTC, before either exchange existed.
const TIME_MIN: u64 = 1_483_228_800_000;
/// Last believable venue time: 2100-01-01 UTC.
const TIME_MAX: u64 = 4_102_444_800_000;

/// A quantity, zero or more.
pub(crate) fn quantity(text: &str, field: &'static str) -> Result<Qty, BadAnswer> {
    Qty::new(decimal(text, field)?).map_err(|_| BadAnswer::number(field))
}

/// A price above zero.
pub(crate) fn price(text: &str, field: &'static str) -> Result<Price, BadAnswer> {
    Price::new(decimal(text, field)?).map_err(|_| BadAnswer::number(field))
}

/// A signed amount.
pub(crate) fn amount(text: &str, field: &'static str) -> Result<Amount, BadAnswer> {
    decimal(text, field).map(Amount::from)
}

/// A signed amount, zero where the exchange leaves the text empty.
pub(crate) fn amount_or_zero(text: &str, field: &'static str) -> Result<Amount, BadAnswer> {
    if text.is_empty() {
        return Ok(Amount::ZERO);
    }
    amount(text, field)
}

/// One side of a book: `None` when either text is empty or zero, which is how exchanges show an empty side.
pub(crate) fn book_side(
    price_text: &str,
    size_text: &str,
    field: &'static str,
) -> Result<Option<(Price, Qty)>, BadAnswer> {
    let (best, size) = (amount_or_zero(price_text, field)?, amount_or_zero(size_text, field)?);
    if best.is_zero() || size.is_zero() {
        return Ok(None);
    }
    Ok(Some((price(price_text, field)?, quantity(size_text, field)?)))
}

/// The middle of a book, or its one side; `None` when it is empty.
pub(crate) fn middle(book: &BookTop) -> Option<Price> {
    match (book.bid, book.ask) {
        (Some((bid, _)), Some((ask, _))) => Price::new((bid.get() + ask.get()) / Decimal::TWO).ok(),
        (one, other) => one.or(other).map(|(price, _)| price),
    }
}

/// A venue time in milliseconds that can be believed.
pub(crate) fn time(ms: u64, field: &'static str) -> Result<VenueMillis, BadAnswer> {
    if (TIME_MIN..TIME_MAX).contains(&ms) {
        Ok(VenueMillis(ms))
    } else {
        Err(BadAnswer::number(field))
    }
}

/// A venue time written as text.
pub(crate) fn time_text(text: &str, field: &'static str) -> Result<VenueMillis, BadAnswer> {
    let plain = !text.is_empty() && text.len() <= 16 && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(ms) if plain => time(ms, field),
        _ => Err(BadAnswer::number(field)),
    }
}

fn decimal(text: &str, field: &'static str) -> Result<Decimal, BadAnswer> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (integer, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if text.len() > CHARS_MAX || !plain(integer) || !plain(fraction) {
        return Err(BadAnswer::number(field));
    }
    // Trailing zeros carry no value but count against the exact range, so they go first.
    let trimmed = match text.split_once('.') {
        Some((whole, fraction)) => format!("{whole}.{}", fraction.trim_end_matches('0')),
        None => text.to_owned(),
    };
    let value = Decimal::from_str_exact(trimmed.trim_end_matches('.'))
        .map_err(|_| BadAnswer::number(field))?;
    if value.abs() > Decimal::from(MAGNITUDE_MAX) || value.scale() > SCALE_MAX {
        return Err(BadAnswer::number(field));
    }
    Ok(value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn only_plain_and_believable_numbers_are_read() {
        for bad in [
            "",
            "NaN",
            "Infinity",
            "-inf",
            "1e5",
            "1E-5",
            "+1",
            "1_000",
            " 1",
            "1 ",
            "0x10",
            ".5",
            "5.",
            "-",
            "--1",
            "1.2.3",
            "99999999999999999999999999999",
            "10000000000001",
            "0.1234567890123456789",
            "１",
        ] {
            assert!(amount(bad, "x").is_err(), "{bad}");
        }
        assert!(amount(&"9".repeat(100_000), "x").is_err());
        assert_eq!(amount("-0.0010", "x").unwrap().to_string(), "-0.001");
        assert_eq!(amount("0.00000", "x").unwrap(), Amount::ZERO);
        assert_eq!(quantity("5.000000000000000000000", "x").unwrap().to_string(), "5");
    }

    #[test]
    fn a_negative_quantity_and_a_zero_price_are_bad_answers() {
        assert_eq!(
            quantity("-1", "executedQty").unwrap_err().to_string(),
            "executedQty is not a usable number"
        );
        assert!(price("0.00", "price").is_err());
    }

    #[test]
    fn a_book_side_without_size_is_empty() {
        assert_eq!(book_side("", "", "bid").unwrap(), None);
        assert_eq!(book_side("0.00", "0.000", "bid").unwrap(), None);
        assert!(book_side("65000.1", "0.5", "bid").unwrap().is_some());
        assert!(book_side("NaN", "0.5", "bid").is_err());
    }

    #[test]
    fn the_middle_of_a_book_is_exact_and_one_side_stands_for_both() {
        let side = |price: &str| Some((price.parse().unwrap(), "1".parse().unwrap()));
        let middle = |bid, ask| middle(&BookTop { bid, ask }).map(|price| price.to_string());
        assert_eq!(middle(side("65000"), side("65000.01")), Some("65000.005".to_owned()));
        assert_eq!(middle(None, side("65000.1")), Some("65000.1".to_owned()));
        assert_eq!(middle(side("65000"), None), Some("65000".to_owned()));
        assert_eq!(middle(None, None), None);
    }

    #[test]
    fn times_outside_this_century_are_not_believed() {
        assert!(time(0, "time").is_err());
        assert!(time(u64::MAX, "time").is_err());
        assert!(time_text("1795334400000", "time").is_ok());
        assert!(time_text("+1795334400000", "time").is_err());
    }
}
