//! The account of a batch: what a user reads while it runs, and when it is over.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::common::*;
use equipoise_core::*;

fn statuses(run: &Harness) -> Vec<&'static str> {
    run.saga.report(run.now).legs.iter().map(|leg| leg.status.as_str()).collect()
}

#[test]
fn leg_statuses_follow_the_orders() {
    let mut run = Harness::new(pair(ResendClass::B));
    assert_eq!(statuses(&run), ["waiting", "waiting"]);
    run.send(&["long.e0", "short.e0"]);
    assert_eq!(statuses(&run), ["sent", "sent"]);
    run.doubt("long.e0");
    let open = run.snapshot("short.e0", OrderState::Open, "0");
    run.placed("short.e0", open);
    assert_eq!(statuses(&run), ["in_doubt", "working"]);
    run.fill("long.e0");
    run.fill_partly("short.e0", "0");
    assert_eq!(statuses(&run), ["filled", "cancelled"]);
    run.send(&["long.u0"]);
    run.fill("long.u0");
    run.audit();
    assert_eq!(statuses(&run), ["unwound", "cancelled"]);

    let mut run = Harness::new(park(pair(ResendClass::A)));
    run.send(&["long.e0", "short.e0"]);
    run.fill("long.e0");
    run.refuse("short.e0", RefusalKind::Final);
    run.audit();
    assert_eq!(statuses(&run), ["parked", "rejected"]);
}

#[test]
fn exposure_ends_when_the_fills_are_level_however_long_the_audit_takes() {
    let mut run = Harness::new(pair(ResendClass::B));
    run.send(&["long.e0", "short.e0"]);
    run.fill("long.e0");
    run.later(70);
    run.fill("short.e0");
    run.audit();
    let report = run.saga.report(run.now);
    assert_eq!((report.status, report.exposure_ms), (BatchStatus::Done, 70));
}

#[test]
fn the_venues_word_for_why_an_order_ended_short_is_the_legs_reason() {
    let mut run = Harness::new(park(pair(ResendClass::A)));
    run.send(&["long.e0", "short.e0"]);
    let mut short = run.traded("long.e0", cancelled(), "0.04");
    short.state = OrderState::Ended(OrderEnd::Cancelled { reason: "no depth".to_owned() });
    run.placed("long.e0", short);
    run.fill("short.e0");
    let reasons: Vec<_> =
        run.saga.report(run.now).legs.iter().map(|leg| leg.reason.clone()).collect();
    assert_eq!(reasons, [Some("no depth".to_owned()), None]);
}

#[test]
fn a_finished_batch_reports_everything() {
    let mut spec = pair(ResendClass::A);
    spec.listing = vec![1, 0];
    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    let mut long = run.snapshot("long.e0", ended(), "0.1");
    long.fills = vec![run.trade("0.04", "65000"), run.trade("0.06", "65010")];
    long.fills[1].fee = amount("-0.002");
    long.fills[1].fee_asset = asset("BNB");
    run.later(100);
    run.placed("long.e0", long);
    run.later(50);
    run.fill("short.e0");
    let report = run.saga.report(run.now.plus_ms(10_000));
    assert_eq!(report.key, run.saga.key());
    assert_eq!(report.status, BatchStatus::Done);
    assert_eq!(report.why, "every leg filled as planned");
    assert!(!report.duplicate);
    assert_eq!(report.admitted_at, UnixMillis(START));
    assert_eq!(report.ended_at, Some(UnixMillis(START + 150)));
    assert_eq!(report.exposure_ms, 50, "from the first fill to the one that levels it");
    assert_eq!(report.net_delta[&asset("BTC")], Amount::ZERO);
    assert_eq!(report.net_delta_range, None);
    assert!(report.in_doubt.is_empty() && report.alarms.is_empty());

    let names: Vec<_> = report.legs.iter().map(|leg| leg.name.as_str()).collect();
    assert_eq!(names, ["short", "long"], "in the plan's own order");
    let long = &report.legs[1];
    assert_eq!((long.planned, long.filled), (qty("0.1"), qty("0.1")));
    assert_eq!(long.holding, amount("0.1"));
    assert_eq!(long.average_price, Some(price("65006")));
    assert_eq!(long.fees[&asset("USDT")], amount("0.01"));
    assert_eq!(long.fees[&asset("BNB")], amount("-0.002"), "a rebate in a third asset");
    assert_eq!(long.client_order_ids, [run.request("long.e0").client_id]);
    assert_eq!(long.unit, "BTC");
    assert_eq!(long.reason, None);
}

