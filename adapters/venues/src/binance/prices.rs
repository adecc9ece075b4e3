//! Fees, book tops, mark prices and funding in the exchange's answers.
//!
//! Source: Binance USDⓈ-M and COIN-M Symbol Order Book Ticker, Mark Price, User Commission Rate; Spot REST API,
//! Symbol order book ticker, read 2026-11-22.

use equipoise_core::{Amount, BookTop, Funding, Price};
use equipoise_port::Quote;
use serde::Deserialize;

use crate::answer::BadAnswer;
use crate::number;

/// The account's fee rates in one instrument.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CommissionRate {
    pub(crate) taker_commission_rate: String,
}

/// What a spot account pays in one instrument.
/// Source: Binance Spot REST API, Query Commission Rates, read 2026-11-22.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SpotCommission {
    standard_commission: CommissionParts,
    #[serde(default)]
    special_commission: Option<CommissionParts>,
    #[serde(default)]
    tax_commission: Option<CommissionParts>,
    discount: Discount,
}

/// Rates that add up: one for taking, one for the side.
#[derive(Deserialize)]
struct CommissionParts {
    taker: String,
    buyer: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Discount {
    enabled_for_account: bool,
    enabled_for_symbol: bool,
    #[serde(default)]
    discount_asset: Option<String>,
}

impl SpotCommission {
    /// What a buy that takes costs of the base asset it brings.
    ///
    /// Nothing where the account pays its fees in the discount asset instead. Should that asset run out, the fee comes
    /// out of the base asset after all; fills then show it, and what is held is counted from fills (K2).
    /// Where the base asset is the discount asset itself, the rate is taken without the discount.
    pub(crate) fn taker_in_base(&self, base: &str) -> Result<Amount, BadAnswer> {
        let discount = &self.discount;
        let elsewhere = discount.discount_asset.as_deref().is_some_and(|asset| asset != base);
        if discount.enabled_for_account && discount.enabled_for_symbol && elsewhere {
            return Ok(Amount::ZERO);
        }
        let parts = [self.special_commission.as_ref(), self.tax_commission.as_ref()];
        let parts = std::iter::once(&self.standard_commission).chain(parts.into_iter().flatten());
        parts
            .flat_map(|part| [&part.taker, &part.buyer])
            .try_fold(Amount::ZERO, |sum, rate| Ok(sum + number::amount(rate, "commission rate")?))
    }
}

/// Best prices.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BookTicker {
    pub(crate) symbol: String,
    bid_price: String,
    bid_qty: String,
    ask_price: String,
    ask_qty: String,
}

impl BookTicker {
    /// A quote for where there is neither mark price nor funding: the middle of the book stands in for the mark, or its
    /// one side.
    pub(crate) fn spot_quote(&self) -> Result<Quote, BadAnswer> {
        let book = self.top()?;
        let mark = number::middle(&book).ok_or_else(|| BadAnswer::new("book is empty"))?;
        Ok(Quote { book, mark, funding: None })
    }

    pub(crate) fn top(&self) -> Result<BookTop, BadAnswer> {
        Ok(BookTop {
            bid: number::book_side(&self.bid_price, &self.bid_qty, "bid")?,
            ask: number::book_side(&self.ask_price, &self.ask_qty, "ask")?,
        })
    }
}

/// Mark price and funding.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PremiumIndex {
    pub(crate) symbol: String,
    mark_price: String,
    #[serde(default)]
    last_funding_rate: String,
    #[serde(default)]
    next_funding_time: u64,
}

impl PremiumIndex {
    pub(crate) fn mark(&self) -> Result<Price, BadAnswer> {
        number::price(&self.mark_price, "markPrice")
    }

    /// Delivery contracts pay none: their rate is empty and their next time zero.
    pub(crate) fn funding(&self) -> Result<Option<Funding>, BadAnswer> {
        if self.last_funding_rate.is_empty() || self.next_funding_time == 0 {
            return Ok(None);
        }
        Ok(Some(Funding {
            rate: number::amount(&self.last_funding_rate, "lastFundingRate")?,
            next_at: number::time(self.next_funding_time, "nextFundingTime")?,
        }))
    }
}
