//! What happens when it happens.

use std::sync::Arc;

use equipoise_core::{Event, OrderTag, RefusalKind, ResendClass, Role, Stage, VenueMillis};

use super::{Action, Answer, ById, Durable, Parcel, World, refusal, spend};
use crate::claims::{self, Violation};
use crate::exchange::{Reply, Verdict};
use crate::journal::NotAppended;
use crate::owner::{Made, Owner, Reading};

impl World {
    /// The state after an action.
    pub(crate) fn after(&self, action: Action) -> Result<Self, Violation> {
        let mut world = self.clone();
        world.act(action)?;
        world.settle();
        claims::of_state(&world)?;
        Ok(world)
    }

    fn act(&mut self, action: Action) -> Result<(), Violation> {
        match action {
            Action::Wake { who } => self.deliver(who, &Event::Wake),
            Action::Append { who } => self.append(who.into()),
            Action::HandOver { who, nth } => self.hand_over(who.into(), nth.into()),
            Action::Unsent { who, nth } => {
                spend(&mut self.left.faults);
                let (tag, _) = self.owner(who).outbox.remove(nth.into());
                self.deliver(who, &Event::NotSent { tag, why: String::new() })
            }
            Action::Hear { who, nth } => {
                let reading = self.owner(who).readings.remove(nth.into());
                self.deliver(who, &reading.event())
            }
            Action::Reply { nth } => self.reply(nth.into()),
            Action::Timeout { who, nth } => self.time_out(who, nth.into()),
            Action::Ask { who, nth, bare } => {
                if bare {
                    spend(&mut self.left.faults);
                }
                let reading = self.look(who.into(), nth.into(), bare);
                let (tag, _) = self.owner(who).wanted.query[usize::from(nth)];
                self.owner(who).make(Made::Look, tag);
                self.deliver(who, &reading.event())
            }
            Action::AskLate { who, nth } => {
                spend(&mut self.left.faults);
                let reading = self.look(who.into(), nth.into(), false);
                self.owner(who).readings.push(reading);
                Ok(())
            }
            Action::Unanswerable { who, nth } => {
                spend(&mut self.left.faults);
                let (tag, _) = self.owner(who).wanted.query[usize::from(nth)];
                self.deliver(who, &Event::Unanswerable { tag, why: String::new() })
            }
            Action::Prepare { who, nth } => self.prepare_at_once(who, nth.into()),
            Action::PrepareLate { who, nth } => {
                spend(&mut self.left.faults);
                let reading = self.read(who.into(), nth.into());
                self.owner(who).readings.push(reading);
                Ok(())
            }
            Action::Cancel { who, nth } => {
                let tag = self.owner(who).wanted.cancel[usize::from(nth)];
                self.owner(who).make(Made::Cancel, tag);
                if let Some(order) = self.owners[usize::from(who)].saga.order(tag) {
                    let id = order.request.client_id.clone();
                    self.venues[usize::from(tag.leg)].cancel(&id);
                }
                Ok(())
            }
            Action::Stop => {
                spend(&mut self.left.stops);
                let who = u8::try_from(self.owners.len() - 1).unwrap_or(u8::MAX);
                self.owner(who).stopping = true;
                self.deliver(who, &Event::Stop)
            }
            other => self.act_outside(other),
        }
    }

