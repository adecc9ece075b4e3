//! What must hold once a batch is over: what is held is what is reported, and every trade is in the journal.

use std::collections::BTreeMap;

use equipoise_core::{Amount, BatchReport, BatchStatus, Record, Residual, UnixMillis};

use super::holdings::Holdings;
use super::range::Attempts;
use super::{Violation, entered, planned, require};
use crate::exchange::{Exchange, venue_order};
use crate::owner::Kept;
use crate::spec::side;
use crate::terms::{asset, decimal, parts_of};
use crate::world::{World, is_entry};

/// S2 and S4.
pub(super) fn ends_as_reported(world: &World) -> Result<(), Violation> {
    let held = Holdings::of_books(world);
    let Some(saga) = world.journal.replayed() else {
        let untouched = world.venues.iter().all(|venue| venue.orders.is_empty());
        return require(untouched, "what was never admitted was never sent", || {
            format!("{} is held", held.shown())
        });
    };
    let report = saga.report(world.now);
    match report.status {
        BatchStatus::Done => is_as_planned(world, &held)?,
        BatchStatus::Flat => {
            for underlying in held.underlyings() {
                require(held.is_flat(underlying), "flat holds dust at most (S2)", || {
                    format!("{underlying}: {}", held.shown())
                })?;
            }
        }
        BatchStatus::Parked if report.net_delta_range.is_none() => {
            let reason = saga.spec().policy.on_residual == Residual::Park
                || is_used_up(world)
                || is_contradicted(world);
            require(reason, "nothing is left to a person that could be taken back (R10)", || {
                held.shown()
            })?;
        }
        BatchStatus::Parked | BatchStatus::Running => {}
    }
    is_reported(world, &report)
}

/// That a report says of holdings, net deltas and orders in doubt what is true, and of each trade that it is known once.
pub(crate) fn is_reported(world: &World, report: &BatchReport) -> Result<(), Violation> {
    let (held, attempts) = (Holdings::of_books(world), Attempts::of_records(world));
    attempts.are_reported(report)?;
    is_reported_exactly(report, &held, &attempts)?;
    if !is_excused(world) {
        is_within_its_range(report, &held)?;
    }
    every_trade_once(world, &attempts)
}

/// Whether the time or the orders of a leg for taking back are used up, by the records (R10).
pub(crate) fn is_used_up(world: &World) -> bool {
    let (mut begun, mut ended) = (None::<UnixMillis>, None::<UnixMillis>);
    let mut unwinds: BTreeMap<u8, u16> = BTreeMap::new();
    for record in world.journal.records() {
        match record {
            Record::UnwindStarted { at } => begun = Some(*at),
            Record::Ended { at, .. } => ended = Some(*at),
            Record::Intent { tag, .. } if !is_entry(*tag) => {
                *unwinds.entry(tag.leg).or_default() += 1;
            }
            _ => {}
        }
    }
    world.journal.replayed().is_some_and(|saga| {
        let policy = &saga.spec().policy;
        let taken = begun.zip(ended).map(|(begun, ended)| ended.since(begun));
        taken.is_some_and(|taken| taken >= policy.unwind_ms_max)
            || unwinds.values().any(|orders| *orders >= policy.unwind_attempts)
    })
}

/// An account that seems to hold something else than its batch was left alone (K5).
fn is_contradicted(world: &World) -> bool {
    let contradicts = |record: &Record| matches!(record, Record::Contradicted { .. });
    world.journal.records().iter().any(contradicts)
}

/// Parked with an order unresolved whose request the network repeated: its venue may have executed it twice, and no
/// range can know.
pub(crate) fn is_excused(world: &World) -> bool {
    world.duplicated
}

/// Every leg filled what it was to, and each underlying is within one lot of the plan.
fn is_as_planned(world: &World, held: &Holdings) -> Result<(), Violation> {
    let claim = "done is as planned (S2)";
    let followed =
        |leg: usize| (0..world.venues.len()).any(|other| world.setting.source(other) == Some(leg));
    for leg in 0..world.venues.len() {
        let (filled, planned) = (entered(world, leg, |_| true), planned(world, leg));
        // A leg that others follow may end short: they matched it.
        let full = filled == planned || (followed(leg) && (1..planned).contains(&filled));
        let kept = held.of(leg) == world.venues[leg].terms.received(side(leg), filled);
        require(full && kept, claim, || {
            format!("leg {leg} filled {filled} of {planned} lots: {}", held.shown())
        })?;
    }
    let plan = Holdings::as_planned(world);
    // Fees that came out of another asset than expected, of legs that none matches: the difference is theirs exactly.
    let beside = held.moved(|leg| {
        let (terms, filled) = (world.venues[leg].terms, entered(world, leg, |_| true));
        let more = terms.received(side(leg), filled) - terms.expected(side(leg), filled);
        if followed(leg) { -held.of(leg) } else { more - held.of(leg) }
    });
    for underlying in held.underlyings() {
        let off = held.net(underlying) - plan.net(underlying);
        let near = |off: i128| off.abs() < plan.coarsest_lot(underlying);
        let excused = off - beside.net(underlying);
        require(near(off) || near(excused), claim, || {
            format!("{underlying} is off by {}: {}", decimal(off), held.shown())
        })?;
    }
    Ok(())
}

