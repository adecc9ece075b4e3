//! Binance futures over REST.
//!
//! What differs between Binance products stands in [`usdm`]; signing, codes and payloads beside it.

mod decode;
mod encode;
mod errors;
mod market;
mod orders;
mod sign;
mod usdm;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use equipoise_core::{
    Instrument, OrderRequest, OrderSnapshot, PositionMode, Symbol, VenueMillis, VenueTraits,
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

/// The adapters of this venue.
pub(crate) const ADAPTERS: &[Adapter] = &[Adapter {
    name: usdm::NAME,
    production: usdm::PRODUCTION,
    test: usdm::TEST,
    traits: usdm::traits,
    open: |opening| Ok(Arc::new(BinanceUsdm::open(opening))),
}];

/// One account on Binance USDⓈ-M futures.
pub(crate) struct BinanceUsdm {
    traits: VenueTraits,
    credentials: Credentials,
    clock: Arc<dyn Clock>,
    venue_clock: VenueClock,
    wire: Wire,
    budget: Budget,
    rules: RulesCache,
}

impl BinanceUsdm {
    pub(crate) fn open(opening: Opening) -> Self {
        let clock = opening.clock;
        Self {
            traits: opening.traits,
            credentials: opening.settings.credentials,
            venue_clock: VenueClock::new(clock.clone()),
            wire: Wire::new(opening.transport, opening.base),
            budget: Budget::new(clock.clone(), &usdm::LIMITS),
            rules: RulesCache::new(clock.clone()),
            clock,
        }
    }

    /// Asks a public endpoint.
    async fn public(
        &self,
        path: &'static str,
        query: QueryString,
        weight: u32,
    ) -> Result<Bytes, Failure> {
        self.budget.take(&usdm::weight(weight), Purpose::Query).await?;
        let call = Call {
            method: Method::GET,
            path,
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
        path: &'static str,
        query: QueryString,
        weight: u32,
    ) -> Result<Bytes, Failure> {
        let purpose = if method == Method::DELETE { Purpose::Cancel } else { Purpose::Query };
        // Tokens before the stamp: waiting for them must not age it.
        self.budget.take(&usdm::weight(weight), purpose).await?;
        let stamp = self.venue_clock.now(|| self.read_time()).await?;
        let window_ms = self.traits.window_ms;
        let query = sign::signed_query(query, window_ms, stamp, &self.credentials);
        let call = sign::keyed(method, path, &query, &self.credentials)?;
        let response = self.wire.ask(call).await?;
        self.heed(&response)?;
        Ok(response.into_body())
    }

    async fn get(
        &self,
        path: &'static str,
        query: QueryString,
        weight: u32,
    ) -> Result<Bytes, Failure> {
        self.signed(Method::GET, path, query, weight).await
    }

    async fn read_time(&self) -> Result<VenueMillis, QueryError> {
        let body = self.public("/fapi/v1/time", QueryString::new(), 1).await?;
        let time: decode::ServerTime = read(&body)?;
        Ok(number::time(time.server_time, "serverTime")?)
    }

    /// Draws the conclusions of an answer for later requests, then says what it is.
    fn heed(&self, response: &Response<Bytes>) -> Result<(), Failure> {
        for (name, limit) in [
            ("x-mbx-used-weight-1m", usdm::WEIGHT),
            ("x-mbx-order-count-10s", usdm::ORDERS_10S),
            ("x-mbx-order-count-1m", usdm::ORDERS_1M),
        ] {
            if let Some(used) = header(response, name) {
                self.budget.observe(limit, used);
            }
        }
        let answer = errors::interpret(response, &self.credentials, self.clock.now());
        match &answer {
            Err(Failure::Coded(coded)) => match coded.meaning {
                Meaning::Clock => self.venue_clock.doubt(),
                Meaning::RateLimited => self.budget.shut_for(coded.retry_after_ms, &coded.code),
                Meaning::OrderRate => {
                    self.budget.hold(usdm::ORDERS_10S, coded.retry_after_ms);
                    self.budget.hold(usdm::ORDERS_1M, coded.retry_after_ms);
                }
                _ => {}
            },
            // Limited without the documented body: no refusal, but reason enough to stay away.
            Err(Failure::Unreadable(_)) if response.status() == StatusCode::IM_A_TEAPOT => {
                self.budget.shut_for(usdm::BAN_MS_DEFAULT, "418");
            }
            Err(Failure::Unreadable(_)) if response.status() == StatusCode::TOO_MANY_REQUESTS => {
                self.budget.shut_for(usdm::LIMITED_MS_DEFAULT, "429");
            }
            _ => {}
        }
        answer
    }
}

#[async_trait]
impl Venue for BinanceUsdm {
    fn traits(&self) -> &VenueTraits {
        &self.traits
    }

