//! The matching engine: takes checked orders, trades them against the book and keeps the account.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::account::{Account, PositionSide};
use super::book::{self, Offer};
use super::checks::Refusal;
use super::funds::{FeeRule, FeeToken, Settled};
use super::instrument::{Listing, floor_to};
use super::orders::{
    Adjustment, EndReason, Order, OrderKind, OrderOrigin, OrderStatus, Orders, SelfTrade, Side,
    TimeInForce, Trade,
};

/// How long a client id stays taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientIds {
    /// After its order ended, too.
    UniqueForEver,
    /// While its order is open.
    UniqueAmongOpen,
    /// Never: it is a mere label.
    #[allow(dead_code, reason = "for venues that take labels instead of ids")]
    Free,
}

/// Where venues differ in what their engines do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    pub(crate) client_ids: ClientIds,
    /// The account may hold long and short positions apart.
    pub(crate) offers_hedge_mode: bool,
    /// A post-only order that would take is refused; otherwise it is accepted and then cancelled.
    pub(crate) refuses_taking_post_only: bool,
    /// A fill-or-kill order that cannot fill is refused; otherwise it is accepted and then cancelled.
    pub(crate) refuses_unfillable_fok: bool,
    /// What follows the decimal point of an order is checked before the increments are.
    pub(crate) checks_precision: bool,
    pub(crate) open_orders_max: usize,
    pub(crate) maker_fee: Decimal,
    pub(crate) taker_fee: Decimal,
    pub(crate) fee_rule: FeeRule,
    /// Renders an order number as the venue's id.
    pub(crate) order_id: fn(u64) -> String,
    /// The client id of an order that came without one; empty where the venue gives none.
    pub(crate) absent_client_id: fn(u64) -> String,
    /// Trade ids count from here.
    pub(crate) first_trade_id: u64,
    /// The venue documents a form in which it shows trades that were taken back or corrected.
    pub(crate) shows_adjustments: bool,
}

/// An order as a client asks for it.
#[derive(Clone, Debug)]
pub(crate) struct NewOrder {
    pub(crate) client_order_id: Option<String>,
    pub(crate) symbol: String,
    pub(crate) side: Side,
    pub(crate) kind: OrderKind,
    pub(crate) time_in_force: TimeInForce,
    /// In the instrument's unit; not looked at when `quote_quantity` is given.
    pub(crate) quantity: Decimal,
    /// The amount of quote that a spot market order spends or brings in, instead of a quantity.
    pub(crate) quote_quantity: Option<Decimal>,
    /// Limit. A market order has one only where the venue turns it into a limit order, whose rest may stay.
    pub(crate) price: Option<Decimal>,
    pub(crate) reduce_only: bool,
    pub(crate) position_side: PositionSide,
    pub(crate) self_trade: SelfTrade,
    pub(crate) origin: OrderOrigin,
}

/// What a fault changes about the execution of an order.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Alteration {
    /// Only this part of the quantity finds a counterpart.
    pub(crate) fraction: Option<Decimal>,
    pub(crate) hidden_ms: u64,
    pub(crate) stale_ms: u64,
    /// The order is executed twice under two order ids.
    pub(crate) twice: bool,
    /// The request arrives twice, and the second arrival is answered.
    pub(crate) repeated: bool,
    /// Its deadline was checked before, where the venue does not say that its matching engine does.
    pub(crate) in_time: bool,
    /// All its trades are adjusted at once, and whether the executed quantity stated of it follows.
    pub(crate) adjusted: Option<(Adjustment, bool)>,
    pub(crate) without_funds: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct MatchingEngine {
    pub(crate) policy: Policy,
    pub(crate) listings: BTreeMap<String, Listing>,
    pub(crate) account: Account,
    pub(crate) orders: Orders,
    /// Pays spot fees while there is enough of it, where the account is set to that.
    pub(crate) fee_token: Option<FeeToken>,
}

