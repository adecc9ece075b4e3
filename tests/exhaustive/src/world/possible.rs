//! What can happen next.

use equipoise_core::{ResendClass, UnixMillis};

use super::{Action, Durable, World};
use crate::config::{Budget, Config};
use crate::exchange::{Life, Verdict};
use crate::fair::fair;
use crate::owner::Owner;

impl World {
    /// Everything that can happen next, within what may still go wrong.
    pub(crate) fn possible(&self, config: &Config) -> Vec<Action> {
        let mut actions = Vec::new();
        let over = self.is_over();
        for (who, owner) in (0_u8..).zip(&self.owners) {
            if over {
                // What an earlier owner had checked and not yet handed over may still leave it.
                hand_overs(who, owner, &mut actions);
            } else {
                self.of_owner(who, owner, &mut actions);
            }
        }
        self.of_wire(config, &mut actions);
        self.of_venues(config, &mut actions);
        if !over {
            self.of_process(config, &mut actions);
            if let Some(tick) = self.tick() {
                actions.push(tick);
            }
        }
        let Budget { crashes, takeovers, faults, stops, .. } = self.left;
        if config.orderly && !over && [crashes, takeovers, faults, stops] == [0; 4] {
            self.keep_first(&mut actions);
        }
        actions
    }

    /// Leaves the first fair action, with everything else that could come of the same request or order.
    fn keep_first(&self, actions: &mut Vec<Action>) {
        if let Some(first) = fair(self, actions).first() {
            let first = first.without_outcome();
            actions.retain(|action| action.without_outcome() == first);
        }
    }

    fn of_owner(&self, who: u8, owner: &Owner, actions: &mut Vec<Action>) {
        if owner.pending.is_some() {
            actions.push(Action::Append { who });
            return;
        }
        if owner.undecided {
            actions.push(Action::Wake { who });
        }
        hand_overs(who, owner, actions);
        let faulty = self.left.faults > 0;
        if faulty {
            let unsent = (0_u8..).zip(&owner.outbox).map(|(nth, _)| Action::Unsent { who, nth });
            actions.extend(unsent);
        }
        for (nth, _) in (0_u8..).zip(&owner.readings) {
            actions.push(Action::Hear { who, nth });
        }
        for (nth, answer) in (0_u8..).zip(&self.answers) {
            if answer.epoch == owner.epoch {
                actions.push(Action::Reply { nth });
            }
        }
        for (nth, tag) in (0_u8..).zip(&owner.calls) {
            if faulty || !self.is_answerable(owner.epoch, *tag) {
                actions.push(Action::Timeout { who, nth });
            }
        }
        if !owner.undecided {
            self.of_wanted(who, owner, actions);
        }
    }

    /// Whether the answer to a call is still to come by itself.
    pub(crate) fn is_answerable(&self, epoch: u8, tag: equipoise_core::OrderTag) -> bool {
        self.answers.iter().any(|answer| (answer.epoch, answer.tag) == (epoch, tag))
            || self
                .wire
                .iter()
                .any(|parcel| parcel.awaited && (parcel.epoch, parcel.tag) == (epoch, tag))
    }

    fn of_wanted(&self, who: u8, owner: &Owner, actions: &mut Vec<Action>) {
        let faulty = self.left.faults > 0;
        for (nth, (tag, _)) in (0_u8..).zip(&owner.wanted.query) {
            if owner.is_looking(*tag) {
                continue;
            }
            actions.push(Action::Ask { who, nth, bare: false });
            if faulty {
                actions.push(Action::Ask { who, nth, bare: true });
                actions.push(Action::AskLate { who, nth });
                actions.push(Action::Unanswerable { who, nth });
            }
        }
        for (nth, tags) in (0_u8..).zip(&owner.wanted.prepare) {
            if owner.is_preparing(tags) || self.is_unread(tags) {
                continue;
            }
            actions.push(Action::Prepare { who, nth });
            if faulty {
                actions.push(Action::PrepareLate { who, nth });
            }
        }
        for (nth, _) in (0_u8..).zip(&owner.wanted.cancel) {
            actions.push(Action::Cancel { who, nth });
        }
    }

