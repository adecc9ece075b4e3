//! Events in any order and with any content, after a valid admission: no panic, no record that does not fit, no end of
//! records without an end of time, and a replay that equals the live batch.

use equipoise_core::{
    Amount, Asset, BookTop, ClientOrderId, ClockOffset, Command, Event, Fill, OrderEnd,
    OrderSnapshot, OrderState, OrderTag, Prepared, Qty, Record, Refusal, RefusalKind, Role, Saga,
    TradeId, UnixMillis, VenueMillis, VenueOrderId,
};

use crate::source::Source;
use crate::specs::{START, price, qty, spec};

/// Steps that may follow one event at one moment; more is a loop without end.
const STEPS_MAX: usize = 64;
/// Events of one run.
const EVENTS_MAX: usize = 60;

struct Run<'a, 'b> {
    source: &'a mut Source<'b>,
    saga: Saga,
    records: Vec<Record>,
    now: UnixMillis,
    /// What the last step wants to be under way.
    commands: Vec<Command>,
    wake_at: Option<UnixMillis>,
}

/// One batch and the events that befall it. True if an order was sent and something became known about it.
pub fn saga(bytes: &[u8]) -> bool {
    let records = records(&mut Source::new(bytes));
    let known = |record: &Record| matches!(record, Record::Observed { .. } | Record::Filled { .. });
    records.iter().any(known)
}

/// What a batch records under the events a source chooses.
pub(crate) fn records(source: &mut Source<'_>) -> Vec<Record> {
    let spec = spec(source);
    let mut run = Run {
        records: vec![Record::Admitted(Box::new(spec.clone()))],
        saga: Saga::new(spec),
        source,
        now: UnixMillis(START),
        commands: Vec::new(),
        wake_at: None,
    };
    run.handle(&Event::Wake);
    for _ in 0..EVENTS_MAX {
        if run.source.is_empty() {
            break;
        }
        run.pass_time();
        let event = run.event();
        run.handle(&event);
    }
    run.check();
    run.records
}

impl Run<'_, '_> {
    /// One event and every step that is due at once after it.
    fn handle(&mut self, event: &Event) {
        self.step(event);
        for _ in 0..STEPS_MAX {
            if self.wake_at.is_none_or(|at| at > self.now) {
                return;
            }
            if !self.step(&Event::Wake) && self.wake_at.is_some_and(|at| at <= self.now) {
                panic!("a step without records asks to be called again at once: {:?}", self.saga);
            }
        }
        panic!("more than {STEPS_MAX} steps at one moment");
    }

    fn step(&mut self, event: &Event) -> bool {
        let step = self.saga.step(self.now, event);
        for record in &step.records {
            if let Err(error) = self.saga.apply(record) {
                panic!("{record:?} does not fit: {error}");
            }
        }
        let recorded = !step.records.is_empty();
        self.records.extend(step.records);
        self.commands = step.commands;
        self.wake_at = step.wake_at;
        recorded
    }

    fn pass_time(&mut self) {
        let ms = match self.source.byte() % 8 {
            0..4 => 0,
            4 => u64::from(self.source.byte()),
            5 => 1_000,
            6 => self.wake_at.map_or(500, |at| at.since(self.now)),
            _ => u64::from(self.source.byte()) * 100,
        };
        self.now = self.now.plus_ms(ms);
    }

    fn event(&mut self) -> Event {
        let tag = self.tag();
        match self.source.byte() % 16 {
            0 | 1 => Event::Wake,
            2 => Event::Stop,
            3 => Event::Resumed,
            4..8 => Event::Prepared(self.prepared()),
            8 => Event::Handed(tag),
            9 => Event::NotSent { tag, why: "connection refused".to_owned() },
            10 | 11 => Event::Placed { tag, snapshot: self.snapshot(tag) },
            12 => Event::Refused { tag, refusal: self.refusal() },
            13 => Event::Doubtful { tag, why: "no answer".to_owned() },
            14 => self.answered(tag),
            _ if self.source.odds(40) => Event::Unanswerable { tag, why: "revoked".to_owned() },
            _ => self.answered(tag),
        }
    }

    /// An attempt of the batch, or one that does not exist.
    fn tag(&mut self) -> OrderTag {
        let known: Vec<OrderTag> = self.saga.orders().map(|(tag, _)| tag).collect();
        if known.is_empty() || self.source.odds(16) {
            let role = self.source.pick(&[Role::Entry, Role::Unwind]);
            let (leg, attempt) = (self.source.byte() % 6, u16::from(self.source.byte() % 4));
            return OrderTag { leg, role, attempt };
        }
        self.source.pick(&known)
    }

    /// What was asked for, or something else.
    fn prepared(&mut self) -> Vec<Prepared> {
        let asked = self.commands.iter().find_map(|command| match command {
            Command::Prepare(tags) => Some(tags.clone()),
            _ => None,
        });
        let mut tags = asked.unwrap_or_default();
        if self.source.odds(16) {
            tags.push(self.tag());
        }
        tags.into_iter().map(|tag| self.ready(tag)).collect()
    }

