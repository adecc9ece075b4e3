//! Feeds a strategy with markets and outcomes, and submits what it wants.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use equipoise_core::{
    BatchKey, BatchReport, BatchStatus, Holding, Market, MarketView, Plan, Saga, Strategy, Symbol,
    VenueName,
};
use futures::future::try_join_all;

use crate::engine::Engine;
use crate::error::{BatchError, CheckError, SubmitError};
use crate::guard::guarded_query;
use crate::handle::BatchHandle;

/// Plans one outcome may lead to, one after the other, before the chain is cut.
const FOLLOW_UPS_MAX: usize = 16;

/// Runs one strategy on an engine.
///
/// It finishes recovery first. From then on the host decides when to look: [`poll`](Self::poll) reads the markets and
/// submits, [`finish`](Self::finish) waits for a batch and tells the strategy.
pub struct StrategyRunner<S> {
    engine: Engine,
    strategy: S,
    watched: Vec<(VenueName, Symbol)>,
    /// This strategy's batches that hold something or are not over, by key.
    batches: BTreeMap<BatchKey, Tracked>,
}

/// One batch of the strategy.
enum Tracked {
    /// Under way, or over and not looked at since.
    Handle(BatchHandle),
    /// Over, and still holding something.
    Holding(Holding),
}

impl<S: Strategy> StrategyRunner<S> {
    /// Finishes recovery, learns what the strategy's earlier batches hold, tells it how those that had been cut off
    /// ended, as [`finish`](Self::finish) would have done, and is then ready to run.
    ///
    /// Reads every batch of the journal once. Cancel safe: the engine goes on.
    ///
    /// # Errors
    /// When an unfinished batch cannot be finished, the journal cannot be read, or a follow-up is refused.
    pub async fn start(
        engine: Engine,
        strategy: S,
        watched: Vec<(VenueName, Symbol)>,
    ) -> Result<Self, BatchError> {
        let recovered = engine.recover().await?;
        let mut runner = Self { engine, strategy, watched, batches: BTreeMap::new() };
        for key in runner.engine.batches().await? {
            if let Some(handle) = runner.engine.batch(key).await? {
                runner.track(handle);
            }
        }
        let name = runner.strategy.name().clone();
        for report in recovered.iter().filter(|report| report.strategy == name) {
            runner.follow(report).await?;
        }
        Ok(runner)
    }

    /// Reads all watched markets once, beside what the strategy's batches hold at this moment. Cancel safe.
    ///
    /// # Errors
    /// When a watched market cannot be read; nothing is submitted then.
    pub async fn view(&self) -> Result<MarketView, CheckError> {
        let reads = self.watched.iter().map(|(venue, symbol)| self.market(venue, symbol));
        let markets = try_join_all(reads).await?;
        let holdings = self.batches.values().filter_map(Tracked::holding);
        Ok(MarketView { now: self.engine.inner.clock.now(), markets, holdings: holdings.collect() })
    }

    /// One round: markets in, plans out, each submitted. Returns the batches it led to.
    ///
    /// If the future is dropped, or a plan is refused, the plans before it were submitted all the same; their batches
    /// go on and count as holdings.
    ///
    /// # Errors
    /// When a market cannot be read, or a plan is refused.
    pub async fn poll(&mut self) -> Result<Vec<BatchHandle>, SubmitError> {
        let view = self.view().await?;
        let plans = self.strategy.on_market(&view);
        let mut handles = Vec::with_capacity(plans.len());
        for plan in plans {
            handles.push(self.submit(&plan).await?);
        }
        Ok(handles)
    }

    /// Waits for a batch, tells the strategy, and submits and waits for what it wants next, in the order in which it
    /// wants it and at most sixteen plans long. Returns the account of the batch asked about.
    ///
    /// # Errors
    /// When a batch cannot go on in this process, or a follow-up is refused.
    pub async fn finish(&mut self, handle: &BatchHandle) -> Result<BatchReport, BatchError> {
        let report = self.conclude(handle.clone()).await?;
        self.follow(&report).await?;
        Ok(report)
    }

