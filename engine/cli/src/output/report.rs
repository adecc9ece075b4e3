//! The account of a batch, as JSON and as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use equipoise::{
    Amount, Asset, BatchReport, BatchStatus, DoubtReport, LegReport, LegStatus, Price, Qty,
};
use serde::Serialize;

use super::resumed::ResumedDocument;
use super::time::{rfc3339, seconds};
use super::timeline::Entry;

/// A report as programs read it. Quantities are decimal strings in venue units, deltas in base units.
#[derive(Serialize)]
pub(crate) struct ReportDocument<'a> {
    key: String,
    strategy: &'a str,
    occasion: &'a str,
    status: &'static str,
    duplicate: bool,
    why: &'a str,
    legs: Vec<LegDocument<'a>>,
    net_delta: BTreeMap<&'a str, Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_doubt: Option<Vec<DoubtDocument<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    net_delta_range: Option<BTreeMap<&'a str, RangeDocument>>,
    alarms: Vec<AlarmDocument<'a>>,
    exposure_ms: u64,
    admitted_at: String,
    ended_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeline: Option<Vec<Entry>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    resumed: &'a [ResumedDocument],
}

#[derive(Serialize)]
struct LegDocument<'a> {
    name: &'a str,
    venue: &'a str,
    instrument: &'a str,
    side: &'static str,
    client_order_ids: Vec<&'a str>,
    status: LegStatus,
    planned: Qty,
    filled: Qty,
    holding: Amount,
    unit: &'a str,
    average_price: Option<Price>,
    fees: BTreeMap<&'a str, Amount>,
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct DoubtDocument<'a> {
    leg: &'a str,
    venue: &'a str,
    client_order_id: &'a str,
    side: &'static str,
    quantity: Qty,
    unit: &'a str,
    open_orders: Vec<&'a str>,
    last_seen_at: Option<String>,
    found_open: bool,
}

#[derive(Serialize)]
struct RangeDocument {
    min: Amount,
    max: Amount,
}

#[derive(Serialize)]
struct AlarmDocument<'a> {
    alarm: &'static str,
    leg: &'a str,
}

impl<'a> ReportDocument<'a> {
    pub(crate) fn new(report: &'a BatchReport) -> Self {
        let doubts = report.in_doubt.iter().map(doubt).collect::<Vec<_>>();
        let range = report.net_delta_range.as_ref().map(|range| {
            let range = range.iter();
            range
                .map(|(asset, (min, max))| {
                    let range = RangeDocument { min: *min, max: *max };
                    (asset.as_str(), range)
                })
                .collect()
        });
        Self {
            key: report.key.to_string(),
            strategy: report.strategy.as_str(),
            occasion: report.occasion.as_str(),
            status: report.status.as_str(),
            duplicate: report.duplicate,
            why: &report.why,
            legs: report.legs.iter().map(leg).collect(),
            net_delta: amounts(&report.net_delta),
            in_doubt: range.is_some().then_some(doubts),
            net_delta_range: range,
            alarms: report
                .alarms
                .iter()
                .map(|alarm| AlarmDocument { alarm: alarm.alarm.as_str(), leg: alarm.leg.as_str() })
                .collect(),
            exposure_ms: report.exposure_ms,
            admitted_at: rfc3339(report.admitted_at.0),
            ended_at: report.ended_at.map(|at| rfc3339(at.0)),
            timeline: None,
            resumed: &[],
        }
    }

    /// The same with the batches that were resumed on the way.
    pub(crate) fn with_resumed(mut self, resumed: &'a [ResumedDocument]) -> Self {
        self.resumed = resumed;
        self
    }

    /// The same with its time line.
    pub(crate) fn with_timeline(mut self, timeline: Vec<Entry>) -> Self {
        self.timeline = Some(timeline);
        self
    }
}

fn amounts(amounts: &BTreeMap<Asset, Amount>) -> BTreeMap<&str, Amount> {
    amounts.iter().map(|(asset, amount)| (asset.as_str(), *amount)).collect()
}

fn leg(leg: &LegReport) -> LegDocument<'_> {
    LegDocument {
        name: leg.name.as_str(),
        venue: leg.venue.as_str(),
        instrument: leg.instrument.as_str(),
        side: leg.side.as_str(),
        client_order_ids: leg.client_order_ids.iter().map(|id| id.as_str()).collect(),
        status: leg.status,
        planned: leg.planned,
        filled: leg.filled,
        holding: leg.holding,
        unit: &leg.unit,
        average_price: leg.average_price,
        fees: amounts(&leg.fees),
        reason: leg.reason.as_deref(),
    }
}

fn doubt(doubt: &DoubtReport) -> DoubtDocument<'_> {
    DoubtDocument {
        leg: doubt.leg.as_str(),
        venue: doubt.venue.as_str(),
        client_order_id: doubt.client_order_id.as_str(),
        side: doubt.side.as_str(),
        quantity: doubt.quantity,
        unit: &doubt.unit,
        open_orders: doubt.open_orders.iter().map(|id| id.as_str()).collect(),
        last_seen_at: doubt.last_seen.map(|at| rfc3339(at.0)),
        found_open: doubt.found_open,
    }
}

