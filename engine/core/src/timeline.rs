//! The time line of a batch, for people: one line a record, in the order in which things took effect, and one for each
//! leg for which nothing was ever sent.

use std::collections::BTreeSet;

use crate::name::{LegName, VenueName};
use crate::order::{Fill, OrderEnd, OrderKind, OrderRequest, OrderState};
use crate::record::{Alarm, Ending, OrderTag, Record, Role};
use crate::saga::Saga;
use crate::spec::{BatchSpec, LegQuantity, LegSpec};
use crate::time::UnixMillis;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Engine time.
    pub at: UnixMillis,
    /// Leg and venue it happened at, unless it is about the whole batch.
    pub leg: Option<(LegName, VenueName)>,
    /// What, in one word: `intent`, `sent`, `acknowledged`, `filled`, …
    pub event: &'static str,
    /// The rest in words, perhaps empty.
    pub details: String,
}

/// Reads a batch's records as a time line. Empty if they do not begin with an admission.
///
/// The first time the venue shows an order is its acknowledgement, whatever state it is in by then.
#[must_use]
pub fn timeline(records: &[Record]) -> Vec<Moment> {
    let Some(Record::Admitted(spec)) = records.first() else {
        return Vec::new();
    };
    let mut known = BTreeSet::new();
    let saga = Saga::replay(records).ok();
    let tell = |record: &Record| {
        let mut moment = Moment::of(spec, record);
        if let Record::Observed { tag, .. } = record
            && known.insert(*tag)
            && moment.event != ACKNOWLEDGED
        {
            moment.details = format!("{}, {}", moment.event, moment.details);
            moment.event = ACKNOWLEDGED;
        }
        if let Some(cut) = saga.as_ref().and_then(|saga| cut_short(saga, record)) {
            moment.details = format!("{}, {cut}", moment.details);
        }
        let unsent = saga.iter().flat_map(|saga| never_sent(saga, record));
        unsent.chain([moment]).collect::<Vec<_>>()
    };
    records.iter().flat_map(tell).collect()
}

/// What made the engine cancel an order that this record shows as cancelled.
fn cut_short(saga: &Saga, record: &Record) -> Option<String> {
    let Record::Observed { tag, state: OrderState::Ended(OrderEnd::Cancelled { .. }), .. } = record
    else {
        return None;
    };
    let last = usize::from(tag.attempt) + 1 == saga.attempts(tag.leg, Role::Entry).len();
    let cut = saga.cut_short(tag.leg).filter(|_| tag.role == Role::Entry && last)?;
    Some(saga.cut_text(cut))
}

/// Before the end, each leg for which nothing was sent.
fn never_sent(saga: &Saga, record: &Record) -> Vec<Moment> {
    let Record::Ended { at, .. } = record else { return Vec::new() };
    let unsent = saga.spec().listing.iter().filter_map(|index| {
        let leg = saga.spec().leg(*index)?;
        let details = saga.leg_reason(*index)?;
        let details = details.strip_prefix("not sent: ")?.to_owned();
        let leg = Some((leg.name.clone(), leg.venue.clone()));
        Some(Moment { at: *at, leg, event: "not_sent", details })
    });
    unsent.collect()
}

const ACKNOWLEDGED: &str = "acknowledged";

impl Moment {
    /// One record of a batch.
    #[must_use]
    pub fn of(spec: &BatchSpec, record: &Record) -> Self {
        let leg = match record {
            Record::Contradicted { leg, .. } => spec.leg(*leg),
            other => other.tag().and_then(|tag| spec.leg(tag.leg)),
        };
        let (event, details) = describe(leg, record);
        let attempt = record.tag().map(attempt).unwrap_or_default();
        let details = match (attempt.is_empty(), details.is_empty()) {
            (true, _) => details,
            (false, true) => attempt,
            (false, false) => format!("{attempt}: {details}"),
        };
        let leg = leg.map(|leg| (leg.name.clone(), leg.venue.clone()));
        Self { at: record.at(), leg, event, details }
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

fn describe(leg: Option<&LegSpec>, record: &Record) -> (&'static str, String) {
    let unit = || leg.map(|leg| leg.instrument.unit()).unwrap_or_default();
    match record {
        Record::Admitted(spec) => ("admitted", admitted(spec)),
        Record::Intent { request, .. } => ("intent", intent(request, &unit())),
        Record::Transmission { .. } => ("transmission", "the same order once more".to_owned()),
        Record::Sent { .. } => ("sent", String::new()),
        Record::Unsent { why, .. } => ("unsent", why.clone()),
        Record::Doubted { why, .. } => ("in_doubt", why.clone()),
        Record::Refused { refusal, .. } => {
            ("refused", format!("{}: {}", refusal.code, refusal.message))
        }
        Record::Observed { venue_order, state, executed, .. } => {
            let (event, reason) = observed(state);
            let order = format!("order {venue_order}, executed {executed} {}", unit());
            (event, if reason.is_empty() { order } else { format!("{order}, {reason}") })
        }
        Record::Filled { fill, .. } => ("filled", filled(fill, leg, &unit())),
        Record::Busted { fill, .. } => ("busted", filled(fill, leg, &unit())),
        Record::Audited { .. } => ("audited", "no further order under this id".to_owned()),
        Record::NotFound { .. } => ("not_found", "a complete search".to_owned()),
        Record::Absent { .. } => ("absent", "proven to have no effect".to_owned()),
        Record::Unresolved { why, .. } => ("unresolved", why.clone()),
        Record::Stopped { .. } => ("stopped", "on request: no new risk from here on".to_owned()),
        Record::UnwindStarted { .. } => {
            ("unwind_started", "taking back what was received".to_owned())
        }
        Record::Contradicted { position, .. } => {
            ("contradicted", format!("the account's position is {position} {}", unit()))
        }
        Record::Alarmed { alarm, .. } => ("alarm", alarm.text().to_owned()),
        Record::Ended { ending, why, .. } => (ending.as_str(), why.clone()),
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
    let (side, quantity) = (request.side.as_str(), request.quantity);
    format!("{side} {quantity} {unit} {price}{reduce_only}, id {}", request.client_id)
}

fn observed(state: &OrderState) -> (&'static str, &str) {
    match state {
        OrderState::Open => (ACKNOWLEDGED, ""),
        OrderState::Ended(OrderEnd::Filled) => ("complete", ""),
        OrderState::Ended(OrderEnd::Cancelled { reason }) => ("cancelled", reason),
        OrderState::Ended(OrderEnd::Rejected { reason }) => ("rejected", reason),
    }
}

fn filled(fill: &Fill, leg: Option<&LegSpec>, unit: &str) -> String {
    let quote = leg.map(|leg| leg.instrument.quote.as_str()).unwrap_or_default();
    let (quantity, price) = (fill.quantity, fill.price);
    let (fee, asset, trade) = (fill.fee, &fill.fee_asset, &fill.trade);
    format!("{quantity} {unit} at {price} {quote}, fee {fee} {asset}, trade {trade}")
}

impl Ending {
    /// The lower-case word of reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Flat => "flat",
            Self::Parked => "parked",
        }
    }
}

impl Alarm {
    /// The word of reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Overfill => "overfill",
            Self::LateFill => "late_fill",
            Self::Drift => "drift",
            Self::Busted => "busted",
        }
    }

    /// What it tells a person.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Overfill => "the venue executed more than was asked for",
            Self::LateFill => "a fill arrived after its order had been closed",
            Self::Busted => "the venue took a trade back",
            Self::Drift => "the account's position contradicts the batch's own fills",
        }
    }
}
