//! Orders and cancels in the exchange's fields.
//!
//! Source: OKX v5 Place Order; Cancel Order, read 2026-11-22.

use equipoise_core::{OrderKind, OrderRequest, PositionSide, Side, TimeInForce};
use equipoise_port::OrderRef;
use serde::Serialize;

use super::product::Product;
use crate::answer::BadAnswer;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Place<'a> {
    inst_id: &'a str,
    td_mode: &'static str,
    cl_ord_id: &'a str,
    side: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pos_side: Option<&'static str>,
    ord_type: &'static str,
    /// Contracts of a swap, base units on spot.
    sz: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    px: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reduce_only: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tgt_ccy: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ban_amend: Option<bool>,
    stp_mode: &'static str,
}

/// One order as a request body.
///
/// # Errors
/// When a reduce-only order would open a position of hedge mode, and when a spot order names a position.
pub(crate) fn order(
    product: Product,
    trade_mode: &'static str,
    order: &OrderRequest,
) -> Result<String, BadAnswer> {
    let spot_market = product == Product::Spot && order.kind == OrderKind::Market;
    json(&Place {
        inst_id: order.symbol.as_str(),
        td_mode: trade_mode,
        cl_ord_id: order.client_id.as_str(),
        side: match order.side {
            Side::Buy => "buy",
            Side::Sell => "sell",
        },
        pos_side: position_side(product, order)?,
        ord_type: order_type(product, order.kind),
        sz: order.quantity.to_string(),
        px: match order.kind {
            OrderKind::Market => None,
            OrderKind::Limit { price, .. } => Some(price.to_string()),
        },
        reduce_only: reduce_only(product, order)?.then_some(true),
        // Unless asked, a market buy counts in quote and may be shrunk to what the balance pays for.
        tgt_ccy: spot_market.then_some("base_ccy"),
        ban_amend: spot_market.then_some(true),
        // Cancel the taker, so that other strategies' resting orders live (V11).
        stp_mode: "cancel_taker",
    })
}

/// The exchange has one word for kind and lifetime.
fn order_type(product: Product, kind: OrderKind) -> &'static str {
    match (kind, product) {
        // A swap's plain market order becomes a limit at the edge of the price band, whose rest would stay in the book.
        (OrderKind::Market, Product::Swap) => "optimal_limit_ioc",
        (OrderKind::Market, Product::Spot) => "market",
        (OrderKind::Limit { time_in_force, .. }, _) => match time_in_force {
            TimeInForce::Gtc => "limit",
            TimeInForce::Ioc => "ioc",
            TimeInForce::Fok => "fok",
            TimeInForce::PostOnly => "post_only",
        },
    }
}

fn position_side(
    product: Product,
    order: &OrderRequest,
) -> Result<Option<&'static str>, BadAnswer> {
    match (product, order.position_side) {
        (Product::Spot, PositionSide::Net) => Ok(None),
        (Product::Spot, _) => Err(BadAnswer::new("a spot order belongs to no position")),
        (Product::Swap, PositionSide::Net) => Ok(Some("net")),
        (Product::Swap, PositionSide::Long) => Ok(Some("long")),
        (Product::Swap, PositionSide::Short) => Ok(Some("short")),
    }
}

