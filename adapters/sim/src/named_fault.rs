//! The failures that have a name on the command line.

use rust_decimal::Decimal;

use crate::exchange::{BINANCE_USDM, BYBIT_LINEAR};
use crate::fault::{Broken, Effect, Fault, Loss, Matcher, Occurrence, Operation};

/// A fault name that does not exist; the message lists those that do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown fault {name:?}; known are {}", Fault::names().join(", "))]
pub struct UnknownFault {
    /// As it was given.
    pub name: String,
}

impl Fault {
    /// The failure of this name. Each happens once, to the first order that may open a position at its adapter,
    /// so that whatever is done about it afterwards works.
    ///
    /// # Errors
    /// The name is not one of [`Fault::names`].
    pub fn named(name: &str) -> Result<Self, UnknownFault> {
        let (adapter, effect) = match name {
            "bybit-reject" => (BYBIT_LINEAR, bybit_reject()),
            "bybit-timeout-after-accept" => (BYBIT_LINEAR, Effect::LoseAnswer(Loss::Silence)),
            "bybit-timeout-lost" => (BYBIT_LINEAR, Effect::LoseRequest(Loss::Silence)),
            "partial-fill" => (BYBIT_LINEAR, Effect::PartialFill(Decimal::new(4, 1))),
            "binance-503-unknown" => (BINANCE_USDM, Effect::BreakAnswer(Broken::Unknown503)),
            "insufficient-margin" => (BINANCE_USDM, Effect::WithoutMargin),
            _ => {
                return Err(UnknownFault { name: name.to_owned() });
            }
        };
        let matcher = Matcher {
            operation: Operation::PlaceEntry,
            symbol: None,
            occurrence: Occurrence::Nth(1),
        };
        Ok(Self { adapter: Some(adapter), matcher, effect })
    }

    /// All names that [`Fault::named`] knows.
    #[must_use]
    pub fn names() -> &'static [&'static str] {
        &[
            "bybit-reject",
            "bybit-timeout-after-accept",
            "bybit-timeout-lost",
            "partial-fill",
            "binance-503-unknown",
            "insufficient-margin",
        ]
    }
}

// Source: Bybit v5 error codes, UTA, 110007, read 2026-11-22.
fn bybit_reject() -> Effect {
    Effect::Refuse { status: 200, code: 110_007, message: "ab not enough for new order".to_owned() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::Fault;

    #[test]
    fn every_name_on_the_list_is_a_fault_of_one_adapter() {
        for name in Fault::names() {
            assert!(Fault::named(name).unwrap().adapter.is_some(), "{name}");
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        assert_eq!(
            Fault::named("bybit").unwrap_err().to_string(),
            "unknown fault \"bybit\"; known are bybit-reject, bybit-timeout-after-accept, bybit-timeout-lost, \
             partial-fill, binance-503-unknown, insufficient-margin"
        );
    }
}
