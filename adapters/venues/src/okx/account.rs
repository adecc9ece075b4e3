//! The account's set-up, its balances and its positions.
//!
//! Source: OKX v5 Get Account Configuration; Get Balance; Get Positions, read 2026-11-22.

use equipoise_core::{Amount, Asset, PositionMode, Qty, Symbol};
use equipoise_port::{Balance, Position};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::product::{CROSS, Product};
use crate::answer::BadAnswer;
use crate::number;

/// What an account may trade and what its margin is counted over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Spot,
    Futures,
    MultiCurrency,
    Portfolio,
}

impl Level {
    /// All of them, in the exchange's order.
    pub(crate) const ALL: [Self; 4] =
        [Self::Spot, Self::Futures, Self::MultiCurrency, Self::Portfolio];

    /// What people call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Spot => "spot mode",
            Self::Futures => "futures mode",
            Self::MultiCurrency => "multi-currency margin",
            Self::Portfolio => "portfolio margin",
        }
    }
}

/// How the account and the key are set up.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Config {
    acct_lv: String,
    pos_mode: String,
    #[serde(default)]
    perm: String,
    #[serde(default)]
    auto_loan: Option<bool>,
    #[serde(default)]
    enable_spot_borrow: Option<bool>,
}

impl Config {
    pub(crate) fn level(&self) -> Result<Level, BadAnswer> {
        Ok(match self.acct_lv.as_str() {
            "1" => Level::Spot,
            "2" => Level::Futures,
            "3" => Level::MultiCurrency,
            "4" => Level::Portfolio,
            _ => return Err(BadAnswer::new("account level is not a documented one")),
        })
    }

    /// Spot knows no positions and so no mode of them.
    pub(crate) fn position_mode(&self, product: Product) -> Result<PositionMode, BadAnswer> {
        match (product, self.pos_mode.as_str()) {
            (Product::Spot, _) | (_, "net_mode") => Ok(PositionMode::OneWay),
            (_, "long_short_mode") => Ok(PositionMode::Hedge),
            _ => Err(BadAnswer::new("position mode is not a documented one")),
        }
    }

    /// The setting by which the account borrows what a spot order lacks, and what people call it; `None` where it does
    /// not borrow.
    ///
    /// `autoLoan` only applies to multi-currency and portfolio margin, whatever it says elsewhere, and
    /// `enableSpotBorrow` to spot mode. That an order without margin (`cash`) never borrows there is not documented, so
    /// the setting counts.
    /// Source: OKX v5 Get account configuration, autoLoan and enableSpotBorrow; Set auto loan, read 2026-11-22.
    pub(crate) fn borrowing(&self) -> Result<Option<(&'static str, &'static str)>, BadAnswer> {
        let (told, setting, called) = match self.level()? {
            Level::Spot => (self.enable_spot_borrow, "enableSpotBorrow", "borrowing in spot mode"),
            Level::Futures => return Ok(None),
            Level::MultiCurrency | Level::Portfolio => (self.auto_loan, "autoLoan", "auto borrow"),
        };
        let borrows = told.ok_or_else(|| BadAnswer::text(setting))?;
        Ok(borrows.then_some((setting, called)))
    }

    pub(crate) fn can_trade(&self) -> bool {
        self.permits("trade")
    }

    /// Source: OKX v5 Get account configuration, perm, read 2026-11-22.
    pub(crate) fn may_withdraw(&self) -> bool {
        self.permits("withdraw")
    }

    fn permits(&self, what: &str) -> bool {
        self.perm.split(',').any(|word| word.trim() == what)
    }
}

/// One position. A contract can have one in cross and one in isolated margin side by side.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PositionRow {
    inst_id: String,
    mgn_mode: String,
    pos_side: String,
    #[serde(default)]
    pos: String,
}

impl PositionRow {
    fn size(&self) -> Result<Amount, BadAnswer> {
        number::amount_or_zero(&self.pos, "pos")
    }
}

/// Whether an instrument has a position outside cross margin, which orders sent from here would not touch.
pub(crate) fn is_isolated(rows: &[PositionRow], symbol: &Symbol) -> Result<bool, BadAnswer> {
    let mut isolated = false;
    for row in rows.iter().filter(|row| row.inst_id == symbol.as_str()) {
        isolated |= row.mgn_mode != CROSS && !row.size()?.is_zero();
    }
    Ok(isolated)
}

