//! What proves nothing: the order is unknown, and then looked for.

use equipoise::Side;
use equipoise::port::{PlaceError, QueryError};
use equipoise_sim::{Broken, Effect, Fault, Loss, Operation};

use crate::desk::{Desk, assert_same_fills, is_filled, reference};
use crate::table::Place;

/// Sends into a fault that carries the order out and hides it, and finds it.
async fn assert_found(desk: &Desk, number: u16) {
    let order = desk.market(number, Side::Buy);
    let error = desk.send(&order).await.unwrap_err();
    assert!(matches!(error, PlaceError::Unknown(_)), "{error:?}");
    let found = desk.found(&order).await;
    assert!(is_filled(&found), "{found:?}");
    let ledger = desk.ledger();
    assert_eq!(ledger.len(), usize::from(number) + 1);
    assert_same_fills(&found.fills, &ledger[usize::from(number)]);
}

pub(crate) async fn an_answer_that_proves_nothing_leaves_the_order_unknown_and_it_is_found(
    place: &'static Place,
) {
    let desk = Desk::open(place).await;
    let named = Fault::named(&format!("{}-5xx-unknown", place.adapter)).unwrap();
    desk.exchange.with(|exchange| exchange.inject(named));
    assert_found(&desk, 0).await;
    for (number, broken) in
        (1..).zip([Broken::Unknown503, Broken::Html502, Broken::Truncated, Broken::NotJson])
    {
        desk.exchange.with(|exchange| exchange.faults_mut().clear());
        desk.fault(Operation::Place, Effect::BreakAnswer(broken));
        assert_found(&desk, number).await;
    }
}

pub(crate) async fn a_lost_answer_leaves_the_order_unknown_and_it_is_found(place: &'static Place) {
    let desk = Desk::open(place).await;
    desk.fault(Operation::Place, Effect::LoseAnswer(Loss::Close));
    assert_found(&desk, 0).await;
}

pub(crate) async fn a_lost_request_leaves_the_order_unknown_and_nothing_is_found(
    place: &'static Place,
) {
    let desk = Desk::open(place).await;
    desk.fault(Operation::Place, Effect::LoseRequest(Loss::Close));
    let order = desk.market(0, Side::Buy);
    let error = desk.send(&order).await.unwrap_err();
    assert!(matches!(error, PlaceError::Unknown(_)), "{error:?}");
    assert_eq!(desk.venue.find(&reference(&order)).await.unwrap(), []);
    assert!(desk.ledger().is_empty());
}

pub(crate) async fn a_query_without_a_usable_answer_is_unavailable(place: &'static Place) {
    let desk = Desk::open(place).await;
    let order = desk.market(0, Side::Buy);
    desk.placed(&order).await;
    for broken in [Broken::Html502, Broken::Truncated, Broken::NotJson, Broken::Huge] {
        desk.exchange.with(|exchange| exchange.faults_mut().clear());
        desk.fault(Operation::QueryOrders, Effect::BreakAnswer(broken));
        let error = desk.venue.find(&reference(&order)).await.unwrap_err();
        assert!(matches!(error, QueryError::Unavailable(_)), "{broken:?}: {error:?}");
    }
    assert!(is_filled(&desk.found(&order).await));
}
