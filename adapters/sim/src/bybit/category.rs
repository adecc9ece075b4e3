//! The product a server stands for; requests name one in each call.

use crate::exchange::RateLimits;
use crate::exchange::instrument::Listing;

use super::{inverse, linear, spot};

/// A v5 category with orders and instruments. Servers of one list nothing in the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Category {
    /// USDT perpetuals, quantities in base units.
    Linear,
    /// Perpetuals settled in their base coin, quantities in whole US dollars.
    Inverse,
    /// Pairs; balances instead of positions.
    Spot,
}

impl Category {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Inverse => "inverse",
            Self::Spot => "spot",
        }
    }

    pub(super) fn listings(self) -> Vec<Listing> {
        match self {
            Self::Linear => linear::listings(),
            Self::Inverse => inverse::listings(),
            Self::Spot => spot::listings(),
        }
    }

    /// The value of `openOnly` that asks for recently closed orders.
    pub(super) fn closed_orders_value(self) -> &'static str {
        if self == Self::Inverse { "2" } else { "1" }
    }

    pub(super) fn limits(self, mode: RateLimits) -> super::limits::Limits {
        super::limits::Limits::new(mode, self)
    }
}
