//! Why legs and batches came to what they came to, in words, derived from their orders like everything else.

use crate::decimal::Qty;
use crate::name::VenueOrderId;
use crate::order::OrderState;
use crate::record::{Ending, Role};
use crate::spec::{LegQuantity, LegSpec};
use crate::time::UnixMillis;

use super::doubt::rests;
use super::leg::LegProgress;
use super::order::{Closing, Order, Stage};
use super::{Ended, Saga};

impl Saga {
    /// Why the batch ended, with what made it end so; empty while it runs. What was learned of its orders after the end
    /// is said with it, or instead of what was not known then.
    pub(crate) fn ending_reason(&self) -> String {
        let Some(ended) = &self.ended else { return String::new() };
        let mut unresolved = self.open_orders().peekable();
        if unresolved.peek().is_some() && unresolved.all(|(_, order)| self.is_left_open(order)) {
            return "an order was found open at its venue after the batch had ended".to_owned();
        }
        let mut text = ended.why.clone();
        if let Some(cause) = self.cause(ended) {
            text = format!("{text}: {cause}");
        }
        let later = |order: &Order| order.closed_at.is_some_and(|at| at > ended.at);
        if self.orders().any(|(_, order)| later(order)) {
            text.push_str("; the outcome of an order was learned after that");
        }
        text
    }

    /// What kept a batch that ended flat or parked from ending as planned, if that was time or a person.
    fn cause(&self, ended: &Ended) -> Option<String> {
        if ended.ending == Ending::Done {
            return None;
        }
        if self.deciding_stop().is_some() {
            return Some(self.cut_text(Cut::Stopped));
        }
        self.spec.listing.iter().find_map(|index| {
            let leg = self.spec.leg(*index)?;
            let cut = self.cut_short(*index).filter(|cut| *cut == Cut::TimedOut)?;
            Some(format!("leg '{}' {}", leg.name, self.cut_text(cut)))
        })
    }

    /// Why a leg did not fill as planned, as far as venue, policy or plan tell.
    pub(crate) fn leg_reason(&self, index: u8) -> Option<String> {
        let leg = self.spec.leg(index)?;
        let Some(last) = self.attempts(index, Role::Entry).last() else {
            return self.unsent_reason(index, leg);
        };
        if self.is_left_open(last) {
            return Some("open at the venue when last seen".to_owned());
        }
        let cut = self.cut_short(index).map(|cut| self.cut_text(cut));
        match (cut, told(last)) {
            (Some(cut), Some(told)) => Some(format!("{cut}: {told}")),
            (cut, told) => cut.or(told),
        }
    }

    /// Whether a look after the end found the order open: nothing here will cancel it any more, nor does a venue that
    /// no longer shows it say that it has ended.
    pub(crate) fn is_left_open(&self, order: &Order) -> bool {
        self.ended.is_some() && order.stage == Stage::Known && order.is_open_at_venue()
    }

    /// Whether a leg's last entry was given up before it had filled, by its timeout or by a request to stop.
    pub(crate) fn cut_short(&self, index: u8) -> Option<Cut> {
        let entries = self.attempts(index, Role::Entry);
        let last = entries.last()?;
        if self.target(index).is_some_and(|target| self.filled(index) >= target) {
            return None;
        }
        let closed_at = last.closed_at.filter(|_| may_be_given_up(last))?;
        let by = |at: Option<_>, cut| at.filter(|at| *at <= closed_at).map(|at| (at, cut));
        let timeout = by(self.leg_deadline(entries), Cut::TimedOut);
        let stop = by(self.deciding_stop(), Cut::Stopped);
        timeout.into_iter().chain(stop).min_by_key(|(at, _)| *at).map(|(_, cut)| cut)
    }

    /// When it was asked to take no new risk, if that came before whatever else kept the batch from its plan: what was
    /// over by then is not the doing of who asked.
    fn deciding_stop(&self) -> Option<UnixMillis> {
        let stopped_at = self.stopped_at?;
        let failed = (0_u8..).zip(&self.spec.legs);
        let failed = failed.filter_map(|(index, _)| self.entry_failed_at(index, stopped_at));
        let over = failed.chain(self.unwind_started_at).min();
        over.is_none_or(|over| stopped_at <= over).then_some(stopped_at)
    }

