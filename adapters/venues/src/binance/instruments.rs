//! Instruments in the exchange's answers.
//!
//! Source: Binance USDⓈ-M and COIN-M Exchange Information; Spot REST API, Exchange information; Spot Filters,
//! read 2026-11-22.

use equipoise_core::{Amount, Asset, Instrument, InstrumentKind, Price, Qty, Symbol};
use serde::Deserialize;

use super::product::Kind;
use crate::answer::BadAnswer;
use crate::number;

/// All instruments and the account-wide limits.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExchangeInfo {
    #[serde(default)]
    pub(crate) rate_limits: Vec<RateLimit>,
    pub(crate) symbols: Vec<SymbolInfo>,
}

/// One limit as the exchange states it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RateLimit {
    pub(crate) rate_limit_type: String,
    pub(crate) interval: String,
    pub(crate) interval_num: u32,
    pub(crate) limit: u32,
}

/// One instrument.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SymbolInfo {
    pub(crate) symbol: String,
    /// COIN-M calls it the contract's status.
    #[serde(alias = "contractStatus")]
    pub(crate) status: String,
    pub(crate) base_asset: String,
    quote_asset: String,
    /// Futures only.
    #[serde(default)]
    margin_asset: Option<String>,
    /// COIN-M only: USD of one contract.
    #[serde(default)]
    contract_size: Option<serde_json::Number>,
    /// Spot only.
    #[serde(default)]
    is_spot_trading_allowed: Option<bool>,
    /// Spot only.
    #[serde(default)]
    allowed_self_trade_prevention_modes: Option<Vec<String>>,
    filters: Vec<Filter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    filter_type: String,
    tick_size: Option<String>,
    step_size: Option<String>,
    min_qty: Option<String>,
    max_qty: Option<String>,
    notional: Option<String>,
    min_notional: Option<String>,
}

impl SymbolInfo {
    /// Why nothing can be traded here now, if so; with the exchange's own words, still to be scrubbed.
    pub(crate) fn obstacle(&self) -> Option<String> {
        if self.status != "TRADING" {
            return Some(format!("is {}, not TRADING", self.status));
        }
        if self.is_spot_trading_allowed == Some(false) {
            return Some("is not open for spot trading".to_owned());
        }
        // Orders say which mode they want (V11), and would all be refused.
        let modes = self.allowed_self_trade_prevention_modes.as_ref();
        let without = modes.is_some_and(|modes| !modes.iter().any(|mode| mode == "EXPIRE_TAKER"));
        without.then(|| "does not offer to cancel the taker against self-trades".to_owned())
    }

    /// The rules, with a taker fee read elsewhere.
    ///
    /// Bands around the price (PERCENT_PRICE, PERCENT_PRICE_BY_SIDE) move with the market and largest values are far
    /// beyond any plan: orders outside are refused by the exchange with a documented code.
    pub(crate) fn instrument(
        &self,
        kind: Kind,
        symbol: &Symbol,
        taker_fee: Amount,
    ) -> Result<Instrument, BadAnswer> {
        let lot = self.lot("LOT_SIZE")?;
        // Market orders have a filter of their own; the coarser of both holds for any order.
        let market = self.lot("MARKET_LOT_SIZE").unwrap_or(lot);
        let asset = |text: &str, field| Asset::new(text).map_err(|_| BadAnswer::text(field));
        Ok(Instrument {
            symbol: symbol.clone(),
            kind: match kind {
                Kind::Usdm => InstrumentKind::Linear,
                Kind::Coinm => InstrumentKind::Inverse,
                Kind::Spot => InstrumentKind::Spot,
            },
            base: asset(&self.base_asset, "baseAsset")?,
            quote: asset(&self.quote_asset, "quoteAsset")?,
            settle: match kind {
                Kind::Spot => asset(&self.quote_asset, "quoteAsset")?,
                _ => asset(self.margin_asset.as_deref().unwrap_or_default(), "marginAsset")?,
            },
            tick: self.tick()?,
            lot: lot.step.max(market.step),
            quantity_min: lot.min.max(market.min),
            quantity_max: lot.max,
            market_quantity_max: smaller(lot.max, market.max),
            notional_min: self.notional_min()?,
            contract_size: match kind {
                Kind::Coinm => self.contract_value()?,
                _ => number::quantity("1", "contract size")?,
            },
            taker_fee,
        })
    }

    fn filter(&self, name: &str) -> Option<&Filter> {
        self.filters.iter().find(|filter| filter.filter_type == name)
    }

    fn tick(&self) -> Result<Price, BadAnswer> {
        let filter = self.filter("PRICE_FILTER");
        let text = filter.and_then(|filter| filter.tick_size.as_deref());
        number::price(text.unwrap_or_default(), "tickSize")
    }

    fn lot(&self, name: &str) -> Result<LotRules, BadAnswer> {
        let filter = self.filter(name);
        let read = |pick: fn(&Filter) -> Option<&String>, field| {
            let text = filter.and_then(pick).map_or("", String::as_str);
            number::quantity(text, field)
        };
        Ok(LotRules {
            step: read(|filter| filter.step_size.as_ref(), "stepSize")?,
            min: read(|filter| filter.min_qty.as_ref(), "minQty")?,
            max: read(|filter| filter.max_qty.as_ref(), "maxQty")?,
        })
    }

    /// Not every instrument has one. Where it need not hold for market orders it is kept all the same.
    fn notional_min(&self) -> Result<Qty, BadAnswer> {
        let filter = self.filter("MIN_NOTIONAL").or_else(|| self.filter("NOTIONAL"));
        let least =
            filter.and_then(|filter| filter.notional.as_deref().or(filter.min_notional.as_deref()));
        match (filter, least) {
            (None, _) => Ok(Qty::ZERO),
            (Some(_), Some(text)) => number::quantity(text, "notional"),
            (Some(_), None) => Err(BadAnswer::number("notional")),
        }
    }

    /// USD of one contract: 100 for bitcoin, 10 for the others.
    /// Source: Binance COIN-M Exchange Information, contractSize, read 2026-11-22.
    fn contract_value(&self) -> Result<Qty, BadAnswer> {
        let size = self.contract_size.as_ref().map(serde_json::Number::to_string);
        number::quantity(size.as_deref().unwrap_or_default(), "contractSize")
    }
}

#[derive(Clone, Copy)]
struct LotRules {
    step: Qty,
    min: Qty,
    max: Qty,
}

/// The smaller of two bounds, of which zero means none.
fn smaller(one: Qty, other: Qty) -> Qty {
    match (one.is_zero(), other.is_zero()) {
        (true, _) => other,
        (_, true) => one,
        _ => one.min(other),
    }
}
