//! Balances, fees and what is left of the order limits.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Inside;
use crate::binance::failure::Failure;
use crate::binance::limits::Limits;
use crate::exchange::instrument::fixed;

impl Inside<'_> {
    pub(super) fn account(&self) -> Value {
        let policy = &self.engine.policy;
        let (maker, taker) = (fixed(policy.maker_fee, 8), fixed(policy.taker_fee, 8));
        let ten_thousandths =
            |rate: Decimal| u64::try_from(rate * Decimal::from(10_000)).unwrap_or_default();
        let orders = self.engine.orders.iter();
        let updated = orders.map(|order| order.updated_ms).max().unwrap_or_default();
        json!({
            "makerCommission": ten_thousandths(policy.maker_fee),
            "takerCommission": ten_thousandths(policy.taker_fee),
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": {
                "maker": maker,
                "taker": taker,
                "buyer": "0.00000000",
                "seller": "0.00000000",
            },
            "canTrade": true,
            "canWithdraw": true,
            "canDeposit": true,
            "brokered": false,
            "requireSelfTradePrevention": false,
            "preventSor": false,
            "updateTime": updated,
            "accountType": "SPOT",
            "balances": self.balances(),
            "permissions": ["SPOT"],
            "uid": 354_937_868,
        })
    }

    /// Every asset that trades here or is held; on request only those held.
    fn balances(&self) -> Vec<Value> {
        let engine = &self.engine;
        let rules = engine.listings.values().map(|listing| &listing.instrument);
        let mut assets: BTreeSet<&str> =
            rules.flat_map(|rules| [rules.base, rules.quote]).collect();
        assets.extend(engine.account.balances().keys().map(String::as_str));
        let omit_zero = self.params.get("omitZeroBalances") == Some("true");
        let shown = assets
            .into_iter()
            .filter(|asset| !omit_zero || !engine.account.balance(asset).is_zero());
        let row = |asset: &str| {
            let locked = engine.locked(asset);
            let free = engine.account.balance(asset) - locked;
            json!({ "asset": asset, "free": fixed(free, 8), "locked": fixed(locked, 8) })
        };
        shown.map(row).collect()
    }

    pub(super) fn commission(&self) -> Result<Value, Failure> {
        let policy = &self.engine.policy;
        let none = json!({
            "maker": "0.00000000",
            "taker": "0.00000000",
            "buyer": "0.00000000",
            "seller": "0.00000000",
        });
        Ok(json!({
            "symbol": self.symbol()?.instrument.symbol,
            "standardCommission": {
                "maker": fixed(policy.maker_fee, 8),
                "taker": fixed(policy.taker_fee, 8),
                "buyer": "0.00000000",
                "seller": "0.00000000",
            },
            "specialCommission": none,
            "taxCommission": none,
            "discount": {
                "enabledForAccount": self.engine.fee_token.is_some(),
                "enabledForSymbol": true,
                "discountAsset": "BNB",
                "discount": "0.75000000",
            },
        }))
    }

    pub(super) fn order_rate_limit(&self, limits: &Limits) -> Value {
        let [ten_seconds, day] = limits.orders(self.now_ms);
        let [short, long] = &limits.rates().orders;
        json!([
            { "rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": short.max, "count": ten_seconds },
            { "rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": long.max, "count": day },
        ])
    }

    /// What the key may do. Source: Binance wallet docs, Get API Key Permission, read 2026-11-22.
    pub(super) fn permissions(&self) -> Value {
        json!({
            // A key can have the right only with a list of addresses.
            "ipRestrict": self.credentials.may_withdraw,
            "createTime": 1_790_000_000_000_u64,
            "enableReading": true,
            "enableWithdrawals": self.credentials.may_withdraw,
            "enableInternalTransfer": false,
            "enableMargin": false,
            "enableFutures": false,
            "permitsUniversalTransfer": false,
            "enableVanillaOptions": false,
            "enableFixApiTrade": false,
            "enableFixReadOnly": false,
            "enableSpotAndMarginTrading": self.credentials.may_trade,
            "enablePortfolioMarginTrading": false,
        })
    }
}
