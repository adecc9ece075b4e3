//! One attempt: an intent and everything learned about it since.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::decimal::{Amount, Price, Qty};
use crate::instrument::{Instrument, InstrumentKind};
use crate::name::{TradeId, VenueOrderId};
use crate::order::{Fill, OrderEnd, OrderRequest, OrderState};
use crate::refusal::{Refusal, RefusalKind};
use crate::time::{ClockOffset, UnixMillis, VenueMillis};
use crate::venue::{ResendClass, VenueTraits};

/// Where an attempt stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Durable, being handed to the venue by this process.
    Intended,
    /// Its outcome is unknown. Only evidence leads out of here.
    InDoubt,
    /// The venue shows it; it is open, or its fills are not all here yet.
    Known,
    /// Conclusively closed, or given up on.
    Closed(Closing),
}

/// How an attempt was closed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Closing {
    /// Ended at the venue, every fill is here.
    Ended,
    /// Refused by a documented code.
    Refused(Refusal),
    /// Never handed to the transport.
    Unsent,
    /// Proven to have no effect (R4).
    Absent,
    /// Not resolved within bounds: it may hold anything up to its quantity.
    Unresolved(String),
}

/// One order at the venue.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AtVenue {
    /// Open or ended; never goes back to open.
    pub state: OrderState,
    /// Executed so far, venue units; never decreases.
    pub executed: Qty,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Order {
    /// The exact order of the intent; its deadline is that of the last transmission.
    pub request: OrderRequest,
    /// Venue clock it was stamped by.
    pub clock: ClockOffset,
    /// When it was intended, engine time.
    pub intended_at: UnixMillis,
    /// Since when this start of the engine has been able to ask about it, engine time.
    /// Waiting for an answer is counted from here, never from before a restart.
    pub pursued_from: UnixMillis,
    /// Venue time of the first stamp.
    pub first_stamp: VenueMillis,
    /// How often it may have been sent.
    pub transmissions: u8,
    /// When it was last handed to the transport, engine time.
    pub sent_at: Option<UnixMillis>,
    /// When the venue was first seen to know it, engine time.
    pub known_at: Option<UnixMillis>,
    /// When the venue last showed something about it, engine time.
    pub news_at: Option<UnixMillis>,
    /// When it was closed, engine time.
    pub closed_at: Option<UnixMillis>,
    /// Where it stands.
    pub stage: Stage,
    /// Its refusal, which stands whatever becomes of its audit.
    pub refused: Option<Refusal>,
    /// What the venue shows under its id: one order, unless the venue duplicated it (V15).
    pub at_venue: BTreeMap<VenueOrderId, AtVenue>,
    /// Its fills, each with the engine time at which it was learned (R8).
    pub fills: BTreeMap<(VenueOrderId, TradeId), (Fill, UnixMillis)>,
    /// Trades the venue took back (V12); they are no fills any more, whatever an older answer says.
    pub busted: BTreeMap<(VenueOrderId, TradeId), Fill>,
    /// Every listing was read after it ended or was refused, and after deadline and margin had passed.
    pub audited: bool,
    /// A look since the last transmission found nothing.
    pub missed: bool,
    /// When the last complete search beyond deadline and margin ended with nothing found, engine time.
    pub searched_at: Option<UnixMillis>,
    /// Venue time read before that search.
    pub searched_venue_time: Option<VenueMillis>,
}

impl Order {
    pub(super) fn new(request: OrderRequest, clock: ClockOffset, at: UnixMillis) -> Self {
        Self {
            first_stamp: request.stamp(),
            request,
            clock,
            intended_at: at,
            pursued_from: at,
            transmissions: 1,
            sent_at: None,
            known_at: None,
            news_at: None,
            closed_at: None,
            stage: Stage::Intended,
            refused: None,
            at_venue: BTreeMap::new(),
            fills: BTreeMap::new(),
            busted: BTreeMap::new(),
            audited: false,
            missed: false,
            searched_at: None,
            searched_venue_time: None,
        }
    }

