//! The face of Binance USDⓈ-M futures (`/fapi`).
//!
//! Source: Binance USDⓈ-M docs, General Info, Error Codes and the REST pages of each endpoint, read 2026-11-22.

mod account;
mod failure;
mod instruments;
mod limits;
mod market;
mod new_order;
mod orders;
mod render;
mod route;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use rust_decimal::Decimal;
use serde_json::Value;

use self::failure::Failure;
use self::limits::Limits;
use self::route::Route;
use crate::credentials::Credentials;
use crate::exchange::checks::Refusal;
use crate::exchange::funds::FeeRule;
use crate::exchange::instrument::Listing;
use crate::exchange::matching::{Alteration, ClientIds, MatchingEngine, Policy};
use crate::exchange::{Call, Face, RateLimits, Refused, Venue};
use crate::fault::Operation;
use crate::params::{Params, plain_decimal};
use crate::signature::hmac_sha256_hex;

/// Window of a request that names none, milliseconds.
const RECV_WINDOW_DEFAULT_MS: u64 = 5000;

/// How far a timestamp may lie ahead of the exchange's clock, milliseconds.
const AHEAD_MAX_MS: u64 = 1000;

pub(crate) fn usdm(credentials: Credentials, rate_limits: RateLimits) -> Venue {
    Venue {
        policy: Policy {
            client_ids: ClientIds::UniqueAmongOpen,
            offers_hedge_mode: true,
            refuses_taking_post_only: true,
            refuses_unfillable_fok: true,
            checks_precision: true,
            open_orders_max: 200,
            // The usual base tier; not checked against the live schedule.
            maker_fee: Decimal::new(2, 4),
            taker_fee: Decimal::new(5, 4),
            fee_rule: FeeRule::Received,
            order_id: |number| (8_389_765_000_000_000_000 + number).to_string(),
            absent_client_id: |number| format!("web_{number:018}"),
            first_trade_id: 5_600_000_000,
        },
        listings: instruments::listings(),
        leverage_default: 20,
        funds: vec![("USDT", Decimal::from(250_000))],
        fee_token: None,
        face: Box::new(Usdm { credentials, limits: Limits::new(rate_limits) }),
    }
}

#[derive(Clone, Debug)]
struct Usdm {
    credentials: Credentials,
    limits: Limits,
}

/// One request behind the gateway.
struct Inside<'a> {
    engine: &'a mut MatchingEngine,
    now_ms: u64,
    params: Params,
    alteration: Alteration,
}

impl Face for Usdm {
    fn classify(&self, request: &Request<Bytes>) -> Call {
        let route = Route::find(request.method(), request.uri().path());
        let params = params_of(request);
        let operation = match route {
            Some(Route::Place) if params.get("reduceOnly") == Some("true") => Operation::Place,
            Some(route) => route.operation(),
            None => Operation::Any,
        };
        Call { operation, symbol: params.get("symbol").map(str::to_owned) }
    }

    fn turn_away(&mut self, now_ms: u64, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let params = params_of(request);
        let route = Route::find(request.method(), request.uri().path());
        let weight = route.map_or(1, |route| route.weight(&params));
        let admitted = self.limits.take_weight(now_ms, weight).and_then(|()| match route {
            None => Err(Failure::unknown_path(request)),
            Some(route) if route.is_signed() => self.check_signed(now_ms, request, &params),
            Some(_) => Ok(()),
        });
        let failure = admitted.err()?;
        Some(self.limits.stamped(now_ms, false, failure.response()))
    }

    fn carry_out(
        &mut self,
        engine: &mut MatchingEngine,
        now_ms: u64,
        request: &Request<Bytes>,
        alteration: Alteration,
    ) -> Response<Bytes> {
        let Some(route) = Route::find(request.method(), request.uri().path()) else {
            return Failure::unknown_path(request).response();
        };
        let params = params_of(request);
        let orders = route.orders();
        let counted = check_engine_window(now_ms, route, &params)
            .and_then(|()| self.limits.take_orders(now_ms, orders));
        let outcome = counted.and_then(|()| {
            let limits = &self.limits;
            Inside { engine, now_ms, params, alteration }.answer(route, limits)
        });
        let response =
            outcome.map_or_else(|failure| failure.response(), |value| json_response(&value));
        self.limits.stamped(now_ms, orders > 0, response)
    }

    fn refusal(&self, now_ms: u64, _: &Request<Bytes>, refused: Refused<'_>) -> Response<Bytes> {
        let Refused { status, code, message } = refused;
        let failure = Failure { status, code, message: message.to_owned(), retry_after_s: None };
        self.limits.stamped(now_ms, false, failure.response())
    }

    fn rate_limited(&self, now_ms: u64, _: &Request<Bytes>, retry_after_s: u64) -> Response<Bytes> {
        self.limits.stamped(now_ms, false, Failure::too_many_requests(retry_after_s).response())
    }

    fn boxed_clone(&self) -> Box<dyn Face> {
        Box::new(self.clone())
    }
}

