//! Trades that the exchange takes back or corrects after they happened (V12), at the venues that show such a thing.

use equipoise::port::OrderRef;
use equipoise::{OrderRequest, OrderSnapshot, Qty, Side};
use equipoise_sim::{Adjustment, NotAdjusted};
use rust_decimal::Decimal;

use crate::desk::{Desk, assert_same_fills, reference};
use crate::table::Place;

/// The order by the exchange's own id and in the listing: both must say the same.
async fn looked(desk: &Desk, order: &OrderRequest) -> OrderSnapshot {
    let found = desk.found(order).await;
    let known = OrderRef { venue_order: Some(found.venue_order.clone()), ..reference(order) };
    assert_eq!(desk.venue.find(&known).await.unwrap().as_slice(), std::slice::from_ref(&found));
    let listed = desk.venue.orders_since(&desk.symbol(), order.stamp()).await.unwrap();
    let listed = listed.into_iter().find(|one| one.client_id == order.client_id).unwrap();
    assert_eq!((listed.executed, &listed.busted), (found.executed, &found.busted));
    found
}

fn quantity(fills: &[equipoise::Fill]) -> Qty {
    fills.iter().fold(Qty::ZERO, |sum, fill| sum.plus(fill.quantity))
}

/// A market order that was seen filled, adjusted since; `None` where the venue shows no such thing and so played none.
async fn adjusted(
    desk: &Desk,
    number: u16,
    adjustment: Adjustment,
    is_counted: bool,
) -> Option<OrderSnapshot> {
    let order = desk.market(number, Side::Buy);
    let id = desk.placed(&order).await;
    let before = looked(desk, &order).await;
    assert_eq!(before.busted, []);
    let now_ms = desk.exchange.now_ms();
    let played = desk
        .exchange
        .with(|exchange| exchange.adjust_trade(now_ms, id.as_str(), adjustment, is_counted));
    let after = looked(desk, &order).await;
    if !desk.place.shows_adjusted_trades {
        assert_eq!(played, Err(NotAdjusted::NotShown));
        assert_eq!(after, before);
        return None;
    }
    played.unwrap();
    assert_same_fills(&after.busted, &desk.ledger()[usize::from(number)]);
    assert!(after.executed >= before.executed, "what ever executed never decreases: {after:?}");
    Some(after)
}

pub(crate) async fn a_trade_taken_back_is_told_whether_or_not_the_orders_quantity_follows(
    place: &'static Place,
) {
    let desk = Desk::open(place).await;
    for (number, is_counted) in [(0, true), (1, false)] {
        let Some(after) = adjusted(&desk, number, Adjustment::Reversal, is_counted).await else {
            continue;
        };
        assert_eq!(after.fills, []);
        assert_eq!(after.executed.to_string(), place.quantity);
    }
}

pub(crate) async fn a_corrected_trade_is_replaced_or_leaves_its_order_unsettled(
    place: &'static Place,
) {
    let desk = Desk::open(place).await;
    let half = Adjustment::Correction(Decimal::new(5, 1));
    if let Some(after) = adjusted(&desk, 0, half, true).await {
        assert_eq!(quantity(&after.fills).get(), desk.ledger()[0].standing());
        assert_eq!(after.executed.to_string(), place.quantity);
    }
    // The order states what it did before: which of the two stands, nobody can tell.
    if let Some(after) = adjusted(&desk, 1, half, false).await {
        let traded = quantity(&after.fills).plus(quantity(&after.busted));
        assert!(traded < after.executed, "{after:?}");
        let most = after.executed.minus(quantity(&after.busted)).get();
        let range = quantity(&after.fills).get()..=most;
        assert!(range.contains(&desk.ledger()[1].standing()), "{range:?}");
    }
}
