//! The claims, checked against the exchanges' own ledgers once everything has come to rest.

use std::collections::{BTreeMap, BTreeSet};

use equipoise_core::{
    Alarm, Asset, BatchReport, BatchStatus, OnResidual, OrderState, Plan, Quantity, Record,
    ResendClass, Role, Saga, Side, UnixMillis,
};
use equipoise_sim::{EndReason, Ledger};
use rust_decimal::Decimal;

use crate::accounts::{self, Intent};
use crate::host::PlanEnd;
use crate::logs::shows_secret;
use crate::net::Net;
use crate::plans::{VENUES, fixed_base};
use crate::scenario::{START_MS, Scenario};
use crate::world::Found;

/// Class and margin of both venues, in the order of their names, from the failure model's table of products.
const PROMISES: [(ResendClass, u32); 2] = [(ResendClass::B, 2_000), (ResendClass::A, 10_000)];

/// Everything about one batch.
struct Batch<'a> {
    scenario: &'a Scenario,
    net: &'a Net,
    found: &'a Found,
    plan: &'a Plan,
    report: &'a BatchReport,
    records: &'a [Record],
    intents: BTreeMap<String, Intent>,
    ledgers: &'a [Ledger; 2],
}

/// Checks every claim about every batch of a seed.
pub(crate) fn all(
    scenario: &Scenario,
    net: &Net,
    ends: &BTreeMap<usize, PlanEnd>,
    records: &[Option<Vec<Record>>],
) {
    let ledgers = net.ledgers();
    let found = net.found();
    let mut known = BTreeSet::new();
    let mut instruments = BTreeSet::new();
    for (index, stored) in records.iter().enumerate() {
        let records = stored.as_deref().unwrap_or_default();
        let intents = accounts::intents(records);
        known.extend(intents.keys().cloned());
        mark_records(net, records);
        let own: BTreeSet<(usize, String)> =
            intents.values().map(|intent| (intent.exchange, intent.symbol.clone())).collect();
        if own.iter().any(|instrument| instruments.contains(instrument)) {
            net.met("several batches on one instrument");
        }
        instruments.extend(own);
        match ends.get(&index) {
            Some(PlanEnd::Ended(report)) => {
                let plan = &scenario.plans[index].plan;
                let ledgers = &ledgers;
                let found = &found;
                Batch { scenario, net, found, plan, report, records, intents, ledgers }.check();
            }
            Some(PlanEnd::Refused(why)) if stored.is_some() => {
                net.violated("D4 a refusal leaves no batch", why.clone());
            }
            Some(PlanEnd::Refused(_)) => net.met("plan refused for its size"),
            None => {}
        }
    }
    check_strangers(net, &found, &ledgers, &known);
}

/// S3: every order an exchange took belongs to an intent of the journal, or to the person trading by hand.
fn check_strangers(net: &Net, found: &Found, ledgers: &[Ledger; 2], known: &BTreeSet<String>) {
    for (exchange, ledger) in ledgers.iter().enumerate() {
        for order in &ledger.orders {
            let by_hand = found.by_hand.contains(&(exchange, order.order_id.clone()));
            if !by_hand && !known.contains(&order.client_order_id) {
                net.violated("S3 nothing leaves before its intent", format!("{order:?}"));
            }
        }
    }
}

fn mark_records(net: &Net, records: &[Record]) {
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
            Record::Alarmed { alarm: Alarm::LateFill, .. } => "late fill noticed",
            Record::Alarmed { alarm: Alarm::Drift, .. } => "drift noticed",
            _ => continue,
        };
        net.met(what);
    }
}

