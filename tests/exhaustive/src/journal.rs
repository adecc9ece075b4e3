//! One journal as the specification describes it: ordered, durable when an append returns, and open to one owner only.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use equipoise_core::{OrderRequest, OrderTag, Record};

use crate::fingerprint::fingerprint;

/// The synced records of one batch and who may add to them.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    records: Arc<Vec<Record>>,
    digest: u128,
    ended: bool,
    /// Owner epoch; only its owner appends (R3).
    pub(crate) epoch: u8,
}

/// Why an append was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fenced;

impl Journal {
    pub(crate) fn empty() -> Self {
        Self { records: Arc::new(Vec::new()), digest: 0, ended: false, epoch: 1 }
    }

    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// Owner and sequence are judged in the same transaction that adds the records.
    pub(crate) fn append(
        &mut self,
        epoch: u8,
        expected: usize,
        records: impl IntoIterator<Item = Record>,
    ) -> Result<(), Fenced> {
        if epoch != self.epoch || expected != self.records.len() {
            return Err(Fenced);
        }
        for record in records {
            self.ended |= matches!(record, Record::Ended { .. });
            self.digest = fingerprint(self.digest, &record);
            Arc::make_mut(&mut self.records).push(record);
        }
        Ok(())
    }

    pub(crate) const fn is_ended(&self) -> bool {
        self.ended
    }

    /// The exact order that may leave for an attempt, by its last intent or transmission (S3).
    pub(crate) fn allowed(&self, tag: OrderTag) -> Option<OrderRequest> {
        let mut allowed: Option<OrderRequest> = None;
        for record in self.records.iter() {
            match record {
                Record::Intent { tag: of, request, .. } if *of == tag => {
                    allowed = Some(request.clone());
                }
                Record::Transmission { tag: of, deadline, .. } if *of == tag => {
                    if let Some(request) = &mut allowed {
                        request.deadline = *deadline;
                    }
                }
                _ => {}
            }
        }
        allowed
    }
}

impl Hash for Journal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
        self.records.len().hash(state);
        self.epoch.hash(state);
    }
}
