//! Every kind of order, and what the exchange made of it.

use equipoise::port::PlaceError;
use equipoise::{OrderRequest, OrderSnapshot, OrderState, Qty, RefusalKind, Side, TimeInForce};
use rust_decimal::Decimal;

use crate::desk::{Desk, assert_same_fills, is_cut_short, is_filled};
use crate::table::Place;

/// Either refused with a documented code, or accepted and cut short with nothing executed.
async fn assert_not_done(desk: &Desk, order: &OrderRequest) {
    match desk.send(order).await {
        Err(PlaceError::Refused(refusal)) => assert_eq!(refusal.kind, RefusalKind::Final),
        Err(error) => panic!("{error:?}"),
        Ok(_) => {
            let found = desk.found(order).await;
            assert!(is_cut_short(&found), "{found:?}");
            assert_eq!(found.executed, Qty::ZERO);
        }
    }
    assert!(desk.ledger().iter().all(|order| order.executed.is_zero() && !order.is_open()));
}

fn assert_executed(found: &OrderSnapshot, place: &Place) {
    assert!(is_filled(found), "{found:?}");
    assert_eq!(found.executed.to_string(), place.quantity);
}

pub(crate) async fn a_market_order_fills_and_its_fills_are_the_exchanges_own(
    place: &'static Place,
) {
    let desk = Desk::open(place).await;
    for (number, side, price, fee_asset) in [
        (0, Side::Buy, place.ask, place.fee_assets[0]),
        (1, Side::Sell, place.bid, place.fee_assets[1]),
    ] {
        let order = desk.market(number, side);
        let id = desk.placed(&order).await;
        let found = desk.found(&order).await;
        assert_executed(&found, place);
        assert_eq!(found.venue_order, id);
        let accepted = &desk.ledger()[usize::from(number)];
        assert_eq!(id.as_str(), accepted.order_id);
        assert_eq!(order.client_id.as_str(), accepted.client_order_id);
        assert_same_fills(&found.fills, accepted);
        for fill in &found.fills {
            assert_eq!(
                (fill.price.to_string(), fill.fee_asset.as_str()),
                (price.to_owned(), fee_asset)
            );
            assert!(fill.fee.get() > Decimal::ZERO, "a taker pays");
        }
    }
}

pub(crate) async fn a_limit_order_rests_until_it_is_cancelled(place: &'static Place) {
    let desk = Desk::open(place).await;
    let order = desk.resting(0);
    desk.placed(&order).await;
    let found = desk.found(&order).await;
    assert_eq!((found.state.clone(), found.executed), (OrderState::Open, Qty::ZERO), "{found:?}");
    assert!(found.fills.is_empty());
    let accepted = desk.ledger();
    assert_eq!(accepted.len(), 1);
    assert_eq!(accepted[0].price, Some("52000".parse().unwrap()));
    assert_eq!(accepted[0].time_in_force, equipoise_sim::TimeInForce::Gtc);
    assert!(accepted[0].is_open());
}

pub(crate) async fn a_resting_order_that_is_met_pays_as_a_maker(place: &'static Place) {
    let desk = Desk::open(place).await;
    let order = desk.resting(0);
    desk.placed(&order).await;
    let now_ms = desk.exchange.now_ms();
    desk.exchange
        .with(|exchange| exchange.set_mark(now_ms, place.symbol, "51000".parse().unwrap()))
        .unwrap();
    let found = desk.found(&order).await;
    assert_executed(&found, place);
    let accepted = &desk.ledger()[0];
    assert!(accepted.trades.iter().all(|trade| trade.maker));
    assert_same_fills(&found.fills, accepted);
}

pub(crate) async fn immediate_or_cancel_takes_what_is_there_and_never_rests(place: &'static Place) {
    let desk = Desk::thin(place).await;
    let order = desk.limit(0, Side::Buy, place.ask, TimeInForce::Ioc);
    desk.placed(&order).await;
    let found = desk.found(&order).await;
    assert!(is_cut_short(&found), "{found:?}");
    let accepted = &desk.ledger()[0];
    assert!(
        !accepted.is_open()
            && !accepted.executed.is_zero()
            && accepted.executed < accepted.quantity
    );
    assert_eq!(found.executed.get(), accepted.executed);
    assert_same_fills(&found.fills, accepted);
    let nothing = desk.limit(1, Side::Buy, "52000", TimeInForce::Ioc);
    desk.placed(&nothing).await;
    let found = desk.found(&nothing).await;
    assert!(is_cut_short(&found), "{found:?}");
    assert_eq!(found.executed, Qty::ZERO);
}

pub(crate) async fn fill_or_kill_takes_everything_or_nothing(place: &'static Place) {
    let desk = Desk::thin(place).await;
    assert_not_done(&desk, &desk.limit(0, Side::Buy, place.ask, TimeInForce::Fok)).await;
    let desk = Desk::open(place).await;
    let order = desk.limit(0, Side::Buy, place.ask, TimeInForce::Fok);
    desk.placed(&order).await;
    assert_executed(&desk.found(&order).await, place);
}

pub(crate) async fn post_only_never_takes(place: &'static Place) {
    let desk = Desk::open(place).await;
    assert_not_done(&desk, &desk.limit(0, Side::Buy, place.ask, TimeInForce::PostOnly)).await;
    let order = desk.limit(1, Side::Buy, "52000", TimeInForce::PostOnly);
    desk.placed(&order).await;
    assert_eq!(desk.found(&order).await.state, OrderState::Open);
    let accepted = desk.ledger();
    let accepted = accepted.last().unwrap();
    assert_eq!(accepted.time_in_force, equipoise_sim::TimeInForce::PostOnly);
}

/// On contracts the exchange refuses, or accepts and cuts short; on spot there is no such order, and none is sent.
pub(crate) async fn a_reduce_only_order_never_opens_a_position(place: &'static Place) {
    let desk = Desk::open(place).await;
    let order = OrderRequest { reduce_only: true, ..desk.market(0, Side::Sell) };
    match desk.send(&order).await {
        Ok(_) => {
            let found = desk.found(&order).await;
            assert!(is_cut_short(&found), "{found:?}");
        }
        Err(PlaceError::Refused(refusal)) => {
            assert_eq!(refusal.kind, place.refusals[1], "{refusal:?}");
        }
        Err(PlaceError::NotSent(_)) if place.is_spot() => {}
        Err(error) => panic!("{error:?}"),
    }
    assert!(desk.ledger().iter().all(|order| order.executed.is_zero() && !order.is_open()));
    assert_eq!(desk.held(), Decimal::ZERO);
}

pub(crate) async fn a_reduce_only_order_closes_a_position(place: &'static Place) {
    if place.is_spot() {
        return;
    }
    let desk = Desk::open(place).await;
    desk.placed(&desk.market(0, Side::Buy)).await;
    let close = OrderRequest { reduce_only: true, ..desk.market(1, Side::Sell) };
    desk.placed(&close).await;
    assert_executed(&desk.found(&close).await, place);
    assert!(desk.ledger()[1].reduce_only);
    assert_eq!(desk.held(), Decimal::ZERO);
}
