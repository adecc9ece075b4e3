//! One journal as the specification describes it: ordered, durable when an append returns, and open to one owner only.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use equipoise_core::{OrderRequest, OrderTag, Record, Saga};

use crate::claims::Violation;
use crate::owner::Kept;

/// The synced records of one batch and who may add to them.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    records: Arc<Vec<Record>>,
    /// What they lead to. States are told apart by this and not by the order in which independent facts came.
    replayed: Option<Kept>,
    ended: bool,
    /// Owner epoch; only its owner appends (R3).
    pub(crate) epoch: u8,
}

/// Why an append did not take place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotAppended {
    /// Another owner or another sequence.
    Fenced,
    /// The records do not fit the ones before.
    Unfit(Violation),
}

impl Journal {
    pub(crate) fn empty() -> Self {
        Self { records: Arc::new(Vec::new()), replayed: None, ended: false, epoch: 1 }
    }

    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// The batch as these records have it.
    pub(crate) const fn replayed(&self) -> Option<&Kept> {
        self.replayed.as_ref()
    }

    /// Owner and sequence are judged in the same transaction that adds the records.
    pub(crate) fn append(
        &mut self,
        epoch: u8,
        expected: usize,
        records: Vec<Record>,
    ) -> Result<(), NotAppended> {
        if epoch != self.epoch || expected != self.records.len() {
            return Err(NotAppended::Fenced);
        }
        if records.is_empty() {
            return Ok(());
        }
        let unfit = |what: String| {
            let claim = "every record fits the state it was decided in";
            NotAppended::Unfit(Violation { claim, what })
        };
        let all = Arc::make_mut(&mut self.records);
        let first = all.len();
        all.extend(records);
        let saga = match &self.replayed {
            None => Saga::replay(all).map_err(|error| unfit(error.to_string()))?,
            Some(known) => {
                let mut saga = (**known).clone();
                for record in &all[first..] {
                    saga.apply(record).map_err(|error| unfit(error.to_string()))?;
                }
                saga
            }
        };
        self.ended |= saga.ended().is_some();
        self.replayed = Some(Kept::new(saga));
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
        self.replayed.hash(state);
        self.epoch.hash(state);
    }
}