    /// Asks about parked batches again as [`Engine::review_parked`] does, and learns what the strategy's own hold since.
    /// Cancel safe as that is.
    ///
    /// # Errors
    /// As [`Engine::review_parked`].
    pub async fn review_parked(&mut self) -> Result<Vec<BatchReport>, BatchError> {
        let learned = self.engine.review_parked().await?;
        for report in &learned {
            if let Some(handle) = self.engine.batch(report.key).await? {
                self.track(handle);
            }
        }
        Ok(learned)
    }

    async fn follow(&mut self, outcome: &BatchReport) -> Result<(), BatchError> {
        let mut wanted = VecDeque::from(self.strategy.on_outcome(outcome));
        for _ in 0..FOLLOW_UPS_MAX {
            let Some(plan) = wanted.pop_front() else {
                return Ok(());
            };
            let handle = self.submit(&plan).await;
            let handle = handle.map_err(|error| BatchError::Submit(Box::new(error)))?;
            let report = self.conclude(handle).await?;
            wanted.extend(self.strategy.on_outcome(&report));
        }
        if !wanted.is_empty() {
            tracing::warn!(
                strategy = %self.strategy.name(),
                plans = wanted.len(),
                "one outcome led to too many plans, the rest is left out"
            );
        }
        Ok(())
    }

    /// The strategy.
    pub const fn strategy(&self) -> &S {
        &self.strategy
    }

    /// The engine it runs on.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    async fn submit(&mut self, plan: &Plan) -> Result<BatchHandle, SubmitError> {
        let handle = self.engine.submit(plan).await?;
        self.track(handle.clone());
        Ok(handle)
    }

    async fn conclude(&mut self, handle: BatchHandle) -> Result<BatchReport, BatchError> {
        let report = handle.wait().await?;
        self.track(handle);
        Ok(report)
    }

    /// Keeps what is needed of a batch to say what it holds, and nothing of one that holds nothing any more.
    fn track(&mut self, handle: BatchHandle) {
        let key = handle.key();
        let own = |saga: &Saga| saga.spec().strategy == *self.strategy.name();
        if handle.look(own) != Some(true) {
            return;
        }
        match handle.look(holding).flatten() {
            None => self.batches.remove(&key),
            Some(holding) if holding.status == BatchStatus::Running => {
                self.batches.insert(key, Tracked::Handle(handle))
            }
            Some(holding) => self.batches.insert(key, Tracked::Holding(holding)),
        };
    }

    async fn market(&self, venue: &VenueName, symbol: &Symbol) -> Result<Market, CheckError> {
        let inner = &self.engine.inner;
        let entry = inner.venues.get(venue);
        let entry =
            Arc::clone(entry.ok_or_else(|| CheckError::unready(venue, "it is not configured"))?);
        let reads = guarded_query(&*inner.clock, async {
            futures::try_join!(entry.venue.instrument(symbol), entry.venue.quote(symbol))
        });
        let failed = |error| CheckError::from_query(venue, Some(symbol), &error);
        let (instrument, quote) = reads.await.map_err(failed)?;
        Ok(Market {
            venue: venue.clone(),
            instrument,
            book: quote.book,
            mark: quote.mark,
            funding: quote.funding,
        })
    }
}

impl Tracked {
    /// What it holds now; `None` when it is over and holds nothing.
    fn holding(&self) -> Option<Holding> {
        match self {
            Self::Handle(handle) => handle.look(holding)?,
            Self::Holding(holding) => Some(holding.clone()),
        }
    }
}

/// What a batch holds or may still hold: a parked one with an unresolved order counts too.
fn holding(saga: &Saga) -> Option<Holding> {
    let spec = saga.spec();
    let legs = (0_u8..).zip(&spec.legs).filter_map(|(index, leg)| {
        let units = saga.holding(index);
        (!units.is_zero()).then(|| (leg.venue.clone(), leg.instrument.symbol.clone(), units))
    });
    let holding = Holding {
        key: saga.key(),
        occasion: spec.occasion.clone(),
        status: saga.status(),
        legs: legs.collect(),
    };
    let holds = !holding.legs.is_empty()
        || holding.status == BatchStatus::Running
        || saga.open_orders().next().is_some();
    holds.then_some(holding)
}