    /// What happens without any owner.
    fn act_outside(&mut self, action: Action) -> Result<(), Violation> {
        match action {
            Action::Crash { durable } => {
                spend(&mut self.left.crashes);
                self.cut_off(durable)?;
                if let Some(owner) = self.owners.pop() {
                    self.abandon(owner.epoch);
                }
                Ok(())
            }
            Action::Start => self.start(),
            Action::TakeOver { durable } => {
                spend(&mut self.left.takeovers);
                self.cut_off(durable)?;
                self.start()
            }
            Action::Arrive { nth, verdict } => self.arrive(nth.into(), verdict),
            Action::Lose { nth } => {
                spend(&mut self.left.faults);
                self.wire.remove(nth.into());
                Ok(())
            }
            Action::Copy { nth } => {
                spend(&mut self.left.faults);
                let one = &mut self.wire[usize::from(nth)];
                one.dated = self.venues[usize::from(one.tag.leg)].class == ResendClass::C;
                let copy = Parcel { awaited: false, copied: true, ..one.clone() };
                self.wire.push(copy);
                Ok(())
            }
            Action::Execute { leg, number, lots } => {
                self.venues[usize::from(leg)].execute(number.into(), lots);
                Ok(())
            }
            Action::Reject { leg, number } => {
                spend(&mut self.left.refusals);
                self.venues[usize::from(leg)].reject(number.into());
                Ok(())
            }
            Action::Show { leg, number } => {
                self.venues[usize::from(leg)].orders[usize::from(number)].shown = true;
                Ok(())
            }
            Action::Trade { leg, number } => {
                self.venues[usize::from(leg)].execute(number.into(), 1);
                Ok(())
            }
            _ => {
                self.pass_time();
                Ok(())
            }
        }
    }

    fn owner(&mut self, who: u8) -> &mut Owner {
        &mut self.owners[usize::from(who)]
    }

    fn deliver(&mut self, who: u8, event: &Event) -> Result<(), Violation> {
        let now = self.now;
        self.owner(who).deliver(now, event)
    }

    /// The append under way is judged, becomes durable, takes effect, and its wave is checked for half its window.
    fn append(&mut self, who: usize) -> Result<(), Violation> {
        let owner = &mut self.owners[who];
        let Some(pending) = owner.pending.take() else {
            return Ok(());
        };
        let batch: Vec<_> =
            owner.unsaved.drain(..).chain(pending.records.iter().cloned()).collect();
        let (epoch, expected, added) = (owner.epoch, owner.appended, batch.len());
        owner.appended += added;
        if owner.appended == added && self.journal.len() == 0 && claims::ends(&pending.records) {
            // Nothing was ever sent: the batch is refused and its key stays free (D4).
            self.owners.remove(who);
            return Ok(());
        }
        match self.journal.append(epoch, expected, batch) {
            Ok(()) => {}
            Err(NotAppended::Unfit(violation)) => return Err(violation),
            Err(NotAppended::Fenced) => {
                // A refused append ends that owner at once: no further sends (R3).
                self.owners.remove(who);
                self.abandon(epoch);
                return Ok(());
            }
        }
        if expected == 0 {
            claims::of_admission(self)?;
        }
        claims::of_append(self, &pending)?;
        let now = self.now;
        let owner = &mut self.owners[who];
        owner.apply(&pending.records)?;
        if claims::ends(&pending.records) {
            claims::of_end(self, who)?;
            self.owners.remove(who);
            self.abandon(epoch);
            return Ok(());
        }
        let owner = &mut self.owners[who];
        if owner.may_hand_over(now, &pending.wave) {
            owner.outbox.extend(pending.wave.iter().cloned());
            return Ok(());
        }
        for (tag, _) in &pending.wave {
            owner.deliver(now, &Event::NotSent { tag: *tag, why: String::new() })?;
        }
        Ok(())
    }

    fn hand_over(&mut self, who: usize, nth: usize) -> Result<(), Violation> {
        let (now, owner) = (self.now, &mut self.owners[who]);
        let (tag, request) = owner.outbox.remove(nth);
        claims::of_sending(&self.journal, tag, &request)?;
        let epoch = owner.epoch;
        owner.calls.push(tag);
        owner.deliver(now, &Event::Handed(tag))?;
        let (deadline, request) = (request.deadline.0, ById(Arc::new(request)));
        self.wire.push(Parcel {
            tag,
            epoch,
            deadline,
            request,
            awaited: true,
            copied: false,
            dated: false,
        });
        Ok(())
    }

