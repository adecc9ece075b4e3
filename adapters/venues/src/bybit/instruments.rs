//! Instruments, fees and prices in the exchange's answers.
//!
//! Source: Bybit v5 Get Instruments Info, Get Fee Rate, Get Tickers, read 2026-11-22.

use equipoise_core::{Amount, Asset, BookTop, Funding, Instrument, InstrumentKind, Qty, Symbol};
use equipoise_port::Quote;
use serde::Deserialize;

use super::product::Kind;
use crate::answer::BadAnswer;
use crate::number;

/// One instrument.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InstrumentInfo {
    pub(crate) symbol: String,
    pub(crate) status: String,
    base_coin: String,
    quote_coin: String,
    /// Contracts only.
    #[serde(default)]
    settle_coin: Option<String>,
    price_filter: PriceFilter,
    lot_size_filter: LotSizeFilter,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PriceFilter {
    tick_size: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LotSizeFilter {
    /// The step of contracts; spot calls it a precision.
    #[serde(alias = "basePrecision")]
    qty_step: String,
    min_order_qty: String,
    /// Contracts. On spot the field of this name is out of use.
    max_order_qty: Option<String>,
    max_mkt_order_qty: Option<String>,
    /// Spot.
    max_limit_order_qty: Option<String>,
    max_market_order_qty: Option<String>,
    /// Least value: of linear contracts, or of spot orders.
    #[serde(default, alias = "minOrderAmt")]
    min_notional_value: String,
}

/// What an instrument is made of.
#[derive(Debug, Clone)]
pub(crate) struct Coins {
    pub(crate) base: Asset,
    pub(crate) quote: Asset,
    /// Of margin, profit and fees.
    pub(crate) settle: Asset,
}

impl InstrumentInfo {
    /// What it is made of; spot settles in quote.
    pub(crate) fn coins(&self, kind: Kind) -> Result<Coins, BadAnswer> {
        let asset = |text: &str, field| Asset::new(text).map_err(|_| BadAnswer::text(field));
        let quote = asset(&self.quote_coin, "quoteCoin")?;
        let settle = match kind {
            Kind::Spot => quote.clone(),
            Kind::Linear | Kind::Inverse => {
                asset(self.settle_coin.as_deref().unwrap_or_default(), "settleCoin")?
            }
        };
        Ok(Coins { base: asset(&self.base_coin, "baseCoin")?, quote, settle })
    }

    /// The rules, with a taker fee read elsewhere.
    ///
    /// On spot the smallest quantity is no longer enforced; it is kept all the same, being far below the smallest value.
    /// One inverse contract is one USD.
    /// Source: Bybit v5 Get Instruments Info; Place Order, qty, read 2026-11-22.
    pub(crate) fn instrument(
        &self,
        kind: Kind,
        symbol: &Symbol,
        taker_fee: Amount,
    ) -> Result<Instrument, BadAnswer> {
        let lots = &self.lot_size_filter;
        let Coins { base, quote, settle } = self.coins(kind)?;
        let notional_min = number::amount_or_zero(&lots.min_notional_value, "minNotionalValue")?;
        let (largest, market_largest) = match kind {
            Kind::Spot => (&lots.max_limit_order_qty, &lots.max_market_order_qty),
            Kind::Linear | Kind::Inverse => (&lots.max_order_qty, &lots.max_mkt_order_qty),
        };
        let bound = |text: &Option<String>, field| {
            number::quantity(text.as_deref().unwrap_or_default(), field)
        };
        Ok(Instrument {
            symbol: symbol.clone(),
            kind: match kind {
                Kind::Linear => InstrumentKind::Linear,
                Kind::Inverse => InstrumentKind::Inverse,
                Kind::Spot => InstrumentKind::Spot,
            },
            base,
            quote,
            settle,
            tick: number::price(&self.price_filter.tick_size, "tickSize")?,
            lot: number::quantity(&lots.qty_step, "qtyStep")?,
            quantity_min: number::quantity(&lots.min_order_qty, "minOrderQty")?,
            quantity_max: bound(largest, "maxOrderQty")?,
            market_quantity_max: bound(market_largest, "maxMktOrderQty")?,
            notional_min: Qty::new(notional_min.get())
                .map_err(|_| BadAnswer::number("minNotionalValue"))?,
            contract_size: number::quantity("1", "contract size")?,
            taker_fee,
        })
    }
}

/// The account's fee rates in one instrument.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FeeRate {
    pub(crate) symbol: String,
    pub(crate) taker_fee_rate: String,
}

/// Best prices, mark price and funding.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ticker {
    pub(crate) symbol: String,
    bid1_price: String,
    bid1_size: String,
    ask1_price: String,
    ask1_size: String,
    /// Contracts only.
    #[serde(default)]
    mark_price: String,
    #[serde(default)]
    funding_rate: String,
    #[serde(default)]
    next_funding_time: String,
}

impl Ticker {
    fn top(&self) -> Result<BookTop, BadAnswer> {
        Ok(BookTop {
            bid: number::book_side(&self.bid1_price, &self.bid1_size, "bid")?,
            ask: number::book_side(&self.ask1_price, &self.ask1_size, "ask")?,
        })
    }

    /// Spot has no mark price: the middle of the book stands in for it, or its one side.
    pub(crate) fn quote(&self, kind: Kind) -> Result<Quote, BadAnswer> {
        let book = self.top()?;
        if kind == Kind::Spot {
            let mark = number::middle(&book).ok_or_else(|| BadAnswer::new("book is empty"))?;
            return Ok(Quote { book, mark, funding: None });
        }
        let mark = number::price(&self.mark_price, "markPrice")?;
        Ok(Quote { book, mark, funding: self.funding()? })
    }

    /// Delivery contracts pay none: their rate is empty.
    fn funding(&self) -> Result<Option<Funding>, BadAnswer> {
        if self.funding_rate.is_empty() || matches!(self.next_funding_time.as_str(), "" | "0") {
            return Ok(None);
        }
        Ok(Some(Funding {
            rate: number::amount(&self.funding_rate, "fundingRate")?,
            next_at: number::time_text(&self.next_funding_time, "nextFundingTime")?,
        }))
    }
}
