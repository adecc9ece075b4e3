//! Failures on request: which call they meet and what they do to it.

use rust_decimal::Decimal;

use crate::exchange::orders::Adjustment;

/// What a request asks for, as far as faults tell requests apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Placing an order that may open a position.
    PlaceEntry,
    /// Placing any order, reduce-only ones included.
    Place,
    /// Asking for one order or listing orders.
    QueryOrders,
    /// Cancelling one or all orders.
    Cancel,
    /// Listing executions.
    Trades,
    /// Listing positions.
    Positions,
    /// Reading balances or the account.
    Account,
    /// Reading the venue's clock.
    Time,
    /// Public data other than the clock.
    Market,
    /// Whatever is asked.
    Any,
}

impl Operation {
    /// Whether a key needs the right to trade for it.
    pub(crate) fn is_trading(self) -> bool {
        matches!(self, Self::PlaceEntry | Self::Place | Self::Cancel)
    }

    fn covers(self, actual: Self) -> bool {
        self == Self::Any || self == actual || (self == Self::Place && actual == Self::PlaceEntry)
    }
}

/// Which of the matching calls a fault meets. Calls are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occurrence {
    /// This one only.
    Nth(u32),
    /// So many from the start.
    First(u32),
    /// All of them.
    Every,
}

/// Which calls a fault meets.
#[derive(Clone, Debug)]
pub struct Matcher {
    /// Kind of call.
    pub operation: Operation,
    /// Only calls about this symbol.
    pub symbol: Option<String>,
    /// Which of them.
    pub occurrence: Occurrence,
}

/// How a connection fails to bring an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// It stays open and silent.
    Silence,
    /// It is closed.
    Close,
}

/// An answer no client should take for a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// HTTP 503 with the text Binance documents for an unknown outcome, and a code.
    Unknown503,
    /// The same without a code, with `timestamp`, `path` and `msg` only.
    UncodedUnknown503,
    /// HTTP 400 with the code and text OKX documents for a request that may have succeeded or failed.
    Neither400,
    /// HTTP 500 with the same for an order.
    Neither500,
    /// HTTP 502 with a web page of a proxy.
    Html502,
    /// The right answer, cut off in the middle.
    Truncated,
    /// HTTP 200 with eight mebibytes of spaces.
    Huge,
    /// HTTP 200 with text that is not JSON.
    NotJson,
}

/// Where a delayed request waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// On its way to the exchange; every check is still ahead.
    Gateway,
    /// Between the gateway, which has admitted it, and the matching engine.
    Engine,
    /// As [`Stage::Engine`], and past the check of its deadline too, unless the venue documents that check as its
    /// matching engine's own.
    Execution,
}

/// What a fault does to the call it meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Refused with the venue's own form of this; nothing happens.
    Refuse {
        /// HTTP status of the answer.
        status: u16,
        /// The venue's code.
        code: i64,
        /// The venue's text.
        message: String,
    },
    /// Never reaches the exchange.
    LoseRequest(Loss),
    /// Carried out, but the answer is lost.
    LoseAnswer(Loss),
    /// Carried out, but answered like this.
    BreakAnswer(Broken),
    /// Not carried out, and answered like this.
    BreakInstead(Broken),
    /// The order is executed twice.
    ExecuteTwice,
    /// The request arrives twice, and the second arrival is answered. It is acknowledged and then rejected, since its
    /// client id is taken: only Bybit documents such a rejection, elsewhere nothing else than usual happens.
    ArriveTwice,
    /// Only this fraction of the order, rounded down to the lot but at least one lot, finds a counterpart.
    PartialFill(Decimal),
    /// Executed, and then every trade of it is taken back or corrected, where the venue shows that (V12).
    AdjustTrades {
        /// What becomes of the trades.
        adjustment: Adjustment,
        /// Whether the executed quantity that the venue states of the order follows.
        is_counted: bool,
    },
    /// Refused for want of funds: margin on contracts, balance on spot.
    WithoutMargin,
    /// Arrives so much later.
    DelayRequest {
        /// How late.
        delay_ms: u64,
        /// Where it waits.
        before: Stage,
    },
    /// Answered so much later.
    DelayAnswer {
        /// How late.
        delay_ms: u64,
    },
    /// The accepted order does not show in queries for so long. Positions show it at once.
    HideOrder {
        /// For how long.
        for_ms: u64,
    },
    /// Queries show the accepted order as untouched for so long.
    StaleOrder {
        /// For how long.
        for_ms: u64,
    },
    /// Refused by the rate limiter.
    RateLimited {
        /// Announced wait in seconds.
        retry_after_s: u64,
    },
}

