//! Prices, and what the account holds.

use equipoise_core::{BookTop, PositionMode, PositionSide, ResendClass, Side};

use super::{Exchange, FeeIn, Market, Trade, VenueEvent};
use crate::env::Env;
use crate::fault::Fault;
use crate::units;

/// What a bare book holds: for most instruments less than the smallest order.
const BARE_LOTS: std::ops::RangeInclusive<u64> = 1..=30;

impl Market {
    /// Lets the price wander by the time that passed.
    fn wander(&mut self, env: &mut Env) {
        let steps = (env.now - self.moved_at) / 100;
        if steps == 0 {
            return;
        }
        self.moved_at = env.now;
        let wild = env.faults.strikes_with(Fault::WildPrices, 300);
        let ticks = if wild { 4_000 } else { 6 } * i64::try_from(steps.isqrt()).unwrap_or(1);
        let moved = self.mid + env.rng.i64(-ticks..=ticks) * self.tick;
        self.mid = moved.max(self.tick * 1_000);
    }

    pub(super) fn bid(&mut self, env: &mut Env) -> i64 {
        self.wander(env);
        self.mid - self.tick
    }

    pub(super) fn ask(&mut self, env: &mut Env) -> i64 {
        self.wander(env);
        self.mid + self.tick
    }

    pub(super) fn top(&mut self, env: &mut Env) -> BookTop {
        let (bid, ask) = (self.bid(env), self.ask(env));
        let size = units::qty(self.lot * 1_000);
        let top = |price: i64| Some((units::price(price), size));
        if env.faults.strikes(Fault::UnsoundBook) {
            return match env.faults.size(Fault::UnsoundBook, 0..=2) {
                0 => BookTop { bid: None, ask: top(ask) },
                1 => BookTop { bid: top(bid), ask: None },
                _ => BookTop { bid: top(ask), ask: top(bid) },
            };
        }
        BookTop { bid: top(bid), ask: top(ask) }
    }

    /// What the book holds of what is wanted.
    pub(super) fn offered(&self, env: &mut Env, wanted: i64) -> i64 {
        let thin = env.faults.strikes(Fault::ThinBook);
        let offered = if thin { self.some_lots(env, wanted) } else { wanted };
        if !env.faults.strikes(Fault::BareBook) {
            return offered;
        }
        let lots = env.faults.size(Fault::BareBook, BARE_LOTS).cast_signed();
        offered.min(lots * self.lot)
    }

    /// Whole lots somewhere between nothing and `most`.
    pub(super) fn some_lots(&self, env: &mut Env, most: i64) -> i64 {
        env.rng.i64(0..=most / self.lot) * self.lot
    }

    /// The position as it was at an engine time.
    fn position_at(&self, at: u64) -> i64 {
        let seen = self.positions.iter().rev().find(|(since, _, _)| *since <= at);
        seen.map_or(0, |(_, long, short)| long - short)
    }
}

impl Exchange {
    /// How much an order may still reduce its position; `None` where it need not reduce one.
    pub(super) fn reducible(&self, order: usize) -> Option<i64> {
        let order = &self.orders[order];
        let market = &self.markets[order.market];
        let (long, short) = market.sides();
        match (self.mode, order.position_side, order.side) {
            (PositionMode::Hedge, PositionSide::Long, Side::Sell) => Some(long),
            (PositionMode::Hedge, PositionSide::Short, Side::Buy) => Some(short),
            (PositionMode::OneWay, _, _) if order.reduce_only => Some(match order.side {
                Side::Sell => market.net().max(0),
                Side::Buy => (-market.net()).max(0),
            }),
            _ => None,
        }
    }

