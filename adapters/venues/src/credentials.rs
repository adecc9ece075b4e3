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

/// Longest private key in PEM form, in bytes.
const PEM_BYTES_MAX: usize = 8_192;

/// API key and secret of one account.
#[derive(Clone)]
pub struct Credentials {
    key: Box<str>,
    secret: Box<str>,
    passphrase: Option<Box<str>>,
    // Keyed once: signing is on the way between a stamp and its request.
    signer: Hmac<Sha256>,
}

/// Why a text cannot be a key or a secret. The text itself is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("API {what} must be {form}")]
pub struct CredentialsError {
    what: &'static str,
    form: &'static str,
}

const PRINTABLE: &str = "1 to 512 printable ASCII characters without spaces";
const PEM: &str = "a private key in PEM form of at most 8192 bytes";

impl Credentials {
    /// Takes a key and its secret as the exchange shows them.
    ///
    /// # Errors
    /// When one is empty, too long, or holds a character that cannot stand in a header.
    pub fn new(key: &str, secret: &str) -> Result<Self, CredentialsError> {
        check(key, "key")?;
        check(secret, "secret")?;
        Self::keyed(key, secret)
    }

    /// Takes a key's name and its private key in PEM form, for exchanges whose signatures are asymmetric.
    ///
    /// # Errors
    /// When the name cannot stand in a header or the text is not PEM. Whether the exchange takes such a key is seen
    /// when its adapter is opened.
    pub fn pem(key: &str, pem: &str) -> Result<Self, CredentialsError> {
        check(key, "key")?;
        // In an environment variable line ends are often written out.
        let pem = pem.trim().replace("\\n", "\n");
        let plain =
            pem.bytes().all(|byte| (b' '..=b'~').contains(&byte) || b"\r\n".contains(&byte));
        let framed = pem.starts_with("-----BEGIN ") && pem.trim_end().ends_with("-----");
        if !plain || !framed || pem.len() > PEM_BYTES_MAX {
            return Err(CredentialsError { what: "secret", form: PEM });
        }
        Self::keyed(key, pem.trim())
    }

    /// Adds the passphrase, where an exchange gives one with its keys.
    ///
    /// # Errors
    /// When it is empty, too long, or holds a character that cannot stand in a header.
    pub fn with_passphrase(self, passphrase: &str) -> Result<Self, CredentialsError> {
        check(passphrase, "passphrase")?;
        Ok(Self { passphrase: Some(passphrase.into()), ..self })
    }

    fn keyed(key: &str, secret: &str) -> Result<Self, CredentialsError> {
        let signer = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
            .map_err(|_| CredentialsError { what: "secret", form: PRINTABLE })?;
        Ok(Self { key: key.into(), secret: secret.into(), passphrase: None, signer })
    }

    /// The key, for the header that carries it.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// The secret, for exchanges that ask for it or sign with it in another way.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// The passphrase, for the header that carries it.
    pub(crate) fn passphrase(&self) -> Option<&str> {
        self.passphrase.as_deref()
    }

    /// HMAC-SHA256 of the parts joined without a separator.
    pub(crate) fn mac(&self, parts: &[&str]) -> [u8; 32] {
        let mut signer = self.signer.clone();
        for part in parts {
            signer.update(part.as_bytes());
        }
        signer.finalize().into_bytes().into()
    }

    /// The same as lower-case hexadecimal digits.
    pub(crate) fn sign(&self, parts: &[&str]) -> String {
        hex::encode(self.mac(parts))
    }

    /// An exchange's text as it may be shown: without key and secret, on one line, and short.
    pub(crate) fn scrub(&self, text: &str) -> String {
        // Before any cut: half a secret would no longer be recognised.
        let secret = self.secret().lines().filter(|line| !line.starts_with("-----"));
        let hidden = secret.chain(self.passphrase()).chain([&*self.key]);
        let clean = hidden
            .filter(|part| !part.is_empty())
            .fold(text.to_owned(), |text, part| text.replace(part, REDACTED));
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
        f.debug_struct("Credentials")
            .field("key", &REDACTED)
            .field("secret", &REDACTED)
            .finish_non_exhaustive()
    }
}

fn check(text: &str, what: &'static str) -> Result<(), CredentialsError> {
    let printable = text.bytes().all(|byte| (b'!'..=b'~').contains(&byte));
    if printable && (1..=512).contains(&text.len()) {
        Ok(())
    } else {
        Err(CredentialsError { what, form: PRINTABLE })
    }
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
    fn passphrase_and_private_key_are_hidden_like_a_secret() {
        let pem = "-----BEGIN EC PRIVATE KEY-----\nvisibleline1\nvisibleline2\n-----END EC PRIVATE KEY-----\n";
        let credentials = Credentials::pem("orgs/1/keys/2", pem).unwrap();
        let credentials = credentials.with_passphrase("visible-phrase").unwrap();
        assert!(!format!("{credentials:?}").contains("visible"));
        assert_eq!(
            credentials.scrub("saw visibleline2 and visible-phrase"),
            "saw [redacted] and [redacted]"
        );
        assert_eq!(
            Credentials::pem("key", "visible").unwrap_err().to_string(),
            "API secret must be a private key in PEM form of at most 8192 bytes"
        );
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
