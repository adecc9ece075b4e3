//! Orders in the exchange's parameters.
//!
//! Source: Binance USDⓈ-M New Order; COIN-M New Order; Spot REST API, New order, Parameters, read 2026-11-22.

use equipoise_core::{OrderKind, OrderRequest, PositionSide, Side, TimeInForce};

use super::product::Kind;
use crate::answer::BadAnswer;
use crate::query::QueryString;

/// One order as query parameters, without window, timestamp and signature.
///
/// The quantity is what the product counts in: base units, on COIN-M whole contracts. Market orders by value exist on
/// spot but nothing here asks for them.
///
/// # Errors
/// When a reduce-only order would open a position, which hedge mode cannot express, and when an order for spot speaks of
/// positions.
pub(crate) fn order(kind: Kind, order: &OrderRequest) -> Result<QueryString, BadAnswer> {
    if kind == Kind::Spot && (order.reduce_only || order.position_side != PositionSide::Net) {
        return Err(BadAnswer::new(
            "spot has no positions: neither reduce-only nor a position side",
        ));
    }
    let mut query = QueryString::new()
        .with("symbol", &order.symbol)
        .with("side", side(order.side))
        .with_some("positionSide", position_side(order.position_side));
    query = match order.kind {
        OrderKind::Market => query.with("type", "MARKET").with("quantity", order.quantity),
        // On spot a post-only order is a type of its own, which has no lifetime.
        OrderKind::Limit { price, time_in_force: TimeInForce::PostOnly } if kind == Kind::Spot => {
            query.with("type", "LIMIT_MAKER").with("quantity", order.quantity).with("price", price)
        }
        OrderKind::Limit { price, time_in_force } => query
            .with("type", "LIMIT")
            .with("timeInForce", lifetime(time_in_force))
            .with("quantity", order.quantity)
            .with("price", price),
    };
    Ok(query
        .with_some("reduceOnly", reduce_only(order)?.then_some("true"))
        .with("newClientOrderId", &order.client_id)
        // The answer then shows what a market order or an immediate one came to.
        .with("newOrderRespType", "RESULT")
        // Cancel the taker, so that other strategies' resting orders live (V11).
        .with("selfTradePreventionMode", "EXPIRE_TAKER"))
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

fn position_side(side: PositionSide) -> Option<&'static str> {
    match side {
        PositionSide::Net => None,
        PositionSide::Long => Some("LONG"),
        PositionSide::Short => Some("SHORT"),
    }
}

fn lifetime(time_in_force: TimeInForce) -> &'static str {
    match time_in_force {
        TimeInForce::Gtc => "GTC",
        TimeInForce::Ioc => "IOC",
        TimeInForce::Fok => "FOK",
        TimeInForce::PostOnly => "GTX",
    }
}

/// Whether the flag is sent. In hedge mode it must not be: there the two sides together say that an order closes.
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

    fn limit(time_in_force: TimeInForce) -> OrderRequest {
        OrderRequest {
            kind: OrderKind::Limit { price: "65000.50".parse().unwrap(), time_in_force },
            ..market(Side::Buy)
        }
    }

    fn text(request: &OrderRequest) -> String {
        order(Kind::Usdm, request).unwrap().as_str().to_owned()
    }

    const END: &str =
        "&newClientOrderId=a1b2&newOrderRespType=RESULT&selfTradePreventionMode=EXPIRE_TAKER";

    #[test]
    fn a_market_order_has_neither_price_nor_lifetime() {
        let expected = format!("symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.1{END}");
        assert_eq!(text(&market(Side::Sell)), expected);
    }

    #[test]
    fn every_lifetime_has_its_word_and_post_only_is_gtx() {
        for (time_in_force, word) in [
            (TimeInForce::Gtc, "GTC"),
            (TimeInForce::Ioc, "IOC"),
            (TimeInForce::Fok, "FOK"),
            (TimeInForce::PostOnly, "GTX"),
        ] {
            let expected = format!(
                "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce={word}&quantity=0.1&price=65000.5{END}"
            );
            assert_eq!(text(&limit(time_in_force)), expected);
        }
    }

    #[test]
    fn reduce_only_is_sent_in_one_way_mode_and_only_when_true() {
        let reducing = OrderRequest { reduce_only: true, ..market(Side::Sell) };
        let expected =
            format!("symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.1&reduceOnly=true{END}");
        assert_eq!(text(&reducing), expected);
    }

    #[test]
    fn in_hedge_mode_the_position_side_is_sent_and_the_flag_never() {
        let closing = OrderRequest {
            reduce_only: true,
            position_side: PositionSide::Long,
            ..market(Side::Sell)
        };
        let expected =
            format!("symbol=BTCUSDT&side=SELL&positionSide=LONG&type=MARKET&quantity=0.1{END}");
        assert_eq!(text(&closing), expected);
        let opening =
            OrderRequest { side: Side::Sell, position_side: PositionSide::Short, ..closing };
        assert_eq!(
            order(Kind::Usdm, &opening).unwrap_err().to_string(),
            "a reduce-only order cannot open a position of hedge mode"
        );
    }

    fn spot(request: &OrderRequest) -> String {
        order(Kind::Spot, request).unwrap().as_str().to_owned()
    }

    #[test]
    fn a_spot_order_is_in_base_units_and_post_only_is_a_type_without_lifetime() {
        assert_eq!(
            spot(&market(Side::Buy)),
            format!("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.1{END}")
        );
        assert_eq!(
            spot(&limit(TimeInForce::PostOnly)),
            format!("symbol=BTCUSDT&side=BUY&type=LIMIT_MAKER&quantity=0.1&price=65000.5{END}")
        );
        for (time_in_force, word) in
            [(TimeInForce::Gtc, "GTC"), (TimeInForce::Ioc, "IOC"), (TimeInForce::Fok, "FOK")]
        {
            let expected = format!(
                "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce={word}&quantity=0.1&price=65000.5{END}"
            );
            assert_eq!(spot(&limit(time_in_force)), expected);
        }
    }

    #[test]
    fn a_spot_order_that_speaks_of_positions_is_not_sent() {
        let reducing = OrderRequest { reduce_only: true, ..market(Side::Sell) };
        let sided = OrderRequest { position_side: PositionSide::Long, ..market(Side::Buy) };
        for wrong in [reducing, sided] {
            assert!(order(Kind::Spot, &wrong).is_err());
        }
    }

    #[test]
    fn a_coin_margined_order_is_in_contracts_and_otherwise_like_the_other_futures() {
        let contracts = OrderRequest {
            symbol: "BTCUSD_PERP".parse().unwrap(),
            quantity: "65".parse().unwrap(),
            ..limit(TimeInForce::PostOnly)
        };
        assert_eq!(
            order(Kind::Coinm, &contracts).unwrap().as_str(),
            format!(
                "symbol=BTCUSD_PERP&side=BUY&type=LIMIT&timeInForce=GTX&quantity=65&price=65000.5{END}"
            )
        );
    }
}
