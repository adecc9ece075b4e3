//! Binance over REST: USDⓈ-M and COIN-M futures, and spot.
//!
//! What a product documents stands in [`usdm`], [`coinm`] and [`spot`], in the form of [`product`]; everything else is
//! shared.

mod account;
mod codes;
mod coinm;
mod decode;
#[cfg(test)]
mod documented;
mod encode;
mod errors;
mod holdings;
mod instruments;
mod market;
mod orders;
mod prices;
mod product;
mod rights;
mod sign;
mod spot;
mod usdm;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use bytes::Bytes;
use equipoise_core::{
    AccountId, Instrument, OrderRequest, OrderSnapshot, Symbol, VenueMillis, VenueTraits,
};
use equipoise_port::{
    Account, Balance, CancelAnswer, Clock, OrderRef, PlaceError, Position, Purpose, QueryError,
    Quote, Venue,
};
use http::{Method, Response, StatusCode};

use crate::answer::{BadAnswer, read};
use crate::budget::Budget;
use crate::credentials::Credentials;
use crate::number;
use crate::outcome::{Failure, Meaning};
use crate::query::QueryString;
use crate::registry::{Adapter, Opening};
use crate::rules::RulesCache;
use crate::venue_clock::VenueClock;
use crate::wire::{Call, Wire, header};
use product::{BAN_MS_DEFAULT, CANCEL_WEIGHT, LIMITED_MS_DEFAULT, Page, Product, weight};

/// The adapters of this venue.
pub(crate) const ADAPTERS: &[Adapter] = &[
    Adapter {
        name: usdm::NAME,
        production: usdm::PRODUCTION,
        test: usdm::TEST,
        traits: usdm::traits,
        open: |opening| Ok(Arc::new(Binance::open(&usdm::PRODUCT, opening))),
    },
    Adapter {
        name: coinm::NAME,
        production: coinm::PRODUCTION,
        test: coinm::TEST,
        traits: coinm::traits,
        open: |opening| Ok(Arc::new(Binance::open(&coinm::PRODUCT, opening))),
    },
    Adapter {
        name: spot::NAME,
        production: spot::PRODUCTION,
        test: spot::TEST,
        traits: spot::traits,
        open: |opening| Ok(Arc::new(Binance::open(&spot::PRODUCT, opening))),
    },
];

/// One account on one Binance product.
struct Binance {
    product: &'static Product,
    traits: VenueTraits,
    credentials: Credentials,
    clock: Arc<dyn Clock>,
    venue_clock: VenueClock,
    wire: Wire,
    budget: Budget,
    rules: RulesCache,
    /// Who tells what the key may do, where that is another host.
    teller: Option<Box<Self>>,
    /// Of the key's right to trade nothing more will be asked.
    rights_known: AtomicBool,
}

impl Binance {
    fn open(product: &'static Product, opening: Opening) -> Self {
        let teller = rights::teller(product, &opening);
        let clock = opening.clock;
        Self {
            product,
            teller,
            rights_known: AtomicBool::new(false),
            traits: opening.traits,
            credentials: opening.settings.credentials,
            venue_clock: VenueClock::new(clock.clone()),
            wire: Wire::new(opening.transport, opening.base),
            budget: Budget::new(clock.clone(), &opening.place, product.limits, product.banned),
            rules: RulesCache::new(clock.clone()),
            clock,
        }
    }

    /// Asks a public endpoint.
    async fn public(&self, page: Page, query: QueryString) -> Result<Bytes, Failure> {
        self.budget.take(&weight(page.weight), Purpose::Query).await?;
        let call = Call {
            method: Method::GET,
            path: page.path,
            query: query.as_str(),
            headers: Vec::new(),
            body: Bytes::new(),
        };
        let response = self.wire.ask(call).await?;
        self.heed(&response)?;
        Ok(response.into_body())
    }

    /// Asks an endpoint of the account, stamped with venue time now.
    async fn signed(
        &self,
        method: Method,
        page: Page,
        query: QueryString,
    ) -> Result<Bytes, Failure> {
        let purpose = if method == Method::DELETE { Purpose::Cancel } else { Purpose::Query };
        // Tokens before the stamp: waiting for them must not age it.
        let cost = weight(page.weight);
        let tokens = self.budget.take(&cost, purpose);
        let stamp = self.venue_clock.now_after(tokens, || self.read_time()).await?;
        let window_ms = self.traits.window_ms;
        let query = sign::signed_query(query, window_ms, stamp, &self.credentials);
        let call = sign::keyed(method, page.path, &query, &self.credentials)?;
        let response = self.wire.ask(call).await?;
        self.heed(&response)?;
        Ok(response.into_body())
    }

    async fn get(&self, page: Page, query: QueryString) -> Result<Bytes, Failure> {
        self.signed(Method::GET, page, query).await
    }

