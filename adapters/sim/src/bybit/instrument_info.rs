//! An instrument's rules as the venue publishes them.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::category::Category;
use crate::exchange::instrument::{Listing, fixed};

pub(super) fn instrument_info(category: Category, listing: &Listing) -> Value {
    match category {
        Category::Spot => spot_info(listing),
        Category::Linear | Category::Inverse => contract_info(category, listing),
    }
}

fn spot_info(listing: &Listing) -> Value {
    let rules = &listing.instrument;
    let plain = |value: Decimal| value.normalize().to_string();
    json!({
        "symbol": rules.symbol,
        "baseCoin": rules.base,
        "quoteCoin": rules.quote,
        "innovation": "0",
        "symbolType": "",
        "status": "Trading",
        "marginTrading": "utaOnly",
        "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": plain(rules.step),
            "quotePrecision": "0.0000001",
            "minOrderQty": plain(rules.quantity_min),
            "maxOrderQty": plain(rules.quantity_max),
            "minOrderAmt": plain(rules.notional_min),
            "maxOrderAmt": "8000000",
            "maxLimitOrderQty": plain(rules.quantity_max),
            "maxMarketOrderQty": plain(rules.market_quantity_max),
            "postOnlyMaxLimitOrderSize": plain(rules.quantity_max),
        },
        "priceFilter": { "tickSize": plain(rules.tick) },
        "riskParameters": {
            "priceLimitRatioX": plain(rules.price_band),
            "priceLimitRatioY": plain(rules.price_band),
        },
    })
}

fn contract_info(category: Category, listing: &Listing) -> Value {
    let rules = &listing.instrument;
    let price = |value: Decimal| fixed(value, rules.price_decimals);
    let quantity = |value: Decimal| fixed(value, rules.quantity_decimals);
    let contract_type = match category {
        Category::Inverse => "InversePerpetual",
        _ => "LinearPerpetual",
    };
    let mut value = json!({
        "symbol": rules.symbol,
        "contractType": contract_type,
        "status": "Trading",
        "baseCoin": rules.base,
        "quoteCoin": rules.quote,
        "settleCoin": rules.settle,
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
    });
    if category == Category::Linear {
        let least = rules.notional_min.normalize().to_string();
        value["lotSizeFilter"]["minNotionalValue"] = Value::from(least);
    }
    value
}