    fn ready(&mut self, tag: OrderTag) -> Prepared {
        let side = |at: &str, size: &str| Some((price(at), qty(size)));
        let books = [
            Some(BookTop { bid: side("64999.9", "5"), ask: side("65000", "5") }),
            Some(BookTop { bid: side("65001", "5"), ask: side("65000", "5") }),
            Some(BookTop { bid: None, ask: side("0.1", "0.001") }),
            None,
        ];
        let index = self.source.byte();
        Prepared {
            tag,
            clock: ClockOffset { offset_ms: self.source.pick(&[0, 250, -4_000]) },
            book: books[usize::from(if index < 160 { 0 } else { index % 4 })],
            position: self.position(),
            others_hold: self.source.odds(32),
        }
    }

    fn position(&mut self) -> Option<Amount> {
        let positions = [None, Some("0.1"), Some("0"), Some("0.2"), Some("50"), Some("0.05")];
        let position = self.source.pick(&positions)?;
        let amount: Amount = position.parse().expect("a plain number");
        Some(if self.source.odds(100) { -amount } else { amount })
    }

    fn refusal(&mut self) -> Refusal {
        let kind = self.source.pick(&[
            RefusalKind::Final,
            RefusalKind::Transient,
            RefusalKind::RateLimited { retry_after_ms: 1_500 },
            RefusalKind::RateLimited { retry_after_ms: u64::MAX },
            RefusalKind::ReduceOnly,
            RefusalKind::Credentials,
        ]);
        Refusal { kind, code: "1".to_owned(), message: "refused".to_owned() }
    }

    fn answered(&mut self, tag: OrderTag) -> Event {
        let count = self.source.byte() % 3;
        let orders = (0..count).map(|_| {
            let of = if self.source.odds(200) { tag } else { self.tag() };
            self.snapshot(of)
        });
        let orders = orders.collect();
        let offset = self.source.pick(&[0_u64, 250, 10_000]);
        let took = self.source.pick(&[0_u64, 20, 5_000]);
        Event::Answered {
            tag,
            thorough: self.source.odds(160),
            venue_time: VenueMillis(self.now.0 + offset),
            read_until: VenueMillis(self.now.0 + offset + took),
            orders,
            position: self.position(),
        }
    }

    /// Anything a venue might show of an order, also what goes back, contradicts itself or exceeds the order.
    fn snapshot(&mut self, tag: OrderTag) -> OrderSnapshot {
        let asked = self.saga.order(tag).map(|order| order.request.clone());
        let client_id = asked.as_ref().map(|request| request.client_id.clone());
        let client_id = client_id.unwrap_or_else(|| ClientOrderId::new("foreign").expect("an id"));
        let whole = asked.map_or_else(|| qty("0.1"), |request| request.quantity);
        let executed = match self.source.byte() % 8 {
            0..3 => whole,
            3 | 4 => Qty::ZERO,
            5 => qty("0.001"),
            6 => qty("0.0005"),
            _ => qty("999999999"),
        };
        let number = self.source.byte() % 3;
        OrderSnapshot {
            venue_order: VenueOrderId::new(&format!("{}{number}", tag.leg)).expect("an id"),
            client_id,
            state: self.state(),
            executed,
            fills: self.fills(executed),
            busted: Vec::new(),
        }
    }

    fn state(&mut self) -> OrderState {
        let reason = "because".to_owned();
        self.source.pick(&[
            OrderState::Open,
            OrderState::Ended(OrderEnd::Filled),
            OrderState::Ended(OrderEnd::Filled),
            OrderState::Ended(OrderEnd::Cancelled { reason: reason.clone() }),
            OrderState::Ended(OrderEnd::Rejected { reason }),
        ])
    }

    fn fills(&mut self, executed: Qty) -> Vec<Fill> {
        if executed.is_zero() || self.source.odds(40) {
            return Vec::new();
        }
        let trade = TradeId::new(&format!("t{}", self.source.byte() % 4)).expect("an id");
        let assets = ["USDT", "BTC", "BNB"];
        vec![Fill {
            trade,
            price: price(self.source.pick(&["65000", "0.1", "999999999"])),
            quantity: if self.source.odds(32) { qty("0.0001") } else { executed },
            fee: self.source.pick(&["0.01", "0", "5"]).parse().expect("a plain number"),
            fee_asset: Asset::new(self.source.pick(&assets)).expect("an asset"),
            at: VenueMillis(self.now.0),
        }]
    }

    fn check(&self) {
        let again = Saga::replay(&self.records).expect("what was recorded replays");
        assert_eq!(again, self.saga, "a replay equals the live batch");
        assert_eq!(again.report(self.now), self.saga.report(self.now));
        let next = self.saga.step(self.now, &Event::Wake);
        assert_eq!(next, again.step(self.now, &Event::Wake), "a step depends on the state alone");
    }
}
