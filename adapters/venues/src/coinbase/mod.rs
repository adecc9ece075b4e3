//! Coinbase Advanced Trade over its REST interface: spot.
//!
//! What the exchange documents stands in [`spot`] and [`codes`]; keys and tokens in [`key`] and [`token`].

mod codes;
mod decode;
#[cfg(test)]
mod documented;
mod encode;
mod errors;
mod key;
mod market;
mod orders;
pub(crate) mod spot;
mod token;
mod trades;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use equipoise_core::{
    AccountId, Instrument, OrderRequest, OrderSnapshot, PositionMode, Symbol, UnixMillis,
    VenueMillis, VenueTraits,
};
use equipoise_port::{
    Account, Balance, CancelAnswer, Clock, OrderRef, PlaceError, Position, Purpose, QueryError,
    Quote, Venue,
};
use http::{Method, Response, StatusCode};
use serde::de::DeserializeOwned;

use crate::answer::{BadAnswer, read};
use crate::budget::Budget;
use crate::credentials::Credentials;
use crate::outcome::{Coded, Failure, Meaning};
use crate::query::QueryString;
use crate::registry::{Adapter, Opening, Unusable};
use crate::rules::RulesCache;
use crate::settings::Endpoint;
use crate::venue_clock::VenueClock;
use crate::wire::{Call, Wire, header, retry_after_ms};
use key::Signer;
use market::Names;
use orders::Cursors;
use token::{Life, Requests};

/// What configuration may name.
pub(crate) const ADAPTERS: &[Adapter] = &[Adapter {
    name: spot::NAME,
    production: spot::PRODUCTION,
    test: spot::TEST,
    traits: spot::traits,
    open: |opening| Ok(Arc::new(Coinbase::open(opening)?)),
}];

/// One portfolio on Coinbase Advanced Trade.
pub(crate) struct Coinbase {
    traits: VenueTraits,
    credentials: Credentials,
    requests: Requests,
    clock: Arc<dyn Clock>,
    venue_clock: VenueClock,
    wire: Wire,
    budget: Budget,
    rules: RulesCache,
    /// Names already looked up; they never change.
    names: Mutex<BTreeMap<Symbol, Names>>,
}

impl Coinbase {
    pub(crate) fn open(opening: Opening) -> Result<Self, Unusable> {
        if opening.settings.endpoint == Endpoint::Test {
            return Err(Unusable("the exchange has no test network that matches orders"));
        }
        let credentials = opening.settings.credentials;
        let signer = Signer::new(credentials.secret()).map_err(Unusable)?;
        let clock = opening.clock;
        Ok(Self {
            traits: opening.traits,
            requests: Requests::new(signer, credentials.key(), &opening.base),
            credentials,
            venue_clock: VenueClock::new(clock.clone()),
            wire: Wire::new(opening.transport, opening.base),
            budget: Budget::new(clock.clone(), &opening.place, &spot::LIMITS, spot::OF_ACCOUNT),
            rules: RulesCache::new(clock.clone()),
            clock,
            names: Mutex::default(),
        })
    }

