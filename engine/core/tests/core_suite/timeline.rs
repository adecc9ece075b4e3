//! The time line of a batch: every record in words a person reads.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::common::*;
use equipoise_core::*;

/// A long leg, and a short one at an inverse instrument that follows it.
fn spec() -> BatchSpec {
    let mut short = of(leg("short", Side::Sell, "0"), 0, "0.5");
    short.instrument = inverse("BTC", "100");
    BatchSpec { listing: vec![1, 0], ..batch(vec![leg("long", Side::Buy, "0.1"), short]) }
}

fn tag(leg: u8, role: Role, attempt: u16) -> OrderTag {
    OrderTag { leg, role, attempt }
}

const AT: UnixMillis = UnixMillis(START + 5);
const LONG: OrderTag = OrderTag { leg: 0, role: Role::Entry, attempt: 0 };

fn observed(tag: OrderTag, state: OrderState) -> Record {
    let venue_order = VenueOrderId::new("v1").unwrap();
    Record::Observed { tag, venue_order, state, executed: qty("0.04"), at: AT }
}

fn fill() -> Fill {
    Fill {
        trade: TradeId::new("t1").unwrap(),
        price: price("65000.5"),
        quantity: qty("0.04"),
        fee: amount("-0.01"),
        fee_asset: asset("BNB"),
        at: VenueMillis(START),
    }
}

fn request(kind: OrderKind, reduce_only: bool) -> OrderRequest {
    OrderRequest {
        client_id: ClientOrderId::new("id-1").unwrap(),
        symbol: Symbol::new("BTCUSDT").unwrap(),
        side: Side::Sell,
        kind,
        quantity: qty("0.1"),
        reduce_only,
        position_side: PositionSide::Net,
        deadline: VenueMillis(START + 2_000),
        window_ms: 2_000,
    }
}

/// Event and details of one record.
fn told(record: &Record) -> (String, String) {
    let moment = Moment::of(&spec(), record);
    (moment.event.to_owned(), moment.details)
}

#[track_caller]
fn assert_told(record: Record, event: &str, details: &str) {
    assert_eq!(told(&record), (event.to_owned(), details.to_owned()));
}

#[test]
fn an_admission_lists_the_legs_in_the_plans_own_order() {
    assert_told(
        Record::Admitted(Box::new(spec())),
        "admitted",
        "short sell 0.5 × long BTCUSD_PERP at at-short; long buy 0.1 BTC BTCUSDT at at-long",
    );
}

#[test]
fn an_intent_shows_the_whole_order() {
    let intent = |tag, request| Record::Intent {
        tag,
        request,
        clock: ClockOffset { offset_ms: OFFSET_MS },
        at: AT,
    };
    assert_told(
        intent(LONG, request(OrderKind::Market, false)),
        "intent",
        "sell 0.1 BTC at market, id id-1",
    );
    let limit = OrderKind::Limit { price: price("64350"), time_in_force: TimeInForce::Ioc };
    assert_told(
        intent(tag(1, Role::Unwind, 0), request(limit, true)),
        "intent",
        "unwind 1: sell 0.1 contracts at 64350 ioc, reduce only, id id-1",
    );
}

#[test]
fn an_order_is_named_unless_it_is_the_legs_first_entry() {
    for (tag, named) in [
        (LONG, ""),
        (tag(0, Role::Entry, 1), "attempt 2"),
        (tag(0, Role::Unwind, 0), "unwind 1"),
        (tag(0, Role::Unwind, 2), "unwind 3"),
    ] {
        assert_told(Record::Sent { tag, at: AT }, "sent", named);
        let doubted = told(&Record::Doubted { tag, why: "timeout".to_owned(), at: AT }).1;
        let named = if named.is_empty() { named.to_owned() } else { format!("{named}: ") };
        assert_eq!(doubted, format!("{named}timeout"));
    }
}

#[test]
fn what_the_venue_said_is_told_in_its_own_words() {
    let why = || "too late".to_owned();
    let cases = [
        (observed(LONG, OrderState::Open), "acknowledged", "order v1, executed 0.04 BTC"),
        (observed(LONG, ended()), "complete", "order v1, executed 0.04 BTC"),
        (
            observed(LONG, OrderState::Ended(OrderEnd::Cancelled { reason: why() })),
            "cancelled",
            "order v1, executed 0.04 BTC, too late",
        ),
        (
            observed(LONG, OrderState::Ended(OrderEnd::Rejected { reason: why() })),
            "rejected",
            "order v1, executed 0.04 BTC, too late",
        ),
        (
            Record::Refused { tag: LONG, refusal: refusal(RefusalKind::Final), at: AT },
            "refused",
            "-2019: Margin is insufficient.",
        ),
        (Record::Unsent { tag: LONG, why: why(), at: AT }, "unsent", "too late"),
        (Record::Unresolved { tag: LONG, why: why(), at: AT }, "unresolved", "too late"),
    ];
    for (record, event, details) in cases {
        assert_told(record, event, details);
    }
}

