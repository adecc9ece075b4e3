//! OKX perpetual contracts and spot over the v5 REST interface.
//!
//! What differs between the products stands in [`product`]; signing, codes and payloads beside it.

mod account;
mod decode;
#[cfg(test)]
mod documented;
mod encode;
mod endpoints;
mod errors;
mod instruments;
mod market;
mod orders;
mod product;
mod sign;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use equipoise_core::{
    AccountId, Instrument, OrderRequest, OrderSnapshot, Symbol, VenueMillis, VenueTraits,
};
use equipoise_port::{
    Account, Balance, CancelAnswer, OrderRef, PlaceError, Position, Purpose, QueryError, Quote,
    Venue,
};
use http::{Method, Response, StatusCode};
use serde::de::DeserializeOwned;

use crate::answer::{BadAnswer, read};
use crate::budget::Budget;
use crate::credentials::Credentials;
use crate::outcome::{Failure, Meaning};
use crate::query::QueryString;
use crate::registry::{Adapter, Opening, Unusable};
use crate::rules::RulesCache;
use crate::settings::Endpoint as Host;
use crate::venue_clock::VenueClock;
use crate::wire::{Call, Wire};
use account::{Config, Level, PositionRow};
use endpoints::{BALANCE, CANCEL, CONFIG, Endpoint, ORDER, PLACE, POSITIONS, TIME};
use product::Product;

/// The adapters of this venue.
pub(crate) const ADAPTERS: &[Adapter] = &[
    Adapter {
        name: "okx-swap",
        production: product::PRODUCTION,
        test: product::TEST,
        traits: product::traits,
        open: |opening| Ok(Arc::new(Okx::open(opening, Product::Swap)?)),
    },
    Adapter {
        name: "okx-spot",
        production: product::PRODUCTION,
        test: product::TEST,
        traits: product::traits,
        open: |opening| Ok(Arc::new(Okx::open(opening, Product::Spot)?)),
    },
];

/// One account and one product of OKX.
pub(crate) struct Okx {
    product: Product,
    traits: VenueTraits,
    credentials: Credentials,
    /// Whether every request goes to demo trading.
    is_simulated: bool,
    venue_clock: VenueClock,
    wire: Wire,
    budget: Budget,
    rules: RulesCache,
    /// The account's level as last read; orders of some products are worded by it.
    level: Mutex<Option<Level>>,
}

impl Okx {
    pub(crate) fn open(opening: Opening, product: Product) -> Result<Self, Unusable> {
        let credentials = opening.settings.credentials;
        if credentials.passphrase().is_none() {
            return Err(Unusable("its API key needs the passphrase it was made with"));
        }
        let clock = opening.clock;
        Ok(Self {
            product,
            traits: opening.traits,
            credentials,
            is_simulated: opening.settings.endpoint == Host::Test,
            venue_clock: VenueClock::new(clock.clone()),
            wire: Wire::new(opening.transport, opening.base),
            budget: Budget::new(
                clock.clone(),
                &opening.place,
                &endpoints::limits(product),
                endpoints::OF_ADDRESS,
            ),
            rules: RulesCache::new(clock),
            level: Mutex::default(),
        })
    }

    /// Asks a public endpoint.
    async fn public<T: DeserializeOwned>(
        &self,
        endpoint: Endpoint,
        query: &QueryString,
    ) -> Result<Vec<T>, Failure> {
        self.budget.take(&[endpoint.cost()], Purpose::Query).await?;
        let call = Call {
            method: Method::GET,
            path: endpoint.path,
            query: query.as_str(),
            headers: Vec::new(),
            body: Bytes::new(),
        };
        let response = self.wire.ask(self.addressed(call)).await?;
        self.heed(endpoint, &response)?;
        rows(&response)
    }

    /// Asks an endpoint of the account, stamped with venue time now.
    async fn get<T: DeserializeOwned>(
        &self,
        endpoint: Endpoint,
        query: &QueryString,
    ) -> Result<Vec<T>, Failure> {
        // Tokens before the stamp: waiting for them must not age it.
        let cost = [endpoint.cost()];
        let tokens = self.budget.take(&cost, Purpose::Query);
        let stamp = self.venue_clock.now_after(tokens, || self.read_time()).await?;
        let call = sign::get(endpoint.path, query.as_str(), stamp, &self.credentials)?;
        let response = self.wire.ask(self.addressed(call)).await?;
        self.heed(endpoint, &response)?;
        rows(&response)
    }

