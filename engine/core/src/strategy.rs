//! Strategies: synchronous and pure, like the core. Markets and outcomes in, plans out.

use crate::BatchStatus;
use crate::decimal::{Amount, Price};
use crate::instrument::Instrument;
use crate::key::BatchKey;
use crate::name::{Occasion, StrategyName, Symbol, VenueName};
use crate::order::{BookTop, Funding};
use crate::plan::Plan;
use crate::report::BatchReport;
use crate::time::UnixMillis;

/// Decides what to trade. It owns no connection, starts no task and reads no clock.
pub trait Strategy: Send {
    /// Its name; every plan it returns carries it.
    fn name(&self) -> &StrategyName;

    /// Looks at the markets and returns the plans it wants now. Returning the same plan for the same occasion again
    /// is harmless: it is the same batch.
    fn on_market(&mut self, view: &MarketView) -> Vec<Plan>;

    /// Learns how one of its batches ended and returns the plans that follow from it.
    ///
    /// An outcome is told once: after a kill only those of batches that were cut off are told, and plans that were wanted
    /// and not submitted yet are forgotten. What must come whatever happens belongs into [`Self::on_market`], which sees
    /// what is held.
    fn on_outcome(&mut self, _outcome: &BatchReport) -> Vec<Plan> {
        Vec::new()
    }
}

/// What a strategy sees at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarketView {
    /// Engine time.
    pub now: UnixMillis,
    /// The markets watched.
    pub markets: Vec<Market>,
    /// What the strategy's earlier batches still hold, parked ones and running ones included.
    pub holdings: Vec<Holding>,
}

impl MarketView {
    /// The market of one instrument at one venue.
    #[must_use]
    pub fn market(&self, venue: &VenueName, symbol: &Symbol) -> Option<&Market> {
        self.markets
            .iter()
            .find(|market| market.venue == *venue && market.instrument.symbol == *symbol)
    }
}

/// One instrument at one venue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Market {
    /// Venue as configured.
    pub venue: VenueName,
    /// Its rules.
    pub instrument: Instrument,
    /// Best prices.
    pub book: BookTop,
    /// Mark price.
    pub mark: Price,
    /// Funding, where there is any.
    pub funding: Option<Funding>,
}

/// What one earlier batch still holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The batch.
    pub key: BatchKey,
    /// What it was for.
    pub occasion: Occasion,
    /// Where it stands.
    pub status: BatchStatus,
    /// Venue, instrument and signed venue units of each leg that holds something.
    pub legs: Vec<(VenueName, Symbol, Amount)>,
}
