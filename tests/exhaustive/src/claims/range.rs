//! What a report may say of orders whose outcome stays unknown: exactly what they can still be, and nothing less exact
//! of the rest. Told from the raw records.

use std::collections::BTreeMap;

use equipoise_core::{
    BatchReport, OrderEnd, OrderRequest, OrderState, OrderTag, Record, ResendClass, Side,
    VenueOrderId,
};

use super::holdings::Holdings;
use super::{Violation, require};
use crate::terms::{decimal, parts_of};
use crate::world::World;

/// One attempt as the records tell it; sizes in parts of a venue unit.
struct Attempt<'a> {
    request: &'a OrderRequest,
    class: ResendClass,
    transmissions: usize,
    shown: BTreeMap<&'a VenueOrderId, Shown>,
    audited: bool,
    unresolved: bool,
}

/// What its venue has shown of one order of it.
#[derive(Default)]
struct Shown {
    ended: bool,
    rejected: bool,
    executed: i128,
    filled: i128,
}

/// The attempts of a batch, and what those without an outcome can still be.
pub(super) struct Attempts<'a> {
    world: &'a World,
    attempts: BTreeMap<OrderTag, Attempt<'a>>,
}

impl<'a> Attempts<'a> {
    pub(super) fn of_records(world: &'a World) -> Self {
        let mut attempts: BTreeMap<OrderTag, Attempt<'a>> = BTreeMap::new();
        for record in world.journal.records() {
            match record {
                Record::Intent { tag, request, .. } => {
                    attempts.insert(*tag, Attempt::of(request, world.venue(*tag).class));
                }
                other => {
                    let attempt = other.tag().and_then(|tag| attempts.get_mut(&tag));
                    attempt.into_iter().for_each(|attempt| attempt.learn(other));
                }
            }
        }
        Self { world, attempts }
    }

    /// Holdings by the trades on record.
    pub(super) fn known(&self) -> Holdings {
        Holdings::of_records(self.world)
    }

    fn unresolved(&self) -> impl Iterator<Item = (OrderTag, &Attempt<'a>)> {
        let all = self.attempts.iter().map(|(tag, attempt)| (*tag, attempt));
        all.filter(|(_, attempt)| attempt.unresolved)
    }

    pub(super) fn is_resolved(&self, leg: usize) -> bool {
        !self.unresolved().any(|(tag, _)| usize::from(tag.leg) == leg)
    }

    /// What the unresolved orders of a leg can still be on one side, parts of a venue unit.
    fn rest(&self, leg: usize, side: Side) -> i128 {
        self.unresolved()
            .filter(|(tag, attempt)| usize::from(tag.leg) == leg && attempt.request.side == side)
            .map(|(_, attempt)| attempt.rest())
            .sum()
    }

    /// S2: a range is there if and only if something is unresolved, and spans exactly none to all of that; what the
    /// records know is the delta reported beside it.
    pub(super) fn are_reported(&self, report: &BatchReport) -> Result<(), Violation> {
        let claim = "a range is exactly what unresolved orders can still be (S2)";
        let any = self.unresolved().next().is_some();
        require(any == report.net_delta_range.is_some(), claim, || {
            format!("unresolved {any}, reported {:?}", report.net_delta_range)
        })?;
        let known = self.known();
        let least = known.moved(|leg| -self.rest(leg, Side::Sell));
        let greatest = known.moved(|leg| self.rest(leg, Side::Buy));
        for (underlying, (low, high)) in report.net_delta_range.iter().flatten() {
            let base = underlying.as_str();
            let spans = [least.net(base), greatest.net(base)];
            let reported = [parts_of(low.get()), parts_of(high.get())];
            require(reported == spans.map(Some), claim, || {
                let [least, greatest] = spans.map(decimal);
                format!("{base} from {least} to {greatest}, reported {low} to {high}")
            })?;
        }
        self.are_named(report)
    }

