//! The only place where a saga's state changes, live and in replay.

use std::sync::Arc;

use crate::decimal::Qty;
use crate::name::VenueOrderId;
use crate::order::{Fill, OrderSnapshot, OrderState};
use crate::record::{OrderTag, Record, Role};
use crate::time::UnixMillis;

use super::order::{AtVenue, Closing, Order, Stage};
use super::{Ended, Saga};

/// A record that does not fit the state it was applied to: a defect, or a journal that is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IllegalRecord {
    /// A batch whose first record is no admission.
    #[error("the first record of a batch is not its admission")]
    NotAdmitted,
    /// An admission whose legs, listing or dependencies name legs it does not have, or wait for each other.
    #[error("the admission of batch {0} does not hold together")]
    UnsoundAdmission(crate::key::BatchKey),
    /// A second admission.
    #[error("a batch was admitted twice")]
    AdmittedTwice,
    /// A leg or an attempt that does not exist.
    #[error("record {record} names leg {} attempt {} which does not exist", .tag.leg, .tag.attempt)]
    NoSuchOrder {
        /// Kind of the record.
        record: &'static str,
        /// Which attempt.
        tag: OrderTag,
    },
    /// An attempt in a stage the record cannot follow.
    #[error("record {record} cannot follow {stage} at leg {} attempt {}", .tag.leg, .tag.attempt)]
    WrongStage {
        /// Kind of the record.
        record: &'static str,
        /// Stage found.
        stage: String,
        /// Which attempt.
        tag: OrderTag,
    },
}

impl Saga {
    /// Applies one record that is durable, or about to be made durable before anything acts on it.
    ///
    /// # Errors
    /// When it does not fit; the state is then unchanged.
    pub fn apply(&mut self, record: &Record) -> Result<(), IllegalRecord> {
        match record {
            Record::Admitted(_) => return Err(IllegalRecord::AdmittedTwice),
            Record::Intent { tag, request, clock, at } => {
                self.add_order(*tag, Order::new(request.clone(), *clock, *at))?;
            }
            Record::Stopped { at } => {
                self.stopped_at.get_or_insert(*at);
            }
            Record::UnwindStarted { at } => {
                // A start that finds it begun begins its time anew: nobody could act while the process was down.
                self.unwind_started_at = Some(*at);
            }
            Record::Contradicted { leg, at, .. } => {
                let tag = OrderTag { leg: *leg, role: Role::Unwind, attempt: 0 };
                let orders = self.legs.get_mut(usize::from(*leg));
                let orders =
                    orders.ok_or(IllegalRecord::NoSuchOrder { record: "Contradicted", tag })?;
                let orders = Arc::make_mut(orders);
                orders.contradictions = orders.contradictions.saturating_add(1);
                orders.contradicted_at = Some(*at);
            }
            Record::Alarmed { alarm, tag, .. } => self.alarms.push((*alarm, *tag)),
            Record::Ended { ending, why, at } => {
                self.ended = Some(Ended { ending: *ending, why: why.clone(), at: *at });
            }
            about_order => self.apply_to_order(about_order)?,
        }
        self.records += 1;
        Ok(())
    }

    fn add_order(&mut self, tag: OrderTag, order: Order) -> Result<(), IllegalRecord> {
        let no_such = IllegalRecord::NoSuchOrder { record: "Intent", tag };
        let Some(leg) = self.legs.get_mut(usize::from(tag.leg)) else {
            return Err(no_such);
        };
        let leg = Arc::make_mut(leg);
        let orders = match tag.role {
            Role::Entry => &mut leg.entries,
            Role::Unwind => &mut leg.unwinds,
        };
        if orders.len() != usize::from(tag.attempt) {
            return Err(no_such);
        }
        // R5: one attempt at a time, every one before conclusively closed.
        let open = orders.iter().find(|order| order.is_unresolved());
        #[cfg(planted)]
        let open = open.filter(|_| !crate::planted::bent().attempts_overlap);
        if let Some(open) = open {
            return Err(wrong_stage("Intent", tag, &open.stage));
        }
        orders.push(order);
        if tag.role == Role::Unwind {
            // The position read for it agreed, so what contradicted before was a stale reading.
            leg.contradictions = 0;
        }
        Ok(())
    }

