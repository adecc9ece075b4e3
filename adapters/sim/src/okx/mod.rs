//! The face of OKX v5 for one product, perpetual swaps or spot, of an account in futures mode.
//!
//! Instrument types of the other products exist but list nothing. Margin is cross; a market buy that the balance
//! cannot pay is refused, as with `banAmend`, and not made smaller.
//! Source: OKX v5 docs, Overview, Trading Account, Order Book Trading, Public Data, Error Code, read 2026-11-22.

mod account;
mod failure;
mod instruments;
mod limits;
mod listings;
mod market;
mod orders;
mod render;
mod route;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use self::failure::Failure;
use self::limits::Limits;
use self::route::Route;
use crate::civil;
use crate::credentials::Credentials;
use crate::exchange::funds::FeeRule;
use crate::exchange::instrument::{InstrumentKind, Listing};
use crate::exchange::matching::{Alteration, ClientIds, MatchingEngine, Policy};
use crate::exchange::{Call, Face, RateLimits, Refused, Venue};
use crate::fault::Operation;
use crate::params::Params;
use crate::signature::hmac_sha256_base64;

/// How far a request's timestamp may lie from the exchange's clock, milliseconds. Documented for the login of the
/// stream, taken for REST too. Source: OKX v5 docs, Overview, WebSocket, Login, read 2026-11-22.
const TIMESTAMP_SPAN_MS: u64 = 30_000;

/// What one simulated exchange trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Product {
    Swap,
    Spot,
}

pub(crate) fn swap(credentials: Credentials, rate_limits: RateLimits) -> Venue {
    venue(Product::Swap, credentials, rate_limits)
}

pub(crate) fn spot(credentials: Credentials, rate_limits: RateLimits) -> Venue {
    venue(Product::Spot, credentials, rate_limits)
}

fn venue(product: Product, credentials: Credentials, rate_limits: RateLimits) -> Venue {
    // The usual base tiers; not checked against the live schedule.
    let (maker_fee, taker_fee, listings) = match product {
        Product::Swap => (Decimal::new(2, 4), Decimal::new(5, 4), instruments::swaps()),
        Product::Spot => (Decimal::new(8, 4), Decimal::new(1, 3), instruments::pairs()),
    };
    Venue {
        policy: Policy {
            client_ids: ClientIds::UniqueAmongOpen,
            offers_hedge_mode: product == Product::Swap,
            refuses_taking_post_only: false,
            refuses_unfillable_fok: false,
            checks_precision: false,
            open_orders_max: 500,
            maker_fee,
            taker_fee,
            fee_rule: FeeRule::Received,
            order_id: |number| (2_740_000_000_000_000_000 + number).to_string(),
            absent_client_id: |_| String::new(),
            first_trade_id: 900_000_000,
            shows_adjustments: false,
        },
        listings,
        leverage_default: if product == Product::Swap { 10 } else { 1 },
        funds: vec![
            ("USDT", Decimal::from(250_000)),
            ("BTC", Decimal::from(2)),
            ("ETH", Decimal::from(40)),
        ],
        fee_token: None,
        face: Box::new(Okx { product, credentials, limits: Limits::new(rate_limits) }),
    }
}

#[derive(Clone, Debug)]
struct Okx {
    product: Product,
    credentials: Credentials,
    limits: Limits,
}

/// What a request brings besides its headers.
struct Asked {
    /// One entry, or one for each order of a batch.
    entries: Vec<Params>,
    /// `expTime`, milliseconds UTC.
    expires_ms: Option<u64>,
}

/// One request behind the gateway.
struct Inside<'a> {
    engine: &'a mut MatchingEngine,
    credentials: &'a Credentials,
    product: Product,
    now_ms: u64,
    params: Params,
    alteration: Alteration,
}

impl Face for Okx {
    fn classify(&self, request: &Request<Bytes>) -> Call {
        let asked = asked(request).ok();
        let first = asked.and_then(|asked| asked.entries.into_iter().next()).unwrap_or_default();
        let operation = match Route::find(request.method(), request.uri().path()) {
            Some(Route::Place | Route::PlaceBatch) if orders::may_only_close(&first) => {
                Operation::Place
            }
            Some(route) => route.operation(),
            None => Operation::Any,
        };
        Call { operation, symbol: first.get("instId").map(str::to_owned) }
    }

