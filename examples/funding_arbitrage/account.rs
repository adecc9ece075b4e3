//! What a batch did, as text for people.

use std::fmt::{Result, Write};

use equipoise::{BatchReport, LegReport, MarketView, Record, UnixMillis, timeline};
use rust_decimal::Decimal;

/// The account of one batch; the key comes first.
pub fn text(report: &BatchReport, records: &[Record], view: &MarketView) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_account(&mut out, report, records, view);
    out
}

fn write_account(
    out: &mut String,
    report: &BatchReport,
    records: &[Record],
    view: &MarketView,
) -> Result {
    writeln!(out, "batch key      {}", report.key)?;
    writeln!(out, "strategy       {} for {}", report.strategy, report.occasion)?;
    let repeated = if report.duplicate { " (an earlier result; nothing was sent)" } else { "" };
    writeln!(out, "status         {}{repeated}", report.status.as_str())?;
    if !report.why.is_empty() {
        writeln!(out, "because        {}", report.why)?;
    }
    writeln!(out, "\nmarkets")?;
    for market in &view.markets {
        let rate = market.funding.map(|funding| funding.rate.to_string());
        writeln!(
            out,
            "  {:<9} {:<9} mark {:<9} funding {}",
            market.venue,
            market.instrument.symbol,
            market.mark,
            rate.as_deref().unwrap_or("-")
        )?;
    }
    writeln!(out, "\ntime line (ms since admission)")?;
    write_timeline(out, records)?;
    writeln!(out, "\nlegs")?;
    for leg in &report.legs {
        write_leg(out, leg)?;
    }
    writeln!(out)?;
    for (underlying, delta) in &report.net_delta {
        writeln!(out, "net delta      {delta} {underlying}")?;
    }
    if let Some(range) = &report.net_delta_range {
        for (underlying, (least, greatest)) in range {
            writeln!(
                out,
                "could be       {least} to {greatest} {underlying}: an order is unresolved"
            )?;
        }
    }
    let (seconds, millis) = (report.exposure_ms / 1_000, report.exposure_ms % 1_000);
    writeln!(out, "exposure       {seconds}.{millis:03} s")?;
    writeln!(
        out,
        "expected funding income at {} {}",
        report.occasion,
        expected_funding(report, view)
    )?;
    Ok(())
}

fn write_timeline(out: &mut String, records: &[Record]) -> Result {
    let start = records.first().map_or(UnixMillis::default(), Record::at);
    for moment in timeline(records) {
        let (leg, venue) =
            moment.leg.map(|(leg, venue)| (leg.to_string(), venue.to_string())).unwrap_or_default();
        let line = format!(
            "  +{:<6} {leg:<6} {venue:<8} {:<13} {}",
            moment.at.since(start),
            moment.event,
            moment.details
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn write_leg(out: &mut String, leg: &LegReport) -> Result {
    let price = leg.average_price.map_or_else(|| "-".to_owned(), |price| price.to_string());
    let fees: Vec<_> = leg.fees.iter().map(|(asset, fee)| format!("{fee} {asset}")).collect();
    writeln!(
        out,
        "  {:<6} {:<8} {} {} of {} {}, average {price}, fees {}, {}",
        leg.name,
        leg.venue,
        leg.side.as_str(),
        leg.filled,
        leg.planned,
        leg.unit,
        if fees.is_empty() { "none".to_owned() } else { fees.join(" + ") },
        leg.status.as_str()
    )?;
    if let Some(reason) = &leg.reason {
        writeln!(out, "         {reason}")?;
    }
    Ok(())
}

/// What the held position would earn at the next funding time: shorts receive a positive rate, longs pay it.
fn expected_funding(report: &BatchReport, view: &MarketView) -> String {
    let income: Decimal = report
        .legs
        .iter()
        .filter_map(|leg| {
            let market = view.market(&leg.venue, &leg.instrument)?;
            let value = leg.holding.get() * market.mark.get();
            Some(-value * market.funding?.rate.get())
        })
        .sum();
    let quote = report
        .legs
        .first()
        .and_then(|leg| view.market(&leg.venue, &leg.instrument))
        .map(|market| market.instrument.quote.to_string());
    let held = report.legs.iter().any(|leg| !leg.holding.is_zero());
    let note = if held { "" } else { " (nothing is held)" };
    format!("{} {}{note}", income.round_dp(4).normalize(), quote.unwrap_or_default())
}
