//! Steps one saga as a driver does, and writes down what it records and asks for in short words.

use std::collections::BTreeMap;

use equipoise_core::*;

use super::batch::*;

/// Looks that a test's audits take at most, so that a saga that never ends fails at once.
const AUDIT_ROUNDS_MAX: usize = 50;

/// A saga, its records, and the time.
pub(crate) struct Harness {
    pub(crate) saga: Saga,
    pub(crate) records: Vec<Record>,
    pub(crate) now: UnixMillis,
    pub(crate) wake_at: Option<UnixMillis>,
    pub(crate) commands: Vec<Command>,
    trades: u32,
    /// What the venue shows of each attempt that ended.
    shown: BTreeMap<OrderTag, OrderSnapshot>,
}

/// What one event led to.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) records: Vec<String>,
    pub(crate) commands: Vec<String>,
}

impl Harness {
    pub(crate) fn new(spec: BatchSpec) -> Self {
        Self {
            records: vec![Record::Admitted(Box::new(spec.clone()))],
            saga: Saga::new(spec),
            now: UnixMillis(START),
            wake_at: None,
            commands: Vec::new(),
            trades: 0,
            shown: BTreeMap::new(),
        }
    }

    /// A new process over the same records.
    pub(crate) fn restart(records: &[Record], now: UnixMillis) -> Self {
        Self {
            saga: Saga::replay(records).unwrap(),
            records: records.to_vec(),
            now,
            wake_at: None,
            commands: Vec::new(),
            trades: 1_000,
            shown: BTreeMap::new(),
        }
    }

    pub(crate) fn later(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
    }

    /// Goes to an engine time counted from admission.
    pub(crate) fn at(&mut self, ms: u64) {
        assert!(START + ms >= self.now.0, "time only moves forward");
        self.now = UnixMillis(START + ms);
    }

    /// One event and all the waking it asks for.
    pub(crate) fn run(&mut self, event: Event) -> Turn {
        let mut turn = Turn { records: Vec::new(), commands: Vec::new() };
        let mut event = event;
        for _ in 0..50 {
            let step = self.saga.step(self.now, &event);
            for record in &step.records {
                turn.records.push(show_record(self.saga.spec(), record));
                self.saga.apply(record).unwrap();
                self.records.push(record.clone());
            }
            assert_eq!(
                Saga::replay(&self.records).unwrap(),
                self.saga,
                "the state is a function of the records"
            );
            assert_eq!(self.saga.records() as usize, self.records.len(), "what appends count on");
            for command in &step.commands {
                let Command::Send(wave) = command else { continue };
                for send in wave {
                    let recorded = &self.saga.order(send.tag).unwrap().request;
                    assert_eq!(&send.request, recorded, "what leaves is what is recorded (S3)");
                }
            }
            let commands =
                step.commands.iter().map(|command| show_command(self.saga.spec(), command));
            // They stand for what should be under way: asking twice is asking once.
            for command in commands {
                if !turn.commands.contains(&command) {
                    turn.commands.push(command);
                }
            }
            self.commands.clone_from(&step.commands);
            self.wake_at = step.wake_at;
            let woken = event == Event::Wake;
            if step.records.is_empty() && woken {
                assert!(
                    step.wake_at.is_none_or(|at| at > self.now),
                    "a wake that records nothing must not ask for another one at once"
                );
                return turn;
            }
            event = Event::Wake;
        }
        panic!("no end of waking: {turn:?}");
    }

    pub(crate) fn wake(&mut self) -> Turn {
        self.run(Event::Wake)
    }

    /// One event that must lead to exactly these records and commands.
    #[track_caller]
    pub(crate) fn expect(&mut self, event: Event, records: &[&str], commands: &[&str]) {
        let turn = self.run(event);
        assert_eq!(turn.records, records, "records");
        assert_eq!(turn.commands, commands, "commands");
    }

    pub(crate) fn tag(&self, name: &str) -> OrderTag {
        let (leg, rest) = name.split_once('.').unwrap();
        let (role, attempt) = rest.split_at(1);
        let legs = &self.saga.spec().legs;
        let leg = legs.iter().position(|spec| spec.name.as_str() == leg);
        OrderTag {
            leg: u8::try_from(leg.unwrap()).unwrap(),
            role: if role == "e" { Role::Entry } else { Role::Unwind },
            attempt: attempt.parse().unwrap(),
        }
    }

    pub(crate) fn prepared(&self, names: &[&str]) -> Event {
        let prepared = names.iter().map(|name| self.ready(name));
        Event::Prepared(prepared.collect())
    }

    /// Clock, a book around 65000 and a position that agrees with the batch's own fills.
    pub(crate) fn ready(&self, name: &str) -> Prepared {
        let tag = self.tag(name);
        let unwind = tag.role == Role::Unwind;
        let leg = self.saga.spec().leg(tag.leg).unwrap();
        let exclusive = leg.positions == Positions::Exclusive;
        let baseline = leg.baseline.unwrap_or(Amount::ZERO);
        Prepared {
            tag,
            clock: ClockOffset { offset_ms: OFFSET_MS },
            book: unwind.then(|| book("64999.9", "65000.1")),
            position: (unwind && exclusive).then(|| baseline + self.held_at(leg)),
            others_hold: false,
        }
    }

