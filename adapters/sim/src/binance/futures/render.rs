//! Orders and trades in Binance's words.

use serde_json::{Value, json};

use super::product::Product;
use crate::exchange::account::PositionSide;
use crate::exchange::instrument::{Instrument, fixed};
use crate::exchange::orders::{
    EndReason, Order, OrderKind, OrderStatus, SelfTrade, Side, TimeInForce, Trade,
};

pub(super) fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

pub(super) fn position_side(side: PositionSide) -> &'static str {
    match side {
        PositionSide::Net => "BOTH",
        PositionSide::Long => "LONG",
        PositionSide::Short => "SHORT",
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

/// Market orders are shown as GTC although nothing of them ever rests.
fn time_in_force(order: &Order) -> &'static str {
    match (order.kind, order.time_in_force) {
        (OrderKind::Market, _) | (_, TimeInForce::Gtc) => "GTC",
        (_, TimeInForce::Ioc) => "IOC",
        (_, TimeInForce::Fok) => "FOK",
        (_, TimeInForce::PostOnly) => "GTX",
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
pub(super) fn id_value(order_id: &str) -> Value {
    order_id.parse::<u64>().map_or(Value::Null, Value::from)
}

/// The answer to placing and cancelling: without average price and executed value.
pub(super) fn placed(product: Product, instrument: &Instrument, order: &Order) -> Value {
    let kind = if order.kind == OrderKind::Market { "MARKET" } else { "LIMIT" };
    let executed = fixed(order.executed, instrument.quantity_decimals);
    let mut value = json!({
        "orderId": id_value(&order.order_id),
        "symbol": order.symbol,
        "status": status(order),
        "clientOrderId": order.client_order_id,
        "price": fixed(order.price.unwrap_or_default(), instrument.price_decimals),
        "origQty": fixed(order.quantity, instrument.quantity_decimals),
        "executedQty": executed,
        "cumQty": executed,
        "timeInForce": time_in_force(order),
        "type": kind,
        "origType": kind,
        "reduceOnly": order.reduce_only,
        "closePosition": false,
        "side": side(order.side),
        "positionSide": position_side(order.position_side),
        "stopPrice": "0.00",
        "workingType": "CONTRACT_PRICE",
        "priceProtect": false,
        "priceMatch": "NONE",
        "selfTradePreventionMode": self_trade(order.self_trade),
        "updateTime": order.updated_ms,
    });
    if let (Product::Usdm, Some(fields)) = (product, value.as_object_mut()) {
        fields.insert("goodTillDate".to_owned(), Value::from(0));
    }
    product.with_pair(instrument, value)
}

/// The answer to a query: average price and executed value instead of `cumQty`.
pub(super) fn queried(product: Product, instrument: &Instrument, order: &Order) -> Value {
    let mut value = placed(product, instrument, order);
    if let Some(fields) = value.as_object_mut() {
        let (name, decimals) = match product {
            Product::Usdm => ("cumQuote", 5),
            Product::Coinm => ("cumBase", 8),
        };
        let (executed, average) =
            (instrument.executed_value(order), instrument.average_price(order));
        fields.remove("cumQty");
        fields.insert("avgPrice".to_owned(), Value::from(fixed(average, decimals)));
        fields.insert(name.to_owned(), Value::from(fixed(executed, decimals)));
        fields.insert("time".to_owned(), Value::from(order.received_ms));
    }
    value
}

pub(super) fn trade(
    product: Product,
    instrument: &Instrument,
    order: &Order,
    trade: &Trade,
) -> Value {
    let worth = instrument.value(trade.quantity, trade.price);
    let mut value = json!({
        "symbol": order.symbol,
        "id": trade.id,
        "orderId": id_value(&order.order_id),
        "side": side(order.side),
        "positionSide": position_side(order.position_side),
        "price": fixed(trade.price, instrument.price_decimals),
        "qty": fixed(trade.quantity, instrument.quantity_decimals),
        "realizedPnl": fixed(trade.realised, 8),
        "marginAsset": instrument.settle,
        "commission": fixed(trade.fee, 8),
        "commissionAsset": trade.fee_asset,
        "time": trade.time_ms,
        "buyer": order.side == Side::Buy,
        "maker": trade.maker,
    });
    if let Some(fields) = value.as_object_mut() {
        let (name, worth) = match product {
            Product::Usdm => ("quoteQty", fixed(worth, 5)),
            Product::Coinm => ("baseQty", fixed(worth, 8)),
        };
        fields.insert(name.to_owned(), Value::from(worth));
    }
    product.with_pair(instrument, value)
}
