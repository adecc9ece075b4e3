//! Names and identifiers: opaque, short, ASCII, and checked once when they are made.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest name a plan may use.
const NAME_LEN_MAX: usize = 64;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} '{shown}' is not allowed: {allowed}")]
pub struct NameError {
    what: &'static str,
    shown: String,
    allowed: &'static str,
}

fn check(
    what: &'static str,
    text: &str,
    allowed: &'static str,
    len_max: usize,
    fits: fn(u8) -> bool,
) -> Result<(), NameError> {
    if !text.is_empty() && text.len() <= len_max && text.bytes().all(fits) {
        return Ok(());
    }
    // Escaped and cut, so that control characters or a megabyte of input never reach a terminal.
    let shown = text.chars().take(NAME_LEN_MAX).flat_map(char::escape_default).collect();
    Err(NameError { what, shown, allowed })
}

fn plan_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._:+-".contains(&byte)
}

fn symbol_byte(byte: u8) -> bool {
    plan_byte(byte) || byte == b'/'
}

fn venue_text_byte(byte: u8) -> bool {
    (b'!'..=b'~').contains(&byte)
}

const PLAN_GRAMMAR: &str = "1 to 64 characters of A-Z a-z 0-9 . _ : + -";
const SYMBOL_GRAMMAR: &str = "1 to 64 characters of A-Z a-z 0-9 . _ : + - /";
const VENUE_TEXT_GRAMMAR: &str = "1 to 128 printable ASCII characters without spaces";

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $what:literal, $allowed:expr, $len_max:expr, $fits:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the text and takes it as it is.
            ///
            /// # Errors
            /// When it is empty, too long or holds another character.
            pub fn new(text: &str) -> Result<Self, NameError> {
                check($what, text, $allowed, $len_max, $fits)?;
                Ok(Self(Arc::from(text)))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a string in quotes")
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        $name::new(text).map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }
    };
}

name_type!(
    /// Who wants the batch.
    StrategyName, "strategy name", PLAN_GRAMMAR, NAME_LEN_MAX, plan_byte
);
name_type!(
    /// What the batch is for, the caller's own word; compared byte by byte and never parsed.
    Occasion, "occasion", PLAN_GRAMMAR, NAME_LEN_MAX, plan_byte
);
name_type!(
    /// A leg's name inside its plan.
    LegName, "leg name", PLAN_GRAMMAR, NAME_LEN_MAX, plan_byte
);
name_type!(
    /// A venue as the configuration names it; it stands for the account used there.
    VenueName, "venue name", PLAN_GRAMMAR, NAME_LEN_MAX, plan_byte
);
name_type!(
    /// An instrument in the venue's own spelling.
    Symbol, "instrument", SYMBOL_GRAMMAR, NAME_LEN_MAX, symbol_byte
);
name_type!(
    /// An asset such as `BTC` or `USDT`, as the venue spells it.
    Asset, "asset", VENUE_TEXT_GRAMMAR, 128, venue_text_byte
);
name_type!(
    /// Where a venue's orders go: host and account, never a secret. The same text after each start for as long as it is
    /// the same account, and another one for another (P11).
    AccountId, "account id", VENUE_TEXT_GRAMMAR, 128, venue_text_byte
);
name_type!(
    /// A client order id in the venue's alphabet and length.
    ClientOrderId, "client order id", VENUE_TEXT_GRAMMAR, 128, venue_text_byte
);
name_type!(
    /// The venue's own id of an order.
    VenueOrderId, "venue order id", VENUE_TEXT_GRAMMAR, 128, venue_text_byte
);
name_type!(
    /// The venue's own id of a trade.
    TradeId, "trade id", VENUE_TEXT_GRAMMAR, 128, venue_text_byte
);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_ascii_and_says_what_is_allowed() {
        assert!(StrategyName::new("funding-arb.v1:A+b_c").is_ok());
        for bad in ["", "a b", "ünder", "a/b", "a\n", "\u{0430}bc", &"x".repeat(65)] {
            assert!(LegName::new(bad).is_err(), "{bad}");
        }
        assert_eq!(
            LegName::new("a b\u{7}").unwrap_err().to_string(),
            "leg name 'a b\\u{7}' is not allowed: 1 to 64 characters of A-Z a-z 0-9 . _ : + -"
        );
    }
}
