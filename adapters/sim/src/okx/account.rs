//! Balances, positions and the settings of the account.
//!
//! Source: OKX v5 docs, Trading Account, read 2026-11-22.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::failure::Failure;
use super::render::{self, plain};
use super::{Inside, Product, is_inverse};
use crate::exchange::account::{MarginMode, PositionSide};
use crate::exchange::instrument::Listing;
use crate::params::plain_decimal;

/// Share of a position's value that must stay in the account.
const MAINTENANCE: Decimal = Decimal::from_parts(4, 0, 0, false, 3);

impl Inside<'_> {
    pub(super) fn balance(&self) -> Value {
        let wanted = self.params.get("ccy");
        let assets = self.engine.account.balances().keys().map(String::as_str);
        let assets = assets
            .filter(|asset| wanted.is_none_or(|list| list.split(',').any(|one| one == *asset)));
        let details: Vec<Value> = assets.map(|asset| self.asset(asset)).collect();
        let equity: Decimal = self
            .engine
            .account
            .balances()
            .keys()
            .map(|asset| self.equity(asset) * self.dollars(asset))
            .sum();
        json!([{
            "adjEq": "",
            "availEq": "",
            "borrowFroz": "",
            "details": details,
            "imr": "",
            "isoEq": "0",
            "mgnRatio": "",
            "mmr": "",
            "notionalUsd": "",
            "ordFroz": "",
            "totalEq": plain(equity.round_dp(8)),
            "uTime": self.now_ms.to_string(),
            "upl": "",
        }])
    }

    fn equity(&self, asset: &str) -> Decimal {
        self.engine.account.balance(asset) + self.engine.unrealised(asset)
    }

    /// US dollars per unit.
    fn dollars(&self, asset: &str) -> Decimal {
        let mut listings = self.engine.listings.values();
        let of_base = listings.find(|listing| listing.instrument.base == asset);
        of_base.map_or(Decimal::ONE, |listing| listing.mark)
    }

    fn asset(&self, asset: &str) -> Value {
        let engine = &self.engine;
        let (cash, available) = (engine.account.balance(asset), engine.available(asset));
        let equity = self.equity(asset);
        let (positions, orders) = (engine.position_margin(asset), engine.order_margin(asset));
        let (imr, locked) = (positions + orders, engine.locked(asset));
        let text = |value: Decimal| plain(value.round_dp(12));
        json!({
            "accAvgPx": "",
            "availBal": text(available),
            "availEq": text(available),
            "borrowFroz": "",
            "cashBal": text(cash),
            "ccy": asset,
            "crossLiab": "",
            "disEq": text(equity * self.dollars(asset)),
            "eq": text(equity),
            "eqUsd": text(equity * self.dollars(asset)),
            "fixedBal": "0",
            "frozenBal": text(imr + locked),
            "imr": text(imr),
            "interest": "",
            "isoEq": "0",
            "isoUpl": "0",
            "liab": "",
            "maxLoan": "",
            "mgnRatio": "",
            "mmr": text(positions * MAINTENANCE),
            "notionalLever": "0",
            "ordFrozen": text(orders + locked),
            "spotBal": "",
            "stgyEq": "0",
            "twap": "0",
            "uTime": self.now_ms.to_string(),
            "upl": text(engine.unrealised(asset)),
            "uplLiab": "",
        })
    }

    /// Held positions, of one instrument or of all.
    pub(super) fn positions(&self) -> Result<Value, Failure> {
        let wanted = self.params.get("instId");
        if let Some(list) = wanted
            && !list.split(',').all(|name| self.engine.listings.contains_key(name))
        {
            return Err(Failure::unknown_instrument());
        }
        let kind = self.params.get("instType");
        let mut rows = Vec::new();
        for listing in self.engine.listings.values().filter(|l| !l.instrument.is_spot()) {
            let symbol = listing.instrument.symbol;
            let matches = wanted.is_none_or(|list| list.split(',').any(|name| name == symbol))
                && kind.is_none_or(|kind| kind == render::instrument_type(listing));
            for side in self.engine.account.sides().iter().filter(|_| matches) {
                if !self.engine.account.position(symbol, *side).quantity.is_zero() {
                    rows.push(self.position(listing, *side));
                }
            }
        }
        Ok(Value::Array(rows))
    }

    fn position(&self, listing: &Listing, side: PositionSide) -> Value {
        let (engine, rules) = (&self.engine, &listing.instrument);
        let position = engine.account.position(rules.symbol, side);
        let leverage = engine.account.leverage_of(rules.symbol);
        let value = rules.value(position.quantity.abs(), listing.mark);
        let dollars = if is_inverse(listing) { listing.mark } else { Decimal::ONE };
        let unrealised = position.unrealised(rules, listing.mark);
        let entry = render::average(listing, position.entry_price(rules));
        let imr = value / leverage;
        let text = |value: Decimal| plain(value.round_dp(12));
        // Only the net position has a sign.
        let held =
            if side == PositionSide::Net { position.quantity } else { position.quantity.abs() };
        let ratio = if imr.is_zero() { Decimal::ZERO } else { unrealised / imr };
        json!({
            "adl": "1",
            "availPos": if side == PositionSide::Net { String::new() } else { plain(held) },
            "avgPx": plain(entry),
            "baseBal": "",
            "bePx": plain(entry),
            "bizRefId": "",
            "bizRefType": "",
            "cTime": position.updated_ms.to_string(),
            "ccy": rules.settle,
            "closeOrderAlgo": [],
            "deltaBS": "",
            "fee": "0",
            "fundingFee": "0",
            "idxPx": plain(listing.mark),
            "imr": text(imr),
            "instId": rules.symbol,
            "instType": "SWAP",
            "interest": "",
            "last": plain(listing.mark),
            "lever": plain(leverage),
            "liab": "",
            "liabCcy": "",
            "liqPenalty": "0",
            "liqPx": "",
            "margin": "",
            "markPx": plain(listing.mark),
            "mgnMode": if engine.account.is_isolated(rules.symbol) { "isolated" } else { "cross" },
            "mgnRatio": "",
            "mmr": text(value * MAINTENANCE),
            "nonSettleAvgPx": "",
            "notionalUsd": text(value * dollars),
            "optVal": "",
            "pendingCloseOrdLiabVal": "",
            "pnl": text(position.realised),
            "pos": plain(held),
            "posCcy": "",
            "posId": format!("17{:017}", rules.listed_ms / 1000),
            "posSide": render::position_side(side),
            "quoteBal": "",
            "realizedPnl": text(position.realised),
            "tradeId": "",
            "uTime": position.updated_ms.to_string(),
            "upl": text(unrealised),
            "uplLastPx": text(unrealised),
            "uplRatio": text(ratio.round_dp(8)),
            "usdPx": "",
        })
    }

    /// Whether the account is in portfolio margin.
    pub(super) fn is_by_risk(&self) -> bool {
        self.engine.account.margin_mode == MarginMode::Portfolio
    }

    // Source: OKX v5 docs, Get account configuration, perm, read 2026-11-22.
    pub(super) fn config(&self) -> Value {
        let may_withdraw = self.credentials.may_withdraw;
        json!([{
            "acctLv": if self.is_by_risk() { "4" } else { "2" },
            "acctStpMode": "cancel_maker",
            "autoLoan": false,
            "ctIsoMode": "automatic",
            "enableSpotBorrow": false,
            "greeksType": "PA",
            "ip": "",
            "kycLv": "3",
            "label": "simulated",
            "level": "Lv1",
            "levelTmp": "",
            "liquidationGear": "-1",
            "mainUid": "44705892343619584",
            "mgnIsoMode": "automatic",
            "opAuth": "0",
            "perm": match (self.credentials.may_trade, may_withdraw) {
                (true, true) => "read_only,trade,withdraw",
                (true, false) => "read_only,trade",
                (false, true) => "read_only,withdraw",
                (false, false) => "read_only",
            },
            "posMode": if self.engine.account.hedge_mode { "long_short_mode" } else { "net_mode" },
            "roleType": "0",
            "spotBorrowAutoRepay": false,
            "spotOffsetType": "",
            "spotRoleType": "0",
            "type": "0",
            "uid": "44705892343619584",
        }])
    }

    // Source: OKX v5 docs, Error Code, 59000, read 2026-11-22.
    pub(super) fn set_position_mode(&mut self) -> Result<Value, Failure> {
        let hedge_mode = match self.params.get("posMode") {
            Some("net_mode") => false,
            Some("long_short_mode") if self.product == Product::Swap => true,
            _ => return Err(Failure::parameter("posMode")),
        };
        let account = &mut self.engine.account;
        let busy = account.has_position() || self.engine.orders.open().next().is_some();
        if hedge_mode != account.hedge_mode && busy {
            let text = "Setting failed. Cancel any open orders, close positions, and stop trading bots first.";
            return Err(Failure::refused(59000, text));
        }
        account.hedge_mode = hedge_mode;
        Ok(json!([{ "posMode": self.params.get("posMode") }]))
    }

    // Source: OKX v5 docs, Error Code, 59102, read 2026-11-22.
    pub(super) fn set_leverage(&mut self) -> Result<Value, Failure> {
        let rules = &self.instrument()?.instrument;
        let (symbol, max) = (rules.symbol, rules.leverage_max);
        if self.params.get("mgnMode") != Some("cross") {
            return Err(Failure::parameter("mgnMode"));
        }
        let leverage = self.params.get("lever").and_then(plain_decimal);
        let leverage = leverage.ok_or_else(|| Failure::parameter("lever"))?;
        // Fractions are not simulated.
        let whole = u32::try_from(leverage.normalize()).ok().filter(|_| leverage.fract().is_zero());
        let Some(leverage) = whole.filter(|leverage| (1..=max).contains(leverage)) else {
            return Err(Failure::refused(59102, "Leverage exceeds the maximum limit"));
        };
        self.engine.account.leverage.insert(symbol.to_owned(), leverage);
        Ok(self.leverage_of(symbol))
    }

    pub(super) fn leverage(&self) -> Result<Value, Failure> {
        Ok(self.leverage_of(self.instrument()?.instrument.symbol))
    }

    fn leverage_of(&self, symbol: &str) -> Value {
        json!([{
            "ccy": "",
            "instId": symbol,
            "lever": plain(self.engine.account.leverage_of(symbol)),
            "mgnMode": "cross",
            "posSide": "net",
        }])
    }

    /// Rates are negative where the account pays.
    pub(super) fn trade_fee(&self) -> Result<Value, Failure> {
        let kind = self.params.get("instType").ok_or_else(|| Failure::missing("instType"))?;
        let policy = &self.engine.policy;
        let (maker, taker) = (plain(-policy.maker_fee), plain(-policy.taker_fee));
        let spot = self.product == Product::Spot;
        let of = |is_here: bool, rate: &str| if is_here { rate.to_owned() } else { String::new() };
        Ok(json!([{
            "category": "1",
            "delivery": "",
            "exercise": "",
            "feeGroup": [{ "groupId": "1", "maker": maker, "taker": taker }],
            "fiat": [],
            "instType": kind,
            "level": "Lv1",
            "maker": maker,
            "makerU": of(!spot, &maker),
            "makerUSDC": "",
            "ruleType": "normal",
            "taker": taker,
            "takerU": of(!spot, &taker),
            "takerUSDC": "",
            "ts": self.now_ms.to_string(),
        }]))
    }

    /// The coins that instruments here are made of; nothing can be moved in or out.
    pub(super) fn currencies(&self) -> Value {
        let wanted = self.params.get("ccy");
        let coins = self.engine.account.balances().keys();
        coins
            .filter(|coin| wanted.is_none_or(|list| list.split(',').any(|one| one == *coin)))
            .map(|coin| {
                json!({
                    "ccy": coin, "name": coin, "chain": format!("{coin}-Simulated"),
                    "canDep": false, "canWd": false, "canInternal": false, "mainNet": true,
                    "fee": "", "minFee": "", "maxFee": "", "minDep": "", "minWd": "", "maxWd": "",
                    "wdTickSz": "8", "logoLink": "", "ctAddr": "", "needTag": false,
                })
            })
            .collect()
    }
}