    /// True until it is conclusively closed; an attempt that was given up on stays unresolved.
    #[must_use]
    pub const fn is_unresolved(&self) -> bool {
        !matches!(self.stage, Stage::Closed(_))
            || matches!(self.stage, Stage::Closed(Closing::Unresolved(_)))
    }

    /// True once nothing more is done about it.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.stage, Stage::Closed(_))
    }

    /// Proven fills, venue units.
    #[must_use]
    pub fn filled(&self) -> Qty {
        self.fills.values().fold(Qty::ZERO, |sum, (fill, _)| sum.plus(fill.quantity))
    }

    /// Executed according to the venue, venue units: the larger of what it says, less what it took back, and what its
    /// fills add up to.
    #[must_use]
    pub fn executed(&self) -> Qty {
        let each = self.at_venue.iter().map(|(id, order)| self.executed_of(id, order));
        each.fold(Qty::ZERO, Qty::plus)
    }

    fn executed_of(&self, id: &VenueOrderId, order: &AtVenue) -> Qty {
        order.executed.minus(self.busted_of(id)).max(self.filled_of(id))
    }

    /// Proven fills of one order at the venue, venue units.
    pub(super) fn filled_of(&self, id: &VenueOrderId) -> Qty {
        let of_order = self.fills.iter().filter(|((order, _), _)| order == id);
        of_order.fold(Qty::ZERO, |sum, (_, (fill, _))| sum.plus(fill.quantity))
    }

    /// What the venue took back of one order, venue units.
    pub(super) fn busted_of(&self, id: &VenueOrderId) -> Qty {
        let of_order = self.busted.iter().filter(|((order, _), _)| order == id);
        of_order.fold(Qty::ZERO, |sum, (_, fill)| sum.plus(fill.quantity))
    }

    /// Largest quantity it may hold beyond its proven fills, venue units.
    #[must_use]
    pub fn possible_rest(&self, traits: &VenueTraits) -> Qty {
        if !self.is_unresolved() {
            return Qty::ZERO;
        }
        let all_of_it = self.request.quantity;
        let shown = self.at_venue.iter().map(|(id, order)| match order.state {
            OrderState::Open => all_of_it.max(self.executed_of(id, order)),
            OrderState::Ended(_) => self.executed_of(id, order),
        });
        let shown = shown.fold(Qty::ZERO, Qty::plus);
        // Nobody could look whether it took effect unseen, or its request a second time (V15).
        let unseen = self.at_venue.is_empty()
            || (self.all_ended() && self.may_be_repeated(traits) && !self.audited);
        let most = if unseen { shown.plus(all_of_it) } else { shown };
        most.minus(self.filled())
    }

    /// What it changed in the holding of its instrument, venue units: buys positive,
    /// spot fees charged in the base asset taken off (K2).
    #[must_use]
    pub fn received(&self, instrument: &Instrument) -> Amount {
        let sum = self.fills.values().fold(Decimal::ZERO, |sum, (fill, _)| {
            let received = self.received_by(fill, instrument);
            #[cfg(planted)]
            if let Some(add) = crate::planted::bent().add {
                return add(sum, received);
            }
            sum + received
        });
        Amount::from(sum)
    }

    /// The same of one fill.
    pub(crate) fn received_by(&self, fill: &Fill, instrument: &Instrument) -> Decimal {
        let traded = self.request.side.signed(fill.quantity).get();
        let in_base = instrument.kind == InstrumentKind::Spot && fill.fee_asset == instrument.base;
        #[cfg(planted)]
        let in_base = in_base && !crate::planted::bent().base_fee_ignored;
        traded - if in_base { fill.fee.get() } else { Decimal::ZERO }
    }

    /// True when the venue shows at least one order and all of them have ended.
    #[must_use]
    pub fn all_ended(&self) -> bool {
        !self.at_venue.is_empty()
            && self.at_venue.values().all(|order| matches!(order.state, OrderState::Ended(_)))
    }

    /// True when the venue last showed an order that can still execute.
    #[must_use]
    pub fn is_open_at_venue(&self) -> bool {
        self.at_venue.values().any(|order| order.state == OrderState::Open)
    }

    /// All that the venue shows has ended, and all its fills are here.
    pub(super) fn is_settled(&self) -> bool {
        self.all_ended()
            && self
                .at_venue
                .iter()
                .all(|(id, order)| self.filled_of(id).plus(self.busted_of(id)) >= order.executed)
    }

    /// Whether its request could take effect once more than was seen, had it been delivered twice (N5, V15). Once a class
    /// A venue has accepted an order it refuses every other copy; after one that it refused or rejected it need not, and
    /// of several transmissions the one that is shown says nothing of the others unless it executed.
    pub(super) fn may_be_repeated(&self, traits: &VenueTraits) -> bool {
        let rejected =
            |order: &AtVenue| matches!(order.state, OrderState::Ended(OrderEnd::Rejected { .. }));
        let shows_the_only_one = self.transmissions == 1 && !self.at_venue.values().all(rejected);
        traits.class != ResendClass::A || (self.executed().is_zero() && !shows_the_only_one)
    }

    /// Whether that is still open: until deadline and margin have passed and every listing was read once more.
    #[must_use]
    pub fn needs_audit(&self, traits: &VenueTraits) -> bool {
        let possible = match self.stage {
            Stage::Closed(Closing::Ended) => self.may_be_repeated(traits),
            Stage::Closed(Closing::Refused(_)) => true,
            _ => false,
        };
        possible && !self.audited
    }

    /// How long the refusal told to wait before anything is asked of the venue, in milliseconds.
    pub(super) fn announced_wait_ms(&self) -> u64 {
        match &self.stage {
            Stage::Closed(Closing::Refused(refusal)) => match refusal.kind {
                RefusalKind::RateLimited { retry_after_ms } => retry_after_ms,
                _ => 0,
            },
            _ => 0,
        }
    }

    /// The venue's word for why it ended without filling, if it gave one.
    #[must_use]
    pub fn end_reason(&self) -> Option<&str> {
        self.at_venue.values().find_map(|order| match &order.state {
            OrderState::Ended(OrderEnd::Cancelled { reason } | OrderEnd::Rejected { reason }) => {
                Some(reason.as_str())
            }
            _ => None,
        })
    }

    /// Whether a class A venue surely still knows the id at a venue time.
    pub(super) fn is_remembered(&self, traits: &VenueTraits, at: VenueMillis) -> bool {
        at < self.first_stamp.plus_ms(traits.id_horizon_ms)
    }

    /// Whether nothing its request led to can still be hidden at a venue time: deadline and margin have passed.
    pub(super) fn is_past_margin(&self, traits: &VenueTraits, at: VenueMillis) -> bool {
        at > self.request.deadline.plus_ms(traits.margin_ms.into())
    }

    /// Engine time at which the venue will have passed deadline and margin.
    #[must_use]
    pub fn provable_at(&self, traits: &VenueTraits) -> UnixMillis {
        let at = self.request.deadline.plus_ms(u64::from(traits.margin_ms) + 1);
        self.clock.engine_time(at)
    }
}

/// Quantity-weighted average, cut to 12 places.
pub(crate) fn average_price<'a>(fills: impl Iterator<Item = &'a Fill>) -> Option<Price> {
    let (mut value, mut quantity) = (Decimal::ZERO, Decimal::ZERO);
    for fill in fills {
        value = value.checked_add(fill.price.get().checked_mul(fill.quantity.get())?)?;
        quantity = quantity.checked_add(fill.quantity.get())?;
    }
    if quantity.is_zero() {
        return None;
    }
    let average = value.checked_div(quantity)?;
    Price::new(average.trunc_with_scale(12)).ok()
}
