//! The faces of Bybit v5 for a unified account, one per category: `linear`, `inverse` and `spot`.
//!
//! A server answers for the category asked for, whichever it is, but lists and trades only its own.
//! Source: Bybit v5 docs, Guide, Error Codes, Enums and the pages of each endpoint, read 2026-11-22.

mod account;
mod category;
mod failure;
mod instrument_info;
mod inverse;
mod limits;
mod linear;
mod listings;
mod market;
mod new_order;
mod orders;
mod positions;
mod render;
mod route;
mod spot;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use self::category::Category;
use self::failure::Failure;
use self::limits::Limits;
use self::route::Route;
use crate::credentials::Credentials;
use crate::exchange::funds::FeeRule;
use crate::exchange::instrument::Listing;
use crate::exchange::matching::{Alteration, ClientIds, MatchingEngine, Policy};
use crate::exchange::{Call, Face, RateLimits, Refused, Venue};
use crate::fault::Operation;
use crate::params::Params;
use crate::signature::hmac_sha256_hex;

/// Window of a request that names none, milliseconds.
const RECV_WINDOW_DEFAULT_MS: u64 = 5000;

/// How far a timestamp may lie ahead of the exchange's clock, milliseconds.
const AHEAD_MAX_MS: u64 = 1000;

pub(crate) fn linear(credentials: Credentials, rate_limits: RateLimits) -> Venue {
    let fees = (Decimal::new(2, 4), Decimal::new(55, 5));
    let policy = Policy { offers_hedge_mode: true, ..policy(fees) };
    let funds = vec![("USDT", Decimal::from(250_000))];
    venue(Category::Linear, policy, funds, credentials, rate_limits)
}

pub(crate) fn inverse(credentials: Credentials, rate_limits: RateLimits) -> Venue {
    let fees = (Decimal::new(2, 4), Decimal::new(55, 5));
    let funds = vec![("BTC", Decimal::from(5)), ("ETH", Decimal::ONE_HUNDRED)];
    venue(Category::Inverse, policy(fees), funds, credentials, rate_limits)
}

pub(crate) fn spot(credentials: Credentials, rate_limits: RateLimits) -> Venue {
    let fees = (Decimal::new(1, 3), Decimal::new(1, 3));
    // Orders have numbers here, and UUIDs on derivatives.
    let order_id: fn(u64) -> String = |number| (2_090_000_000_000_000_000_u64 + number).to_string();
    let policy = Policy { order_id, ..policy(fees) };
    let funds =
        vec![("BTC", Decimal::TWO), ("ETH", Decimal::from(50)), ("USDT", Decimal::from(250_000))];
    venue(Category::Spot, policy, funds, credentials, rate_limits)
}

/// What the categories have in common. Fees are those of the usual base tier, not checked against the live schedule.
fn policy((maker_fee, taker_fee): (Decimal, Decimal)) -> Policy {
    Policy {
        client_ids: ClientIds::UniqueForEver,
        offers_hedge_mode: false,
        refuses_taking_post_only: false,
        refuses_unfillable_fok: false,
        checks_precision: false,
        open_orders_max: 500,
        maker_fee,
        taker_fee,
        fee_rule: FeeRule::Received,
        order_id: |number| render::uuid(0x5e1f, number),
        absent_client_id: |_| String::new(),
        first_trade_id: 7_000_000,
        shows_adjustments: false,
    }
}

fn venue(
    category: Category,
    policy: Policy,
    funds: Vec<(&'static str, Decimal)>,
    credentials: Credentials,
    mode: RateLimits,
) -> Venue {
    Venue {
        policy,
        listings: category.listings(),
        leverage_default: if category == Category::Spot { 1 } else { 10 },
        funds,
        fee_token: None,
        face: Box::new(Unified { category, credentials, limits: category.limits(mode) }),
    }
}

#[derive(Clone, Debug)]
struct Unified {
    category: Category,
    credentials: Credentials,
    limits: Limits,
}

/// One request behind the gateway.
struct Inside<'a> {
    own: Category,
    engine: &'a mut MatchingEngine,
    credentials: &'a Credentials,
    now_ms: u64,
    params: Params,
    alteration: Alteration,
}

