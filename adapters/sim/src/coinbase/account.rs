//! Balances, fees and what the key may do.

use serde_json::{Value, json};

use super::Inside;
use super::failure::Failure;
use super::render::{PORTFOLIO_ID, plain, uuid};

impl Inside<'_> {
    pub(super) fn accounts(&self) -> Result<Value, Failure> {
        let assets: Vec<&String> = self.engine.account.balances().keys().collect();
        let limit = match self.asked("limit") {
            None => 49,
            Some(text) => text.parse().map_err(|_| Failure::argument("invalid limit"))?,
        };
        let start: usize = match self.asked("cursor") {
            None => 0,
            Some(text) => text.parse().map_err(|_| Failure::argument("invalid cursor"))?,
        };
        let end = start.saturating_add(limit.clamp(1, 250)).min(assets.len());
        let shown = assets.iter().enumerate().skip(start).take(end.saturating_sub(start));
        let rows: Vec<Value> = shown.map(|(index, asset)| self.wallet(index, asset)).collect();
        let more = end < assets.len();
        let cursor = if more { end.to_string() } else { String::new() };
        Ok(json!({ "size": rows.len(), "accounts": rows, "has_next": more, "cursor": cursor }))
    }

    pub(super) fn account(&self, id: &str) -> Result<Value, Failure> {
        let mut assets = self.engine.account.balances().keys().enumerate();
        let found = assets.find(|(index, _)| account_id(*index) == id);
        let (index, asset) = found.ok_or_else(|| Failure::not_found("account not found"))?;
        Ok(json!({ "account": self.wallet(index, asset) }))
    }

    fn wallet(&self, index: usize, asset: &str) -> Value {
        let amount = |value| json!({ "value": plain(value), "currency": asset });
        let kind = if asset == "USD" { "ACCOUNT_TYPE_FIAT" } else { "ACCOUNT_TYPE_CRYPTO" };
        json!({
            "uuid": account_id(index),
            "name": format!("{asset} Wallet"),
            "currency": asset,
            "available_balance": amount(self.engine.available(asset)),
            "default": true,
            "active": true,
            "created_at": "2026-01-01T00:00:00.000Z",
            "updated_at": "2026-01-01T00:00:00.000Z",
            "deleted_at": null,
            "type": kind,
            "ready": true,
            "hold": amount(self.engine.locked(asset)),
            "retail_portfolio_id": PORTFOLIO_ID,
            "platform": "ACCOUNT_PLATFORM_CONSUMER",
        })
    }

    /// Wallets as the older interface shows them: the whole balance, holds included.
    pub(super) fn old_accounts(&self) -> Value {
        let assets = self.engine.account.balances().iter().enumerate();
        let wallets = assets.map(|(index, (asset, balance))| {
            let kind = if asset == "USD" { "fiat" } else { "crypto" };
            json!({
                "id": account_id(index),
                "name": format!("{asset} Wallet"),
                "primary": index == 0,
                "type": if kind == "fiat" { "fiat" } else { "wallet" },
                "currency": { "code": asset, "name": asset, "exponent": 8, "type": kind },
                "balance": { "amount": plain(*balance), "currency": asset },
                "created_at": "2026-01-01T00:00:00Z",
                "updated_at": "2026-01-01T00:00:00Z",
                "resource": "account",
                "resource_path": format!("/v2/accounts/{}", account_id(index)),
                "allow_deposits": false,
                "allow_withdrawals": false,
            })
        });
        let data: Vec<Value> = wallets.collect();
        json!({
            "pagination": {
                "ending_before": null, "starting_after": null, "limit": 250, "order": "desc",
                "previous_uri": null, "next_uri": null,
            },
            "data": data,
        })
    }

    pub(super) fn fees(&self) -> Value {
        let policy = &self.engine.policy;
        json!({
            "total_volume": 0,
            "total_fees": 0,
            "fee_tier": {
                "pricing_tier": "Advanced 2",
                "usd_from": "10000",
                "usd_to": "50000",
                "taker_fee_rate": plain(policy.taker_fee),
                "maker_fee_rate": plain(policy.maker_fee),
                "aop_from": "",
                "aop_to": "",
            },
            "margin_rate": null,
            "goods_and_services_tax": null,
            "advanced_trade_only_volume": 0,
            "advanced_trade_only_fees": 0,
            "coinbase_pro_volume": 0,
            "coinbase_pro_fees": 0,
            "total_balance": "",
            "has_promo_fee": false,
        })
    }

    pub(super) fn key_permissions(&self) -> Value {
        json!({
            "can_view": true,
            "can_trade": self.may_trade,
            "can_transfer": self.may_withdraw,
            "portfolio_uuid": PORTFOLIO_ID,
            "portfolio_type": "DEFAULT",
        })
    }

    pub(super) fn portfolios(&self) -> Value {
        json!({ "portfolios": [{
            "name": "Default", "uuid": PORTFOLIO_ID, "type": "DEFAULT", "deleted": false,
        }] })
    }
}

fn account_id(index: usize) -> String {
    uuid(0xacc0, u64::try_from(index).unwrap_or_default() + 1)
}
