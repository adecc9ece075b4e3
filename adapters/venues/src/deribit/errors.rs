//! What answers other than the one asked for mean.
//!
//! Source: Deribit JSON-RPC Overview, Response messages; RPC Error Codes, read 2026-11-22.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::codes::meaning;
use super::product::LIMITED_MS;
use super::session::Token;
use crate::answer::read;
use crate::credentials::Credentials;
use crate::outcome::{Coded, Failure, Meaning};

/// The credits are used up; the session ends with this answer.
pub(crate) const TOO_MANY_REQUESTS: &str = "10028";
/// Codes of a token that is not taken, whether it expired, was revoked, or never was one.
const TOKEN_CODES: [&str; 2] = ["13009", "10000"];
/// Longest wait the exchange may ask for, in seconds.
const WAIT_S_MAX: u64 = 600;

/// The documented form of every answer: a result or an error.
#[derive(Deserialize)]
struct Envelope {
    jsonrpc: String,
    #[serde(default)]
    result: Option<IgnoredAny>,
    #[serde(default)]
    error: Option<RpcError>,
}

#[derive(Deserialize)]
struct RpcError {
    code: i64,
    message: String,
    #[serde(default)]
    data: Option<serde_json::Value>,
}

impl RpcError {
    /// The message with what the exchange adds to it.
    fn text(&self) -> String {
        let added = |name| self.data.as_ref()?.get(name)?.as_str();
        let added: Vec<&str> = ["param", "reason"].into_iter().filter_map(added).collect();
        if added.is_empty() {
            return self.message.clone();
        }
        format!("{} ({})", self.message, added.join(": "))
    }

    fn retry_after_ms(&self) -> u64 {
        let wait = self.data.as_ref().and_then(|data| data.get("wait")?.as_u64());
        wait.map_or(LIMITED_MS, |seconds| seconds.min(WAIT_S_MAX) * 1_000)
    }
}

/// Takes an answer apart: `Ok` is the answer asked for, still to be read.
pub(crate) fn interpret(
    response: &Response<Bytes>,
    credentials: &Credentials,
    token: Option<&Token>,
) -> Result<(), Failure> {
    let status = response.status();
    let unreadable = || Failure::Unreadable(format!("status {}", status.as_u16()));
    let readable = status == StatusCode::OK || status.is_client_error();
    if !readable || status == StatusCode::REQUEST_TIMEOUT {
        return Err(unreadable());
    }
    let envelope = match read::<Envelope>(response.body()) {
        Ok(envelope) if envelope.jsonrpc == "2.0" => envelope,
        _ if status == StatusCode::OK => {
            return Err(Failure::Unreadable("answer has not the documented form".to_owned()));
        }
        _ => return Err(unreadable()),
    };
    match (envelope.error, envelope.result) {
        (Some(_), Some(_)) => {
            Err(Failure::Unreadable("answer holds a result and an error".to_owned()))
        }
        (None, _) if status == StatusCode::OK => Ok(()),
        (None, _) => Err(unreadable()),
        (Some(error), None) => Err(Failure::Coded(coded(&error, credentials, token))),
    }
}

fn coded(error: &RpcError, credentials: &Credentials, token: Option<&Token>) -> Coded {
    let text = error.text();
    let text = token.map_or(text.clone(), |token| token.scrub(&text));
    let meaning = meaning(error.code);
    let limited = matches!(meaning, Meaning::RateLimited | Meaning::OrderRate);
    Coded {
        meaning,
        code: error.code.to_string(),
        message: credentials.scrub(&text),
        retry_after_ms: if limited { error.retry_after_ms() } else { 0 },
    }
}

