//! What a strategy does after everything is over: it comes again with a changed plan, or on another journal (D2, D3, D5).

use std::collections::BTreeMap;
use std::sync::Arc;

use equipoise_core::{OrderTag, Plan, Quantity, Record, Role};
use equipoise_runtime::journal::MemoryDisk;
use equipoise_runtime::{Engine, SubmitError};

use crate::host::PlanEnd;
use crate::net::Net;
use crate::scenario::Scenario;

impl Scenario {
    /// D2 and D3: the same key with another policy, and the same occasion with another size, are refused.
    pub(crate) async fn submit_changed(&self, net: &Arc<Net>, engine: &Engine, plan: &Plan) {
        let mut other = plan.clone();
        other.policy.leg_timeout_ms += 1;
        match engine.submit(&other).await {
            Err(SubmitError::KeyUsed { .. }) => net.met("changed plan refused"),
            answer => {
                let seen = format!("{:?}", answer.map(|handle| handle.report()));
                net.violated("D2 a key stands for one plan", seen);
            }
        }
        let mut other = plan.clone();
        let Some(base) = other.legs.iter_mut().find_map(|leg| match &mut leg.quantity {
            Quantity::Base(base) => Some(base),
            _ => None,
        }) else {
            return;
        };
        *base = base.plus(*base);
        match engine.submit(&other).await {
            Err(SubmitError::OccasionUsed { .. }) => net.met("used occasion refused"),
            answer => {
                let seen = format!("{:?}", answer.map(|handle| handle.report()));
                net.violated("D3 an occasion is traded once", seen);
            }
        }
    }

    /// D5: on an empty journal, a batch whose orders a venue knows is refused and sends nothing.
    pub(crate) async fn lose_journal(
        &self,
        net: &Arc<Net>,
        disk: &MemoryDisk,
        ends: &BTreeMap<usize, PlanEnd>,
    ) {
        let known = ends.iter().find(|(index, end)| {
            let ended = matches!(end, PlanEnd::Ended(_));
            ended && self.is_known_at_a_venue(net, disk, **index)
        });
        let Some((index, _)) = known else { return };
        let empty = MemoryDisk::new();
        let Ok(engine) = self.engine(net, &empty, 0).await else {
            return net.violated("an engine starts on an empty journal", "it does not");
        };
        let orders = || net.orders_accepted();
        let before = orders();
        match engine.submit(&self.plans[*index].plan).await {
            Err(SubmitError::JournalMissing { .. }) => net.met("lost journal noticed"),
            // Prices may have moved below what the plan needs; then it is refused before it is looked up.
            Err(SubmitError::Check(_)) => {}
            answer => {
                let seen = format!("{:?}", answer.map(|handle| handle.report()));
                net.violated("D5 a lost journal is noticed", seen);
            }
        }
        engine.drain().await;
        if orders() != before {
            net.violated("D5 a lost journal sends nothing", format!("{before:?}: {:?}", orders()));
        }
    }

    /// Whether the ledger of a venue holds an order under the id of a first attempt.
    fn is_known_at_a_venue(&self, net: &Arc<Net>, disk: &MemoryDisk, index: usize) -> bool {
        let key = self.plans[index].plan.check().ok().map(|checked| checked.key);
        let records = key.and_then(|key| disk.synced_records(key).ok().flatten());
        let books = net.books();
        records.unwrap_or_default().iter().any(|record| match record {
            Record::Intent {
                tag: OrderTag { role: Role::Entry, attempt: 0, .. }, request, ..
            } => {
                let id = request.client_id.as_str();
                let mut orders = books.0.iter().flat_map(|book| &book.ledger.orders);
                orders.any(|order| order.client_order_id == id)
            }
            _ => false,
        })
    }
}
