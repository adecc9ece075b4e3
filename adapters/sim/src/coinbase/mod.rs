//! The face of Coinbase Advanced Trade for spot, of a key that may view and trade.
//!
//! An order's state is final when it is answered: nothing here turns FAILED later. Orders with an end time, stop
//! orders and contracts are refused as unsupported.
//! Source: Coinbase Developer Platform docs, Advanced Trade API, the page of each endpoint, read 2026-11-22.

mod account;
mod failure;
mod instruments;
mod limits;
mod listings;
mod market;
mod orders;
mod render;
mod route;
mod token;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use self::failure::{Failure, Reason};
use self::limits::Limits;
use self::route::Route;
use self::token::{Keys, Occasion};
use crate::credentials::Credentials;
use crate::exchange::funds::FeeRule;
use crate::exchange::instrument::Listing;
use crate::exchange::matching::{Alteration, ClientIds, MatchingEngine, Policy};
use crate::exchange::{Call, Face, RateLimits, Refused, Venue};
use crate::params;

pub(crate) fn venue(credentials: Credentials, rate_limits: RateLimits) -> Venue {
    Venue {
        policy: Policy {
            client_ids: ClientIds::UniqueForEver,
            offers_hedge_mode: false,
            refuses_taking_post_only: true,
            refuses_unfillable_fok: false,
            checks_precision: true,
            open_orders_max: 500,
            // A low tier; not checked against the live schedule.
            maker_fee: Decimal::new(4, 3),
            taker_fee: Decimal::new(6, 3),
            fee_rule: FeeRule::Quote,
            order_id: |number| render::uuid(0x0c0b, number),
            absent_client_id: |number| render::uuid(0x0c1d, number),
            first_trade_id: 500_000,
            shows_adjustments: true,
        },
        listings: instruments::listings(),
        leverage_default: 1,
        funds: vec![
            ("USD", Decimal::from(250_000)),
            ("USDC", Decimal::from(250_000)),
            ("BTC", Decimal::from(2)),
            ("ETH", Decimal::from(40)),
        ],
        fee_token: None,
        face: Box::new(Coinbase {
            keys: Keys::of(&credentials),
            may_trade: credentials.may_trade,
            may_withdraw: credentials.may_withdraw,
            limits: Limits::new(rate_limits),
        }),
    }
}

#[derive(Clone, Debug)]
struct Coinbase {
    keys: Keys,
    may_trade: bool,
    may_withdraw: bool,
    limits: Limits,
}

/// One request behind the gateway.
struct Inside<'a> {
    engine: &'a mut MatchingEngine,
    may_trade: bool,
    may_withdraw: bool,
    now_ms: u64,
    query: &'a str,
    body: Value,
    alteration: Alteration,
}

impl Face for Coinbase {
    fn classify(&self, request: &Request<Bytes>) -> Call {
        let route = Route::find(request.method(), request.uri().path());
        let operation = route.map_or(crate::fault::Operation::Any, Route::operation);
        let symbol = match route {
            Some(
                Route::Product(id)
                | Route::Ticker(id)
                | Route::PublicProduct(id)
                | Route::PublicTicker(id),
            ) => Some(id.to_owned()),
            _ => {
                let body: Option<Value> = serde_json::from_slice(request.body()).ok();
                let named = body.and_then(|body| Some(body["product_id"].as_str()?.to_owned()));
                let query = request.uri().query().unwrap_or_default();
                named.or_else(|| {
                    params::pairs(query)
                        .find(|(name, _)| name == "product_id" || name == "product_ids")
                        .map(|(_, value)| value)
                })
            }
        };
        Call { operation, symbol }
    }

    fn turn_away(&mut self, now_ms: u64, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let Some(route) = Route::find(request.method(), request.uri().path()) else {
            return Some(failure::unknown_path());
        };
        let signed = route.is_signed();
        if signed && !self.is_admitted(now_ms, request) {
            return Some(failure::unauthorised());
        }
        let admitted = self.limits.take(now_ms, signed);
        let admitted = admitted.and_then(|()| match route.operation().is_trading() {
            true if !self.may_trade => Err(Failure::not_permitted()),
            _ => Ok(()),
        });
        let refused = admitted.err()?.response();
        Some(self.limits.stamped(now_ms, signed, refused))
    }

