//! What may go wrong at an exchange and on the way to it, within the assumptions of the failure model.
//!
//! Every kind is switched on or off as a whole for one seed, so that rare combinations get their turn.

use equipoise_core::ResendClass;
use equipoise_sim::{Broken, Effect, Fault, Loss, Matcher, Occurrence, Operation, Stage};
use fastrand::Rng;
use rust_decimal::Decimal;

use crate::places::Place;

/// How the network treats requests and answers until it heals; chances in a thousand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Weather {
    pub(crate) lose_request: u32,
    pub(crate) lose_answer: u32,
    pub(crate) not_sent: u32,
    pub(crate) double: u32,
    pub(crate) slow: u32,
    /// Longest delay of a slow one, milliseconds.
    pub(crate) slow_ms: u64,
}

/// A time in which one exchange answers nothing and nothing gets through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outage {
    pub(crate) from_ms: u64,
    pub(crate) until_ms: u64,
    pub(crate) loss: Loss,
}

const BROKEN: [Broken; 8] = [
    Broken::Unknown503,
    Broken::UncodedUnknown503,
    Broken::Neither400,
    Broken::Neither500,
    Broken::Html502,
    Broken::Truncated,
    Broken::Huge,
    Broken::NotJson,
];

/// Kinds of effect on an order being placed.
const PLACING: [Kind; 14] = [
    Kind::Refuse,
    Kind::WithoutFunds,
    Kind::LoseRequest,
    Kind::LoseAnswer,
    Kind::BreakAnswer,
    Kind::BreakInstead,
    Kind::ExecuteTwice,
    Kind::ArriveTwice,
    Kind::PartialFill,
    Kind::DelayRequest,
    Kind::DelayAnswer,
    Kind::HideOrder,
    Kind::StaleOrder,
    Kind::RateLimited,
];

const ASKING: [Kind; 6] = [
    Kind::LoseRequest,
    Kind::LoseAnswer,
    Kind::BreakAnswer,
    Kind::BreakInstead,
    Kind::DelayAnswer,
    Kind::RateLimited,
];

const QUESTIONS: [Operation; 8] = [
    Operation::QueryOrders,
    Operation::QueryOrders,
    Operation::Cancel,
    Operation::Trades,
    Operation::Positions,
    Operation::Account,
    Operation::Time,
    Operation::Market,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Refuse,
    WithoutFunds,
    LoseRequest,
    LoseAnswer,
    BreakAnswer,
    BreakInstead,
    ExecuteTwice,
    ArriveTwice,
    PartialFill,
    DelayRequest,
    DelayAnswer,
    HideOrder,
    StaleOrder,
    RateLimited,
}

pub(crate) fn weather(rng: &mut Rng) -> Weather {
    let mut chance = |most: u32| if rng.u8(..100) < 35 { rng.u32(1..=most) } else { 0 };
    let (lose_request, lose_answer) = (chance(120), chance(120));
    let (not_sent, double, slow) = (chance(80), chance(120), chance(150));
    Weather { lose_request, lose_answer, not_sent, double, slow, slow_ms: rng.u64(300..=5_000) }
}

/// Faults of one exchange for one seed.
pub(crate) fn draw(rng: &mut Rng, place: &Place) -> Vec<Fault> {
    let on = |rng: &mut Rng, kinds: &[Kind]| -> Vec<Kind> {
        kinds.iter().copied().filter(|_| rng.u8(..100) < 30).collect()
    };
    let (placing, asking) = (on(rng, &PLACING), on(rng, &ASKING));
    let mut faults = Vec::new();
    for kind in placing {
        if kind == Kind::ExecuteTwice && place.class == ResendClass::A {
            // A venue that remembers ids does not do that; one that did would be outside the model.
            continue;
        }
        for _ in 0..rng.u8(1..=2) {
            let operation = if rng.bool() { Operation::PlaceEntry } else { Operation::Place };
            let nth = if rng.bool() { 1 } else { rng.u32(1..=5) };
            faults.push(fault(rng, place, operation, Occurrence::Nth(nth), kind));
        }
    }
    for kind in asking {
        let operation = QUESTIONS[rng.usize(..QUESTIONS.len())];
        let occurrence = match rng.u8(..10) {
            0..6 => Occurrence::Nth(rng.u32(1..=12)),
            6..9 => Occurrence::First(rng.u32(1..=6)),
            _ if kind != Kind::RateLimited => Occurrence::Every,
            _ => Occurrence::Nth(1),
        };
        faults.push(fault(rng, place, operation, occurrence, kind));
    }
    faults
}

