//! Everything a seed decides before anything runs.

use equipoise_core::{Plan, Positions};
use equipoise_sim::{
    BINANCE_USDM, BYBIT_LINEAR, Depth, Effect, Fault, Loss, Occurrence, Operation,
};
use fastrand::Rng;
use rust_decimal::Decimal;

use crate::fault::{self, Outage, Weather};
use crate::kill::{self, Kill};
use crate::plans;

/// World time at which every seed begins: 2026-11-22T08:00:00Z.
pub(crate) const START_MS: u64 = 1_795_334_400_000;
/// Adapters by exchange number.
pub(crate) const ADAPTERS: [&str; 2] = [BINANCE_USDM, BYBIT_LINEAR];
/// Marks of both instruments at the first exchange.
pub(crate) const MARKS: [(&str, i64); 2] = [("BTCUSDT", 65_000), ("ETHUSDT", 3_200)];

/// One seed's world.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The seed.
    pub seed: u64,
    /// Nothing at all goes wrong.
    pub(crate) calm: bool,
    pub(crate) plans: Vec<Planned>,
    pub(crate) positions: Positions,
    pub(crate) hedge_mode: bool,
    pub(crate) depth: Depth,
    pub(crate) doubt_grace_ms: u64,
    /// Venue clock minus world clock, by exchange.
    pub(crate) offsets_ms: [i64; 2],
    /// Wall clock error of the first start.
    pub(crate) skew_ms: i64,
    pub(crate) weather: Weather,
    pub(crate) faults: Vec<Fault>,
    pub(crate) outages: [Vec<Outage>; 2],
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
    /// Draws the world of a seed.
    #[must_use]
    pub fn draw(seed: u64) -> Self {
        let rng = &mut Rng::with_seed(seed ^ 0x9e37_79b9_7f4a_7c15);
        let calm = rng.u8(..100) < 10;
        let heal_ms = START_MS + rng.u64(15_000..=45_000);
        let plans = draw_plans(rng, seed);
        let mut scenario = Self {
            seed,
            calm,
            plans,
            positions: Positions::Exclusive,
            hedge_mode: rng.u8(..100) < 15,
            depth: Depth::Deep,
            doubt_grace_ms: rng.u64(5_000..=30_000),
            offsets_ms: [0; 2].map(|_| if rng.bool() { 0 } else { rng.i64(-4_000..=4_000) }),
            skew_ms: rng.i64(-2_000..=2_000),
            weather: Weather::default(),
            faults: Vec::new(),
            outages: [Vec::new(), Vec::new()],
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

    /// A calm world but for this: every request arrives twice, and the first order at the second exchange is refused
    /// for its stamp, so that the second copy of it may be accepted.
    #[must_use]
    pub fn refused_then_doubled(seed: u64) -> Self {
        let effect = Effect::Refuse {
            status: 200,
            code: 10_002,
            message: "invalid request, please check your server timestamp".to_owned(),
        };
        let mut fault = Fault::on(Operation::Place, Occurrence::Nth(1), effect);
        fault.adapter = Some(BYBIT_LINEAR);
        let scenario = Self::draw(seed);
        Self {
            calm: false,
            weather: Weather { double: 1_000, ..Weather::default() },
            faults: vec![fault],
            outages: [Vec::new(), Vec::new()],
            kills: Vec::new(),
            moves: Vec::new(),
            foreign: Vec::new(),
            heal_ms: START_MS + 15_000,
            ..scenario
        }
    }

    fn spoil(&mut self, rng: &mut Rng) {
        if rng.u8(..100) < 25 {
            self.positions = Positions::Shared;
        }
        if rng.u8(..100) < 15 {
            // Whole lots of every instrument.
            let quantity = Decimal::new(rng.i64(1..=8), 2);
            self.depth = Depth::Thin { levels: rng.u32(2..=6), quantity };
        }
        if rng.u8(..100) < 70 {
            self.weather = fault::weather(rng);
        }
        for (index, adapter) in ADAPTERS.into_iter().enumerate() {
            if rng.u8(..100) < 70 {
                self.faults.extend(fault::draw(rng, adapter));
            }
            if rng.u8(..100) < 12 {
                self.outages[index].push(outage(rng));
            }
        }
        if rng.u8(..100) < 8 {
            self.sync_ms = rng.u64(500..=4_000);
        }
        self.kills = kill::draw(rng, START_MS);
        self.moves = moves(rng);
        if rng.u8(..100) < 8 {
            self.foreign.push(foreign(rng));
        }
    }
}

fn draw_plans(rng: &mut Rng, seed: u64) -> Vec<Planned> {
    let count = match rng.u8(..10) {
        0..6 => 1,
        6..9 => 2,
        _ => 3,
    };
    let planned = |index| {
        let submit_ms = START_MS + rng.u64(0..=4_000);
        let cancels = rng.u8(..100) < 10;
        Planned {
            plan: plans::draw(rng, &format!("seed-{seed}-{index}")),
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

fn moves(rng: &mut Rng) -> Vec<Move> {
    let count = if rng.bool() { 0 } else { rng.usize(1..=6) };
    let one = |_| {
        let (symbol, near) = MARKS[rng.usize(..2)];
        let bps = Decimal::from(10_000 + rng.i64(-150..=150));
        Move {
            at_ms: START_MS + rng.u64(0..=15_000),
            exchange: rng.usize(..2),
            symbol,
            mark: (Decimal::from(near) * bps / Decimal::from(10_000)).round_dp(1),
        }
    };
    (0..count).map(one).collect()
}

fn foreign(rng: &mut Rng) -> Foreign {
    let (symbol, _) = MARKS[rng.usize(..2)];
    Foreign {
        at_ms: START_MS + rng.u64(0..=12_000),
        exchange: rng.usize(..2),
        symbol,
        buys: rng.bool(),
        quantity: Decimal::new(rng.i64(1..=30), 2),
    }
}
