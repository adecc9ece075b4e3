//! Orders and cancels in the exchange's fields.
//!
//! Source: Bybit v5 Place Order; Cancel Order; Enum Definitions, smpType, read 2026-11-22.

use equipoise_core::{OrderKind, OrderRequest, PositionSide, Side, TimeInForce};
use equipoise_port::OrderRef;
use serde::Serialize;

use super::product::{Kind, Product};
use crate::answer::BadAnswer;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Create<'a> {
    category: &'static str,
    symbol: &'a str,
    /// Spot only: nothing is borrowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_leverage: Option<u8>,
    side: &'static str,
    order_type: &'static str,
    /// Base units, on inverse contracts USD.
    qty: String,
    /// Spot market orders only: without it a buy would be by value.
    #[serde(skip_serializing_if = "Option::is_none")]
    market_unit: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_in_force: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position_idx: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reduce_only: Option<bool>,
    order_link_id: &'a str,
    smp_type: &'static str,
}

/// One order as a request body.
///
/// # Errors
/// When a reduce-only order would open a position of hedge mode, and when an order for spot speaks of positions.
pub(crate) fn order(product: &Product, order: &OrderRequest) -> Result<String, BadAnswer> {
    let spot = product.kind == Kind::Spot;
    if spot && (order.reduce_only || order.position_side != PositionSide::Net) {
        return Err(BadAnswer::new(
            "spot has no positions: neither reduce-only nor a position side",
        ));
    }
    let (order_type, price, time_in_force) = match order.kind {
        OrderKind::Market => ("Market", None, None),
        OrderKind::Limit { price, time_in_force } => {
            ("Limit", Some(price.to_string()), Some(lifetime(time_in_force)))
        }
    };
    json(&Create {
        category: product.category,
        symbol: order.symbol.as_str(),
        is_leverage: spot.then_some(0),
        side: match order.side {
            Side::Buy => "Buy",
            Side::Sell => "Sell",
        },
        order_type,
        qty: order.quantity.to_string(),
        market_unit: (spot && order.kind == OrderKind::Market).then_some("baseCoin"),
        price,
        time_in_force,
        position_idx: (!spot).then_some(match order.position_side {
            PositionSide::Net => 0,
            PositionSide::Long => 1,
            PositionSide::Short => 2,
        }),
        reduce_only: reduce_only(order)?.then_some(true),
        order_link_id: order.client_id.as_str(),
        // Cancel the taker, so that other strategies' resting orders live (V11).
        smp_type: "CancelTaker",
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cancel<'a> {
    category: &'static str,
    symbol: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_link_id: Option<&'a str>,
}

/// A cancel as a request body: by the exchange's id where it is known.
pub(crate) fn cancel(product: &Product, order: &OrderRef) -> Result<String, BadAnswer> {
    let venue_order = order.venue_order.as_ref();
    json(&Cancel {
        category: product.category,
        symbol: order.symbol.as_str(),
        order_id: venue_order.map(|id| id.as_str()),
        order_link_id: venue_order.is_none().then(|| order.client_id.as_str()),
    })
}

fn json(body: &impl Serialize) -> Result<String, BadAnswer> {
    serde_json::to_string(body).map_err(|_| BadAnswer::new("request cannot be put into JSON"))
}

fn lifetime(time_in_force: TimeInForce) -> &'static str {
    match time_in_force {
        TimeInForce::Gtc => "GTC",
        TimeInForce::Ioc => "IOC",
        TimeInForce::Fok => "FOK",
        TimeInForce::PostOnly => "PostOnly",
    }
}

/// Whether the flag is sent. In hedge mode side and position together say that an order closes.
fn reduce_only(order: &OrderRequest) -> Result<bool, BadAnswer> {
    if !order.reduce_only {
        return Ok(false);
    }
    match (order.side, order.position_side) {
        (_, PositionSide::Net) => Ok(true),
        (Side::Sell, PositionSide::Long) | (Side::Buy, PositionSide::Short) => Ok(false),
        _ => Err(BadAnswer::new("a reduce-only order cannot open a position of hedge mode")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use equipoise_core::VenueMillis;

    use super::super::inverse::PRODUCT as INVERSE;
    use super::super::linear::PRODUCT as LINEAR;
    use super::super::spot::PRODUCT as SPOT;
    use super::*;

    fn market(side: Side) -> OrderRequest {
        OrderRequest {
            client_id: "a1b2".parse().unwrap(),
            symbol: "BTCUSDT".parse().unwrap(),
            side,
            kind: OrderKind::Market,
            quantity: "0.100".parse().unwrap(),
            reduce_only: false,
            position_side: PositionSide::Net,
            deadline: VenueMillis(1_795_334_402_000),
            window_ms: 2_000,
        }
    }

    #[test]
    fn a_market_order_has_neither_price_nor_lifetime() {
        assert_eq!(
            order(&LINEAR, &market(Side::Buy)).unwrap(),
            r#"{"category":"linear","symbol":"BTCUSDT","side":"Buy","orderType":"Market","qty":"0.1","positionIdx":0,"orderLinkId":"a1b2","smpType":"CancelTaker"}"#
        );
    }

    #[test]
    fn every_lifetime_has_its_word() {
        for (time_in_force, word) in [
            (TimeInForce::Gtc, "GTC"),
            (TimeInForce::Ioc, "IOC"),
            (TimeInForce::Fok, "FOK"),
            (TimeInForce::PostOnly, "PostOnly"),
        ] {
            let limit = OrderRequest {
                kind: OrderKind::Limit { price: "65000.50".parse().unwrap(), time_in_force },
                ..market(Side::Sell)
            };
            let expected = format!(
                r#"{{"category":"linear","symbol":"BTCUSDT","side":"Sell","orderType":"Limit","qty":"0.1","price":"65000.5","timeInForce":"{word}","positionIdx":0,"orderLinkId":"a1b2","smpType":"CancelTaker"}}"#
            );
            assert_eq!(order(&LINEAR, &limit).unwrap(), expected);
        }
    }

    #[test]
    fn reduce_only_is_sent_in_one_way_mode_and_only_when_true() {
        let reducing = OrderRequest { reduce_only: true, ..market(Side::Sell) };
        assert_eq!(
            order(&LINEAR, &reducing).unwrap(),
            r#"{"category":"linear","symbol":"BTCUSDT","side":"Sell","orderType":"Market","qty":"0.1","positionIdx":0,"reduceOnly":true,"orderLinkId":"a1b2","smpType":"CancelTaker"}"#
        );
    }

    #[test]
    fn in_hedge_mode_the_position_is_numbered_and_the_flag_never_sent() {
        let closing = OrderRequest {
            reduce_only: true,
            position_side: PositionSide::Short,
            ..market(Side::Buy)
        };
        let text = order(&LINEAR, &closing).unwrap();
        assert!(text.contains(r#""positionIdx":2"#) && !text.contains("reduceOnly"));
        let long = OrderRequest {
            reduce_only: false,
            position_side: PositionSide::Long,
            ..closing.clone()
        };
        assert!(order(&LINEAR, &long).unwrap().contains(r#""positionIdx":1"#));
        let opening = OrderRequest { reduce_only: true, ..long };
        assert!(order(&LINEAR, &opening).is_err());
    }

    #[test]
    fn a_cancel_names_the_order_once() {
        let mut named = OrderRef {
            client_id: "a1b2".parse().unwrap(),
            symbol: "BTCUSDT".parse().unwrap(),
            venue_order: None,
            since: VenueMillis(0),
            terms: None,
        };
        assert_eq!(
            cancel(&LINEAR, &named).unwrap(),
            r#"{"category":"linear","symbol":"BTCUSDT","orderLinkId":"a1b2"}"#
        );
        named.venue_order = Some("9f0c".parse().unwrap());
        assert_eq!(
            cancel(&LINEAR, &named).unwrap(),
            r#"{"category":"linear","symbol":"BTCUSDT","orderId":"9f0c"}"#
        );
    }

    #[test]
    fn a_spot_market_order_names_its_unit_on_both_sides_and_never_borrows() {
        for (side, word) in [(Side::Buy, "Buy"), (Side::Sell, "Sell")] {
            let expected = format!(
                r#"{{"category":"spot","symbol":"BTCUSDT","isLeverage":0,"side":"{word}","orderType":"Market","qty":"0.1","marketUnit":"baseCoin","orderLinkId":"a1b2","smpType":"CancelTaker"}}"#
            );
            assert_eq!(order(&SPOT, &market(side)).unwrap(), expected);
        }
        let price = "65000.50".parse().unwrap();
        let kind = OrderKind::Limit { price, time_in_force: TimeInForce::PostOnly };
        assert_eq!(
            order(&SPOT, &OrderRequest { kind, ..market(Side::Buy) }).unwrap(),
            r#"{"category":"spot","symbol":"BTCUSDT","isLeverage":0,"side":"Buy","orderType":"Limit","qty":"0.1","price":"65000.5","timeInForce":"PostOnly","orderLinkId":"a1b2","smpType":"CancelTaker"}"#
        );
    }

    #[test]
    fn a_spot_order_that_speaks_of_positions_is_not_sent() {
        let reducing = OrderRequest { reduce_only: true, ..market(Side::Sell) };
        let sided = OrderRequest { position_side: PositionSide::Long, ..market(Side::Buy) };
        for wrong in [reducing, sided] {
            assert!(order(&SPOT, &wrong).is_err());
        }
    }

    #[test]
    fn an_inverse_order_is_in_usd() {
        let usd = OrderRequest {
            symbol: "BTCUSD".parse().unwrap(),
            quantity: "6500".parse().unwrap(),
            reduce_only: true,
            ..market(Side::Sell)
        };
        assert_eq!(
            order(&INVERSE, &usd).unwrap(),
            r#"{"category":"inverse","symbol":"BTCUSD","side":"Sell","orderType":"Market","qty":"6500","positionIdx":0,"reduceOnly":true,"orderLinkId":"a1b2","smpType":"CancelTaker"}"#
        );
    }
}
