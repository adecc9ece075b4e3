//! A hedge waits for no venue but its own, and goes with the others where that costs little (K1).

use equipoise_core::{BatchStatus, Leg, Plan, Quantity, RefusalKind, Side};
use equipoise_port::QueryError;
use equipoise_runtime::BatchHandle;

use super::exchange::{Call, Exchange, OnPlace};
use super::setup::{Desk, leg, of, pass_ms, plan, resting};

/// One leg, and one at each exchange that follows half of it.
fn source_and_two_followers() -> Plan {
    let follower = |name: &str, venue: &str| {
        let quantity = Quantity::Of { leg: of("source"), ratio: of("0.5") };
        Leg { quantity, ..leg(name, venue, Side::Sell, "0.1") }.after([of("source")])
    };
    let source = leg("source", "binance", Side::Buy, "0.1");
    plan("now", vec![source, follower("one", "binance"), follower("two", "bybit")])
}

/// When orders on a side were handed over, milliseconds after the start.
fn placed_at(exchange: &Exchange, side: Side) -> Vec<u64> {
    let calls = exchange.calls().into_iter();
    let placed = calls.filter_map(|(at, call)| match call {
        Call::Place(request) if request.side == side => Some(at.since(super::setup::START)),
        _ => None,
    });
    placed.collect()
}

/// The second follower's exchange answers that slowly from the moment on at which the source is placed.
async fn followed(desk: &Desk, second_answers_in_ms: u64) -> BatchHandle {
    let engine = desk.engine().await;
    let bybit = desk.bybit.clone();
    desk.binance.before_place(move |_| bybit.take_ms(second_answers_in_ms));
    engine.submit(&source_and_two_followers()).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_hedge_does_not_wait_for_the_doubt_of_one_that_was_ready_a_moment_earlier() {
    let desk = Desk::new();
    desk.binance.play([OnPlace::Fill, OnPlace::Lose]);
    let handle = followed(&desk, 100).await;
    pass_ms(400).await;
    assert_eq!(placed_at(&desk.binance, Side::Sell), [100]);
    assert_eq!(placed_at(&desk.bybit, Side::Sell), [100], "and not once the doubt is resolved");
    assert_eq!(handle.wait().await.unwrap().status, BatchStatus::Done);
}

#[tokio::test(start_paused = true)]
async fn a_hedge_waits_half_a_second_at_most_for_one_whose_preparation_hangs() {
    let desk = Desk::new();
    let handle = followed(&desk, 3_600_000).await;
    pass_ms(499).await;
    assert_eq!(placed_at(&desk.binance, Side::Sell), [0; 0]);
    pass_ms(2).await;
    assert_eq!(placed_at(&desk.binance, Side::Sell), [500]);
    handle.cancel();
    assert_eq!(handle.wait().await.unwrap().status, BatchStatus::Flat);
}

#[tokio::test(start_paused = true)]
async fn one_whose_preparation_hangs_is_waited_for_once() {
    let desk = Desk::new();
    desk.binance
        .play([OnPlace::Fill, OnPlace::Refuse(RefusalKind::RateLimited { retry_after_ms: 1_000 })]);
    let handle = followed(&desk, 3_600_000).await;
    pass_ms(2_000).await;
    assert_eq!(placed_at(&desk.binance, Side::Sell), [500, 1_500]);
    handle.cancel();
    assert_eq!(handle.wait().await.unwrap().status, BatchStatus::Flat);
}

#[tokio::test(start_paused = true)]
async fn a_hedge_goes_as_soon_as_the_preparation_beside_it_has_failed() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    let bybit = desk.bybit.clone();
    desk.binance.before_place(move |_| {
        bybit.take_ms(100);
        bybit.fail("reserve", QueryError::Busy { retry_after_ms: 600_000, why: "".into() });
    });
    let handle = engine.submit(&source_and_two_followers()).await.unwrap();
    pass_ms(200).await;
    assert_eq!(placed_at(&desk.binance, Side::Sell), [100]);
    handle.cancel();
    assert_eq!(handle.wait().await.unwrap().status, BatchStatus::Flat);
}

/// What rests is bought while two sells that were refused are prepared as one wave, and one of their venues is banned.
async fn a_half_prepared_wave_turns_into_hedges(released_at_ms: u64) -> Vec<u64> {
    let desk = Desk::new();
    let engine = desk.engine().await;
    let transient = || OnPlace::Refuse(RefusalKind::Transient);
    desk.binance.play([transient(), OnPlace::Rest]);
    desk.bybit.play([transient()]);
    // In another instrument, because legs of one plan must not cross.
    let rests = Leg { instrument: of("BTCPERP"), ..leg("rests", "binance", Side::Buy, "0.1") };
    let plan = plan(
        "now",
        vec![
            leg("hedges", "binance", Side::Sell, "0.05"),
            leg("waits", "bybit", Side::Sell, "0.05"),
            resting(rests),
        ],
    );
    assert_eq!(plan.check().unwrap().listing, [0, 1, 2], "the hedge is the first of its wave");
    let handle = engine.submit(&plan).await.unwrap();
    pass_ms(10).await;
    desk.bybit.fail("reserve", QueryError::Busy { retry_after_ms: 600_000, why: "".into() });
    desk.bybit.take_ms(released_at_ms);
    pass_ms(1_000).await;
    desk.binance.trade(0, "0.1");
    pass_ms(20_000).await;
    handle.cancel();
    handle.wait().await.unwrap();
    placed_at(&desk.binance, Side::Sell)
}

#[tokio::test(start_paused = true)]
async fn a_hedge_does_not_wait_for_the_wave_it_was_prepared_in_before() {
    for released_at_ms in [1_500, 10_000] {
        let placed = a_half_prepared_wave_turns_into_hedges(released_at_ms).await;
        let hedge = placed.get(1).copied().unwrap_or(u64::MAX);
        assert!((1_000..4_000).contains(&hedge), "{placed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hedge_does_not_wait_for_what_adds_beside_it() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    let transient = || OnPlace::Refuse(RefusalKind::Transient);
    desk.binance.play([OnPlace::Fill, transient()]);
    desk.bybit.play([transient()]);
    // In another instrument, because legs of one plan must not cross.
    let bought = Leg { instrument: of("BTCPERP"), ..leg("bought", "binance", Side::Buy, "0.1") };
    let legs =
        [leg("adds", "bybit", Side::Buy, "0.1"), leg("hedges", "binance", Side::Sell, "0.2")];
    let plan = plan("now", [vec![bought], legs.to_vec()].concat());
    let handle = engine.submit(&plan).await.unwrap();
    pass_ms(10).await;
    desk.bybit.take_ms(3_600_000);
    pass_ms(400).await;
    assert_eq!(placed_at(&desk.binance, Side::Sell), [0, 200]);
    handle.cancel();
    handle.wait().await.unwrap();
}