    /// Each unresolved order is named with what it can still be.
    fn are_named(&self, report: &BatchReport) -> Result<(), Violation> {
        let rests = self
            .unresolved()
            .map(|(_, attempt)| (attempt.request.client_id.to_string(), Some(attempt.rest())));
        let mut rests: Vec<_> = rests.filter(|(_, rest)| *rest != Some(0)).collect();
        let named = report
            .in_doubt
            .iter()
            .map(|doubt| (doubt.client_order_id.to_string(), parts_of(doubt.quantity.get())));
        let mut named: Vec<_> = named.collect();
        rests.sort_unstable();
        named.sort_unstable();
        require(rests == named, "every order in doubt is reported, with its size (S2)", || {
            format!("{rests:?}, reported {named:?}")
        })
    }
}

impl<'a> Attempt<'a> {
    const fn of(request: &'a OrderRequest, class: ResendClass) -> Self {
        Self {
            request,
            class,
            transmissions: 1,
            shown: BTreeMap::new(),
            audited: false,
            unresolved: false,
        }
    }

    fn learn(&mut self, record: &'a Record) {
        match record {
            Record::Observed { venue_order, state, executed, .. } => {
                let shown = self.shown.entry(venue_order).or_default();
                shown.ended |= matches!(state, OrderState::Ended(_));
                shown.rejected |= matches!(state, OrderState::Ended(OrderEnd::Rejected { .. }));
                shown.executed = shown.executed.max(parts_of(executed.get()).unwrap_or(0));
                self.forget_if_known();
            }
            Record::Filled { venue_order, fill, .. } => {
                let shown = self.shown.entry(venue_order).or_default();
                shown.filled += parts_of(fill.quantity.get()).unwrap_or(0);
                self.forget_if_known();
            }
            Record::Audited { .. } => {
                self.audited = true;
                // All that was open about an order shown with all its trades.
                self.unresolved &= !self.is_settled();
            }
            Record::Transmission { .. } => self.transmissions += 1,
            Record::Unresolved { .. } => self.unresolved = true,
            // Asked about once more by a later owner; what comes of that is a record of its own.
            Record::Doubted { .. } | Record::Absent { .. } => self.unresolved = false,
            _ => {}
        }
    }

    /// A listing made for another attempt may show one that was given up after all. Where no further copy of it can
    /// execute there is nothing more to know then, once it has ended and its trades are there; elsewhere its audit is
    /// missing.
    fn forget_if_known(&mut self) {
        self.unresolved &= self.may_repeat() || !self.is_settled();
    }

    /// Whether another copy of its request may execute: not where the venue remembers ids and took this one for good. It
    /// did if it executed, or if all that was sent was accepted; a rejection need not have taken the id.
    fn may_repeat(&self) -> bool {
        let executed = self.shown.values().any(|shown| shown.executed.max(shown.filled) > 0);
        let accepted = self.transmissions == 1 && self.shown.values().any(|shown| !shown.rejected);
        self.class != ResendClass::A || !(executed || accepted)
    }

    fn has_ended(&self) -> bool {
        !self.shown.is_empty() && self.shown.values().all(|shown| shown.ended)
    }

    fn is_settled(&self) -> bool {
        self.has_ended() && self.shown.values().all(|shown| shown.filled >= shown.executed)
    }

    /// What was shown and its trades not yet, all of the request for each order shown open, and for one not shown: where
    /// none is, or where another copy may have executed and the listings were not read (V15).
    fn rest(&self) -> i128 {
        let wanted = parts_of(self.request.quantity.get()).unwrap_or(0);
        let each = self.shown.values().map(|shown| {
            let executed = shown.executed.max(shown.filled);
            if shown.ended { executed } else { wanted.max(executed) }
        });
        let filled: i128 = self.shown.values().map(|shown| shown.filled).sum();
        let unseen = self.has_ended() && self.may_repeat() && !self.audited;
        let beside = if unseen || self.shown.is_empty() { wanted } else { 0 };
        each.sum::<i128>() + beside - filled
    }
}
