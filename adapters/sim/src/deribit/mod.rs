//! The face of Deribit v2 over HTTP, for an account with a wallet per coin.
//!
//! There is no stream, so no cancel on disconnect; a session is what a token stands for.
//! Source: Deribit docs, JSON-RPC over HTTP, Authentication, Rate Limits and the page of each method, read 2026-11-22.

mod access;
mod account;
mod failure;
mod instruments;
mod listings;
mod market;
mod method;
mod orders;
mod render;
mod wire;

use std::cell::RefCell;

use bytes::Bytes;
use http::{Request, Response};
use rust_decimal::Decimal;

use self::access::Access;
use self::failure::Failure;
use self::method::Method;
use self::wire::Rpc;
use crate::credentials::Credentials;
use crate::exchange::funds::FeeRule;
use crate::exchange::instrument::Listing;
use crate::exchange::matching::{Alteration, ClientIds, MatchingEngine, Policy};
use crate::exchange::{Call, Face, RateLimits, Refused, Venue};
use crate::fault::Operation;
use crate::params::Params;

pub(crate) fn venue(credentials: Credentials, rate_limits: RateLimits) -> Venue {
    Venue {
        policy: Policy {
            client_ids: ClientIds::Free,
            offers_hedge_mode: false,
            refuses_taking_post_only: true,
            refuses_unfillable_fok: false,
            checks_precision: false,
            open_orders_max: 500,
            // The usual rates; not checked against the live schedule.
            maker_fee: Decimal::ZERO,
            taker_fee: Decimal::new(5, 4),
            fee_rule: FeeRule::Received,
            order_id: |number| (58_486_480_700 + number).to_string(),
            absent_client_id: |_| String::new(),
            first_trade_id: 300_000_000,
            shows_adjustments: false,
        },
        listings: instruments::listings(),
        leverage_default: 10,
        funds: vec![
            ("BTC", Decimal::from(5)),
            ("ETH", Decimal::from(100)),
            ("USDC", Decimal::from(250_000)),
        ],
        fee_token: None,
        face: Box::new(Deribit { access: RefCell::new(Access::new(credentials, rate_limits)) }),
    }
}

#[derive(Clone, Debug)]
struct Deribit {
    /// Shared so that a refusal for too many requests can end sessions wherever it comes from.
    access: RefCell<Access>,
}

/// One request behind the gateway.
struct Inside<'a> {
    engine: &'a mut MatchingEngine,
    now_ms: u64,
    params: Params,
    alteration: Alteration,
}

impl Face for Deribit {
    fn classify(&self, request: &Request<Bytes>) -> Call {
        let rpc = Rpc::read(request).unwrap_or_default();
        let operation = match Method::find(&rpc.method) {
            Some(Method::Buy | Method::Sell) if rpc.params.get("reduce_only") == Some("true") => {
                Operation::Place
            }
            Some(method) => method.operation(),
            None => Operation::Any,
        };
        Call { operation, symbol: rpc.params.get("instrument_name").map(str::to_owned) }
    }

    fn turn_away(&mut self, now_ms: u64, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let rpc = match Rpc::read(request) {
            Ok(rpc) => rpc,
            Err(failure) => return Some(wire::refusal(now_ms, None, &failure)),
        };
        let admitted = match Method::find(&rpc.method) {
            Some(method) => self.access.get_mut().admit(now_ms, method, request, &rpc),
            None => Err(Failure::unknown_method()),
        };
        let failure = admitted.err()?;
        Some(wire::refusal(now_ms, rpc.id.as_deref(), &failure))
    }

    fn carry_out(
        &mut self,
        engine: &mut MatchingEngine,
        now_ms: u64,
        request: &Request<Bytes>,
        alteration: Alteration,
    ) -> Response<Bytes> {
        let rpc = Rpc::read(request).unwrap_or_default();
        let Some(method) = Method::find(&rpc.method) else {
            return wire::refusal(now_ms, rpc.id.as_deref(), &Failure::unknown_method());
        };
        let outcome = if method == Method::Auth {
            self.access.get_mut().auth(now_ms, &rpc.params)
        } else {
            Inside { engine, now_ms, params: rpc.params, alteration }.answer(method)
        };
        match outcome {
            Ok(result) => wire::success(now_ms, rpc.id.as_deref(), &result),
            Err(failure) => wire::refusal(now_ms, rpc.id.as_deref(), &failure),
        }
    }

    fn refusal(
        &self,
        now_ms: u64,
        request: &Request<Bytes>,
        refused: Refused<'_>,
    ) -> Response<Bytes> {
        let id = Rpc::read(request).unwrap_or_default().id;
        let mut failure = Failure::refused(refused.code, refused.message);
        failure.status = http::StatusCode::from_u16(refused.status).unwrap_or(failure.status);
        wire::refusal(now_ms, id.as_deref(), &failure)
    }

