//! Everything that can make the matching engine refuse an order.
//!
//! Refusals carry no code: what a venue calls them is its face's business.

use rust_decimal::Decimal;

use super::account::PositionSide;
use super::book;
use super::instrument::{Listing, is_multiple};
use super::matching::{MatchingEngine, NewOrder, market_limit, offered};
use super::orders::{Order, OrderKind, Side, TimeInForce};

/// Why an order was not accepted. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    UnknownSymbol,
    QuantityZero,
    QuantityPrecision,
    QuantityStep,
    QuantityTooSmall,
    QuantityTooLarge,
    PriceZero,
    PricePrecision,
    PriceTick,
    PriceTooLow,
    PriceTooHigh,
    /// A buy priced above the band; the highest price allowed.
    PriceAboveBand(Decimal),
    /// A sell priced below the band; the lowest price allowed.
    PriceBelowBand(Decimal),
    /// The smallest notional allowed.
    NotionalTooSmall(Decimal),
    DuplicateId,
    PositionSide,
    /// There is no position to reduce.
    NothingToReduce,
    /// The position lies on the order's own side.
    SameSideAsPosition,
    /// Closing more than is held, in hedge mode.
    MoreThanPosition,
    Margin,
    WouldTake,
    CannotFill,
    TooManyOpenOrders,
}

impl MatchingEngine {
    /// All checks, in the order venues make them: sizes, ids, position, margin, then the book.
    pub(crate) fn check(&self, new: &NewOrder) -> Result<(), Refusal> {
        let listing = self.check_sizes(new)?;
        self.check_id(new)?;
        self.check_position(new)?;
        if self.orders.open().filter(|order| order.symbol == new.symbol).count()
            >= self.policy.open_orders_max
        {
            return Err(Refusal::TooManyOpenOrders);
        }
        self.check_margin(listing, new)?;
        self.check_book(listing, new)
    }

    /// The checks that need nothing but the instrument's rules and the mark.
    pub(crate) fn check_sizes(&self, new: &NewOrder) -> Result<&Listing, Refusal> {
        let listing = self.listings.get(&new.symbol).ok_or(Refusal::UnknownSymbol)?;
        self.check_quantity(listing, new)?;
        self.check_price(listing, new)?;
        check_notional(listing, new)?;
        Ok(listing)
    }

    fn check_quantity(&self, listing: &Listing, new: &NewOrder) -> Result<(), Refusal> {
        let rules = &listing.instrument;
        let max = if new.kind == OrderKind::Market {
            rules.market_quantity_max
        } else {
            rules.quantity_max
        };
        if new.quantity <= Decimal::ZERO {
            Err(Refusal::QuantityZero)
        } else if self.policy.checks_precision
            && new.quantity.normalize().scale() > rules.quantity_decimals
        {
            Err(Refusal::QuantityPrecision)
        } else if new.quantity < rules.quantity_min {
            Err(Refusal::QuantityTooSmall)
        } else if new.quantity > max {
            Err(Refusal::QuantityTooLarge)
        } else if !is_multiple(new.quantity, rules.step) {
            Err(Refusal::QuantityStep)
        } else {
            Ok(())
        }
    }

    fn check_price(&self, listing: &Listing, new: &NewOrder) -> Result<(), Refusal> {
        let (rules, Some(price)) = (&listing.instrument, new.price) else {
            return Ok(());
        };
        if new.kind == OrderKind::Market {
            return Ok(());
        }
        let band = market_limit(listing, new.side);
        if price <= Decimal::ZERO {
            Err(Refusal::PriceZero)
        } else if self.policy.checks_precision && price.normalize().scale() > rules.price_decimals {
            Err(Refusal::PricePrecision)
        } else if price < rules.price_min {
            Err(Refusal::PriceTooLow)
        } else if price > rules.price_max {
            Err(Refusal::PriceTooHigh)
        } else if !is_multiple(price, rules.tick) {
            Err(Refusal::PriceTick)
        } else if new.side == Side::Buy && price > band {
            Err(Refusal::PriceAboveBand(band))
        } else if new.side == Side::Sell && price < band {
            Err(Refusal::PriceBelowBand(band))
        } else {
            Ok(())
        }
    }

