//! Public data.

use rust_decimal::Decimal;

use super::Inside;
use super::failure::Failure;
use super::instruments::{Contract, contract};
use super::render;
use super::wire::{Object, array, plain};
use crate::exchange::book::{self, Level};
use crate::exchange::instrument::{FUNDING_INTERVAL_MS, Listing};
use crate::exchange::orders::Side;

const HOUR_MS: u64 = 3_600_000;

/// Most hours of funding history in one answer.
const HOURS_MAX: u64 = 744;

impl Inside<'_> {
    pub(super) fn currencies(&self) -> String {
        let coin = |code: &str, name: &str, decimals: u64| {
            Object::default()
                .text("currency", code)
                .text("currency_long", name)
                .text("coin_type", code)
                .text("network_currency", code)
                .count("decimals", decimals)
                .count("min_confirmations", 1)
                .flag("in_cross_collateral_pool", false)
                .raw("withdrawal_priorities", "[]")
                .zeros(&["network_fee", "withdrawal_fee", "min_withdrawal_fee", "apr"])
                .build()
        };
        array([coin("BTC", "Bitcoin", 8), coin("ETH", "Ethereum", 8), coin("USDC", "USDC", 6)])
    }

    /// Nothing here has ended, so `expired` finds nothing.
    pub(super) fn instruments(&self) -> Result<String, Failure> {
        let currency = self.currency(true)?;
        let live = self.params.get("expired") != Some("true");
        let listings = self.engine.listings.values();
        let wanted = listings.filter(|listing| live && self.belongs(listing, currency));
        Ok(array(wanted.map(|listing| render::instrument(self.engine, listing))))
    }

    pub(super) fn ticker(&self, listing: &Listing) -> String {
        self.market(listing).build()
    }

    pub(super) fn order_book(&self) -> Result<String, Failure> {
        let listing = self.instrument()?;
        let depth = self.params.u64("depth").unwrap_or(20).clamp(1, 10_000);
        let depth = usize::try_from(depth).unwrap_or(20);
        let side = |side| {
            let levels = self.side(listing, side);
            let rows = levels.iter().take(depth);
            array(rows.map(|level| format!("[{},{}]", plain(level.price), plain(level.quantity))))
        };
        Ok(self
            .market(listing)
            .raw("bids", &side(Side::Buy))
            .raw("asks", &side(Side::Sell))
            .count("change_id", self.now_ms)
            .build())
    }

    /// A quiet day: the price has not moved.
    fn market(&self, listing: &Listing) -> Object {
        let rules = &listing.instrument;
        let best = |side| self.best(listing, side);
        let (bid, ask) = (best(Side::Buy), best(Side::Sell));
        let stats = Object::default()
            .number("high", listing.mark)
            .number("low", listing.mark)
            .count("price_change", 0)
            .count("volume", 1000)
            .number("volume_usd", Decimal::from(65_000_000))
            .number("volume_notional", Decimal::from(65_000_000));
        let object = Object::default()
            .text("instrument_name", rules.symbol)
            .count("timestamp", self.now_ms)
            .text("state", "open")
            .raw("stats", &stats.build())
            .number("best_bid_price", bid.price)
            .number("best_bid_amount", bid.quantity)
            .number("best_ask_price", ask.price)
            .number("best_ask_amount", ask.quantity)
            .number("last_price", listing.mark)
            .number("mark_price", listing.mark)
            .number("index_price", self.index(rules.base).unwrap_or(listing.mark))
            .number("estimated_delivery_price", self.index(rules.base).unwrap_or(listing.mark))
            .number("settlement_price", listing.mark)
            .number("min_price", listing.band(Side::Sell))
            .number("max_price", listing.band(Side::Buy))
            .number("open_interest", Decimal::from(1_000_000));
        match contract(rules.symbol) {
            Contract::Perpetual => object
                .number("current_funding", listing.funding_rate)
                .number("funding_8h", listing.funding_rate)
                .number("interest_value", listing.funding_rate),
            Contract::Future => object,
            Contract::Option => object
                .number("underlying_price", self.index(rules.base).unwrap_or_default())
                .text("underlying_index", "SYN.BTC-25DEC26")
                .count("interest_rate", 0)
                .raw("mark_iv", "45.1")
                .raw("bid_iv", "45")
                .raw("ask_iv", "45.2")
                .raw("greeks", r#"{"delta":0.5,"gamma":0.00003,"vega":75,"theta":-55,"rho":25}"#),
        }
    }

    pub(super) fn book_summary_by_currency(&self) -> Result<String, Failure> {
        let currency = self.currency(false)?;
        let listings = self.engine.listings.values();
        let wanted = listings.filter(|listing| self.belongs(listing, currency));
        Ok(array(wanted.map(|listing| self.summary(listing))))
    }

    pub(super) fn summary(&self, listing: &Listing) -> String {
        let rules = &listing.instrument;
        let price = |side| self.best(listing, side).price;
        Object::default()
            .text("instrument_name", rules.symbol)
            .text("base_currency", rules.base)
            .text("quote_currency", rules.quote)
            .number("bid_price", price(Side::Buy))
            .number("ask_price", price(Side::Sell))
            .number("mid_price", listing.mark)
            .number("mark_price", listing.mark)
            .number("last", listing.mark)
            .number("high", listing.mark)
            .number("low", listing.mark)
            .count("volume", 1000)
            .count("volume_usd", 65_000_000)
            .count("open_interest", 1_000_000)
            .count("price_change", 0)
            .count("creation_timestamp", self.now_ms)
            .build()
    }

    /// The index is where the first perpetual of its coin trades.
    pub(super) fn index_price(&self) -> Result<String, Failure> {
        let name = self.params.get("index_name").ok_or_else(|| Failure::missing("index_name"))?;
        let coin = name.split_once('_').map(|(coin, _)| coin.to_uppercase());
        let price = coin.and_then(|coin| self.index(&coin));
        let price = price.ok_or_else(|| Failure::invalid("index_name"))?;
        Ok(Object::default()
            .number("index_price", price)
            .number("estimated_delivery_price", price)
            .build())
    }

    fn index(&self, coin: &str) -> Option<Decimal> {
        Some(self.engine.listings.get(&format!("{coin}-PERPETUAL"))?.mark)
    }

    /// What a position of one would have paid between two times; funding accrues all the time.
    pub(super) fn funding_rate_value(&self) -> Result<String, Failure> {
        let listing = self.perpetual()?;
        let (start, end) = self.span()?;
        let share = Decimal::from(end.saturating_sub(start)) / Decimal::from(FUNDING_INTERVAL_MS);
        Ok(plain((listing.funding_rate * share).round_dp(12)))
    }

    /// One entry an hour.
    pub(super) fn funding_rate_history(&self) -> Result<String, Failure> {
        let listing = self.perpetual()?;
        let (start, end) = self.span()?;
        let first = start.div_ceil(HOUR_MS);
        let last = end.min(self.now_ms) / HOUR_MS;
        let hours = (first..=last).rev().take(usize::try_from(HOURS_MAX).unwrap_or(744));
        let mut rows: Vec<String> = hours
            .map(|hour| {
                Object::default()
                    .count("timestamp", hour * HOUR_MS)
                    .number("index_price", listing.mark)
                    .number("prev_index_price", listing.mark)
                    .number("interest_8h", listing.funding_rate)
                    .number("interest_1h", (listing.funding_rate / Decimal::from(8)).round_dp(12))
                    .build()
            })
            .collect();
        rows.reverse();
        Ok(array(rows))
    }

    fn perpetual(&self) -> Result<&Listing, Failure> {
        let listing = self.instrument()?;
        match contract(listing.instrument.symbol) {
            Contract::Perpetual => Ok(listing),
            Contract::Future | Contract::Option => Err(Failure::invalid("instrument_name")),
        }
    }

    fn span(&self) -> Result<(u64, u64), Failure> {
        let time = |name| self.params.u64(name).ok_or_else(|| Failure::missing(name));
        Ok((time("start_timestamp")?, time("end_timestamp")?))
    }

    fn side(&self, listing: &Listing, side: Side) -> Vec<Level> {
        book::levels(&self.engine.offers(listing, side))
    }

    fn best(&self, listing: &Listing, side: Side) -> Level {
        let none = Level { price: Decimal::ZERO, quantity: Decimal::ZERO };
        self.side(listing, side).first().copied().unwrap_or(none)
    }
}
