//! Wallet, fees and what the key may do.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Inside;
use super::failure::Failure;
use crate::exchange::account::MarginMode;
use crate::exchange::instrument::fixed;

/// The lowest tier's share of a position's worth that must stay as margin.
pub(super) fn maintenance_rate() -> Decimal {
    Decimal::new(5, 3)
}

/// What an account holds in one coin, or in all of them counted in US dollars.
#[derive(Clone, Copy, Default)]
struct Funds {
    wallet: Decimal,
    unrealised: Decimal,
    available: Decimal,
    position_margin: Decimal,
    order_margin: Decimal,
    maintenance: Decimal,
}

impl Funds {
    fn equity(&self) -> Decimal {
        self.wallet + self.unrealised
    }

    fn margin(&self) -> Decimal {
        self.position_margin + self.order_margin
    }
}

impl Inside<'_> {
    pub(super) fn wallet(&self) -> Result<Value, Failure> {
        if self.params.get("accountType") != Some("UNIFIED") {
            return Err(Failure::refused(10001, "accountType only support UNIFIED."));
        }
        let wanted = self.params.get("coin");
        let asked =
            |coin: &str| wanted.is_none_or(|coins| coins.split(',').any(|name| name == coin));
        let coins = self.assets().into_iter().filter(|coin| asked(coin));
        let coins: Vec<Value> = coins.map(|coin| self.coin(coin)).collect();
        let total = self.total();
        let (margin, maintenance) =
            (ratio(total.margin(), total.equity()), ratio(total.maintenance, total.equity()));
        Ok(json!({ "list": [{
            "accountType": "UNIFIED",
            "accountLTV": "",
            "accountIMRate": margin,
            "accountMMRate": maintenance,
            "accountIMRateByMp": margin,
            "accountMMRateByMp": maintenance,
            "totalEquity": fixed(total.equity(), 8),
            "totalWalletBalance": fixed(total.wallet, 8),
            "totalMarginBalance": fixed(total.equity(), 8),
            "totalAvailableBalance": fixed(total.available, 8),
            "totalPerpUPL": fixed(total.unrealised, 8),
            "totalInitialMargin": fixed(total.margin(), 8),
            "totalInitialMarginByMp": fixed(total.margin(), 8),
            "totalMaintenanceMargin": fixed(total.maintenance, 8),
            "totalMaintenanceMarginByMp": fixed(total.maintenance, 8),
            "coin": coins,
        }] }))
    }

    pub(super) fn account_info(&self) -> Value {
        json!({
            "unifiedMarginStatus": 6,
            "marginMode": match self.engine.account.margin_mode {
                MarginMode::Cross => "REGULAR_MARGIN",
                MarginMode::Isolated => "ISOLATED_MARGIN",
                MarginMode::Portfolio => "PORTFOLIO_MARGIN",
            },
            "dcpStatus": "OFF",
            "timeWindow": 10,
            "smpGroup": 0,
            "isMasterTrader": false,
            "spotHedgingStatus": "OFF",
            "updatedTime": "1790000000000",
        })
    }

    // Source: Bybit v5 Set Margin Mode, read 2026-11-22.
    pub(super) fn set_margin_mode(&mut self) -> Result<Value, Failure> {
        self.engine.account.margin_mode = match self.params.get("setMarginMode") {
            Some("REGULAR_MARGIN") => MarginMode::Cross,
            Some("ISOLATED_MARGIN") => MarginMode::Isolated,
            Some("PORTFOLIO_MARGIN") => MarginMode::Portfolio,
            _ => return Err(Failure::refused(10001, "params error: setMarginMode invalid")),
        };
        Ok(json!({ "reasons": [] }))
    }

    pub(super) fn fee_rate(&self) -> Result<Value, Failure> {
        let (own, wanted) = (self.is_own()?, self.optional_symbol()?);
        let policy = &self.engine.policy;
        let listings = self.engine.listings.values().filter(|_| own);
        let wanted = listings
            .filter(|listing| wanted.is_none_or(|symbol| listing.instrument.symbol == symbol));
        let rows = wanted.map(|listing| {
            json!({
                "symbol": listing.instrument.symbol,
                "baseCoin": "",
                "takerFeeRate": policy.taker_fee.normalize().to_string(),
                "makerFeeRate": policy.maker_fee.normalize().to_string(),
            })
        });
        let list: Vec<Value> = rows.collect();
        Ok(json!({ "category": self.category()?, "list": list }))
    }

    // Source: Bybit v5 Get API Key Information, permissions, read 2026-11-22.
    pub(super) fn api_key(&self) -> Value {
        let may_withdraw = self.credentials.may_withdraw;
        let wallet =
            if may_withdraw { &["AccountTransfer", "Withdraw"][..] } else { &["AccountTransfer"] };
        json!({
            "id": "13770661",
            "note": "simulated",
            "apiKey": self.credentials.key,
            "readOnly": u8::from(!self.credentials.may_trade),
            "secret": "",
            "permissions": {
                "ContractTrade": ["Order", "Position"],
                "Spot": ["SpotTrade"],
                "Wallet": wallet,
                "Options": ["OptionsTrade"],
                "Derivatives": ["DerivativesTrade"],
                "CopyTrading": [],
                "BlockTrade": [],
                "Exchange": [],
                "NFT": [],
                "Affiliate": [],
            },
            "ips": ["*"],
            "type": 1,
            "deadlineDay": 90,
            "expiredAt": "2027-02-20T00:00:00Z",
            "createdAt": "2026-11-22T00:00:00Z",
            "unified": 0,
            "uta": 1,
            "userID": 24_600_000,
            "inviterID": 0,
            "vipLevel": "No VIP",
            "mktMakerLevel": "0",
            "affiliateID": 0,
            "rsaPublicKey": "",
            "isMaster": true,
            "parentUid": "0",
            "kycLevel": "LEVEL_DEFAULT",
            "kycRegion": "",
        })
    }

    /// The coins that are held or trade here, without chains: nothing can be moved in or out.
    pub(super) fn coins(&self) -> Value {
        let wanted = self.params.get("coin");
        let rules = self.engine.listings.values().map(|listing| &listing.instrument);
        let mut coins: BTreeSet<&str> = rules.map(|rules| rules.base).collect();
        coins.extend(self.assets());
        let coins = coins.into_iter().filter(|coin| wanted.is_none_or(|wanted| wanted == *coin));
        let rows: Vec<Value> = coins
            .map(|coin| json!({ "name": coin, "coin": coin, "remainAmount": "0", "chains": [] }))
            .collect();
        json!({ "rows": rows })
    }

    /// Coins that are held or were.
    fn assets(&self) -> Vec<&str> {
        self.engine.account.balances().keys().map(String::as_str).collect()
    }

    fn coin(&self, coin: &str) -> Value {
        let engine = &self.engine;
        let funds = self.funds(coin);
        let realised = engine.account.positions().filter_map(|(symbol, _, position)| {
            let rules = &engine.listings.get(symbol)?.instrument;
            (rules.settle == coin).then_some(position.realised)
        });
        json!({
            "coin": coin,
            "equity": fixed(funds.equity(), 8),
            "usdValue": fixed(funds.equity() * self.dollars(coin), 8),
            "walletBalance": fixed(funds.wallet, 8),
            "locked": engine.locked(coin).normalize().to_string(),
            "spotHedgingQty": "0",
            "borrowAmount": "0",
            "spotBorrow": "0",
            "accruedInterest": "0",
            "totalOrderIM": fixed(funds.order_margin, 8),
            "totalPositionIM": fixed(funds.position_margin, 8),
            "totalPositionMM": fixed(funds.maintenance, 8),
            "unrealisedPnl": fixed(funds.unrealised, 8),
            "cumRealisedPnl": fixed(realised.sum::<Decimal>(), 8),
            "bonus": "0",
            "marginCollateral": true,
            "collateralSwitch": true,
            "availableToWithdraw": "",
            "availableToBorrow": "",
            "free": "",
        })
    }

    fn funds(&self, coin: &str) -> Funds {
        let engine = &self.engine;
        Funds {
            wallet: engine.account.balance(coin),
            unrealised: engine.unrealised(coin),
            available: engine.available(coin),
            position_margin: engine.position_margin(coin),
            order_margin: engine.order_margin(coin),
            maintenance: self.maintenance_margin(coin),
        }
    }

    /// All coins in US dollars.
    fn total(&self) -> Funds {
        self.assets().into_iter().fold(Funds::default(), |total, coin| {
            let (funds, price) = (self.funds(coin), self.dollars(coin));
            Funds {
                wallet: total.wallet + funds.wallet * price,
                unrealised: total.unrealised + funds.unrealised * price,
                available: total.available + funds.available * price,
                position_margin: total.position_margin + funds.position_margin * price,
                order_margin: total.order_margin + funds.order_margin * price,
                maintenance: total.maintenance + funds.maintenance * price,
            }
        })
    }

    /// What one of a coin is worth: the mark of what trades in it here, else a dollar.
    fn dollars(&self, coin: &str) -> Decimal {
        let mut listings = self.engine.listings.values();
        let listing = listings.find(|listing| listing.instrument.base == coin);
        listing.map_or(Decimal::ONE, |listing| listing.mark)
    }

    fn maintenance_margin(&self, coin: &str) -> Decimal {
        let positions = self.engine.account.positions();
        let values = positions.filter_map(|(symbol, _, position)| {
            let listing = self.engine.listings.get(symbol)?;
            let rules = &listing.instrument;
            (rules.settle == coin).then(|| rules.value(position.quantity.abs(), listing.mark))
        });
        values.sum::<Decimal>() * maintenance_rate()
    }
}

fn ratio(part: Decimal, whole: Decimal) -> String {
    if whole.is_zero() {
        "0".to_owned()
    } else {
        (part / whole).round_dp(4).normalize().to_string()
    }
}
