//! Reading an exchange's JSON without believing it.

use equipoise_port::{PlaceError, QueryError};
use serde::Deserialize;

/// A body or a value that is not what the exchange documents. It holds none of the body's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BadAnswer(String);

impl BadAnswer {
    /// Something is wrong with the answer as a whole.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// A field does not hold a number that can be used.
    pub(crate) fn number(field: &'static str) -> Self {
        Self(format!("{field} is not a usable number"))
    }

    /// A field does not hold a text that can be used.
    pub(crate) fn text(field: &'static str) -> Self {
        Self(format!("{field} is not a usable text"))
    }
}

impl From<BadAnswer> for QueryError {
    fn from(bad: BadAnswer) -> Self {
        Self::Unavailable(bad.0)
    }
}

impl From<BadAnswer> for PlaceError {
    fn from(bad: BadAnswer) -> Self {
        Self::Unknown(bad.0)
    }
}

/// Longest reason that is kept with an order, in characters.
const REASON_CHARS_MAX: usize = 64;

/// An exchange's word for why an order ended, as it may be kept and shown: short, and nothing that moves a cursor.
pub(crate) fn reason(text: &str) -> String {
    let shown = |character: &char| !character.is_control();
    text.chars().filter(shown).take(REASON_CHARS_MAX).collect()
}

/// Reads a body. The error names a place, never the content: bodies can hold keys.
pub(crate) fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, BadAnswer> {
    // As a whole and before: in fields that are skipped the parser would let damaged bytes pass.
    let text = str::from_utf8(body)
        .map_err(|_| BadAnswer(format!("body of {} bytes is not UTF-8", body.len())))?;
    serde_json::from_str(text).map_err(|error| {
        BadAnswer(format!(
            "body of {} bytes is not the documented one at line {} column {}",
            body.len(),
            error.line(),
            error.column()
        ))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_body_is_described_without_being_quoted() {
        let error = read::<u64>(b"{\"apiKey\":\"hunter2\"}").unwrap_err();
        assert_eq!(
            error.to_string(),
            "body of 20 bytes is not the documented one at line 1 column 0"
        );
    }

    #[test]
    fn a_body_with_a_damaged_byte_is_refused_even_where_the_field_is_skipped() {
        #[derive(Debug, Deserialize)]
        struct Nothing {}
        assert!(read::<Nothing>(b"{\"skipped\":\"x\"}").is_ok());
        let error = read::<Nothing>(b"{\"skipped\":\"\x80\"}").unwrap_err();
        assert_eq!(error.to_string(), "body of 15 bytes is not UTF-8");
    }

    #[test]
    fn nesting_without_end_is_refused_rather_than_followed() {
        let body = "[".repeat(1_000_000);
        assert!(read::<serde_json::Value>(body.as_bytes()).is_err());
        let hidden = format!("{{\"skipped\":{}", "[".repeat(1_000_000));
        #[derive(Debug, Deserialize)]
        struct Nothing {}
        assert!(read::<Nothing>(hidden.as_bytes()).is_err());
    }
}
