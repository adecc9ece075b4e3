//! Positions, balances and the settings of the account.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::failure::Failure;
use super::limits::{Limits, ORDERS_PER_MINUTE, ORDERS_PER_TEN_SECONDS};
use super::render;
use super::{Inside, plain_or_illegal};
use crate::exchange::account::PositionSide;
use crate::exchange::instrument::{Listing, fixed};
use crate::exchange::orders::Side;

impl Inside<'_> {
    /// Positions held and those of symbols with open orders.
    pub(super) fn position_risk(&self) -> Result<Value, Failure> {
        let wanted = self.optional_symbol()?;
        let rows = self.rows(wanted).filter(|(listing, side)| self.is_active(listing, *side));
        Ok(rows.map(|(listing, side)| self.position(listing, side)).collect())
    }

    /// The older page: every symbol, with leverage and margin type.
    pub(super) fn position_risk_all(&self) -> Result<Value, Failure> {
        let wanted = self.optional_symbol()?;
        let rows = self.rows(wanted).map(|(listing, side)| {
            let mut row = self.position(listing, side);
            if let Some(fields) = row.as_object_mut() {
                let leverage =
                    self.engine.account.leverage_of(listing.instrument.symbol).to_string();
                fields.insert("leverage".to_owned(), Value::from(leverage));
                fields.insert("marginType".to_owned(), Value::from("cross"));
                fields.insert("isAutoAddMargin".to_owned(), Value::from("false"));
                fields.insert("maxNotionalValue".to_owned(), Value::from("40000000"));
            }
            row
        });
        Ok(rows.collect())
    }

    pub(super) fn balance(&self) -> Value {
        let engine = &self.engine;
        let available = fixed(engine.available("USDT"), 8);
        json!([{
            "accountAlias": "SgsR",
            "asset": "USDT",
            "balance": fixed(engine.account.balance("USDT"), 8),
            "crossWalletBalance": fixed(engine.account.balance("USDT"), 8),
            "crossUnPnl": fixed(engine.unrealised("USDT"), 8),
            "availableBalance": available,
            "maxWithdrawAmount": available,
            "marginAvailable": true,
            "updateTime": self.now_ms,
        }])
    }

    pub(super) fn account(&self) -> Value {
        let engine = &self.engine;
        let (wallet, unrealised) = (engine.account.balance("USDT"), engine.unrealised("USDT"));
        let (positions, orders) = (engine.position_margin("USDT"), engine.order_margin("USDT"));
        let rows = self.rows(None).filter(|(listing, side)| self.is_active(listing, *side));
        let shown: Vec<Value> =
            rows.map(|(listing, side)| self.account_position(listing, side)).collect();
        json!({
            "feeTier": 0,
            "canTrade": true,
            "canDeposit": true,
            "canWithdraw": true,
            "multiAssetsMargin": false,
            "tradeGroupId": -1,
            "updateTime": 0,
            "totalInitialMargin": fixed(positions + orders, 8),
            "totalMaintMargin": fixed(self.maintenance_margin(), 8),
            "totalWalletBalance": fixed(wallet, 8),
            "totalUnrealizedProfit": fixed(unrealised, 8),
            "totalMarginBalance": fixed(wallet + unrealised, 8),
            "totalPositionInitialMargin": fixed(positions, 8),
            "totalOpenOrderInitialMargin": fixed(orders, 8),
            "totalCrossWalletBalance": fixed(wallet, 8),
            "totalCrossUnPnl": fixed(unrealised, 8),
            "availableBalance": fixed(engine.available("USDT"), 8),
            "maxWithdrawAmount": fixed(engine.available("USDT"), 8),
            "assets": [{
                "asset": "USDT",
                "walletBalance": fixed(wallet, 8),
                "unrealizedProfit": fixed(unrealised, 8),
                "marginBalance": fixed(wallet + unrealised, 8),
                "maintMargin": fixed(self.maintenance_margin(), 8),
                "initialMargin": fixed(positions + orders, 8),
                "positionInitialMargin": fixed(positions, 8),
                "openOrderInitialMargin": fixed(orders, 8),
                "crossWalletBalance": fixed(wallet, 8),
                "crossUnPnl": fixed(unrealised, 8),
                "availableBalance": fixed(engine.available("USDT"), 8),
                "maxWithdrawAmount": fixed(engine.available("USDT"), 8),
                "marginAvailable": true,
                "updateTime": self.now_ms,
            }],
            "positions": shown,
        })
    }

    pub(super) fn account_config(&self) -> Value {
        json!({
            "feeTier": 0,
            "canTrade": true,
            "canDeposit": true,
            "canWithdraw": true,
            "dualSidePosition": self.engine.account.hedge_mode,
            "updateTime": 0,
            "multiAssetsMargin": false,
            "tradeGroupId": -1,
        })
    }

    pub(super) fn symbol_config(&self) -> Result<Value, Failure> {
        let wanted = self.optional_symbol()?;
        let listings = self.engine.listings.values();
        let wanted = listings
            .filter(|listing| wanted.is_none_or(|symbol| listing.instrument.symbol == symbol));
        let rows = wanted.map(|listing| {
            json!({
                "symbol": listing.instrument.symbol,
                "marginType": "CROSSED",
                "isAutoAddMargin": false,
                "leverage": self.leverage(listing),
                "maxNotionalValue": "40000000",
            })
        });
        Ok(rows.collect())
    }

    pub(super) fn position_mode(&self) -> Value {
        json!({ "dualSidePosition": self.engine.account.hedge_mode })
    }

    // Source: Binance USDⓈ-M Error Codes, -4059, -4067, -4068, read 2026-11-22.
    pub(super) fn set_position_mode(&mut self) -> Result<Value, Failure> {
        let hedge_mode = match self.params.get("dualSidePosition") {
            Some("true" | "True") => true,
            Some("false" | "False") => false,
            _ => return Err(Failure::missing("dualSidePosition")),
        };
        if hedge_mode == self.engine.account.hedge_mode {
            return Err(Failure::refused(-4059, "No need to change position side."));
        }
        if self.engine.orders.open().next().is_some() {
            return Err(Failure::refused(
                -4067,
                "Position side cannot be changed if there exists open orders.",
            ));
        }
        if self.engine.account.has_position() {
            return Err(Failure::refused(
                -4068,
                "Position side cannot be changed if there exists position.",
            ));
        }
        self.engine.account.hedge_mode = hedge_mode;
        Ok(json!({ "code": 200, "msg": "success" }))
    }

    pub(super) fn commission_rate(&self) -> Result<Value, Failure> {
        let policy = &self.engine.policy;
        Ok(json!({
            "symbol": self.symbol()?.instrument.symbol,
            "makerCommissionRate": fixed(policy.maker_fee, 6),
            "takerCommissionRate": fixed(policy.taker_fee, 6),
            "rpiCommissionRate": "0.000000",
        }))
    }

    /// One bracket without steps: leverage does not fall with size here.
    pub(super) fn leverage_bracket(&self) -> Result<Value, Failure> {
        let wanted = self.optional_symbol()?;
        let listings = self.engine.listings.values();
        let wanted = listings
            .filter(|listing| wanted.is_none_or(|symbol| listing.instrument.symbol == symbol));
        let rows = wanted.map(|listing| {
            json!({
                "symbol": listing.instrument.symbol,
                "brackets": [{
                    "bracket": 1,
                    "initialLeverage": listing.instrument.leverage_max,
                    "notionalCap": 40_000_000,
                    "notionalFloor": 0,
                    "maintMarginRatio": 0.004,
                    "cum": 0.0,
                }],
            })
        });
        Ok(rows.collect())
    }

    pub(super) fn order_rate_limit(&self, limits: &Limits) -> Value {
        let (ten_seconds, minute) = limits.orders(self.now_ms);
        json!([
            { "rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": ORDERS_PER_TEN_SECONDS, "count": ten_seconds },
            { "rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": ORDERS_PER_MINUTE, "count": minute },
        ])
    }

    pub(super) fn set_leverage(&mut self) -> Result<Value, Failure> {
        let listing = self.symbol()?;
        let (symbol, max) = (listing.instrument.symbol, listing.instrument.leverage_max);
        let text = self.params.get("leverage").ok_or_else(|| Failure::missing("leverage"))?;
        let leverage = plain_or_illegal("leverage", text)?;
        let Some(leverage) = text.parse::<u32>().ok().filter(|value| (1..=max).contains(value))
        else {
            return Err(Failure::refused(-4028, format!("Leverage {leverage} is not valid")));
        };
        self.engine.account.leverage.insert(symbol.to_owned(), leverage);
        Ok(json!({ "leverage": leverage, "maxNotionalValue": "40000000", "symbol": symbol }))
    }

    /// Only cross margin is simulated.
    pub(super) fn set_margin_type(&self) -> Result<Value, Failure> {
        let _ = self.symbol()?;
        match self.params.get("marginType") {
            Some("CROSSED") => Err(Failure::refused(-4046, "No need to change margin type.")),
            Some("ISOLATED") => {
                Err(Failure::refused(-4168, "Unable to adjust to isolated-margin mode."))
            }
            _ => Err(Failure::missing("marginType")),
        }
    }

    fn rows(&self, wanted: Option<&str>) -> impl Iterator<Item = (&Listing, PositionSide)> {
        let listings = self.engine.listings.values();
        let wanted = listings
            .filter(move |listing| wanted.is_none_or(|symbol| listing.instrument.symbol == symbol));
        wanted.flat_map(|listing| {
            self.engine.account.sides().iter().map(move |side| (listing, *side))
        })
    }

    fn is_active(&self, listing: &Listing, side: PositionSide) -> bool {
        let symbol = listing.instrument.symbol;
        let mut open = self.engine.orders.open();
        !self.engine.account.position(symbol, side).quantity.is_zero()
            || open.any(|order| order.symbol == symbol && order.position_side == side)
    }

    fn leverage(&self, listing: &Listing) -> Value {
        let leverage = self.engine.account.leverage_of(listing.instrument.symbol);
        Value::from(u32::try_from(leverage).unwrap_or_default())
    }

    /// 0.4 % of every position, the lowest bracket's rate.
    fn maintenance_margin(&self) -> Decimal {
        let positions = self.engine.account.positions();
        let notionals = positions.filter_map(|(symbol, _, position)| {
            Some(position.quantity.abs() * self.engine.listings.get(symbol)?.mark)
        });
        notionals.sum::<Decimal>() * Decimal::new(4, 3)
    }

    fn order_notional(&self, symbol: &str, side: Side) -> Decimal {
        let open =
            self.engine.orders.open().filter(|order| order.symbol == symbol && order.side == side);
        open.filter_map(|order| Some(order.left() * order.price?)).sum()
    }

    fn position(&self, listing: &Listing, side: PositionSide) -> Value {
        let rules = &listing.instrument;
        let position = self.engine.account.position(rules.symbol, side);
        let notional = position.quantity * listing.mark;
        let leverage = self.engine.account.leverage_of(rules.symbol);
        let orders = self.order_notional(rules.symbol, Side::Buy)
            + self.order_notional(rules.symbol, Side::Sell);
        json!({
            "symbol": rules.symbol,
            "positionSide": render::position_side(side),
            "positionAmt": fixed(position.quantity, rules.quantity_decimals),
            "entryPrice": position.entry_price(rules).round_dp(8).normalize().to_string(),
            "breakEvenPrice": position.entry_price(rules).round_dp(8).normalize().to_string(),
            "markPrice": fixed(listing.mark, 8),
            "unRealizedProfit": fixed(position.unrealised(rules, listing.mark), 8),
            "liquidationPrice": "0",
            "isolatedMargin": "0",
            "isolatedWallet": "0",
            "notional": fixed(notional, 8),
            "marginAsset": rules.quote,
            "initialMargin": fixed((notional.abs() + orders) / leverage, 8),
            "maintMargin": fixed(notional.abs() * Decimal::new(4, 3), 8),
            "positionInitialMargin": fixed(notional.abs() / leverage, 8),
            "openOrderInitialMargin": fixed(orders / leverage, 8),
            "adl": 1,
            "bidNotional": fixed(self.order_notional(rules.symbol, Side::Buy), 8),
            "askNotional": fixed(self.order_notional(rules.symbol, Side::Sell), 8),
            "updateTime": position.updated_ms,
        })
    }

    fn account_position(&self, listing: &Listing, side: PositionSide) -> Value {
        let mut row = self.position(listing, side);
        if let Some(fields) = row.as_object_mut() {
            let profit = fields.remove("unRealizedProfit").unwrap_or_default();
            fields.insert("unrealizedProfit".to_owned(), profit);
            let leverage = self.engine.account.leverage_of(listing.instrument.symbol).to_string();
            fields.insert("leverage".to_owned(), Value::from(leverage));
            fields.insert("isolated".to_owned(), Value::from(false));
            fields.insert("maxNotional".to_owned(), Value::from("40000000"));
        }
        row
    }
}
