//! Orders and trades in spot's words.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::exchange::instrument::{Instrument, fixed};
use crate::exchange::orders::{
    EndReason, Order, OrderKind, OrderStatus, SelfTrade, Side, TimeInForce, Trade,
};

fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

/// Whatever ends an order other than its owner is called expired.
fn status(order: &Order) -> &'static str {
    match (order.status, order.ended_by) {
        (OrderStatus::New, _) => "NEW",
        (OrderStatus::PartiallyFilled, _) => "PARTIALLY_FILLED",
        (OrderStatus::Filled, _) => "FILLED",
        (OrderStatus::Cancelled, Some(EndReason::User)) => "CANCELED",
        (OrderStatus::Cancelled, Some(EndReason::SelfTrade)) => "EXPIRED_IN_MATCH",
        (OrderStatus::Cancelled, _) => "EXPIRED",
    }
}

/// Source: binance-spot-api-docs enums.md, Expiry Reasons, read 2026-11-22.
fn expiry_reason(order: &Order) -> Option<&'static str> {
    match (order.ended_by?, order.kind, order.time_in_force) {
        (EndReason::NoLiquidity, OrderKind::Market, _) => Some("INSUFFICIENT_LIQUIDITY"),
        (EndReason::NoLiquidity, _, TimeInForce::Fok) => Some("UNFILLED_FOK_ORDER_EXPIRED"),
        (EndReason::NoLiquidity, ..) => Some("UNFILLED_IOC_QUANTITY_EXPIRED"),
        _ => None,
    }
}

fn kind(order: &Order) -> &'static str {
    match (order.kind, order.time_in_force) {
        (OrderKind::Market, _) => "MARKET",
        (OrderKind::Limit, TimeInForce::PostOnly) => "LIMIT_MAKER",
        (OrderKind::Limit, _) => "LIMIT",
    }
}

/// Market orders are shown as GTC although nothing of them ever rests.
fn time_in_force(order: &Order) -> &'static str {
    match (order.kind, order.time_in_force) {
        (OrderKind::Market, _) | (_, TimeInForce::Gtc | TimeInForce::PostOnly) => "GTC",
        (_, TimeInForce::Ioc) => "IOC",
        (_, TimeInForce::Fok) => "FOK",
    }
}

fn self_trade(mode: SelfTrade) -> &'static str {
    match mode {
        SelfTrade::Allowed => "NONE",
        SelfTrade::CancelTaker => "EXPIRE_TAKER",
        SelfTrade::CancelMaker => "EXPIRE_MAKER",
        SelfTrade::CancelBoth => "EXPIRE_BOTH",
    }
}

/// The number behind an id this exchange gave out.
fn id_value(order_id: &str) -> Value {
    order_id.parse::<u64>().map_or(Value::Null, Value::from)
}

/// The shortest answer to placing: accepted.
pub(super) fn acknowledged(order: &Order) -> Value {
    json!({
        "symbol": order.symbol,
        "orderId": id_value(&order.order_id),
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        "transactTime": order.received_ms,
    })
}

/// The answer to placing with the state the order has reached.
pub(super) fn result(rules: &Instrument, order: &Order) -> Value {
    let mut value = acknowledged(order);
    if let Some(fields) = value.as_object_mut() {
        fields.extend(state(rules, order));
        fields.insert("workingTime".to_owned(), Value::from(order.received_ms));
    }
    value
}

/// The same with each execution.
pub(super) fn full(rules: &Instrument, order: &Order) -> Value {
    let fills = order.trades.iter().map(|trade| {
        json!({
            "price": fixed(trade.price, 8),
            "qty": fixed(trade.quantity, 8),
            "commission": fixed(trade.fee, 8),
            "commissionAsset": trade.fee_asset,
            "tradeId": trade.id,
        })
    });
    let fills: Vec<Value> = fills.collect();
    let mut value = result(rules, order);
    value["fills"] = Value::from(fills);
    value
}

/// The answer to cancelling: the cancel has an id of its own, and the order's is the original one.
pub(super) fn cancelled(rules: &Instrument, order: &Order, cancel_id: &str) -> Value {
    let mut value = json!({
        "symbol": order.symbol,
        "origClientOrderId": order.client_order_id,
        "orderId": id_value(&order.order_id),
        "orderListId": -1,
        "clientOrderId": cancel_id,
        "transactTime": order.updated_ms,
    });
    if let Some(fields) = value.as_object_mut() {
        fields.extend(state(rules, order));
    }
    value
}

/// The answer to a query.
pub(super) fn queried(rules: &Instrument, order: &Order) -> Value {
    let mut value = json!({
        "symbol": order.symbol,
        "orderId": id_value(&order.order_id),
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        "stopPrice": "0.00000000",
        "icebergQty": "0.00000000",
        "time": order.received_ms,
        "updateTime": order.updated_ms,
        "isWorking": true,
        "workingTime": order.received_ms,
    });
    if let Some(fields) = value.as_object_mut() {
        fields.extend(state(rules, order));
    }
    value
}

/// What all pages but the acknowledgement tell of an order.
fn state(rules: &Instrument, order: &Order) -> serde_json::Map<String, Value> {
    let mut fields = serde_json::Map::new();
    let mut add = |name: &str, value: String| fields.insert(name.to_owned(), Value::from(value));
    add("price", fixed(order.price.unwrap_or_default(), 8));
    add("origQty", fixed(order.quantity, 8));
    add("executedQty", fixed(order.executed, 8));
    add("origQuoteOrderQty", fixed(order.quote_quantity.unwrap_or(Decimal::ZERO), 8));
    add("cummulativeQuoteQty", fixed(rules.executed_value(order), 8));
    add("status", status(order).to_owned());
    add("timeInForce", time_in_force(order).to_owned());
    add("type", kind(order).to_owned());
    add("side", side(order.side).to_owned());
    add("selfTradePreventionMode", self_trade(order.self_trade).to_owned());
    if let Some(reason) = expiry_reason(order) {
        add("expiryReason", reason.to_owned());
    }
    fields
}

pub(super) fn trade(rules: &Instrument, order: &Order, trade: &Trade) -> Value {
    json!({
        "symbol": order.symbol,
        "id": trade.id,
        "orderId": id_value(&order.order_id),
        "orderListId": -1,
        "price": fixed(trade.price, 8),
        "qty": fixed(trade.quantity, 8),
        "quoteQty": fixed(rules.value(trade.quantity, trade.price), 8),
        "commission": fixed(trade.fee, 8),
        "commissionAsset": trade.fee_asset,
        "time": trade.time_ms,
        "isBuyer": order.side == Side::Buy,
        "isMaker": trade.maker,
        "isBestMatch": true,
    })
}