/// Both sides of the position in one instrument, in all margin modes together: what is asked for is what the account
/// holds, and a position opened by hand in another mode must be seen too.
pub(crate) fn position(rows: &[PositionRow], symbol: &Symbol) -> Result<Position, BadAnswer> {
    let mut position = Position { long: Qty::ZERO, short: Qty::ZERO };
    for row in rows.iter().filter(|row| row.inst_id == symbol.as_str()) {
        let size = row.size()?;
        let quantity = size.magnitude();
        // In net mode the sign says the direction, in long and short mode the side does and the size has no sign.
        let negative = size.get() < Decimal::ZERO;
        match (row.pos_side.as_str(), negative) {
            _ if size.is_zero() => {}
            ("net", false) | ("long", false) => position.long = position.long.plus(quantity),
            ("net", true) | ("short", false) => position.short = position.short.plus(quantity),
            _ => return Err(BadAnswer::text("posSide")),
        }
    }
    Ok(position)
}

/// The trading account.
#[derive(Deserialize)]
pub(crate) struct Wallet {
    pub(crate) details: Vec<Coin>,
}

/// One asset of the account.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Coin {
    ccy: String,
    cash_bal: String,
    #[serde(default)]
    avail_bal: String,
    #[serde(default)]
    avail_eq: String,
}

impl Coin {
    /// `None` for nothing, and for an asset whose name the engine could not write.
    ///
    /// Contracts draw on available equity, where the account's level has it, spot on the available balance.
    pub(crate) fn balance(&self, product: Product) -> Result<Option<Balance>, BadAnswer> {
        let total = number::amount_or_zero(&self.cash_bal, "cashBal")?;
        let Ok(asset) = Asset::new(&self.ccy) else {
            tracing::warn!("a balance is left out: its asset's name is not plain ASCII");
            return Ok(None);
        };
        let free = match product {
            Product::Swap if !self.avail_eq.is_empty() => {
                number::amount(&self.avail_eq, "availEq")?
            }
            _ => number::amount_or_zero(&self.avail_bal, "availBal")?,
        };
        let available = Amount::from(free.get().max(Decimal::ZERO));
        Ok((!total.is_zero()).then_some(Balance { asset, total, available }))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn row(mgn_mode: &str, pos_side: &str, pos: &str) -> PositionRow {
        let text = |text: &str| text.to_owned();
        PositionRow {
            inst_id: text("BTC-USDT-SWAP"),
            mgn_mode: text(mgn_mode),
            pos_side: text(pos_side),
            pos: text(pos),
        }
    }

    #[test]
    fn the_sign_counts_in_net_mode_and_the_side_otherwise() {
        let symbol = "BTC-USDT-SWAP".parse().unwrap();
        let net = |rows: &[PositionRow]| position(rows, &symbol).map(|found| found.net());
        assert_eq!(net(&[row("cross", "net", "-0.5")]).unwrap().to_string(), "-0.5");
        assert_eq!(net(&[row("cross", "net", "0.5")]).unwrap().to_string(), "0.5");
        let hedged = [row("cross", "long", "3"), row("isolated", "short", "1")];
        assert_eq!(net(&hedged).unwrap().to_string(), "2");
        assert_eq!(net(&[row("cross", "short", "")]).unwrap(), Amount::ZERO);
        for side in ["long", "short"] {
            assert!(net(&[row("cross", side, "-1")]).is_err());
        }
        assert!(net(&[row("cross", "both", "1")]).is_err());
    }

    #[test]
    fn only_a_position_that_is_there_counts_as_isolated() {
        let symbol = "BTC-USDT-SWAP".parse().unwrap();
        let other = "ETH-USDT-SWAP".parse().unwrap();
        let rows = [row("cross", "net", "1"), row("isolated", "net", "1")];
        assert!(is_isolated(&rows, &symbol).unwrap());
        assert!(!is_isolated(&rows, &other).unwrap());
        assert!(!is_isolated(&[row("isolated", "net", "0")], &symbol).unwrap());
    }
}
