//! Orders and questions in the exchange's parameters.
//!
//! Source: Deribit private/buy; private/cancel; private/cancel_by_label, read 2026-11-22.

use equipoise_core::{OrderKind, OrderRequest, PositionSide, Side, TimeInForce};
use serde::Serialize;
use serde_json::value::RawValue;

use super::product::{BUY, Method, SELL};
use crate::answer::BadAnswer;

/// The parameters of an order.
#[derive(Serialize)]
pub(crate) struct Place<'a> {
    instrument_name: &'a str,
    /// US dollars on inverse contracts, base units elsewhere; a number, exactly as it is written.
    amount: Box<RawValue>,
    #[serde(rename = "type")]
    kind: &'static str,
    label: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_in_force: Option<&'static str>,
    /// Always said: the exchange documents true as what it assumes.
    post_only: bool,
    /// Without it a crossing price would be moved instead of refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    reject_post_only: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reduce_only: Option<bool>,
    /// The intent's own deadline, in milliseconds of venue time.
    valid_until: u64,
}

/// The method for a side.
pub(crate) const fn method(side: Side) -> Method {
    match side {
        Side::Buy => BUY,
        Side::Sell => SELL,
    }
}

/// The exchange's word for a side.
pub(crate) const fn direction(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

/// One order as parameters. Self-trades are handled as the account is set up; no order can say otherwise.
///
/// # Errors
/// For an order of hedge mode: the exchange keeps one net position per instrument.
pub(crate) fn order(order: &OrderRequest) -> Result<Place<'_>, BadAnswer> {
    if order.position_side != PositionSide::Net {
        return Err(BadAnswer::new("the exchange has no hedge mode"));
    }
    let (kind, price, lifetime) = match order.kind {
        // A lifetime is refused with market orders.
        OrderKind::Market => ("market", None, None),
        OrderKind::Limit { price, time_in_force } => {
            ("limit", Some(number(&price.to_string())?), Some(time_in_force))
        }
    };
    let post_only = lifetime == Some(TimeInForce::PostOnly);
    Ok(Place {
        instrument_name: order.symbol.as_str(),
        amount: number(&order.quantity.to_string())?,
        kind,
        label: order.client_id.as_str(),
        price,
        time_in_force: lifetime.map(word),
        post_only,
        reject_post_only: post_only.then_some(true),
        reduce_only: order.reduce_only.then_some(true),
        valid_until: order.deadline.0,
    })
}

const fn word(time_in_force: TimeInForce) -> &'static str {
    match time_in_force {
        TimeInForce::Gtc | TimeInForce::PostOnly => "good_til_cancelled",
        TimeInForce::Ioc => "immediate_or_cancel",
        TimeInForce::Fok => "fill_or_kill",
    }
}

/// A decimal as a JSON number with the same digits.
fn number(text: &str) -> Result<Box<RawValue>, BadAnswer> {
    RawValue::from_string(text.to_owned()).map_err(|_| BadAnswer::new("number is not JSON"))
}

/// Names one instrument.
#[derive(Serialize)]
pub(crate) struct OfInstrument<'a> {
    pub(crate) instrument_name: &'a str,
}

/// Names one order by the exchange's id.
#[derive(Serialize)]
pub(crate) struct OfOrder<'a> {
    pub(crate) order_id: &'a str,
}

/// Names orders by label; the label alone is not enough for the exchange.
#[derive(Serialize)]
pub(crate) struct OfLabel<'a> {
    pub(crate) currency: &'a str,
    pub(crate) label: &'a str,
}

/// One page of ended orders.
#[derive(Serialize)]
pub(crate) struct History<'a> {
    pub(crate) instrument_name: &'a str,
    pub(crate) count: usize,
    pub(crate) include_old: bool,
    pub(crate) include_unfilled: bool,
    pub(crate) historical: bool,
    pub(crate) with_continuation: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) continuation: Option<&'a str>,
}

/// Trades of one order.
#[derive(Serialize)]
pub(crate) struct TradesOfOrder<'a> {
    pub(crate) order_id: &'a str,
    pub(crate) sorting: &'static str,
    pub(crate) historical: bool,
}

/// Trades in one instrument and a span of time.
#[derive(Serialize)]
pub(crate) struct Trades<'a> {
    pub(crate) instrument_name: &'a str,
    pub(crate) start_timestamp: u64,
    pub(crate) end_timestamp: u64,
    pub(crate) count: usize,
    pub(crate) sorting: &'static str,
    pub(crate) historical: bool,
}

/// The account in one currency, with everything that is shown of it.
#[derive(Serialize)]
pub(crate) struct Summary {
    pub(crate) currency: &'static str,
    pub(crate) extended: bool,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use equipoise_core::VenueMillis;

    use super::*;

    fn market(side: Side) -> OrderRequest {
        OrderRequest {
            client_id: "a1b2".parse().unwrap(),
            symbol: "BTC-PERPETUAL".parse().unwrap(),
            side,
            kind: OrderKind::Market,
            quantity: "100".parse().unwrap(),
            reduce_only: false,
            position_side: PositionSide::Net,
            deadline: VenueMillis(1_795_334_402_000),
            window_ms: 2_000,
        }
    }

    fn text(request: &OrderRequest) -> String {
        serde_json::to_string(&order(request).unwrap()).unwrap()
    }

    #[test]
    fn a_market_order_has_neither_price_nor_lifetime_and_always_its_deadline() {
        assert_eq!(
            text(&market(Side::Buy)),
            r#"{"instrument_name":"BTC-PERPETUAL","amount":100,"type":"market","label":"a1b2","post_only":false,"valid_until":1795334402000}"#
        );
        assert_eq!(method(Side::Buy).name(), "private/buy");
        assert_eq!(method(Side::Sell).name(), "private/sell");
    }

    #[test]
    fn every_lifetime_has_its_word_and_numbers_keep_their_digits() {
        for (time_in_force, words) in [
            (TimeInForce::Gtc, r#""good_til_cancelled","post_only":false"#),
            (TimeInForce::Ioc, r#""immediate_or_cancel","post_only":false"#),
            (TimeInForce::Fok, r#""fill_or_kill","post_only":false"#),
            (
                TimeInForce::PostOnly,
                r#""good_til_cancelled","post_only":true,"reject_post_only":true"#,
            ),
        ] {
            let limit = OrderRequest {
                kind: OrderKind::Limit { price: "65000.50".parse().unwrap(), time_in_force },
                quantity: "0.001".parse().unwrap(),
                ..market(Side::Sell)
            };
            let expected = format!(
                r#"{{"instrument_name":"BTC-PERPETUAL","amount":0.001,"type":"limit","label":"a1b2","price":65000.5,"time_in_force":{words},"valid_until":1795334402000}}"#
            );
            assert_eq!(text(&limit), expected);
        }
    }

    #[test]
    fn reduce_only_is_sent_only_when_true_and_hedge_mode_never() {
        let reducing = OrderRequest { reduce_only: true, ..market(Side::Sell) };
        assert!(text(&reducing).contains(r#""reduce_only":true"#));
        let hedged = OrderRequest { position_side: PositionSide::Long, ..market(Side::Sell) };
        assert!(order(&hedged).is_err());
    }
}
