//! The signed token every private request carries.
//!
//! Source: Coinbase Developer Platform docs, Coinbase App, API Key Authentication, read 2026-11-22.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey};
use serde::Deserialize;

use crate::credentials::Credentials;

/// Longest life of a token. Source: as above, expiration of a token, 2 minutes.
const LIFE_S_MAX: u64 = 120;

/// How far a token may begin ahead of the exchange's clock. The venue documents none; token libraries commonly
/// allow a few seconds for clocks that disagree.
const AHEAD_S_MAX: u64 = 5;

/// The venue's own name for itself, whatever address it is reached at.
const HOST: &str = "api.coinbase.com";

/// Header of a P-256 public key in DER up to its uncompressed point. Source: RFC 5480, section 2.
const EC_HEADER: &str = "3059301306072a8648ce3d020106082a8648ce3d030107034200";

/// Header of an Ed25519 public key in DER. Source: RFC 8410, section 4.
const ED_HEADER: &str = "302a300506032b6570032100";

/// What makes a token valid for one request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Occasion<'a> {
    pub(super) now_ms: u64,
    pub(super) method: &'a str,
    /// Without the query.
    pub(super) path: &'a str,
    /// Where the request was sent, as it says itself; empty when it does not.
    pub(super) host: &'a str,
}

/// The keys whose signatures count.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    ec: Option<(String, Vec<u8>)>,
    ed: Option<(String, Vec<u8>)>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    iss: String,
    nbf: u64,
    exp: u64,
    uri: Option<String>,
    #[serde(default)]
    uris: Vec<String>,
}

impl Keys {
    /// A key that cannot be read verifies nothing.
    pub(super) fn of(credentials: &Credentials) -> Self {
        let key = |name: Option<&String>, pem: Option<&String>, header| {
            Some((name?.clone(), public_key(pem?, header)?))
        };
        Self {
            ec: key(Some(&credentials.key), credentials.public.as_ref(), EC_HEADER),
            ed: key(credentials.ed_key.as_ref(), credentials.ed_public.as_ref(), ED_HEADER),
        }
    }

    /// Whether `token` is signed by a known key and made for this request at this time.
    pub(super) fn admit(&self, token: &str, occasion: Occasion<'_>) -> bool {
        self.claims(token).is_some_and(|claims| claims.suit(occasion))
    }

    /// The claims of a token whose signature holds.
    fn claims(&self, token: &str) -> Option<Claims> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Header = serde_json::from_slice(&part(header)?).ok()?;
        let signature = part(signature)?;
        let (name, verified) = match header.alg.as_str() {
            "ES256" => {
                let (name, point) = self.ec.as_ref()?;
                let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
                (name, key.verify(signed.as_bytes(), &signature))
            }
            "EdDSA" => {
                let (name, point) = self.ed.as_ref()?;
                let key = UnparsedPublicKey::new(&ED25519, point);
                (name, key.verify(signed.as_bytes(), &signature))
            }
            _ => return None,
        };
        let claims: Claims = serde_json::from_slice(&part(claims)?).ok()?;
        let is_of_key = verified.is_ok() && header.kid == *name && claims.sub == *name;
        is_of_key.then_some(claims)
    }
}

impl Claims {
    fn suit(&self, occasion: Occasion<'_>) -> bool {
        let now_s = occasion.now_ms / 1000;
        let in_time = self.nbf <= now_s + AHEAD_S_MAX
            && now_s < self.exp
            && self.exp.saturating_sub(self.nbf) <= LIFE_S_MAX;
        // The older issuer is what clients made before the renaming still write.
        let issued = matches!(self.iss.as_str(), "cdp" | "coinbase-cloud");
        let named = self.uri.iter().chain(&self.uris).any(|uri| occasion.is_named_by(uri));
        in_time && issued && named
    }
}

impl Occasion<'_> {
    /// `METHOD host/path`, the host being the venue's name or the address it was called by.
    ///
    /// A client that strips `https://` from its URL leaves the `http://` of a simulated address in.
    fn is_named_by(&self, uri: &str) -> bool {
        let rest = uri.strip_prefix(self.method).and_then(|rest| rest.strip_prefix(' '));
        let Some(place) = rest.and_then(|rest| rest.strip_suffix(self.path)) else {
            return false;
        };
        let called =
            !self.host.is_empty() && place.strip_prefix("http://").unwrap_or(place) == self.host;
        place == HOST || called
    }
}

