//! What may not be written as an unwind order, what one could lose, and what an attempt costs (K5, R10).
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::common::*;
use equipoise_core::*;

#[test]
fn no_unwind_order_is_written_before_compensation_has_begun() {
    let mut run = Harness::new(pair(ResendClass::A));
    run.send(&["long.e0", "short.e0"]);
    run.fill("long.e0");
    let open = run.snapshot("short.e0", OrderState::Open, "0");
    run.placed("short.e0", open);
    assert_eq!(run.run(run.prepared(&["long.u0"])).records, [""; 0], "the other leg may fill");

    let filled = [("long.e0", "0.1"), ("short.e0", "0.1")];
    let mut run = after_entries(pair(ResendClass::B), &filled);
    let turn = run.run(run.prepared(&["short.u0", "long.u0"]));
    assert_eq!(turn.records, [""; 0], "as planned, and its audits under way");
}

#[test]
fn no_unwind_order_is_written_while_an_entry_is_open_again() {
    let mut run = one_sided();
    let open = run.snapshot("short.e0", OrderState::Open, "0.02");
    let mut open = OrderSnapshot { venue_order: VenueOrderId::new("another").unwrap(), ..open };
    open.fills.push(run.trade("0.02", "65000"));
    run.run(run.looked("short.e0", vec![open]));
    assert_eq!(run.run(run.prepared(&["long.u0"])).records, [""; 0]);
}

#[test]
fn an_unwind_order_that_never_left_costs_no_attempt() {
    let mut spec = pair(ResendClass::A);
    spec.policy.unwind_attempts = 1;
    let mut run = after_entries(spec, &[("long.e0", "0.1"), ("short.e0", "0")]);
    run.send(&["long.u0"]);
    run.run(Event::NotSent { tag: run.tag("long.u0"), why: "unreachable".to_owned() });
    run.later(250);
    run.expect(Event::Wake, &[], &["prepare long.u1"]);
}

#[test]
fn a_position_that_agrees_is_a_new_beginning_though_its_order_filled_nothing() {
    let mut run = one_sided();
    let read = |run: &Harness, name: &str| {
        let mut ready = run.ready(name);
        ready.position = Some(amount("0.04"));
        Event::Prepared(vec![ready])
    };
    for name in ["long.u0", "long.u1"] {
        for _ in 0..2 {
            let event = read(&run, name);
            assert_eq!(run.run(event).records, ["contradicted 0.04"]);
            run.later(500);
        }
        run.send(&[name]);
        run.fill_partly(name, "0");
        run.later(500);
    }
    assert_eq!(run.ending(), None);
}

#[test]
fn a_position_proves_nothing_on_a_shared_account_and_for_spot() {
    let sent = |change: fn(&mut LegSpec)| {
        let mut spec = pair(ResendClass::A);
        change(&mut spec.legs[0]);
        let mut run = after_entries(spec, &[("long.e0", "0.1"), ("short.e0", "0")]);
        let mut ready = run.ready("long.u0");
        ready.position = Some(amount("7"));
        run.run(Event::Prepared(vec![ready])).records
    };
    let plain = ["intent long.u0 sell 0.1 64350 ioc"];
    assert_eq!(sent(|leg| leg.positions = Positions::Shared), plain);
    assert_eq!(sent(|leg| leg.instrument = spot("BTC", "0.001")), plain);
}

/// Why the batch is parked before its long leg is taken back at 64350, if it is.
fn too_lossy(
    instrument: Instrument,
    units: &str,
    limit: &str,
    fee: (&str, &str),
) -> Option<String> {
    let mut long = leg("long", Side::Buy, units);
    long.instrument = instrument;
    let mut spec = batch(vec![long, leg("short", Side::Sell, "0.1")]);
    spec.policy.unwind_loss_max = Some(qty(limit));
    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    let mut filled = run.traded("long.e0", ended(), units);
    filled.fills[0].fee = amount(fee.0);
    filled.fills[0].fee_asset = asset(fee.1);
    run.placed("long.e0", filled);
    run.fill_partly("short.e0", "0");
    let mut ready = run.ready("long.u0");
    ready.book = Some(book("64350", "64350.1"));
    run.run(Event::Prepared(vec![ready]));
    run.ending().map(|(_, why)| why)
}

