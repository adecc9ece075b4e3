//! One suite for every venue: each claim is made of each adapter, over HTTP, against the simulated face of its exchange.
//!
//! A claim is written once and knows no venue. What differs between venues stands in `table`, as data with its source.
//! The exchange's own ledger is the oracle: adapters and simulators share no code.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../harness/mod.rs"]
mod harness;

mod account;
mod adjusting;
mod desk;
mod doubt;
mod finding;
mod market;
mod placing;
mod refusing;
mod table;

use std::collections::BTreeSet;

/// Makes one test of every claim at every place.
macro_rules! conformance {
    ([$($name:ident = $place:ident),* $(,)?] $claims:tt) => {
        $(mod $name { conformance!(@ $place $claims); })*
    };
    (@ $place:ident { $($module:ident::$claim:ident),* $(,)? }) => {
        $(
            #[tokio::test]
            async fn $claim() {
                crate::$module::$claim(&crate::table::$place).await;
            }
        )*
    };
}

conformance!([
    binance_usdm = BINANCE_USDM,
    binance_usdm_dated = BINANCE_USDM_DATED,
    binance_coinm = BINANCE_COINM,
    binance_coinm_dated = BINANCE_COINM_DATED,
    binance_spot = BINANCE_SPOT,
    bybit_linear = BYBIT_LINEAR,
    bybit_inverse = BYBIT_INVERSE,
    bybit_spot = BYBIT_SPOT,
    okx_swap = OKX_SWAP,
    okx_swap_inverse = OKX_SWAP_INVERSE,
    okx_spot = OKX_SPOT,
    deribit = DERIBIT,
    deribit_linear = DERIBIT_LINEAR,
    coinbase = COINBASE,
] {
    market::the_clock_is_the_exchanges_own,
    market::the_rules_are_the_exchanges_own,
    market::every_listed_instrument_keeps_its_rules,
    market::the_quote_shows_book_mark_and_funding,
    market::an_unknown_symbol_is_refused,
    account::the_account_may_trade_in_one_way_mode,
    account::the_margin_mode_is_told_and_orders_follow_it_or_the_account_is_refused,
    account::the_right_to_withdraw_is_the_keys_where_the_venue_tells_it,
    account::balances_are_complete,
    account::a_resting_order_holds_part_of_a_balance,
    account::a_position_follows_what_was_traded,
    account::hedge_mode_is_read_and_its_positions_are_kept_apart,
    placing::a_market_order_fills_and_its_fills_are_the_exchanges_own,
    placing::a_limit_order_rests_until_it_is_cancelled,
    placing::a_resting_order_that_is_met_pays_as_a_maker,
    placing::immediate_or_cancel_takes_what_is_there_and_never_rests,
    placing::fill_or_kill_takes_everything_or_nothing,
    placing::post_only_never_takes,
    placing::a_reduce_only_order_never_opens_a_position,
    placing::a_reduce_only_order_closes_a_position,
    finding::an_id_nobody_used_finds_nothing,
    finding::an_order_is_found_by_client_id_and_by_the_exchanges_own,
    finding::orders_since_lists_open_and_ended_ones_and_none_that_ended_before,
    finding::a_cancel_is_acknowledged_once,
    finding::an_ended_order_is_not_open_to_a_cancel,
    finding::a_client_id_is_reused_as_its_class_says,
    finding::a_cancelled_order_keeps_what_it_filled,
    finding::orders_placed_by_hand_do_not_hide_ours,
    finding::an_order_executed_twice_is_listed_twice,
    adjusting::a_trade_taken_back_is_told_whether_or_not_the_orders_quantity_follows,
    adjusting::a_corrected_trade_is_replaced_or_leaves_its_order_unsettled,
    refusing::a_request_past_its_deadline_is_refused,
    refusing::an_order_too_small_is_refused_for_good,
    refusing::a_wrong_secret_is_a_matter_of_credentials,
    refusing::a_limited_query_is_busy_and_a_limited_order_refused,
    refusing::an_order_without_funds_is_refused_for_good,
    refusing::a_documented_rejection_is_a_refusal,
    doubt::an_answer_that_proves_nothing_leaves_the_order_unknown_and_it_is_found,
    doubt::a_lost_answer_leaves_the_order_unknown_and_it_is_found,
    doubt::a_lost_request_leaves_the_order_unknown_and_nothing_is_found,
    doubt::a_query_without_a_usable_answer_is_unavailable,
});

#[test]
fn every_adapter_has_a_face_and_stands_in_the_table() {
    let adapters: BTreeSet<_> = equipoise::venues::adapters().collect();
    let faces: BTreeSet<_> = equipoise_sim::adapters().iter().copied().collect();
    let table: BTreeSet<_> = table::PLACES.iter().map(|place| place.adapter).collect();
    assert_eq!(adapters, faces);
    assert_eq!(adapters, table);
}
