//! Everything a seed decides before anything runs.

use equipoise_core::{Plan, Positions};
use equipoise_sim::{BYBIT_LINEAR, Depth, Effect, Fault, Loss, Occurrence, Operation};
use fastrand::Rng;
use rust_decimal::Decimal;

use crate::fault::{self, Outage, Weather};
use crate::kill::{self, Kill};
use crate::places::{self, Base, Market, PLACES, Place};
use crate::plans;
use crate::secrets::KeyKind;

/// World time at which every seed begins: 2026-11-22T08:00:00Z.
pub(crate) const START_MS: u64 = 1_795_334_400_000;

/// One seed's world.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The seed.
    pub seed: u64,
    /// Nothing at all goes wrong.
    pub(crate) calm: bool,
    /// The accounts that are traded on, two or three; elsewhere each is known by its number.
    pub(crate) desks: Vec<Desk>,
    pub(crate) plans: Vec<Planned>,
    pub(crate) doubt_grace_ms: u64,
    /// Wall clock error of the first start.
    pub(crate) skew_ms: i64,
    pub(crate) weather: Weather,
    pub(crate) faults: Vec<Fault>,
    pub(crate) kills: Vec<Kill>,
    /// Longest time one sync takes; zero for a device that syncs at once.
    pub(crate) sync_ms: u64,
    /// A bug planted to see that it is noticed.
    #[cfg(planted)]
    pub(crate) plant: Option<crate::Plant>,
    pub(crate) moves: Vec<Move>,
    pub(crate) foreign: Vec<Foreign>,
    /// World time from which nothing goes wrong any more.
    pub(crate) heal_ms: u64,
}

/// One account at one exchange.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    pub(crate) place: &'static Place,
    pub(crate) key: KeyKind,
    pub(crate) positions: Positions,
    /// Long and short positions apart, where the exchange offers that.
    pub(crate) hedge_mode: bool,
    pub(crate) depth: Depth,
    /// The exchange's own token for paying fees with, where it has one.
    pub(crate) fee_token: Option<Decimal>,
    /// Venue clock minus world clock.
    pub(crate) offset_ms: i64,
    pub(crate) outages: Vec<Outage>,
}

/// A plan and what is done with it.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) plan: Plan,
    /// World time of its first submission.
    pub(crate) submit_ms: u64,
    /// World time at which it is cancelled, if it is.
    pub(crate) cancel_ms: Option<u64>,
}

/// A change of a mark price.
#[derive(Debug, Clone)]
pub(crate) struct Move {
    pub(crate) at_ms: u64,
    pub(crate) exchange: usize,
    pub(crate) symbol: &'static str,
    pub(crate) mark: Decimal,
}

/// A trade by somebody else on the same account.
#[derive(Debug, Clone)]
pub(crate) struct Foreign {
    pub(crate) at_ms: u64,
    pub(crate) exchange: usize,
    pub(crate) symbol: &'static str,
    pub(crate) buys: bool,
    pub(crate) quantity: Decimal,
}

impl Scenario {
    /// Draws the world of a seed, at venues of its choice.
    #[must_use]
    pub fn draw(seed: u64) -> Self {
        let rng = &mut rng_of(seed);
        let mut all: Vec<&'static Place> = PLACES.iter().collect();
        rng.shuffle(&mut all);
        all.truncate(if rng.u8(..100) < 30 { 3 } else { 2 });
        Self::draw_at_places(seed, rng, &all)
    }

    /// Draws the world of a seed at these venues.
    ///
    /// # Errors
    /// Names an adapter that is not known, or says that there are too few.
    pub fn draw_at(seed: u64, adapters: &[&str]) -> Result<Self, String> {
        let found = |adapter: &&str| {
            places::find(adapter).ok_or_else(|| format!("adapter '{adapter}' is not known"))
        };
        let places: Vec<&'static Place> = adapters.iter().map(found).collect::<Result<_, _>>()?;
        let repeated = |(index, place): (usize, &&Place)| {
            places[..index].iter().any(|earlier| earlier.adapter == place.adapter)
        };
        if places.len() < 2 || places.iter().enumerate().any(repeated) {
            return Err("two adapters or more, each once".to_owned());
        }
        Ok(Self::draw_at_places(seed, &mut rng_of(seed), &places))
    }

