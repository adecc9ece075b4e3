//! A small exchange of each class, in whole lots: it takes orders, executes them as it is told to, and forgets nothing.
//!
//! Its list of orders is the oracle. It knows nothing of sagas and records.

use std::collections::BTreeSet;

use equipoise_core::{
    Amount, ClientOrderId, Fill, InstrumentKind, OrderEnd, OrderKind, OrderRequest, OrderSnapshot,
    OrderState, OrderTag, PositionMode, PositionSide, ResendClass, Role, Side, TimeInForce,
    TradeId, UnixMillis, VenueMillis, VenueOrderId,
};

use crate::config::LegShape;
use crate::terms::{Terms, asset, decimal, price};
use crate::world::signed;

/// One order the exchange took.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Held {
    pub(crate) client_id: ClientOrderId,
    pub(crate) role: Role,
    pub(crate) side: Side,
    pub(crate) position_side: PositionSide,
    pub(crate) wanted: u32,
    pub(crate) rests: bool,
    pub(crate) arrived: UnixMillis,
    pub(crate) deadline: VenueMillis,
    /// Lots of each trade.
    pub(crate) trades: Vec<u32>,
    pub(crate) life: Life,
    /// Queries show it.
    pub(crate) shown: bool,
    /// It came from a repetition by the network, not from the engine.
    pub(crate) copied: bool,
}

/// Where an order is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Life {
    /// Admitted by the gateway, not executed yet.
    Queued,
    Resting,
    Filled,
    Cancelled,
    Rejected,
}

/// What an exchange makes of a request, where it has a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Verdict {
    /// Takes it and executes so many lots at once; at a gateway it only queues it.
    Take(u32),
    /// The same, but queries do not show it at first.
    TakeHidden(u32),
    RefuseFinal,
    RefuseTransient,
    RefuseLimited,
}

/// What the sender is told.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Reply {
    Placed(OrderSnapshot),
    RefusedFinal,
    RefusedTransient,
    RefusedLimited,
    RefusedReduceOnly,
    /// An answer that is neither.
    Unclear,
}

/// One venue and instrument.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Exchange {
    pub(crate) class: ResendClass,
    pub(crate) terms: &'static Terms,
    pub(crate) orders: Vec<Held>,
    /// Ids of requests of which one copy was refused while another was, or may yet be, taken.
    pub(crate) split: BTreeSet<ClientOrderId>,
}

impl Held {
    pub(crate) fn executed(&self) -> u32 {
        self.trades.iter().sum()
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.life, Life::Queued | Life::Resting)
    }

    fn execute(&mut self, lots: u32) {
        if lots > 0 {
            self.trades.push(lots);
        }
        self.life = if self.executed() >= self.wanted {
            Life::Filled
        } else if self.rests {
            Life::Resting
        } else {
            Life::Cancelled
        };
    }

    fn state(&self) -> OrderState {
        let end = match self.life {
            Life::Queued | Life::Resting => return OrderState::Open,
            Life::Filled => OrderEnd::Filled,
            Life::Cancelled => OrderEnd::Cancelled { reason: String::new() },
            Life::Rejected => OrderEnd::Rejected { reason: String::new() },
        };
        OrderState::Ended(end)
    }
}

impl Exchange {
    pub(crate) const fn new(shape: &LegShape) -> Self {
        let terms = shape.product.terms();
        Self { class: shape.class, terms, orders: Vec::new(), split: BTreeSet::new() }
    }

    /// Lots bought less lots sold, in one of the account's positions or in all of them.
    fn executed(&self, of: Option<PositionSide>) -> i64 {
        let orders =
            self.orders.iter().filter(|order| of.is_none_or(|of| order.position_side == of));
        orders.map(|order| signed(order.side, order.executed())).sum()
    }

    /// Lots bought less lots sold.
    pub(crate) fn position(&self) -> i64 {
        self.executed(None)
    }

    /// What the batch's orders brought and took back, parts of a venue unit, fees taken off.
    pub(crate) fn holding(&self) -> i128 {
        let received = |order: &Held| self.terms.received(order.side, order.executed());
        self.orders.iter().map(received).sum()
    }

    /// The account's position that an order belongs to, lots, with what was there before.
    fn account_position(&self, of: PositionSide) -> i64 {
        let before = match (self.terms.mode, of) {
            (PositionMode::Hedge, PositionSide::Long) => self.terms.before.max(0),
            (PositionMode::Hedge, _) => self.terms.before.min(0),
            (PositionMode::OneWay, _) => self.terms.before,
        };
        before + self.executed(Some(of))
    }

