//! What an exchange shows when it is asked: perhaps late, perhaps an earlier moment, never something that was not.

use equipoise_core::{
    Asset, ClientOrderId, Fill, OrderSnapshot, OrderState, Symbol, VenueMillis, VenueOrderId,
};
use equipoise_port::CancelAnswer;

use super::{Call, Exchange, FeeIn, Reply, State, VenueEvent};
use crate::env::Env;
use crate::fault::Fault;
use crate::units;

/// How much earlier than its stamp an order may have been created by the venue's clock.
const AHEAD_MS: u64 = 1_000;

impl Exchange {
    pub(super) fn look(&mut self, env: &mut Env, call: Call) -> Reply {
        match call {
            Call::Time | Call::Place(_) => Reply::Time(self.venue_time(env.now)),
            Call::Find { client, venue_order } => {
                Reply::Orders(self.find(env, &client, venue_order.as_ref()))
            }
            Call::List { symbol, since } => Reply::Orders(self.list(env, &symbol, since)),
            Call::Position(symbol) => {
                let market = self.market(&symbol);
                Reply::Position(units::amount(self.position(env, market)))
            }
            Call::Book(symbol) => {
                let market = self.market(&symbol);
                Reply::Book(self.markets[market].top(env))
            }
            Call::Cancel { client, venue_order } => {
                Reply::Cancelled(self.cancel(env, &client, venue_order.as_ref()))
            }
        }
    }

    /// By the venue's id where it is known; by client id the latest order under it, as venues answer with one.
    fn find(
        &self,
        env: &mut Env,
        client: &ClientOrderId,
        venue_order: Option<&VenueOrderId>,
    ) -> Vec<OrderSnapshot> {
        let found = self.under(client).rev().find(|order| {
            let order = &self.orders[*order];
            order.found_from <= env.now
                && self.still_listed(env, order.created_at)
                && venue_order.is_none_or(|id| order.id == *id)
        });
        found.and_then(|order| self.view(env, order, true)).into_iter().collect()
    }

    fn list(&self, env: &mut Env, symbol: &Symbol, since: VenueMillis) -> Vec<OrderSnapshot> {
        let market = self.market(symbol);
        let since = since.0.saturating_sub(AHEAD_MS);
        let with_fills = env.rng.bool();
        let wanted = |order: &super::VenueOrder| {
            order.market == market
                && order.created_at >= since
                && order.listed_from <= env.now
                && self.still_listed(env, order.created_at)
        };
        // Orders are kept in the order of their creation, so the search can stop at the first that is too old;
        // a clock that jumped puts a few out of order, hence the slack. One that became an order late may be anywhere.
        let recent = self.orders.iter().enumerate().rev();
        let late = env.faults.is_on(Fault::ExecutedBeyondMargin);
        let recent = recent.take_while(|(_, order)| late || order.created_at + 10_000 >= since);
        let listed: Vec<usize> =
            recent.filter(|(_, order)| wanted(order)).map(|(index, _)| index).collect();
        listed.into_iter().rev().filter_map(|order| self.view(env, order, with_fills)).collect()
    }

    fn still_listed(&self, env: &Env, created_at: u64) -> bool {
        created_at + self.traits.lookup_window_ms >= self.venue_time(env.now)
    }

    /// The order as it is.
    pub(super) fn truth(&self, order: usize, with_fills: bool) -> OrderSnapshot {
        let order = &self.orders[order];
        let state = match &order.state {
            State::Ended(end) => OrderState::Ended(end.clone()),
            _ => OrderState::Open,
        };
        let fills = order.trades.iter().filter(|trade| !self.trades[**trade].busted);
        let fills = fills.map(|trade| self.fill(*trade)).filter(|_| with_fills).collect();
        OrderSnapshot {
            venue_order: order.id.clone(),
            client_id: order.client.clone(),
            state,
            executed: units::qty(order.executed),
            fills,
            busted: self.busted(order, with_fills),
        }
    }

    /// The order as it was at a moment that may lie back, with the trades listed by now.
    fn view(&self, env: &mut Env, order: usize, with_fills: bool) -> Option<OrderSnapshot> {
        let stale = env.lag(Fault::StaleStatus, 1_500);
        let order = &self.orders[order];
        let at = env.now - stale;
        let seen = order.history.iter().rev().find(|(since, _, _)| *since <= at);
        let (_, executed, end) = seen.or(order.history.first())?;
        let listed = |trade: &&usize| {
            let trade = &self.trades[**trade];
            trade.visible_from <= env.now && !trade.busted
        };
        let fills = order.trades.iter().filter(listed).map(|trade| self.fill(*trade));
        Some(OrderSnapshot {
            venue_order: order.id.clone(),
            client_id: order.client.clone(),
            state: end.clone().map_or(OrderState::Open, OrderState::Ended),
            executed: units::qty(*executed),
            fills: if with_fills { fills.collect() } else { Vec::new() },
            busted: self.busted(order, with_fills),
        })
    }

    fn busted(&self, order: &super::VenueOrder, with_fills: bool) -> Vec<Fill> {
        let busted = order.trades.iter().filter(|trade| self.trades[**trade].busted);
        busted.map(|trade| self.fill(*trade)).filter(|_| with_fills).collect()
    }

    fn fill(&self, trade: usize) -> Fill {
        let trade = &self.trades[trade];
        let instrument = &self.markets[trade.market].instrument;
        Fill {
            trade: trade.id.clone(),
            price: units::price(trade.price),
            quantity: units::qty(trade.quantity),
            fee: units::amount(trade.fee),
            fee_asset: match trade.fee_in {
                FeeIn::Quote => instrument.quote.clone(),
                FeeIn::Base => instrument.base.clone(),
                FeeIn::Third => Asset::new("POINTS").expect("it is an asset name"),
            },
            at: VenueMillis(self.venue_time(trade.at)),
        }
    }

    fn cancel(
        &mut self,
        env: &mut Env,
        client: &ClientOrderId,
        venue_order: Option<&VenueOrderId>,
    ) -> CancelAnswer {
        let open = self.under(client).find(|order| {
            let order = &self.orders[*order];
            order.is_open() && venue_order.is_none_or(|id| order.id == *id)
        });
        let Some(order) = open else {
            return CancelAnswer::NotOpen;
        };
        self.orders[order].cancel_acknowledged = true;
        let at = env.now + env.rng.u64(0..=3) + env.lag(Fault::SlowCancel, 3_000);
        env.later(at, self.index, VenueEvent::CancelTakes { order });
        CancelAnswer::Acknowledged
    }
}