#[test]
fn a_trade_is_told_with_price_fee_and_id_whether_it_stands_or_was_taken_back() {
    let (venue_order, details) =
        (VenueOrderId::new("v1").unwrap(), "0.04 BTC at 65000.5 USDT, fee -0.01 BNB, trade t1");
    let filled =
        Record::Filled { tag: LONG, venue_order: venue_order.clone(), fill: fill(), at: AT };
    assert_told(filled, "filled", details);
    assert_told(Record::Busted { tag: LONG, venue_order, fill: fill(), at: AT }, "busted", details);
}

#[test]
fn every_other_record_has_its_word() {
    let venue_time = VenueMillis(START);
    let cases = [
        (
            Record::Transmission { tag: LONG, deadline: venue_time, at: AT },
            "transmission",
            "the same order once more",
        ),
        (Record::Audited { tag: LONG, at: AT }, "audited", "no further order under this id"),
        (Record::NotFound { tag: LONG, venue_time, at: AT }, "not_found", "a complete search"),
        (Record::Absent { tag: LONG, at: AT }, "absent", "proven to have no effect"),
        (Record::Stopped { at: AT }, "stopped", "on request: no new risk from here on"),
        (Record::UnwindStarted { at: AT }, "unwind_started", "taking back what was received"),
        (
            Record::Contradicted { leg: 1, position: amount("-7"), at: AT },
            "contradicted",
            "the account's position is -7 contracts",
        ),
    ];
    for (record, event, details) in cases {
        assert_told(record, event, details);
    }
}

#[test]
fn endings_and_alarms_have_words_for_reports_and_for_people() {
    for (ending, word) in
        [(Ending::Done, "done"), (Ending::Flat, "flat"), (Ending::Parked, "parked")]
    {
        assert_told(Record::Ended { ending, why: "so it is".to_owned(), at: AT }, word, "so it is");
    }
    for (alarm, word, text) in [
        (Alarm::Overfill, "overfill", "the venue executed more than was asked for"),
        (Alarm::LateFill, "late_fill", "a fill arrived after its order had been closed"),
        (Alarm::Busted, "busted", "the venue took a trade back"),
        (Alarm::Drift, "drift", "the account's position contradicts the batch's own fills"),
    ] {
        assert_eq!(alarm.as_str(), word);
        assert_told(Record::Alarmed { alarm, tag: LONG, at: AT }, "alarm", text);
    }
}

#[test]
fn a_moment_carries_its_time_and_the_leg_it_happened_at() {
    let at = |record: &Record| {
        let moment = Moment::of(&spec(), record);
        assert_eq!(moment.at, AT);
        moment.leg.map(|(leg, venue)| format!("{leg} {venue}"))
    };
    assert_eq!(at(&Record::Sent { tag: LONG, at: AT }).unwrap(), "long at-long");
    let contradicted = Record::Contradicted { leg: 1, position: amount("1"), at: AT };
    assert_eq!(at(&contradicted).unwrap(), "short at-short");
    assert_eq!(at(&Record::Stopped { at: AT }), None);
}

#[test]
fn the_first_sight_of_an_order_is_its_acknowledgement_whatever_state_it_is_in_by_then() {
    let second = tag(0, Role::Entry, 1);
    let records = [
        Record::Admitted(Box::new(spec())),
        observed(LONG, ended()),
        observed(LONG, ended()),
        observed(second, OrderState::Open),
        observed(second, ended()),
    ];
    let told: Vec<_> =
        timeline(&records).into_iter().map(|moment| (moment.event, moment.details)).collect();
    let order = "order v1, executed 0.04 BTC";
    assert_eq!(
        told[1..],
        [
            ("acknowledged", format!("complete, {order}")),
            ("complete", order.to_owned()),
            ("acknowledged", format!("attempt 2: {order}")),
            ("complete", format!("attempt 2: {order}")),
        ]
    );
    assert_eq!(timeline(&records[1..]), [], "no batch without its admission");
}

#[test]
fn a_time_line_says_what_timed_out_and_what_was_never_sent() {
    let bid = limit(leg("bid", Side::Buy, "0.1"), "64000", TimeInForce::Gtc);
    let mut run = Harness::new(batch(vec![bid, of(leg("short", Side::Sell, "0.1"), 0, "1")]));
    run.send(&["bid.e0"]);
    let open = run.snapshot("bid.e0", OrderState::Open, "0");
    run.placed("bid.e0", open);
    run.at(10_000);
    run.wake();
    run.fill_partly("bid.e0", "0");
    run.audit();
    let moments = timeline(&run.records);
    let told = |event: &str| {
        let moment = moments.iter().find(|moment| moment.event == event).unwrap();
        let leg = moment.leg.as_ref().map(|(leg, _)| leg.as_str()).unwrap_or_default();
        (leg.to_owned(), moment.details.clone())
    };
    let cancelled = told("cancelled");
    assert!(cancelled.1.ends_with(", timed out after 10000 ms"), "{cancelled:?}");
    assert_eq!(told("not_sent"), ("short".to_owned(), "'bid' filled nothing".to_owned()));
    assert_eq!(moments.last().unwrap().event, "flat");
}