    /// The request with what sends it to demo trading, if that is where it goes.
    fn addressed<'a>(&self, mut call: Call<'a>) -> Call<'a> {
        call.headers.extend(self.is_simulated.then(sign::simulated));
        call
    }

    /// A query for this product.
    fn kind(&self) -> QueryString {
        QueryString::new().with("instType", self.product.kind())
    }

    async fn read_time(&self) -> Result<VenueMillis, QueryError> {
        let times = self.public::<decode::ServerTime>(TIME, &QueryString::new()).await?;
        Ok(only(times)?.time()?)
    }

    async fn read_config(&self) -> Result<Config, QueryError> {
        let config: Config = only(self.get(CONFIG, &QueryString::new()).await?)?;
        self.remember(Some(config.level()?));
        Ok(config)
    }

    /// The account's level, read where it is not known.
    async fn level(&self) -> Result<Level, QueryError> {
        match self.known_level() {
            Some(level) => Ok(level),
            None => Ok(self.read_config().await?.level()?),
        }
    }

    fn remember(&self, level: Option<Level>) {
        *self.level.lock().unwrap_or_else(PoisonError::into_inner) = level;
    }

    fn known_level(&self) -> Option<Level> {
        *self.level.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What orders say about margin; the level was read when the order was reserved.
    fn trade_mode(&self) -> Result<&'static str, BadAnswer> {
        let level = self.known_level();
        let level = level.ok_or_else(|| BadAnswer::new("account level is not known"))?;
        let unsupported = || BadAnswer::new(unsupported(self.product, level));
        self.product.trade_mode(level).ok_or_else(unsupported)
    }

    async fn position_rows(&self) -> Result<Vec<PositionRow>, QueryError> {
        Ok(self.get(POSITIONS, &self.kind()).await?)
    }

    /// Draws the conclusions of an answer for later requests, then says what it is.
    fn heed(&self, endpoint: Endpoint, response: &Response<Bytes>) -> Result<(), Failure> {
        let answer = errors::interpret(response, &self.credentials);
        match &answer {
            Err(Failure::Coded(coded)) => match coded.meaning {
                Meaning::Clock => self.venue_clock.doubt(),
                Meaning::RateLimited => self.budget.hold(endpoint.limit, coded.retry_after_ms),
                Meaning::OrderRate => self.budget.hold(PLACE.limit, coded.retry_after_ms),
                // The account was set up anew; the next order asks how.
                _ if coded.code == errors::WRONG_LEVEL => self.remember(None),
                _ => {}
            },
            Err(_) if response.status() == StatusCode::TOO_MANY_REQUESTS => {
                self.budget.shut_for(endpoints::PROTECTED_MS, "429");
            }
            _ => {}
        }
        answer
    }
}

fn rows<T: DeserializeOwned>(response: &Response<Bytes>) -> Result<Vec<T>, Failure> {
    let envelope: decode::Envelope<T> = read(response.body())?;
    Ok(envelope.data)
}

/// The one row of an answer that has one.
fn only<T>(rows: Vec<T>) -> Result<T, BadAnswer> {
    let [row] = <[T; 1]>::try_from(rows)
        .map_err(|rows| BadAnswer::new(format!("answer has {} rows, not one", rows.len())))?;
    Ok(row)
}

fn unsupported(product: Product, level: Level) -> String {
    let allowed: Vec<&str> = Level::ALL
        .into_iter()
        .filter(|level| product.trade_mode(*level).is_some())
        .map(Level::name)
        .collect();
    let what = match product {
        Product::Swap => "swaps are",
        Product::Spot => "spot is",
    };
    let (level, allowed) = (level.name(), allowed.join(", "));
    format!("{what} not traded on an account in {level}, allowed are {allowed}")
}

fn refused(code: &str, message: &str) -> QueryError {
    QueryError::Refused { code: code.to_owned(), message: message.to_owned() }
}

