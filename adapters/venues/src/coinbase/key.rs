//! The account's private key, in every form the exchange hands one out.
//!
//! A P-256 key comes as PEM, in the older form of its own (SEC1) or wrapped (PKCS#8); an Ed25519 key as PEM (PKCS#8) or
//! as base64 of its seed, with or without the public key behind it. What is wrong with a key is said without the key.
//!
//! Source: Coinbase Developer Platform, JWT Authentication; coinbase-advanced-py, jwt_generator, read 2026-11-22.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

use crate::answer::BadAnswer;

const UNREADABLE: &str = "its private key is not readable PEM";
const OTHER_CURVE: &str = "its private key is neither P-256 with its public part nor Ed25519";
const NO_SEED: &str = "its secret is neither PEM nor base64 of an Ed25519 seed of 32 bytes";

/// What comes before the key inside PKCS#8: the version, and the names of the kind of key and of its curve.
/// Source: RFC 5208, section 5; RFC 5480, section 2.1.1.
const P256_PREFIX: [u8; 24] = [
    0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
    0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
];

/// Signs what the exchange asks to have signed. Keyed once, and never printed (A5).
pub(crate) struct Signer {
    key: Key,
    random: SystemRandom,
}

enum Key {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    /// Reads a key.
    ///
    /// # Errors
    /// What is wrong with it, in words that hold nothing of it.
    pub(crate) fn new(secret: &str) -> Result<Self, &'static str> {
        let random = SystemRandom::new();
        let key = if secret.starts_with("-----BEGIN ") {
            from_pem(secret, &random)?
        } else {
            Key::Ed25519(from_seed(secret)?)
        };
        Ok(Self { key, random })
    }

    /// The algorithm's name in a token's header.
    pub(crate) const fn algorithm(&self) -> &'static str {
        match self.key {
            Key::P256(_) => "ES256",
            Key::Ed25519(_) => "EdDSA",
        }
    }

    /// The signature as tokens carry it: 64 bytes in either case, for P-256 both numbers one after the other.
    pub(crate) fn sign(&self, input: &[u8]) -> Result<Vec<u8>, BadAnswer> {
        let signature = match &self.key {
            Key::P256(key) => key
                .sign(&self.random, input)
                .map_err(|_| BadAnswer::new("the system has no randomness to sign with"))?,
            Key::Ed25519(key) => key.sign(input),
        };
        Ok(signature.as_ref().to_vec())
    }

    /// A number used once, as hexadecimal digits.
    pub(crate) fn nonce(&self) -> Result<String, BadAnswer> {
        let mut bytes = [0; 16];
        self.random
            .fill(&mut bytes)
            .map_err(|_| BadAnswer::new("the system has no randomness for a nonce"))?;
        Ok(hex::encode(bytes))
    }
}

fn from_pem(pem: &str, random: &SystemRandom) -> Result<Key, &'static str> {
    let p256 = |der: &[u8]| EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, random);
    match PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| UNREADABLE)? {
        PrivateKeyDer::Sec1(key) => {
            p256(&wrapped(key.secret_sec1_der())).map(Key::P256).map_err(|_| OTHER_CURVE)
        }
        PrivateKeyDer::Pkcs8(key) => {
            let der = key.secret_pkcs8_der();
            let ed25519 = || Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Key::Ed25519);
            p256(der).map(Key::P256).or_else(|_| ed25519()).map_err(|_| OTHER_CURVE)
        }
        _ => Err(OTHER_CURVE),
    }
}

fn from_seed(text: &str) -> Result<Ed25519KeyPair, &'static str> {
    let bytes = STANDARD.decode(text).map_err(|_| NO_SEED)?;
    match bytes.len() {
        32 => Ed25519KeyPair::from_seed_unchecked(&bytes).map_err(|_| NO_SEED),
        64 => {
            let (seed, public) = bytes.split_at(32);
            Ed25519KeyPair::from_seed_and_public_key(seed, public)
                .map_err(|_| "the halves of its Ed25519 key do not belong together")
        }
        _ => Err(NO_SEED),
    }
}

/// A SEC1 key inside PKCS#8. What is in it is checked when it is read back.
fn wrapped(sec1: &[u8]) -> Vec<u8> {
    let mut content = P256_PREFIX.to_vec();
    content.extend(der(0x04, sec1));
    der(0x30, &content)
}

