//! What must hold at every venue before a plan is admitted: key, clock, rules, prices, size (D4).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use equipoise_core::{
    Amount, Asset, BatchKey, BatchSpec, CheckedLeg, CheckedPlan, Instrument, InstrumentKind,
    LegName, LegQuantity, LegSpec, OrderKind, PositionMode, Positions, Price, Qty, References,
    ResendClass, Side, SizedLeg, Symbol, VenueName, size_plan,
};
use equipoise_port::Quote;
use futures::future::try_join_all;

use crate::engine::Inner;
use crate::error::CheckError;
use crate::guard::guarded;
use crate::patience::patiently;
use crate::venues::VenueEntry;

/// A plan priced against its venues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanCheck {
    /// The key it would run under.
    pub key: BatchKey,
    /// Its legs in the plan's own order.
    pub legs: Vec<LegCheck>,
    /// Planned net delta per underlying after rounding, base units: what every leg is to bring, fees in the base asset
    /// taken off, where those that follow others count as if these fill as planned.
    pub net_delta: BTreeMap<Asset, Amount>,
    /// Longest time a leg can stay in doubt while its venue answers, orders that are sent again included, milliseconds.
    pub doubt_ms: u64,
    /// How much longer an unanswering venue is asked before the leg is parked, milliseconds.
    pub doubt_grace_ms: u64,
}

/// One leg of a priced plan. Quantities in venue units unless they say base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegCheck {
    /// Name in the plan.
    pub name: LegName,
    /// Venue as configured.
    pub venue: VenueName,
    /// The venue's symbol.
    pub instrument: Symbol,
    /// Buy or sell.
    pub side: Side,
    /// What would be ordered; of a leg that follows another, if that one fills as planned.
    pub quantity: Qty,
    /// The leg it follows, and the factor on what that one fills.
    pub follows: Option<(LegName, Qty)>,
    /// What a venue unit is called.
    pub unit: String,
    /// What the plan asked for, base units; of a leg that follows another, its share of what was asked for there.
    pub asked_base: Qty,
    /// What rounding takes off, base units.
    pub dust_base: Qty,
    /// Lot.
    pub lot: Qty,
    /// Reference price of the underlying in the instrument's quote asset.
    pub reference: Price,
    /// Price it would trade at or is limited to, if the book has that side.
    pub price: Option<Price>,
    /// Value at that price or the reference, quote.
    pub notional: Amount,
    /// Taker fee at that value, quote.
    pub fee: Amount,
    /// In what price, reference, value and fee are.
    pub quote: Asset,
    /// What may follow an unknown outcome.
    pub class: ResendClass,
    /// Request window, milliseconds.
    pub window_ms: u32,
    /// Margin after the deadline, milliseconds.
    pub margin_ms: u32,
    /// Longest time one order can stay in doubt while the venue answers, milliseconds.
    pub doubt_ms: u64,
    /// How the account books positions.
    pub position_mode: PositionMode,
    /// Whether anything else trades on the account.
    pub positions: Positions,
}

/// What one venue said about the plan's instruments there.
struct Surveyed {
    mode: PositionMode,
    markets: BTreeMap<Symbol, SurveyedMarket>,
}

struct SurveyedMarket {
    instrument: Instrument,
    quote: Quote,
    baseline: Option<Amount>,
}

struct Survey {
    venues: BTreeMap<VenueName, Surveyed>,
    references: References,
    sized: Vec<SizedLeg>,
}

impl Inner {
    /// The venue a leg names.
    ///
    /// # Errors
    /// When it is not configured.
    pub(crate) fn entry(
        &self,
        leg: &LegName,
        venue: &VenueName,
    ) -> Result<&Arc<VenueEntry>, CheckError> {
        self.venues.get(venue).ok_or_else(|| CheckError::UnknownVenue {
            leg: leg.clone(),
            venue: venue.clone(),
            configured: self.venues.keys().map(VenueName::as_str).collect::<Vec<_>>().join(", "),
        })
    }