    fn held_at(&self, leg: &LegSpec) -> Amount {
        let legs = (0_u8..).zip(&self.saga.spec().legs);
        legs.filter(|(_, other)| {
            other.venue == leg.venue && other.instrument.symbol == leg.instrument.symbol
        })
        .fold(Amount::ZERO, |sum, (index, _)| sum + self.saga.holding(index))
    }

    /// A wave prepared, recorded and handed over.
    #[track_caller]
    pub(crate) fn send(&mut self, names: &[&str]) -> Turn {
        let turn = self.run(self.prepared(names));
        assert!(turn.commands.contains(&format!("send {}", names.join(" "))), "{turn:?}");
        for name in names {
            self.run(Event::Handed(self.tag(name)));
        }
        turn
    }

    pub(crate) fn request(&self, name: &str) -> OrderRequest {
        self.saga.order(self.tag(name)).unwrap().request.clone()
    }

    /// What the venue shows of an attempt's only order.
    pub(crate) fn snapshot(&self, name: &str, state: OrderState, executed: &str) -> OrderSnapshot {
        OrderSnapshot {
            venue_order: VenueOrderId::new(&format!("venue-{name}")).unwrap(),
            client_id: self.request(name).client_id,
            state,
            executed: qty(executed),
            fills: Vec::new(),
            busted: Vec::new(),
        }
    }

    /// The same with one trade over everything executed.
    pub(crate) fn traded(
        &mut self,
        name: &str,
        state: OrderState,
        executed: &str,
    ) -> OrderSnapshot {
        let mut snapshot = self.snapshot(name, state, executed);
        if !snapshot.executed.is_zero() {
            snapshot.fills.push(self.trade(executed, "65000"));
        }
        snapshot
    }

    pub(crate) fn trade(&mut self, quantity: &str, at: &str) -> Fill {
        self.trades += 1;
        Fill {
            trade: TradeId::new(&format!("t{}", self.trades)).unwrap(),
            price: price(at),
            quantity: qty(quantity),
            fee: amount("0.01"),
            fee_asset: asset("USDT"),
            at: VenueMillis(self.now.0),
        }
    }

    pub(crate) fn placed(&mut self, name: &str, snapshot: OrderSnapshot) -> Turn {
        self.run(Event::Placed { tag: self.tag(name), snapshot })
    }

    /// A thorough look that finds these orders, or nothing.
    pub(crate) fn looked(&self, name: &str, orders: Vec<OrderSnapshot>) -> Event {
        let clock = ClockOffset { offset_ms: OFFSET_MS };
        Event::Answered {
            tag: self.tag(name),
            thorough: true,
            venue_time: clock.venue_time(self.now),
            read_until: clock.venue_time(self.now),
            orders,
            position: None,
        }
    }

    /// The same, begun now and over so many milliseconds later.
    pub(crate) fn looked_for(&self, ms: u64, name: &str, found: Vec<OrderSnapshot>) -> Event {
        match self.looked(name, found) {
            Event::Answered { tag, thorough, venue_time, orders, position, .. } => {
                let read_until = venue_time.plus_ms(ms);
                Event::Answered { tag, thorough, venue_time, read_until, orders, position }
            }
            other => other,
        }
    }

    /// The order is acknowledged, completely executed and audited at once.
    pub(crate) fn fill(&mut self, name: &str) -> Turn {
        let quantity = self.request(name).quantity.to_string();
        self.fill_partly(name, &quantity)
    }

    /// The order ended with that much executed, its trades known and audited.
    pub(crate) fn fill_partly(&mut self, name: &str, executed: &str) -> Turn {
        let whole = self.request(name).quantity == qty(executed);
        let state = if whole { ended() } else { cancelled() };
        let snapshot = self.traded(name, state, executed);
        self.shown.insert(self.tag(name), snapshot.clone());
        self.run(self.looked(name, vec![snapshot]))
    }

    /// Waits until the audits that hold back the end are due, and answers them with what was shown before.
    pub(crate) fn audit(&mut self) -> Vec<String> {
        let mut records = Vec::new();
        for _ in 0..AUDIT_ROUNDS_MAX {
            if self.ending().is_some() {
                return records;
            }
            let queries: Vec<_> = self
                .commands
                .iter()
                .filter_map(|command| match command {
                    Command::Query(query) if query.thorough => Some(query.tag),
                    _ => None,
                })
                .collect();
            if queries.is_empty() {
                self.now = self.wake_at.expect("an audit is due at some time");
                records.extend(self.wake().records);
            }
            for tag in queries {
                let name = show_tag(self.saga.spec(), tag);
                let shown = self.shown.get(&tag).cloned().into_iter().collect();
                records.extend(self.run(self.looked(&name, shown)).records);
            }
        }
        panic!("no end of auditing: {records:?}");
    }

