//! Compares what a batch reports with what the exchanges executed. Shares nothing with the engine but its JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use equipoise_sim::{EndReason, InstrumentKind, Ledger, Order, Side};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;

use crate::venues::Venue;

/// What kind of promise was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An order had an effect twice, or more was executed than is reported.
    Duplicate,
    /// Something an exchange executed is not in the journal.
    Loss,
    /// The position that is left is not what is reported, or not neutral.
    Delta,
    /// A command ended otherwise than it must.
    Exit,
    /// A command did not end.
    Hang,
    /// An order was left open, or is nobody's.
    Stray,
    /// A repeated run was not the same run.
    Repeat,
    /// A second process got hold of a journal in use.
    Lock,
    /// A secret was found where it must not be.
    Secret,
    /// The run itself could not be carried out.
    Harness,
}

/// One broken promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// What kind.
    pub kind: Kind,
    /// For people.
    pub text: String,
}

impl Violation {
    pub(crate) fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.text)
    }
}

/// How far apart the exchanges' prices make a tenth of a bitcoin.
const SPREAD: Decimal = Decimal::from_parts(1, 0, 0, false, 4);

/// Judges a batch that has ended by its report, its time line and the exchanges' ledgers, in the order of its legs.
pub(crate) fn judge(
    report: &Value,
    shown: &Value,
    venues: [&Venue; 2],
    ledgers: &BTreeMap<String, Ledger>,
) -> Vec<Violation> {
    let mut found = ending(report);
    let mut net = Decimal::ZERO;
    for (index, venue) in venues.into_iter().enumerate() {
        let leg = Leg { report: &report["legs"][index], shown };
        let ledger = ledgers.get(venue.adapter);
        let orders = ledger.map_or(&[][..], |ledger| &ledger.orders);
        found.extend(leg.judge(orders));
        let held = venue.held(ledger);
        let positions = ledger.iter().flat_map(|ledger| &ledger.positions);
        let position: Decimal = positions.map(|position| position.quantity).sum();
        let reported = decimal(&leg.report["holding"]);
        let booked = venue.kind == InstrumentKind::Spot || position == held;
        if Some(held) != reported || !booked {
            let text = format!(
                "{} holds {held}, position {position}, reported is {}",
                venue.adapter, leg.report["holding"]
            );
            found.push(Violation::new(Kind::Delta, text));
        }
        net += venue.base(held);
    }
    let reported = decimal(&report["net_delta"]["BTC"]).unwrap_or_default();
    // Where a unit is not a number of bitcoins, or a fee takes some of them, neutral is less than can be traded.
    let exact = venues.iter().all(|venue| venue.is_exact());
    let dust = venues[0].dust().max(venues[1].dust());
    let (apart, left) =
        if exact { (Decimal::ZERO, Decimal::ZERO) } else { (SPREAD, dust + SPREAD) };
    if (reported - net).abs() > apart || net.abs() > left {
        let text = format!("the exchanges hold {net} in all, reported is {reported}");
        found.push(Violation::new(Kind::Delta, text));
    }
    found
}

/// Neither fault nor kill is a reason for anything but a neutral end without alarms.
fn ending(report: &Value) -> Vec<Violation> {
    let mut found = Vec::new();
    if !matches!(report["status"].as_str(), Some("done" | "flat")) {
        found.push(Violation::new(Kind::Delta, format!("ended {}: {report}", report["status"])));
    }
    if report.get("in_doubt").is_some()
        || report["alarms"].as_array().is_none_or(|all| !all.is_empty())
    {
        found.push(Violation::new(Kind::Delta, format!("doubts or alarms are left: {report}")));
    }
    found
}

struct Leg<'a> {
    report: &'a Value,
    shown: &'a Value,
}