/// Whether the flag is sent. In hedge mode it is ignored; side and position together say that an order closes.
fn reduce_only(product: Product, order: &OrderRequest) -> Result<bool, BadAnswer> {
    if !order.reduce_only {
        return Ok(false);
    }
    match (product, order.side, order.position_side) {
        (Product::Spot, ..) => Err(BadAnswer::new("spot has no reduce-only orders")),
        (_, _, PositionSide::Net) => Ok(true),
        (_, Side::Sell, PositionSide::Long) | (_, Side::Buy, PositionSide::Short) => Ok(false),
        _ => Err(BadAnswer::new("a reduce-only order cannot open a position of hedge mode")),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cancel<'a> {
    inst_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ord_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cl_ord_id: Option<&'a str>,
}

/// A cancel as a request body: by the exchange's id where it is known, since a client id can have been used again.
pub(crate) fn cancel(order: &OrderRef) -> Result<String, BadAnswer> {
    let venue_order = order.venue_order.as_ref();
    json(&Cancel {
        inst_id: order.symbol.as_str(),
        ord_id: venue_order.map(|id| id.as_str()),
        cl_ord_id: venue_order.is_none().then(|| order.client_id.as_str()),
    })
}

fn json(body: &impl Serialize) -> Result<String, BadAnswer> {
    serde_json::to_string(body).map_err(|_| BadAnswer::new("request cannot be put into JSON"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use equipoise_core::VenueMillis;

    use super::*;

    fn market(symbol: &str, side: Side) -> OrderRequest {
        OrderRequest {
            client_id: "a1b2".parse().unwrap(),
            symbol: symbol.parse().unwrap(),
            side,
            kind: OrderKind::Market,
            quantity: "0.100".parse().unwrap(),
            reduce_only: false,
            position_side: PositionSide::Net,
            deadline: VenueMillis(1_795_334_402_000),
            window_ms: 2_000,
        }
    }

    fn swap(request: &OrderRequest) -> Result<String, BadAnswer> {
        order(Product::Swap, "cross", request)
    }

    fn spot(request: &OrderRequest) -> Result<String, BadAnswer> {
        order(Product::Spot, "cash", request)
    }

    #[test]
    fn a_swaps_market_order_leaves_nothing_in_the_book() {
        assert_eq!(
            swap(&market("BTC-USDT-SWAP", Side::Buy)).unwrap(),
            r#"{"instId":"BTC-USDT-SWAP","tdMode":"cross","clOrdId":"a1b2","side":"buy","posSide":"net","ordType":"optimal_limit_ioc","sz":"0.1","stpMode":"cancel_taker"}"#
        );
    }

    #[test]
    fn a_spot_market_order_counts_base_units_and_is_not_shrunk() {
        for (side, word) in [(Side::Buy, "buy"), (Side::Sell, "sell")] {
            let expected = format!(
                r#"{{"instId":"BTC-USDT","tdMode":"cash","clOrdId":"a1b2","side":"{word}","ordType":"market","sz":"0.1","tgtCcy":"base_ccy","banAmend":true,"stpMode":"cancel_taker"}}"#
            );
            assert_eq!(spot(&market("BTC-USDT", side)).unwrap(), expected);
        }
    }

    #[test]
    fn every_lifetime_has_its_word_on_both_products() {
        for (time_in_force, word) in [
            (TimeInForce::Gtc, "limit"),
            (TimeInForce::Ioc, "ioc"),
            (TimeInForce::Fok, "fok"),
            (TimeInForce::PostOnly, "post_only"),
        ] {
            let kind = OrderKind::Limit { price: "65000.50".parse().unwrap(), time_in_force };
            let limit = |symbol| OrderRequest { kind, ..market(symbol, Side::Sell) };
            let expected = format!(
                r#"{{"instId":"BTC-USDT","tdMode":"cash","clOrdId":"a1b2","side":"sell","ordType":"{word}","sz":"0.1","px":"65000.5","stpMode":"cancel_taker"}}"#
            );
            assert_eq!(spot(&limit("BTC-USDT")).unwrap(), expected);
            let expected = format!(
                r#"{{"instId":"BTC-USDT-SWAP","tdMode":"cross","clOrdId":"a1b2","side":"sell","posSide":"net","ordType":"{word}","sz":"0.1","px":"65000.5","stpMode":"cancel_taker"}}"#
            );
            assert_eq!(swap(&limit("BTC-USDT-SWAP")).unwrap(), expected);
        }
    }

    #[test]
    fn reduce_only_is_sent_in_one_way_mode_and_only_when_true() {
        let reducing = OrderRequest { reduce_only: true, ..market("BTC-USDT-SWAP", Side::Sell) };
        assert!(swap(&reducing).unwrap().contains(r#""sz":"0.1","reduceOnly":true,"#));
        assert!(spot(&reducing).is_err());
    }

    #[test]
    fn in_hedge_mode_the_position_is_named_and_the_flag_never_sent() {
        let closing = OrderRequest {
            reduce_only: true,
            position_side: PositionSide::Short,
            ..market("BTC-USDT-SWAP", Side::Buy)
        };
        let text = swap(&closing).unwrap();
        assert!(text.contains(r#""posSide":"short""#) && !text.contains("reduceOnly"));
        let long =
            OrderRequest { reduce_only: false, position_side: PositionSide::Long, ..closing };
        assert!(swap(&long).unwrap().contains(r#""posSide":"long""#));
        assert!(spot(&long).is_err());
        let opening = OrderRequest { reduce_only: true, ..long };
        assert!(swap(&opening).is_err());
    }

    #[test]
    fn a_cancel_names_the_order_once() {
        let mut named = OrderRef {
            client_id: "a1b2".parse().unwrap(),
            symbol: "BTC-USDT".parse().unwrap(),
            venue_order: None,
            since: VenueMillis(0),
            terms: None,
        };
        assert_eq!(cancel(&named).unwrap(), r#"{"instId":"BTC-USDT","clOrdId":"a1b2"}"#);
        named.venue_order = Some("590908157585625111".parse().unwrap());
        assert_eq!(
            cancel(&named).unwrap(),
            r#"{"instId":"BTC-USDT","ordId":"590908157585625111"}"#
        );
    }
}
