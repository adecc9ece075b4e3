//! What answers other than the one asked for mean.
//!
//! Source: Binance USDⓈ-M General Info, HTTP Return Codes; Spot REST API, HTTP Return Codes, read 2026-11-22.

use bytes::Bytes;
use equipoise_core::UnixMillis;
use http::{Response, StatusCode};
use serde::Deserialize;

use super::codes::Codes;
use super::product::{BAN_MS_DEFAULT, LIMITED_MS_DEFAULT};
use crate::answer::read;
use crate::credentials::Credentials;
use crate::outcome::{Coded, Failure, Meaning};
use crate::wire::retry_after_ms;

use Meaning as M;

/// The 503 that is documented as not executed and may be sent again, besides the throttle -1008.
const INTERNAL_ERROR: &str = "Internal error; unable to process your request. Please try again.";
/// The other 503 that is documented as a failure.
const SERVICE_UNAVAILABLE: &str = "Service Unavailable.";
/// What stands before the end of a ban, in milliseconds since 1970, in the text of -1003.
/// Seen in users' reports, not documented, so it counts only where no header announces a wait.
const BANNED_UNTIL: &str = "banned until ";

/// With status 404: the host has no such page. Seen in users' reports of the test networks, not documented.
const NO_SUCH_PATH: i64 = -5000;

/// The documented form of an error.
#[derive(Deserialize)]
struct ErrorBody {
    code: i64,
    msg: String,
}

/// Takes an answer apart: `Ok` is the answer asked for, still to be read.
pub(crate) fn interpret(
    response: &Response<Bytes>,
    codes: &Codes,
    credentials: &Credentials,
    now: UnixMillis,
) -> Result<(), Failure> {
    let status = response.status();
    if status == StatusCode::OK {
        return Ok(());
    }
    let unreadable = || Failure::Unreadable(format!("status {}", status.as_u16()));
    // A backend timeout says nothing, whatever code comes with it.
    let readable = status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT
        || status == StatusCode::SERVICE_UNAVAILABLE && codes.some_503_refuse;
    if !readable {
        return Err(unreadable());
    }
    let Ok(body) = read::<ErrorBody>(response.body()) else {
        return Err(unreadable());
    };
    // The same as a 404 without a word, see `Failure::is_missing_page`.
    if status == StatusCode::NOT_FOUND && body.code == NO_SUCH_PATH {
        return Err(unreadable());
    }
    let meaning = if status == StatusCode::SERVICE_UNAVAILABLE {
        overloaded(&body)
    } else {
        codes.meaning(body.code, &body.msg)
    };
    let retry_after_ms = match meaning {
        M::RateLimited | M::OrderRate => wait_ms(response, &body, now),
        _ => 0,
    };
    Err(Failure::Coded(Coded {
        meaning,
        code: body.code.to_string(),
        message: credentials.scrub(&body.msg),
        retry_after_ms,
    }))
}

/// A 503 is unknown unless it is one of three answers documented as not executed.
fn overloaded(body: &ErrorBody) -> Meaning {
    match (body.code, body.msg.as_str()) {
        (-1008, _) | (-1001, INTERNAL_ERROR) => M::Transient,
        (-1000 | -1006 | -1007, _) => M::Unknown,
        (_, SERVICE_UNAVAILABLE) => M::Transient,
        _ => M::Unknown,
    }
}

