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
    joined(Fault::names()),
    joined(Fault::kinds())
)]
pub struct UnknownFault {
    /// As it was given.
    pub name: String,
}

fn joined(words: impl Iterator<Item = &'static str>) -> String {
    words.collect::<Vec<_>>().join(", ")
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
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// What can happen at every adapter.
    pub fn kinds() -> impl Iterator<Item = &'static str> {
        KINDS.iter().map(|(kind, _)| *kind)
    }

    /// What happens under a name of [`Fault::names`] or a kind of [`Fault::kinds`], in one line for people.
    #[must_use]
    pub fn explained(name: &str) -> Option<&'static str> {
        let mut all = NAMES.iter().chain(KINDS);
        all.find(|(known, _)| *known == name).map(|(_, text)| *text)
    }
}

/// Short names and what happens; what is a kind too has the same words there.
const NAMES: &[(&str, &str)] = &[
    ("bybit-reject", "Bybit refuses the order with a code"),
    ("bybit-timeout-after-accept", "Bybit executes the order, and its answer is lost"),
    ("bybit-timeout-lost", "the order never reaches Bybit, and nothing answers"),
    ("partial-fill", "two fifths of the order execute, the rest is cancelled"),
    ("binance-503-unknown", "Binance executes the order and answers that its outcome is unknown"),
    ("insufficient-margin", "Binance refuses the order for want of margin"),
];

/// What can happen everywhere.
const KINDS: &[(&str, &str)] = &[
    ("reject", "the order is refused with a code of the venue's"),
    ("timeout-after-accept", "the order is executed, and its answer is lost"),
    ("timeout-lost", "the order never arrives, and nothing answers"),
    ("partial-fill", "two fifths of the order execute, the rest is cancelled"),
    ("5xx-unknown", "the order is executed, and answered with an HTTP status that tells nothing"),
    ("insufficient-funds", "the order is refused for want of margin or balance"),
    (
        "late-execution",
        "the order is admitted at once and reaches the matching engine ten seconds later",
    ),
];

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
            assert!(Fault::explained(name).is_some(), "{name}");
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
