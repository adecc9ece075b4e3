//! The faces of both futures: USDⓈ-M (`/fapi`) and COIN-M (`/dapi`).
//!
//! Source: Binance USDⓈ-M and COIN-M docs, General Info, Error Codes and the REST pages of each endpoint; the COIN-M
//! fields also in binance-connector-js, clients/derivatives-trading-coin-futures; read 2026-11-22.

mod account;
mod coinm;
mod failure;
mod market;
mod new_order;
mod orders;
mod product;
mod render;
mod route;
mod settings;
mod usdm;

use bytes::Bytes;
use http::{Request, Response};
use rust_decimal::Decimal;
use serde_json::Value;

use self::failure::refused;
use self::product::Product;
use self::route::Route;
use super::failure::Failure;
use super::gateway::{RECV_WINDOW_DEFAULT_MS, Stamp, check_signed, json_response, params_of};
use super::limits::{Limits, OrderRate, Rates};
use crate::credentials::Credentials;
use crate::exchange::checks::Refusal;
use crate::exchange::funds::FeeRule;
use crate::exchange::instrument::Listing;
use crate::exchange::matching::{Alteration, ClientIds, MatchingEngine, Policy};
use crate::exchange::{Call, Face, RateLimits, Refused, Venue};
use crate::fault::Operation;
use crate::params::Params;

/// Both futures count into the same pools.
///
/// Source: Binance USDⓈ-M General Info, Limits; Exchange Information, rateLimits, read 2026-11-22.
const RATES: Rates = Rates {
    weight_per_minute: 2400,
    weight_header: "x-mbx-used-weight-1m",
    orders: [
        OrderRate {
            window_ms: 10_000,
            max: 300,
            name: "TEN_SECONDS",
            header: "x-mbx-order-count-10s",
        },
        OrderRate { window_ms: 60_000, max: 1200, name: "MINUTE", header: "x-mbx-order-count-1m" },
    ],
};

pub(crate) fn usdm(credentials: Credentials, rate_limits: RateLimits) -> Venue {
    Venue {
        policy: policy(Decimal::new(2, 4)),
        listings: usdm::listings(),
        leverage_default: 20,
        funds: vec![("USDT", Decimal::from(250_000))],
        fee_token: None,
        face: face(Product::Usdm, credentials, rate_limits),
    }
}

pub(crate) fn coinm(credentials: Credentials, rate_limits: RateLimits) -> Venue {
    Venue {
        policy: policy(Decimal::new(1, 4)),
        listings: coinm::listings(),
        leverage_default: 20,
        funds: vec![("BTC", Decimal::from(5)), ("ETH", Decimal::ONE_HUNDRED)],
        fee_token: None,
        face: face(Product::Coinm, credentials, rate_limits),
    }
}

fn policy(maker_fee: Decimal) -> Policy {
    Policy {
        client_ids: ClientIds::UniqueAmongOpen,
        offers_hedge_mode: true,
        refuses_taking_post_only: true,
        refuses_unfillable_fok: true,
        checks_precision: true,
        open_orders_max: 200,
        // The usual base tier; not checked against the live schedule.
        maker_fee,
        taker_fee: Decimal::new(5, 4),
        fee_rule: FeeRule::Received,
        order_id: |number| (8_389_765_000_000_000_000 + number).to_string(),
        absent_client_id: |number| format!("web_{number:018}"),
        first_trade_id: 5_600_000_000,
        shows_adjustments: false,
    }
}

fn face(product: Product, credentials: Credentials, mode: RateLimits) -> Box<dyn Face> {
    Box::new(Futures { product, credentials, limits: Limits::new(mode, RATES) })
}

#[derive(Clone, Debug)]
struct Futures {
    product: Product,
    credentials: Credentials,
    limits: Limits,
}

/// One request behind the gateway.
struct Inside<'a> {
    product: Product,
    engine: &'a mut MatchingEngine,
    now_ms: u64,
    params: Params,
    alteration: Alteration,
}