impl Leg<'_> {
    fn judge(&self, orders: &[Order]) -> Vec<Violation> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        for order in orders {
            let id = &order.client_order_id;
            if !self.ids().contains(id.as_str()) {
                found.push(Violation::new(Kind::Stray, format!("order {id} is nobody's")));
            }
            if order.is_open() {
                found.push(Violation::new(Kind::Stray, format!("order {id} is still open")));
            }
            // Also without an execution: one attempt is one order. What the exchange rejected for its id is none.
            let repetition =
                order.ended_by == Some(EndReason::Repetition) && order.executed.is_zero();
            if !repetition && !seen.insert(id) {
                found.push(Violation::new(Kind::Duplicate, format!("id {id} has two orders")));
            }
        }
        found.extend(self.judge_total(orders));
        found.extend(self.judge_trades(orders));
        found
    }

    fn ids(&self) -> BTreeSet<&str> {
        let ids = self.report["client_order_ids"].as_array();
        ids.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Orders of the leg's own side open it, the others take it back.
    fn judge_total(&self, orders: &[Order]) -> Option<Violation> {
        let side = if self.report["side"] == "buy" { Side::Buy } else { Side::Sell };
        let opening = orders.iter().filter(|order| order.side == side);
        let executed: Decimal = opening.map(|order| order.executed).sum();
        let reported = decimal(&self.report["filled"]).unwrap_or_default();
        let kind = if executed > reported { Kind::Duplicate } else { Kind::Loss };
        let text = || format!("{} executed {executed}, reported {reported}", self.report["name"]);
        (executed != reported).then(|| Violation::new(kind, text()))
    }

    /// Every trade stands in the time line once, to the digit.
    fn judge_trades(&self, orders: &[Order]) -> Vec<Violation> {
        let mut at_venue: Vec<_> = orders
            .iter()
            .flat_map(|order| &order.trades)
            .map(|trade| Fill::new(trade.quantity, trade.price, trade.fee))
            .collect();
        let mut trades = BTreeSet::new();
        let mut found = Vec::new();
        for (fill, trade) in self.fills() {
            if !trades.insert(trade) {
                found.push(Violation::new(Kind::Duplicate, format!("trade {trade} told twice")));
            }
            match at_venue.iter().position(|other| Some(*other) == fill) {
                Some(index) => drop(at_venue.swap_remove(index)),
                None => {
                    let text = format!("trade {trade} is told, but no exchange knows it");
                    found.push(Violation::new(Kind::Duplicate, text));
                }
            }
        }
        for fill in at_venue {
            let text = format!("{} lacks {fill:?}", self.report["name"]);
            found.push(Violation::new(Kind::Loss, text));
        }
        found
    }

    fn fills(&self) -> impl Iterator<Item = (Option<Fill>, &str)> {
        let name = &self.report["name"];
        let entries = self.shown["timeline"].as_array().into_iter().flatten();
        let filled =
            entries.filter(move |entry| entry["event"] == "filled" && entry["leg"] == *name);
        filled.map(|entry| {
            let details = entry["details"].as_str().unwrap_or_default();
            (Fill::read(details), details.rsplit(' ').next().unwrap_or_default())
        })
    }
}

/// What a trade is told by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fill {
    quantity: Decimal,
    price: Decimal,
    fee: Decimal,
}

impl Fill {
    fn new(quantity: Decimal, price: Decimal, fee: Decimal) -> Self {
        Self { quantity, price, fee }
    }

    /// `[attempt: ]QUANTITY UNIT at PRICE QUOTE, fee FEE ASSET, trade ID`
    fn read(details: &str) -> Option<Self> {
        let told = details.rsplit_once(": ").map_or(details, |(_, told)| told);
        let words: Vec<_> = told.split(' ').collect();
        let [quantity, _, "at", price, _, "fee", fee, ..] = words.as_slice() else { return None };
        Some(Self::new(quantity.parse().ok()?, price.parse().ok()?, fee.parse().ok()?))
    }
}

