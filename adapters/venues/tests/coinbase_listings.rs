//! Coinbase: finding orders again with their fills, and listing them completely.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{NOW, Stage, coinbase, shown};
use equipoise_core::{
    OrderEnd, OrderKind, OrderSnapshot, OrderState, Side, TimeInForce, VenueMillis,
};
use equipoise_port::{OrderRef, OrderTerms, QueryError};

const LISTING: &str = "GET /api/v3/brokerage/orders/historical/batch";
const FILLS: &str = "GET /api/v3/brokerage/orders/historical/fills";
const CLIENT_ID: &str = "7d1c6f8e-0b1a-4c55-9a3e-2f6a8d4b9c10";
const ID: &str = "0f5a7c1e-3d94-4b61-8f0e-6f6d1c2b7a01";
const ONE: &str = "GET /api/v3/brokerage/orders/historical/0f5a7c1e-3d94-4b61-8f0e-6f6d1c2b7a01";

fn reference(venue_order: Option<&str>) -> OrderRef {
    OrderRef {
        client_id: CLIENT_ID.parse().unwrap(),
        symbol: "BTC-USD".parse().unwrap(),
        venue_order: venue_order.map(|id| id.parse().unwrap()),
        since: VenueMillis(NOW),
        terms: Some(terms()),
    }
}

/// What the order of all fixtures was sent with.
fn terms() -> OrderTerms {
    let price = "65000".parse().unwrap();
    OrderTerms {
        side: Side::Buy,
        kind: OrderKind::Limit { price, time_in_force: TimeInForce::Ioc },
        quantity: "0.1".parse().unwrap(),
    }
}

#[tokio::test]
async fn an_order_is_found_by_listing_and_comparing() {
    let stage = coinbase();
    stage.script.fixture(LISTING, 200, "coinbase/listing_filled");
    stage.script.fixture(FILLS, 200, "coinbase/fills_two");
    let found = stage.venue.find(&reference(None)).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].venue_order.as_str(), ID);
    assert_eq!(
        shown(&found[0].fills),
        [
            "9a3e2f6a-0000-4000-8000-000000000000 0.06@64999.5 15.59988 USD",
            "9a3e2f6a-0000-4000-8000-000000000001 0.04@64999.5 10.39992 USD"
        ]
    );
    let sent = stage.script.sent().join("\n");
    assert!(
        sent.contains("batch?product_ids=BTC-USD&product_ids=BTC-USDC&start_date=2026-11-22T07%3A59%3A30Z&limit=100"),
        "{sent}"
    );
    assert!(sent.contains(&format!("fills?order_ids={ID}&limit=100")), "{sent}");
}

#[tokio::test]
async fn every_order_that_carries_the_id_is_found() {
    let stage = coinbase();
    stage.script.fixture(LISTING, 200, "coinbase/listing_two");
    stage.script.fixture(FILLS, 200, "coinbase/fills_two");
    assert_eq!(stage.venue.find(&reference(None)).await.unwrap().len(), 2);
}

#[tokio::test]
async fn absence_is_an_empty_answer() {
    let stage = coinbase();
    stage.script.fixture(LISTING, 200, "coinbase/listing_none");
    assert_eq!(stage.venue.find(&reference(None)).await, Ok(Vec::new()));
    let stage = coinbase();
    stage.script.fixture(ONE, 404, "coinbase/not_found");
    assert_eq!(stage.venue.find(&reference(Some(ID))).await, Ok(Vec::new()));
}

#[tokio::test]
async fn every_ending_has_its_reason() {
    let cancelled =
        |reason: &str| OrderState::Ended(OrderEnd::Cancelled { reason: reason.to_owned() });
    for (fixture, state) in [
        ("open", OrderState::Open),
        ("pending", OrderState::Open),
        ("status_unknown", OrderState::Open),
        ("cancelled_partly", cancelled("User requested cancel")),
        ("expired", cancelled("EXPIRED")),
        (
            "failed",
            OrderState::Ended(OrderEnd::Rejected { reason: "INSUFFICIENT_FUNDS".to_owned() }),
        ),
    ] {
        let stage = coinbase();
        stage.script.fixture(ONE, 200, &format!("coinbase/order_{fixture}"));
        stage.script.fixture(FILLS, 200, "coinbase/fills_none");
        let found = stage.venue.find(&reference(Some(ID))).await.unwrap();
        assert_eq!(found[0].state, state, "{fixture}");
    }
}

