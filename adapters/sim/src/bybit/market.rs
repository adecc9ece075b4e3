//! Public data.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Inside;
use super::failure::Failure;
use crate::exchange::book::{self, Level};
use crate::exchange::instrument::{FUNDING_INTERVAL_MS, Listing, fixed, next_funding_ms};
use crate::exchange::orders::Side;

impl Inside<'_> {
    pub(super) fn time(&self) -> Value {
        json!({
            "timeSecond": (self.now_ms / 1000).to_string(),
            "timeNano": format!("{}000000", self.now_ms),
        })
    }

    pub(super) fn instruments(&self) -> Result<Value, Failure> {
        let trading = self.params.get("status").is_none_or(|status| status == "Trading");
        let base = self.params.get("baseCoin");
        let listings = self.wanted()?.into_iter().filter(|_| trading);
        let wanted =
            listings.filter(|listing| base.is_none_or(|base| listing.instrument.base == base));
        let list: Vec<Value> = wanted.map(instrument_info).collect();
        Ok(json!({ "category": self.category()?, "list": list, "nextPageCursor": "" }))
    }

    pub(super) fn tickers(&self) -> Result<Value, Failure> {
        let list: Vec<Value> =
            self.wanted()?.into_iter().map(|listing| self.ticker(listing)).collect();
        Ok(json!({ "category": self.category()?, "list": list }))
    }

    pub(super) fn orderbook(&self) -> Result<Value, Failure> {
        let listing = self.symbol()?;
        let limit = self.params.u64("limit").unwrap_or(25).clamp(1, 500);
        let side = |side| -> Vec<Value> {
            let levels = book::levels(&self.engine.offers(listing, side));
            let rows =
                levels.iter().take(usize::try_from(limit).unwrap_or(usize::MAX)).map(|level| {
                    let rules = &listing.instrument;
                    json!([
                        fixed(level.price, rules.price_decimals),
                        fixed(level.quantity, rules.quantity_decimals)
                    ])
                });
            rows.collect()
        };
        Ok(json!({
            "s": listing.instrument.symbol,
            "b": side(Side::Buy),
            "a": side(Side::Sell),
            "ts": self.now_ms,
            "u": self.now_ms,
            "seq": self.now_ms,
            "cts": self.now_ms,
        }))
    }

    /// Past funding times, latest first.
    pub(super) fn funding_history(&self) -> Result<Value, Failure> {
        let listing = self.symbol()?;
        let (start, end) = (self.params.u64("startTime"), self.params.u64("endTime"));
        if start.is_some() && end.is_none() {
            return Err(Failure::refused(
                10001,
                "params error: endTime is required with startTime",
            ));
        }
        let limit =
            usize::try_from(self.params.u64("limit").unwrap_or(200).clamp(1, 200)).unwrap_or(200);
        let latest =
            next_funding_ms(end.unwrap_or(self.now_ms).min(self.now_ms)) - FUNDING_INTERVAL_MS;
        let mut list = Vec::new();
        let mut at = latest;
        while list.len() < limit && at >= start.unwrap_or_default().max(FUNDING_INTERVAL_MS) {
            list.push(json!({
                "symbol": listing.instrument.symbol,
                "fundingRate": listing.funding_rate.normalize().to_string(),
                "fundingRateTimestamp": at.to_string(),
            }));
            at -= FUNDING_INTERVAL_MS;
        }
        Ok(json!({ "category": self.category()?, "list": list }))
    }

    pub(super) fn price_limit(&self) -> Result<Value, Failure> {
        let listing = self.symbol()?;
        let decimals = listing.instrument.price_decimals;
        Ok(json!({
            "symbol": listing.instrument.symbol,
            "buyLmt": fixed(listing.band(Side::Buy), decimals),
            "sellLmt": fixed(listing.band(Side::Sell), decimals),
            "ts": self.now_ms.to_string(),
        }))
    }

    /// One tier: leverage does not fall with size here.
    pub(super) fn risk_limit(&self) -> Result<Value, Failure> {
        let list: Vec<Value> = self
            .wanted()?
            .into_iter()
            .map(|listing| {
                json!({
                    "id": 1,
                    "symbol": listing.instrument.symbol,
                    "riskLimitValue": "40000000",
                    "maintenanceMargin": "0.005",
                    "initialMargin": "0.01",
                    "isLowestRisk": 1,
                    "maxLeverage": fixed(Decimal::from(listing.instrument.leverage_max), 2),
                    "mmDeduction": "",
                })
            })
            .collect();
        Ok(json!({ "category": self.category()?, "list": list, "nextPageCursor": "" }))
    }

    /// The listing named, or all of the category.
    fn wanted(&self) -> Result<Vec<&Listing>, Failure> {
        if self.params.get("symbol").is_some() {
            return Ok(vec![self.symbol()?]);
        }
        let linear = self.is_linear()?;
        Ok(self.engine.listings.values().filter(|_| linear).collect())
    }

    fn top(&self, listing: &Listing, side: Side) -> Level {
        let levels = book::levels(&self.engine.offers(listing, side));
        levels.first().copied().unwrap_or(Level { price: Decimal::ZERO, quantity: Decimal::ZERO })
    }

    /// A quiet day: the price has not moved.
    fn ticker(&self, listing: &Listing) -> Value {
        let rules = &listing.instrument;
        let (bid, ask) = (self.top(listing, Side::Buy), self.top(listing, Side::Sell));
        let mark = fixed(listing.mark, rules.price_decimals);
        json!({
            "symbol": rules.symbol,
            "lastPrice": mark,
            "indexPrice": mark,
            "markPrice": mark,
            "prevPrice24h": mark,
            "price24hPcnt": "0",
            "highPrice24h": mark,
            "lowPrice24h": mark,
            "prevPrice1h": mark,
            "openInterest": "50000.000",
            "openInterestValue": fixed(listing.mark * Decimal::from(50_000), 2),
            "turnover24h": fixed(listing.mark * Decimal::from(100_000), 4),
            "volume24h": "100000.000",
            "fundingRate": listing.funding_rate.normalize().to_string(),
            "nextFundingTime": next_funding_ms(self.now_ms).to_string(),
            "fundingIntervalHour": "8",
            "fundingCap": "0.005",
            "predictedDeliveryPrice": "",
            "basisRate": "",
            "basis": "",
            "deliveryFeeRate": "",
            "deliveryTime": "0",
            "ask1Size": fixed(ask.quantity, rules.quantity_decimals),
            "bid1Price": fixed(bid.price, rules.price_decimals),
            "ask1Price": fixed(ask.price, rules.price_decimals),
            "bid1Size": fixed(bid.quantity, rules.quantity_decimals),
            "preOpenPrice": "",
            "preQty": "",
            "curPreListingPhase": "",
        })
    }
}