#[async_trait]
impl Venue for Okx {
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
        let config = self.read_config().await?;
        let level = config.level()?;
        if self.product.trade_mode(level).is_none() {
            return Err(refused("account-level", &unsupported(self.product, level)));
        }
        if self.product == Product::Spot
            && let Some((setting, called)) = config.borrowing()?
        {
            let message = format!(
                "the account, in {}, borrows by itself what a spot order lacks ({setting} is true), \
                 allowed is one that does not: turn {called} off in its settings",
                level.name()
            );
            return Err(refused("borrowing", &message));
        }
        if self.product == Product::Swap && !symbols.is_empty() {
            let rows = self.position_rows().await?;
            for symbol in symbols {
                if account::is_isolated(&rows, symbol)? {
                    let message = format!(
                        "{symbol} has a position in isolated margin, allowed is cross margin, \
                         which orders are in"
                    );
                    return Err(refused("margin-mode", &message));
                }
            }
        }
        let position_mode = config.position_mode(self.product)?;
        let margin_mode = self.product.margin_mode(level);
        Ok(Account { position_mode, can_trade: config.can_trade(), margin_mode })
    }

    async fn may_withdraw(&self) -> Result<Option<bool>, QueryError> {
        Ok(Some(self.read_config().await?.may_withdraw()))
    }

    async fn instrument(&self, symbol: &Symbol) -> Result<Instrument, QueryError> {
        self.read_instrument(symbol).await
    }

    async fn quote(&self, symbol: &Symbol) -> Result<Quote, QueryError> {
        self.read_quote(symbol).await
    }

    /// Spot holds balances and no positions.
    async fn position(&self, symbol: &Symbol) -> Result<Position, QueryError> {
        match self.product {
            Product::Swap => Ok(account::position(&self.position_rows().await?, symbol)?),
            Product::Spot => Err(refused("position", "a spot account has balances, not positions")),
        }
    }

    async fn balances(&self) -> Result<Vec<Balance>, QueryError> {
        let wallets: Vec<account::Wallet> = self.get(BALANCE, &QueryString::new()).await?;
        let coins = wallets.iter().flat_map(|wallet| &wallet.details);
        let balances: Result<Vec<_>, BadAnswer> =
            coins.filter_map(|coin| coin.balance(self.product).transpose()).collect();
        Ok(balances?)
    }

    /// Also makes sure that the account's level is known before an order is stamped.
    async fn reserve(&self, purpose: Purpose) -> Result<(), QueryError> {
        match purpose {
            Purpose::Entry | Purpose::Unwind => {
                self.level().await?;
                self.budget.take(&[PLACE.cost()], purpose).await
            }
            // Queries and cancels take their own tokens when they are made.
            Purpose::Cancel => self.budget.room(&[CANCEL.cost()], purpose).await,
            Purpose::Query => self.budget.room(&[ORDER.cost()], purpose).await,
        }
    }

    async fn place(&self, order: &OrderRequest) -> Result<OrderSnapshot, PlaceError> {
        if let Some(refusal) = self.budget.shut() {
            return Err(PlaceError::Refused(refusal));
        }
        let unsent = |bad: BadAnswer| PlaceError::NotSent(bad.to_string());
        let trade_mode = self.trade_mode().map_err(unsent)?;
        let body = encode::order(self.product, trade_mode, order).map_err(unsent)?;
        let deadline = Some(order.deadline);
        let call = sign::post(PLACE.path, body, order.stamp(), deadline, &self.credentials)
            .map_err(unsent)?;
        let response = self.wire.place(self.addressed(call), order).await?;
        self.heed(PLACE, &response)?;
        let answer: decode::Acknowledged = only(rows(&response)?)?;
        Ok(answer.snapshot(&order.client_id)?)
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
        let cost = [CANCEL.cost()];
        let tokens = self.budget.take(&cost, Purpose::Cancel);
        let stamp = self.venue_clock.now_after(tokens, || self.read_time()).await?;
        let body = encode::cancel(order)?;
        let call = sign::post(CANCEL.path, body, stamp, None, &self.credentials)?;
        let response = self.wire.ask(self.addressed(call)).await?;
        match self.heed(CANCEL, &response) {
            Ok(()) => Ok(CancelAnswer::Acknowledged),
            Err(failure) if failure.is_no_such_order() => Ok(CancelAnswer::NotOpen),
            Err(failure) => Err(failure.into()),
        }
    }
}