#[tokio::test]
async fn an_id_that_belongs_to_another_order_is_never_taken_for_ours() {
    for fixture in [
        "other_client_id",
        "other_product",
        "other_side",
        "other_size",
        "other_price",
        "of_first_transmission",
        "ancient",
    ] {
        let stage = coinbase();
        stage.script.fixture(ONE, 200, &format!("coinbase/order_{fixture}"));
        stage.script.fixture(FILLS, 200, "coinbase/fills_two");
        let answer = stage.venue.find(&reference(Some(ID))).await;
        assert!(matches!(answer, Err(QueryError::OtherOrder(_))), "{fixture}: {answer:?}");
    }
    let stage = coinbase();
    stage.script.fixture(ONE, 200, "coinbase/order_without_configuration");
    let answer = stage.venue.find(&reference(Some(ID))).await;
    assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{answer:?}");
}

#[tokio::test]
async fn a_listed_order_of_other_content_is_not_taken_for_the_one_of_that_id() {
    let OrderTerms { side, kind, quantity } = terms();
    let price = "64000".parse().unwrap();
    let time_in_force = TimeInForce::Ioc;
    for sent in [
        OrderTerms { side: Side::Sell, kind, quantity },
        OrderTerms { side, kind, quantity: "0.2".parse().unwrap() },
        OrderTerms { side, kind: OrderKind::Limit { price, time_in_force }, quantity },
        OrderTerms { side, kind: OrderKind::Market, quantity },
    ] {
        let stage = coinbase();
        stage.script.fixture(LISTING, 200, "coinbase/listing_filled");
        stage.script.fixture(FILLS, 200, "coinbase/fills_two");
        let order = OrderRef { terms: Some(sent), ..reference(None) };
        let answer = stage.venue.find(&order).await;
        assert!(matches!(answer, Err(QueryError::OtherOrder(_))), "{sent:?}: {answer:?}");
        let answer = stage.venue.cancel(&order).await;
        assert!(matches!(answer, Err(QueryError::OtherOrder(_))), "{sent:?}: {answer:?}");
    }
}

#[tokio::test]
async fn an_order_of_an_earlier_transmission_is_found_by_its_first_stamp() {
    let stage = coinbase();
    stage.script.fixture(ONE, 200, "coinbase/order_of_first_transmission");
    stage.script.fixture(FILLS, 200, "coinbase/fills_two");
    let order = OrderRef { since: VenueMillis(NOW - 590_000), ..reference(Some(ID)) };
    assert_eq!(stage.venue.find(&order).await.unwrap()[0].executed.to_string(), "0.1");
}

