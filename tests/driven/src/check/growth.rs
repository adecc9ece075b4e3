//! How much a batch's journal may hold: each kind of record has its bound, by how often the order was sent, how often
//! the engine was started, and what the exchange really did. A saga that records the same thing at each look breaks it.

use std::collections::BTreeMap;

use equipoise_core::{OrderTag, Record, ResendClass};

use crate::accounts::{Books, Intent};
use crate::net::Net;
use crate::places;
use crate::world::Found;

const CLAIM: &str = "P9 a journal grows by what happens";

/// Searches worth keeping of one transmission: two that prove absence (R4), and on class A one before the margin.
const SEARCHES_PROVING: usize = 2;
const SEARCHES_BEFORE_MARGIN: usize = 1;
/// States of one order beside what each trade adds: first seen, and ended.
const STATES_BESIDE_TRADES: usize = 2;

/// What there is of one attempt.
#[derive(Debug, Default)]
struct Kept {
    transmissions: usize,
    kinds: BTreeMap<&'static str, usize>,
    /// What the exchange has under its id.
    orders: usize,
    trades: usize,
}

impl Kept {
    fn of(&self, kinds: &[&str]) -> usize {
        kinds.iter().filter_map(|kind| self.kinds.get(kind)).sum()
    }

    /// How many records of a kind there may be after so many starts and searches worth keeping.
    fn most(&self, kind: &str, starts: usize, searches: usize) -> usize {
        match kind {
            "Transmission" | "Sent" => self.transmissions,
            "Doubted" => self.transmissions + starts,
            "NotFound" => searches,
            "Observed" => STATES_BESIDE_TRADES * self.orders + self.trades,
            "Filled" | "Busted" => self.trades,
            // Given up again only after a start, or when the exchange had something new about it.
            "Unresolved" => 1 + self.of(&["Doubted", "Observed", "Filled", "Busted"]),
            // Each alarm once, too.
            _ => 1,
        }
    }
}

/// Judges the records of one batch, ended or not.
pub(super) fn check(
    net: &Net,
    books: &Books,
    found: &Found,
    intents: &BTreeMap<String, Intent>,
    records: &[Record],
) {
    let mut orders: BTreeMap<OrderTag, Kept> = BTreeMap::new();
    let mut beside: BTreeMap<&'static str, usize> = BTreeMap::new();
    for record in records {
        let kind = kind(record);
        let Some(tag) = record.tag() else {
            *beside.entry(kind).or_default() += 1;
            continue;
        };
        let kept = orders.entry(tag).or_default();
        kept.transmissions += usize::from(matches!(kind, "Intent" | "Transmission"));
        *kept.kinds.entry(kind).or_default() += 1;
    }
    // A start that finds unwinding begun says so again.
    let at_most =
        [("Admitted", 1), ("Stopped", 1), ("UnwindStarted", 1 + found.lives), ("Ended", 1)];
    for (kind, most) in at_most {
        if beside.get(kind).copied().unwrap_or(0) > most {
            net.violated(CLAIM, format!("{kind} more than {most} times"));
        }
    }
    for (intent, order) in books.orders(intents) {
        let kept = orders.entry(intent.tag).or_default();
        kept.orders += 1;
        kept.trades += order.trades.len();
    }
    for (tag, kept) in &orders {
        let searches = kept.transmissions * searches_each(records, *tag);
        for (kind, count) in &kept.kinds {
            let most = kept.most(kind, found.lives, searches);
            if *count > most {
                net.violated(CLAIM, format!("{count} {kind} of {tag:?}, at most {most}"));
            }
        }
    }
}

fn searches_each(records: &[Record], tag: OrderTag) -> usize {
    let Some(Record::Admitted(spec)) = records.first() else { return 0 };
    let place = spec.leg(tag.leg).and_then(|leg| places::find(leg.venue.as_str()));
    match place.map(|place| place.class) {
        Some(ResendClass::A) => SEARCHES_PROVING + SEARCHES_BEFORE_MARGIN,
        Some(ResendClass::B) => SEARCHES_PROVING,
        Some(ResendClass::C) | None => 0,
    }
}

/// The kind of a record; alarms apart from each other.
const fn kind(record: &Record) -> &'static str {
    use equipoise_core::Alarm;
    match record {
        Record::Admitted(_) => "Admitted",
        Record::Intent { .. } => "Intent",
        Record::Transmission { .. } => "Transmission",
        Record::Sent { .. } => "Sent",
        Record::Unsent { .. } => "Unsent",
        Record::Doubted { .. } => "Doubted",
        Record::Refused { .. } => "Refused",
        Record::Observed { .. } => "Observed",
        Record::Filled { .. } => "Filled",
        Record::Busted { .. } => "Busted",
        Record::Audited { .. } => "Audited",
        Record::NotFound { .. } => "NotFound",
        Record::Absent { .. } => "Absent",
        Record::Unresolved { .. } => "Unresolved",
        Record::Stopped { .. } => "Stopped",
        Record::UnwindStarted { .. } => "UnwindStarted",
        Record::Contradicted { .. } => "Contradicted",
        Record::Alarmed { alarm: Alarm::Overfill, .. } => "overfill alarm",
        Record::Alarmed { alarm: Alarm::LateFill, .. } => "late fill alarm",
        Record::Alarmed { alarm: Alarm::Drift, .. } => "drift alarm",
        Record::Alarmed { alarm: Alarm::Busted, .. } => "bust alarm",
        Record::Ended { .. } => "Ended",
    }
}
