//! A batch's records as a time line.

use equipoise::{
    Alarm, BatchSpec, Ending, Fill, LegQuantity, LegSpec, OrderEnd, OrderKind, OrderRequest,
    OrderState, OrderTag, Record, Role,
};
use serde::Serialize;

use super::time::rfc3339;

/// One line of a time line.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    /// Engine time.
    pub(crate) at: String,
    /// The leg, unless it is about the whole batch.
    pub(crate) leg: Option<String>,
    /// One word.
    pub(crate) event: &'static str,
    /// The rest in words, perhaps empty.
    pub(crate) details: String,
}

/// All records of a batch.
pub(crate) fn timeline(spec: &BatchSpec, records: &[Record]) -> Vec<Entry> {
    records.iter().map(|record| entry(spec, record)).collect()
}

/// One record of a batch.
pub(crate) fn entry(spec: &BatchSpec, record: &Record) -> Entry {
    let leg_index = record.tag().map(|tag| tag.leg).or(match record {
        Record::Contradicted { leg, .. } => Some(*leg),
        _ => None,
    });
    let leg = leg_index.and_then(|index| spec.leg(index));
    let unit = leg.map(|leg| leg.instrument.unit()).unwrap_or_default();
    let (event, details) = describe(spec, leg, &unit, record);
    let details = match record.tag().map(attempt) {
        Some(attempt) if !attempt.is_empty() && details.is_empty() => attempt,
        Some(attempt) if !attempt.is_empty() => format!("{attempt}: {details}"),
        _ => details,
    };
    Entry { at: rfc3339(record.at().0), leg: leg.map(|leg| leg.name.to_string()), event, details }
}

impl Entry {
    /// The line for people.
    pub(crate) fn text(&self, leg_width: usize) -> String {
        let leg = self.leg.as_deref().unwrap_or("-");
        let line = format!("{}  {leg:<leg_width$}  {:<14}  {}", self.at, self.event, self.details);
        line.trim_end().to_owned()
    }
}

/// Which order of its leg, unless it is the only one it was meant to need.
fn attempt(tag: OrderTag) -> String {
    let number = u32::from(tag.attempt) + 1;
    match (tag.role, tag.attempt) {
        (Role::Entry, 0) => String::new(),
        (Role::Entry, _) => format!("attempt {number}"),
        (Role::Unwind, _) => format!("unwind {number}"),
    }
}

fn describe(
    spec: &BatchSpec,
    leg: Option<&LegSpec>,
    unit: &str,
    record: &Record,
) -> (&'static str, String) {
    match record {
        Record::Admitted(spec) => ("admitted", admitted(spec)),
        Record::Intent { request, .. } => ("intent", intent(request, unit)),
        Record::Transmission { deadline, .. } => (
            "transmission",
            format!("the same order once more, valid until {}", rfc3339(deadline.0)),
        ),
        Record::Sent { .. } => ("sent", String::new()),
        Record::Unsent { why, .. } => ("unsent", why.clone()),
        Record::Doubted { why, .. } => ("in_doubt", why.clone()),
        Record::Refused { refusal, .. } => {
            ("refused", format!("{}: {}", refusal.code, refusal.message))
        }
        Record::Observed { venue_order, state, executed, .. } => {
            let (event, reason) = observed(state);
            let order = format!("order {venue_order}, executed {executed} {unit}");
            (event, with_reason(order, reason))
        }
        Record::Filled { fill, .. } => ("filled", filled(fill, leg, unit)),
        Record::Audited { .. } => ("audited", "no further order under this id".to_owned()),
        Record::NotFound { venue_time, .. } => {
            ("not_found", format!("a complete search at venue time {}", rfc3339(venue_time.0)))
        }
        Record::Absent { .. } => ("absent", "proven to have no effect".to_owned()),
        Record::Unresolved { why, .. } => ("unresolved", why.clone()),
        Record::Stopped { .. } => ("stopped", "no new risk from here on".to_owned()),
        Record::UnwindStarted { .. } => ("unwind_started", String::new()),
        Record::Contradicted { position, .. } => {
            ("contradicted", format!("the account's position is {position} {unit}"))
        }
        Record::Alarmed { alarm, .. } => ("alarm", alarm_word(*alarm).to_owned()),
        Record::Ended { ending, why, .. } => (ending_word(*ending), ended(spec, why)),
    }
}

fn admitted(spec: &BatchSpec) -> String {
    let legs = spec.listing.iter().filter_map(|index| spec.leg(*index));
    let leg = |leg: &LegSpec| {
        let quantity = match &leg.quantity {
            LegQuantity::Fixed(quantity) => format!("{quantity} {}", leg.instrument.unit()),
            LegQuantity::Of { leg: of, ratio } => {
                let name = spec.leg(*of).map(|leg| leg.name.as_str());
                format!("{ratio} × {}", name.unwrap_or_default())
            }
        };
        let (side, symbol) = (leg.side.as_str(), &leg.instrument.symbol);
        format!("{} {side} {quantity} {symbol} at {}", leg.name, leg.venue)
    };
    legs.map(leg).collect::<Vec<_>>().join("; ")
}

fn intent(request: &OrderRequest, unit: &str) -> String {
    let price = match request.kind {
        OrderKind::Market => "at market".to_owned(),
        OrderKind::Limit { price, time_in_force } => format!("at {price} {time_in_force}"),
    };
    let reduce_only = if request.reduce_only { ", reduce only" } else { "" };
    format!(
        "{} {} {unit} {price}{reduce_only}, id {}, valid until {}",
        request.side.as_str(),
        request.quantity,
        request.client_id,
        rfc3339(request.deadline.0)
    )
}

fn observed(state: &OrderState) -> (&'static str, &str) {
    match state {
        OrderState::Open => ("acknowledged", ""),
        OrderState::Ended(OrderEnd::Filled) => ("complete", ""),
        OrderState::Ended(OrderEnd::Cancelled { reason }) => ("cancelled", reason),
        OrderState::Ended(OrderEnd::Rejected { reason }) => ("rejected", reason),
    }
}

fn with_reason(text: String, reason: &str) -> String {
    if reason.is_empty() { text } else { format!("{text}, {reason}") }
}

fn filled(fill: &Fill, leg: Option<&LegSpec>, unit: &str) -> String {
    let quote = leg.map(|leg| leg.instrument.quote.as_str());
    format!(
        "{} {unit} at {} {}, fee {} {}, trade {}",
        fill.quantity,
        fill.price,
        quote.unwrap_or_default(),
        fill.fee,
        fill.fee_asset,
        fill.trade
    )
}

fn ended(spec: &BatchSpec, why: &str) -> String {
    if why.is_empty() { format!("batch {}", spec.key) } else { why.to_owned() }
}

const fn ending_word(ending: Ending) -> &'static str {
    match ending {
        Ending::Done => "done",
        Ending::Flat => "flat",
        Ending::Parked => "parked",
    }
}

/// The word of reports for an alarm.
pub(super) const fn alarm_word(alarm: Alarm) -> &'static str {
    match alarm {
        Alarm::Overfill => "overfill",
        Alarm::LateFill => "late_fill",
        Alarm::Drift => "drift",
    }
}