    async fn server_time(&self) -> Result<VenueMillis, QueryError> {
        self.read_time().await
    }

    async fn account(&self, _symbols: &[Symbol]) -> Result<Account, QueryError> {
        // One mode for the whole account, and for COIN-M too.
        let page = self.get("/fapi/v1/accountConfig", QueryString::new(), 5).await;
        let (hedge, can_trade) = match page {
            Ok(body) => {
                let config: decode::AccountConfig = read(&body)?;
                (config.dual_side_position, config.can_trade)
            }
            Err(failure) if failure.is_missing_page() => {
                let body = self.get("/fapi/v1/positionSide/dual", QueryString::new(), 30).await?;
                let mode: decode::PositionSideMode = read(&body)?;
                (mode.dual_side_position, true)
            }
            Err(failure) => return Err(failure.into()),
        };
        let position_mode = if hedge { PositionMode::Hedge } else { PositionMode::OneWay };
        Ok(Account { position_mode, can_trade })
    }

    async fn instrument(&self, symbol: &Symbol) -> Result<Instrument, QueryError> {
        self.read_instrument(symbol).await
    }

    async fn quote(&self, symbol: &Symbol) -> Result<Quote, QueryError> {
        self.read_quote(symbol).await
    }

    async fn position(&self, symbol: &Symbol) -> Result<Position, QueryError> {
        let query = QueryString::new().with("symbol", symbol);
        let body = self.get("/fapi/v3/positionRisk", query, 5).await?;
        let rows: Vec<decode::PositionRisk> = read(&body)?;
        Ok(decode::position(&rows, symbol)?)
    }

    async fn balances(&self) -> Result<Vec<Balance>, QueryError> {
        let body = self.get("/fapi/v3/balance", QueryString::new(), 5).await?;
        let rows: Vec<decode::AssetBalance> = read(&body)?;
        let balances: Result<Vec<_>, BadAnswer> =
            rows.iter().filter_map(|row| row.balance().transpose()).collect();
        Ok(balances?)
    }

    async fn reserve(&self, purpose: Purpose) -> Result<(), QueryError> {
        match purpose {
            Purpose::Entry | Purpose::Unwind => self.budget.take(&usdm::ORDER_COST, purpose).await,
            // Queries and cancels take their own tokens when they are made.
            Purpose::Cancel => self.budget.room(&usdm::weight(1), purpose).await,
            Purpose::Query => self.budget.room(&usdm::weight(10), purpose).await,
        }
    }

    async fn place(&self, order: &OrderRequest) -> Result<OrderSnapshot, PlaceError> {
        if let Some(refusal) = self.budget.shut() {
            return Err(PlaceError::Refused(refusal));
        }
        let unsent = |bad: BadAnswer| PlaceError::NotSent(bad.to_string());
        let query = encode::order(order).map_err(unsent)?;
        let query = sign::signed_query(query, order.window_ms, order.stamp(), &self.credentials);
        let call = sign::keyed(Method::POST, "/fapi/v1/order", &query, &self.credentials)
            .map_err(unsent)?;
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
        let query = orders::name(order);
        let answer = self.signed(Method::DELETE, "/fapi/v1/order", query, 1).await;
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
