//! Instruments and market data.

use bytes::Bytes;
use equipoise_core::{Amount, Instrument, Symbol};
use equipoise_port::{QueryError, Quote};
use futures::try_join;
use serde::de::DeserializeOwned;

use super::holdings::SpotAccount;
use super::instruments::{ExchangeInfo, RateLimit, SymbolInfo};
use super::prices::{BookTicker, CommissionRate, PremiumIndex, SpotCommission};
use super::product::{Kind, Page};
use super::{Binance, coinm, refused, usdm};
use crate::answer::{BadAnswer, read};
use crate::number;
use crate::query::QueryString;

impl Binance {
    /// Rules of one instrument; futures list all of them at once.
    pub(super) async fn read_instrument(&self, symbol: &Symbol) -> Result<Instrument, QueryError> {
        if let Some(instrument) = self.rules.fresh(symbol) {
            return Ok(instrument);
        }
        let query = match self.product.kind {
            Kind::Spot => QueryString::new().with("symbol", symbol),
            Kind::Usdm | Kind::Coinm => QueryString::new(),
        };
        let body = self.public(self.product.pages.instruments, query).await?;
        let info: ExchangeInfo = read(&body)?;
        self.take_limits(&info.rate_limits);
        let listed = info.symbols.iter().find(|row| row.symbol == symbol.as_str());
        let Some(row) = listed else {
            return Err(refused("-1121", format!("{symbol} is not listed")));
        };
        if let Some(obstacle) = row.obstacle() {
            let message = format!("{symbol} {obstacle}");
            return Err(refused("-4140", self.credentials.scrub(&message)));
        }
        let (taker_fee, known) = self.taker_fee(symbol, row).await?;
        let instrument = row.instrument(self.product.kind, symbol, taker_fee)?;
        if known {
            self.rules.keep(&instrument);
        }
        Ok(instrument)
    }

    /// The account's taker rate, and whether it could be read.
    ///
    /// On a derivative the rate prices a plan but never sizes an order, so where only this one answer is missing the
    /// undiscounted rate stands in, and is not remembered. On spot it sizes orders, so nothing stands in for it.
    /// Wrong credentials stay an error.
    async fn taker_fee(
        &self,
        symbol: &Symbol,
        row: &SymbolInfo,
    ) -> Result<(Amount, bool), QueryError> {
        let error = match self.own_taker_fee(symbol, row).await {
            Ok(rate) => return Ok((rate, true)),
            Err(error) => error,
        };
        match (self.product.taker_fee_standard, error) {
            (_, error @ QueryError::Credentials { .. }) | (None, error) => Err(error),
            (Some(standard), error) => {
                tracing::warn!(%symbol, %error, "taker fee not read, the standard rate is used");
                Ok((number::amount(standard, "taker fee")?, false))
            }
        }
    }

    async fn own_taker_fee(&self, symbol: &Symbol, row: &SymbolInfo) -> Result<Amount, QueryError> {
        let query = QueryString::new().with("symbol", symbol);
        let page = self.get(self.product.pages.fee, query).await;
        match (self.product.kind, page) {
            (Kind::Spot, Ok(body)) => {
                let rates: SpotCommission = read(&body)?;
                Ok(rates.taker_in_base(&row.base_asset)?)
            }
            // Compatible hosts leave the page out; the account shows its standard rate too.
            (Kind::Spot, Err(failure)) if failure.is_missing_page() => {
                let account: SpotAccount = self.spot_account().await?;
                let rates = account.commission_rates.as_ref();
                let taker = rates.map_or("", |rates| rates.taker.as_str());
                Ok(number::amount(taker, "commissionRates.taker")?)
            }
            (_, Ok(body)) => {
                let rates: CommissionRate = read(&body)?;
                Ok(number::amount(&rates.taker_commission_rate, "takerCommissionRate")?)
            }
            (_, Err(failure)) => Err(failure.into()),
        }
    }

    /// The exchange's own figures take the place of the documented ones.
    fn take_limits(&self, stated: &[RateLimit]) {
        for row in stated {
            let known = self.product.stated.iter().find(|known| {
                let named = (known.kind, known.interval, known.count);
                named == (row.rate_limit_type.as_str(), row.interval.as_str(), row.interval_num)
            });
            if let Some(known) = known {
                self.budget.resize(known.limit, row.limit);
            }
        }
    }

    /// Book top, mark price and funding, read at the same time. Spot has a book only.
    pub(super) async fn read_quote(&self, symbol: &Symbol) -> Result<Quote, QueryError> {
        match self.product.kind {
            Kind::Spot => Ok(self.book(symbol).await?.spot_quote()?),
            Kind::Usdm => self.futures_quote(symbol, usdm::PREMIUM).await,
            Kind::Coinm => self.futures_quote(symbol, coinm::PREMIUM).await,
        }
    }

    async fn futures_quote(&self, symbol: &Symbol, premium: Page) -> Result<Quote, QueryError> {
        let query = QueryString::new().with("symbol", symbol);
        let premium = async { Ok(self.public(premium, query).await?) };
        let (book, premium) = try_join!(self.book(symbol), premium)?;
        let premium: PremiumIndex =
            self.own_row(&premium, symbol, |row: &PremiumIndex| &row.symbol)?;
        Ok(Quote { book: book.top()?, mark: premium.mark()?, funding: premium.funding()? })
    }

    async fn book(&self, symbol: &Symbol) -> Result<BookTicker, QueryError> {
        let query = QueryString::new().with("symbol", symbol);
        let body = self.public(self.product.pages.book, query).await?;
        Ok(self.own_row(&body, symbol, |row: &BookTicker| &row.symbol)?)
    }

    /// The row of one instrument. COIN-M answers with a list even where one is asked for.
    fn own_row<T: DeserializeOwned>(
        &self,
        body: &Bytes,
        symbol: &Symbol,
        symbol_of: fn(&T) -> &String,
    ) -> Result<T, BadAnswer> {
        let rows: Vec<T> = match self.product.kind {
            Kind::Coinm => read(body)?,
            Kind::Usdm | Kind::Spot => vec![read(body)?],
        };
        let mut rows = rows.into_iter();
        rows.find(|row| symbol_of(row) == symbol.as_str())
            .ok_or_else(|| BadAnswer::new("answer is about another instrument"))
    }
}
