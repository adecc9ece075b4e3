//! What an order request says, read from its bytes in each venue's form, without the adapters.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Method, Request};
use rust_decimal::Decimal;
use serde_json::Value;

/// One order as its bytes say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placement {
    pub(crate) client_id: String,
    pub(crate) symbol: String,
    pub(crate) buys: bool,
    pub(crate) limit: Option<(Decimal, Lifetime)>,
    /// In the venue's unit.
    pub(crate) quantity: Decimal,
    pub(crate) reduce_only: bool,
    pub(crate) deadline_ms: u64,
    /// In what steps the venue counts deadlines; ours are rounded down to one.
    pub(crate) deadline_step_ms: u64,
}

/// What becomes of the rest of a limit order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifetime {
    Gtc,
    Ioc,
    Fok,
    PostOnly,
}

/// Reads a request; `None` if it places no order, an error if it does and cannot be read.
pub(crate) fn read(request: &Request<Bytes>) -> Option<Result<Placement, String>> {
    if request.method() != Method::POST {
        return None;
    }
    let read = match request.uri().path() {
        "/fapi/v1/order" | "/dapi/v1/order" | "/api/v3/order" => binance(request),
        "/v5/order/create" => bybit(request),
        "/api/v5/trade/order" => okx(request),
        "/api/v2/private/buy" => deribit(request, true),
        "/api/v2/private/sell" => deribit(request, false),
        "/api/v3/brokerage/orders" => coinbase(request),
        _ => return None,
    };
    Some(read.ok_or_else(|| format!("unreadable order: {} {:?}", request.uri(), request.body())))
}

fn binance(request: &Request<Bytes>) -> Option<Placement> {
    let body = std::str::from_utf8(request.body()).ok()?;
    let query = request.uri().query().unwrap_or_default();
    let pairs = query.split('&').chain(body.split('&')).filter_map(|pair| pair.split_once('='));
    let fields: BTreeMap<&str, &str> = pairs.collect();
    let price = || -> Option<Decimal> { fields.get("price")?.parse().ok() };
    let limit = match *fields.get("type")? {
        "MARKET" => None,
        "LIMIT_MAKER" => Some((price()?, Lifetime::PostOnly)),
        "LIMIT" => Some((price()?, lifetime(fields.get("timeInForce")?)?)),
        _ => return None,
    };
    let stamp: u64 = fields.get("timestamp")?.parse().ok()?;
    let window: u64 = fields.get("recvWindow")?.parse().ok()?;
    Some(Placement {
        client_id: (*fields.get("newClientOrderId")?).to_owned(),
        symbol: (*fields.get("symbol")?).to_owned(),
        buys: buys(fields.get("side")?)?,
        limit,
        quantity: fields.get("quantity")?.parse().ok()?,
        reduce_only: fields.get("reduceOnly") == Some(&"true"),
        deadline_ms: stamp + window,
        deadline_step_ms: 1,
    })
}

fn bybit(request: &Request<Bytes>) -> Option<Placement> {
    let body: Value = serde_json::from_slice(request.body()).ok()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let limit = match text("orderType")? {
        "Market" => None,
        "Limit" => Some((text("price")?.parse().ok()?, lifetime(text("timeInForce")?)?)),
        _ => return None,
    };
    // On spot a market order is sized in quote unless it says otherwise.
    if text("category")? == "spot" && limit.is_none() && text("marketUnit")? != "baseCoin" {
        return None;
    }
    Some(Placement {
        client_id: text("orderLinkId")?.to_owned(),
        symbol: text("symbol")?.to_owned(),
        buys: buys(text("side")?)?,
        limit,
        quantity: text("qty")?.parse().ok()?,
        reduce_only: is_true(&body, "reduceOnly"),
        deadline_ms: header(request, "x-bapi-timestamp")? + header(request, "x-bapi-recv-window")?,
        deadline_step_ms: 1,
    })
}

