//! Placing, amending and cancelling orders. Answers acknowledge; only queries tell the outcome.

use bytes::Bytes;
use http::{Response, StatusCode};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::failure::Failure;
use super::route::Route;
use super::{Inside, Product, respond};
use crate::exchange::account::PositionSide;
use crate::exchange::matching::NewOrder;
use crate::exchange::orders::{Order, OrderKind, OrderOrigin, SelfTrade, Side, TimeInForce};
use crate::params::{Params, plain_decimal};

/// Largest spot market order in quote units. Source: OKX v5 docs, Error Code, 51201, read 2026-11-22.
const MARKET_QUOTE_MAX: i64 = 1_000_000;

/// What is done to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Place,
    Amend,
    Cancel,
}

/// The step that each entry of a request asks for, if it is about orders.
pub(super) fn step(route: Route) -> Option<Step> {
    match route {
        Route::Place | Route::PlaceBatch => Some(Step::Place),
        Route::Amend => Some(Step::Amend),
        Route::Cancel | Route::CancelBatch => Some(Step::Cancel),
        _ => None,
    }
}

/// Whether an order of these fields cannot open a position.
pub(super) fn may_only_close(params: &Params) -> bool {
    let closes = matches!(
        (params.get("posSide"), params.get("side")),
        (Some("long"), Some("sell")) | (Some("short"), Some("buy"))
    );
    closes || params.get("reduceOnly") == Some("true")
}

/// One entry per order: the accepted and the refused ones alike, with a code for the whole.
pub(super) fn response(now_ms: u64, entries: &[Result<Value, Value>]) -> Response<Bytes> {
    let refused = entries.iter().filter(|entry| entry.is_err()).count();
    let (code, message) = match refused {
        0 => ("0", ""),
        all if all == entries.len() => ("1", "All operations failed"),
        _ => ("2", "Bulk operation partially succeeded."),
    };
    let data: Vec<&Value> =
        entries.iter().map(|entry| entry.as_ref().unwrap_or_else(|e| e)).collect();
    let gateway_us = (now_ms * 1000).to_string();
    let body = json!({
        "code": code, "data": data, "inTime": gateway_us, "msg": message, "outTime": gateway_us,
    });
    respond(StatusCode::OK, &body)
}

