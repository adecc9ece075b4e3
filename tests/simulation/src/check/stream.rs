//! Reads a batch's records as they become durable and judges their order by a small model of its own.

use std::collections::BTreeMap;

use equipoise_core::{
    BatchSpec, ClientOrderId, Ending, InstrumentKind, LegQuantity, OrderState, OrderTag,
    PositionMode, Positions, Record, RefusalKind, ResendClass, Role,
};

use super::attempt::{Attempt, Closed, Standing, broken};
use super::{Claim, Violation};
use crate::env::Env;
use crate::mark::Mark;
use crate::process::WINDOW_LOST;
use crate::units;

/// Entry attempts of one leg.
const ENTRIES_MAX: usize = 10;
/// Transmissions of one attempt.
const TRANSMISSIONS_MAX: usize = 5;
/// Replacements of attempts that were never sent.
const UNSENT_MAX: usize = 4;
/// First pause before an unwind order that follows a fruitless one of its leg; doubles up to the longest (R10).
const UNWIND_PAUSE_MS: u64 = 250;
const UNWIND_PAUSE_MS_MAX: u64 = 5_000;
/// The engine judges a venue's memory by the clock of the intent; a clock that jumped since may be ahead of it.
const CLOCK_SLACK_MS: u64 = 5_000;

/// One batch's records so far.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) attempts: BTreeMap<OrderTag, Attempt>,
    first_intents: BTreeMap<u8, u64>,
    unwind_started_at: Option<u64>,
    stopped: bool,
    ended: Option<(Ending, u64)>,
    pub(super) alarms: Vec<(equipoise_core::Alarm, OrderTag)>,
    waves: u32,
    /// Known gaps count as violations too.
    pub(super) strict: bool,
}

impl Stream {
    pub(super) fn client_id(&self, tag: OrderTag) -> Option<ClientOrderId> {
        self.attempts.get(&tag).map(|attempt| attempt.client_id.clone())
    }

    pub(super) fn is_parked(&self) -> bool {
        self.ending() == Some(Ending::Parked)
    }

    pub(super) fn ended_at(&self) -> Option<u64> {
        self.ended.map(|(_, at)| at)
    }

    pub(super) fn ending(&self) -> Option<Ending> {
        self.ended.map(|(ending, _)| ending)
    }

    /// Takes the records of one append in.
    pub(super) fn follow(
        &mut self,
        env: &mut Env,
        spec: &BatchSpec,
        records: &[Record],
    ) -> Result<(), Violation> {
        let wave: Vec<OrderTag> = records
            .iter()
            .filter(|record| matches!(record, Record::Intent { .. }))
            .filter_map(Record::tag)
            .collect();
        self.waves += 1;
        for record in records {
            if self.ended.is_some() {
                return Err(broken(Claim::Order, format!("{record:?} follows the end")));
            }
            self.take(env, spec, record, &wave)?;
        }
        if wave.len() > 1 && wave.iter().all(|tag| tag.role == Role::Entry) {
            env.tally.hit(Mark::EntryWave);
        }
        Ok(())
    }

    fn take(
        &mut self,
        env: &mut Env,
        spec: &BatchSpec,
        record: &Record,
        wave: &[OrderTag],
    ) -> Result<(), Violation> {
        match record {
            Record::Admitted(_) => {}
            Record::Intent { tag, request, .. } => {
                if request.quantity.is_zero() {
                    return Err(broken(Claim::Order, format!("{tag:?} is for nothing")));
                }
                self.may_intend(env, spec, *tag, record.at().0, wave)?;
                if request.reduce_only && tag.role == Role::Unwind {
                    env.tally.hit(Mark::ReduceOnlyUnwind);
                    may_only_reduce(spec, *tag)?;
                }
                self.intend(env, spec, record);
            }
            Record::Stopped { .. } => self.stopped = true,
            Record::UnwindStarted { at } => {
                // A start that finds it begun says so again.
                let first = self.unwind_started_at.replace(at.0).is_none();
                if first && self.is_as_planned(spec) {
                    let text = "every leg filled exactly as planned, and is taken back";
                    return Err(broken(Claim::Needless, text));
                }
            }
            Record::Contradicted { .. } => env.tally.hit(Mark::Contradicted),
            Record::Alarmed { alarm, tag, .. } => {
                use equipoise_core::Alarm::{Busted, Drift, LateFill, Overfill};
                env.tally.hit(match alarm {
                    Busted => Mark::BustAlarm,
                    Overfill => Mark::OverfillAlarm,
                    LateFill => Mark::LateFillAlarm,
                    Drift => Mark::DriftAlarm,
                });
                self.alarms.push((*alarm, *tag));
            }
            Record::Ended { ending, why, at } => {
                self.ended = Some((*ending, at.0));
                self.was_audited(spec, *ending)?;
                self.note_end(env, *ending, why);
            }
            about_order => self.learn(env, spec, about_order)?,
        }
        Ok(())
    }

