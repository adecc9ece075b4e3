//! Reading instruments and market data.

use equipoise_core::{Amount, Instrument, Symbol};
use equipoise_port::{QueryError, Quote};
use futures::try_join;

use super::endpoints::{FEE, FUNDING, INSTRUMENTS, MARK, TICKER};
use super::instruments::{FeeRates, FundingRate, InstrumentRow, Mark, Ticker};
use super::product::Product;
use super::{Okx, refused};
use crate::answer::BadAnswer;
use crate::number;
use crate::outcome::Failure;
use crate::query::QueryString;

impl Okx {
    /// Rules of one instrument.
    pub(super) async fn read_instrument(&self, symbol: &Symbol) -> Result<Instrument, QueryError> {
        if let Some(instrument) = self.rules.fresh(symbol) {
            return Ok(instrument);
        }
        let query = self.kind().with("instId", symbol);
        let rows: Vec<InstrumentRow> = self.public(INSTRUMENTS, &query).await?;
        let row = own(rows, symbol, |row| &row.inst_id)?;
        if row.state != "live" {
            let code = if row.state == "suspend" { "51022" } else { "51021" };
            let message = format!("{symbol} is {}, not live", row.state);
            return Err(refused(code, &self.credentials.scrub(&message)));
        }
        let (taker_fee, known) = self.taker_fee(symbol, &row).await?;
        let instrument = row.instrument(self.product, symbol, taker_fee)?;
        if known {
            self.rules.keep(&instrument);
        }
        Ok(instrument)
    }

    /// The account's taker rate, and whether it could be read.
    ///
    /// On a swap the rate prices a plan but never sizes an order, so where only this one answer is missing the
    /// undiscounted rate stands in, and is not remembered. On spot it grosses up buys, so there it stands in only where
    /// the host has no such page. Wrong credentials stay an error.
    async fn taker_fee(
        &self,
        symbol: &Symbol,
        row: &InstrumentRow,
    ) -> Result<(Amount, bool), QueryError> {
        let query = match self.product {
            Product::Swap => self.kind().with("instFamily", &row.inst_family),
            Product::Spot => self.kind().with("instId", symbol),
        };
        let failure = match self.get::<FeeRates>(FEE, &query).await {
            Ok(rates) => match rates.first().map(|rates| rates.taker(row)) {
                Some(Ok(rate)) => return Ok((rate, true)),
                Some(Err(bad)) => Failure::from(bad),
                None => Failure::from(BadAnswer::new("fee rate is not listed")),
            },
            Err(failure) => failure,
        };
        let sizes_orders = self.product == Product::Spot;
        let has_no_page = failure.is_missing_page();
        let error = QueryError::from(failure);
        let stays = matches!(error, QueryError::Credentials { .. });
        if stays || (sizes_orders && !has_no_page) {
            return Err(error);
        }
        tracing::warn!(%symbol, %error, "taker fee not read, the standard rate is used");
        Ok((number::amount(self.product.taker_fee_standard(), "taker fee")?, false))
    }

    /// Book top, and on swaps mark price and funding, read at the same time.
    pub(super) async fn read_quote(&self, symbol: &Symbol) -> Result<Quote, QueryError> {
        let query = QueryString::new().with("instId", symbol);
        match self.product {
            Product::Spot => {
                let ticker = own(self.public(TICKER, &query).await?, symbol, ticker_id)?;
                Ok(Quote { book: ticker.top()?, mark: ticker.middle()?, funding: None })
            }
            Product::Swap => {
                let of_kind = self.kind().with("instId", symbol);
                let (tickers, marks, rates) = try_join!(
                    self.public(TICKER, &query),
                    self.public(MARK, &of_kind),
                    self.public(FUNDING, &query),
                )?;
                let mark: Mark = own(marks, symbol, |row: &Mark| &row.inst_id)?;
                let rate = own(rates, symbol, |row: &FundingRate| &row.inst_id)?;
                Ok(Quote {
                    book: own(tickers, symbol, ticker_id)?.top()?,
                    mark: mark.price()?,
                    funding: rate.funding()?,
                })
            }
        }
    }
}

fn ticker_id(row: &Ticker) -> &String {
    &row.inst_id
}

/// The row about one instrument.
fn own<T>(rows: Vec<T>, symbol: &Symbol, id: impl Fn(&T) -> &String) -> Result<T, QueryError> {
    let found = rows.into_iter().find(|row| id(row) == symbol.as_str());
    found.ok_or_else(|| refused("51001", &format!("{symbol} is not listed")))
}