fn instrument_info(listing: &Listing) -> Value {
    let rules = &listing.instrument;
    let price = |value: Decimal| fixed(value, rules.price_decimals);
    let quantity = |value: Decimal| fixed(value, rules.quantity_decimals);
    json!({
        "symbol": rules.symbol,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": rules.base,
        "quoteCoin": rules.quote,
        "settleCoin": rules.quote,
        "symbolType": "",
        "launchTime": rules.listed_ms.to_string(),
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": rules.price_decimals.to_string(),
        "leverageFilter": {
            "minLeverage": "1",
            "maxLeverage": fixed(Decimal::from(rules.leverage_max), 2),
            "leverageStep": "0.01",
        },
        "priceFilter": {
            "minPrice": price(rules.price_min),
            "maxPrice": price(rules.price_max),
            "tickSize": price(rules.tick),
        },
        "lotSizeFilter": {
            "maxOrderQty": quantity(rules.quantity_max),
            "minOrderQty": quantity(rules.quantity_min),
            "qtyStep": quantity(rules.step),
            "postOnlyMaxOrderQty": quantity(rules.quantity_max),
            "maxMktOrderQty": quantity(rules.market_quantity_max),
            "minNotionalValue": rules.notional_min.normalize().to_string(),
        },
        "unifiedMarginTrade": true,
        "fundingInterval": 480,
        "copyTrading": "both",
        "upperFundingRate": "0.005",
        "lowerFundingRate": "-0.005",
        "isPreListing": false,
        "preListingInfo": null,
        "riskParameters": {
            "priceLimitRatioX": rules.price_band.normalize().to_string(),
            "priceLimitRatioY": rules.price_band.normalize().to_string(),
        },
    })
}
