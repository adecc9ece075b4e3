//! Creating, amending and cancelling orders. Answers acknowledge; only queries tell the outcome.

use serde_json::{Value, json};

use super::Inside;
use super::category::Category;
use super::failure::{Failure, refused};
use crate::exchange::orders::{Order, OrderStatus};
use crate::params::plain_decimal;

impl Inside<'_> {
    pub(super) fn create(&mut self) -> Result<Value, Failure> {
        let new = self.new_order()?;
        let mut number = self
            .engine
            .place(self.now_ms, &new, self.alteration)
            .map_err(|refusal| refused(self.own, refusal))?;
        if self.alteration.repeated {
            number = self.engine.acknowledge_repetition(self.now_ms, &new);
        }
        let order = self.engine.orders.get(number).ok_or_else(|| self.no_such_order(None))?;
        Ok(acknowledged(order, new.client_order_id.as_deref()))
    }

    /// Says what creating the order would do to the margin, as far as this account knows.
    pub(super) fn pre_check(&self) -> Result<Value, Failure> {
        let new = self.new_order()?;
        self.engine.check_only(&new).map_err(|refusal| refused(self.own, refusal))?;
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
        let named = self.named_order()?;
        let order = named.clone().filter(|order| order.is_open() && order.price.is_some());
        let order = order.ok_or_else(|| self.no_such_order(named.as_ref()))?;
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
        let amended = self.engine.amend(self.now_ms, order.number, quantity, price);
        amended.map_err(|refusal| refused(self.own, refusal))?;
        Ok(acknowledged(&order, Some(&order.client_order_id)))
    }

    pub(super) fn cancel(&mut self) -> Result<Value, Failure> {
        let order = self.named_order()?.ok_or_else(|| self.no_such_order(None))?;
        if !self.engine.cancel(self.now_ms, order.number) {
            return Err(self.no_such_order(self.engine.orders.get(order.number)));
        }
        Ok(acknowledged(&order, Some(&order.client_order_id)))
    }

    pub(super) fn cancel_all(&mut self) -> Result<Value, Failure> {
        let symbol = self.optional_symbol()?;
        let (base, settle) = (self.params.get("baseCoin"), self.params.get("settleCoin"));
        let unnamed = symbol.is_none() && base.is_none() && settle.is_none();
        if unnamed && self.category()? != Category::Spot.name() {
            return Err(Failure::refused(
                10001,
                "params error: symbol, baseCoin or settleCoin is required",
            ));
        }
        let own = self.is_own()?;
        let open = self.engine.orders.open().filter(|order| {
            let rules = self.engine.listings.get(&order.symbol).map(|listing| &listing.instrument);
            own && symbol.is_none_or(|symbol| order.symbol == symbol)
                && base.is_none_or(|base| rules.is_some_and(|rules| rules.base == base))
                && settle.is_none_or(|settle| rules.is_some_and(|rules| rules.settle == settle))
        });
        let ended: Vec<Order> = open.cloned().collect();
        for order in &ended {
            let _ = self.engine.cancel(self.now_ms, order.number);
        }
        let list: Vec<Value> =
            ended.iter().map(|order| acknowledged(order, Some(&order.client_order_id))).collect();
        Ok(json!({ "list": list, "success": "1" }))
    }

    /// What the venue says of an order that cannot be changed: spot tells how it ended.
    fn no_such_order(&self, found: Option<&Order>) -> Failure {
        match (self.own, found.map(|order| order.status)) {
            (Category::Linear | Category::Inverse, _) => {
                Failure::refused(110_001, "order not exists or too late to cancel")
            }
            (Category::Spot, Some(OrderStatus::Filled)) => {
                Failure::refused(170_139, "Order has been filled.")
            }
            (Category::Spot, Some(OrderStatus::Cancelled)) => {
                Failure::refused(170_142, "Order has been canceled.")
            }
            (Category::Spot, _) => Failure::refused(170_213, "Order does not exist."),
        }
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
}

fn acknowledged(order: &Order, link: Option<&str>) -> Value {
    json!({ "orderId": order.order_id, "orderLinkId": link.unwrap_or_default() })
}
