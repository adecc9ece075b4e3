//! What a seed trades: exchanges, plans, and when each is submitted.

use std::collections::BTreeMap;

use equipoise_core::{
    Amount, Asset, BatchSpec, CheckedPlan, DeadlineCheck, IdAlphabet, Instrument, InstrumentKind,
    Leg, LegName, LegSpec, Occasion, OnResidual, OrderKind, Plan, Policy, PositionMode, Positions,
    Price, Qty, Quantity, References, ResendClass, Side, SizingError, StrategyName, Symbol,
    TimeInForce, UnixMillis, VenueName, VenueTraits, size_plan,
};
use fastrand::Rng;
use rust_decimal::Decimal;

use crate::env::{Env, Happening};
use crate::exchange::{Exchange, Market, SpotFee};
use crate::fault::{Fault, Faults};
use crate::scenario::Scenario;
use crate::units;
use crate::world::START;

/// Span in which batches are submitted, milliseconds.
const SUBMITTED_WITHIN_MS: u64 = 20_000;

/// One plan and what became of its submission.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) plan: CheckedPlan,
    at: u64,
    pub(crate) refused: bool,
    entered: bool,
    resumed: u32,
}

/// All plans.
#[derive(Debug)]
pub(crate) struct Workload {
    pub(crate) plans: Vec<Submission>,
    venues: BTreeMap<VenueName, usize>,
    doubt_grace_ms: u64,
}

impl Workload {
    /// Plans over the given exchanges.
    pub(crate) fn new(scenario: &Scenario, venues: &[Exchange]) -> Self {
        let mut rng = scenario.stream(2);
        let most = *rng.choice(&[1_u8, 2, 4, 8, 20][..]).unwrap_or(&1);
        let count = rng.u8(1..=most);
        let doubt_grace_ms = rng.u64(4_000..=25_000);
        let mut plans = Vec::new();
        for number in 0..count {
            // Its own stream, so that leaving a batch or legs out changes no other plan.
            let mut rng = scenario.stream(100 + u64::from(number));
            let at = START + rng.u64(0..=SUBMITTED_WITHIN_MS);
            let plan = (0..20).find_map(|_| draw_plan(&mut rng, number, scenario, venues));
            if let Some(plan) = plan {
                let off = scenario.batches_off.contains(&number);
                plans.push(Submission { plan, at, refused: off, entered: off, resumed: 0 });
            }
        }
        let names = venues.iter().map(|venue| (venue.name.clone(), venue.index));
        Self { plans, venues: names.collect(), doubt_grace_ms }
    }

    pub(crate) const fn doubt_grace_ms(&self) -> u64 {
        self.doubt_grace_ms
    }

    pub(crate) fn venue(&self, name: &VenueName) -> usize {
        *self.venues.get(name).expect("plans name venues of the simulation")
    }

    pub(crate) fn schedule(&self, env: &mut Env) {
        for (number, submission) in (0_u8..).zip(&self.plans) {
            if !submission.refused {
                env.queue.push(submission.at, Happening::Submit(number));
            }
        }
    }

    /// Batches that someone has submitted by now and still wants.
    pub(crate) fn submitted_by(&self, now: u64) -> Vec<u8> {
        let wanted = |(_, plan): &(u8, &Submission)| plan.at <= now && !plan.refused;
        (0_u8..).zip(&self.plans).filter(wanted).map(|(number, _)| number).collect()
    }

    /// A submission that did not come through is tried again a little later.
    pub(crate) fn submit_again(&self, env: &mut Env, batch: u8) {
        let at = env.now + env.rng.u64(300..=1_500);
        env.queue.push(at, Happening::Submit(batch));
    }

    pub(crate) fn refuse(&mut self, batch: u8) {
        self.plans[usize::from(batch)].refused = true;
    }

    pub(crate) fn note_entered(&mut self, batch: u8) {
        self.plans[usize::from(batch)].entered = true;
    }

    pub(crate) fn was_entered(&self, batch: u8) -> bool {
        self.plans[usize::from(batch)].entered
    }

    /// Counts a resumption; true from the second on.
    pub(crate) fn resumed_again(&mut self, batch: u8) -> bool {
        let plan = &mut self.plans[usize::from(batch)];
        plan.resumed += 1;
        plan.resumed > 1
    }

