//! Batch keys, payload digests and client order ids: derived from content, never random.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::name::ClientOrderId;
use crate::record::{OrderTag, Role};
use crate::venue::{IdAlphabet, VenueTraits};

/// Names a batch: the first 16 bytes of a SHA-256 over strategy, occasion and sorted legs. Shown as 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BatchKey(pub [u8; 16]);

/// Digest of everything of a plan that the key leaves out: leg names, dependencies, policy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PayloadDigest(pub [u8; 32]);

/// A text that is not 32 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a batch key has 32 hex digits")]
pub struct BatchKeyError;

impl fmt::Display for BatchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BatchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for PayloadDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for BatchKey {
    type Err = BatchKeyError;
    fn from_str(text: &str) -> Result<Self, BatchKeyError> {
        let mut bytes = [0; 16];
        // The digits are looked at one by one because the parser below would take a sign.
        if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(BatchKeyError);
        }
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = str::from_utf8(digits).map_err(|_| BatchKeyError)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| BatchKeyError)?;
        }
        Ok(Self(bytes))
    }
}

/// Hashes fields so that no two different lists of fields give the same bytes: each is preceded by its length.
pub(crate) struct FieldHasher(Sha256);

impl FieldHasher {
    /// `domain` names the encoding and its version.
    pub(crate) fn new(domain: &str) -> Self {
        let mut hasher = Self(Sha256::new());
        hasher.field(domain.as_bytes());
        hasher
    }

    pub(crate) fn field(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.field(&number.to_be_bytes());
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// Digits without the letters i, l, o and u: nothing to misread, and hardly a word that a filter could trip over.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The client order id of one attempt, in the venue's alphabet (R5): 31 characters, or 36 laid out as a UUID.
///
/// 26 digits of the batch key, two of the leg, one of the role and two of the attempt: all orders of a batch share a
/// prefix, and different attempts never share an id.
#[must_use]
pub fn client_order_id(key: BatchKey, tag: OrderTag, traits: &VenueTraits) -> ClientOrderId {
    let mut id = String::with_capacity(36);
    let mut number = u128::from_be_bytes(key.0);
    let mut digits = [0_u8; 26];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(number & 31) as usize];
        number >>= 5;
    }
    id.extend(digits.iter().map(|digit| char::from(*digit)));
    let mut push = |value: usize| id.push(char::from(DIGITS[value & 31]));
    push(usize::from(tag.leg) >> 5);
    push(usize::from(tag.leg));
    push(match tag.role {
        Role::Entry => 14,
        Role::Unwind => 27,
    });
    push(usize::from(tag.attempt) >> 5);
    push(usize::from(tag.attempt));
    let id = match traits.id_alphabet {
        IdAlphabet::Alphanumeric => id,
        IdAlphabet::Uuid => uuid_of(&id),
    };
    ClientOrderId::new(&id).expect("base 32 digits and hyphens are printable ASCII")
}

/// The attempt as a UUID-shaped text, for venues that ask for one.
fn uuid_of(id: &str) -> String {
    let mut hasher = FieldHasher::new("equipoise.client-order-id.1");
    hasher.field(id.as_bytes());
    let hash = hasher.finish();
    let mut text = String::with_capacity(36);
    for (index, byte) in hash.iter().take(16).enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let byte = match index {
            6 => (byte & 0x0f) | 0x80,
            8 => (byte & 0x3f) | 0x80,
            _ => *byte,
        };
        text.push(char::from(b"0123456789abcdef"[usize::from(byte >> 4)]));
        text.push(char::from(b"0123456789abcdef"[usize::from(byte & 15)]));
    }
    text
}

/// Attempts one id layout has room for.
pub(crate) const ATTEMPTS_MAX: u16 = 1023;
