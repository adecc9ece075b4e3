//! Public data.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::product::{Product, delivery_ms, pair};
use super::{Inside, RATES};
use crate::binance::failure::Failure;
use crate::exchange::book::{self, Level};
use crate::exchange::instrument::{FUNDING_INTERVAL_MS, Listing, fixed, next_funding_ms};
use crate::exchange::orders::Side;

/// The date of what is never delivered.
const NEVER_MS: u64 = 4_133_404_800_000;

impl Inside<'_> {
    pub(super) fn time(&self) -> Value {
        json!({ "serverTime": self.now_ms })
    }

    pub(super) fn exchange_info(&self) -> Value {
        let [ten_seconds, minute] = &RATES.orders;
        let symbols = self.engine.listings.values();
        let symbols: Vec<Value> =
            symbols.map(|listing| symbol_info(self.product, listing)).collect();
        let mut value = json!({
            "timezone": "UTC",
            "serverTime": self.now_ms,
            "rateLimits": [
                { "rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": RATES.weight_per_minute },
                { "rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": minute.max },
                { "rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": ten_seconds.max },
            ],
            "exchangeFilters": [],
            "symbols": symbols,
        });
        if let (Product::Usdm, Some(fields)) = (self.product, value.as_object_mut()) {
            let assets = json!([{ "asset": "USDT", "marginAvailable": true, "autoAssetExchange": "-10000" }]);
            fields.insert("futuresType".to_owned(), Value::from("U_MARGINED"));
            fields.insert("assets".to_owned(), assets);
        }
        value
    }

    pub(super) fn depth(&self) -> Result<Value, Failure> {
        let listing = self.symbol()?;
        let limit = match self.params.get("limit").unwrap_or("500").parse::<usize>() {
            Ok(limit @ (5 | 10 | 20 | 50 | 100 | 500 | 1000)) => limit,
            _ => return Err(Failure::refused(-4021, "Invalid depth limit.")),
        };
        let side = |side| -> Vec<Value> {
            let levels = book::levels(&self.engine.offers(listing, side));
            let rows = levels.iter().take(limit).map(|level| {
                let rules = &listing.instrument;
                json!([
                    fixed(level.price, rules.price_decimals),
                    fixed(level.quantity, rules.quantity_decimals)
                ])
            });
            rows.collect()
        };
        let mut value = json!({
            "lastUpdateId": self.now_ms,
            "E": self.now_ms,
            "T": self.now_ms,
            "bids": side(Side::Buy),
            "asks": side(Side::Sell),
        });
        if let (Product::Coinm, Some(fields)) = (self.product, value.as_object_mut()) {
            fields.insert("symbol".to_owned(), Value::from(listing.instrument.symbol));
        }
        Ok(self.product.with_pair(&listing.instrument, value))
    }

    pub(super) fn book_ticker(&self) -> Result<Value, Failure> {
        self.one_or_all(|listing| {
            let rules = &listing.instrument;
            let [bid, ask] = self.top(listing);
            let value = json!({
                "symbol": rules.symbol,
                "bidPrice": fixed(bid.price, rules.price_decimals),
                "bidQty": fixed(bid.quantity, rules.quantity_decimals),
                "askPrice": fixed(ask.price, rules.price_decimals),
                "askQty": fixed(ask.quantity, rules.quantity_decimals),
                "time": self.now_ms,
                "lastUpdateId": self.now_ms,
            });
            self.product.with_pair(rules, value)
        })
    }

    pub(super) fn price_ticker(&self) -> Result<Value, Failure> {
        self.one_or_all(|listing| {
            let rules = &listing.instrument;
            let mut value = json!({ "symbol": rules.symbol, "price": fixed(listing.mark, rules.price_decimals), "time": self.now_ms });
            if let (Product::Coinm, Some(fields)) = (self.product, value.as_object_mut()) {
                fields.insert("ps".to_owned(), Value::from(pair(rules)));
            }
            value
        })
    }

    /// A quiet day: the price has not moved.
    pub(super) fn day_ticker(&self) -> Result<Value, Failure> {
        self.one_or_all(|listing| {
            let rules = &listing.instrument;
            let mark = fixed(listing.mark, rules.price_decimals);
            let volume = Decimal::from(100_000);
            let worth = match self.product {
                Product::Usdm => ("quoteVolume", fixed(rules.value(volume, listing.mark), 2)),
                Product::Coinm => ("baseVolume", fixed(rules.value(volume, listing.mark), 8)),
            };
            let mut value = json!({
                "symbol": rules.symbol,
                "priceChange": "0.00",
                "priceChangePercent": "0.000",
                "weightedAvgPrice": mark,
                "lastPrice": mark,
                "lastQty": fixed(rules.quantity_min, rules.quantity_decimals),
                "openPrice": mark,
                "highPrice": mark,
                "lowPrice": mark,
                "volume": fixed(volume, rules.quantity_decimals),
                "openTime": self.now_ms.saturating_sub(86_400_000),
                "closeTime": self.now_ms,
                "firstId": 1,
                "lastId": 100_000,
                "count": 100_000,
            });
            if let Some(fields) = value.as_object_mut() {
                fields.insert(worth.0.to_owned(), Value::from(worth.1));
            }
            self.product.with_pair(rules, value)
        })
    }

    /// Dated contracts have no funding: both rates are empty and the time is zero.
    ///
    /// USDⓈ-M says nothing of dated contracts here, so they are shown as on COIN-M.
    /// Source: Binance COIN-M Index Price and Mark Price, read 2026-11-22.
    pub(super) fn premium_index(&self) -> Result<Value, Failure> {
        self.one_or_all(|listing| {
            let mark = fixed(listing.mark, 8);
            let (rate, interest, next_ms) = match delivery_ms(&listing.instrument) {
                None => {
                    let next_ms = next_funding_ms(self.now_ms);
                    (fixed(listing.funding_rate, 8), "0.00010000", next_ms)
                }
                Some(_) => (String::new(), "", 0),
            };
            let value = json!({
                "symbol": listing.instrument.symbol,
                "markPrice": mark,
                "indexPrice": mark,
                "estimatedSettlePrice": mark,
                "lastFundingRate": rate,
                "interestRate": interest,
                "nextFundingTime": next_ms,
                "time": self.now_ms,
            });
            self.product.with_pair(&listing.instrument, value)
        })
    }

    /// Past funding times, oldest first.
    pub(super) fn funding_rate(&self) -> Result<Value, Failure> {
        let mut wanted = match self.product {
            Product::Usdm => self.wanted()?,
            Product::Coinm => vec![self.symbol()?],
        };
        wanted.retain(|listing| delivery_ms(&listing.instrument).is_none());
        let limit = self.params.u64("limit").unwrap_or(100).clamp(1, 1000);
        let end = self.params.u64("endTime").unwrap_or(self.now_ms).min(self.now_ms);
        let latest = next_funding_ms(end) - FUNDING_INTERVAL_MS;
        let start = self.params.u64("startTime");
        let first = match start {
            Some(start) => start.div_ceil(FUNDING_INTERVAL_MS).saturating_mul(FUNDING_INTERVAL_MS),
            None => latest.saturating_sub((limit - 1) * FUNDING_INTERVAL_MS),
        };
        let mut rates = Vec::new();
        let mut at = first;
        while at <= latest && u64::try_from(rates.len()).is_ok_and(|found| found < limit) {
            for listing in &wanted {
                let mut rate = json!({
                    "symbol": listing.instrument.symbol,
                    "fundingTime": at,
                    "fundingRate": fixed(listing.funding_rate, 8),
                });
                if let (Product::Usdm, Some(fields)) = (self.product, rate.as_object_mut()) {
                    fields.insert("markPrice".to_owned(), Value::from(fixed(listing.mark, 8)));
                }
                rates.push(rate);
            }
            at += FUNDING_INTERVAL_MS;
        }
        Ok(Value::Array(rates))
    }

    /// Lists only symbols whose funding settings differ from the standard; here none does.
    pub(super) fn funding_info(&self) -> Value {
        json!([])
    }

    /// Best bid and ask, zero quantity where a side is empty.
    fn top(&self, listing: &Listing) -> [Level; 2] {
        [Side::Buy, Side::Sell].map(|side| {
            let levels = book::levels(&self.engine.offers(listing, side));
            levels
                .first()
                .copied()
                .unwrap_or(Level { price: Decimal::ZERO, quantity: Decimal::ZERO })
        })
    }

    /// USDⓈ-M answers one object for one symbol; COIN-M always a list, also by pair.
    fn one_or_all(&self, show: impl Fn(&Listing) -> Value) -> Result<Value, Failure> {
        match (self.product, self.params.get("symbol")) {
            (Product::Usdm, Some(_)) => Ok(show(self.symbol()?)),
            _ => Ok(self.wanted()?.into_iter().map(show).collect()),
        }
    }
}

