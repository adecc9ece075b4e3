//! Times as text, and the token that Coinbase wants with every request.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::Ed25519KeyPair;
use serde_json::{Value, json};

use super::NOW;

/// A time around [`NOW`], on the same day.
pub(super) fn rfc3339(at_ms: u64) -> String {
    let ms = at_ms.saturating_sub(NOW - 8 * 3_600_000);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!("2026-11-22T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1000)
}

/// A token for one request, by the key whose seed counts up from a first byte; only zero is known there.
pub(super) fn coinbase(first: u8, now_ms: u64, method: &str, path: &str) -> String {
    let key = "demo-ed-key-coinbase";
    let now_s = now_ms / 1000;
    let header = json!({ "alg": "EdDSA", "typ": "JWT", "kid": key, "nonce": "00" });
    let claims = json!({
        "sub": key, "iss": "cdp", "nbf": now_s, "exp": now_s + 120,
        "uri": format!("{method} api.coinbase.com{path}"),
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let seed: Vec<u8> = (first..first + 32).collect();
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("a seed of 32 bytes");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes())))
}