fn decimal(value: &Value) -> Option<Decimal> {
    value.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;
    use crate::venues::VENUES;

    fn order(id: &str, side: &str, trades: u64) -> Value {
        let trade = |number: u64| {
            json!({ "id": number, "price": "65000", "quantity": "0.05", "fee": "1.5",
                "fee_asset": "USDT", "maker": false, "realised": "0", "time_ms": 1 })
        };
        let executed = Decimal::new(5, 2) * Decimal::from(trades);
        json!({
            "number": 1, "order_id": "1", "client_order_id": id, "symbol": "BTCUSDT", "side": side,
            "type": "market", "time_in_force": "ioc", "quantity": "0.1", "price": null,
            "reduce_only": false, "position_side": "net", "self_trade": "allowed",
            "received_ms": 1, "updated_ms": 1, "status": "filled", "ended_by": null,
            "executed": executed.to_string(), "trades": (0..trades).map(trade).collect::<Vec<_>>(),
        })
    }

    fn ledger(orders: &[Value], position: &str) -> Ledger {
        let position = json!({ "symbol": "BTCUSDT", "position_side": "net", "quantity": position,
            "cost": "0", "realised": "0", "updated_ms": 1 });
        let ledger = json!({ "balances": {}, "hedge_mode": false, "positions": [position],
            "orders": orders });
        serde_json::from_value(ledger).unwrap()
    }

    fn leg(name: &str, side: &str, holding: &str) -> Value {
        json!({ "name": name, "side": side, "client_order_ids": [format!("id-{name}")],
            "filled": "0.1", "holding": holding })
    }

    fn fill(leg: &str, details: &str) -> Value {
        json!({ "event": "filled", "leg": leg, "details": details })
    }

    /// A good batch, with what the test spoils.
    fn judged(spoil: impl FnOnce(&mut Value, &mut Value, &mut [Vec<Value>; 2])) -> Vec<Kind> {
        let mut report = json!({ "status": "done", "alarms": [], "net_delta": { "BTC": "0" },
            "legs": [leg("long", "buy", "0.1"), leg("short", "sell", "-0.1")] });
        let told = |trade: u64| format!("0.05 BTC at 65000 USDT, fee 1.50 USDT, trade {trade}");
        let mut shown = json!({ "timeline": [
            fill("long", &told(0)), fill("long", &format!("attempt 2: {}", told(1))),
            fill("short", &told(0)), fill("short", &told(1)),
        ] });
        let mut orders = [vec![order("id-long", "buy", 2)], vec![order("id-short", "sell", 2)]];
        spoil(&mut report, &mut shown, &mut orders);
        let ledgers = BTreeMap::from([
            ("binance-usdm".to_owned(), ledger(&orders[0], "0.1")),
            ("bybit-linear".to_owned(), ledger(&orders[1], "-0.1")),
        ]);
        let venues = [&VENUES[0], &VENUES[1]];
        judge(&report, &shown, venues, &ledgers)
            .into_iter()
            .map(|violation| violation.kind)
            .collect()
    }

    #[test]
    fn a_good_batch_breaks_no_promise() {
        assert_eq!(judged(|_, _, _| {}), []);
    }

    #[test]
    fn an_id_with_two_orders_is_a_duplicate() {
        let kinds = judged(|_, _, orders| orders[0].push(order("id-long", "buy", 2)));
        assert!(kinds.contains(&Kind::Duplicate), "{kinds:?}");
    }

    #[test]
    fn a_trade_that_is_not_told_is_a_loss() {
        let kinds = judged(|_, shown, _| drop(shown["timeline"].as_array_mut().unwrap().remove(2)));
        assert_eq!(kinds, [Kind::Loss]);
    }

    #[test]
    fn a_trade_told_with_another_fee_is_noticed() {
        let kinds = judged(|_, shown, _| {
            shown["timeline"][0] = fill("long", "0.05 BTC at 65000 USDT, fee 1.4 USDT, trade 0");
        });
        assert_eq!(kinds, [Kind::Duplicate, Kind::Loss]);
    }

    #[test]
    fn a_position_that_is_not_reported_is_noticed() {
        let kinds = judged(|report, _, _| report["legs"][1]["holding"] = "-0.05".into());
        assert_eq!(kinds, [Kind::Delta]);
        let kinds = judged(|report, _, _| report["net_delta"]["BTC"] = "0.1".into());
        assert_eq!(kinds, [Kind::Delta]);
    }

    #[test]
    fn an_order_under_an_unknown_id_or_left_open_is_stray() {
        let kinds = judged(|report, _, _| report["legs"][0]["client_order_ids"] = json!([]));
        assert_eq!(kinds, [Kind::Stray]);
        let kinds = judged(|_, _, orders| orders[1][0]["status"] = "new".into());
        assert_eq!(kinds, [Kind::Stray]);
    }

    #[test]
    fn a_batch_that_is_parked_or_alarmed_does_not_pass() {
        assert_eq!(judged(|report, _, _| report["status"] = "parked".into()), [Kind::Delta]);
        assert_eq!(judged(|report, _, _| report["alarms"] = json!(["drift"])), [Kind::Delta]);
    }
}
