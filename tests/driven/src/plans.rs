//! Random plans: one to four legs over two venues and two instruments, hedged more often than not.

use equipoise_core::{
    Leg, LegName, Occasion, OnResidual, OrderKind, Plan, Policy, Price, Qty, Quantity, Side,
    StrategyName, Symbol, TimeInForce, VenueName,
};
use fastrand::Rng;
use rust_decimal::Decimal;

/// Venue names as plans use them, by exchange number.
pub(crate) const VENUES: [&str; 2] = ["binance", "bybit"];
const SYMBOLS: [&str; 2] = ["BTCUSDT", "ETHUSDT"];
const NAMES: [&str; 4] = ["one", "two", "three", "four"];
/// Draws until a plan passes its own checks; most do at once.
const DRAWS_MAX: usize = 50;

/// A plan that passes every check that needs no venue.
pub(crate) fn draw(rng: &mut Rng, occasion: &str) -> Plan {
    for _ in 0..DRAWS_MAX {
        let plan = Plan {
            strategy: StrategyName::new("driven").expect("a valid name"),
            occasion: Occasion::new(occasion).expect("a valid occasion"),
            legs: legs(rng),
            policy: policy(rng),
        };
        if plan.check().is_ok() {
            return plan;
        }
    }
    unreachable!("plans of one leg always pass, and one in five is such a plan")
}

/// Base units asked for by one leg if that needs no price and no other leg.
pub(crate) fn fixed_base(leg: &Leg) -> Option<Decimal> {
    match leg.quantity {
        Quantity::Base(base) => Some(base.get()),
        _ => None,
    }
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

fn legs(rng: &mut Rng) -> Vec<Leg> {
    let mut legs = match rng.u8(..100) {
        0..20 => vec![single(rng, 0)],
        20..65 => pair(rng, 0).into(),
        65..82 => split(rng).into(),
        _ => [pair(rng, 0), pair(rng, 2)].concat(),
    };
    for leg in &mut legs {
        leg.kind = kind(rng, leg);
    }
    legs
}

/// Both venues, opposite sides, the same size: at once, in sequence, or the second as large as the first fills.
fn pair(rng: &mut Rng, first: usize) -> [Leg; 2] {
    let one = single(rng, first);
    let mut two = opposite(&one, first + 1);
    match rng.u8(..100) {
        0..45 => {}
        45..70 => two.after = vec![one.name.clone()],
        _ => {
            two.after = vec![one.name.clone()];
            let ratio = "1".parse().expect("a plain number");
            two.quantity = Quantity::Of { leg: one.name.clone(), ratio };
        }
    }
    [one, two]
}

/// One leg hedged by two that share its size.
fn split(rng: &mut Rng) -> [Leg; 3] {
    let mut one = single(rng, 0);
    let lots = rng.i64(2..=20);
    let (size, part) = if one.instrument.as_str() == SYMBOLS[0] {
        (Decimal::new(lots * 8, 3), Decimal::new(lots * 3, 3))
    } else {
        (Decimal::new(lots * 8, 2), Decimal::new(lots * 3, 2))
    };
    one.quantity = base(size);
    let (mut two, mut three) = (opposite(&one, 1), opposite(&one, 2));
    two.quantity = base(part);
    three.quantity = base(size - part);
    if rng.bool() {
        three.venue = one.venue.clone();
        three.after = vec![one.name.clone()];
    }
    if rng.bool() {
        two.after = vec![one.name.clone()];
    }
    [one, two, three]
}

fn single(rng: &mut Rng, index: usize) -> Leg {
    let symbol = SYMBOLS[usize::from(rng.u8(..100) >= 65)];
    let quantity = match (rng.u8(..100), symbol) {
        (0..10, _) => Quantity::Quote(qty(Decimal::from(rng.i64(3..=60) * 100))),
        // Not a multiple of every lot, so that something is rounded away.
        (10..20, "BTCUSDT") => base(Decimal::new(rng.i64(40..=900), 4)),
        (10..20, _) => base(Decimal::new(rng.i64(50..=3_000), 3)),
        (_, "BTCUSDT") => base(Decimal::new(rng.i64(4..=120), 3)),
        _ => base(Decimal::new(rng.i64(5..=400), 2)),
    };
    let side = if rng.bool() { Side::Buy } else { Side::Sell };
    Leg::market(name(index), venue(rng.usize(..2)), symbol_of(symbol), side, quantity)
}

fn opposite(leg: &Leg, index: usize) -> Leg {
    let there = usize::from(leg.venue.as_str() == VENUES[0]);
    Leg::market(
        name(index),
        venue(there),
        leg.instrument.clone(),
        leg.side.opposite(),
        leg.quantity.clone(),
    )
}

/// Market, or a limit that takes at once, or one that may rest.
fn kind(rng: &mut Rng, leg: &Leg) -> OrderKind {
    let (time_in_force, away_bps) = match rng.u8(..100) {
        0..66 => return OrderKind::Market,
        66..78 => (TimeInForce::Ioc, -50),
        78..82 => (TimeInForce::Fok, -50),
        82..90 => (TimeInForce::Gtc, -30),
        90..97 => (TimeInForce::Gtc, rng.i64(5..=100)),
        _ => (TimeInForce::PostOnly, rng.i64(5..=100)),
    };
    let near = if leg.instrument.as_str() == SYMBOLS[0] { 65_000 } else { 3_200 };
    let off = match leg.side {
        Side::Buy => 10_000 - away_bps,
        Side::Sell => 10_000 + away_bps,
    };
    // Whole quote units fit every tick.
    let price = Decimal::from(near * off / 10_000);
    OrderKind::Limit { price: Price::new(price).expect("a price above zero"), time_in_force }
}

fn name(index: usize) -> LegName {
    LegName::new(NAMES[index]).expect("a valid name")
}

fn venue(index: usize) -> VenueName {
    VenueName::new(VENUES[index]).expect("a valid name")
}

fn symbol_of(text: &str) -> Symbol {
    Symbol::new(text).expect("a valid symbol")
}

fn base(size: Decimal) -> Quantity {
    Quantity::Base(qty(size))
}

fn qty(value: Decimal) -> Qty {
    Qty::new(value).expect("a size above zero")
}