impl MatchingEngine {
    /// Checks, accepts and executes an order; returns its number.
    pub(crate) fn place(
        &mut self,
        now_ms: u64,
        new: &NewOrder,
        alteration: Alteration,
    ) -> Result<u64, Refusal> {
        let new = &self.sized(new);
        let listing = self.listings.get(&new.symbol).cloned().ok_or(Refusal::UnknownSymbol)?;
        self.check(new)?;
        if alteration.without_funds {
            let spot = listing.instrument.is_spot();
            return Err(if spot { Refusal::Balance } else { Refusal::Margin });
        }
        let number = self.accept(now_ms, new, alteration);
        if let Some((adjustment, is_counted)) = alteration.adjusted {
            self.adjust_all(now_ms, number, adjustment, is_counted);
        }
        if alteration.twice && self.check_funds(&listing, new, None).is_ok() {
            let _ = self.accept(now_ms, new, alteration);
        }
        Ok(number)
    }

    /// The same checks as placing makes, and nothing else.
    pub(crate) fn check_only(&self, new: &NewOrder) -> Result<(), Refusal> {
        self.check(&self.sized(new))
    }

    /// The order with the quantity that its amount of quote stands for.
    fn sized(&self, new: &NewOrder) -> NewOrder {
        let quantity = match (new.quote_quantity, self.listings.get(&new.symbol)) {
            (Some(amount), Some(listing)) => {
                let amount = self.without_fee(new.side, amount);
                self.quantity_for(listing, new.side, amount)
            }
            _ => new.quantity,
        };
        NewOrder { quantity, ..new.clone() }
    }

    /// Cancels an open order; `false` when it is not open.
    pub(crate) fn cancel(&mut self, now_ms: u64, number: u64) -> bool {
        let open = self.orders.get(number).is_some_and(Order::is_open);
        if open {
            self.end(now_ms, number, EndReason::User);
        }
        open
    }

    /// Changes quantity or price of an open order; one that crosses the book now trades.
    pub(crate) fn amend(
        &mut self,
        now_ms: u64,
        number: u64,
        quantity: Decimal,
        price: Decimal,
    ) -> Result<(), Refusal> {
        let Some(order) = self.orders.get(number).filter(|order| order.is_open()).cloned() else {
            return Ok(());
        };
        let wanted = NewOrder {
            client_order_id: None,
            symbol: order.symbol.clone(),
            side: order.side,
            kind: order.kind,
            time_in_force: order.time_in_force,
            quantity,
            quote_quantity: None,
            price: Some(price),
            reduce_only: order.reduce_only,
            position_side: order.position_side,
            self_trade: order.self_trade,
            origin: order.origin,
        };
        let listing = self.check_sizes(&wanted)?;
        if quantity <= order.executed {
            return Err(Refusal::QuantityTooSmall);
        }
        let rest = NewOrder { quantity: quantity - order.executed, ..wanted.clone() };
        self.check_funds(listing, &rest, Some(number))?;
        self.orders.change(number, |order| {
            order.quantity = quantity;
            order.price = Some(price);
            order.updated_ms = now_ms;
        });
        self.execute(now_ms, number, None);
        self.drop_idle_reduce_only(now_ms, &order.symbol);
        Ok(())
    }

    /// Moves the mark. Resting orders that the market now crosses execute at their own price.
    pub(crate) fn set_mark(&mut self, now_ms: u64, symbol: &str, mark: Decimal) -> bool {
        let Some(listing) = self.listings.get_mut(symbol) else {
            return false;
        };
        listing.mark = mark;
        let listing = listing.clone();
        let crossed: Vec<(u64, Decimal)> = self
            .orders
            .open()
            .filter(|order| order.symbol == symbol)
            .filter_map(|order| {
                let price = order.price?;
                let touch = book::touch(&listing, order.side.opposite());
                book::crosses(order.side, price, touch).then_some((order.number, price))
            })
            .collect();
        for (number, price) in crossed {
            let quantity = self.executable(number);
            self.fill(now_ms, number, price, quantity, true);
        }
        self.drop_idle_reduce_only(now_ms, symbol);
        true
    }

