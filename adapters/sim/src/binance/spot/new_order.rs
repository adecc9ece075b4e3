//! Reading an order from its parameters.

use rust_decimal::Decimal;

use super::Inside;
use crate::binance::failure::Failure;
use crate::binance::gateway::plain_or_illegal;
use crate::exchange::account::PositionSide;
use crate::exchange::matching::NewOrder;
use crate::exchange::orders::{OrderKind, OrderOrigin, SelfTrade, Side, TimeInForce};
use crate::params::Params;

/// How much the answer to an order tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    Ack,
    Result,
    Full,
}

const CLIENT_ID_LEGAL: &str = "^[a-zA-Z0-9-_]{1,36}$";

impl Inside<'_> {
    pub(super) fn new_order(&self, params: &Params) -> Result<NewOrder, Failure> {
        let symbol = params.get("symbol").ok_or_else(|| Failure::missing("symbol"))?.to_owned();
        let side = match params.get("side").ok_or_else(|| Failure::missing("side"))? {
            "BUY" => Side::Buy,
            "SELL" => Side::Sell,
            _ => return Err(Failure::refused(-1117, "Invalid side.")),
        };
        let (kind, maker_only) = order_kind(params)?;
        let _ = self.listing(&symbol)?;
        if let Some(name) =
            ["reduceOnly", "positionSide"].into_iter().find(|name| params.get(name).is_some())
        {
            return Err(unread(name));
        }
        let (quantity, quote_quantity) = amounts(params, kind)?;
        let (time_in_force, price) = match kind {
            OrderKind::Limit => {
                let price = params.get("price").ok_or_else(|| Failure::missing("price"))?;
                (time_in_force(params, maker_only)?, Some(plain_or_illegal("price", price)?))
            }
            OrderKind::Market => {
                forbid(params, &["price", "timeInForce"])?;
                (TimeInForce::Ioc, None)
            }
        };
        Ok(NewOrder {
            client_order_id: client_order_id(params)?,
            symbol,
            side,
            kind,
            time_in_force,
            quantity,
            quote_quantity,
            price,
            reduce_only: false,
            position_side: PositionSide::Net,
            self_trade: self_trade(params)?,
            origin: OrderOrigin::Interface,
        })
    }
}

pub(super) fn detail(params: &Params) -> Result<Detail, Failure> {
    match (params.get("newOrderRespType"), params.get("type")) {
        (Some("ACK"), _) | (None, Some("LIMIT_MAKER")) => Ok(Detail::Ack),
        (Some("RESULT"), _) => Ok(Detail::Result),
        (Some("FULL"), _) | (None, _) => Ok(Detail::Full),
        (Some(_), _) => Err(Failure::invalid("newOrderRespType")),
    }
}

/// Market or limit, and whether it may only make.
fn order_kind(params: &Params) -> Result<(OrderKind, bool), Failure> {
    match params.get("type").ok_or_else(|| Failure::missing("type"))? {
        "LIMIT" => Ok((OrderKind::Limit, false)),
        "LIMIT_MAKER" => Ok((OrderKind::Limit, true)),
        "MARKET" => Ok((OrderKind::Market, false)),
        "STOP_LOSS" | "STOP_LOSS_LIMIT" | "TAKE_PROFIT" | "TAKE_PROFIT_LIMIT" => {
            Err(Failure::refused(-1014, "Unsupported order combination."))
        }
        _ => Err(Failure::refused(-1116, "Invalid orderType.")),
    }
}

/// The quantity, or of a market order the amount of quote instead.
fn amounts(params: &Params, kind: OrderKind) -> Result<(Decimal, Option<Decimal>), Failure> {
    let read = |name: &str| params.get(name).map(|text| plain_or_illegal(name, text)).transpose();
    let (quantity, quote) = (read("quantity")?, read("quoteOrderQty")?);
    match (kind, quantity, quote) {
        (_, Some(quantity), None) => Ok((quantity, None)),
        (OrderKind::Market, None, Some(quote)) => Ok((Decimal::ZERO, Some(quote))),
        (OrderKind::Market, None, None) => Err(Failure::refused(
            -1102,
            "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!",
        )),
        (OrderKind::Limit, None, _) => Err(Failure::missing("quantity")),
        (_, Some(_), Some(_)) => Err(Failure::unneeded("quoteOrderQty")),
    }
}

fn time_in_force(params: &Params, maker_only: bool) -> Result<TimeInForce, Failure> {
    if maker_only {
        forbid(params, &["timeInForce"])?;
        return Ok(TimeInForce::PostOnly);
    }
    match params.get("timeInForce").ok_or_else(|| Failure::missing("timeInForce"))? {
        "GTC" => Ok(TimeInForce::Gtc),
        "IOC" => Ok(TimeInForce::Ioc),
        "FOK" => Ok(TimeInForce::Fok),
        _ => Err(Failure::refused(-1115, "Invalid timeInForce.")),
    }
}

fn forbid(params: &Params, names: &[&str]) -> Result<(), Failure> {
    match names.iter().find(|name| params.get(name).is_some()) {
        Some(name) => Err(Failure::unneeded(name)),
        None => Ok(()),
    }
}

/// Parameters that only derivatives know.
fn unread(name: &str) -> Failure {
    Failure::refused(-1104, format!("Not all sent parameters were read; '{name}' was not."))
}

fn self_trade(params: &Params) -> Result<SelfTrade, Failure> {
    match params.get("selfTradePreventionMode") {
        None | Some("EXPIRE_MAKER") => Ok(SelfTrade::CancelMaker),
        Some("EXPIRE_TAKER") => Ok(SelfTrade::CancelTaker),
        Some("EXPIRE_BOTH") => Ok(SelfTrade::CancelBoth),
        Some("NONE") => Ok(SelfTrade::Allowed),
        Some(_) => Err(Failure::invalid("selfTradePreventionMode")),
    }
}

/// Source: binance-spot-api-docs fix-api.md, ClOrdID; the REST page gives no grammar.
fn client_order_id(params: &Params) -> Result<Option<String>, Failure> {
    let Some(id) = params.get("newClientOrderId") else {
        return Ok(None);
    };
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if id.len() > 36 || !id.bytes().all(legal) {
        return Err(Failure::illegal("newClientOrderId", CLIENT_ID_LEGAL));
    }
    Ok(Some(id.to_owned()))
}
