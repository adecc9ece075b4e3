//! Position mode, leverage, margin type, fees and what is left of the order limits.

use serde_json::{Value, json};

use super::Inside;
use super::product::Product;
use crate::binance::failure::Failure;
use crate::binance::gateway::plain_or_illegal;
use crate::binance::limits::Limits;
use crate::exchange::account::MarginMode;
use crate::exchange::instrument::{Listing, fixed};

impl Inside<'_> {
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
        let rows = self.wanted()?.into_iter().map(|listing| {
            json!({
                "symbol": listing.instrument.symbol,
                "marginType": self.margin_type(listing),
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
        let mut value = json!({
            "symbol": self.symbol()?.instrument.symbol,
            "makerCommissionRate": fixed(policy.maker_fee, 6),
            "takerCommissionRate": fixed(policy.taker_fee, 6),
        });
        if let (Product::Usdm, Some(fields)) = (self.product, value.as_object_mut()) {
            fields.insert("rpiCommissionRate".to_owned(), Value::from("0.000000"));
        }
        Ok(value)
    }

    /// One bracket without steps: leverage does not fall with size here.
    pub(super) fn leverage_bracket(&self) -> Result<Value, Failure> {
        let rows = self.wanted()?.into_iter().map(|listing| {
            let rules = &listing.instrument;
            let (cap, floor, most) = match self.product {
                Product::Usdm => ("notionalCap", "notionalFloor", 40_000_000),
                Product::Coinm => ("qtyCap", "qtyFloor", 1000),
            };
            let value = json!({
                "symbol": rules.symbol,
                "brackets": [{
                    "bracket": 1,
                    "initialLeverage": rules.leverage_max,
                    cap: most,
                    floor: 0,
                    "maintMarginRatio": 0.004,
                    "cum": 0.0,
                }],
            });
            self.product.with_pair(rules, value)
        });
        Ok(rows.collect())
    }

    pub(super) fn order_rate_limit(&self, limits: &Limits) -> Value {
        let [ten_seconds, minute] = limits.orders(self.now_ms);
        let [short, long] = &limits.rates().orders;
        json!([
            { "rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": short.max, "count": ten_seconds },
            { "rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": long.max, "count": minute },
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
        Ok(match self.product {
            Product::Usdm => {
                json!({ "leverage": leverage, "maxNotionalValue": "40000000", "symbol": symbol })
            }
            Product::Coinm => json!({ "leverage": leverage, "maxQty": "1000", "symbol": symbol }),
        })
    }

    // Source: Binance USDⓈ-M Error Codes, -4046, -4047, -4048, read 2026-11-22.
    pub(super) fn set_margin_type(&mut self) -> Result<Value, Failure> {
        let listing = self.symbol()?;
        let symbol = listing.instrument.symbol;
        let wanted = match self.params.get("marginType") {
            Some("CROSSED") => MarginMode::Cross,
            Some("ISOLATED") => MarginMode::Isolated,
            _ => return Err(Failure::missing("marginType")),
        };
        let account = &self.engine.account;
        if account.is_isolated(symbol) == (wanted == MarginMode::Isolated) {
            return Err(Failure::refused(-4046, "No need to change margin type."));
        }
        if self.engine.orders.open().any(|order| order.symbol == symbol) {
            let text = "Margin type cannot be changed if there exists open orders.";
            return Err(Failure::refused(-4047, text));
        }
        let sides = account.sides().iter();
        let mut held = sides.map(|side| account.position(symbol, *side).quantity);
        if held.any(|quantity| !quantity.is_zero()) {
            let text = "Margin type cannot be changed if there exists position.";
            return Err(Failure::refused(-4048, text));
        }
        self.engine.account.margin_modes.insert(symbol.to_owned(), wanted);
        Ok(json!({ "code": 200, "msg": "success" }))
    }

    fn margin_type(&self, listing: &Listing) -> &'static str {
        let isolated = self.engine.account.is_isolated(listing.instrument.symbol);
        if isolated { "ISOLATED" } else { "CROSSED" }
    }

    pub(super) fn leverage(&self, listing: &Listing) -> Value {
        let leverage = self.engine.account.leverage_of(listing.instrument.symbol);
        Value::from(u32::try_from(leverage).unwrap_or_default())
    }
}