fn symbol_info(product: Product, listing: &Listing) -> Value {
    let rules = &listing.instrument;
    let price = |value: Decimal| fixed(value, rules.price_decimals);
    let quantity = |value: Decimal| value.normalize().to_string();
    let notional = match product {
        Product::Usdm => {
            json!({ "filterType": "MIN_NOTIONAL", "notional": quantity(rules.notional_min) })
        }
        Product::Coinm => Value::Null,
    };
    let (contract_type, delivered_ms) = match delivery_ms(rules) {
        None => ("PERPETUAL", NEVER_MS),
        Some(at_ms) => ("CURRENT_QUARTER", at_ms),
    };
    let mut value = json!({
        "symbol": rules.symbol,
        "pair": pair(rules),
        "contractType": contract_type,
        "deliveryDate": delivered_ms,
        "onboardDate": rules.listed_ms,
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": rules.base,
        "quoteAsset": rules.quote,
        "marginAsset": rules.settle,
        "pricePrecision": rules.price_decimals,
        "quantityPrecision": rules.quantity_decimals,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": ["PoW"],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": rules.price_band.normalize().to_string(),
        "maxMoveOrderLimit": 10_000,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": price(rules.price_min),
                "maxPrice": price(rules.price_max),
                "tickSize": price(rules.tick),
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": quantity(rules.quantity_min),
                "maxQty": quantity(rules.quantity_max),
                "stepSize": quantity(rules.step),
            },
            {
                "filterType": "MARKET_LOT_SIZE",
                "minQty": quantity(rules.quantity_min),
                "maxQty": quantity(rules.market_quantity_max),
                "stepSize": quantity(rules.step),
            },
            { "filterType": "MAX_NUM_ORDERS", "limit": 200 },
            { "filterType": "MAX_NUM_ALGO_ORDERS", "limit": 10 },
            notional,
            {
                "filterType": "PERCENT_PRICE",
                "multiplierUp": fixed(Decimal::ONE + rules.price_band, 4),
                "multiplierDown": fixed(Decimal::ONE - rules.price_band, 4),
                "multiplierDecimal": "4",
            },
        ],
        "orderTypes": ["LIMIT", "MARKET"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
    });
    if let Some(fields) = value.as_object_mut() {
        match product {
            Product::Usdm => {
                fields.insert("status".to_owned(), Value::from("TRADING"));
            }
            Product::Coinm => {
                let size = rules.contract_size.normalize().to_string().parse::<u64>();
                fields.insert("contractStatus".to_owned(), Value::from("TRADING"));
                fields.insert("contractSize".to_owned(), Value::from(size.unwrap_or_default()));
                fields.insert("equalQtyPrecision".to_owned(), Value::from(4));
            }
        }
        // Without a smallest notional the entry is missing.
        if let Some(filters) = fields.get_mut("filters").and_then(Value::as_array_mut) {
            filters.retain(|filter| !filter.is_null());
        }
    }
    value
}
