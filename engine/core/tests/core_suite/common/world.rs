//! Drives one saga against small exchanges over a network that loses, delays, repeats and reorders, through kills.
//! A run is a function of its seed.

use std::collections::{BTreeMap, BTreeSet};

use equipoise_core::*;

use super::batch::*;
use super::exchange::{Dice, Exchange, Verdict};
use super::harness::{book, refusal};

/// How rough the world is, in percent of cases.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    pub(crate) request_lost: u64,
    pub(crate) reply_lost: u64,
    pub(crate) request_late: u64,
    pub(crate) request_doubled: u64,
    pub(crate) query_lost: u64,
    pub(crate) not_sent: u64,
    pub(crate) stale_position: u64,
    pub(crate) kills: u64,
    pub(crate) stop: bool,
}

#[derive(Debug, Clone)]
enum Action {
    /// A request reaches its venue; `answers` says whether the reply finds its way back.
    Arrive {
        tag: OrderTag,
        request: OrderRequest,
        answers: bool,
    },
    /// A query is answered as of its arrival; the answer travels.
    Look {
        query: Query,
        venue_time: VenueMillis,
        birth: u32,
    },
    Cancelled {
        tag: OrderTag,
        client_id: ClientOrderId,
    },
    Trade {
        leg: u8,
        number: usize,
    },
    Prepared {
        tags: Vec<OrderTag>,
        birth: u32,
    },
    Event {
        event: Event,
        key: Option<Key>,
        birth: u32,
    },
    /// A pause is over.
    Due,
    Stop,
    Kill,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Prepare,
    Query(OrderTag),
    Cancel(OrderTag),
}

/// One batch, its venues and everything on its way.
pub(crate) struct World {
    pub(crate) saga: Saga,
    pub(crate) records: Vec<Record>,
    pub(crate) exchanges: Vec<Exchange>,
    pub(super) faults: Faults,
    dice: Dice,
    now: u64,
    /// The process dies as soon as so many records are there, before anything acts on the last.
    pub(crate) dies_at: Option<usize>,
    /// Which process; answers to an earlier one are never heard.
    birth: u32,
    agenda: BTreeMap<(u64, u64), Action>,
    planned: u64,
    paces: BTreeMap<Key, u64>,
    wake_at: Option<u64>,
    pub(super) ids: BTreeSet<ClientOrderId>,
    answered: BTreeSet<OrderTag>,
    steps: u32,
}

impl World {
    pub(crate) fn new(spec: BatchSpec, faults: Faults, seed: u64) -> Self {
        let mut world = Self {
            records: vec![Record::Admitted(Box::new(spec.clone()))],
            exchanges: spec.legs.iter().map(|_| Exchange::default()).collect(),
            saga: Saga::new(spec),
            faults,
            dice: Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            now: START,
            dies_at: None,
            birth: 0,
            agenda: BTreeMap::new(),
            planned: 0,
            paces: BTreeMap::new(),
            wake_at: Some(START),
            ids: BTreeSet::new(),
            answered: BTreeSet::new(),
            steps: 0,
        };
        for exchange in &mut world.exchanges {
            exchange.never_refuses = faults.request_doubled > 0;
        }
        for _ in 0..faults.kills {
            let at = world.dice.between(1, 9_000);
            world.plan(at, Action::Kill);
        }
        if faults.stop {
            let at = world.dice.between(1, 6_000);
            world.plan(at, Action::Stop);
        }
        world
    }

    /// Goes on from these records in a new process, with the exchanges as they are.
    pub(crate) fn resume(&mut self, records: &[Record]) {
        self.records = records.to_vec();
        self.saga = Saga::replay(records).expect("the journal is what was written");
        self.birth += 1;
        self.dies_at = None;
        self.paces.clear();
        self.answered.clear();
        self.step(&Event::Resumed);
    }

    /// Runs until the batch has ended, then lets everything still on its way arrive.
    pub(crate) fn run(&mut self) {
        while self.saga.status() == BatchStatus::Running {
            self.advance();
        }
        while let Some((_, action)) = self.agenda.pop_first() {
            if let Action::Arrive { tag, request, .. } = action {
                let leg = self.saga.spec().legs[usize::from(tag.leg)].clone();
                // It was on its way when the batch ended: the venue's clock is past its deadline by the time that counts.
                let at = self.now.max(request.deadline.0);
                self.exchanges[usize::from(tag.leg)].arrive(&leg, &request, at, &mut self.dice);
            }
        }
        self.check_end();
    }

    /// Runs until the process dies, or to the end of the batch.
    pub(crate) fn run_to_death(&mut self) {
        while !self.is_dead() && self.saga.status() == BatchStatus::Running {
            self.advance();
        }
    }

    fn is_dead(&self) -> bool {
        self.dies_at.is_some_and(|records| self.records.len() >= records)
    }

