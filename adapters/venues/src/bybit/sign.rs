//! Signed requests: the signature covers time, key, window and then the query or the body exactly as it is sent.
//!
//! Source: Bybit v5 Guide, Authentication, read 2026-11-22.

use bytes::Bytes;
use equipoise_core::VenueMillis;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method};

use crate::answer::BadAnswer;
use crate::credentials::Credentials;
use crate::wire::{Call, sensitive};

const KEY: HeaderName = HeaderName::from_static("x-bapi-api-key");
const STAMP: HeaderName = HeaderName::from_static("x-bapi-timestamp");
const WINDOW: HeaderName = HeaderName::from_static("x-bapi-recv-window");
const SIGNATURE: HeaderName = HeaderName::from_static("x-bapi-sign");
const SIGNATURE_TYPE: HeaderName = HeaderName::from_static("x-bapi-sign-type");

/// When a request is stamped and how long it stays valid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Validity {
    pub(crate) stamp: VenueMillis,
    pub(crate) window_ms: u32,
}

/// A signed question.
pub(crate) fn get<'a>(
    path: &'static str,
    query: &'a str,
    validity: Validity,
    credentials: &Credentials,
) -> Result<Call<'a>, BadAnswer> {
    Ok(Call {
        method: Method::GET,
        path,
        query,
        headers: headers(query, validity, credentials)?,
        body: Bytes::new(),
    })
}

/// A signed instruction.
pub(crate) fn post(
    path: &'static str,
    body: String,
    validity: Validity,
    credentials: &Credentials,
) -> Result<Call<'static>, BadAnswer> {
    let mut headers = headers(&body, validity, credentials)?;
    headers.push((CONTENT_TYPE, HeaderValue::from_static("application/json")));
    Ok(Call { method: Method::POST, path, query: "", headers, body: Bytes::from(body) })
}

fn headers(
    payload: &str,
    validity: Validity,
    credentials: &Credentials,
) -> Result<Vec<(HeaderName, HeaderValue)>, BadAnswer> {
    let stamp = validity.stamp.0.to_string();
    let window = validity.window_ms.to_string();
    let signature = credentials.sign(&[&stamp, credentials.key(), &window, payload]);
    let plain = |text: &str| HeaderValue::from_str(text).map_err(|_| BadAnswer::text("header"));
    Ok(vec![
        (KEY, sensitive(credentials.key())?),
        (STAMP, plain(&stamp)?),
        (WINDOW, plain(&window)?),
        (SIGNATURE_TYPE, HeaderValue::from_static("2")),
        (SIGNATURE, sensitive(&signature)?),
    ])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn signature(call: &Call<'_>) -> String {
        let header = call.headers.iter().find(|(name, _)| *name == SIGNATURE);
        header.unwrap().1.to_str().unwrap().to_owned()
    }

    fn validity(stamp: u64) -> Validity {
        Validity { stamp: VenueMillis(stamp), window_ms: 5_000 }
    }

    // The exchange publishes no secret with its examples; these values were computed apart from this code.
    #[test]
    fn query_and_body_are_signed_as_they_are_sent() {
        let credentials = Credentials::new("TESTKEY", "TEST_SECRET").unwrap();
        let query = "category=linear&symbol=BTCUSDT&orderLinkId=leg-1";
        let asked = get("/v5/order/realtime", query, validity(1_658_384_314_791), &credentials);
        assert_eq!(
            signature(&asked.unwrap()),
            "fd11e72bbb2f8506d9956ece6198d8709a080d63ecebb5fb398cdb5f1def9c3e"
        );
        let body = r#"{"category":"linear","symbol":"BTCUSDT","side":"Sell","orderType":"Limit","qty":"0.01","price":"28000","timeInForce":"IOC","orderLinkId":"leg-1"}"#;
        let told =
            post("/v5/order/create", body.to_owned(), validity(1_658_385_579_423), &credentials);
        assert_eq!(
            signature(&told.unwrap()),
            "8886964fee9ab2c8232cc65cfa00ece6f22c4c4ccfb6165920540df3aa02902a"
        );
        let now = Validity { stamp: VenueMillis(1_795_334_400_000), window_ms: 2_000 };
        for (body, expected) in [
            (
                r#"{"category":"spot","symbol":"BTCUSDT","isLeverage":0,"side":"Buy","orderType":"Market","qty":"0.1","marketUnit":"baseCoin","orderLinkId":"a1b2","smpType":"CancelTaker"}"#,
                "7515780bffbd43a58eff2e1532721f6d4ce5d56c26f0eb2ceffa911f33cc5b29",
            ),
            (
                r#"{"category":"inverse","symbol":"BTCUSD","side":"Sell","orderType":"Market","qty":"6500","positionIdx":0,"reduceOnly":true,"orderLinkId":"a1b2","smpType":"CancelTaker"}"#,
                "ce851990dc462b71ac8703a3a8a102a5127d7c1a6171bcb91250d3164667cc04",
            ),
        ] {
            let told = post("/v5/order/create", body.to_owned(), now, &credentials);
            assert_eq!(signature(&told.unwrap()), expected);
        }
    }

    #[test]
    fn neither_key_nor_signature_is_printed() {
        let credentials = Credentials::new("TESTKEY", "TEST_SECRET").unwrap();
        let call = get("/v5/order/realtime", "a=1", validity(1), &credentials).unwrap();
        let shown = format!("{call:?}");
        assert!(!shown.contains("TESTKEY") && !shown.contains(&signature(&call)));
    }
}
