//! Request parameters from a query string or a form body, and plain decimals.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

/// Named parameters of one request; of a repeated name the value set last counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(BTreeMap<String, String>);

impl Params {
    /// Adds the pairs of `text` (`a=1&b=2`, percent-encoded), replacing earlier ones.
    pub(crate) fn extend(&mut self, text: &str) {
        self.0.extend(pairs(text));
    }

    /// The value under `name`; one sent empty counts as not sent.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(crate) fn insert(&mut self, name: &str, value: String) {
        self.0.insert(name.to_owned(), value);
    }

    pub(crate) fn u64(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }
}

/// The pairs of `text` (`a=1&a=2`, percent-encoded) in their order, repeated ones included.
pub(crate) fn pairs(text: &str) -> impl Iterator<Item = (String, String)> + '_ {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (percent_decoded(name), percent_decoded(value))
    })
}

/// `digits[.digits]` with at most 20 digits on either side; no sign, exponent or separator.
pub(crate) fn plain_decimal(text: &str) -> Option<Decimal> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| {
        (1..=20).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if digits(whole) && digits(fraction) { text.parse().ok() } else { None }
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escape = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        match (byte, escape.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(value)) => {
                decoded.push(value);
                at += 3;
                continue;
            }
            (b'+', _) => decoded.push(b' '),
            _ => decoded.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{Params, percent_decoded, plain_decimal};

    #[test]
    fn escapes_plus_signs_and_broken_escapes_are_read() {
        assert_eq!(percent_decoded("a%2Bb+c%zz%4"), "a+b c%zz%4");
    }

    #[test]
    fn the_pair_set_last_wins_and_empty_counts_as_not_sent() {
        let mut params = Params::default();
        params.extend("a=1&b=&c=3");
        params.extend("a=2");
        assert_eq!(params.get("a"), Some("2"));
        assert_eq!(params.get("b"), None);
        assert_eq!(params.u64("c"), Some(3));
    }

    #[test]
    fn only_plain_decimals_are_numbers() {
        assert_eq!(plain_decimal("0.100").unwrap().to_string(), "0.100");
        for bad in ["-1", "+1", "1e3", ".5", "5.", "1_0", "NaN", "", "0x1", "123456789012345678901"]
        {
            assert_eq!(plain_decimal(bad), None, "{bad}");
        }
    }
}
