//! The time line of a batch, for people: one line a record, in the order in which things took effect.

use std::collections::BTreeSet;

use crate::decimal::Price;
use crate::name::{LegName, VenueName};
use crate::order::{OrderEnd, OrderKind, OrderRequest, OrderState};
use crate::record::{Alarm, Ending, OrderTag, Record, Role};
use crate::spec::{BatchSpec, LegSpec};
use crate::time::UnixMillis;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Engine time.
    pub at: UnixMillis,
    /// Leg and venue it happened at, if it happened at one.
    pub leg: Option<(LegName, VenueName)>,
    /// What, in one or two words: `intent`, `sent`, `acknowledged`, `filled`, …
    pub what: &'static str,
    /// The details that matter.
    pub detail: String,
}

/// Reads a batch's records as a time line. Empty if they do not begin with an admission.
#[must_use]
pub fn timeline(records: &[Record]) -> Vec<Moment> {
    let Some(Record::Admitted(spec)) = records.first() else {
        return Vec::new();
    };
    let mut known = BTreeSet::new();
    let mut first_sight = |record: &Record| match record {
        Record::Observed { tag, .. } => known.insert(*tag),
        _ => false,
    };
    records.iter().map(|record| moment(spec, record, first_sight(record))).collect()
}

/// `first_sight` says that the venue shows this attempt for the first time.
fn moment(spec: &BatchSpec, record: &Record, first_sight: bool) -> Moment {
    let leg = match record {
        Record::Contradicted { leg, .. } => spec.leg(*leg),
        other => other.tag().and_then(|tag| spec.leg(tag.leg)),
    };
    let (what, detail) = match record {
        Record::Admitted(spec) => (
            "admitted",
            format!("{} for {}, {} legs", spec.strategy, spec.occasion, spec.legs.len()),
        ),
        Record::Stopped { .. } => ("stop", "no new risk from here on".to_owned()),
        Record::UnwindStarted { .. } => ("unwinding", "taking back what was received".to_owned()),
        Record::Contradicted { position, .. } => {
            ("contradiction", format!("the account shows a position of {position}"))
        }
        Record::Ended { ending, why, .. } => (ending_word(*ending), why.clone()),
        about_order => order_moment(about_order, leg, first_sight),
    };
    let leg = leg.map(|leg| (leg.name.clone(), leg.venue.clone()));
    Moment { at: record.at(), leg, what, detail }
}

fn order_moment(
    record: &Record,
    leg: Option<&LegSpec>,
    first_sight: bool,
) -> (&'static str, String) {
    match record {
        Record::Intent { tag, request, .. } => ("intent", intent_detail(*tag, request)),
        Record::Transmission { .. } => ("sent again", "same order, same id".to_owned()),
        Record::Sent { .. } => ("sent", String::new()),
        Record::Unsent { why, .. } => ("not sent", why.clone()),
        Record::Doubted { why, .. } => ("in doubt", why.clone()),
        Record::Refused { refusal, .. } => {
            ("refused", format!("{}: {}", refusal.code, refusal.message))
        }
        Record::Observed { venue_order, state, executed, .. } => {
            let (word, reason) = match state {
                OrderState::Open => ("open", String::new()),
                OrderState::Ended(end) => (end_word(end), reason(end)),
            };
            if first_sight {
                let detail = format!("order {venue_order}, {word}, executed {executed}{reason}");
                ("acknowledged", detail)
            } else {
                (word, format!("executed {executed}{reason}"))
            }
        }
        Record::Filled { fill, .. } => {
            let unit = leg.map(|leg| leg.instrument.unit()).unwrap_or_default();
            let detail = format!(
                "{} {unit} at {}, fee {} {}",
                fill.quantity, fill.price, fill.fee, fill.fee_asset
            );
            ("filled", detail)
        }
        Record::Audited { .. } => ("audited", "no second effect in any listing".to_owned()),
        Record::NotFound { .. } => ("not found", String::new()),
        Record::Absent { .. } => ("absent", "proven to have no effect".to_owned()),
        Record::Unresolved { why, .. } => ("unresolved", why.clone()),
        Record::Alarmed { alarm, .. } => ("alarm", alarm_text(*alarm).to_owned()),
        _ => ("", String::new()),
    }
}

fn intent_detail(tag: OrderTag, request: &OrderRequest) -> String {
    let price = |price: &Price| format!(" at {price}");
    let (kind, limit) = match &request.kind {
        OrderKind::Market => ("market".to_owned(), String::new()),
        OrderKind::Limit { price: limit, time_in_force } => {
            (format!("limit {time_in_force}"), price(limit))
        }
    };
    let role = match tag.role {
        Role::Entry => "",
        Role::Unwind => "unwind: ",
    };
    let flag = if request.reduce_only { " reduce-only" } else { "" };
    format!(
        "{role}{} {} {} {kind}{limit}{flag}, id {}",
        request.side.as_str(),
        request.quantity,
        request.symbol,
        request.client_id
    )
}

const fn end_word(end: &OrderEnd) -> &'static str {
    match end {
        OrderEnd::Filled => "complete",
        OrderEnd::Cancelled { .. } => "cancelled",
        OrderEnd::Rejected { .. } => "rejected",
    }
}

fn reason(end: &OrderEnd) -> String {
    match end {
        OrderEnd::Cancelled { reason } | OrderEnd::Rejected { reason } if !reason.is_empty() => {
            format!(" ({reason})")
        }
        _ => String::new(),
    }
}

const fn ending_word(ending: Ending) -> &'static str {
    match ending {
        Ending::Done => "done",
        Ending::Flat => "flat",
        Ending::Parked => "parked",
    }
}

/// What an alarm tells a person.
#[must_use]
pub const fn alarm_text(alarm: Alarm) -> &'static str {
    match alarm {
        Alarm::Overfill => "the venue executed more than was asked for",
        Alarm::LateFill => "a fill arrived after its order had been closed",
        Alarm::Drift => "the account's position contradicts the batch's own fills",
    }
}