impl Face for Unified {
    fn classify(&self, request: &Request<Bytes>) -> Call {
        let params = params_of(request).unwrap_or_default();
        let operation = match Route::find(request.method(), request.uri().path()) {
            Some(Route::Create) if params.get("reduceOnly") == Some("true") => Operation::Place,
            Some(route) => route.operation(),
            None => Operation::Any,
        };
        Call { operation, symbol: params.get("symbol").map(str::to_owned) }
    }

    fn turn_away(&mut self, now_ms: u64, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let Some(route) = Route::find(request.method(), request.uri().path()) else {
            return Some(failure::unknown_path());
        };
        if self.limits.take_address(now_ms).is_err() {
            return Some(failure::too_frequent(now_ms));
        }
        if !route.is_signed() {
            return None;
        }
        let admitted =
            self.check_signed(now_ms, request).and_then(|()| self.limits.take(now_ms, route));
        let admitted = admitted.and_then(|()| match route.operation().is_trading() {
            true if !self.credentials.may_trade => {
                let text = "Permission denied, please check your API key permissions.";
                Err(Failure::refused(10005, text))
            }
            _ => Ok(()),
        });
        let failure = admitted.err()?;
        Some(self.limits.stamped(now_ms, route, failure.response(now_ms)))
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
        let (own, credentials) = (self.category, &self.credentials);
        let outcome = params_of(request).and_then(|params| {
            Inside { own, engine, credentials, now_ms, params, alteration }.answer(route)
        });
        let response = match outcome {
            Ok(result) => envelope(now_ms, 0, "OK", &result),
            Err(failure) => failure.response(now_ms),
        };
        if route.is_signed() { self.limits.stamped(now_ms, route, response) } else { response }
    }

    fn refusal(&self, now_ms: u64, _: &Request<Bytes>, refused: Refused<'_>) -> Response<Bytes> {
        let Refused { status, code, message } = refused;
        Failure { status, code, message: message.to_owned() }.response(now_ms)
    }

    fn rate_limited(&self, now_ms: u64, _: &Request<Bytes>, retry_after_s: u64) -> Response<Bytes> {
        limits::announced(now_ms, retry_after_s, Failure::too_many_visits().response(now_ms))
    }

    fn boxed_clone(&self) -> Box<dyn Face> {
        Box::new(self.clone())
    }
}

impl Unified {
    fn check_signed(&self, now_ms: u64, request: &Request<Bytes>) -> Result<(), Failure> {
        let header = |name| {
            request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let key = header("x-bapi-api-key");
        if key.is_empty() || header("x-bapi-sign").is_empty() {
            return Err(Failure { status: 401, ..Failure::refused(10003, "API key is invalid.") });
        }
        if key != self.credentials.key {
            return Err(Failure::refused(10003, "API key is invalid."));
        }
        let timestamp_text = header("x-bapi-timestamp");
        let window_text = header("x-bapi-recv-window");
        let window = if window_text.is_empty() {
            Some(RECV_WINDOW_DEFAULT_MS)
        } else {
            window_text.parse().ok()
        };
        let (Ok(timestamp), Some(window)) = (timestamp_text.parse::<u64>(), window) else {
            return Err(Failure::parameter());
        };
        if timestamp.saturating_add(window) < now_ms || timestamp >= now_ms + AHEAD_MAX_MS {
            let text = format!(
                "invalid request, please check your server timestamp or recv_window param. \
                 req_timestamp[{timestamp}],server_timestamp[{now_ms}],recv_window[{window}]"
            );
            return Err(Failure::refused(10002, text));
        }
        let query = request.uri().query().unwrap_or_default().as_bytes();
        let signed: &[u8] = if request.method() == Method::GET { query } else { request.body() };
        let parts = [timestamp_text.as_bytes(), key.as_bytes(), window_text.as_bytes(), signed];
        if header("x-bapi-sign") == hmac_sha256_hex(&self.credentials.secret, &parts) {
            Ok(())
        } else {
            Err(Failure::refused(
                10004,
                "error sign! Error sign, please check your signature generation algorithm.",
            ))
        }
    }
}

impl Inside<'_> {
    fn answer(mut self, route: Route) -> Result<Value, Failure> {
        Ok(match route {
            Route::Time => self.time(),
            Route::Instruments => self.instruments()?,
            Route::Tickers => self.tickers()?,
            Route::Orderbook => self.orderbook()?,
            Route::FundingHistory => self.funding_history()?,
            Route::PriceLimit => self.price_limit()?,
            Route::RiskLimit => self.risk_limit()?,
            Route::Create => self.create()?,
            Route::Amend => self.amend()?,
            Route::Cancel => self.cancel()?,
            Route::CancelAll => self.cancel_all()?,
            Route::PreCheck => self.pre_check()?,
            Route::Realtime => self.realtime()?,
            Route::History => self.history()?,
            Route::Executions => self.executions()?,
            Route::Positions => self.positions()?,
            Route::SwitchMode => self.switch_mode()?,
            Route::SetLeverage => self.set_leverage()?,
            Route::Wallet => self.wallet()?,
            Route::AccountInfo => self.account_info(),
            Route::SetMarginMode => self.set_margin_mode()?,
            Route::FeeRate => self.fee_rate()?,
            Route::ApiKey => self.api_key(),
            Route::Coins => self.coins(),
        })
    }

