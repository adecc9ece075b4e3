//! Orders and cancels in the exchange's fields. The same order is always the same bytes.
//!
//! Source: Coinbase Advanced Trade API, Create Order; Cancel Orders, read 2026-11-22.

use equipoise_core::{OrderKind, OrderRequest, PositionSide, Side, TimeInForce};
use serde::Serialize;

use crate::answer::BadAnswer;

#[derive(Serialize)]
struct Create<'a> {
    client_order_id: &'a str,
    product_id: &'a str,
    side: &'static str,
    order_configuration: Configuration,
}

/// Exactly one of these, by its name.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Configuration {
    MarketMarketIoc(Market),
    SorLimitIoc(Limit),
    LimitLimitFok(Limit),
    LimitLimitGtc(Resting),
}

/// Sized in base also when buying, so that what is bought is what was planned.
#[derive(Serialize)]
struct Market {
    base_size: String,
}

#[derive(Serialize)]
struct Limit {
    base_size: String,
    limit_price: String,
}

#[derive(Serialize)]
struct Resting {
    base_size: String,
    limit_price: String,
    post_only: bool,
}

/// The exchange's word for a side.
pub(crate) const fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

/// One order as a request body. Self-trades are handled as the exchange does by itself; it documents no mode to choose.
///
/// # Errors
/// For orders about a position: spot has none.
pub(crate) fn order(order: &OrderRequest) -> Result<String, BadAnswer> {
    if order.reduce_only || order.position_side != PositionSide::Net {
        return Err(BadAnswer::new("spot has no position an order could be about"));
    }
    json(&Create {
        client_order_id: order.client_id.as_str(),
        product_id: order.symbol.as_str(),
        side: side(order.side),
        order_configuration: configuration(order),
    })
}

fn configuration(order: &OrderRequest) -> Configuration {
    let base_size = order.quantity.to_string();
    let OrderKind::Limit { price, time_in_force } = order.kind else {
        return Configuration::MarketMarketIoc(Market { base_size });
    };
    let limit_price = price.to_string();
    match time_in_force {
        TimeInForce::Ioc => Configuration::SorLimitIoc(Limit { base_size, limit_price }),
        TimeInForce::Fok => Configuration::LimitLimitFok(Limit { base_size, limit_price }),
        TimeInForce::Gtc | TimeInForce::PostOnly => Configuration::LimitLimitGtc(Resting {
            base_size,
            limit_price,
            post_only: time_in_force == TimeInForce::PostOnly,
        }),
    }
}

#[derive(Serialize)]
struct Cancel<'a> {
    order_ids: [&'a str; 1],
}

/// A cancel of one order as a request body.
pub(crate) fn cancel(id: &str) -> Result<String, BadAnswer> {
    json(&Cancel { order_ids: [id] })
}

fn json(body: &impl Serialize) -> Result<String, BadAnswer> {
    serde_json::to_string(body).map_err(|_| BadAnswer::new("request cannot be put into JSON"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use equipoise_core::VenueMillis;

    use super::*;

    fn market(side: Side) -> OrderRequest {
        OrderRequest {
            client_id: "11111111-2222-4333-8444-555555555555".parse().unwrap(),
            symbol: "BTC-USD".parse().unwrap(),
            side,
            kind: OrderKind::Market,
            quantity: "0.100".parse().unwrap(),
            reduce_only: false,
            position_side: PositionSide::Net,
            deadline: VenueMillis(1_795_334_402_000),
            window_ms: 2_000,
        }
    }

    fn body(side: &str, configuration: &str) -> String {
        format!(
            r#"{{"client_order_id":"11111111-2222-4333-8444-555555555555","product_id":"BTC-USD","side":"{side}","order_configuration":{{{configuration}}}}}"#
        )
    }

    #[test]
    fn a_market_order_is_sized_in_base_on_both_sides() {
        for (side, word) in [(Side::Buy, "BUY"), (Side::Sell, "SELL")] {
            assert_eq!(
                order(&market(side)).unwrap(),
                body(word, r#""market_market_ioc":{"base_size":"0.1"}"#)
            );
        }
    }

    #[test]
    fn every_lifetime_has_its_configuration() {
        let sized = r#""base_size":"0.1","limit_price":"65000.5""#;
        for (time_in_force, configuration) in [
            (TimeInForce::Ioc, format!(r#""sor_limit_ioc":{{{sized}}}"#)),
            (TimeInForce::Fok, format!(r#""limit_limit_fok":{{{sized}}}"#)),
            (TimeInForce::Gtc, format!(r#""limit_limit_gtc":{{{sized},"post_only":false}}"#)),
            (TimeInForce::PostOnly, format!(r#""limit_limit_gtc":{{{sized},"post_only":true}}"#)),
        ] {
            let limit = OrderRequest {
                kind: OrderKind::Limit { price: "65000.50".parse().unwrap(), time_in_force },
                ..market(Side::Sell)
            };
            assert_eq!(order(&limit).unwrap(), body("SELL", &configuration));
        }
    }

    #[test]
    fn a_later_transmission_is_the_same_bytes() {
        let first = market(Side::Buy);
        let later = OrderRequest { deadline: VenueMillis(1_795_334_499_000), ..first.clone() };
        assert_eq!(order(&first).unwrap(), order(&later).unwrap());
    }

    #[test]
    fn an_order_about_a_position_is_not_encoded() {
        assert!(order(&OrderRequest { reduce_only: true, ..market(Side::Sell) }).is_err());
        let hedged = OrderRequest { position_side: PositionSide::Short, ..market(Side::Sell) };
        assert!(order(&hedged).is_err());
    }

    #[test]
    fn a_cancel_names_one_order() {
        assert_eq!(cancel("0000-0001").unwrap(), r#"{"order_ids":["0000-0001"]}"#);
    }
}