    /// Every leg has a fixed size and the journal shows exactly that much.
    fn is_as_planned(&self, spec: &BatchSpec) -> bool {
        (0_u8..).zip(&spec.legs).all(|(index, leg)| {
            let LegQuantity::Fixed(planned) = leg.quantity else { return false };
            let trades = self.of(index, Role::Entry).flat_map(|attempt| attempt.trades.values());
            trades.sum::<i64>() == units::whole(planned.get())
        })
    }

    /// R2: of one wave nothing may have left if a part of it was held back for its window.
    pub(super) fn split_wave(&self, has_left: impl Fn(OrderTag) -> bool) -> Option<OrderTag> {
        let lapsed = self.attempts.iter().filter(|(_, attempt)| attempt.lapsed);
        let mut split = lapsed.filter(|(_, attempt)| {
            let mut others = self.attempts.iter().filter(|(_, other)| other.wave == attempt.wave);
            others.any(|(tag, _)| has_left(*tag))
        });
        split.next().map(|(tag, _)| *tag)
    }

    /// K1, R5, R10 and the bounds on attempts.
    fn may_intend(
        &self,
        env: &mut Env,
        spec: &BatchSpec,
        tag: OrderTag,
        at: u64,
        wave: &[OrderTag],
    ) -> Result<(), Violation> {
        let others = || self.attempts.iter().filter(|(other, _)| !wave.contains(other));
        let earlier: Vec<&Attempt> = self.of(tag.leg, tag.role).collect();
        if earlier.len() != usize::from(tag.attempt) || earlier.iter().any(|one| !one.is_closed()) {
            return Err(broken(Claim::R5, format!("{tag:?} does not follow closed attempts")));
        }
        if let Some((other, _)) = others().find(|(_, attempt)| attempt.is_doubtful()) {
            return Err(broken(
                Claim::K1,
                format!("{tag:?} is intended while {other:?} is in doubt"),
            ));
        }
        let Some(leg) = spec.leg(tag.leg) else {
            return Err(broken(Claim::Order, format!("{tag:?} names no leg")));
        };
        let unsent =
            earlier.iter().filter(|one| one.standing == Standing::Closed(Closed::Unsent)).count();
        match (tag.role, self.unwind_started_at) {
            (Role::Entry, Some(_)) => Err(broken(Claim::Order, "an entry after unwinding began")),
            (Role::Entry, None) if self.stopped => {
                Err(broken(Claim::Order, "an entry after a stop"))
            }
            (Role::Entry, None) => {
                let first = self.first_intents.get(&tag.leg).copied().unwrap_or(at);
                let late = at > first && at >= first + spec.policy.leg_timeout_ms;
                if late || earlier.len() >= ENTRIES_MAX || unsent >= UNSENT_MAX {
                    return Err(broken(Claim::Bounds, format!("{tag:?} is one entry too many")));
                }
                let waits = |other: &u8| self.of(*other, Role::Entry).any(|one| !one.is_closed());
                if leg.after.iter().any(waits) {
                    return Err(broken(
                        Claim::Order,
                        format!("{tag:?} does not wait for its turn"),
                    ));
                }
                self.note_retry(env, &earlier);
                Ok(())
            }
            (Role::Unwind, None) => Err(broken(Claim::Order, "an unwind before unwinding began")),
            (Role::Unwind, Some(started)) => {
                // Orders that take back another underlying go on beside it.
                let base = |leg: u8| spec.leg(leg).map(|leg| &leg.instrument.base);
                let beside = |other: &OrderTag| {
                    other.role == Role::Unwind && base(other.leg) != base(tag.leg)
                };
                let mut open = others().filter(|(_, attempt)| !attempt.is_closed());
                if let Some((other, _)) = open.find(|(other, _)| !beside(other)) {
                    return Err(broken(
                        Claim::K1,
                        format!("{tag:?} unwinds while {other:?} is open"),
                    ));
                }
                let costing = earlier.iter().filter(|one| one.costs()).count();
                let too_many = costing >= usize::from(spec.policy.unwind_attempts);
                if too_many || at >= started + spec.policy.unwind_ms_max {
                    return Err(broken(Claim::Bounds, format!("{tag:?} is one unwind too many")));
                }
                if earlier.last().is_some_and(|last| at < last.intended_at + pause_ms(&earlier)) {
                    return Err(broken(Claim::Bounds, format!("{tag:?} comes without its pause")));
                }
                Ok(())
            }
        }
    }