    /// Asks a page of the account.
    async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &QueryString,
    ) -> Result<T, Failure> {
        // Tokens before the stamp: waiting for them must not age it.
        let tokens = self.budget.take(&spot::PRIVATE_COST, Purpose::Query);
        let life = Life::of_query(self.venue_now_after(tokens).await?);
        let response = self.wire.ask(self.requests.get(path, query.as_str(), life)?).await?;
        self.heed(&response, life).await?;
        Ok(read(response.body())?)
    }

    async fn read_time(&self) -> Result<VenueMillis, QueryError> {
        self.budget.take(&spot::PUBLIC_COST, Purpose::Query).await?;
        let call = Call {
            method: Method::GET,
            path: spot::TIME,
            query: "",
            headers: Vec::new(),
            body: Bytes::new(),
        };
        let response = self.wire.ask(call).await?;
        self.learn(&response, spot::PUBLIC);
        errors::interpret(&response, &self.credentials)?;
        let time: decode::ServerTime = read(response.body())?;
        Ok(time.time()?)
    }

    async fn venue_now_after(
        &self,
        tokens: impl Future<Output = Result<(), QueryError>>,
    ) -> Result<VenueMillis, QueryError> {
        self.venue_clock.now_after(tokens, || self.read_time()).await
    }

    /// Draws the conclusions of an answer for later requests, then says what it is.
    async fn heed(&self, response: &Response<Bytes>, life: Life) -> Result<(), Failure> {
        self.learn(response, spot::PRIVATE);
        match errors::interpret(response, &self.credentials) {
            Err(Failure::Coded(coded))
                if coded.meaning == Meaning::Credentials
                    && response.status() == StatusCode::UNAUTHORIZED =>
            {
                Err(Failure::Coded(self.unauthorized(coded, life).await))
            }
            answer => answer,
        }
    }

    /// The gateway says the same of a token that is over and of one made with the wrong key. The venue's own clock
    /// tells them apart: a token that would be taken now was refused for what it is.
    async fn unauthorized(&self, coded: Coded, life: Life) -> Coded {
        match self.read_time().await {
            Ok(now) if life.holds_at(now) => coded,
            _ => {
                self.venue_clock.doubt();
                Coded { meaning: Meaning::Clock, ..coded }
            }
        }
    }

    /// What an answer says about its own pool: pages of the account and public pages are counted apart.
    ///
    /// Of a window other than a second the size says nothing here, but what is left of it is not to be exceeded either:
    /// so a smaller size is believed, a larger one is not, and no more than what is left is spent at once.
    /// Source: Coinbase Advanced Python SDK, rate limit headers, read 2026-11-22.
    fn learn(&self, response: &Response<Bytes>, pool: usize) {
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            // Also said by a gateway that has no words for it. The clock's page must not hold back orders.
            match pool {
                spot::PUBLIC => self.budget.hold(pool, self.wait_ms(response)),
                _ => self.budget.shut_for(self.wait_ms(response), "429"),
            }
            return;
        }
        let Some(left) = header::<u32>(response, "x-ratelimit-remaining") else {
            return;
        };
        let most = spot::LIMITS[pool].tokens;
        let stated: Option<u32> = header(response, "x-ratelimit-limit");
        let size = stated.filter(|size| (1..most).contains(size)).unwrap_or(most);
        self.budget.resize(pool, size);
        self.budget.observe(pool, size.saturating_sub(left));
        if left == 0 {
            self.budget.hold(pool, self.wait_ms(response));
        }
    }

    /// Until a pool is filled again. Whether the header counts seconds from now or since 1970 is not documented; the
    /// figures are so far apart that either is recognised.
    fn wait_ms(&self, response: &Response<Bytes>) -> u64 {
        if let Some(wait_ms) = retry_after_ms(response) {
            return wait_ms;
        }
        let reset_ms = header::<u64>(response, "x-ratelimit-reset").map(|reset| match reset {
            0..spot::RESET_S_MAX => reset * 1_000,
            _ => UnixMillis(reset.saturating_mul(1_000)).since(self.clock.now()),
        });
        match reset_ms {
            None | Some(0) => spot::LIMITED_MS_DEFAULT,
            Some(wait_ms) => wait_ms.min(spot::RESET_S_MAX * 1_000),
        }
    }

    fn known_names(&self) -> MutexGuard<'_, BTreeMap<Symbol, Names>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn cancel_by_id(&self, id: &str) -> Result<CancelAnswer, QueryError> {
        let tokens = self.budget.take(&spot::PRIVATE_COST, Purpose::Cancel);
        let life = Life::of_query(self.venue_now_after(tokens).await?);
        let call = self.requests.post(spot::CANCEL, encode::cancel(id)?, life)?;
        let response = self.wire.ask(call).await?;
        self.heed(&response, life).await?;
        let answer: decode::Cancelled = read(response.body())?;
        let own = answer.results.iter().find(|result| result.order_id == id);
        let Some(result) = own else {
            return Err(unavailable("answer names another order"));
        };
        if result.success {
            return Ok(CancelAnswer::Acknowledged);
        }
        let code = errors::shown(&result.failure_reason, &self.credentials);
        match codes::meaning(codes::CANCELS, &code) {
            Meaning::NoSuchOrder => Ok(CancelAnswer::NotOpen),
            Meaning::DuplicateId => Ok(CancelAnswer::Acknowledged),
            Meaning::Final => Err(refused(&code, "the cancel was refused")),
            _ => Err(unavailable(&format!("code {code}: the cancel was not taken"))),
        }
    }
}

#[async_trait]
impl Venue for Coinbase {
    fn traits(&self) -> &VenueTraits {
        &self.traits
    }

