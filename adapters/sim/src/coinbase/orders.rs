//! Creating, editing and cancelling orders. Answers acknowledge; only queries tell the outcome.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Inside;
use super::failure::{Failure, Reason};
use super::render;
use crate::exchange::account::PositionSide;
use crate::exchange::checks::Refusal;
use crate::exchange::matching::NewOrder;
use crate::exchange::orders::{Order, OrderKind, OrderOrigin, SelfTrade, Side, TimeInForce};
use crate::params::plain_decimal;

/// Most orders in one cancel request.
const CANCELS_MAX: usize = 100;

/// What an order configuration says.
struct Terms {
    kind: OrderKind,
    time_in_force: TimeInForce,
    base_size: Option<Decimal>,
    quote_size: Option<Decimal>,
    price: Option<Decimal>,
}

impl Inside<'_> {
    /// A repeated client id creates nothing: the answer names the first order and echoes the second request.
    // Source: Coinbase Advanced Trade API, Create Order, client_order_id; sdk issues 49 and 105, read 2026-11-22.
    pub(super) fn create(&mut self) -> Result<Value, Failure> {
        let configuration = self.body["order_configuration"].clone();
        let Some(client_id) = self.body["client_order_id"].as_str().map(str::to_owned) else {
            return Err(Failure::argument("client_order_id is required"));
        };
        let new = match self.new_order(Some(client_id.clone()))? {
            Ok(new) => new,
            Err(reason) => return Ok(reason.answer(&configuration)),
        };
        let order_id = match self.engine.place(self.now_ms, &new, self.alteration) {
            Ok(number) => self.engine.orders.get(number).map(|order| order.order_id.clone()),
            Err(Refusal::DuplicateId) => {
                let first = self.engine.orders.with_client_id(&client_id).next();
                first.map(|order| order.order_id.clone())
            }
            Err(refusal) => return Ok(Reason::from(refusal).answer(&configuration)),
        };
        Ok(json!({
            "success": true,
            "failure_reason": "UNKNOWN_FAILURE_REASON",
            "order_id": order_id,
            "success_response": {
                "order_id": order_id,
                "product_id": new.symbol,
                "side": render::side(new.side),
                "client_order_id": client_id,
                "attached_order_id": "",
            },
            "order_configuration": configuration,
        }))
    }

    /// What creating the order would cost; nothing happens.
    pub(super) fn preview(&mut self) -> Result<Value, Failure> {
        let outcome = match self.new_order(None)? {
            Ok(new) => self.engine.check_only(&new).map_err(Reason::from).map(|()| new),
            Err(reason) => Err(reason),
        };
        let errors: Vec<String> = outcome
            .as_ref()
            .err()
            .map(|reason| format!("PREVIEW_{}", reason.name))
            .into_iter()
            .collect();
        let product = self.body["product_id"].as_str().unwrap_or_default();
        let mark = self.listing(product).map(|listing| listing.mark).unwrap_or_default();
        let size = outcome.as_ref().map(|new| new.quantity).unwrap_or_default();
        let fee = size * mark * self.engine.policy.taker_fee;
        Ok(json!({
            "order_total": render::plain((size * mark + fee).round_dp(8)),
            "commission_total": render::plain(fee.round_dp(8)),
            "errs": errors,
            "warning": [],
            "quote_size": render::plain((size * mark).round_dp(8)),
            "base_size": render::plain(size),
            "best_bid": render::plain(mark),
            "best_ask": render::plain(mark),
            "is_max": false,
            "slippage": "0",
            "preview_id": "",
        }))
    }

    /// Of resting orders only.
    pub(super) fn edit(&mut self) -> Result<Value, Failure> {
        let refused = |reason: &str| {
            json!({
                "success": false,
                "error_response": { "error": reason },
                "errors": [{ "edit_failure_reason": reason }],
            })
        };
        let id = self.body["order_id"].as_str().unwrap_or_default();
        let order = self.engine.orders.iter().find(|order| order.order_id == id).cloned();
        let Some(order) = order.filter(|order| order.is_open() && order.price.is_some()) else {
            return Ok(refused("ONLY_OPEN_ORDERS_CAN_BE_EDITED"));
        };
        let changed = |name: &str| self.body[name].as_str().and_then(plain_decimal);
        let (Some(size), Some(price)) = (changed("size"), changed("price")) else {
            return Err(Failure::argument("size and price are required"));
        };
        Ok(match self.engine.amend(self.now_ms, order.number, size, price) {
            Ok(()) => json!({
                "success": true,
                "success_response": { "order_id": order.order_id },
                "errors": [],
            }),
            Err(refusal) => refused(&Reason::from(refusal).name),
        })
    }

    pub(super) fn cancel_batch(&mut self) -> Result<Value, Failure> {
        let ids: Option<Vec<String>> = self.body["order_ids"]
            .as_array()
            .and_then(|ids| ids.iter().map(|id| id.as_str().map(str::to_owned)).collect());
        let ids = ids.filter(|ids| !ids.is_empty() && ids.len() <= CANCELS_MAX);
        let ids = ids.ok_or_else(|| Failure::argument("order_ids is required"))?;
        let results: Vec<Value> = ids.iter().map(|id| self.cancel(id)).collect();
        Ok(json!({ "results": results }))
    }

    fn cancel(&mut self, id: &str) -> Value {
        let number = self.engine.orders.iter().find(|order| order.order_id == id);
        let number = number.filter(|order| order.seen_at(self.now_ms).is_some());
        let cancelled =
            number.map(|order| order.number).is_some_and(|n| self.engine.cancel(self.now_ms, n));
        let reason =
            if cancelled { "UNKNOWN_CANCEL_FAILURE_REASON" } else { "UNKNOWN_CANCEL_ORDER" };
        json!({ "success": cancelled, "failure_reason": reason, "order_id": id })
    }

    /// One order by its id; only the venue's own ids name orders.
    pub(super) fn order(&self, id: &str) -> Result<Value, Failure> {
        let order = self.engine.orders.iter().find(|order| order.order_id == id);
        let seen: Option<Order> = order.and_then(|order| order.seen_at(self.now_ms));
        let seen = seen.ok_or_else(|| Failure::not_found("order not found"))?;
        let listing = self.listing(&seen.symbol)?;
        Ok(json!({ "order": render::order(&self.engine.policy, listing, &seen) }))
    }

    /// The order asked for; a failure when it cannot be understood, a reason when it cannot be supported.
    fn new_order(
        &self,
        client_order_id: Option<String>,
    ) -> Result<Result<NewOrder, Reason>, Failure> {
        let side = match self.body["side"].as_str() {
            Some("BUY") => Side::Buy,
            Some("SELL") => Side::Sell,
            _ => return Err(Failure::argument("valid side is required")),
        };
        let Some(symbol) = self.body["product_id"].as_str() else {
            return Err(Failure::argument("product_id is required"));
        };
        let Some(terms) = terms(&self.body["order_configuration"], side)? else {
            return Ok(Err(Reason::configuration()));
        };
        Ok(Ok(NewOrder {
            client_order_id,
            symbol: symbol.to_owned(),
            side,
            kind: terms.kind,
            time_in_force: terms.time_in_force,
            quantity: terms.base_size.unwrap_or_default(),
            quote_quantity: terms.quote_size,
            price: terms.price,
            reduce_only: false,
            position_side: PositionSide::Net,
            // The venue cancels the order that comes in when no other rule is set up.
            self_trade: SelfTrade::CancelTaker,
            origin: OrderOrigin::Interface,
        }))
    }
}