fn fault(
    rng: &mut Rng,
    place: &Place,
    operation: Operation,
    occurrence: Occurrence,
    kind: Kind,
) -> Fault {
    let matcher = Matcher { operation, symbol: None, occurrence };
    Fault { adapter: Some(place.adapter), matcher, effect: effect(rng, place, kind) }
}

fn effect(rng: &mut Rng, place: &Place, kind: Kind) -> Effect {
    let loss = if rng.bool() { Loss::Silence } else { Loss::Close };
    let broken = BROKEN[rng.usize(..BROKEN.len())];
    let margin_ms = u64::from(place.margin_ms);
    match kind {
        Kind::Refuse => refusal(rng, place),
        Kind::WithoutFunds => Effect::WithoutMargin,
        Kind::LoseRequest => Effect::LoseRequest(loss),
        Kind::LoseAnswer => Effect::LoseAnswer(loss),
        Kind::BreakAnswer => Effect::BreakAnswer(broken),
        Kind::BreakInstead => Effect::BreakInstead(broken),
        Kind::ExecuteTwice => Effect::ExecuteTwice,
        Kind::ArriveTwice => Effect::ArriveTwice,
        Kind::PartialFill => Effect::PartialFill(Decimal::new(rng.i64(1..=9), 1)),
        Kind::DelayRequest if rng.bool() => {
            Effect::DelayRequest { delay_ms: rng.u64(100..=6_000), before: Stage::Gateway }
        }
        // Inside the margin for what a gateway has admitted; an engine that looks at the deadline refuses by itself.
        Kind::DelayRequest => {
            let most = if place.engine_refuses_late { 8_000 } else { margin_ms * 8 / 10 };
            Effect::DelayRequest { delay_ms: rng.u64(100..=most), before: Stage::Engine }
        }
        Kind::DelayAnswer => Effect::DelayAnswer { delay_ms: rng.u64(100..=6_000) },
        // Listings may lag, but not beyond the margin.
        Kind::HideOrder => Effect::HideOrder { for_ms: rng.u64(50..=margin_ms * 7 / 10) },
        Kind::StaleOrder => Effect::StaleOrder { for_ms: rng.u64(50..=15_000) },
        Kind::RateLimited => Effect::RateLimited { retry_after_s: rng.u64(1..=8) },
    }
}

/// Documented refusals: for good more often than not, and passing.
fn refusal(rng: &mut Rng, place: &Place) -> Effect {
    let (status, code, message) = place.refusals[usize::from(rng.u8(..4).saturating_sub(1))];
    Effect::Refuse { status, code, message: message.to_owned() }
}

/// The first orders reach the matching engine when most of the margin has passed.
#[cfg(planted)]
pub(crate) fn late(place: &Place) -> Fault {
    let delay_ms = u64::from(place.margin_ms) * 8 / 10;
    of_first_orders(place, Effect::DelayRequest { delay_ms, before: Stage::Engine })
}

/// The first orders are listed when most of the margin has passed.
#[cfg(planted)]
pub(crate) fn hidden(place: &Place) -> Fault {
    of_first_orders(place, Effect::HideOrder { for_ms: u64::from(place.margin_ms) * 7 / 10 })
}

/// The connection of the first orders is closed without an answer.
#[cfg(planted)]
pub(crate) fn cut_off(place: &Place) -> Fault {
    of_first_orders(place, Effect::LoseAnswer(Loss::Close))
}

#[cfg(planted)]
fn of_first_orders(place: &Place, effect: Effect) -> Fault {
    let matcher =
        Matcher { operation: Operation::Place, symbol: None, occurrence: Occurrence::First(3) };
    Fault { adapter: Some(place.adapter), matcher, effect }
}