    fn reply(&mut self, nth: usize) -> Result<(), Violation> {
        let Answer { tag, epoch, reply } = self.answers.remove(nth);
        let Some(who) = self.owners.iter().position(|owner| owner.epoch == epoch) else {
            return Ok(());
        };
        let now = self.now;
        let owner = &mut self.owners[who];
        owner.calls.retain(|call| *call != tag);
        let refused = |kind| Event::Refused { tag, refusal: refusal(kind) };
        let event = match reply {
            Reply::Placed(snapshot) => Event::Placed { tag, snapshot },
            Reply::RefusedFinal => refused(RefusalKind::Final),
            Reply::RefusedTransient => refused(RefusalKind::Transient),
            Reply::RefusedLimited => {
                refused(RefusalKind::RateLimited { retry_after_ms: crate::spec::TICK_MS })
            }
            Reply::RefusedReduceOnly => refused(RefusalKind::ReduceOnly),
            Reply::Unclear => Event::Doubtful { tag, why: String::new() },
        };
        owner.deliver(now, &event)
    }

    /// A call ends without an answer; whatever still comes for it is not heard.
    fn time_out(&mut self, who: u8, nth: usize) -> Result<(), Violation> {
        let owner = &mut self.owners[usize::from(who)];
        let tag = owner.calls.remove(nth);
        let epoch = owner.epoch;
        if self.is_answerable(epoch, tag) {
            spend(&mut self.left.faults);
        }
        self.answers.retain(|answer| (answer.epoch, answer.tag) != (epoch, tag));
        for parcel in &mut self.wire {
            parcel.awaited &= (parcel.epoch, parcel.tag) != (epoch, tag);
        }
        self.deliver(who, &Event::Doubtful { tag, why: String::new() })
    }

    /// One look as the driver makes it: by id and, if thorough, at every listing since the intent, with the position.
    fn look(&self, who: usize, nth: usize, bare: bool) -> Reading {
        let owner = &self.owners[who];
        let (tag, thorough) = owner.wanted.query[nth];
        let Some(order) = owner.saga.order(tag) else {
            return Reading::Ready(Vec::new());
        };
        let deadline = order.request.deadline;
        let doubtful = matches!(order.stage, Stage::InDoubt | Stage::Closed(_));
        let past = doubtful && self.now.0 > deadline.0;
        let venue_time = if past { self.now.0 } else { self.now.0.min(deadline.0) };
        let venue = self.venue(tag);
        let numbers = venue.shown().filter(|number| {
            let held = &venue.orders[*number];
            let own = held.client_id == order.request.client_id;
            own || (thorough && held.arrived.0 >= order.first_stamp.0)
        });
        let mut orders: Vec<_> = numbers.map(|number| venue.show(tag.leg, number)).collect();
        if bare {
            orders.iter_mut().for_each(|order| order.fills.clear());
        }
        let position = venue.shown_position().filter(|_| thorough && past);
        Reading::Looked { tag, thorough, venue_time: VenueMillis(venue_time), orders, position }
    }

    fn read(&self, who: usize, nth: usize) -> Reading {
        let ready = |tag: &OrderTag| {
            let venue = self.venue(*tag);
            let unwinds = tag.role == Role::Unwind;
            let position = venue.shown_position().filter(|_| unwinds);
            (*tag, position, unwinds.then(|| venue.terms.book()))
        };
        Reading::Ready(self.owners[who].wanted.prepare[nth].iter().map(ready).collect())
    }

    /// What is read now and handed on now must lead to something, or the driver would read again without end.
    fn prepare_at_once(&mut self, who: u8, nth: usize) -> Result<(), Violation> {
        let event = self.read(who.into(), nth).event();
        let records = self.owner(who).saga.records();
        self.deliver(who, &event)?;
        let now = self.now;
        let owner = self.owner(who);
        let idle = owner.pending.is_none() && owner.saga.records() == records;
        if idle && owner.wake_at.is_some_and(|at| at <= now) {
            return Err(Violation {
                claim: "no decision spins",
                what: "what was asked for came to nothing and is asked for again at once".into(),
            });
        }
        Ok(())
    }

