//! Who asks: tokens with their sessions, signed requests, and the allowances of both.
//!
//! Source: Deribit docs, Authentication and Rate Limits, read 2026-11-22.

use std::collections::{BTreeMap, VecDeque};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, header};

use super::failure::Failure;
use super::method::Method;
use super::wire::{Object, Rpc};
use crate::credentials::Credentials;
use crate::exchange::RateLimits;
use crate::params::Params;
use crate::signature::hmac_sha256_hex;

/// Life of an access token unless the scope says `expires:`, seconds. Not documented as a promise.
const TOKEN_LIFE_S: u64 = 900;

/// Life of a refresh token, seconds. Not documented.
const REFRESH_LIFE_S: u64 = 86_400;

/// How far a signature's timestamp may lie from the exchange's clock. Source: Authentication, signature credentials.
const TIMESTAMP_SPAN_MS: u64 = 60_000;

/// Nonces that are remembered; more do not fit into the time in which a signature counts.
const NONCES_MAX: usize = 10_000;

/// Without the wallet, which depends on the key.
const SCOPE_DEFAULT: &str = "account:read_write block_trade:none connection trade:read_write";

/// The right to trade. Source: Deribit docs, Access Scope, read 2026-11-22.
const TRADING: &str = "trade:read_write";

/// The right to withdraw. Source: Deribit docs, Access Scope, read 2026-11-22.
const WITHDRAWAL: &str = "wallet:read_write";

#[derive(Clone, Debug)]
struct Token {
    expires_ms: u64,
    refresh: String,
    refresh_expires_ms: u64,
    scope: String,
}

/// Tokens that were handed out and what the venue remembers of signed requests.
#[derive(Clone, Debug)]
pub(super) struct Access {
    credentials: Credentials,
    /// By access token.
    tokens: BTreeMap<String, Token>,
    issued: u64,
    nonces: VecDeque<(u64, String)>,
    mode: RateLimits,
    matching: Bucket,
    other: Bucket,
}

/// Who sent an admitted request.
#[derive(Clone, Debug)]
pub(super) enum Caller {
    /// The holder of this token.
    Session(String),
    /// Nobody with a session: a signed request or a public one.
    Single,
}

impl Access {
    pub(super) fn new(credentials: Credentials, mode: RateLimits) -> Self {
        Self {
            credentials,
            tokens: BTreeMap::new(),
            issued: 0,
            nonces: VecDeque::new(),
            mode,
            // Lowest tier: twenty requests at once, five a second; elsewhere a hundred at once, twenty a second.
            matching: Bucket::full(20_000, 1000, 5),
            other: Bucket::full(50_000, 500, 10),
        }
    }

    /// Lets a request through or not. One above the allowance ends the session it came from.
    pub(super) fn admit(
        &mut self,
        now_ms: u64,
        method: Method,
        request: &Request<Bytes>,
        rpc: &Rpc,
    ) -> Result<(), Failure> {
        let caller = if method.is_private() {
            self.caller(now_ms, method, request, rpc)?
        } else {
            Caller::Single
        };
        if method.is_matching() && !self.credentials.may_trade {
            return Err(Failure::forbidden());
        }
        let bucket = if method.is_matching() { &mut self.matching } else { &mut self.other };
        if bucket.take(now_ms) || self.mode == RateLimits::Counted {
            return Ok(());
        }
        if let Caller::Session(token) = caller {
            self.tokens.remove(&token);
        }
        Err(Failure::too_many_requests())
    }

    /// Ends all sessions, as exceeding a limit does.
    pub(super) fn end_sessions(&mut self) {
        self.tokens.clear();
    }