    /// Sizes a plan by what its venues show now; `None` while one of them cannot be asked.
    pub(crate) fn size(
        &self,
        batch: u8,
        now: u64,
        venues: &mut [Exchange],
    ) -> Result<Option<BatchSpec>, SizingError> {
        let plan = &self.plans[usize::from(batch)].plan;
        let (mut instruments, mut references) = (Vec::new(), References::default());
        for leg in &plan.legs {
            let venue = &venues[self.venue(&leg.venue)];
            if venue.out_until > now || venue.banned_until > now || venue.revoked_until > now {
                return Ok(None);
            }
            let market = &venue.markets[venue.market(&leg.symbol)];
            let instrument = &market.instrument;
            references.note(&instrument.base, &instrument.quote, units::price(market.mid));
            instruments.push(instrument.clone());
        }
        let sized = size_plan(plan, &instruments, &references)?;
        let mut legs = Vec::new();
        for ((leg, sized), instrument) in plan.legs.iter().zip(sized).zip(instruments) {
            let venue = &venues[self.venue(&leg.venue)];
            let market = &venue.markets[venue.market(&leg.symbol)];
            let exclusive = venue.positions == Positions::Exclusive;
            let readable = exclusive && instrument.kind != InstrumentKind::Spot;
            legs.push(LegSpec {
                name: leg.name.clone(),
                venue: leg.venue.clone(),
                instrument,
                side: leg.side,
                kind: leg.kind,
                quantity: sized.quantity,
                reduce_only: leg.reduce_only,
                after: leg.after.clone(),
                traits: venue.traits.clone(),
                positions: venue.positions,
                position_mode: venue.mode,
                baseline: readable.then(|| units::amount(market.net())),
                account: None,
            });
        }
        Ok(Some(BatchSpec {
            key: plan.key,
            digest: plan.digest,
            strategy: plan.strategy.clone(),
            occasion: plan.occasion.clone(),
            legs,
            listing: plan.listing.clone(),
            policy: plan.policy.clone(),
            references,
            doubt_grace_ms: self.doubt_grace_ms,
            admitted_at: UnixMillis(now),
        }))
    }
}

/// The exchanges of a seed.
pub(crate) fn draw_venues(scenario: &Scenario, faults: &mut Faults) -> Vec<Exchange> {
    let mut rng = scenario.stream(1);
    let count = rng.usize(1..=4);
    (0..count).map(|index| draw_venue(index, &mut rng, faults)).collect()
}

fn draw_venue(index: usize, rng: &mut Rng, faults: &mut Faults) -> Exchange {
    let (class, deadline_check) = match rng.u8(0..20) {
        0..=7 => (ResendClass::A, DeadlineCheck::Gateway),
        8..=12 => (ResendClass::B, DeadlineCheck::MatchingEngine),
        13..=16 => (ResendClass::B, DeadlineCheck::Gateway),
        _ => (ResendClass::C, DeadlineCheck::None),
    };
    let margin_ms = match deadline_check {
        DeadlineCheck::MatchingEngine => rng.u32(500..=2_000),
        _ => rng.u32(1_000..=6_000),
    };
    let (short_memory, short_lookup) = (rng.u64(8_000..=20_000), rng.u64(15_000..=40_000));
    let id_alphabet = if rng.u8(0..4) == 0 { IdAlphabet::Uuid } else { IdAlphabet::Alphanumeric };
    let traits = VenueTraits {
        class,
        deadline_check,
        window_ms: rng.u32(800..=3_000),
        margin_ms,
        id_horizon_ms: if faults.is_on(Fault::ShortMemory) { short_memory } else { 600_000 },
        lookup_window_ms: if faults.is_on(Fault::ShortLookup) { short_lookup } else { 86_400_000 },
        id_alphabet,
        id_len_max: if id_alphabet == IdAlphabet::Uuid { 36 } else { rng.u8(31..=36) },
        native_dead_man_switch: false,
        native_spreads: false,
    };
    for fault in [Fault::ShortMemory, Fault::ShortLookup] {
        faults.strikes_with(fault, 1_000);
    }
    let positions = if rng.u8(0..4) == 0 { Positions::Shared } else { Positions::Exclusive };
    let mode = if rng.u8(0..6) == 0 { PositionMode::Hedge } else { PositionMode::OneWay };
    let far = faults.strikes_with(Fault::ClockOffset, 1_000);
    let offset_ms = if far { rng.i64(-90_000..=90_000) } else { rng.i64(-300..=300) };
    let name = VenueName::new(&format!("venue{index}")).expect("it is a short ASCII text");
    let markets = draw_markets(rng);
    let mut venue = Exchange::new(index, name, traits, markets, positions, mode, offset_ms);
    venue.reads_may_be_stale = faults.is_on(Fault::StalePosition);
    venue.echoes_ids = rng.u8(0..3) == 0;
    venue.splits_answers = faults.is_on(Fault::SplitAnswer);
    faults.strikes_with(Fault::SplitAnswer, 1_000);
    venue.spot_fee = SpotFee::draw(faults);
    venue
}

