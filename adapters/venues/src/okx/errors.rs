//! What answers other than the one asked for mean.
//!
//! An answer has a code of its own, and an instruction's answer one more for the instruction itself, which is the one
//! that counts: the outer code then only says whether all, some or none of a batch went well.
//! Source: OKX v5 Error Code; Place Order, Response Parameters, read 2026-11-22.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Deserialize;

use super::endpoints::LIMITED_MS;
use crate::answer::read;
use crate::credentials::Credentials;
use crate::outcome::{Coded, Failure, Meaning};

use Meaning as M;

/// Every code that an order, a cancel or a query of this adapter can be answered with and whose meaning is documented.
/// A code that is not here proves nothing (R6); that goes for those of bots, algo orders, options and copy trading
/// too, which nothing sent from here can earn. Those of amendments and of the cancel timer, which nothing here asks for
/// either, are listed as what they say of an order: nothing, or that one has ended.
pub(crate) const CODES: &[(Meaning, &[u32])] = &[
    // The exchange does not know what became of the request.
    (M::Unknown, &[50001, 50004, 50013, 50026, 51054, 51149, 51412]),
    // Too many timers of cancel-all-after; an amendment without funds. As the answer to an order they make no sense.
    (M::Unknown, &[51071, 51502]),
    (M::RateLimited, &[50011, 50040, 51113]),
    // The sub-account's own count of new orders.
    (M::OrderRate, &[50061]),
    (M::Clock, &[50102, 50112]),
    // Past its deadline on arrival, or in the queue.
    (M::Transient, &[50036, 50037]),
    // Frozen by a liquidation or a settlement, or switched off for a while: documented as passing.
    (
        M::Transient,
        &[50017, 50019, 50020, 50022, 50023, 50046, 50062, 50064, 51029, 51030, 52000, 54012],
    ),
    // Key, signature, passphrase, address, permission.
    (
        M::Credentials,
        &[
            50030, 50035, 50100, 50101, 50103, 50104, 50105, 50106, 50107, 50108, 50109, 50110,
            50111, 50113, 50114, 50118, 50119, 50120, 50121,
        ],
    ),
    // State and set-up of the account.
    (
        M::Final,
        &[
            50007, 50008, 50009, 50010, 50012, 50018, 50021, 50027, 50028, 50029, 50032, 50033,
            50038, 50041, 50051, 50052, 50053, 50059, 50060, 50067, 50072, 51009, 51010, 51024,
            51037, 51041, 51056, 51070, 51072, 51073, 51074, 51128, 51130, 51144, 51155, 51156,
            51159, 51166, 51186, 54000, 54001, 54005, 54008, 54011, 54024, 54025, 54026, 54028,
            54072, 54109,
        ],
    ),
    // Balance, margin and borrowing.
    (
        M::Final,
        &[51008, 51017, 51119, 51127, 51131, 51132, 51143, 51736, 54018, 54019, 54035, 59200],
    ),
    // Limits on positions, orders and their number.
    (
        M::Final,
        &[
            51004, 51005, 51025, 51033, 51034, 51038, 51101, 51102, 51103, 51104, 51105, 51106,
            51107, 51108, 51117, 51129, 51174, 51185, 51187, 51201, 51202, 51203, 54006, 54030,
            54031,
        ],
    ),
    // Filters and parameters.
    (
        M::Final,
        &[
            50000, 50002, 50005, 50006, 50014, 50015, 50016, 50024, 50025, 50039, 50044, 50115,
            50122, 51000, 51001, 51002, 51003, 51006, 51007, 51012, 51014, 51015, 51020, 51026,
            51031, 51110, 51111, 51115, 51116, 51120, 51121, 51122, 51123, 51124, 51135, 51136,
            51137, 51138, 51140, 51142, 51150, 51175, 51176, 51180, 51181, 51196, 51197, 51204,
            51507, 54004, 54009, 54029, 54036, 54084, 54085,
        ],
    ),
    // Instrument and market state.
    (M::Final, &[51021, 51022, 51027, 51028, 51032, 51087, 51109, 54007]),
    // A reduce-only or closing order does not fit the position, or one that waits stands in the way.
    (
        M::ReduceOnly,
        &[51023, 51112, 51133, 51134, 51139, 51148, 51165, 51168, 51169, 51170, 51205, 51206],
    ),
    // No such order, or already final: cancelled or filled, in words of cancels (514..) and of amendments (515..).
    (M::NoSuchOrder, &[51063, 51400, 51401, 51402, 51405, 51503, 51509, 51510, 51603]),
    // The order is being worked on.
    (M::OrderBusy, &[51410]),
    // An order with this client id is pending, or the same request was seen before.
    (M::DuplicateId, &[50042, 50071, 51011, 51016]),
];