    fn caller(
        &mut self,
        now_ms: u64,
        method: Method,
        request: &Request<Bytes>,
        rpc: &Rpc,
    ) -> Result<Caller, Failure> {
        let value = request.headers().get(header::AUTHORIZATION);
        let value = value.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let bearer = value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("bearer "));
        if let Some(token) = bearer.or_else(|| rpc.params.get("access_token")) {
            return self.of_token(now_ms, method, token);
        }
        if let Some(fields) = value.strip_prefix("deri-hmac-sha256 ") {
            self.check_signed(now_ms, request, fields)?;
            return Ok(Caller::Single);
        }
        if let Some(pair) = value.strip_prefix("Basic ") {
            let known = format!("{}:{}", self.credentials.key, self.credentials.secret);
            return if STANDARD.decode(pair).is_ok_and(|pair| pair == known.as_bytes()) {
                Ok(Caller::Single)
            } else {
                Err(Failure::invalid_credentials())
            };
        }
        Err(Failure::authorization_required())
    }

    fn of_token(&self, now_ms: u64, method: Method, token: &str) -> Result<Caller, Failure> {
        let known = self.tokens.get(token);
        let known = known.ok_or_else(|| Failure::unauthorized("invalid_token"))?;
        if known.expires_ms <= now_ms {
            return Err(Failure::unauthorized("token expired"));
        }
        let mut rights = known.scope.split(' ');
        if method.is_matching() && !rights.any(|right| right == TRADING) {
            return Err(Failure::forbidden());
        }
        Ok(Caller::Session(token.to_owned()))
    }

    /// `id=…,ts=…,sig=…,nonce=…` over time, nonce, method, URI and body. A pair of time and nonce counts once.
    fn check_signed(
        &mut self,
        now_ms: u64,
        request: &Request<Bytes>,
        fields: &str,
    ) -> Result<(), Failure> {
        let field = |name: &str| {
            fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
        };
        let (Some(id), Some(ts), Some(signature), Some(nonce)) =
            (field("id"), field("ts"), field("sig"), field("nonce"))
        else {
            return Err(Failure::unauthorized("invalid_signature"));
        };
        if id != self.credentials.key {
            return Err(Failure::invalid_credentials());
        }
        let at_ms = ts.parse::<u64>().map_err(|_| Failure::unauthorized("invalid_timestamp"))?;
        let uri = request.uri().path_and_query().map_or("", |uri| uri.as_str());
        let parts: [&[u8]; 10] = [
            ts.as_bytes(),
            b"\n",
            nonce.as_bytes(),
            b"\n",
            request.method().as_str().as_bytes(),
            b"\n",
            uri.as_bytes(),
            b"\n",
            request.body(),
            b"\n",
        ];
        if signature != hmac_sha256_hex(&self.credentials.secret, &parts) {
            return Err(Failure::unauthorized("invalid_signature"));
        }
        self.take_nonce(now_ms, at_ms, &format!("{ts} {nonce}"))
    }

    fn take_nonce(&mut self, now_ms: u64, at_ms: u64, nonce: &str) -> Result<(), Failure> {
        if at_ms.abs_diff(now_ms) > TIMESTAMP_SPAN_MS {
            return Err(Failure::unauthorized("timestamp_out_of_range"));
        }
        while self.nonces.len() >= NONCES_MAX
            || self.nonces.front().is_some_and(|(at, _)| at + 2 * TIMESTAMP_SPAN_MS < now_ms)
        {
            let _ = self.nonces.pop_front();
        }
        if self.nonces.iter().any(|(_, used)| used == nonce) {
            return Err(Failure::unauthorized("nonce_already_used"));
        }
        self.nonces.push_back((now_ms, nonce.to_owned()));
        Ok(())
    }

    /// `public/auth`: a token for credentials, for a signature over time, nonce and data, or for a refresh token.
    pub(super) fn auth(&mut self, now_ms: u64, params: &Params) -> Result<String, Failure> {
        let scope = match params.get("grant_type") {
            Some("client_credentials") => {
                let id = params.get("client_id").ok_or_else(|| Failure::missing("client_id"))?;
                let secret = params.get("client_secret");
                let secret = secret.ok_or_else(|| Failure::missing("client_secret"))?;
                if id != self.credentials.key || secret != self.credentials.secret {
                    return Err(Failure::invalid_credentials());
                }
                None
            }
            Some("client_signature") => {
                self.check_client_signature(now_ms, params)?;
                None
            }
            Some("refresh_token") => Some(self.refreshed(now_ms, params)?),
            _ => return Err(Failure::invalid("grant_type")),
        };
        let asked = params.get("scope").map(str::to_owned).or(scope);
        let may_withdraw = self.credentials.may_withdraw;
        let mut scope = match (asked, may_withdraw) {
            (Some(asked), _) => scope_in_full(&asked, may_withdraw),
            (None, false) => format!("{SCOPE_DEFAULT} wallet:read"),
            (None, true) => format!("{SCOPE_DEFAULT} {WITHDRAWAL}"),
        };
        if !self.credentials.may_trade {
            scope = scope.replace(TRADING, "trade:read");
        }
        Ok(self.issue(now_ms, &scope, params.get("state")))
    }

    fn check_client_signature(&mut self, now_ms: u64, params: &Params) -> Result<(), Failure> {
        let id = params.get("client_id").ok_or_else(|| Failure::missing("client_id"))?;
        let ts = params.get("timestamp").ok_or_else(|| Failure::missing("timestamp"))?;
        let signature = params.get("signature").ok_or_else(|| Failure::missing("signature"))?;
        let at_ms = ts.parse::<u64>().map_err(|_| Failure::invalid("timestamp"))?;
        let nonce = params.get("nonce").unwrap_or_default();
        let data = params.get("data").unwrap_or_default();
        let parts: [&[u8]; 5] = [ts.as_bytes(), b"\n", nonce.as_bytes(), b"\n", data.as_bytes()];
        let expected = hmac_sha256_hex(&self.credentials.secret, &parts);
        if id != self.credentials.key || signature != expected {
            return Err(Failure::invalid_credentials());
        }
        self.take_nonce(now_ms, at_ms, &format!("{ts} {nonce}"))
    }

    /// Gives up the token that belongs to a refresh token and returns its scope.
    fn refreshed(&mut self, now_ms: u64, params: &Params) -> Result<String, Failure> {
        let refresh =
            params.get("refresh_token").ok_or_else(|| Failure::missing("refresh_token"))?;
        let found = self
            .tokens
            .iter()
            .find(|(_, token)| token.refresh == refresh && token.refresh_expires_ms > now_ms)
            .map(|(access, token)| (access.clone(), token.scope.clone()));
        let (access, scope) = found.ok_or_else(|| Failure::unauthorized("invalid_token"))?;
        self.tokens.remove(&access);
        Ok(scope)
    }

    fn issue(&mut self, now_ms: u64, scope: &str, state: Option<&str>) -> String {
        self.tokens.retain(|_, token| token.refresh_expires_ms > now_ms);
        self.issued += 1;
        let text = |kind: &[u8]| {
            let count = self.issued.to_string();
            let parts = [kind, b" ", count.as_bytes()];
            format!("{now_ms}.1{}", &hmac_sha256_hex(&self.credentials.secret, &parts)[..40])
        };
        let (access, refresh) = (text(b"access"), text(b"refresh"));
        let life_s = life_of(scope);
        let token = Token {
            expires_ms: now_ms + life_s * 1000,
            refresh: refresh.clone(),
            refresh_expires_ms: now_ms + REFRESH_LIFE_S * 1000,
            scope: scope.to_owned(),
        };
        self.tokens.insert(access.clone(), token);
        Object::default()
            .text("access_token", &access)
            .count("expires_in", life_s)
            .text("refresh_token", &refresh)
            .text("scope", scope)
            .raw("enabled_features", "[]")
            .text("token_type", "bearer")
            .text_if("state", state)
            .build()
    }
}

