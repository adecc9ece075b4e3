//! Finding orders again, cancelling them, and what a client id is worth.

use std::collections::BTreeSet;

use equipoise::port::{CancelAnswer, OrderRef, PlaceError};
use equipoise::{OrderRequest, OrderState, ResendClass, Side, TimeInForce};
use equipoise_sim::{Effect, EndReason, Operation};

use crate::desk::{Desk, assert_same_fills, is_cut_short, is_filled, reference};
use crate::table::{Place, Reuse};

pub(crate) async fn an_id_nobody_used_finds_nothing(place: &'static Place) {
    let desk = Desk::open(place).await;
    desk.placed(&desk.market(0, Side::Buy)).await;
    let nobody = desk.market(1, Side::Buy);
    assert_eq!(desk.venue.find(&reference(&nobody)).await.unwrap(), []);
}

pub(crate) async fn an_order_is_found_by_client_id_and_by_the_exchanges_own(place: &'static Place) {
    let desk = Desk::open(place).await;
    let (resting, filled) = (desk.resting(0), desk.market(1, Side::Buy));
    for order in [&resting, &filled] {
        let venue_order = desk.placed(order).await;
        let by_client_id = desk.found(order).await;
        assert_eq!(by_client_id.venue_order, venue_order);
        let known = OrderRef { venue_order: Some(venue_order), ..reference(order) };
        assert_eq!(desk.venue.find(&known).await.unwrap(), [by_client_id]);
    }
}

pub(crate) async fn orders_since_lists_open_and_ended_ones_and_none_that_ended_before(
    place: &'static Place,
) {
    let desk = Desk::open(place).await;
    let old = desk.resting(0);
    desk.placed(&old).await;
    desk.venue.cancel(&reference(&old)).await.unwrap();
    let listed = |since| {
        let (venue, symbol) = (desk.venue.clone(), desk.symbol());
        async move { venue.orders_since(&symbol, since).await.unwrap() }
    };
    let orders = [desk.market(1, Side::Buy), desk.resting(2), desk.resting(3)];
    for order in &orders {
        desk.placed(order).await;
    }
    desk.venue.cancel(&reference(&orders[2])).await.unwrap();
    let all = listed(old.stamp()).await;
    let ids: BTreeSet<_> = all.iter().map(|order| order.client_id.as_str().to_owned()).collect();
    let accepted: BTreeSet<_> =
        desk.ledger().into_iter().map(|order| order.client_order_id).collect();
    assert_eq!((ids, all.len()), (accepted, 4));
    let of =
        |order: &OrderRequest| all.iter().find(|one| one.client_id == order.client_id).unwrap();
    assert!(is_filled(of(&orders[0])));
    assert_eq!(of(&orders[0]).executed.to_string(), place.quantity);
    assert_eq!(of(&orders[1]).state, OrderState::Open);
    assert!(is_cut_short(of(&orders[2])) && is_cut_short(of(&old)));
    // What is open may be listed whenever it was created; what ended before is not.
    let later = listed(desk.now().plus_ms(3_600_000)).await;
    assert!(later.iter().all(|order| order.client_id == orders[1].client_id), "{later:#?}");
}

pub(crate) async fn a_cancel_is_acknowledged_once(place: &'static Place) {
    let desk = Desk::open(place).await;
    let (one, other) = (desk.resting(0), desk.resting(1));
    desk.placed(&one).await;
    let venue_order = Some(desk.placed(&other).await);
    for order in [reference(&one), OrderRef { venue_order, ..reference(&other) }] {
        assert_eq!(desk.venue.cancel(&order).await.unwrap(), CancelAnswer::Acknowledged);
        assert_eq!(desk.venue.cancel(&order).await.unwrap(), CancelAnswer::NotOpen);
    }
    for order in [&one, &other] {
        assert!(is_cut_short(&desk.found(order).await));
    }
    assert!(desk.ledger().iter().all(|order| order.ended_by == Some(EndReason::User)));
}