    fn apply_to_order(&mut self, record: &Record) -> Result<(), IllegalRecord> {
        let Some(tag) = record.tag() else {
            return Err(IllegalRecord::AdmittedTwice);
        };
        let spec = Arc::clone(&self.spec);
        let no_such = IllegalRecord::NoSuchOrder { record: kind(record), tag };
        let Some(leg) = spec.leg(tag.leg) else {
            return Err(no_such);
        };
        let orders = self.legs.get_mut(usize::from(tag.leg)).map(Arc::make_mut);
        let orders = orders.map(|orders| match tag.role {
            Role::Entry => &mut orders.entries,
            Role::Unwind => &mut orders.unwinds,
        });
        let order = orders.and_then(|orders| orders.get_mut(usize::from(tag.attempt)));
        let order = order.ok_or(no_such)?;
        order.learn(record, tag, leg.traits.margin_ms)?;
        if order.stage == Stage::Known && order.is_settled() {
            order.close(Closing::Ended, record.at());
        }
        if matches!(record, Record::Filled { .. } | Record::Busted { .. }) {
            self.forget_contradictions(tag.leg);
        }
        Ok(())
    }

    /// What contradicted other fills than there are now says nothing about these.
    fn forget_contradictions(&mut self, leg: u8) {
        for index in (0_u8..).take(self.legs.len()) {
            if self.same_instrument(index, leg) && self.legs[usize::from(index)].contradictions > 0
            {
                Arc::make_mut(&mut self.legs[usize::from(index)]).contradictions = 0;
            }
        }
    }
}

impl Order {
    fn learn(
        &mut self,
        record: &Record,
        tag: OrderTag,
        margin_ms: u32,
    ) -> Result<(), IllegalRecord> {
        let illegal = wrong_stage(kind(record), tag, &self.stage);
        match (record, &self.stage) {
            (Record::Sent { at, .. }, _) => self.sent_at = Some(*at),
            (Record::Transmission { deadline, .. }, Stage::InDoubt) => {
                self.request.deadline = *deadline;
                self.transmissions = self.transmissions.saturating_add(1);
                self.stage = Stage::Intended;
                self.missed = false;
                self.searched_at = None;
                self.searched_venue_time = None;
            }
            (Record::Unsent { at, .. }, Stage::Intended) if self.transmissions == 1 => {
                self.close(Closing::Unsent, *at);
            }
            (
                Record::Doubted { at, .. },
                Stage::Intended
                | Stage::InDoubt
                | Stage::Known
                | Stage::Closed(Closing::Unresolved(_) | Closing::Ended | Closing::Refused(_)),
            ) => {
                self.pursued_from = *at;
                self.ask_again();
            }
            (Record::Refused { refusal, at, .. }, Stage::Intended) if self.transmissions == 1 => {
                self.refused = Some(refusal.clone());
                self.close(Closing::Refused(refusal.clone()), *at);
            }
            // Facts from the venue are taken in every stage, closed ones included (R8).
            (Record::Observed { venue_order, state, executed, at, .. }, _) => {
                self.observe(venue_order, state, *executed, *at);
            }
            (Record::Filled { venue_order, fill, at, .. }, _) => {
                self.fill(venue_order, fill, *at);
            }
            (Record::Busted { venue_order, fill, at, .. }, _) => {
                self.bust(venue_order, fill, *at);
            }
            // Given up for its audit alone: that is made up for now.
            (Record::Audited { at, .. }, Stage::Closed(Closing::Unresolved(_)))
                if self.is_settled() =>
            {
                self.audited = true;
                self.close(Closing::Ended, *at);
            }
            (Record::Audited { .. }, _) => self.audited = true,
            (
                Record::NotFound { venue_time, at, .. },
                Stage::InDoubt | Stage::Closed(Closing::Unresolved(_)),
            ) => {
                self.missed = true;
                if *venue_time > self.request.deadline.plus_ms(margin_ms.into()) {
                    self.searched_at = Some(*at);
                    self.searched_venue_time = Some(*venue_time);
                }
            }
            (Record::Absent { at, .. }, Stage::InDoubt | Stage::Closed(Closing::Unresolved(_))) => {
                self.audited |= self.refused.is_some();
                let refused = self.refused.clone().map(Closing::Refused);
                self.close(refused.unwrap_or(Closing::Absent), *at);
            }
            (
                Record::Unresolved { why, at, .. },
                Stage::InDoubt | Stage::Known | Stage::Closed(Closing::Ended | Closing::Refused(_)),
            ) => {
                self.close(Closing::Unresolved(why.clone()), *at);
            }
            _ => return Err(illegal),
        }
        Ok(())
    }

