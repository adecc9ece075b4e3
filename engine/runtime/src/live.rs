//! The batches that are not over, found by key, by occasion and by instrument without a look at all of them.
//!
//! A batch takes its place when it is submitted and trades once it is admitted. Until then it is no reason to distrust a
//! position, for it may be refused; but it may have read that position itself already, so it learns of all who trade.

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
    /// Those that trade.
    trading: BTreeSet<BatchKey>,
}

/// Who trades one instrument, or is about to.
#[derive(Default)]
struct Traders {
    count: usize,
    /// The first, until another one trades too; every later one knows from its beginning.
    alone: Option<Arc<BatchCell>>,
    /// Those being admitted since nobody traded, until somebody does; who comes later knows from its beginning.
    admitting: Cells,
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

    /// Adds a batch and lets it know of those that trade.
    pub(crate) fn enter(&mut self, cell: &Arc<BatchCell>) {
        for traded in &cell.traded {
            let traders = self.traders.entry(traded.clone()).or_default();
            if traders.count == 0 {
                traders.admitting.insert(cell.key, cell.clone());
            } else {
                cell.contend(&BTreeSet::from([traded.clone()]));
            }
        }
        if let Some(plan) = &cell.plan {
            let occasion = (plan.strategy.clone(), plan.occasion.clone());
            self.occasions.entry(occasion).or_default().push(cell.clone());
        }
        self.cells.insert(cell.key, cell.clone());
    }

    /// A batch that is in may send orders from here on: it and its neighbours know of each other.
    pub(crate) fn trade(&mut self, cell: &Arc<BatchCell>) {
        if !self.cells.contains_key(&cell.key) || !self.trading.insert(cell.key) {
            return;
        }
        for traded in &cell.traded {
            let this = BTreeSet::from([traded.clone()]);
            let traders = self.traders.entry(traded.clone()).or_default();
            traders.admitting.remove(&cell.key);
            // Its orders may fill, and it may end, before those are admitted that have read the position already.
            for other in std::mem::take(&mut traders.admitting).values() {
                other.contend(&this);
            }
            traders.count += 1;
            if traders.count == 1 {
                traders.alone = Some(cell.clone());
                continue;
            }
            if let Some(first) = traders.alone.take() {
                first.contend(&this);
            }
            cell.contend(&this);
        }
    }

    /// Takes a batch out, if it is in.
    pub(crate) fn leave(&mut self, cell: &BatchCell) {
        if self.cells.remove(&cell.key).is_none() {
            return;
        }
        let traded_here = self.trading.remove(&cell.key);
        for traded in &cell.traded {
            let Some(traders) = self.traders.get_mut(traded) else { continue };
            traders.admitting.remove(&cell.key);
            if traded_here {
                traders.count -= 1;
                traders.alone.take_if(|alone| alone.key == cell.key);
            }
            if traders.count == 0 && traders.admitting.is_empty() {
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use equipoise_core::{Leg, OnResidual, Plan, Policy, Quantity, Side};

    use super::*;

    fn cell(occasion: &str) -> Arc<BatchCell> {
        let quantity = Quantity::Base("0.1".parse().unwrap());
        let [leg, venue, symbol] = ["long", "binance", "BTCUSDT"];
        let (leg, venue) = (leg.parse().unwrap(), venue.parse().unwrap());
        let plan = Plan {
            strategy: "funding-arb".parse().unwrap(),
            occasion: occasion.parse().unwrap(),
            legs: vec![Leg::market(leg, venue, symbol.parse().unwrap(), Side::Buy, quantity)],
            policy: Policy::new(OnResidual::Unwind, 10_000),
        };
        BatchCell::admitting(Arc::new(plan.check().unwrap()))
    }

    fn cells<const N: usize>(live: &mut Live) -> [Arc<BatchCell>; N] {
        let cells = std::array::from_fn(|index| cell(&format!("o-{index}")));
        cells.iter().for_each(|cell| live.enter(cell));
        cells
    }

    fn contended<const N: usize>(cells: [&Arc<BatchCell>; N]) -> [bool; N] {
        cells.map(|cell| cell.is_wholly_contended())
    }

    #[test]
    fn a_batch_that_is_refused_leaves_no_trace_on_those_that_trade() {
        let mut live = Live::default();
        let [first] = cells(&mut live);
        live.trade(&first);
        let newcomer = cell("refused");
        live.enter(&newcomer);
        assert_eq!(contended([&first, &newcomer]), [false, true]);
        live.leave(&newcomer);
        assert_eq!(contended([&first]), [false]);
        let admitted = cell("admitted");
        live.enter(&admitted);
        live.trade(&admitted);
        assert_eq!(contended([&first, &admitted]), [true, true]);
    }

    #[test]
    fn who_is_being_admitted_learns_of_a_batch_that_traded_and_ended_meanwhile() {
        let mut live = Live::default();
        let [quick, slow] = cells(&mut live);
        assert_eq!(contended([&quick, &slow]), [false, false]);
        live.trade(&quick);
        live.leave(&quick);
        assert_eq!(contended([&quick, &slow]), [false, true]);
        live.trade(&slow);
        live.leave(&slow);
        let later = cell("later");
        live.enter(&later);
        live.trade(&later);
        assert_eq!(contended([&later]), [false]);
        assert_eq!((live.traders.len(), live.trading.len()), (1, 1));
        live.leave(&later);
        assert_eq!((live.traders.len(), live.trading.len()), (0, 0));
    }

    #[test]
    fn of_many_that_trade_each_knows_and_the_last_one_left_goes_on_knowing() {
        let mut live = Live::default();
        let [a, b, c] = cells(&mut live);
        for cell in [&a, &b, &c] {
            live.trade(cell);
        }
        assert_eq!(contended([&a, &b, &c]), [true; 3]);
        live.leave(&a);
        live.leave(&b);
        let [refused] = cells(&mut live);
        live.leave(&refused);
        assert_eq!(contended([&c]), [true]);
    }
}
