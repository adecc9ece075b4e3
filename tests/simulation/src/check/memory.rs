//! What a batch may keep, ask for and let wait. Every length is bounded by its plan, its policy, how often it was
//! resumed, and what its venues really did; none is a figure that merely happens to hold.
//!
//! Together these bound the journal of one batch. A leg has at most ten entries; its policy bounds the unwind orders
//! that cost an attempt, and each other one costs a pause of its unwinding time ([`super::stream`] judges both). Each
//! order is sent five times at most. After `R` starts, and `T` trades in `V` orders at the venues, all records are at
//! most 4, the contradictions of each leg, 9 for each order and 7 for each time it was sent, 2 × `R` for each order,
//! 4 × `V` and 6 × `T`.
//! A saga that writes the same thing again at each look breaks the bound of that kind of record at once.

use std::collections::BTreeMap;

use equipoise_core::{
    Alarm, Closing, Command, LegSpec, OrderTag, Record, ResendClass, Saga, Stage, Step,
};

use super::{Checker, Claim};
use crate::exchange::Exchange;

/// A position that contradicts the fills is read again after so long at the earliest.
const CONTRADICTION_GAP_MS: u64 = 500;
/// Searches worth keeping of one transmission: the two that prove absence (R4), and on class A one before the margin,
/// after which the same id may be sent again.
const SEARCHES_PROVING: u64 = 2;
const SEARCHES_BEFORE_MARGIN: u64 = 1;
/// States of one order at its venue beside what each of its trades adds: first seen, and ended.
const STATES_BESIDE_TRADES: u64 = 2;
/// What can be asked for about one order in one step: a look, and its cancel or a further transmission.
const COMMANDS_EACH: usize = 2;
/// What of one order can wait for its driver: that it was handed over or not, the answer to it, a look, a cancel and a
/// preparation of its further transmission.
const WAITING_EACH: usize = 5;
/// What can wait beside orders and preparations.
const WAKINGS: usize = 1;
/// What can be under way of one order: its handing over, a look and a cancel.
const UNDER_WAY_EACH: usize = 3;

/// Records of one attempt, by kind.
#[derive(Debug, Default)]
struct Kept {
    sent: u64,
    unsent: u64,
    doubted: u64,
    refused: u64,
    observed: u64,
    filled: u64,
    busted: u64,
    audited: u64,
    not_found: u64,
    absent: u64,
    unresolved: u64,
    alarmed: Vec<(Alarm, u64)>,
}

impl Kept {
    fn alarm(&mut self, alarm: Alarm) -> u64 {
        if let Some((_, count)) = self.alarmed.iter_mut().find(|(raised, _)| *raised == alarm) {
            return add(count);
        }
        self.alarmed.push((alarm, 1));
        1
    }
}

/// Records of one batch so far, by what they are about.
#[derive(Debug, Default)]
pub(super) struct Memory {
    orders: BTreeMap<OrderTag, Kept>,
    contradicted: BTreeMap<u8, u64>,
    beside: BTreeMap<&'static str, u64>,
    /// Starts that took the batch up again.
    resumed: u64,
}

/// What a venue did under one id.
#[derive(Debug, Default)]
struct Done {
    orders: u64,
    trades: u64,
}

impl Memory {
    /// Counts a record; of what kind it is and how many of that there are now.
    fn count(&mut self, record: &Record) -> (&'static str, u64) {
        let beside = match record {
            Record::Admitted(_) => "admissions",
            Record::Stopped { .. } => "stops",
            Record::UnwindStarted { .. } => "starts of unwinding",
            Record::Ended { .. } => "ends",
            Record::Contradicted { leg, .. } => {
                return ("contradictions", add(self.contradicted.entry(*leg).or_default()));
            }
            about_order => return self.count_of_order(about_order),
        };
        (beside, add(self.beside.entry(beside).or_default()))
    }

    fn count_of_order(&mut self, record: &Record) -> (&'static str, u64) {
        let Some(tag) = record.tag() else { return ("other records", 0) };
        let kept = self.orders.entry(tag).or_default();
        match record {
            Record::Sent { .. } => ("handings over", add(&mut kept.sent)),
            Record::Unsent { .. } => ("withdrawals", add(&mut kept.unsent)),
            Record::Doubted { .. } => ("doubts", add(&mut kept.doubted)),
            Record::Refused { .. } => ("refusals", add(&mut kept.refused)),
            Record::Observed { .. } => ("observations", add(&mut kept.observed)),
            Record::Filled { .. } => ("fills", add(&mut kept.filled)),
            Record::Busted { .. } => ("busts", add(&mut kept.busted)),
            Record::Audited { .. } => ("audits", add(&mut kept.audited)),
            Record::NotFound { .. } => ("searches", add(&mut kept.not_found)),
            Record::Absent { .. } => ("absences", add(&mut kept.absent)),
            Record::Unresolved { .. } => ("surrenders", add(&mut kept.unresolved)),
            Record::Alarmed { alarm, .. } => ("alarms of a kind", kept.alarm(*alarm)),
            // Intents and transmissions have judges of their own.
            _ => ("other records", 0),
        }
    }
}

fn add(count: &mut u64) -> u64 {
    *count += 1;
    *count
}

impl Checker {
    /// A start takes a batch up again.
    pub(crate) fn resumed(&mut self, batch: u8) {
        self.memories[usize::from(batch)].resumed += 1;
    }