    fn turn_away(&mut self, now_ms: u64, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let Some(route) = Route::find(request.method(), request.uri().path()) else {
            return Some(failure::unknown_path());
        };
        let signed = if route.is_signed() { self.check_signed(now_ms, request) } else { Ok(()) };
        let admitted = signed.and_then(|()| {
            if route.operation().is_trading() && !self.credentials.may_trade {
                // Source: OKX v5 docs, Error Code, 50120, read 2026-11-22.
                let text = "This API key doesn't have permission to use this function";
                return Err(Failure::refused(50120, text));
            }
            let asked = asked(request)?;
            let about = asked.entries.first().and_then(|entry| entry.get("instId"));
            self.limits.take(now_ms, route, about.unwrap_or_default(), asked.entries.len())?;
            match asked.expires_ms {
                Some(at) if route.can_expire() && at < now_ms => Err(Failure::late_on_arrival()),
                _ => Ok(()),
            }
        });
        admitted.err().map(|failure| failure.response())
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
        let asked = match asked(request) {
            Ok(asked) => asked,
            Err(failure) => return failure.response(),
        };
        if let Some(step) = orders::step(route) {
            // At which layer `expTime` is checked is not documented.
            let late = route.can_expire()
                && !alteration.in_time
                && asked.expires_ms.is_some_and(|at| at < now_ms);
            let (product, credentials) = (self.product, &self.credentials);
            let mut entries = Vec::new();
            for params in asked.entries {
                let engine = &mut *engine;
                let inside = Inside { engine, credentials, product, now_ms, params, alteration };
                entries.push(inside.ordered(step, late));
            }
            return orders::response(now_ms, &entries);
        }
        let params = asked.entries.into_iter().next().unwrap_or_default();
        let (product, credentials) = (self.product, &self.credentials);
        let inside = Inside { engine, credentials, product, now_ms, params, alteration };
        match inside.answer(route) {
            Ok(data) => respond(StatusCode::OK, &json!({ "code": "0", "data": data, "msg": "" })),
            Err(failure) => failure.response(),
        }
    }

    fn refusal(
        &self,
        now_ms: u64,
        _request: &Request<Bytes>,
        refused: Refused<'_>,
    ) -> Response<Bytes> {
        let code = u32::try_from(refused.code).unwrap_or(1);
        let failure = Failure { status: refused.status, code, message: refused.message.to_owned() };
        // The order codes stand in the entry of the order, the others on top.
        if (51_000..60_000).contains(&code) {
            return orders::response(now_ms, &[Err(failure.entry("", "", now_ms))]);
        }
        failure.response()
    }

    fn rate_limited(
        &self,
        _now_ms: u64,
        _request: &Request<Bytes>,
        _retry_after_s: u64,
    ) -> Response<Bytes> {
        // No header says how long to wait.
        Failure::too_many_requests().response()
    }

    fn boxed_clone(&self) -> Box<dyn Face> {
        Box::new(self.clone())
    }
}

impl Okx {
    /// Key, passphrase, time and signature. Keys of the demo environment work like the others here.
    // Source: OKX v5 docs, Error Code, General Class and API Class, read 2026-11-22.
    fn check_signed(&self, now_ms: u64, request: &Request<Bytes>) -> Result<(), Failure> {
        let header = |name| {
            request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let empty = |code, name: &str| {
            Failure::unauthorised(code, format!("Request header {name} can not be empty."))
        };
        let key = header("ok-access-key");
        let passphrase = header("ok-access-passphrase");
        let sign = header("ok-access-sign");
        let timestamp = header("ok-access-timestamp");
        match () {
            () if key.is_empty() => return Err(empty(50103, "OK-ACCESS-KEY")),
            () if passphrase.is_empty() => return Err(empty(50104, "OK-ACCESS-PASSPHRASE")),
            () if sign.is_empty() => return Err(empty(50106, "OK-ACCESS-SIGN")),
            () if timestamp.is_empty() => return Err(empty(50107, "OK-ACCESS-TIMESTAMP")),
            () => {}
        }
        let Some(at_ms) = civil::from_rfc3339(timestamp) else {
            return Err(Failure::unauthorised(50112, "Invalid OK-ACCESS-TIMESTAMP"));
        };
        if at_ms.abs_diff(now_ms) > TIMESTAMP_SPAN_MS {
            return Err(Failure::unauthorised(50102, "Timestamp request expired"));
        }
        if key != self.credentials.key {
            return Err(Failure::unauthorised(50111, "Invalid OK-ACCESS-KEY"));
        }
        if self.credentials.passphrase.as_deref() != Some(passphrase) {
            let text = "Request header OK-ACCESS-PASSPHRASE incorrect.";
            return Err(Failure::unauthorised(50105, text));
        }
        let path = request.uri().path_and_query().map_or("", |path| path.as_str());
        let parts: [&[u8]; 4] = [
            timestamp.as_bytes(),
            request.method().as_str().as_bytes(),
            path.as_bytes(),
            request.body(),
        ];
        if sign == hmac_sha256_base64(&self.credentials.secret, &parts) {
            Ok(())
        } else {
            Err(Failure::unauthorised(50113, "Invalid Sign"))
        }
    }
}

impl Inside<'_> {
    fn answer(mut self, route: Route) -> Result<Value, Failure> {
        Ok(match route {
            Route::Time => json!([{ "ts": self.now_ms.to_string() }]),
            Route::Instruments | Route::AccountInstruments => self.instruments()?,
            Route::Ticker => json!([self.ticker(self.instrument()?)]),
            Route::Tickers => self.tickers()?,
            Route::Books => self.books()?,
            Route::MarkPrice => self.mark_prices()?,
            Route::FundingRate => self.funding_rate()?,
            Route::FundingRateHistory => self.funding_rate_history()?,
            Route::PriceLimit => self.price_limit()?,
            Route::Order => self.order()?,
            Route::Pending => self.pending()?,
            Route::History => self.history(listings::HISTORY_MS)?,
            Route::HistoryArchive => self.history(listings::ARCHIVE_MS)?,
            Route::Fills => self.fills(listings::FILLS_MS)?,
            Route::FillsHistory => self.fills(listings::ARCHIVE_MS)?,
            Route::Balance => self.balance(),
            Route::Positions => self.positions()?,
            Route::Config => self.config(),
            Route::SetPositionMode => self.set_position_mode()?,
            Route::SetLeverage => self.set_leverage()?,
            Route::Leverage => self.leverage()?,
            Route::TradeFee => self.trade_fee()?,
            Route::Currencies => self.currencies(),
            Route::FundingBalances => json!([]),
            Route::CancelAllAfter => self.cancel_all_after()?,
            // Orders are carried out one by one before this is asked.
            Route::Place
            | Route::PlaceBatch
            | Route::Amend
            | Route::Cancel
            | Route::CancelBatch => {
                json!([])
            }
        })
    }

