//! What answers other than the one asked for mean.
//!
//! Source: Coinbase Advanced Trade API, Create Order, responses; Coinbase App API, Error Messages and Rate Limiting,
//! read 2026-11-22.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::codes::{ERRORS, REASONS, meaning};
use super::spot::LIMITED_MS_DEFAULT;
use crate::answer::read;
use crate::credentials::Credentials;
use crate::outcome::{Coded, Failure, Meaning};
use crate::wire::retry_after_ms;

/// What the gateway says, without any form, of a token it does not take.
const UNAUTHORIZED: &str = "unauthorized";

/// The two documented forms of an error.
#[derive(Deserialize)]
struct ErrorBody {
    #[serde(default)]
    error: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    error_details: String,
    #[serde(default)]
    errors: Vec<ErrorItem>,
    /// Only in answers to orders that were created: beside an error it contradicts it.
    #[serde(default)]
    success_response: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct ErrorItem {
    id: String,
    #[serde(default)]
    message: String,
}

impl ErrorBody {
    fn word_and_text(&self) -> (&str, &str) {
        if let Some(first) = self.errors.first() {
            return (&first.id, &first.message);
        }
        let detailed = [&self.error_details, &self.message];
        let text = detailed.into_iter().find(|text| !text.is_empty());
        (&self.error, text.map_or("", String::as_str))
    }
}

/// Takes an answer apart: `Ok` is the answer asked for, still to be read.
///
/// Whether a token that was refused had expired, or is the wrong one, does not show here.
pub(crate) fn interpret(
    response: &Response<Bytes>,
    credentials: &Credentials,
) -> Result<(), Failure> {
    let status = response.status();
    if status == StatusCode::OK {
        return Ok(());
    }
    let unreadable = || Failure::Unreadable(format!("status {}", status.as_u16()));
    if !status.is_client_error() || status == StatusCode::REQUEST_TIMEOUT {
        return Err(unreadable());
    }
    let Ok(body) = read::<ErrorBody>(response.body()) else {
        return Err(plain_unauthorized(response).map_or_else(unreadable, Failure::Coded));
    };
    let (word, text) = body.word_and_text();
    if word.is_empty() || body.success_response.is_some() {
        return Err(unreadable());
    }
    let meaning = meaning(ERRORS, &word.to_ascii_uppercase());
    let wait_ms = retry_after_ms(response).unwrap_or(LIMITED_MS_DEFAULT);
    Err(Failure::Coded(Coded {
        meaning,
        code: shown(word, credentials),
        message: credentials.scrub(text),
        retry_after_ms: if meaning == Meaning::RateLimited { wait_ms } else { 0 },
    }))
}

fn plain_unauthorized(response: &Response<Bytes>) -> Option<Coded> {
    let text = str::from_utf8(response.body()).ok()?.trim();
    let refused =
        response.status() == StatusCode::UNAUTHORIZED && text.eq_ignore_ascii_case(UNAUTHORIZED);
    refused.then(|| Coded {
        meaning: Meaning::Credentials,
        code: "401".to_owned(),
        message: UNAUTHORIZED.to_owned(),
        retry_after_ms: 0,
    })
}

/// Why an order was not created, in an answer that says that it was not.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct NotCreated {
    #[serde(default)]
    error: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    error_details: String,
    #[serde(default)]
    preview_failure_reason: String,
    #[serde(default)]
    new_order_failure_reason: String,
}

impl NotCreated {
    /// The first reason that says something. One that admits an order may exist beats all others.
    pub(crate) fn failure(&self, credentials: &Credentials) -> Failure {
        let words = [&self.new_order_failure_reason, &self.error, &self.preview_failure_reason];
        let given = || words.into_iter().filter(|word| !word.is_empty());
        let means = |word: &&String| meaning(REASONS, word);
        let duplicate = given().find(|word| means(word) == Meaning::DuplicateId);
        let telling = duplicate.or_else(|| given().find(|word| means(word) != Meaning::Unknown));
        let named = || given().find(|word| !word.starts_with("UNKNOWN_"));
        let Some(word) = telling.or_else(named).or_else(|| given().next()) else {
            return Failure::Unreadable("order was not created, without a reason".to_owned());
        };
        let text = [&self.error_details, &self.message].into_iter().find(|text| !text.is_empty());
        Failure::Coded(Coded {
            meaning: means(&word),
            code: shown(word, credentials),
            message: credentials.scrub(text.map_or("", String::as_str)),
            retry_after_ms: LIMITED_MS_DEFAULT,
        })
    }
}

