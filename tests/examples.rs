//! The examples that trade several legs against simulated exchanges: each says itself whether it ended as it promises.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(dead_code, reason = "the examples' own start is not used here")]
#![allow(clippy::duplicate_mod, reason = "each example brings the desk along")]

#[path = "../examples/cash_and_carry.rs"]
mod cash_and_carry;
#[path = "../examples/inverse_hedge.rs"]
mod inverse_hedge;
#[path = "../examples/three_venue_basket.rs"]
mod three_venue_basket;
#[path = "../examples/triangular.rs"]
mod triangular;

#[tokio::test]
async fn cash_and_carry_ends_neutral_within_a_lot() {
    assert!(cash_and_carry::trade().await.unwrap());
}

#[tokio::test]
async fn an_inverse_hedge_ends_neutral_within_a_lot() {
    assert!(inverse_hedge::trade().await.unwrap());
}

#[tokio::test]
async fn a_basket_over_three_venues_ends_neutral_within_a_lot() {
    assert!(three_venue_basket::trade().await.unwrap());
}

#[tokio::test]
async fn a_triangle_leaves_less_than_a_lot_of_anything_but_the_quote_asset() {
    assert!(triangular::trade().await.unwrap());
}
