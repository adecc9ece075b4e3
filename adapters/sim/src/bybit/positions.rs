//! Positions, position mode and leverage.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Inside;
use super::account::maintenance_rate;
use super::category::Category;
use super::failure::Failure;
use super::render;
use crate::exchange::account::PositionSide;
use crate::exchange::instrument::{Listing, fixed};
use crate::params::plain_decimal;

impl Inside<'_> {
    /// By symbol also an empty position; else only held ones.
    pub(super) fn positions(&self) -> Result<Value, Failure> {
        let symbol = self.optional_symbol()?;
        let settle = self.params.get("settleCoin");
        self.needs_contracts()?;
        if self.category()? == Category::Linear.name() && symbol.is_none() && settle.is_none() {
            return Err(Failure::refused(
                10001,
                "Missing some parameters that must be filled in, symbol or settleCoin",
            ));
        }
        let own = self.is_own()?;
        let listings = self.engine.listings.values().filter(|listing| {
            let rules = &listing.instrument;
            own && symbol.is_none_or(|symbol| rules.symbol == symbol)
                && (symbol.is_some() || settle.is_none_or(|settle| rules.settle == settle))
        });
        let mut list = Vec::new();
        for listing in listings {
            for side in self.engine.account.sides() {
                let held = !self
                    .engine
                    .account
                    .position(listing.instrument.symbol, *side)
                    .quantity
                    .is_zero();
                if symbol.is_some() || held {
                    list.push(self.position(listing, *side));
                }
            }
        }
        Ok(json!({ "category": self.category()?, "list": list, "nextPageCursor": "" }))
    }

    /// Switches the whole account, whether a symbol or a coin is named.
    // Source: Bybit v5 Error Codes, 110024, 110025, 110028, 110029, read 2026-11-22.
    pub(super) fn switch_mode(&mut self) -> Result<Value, Failure> {
        let hedge_mode = match self.params.get("mode") {
            Some("0") => false,
            Some("3") => true,
            _ => return Err(Failure::refused(10001, "params error: mode invalid")),
        };
        self.needs_contracts()?;
        if !self.engine.policy.offers_hedge_mode && hedge_mode {
            return Err(Failure::refused(110_029, "Hedge mode is not available for this symbol"));
        }
        if hedge_mode == self.engine.account.hedge_mode {
            return Err(Failure::refused(110_025, "Position mode is not modified"));
        }
        if self.engine.account.has_position() {
            return Err(Failure::refused(
                110_024,
                "You have an existing position, so position mode cannot be switched",
            ));
        }
        if self.engine.orders.open().next().is_some() {
            return Err(Failure::refused(
                110_028,
                "You have existing open orders, so the position mode cannot be switched",
            ));
        }
        self.engine.account.hedge_mode = hedge_mode;
        Ok(json!({}))
    }

    // Source: Bybit v5 Error Codes, 110013, 110043, read 2026-11-22.
    pub(super) fn set_leverage(&mut self) -> Result<Value, Failure> {
        self.needs_contracts()?;
        let rules = &self.symbol()?.instrument;
        let (symbol, max) = (rules.symbol, rules.leverage_max);
        let leverage = |name| self.params.get(name).and_then(plain_decimal);
        let (Some(buy), Some(sell)) = (leverage("buyLeverage"), leverage("sellLeverage")) else {
            return Err(Failure::parameter());
        };
        // Cross margin has one leverage for both sides; fractions are not simulated.
        let whole =
            u32::try_from(buy.normalize()).ok().filter(|_| buy == sell && buy.fract().is_zero());
        let Some(leverage) = whole.filter(|leverage| (1..=max).contains(leverage)) else {
            return Err(Failure::refused(110_013, "Cannot set leverage due to risk limit level"));
        };
        if self.engine.account.leverage_of(symbol) == Decimal::from(leverage) {
            return Err(Failure::refused(110_043, "Set leverage has not been modified."));
        }
        self.engine.account.leverage.insert(symbol.to_owned(), leverage);
        Ok(json!({}))
    }

    /// Size is always positive; the side tells the direction and is empty without a position.
    fn position(&self, listing: &Listing, side: PositionSide) -> Value {
        let rules = &listing.instrument;
        let position = self.engine.account.position(rules.symbol, side);
        let direction = match position.quantity {
            quantity if quantity > Decimal::ZERO => "Buy",
            quantity if quantity < Decimal::ZERO => "Sell",
            _ => "",
        };
        let worth = rules.value(position.quantity.abs(), listing.mark);
        let leverage = self.engine.account.leverage_of(rules.symbol);
        json!({
            "positionIdx": render::position_index(side),
            "riskId": 1,
            "riskLimitValue": "40000000",
            "symbol": rules.symbol,
            "side": direction,
            "size": fixed(position.quantity.abs(), rules.quantity_decimals),
            "avgPrice": position.entry_price(rules).round_dp(8).normalize().to_string(),
            "positionValue": position.cost.abs().round_dp(8).normalize().to_string(),
            "tradeMode": 0,
            "positionStatus": "Normal",
            "autoAddMargin": 0,
            "adlRankIndicator": u8::from(!position.quantity.is_zero()) * 2,
            "leverage": leverage.to_string(),
            "positionBalance": "0",
            "markPrice": fixed(listing.mark, rules.price_decimals),
            "liqPrice": "",
            "bustPrice": "",
            "positionIM": fixed(worth / leverage, 8),
            "positionMM": fixed(worth * maintenance_rate(), 8),
            "tpslMode": "Full",
            "takeProfit": "",
            "stopLoss": "",
            "trailingStop": "0",
            "sessionAvgPrice": "",
            "unrealisedPnl": fixed(position.unrealised(rules, listing.mark), 8),
            "curRealisedPnl": fixed(position.realised, 8),
            "cumRealisedPnl": fixed(position.realised, 8),
            "seq": position.updated_ms,
            "isReduceOnly": false,
            "mmrSysUpdatedTime": "",
            "leverageSysUpdatedTime": "",
            "createdTime": position.updated_ms.to_string(),
            "updatedTime": position.updated_ms.to_string(),
        })
    }
}