#[test]
fn every_order_ever_sent_for_a_leg_is_listed_entries_first() {
    let mut run = Harness::new(pair(ResendClass::A));
    run.send(&["long.e0", "short.e0"]);
    run.refuse("long.e0", RefusalKind::Transient);
    run.later(200);
    run.send(&["long.e1"]);
    run.fill("long.e1");
    run.refuse("short.e0", RefusalKind::Final);
    run.send(&["long.u0"]);
    run.fill("long.u0");
    let report = run.saga.report(run.now);
    let ids: Vec<_> =
        ["long.e0", "long.e1", "long.u0"].iter().map(|name| run.request(name).client_id).collect();
    assert_eq!(report.legs[0].client_order_ids, ids);
    assert_eq!(report.legs[0].holding, Amount::ZERO);
    assert_eq!(report.legs[0].filled, qty("0.1"), "what the entries filled");
    assert_eq!(report.legs[1].reason.as_deref(), Some("-2019: Margin is insufficient."));
}

#[test]
fn exposure_goes_on_while_a_batch_is_parked_with_one() {
    let mut run = Harness::new(park(pair(ResendClass::A)));
    run.send(&["long.e0", "short.e0"]);
    run.fill("long.e0");
    run.refuse("short.e0", RefusalKind::Final);
    run.audit();
    let later = run.now.plus_ms(5_000);
    let report = run.saga.report(later);
    assert_eq!(
        (report.status, report.exposure_ms),
        (BatchStatus::Parked, later.since(UnixMillis(START)))
    );
}

#[test]
fn a_difference_within_one_lot_of_the_plan_is_no_exposure() {
    let mut spec = pair(ResendClass::A);
    spec.legs[1].quantity = LegQuantity::Fixed(qty("0.099"));
    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    run.fill("long.e0");
    run.later(70);
    run.fill("short.e0");
    assert_eq!(run.ending().unwrap().0, Ending::Done);
    assert_eq!(run.saga.report(run.now.plus_ms(9_000)).exposure_ms, 70);
    assert_eq!(run.net(), "0.001", "as planned");
}

#[test]
fn open_orders_count_as_filled_in_the_range() {
    let mut run = Harness::new(pair(ResendClass::A));
    run.send(&["long.e0", "short.e0"]);
    let part = run.traded("long.e0", OrderState::Open, "0.04");
    run.placed("long.e0", part);
    let report = run.saga.report(run.now);
    assert_eq!(report.net_delta[&asset("BTC")], amount("0.04"));
    let range = report.net_delta_range.unwrap();
    assert_eq!(range[&asset("BTC")], (amount("-0.06"), amount("0.1")));
    let doubts: Vec<_> = report
        .in_doubt
        .iter()
        .map(|doubt| (doubt.leg.as_str(), doubt.side, doubt.quantity.to_string()))
        .collect();
    assert_eq!(
        doubts,
        [("long", Side::Buy, "0.06".to_owned()), ("short", Side::Sell, "0.1".to_owned())]
    );
}

#[test]
fn what_a_plan_wants_to_hold_is_no_exposure() {
    let mut run = Harness::new(batch(vec![class(leg("long", Side::Buy, "0.1"), ResendClass::B)]));
    run.send(&["long.e0"]);
    let part = run.traded("long.e0", OrderState::Open, "0.04");
    run.placed("long.e0", part.clone());
    run.later(70);
    let mut whole = run.traded("long.e0", ended(), "0.06");
    whole.executed = qty("0.1");
    whole.fills.extend(part.fills);
    run.run(run.looked("long.e0", vec![whole]));
    run.later(9_000);
    let report = run.saga.report(run.now);
    assert_eq!((report.status, report.exposure_ms), (BatchStatus::Running, 70));
}

#[test]
fn the_range_counts_an_open_order_in_its_own_underlying() {
    let mut spec = pair(ResendClass::A);
    spec.legs[1].instrument = linear("ETH", "0.01");
    spec.references = references(&spec.legs, "3200");
    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    let range = run.saga.report(run.now).net_delta_range.unwrap();
    assert_eq!(range[&asset("BTC")], (amount("0"), amount("0.1")));
    assert_eq!(range[&asset("ETH")], (amount("-0.1"), amount("-0.1")));
}

#[test]
fn every_way_not_to_be_filled_has_its_status_and_reason() {
    let told = |run: &Harness| {
        let leg = run.saga.report(run.now).legs.remove(0);
        (leg.status.as_str(), leg.reason.unwrap_or_default())
    };
    let mut run = in_doubt(ResendClass::B);
    for at in [3_001, 4_001] {
        run.at(at);
        run.run(run.looked("long.e0", vec![]));
    }
    assert_eq!(told(&run), ("cancelled", "never reached the venue".to_owned()));

    let mut run = Harness::new(pair(ResendClass::A));
    run.send(&["long.e0", "short.e0"]);
    let tag = run.tag("long.e0");
    run.run(Event::NotSent { tag, why: "connection refused".to_owned() });
    assert_eq!(told(&run), ("cancelled", "could not be sent".to_owned()));

    let mut run = in_doubt(ResendClass::B);
    run.run(Event::Unanswerable { tag, why: "credentials revoked".to_owned() });
    assert_eq!(told(&run), ("in_doubt", "credentials revoked".to_owned()));

    let mut run = Harness::new(pair(ResendClass::A));
    run.send(&["long.e0", "short.e0"]);
    let state = OrderState::Ended(OrderEnd::Rejected { reason: "EC_SelfMatch".to_owned() });
    let rejected = run.snapshot("long.e0", state, "0");
    run.placed("long.e0", rejected);
    assert_eq!(told(&run), ("rejected", "EC_SelfMatch".to_owned()));
}

