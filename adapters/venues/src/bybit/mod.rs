//! Bybit over the v5 REST interface: linear and inverse contracts, and spot.
//!
//! What a product documents stands in [`linear`], [`inverse`] and [`spot`], in the form of [`product`]; everything else
//! is shared.

mod codes;
mod decode;
#[cfg(test)]
mod documented;
mod encode;
mod errors;
mod holdings;
mod instruments;
mod inverse;
mod linear;
mod market;
mod orders;
mod product;
mod sign;
mod spot;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

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
use futures::future::try_join_all;
use futures::try_join;
use http::{Method, Response, StatusCode};
use serde::de::DeserializeOwned;

use crate::answer::{BadAnswer, read};
use crate::budget::{Budget, Cost};
use crate::credentials::Credentials;
use crate::outcome::{Failure, Meaning};
use crate::query::QueryString;
use crate::registry::{Adapter, Opening};
use crate::rules::RulesCache;
use crate::venue_clock::VenueClock;
use crate::wire::{Call, Wire, header};
use instruments::Coins;
use product::{
    ACCOUNT, ADDRESS, API_KEY, BAN_MS, CANCEL, CREATE, Endpoint, Kind, OF_ADDRESS, POSITIONS,
    PROTECTED_MS_DEFAULT, Product, REALTIME, TIME, WALLET,
};
use sign::Validity;

/// The adapters of this venue.
pub(crate) const ADAPTERS: &[Adapter] = &[
    Adapter {
        name: linear::NAME,
        production: product::PRODUCTION,
        test: product::TEST,
        traits: linear::traits,
        open: |opening| Ok(Arc::new(Bybit::open(&linear::PRODUCT, opening))),
    },
    Adapter {
        name: inverse::NAME,
        production: product::PRODUCTION,
        test: product::TEST,
        traits: inverse::traits,
        open: |opening| Ok(Arc::new(Bybit::open(&inverse::PRODUCT, opening))),
    },
    Adapter {
        name: spot::NAME,
        production: product::PRODUCTION,
        test: product::TEST,
        traits: spot::traits,
        open: |opening| Ok(Arc::new(Bybit::open(&spot::PRODUCT, opening))),
    },
];

/// One account on one Bybit product.
struct Bybit {
    product: &'static Product,
    traits: VenueTraits,
    credentials: Credentials,
    venue_clock: VenueClock,
    wire: Wire,
    budget: Budget,
    rules: RulesCache,
    /// Coins of instruments already looked up; they never change.
    coins: Mutex<BTreeMap<Symbol, Coins>>,
}

impl Bybit {
    fn open(product: &'static Product, opening: Opening) -> Self {
        let clock = opening.clock;
        Self {
            product,
            traits: opening.traits,
            credentials: opening.settings.credentials,
            venue_clock: VenueClock::new(clock.clone()),
            wire: Wire::new(opening.transport, opening.base),
            budget: Budget::new(clock.clone(), &opening.place, product.limits, OF_ADDRESS),
            rules: RulesCache::new(clock),
            coins: Mutex::default(),
        }
    }

    /// A query about this product.
    fn category(&self) -> QueryString {
        QueryString::new().with("category", self.product.category)
    }

    /// A query about one instrument.
    fn listed(&self, symbol: &Symbol) -> QueryString {
        self.category().with("symbol", symbol)
    }

    /// Asks a public endpoint.
    async fn public<T: DeserializeOwned>(
        &self,
        endpoint: Endpoint,
        query: QueryString,
    ) -> Result<T, Failure> {
        self.budget.take(&costs(endpoint), Purpose::Query).await?;
        let call = Call {
            method: Method::GET,
            path: endpoint.path,
            query: query.as_str(),
            headers: Vec::new(),
            body: Bytes::new(),
        };
        let response = self.wire.ask(call).await?;
        self.heed(endpoint, &response)?;
        result(&response)
    }

    /// Asks an endpoint of the account, stamped with venue time now.
    async fn get<T: DeserializeOwned>(
        &self,
        endpoint: Endpoint,
        query: &QueryString,
    ) -> Result<T, Failure> {
        // Tokens before the stamp: waiting for them must not age it.
        let validity = self.validity(endpoint, Purpose::Query).await?;
        let call = sign::get(endpoint.path, query.as_str(), validity, &self.credentials)?;
        let response = self.wire.ask(call).await?;
        self.heed(endpoint, &response)?;
        result(&response)
    }