    /// Sizes a plan and freezes everything it will be judged by.
    ///
    /// # Errors
    /// Whatever refuses it before admission.
    pub(crate) async fn size(&self, plan: &CheckedPlan) -> Result<BatchSpec, CheckError> {
        let survey = self.survey(plan).await?;
        let mut legs = Vec::with_capacity(plan.legs.len());
        for (leg, sized) in plan.legs.iter().zip(&survey.sized) {
            let entry = self.entry(&leg.name, &leg.venue)?;
            let (venue, market) = survey.of(leg)?;
            legs.push(LegSpec {
                name: leg.name.clone(),
                venue: leg.venue.clone(),
                instrument: market.instrument.clone(),
                side: leg.side,
                kind: leg.kind,
                quantity: sized.quantity.clone(),
                reduce_only: leg.reduce_only,
                after: leg.after.clone(),
                traits: entry.venue.traits().clone(),
                positions: entry.positions,
                position_mode: venue.mode,
                baseline: market.baseline,
                account: entry.account.clone(),
            });
        }
        Ok(BatchSpec {
            key: plan.key,
            digest: plan.digest,
            strategy: plan.strategy.clone(),
            occasion: plan.occasion.clone(),
            legs,
            listing: plan.listing.clone(),
            policy: plan.policy.clone(),
            references: survey.references,
            doubt_grace_ms: self.settings.doubt_grace_ms,
            admitted_at: self.clock.now(),
        })
    }

    /// Prices a plan for a person.
    ///
    /// # Errors
    /// Whatever would refuse it before admission.
    pub(crate) async fn price(&self, plan: &CheckedPlan) -> Result<PlanCheck, CheckError> {
        let survey = self.survey(plan).await?;
        let mut legs = Vec::with_capacity(plan.legs.len());
        let mut net_delta = BTreeMap::new();
        for (leg, sized) in plan.legs.iter().zip(&survey.sized) {
            let entry = self.entry(&leg.name, &leg.venue)?;
            let (venue, market) = survey.of(leg)?;
            let delta = net_delta.entry(market.instrument.base.clone()).or_insert(Amount::ZERO);
            *delta = *delta + leg.side.signed(sized.planned_base);
            let mut check = leg_check(leg, sized, entry, venue.mode, market, &survey.references);
            if let LegQuantity::Of { leg: source, ratio } = &sized.quantity {
                check.follows =
                    plan.legs.get(usize::from(*source)).map(|it| (it.name.clone(), *ratio));
            }
            legs.push(check);
        }
        let timeout_ms = plan.policy.leg_timeout_ms;
        let doubts = plan.legs.iter().filter_map(|leg| self.venues.get(&leg.venue));
        let doubts = doubts.map(|entry| entry.venue.traits().leg_doubt_ms(timeout_ms));
        let doubt_ms = doubts.max().unwrap_or(0);
        let listed = plan.listing.iter().map(|index| legs[usize::from(*index)].clone());
        Ok(PlanCheck {
            key: plan.key,
            legs: listed.collect(),
            net_delta,
            doubt_ms,
            doubt_grace_ms: self.settings.doubt_grace_ms,
        })
    }

    async fn survey(&self, plan: &CheckedPlan) -> Result<Survey, CheckError> {
        let mut symbols: BTreeMap<&VenueName, BTreeSet<&Symbol>> = BTreeMap::new();
        for leg in &plan.legs {
            self.entry(&leg.name, &leg.venue)?;
            symbols.entry(&leg.venue).or_default().insert(&leg.symbol);
        }
        let surveys = symbols.into_iter().filter_map(|(name, symbols)| {
            let entry = self.venues.get(name)?;
            Some(async move {
                let survey = || async {
                    let surveyed = guarded(&*self.clock, self.survey_venue(entry, &symbols)).await;
                    surveyed.unwrap_or_else(|lost| Err(CheckError::unready(name, lost.why())))
                };
                let surveyed = patiently(&*self.clock, survey).await?;
                Ok::<_, CheckError>((name.clone(), surveyed))
            })
        });
        let venues: BTreeMap<_, _> = try_join_all(surveys).await?.into_iter().collect();
        let survey = Survey { venues, references: References::default(), sized: Vec::new() };
        let (mut instruments, mut references) = (Vec::new(), References::default());
        for leg in &plan.legs {
            let (_, market) = survey.of(leg)?;
            // K7: one reference price per pair of assets, that of its first leg in canonical order.
            let instrument = &market.instrument;
            references.note(&instrument.base, &instrument.quote, market.quote.mark);
            instruments.push(instrument.clone());
        }
        let sized = size_plan(plan, &instruments, &references)?;
        Ok(Survey { references, sized, ..survey })
    }