/// A word of the exchange as a code: short, and nothing but what words are made of.
pub(crate) fn shown(word: &str, credentials: &Credentials) -> String {
    let plain = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '_';
    // Scrubbed first: a key that has lost its punctuation would no longer be recognised.
    credentials.scrub(word).chars().filter(plain).take(96).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::codes::CANCELS;
    use super::*;
    use Meaning as M;

    fn credentials() -> Credentials {
        Credentials::new("the-key", "the-secret").unwrap()
    }

    fn coded(status: u16, body: &str) -> Option<Coded> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let response = Response::builder().status(status).body(body).unwrap();
        match interpret(&response, &credentials()).unwrap_err() {
            Failure::Coded(coded) => Some(coded),
            _ => None,
        }
    }

    fn meant(status: u16, body: &str) -> Option<Meaning> {
        coded(status, body).map(|coded| coded.meaning)
    }

    fn not_created(json: &str) -> Failure {
        serde_json::from_str::<NotCreated>(json).unwrap().failure(&credentials())
    }

    fn reason(json: &str) -> (Meaning, String) {
        match not_created(json) {
            Failure::Coded(coded) => (coded.meaning, coded.code),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_listed_error_keeps_its_meaning_in_a_well_formed_answer_and_in_nothing_else() {
        for (meaning, words) in ERRORS {
            for word in *words {
                let own = format!(r#"{{"error":"{word}","message":"x","error_details":"y"}}"#);
                let shared =
                    format!(r#"{{"errors":[{{"id":"{}","message":"x"}}]}}"#, word.to_lowercase());
                for status in [400, 401, 403, 404, 429] {
                    assert_eq!(meant(status, &own), Some(*meaning), "{word}");
                    assert_eq!(meant(status, &shared), Some(*meaning), "{word}");
                }
                for status in [302, 408, 500, 502, 503, 504] {
                    assert_eq!(meant(status, &own), None, "{word}");
                }
                assert_eq!(meant(400, &own[1..]), None, "{word}");
            }
        }
    }

    #[test]
    fn every_listed_reason_keeps_its_meaning_in_all_three_places() {
        for (meaning, words) in REASONS {
            for word in *words {
                for json in [
                    format!(r#"{{"new_order_failure_reason":"{word}"}}"#),
                    format!(r#"{{"error":"{word}"}}"#),
                    format!(r#"{{"preview_failure_reason":"PREVIEW_{word}"}}"#),
                ] {
                    assert_eq!(reason(&json).0, *meaning, "{json}");
                }
            }
        }
    }

    #[test]
    fn no_word_is_listed_twice() {
        for table in [REASONS, ERRORS, CANCELS] {
            let mut words: Vec<_> = table.iter().flat_map(|(_, words)| words.iter()).collect();
            let count = words.len();
            words.sort_unstable();
            words.dedup();
            assert_eq!(words.len(), count);
        }
    }

    #[test]
    fn an_unlisted_word_proves_nothing() {
        assert_eq!(meant(400, r#"{"error":"SOMETHING_ELSE"}"#), Some(M::Unknown));
        assert_eq!(reason(r#"{"new_order_failure_reason":"SOMETHING_ELSE"}"#).0, M::Unknown);
        assert_eq!(
            reason(
                r#"{"new_order_failure_reason":"UNKNOWN_FAILURE_REASON","error":"SOMETHING_ELSE"}"#
            ),
            (M::Unknown, "SOMETHING_ELSE".to_owned())
        );
        assert_eq!(reason(r#"{"error":"UNKNOWN_FAILURE_REASON"}"#).0, M::Unknown);
        for body in ["{}", "[]", "null", "<html>", r#"{"error":7}"#, r#"{"message":"x"}"#] {
            assert_eq!(meant(400, body), None, "{body}");
        }
        assert!(matches!(not_created("{}"), Failure::Unreadable(_)));
    }

    #[test]
    fn an_error_beside_an_order_that_was_created_proves_nothing() {
        let error = r#""error":"PERMISSION_DENIED","message":"x""#;
        assert_eq!(meant(403, &format!("{{{error}}}")), Some(M::Credentials));
        for order in [r#"{"order_id":"o"}"#, "{}"] {
            assert_eq!(meant(403, &format!(r#"{{{error},"success_response":{order}}}"#)), None);
        }
        assert_eq!(
            meant(403, &format!(r#"{{{error},"success_response":null}}"#)),
            Some(M::Credentials)
        );
    }

    #[test]
    fn a_telling_reason_beats_an_untelling_one_and_a_duplicate_beats_both() {
        assert_eq!(
            reason(
                r#"{"error":"UNKNOWN_FAILURE_REASON","new_order_failure_reason":"UNKNOWN_FAILURE_REASON","preview_failure_reason":"PREVIEW_INSUFFICIENT_FUND"}"#
            ),
            (M::Final, "PREVIEW_INSUFFICIENT_FUND".to_owned())
        );
        assert_eq!(
            reason(
                r#"{"error":"DUPLICATE_CLIENT_ORDER_ID","new_order_failure_reason":"INSUFFICIENT_FUND"}"#
            )
            .0,
            M::DuplicateId
        );
    }

    #[test]
    fn only_the_gateways_own_word_is_read_without_a_form() {
        assert_eq!(meant(401, "Unauthorized\n"), Some(M::Credentials));
        assert_eq!(meant(403, "Unauthorized\n"), None);
        assert_eq!(meant(401, "Unauthorized in your country"), None);
        assert_eq!(meant(429, "slow down"), None);
    }

    #[test]
    fn an_echoed_key_is_not_shown_and_a_code_is_a_word() {
        let refused = coded(403, r#"{"error":"PERMISSION_DENIED","message":"not the-key"}"#);
        assert_eq!(refused.unwrap().message, "not [redacted]");
        assert_eq!(shown("A_1\u{1b}[31m \n", &credentials()), "A_131m");
        assert_eq!(shown("the-key", &credentials()), "redacted");
    }
}
