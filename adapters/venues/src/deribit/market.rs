//! Instruments and market data.
//!
//! Source: Deribit public/get_instrument; public/ticker, read 2026-11-22.

use equipoise_core::{
    Amount, Asset, BookTop, Funding, Instrument, InstrumentKind, Price, Qty, Symbol, VenueMillis,
};
use equipoise_port::{QueryError, Quote};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::encode::OfInstrument;
use super::number::Number;
use super::product::{FUNDING_PERIOD_MS, INSTRUMENT, TICKER};
use super::{Deribit, refused};
use crate::answer::BadAnswer;
use crate::number;

/// How many books are remembered.
const BOOKS_MAX: usize = 256;

/// What never changes about an instrument and is needed to ask about its orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Book {
    /// The currency its orders are kept under.
    pub(super) currency: String,
    pub(super) is_spot: bool,
}

impl Deribit {
    /// Rules of one instrument that is traded now.
    pub(super) async fn read_instrument(&self, symbol: &Symbol) -> Result<Instrument, QueryError> {
        if let Some(instrument) = self.rules.fresh(symbol) {
            return Ok(instrument);
        }
        let row = self.instrument_row(symbol).await?;
        if let Some(why) = row.untraded() {
            let message = format!("{symbol} {why}");
            return Err(refused("not-traded", &self.credentials.scrub(&message)));
        }
        let instrument = row.instrument(symbol)?;
        self.rules.keep(&instrument);
        Ok(instrument)
    }

    /// Under which currency the instrument's orders are kept, whether it is traded now or not.
    pub(super) async fn book(&self, symbol: &Symbol) -> Result<Book, QueryError> {
        if let Some(book) = self.books().get(symbol) {
            return Ok(book.clone());
        }
        let book = self.instrument_row(symbol).await?.book()?;
        let mut books = self.books();
        if books.len() < BOOKS_MAX {
            books.insert(symbol.clone(), book.clone());
        }
        Ok(book)
    }

    async fn instrument_row(&self, symbol: &Symbol) -> Result<InstrumentRow, QueryError> {
        let asked = OfInstrument { instrument_name: symbol.as_str() };
        let row: InstrumentRow = self.public(INSTRUMENT, &asked).await?;
        if row.instrument_name != symbol.as_str() {
            return Err(BadAnswer::new("answer names another instrument").into());
        }
        Ok(row)
    }

    /// Book top, mark price and funding come in one answer.
    pub(super) async fn read_quote(&self, symbol: &Symbol) -> Result<Quote, QueryError> {
        let asked = OfInstrument { instrument_name: symbol.as_str() };
        let row: Ticker = self.public(TICKER, &asked).await?;
        if row.instrument_name != symbol.as_str() {
            return Err(BadAnswer::new("answer names another instrument").into());
        }
        Ok(Quote { book: row.top()?, mark: row.mark()?, funding: row.funding()? })
    }
}

/// One instrument.
#[derive(Deserialize)]
struct InstrumentRow {
    instrument_name: String,
    kind: String,
    #[serde(default)]
    instrument_type: String,
    base_currency: String,
    quote_currency: String,
    #[serde(default)]
    settlement_currency: Option<String>,
    contract_size: Number,
    min_trade_amount: Number,
    tick_size: Number,
    #[serde(default)]
    tick_size_steps: Vec<TickStep>,
    taker_commission: Number,
    is_active: bool,
    #[serde(default)]
    state: Option<String>,
}

/// From a price on, a coarser tick.
#[derive(Deserialize)]
struct TickStep {
    tick_size: Number,
}

impl InstrumentRow {
    /// Why it is not traded now, or not by this adapter; with the exchange's own words, still to be scrubbed.
    fn untraded(&self) -> Option<String> {
        match self.kind.as_str() {
            "future" | "option" | "spot" => {}
            kind => return Some(format!("is a {kind}, which is not supported")),
        }
        match &self.state {
            Some(state) if state != "open" => Some(format!("is {state}, not open")),
            _ if !self.is_active => Some("is not active".to_owned()),
            _ => None,
        }
    }

    fn book(&self) -> Result<Book, BadAnswer> {
        let is_spot = self.kind == "spot";
        let currency = match (&self.settlement_currency, is_spot) {
            (Some(currency), false) => currency,
            (None, false) => return Err(BadAnswer::text("settlement_currency")),
            // Spot orders are kept under the currency they are paid in; their ids begin with it.
            (_, true) => &self.quote_currency,
        };
        Ok(Book { currency: currency.clone(), is_spot })
    }