impl Face for Futures {
    fn classify(&self, request: &Request<Bytes>) -> Call {
        let route = self.route(request);
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
        let route = self.route(request);
        let weight = route.map_or(1, |route| route.weight(&params));
        let admitted = self.limits.take_weight(now_ms, weight).and_then(|()| match route {
            None => Err(Failure::unknown_path(request)),
            Some(route) if route.is_signed() => {
                let operation = route.operation();
                check_signed(&self.credentials, now_ms, request, &params, operation, stamp)
            }
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
        let Some(route) = self.route(request) else {
            return Failure::unknown_path(request).response();
        };
        let params = params_of(request);
        let orders = route.orders();
        let checked = if orders > 0 && self.product.checks_window_at_engine() {
            check_engine_window(now_ms, &params)
        } else {
            Ok(())
        };
        let counted = checked.and_then(|()| self.limits.take_orders(now_ms, orders));
        let outcome = counted.and_then(|()| {
            let (limits, product) = (&self.limits, self.product);
            Inside { product, engine, now_ms, params, alteration }.answer(route, limits)
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
        self.limits.stamped(
            now_ms,
            false,
            Failure::too_many_requests(RATES.weight_per_minute, retry_after_s).response(),
        )
    }

    fn boxed_clone(&self) -> Box<dyn Face> {
        Box::new(self.clone())
    }
}

impl Futures {
    fn route(&self, request: &Request<Bytes>) -> Option<Route> {
        Route::find(self.product, request.method(), request.uri().path())
    }
}

/// The second check of the window, against the matching engine's clock, for whatever places orders.
fn check_engine_window(now_ms: u64, params: &Params) -> Result<(), Failure> {
    if now_ms > stamp(params)?.until_ms() {
        return Err(Failure::refused(
            -5028,
            "Timestamp for this request is outside of the ME recvWindow.",
        ));
    }
    Ok(())
}

/// Whole milliseconds; the page names no longest window.
fn stamp(params: &Params) -> Result<Stamp, Failure> {
    let sent_ms = params.u64("timestamp").ok_or_else(|| Failure::missing("timestamp"))?;
    let window_ms = match params.get("recvWindow") {
        None => RECV_WINDOW_DEFAULT_MS,
        Some(text) => text.parse().map_err(|_| Failure::illegal("recvWindow", "^[0-9]{1,20}$"))?,
    };
    Ok(Stamp { sent_ms, window_ms })
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
            Route::Balance => self.balances(),
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
        self.engine.listings.get(symbol).ok_or_else(|| refused(Refusal::UnknownSymbol))
    }

    /// The listing named by the mandatory parameter.
    fn symbol(&self) -> Result<&Listing, Failure> {
        self.listing(self.params.get("symbol").ok_or_else(|| Failure::missing("symbol"))?)
    }

    /// The listings a page is asked for: by symbol, on COIN-M also by pair, else all.
    fn wanted(&self) -> Result<Vec<&Listing>, Failure> {
        if self.params.get("symbol").is_some() {
            return Ok(vec![self.symbol()?]);
        }
        let pair = self.params.get("pair").filter(|_| self.product == Product::Coinm);
        let of_pair =
            |listing: &&Listing| pair.is_none_or(|pair| product::pair(&listing.instrument) == pair);
        let wanted: Vec<&Listing> = self.engine.listings.values().filter(of_pair).collect();
        if wanted.is_empty() { Err(refused(Refusal::UnknownSymbol)) } else { Ok(wanted) }
    }

    /// The same where a symbol, or on COIN-M a pair, must be named.
    fn named(&self) -> Result<Vec<&Listing>, Failure> {
        match (self.product, self.params.get("pair")) {
            (Product::Coinm, Some(_)) => self.wanted(),
            _ => Ok(vec![self.symbol()?]),
        }
    }
}