#[test]
fn what_unwinding_could_lose_counts_fees_whose_price_is_known() {
    let linear = || linear("BTC", "0.001");
    // 650 on a bitcoin, so 65 on a tenth; 0.0001 bitcoin are 6.5 at the reference price.
    for (fee, loss) in
        [(("0.5", "USDT"), "65.5"), (("0.0001", "BTC"), "71.5"), (("9", "BNB"), "65")]
    {
        assert_eq!(too_lossy(linear(), "0.1", loss, fee), None, "{fee:?}");
        let why = format!("unwinding could lose {loss} USDT, allowed are 64.9 USDT");
        assert_eq!(too_lossy(linear(), "0.1", "64.9", fee), Some(why));
    }
}

#[test]
fn what_inverse_contracts_could_lose_is_the_difference_of_reciprocals() {
    // 6500 dollars: a tenth of a bitcoin at 65000, of which 64350 buys 65000 / 64350 times as much.
    let lossy = |limit| too_lossy(inverse("BTC", "1"), "6500", limit, ("0", "BTC"));
    assert_eq!(lossy("65.66"), None);
    assert_eq!(
        lossy("65.65"),
        Some("unwinding could lose 65.65656566 USD, allowed are 65.65 USD".to_owned())
    );
}

#[test]
fn a_loss_beyond_the_limit_is_looked_at_again_while_audits_are_under_way() {
    let mut spec = pair(ResendClass::B);
    spec.policy.unwind_loss_max = Some(qty("1"));
    let run = after_entries(spec, &[("long.e0", "0.1"), ("short.e0", "0")]);
    let mut ready = run.ready("long.u0");
    ready.book = Some(book("64000", "64000.1"));
    let step = run.saga.step(run.now, &Event::Prepared(vec![ready]));
    assert_eq!((step.records.len(), step.commands.len()), (0, 0));
    assert_eq!(step.wake_at, Some(run.now.plus_ms(250)));
}

/// Long 0.1 and short 0.05, and the market fell from 65000 to 60000: taking the excess back at 59400 loses 280, and what
/// is left is matched.
#[test]
fn what_taking_back_an_excess_could_lose_counts_the_excess_only() {
    let lossy = |allowed: &str| {
        let mut spec = pair(ResendClass::A);
        spec.policy.unwind_loss_max = Some(qty(allowed));
        spec.policy.unwind_slippage_bps = 1;
        let mut run = after_entries(spec, &[("long.e0", "0.1"), ("short.e0", "0.05")]);
        let mut ready = run.ready("long.u0");
        ready.book = Some(book("59400", "59400.1"));
        run.run(Event::Prepared(vec![ready]));
        run.ending().map(|(_, why)| why)
    };
    assert_eq!(lossy("280.02"), None);
    assert_eq!(
        lossy("280"),
        Some("unwinding could lose 280.02 USDT, allowed are 280 USDT".to_owned())
    );
}

/// Short 0.1 bitcoin, long 0.05 and long 0.054 ether; all fell from 65000 to 60000. What is matched in bitcoin counts at
/// the reference price, so the loss of the ether stands alone.
#[test]
fn what_a_matched_rest_could_gain_on_one_side_hides_no_loss() {
    let takes_ether_back = |allowed: &str| {
        let mut ether = leg("ether", Side::Buy, "0.054");
        ether.instrument = linear("ETH", "0.001");
        let legs = vec![leg("long", Side::Buy, "0.1"), leg("short", Side::Sell, "0.1"), ether];
        let mut spec = batch(legs);
        spec.policy.unwind_loss_max = Some(qty(allowed));
        let mut run = Harness::new(spec);
        run.send(&["long.e0", "short.e0", "ether.e0"]);
        run.fill_partly("long.e0", "0.05");
        run.fill("short.e0");
        run.fill("ether.e0");
        let mut ready = run.ready("ether.u0");
        ready.book = Some(book("60000", "60000.1"));
        !run.run(Event::Prepared(vec![ready])).records.is_empty()
    };
    // 0.054 bought at 65000 and sold at 60000 are 270, beside fees of 0.03.
    assert_eq!(["270.03", "270.02"].map(takes_ether_back), [true, false]);
}