impl Inside<'_> {
    /// Takes one step with one order and renders its entry. `late` when `expTime` has passed by now.
    pub(super) fn ordered(mut self, step: Step, late: bool) -> Result<Value, Value> {
        let (now_ms, client_id) = (self.now_ms, self.given_client_id());
        let order_id = match step {
            Step::Place => String::new(),
            Step::Amend | Step::Cancel => self.params.get("ordId").unwrap_or_default().to_owned(),
        };
        let done = match step {
            _ if late => Err(Failure::expired()),
            Step::Place => self.place(),
            Step::Amend => self.amend(),
            Step::Cancel => self.cancel(),
        };
        let order = done.map_err(|failure| failure.entry(&order_id, &client_id, now_ms))?;
        Ok(acknowledged(&order, step, now_ms))
    }

    fn given_client_id(&self) -> String {
        self.params.get("clOrdId").unwrap_or_default().to_owned()
    }

    fn place(&mut self) -> Result<Order, Failure> {
        let new = self.new_order()?;
        let number = self.engine.place(self.now_ms, &new, self.alteration)?;
        self.engine.orders.get(number).cloned().ok_or_else(Failure::no_such_order)
    }

    fn amend(&mut self) -> Result<Order, Failure> {
        let open = self.named_order()?.filter(Order::is_open);
        let order =
            open.filter(|order| order.price.is_some()).ok_or_else(Failure::not_amendable)?;
        let changed = |name, field, old| match self.params.get(name) {
            None => Ok(old),
            Some(text) => plain_decimal(text).ok_or_else(|| Failure::parameter(field)),
        };
        let quantity = changed("newSz", "newSz", order.quantity)?;
        let price = changed("newPx", "newPx", order.price.unwrap_or_default())?;
        self.engine.amend(self.now_ms, order.number, quantity, price)?;
        Ok(order)
    }

    fn cancel(&mut self) -> Result<Order, Failure> {
        let order = self.named_order()?.ok_or_else(Failure::not_cancellable)?;
        if self.engine.cancel(self.now_ms, order.number) {
            Ok(order)
        } else {
            Err(Failure::not_cancellable())
        }
    }

    /// The order named by `ordId`, or else the latest one named by `clOrdId`, as a query may see it.
    pub(super) fn named_order(&self) -> Result<Option<Order>, Failure> {
        let symbol = self.instrument()?.instrument.symbol;
        let (id, client_id) = (self.params.get("ordId"), self.params.get("clOrdId"));
        let seen = |order: &Order| {
            if order.symbol == symbol { order.seen_at(self.now_ms) } else { None }
        };
        Ok(match (id, client_id) {
            (Some(id), _) => {
                self.engine.orders.iter().find(|order| order.order_id == id).and_then(seen)
            }
            (None, Some(id)) => self.engine.orders.with_client_id(id).filter_map(seen).next_back(),
            (None, None) => return Err(Failure::missing("ordId or clOrdId")),
        })
    }

    /// The timer works for every venue client that asks, but is not simulated: nobody here stops asking.
    pub(super) fn cancel_all_after(&self) -> Result<Value, Failure> {
        let seconds = self.params.u64("timeOut");
        let valid = seconds.filter(|s| *s == 0 || (10..=120).contains(s));
        let seconds = valid
            .ok_or_else(|| Failure::refused(51071, "timeOut must be 0 or between 10 and 120"))?;
        let trigger = if seconds == 0 { 0 } else { self.now_ms + seconds * 1000 };
        Ok(json!([{
            "triggerTime": trigger.to_string(), "tag": "", "ts": self.now_ms.to_string(),
        }]))
    }

    fn new_order(&self) -> Result<NewOrder, Failure> {
        let symbol = self.instrument()?.instrument.symbol.to_owned();
        self.check_mode()?;
        let side = match self.params.get("side") {
            Some("buy") => Side::Buy,
            Some("sell") => Side::Sell,
            _ => return Err(Failure::parameter("side")),
        };
        let (kind, time_in_force) = self.order_type()?;
        let size = self.params.get("sz").and_then(plain_decimal);
        let size = size.ok_or_else(|| Failure::parameter("sz"))?;
        let price = match kind {
            OrderKind::Market
                if self.product == Product::Swap && time_in_force == TimeInForce::Gtc =>
            {
                Some(self.instrument()?.band(side))
            }
            OrderKind::Market => None,
            OrderKind::Limit => {
                let price = self.params.get("px").and_then(plain_decimal);
                Some(price.ok_or_else(|| Failure::parameter("px"))?)
            }
        };
        let quote_quantity = self.quote_quantity(side, kind, size)?;
        let position_side = self.position_side()?;
        Ok(NewOrder {
            client_order_id: self.client_id()?,
            symbol,
            side,
            kind,
            time_in_force,
            quantity: size,
            quote_quantity,
            price,
            // In long/short mode closing orders reduce by nature and the flag is ignored.
            reduce_only: position_side == PositionSide::Net
                && self.product == Product::Swap
                && self.params.get("reduceOnly") == Some("true"),
            position_side,
            self_trade: self.self_trade(time_in_force)?,
            origin: OrderOrigin::Interface,
        })
    }

    /// Trade mode and margin: `cash` on spot, `cross` on swaps.
    fn check_mode(&self) -> Result<(), Failure> {
        let expected = match self.product {
            Product::Spot if !self.is_by_risk() => "cash",
            Product::Spot | Product::Swap => "cross",
        };
        match self.params.get("tdMode") {
            Some(mode) if mode == expected => Ok(()),
            _ => Err(Failure::parameter("tdMode")),
        }
    }

    // Source: OKX v5 docs, Place order, ordType, read 2026-11-22: the market order of a contract turns into a limit
    // order at the edge of the price band, whose rest stays in the book.
    fn order_type(&self) -> Result<(OrderKind, TimeInForce), Failure> {
        Ok(match self.params.get("ordType") {
            Some("limit") => (OrderKind::Limit, TimeInForce::Gtc),
            Some("ioc") => (OrderKind::Limit, TimeInForce::Ioc),
            Some("fok") => (OrderKind::Limit, TimeInForce::Fok),
            Some("post_only") => (OrderKind::Limit, TimeInForce::PostOnly),
            Some("market") => (OrderKind::Market, TimeInForce::Gtc),
            Some("optimal_limit_ioc") if self.product == Product::Swap => {
                (OrderKind::Market, TimeInForce::Ioc)
            }
            _ => return Err(Failure::parameter("ordType")),
        })
    }

    /// The amount of quote that `sz` is in a spot market order: by default of buys, otherwise when `tgtCcy` says so.
    fn quote_quantity(
        &self,
        side: Side,
        kind: OrderKind,
        size: Decimal,
    ) -> Result<Option<Decimal>, Failure> {
        if self.product != Product::Spot || kind != OrderKind::Market {
            return Ok(None);
        }
        let is_quote = match self.params.get("tgtCcy") {
            None => side == Side::Buy,
            Some("quote_ccy") => true,
            Some("base_ccy") => false,
            Some(_) => return Err(Failure::parameter("tgtCcy")),
        };
        let listing = self.instrument()?;
        let quote = if is_quote { size } else { size * listing.mark };
        if quote > Decimal::from(MARKET_QUOTE_MAX) {
            let text = "Value of per market order cannot exceed 1,000,000 USDT";
            return Err(Failure::refused(51201, text));
        }
        Ok(is_quote.then_some(size))
    }

    /// Source: OKX v5 docs, Place order, clOrdId, read 2026-11-22: letters and digits, at most 32.
    fn client_id(&self) -> Result<Option<String>, Failure> {
        let Some(id) = self.params.get("clOrdId") else {
            return Ok(None);
        };
        if id.len() > 32 || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Failure::parameter("clOrdId"));
        }
        Ok(Some(id.to_owned()))
    }

    fn position_side(&self) -> Result<PositionSide, Failure> {
        match self.params.get("posSide") {
            None | Some("net") => Ok(PositionSide::Net),
            Some("long") if self.product == Product::Swap => Ok(PositionSide::Long),
            Some("short") if self.product == Product::Swap => Ok(PositionSide::Short),
            Some(_) => Err(Failure::parameter("posSide")),
        }
    }

    fn self_trade(&self, time_in_force: TimeInForce) -> Result<SelfTrade, Failure> {
        match self.params.get("stpMode") {
            None | Some("cancel_maker") => Ok(SelfTrade::CancelMaker),
            Some("cancel_taker") => Ok(SelfTrade::CancelTaker),
            Some("cancel_both") if time_in_force != TimeInForce::Fok => Ok(SelfTrade::CancelBoth),
            Some(_) => Err(Failure::parameter("stpMode")),
        }
    }
}

fn acknowledged(order: &Order, step: Step, now_ms: u64) -> Value {
    let mut entry = json!({
        "ordId": order.order_id,
        "clOrdId": order.client_order_id,
        "ts": now_ms.to_string(),
        "sCode": "0",
        "sMsg": if step == Step::Place { "Order placed" } else { "" },
    });
    match step {
        Step::Place => entry["tag"] = json!(""),
        Step::Amend => entry["reqId"] = json!(""),
        Step::Cancel => {}
    }
    entry
}