#[tokio::test]
async fn only_the_id_is_compared_where_nothing_else_is_known() {
    let stage = coinbase();
    stage.script.fixture(ONE, 200, "coinbase/order_other_size");
    stage.script.fixture(FILLS, 200, "coinbase/fills_two");
    let order = OrderRef { terms: None, ..reference(Some(ID)) };
    assert_eq!(stage.venue.find(&order).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_answer_with_fills_of_something_else_is_no_answer() {
    for fills in ["of_another_order", "in_quote"] {
        let stage = coinbase();
        stage.script.fixture(ONE, 200, "coinbase/order_filled");
        stage.script.fixture(FILLS, 200, &format!("coinbase/fills_{fills}"));
        let answer = stage.venue.find(&reference(Some(ID))).await;
        assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{fills}: {answer:?}");
    }
}

#[tokio::test]
async fn fills_are_paged_and_counted_once() {
    let stage = coinbase();
    stage.script.fixture(ONE, 200, "coinbase/order_filled");
    stage.script.fixture(FILLS, 200, "coinbase/fills_two_with_cursor");
    stage.script.fixture(FILLS, 200, "coinbase/fills_two");
    let found = stage.venue.find(&reference(Some(ID))).await.unwrap();
    assert_eq!(found[0].fills.len(), 2);
    let sent = stage.script.sent().join("\n");
    assert!(sent.contains("limit=100&cursor=789200"), "{sent}");
}

/// What stands, what was taken back, and what the order executed or may have, of one order and its rows.
async fn came_to(order: &str, fills: &str) -> (Vec<String>, Vec<String>, String) {
    let stage = coinbase();
    stage.script.fixture(ONE, 200, &format!("coinbase/{order}"));
    stage.script.fixture(FILLS, 200, &format!("coinbase/{fills}"));
    let found = stage.venue.find(&reference(Some(ID))).await.unwrap();
    let sizes = |fills: &[equipoise_core::Fill]| {
        fills.iter().map(|fill| fill.quantity.to_string()).collect::<Vec<_>>()
    };
    (sizes(&found[0].fills), sizes(&found[0].busted), found[0].executed.to_string())
}

fn comes_to(fills: &[&str], busted: &[&str], executed: &str) -> (Vec<String>, Vec<String>, String) {
    let owned = |sizes: &[&str]| sizes.iter().map(|size| (*size).to_owned()).collect();
    (owned(fills), owned(busted), executed.to_owned())
}

#[tokio::test]
async fn a_reversal_takes_back_the_fill_whose_trade_it_names() {
    // What ever executed includes it.
    let came = came_to("order_filled", "fills_reversed").await;
    assert_eq!(came, comes_to(&["0.06"], &["0.04"], "0.1"));
}

#[tokio::test]
async fn an_ended_order_all_of_which_was_reversed_still_shows_what_was_taken_back() {
    let came = came_to("order_reversed_whole", "fills_reversed_whole").await;
    assert_eq!(came, comes_to(&[], &["0.06", "0.04"], "0.1"));
}

#[tokio::test]
async fn a_correction_replaces_the_fill_it_names_where_the_filled_size_bears_that_out() {
    let came = came_to("order_corrected", "fills_corrected").await;
    assert_eq!(came, comes_to(&["0.06", "0.03"], &["0.04"], "0.1"));
}

#[tokio::test]
async fn a_correction_that_the_filled_size_does_not_bear_out_leaves_the_order_unsettled() {
    // Between the fill that is not concerned and everything listed: 0.06 to 0.17 less the 0.04 taken back.
    let came = came_to("order_filled", "fills_corrected").await;
    assert_eq!(came, comes_to(&["0.06"], &["0.04"], "0.17"));
}

#[tokio::test]
async fn an_adjustment_that_names_no_fill_of_the_order_may_concern_any_of_them() {
    let came = came_to("order_filled", "fills_adjusted").await;
    assert_eq!(came, comes_to(&[], &["0.06", "0.04"], "0.201"));
}

async fn since(stage: &Stage) -> Result<Vec<OrderSnapshot>, QueryError> {
    let symbol = "BTC-USD".parse().unwrap();
    stage.venue.orders_since(&symbol, VenueMillis(NOW)).await
}

#[tokio::test]
async fn a_listing_joins_all_statuses_without_what_is_not_ours_or_older() {
    let stage = coinbase();
    // Pending, queued, open, all.
    stage.script.fixture(LISTING, 200, "coinbase/listing_pending");
    stage.script.fixture(LISTING, 200, "coinbase/listing_none");
    stage.script.fixture(LISTING, 200, "coinbase/listing_none");
    stage.script.fixture(LISTING, 200, "coinbase/listing_filled");
    stage.script.fixture(FILLS, 200, "coinbase/fills_two");
    let listed = since(&stage).await.unwrap();
    let seen: Vec<_> = listed
        .iter()
        .map(|order| format!("{} {} {}", order.client_id, order.executed, order.fills.len()))
        .collect();
    assert_eq!(
        seen,
        // Nothing here compares, so the fills are left to a look-up.
        ["7d1c6f8e-0b1a-4c55-9a3e-2f6a8d4b9c10 0.1 0", "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed 0 0"]
    );
    let sent = stage.script.sent().join("\n");
    for status in ["OPEN", "PENDING", "QUEUED"] {
        assert!(sent.contains(&format!("order_status={status}&start_date=")), "{sent}");
    }
    assert!(sent.contains("fills?start_sequence_timestamp=2026-11-22T07%3A59%3A30Z"), "{sent}");
}

#[tokio::test]
async fn pages_are_read_to_the_end() {
    let stage = coinbase();
    stage.script.fixture(LISTING, 200, "coinbase/listing_first_page");
    stage.script.fixture(LISTING, 200, "coinbase/listing_last_page");
    stage.script.fixture(FILLS, 200, "coinbase/fills_two");
    assert_eq!(stage.venue.find(&reference(None)).await.unwrap().len(), 1);
    let sent = stage.script.sent().join("\n");
    assert!(sent.contains("limit=100&cursor=789100%2F%2B%3D"), "{sent}");
}

#[tokio::test]
async fn a_listing_that_cannot_be_complete_is_an_error() {
    for (fixture, why) in [
        ("listing_first_page", "listing goes in a circle"),
        ("listing_without_cursor", "listing goes in a circle"),
        ("listing_foreign", "listing holds rows of another product"),
    ] {
        let stage = coinbase();
        stage.script.fixture(LISTING, 200, &format!("coinbase/{fixture}"));
        stage.script.fixture(FILLS, 200, "coinbase/fills_none");
        assert_eq!(since(&stage).await, Err(QueryError::Unavailable(why.to_owned())), "{fixture}");
    }
}

#[tokio::test]
async fn a_listing_that_waits_for_a_second_factor_proves_nothing() {
    let orders = r#"{"orders":[],"has_next":false,"cursor":"","proof_token_required":true}"#;
    let fills = r#"{"fills":[],"cursor":"","proof_token_required":true}"#;
    let needed = QueryError::Unavailable("listing needs a second factor".to_owned());
    let stage = coinbase();
    stage.script.body(LISTING, 200, orders);
    stage.script.fixture(FILLS, 200, "coinbase/fills_none");
    assert_eq!(stage.venue.find(&reference(None)).await, Err(needed.clone()));
    assert_eq!(stage.venue.cancel(&reference(None)).await, Err(needed.clone()));
    assert_eq!(since(&stage).await, Err(needed.clone()));
    let stage = coinbase();
    stage.script.fixture(LISTING, 200, "coinbase/listing_none");
    stage.script.fixture(ONE, 200, "coinbase/order_filled");
    stage.script.body(FILLS, 200, fills);
    assert_eq!(stage.venue.find(&reference(Some(ID))).await, Err(needed.clone()));
    assert_eq!(since(&stage).await, Err(needed));
}

#[tokio::test]
async fn a_listing_that_does_not_say_whether_it_goes_on_proves_nothing() {
    let stage = coinbase();
    stage.script.body(LISTING, 200, r#"{"orders":[]}"#);
    stage.script.fixture(FILLS, 200, "coinbase/fills_none");
    let found = stage.venue.find(&reference(None)).await;
    assert!(matches!(found, Err(QueryError::Unavailable(_))), "{found:?}");
    let listed = since(&stage).await;
    assert!(matches!(listed, Err(QueryError::Unavailable(_))), "{listed:?}");
}

#[tokio::test]
async fn an_order_known_only_by_its_fill_is_looked_up() {
    let stage = coinbase();
    stage.script.fixture(LISTING, 200, "coinbase/listing_none");
    stage.script.fixture(FILLS, 200, "coinbase/fills_unlisted_order");
    stage.script.fixture(ONE, 200, "coinbase/order_filled");
    stage.script.fixture(ONE, 404, "coinbase/not_found");
    assert_eq!(since(&stage).await.unwrap()[0].executed.to_string(), "0.1");
    let why = "a fill is listed whose order is not".to_owned();
    assert_eq!(since(&stage).await, Err(QueryError::Unavailable(why)));
}