fn draw_markets(rng: &mut Rng) -> Vec<Market> {
    let offered = [
        ("BTC", InstrumentKind::Linear, 10_u8),
        ("ETH", InstrumentKind::Linear, 6),
        ("BTC", InstrumentKind::Inverse, 5),
        ("BTC", InstrumentKind::Spot, 5),
        ("ETH", InstrumentKind::Inverse, 2),
        ("ETH/BTC", InstrumentKind::Spot, 2),
    ];
    let mut markets = Vec::new();
    for (base, kind, tenths) in offered {
        let linear = *rng.choice(&LINEAR[..]).unwrap_or(&LINEAR[0]);
        let notional_min = *rng.choice(&["5", "20", "100"][..]).unwrap_or(&"5");
        if rng.u8(0..10) < tenths {
            markets.push(market(base, kind, linear, notional_min));
        }
    }
    markets
}

/// Contracts of a linear instrument: lot and base units of one.
const LINEAR: [(&str, &str); 6] = [
    ("0.001", "1"),
    ("0.0001", "1"),
    ("0.01", "1"),
    ("1", "0.01"),
    ("0.1", "0.01"),
    ("1", "0.001"),
];

fn market(pair: &str, kind: InstrumentKind, linear: (&str, &str), notional_min: &str) -> Market {
    let (base, in_bitcoin) = pair.split_once('/').map_or((pair, false), |(base, _)| (base, true));
    let (mid, tick) = match (base, in_bitcoin) {
        (_, true) => (units::ONE / 1_000 * 46, "0.00001"),
        ("BTC", _) => (units::ONE * 65_000, "0.1"),
        _ => (units::ONE * 3_000, "0.01"),
    };
    let notional_min = if in_bitcoin { "0.0001" } else { notional_min };
    let (suffix, (lot, size)) = match kind {
        InstrumentKind::Linear => ("USDT", linear),
        InstrumentKind::Spot if in_bitcoin => ("/BTC", ("0.0001", "1")),
        InstrumentKind::Spot => ("/USDT", ("0.00001", "1")),
        InstrumentKind::Inverse => ("USD", ("1", if base == "BTC" { "100" } else { "10" })),
    };
    let decimal = |text: &str| text.parse::<Qty>().expect("it is a plain decimal");
    let asset = |text: &str| Asset::new(text).expect("it is an asset name");
    let inverse = kind == InstrumentKind::Inverse;
    let instrument = Instrument {
        symbol: Symbol::new(&format!("{base}{suffix}")).expect("it is a symbol"),
        kind,
        base: asset(base),
        quote: asset(match (inverse, in_bitcoin) {
            (true, _) => "USD",
            (false, true) => "BTC",
            (false, false) => "USDT",
        }),
        settle: asset(match (inverse, in_bitcoin) {
            (true, _) => base,
            (false, true) => "BTC",
            (false, false) => "USDT",
        }),
        tick: tick.parse().expect("it is a plain decimal"),
        lot: decimal(lot),
        quantity_min: decimal(lot),
        quantity_max: decimal(if inverse { "1000000" } else { "1000" }),
        market_quantity_max: decimal(if inverse { "1000000" } else { "1000" }),
        notional_min: if inverse { Qty::ZERO } else { decimal(notional_min) },
        contract_size: decimal(size),
        taker_fee: Amount::from(Decimal::new(if kind == InstrumentKind::Spot { 10 } else { 5 }, 4)),
    };
    Market::new(instrument, mid)
}

/// One seed in this many trades sizes near its venues' smallest orders.
const SMALL_ONE_IN: u64 = 16;
/// Which of them.
const SMALL_AT: u64 = 5;