    fn carry_out(
        &mut self,
        engine: &mut MatchingEngine,
        now_ms: u64,
        request: &Request<Bytes>,
        alteration: Alteration,
    ) -> Response<Bytes> {
        let Some(route) = Route::find(request.method(), request.uri().path()) else {
            return failure::unknown_path();
        };
        let query = request.uri().query().unwrap_or_default();
        let body = serde_json::from_slice(request.body()).unwrap_or_default();
        let (may_trade, may_withdraw) = (self.may_trade, self.may_withdraw);
        let inside = Inside { engine, may_trade, may_withdraw, now_ms, query, body, alteration };
        let response = match inside.answer(route) {
            Ok(body) => respond(StatusCode::OK, &body),
            Err(failure) => failure.response(),
        };
        self.limits.stamped(now_ms, route.is_signed(), response)
    }

    fn refusal(
        &self,
        _now_ms: u64,
        request: &Request<Bytes>,
        refused: Refused<'_>,
    ) -> Response<Bytes> {
        let status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::OK);
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        // Reasons have names instead of codes at this venue.
        respond(status, &Reason::engine(refused.message).answer(&body["order_configuration"]))
    }

    fn rate_limited(
        &self,
        _now_ms: u64,
        _request: &Request<Bytes>,
        retry_after_s: u64,
    ) -> Response<Bytes> {
        limits::announced(retry_after_s, Failure::rate_limited().response())
    }

    fn boxed_clone(&self) -> Box<dyn Face> {
        Box::new(self.clone())
    }
}

impl Coinbase {
    fn is_admitted(&self, now_ms: u64, request: &Request<Bytes>) -> bool {
        let header = |name| {
            request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let token = header(header::AUTHORIZATION).strip_prefix("Bearer ").unwrap_or_default();
        let occasion = Occasion {
            now_ms,
            method: request.method().as_str(),
            path: request.uri().path(),
            host: header(header::HOST),
        };
        self.keys.admit(token, occasion)
    }
}

impl Inside<'_> {
    fn answer(mut self, route: Route<'_>) -> Result<Value, Failure> {
        Ok(match route {
            Route::Time => self.time(),
            Route::PublicProducts | Route::Products => self.products(),
            Route::PublicProduct(id) | Route::Product(id) => self.product(id)?,
            Route::PublicTicker(id) | Route::Ticker(id) => self.ticker(id)?,
            Route::PublicBook | Route::Book => self.book()?,
            Route::BestBidAsk => self.best_bid_ask()?,
            Route::OldTime => self.old_time(),
            Route::OldCurrencies => self.old_currencies(),
            Route::OldCryptoCurrencies => self.old_crypto_currencies(),
            Route::OldExchangeRates => self.old_exchange_rates(),
            Route::Create => self.create()?,
            Route::Edit => self.edit()?,
            Route::Preview => self.preview()?,
            Route::CancelBatch => self.cancel_batch()?,
            Route::Order(id) => self.order(id)?,
            Route::Orders => self.orders()?,
            Route::Fills => self.fills()?,
            Route::Accounts => self.accounts()?,
            Route::Account(id) => self.account(id)?,
            Route::Fees => self.fees(),
            Route::KeyPermissions => self.key_permissions(),
            Route::Portfolios => self.portfolios(),
            Route::OldAccounts => self.old_accounts(),
            // Of contracts, which this account does not trade.
            Route::FuturesPositions => json!({ "positions": [] }),
        })
    }

    fn listing(&self, product: &str) -> Result<&Listing, Failure> {
        self.engine.listings.get(product).ok_or_else(Failure::unknown_product)
    }

    /// The first value under `name` in the query.
    fn asked(&self, name: &str) -> Option<String> {
        params::pairs(self.query).find(|(n, v)| n == name && !v.is_empty()).map(|(_, value)| value)
    }

    /// All values under any of `names` in the query.
    fn asked_all(&self, names: &[&str]) -> Vec<String> {
        let named = |name: &str| names.contains(&name.trim_end_matches("[]"));
        let pairs =
            params::pairs(self.query).filter(|(name, value)| named(name) && !value.is_empty());
        pairs.map(|(_, value)| value).collect()
    }
}

fn respond(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}