#[test]
fn an_order_cancelled_after_it_was_filled_needs_no_reason() {
    let mut run = Harness::new(pair(ResendClass::A));
    run.send(&["long.e0", "short.e0"]);
    let state = OrderState::Ended(OrderEnd::Cancelled { reason: "too late".to_owned() });
    let whole = run.traded("long.e0", state, "0.1");
    run.placed("long.e0", whole);
    let leg = run.saga.report(run.now).legs.remove(0);
    assert_eq!((leg.status, leg.reason), (LegStatus::Filled, None));
}

#[test]
fn admission_intents_transmissions_stop_and_end_wait_for_the_disk_and_facts_do_not() {
    let mut run = in_doubt(ResendClass::A);
    run.run(run.looked("long.e0", vec![]));
    run.run(run.prepared(&["long.e0"]));
    run.run(Event::Stop);
    run.fill_partly("long.e0", "0");
    run.send(&["short.u0"]);
    run.fill("short.u0");
    // Two transmissions and nothing executed: it is looked once more whether the other one was.
    run.audit();
    let gating: Vec<_> = run
        .records
        .iter()
        .filter(|record| record.gates())
        .map(|record| show_record(run.saga.spec(), record))
        .collect();
    assert_eq!(
        gating,
        [
            "admitted",
            "intent long.e0 buy 0.1 market",
            "intent short.e0 sell 0.1 market",
            "transmission long.e0",
            "stopped",
            "unwind started",
            "intent short.u0 buy 0.1 65650.1 ioc reduce-only",
            "ended flat",
        ]
    );
}

/// Why the batch ended and why each leg came to what it came to.
fn why(run: &Harness) -> (String, Vec<Option<String>>) {
    let report = run.saga.report(run.now);
    (report.why, report.legs.into_iter().map(|leg| leg.reason).collect())
}

fn resting_bid() -> BatchSpec {
    batch(vec![limit(leg("bid", Side::Buy, "0.1"), "64000", TimeInForce::Gtc)])
}

#[test]
fn a_leg_that_timed_out_and_the_batch_it_ended_say_so() {
    let mut run = Harness::new(resting_bid());
    run.send(&["bid.e0"]);
    let open = run.snapshot("bid.e0", OrderState::Open, "0");
    run.placed("bid.e0", open);
    run.at(10_000);
    run.wake();
    run.fill_partly("bid.e0", "0");
    run.audit();
    let ended = "nothing was executed: leg 'bid' timed out after 10000 ms".to_owned();
    assert_eq!(why(&run), (ended, vec![Some("timed out after 10000 ms".to_owned())]));
}

#[test]
fn what_was_stopped_on_request_says_so_and_an_earlier_timeout_stays_the_reason() {
    let mut run = Harness::new(resting_bid());
    run.send(&["bid.e0"]);
    let open = run.snapshot("bid.e0", OrderState::Open, "0");
    run.placed("bid.e0", open);
    run.later(500);
    run.run(Event::Stop);
    run.fill_partly("bid.e0", "0");
    run.audit();
    let ended = "nothing was executed: stopped on request".to_owned();
    assert_eq!(why(&run), (ended, vec![Some("stopped on request".to_owned())]));
}

