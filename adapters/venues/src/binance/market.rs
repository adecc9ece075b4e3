//! Instruments and market data.

use equipoise_core::{Amount, Instrument, Symbol};
use equipoise_port::{QueryError, Quote};
use futures::try_join;

use super::decode::{BookTicker, CommissionRate, ExchangeInfo, PremiumIndex, RateLimit};
use super::{BinanceUsdm, usdm};
use crate::answer::read;
use crate::number;
use crate::query::QueryString;

impl BinanceUsdm {
    /// Rules of one instrument; the exchange lists all of them at once.
    pub(super) async fn read_instrument(&self, symbol: &Symbol) -> Result<Instrument, QueryError> {
        if let Some(instrument) = self.rules.fresh(symbol) {
            return Ok(instrument);
        }
        let body = self.public("/fapi/v1/exchangeInfo", QueryString::new(), 1).await?;
        let info: ExchangeInfo = read(&body)?;
        self.take_limits(&info.rate_limits);
        let listed = info.symbols.iter().find(|row| row.symbol == symbol.as_str());
        let Some(row) = listed else {
            return Err(refused("-1121", format!("{symbol} is not listed")));
        };
        if row.status != "TRADING" {
            let status: String = row.status.chars().take(32).collect();
            return Err(refused("-4140", format!("{symbol} is {status}, not TRADING")));
        }
        let (taker_fee, known) = self.taker_fee(symbol).await?;
        let instrument = row.instrument(symbol, taker_fee)?;
        if known {
            self.rules.keep(&instrument);
        }
        Ok(instrument)
    }

    /// The account's taker rate, and whether it could be read.
    ///
    /// On a derivative the rate prices a plan but never sizes an order, so where only this one answer is missing the
    /// undiscounted rate stands in, and is not remembered. Wrong credentials stay an error.
    async fn taker_fee(&self, symbol: &Symbol) -> Result<(Amount, bool), QueryError> {
        let query = QueryString::new().with("symbol", symbol);
        let standard = || number::amount(usdm::TAKER_FEE_STANDARD, "taker fee");
        match self.get("/fapi/v1/commissionRate", query, 20).await {
            Ok(body) => {
                let rates: CommissionRate = read(&body)?;
                let rate = number::amount(&rates.taker_commission_rate, "takerCommissionRate")?;
                Ok((rate, true))
            }
            Err(failure) => match QueryError::from(failure) {
                error @ QueryError::Credentials { .. } => Err(error),
                error => {
                    tracing::warn!(%symbol, %error, "taker fee not read, the standard rate is used");
                    Ok((standard()?, false))
                }
            },
        }
    }

    /// The exchange's own figures take the place of the documented ones.
    fn take_limits(&self, stated: &[RateLimit]) {
        for row in stated {
            let kind = row.rate_limit_type.as_str();
            let limit = match (kind, row.interval.as_str(), row.interval_num) {
                ("REQUEST_WEIGHT", "MINUTE", 1) => usdm::WEIGHT,
                ("ORDERS", "SECOND", 10) => usdm::ORDERS_10S,
                ("ORDERS", "MINUTE", 1) => usdm::ORDERS_1M,
                _ => continue,
            };
            self.budget.resize(limit, row.limit);
        }
    }

    /// Book top, mark price and funding, read at the same time.
    pub(super) async fn read_quote(&self, symbol: &Symbol) -> Result<Quote, QueryError> {
        let query = || QueryString::new().with("symbol", symbol);
        let (book, premium) = try_join!(
            self.public("/fapi/v1/ticker/bookTicker", query(), 2),
            self.public("/fapi/v1/premiumIndex", query(), 1),
        )?;
        let book: BookTicker = read(&book)?;
        let premium: PremiumIndex = read(&premium)?;
        Ok(Quote { book: book.top()?, mark: premium.mark()?, funding: premium.funding()? })
    }
}

fn refused(code: &str, message: String) -> QueryError {
    QueryError::Refused { code: code.to_owned(), message }
}
