//! Which situations a batch met, by its records and by the exchanges' ledgers.

use std::collections::BTreeMap;

use equipoise_core::{Alarm, OrderState, OrderTag, Record, Role};
use equipoise_sim::{Instrument, InstrumentKind, Order};

use crate::accounts::{self, Books, Intent};
use crate::net::Net;

/// What the records of a batch tell of.
pub(crate) fn mark_records(net: &Net, records: &[Record]) {
    let refused = |of: &OrderTag| {
        records.iter().any(|record| matches!(record, Record::Refused { tag, .. } if tag == of))
    };
    for record in records {
        let what = match record {
            Record::Absent { .. } => "recorded Absent",
            Record::Audited { .. } => "recorded Audited",
            Record::Contradicted { .. } => "recorded Contradicted",
            Record::Doubted { .. } => "recorded Doubted",
            Record::NotFound { .. } => "recorded NotFound",
            Record::Refused { .. } => "recorded Refused",
            Record::Stopped { .. } => "recorded Stopped",
            Record::Transmission { .. } => "recorded Transmission",
            Record::Unresolved { .. } => "recorded Unresolved",
            Record::Unsent { .. } => "recorded Unsent",
            Record::UnwindStarted { .. } => "recorded UnwindStarted",
            Record::Observed { state: OrderState::Open, .. } => "order resting",
            Record::Alarmed { alarm: Alarm::Overfill, .. } => "overfill noticed",
            Record::Alarmed { alarm: Alarm::LateFill, tag, .. } if refused(tag) => {
                "copy of a refused order executed"
            }
            Record::Alarmed { alarm: Alarm::LateFill, .. } => "late fill noticed",
            Record::Alarmed { alarm: Alarm::Drift, .. } => "drift noticed",
            _ => continue,
        };
        net.met(what);
    }
}

/// Which adapters were traded at, took something back and held a leg in doubt, and what their products are like.
pub(crate) fn mark_places(
    net: &Net,
    books: &Books,
    intents: &BTreeMap<String, Intent>,
    records: &[Record],
) {
    let place = |intent: &Intent| books.0.get(intent.exchange).map(|book| book.place);
    for intent in intents.values() {
        let doubted = records
            .iter()
            .any(|record| matches!(record, Record::Doubted { tag, .. } if *tag == intent.tag));
        if let Some(place) = place(intent).filter(|_| doubted) {
            net.met(place.met.doubted);
        }
    }
    for (intent, order) in books.orders(intents).filter(|(_, order)| !order.executed.is_zero()) {
        let Some(place) = place(intent) else { continue };
        net.met(place.met.played);
        if intent.tag.role == Role::Unwind {
            net.met(place.met.unwound);
        }
        if let Some(instrument) = books.instrument(place.adapter, &order.symbol) {
            mark_product(net, instrument, order);
        }
    }
}

fn mark_product(net: &Net, instrument: &Instrument, order: &Order) {
    let third =
        |asset: &str| ![instrument.base, instrument.quote, instrument.settle].contains(&asset);
    net.met(match instrument.kind {
        InstrumentKind::Spot => "spot traded",
        InstrumentKind::Linear => "linear contract traded",
        InstrumentKind::Inverse => "inverse contract traded",
    });
    if order.trades.iter().any(|trade| accounts::is_paid_in_base(instrument, trade)) {
        net.met("fee taken out of what was bought");
    }
    if order.trades.iter().any(|trade| third(&trade.fee_asset)) {
        net.met("fee taken in a third asset");
    }
    if order.position_side != equipoise_sim::PositionSide::Net {
        net.met("position of hedge mode");
    }
}
