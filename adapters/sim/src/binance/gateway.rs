//! What all products check before anything else: key, time window and signature; and how parameters travel.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use rust_decimal::Decimal;
use serde_json::Value;

use super::failure::Failure;
use crate::credentials::Credentials;
use crate::fault::Operation;
use crate::params::{Params, plain_decimal};
use crate::signature::hmac_sha256_hex;

/// Window of a request that names none, milliseconds.
pub(super) const RECV_WINDOW_DEFAULT_MS: u64 = 5000;

/// How far a timestamp may lie ahead of the exchange's clock, milliseconds.
const AHEAD_MAX_MS: u64 = 1000;

/// When a request was made and how long it is good for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    pub(super) sent_ms: u64,
    pub(super) window_ms: u64,
}

impl Stamp {
    /// Milliseconds UTC of the last moment the request is good for.
    pub(super) fn until_ms(self) -> u64 {
        self.sent_ms.saturating_add(self.window_ms)
    }
}

/// Key, window, signature and the right to trade, in this order.
pub(super) fn check_signed(
    credentials: &Credentials,
    now_ms: u64,
    request: &Request<Bytes>,
    params: &Params,
    operation: Operation,
    stamp: fn(&Params) -> Result<Stamp, Failure>,
) -> Result<(), Failure> {
    let key = request.headers().get("x-mbx-apikey").and_then(|key| key.to_str().ok());
    let key = key.unwrap_or_default();
    if key.is_empty() {
        return Err(Failure::unauthorised(-2014, "API-key format invalid."));
    }
    if key != credentials.key {
        return Err(Failure::unauthorised(-2015, "Invalid API-key, IP, or permissions for action"));
    }
    let stamp = stamp(params)?;
    let signature = params.get("signature").ok_or_else(|| Failure::missing("signature"))?;
    if stamp.sent_ms >= now_ms + AHEAD_MAX_MS {
        return Err(Failure::refused(
            -1021,
            "Timestamp for this request was 1000ms ahead of the server's time.",
        ));
    }
    if now_ms > stamp.until_ms() {
        return Err(Failure::refused(
            -1021,
            "Timestamp for this request is outside of the recvWindow.",
        ));
    }
    let query = unsigned(request.uri().query().unwrap_or_default());
    let body = unsigned(std::str::from_utf8(request.body()).unwrap_or_default());
    let expected = hmac_sha256_hex(&credentials.secret, &[query.as_bytes(), body.as_bytes()]);
    if !signature.eq_ignore_ascii_case(&expected) {
        return Err(Failure::refused(-1022, "Signature for this request is not valid."));
    }
    if operation.is_trading() && !credentials.may_trade {
        return Err(Failure::unauthorised(-2015, "Invalid API-key, IP, or permissions for action"));
    }
    Ok(())
}

/// Query string and form body together; the query string wins.
pub(super) fn params_of(request: &Request<Bytes>) -> Params {
    let mut params = Params::default();
    if let Ok(body) = std::str::from_utf8(request.body()) {
        params.extend(body);
    }
    params.extend(request.uri().query().unwrap_or_default());
    params
}

/// The text that was signed: everything but the signature itself, byte for byte.
fn unsigned(text: &str) -> String {
    text.split('&').filter(|pair| !pair.starts_with("signature=")).collect::<Vec<_>>().join("&")
}

pub(super) fn json_response(value: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(value.to_string()));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
    response
}

/// A plain decimal, or the refusal of anything else in that parameter.
pub(super) fn plain_or_illegal(name: &str, text: &str) -> Result<Decimal, Failure> {
    plain_decimal(text).ok_or_else(|| Failure::illegal(name, "^([0-9]{1,20})(\\.[0-9]{1,20})?$"))
}
