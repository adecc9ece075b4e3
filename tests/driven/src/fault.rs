//! What may go wrong at an exchange and on the way to it, within the assumptions of the failure model.
//!
//! Every kind is switched on or off as a whole for one seed, so that rare combinations get their turn.

use equipoise_sim::{
    BINANCE_USDM, Broken, Effect, Fault, Loss, Matcher, Occurrence, Operation, Stage,
};
use fastrand::Rng;
use rust_decimal::Decimal;

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

const BROKEN: [Broken; 6] = [
    Broken::Unknown503,
    Broken::UncodedUnknown503,
    Broken::Html502,
    Broken::Truncated,
    Broken::Huge,
    Broken::NotJson,
];

/// Kinds of effect on an order being placed.
const PLACING: [Kind; 12] = [
    Kind::Refuse,
    Kind::LoseRequest,
    Kind::LoseAnswer,
    Kind::BreakAnswer,
    Kind::BreakInstead,
    Kind::ExecuteTwice,
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
    LoseRequest,
    LoseAnswer,
    BreakAnswer,
    BreakInstead,
    ExecuteTwice,
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
pub(crate) fn draw(rng: &mut Rng, adapter: &'static str) -> Vec<Fault> {
    let on = |rng: &mut Rng, kinds: &[Kind]| -> Vec<Kind> {
        kinds.iter().copied().filter(|_| rng.u8(..100) < 30).collect()
    };
    let (placing, asking) = (on(rng, &PLACING), on(rng, &ASKING));
    let mut faults = Vec::new();
    for kind in placing {
        if kind == Kind::ExecuteTwice && adapter != BINANCE_USDM {
            // A venue that remembers ids does not do that; one that did would be outside the model.
            continue;
        }
        for _ in 0..rng.u8(1..=2) {
            let operation = if rng.bool() { Operation::PlaceEntry } else { Operation::Place };
            let nth = if rng.bool() { 1 } else { rng.u32(1..=5) };
            faults.push(fault(rng, adapter, operation, Occurrence::Nth(nth), kind));
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
        faults.push(fault(rng, adapter, operation, occurrence, kind));
    }
    faults
}

fn fault(
    rng: &mut Rng,
    adapter: &'static str,
    operation: Operation,
    occurrence: Occurrence,
    kind: Kind,
) -> Fault {
    let matcher = Matcher { operation, symbol: None, occurrence };
    Fault { adapter: Some(adapter), matcher, effect: effect(rng, adapter, kind) }
}

fn effect(rng: &mut Rng, adapter: &'static str, kind: Kind) -> Effect {
    let binance = adapter == BINANCE_USDM;
    let loss = if rng.bool() { Loss::Silence } else { Loss::Close };
    let broken = BROKEN[rng.usize(..BROKEN.len())];
    match kind {
        Kind::Refuse => refusal(rng, binance),
        Kind::LoseRequest => Effect::LoseRequest(loss),
        Kind::LoseAnswer => Effect::LoseAnswer(loss),
        Kind::BreakAnswer => Effect::BreakAnswer(broken),
        Kind::BreakInstead => Effect::BreakInstead(broken),
        Kind::ExecuteTwice => Effect::ExecuteTwice,
        Kind::PartialFill => Effect::PartialFill(Decimal::new(rng.i64(1..=9), 1)),
        Kind::DelayRequest if rng.bool() => {
            Effect::DelayRequest { delay_ms: rng.u64(100..=6_000), before: Stage::Gateway }
        }
        // Inside the margin that the adapter declares for a request its gateway has admitted.
        Kind::DelayRequest => {
            Effect::DelayRequest { delay_ms: rng.u64(100..=8_000), before: Stage::Engine }
        }
        Kind::DelayAnswer => Effect::DelayAnswer { delay_ms: rng.u64(100..=6_000) },
        // Listings may lag, but not beyond the margin.
        Kind::HideOrder if binance => Effect::HideOrder { for_ms: rng.u64(50..=1_500) },
        Kind::HideOrder => Effect::HideOrder { for_ms: rng.u64(50..=7_000) },
        Kind::StaleOrder => Effect::StaleOrder { for_ms: rng.u64(50..=15_000) },
        Kind::RateLimited => Effect::RateLimited { retry_after_s: rng.u64(1..=8) },
    }
}

/// Documented refusals of both venues: for good, and passing.
fn refusal(rng: &mut Rng, binance: bool) -> Effect {
    let (status, code, message) = match (binance, rng.u8(..4)) {
        (true, 0 | 1) => (400, -2019, "Margin is insufficient."),
        (true, 2) => (400, -1021, "Timestamp for this request is outside of the recvWindow."),
        (true, _) => (503, -1008, "Request throttled by system-level protection."),
        (false, 0 | 1) => (200, 110_007, "ab not enough for new order"),
        (false, 2) => (200, 10_002, "invalid request, please check your server timestamp"),
        (false, _) => (200, 10_006, "Too many visits. Exceeded the API Rate Limit."),
    };
    Effect::Refuse { status, code, message: message.to_owned() }
}
