//! Orders and executions in Bybit's words.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::category::Category;
use crate::exchange::account::PositionSide;
use crate::exchange::instrument::{Instrument, Listing, fixed};
use crate::exchange::matching::Policy;
use crate::exchange::orders::{
    EndReason, Order, OrderKind, OrderStatus, SelfTrade, Side, TimeInForce, Trade,
};

/// An id in the shape of a UUID, made from a kind and a count.
pub(super) fn uuid(kind: u16, count: u64) -> String {
    format!("{:08x}-{kind:04x}-4000-8000-{:012x}", count & 0xffff_ffff, count)
}

/// The execution id of a trade.
pub(super) fn execution_id(trade: &Trade) -> String {
    uuid(0xe1ec, trade.id)
}

pub(super) fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "Buy",
        Side::Sell => "Sell",
    }
}

pub(super) fn position_index(side: PositionSide) -> u8 {
    match side {
        PositionSide::Net => 0,
        PositionSide::Long => 1,
        PositionSide::Short => 2,
    }
}

/// On derivatives `Cancelled` says nothing about executions: it may carry some.
fn status(category: Category, order: &Order) -> &'static str {
    match order.status {
        OrderStatus::New => "New",
        OrderStatus::PartiallyFilled => "PartiallyFilled",
        OrderStatus::Filled => "Filled",
        _ if order.ended_by == Some(EndReason::Repetition) => "Rejected",
        OrderStatus::Cancelled if category == Category::Spot && !order.executed.is_zero() => {
            "PartiallyFilledCanceled"
        }
        OrderStatus::Cancelled => "Cancelled",
    }
}

fn cancel_type(order: &Order) -> &'static str {
    match order.ended_by {
        Some(EndReason::User) => "CancelByUser",
        Some(EndReason::ReduceOnly) => "CancelByReduceOnly",
        Some(EndReason::SelfTrade) => "CancelBySmp",
        _ => "UNKNOWN",
    }
}

fn reject_reason(order: &Order) -> &'static str {
    match order.ended_by {
        Some(EndReason::User) => "EC_PerCancelRequest",
        Some(EndReason::PostOnly) => "EC_PostOnlyWillTakeLiquidity",
        Some(EndReason::NoLiquidity)
            if order.time_in_force == TimeInForce::Fok || !order.executed.is_zero() =>
        {
            "EC_CancelForNoFullFill"
        }
        Some(EndReason::NoLiquidity) => "EC_NoImmediateQtyToFill",
        Some(EndReason::SelfTrade | EndReason::ReduceOnly) => "EC_Others",
        // Source: Bybit v5 Enum Definitions, rejectReason, read 2026-11-22.
        Some(EndReason::Repetition) => "EC_DuplicatedClOrdID",
        None => "EC_NoError",
    }
}

fn time_in_force(order: &Order) -> &'static str {
    match order.time_in_force {
        TimeInForce::Gtc => "GTC",
        TimeInForce::Ioc => "IOC",
        TimeInForce::Fok => "FOK",
        TimeInForce::PostOnly => "PostOnly",
    }
}

fn self_trade(mode: SelfTrade) -> &'static str {
    match mode {
        SelfTrade::Allowed => "None",
        SelfTrade::CancelTaker => "CancelTaker",
        SelfTrade::CancelMaker => "CancelMaker",
        SelfTrade::CancelBoth => "CancelBoth",
    }
}

fn kind(order: &Order) -> &'static str {
    match order.kind {
        OrderKind::Market => "Market",
        OrderKind::Limit => "Limit",
    }
}

/// At most eight decimals, without trailing zeros; empty when there is none.
fn average(price: Decimal) -> String {
    if price.is_zero() { String::new() } else { price.round_dp(8).normalize().to_string() }
}

/// Fees by the asset they were charged in.
fn fee_detail(order: &Order) -> Value {
    let mut fees: Vec<(&str, Decimal)> = Vec::new();
    for trade in &order.trades {
        match fees.iter_mut().find(|(asset, _)| *asset == trade.fee_asset) {
            Some((_, fee)) => *fee += trade.fee,
            None => fees.push((&trade.fee_asset, trade.fee)),
        }
    }
    let fields =
        fees.into_iter().map(|(asset, fee)| (asset.to_owned(), Value::from(fixed(fee, 8))));
    Value::Object(fields.collect::<Map<String, Value>>())
}

/// The quantity in the unit it was ordered in: a spot market order may count quote.
fn ordered(rules: &Instrument, order: &Order) -> String {
    match order.quote_quantity {
        Some(amount) => amount.normalize().to_string(),
        None => fixed(order.quantity, rules.quantity_decimals),
    }
}

