//! Orders and executions in Coinbase's words.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::civil::rfc3339;
use crate::exchange::instrument::Listing;
use crate::exchange::matching::Policy;
use crate::exchange::orders::{
    AdjustedTrade, EndReason, Order, OrderKind, OrderStatus, Side, TimeInForce, Trade,
};

/// The user everything here belongs to.
pub(super) const USER_ID: &str = "5f3ed4b6-0000-4000-8000-000000000001";

/// The portfolio the key is bound to.
pub(super) const PORTFOLIO_ID: &str = "5f3ed4b6-0000-4000-8000-000000000002";

/// Without trailing zeros.
pub(super) fn plain(value: Decimal) -> String {
    value.normalize().to_string()
}

/// An id in the shape of a UUID, made from a kind and a count.
pub(super) fn uuid(kind: u16, count: u64) -> String {
    format!("{:08x}-{kind:04x}-4000-8000-{:012x}", count & 0xffff_ffff, count)
}

pub(super) fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

/// `CANCELLED` says nothing about executions: it may carry some. A partly filled order is still `OPEN`.
pub(super) fn status(order: &Order) -> &'static str {
    match order.status {
        OrderStatus::New | OrderStatus::PartiallyFilled => "OPEN",
        OrderStatus::Filled => "FILLED",
        OrderStatus::Cancelled => "CANCELLED",
    }
}

pub(super) fn time_in_force(order: &Order) -> &'static str {
    match order.time_in_force {
        TimeInForce::Gtc | TimeInForce::PostOnly => "GOOD_UNTIL_CANCELLED",
        TimeInForce::Ioc => "IMMEDIATE_OR_CANCEL",
        TimeInForce::Fok => "FILL_OR_KILL",
    }
}

pub(super) fn kind(order: &Order) -> &'static str {
    match order.kind {
        OrderKind::Market => "MARKET",
        OrderKind::Limit => "LIMIT",
    }
}

fn configuration(order: &Order) -> Value {
    let size = plain(order.quantity);
    let price = plain(order.price.unwrap_or_default());
    match (order.kind, order.time_in_force) {
        (OrderKind::Market, _) => match order.quote_quantity {
            Some(amount) => json!({ "market_market_ioc": { "quote_size": plain(amount) } }),
            None => json!({ "market_market_ioc": { "base_size": size } }),
        },
        (_, TimeInForce::Ioc) => {
            json!({ "sor_limit_ioc": { "base_size": size, "limit_price": price } })
        }
        (_, TimeInForce::Fok) => {
            json!({ "limit_limit_fok": { "base_size": size, "limit_price": price } })
        }
        (_, time_in_force) => json!({ "limit_limit_gtc": {
            "base_size": size,
            "limit_price": price,
            "post_only": time_in_force == TimeInForce::PostOnly,
        } }),
    }
}

fn cancel_message(order: &Order) -> &'static str {
    match order.ended_by {
        None => "",
        Some(EndReason::User) => "User requested cancel",
        Some(EndReason::NoLiquidity) => "Insufficient liquidity",
        Some(EndReason::SelfTrade) => "Self trade prevention",
        Some(EndReason::PostOnly | EndReason::ReduceOnly | EndReason::Repetition) => {
            "Internal error"
        }
    }
}

