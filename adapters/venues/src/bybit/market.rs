//! Instruments and market data.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};

use equipoise_core::{Amount, Asset, Instrument, Symbol};
use equipoise_port::{QueryError, Quote};

use super::decode::{FeeRate, InstrumentInfo, Page, Ticker};
use super::{BybitLinear, linear, listed, refused};
use crate::number;

/// How many settlement assets are remembered.
const SETTLE_COUNT_MAX: usize = 256;

impl BybitLinear {
    /// Rules of one instrument.
    pub(super) async fn read_instrument(&self, symbol: &Symbol) -> Result<Instrument, QueryError> {
        if let Some(instrument) = self.rules.fresh(symbol) {
            return Ok(instrument);
        }
        let row = self.instrument_row(symbol).await?;
        if row.status != "Trading" {
            let status: String = row.status.chars().take(32).collect();
            let message = format!("{symbol} is {status}, not Trading");
            return Err(refused("110074", &message));
        }
        let (taker_fee, known) = self.taker_fee(symbol).await?;
        let instrument = row.instrument(symbol, taker_fee)?;
        if known {
            self.rules.keep(&instrument);
        }
        Ok(instrument)
    }

    async fn instrument_row(&self, symbol: &Symbol) -> Result<InstrumentInfo, QueryError> {
        let page: Page<InstrumentInfo> = self.public(linear::INSTRUMENTS, listed(symbol)).await?;
        let mut rows = page.list.into_iter();
        rows.find(|row| row.symbol == symbol.as_str())
            .ok_or_else(|| refused("10001", &format!("{symbol} is not listed")))
    }

    /// What fees without a named currency are paid in.
    pub(super) async fn settle_asset(&self, symbol: &Symbol) -> Result<Asset, QueryError> {
        if let Some(asset) = self.known_settle().get(symbol) {
            return Ok(asset.clone());
        }
        let asset = self.instrument_row(symbol).await?.settle()?;
        let mut known = self.known_settle();
        if known.len() < SETTLE_COUNT_MAX {
            known.insert(symbol.clone(), asset.clone());
        }
        Ok(asset)
    }

    fn known_settle(&self) -> MutexGuard<'_, BTreeMap<Symbol, Asset>> {
        self.settle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The account's taker rate, and whether it could be read.
    ///
    /// On a derivative the rate prices a plan but never sizes an order, so where only this one answer is missing the
    /// undiscounted rate stands in, and is not remembered. Wrong credentials stay an error.
    async fn taker_fee(&self, symbol: &Symbol) -> Result<(Amount, bool), QueryError> {
        let answer: Result<Page<FeeRate>, _> = self.get(linear::FEE_RATE, &listed(symbol)).await;
        let error = match answer {
            Ok(page) => {
                let own = page.list.iter().find(|row| row.symbol == symbol.as_str());
                match own {
                    Some(row) => {
                        let rate = number::amount(&row.taker_fee_rate, "takerFeeRate")?;
                        return Ok((rate, true));
                    }
                    None => QueryError::Unavailable("fee rate is not listed".to_owned()),
                }
            }
            Err(failure) => QueryError::from(failure),
        };
        if matches!(error, QueryError::Credentials { .. }) {
            return Err(error);
        }
        tracing::warn!(%symbol, %error, "taker fee not read, the standard rate is used");
        Ok((number::amount(linear::TAKER_FEE_STANDARD, "taker fee")?, false))
    }

    /// Book top, mark price and funding come in one answer.
    pub(super) async fn read_quote(&self, symbol: &Symbol) -> Result<Quote, QueryError> {
        let page: Page<Ticker> = self.public(linear::TICKERS, listed(symbol)).await?;
        let own = page.list.iter().find(|row| row.symbol == symbol.as_str());
        let Some(row) = own else {
            return Err(refused("10001", &format!("{symbol} is not listed")));
        };
        Ok(Quote { book: row.top()?, mark: row.mark()?, funding: row.funding()? })
    }
}
