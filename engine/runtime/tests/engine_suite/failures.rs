//! Adapters that panic or hang, and journals that fail under way: doubt or a typed end, never loss and never silence.

use equipoise_core::{
    Alarm, BatchReport, BatchStatus, LegStatus, OrderRequest, Qty, Record, RefusalKind, Side,
};
use equipoise_port::{JournalError, MockVenue, PlaceError, QueryError};
use equipoise_runtime::{BatchError, SubmitError};

use super::durable_first::Refusing;
use super::exchange::{Call, OnPlace, effects};
use super::setup::{Desk, START, chain, leg, names, pair, pass_ms, plan, resting};

fn is_place(call: &Call) -> bool {
    matches!(call, Call::Place(_))
}

#[tokio::test(start_paused = true)]
async fn an_adapter_that_panics_while_placing_leaves_an_order_in_doubt_and_the_batch_whole() {
    for script in [OnPlace::Panic, OnPlace::Hang] {
        let desk = Desk::new();
        let engine = desk.engine().await;
        desk.binance.play([script]);
        let handle = engine.submit(&pair("now", "0.1")).await.unwrap();
        let report = handle.wait().await.unwrap();
        assert!(names(&desk.durable(report.key)).contains(&"Doubted".to_owned()));
        // It never arrived; that was proven before another attempt, and the plan went on within its time.
        let attempts = desk.binance.asked().len();
        assert!(report.status == BatchStatus::Done || report.status == BatchStatus::Flat);
        assert_eq!(desk.binance.net() + desk.bybit.net(), equipoise_core::Amount::ZERO);
        assert!((1..=2).contains(&attempts), "{attempts}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_adapter_that_panics_before_it_returns_a_future_is_in_doubt_too() {
    // A mock without expectation panics in the call itself.
    let desk = Desk::new();
    let mut mock = MockVenue::new();
    let real = super::wire::Wire::new(desk.binance.clone(), desk.cut());
    let real: std::sync::Arc<dyn equipoise_port::Venue> = real;
    mock.expect_account_id().return_const(None);
    mock.expect_traits().return_const(real.traits().clone());
    mock.expect_server_time().returning({
        let clock = desk.clock.clone();
        move || Ok(equipoise_core::VenueMillis(equipoise_port::Clock::now(&*clock).0))
    });
    mock.expect_account().returning(|_| {
        let position_mode = equipoise_core::PositionMode::OneWay;
        Ok(equipoise_port::Account { position_mode, can_trade: true, margin_mode: None })
    });
    let instrument = real.instrument(&super::setup::of("BTCUSDT")).await.unwrap();
    let quote = real.quote(&super::setup::of("BTCUSDT")).await.unwrap();
    mock.expect_instrument().returning(move |_| Ok(instrument.clone()));
    mock.expect_quote().returning(move |_| Ok(quote.clone()));
    mock.expect_position().returning(|_| {
        let zero = equipoise_core::Qty::ZERO;
        Ok(equipoise_port::Position { long: zero, short: zero })
    });
    mock.expect_reserve().returning(|_| Ok(()));
    mock.expect_find().returning(|_| Ok(Vec::new()));
    mock.expect_orders_since().returning(|_, _| Ok(Vec::new()));
    mock.expect_place().times(1..=3).returning(|_| panic!("scripted panic"));
    let setup = equipoise_runtime::VenueSetup {
        venue: std::sync::Arc::new(mock),
        positions: equipoise_core::Positions::Exclusive,
    };
    let engine = desk.builder().venue(super::setup::of("binance"), setup).start().await.unwrap();
    let one = plan("now", vec![leg("long", "binance", Side::Buy, "0.1")]);
    let report = engine.submit(&one).await.unwrap().wait().await.unwrap();
    assert_eq!(report.status, BatchStatus::Flat);
    assert!(names(&desk.durable(report.key)).contains(&"Absent".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn an_adapter_that_panics_while_asked_is_asked_again() {
    for kind in ["find", "list", "position", "quote", "reserve"] {
        let desk = Desk::new();
        let engine = desk.engine().await;
        desk.bybit.play([OnPlace::Refuse(RefusalKind::Final)]);
        let handle = engine.submit(&pair("now", "0.1")).await.unwrap();
        desk.binance.panic_in(kind);
        assert_eq!(handle.wait().await.unwrap().status, BatchStatus::Flat, "{kind}");
        assert!(desk.binance.net().is_zero());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_found_counts_while_listings_and_clock_are_down() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.bybit.play([OnPlace::FillUnheard]);
    desk.bybit.take_ms(10);
    let handle = engine.submit(&pair("now", "0.1")).await.unwrap();
    for kind in ["list", "server_time", "position"] {
        desk.bybit.fail(kind, QueryError::Unavailable("status 503".into()));
    }
    pass_ms(500).await;
    assert_eq!(handle.report().unwrap().legs[1].status, LegStatus::Filled);
    assert_eq!(handle.wait().await.unwrap().status, BatchStatus::Done);
}

/// Before it, for what is past; after it, for what the venue still listed (R4).
#[tokio::test(start_paused = true)]
async fn the_venues_clock_is_read_before_and_after_each_search_that_proves_something() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::Lose]);
    let handle = engine.submit(&pair("now", "0.1")).await.unwrap();
    handle.wait().await.unwrap();
    let calls = desk.binance.calls();
    let deadline = desk.binance.asked()[0].deadline;
    let after = calls.iter().filter(|(at, _)| at.0 > deadline.0).map(|(_, call)| call);
    let until_sent = after.take_while(|call| !is_place(call));
    let read = until_sent.filter(|call| matches!(call, Call::ServerTime | Call::List));
    let searches = read.collect::<Vec<_>>();
    assert!(searches.len() >= 6, "{searches:?}");
    for search in searches.chunks(3) {
        assert_eq!(search, [&Call::ServerTime, &Call::List, &Call::ServerTime]);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_proven_absent_while_a_listing_is_down() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::Lose]);
    desk.binance.fail("list", QueryError::Unavailable("status 503".into()));
    let handle = engine.submit(&pair("now", "0.1")).await.unwrap();
    pass_ms(15_000).await;
    assert_eq!(handle.status(), BatchStatus::Running);
    assert!(handle.report().unwrap().in_doubt.len() == 1);
    let report = handle.wait().await.unwrap();
    assert_eq!(report.status, BatchStatus::Parked);
    assert_eq!(desk.binance.asked().len(), 1);
    assert!(report.net_delta_range.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_fails_under_way_ends_the_batch_here_and_sends_nothing_further() {
    for error in [
        JournalError::Failed("input/output error".into()),
        JournalError::Fenced { own: 1, current: 2 },
    ] {
        let desk = Desk::new();
        // The admission with the first wave is taken, nothing after it.
        let journal = Refusing::new(desk.disk.open().unwrap(), 1, error.clone());
        let engine = desk.builder_on(journal).start().await.unwrap();
        let handle = engine.submit(&chain("now")).await.unwrap();
        assert_eq!(handle.wait().await.err(), Some(BatchError::Journal(error.clone())));
        pass_ms(120_000).await;
        assert_eq!((desk.binance.count(is_place), desk.bybit.count(is_place)), (1, 0));
        // The engine is done: nothing new, and the batch is not said to have ended.
        let refused = engine.submit(&pair("later", "0.1")).await.err();
        assert_eq!(refused, Some(SubmitError::Journal(error.clone())));
        let again = engine.submit(&chain("now")).await.unwrap();
        assert_eq!(again.wait().await.err(), Some(BatchError::Journal(error.clone())));
        assert!(engine.live().is_empty());
        engine.drain().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_fails_for_one_batch_stops_the_sends_of_every_other() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::Rest]);
    let one = plan("one", vec![resting(leg("long", "binance", Side::Buy, "0.1"))]);
    let one = engine.submit(&one).await.unwrap();
    pass_ms(1_000).await;
    desk.disk.fail_next_write("input/output error");
    let refused = engine.submit(&pair("two", "0.1")).await.err();
    let failed = JournalError::Failed("input/output error".into());
    assert_eq!(refused, Some(SubmitError::Journal(failed.clone())));
    let sent = desk.binance.count(is_place) + desk.bybit.count(is_place);
    one.cancel();
    assert_eq!(one.wait().await.err(), Some(BatchError::Journal(failed)));
    assert_eq!(desk.binance.count(is_place) + desk.bybit.count(is_place), sent);
}

#[tokio::test(start_paused = true)]
async fn after_a_journal_failure_the_next_start_finishes_the_batch() {
    let mut desk = Desk::new();
    let failed = JournalError::Failed("input/output error".into());
    let journal = Refusing::new(desk.disk.open().unwrap(), 1, failed);
    let engine = desk.builder_on(journal).start().await.unwrap();
    let handle = engine.submit(&chain("now")).await.unwrap();
    assert!(handle.wait().await.is_err());
    desk.crash();
    let reports = desk.engine().await.recover().await.unwrap();
    assert_eq!(reports[0].status, BatchStatus::Done);
    assert_eq!(effects(&desk.binance).len() + effects(&desk.bybit).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn credentials_refused_under_way_park_the_batch_with_its_exposure() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::FillUnheard]);
    desk.binance.take_ms(10);
    let handle = engine.submit(&pair("now", "0.1")).await.unwrap();
    let refused = QueryError::Credentials { code: "-2015".into(), message: "invalid key".into() };
    for kind in ["find", "list", "position"] {
        desk.binance.fail(kind, refused.clone());
    }
    let report = handle.wait().await.unwrap();
    assert_eq!(report.status, BatchStatus::Parked);
    assert_eq!(report.in_doubt.len(), 1);
    assert!(desk.binance.count(|call| *call == Call::Find) < 5);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_never_left_is_replaced_without_waiting_for_any_proof() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::NotSent, OnPlace::NotSent, OnPlace::NotSent]);
    let report = engine.submit(&pair("now", "0.1")).await.unwrap().wait().await.unwrap();
    assert_eq!(report.status, BatchStatus::Done);
    let sent = desk.binance.calls().into_iter().filter(|(_, call)| is_place(call));
    let sent_at: Vec<_> = sent.map(|(at, _)| at.since(START)).collect();
    assert_eq!(sent_at, [0; 4]);
    let unsent = |record: &&Record| matches!(record, Record::Unsent { .. });
    assert_eq!(desk.durable(report.key).iter().filter(unsent).count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_second_order_under_the_same_id_is_found_in_the_listing_and_neutralised() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    let handle = engine.submit(&pair("now", "0.1")).await.unwrap();
    pass_ms(500).await;
    desk.binance.add_foreign(desk.binance.orders()[0].request.clone());
    let report = handle.wait().await.unwrap();
    let overfill = |alarm: &equipoise_core::AlarmReport| alarm.alarm == Alarm::Overfill;
    assert!(report.alarms.iter().any(overfill), "{:?}", report.alarms);
    assert_ne!(report.status, BatchStatus::Parked, "{}", report.why);
    assert_eq!(desk.binance.net() + desk.bybit.net(), equipoise_core::Amount::ZERO);
}

/// What was sent is in doubt, and nothing beside it.
fn is_parked_in_doubt(report: &BatchReport) {
    assert_eq!(report.status, BatchStatus::Parked, "{}", report.why);
    assert_eq!(report.legs[0].filled, Qty::ZERO);
    let in_doubt: Vec<_> = report.in_doubt.iter().map(|doubt| doubt.quantity).collect();
    assert_eq!(in_doubt, [super::setup::of("0.1")]);
}

#[tokio::test(start_paused = true)]
async fn an_order_of_other_content_under_our_id_never_counts_although_it_is_listed() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.play([OnPlace::Lose]);
    let handle = engine.submit(&pair("now", "0.1")).await.unwrap();
    pass_ms(500).await;
    let asked = desk.binance.asked()[0].clone();
    desk.binance.add_foreign(OrderRequest { quantity: super::setup::of("0.3"), ..asked });
    is_parked_in_doubt(&handle.wait().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn an_acknowledged_id_that_turns_out_to_be_another_orders_never_counts() {
    let desk = Desk::new();
    let engine = desk.engine().await;
    desk.binance.take_ms(10);
    let handle = engine.submit(&pair("now", "0.1")).await.unwrap();
    desk.binance.fail("find", QueryError::OtherOrder("of other content".into()));
    is_parked_in_doubt(&handle.wait().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_trade_taken_back_of_an_ended_order_is_noticed_while_another_is_looked_for() {
    for [refusing, busting] in [[0, 1], [1, 0]] {
        let desk = Desk::new();
        let exchanges = [&desk.binance, &desk.bybit];
        let engine = desk.engine().await;
        exchanges[refusing].play([OnPlace::Refuse(RefusalKind::Final)]);
        // The entry is taken back while the order that was to unwind it is in doubt.
        exchanges[busting].play([OnPlace::Fill, OnPlace::LoseAndBust]);
        let report = engine.submit(&pair("now", "0.1")).await.unwrap().wait().await.unwrap();
        let busted = |alarm: &equipoise_core::AlarmReport| alarm.alarm == Alarm::Busted;
        assert!(report.alarms.iter().any(busted), "{busting}: {:?}", report.alarms);
        assert_eq!(report.status, BatchStatus::Flat, "{busting}: {}", report.why);
        assert!(exchanges[busting].net().is_zero(), "{busting}: {}", exchanges[busting].net());
    }
}

#[test]
fn no_error_text_holds_more_than_its_words() {
    let error = PlaceError::Unknown("connection reset".into());
    assert_eq!(error.to_string(), "order outcome unknown: connection reset");
    assert_eq!(
        SubmitError::Stopping.to_string(),
        "the engine is stopping and takes no further batches; nothing was sent"
    );
}