/// A report as people read it.
pub(crate) fn report_text(report: &BatchReport) -> String {
    let mut text = format!(
        "batch     {}\nstrategy  {}\noccasion  {}\nstatus    {}",
        report.key,
        report.strategy,
        report.occasion,
        report.status.as_str()
    );
    if !report.why.is_empty() {
        let _ = write!(text, ": {}", report.why);
    }
    text.push('\n');
    if report.duplicate {
        text.push_str("          this plan had been submitted before: this is that batch, nothing was sent twice\n");
    }
    text.push_str("legs\n");
    for leg in &report.legs {
        text.push_str(&leg_text(leg));
    }
    for (asset, delta) in &report.net_delta {
        let _ = writeln!(text, "net delta {delta} {asset}");
    }
    for (asset, (min, max)) in report.net_delta_range.iter().flatten() {
        let _ = writeln!(
            text,
            "          between {min} and {max} {asset} while orders are in doubt or open"
        );
    }
    for doubt in &report.in_doubt {
        text.push_str(&doubt_text(doubt));
    }
    for alarm in &report.alarms {
        let _ = writeln!(text, "alarm     {}: {}", alarm.leg, alarm.alarm.as_str());
    }
    let still = match report.status {
        BatchStatus::Running | BatchStatus::Parked => " so far",
        BatchStatus::Done | BatchStatus::Flat => "",
    };
    let _ = writeln!(text, "exposed   {}{still}", seconds(report.exposure_ms));
    text
}

fn doubt_text(doubt: &DoubtReport) -> String {
    let DoubtReport { leg, venue, client_order_id, quantity, unit, .. } = doubt;
    let side = doubt.side.as_str();
    let ids: Vec<_> = doubt.open_orders.iter().map(|id| id.as_str()).collect();
    let ids = ids.join(" and ");
    // Only what was seen is told: the order may have ended since.
    let seen = doubt.last_seen.map(|at| format!(" at {}", rfc3339(at.0))).unwrap_or_default();
    if doubt.found_open {
        return format!(
            "open      {leg}: {side} order {client_order_id} was open at {venue} as order {ids} when last seen{seen}, \
             may fill up to {quantity} {unit}: cancel it there unless it has ended\n"
        );
    }
    let open = match ids.is_empty() {
        true => ids,
        false => format!(", open at {venue} as {ids} when last seen{seen}"),
    };
    format!("in doubt  {leg}: {side} up to {quantity} {unit}, order {client_order_id}{open}\n")
}

fn leg_text(leg: &LegReport) -> String {
    let status = match leg.status {
        LegStatus::Filled => "filled".to_owned(),
        other => format!("{}, filled", other.as_str()),
    };
    let mut text = format!(
        "  {}: {} {} at {}, {status} {} of {} {}",
        leg.name,
        leg.side.as_str(),
        leg.instrument,
        leg.venue,
        leg.filled,
        leg.planned,
        leg.unit
    );
    if let Some(price) = leg.average_price {
        let _ = write!(text, " at {price}");
    }
    for (asset, fee) in &leg.fees {
        let _ = write!(text, ", fee {fee} {asset}");
    }
    if leg.holding.get().abs() != leg.filled.get() {
        let _ = write!(text, ", holds {} {}", leg.holding, leg.unit);
    }
    if let Some(reason) = &leg.reason {
        let _ = write!(text, ", {reason}");
    }
    text.push('\n');
    for id in &leg.client_order_ids {
        let _ = writeln!(text, "    order {id}");
    }
    text
}

/// One batch of a list.
#[derive(Serialize)]
pub(crate) struct BatchLine<'a> {
    key: String,
    strategy: &'a str,
    occasion: &'a str,
    status: &'static str,
    legs: usize,
    net_delta: BTreeMap<&'a str, Amount>,
    admitted_at: String,
}

impl<'a> BatchLine<'a> {
    pub(crate) fn new(report: &'a BatchReport) -> Self {
        Self {
            key: report.key.to_string(),
            strategy: report.strategy.as_str(),
            occasion: report.occasion.as_str(),
            status: report.status.as_str(),
            legs: report.legs.len(),
            net_delta: amounts(&report.net_delta),
            admitted_at: rfc3339(report.admitted_at.0),
        }
    }
}

/// One batch of a list as people read it.
pub(crate) fn batch_line_text(report: &BatchReport) -> String {
    let delta = |(asset, delta): (&Asset, &Amount)| format!("{delta} {asset}");
    let deltas: Vec<_> = report.net_delta.iter().map(delta).collect();
    format!(
        "{}  {}  {:<7}  {} {}, {} {}, net delta {}",
        report.key,
        rfc3339(report.admitted_at.0),
        report.status.as_str(),
        report.strategy,
        report.occasion,
        report.legs.len(),
        if report.legs.len() == 1 { "leg" } else { "legs" },
        deltas.join(", ")
    )
}