/// One DER value with its tag and length.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant = length.iter().position(|byte| *byte != 0).unwrap_or(length.len() - 1);
    let significant = &length[significant..];
    let mut value = vec![tag];
    if content.len() >= 0x80 {
        // Never more than eight: it is the size of a number.
        value.push(0x80 | u8::try_from(significant.len()).unwrap_or_default());
    }
    value.extend_from_slice(significant);
    value.extend_from_slice(content);
    value
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, KeyPair as _, UnparsedPublicKey};

    use super::*;

    fn pem(label: &str, der: &[u8]) -> String {
        let text = STANDARD.encode(der);
        let lines: Vec<_> =
            text.as_bytes().chunks(64).map(|l| str::from_utf8(l).unwrap()).collect();
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
    }

    fn fresh_p256() -> Vec<u8> {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        pkcs8.unwrap().as_ref().to_vec()
    }

    fn verifies(signer: &Signer) -> bool {
        let signature = signer.sign(b"input").unwrap();
        assert_eq!(signature.len(), 64);
        match &signer.key {
            Key::P256(key) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key().as_ref())
                    .verify(b"input", &signature)
                    .is_ok()
            }
            Key::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key.public_key().as_ref())
                .verify(b"input", &signature)
                .is_ok(),
        }
    }

    #[test]
    fn a_p256_key_is_read_in_both_of_its_forms() {
        let pkcs8 = fresh_p256();
        // The key of its own is the last value inside the wrapping, 109 bytes long.
        let sec1 = &pkcs8[pkcs8.len() - 109..];
        assert_eq!(wrapped(sec1), pkcs8);
        for text in [pem("PRIVATE KEY", &pkcs8), pem("EC PRIVATE KEY", sec1)] {
            let signer = Signer::new(&text).unwrap();
            assert_eq!(signer.algorithm(), "ES256");
            assert!(verifies(&signer));
        }
    }

    #[test]
    fn an_ed25519_key_is_read_in_all_of_its_forms() {
        let random = SystemRandom::new();
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let seed: Vec<u8> = (0..32).collect();
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let both = [&seed, pair.public_key().as_ref()].concat();
        for text in
            [pem("PRIVATE KEY", pkcs8.as_ref()), STANDARD.encode(&seed), STANDARD.encode(&both)]
        {
            let signer = Signer::new(&text).unwrap();
            assert_eq!(signer.algorithm(), "EdDSA");
            assert!(verifies(&signer));
        }
    }

    #[test]
    fn a_key_that_cannot_be_used_is_refused_without_being_shown() {
        let pkcs8 = fresh_p256();
        let seed: Vec<u8> = (0..64).collect();
        for text in [
            String::new(),
            "visible-secret".to_owned(),
            STANDARD.encode(&seed[..31]),
            STANDARD.encode(&seed),
            pem("PRIVATE KEY", &pkcs8[..pkcs8.len() - 1]),
            pem("RSA PRIVATE KEY", &pkcs8),
            pem("PUBLIC KEY", &pkcs8),
            "-----BEGIN EC PRIVATE KEY-----\n-----END EC PRIVATE KEY-----".to_owned(),
            "-----BEGIN nonsense".to_owned(),
        ] {
            let why = Signer::new(&text).err().unwrap();
            assert!(!why.contains("visible"), "{why}");
        }
    }

    #[test]
    fn lengths_are_written_as_the_encoding_asks() {
        assert_eq!(der(4, &[]), [4, 0]);
        assert_eq!(der(4, &[7; 127])[..2], [4, 127]);
        assert_eq!(der(4, &[7; 128])[..3], [4, 0x81, 128]);
        assert_eq!(der(4, &[7; 256])[..4], [4, 0x82, 1, 0]);
    }

    #[test]
    fn no_nonce_comes_twice() {
        let seed: Vec<u8> = (0..32).collect();
        let signer = Signer::new(&STANDARD.encode(seed)).unwrap();
        let (first, second) = (signer.nonce().unwrap(), signer.nonce().unwrap());
        assert_eq!(first.len(), 32);
        assert_ne!(first, second);
    }
}
