//! Instruments and market data.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};

use equipoise_core::{Amount, Instrument, Symbol};
use equipoise_port::{QueryError, Quote};

use super::decode::Page;
use super::instruments::{Coins, FeeRate, InstrumentInfo, Ticker};
use super::product::{FEE_RATE, INSTRUMENTS, TICKERS};
use super::{Bybit, refused};
use crate::number;

/// Of how many instruments the coins are remembered.
const COINS_COUNT_MAX: usize = 256;

impl Bybit {
    /// Rules of one instrument.
    pub(super) async fn read_instrument(&self, symbol: &Symbol) -> Result<Instrument, QueryError> {
        if let Some(instrument) = self.rules.fresh(symbol) {
            return Ok(instrument);
        }
        let row = self.instrument_row(symbol).await?;
        if row.status != "Trading" {
            let message = format!("{symbol} is {}, not Trading", row.status);
            return Err(refused("110074", &self.credentials.scrub(&message)));
        }
        let (taker_fee, known) = self.taker_fee(symbol).await?;
        let instrument = row.instrument(self.product.kind, symbol, taker_fee)?;
        if known {
            self.rules.keep(&instrument);
        }
        Ok(instrument)
    }

    async fn instrument_row(&self, symbol: &Symbol) -> Result<InstrumentInfo, QueryError> {
        let page: Page<InstrumentInfo> = self.public(INSTRUMENTS, self.listed(symbol)).await?;
        let mut rows = page.list.into_iter();
        rows.find(|row| row.symbol == symbol.as_str())
            .ok_or_else(|| refused("10001", &format!("{symbol} is not listed")))
    }

    /// What the instrument is made of; it never changes.
    pub(super) async fn coins_of(&self, symbol: &Symbol) -> Result<Coins, QueryError> {
        if let Some(coins) = self.known_coins().get(symbol) {
            return Ok(coins.clone());
        }
        let coins = self.instrument_row(symbol).await?.coins(self.product.kind)?;
        let mut known = self.known_coins();
        if known.len() < COINS_COUNT_MAX {
            known.insert(symbol.clone(), coins.clone());
        }
        Ok(coins)
    }

    fn known_coins(&self) -> MutexGuard<'_, BTreeMap<Symbol, Coins>> {
        self.coins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The account's taker rate, and whether it could be read.
    ///
    /// On a derivative the rate prices a plan but never sizes an order, so where only this one answer is missing the
    /// undiscounted rate stands in, and is not remembered. On spot it sizes orders, so nothing stands in for it.
    /// Wrong credentials stay an error.
    async fn taker_fee(&self, symbol: &Symbol) -> Result<(Amount, bool), QueryError> {
        let answer: Result<Page<FeeRate>, _> = self.get(FEE_RATE, &self.listed(symbol)).await;
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
        match (self.product.taker_fee_standard, error) {
            (_, error @ QueryError::Credentials { .. }) | (None, error) => Err(error),
            (Some(standard), error) => {
                tracing::warn!(%symbol, %error, "taker fee not read, the standard rate is used");
                Ok((number::amount(standard, "taker fee")?, false))
            }
        }
    }

    /// Book top, mark price and funding come in one answer.
    pub(super) async fn read_quote(&self, symbol: &Symbol) -> Result<Quote, QueryError> {
        let page: Page<Ticker> = self.public(TICKERS, self.listed(symbol)).await?;
        let own = page.list.iter().find(|row| row.symbol == symbol.as_str());
        let Some(row) = own else {
            return Err(refused("10001", &format!("{symbol} is not listed")));
        };
        Ok(row.quote(self.product.kind)?)
    }
}
