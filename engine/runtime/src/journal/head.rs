//! The head: how many values the journal ever took, and a running hash over all of them.
//!
//! The hash is a sum of one truncated SHA-256 per value. A sum does not depend on order, so one pass over the
//! store in key order proves both the head and any earlier state whose number is known, such as the anchor's.
//! It guards against loss and damage, not against someone who can write to the store.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use equipoise_port::JournalError;

use super::codec::{damaged, seal, shown, unseal};

/// A state of the journal. The default is the empty one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Head {
    /// Highest journal number: they begin at 1 and have no gaps.
    pub(super) number: u64,
    /// Sum over all values up to it.
    pub(super) hash: RunningHash,
}

/// Sum of the hashes of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct RunningHash(u128);

impl RunningHash {
    /// Adds one sealed value at its key.
    pub(super) fn add(&mut self, key: &[u8], value: &[u8]) {
        let hash = Sha256::new().chain_update(key).chain_update(value).finalize();
        let mut first = [0; 16];
        first.copy_from_slice(&hash[..16]);
        self.0 = self.0.wrapping_add(u128::from_be_bytes(first));
    }

    /// Adds all values that another sum is of.
    pub(super) const fn add_all(&mut self, other: Self) {
        self.0 = self.0.wrapping_add(other.0);
    }
}

impl Head {
    /// Appends the head, sealed for `key`, to `out`.
    pub(super) fn write(self, key: &[u8], out: &mut Vec<u8>) {
        let kind = key.first().copied().unwrap_or_default();
        seal(out, key, kind, false, self.number, &self.hash.0.to_be_bytes());
    }

    /// Reads a head sealed for `key`.
    pub(super) fn read(key: &[u8], value: &[u8]) -> Result<Self, JournalError> {
        let value = unseal(key, value)?;
        let hash = <[u8; 16]>::try_from(value.body)
            .map_err(|_| damaged(format_args!("head {} is unreadable", shown(key))))?;
        Ok(Self { number: value.number, hash: RunningHash(u128::from_be_bytes(hash)) })
    }
}
