//! The account: its mode, what it holds, what is free.

use std::collections::BTreeMap;

use equipoise::port::{Account, QueryError};
use equipoise::{OrderRequest, PositionMode, PositionSide, Side};
use equipoise_sim::{MarginMode, Settings};
use rust_decimal::Decimal;

use crate::desk::{Desk, is_filled};
use crate::table::Place;

/// Total and available by asset.
async fn balances(desk: &Desk) -> BTreeMap<String, [Decimal; 2]> {
    let balances = desk.venue.balances().await.unwrap().into_iter();
    balances
        .map(|held| (held.asset.to_string(), [held.total.get(), held.available.get()]))
        .collect()
}

pub(crate) async fn the_account_may_trade_in_one_way_mode(place: &'static Place) {
    let desk = Desk::open(place).await;
    let account = desk.venue.account(&[desk.symbol()]).await.unwrap();
    let margin_mode = place.margin_mode(MarginMode::Cross).unwrap();
    let position_mode = PositionMode::OneWay;
    assert_eq!(account, Account { position_mode, can_trade: true, margin_mode });
}

pub(crate) async fn the_margin_mode_is_told_and_orders_follow_it_or_the_account_is_refused(
    place: &'static Place,
) {
    for mode in [MarginMode::Cross, MarginMode::Isolated, MarginMode::Portfolio] {
        let settings = Settings { margin_mode: mode, ..Settings::default() };
        let desk = Desk::open_with(place, settings).await;
        let account = desk.venue.account(&[desk.symbol()]).await;
        let Some(told) = place.margin_mode(mode) else {
            assert!(matches!(account, Err(QueryError::Refused { .. })), "{account:?}");
            continue;
        };
        assert_eq!(account.unwrap().margin_mode, told, "{mode:?}");
        let bought = desk.market(0, Side::Buy);
        desk.placed(&bought).await;
        assert!(is_filled(&desk.found(&bought).await), "{mode:?}");
        let ledger = desk.exchange.with(|exchange| exchange.ledger());
        assert_eq!((ledger.margin_mode, ledger.margin_modes.len()), (mode, 0));
    }
}

pub(crate) async fn the_right_to_withdraw_is_the_keys_where_the_venue_tells_it(
    place: &'static Place,
) {
    for may_withdraw in [false, true] {
        let desk = Desk::with_right(place, may_withdraw).await;
        let told = place.tells_withdrawal.then_some(may_withdraw);
        assert_eq!(desk.venue.may_withdraw().await, Ok(told));
    }
}

pub(crate) async fn balances_are_complete(place: &'static Place) {
    let desk = Desk::open(place).await;
    let all = |text: &str| [text.parse().unwrap(); 2];
    let funds = place.funds.iter().map(|(asset, all_of_it)| ((*asset).to_owned(), all(all_of_it)));
    assert_eq!(balances(&desk).await, funds.collect());
}

pub(crate) async fn a_resting_order_holds_part_of_a_balance(place: &'static Place) {
    let desk = Desk::open(place).await;
    desk.placed(&desk.resting(0)).await;
    let [total, available] = balances(&desk).await[place.settle];
    let before = place.funds.iter().find(|(asset, _)| *asset == place.settle).unwrap().1;
    assert_eq!(total, before.parse().unwrap());
    assert!(available < total, "{available} of {total}");
}

pub(crate) async fn a_position_follows_what_was_traded(place: &'static Place) {
    let desk = Desk::open(place).await;
    let position = |desk: &Desk| {
        let (venue, symbol) = (desk.venue.clone(), desk.symbol());
        async move { venue.position(&symbol).await }
    };
    if place.is_spot() {
        let refused = position(&desk).await.unwrap_err();
        assert!(matches!(refused, QueryError::Refused { .. }), "{refused:?}");
        desk.placed(&desk.market(0, Side::Buy)).await;
        let ledger = desk.exchange.with(|exchange| exchange.ledger()).balances;
        let ledger = ledger.into_iter().filter(|(_, held)| !held.is_zero());
        let totals = balances(&desk).await.into_iter().map(|(asset, [total, _])| (asset, total));
        assert_eq!(totals.collect::<BTreeMap<_, _>>(), ledger.collect());
        return;
    }
    let sides = |text: &str| {
        let (long, short) = text.split_once(' ').unwrap();
        [long.parse().unwrap(), short.parse().unwrap()]
    };
    let quantity = place.quantity;
    for (number, side, expected) in [
        (0, None, "0 0".to_owned()),
        (1, Some(Side::Buy), format!("{quantity} 0")),
        (2, Some(Side::Sell), "0 0".to_owned()),
        (3, Some(Side::Sell), format!("0 {quantity}")),
    ] {
        if let Some(side) = side {
            desk.placed(&desk.market(number, side)).await;
        }
        let held = position(&desk).await.unwrap();
        assert_eq!([held.long, held.short], sides(&expected));
        assert_eq!(held.net().get(), desk.held());
    }
}

pub(crate) async fn hedge_mode_is_read_and_its_positions_are_kept_apart(place: &'static Place) {
    if !place.hedge_mode {
        return;
    }
    let desk = Desk::open_with(place, Settings { hedge_mode: true, ..Settings::default() }).await;
    let account = desk.venue.account(&[desk.symbol()]).await.unwrap();
    assert_eq!(account.position_mode, PositionMode::Hedge);
    let into =
        |number, side, position_side| OrderRequest { position_side, ..desk.market(number, side) };
    let symbol = desk.symbol();
    let position = || desk.venue.position(&symbol);
    desk.placed(&into(0, Side::Buy, PositionSide::Long)).await;
    desk.placed(&into(1, Side::Sell, PositionSide::Short)).await;
    let both = position().await.unwrap();
    let quantity = place.quantity.parse().unwrap();
    assert_eq!((both.long, both.short), (quantity, quantity));
    desk.placed(&into(2, Side::Sell, PositionSide::Long)).await;
    let short = position().await.unwrap();
    assert_eq!((short.long, short.short), ("0".parse().unwrap(), quantity));
}
