//! Positions, wallet and the settings of the account.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Inside;
use super::failure::Failure;
use super::render;
use crate::exchange::account::PositionSide;
use crate::exchange::instrument::{Listing, fixed};
use crate::params::plain_decimal;

impl Inside<'_> {
    /// By symbol also an empty position; by settlement coin only held ones.
    pub(super) fn positions(&self) -> Result<Value, Failure> {
        let symbol = self.optional_symbol()?;
        let settle = self.params.get("settleCoin");
        if self.is_linear()? && symbol.is_none() && settle.is_none() {
            return Err(Failure::refused(
                10001,
                "Missing some parameters that must be filled in, symbol or settleCoin",
            ));
        }
        let linear = self.is_linear()?;
        let listings = self.engine.listings.values().filter(|listing| {
            let rules = &listing.instrument;
            linear && symbol.map_or(settle == Some(rules.quote), |symbol| rules.symbol == symbol)
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
    // Source: Bybit v5 Error Codes, 110024, 110025, 110028, read 2026-11-22.
    pub(super) fn switch_mode(&mut self) -> Result<Value, Failure> {
        let hedge_mode = match self.params.get("mode") {
            Some("0") => false,
            Some("3") => true,
            _ => return Err(Failure::refused(10001, "params error: mode invalid")),
        };
        if !self.is_linear()? {
            return Err(Failure::refused(10001, "params error: Category is invalid"));
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

    pub(super) fn wallet(&self) -> Result<Value, Failure> {
        if self.params.get("accountType") != Some("UNIFIED") {
            return Err(Failure::refused(10001, "accountType only support UNIFIED."));
        }
        let coin = self.params.get("coin");
        let engine = &self.engine;
        let (wallet, unrealised) = (engine.account.balance("USDT"), engine.unrealised("USDT"));
        let equity = wallet + unrealised;
        let (positions, orders) = (engine.position_margin("USDT"), engine.order_margin("USDT"));
        let wanted = coin.is_none_or(|coins| coins.split(',').any(|coin| coin == "USDT"));
        let coins = if wanted { json!([self.coin()]) } else { json!([]) };
        Ok(json!({ "list": [{
            "accountType": "UNIFIED",
            "accountLTV": "",
            "accountIMRate": ratio(positions + orders, equity),
            "accountMMRate": ratio(self.maintenance_margin(), equity),
            "accountIMRateByMp": ratio(positions + orders, equity),
            "accountMMRateByMp": ratio(self.maintenance_margin(), equity),
            "totalEquity": fixed(equity, 8),
            "totalWalletBalance": fixed(wallet, 8),
            "totalMarginBalance": fixed(equity, 8),
            "totalAvailableBalance": fixed(engine.available("USDT"), 8),
            "totalPerpUPL": fixed(unrealised, 8),
            "totalInitialMargin": fixed(positions + orders, 8),
            "totalInitialMarginByMp": fixed(positions + orders, 8),
            "totalMaintenanceMargin": fixed(self.maintenance_margin(), 8),
            "totalMaintenanceMarginByMp": fixed(self.maintenance_margin(), 8),
            "coin": coins,
        }] }))
    }

    pub(super) fn account_info(&self) -> Value {
        json!({
            "unifiedMarginStatus": 6,
            "marginMode": "REGULAR_MARGIN",
            "dcpStatus": "OFF",
            "timeWindow": 10,
            "smpGroup": 0,
            "isMasterTrader": false,
            "spotHedgingStatus": "OFF",
            "updatedTime": "1790000000000",
        })
    }

    pub(super) fn fee_rate(&self) -> Result<Value, Failure> {
        let (linear, wanted) = (self.is_linear()?, self.optional_symbol()?);
        let policy = &self.engine.policy;
        let listings = self.engine.listings.values().filter(|_| linear);
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

    pub(super) fn api_key(&self) -> Value {
        json!({
            "id": "13770661",
            "note": "simulated",
            "apiKey": self.credentials.key,
            "readOnly": 0,
            "secret": "",
            "permissions": {
                "ContractTrade": ["Order", "Position"],
                "Spot": ["SpotTrade"],
                "Wallet": ["AccountTransfer"],
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

    /// The coins that instruments here are made of, without chains: nothing can be moved in or out.
    pub(super) fn coins(&self) -> Value {
        let wanted = self.params.get("coin");
        let coins = ["BTC", "ETH", "USDT"]
            .into_iter()
            .filter(|coin| wanted.is_none_or(|wanted| wanted == *coin));
        let rows: Vec<Value> = coins
            .map(|coin| json!({ "name": coin, "coin": coin, "remainAmount": "0", "chains": [] }))
            .collect();
        json!({ "rows": rows })
    }

    fn coin(&self) -> Value {
        let engine = &self.engine;
        let (wallet, unrealised) = (engine.account.balance("USDT"), engine.unrealised("USDT"));
        let realised: Decimal =
            engine.account.positions().map(|(_, _, position)| position.realised).sum();
        json!({
            "coin": "USDT",
            "equity": fixed(wallet + unrealised, 8),
            "usdValue": fixed(wallet + unrealised, 8),
            "walletBalance": fixed(wallet, 8),
            "locked": "0",
            "spotHedgingQty": "0",
            "borrowAmount": "0",
            "spotBorrow": "0",
            "accruedInterest": "0",
            "totalOrderIM": fixed(engine.order_margin("USDT"), 8),
            "totalPositionIM": fixed(engine.position_margin("USDT"), 8),
            "totalPositionMM": fixed(self.maintenance_margin(), 8),
            "unrealisedPnl": fixed(unrealised, 8),
            "cumRealisedPnl": fixed(realised, 8),
            "bonus": "0",
            "marginCollateral": true,
            "collateralSwitch": true,
            "availableToWithdraw": "",
            "availableToBorrow": "",
            "free": "",
        })
    }

    /// Half a per cent of every position, the lowest tier's rate.
    fn maintenance_margin(&self) -> Decimal {
        let positions = self.engine.account.positions();
        let notionals = positions.filter_map(|(symbol, _, position)| {
            Some(position.quantity.abs() * self.engine.listings.get(symbol)?.mark)
        });
        notionals.sum::<Decimal>() * Decimal::new(5, 3)
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
        let notional = position.quantity.abs() * listing.mark;
        let leverage = self.engine.account.leverage_of(rules.symbol);
        json!({
            "positionIdx": render::position_index(side),
            "riskId": 1,
            "riskLimitValue": "40000000",
            "symbol": rules.symbol,
            "side": direction,
            "size": fixed(position.quantity.abs(), rules.quantity_decimals),
            "avgPrice": position.entry_price(rules).round_dp(8).normalize().to_string(),
            "positionValue": position.cost.abs().normalize().to_string(),
            "tradeMode": 0,
            "positionStatus": "Normal",
            "autoAddMargin": 0,
            "adlRankIndicator": u8::from(!position.quantity.is_zero()) * 2,
            "leverage": leverage.to_string(),
            "positionBalance": "0",
            "markPrice": fixed(listing.mark, rules.price_decimals),
            "liqPrice": "",
            "bustPrice": "",
            "positionIM": fixed(notional / leverage, 8),
            "positionMM": fixed(notional * Decimal::new(5, 3), 8),
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

fn ratio(part: Decimal, whole: Decimal) -> String {
    if whole.is_zero() {
        "0".to_owned()
    } else {
        (part / whole).round_dp(4).normalize().to_string()
    }
}
