//! Requests with the token each of them needs: it names one method and address, and lives for two minutes at most.
//!
//! An order's token expires with the deadline of its intent and is made anew for each transmission; it is neither
//! recorded nor printed. The body is not part of it.
//!
//! Source: Coinbase Developer Platform, JWT Authentication, read 2026-11-22.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use equipoise_core::{OrderRequest, VenueMillis};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method};
use serde::Serialize;

use super::key::Signer;
use super::spot::TOKEN_S_MAX;
use crate::answer::BadAnswer;
use crate::wire::{Call, sensitive};

/// How far a token's beginning lies before now, in seconds, so that a clock slightly ahead does not make it one of the
/// future.
const BEFORE_S: u64 = 5;

/// From when until when a token is good, in whole seconds of venue time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) not_before: u64,
    pub(crate) expires: u64,
}

impl Life {
    /// As long as there may be, for questions and cancels.
    pub(crate) const fn of_query(now: VenueMillis) -> Self {
        let not_before = (now.0 / 1_000).saturating_sub(BEFORE_S);
        Self { not_before, expires: not_before + TOKEN_S_MAX }
    }

    /// Until the deadline of the intent, rounded down: never a moment longer (R2).
    ///
    /// # Errors
    /// When the window is so short that no whole second of it is left.
    pub(crate) fn of_order(order: &OrderRequest) -> Result<Self, BadAnswer> {
        let (stamp, expires) = (order.stamp().0 / 1_000, order.deadline.0 / 1_000);
        if expires <= stamp {
            return Err(BadAnswer::new("request window is too short for a token in whole seconds"));
        }
        Ok(Self { not_before: stamp.saturating_sub(BEFORE_S), expires })
    }

    /// Whether a token would be taken at a venue time.
    pub(crate) const fn holds_at(self, venue: VenueMillis) -> bool {
        let second = venue.0 / 1_000;
        self.not_before <= second && second < self.expires
    }
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    kid: &'a str,
    nonce: &'a str,
}

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    iss: &'static str,
    nbf: u64,
    exp: u64,
    uri: &'a str,
}

/// Makes requests of one account at one host.
pub(crate) struct Requests {
    signer: Signer,
    key_name: Box<str>,
    /// Host with port and path in front of every path, as tokens name it.
    host: Box<str>,
}

impl Requests {
    pub(crate) fn new(signer: Signer, key_name: &str, base: &str) -> Self {
        let host = base.split_once("://").map_or(base, |(_, host)| host);
        Self { signer, key_name: key_name.into(), host: host.into() }
    }

