//! The face of Binance spot (`/api/v3`), with the page of `/sapi` that tells what a key may do.
//!
//! The time window is checked on receipt and not again by the matching engine: an admitted order may execute later.
//! Source: binance-spot-api-docs, rest-api.md, errors.md, enums.md and filters.md, read 2026-11-22.

mod account;
mod failure;
mod instruments;
mod market;
mod new_order;
mod orders;
mod render;
mod route;

use bytes::Bytes;
use http::{Request, Response};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use self::failure::refused;
use self::route::Route;
use super::failure::Failure;
use super::gateway::{
    RECV_WINDOW_DEFAULT_MS, Stamp, check_signed, json_response, params_of, plain_or_illegal,
};
use super::limits::{Limits, OrderRate, Rates};
use crate::credentials::Credentials;
use crate::exchange::checks::Refusal;
use crate::exchange::funds::{FeeRule, FeeToken};
use crate::exchange::instrument::Listing;
use crate::exchange::matching::{Alteration, ClientIds, MatchingEngine, Policy};
use crate::exchange::{Call, Face, RateLimits, Refused, Venue};
use crate::params::Params;

/// Source: binance-spot-api-docs rest-api.md, Limits; the order counts were not checked against the live listing.
const RATES: Rates = Rates {
    weight_per_minute: 6000,
    weight_header: "x-mbx-used-weight-1m",
    orders: [
        OrderRate {
            window_ms: 10_000,
            max: 100,
            name: "10 SECOND",
            header: "x-mbx-order-count-10s",
        },
        OrderRate {
            window_ms: 86_400_000,
            max: 200_000,
            name: "1 DAY",
            header: "x-mbx-order-count-1d",
        },
    ],
};

/// Every page of `/sapi` has a limit of its own; only one is here.
///
/// Source: Binance Developers, Rate limits, `/api/*` and `/sapi/*`, read 2026-11-22.
const WALLET_RATES: Rates =
    Rates { weight_per_minute: 12_000, weight_header: "x-sapi-used-ip-weight-1m", ..RATES };

/// Longest window, milliseconds.
const RECV_WINDOW_MAX_MS: u64 = 60_000;

/// Timestamps from here on count microseconds.
const MICROSECONDS_FROM: u64 = 10_000_000_000_000;

pub(crate) fn spot(credentials: Credentials, rate_limits: RateLimits) -> Venue {
    Venue {
        policy: Policy {
            client_ids: ClientIds::UniqueAmongOpen,
            offers_hedge_mode: false,
            refuses_taking_post_only: true,
            refuses_unfillable_fok: false,
            checks_precision: true,
            open_orders_max: 200,
            // The usual base tier; not checked against the live schedule.
            maker_fee: Decimal::new(1, 3),
            taker_fee: Decimal::new(1, 3),
            fee_rule: FeeRule::Received,
            order_id: |number| (41_000_000_000 + number).to_string(),
            absent_client_id: |number| format!("web_{number:018}"),
            first_trade_id: 4_200_000_000,
            shows_adjustments: false,
        },
        listings: instruments::listings(),
        leverage_default: 1,
        funds: vec![
            ("BNB", Decimal::TEN),
            ("BTC", Decimal::TWO),
            ("ETH", Decimal::from(50)),
            ("USDT", Decimal::from(250_000)),
        ],
        fee_token: Some(FeeToken {
            asset: "BNB",
            prices: vec![("USDT", Decimal::from(600)), ("BTC", Decimal::new(92, 4))],
            factor: Decimal::new(75, 2),
        }),
        face: Box::new(Spot {
            credentials,
            limits: Limits::new(rate_limits, RATES),
            wallet_limits: Limits::new(rate_limits, WALLET_RATES),
        }),
    }
}

#[derive(Clone, Debug)]
struct Spot {
    credentials: Credentials,
    limits: Limits,
    wallet_limits: Limits,
}

impl Spot {
    /// The limits that a request counts into.
    fn limits_of(&mut self, route: Option<Route>) -> &mut Limits {
        match route {
            Some(Route::Permissions) => &mut self.wallet_limits,
            _ => &mut self.limits,
        }
    }
}

/// One request behind the gateway.
struct Inside<'a> {
    engine: &'a mut MatchingEngine,
    credentials: &'a Credentials,
    now_ms: u64,
    params: Params,
    alteration: Alteration,
}

impl Face for Spot {
    fn classify(&self, request: &Request<Bytes>) -> Call {
        let route = Route::find(request.method(), request.uri().path());
        let operation = route.map_or(crate::fault::Operation::Any, Route::operation);
        Call { operation, symbol: params_of(request).get("symbol").map(str::to_owned) }
    }