#[test]
fn a_stop_is_not_blamed_for_what_was_over_before_it() {
    let stop = |run: &mut Harness| {
        run.later(1);
        run.run(Event::Stop);
    };
    let mut refused = Harness::new(resting_bid());
    refused.send(&["bid.e0"]);
    refused.refuse("bid.e0", RefusalKind::Final);
    stop(&mut refused);
    refused.audit();
    let told = Some("-2019: Margin is insufficient.".to_owned());
    assert_eq!(why(&refused), ("nothing was executed".to_owned(), vec![told]));

    // The other leg's order is cancelled because of the refusal, and the third is not sent because of it.
    let mut spec = batch(vec![
        leg("first", Side::Buy, "0.1"),
        limit(leg("rests", Side::Buy, "0.1"), "64000", TimeInForce::Gtc),
        after(leg("waits", Side::Sell, "0.1"), &[1]),
    ]);
    spec.policy.on_residual = Residual::Park;
    let mut hopeless = Harness::new(spec);
    hopeless.send(&["first.e0", "rests.e0"]);
    let open = hopeless.snapshot("rests.e0", OrderState::Open, "0");
    hopeless.placed("rests.e0", open);
    hopeless.refuse("first.e0", RefusalKind::Final);
    stop(&mut hopeless);
    hopeless.fill_partly("rests.e0", "0");
    hopeless.audit();
    let (ended, legs) = why(&hopeless);
    let said = [ended].into_iter().chain(legs.into_iter().flatten()).collect::<Vec<_>>().join("; ");
    assert!(!said.contains("stopped"), "{said}");

    // The timeout came first; the cancel it led to was slow.
    let mut late = Harness::new(resting_bid());
    late.send(&["bid.e0"]);
    let open = late.snapshot("bid.e0", OrderState::Open, "0");
    late.placed("bid.e0", open);
    late.at(10_000);
    late.wake();
    stop(&mut late);
    late.fill_partly("bid.e0", "0");
    late.audit();
    let timed_out = "timed out after 10000 ms";
    let ended = format!("nothing was executed: leg 'bid' {timed_out}");
    assert_eq!(why(&late), (ended, vec![Some(timed_out.to_owned())]));
}

#[test]
fn a_stop_that_keeps_a_leg_from_its_next_attempt_is_the_reason() {
    let mut run = Harness::new(resting_bid());
    run.send(&["bid.e0"]);
    run.refuse("bid.e0", RefusalKind::Transient);
    run.later(1);
    run.run(Event::Stop);
    run.audit();
    assert_eq!(why(&run).0, "nothing was executed: stopped on request");
}

#[test]
fn a_leg_that_was_never_sent_says_what_it_waited_for() {
    let followed = |follower: fn(LegSpec) -> LegSpec| {
        let spot = leg("long", Side::Buy, "0.1");
        let mut run = Harness::new(batch(vec![spot, follower(leg("short", Side::Sell, "0.1"))]));
        run.send(&["long.e0"]);
        run.refuse("long.e0", RefusalKind::Final);
        run.audit();
        why(&run).1[1].clone().unwrap()
    };
    assert_eq!(followed(|leg| of(leg, 0, "1")), "not sent: 'long' filled nothing");
    assert_eq!(followed(|leg| after(leg, &[0])), "not sent: 'long' filled 0 of 0.1 BTC");

    let mut run = Harness::new(chain(ResendClass::A));
    run.run(Event::Stop);
    let (ended, legs) = why(&run);
    assert_eq!(ended, "nothing was executed: stopped on request");
    assert_eq!(legs[0].as_deref(), Some("not sent: stopped on request"));
}

#[test]
fn an_order_found_open_after_the_end_is_named_for_a_person_to_cancel() {
    let mut run = Harness::new(resting_bid());
    run.send(&["bid.e0"]);
    let part = run.traded("bid.e0", OrderState::Open, "0.04");
    run.placed("bid.e0", part.clone());
    // Asked for its end and no answer, until it is given up.
    run.at(400_000);
    run.wake();
    assert_eq!(run.saga.status(), BatchStatus::Parked);
    let before = run.saga.report(run.now);
    assert!(!before.in_doubt[0].found_open, "its cancel may have arrived");
    assert_eq!(before.in_doubt[0].last_seen, Some(UnixMillis(START)));
    let last_seen = &before.in_doubt[0].open_orders;
    assert_eq!((last_seen.len(), &last_seen[0]), (1, &part.venue_order));

    let (found, found_at) = (run.looked("bid.e0", vec![part.clone()]), run.now);
    let records = run.saga.step(run.now, &found).records;
    assert!(matches!(records[..], [Record::Observed { .. }]), "{records:?}");
    run.saga.apply(&records[0]).unwrap();
    assert_eq!(run.saga.step(run.now, &found).records, [], "what was said once");
    // A day later the venue shows it no more, which says nothing: the account is of then, not of now.
    run.later(86_400_000);
    let gone = run.looked("bid.e0", vec![]);
    assert_eq!(run.saga.step(run.now, &gone).records, []);
    let after = run.saga.report(run.now);
    let [open] = &after.in_doubt[..] else { panic!("{after:?}") };
    assert_eq!((open.found_open, &open.open_orders), (true, &vec![part.venue_order]));
    assert_eq!(open.last_seen, Some(found_at));
    assert_eq!((open.quantity, open.venue.as_str()), (qty("0.06"), "at-bid"));
    assert_eq!(after.why, "an order was found open at its venue after the batch had ended");
    assert_eq!(after.legs[0].reason.as_deref(), Some("open at the venue when last seen"));
    assert_eq!(after.legs[0].status, LegStatus::InDoubt);
    assert_eq!(after.status, BatchStatus::Parked);
}
