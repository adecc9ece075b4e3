//! Orders, executions and instruments in OKX's words.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::is_inverse;
use crate::exchange::account::PositionSide;
use crate::exchange::instrument::{InstrumentKind, Listing};
use crate::exchange::matching::Policy;
use crate::exchange::orders::{
    EndReason, Order, OrderKind, OrderStatus, SelfTrade, Side, TimeInForce, Trade,
};

/// Without trailing zeros.
pub(super) fn plain(value: Decimal) -> String {
    value.normalize().to_string()
}

/// Empty when there is none.
fn present(value: Decimal) -> String {
    if value.is_zero() { String::new() } else { plain(value) }
}

/// An average price; what an inverse contract is worth is rounded, and so is the price recovered from it.
pub(super) fn average(listing: &Listing, price: Decimal) -> Decimal {
    price.round_dp(if is_inverse(listing) { 4 } else { 12 })
}

pub(super) fn instrument_type(listing: &Listing) -> &'static str {
    if listing.instrument.kind == InstrumentKind::Spot { "SPOT" } else { "SWAP" }
}

/// The underlying of a contract, empty on spot.
pub(super) fn family(listing: &Listing) -> String {
    let rules = &listing.instrument;
    if rules.is_spot() { String::new() } else { format!("{}-{}", rules.base, rules.quote) }
}

pub(super) fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

pub(super) fn position_side(side: PositionSide) -> &'static str {
    match side {
        PositionSide::Net => "net",
        PositionSide::Long => "long",
        PositionSide::Short => "short",
    }
}

/// The position side of an order: there is none on spot.
fn order_position_side(listing: &Listing, order: &Order) -> &'static str {
    if listing.instrument.is_spot() { "" } else { position_side(order.position_side) }
}

/// `canceled` says nothing about executions: it may carry some.
pub(super) fn state(order: &Order) -> &'static str {
    match order.status {
        OrderStatus::New => "live",
        OrderStatus::PartiallyFilled => "partially_filled",
        OrderStatus::Filled => "filled",
        OrderStatus::Cancelled => "canceled",
    }
}

/// Source: OKX v5 docs, Order Book Trading, Get order, cancelSource, read 2026-11-22.
fn cancel_source(order: &Order) -> &'static str {
    match order.ended_by {
        None => "",
        Some(EndReason::User) => "1",
        Some(EndReason::NoLiquidity) if order.time_in_force == TimeInForce::Fok => "13",
        Some(EndReason::NoLiquidity) => "14",
        Some(EndReason::PostOnly) => "31",
        Some(EndReason::SelfTrade) => "32",
        Some(EndReason::ReduceOnly | EndReason::Repetition) => "0",
    }
}

pub(super) fn order_type(listing: &Listing, order: &Order) -> &'static str {
    match (order.kind, order.time_in_force) {
        (OrderKind::Market, TimeInForce::Ioc) if !listing.instrument.is_spot() => {
            "optimal_limit_ioc"
        }
        (OrderKind::Market, _) => "market",
        (OrderKind::Limit, TimeInForce::Gtc) => "limit",
        (OrderKind::Limit, TimeInForce::Ioc) => "ioc",
        (OrderKind::Limit, TimeInForce::Fok) => "fok",
        (OrderKind::Limit, TimeInForce::PostOnly) => "post_only",
    }
}

fn self_trade(mode: SelfTrade) -> &'static str {
    match mode {
        SelfTrade::Allowed => "",
        SelfTrade::CancelTaker => "cancel_taker",
        SelfTrade::CancelMaker => "cancel_maker",
        SelfTrade::CancelBoth => "cancel_both",
    }
}

/// The asset the fee of an order is or would be in.
fn fee_asset<'a>(listing: &'a Listing, order: &'a Order) -> &'a str {
    let rules = &listing.instrument;
    match (order.trades.last(), order.side) {
        (Some(trade), _) => &trade.fee_asset,
        (None, _) if !rules.is_spot() => rules.settle,
        (None, Side::Buy) => rules.base,
        (None, Side::Sell) => rules.quote,
    }
}

/// What `sz` of an order counts: only spot market orders have a choice.
fn target(listing: &Listing, order: &Order) -> &'static str {
    match (listing.instrument.is_spot(), order.kind, order.quote_quantity) {
        (true, OrderKind::Market, Some(_)) => "quote_ccy",
        (true, OrderKind::Market, None) => "base_ccy",
        _ => "",
    }
}

