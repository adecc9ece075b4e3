//! The claims, checked against the exchanges' own ledgers once everything has come to rest.

mod delta;
mod growth;

use std::collections::{BTreeMap, BTreeSet};

use equipoise_core::{
    Alarm, BatchReport, BatchStatus, OnResidual, Plan, Record, ResendClass, Role, Saga, Side,
    UnixMillis,
};
use equipoise_sim::{EndReason, Order};
use rust_decimal::Decimal;

use crate::accounts::{self, Books, Intent, References};
use crate::host::PlanEnd;
use crate::met;
use crate::net::Net;
use crate::places;
use crate::scenario::{START_MS, Scenario};
use crate::secrets;
use crate::world::Found;

/// Everything about one batch.
struct Batch<'a> {
    scenario: &'a Scenario,
    net: &'a Net,
    found: &'a Found,
    plan: &'a Plan,
    report: &'a BatchReport,
    records: &'a [Record],
    intents: BTreeMap<String, Intent>,
    references: References,
    books: &'a Books,
}

/// Checks every claim about every batch of a seed.
pub(crate) fn all(
    scenario: &Scenario,
    net: &Net,
    ends: &BTreeMap<usize, PlanEnd>,
    records: &[Option<Vec<Record>>],
) {
    let books = net.books();
    let found = net.found();
    let mut known = BTreeSet::new();
    let mut instruments = BTreeSet::new();
    for (index, stored) in records.iter().enumerate() {
        let records = stored.as_deref().unwrap_or_default();
        let intents = books.intents(records);
        known.extend(intents.keys().cloned());
        met::mark_records(net, records);
        met::mark_places(net, &books, &intents, records);
        growth::check(net, &books, &found, &intents, records);
        let own: BTreeSet<(usize, String)> =
            intents.values().map(|intent| (intent.exchange, intent.symbol.clone())).collect();
        if own.iter().any(|instrument| instruments.contains(instrument)) {
            net.met("several batches on one instrument");
        }
        instruments.extend(own);
        match ends.get(&index) {
            Some(PlanEnd::Ended(report)) => {
                let plan = &scenario.plans[index].plan;
                let (books, found) = (&books, &found);
                let references = accounts::references(records);
                Batch { scenario, net, found, plan, report, records, intents, references, books }
                    .check();
            }
            Some(PlanEnd::Refused(why)) if stored.is_some() => {
                net.violated("D4 a refusal leaves no batch", why.clone());
            }
            Some(PlanEnd::Refused(_)) => net.met("plan refused for its size"),
            None => {}
        }
    }
    check_strangers(net, &found, &books, &known);
}

/// S3: every order an exchange took belongs to an intent of the journal, or to the person trading by hand.
fn check_strangers(net: &Net, found: &Found, books: &Books, known: &BTreeSet<String>) {
    for (exchange, book) in books.0.iter().enumerate() {
        for order in &book.ledger.orders {
            let by_hand = found.by_hand.contains(&(exchange, order.order_id.clone()));
            if !by_hand && !known.contains(&order.client_order_id) {
                net.violated("S3 nothing leaves before its intent", format!("{order:?}"));
            }
        }
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
        if secrets::shows(&format!("{:?}", self.records)) {
            self.violated("A5 secrets stay inside", "key or secret is in the journal");
        }
    }

    fn violated(&self, claim: &'static str, seen: impl std::fmt::Display) {
        let (key, status) = (self.report.key, self.report.status.as_str());
        self.net.violated(claim, format!("batch {key} ({status}, {}): {seen}", self.report.why));
    }

    fn orders(&self) -> impl Iterator<Item = (&Intent, &Order)> {
        self.books.orders(&self.intents)
    }

    fn is_doubtful(&self) -> bool {
        !self.report.in_doubt.is_empty()
    }

    fn has_alarm(&self, alarm: Alarm) -> bool {
        self.report.alarms.iter().any(|raised| raised.alarm == alarm)
    }

    /// The batch was admitted with the classes and margins of the failure model's table. What an engine does with other
    /// ones is judged apart from this, by what is executed.
    fn check_promises(&self) {
        let Some(Record::Admitted(spec)) = self.records.first() else { return };
        for leg in &spec.legs {
            let told = (leg.traits.class, leg.traits.margin_ms);
            let place = places::find(leg.venue.as_str());
            if place.is_none_or(|place| (place.class, place.margin_ms) != told) {
                self.violated("traits are those of the failure model", format!("{leg:?}"));
            }
        }
    }

    /// S1: an intent has at most one effect, and none beyond what it asked for, unless a venue whose class allows that
    /// or the wire to it doubled it: then there must be an alarm (V15).
    fn check_effects(&self) {
        let mut executed: BTreeMap<&str, Vec<&Order>> = BTreeMap::new();
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
            let doubled = self.found.twice_armed || self.found.doubled.contains(client_id);
            if !doubled || !self.may_execute_twice(client_id) {
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

    /// Whether the venue of an order forgets ids, so that a doubled request may take effect twice.
    fn may_execute_twice(&self, client_id: &str) -> bool {
        let book = self.intents.get(client_id).and_then(|intent| self.books.0.get(intent.exchange));
        book.is_some_and(|book| book.place.class != ResendClass::A)
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

    /// What the report says of each leg is what the ledgers say, and no leg entered more than it was to.
    fn check_legs(&self) {
        let entered = accounts::entered(self.orders());
        let held = self.books.held(self.orders());
        for leg in &self.report.legs {
            let holds = held.get(leg.name.as_str()).copied().unwrap_or_default();
            if !self.is_doubtful() && leg.holding.get() != holds {
                let seen = format!("leg {}: {} for {holds}", leg.name, leg.holding);
                self.violated("K2 a leg holds what was received", seen);
            }
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

fn same_side(order: &Order, side: Side) -> bool {
    (order.side == equipoise_sim::Side::Buy) == (side == Side::Buy)
}
