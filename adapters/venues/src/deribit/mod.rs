//! Deribit over its JSON-RPC interface: perpetuals, futures and options, inverse and linear, and spot.
//!
//! What the exchange documents stands in [`product`] and [`codes`]; the token in [`session`].

mod codes;
mod decode;
#[cfg(test)]
mod documented;
mod encode;
mod errors;
mod market;
mod number;
mod orders;
pub(crate) mod product;
mod rpc;
mod session;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use equipoise_core::{
    AccountId, Instrument, OrderRequest, OrderSnapshot, PositionMode, Symbol, VenueMillis,
    VenueTraits,
};
use equipoise_port::{
    Account, Balance, CancelAnswer, OrderRef, PlaceError, Position, Purpose, QueryError, Quote,
    Venue,
};
use http::{Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::answer::{BadAnswer, read};
use crate::budget::{Budget, Cost};
use crate::credentials::Credentials;
use crate::outcome::{Coded, Failure, Meaning};
use crate::registry::{Adapter, Opening};
use crate::rules::RulesCache;
use crate::venue_clock::VenueClock;
use crate::wire::Wire;
use market::Book;
use product::Method;
use session::{Granted, Session, Token};

/// What configuration may name.
pub(crate) const ADAPTERS: &[Adapter] = &[Adapter {
    name: product::NAME,
    production: product::PRODUCTION,
    test: product::TEST,
    traits: product::traits,
    open: |opening| Ok(Arc::new(Deribit::open(opening))),
}];

/// One account on Deribit.
pub(crate) struct Deribit {
    traits: VenueTraits,
    credentials: Credentials,
    session: Session,
    venue_clock: VenueClock,
    wire: Wire,
    budget: Budget,
    rules: RulesCache,
    /// Currencies already looked up; they never change.
    books: Mutex<BTreeMap<Symbol, Book>>,
}

impl Deribit {
    pub(crate) fn open(opening: Opening) -> Self {
        let clock = opening.clock;
        Self {
            traits: opening.traits,
            credentials: opening.settings.credentials,
            session: Session::new(clock.clone()),
            venue_clock: VenueClock::new(clock.clone()),
            wire: Wire::new(opening.transport, opening.base),
            budget: Budget::new(
                clock.clone(),
                &opening.place,
                &product::LIMITS,
                product::OF_ACCOUNT,
            ),
            rules: RulesCache::new(clock),
            books: Mutex::default(),
        }
    }

    /// Calls a public method.
    async fn public<P: Serialize + Sync, T: DeserializeOwned>(
        &self,
        method: Method,
        params: &P,
    ) -> Result<T, Failure> {
        self.budget.take(&costs(method), Purpose::Query).await?;
        let response = self.wire.ask(rpc::call(method, params, None)?).await?;
        self.heed(&response, None)?;
        result(&response)
    }

    /// Asks a private method.
    async fn private<P: Serialize + Sync, T: DeserializeOwned>(
        &self,
        method: Method,
        params: &P,
    ) -> Result<T, Failure> {
        self.call(method, params, Purpose::Query).await
    }

    async fn call<P: Serialize + Sync, T: DeserializeOwned>(
        &self,
        method: Method,
        params: &P,
        purpose: Purpose,
    ) -> Result<T, Failure> {
        let token = self.token().await?;
        self.budget.take(&costs(method), purpose).await?;
        let response = self.wire.ask(rpc::call(method, params, Some(&token))?).await?;
        self.heed(&response, Some(&token))?;
        result(&response)
    }

    async fn token(&self) -> Result<Token, QueryError> {
        let ask = |grant: Box<RawValue>| async move {
            self.public::<_, Granted>(product::AUTH, &grant).await
        };
        self.session.token(&self.credentials, ask).await
    }

    async fn read_time(&self) -> Result<VenueMillis, QueryError> {
        let ms: u64 = self.public(product::TIME, &rpc::Nothing {}).await?;
        Ok(crate::number::time(ms, "result")?)
    }

    async fn venue_now(&self) -> Result<VenueMillis, QueryError> {
        self.venue_clock.now(|| self.read_time()).await
    }

    /// Draws the conclusions of an answer for later requests, then says what it is.
    fn heed(&self, response: &Response<Bytes>, token: Option<&Token>) -> Result<(), Failure> {
        let answer = errors::interpret(response, &self.credentials, token);
        match answer {
            Ok(()) if token.is_some() => self.session.accepted(),
            Err(Failure::Coded(coded)) => return Err(Failure::Coded(self.learn(coded, token))),
            Err(_) if response.status() == StatusCode::TOO_MANY_REQUESTS => {
                self.budget.shut_for(product::CONNECTIONS_MS, "429");
            }
            _ => {}
        }
        answer
    }

    fn learn(&self, coded: Coded, token: Option<&Token>) -> Coded {
        match (coded.meaning, token) {
            (Meaning::Clock, _) => self.venue_clock.doubt(),
            // The session ends with the credits: what comes next logs in again, once they are back.
            (Meaning::RateLimited, token) if coded.code == errors::TOO_MANY_REQUESTS => {
                self.budget.shut_for(coded.retry_after_ms, &coded.code);
                if let Some(token) = token {
                    self.session.end(token);
                }
            }
            (Meaning::RateLimited, _) => self.budget.hold(product::OTHER, coded.retry_after_ms),
            (Meaning::OrderRate, _) => self.budget.hold(product::MATCHING, coded.retry_after_ms),
            // A token may end before its time; the next one is another matter.
            (Meaning::Credentials, Some(token)) if errors::is_about_token(&coded) => {
                self.session.forget(token);
                return Coded { meaning: Meaning::Transient, ..coded };
            }
            _ => {}
        }
        coded
    }

    /// Takes the account's own rates in place of the lowest tier's.
    fn adopt(&self, setup: &decode::Setup) {
        if let Some((rate, burst)) = setup.matching_limit() {
            let refill = rate.saturating_mul(product::MATCHING_SECONDS);
            self.budget.resize(product::MATCHING, refill.min(burst));
        }
        if setup.self_trading_reject_mode.as_deref() == Some("cancel_maker") {
            tracing::warn!(
                "the account cancels resting orders on self-trades: other strategies' orders may go"
            );
        }
    }

    fn books(&self) -> MutexGuard<'_, BTreeMap<Symbol, Book>> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn costs(method: Method) -> [Cost; 1] {
    [Cost { limit: method.limit, tokens: 1 }]
}

fn result<T: DeserializeOwned>(response: &Response<Bytes>) -> Result<T, Failure> {
    let envelope: decode::Envelope<T> = read(response.body())?;
    Ok(envelope.result)
}

#[async_trait]
impl Venue for Deribit {
    fn traits(&self) -> &VenueTraits {
        &self.traits
    }

    fn account_id(&self) -> Option<AccountId> {
        Some(self.wire.account_id(&self.credentials))
    }

    async fn server_time(&self) -> Result<VenueMillis, QueryError> {
        self.read_time().await
    }

    /// The exchange keeps one net position per instrument. How self-trades end is an account setting, which is read and
    /// respected.
    async fn account(&self, _symbols: &[Symbol]) -> Result<Account, QueryError> {
        let asked = encode::Summary { currency: "BTC", extended: true };
        let setup: decode::Setup = self.private(product::SUMMARY, &asked).await?;
        self.adopt(&setup);
        let can_trade = self.token().await?.can_trade();
        let (position_mode, margin_mode) = (PositionMode::OneWay, setup.margin_mode()?);
        Ok(Account { position_mode, can_trade, margin_mode })
    }

    async fn may_withdraw(&self) -> Result<Option<bool>, QueryError> {
        Ok(Some(self.token().await?.may_withdraw()))
    }

    async fn instrument(&self, symbol: &Symbol) -> Result<Instrument, QueryError> {
        self.read_instrument(symbol).await
    }

    async fn quote(&self, symbol: &Symbol) -> Result<Quote, QueryError> {
        self.read_quote(symbol).await
    }

    /// Spot instruments have none, and a balance is no position: it says nothing about what an order did.
    async fn position(&self, symbol: &Symbol) -> Result<Position, QueryError> {
        if self.book(symbol).await?.is_spot {
            return Err(refused("position", "a spot instrument has balances, not positions"));
        }
        let asked = encode::OfInstrument { instrument_name: symbol.as_str() };
        let row: Option<decode::PositionRow> = self.private(product::POSITION, &asked).await?;
        let Some(row) = row else {
            return Ok(decode::flat());
        };
        Ok(row.position(symbol)?)
    }

    async fn balances(&self) -> Result<Vec<Balance>, QueryError> {
        let all: decode::Summaries = self.private(product::SUMMARIES, &rpc::Nothing {}).await?;
        let rows = all.summaries.iter();
        let balances: Result<Vec<_>, BadAnswer> =
            rows.filter_map(|row| row.balance().transpose()).collect();
        Ok(balances?)
    }

    async fn reserve(&self, purpose: Purpose) -> Result<(), QueryError> {
        match purpose {
            Purpose::Entry | Purpose::Unwind => {
                // A token that must be replaced is replaced now, not between the stamp and the order.
                self.token().await?;
                self.budget.take(&costs(product::BUY), purpose).await
            }
            // Queries and cancels take their own tokens when they are made.
            Purpose::Cancel => self.budget.room(&costs(product::CANCEL), purpose).await,
            Purpose::Query => self.budget.room(&costs(product::ORDER), purpose).await,
        }
    }

    async fn place(&self, order: &OrderRequest) -> Result<OrderSnapshot, PlaceError> {
        if let Some(refusal) = self.budget.shut() {
            return Err(PlaceError::Refused(refusal));
        }
        let unsent = |bad: BadAnswer| PlaceError::NotSent(bad.to_string());
        let params = encode::order(order).map_err(unsent)?;
        let token = self.token().await.map_err(|error| PlaceError::NotSent(error.to_string()))?;
        let method = encode::method(order.side);
        let call = rpc::call(method, &params, Some(&token)).map_err(unsent)?;
        let response = self.wire.place(call, order).await?;
        self.heed(&response, Some(&token))?;
        let placed: decode::Placed = result(&response)?;
        Ok(placed.snapshot(order)?)
    }

    async fn find(&self, order: &OrderRef) -> Result<Vec<OrderSnapshot>, QueryError> {
        self.find_order(order).await
    }

    async fn orders_since(
        &self,
        symbol: &Symbol,
        since: VenueMillis,
    ) -> Result<Vec<OrderSnapshot>, QueryError> {
        self.list_orders(symbol, since).await
    }

    async fn cancel(&self, order: &OrderRef) -> Result<CancelAnswer, QueryError> {
        let Some(id) = &order.venue_order else {
            let book = self.book(&order.symbol).await?;
            let asked =
                encode::OfLabel { currency: &book.currency, label: order.client_id.as_str() };
            let count: u64 = self.call(product::CANCEL_BY_LABEL, &asked, Purpose::Cancel).await?;
            return Ok(match count {
                0 => CancelAnswer::NotOpen,
                _ => CancelAnswer::Acknowledged,
            });
        };
        let asked = encode::OfOrder { order_id: id.as_str() };
        match self.call::<_, decode::Order>(product::CANCEL, &asked, Purpose::Cancel).await {
            Ok(_) => Ok(CancelAnswer::Acknowledged),
            Err(failure) if failure.is_no_such_order() => Ok(CancelAnswer::NotOpen),
            Err(failure) => Err(failure.into()),
        }
    }
}

fn refused(code: &str, message: &str) -> QueryError {
    QueryError::Refused { code: code.to_owned(), message: message.to_owned() }
}

fn unavailable(what: &str) -> QueryError {
    QueryError::Unavailable(what.to_owned())
}
