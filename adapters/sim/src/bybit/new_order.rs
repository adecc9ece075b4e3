//! Reading an order from its parameters.

use super::Inside;
use super::category::Category;
use super::failure::{Failure, refused};
use crate::exchange::account::PositionSide;
use crate::exchange::checks::Refusal;
use crate::exchange::matching::NewOrder;
use crate::exchange::orders::{OrderKind, OrderOrigin, SelfTrade, Side, TimeInForce};
use crate::params::plain_decimal;

impl Inside<'_> {
    pub(super) fn new_order(&self) -> Result<NewOrder, Failure> {
        let listed = self.symbol();
        if listed.is_err() && self.is_own()? && self.own == Category::Spot {
            return Err(refused(self.own, Refusal::UnknownSymbol));
        }
        let symbol = listed?.instrument.symbol.to_owned();
        self.refuse_contract_terms()?;
        let side = match self.params.get("side") {
            Some("Buy") => Side::Buy,
            Some("Sell") => Side::Sell,
            _ => return Err(Failure::refused(10001, "params error: Side invalid")),
        };
        let kind = match self.params.get("orderType") {
            Some("Market") => OrderKind::Market,
            Some("Limit") => OrderKind::Limit,
            _ => return Err(Failure::refused(10001, "params error: OrderType invalid")),
        };
        let quantity = self.params.get("qty").and_then(plain_decimal);
        let quantity = quantity.ok_or_else(|| Failure::refused(10001, "Qty invalid"))?;
        let in_quote = self.is_in_quote(side, kind)?;
        let price = match kind {
            OrderKind::Market => None,
            OrderKind::Limit => {
                let price = self.params.get("price").and_then(plain_decimal);
                Some(price.ok_or_else(|| Failure::refused(10001, "params error: price invalid"))?)
            }
        };
        Ok(NewOrder {
            client_order_id: self.order_link_id()?,
            symbol,
            side,
            kind,
            time_in_force: self.time_in_force()?,
            quantity,
            quote_quantity: in_quote.then_some(quantity),
            price,
            reduce_only: self.params.get("reduceOnly") == Some("true"),
            position_side: self.position_side()?,
            self_trade: self.self_trade()?,
            origin: OrderOrigin::Interface,
        })
    }

    /// Spot orders know no positions, and borrowing is not simulated.
    fn refuse_contract_terms(&self) -> Result<(), Failure> {
        let names = ["reduceOnly", "isLeverage", "positionIdx"];
        let named = names.into_iter().find(|name| {
            self.params.get(name).is_some_and(|value| value != "false" && value != "0")
        });
        match named {
            Some(name) if self.own == Category::Spot => {
                Err(Failure::refused(10001, format!("params error: {name} invalid")))
            }
            _ => Ok(()),
        }
    }

    /// A spot market buy counts quote unless `marketUnit` says otherwise, a sell base.
    fn is_in_quote(&self, side: Side, kind: OrderKind) -> Result<bool, Failure> {
        if self.own != Category::Spot || kind != OrderKind::Market {
            return Ok(false);
        }
        match self.params.get("marketUnit") {
            None => Ok(side == Side::Buy),
            Some("quoteCoin") => Ok(true),
            Some("baseCoin") => Ok(false),
            Some(_) => Err(Failure::refused(10001, "params error: marketUnit invalid")),
        }
    }

    fn order_link_id(&self) -> Result<Option<String>, Failure> {
        let Some(id) = self.params.get("orderLinkId") else {
            return Ok(None);
        };
        let legal =
            id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if id.len() > 36 || !legal {
            return Err(Failure::refused(10001, "params error: OrderLinkId invalid"));
        }
        Ok(Some(id.to_owned()))
    }

    fn time_in_force(&self) -> Result<TimeInForce, Failure> {
        match self.params.get("timeInForce") {
            None | Some("GTC") => Ok(TimeInForce::Gtc),
            Some("IOC") => Ok(TimeInForce::Ioc),
            Some("FOK") => Ok(TimeInForce::Fok),
            Some("PostOnly") => Ok(TimeInForce::PostOnly),
            Some(_) => Err(Failure::refused(10001, "params error: TimeInForce invalid")),
        }
    }

    fn position_side(&self) -> Result<PositionSide, Failure> {
        match self.params.get("positionIdx") {
            None | Some("0") => Ok(PositionSide::Net),
            Some("1") => Ok(PositionSide::Long),
            Some("2") => Ok(PositionSide::Short),
            Some(_) => Err(Failure::refused(10001, "params error: positionIdx invalid")),
        }
    }

    fn self_trade(&self) -> Result<SelfTrade, Failure> {
        match self.params.get("smpType") {
            None | Some("None") => Ok(SelfTrade::Allowed),
            Some("CancelTaker") => Ok(SelfTrade::CancelTaker),
            Some("CancelMaker") => Ok(SelfTrade::CancelMaker),
            Some("CancelBoth") => Ok(SelfTrade::CancelBoth),
            Some(_) => Err(Failure::refused(10001, "params error: smpType invalid")),
        }
    }
}