/// V6: where some venue would take nothing back, each underlying that it holds nothing of was taken back all the same.
pub(crate) fn of_trouble(world: &World, troubled: &[u8]) -> Result<(), Violation> {
    if troubled.is_empty() {
        return Ok(());
    }
    let saga = world.journal.replayed();
    let parked = |saga: &&Kept| saga.status() == BatchStatus::Parked && saga.is_unwinding();
    if saga.filter(parked).is_none_or(|saga| saga.net_delta_range().is_some()) {
        return Ok(());
    }
    let held = Holdings::of_books(world);
    for underlying in held.underlyings() {
        let concerned = troubled
            .iter()
            .map(|leg| usize::from(*leg))
            .any(|leg| world.venues[leg].terms.base == underlying && held.of(leg) != 0);
        let claim = "what holds one underlying back keeps no other exposed (V6)";
        require(concerned || held.is_flat(underlying), claim, || {
            let why = saga.and_then(|saga| saga.ended()).map_or("", |ended| ended.why.as_str());
            format!("{underlying} stays, {why}: {}", held.shown())
        })?;
    }
    Ok(())
}

/// Holding of each leg without an order in doubt, and net delta of each underlying, to the last place; of a leg with one
/// as far as the records know it.
fn is_reported_exactly(
    report: &BatchReport,
    held: &Holdings,
    attempts: &Attempts<'_>,
) -> Result<(), Violation> {
    let claim = "what is held is what is reported (S2)";
    let known = attempts.known();
    let exact = held.moved(|leg| match attempts.is_resolved(leg) {
        true => 0,
        false => known.of(leg) - held.of(leg),
    });
    for underlying in held.underlyings() {
        let reported = report.net_delta.get(&asset(underlying)).copied().unwrap_or(Amount::ZERO);
        let net = exact.net(underlying);
        require(parts_of(reported.get()) == Some(net), claim, || {
            format!("{} {underlying}, reported {reported}: {}", decimal(net), held.shown())
        })?;
    }
    for (leg, reported) in report.legs.iter().enumerate() {
        let is_exact = parts_of(reported.holding.get()) == Some(exact.of(leg));
        require(is_exact, claim, || {
            format!("leg {leg} reported as {}: {}", reported.holding, held.shown())
        })?;
    }
    Ok(())
}

fn is_within_its_range(report: &BatchReport, held: &Holdings) -> Result<(), Violation> {
    let ranges = report.net_delta_range.iter().flatten();
    for (underlying, (least, greatest)) in ranges {
        let net = held.net(underlying.as_str());
        let (low, high) = (parts_of(least.get()), parts_of(greatest.get()));
        let within = low.is_some_and(|low| low <= net) && high.is_some_and(|high| net <= high);
        require(within, "what is held is within the reported range (S2)", || {
            format!("{} {underlying}, reported {least} to {greatest}", decimal(net))
        })?;
    }
    Ok(())
}

/// A trade: order, id, size and fee, in parts.
type Trade = (String, String, i128, i128);

/// S4: the trades of the exchanges are the trades of the journal, each in one record, to the last part of size and fee;
/// of a leg with an order in doubt those that are known.
fn every_trade_once(world: &World, attempts: &Attempts<'_>) -> Result<(), Violation> {
    for (leg, venue) in (0_u8..).zip(&world.venues) {
        let (traded, recorded) = (traded(leg, venue), recorded(world, leg));
        let once = recorded.windows(2).all(|pair| pair[0] != pair[1]);
        let all = match attempts.is_resolved(leg.into()) {
            true => traded == recorded,
            false => recorded.iter().all(|trade| traded.contains(trade)),
        };
        require(once && all, "every trade is in the journal, once (S4)", || {
            format!("traded {traded:?}, recorded {recorded:?}")
        })?;
    }
    Ok(())
}

/// By the books of a venue, in order.
fn traded(leg: u8, venue: &Exchange) -> Vec<Trade> {
    let mut traded = Vec::new();
    for (number, order) in venue.orders.iter().enumerate() {
        for (at, lots) in order.trades.iter().enumerate() {
            let (order_id, trade) = (venue_order(leg, number), format!("{number}-{at}"));
            let fee = venue.terms.fee(order.side, *lots);
            traded.push((order_id.to_string(), trade, venue.terms.parts(*lots), fee));
        }
    }
    traded.sort_unstable();
    traded
}

/// By the journal, in order, as often as it says so.
fn recorded(world: &World, leg: u8) -> Vec<Trade> {
    let of_leg = world.journal.records().iter().filter_map(|record| match record {
        Record::Filled { tag, venue_order, fill, .. } if tag.leg == leg => Some((
            venue_order.to_string(),
            fill.trade.to_string(),
            // What has digits beyond the parts is no trade of these exchanges.
            parts_of(fill.quantity.get()).unwrap_or(i128::MIN),
            parts_of(fill.fee.get()).unwrap_or(i128::MIN),
        )),
        _ => None,
    });
    let mut recorded: Vec<_> = of_leg.collect();
    recorded.sort_unstable();
    recorded
}