    fn of(&self, leg: u8, role: Role) -> impl Iterator<Item = &Attempt> {
        let same = move |tag: &OrderTag| tag.leg == leg && tag.role == role;
        self.attempts.iter().filter(move |(tag, _)| same(tag)).map(|(_, attempt)| attempt)
    }

    fn intend(&mut self, env: &mut Env, spec: &BatchSpec, record: &Record) {
        let Record::Intent { tag, request, at, .. } = record else { return };
        self.first_intents.entry(tag.leg).or_insert(at.0);
        let follows =
            spec.leg(tag.leg).is_some_and(|leg| matches!(leg.quantity, LegQuantity::Of { .. }));
        if follows && tag.role == Role::Entry {
            env.tally.hit(Mark::FollowerSized);
        }
        if tag.role == Role::Unwind && tag.attempt == 1 {
            env.tally.hit(Mark::SecondUnwind);
        }
        let attempt = Attempt {
            client_id: request.client_id.clone(),
            quantity: units::whole(request.quantity.get()),
            standing: Standing::Intended,
            intended_at: at.0,
            deadlines: vec![request.deadline.0],
            first_stamp: request.deadline.0.saturating_sub(request.window_ms.into()),
            at_venue: BTreeMap::new(),
            trades: BTreeMap::new(),
            refused: None,
            busted: BTreeMap::new(),
            audited: false,
            searches: Vec::new(),
            doubted: false,
            wave: self.waves,
            lapsed: false,
            late: false,
        };
        self.attempts.insert(*tag, attempt);
    }

    fn learn(&mut self, env: &mut Env, spec: &BatchSpec, record: &Record) -> Result<(), Violation> {
        let nowhere = || broken(Claim::Order, format!("{record:?} is about nothing"));
        let tag = record.tag().ok_or_else(nowhere)?;
        let leg = spec.leg(tag.leg).ok_or_else(nowhere)?;
        let attempt = self.attempts.get_mut(&tag).ok_or_else(nowhere)?;
        let class = leg.traits.class;
        let strict = self.strict;
        match record {
            Record::Transmission { deadline, .. } => {
                env.tally.hit(Mark::SentAgain);
                attempt.deadlines.push(deadline.0);
                let stamp = deadline.0 - u64::from(leg.traits.window_ms);
                let slack = if strict { 0 } else { CLOCK_SLACK_MS };
                let remembered = stamp < attempt.first_stamp + leg.traits.id_horizon_ms + slack;
                if class != ResendClass::A || attempt.standing != Standing::Doubt || !remembered {
                    return Err(broken(Claim::S1, format!("{tag:?} must not be sent again")));
                }
                if attempt.deadlines.len() > TRANSMISSIONS_MAX {
                    return Err(broken(Claim::Bounds, format!("{tag:?} is sent too often")));
                }
                attempt.searches.clear();
                attempt.standing = Standing::Intended;
            }
            Record::Unsent { why, .. } => {
                env.tally.hit(Mark::Unsent);
                attempt.lapsed = why == WINDOW_LOST;
                attempt.standing = Standing::Closed(Closed::Unsent);
            }
            Record::Refused { refusal, .. } => {
                let costs = !matches!(refusal.kind, RefusalKind::RateLimited { .. });
                if !costs && tag.role == Role::Unwind {
                    env.tally.hit(Mark::BanWhileUnwinding);
                }
                let transient = refusal.kind == RefusalKind::Transient || !costs;
                attempt.refused = Some(Closed::Refused { costs, transient });
                attempt.standing = Standing::Closed(Closed::Refused { costs, transient });
            }
            Record::Doubted { .. } => attempt.doubt(env, tag),
            Record::Observed { venue_order, state, executed, .. } => {
                attempt.note_found(env, class);
                let executed = units::whole(executed.get());
                attempt.late |= executed > 0 && attempt.is_absent();
                let ended = *state != OrderState::Open;
                let known = attempt.at_venue.entry(venue_order.clone()).or_insert((0, false));
                *known = (known.0.max(executed), known.1 || ended);
                attempt.standing = Standing::Known;
            }
            Record::Filled { venue_order, fill, .. } => {
                attempt.note_found(env, class);
                attempt.late |= attempt.is_absent();
                let key = (venue_order.clone(), fill.trade.clone());
                let quantity = units::whole(fill.quantity.get());
                if attempt.trades.insert(key, quantity).is_some() {
                    return Err(broken(Claim::S4, format!("{tag:?} holds a trade twice")));
                }
                attempt.at_venue.entry(venue_order.clone()).or_insert((0, false));
                attempt.standing = Standing::Known;
            }
            Record::Busted { venue_order, fill, .. } => {
                env.tally.hit(Mark::TradeBustNoticed);
                attempt.note_found(env, class);
                attempt.trades.remove(&(venue_order.clone(), fill.trade.clone()));
                *attempt.busted.entry(venue_order.clone()).or_insert(0) +=
                    units::whole(fill.quantity.get());
                attempt.at_venue.entry(venue_order.clone()).or_insert((0, false));
                attempt.standing = Standing::Known;
            }
            Record::Audited { .. } => {
                attempt.audited = true;
            }
            Record::NotFound { venue_time, at, .. } => {
                let last = attempt.deadlines.last().copied().unwrap_or(0);
                let listed = venue_time.0 <= attempt.first_stamp + leg.traits.lookup_window_ms;
                if listed && venue_time.0 > last + u64::from(leg.traits.margin_ms) {
                    attempt.searches.push((venue_time.0, at.0));
                }
            }
            Record::Absent { .. } => {
                env.tally.hit(Mark::ProvenAbsent);
                attempt.may_be_absent(tag, class, leg.traits.id_horizon_ms)?;
                attempt.standing = Standing::Closed(Closed::Absent);
            }
            Record::Unresolved { why, .. } => {
                if why.contains("lists") {
                    env.tally.hit(Mark::LookupWindowPassed);
                }
                attempt.standing = Standing::Closed(Closed::Unresolved);
            }
            _ => {}
        }
        attempt.settle();
        Ok(())
    }

