//! Accounts, positions and balances in the exchange's answers.
//!
//! Source: Binance USDⓈ-M Position Information V3, Futures Account Balance V3, Futures Account Configuration, Symbol
//! Configuration; COIN-M Position Information, Futures Account Balance, Account Information, Get Current Position Mode;
//! Spot REST API, Account information, read 2026-11-22.

use equipoise_core::{Asset, Qty, Symbol};
use equipoise_port::{Balance, MarginMode, Position};
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::answer::BadAnswer;
use crate::number;

/// The account as it is set up.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccountConfig {
    pub(crate) can_trade: bool,
    pub(crate) dual_side_position: bool,
    /// Whether every margin asset stands for every position, which allows cross margin only.
    /// Source: Binance USDⓈ-M Error Codes, -4167 and -4168, read 2026-11-22.
    #[serde(default)]
    pub(crate) multi_assets_margin: bool,
}

/// How one symbol is set up on USDⓈ-M.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SymbolConfig {
    symbol: String,
    margin_type: String,
}

impl SymbolConfig {
    fn margin_mode(&self) -> Result<MarginMode, BadAnswer> {
        match self.margin_type.as_str() {
            "CROSSED" => Ok(MarginMode::Cross),
            "ISOLATED" => Ok(MarginMode::Isolated),
            _ => Err(BadAnswer::new("margin type is not a documented one")),
        }
    }
}

/// The margin mode of these symbols; what is not listed is not told.
pub(crate) fn margin_mode(
    rows: &[SymbolConfig],
    symbols: &[Symbol],
) -> Result<Option<MarginMode>, BadAnswer> {
    let own = rows.iter().filter(|row| symbols.iter().any(|symbol| symbol.as_str() == row.symbol));
    let modes: Result<Vec<MarginMode>, BadAnswer> = own.map(SymbolConfig::margin_mode).collect();
    Ok(joint(modes?))
}

/// The account on COIN-M: the right to trade, and every contract with its margin type.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccountRights {
    pub(crate) can_trade: bool,
    #[serde(default)]
    positions: Vec<ContractMargin>,
}

#[derive(Deserialize)]
struct ContractMargin {
    symbol: String,
    isolated: bool,
}

impl AccountRights {
    /// The margin mode of these symbols; what is not listed is not told.
    pub(crate) fn margin_mode(&self, symbols: &[Symbol]) -> Option<MarginMode> {
        let wanted = |row: &&ContractMargin| symbols.iter().any(|s| s.as_str() == row.symbol);
        let mode = |isolated: bool| if isolated { MarginMode::Isolated } else { MarginMode::Cross };
        joint(self.positions.iter().filter(wanted).map(|row| mode(row.isolated)))
    }
}

fn joint(modes: impl IntoIterator<Item = MarginMode>) -> Option<MarginMode> {
    let same = |one, other| if one == other { one } else { MarginMode::Mixed };
    modes.into_iter().reduce(same)
}

/// The position mode alone.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PositionSideMode {
    pub(crate) dual_side_position: bool,
}

/// One side of one position.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PositionRisk {
    symbol: String,
    position_side: String,
    position_amt: String,
}

/// Both sides of the position in one instrument. An instrument without position and orders is not listed.
pub(crate) fn position(rows: &[PositionRisk], symbol: &Symbol) -> Result<Position, BadAnswer> {
    let mut position = Position { long: Qty::ZERO, short: Qty::ZERO };
    for row in rows.iter().filter(|row| row.symbol == symbol.as_str()) {
        let amount = number::amount(&row.position_amt, "positionAmt")?;
        let long = match row.position_side.as_str() {
            "LONG" => true,
            "SHORT" => false,
            "BOTH" => amount.get() >= Decimal::ZERO,
            _ => return Err(BadAnswer::text("positionSide")),
        };
        let side = if long { &mut position.long } else { &mut position.short };
        *side = side.plus(amount.magnitude());
    }
    Ok(position)
}

/// One asset of the account.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AssetBalance {
    asset: String,
    balance: String,
    available_balance: String,
}

impl AssetBalance {
    /// `None` for nothing, and for an asset whose name the engine could not write.
    pub(crate) fn balance(&self) -> Result<Option<Balance>, BadAnswer> {
        let total = number::amount(&self.balance, "balance")?;
        let Ok(asset) = Asset::new(&self.asset) else {
            tracing::warn!("a balance is left out: its asset's name is not plain ASCII");
            return Ok(None);
        };
        Ok((!total.is_zero()).then_some(Balance {
            asset,
            total,
            available: number::amount(&self.available_balance, "availableBalance")?,
        }))
    }
}

/// A spot account.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SpotAccount {
    pub(crate) can_trade: bool,
    #[serde(default)]
    pub(crate) account_type: Option<String>,
    #[serde(default)]
    pub(crate) commission_rates: Option<SpotRates>,
    balances: Vec<SpotBalance>,
}

/// Standard rates of a spot account.
#[derive(Deserialize)]
pub(crate) struct SpotRates {
    pub(crate) taker: String,
}

#[derive(Deserialize)]
struct SpotBalance {
    asset: String,
    free: String,
    locked: String,
}

impl SpotAccount {
    /// Balances other than zero, without assets whose names the engine could not write.
    pub(crate) fn balances(&self) -> Result<Vec<Balance>, BadAnswer> {
        let rows = self.balances.iter().map(SpotBalance::balance);
        rows.filter_map(Result::transpose).collect()
    }
}

impl SpotBalance {
    fn balance(&self) -> Result<Option<Balance>, BadAnswer> {
        let available = number::amount(&self.free, "free")?;
        let total = available + number::amount(&self.locked, "locked")?;
        let Ok(asset) = Asset::new(&self.asset) else {
            tracing::warn!("a balance is left out: its asset's name is not plain ASCII");
            return Ok(None);
        };
        Ok((!total.is_zero()).then_some(Balance { asset, total, available }))
    }
}
