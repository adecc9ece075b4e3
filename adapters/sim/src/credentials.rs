//! The one API key a simulated exchange knows.

use std::fmt;

use serde::Deserialize;

/// API key of the one account of a simulated exchange, with what proves its ownership.
///
/// `Debug` shows none of it.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(try_from = "Entry")]
pub struct Credentials {
    /// Sent with every signed request.
    pub key: String,
    /// Signs requests and is never sent. Empty where only the public half of a key pair is known.
    pub secret: String,
    /// OKX: the third part of a key, sent with every request.
    pub passphrase: Option<String>,
    /// Coinbase: PEM of the public half of the ES256 key pair named `key`.
    pub public: Option<String>,
    /// Coinbase: name of the Ed25519 key pair.
    pub ed_key: Option<String>,
    /// Coinbase: PEM of the public half of the Ed25519 key pair.
    pub ed_public: Option<String>,
    /// Whether the key may place and cancel orders; without that right it only reads.
    pub may_trade: bool,
    /// Whether the key may also move funds away, which nothing here can do: it is only told where the venue tells it.
    pub may_withdraw: bool,
}

/// The parts as a credentials file may give them.
#[derive(Deserialize)]
struct Entry {
    key: Option<String>,
    secret: Option<String>,
    passphrase: Option<String>,
    public: Option<String>,
    ed_key: Option<String>,
    ed_public: Option<String>,
    #[serde(default = "granted")]
    may_trade: bool,
    #[serde(default)]
    may_withdraw: bool,
}

/// What each field of an entry is, for people.
const FIELDS: &[(&str, &str)] = &[
    ("key", "API key; at Coinbase the name of the ES256 key"),
    ("secret", "signs requests and is never sent"),
    ("passphrase", "OKX only: the third part of a key"),
    ("public", "Coinbase, in place of secret: PEM of the public half of the ES256 key"),
    ("ed_key", "Coinbase: name of an Ed25519 key"),
    ("ed_public", "Coinbase: PEM of the public half of that key"),
    ("may_trade", "false: the key only reads [default: true]"),
    ("may_withdraw", "true: the key is told to be one that may withdraw [default: false]"),
];

fn granted() -> bool {
    true
}

/// An entry that proves nothing: there is neither a secret nor a public key with its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither key and secret nor a named public key")]
struct Incomplete;

impl Credentials {
    /// The fields of an entry in a credentials file, each with what it is in one line for people.
    #[must_use]
    pub const fn fields() -> &'static [(&'static str, &'static str)] {
        FIELDS
    }
}

impl TryFrom<Entry> for Credentials {
    type Error = Incomplete;

    fn try_from(entry: Entry) -> Result<Self, Incomplete> {
        let keyed = entry.key.is_some() && (entry.secret.is_some() || entry.public.is_some());
        let ed_keyed = entry.ed_key.is_some() && entry.ed_public.is_some();
        if !keyed && !ed_keyed {
            return Err(Incomplete);
        }
        Ok(Self {
            key: entry.key.unwrap_or_default(),
            secret: entry.secret.unwrap_or_default(),
            passphrase: entry.passphrase,
            public: entry.public,
            ed_key: entry.ed_key,
            ed_public: entry.ed_public,
            may_trade: entry.may_trade,
            may_withdraw: entry.may_withdraw,
        })
    }
}

impl Credentials {
    /// The documented key of an exchange that was given none: `demo-key-<adapter>` and
    /// `demo-secret-not-confidential-<adapter>`; at OKX `demo-passphrase-<adapter>` with it. It may trade and no more.
    ///
    /// At Coinbase the secret is the PEM of a fixed ES256 key that guards nothing, and `demo-ed-key-coinbase` is the
    /// Ed25519 key whose seed is the bytes 0 to 31.
    #[must_use]
    pub fn demo(adapter: &str) -> Self {
        let demo = Self {
            key: format!("demo-key-{adapter}"),
            secret: format!("demo-secret-not-confidential-{adapter}"),
            passphrase: None,
            public: None,
            ed_key: None,
            ed_public: None,
            may_trade: true,
            may_withdraw: false,
        };
        match adapter {
            "okx-swap" | "okx-spot" => {
                Self { passphrase: Some(format!("demo-passphrase-{adapter}")), ..demo }
            }
            "coinbase" => Self {
                secret: DEMO_EC_PRIVATE.to_owned(),
                public: Some(DEMO_EC_PUBLIC.to_owned()),
                ed_key: Some("demo-ed-key-coinbase".to_owned()),
                ed_public: Some(DEMO_ED_PUBLIC.to_owned()),
                ..demo
            },
            _ => demo,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

// Made for this simulator and public with it: whoever signs with it reaches a simulated exchange and nothing else.
const DEMO_EC_PRIVATE: &str = "-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIHj9nSnq6tvNQ2f5ugTnbGxLfZYfpU5UeJ69OO6XAfcNoAoGCCqGSM49
AwEHoUQDQgAE0t4/3iM7DbfpyWgTqW2is3GDkzJvqSk+mNtlf1690SkeE+KqCXvT
b7sJRkG2DSKOIvWbth+bpWT4J/syeAa1WQ==
-----END EC PRIVATE KEY-----
";

const DEMO_EC_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE0t4/3iM7DbfpyWgTqW2is3GDkzJv
qSk+mNtlf1690SkeE+KqCXvTb7sJRkG2DSKOIvWbth+bpWT4J/syeAa1WQ==
-----END PUBLIC KEY-----
";

const DEMO_ED_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=
-----END PUBLIC KEY-----
";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::Credentials;

    fn read(entry: serde_json::Value) -> Option<Credentials> {
        serde_json::from_value(entry).ok()
    }

    #[test]
    fn an_entry_needs_a_secret_or_a_named_public_key() {
        assert!(read(json!({ "key": "k", "secret": "s" })).is_some());
        assert!(read(json!({ "key": "k", "secret": "s", "passphrase": "p" })).is_some());
        assert!(read(json!({ "key": "k", "public": "pem" })).is_some());
        assert!(read(json!({ "ed_key": "k", "ed_public": "pem" })).is_some());
        for bad in [
            json!({}),
            json!({ "key": "k" }),
            json!({ "secret": "s" }),
            json!({ "public": "pem" }),
            json!({ "ed_key": "k" }),
        ] {
            assert_eq!(read(bad.clone()), None, "{bad}");
        }
    }

    #[test]
    fn a_key_may_trade_unless_its_entry_denies_it_and_withdraw_only_where_it_says_so() {
        let plain = read(json!({ "key": "k", "secret": "s" })).unwrap();
        let told = read(json!({ "key": "k", "secret": "s", "may_withdraw": true })).unwrap();
        assert_eq!([plain.may_withdraw, told.may_withdraw], [false, true]);
        let reads = read(json!({ "key": "k", "secret": "s", "may_trade": false })).unwrap();
        assert_eq!([plain.may_trade, reads.may_trade], [true, false]);
    }

    #[test]
    fn nothing_of_a_key_shows_in_debug_output() {
        assert_eq!(format!("{:?}", Credentials::demo("coinbase")), "Credentials { .. }");
    }
}