/// One failure: which calls it meets, at which adapter, and what it does.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The only adapter it concerns; at others it does nothing. `None` concerns all.
    pub adapter: Option<&'static str>,
    /// Which calls.
    pub matcher: Matcher,
    /// What happens to them.
    pub effect: Effect,
}

impl Fault {
    /// A fault for the `nth` call of this kind at any adapter.
    #[must_use]
    pub fn on(operation: Operation, occurrence: Occurrence, effect: Effect) -> Self {
        Self { adapter: None, matcher: Matcher { operation, symbol: None, occurrence }, effect }
    }
}

/// The failures set up at one exchange.
#[derive(Clone, Debug, Default)]
pub struct FaultPlan {
    armed: Vec<(Fault, u32)>,
    outages: Vec<(u64, u64, Loss)>,
}

impl FaultPlan {
    /// Adds a fault; its count starts now.
    pub fn add(&mut self, fault: Fault) {
        self.armed.push((fault, 0));
    }

    /// From `from_ms` until before `until_ms` nothing is answered and nothing gets through.
    pub fn add_outage(&mut self, from_ms: u64, until_ms: u64, loss: Loss) {
        self.outages.push((from_ms, until_ms, loss));
    }

    /// Whether none of the faults has met a matching call yet.
    #[must_use]
    pub fn is_unmet(&self) -> bool {
        self.armed.iter().all(|(_, seen)| *seen == 0)
    }

    /// Removes everything set up.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn outage(&self, now_ms: u64) -> Option<Loss> {
        self.outages
            .iter()
            .find(|(from, until, _)| (*from..*until).contains(&now_ms))
            .map(|(_, _, loss)| *loss)
    }

    /// Counts the call at every fault it matches; the first one that is due has its effect.
    pub(crate) fn take(&mut self, operation: Operation, symbol: Option<&str>) -> Option<Effect> {
        let mut due = None;
        for (fault, seen) in &mut self.armed {
            let matcher = &fault.matcher;
            let about = matcher.symbol.as_deref().is_none_or(|wanted| symbol == Some(wanted));
            if !matcher.operation.covers(operation) || !about {
                continue;
            }
            *seen = seen.saturating_add(1);
            let meets = match matcher.occurrence {
                Occurrence::Nth(nth) => *seen == nth,
                Occurrence::First(count) => *seen <= count,
                Occurrence::Every => true,
            };
            if meets && due.is_none() {
                due = Some(fault.effect.clone());
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::{Effect, Fault, FaultPlan, Loss, Occurrence, Operation};

    #[test]
    fn a_fault_meets_the_calls_it_names_and_no_other() {
        let effect = Effect::LoseRequest(Loss::Close);
        let mut plan = FaultPlan::default();
        plan.add(Fault::on(Operation::Place, Occurrence::Nth(2), effect.clone()));
        assert_eq!(plan.take(Operation::PlaceEntry, None), None);
        assert_eq!(plan.take(Operation::Cancel, None), None);
        assert_eq!(plan.take(Operation::Place, None), Some(effect));
        assert_eq!(plan.take(Operation::Place, None), None);
    }

    #[test]
    fn an_outage_includes_its_start_and_excludes_its_end() {
        let mut plan = FaultPlan::default();
        plan.add_outage(10, 20, Loss::Silence);
        assert_eq!(plan.outage(9), None);
        assert_eq!(plan.outage(10), Some(Loss::Silence));
        assert_eq!(plan.outage(20), None);
    }

    #[test]
    fn a_fault_for_one_symbol_does_not_count_calls_about_another() {
        let mut fault = Fault::on(Operation::Place, Occurrence::Nth(1), Effect::WithoutMargin);
        fault.matcher.symbol = Some("ETHUSDT".to_owned());
        let mut plan = FaultPlan::default();
        plan.add(fault);
        assert_eq!(plan.take(Operation::Place, Some("BTCUSDT")), None);
        assert_eq!(plan.take(Operation::Place, Some("ETHUSDT")), Some(Effect::WithoutMargin));
    }
}