fn market_unit(category: Category, order: &Order) -> &'static str {
    match (category, order.kind, order.quote_quantity) {
        (Category::Spot, OrderKind::Market, Some(_)) => "quoteCoin",
        (Category::Spot, OrderKind::Market, None) => "baseCoin",
        _ => "",
    }
}

pub(super) fn order(category: Category, listing: &Listing, order: &Order) -> Value {
    let rules = &listing.instrument;
    let quantity = |value: Decimal| fixed(value, rules.quantity_decimals);
    let left = if order.is_open() { order.left() } else { Decimal::ZERO };
    // A market order is an IOC limit order at the edge of the band.
    let price = order.price.unwrap_or_else(|| listing.band(order.side));
    let spot = category == Category::Spot;
    let mut value = json!({
        "orderId": order.order_id,
        "orderLinkId": order.client_order_id,
        "blockTradeId": "",
        "symbol": order.symbol,
        "price": fixed(price, rules.price_decimals),
        "qty": ordered(rules, order),
        "side": side(order.side),
        "isLeverage": if spot { "0" } else { "" },
        "positionIdx": position_index(order.position_side),
        "orderStatus": status(category, order),
        "cancelType": cancel_type(order),
        "rejectReason": reject_reason(order),
        "avgPrice": average(rules.average_price(order)),
        "leavesQty": quantity(left),
        "leavesValue": fixed(rules.value(left, price), value_decimals(category)),
        "cumExecQty": quantity(order.executed),
        "cumExecValue": executed_value(rules.executed_value(order)),
        "cumExecFee": fixed(order.fee(), 8),
        "cumFeeDetail": fee_detail(order),
        "timeInForce": time_in_force(order),
        "orderType": kind(order),
        "stopOrderType": "",
        "orderIv": "",
        "marketUnit": market_unit(category, order),
        "triggerPrice": "",
        "takeProfit": "",
        "stopLoss": "",
        "tpslMode": "",
        "ocoTriggerBy": "",
        "tpLimitPrice": "",
        "slLimitPrice": "",
        "tpTriggerBy": "",
        "slTriggerBy": "",
        "triggerDirection": 0,
        "triggerBy": "",
        "lastPriceOnCreated": fixed(listing.mark, rules.price_decimals),
        "reduceOnly": order.reduce_only,
        "closeOnTrigger": false,
        "placeType": "",
        "smpType": self_trade(order.self_trade),
        "smpGroup": 0,
        "smpOrderId": "",
        "createdTime": order.received_ms.to_string(),
        "updatedTime": order.updated_ms.to_string(),
    });
    if let (false, Some(fields)) = (spot, value.as_object_mut()) {
        fields.insert("createType".to_owned(), Value::from("CreateByUser"));
    }
    value
}

fn value_decimals(category: Category) -> u32 {
    if category == Category::Inverse { 8 } else { 4 }
}

/// At most eight decimals, without trailing zeros.
fn executed_value(value: Decimal) -> String {
    value.round_dp(8).normalize().to_string()
}

pub(super) fn execution(
    category: Category,
    listing: &Listing,
    policy: &Policy,
    (order, trade): (&Order, &Trade),
) -> Value {
    let rules = &listing.instrument;
    let quantity = |value: Decimal| fixed(value, rules.quantity_decimals);
    let before: Decimal =
        order.trades.iter().filter(|other| other.id <= trade.id).map(|other| other.quantity).sum();
    // Spot has neither a mark nor an index.
    let mark = match category {
        Category::Spot => String::new(),
        _ => fixed(listing.mark, rules.price_decimals),
    };
    let rate = if trade.maker { policy.maker_fee } else { policy.taker_fee };
    json!({
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderLinkId": order.client_order_id,
        "side": side(order.side),
        "orderPrice": fixed(order.price.unwrap_or_else(|| listing.band(order.side)), rules.price_decimals),
        "orderQty": ordered(rules, order),
        "leavesQty": quantity(order.quantity - before),
        "createType": "CreateByUser",
        "orderType": kind(order),
        "stopOrderType": "UNKNOWN",
        "execFee": fixed(trade.fee, 8),
        "execFeeV2": "",
        "feeCurrency": trade.fee_asset,
        "execId": execution_id(trade),
        "execPrice": fixed(trade.price, rules.price_decimals),
        "execQty": quantity(trade.quantity),
        "execType": "Trade",
        "execValue": executed_value(rules.value(trade.quantity, trade.price)),
        "execTime": trade.time_ms.to_string(),
        "feeRate": rate.normalize().to_string(),
        "tradeIv": "",
        "markIv": "",
        "markPrice": mark,
        "indexPrice": mark,
        "underlyingPrice": "",
        "blockTradeId": "",
        "closedSize": quantity(if trade.realised.is_zero() { Decimal::ZERO } else { trade.quantity }),
        "isMaker": trade.maker,
        "seq": trade.id,
        "extraFees": "",
    })
}
