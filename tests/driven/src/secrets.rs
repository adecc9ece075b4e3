//! The keys of the seed's accounts. None of them guards anything, and each is easy to find wherever it should not be.

use std::cell::RefCell;

use bytes::Bytes;
use http::Request;

/// In the text of every key, secret and passphrase, private keys included.
const CANARY: &str = "canary";
/// In the text of every secret that must not be sent either.
const SECRET: &str = "canaryE51c97";
const KEY: &str = "canary-key-4f02-not-to-be-shown";
const HMAC_SECRET: &str = "canaryE51c97-never-to-be-seen";
const PASSPHRASE: &str = "canary-phrase-77a1-not-to-be-shown";

/// Private keys whose numbers were chosen so that their text holds the canary.
const EC_PRIVATE: &str = "-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIAECcanaryE51c97OfAnEcKeyThatGuardsNothing00oAoGCCqGSM49
AwEHoUQDQgAEQSZ4tfWEg5ArF2fenWHnI4sCY9asNJHe84GsP0yxj5WWVhYu8lKX
QwEmq3DzSz6ZXxZor9z2vqAieADqv/A7KA==
-----END EC PRIVATE KEY-----
";
const EC_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEQSZ4tfWEg5ArF2fenWHnI4sCY9as
NJHe84GsP0yxj5WWVhYu8lKXQwEmq3DzSz6ZXxZor9z2vqAieADqv/A7KA==
-----END PUBLIC KEY-----
";
const ED_SEED: &str = "canaryE51c97OfAnEdKeyThatGuardsNothing00AAA=";
const ED_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAInDjQ7mKF6+4o/zacsku5lqecMBmbZy5KkyWCkg5KA8=
-----END PUBLIC KEY-----
";

thread_local! {
    /// Session tokens handed out so far in the seed that this thread plays.
    static TOKENS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// What proves to an exchange who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Hmac,
    HmacAndPassphrase,
    Ec,
    Ed,
}

impl KeyKind {
    /// Of an adapter; two kinds of key pairs are possible at one of them.
    pub(crate) fn of(adapter: &str, ed: bool) -> Self {
        match adapter {
            "okx-swap" | "okx-spot" => Self::HmacAndPassphrase,
            "coinbase" if ed => Self::Ed,
            "coinbase" => Self::Ec,
            _ => Self::Hmac,
        }
    }

    /// What the exchange knows.
    pub(crate) fn known(self) -> equipoise_sim::Credentials {
        let nothing = equipoise_sim::Credentials {
            key: KEY.to_owned(),
            secret: String::new(),
            passphrase: None,
            public: None,
            ed_key: None,
            ed_public: None,
            may_trade: true,
            may_withdraw: false,
        };
        let secret = HMAC_SECRET.to_owned();
        match self {
            Self::Hmac => equipoise_sim::Credentials { secret, ..nothing },
            Self::HmacAndPassphrase => {
                let passphrase = Some(PASSPHRASE.to_owned());
                equipoise_sim::Credentials { secret, passphrase, ..nothing }
            }
            Self::Ec => {
                equipoise_sim::Credentials { public: Some(EC_PUBLIC.to_owned()), ..nothing }
            }
            Self::Ed => equipoise_sim::Credentials {
                ed_key: Some(KEY.to_owned()),
                ed_public: Some(ED_PUBLIC.to_owned()),
                ..nothing
            },
        }
    }

    /// What the adapter gets.
    pub(crate) fn held(self) -> equipoise_venues::Credentials {
        use equipoise_venues::Credentials;
        let held = match self {
            Self::Hmac => Credentials::new(KEY, HMAC_SECRET),
            Self::HmacAndPassphrase => Credentials::new(KEY, HMAC_SECRET)
                .and_then(|credentials| credentials.with_passphrase(PASSPHRASE)),
            Self::Ec => Credentials::pem(KEY, EC_PRIVATE),
            Self::Ed => Credentials::new(KEY, ED_SEED),
        };
        held.expect("keys of the documented form")
    }
}

/// The secret, for whoever wants to see that it is noticed.
#[cfg(planted)]
pub(crate) const LEAKED: &str = HMAC_SECRET;

/// A new seed begins on this thread.
pub(crate) fn forget_tokens() {
    TOKENS.with_borrow_mut(Vec::clear);
}

/// Remembers the tokens in an exchange's answer: they stand for the account as much as a secret does.
pub(crate) fn learn_tokens(body: &[u8]) {
    let Ok(answer) = serde_json::from_slice::<serde_json::Value>(body) else { return };
    for name in ["access_token", "refresh_token"] {
        if let Some(token) = answer["result"][name].as_str() {
            TOKENS.with_borrow_mut(|tokens| tokens.push(token.to_owned()));
        }
    }
}

/// Whether a text holds a key, a secret, a passphrase or a token.
pub(crate) fn shows(text: &str) -> bool {
    text.contains(CANARY)
        || TOKENS.with_borrow(|tokens| tokens.iter().any(|token| text.contains(token.as_str())))
}

/// Whether a request holds a secret, other than in the one place where an exchange asks for it.
pub(crate) fn is_sent(request: &Request<Bytes>) -> bool {
    let holds = |bytes: &[u8]| {
        let secret = SECRET.as_bytes();
        bytes.windows(secret.len()).any(|part| part == secret)
    };
    // Source: Deribit docs, public/auth, grant_type client_credentials, read 2026-11-22.
    let asked_for = request.uri().path() == "/api/v2/public/auth";
    holds(request.uri().to_string().as_bytes())
        || request.headers().values().any(|value| holds(value.as_bytes()))
        || (!asked_for && holds(request.body()))
}