    /// The book as a taker of the other side meets it on `side`.
    pub(crate) fn offers(&self, listing: &Listing, side: Side) -> Vec<Offer> {
        let own = self.orders.open().filter(|order| order.symbol == listing.instrument.symbol);
        book::offers(listing, side, own)
    }

    /// An order that is rejected for its client id after it was acknowledged; returns its number.
    pub(crate) fn acknowledge_repetition(&mut self, now_ms: u64, new: &NewOrder) -> u64 {
        let number = self.enter(now_ms, new, Alteration::default());
        self.end(now_ms, number, EndReason::Repetition);
        number
    }

    fn accept(&mut self, now_ms: u64, new: &NewOrder, alteration: Alteration) -> u64 {
        let number = self.enter(now_ms, new, alteration);
        self.execute(now_ms, number, alteration.fraction);
        self.drop_idle_reduce_only(now_ms, &new.symbol);
        number
    }

    /// Enters an order that has not met the book yet.
    fn enter(&mut self, now_ms: u64, new: &NewOrder, alteration: Alteration) -> u64 {
        let number = self.orders.next_number();
        let order_id = (self.policy.order_id)(number);
        let priced = new.kind == OrderKind::Limit || new.price.is_some();
        let time_in_force = if priced { new.time_in_force } else { TimeInForce::Ioc };
        self.orders.insert(Order {
            number,
            client_order_id: new
                .client_order_id
                .clone()
                .unwrap_or_else(|| (self.policy.absent_client_id)(number)),
            order_id,
            symbol: new.symbol.clone(),
            side: new.side,
            kind: new.kind,
            time_in_force,
            quantity: new.quantity,
            quote_quantity: new.quote_quantity,
            price: new.price,
            reduce_only: new.reduce_only,
            position_side: new.position_side,
            self_trade: new.self_trade,
            origin: new.origin,
            received_ms: now_ms,
            updated_ms: now_ms,
            status: OrderStatus::New,
            ended_by: None,
            executed: Decimal::ZERO,
            trades: Vec::new(),
            adjusted: Vec::new(),
            hidden_until_ms: if alteration.hidden_ms > 0 {
                now_ms + alteration.hidden_ms
            } else {
                0
            },
            stale_until_ms: if alteration.stale_ms > 0 { now_ms + alteration.stale_ms } else { 0 },
        });
        number
    }

    /// Trades the order against the book, then cancels or rests what is left.
    fn execute(&mut self, now_ms: u64, number: u64, fraction: Option<Decimal>) {
        let Some(order) = self.orders.get(number).cloned() else {
            return;
        };
        let Some(listing) = self.listings.get(&order.symbol).cloned() else {
            return;
        };
        let limit = order.price.unwrap_or_else(|| listing.band(order.side));
        let offers = self.offers(&listing, order.side.opposite());
        let offers: Vec<Offer> =
            offers.into_iter().filter(|offer| offer.own != Some(number)).collect();
        if order.time_in_force == TimeInForce::PostOnly {
            if offers.first().is_some_and(|best| book::crosses(order.side, limit, best.level.price))
            {
                self.end(now_ms, number, EndReason::PostOnly);
            }
            return;
        }
        if order.time_in_force == TimeInForce::Fok
            && offered(&offers, order.side, limit) < order.quantity
        {
            self.end(now_ms, number, EndReason::NoLiquidity);
            return;
        }
        let mut room = match fraction {
            Some(fraction) => {
                let step = listing.instrument.step;
                floor_to(order.quantity * fraction, step).max(step)
            }
            None => order.quantity,
        };
        for offer in offers {
            let is_open = self.orders.get(number).is_some_and(Order::is_open);
            let quantity = self.executable(number).min(room).min(offer.level.quantity);
            if !is_open
                || quantity.is_zero()
                || !book::crosses(order.side, limit, offer.level.price)
            {
                break;
            }
            room -= self.meet(now_ms, number, offer, quantity);
        }
        self.settle_rest(now_ms, number);
    }