    fn account_id(&self) -> Option<AccountId> {
        Some(self.wire.account_id(&self.credentials))
    }

    async fn server_time(&self) -> Result<VenueMillis, QueryError> {
        self.read_time().await
    }

    /// Spot has no position mode. A key belongs to one portfolio, whose kind must be one for spot.
    async fn account(&self, _symbols: &[Symbol]) -> Result<Account, QueryError> {
        let key: decode::Permissions = self.get(spot::PERMISSIONS, &QueryString::new()).await?;
        if key.portfolio_type == "INTX" {
            return Err(refused(
                "portfolio",
                "portfolios of perpetuals (INTX) are not supported, allowed are those of spot",
            ));
        }
        if key.can_transfer {
            tracing::warn!("the key may transfer funds away, which trading does not need");
        }
        let position_mode = PositionMode::OneWay;
        Ok(Account { position_mode, can_trade: key.can_trade, margin_mode: None })
    }

    /// Source: Coinbase Advanced Trade, Get API Key Permissions, can_transfer, read 2026-11-22.
    async fn may_withdraw(&self) -> Result<Option<bool>, QueryError> {
        let key: decode::Permissions = self.get(spot::PERMISSIONS, &QueryString::new()).await?;
        Ok(Some(key.can_transfer))
    }

    async fn instrument(&self, symbol: &Symbol) -> Result<Instrument, QueryError> {
        self.read_instrument(symbol).await
    }

    async fn quote(&self, symbol: &Symbol) -> Result<Quote, QueryError> {
        self.read_quote(symbol).await
    }

    /// Spot has none, and a balance is no position: it says nothing about what an order did.
    async fn position(&self, _symbol: &Symbol) -> Result<Position, QueryError> {
        Err(refused("position", "a spot account has balances, not positions"))
    }

    async fn balances(&self) -> Result<Vec<Balance>, QueryError> {
        let query = QueryString::new().with("limit", 250);
        let mut balances = Vec::new();
        let mut cursors = Cursors::default();
        loop {
            let page: decode::AccountPage = self.get(spot::ACCOUNTS, &cursors.next(&query)).await?;
            let rows: Result<Vec<_>, BadAnswer> =
                page.accounts.iter().filter_map(|row| row.balance().transpose()).collect();
            balances.extend(rows?);
            if !page.has_next {
                return Ok(balances);
            }
            cursors.go_on(page.cursor)?;
        }
    }

    async fn reserve(&self, purpose: Purpose) -> Result<(), QueryError> {
        match purpose {
            Purpose::Entry | Purpose::Unwind => {
                self.budget.take(&spot::PRIVATE_COST, purpose).await
            }
            // Queries and cancels take their own tokens when they are made.
            Purpose::Cancel | Purpose::Query => {
                self.budget.room(&spot::PRIVATE_COST, purpose).await
            }
        }
    }

    async fn place(&self, order: &OrderRequest) -> Result<OrderSnapshot, PlaceError> {
        if let Some(refusal) = self.budget.shut() {
            return Err(PlaceError::Refused(refusal));
        }
        let unsent = |bad: BadAnswer| PlaceError::NotSent(bad.to_string());
        let body = encode::order(order).map_err(unsent)?;
        let life = Life::of_order(order).map_err(unsent)?;
        let call = self.requests.post(spot::ORDERS, body, life).map_err(unsent)?;
        let response = self.wire.place(call, order).await?;
        self.heed(&response, life).await?;
        let answer: decode::Created = read(response.body())?;
        let id = answer.order_id(order, &self.credentials)?;
        self.confirm(order, id).await
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

    /// Only the exchange's own id cancels. One that is not known is looked up first; what is not listed is not open.
    async fn cancel(&self, order: &OrderRef) -> Result<CancelAnswer, QueryError> {
        if let Some(id) = &order.venue_order {
            return self.cancel_by_id(id.as_str()).await;
        }
        match self.look_up(order).await? {
            Some(id) => self.cancel_by_id(&id).await,
            None => Ok(CancelAnswer::NotOpen),
        }
    }
}

fn refused(code: &str, message: &str) -> QueryError {
    QueryError::Refused { code: code.to_owned(), message: message.to_owned() }
}

fn unavailable(what: &str) -> QueryError {
    QueryError::Unavailable(what.to_owned())
}
