//! A priced plan, as JSON and as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use equipoise::{
    Amount, LegCheck, LegName, PlanCheck, PositionMode, Positions, Price, Qty, ResendClass,
};
use serde::Serialize;

use super::time::seconds;

/// A priced plan as programs read it. Times in milliseconds, quantities in venue units unless they say base.
#[derive(Serialize)]
pub(crate) struct CheckDocument<'a> {
    key: String,
    legs: Vec<LegDocument<'a>>,
    net_delta: BTreeMap<&'a str, Amount>,
    doubt_ms: u64,
    doubt_grace_ms: u64,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'a [&'a str],
}

#[derive(Serialize)]
struct LegDocument<'a> {
    name: &'a str,
    venue: &'a str,
    instrument: &'a str,
    side: &'static str,
    quantity: Qty,
    #[serde(skip_serializing_if = "Option::is_none")]
    follows: Option<FollowsDocument<'a>>,
    unit: &'a str,
    asked_base: Qty,
    dust_base: Qty,
    lot: Qty,
    reference_price: Price,
    price: Option<Price>,
    notional: Amount,
    fee: Amount,
    quote: &'a str,
    class: &'static str,
    window_ms: u32,
    margin_ms: u32,
    doubt_ms: u64,
    position_mode: &'static str,
    positions: Positions,
}

/// The quantity is this share of what another leg is planned to fill.
#[derive(Serialize)]
struct FollowsDocument<'a> {
    leg: &'a str,
    ratio: Qty,
}

impl<'a> CheckDocument<'a> {
    pub(crate) fn new(check: &'a PlanCheck, warnings: &'a [&'a str]) -> Self {
        let deltas = check.net_delta.iter();
        Self {
            key: check.key.to_string(),
            legs: check.legs.iter().map(leg).collect(),
            net_delta: deltas.map(|(asset, delta)| (asset.as_str(), *delta)).collect(),
            doubt_ms: check.doubt_ms,
            doubt_grace_ms: check.doubt_grace_ms,
            warnings,
        }
    }
}

fn leg(leg: &LegCheck) -> LegDocument<'_> {
    LegDocument {
        name: leg.name.as_str(),
        venue: leg.venue.as_str(),
        instrument: leg.instrument.as_str(),
        side: leg.side.as_str(),
        quantity: leg.quantity,
        follows: leg.follows.as_ref().map(follows),
        unit: &leg.unit,
        asked_base: leg.asked_base,
        dust_base: leg.dust_base,
        lot: leg.lot,
        reference_price: leg.reference,
        price: leg.price,
        notional: leg.notional,
        fee: leg.fee,
        quote: leg.quote.as_str(),
        class: class_word(leg.class),
        window_ms: leg.window_ms,
        margin_ms: leg.margin_ms,
        doubt_ms: leg.doubt_ms,
        position_mode: mode_word(leg.position_mode),
        positions: leg.positions,
    }
}

fn follows((leg, ratio): &(LegName, Qty)) -> FollowsDocument<'_> {
    FollowsDocument { leg: leg.as_str(), ratio: *ratio }
}

/// A priced plan as people read it.
pub(crate) fn check_text(check: &PlanCheck, warnings: &[&str]) -> String {
    let mut text = format!("batch     {}\nlegs\n", check.key);
    for leg in &check.legs {
        text.push_str(&leg_text(leg));
    }
    for (asset, delta) in &check.net_delta {
        let _ = writeln!(text, "net delta {delta} {asset} after rounding");
    }
    let _ = writeln!(
        text,
        "in doubt  a leg at most {} while the venues answer, orders sent again included; a venue that does not is asked for {} more, then the batch is parked",
        seconds(check.doubt_ms),
        seconds(check.doubt_grace_ms)
    );
    for warning in warnings {
        let _ = writeln!(text, "WARNING   {warning}");
    }
    text.push_str("no order was sent\n");
    text
}

fn leg_text(leg: &LegCheck) -> String {
    let LegCheck { unit, lot, quote, .. } = leg;
    let quantity = match &leg.follows {
        Some((source, ratio)) => {
            format!("{ratio} x what '{source}' fills ({} {unit} as planned)", leg.quantity)
        }
        None => format!("{} {unit}", leg.quantity),
    };
    let mut text = format!(
        "  {}: {} {quantity} of {} at {}\n",
        leg.name,
        leg.side.as_str(),
        leg.instrument,
        leg.venue
    );
    let _ = writeln!(
        text,
        "    rounding  asked {} in base units, dust {}, lot {lot} {unit}",
        leg.asked_base, leg.dust_base
    );
    let price = leg.price.unwrap_or(leg.reference);
    let _ = writeln!(
        text,
        "    price     {price} {quote}, reference {} {quote}, notional {} {quote}, fee {} {quote}",
        leg.reference, leg.notional, leg.fee
    );
    let _ = writeln!(
        text,
        "    venue     class {}, window {}, margin {}, an order in doubt at most {}, {} positions, {}",
        class_word(leg.class),
        seconds(leg.window_ms.into()),
        seconds(leg.margin_ms.into()),
        seconds(leg.doubt_ms),
        mode_word(leg.position_mode),
        positions_word(leg.positions)
    );
    text
}

const fn class_word(class: ResendClass) -> &'static str {
    match class {
        ResendClass::A => "A",
        ResendClass::B => "B",
        ResendClass::C => "C",
    }
}

const fn mode_word(mode: PositionMode) -> &'static str {
    match mode {
        PositionMode::OneWay => "one_way",
        PositionMode::Hedge => "hedge",
    }
}

const fn positions_word(positions: Positions) -> &'static str {
    match positions {
        Positions::Exclusive => "exclusive",
        Positions::Shared => "shared",
    }
}