    fn check_id(&self, new: &NewOrder) -> Result<(), Refusal> {
        let Some(id) = &new.client_order_id else {
            return Ok(());
        };
        let mut namesakes = self.orders.with_client_id(id);
        let taken = if self.policy.ids_taken_for_ever {
            namesakes.next().is_some()
        } else {
            namesakes.any(Order::is_open)
        };
        if taken { Err(Refusal::DuplicateId) } else { Ok(()) }
    }

    fn check_position(&self, new: &NewOrder) -> Result<(), Refusal> {
        if (new.position_side == PositionSide::Net) == self.account.hedge_mode {
            return Err(Refusal::PositionSide);
        }
        if !new.reduce_only && !closes(new) {
            return Ok(());
        }
        let reducible = self.account.reducible(&new.symbol, new.position_side, new.side);
        let held = self.account.position(&new.symbol, new.position_side).quantity;
        if held.is_zero() {
            Err(Refusal::NothingToReduce)
        } else if reducible.is_zero() {
            Err(Refusal::SameSideAsPosition)
        } else if closes(new) && new.quantity > reducible {
            Err(Refusal::MoreThanPosition)
        } else {
            Ok(())
        }
    }

    fn check_margin(&self, listing: &Listing, new: &NewOrder) -> Result<(), Refusal> {
        let reducible = self.account.reducible(&new.symbol, new.position_side, new.side);
        let opening = (new.quantity - reducible).max(Decimal::ZERO);
        if new.reduce_only || closes(new) || opening.is_zero() {
            return Ok(());
        }
        let price = new.price.unwrap_or(listing.mark);
        let needed = opening * price / self.account.leverage_of(&new.symbol)
            + new.quantity * price * self.policy.taker_fee;
        if needed > self.available() { Err(Refusal::Margin) } else { Ok(()) }
    }

    /// Some venues look at the book before they accept; the others accept and cancel.
    fn check_book(&self, listing: &Listing, new: &NewOrder) -> Result<(), Refusal> {
        let (true, Some(price)) = (self.policy.refuses_unsuitable, new.price) else {
            return Ok(());
        };
        if new.kind == OrderKind::Market {
            return Ok(());
        }
        let offers = self.offers(listing, new.side.opposite());
        match new.time_in_force {
            TimeInForce::PostOnly
                if offers
                    .first()
                    .is_some_and(|best| book::crosses(new.side, price, best.level.price)) =>
            {
                Err(Refusal::WouldTake)
            }
            TimeInForce::Fok if offered(&offers, new.side, price) < new.quantity => {
                Err(Refusal::CannotFill)
            }
            _ => Ok(()),
        }
    }

    /// Initial margin of all positions, quote units.
    pub(crate) fn position_margin(&self) -> Decimal {
        let margins = self.account.positions().filter_map(|(symbol, _, position)| {
            let listing = self.listings.get(symbol)?;
            Some(position.quantity.abs() * listing.mark / self.account.leverage_of(symbol))
        });
        margins.sum()
    }

    /// Initial margin of all resting orders that could open something, quote units.
    pub(crate) fn order_margin(&self) -> Decimal {
        let open = self.orders.open().filter(|order| !order.reduce_only);
        let margins = open.filter_map(|order| {
            Some(order.left() * order.price? / self.account.leverage_of(&order.symbol))
        });
        margins.sum()
    }

    /// Profit of all positions at the mark, quote units.
    pub(crate) fn unrealised(&self) -> Decimal {
        let profits = self.account.positions().filter_map(|(symbol, _, position)| {
            Some(position.unrealised(self.listings.get(symbol)?.mark))
        });
        profits.sum()
    }

    /// What new orders may bind, quote units; never negative.
    pub(crate) fn available(&self) -> Decimal {
        let free =
            self.account.wallet + self.unrealised() - self.position_margin() - self.order_margin();
        free.max(Decimal::ZERO)
    }
}

/// Whether the order closes a hedge-mode position, which needs no flag there.
fn closes(new: &NewOrder) -> bool {
    matches!(
        (new.position_side, new.side),
        (PositionSide::Long, Side::Sell) | (PositionSide::Short, Side::Buy)
    )
}

fn check_notional(listing: &Listing, new: &NewOrder) -> Result<(), Refusal> {
    let min = listing.instrument.notional_min;
    let price = new.price.filter(|_| new.kind == OrderKind::Limit).unwrap_or(listing.mark);
    let exempt = new.reduce_only || closes(new);
    if !exempt && new.quantity * price < min { Err(Refusal::NotionalTooSmall(min)) } else { Ok(()) }
}