    pub(super) fn execute(&mut self, env: &mut Env, order: usize, quantity: i64, price: i64) {
        let index = self.trades.len();
        let (market, side, position_side, client) = {
            let order = &mut self.orders[order];
            order.executed += quantity;
            order.trades.push(index);
            if order.cancel_acknowledged {
                order.filled_after_cancel = true;
            }
            (order.market, order.side, order.position_side, order.client.clone())
        };
        let (fee, fee_in) = self.markets[market].fee(env, self.spot_fee, side, quantity, price);
        let lag = env.lag(Fault::FillLag, 3_000);
        self.book_trade(env.now, market, side, position_side, quantity);
        self.trades.push(Trade {
            order: Some(order),
            market,
            side,
            price,
            quantity,
            fee,
            fee_in,
            at: env.now,
            visible_from: env.now + lag,
            busted: false,
            id: trade_id(self.index, index),
        });
        self.plan_bust(env, order, index);
        let name = &self.name;
        env.trace.number(index as u64 ^ (quantity as u64) << 8);
        env.trace.line(env.now, || {
            format!(
                "{name} trades {} {} at {} for {client}",
                side.as_str(),
                units::qty(quantity),
                units::price(price)
            )
        });
    }

    /// A trade may be taken back while the engine still looks: by deadline and margin, and where it looks then at all.
    fn plan_bust(&self, env: &mut Env, order: usize, trade: usize) {
        let latest = self.engine_time(self.watched_until(order));
        let watched = self.class() != ResendClass::A && latest > env.now;
        if watched && env.faults.strikes(Fault::TradeBusted) {
            let at = env.rng.u64(env.now + 1..=latest);
            env.later(at, self.index, VenueEvent::Bust { trade });
        }
    }

    fn watched_until(&self, order: usize) -> u64 {
        self.orders[order].deadline + u64::from(self.traits.margin_ms)
    }

    pub(super) fn bust(&mut self, env: &mut Env, trade: usize) {
        let (market, side, quantity) = {
            let trade = &self.trades[trade];
            (trade.market, trade.side, trade.quantity)
        };
        let Some(order) = self.trades[trade].order else { return };
        if self.venue_time(env.now) > self.watched_until(order) {
            return;
        }
        self.trades[trade].busted = true;
        let position_side = self.orders[order].position_side;
        self.book_trade(env.now, market, side.opposite(), position_side, quantity);
        let name = &self.name;
        env.trace
            .line(env.now, || format!("{name} takes a trade of {} back", units::qty(quantity)));
    }

    fn book_trade(
        &mut self,
        now: u64,
        market: usize,
        side: Side,
        position_side: PositionSide,
        quantity: i64,
    ) {
        let market = &mut self.markets[market];
        let (long, short) = market.sides();
        let signed = if side == Side::Buy { quantity } else { -quantity };
        let after = match (self.mode, position_side) {
            (PositionMode::Hedge, PositionSide::Short) => (long, short - signed),
            _ => (long + signed, short),
        };
        market.positions.push((now, after.0, after.1));
    }

    /// Someone else on the account trades at the market.
    pub(super) fn foreign_trade(&mut self, env: &mut Env) {
        let market = env.rng.usize(0..self.markets.len());
        let side = if env.rng.bool() { Side::Buy } else { Side::Sell };
        let quantity = self.markets[market].lot * env.rng.i64(1..=40);
        let price = self.markets[market].ask(env);
        let position_side = match self.mode {
            PositionMode::Hedge => PositionSide::Long,
            PositionMode::OneWay => PositionSide::Net,
        };
        self.book_trade(env.now, market, side, position_side, quantity);
        let index = self.trades.len();
        self.trades.push(Trade {
            order: None,
            market,
            side,
            price,
            quantity,
            fee: 0,
            fee_in: FeeIn::Quote,
            at: env.now,
            visible_from: env.now,
            busted: false,
            id: trade_id(self.index, index),
        });
        let name = &self.name;
        env.trace.line(env.now, || {
            format!("{name} foreign trade {} {}", side.as_str(), units::qty(quantity))
        });
    }

    pub(super) fn position(&self, env: &mut Env, market: usize) -> i64 {
        let stale = env.lag(Fault::StalePosition, 1_500);
        self.markets[market].position_at(env.now - stale)
    }
}

fn trade_id(venue: usize, index: usize) -> equipoise_core::TradeId {
    equipoise_core::TradeId::new(&format!("t{venue}-{index}")).expect("it is a short ASCII text")
}
