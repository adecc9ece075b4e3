//! The matching engine: late and double checks, execution, resting orders and cancels.

use equipoise_core::{
    DeadlineCheck, OrderEnd, OrderSnapshot, RefusalKind, ResendClass, Side, TimeInForce,
};
use equipoise_port::PlaceError;

use super::place::{refused, unknown};
use super::{Exchange, State, VenueEvent};
use crate::env::Env;
use crate::fault::Fault;
use crate::mark::Mark;

fn cancelled(reason: &str) -> OrderEnd {
    OrderEnd::Cancelled { reason: reason.to_owned() }
}

impl Exchange {
    /// An admitted order reaches the matching engine; the answer is for venues that answer from here.
    pub(super) fn take_up(
        &mut self,
        env: &mut Env,
        order: usize,
    ) -> Result<OrderSnapshot, PlaceError> {
        if let Some(error) = self.refuse_at_engine(env, order) {
            if self.class() == ResendClass::A {
                // It was acknowledged, so it is shown as rejected.
                self.schedule_sight(env, order);
                self.end(env, order, OrderEnd::Rejected { reason: "reduce only".to_owned() });
            } else {
                self.orders[order].state = State::Void;
            }
            return Err(self.refusal_of_copies(order, error));
        }
        if self.orders[order].breaks_margin {
            // Listed as of the moment at which it became an order.
            self.orders[order].beyond_margin = Some(env.now);
            self.orders[order].created_at = self.venue_time(env.now);
        }
        self.schedule_sight(env, order);
        self.orders[order].state = State::Open;
        self.orders[order].remember(env.now);
        if self.class() == ResendClass::A && env.faults.strikes(Fault::AsyncRejection) {
            self.end(env, order, OrderEnd::Rejected { reason: "margin".to_owned() });
        } else if env.faults.strikes(Fault::SelfTradePrevention) {
            self.end(env, order, cancelled("self-trade prevention"));
        } else {
            self.fill_what_crosses(env, order);
        }
        let with_fills = env.rng.bool();
        Ok(self.truth(order, with_fills))
    }

    /// The answer to an order turned away here, unless another copy of its request was taken.
    fn refusal_of_copies(&mut self, order: usize, error: PlaceError) -> PlaceError {
        let (client, departure) = (&self.orders[order].client, self.orders[order].departure);
        let taken = self.under(client).any(|other| {
            other != order
                && self.orders[other].departure == departure
                && self.orders[other].state != State::Void
        });
        if taken && (!self.splits_answers || self.class() == ResendClass::C) {
            return unknown("a copy was taken");
        }
        self.refuse_copy(departure);
        error
    }

    fn refuse_at_engine(&mut self, env: &mut Env, order: usize) -> Option<PlaceError> {
        let placed = &self.orders[order];
        let at_engine = self.traits.deadline_check == DeadlineCheck::MatchingEngine;
        if at_engine && self.venue_time(env.now) > placed.deadline {
            env.tally.hit(Mark::RefusedLate);
            return Some(refused(RefusalKind::Transient, "late at the engine"));
        }
        let at_gateway = self.traits.deadline_check == DeadlineCheck::Gateway;
        let margin_end = self.engine_time(placed.deadline + u64::from(self.traits.margin_ms));
        let copied = self.under(&placed.client).any(|other| {
            other != order
                && self.orders[other].departure == placed.departure
                && self.orders[other].state != State::Void
        });
        let kept = copied || !placed.breaks_margin;
        if at_gateway && kept && env.now > self.shown_by(placed.deadline) {
            // Its clock jumped while the order waited, or a copy of it was taken; the promise still holds.
            return Some(refused(RefusalKind::Transient, "late"));
        }
        if copied && self.traits.deadline_check == DeadlineCheck::None && env.now > margin_end {
            // A second effect comes within what the engine can watch, or not at all.
            return Some(unknown("a copy was taken"));
        }
        let twin =
            self.under(&placed.client).any(|other| other != order && self.orders[other].is_open());
        if self.class() == ResendClass::B && twin {
            return Some(unknown("an open order has this client id"));
        }
        let reducible = self.reducible(order)?;
        let trouble = env.faults.strikes(Fault::ReduceOnlyTrouble);
        if reducible <= 0 || (trouble && reducible < self.orders[order].quantity) {
            return Some(refused(RefusalKind::ReduceOnly, "reduce only"));
        }
        let placed = &mut self.orders[order];
        placed.quantity = placed.quantity.min(reducible);
        None
    }