    /// `done` and `flat` are only said once no order can turn out to have been executed twice (V15).
    fn was_audited(&self, spec: &BatchSpec, ending: Ending) -> Result<(), Violation> {
        let open = self.attempts.iter().find(|(tag, attempt)| {
            let class = spec.leg(tag.leg).map(|leg| leg.traits.class);
            let ended = attempt.standing == Standing::Closed(Closed::Ended);
            ended && class != Some(ResendClass::A) && !attempt.audited
        });
        match open {
            Some((tag, _)) if ending != Ending::Parked => {
                Err(broken(Claim::V15, format!("{ending:?} though {tag:?} was not audited")))
            }
            _ => Ok(()),
        }
    }

    fn note_retry(&self, env: &mut Env, earlier: &[&Attempt]) {
        match earlier.last().map(|last| last.standing) {
            Some(Standing::Closed(Closed::Absent)) => env.tally.hit(Mark::AttemptAfterAbsence),
            Some(Standing::Closed(Closed::Refused { transient: true, .. })) => {
                env.tally.hit(Mark::AttemptAfterRefusal);
            }
            _ => {}
        }
    }

    fn note_end(&self, env: &mut Env, ending: Ending, why: &str) {
        let untouched = self.attempts.values().all(|attempt| attempt.trades.is_empty());
        let doubt = self.attempts.values().any(Attempt::is_unresolved);
        env.tally.hit(match ending {
            Ending::Done => Mark::Done,
            Ending::Flat if untouched => Mark::Untouched,
            Ending::Flat => Mark::Flat,
            Ending::Parked if doubt => Mark::ParkedInDoubt,
            Ending::Parked => Mark::ParkedExactly,
        });
        for (part, mark) in [
            ("but dust", Mark::DustLeft),
            ("not flat after", Mark::ParkedAtLimit),
            ("could lose", Mark::ParkedForLoss),
        ] {
            if why.contains(part) {
                env.tally.hit(mark);
            }
        }
    }
}

/// How long an unwind order waits that follows these of its leg: longer after each one in a row that brought nothing.
fn pause_ms(earlier: &[&Attempt]) -> u64 {
    let fruitless = earlier.iter().rev().take_while(|one| one.trades.is_empty()).count();
    let doublings = u32::try_from(fruitless.saturating_sub(1)).unwrap_or(u32::MAX).min(10);
    let pause_ms = (UNWIND_PAUSE_MS << doublings).min(UNWIND_PAUSE_MS_MAX);
    if fruitless == 0 { 0 } else { pause_ms }
}

/// K5: the flag only takes back an opening fill, in one-way mode, where nothing else trades on the account.
fn may_only_reduce(spec: &BatchSpec, tag: OrderTag) -> Result<(), Violation> {
    let allowed = spec.leg(tag.leg).is_some_and(|leg| {
        leg.positions == Positions::Exclusive
            && leg.position_mode == PositionMode::OneWay
            && leg.instrument.kind != InstrumentKind::Spot
            && !leg.reduce_only
    });
    if allowed { Ok(()) } else { Err(broken(Claim::K5, format!("{tag:?} is reduce-only"))) }
}
