//! An account's API key and secret.
//!
//! The secret has no way out of this module except as a signature; neither half is ever printed (A5).

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Longest text of an exchange that is passed on, in characters.
const MESSAGE_CHARS_MAX: usize = 200;
/// What stands where a secret stood.
const REDACTED: &str = "[redacted]";

/// API key and secret of one account.
#[derive(Clone)]
pub struct Credentials {
    key: Box<str>,
    secret: Box<str>,
    // Keyed once: signing is on the way between a stamp and its request.
    signer: Hmac<Sha256>,
}

/// Why a text cannot be a key or a secret. The text itself is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("API {0} must be 1 to 512 printable ASCII characters without spaces")]
pub struct CredentialsError(&'static str);

impl Credentials {
    /// Takes a key and its secret as the exchange shows them.
    ///
    /// # Errors
    /// When one is empty, too long, or holds a character that cannot stand in a header.
    pub fn new(key: &str, secret: &str) -> Result<Self, CredentialsError> {
        check(key, "key")?;
        check(secret, "secret")?;
        let signer = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
            .map_err(|_| CredentialsError("secret"))?;
        Ok(Self { key: key.into(), secret: secret.into(), signer })
    }

    /// The key, for the header that carries it.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// HMAC-SHA256 of the parts joined without a separator, as lower-case hexadecimal digits.
    pub(crate) fn sign(&self, parts: &[&str]) -> String {
        let mut signer = self.signer.clone();
        for part in parts {
            signer.update(part.as_bytes());
        }
        hex::encode(signer.finalize().into_bytes())
    }

    /// An exchange's text as it may be shown: without key and secret, on one line, and short.
    pub(crate) fn scrub(&self, text: &str) -> String {
        // Before any cut: half a secret would no longer be recognised.
        let clean = text.replace(&*self.secret, REDACTED).replace(&*self.key, REDACTED);
        let line: String = clean
            .chars()
            .map(|character| if character.is_control() { ' ' } else { character })
            .take(MESSAGE_CHARS_MAX)
            .collect();
        line.trim().to_owned()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("key", &REDACTED).field("secret", &REDACTED).finish()
    }
}

fn check(text: &str, what: &'static str) -> Result<(), CredentialsError> {
    let printable = text.bytes().all(|byte| (b'!'..=b'~').contains(&byte));
    if printable && (1..=512).contains(&text.len()) { Ok(()) } else { Err(CredentialsError(what)) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn neither_key_nor_secret_is_ever_printed() {
        let credentials = Credentials::new("visible-key", "visible-secret").unwrap();
        let shown = format!("{credentials:?}");
        assert!(!shown.contains("visible"), "{shown}");
    }

    #[test]
    fn an_exchange_that_echoes_a_secret_is_quoted_without_it() {
        let credentials = Credentials::new("the-key", "the-secret").unwrap();
        assert_eq!(
            credentials.scrub("bad key the-key\nwith the-secret"),
            "bad key [redacted] with [redacted]"
        );
        assert_eq!(credentials.scrub(&"x".repeat(5_000)).len(), 200);
    }

    #[test]
    fn a_key_with_a_line_break_is_refused_without_being_shown() {
        let error = Credentials::new("key\r\nx: y", "secret").unwrap_err();
        assert_eq!(
            error.to_string(),
            "API key must be 1 to 512 printable ASCII characters without spaces"
        );
    }
}