/// What the key allows where the scope asked for says nothing about it.
fn scope_in_full(asked: &str, may_withdraw: bool) -> String {
    let mut scope: Vec<&str> = asked.split(' ').filter(|part| !part.is_empty()).collect();
    let says = |scope: &[&str], names: &[&str]| {
        scope.iter().any(|part| names.contains(&part.split(':').next().unwrap_or_default()))
    };
    if !says(&scope, &["connection", "session"]) {
        scope.push("connection");
    }
    if !says(&scope, &["account"]) {
        scope.push("account:read");
    }
    if !says(&scope, &["trade"]) {
        scope.push(TRADING);
    }
    if may_withdraw && !says(&scope, &["wallet"]) {
        scope.push(WITHDRAWAL);
    }
    scope.join(" ")
}

fn life_of(scope: &str) -> u64 {
    let asked = scope.split(' ').find_map(|part| part.strip_prefix("expires:")?.parse().ok());
    asked.map_or(TOKEN_LIFE_S, |seconds: u64| seconds.clamp(1, TOKEN_LIFE_S))
}

/// Credits that come back steadily.
#[derive(Clone, Debug)]
struct Bucket {
    max: u64,
    cost: u64,
    per_ms: u64,
    credits: u64,
    at_ms: u64,
}

impl Bucket {
    fn full(max: u64, cost: u64, per_ms: u64) -> Self {
        Self { max, cost, per_ms, credits: max, at_ms: 0 }
    }

