//! Creating, amending and cancelling orders. Answers acknowledge; only queries tell the outcome.

use serde_json::{Value, json};

use super::Inside;
use super::failure::Failure;
use crate::exchange::account::PositionSide;
use crate::exchange::matching::NewOrder;
use crate::exchange::orders::{Order, OrderKind, OrderOrigin, SelfTrade, Side, TimeInForce};
use crate::params::plain_decimal;

impl Inside<'_> {
    pub(super) fn create(&mut self) -> Result<Value, Failure> {
        let new = self.new_order()?;
        let number = self.engine.place(self.now_ms, &new, self.alteration)?;
        let order = self.engine.orders.get(number).ok_or_else(Failure::no_such_order)?;
        Ok(acknowledged(order, new.client_order_id.as_deref()))
    }

    /// Says what creating the order would do to the margin, as far as this account knows.
    pub(super) fn pre_check(&self) -> Result<Value, Failure> {
        let new = self.new_order()?;
        self.engine.check_only(&new)?;
        Ok(json!({
            "orderId": "",
            "orderLinkId": new.client_order_id.unwrap_or_default(),
            "preImrE4": 0,
            "preMmrE4": 0,
            "postImrE4": 0,
            "postMmrE4": 0,
        }))
    }

    /// Changes price or quantity of a resting order in place.
    pub(super) fn amend(&mut self) -> Result<Value, Failure> {
        let open = self.named_order()?.filter(Order::is_open);
        let order =
            open.filter(|order| order.price.is_some()).ok_or_else(Failure::no_such_order)?;
        let changed = |name, old| match self.params.get(name) {
            None => Ok(old),
            Some(text) => plain_decimal(text).ok_or_else(Failure::parameter),
        };
        let quantity = changed("qty", order.quantity)?;
        let price = changed("price", order.price.unwrap_or_default())?;
        if (quantity, Some(price)) == (order.quantity, order.price) {
            return Err(Failure::refused(
                10001,
                "The order remains unchanged as the parameters entered match the existing ones.",
            ));
        }
        self.engine.amend(self.now_ms, order.number, quantity, price)?;
        Ok(acknowledged(&order, Some(&order.client_order_id)))
    }

    pub(super) fn cancel(&mut self) -> Result<Value, Failure> {
        let order = self.named_order()?.ok_or_else(Failure::no_such_order)?;
        if !self.engine.cancel(self.now_ms, order.number) {
            return Err(Failure::no_such_order());
        }
        Ok(acknowledged(&order, Some(&order.client_order_id)))
    }

    pub(super) fn cancel_all(&mut self) -> Result<Value, Failure> {
        let symbol = self.optional_symbol()?;
        let (base, settle) = (self.params.get("baseCoin"), self.params.get("settleCoin"));
        if symbol.is_none() && base.is_none() && settle.is_none() {
            return Err(Failure::refused(
                10001,
                "params error: symbol, baseCoin or settleCoin is required",
            ));
        }
        let open = self.engine.orders.open().filter(|order| {
            let rules = self.engine.listings.get(&order.symbol).map(|listing| &listing.instrument);
            symbol.is_none_or(|symbol| order.symbol == symbol)
                && base.is_none_or(|base| rules.is_some_and(|rules| rules.base == base))
                && settle.is_none_or(|settle| rules.is_some_and(|rules| rules.quote == settle))
        });
        let ended: Vec<Order> = open.cloned().collect();
        for order in &ended {
            let _ = self.engine.cancel(self.now_ms, order.number);
        }
        let list: Vec<Value> =
            ended.iter().map(|order| acknowledged(order, Some(&order.client_order_id))).collect();
        Ok(json!({ "list": list, "success": "1" }))
    }

    /// The order named by `orderId`, or else by `orderLinkId`.
    pub(super) fn named_order(&self) -> Result<Option<Order>, Failure> {
        let symbol = self.symbol()?.instrument.symbol;
        let (id, link) = (self.params.get("orderId"), self.params.get("orderLinkId"));
        if id.is_none() && link.is_none() {
            return Err(Failure::refused(
                10001,
                "params error: OrderId or orderLinkId is required",
            ));
        }
        let seen = |order: &Order| {
            if order.symbol == symbol { order.seen_at(self.now_ms) } else { None }
        };
        Ok(match (id, link) {
            (Some(id), _) => {
                self.engine.orders.iter().find(|order| order.order_id == id).and_then(seen)
            }
            (None, Some(link)) => {
                self.engine.orders.with_client_id(link).filter_map(seen).next_back()
            }
            (None, None) => None,
        })
    }

    fn new_order(&self) -> Result<NewOrder, Failure> {
        let symbol = self.symbol()?.instrument.symbol.to_owned();
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
            quantity: quantity.ok_or_else(|| Failure::refused(10001, "Qty invalid"))?,
            quote_quantity: None,
            price,
            reduce_only: self.params.get("reduceOnly") == Some("true"),
            position_side: self.position_side()?,
            self_trade: self.self_trade()?,
            origin: OrderOrigin::Interface,
        })
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

fn acknowledged(order: &Order, link: Option<&str>) -> Value {
    json!({ "orderId": order.order_id, "orderLinkId": link.unwrap_or_default() })
}