    fn category(&self) -> Result<&str, Failure> {
        match self.params.get("category") {
            Some(category @ ("linear" | "inverse" | "spot" | "option")) => Ok(category),
            _ => Err(Failure::refused(10001, "params error: Category is invalid")),
        }
    }

    /// Whether the category asked for is the one that trades here.
    fn is_own(&self) -> Result<bool, Failure> {
        Ok(self.category()? == self.own.name())
    }

    /// Refuses a category that has no positions, funding or leverage.
    fn needs_contracts(&self) -> Result<(), Failure> {
        if self.category()? == Category::Spot.name() {
            return Err(Failure::refused(10001, "params error: Category is invalid"));
        }
        Ok(())
    }

    fn listing(&self, symbol: &str) -> Result<&Listing, Failure> {
        let listed = self.engine.listings.get(symbol).filter(|_| self.is_own().unwrap_or(false));
        listed.ok_or_else(Failure::unknown_symbol)
    }

    /// The listing named by the mandatory parameter.
    fn symbol(&self) -> Result<&Listing, Failure> {
        self.listing(self.params.get("symbol").ok_or_else(Failure::unknown_symbol)?)
    }

    fn optional_symbol(&self) -> Result<Option<&'static str>, Failure> {
        let symbol = self.params.get("symbol");
        symbol.map(|symbol| Ok(self.listing(symbol)?.instrument.symbol)).transpose()
    }
}

/// The query string of a GET, the fields of the JSON body of a POST.
fn params_of(request: &Request<Bytes>) -> Result<Params, Failure> {
    let mut params = Params::default();
    if request.method() == Method::GET {
        params.extend(request.uri().query().unwrap_or_default());
        return Ok(params);
    }
    let fields: serde_json::Map<String, Value> =
        serde_json::from_slice(request.body()).map_err(|_| Failure::parameter())?;
    for (name, value) in fields {
        match value {
            Value::Null => {}
            // Amounts are strings at this venue; a number is a malformed request.
            Value::Number(_) if name == "qty" || name == "price" => {
                return Err(Failure::parameter());
            }
            Value::String(text) => params.insert(&name, text),
            other => params.insert(&name, other.to_string()),
        }
    }
    Ok(params)
}

fn envelope(now_ms: u64, code: i64, message: &str, result: &Value) -> Response<Bytes> {
    let body = json!({
        "retCode": code,
        "retMsg": message,
        "result": result,
        "retExtInfo": {},
        "time": now_ms,
    });
    let mut response = Response::new(Bytes::from(body.to_string()));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}