    fn take(&mut self, now_ms: u64) -> bool {
        let earned = now_ms.saturating_sub(self.at_ms).saturating_mul(self.per_ms);
        self.credits = self.credits.saturating_add(earned).min(self.max);
        self.at_ms = self.at_ms.max(now_ms);
        let enough = self.credits >= self.cost;
        if enough {
            self.credits -= self.cost;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use bytes::Bytes;
    use http::Request;

    use super::{Access, Bucket, life_of, scope_in_full};
    use crate::credentials::Credentials;
    use crate::exchange::RateLimits;

    // The inputs follow the recipe and the signature was computed apart from this code.
    // Source: Deribit docs, Authentication, request signature, read 2026-11-22.
    #[test]
    fn a_request_signature_covers_time_nonce_method_uri_and_an_empty_body() {
        let demo = Credentials::demo("deribit");
        let secret = "ABCDEFGHIJKLMNO".to_owned();
        let key = "AMANDA".to_owned();
        let mut access = Access::new(Credentials { key, secret, ..demo }, RateLimits::Enforced);
        let mut answer = |uri: &str| {
            let request = Request::get(uri).body(Bytes::new()).unwrap();
            let fields = "id=AMANDA,ts=1576074319000,nonce=fdbmmz79,\
                          sig=872399dff518c2b631f12c8c40ff2130a2369c5b2f85f88ff8d3c84cc58ffe36";
            access.check_signed(1_576_074_319_000, &request, fields).is_ok()
        };
        assert!(!answer("/api/v2/private/get_account_summary?currency=ETH"));
        assert!(answer("/api/v2/private/get_account_summary?currency=BTC"));
    }

    #[test]
    fn credits_come_back_steadily_up_to_the_burst() {
        let mut bucket = Bucket::full(2000, 1000, 5);
        assert!(bucket.take(1000) && bucket.take(1000) && !bucket.take(1000));
        assert!(!bucket.take(1199) && bucket.take(1200) && !bucket.take(1200));
        assert!(bucket.take(10_000) && bucket.take(10_000) && !bucket.take(10_000));
    }

    #[test]
    fn a_scope_may_shorten_the_life_and_narrow_the_rights() {
        assert_eq!(life_of("connection"), 900);
        assert_eq!(life_of("session:desk expires:60"), 60);
        assert_eq!(
            scope_in_full("session:desk trade:read", false),
            "session:desk trade:read account:read"
        );
        assert_eq!(scope_in_full("", false), "connection account:read trade:read_write");
        let whole = "connection account:read trade:read_write wallet:read_write";
        assert_eq!(scope_in_full("", true), whole);
        assert_eq!(
            scope_in_full("wallet:read connection account:read trade:read", true)
                .matches("wallet")
                .count(),
            1
        );
    }
}
