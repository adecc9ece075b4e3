//! Orders, executions and instruments in Deribit's words.

use rust_decimal::Decimal;

use super::instruments::{self, Contract, contract, contract_size};
use super::wire::{Object, array};
use crate::exchange::instrument::{Instrument, InstrumentKind, Listing};
use crate::exchange::matching::MatchingEngine;
use crate::exchange::orders::{
    EndReason, Order, OrderKind, OrderOrigin, OrderStatus, Side, TimeInForce, Trade,
};

pub(super) fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

/// A partly filled order is `open`, and `cancelled` says nothing about executions.
fn state(order: &Order) -> &'static str {
    match order.status {
        OrderStatus::New | OrderStatus::PartiallyFilled => "open",
        OrderStatus::Filled => "filled",
        OrderStatus::Cancelled => "cancelled",
    }
}

fn time_in_force(order: &Order) -> &'static str {
    match (order.kind, order.time_in_force) {
        (OrderKind::Market, _) => "good_til_cancelled",
        (_, TimeInForce::Gtc | TimeInForce::PostOnly) => "good_til_cancelled",
        (_, TimeInForce::Ioc) => "immediate_or_cancel",
        (_, TimeInForce::Fok) => "fill_or_kill",
    }
}

/// Only some endings have a reason that is told.
fn cancel_reason(order: &Order) -> Option<&'static str> {
    match order.ended_by? {
        EndReason::User => Some("user_request"),
        EndReason::PostOnly
        | EndReason::NoLiquidity
        | EndReason::SelfTrade
        | EndReason::ReduceOnly
        | EndReason::Repetition => None,
    }
}

fn kind(order: &Order) -> &'static str {
    match order.kind {
        OrderKind::Market => "market",
        OrderKind::Limit => "limit",
    }
}

/// An average price; what an inverse contract is worth is rounded, and so is the price recovered from it.
pub(super) fn average(rules: &Instrument, price: Decimal) -> Decimal {
    price.round_dp(if rules.kind == InstrumentKind::Inverse { 4 } else { 10 })
}

pub(super) fn order(listing: &Listing, order: &Order) -> String {
    let rules = &listing.instrument;
    let post_only = order.time_in_force == TimeInForce::PostOnly;
    let average = average(rules, rules.average_price(order));
    let object = Object::default()
        .text("order_id", &order.order_id)
        .text("order_state", state(order))
        .text("order_type", kind(order))
        .text("time_in_force", time_in_force(order))
        .text("instrument_name", &order.symbol)
        .text("direction", side(order.side));
    let object = match order.price {
        Some(price) => object.number("price", price),
        None => object.text("price", "market_price"),
    };
    let object = object
        .number("amount", order.quantity)
        .number("contracts", order.quantity / contract_size(rules))
        .number("filled_amount", order.executed)
        .number("average_price", average)
        .text("label", &order.client_order_id)
        .flag("post_only", post_only)
        .flag("reduce_only", order.reduce_only)
        .flag("api", order.origin == OrderOrigin::Interface)
        .flag("web", order.origin == OrderOrigin::Screen)
        .flag("mmp", false)
        .flag("replaced", false)
        .flag("risk_reducing", false)
        .flag("is_liquidation", false)
        .flag("is_rebalance", false)
        .number("max_show", order.quantity)
        .count("creation_timestamp", order.received_ms)
        .count("last_update_timestamp", order.updated_ms);
    let object = if post_only { object.flag("reject_post_only", true) } else { object };
    object.text_if("cancel_reason", cancel_reason(order)).build()
}

pub(super) fn trade(listing: &Listing, order: &Order, trade: &Trade) -> String {
    let rules = &listing.instrument;
    Object::default()
        .text("trade_id", &format!("{}-{}", rules.settle, trade.id))
        .count("trade_seq", trade.id)
        .text("order_id", &order.order_id)
        .text("order_type", kind(order))
        .text("label", &order.client_order_id)
        .text("instrument_name", &order.symbol)
        .text("direction", side(order.side))
        .number("price", trade.price)
        .number("amount", trade.quantity)
        .number("contracts", trade.quantity / contract_size(rules))
        .number("fee", trade.fee)
        .text("fee_currency", &trade.fee_asset)
        .text("liquidity", if trade.maker { "M" } else { "T" })
        .text("state", state(order))
        .count("timestamp", trade.time_ms)
        .number("mark_price", listing.mark)
        .number("index_price", listing.mark)
        .count("tick_direction", 0)
        .number("profit_loss", trade.realised)
        .flag("post_only", order.time_in_force == TimeInForce::PostOnly)
        .flag("reduce_only", order.reduce_only)
        .flag("self_trade", false)
        .flag("risk_reducing", false)
        .flag("mmp", false)
        .flag("api", order.origin == OrderOrigin::Interface)
        .raw("matching_id", "null")
        .build()
}

pub(super) fn trades(listing: &Listing, of: &Order) -> String {
    array(of.trades.iter().map(|one| trade(listing, of, one)))
}

pub(super) fn instrument(engine: &MatchingEngine, listing: &Listing) -> String {
    let rules = &listing.instrument;
    let (name, policy) = (rules.symbol, &engine.policy);
    let inverse = rules.kind == InstrumentKind::Inverse;
    let is_option = contract(name) == Contract::Option;
    let steps = rules.tick_steps.iter().map(|(above, tick)| {
        Object::default().number("above_price", *above).number("tick_size", *tick).build()
    });
    let period = if contract(name) == Contract::Perpetual { "perpetual" } else { "month" };
    let counter = if is_option { "USD" } else { rules.quote };
    let object = Object::default()
        .text("instrument_name", name)
        .count("instrument_id", 100_000 + rules.listed_ms % 1000)
        .text("kind", instruments::kind(name))
        .text("instrument_type", if inverse || is_option { "reversed" } else { "linear" })
        .text("base_currency", rules.base)
        .text("quote_currency", rules.quote)
        .text("counter_currency", counter)
        .text("settlement_currency", rules.settle)
        .text("settlement_period", period)
        .text("price_index", &index_name(rules))
        .number("contract_size", contract_size(rules))
        .number("min_trade_amount", rules.quantity_min)
        .number("tick_size", rules.tick)
        .raw("tick_size_steps", &array(steps))
        .number("maker_commission", policy.maker_fee)
        .number("taker_commission", policy.taker_fee)
        .number("max_liquidation_commission", Decimal::new(75, 4))
        .number("block_trade_commission", Decimal::new(25, 5))
        .number("block_trade_min_trade_amount", Decimal::from(200_000))
        .number("block_trade_tick_size", Decimal::new(1, 2))
        .count("max_leverage", u64::from(rules.leverage_max))
        .flag("is_active", true)
        .text("state", "open")
        .flag("rfq", false)
        .count("creation_timestamp", rules.listed_ms)
        .count("expiration_timestamp", instruments::expires_ms(name));
    if !is_option {
        let kind = if inverse { "reversed" } else { "linear" };
        return object.text("future_type", kind).build();
    }
    let strike = name.split('-').nth(2).unwrap_or("0");
    let call = name.ends_with("-C");
    object.raw("strike", strike).text("option_type", if call { "call" } else { "put" }).build()
}

/// The index a contract follows.
pub(super) fn index_name(rules: &Instrument) -> String {
    let quote = if rules.settle == "USDC" { "usdc" } else { "usd" };
    format!("{}_{quote}", rules.base.to_lowercase())
}