/// The code of orders that the account's level does not have.
pub(crate) const WRONG_LEVEL: &str = "51010";

/// The documented form of every answer.
#[derive(Deserialize)]
struct Head {
    code: String,
    #[serde(default)]
    msg: String,
    #[serde(default)]
    data: Vec<Row>,
}

/// What became of one instruction; rows of listings have neither field.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    #[serde(default)]
    s_code: Option<String>,
    #[serde(default)]
    s_msg: String,
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
    let Ok(head) = read::<Head>(response.body()) else {
        return Err(match status {
            StatusCode::OK => Failure::Unreadable("answer has not the documented form".to_owned()),
            _ => unreadable(),
        });
    };
    match verdict(&head) {
        Verdict::Done if status == StatusCode::OK => Ok(()),
        Verdict::Done => Err(unreadable()),
        Verdict::Contradictory => {
            Err(Failure::Unreadable(format!("code {} contradicts its rows", shown(&head.code))))
        }
        Verdict::Failed { code, message } => {
            let meaning = meaning(code);
            let retry_after_ms = match meaning {
                M::RateLimited | M::OrderRate => LIMITED_MS,
                _ => 0,
            };
            Err(Failure::Coded(Coded {
                meaning,
                code: shown(code),
                message: credentials.scrub(message),
                retry_after_ms,
            }))
        }
    }
}

/// What outer and inner code say together.
enum Verdict<'a> {
    Done,
    Failed { code: &'a str, message: &'a str },
    Contradictory,
}

/// Nothing sent from here is a batch, so there is one inner code at most.
fn verdict(head: &Head) -> Verdict<'_> {
    let mut inner = head.data.iter().filter_map(|row| Some((row.s_code.as_deref()?, &row.s_msg)));
    let first = inner.next();
    if inner.next().is_some() {
        return Verdict::Contradictory;
    }
    match (head.code.as_str(), first) {
        ("0", None) | ("0" | "2", Some(("0", _))) => Verdict::Done,
        // "All failed" beside an instruction that did not, or without saying why.
        ("1", Some(("0", _))) | ("1" | "2", None) => Verdict::Contradictory,
        ("0" | "1" | "2", Some((code, message))) => Verdict::Failed { code, message },
        (code, None) => Verdict::Failed { code, message: &head.msg },
        (code, Some((inner, message))) if code == inner => Verdict::Failed { code, message },
        (_, Some(_)) => Verdict::Contradictory,
    }
}

/// A code that may be shown: codes are digits, and a text in their place is the exchange's and may hold anything.
fn shown(code: &str) -> String {
    let plain = !code.is_empty() && code.len() <= 10 && code.bytes().all(|b| b.is_ascii_digit());
    if plain { code.to_owned() } else { "unknown".to_owned() }
}

