//! What answers other than the one asked for mean.
//!
//! Source: Bybit v5 Error Codes; Rate Limit Rules, read 2026-11-22.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Deserialize;

use super::codes::meaning;
use super::product::{BAN_MS, LIMITED_MS_DEFAULT};
use crate::answer::read;
use crate::credentials::Credentials;
use crate::outcome::{Coded, Failure, Meaning};
use crate::wire::header;

use Meaning as M;

/// What the exchange documents to answer, with status 403, to an address that asks too often.
const TOO_FREQUENT: &str = "access too frequent";
/// Longest believable wait for a limit to reset; windows are a second long.
const RESET_MS_MAX: u64 = 60_000;

/// The documented form of every answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    ret_code: i64,
    ret_msg: String,
    #[serde(default)]
    time: u64,
}

/// Takes an answer apart: `Ok` is the answer asked for, still to be read.
pub(crate) fn interpret(
    response: &Response<Bytes>,
    credentials: &Credentials,
) -> Result<(), Failure> {
    let status = response.status();
    let unreadable = || Failure::Unreadable(format!("status {}", status.as_u16()));
    let readable = status == StatusCode::OK || status.is_client_error();
    if !readable || status == StatusCode::REQUEST_TIMEOUT {
        return Err(unreadable());
    }
    let Ok(envelope) = read::<Envelope>(response.body()) else {
        return Err(match forbidden(response) {
            Some(coded) => Failure::Coded(coded),
            None if status == StatusCode::OK => {
                Failure::Unreadable("answer has not the documented form".to_owned())
            }
            None => unreadable(),
        });
    };
    match (envelope.ret_code, status) {
        (0, StatusCode::OK) => return Ok(()),
        (0, _) => return Err(unreadable()),
        _ => {}
    }
    let meaning = meaning(envelope.ret_code);
    let retry_after_ms = match meaning {
        _ if status == StatusCode::FORBIDDEN => BAN_MS,
        M::RateLimited => reset_ms(response, envelope.time),
        _ => 0,
    };
    Err(Failure::Coded(Coded {
        meaning,
        code: envelope.ret_code.to_string(),
        message: credentials.scrub(&envelope.ret_msg),
        retry_after_ms,
    }))
}

/// The one documented refusal that has no envelope. Any other 403 proves nothing about an order.
fn forbidden(response: &Response<Bytes>) -> Option<Coded> {
    let text = std::str::from_utf8(response.body()).ok()?;
    let limited = response.status() == StatusCode::FORBIDDEN && text.contains(TOO_FREQUENT);
    limited.then(|| Coded {
        meaning: M::RateLimited,
        code: "403".to_owned(),
        message: TOO_FREQUENT.to_owned(),
        retry_after_ms: BAN_MS,
    })
}

/// Until the limit resets, by the venue's own clock in the same answer.
fn reset_ms(response: &Response<Bytes>, venue_now: u64) -> u64 {
    let reset: Option<u64> = header(response, "x-bapi-limit-reset-timestamp");
    match reset {
        Some(reset) if venue_now > 0 && reset > venue_now => (reset - venue_now).min(RESET_MS_MAX),
        _ => LIMITED_MS_DEFAULT,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::codes::CODES;
    use super::*;

    fn answer(status: u16, body: &str) -> Response<Bytes> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        Response::builder().status(status).body(body).unwrap()
    }

    fn failure(response: &Response<Bytes>) -> Failure {
        let credentials = Credentials::new("the-key", "the-secret").unwrap();
        interpret(response, &credentials).unwrap_err()
    }

    fn coded(status: u16, body: &str) -> Option<Meaning> {
        match failure(&answer(status, body)) {
            Failure::Coded(coded) => Some(coded.meaning),
            _ => None,
        }
    }

    #[test]
    fn every_listed_code_keeps_its_meaning_in_a_well_formed_answer_and_in_nothing_else() {
        let codes =
            CODES.iter().flat_map(|(meaning, codes)| codes.iter().map(move |code| (code, meaning)));
        for (code, meaning) in codes {
            let body = format!(r#"{{"retCode":{code},"retMsg":"x","result":{{}},"time":1}}"#);
            for status in [200, 400, 401, 403, 404, 429] {
                assert_eq!(coded(status, &body), Some(*meaning), "{code}");
            }
            for status in [201, 302, 408, 500, 502, 503, 504] {
                assert_eq!(coded(status, &body), None, "{code}");
            }
            assert_eq!(coded(200, &body[..body.len() - 1]), None, "{code}");
        }
    }

    #[test]
    fn an_unlisted_code_proves_nothing() {
        let body = r#"{"retCode":999999,"retMsg":"x","result":{}}"#;
        assert_eq!(coded(200, body), Some(M::Unknown));
        assert_eq!(coded(400, r#"{"retCode":0,"retMsg":"OK","result":{}}"#), None);
        assert_eq!(coded(200, r#"{"retCode":"110007","retMsg":"x"}"#), None);
        assert_eq!(coded(200, "<html>"), None);
        assert_eq!(coded(429, "slow down"), None);
    }

    #[test]
    fn only_the_documented_403_is_a_refusal() {
        let Failure::Coded(limited) = failure(&answer(403, "403, access too frequent")) else {
            panic!("not coded");
        };
        assert_eq!((limited.meaning, limited.retry_after_ms), (M::RateLimited, BAN_MS));
        assert_eq!(coded(403, "<html>blocked in your country</html>"), None);
        assert_eq!(coded(502, "access too frequent"), None);
    }

    #[test]
    fn a_limit_ends_when_the_answer_says() {
        let body =
            r#"{"retCode":10006,"retMsg":"Too many visits!","result":{},"time":1795334400000}"#;
        let wait = |reset: &str| {
            let mut response = answer(200, body);
            let headers = response.headers_mut();
            headers.insert("x-bapi-limit-reset-timestamp", reset.parse().unwrap());
            match failure(&response) {
                Failure::Coded(coded) => coded.retry_after_ms,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(wait("1795334400350"), 350);
        assert_eq!(wait("1795334400000"), LIMITED_MS_DEFAULT);
        assert_eq!(wait("soon"), LIMITED_MS_DEFAULT);
        assert_eq!(wait("99999999999999999"), RESET_MS_MAX);
    }
}
