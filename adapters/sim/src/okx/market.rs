//! Public data.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::failure::Failure;
use super::render::{self, plain};
use super::{Inside, Product};
use crate::exchange::book::{self, Level};
use crate::exchange::instrument::{FUNDING_INTERVAL_MS, Listing, next_funding_ms};
use crate::exchange::orders::Side;

impl Inside<'_> {
    pub(super) fn instruments(&self) -> Result<Value, Failure> {
        let number = |symbol| {
            self.engine.listings.keys().position(|listed| listed == symbol).unwrap_or_default()
        };
        let rows = self
            .of_type()?
            .into_iter()
            .map(|listing| render::instrument(listing, number(listing.instrument.symbol)));
        Ok(rows.collect())
    }

    pub(super) fn tickers(&self) -> Result<Value, Failure> {
        Ok(self.of_type()?.into_iter().map(|listing| self.ticker(listing)).collect())
    }

    /// A quiet day: the price has not moved.
    pub(super) fn ticker(&self, listing: &Listing) -> Value {
        let (bid, ask) = (self.top(listing, Side::Buy), self.top(listing, Side::Sell));
        let last = plain(listing.mark);
        json!({
            "instType": render::instrument_type(listing),
            "instId": listing.instrument.symbol,
            "last": last,
            "lastSz": plain(listing.instrument.quantity_min),
            "askPx": plain(ask.price),
            "askSz": plain(ask.quantity),
            "bidPx": plain(bid.price),
            "bidSz": plain(bid.quantity),
            "open24h": last,
            "high24h": last,
            "low24h": last,
            "volCcy24h": "100000",
            "vol24h": "100000",
            "sodUtc0": last,
            "sodUtc8": last,
            "ts": self.now_ms.to_string(),
        })
    }

    pub(super) fn books(&self) -> Result<Value, Failure> {
        let listing = self.instrument()?;
        let depth = usize::try_from(self.params.u64("sz").unwrap_or(1).clamp(1, 400)).unwrap_or(1);
        let side = |side| -> Vec<Value> {
            let levels = book::levels(&self.engine.offers(listing, side));
            let shown = levels.iter().take(depth);
            shown
                .map(|level| json!([plain(level.price), plain(level.quantity), "0", "1"]))
                .collect()
        };
        Ok(json!([{
            "asks": side(Side::Sell),
            "bids": side(Side::Buy),
            "ts": self.now_ms.to_string(),
            "seqId": self.now_ms,
        }]))
    }

    pub(super) fn mark_prices(&self) -> Result<Value, Failure> {
        let rows = self.of_type()?.into_iter().filter(|_| self.product == Product::Swap);
        Ok(rows
            .map(|listing| {
                json!({
                    "instType": "SWAP",
                    "instId": listing.instrument.symbol,
                    "markPx": plain(listing.mark),
                    "ts": self.now_ms.to_string(),
                })
            })
            .collect())
    }

    /// The rate of the running period, due at its end; `ANY` asks for all.
    pub(super) fn funding_rate(&self) -> Result<Value, Failure> {
        let listings: Vec<&Listing> = match self.params.get("instId") {
            Some("ANY") => self.engine.listings.values().collect(),
            _ => vec![self.instrument()?],
        };
        if self.product != Product::Swap {
            return Err(Failure::parameter("instId"));
        }
        let due = next_funding_ms(self.now_ms);
        let rate = |listing: &Listing| {
            json!({
                "formulaType": "withRate",
                "fundingRate": plain(listing.funding_rate),
                "fundingTime": due.to_string(),
                "impactValue": "20000",
                "instId": listing.instrument.symbol,
                "instType": "SWAP",
                "interestRate": "0.0001",
                "maxFundingRate": "0.00375",
                "method": "current_period",
                "minFundingRate": "-0.00375",
                "nextFundingRate": "",
                "nextFundingTime": (due + FUNDING_INTERVAL_MS).to_string(),
                "premium": "0",
                "prevFundingTime": (due - FUNDING_INTERVAL_MS).to_string(),
                "settFundingRate": plain(listing.funding_rate),
                "settState": "settled",
                "ts": self.now_ms.to_string(),
            })
        };
        Ok(listings.into_iter().map(rate).collect())
    }

    /// Past funding times, latest first.
    pub(super) fn funding_rate_history(&self) -> Result<Value, Failure> {
        let listing = self.instrument()?;
        let limit = self.params.u64("limit").unwrap_or(400).clamp(1, 400);
        let before = self.params.u64("before").unwrap_or_default();
        let latest = next_funding_ms(self.now_ms) - FUNDING_INTERVAL_MS;
        let times = (0..limit).map(|back| latest.saturating_sub(back * FUNDING_INTERVAL_MS));
        let after = self.params.u64("after").unwrap_or(u64::MAX);
        let times = times.filter(|at| *at > before && *at < after && *at > 0);
        let rate = plain(listing.funding_rate);
        Ok(times
            .map(|at| {
                json!({
                    "formulaType": "withRate",
                    "fundingRate": rate,
                    "fundingTime": at.to_string(),
                    "instId": listing.instrument.symbol,
                    "instType": "SWAP",
                    "method": "current_period",
                    "realizedRate": rate,
                })
            })
            .collect())
    }

    pub(super) fn price_limit(&self) -> Result<Value, Failure> {
        let listing = self.instrument()?;
        Ok(json!([{
            "instType": render::instrument_type(listing),
            "instId": listing.instrument.symbol,
            "buyLmt": plain(listing.band(Side::Buy)),
            "sellLmt": plain(listing.band(Side::Sell)),
            "ts": self.now_ms.to_string(),
            "enabled": true,
        }]))
    }

    fn top(&self, listing: &Listing, side: Side) -> Level {
        let levels = book::levels(&self.engine.offers(listing, side));
        levels.first().copied().unwrap_or(Level { price: Decimal::ZERO, quantity: Decimal::ZERO })
    }
}