/// How long to stay away: the header, else the text, else an assumption.
fn wait_ms(response: &Response<Bytes>, body: &ErrorBody, now: UnixMillis) -> u64 {
    if let Some(wait) = retry_after_ms(response) {
        return wait;
    }
    let until = body.msg.split_once(BANNED_UNTIL).and_then(|(_, rest)| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    });
    // An end in the past says nothing about how long to wait.
    match until.map(|until| UnixMillis(until).since(now)) {
        Some(wait) if wait > 0 => wait.min(3 * 86_400_000),
        _ if response.status() == StatusCode::IM_A_TEAPOT => BAN_MS_DEFAULT,
        _ => LIMITED_MS_DEFAULT,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::codes::{COINM, SPOT, USDM};
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_334_400_000);

    fn answer(status: u16, body: &str) -> Response<Bytes> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        Response::builder().status(status).body(body).unwrap()
    }

    fn failure_of(codes: &Codes, response: &Response<Bytes>) -> Failure {
        let credentials = Credentials::new("the-key", "the-secret").unwrap();
        interpret(response, codes, &credentials, NOW).unwrap_err()
    }

    fn failure(response: &Response<Bytes>) -> Failure {
        failure_of(&USDM, response)
    }

    fn coded(status: u16, body: &str) -> Option<Meaning> {
        coded_of(&USDM, status, body)
    }

    fn coded_of(codes: &Codes, status: u16, body: &str) -> Option<Meaning> {
        match failure_of(codes, &answer(status, body)) {
            Failure::Coded(coded) => Some(coded.meaning),
            _ => None,
        }
    }

    #[test]
    fn every_listed_code_keeps_its_meaning_in_a_well_formed_4xx_and_in_nothing_else() {
        for codes in [USDM, COINM, SPOT] {
            let groups = codes.tables.iter().flat_map(|table| table.iter());
            let own =
                groups.flat_map(|(meaning, codes)| codes.iter().map(|code| (*code, "x", *meaning)));
            let worded = codes.worded.iter().flat_map(|code| {
                codes.texts.iter().map(|(text, meaning)| (*code, *text, *meaning))
            });
            for (code, text, meaning) in own.chain(worded) {
                let body = format!(r#"{{"code":{code},"msg":"{text}"}}"#);
                for status in [400, 401, 403, 418, 429] {
                    assert_eq!(coded_of(&codes, status, &body), Some(meaning), "{code} {text}");
                }
                for status in [408, 500, 502, 504] {
                    assert_eq!(coded_of(&codes, status, &body), None, "{code}");
                }
                for torn in [&body[..body.len() - 1], r#"{"code":"-2019","msg":"x"}"#, "[]", ""] {
                    assert_eq!(coded_of(&codes, 400, torn), None, "{torn}");
                }
            }
        }
    }

    #[test]
    fn a_host_may_say_in_words_or_without_that_it_has_no_such_page() {
        let worded = r#"{"code":-5000,"msg":"Path /sapi/v1/account/apiRestrictions, Method GET is invalid"}"#;
        let missing = |status, body| failure_of(&SPOT, &answer(status, body)).is_missing_page();
        for body in [worded, "", "<html>404 Not Found</html>"] {
            assert!(missing(404, body), "{body}");
            assert!(!missing(400, body), "{body}");
        }
        assert!(!missing(404, r#"{"code":-2015,"msg":"Invalid API-key."}"#));
    }

    #[test]
    fn on_spot_no_answer_of_500_and_above_refuses() {
        for text in ["Service Unavailable.", INTERNAL_ERROR, "Server is currently overloaded."] {
            for code in [-1001, -1008, -1016, -2010] {
                let body = format!(r#"{{"code":{code},"msg":"{text}"}}"#);
                assert_eq!(coded_of(&SPOT, 503, &body), None, "{code} {text}");
            }
        }
    }

    #[test]
    fn an_unlisted_code_proves_nothing() {
        assert_eq!(coded(400, r#"{"code":-9999,"msg":"x"}"#), Some(M::Unknown));
        assert_eq!(coded(400, r#"{"code":0,"msg":"x"}"#), Some(M::Unknown));
    }

    #[test]
    fn of_all_503_answers_only_three_are_refusals() {
        let exact = format!(r#"{{"code":-1001,"msg":"{INTERNAL_ERROR}"}}"#);
        assert_eq!(coded(503, &exact), Some(M::Transient));
        let throttled = r#"{"code":-1008,"msg":"Request throttled by system-level protection."}"#;
        assert_eq!(coded(503, throttled), Some(M::Transient));
        let unavailable = r#"{"code":-1016,"msg":"Service Unavailable."}"#;
        assert_eq!(coded(503, unavailable), Some(M::Transient));
        for unknown in [
            r#"{"code":-1000,"msg":"Unknown error, please check your request or try again later."}"#,
            r#"{"code":-1001,"msg":"Internal error; unable to process your request."}"#,
            r#"{"code":-2019,"msg":"Margin is insufficient."}"#,
            r#"{"code":-1007,"msg":"Service Unavailable."}"#,
        ] {
            assert_eq!(coded(503, unknown), Some(M::Unknown), "{unknown}");
        }
        for formless in [
            "Service Unavailable.",
            r#"{"timestamp":1,"path":"/fapi/v1/order","msg":"Unknown error, please check your request or try again later."}"#,
            "<html>503</html>",
        ] {
            assert_eq!(coded(503, formless), None, "{formless}");
        }
    }

    #[test]
    fn a_limit_says_how_long_from_header_text_or_assumption() {
        let wait = |response: Response<Bytes>| match failure(&response) {
            Failure::Coded(coded) => coded.retry_after_ms,
            other => panic!("{other:?}"),
        };
        let body = r#"{"code":-1003,"msg":"Too many requests."}"#;
        let mut headed = answer(429, body);
        headed.headers_mut().insert("retry-after", "7".parse().unwrap());
        assert_eq!(wait(headed), 7_000);
        let until = NOW.0 + 90_000;
        let banned = format!(
            r#"{{"code":-1003,"msg":"Way too many requests; IP banned until {until}. Please use the websocket."}}"#
        );
        assert_eq!(wait(answer(418, &banned)), 90_000);
        assert_eq!(wait(answer(418, body)), BAN_MS_DEFAULT);
        assert_eq!(wait(answer(429, body)), LIMITED_MS_DEFAULT);
        let mut absurd = answer(429, body);
        let number = "18446744073709551615".parse().unwrap();
        absurd.headers_mut().insert("retry-after", number);
        assert_eq!(wait(absurd), 3 * 86_400_000);
    }

    #[test]
    fn the_text_is_kept_without_the_key() {
        let body =
            r#"{"code":-2015,"msg":"Invalid API-key the-key, IP, or permissions for action."}"#;
        let Failure::Coded(coded) = failure(&answer(401, body)) else {
            panic!("not coded");
        };
        assert_eq!(coded.message, "Invalid API-key [redacted], IP, or permissions for action.");
    }
}
