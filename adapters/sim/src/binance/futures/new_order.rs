//! Reading an order from its parameters.

use super::Inside;
use crate::binance::failure::Failure;
use crate::binance::gateway::plain_or_illegal;
use crate::exchange::account::PositionSide;
use crate::exchange::matching::NewOrder;
use crate::exchange::orders::{OrderKind, OrderOrigin, SelfTrade, Side, TimeInForce};
use crate::params::Params;

const CLIENT_ID_LEGAL: &str = "^[\\.A-Z\\:/a-z0-9_-]{1,36}$";

impl Inside<'_> {
    pub(super) fn new_order(&self, params: &Params) -> Result<NewOrder, Failure> {
        let symbol = params.get("symbol").ok_or_else(|| Failure::missing("symbol"))?.to_owned();
        let side = match params.get("side").ok_or_else(|| Failure::missing("side"))? {
            "BUY" => Side::Buy,
            "SELL" => Side::Sell,
            _ => return Err(Failure::refused(-1117, "Invalid side.")),
        };
        let kind = order_kind(params)?;
        let _ = self.listing(&symbol)?;
        let quantity = params.get("quantity").ok_or_else(|| Failure::missing("quantity"))?;
        let quantity = plain_or_illegal("quantity", quantity)?;
        let (time_in_force, price) = match kind {
            OrderKind::Limit => {
                let time_in_force = time_in_force(params)?;
                let price = params.get("price").ok_or_else(|| Failure::missing("price"))?;
                (time_in_force, Some(plain_or_illegal("price", price)?))
            }
            OrderKind::Market => {
                let unneeded =
                    ["price", "timeInForce"].into_iter().find(|name| params.get(name).is_some());
                if let Some(name) = unneeded {
                    return Err(Failure::unneeded(name));
                }
                (TimeInForce::Ioc, None)
            }
        };
        if self.engine.account.hedge_mode && params.get("reduceOnly").is_some() {
            return Err(Failure::unneeded("reduceonly"));
        }
        Ok(NewOrder {
            client_order_id: client_order_id(params)?,
            symbol,
            side,
            kind,
            time_in_force,
            quantity,
            quote_quantity: None,
            price,
            reduce_only: flag(params, "reduceOnly")?,
            position_side: position_side(params)?,
            self_trade: self_trade(params)?,
            origin: OrderOrigin::Interface,
        })
    }
}

/// Whether the answer shows the result instead of the acceptance.
pub(super) fn response_type(params: &Params) -> Result<bool, Failure> {
    match params.get("newOrderRespType") {
        None | Some("ACK") => Ok(false),
        Some("RESULT") => Ok(true),
        Some(_) => Err(Failure::invalid("newOrderRespType")),
    }
}

fn order_kind(params: &Params) -> Result<OrderKind, Failure> {
    match params.get("type").ok_or_else(|| Failure::missing("type"))? {
        "LIMIT" => Ok(OrderKind::Limit),
        "MARKET" => Ok(OrderKind::Market),
        "STOP" | "STOP_MARKET" | "TAKE_PROFIT" | "TAKE_PROFIT_MARKET" | "TRAILING_STOP_MARKET" => {
            let text = "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.";
            Err(Failure::refused(-4120, text))
        }
        _ => Err(Failure::refused(-1116, "Invalid orderType.")),
    }
}

fn time_in_force(params: &Params) -> Result<TimeInForce, Failure> {
    match params.get("timeInForce").ok_or_else(|| Failure::missing("timeInForce"))? {
        "GTC" => Ok(TimeInForce::Gtc),
        "IOC" => Ok(TimeInForce::Ioc),
        "FOK" => Ok(TimeInForce::Fok),
        "GTX" => Ok(TimeInForce::PostOnly),
        _ => Err(Failure::refused(-1115, "Invalid timeInForce.")),
    }
}

fn position_side(params: &Params) -> Result<PositionSide, Failure> {
    match params.get("positionSide") {
        None | Some("BOTH") => Ok(PositionSide::Net),
        Some("LONG") => Ok(PositionSide::Long),
        Some("SHORT") => Ok(PositionSide::Short),
        Some(_) => Err(Failure::invalid("positionSide")),
    }
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

fn flag(params: &Params, name: &str) -> Result<bool, Failure> {
    match params.get(name) {
        None | Some("false" | "False" | "FALSE") => Ok(false),
        Some("true" | "True" | "TRUE") => Ok(true),
        Some(_) => Err(Failure::invalid(name)),
    }
}

fn client_order_id(params: &Params) -> Result<Option<String>, Failure> {
    let Some(id) = params.get("newClientOrderId") else {
        return Ok(None);
    };
    if id.len() > 36 {
        return Err(Failure::refused(-4015, "Client order id length should be less than 36 chars"));
    }
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b".:/_-".contains(&byte);
    if !id.bytes().all(legal) {
        return Err(Failure::illegal("newClientOrderId", CLIENT_ID_LEGAL));
    }
    Ok(Some(id.to_owned()))
}
