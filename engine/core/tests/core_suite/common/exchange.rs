//! A small exchange in a test: takes orders, executes some of them, forgets nothing. Its own book of what happened is
//! the oracle; it shares no code with the saga.

use std::collections::BTreeMap;

use equipoise_core::*;

use super::batch::*;

/// Numbers from a seed, the same on every machine.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % most.max(1)
    }

    pub(crate) fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    /// True in so many of a hundred cases.
    pub(crate) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Resting {
    pub(crate) id: VenueOrderId,
    pub(crate) client_id: ClientOrderId,
    pub(crate) side: Side,
    pub(crate) quantity: Qty,
    pub(crate) executed: Qty,
    pub(crate) fills: Vec<(u64, Fill)>,
    pub(crate) open: bool,
    /// Engine time from which queries show it.
    pub(crate) shown_from: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Exchange {
    pub(crate) orders: Vec<Resting>,
    trades: u64,
    /// A request that is doubled must not be refused once and taken once.
    pub(crate) never_refuses: bool,
}

/// What the exchange makes of one request.
pub(crate) enum Verdict {
    Placed(OrderSnapshot),
    Refused(RefusalKind),
    /// An answer the adapter must not take for a refusal.
    Unclear,
}

impl Exchange {
    /// One request arrives at an engine time.
    pub(crate) fn arrive(
        &mut self,
        leg: &LegSpec,
        request: &OrderRequest,
        now: u64,
        dice: &mut Dice,
    ) -> Verdict {
        let venue_now = now.saturating_add_signed(OFFSET_MS);
        if leg.traits.class != ResendClass::C && venue_now > request.deadline.0 {
            return Verdict::Refused(RefusalKind::Transient);
        }
        let same = |order: &&Resting| order.client_id == request.client_id;
        let known = match leg.traits.class {
            ResendClass::A => self.orders.iter().any(|order| same(&order)),
            _ => self.orders.iter().any(|order| order.open && same(&order)),
        };
        if known {
            return Verdict::Unclear;
        }
        match dice.below(40) {
            _ if self.never_refuses => {}
            0 => return Verdict::Refused(RefusalKind::Final),
            1 | 2 => return Verdict::Refused(RefusalKind::Transient),
            3 => {
                return Verdict::Refused(RefusalKind::RateLimited {
                    retry_after_ms: dice.between(100, 4_000),
                });
            }
            _ => {}
        }
        let rests =
            matches!(request.kind, OrderKind::Limit { time_in_force: TimeInForce::Gtc, .. });
        let number = self.orders.len();
        self.orders.push(Resting {
            id: VenueOrderId::new(&format!("{}-{number}", leg.name)).unwrap(),
            client_id: request.client_id.clone(),
            side: request.side,
            quantity: request.quantity,
            executed: Qty::ZERO,
            fills: Vec::new(),
            open: true,
            shown_from: now + dice.below(300),
        });
        let share =
            if rests { 0 } else { [0, 30, 70, 100, 100, 100, 100, 100][dice.below(8) as usize] };
        self.execute(number, share, leg, now, dice);
        let order = &mut self.orders[number];
        order.open = rests;
        Verdict::Placed(match leg.traits.class {
            // Acknowledged and no more.
            ResendClass::A => OrderSnapshot {
                venue_order: order.id.clone(),
                client_id: order.client_id.clone(),
                state: OrderState::Open,
                executed: Qty::ZERO,
                fills: Vec::new(),
                busted: Vec::new(),
            },
            _ => order.show(now, false),
        })
    }

    /// Executes a percentage of what is left of an order.
    pub(crate) fn execute(
        &mut self,
        number: usize,
        percent: u64,
        leg: &LegSpec,
        now: u64,
        dice: &mut Dice,
    ) {
        let order = &mut self.orders[number];
        let left = order.quantity.minus(order.executed);
        let part = left.get() * qty(&percent.to_string()).get() / qty("100").get();
        let part = Qty::truncated(part).unwrap().round_down(leg.instrument.lot);
        if part.is_zero() {
            return;
        }
        self.trades += 1;
        order.executed = order.executed.plus(part);
        let fill = Fill {
            trade: TradeId::new(&format!("{}", self.trades)).unwrap(),
            price: price(&dice.between(64_900, 65_100).to_string()),
            quantity: part,
            fee: amount("0.001"),
            fee_asset: asset("USDT"),
            at: VenueMillis(now),
        };
        order.fills.push((now + dice.below(200), fill));
        if order.executed == order.quantity {
            order.open = false;
        }
    }

    /// Everything under one id that queries show at an engine time.
    pub(crate) fn find(&self, client_id: &ClientOrderId, now: u64) -> Vec<OrderSnapshot> {
        let own = self
            .orders
            .iter()
            .filter(|order| order.client_id == *client_id && order.shown_from <= now);
        own.map(|order| order.show(now, true)).collect()
    }

    pub(crate) fn cancel(&mut self, client_id: &ClientOrderId) {
        for order in &mut self.orders {
            if order.client_id == *client_id {
                order.open = false;
            }
        }
    }

    /// What was bought less what was sold, venue units.
    pub(crate) fn position(&self) -> Amount {
        self.orders.iter().fold(Amount::ZERO, |sum, order| sum + order.side.signed(order.executed))
    }

    /// How often each id took effect.
    pub(crate) fn effects(&self) -> BTreeMap<ClientOrderId, usize> {
        let mut effects = BTreeMap::new();
        for order in self.orders.iter().filter(|order| !order.executed.is_zero()) {
            *effects.entry(order.client_id.clone()).or_insert(0) += 1;
        }
        effects
    }
}

impl Resting {
    fn show(&self, now: u64, with_fills: bool) -> OrderSnapshot {
        let state = if self.open {
            OrderState::Open
        } else if self.executed == self.quantity {
            OrderState::Ended(OrderEnd::Filled)
        } else {
            OrderState::Ended(OrderEnd::Cancelled { reason: "expired".to_owned() })
        };
        let fills = self.fills.iter().filter(|(from, _)| with_fills && *from <= now);
        OrderSnapshot {
            venue_order: self.id.clone(),
            client_id: self.client_id.clone(),
            state,
            executed: self.executed,
            fills: fills.map(|(_, fill)| fill.clone()).collect(),
            busted: Vec::new(),
        }
    }
}