/// What a code means; unlisted ones mean nothing.
pub(crate) fn meaning(code: &str) -> Meaning {
    let Some(number) = code.parse::<u32>().ok().filter(|_| code.len() == 5) else {
        return M::Unknown;
    };
    let listed = CODES.iter().find(|(_, codes)| codes.contains(&number));
    listed.map_or(M::Unknown, |(meaning, _)| *meaning)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn interpreted(status: u16, body: &str) -> Result<(), Failure> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let response = Response::builder().status(status).body(body).unwrap();
        let credentials = Credentials::new("the-key", "the-secret").unwrap();
        interpret(&response, &credentials)
    }

    fn coded(status: u16, body: &str) -> Option<Meaning> {
        match interpreted(status, body) {
            Err(Failure::Coded(coded)) => Some(coded.meaning),
            Err(_) => None,
            Ok(()) => panic!("{status} {body}"),
        }
    }

    fn outer(code: u32) -> String {
        format!(r#"{{"code":"{code}","msg":"x","data":[]}}"#)
    }

    fn nested(outer: &str, inner: &str) -> String {
        format!(r#"{{"code":"{outer}","msg":"","data":[{{"sCode":"{inner}","sMsg":"x"}}]}}"#)
    }

    fn codes() -> impl Iterator<Item = (Meaning, u32)> {
        CODES.iter().flat_map(|(meaning, codes)| codes.iter().map(move |code| (*meaning, *code)))
    }

    #[test]
    fn every_listed_code_keeps_its_meaning_in_a_well_formed_answer_and_in_nothing_else() {
        for (meaning, code) in codes() {
            let inner = code.to_string();
            let same = nested(&inner, &inner);
            for body in [outer(code), nested("1", &inner), nested("0", &inner), same] {
                for status in [200, 400, 401, 403, 405, 410, 429] {
                    assert_eq!(coded(status, &body), Some(meaning), "{status} {body}");
                }
                for status in [201, 302, 408, 500, 502, 503, 504] {
                    assert_eq!(coded(status, &body), None, "{status} {body}");
                }
                assert_eq!(coded(200, &body[..body.len() - 1]), None, "{body}");
            }
        }
    }

    #[test]
    fn no_code_is_listed_twice() {
        let mut listed: Vec<u32> = codes().map(|(_, code)| code).collect();
        let count = listed.len();
        listed.sort_unstable();
        listed.dedup();
        assert_eq!(listed.len(), count);
    }

    #[test]
    fn an_unlisted_code_proves_nothing() {
        assert_eq!(coded(200, &outer(51999)), Some(M::Unknown));
        assert_eq!(coded(200, &nested("1", "1")), Some(M::Unknown));
        for odd in ["", "+51008", "051008", "51008 ", "５１００８"] {
            assert_eq!(coded(200, &nested("1", odd)), Some(M::Unknown), "{odd}");
        }
        assert_eq!(coded(200, r#"{"code":51008,"msg":"x","data":[]}"#), None);
        assert_eq!(coded(200, r#"{"code":"51008","msg":"x","data":{}}"#), None);
        assert_eq!(coded(429, "slow down"), None);
        assert_eq!(coded(403, "<html>blocked in your country</html>"), None);
    }

    #[test]
    fn an_answer_whose_codes_contradict_each_other_proves_nothing() {
        for (outer, inner) in [("1", "0"), ("50004", "51008"), ("51008", "0"), ("51008", "51020")] {
            assert_eq!(coded(200, &nested(outer, inner)), None, "{outer} {inner}");
        }
        let two = r#"{"code":"1","msg":"","data":[{"sCode":"51008"},{"sCode":"51008"}]}"#;
        assert_eq!(coded(200, two), None);
        for bare in ["1", "2"] {
            let body = format!(r#"{{"code":"{bare}","msg":"Operation failed.","data":[]}}"#);
            assert_eq!(coded(200, &body), None);
        }
    }

    #[test]
    fn success_needs_a_good_status() {
        for body in [nested("0", "0"), nested("2", "0"), outer(0)] {
            assert_eq!(interpreted(200, &body), Ok(()));
            assert_eq!(coded(400, &body), None);
        }
    }

    #[test]
    fn a_code_that_is_text_is_not_quoted() {
        let body = nested("1", "the-secret");
        let Err(Failure::Coded(coded)) = interpreted(200, &body) else {
            panic!("not coded");
        };
        assert_eq!(coded.code, "unknown");
    }
}
