//! Documented refusals, by what the saga may do next.

use equipoise::port::{OrderRef, PlaceError, QueryError};
use equipoise::venues::Credentials;
use equipoise::{OrderRequest, Refusal, RefusalKind, Side, VenueMillis};
use equipoise_sim::{Effect, Fault, Operation, ServeOptions, Settings};

use crate::desk::{Desk, reference};
use crate::table::Place;

async fn refused(desk: &Desk, order: &OrderRequest) -> Refusal {
    match desk.send(order).await {
        Err(PlaceError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

fn assert_untouched(desk: &Desk) {
    assert!(desk.ledger().is_empty(), "{:#?}", desk.ledger());
}

pub(crate) async fn a_request_past_its_deadline_is_refused(place: &'static Place) {
    let desk = Desk::open(place).await;
    let order = desk.market(0, Side::Buy);
    let stale = OrderRequest { deadline: VenueMillis(order.deadline.0 - 60_000), ..order };
    assert_eq!(refused(&desk, &stale).await.kind, RefusalKind::Transient);
    assert_untouched(&desk);
}

pub(crate) async fn an_order_too_small_is_refused_for_good(place: &'static Place) {
    let desk = Desk::open(place).await;
    let quantity = place.too_small.parse().unwrap();
    let small = OrderRequest { quantity, ..desk.market(0, Side::Buy) };
    assert_eq!(refused(&desk, &small).await.kind, RefusalKind::Final);
    assert_untouched(&desk);
}

/// A key of the right form that is not the exchange's.
fn wrong_credentials(adapter: &str) -> Credentials {
    let key = equipoise_sim::Credentials::demo(adapter).key;
    // Base64 of 32 bytes is also a private key, for exchanges that want one.
    let secret = "d3JvbmctY2FuYXJ5LXdyb25nLWNhbmFyeS13cm9uZyE=";
    let credentials = Credentials::new(&key, secret).unwrap();
    match equipoise_sim::Credentials::demo(adapter).passphrase {
        Some(passphrase) => credentials.with_passphrase(&passphrase).unwrap(),
        None => credentials,
    }
}

pub(crate) async fn a_wrong_secret_is_a_matter_of_credentials(place: &'static Place) {
    let options = ServeOptions::default();
    let wrong = wrong_credentials(place.adapter);
    let desk = Desk::start(place, Settings::default(), options, wrong).await;
    let error = desk.venue.account(&[desk.symbol()]).await.unwrap_err();
    let QueryError::Credentials { message, .. } = &error else { panic!("{error:?}") };
    assert!(!message.contains("d3Jvbmct"), "{message}");
    let refusal = match desk.venue.place(&desk.market(0, Side::Buy)).await {
        Err(PlaceError::Refused(refusal)) => refusal.kind,
        // Where a session or the account is read first, its refusal comes before the order.
        Err(PlaceError::NotSent(_)) => RefusalKind::Credentials,
        other => panic!("{other:?}"),
    };
    assert_eq!(refusal, RefusalKind::Credentials);
    assert_untouched(&desk);
}

pub(crate) async fn a_limited_query_is_busy_and_a_limited_order_refused(place: &'static Place) {
    let limited = Effect::RateLimited { retry_after_s: 1 };
    let desk = Desk::open(place).await;
    let order = desk.resting(0);
    let venue_order = Some(desk.placed(&order).await);
    desk.fault(Operation::QueryOrders, limited.clone());
    let error = desk.venue.find(&OrderRef { venue_order, ..reference(&order) }).await.unwrap_err();
    assert!(matches!(error, QueryError::Busy { retry_after_ms: 1.., .. }), "{error:?}");

    let desk = Desk::open(place).await;
    desk.fault(Operation::Place, limited);
    let refusal = refused(&desk, &desk.market(0, Side::Buy)).await;
    assert!(matches!(refusal.kind, RefusalKind::RateLimited { .. }), "{refusal:?}");
    assert_untouched(&desk);
}

pub(crate) async fn an_order_without_funds_is_refused_for_good(place: &'static Place) {
    let desk = Desk::open(place).await;
    desk.fault(Operation::Place, Effect::WithoutMargin);
    assert_eq!(refused(&desk, &desk.market(0, Side::Buy)).await.kind, RefusalKind::Final);
    assert_untouched(&desk);
}

pub(crate) async fn a_documented_rejection_is_a_refusal(place: &'static Place) {
    let desk = Desk::open(place).await;
    let fault = Fault::named(&format!("{}-reject", place.adapter)).unwrap();
    desk.exchange.with(|exchange| exchange.inject(fault));
    assert_eq!(refused(&desk, &desk.market(0, Side::Buy)).await.kind, place.refusals[0]);
    assert_untouched(&desk);
    // It happened once; the exchange works again.
    desk.placed(&desk.market(1, Side::Buy)).await;
}