pub(crate) async fn an_ended_order_is_not_open_to_a_cancel(place: &'static Place) {
    let desk = Desk::open(place).await;
    let filled = desk.market(0, Side::Buy);
    desk.placed(&filled).await;
    for order in [filled, desk.market(1, Side::Buy)] {
        let answer = desk.venue.cancel(&reference(&order)).await.unwrap();
        assert_eq!(answer, CancelAnswer::NotOpen);
    }
}

/// Only class A may be sent the same order twice; the table says what each venue makes of it, open or ended.
pub(crate) async fn a_client_id_is_reused_as_its_class_says(place: &'static Place) {
    let desk = Desk::open(place).await;
    let safe = place.reuse.iter().all(|reuse| *reuse != Reuse::Accepted);
    assert_eq!(desk.venue.traits().class == ResendClass::A, safe);
    for (order, reuse) in
        [(desk.resting(0), place.reuse[0]), (desk.market(1, Side::Buy), place.reuse[1])]
    {
        let first = desk.placed(&order).await;
        let before = desk.ledger().len();
        let again = desk.send(&order).await;
        let orders = desk.ledger().len() - before;
        match reuse {
            Reuse::Refused => {
                assert!(matches!(again, Err(PlaceError::Unknown(_))), "{again:?}");
                assert_eq!(orders, 0);
            }
            Reuse::Echoed => {
                assert_eq!((again.unwrap().venue_order, orders), (first, 0));
            }
            Reuse::Accepted => {
                assert_ne!(again.unwrap().venue_order, first);
                assert_eq!(orders, 1);
            }
        }
        // However many there are, the listing shows them all.
        let listed = desk.venue.orders_since(&desk.symbol(), order.stamp()).await.unwrap();
        assert_eq!(listed.len(), desk.ledger().len());
    }
}

/// What was executed before a cancel stays executed (V3).
pub(crate) async fn a_cancelled_order_keeps_what_it_filled(place: &'static Place) {
    let desk = Desk::thin(place).await;
    let order = desk.limit(0, Side::Buy, place.ask, TimeInForce::Gtc);
    desk.placed(&order).await;
    let part = desk.ledger()[0].executed;
    let resting = desk.found(&order).await;
    assert_eq!((resting.state, resting.executed.get()), (OrderState::Open, part));
    assert_eq!(desk.venue.cancel(&reference(&order)).await.unwrap(), CancelAnswer::Acknowledged);
    let ended = desk.found(&order).await;
    assert!(is_cut_short(&ended), "{ended:?}");
    assert_eq!(ended.executed.get(), part);
    assert_same_fills(&ended.fills, &desk.ledger()[0]);
}

/// Somebody at the exchange's own screen, with ids the exchange makes up (V13).
pub(crate) async fn orders_placed_by_hand_do_not_hide_ours(place: &'static Place) {
    let desk = Desk::open(place).await;
    let order = desk.market(0, Side::Buy);
    let by_hand = || {
        let (now_ms, quantity) = (desk.exchange.now_ms(), place.quantity.parse().unwrap());
        let side = equipoise_sim::Side::Sell;
        desk.exchange
            .with(|exchange| exchange.trade_by_hand(now_ms, place.symbol, side, quantity))
            .unwrap();
    };
    by_hand();
    desk.placed(&order).await;
    by_hand();
    assert!(is_filled(&desk.found(&order).await));
    let listed = desk.venue.orders_since(&desk.symbol(), order.stamp()).await.unwrap();
    let ours = listed.iter().filter(|one| one.client_id == order.client_id);
    assert_eq!(ours.count(), 1);
}

/// A request the exchange carried out twice must not look like one (V15).
pub(crate) async fn an_order_executed_twice_is_listed_twice(place: &'static Place) {
    let desk = Desk::open(place).await;
    desk.fault(Operation::Place, Effect::ExecuteTwice);
    let order = desk.market(0, Side::Buy);
    desk.placed(&order).await;
    let accepted = desk.ledger();
    assert_eq!(accepted.len(), 2);
    let listed = desk.venue.orders_since(&desk.symbol(), order.stamp()).await.unwrap();
    let ids: BTreeSet<_> = listed.iter().map(|one| one.venue_order.as_str().to_owned()).collect();
    assert_eq!(ids, accepted.into_iter().map(|order| order.order_id).collect());
}