    /// The rules as the engine counts.
    ///
    /// An inverse contract is counted in US dollars, so one unit is worth one.
    ///
    /// An option is an underlying of its own, named as the option. Its delta against the coin moves with the market and
    /// is nothing the engine could hold to a plan; counted as coins it would be netted with futures it does not offset,
    /// and its price in coins would be taken for the price of the coin (K7). So contracts of one option are balanced
    /// against contracts of the same option only.
    fn instrument(&self, symbol: &Symbol) -> Result<Instrument, BadAnswer> {
        let asset = |text: &str, field| Asset::new(text).map_err(|_| BadAnswer::text(field));
        let kind = self.instrument_kind()?;
        let settle = match (&self.settlement_currency, kind) {
            (Some(currency), _) => currency,
            (None, InstrumentKind::Spot) => &self.quote_currency,
            (None, _) => return Err(BadAnswer::text("settlement_currency")),
        };
        let smallest = self.min_trade_amount.quantity("min_trade_amount")?;
        let lot = self.lot(smallest)?;
        Ok(Instrument {
            symbol: symbol.clone(),
            kind,
            base: match self.kind.as_str() {
                "option" => asset(&self.instrument_name, "instrument_name")?,
                _ => asset(&self.base_currency, "base_currency")?,
            },
            quote: asset(&self.quote_currency, "quote_currency")?,
            settle: asset(settle, "settlement_currency")?,
            tick: self.tick()?,
            lot,
            quantity_min: if smallest > lot { smallest } else { lot },
            // Largest orders and smallest values are not documented per instrument.
            quantity_max: Qty::ZERO,
            market_quantity_max: Qty::ZERO,
            notional_min: Qty::ZERO,
            contract_size: Qty::new(Decimal::ONE)
                .map_err(|_| BadAnswer::number("contract size"))?,
            taker_fee: self.taker_commission.amount("taker_commission")?,
        })
    }

    fn instrument_kind(&self) -> Result<InstrumentKind, BadAnswer> {
        match (self.kind.as_str(), self.instrument_type.as_str()) {
            ("spot", _) => Ok(InstrumentKind::Spot),
            ("future", "reversed") => Ok(InstrumentKind::Inverse),
            ("future", "linear") | ("option", "linear" | "reversed") => Ok(InstrumentKind::Linear),
            _ => Err(BadAnswer::text("instrument_type")),
        }
    }

    /// A future's amount is a whole number of contracts. For options and spot the contract says nothing about steps, so
    /// the smallest order is taken as the step, of which every multiple is allowed.
    fn lot(&self, smallest: Qty) -> Result<Qty, BadAnswer> {
        let lot = match self.kind.as_str() {
            "future" => self.contract_size.quantity("contract_size")?,
            _ => smallest,
        };
        let whole = !lot.is_zero() && smallest.round_down(lot) == smallest;
        if whole { Ok(lot) } else { Err(BadAnswer::number("min_trade_amount")) }
    }

    /// The coarsest tick of all price ranges: a multiple of it is allowed at every price.
    fn tick(&self) -> Result<Price, BadAnswer> {
        let mut ticks = vec![self.tick_size.price("tick_size")?];
        for step in &self.tick_size_steps {
            ticks.push(step.tick_size.price("tick_size_steps")?);
        }
        let coarsest = ticks.iter().copied().max().ok_or_else(|| BadAnswer::number("tick_size"))?;
        if ticks.iter().all(|tick| coarsest.round_down(*tick) == coarsest) {
            Ok(coarsest)
        } else {
            Err(BadAnswer::number("tick_size_steps"))
        }
    }
}

/// Best prices, mark price and funding.
#[derive(Deserialize)]
struct Ticker {
    instrument_name: String,
    #[serde(default)]
    best_bid_price: Option<Number>,
    #[serde(default)]
    best_bid_amount: Option<Number>,
    #[serde(default)]
    best_ask_price: Option<Number>,
    #[serde(default)]
    best_ask_amount: Option<Number>,
    mark_price: Number,
    #[serde(default)]
    current_funding: Option<Number>,
    timestamp: u64,
}

impl Ticker {
    fn top(&self) -> Result<BookTop, BadAnswer> {
        Ok(BookTop {
            bid: side(self.best_bid_price.as_ref(), self.best_bid_amount.as_ref(), "bid")?,
            ask: side(self.best_ask_price.as_ref(), self.best_ask_amount.as_ref(), "ask")?,
        })
    }

    fn mark(&self) -> Result<Price, BadAnswer> {
        self.mark_price.price("mark_price")
    }

    /// Funding flows all the time and is stated for eight hours; the period that "ends next" is therefore the eight
    /// hours from now. Only perpetuals have any.
    fn funding(&self) -> Result<Option<Funding>, BadAnswer> {
        let Some(rate) = &self.current_funding else {
            return Ok(None);
        };
        let now: VenueMillis = number::time(self.timestamp, "timestamp")?;
        let rate: Amount = rate.amount("current_funding")?;
        Ok(Some(Funding { rate, next_at: now.plus_ms(FUNDING_PERIOD_MS) }))
    }
}

/// One side of a book: an empty one is null or zero.
fn side(
    price: Option<&Number>,
    amount: Option<&Number>,
    field: &'static str,
) -> Result<Option<(Price, Qty)>, BadAnswer> {
    let (Some(price), Some(amount)) = (price, amount) else {
        return Ok(None);
    };
    if price.amount(field)?.is_zero() || amount.amount(field)?.is_zero() {
        return Ok(None);
    }
    Ok(Some((price.price(field)?, amount.quantity(field)?)))
}
