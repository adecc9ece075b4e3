//! What the account can afford: balances held by orders, margin of positions, fees.

use rust_decimal::Decimal;

use super::account::PositionSide;
use super::book;
use super::checks::{Refusal, closes};
use super::instrument::{Instrument, Listing, floor_to};
use super::matching::{MatchingEngine, NewOrder};
use super::orders::{Order, OrderKind, Side};

/// Decimals of fees.
pub(crate) const FEE_DECIMALS: u32 = 8;

/// In which asset a fee is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FeeRule {
    /// Contracts: the settlement asset. Spot: what the order receives, base of a buy and quote of a sell.
    Received,
    /// The quote asset on spot, on top of what a buy pays and out of what a sell brings.
    Quote,
}

/// A venue's own asset that fees can be paid in while there is enough of it.
#[derive(Clone, Debug)]
pub(crate) struct FeeToken {
    pub(crate) asset: &'static str,
    /// What one of it costs, by quote asset.
    pub(crate) prices: Vec<(&'static str, Decimal)>,
    /// Share of the fee that is left to pay: 0.75 is a discount of a quarter.
    pub(crate) factor: Decimal,
}

/// What an execution did to the account.
pub(crate) struct Settled {
    pub(crate) fee: Decimal,
    pub(crate) fee_asset: &'static str,
    pub(crate) realised: Decimal,
}

impl MatchingEngine {
    /// Books an execution: position or balances, and the fee.
    pub(crate) fn settle(
        &mut self,
        now_ms: u64,
        symbol: &str,
        (side, position_side): (Side, PositionSide),
        (price, quantity): (Decimal, Decimal),
        maker: bool,
    ) -> Option<Settled> {
        let rules = self.listings.get(symbol)?.instrument.clone();
        let value = rules.value(quantity, price);
        let (fee, fee_asset) = self.fee(&rules, side, (value, quantity), maker);
        let realised = if rules.is_spot() {
            self.account.credit(rules.base, side.signed(quantity));
            self.account.credit(rules.quote, -side.signed(value));
            Decimal::ZERO
        } else {
            self.account.execute(&rules, position_side, side.signed(quantity), price, now_ms)
        };
        self.account.credit(fee_asset, -fee);
        Some(Settled { fee, fee_asset, realised })
    }

    fn fee(
        &self,
        rules: &Instrument,
        side: Side,
        (value, quantity): (Decimal, Decimal),
        maker: bool,
    ) -> (Decimal, &'static str) {
        let rate = if maker { self.policy.maker_fee } else { self.policy.taker_fee };
        let token = self.fee_token.as_ref().filter(|_| rules.is_spot());
        let price = token.and_then(|token| {
            let found = token.prices.iter().find(|(quote, _)| *quote == rules.quote)?;
            Some((token, found.1))
        });
        if let Some((token, price)) = price {
            let fee = (value * rate * token.factor / price).round_dp(FEE_DECIMALS);
            if self.account.balance(token.asset) >= fee {
                return (fee, token.asset);
            }
        }
        let (amount, asset) = match (rules.is_spot(), self.policy.fee_rule, side) {
            (true, FeeRule::Received, Side::Buy) => (quantity, rules.base),
            (true, ..) => (value, rules.quote),
            (false, ..) => (value, rules.settle),
        };
        ((amount * rate).round_dp(FEE_DECIMALS), asset)
    }

    /// Refuses an order that the account cannot carry. Balances held by the order `besides` count as free.
    pub(crate) fn check_funds(
        &self,
        listing: &Listing,
        new: &NewOrder,
        besides: Option<u64>,
    ) -> Result<(), Refusal> {
        if listing.instrument.is_spot() {
            return self.check_balance(listing, new, besides);
        }
        let rules = &listing.instrument;
        let reducible = self.account.reducible(&new.symbol, new.position_side, new.side);
        let opening = (new.quantity - reducible).max(Decimal::ZERO);
        if new.reduce_only || closes(new) || opening.is_zero() {
            return Ok(());
        }
        let price = new.price.unwrap_or(listing.mark);
        let needed = rules.value(opening, price) / self.account.leverage_of(&new.symbol)
            + rules.value(new.quantity, price) * self.policy.taker_fee;
        if needed > self.free(rules.settle, besides) { Err(Refusal::Margin) } else { Ok(()) }
    }

    fn check_balance(
        &self,
        listing: &Listing,
        new: &NewOrder,
        besides: Option<u64>,
    ) -> Result<(), Refusal> {
        let rules = &listing.instrument;
        let (needed, asset) = match (new.side, new.price) {
            (Side::Sell, _) => (new.quantity, rules.base),
            (Side::Buy, Some(price)) if new.kind == OrderKind::Limit => {
                (self.with_fee(rules.value(new.quantity, price)), rules.quote)
            }
            (Side::Buy, _) => {
                (self.with_fee(self.walked_value(listing, new.quantity)), rules.quote)
            }
        };
        // What is bought with an amount of quote may cost less than the amount, but the amount must be there.
        let needed =
            needed.max(new.quote_quantity.filter(|_| new.side == Side::Buy).unwrap_or_default());
        if needed > self.free(asset, besides) { Err(Refusal::Balance) } else { Ok(()) }
    }