fn part(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The key itself from its PEM, when that holds one of the kind that `header` introduces.
fn public_key(pem: &str, header: &str) -> Option<Vec<u8>> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(body.trim()).ok()?;
    let header = hex::decode(header).ok()?;
    let declared = usize::from(*header.get(1)?) + 2;
    let key = der.strip_prefix(header.as_slice())?;
    (der.len() == declared).then(|| key.to_vec())
}

#[cfg(test)]
mod tests {
    use super::{Keys, Occasion};
    use crate::credentials::Credentials;

    const PATH: &str = "/api/v3/brokerage/orders";

    /// Made with the private half of the documented demo key of this crate (the seed of bytes 0 to 31).
    const TOKEN: &str = concat!(
        "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCIsImtpZCI6Im9yZ2FuaXphdGlvbnMvby9hcGlLZXlzL2siLCJub25jZSI6IjAwMTEyMjMzNDQ1NTY2Nzc4ODk5YWFiYmNjZGRlZWZmIn0",
        ".eyJzdWIiOiJvcmdhbml6YXRpb25zL28vYXBpS2V5cy9rIiwiaXNzIjoiY2RwIiwibmJmIjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDAxMjAsInVyaSI6IlBPU1QgYXBpLmNvaW5iYXNlLmNvbS9hcGkvdjMvYnJva2VyYWdlL29yZGVycyJ9",
        ".6L-I9r_G9UVurC3nG5SK3Y1hMxd_DKMIjGQkI95uQkxyE105Dq8CV829JMAI8UpyKFYdgycJ1XIGnGIw-WhoBA"
    );

    fn keys() -> Keys {
        let mut credentials = Credentials::demo("coinbase");
        credentials.ed_key = Some("organizations/o/apiKeys/k".to_owned());
        Keys::of(&credentials)
    }

    fn post(now_ms: u64) -> Occasion<'static> {
        Occasion { now_ms, method: "POST", path: PATH, host: "127.0.0.1:9" }
    }

    #[test]
    fn a_token_counts_from_its_beginning_until_before_its_expiry() {
        let at = |now_ms| keys().admit(TOKEN, post(now_ms));
        assert!(!at(1_699_999_994_999));
        assert!(at(1_699_999_995_000));
        assert!(at(1_700_000_119_999));
        assert!(!at(1_700_000_120_000));
    }

    #[test]
    fn a_token_counts_for_its_own_method_and_path_only() {
        let now_ms = 1_700_000_000_000;
        assert!(!keys().admit(TOKEN, Occasion { method: "GET", ..post(now_ms) }));
        assert!(
            !keys().admit(TOKEN, Occasion { path: "/api/v3/brokerage/accounts", ..post(now_ms) })
        );
        assert!(!keys().admit(TOKEN, Occasion { path: "/orders", ..post(now_ms) }));
    }

    #[test]
    fn a_token_of_another_key_or_with_a_changed_byte_counts_nothing() {
        let other = Keys::of(&Credentials::demo("coinbase"));
        assert!(!other.admit(TOKEN, post(1_700_000_000_000)));
        let changed = TOKEN.replace("iOjE3MDAwMDAxMjA", "iOjE3MDAwMDAxMjE");
        assert_ne!(changed, TOKEN);
        assert!(!keys().admit(&changed, post(1_700_000_000_000)));
        assert!(!keys().admit("", post(1_700_000_000_000)));
    }

    #[test]
    fn the_address_a_request_was_sent_to_names_the_venue_too() {
        let sent = post(0);
        assert!(sent.is_named_by("POST api.coinbase.com/api/v3/brokerage/orders"));
        assert!(sent.is_named_by("POST 127.0.0.1:9/api/v3/brokerage/orders"));
        assert!(sent.is_named_by("POST http://127.0.0.1:9/api/v3/brokerage/orders"));
        assert!(!sent.is_named_by("POST http://api.coinbase.com/api/v3/brokerage/orders"));
        assert!(!sent.is_named_by("POST 127.0.0.1:8/api/v3/brokerage/orders"));
        let anonymous = Occasion { host: "", ..sent };
        assert!(!anonymous.is_named_by("POST /api/v3/brokerage/orders"));
    }
}