    /// A question.
    pub(crate) fn get<'a>(
        &self,
        path: &'a str,
        query: &'a str,
        life: Life,
    ) -> Result<Call<'a>, BadAnswer> {
        let bearer = self.bearer(&Method::GET, path, life)?;
        let headers = vec![(AUTHORIZATION, bearer)];
        Ok(Call { method: Method::GET, path, query, headers, body: Bytes::new() })
    }

    /// An instruction.
    pub(crate) fn post(
        &self,
        path: &'static str,
        body: String,
        life: Life,
    ) -> Result<Call<'static>, BadAnswer> {
        let headers = vec![
            (AUTHORIZATION, self.bearer(&Method::POST, path, life)?),
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        ];
        Ok(Call { method: Method::POST, path, query: "", headers, body: Bytes::from(body) })
    }

    fn bearer(&self, method: &Method, path: &str, life: Life) -> Result<HeaderValue, BadAnswer> {
        let token = self.token(method, path, life, &self.signer.nonce()?)?;
        sensitive(&format!("Bearer {token}"))
    }

    /// The query is not part of the address a token names.
    fn token(
        &self,
        method: &Method,
        path: &str,
        life: Life,
        nonce: &str,
    ) -> Result<String, BadAnswer> {
        let header =
            Header { alg: self.signer.algorithm(), typ: "JWT", kid: &self.key_name, nonce };
        let uri = format!("{method} {}{path}", self.host);
        let claims = Claims {
            sub: &self.key_name,
            iss: "cdp",
            nbf: life.not_before,
            exp: life.expires,
            uri: &uri,
        };
        let mut token = part(&header)?;
        token.push('.');
        token.push_str(&part(&claims)?);
        let signature = self.signer.sign(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}

fn part(content: &impl Serialize) -> Result<String, BadAnswer> {
    let json =
        serde_json::to_vec(content).map_err(|_| BadAnswer::new("token cannot be put into JSON"))?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use equipoise_core::{OrderKind, PositionSide, Side};

    use super::*;

    /// Seed of the bytes 0 to 31.
    const SEED: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn requests() -> Requests {
        let signer = Signer::new(SEED).unwrap();
        Requests::new(signer, "organizations/o/apiKeys/k", "https://api.coinbase.com")
    }

    // The exchange publishes no key with its examples; this value was computed apart from this code.
    #[test]
    fn a_token_is_made_exactly_as_documented() {
        let life = Life { not_before: 1_700_000_000, expires: 1_700_000_120 };
        let token = requests().token(
            &Method::POST,
            "/api/v3/brokerage/orders",
            life,
            "00112233445566778899aabbccddeeff",
        );
        assert_eq!(
            token.unwrap(),
            concat!(
                "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCIsImtpZCI6Im9yZ2FuaXphdGlvbnMvby9hcGlLZXlzL2siLCJub25jZSI6",
                "IjAwMTEyMjMzNDQ1NTY2Nzc4ODk5YWFiYmNjZGRlZWZmIn0.eyJzdWIiOiJvcmdhbml6YXRpb25zL28vYXBpS2V5cy9r",
                "IiwiaXNzIjoiY2RwIiwibmJmIjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDAxMjAsInVyaSI6IlBPU1QgYXBpLmNvaW5i",
                "YXNlLmNvbS9hcGkvdjMvYnJva2VyYWdlL29yZGVycyJ9.6L-I9r_G9UVurC3nG5SK3Y1hMxd_DKMIjGQkI95uQkxyE10",
                "5Dq8CV829JMAI8UpyKFYdgycJ1XIGnGIw-WhoBA"
            )
        );
    }

    fn order(deadline: u64, window_ms: u32) -> OrderRequest {
        OrderRequest {
            client_id: "c".parse().unwrap(),
            symbol: "BTC-USD".parse().unwrap(),
            side: Side::Buy,
            kind: OrderKind::Market,
            quantity: "1".parse().unwrap(),
            reduce_only: false,
            position_side: PositionSide::Net,
            deadline: VenueMillis(deadline),
            window_ms,
        }
    }

    #[test]
    fn an_orders_token_never_outlives_its_deadline() {
        for deadline in [1_700_000_002_000, 1_700_000_002_001, 1_700_000_002_999] {
            let life = Life::of_order(&order(deadline, 2_000)).unwrap();
            assert_eq!(life, Life { not_before: 1_699_999_995, expires: 1_700_000_002 });
            assert!(life.holds_at(VenueMillis(1_700_000_001_999)));
            assert!(!life.holds_at(VenueMillis(1_700_000_002_000)));
        }
        assert!(Life::of_order(&order(1_700_000_002_900, 900)).is_err());
    }

    #[test]
    fn a_questions_token_lives_for_two_minutes_at_most() {
        let life = Life::of_query(VenueMillis(1_700_000_000_999));
        assert_eq!(life.expires - life.not_before, 120);
        assert!(life.holds_at(VenueMillis(1_700_000_000_000)));
    }

    #[test]
    fn every_request_has_a_token_of_its_own_that_is_not_printed() {
        let (requests, life) = (requests(), Life::of_query(VenueMillis(1_700_000_000_000)));
        let call = || requests.get("/api/v3/brokerage/accounts", "limit=250", life).unwrap();
        let (first, second) = (call(), call());
        let bearer = |call: &Call<'_>| call.headers[0].1.clone();
        assert!(bearer(&first).is_sensitive());
        assert_ne!(bearer(&first), bearer(&second));
        assert!(!format!("{first:?}").contains("eyJ"));
    }
}
