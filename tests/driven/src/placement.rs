//! What an order request says on the wire, read without the adapters, and whether the journal foresaw it (S3, R1, R2).

use std::collections::BTreeMap;

use bytes::Bytes;
use equipoise_core::{OrderKind, OrderRequest, PositionSide, Record, Side, TimeInForce};
use http::{Method, Request};
use rust_decimal::Decimal;
use serde_json::Value;

/// One order as its bytes say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placement {
    pub(crate) client_id: String,
    symbol: String,
    buys: bool,
    limit: Option<(Decimal, String)>,
    quantity: Decimal,
    reduce_only: bool,
    deadline_ms: u64,
}

/// An intent as the journal holds it, with every deadline it was given.
#[derive(Debug, Clone)]
struct Intended {
    request: OrderRequest,
    deadlines_ms: Vec<u64>,
}

/// Reads a request; `None` if it places no order, an error if it does and cannot be read.
pub(crate) fn read(request: &Request<Bytes>) -> Option<Result<Placement, String>> {
    if request.method() != Method::POST {
        return None;
    }
    let read = match request.uri().path() {
        "/fapi/v1/order" => binance(request),
        "/v5/order/create" => bybit(request),
        _ => return None,
    };
    Some(read.ok_or_else(|| format!("unreadable order: {} {:?}", request.uri(), request.body())))
}

/// Compares what is about to leave with what is durable.
///
/// # Errors
/// Says what differs.
pub(crate) fn check(placement: &Placement, durable: &[Vec<Record>]) -> Result<(), String> {
    let intended = durable.iter().find_map(|records| intended(records, &placement.client_id));
    let Some(intended) = intended else {
        return Err(format!("order {} has no durable intent", placement.client_id));
    };
    let expected = Placement {
        deadline_ms: placement.deadline_ms,
        reduce_only: placement.reduce_only,
        ..expected(&intended.request)
    };
    if expected != *placement {
        return Err(format!("sent {placement:?} where the intent holds {expected:?}"));
    }
    let flag = intended.request.reduce_only && intended.request.position_side == PositionSide::Net;
    if flag != placement.reduce_only {
        return Err(format!("reduce-only is {} in {placement:?}", placement.reduce_only));
    }
    if !intended.deadlines_ms.contains(&placement.deadline_ms) {
        let durable = &intended.deadlines_ms;
        return Err(format!("deadline {} is not durable: {durable:?}", placement.deadline_ms));
    }
    Ok(())
}

fn intended(records: &[Record], client_id: &str) -> Option<Intended> {
    let mut found: Option<(equipoise_core::OrderTag, Intended)> = None;
    for record in records {
        match (record, &mut found) {
            (Record::Intent { tag, request, .. }, _) if request.client_id.as_str() == client_id => {
                let deadlines_ms = vec![request.deadline.0];
                found = Some((*tag, Intended { request: request.clone(), deadlines_ms }));
            }
            (Record::Transmission { tag, deadline, .. }, Some((of, intended))) if tag == of => {
                intended.deadlines_ms.push(deadline.0);
            }
            _ => {}
        }
    }
    found.map(|(_, intended)| intended)
}

fn expected(request: &OrderRequest) -> Placement {
    let limit = match request.kind {
        OrderKind::Market => None,
        OrderKind::Limit { price, time_in_force } => {
            let word = match time_in_force {
                TimeInForce::Gtc => "gtc",
                TimeInForce::Ioc => "ioc",
                TimeInForce::Fok => "fok",
                TimeInForce::PostOnly => "post_only",
            };
            Some((price.get(), word.to_owned()))
        }
    };
    Placement {
        client_id: request.client_id.to_string(),
        symbol: request.symbol.to_string(),
        buys: request.side == Side::Buy,
        limit,
        quantity: request.quantity.get(),
        reduce_only: request.reduce_only,
        deadline_ms: request.deadline.0,
    }
}

fn binance(request: &Request<Bytes>) -> Option<Placement> {
    let body = std::str::from_utf8(request.body()).ok()?;
    let query = request.uri().query().unwrap_or_default();
    let pairs = query.split('&').chain(body.split('&')).filter_map(|pair| pair.split_once('='));
    let fields: BTreeMap<&str, &str> = pairs.collect();
    let limit = match *fields.get("type")? {
        "MARKET" => None,
        "LIMIT" => Some((fields.get("price")?.parse().ok()?, word(fields.get("timeInForce")?)?)),
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
    })
}

fn bybit(request: &Request<Bytes>) -> Option<Placement> {
    let body: Value = serde_json::from_slice(request.body()).ok()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let header =
        |name: &str| -> Option<u64> { request.headers().get(name)?.to_str().ok()?.parse().ok() };
    let limit = match text("orderType")? {
        "Market" => None,
        "Limit" => Some((text("price")?.parse().ok()?, word(text("timeInForce")?)?)),
        _ => return None,
    };
    Some(Placement {
        client_id: text("orderLinkId")?.to_owned(),
        symbol: text("symbol")?.to_owned(),
        buys: buys(text("side")?)?,
        limit,
        quantity: text("qty")?.parse().ok()?,
        reduce_only: body.get("reduceOnly").and_then(Value::as_bool).unwrap_or(false),
        deadline_ms: header("x-bapi-timestamp")? + header("x-bapi-recv-window")?,
    })
}

fn buys(word: &str) -> Option<bool> {
    match word {
        "BUY" | "Buy" => Some(true),
        "SELL" | "Sell" => Some(false),
        _ => None,
    }
}

fn word(time_in_force: &str) -> Option<String> {
    let word = match time_in_force {
        "GTC" => "gtc",
        "IOC" => "ioc",
        "FOK" => "fok",
        "GTX" | "PostOnly" => "post_only",
        _ => return None,
    };
    Some(word.to_owned())
}