    fn of_process(&self, config: &Config, actions: &mut Vec<Action>) {
        let Some((_, owner)) = self.current() else {
            if self.journal.len() > 0 {
                actions.push(Action::Start);
            }
            return;
        };
        if self.left.stops > 0 && owner.pending.is_none() && owner.appended > 0 {
            actions.push(Action::Stop);
        }
        // Before the admission is durable nothing is: it becomes so together with the first wave.
        let facts = if owner.appended == 0 { 0 } else { owner.unsaved.len() };
        let kept = (0..=facts).filter(|kept| config.prefixes || [0, facts].contains(kept));
        let kept = kept.map(|facts| Durable::Facts(u8::try_from(facts).unwrap_or(u8::MAX)));
        let append = owner.pending.is_some().then_some(Durable::Append);
        for durable in kept.chain(append) {
            if self.left.crashes > 0 {
                actions.push(Action::Crash { durable });
            }
            let left_by = match durable {
                Durable::Facts(_) => owner.appended,
                Durable::Append => 1,
            };
            if self.left.takeovers > 0 && left_by > 0 {
                actions.push(Action::TakeOver { durable });
            }
        }
    }

    fn of_wire(&self, config: &Config, actions: &mut Vec<Action>) {
        for (nth, parcel) in (0_u8..).zip(&self.wire) {
            for verdict in self.verdicts(config, nth.into()) {
                actions.push(Action::Arrive { nth, verdict });
            }
            if self.left.faults == 0 {
                continue;
            }
            if parcel.awaited {
                actions.push(Action::Lose { nth });
            }
            if !parcel.copied && !self.wire.iter().any(|other| other.copied) {
                actions.push(Action::Copy { nth });
            }
        }
    }

    /// What a venue may make of a request; one of them if it has no choice.
    fn verdicts(&self, config: &Config, nth: usize) -> Vec<Verdict> {
        let parcel = &self.wire[nth];
        if !self.may_act(parcel) {
            return vec![Verdict::Take(0)];
        }
        let venue = self.venue(parcel.tag);
        let wanted = venue.terms.lots(parcel.request.0.quantity).unwrap_or(0);
        let gateway = venue.class == ResendClass::A;
        let fills: Vec<u32> = match (gateway, config.partial) {
            (true, _) => vec![0],
            (false, true) => (0..=wanted).rev().collect(),
            (false, false) => vec![wanted],
        };
        let mut verdicts: Vec<Verdict> = fills.iter().copied().map(Verdict::Take).collect();
        if self.left.faults > 0 {
            verdicts.extend(fills.first().copied().map(Verdict::TakeHidden));
        }
        if self.left.refusals > 0 {
            verdicts.push(Verdict::RefuseFinal);
            verdicts.push(Verdict::RefuseTransient);
            verdicts.push(Verdict::RefuseLimited);
        }
        verdicts
    }

    fn of_venues(&self, config: &Config, actions: &mut Vec<Action>) {
        for (leg, venue) in (0_u8..).zip(&self.venues) {
            for (number, order) in (0_u8..).zip(&venue.orders) {
                match order.life {
                    Life::Queued => {
                        let least = if config.partial { 0 } else { order.wanted };
                        for lots in (least..=order.wanted).rev() {
                            actions.push(Action::Execute { leg, number, lots });
                        }
                        if self.left.refusals > 0 {
                            actions.push(Action::Reject { leg, number });
                        }
                    }
                    Life::Resting => actions.push(Action::Trade { leg, number }),
                    Life::Filled | Life::Cancelled | Life::Rejected => {}
                }
                if !order.shown {
                    actions.push(Action::Show { leg, number });
                }
            }
        }
    }

    /// Time passes unless something would be late that must not be. It costs a fault where something is on its way or
    /// wanted that a tick makes late.
    fn tick(&self) -> Option<Action> {
        if self.overdue_by(self.next_tick()) {
            return None;
        }
        let allowed = match self.current() {
            None => self.left.away > 0,
            Some((_, owner)) => {
                let lost = owner.calls.iter().any(|tag| !self.is_answerable(owner.epoch, *tag));
                let idle = !owner.undecided || owner.pending.is_some();
                idle && !lost && (self.left.faults > 0 || !self.is_held_up(owner))
            }
        };
        allowed.then_some(Action::Tick)
    }

    /// Whether a tick would make something late that is wanted, or on its way from or to an owner.
    pub(crate) fn is_held_up(&self, owner: &Owner) -> bool {
        owner.pending.is_some()
            || !owner.outbox.is_empty()
            || !owner.is_up_to_date(|tags| self.is_unread(tags))
            || owner.calls.iter().any(|tag| self.is_answerable(owner.epoch, *tag))
    }

    /// Whether an owner would be called by itself at a time.
    pub(crate) fn is_due(owner: &Owner, now: UnixMillis) -> bool {
        owner.wake_at.is_some_and(|at| at <= now) || owner.wanted != crate::owner::Wanted::default()
    }
}

fn hand_overs(who: u8, owner: &Owner, actions: &mut Vec<Action>) {
    for (nth, _) in (0_u8..).zip(&owner.outbox) {
        actions.push(Action::HandOver { who, nth });
    }
}