impl Batch<'_> {
    fn check(&self) {
        self.net.met(match self.report.status {
            BatchStatus::Done => "batch done",
            BatchStatus::Flat => "batch flat",
            BatchStatus::Parked => "batch parked",
            BatchStatus::Running => "batch still running",
        });
        if self.report.status == BatchStatus::Parked && self.is_doubled_unseen() {
            self.net.met("doubled order never seen");
            self.check_replay();
            return;
        }
        self.check_promises();
        self.check_effects();
        self.check_alarms();
        self.check_trades();
        self.check_delta();
        self.check_legs();
        self.check_end();
        self.check_replay();
        if shows_secret(&format!("{:?}", self.records)) {
            self.violated("A5 secrets stay inside", "key or secret is in the journal");
        }
    }

    fn violated(&self, claim: &'static str, seen: impl std::fmt::Display) {
        let (key, status) = (self.report.key, self.report.status.as_str());
        self.net.violated(claim, format!("batch {key} ({status}, {}): {seen}", self.report.why));
    }

    fn orders(&self) -> impl Iterator<Item = (&Intent, &equipoise_sim::Order)> {
        accounts::orders(self.ledgers, &self.intents)
    }

    fn is_doubtful(&self) -> bool {
        !self.report.in_doubt.is_empty()
    }

    fn has_alarm(&self, alarm: Alarm) -> bool {
        self.report.alarms.iter().any(|raised| raised.alarm == alarm)
    }

    /// R4: the batch was admitted with the classes and margins of the failure model's table.
    fn check_promises(&self) {
        let Some(Record::Admitted(spec)) = self.records.first() else { return };
        for leg in &spec.legs {
            let told = (leg.traits.class, leg.traits.margin_ms);
            let promised =
                PROMISES.iter().zip(VENUES).find(|(_, name)| *name == leg.venue.as_str());
            if promised.is_none_or(|(promised, _)| *promised != told) {
                self.violated("R4 venues promise what the failure model says", format!("{leg:?}"));
            }
        }
    }

    /// S1: an intent has at most one effect, and none beyond what it asked for, unless a venue or the wire doubled it:
    /// then there must be an alarm (V15).
    fn check_effects(&self) {
        let mut executed: BTreeMap<&str, Vec<&equipoise_sim::Order>> = BTreeMap::new();
        for (intent, order) in self.orders() {
            if order.quantity != intent.quantity || !same_side(order, intent.side) {
                self.violated("R1 what is sent is what was intended", format!("{order:?}"));
            }
            if order.executed > intent.quantity {
                self.violated("S1 no fill beyond the intent", format!("{order:?}"));
            }
            if !order.executed.is_zero() {
                executed.entry(&order.client_order_id).or_default().push(order);
            }
        }
        for (client_id, orders) in executed {
            if orders.len() < 2 {
                continue;
            }
            let on_its_own = self.found.twice_armed || self.found.doubled.contains(client_id);
            if !on_its_own {
                self.violated("S1 one effect for one intent", format!("{orders:?}"));
                continue;
            }
            self.net.met("order executed twice");
            let total: Decimal = orders.iter().map(|order| order.executed).sum();
            let asked = self.intents.get(client_id).map(|intent| intent.quantity);
            let over = asked.is_some_and(|asked| total > asked);
            if over && !self.has_alarm(Alarm::Overfill) && !self.is_doubtful() {
                self.violated("V15 a double effect raises an alarm", format!("{orders:?}"));
            }
        }
    }

    /// R4, V8, V15: a closed attempt gets no further fill, and none gets too much, unless a request was doubled.
    fn check_alarms(&self) {
        if self.found.twice_armed || self.intents.keys().any(|id| self.found.doubled.contains(id)) {
            return;
        }
        for alarm in [Alarm::LateFill, Alarm::Overfill] {
            if self.has_alarm(alarm) {
                self.violated("R4 what was closed stays closed", format!("{:?}", self.report));
            }
        }
    }

    /// Whether an order that was given up on took effect twice. Where nobody can see the second effect, neither a
    /// range nor an alarm can speak of it.
    fn is_doubled_unseen(&self) -> bool {
        let given_up = |intent: &Intent| {
            self.records.iter().any(
                |record| matches!(record, Record::Unresolved { tag, .. } if *tag == intent.tag),
            )
        };
        self.intents.iter().filter(|(_, intent)| given_up(intent)).any(|(id, _)| {
            let of = self.orders().filter(|(_, order)| order.client_order_id == *id);
            of.filter(|(_, order)| !order.executed.is_zero()).count() > 1
        })
    }

    /// S4: every fill is in the journal, once.
    fn check_trades(&self) {
        let ledger = accounts::ledger_trades(self.orders());
        let (journal, repeated) = accounts::journal_trades(self.records);
        if repeated {
            self.violated("S4 a fill stands in the journal once", "one is there twice");
        }
        let made_up: Vec<_> = journal.difference(&ledger).collect();
        if !made_up.is_empty() {
            self.violated("S4 a fill of the journal is the venue's", format!("{made_up:?}"));
        }
        let doubtful: BTreeSet<&str> =
            self.report.in_doubt.iter().map(|doubt| doubt.client_order_id.as_str()).collect();
        let missing: Vec<_> = ledger
            .difference(&journal)
            .filter(|row| !doubtful.contains(row.client_id.as_str()))
            .collect();
        if !missing.is_empty() {
            self.violated("S4 every fill is in the journal", format!("{missing:?}"));
        }
    }

    /// S2: what the report says is what the ledgers say, to the digit, or a range that holds it.
    fn check_delta(&self) {
        let ledger = accounts::deltas(self.orders());
        let of = |asset: &str| ledger.get(asset).copied().unwrap_or_default();
        let assets: BTreeSet<&str> = self
            .plan
            .legs
            .iter()
            .map(|leg| accounts::underlying(leg.instrument.as_str()))
            .collect();
        for asset in assets {
            let name = Asset::new(asset).expect("an asset of the exchanges");
            let stated =
                self.report.net_delta.get(&name).map_or(Decimal::ZERO, |delta| delta.get());
            let range = self.report.net_delta_range.as_ref().and_then(|range| range.get(&name));
            let (least, greatest) =
                range.map_or((stated, stated), |(least, greatest)| (least.get(), greatest.get()));
            if of(asset) < least || of(asset) > greatest {
                let seen = format!("{asset}: ledgers {}, reported {least}..{greatest}", of(asset));
                self.violated("S2 the report is exact or a range that holds", seen);
            }
            self.check_quiescent(asset, of(asset));
        }
        if self.is_doubtful() && self.report.status != BatchStatus::Parked {
            self.violated("S2 only a parked batch may hold doubt", format!("{:?}", self.report));
        }
    }

    fn check_quiescent(&self, asset: &str, delta: Decimal) {
        match self.report.status {
            BatchStatus::Done => {
                if let Some((planned, slack)) = self.planned(asset)
                    && (delta - planned).abs() > slack
                {
                    let seen = format!("{asset}: {delta} instead of {planned} within {slack}");
                    self.violated("S2 done is the plan within a lot", seen);
                }
            }
            BatchStatus::Flat => {
                let dust = self.dust(asset);
                if delta.abs() >= dust {
                    let seen = format!("{asset}: {delta} is left, dust is below {dust}");
                    self.violated("S2 flat is zero within dust", seen);
                }
            }
            BatchStatus::Parked if self.report.why.is_empty() => {
                self.violated("a parked batch says why", "it does not");
            }
            BatchStatus::Parked => {}
            BatchStatus::Running => self.violated("batches end", "it is still running"),
        }
    }

    /// Net delta the plan asks for and how far rounding may take it, where the plan alone says so.
    fn planned(&self, asset: &str) -> Option<(Decimal, Decimal)> {
        let lot = self.instruments(asset).map(|instrument| instrument.step).max()?;
        let mut sizes: BTreeMap<&str, Decimal> = BTreeMap::new();
        let (mut planned, mut rounded) = (Decimal::ZERO, Decimal::ZERO);
        for leg in &self.plan.legs {
            let size = match &leg.quantity {
                Quantity::Of { leg: source, ratio } => {
                    sizes.get(source.as_str()).copied()? * ratio.get()
                }
                _ => fixed_base(leg)?,
            };
            sizes.insert(leg.name.as_str(), size);
            if accounts::underlying(leg.instrument.as_str()) != asset {
                continue;
            }
            planned += if leg.side == Side::Buy { size } else { -size };
            if !(size % lot).is_zero() {
                rounded += lot;
            }
        }
        Some((planned, rounded.max(lot)))
    }

    /// Smallest order of the coarsest instrument, at the lowest price this seed may have seen.
    fn dust(&self, asset: &str) -> Decimal {
        let low = Decimal::from(if asset == "BTC" { 63_000 } else { 3_100 });
        let smallest = |instrument: equipoise_sim::Instrument| {
            let worth = (instrument.notional_min / low / instrument.step).ceil() * instrument.step;
            instrument.step.max(instrument.quantity_min).max(worth)
        };
        self.instruments(asset).map(smallest).max().unwrap_or_default()
    }

    /// Instruments the plan trades in an underlying.
    fn instruments(&self, asset: &str) -> impl Iterator<Item = equipoise_sim::Instrument> {
        let legs = self
            .plan
            .legs
            .iter()
            .filter(move |leg| accounts::underlying(leg.instrument.as_str()) == asset);
        legs.filter_map(|leg| {
            let exchange = VENUES.iter().position(|name| *name == leg.venue.as_str())?;
            let listed = self.net.instruments(exchange);
            listed.into_iter().find(|listed| listed.symbol == leg.instrument.as_str())
        })
    }

    /// What the report says of each leg is what the ledgers say, and no leg entered more than it was to.
    fn check_legs(&self) {
        let entered = accounts::entered(self.orders());
        for leg in &self.report.legs {
            let executed = entered.get(leg.name.as_str()).copied().unwrap_or_default();
            if !self.is_doubtful() && leg.filled.get() != executed {
                let seen = format!("leg {}: {} for {executed}", leg.name, leg.filled);
                self.violated("S4 a leg's fills are the ledgers'", seen);
            }
            let doubled = self.found.twice_armed || !self.found.doubled.is_empty();
            if executed > leg.planned.get() && !doubled {
                let seen = format!("leg {}: {executed} of {}", leg.name, leg.planned);
                self.violated("S1 no leg enters more than planned", seen);
            }
        }
        for (intent, order) in self.orders() {
            let by_its_own = order.ended_by == Some(EndReason::SelfTrade);
            if by_its_own && self.scenario.calm {
                self.violated("V11 legs do not trade with each other", format!("{order:?}"));
            }
            if intent.reduce_only && intent.tag.role == Role::Entry {
                self.violated("K5 only unwinds reduce only", format!("{order:?}"));
            }
        }
    }

    /// Where nothing goes wrong, nothing is parked but by policy.
    fn check_end(&self) {
        let by_policy = self.plan.policy.on_residual == OnResidual::Park;
        if self.scenario.calm && self.report.status == BatchStatus::Parked && !by_policy {
            self.violated("a calm world parks nothing", format!("{:?}", self.report));
        }
    }

    /// A later start would read the same batch from the journal.
    fn check_replay(&self) {
        match Saga::replay(self.records) {
            Ok(saga) => {
                let report = saga.report(UnixMillis(START_MS));
                let same = report.status == self.report.status
                    && report.net_delta == self.report.net_delta
                    && report.net_delta_range == self.report.net_delta_range
                    && report.legs == self.report.legs;
                if !same {
                    self.violated("replay equals the live batch", format!("{report:?}"));
                }
            }
            Err(error) => self.violated("the journal replays", error),
        }
    }
}

fn same_side(order: &equipoise_sim::Order, side: Side) -> bool {
    (order.side == equipoise_sim::Side::Buy) == (side == Side::Buy)
}