pub(super) fn order(listing: &Listing, leverage: Decimal, order: &Order) -> Value {
    let rules = &listing.instrument;
    let last = order.trades.last();
    let realised: Decimal = order.trades.iter().map(|trade| trade.realised).sum();
    let price = order.price.filter(|_| order.kind == OrderKind::Limit).unwrap_or_default();
    json!({
        "accFillSz": plain(order.executed),
        "algoClOrdId": "",
        "algoId": "",
        "attachAlgoClOrdId": "",
        "attachAlgoOrds": [],
        "avgPx": present(average(listing, rules.average_price(order))),
        "cTime": order.received_ms.to_string(),
        "cancelSource": cancel_source(order),
        "cancelSourceReason": "",
        "category": "normal",
        "ccy": "",
        "clOrdId": order.client_order_id,
        "fee": plain(-order.fee()),
        "feeCcy": fee_asset(listing, order),
        "fillPx": present(last.map(|trade| trade.price).unwrap_or_default()),
        "fillSz": plain(last.map(|trade| trade.quantity).unwrap_or_default()),
        "fillTime": last.map(|trade| trade.time_ms.to_string()).unwrap_or_default(),
        "instId": order.symbol,
        "instType": instrument_type(listing),
        "isTpLimit": "false",
        "lever": if rules.is_spot() { String::new() } else { plain(leverage) },
        "linkedAlgoOrd": { "algoId": "" },
        "ordId": order.order_id,
        "ordType": order_type(listing, order),
        "pnl": plain(realised),
        "posSide": order_position_side(listing, order),
        "px": present(price),
        "pxType": "",
        "pxUsd": "",
        "pxVol": "",
        "quickMgnType": "",
        "rebate": "0",
        "rebateCcy": if rules.is_spot() { rules.quote } else { rules.settle },
        "reduceOnly": order.reduce_only.to_string(),
        "side": side(order.side),
        "slOrdPx": "",
        "slTriggerPx": "",
        "slTriggerPxType": "",
        "source": "",
        "state": state(order),
        "stpId": "",
        "stpMode": self_trade(order.self_trade),
        "sz": plain(order.quote_quantity.unwrap_or(order.quantity)),
        "tag": "",
        "tdMode": if rules.is_spot() { "cash" } else { "cross" },
        "tgtCcy": target(listing, order),
        "tpOrdPx": "",
        "tpTriggerPx": "",
        "tpTriggerPxType": "",
        "tradeId": last.map(|trade| trade.id.to_string()).unwrap_or_default(),
        "tradeQuoteCcy": if rules.is_spot() { rules.quote } else { "" },
        "uTime": order.updated_ms.to_string(),
    })
}

pub(super) fn fill(listing: &Listing, policy: &Policy, order: &Order, trade: &Trade) -> Value {
    let rate = if trade.maker { policy.maker_fee } else { policy.taker_fee };
    json!({
        "billId": (2_800_000_000_000_000_000 + trade.id).to_string(),
        "clOrdId": order.client_order_id,
        "execType": if trade.maker { "M" } else { "T" },
        "fee": plain(-trade.fee),
        "feeCcy": trade.fee_asset,
        "feeRate": plain(-rate),
        "fillFwdPx": "",
        "fillIdxPx": plain(listing.mark),
        "fillMarkPx": if listing.instrument.is_spot() { String::new() } else { plain(listing.mark) },
        "fillMarkVol": "",
        "fillPnl": plain(trade.realised),
        "fillPx": plain(trade.price),
        "fillPxUsd": "",
        "fillPxVol": "",
        "fillSz": plain(trade.quantity),
        "fillTime": trade.time_ms.to_string(),
        "instId": order.symbol,
        "instType": instrument_type(listing),
        "ordId": order.order_id,
        "posSide": if listing.instrument.is_spot() { "net" } else { position_side(order.position_side) },
        "side": side(order.side),
        "subType": if order.side == Side::Buy { "1" } else { "2" },
        "tag": "",
        "tradeId": trade.id.to_string(),
        "tradeQuoteCcy": if listing.instrument.is_spot() { listing.instrument.quote } else { "" },
        "ts": trade.time_ms.to_string(),
    })
}

pub(super) fn instrument(listing: &Listing, number: usize) -> Value {
    let rules = &listing.instrument;
    let spot = rules.is_spot();
    let of_contract = |text: String| if spot { String::new() } else { text };
    let counted = if is_inverse(listing) { rules.quote } else { rules.base };
    let market_max = if spot { "1000000".to_owned() } else { plain(rules.market_quantity_max) };
    json!({
        "alias": "",
        "auctionEndTime": "",
        "baseCcy": if spot { rules.base } else { "" },
        "category": "1",
        "contTdSwTime": rules.listed_ms.to_string(),
        "ctMult": of_contract("1".to_owned()),
        "ctType": of_contract(if is_inverse(listing) { "inverse" } else { "linear" }.to_owned()),
        "ctVal": of_contract(plain(rules.contract_size)),
        "ctValCcy": of_contract(counted.to_owned()),
        "expTime": "",
        "futureSettlement": false,
        "groupId": "1",
        "instFamily": family(listing),
        "instId": rules.symbol,
        "instIdCode": 10_458 + number,
        "instType": instrument_type(listing),
        "lever": if spot { "".to_owned() } else { rules.leverage_max.to_string() },
        "listTime": rules.listed_ms.to_string(),
        "lotSz": plain(rules.step),
        "maxIcebergSz": plain(rules.quantity_max),
        "maxLmtAmt": "20000000",
        "maxLmtSz": plain(rules.quantity_max),
        "maxMktAmt": if spot { "1000000" } else { "" },
        "maxMktSz": market_max.clone(),
        "maxStopSz": market_max,
        "maxTriggerSz": plain(rules.quantity_max),
        "maxTwapSz": plain(rules.quantity_max),
        "minSz": plain(rules.quantity_min),
        "openType": if spot { "call_auction" } else { "" },
        "optType": "",
        "quoteCcy": if spot { rules.quote } else { "" },
        "ruleType": "normal",
        "settleCcy": of_contract(rules.settle.to_owned()),
        "state": "live",
        "stk": "",
        "tickSz": plain(rules.tick),
        "tradeQuoteCcyList": if spot { json!([rules.quote]) } else { json!([]) },
        "uly": family(listing),
    })
}