    /// The listing named by the mandatory parameter.
    fn instrument(&self) -> Result<&Listing, Failure> {
        let name = self.params.get("instId").ok_or_else(|| Failure::missing("instId"))?;
        self.engine.listings.get(name).ok_or_else(Failure::unknown_instrument)
    }

    /// The listings of `instType`, which is mandatory, narrowed by `instId`, `instFamily` and `uly`.
    fn of_type(&self) -> Result<Vec<&Listing>, Failure> {
        let kind = self.params.get("instType").ok_or_else(|| Failure::missing("instType"))?;
        if !matches!(kind, "SPOT" | "MARGIN" | "SWAP" | "FUTURES" | "OPTION") {
            return Err(Failure::parameter("instType"));
        }
        let listed = self.engine.listings.values().filter(|listing| {
            let matches =
                |name, value: &str| self.params.get(name).is_none_or(|wanted| wanted == value);
            let family = render::family(listing);
            render::instrument_type(listing) == kind
                && matches("instId", listing.instrument.symbol)
                && matches("instFamily", &family)
                && matches("uly", &family)
        });
        let listed: Vec<&Listing> = listed.collect();
        if listed.is_empty() && self.params.get("instId").is_some() {
            return Err(Failure::unknown_instrument());
        }
        Ok(listed)
    }
}

fn is_inverse(listing: &Listing) -> bool {
    listing.instrument.kind == InstrumentKind::Inverse
}

/// The query string of a GET, the fields of the JSON body of a POST.
fn asked(request: &Request<Bytes>) -> Result<Asked, Failure> {
    let expires = request.headers().get("exptime").and_then(|value| value.to_str().ok());
    let expires_ms = match expires {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| Failure::parameter("expTime"))?),
    };
    if request.method() == Method::GET {
        let mut params = Params::default();
        params.extend(request.uri().query().unwrap_or_default());
        return Ok(Asked { entries: vec![params], expires_ms });
    }
    let body: Value = serde_json::from_slice(request.body()).map_err(|_| Failure::malformed())?;
    let entries = match body {
        Value::Array(entries) => entries.into_iter().map(fields).collect::<Result<_, _>>()?,
        entry => vec![fields(entry)?],
    };
    Ok(Asked { entries, expires_ms })
}

fn fields(entry: Value) -> Result<Params, Failure> {
    let Value::Object(fields) = entry else {
        return Err(Failure::malformed());
    };
    let mut params = Params::default();
    for (name, value) in fields {
        match value {
            Value::Null => {}
            // Amounts are strings at this venue; a number is a malformed request.
            Value::Number(_) if name == "sz" || name == "px" => {
                return Err(Failure::parameter(&name));
            }
            Value::String(text) => params.insert(&name, text),
            other => params.insert(&name, other.to_string()),
        }
    }
    Ok(params)
}

fn respond(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
