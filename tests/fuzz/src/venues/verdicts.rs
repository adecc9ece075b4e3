//! What an answer's own words may prove, read by other means than the adapters'.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Response;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use super::desks::{Desk, Family};

/// Whether the body is JSON from its first to its last byte.
pub(super) fn is_well_formed(answer: &Response<Bytes>) -> bool {
    let text = std::str::from_utf8(answer.body());
    text.is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

/// The body as far as it can be read: a field that is nested too deeply for this reader is null, the others stand.
pub(super) fn read(answer: &Response<Bytes>) -> Option<Value> {
    let text = std::str::from_utf8(answer.body()).ok()?;
    if let Ok(body) = serde_json::from_str(text) {
        return Some(body);
    }
    let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).ok()?;
    let value = |field: &RawValue| serde_json::from_str::<Value>(field.get()).unwrap_or_default();
    Some(fields.iter().map(|(name, field)| (name.clone(), value(field))).collect())
}

/// Codes that refuse nothing: documented as an unknown outcome or as an id seen before, or documented nowhere.
/// They are put in place of other codes too.
pub(super) fn doubtful(family: Family) -> &'static [&'static str] {
    match family {
        Family::BinanceFutures => &["-1006", "-1007", "-2010", "-4116", "-98765", "1"],
        Family::BinanceSpot => &["-1006", "-1007", "-98765", "1"],
        Family::Bybit => &["10016", "10019", "10000", "170007", "110072", "170141", "987654"],
        Family::Okx => &["50004", "50026", "51149", "51016", "59876", "1"],
        Family::Deribit => &["10001", "11094", "13028", "98765", "0"],
        Family::Coinbase => &[
            "UNKNOWN_FAILURE_REASON",
            "DUPLICATE_CLIENT_ORDER_ID",
            "INTERNAL",
            "UNKNOWN",
            "MADE_UP_REASON",
        ],
    }
}

/// Statuses under which an exchange documents refusals.
pub(super) fn may_refuse(family: Family, status: u16) -> bool {
    let client_error = (400..500).contains(&status) && status != 408;
    match family {
        Family::BinanceFutures => client_error || status == 503,
        Family::BinanceSpot => client_error,
        Family::Bybit | Family::Okx | Family::Deribit | Family::Coinbase => {
            client_error || status == 200
        }
    }
}

/// The codes that stand where this exchange's codes stand; none in an answer without form, or with two minds.
pub(super) fn codes(desk: &Desk, answer: &Response<Bytes>) -> Vec<String> {
    let Some(body) = read(answer) else {
        return formless(desk.family, answer).into_iter().collect();
    };
    let number = |code: Option<&Value>| code.and_then(Value::as_i64).map(|code| code.to_string());
    match desk.family {
        Family::BinanceFutures | Family::BinanceSpot => {
            number(body.get("code")).into_iter().collect()
        }
        Family::Bybit => number(body.get("retCode")).into_iter().collect(),
        Family::Okx => of_okx(&body).into_iter().collect(),
        Family::Deribit => {
            let is_result = body.get("result").is_some_and(|result| !result.is_null());
            number(body.pointer("/error/code")).filter(|_| !is_result).into_iter().collect()
        }
        Family::Coinbase if answer.status() == 200 => not_created(&body),
        Family::Coinbase => of_coinbase(&body),
    }
}

/// The two documented refusals that are plain text.
fn formless(family: Family, answer: &Response<Bytes>) -> Option<String> {
    let text = std::str::from_utf8(answer.body()).ok()?.to_ascii_lowercase();
    match (family, answer.status().as_u16()) {
        (Family::Bybit, 403) => text.contains("access too frequent").then(|| "403".to_owned()),
        (Family::Coinbase, 401) => (text.trim() == "unauthorized").then(|| "401".to_owned()),
        _ => None,
    }
}

/// The instruction's own code where there is one, if the answer's code does not contradict it.
fn of_okx(body: &Value) -> Option<String> {
    let outer = body.get("code")?.as_str()?;
    let rows = body.get("data").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let inner: Vec<&str> = rows.iter().filter_map(|row| row.get("sCode")?.as_str()).collect();
    match inner.as_slice() {
        [] => Some(outer.to_owned()),
        [inner] if matches!(outer, "0" | "1" | "2") || *inner == outer => Some((*inner).to_owned()),
        _ => None,
    }
}

/// Reasons of an order that was not created; none where the answer names one that was.
fn not_created(body: &Value) -> Vec<String> {
    let order = body.pointer("/success_response/order_id").and_then(Value::as_str);
    let created = body["success"] != false || order.is_some_and(|id| !id.is_empty());
    let of_reason = |name: &&str| body["error_response"][*name].as_str().map(str::to_owned);
    let names = ["new_order_failure_reason", "error", "preview_failure_reason"];
    let given: Vec<String> = names.iter().filter_map(of_reason).collect();
    // One that says that an order with this id exists beats all others.
    let seen = given.iter().any(|word| word.ends_with("DUPLICATE_CLIENT_ORDER_ID"));
    if created || seen { Vec::new() } else { given }
}

/// The word of an error.
fn of_coinbase(body: &Value) -> Vec<String> {
    if body.get("success_response").is_some_and(|order| !order.is_null()) {
        return Vec::new();
    }
    let word = body.pointer("/errors/0/id").or_else(|| body.get("error"));
    word.and_then(Value::as_str).map(str::to_owned).into_iter().collect()
}

/// Whether a code refuses nothing.
pub(super) fn is_doubtful(family: Family, code: &str) -> bool {
    let bare = code.strip_prefix("PREVIEW_").unwrap_or(code).to_ascii_uppercase();
    code == "0" || doubtful(family).contains(&bare.as_str())
}