/// Whether it was the token that was refused, rather than what was asked for with it.
pub(crate) fn is_about_token(coded: &Coded) -> bool {
    TOKEN_CODES.contains(&coded.code.as_str())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::codes::CODES;
    use super::*;
    use Meaning as M;

    fn answer(status: u16, body: &str) -> Response<Bytes> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        Response::builder().status(status).body(body).unwrap()
    }

    fn failure(status: u16, body: &str) -> Failure {
        let credentials = Credentials::new("the-key", "the-secret").unwrap();
        interpret(&answer(status, body), &credentials, None).unwrap_err()
    }

    fn coded(status: u16, body: &str) -> Option<Coded> {
        match failure(status, body) {
            Failure::Coded(coded) => Some(coded),
            _ => None,
        }
    }

    fn meaning(status: u16, body: &str) -> Option<Meaning> {
        coded(status, body).map(|coded| coded.meaning)
    }

    fn error(code: i64) -> String {
        format!(r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":{code},"message":"x"}}}}"#)
    }

    #[test]
    fn every_listed_code_keeps_its_meaning_in_a_well_formed_answer_and_in_nothing_else() {
        for (code, expected) in CODES {
            let body = error(*code);
            for status in [200, 400, 401, 403, 404, 429] {
                assert_eq!(meaning(status, &body), Some(*expected), "{code}");
            }
            for status in [201, 302, 408, 500, 502, 503, 504] {
                assert_eq!(meaning(status, &body), None, "{code}");
            }
            assert_eq!(meaning(200, &body[..body.len() - 1]), None, "{code}");
        }
    }

    #[test]
    fn no_code_is_listed_twice() {
        let mut codes: Vec<i64> = CODES.iter().map(|(code, _)| *code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), CODES.len());
    }

    #[test]
    fn a_code_that_may_follow_an_execution_never_refuses() {
        for code in [10001, 11031, 11094, 13008, 13028, 13666, 999_999] {
            assert_eq!(meaning(400, &error(code)), Some(M::Unknown), "{code}");
        }
        assert_eq!(meaning(400, &error(13888)), Some(M::Clock));
    }

    #[test]
    fn only_the_documented_form_is_an_answer() {
        for body in [
            r#"{"id":1,"error":{"code":10009,"message":"x"}}"#,
            r#"{"jsonrpc":"1.0","error":{"code":10009,"message":"x"}}"#,
            r#"{"jsonrpc":"2.0","error":{"code":"10009","message":"x"}}"#,
            r#"{"jsonrpc":"2.0","error":{"code":10009}}"#,
            r#"{"jsonrpc":"2.0","result":{},"error":{"code":10009,"message":"x"}}"#,
            r#"[{"jsonrpc":"2.0","error":{"code":10009,"message":"x"}}]"#,
            "<html>",
        ] {
            assert_eq!(meaning(400, body), None, "{body}");
        }
        assert_eq!(meaning(400, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#), None);
        let credentials = Credentials::new("the-key", "the-secret").unwrap();
        let good = answer(200, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
        assert_eq!(interpret(&good, &credentials, None), Ok(()));
    }

    #[test]
    fn reason_and_wait_are_taken_from_what_the_exchange_adds() {
        let body = r#"{"jsonrpc":"2.0","error":{"code":-32602,"message":"Invalid params","data":{"reason":"must be a multiple of contract size","param":"amount"}}}"#;
        let refused = coded(400, body).unwrap();
        assert_eq!(refused.message, "Invalid params (amount: must be a multiple of contract size)");
        let body = r#"{"jsonrpc":"2.0","error":{"code":10028,"message":"too_many_requests","data":{"wait":3}}}"#;
        assert_eq!(coded(400, body).unwrap().retry_after_ms, 3_000);
        assert_eq!(coded(429, &error(10028)).unwrap().retry_after_ms, LIMITED_MS);
    }

    #[test]
    fn an_echoed_key_is_not_shown() {
        let body = r#"{"jsonrpc":"2.0","error":{"code":13004,"message":"bad key the-key"}}"#;
        assert_eq!(coded(400, body).unwrap().message, "bad key [redacted]");
    }
}
