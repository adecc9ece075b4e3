//! What names a plan: a fingerprint for each leg, the batch key over them, and the digest of everything else.

use crate::decimal::Qty;
use crate::key::{BatchKey, FieldHasher, PayloadDigest};
use crate::order::OrderKind;
use crate::spec::{PolicySpec, Residual};

use super::check::{CheckedLeg, CheckedQuantity};
use super::document::{Leg, Plan, Quantity};

impl Plan {
    pub(super) fn fingerprints(&self, order: &[usize], sources: &[Option<usize>]) -> Vec<[u8; 32]> {
        let mut fingerprints = vec![[0; 32]; self.legs.len()];
        for index in order {
            let source = sources[*index].map(|source| fingerprints[source]);
            fingerprints[*index] = fingerprint(&self.legs[*index], source);
        }
        fingerprints
    }

    pub(super) fn key<'a>(&self, fingerprints: impl Iterator<Item = &'a [u8; 32]>) -> BatchKey {
        let mut hasher = FieldHasher::new("equipoise.batch-key.1");
        hasher.field(self.strategy.as_str().as_bytes());
        hasher.field(self.occasion.as_str().as_bytes());
        hasher.number(self.legs.len() as u64);
        for fingerprint in fingerprints {
            hasher.field(fingerprint);
        }
        let mut key = [0; 16];
        key.copy_from_slice(&hasher.finish()[..16]);
        BatchKey(key)
    }
}

fn fingerprint(leg: &Leg, source: Option<[u8; 32]>) -> [u8; 32] {
    let mut hasher = FieldHasher::new("equipoise.leg.1");
    hasher.field(leg.venue.as_str().as_bytes());
    hasher.field(leg.instrument.as_str().as_bytes());
    hasher.field(leg.side.as_str().as_bytes());
    match leg.kind {
        OrderKind::Market => hasher.field(b"market"),
        OrderKind::Limit { price, time_in_force } => {
            hasher.field(b"limit");
            hasher.field(price.to_string().as_bytes());
            hasher.field(time_in_force.to_string().as_bytes());
        }
    }
    let (unit, quantity): (&[u8], &Qty) = match &leg.quantity {
        Quantity::Base(quantity) => (b"base", quantity),
        Quantity::Quote(quantity) => (b"quote", quantity),
        Quantity::Contracts(quantity) => (b"contracts", quantity),
        Quantity::Of { ratio, .. } => (b"of", ratio),
    };
    hasher.field(unit);
    hasher.field(quantity.to_string().as_bytes());
    hasher.field(source.as_ref().map_or(&[][..], |source| &source[..]));
    hasher.number(u64::from(leg.reduce_only));
    hasher.finish()
}

/// Covers leg names, dependencies and policy, in canonical leg order, so that the listing order does not matter.
pub(super) fn digest(key: BatchKey, legs: &[CheckedLeg], policy: &PolicySpec) -> PayloadDigest {
    let mut hasher = FieldHasher::new("equipoise.payload.1");
    hasher.field(&key.0);
    for leg in legs {
        hasher.field(leg.name.as_str().as_bytes());
        hasher.field(&leg.after);
        if let CheckedQuantity::Of { leg, .. } = leg.quantity {
            hasher.number(u64::from(leg));
        }
    }
    hasher.field(match policy.on_residual {
        Residual::Unwind => b"unwind",
        Residual::Park => b"park",
    });
    hasher.number(policy.leg_timeout_ms);
    hasher.number(u64::from(policy.unwind_slippage_bps));
    hasher.number(u64::from(policy.unwind_attempts));
    hasher.number(policy.unwind_ms_max);
    let loss = policy.unwind_loss_max.map(|loss| loss.to_string());
    hasher.field(loss.as_deref().unwrap_or("").as_bytes());
    PayloadDigest(hasher.finish())
}
