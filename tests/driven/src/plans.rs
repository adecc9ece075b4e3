//! Random plans: one to four legs over the seed's venues and two underlyings, hedged more often than not.

use equipoise_core::{
    Leg, LegName, Occasion, OnResidual, OrderKind, Plan, Policy, Price, Qty, Quantity, Side,
    StrategyName, Symbol, TimeInForce, VenueName,
};
use fastrand::Rng;
use rust_decimal::Decimal;

use crate::places::{Base, Market, Place};

const NAMES: [&str; 4] = ["one", "two", "three", "four"];
/// Draws until a plan passes its own checks; most do at once.
const DRAWS_MAX: usize = 50;

/// A plan that passes every check that needs no venue.
pub(crate) fn draw(rng: &mut Rng, places: &[&'static Place], occasion: &str) -> Plan {
    for _ in 0..DRAWS_MAX {
        let plan = Plan {
            strategy: StrategyName::new("driven").expect("a valid name"),
            occasion: Occasion::new(occasion).expect("a valid occasion"),
            legs: legs(rng, places),
            policy: policy(rng),
        };
        if plan.check().is_ok() {
            return plan;
        }
    }
    unreachable!("plans of one leg always pass, and one in five is such a plan")
}

fn policy(rng: &mut Rng) -> Policy {
    let on_residual = if rng.u8(..100) < 85 { OnResidual::Unwind } else { OnResidual::Park };
    Policy {
        unwind_max_ms: rng.u64(10_000..=60_000),
        unwind_attempts: rng.u16(2..=8),
        unwind_slippage_bps: rng.u32(20..=150),
        ..Policy::new(on_residual, rng.u64(2_000..=10_000))
    }
}

/// A leg and where it trades.
#[derive(Clone)]
struct Drawn {
    leg: Leg,
    place: usize,
    market: &'static Market,
}

fn legs(rng: &mut Rng, places: &[&'static Place]) -> Vec<Leg> {
    let mut drawn = match rng.u8(..100) {
        0..20 => vec![alone(rng, places)],
        20..65 => pair(rng, places, 0).into(),
        65..82 => split(rng, places).into(),
        _ => [pair(rng, places, 0), pair(rng, places, 2)].concat(),
    };
    for one in &mut drawn {
        one.leg.kind = kind(rng, one);
    }
    drawn.into_iter().map(|one| one.leg).collect()
}

/// Nothing beside it, so that it may be sized in the venue's own units.
fn alone(rng: &mut Rng, places: &[&'static Place]) -> Drawn {
    let mut one = single(rng, places, 0);
    if rng.u8(..100) < 30 {
        let size = match one.market.base {
            Base::Btc => Decimal::new(rng.i64(1..=12), 2),
            Base::Eth => Decimal::new(rng.i64(1..=40), 1),
        };
        one.leg.quantity = Quantity::Contracts(qty(one.market.units(size)));
    }
    one
}

/// Opposite sides, the same size: at once, in sequence, or the second as large as the first fills.
fn pair(rng: &mut Rng, places: &[&'static Place], first: usize) -> [Drawn; 2] {
    let one = single(rng, places, first);
    let mut two = opposite(rng, places, &one, first + 1);
    match rng.u8(..100) {
        0..45 => {}
        45..70 => two.leg.after = vec![one.leg.name.clone()],
        _ => {
            two.leg.after = vec![one.leg.name.clone()];
            let ratio = "1".parse().expect("a plain number");
            two.leg.quantity = Quantity::Of { leg: one.leg.name.clone(), ratio };
        }
    }
    [one, two]
}

/// One leg hedged by two that share its size.
fn split(rng: &mut Rng, places: &[&'static Place]) -> [Drawn; 3] {
    let mut one = single(rng, places, 0);
    let lots = rng.i64(2..=20);
    let (size, part) = match one.market.base {
        Base::Btc => (Decimal::new(lots * 8, 3), Decimal::new(lots * 3, 3)),
        Base::Eth => (Decimal::new(lots * 8, 2), Decimal::new(lots * 3, 2)),
    };
    one.leg.quantity = base(size);
    let mut two = opposite(rng, places, &one, 1);
    let mut three = opposite(rng, places, &one, 2);
    two.leg.quantity = base(part);
    three.leg.quantity = base(size - part);
    if rng.bool() {
        let side = three.leg.side;
        let quantity = three.leg.quantity.clone();
        three = at(2, one.place, places[one.place], one.market, side, quantity);
        three.leg.after = vec![one.leg.name.clone()];
    }
    if rng.bool() {
        two.leg.after = vec![one.leg.name.clone()];
    }
    [one, two, three]
}

fn single(rng: &mut Rng, places: &[&'static Place], index: usize) -> Drawn {
    let underlying = if rng.u8(..100) < 65 { Base::Btc } else { Base::Eth };
    let quantity = match (rng.u8(..100), underlying) {
        (0..10, _) => Quantity::Quote(qty(Decimal::from(rng.i64(3..=60) * 100))),
        // Not a multiple of every lot, so that something is rounded away.
        (10..20, Base::Btc) => base(Decimal::new(rng.i64(40..=900), 4)),
        (10..20, Base::Eth) => base(Decimal::new(rng.i64(50..=3_000), 3)),
        (_, Base::Btc) => base(Decimal::new(rng.i64(4..=120), 3)),
        (_, Base::Eth) => base(Decimal::new(rng.i64(5..=400), 2)),
    };
    let side = if rng.bool() { Side::Buy } else { Side::Sell };
    let place = rng.usize(..places.len());
    let market = market(rng, places[place], underlying, None);
    at(index, place, places[place], market.expect("both underlyings everywhere"), side, quantity)
}

/// At another venue, or now and then another instrument of the same one.
fn opposite(rng: &mut Rng, places: &[&'static Place], of: &Drawn, index: usize) -> Drawn {
    let (side, quantity) = (of.leg.side.opposite(), of.leg.quantity.clone());
    let beside = market(rng, places[of.place], of.market.base, Some(of.market.symbol));
    if let Some(market) = beside.filter(|_| rng.u8(..100) < 15) {
        return at(index, of.place, places[of.place], market, side, quantity);
    }
    let there = (of.place + rng.usize(1..places.len())) % places.len();
    let market = market(rng, places[there], of.market.base, None);
    at(index, there, places[there], market.expect("both underlyings everywhere"), side, quantity)
}

fn market(
    rng: &mut Rng,
    place: &'static Place,
    underlying: Base,
    besides: Option<&str>,
) -> Option<&'static Market> {
    let of = |market: &&Market| market.base == underlying && Some(market.symbol) != besides;
    let markets: Vec<&'static Market> = place.markets.iter().filter(of).collect();
    if markets.is_empty() { None } else { Some(markets[rng.usize(..markets.len())]) }
}

fn at(
    index: usize,
    number: usize,
    place: &'static Place,
    market: &'static Market,
    side: Side,
    quantity: Quantity,
) -> Drawn {
    let name = LegName::new(NAMES[index]).expect("a valid name");
    let venue = VenueName::new(place.adapter).expect("a valid name");
    let symbol = Symbol::new(market.symbol).expect("a valid symbol");
    Drawn { leg: Leg::market(name, venue, symbol, side, quantity), place: number, market }
}

/// Market, or a limit that takes at once, or one that may rest.
fn kind(rng: &mut Rng, drawn: &Drawn) -> OrderKind {
    let (time_in_force, away_bps) = match rng.u8(..100) {
        0..66 => return OrderKind::Market,
        66..78 => (TimeInForce::Ioc, -50),
        78..82 => (TimeInForce::Fok, -50),
        82..90 => (TimeInForce::Gtc, -30),
        90..97 => (TimeInForce::Gtc, rng.i64(5..=100)),
        _ => (TimeInForce::PostOnly, rng.i64(5..=100)),
    };
    let off = match drawn.leg.side {
        Side::Buy => 10_000 - away_bps,
        Side::Sell => 10_000 + away_bps,
    };
    // Whole multiples of five fit every tick above ten thousand, whole quote units every tick below.
    let price = drawn.market.near * off / 10_000;
    let price = if drawn.market.base == Base::Btc { price - price % 5 } else { price };
    let price = Price::new(Decimal::from(price)).expect("a price above zero");
    OrderKind::Limit { price, time_in_force }
}

fn base(size: Decimal) -> Quantity {
    Quantity::Base(qty(size))
}

fn qty(value: Decimal) -> Qty {
    Qty::new(value).expect("a size above zero")
}
