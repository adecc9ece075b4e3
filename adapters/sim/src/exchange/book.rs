//! The order book: synthetic depth of a fixed shape around the mark, plus the account's own resting orders.
//!
//! The synthetic part is a function of mark and shape, so it is back in full after every order
//! and each run meets the same prices.

use rust_decimal::Decimal;

use super::instrument::Listing;
use super::orders::{Order, Side};

/// One price with what is offered there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Quote units.
    pub price: Decimal,
    /// In the instrument's unit.
    pub quantity: Decimal,
}

/// How much synthetic liquidity the books hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// Twenty levels a side, enough for any order the venue accepts from one account at small slippage.
    #[default]
    Deep,
    /// So many levels a side with this quantity (in the instrument's unit) each; larger orders find nothing more.
    Thin {
        /// Levels a side.
        levels: u32,
        /// In the instrument's unit, per level.
        quantity: Decimal,
    },
}

/// Synthetic liquidity on one side, mirrored on the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) levels: u32,
    /// Quantity at the touch, in the instrument's unit.
    pub(crate) first: Decimal,
    /// Quantity added per further level.
    pub(crate) growth: Decimal,
}

impl Shape {
    /// Twenty levels that grow by their first quantity.
    pub(crate) const fn growing(first: Decimal) -> Self {
        Self { levels: 20, first, growth: first }
    }

    pub(crate) fn at_depth(self, depth: Depth) -> Self {
        match depth {
            Depth::Deep => self,
            Depth::Thin { levels, quantity } => {
                Self { levels, first: quantity, growth: Decimal::ZERO }
            }
        }
    }
}

/// What a taker can meet at one price.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer {
    pub(crate) level: Level,
    /// The account's own resting order, if it is one.
    pub(crate) own: Option<u64>,
}

/// Synthetic levels on the `side` of the book, best first.
///
/// Level n lies n(n+1)/2 × 5 ticks behind the touch, so that walking the book costs more the deeper it goes.
pub(crate) fn synthetic(listing: &Listing, side: Side) -> Vec<Level> {
    let touch = touch(listing, side);
    let tick = listing.instrument.tick_at(listing.mark);
    let sign = if side == Side::Buy { -tick } else { tick };
    (0..listing.shape.levels)
        .map(|n| Level {
            price: touch + sign * Decimal::from(n * (n + 1) / 2 * 5),
            quantity: listing.shape.first + listing.shape.growth * Decimal::from(n),
        })
        .filter(|level| level.price > Decimal::ZERO)
        .collect()
}

/// Best synthetic price on `side`: one tick below the mark for bids, the mark's own tick for asks.
pub(crate) fn touch(listing: &Listing, side: Side) -> Decimal {
    let tick = listing.instrument.tick_at(listing.mark);
    let mark = listing.mark - listing.mark % tick;
    if side == Side::Buy { mark - tick } else { mark }
}

/// Everything a taker of the other side can meet on `side`, best price first, own orders behind others.
pub(crate) fn offers<'a>(
    listing: &Listing,
    side: Side,
    own: impl Iterator<Item = &'a Order>,
) -> Vec<Offer> {
    let resting = own.filter(|order| order.side == side).filter_map(|order| {
        let level = Level { price: order.price?, quantity: order.left() };
        Some(Offer { level, own: Some(order.number) })
    });
    let mut offers: Vec<Offer> = synthetic(listing, side)
        .into_iter()
        .map(|level| Offer { level, own: None })
        .chain(resting)
        .collect();
    // Stable, so that equal prices keep synthetic depth first and own orders by age.
    offers.sort_by(|a, b| match side {
        Side::Buy => b.level.price.cmp(&a.level.price),
        Side::Sell => a.level.price.cmp(&b.level.price),
    });
    offers
}

/// Offers of equal price added up, as a depth page shows them.
pub(crate) fn levels(offers: &[Offer]) -> Vec<Level> {
    let mut levels: Vec<Level> = Vec::new();
    for Offer { level, .. } in offers {
        match levels.last_mut() {
            Some(last) if last.price == level.price => last.quantity += level.quantity,
            _ => levels.push(*level),
        }
    }
    levels
}

/// Whether a `taker` limited to `limit` may trade at `price`.
pub(crate) fn crosses(taker: Side, limit: Decimal, price: Decimal) -> bool {
    match taker {
        Side::Buy => price <= limit,
        Side::Sell => price >= limit,
    }
}