    fn advance(&mut self) {
        self.steps += 1;
        assert!(self.steps < 20_000, "no end in sight: {:?}", self.shown());
        assert!(self.now < START + 3_600_000, "an hour and no end");
        assert!(self.records.len() < 3_000, "records without bound");
        let next = self.agenda.first_key_value().map(|((at, _), _)| *at);
        let at = match (next, self.wake_at) {
            (None, None) => panic!("nothing will ever happen again: {:?}", self.shown()),
            (Some(next), Some(wake)) if wake < next => wake,
            (None, Some(wake)) => wake,
            (Some(next), _) => {
                self.now = self.now.max(next);
                let (_, action) = self.agenda.pop_first().expect("just seen");
                return self.act(action);
            }
        };
        self.now = self.now.max(at);
        self.step(&Event::Wake);
    }

    fn shown(&self) -> Vec<String> {
        let spec = self.saga.spec();
        let last = self.records.iter().rev().take(12);
        last.map(|record| super::harness::show_record(spec, record)).collect()
    }

    fn plan(&mut self, in_ms: u64, action: Action) {
        self.planned += 1;
        self.agenda.insert((self.now + in_ms, self.planned), action);
    }

    /// Steps as the driver does: records first, then commands, until nothing more is recorded.
    fn step(&mut self, event: &Event) {
        let mut event = event.clone();
        for round in 0.. {
            assert!(round < 50, "waking without end");
            let step = self.saga.step(UnixMillis(self.now), &event);
            self.check_wave(&step);
            self.check_entries(&step);
            for record in &step.records {
                self.check_record(record);
                self.saga.apply(record).expect("a record fits");
                self.records.push(record.clone());
                if self.is_dead() {
                    return;
                }
            }
            self.wake_at = step.wake_at.map(|at| at.0);
            for command in step.commands {
                self.carry_out(command);
            }
            let woken = event == Event::Wake;
            if step.records.is_empty() && woken {
                assert!(
                    self.wake_at.is_none_or(|at| at > self.now),
                    "a wake that changes nothing asks for another one at once"
                );
                break;
            }
            if self.saga.status() != BatchStatus::Running {
                break;
            }
            event = Event::Wake;
        }
    }

    /// Takes a key unless its activity is under way or paused.
    fn take(&mut self, key: Key) -> bool {
        if self.paces.get(&key).is_some_and(|not_before| *not_before > self.now) {
            return false;
        }
        self.paces.insert(key, u64::MAX);
        true
    }