    fn rate_limited(
        &self,
        now_ms: u64,
        request: &Request<Bytes>,
        _retry_after_s: u64,
    ) -> Response<Bytes> {
        // No header says how long to wait, and the session is over.
        self.access.borrow_mut().end_sessions();
        let id = Rpc::read(request).unwrap_or_default().id;
        wire::refusal(now_ms, id.as_deref(), &Failure::too_many_requests())
    }

    fn boxed_clone(&self) -> Box<dyn Face> {
        Box::new(self.clone())
    }
}

impl Inside<'_> {
    fn answer(mut self, method: Method) -> Result<String, Failure> {
        self.check_expiry(method)?;
        match method {
            // Answered before this is asked: tokens are not the engine's business.
            Method::Auth => Err(Failure::unknown_method()),
            Method::Test => Ok(wire::Object::default().text("version", "1.2.26").build()),
            Method::Status => Ok(wire::Object::default().text("locked", "false").build()),
            Method::Time => Ok(self.now_ms.to_string()),
            Method::Currencies => Ok(self.currencies()),
            Method::Instruments => self.instruments(),
            Method::Instrument => Ok(render::instrument(self.engine, self.instrument()?)),
            Method::Ticker => Ok(self.ticker(self.instrument()?)),
            Method::OrderBook => self.order_book(),
            Method::BookSummaryByCurrency => self.book_summary_by_currency(),
            Method::BookSummaryByInstrument => Ok(wire::array([self.summary(self.instrument()?)])),
            Method::IndexPrice => self.index_price(),
            Method::FundingRateValue => self.funding_rate_value(),
            Method::FundingRateHistory => self.funding_rate_history(),
            Method::Buy => self.place(crate::exchange::orders::Side::Buy),
            Method::Sell => self.place(crate::exchange::orders::Side::Sell),
            Method::Edit => self.edit(),
            Method::Cancel => self.cancel(),
            Method::CancelByLabel => self.cancel_by_label(),
            Method::CancelAll => self.cancel_all(),
            Method::CancelAllByCurrency => self.cancel_all_by_currency(),
            Method::CancelAllByInstrument => self.cancel_all_by_instrument(),
            Method::OrderState => self.order_state(),
            Method::OrderStateByLabel => self.order_state_by_label(),
            Method::OpenOrders => Ok(self.open_orders()),
            Method::OpenOrdersByCurrency => self.open_orders_by_currency(),
            Method::OpenOrdersByInstrument => self.open_orders_by_instrument(),
            Method::OpenOrdersByLabel => self.open_orders_by_label(),
            Method::OrderHistoryByCurrency => self.order_history_by_currency(),
            Method::OrderHistoryByInstrument => self.order_history_by_instrument(),
            Method::TradesByOrder => self.trades_by_order(),
            Method::TradesByCurrency => self.trades_by_currency(),
            Method::TradesByInstrument => self.trades_by_instrument(),
            Method::Positions => self.positions(),
            Method::Position => Ok(self.position(self.instrument()?)),
            Method::AccountSummary => self.account_summary(),
            Method::AccountSummaries => Ok(self.account_summaries()),
        }
    }

    /// The engine begins with a request only before its `valid_until`.
    fn check_expiry(&self, method: Method) -> Result<(), Failure> {
        let Some(text) = self.params.get("valid_until").filter(|_| method.can_expire()) else {
            return Ok(());
        };
        let at_ms: u64 = text.parse().map_err(|_| Failure::invalid("valid_until"))?;
        if self.now_ms < at_ms { Ok(()) } else { Err(Failure::timed_out()) }
    }

    /// The listing named by the mandatory parameter.
    fn instrument(&self) -> Result<&Listing, Failure> {
        let name = self.params.get("instrument_name");
        let name = name.ok_or_else(|| Failure::missing("instrument_name"))?;
        self.engine.listings.get(name).ok_or_else(Failure::unknown_instrument)
    }

    /// The mandatory currency: a coin that instruments settle in, or `any` where that is allowed.
    fn currency(&self, any: bool) -> Result<&str, Failure> {
        match self.params.get("currency") {
            Some(currency @ ("BTC" | "ETH" | "USDC" | "USDT" | "EURR")) => Ok(currency),
            Some("any") if any => Ok("any"),
            None if any => Ok("any"),
            None => Err(Failure::missing("currency")),
            Some(_) => Err(Failure::invalid("currency")),
        }
    }

    /// Whether `listing` belongs to `currency` and to the kind asked for.
    fn belongs(&self, listing: &Listing, currency: &str) -> bool {
        let rules = &listing.instrument;
        let kind = instruments::kind(rules.symbol);
        (currency == "any" || rules.settle == currency)
            && self.params.get("kind").is_none_or(|wanted| wanted == kind || wanted == "any")
    }
}