    /// Whether it would not take a request at all, whatever the market; what it then answers.
    pub(crate) fn turns_down(&self, request: &OrderRequest, now: UnixMillis) -> Option<Reply> {
        let known = self.orders.iter().filter(|order| order.client_id == request.client_id);
        let (mut known, mut open) = (known.clone(), known.filter(|order| order.is_open()));
        if self.class != ResendClass::C && now.0 > request.deadline.0 {
            return Some(Reply::RefusedTransient);
        }
        match self.class {
            ResendClass::A if known.next().is_some() => return Some(Reply::Unclear),
            ResendClass::B if open.next().is_some() => return Some(Reply::Unclear),
            _ => {}
        }
        let wanted = self.terms.lots(request.quantity).map_or(i64::MAX, i64::from);
        let position = self.account_position(request.position_side);
        let reducible = match request.side {
            Side::Sell => position,
            Side::Buy => -position,
        };
        // In hedge mode a position has one direction: what goes against it can only close it.
        let closes = matches!(
            (request.position_side, request.side),
            (PositionSide::Long, Side::Sell) | (PositionSide::Short, Side::Buy)
        );
        let reduces = request.reduce_only || closes;
        (reduces && reducible < wanted).then_some(Reply::RefusedReduceOnly)
    }

    /// Takes a request it does not turn down, or refuses it.
    pub(crate) fn arrive(
        &mut self,
        tag: OrderTag,
        request: &OrderRequest,
        copied: bool,
        now: UnixMillis,
        verdict: Verdict,
    ) -> Reply {
        let (fill, shown) = match verdict {
            Verdict::Take(fill) => (fill, true),
            Verdict::TakeHidden(fill) => (fill, false),
            Verdict::RefuseFinal => return Reply::RefusedFinal,
            Verdict::RefuseTransient => return Reply::RefusedTransient,
            Verdict::RefuseLimited => return Reply::RefusedLimited,
        };
        let mut order = Held {
            client_id: request.client_id.clone(),
            role: tag.role,
            side: request.side,
            position_side: request.position_side,
            wanted: self.terms.lots(request.quantity).unwrap_or(u32::MAX),
            rests: matches!(request.kind, OrderKind::Limit { time_in_force: TimeInForce::Gtc, .. }),
            arrived: now,
            deadline: request.deadline,
            trades: Vec::new(),
            life: Life::Queued,
            shown,
            copied,
        };
        if self.class != ResendClass::A {
            order.execute(fill);
        }
        self.orders.push(order);
        let number = self.orders.len() - 1;
        // What is acknowledged says nothing of its trades yet.
        Reply::Placed(OrderSnapshot { fills: Vec::new(), ..self.show(tag.leg, number) })
    }

    pub(crate) fn execute(&mut self, number: usize, lots: u32) {
        self.orders[number].execute(lots);
    }

    pub(crate) fn reject(&mut self, number: usize) {
        self.orders[number].life = Life::Rejected;
    }

    /// Cancels what is open under an id.
    pub(crate) fn cancel(&mut self, client_id: &ClientOrderId) {
        for order in &mut self.orders {
            if order.client_id == *client_id && order.is_open() && order.shown {
                order.life = Life::Cancelled;
            }
        }
    }

    /// What a query shows of one order.
    pub(crate) fn show(&self, leg: u8, number: usize) -> OrderSnapshot {
        let (order, terms) = (&self.orders[number], self.terms);
        // Entries found another market than what took them back.
        let paid = match (order.role, order.side) {
            (Role::Entry, _) => terms.entry,
            (Role::Unwind, Side::Sell) => terms.bid,
            (Role::Unwind, Side::Buy) => terms.ask,
        };
        let trade = |(at, lots): (usize, &u32)| Fill {
            trade: TradeId::new(&format!("{number}-{at}")).expect("printable"),
            price: price(paid),
            quantity: terms.quantity(*lots),
            fee: Amount::from(decimal(terms.fee(order.side, *lots))),
            fee_asset: asset(terms.fee_asset(order.side)),
            at: VenueMillis(order.arrived.0),
        };
        OrderSnapshot {
            venue_order: venue_order(leg, number),
            client_id: order.client_id.clone(),
            state: order.state(),
            executed: terms.quantity(order.executed()),
            fills: order.trades.iter().enumerate().map(trade).collect(),
            busted: Vec::new(),
        }
    }

    /// Numbers of the orders that queries show.
    pub(crate) fn shown(&self) -> impl Iterator<Item = usize> {
        (0..self.orders.len()).filter(|number| self.orders[*number].shown)
    }

    /// The account's position as a query shows it, venue units; nothing where there are only balances.
    pub(crate) fn shown_position(&self) -> Option<Amount> {
        let lots = i128::from(self.terms.before + self.position());
        let derivative = self.terms.kind != InstrumentKind::Spot;
        derivative.then(|| Amount::from(decimal(lots * self.terms.lot)))
    }
}

/// The exchange's own id of an order.
pub(crate) fn venue_order(leg: u8, number: usize) -> VenueOrderId {
    VenueOrderId::new(&format!("{leg}-{number}")).expect("printable")
}