    async fn survey_venue(
        &self,
        entry: &VenueEntry,
        symbols: &BTreeSet<&Symbol>,
    ) -> Result<Surveyed, CheckError> {
        let listed: Vec<Symbol> = symbols.iter().map(|symbol| (*symbol).clone()).collect();
        let failed = |error| CheckError::from_query(&entry.name, None, &error);
        let clock = async { entry.clock.fresh(&*entry.venue, &*self.clock).await.map_err(failed) };
        let recent = entry.standing.recent(&listed, self.clock.now());
        let account = async {
            match &recent {
                Some(account) => Ok(account.clone()),
                None => entry.venue.account(&listed).await.map_err(failed),
            }
        };
        let markets = try_join_all(listed.iter().map(|symbol| survey_market(entry, symbol)));
        let surveyed = futures::try_join!(clock, account, markets);
        let (_, mut account, markets) = surveyed.inspect_err(|_| entry.standing.forget())?;
        let read_anew = markets.iter().all(|market| market.baseline.is_some());
        if recent.is_some() && !read_anew {
            // Nothing signed was read beside it, so it proves nothing about the credentials.
            account = entry.venue.account(&listed).await.map_err(failed)?;
        }
        if recent.is_none() && read_anew && account.can_trade {
            entry.standing.note(&listed, &account, self.clock.now());
        }
        if !account.can_trade {
            let error = "the key is not allowed to trade".to_owned();
            return Err(CheckError::Credentials { venue: entry.name.clone(), error });
        }
        let markets = listed.iter().cloned().zip(markets).collect();
        Ok(Surveyed { mode: account.position_mode, markets })
    }
}

async fn survey_market(entry: &VenueEntry, symbol: &Symbol) -> Result<SurveyedMarket, CheckError> {
    let failed = |error| CheckError::from_query(&entry.name, Some(symbol), &error);
    // Adapters know their rules by heart, so the position is asked for at the same time as the quote.
    let instrument_and_baseline = async {
        let instrument = entry.venue.instrument(symbol).await?;
        let exclusive = entry.positions == Positions::Exclusive;
        let baseline = if exclusive && instrument.kind != InstrumentKind::Spot {
            Some(entry.venue.position(symbol).await?.net())
        } else {
            None
        };
        Ok((instrument, baseline))
    };
    let quote = entry.venue.quote(symbol);
    let ((instrument, baseline), quote) =
        futures::try_join!(instrument_and_baseline, quote).map_err(failed)?;
    Ok(SurveyedMarket { instrument, quote, baseline })
}

impl Survey {
    fn of(&self, leg: &CheckedLeg) -> Result<(&Surveyed, &SurveyedMarket), CheckError> {
        let venue = self.venues.get(&leg.venue);
        let market = venue.and_then(|venue| Some((venue, venue.markets.get(&leg.symbol)?)));
        let nothing = || format!("it said nothing about {}", leg.symbol);
        market.ok_or_else(|| CheckError::unready(&leg.venue, nothing()))
    }
}

fn leg_check(
    leg: &CheckedLeg,
    sized: &SizedLeg,
    entry: &VenueEntry,
    position_mode: PositionMode,
    market: &SurveyedMarket,
    references: &References,
) -> LegCheck {
    let instrument = &market.instrument;
    let traits = entry.venue.traits();
    let reference = references.of(instrument).unwrap_or(market.quote.mark);
    let touch = match leg.side {
        Side::Buy => market.quote.book.ask,
        Side::Sell => market.quote.book.bid,
    };
    let price = match leg.kind {
        OrderKind::Limit { price, .. } => Some(price),
        OrderKind::Market => touch.map(|(price, _)| price),
    };
    let notional = instrument.notional(sized.planned, price.unwrap_or(reference)).normalize();
    LegCheck {
        name: leg.name.clone(),
        venue: leg.venue.clone(),
        instrument: instrument.symbol.clone(),
        side: leg.side,
        quantity: sized.planned,
        follows: None,
        unit: instrument.unit(),
        asked_base: sized.asked_base,
        dust_base: sized.dust_base,
        lot: instrument.lot,
        reference,
        price,
        notional: Amount::from(notional),
        fee: Amount::from(
            notional.checked_mul(instrument.taker_fee.get()).unwrap_or_default().round_dp(8),
        ),
        quote: instrument.quote.clone(),
        class: traits.class,
        window_ms: traits.window_ms,
        margin_ms: traits.margin_ms,
        doubt_ms: traits.doubt_ms(),
        position_mode,
        positions: entry.positions,
    }
}