    /// The current owner's memory ends here as far as the journal is concerned.
    fn cut_off(&mut self, durable: Durable) -> Result<(), Violation> {
        let Some(owner) = self.owners.last() else {
            return Ok(());
        };
        claims::of_memory(&self.journal, owner)?;
        let pending = owner.pending.as_deref();
        let (facts, records) = match (durable, pending) {
            (Durable::Append, Some(pending)) => (owner.unsaved.len(), &pending.records[..]),
            (Durable::Append, None) => (owner.unsaved.len(), &[][..]),
            (Durable::Facts(facts), _) => (usize::from(facts), &[][..]),
        };
        let kept = owner.unsaved[..facts].iter().chain(records).cloned();
        let kept: Vec<_> = kept.collect();
        let (epoch, expected) = (owner.epoch, owner.appended);
        self.journal.append(epoch, expected, kept).map_err(|refused| match refused {
            NotAppended::Unfit(violation) => violation,
            NotAppended::Fenced => Violation {
                claim: "the current owner may append",
                what: format!("epoch {epoch} was refused"),
            },
        })
    }

    /// Nobody of that epoch listens any more.
    fn abandon(&mut self, epoch: u8) {
        self.answers.retain(|answer| answer.epoch != epoch);
        for parcel in &mut self.wire {
            parcel.awaited &= parcel.epoch != epoch;
        }
    }

    fn start(&mut self) -> Result<(), Violation> {
        self.journal.epoch += 1;
        if self.journal.is_ended() {
            return Ok(());
        }
        let now = self.now;
        let mut owner = Owner::resumed(self.journal.epoch, self.journal.records())?;
        owner.deliver(now, &Event::Resumed)?;
        owner.undecided = true;
        self.owners.push(owner);
        Ok(())
    }

    fn arrive(&mut self, nth: usize, verdict: Verdict) -> Result<(), Violation> {
        let parcel = self.wire.remove(nth);
        let (now, request) = (self.now, &parcel.request.0);
        let venue = &mut self.venues[usize::from(parcel.tag.leg)];
        let reply = if let Some(turned_down) = venue.turns_down(request, now) {
            turned_down
        } else {
            match verdict {
                Verdict::TakeHidden(_) => spend(&mut self.left.faults),
                Verdict::Take(_) => {}
                _ => spend(&mut self.left.refusals),
            }
            let again = venue.orders.iter().any(|order| order.client_id == request.client_id);
            self.duplicated |= again && venue.class != ResendClass::A;
            venue.arrive(parcel.tag, request, parcel.copied, now, verdict)
        };
        let refused = matches!(
            reply,
            Reply::RefusedFinal
                | Reply::RefusedTransient
                | Reply::RefusedLimited
                | Reply::RefusedReduceOnly
        );
        let id = &parcel.request.0.client_id;
        let on_its_way = self.wire.iter().any(|other| other.request.0.client_id == *id);
        let venue = &mut self.venues[usize::from(parcel.tag.leg)];
        if refused && (on_its_way || venue.orders.iter().any(|order| order.client_id == *id)) {
            venue.split.insert(id.clone());
        }
        if parcel.awaited {
            self.answers.push(Answer { tag: parcel.tag, epoch: parcel.epoch, reply });
        }
        Ok(())
    }

    fn pass_time(&mut self) {
        match self.current() {
            None => spend(&mut self.left.away),
            Some((_, owner)) if self.is_held_up(owner) => spend(&mut self.left.faults),
            Some(_) => {}
        }
        self.now = self.next_tick();
        let now = self.now;
        for owner in &mut self.owners {
            owner.undecided |= Self::is_due(owner, now);
            owner.made.clear();
        }
    }
}
