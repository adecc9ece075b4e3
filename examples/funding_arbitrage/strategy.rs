//! The strategy: pure, so it can be tested with a made-up market.

use equipoise::{
    Leg, LegName, Market, MarketView, Occasion, OnResidual, Plan, Policy, Quantity, Side, Strategy,
    StrategyName, Symbol, VenueName,
};

/// Holds the instrument long on the venue with the lower funding rate and short on the other.
pub struct FundingArbitrage {
    name: StrategyName,
    symbol: Symbol,
    venues: [VenueName; 2],
    quantity: Quantity,
}

impl FundingArbitrage {
    /// Trades this quantity of base units of one symbol between `binance` and `bybit`.
    pub fn new(symbol: &str, quantity: &str) -> Result<Self, Box<dyn std::error::Error>> {
        Ok(Self {
            name: StrategyName::new("funding-arb")?,
            symbol: Symbol::new(symbol)?,
            venues: [VenueName::new("binance")?, VenueName::new("bybit")?],
            quantity: Quantity::Base(quantity.parse()?),
        })
    }

    /// The markets it wants to see.
    pub fn watched(&self) -> Vec<(VenueName, Symbol)> {
        let watch = |venue: &VenueName| (venue.clone(), self.symbol.clone());
        self.venues.iter().map(watch).collect()
    }

    fn leg(&self, name: &str, side: Side, market: &Market) -> Option<Leg> {
        Some(Leg::market(
            LegName::new(name).ok()?,
            market.venue.clone(),
            market.instrument.symbol.clone(),
            side,
            self.quantity.clone(),
        ))
    }

    fn plan(&self, view: &MarketView) -> Option<Plan> {
        let [one, other] = &self.venues;
        let mut pair = [view.market(one, &self.symbol)?, view.market(other, &self.symbol)?];
        let rate = |market: &Market| market.funding.map(|funding| funding.rate);
        // Both books must be sound, or there is nothing to price by.
        pair[0].book.sound().and(pair[1].book.sound())?;
        pair.sort_by_key(|market| rate(market));
        let [cheap, dear] = pair;
        if rate(cheap)? == rate(dear)? {
            return None;
        }
        // The earlier of both funding times, in whole seconds: a restarted strategy derives the same occasion.
        let next = cheap.funding?.next_at.min(dear.funding?.next_at);
        let seconds = i64::try_from(next.0 / 1_000).ok()?;
        let occasion = jiff::Timestamp::from_second(seconds).ok()?.to_string();
        Some(Plan {
            strategy: self.name.clone(),
            occasion: Occasion::new(&occasion).ok()?,
            legs: vec![self.leg("long", Side::Buy, cheap)?, self.leg("short", Side::Sell, dear)?],
            policy: Policy::new(OnResidual::Unwind, 10_000),
        })
    }
}

impl Strategy for FundingArbitrage {
    fn name(&self) -> &StrategyName {
        &self.name
    }

    fn on_market(&mut self, view: &MarketView) -> Vec<Plan> {
        // One position at a time: what an earlier batch still holds earns the funding already.
        if view.holdings.is_empty() { self.plan(view).into_iter().collect() } else { Vec::new() }
    }
}
