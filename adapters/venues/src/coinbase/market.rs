//! Products and market data.
//!
//! Source: Coinbase Advanced Trade API, Get Product; Get Best Bid/Ask; Get Transaction Summary, read 2026-11-22.

use std::collections::BTreeSet;

use equipoise_core::{Amount, Asset, BookTop, Instrument, InstrumentKind, Price, Qty, Symbol};
use equipoise_port::{QueryError, Quote};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::{Coinbase, refused, spot, unavailable};
use crate::answer::BadAnswer;
use crate::number;
use crate::query::QueryString;

/// How many products' names are remembered.
const NAMES_MAX: usize = 256;

/// What never changes about a product and is needed to ask about its orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    /// What its orders may be listed under: two products may share one book, and orders then name either.
    pub(super) all: BTreeSet<String>,
    /// What its fees are paid in.
    pub(super) quote: Asset,
}

impl Coinbase {
    /// Rules of one product that is traded now.
    pub(super) async fn read_instrument(&self, symbol: &Symbol) -> Result<Instrument, QueryError> {
        if let Some(instrument) = self.rules.fresh(symbol) {
            return Ok(instrument);
        }
        let row = self.product_row(symbol).await?;
        self.remember(symbol, row.names()?);
        if let Some(why) = row.untraded() {
            let message = format!("{symbol} {why}");
            return Err(refused("not-traded", &self.credentials.scrub(&message)));
        }
        let instrument = row.instrument(symbol)?;
        self.rules.keep(&instrument);
        Ok(instrument)
    }

    /// The product's names and quote asset, whether it is traded now or not.
    pub(super) async fn names(&self, symbol: &Symbol) -> Result<Names, QueryError> {
        if let Some(names) = self.known_names().get(symbol) {
            return Ok(names.clone());
        }
        let names = self.product_row(symbol).await?.names()?;
        self.remember(symbol, names.clone());
        Ok(names)
    }

    fn remember(&self, symbol: &Symbol, names: Names) {
        let mut known = self.known_names();
        if known.len() < NAMES_MAX {
            known.insert(symbol.clone(), names);
        }
    }

    async fn product_row(&self, symbol: &Symbol) -> Result<Product, QueryError> {
        let path = format!("{}{}", spot::PRODUCTS, segment(symbol.as_str())?);
        let row: Product = match self.get(&path, &QueryString::new()).await {
            Ok(row) => row,
            Err(failure) if failure.is_no_such_order() => {
                return Err(refused("NOT_FOUND", &format!("{symbol} is not listed")));
            }
            Err(failure) => return Err(failure.into()),
        };
        if row.product_id != symbol.as_str() {
            return Err(BadAnswer::new("answer names another product").into());
        }
        Ok(row)
    }

    /// Best prices. There is no mark price; the middle of the book stands in for it.
    pub(super) async fn read_quote(&self, symbol: &Symbol) -> Result<Quote, QueryError> {
        let names = self.names(symbol).await?;
        let query = QueryString::new().with("product_ids", symbol);
        let books: Books = self.get(spot::BEST, &query).await?;
        let own = books.pricebooks.iter().find(|book| names.all.contains(&book.product_id));
        let Some(own) = own else {
            return Err(refused("NOT_FOUND", &format!("{symbol} is not listed")));
        };
        let book = own.top()?;
        let Some(mark) = middle(&book)? else {
            return Err(unavailable("the book is empty"));
        };
        Ok(Quote { book, mark, funding: None })
    }
}

/// A name inside a path. Only what needs no encoding is put there, so that token and address agree.
pub(super) fn segment(text: &str) -> Result<&str, BadAnswer> {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if plain && !text.is_empty() { Ok(text) } else { Err(BadAnswer::text("name in an address")) }
}

/// One product.
#[derive(Deserialize)]
struct Product {
    product_id: String,
    product_type: String,
    status: String,
    base_currency_id: String,
    quote_currency_id: String,
    base_increment: String,
    quote_increment: String,
    #[serde(default)]
    price_increment: String,
    base_min_size: String,
    base_max_size: String,
    quote_min_size: String,
    #[serde(default)]
    alias: String,
    #[serde(default)]
    alias_to: Vec<String>,
    #[serde(default)]
    is_disabled: bool,
    #[serde(default)]
    trading_disabled: bool,
    #[serde(default)]
    cancel_only: bool,
    #[serde(default)]
    post_only: bool,
    #[serde(default)]
    auction_mode: bool,
    #[serde(default)]
    view_only: bool,
}

