//! Public data.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Inside;
use super::failure::Failure;
use super::instruments;
use super::render::{plain, uuid};
use crate::civil::rfc3339;
use crate::exchange::book::{self, Level};
use crate::exchange::instrument::Listing;
use crate::exchange::orders::Side;

impl Inside<'_> {
    pub(super) fn time(&self) -> Value {
        json!({
            "iso": rfc3339(self.now_ms / 1000 * 1000).replace(".000Z", "Z"),
            "epochSeconds": (self.now_ms / 1000).to_string(),
            "epochMillis": self.now_ms.to_string(),
        })
    }

    /// All products are spot; asking for another type finds none.
    pub(super) fn products(&self) -> Value {
        let spot = self.asked("product_type").is_none_or(|kind| kind == "SPOT");
        let ids = self.asked_all(&["product_ids"]);
        let listings = self.engine.listings.values().filter(|listing| {
            spot && (ids.is_empty() || ids.iter().any(|id| id == listing.instrument.symbol))
        });
        let products: Vec<Value> = listings.map(|listing| self.render(listing)).collect();
        json!({ "num_products": products.len(), "products": products })
    }

    pub(super) fn product(&self, id: &str) -> Result<Value, Failure> {
        Ok(self.render(self.listing(id)?))
    }

    fn render(&self, listing: &Listing) -> Value {
        let rules = &listing.instrument;
        let alias = instruments::alias(rules.symbol);
        let aliased = self.engine.listings.keys();
        let alias_to: Vec<&String> =
            aliased.filter(|other| instruments::alias(other) == rules.symbol).collect();
        let name = |asset: &str| match asset {
            "BTC" => "Bitcoin",
            "ETH" => "Ethereum",
            "USDC" => "USDC",
            _ => "US Dollar",
        };
        json!({
            "product_id": rules.symbol,
            "price": plain(listing.mark),
            "price_percentage_change_24h": "0",
            "volume_24h": "10000",
            "volume_percentage_change_24h": "0",
            "base_increment": plain(rules.step),
            "quote_increment": plain(rules.tick),
            "quote_min_size": plain(rules.notional_min),
            "quote_max_size": plain(rules.price_max),
            "base_min_size": plain(rules.quantity_min),
            "base_max_size": plain(rules.quantity_max),
            "base_name": name(rules.base),
            "quote_name": name(rules.quote),
            "watched": false,
            "is_disabled": false,
            "new": false,
            "status": "online",
            "cancel_only": false,
            "limit_only": false,
            "post_only": false,
            "trading_disabled": false,
            "auction_mode": false,
            "product_type": "SPOT",
            "quote_currency_id": rules.quote,
            "base_currency_id": rules.base,
            "fcm_trading_session_details": null,
            "mid_market_price": "",
            "alias": alias,
            "alias_to": alias_to,
            "base_display_symbol": rules.base,
            "quote_display_symbol": "USD",
            "view_only": false,
            "price_increment": plain(rules.tick),
            "display_name": rules.symbol,
            "product_venue": "CBE",
            "approximate_quote_24h_volume": plain(listing.mark * Decimal::from(10_000)),
            "new_at": rfc3339(rules.listed_ms),
        })
    }

    pub(super) fn ticker(&self, id: &str) -> Result<Value, Failure> {
        let listing = self.listing(id)?;
        let (bid, ask) = (self.side(listing, Side::Buy), self.side(listing, Side::Sell));
        let best = |levels: &[Level]| levels.first().map(|level| plain(level.price));
        Ok(json!({
            "trades": [{
                "trade_id": uuid(0x07ad, 1),
                "product_id": listing.instrument.symbol,
                "price": plain(listing.mark),
                "size": "0.01",
                "time": rfc3339(self.now_ms),
                "side": "BUY",
                "exchange": "CBE",
            }],
            "best_bid": best(&bid).unwrap_or_default(),
            "best_ask": best(&ask).unwrap_or_default(),
        }))
    }

    pub(super) fn book(&self) -> Result<Value, Failure> {
        let id =
            self.asked("product_id").ok_or_else(|| Failure::argument("product_id is required"))?;
        let listing = self.listing(&id)?;
        let limit = self.asked("limit").and_then(|text| text.parse().ok()).unwrap_or(usize::MAX);
        Ok(json!({
            "pricebook": self.pricebook(listing, limit),
            "last": plain(listing.mark),
            "mid_market": plain(listing.mark),
            "spread_bps": "0",
            "spread_absolute": plain(listing.instrument.tick),
        }))
    }

    pub(super) fn best_bid_ask(&self) -> Result<Value, Failure> {
        let ids = self.asked_all(&["product_ids"]);
        let listings: Vec<&Listing> = if ids.is_empty() {
            self.engine.listings.values().collect()
        } else {
            ids.iter().map(|id| self.listing(id)).collect::<Result<_, _>>()?
        };
        let books: Vec<Value> =
            listings.into_iter().map(|listing| self.pricebook(listing, 1)).collect();
        Ok(json!({ "pricebooks": books }))
    }

    fn pricebook(&self, listing: &Listing, limit: usize) -> Value {
        let side = |side| -> Vec<Value> {
            let levels = self.side(listing, side);
            let shown = levels.iter().take(limit);
            shown
                .map(|level| json!({ "price": plain(level.price), "size": plain(level.quantity) }))
                .collect()
        };
        json!({
            "product_id": listing.instrument.symbol,
            "bids": side(Side::Buy),
            "asks": side(Side::Sell),
            "time": rfc3339(self.now_ms),
        })
    }

    fn side(&self, listing: &Listing, side: Side) -> Vec<Level> {
        book::levels(&self.engine.offers(listing, side))
    }

    pub(super) fn old_time(&self) -> Value {
        json!({ "data": {
            "iso": rfc3339(self.now_ms / 1000 * 1000).replace(".000Z", "Z"),
            "epoch": self.now_ms / 1000,
        } })
    }

    pub(super) fn old_currencies(&self) -> Value {
        json!({ "data": [{ "id": "USD", "name": "United States Dollar", "min_size": "0.01" }] })
    }

    pub(super) fn old_crypto_currencies(&self) -> Value {
        let coin = |index: u64, code: &str, name: &str| {
            json!({
                "asset_id": uuid(0xa55e, index), "code": code, "name": name, "color": "#000000",
                "sort_index": index, "exponent": 8, "type": "crypto", "address_regex": "",
            })
        };
        json!({ "data": [coin(1, "BTC", "Bitcoin"), coin(2, "ETH", "Ethereum"), coin(3, "USDC", "USDC")] })
    }

    /// What a dollar is in each coin.
    pub(super) fn old_exchange_rates(&self) -> Value {
        let rate = |product: &str| {
            let mark = self.engine.listings.get(product).map_or(Decimal::ONE, |l| l.mark);
            plain((Decimal::ONE / mark).round_dp(16))
        };
        json!({ "data": { "currency": "USD", "rates": {
            "USD": "1", "USDC": "1", "BTC": rate("BTC-USD"), "ETH": rate("ETH-USD"),
        } } })
    }
}
