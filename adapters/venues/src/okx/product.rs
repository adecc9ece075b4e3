//! What tells the OKX products apart, and what the exchange documents about both of them.

use equipoise_core::{DeadlineCheck, IdAlphabet, ResendClass, VenueTraits};
use equipoise_port::MarginMode;

use super::account::Level;
use crate::settings::REQUEST_WINDOW_MS_DEFAULT;

/// The global host. Accounts of the European Economic Area and of the United States live at `https://eea.okx.com` and
/// `https://us.okx.com`, which configuration names as the base URL; a key of another region does not exist here.
/// Source: OKX v5 Production Trading Services, read 2026-11-22.
pub(crate) const PRODUCTION: &str = "https://www.okx.com";
/// Demo trading shares the host; a header and keys of its own tell it apart.
/// Source: OKX v5 Demo Trading Services, read 2026-11-22.
pub(crate) const TEST: &str = PRODUCTION;

/// One product of the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Product {
    /// Perpetual contracts, linear and inverse.
    Swap,
    /// Immediate exchange.
    Spot,
}

impl Product {
    /// The product's name in requests.
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Swap => "SWAP",
            Self::Spot => "SPOT",
        }
    }

    /// The names its orders can be listed under. An account that trades spot in cross margin may have such an order
    /// listed as spot or as margin, which is not documented: both are asked for.
    /// Source: OKX v5 Place Order, tdMode; Order History, instType, read 2026-11-22.
    pub(crate) const fn listed_as(self, level: Level) -> &'static [&'static str] {
        match (self, level) {
            (Self::Swap, _) => &["SWAP"],
            (Self::Spot, Level::Spot | Level::Futures) => &["SPOT"],
            (Self::Spot, Level::MultiCurrency | Level::Portfolio) => &["SPOT", "MARGIN"],
        }
    }

    /// What orders say about margin; `None` where the account has no such orders.
    ///
    /// Contracts are always traded in cross margin. Portfolio margin is left out for them, because its orders cannot be
    /// reduce-only.
    /// Source: OKX v5 Place Order, tdMode and reduceOnly, read 2026-11-22.
    pub(crate) const fn trade_mode(self, level: Level) -> Option<&'static str> {
        match (self, level) {
            (Self::Swap, Level::Futures | Level::MultiCurrency) => Some(CROSS),
            (Self::Swap, Level::Spot | Level::Portfolio) => None,
            (Self::Spot, Level::Spot | Level::Futures) => Some("cash"),
            (Self::Spot, Level::MultiCurrency | Level::Portfolio) => Some(CROSS),
        }
    }

    /// What its positions are margined with on an account of that level.
    pub(crate) fn margin_mode(self, level: Level) -> Option<MarginMode> {
        let crossed = self.trade_mode(level)? == CROSS;
        crossed.then_some(match level {
            Level::Portfolio => MarginMode::Portfolio,
            Level::Spot | Level::Futures | Level::MultiCurrency => MarginMode::Cross,
        })
    }

    /// Taker rate of a regular account, for where the account's own cannot be read.
    /// An assumption: the fee schedule is not part of the interface's documentation and differs by region.
    pub(crate) const fn taker_fee_standard(self) -> &'static str {
        match self {
            Self::Swap => "0.0005",
            Self::Spot => "0.001",
        }
    }
}

/// Cross margin, in orders and in positions.
pub(crate) const CROSS: &str = "cross";

/// Class and margins, the same for both products.
///
/// Class B: a `clOrdId` is unique among pending orders only, so an order that was filled at once protects nothing.
/// Source: OKX v5 Place Order, clOrdId, read 2026-11-22.
///
/// A request past its `expTime` is not processed. At which layer that is checked is not documented, so it counts as the
/// gateway's check, and the margin of ten seconds for what was already admitted is an assumption.
/// Source: OKX v5 Transaction Timeouts, REST API, read 2026-11-22.
///
/// Orders that were cancelled without a fill stay in the history for two hours.
/// Source: OKX v5 Order History (last 7 days), read 2026-11-22.
///
/// Everything can be cancelled by `cancel-all-after`, and Nitro Spreads trade two legs as one order.
/// Source: OKX v5 Cancel All After; Spread Trading, read 2026-11-22.
pub(crate) fn traits() -> VenueTraits {
    VenueTraits {
        class: ResendClass::B,
        deadline_check: DeadlineCheck::Gateway,
        window_ms: REQUEST_WINDOW_MS_DEFAULT,
        margin_ms: 10_000,
        id_horizon_ms: 0,
        lookup_window_ms: 7_200_000,
        id_alphabet: IdAlphabet::Alphanumeric,
        id_len_max: 32,
        native_dead_man_switch: true,
        native_spreads: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_level_has_its_trade_mode_or_none() {
        let modes = |product: Product| Level::ALL.map(|level| product.trade_mode(level));
        assert_eq!(modes(Product::Swap), [None, Some("cross"), Some("cross"), None]);
        assert_eq!(
            modes(Product::Spot),
            [Some("cash"), Some("cash"), Some("cross"), Some("cross")]
        );
        let margins = |product: Product| Level::ALL.map(|level| product.margin_mode(level));
        let cross = Some(MarginMode::Cross);
        assert_eq!(margins(Product::Swap), [None, cross, cross, None]);
        assert_eq!(margins(Product::Spot), [None, None, cross, Some(MarginMode::Portfolio)]);
    }
}