impl Product {
    /// Why it is not traded now, or not by this adapter; with the exchange's own words, still to be scrubbed. A product that takes resting orders only cannot be unwound.
    fn untraded(&self) -> Option<String> {
        if self.product_type != "SPOT" {
            return Some(format!("is a {} product, not SPOT", self.product_type));
        }
        if self.status != "online" {
            return Some(format!("is {}, not online", self.status));
        }
        let flags = [
            (self.is_disabled, "is disabled"),
            (self.trading_disabled, "is not traded now"),
            (self.cancel_only, "only takes cancels now"),
            (self.post_only, "only takes resting orders now"),
            (self.auction_mode, "is in an auction"),
            (self.view_only, "may only be viewed by this account"),
        ];
        flags.into_iter().find(|(set, _)| *set).map(|(_, why)| why.to_owned())
    }

    fn names(&self) -> Result<Names, BadAnswer> {
        let others = self.alias_to.iter().chain(Some(&self.alias));
        let all = others.chain(Some(&self.product_id)).filter(|name| !name.is_empty());
        Ok(Names { all: all.cloned().collect(), quote: self.quote()? })
    }

    fn quote(&self) -> Result<Asset, BadAnswer> {
        Asset::new(&self.quote_currency_id).map_err(|_| BadAnswer::text("quote_currency_id"))
    }

    /// The rules. Fees are paid in quote, so nothing of a buy is held back and nothing is to be ordered on top of it:
    /// the rate that sizes orders is zero (K2).
    /// Source: Coinbase Advanced Trade API, List Fills, commission, read 2026-11-22.
    fn instrument(&self, symbol: &Symbol) -> Result<Instrument, BadAnswer> {
        let quote = self.quote()?;
        let tick = match self.price_increment.as_str() {
            "" => number::price(&self.quote_increment, "quote_increment")?,
            text => number::price(text, "price_increment")?,
        };
        let largest = number::quantity(&self.base_max_size, "base_max_size")?;
        Ok(Instrument {
            symbol: symbol.clone(),
            kind: InstrumentKind::Spot,
            base: Asset::new(&self.base_currency_id)
                .map_err(|_| BadAnswer::text("base_currency_id"))?,
            settle: quote.clone(),
            quote,
            tick,
            lot: number::quantity(&self.base_increment, "base_increment")?,
            quantity_min: number::quantity(&self.base_min_size, "base_min_size")?,
            quantity_max: largest,
            market_quantity_max: largest,
            notional_min: number::quantity(&self.quote_min_size, "quote_min_size")?,
            contract_size: Qty::new(Decimal::ONE)
                .map_err(|_| BadAnswer::number("contract size"))?,
            taker_fee: Amount::ZERO,
        })
    }
}

#[derive(Deserialize)]
struct Books {
    pricebooks: Vec<PriceBook>,
}

#[derive(Deserialize)]
struct PriceBook {
    product_id: String,
    bids: Vec<Level>,
    asks: Vec<Level>,
}

#[derive(Deserialize)]
struct Level {
    price: String,
    size: String,
}

impl PriceBook {
    fn top(&self) -> Result<BookTop, BadAnswer> {
        let best = |levels: &[Level], field| match levels.first() {
            Some(level) => number::book_side(&level.price, &level.size, field),
            None => Ok(None),
        };
        Ok(BookTop { bid: best(&self.bids, "bid")?, ask: best(&self.asks, "ask")? })
    }
}

/// The middle of the book, or its only side.
fn middle(book: &BookTop) -> Result<Option<Price>, BadAnswer> {
    let (Some((bid, _)), Some((ask, _))) = (book.bid, book.ask) else {
        return Ok(book.bid.or(book.ask).map(|(price, _)| price));
    };
    let middle = (bid.get() + ask.get()) / Decimal::TWO;
    Price::new(middle).map(Some).map_err(|_| BadAnswer::number("middle of the book"))
}