    /// Trades with one offer and returns the executed quantity.
    fn meet(&mut self, now_ms: u64, taker: u64, offer: Offer, quantity: Decimal) -> Decimal {
        if let Some(maker) = offer.own {
            let mode = self.orders.get(taker).map_or(SelfTrade::Allowed, |order| order.self_trade);
            if matches!(mode, SelfTrade::CancelMaker | SelfTrade::CancelBoth) {
                self.end(now_ms, maker, EndReason::SelfTrade);
            }
            if matches!(mode, SelfTrade::CancelTaker | SelfTrade::CancelBoth) {
                self.end(now_ms, taker, EndReason::SelfTrade);
            }
            if mode != SelfTrade::Allowed {
                return Decimal::ZERO;
            }
            self.fill(now_ms, maker, offer.level.price, quantity, true);
        }
        self.fill(now_ms, taker, offer.level.price, quantity, false);
        quantity
    }

    /// Cancels what an order that does not rest has left, and what a reduce-only order cannot reduce.
    fn settle_rest(&mut self, now_ms: u64, number: u64) {
        let Some(order) = self.orders.get(number) else {
            return;
        };
        if !order.is_open() {
            return;
        }
        if order.reduce_only && self.executable(number).is_zero() {
            self.end(now_ms, number, EndReason::ReduceOnly);
        } else if order.time_in_force != TimeInForce::Gtc {
            self.end(now_ms, number, EndReason::NoLiquidity);
        }
    }

    /// What the order may still execute: the rest of it, and for reduce-only no more than the position.
    fn executable(&self, number: u64) -> Decimal {
        let Some(order) = self.orders.get(number).filter(|order| order.is_open()) else {
            return Decimal::ZERO;
        };
        if order.reduce_only {
            order.left().min(self.account.reducible(&order.symbol, order.position_side, order.side))
        } else {
            order.left()
        }
    }

    fn fill(&mut self, now_ms: u64, number: u64, price: Decimal, quantity: Decimal, maker: bool) {
        let Some(order) = self.orders.get(number) else {
            return;
        };
        if quantity.is_zero() {
            return;
        }
        let (symbol, sides) = (order.symbol.clone(), (order.side, order.position_side));
        let settled = self.settle(now_ms, &symbol, sides, (price, quantity), maker);
        let Some(Settled { fee, fee_asset, realised }) = settled else {
            return;
        };
        let id = self.orders.next_trade_id(self.policy.first_trade_id);
        let fee_asset = fee_asset.to_owned();
        self.orders.change(number, |order| {
            order.trades.push(Trade {
                id,
                price,
                quantity,
                fee,
                fee_asset,
                maker,
                realised,
                time_ms: now_ms,
            });
            order.executed += quantity;
            order.updated_ms = now_ms;
            order.status = if order.left().is_zero() {
                OrderStatus::Filled
            } else {
                OrderStatus::PartiallyFilled
            };
        });
    }

    fn end(&mut self, now_ms: u64, number: u64, reason: EndReason) {
        self.orders.change(number, |order| {
            order.status = OrderStatus::Cancelled;
            order.ended_by = Some(reason);
            order.updated_ms = now_ms;
        });
    }

    /// Resting reduce-only orders end when nothing is left for them to reduce.
    fn drop_idle_reduce_only(&mut self, now_ms: u64, symbol: &str) {
        let open = self.orders.open().filter(|order| order.symbol == symbol && order.reduce_only);
        let idle: Vec<u64> = open
            .map(|order| order.number)
            .filter(|number| self.executable(*number).is_zero())
            .collect();
        for number in idle {
            self.end(now_ms, number, EndReason::ReduceOnly);
        }
    }
}

/// Quantity that a taker limited to `limit` would meet.
pub(crate) fn offered(offers: &[Offer], taker: Side, limit: Decimal) -> Decimal {
    offers
        .iter()
        .filter(|offer| book::crosses(taker, limit, offer.level.price))
        .map(|offer| offer.level.quantity)
        .sum()
}