    fn draw_at_places(seed: u64, rng: &mut Rng, places: &[&'static Place]) -> Self {
        let calm = rng.u8(..100) < 10;
        let heal_ms = START_MS + rng.u64(15_000..=45_000);
        let mut scenario = Self {
            seed,
            calm,
            desks: places.iter().map(|place| Desk::draw(rng, place)).collect(),
            plans: draw_plans(rng, places, seed),
            doubt_grace_ms: rng.u64(5_000..=30_000),
            skew_ms: rng.i64(-2_000..=2_000),
            weather: Weather::default(),
            faults: Vec::new(),
            kills: Vec::new(),
            sync_ms: if rng.bool() { 0 } else { rng.u64(1..=20) },
            #[cfg(planted)]
            plant: None,
            moves: Vec::new(),
            foreign: Vec::new(),
            heal_ms: if calm { START_MS } else { heal_ms },
        };
        if !calm {
            scenario.spoil(rng);
        }
        scenario
    }

    /// A calm world but for this: every request arrives twice, and the first order at one exchange is refused for its
    /// stamp, so that the second copy of it may be accepted.
    #[must_use]
    pub fn refused_then_doubled(seed: u64) -> Self {
        let bybit = places::find(BYBIT_LINEAR).expect("one of the adapters");
        let other = &PLACES[usize::try_from(seed).unwrap_or_default() % PLACES.len()];
        let other = if other.adapter == bybit.adapter { &PLACES[0] } else { other };
        let (status, code, message) = bybit.refusals[1];
        let effect = Effect::Refuse { status, code, message: message.to_owned() };
        let mut fault = Fault::on(Operation::Place, Occurrence::Nth(1), effect);
        fault.adapter = Some(bybit.adapter);
        let scenario = Self::draw_at_places(seed, &mut rng_of(seed), &[other, bybit]);
        let calm = |desk: Desk| Desk { outages: Vec::new(), ..desk };
        Self {
            calm: false,
            desks: scenario.desks.into_iter().map(calm).collect(),
            weather: Weather { double: 1_000, ..Weather::default() },
            faults: vec![fault],
            kills: Vec::new(),
            moves: Vec::new(),
            foreign: Vec::new(),
            heal_ms: START_MS + 15_000,
            ..scenario
        }
    }

    fn spoil(&mut self, rng: &mut Rng) {
        if rng.u8(..100) < 70 {
            self.weather = fault::weather(rng);
        }
        for desk in &mut self.desks {
            desk.spoil(rng);
            if rng.u8(..100) < 70 {
                self.faults.extend(fault::draw(rng, desk.place));
            }
        }
        if rng.u8(..100) < 8 {
            self.sync_ms = rng.u64(500..=4_000);
        }
        self.kills = kill::draw(rng, START_MS);
        self.moves = moves(rng, &self.desks);
        if rng.u8(..100) < 8 {
            self.foreign.push(foreign(rng, &self.desks));
        }
    }
}

impl Desk {
    fn draw(rng: &mut Rng, place: &'static Place) -> Self {
        let token = match rng.u8(..10) {
            0..6 => None,
            6..9 => Some(Decimal::TEN),
            // So little that it runs out on the way.
            _ => Some(Decimal::new(rng.i64(1..=300), 5)),
        };
        Self {
            place,
            key: KeyKind::of(place.adapter, rng.bool()),
            positions: Positions::Exclusive,
            hedge_mode: rng.u8(..100) < 15,
            depth: Depth::Deep,
            fee_token: token,
            offset_ms: if rng.bool() { 0 } else { rng.i64(-4_000..=4_000) },
            outages: Vec::new(),
        }
    }

    fn spoil(&mut self, rng: &mut Rng) {
        if rng.u8(..100) < 25 {
            self.positions = Positions::Shared;
        }
        if rng.u8(..100) < 15 {
            let quantity = self.place.markets[0].units(Decimal::new(rng.i64(1..=8), 2));
            self.depth = Depth::Thin { levels: rng.u32(2..=6), quantity };
        }
        if rng.u8(..100) < 12 {
            self.outages.push(outage(rng));
        }
    }
}

fn rng_of(seed: u64) -> Rng {
    Rng::with_seed(seed ^ 0x9e37_79b9_7f4a_7c15)
}

fn draw_plans(rng: &mut Rng, places: &[&'static Place], seed: u64) -> Vec<Planned> {
    let count = match rng.u8(..10) {
        0..6 => 1,
        6..9 => 2,
        _ => 3,
    };
    let planned = |index| {
        let submit_ms = START_MS + rng.u64(0..=4_000);
        let cancels = rng.u8(..100) < 10;
        Planned {
            plan: plans::draw(rng, places, &format!("seed-{seed}-{index}")),
            submit_ms,
            cancel_ms: cancels.then(|| submit_ms + rng.u64(0..=6_000)),
        }
    };
    (0..count).map(planned).collect()
}

fn outage(rng: &mut Rng) -> Outage {
    let from_ms = START_MS + rng.u64(0..=12_000);
    let loss = if rng.bool() { Loss::Silence } else { Loss::Close };
    Outage { from_ms, until_ms: from_ms + rng.u64(500..=20_000), loss }
}

fn any_market(rng: &mut Rng, desks: &[Desk]) -> (usize, &'static Market) {
    let exchange = rng.usize(..desks.len());
    let markets = desks[exchange].place.markets;
    (exchange, &markets[rng.usize(..markets.len())])
}

fn moves(rng: &mut Rng, desks: &[Desk]) -> Vec<Move> {
    let count = if rng.bool() { 0 } else { rng.usize(1..=6) };
    let one = |_| {
        let (exchange, market) = any_market(rng, desks);
        let mark = market.near * (10_000 + rng.i64(-150..=150)) / 10_000;
        // Whole multiples of five fit every tick above ten thousand.
        let mark = if market.base == Base::Btc { mark - mark % 5 } else { mark };
        let at_ms = START_MS + rng.u64(0..=15_000);
        Move { at_ms, exchange, symbol: market.symbol, mark: mark.into() }
    };
    (0..count).map(one).collect()
}

fn foreign(rng: &mut Rng, desks: &[Desk]) -> Foreign {
    let (exchange, market) = any_market(rng, desks);
    Foreign {
        at_ms: START_MS + rng.u64(0..=12_000),
        exchange,
        symbol: market.symbol,
        buys: rng.bool(),
        quantity: market.units(Decimal::new(rng.i64(1..=30), 2)),
    }
}