/// Mostly hedged pairs, some of them in sequence or following each other; sometimes an odd leg.
fn draw_plan(
    rng: &mut Rng,
    number: u8,
    scenario: &Scenario,
    venues: &[Exchange],
) -> Option<CheckedPlan> {
    let small = scenario.seed % SMALL_ONE_IN == SMALL_AT;
    let wanted = match rng.u8(0..10) {
        0 => 1,
        1..=6 => 2,
        7 => 3,
        8 => 4,
        _ => rng.u8(5..=8),
    };
    let mut legs: Vec<Leg> = Vec::new();
    while legs.len() < usize::from(wanted) {
        draw_pair(rng, &mut legs, venues, small)?;
    }
    legs.truncate(usize::from(wanted.min(scenario.legs_max)));
    let on_residual = if rng.u8(0..6) == 0 { OnResidual::Park } else { OnResidual::Unwind };
    let mut policy = Policy::new(on_residual, rng.u64(1_500..=15_000));
    policy.unwind_attempts = rng.u16(1..=8);
    policy.unwind_max_ms = rng.u64(5_000..=60_000);
    if rng.u8(0..5) == 0 {
        policy.unwind_loss_max = Qty::new(Decimal::from(rng.u32(1..=400))).ok();
    }
    let plan = Plan {
        strategy: StrategyName::new("simulated").expect("it is a name"),
        occasion: Occasion::new(&format!("occasion-{number}")).expect("it is a name"),
        legs,
        policy,
    };
    plan.check().ok()
}

fn draw_pair(rng: &mut Rng, legs: &mut Vec<Leg>, venues: &[Exchange], small: bool) -> Option<()> {
    let base = if rng.u8(0..4) == 0 { "ETH" } else { "BTC" };
    let mut places = Vec::new();
    for venue in venues {
        let fitting = venue.markets.iter().filter(|market| market.instrument.base.as_str() == base);
        places.extend(fitting.map(|market| (venue, market)));
    }
    let (one, other) = (*rng.choice(&places)?, *rng.choice(&places)?);
    let lots = match (base, small) {
        ("BTC", false) => (rng.i64(8..=200), 3),
        ("BTC", true) => (rng.i64(2..=4), 3),
        (_, false) => (rng.i64(20..=400), 2),
        (_, true) => (rng.i64(4..=8), 2),
    };
    let quantity = Qty::new(Decimal::new(lots.0, lots.1)).ok()?;
    let side = if rng.bool() { Side::Buy } else { Side::Sell };
    let first = draw_leg(rng, legs.len(), one, side, Quantity::Base(quantity))?;
    let chained = rng.u8(0..10);
    let follows = Quantity::Of { leg: first.name.clone(), ratio: Qty::new(Decimal::ONE).ok()? };
    let size = if chained < 3 { follows } else { Quantity::Base(quantity) };
    // Small sizes on one side: partial fills leave rests that no order can take and that add up.
    let opposite = if small { side } else { side.opposite() };
    let mut second = draw_leg(rng, legs.len() + 1, other, opposite, size)?;
    if chained < 5 {
        second = second.after([first.name.clone()]);
    }
    // Now and then a pair waits for an earlier one.
    let waits =
        (rng.u8(0..4) == 0).then(|| rng.choice(&*legs).map(|leg| leg.name.clone())).flatten();
    legs.push(if let Some(earlier) = waits { first.after([earlier]) } else { first });
    legs.push(second);
    Some(())
}

fn draw_leg(
    rng: &mut Rng,
    number: usize,
    (venue, market): (&Exchange, &Market),
    side: Side,
    quantity: Quantity,
) -> Option<Leg> {
    let name = LegName::new(&format!("leg{number}")).ok()?;
    let symbol = market.instrument.symbol.clone();
    let mut leg = Leg::market(name, venue.name.clone(), symbol, side, quantity);
    let per_mille: i64 = match side {
        Side::Buy => 1,
        Side::Sell => -1,
    };
    let limit = |offset: i64, time_in_force| {
        let price = units::price(market.mid + market.mid / 10_000 * offset * per_mille);
        let price: Price = price.round_down(market.instrument.tick);
        OrderKind::Limit { price, time_in_force }
    };
    let away = rng.i64(-20..=60);
    leg.kind = match rng.u8(0..20) {
        0..=11 => OrderKind::Market,
        12 | 13 => limit(away + 40, TimeInForce::Ioc),
        14 => limit(away + 40, TimeInForce::Fok),
        15..=17 => limit(away / 4, TimeInForce::Gtc),
        _ => limit(-3, TimeInForce::PostOnly),
    };
    leg.reduce_only = rng.u8(0..40) == 0;
    Some(leg)
}