    /// When queries and listings begin to show it: never later than the venue promises.
    fn schedule_sight(&mut self, env: &mut Env, order: usize) {
        let (deadline, departure) = (self.orders[order].deadline, self.orders[order].departure);
        let twins = self.under(&self.orders[order].client);
        let copies: Vec<usize> =
            twins.filter(|twin| self.orders[*twin].departure == departure).collect();
        let margin_end = self.engine_time(deadline + u64::from(self.traits.margin_ms));
        let copied = copies.len() > 1 || self.is_split(departure);
        for copy in copies.iter().filter(|_| copied) {
            // Both show within what the engine can watch, on class C too.
            let copy = &mut self.orders[*copy];
            copy.found_from = copy.found_from.min(margin_end.max(env.now));
            copy.listed_from = copy.listed_from.min(margin_end.max(env.now));
        }
        let latest = if copied { margin_end } else { self.shown_by(deadline) };
        let found = env.now + env.lag(Fault::QueryLag, 6_000);
        let listed = env.now + env.lag(Fault::QueryLag, 6_000);
        let placed = &mut self.orders[order];
        placed.found_from = found.min(latest).max(env.now);
        placed.listed_from = listed.min(latest).max(env.now);
    }

    fn fill_what_crosses(&mut self, env: &mut Env, order: usize) {
        let (market, side, limit, wanted) = {
            let placed = &self.orders[order];
            (placed.market, placed.side, placed.limit, placed.quantity)
        };
        let touch = match side {
            Side::Buy => self.markets[market].ask(env),
            Side::Sell => self.markets[market].bid(env),
        };
        let crosses = limit.is_none_or(|(price, _)| match side {
            Side::Buy => price >= touch,
            Side::Sell => price <= touch,
        });
        let offered = self.markets[market].offered(env, wanted);
        let time_in_force = limit.map(|(_, time_in_force)| time_in_force);
        match (crosses, time_in_force) {
            (true, Some(TimeInForce::PostOnly)) => self.end(env, order, cancelled("would take")),
            (true, Some(TimeInForce::Fok)) if offered < wanted => {
                self.end(env, order, cancelled("not whole"));
            }
            (true, _) => self.take(env, order, offered, touch),
            (false, _) => {}
        }
        if !self.orders[order].is_open() {
            return;
        }
        match time_in_force {
            Some(TimeInForce::Gtc | TimeInForce::PostOnly) => {
                self.orders[order].remember(env.now);
                let at = env.now + env.rng.u64(100..=4_000);
                env.later(at, self.index, VenueEvent::Rest { order });
            }
            _ => self.end(env, order, cancelled("expired")),
        }
    }

    /// One to three trades at a price.
    fn take(&mut self, env: &mut Env, order: usize, quantity: i64, price: i64) {
        let market = self.orders[order].market;
        let mut left = quantity;
        for last in [false, false, true] {
            let part = if last || env.rng.bool() {
                left
            } else {
                self.markets[market].some_lots(env, left)
            };
            if part > 0 {
                self.execute(env, order, part, price);
            }
            left -= part;
            if left == 0 {
                break;
            }
        }
        if self.orders[order].executed == self.orders[order].quantity {
            self.end(env, order, OrderEnd::Filled);
        }
    }

    fn end(&mut self, env: &mut Env, order: usize, end: OrderEnd) {
        let placed = &mut self.orders[order];
        placed.state = State::Ended(end);
        placed.remember(env.now);
        let (name, placed) = (&self.name, &self.orders[order]);
        env.trace.line(env.now, || format!("{name} order {} {:?}", placed.client, placed.state));
    }

    /// The market may have come to a resting order.
    pub(super) fn market_comes(&mut self, env: &mut Env, order: usize) {
        if !self.orders[order].is_open() {
            return;
        }
        let placed = &self.orders[order];
        let rest = placed.quantity - placed.executed;
        let price = placed.limit.map_or(1, |(price, _)| price);
        let rest = self.reducible(order).map_or(rest, |reducible| reducible.min(rest).max(0));
        match env.rng.u8(0..10) {
            0..=3 => {
                let market = self.orders[order].market;
                let part = self.markets[market].some_lots(env, rest);
                if part > 0 {
                    self.take(env, order, part, price);
                }
            }
            4..=6 if rest > 0 => self.take(env, order, rest, price),
            _ => {}
        }
        if self.orders[order].is_open() {
            self.orders[order].remember(env.now);
            let at = env.now + env.rng.u64(100..=4_000);
            env.later(at, self.index, VenueEvent::Rest { order });
        } else {
            env.tally.hit(Mark::RestingFilled);
        }
    }

    pub(super) fn cancel_takes(&mut self, env: &mut Env, order: usize) {
        if !self.orders[order].is_open() {
            return;
        }
        if env.faults.strikes_with(Fault::SlowCancel, 500) {
            self.market_comes(env, order);
        }
        if self.orders[order].is_open() {
            env.tally.hit(Mark::RestingCancelled);
            self.end(env, order, cancelled("by request"));
        }
        if self.orders[order].filled_after_cancel {
            env.tally.hit(Mark::FillAfterCancelAck);
        }
    }
}