    pub(crate) fn refuse(&mut self, name: &str, kind: RefusalKind) -> Turn {
        self.run(Event::Refused { tag: self.tag(name), refusal: refusal(kind) })
    }

    pub(crate) fn doubt(&mut self, name: &str) -> Turn {
        self.run(Event::Doubtful { tag: self.tag(name), why: "timeout".to_owned() })
    }

    pub(crate) fn ending(&self) -> Option<(Ending, String)> {
        let ended = self.saga.ended()?;
        Some((ended.ending, ended.why.clone()))
    }

    pub(crate) fn net(&self) -> String {
        self.saga.net_delta(&asset("BTC")).to_string()
    }
}

pub(crate) fn book(bid: &str, ask: &str) -> BookTop {
    BookTop { bid: Some((price(bid), qty("100"))), ask: Some((price(ask), qty("100"))) }
}

pub(crate) fn ended() -> OrderState {
    OrderState::Ended(OrderEnd::Filled)
}

pub(crate) fn cancelled() -> OrderState {
    OrderState::Ended(OrderEnd::Cancelled { reason: String::new() })
}

pub(crate) fn refusal(kind: RefusalKind) -> Refusal {
    Refusal { kind, code: "-2019".to_owned(), message: "Margin is insufficient.".to_owned() }
}

pub(crate) fn show_tag(spec: &BatchSpec, tag: OrderTag) -> String {
    let role = match tag.role {
        Role::Entry => 'e',
        Role::Unwind => 'u',
    };
    let leg = &spec.leg(tag.leg).unwrap().name;
    format!("{leg}.{role}{}", tag.attempt)
}

fn show_state(state: &OrderState) -> &'static str {
    match state {
        OrderState::Open => "open",
        OrderState::Ended(OrderEnd::Filled) => "filled",
        OrderState::Ended(OrderEnd::Cancelled { .. }) => "cancelled",
        OrderState::Ended(OrderEnd::Rejected { .. }) => "rejected",
    }
}

fn show_request(request: &OrderRequest) -> String {
    let kind = match request.kind {
        OrderKind::Market => "market".to_owned(),
        OrderKind::Limit { price, time_in_force } => format!("{price} {time_in_force}"),
    };
    let flag = if request.reduce_only { " reduce-only" } else { "" };
    format!("{} {} {kind}{flag}", request.side.as_str(), request.quantity)
}

pub(crate) fn show_record(spec: &BatchSpec, record: &Record) -> String {
    let tag = record.tag().map(|tag| show_tag(spec, tag));
    let tag = tag.unwrap_or_default();
    match record {
        Record::Admitted(_) => "admitted".to_owned(),
        Record::Intent { request, .. } => format!("intent {tag} {}", show_request(request)),
        Record::Transmission { .. } => format!("transmission {tag}"),
        Record::Sent { .. } => format!("sent {tag}"),
        Record::Unsent { .. } => format!("unsent {tag}"),
        Record::Doubted { .. } => format!("doubted {tag}"),
        Record::Refused { .. } => format!("refused {tag}"),
        Record::Observed { state, executed, .. } => {
            format!("observed {tag} {} {executed}", show_state(state))
        }
        Record::Filled { fill, .. } => format!("fill {tag} {} {}", fill.trade, fill.quantity),
        Record::Busted { fill, .. } => format!("busted {tag} {} {}", fill.trade, fill.quantity),
        Record::Audited { .. } => format!("audited {tag}"),
        Record::NotFound { .. } => format!("not found {tag}"),
        Record::Absent { .. } => format!("absent {tag}"),
        Record::Unresolved { .. } => format!("unresolved {tag}"),
        Record::Stopped { .. } => "stopped".to_owned(),
        Record::UnwindStarted { .. } => "unwind started".to_owned(),
        Record::Contradicted { position, .. } => format!("contradicted {position}"),
        Record::Alarmed { alarm, .. } => format!("alarm {alarm:?} {tag}"),
        Record::Ended { ending, .. } => format!("ended {ending:?}").to_lowercase(),
    }
}

pub(crate) fn show_command(spec: &BatchSpec, command: &Command) -> String {
    let tags = |tags: &mut dyn Iterator<Item = OrderTag>| {
        let shown: Vec<_> = tags.map(|tag| show_tag(spec, tag)).collect();
        shown.join(" ")
    };
    match command {
        Command::Prepare(wave) => format!("prepare {}", tags(&mut wave.iter().copied())),
        Command::Send(wave) => format!("send {}", tags(&mut wave.iter().map(|send| send.tag))),
        Command::Query(query) => {
            let depth = if query.thorough { " thorough" } else { "" };
            let haste = if query.urgent { " urgent" } else { "" };
            format!("query {}{depth}{haste}", show_tag(spec, query.tag))
        }
        Command::Cancel(tag) => format!("cancel {}", show_tag(spec, *tag)),
    }
}
