//! Placing, editing and cancelling orders. Answers carry the order and what it executed at once.

use rust_decimal::Decimal;

use super::Inside;
use super::failure::Failure;
use super::instruments::contract_size;
use super::render;
use super::wire::{Object, decimal};
use crate::exchange::account::PositionSide;
use crate::exchange::book::crosses;
use crate::exchange::matching::NewOrder;
use crate::exchange::orders::{Order, OrderKind, OrderOrigin, SelfTrade, Side, TimeInForce};

/// Longest label. Source: Deribit docs, private/buy, label, read 2026-11-22.
const LABEL_MAX: usize = 64;

/// How far beyond the band a price may lie to be moved to the band instead of refused: as far again.
/// Source: Deribit docs, public/ticker, min_price and max_price, read 2026-11-22; how far is not documented.
const CLAMPED_BANDS: i64 = 2;

impl Inside<'_> {
    pub(super) fn place(&mut self, side: Side) -> Result<String, Failure> {
        let new = self.new_order(side)?;
        let settle = self.instrument()?.instrument.settle;
        let number = self.engine.place(self.now_ms, &new, self.alteration)?;
        // Ids name the currency; a duplicated execution has the next number.
        for number in [number, number + 1] {
            self.engine.orders.change(number, |order| {
                order.order_id = format!("{settle}-{}", order.order_id);
            });
        }
        self.outcome(number)
    }

    pub(super) fn edit(&mut self) -> Result<String, Failure> {
        let order = self.named()?;
        if !order.is_open() {
            return Err(Failure::not_open_order());
        }
        let rules = self.engine.listings.get(&order.symbol).map(|listing| &listing.instrument);
        let rules = rules.ok_or_else(Failure::unknown_instrument)?;
        let amount = self.amount(contract_size(rules))?.unwrap_or(order.quantity);
        let price = self.price("price")?.or(order.price);
        let price = price.ok_or_else(|| Failure::missing("price"))?;
        self.engine.amend(self.now_ms, order.number, amount, price)?;
        self.outcome(order.number)
    }

    pub(super) fn cancel(&mut self) -> Result<String, Failure> {
        let order = self.named()?;
        if !self.engine.cancel(self.now_ms, order.number) {
            return Err(Failure::not_open_order());
        }
        let listing = self.engine.listings.get(&order.symbol);
        let cancelled = self.engine.orders.get(order.number).zip(listing);
        let (order, listing) = cancelled.ok_or_else(Failure::order_not_found)?;
        Ok(render::order(listing, order))
    }

    pub(super) fn cancel_by_label(&mut self) -> Result<String, Failure> {
        let label = self.params.get("label").ok_or_else(|| Failure::missing("label"))?.to_owned();
        let currency = self.currency(true)?.to_owned();
        Ok(self.cancel_where(|inside, order| {
            order.client_order_id == label && inside.is_of(order, &currency)
        }))
    }

    pub(super) fn cancel_all(&mut self) -> Result<String, Failure> {
        Ok(self.cancel_where(|_, _| true))
    }

    pub(super) fn cancel_all_by_currency(&mut self) -> Result<String, Failure> {
        let currency = self.currency(false)?.to_owned();
        Ok(self.cancel_where(|inside, order| inside.is_of(order, &currency)))
    }

    pub(super) fn cancel_all_by_instrument(&mut self) -> Result<String, Failure> {
        let symbol = self.instrument()?.instrument.symbol;
        Ok(self.cancel_where(|_, order| order.symbol == symbol))
    }

    /// Cancels and counts.
    fn cancel_where(&mut self, wanted: impl Fn(&Self, &Order) -> bool) -> String {
        let open = self.engine.orders.open().filter(|order| wanted(self, order));
        let numbers: Vec<u64> = open.map(|order| order.number).collect();
        for number in &numbers {
            let _ = self.engine.cancel(self.now_ms, *number);
        }
        numbers.len().to_string()
    }

    /// Whether the order's instrument belongs to the currency and kind asked for.
    pub(super) fn is_of(&self, order: &Order, currency: &str) -> bool {
        let listing = self.engine.listings.get(&order.symbol);
        listing.is_some_and(|listing| self.belongs(listing, currency))
    }

    /// The order named by the mandatory id, as a query may see it.
    pub(super) fn named(&self) -> Result<Order, Failure> {
        let id = self.params.get("order_id").ok_or_else(|| Failure::missing("order_id"))?;
        let order = self.engine.orders.iter().find(|order| order.order_id == id);
        order.and_then(|order| order.seen_at(self.now_ms)).ok_or_else(Failure::order_not_found)
    }

    fn outcome(&self, number: u64) -> Result<String, Failure> {
        let order = self.engine.orders.get(number).ok_or_else(Failure::order_not_found)?;
        let listing = self.engine.listings.get(&order.symbol);
        let listing = listing.ok_or_else(Failure::unknown_instrument)?;
        Ok(Object::default()
            .raw("order", &render::order(listing, order))
            .raw("trades", &render::trades(listing, order))
            .build())
    }

    fn new_order(&self, side: Side) -> Result<NewOrder, Failure> {
        let rules = &self.instrument()?.instrument;
        let (symbol, size) = (rules.symbol.to_owned(), contract_size(rules));
        let kind = match self.params.get("type") {
            None | Some("limit") => OrderKind::Limit,
            Some("market") => OrderKind::Market,
            Some(_) => return Err(Failure::invalid("type")),
        };
        let time_in_force = self.time_in_force(kind)?;
        let amount = self.amount(size)?.ok_or_else(|| Failure::missing("amount"))?;
        let price = match kind {
            OrderKind::Market => None,
            OrderKind::Limit => {
                let price = self.price("price")?.ok_or_else(|| Failure::missing("price"))?;
                Some(self.inside_the_spread(side, time_in_force, self.clamped(side, price)?)?)
            }
        };
        Ok(NewOrder {
            client_order_id: self.label()?,
            symbol,
            side,
            kind,
            time_in_force,
            quantity: amount,
            quote_quantity: None,
            price,
            reduce_only: self.flag("reduce_only")?,
            position_side: PositionSide::Net,
            // The venue's default: an account does not trade with itself, the order that comes in ends.
            self_trade: SelfTrade::CancelTaker,
            origin: OrderOrigin::Interface,
        })
    }

    /// `amount`, or `contracts` times the contract size; when both are given they must agree.
    fn amount(&self, size: Decimal) -> Result<Option<Decimal>, Failure> {
        let (amount, contracts) = (self.price("amount")?, self.price("contracts")?);
        let counted = match contracts {
            None => None,
            Some(contracts) => {
                let counted = contracts.checked_mul(size);
                Some(counted.ok_or_else(|| Failure::invalid("contracts"))?)
            }
        };
        match (amount, counted) {
            (Some(amount), Some(counted)) if amount != counted => {
                Err(Failure::invalid("contracts"))
            }
            _ => Ok(amount.or(counted)),
        }
    }

    fn price(&self, name: &str) -> Result<Option<Decimal>, Failure> {
        let Some(text) = self.params.get(name) else {
            return Ok(None);
        };
        decimal(text).map(Some).ok_or_else(|| Failure::invalid(name))
    }

    fn flag(&self, name: &str) -> Result<bool, Failure> {
        match self.params.get(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Failure::invalid(name)),
        }
    }

    fn label(&self) -> Result<Option<String>, Failure> {
        match self.params.get("label") {
            Some(label) if label.chars().count() > LABEL_MAX => Err(Failure::invalid("label")),
            label => Ok(label.map(str::to_owned)),
        }
    }

    /// An order is post-only when it says so. The reference calls true the default of `post_only`, yet clients that
    /// leave it out take liquidity every day; whoever trades sends it.
    fn time_in_force(&self, kind: OrderKind) -> Result<TimeInForce, Failure> {
        let post_only = self.flag("post_only")?;
        let given = self.params.get("time_in_force");
        if kind == OrderKind::Market {
            // Market orders know no time in force.
            return if given.is_some() {
                Err(Failure::invalid("time_in_force"))
            } else {
                Ok(TimeInForce::Ioc)
            };
        }
        match given {
            None | Some("good_til_cancelled") if post_only => Ok(TimeInForce::PostOnly),
            None | Some("good_til_cancelled") => Ok(TimeInForce::Gtc),
            Some("immediate_or_cancel") if !post_only => Ok(TimeInForce::Ioc),
            Some("fill_or_kill") if !post_only => Ok(TimeInForce::Fok),
            Some("immediate_or_cancel" | "fill_or_kill") => {
                Err(Failure::refused(11055, "post_only_not_allowed"))
            }
            // Not simulated: orders that end with the day.
            Some(_) => Err(Failure::invalid("time_in_force")),
        }
    }

    /// A price a little beyond the band is moved to its edge.
    fn clamped(&self, side: Side, price: Decimal) -> Result<Decimal, Failure> {
        let listing = self.instrument()?;
        let edge = listing.band(side);
        let far = listing.mark + (edge - listing.mark) * Decimal::from(CLAMPED_BANDS);
        let (beyond, refused) = match side {
            Side::Buy => (price > edge, price > far),
            Side::Sell => (price < edge, price < far),
        };
        Ok(if beyond && !refused { edge } else { price })
    }

    /// A post-only order that may be repriced rests just inside the spread instead of taking.
    fn inside_the_spread(
        &self,
        side: Side,
        time_in_force: TimeInForce,
        price: Decimal,
    ) -> Result<Decimal, Failure> {
        if time_in_force != TimeInForce::PostOnly || self.flag("reject_post_only")? {
            return Ok(price);
        }
        let listing = self.instrument()?;
        let offers = self.engine.offers(listing, side.opposite());
        let best = offers.first().map(|offer| offer.level.price);
        let Some(best) = best.filter(|best| crosses(side, price, *best)) else {
            return Ok(price);
        };
        let tick = listing.instrument.tick_at(best);
        Ok(if side == Side::Buy { best - tick } else { best + tick })
    }
}