    /// The records of one append against the bound of their kinds.
    pub(super) fn judge_memory(&mut self, batch: u8, venues: &[Exchange], records: &[Record]) {
        for record in records {
            let (kind, count) = self.memories[usize::from(batch)].count(record);
            let most = self.most(batch, venues, record);
            if count > most {
                let about = record.tag().map_or_else(String::new, |tag| format!(" of {tag:?}"));
                let text = format!("batch {batch}: {count} {kind}{about}, at most {most}");
                return self.fail(Claim::Memory, text);
            }
        }
    }

    /// How many records of this one's kind there may be of what it is about.
    fn most(&self, batch: u8, venues: &[Exchange], record: &Record) -> u64 {
        let index = usize::from(batch);
        let (stream, memory) = (&self.streams[index], &self.memories[index]);
        let Some(spec) = &self.specs[index] else { return 0 };
        if let Record::Contradicted { .. } = record {
            // Each costs its pause, and unwinding has its time, anew after each start.
            let each = spec.policy.unwind_ms_max / CONTRADICTION_GAP_MS + 1;
            return each * (1 + memory.resumed);
        }
        if let Record::UnwindStarted { .. } = record {
            return 1 + memory.resumed;
        }
        let Some(tag) = record.tag() else { return 1 };
        let (Some(attempt), Some(kept)) = (stream.attempts.get(&tag), memory.orders.get(&tag))
        else {
            // It is about no order there is, unless it is an alarm about the next one.
            return u64::from(matches!(record, Record::Alarmed { .. }));
        };
        let transmissions = attempt.deadlines.len() as u64;
        match record {
            Record::Sent { .. } => transmissions,
            // Once for each transmission, and once for each start.
            Record::Doubted { .. } => transmissions + memory.resumed,
            Record::NotFound { .. } => transmissions * searches_each(spec.leg(tag.leg)),
            Record::Observed { .. } => {
                let done = self.done(batch, tag, venues);
                STATES_BESIDE_TRADES * done.orders + done.trades
            }
            Record::Filled { .. } | Record::Busted { .. } => self.done(batch, tag, venues).trades,
            // Given up again only after a start or the venue had something new about it.
            Record::Unresolved { .. } => {
                1 + kept.doubted + kept.observed + kept.filled + kept.busted
            }
            // Of everything else there is one.
            _ => 1,
        }
    }

    fn done(&self, batch: u8, tag: OrderTag, venues: &[Exchange]) -> Done {
        let orders = self.orders_of(batch, tag, venues);
        orders.fold(Done::default(), |done, (_, order)| Done {
            orders: done.orders + 1,
            trades: done.trades + order.trades_ever(),
        })
    }

    /// What a saga asks for in one step: nothing about orders that are over, little about each other one, and a wave
    /// with one order of a leg.
    pub(crate) fn asks_for(&mut self, batch: u8, saga: &Saga, step: &Step) {
        if step.commands.is_empty() {
            return;
        }
        let class = |tag: OrderTag| saga.spec().leg(tag.leg).map(|leg| leg.traits.class);
        let unfinished = saga.orders().filter(|(tag, order)| match &order.stage {
            // V15: a second effect may still show, after an execution only where ids are forgotten.
            Stage::Closed(Closing::Ended) => {
                let forgotten = class(*tag) != Some(ResendClass::A);
                (forgotten || order.executed().is_zero()) && !order.audited
            }
            Stage::Closed(Closing::Refused(_)) => !order.audited,
            // Cancelled before the end leaves it to a person.
            Stage::Closed(Closing::Unresolved(_)) => order.is_open_at_venue(),
            Stage::Closed(_) => false,
            Stage::Intended | Stage::InDoubt | Stage::Known => true,
        });
        let most = unfinished.count() * COMMANDS_EACH + waves(saga);
        let legs = saga.spec().legs.len();
        let widest = step.commands.iter().map(|command| match command {
            Command::Prepare(wave) => wave.len(),
            Command::Send(wave) => wave.len(),
            Command::Query(_) | Command::Cancel(_) => 1,
        });
        let widest = widest.max().unwrap_or(0);
        if step.commands.len() > most || widest > legs {
            let count = step.commands.len();
            let text = format!(
                "batch {batch}: {count} commands of one step, at most {most}, {widest} orders in one for {legs} legs"
            );
            self.fail(Claim::Memory, text);
        }
    }

    /// So many events wait for the driver of a batch with so many orders.
    pub(crate) fn wait(&mut self, batch: u8, events: usize, saga: &Saga) {
        if events <= WAKINGS {
            return;
        }
        let most = saga.orders().count() * WAITING_EACH + waves(saga) + WAKINGS;
        if events > most {
            let text = format!("batch {batch}: {events} events wait, at most {most}");
            self.fail(Claim::Memory, text);
        }
    }

    /// So many looks, cancels and handings over of a batch are under way.
    pub(crate) fn under_way(&mut self, batch: u8, activities: usize, saga: &Saga) {
        if activities <= UNDER_WAY_EACH {
            return;
        }
        let most = saga.orders().count() * UNDER_WAY_EACH;
        if activities > most {
            let text = format!("batch {batch}: {activities} activities under way, at most {most}");
            self.fail(Claim::Memory, text);
        }
    }
}

/// Waves that can be prepared beside each other: each hedge by itself, and the rest with the hedges as one.
fn waves(saga: &Saga) -> usize {
    saga.spec().legs.len()
}

fn searches_each(leg: Option<&LegSpec>) -> u64 {
    match leg.map(|leg| leg.traits.class) {
        Some(ResendClass::A) => SEARCHES_PROVING + SEARCHES_BEFORE_MARGIN,
        Some(ResendClass::B) => SEARCHES_PROVING,
        // Nothing proves absence there.
        Some(ResendClass::C) | None => 0,
    }
}