/// Reads a configuration with exactly one entry, all of whose amounts are strings; `None` for one that is not
/// supported here.
fn terms(configuration: &Value, side: Side) -> Result<Option<Terms>, Failure> {
    let entry = configuration.as_object().filter(|entries| entries.len() == 1);
    let Some((name, fields)) = entry.and_then(|entries| entries.iter().next()) else {
        return Err(Failure::argument("order_configuration is required"));
    };
    let amount = |field: &str| match &fields[field] {
        Value::Null => Ok(None),
        Value::String(text) => plain_decimal(text)
            .map(Some)
            .ok_or_else(|| Failure::argument(format!("invalid {field}"))),
        // Amounts are strings at this venue; a number is a malformed request.
        _ => Err(Failure::argument(format!("invalid {field}"))),
    };
    let post_only = fields["post_only"].as_bool().unwrap_or_default();
    let (kind, time_in_force) = match name.as_str() {
        "market_market_ioc" => (OrderKind::Market, TimeInForce::Ioc),
        "limit_limit_gtc" if post_only => (OrderKind::Limit, TimeInForce::PostOnly),
        "limit_limit_gtc" => (OrderKind::Limit, TimeInForce::Gtc),
        "sor_limit_ioc" => (OrderKind::Limit, TimeInForce::Ioc),
        "limit_limit_fok" => (OrderKind::Limit, TimeInForce::Fok),
        _ => return Ok(None),
    };
    let (base_size, quote_size) = (amount("base_size")?, amount("quote_size")?);
    let price = amount("limit_price")?;
    let is_market = kind == OrderKind::Market;
    let suits = base_size.is_some() != quote_size.is_some()
        && price.is_some() != is_market
        // Only what a market order spends can be given in quote.
        && (quote_size.is_none() || (is_market && side == Side::Buy));
    Ok(suits.then_some(Terms { kind, time_in_force, base_size, quote_size, price }))
}