/// Bitcoin and ether are held, and their hedge was refused. The bitcoin may lose 560.59 at the limit of the order that
/// takes it back, the ether 10 at the touch.
#[test]
fn what_another_underlyings_order_under_way_may_lose_counts_too() {
    let takes_ether_back = |allowed: &str| {
        let mut ether = leg("ether", Side::Buy, "1");
        ether.instrument = linear("ETH", "0.01");
        let legs = vec![leg("long", Side::Buy, "0.1"), ether, leg("short", Side::Sell, "0.1")];
        let mut spec = batch(legs);
        spec.policy.unwind_loss_max = Some(qty(allowed));
        spec.policy.unwind_slippage_bps = 1;
        let mut run = Harness::new(spec);
        run.send(&["long.e0", "ether.e0", "short.e0"]);
        run.fill("long.e0");
        run.fill("ether.e0");
        run.refuse("short.e0", RefusalKind::Final);
        for (name, bid, ask) in [("long.u0", "59400", "59400.1"), ("ether.u0", "64990", "64990.1")]
        {
            let mut ready = run.ready(name);
            ready.book = Some(book(bid, ask));
            run.run(Event::Prepared(vec![ready]));
        }
        run.saga.order(run.tag("long.u0")).is_some()
            && run.saga.order(run.tag("ether.u0")).is_some()
    };
    // Fees of 0.02 were paid.
    assert_eq!(["570.61", "570.6"].map(takes_ether_back), [true, false]);
}

#[test]
fn a_limit_between_the_books_own_finer_ticks_still_reaches_the_touch() {
    let mut spec = pair(ResendClass::A);
    spec.legs[0].instrument.tick = price("500");
    let mut run = after_entries(spec, &[("long.e0", "0.1"), ("short.e0", "0")]);
    let mut ready = run.ready("long.u0");
    ready.book = Some(book("200", "300"));
    run.run(Event::Prepared(vec![ready]));
    let Some(OrderKind::Limit { price: limit, .. }) = Some(run.request("long.u0").kind) else {
        panic!("a limit")
    };
    assert_eq!(limit, price("200"));
}

#[test]
fn a_contradiction_that_was_told_often_enough_is_read_again_after_its_pause() {
    let mut run = after_entries(pair(ResendClass::B), &[("long.e0", "0.1"), ("short.e0", "0")]);
    let read = |run: &Harness| {
        let mut ready = run.ready("long.u0");
        ready.position = Some(amount("0.2"));
        Event::Prepared(vec![ready])
    };
    for _ in 0..3 {
        assert_eq!(run.run(read(&run)).records, ["contradicted 0.2"]);
        run.later(500);
    }
    let step = run.saga.step(run.now, &read(&run));
    assert_eq!((step.records.len(), step.wake_at), (0, Some(run.now.plus_ms(500))));
}

#[test]
fn class_a_remembers_an_id_until_its_horizon_and_not_at_it() {
    let mut spec = pair(ResendClass::A);
    spec.legs[0].traits.id_horizon_ms = 2_000;
    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    run.doubt("long.e0");
    run.at(1_999);
    let again = [ASK[0], "prepare long.e0"];
    run.expect(run.looked("long.e0", vec![]), &["not found long.e0"], &again);
    run.at(2_000);
    run.expect(Event::Wake, &[], ASK);
}