    fn pause(&mut self, key: Key) {
        let pause = self.dice.between(50, 400);
        self.paces.insert(key, self.now + pause);
        self.plan(pause, Action::Due);
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Prepare(tags) => {
                if self.take(Key::Prepare) {
                    let delay = self.dice.between(1, 40);
                    let birth = self.birth;
                    self.plan(delay, Action::Prepared { tags, birth });
                }
            }
            Command::Send(wave) => self.send(wave),
            Command::Query(query) => {
                if self.take(Key::Query(query.tag)) {
                    let delay = self.dice.between(1, 40);
                    let venue_time = VenueMillis(self.now.saturating_add_signed(OFFSET_MS));
                    let birth = self.birth;
                    self.plan(delay, Action::Look { query, venue_time, birth });
                }
            }
            Command::Cancel(tag) => {
                if self.take(Key::Cancel(tag)) {
                    let client_id =
                        self.saga.order(tag).expect("an order").request.client_id.clone();
                    let delay = self.dice.between(1, 40);
                    self.plan(delay, Action::Cancelled { tag, client_id });
                    self.pause(Key::Cancel(tag));
                }
            }
        }
    }

    fn send(&mut self, wave: Vec<Send>) {
        let birth = self.birth;
        let sent = !self.dice.percent(self.faults.not_sent);
        for Send { tag, request } in wave {
            self.answered.remove(&tag);
            if !sent {
                let event = Event::NotSent { tag, why: "too late".to_owned() };
                self.plan(1, Action::Event { event, key: None, birth });
                continue;
            }
            self.plan(0, Action::Event { event: Event::Handed(tag), key: None, birth });
            let lost = self.dice.percent(self.faults.request_lost);
            let answers = !self.dice.percent(self.faults.reply_lost);
            let mut delay = self.dice.between(1, 60);
            if self.dice.percent(self.faults.request_late) {
                delay = self.dice.between(500, 2_900);
            }
            if !lost {
                let doubled = self.dice.percent(self.faults.request_doubled);
                let action = Action::Arrive { tag, request, answers };
                if doubled {
                    let second = self.dice.between(delay, 1_900);
                    self.plan(second, action.clone());
                }
                self.plan(delay, action);
            }
            // The one place where waiting for a verdict ends.
            let event = Event::Doubtful { tag, why: "no verdict in time".to_owned() };
            self.plan(2_500, Action::Event { event, key: None, birth });
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Arrive { tag, request, answers } => self.arrive(tag, &request, answers),
            Action::Look { query, venue_time, birth } => self.look(&query, venue_time, birth),
            Action::Cancelled { tag, client_id } => {
                self.exchanges[usize::from(tag.leg)].cancel(&client_id);
            }
            Action::Trade { leg, number } => {
                let spec = self.saga.spec().legs[usize::from(leg)].clone();
                let percent = self.dice.between(20, 100);
                let exchange = &mut self.exchanges[usize::from(leg)];
                if exchange.orders[number].open {
                    exchange.execute(number, percent, &spec, self.now, &mut self.dice);
                }
            }
            Action::Prepared { tags, birth } if birth == self.birth => {
                self.paces.remove(&Key::Prepare);
                let prepared = tags.into_iter().map(|tag| self.ready(tag)).collect();
                self.step(&Event::Prepared(prepared));
            }
            Action::Event { event, key, birth } if birth == self.birth => {
                if let Some(key) = key {
                    self.pause(key);
                }
                // Sending an order has one outcome.
                if let Event::Placed { tag, .. }
                | Event::Refused { tag, .. }
                | Event::Doubtful { tag, .. } = &event
                    && !self.answered.insert(*tag)
                {
                    return;
                }
                self.step(&event);
            }
            Action::Due => self.step(&Event::Wake),
            Action::Stop => self.step(&Event::Stop),
            Action::Kill => self.kill(),
            Action::Prepared { .. } | Action::Event { .. } => {}
        }
    }

    fn arrive(&mut self, tag: OrderTag, request: &OrderRequest, answers: bool) {
        let leg = self.saga.spec().legs[usize::from(tag.leg)].clone();
        let exchange = &mut self.exchanges[usize::from(tag.leg)];
        let before = exchange.orders.len();
        let verdict = exchange.arrive(&leg, request, self.now, &mut self.dice);
        let rests = exchange.orders.get(before).is_some_and(|order| order.open);
        if rests {
            for _ in 0..self.dice.below(4) {
                let delay = self.dice.between(1, 12_000);
                self.plan(delay, Action::Trade { leg: tag.leg, number: before });
            }
        }
        if !answers {
            return;
        }
        let event = match verdict {
            Verdict::Placed(snapshot) => Event::Placed { tag, snapshot },
            Verdict::Refused(kind) => Event::Refused { tag, refusal: refusal(kind) },
            Verdict::Unclear => Event::Doubtful { tag, why: "duplicate id".to_owned() },
        };
        let delay = self.dice.between(1, 60);
        let birth = self.birth;
        self.plan(delay, Action::Event { event, key: None, birth });
    }

    fn look(&mut self, query: &Query, venue_time: VenueMillis, birth: u32) {
        if birth != self.birth {
            return;
        }
        let key = Key::Query(query.tag);
        if self.dice.percent(self.faults.query_lost) {
            return self.pause(key);
        }
        let client_id = &self.saga.order(query.tag).expect("an order").request.client_id;
        let exchange = &self.exchanges[usize::from(query.tag.leg)];
        let event = Event::Answered {
            tag: query.tag,
            thorough: query.thorough,
            venue_time,
            read_until: VenueMillis(self.now.saturating_add_signed(OFFSET_MS)),
            orders: exchange.find(client_id, self.now),
            position: query.thorough.then(|| exchange.position()),
        };
        // Answers travel long enough to be overtaken.
        let delay = self.dice.between(1, 150);
        self.plan(delay, Action::Event { event, key: Some(key), birth });
    }

    fn ready(&mut self, tag: OrderTag) -> Prepared {
        let unwind = tag.role == Role::Unwind;
        let stale = self.dice.percent(self.faults.stale_position);
        let position = self.exchanges[usize::from(tag.leg)].position();
        let bid = self.dice.between(64_800, 65_200);
        Prepared {
            tag,
            clock: ClockOffset { offset_ms: OFFSET_MS },
            book: unwind.then(|| book(&bid.to_string(), &format!("{bid}.1"))),
            position: unwind.then_some(if stale { Amount::ZERO } else { position }),
            others_hold: false,
        }
    }

    /// The process ends here: whatever was not yet durable is gone, and so is every answer on its way.
    fn kill(&mut self) {
        let durable = self.records.iter().rposition(Record::gates).unwrap_or(0) + 1;
        let lost = self.dice.below((self.records.len() - durable + 1) as u64);
        let kept = self.records.len() - lost as usize;
        let away = [5, 200, 3_000, 20_000][self.dice.below(4) as usize];
        self.now += self.dice.between(1, away);
        let records = self.records[..kept].to_vec();
        self.resume(&records);
    }
}