    async fn read_time(&self) -> Result<VenueMillis, QueryError> {
        let body = self.public(self.product.pages.time, QueryString::new()).await?;
        let time: decode::ServerTime = read(&body)?;
        Ok(number::time(time.server_time, "serverTime")?)
    }

    /// Draws the conclusions of an answer for later requests, then says what it is.
    fn heed(&self, response: &Response<Bytes>) -> Result<(), Failure> {
        for (name, limit) in self.product.counters {
            if let Some(used) = header(response, name) {
                self.budget.observe(*limit, used);
            }
        }
        let codes = &self.product.codes;
        let answer = errors::interpret(response, codes, &self.credentials, self.clock.now());
        match &answer {
            Err(Failure::Coded(coded)) => match coded.meaning {
                Meaning::Clock => self.venue_clock.doubt(),
                Meaning::RateLimited => self.budget.shut_for(coded.retry_after_ms, &coded.code),
                Meaning::OrderRate => {
                    for limit in self.product.order_limits {
                        self.budget.hold(*limit, coded.retry_after_ms);
                    }
                }
                _ => {}
            },
            // Limited without the documented body: no refusal, but reason enough to stay away.
            Err(Failure::Unreadable(_)) if response.status() == StatusCode::IM_A_TEAPOT => {
                self.budget.shut_for(BAN_MS_DEFAULT, "418");
            }
            Err(Failure::Unreadable(_)) if response.status() == StatusCode::TOO_MANY_REQUESTS => {
                self.budget.shut_for(LIMITED_MS_DEFAULT, "429");
            }
            _ => {}
        }
        answer
    }
}

#[async_trait]
impl Venue for Binance {
    fn traits(&self) -> &VenueTraits {
        &self.traits
    }

    fn account_id(&self) -> Option<AccountId> {
        Some(self.wire.account_id(&self.credentials))
    }

    async fn server_time(&self) -> Result<VenueMillis, QueryError> {
        self.read_time().await
    }

    async fn account(&self, symbols: &[Symbol]) -> Result<Account, QueryError> {
        self.read_account(symbols).await
    }

    async fn may_withdraw(&self) -> Result<Option<bool>, QueryError> {
        self.read_withdrawal_right().await
    }

    async fn instrument(&self, symbol: &Symbol) -> Result<Instrument, QueryError> {
        self.read_instrument(symbol).await
    }

    async fn quote(&self, symbol: &Symbol) -> Result<Quote, QueryError> {
        self.read_quote(symbol).await
    }

    async fn position(&self, symbol: &Symbol) -> Result<Position, QueryError> {
        self.read_position(symbol).await
    }

    async fn balances(&self) -> Result<Vec<Balance>, QueryError> {
        self.read_balances().await
    }

    async fn reserve(&self, purpose: Purpose) -> Result<(), QueryError> {
        match purpose {
            Purpose::Entry | Purpose::Unwind => {
                self.budget.take(self.product.order_cost, purpose).await
            }
            // Queries and cancels take their own tokens when they are made.
            Purpose::Cancel => self.budget.room(&weight(CANCEL_WEIGHT), purpose).await,
            Purpose::Query => {
                let pages = &self.product.pages;
                let one = pages.order.weight + pages.order_trades.weight;
                self.budget.room(&weight(one), purpose).await
            }
        }
    }

    async fn place(&self, order: &OrderRequest) -> Result<OrderSnapshot, PlaceError> {
        if let Some(refusal) = self.budget.shut() {
            return Err(PlaceError::Refused(refusal));
        }
        let unsent = |bad: BadAnswer| PlaceError::NotSent(bad.to_string());
        let query = encode::order(self.product.kind, order).map_err(unsent)?;
        let query = sign::signed_query(query, order.window_ms, order.stamp(), &self.credentials);
        let path = self.product.pages.order.path;
        let call = sign::keyed(Method::POST, path, &query, &self.credentials).map_err(unsent)?;
        let response = self.wire.place(call, order).await?;
        self.heed(&response)?;
        let answer: decode::Order = read(response.body())?;
        let named = answer.client_order_id == order.client_id.as_str();
        if !named || answer.symbol != order.symbol.as_str() {
            return Err(PlaceError::Unknown("answer names another order".to_owned()));
        }
        Ok(answer.snapshot(Vec::new())?)
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
        let query = orders::cancel_name(self.product.kind, order);
        let page = Page { weight: CANCEL_WEIGHT, ..self.product.pages.order };
        let answer = self.signed(Method::DELETE, page, query).await;
        match answer {
            Ok(body) => {
                // The state in it may be overtaken (V8), so only its form is looked at.
                let _: decode::Order = read(&body)?;
                Ok(CancelAnswer::Acknowledged)
            }
            Err(failure) if failure.is_no_such_order() => Ok(CancelAnswer::NotOpen),
            Err(failure) => Err(failure.into()),
        }
    }
}

fn refused(code: &str, message: String) -> QueryError {
    QueryError::Refused { code: code.to_owned(), message }
}
