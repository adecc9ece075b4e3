//! Why an order ended, in the words of its exchange: they are kept with the order, so they are short and on one line.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{Stage, binance_spot, bybit, coinbase, deribit, okx_swap, order_ref, read_fixture};
use equipoise_core::{OrderEnd, OrderState};
use equipoise_port::OrderRef;

/// The reason of the one order that is found, after a fixture's word for it was replaced.
async fn reason(
    stage: &Stage,
    route: &str,
    [fixture, word, text]: [&str; 3],
    order: &OrderRef,
) -> String {
    let body = read_fixture(fixture);
    assert!(body.contains(word), "{fixture} holds no {word}");
    stage.script.body(route, 200, &body.replace(word, text));
    let found = stage.venue.find(order).await.unwrap();
    match &found[0].state {
        OrderState::Ended(OrderEnd::Cancelled { reason } | OrderEnd::Rejected { reason }) => {
            reason.clone()
        }
        other => panic!("{fixture}: {other:?}"),
    }
}

/// What each adapter keeps of a text that its exchange gives as the reason.
async fn kept(text: &str) -> [String; 5] {
    let binance = binance_spot();
    binance.script.body("GET /api/v3/myTrades", 200, "[]");
    let word = ["binance_spot/order_query_expired_with_reason", "UNFILLED_FOK_ORDER_EXPIRED", text];
    let order = order_ref("leg0a1", None);
    let binance = reason(&binance, "GET /api/v3/order", word, &order).await;

    let bybit = bybit();
    bybit.script.fixture("GET /v5/execution/list", 200, "bybit/executions_empty");
    let word = ["bybit/order_listing_rejected", "EC_NoEnoughQtyToFill", text];
    let order = order_ref("leg1a1", None);
    let bybit = reason(&bybit, "GET /v5/order/realtime", word, &order).await;

    let okx = okx_swap();
    okx.script.fixture("GET /api/v5/trade/fills", 200, "okx/fills_one_partly");
    let word = ["okx/order_self_trade_cancelled", "Self trade prevention", text];
    let order = of("leg2a1", "BTC-USDT-SWAP", "1969847235168714752");
    let okx = reason(&okx, "GET /api/v5/trade/order", word, &order).await;

    let word = ["deribit/order_rejected", "risk_mitigation", text];
    let order = of("leg0a1", "BTC-PERPETUAL", "BTC-60131");
    let deribit = reason(&deribit(), "POST /api/v2/private/get_order_state", word, &order).await;

    let coinbase = coinbase();
    coinbase.script.fixture(
        "GET /api/v3/brokerage/orders/historical/fills",
        200,
        "coinbase/fills_none",
    );
    let word = ["coinbase/order_cancelled_partly", "User requested cancel", text];
    let order = of(
        "7d1c6f8e-0b1a-4c55-9a3e-2f6a8d4b9c10",
        "BTC-USD",
        "0f5a7c1e-3d94-4b61-8f0e-6f6d1c2b7a01",
    );
    let route =
        format!("GET /api/v3/brokerage/orders/historical/{}", order.venue_order.as_ref().unwrap());
    let coinbase = reason(&coinbase, &route, word, &order).await;

    [binance, bybit, okx, deribit, coinbase]
}

fn of(client_id: &str, symbol: &str, venue_order: &str) -> OrderRef {
    let symbol = symbol.parse().unwrap();
    OrderRef { symbol, ..order_ref(client_id, Some(venue_order)) }
}

#[tokio::test]
async fn a_reason_is_kept_without_control_characters() {
    let plain = ["be[31mfore", "be[31mfore", "32: be[31mfore", "be[31mfore", "be[31mfore"];
    assert_eq!(kept(r"be\u0000\u001b[31m\nfore\u0085").await, plain);
}

#[tokio::test]
async fn a_reason_is_cut_to_64_characters() {
    let lengths = kept(&"\u{e9}".repeat(100)).await.map(|reason| reason.chars().count());
    assert_eq!(lengths, [64; 5]);
}
