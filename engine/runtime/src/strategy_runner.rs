//! Feeds a strategy with markets and outcomes, and submits what it wants.

use std::collections::BTreeMap;
use std::sync::Arc;

use equipoise_core::{
    BatchKey, BatchReport, BatchStatus, Holding, Market, MarketView, Saga, Strategy, Symbol,
    VenueName,
};
use futures::future::try_join_all;

use crate::batch::BatchHandle;
use crate::engine::Engine;
use crate::error::{BatchError, CheckError, SubmitError};

/// Plans one outcome may lead to, one after the other, before the chain is cut.
const FOLLOW_UPS_MAX: usize = 16;

/// Runs one strategy on an engine.
pub struct StrategyRunner<S> {
    engine: Engine,
    strategy: S,
    watched: Vec<(VenueName, Symbol)>,
    /// What earlier batches of this strategy still hold, by key.
    holdings: BTreeMap<BatchKey, Holding>,
}

impl<S: Strategy> StrategyRunner<S> {
    /// Finishes recovery, learns what the strategy's earlier batches hold, and is then ready to run.
    ///
    /// # Errors
    /// When an unfinished batch cannot be finished, or the journal cannot be read.
    pub async fn start(
        engine: Engine,
        strategy: S,
        watched: Vec<(VenueName, Symbol)>,
    ) -> Result<Self, BatchError> {
        engine.recover().await?;
        let mut runner = Self {
            engine,
            strategy,
            watched,
            holdings: BTreeMap::new(),
        };
        for key in runner.engine.batches().await? {
            if let Some(saga) = runner.engine.inner.stored(key).await? {
                runner.keep_holding(&saga);
            }
        }
        Ok(runner)
    }

    /// Reads all watched markets once and lets the strategy look at them.
    ///
    /// # Errors
    /// When a watched market cannot be read; nothing is submitted then.
    pub async fn view(&self) -> Result<MarketView, CheckError> {
        let reads = self
            .watched
            .iter()
            .map(|(venue, symbol)| self.market(venue, symbol));
        let markets = try_join_all(reads).await?;
        Ok(MarketView {
            now: self.engine.inner.clock.now(),
            markets,
            holdings: self.holdings.values().cloned().collect(),
        })
    }

    /// One round: markets in, plans out, each submitted. Returns the batches it led to.
    ///
    /// # Errors
    /// When a market cannot be read, or a plan is refused; plans before it were submitted.
    pub async fn poll(&mut self) -> Result<Vec<BatchHandle>, SubmitError> {
        let view = self.view().await?;
        let plans = self.strategy.on_market(&view);
        let mut handles = Vec::with_capacity(plans.len());
        for plan in plans {
            handles.push(self.engine.submit(&plan).await?);
        }
        Ok(handles)
    }

    /// Waits for a batch, tells the strategy, and submits and waits for what it wants next.
    ///
    /// # Errors
    /// When a batch cannot go on in this process, or a follow-up is refused.
    pub async fn finish(&mut self, handle: &BatchHandle) -> Result<BatchReport, BatchError> {
        let first = self.conclude(handle).await?;
        let mut queue = self.strategy.on_outcome(&first);
        for _ in 0..FOLLOW_UPS_MAX {
            let Some(plan) = queue.pop() else { break };
            let handle = self.engine.submit(&plan).await;
            let handle = handle.map_err(|error| BatchError::Submit(Box::new(error)))?;
            let report = self.conclude(&handle).await?;
            queue.extend(self.strategy.on_outcome(&report));
        }
        Ok(first)
    }

    /// The strategy.
    pub const fn strategy(&self) -> &S {
        &self.strategy
    }

    /// The engine it runs on.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    async fn conclude(&mut self, handle: &BatchHandle) -> Result<BatchReport, BatchError> {
        let report = handle.wait().await?;
        if let Some(saga) = self.engine.inner.stored(report.key).await? {
            self.keep_holding(&saga);
        }
        Ok(report)
    }

    fn keep_holding(&mut self, saga: &Saga) {
        if saga.spec().strategy != *self.strategy.name() {
            return;
        }
        let holding = holding(saga);
        let holds = !holding.legs.is_empty() || holding.status == BatchStatus::Running;
        if holds {
            self.holdings.insert(saga.key(), holding);
        } else {
            self.holdings.remove(&saga.key());
        }
    }

    async fn market(&self, venue: &VenueName, symbol: &Symbol) -> Result<Market, CheckError> {
        let entry = self.engine.inner.venues.get(venue);
        let entry = Arc::clone(entry.ok_or_else(|| CheckError::Unready {
            venue: venue.clone(),
            error: "it is not configured".to_owned(),
        })?);
        let failed = |error| CheckError::from_query(venue, Some(symbol), &error);
        let reads = futures::try_join!(entry.venue.instrument(symbol), entry.venue.quote(symbol));
        let (instrument, quote) = reads.map_err(failed)?;
        Ok(Market {
            venue: venue.clone(),
            instrument,
            book: quote.book,
            mark: quote.mark,
            funding: quote.funding,
        })
    }
}

fn holding(saga: &Saga) -> Holding {
    let spec = saga.spec();
    let legs = (0_u8..).zip(&spec.legs).filter_map(|(index, leg)| {
        let units = saga.holding(index);
        (!units.is_zero()).then(|| (leg.venue.clone(), leg.instrument.symbol.clone(), units))
    });
    Holding {
        key: saga.key(),
        occasion: spec.occasion.clone(),
        status: saga.status(),
        legs: legs.collect(),
    }
}
