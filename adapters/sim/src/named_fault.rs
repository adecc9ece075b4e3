//! The failures that have a name on the command line.

use rust_decimal::Decimal;

use crate::faces::{BINANCE_USDM, BYBIT_LINEAR, FACES, FaceEntry};
use crate::fault::{Broken, Effect, Fault, Loss, Matcher, Occurrence, Operation, Stage};

/// How late `late-execution` lets an order reach the matching engine: later than the usual window of a request,
/// within the margin that clients are to allow after it.
const LATE_MS: u64 = 10_000;

/// A fault name that does not exist; the message lists those that do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown fault {name:?}; known are {}, and ADAPTER-KIND with one of the kinds {}",
    Fault::names().join(", "),
    Fault::kinds().join(", ")
)]
pub struct UnknownFault {
    /// As it was given.
    pub name: String,
}

impl Fault {
    /// The failure of this name. Each happens once, to the first order that may open a position at its adapter,
    /// so that whatever is done about it afterwards works.
    ///
    /// A name is one of [`Fault::names`], or an adapter's name, a hyphen and one of [`Fault::kinds`]:
    /// `binance-spot-timeout-lost`.
    ///
    /// # Errors
    /// It is neither.
    pub fn named(name: &str) -> Result<Self, UnknownFault> {
        let found = usual(name).or_else(|| FACES.iter().find_map(|face| of_face(face, name)));
        let (adapter, effect) = found.ok_or_else(|| UnknownFault { name: name.to_owned() })?;
        let matcher = Matcher {
            operation: Operation::PlaceEntry,
            symbol: None,
            occurrence: Occurrence::Nth(1),
        };
        Ok(Self { adapter: Some(adapter), matcher, effect })
    }

    /// The short names of the failures at `binance-usdm` and `bybit-linear`.
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

    /// What can happen at every adapter.
    ///
    /// `reject`: refused with a code of the venue's. `timeout-after-accept`, `timeout-lost`: no answer, with and
    /// without the order. `partial-fill`: two fifths execute. `5xx-unknown`: executed, and answered with an HTTP
    /// status that tells nothing. `insufficient-funds`: refused for want of margin or balance. `late-execution`:
    /// admitted at once, at the matching engine ten seconds later.
    #[must_use]
    pub fn kinds() -> &'static [&'static str] {
        &[
            "reject",
            "timeout-after-accept",
            "timeout-lost",
            "partial-fill",
            "5xx-unknown",
            "insufficient-funds",
            "late-execution",
        ]
    }
}

fn usual(name: &str) -> Option<(&'static str, Effect)> {
    Some(match name {
        "bybit-reject" => return face_of(BYBIT_LINEAR, "reject"),
        "bybit-timeout-after-accept" => (BYBIT_LINEAR, Effect::LoseAnswer(Loss::Silence)),
        "bybit-timeout-lost" => (BYBIT_LINEAR, Effect::LoseRequest(Loss::Silence)),
        "partial-fill" => return face_of(BYBIT_LINEAR, "partial-fill"),
        "binance-503-unknown" => (BINANCE_USDM, Effect::BreakAnswer(Broken::Unknown503)),
        "insufficient-margin" => (BINANCE_USDM, Effect::WithoutMargin),
        _ => return None,
    })
}

fn face_of(adapter: &'static str, kind: &str) -> Option<(&'static str, Effect)> {
    let face = FACES.iter().find(|face| face.name == adapter)?;
    Some((adapter, effect(face, kind)?))
}

fn of_face(face: &'static FaceEntry, name: &str) -> Option<(&'static str, Effect)> {
    let kind = name.strip_prefix(face.name)?.strip_prefix('-')?;
    Some((face.name, effect(face, kind)?))
}

fn effect(face: &FaceEntry, kind: &str) -> Option<Effect> {
    Some(match kind {
        "reject" => Effect::Refuse {
            status: face.rejection.status,
            code: face.rejection.code,
            message: face.rejection.message.to_owned(),
        },
        "timeout-after-accept" => Effect::LoseAnswer(Loss::Silence),
        "timeout-lost" => Effect::LoseRequest(Loss::Silence),
        "partial-fill" => Effect::PartialFill(Decimal::new(4, 1)),
        "5xx-unknown" => Effect::BreakAnswer(face.unknown),
        "insufficient-funds" => Effect::WithoutMargin,
        "late-execution" => Effect::DelayRequest { delay_ms: LATE_MS, before: Stage::Engine },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::Fault;
    use crate::faces::adapters;

    #[test]
    fn every_name_on_the_list_is_a_fault_of_one_adapter() {
        for name in Fault::names() {
            assert!(Fault::named(name).unwrap().adapter.is_some(), "{name}");
        }
    }

    #[test]
    fn every_kind_can_be_named_at_every_adapter() {
        for adapter in adapters() {
            for kind in Fault::kinds() {
                let fault = Fault::named(&format!("{adapter}-{kind}")).unwrap();
                assert_eq!(fault.adapter, Some(*adapter), "{kind}");
            }
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        assert_eq!(
            Fault::named("bybit").unwrap_err().to_string(),
            "unknown fault \"bybit\"; known are bybit-reject, bybit-timeout-after-accept, bybit-timeout-lost, \
             partial-fill, binance-503-unknown, insufficient-margin, and ADAPTER-KIND with one of the kinds reject, \
             timeout-after-accept, timeout-lost, partial-fill, 5xx-unknown, insufficient-funds, late-execution"
        );
    }
}
