//! What answers other than the one asked for mean.
//!
//! Source: Bybit v5 Error Codes; Rate Limit Rules, read 2026-11-22.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Deserialize;

use super::linear::{BAN_MS, LIMITED_MS_DEFAULT};
use crate::answer::read;
use crate::credentials::Credentials;
use crate::outcome::{Coded, Failure, Meaning};
use crate::wire::header;

use Meaning as M;

/// Every code whose meaning is documented. A code that is not here proves nothing (R6).
pub(crate) const CODES: &[(i64, Meaning)] = &[
    // The exchange does not know what became of the request.
    (10000, M::Unknown),
    (10014, M::Unknown),
    (10016, M::Unknown),
    (10019, M::Unknown),
    (170001, M::Unknown),
    (170007, M::Unknown),
    (170032, M::Unknown),
    (170035, M::Unknown),
    (170146, M::Unknown),
    (170147, M::Unknown),
    (170234, M::Unknown),
    (3400214, M::Unknown),
    (429, M::Unknown),
    // Limits.
    (10006, M::RateLimited),
    (10429, M::RateLimited),
    (20003, M::RateLimited),
    (10403, M::RateLimited),
    (170005, M::RateLimited),
    (170222, M::RateLimited),
    // Outside the request window.
    (10002, M::Clock),
    (-1, M::Clock),
    // Key, signature, permission, region.
    (10003, M::Credentials),
    (10004, M::Credentials),
    (10005, M::Credentials),
    (10007, M::Credentials),
    (10008, M::Credentials),
    (10009, M::Credentials),
    (10010, M::Credentials),
    (10024, M::Credentials),
    (10027, M::Credentials),
    (10028, M::Credentials),
    (100028, M::Credentials),
    (33004, M::Credentials),
    (-2015, M::Credentials),
    (110066, M::Credentials),
    (110069, M::Credentials),
    (110123, M::Credentials),
    (110124, M::Credentials),
    (110125, M::Credentials),
    (110132, M::Credentials),
    // Balance and margin.
    (110004, M::Final),
    (110006, M::Final),
    (110007, M::Final),
    (110012, M::Final),
    (110014, M::Final),
    (110044, M::Final),
    (110045, M::Final),
    (110047, M::Final),
    (110051, M::Final),
    (110052, M::Final),
    (110053, M::Final),
    (110131, M::Final),
    (30256, M::Final),
    (170131, M::Final),
    (170033, M::Final),
    (176015, M::Final),
    // Risk and position limits.
    (110011, M::Final),
    (110013, M::Final),
    (110021, M::Final),
    (110040, M::Final),
    (110085, M::Final),
    (110086, M::Final),
    (110087, M::Final),
    (110089, M::Final),
    (110090, M::Final),
    (3400139, M::Final),
    // Filters and parameters.
    (10001, M::Final),
    (110003, M::Final),
    (110094, M::Final),
    (110020, M::Final),
    (110120, M::Final),
    (110121, M::Final),
    (170371, M::Final),
    (170372, M::Final),
    (30208, M::Final),
    (30209, M::Final),
    (170124, M::Final),
    (170132, M::Final),
    (170133, M::Final),
    (170134, M::Final),
    (170136, M::Final),
    (170137, M::Final),
    (170140, M::Final),
    (170148, M::Final),
    (170381, M::Final),
    (170382, M::Final),
    (170192, M::Final),
    (170193, M::Final),
    (170194, M::Final),
    (170810, M::Final),
    // A reduce-only order that does not fit the position.
    (110017, M::ReduceOnly),
    (110034, M::ReduceOnly),
    // Position mode, and accounts that may only reduce.
    (110023, M::Final),
    (110042, M::Final),
    (110024, M::Final),
    (110028, M::Final),
    // No such order, or already final.
    (110001, M::NoSuchOrder),
    (110008, M::NoSuchOrder),
    (110010, M::NoSuchOrder),
    (110019, M::NoSuchOrder),
    (170213, M::NoSuchOrder),
    (170143, M::NoSuchOrder),
    (170139, M::NoSuchOrder),
    (170142, M::NoSuchOrder),
    (170190, M::NoSuchOrder),
    // The order is being worked on.
    (110079, M::OrderBusy),
    (40004, M::OrderBusy),
    (170191, M::OrderBusy),
    (170212, M::OrderBusy),
    // An order with this client id exists.
    (110072, M::DuplicateId),
    (170141, M::DuplicateId),
    // Instrument and market state.
    (110074, M::Final),
    (110063, M::Final),
    (110095, M::Final),
    (110096, M::Final),
    (110097, M::Final),
    (110098, M::Final),
    (110099, M::Final),
    (110103, M::Final),
    (170151, M::Final),
    (170157, M::Final),
    (170217, M::Final),
    (10029, M::Final),
    (30228, M::Final),
];

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

/// What a code means; unlisted ones mean nothing.
pub(crate) fn meaning(code: i64) -> Meaning {
    let listed = CODES.iter().find(|(listed, _)| *listed == code);
    listed.map_or(M::Unknown, |(_, meaning)| *meaning)
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
        for (code, meaning) in CODES {
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
    fn no_code_is_listed_twice() {
        let mut codes: Vec<i64> = CODES.iter().map(|(code, _)| *code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), CODES.len());
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
