//! A small exchange of each class, in whole lots: it takes orders, executes them as it is told to, and forgets nothing.
//!
//! Its list of orders is the oracle. It knows nothing of sagas and records.

use std::collections::BTreeSet;

use equipoise_core::{
    Amount, ClientOrderId, Fill, OrderEnd, OrderKind, OrderRequest, OrderSnapshot, OrderState,
    Price, ResendClass, Side, TimeInForce, TradeId, UnixMillis, VenueMillis, VenueOrderId,
};
use rust_decimal::Decimal;

use crate::spec::{amount, asset, lots, quantity};

/// One order the exchange took.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Held {
    pub(crate) client_id: ClientOrderId,
    pub(crate) side: Side,
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
    pub(crate) const fn new(class: ResendClass) -> Self {
        Self { class, orders: Vec::new(), split: BTreeSet::new() }
    }

    /// Lots bought less lots sold.
    pub(crate) fn position(&self) -> i64 {
        let signed = |order: &Held| match order.side {
            Side::Buy => i64::from(order.executed()),
            Side::Sell => -i64::from(order.executed()),
        };
        self.orders.iter().map(signed).sum()
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
        let wanted = lots(request.quantity).map_or(i64::MAX, i64::from);
        let reducible = match request.side {
            Side::Sell => self.position(),
            Side::Buy => -self.position(),
        };
        (request.reduce_only && reducible < wanted).then_some(Reply::RefusedReduceOnly)
    }

    /// Takes a request it does not turn down, or refuses it.
    pub(crate) fn arrive(
        &mut self,
        name: &str,
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
            side: request.side,
            wanted: lots(request.quantity).unwrap_or(u32::MAX),
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
        Reply::Placed(OrderSnapshot { fills: Vec::new(), ..self.show(name, number) })
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
    pub(crate) fn show(&self, name: &str, number: usize) -> OrderSnapshot {
        let order = &self.orders[number];
        let trade = |(at, lots): (usize, &u32)| Fill {
            trade: TradeId::new(&format!("{number}-{at}")).expect("printable"),
            price: Price::new(Decimal::from(100)).expect("a hundred is positive"),
            quantity: quantity(*lots),
            fee: Amount::ZERO,
            fee_asset: asset("USDT"),
            at: VenueMillis(order.arrived.0),
        };
        OrderSnapshot {
            venue_order: VenueOrderId::new(&format!("{name}-{number}")).expect("printable"),
            client_id: order.client_id.clone(),
            state: order.state(),
            executed: quantity(order.executed()),
            fills: order.trades.iter().enumerate().map(trade).collect(),
            busted: Vec::new(),
        }
    }

    /// Numbers of the orders that queries show.
    pub(crate) fn shown(&self) -> impl Iterator<Item = usize> {
        (0..self.orders.len()).filter(|number| self.orders[*number].shown)
    }

    /// The account's position as a query shows it.
    pub(crate) fn shown_position(&self) -> Amount {
        amount(self.position())
    }
}