    async fn validity(&self, endpoint: Endpoint, purpose: Purpose) -> Result<Validity, QueryError> {
        let costs = costs(endpoint);
        let tokens = self.budget.take(&costs, purpose);
        Ok(Validity {
            stamp: self.venue_clock.now_after(tokens, || self.read_time()).await?,
            window_ms: self.traits.window_ms,
        })
    }

    async fn read_time(&self) -> Result<VenueMillis, QueryError> {
        let time: decode::ServerTime = self.public(TIME, QueryString::new()).await?;
        Ok(time.time()?)
    }

    async fn position_rows(
        &self,
        symbol: &Symbol,
    ) -> Result<Vec<holdings::PositionRow>, QueryError> {
        let page: decode::Page<holdings::PositionRow> =
            self.get(POSITIONS, &self.listed(symbol)).await?;
        Ok(page.list)
    }

    /// Draws the conclusions of an answer for later requests, then says what it is.
    fn heed(&self, endpoint: Endpoint, response: &Response<Bytes>) -> Result<(), Failure> {
        let limit: Option<u32> = header(response, "x-bapi-limit");
        let left: Option<u32> = header(response, "x-bapi-limit-status");
        if let (Some(own), Some(limit), Some(left)) = (endpoint.limit, limit, left) {
            self.budget.resize(own, limit);
            self.budget.observe(own, limit.saturating_sub(left));
        }
        let answer = errors::interpret(response, &self.credentials);
        let status = response.status();
        match &answer {
            Err(Failure::Coded(coded)) if coded.meaning == Meaning::Clock => {
                self.venue_clock.doubt();
            }
            Err(_) if status == StatusCode::FORBIDDEN => self.budget.shut_for(BAN_MS, "403"),
            Err(Failure::Coded(coded)) if coded.meaning == Meaning::RateLimited => {
                let own = endpoint.limit.unwrap_or(ADDRESS);
                self.budget.hold(own, coded.retry_after_ms);
            }
            Err(_) if status == StatusCode::TOO_MANY_REQUESTS => {
                self.budget.shut_for(PROTECTED_MS_DEFAULT, "429");
            }
            _ => {}
        }
        answer
    }
}

/// One request of the address, and one of the endpoint's own limit where it has one.
fn costs(endpoint: Endpoint) -> Vec<Cost> {
    let one = |limit| Cost { limit, tokens: 1 };
    let own = endpoint.limit.map(one);
    std::iter::once(one(ADDRESS)).chain(own).collect()
}

