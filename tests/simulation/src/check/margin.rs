//! Judges what the engine makes of a venue that executes after its own margin.
//!
//! The margin is an assumption: absence is proven by it, and a venue that breaks it makes the proof false. What such an
//! order does is the venue's doing. The engine answers for what it was shown of it while the batch had not ended; what
//! comes later nobody can notice.

use equipoise_core::{Alarm, Ending, OrderTag, VenueOrderId};

use super::{Checker, Claim};
use crate::env::Env;
use crate::exchange::{Exchange, VenueOrder};
use crate::mark::Mark;

impl Checker {
    /// A look at an order of this batch was complete enough to be told, and showed these orders as executed.
    pub(crate) fn shows(&mut self, now: u64, batch: u8, orders: Vec<VenueOrderId>) {
        for order in orders {
            self.shown.entry((batch, order)).or_insert(now);
        }
    }

    /// Another engine starts: what was shown to the one before counts only as far as it is in the journal.
    pub(crate) fn forgets_what_was_shown(&mut self) {
        self.shown.clear();
    }

    /// Whether the engine answers for what an order did: always, unless its venue broke its promise with it and the
    /// journal does not know of it.
    pub(super) fn counts(&self, batch: u8, tag: OrderTag, order: &VenueOrder) -> bool {
        order.beyond_margin.is_none() || {
            let attempt = self.streams[usize::from(batch)].attempts.get(&tag);
            attempt.is_some_and(|attempt| attempt.at_venue.contains_key(&order.id))
        }
    }

    /// V15: what was shown in time is in the journal, and whoever was thought absent and executed is alarmed.
    pub(super) fn judge_margin(&mut self, env: &mut Env, batch: u8, venues: &[Exchange]) {
        for tag in self.tags(batch) {
            let stream = &self.streams[usize::from(batch)];
            let Some(attempt) = stream.attempts.get(&tag) else { continue };
            let alarmed = stream.alarms.contains(&(Alarm::LateFill, tag));
            if attempt.late && !alarmed {
                let text = format!("batch {batch}: {tag:?} was absent, executed, and is no alarm");
                return self.fail(Claim::V15, text);
            }
            let ended_at = stream.ended_at().unwrap_or(u64::MAX);
            let taken_back = attempt.late && stream.ending() == Some(Ending::Flat);
            let orders = self.orders_of(batch, tag, venues).map(|(_, order)| order);
            for order in orders.filter(|order| order.executed > 0) {
                let Some(at) = order.beyond_margin else { continue };
                if at > ended_at {
                    env.tally.hit(Mark::ExecutedAfterTheEnd);
                }
                if taken_back {
                    env.tally.hit(Mark::TakenBackBeyondMargin);
                }
                let shown = self.shown.get(&(batch, order.id.clone()));
                let in_time = shown.is_some_and(|shown| *shown < ended_at);
                if in_time && !self.counts(batch, tag, order) {
                    let text =
                        format!("batch {batch}: {tag:?} was shown as executed and not recorded");
                    return self.fail(Claim::V15, text);
                }
            }
        }
    }
}
