//! 128-bit fingerprints of states, the same on every machine and in every run.
//!
//! Two different states that share one would be taken for the same. At ten million states the chance of a single such
//! pair is below one in 10^24, if the lanes below are as good as independent.

use std::hash::{Hash, Hasher};

/// Two lanes of multiply and fold; neither depends on the other.
struct Lanes {
    one: u64,
    other: u64,
}

const ONE: u64 = 0x9e37_79b9_7f4a_7c15;
const OTHER: u64 = 0xd6e8_feb8_6659_fd93;

fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    let low = (product & u128::from(u64::MAX)) as u64;
    low ^ (product >> 64) as u64
}

impl Hasher for Lanes {
    fn write(&mut self, bytes: &[u8]) {
        self.write_u64(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn write_u64(&mut self, number: u64) {
        self.one = fold(self.one.rotate_left(17) ^ number ^ OTHER, ONE).wrapping_add(1);
        self.other = fold(self.other.rotate_left(29).wrapping_add(number) ^ ONE, OTHER) ^ number;
    }

    fn finish(&self) -> u64 {
        self.one
    }
}

/// The fingerprint of a value, after everything that `before` stands for.
pub(crate) fn fingerprint(before: u128, value: &impl Hash) -> u128 {
    let mut lanes = Lanes { one: ONE, other: OTHER };
    before.hash(&mut lanes);
    value.hash(&mut lanes);
    // Once more over both, so that the last word written reaches every bit.
    let (one, other) = (fold(lanes.one ^ OTHER, ONE), fold(lanes.other ^ ONE, OTHER));
    u128::from(one) << 64 | u128::from(other)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ninety_thousand_neighbouring_values_have_different_fingerprints_in_either_half() {
        let prints: Vec<u128> = (0..300_u32)
            .flat_map(|a| (0..300_u32).map(move |b| (a, b)))
            .map(|pair| fingerprint(0, &pair))
            .collect();
        let whole: BTreeSet<u128> = prints.iter().copied().collect();
        let upper: BTreeSet<u64> = prints.iter().map(|print| (print >> 64) as u64).collect();
        let lower: BTreeSet<u64> = prints.iter().map(|print| *print as u64).collect();
        assert_eq!((whole.len(), upper.len(), lower.len()), (90_000, 90_000, 90_000));
    }

    #[test]
    fn a_value_has_the_same_fingerprint_every_time() {
        assert_eq!(fingerprint(7, &"equipoise"), fingerprint(7, &"equipoise"));
        assert_ne!(fingerprint(7, &"equipoise"), fingerprint(8, &"equipoise"));
    }
}