/// `None` where the host has no such page.
async fn optional<T>(
    page: impl Future<Output = Result<T, Failure>>,
) -> Result<Option<T>, QueryError> {
    match page.await {
        Ok(page) => Ok(Some(page)),
        Err(failure) if failure.is_missing_page() => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

fn result<T: DeserializeOwned>(response: &Response<Bytes>) -> Result<T, Failure> {
    let envelope: decode::Envelope<T> = read(response.body())?;
    Ok(envelope.result)
}

#[async_trait]
impl Venue for Bybit {
    fn traits(&self) -> &VenueTraits {
        &self.traits
    }

    fn account_id(&self) -> Option<AccountId> {
        Some(self.wire.account_id(&self.credentials))
    }

    async fn server_time(&self) -> Result<VenueMillis, QueryError> {
        self.read_time().await
    }

    /// The position mode is kept per instrument; without symbols one-way stands for "not asked". Spot has none.
    async fn account(&self, symbols: &[Symbol]) -> Result<Account, QueryError> {
        let nothing = QueryString::new();
        let (key, info) = try_join!(
            optional(self.get::<holdings::ApiKey>(API_KEY, &nothing)),
            optional(self.get::<holdings::AccountInfo>(ACCOUNT, &nothing)),
        )?;
        let (status, accounts) = self.product.account;
        if let Some(other) = info.as_ref().filter(|info| !info.is_at_least(status)) {
            let message = format!("only {accounts} are supported, this is {}", other.kind());
            return Err(refused("account", &message));
        }
        let can_trade = key.is_none_or(|key| key.can_trade(self.product.kind));
        if self.product.kind == Kind::Spot {
            // Spot orders from here are paid in full, whatever contracts are margined with.
            let position_mode = PositionMode::OneWay;
            return Ok(Account { position_mode, can_trade, margin_mode: None });
        }
        let margin_mode = info.map(|info| info.margin_mode()).transpose()?;
        let modes = try_join_all(symbols.iter().map(|symbol| async move {
            let rows = self.position_rows(symbol).await?;
            Ok::<_, QueryError>(holdings::mode(&rows, symbol)?)
        }));
        let modes = modes.await?;
        let position_mode = modes.first().copied().unwrap_or(PositionMode::OneWay);
        if modes.iter().any(|mode| *mode != position_mode) {
            return Err(refused("position-mode", "instruments are in different position modes"));
        }
        Ok(Account { position_mode, can_trade, margin_mode })
    }

    async fn may_withdraw(&self) -> Result<Option<bool>, QueryError> {
        let key = optional(self.get::<holdings::ApiKey>(API_KEY, &QueryString::new())).await?;
        Ok(key.map(|key| key.may_withdraw()))
    }

    async fn instrument(&self, symbol: &Symbol) -> Result<Instrument, QueryError> {
        self.read_instrument(symbol).await
    }

    async fn quote(&self, symbol: &Symbol) -> Result<Quote, QueryError> {
        self.read_quote(symbol).await
    }

    /// A unified account has balances and no spot positions, and a balance is no position: it says nothing about what a
    /// batch bought. So the question is refused rather than answered with zero, which would look like a proof (K5).
    async fn position(&self, symbol: &Symbol) -> Result<Position, QueryError> {
        if self.product.kind == Kind::Spot {
            return Err(refused("position", "a spot account has balances, not positions"));
        }
        let rows = self.position_rows(symbol).await?;
        Ok(holdings::position(&rows, symbol)?)
    }

    async fn balances(&self) -> Result<Vec<Balance>, QueryError> {
        let query = QueryString::new().with("accountType", "UNIFIED");
        let page: decode::Page<holdings::Wallet> = self.get(WALLET, &query).await?;
        let coins = page.list.iter().flat_map(|wallet| &wallet.coin);
        let balances: Result<Vec<_>, BadAnswer> =
            coins.filter_map(|coin| coin.balance().transpose()).collect();
        Ok(balances?)
    }

    async fn reserve(&self, purpose: Purpose) -> Result<(), QueryError> {
        match purpose {
            Purpose::Entry | Purpose::Unwind => self.budget.take(&costs(CREATE), purpose).await,
            // Queries and cancels take their own tokens when they are made.
            Purpose::Cancel => self.budget.room(&costs(CANCEL), purpose).await,
            Purpose::Query => self.budget.room(&costs(REALTIME), purpose).await,
        }
    }

    async fn place(&self, order: &OrderRequest) -> Result<OrderSnapshot, PlaceError> {
        if let Some(refusal) = self.budget.shut() {
            return Err(PlaceError::Refused(refusal));
        }
        let unsent = |bad: BadAnswer| PlaceError::NotSent(bad.to_string());
        let body = encode::order(self.product, order).map_err(unsent)?;
        let validity = Validity { stamp: order.stamp(), window_ms: order.window_ms };
        let call = sign::post(CREATE.path, body, validity, &self.credentials).map_err(unsent)?;
        let response = self.wire.place(call, order).await?;
        self.heed(CREATE, &response)?;
        let answer: decode::Acknowledged = result(&response)?;
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
        let endpoint = CANCEL;
        let validity = self.validity(endpoint, Purpose::Cancel).await?;
        let body = encode::cancel(self.product, order)?;
        let call = sign::post(endpoint.path, body, validity, &self.credentials)?;
        let response = self.wire.ask(call).await?;
        match self.heed(endpoint, &response) {
            Ok(()) => Ok(CancelAnswer::Acknowledged),
            Err(failure) if failure.is_no_such_order() => Ok(CancelAnswer::NotOpen),
            Err(failure) => Err(failure.into()),
        }
    }
}

fn refused(code: &str, message: &str) -> QueryError {
    QueryError::Refused { code: code.to_owned(), message: message.to_owned() }
}