pub(super) fn order(policy: &Policy, listing: &Listing, order: &Order) -> Value {
    let rules = &listing.instrument;
    let value = rules.executed_value(order);
    let after_fees = match order.side {
        Side::Buy => value + order.fee(),
        Side::Sell => value - order.fee(),
    };
    let share = if order.quantity.is_zero() {
        Decimal::ZERO
    } else {
        (order.stated() * Decimal::ONE_HUNDRED / order.quantity).round_dp(2)
    };
    let open = order.is_open();
    let held = match (open, order.side) {
        (false, _) => Decimal::ZERO,
        (true, Side::Sell) => order.left(),
        (true, Side::Buy) => {
            let value = rules.value(order.left(), order.price.unwrap_or_default());
            value + value * policy.taker_fee
        }
    };
    let last_fill = order.trades.last().map(|trade| rfc3339(trade.time_ms));
    json!({
        "order_id": order.order_id,
        "product_id": order.symbol,
        "user_id": USER_ID,
        "order_configuration": configuration(order),
        "side": side(order.side),
        "client_order_id": order.client_order_id,
        "status": status(order),
        "time_in_force": time_in_force(order),
        "created_time": rfc3339(order.received_ms),
        "completion_percentage": plain(share),
        "filled_size": plain(order.stated()),
        "average_filled_price": plain(rules.average_price(order).round_dp(12)),
        "fee": "",
        "number_of_fills": order.trades.len().to_string(),
        "filled_value": plain(value),
        "pending_cancel": false,
        "size_in_quote": order.quote_quantity.is_some(),
        "total_fees": plain(order.fee()),
        "size_inclusive_of_fees": order.quote_quantity.is_some(),
        "total_value_after_fees": plain(after_fees),
        "trigger_status": "INVALID_ORDER_TYPE",
        "order_type": kind(order),
        "reject_reason": "REJECT_REASON_UNSPECIFIED",
        "settled": !open,
        "product_type": "SPOT",
        "reject_message": "",
        "cancel_message": cancel_message(order),
        "order_placement_source": "RETAIL_ADVANCED",
        "outstanding_hold_amount": plain(held.round_dp(8)),
        "is_liquidation": false,
        "last_fill_time": last_fill,
        "edit_history": [],
        "leverage": "",
        "margin_type": "UNKNOWN_MARGIN_TYPE",
        "retail_portfolio_id": PORTFOLIO_ID,
        "originating_order_id": "",
        "attached_order_id": "",
    })
}

/// Executions of an order whose size was given in quote are sized in quote, too.
pub(super) fn fill(listing: &Listing, order: &Order, trade: &Trade) -> Value {
    let in_quote = order.quote_quantity.is_some();
    let size = if in_quote {
        listing.instrument.value(trade.quantity, trade.price)
    } else {
        trade.quantity
    };
    let at = rfc3339(trade.time_ms);
    json!({
        "entry_id": format!("{:064x}", trade.id),
        "trade_id": uuid(0x07ad, trade.id),
        "order_id": order.order_id,
        "trade_time": at,
        "trade_type": "FILL",
        "price": plain(trade.price),
        "size": plain(size),
        "commission": plain(trade.fee),
        "product_id": order.symbol,
        "sequence_timestamp": at,
        "liquidity_indicator": if trade.maker { "MAKER" } else { "TAKER" },
        "size_in_quote": in_quote,
        "user_id": USER_ID,
        "side": side(order.side),
        "retail_portfolio_id": PORTFOLIO_ID,
    })
}

/// An adjusted fill: a row of its own that names the trade it is about. What its size stands for is not documented;
/// here a reversal states what is taken back, a correction what stands instead.
/// Source: Coinbase Advanced Trade API, List Fills, trade_type and trade_id, read 2026-11-22.
pub(super) fn adjusted(
    listing: &Listing,
    order: &Order,
    adjusted: &AdjustedTrade,
) -> Option<Value> {
    let trade = order.trades.iter().find(|trade| trade.id == adjusted.trade)?;
    let stated = if adjusted.is_reversed {
        trade.clone()
    } else {
        Trade { quantity: adjusted.quantity, fee: adjusted.fee, ..trade.clone() }
    };
    let mut row = fill(listing, order, &stated);
    let at = rfc3339(adjusted.time_ms);
    row["entry_id"] = json!(format!("{:064x}", adjusted.id));
    row["trade_type"] = json!(if adjusted.is_reversed { "REVERSAL" } else { "CORRECTION" });
    row["trade_time"] = json!(at);
    row["sequence_timestamp"] = json!(at);
    Some(row)
}