    /// When a leg's entry came to what the batch cannot go on with, as far as it was not a request to stop at that time
    /// that kept it from a further attempt.
    fn entry_failed_at(&self, index: u8, stopped_at: UnixMillis) -> Option<UnixMillis> {
        let entries = self.attempts(index, Role::Entry);
        let last = entries.last().filter(|_| entries.iter().all(Order::is_closed))?;
        let (filled, closed_at) = (self.filled(index), last.closed_at?);
        let goes_on = self.is_followed(index) && !filled.is_zero();
        if goes_on || self.target(index) == Some(filled) {
            return None;
        }
        let deadline = self.leg_deadline(entries);
        if filled.is_zero()
            && matches!(self.retry(entries, last, stopped_at), LegProgress::Retry(_))
        {
            return deadline;
        }
        let given_up_at = deadline.filter(|_| may_be_given_up(last)).unwrap_or(closed_at);
        Some(given_up_at.min(closed_at))
    }

    /// How that reads.
    pub(crate) fn cut_text(&self, cut: Cut) -> String {
        match cut {
            Cut::TimedOut => format!("timed out after {} ms", self.spec.policy.leg_timeout_ms),
            Cut::Stopped => "stopped on request".to_owned(),
        }
    }

    /// Why nothing was ever sent for a leg of a batch that has ended.
    fn unsent_reason(&self, index: u8, leg: &LegSpec) -> Option<String> {
        let ended = self.ended.as_ref()?;
        let named = |index: u8| self.spec.leg(index).map(|leg| (index, leg));
        let short = |(index, _): &(u8, &LegSpec)| {
            self.target(*index).is_none_or(|target| self.filled(*index) < target)
        };
        let mut awaited = leg.after.iter().copied().filter_map(named).filter(short);
        let why = if let LegQuantity::Of { leg: source, .. } = &leg.quantity
            && self.target(index).is_none_or(Qty::is_zero)
        {
            let name = named(*source).map(|(_, leg)| leg.name.to_string()).unwrap_or_default();
            match self.filled(*source).is_zero() {
                true => format!("'{name}' filled nothing"),
                false => format!("what '{name}' filled is too little for an order"),
            }
        } else if let Some((source, spec)) = awaited.next() {
            let (filled, unit) = (self.filled(source), spec.instrument.unit());
            match self.target(source) {
                Some(target) => format!("'{}' filled {filled} of {target} {unit}", spec.name),
                None => format!("'{}' was not sent", spec.name),
            }
        } else if self.deciding_stop().is_some_and(|at| at <= self.entries_end_at(index)) {
            self.cut_text(Cut::Stopped)
        } else if ended.at >= self.entries_end_at(index) {
            self.cut_text(Cut::TimedOut)
        } else {
            let legs = self.spec.listing.iter().copied().filter(|other| *other != index);
            let (_, spec) = legs.filter_map(named).find(short)?;
            format!("'{}' did not fill as planned", spec.name)
        };
        Some(format!("not sent: {why}"))
    }
}

/// What ended a leg's entry before it had filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Its timeout.
    TimedOut,
    /// A request to take no new risk.
    Stopped,
}

impl Order {
    /// Its ids at the venue that can still execute, as far as was last seen.
    pub(crate) fn open_at_venue(&self) -> impl Iterator<Item = &VenueOrderId> {
        self.at_venue.iter().filter(|(_, at)| at.state == OrderState::Open).map(|(id, _)| id)
    }
}

/// Whether it is timeout or request that ends such an attempt, and not its own nature or the venue.
fn may_be_given_up(order: &Order) -> bool {
    match &order.stage {
        Stage::Closed(Closing::Ended) => rests(order.request.kind),
        Stage::Closed(Closing::Absent | Closing::Unsent) => true,
        _ => false,
    }
}

/// What the venue said of an order that did not fill, or what is known of it instead.
fn told(order: &Order) -> Option<String> {
    match &order.stage {
        Stage::Closed(Closing::Refused(refusal)) => {
            Some(format!("{}: {}", refusal.code, refusal.message))
        }
        Stage::Closed(Closing::Absent) => Some("never reached the venue".to_owned()),
        Stage::Closed(Closing::Unsent) => Some("could not be sent".to_owned()),
        Stage::Closed(Closing::Unresolved(why)) => Some(why.clone()),
        Stage::Closed(Closing::Ended) if order.filled() < order.request.quantity => {
            order.end_reason().filter(|reason| !reason.is_empty()).map(str::to_owned)
        }
        _ => None,
    }
}
