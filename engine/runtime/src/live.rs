//! The batches that are not over, found by key, by occasion and by instrument without a look at all of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use equipoise_core::{BatchKey, CheckedPlan, Occasion, StrategyName, Symbol, VenueName};

use crate::batch::BatchCell;

/// One instrument at one venue.
pub(crate) type Traded = (VenueName, Symbol);

type Cells = BTreeMap<BatchKey, Arc<BatchCell>>;

/// Batches that are not over; also those that cannot go on here, for what they hold is not known.
#[derive(Default)]
pub(crate) struct Live {
    cells: Cells,
    /// Those submitted to this start, by what they are for.
    occasions: HashMap<(StrategyName, Occasion), Vec<Arc<BatchCell>>>,
    traders: HashMap<Traded, Traders>,
}

/// Who trades one instrument.
#[derive(Default)]
struct Traders {
    count: usize,
    /// The first, until another one knows of it; every later one knows from its beginning.
    alone: Option<Arc<BatchCell>>,
}

impl Live {
    pub(crate) fn get(&self, key: BatchKey) -> Option<&Arc<BatchCell>> {
        self.cells.get(&key)
    }

    /// In order of their keys.
    pub(crate) fn cells(&self) -> impl Iterator<Item = &Arc<BatchCell>> {
        self.cells.values()
    }

    /// Those submitted to this start for the occasion of a plan.
    pub(crate) fn of_occasion(&self, plan: &CheckedPlan) -> &[Arc<BatchCell>] {
        let occasion = (plan.strategy.clone(), plan.occasion.clone());
        self.occasions.get(&occasion).map_or(&[], Vec::as_slice)
    }

    /// Adds a batch and lets it and its neighbours know of each other.
    pub(crate) fn enter(&mut self, cell: &Arc<BatchCell>) {
        for traded in &cell.traded {
            let traders = self.traders.entry(traded.clone()).or_default();
            traders.count += 1;
            if traders.count == 1 {
                traders.alone = Some(cell.clone());
                continue;
            }
            if let Some(first) = traders.alone.take() {
                first.contend(&BTreeSet::from([traded.clone()]));
            }
            cell.contend(&BTreeSet::from([traded.clone()]));
        }
        if let Some(plan) = &cell.plan {
            let occasion = (plan.strategy.clone(), plan.occasion.clone());
            self.occasions.entry(occasion).or_default().push(cell.clone());
        }
        self.cells.insert(cell.key, cell.clone());
    }

    /// Takes a batch out, if it is in.
    pub(crate) fn leave(&mut self, cell: &BatchCell) {
        if self.cells.remove(&cell.key).is_none() {
            return;
        }
        for traded in &cell.traded {
            let Some(traders) = self.traders.get_mut(traded) else { continue };
            traders.count -= 1;
            if traders.count == 0 {
                self.traders.remove(traded);
            }
        }
        if let Some(plan) = &cell.plan {
            let occasion = (plan.strategy.clone(), plan.occasion.clone());
            if let Some(cells) = self.occasions.get_mut(&occasion) {
                cells.retain(|other| other.key != cell.key);
                if cells.is_empty() {
                    self.occasions.remove(&occasion);
                }
            }
        }
    }
}