    /// What the venue has shown stays shown, and a refusal stands: a further attempt may have followed it, so it is
    /// never in doubt again. Only what was still open about it is asked for.
    fn ask_again(&mut self) {
        self.stage = match &self.refused {
            _ if !self.at_venue.is_empty() => Stage::Known,
            Some(refusal) => Stage::Closed(Closing::Refused(refusal.clone())),
            None => Stage::InDoubt,
        };
        if !self.is_closed() {
            self.closed_at = None;
        }
    }

    /// What it would be if all of a snapshot were applied.
    pub(super) fn take_in(&mut self, snapshot: &OrderSnapshot) {
        let (id, at) = (&snapshot.venue_order, self.intended_at);
        for fill in &snapshot.busted {
            self.bust(id, fill, at);
        }
        for fill in &snapshot.fills {
            self.fill(id, fill, at);
        }
        self.observe(id, &snapshot.state, snapshot.executed, at);
    }

    fn observe(&mut self, id: &VenueOrderId, state: &OrderState, executed: Qty, at: UnixMillis) {
        let order = self
            .at_venue
            .entry(id.clone())
            .or_insert_with(|| AtVenue { state: OrderState::Open, executed: Qty::ZERO });
        // Answers may be old (V4): quantities only grow, an ended order stays ended.
        order.executed = order.executed.max(executed);
        #[cfg(planted)]
        if crate::planted::bent().executed_may_fall {
            order.executed = executed;
        }
        if order.state == OrderState::Open {
            order.state = state.clone();
        }
        self.known(at);
    }

    fn fill(&mut self, id: &VenueOrderId, fill: &Fill, at: UnixMillis) {
        let key = (id.clone(), fill.trade.clone());
        if !self.busted.contains_key(&key) {
            self.fills.entry(key).or_insert_with(|| (fill.clone(), at));
        }
        self.shown(id, at);
    }

    fn bust(&mut self, id: &VenueOrderId, fill: &Fill, at: UnixMillis) {
        let key = (id.clone(), fill.trade.clone());
        self.fills.remove(&key);
        self.busted.entry(key).or_insert_with(|| fill.clone());
        self.shown(id, at);
    }

    fn shown(&mut self, id: &VenueOrderId, at: UnixMillis) {
        self.at_venue
            .entry(id.clone())
            .or_insert(AtVenue { state: OrderState::Open, executed: Qty::ZERO });
        self.known(at);
    }

    /// The venue shows it: whatever was concluded before, it is there, and open until proven settled.
    fn known(&mut self, at: UnixMillis) {
        self.known_at.get_or_insert(at);
        self.news_at = Some(at);
        self.stage = Stage::Known;
        self.closed_at = None;
    }

    pub(super) fn close(&mut self, closing: Closing, at: UnixMillis) {
        self.stage = Stage::Closed(closing);
        self.closed_at = Some(at);
    }
}

fn wrong_stage(record: &'static str, tag: OrderTag, stage: &Stage) -> IllegalRecord {
    let stage = match stage {
        Stage::Intended => "intended",
        Stage::InDoubt => "in doubt",
        Stage::Known => "known at the venue",
        Stage::Closed(_) => "closed",
    };
    IllegalRecord::WrongStage { record, stage: stage.to_owned(), tag }
}

const fn kind(record: &Record) -> &'static str {
    match record {
        Record::Admitted(_) => "Admitted",
        Record::Intent { .. } => "Intent",
        Record::Transmission { .. } => "Transmission",
        Record::Sent { .. } => "Sent",
        Record::Unsent { .. } => "Unsent",
        Record::Doubted { .. } => "Doubted",
        Record::Refused { .. } => "Refused",
        Record::Observed { .. } => "Observed",
        Record::Filled { .. } => "Filled",
        Record::Busted { .. } => "Busted",
        Record::Audited { .. } => "Audited",
        Record::NotFound { .. } => "NotFound",
        Record::Absent { .. } => "Absent",
        Record::Unresolved { .. } => "Unresolved",
        Record::Stopped { .. } => "Stopped",
        Record::UnwindStarted { .. } => "UnwindStarted",
        Record::Contradicted { .. } => "Contradicted",
        Record::Alarmed { .. } => "Alarmed",
        Record::Ended { .. } => "Ended",
    }
}