impl Usdm {
    fn check_signed(
        &self,
        now_ms: u64,
        request: &Request<Bytes>,
        params: &Params,
    ) -> Result<(), Failure> {
        let key = request
            .headers()
            .get("x-mbx-apikey")
            .and_then(|key| key.to_str().ok())
            .unwrap_or_default();
        if key.is_empty() {
            return Err(Failure::unauthorised(-2014, "API-key format invalid."));
        }
        if key != self.credentials.key {
            return Err(Failure::unauthorised(
                -2015,
                "Invalid API-key, IP, or permissions for action",
            ));
        }
        let timestamp = params.u64("timestamp").ok_or_else(|| Failure::missing("timestamp"))?;
        let signature = params.get("signature").ok_or_else(|| Failure::missing("signature"))?;
        if timestamp >= now_ms + AHEAD_MAX_MS {
            return Err(Failure::refused(
                -1021,
                "Timestamp for this request was 1000ms ahead of the server's time.",
            ));
        }
        if now_ms.saturating_sub(timestamp) > recv_window(params)? {
            return Err(Failure::refused(
                -1021,
                "Timestamp for this request is outside of the recvWindow.",
            ));
        }
        let query = unsigned(request.uri().query().unwrap_or_default());
        let body = unsigned(std::str::from_utf8(request.body()).unwrap_or_default());
        let expected =
            hmac_sha256_hex(&self.credentials.secret, &[query.as_bytes(), body.as_bytes()]);
        if signature.eq_ignore_ascii_case(&expected) {
            Ok(())
        } else {
            Err(Failure::refused(-1022, "Signature for this request is not valid."))
        }
    }
}

/// The second check of the window, against the matching engine's clock, for whatever places orders.
fn check_engine_window(now_ms: u64, route: Route, params: &Params) -> Result<(), Failure> {
    if route.orders() == 0 {
        return Ok(());
    }
    let timestamp = params.u64("timestamp").unwrap_or_default();
    if now_ms > timestamp.saturating_add(recv_window(params)?) {
        return Err(Failure::refused(
            -5028,
            "Timestamp for this request is outside of the ME recvWindow.",
        ));
    }
    Ok(())
}

fn recv_window(params: &Params) -> Result<u64, Failure> {
    match params.get("recvWindow") {
        None => Ok(RECV_WINDOW_DEFAULT_MS),
        Some(text) => text.parse().map_err(|_| Failure::illegal("recvWindow", "^[0-9]{1,20}$")),
    }
}

/// Query string and form body together; the query string wins.
fn params_of(request: &Request<Bytes>) -> Params {
    let mut params = Params::default();
    if let Ok(body) = std::str::from_utf8(request.body()) {
        params.extend(body);
    }
    params.extend(request.uri().query().unwrap_or_default());
    params
}

/// The text that was signed: everything but the signature itself, byte for byte.
fn unsigned(text: &str) -> String {
    text.split('&').filter(|pair| !pair.starts_with("signature=")).collect::<Vec<_>>().join("&")
}

fn json_response(value: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(value.to_string()));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
    response
}

/// A plain decimal, or the refusal of anything else in that parameter.
fn plain_or_illegal(name: &str, text: &str) -> Result<Decimal, Failure> {
    plain_decimal(text).ok_or_else(|| Failure::illegal(name, "^([0-9]{1,20})(\\.[0-9]{1,20})?$"))
}

impl Inside<'_> {
    fn answer(mut self, route: Route, limits: &Limits) -> Result<Value, Failure> {
        Ok(match route {
            Route::Ping => Value::Object(serde_json::Map::new()),
            Route::Time => self.time(),
            Route::ExchangeInfo => self.exchange_info(),
            Route::Depth => self.depth()?,
            Route::BookTicker => self.book_ticker()?,
            Route::DayTicker => self.day_ticker()?,
            Route::PriceTicker => self.price_ticker()?,
            Route::PremiumIndex => self.premium_index()?,
            Route::FundingRate => self.funding_rate()?,
            Route::FundingInfo => self.funding_info(),
            Route::Place => self.place()?,
            Route::TestPlace => self.test_place()?,
            Route::Order => self.order()?,
            Route::Cancel => self.cancel()?,
            Route::OpenOrder => self.open_order()?,
            Route::OpenOrders => self.open_orders()?,
            Route::CancelAll => self.cancel_all()?,
            Route::AllOrders => self.all_orders()?,
            Route::UserTrades => self.user_trades()?,
            Route::PlaceBatch => self.place_batch()?,
            Route::PositionRisk => self.position_risk()?,
            Route::PositionRiskAll => self.position_risk_all()?,
            Route::Balance => self.balance(),
            Route::Account => self.account(),
            Route::AccountConfig => self.account_config(),
            Route::SymbolConfig => self.symbol_config()?,
            Route::PositionMode => self.position_mode(),
            Route::SetPositionMode => self.set_position_mode()?,
            Route::MultiAssetsMode => serde_json::json!({ "multiAssetsMargin": false }),
            Route::CommissionRate => self.commission_rate()?,
            Route::LeverageBracket => self.leverage_bracket()?,
            Route::OrderRateLimit => self.order_rate_limit(limits),
            Route::Leverage => self.set_leverage()?,
            Route::MarginType => self.set_margin_type()?,
        })
    }

    fn listing(&self, symbol: &str) -> Result<&Listing, Failure> {
        self.engine.listings.get(symbol).ok_or_else(|| Refusal::UnknownSymbol.into())
    }

    /// The listing named by the mandatory parameter.
    fn symbol(&self) -> Result<&Listing, Failure> {
        self.listing(self.params.get("symbol").ok_or_else(|| Failure::missing("symbol"))?)
    }

    fn optional_symbol(&self) -> Result<Option<&'static str>, Failure> {
        let symbol = self.params.get("symbol");
        symbol.map(|symbol| Ok(self.listing(symbol)?.instrument.symbol)).transpose()
    }
}
