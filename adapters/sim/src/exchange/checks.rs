//! Everything that can make the matching engine refuse an order.
//!
//! Refusals carry no code: what a venue calls them is its face's business.

use rust_decimal::Decimal;

use super::account::PositionSide;
use super::book;
use super::instrument::{Listing, is_multiple};
use super::matching::{ClientIds, MatchingEngine, NewOrder, offered};
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
    /// A contract's margin and fee are more than is available.
    Margin,
    /// A spot order needs more of an asset than is available.
    Balance,
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
        self.check_funds(listing, new, None)?;
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
        let band = listing.band(new.side);
        if price <= Decimal::ZERO {
            Err(Refusal::PriceZero)
        } else if self.policy.checks_precision && price.normalize().scale() > rules.price_decimals {
            Err(Refusal::PricePrecision)
        } else if price < rules.price_min {
            Err(Refusal::PriceTooLow)
        } else if price > rules.price_max {
            Err(Refusal::PriceTooHigh)
        } else if !is_multiple(price, rules.tick_at(price)) {
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
        let taken = match self.policy.client_ids {
            ClientIds::UniqueForEver => namesakes.next().is_some(),
            ClientIds::UniqueAmongOpen => namesakes.any(Order::is_open),
            ClientIds::Free => false,
        };
        if taken { Err(Refusal::DuplicateId) } else { Ok(()) }
    }

    fn check_position(&self, new: &NewOrder) -> Result<(), Refusal> {
        if self.listings.get(&new.symbol).is_some_and(|listing| listing.instrument.is_spot()) {
            return Ok(());
        }
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

    /// Some venues look at the book before they accept; the others accept and cancel.
    fn check_book(&self, listing: &Listing, new: &NewOrder) -> Result<(), Refusal> {
        let Some(price) = new.price.filter(|_| new.kind == OrderKind::Limit) else {
            return Ok(());
        };
        let offers = self.offers(listing, new.side.opposite());
        match new.time_in_force {
            TimeInForce::PostOnly
                if self.policy.refuses_taking_post_only
                    && offers
                        .first()
                        .is_some_and(|best| book::crosses(new.side, price, best.level.price)) =>
            {
                Err(Refusal::WouldTake)
            }
            TimeInForce::Fok
                if self.policy.refuses_unfillable_fok
                    && offered(&offers, new.side, price) < new.quantity =>
            {
                Err(Refusal::CannotFill)
            }
            _ => Ok(()),
        }
    }
}

/// Whether the order closes a hedge-mode position, which needs no flag there.
pub(crate) fn closes(new: &NewOrder) -> bool {
    matches!(
        (new.position_side, new.side),
        (PositionSide::Long, Side::Sell) | (PositionSide::Short, Side::Buy)
    )
}

fn check_notional(listing: &Listing, new: &NewOrder) -> Result<(), Refusal> {
    let min = listing.instrument.notional_min;
    let price = new.price.filter(|_| new.kind == OrderKind::Limit).unwrap_or(listing.mark);
    let exempt = new.reduce_only || closes(new);
    let notional = listing.instrument.notional(new.quantity, price);
    if !exempt && notional < min { Err(Refusal::NotionalTooSmall(min)) } else { Ok(()) }
}
