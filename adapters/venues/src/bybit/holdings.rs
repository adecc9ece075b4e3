//! Keys, accounts, positions and balances in the exchange's answers.
//!
//! Source: Bybit v5 Get API Key Information, Get Account Info, Get Position Info, Get Wallet Balance, read 2026-11-22.

use equipoise_core::{Amount, Asset, PositionMode, Qty, Symbol};
use equipoise_port::{Balance, MarginMode, Position};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::product::Kind;
use crate::answer::BadAnswer;
use crate::number;

/// What the key may do.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiKey {
    read_only: i64,
    permissions: Permissions,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Permissions {
    #[serde(default)]
    contract_trade: Vec<String>,
    #[serde(default)]
    derivatives: Vec<String>,
    #[serde(default)]
    spot: Vec<String>,
    #[serde(default)]
    wallet: Vec<String>,
}

impl ApiKey {
    /// Source: Bybit v5 Get API Key Information, permissions, read 2026-11-22.
    pub(crate) fn may_withdraw(&self) -> bool {
        self.read_only == 0 && self.permissions.wallet.iter().any(|word| word == "Withdraw")
    }

    pub(crate) fn can_trade(&self, kind: Kind) -> bool {
        let permissions = &self.permissions;
        let has = |words: &[String], wanted: &str| words.iter().any(|word| word == wanted);
        let allowed = match kind {
            Kind::Spot => has(&permissions.spot, "SpotTrade"),
            Kind::Linear | Kind::Inverse => {
                has(&permissions.contract_trade, "Order")
                    || has(&permissions.derivatives, "DerivativesTrade")
            }
        };
        self.read_only == 0 && allowed
    }
}

/// The kind of account.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccountInfo {
    unified_margin_status: i64,
    #[serde(default)]
    margin_mode: String,
}

impl AccountInfo {
    /// Whether the account is of that kind or a later one.
    /// Source: Bybit v5 Enum Definitions, unifiedMarginStatus, read 2026-11-22.
    pub(crate) fn is_at_least(&self, status: i64) -> bool {
        self.unified_margin_status >= status
    }

    /// What people call the account.
    /// Source: Bybit v5 Enum Definitions, unifiedMarginStatus, read 2026-11-22.
    pub(crate) fn kind(&self) -> String {
        match self.unified_margin_status {
            1 => "a classic account".to_owned(),
            3 | 4 => "a unified trading account of version 1".to_owned(),
            5 | 6 => "a unified trading account of version 2".to_owned(),
            other => format!("an account of status {other}"),
        }
    }

    /// One mode for the whole account; orders name none and follow it.
    /// Source: Bybit v5 Set Margin Mode; Place Order, parameters, read 2026-11-22.
    pub(crate) fn margin_mode(&self) -> Result<MarginMode, BadAnswer> {
        match self.margin_mode.as_str() {
            "REGULAR_MARGIN" => Ok(MarginMode::Cross),
            "ISOLATED_MARGIN" => Ok(MarginMode::Isolated),
            "PORTFOLIO_MARGIN" => Ok(MarginMode::Portfolio),
            _ => Err(BadAnswer::new("margin mode is not a documented one")),
        }
    }
}

/// One side of one position.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PositionRow {
    pub(crate) symbol: String,
    pub(crate) position_idx: u8,
    #[serde(default)]
    side: String,
    #[serde(default)]
    size: String,
}

/// Both sides of the position in one instrument.
pub(crate) fn position(rows: &[PositionRow], symbol: &Symbol) -> Result<Position, BadAnswer> {
    let mut position = Position { long: Qty::ZERO, short: Qty::ZERO };
    for row in rows.iter().filter(|row| row.symbol == symbol.as_str()) {
        let size = number::amount_or_zero(&row.size, "size")?;
        if size.is_zero() {
            continue;
        }
        // The size is never negative; the side says the direction in both modes.
        let size = Qty::new(size.get()).map_err(|_| BadAnswer::number("size"))?;
        match row.side.as_str() {
            "Buy" => position.long = position.long.plus(size),
            "Sell" => position.short = position.short.plus(size),
            _ => return Err(BadAnswer::text("side")),
        }
    }
    Ok(position)
}

/// The mode of one instrument. One that is not listed has no position, and one-way is what it starts in;
/// an order that does not fit the mode is refused with a documented code.
pub(crate) fn mode(rows: &[PositionRow], symbol: &Symbol) -> Result<PositionMode, BadAnswer> {
    let mut own = rows.iter().filter(|row| row.symbol == symbol.as_str());
    match own.next().map(|row| row.position_idx) {
        None | Some(0) => Ok(PositionMode::OneWay),
        Some(1 | 2) => Ok(PositionMode::Hedge),
        _ => Err(BadAnswer::new("position mode is not a documented one")),
    }
}

/// One kind of account with its coins.
#[derive(Deserialize)]
pub(crate) struct Wallet {
    pub(crate) coin: Vec<Coin>,
}

/// One asset of the account.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Coin {
    coin: String,
    wallet_balance: String,
    #[serde(default)]
    locked: String,
    #[serde(default, rename = "totalOrderIM")]
    total_order_im: String,
    #[serde(default, rename = "totalPositionIM")]
    total_position_im: String,
}

impl Coin {
    /// `None` for nothing, and for an asset whose name the engine could not write.
    ///
    /// The exchange states no available amount per coin any more: it is the balance less what orders and positions hold,
    /// which leaves out what other coins would lend it.
    pub(crate) fn balance(&self) -> Result<Option<Balance>, BadAnswer> {
        let total = number::amount_or_zero(&self.wallet_balance, "walletBalance")?;
        let Ok(asset) = Asset::new(&self.coin) else {
            tracing::warn!("a balance is left out: its asset's name is not plain ASCII");
            return Ok(None);
        };
        let held = number::amount_or_zero(&self.locked, "locked")?
            + number::amount_or_zero(&self.total_order_im, "totalOrderIM")?
            + number::amount_or_zero(&self.total_position_im, "totalPositionIM")?;
        let free = (total - held).get().max(Decimal::ZERO);
        Ok((!total.is_zero()).then_some(Balance { asset, total, available: Amount::from(free) }))
    }
}