    fn turn_away(&mut self, now_ms: u64, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let params = params_of(request);
        let route = Route::find(request.method(), request.uri().path());
        let weight = route.map_or(1, |route| route.weight(&params));
        let counted = self.limits_of(route).take_weight(now_ms, weight);
        let admitted = counted.and_then(|()| match route {
            None => Err(Failure::unknown_path(request)),
            Some(route) if route.is_signed() => {
                let operation = route.operation();
                check_signed(&self.credentials, now_ms, request, &params, operation, stamp)
            }
            Some(_) => Ok(()),
        });
        let failure = admitted.err()?;
        Some(self.limits_of(route).stamped(now_ms, false, failure.response()))
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
        let (orders, weight) = (route.orders(), route.weight(&params));
        let counted = self.limits.take_orders(now_ms, orders);
        let outcome = counted.and_then(|()| {
            let (limits, credentials) = (&self.limits, &self.credentials);
            Inside { engine, credentials, now_ms, params, alteration }.answer(route, limits)
        });
        if let Ok(value) = &outcome {
            // Orders and cancels that succeed cost no weight; what fills at once is not counted as an open order.
            if route.is_free_when_successful() {
                self.limits.give_back_weight(now_ms, weight);
            }
            if orders > 0 && value["status"] == "FILLED" {
                self.limits.give_back_orders(now_ms, orders);
            }
        }
        let response =
            outcome.map_or_else(|failure| failure.response(), |value| json_response(&value));
        self.limits_of(Some(route)).stamped(now_ms, orders > 0, response)
    }

    fn refusal(&self, now_ms: u64, _: &Request<Bytes>, refused: Refused<'_>) -> Response<Bytes> {
        let Refused { status, code, message } = refused;
        let failure = Failure { status, code, message: message.to_owned(), retry_after_s: None };
        self.limits.stamped(now_ms, false, failure.response())
    }

    fn rate_limited(&self, now_ms: u64, _: &Request<Bytes>, retry_after_s: u64) -> Response<Bytes> {
        let failure = Failure::too_many_requests(RATES.weight_per_minute, retry_after_s);
        self.limits.stamped(now_ms, false, failure.response())
    }

    fn boxed_clone(&self) -> Box<dyn Face> {
        Box::new(self.clone())
    }
}

/// Milliseconds or microseconds; the window may have decimals and lasts a minute at most.
fn stamp(params: &Params) -> Result<Stamp, Failure> {
    let sent = params.u64("timestamp").ok_or_else(|| Failure::missing("timestamp"))?;
    let sent_ms = if sent >= MICROSECONDS_FROM { sent / 1000 } else { sent };
    let window_ms = match params.get("recvWindow") {
        None => RECV_WINDOW_DEFAULT_MS,
        Some(text) => {
            let window = plain_or_illegal("recvWindow", text)?;
            if window > Decimal::from(RECV_WINDOW_MAX_MS) {
                return Err(Failure::refused(-1131, "recvWindow must be less than 60000"));
            }
            u64::try_from(window.trunc()).unwrap_or(RECV_WINDOW_MAX_MS)
        }
    };
    Ok(Stamp { sent_ms, window_ms })
}

impl Inside<'_> {
    fn answer(mut self, route: Route, limits: &Limits) -> Result<Value, Failure> {
        Ok(match route {
            Route::Ping => json!({}),
            Route::Time => json!({ "serverTime": self.now_ms }),
            Route::ExchangeInfo => self.exchange_info()?,
            Route::Depth => self.depth()?,
            Route::BookTicker => self.book_ticker()?,
            Route::DayTicker => self.day_ticker()?,
            Route::PriceTicker => self.price_ticker()?,
            Route::AveragePrice => self.average_price()?,
            Route::Place => self.place()?,
            Route::TestPlace => self.test_place()?,
            Route::Order => self.order()?,
            Route::Cancel => self.cancel()?,
            Route::OpenOrders => self.open_orders()?,
            Route::CancelAll => self.cancel_all()?,
            Route::AllOrders => self.all_orders()?,
            Route::MyTrades => self.my_trades()?,
            Route::Account => self.account(),
            Route::Commission => self.commission()?,
            Route::OrderRateLimit => self.order_rate_limit(limits),
            Route::Permissions => self.permissions(),
        })
    }

    fn listing(&self, symbol: &str) -> Result<&Listing, Failure> {
        self.engine.listings.get(symbol).ok_or_else(|| refused(Refusal::UnknownSymbol))
    }

    /// The listing named by the mandatory parameter.
    fn symbol(&self) -> Result<&Listing, Failure> {
        self.listing(self.params.get("symbol").ok_or_else(|| Failure::missing("symbol"))?)
    }

    /// The listings named by `symbol` or by the list `symbols`, else all.
    fn wanted(&self) -> Result<Vec<&Listing>, Failure> {
        if self.params.get("symbol").is_some() {
            return Ok(vec![self.symbol()?]);
        }
        let Some(list) = self.params.get("symbols") else {
            return Ok(self.engine.listings.values().collect());
        };
        let symbols: Vec<String> = serde_json::from_str(list)
            .map_err(|_| Failure::illegal("symbols", "^\\[(\"[A-Z0-9-_.]{1,20}\",?)*\\]$"))?;
        symbols.iter().map(|symbol| self.listing(symbol)).collect()
    }
}