    fn with_fee(&self, value: Decimal) -> Decimal {
        match self.policy.fee_rule {
            FeeRule::Received => value,
            FeeRule::Quote => value + value * self.policy.taker_fee,
        }
    }

    /// What is left to trade of an amount of quote when a buy pays its fee out of it.
    pub(crate) fn without_fee(&self, side: Side, amount: Decimal) -> Decimal {
        match (self.policy.fee_rule, side) {
            (FeeRule::Quote, Side::Buy) => amount / (Decimal::ONE + self.policy.taker_fee),
            _ => amount,
        }
    }

    /// What a market buy of `quantity` pays for what the book holds of it.
    fn walked_value(&self, listing: &Listing, quantity: Decimal) -> Decimal {
        let mut left = quantity;
        let mut value = Decimal::ZERO;
        for offer in self.offers(listing, Side::Sell) {
            let taken = left.min(offer.level.quantity);
            value += listing.instrument.value(taken, offer.level.price);
            left -= taken;
        }
        value
    }

    /// The quantity that a market order for an amount of quote stands for: what the book gives for it,
    /// and what it does not hold priced at the band.
    pub(crate) fn quantity_for(&self, listing: &Listing, side: Side, amount: Decimal) -> Decimal {
        let rules = &listing.instrument;
        let band = listing.band(side);
        let (mut left, mut quantity) = (amount, Decimal::ZERO);
        for offer in self.offers(listing, side.opposite()) {
            if !book::crosses(side, band, offer.level.price) {
                break;
            }
            let affordable = floor_to(rules.quantity_worth(left, offer.level.price), rules.step);
            let taken = affordable.min(offer.level.quantity);
            quantity += taken;
            left -= rules.notional(taken, offer.level.price);
            if taken == affordable {
                return quantity;
            }
        }
        quantity + floor_to(rules.quantity_worth(left, band), rules.step)
    }

    /// Initial margin of all positions settled in `asset`.
    pub(crate) fn position_margin(&self, asset: &str) -> Decimal {
        let margins = self.account.positions().filter_map(|(symbol, _, position)| {
            let listing = self.settled_in(symbol, asset)?;
            let value = listing.instrument.value(position.quantity.abs(), listing.mark);
            Some(value / self.account.leverage_of(symbol))
        });
        margins.sum()
    }

    /// Initial margin, in `asset`, of all resting orders on contracts that could open something.
    pub(crate) fn order_margin(&self, asset: &str) -> Decimal {
        self.orders.open().map(|order| self.margin_held(order, asset)).sum()
    }

    /// What resting spot orders hold of `asset`.
    pub(crate) fn locked(&self, asset: &str) -> Decimal {
        self.orders.open().map(|order| self.balance_held(order, asset)).sum()
    }

    /// Profit, in `asset`, of all positions at the mark.
    pub(crate) fn unrealised(&self, asset: &str) -> Decimal {
        let profits = self.account.positions().filter_map(|(symbol, _, position)| {
            let listing = self.settled_in(symbol, asset)?;
            Some(position.unrealised(&listing.instrument, listing.mark))
        });
        profits.sum()
    }

    /// What new orders may bind of `asset`; never negative.
    pub(crate) fn available(&self, asset: &str) -> Decimal {
        self.free(asset, None)
    }

    fn free(&self, asset: &str, besides: Option<u64>) -> Decimal {
        let own = besides.and_then(|number| self.orders.get(number));
        let released = own.map_or(Decimal::ZERO, |order| {
            self.balance_held(order, asset) + self.margin_held(order, asset)
        });
        let free = self.account.balance(asset) + self.unrealised(asset) + released
            - self.position_margin(asset)
            - self.order_margin(asset)
            - self.locked(asset);
        free.max(Decimal::ZERO)
    }

    fn margin_held(&self, order: &Order, asset: &str) -> Decimal {
        let held = self.settled_in(&order.symbol, asset).zip(order.price);
        held.filter(|_| !order.reduce_only).map_or(Decimal::ZERO, |(listing, price)| {
            listing.instrument.value(order.left(), price) / self.account.leverage_of(&order.symbol)
        })
    }

    fn balance_held(&self, order: &Order, asset: &str) -> Decimal {
        let listing = self.listings.get(&order.symbol).filter(|l| l.instrument.is_spot());
        let (Some(listing), Some(price)) = (listing, order.price) else {
            return Decimal::ZERO;
        };
        let rules = &listing.instrument;
        match order.side {
            Side::Sell if rules.base == asset => order.left(),
            Side::Buy if rules.quote == asset => self.with_fee(rules.value(order.left(), price)),
            _ => Decimal::ZERO,
        }
    }

    /// The listing of a contract that is settled in `asset`.
    fn settled_in(&self, symbol: &str, asset: &str) -> Option<&Listing> {
        let listing = self.listings.get(symbol)?;
        let rules = &listing.instrument;
        (!rules.is_spot() && rules.settle == asset).then_some(listing)
    }
}