fn okx(request: &Request<Bytes>) -> Option<Placement> {
    let body: Value = serde_json::from_slice(request.body()).ok()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let kind = text("ordType")?;
    let limit = match kind {
        "market" | "optimal_limit_ioc" => None,
        word => Some((text("px")?.parse().ok()?, lifetime(word)?)),
    };
    // The rest of a swap's plain market order would stay in the book; on spot one is sized in quote unless it says
    // otherwise.
    let swap = text("instId")?.ends_with("-SWAP");
    if limit.is_none() && (swap == (kind == "market") || (!swap && text("tgtCcy")? != "base_ccy")) {
        return None;
    }
    Some(Placement {
        client_id: text("clOrdId")?.to_owned(),
        symbol: text("instId")?.to_owned(),
        buys: buys(text("side")?)?,
        limit,
        quantity: text("sz")?.parse().ok()?,
        reduce_only: is_true(&body, "reduceOnly"),
        deadline_ms: header(request, "exptime")?,
        deadline_step_ms: 1,
    })
}

fn deribit(request: &Request<Bytes>, buys: bool) -> Option<Placement> {
    let body: Value = serde_json::from_slice(request.body()).ok()?;
    let params = body.get("params")?;
    if body.get("method")?.as_str()? != if buys { "private/buy" } else { "private/sell" } {
        return None;
    }
    let text = |name: &str| params.get(name).and_then(Value::as_str);
    // Numbers of so few digits are written as they were read.
    let number = |name: &str| -> Option<Decimal> { params.get(name)?.to_string().parse().ok() };
    let limit = match text("type")? {
        "market" => None,
        "limit" if is_true(params, "post_only") => {
            is_true(params, "reject_post_only").then_some(())?;
            Some((number("price")?, Lifetime::PostOnly))
        }
        "limit" => Some((number("price")?, lifetime(text("time_in_force")?)?)),
        _ => return None,
    };
    Some(Placement {
        client_id: text("label")?.to_owned(),
        symbol: text("instrument_name")?.to_owned(),
        buys,
        limit,
        quantity: number("amount")?,
        reduce_only: is_true(params, "reduce_only"),
        deadline_ms: params.get("valid_until")?.as_u64()?,
        deadline_step_ms: 1,
    })
}

/// The body carries no deadline: the token's expiry, in whole seconds, is one.
fn coinbase(request: &Request<Bytes>) -> Option<Placement> {
    let body: Value = serde_json::from_slice(request.body()).ok()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let (kind, terms) = body.get("order_configuration")?.as_object()?.iter().next()?;
    let term = |name: &str| -> Option<Decimal> { terms.get(name)?.as_str()?.parse().ok() };
    let limit = match kind.as_str() {
        "market_market_ioc" => None,
        "sor_limit_ioc" => Some((term("limit_price")?, Lifetime::Ioc)),
        "limit_limit_fok" => Some((term("limit_price")?, Lifetime::Fok)),
        "limit_limit_gtc" if is_true(terms, "post_only") => {
            Some((term("limit_price")?, Lifetime::PostOnly))
        }
        "limit_limit_gtc" => Some((term("limit_price")?, Lifetime::Gtc)),
        _ => return None,
    };
    let token = request.headers().get("authorization")?.to_str().ok()?;
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    Some(Placement {
        client_id: text("client_order_id")?.to_owned(),
        symbol: text("product_id")?.to_owned(),
        buys: buys(text("side")?)?,
        limit,
        quantity: term("base_size")?,
        reduce_only: false,
        deadline_ms: claims.get("exp")?.as_u64()? * 1_000,
        deadline_step_ms: 1_000,
    })
}

fn header(request: &Request<Bytes>, name: &str) -> Option<u64> {
    request.headers().get(name)?.to_str().ok()?.parse().ok()
}

fn is_true(object: &Value, name: &str) -> bool {
    object.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn buys(word: &str) -> Option<bool> {
    match word {
        "BUY" | "Buy" | "buy" => Some(true),
        "SELL" | "Sell" | "sell" => Some(false),
        _ => None,
    }
}

fn lifetime(word: &str) -> Option<Lifetime> {
    Some(match word {
        "GTC" | "limit" | "good_til_cancelled" => Lifetime::Gtc,
        "IOC" | "ioc" | "immediate_or_cancel" => Lifetime::Ioc,
        "FOK" | "fok" | "fill_or_kill" => Lifetime::Fok,
        "GTX" | "PostOnly" | "post_only" => Lifetime::PostOnly,
        _ => return None,
    })
}
