//! Public data.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Inside;
use super::category::Category;
use super::failure::Failure;
use super::instrument_info::instrument_info;
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
        let list: Vec<Value> = wanted.map(|listing| instrument_info(self.own, listing)).collect();
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
        self.needs_contracts()?;
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
        self.needs_contracts()?;
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
        let own = self.is_own()?;
        Ok(self.engine.listings.values().filter(|_| own).collect())
    }

    fn top(&self, listing: &Listing, side: Side) -> Level {
        let levels = book::levels(&self.engine.offers(listing, side));
        levels.first().copied().unwrap_or(Level { price: Decimal::ZERO, quantity: Decimal::ZERO })
    }

    /// A quiet day: the price has not moved. What only contracts have is missing on spot.
    fn ticker(&self, listing: &Listing) -> Value {
        let rules = &listing.instrument;
        let (bid, ask) = (self.top(listing, Side::Buy), self.top(listing, Side::Sell));
        let mark = fixed(listing.mark, rules.price_decimals);
        let volume = rules.market_quantity_max * Decimal::from(200);
        let turnover = rules.value(volume, listing.mark);
        let mut ticker = json!({
            "symbol": rules.symbol,
            "bid1Price": fixed(bid.price, rules.price_decimals),
            "bid1Size": fixed(bid.quantity, rules.quantity_decimals),
            "ask1Price": fixed(ask.price, rules.price_decimals),
            "ask1Size": fixed(ask.quantity, rules.quantity_decimals),
            "lastPrice": mark,
            "prevPrice24h": mark,
            "price24hPcnt": "0",
            "highPrice24h": mark,
            "lowPrice24h": mark,
            "turnover24h": fixed(turnover, 4),
            "volume24h": fixed(volume, rules.quantity_decimals),
        });
        let further = match self.own {
            Category::Spot => json!({ "usdIndexPrice": mark }),
            Category::Linear | Category::Inverse => json!({
                "indexPrice": mark,
                "markPrice": mark,
                "prevPrice1h": mark,
                "openInterest": fixed(volume, rules.quantity_decimals),
                "openInterestValue": fixed(turnover, 4),
                "fundingRate": listing.funding_rate.normalize().to_string(),
                "nextFundingTime": next_funding_ms(self.now_ms).to_string(),
                "fundingIntervalHour": "8",
                "fundingCap": "0.005",
                "predictedDeliveryPrice": "",
                "basisRate": "",
                "basis": "",
                "deliveryFeeRate": "",
                "deliveryTime": "0",
                "preOpenPrice": "",
                "preQty": "",
                "curPreListingPhase": "",
            }),
        };
        if let (Some(fields), Value::Object(further)) = (ticker.as_object_mut(), further) {
            fields.extend(further);
        }
        ticker
    }
}
