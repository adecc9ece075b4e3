//! Public data.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Inside, RATES};
use crate::binance::failure::Failure;
use crate::exchange::book::{self, Level};
use crate::exchange::instrument::{Listing, fixed};
use crate::exchange::orders::Side;

impl Inside<'_> {
    pub(super) fn exchange_info(&self) -> Result<Value, Failure> {
        let [ten_seconds, day] = &RATES.orders;
        let symbols: Vec<Value> = self.wanted()?.into_iter().map(symbol_info).collect();
        Ok(json!({
            "timezone": "UTC",
            "serverTime": self.now_ms,
            "rateLimits": [
                { "rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": RATES.weight_per_minute },
                { "rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": ten_seconds.max },
                { "rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": day.max },
                { "rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 300_000 },
            ],
            "exchangeFilters": [],
            "symbols": symbols,
        }))
    }

    pub(super) fn depth(&self) -> Result<Value, Failure> {
        let listing = self.symbol()?;
        let limit = self.params.u64("limit").unwrap_or(100).clamp(1, 5000);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let side = |side| -> Vec<Value> {
            let levels = book::levels(&self.engine.offers(listing, side));
            let rows = levels.iter().take(limit);
            rows.map(|level| json!([fixed(level.price, 8), fixed(level.quantity, 8)])).collect()
        };
        Ok(json!({
            "lastUpdateId": self.now_ms,
            "bids": side(Side::Buy),
            "asks": side(Side::Sell),
        }))
    }

    /// Without a time: spot gives none.
    pub(super) fn book_ticker(&self) -> Result<Value, Failure> {
        self.one_or_all(|listing| {
            let [bid, ask] = self.top(listing);
            json!({
                "symbol": listing.instrument.symbol,
                "bidPrice": fixed(bid.price, 8),
                "bidQty": fixed(bid.quantity, 8),
                "askPrice": fixed(ask.price, 8),
                "askQty": fixed(ask.quantity, 8),
            })
        })
    }

    pub(super) fn price_ticker(&self) -> Result<Value, Failure> {
        self.one_or_all(|listing| {
            json!({ "symbol": listing.instrument.symbol, "price": fixed(listing.mark, 8) })
        })
    }

    pub(super) fn average_price(&self) -> Result<Value, Failure> {
        let price = fixed(self.symbol()?.mark, 8);
        Ok(json!({ "mins": 5, "price": price, "closeTime": self.now_ms }))
    }

    /// A quiet day: the price has not moved.
    pub(super) fn day_ticker(&self) -> Result<Value, Failure> {
        self.one_or_all(|listing| {
            let rules = &listing.instrument;
            let [bid, ask] = self.top(listing);
            let mark = fixed(listing.mark, 8);
            json!({
                "symbol": rules.symbol,
                "priceChange": "0.00000000",
                "priceChangePercent": "0.000",
                "weightedAvgPrice": mark,
                "prevClosePrice": mark,
                "lastPrice": mark,
                "lastQty": fixed(rules.quantity_min, 8),
                "bidPrice": fixed(bid.price, 8),
                "bidQty": fixed(bid.quantity, 8),
                "askPrice": fixed(ask.price, 8),
                "askQty": fixed(ask.quantity, 8),
                "openPrice": mark,
                "highPrice": mark,
                "lowPrice": mark,
                "volume": "20000.00000000",
                "quoteVolume": fixed(listing.mark * Decimal::from(20_000), 8),
                "openTime": self.now_ms.saturating_sub(86_400_000),
                "closeTime": self.now_ms,
                "firstId": 1,
                "lastId": 100_000,
                "count": 100_000,
            })
        })
    }

    /// Best bid and ask, zero quantity where a side is empty.
    fn top(&self, listing: &Listing) -> [Level; 2] {
        [Side::Buy, Side::Sell].map(|side| {
            let levels = book::levels(&self.engine.offers(listing, side));
            let none = Level { price: Decimal::ZERO, quantity: Decimal::ZERO };
            levels.first().copied().unwrap_or(none)
        })
    }

    fn one_or_all(&self, show: impl Fn(&Listing) -> Value) -> Result<Value, Failure> {
        match self.params.get("symbol") {
            Some(_) => Ok(show(self.symbol()?)),
            None => Ok(self.wanted()?.into_iter().map(show).collect()),
        }
    }
}

fn symbol_info(listing: &Listing) -> Value {
    let rules = &listing.instrument;
    let amount = |value: Decimal| fixed(value, 8);
    let (up, down) = (Decimal::ONE + rules.price_band, Decimal::ONE - rules.price_band_below);
    let (up, down) = (up.normalize().to_string(), down.normalize().to_string());
    json!({
        "symbol": rules.symbol,
        "status": "TRADING",
        "baseAsset": rules.base,
        "baseAssetPrecision": 8,
        "quoteAsset": rules.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "icebergAllowed": false,
        "ocoAllowed": false,
        "otoAllowed": false,
        "opoAllowed": false,
        "quoteOrderQtyMarketAllowed": true,
        "allowTrailingStop": false,
        "cancelReplaceAllowed": false,
        "amendAllowed": false,
        "pegInstructionsAllowed": false,
        "isSpotTradingAllowed": true,
        "isMarginTradingAllowed": false,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": amount(rules.price_min),
                "maxPrice": amount(rules.price_max),
                "tickSize": amount(rules.tick),
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": amount(rules.quantity_min),
                "maxQty": amount(rules.quantity_max),
                "stepSize": amount(rules.step),
            },
            { "filterType": "ICEBERG_PARTS", "limit": 100 },
            {
                "filterType": "MARKET_LOT_SIZE",
                "minQty": amount(Decimal::ZERO),
                "maxQty": amount(rules.market_quantity_max),
                "stepSize": amount(Decimal::ZERO),
            },
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": up,
                "bidMultiplierDown": down,
                "askMultiplierUp": up,
                "askMultiplierDown": down,
                "avgPriceMins": 5,
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": amount(rules.notional_min),
                "applyMinToMarket": true,
                "maxNotional": amount(Decimal::from(9_000_000)),
                "applyMaxToMarket": false,
                "avgPriceMins": 5,
            },
            { "filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200 },
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    })
}
